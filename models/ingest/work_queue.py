"""The queue of work: polls of source connections, and what pages request; each job is done by one worker at a time.

A worker leases a job and extends the lease while it works. A worker that was killed does not, so that its lease
expires and another claims the job. Only who holds the lease can finish a job: a worker that lost it changes nothing.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Engine, and_, delete, exists, func, insert, not_, or_, select, update

from models.ingest.own_clock import TOLERANCE_US
from models.schema import clock
from models.schema.database import read_transaction, write_transaction
from models.schema.tables import source_connections, sources, work_queue

SECOND_US = 1_000_000
LEASE_SECONDS = 75.0  # the work of a worker that was killed goes on within a minute and a half
MAX_ATTEMPTS = 3  # of a job whose worker went down each time
POLL = "poll"


@dataclass(frozen=True, slots=True)
class Job:
    """A job that was claimed: `payload` is encrypted, `attempts` counts this one too, `lease` is the token."""

    id: int
    kind: str
    title: str
    school_id: int | None
    source_id: int | None
    payload: bytes | None
    attempts: int
    lease: str
    token_digest: bytes | None = None


def add_poll(connection: Connection, school_id: int, source_id: int) -> None:
    """Queue the polls of a connection, the first at once; its source has a thread of its own."""
    now = clock.now_us()
    connection.execute(
        insert(work_queue).values(
            kind=POLL, thread=f"source {source_id}", school_id=school_id, source_id=source_id, created_us=now,
            title=select(sources.c.key).where(sources.c.id == source_id).scalar_subquery(), next_try_us=now,
        )
    )  # fmt: skip


def poll_now(connection: Connection, school_id: int, source_id: int) -> bool:
    """Make the poll of a connection due at this moment; False where there is none."""
    due = update(work_queue).where(_poll_of(school_id, source_id)).values(next_try_us=clock.now_us())
    return connection.execute(due).rowcount > 0


def end_poll(connection: Connection, school_id: int, source_id: int) -> None:
    """Poll a connection no more: its source sends by itself from now on."""
    connection.execute(delete(work_queue).where(_poll_of(school_id, source_id)))


def due_threads(engine: Engine) -> list[str]:
    """The threads that have a job due, most overdue first; only reads, so that looking costs no write lock."""
    query = select(work_queue.c.thread).where(_due()).group_by(work_queue.c.thread)
    with read_transaction(engine) as connection:
        return list(connection.scalars(query.order_by(func.min(work_queue.c.next_try_us))))


def claim(engine: Engine, thread: str | None = None) -> Job | None:
    """Claim the most overdue job (of this thread); what vendors request comes last. None where nothing is due."""
    return _claim(engine, _due() if thread is None else and_(work_queue.c.thread == thread, _due()))


def claim_poll(engine: Engine, school_id: int, source_id: int) -> Job | None:
    """Claim the poll of this connection, due or not; None where a worker has leased it or polling was stopped."""
    return _claim(engine, and_(_poll_of(school_id, source_id), _free()))


def extend(engine: Engine, job: Job) -> bool:
    """Extend the lease; False where it was lost."""
    with write_transaction(engine, raises_version=False) as connection:
        return _write(connection, job, leased_until_us=_lease_end())


def release(engine: Engine, job: Job) -> bool:
    """End the lease of a job that was not done: it is due as before, and this was no attempt."""
    with write_transaction(engine, raises_version=False) as connection:
        return _write(connection, job, attempts=job.attempts - 1, lease=None, leased_until_us=None)


def finish(connection: Connection, job: Job, next_try_us: int | None = None, **outcome: object) -> bool:
    """Store the outcome, and when the job is due again (None: never). False, and nothing stored, without the lease."""
    return _write(
        connection,
        job,
        **outcome,
        payload=None,
        next_try_us=next_try_us,
        attempts=job.attempts if next_try_us is None else 0,
        lease=None,
        leased_until_us=None,
        finished_us=clock.now_us(),
    )


def keep_report(connection: Connection, job: Job, report: str) -> bool:
    """Store what is done of a job that goes on. False, and nothing stored, without the lease."""
    return _write(connection, job, report=report)


def _poll_of(school_id: int, source_id: int) -> ColumnElement[bool]:
    return and_(work_queue.c.school_id == school_id, work_queue.c.source_id == source_id)


def _due() -> ColumnElement[bool]:
    """Due by its next try; also where our clock was set back since that was chosen, or it would wait longer."""
    now = clock.now_us()
    chosen_us = func.coalesce(work_queue.c.finished_us, work_queue.c.created_us)
    set_back = and_(work_queue.c.next_try_us.is_not(None), chosen_us > now + TOLERANCE_US)
    return and_(or_(work_queue.c.next_try_us <= now, set_back), _free())


def _free() -> ColumnElement[bool]:
    """Leased by nobody, and not the poll of a connection that was stopped or left the configuration.

    A lease that ends later than one that begins now is from before our clock was set back.
    """
    now = clock.now_us()
    expired = not_(work_queue.c.leased_until_us.between(now + 1, _lease_end() + TOLERANCE_US))
    paused = exists().where(
        source_connections.c.school_id == work_queue.c.school_id,
        source_connections.c.source_id == work_queue.c.source_id,
        or_(source_connections.c.stopped, not_(source_connections.c.active)),
    )
    return and_(or_(work_queue.c.lease.is_(None), expired), not_(paused))


def _claim(engine: Engine, condition: ColumnElement[bool]) -> Job | None:
    order = (work_queue.c.school_id.is_(None), work_queue.c.next_try_us, work_queue.c.id)
    first = select(work_queue.c.id).where(condition).order_by(*order).limit(1)
    with write_transaction(
        engine, raises_version=False
    ) as connection:  # claims wait for each other, so two never get the same job
        row = connection.execute(
            update(work_queue)
            .where(work_queue.c.id == first.correlate(None).scalar_subquery())
            .values(lease=secrets.token_hex(16), leased_until_us=_lease_end(), attempts=work_queue.c.attempts + 1)
            .returning(*(work_queue.c[name] for name in Job.__slots__))
        ).one_or_none()
    return None if row is None else Job(*row)


def _lease_end() -> int:
    return clock.now_us() + int(LEASE_SECONDS * SECOND_US)


def _write(connection: Connection, job: Job, **values: object) -> bool:
    held = and_(work_queue.c.id == job.id, work_queue.c.lease == job.lease)
    return connection.execute(update(work_queue).where(held).values(**values)).rowcount == 1
