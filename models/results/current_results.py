"""The current result of each slot, and totals; computed from all rows, on every read.

A slot is one pupil, test (with version), part, kind and date. If it has several rows, "not offered" yields to the
others; among differing values the newest is current and is marked as a possible duplicate.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from models.results.scales import Missing, ParsedNorm, ScoreReading, plain_decimal, read_score
from models.schema.records import SCALE, Absence, Kind


class ResultRow(NamedTuple):
    """A result as the queries read it: the pupil, and columns of `results`."""

    pupil_id: int
    source_id: int
    kind: int
    test_id: int
    definition_id: int
    part_id: int
    taken_on: str
    score: int | None
    score_text: str | None
    absence: int | None
    detail: str | None
    created_us: int
    digest64: int
    status: int | None
    worked_ms: int | None
    offered: int | None
    made: int | None
    correct: int | None
    delivery_id: int
    info_url: str | None
    key: str
    arrived_us: int = 0


Slot = tuple[int, int, int, int, str]  # what a result is about: pupil, test and version, part, kind, date


class CurrentResult(NamedTuple):
    """The current row of a slot, and whether another row of it has a different value."""

    row: ResultRow
    duplicate: bool


def resolve_duplicates(rows: Iterable[ResultRow]) -> dict[Slot, CurrentResult]:
    """The current row of each slot; the order of the rows does not matter."""
    alone: dict[Slot, ResultRow] = {}
    crowded: dict[Slot, list[ResultRow]] = {}
    for row in rows:
        slot = (row.pupil_id, row.test_id, row.part_id, row.kind, row.taken_on)
        if slot in alone:
            crowded.setdefault(slot, [alone[slot]]).append(row)
        else:
            alone[slot] = row
    current = {slot: CurrentResult(row, False) for slot, row in alone.items()}
    for slot, result_rows in crowded.items():
        current[slot] = _resolve_slot(result_rows)
    return current


def _resolve_slot(rows: list[ResultRow]) -> CurrentResult:
    """The newest is current. Older ones are superseded if either is "not offered"; otherwise they may be duplicates.

    Among progress records the newest replaces the others.
    """
    newest, second, *_ = sorted(rows, key=recency, reverse=True)
    superseded = newest.kind == Kind.PROGRESS or Absence.NOT_OFFERED in (newest.absence, second.absence)
    return CurrentResult(newest, not superseded)


def recency(row: ResultRow) -> tuple[int, int, int, bool, str]:
    """Newest last: creation, arrival and digest of the message; within one a number before a reason, then the key."""
    return (row.created_us, row.arrived_us, row.digest64, row.absence is None, row.key)


def date_order(row: ResultRow) -> tuple[str, int, int, int, bool, str]:
    """Newest last: test date, then `recency`."""
    return (row.taken_on, *recency(row))


@dataclass(frozen=True, slots=True)
class Total:
    """The total of one sitting: a row as sent, or derived from its parts if the source sends only parts.

    `row` is the total's own row, or the newest part's; `parts` counts the parts behind a derived total.
    """

    row: ResultRow
    reading: ScoreReading
    duplicate: bool = False
    derived: bool = False
    parts: int = 0
    parts_left_out: int = 0
    part_ids: frozenset[int] = frozenset()  # those that a derived total is the sum of

    @property
    def sitting(self) -> tuple[int, int, str]:
        """Pupil, test and day."""
        return self.row.pupil_id, self.row.test_id, self.row.taken_on

    @property
    def order(self) -> tuple[str, int, int, int, bool, str]:
        """Newest last."""
        return date_order(self.row)


def sent_total(current: CurrentResult, norm: ParsedNorm) -> Total:
    """The total as a source sent it."""
    row = current.row
    return Total(
        row,
        read_score(row.kind, row.score, row.score_text, row.absence, norm, row.detail),
        current.duplicate,
    )


def summed_total(parts: list[CurrentResult], norms: dict[int, ParsedNorm]) -> Total:
    """The sum of the parts of one sitting, without X, absent and suspect ones; `norms` by part id.

    Of a part that was not offered on one day and made on another, the newest row is the one that is looked at.
    """
    parts = list({part.row.part_id: part for part in sorted(parts, key=lambda part: date_order(part.row))}.values())
    counted: list[ScoreReading] = []
    counted_ids: set[int] = set()
    for part in parts:
        row = part.row
        reading = read_score(row.kind, row.score, row.score_text, row.absence, norms[row.part_id], row.detail)
        if reading.counts:
            counted.append(reading)
            counted_ids.add(row.part_id)
    newest = parts[-1].row
    duplicate = any(current.duplicate for current in parts)
    left_out = len(parts) - len(counted)
    if not counted:
        only_not_offered = all(part.row.absence == Absence.NOT_OFFERED for part in parts)
        reason = Missing.NOT_OFFERED if only_not_offered else Missing.NO_SCORE
        return Total(newest, ScoreReading(missing=reason), duplicate, True, 0, left_out)
    value = sum(reading.value for reading in counted if reading.value is not None)
    return Total(newest, _sum(counted, value), duplicate, True, len(counted), left_out, frozenset(counted_ids))


def _sum(counted: list[ScoreReading], value: int) -> ScoreReading:
    """A derived total: the sum, out of the maximum of the counted parts if each has one."""

    text = plain_decimal(Decimal(value) / SCALE)
    if any(reading.maximum is None for reading in counted):
        return ScoreReading(text, value)
    return ScoreReading(
        text, value, maximum=plain_decimal(sum((Decimal(reading.maximum or 0) for reading in counted), Decimal(0)))
    )
