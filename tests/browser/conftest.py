"""A real browser, and the web app served on a free port of this machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import flask
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request

from dashboard.auth.request import AppOptions
from dashboard.auth.start_codes import start_path
from dashboard.server.serving import bind
from dashboard.server.wsgi import create_app
from models.schema import clock
from tests.conftest import Store, free_port
from tests.connectors.sending import serving_app
from tests.dashboard import school
from tests.dashboard.conftest import PERSONAS

CHROMIUM = "/usr/bin/chromium-headless-shell"
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
    app: flask.Flask

    def enter(self, window: BrowserContext) -> None:
        """Begin a session in a browser with an address as `serve` prints it; its tabs come after."""
        assert window.request.get(self.address + start_path(self.app)).ok


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
        with self.page.expect_navigation():
            self.page.click(f"#who button:has-text('{name}')")
        self.page.wait_for_selector(f"#who > summary:has-text('{name}')")


@contextmanager
def address_of(app: flask.Flask, port: int = 0) -> Iterator[str]:
    """The address of a web app behind the real server, which is stopped at the end; on a free port without `port`."""
    with serving_app(app, bind("127.0.0.1", port)) as bound:
        yield f"http://127.0.0.1:{bound}"


@pytest.fixture(scope="session")
def port() -> int:
    """One port for all tests of a session: what the browser has compiled of the scripts stays usable."""
    return free_port()


@pytest.fixture
def served(store: Store, port: int) -> Iterator[Served]:
    """The web app on the known school, on a Thursday morning."""
    with clock.fixed(school.NOW):
        school.build(store.engine, store.cipher)
        app = create_app(store.engine, store.cipher, AppOptions(demo=True, users=PERSONAS))
        with address_of(app, port) as address:
            yield Served(store, address, app)


@pytest.fixture(scope="session")
def window(browser: Browser) -> Iterator[BrowserContext]:
    """One profile of the browser for all tests of a session, with its cache of scripts."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    yield context
    context.close()


@pytest.fixture
def watched(window: BrowserContext, served: Served) -> Iterator[Watched]:
    """A fresh page without cookies; afterwards it must have asked nothing outside and complained of nothing."""
    window.clear_cookies()
    served.enter(window)
    page = window.new_page()
    watched = Watched(page, served.address)
    own = (served.address, "data:", "blob:")

    def note_request(request: Request) -> None:
        if not request.url.startswith(own):
            watched.outside.append(request.url)

    window.on("request", note_request)
    page.on(
        "console",
        lambda message: watched.complaints.append(message.text) if message.type in ("error", "warning") else None,
    )
    page.on("pageerror", lambda error: watched.complaints.append(str(error)))
    yield watched
    window.remove_listener("request", note_request)
    for opened in window.pages:
        opened.close()
    assert watched.outside == []
    assert watched.complaints == []
