"""The period of test dates that a screen shows; by default the school year."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, date, timedelta

from models.schema import clock


@dataclass(frozen=True, slots=True)
class Period:
    """First and last test date, both `YYYY-MM-DD` and inclusive."""

    first: str
    last: str

    def __contains__(self, day: str) -> bool:
        """Whether a test date is in the period."""
        return self.first <= day <= self.last

    @property
    def whole_years(self) -> Period:
        """The whole school years that the period touches, within the range of dates."""
        first, last = date.fromisoformat(self.first), date.fromisoformat(self.last)
        begin = first if first.year == MINYEAR else clock.school_year_bounds(clock.school_year(first))[0]
        end = last if last.year == MAXYEAR else clock.school_year_bounds(clock.school_year(last))[1]
        return Period(begin.isoformat(), end.isoformat())


EVER = Period("0001-01-01", "9999-12-31")


def of_school_year(label: str) -> Period:
    """The period of the school year `yyyy-yyyy`."""
    first, last = clock.school_year_bounds(label)
    return Period(first.isoformat(), last.isoformat())


def with_year_before(label: str) -> Period:
    """The period of a school year and the one before it."""
    first, last = clock.school_year_bounds(label)
    return Period(first.replace(year=first.year - 1).isoformat(), last.isoformat())


def until_today(period: Period) -> Period:
    """The same period without the days that have yet to come."""
    return Period(period.first, min(period.last, clock.today().isoformat()))


def last_days(days: int) -> Period:
    """The period of today and the days before it, `days` in all."""
    today = clock.today()
    return Period((today - timedelta(days=days - 1)).isoformat(), today.isoformat())
