"""A sitting is one test taken once, over the days of its parts: how many there are, what they add up to, and where."""

from __future__ import annotations

from itertools import permutations

import pytest

from models.access.viewer import Role, Viewer
from models.classroom.class_data import growth_points
from models.classroom.class_overview import Cell
from models.classroom.timeline import PupilTimeline, provenance, pupil_timeline
from models.results.periods import Period, of_school_year
from models.results.result_rows import MadeTest
from models.results.sittings import made_outside_of, sittings_of_days
from models.schema import database
from tests.conftest import Store
from tests.dashboard import school
from tests.dashboard.test_future_dates import add, read

LARS = 12
BLOCK_3, OTHER_TEST = 2, 1
PART_A, PART_B, PART_C = 4, 5, 6  # of block 3
HANNA = Viewer(school.SCHOOL, Role.TEACHER, school.TEACHER_A, "Hanna Vos")
YEAR = of_school_year(school.YEAR)


def timeline(store: Store, period: Period = YEAR) -> PupilTimeline:
    """What the page of Lars shows."""
    with database.read_transaction(store.engine) as connection:
        shown = pupil_timeline(connection, HANNA, LARS, period)
    assert shown is not None
    return shown


def sittings(store: Store, period: Period = YEAR) -> list[tuple[str, str | None, bool, list[str]]]:
    """The sittings of Lars in the sums: day, total, whether it is a sum, and the days of the parts."""
    return [
        (sitting.taken_on, sitting.reading.text, sitting.total.derived, [part.taken_on for part in sitting.parts])
        for series in timeline(store, period).series
        if series.subject_material == school.SUMS_FIELD
        for sitting in series.sittings
    ]


def cell(store: Store, search: dict[str, object] | None = None) -> Cell | None:
    """The cell of Lars in the sums on the class page."""
    return read(store, search).overview.cells.get(LARS, {}).get(school.SUMS_FIELD)


def test_parts_of_other_days_belong_to_the_total_that_was_sent(known_school: Store) -> None:
    add(known_school, LARS, "2026-11-16", 9, part=PART_A)
    add(known_school, LARS, "2026-11-17", 2, part=PART_B)
    add(known_school, LARS, "2026-11-19", 4, part=PART_C)
    add(known_school, LARS, "2026-11-17", 11)
    days = ["2026-11-16", "2026-11-17", "2026-11-19"]
    assert sittings(known_school) == [("2026-11-17", "11", False, days)]
    shown = cell(known_school)
    assert shown is not None
    assert (shown.reading.text, shown.others) == ("11", 0)
    series = next(item for item in timeline(known_school).series if item.subject_material == school.SUMS_FIELD)
    assert len(growth_points(series.sittings)) == 1
    with database.read_transaction(known_school.engine) as connection:
        source = provenance(connection, HANNA, LARS, BLOCK_3, "2026-11-16", PART_A)
    assert source is not None
    assert source.part is not None
    assert (source.part.reading.text, source.sitting.taken_on) == ("9", "2026-11-17")


def test_parts_without_a_total_add_up_over_their_days(known_school: Store) -> None:
    add(known_school, LARS, "2026-11-16", 9, part=PART_A)
    add(known_school, LARS, "2026-11-17", 2, part=PART_B)
    assert sittings(known_school) == [("2026-11-17", "11", True, ["2026-11-16", "2026-11-17"])]
    shown = cell(known_school)
    assert shown is not None
    assert (shown.reading.text, shown.total.parts, shown.others) == ("11", 2, 0)


def test_a_test_that_is_made_again_is_another_sitting(known_school: Store) -> None:
    add(known_school, LARS, "2026-09-14", 9, part=PART_A)
    add(known_school, LARS, "2026-09-15", 2, part=PART_B)
    add(known_school, LARS, "2026-11-16", 5, part=PART_A)
    add(known_school, LARS, "2026-11-17", 5, part=PART_B)
    again = [("2026-09-15", "11", True), ("2026-11-17", "10", True)]
    assert [sitting[:3] for sitting in sittings(known_school)] == again
    add(known_school, LARS, "2026-09-15", 11)
    add(known_school, LARS, "2026-11-18", 12)
    assert sittings(known_school) == [
        ("2026-09-15", "11", False, ["2026-09-14", "2026-09-15"]),
        ("2026-11-18", "12", False, ["2026-11-16", "2026-11-17"]),
    ]


def test_a_sitting_stands_whole_on_its_day_whatever_the_period_cuts(known_school: Store) -> None:
    add(known_school, LARS, "2026-11-16", 9, part=PART_A)
    add(known_school, LARS, "2026-11-17", 2, part=PART_B)
    second_day, first_day = (Period(day, day) for day in ("2026-11-17", "2026-11-16"))
    assert sittings(known_school, second_day) == [("2026-11-17", "11", True, ["2026-11-16", "2026-11-17"])]
    assert sittings(known_school, first_day) == []
    everything = timeline(known_school).hidden
    assert (timeline(known_school, second_day).hidden, timeline(known_school, first_day).hidden) == (
        everything,
        everything + 1,
    )
    hidden = [
        read(known_school, {"klas": "1", "periode": f"{day}_{day}"}).overview.hidden_of.get(LARS, 0)
        for day in ("2026-11-16", "2026-11-17")
    ]
    assert hidden[0] == hidden[1] + 1


# -- the rule by itself ------------------------------------------------------------------------------------------


def made(day: str, *parts: int) -> list[MadeTest]:
    """Parts of one test that a pupil made on a day; 0 is a total."""
    return [MadeTest(LARS, BLOCK_3, day, BLOCK_3, part) for part in parts]


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ([("2026-11-16", 1), ("2026-11-17", 0, 2)], {"2026-11-16": "2026-11-17"}),
        ([("2026-11-16", 0, 1), ("2026-11-17", 2)], {"2026-11-17": "2026-11-16"}),
        ([("2026-11-01", 0), ("2026-11-08", 1), ("2026-11-15", 0)], {"2026-11-08": "2026-11-15"}),  # as far from both
        ([("2026-11-01", 0), ("2026-11-07", 1), ("2026-11-15", 0)], {"2026-11-07": "2026-11-01"}),
        ([("2026-11-16", 1), ("2026-11-17", 2), ("2026-11-18", 2, 3)], {"2026-11-16": "2026-11-17"}),
        ([("2026-07-31", 1), ("2026-08-01", 2)], {}),  # another school year is another sitting
        ([("2026-07-31", 0), ("2026-08-01", 2)], {}),
    ],
)
def test_each_day_has_one_sitting_in_any_order(
    days: list[tuple[str, *tuple[int, ...]]], expected: dict[str, str]
) -> None:
    results = [item for day, *parts in days for item in made(day, *parts)]
    by_day = {(LARS, BLOCK_3, day): (LARS, BLOCK_3, expected.get(day, day)) for day, *_ in days}
    for order in permutations(results):
        assert sittings_of_days(order) == by_day


def test_what_was_not_offered_draws_no_parts_and_begins_no_sitting() -> None:
    not_offered = [item._replace(absence=1) for item in made("2026-11-10", 0)]  # type: ignore[arg-type]
    assert sittings_of_days([*not_offered, *made("2026-11-16", 1)])[LARS, BLOCK_3, "2026-11-16"][2] == "2026-11-16"
    skipped = [item._replace(absence=1) for item in made("2026-11-17", 1)]  # type: ignore[arg-type]
    days = sittings_of_days([*made("2026-11-16", 1), *skipped, *made("2026-11-18", 2)])
    assert {sitting[2] for sitting in days.values()} == {"2026-11-18"}


def test_other_tests_and_pupils_have_sittings_of_their_own() -> None:
    other = [MadeTest(LARS, OTHER_TEST, "2026-11-16", OTHER_TEST, 1), MadeTest(1, BLOCK_3, "2026-11-16", BLOCK_3, 1)]
    days = sittings_of_days([*other, *made("2026-11-17", 0)])
    assert {day: sitting[2] for day, sitting in days.items()} == {day: day[2] for day in days}


def test_a_period_hides_sittings_and_not_their_days() -> None:
    results = [*made("2026-11-16", 1), *made("2026-11-17", 0, 2)]
    assert made_outside_of(Period("2026-11-17", "2026-11-17"), [], [], results) == []
    assert {item.taken_on for item in made_outside_of(Period("2026-11-16", "2026-11-16"), [], [], results)} == {
        "2026-11-17"
    }
    by_part = made_outside_of(Period("2026-11-17", "2026-11-17"), [], [], results, of_parts=True)
    assert [(item.taken_on, item.part_id) for item in by_part] == [("2026-11-16", 1)]
