"""A real browser, and the web app served on a free port of this machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import flask
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from dashboard.auth.request import AppOptions
from dashboard.server.serving import bind
from dashboard.server.wsgi import create_app
from models.schema import clock
from tests.conftest import Store
from tests.connectors.sending import serving_app
from tests.dashboard import school
from tests.dashboard.conftest import PERSONAS

CHROMIUM = "/usr/bin/chromium"
QUIET = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass
class Served:
    """The known school behind an address."""

    store: Store
    address: str


@dataclass
class Watched:
    """A page, with what it asked outside of its own address and what it complained of."""

    page: Page
    address: str
    outside: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def open(self, path: str) -> None:
        """Go to a page and wait until its content is there."""
        self.page.goto(self.address + path)
        self.page.wait_for_selector("main h1")

    def become(self, name: str) -> None:
        """Look as another persona, by the menu."""
        self.page.click("#who > summary")
        self.page.click(f"#who button:has-text('{name}')")
        self.page.wait_for_selector(f"#who > summary:has-text('{name}')")


@contextmanager
def address_of(app: flask.Flask) -> Iterator[str]:
    """The address of a web app behind the real server, which is stopped at the end."""
    with serving_app(app, bind("127.0.0.1", 0)) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def served(store: Store) -> Iterator[Served]:
    """The web app on the known school, on a Thursday morning."""
    with clock.fixed(school.NOW):
        school.build(store.engine, store.cipher)
        app = create_app(store.engine, store.cipher, AppOptions(demo=True, users=PERSONAS))
        with address_of(app) as address:
            yield Served(store, address)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def watched(browser: Browser, served: Served) -> Iterator[Watched]:
    """A fresh page; afterwards it must have asked nothing outside and complained of nothing."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    watched = Watched(page, served.address)
    own = (served.address, "data:", "blob:")
    context.on(
        "request", lambda web_error: None if web_error.url.startswith(own) else watched.outside.append(web_error.url)
    )
    page.on(
        "console",
        lambda worker: watched.complaints.append(worker.text) if worker.type in ("error", "warning") else None,
    )
    page.on("pageerror", lambda worker: watched.complaints.append(str(worker)))
    yield watched
    context.close()
    assert watched.outside == []
    assert watched.complaints == []
