"""The one clock: whoever needs the time asks here, so that a test can choose the day.

`RONDBLIK_NOW` (an ISO instant with zone) starts the clock at that moment in a new process; it then runs on.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

AMSTERDAM = ZoneInfo("Europe/Amsterdam")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND_US = 1_000_000

_started = time.monotonic()
_base: datetime | None = datetime.fromisoformat(os.environ["RONDBLIK_NOW"]) if "RONDBLIK_NOW" in os.environ else None
_fixed: datetime | None = None
_arriving = threading.Lock()
_arrived_us = 0


def now() -> datetime:
    """The present instant, in UTC."""
    if _fixed is not None:
        return _fixed
    if _base is not None:
        return _base.astimezone(UTC) + timedelta(seconds=time.monotonic() - _started)
    return datetime.now(UTC)


def today() -> date:
    """The calendar day in the Netherlands."""
    return now().astimezone(AMSTERDAM).date()


def now_us() -> int:
    """The present instant as microseconds since 1970 in UTC, the way the store keeps instants."""
    return to_us(now())


def arrival_us() -> int:
    """The present instant for something that comes in: later than the last one, also where the clock stands still."""
    global _arrived_us
    with _arriving:
        now = now_us()
        behind = 0 <= _arrived_us - now < SECOND_US  # further back is another time: a clock that was set
        _arrived_us = _arrived_us + 1 if behind else now
        return _arrived_us


def to_us(instant: datetime) -> int:
    """Microseconds since 1970 in UTC; an instant without zone is one in the Netherlands."""
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=AMSTERDAM)
    return (instant - EPOCH) // timedelta(microseconds=1)


def from_us(us: int) -> datetime:
    """The instant that `to_us` made `us` of, in UTC."""
    return EPOCH + timedelta(microseconds=us)


@contextmanager
def fixed(instant: datetime) -> Iterator[None]:
    """Hold the clock still at `instant` (with zone) while the block runs; for tests."""
    global _fixed
    before, _fixed = _fixed, instant.astimezone(UTC)
    try:
        yield
    finally:
        _fixed = before


def school_year(day: date) -> str:
    """The Dutch school year that `day` falls in, `yyyy-yyyy`; it turns on 1 August."""
    first = day.year if day.month >= 8 else day.year - 1
    return f"{first}-{first + 1}"


FIRST_OF_SCHOOL_YEAR = "-08-01"  # behind the calendar year in which it begins


def school_year_bounds(label: str) -> tuple[date, date]:
    """First and last day of the school year `yyyy-yyyy`."""
    first = int(label[:4])
    return date(first, 8, 1), date(first + 1, 7, 31)


def is_day(text: str) -> bool:
    """Whether a text is a calendar day `YYYY-MM-DD`."""
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
