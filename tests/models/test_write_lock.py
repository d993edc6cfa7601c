"""Threads that write to SQLite take turns."""

from __future__ import annotations

import threading
import time

import pytest
from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import OperationalError

from models.schema import database
from models.schema.tables import numbers
from tests.conftest import Store

pytestmark = pytest.mark.sqlite

THREADS, TURNS, SECONDS = 4, 40, 0.002
NAME = "a table"


def test_no_thread_waits_for_all_turns_of_another(store: Store) -> None:
    with database.write_transaction(store.engine) as connection:
        connection.execute(insert(numbers).values(table_name=NAME, last=0))
    waited: list[float] = []

    def write() -> None:
        for _turn in range(TURNS):
            begin = time.perf_counter()
            with database.write_transaction(store.engine) as connection:
                waited.append(time.perf_counter() - begin)
                connection.execute(update(numbers).where(numbers.c.table_name == NAME).values(last=numbers.c.last + 1))
                time.sleep(SECONDS)

    threads = [threading.Thread(target=write) for _ in range(THREADS)]
    begin = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - begin
    with database.read_transaction(store.engine) as connection:
        assert connection.scalar(select(func.max(numbers.c.last))) == THREADS * TURNS
    print(f"{took:.2f} s, the longest wait {max(waited):.2f} s")
    assert max(waited) < 0.4 * took  # 0.7 where SQLite itself looks now and then whether its lock is free


def test_a_thread_that_waits_too_long_hears_what_sqlite_says(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.1)
    heard: list[OperationalError] = []

    def write() -> None:
        try:
            with database.write_transaction(store.engine):
                pass
        except OperationalError as error:
            heard.append(error)

    with database.write_transaction(store.engine):
        thread = threading.Thread(target=write)
        thread.start()
        thread.join()
    assert [str(error.orig) for error in heard] == ["database is locked"]
    write()
    assert len(heard) == 1


def test_another_process_gets_its_turn_while_threads_of_this_one_write(store: Store) -> None:
    other = database.open_engine(store.engine.url.render_as_string())  # which knows nothing of the turns of the threads
    ended = threading.Event()

    def write() -> None:
        while not ended.is_set():
            with database.write_transaction(store.engine):
                time.sleep(0.05)
            time.sleep(0.05)

    threads = [threading.Thread(target=write) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    waited = []
    try:
        for _turn in range(5):
            begin = time.perf_counter()
            with database.write_transaction(other):
                waited.append(time.perf_counter() - begin)
    finally:
        ended.set()
        for thread in threads:
            thread.join()
        other.dispose()
    print(f"the longest wait {max(waited):.2f} s")
    assert max(waited) < 3  # nearly a minute where SQLite itself looks ten times a second


def test_no_thread_waits_longer_for_having_waited_for_another(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 1)
    other = database.open_engine(store.engine.url.render_as_string())
    waited: list[float] = []

    def write() -> None:
        begin = time.perf_counter()
        with pytest.raises(OperationalError, match="database is locked"), database.write_transaction(store.engine):
            pass
        waited.append(time.perf_counter() - begin)

    threads = [threading.Thread(target=write) for _ in range(2)]
    with database.write_transaction(other):
        for thread in threads:
            thread.start()
            time.sleep(0.5)
        for thread in threads:
            thread.join()
    other.dispose()
    assert len(waited) == 2
    assert max(waited) < 1.4
