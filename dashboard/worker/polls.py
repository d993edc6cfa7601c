"""Polls of source connections: results of a publisher, or the roster of a pupil administration."""

from __future__ import annotations

import logging

from connectors.errors import Fatal
from connectors.intake.las_client import LasSettings, RosterFile, fetch_roster, read_roster_file
from connectors.intake.pull import PullSettings, Target, pull
from connectors.intake.roster import RequestedSchool, RosterSource, process_roster
from dashboard.worker.context import JobKind, Outcome, WorkContext
from models.ingest import connections, rosters
from models.ingest.work_queue import Job
from models.schema import clock
from models.schema.records import Verdict

MINUTE_US = 60 * 1_000_000
LONGEST_MINUTES = 24 * 60  # of a source that was removed while it was asked

_log = logging.getLogger("rondblik.worker")
_NOT_CONFIGURED = Fatal(
    "Deze bron staat niet in de configuratie waarmee dit programma draait.",
    "This source is not in the configuration that this program runs with.",
)
_OUT_OF_ORDER = (
    "Ophalen is door een storing bij ons niet gelukt; we proberen het later opnieuw.",
    "Fetching failed through a fault on our side; it will be tried again later.",
)


def _poll(context: WorkContext, job: Job) -> Outcome:
    """Poll the source of a connection, and store its answer."""
    cursor = connections.start_poll(context.engine, job)
    scheduled = context.poll_of(job.school_id, job.source_id)
    if scheduled is None or job.school_id is None or job.source_id is None:
        raise _NOT_CONFIGURED
    target = Target(context.engine, context.cipher, job.school_id, job.source_id)
    if isinstance(scheduled.source, PullSettings):
        return _poll_publisher(scheduled.source, target, cursor)
    return _poll_las(scheduled.source, target, cursor)


def _poll_publisher(settings: PullSettings, target: Target, cursor: str | None) -> Outcome:
    pulled = pull(settings, target, cursor)
    counts: dict[str, int] = {
        "messages": len(pulled.taken),
        "known": pulled.known,
        "unreadable": len(pulled.problems),
    }
    for document in pulled.taken:
        for name, count in document.receipt.counts.items():
            counts[name] = counts.get(name, 0) + count
    refused = sum(document.receipt.verdict is Verdict.REJECT for document in pulled.taken)
    return Outcome(pulled.failure, counts, refused, answered=True)


def _poll_las(settings: LasSettings | RosterFile, target: Target, cursor: str | None) -> Outcome:
    """Ask the LAS for its roster, or read its file, and process it."""
    asked_us = clock.now_us()
    fetched = read_roster_file(settings) if isinstance(settings, RosterFile) else fetch_roster(settings, cursor)
    destination = RequestedSchool(target.engine, target.school_id, settings.school)
    source = RosterSource(target.source_id, "pull", destination, asked_us=asked_us)
    processed = process_roster(target.engine, target.cipher, fetched, source)
    if processed.fault is not None:
        return Outcome(_refused_roster(processed.fault), refused=1, answered=True)
    if processed.receipt is None or processed.receipt.state == rosters.CONFIRMED:
        return Outcome(counts={"unchanged": 1})
    return Outcome(counts=processed.receipt.counts)


def _refused_roster(fault: str) -> tuple[str, str]:
    return (
        f"Wat de leerlingadministratie stuurde is geweigerd ({fault}); de reden staat bij de geweigerde berichten.",
        f"What the pupil administration sent was refused ({fault}); the reason stands with the refused messages.",
    )


def _store(context: WorkContext, job: Job, outcome: Outcome) -> None:
    """Record the outcome with the connection, and when it is polled next: after its own time, or the back-off.

    Of a source whose messages are refused, its own time.
    """
    if outcome.failure is not None:
        _log.warning("%s: %s", job.title, outcome.failure[1])
    if outcome.failure is not None and not outcome.answered:
        connections.finish_failure(context.engine, job, *outcome.failure, outcome.wait_seconds)
        return
    scheduled = context.poll_of(job.school_id, job.source_id)
    next_try_us = clock.now_us() + (LONGEST_MINUTES if scheduled is None else scheduled.every_minutes) * MINUTE_US
    if outcome.failure is not None:
        connections.finish_refused(context.engine, job, next_try_us, *outcome.failure)
    else:
        connections.finish_success(context.engine, job, next_try_us)


KIND = JobKind(_poll, _store, _OUT_OF_ORDER)
