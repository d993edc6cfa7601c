"""What is due: one worker at a time, nothing lost when one dies, and patience with a source that fails."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Row, insert, select, update

from models.ingest import connections, schools
from models.ingest.connections import SECOND_US, Claim, SourceConnection
from models.ingest.schools import Identification
from models.schema import database
from models.schema.tables import couplings as rows
from models.schema.tables import schools as school_rows
from tests.conftest import Store

NOW = 1_800_000_000 * SECOND_US
LEASE = 180.0


def couple(store: Store, *keys: str, school: str = "99XX") -> list[SourceConnection]:
    """Couplings of one school, the first the most overdue."""
    made = []
    with database.write_transaction(store.engine) as connection:
        school_id = schools.ensure_school(connection, [Identification("brin", school)])
        for place, key in enumerate(keys):
            source_id = schools.ensure_source(connection, key, key.title(), "publisher")
            connections.ensure_connection(connection, school_id, source_id, NOW - (100 - place) * SECOND_US)
            made.append(SourceConnection(school_id, source_id, key, "publisher"))
    return made


def row_of(store: Store, coupling: SourceConnection | Claim) -> Row[Any]:
    with database.read_transaction(store.engine) as connection:
        return connection.execute(
            select(rows).where(rows.c.school_id == coupling.school_id, rows.c.source_id == coupling.source_id)
        ).one()


def change(store: Store, coupling: SourceConnection, **values: object) -> None:
    with database.write_transaction(store.engine) as connection:
        connection.execute(update(rows).where(rows.c.source_id == coupling.source_id).values(**values))


def claim(store: Store, now: int = NOW, source_id: int | None = None) -> Claim:
    claim = connections.claim_due(store.engine, now, LEASE, source_id)
    assert claim is not None
    return claim


def test_the_most_overdue_comes_first_and_each_only_once(any_store: Store) -> None:
    couple(any_store, "a", "b", "c")
    assert [claim(any_store).source_key for _ in range(3)] == ["a", "b", "c"]
    assert connections.claim_due(any_store.engine, NOW, LEASE) is None


def test_what_is_not_due_stopped_inactive_or_held_is_left(any_store: Store) -> None:
    later, stopped, gone, source_connection = couple(any_store, "later", "stopped", "gone", "held")
    change(any_store, later, next_try_us=NOW + 1)
    change(any_store, stopped, stopped=True)
    change(any_store, gone, active=False)
    change(any_store, source_connection, leased_until_us=NOW + 1, lease="x")
    assert connections.due_sources(any_store.engine, NOW) == []
    assert connections.claim_due(any_store.engine, NOW, LEASE) is None


def test_workers_at_the_same_moment_never_get_the_same_row(any_store: Store) -> None:
    keys = [f"s{number}" for number in range(12)]
    couple(any_store, *keys)
    begin = threading.Barrier(4)

    def work() -> list[str]:
        taken = []
        begin.wait()
        while (claim := connections.claim_due(any_store.engine, NOW, LEASE)) is not None:
            taken.append(claim.source_key)
        return taken

    with ThreadPoolExecutor(4) as workers:
        lists = [future.result() for future in [workers.submit(work) for _ in range(4)]]
    assert sorted(key for taken in lists for key in taken) == sorted(keys)


def test_a_lease_that_lapsed_is_taken_by_another_and_the_first_changes_nothing(any_store: Store) -> None:
    couple(any_store, "a")
    killed = claim(any_store)
    lapsed = NOW + int(LEASE * SECOND_US)
    assert connections.claim_due(any_store.engine, lapsed - 1, LEASE) is None
    second = claim(any_store, lapsed)
    assert second.lease != killed.lease
    assert not connections.finish_success(any_store.engine, killed, lapsed, lapsed + 1)
    assert not connections.finish_failure(any_store.engine, killed, "nl", "en", lapsed + 1)
    assert not connections.extend(any_store.engine, killed, lapsed + 1)
    assert not connections.release(any_store.engine, killed)
    assert row_of(any_store, second).lease == second.lease
    assert connections.finish_success(any_store.engine, second, lapsed, lapsed + 5)


def test_a_lease_that_is_extended_does_not_lapse(any_store: Store) -> None:
    couple(any_store, "a")
    held = claim(any_store)
    lapsed = NOW + int(LEASE * SECOND_US)
    assert connections.extend(any_store.engine, held, lapsed + 10)
    assert connections.claim_due(any_store.engine, lapsed, LEASE) is None


def test_success_clears_what_failed_and_sets_the_next_try(any_store: Store) -> None:
    (coupling,) = couple(any_store, "a")
    connections.finish_failure(any_store.engine, claim(any_store), "mislukt", "failed", NOW)
    failed = row_of(any_store, coupling)
    assert (failed.failures, failed.last_error_nl, failed.last_error_en) == (1, "mislukt", "failed")
    assert (failed.lease, failed.leased_until_us, failed.last_success_us) == (None, None, None)
    again = claim(any_store)
    assert again.failures == 1
    connections.finish_success(any_store.engine, again, NOW + 1, NOW + 2)
    done = row_of(any_store, coupling)
    assert (done.failures, done.last_error_nl, done.last_error_en, done.lease) == (0, None, None, None)
    assert (done.last_success_us, done.next_try_us, done.last_try_us) == (NOW + 1, NOW + 2, NOW)


def test_a_failure_leaves_the_cursor(any_store: Store) -> None:
    (coupling,) = couple(any_store, "a")
    change(any_store, coupling, cursor="2026-11-11T00:05:46")
    held = claim(any_store)
    connections.finish_failure(any_store.engine, held, "nl", "en", NOW)
    assert held.cursor == row_of(any_store, coupling).cursor == "2026-11-11T00:05:46"


def test_what_is_given_back_is_due_again_at_once(any_store: Store) -> None:
    couple(any_store, "a")
    connections.release(any_store.engine, claim(any_store))
    assert claim(any_store).failures == 0


def test_asked_for_by_name_it_need_not_be_due_but_may_not_be_held_or_stopped(any_store: Store) -> None:
    (coupling,) = couple(any_store, "a")
    change(any_store, coupling, next_try_us=NOW + 1000 * SECOND_US)
    claim = connections.claim_now(any_store.engine, coupling, NOW, LEASE)
    assert claim is not None
    assert connections.claim_now(any_store.engine, coupling, NOW, LEASE) is None
    connections.release(any_store.engine, claim)
    change(any_store, coupling, stopped=True)
    assert connections.claim_now(any_store.engine, coupling, NOW, LEASE) is None


def test_a_worker_for_one_source_leaves_the_others(any_store: Store) -> None:
    _, second = couple(any_store, "a", "b")
    assert claim(any_store, source_id=second.source_id).source_key == "b"
    assert connections.claim_due(any_store.engine, NOW, LEASE, second.source_id) is None
    assert len(connections.due_sources(any_store.engine, NOW)) == 1


def test_a_coupling_that_returns_to_the_configuration_keeps_its_cursor(any_store: Store) -> None:
    first, second = couple(any_store, "a", "b")
    change(any_store, first, cursor="2026-11-11T00:05:46", failures=3)
    with database.write_transaction(any_store.engine) as connection:
        connections.retire_others(connection, {(second.school_id, second.source_id)})
    assert (row_of(any_store, first).active, row_of(any_store, second).active) == (False, True)
    couple(any_store, "a")
    back = row_of(any_store, first)
    assert (back.active, back.cursor, back.failures) == (True, "2026-11-11T00:05:46", 3)


def test_the_row_of_a_claim_is_locked_by_no_transaction(store: Store) -> None:
    couple(store, "a", "b")
    claim(store)
    with database.write_transaction(store.engine) as connection:  # the write lock is free while a claim is held
        connection.execute(insert(school_rows).values(id=77, name="Vrij"))


# -- patience ------------------------------------------------------------------------------------------------


@given(failures=st.integers(1, 1000), share=st.floats(0, 1))
def test_back_off_is_never_longer_than_an_hour_and_the_breaker_waits_a_minute(failures: int, share: float) -> None:
    wait = connections.back_off_us(NOW, failures, lambda low, high: low + share * (high - low)) - NOW
    assert 0 <= wait <= 3600 * SECOND_US
    assert failures < connections.BREAKER_FAILURES or wait >= 60 * SECOND_US


@pytest.mark.parametrize(
    ("failures", "seconds"), [(1, 60), (2, 120), (3, 240), (4, 480), (5, 960), (6, 1920), (7, 3600), (50, 3600)]
)
def test_the_bound_doubles_from_a_minute_to_an_hour(failures: int, seconds: int) -> None:
    assert connections.back_off_us(NOW, failures, lambda low, high: high) == NOW + seconds * SECOND_US


def test_jitter_spreads_the_tries_over_the_whole_bound() -> None:
    waits = [(connections.back_off_us(NOW, 4) - NOW) / (480 * SECOND_US) for _ in range(500)]
    assert min(waits) < 0.1
    assert max(waits) > 0.9
