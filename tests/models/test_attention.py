"""The four groups: each pupil in exactly one, by rules at their bounds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from models.classroom.attention import AMPLE_OF_THREE, FEW_TOTALS, AttentionGroup
from models.classroom.thresholds import Thresholds
from models.results.periods import of_school_year
from models.schema import clock
from models.schema.records import Absence
from tests.dashboard import school
from tests.models.classroom import SUMS, WITHOUT, YEAR, Classroom, days

PERIOD = of_school_year(YEAR)


@pytest.fixture(autouse=True)
def thursday() -> Iterator[None]:
    """The clock stands on Thursday 26 November 2026."""
    with clock.fixed(school.NOW):
        yield


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((80, 80, 60), AttentionGroup.AMPLE),  # two thirds, and a score equal to the bound is in the band
        ((80, 79, 60), AttentionGroup.NO_SIGNAL),
        ((80, 80, 80, 70), AttentionGroup.AMPLE),
        ((100, 100, 100, 60), AttentionGroup.ATTENTION),  # a drop goes before all else
        ((80, 80, 60, 60), AttentionGroup.NO_SIGNAL),
        ((80, 80), AttentionGroup.FEW),
        ((), AttentionGroup.FEW),
        ((60, 60, 60), AttentionGroup.NO_SIGNAL),
        ((50, 50, 50), AttentionGroup.ATTENTION),  # stuck
        ((0, 0, 0), AttentionGroup.ATTENTION),
    ],
)
def test_a_group_follows_from_the_totals_with_a_norm(values: tuple[int, ...], expected: AttentionGroup) -> None:
    classroom = Classroom(pupils=1)
    for value, day in zip(values, days(len(values)), strict=True):
        classroom.score(1, value, day)
    assert classroom.state().attention_groups(PERIOD) == {1: expected}


def test_totals_without_norm_or_number_say_nothing_of_the_group() -> None:
    classroom = Classroom(pupils=1)
    for day in days(5):
        classroom.score(1, 90, day, norm=WITHOUT)
        classroom.score(1, None, day, test=2, absence=Absence.NO_SCORE)
    assert classroom.state().attention_groups(PERIOD) == {1: AttentionGroup.FEW}


def test_an_idle_pupil_is_not_called_low() -> None:
    classroom = Classroom()
    for pupil in (1, 2, 3):
        for day in days(3):
            classroom.score(pupil, 70, day)
    classroom.score(4, 90, "2026-09-01")
    state = classroom.state()
    [signal] = state.open_signals[4]
    assert (signal.rule.value, signal.evidence.totals) == ("idle", ())
    assert state.attention_groups(PERIOD)[4] is AttentionGroup.ATTENTION


def test_a_period_without_results_makes_few_data_and_no_judgement() -> None:
    classroom = Classroom(pupils=1)
    for day in days(4, "2026-06-20"):
        classroom.score(1, 90, day)
    assert classroom.state().attention_groups(PERIOD) == {1: AttentionGroup.FEW}
    assert classroom.state().attention_groups(of_school_year("2025-2026")) == {1: AttentionGroup.AMPLE}


def test_a_class_changes_the_bounds_itself() -> None:
    classroom = Classroom(pupils=1)
    for value, day in zip((80, 60), days(2), strict=True):
        classroom.score(1, value, day)
    classroom.thresholds = Thresholds({FEW_TOTALS.name: 2, AMPLE_OF_THREE.name: 1})
    assert classroom.state().attention_groups(PERIOD) == {1: AttentionGroup.AMPLE}
    assert classroom.totals[1][SUMS][0].reading.position.value == "above"


def test_levels_count_as_totals_with_a_norm() -> None:
    classroom = Classroom()
    for day in days(3):
        classroom.level(1, "AE", "A", day)
        classroom.level(2, "AE", "C", day)
        classroom.level(3, "Percentiel", "99", day)
    groups = classroom.state().attention_groups(PERIOD)
    assert [groups[pupil] for pupil in (1, 2, 3)] == [
        AttentionGroup.AMPLE,
        AttentionGroup.NO_SIGNAL,
        AttentionGroup.FEW,
    ]
