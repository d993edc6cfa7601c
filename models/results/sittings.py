"""Sittings: which results of a pupil are one test taken once.

A sitting is one test (with version) of one pupil within a school year, over the days of its parts. Parts of a test of
which totals were sent belong to the nearest of them, so they never add up to another. Without a total a sitting holds
each part once: a day on which a part is made again begins the next.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from typing import Protocol

from models.results.current_results import ResultRow
from models.results.periods import Period
from models.results.result_rows import MadeTest, is_made
from models.schema.records import Absence

Sitting = tuple[int, int, str]  # pupil, test, day: that of its total, or the last of its parts


class MadeOn(Protocol):
    """What is known of a result: whose, of which test or part (0: the whole test), and on which day."""

    @property
    def pupil_id(self) -> int: ...
    @property
    def test_id(self) -> int: ...
    @property
    def part_id(self) -> int: ...
    @property
    def taken_on(self) -> str: ...
    @property
    def absence(self) -> int | None: ...


def sittings_of_days(made: Iterable[MadeOn]) -> dict[Sitting, Sitting]:
    """The sitting that each (pupil, test, day) of these results belongs to; their order does not matter."""
    by_year: dict[tuple[int, int, int], list[MadeOn]] = defaultdict(list)
    for result in made:
        by_year[result.pupil_id, result.test_id, _year(result.taken_on)].append(result)
    sittings: dict[Sitting, Sitting] = {}
    for (pupil_id, test_id, _), results in by_year.items():
        for day, last in _days_of(results).items():
            sittings[pupil_id, test_id, day] = (pupil_id, test_id, last)
    return sittings


@lru_cache(maxsize=10_000)  # many results, of few days
def _year(day: str) -> int:
    """The year in which the school year of a day begins."""
    return int(day[:4]) - (day[5:7] < "08")


def _days_of(results: Iterable[MadeOn]) -> dict[str, str]:
    """The day of the sitting for each day of a school year on which a pupil made something of a test."""
    results_of_day: dict[str, list[MadeOn]] = defaultdict(list)
    for result in results:
        results_of_day[result.taken_on].append(result)
    if len(results_of_day) == 1:
        return {day: day for day in results_of_day}
    with_total = {day for day, results in results_of_day.items() if any(result.part_id == 0 for result in results)}
    made = [
        day for day in with_total if any(result.part_id == 0 and _is_offered(result) for result in results_of_day[day])
    ]
    other_days = sorted(results_of_day.keys() - with_total)
    days = {day: day for day in with_total}
    if made:
        return days | {day: min(made, key=lambda total: _distance(total, day)) for day in other_days}
    return days | _of_parts({day: results_of_day[day] for day in other_days})


def _distance(total: str, day: str) -> tuple[int, bool]:
    """How far a total is from a day; of two at the same distance the later is nearer, for parts come before it."""
    return abs((date.fromisoformat(total) - date.fromisoformat(day)).days), total < day


def _of_parts(results_of_day: dict[str, list[MadeOn]]) -> dict[str, str]:
    """The last day of the sitting for each day, oldest first, on which only parts were made."""
    sittings: list[tuple[set[int], list[str]]] = []
    for day, results in results_of_day.items():
        parts = {result.part_id for result in results if _is_offered(result)}
        if not sittings or sittings[-1][0] & parts:
            sittings.append((set(), []))
        sittings[-1][0].update(parts)
        sittings[-1][1].append(day)
    return {day: days[-1] for _, days in sittings for day in days}


def _is_offered(result: MadeOn) -> bool:
    return result.absence != Absence.NOT_OFFERED


def made_outside_of(
    period: Period,
    rows: Iterable[ResultRow],
    future: Iterable[ResultRow],
    not_read: Iterable[MadeTest],
    *,
    of_parts: bool = False,
) -> list[MadeTest]:
    """What belongs to sittings outside of a period, each with the day of its sitting.

    `rows` are those that were read, up to today; `not_read` is what else was made. What is of the `future` is of no
    sitting yet, and has its own day; so has everything where `of_parts` says that parts are shown by themselves.
    """
    made = {_made(row) for row in rows if is_made(row)}
    made.update(not_read)
    not_yet = [_made(row) for row in future if is_made(row)]
    first, last = period.first, period.last
    if of_parts:
        return [item for item in (*made, *not_yet) if not first <= item.taken_on <= last]
    by_year: dict[tuple[int, int, int], list[MadeTest]] = defaultdict(list)
    for item in made:
        by_year[item.pupil_id, item.test_id, _year(item.taken_on)].append(item)
    outside = [item for item in not_yet if not first <= item.taken_on <= last]
    for items in by_year.values():
        days = {item.taken_on for item in items}
        if all(first <= day <= last for day in days):  # so are its sittings, whose days are among these
            continue
        sitting_of = _days_of(items) if len(days) > 1 else {}
        for item in items:
            day = sitting_of.get(item.taken_on, item.taken_on)
            if not first <= day <= last:
                outside.append(item if day == item.taken_on else item._replace(taken_on=day))
    return outside


def _made(row: ResultRow) -> MadeTest:
    return MadeTest(row.pupil_id, row.test_id, row.taken_on, row.definition_id, row.part_id)
