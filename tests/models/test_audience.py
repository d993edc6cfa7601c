"""The pupils whom a test is for, by the year groups of those who took it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from models.classroom.audience import Audience
from models.results.scales import Missing
from tests.models.classroom import SUMS

# A Plusgroep of four year groups: 3 pupils of year group 5, 4 of 6, 5 of 7 and 2 of 8.
COHORTS = (frozenset(range(1, 4)), frozenset(range(4, 8)), frozenset(range(8, 13)), frozenset((13, 14)))
EVERYBODY = frozenset().union(*COHORTS)
YEARS = {pupil: str(5 + place) for place, cohort in enumerate(COHORTS) for pupil in cohort}
PLUS = Audience(COHORTS, YEARS, {})


def test_each_test_of_a_plus_group_counts_its_own_year_group() -> None:
    for cohort in COHORTS:
        assert PLUS.of_test(sorted(cohort)[:1], SUMS, EVERYBODY) == cohort
    assert PLUS.of_test({1, 2, 4, 5}, SUMS, EVERYBODY) == COHORTS[0] | COHORTS[1]


def test_somebody_who_works_ahead_does_not_bring_a_whole_year_group() -> None:
    assert PLUS.of_test({1, *COHORTS[2]}, SUMS, EVERYBODY) == {1, *COHORTS[2]}


def test_who_does_not_take_the_subject_and_who_is_not_shown_do_not_count() -> None:
    elective = Audience(COHORTS, YEARS, {12: {SUMS: Missing.NOT_TAKEN}})
    assert elective.of_test({8, 9}, SUMS, EVERYBODY - {11}) == {8, 9, 10}


@given(st.frozensets(st.sampled_from(sorted(EVERYBODY))), st.frozensets(st.sampled_from(sorted(EVERYBODY))))
def test_everybody_who_took_a_test_and_is_shown_counts(takers: frozenset[int], shown: frozenset[int]) -> None:
    audience = PLUS.of_test(takers, SUMS, shown)
    assert takers & shown <= audience <= shown
    assert bool(audience) is bool(takers & shown)
