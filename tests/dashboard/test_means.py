"""A mean is of scores that may be added up: sums of different parts are not of one test."""

from __future__ import annotations

from decimal import Decimal

import pytest

from dashboard.ui.matrix_columns import CellContent, footer
from models.classroom.class_overview import Cell
from models.results.current_results import CurrentResult, ResultRow, summed_total
from models.results.scales import NO_NORM
from models.results.subject_materials import SubjectMaterial
from models.schema.records import SCALE, Kind


def summed(pupil: int, parts: dict[int, int | None]) -> CellContent:
    """The cell of a pupil whose parts have these points; None: not offered."""
    rows = [
        ResultRow(
            pupil, 1, Kind.SCORE, 1, 1, part, "2026-11-20", None if points is None else points * SCALE, None,
            1 if points is None else None, None, 1, 1, None, None, None, None, None, 1, None, f"{pupil}-{part}",
        )
        for part, points in parts.items()
    ]  # fmt: skip
    total = summed_total([CurrentResult(row, False) for row in rows], dict.fromkeys(parts, NO_NORM))
    return CellContent(Cell(total, SubjectMaterial("reading", "Vraagstuk", 1), NO_NORM, 0), 0)


@pytest.mark.parametrize(
    ("rows", "mean"),
    [
        (({1: 5, 2: 5}, {1: 3, 2: 0}), Decimal(65_000)),
        (({1: 5, 2: 5}, {1: 5, 2: None}), None),
        (({1: 5, 2: 5}, {1: 5}), None),
        (({1: 5}, {2: 5}), None),
    ],
)
def test_only_sums_of_the_same_parts_have_a_mean(rows: tuple[dict[int, int | None], ...], mean: Decimal | None) -> None:
    under = footer([summed(pupil, parts) for pupil, parts in enumerate(rows, 1)])
    assert under.mean == mean
    assert under.counted == len(rows)
