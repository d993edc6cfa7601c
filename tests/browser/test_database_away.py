"""A PostgreSQL that stops: what somebody sees who opens a page, and who has one open."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from dashboard.auth.request import AppOptions
from dashboard.server.wsgi import create_app
from models.schema import clock
from models.schema.database import open_engine
from models.schema.store_key import open_encrypted
from tests.browser.conftest import Served, address_of
from tests.conftest import PostgresServer, Store, postgres_server
from tests.dashboard import school
from tests.dashboard.conftest import PERSONAS

BANNER = "#trouble"
SENTENCES = {
    "nl": ("De database van Rondblik antwoordt niet.", "Opnieuw laden"),
    "en": ("The database of Rondblik does not answer.", "Load again"),
}


@dataclass
class OnPostgres:
    """The web app on a PostgreSQL server of its own, and a browser with a session."""

    server: PostgresServer
    address: str
    window: BrowserContext


@pytest.fixture
def away(browser: Browser, tmp_path: Path) -> Iterator[OnPostgres]:
    """The known school on a server that a test can stop."""
    with postgres_server() as server, clock.fixed(school.NOW):
        engine = open_engine(server.url + "postgres")
        store = Store(engine, open_encrypted(engine, tmp_path / "data"))
        school.build(engine, store.cipher)
        app = create_app(engine, store.cipher, AppOptions(demo=True, users=PERSONAS))
        with address_of(app) as address:
            window = browser.new_context(viewport={"width": 1440, "height": 900})
            Served(store, address, app).enter(window)
            yield OnPostgres(server, address, window)
            window.close()
        with suppress(Exception):
            engine.dispose()


@pytest.mark.parametrize("language", SENTENCES)
def test_a_page_that_is_opened_says_so_and_can_be_loaded_again(away: OnPostgres, language: str) -> None:
    sentence, again = SENTENCES[language]
    page = away.window.new_page()
    page.goto(f"{away.address}/groep?taal={language}")
    page.wait_for_selector("#matrix")
    away.server.stop()
    page.reload()
    expect(page.locator("h1")).to_contain_text(sentence)
    for width in (390, 1024, 1440):
        page.set_viewport_size({"width": width, "height": 700})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    away.server.start()
    page.click(f"a:has-text('{again}')")
    page.wait_for_selector("#matrix")


def test_a_page_that_is_open_says_so(away: OnPostgres) -> None:
    page = away.window.new_page()
    page.goto(f"{away.address}/groep")
    page.wait_for_selector("#matrix")
    away.server.stop()
    page.click("#periode")
    page.click("[role=option]:has-text('De laatste 4 weken')")
    expect(page.locator(BANNER)).to_contain_text(SENTENCES["nl"][0])
    assert page.locator("#matrix").is_visible()
