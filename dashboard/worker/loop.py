"""The worker: polls sources that are due and records the outcome, and processes the requests of pages.

Every source has its own thread, which polls the connections of that source that are due. So a publisher that hangs
delays only itself. Requests of pages have threads as well (`page_jobs.THREADS`). The dispatcher, which waits for no
network, starts the threads, extends their leases while they work, and deletes what is past its retention.
"""

from __future__ import annotations

import functools
import logging
import queue
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from connectors.errors import ConnectorError
from connectors.intake.las_client import LasSettings, RosterFile, fetch_roster, read_roster_file
from connectors.intake.pull import PullSettings, Target, pull
from connectors.intake.push import ReceiverContext
from connectors.intake.roster import RequestedSchool, RosterSource, process_roster
from connectors.uwlr.agreement import Policy
from dashboard.settings.applying import ConfiguredConnection
from dashboard.settings.jobs import Job, ScheduledPull, scheduled_pull
from dashboard.settings.schema import Receive, Settings
from dashboard.worker import page_jobs
from models.ingest import connections, page_requests, result_store, rosters
from models.ingest.connections import Claim, SourceConnection
from models.sandbox import sandboxes
from models.schema import clock
from models.schema.encryption import PiiCipher
from models.schema.records import Verdict
from models.schema.terms import RetentionPolicy

LEASE_SECONDS = 180.0
EXTEND_EVERY_SECONDS = 60.0
LOOK_EVERY_SECONDS = 1.0
FORGET_EVERY_SECONDS = 3600.0
STOP_SECONDS = 3.0
MINUTE_US = 60 * 1_000_000

_log = logging.getLogger("rondblik.worker")


@dataclass(frozen=True, slots=True)
class WorkContext:
    """What a worker needs: the store, and how each connection (school, source) is polled."""

    engine: Engine
    cipher: PiiCipher
    work: Mapping[tuple[int, int], ScheduledPull] = field(repr=False)
    receive: Receive = field(default_factory=Receive)
    retention: RetentionPolicy = field(default_factory=RetentionPolicy)
    policies: Mapping[str, Policy] = field(default_factory=dict)  # of publishers that are fetched from, by id

    @property
    def allow_loopback(self) -> bool:
        """Whether endpoints of vendors may be on this machine: in the demo."""
        return self.receive.check_loopback

    @property
    def receiver(self) -> ReceiverContext:
        """The receiver for the replay of a refused message."""
        return ReceiverContext(self.engine, self.cipher, self.receive, self.retention)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one poll: counts for people, why it failed, and how many messages were refused."""

    counts: Mapping[str, int] = field(default_factory=dict)
    failure: tuple[str, str] | None = None
    refused: int = 0


def make_context(
    settings: Settings, engine: Engine, cipher: PiiCipher, connection_configs: Iterable[ConfiguredConnection]
) -> WorkContext:
    """The context of a configuration that was applied; raises ConfigError where a file that it names is not there."""
    work = {
        (configured.row.school_id, configured.row.source_id): scheduled_pull(settings, configured)
        for configured in connection_configs
    }
    policies: dict[str, Policy] = {publisher.id: publisher.policy for publisher in settings.publishers}
    return WorkContext(engine, cipher, work, settings.receive, settings.retention, policies)


def work_once(context: WorkContext, source_id: int | None = None) -> bool:
    """Poll the most overdue connection (of this source); False where nothing is due."""
    claim = connections.claim_due(context.engine, clock.now_us(), LEASE_SECONDS, source_id)
    if claim is None:
        return False
    do(context, claim)
    return True


def do(context: WorkContext, claim: Claim) -> Outcome:
    """Poll the source of a claim, store the answer, and record the outcome and when the next poll is due."""
    work = context.work.get((claim.school_id, claim.source_id))
    outcome = Outcome(failure=_NOT_HERE) if work is None else _try(context, claim, work.job)
    now = clock.now_us()
    if work is not None and outcome.failure is None:
        connections.finish_success(context.engine, claim, now, now + work.every_minutes * MINUTE_US)
    elif outcome.failure is not None:
        next_try = connections.back_off_us(now, claim.failures + 1)
        connections.finish_failure(context.engine, claim, *outcome.failure, next_try)
        _log.warning("%s: %s", claim.source_key, outcome.failure[1])
    return outcome


def run_worker(context: WorkContext, stop: threading.Event) -> None:
    """Work until `stop` is set; work in progress then gets a few seconds, after which its lease is released."""
    threads_by_name: dict[int | tuple[str, ...], _WorkerThread] = {}
    extend = _Interval(EXTEND_EVERY_SECONDS, at_once=False)
    forget = _Interval(FORGET_EVERY_SECONDS, at_once=True)
    while not stop.is_set():
        try:
            for source_id in connections.due_sources(context.engine, clock.now_us()):
                _ensure_thread(threads_by_name, source_id, _due_of(context, source_id, stop))
            for kinds in page_jobs.THREADS:
                if page_requests.is_waiting(context.engine, kinds):
                    _ensure_thread(threads_by_name, kinds, _page_request_of(context, kinds, stop))
            if extend.is_due():
                _extend(threads_by_name.values())
            if forget.is_due():
                result_store.forget_raw(context.engine)
                result_store.forget_refusals(context.engine, context.retention.refused_days)
                page_requests.forget_due(context.engine)
                sandboxes.empty_due(context.engine)
        except SQLAlchemyError as failed:  # the database is away: go on when it is back
            _log.error("The database does not answer (%s); trying again.", type(failed).__name__)
        stop.wait(LOOK_EVERY_SECONDS)
    ends = time.monotonic() + STOP_SECONDS
    for thread in threads_by_name.values():
        thread.join(max(0.0, ends - time.monotonic()))
        thread.release()


def _ensure_thread(
    threads_by_name: dict[int | tuple[str, ...], _WorkerThread],
    name: int | tuple[str, ...],
    jobs: Iterator[_LeasedWork],
) -> None:
    """Start a thread of this name with these jobs, unless it is running."""
    thread = threads_by_name.get(name)
    if thread is None or not thread.is_alive():
        threads_by_name[name] = _WorkerThread(jobs)
        threads_by_name[name].start()


def run_now(
    context: WorkContext, rows: Sequence[SourceConnection], done: Callable[[SourceConnection, Outcome | None], None]
) -> None:
    """Poll these connections at once, due or not, and return when all are done; a LAS comes before the publishers.

    `done` gets the outcome of each, None where another worker has leased it or it was stopped. It is called in the
    thread of the caller.
    """
    for role in ("las", "publisher"):
        results: queue.SimpleQueue[tuple[SourceConnection, Outcome | None]] = queue.SimpleQueue()
        of_role = [row for row in rows if row.role == role]
        threads = [
            _WorkerThread(
                _these(
                    context,
                    [source_connection for source_connection in of_role if source_connection.source_id == source_id],
                    results.put,
                )
            )
            for source_id in dict.fromkeys(source_connection.source_id for source_connection in of_role)
        ]
        for thread in threads:
            thread.start()
        try:
            _collect(threads, results, len(of_role), done)
        finally:
            for thread in threads:
                thread.release()


def _collect(
    threads: Sequence[_WorkerThread],
    results: queue.SimpleQueue[tuple[SourceConnection, Outcome | None]],
    expected: int,
    done: Callable[[SourceConnection, Outcome | None], None],
) -> None:
    extend = _Interval(EXTEND_EVERY_SECONDS, at_once=False)
    while expected:
        try:
            row, outcome = results.get(timeout=LOOK_EVERY_SECONDS)
        except queue.Empty:
            if not any(thread.is_alive() for thread in threads) and results.empty():
                return  # a thread lost the database and logged that
        else:
            expected -= 1
            done(row, outcome)
        if extend.is_due():
            _extend(threads)


class _Interval:
    """Says every so many seconds that they have passed."""

    def __init__(self, seconds: float, *, at_once: bool) -> None:
        self._seconds = seconds
        self._due = time.monotonic() + (0.0 if at_once else seconds)

    def is_due(self) -> bool:
        """Whether the interval has passed; then the next one begins."""
        if time.monotonic() < self._due:
            return False
        self._due = time.monotonic() + self._seconds
        return True


class _LeasedWork(Protocol):
    """Work that a thread has leased."""

    def do(self) -> None:
        """Do the work, and record the outcome."""

    def extend(self) -> None:
        """Extend the lease."""

    def release(self) -> None:
        """Release the lease; the work is not done."""


@dataclass(frozen=True, slots=True)
class _SourcePull:
    """A connection that is polled; `report` gets the outcome."""

    context: WorkContext
    claim: Claim
    report: Callable[[Outcome], None]

    def do(self) -> None:
        self.report(do(self.context, self.claim))

    def extend(self) -> None:
        until = clock.now_us() + int(LEASE_SECONDS * connections.SECOND_US)
        connections.extend(self.context.engine, self.claim, until)

    def release(self) -> None:
        connections.release(self.context.engine, self.claim)


@dataclass(frozen=True, slots=True)
class _PageRequest:
    """A request of a page."""

    context: WorkContext
    work: page_requests.LeasedRequest

    def do(self) -> None:
        page_jobs.do(self.context.receiver, self.work, self.context.allow_loopback, self.context.policies)

    def extend(self) -> None:
        page_requests.extend(self.context.engine, self.work)

    def release(self) -> None:
        page_requests.release(self.context.engine, self.work)


def _page_request_of(context: WorkContext, kinds: Collection[str], stop: threading.Event) -> Iterator[_LeasedWork]:
    """The requests of pages of these kinds, claimed one by one."""
    while not stop.is_set():
        work = page_requests.claim(context.engine, context.cipher, kinds)
        if work is None:
            return
        yield _PageRequest(context, work)


def _due_of(context: WorkContext, source_id: int, stop: threading.Event) -> Iterator[_LeasedWork]:
    """The connections of a source that are due, claimed one by one."""
    while not stop.is_set():
        claim = connections.claim_due(context.engine, clock.now_us(), LEASE_SECONDS, source_id)
        if claim is None:
            return
        yield _SourcePull(context, claim, lambda outcome: None)


def _these(
    context: WorkContext,
    rows: Sequence[SourceConnection],
    report: Callable[[tuple[SourceConnection, Outcome | None]], None],
) -> Iterator[_LeasedWork]:
    """These connections, claimed one by one whether due or not."""
    for row in rows:
        claim = connections.claim_now(context.engine, row, clock.now_us(), LEASE_SECONDS)
        if claim is None:
            report((row, None))
        else:
            yield _SourcePull(context, claim, functools.partial(_report_row, report, row))


def _report_row(
    report: Callable[[tuple[SourceConnection, Outcome | None]], None], row: SourceConnection, outcome: Outcome
) -> None:
    report((row, outcome))


class _WorkerThread(threading.Thread):
    """Does jobs one after the other; a daemon, because a source may hang when the program must stop."""

    def __init__(self, jobs: Iterator[_LeasedWork]) -> None:
        super().__init__(name="worker job", daemon=True)
        self._jobs = jobs
        self._job: _LeasedWork | None = None

    def run(self) -> None:
        """Do the jobs."""
        try:
            for job in self._jobs:
                self._job = job
                job.do()
                self._job = None
        except SQLAlchemyError as failed:  # the lease lapses and another try follows
            _log.error("The database does not answer (%s); trying again.", type(failed).__name__)

    def extend(self) -> None:
        """Extend the lease of the current job."""
        job = self._job
        if job is not None and self.is_alive():
            job.extend()

    def release(self) -> None:
        """Release the lease of a job that was not waited for, so that the next start claims it at once."""
        job = self._job
        if job is None:
            return
        try:
            job.release()
        except SQLAlchemyError as failed:
            _log.error("A lease could not be given back (%s); it lapses by itself.", type(failed).__name__)


def _extend(threads: Iterable[_WorkerThread]) -> None:
    for thread in threads:
        thread.extend()


# -- one try -------------------------------------------------------------------------------------------------

_NOT_HERE = (
    "Deze bron staat niet in de configuratie waarmee dit programma draait.",
    "This source is not in the configuration that this program runs with.",
)
_OUT_OF_ORDER = (
    "Ophalen is door een storing bij ons niet gelukt; we proberen het later opnieuw.",
    "Fetching failed through a fault on our side; it will be tried again later.",
)


def _try(context: WorkContext, claim: Claim, job: Job) -> Outcome:
    try:
        if isinstance(job, LasSettings | RosterFile):
            return _fetch_roster(context, claim, job)
        return _fetch_results(context, claim, job)
    except ConnectorError as failed:
        return Outcome(failure=(failed.sentence_nl, failed.sentence_en))
    except (SQLAlchemyError, OSError) as failed:
        # The text of these may hold values of a message: only their kind is logged.
        _log.error("%s: %s while taking in", claim.source_key, type(failed).__name__)
        return Outcome(failure=_OUT_OF_ORDER)


def _fetch_results(context: WorkContext, claim: Claim, job: PullSettings) -> Outcome:
    target = Target(context.engine, context.cipher, claim.school_id, claim.source_id)
    pulled = pull(job, target, claim.cursor)
    counts: dict[str, int] = {
        "messages": len(pulled.taken),
        "known": pulled.known,
        "unreadable": len(pulled.problems),
    }
    for document in pulled.taken:
        for name, count in document.receipt.counts.items():
            counts[name] = counts.get(name, 0) + count
    refused = sum(document.receipt.verdict is Verdict.REJECT for document in pulled.taken)
    return Outcome(counts, pulled.failure, refused)


def _fetch_roster(context: WorkContext, claim: Claim, job: LasSettings | RosterFile) -> Outcome:
    """Ask the LAS for its roster, or read its file, and process it."""
    fetched = read_roster_file(job) if isinstance(job, RosterFile) else fetch_roster(job, claim.cursor)
    destination = RequestedSchool(context.engine, claim.school_id, job.school)
    source = RosterSource(claim.source_id, "pull", destination, moves_cursor=True)
    processed = process_roster(context.engine, context.cipher, fetched, source)
    if processed.fault is not None:
        return Outcome(failure=_refused_roster(processed.fault), refused=1)
    if processed.receipt is None or processed.receipt.state == rosters.CONFIRMED:
        return Outcome({"unchanged": 1})
    return Outcome(processed.receipt.counts)


def _refused_roster(fault: str) -> tuple[str, str]:
    return (
        f"Wat de leerlingadministratie stuurde is geweigerd ({fault}); de reden staat bij de geweigerde berichten.",
        f"What the pupil administration sent was refused ({fault}); the reason stands with the refused messages.",
    )
