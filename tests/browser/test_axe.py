"""Every page without violations of WCAG 2.0 and 2.1, A and AA, by axe-core: light and dark, on three widths."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from connectors.intake.judge import spool
from connectors.intake.push import ReceiverContext, deliver
from dashboard.auth.request import SCHEME_COOKIE, AppOptions
from dashboard.server.wsgi import create_app
from dashboard.settings.schema import Receive
from dashboard.text.translate import translations
from dashboard.worker.context import WorkContext
from dashboard.worker.loop import work_once
from models.access.accounts import show_own_page
from models.ingest.schools import Identification
from models.schema import clock, database
from models.schema.store_key import open_encrypted
from models.schema.terms import SenderTerms
from tests.browser.conftest import Served, address_of
from tests.conftest import Store
from tests.connectors.loopback import serving
from tests.connectors.sending import account, enveloped
from tests.dashboard import school
from tests.dashboard.conftest import PERSONAS, PUPIL
from tests.dashboard.page_list import OPEN_PAGES, address, first_viewer
from tests.peers import npm
from tests.uwlr.messages import message

WIDTHS = (360, 768, 1920)
TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa")
CONTRAST = ("color-contrast",)  # all that the dark colours can change
RUN = """only => axe.run(document, {runOnly: only, resultTypes: ['violations']}).then(found => found.violations.map(
    one => [one.id, one.help, one.nodes.map(node => node.target.join(' ') + ': ' + node.failureSummary)]))"""

NOWHERE, NO_PAGE = "/nergens", translations("nl").gettext("There is no such page")

# Addresses by who looks at them: every page, and views of some.
LOOKED_AT_BY = {"my_pupils": "Noa Berg", "handover": "Noa Berg", "materials": "Iris Smit"}
USERS = (*PERSONAS, PUPIL)
PAGES = {
    **{address(page): LOOKED_AT_BY.get(page.name) or first_viewer(page, USERS).name for page in OPEN_PAGES},
    "/groep?weergave=materiaal": "Hanna Vos",
    "/groep?stand=norm": "Hanna Vos",
    "/leerlingen?vraag=stof": "Noa Berg",
    "/leerlingen?vraag=klaar": "Noa Berg",
    "/koppelingen/nieuw?soort=las": "Sam de Groot",
    "/leerlinggegevens?klas=1-1": "Sam de Groot",
    "/leerlinggegevens?leerling=1-1": "Iris Smit",
    "/groep?klas=1": "Sam de Groot",  # who is told what the role is for
    NOWHERE: "Hanna Vos",
}


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The known school behind an address, once for all pages."""
    folder = tmp_path_factory.mktemp("axe")
    engine = database.open_engine(database.sqlite_url(folder))
    store = Store(engine, open_encrypted(engine, folder))
    with clock.fixed(school.NOW):
        school.build(store.engine, store.cipher)
        app = create_app(store.engine, store.cipher, AppOptions(demo=True, users=USERS))
        with database.write_transaction(engine, school.SCHOOL) as connection:
            show_own_page(connection, PERSONAS[3].viewer, True)
        with address_of(app) as address:
            yield Served(store, address, app)
    store.engine.dispose()


@pytest.fixture(scope="module")
def axe() -> str:
    """The program of axe-core."""
    return (npm.installed(Path(__file__).parent / "node") / "axe-core" / "axe.min.js").read_text()


@pytest.fixture(scope="module")
def visits(browser: Browser, shown: Served) -> Iterator[dict[str, BrowserContext]]:
    """A browser session of each persona."""
    found: dict[str, BrowserContext] = {}
    for name in sorted(set(PAGES.values())):
        context = browser.new_context(viewport={"width": WIDTHS[0], "height": 900}, reduced_motion="reduce")
        shown.enter(context)
        page = context.new_page()
        page.goto(f"{shown.address}/toegankelijkheid")
        page.wait_for_selector("main h1")
        with page.expect_navigation():  # a page that is closed before never gets the cookie of the new session
            page.evaluate(f"""document.evaluate("//button[@name='persona'][contains(., '{name}')]", document, null,
                XPathResult.FIRST_ORDERED_NODE_TYPE).singleNodeValue.click()""")
        page.wait_for_selector(f"#who > summary:has-text('{name}')", state="attached")
        page.close()
        found[name] = context
    yield found
    for context in found.values():
        context.close()


@pytest.mark.parametrize("path", PAGES)
def test_a_page_has_no_violation_at_any_width(
    path: str, visits: dict[str, BrowserContext], shown: Served, axe: str
) -> None:
    page = visits[PAGES[path]].new_page()
    page.goto(shown.address + path)
    page.wait_for_selector("main h1")
    assert (page.inner_text("main h1") == NO_PAGE) == (path == NOWHERE)
    found = violations(page, axe)
    page.close()
    assert found == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_charts_have_no_violation(scheme: str, visits: dict[str, BrowserContext], shown: Served, axe: str) -> None:
    context = visits["Hanna Vos"]
    context.add_cookies([{"name": SCHEME_COOKIE, "value": scheme, "url": shown.address}])
    page = context.new_page()
    page.goto(f"{shown.address}/leerling/1")
    page.wait_for_selector(".js-plotly-plot .main-svg text")  # the server gives charts their colours
    assert page.evaluate("document.documentElement.dataset.colours") == scheme
    page.evaluate(axe)
    found = page.evaluate(RUN, list(TAGS))
    page.close()
    context.clear_cookies(name=SCHEME_COOKIE)
    assert found == []


def violations(page: Page, axe: str) -> dict[str, Any]:
    """What axe finds on each width, with everything that folds open; then in dark colours."""
    page.evaluate("document.querySelectorAll('main details').forEach(one => { one.open = true; })")
    page.evaluate(axe)
    assert page.evaluate("document.documentElement.dataset.colours") == "light"
    found: dict[str, Any] = {}
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        found[f"light {width}"] = page.evaluate(RUN, list(TAGS))
    page.evaluate("document.documentElement.dataset.colours = 'dark'")
    for width in (WIDTHS[-1], WIDTHS[0]):
        page.set_viewport_size({"width": width, "height": 900})
        found[f"dark {width}"] = page.evaluate(RUN, list(CONTRAST))
    page.evaluate("document.documentElement.dataset.colours = 'light'")
    return {where: several for where, several in found.items() if several}


def test_a_test_address_and_a_result_have_no_violation(
    visits: dict[str, BrowserContext], shown: Served, axe: str, tmp_path: Path
) -> None:
    page, file = visits["Sam de Groot"].new_page(), tmp_path / "bericht.xml"
    page.goto(f"{shown.address}/toets")
    page.click("button:has-text('Maak een proefadres')")
    page.wait_for_selector("#account")
    found = [violations(page, axe)]
    file.write_bytes(message(scores=["7,4", "8"]))
    page.goto(f"{shown.address}/toets")
    page.set_input_files("#upload input", file)
    page.wait_for_selector("text=De test begint zo.")
    assert work_once(WorkContext(shown.store.engine, shown.store.cipher))
    page.wait_for_selector("#headline")
    found.append(violations(page, axe))
    page.close()
    assert found == [{}, {}]


def test_what_a_sender_is_given_and_a_field_that_is_wrong_have_no_violation(
    visits: dict[str, BrowserContext], shown: Served, axe: str
) -> None:
    page = visits["Sam de Groot"].new_page()
    page.goto(f"{shown.address}/koppelingen/nieuw?soort=afzender")
    page.fill("#sender input[name=naam]", "x" * 41)
    page.click("#sender button[type=submit]")
    page.wait_for_selector("#sender .wrong")
    found = [violations(page, axe)]
    page.fill("#sender input[name=naam]", f"Spelsprong {token_hex(4)}")
    page.click("#sender button[type=submit]")
    page.wait_for_selector("#told .once")
    found.append(violations(page, axe))
    page.close()
    assert found == [{}, {}]


HOSTILE = "<script>document.title='run'</script><img src=x onerror=\"document.title='run'\">\u202e" + "w" * 3_000


def test_a_run_against_a_hostile_address_is_text_that_wraps_and_says_what_changed(
    visits: dict[str, BrowserContext], shown: Served, axe: str
) -> None:
    answers = [b"<x>right</x>", f"<x>{HOSTILE}</x>".encode()]
    page = visits["Sam de Groot"].new_page()
    worker = WorkContext(shown.store.engine, shown.store.cipher, receive=Receive(check_loopback=True))
    with serving(lambda handler: handler.say(answers[0], 500, "text/xml")) as peer:
        for number in range(2):
            page.goto(f"{shown.address}/toets")
            page.wait_for_load_state("networkidle")
            for name, value in (
                ("url", peer.url),
                ("brin", "99XX"),
                ("customer_code", "K"),
                ("customer_name", "Klant"),
            ):
                page.fill(f"#endpoint-{name}", value)
            page.fill("#endpoint-key", "geheime-sleutel")
            page.click("#endpoint-call")
            page.wait_for_selector("text=De test begint zo.")
            assert work_once(worker)
            page.wait_for_selector("#changes")
            answers = answers[1:] or answers
            assert page.locator("#changes").inner_text().count("Nog steeds") == number
    page.click("#scenarios details summary >> nth=0")
    answer = page.locator("#scenarios pre").nth(1)
    assert "<script>document.title" in answer.inner_text()
    assert "[U+202E]wwww" in answer.inner_text()
    assert "geheime-sleutel" not in page.content()
    assert page.locator("main script, main img").count() == 0
    assert "run" not in page.title()
    page.set_viewport_size({"width": WIDTHS[0], "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert answer.evaluate("one => one.scrollWidth <= one.clientWidth")
    found = violations(page, axe)
    page.close()
    assert found == {}


def test_an_address_with_a_clause_shows_that_clause(visits: dict[str, BrowserContext], shown: Served) -> None:
    page = visits["Sam de Groot"].new_page()
    page.goto(f"{shown.address}/toets/eisen#uwlr-2-2-tpscore")
    page.wait_for_selector("#requirements article:target h3:has-text('UWLR 2.2 tpScore')")
    page.wait_for_function("document.querySelector(':target').getBoundingClientRect().top < innerHeight")
    page.click("#levels-choice a:has-text('Sleutels')")
    page.wait_for_selector("#levels-choice [aria-current]:has-text('Sleutels')")
    assert page.url.endswith("/toets/eisen?niveau=keys")
    assert 0 < page.locator("#requirements article").count() < 30
    page.close()


def test_what_erasing_deletes_and_a_name_that_is_wrong_have_no_violation(
    visits: dict[str, BrowserContext], shown: Served, axe: str
) -> None:
    page = visits["Sam de Groot"].new_page()
    page.goto(f"{shown.address}/leerlinggegevens?leerling=1-1")
    page.wait_for_selector("#erase")
    found = [violations(page, axe)]
    page.click("#erase button")
    page.wait_for_url("**/leerlinggegevens/wissen/*")
    assert work_once(WorkContext(shown.store.engine, shown.store.cipher))
    page.wait_for_selector("#confirm")  # which the page shows by itself
    page.fill("#confirm input", "Iemand anders")
    page.click("#confirm button")
    page.wait_for_selector("#confirm .wrong")
    found.append(violations(page, axe))
    page.close()
    assert found == [{}, {}]


def test_menus_and_explanations_have_no_violation_when_they_are_open(
    visits: dict[str, BrowserContext], shown: Served, axe: str
) -> None:
    page = visits["Hanna Vos"].new_page()
    page.goto(shown.address + "/leerling/1")
    page.wait_for_selector("main h1")
    page.evaluate(axe)
    found = []
    page.click(".burger > summary")
    found += page.evaluate(RUN, list(TAGS))
    page.keyboard.press("Escape")
    page.set_viewport_size({"width": 1920, "height": 900})
    page.click("#who > summary")
    found += page.evaluate(RUN, list(TAGS))
    page.keyboard.press("Escape")
    page.locator("main .num").first.click()
    page.wait_for_selector(".how h3")
    found += page.evaluate(RUN, list(TAGS))
    page.close()
    assert found == []


def test_what_is_said_of_a_request_that_failed_and_of_typed_text_has_no_violation(
    visits: dict[str, BrowserContext], shown: Served, axe: str
) -> None:
    page = visits["Hanna Vos"].new_page()
    page.goto(shown.address + "/leerling/1")
    page.wait_for_selector("#notes form", state="attached")
    page.evaluate("document.querySelector('#notes form').closest('details').open = true")
    page.fill("#note-text", "Werkt graag samen.")
    page.reload()
    page.wait_for_selector("#notes .draft")
    page.route("**/_dash-update-component*", lambda item: item.fulfill(status=500, body=""))
    page.evaluate("document.querySelector('.brand').click()")
    page.wait_for_selector("#trouble button")
    found = violations(page, axe)
    assert page.locator("#trouble").evaluate("one => one.getBoundingClientRect().height") < 300
    page.close()
    assert found == {}


def test_a_picture_without_a_word_is_a_violation(browser: Browser, axe: str) -> None:
    page = browser.new_page()
    page.set_content("<html lang='nl'><title>t</title><main><h1>h</h1><img src='data:,'></main></html>")
    page.evaluate(axe)
    assert [item[0] for item in page.evaluate(RUN, list(TAGS))] == ["image-alt"]
    page.close()


def test_a_refused_message_and_what_is_not_there_have_no_violation(
    visits: dict[str, BrowserContext], shown: Served, axe: str
) -> None:
    sender = account(
        shown.store.engine, shown.store.cipher, f"Rekenwijs {token_hex(4)}", Identification("brin", "99XX"),
        terms=SenderTerms(versions=("2.3",)),
    )  # fmt: skip
    receiver = ReceiverContext(shown.store.engine, shown.store.cipher)
    with spool([enveloped(message(leerlingid="leerling-4711"), sender.header)]) as spooled:
        refused = deliver(receiver, spooled).delivery_id
    page = visits["Sam de Groot"].new_page()
    page.goto(f"{shown.address}/koppelingen")
    page.click(f"form[action$='/geweigerd/{refused}'] button")
    page.wait_for_url("**/koppelingen/bericht/*")
    assert work_once(WorkContext(shown.store.engine, shown.store.cipher))
    page.wait_for_selector("#refused-content pre")
    found = [violations(page, axe)]
    page.goto(f"{shown.address}/groep/bestand/weg.csv")
    page.wait_for_selector("h1")
    found.append(violations(page, axe))
    page.close()
    assert found == [{}, {}]
