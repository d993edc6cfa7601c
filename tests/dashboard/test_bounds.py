"""Each bound of what a request may hold: just at it and just above it, through the real server."""

from __future__ import annotations

import base64
import json
import socket
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime

import flask
import pytest
import requests

from connectors.intake.push import ReceiverContext
from dashboard.auth.guard import CALLBACK, MAX_CALLBACK_BYTES, ONCE_HEADER, PAGE_HEADER
from dashboard.auth.start_codes import start_path
from dashboard.cli.demo import VENDOR
from dashboard.pages.vendor.requests import LARGEST_FILE
from dashboard.server.serving import MAX_REQUEST_BYTES, bind, body_limits
from dashboard.server.wsgi import MAX_FORM_BYTES, AppOptions, create_app, create_soap_app
from dashboard.settings.schema import Receive
from models.schema import clock
from tests.conftest import Store
from tests.connectors.sending import Receiver, account, enveloped, serving_app
from tests.dashboard.page_client import PAGE_MARK
from tests.uwlr.messages import message

SERVICE_BYTES = 5_000_000  # more than any bound of a form, and less than that of a callback
OPTIONS = AppOptions(demo=True, users=(VENDOR,))
TOO_LARGE = 413


@pytest.fixture
def receiver_context(store: Store) -> Iterator[ReceiverContext]:
    """A receiver that takes messages up to SERVICE_BYTES."""
    with clock.fixed(datetime(2026, 11, 20, 12, tzinfo=UTC)):
        yield ReceiverContext(store.engine, store.cipher, Receive(max_bytes=SERVICE_BYTES))


def served(app: flask.Flask) -> AbstractContextManager[int]:
    return serving_app(app, bind("127.0.0.1", 0), body_limits(Receive(max_bytes=SERVICE_BYTES)))


@pytest.fixture
def whole(receiver_context: ReceiverContext) -> Iterator[tuple[int, flask.Flask]]:
    """The port of the app of `serve`, and the app."""
    app = create_app(receiver_context.engine, receiver_context.cipher, OPTIONS, receiver_context)
    with served(app) as port:
        yield port, app


class Browser:
    """A session with the dashboard."""

    def __init__(self, port: int, app: flask.Flask) -> None:
        self._address = f"http://127.0.0.1:{port}"
        self._session = requests.Session()
        self._session.headers["Sec-Fetch-Site"] = "same-origin"
        page = self._session.get(self._address + start_path(app))
        assert page.status_code == 200
        mark = PAGE_MARK.search(page.text)
        assert mark is not None
        self._session.headers[PAGE_HEADER] = mark[1]

    def post(self, path: str, body: bytes, media_type: str) -> requests.Response:
        """Send a body; a redirect is an answer."""
        headers = {"Content-Type": media_type, ONCE_HEADER: uuid.uuid4().hex}
        with self._session as session:
            return session.post(self._address + path, body, headers=headers, allow_redirects=False)

    def upload(self, data: bytes) -> requests.Response:
        """Hand in a file to be checked, as the page for vendors does."""
        outputs = [{"id": "vendor-go", "property": "href"}, {"id": "upload-said", "property": "children"}]
        contents = "data:text/xml;base64," + base64.b64encode(data).decode()
        body = {
            "output": "..vendor-go.href...upload-said.children..",
            "outputs": outputs,
            "inputs": [{"id": "upload-small", "property": "data", "value": contents}],
            "state": [{"id": "upload", "property": "filename", "value": "bericht.xml"}],
            "changedPropIds": ["upload-small.data"],
        }
        return self.post(CALLBACK, json.dumps(body).encode(), "application/json")


def test_a_message_may_have_the_bytes_that_the_setting_says_and_no_more(receiver_context: ReceiverContext) -> None:
    apps: list[Callable[[], flask.Flask]] = [
        lambda: create_soap_app(receiver_context),
        lambda: create_app(receiver_context.engine, receiver_context.cipher, OPTIONS, receiver_context),
    ]
    body = enveloped(message(), account(receiver_context.engine, receiver_context.cipher).header)
    for make in apps:
        with served(make()) as port:
            receiver = Receiver(port)
            assert receiver.post(body + b" " * (SERVICE_BYTES - len(body))).confirmed
            answer = receiver.post(body + b" " * (SERVICE_BYTES - len(body) + 1))
            assert (answer.fault, "xml.size" in answer.sentence) == ("Client.OngeldigBericht", True)


def test_a_form_a_callback_and_any_other_request_have_each_their_bound(whole: tuple[int, flask.Flask]) -> None:
    browser, port = Browser(*whole), whole[0]
    form, call = "application/x-www-form-urlencoded", "application/json"
    for path, most, media_type in (("/persona", MAX_FORM_BYTES, form), (CALLBACK, MAX_CALLBACK_BYTES, call)):
        for size, too_large in ((most, False), (most + 1, True)):
            body = b"persona=" + VENDOR.key.encode() + b"&x=" if media_type == form else b"{"
            status = browser.post(path, body.ljust(size, b"x"), media_type).status_code
            assert (status == TOO_LARGE) is too_large, (path, size, status)
    assert Receiver(port).post(b"x" * MAX_REQUEST_BYTES, "/health").status == 405
    with socket.create_connection(("127.0.0.1", port), timeout=20) as wire:  # refused before any of it is sent
        head = f"POST /health HTTP/1.1\r\nHost: localhost\r\nContent-Length: {MAX_REQUEST_BYTES + 1}\r\n\r\n"
        wire.sendall(head.encode())
        assert wire.recv(65_536).startswith(b"HTTP/1.1 413 ")


def test_a_file_of_the_size_that_the_page_names_is_taken_in_and_no_larger_one(whole: tuple[int, flask.Flask]) -> None:
    browser = Browser(*whole)
    response = browser.upload(b"<x/>".ljust(LARGEST_FILE))
    assert response.json()["response"]["vendor-go"]["href"].startswith("/toets/uitslag/")
    refused = browser.upload(b"<x/>".ljust(LARGEST_FILE + 1))
    assert "4 MB" in json.dumps(refused.json())
