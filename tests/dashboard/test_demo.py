"""`rondblik demo` as people start it: a program of its own that pulls, serves, stops and goes on the next time."""

from __future__ import annotations

import json
import os
import re
import select as readiness
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from connectors.simulator import publishers, school, server
from connectors.simulator.school import HORIZON
from dashboard.cli import demo as demo_module
from dashboard.settings import applying
from dashboard.worker.context import make_context
from models.access.people import pupil_names
from models.access.viewer import Role, Viewer
from models.classroom.timeline import pupil_timeline
from models.ingest import identity
from models.results.periods import Period, with_year_before
from models.schema import clock, database
from models.schema.encryption import read_key
from models.schema.store_key import open_encrypted
from models.schema.tables import schools
from tests.dashboard.test_growth_words import check_series

FIRST_DAY = "2026-11-26T08:12:00+01:00"
NEXT_WEEK = "2026-12-03T20:00:00+01:00"
PUBLISHERS = {"rekenwijs", "spelsprong", "toetsvolg", "leeslijn", "toetsplein-po", "toetsplein"}
START_SECONDS = 90.0
STOP_SECONDS = 30.0


@dataclass
class Demo:
    """A demo that runs, and what it printed until it was ready; `start` is the path with which a session begins."""

    process: subprocess.Popen[str]
    address: str
    start: str
    printed: str
    browser: urllib.request.OpenerDirector = field(
        default_factory=lambda: urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    )

    def get(self, path: str) -> tuple[int, str]:
        try:
            with self.browser.open(self.address + path, timeout=20) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.read().decode()

    def stop(self, how: signal.Signals) -> int:
        self.process.send_signal(how)
        return self.process.wait(STOP_SECONDS)


def command(data: Path, port: int) -> list[str]:
    start = "from dashboard.cli.start import main; main()"
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
    printed, patience = "", threading.Timer(START_SECONDS, process.kill)
    patience.start()
    for line in process.stdout:
        printed += line
        match = re.search(r"(http://127\.0\.0\.1:[0-9]+)(/\S+)", line)
        if match:
            patience.cancel()
            return Demo(process, match[1], match[2], printed)
    pytest.fail(f"the demo ended or was not ready in time: {printed}{process.stderr.read()}")


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


def test_the_printed_address_leads_in_and_nothing_else_does(first: Demo) -> None:
    status, page = first.get("/groep")
    assert (status, "Open het adres dat Rondblik liet zien" in page) == (401, True)
    assert first.get(first.start)[0] == 200
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


def pupil_of(data: Path, place: int) -> tuple[int, int]:
    """School and pupil in the store of a pupil of 5a."""
    key = school.classes(HORIZON, "2026-2027")["5a"][place].key
    cipher = read_key(data)
    assert cipher is not None
    digest = cipher.digest(identity.LAS, key)
    ((school_id, pupil_id),) = ask(
        data, f"SELECT school_id, pupil_id FROM identifiers WHERE kind = 'las' AND digest = x'{digest.hex()}'"
    )
    assert isinstance(school_id, int)
    assert isinstance(pupil_id, int)
    return school_id, pupil_id


def late_sittings(data: Path, place: int) -> set[tuple[str, str]]:
    """Source and test of what the pupil screen marks as late."""
    school_id, pupil_id = pupil_of(data, place)
    engine = database.open_engine(database.sqlite_url(data))
    try:
        with database.read_transaction(engine) as connection:
            viewer = Viewer(school_id, Role.SUPPORT)
            seen = pupil_timeline(connection, viewer, pupil_id, Period("2026-08-01", "2027-07-31"))
            assert seen is not None
            return {
                (series.source, sitting.name) for series in seen.series for sitting in series.sittings if sitting.late
            }
    finally:
        engine.dispose()


def test_a_late_delivery_is_seen_as_late_and_nothing_else_is(first: Demo, data: Path) -> None:
    assert late_sittings(data, school.LATE) == {("Rekenwijs", "Toets blok 2")}
    assert late_sittings(data, school.LATE + 1) == set()


def test_results_come_at_two_moments_on_the_first_start(first: Demo, data: Path) -> None:
    for source in ("rekenwijs", "spelsprong"):
        rows = ask(
            data,
            "SELECT d.received_us, d.created_us, d.counts FROM deliveries d JOIN sources s ON s.id = d.source_id "
            f"WHERE s.key = '{source}' ORDER BY d.id",
        )
        with_news = [row for row in rows if json.loads(str(row[2]))["new"]]
        assert len(with_news) == 2
        assert with_news[0][:2] < with_news[1][:2]


def test_a_correction_leaves_the_value_before_it_in_the_history(first: Demo, data: Path) -> None:
    corrected = ask(
        data,
        "SELECT s.key, h.score < r.score AND h.created_us < r.created_us FROM result_history h "
        "JOIN results r USING (school_id, source_id, key, progress) JOIN sources s ON s.id = h.source_id "
        "WHERE s.key IN ('rekenwijs', 'toetsvolg')",
    )
    assert {key for key, _ in corrected} == {"rekenwijs", "toetsvolg"}
    assert ("rekenwijs", 1) in corrected


def test_what_is_sent_again_changes_nothing(first: Demo, data: Path) -> None:
    counts = [
        json.loads(str(row[0]))
        for row in ask(
            data,
            "SELECT d.counts FROM deliveries d JOIN sources s ON s.id = d.source_id WHERE s.key = 'rekenwijs'",
        )
    ]
    assert any(count["unchanged"] and not count["new"] and not count["changed"] for count in counts)
    ((taken,),) = ask(
        data,
        "SELECT count(*) FROM fetched_documents f JOIN sources s ON s.id = f.source_id WHERE s.key = 'toetsvolg'",
    )
    with clock.fixed(datetime.fromisoformat(FIRST_DAY)):
        names = [document.name for document in publishers.documents("toetsvolg", clock.now())]
    again = [name for name in names if name.endswith("-nogmaals.xml")]
    assert again
    assert taken == len(names) - len(again)


def test_every_word_of_growth_is_that_of_the_numbers_beside_it(first: Demo, data: Path) -> None:
    engine, words, number = database.open_engine(database.sqlite_url(data)), 0, 0
    with clock.fixed(datetime.fromisoformat(FIRST_DAY)), database.read_transaction(engine) as connection:
        for (school_id,) in connection.execute(select(schools.c.id)).all():
            viewer = Viewer(school_id, Role.SUPPORT, None, "Els Prins")
            for pupil in pupil_names(connection, viewer):
                timeline = pupil_timeline(connection, viewer, pupil.id, with_year_before("2026-2027"))
                assert timeline is not None
                words += sum(check_series(series) for series in timeline.series)
                number += len(timeline.series)
    assert number > 400
    assert words > 400


def test_an_unknown_pupil_waits_with_results(first: Demo, data: Path) -> None:
    waiting = ask(
        data,
        "SELECT s.key, i.parked_because, count(*) FROM results r JOIN sources s ON s.id = r.source_id "
        "JOIN identifiers i ON i.school_id = r.school_id AND i.id = r.identifier_id "
        "WHERE i.pupil_id IS NULL GROUP BY s.key, i.parked_because",
    )
    assert {row[:2] for row in waiting} == {(key, "unknown") for key in ("rekenwijs", "spelsprong", "toetsplein")}
    assert ask(data, "SELECT count(*) FROM identifiers WHERE pupil_id IS NULL AND kind <> 'pair'") == [(3,)]


def test_a_zero_is_a_score_and_what_was_not_offered_is_none(first: Demo, data: Path) -> None:
    school_id, pupil_id = pupil_of(data, school.ZERO)
    zeros = ask(
        data,
        "SELECT s.key FROM results r JOIN sources s ON s.id = r.source_id "
        "JOIN identifiers i ON i.school_id = r.school_id AND i.id = r.identifier_id "
        f"WHERE i.school_id = {school_id} AND i.pupil_id = {pupil_id} AND r.score = 0 AND r.absence IS NULL",
    )
    assert {("rekenwijs",), ("spelsprong",)} <= set(zeros)
    ((absent,),) = ask(data, "SELECT count(*) FROM results WHERE absence = 1 AND score IS NULL")
    assert absent


def test_a_source_is_down_after_it_answered_once_and_one_message_was_refused(first: Demo, data: Path) -> None:
    down = ask(
        data,
        "SELECT s.key, c.last_success_us IS NOT NULL, c.last_error_nl IS NOT NULL FROM source_connections c "
        "JOIN sources s ON s.id = c.source_id WHERE c.failures > 0",
    )
    assert down == [("leeslijn", 1, 1)]
    assert ask(data, "SELECT count(*) FROM deliveries WHERE verdict = 'reject'") == [(1,)]


def test_its_files_are_private_and_what_is_logged_stands_in_one_of_them(first: Demo, data: Path) -> None:
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    for name in ("config.yaml", "rondblik.log", "rondblik.db"):
        assert stat.S_IMODE((data / name).stat().st_mode) == 0o600, name
    assert "WARNING leeslijn: " in (data / "rondblik.log").read_text()
    assert first.process.stderr is not None
    assert readiness.select([first.process.stderr], [], [], 0)[0] == []


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
        reading = again.printed
        assert again.stop(signal.SIGTERM) == 0
    assert "Spelsprong" in reading
    assert "leerling" not in reading
    assert "Leeslijn: antwoordt nu niet / " in reading
    assert "Niets nieuws" not in reading


def test_a_folder_that_somebody_else_made_keeps_its_mode(tmp_path: Path) -> None:
    own, made = tmp_path / "van-mij", tmp_path / "van-demo"
    own.mkdir(mode=0o750)
    own.chmod(0o750)
    for folder, mode in ((own, 0o750), (made, 0o700)):
        for _ in range(2):
            demo_module._configure(folder, dict.fromkeys(server.SERVED, 1), demo_module._make_private(folder))
            assert stat.S_IMODE(folder.stat().st_mode) == mode
            assert stat.S_IMODE((folder / "config.yaml").stat().st_mode) == 0o600
    made.chmod(0o755)
    assert demo_module._make_private(made)
    assert stat.S_IMODE(made.stat().st_mode) == 0o700


def test_only_what_is_new_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    now = datetime.fromisoformat(FIRST_DAY)
    with clock.fixed(now), server.running(inbox=tmp_path / "inbox") as ports:
        settings = demo_module._configure(tmp_path, ports)
        settings = settings.model_copy(
            update={"publishers": tuple(publisher for publisher in settings.publishers if publisher.id != "leeslijn")}
        )
        engine = database.open_engine(settings.database_url())
        try:
            cipher = open_encrypted(engine, tmp_path)
            connection_configs = applying.apply(settings, engine)
            context = make_context(settings, engine, cipher, connection_configs)
            demo_module._pull_all(context, connection_configs)
            first = capsys.readouterr().out.splitlines()
            demo_module._pull_all(context, connection_configs)
            second = capsys.readouterr().out.splitlines()
        finally:
            engine.dispose()
    assert [line for line in first if "leerlingen" in line] == [
        "  LAS van De Horizon: 198 leerlingen / 198 pupils",
        "  LAS van Het Baken: 26 leerlingen / 26 pupils",
    ]
    assert len(first) == 7
    assert second == ["  Niets nieuws sinds de vorige keer. / Nothing new since the last time."]


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
            cipher = open_encrypted(engine, tmp_path)
            connection_configs = applying.apply(settings, engine)
            demo_module._pull_all(make_context(settings, engine, cipher, connection_configs), connection_configs)
            assert demo_module.demo_users(engine, cipher)[0].key == "leraar-5a"
            assert len(demo_module.demo_users(engine, cipher)) == 12
        finally:
            engine.dispose()
    assert set(results_by_source(tmp_path)) == PUBLISHERS
    failing = ask(
        tmp_path, "SELECT s.key FROM source_connections c JOIN sources s ON s.id = c.source_id WHERE c.failures > 0"
    )
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
