"""The attention groups: each pupil in exactly one, by rules at their bounds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.classroom.attention import AMPLE_OF_THREE, BELOW_OF_NEWEST, FEW_TOTALS, AttentionGroup, NormCounts
from models.classroom.class_state import ClassState
from models.classroom.signal_resolutions import ResolutionAction, SignalResolution
from models.classroom.thresholds import Thresholds
from models.results.periods import Period, of_school_year
from models.results.scales import NormPosition
from models.schema import clock
from models.schema.records import Absence
from tests.dashboard import school
from tests.models.classroom import SUMS, WITHOUT, WORDS, YEAR, Classroom, bands, days

PERIOD = of_school_year(YEAR)


@pytest.fixture(autouse=True)
def thursday() -> Iterator[None]:
    """The clock stands on Thursday 26 November 2026."""
    with clock.fixed(school.NOW):
        yield


def groups_of(state: ClassState, period: Period = PERIOD) -> dict[int, AttentionGroup]:
    """The group of each pupil."""
    return {pupil_id: placement.group for pupil_id, placement in state.placements(period).items()}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((80, 80, 60), AttentionGroup.FAR_ABOVE),  # two thirds, and a score equal to the bound is in the band
        ((80, 79, 60), AttentionGroup.ON_NORM),
        ((80, 80, 80, 70), AttentionGroup.FAR_ABOVE),
        ((100, 100, 100, 60), AttentionGroup.ATTENTION),  # a drop goes before all else
        ((80, 80, 60, 60), AttentionGroup.ON_NORM),
        ((80, 80), AttentionGroup.FEW),
        ((59, 59), AttentionGroup.FEW),
        ((), AttentionGroup.FEW),
        ((60, 60, 60), AttentionGroup.ON_NORM),
        ((59, 60, 60, 60), AttentionGroup.ON_NORM),
        ((59, 60, 59, 60), AttentionGroup.BELOW),  # two of the last four
        ((59, 59, 60, 60, 60), AttentionGroup.ON_NORM),  # one of the last four, and two of five
        ((59, 59, 60, 59, 60, 60, 60, 60), AttentionGroup.ON_NORM),
        ((59, 59, 60, 59, 60, 60), AttentionGroup.BELOW),  # half of all
        ((50, 50, 50), AttentionGroup.ATTENTION),  # stuck
        ((0, 0, 0), AttentionGroup.ATTENTION),
    ],
)
def test_a_group_follows_from_the_totals_with_a_norm(values: tuple[int, ...], expected: AttentionGroup) -> None:
    classroom = Classroom(pupils=1)
    for value, day in zip(values, days(len(values)), strict=True):
        classroom.score(1, value, day)
    assert groups_of(classroom.state()) == {1: expected}


def test_totals_without_norm_or_number_say_nothing_of_the_group() -> None:
    classroom = Classroom(pupils=1)
    for day in days(5):
        classroom.score(1, 90, day, norm=WITHOUT)
        classroom.score(1, None, day, test=2, absence=Absence.NO_SCORE)
    assert groups_of(classroom.state()) == {1: AttentionGroup.FEW}


def test_an_idle_pupil_is_not_called_low() -> None:
    classroom = Classroom()
    for pupil in (1, 2, 3):
        for day in days(3):
            classroom.score(pupil, 70, day)
    classroom.score(4, 90, "2026-09-01")
    state = classroom.state()
    [signal] = state.open_signals[4]
    assert (signal.rule.value, signal.evidence.totals) == ("idle", ())
    assert groups_of(state)[4] is AttentionGroup.ATTENTION


def test_a_period_without_results_makes_few_data_and_no_judgement() -> None:
    classroom = Classroom(pupils=1)
    for day in days(4, "2026-06-20"):
        classroom.score(1, 90, day)
    assert groups_of(classroom.state()) == {1: AttentionGroup.FEW}
    assert groups_of(classroom.state(), of_school_year("2025-2026")) == {1: AttentionGroup.FAR_ABOVE}


def test_a_class_changes_the_bounds_itself() -> None:
    classroom = Classroom(pupils=1)
    for value, day in zip((80, 60), days(2), strict=True):
        classroom.score(1, value, day)
    classroom.thresholds = Thresholds({FEW_TOTALS.name: 2, AMPLE_OF_THREE.name: 1})
    assert groups_of(classroom.state()) == {1: AttentionGroup.FAR_ABOVE}
    assert classroom.totals[1][SUMS][0].reading.position.value == "above"


def test_levels_count_as_totals_with_a_norm() -> None:
    classroom = Classroom()
    for day in days(3):
        classroom.level(1, "AE", "A", day)
        classroom.level(2, "AE", "C", day)
        classroom.level(3, "Percentiel", "99", day)
    groups = groups_of(classroom.state())
    assert [groups[pupil] for pupil in (1, 2, 3)] == [
        AttentionGroup.FAR_ABOVE,
        AttentionGroup.ON_NORM,
        AttentionGroup.FEW,
    ]


def test_a_settled_signal_never_moves_a_pupil_below_the_norm_to_on_it() -> None:
    classroom = Classroom(pupils=1)
    for value, day in zip((59, 58, 57), days(3), strict=True):
        classroom.score(1, value, day)
    for day in days(5, "2026-11-24"):
        classroom.score(1, 90, day, WORDS, test=2)
    state = classroom.state()
    assert groups_of(state) == {1: AttentionGroup.ATTENTION}
    settled = tuple(
        replace(signal, resolution=SignalResolution(ResolutionAction.SEEN, signal.evidence.key, "Hanna Vos", 1))
        for signal in state.signals
    )
    assert [signal.settled for signal in settled] == [True]
    assert groups_of(replace(state, signals=settled)) == {1: AttentionGroup.BELOW}
    placement = replace(state, signals=settled).placements(PERIOD, lambda about: about == WORDS)[1]
    assert placement.group is AttentionGroup.FAR_ABOVE  # of spelling alone
    assert placement.counts == NormCounts(with_norm=5, below=0, highest=5, newest_below=0)


@given(st.lists(st.sampled_from((0, 59, 60, 79, 80, 100)), max_size=12), st.integers(1, 4))
def test_who_is_on_the_norm_has_fewer_below_it_than_the_rule_allows(values: list[int], bound: int) -> None:
    classroom = Classroom(pupils=1)
    classroom.thresholds = Thresholds({BELOW_OF_NEWEST.name: bound})
    for value, day in zip(values, days(len(values)), strict=True):
        classroom.score(1, value, day)
    placement = classroom.state().placements(PERIOD)[1]
    assert placement.counts.with_norm == len(values)
    assert placement.counts.below == sum(value < 60 for value in values)
    if placement.group in (AttentionGroup.ON_NORM, AttentionGroup.FAR_ABOVE):
        assert sum(value < 60 for value in values[-4:]) < bound
        assert 2 * placement.counts.below < len(values)


def test_a_score_that_fits_no_level_has_no_place_in_the_norm() -> None:
    classroom = Classroom(pupils=1)
    from_sixty = bands(("voldoende", 60, 79, NormPosition.BELOW), ("goed", 80, 100, NormPosition.ABOVE))
    for value, day in zip((50, 70, 90), days(3), strict=True):
        classroom.score(1, value, day, norm=from_sixty)
    assert classroom.state().placements(PERIOD)[1].counts == NormCounts(2, 1, 1, 1)
