"""An administrator couples publishers on the page, without a terminal: one that sends, and one that is fetched from.

From a school that has nothing to the first results, in ten minutes: what a person has to do is counted, and acts take
what the keystroke-level model says (Card, Moran and Newell 1980), at its slowest for typing. Pages are read whole.
"""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page

from connectors.simulator import requests, server
from connectors.simulator.school import HORIZON
from dashboard.auth.request import AppOptions
from dashboard.auth.sessions import DemoUser
from dashboard.server.wsgi import create_app
from dashboard.settings.schema import Receive
from dashboard.worker.context import WorkContext
from dashboard.worker.loop import work_once
from models.access.viewer import Role
from models.ingest import schools
from models.ingest.schools import Identification
from models.schema import clock, database
from tests.browser.conftest import Served, Watched, address_of
from tests.conftest import Store
from tests.connectors.sending import Account, enveloped
from tests.dashboard import school
from tests.uwlr.messages import message

SAM = DemoUser("sam", "Sam de Groot", Role.ADMINISTRATOR, None, 1)
TEN_MINUTES = 600.0
THINK, POINT, PRESS, HAND = 1.35, 1.1, 0.2, 0.4  # seconds: to prepare an act, to point, to press, to move a hand
KEY = 0.75  # seconds a character, of "complex codes", which nobody pastes
WORDS_A_MINUTE = 150.0  # of somebody who reads slowly


@pytest.fixture
def served(store: Store, port: int) -> Iterator[Served]:
    """A school without any connection, and its administrator."""
    with clock.fixed(school.NOW):
        with database.write_transaction(store.engine) as connection:
            schools.ensure_school(connection, [Identification("brin", "99XX")], "De Horizon")
        app = create_app(store.engine, store.cipher, AppOptions(demo=True, users=[SAM]))
        with address_of(app, port) as address:
            yield Served(store, address, app)


@dataclass
class Person:
    """Somebody who does what a test does, counted; the seconds are those that a person needs, without the machine."""

    page: Page
    clicks: int = 0
    fields: int = 0
    pages: int = 0
    seconds: float = 0.0
    begun: float = field(default_factory=time.monotonic)

    def click(self, selector: str) -> None:
        self.page.click(selector)
        self.clicks += 1
        self.seconds += THINK + POINT + PRESS

    def fill(self, selector: str, text: str) -> None:
        self.page.fill(selector, text)
        self.type(text)

    def type(self, text: str) -> None:
        """Type a text, here or at the publisher."""
        self.fields += 1
        self.seconds += THINK + POINT + PRESS + 2 * HAND + KEY * len(text)

    def read(self, selector: str) -> None:
        """Wait for a page or an outcome, and read all of it."""
        self.page.wait_for_selector(selector)
        self.pages += 1
        self.seconds += len(self.page.inner_text("main").split()) / WORDS_A_MINUTE * 60

    def done(self, what: str) -> None:
        """Print what it took, and hold it against ten minutes."""
        machine = time.monotonic() - self.begun
        total = self.seconds + machine
        print(
            f"coupling {what}: {self.pages} pages read, {self.clicks} clicks, {self.fields} fields; a person "
            f"{self.seconds:.0f} s, the machine {machine:.1f} s, together {total / 60:.1f} of 10 minutes"
        )
        assert total <= TEN_MINUTES


def test_a_publisher_sends_with_what_the_page_shows_once(watched: Watched) -> None:
    page, person = watched.page, Person(watched.page)
    watched.open("/koppelingen")
    person.read("main h1")
    assert page.locator("#sources tbody tr").count() == 0
    person.click("a:has-text('Koppeling toevoegen')")
    person.read("#kinds")
    person.click("a:has-text('Een uitgever die zelf resultaten stuurt')")
    person.read("#sender")
    page.fill("#sender input[name=naam]", "x" * 3 + "\u200b")
    page.click("#sender button[type=submit]")
    page.wait_for_selector("#sender .wrong:has-text('Vul de naam')")
    assert page.input_value("#sender input[name=naam]").startswith("xxx")
    person.fill("#sender input[name=naam]", "Spelsprong")
    person.click("#sender button[type=submit]")
    person.read("#told .once")
    names, texts = page.locator("#told dt").all_inner_texts(), page.locator("#told dd code").all_inner_texts()
    shown = dict(zip(names, texts, strict=True))
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])  # which a browser with windows does itself
    page.click("#told button:has-text('Kopiëren') >> nth=-1")
    page.wait_for_selector("#told button:has-text('Gekopieerd')")
    assert page.evaluate("navigator.clipboard.readText()") == texts[-1]
    page.context.clear_permissions()
    watched.complaints.clear()  # of the field that was wrong
    for text in texts:  # as if there were no button to copy it
        person.type(text)
    header = Account(shown["Klantcode"], shown["Klantnaam"], shown["Autorisatiesleutel"]).header
    address = urlsplit(shown["Adres"])
    connection = http.client.HTTPConnection(address.netloc, timeout=30)
    connection.request("POST", address.path, enveloped(message(), header), {"Content-Type": "text/xml"})
    assert connection.getresponse().status == 200
    connection.close()
    page.reload()
    page.wait_for_selector("#keys")
    assert shown["Autorisatiesleutel"] not in page.content()
    person.click(".back")
    person.read("#sources tr:has-text('Spelsprong'):has-text('Werkt')")
    assert page.get_attribute("#sources tr:has-text('Spelsprong')", "data-received") == "1"
    person.done("a publisher that sends")


def test_a_publisher_is_tried_from_the_page_taken_in_use_and_its_results_arrive(
    watched: Watched, served: Served
) -> None:
    page, key, person = watched.page, requests.key_for("rekenwijs", HORIZON), Person(watched.page)
    worker = WorkContext(served.store.engine, served.store.cipher, receive=Receive(check_loopback=True))
    with server.running() as ports:
        watched.open("/koppelingen")
        person.read("main h1")
        assert page.locator("#sources tbody tr").count() == 0
        person.click("a:has-text('Koppeling toevoegen')")
        person.read("#kinds")
        person.click("a:has-text('waar wij resultaten ophalen')")
        person.read("#source")
        person.fill("#source input[name=naam]", "Rekenwijs")
        person.fill("#source input[name=address]", "http://rekenwijs.nl/uwlr")
        person.fill("#source input[name=customer_code]", requests.CUSTOMER_CODE)
        person.fill("#source input[name=customer_name]", requests.CUSTOMER_NAME)
        person.fill("#source input[name=key]", key)
        person.click("#source button:has-text('Proberen')")
        page.wait_for_selector("#source .wrong:has-text('Adres is geen adres')")
        assert page.input_value("#source input[name=key]") == key  # what was typed is still there
        watched.complaints.clear()  # of the field that was wrong
        person.fill("#source input[name=address]", f"http://127.0.0.1:{ports['rekenwijs']}/")
        person.click("#source button:has-text('Proberen')")
        page.wait_for_selector("#trial-outcome:has-text('Een ogenblik')")
        assert work_once(worker)
        person.read("#trial-outcome:has-text('Het werkt.')")
        assert key not in page.content()
        person.click("button:has-text('In gebruik nemen')")
        page.wait_for_selector("#told:has-text('In gebruik')")
        while work_once(worker):
            pass
    page.reload()
    person.read("#sources tr:has-text('Rekenwijs'):has-text('werkt')")
    row = page.locator("#sources tr:has-text('Rekenwijs')")
    assert int(row.get_attribute("data-received") or 0) > 100
    person.done("a publisher to fetch from, with an address that was wrong at first")
