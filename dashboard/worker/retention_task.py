"""The periodic deletion of what is past its retention: messages and sandboxes every hour, pupils once a day."""

from __future__ import annotations

import logging
from datetime import date

from sqlalchemy.exc import SQLAlchemyError

from dashboard.worker.context import WorkContext
from models.access.audit import Administered, audit_log
from models.access.viewer import Role, Viewer
from models.ingest import pupil_retention, retention
from models.sandbox import sandboxes
from models.schema import clock, database
from models.schema.terms import PupilRetention

EVERY_SECONDS = 3600.0
AGAIN_SECONDS = 60.0  # where it failed
BY = "Rondblik"  # who the audit log says did it

_log = logging.getLogger("rondblik.worker")


class RetentionTask:
    """The deletion, and on which day pupils were last looked at."""

    def __init__(self, context: WorkContext) -> None:
        self._context = context
        self._pupils_done_on: date | None = None

    def run(self) -> float:
        """Delete what is due; in how many seconds to do so again."""
        context = self._context
        try:
            retention.forget_all(context.engine, context.retention)
            sandboxes.empty_due(context.engine)
            if self._pupils_done_on != clock.today():
                delete_pupils(context)
                self._pupils_done_on = clock.today()
        except SQLAlchemyError as failed:
            _log.error("What is past its retention could not be deleted (%s); trying again.", type(failed).__name__)
            return AGAIN_SECONDS
        return EVERY_SECONDS


def delete_pupils(context: WorkContext) -> dict[int, tuple[int, int]]:
    """Delete pupils who left long ago, and results of nobody known, of all schools; how many of each, by school.

    The files of the database are purged where anything was deleted: on SQLite that writes the file anew.
    """
    counts = {
        school_id: _delete_of_school(context, school_id, terms)
        for school_id, terms in context.pupil_retention().items()
    }
    if any(counts.values()) and not database.purge_deleted(context.engine):
        _log.warning("The files of the database may still hold traces of deleted pupils; run `rondblik person purge`.")
    return {school_id: found for school_id, found in counts.items() if found is not None}


def _delete_of_school(context: WorkContext, school_id: int, terms: PupilRetention) -> tuple[int, int] | None:
    deleted, unmatched = pupil_retention.delete_due(context.engine, context.cipher, school_id, terms)
    if not deleted and not unmatched:
        return None
    program = Viewer(school_id, Role.ADMINISTRATOR, name=BY)
    event = Administered("past retention", unmatched, tuple(deleted))
    with audit_log(context.engine, context.cipher) as log:
        log.append(program, [event])
    return len(deleted), unmatched
