"""Each rule of the signals at its bound: what reaches it, what does not, and what may never raise it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from models.classroom.holidays import read_holidays
from models.classroom.signal_resolutions import ResolutionAction, SignalResolution
from models.classroom.signals import DueDate, Signal, SignalInputs, SignalRule, open_by_pupil, signals, topics
from models.classroom.thresholds import defaults
from models.results.progress import PupilProgress
from models.schema import clock
from models.schema.records import Absence, Status
from tests.dashboard import school
from tests.models.classroom import CLASS, SUMS, WITHOUT, WORDS, Classroom, days


@pytest.fixture(autouse=True)
def thursday() -> Iterator[None]:
    """The clock stands on Thursday 26 November 2026."""
    with clock.fixed(school.NOW):
        yield


def of(found: list[Signal], rule: SignalRule) -> list[Signal]:
    """The signals of one rule."""
    return [one for one in found if one.rule is rule]


# -- a sharp drop ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("newest", "drops"), [(65, True), (66, False), (64, True), (80, False), (0, True)])
def test_a_drop_of_just_the_threshold_is_one(newest: int, drops: bool) -> None:
    room = Classroom()
    for value, day in zip((80, 80, 80, newest), days(4), strict=True):
        room.score(1, value, day)
    found = of(room.signals(), SignalRule.DROP)
    assert bool(found) is drops
    if drops:
        assert [one.reading.text for one in found[0].evidence.totals] == ["80", "80", "80", str(newest)]
        assert (found[0].pupil_id, found[0].threshold) == (1, 15)


def test_what_is_not_offered_or_has_no_score_is_no_drop_and_not_in_the_mean() -> None:
    room = Classroom()
    first, second, third, fourth, fifth = days(5)
    for value, day in ((80, first), (80, second), (80, fourth)):
        room.score(1, value, day)
    room.score(1, None, third, absence=Absence.NOT_OFFERED)
    room.score(1, None, fifth, absence=Absence.NO_SCORE)
    assert of(room.signals(), SignalRule.DROP) == []
    room.score(1, 60, "2026-11-25")
    assert of(room.signals(), SignalRule.DROP)[0].evidence.mean == 800_000


def test_without_a_known_scale_or_enough_past_nothing_is_said_of_a_drop() -> None:
    room = Classroom()
    for value, day in zip((80, 80, 80, 10), days(4), strict=True):
        room.score(1, value, day, norm=WITHOUT)
    for value, day in zip((80, 80, 10), days(3), strict=True):
        room.score(2, value, day)
    other = replace(room.totals[2][SUMS][0].norm, maximum=None)
    assert other.span is None
    assert of(room.signals(), SignalRule.DROP) == []


def test_one_wrong_answer_is_no_signal() -> None:
    room = Classroom()
    for value, day in zip((90, 90, 90, 90), days(4), strict=True):
        room.score(1, value, day)
    room.part(1, 0, days(1)[0], "Breuken vergelijken")
    assert room.signals() == []


def test_a_drop_of_last_school_year_is_not_about_now() -> None:
    room = Classroom()
    for value, day in zip((80, 80, 80, 20), days(4, "2026-06-20"), strict=True):
        room.score(1, value, day)
    assert of(room.signals(), SignalRule.DROP) == []


# -- stuck -------------------------------------------------------------------------------------------------------


def test_stuck_is_three_in_a_row_in_the_lowest_band() -> None:
    room = Classroom()
    for value, day in zip((59, 58, 59), days(3), strict=True):
        room.score(1, value, day)
    for value, day in zip((59, 60, 59), days(3), strict=True):  # 60 is the bound of voldoende, and in it
        room.score(2, value, day)
    for value, day in zip((10, 10), days(2), strict=True):
        room.score(3, value, day)
    for value, day in zip((10, 10, 10), days(3), strict=True):
        room.score(4, value, day, norm=WITHOUT)
    assert [one.pupil_id for one in of(room.signals(), SignalRule.STUCK)] == [1]


# -- no work -----------------------------------------------------------------------------------------------------


def working_class(**given: object) -> Classroom:
    """Three of four pupils made spelling yesterday; the fourth did long ago."""
    room = Classroom(**given)  # type: ignore[arg-type]
    for pupil in (1, 2, 3):
        room.score(pupil, 70, "2026-11-25", WORDS)
    return room


@pytest.mark.parametrize(
    ("last_on", "idle"),
    # On Thursday morning 26 November ten school days are over since Wednesday 11 November.
    [("2026-11-11", True), ("2026-11-12", False), ("2026-09-01", True)],
)
def test_no_work_counts_school_days_at_the_threshold(last_on: str, idle: bool) -> None:
    room = working_class()
    room.score(4, 70, last_on, WORDS)
    assert [one.pupil_id for one in of(room.signals(), SignalRule.IDLE)] == ([4] if idle else [])


def test_holidays_are_no_inactivity() -> None:
    with clock.fixed(school.NOW.replace(month=11, day=3)):
        room = Classroom()
        for pupil in (1, 2, 3):
            room.score(pupil, 70, "2026-11-02", WORDS)
        room.score(4, 70, "2026-10-13", WORDS)  # nine school days, the autumn holiday of midden between
        assert of(room.signals(), SignalRule.IDLE) == []
        room = Classroom()
        for pupil in (1, 2, 3):
            room.score(pupil, 70, "2026-11-02", WORDS)
        room.score(4, 70, "2026-10-12", WORDS)
        assert [one.evidence.days for one in of(room.signals(), SignalRule.IDLE)] == [10]


def test_where_the_class_does_not_work_with_a_source_nobody_is_idle() -> None:
    room = Classroom()
    room.score(1, 70, "2026-11-25", WORDS)
    for pupil in (2, 3, 4):
        room.score(pupil, 70, "2026-10-01", WORDS)
    assert of(room.signals(), SignalRule.IDLE) == []


def test_a_late_source_raises_no_alarm_but_is_held_back() -> None:
    room = working_class(late={2})
    room.score(4, 70, "2026-09-01", WORDS)
    found = of(room.signals(), SignalRule.IDLE)
    assert [(one.pupil_id, one.suppressed, one.open) for one in found] == [(4, True, False)]
    assert open_by_pupil(found) == {}


def test_opened_is_not_worked_and_not_offered_is_neither() -> None:
    room = working_class()
    room.score(4, 70, "2026-09-01", WORDS)
    room.record(4, Status.BUSY, "2026-11-25", made=0)
    room.score(4, None, "2026-11-25", WORDS, absence=Absence.NOT_OFFERED)
    assert [one.pupil_id for one in of(room.signals(), SignalRule.IDLE)] == [4]
    room.record(4, Status.BUSY, "2026-11-25", made=1)
    assert of(room.signals(), SignalRule.IDLE) == []


def test_who_came_last_week_is_not_idle_since_august() -> None:
    room = working_class(since={4: "2026-11-19"})
    assert of(room.signals(), SignalRule.IDLE) == []
    room = working_class(since={4: "2026-11-02"})
    assert of(room.signals(), SignalRule.IDLE) == []  # nobody said that the material is meant for this pupil
    room.record(4, Status.NOT_BEGUN, "2026-11-03", made=0)
    assert [(one.pupil_id, one.evidence.last_on) for one in of(room.signals(), SignalRule.IDLE)] == [(4, None)]
    room = working_class(since={4: "2026-11-19"})
    room.record(4, Status.NOT_BEGUN, "2026-11-20", made=0)
    assert of(room.signals(), SignalRule.IDLE) == []


# -- overdue -----------------------------------------------------------------------------------------------------


def due(day: str) -> DueDate:
    """A date for test 5."""
    return DueDate(CLASS, 5, day, "Hanna Vos", SUMS, "Toets 5")


def test_a_date_holds_for_a_test_that_nobody_made_yet() -> None:
    found = of(Classroom().signals((due("2026-11-16"),)), SignalRule.OVERDUE)
    assert [(one.pupil_id, one.subject_material, one.evidence.test) for one in found] == [
        (pupil, SUMS, "Toets 5") for pupil in (1, 2, 3, 4)
    ]


@pytest.mark.parametrize(("due_on", "late"), [("2026-11-20", True), ("2026-11-23", False), ("2026-11-26", False)])
def test_overdue_is_for_who_has_not_finished_days_after_the_date(due_on: str, late: bool) -> None:
    room = Classroom()
    for pupil in (1, 2, 3):
        room.score(pupil, 70, "2026-11-20", test=5)
    found = of(room.signals((due(due_on),)), SignalRule.OVERDUE)
    assert [one.pupil_id for one in found] == ([4] if late else [])


def test_busy_with_parts_or_a_score_of_last_year_is_not_finished() -> None:
    room = Classroom()
    for pupil in (1, 2):
        room.score(pupil, 70, "2026-11-20", test=5)
    room.score(3, 70, "2026-01-20", test=5)
    room.score(4, 10, "2026-11-20", test=5)
    derived = replace(room.totals[4][SUMS][0].total, derived=True)
    room.totals[4][SUMS] = [replace(room.totals[4][SUMS][0], total=derived)]
    record = PupilProgress(room.row(4, SUMS, "2026-11-20", 5, None, None), SUMS, Status.BUSY, 10, 4, None, None)
    room.progress[4] = [record]
    found = of(room.signals((due("2026-11-16"),)), SignalRule.OVERDUE)
    assert [one.pupil_id for one in found] == [3, 4]


def test_with_no_days_of_grace_the_day_after_is_overdue_and_the_day_itself_is_not() -> None:
    room = Classroom(thresholds=replace(defaults(), overdue_school_days=0))
    for pupil in (1, 2, 3):
        room.score(pupil, 70, "2026-11-20", test=5)
    for due_on, late in (("2026-11-25", True), ("2026-11-26", False), ("2026-12-10", False)):
        found = of(room.signals((due(due_on),)), SignalRule.OVERDUE)
        assert [one.pupil_id for one in found] == ([4] if late else [])


def test_who_came_after_the_date_is_not_overdue() -> None:
    room = Classroom(since={4: "2026-11-24", 3: "2026-09-01"})
    found = of(room.signals((due("2026-11-16"),)), SignalRule.OVERDUE)
    assert [one.pupil_id for one in found] == [1, 2, 3]


def test_nothing_is_overdue_where_no_result_can_come_in() -> None:
    seen = Classroom().class_data
    stopped = replace(seen.sources[0], stopped=True)
    gone = replace(seen.sources[0], active=False)
    for one in (stopped, gone):
        asked = SignalInputs({CLASS: defaults()}, read_holidays(), "midden", {}, (due("2026-11-16"),))
        assert of(signals(replace(seen, sources=(one,)), asked), SignalRule.OVERDUE) == []


def test_who_never_worked_is_not_counted_as_working() -> None:
    room = Classroom(since={2: "2026-11-20"})
    room.score(1, 70, "2026-11-25", WORDS)
    for pupil in (3, 4):
        room.score(pupil, 70, "2026-09-01", WORDS)
    assert of(room.signals(), SignalRule.IDLE) == []


def test_another_threshold_is_no_new_data() -> None:
    room = Classroom()
    for value, day in zip((80, 80, 80, 80, 20), days(5), strict=True):
        room.score(1, value, day)
    [drop] = of(room.signals(), SignalRule.DROP)
    mark = SignalResolution(ResolutionAction.SEEN, drop.evidence.key, "Hanna Vos", 1)
    room.thresholds = replace(defaults(), drop_earlier=4)
    [wider] = of(room.signals(), SignalRule.DROP)
    assert wider.evidence.key != drop.evidence.key
    assert mark.closes(wider.evidence.key)
    assert not SignalResolution(ResolutionAction.SEEN, "2026-11-18", "Hanna Vos", 1).closes(
        "2026-11-12"
    )  # another date was agreed
    room.score(1, 10, "2026-11-26")
    [newer] = of(room.signals(), SignalRule.DROP)
    assert not mark.closes(newer.evidence.key)


def test_nothing_is_overdue_while_no_teacher_set_a_date() -> None:
    room = Classroom()
    room.score(1, 70, "2026-09-01", test=5)
    assert of(room.signals(), SignalRule.OVERDUE) == []


def test_overdue_is_held_back_while_its_source_is_late() -> None:
    room = Classroom(late={1})
    room.score(1, 70, "2026-11-20", test=5)
    found = of(room.signals((due("2026-11-16"),)), SignalRule.OVERDUE)
    assert {one.pupil_id for one in found} == {2, 3, 4}
    assert not any(one.open for one in found)


# -- hard for many -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("below", "made", "hard"), [(2, 5, True), (1, 5, False), (4, 10, True), (3, 10, False), (4, 4, False)]
)
def test_hard_is_a_share_of_who_made_it_and_enough_of_them(below: int, made: int, hard: bool) -> None:
    room = Classroom(pupils=12)
    for pupil in range(1, made + 1):
        room.part(pupil, 5 if pupil <= below else 6, "2026-11-20", "Breuken vergelijken")
    found = of(room.signals(), SignalRule.HARD)
    assert bool(found) is hard
    [topic] = topics(room.class_data)
    assert (topic.below, topic.made, topic.pupils) == (below, made, tuple(range(1, below + 1)))


def test_a_topic_without_norm_is_never_hard() -> None:
    room = Classroom(pupils=12)
    for pupil in range(1, 11):
        room.part(pupil, 0, "2026-11-20", "Zonder norm", norm=WITHOUT)
    assert topics(room.class_data) == []


def test_of_a_topic_in_several_tests_the_newest_counts() -> None:
    room = Classroom(pupils=12)
    for pupil in range(1, 7):
        room.part(pupil, 0, "2026-10-01", "Breuken vergelijken", test=1)
        room.part(pupil, 9, "2026-11-20", "Breuken vergelijken", test=2)
    [topic] = topics(room.class_data)
    assert (topic.test_id, topic.below, topic.made) == (2, 0, 6)


# -- settled -----------------------------------------------------------------------------------------------------


def settled(one: Signal, by: SignalResolution | None = None) -> Signal:
    """The same signal, settled on what is behind it now or then."""
    return replace(one, resolution=by or SignalResolution(ResolutionAction.SEEN, one.evidence.key, "Hanna Vos", 1))


def test_a_correction_of_what_is_behind_a_signal_opens_it_again() -> None:
    room = Classroom()
    for value, day in zip((80, 80, 80, 40), days(4), strict=True):
        room.score(1, value, day)
    [one] = of(room.signals(), SignalRule.DROP)
    mark = settled(one).resolution
    room.totals[1][SUMS].pop(0)
    room.score(1, 95, days(4)[0])
    [later] = of(room.signals(), SignalRule.DROP)
    assert settled(later, mark).open


def test_a_topic_that_was_settled_stays_so_when_a_pupil_leaves_and_opens_when_one_makes_it() -> None:
    room = Classroom(pupils=12)
    for pupil in range(1, 8):
        room.part(pupil, 0 if pupil < 6 else 9, "2026-11-20", "Breuken vergelijken")
    [one] = of(room.signals(), SignalRule.HARD)
    mark = settled(one).resolution
    assert not settled(one).open
    gone = room.parts.pop(6)
    [fewer] = of(room.signals(), SignalRule.HARD)
    assert not settled(fewer, mark).open
    room.parts.append(gone)
    room.part(8, 0, "2026-11-20", "Breuken vergelijken")
    [more] = of(room.signals(), SignalRule.HARD)
    assert settled(more, mark).open


def test_two_sources_with_one_material_name_are_not_one_past() -> None:
    room = Classroom()
    for value, day in zip((90, 90, 90, 10), days(4), strict=True):
        room.score(1, value, day)
    assert [one.subject_material for one in of(room.signals(), SignalRule.DROP)] == [SUMS]
    elsewhere = SUMS._replace(source_id=2)
    [*first, last] = room.totals[1][SUMS]
    room.totals[1] = {SUMS: first, elsewhere: [replace(last, subject_material=elsewhere)]}
    assert of(room.signals(), SignalRule.DROP) == []


def test_no_work_names_the_material_of_the_pupil() -> None:
    room = working_class()
    room.score(4, 70, "2026-09-01", WORDS)
    seventh = WORDS._replace(material="Letterlab 7")
    room.totals[4] = {seventh: [replace(room.totals[4][WORDS][0], subject_material=seventh)]}
    assert [one.subject_material for one in of(room.signals(), SignalRule.IDLE)] == [seventh]


def test_a_settled_signal_comes_back_on_new_data_only() -> None:
    room = Classroom()
    for value, day in zip((80, 80, 80, 40), days(4), strict=True):
        room.score(1, value, day)
    [one] = of(room.signals(), SignalRule.DROP)
    closed = replace(one, resolution=SignalResolution(ResolutionAction.DISCUSSED, one.evidence.key, "Hanna Vos", 1))
    assert (one.open, closed.open) == (True, False)
    assert replace(one, resolution=SignalResolution(ResolutionAction.REOPENED, one.evidence.key, "Hanna Vos", 2)).open
    room.score(1, 40, "2026-11-25")
    room.thresholds = replace(room.thresholds, drop_earlier=2)
    [later] = of(room.signals(), SignalRule.DROP)
    assert replace(later, resolution=closed.resolution).open
