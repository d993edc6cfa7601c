"""Whether our own clock was set back: it is earlier than what the database has recorded.

What is refused or put off then may be right, and the clock wrong.
"""

from __future__ import annotations

import logging
import threading

from sqlalchemy import Engine, func, select

from models.schema import clock
from models.schema.database import read_transaction
from models.schema.tables import deliveries, source_connections, work_queue

TOLERANCE_US = 60 * clock.SECOND_US  # a clock that is put right by less changes nothing

_log = logging.getLogger("rondblik.clock")
_reported = threading.Event()


def is_set_back(engine: Engine) -> bool:
    """Whether now is before the newest moment that is recorded; the operator reads so in the log, once."""
    newest_us = newest_moment_us(engine)
    if newest_us <= clock.now_us() + TOLERANCE_US:
        _reported.clear()
        return False
    if not _reported.is_set():
        _reported.set()
        _log.error(
            "The clock of this machine says %s, but this database has recorded %s: set the clock right. "
            "Until then messages that seem to come from the future are put off.",
            clock.now().isoformat(timespec="seconds"),
            clock.from_us(newest_us).isoformat(timespec="seconds"),
        )
    return True


def newest_moment_us(engine: Engine) -> int:
    """The newest moment that is recorded by our own clock; 0 where there is none."""
    moments = (
        deliveries.c.received_us, source_connections.c.last_try_us, source_connections.c.last_success_us,
        work_queue.c.finished_us,
    )  # fmt: skip
    with read_transaction(engine) as connection:
        return max(connection.scalar(select(func.max(moment))) or 0 for moment in moments)
