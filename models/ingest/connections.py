"""Connections of schools with sources: how each goes, and how long a failing source is left alone.

When a connection is polled, and by whom, is in the queue of work (`work_queue`).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Engine, and_, bindparam, insert, select, tuple_, update

from models.ingest import work_queue
from models.ingest.work_queue import SECOND_US, Job
from models.schema import clock
from models.schema.database import write_transaction
from models.schema.prepared import PreparedStatement
from models.schema.tables import own_connections, source_connections

SHORTEST_BACK_OFF_SECONDS = 30.0
SHORTEST_PAUSE_SECONDS = 5.0  # after an answer, or none, that took longer than the back-off
LONGEST_BACK_OFF_SECONDS = 60.0
LONGEST_WAIT_SECONDS = 3600.0  # of what a source may ask for in Retry-After
_NO_FAILURE: Mapping[str, object] = {"failures": 0, "last_error_nl": None, "last_error_en": None}
_RECORD_ANSWER = PreparedStatement(
    update(source_connections).where(
        source_connections.c.school_id == bindparam("school"), source_connections.c.source_id == bindparam("source")
    )
)


@dataclass(frozen=True, slots=True)
class SourceConnection:
    """A connection of the configuration, and what its source is (publisher or las)."""

    school_id: int
    source_id: int
    source_key: str
    role: str


def back_off_us(
    now_us: int,
    wait_seconds: float | None = None,
    draw: Callable[[float, float], float] = random.uniform,
    began_us: int | None = None,
) -> int:
    """When to try a source again that failed: half a minute to a minute after that try began.

    So it is back soon after it is up, also where the try itself took half a minute of silence. The jitter keeps many
    connections from returning at the same moment. What the source asks for in `wait_seconds` is waited for where it is
    longer, up to an hour.
    """
    seconds = draw(SHORTEST_BACK_OFF_SECONDS, LONGEST_BACK_OFF_SECONDS)
    if began_us is not None:
        seconds = max(seconds - max(now_us - began_us, 0) / SECOND_US, SHORTEST_PAUSE_SECONDS)
    if wait_seconds is not None:
        seconds = max(seconds, min(wait_seconds, LONGEST_WAIT_SECONDS))
    return now_us + int(seconds * SECOND_US)


def ensure_connection(connection: Connection, school_id: int, source_id: int, *, pushes: bool = False) -> None:
    """Store a connection: a new one is polled at once, one that had left is active again.

    With `pushes` the source sends by itself and is never polled.
    """
    own = _of(school_id, source_id)
    pushed = connection.execute(select(source_connections.c.pushes).where(own)).scalar_one_or_none()
    if pushed is None:
        connection.execute(
            insert(source_connections).values(school_id=school_id, source_id=source_id, active=True, pushes=pushes)
        )
    else:
        connection.execute(update(source_connections).where(own).values(active=True, pushes=pushes))
    if pushes and pushed is False:
        work_queue.end_poll(connection, school_id, source_id)
    elif not pushes and pushed is not False:
        work_queue.add_poll(connection, school_id, source_id)


def resume(connection: Connection, school_id: int, source_id: int) -> None:
    """Go on with a connection that was stopped."""
    connection.execute(update(source_connections).where(_of(school_id, source_id)).values(stopped=False))


def retire_others(connection: Connection, configured: set[tuple[int, int]]) -> None:
    """Connections (school, source) that are no longer in the configuration become inactive, and are not polled.

    Those of senders follow their keys (`senders.connect_schools`), and what a school added itself stays.
    """
    pair = tuple_(source_connections.c.school_id, source_connections.c.source_id)
    own = select(own_connections.c.source_id).where(own_connections.c.source_id.is_not(None))
    connection.execute(
        update(source_connections)
        .where(
            source_connections.c.pushes.is_(False), pair.not_in(configured), source_connections.c.source_id.not_in(own)
        )
        .values(active=False)
    )


def record_answer(
    connection: Connection, school_id: int, source_id: int, *, new_data: bool, cursor: str | None = None
) -> None:
    """Record that a source delivered, in the transaction that stores what came; the cursor moves where it is given."""
    now = clock.now_us()
    values: dict[str, object] = {**_NO_FAILURE, "last_success_us": now}
    if new_data:
        values["last_data_us"] = now
    if cursor is not None:
        values["cursor"] = cursor
    _RECORD_ANSWER.run(connection, {"school": school_id, "source": source_id, **values})


def cursor_of(created_text: str, created_us: int | None, asked_us: int | None) -> str:
    """The aanmaakdatum of an answer as the cursor, never later than the moment `asked_us` that it was requested at.

    A source whose clock is ahead would else never be asked for what it makes until our clock gets there.
    """
    if created_us is None or asked_us is None or created_us <= asked_us:
        return created_text
    return clock.from_us(asked_us).astimezone(clock.AMSTERDAM).isoformat(timespec="seconds")


def start_poll(engine: Engine, job: Job) -> str | None:
    """Note that a source is polled now; returns the cursor: aanmaakdatum of the newest stored answer."""
    with write_transaction(engine, raises_version=False) as connection:
        cursor: str | None = connection.scalar(
            update(source_connections)
            .where(_of_poll(job))
            .values(last_try_us=clock.now_us())
            .returning(source_connections.c.cursor)
        )
    return cursor


def finish_success(engine: Engine, job: Job, next_try_us: int) -> bool:
    """The source answered: failures are counted from zero again. False where the lease was lost."""
    with write_transaction(engine, raises_version=False) as connection:
        return _finish(connection, job, next_try_us, {**_NO_FAILURE, "last_success_us": clock.now_us()})


def finish_failure(
    engine: Engine, job: Job, sentence_nl: str, sentence_en: str, wait_seconds: float | None = None
) -> bool:
    """The poll failed, for the reason in the sentences; the cursor stays. False where the lease was lost.

    `wait_seconds` is how long the source asked to be left alone.
    """
    with write_transaction(engine, raises_version=False) as connection:
        known = select(source_connections.c.failures, source_connections.c.last_try_us).where(_of_poll(job))
        before = connection.execute(known).one_or_none()
        failures, began_us = (0, None) if before is None else before
        values = {"failures": (failures or 0) + 1, "last_error_nl": sentence_nl, "last_error_en": sentence_en}
        return _finish(connection, job, back_off_us(clock.now_us(), wait_seconds, began_us=began_us), values)


def finish_refused(engine: Engine, job: Job, next_try_us: int, sentence_nl: str, sentence_en: str) -> bool:
    """The source answered, but nothing that it sent can be stored; the cursor stays. False where the lease was lost.

    It does not count as a failure: to ask again soon, for the same, helps nobody.
    """
    with write_transaction(engine, raises_version=False) as connection:
        values = {"failures": 0, "last_error_nl": sentence_nl, "last_error_en": sentence_en}
        return _finish(connection, job, next_try_us, values)


def _finish(connection: Connection, job: Job, next_try_us: int, values: Mapping[str, object]) -> bool:
    finished = work_queue.finish(connection, job, next_try_us)
    if finished:
        connection.execute(update(source_connections).where(_of_poll(job)).values(**values))
    return finished


def _of(school_id: int, source_id: int) -> ColumnElement[bool]:
    return and_(source_connections.c.school_id == school_id, source_connections.c.source_id == source_id)


def _of_poll(job: Job) -> ColumnElement[bool]:
    assert job.school_id is not None
    assert job.source_id is not None
    return _of(job.school_id, job.source_id)
