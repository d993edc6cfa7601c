"""School days: all days except weekends, the school holidays of a region and public holidays.

The dates are in a data file that an administrator can replace (`holidays` in config.yaml).
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from importlib import resources
from pathlib import Path

from dateutil.easter import easter

REGIONS = ("noord", "midden", "zuid")
DEFAULT_REGION = "midden"
KINDS = ("autumn", "christmas", "spring", "may", "summer")
_AFTER_EASTER = (-2, 1, 39, 40, 50)  # Good Friday, Easter Monday, Ascension Day and the day after, Whit Monday
_KINGS_DAY = (4, 27)


class HolidaysUnreadable(Exception):
    """A holiday file with invalid content; the message says where."""


@dataclass(frozen=True, slots=True)
class Holiday:
    """One holiday of a region; both days belong to it. `kind` is one of `KINDS`."""

    kind: str
    first: date
    last: date


class Holidays:
    """The holidays of the three regions."""

    def __init__(self, by_region: dict[str, tuple[Holiday, ...]]) -> None:
        self._by_region = by_region

    def between(self, first: date, last: date, region: str) -> list[Holiday]:
        """The holidays of a region that overlap the days from `first` to `last`, in order."""
        return [holiday for holiday in self._by_region[region] if holiday.first <= last and holiday.last >= first]

    def is_school_day(self, day: date, region: str) -> bool:
        """Whether a day is a school day in a region."""
        if day.weekday() > 4 or (day.month, day.day) == _KINGS_DAY or (day - easter(day.year)).days in _AFTER_EASTER:
            return False
        return not any(holiday.first <= day <= holiday.last for holiday in self._by_region[region])

    def school_days(self, after: date, until: date, region: str) -> int:
        """The number of school days after `after`, up to and including `until`."""
        days = (after + timedelta(days=number) for number in range(1, (until - after).days + 1))
        return sum(self.is_school_day(day, region) for day in days)


def read_holidays(path: Path | None = None) -> Holidays:
    """The holidays in a file, or those supplied with the program. Raises HolidaysUnreadable."""
    return _supplied() if path is None else _parsed(path.read_text("utf-8"), str(path))


@cache
def _supplied() -> Holidays:
    return _parsed((resources.files("models.classroom") / "data" / "holidays.toml").read_text("utf-8"), "holidays.toml")


def _parsed(text: str, name: str) -> Holidays:
    try:
        years = tomllib.loads(text)["year"]
        by_region = {
            region: tuple(
                Holiday(kind, *(date.fromisoformat(day) for day in year[kind][region]))
                for year in years
                for kind in KINDS
                if kind in year
            )
            for region in REGIONS
        }
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise HolidaysUnreadable(
            f"{name}: every [[year]] must give each holiday ({', '.join(KINDS)}) as first and last day for "
            f"{', '.join(REGIONS)}; {error} is not so"
        ) from None
    for holidays in by_region.values():
        for holiday in holidays:
            if holiday.last < holiday.first:
                raise HolidaysUnreadable(f"{name}: a holiday ends before it begins: {holiday.kind} {holiday.first}")
    return Holidays(
        {region: tuple(sorted(holidays, key=lambda holiday: holiday.first)) for region, holidays in by_region.items()}
    )
