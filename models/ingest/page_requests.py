"""What a page requests of a worker, such as to judge a message, call an endpoint, or try out a source.

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
from models.ingest.exchanges import Exchange, decrypt_exchanges, encrypt_exchanges
from models.ingest.result_store import DAY_US
from models.ingest.work_queue import Job
from models.schema import clock
from models.schema.database import read_transaction, write_transaction
from models.schema.encrypted_columns import place
from models.schema.encryption import PiiCipher
from models.schema.limits import VENDOR_DAYS
from models.schema.tables import work_queue as jobs

MESSAGE, ENDPOINT, SANDBOX = "message", "endpoint", "sandbox"  # for vendors
REFUSED, REPLAY, TRIAL = "refused", "replay", "trial"  # for the administrator of a school
COUNT_ERASURE, ERASE = "erasure count", "erasure"  # for the same; they name the pupil by number
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


class LeaseLost(Exception):
    """Another worker has the request now."""


@dataclass(frozen=True, slots=True)
class PageRequest:
    """What a page requests: for the administrator of a school, or for a vendor, whose account is `requested_by`.

    `target` is what a vendor checks, such as an address with a school: an outcome is compared with the one before it of
    the same target.
    """

    kind: str
    title: str
    payload: bytes
    school_id: int | None = None
    sandbox_id: int | None = None
    requested_by: str = ""
    target: str = ""


@dataclass(frozen=True, slots=True)
class RequestState:
    """The state and the outcome of a request; `report` is JSON of the conformance engine, `exchanges` is masked."""

    kind: str
    title: str
    school_id: int | None
    state: str
    created_us: int
    finished_us: int | None
    report: dict[str, Any] | None
    excerpts: dict[str, str]
    exchanges: tuple[Exchange, ...]
    error_nl: str | None
    error_en: str | None


@dataclass(frozen=True, slots=True)
class CheckOutput:
    """The outcome: the report as JSON, as a page and as JUnit; the text around each finding, and what was exchanged.

    Both texts are masked.
    """

    report: dict[str, Any]
    html: bytes
    junit: bytes
    excerpts: dict[str, str]
    exchanges: tuple[Exchange, ...] = ()


def submit(engine: Engine, cipher: PiiCipher, request: PageRequest) -> str:
    """Queue a request; returns the token with which its outcome is read.

    Raises TooManyRequests where the session of the vendor, all vendors, or the trials of a school have too many open.
    """
    token, now = secrets.token_urlsafe(TOKEN_BYTES), clock.now_us()
    requester = _requester(cipher, request.requested_by)
    # A sandbox is of whoever has its token; anything else is of the vendor that requests it.
    owner = "" if request.sandbox_id is not None else request.requested_by
    series = cipher.digest("series", json.dumps([owner, request.kind, request.target]))
    digest = _digest(cipher, token)
    with write_transaction(engine, raises_version=False) as connection:
        if request.school_id is None:
            _check_open(connection, requester)
        elif request.kind == TRIAL:
            _check_open_trials(connection, request.school_id)
        connection.execute(
            insert(jobs).values(
                kind=request.kind, thread=_thread(request), title=request.title[:200],
                school_id=request.school_id, sandbox_id=request.sandbox_id,
                payload=cipher.encrypt(request.payload, place(jobs.c.payload, digest)),
                created_us=now, next_try_us=now, token_digest=digest, requested_by=requester,
                keep_until_us=now + VENDOR_DAYS * DAY_US,
                series_digest=series if request.target else None,
            )
        )  # fmt: skip
    return token


def _thread(request: PageRequest) -> str:
    """The thread of a request: a source that a school tries out holds up nobody but that school."""
    if request.kind == TRIAL:
        return f"trials {request.school_id}"
    return ENDPOINTS if request.kind == ENDPOINT else PAGES


def _check_open(connection: Connection, requester: bytes | None) -> None:
    is_open = and_(jobs.c.school_id.is_(None), jobs.c.next_try_us.is_not(None))
    own = _count(connection, and_(is_open, jobs.c.requested_by == requester)) if requester is not None else 0
    if own >= MAX_OPEN_OF_ONE:
        raise TooManyRequests(own=True)
    if _count(connection, is_open) >= MAX_OPEN:
        raise TooManyRequests(own=False)


def _check_open_trials(connection: Connection, school_id: int) -> None:
    is_open = and_(jobs.c.school_id == school_id, jobs.c.kind == TRIAL, jobs.c.next_try_us.is_not(None))
    if _count(connection, is_open) >= MAX_OPEN_OF_ONE:
        raise TooManyRequests(own=True)


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
    excerpts = b"{}" if row.excerpts is None else cipher.decrypt(row.excerpts, place(jobs.c.excerpts, row.token_digest))
    return RequestState(
        row.kind, row.title, row.school_id, state, row.created_us, row.finished_us,
        None if row.report is None else json.loads(row.report), json.loads(excerpts),
        decrypt_exchanges(cipher, place(jobs.c.exchanges, row.token_digest), row.exchanges), row.error_nl, row.error_en,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class LastRun:
    """The newest finished check of a vendor, whatever it was of."""

    title: str
    finished_us: int
    report: dict[str, Any]


def last_run(engine: Engine, cipher: PiiCipher, requested_by: str) -> LastRun | None:
    """The newest check of this vendor that has a report; None where there is none (any more)."""
    requester = _requester(cipher, requested_by)
    if requester is None:
        return None
    own = and_(jobs.c.requested_by == requester, jobs.c.school_id.is_(None), jobs.c.report.is_not(None))
    query = select(jobs.c.title, jobs.c.finished_us, jobs.c.report).where(own, jobs.c.keep_until_us > clock.now_us())
    with read_transaction(engine) as connection:
        row = connection.execute(query.order_by(jobs.c.id.desc()).limit(1)).one_or_none()
    return None if row is None else LastRun(row.title, row.finished_us, json.loads(row.report))


def _requester(cipher: PiiCipher, requested_by: str) -> bytes | None:
    return cipher.digest("asker", requested_by) if requested_by else None


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


def previous_report(engine: Engine, job: Job) -> dict[str, Any] | None:
    """The report of the check before this one, of the same vendor, kind and target; None where there is none."""
    series = select(jobs.c.series_digest).where(jobs.c.id == job.id).scalar_subquery()
    query = select(jobs.c.report).where(jobs.c.series_digest == series, jobs.c.id < job.id, jobs.c.report.is_not(None))
    with read_transaction(engine) as connection:
        text = connection.scalar(query.order_by(jobs.c.id.desc()).limit(1))
    return None if text is None else dict(json.loads(text))


def payload_of(cipher: PiiCipher, job: Job) -> bytes:
    """What a request is about, in the clear. Raises DecryptionFailed."""
    assert job.payload is not None
    assert job.token_digest is not None
    return cipher.decrypt(job.payload, place(jobs.c.payload, job.token_digest))


def keep_report(connection: Connection, job: Job, report: dict[str, Any]) -> None:
    """Store what is done of a request that goes on, for whoever goes on with it. Raises LeaseLost."""
    if not work_queue.keep_report(connection, job, json.dumps(report, ensure_ascii=False)):
        raise LeaseLost


def kept_report(engine: Engine, job: Job) -> dict[str, Any] | None:
    """What a worker before this one had done of the request; None where that is nothing."""
    with read_transaction(engine) as connection:
        text = connection.scalar(select(jobs.c.report).where(jobs.c.id == job.id))
    return None if text is None else dict(json.loads(text))


def finish(engine: Engine, cipher: PiiCipher, job: Job, check_output: CheckOutput) -> bool:
    """Store the outcome. False where the lease was lost."""
    assert job.token_digest is not None
    excerpts = json.dumps(check_output.excerpts).encode()
    exchanges = None
    if check_output.exchanges:
        exchanges = encrypt_exchanges(cipher, place(jobs.c.exchanges, job.token_digest), check_output.exchanges)
    with write_transaction(engine, raises_version=False) as connection:
        return work_queue.finish(
            connection,
            job,
            report=json.dumps(check_output.report, ensure_ascii=False),
            html=check_output.html,
            junit=check_output.junit,
            excerpts=cipher.encrypt(excerpts, place(jobs.c.excerpts, job.token_digest)),
            exchanges=exchanges,
        )


def fail(engine: Engine, job: Job, sentence_nl: str, sentence_en: str) -> bool:
    """Store why the request failed. False where the lease was lost."""
    with write_transaction(engine, raises_version=False) as connection:
        return work_queue.finish(connection, job, error_nl=sentence_nl, error_en=sentence_en)


def forget_due(engine: Engine) -> int:
    """Delete the requests whose time is over, with their outcome; returns how many."""
    with write_transaction(engine, raises_version=False) as connection:
        return connection.execute(delete(jobs).where(jobs.c.keep_until_us < clock.now_us())).rowcount
