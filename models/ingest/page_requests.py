"""What a page requests of a worker: to judge a message, call an endpoint, report on a sandbox, show a refused message.

A page queues a job (`work_queue`) and gets a token, with which it reads the state and the outcome. The input is stored
encrypted, and deleted when the job is finished.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, and_, delete, func, insert, select

from models.ingest import work_queue
from models.ingest.result_store import DAY_US
from models.ingest.work_queue import Job
from models.schema import clock
from models.schema.database import read_transaction, write_transaction
from models.schema.encryption import PiiCipher
from models.schema.limits import VENDOR_DAYS
from models.schema.tables import work_queue as jobs

MESSAGE, ENDPOINT, SANDBOX = "message", "endpoint", "sandbox"  # for vendors
REFUSED, REPLAY = "refused", "replay"  # for the administrator of a school
WAITING, BUSY, DONE, FAILED = "waiting", "busy", "done", "failed"
ENDPOINTS, PAGES = "endpoints", "pages"  # threads: a slow endpoint of others holds up nobody else
TOKEN_BYTES = 16
MAX_OPEN = 100  # of vendors: each may have handed in some megabytes
MAX_OPEN_OF_ONE = 5


class TooManyRequests(Exception):
    """As much waits for the worker as may wait: of this session (`own`), or of all vendors together."""

    def __init__(self, *, own: bool) -> None:
        super().__init__("own" if own else "all")
        self.own = own


@dataclass(frozen=True, slots=True)
class PageRequest:
    """What a page requests: for the administrator of a school, or for a vendor, whose session is `requested_by`."""

    kind: str
    title: str
    payload: bytes
    school_id: int | None = None
    sandbox_id: int | None = None
    requested_by: str = ""


@dataclass(frozen=True, slots=True)
class RequestState:
    """The state and the outcome of a request; `report` is JSON of the conformance engine."""

    kind: str
    title: str
    school_id: int | None
    state: str
    created_us: int
    finished_us: int | None
    report: dict[str, Any] | None
    excerpts: dict[str, str]
    error_nl: str | None
    error_en: str | None


@dataclass(frozen=True, slots=True)
class CheckOutput:
    """The outcome: the report as JSON, as a page and as JUnit, and the text around each finding, masked."""

    report: dict[str, Any]
    html: bytes
    junit: bytes
    excerpts: dict[str, str]


def submit(engine: Engine, cipher: PiiCipher, request: PageRequest) -> str:
    """Queue a request; returns the token with which its outcome is read.

    Raises TooManyRequests where the session of the vendor, or all vendors, have too many open.
    """
    token, now = secrets.token_urlsafe(TOKEN_BYTES), clock.now_us()
    requester = cipher.digest("asker", request.requested_by) if request.requested_by else None
    with write_transaction(engine, raises_version=False) as connection:
        if request.school_id is None:
            _check_open(connection, requester)
        connection.execute(
            insert(jobs).values(
                kind=request.kind, thread=ENDPOINTS if request.kind == ENDPOINT else PAGES, title=request.title[:200],
                school_id=request.school_id, sandbox_id=request.sandbox_id, payload=cipher.encrypt(request.payload),
                created_us=now, next_try_us=now, token_digest=_digest(cipher, token), requested_by=requester,
                keep_until_us=now + VENDOR_DAYS * DAY_US,
            )
        )  # fmt: skip
    return token


def _check_open(connection: Connection, requester: bytes | None) -> None:
    is_open = and_(jobs.c.school_id.is_(None), jobs.c.next_try_us.is_not(None))
    own = _count(connection, and_(is_open, jobs.c.requested_by == requester)) if requester is not None else 0
    if own >= MAX_OPEN_OF_ONE:
        raise TooManyRequests(own=True)
    if _count(connection, is_open) >= MAX_OPEN:
        raise TooManyRequests(own=False)


def _count(connection: Connection, condition: ColumnElement[bool]) -> int:
    return connection.scalar(select(func.count()).select_from(jobs).where(condition)) or 0


def find(engine: Engine, cipher: PiiCipher, token: str) -> RequestState | None:
    """The request with this token and its outcome, or None."""
    with read_transaction(engine) as connection:
        row = connection.execute(select(jobs).where(_with_token(cipher, token))).one_or_none()
    if row is None:
        return None
    if row.next_try_us is None:
        state = DONE if row.error_en is None else FAILED
    else:
        state = WAITING if row.lease is None else BUSY
    return RequestState(
        row.kind, row.title, row.school_id, state, row.created_us, row.finished_us,
        None if row.report is None else json.loads(row.report),
        {} if row.excerpts is None else json.loads(cipher.decrypt(row.excerpts)),
        row.error_nl, row.error_en,
    )  # fmt: skip


def file_of(engine: Engine, cipher: PiiCipher, token: str, name: str) -> bytes | None:
    """The report of a vendor's check as a file: html, junit or json; None where there is none (yet)."""
    query = select(jobs.c.html, jobs.c.junit, jobs.c.report.label("json"))
    with read_transaction(engine) as connection:
        row = connection.execute(
            query.where(_with_token(cipher, token), jobs.c.school_id.is_(None), jobs.c.report.is_not(None))
        ).one_or_none()
    content = None if row is None else row._mapping.get(name)
    return content.encode() if isinstance(content, str) else content


def _with_token(cipher: PiiCipher, token: str) -> ColumnElement[bool]:
    return and_(jobs.c.token_digest == _digest(cipher, token), jobs.c.keep_until_us > clock.now_us())


def _digest(cipher: PiiCipher, token: str) -> bytes:
    return cipher.digest("check", token)


# -- the worker's side ---------------------------------------------------------------------------------------


def finish(engine: Engine, cipher: PiiCipher, job: Job, check_output: CheckOutput) -> bool:
    """Store the outcome. False where the lease was lost."""
    with write_transaction(engine, raises_version=False) as connection:
        return work_queue.finish(
            connection,
            job,
            report=json.dumps(check_output.report, ensure_ascii=False),
            html=check_output.html,
            junit=check_output.junit,
            excerpts=cipher.encrypt(json.dumps(check_output.excerpts).encode()),
        )


def fail(engine: Engine, job: Job, sentence_nl: str, sentence_en: str) -> bool:
    """Store why the request failed. False where the lease was lost."""
    with write_transaction(engine, raises_version=False) as connection:
        return work_queue.finish(connection, job, error_nl=sentence_nl, error_en=sentence_en)


def forget_due(engine: Engine) -> int:
    """Delete the requests whose time is over, with their outcome; returns how many."""
    with write_transaction(engine, raises_version=False) as connection:
        return connection.execute(delete(jobs).where(jobs.c.keep_until_us < clock.now_us())).rowcount
