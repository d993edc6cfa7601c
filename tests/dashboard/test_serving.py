"""The real server refuses what came through somebody else's, before any page is made."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator

import pytest
import waitress.server

from connectors.transport.http_server import make_server
from dashboard.cli.demo import VENDOR
from dashboard.server import serving
from dashboard.server.wsgi import AppOptions, create_app
from dashboard.settings.schema import Receive
from tests.conftest import Store
from tests.dashboard.conftest import PERSONAS
from tests.dashboard.test_web import HERE, OWN, as_persona, shown_page


@pytest.fixture
def port(store: Store) -> Iterator[int]:
    """An empty installation behind the server that `serve` starts."""
    socket = serving.bind("127.0.0.1", 0)
    app = create_app(store.engine, store.cipher, AppOptions(demo=True, users=[]))
    server = make_server(app, socket, serving.body_limits(Receive()))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield socket.getsockname()[1]
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


def test_a_message_is_no_larger_than_what_is_held_at_once() -> None:
    for most in (1024, 512 * 1024 * 1024, 16 * 1024 * 1024 * 1024):
        limits = serving.body_limits(Receive(max_bytes=most))
        assert limits.service_bytes == most
        assert limits.total_bytes >= 2 * most


def test_a_test_room_is_told_at_the_public_address_where_there_is_one(known_school: Store) -> None:
    public = "https://school.example:8443/uwlr/leerresultaten"
    for given, origin in ((None, HERE), (public, "https://school.example:8443")):
        options = AppOptions(demo=True, users=(VENDOR, *PERSONAS))
        app = create_app(known_school.engine, known_school.cipher, options, public_address=given)
        vendor = as_persona(app, VENDOR.key)
        page = vendor.post("/toets/proef", base_url=HERE, headers=OWN).headers["Location"]
        address = f"{origin}/test/{page.rpartition('/')[2]}/uwlr/leerresultaten"
        shown = shown_page(vendor, page)
        assert address in shown
        assert f"{address}?wsdl" in shown
        wsdl = vendor.get(f"/test/{page.rpartition('/')[2]}/uwlr/leerresultaten?wsdl", base_url=HERE).text
        assert f'location="{address}"' in wsdl


def test_the_service_answers_every_method_in_soap_beside_the_dashboard(port: int) -> None:
    for path in ("/uwlr/leerresultaten", "/uwlr/leerresultaten/", "/test/a/b/uwlr/leerresultaten"):
        for method in ("PROPFIND", "TRACE", "PUT", "GET"):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            connection.request(method, path)
            answer = connection.getresponse()
            assert (answer.status, answer.headers.get_content_type()) == (500, "text/xml")
            assert b"?wsdl" in answer.read()
            connection.close()
