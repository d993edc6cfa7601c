"""Without a sign-in a session begins with the printed address alone, whoever reaches the port and however."""

from __future__ import annotations

import http.client
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import flask
import pytest

from dashboard.auth.request import AppOptions
from dashboard.auth.start_codes import start_path
from dashboard.server.wsgi import create_app
from tests.conftest import Store
from tests.dashboard.test_web import CALLBACK, HERE, OWN, as_persona, begun, shown_page

RONDBLIK = Path(sys.executable).with_name("rondblik")
# What nginx, with `proxy_pass http://127.0.0.1:PORT` and nothing else, changes: the Host is that of the address.
DEFAULTS = {"Connection": "close"}
PROXIES = ({}, {"X-Real-IP": "192.0.2.7"}, {"Via": "1.1 proxy"}, {"X-Real-IP": "192.0.2.7", "Via": "1.1 proxy"})
CONFIG = """
schools:
  - name: De Horizon
    identifications: [{brin: 99XX, dependance: 00}]
"""


@dataclass
class Serve:
    """`rondblik serve` as a process of its own."""

    process: subprocess.Popen[str]
    port: int
    path: str

    def get(self, path: str, cookie: str = "", **headers: str) -> http.client.HTTPResponse:
        """What a GET is answered, without following a redirect; the answer is read."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.ask("GET", path, {**named, **({"Cookie": cookie} if cookie else {})})

    def ask(self, method: str, path: str, headers: dict[str, str], body: str = "") -> http.client.HTTPResponse:
        """Any request; the body of the answer is in `text`."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request(method, path, body, {**headers, "Accept": "text/html"})
        answer = connection.getresponse()
        answer.text = answer.read().decode()  # type: ignore[attr-defined]
        connection.close()
        return answer


def serve(folder: Path) -> Serve:
    """A new start on a data folder."""
    (folder / "config.yaml").write_text(CONFIG)
    command = [str(RONDBLIK), "--data", str(folder), "serve", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=folder)
    assert process.stdout is not None
    match = re.fullmatch(r"Rondblik: http://127\.0\.0\.1:(\d+)(/\S+)\n", process.stdout.readline())
    assert match is not None
    return Serve(process, int(match[1]), match[2])


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Serve]:
    """A school, served."""
    found = serve(tmp_path)
    yield found
    found.process.send_signal(signal.SIGTERM)
    found.process.communicate(timeout=30)


def test_a_proxy_with_defaults_gets_no_session_and_changes_nothing(served: Serve) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded", "X-Rondblik-Once": "0" * 32}
    for more in PROXIES:
        for path in ("/", "/groep", "/koppelingen", "/begin", "/begin?code=", f"/begin?code={'x' * 43}"):
            answer = served.ask("GET", path, {**DEFAULTS, **more})
            assert (answer.status, answer.headers["Set-Cookie"]) == (401, None), (path, more)
            assert "Open het adres dat Rondblik liet zien" in answer.text  # type: ignore[attr-defined]
        changed = served.ask("POST", "/persona", {**DEFAULTS, **more, **form}, "persona=administrator-1")
        assert (changed.status, changed.headers["Set-Cookie"]) == (401, None)


def test_the_printed_address_works_once_and_a_reload_goes_by_the_cookie(served: Serve, tmp_path: Path) -> None:
    assert served.ask("HEAD", served.path, {}).status == 401  # who only looks at an address does not use it up
    first = served.get(served.path)
    assert (first.status, first.headers["Location"]) == (303, "/")
    cookie = first.headers["Set-Cookie"].partition(";")[0]
    assert served.get("/", cookie).status == 200
    assert served.get("/", cookie).status == 200
    again = served.get(served.path, cookie)  # the printed address, clicked again
    assert (again.status, again.headers["Location"], again.headers["Set-Cookie"]) == (303, "/", None)
    other = served.get(served.path)
    assert (other.status, other.headers["Set-Cookie"]) == (401, None)
    assert "Dit adres is al gebruikt" in other.text  # type: ignore[attr-defined]


def test_a_new_start_prints_a_new_address_and_the_old_one_is_none(served: Serve, tmp_path: Path) -> None:
    served.process.send_signal(signal.SIGTERM)
    served.process.communicate(timeout=30)
    again = serve(tmp_path)
    try:
        assert again.path != served.path
        assert again.get(served.path).status == 401
        assert again.get(again.path).status == 303
    finally:
        again.process.send_signal(signal.SIGTERM)
        again.process.communicate(timeout=30)


def test_every_way_in_without_a_session_is_refused_and_says_what_to_do(web: flask.Flask) -> None:
    client = web.test_client()
    for path in ("/", "/groep?klas=1", "/begin?code=x"):
        html = client.get(path, base_url=HERE, headers={"Accept": "text/html"})
        assert (html.status_code, "Open het adres" in html.text, "<script" in html.text) == (401, True, False)
        assert "Set-Cookie" not in html.headers
        client.set_cookie("taal", "en", domain="localhost")
        english = client.get(path, base_url=HERE)
        client.delete_cookie("taal", domain="localhost")
        assert "Open the address that Rondblik printed" in english.text
    assert client.post(CALLBACK, json={}, base_url=HERE, headers=OWN).status_code == 401


def test_codes_are_of_one_session_each(web: flask.Flask) -> None:
    path = start_path(web)
    assert web.test_client().get(path, base_url=HERE).status_code == 303
    assert web.test_client().get(path, base_url=HERE).status_code == 401
    assert "Hanna Vos" in shown_page(begun(web), "/groep")
    assert "Sam de Groot" in shown_page(as_persona(web, "sam"), "/groep")


def test_an_installation_without_schools_keeps_the_code_until_there_is_somebody(store: Store) -> None:
    web = create_app(store.engine, store.cipher, AppOptions(demo=False, users=()))
    for _time in range(2):
        answer = web.test_client().get(start_path(web), base_url=HERE)
        assert (answer.status_code, "nog geen leerlinglijst" in answer.text) == (503, True)
