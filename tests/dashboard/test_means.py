"""A mean is of scores that may be added up: sums of different parts are not of one test."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from dashboard.ui.matrix_columns import CellContent, footer
from dashboard.ui.matrix_table import foot_words
from models.classroom.class_overview import Cell
from models.results.current_results import CurrentResult, ResultRow, sent_total, summed_total
from models.results.scales import NO_NORM, NormPosition
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


def level(pupil: int, word: str | None, points: int | None = None, code: str = "AE") -> CellContent:
    """The cell of a pupil with an OSO result: a level of a code or none, and a skill score or none."""
    references = [] if word is None else [{"code": code, "group": "Landelijk", "value": word}]
    row = summed(pupil, {0: points}).cell
    assert row is not None
    result = row.total.row._replace(
        kind=Kind.OSO, absence=None if points is not None else 2, detail=json.dumps({"references": references})
    )
    total = sent_total(CurrentResult(result, False), NO_NORM)
    return CellContent(Cell(total, SubjectMaterial("reading", "Volgtoets", 1), NO_NORM, 0), 0, total.reading.missing)


def test_levels_without_a_number_are_counted_where_there_is_no_mean_and_are_in_none() -> None:
    levels = [level(1, "E"), level(2, "A"), level(3, "E"), level(4, None)]
    under = footer(levels)
    assert (under.mean, under.counted, under.all, under.has_norm) == (None, 3, 4, True)
    assert under.bands == ((NormPosition.ABOVE, "A", 1), (NormPosition.BELOW, "E", 2))
    assert foot_words(under) == "1 A, 2 E"
    with_numbers = footer([*levels, level(5, "C", 90), level(6, None, 100)])
    assert (with_numbers.mean, with_numbers.counted) == (Decimal(950_000), 2)


def test_levels_are_counted_in_their_own_order() -> None:
    under = footer([level(pupil, word, code="IV") for pupil, word in enumerate(("IV", "V", "II", "III", "I", "V"), 1)])
    assert foot_words(under) == "1 niveau I, 1 niveau II, 1 niveau III, 1 niveau IV, 2 niveau V"
