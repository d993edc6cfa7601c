"""An administrator couples publishers on the page, without a terminal: one that sends, and one that is fetched from."""

from __future__ import annotations

import http.client
from urllib.parse import urlsplit

from connectors.simulator import requests, server
from connectors.simulator.school import HORIZON
from dashboard.settings.schema import Receive
from dashboard.worker.context import WorkContext
from dashboard.worker.loop import work_once
from tests.browser.conftest import Served, Watched
from tests.connectors.sending import Account, enveloped
from tests.uwlr.messages import message


def test_a_publisher_sends_with_what_the_page_shows_once(watched: Watched) -> None:
    page = watched.page
    watched.open("/groep")
    watched.become("Sam de Groot")
    watched.open("/koppelingen")
    page.click("a:has-text('Koppeling toevoegen')")
    page.click("a:has-text('Een uitgever die zelf resultaten stuurt')")
    page.fill("#sender input[name=naam]", "x" * 3 + "\u200b")
    page.click("#sender button[type=submit]")
    page.wait_for_selector("#sender .wrong:has-text('Vul de naam')")
    assert page.input_value("#sender input[name=naam]").startswith("xxx")
    page.fill("#sender input[name=naam]", "Spelsprong")
    page.click("#sender button[type=submit]")
    page.wait_for_selector("#told .once")
    names, texts = page.locator("#told dt").all_inner_texts(), page.locator("#told dd code").all_inner_texts()
    shown = dict(zip(names, texts, strict=True))
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])  # which a browser with windows does itself
    page.click("#told button:has-text('Kopiëren') >> nth=-1")
    page.wait_for_selector("#told button:has-text('Gekopieerd')")
    assert page.evaluate("navigator.clipboard.readText()") == texts[-1]
    page.context.clear_permissions()
    watched.complaints.clear()  # of the field that was wrong
    header = Account(shown["Klantcode"], shown["Klantnaam"], shown["Autorisatiesleutel"]).header
    address = urlsplit(shown["Adres"])
    connection = http.client.HTTPConnection(address.netloc, timeout=30)
    connection.request("POST", address.path, enveloped(message(), header), {"Content-Type": "text/xml"})
    assert connection.getresponse().status == 200
    connection.close()
    page.reload()
    page.wait_for_selector("#keys")
    assert shown["Autorisatiesleutel"] not in page.content()
    watched.open("/koppelingen")
    page.wait_for_selector("#sources tr:has-text('Spelsprong'):has-text('Werkt')")


def test_a_publisher_is_tried_from_the_page_taken_in_use_and_its_results_arrive(
    watched: Watched, served: Served
) -> None:
    page, key = watched.page, requests.key_for("rekenwijs", HORIZON)
    worker = WorkContext(served.store.engine, served.store.cipher, receive=Receive(check_loopback=True))
    watched.open("/groep")
    watched.become("Sam de Groot")
    with server.running() as ports:
        watched.open("/koppelingen/nieuw")
        page.click("a:has-text('waar wij resultaten ophalen')")
        page.fill("#source input[name=naam]", "Rekenwijs")
        page.fill("#source input[name=address]", "http://rekenwijs.nl/uwlr")
        page.fill("#source input[name=customer_code]", requests.CUSTOMER_CODE)
        page.fill("#source input[name=customer_name]", requests.CUSTOMER_NAME)
        page.fill("#source input[name=key]", key)
        page.click("#source button:has-text('Proberen')")
        page.wait_for_selector("#source .wrong:has-text('Adres is geen adres')")
        assert page.input_value("#source input[name=key]") == key  # what was typed is still there
        watched.complaints.clear()  # of the field that was wrong
        page.fill("#source input[name=address]", f"http://127.0.0.1:{ports['rekenwijs']}/")
        page.click("#source button:has-text('Proberen')")
        page.wait_for_selector("#trial-outcome:has-text('Een ogenblik')")
        assert work_once(worker)
        page.wait_for_selector("#trial-outcome:has-text('Het werkt.')")
        assert key not in page.content()
        page.click("button:has-text('In gebruik nemen')")
        page.wait_for_selector("#told:has-text('In gebruik')")
        while work_once(worker):
            pass
    watched.open("/koppelingen")
    row = page.locator("#sources tr:has-text('Rekenwijs')")
    assert "werkt" in row.inner_text()
    assert int(row.get_attribute("data-received") or 0) > 100
