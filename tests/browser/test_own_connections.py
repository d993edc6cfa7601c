"""An administrator couples publishers on the page, without a terminal: one that sends, and one that is fetched from."""

from __future__ import annotations

import http.client
from urllib.parse import urlsplit

from tests.browser.conftest import Watched
from tests.connectors.sending import Account, enveloped
from tests.uwlr.messages import message


def test_a_publisher_sends_with_what_the_page_shows_once(watched: Watched) -> None:
    page = watched.page
    watched.open("/groep")
    watched.become("Sam de Groot")
    watched.open("/koppelingen")
    page.click("a:has-text('Koppeling toevoegen')")
    page.wait_for_selector("h1:has-text('Koppeling toevoegen')")
    page.fill("#sender input[name=naam]", "x" * 3 + "\u200b")
    page.click("#sender button[type=submit]")
    page.wait_for_selector("#sender .wrong:has-text('Vul de naam')")
    assert page.input_value("#sender input[name=naam]").startswith("xxx")
    page.fill("#sender input[name=naam]", "Spelsprong")
    page.click("#sender button[type=submit]")
    page.wait_for_selector("#told .once")
    names, texts = page.locator("#told dt").all_inner_texts(), page.locator("#told dd code").all_inner_texts()
    shown = dict(zip(names, texts, strict=True))
    page.click("#told button:has-text('Kopiëren') >> nth=-1")
    page.wait_for_selector("#told button:has-text('Gekopieerd')")
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
