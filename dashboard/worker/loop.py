"""The worker: claims the jobs of the work queue that are due, and does each by its kind.

Jobs of one thread of the queue are done one after the other. Every source has its own, so a publisher that hangs
delays only itself; requests of pages have two. The dispatcher, which waits for no network, starts the threads and
deletes what is past its retention.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from sqlalchemy.exc import SQLAlchemyError

from connectors.errors import ConnectorError, Retriable
from dashboard.worker import page_jobs, polls
from dashboard.worker.context import JobKind, Outcome, WorkContext
from dashboard.worker.disk_watch import DiskWatch
from dashboard.worker.retention_task import RetentionTask
from models.ingest import work_queue
from models.ingest.connections import SourceConnection
from models.ingest.work_queue import Job

KINDS: Mapping[str, JobKind] = {work_queue.POLL: polls.KIND, **page_jobs.KINDS}
EXTEND_EVERY_SECONDS = 15.0  # so a lease outlasts a database that is busy for a while
LOOK_EVERY_SECONDS = 1.0
STOP_SECONDS = 3.0

_log = logging.getLogger("rondblik.worker")


def work_once(context: WorkContext) -> bool:
    """Do the most overdue job; False where nothing is due."""
    job = work_queue.claim(context.engine)
    if job is None:
        return False
    do(context, job)
    return True


def do(context: WorkContext, job: Job) -> Outcome:
    """Do a job that was claimed, and store the outcome.

    A job that ended its worker each time that it was tried is recorded as failed instead.
    """
    kind = KINDS[job.kind]
    try:
        with _extended(context, job):
            outcome = kind.run(context, job) if job.attempts <= work_queue.MAX_ATTEMPTS else Outcome(kind.out_of_order)
    except ConnectorError as failed:
        wait_seconds = failed.wait_seconds if isinstance(failed, Retriable) else None
        outcome = Outcome((failed.sentence_nl, failed.sentence_en), wait_seconds=wait_seconds)
    except Exception as failed:  # noqa: BLE001 - whatever a file or endpoint of others causes ends here
        # The text of the error may hold values of a message: only its type is logged.
        _log.error("%s in a job of kind %s", type(failed).__name__, job.kind)
        outcome = Outcome(kind.out_of_order)
    kind.store(context, job, outcome)
    return outcome


@contextmanager
def _extended(context: WorkContext, job: Job) -> Iterator[None]:
    """Extend the lease of a job until the block ends or the lease is lost, from a thread that waits for no network."""
    over = threading.Event()

    def extend() -> None:
        holds = True
        while holds and not over.wait(EXTEND_EVERY_SECONDS):
            try:
                holds = work_queue.extend(context.engine, job)
            except SQLAlchemyError as failed:
                _log.error("A lease could not be extended (%s); trying again.", type(failed).__name__)

    threading.Thread(target=extend, name="lease", daemon=True).start()
    try:
        yield
    finally:
        over.set()


def run_worker(context: WorkContext, stop: threading.Event) -> None:
    """Work until `stop` is set; work in progress then gets a few seconds, after which its lease is released."""
    threads: dict[str, _WorkerThread] = {}
    forget_at = time.monotonic()
    retention_task = RetentionTask(context)
    disks = DiskWatch(context.engine, context.data)
    while not stop.is_set():
        if disks.look() or time.monotonic() >= forget_at:  # before jobs use the room that was released
            forget_at = time.monotonic() + retention_task.run()
        try:
            for name in work_queue.due_threads(context.engine):
                if name not in threads or not threads[name].is_alive():
                    threads[name] = _WorkerThread(context, _claimed(context, name, stop), _goes_on)
                    threads[name].start()
        except SQLAlchemyError as failed:  # the database is away: go on when it is back
            _log.error("The database does not answer (%s); trying again.", type(failed).__name__)
        stop.wait(LOOK_EVERY_SECONDS)
    ends = time.monotonic() + STOP_SECONDS
    for thread in threads.values():
        thread.join(max(0.0, ends - time.monotonic()))
        thread.release()


def _claimed(context: WorkContext, thread: str, stop: threading.Event) -> Iterator[Job]:
    """The due jobs of a thread, claimed one by one."""
    while not stop.is_set() and (job := work_queue.claim(context.engine, thread)) is not None:
        yield job


def _goes_on(job: Job, outcome: Outcome) -> bool:
    """Whether a thread goes on with its next job at once: after a poll that failed only when the dispatcher looks.

    So a source that is away gets no more than a request at each look, however many schools it serves.
    """
    return job.kind != work_queue.POLL or outcome.failure is None


# -- polls that do not wait until they are due -----------------------------------------------------------------


def run_now(
    context: WorkContext, rows: Sequence[SourceConnection], done: Callable[[str, Outcome | None], None]
) -> None:
    """Poll these connections at once, due or not, and return when all are done; a LAS comes before the publishers.

    `done` gets the key of the source and the outcome of each, one at a time: None where another worker has leased it
    or it was stopped.
    """
    one_at_a_time = threading.Lock()

    def report(source_key: str, outcome: Outcome | None) -> None:
        with one_at_a_time:
            done(source_key, outcome)

    def reported(job: Job, outcome: Outcome) -> bool:
        report(job.title, outcome)
        return True

    def jobs(of_source: Sequence[SourceConnection]) -> Iterator[Job]:
        for row in of_source:
            job = work_queue.claim_poll(context.engine, row.school_id, row.source_id)
            if job is None:
                report(row.source_key, None)
            else:
                yield job

    for role in ("las", "publisher"):
        by_source: dict[int, list[SourceConnection]] = {}
        for row in rows:
            if row.role == role:
                by_source.setdefault(row.source_id, []).append(row)
        threads = [_WorkerThread(context, jobs(of_source), reported) for of_source in by_source.values()]
        for thread in threads:
            thread.start()
        try:
            for thread in threads:
                thread.join()
        finally:
            for thread in threads:
                thread.release()


# -- threads ---------------------------------------------------------------------------------------------------


class _WorkerThread(threading.Thread):
    """Does jobs one after the other, until `done` says of one to end; a daemon, because a source may hang."""

    def __init__(self, context: WorkContext, jobs: Iterator[Job], done: Callable[[Job, Outcome], bool]) -> None:
        super().__init__(name="worker job", daemon=True)
        self._context, self._jobs, self._done = context, jobs, done
        self._job: Job | None = None

    def run(self) -> None:
        """Do the jobs."""
        try:
            for job in self._jobs:
                self._job = job
                goes_on = self._done(job, do(self._context, job))
                self._job = None
                if not goes_on:
                    break
        except SQLAlchemyError as failed:  # the lease expires and another try follows
            _log.error("The database does not answer (%s); trying again.", type(failed).__name__)

    def release(self) -> None:
        """Release the lease of a job that was not waited for, so that the next start claims it at once."""
        job = self._job
        if job is None:
            return
        try:
            work_queue.release(self._context.engine, job)
        except SQLAlchemyError as failed:
            _log.error("A lease could not be released (%s); it expires by itself.", type(failed).__name__)
