"""Every answer to a browser is compressed as it accepts, through the real server, and says the same as without."""

from __future__ import annotations

import gzip
import http.client
import re
from collections.abc import Iterator
from dataclasses import dataclass

import brotli
import flask
import pytest

from connectors.intake.receive import PATH
from dashboard.auth.start_codes import start_path
from dashboard.server import compression
from dashboard.server.serving import bind
from dashboard.server.static_files import SUITES
from tests.connectors.sending import serving_app
from tests.dashboard.test_web import CALLBACK, HERE, OWN, as_persona, group_request

DECODERS = {"gzip": gzip.decompress, "br": brotli.decompress}
WHOLE_CLASS_BYTES = 15_000


@dataclass(frozen=True)
class Visitor:
    """A browser with a session at the known school, behind the real server."""

    port: int
    cookie: str = ""

    def answer(self, path: str, accepts: str | None) -> tuple[int, dict[str, str], bytes]:
        """Status, headers, names in lower case, and body of an answer."""
        headers = {"Cookie": self.cookie} | ({} if accepts is None else {"Accept-Encoding": accepts})
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, body


@pytest.fixture
def visitor(web: flask.Flask) -> Iterator[Visitor]:
    """Who began a session with the printed address."""
    with serving_app(web, bind("127.0.0.1", 0)) as port:
        _status, headers, _body = Visitor(port).answer(start_path(web), None)
        yield Visitor(port, headers["set-cookie"].partition(";")[0])


def fetched(visitor: Visitor, path: str, accepts: str | None) -> tuple[dict[str, str], bytes]:
    """Headers and body of an answer with something in it."""
    status, headers, body = visitor.answer(path, accepts)
    assert status == 200, path
    return headers, body


def addresses_of_a_page(visitor: Visitor) -> list[str]:
    """A page, and every script and style sheet that it names."""
    _headers, page = fetched(visitor, "/groep?klas=1-1", None)
    named = re.findall(r'(?:src|href)="(/[^"]+\.(?:js|css)[^"]*)"', page.decode())
    assert len(named) > 10
    return ["/toegankelijkheid", *named]


@pytest.mark.parametrize(
    ("accepts", "algorithm"),
    [
        ("gzip, deflate, br", "br"), ("gzip", "gzip"), ("br;q=0, gzip", "gzip"), ("deflate", None), ("identity", None),
        (None, None),
    ],
)  # fmt: skip
def test_pages_scripts_and_styles_come_as_the_browser_accepts(
    visitor: Visitor, accepts: str | None, algorithm: str | None
) -> None:
    for path in addresses_of_a_page(visitor):
        _plain, whole = fetched(visitor, path, None)
        for _time in range(2):  # the second comes from memory
            headers, body = fetched(visitor, path, accepts)
            assert "accept-encoding" in headers["vary"].lower(), path
            expected = algorithm if len(whole) >= compression.MIN_BYTES else None
            assert headers.get("content-encoding") == expected, path
            if path.startswith(("/assets", SUITES)):
                assert (DECODERS[expected](body) if expected else body) == whole, path
                assert "max-age=31536000" in headers["cache-control"], path


def test_a_change_of_class_is_small_on_the_wire(web: flask.Flask) -> None:
    client = as_persona(web, "hanna")
    headers = {**OWN, "Accept-Encoding": "br, gzip"}
    answer = client.post(CALLBACK, json=group_request(klas=["1"]), base_url=HERE, headers=headers)
    assert answer.headers["Content-Encoding"] == "br"
    assert len(answer.data) <= WHOLE_CLASS_BYTES


def test_what_senders_get_is_not_compressed_below_the_minimum(visitor: Visitor) -> None:
    headers, body = fetched(visitor, f"{PATH}?wsdl", "gzip")
    assert (gzip.decompress(body) if "content-encoding" in headers else body).lstrip().startswith(b"<")
