"""Work that a page asks a worker for: judge a message, call an endpoint, report on a sandbox, show a refusal.

A page writes a row and gets a token; the worker takes the row, and what it found is read from the store with that
token. The input is stored encrypted, and deleted when the work is done. As with connections, a worker has a
row for a while, says so again while it works, and shows the token of its lease when it writes down what it found.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, and_, delete, func, insert, or_, select, update

from models.ingest.connections import SECOND_US
from models.ingest.result_store import DAY_US
from models.schema import clock
from models.schema.database import read_transaction, write_transaction
from models.schema.encryption import PiiCipher
from models.schema.limits import VENDOR_DAYS
from models.schema.tables import checks

MESSAGE, ENDPOINT, SANDBOX = "message", "endpoint", "room"  # for vendors
REFUSED, REPLAY = "refused", "replay"  # for the administrator of a school
KINDS = (MESSAGE, ENDPOINT, SANDBOX, REFUSED, REPLAY)
WAITING, BUSY, DONE, FAILED = "waiting", "busy", "done", "failed"
TOKEN_BYTES = 16
LEASE_SECONDS = 180.0
MAX_TRIES = 3  # of work whose worker went down each time
MAX_OPEN = 100  # of vendors: each may have handed in some megabytes
MAX_OPEN_OF_ONE = 5


class TooManyRequests(Exception):
    """As much waits for the worker as may wait: of this session (`own`), or of all vendors together."""

    def __init__(self, *, own: bool) -> None:
        super().__init__("own" if own else "all")
        self.own = own


@dataclass(frozen=True, slots=True)
class LeasedRequest:
    """A row that a worker holds: `lease` is its token, `input` in the clear, `tries` with this one."""

    id: int
    kind: str
    title: str
    sandbox_id: int | None
    school_id: int | None
    input: bytes
    lease: str
    tries: int


@dataclass(frozen=True, slots=True)
class RequestState:
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
class CheckOutput:
    """What a worker found: the report as JSON, as a page and as JUnit, and the text around each finding, covered."""

    report: dict[str, Any]
    html: bytes
    junit: bytes
    excerpts: dict[str, str]


def submit(
    engine: Engine, cipher: PiiCipher, kind: str, title: str, given: bytes, sandbox_id: int | None = None,
    school_id: int | None = None, keep_days: int = VENDOR_DAYS, asked_by: str = "",
) -> str:  # fmt: skip
    """Write down work for a worker; returns the token with which what it found is read.

    `asked_by` is the session of a vendor. Raises TooMany where that, or all vendors, have too much open.
    """
    token, now = secrets.token_urlsafe(TOKEN_BYTES), clock.now_us()
    asker = cipher.digest("asker", asked_by) if asked_by else None
    with write_transaction(engine) as connection:
        if school_id is None:
            _check_open(connection, asker)
        connection.execute(
            insert(checks).values(
                token_digest=_digest(cipher, token), room_id=sandbox_id, school_id=school_id, kind=kind,
                title=title[:200], asked_us=now, input=cipher.encrypt(given), state=WAITING, asked_by=asker,
                keep_until_us=now + keep_days * DAY_US,
            )
        )  # fmt: skip
    return token


def _check_open(connection: Connection, asker: bytes | None) -> None:
    is_open = and_(checks.c.school_id.is_(None), checks.c.state.in_((WAITING, BUSY)))
    if asker is not None and _count(connection, and_(is_open, checks.c.asked_by == asker)) >= MAX_OPEN_OF_ONE:
        raise TooManyRequests(own=True)
    if _count(connection, is_open) >= MAX_OPEN:
        raise TooManyRequests(own=False)


def _count(connection: Connection, condition: ColumnElement[bool]) -> int:
    return connection.scalar(select(func.count()).select_from(checks).where(condition)) or 0


def find(engine: Engine, cipher: PiiCipher, token: str) -> RequestState | None:
    """The work with this token and what became of it, or None."""
    with read_transaction(engine) as connection:
        row = connection.execute(
            select(checks).where(
                checks.c.token_digest == _digest(cipher, token), checks.c.keep_until_us > clock.now_us()
            )
        ).one_or_none()
    if row is None:
        return None
    return RequestState(
        row.kind, row.title, row.school_id, row.state, row.asked_us, row.done_us,
        None if row.report is None else json.loads(row.report),
        {} if row.excerpts is None else json.loads(cipher.decrypt(row.excerpts)),
        row.error_nl, row.error_en,
    )  # fmt: skip


def file_of(engine: Engine, cipher: PiiCipher, token: str, kind: str) -> bytes | None:
    """The report of a vendor's check as a file: html, junit or json; None where there is none (yet)."""
    with read_transaction(engine) as connection:
        row = connection.execute(
            select(checks.c.html, checks.c.junit, checks.c.report).where(
                checks.c.token_digest == _digest(cipher, token), checks.c.state == DONE, checks.c.school_id.is_(None),
                checks.c.keep_until_us > clock.now_us(),
            )
        ).one_or_none()  # fmt: skip
    if row is None:
        return None
    found = {"html": row.html, "junit": row.junit, "json": row.report.encode() if row.report else None}.get(kind)
    return None if found is None else bytes(found)


def _digest(cipher: PiiCipher, token: str) -> bytes:
    return cipher.digest("check", token)


# -- the worker's side ---------------------------------------------------------------------------------------


def is_waiting(engine: Engine, kinds: Collection[str] = KINDS) -> bool:
    """Whether there is work of these kinds; only reads."""
    with read_transaction(engine) as connection:
        return connection.scalar(select(checks.c.id).where(_free(kinds)).limit(1)) is not None


def claim(engine: Engine, cipher: PiiCipher, kinds: Collection[str] = KINDS) -> LeasedRequest | None:
    """Take the oldest work of these kinds that nobody holds, that of administrators first.

    Two workers never get the same; one that was killed is overtaken when its lease is over.
    """
    lease = secrets.token_hex(16)
    with write_transaction(engine) as connection:
        oldest = select(checks.c.id).where(_free(kinds)).order_by(checks.c.school_id.is_(None), checks.c.id).limit(1)
        row = connection.execute(
            update(checks)
            .where(checks.c.id == oldest.correlate(None).scalar_subquery())
            .values(state=BUSY, lease=lease, leased_until_us=_lease_end(), tries=checks.c.tries + 1)
            .returning(checks)
        ).one_or_none()
    if row is None:
        return None
    return LeasedRequest(
        row.id, row.kind, row.title, row.room_id, row.school_id, cipher.decrypt(row.input), lease, row.tries
    )


def _lease_end() -> int:
    return clock.now_us() + int(LEASE_SECONDS * SECOND_US)


def _free(kinds: Collection[str]) -> ColumnElement[bool]:
    lapsed = and_(checks.c.state == BUSY, checks.c.leased_until_us < clock.now_us())
    return and_(checks.c.kind.in_(kinds), or_(checks.c.state == WAITING, lapsed))


def extend(engine: Engine, work: LeasedRequest) -> bool:
    """Hold the work longer; False where it was lost in the meantime."""
    return _write(engine, work, {"leased_until_us": _lease_end()})


def release(engine: Engine, work: LeasedRequest) -> bool:
    """Give the work back undone; that it was taken does not count as a try."""
    return _write(engine, work, {"state": WAITING, "lease": None, "leased_until_us": None, "tries": work.tries - 1})


def finish(engine: Engine, cipher: PiiCipher, work: LeasedRequest, check_output: CheckOutput) -> bool:
    """Write down what was found; what was handed in is thrown away. False where the work was lost."""
    return _finish(
        engine,
        work,
        {
            "state": DONE,
            "report": json.dumps(check_output.report, ensure_ascii=False),
            "html": check_output.html,
            "junit": check_output.junit,
            "excerpts": cipher.encrypt(json.dumps(check_output.excerpts).encode()),
        },
    )


def fail(engine: Engine, work: LeasedRequest, sentence_nl: str, sentence_en: str) -> bool:
    """Write down why the work could not be done. False where the work was lost."""
    return _finish(engine, work, {"state": FAILED, "error_nl": sentence_nl, "error_en": sentence_en})


def _finish(engine: Engine, work: LeasedRequest, values: dict[str, Any]) -> bool:
    over = {"done_us": clock.now_us(), "input": None, "lease": None, "leased_until_us": None}
    return _write(engine, work, {**over, **values})


def _write(engine: Engine, work: LeasedRequest, values: dict[str, Any]) -> bool:
    with write_transaction(engine) as connection:
        changed = connection.execute(
            update(checks).where(checks.c.id == work.id, checks.c.lease == work.lease).values(**values)
        ).rowcount
    return changed == 1


def forget_due(engine: Engine) -> int:
    """Throw away checks whose time is over; returns how many."""
    with write_transaction(engine) as connection:
        return connection.execute(delete(checks).where(checks.c.keep_until_us < clock.now_us())).rowcount
