"""Two web processes on one database: whichever answers, session, page, file and form are the same."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from sqlalchemy import func, select

from dashboard.auth.guard import CALLBACK, ONCE_HEADER, PAGE_HEADER
from dashboard.pages.vendor.actions import SANDBOX_RATE
from models.schema import clock, database
from models.schema.encryption import KEY_FILE
from models.schema.tables import test_rooms
from tests.conftest import Store
from tests.dashboard import school
from tests.dashboard.markup import expanded
from tests.dashboard.page_client import PAGE_MARK

RONDBLIK = Path(sys.executable).with_name("rondblik")
FILE = re.compile(r"/groep/bestand/[\w-]+\.csv(?:\?[^\"\\<]+)?")


@dataclass
class Processes:
    """Web processes on one database, by the port of each, with the address that the first of them printed."""

    data: Path
    database: str
    running: dict[int, subprocess.Popen[str]] = field(default_factory=dict)

    def start(self, port: int = 0) -> tuple[int, str]:
        """One more process, on a port; its port, and the path with which a session begins."""
        command = [str(RONDBLIK), "--data", str(self.data), "serve", "--port", str(port)]
        environment = {**os.environ, "RONDBLIK_DATABASE__URL": self.database, "RONDBLIK_NOW": school.NOW.isoformat()}
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=self.data, env=environment)
        assert process.stdout is not None
        match = re.fullmatch(r"Rondblik: http://127\.0\.0\.1:(\d+)(/\S+)\n", process.stdout.readline())
        assert match is not None
        self.running[int(match[1])] = process
        return int(match[1]), match[2]

    def stop(self, port: int) -> None:
        """End the process on this port as an operator does."""
        process = self.running.pop(port)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
        assert process.returncode == 0


@pytest.fixture
def processes(any_store: Store, tmp_path: Path) -> Iterator[Processes]:
    """The known school on one database, without a process yet."""
    with clock.fixed(school.NOW):
        school.build(any_store.engine, any_store.cipher)
    data = tmp_path / "data"
    if not data.exists():
        shutil.copytree(tmp_path / "keys", data)
    (data / "config.yaml").write_text("schools: []\n")
    assert (data / KEY_FILE).is_file()
    found = Processes(data, any_store.engine.url.render_as_string(hide_password=False))
    yield found
    for port in list(found.running):
        found.stop(port)


class Browser:
    """A browser whose requests go to the processes in turn."""

    def __init__(self, ports: list[int]) -> None:
        self.ports = ports
        self.session = requests.Session()
        self.session.headers["Sec-Fetch-Site"] = "same-origin"
        self.turn = 0

    def ask(self, method: str, path: str, **more: object) -> requests.Response:
        """A request to the process whose turn it is."""
        self.turn += 1
        address = f"http://127.0.0.1:{self.ports[self.turn % len(self.ports)]}{path}"
        answer = self.session.request(method, address, allow_redirects=False, timeout=60, **more)  # type: ignore[arg-type]
        if match := PAGE_MARK.search(answer.text):
            self.session.headers[PAGE_HEADER] = match[1]
        return answer

    def page(self, path: str = "/groep") -> str:
        """What is shown for a page: the frame of one process, the content of the other."""
        assert self.ask("GET", path).status_code == 200
        inputs = [("pathname", path), ("search", "")]
        body = {
            "output": ".._pages_content.children..._pages_store.data..",
            "outputs": [
                {"id": "_pages_content", "property": "children"},
                {"id": "_pages_store", "property": "data"},
            ],
            "inputs": [{"id": "_pages_location", "property": name, "value": value} for name, value in inputs],
            "changedPropIds": ["_pages_location.pathname"],
        }
        answer = self.ask("POST", CALLBACK, json=body)
        assert answer.status_code == 200
        return json.dumps(expanded(answer.json()), ensure_ascii=False)

    def form(self, path: str, token: int, **fields: str) -> str:
        """Where a form leads that is sent with this token."""
        answer = self.ask("POST", path, data=fields or {"a": "b"}, headers={ONCE_HEADER: f"{token:032x}"})
        assert answer.status_code == 303, answer.text
        return answer.headers["Location"]

    def become(self, user: str, token: int) -> None:
        """Go on as another user of this machine."""
        assert self.ask("GET", "/").status_code == 200
        self.form("/persona", token, persona=user)
        assert self.ask("GET", "/").status_code == 200


def test_session_pages_files_forms_and_limits_are_of_all_processes(processes: Processes, any_store: Store) -> None:
    (first, path), (second, _path) = processes.start(), processes.start()
    browser = Browser([second, first])
    assert browser.ask("GET", path).status_code == 303
    browser.become(f"support-{school.SCHOOL}", 300)

    sheets = set()
    for _time in range(10):
        page = browser.page()
        assert "Bouzid" in page
        match = FILE.search(page)
        assert match is not None
        browser.turn += 1  # the file comes from the process that did not make the page
        answer = browser.ask("GET", match[0])
        assert (answer.status_code, "Bouzid" in answer.text) == (200, True)
        sheets.add(match[0])
    assert len(sheets) == 10

    assert browser.ask("GET", "/groep/bestand/weg.csv").status_code == 303
    pages = [browser.page() for _time in range(2)]
    assert ["wordt niet meer bewaard" in page for page in pages] == [True, False]

    browser.become(f"administrator-{school.SCHOOL}", 301)
    rooms = [browser.form("/toets/proef", token) for token in range(SANDBOX_RATE.tokens) for _process in range(2)]
    assert rooms[::2] == rooms[1::2]  # the same form again, at the other process
    assert len(set(rooms)) == SANDBOX_RATE.tokens
    for token in (100, 101):  # a limit is not of a process
        assert browser.form("/toets/proef", token).startswith("/toets?")
    with database.read_transaction(any_store.engine) as connection:
        assert connection.scalar(select(func.count()).select_from(test_rooms)) == SANDBOX_RATE.tokens

    processes.stop(first)
    assert processes.start(first)[0] == first
    browser.become(f"support-{school.SCHOOL}", 302)
    assert all("Bouzid" in browser.page() for _time in range(2))
    assert urlsplit(browser.form("/afmelden", 200)).path == "/afgemeld"
    assert [browser.ask("GET", "/groep").status_code for _time in range(2)] == [401, 401]
