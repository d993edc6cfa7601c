"""The real server refuses what came through somebody else's, before any page is made."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator

import pytest
import waitress.server

from connectors.http_server import make_server
from dashboard import serving
from dashboard.settings import Receive
from dashboard.wsgi import AppOptions, create_app
from tests.conftest import Store


@pytest.fixture
def port(store: Store) -> Iterator[int]:
    """An empty installation behind the server that `serve` starts."""
    door = serving.bind("127.0.0.1", 0)
    app = create_app(store.engine, store.seal, AppOptions(demo=True, personas=[]))
    server = make_server(app, door, serving.body_limits(Receive()))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield door.getsockname()[1]
    server.close()
    thread.join(10)
    assert isinstance(server, waitress.server.BaseWSGIServer)


def status(port: int, headers: dict[str, str]) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/health", headers=headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status


def test_a_plain_request_is_answered(port: int) -> None:
    assert status(port, {}) == 200


@pytest.mark.parametrize("header", ["Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"])
def test_a_forwarded_request_is_refused(port: int, header: str) -> None:
    assert status(port, {header: "for=203.0.113.7"}) == 403


def test_another_host_is_refused(port: int) -> None:
    assert status(port, {"Host": "rondblik.example"}) in (400, 403)
