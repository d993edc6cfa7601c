"""`rondblik demo` as people start it: a program of its own that pulls, serves, stops and goes on the next time."""

from __future__ import annotations

import os
import re
import select as readiness
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.simulator import server
from dashboard import demo as demo_module
from dashboard import settings as configuration
from dashboard import tasks
from models import clock, database
from models.sealing import Seal

FIRST_DAY = "2026-11-26T08:12:00+01:00"
NEXT_WEEK = "2026-12-03T20:00:00+01:00"
PUBLISHERS = {"rekenwijs", "spelsprong", "toetsvolg", "leeslijn", "toetsplein-po", "toetsplein"}
START_SECONDS = 90.0
STOP_SECONDS = 30.0


@dataclass
class Demo:
    """A demo that runs, and what it printed until it was ready."""

    process: subprocess.Popen[str]
    address: str
    printed: str

    def get(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(self.address + path, timeout=20) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.read().decode()

    def stop(self, how: signal.Signals) -> int:
        self.process.send_signal(how)
        return self.process.wait(STOP_SECONDS)


def command(data: Path, port: int) -> list[str]:
    start = "from dashboard.cli import main; main()"
    return [sys.executable, "-c", start, "--data", str(data), "demo", "--port", str(port)]


@contextmanager
def demo(data: Path, now: str) -> Iterator[Demo]:
    process = subprocess.Popen(
        command(data, 0),
        env={**os.environ, "RONDBLIK_NOW": now},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield ready(process)
    finally:
        process.kill()
        process.communicate()


def ready(process: subprocess.Popen[str]) -> Demo:
    """Wait for the line that names the address."""
    assert process.stdout is not None
    assert process.stderr is not None
    printed, ends = "", time.monotonic() + START_SECONDS
    while time.monotonic() < ends:
        if not readiness.select([process.stdout], [], [], 1.0)[0]:
            continue
        line = process.stdout.readline()
        printed += line
        found = re.search(r"http://127\.0\.0\.1:[0-9]+", line)
        if found:
            return Demo(process, found[0], printed)
        if not line:
            pytest.fail(f"the demo ended: {printed}{process.stderr.read()}")
    pytest.fail(f"the demo was not ready in time: {printed}")


def ask(data: Path, query: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(data / "rondblik.db")
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def results_by_source(data: Path) -> dict[object, object]:
    rows = ask(data, "SELECT s.key, count(*) FROM results r JOIN sources s ON s.id = r.source_id GROUP BY s.key")
    return {row[0]: row[1] for row in rows}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "data"


@pytest.fixture(scope="module")
def first(data: Path) -> Iterator[Demo]:
    with demo(data, FIRST_DAY) as running:
        yield running


def test_it_is_ready_when_it_says_so(first: Demo) -> None:
    assert first.get("/health")[0] == 200
    assert first.get("/ready")[0] == 200


def test_start_page_and_class_page_answer_without_signing_in(first: Demo) -> None:
    assert first.get("/")[0] == 200
    assert first.get("/groep")[0] == 200


def test_every_publisher_has_results_in_the_store(first: Demo, data: Path) -> None:
    assert set(results_by_source(data)) == PUBLISHERS


def test_one_class_has_results_of_all_publishers_of_its_school(first: Demo, data: Path) -> None:
    rows = ask(
        data,
        """SELECT DISTINCT s.key FROM results r JOIN sources s ON s.id = r.source_id
        JOIN identifiers i ON i.school_id = r.school_id AND i.id = r.identifier_id
        JOIN memberships m ON m.school_id = i.school_id AND m.pupil_id = i.pupil_id
        JOIN groups g ON g.school_id = m.school_id AND g.id = m.group_id WHERE g.name = '5a'""",
    )
    assert {key for (key,) in rows} == PUBLISHERS - {"toetsplein"}


def test_the_stories_are_in_the_store(first: Demo, data: Path) -> None:
    assert ask(data, "SELECT count(*) FROM identifiers WHERE pupil_id IS NULL AND kind <> 'pair'") == [(3,)]
    assert ask(data, "SELECT count(*) FROM deliveries WHERE verdict = 'reject'") == [(1,)]
    ((zeros,),) = ask(data, "SELECT count(*) FROM results WHERE score = 0 AND score_text = '0'")
    ((absent,),) = ask(data, "SELECT count(*) FROM results WHERE absence = 1 AND score IS NULL")
    assert zeros
    assert absent
    ((failures, success),) = ask(
        data,
        "SELECT c.failures, c.last_success_us FROM couplings c JOIN sources s ON s.id = c.source_id "
        "WHERE s.key = 'leeslijn'",
    )
    assert failures
    assert success


def test_it_prints_a_few_lines_only(first: Demo) -> None:
    lines = first.printed.splitlines()
    assert len(lines) <= 12
    assert "Rekenwijs" in first.printed
    assert first.address in lines[-1]


def test_a_second_start_brings_the_days_since_and_keeps_the_rest(first: Demo, data: Path) -> None:
    before = results_by_source(data)
    assert first.stop(signal.SIGINT) == 0
    keys = set(ask(data, "SELECT source_id, key, kind FROM results"))
    with demo(data, NEXT_WEEK) as again:
        assert again.get("/ready")[0] == 200
        after = results_by_source(data)
        assert set(ask(data, "SELECT source_id, key, kind FROM results")) > keys
        assert after["spelsprong"] > before["spelsprong"]  # type: ignore[operator]
        assert after["leeslijn"] == before["leeslijn"]
        newest = ask(
            data,
            "SELECT counts FROM deliveries d JOIN sources s ON s.id = d.source_id "
            "WHERE s.key = 'spelsprong' ORDER BY d.id",
        )
        assert len(newest) > 1
        assert again.stop(signal.SIGTERM) == 0


@pytest.mark.parametrize(
    "now",
    [
        datetime(2026, 8, 1, 0, 0, 1, tzinfo=clock.AMSTERDAM),
        datetime(2028, 2, 29, 12, 0, tzinfo=clock.AMSTERDAM),
        datetime(2026, 12, 31, 23, 59, tzinfo=clock.AMSTERDAM),
        datetime(2027, 3, 28, 1, 30, tzinfo=UTC),
        datetime(2026, 10, 25, 1, 30, tzinfo=UTC),
    ],
    ids=lambda now: now.isoformat(),
)
def test_the_first_pull_brings_something_of_every_source_on_any_day(now: datetime, tmp_path: Path) -> None:
    with clock.fixed(now), server.running(inbox=tmp_path / "inbox") as ports:
        settings = demo_module._configure(tmp_path, ports)
        engine = database.open_engine(settings.database_url())
        try:
            database.upgrade(engine)
            coupled = configuration.apply(settings, engine)
            seal = Seal.of_folder(tmp_path)
            demo_module._pull_all(tasks.make_context(settings, engine, seal, coupled), coupled)
            assert demo_module.personas(engine, seal)[0].key == "leraar-5a"
            assert len(demo_module.personas(engine, seal)) == 6
        finally:
            engine.dispose()
    assert set(results_by_source(tmp_path)) == PUBLISHERS
    failing = ask(tmp_path, "SELECT s.key FROM couplings c JOIN sources s ON s.id = c.source_id WHERE c.failures > 0")
    assert failing == [("leeslijn",)]
    assert ask(tmp_path, "SELECT count(*) FROM deliveries WHERE verdict = 'reject'")[0] <= (1,)


def test_a_port_in_use_is_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = subprocess.run(command(tmp_path / "data", port), capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert str(port) in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
    assert not (tmp_path / "data").exists()


def test_a_folder_of_a_real_installation_is_left_alone(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("schools: []\n")
    ended = subprocess.run(command(tmp_path, 0), capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2
    assert str(config) in ended.stderr
    assert config.read_text() == "schools: []\n"
    assert not (tmp_path / "rondblik.db").exists()
