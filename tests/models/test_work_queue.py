"""What is due: one worker at a time, nothing lost when one dies, and patience with a source that fails."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Row, insert, select, update

from models.ingest import connections, page_requests, schools, work_queue
from models.ingest.connections import SourceConnection
from models.ingest.page_requests import CheckOutput, PageRequest
from models.ingest.schools import Identification
from models.ingest.work_queue import LEASE_SECONDS, SECOND_US, Job
from models.schema import clock, database
from models.schema.tables import schools as school_rows
from models.schema.tables import source_connections
from models.schema.tables import work_queue as queue_rows
from tests.conftest import Store

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
NOW_US = clock.to_us(NOW)


@pytest.fixture(autouse=True)
def _noon() -> Iterator[None]:
    with clock.fixed(NOW):
        yield


def after(seconds: float) -> AbstractContextManager[None]:
    return clock.fixed(NOW + timedelta(seconds=seconds))


def connect(store: Store, *keys: str, school: str = "99XX") -> list[SourceConnection]:
    """Connections of one school, the first the most overdue."""
    made = []
    for number, key in enumerate(keys):
        with after(number - 100), database.write_transaction(store.engine) as connection:
            school_id = schools.ensure_school(connection, [Identification("brin", school)])
            source_id = schools.ensure_source(connection, key, key.title(), "publisher")
            connections.ensure_connection(connection, school_id, source_id)
            made.append(SourceConnection(school_id, source_id, key, "publisher"))
    return made


def request(store: Store, title: str, school_id: int | None = None) -> str:
    """What a page requests."""
    page_request = PageRequest(page_requests.MESSAGE, title, b"<x/>", school_id)
    return page_requests.submit(store.engine, store.cipher, page_request)


def connection_of(store: Store, of: SourceConnection | Job) -> Row[Any]:
    table = source_connections
    with database.read_transaction(store.engine) as connection:
        return connection.execute(
            select(table).where(table.c.school_id == of.school_id, table.c.source_id == of.source_id)
        ).one()


def job_of(store: Store, of: SourceConnection | Job) -> Row[Any]:
    with database.read_transaction(store.engine) as connection:
        return connection.execute(
            select(queue_rows).where(queue_rows.c.school_id == of.school_id, queue_rows.c.source_id == of.source_id)
        ).one()


def change(store: Store, of: SourceConnection, **values: object) -> None:
    with database.write_transaction(store.engine) as connection:
        table = source_connections
        connection.execute(update(table).where(table.c.source_id == of.source_id).values(**values))


def change_job(store: Store, of: SourceConnection, **values: object) -> None:
    with database.write_transaction(store.engine) as connection:
        connection.execute(update(queue_rows).where(queue_rows.c.source_id == of.source_id).values(**values))


def claim(store: Store, thread: str | None = None) -> Job:
    job = work_queue.claim(store.engine, thread)
    assert job is not None
    return job


def fill(store: Store, kind: str) -> None:
    """Twelve jobs: polls of connections, or requests of pages."""
    if kind == work_queue.POLL:
        connect(store, *(f"s{number:02}" for number in range(12)))
    else:
        for number in range(12):
            request(store, f"s{number:02}")


def test_the_most_overdue_comes_first_and_each_only_once(any_store: Store) -> None:
    connect(any_store, "a", "b", "c")
    assert [claim(any_store).title for _ in range(3)] == ["a", "b", "c"]
    assert work_queue.claim(any_store.engine) is None


def test_what_a_vendor_requests_comes_after_all_of_schools(any_store: Store) -> None:
    with after(-200):
        request(any_store, "of a vendor")
    (source_connection,) = connect(any_store, "a")
    request(any_store, "of an administrator", source_connection.school_id)
    assert [claim(any_store).title for _ in range(3)] == ["a", "of an administrator", "of a vendor"]


def test_what_is_not_due_stopped_inactive_or_leased_is_left(any_store: Store) -> None:
    later, stopped, gone, leased = connect(any_store, "later", "stopped", "gone", "leased")
    change_job(any_store, later, next_try_us=NOW_US + 1)
    change(any_store, stopped, stopped=True)
    change(any_store, gone, active=False)
    change_job(any_store, leased, leased_until_us=NOW_US + 1, lease="x")
    assert work_queue.due_threads(any_store.engine) == []
    assert work_queue.claim(any_store.engine) is None


def test_a_source_that_sends_by_itself_is_never_polled(any_store: Store) -> None:
    (polled,) = connect(any_store, "a")
    with database.write_transaction(any_store.engine) as connection:
        source_id = schools.ensure_source(connection, "sender", "Sender", "publisher")
        connections.ensure_connection(connection, polled.school_id, source_id, pushes=True)
    assert claim(any_store).title == "a"
    assert work_queue.claim(any_store.engine) is None
    assert work_queue.claim_poll(any_store.engine, polled.school_id, source_id) is None


@pytest.mark.parametrize("kind", [work_queue.POLL, page_requests.MESSAGE])
def test_workers_at_the_same_moment_never_get_the_same_job(any_store: Store, kind: str) -> None:
    fill(any_store, kind)
    begin = threading.Barrier(4)

    def work() -> list[str]:
        titles = []
        begin.wait()
        while (job := work_queue.claim(any_store.engine)) is not None:
            titles.append(job.title)
        return titles

    with ThreadPoolExecutor(4) as workers:
        lists = [future.result() for future in [workers.submit(work) for _ in range(4)]]
    assert sorted(title for titles in lists for title in titles) == [f"s{number:02}" for number in range(12)]


def test_an_expired_lease_is_claimed_by_another_and_the_first_changes_nothing(any_store: Store) -> None:
    connect(any_store, "a")
    killed = claim(any_store)
    with after(LEASE_SECONDS - 0.001):
        assert work_queue.claim(any_store.engine) is None
    with after(LEASE_SECONDS):
        second = claim(any_store)
        assert (second.id, second.attempts) == (killed.id, 2)
        assert second.lease != killed.lease
        assert not connections.finish_success(any_store.engine, killed, NOW_US + 1)
        assert not connections.finish_failure(any_store.engine, killed, "nl", "en")
        assert not work_queue.extend(any_store.engine, killed)
        assert not work_queue.release(any_store.engine, killed)
        row = connection_of(any_store, second)
        assert (row.failures, row.last_success_us, row.last_error_en) == (0, None, None)
        assert job_of(any_store, second).lease == second.lease
        assert connections.finish_success(any_store.engine, second, NOW_US + 5)
        assert not connections.finish_success(any_store.engine, second, NOW_US + 6)
    assert job_of(any_store, second).next_try_us == NOW_US + 5


def test_a_clock_that_is_set_back_keeps_nothing_waiting_longer_than_its_own_wait(any_store: Store) -> None:
    polled, leased = connect(any_store, "a", "b")
    connections.finish_success(any_store.engine, claim(any_store), NOW_US + 3600 * SECOND_US)
    assert claim(any_store).title == "b"  # by a worker that is killed then
    request(any_store, "x")
    with after(-2 * 86400):
        titles = [claim(any_store).title for _ in range(3)]
        assert sorted(titles) == ["a", "b", "x"]
        assert work_queue.claim(any_store.engine) is None
    with after(-30):  # put right by so little, the wait is only so much longer
        change_job(any_store, polled, lease=None, leased_until_us=None)
        change_job(any_store, leased, leased_until_us=NOW_US + int(LEASE_SECONDS * SECOND_US))
        assert work_queue.claim(any_store.engine) is None


def test_of_a_request_that_was_claimed_again_only_the_second_outcome_counts(any_store: Store) -> None:
    engine, cipher = any_store.engine, any_store.cipher
    token = request(any_store, "x")
    killed = claim(any_store)
    with after(LEASE_SECONDS):
        second = claim(any_store)
        assert not page_requests.finish(engine, cipher, killed, CheckOutput({}, b"", b"", {}))
        assert not page_requests.fail(engine, killed, "x", "x")
        state = page_requests.find(engine, cipher, token)
        assert state is not None
        assert state.state == page_requests.BUSY
        assert page_requests.fail(engine, second, "Nee.", "No.")
    state = page_requests.find(engine, cipher, token)
    assert state is not None
    assert (state.state, state.error_en) == (page_requests.FAILED, "No.")


@pytest.mark.parametrize("kind", [work_queue.POLL, page_requests.MESSAGE])
def test_a_lease_that_is_extended_does_not_expire(any_store: Store, kind: str) -> None:
    fill(any_store, kind)
    jobs = [claim(any_store) for _ in range(12)]
    for times in range(1, 4):
        with after(times * (LEASE_SECONDS - 1)):
            assert work_queue.claim(any_store.engine) is None
            assert all(work_queue.extend(any_store.engine, job) for job in jobs)


def test_success_clears_what_failed_and_sets_the_next_try(any_store: Store) -> None:
    (source_connection,) = connect(any_store, "a")
    job = claim(any_store)
    assert connections.start_poll(any_store.engine, job) is None
    connections.finish_failure(any_store.engine, job, "mislukt", "failed")
    failed = connection_of(any_store, source_connection)
    assert (failed.failures, failed.last_error_nl, failed.last_error_en) == (1, "mislukt", "failed")
    assert (failed.last_try_us, failed.last_success_us) == (NOW_US, None)
    waiting = job_of(any_store, source_connection)
    assert (waiting.lease, waiting.leased_until_us, waiting.attempts) == (None, None, 0)
    assert NOW_US <= waiting.next_try_us <= NOW_US + 60 * SECOND_US
    with after(60):
        connections.finish_success(any_store.engine, claim(any_store), NOW_US + 200 * SECOND_US)
    done = connection_of(any_store, source_connection)
    assert (done.failures, done.last_error_nl, done.last_error_en) == (0, None, None)
    assert done.last_success_us == NOW_US + 60 * SECOND_US
    assert job_of(any_store, source_connection).next_try_us == NOW_US + 200 * SECOND_US


def test_every_failure_in_a_row_counts_and_leaves_the_cursor(any_store: Store) -> None:
    (source_connection,) = connect(any_store, "a")
    change(any_store, source_connection, cursor="2026-11-11T00:05:46")
    for failures in (1, 2, 3):
        with after(failures * 3600):
            job = claim(any_store)
            assert connections.start_poll(any_store.engine, job) == "2026-11-11T00:05:46"
            connections.finish_failure(any_store.engine, job, "nl", "en")
        row = connection_of(any_store, source_connection)
        assert (row.failures, row.cursor) == (failures, "2026-11-11T00:05:46")


@pytest.mark.parametrize("kind", [work_queue.POLL, page_requests.MESSAGE])
def test_what_is_released_is_due_again_at_once_and_was_no_attempt(any_store: Store, kind: str) -> None:
    fill(any_store, kind)
    for _ in range(5):
        job = claim(any_store)
        assert (job.title, job.attempts) == ("s00", 1)
        assert work_queue.release(any_store.engine, job)
    assert len(work_queue.due_threads(any_store.engine)) == (12 if kind == work_queue.POLL else 1)


def test_a_poll_asked_for_by_name_need_not_be_due_but_may_not_be_leased_or_stopped(any_store: Store) -> None:
    (source_connection,) = connect(any_store, "a")
    change_job(any_store, source_connection, next_try_us=NOW_US + 1000 * SECOND_US)
    named = (source_connection.school_id, source_connection.source_id)
    job = work_queue.claim_poll(any_store.engine, *named)
    assert job is not None
    assert work_queue.claim_poll(any_store.engine, *named) is None
    work_queue.release(any_store.engine, job)
    change(any_store, source_connection, stopped=True)
    assert work_queue.claim_poll(any_store.engine, *named) is None


def test_a_thread_of_one_source_leaves_the_others(any_store: Store) -> None:
    connect(any_store, "a", "b")
    first, second = work_queue.due_threads(any_store.engine)
    assert claim(any_store, second).title == "b"
    assert work_queue.claim(any_store.engine, second) is None
    assert work_queue.due_threads(any_store.engine) == [first]


def test_a_connection_that_returns_to_the_configuration_keeps_its_cursor(any_store: Store) -> None:
    first, second = connect(any_store, "a", "b")
    change(any_store, first, cursor="2026-11-11T00:05:46", failures=3)
    with database.write_transaction(any_store.engine) as connection:
        connections.retire_others(connection, {(second.school_id, second.source_id)})
    assert (connection_of(any_store, first).active, connection_of(any_store, second).active) == (False, True)
    assert [claim(any_store).title, work_queue.claim(any_store.engine)] == ["b", None]
    connect(any_store, "a")
    back = connection_of(any_store, first)
    assert (back.active, back.cursor, back.failures) == (True, "2026-11-11T00:05:46", 3)
    assert claim(any_store).title == "a"


def test_the_row_of_a_job_is_locked_by_no_transaction(store: Store) -> None:
    connect(store, "a", "b")
    claim(store)
    with database.write_transaction(store.engine) as connection:  # the write lock is free while a job is leased
        connection.execute(insert(school_rows).values(id=77, name="Vrij"))


# -- patience ------------------------------------------------------------------------------------------------


@given(share=st.floats(0, 1), wait=st.none() | st.floats(0, 1e9))
def test_the_next_try_is_within_a_minute_unless_the_source_asks_for_longer(share: float, wait: float | None) -> None:
    next_try_us = connections.back_off_us(NOW_US, wait, lambda low, high: low + share * (high - low))
    seconds = (next_try_us - NOW_US) / SECOND_US
    assert seconds >= 30
    assert seconds <= 60 or (wait is not None and seconds <= min(wait, 3600))


@pytest.mark.parametrize(("wait", "seconds"), [(0, 60), (59.5, 60), (300, 300), (3600, 3600), (86400, 3600)])
def test_what_a_source_asks_to_wait_is_waited_up_to_an_hour(wait: float, seconds: int) -> None:
    assert connections.back_off_us(NOW_US, wait, lambda low, high: high) == NOW_US + seconds * SECOND_US


@pytest.mark.parametrize(("took", "seconds"), [(0, 60), (30, 30), (50, 10), (58, 5), (900, 5)])
def test_the_time_that_a_try_took_counts(took: int, seconds: int) -> None:
    began_us = NOW_US - took * SECOND_US
    next_try_us = connections.back_off_us(NOW_US, None, lambda low, high: high, began_us)
    assert next_try_us == NOW_US + seconds * SECOND_US


def test_jitter_spreads_the_tries_over_half_a_minute() -> None:
    waits = [(connections.back_off_us(NOW_US) - NOW_US) / SECOND_US for _ in range(500)]
    assert min(waits) < 33
    assert max(waits) > 57
