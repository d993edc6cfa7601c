"""A PostgreSQL that stops while `serve` runs: every kind of request is answered in words, and then it goes on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from dashboard.auth.guard import CALLBACK, ONCE_HEADER, PAGE_HEADER
from models.schema import clock
from models.schema.database import open_engine
from models.schema.store_key import open_encrypted
from tests.conftest import PostgresServer, postgres_server
from tests.connectors.sending import Receiver
from tests.dashboard import school
from tests.dashboard.page_client import PAGE_MARK
from tests.dashboard.test_two_processes import Processes
from tests.uwlr.messages import message

AWAY = {
    "nl": "De database van Rondblik antwoordt niet.",
    "en": "The database of Rondblik does not answer.",
}
FOR_PEOPLE = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


@dataclass
class Running:
    """`serve` on a PostgreSQL of its own, and a browser with a session."""

    server: PostgresServer
    address: str
    browser: requests.Session

    def get(self, path: str) -> requests.Response:
        return self.browser.get(self.address + path, headers=FOR_PEOPLE, timeout=60)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    with postgres_server() as server:
        engine = open_engine(server.url + "postgres")
        data = tmp_path / "data"
        with clock.fixed(school.NOW):
            school.build(engine, open_encrypted(engine, data))
        (data / "config.yaml").write_text("schools: []\n")
        processes = Processes(data, engine.url.render_as_string(hide_password=False))
        engine.dispose()
        port, path = processes.start()
        browser = requests.Session()
        browser.headers["Sec-Fetch-Site"] = "same-origin"
        address = f"http://127.0.0.1:{port}"
        try:
            first = browser.get(address + path, headers=FOR_PEOPLE, timeout=60)
            match = PAGE_MARK.search(first.text)
            assert match is not None
            browser.headers[PAGE_HEADER] = match[1]
            yield Running(server, address, browser)
        finally:
            processes.stop(port)


@pytest.mark.parametrize("language", ["nl", "en"])
def test_every_page_says_that_the_database_is_away(running: Running, language: str) -> None:
    running.browser.cookies.set("taal", language)
    running.server.stop()
    for path in ("/", "/groep", "/leerling/1", "/koppelingen", "/groep/bestand/x.csv", "/begin?code=x"):
        answer = running.get(path)
        assert (answer.status_code, answer.headers["Content-Type"]) == (503, "text/html; charset=utf-8"), path
        assert f"<h1>{AWAY[language]}" in answer.text, path
        assert f'lang="{language}"' in answer.text
        assert '<a class="" href="">' in answer.text  # the same page again
        assert "Content-Security-Policy" in answer.headers


def test_a_form_and_a_callback_say_so_too(running: Running) -> None:
    running.server.stop()
    body = {"output": "a.b", "outputs": {"id": "a", "property": "b"}, "inputs": [], "changedPropIds": []}
    once = {ONCE_HEADER: "a" * 32, "Accept": "application/json"}
    answers = [
        running.browser.post(running.address + CALLBACK, json=body, timeout=60),
        running.browser.post(running.address + "/afmelden", data={}, headers=once, timeout=60),
        running.browser.post(running.address + "/leerling/notitie/1", data={"text": "x"}, headers=once, timeout=60),
    ]
    for answer in answers:
        assert (answer.status_code, AWAY["nl"] in answer.json()["error"]) == (503, True), answer.text


def test_a_sender_is_asked_to_come_back_and_health_says_what_is_away(running: Running) -> None:
    running.server.stop()
    answer = Receiver(int(running.address.rpartition(":")[2])).post(message())
    assert answer.fault == "Server.TijdelijkNietBeschikbaar"
    health = running.get("/health")
    assert (health.status_code, health.json()["database"]) == (503, "unavailable")
    assert running.get("/ready").status_code == 503


def test_it_goes_on_when_the_database_is_back(running: Running) -> None:
    running.server.stop()
    assert running.get("/groep").status_code == 503
    running.server.start()
    assert running.get("/groep").status_code == 200
