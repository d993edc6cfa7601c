"""A disk that fills up: operator and administrators hear of it in time, and a reserve lets deletions go on."""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select
from sqlalchemy.exc import DBAPIError

from dashboard.auth.request import AppOptions
from dashboard.server.wsgi import create_app
from dashboard.worker import disk_watch, loop
from dashboard.worker.context import WorkContext
from dashboard.worker.disk_watch import DiskWatch
from models.ingest import retention
from models.schema import clock, database
from models.schema.disk_space import RESERVE_FILE, disk_space
from models.schema.store_key import open_encrypted
from models.schema.tables import deliveries, raw_messages
from tests.conftest import Store
from tests.dashboard import school
from tests.dashboard.conftest import PERSONAS
from tests.dashboard.installation import Installation
from tests.dashboard.page_client import PageClient
from tests.dashboard.test_web import as_persona, shown_page
from tests.faults.conftest import fill

ROWS = 60


@pytest.fixture
def small(disk: Path) -> Store:
    """A store on a small disk, with messages whose time is over."""
    engine = database.open_engine(database.sqlite_url(disk / "data"))
    cipher = open_encrypted(engine, disk / "data")
    with clock.fixed(school.NOW):
        school.build(engine, cipher)
        now = clock.now_us()
    with database.write_transaction(engine) as connection:
        (first,) = connection.execute(select(deliveries).limit(1)).mappings().all()
        rows = [{**first, "id": 10_000 + number} for number in range(ROWS)]
        connection.execute(insert(deliveries), rows)
        due = [{"delivery_id": row["id"], "sealed": b"x" * 500, "keep_until_us": now} for row in rows]
        connection.execute(insert(raw_messages), due)
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    return Store(engine, cipher)


def kept(store: Store) -> int:
    """How many messages are stored."""
    with database.read_transaction(store.engine) as connection:
        return connection.scalar(select(func.count()).select_from(raw_messages)) or 0


def test_on_a_full_disk_the_reserve_lets_what_is_due_be_deleted(
    small: Store, disk: Path, caplog: pytest.LogCaptureFixture
) -> None:
    data = disk / "data"
    DiskWatch(small.engine, data).look()
    reserve = data / RESERVE_FILE
    assert reserve.stat().st_size == disk_space(disk).total // 100
    filler = fill(disk, 0)
    with pytest.raises(DBAPIError, match="full"):
        retention.forget_raw(small.engine)
    stop = threading.Event()
    worker = threading.Thread(target=loop.run_worker, args=(WorkContext(small.engine, small.cipher, data=data), stop))
    worker.start()
    try:
        ends = time.monotonic() + 30
        while kept(small) and time.monotonic() < ends:
            time.sleep(0.1)
        assert kept(small) == 0
    finally:
        stop.set()
        worker.join(30)
    assert not reserve.exists()
    assert any("reserve was released" in line for line in caplog.messages)
    filler.unlink()
    DiskWatch(small.engine, data).look()
    assert reserve.exists()
    small.engine.dispose()


def test_the_log_has_an_alarm_once_an_hour_while_little_is_free(
    small: Store, disk: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO)
    seconds = 0.0
    monkeypatch.setattr(disk_watch.time, "monotonic", lambda: seconds + 10_000)
    watch = DiskWatch(small.engine, disk / "data")
    watch.look()
    assert caplog.messages == []
    fill(disk, disk_space(disk).total // 10)
    for minute in range(130):
        seconds = minute * 60.0
        watch.look()
    assert len(caplog.messages) == 3
    assert "9 % of the disk" in caplog.messages[0]
    small.engine.dispose()


def test_administrators_see_that_the_disk_fills_up(small: Store, disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with clock.fixed(school.NOW):
        options = AppOptions(demo=True, users=PERSONAS, data=disk / "data")
        web = create_app(small.engine, small.cipher, options)
        web.test_client_class = PageClient
        assert "schijf" not in shown_page(as_persona(web, "sam"), "/koppelingen")
        fill(disk, disk_space(disk).total // 10)
        page = shown_page(as_persona(web, "sam"), "/koppelingen")
        assert "De schijf van Rondblik raakt vol: er is nog 9 % vrij." in page
        assert str(disk) not in page
    small.engine.dispose()


def test_a_backup_for_which_there_is_no_room_leaves_nothing(small: Store, disk: Path, tmp_path: Path) -> None:
    small.engine.dispose()
    filler = fill(disk, 256 * 1024)
    (disk / "data" / "config.yaml").write_text("data: .\n")
    for place in (tmp_path, disk):  # of the file; the copy of the database is on the full disk
        outcome = Installation(disk / "data", "", disk).outcome("backup", str(place / "a.backup"))
        assert (outcome[0], len(outcome[2].splitlines())) == (2, 1), outcome
        assert not [path.name for path in place.glob("a.backup*")]
    assert not list((disk / "data").glob(".backup-*"))
    filler.unlink()
    assert Installation(disk / "data", "", disk).run("backup", str(disk / "a.backup")) == (0, "")
