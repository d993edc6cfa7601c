"""The school days of a simulated school year: no weekends, no holidays; the same for every school and source."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import lru_cache

from models.schema import clock


def first_year(school_year: str) -> int:
    """The calendar year in which the school year `yyyy-yyyy` begins."""
    return int(school_year[:4])


def label(year: int) -> str:
    """The school year that begins in the calendar year `year`."""
    return f"{year}-{year + 1}"


def moment(day: date, hour: int, minute: int = 0) -> datetime:
    """An instant on a day in the Netherlands; never in the hour that a clock change skips or doubles."""
    return datetime.combine(day, time(hour, minute), clock.AMSTERDAM)


@lru_cache(maxsize=16)
def school_days(school_year: str) -> tuple[date, ...]:
    """The days on which there is school, in order."""
    year = first_year(school_year)
    begin, end = _monday_from(date(year, 8, 17)), _monday_from(date(year + 1, 7, 5)) + timedelta(days=4)
    off = _days_off(year)
    days = (begin + timedelta(days=n) for n in range((end - begin).days + 1))
    return tuple(day for day in days if day.weekday() < 5 and day not in off)


@lru_cache(maxsize=16)
def school_weeks(school_year: str) -> tuple[tuple[date, ...], ...]:
    """The school days by week; weeks without any are left out."""
    weeks: dict[tuple[int, int], list[date]] = {}
    for day in school_days(school_year):
        weeks.setdefault(day.isocalendar()[:2], []).append(day)
    return tuple(tuple(days) for days in weeks.values())


def _monday_from(day: date) -> date:
    return day + timedelta(days=-day.weekday() % 7)


def _days_off(year: int) -> set[date]:
    """Holidays between the summers: four periods, and the feasts around Easter."""
    christmas = date(year, 12, 25)
    periods = (
        (_monday_from(date(year, 10, 15)), 5),
        (christmas - timedelta(days=(christmas.weekday() + 2) % 7), 16),
        (_monday_from(date(year + 1, 2, 15)), 5),
        (_monday_from(date(year + 1, 4, 24)), 12),
    )
    off = {begin + timedelta(days=n) for begin, length in periods for n in range(length)}
    easter = _easter(year + 1)
    return off | {easter + timedelta(days=n) for n in (-2, 1, 39, 40, 50)}


def _easter(year: int) -> date:
    """Easter Sunday (the Gregorian rule of Meeus, Jones and Butcher)."""
    a, (b, c) = year % 19, divmod(year, 100)
    (d, e), g = divmod(b, 4), (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    j = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 22 * j) // 451
    month, day = divmod(h + j - 7 * m + 114, 31)
    return date(year, month, day + 1)
