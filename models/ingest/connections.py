"""What is due: a row per coupling with a next try, a lease and a count of failures.

Any worker may take the most overdue row. It holds the row for a while (the lease) and says so again while it works;
a worker that was killed says nothing any more, its lease lapses and another takes over. Whoever finishes shows the
token of the lease, so that one who was overtaken changes nothing.
"""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Engine, Row, and_, insert, or_, select, update

from models.schema.database import read_transaction, write_transaction
from models.schema.tables import couplings, sources

SECOND_US = 1_000_000
FIRST_BACK_OFF_SECONDS = 60.0
LONGEST_BACK_OFF_SECONDS = 3600.0
BREAKER_FAILURES = 5
BREAKER_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Claim:
    """A coupling that a worker holds: `lease` is its token, `cursor` the aanmaakdatum of the newest stored answer."""

    school_id: int
    source_id: int
    source_key: str
    role: str
    cursor: str | None
    failures: int
    lease: str


@dataclass(frozen=True, slots=True)
class SourceConnection:
    """A coupling of the configuration, and what its source is (publisher or las)."""

    school_id: int
    source_id: int
    source_key: str
    role: str


def back_off_us(now_us: int, failures: int, draw: Callable[[float, float], float] = random.uniform) -> int:
    """When to try again after `failures` in a row: exponential with full jitter, from a minute up to an hour.

    Full jitter: anywhere between now and that bound, so that many couplings do not return at the same moment. From
    the fifth failure on at least a minute passes (the breaker).
    """
    doubled = FIRST_BACK_OFF_SECONDS * 2 ** min(max(failures, 1) - 1, 16)
    seconds = draw(0.0, min(doubled, LONGEST_BACK_OFF_SECONDS))
    if failures >= BREAKER_FAILURES:
        seconds = max(seconds, BREAKER_SECONDS)
    return now_us + int(seconds * SECOND_US)


def ensure_connection(
    connection: Connection, school_id: int, source_id: int, now_us: int, *, pushes: bool = False
) -> None:
    """The row of a coupling of the configuration: made, due at once, where it is new; active again where it was not.

    With `pushes` the source sends by itself and is never due.
    """
    own = and_(couplings.c.school_id == school_id, couplings.c.source_id == source_id)
    if connection.execute(select(couplings.c.active).where(own)).one_or_none() is None:
        connection.execute(
            insert(couplings).values(
                school_id=school_id,
                source_id=source_id,
                next_try_us=now_us,
                failures=0,
                stopped=False,
                active=True,
                pushes=pushes,
            )
        )
    else:
        connection.execute(update(couplings).where(own, couplings.c.active.is_(False)).values(active=True))


def retire_others(connection: Connection, kept: set[tuple[int, int]]) -> None:
    """Couplings (school, source) that are no longer in the configuration are left alone: active becomes false.

    Those of senders follow their keys (`senders.couple`).
    """
    rows = connection.execute(
        select(couplings.c.school_id, couplings.c.source_id).where(
            couplings.c.active.is_(True), couplings.c.pushes.is_(False)
        )
    ).all()
    for row in rows:
        if (row.school_id, row.source_id) not in kept:
            connection.execute(
                update(couplings)
                .where(couplings.c.school_id == row.school_id, couplings.c.source_id == row.source_id)
                .values(active=False)
            )


def due_sources(engine: Engine, now_us: int) -> list[int]:
    """The sources with something due, most overdue first; only reads, so that looking costs no write lock."""
    with read_transaction(engine) as connection:
        rows = connection.execute(select(couplings.c.source_id).where(_due(now_us)).order_by(couplings.c.next_try_us))
        return list(dict.fromkeys(row.source_id for row in rows))


def claim_due(engine: Engine, now_us: int, lease_seconds: float, source_id: int | None = None) -> Claim | None:
    """Take the most overdue row that is active, not stopped and held by nobody; None where nothing is due.

    With `source_id` only rows of that source. Two workers never get the same row: the second finds it held.
    """
    conditions = [_due(now_us)]
    if source_id is not None:
        conditions.append(couplings.c.source_id == source_id)
    return _claim(engine, and_(*conditions), now_us, lease_seconds)


def claim_now(engine: Engine, coupling: SourceConnection, now_us: int, lease_seconds: float) -> Claim | None:
    """Take this coupling, due or not; None where another worker holds it or it was stopped."""
    condition = and_(
        couplings.c.school_id == coupling.school_id,
        couplings.c.source_id == coupling.source_id,
        _free(now_us),
    )
    return _claim(engine, condition, now_us, lease_seconds)


def extend(engine: Engine, claim: Claim, until_us: int) -> bool:
    """Hold the row longer; False where it was lost in the meantime."""
    return _finish(engine, claim, {"leased_until_us": until_us})


def release(engine: Engine, claim: Claim) -> bool:
    """Give the row back without a result, due as before."""
    return _finish(engine, claim, _NOBODY)


def finish_success(engine: Engine, claim: Claim, now_us: int, next_try_us: int) -> bool:
    """The source answered: failures start at nothing again. False where the lease was lost."""
    return _finish(
        engine,
        claim,
        {
            **_NOBODY,
            "next_try_us": next_try_us,
            "failures": 0,
            "last_success_us": now_us,
            "last_error_nl": None,
            "last_error_en": None,
        },
    )


def finish_failure(engine: Engine, claim: Claim, sentence_nl: str, sentence_en: str, next_try_us: int) -> bool:
    """The try failed, for the reason in the sentences; the cursor stays. False where the lease was lost."""
    return _finish(
        engine,
        claim,
        {
            **_NOBODY,
            "next_try_us": next_try_us,
            "failures": claim.failures + 1,
            "last_error_nl": sentence_nl,
            "last_error_en": sentence_en,
        },
    )


_NOBODY: dict[str, object] = {"lease": None, "leased_until_us": None}


def _free(now_us: int) -> ColumnElement[bool]:
    return and_(
        couplings.c.active.is_(True),
        couplings.c.stopped.is_(False),
        couplings.c.pushes.is_(False),
        or_(couplings.c.leased_until_us.is_(None), couplings.c.leased_until_us <= now_us),
    )


def _due(now_us: int) -> ColumnElement[bool]:
    return and_(couplings.c.next_try_us <= now_us, _free(now_us))


def _claim(engine: Engine, condition: ColumnElement[bool], now_us: int, lease_seconds: float) -> Claim | None:
    lease = secrets.token_hex(16)
    with write_transaction(engine) as connection:
        while (row := _first(connection, condition)) is not None:
            taken = connection.execute(
                update(couplings)
                .where(couplings.c.school_id == row.school_id, couplings.c.source_id == row.source_id, condition)
                .values(lease=lease, leased_until_us=now_us + int(lease_seconds * SECOND_US), last_try_us=now_us)
            ).rowcount
            if taken:  # else another worker was between the look and the hold
                return Claim(row.school_id, row.source_id, row.key, row.role, row.cursor, row.failures, lease)
    return None


def _first(connection: Connection, condition: ColumnElement[bool]) -> Row[int, int, str | None, int, str, str] | None:
    return connection.execute(
        select(
            couplings.c.school_id,
            couplings.c.source_id,
            couplings.c.cursor,
            couplings.c.failures,
            sources.c.key,
            sources.c.role,
        )
        .join(sources, sources.c.id == couplings.c.source_id)
        .where(condition)
        .order_by(couplings.c.next_try_us, couplings.c.school_id, couplings.c.source_id)
        .limit(1)
    ).one_or_none()


def _finish(engine: Engine, claim: Claim, values: dict[str, object]) -> bool:
    with write_transaction(engine, claim.school_id) as connection:
        return (
            connection.execute(
                update(couplings)
                .where(
                    couplings.c.school_id == claim.school_id,
                    couplings.c.source_id == claim.source_id,
                    couplings.c.lease == claim.lease,
                )
                .values(**values)
            ).rowcount
            == 1
        )
