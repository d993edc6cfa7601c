"""Work that a page asks a worker for: judge a message, call an endpoint, report on a test room, show a refusal.

A page writes a row and gets a token; the worker takes the row, and what it found is read from the store with that
token. What was handed in is kept sealed, and thrown away when the work is done.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, delete, insert, or_, select, update

from models import clock
from models.couplings import SECOND_US
from models.database import reading, writing
from models.sealing import Seal
from models.store import DAY_US
from models.tables import checks

MESSAGE, ENDPOINT, ROOM = "message", "endpoint", "room"  # for vendors
REFUSED, REPLAY = "refused", "replay"  # for the administrator of a school
WAITING, BUSY, DONE, FAILED = "waiting", "busy", "done", "failed"
TOKEN_BYTES = 16
KEEP_DAYS = 14
LEASE_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Work:
    """A row that a worker holds; `input` in the clear."""

    id: int
    kind: str
    title: str
    room_id: int | None
    school_id: int | None
    input: bytes


@dataclass(frozen=True, slots=True)
class Check:
    """What became of work that was asked for; `report` is JSON of the conformance engine."""

    kind: str
    title: str
    school_id: int | None
    state: str
    asked_us: int
    done_us: int | None
    report: dict[str, Any] | None
    excerpts: dict[str, str]
    error_nl: str | None
    error_en: str | None


@dataclass(frozen=True, slots=True)
class Found:
    """What a worker found: the report as JSON, as a page and as JUnit, and the text around each finding, covered."""

    report: dict[str, Any]
    html: bytes
    junit: bytes
    excerpts: dict[str, str]


def ask(
    engine: Engine, seal: Seal, kind: str, title: str, given: bytes, room_id: int | None = None,
    school_id: int | None = None, keep_days: int = KEEP_DAYS,
) -> str:  # fmt: skip
    """Write down work for a worker; returns the token with which what it found is read."""
    token, now = secrets.token_urlsafe(TOKEN_BYTES), clock.now_us()
    with writing(engine) as connection:
        connection.execute(
            insert(checks).values(
                token_digest=_digest(seal, token), room_id=room_id, school_id=school_id, kind=kind,
                title=title[:200], asked_us=now, input=seal.seal(given), state=WAITING,
                keep_until_us=now + keep_days * DAY_US,
            )
        )  # fmt: skip
    return token


def find(engine: Engine, seal: Seal, token: str) -> Check | None:
    """The work with this token and what became of it, or None."""
    with reading(engine) as connection:
        row = connection.execute(
            select(checks).where(checks.c.token_digest == _digest(seal, token), checks.c.keep_until_us > clock.now_us())
        ).one_or_none()
    if row is None:
        return None
    return Check(
        row.kind, row.title, row.school_id, row.state, row.asked_us, row.done_us,
        None if row.report is None else json.loads(row.report),
        {} if row.excerpts is None else json.loads(seal.unseal(row.excerpts)),
        row.error_nl, row.error_en,
    )  # fmt: skip


def file_of(engine: Engine, seal: Seal, token: str, kind: str) -> bytes | None:
    """The report of a vendor's check as a file: html, junit or json; None where there is none (yet)."""
    with reading(engine) as connection:
        row = connection.execute(
            select(checks.c.html, checks.c.junit, checks.c.report).where(
                checks.c.token_digest == _digest(seal, token), checks.c.state == DONE, checks.c.school_id.is_(None),
                checks.c.keep_until_us > clock.now_us(),
            )
        ).one_or_none()  # fmt: skip
    if row is None:
        return None
    found = {"html": row.html, "junit": row.junit, "json": row.report.encode() if row.report else None}.get(kind)
    return None if found is None else bytes(found)


def _digest(seal: Seal, token: str) -> bytes:
    return seal.digest("check", token)


# -- the worker's side ---------------------------------------------------------------------------------------


def is_waiting(engine: Engine) -> bool:
    """Whether there is work; only reads."""
    with reading(engine) as connection:
        return connection.scalar(select(checks.c.id).where(_free()).limit(1)) is not None


def claim(engine: Engine, seal: Seal) -> Work | None:
    """Take the oldest work that nobody holds; one who was killed is overtaken when its time is over."""
    with writing(engine) as connection:
        row = connection.execute(select(checks).where(_free()).order_by(checks.c.id).limit(1)).one_or_none()
        if row is None:
            return None
        until = clock.now_us() + int(LEASE_SECONDS * SECOND_US)
        connection.execute(update(checks).where(checks.c.id == row.id).values(state=BUSY, leased_until_us=until))
    return Work(row.id, row.kind, row.title, row.room_id, row.school_id, seal.unseal(row.input))


def _free() -> Any:
    lapsed = checks.c.leased_until_us < clock.now_us()
    return or_(checks.c.state == WAITING, (checks.c.state == BUSY) & lapsed)


def finish(engine: Engine, seal: Seal, work: Work, found: Found) -> None:
    """Write down what was found; what was handed in is thrown away."""
    _finish(
        engine,
        work,
        {
            "state": DONE,
            "report": json.dumps(found.report, ensure_ascii=False),
            "html": found.html,
            "junit": found.junit,
            "excerpts": seal.seal(json.dumps(found.excerpts).encode()),
        },
    )


def fail(engine: Engine, work: Work, sentence_nl: str, sentence_en: str) -> None:
    """Write down why the work could not be done."""
    _finish(engine, work, {"state": FAILED, "error_nl": sentence_nl, "error_en": sentence_en})


def _finish(engine: Engine, work: Work, values: dict[str, Any]) -> None:
    with writing(engine) as connection:
        connection.execute(
            update(checks)
            .where(checks.c.id == work.id)
            .values(done_us=clock.now_us(), input=None, leased_until_us=None, **values)
        )


def forget_due(engine: Engine) -> int:
    """Throw away checks whose time is over; returns how many."""
    with writing(engine) as connection:
        return connection.execute(delete(checks).where(checks.c.keep_until_us < clock.now_us())).rowcount
