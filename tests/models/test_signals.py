"""Each rule of the signals at its bound: what reaches it, what does not, and what may never raise it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import pytest

from dashboard.text.signal_texts import text_of
from dashboard.text.words import band_word
from models.classroom.holidays import read_holidays
from models.classroom.percentages import percentage_materials
from models.classroom.signal_resolutions import ResolutionAction, SignalResolution
from models.classroom.signals import DueDate, Signal, SignalInputs, SignalRule, open_by_pupil, signals, topics
from models.classroom.thresholds import Thresholds
from models.results.progress import PupilProgress
from models.results.scales import ParsedNorm
from models.schema import clock
from models.schema.records import Absence, Status
from tests.dashboard import school
from tests.models.classroom import CLASS, SUMS, WITHOUT, WORDS, Classroom, days


@pytest.fixture(autouse=True)
def thursday() -> Iterator[None]:
    """The clock stands on Thursday 26 November 2026."""
    with clock.fixed(school.NOW):
        yield


def of(signals: list[Signal], rule: SignalRule) -> list[Signal]:
    """The signals of one rule."""
    return [signal for signal in signals if signal.rule is rule]


# -- a sharp drop ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("newest", "drops"), [(65, True), (66, False), (64, True), (80, False), (0, True)])
def test_a_drop_of_just_the_threshold_is_one(newest: int, drops: bool) -> None:
    classroom = Classroom()
    for value, day in zip((80, 80, 80, newest), days(4), strict=True):
        classroom.score(1, value, day)
    signals = of(classroom.signals(), SignalRule.DROP)
    assert bool(signals) is drops
    if drops:
        assert [total.reading.text for total in signals[0].evidence.totals] == ["80", "80", "80", str(newest)]
        assert (signals[0].pupil_id, signals[0].threshold) == (1, 15)


def test_what_is_not_offered_or_has_no_score_is_no_drop_and_not_in_the_mean() -> None:
    classroom = Classroom()
    first, second, third, fourth, fifth = days(5)
    for value, day in ((80, first), (80, second), (80, fourth)):
        classroom.score(1, value, day)
    classroom.score(1, None, third, absence=Absence.NOT_OFFERED)
    classroom.score(1, None, fifth, absence=Absence.NO_SCORE)
    assert of(classroom.signals(), SignalRule.DROP) == []
    classroom.score(1, 60, "2026-11-25")
    assert of(classroom.signals(), SignalRule.DROP)[0].evidence.mean == 800_000


def test_without_a_known_scale_or_enough_past_nothing_is_said_of_a_drop() -> None:
    classroom = Classroom()
    for value, day in zip((80, 80, 80, 10), days(4), strict=True):
        classroom.score(1, value, day, norm=WITHOUT)
    for value, day in zip((80, 80, 10), days(3), strict=True):
        classroom.score(2, value, day)
    other = replace(classroom.totals[2][SUMS][0].norm, maximum=None)
    assert other.span is None
    assert of(classroom.signals(), SignalRule.DROP) == []


def test_a_drop_counts_on_a_scale_known_by_the_points_of_the_test() -> None:
    classroom = Classroom()
    for value, day in zip((35, 31, 33, 19), days(4), strict=True):
        classroom.score(1, value, day, norm=ParsedNorm(maximum=Decimal(40)))
    [signal] = of(classroom.signals(), SignalRule.DROP)
    assert [total.reading.text for total in signal.evidence.totals] == ["35", "31", "33", "19"]


def dictation(classroom: Classroom, pupil: int, right: int, day: str, test: int, score: int | None = None) -> None:
    """A dictation of forty words without a norm: the counts, and the percentage right unless a score is given."""
    percent = round(100 * right / 40)
    classroom.score(pupil, percent if score is None else score, day, WORDS, norm=WITHOUT, test=test)
    classroom.record(pupil, Status.DONE, day, 40, WORDS, test, offered=40, correct=right)


def test_a_drop_counts_for_percentages_without_a_norm() -> None:
    classroom = Classroom()
    for test, (right, day) in enumerate(zip((35, 31, 33, 19), days(4), strict=True), start=1):
        dictation(classroom, 1, right, day, test)
        dictation(classroom, 2, 35, day, test)
    [signal] = of(classroom.signals(), SignalRule.DROP)
    assert signal.pupil_id == 1
    assert [total.reading.text for total in signal.evidence.totals] == ["88", "78", "82", "48"]
    assert "de scores zijn procenten" in text_of(SignalRule.DROP).evidence(classroom.class_data, signal)


def test_a_number_that_is_not_the_share_right_is_no_percentage() -> None:
    classroom = Classroom()
    for test, (right, day) in enumerate(zip((35, 31, 33, 19), days(4), strict=True), start=1):
        dictation(classroom, 1, right, day, test, score=right)  # the number right: nobody says out of how many
        dictation(classroom, 2, right, day, test, score=90 - test)
        classroom.score(3, right, day, WORDS, norm=WITHOUT, test=test)  # no counts
    assert of(classroom.signals(), SignalRule.DROP) == []


def test_zeros_and_a_single_correction_do_not_decide_whether_a_material_is_in_percent() -> None:
    classroom = Classroom()
    for test, day in enumerate(days(4), start=1):
        dictation(classroom, 1, 0, day, test)
    assert percentage_materials(classroom.class_data, [1]) == frozenset()
    for pupil in (2, 3, 4):
        for test, day in enumerate(days(4), start=1):
            dictation(classroom, pupil, 30, day, test, score=40 if (pupil, test) == (2, 1) else None)
    assert percentage_materials(classroom.class_data, [1, 2, 3, 4]) == {WORDS}
    dictation(classroom, 2, 30, days(1)[0], 9, score=40)
    assert percentage_materials(classroom.class_data, [1, 2, 3, 4]) == frozenset()


def test_one_wrong_answer_is_no_signal() -> None:
    classroom = Classroom()
    for value, day in zip((90, 90, 90, 90), days(4), strict=True):
        classroom.score(1, value, day)
    classroom.part(1, 0, days(1)[0], "Breuken vergelijken")
    assert classroom.signals() == []


def test_a_drop_of_last_school_year_is_not_about_now() -> None:
    classroom = Classroom()
    for value, day in zip((80, 80, 80, 20), days(4, "2026-06-20"), strict=True):
        classroom.score(1, value, day)
    assert of(classroom.signals(), SignalRule.DROP) == []


# -- stuck -------------------------------------------------------------------------------------------------------


def test_stuck_is_three_in_a_row_in_the_lowest_band() -> None:
    classroom = Classroom()
    for value, day in zip((59, 58, 59), days(3), strict=True):
        classroom.score(1, value, day)
    for value, day in zip((59, 60, 59), days(3), strict=True):  # 60 is the bound of voldoende, and in it
        classroom.score(2, value, day)
    for value, day in zip((10, 10), days(2), strict=True):
        classroom.score(3, value, day)
    for value, day in zip((10, 10, 10), days(3), strict=True):
        classroom.score(4, value, day, norm=WITHOUT)
    assert [signal.pupil_id for signal in of(classroom.signals(), SignalRule.STUCK)] == [1]


# -- no work -----------------------------------------------------------------------------------------------------


def working_class(**given: object) -> Classroom:
    """Three of four pupils made spelling yesterday; the fourth did long ago."""
    classroom = Classroom(**given)  # type: ignore[arg-type]
    for pupil in (1, 2, 3):
        classroom.score(pupil, 70, "2026-11-25", WORDS)
    return classroom


@pytest.mark.parametrize(
    ("last_on", "idle"),
    # On Thursday morning 26 November ten school days are over since Wednesday 11 November.
    [("2026-11-11", True), ("2026-11-12", False), ("2026-09-01", True)],
)
def test_no_work_counts_school_days_at_the_threshold(last_on: str, idle: bool) -> None:
    classroom = working_class()
    classroom.score(4, 70, last_on, WORDS)
    assert [signal.pupil_id for signal in of(classroom.signals(), SignalRule.IDLE)] == ([4] if idle else [])


def test_holidays_are_no_inactivity() -> None:
    with clock.fixed(school.NOW.replace(month=11, day=3)):
        classroom = Classroom()
        for pupil in (1, 2, 3):
            classroom.score(pupil, 70, "2026-11-02", WORDS)
        classroom.score(4, 70, "2026-10-13", WORDS)  # nine school days, the autumn holiday of midden between
        assert of(classroom.signals(), SignalRule.IDLE) == []
        classroom = Classroom()
        for pupil in (1, 2, 3):
            classroom.score(pupil, 70, "2026-11-02", WORDS)
        classroom.score(4, 70, "2026-10-12", WORDS)
        assert [signal.evidence.days for signal in of(classroom.signals(), SignalRule.IDLE)] == [10]


def test_in_a_combination_class_half_of_the_year_group_that_works_with_a_source_is_enough() -> None:
    classroom = Classroom(pupils=9, years=dict.fromkeys(range(5, 10), "7"))
    for pupil in (1, 2, 3):
        classroom.score(pupil, 70, "2026-11-25", WORDS)
    classroom.score(4, 70, "2026-10-01", WORDS)
    for pupil in range(5, 10):
        classroom.score(pupil, 70, "2026-11-25", SUMS, test=2)
    assert [signal.pupil_id for signal in of(classroom.signals(), SignalRule.IDLE)] == [4]


def test_a_date_holds_for_the_year_group_of_the_test() -> None:
    classroom = Classroom(pupils=9, years=dict.fromkeys(range(5, 10), "7"))
    for pupil in (1, 2, 3):
        classroom.score(pupil, 70, "2026-11-12", WORDS, test=5)
    for pupil in range(1, 10):
        classroom.score(pupil, 70, "2026-11-12", WORDS, test=6)
    due = DueDate(CLASS, 5, "2026-11-13", "Hanna Vos", WORDS, "Week 46")
    assert [signal.pupil_id for signal in of(classroom.signals((due,)), SignalRule.OVERDUE)] == [4]
    nobody = replace(due, test_id=7)
    assert [signal.pupil_id for signal in of(classroom.signals((nobody,)), SignalRule.OVERDUE)] == list(range(1, 10))


def test_where_the_class_does_not_work_with_a_source_nobody_is_idle() -> None:
    classroom = Classroom()
    classroom.score(1, 70, "2026-11-25", WORDS)
    for pupil in (2, 3, 4):
        classroom.score(pupil, 70, "2026-10-01", WORDS)
    assert of(classroom.signals(), SignalRule.IDLE) == []


def test_a_late_source_raises_no_alarm_but_is_held_back() -> None:
    classroom = working_class(late={2})
    classroom.score(4, 70, "2026-09-01", WORDS)
    signals = of(classroom.signals(), SignalRule.IDLE)
    assert [(signal.pupil_id, signal.suppressed, signal.open) for signal in signals] == [(4, True, False)]
    assert open_by_pupil(signals) == {}


def test_opened_is_not_worked_and_not_offered_is_neither() -> None:
    classroom = working_class()
    classroom.score(4, 70, "2026-09-01", WORDS)
    classroom.record(4, Status.BUSY, "2026-11-25", made=0)
    classroom.score(4, None, "2026-11-25", WORDS, absence=Absence.NOT_OFFERED)
    assert [signal.pupil_id for signal in of(classroom.signals(), SignalRule.IDLE)] == [4]
    classroom.record(4, Status.BUSY, "2026-11-25", made=1)
    assert of(classroom.signals(), SignalRule.IDLE) == []


def test_who_came_last_week_is_not_idle_since_august() -> None:
    classroom = working_class(since={4: "2026-11-19"})
    assert of(classroom.signals(), SignalRule.IDLE) == []
    classroom = working_class(since={4: "2026-11-02"})
    assert of(classroom.signals(), SignalRule.IDLE) == []  # nobody said that the material is meant for this pupil
    classroom.record(4, Status.NOT_BEGUN, "2026-11-03", made=0)
    assert [(signal.pupil_id, signal.evidence.last_on) for signal in of(classroom.signals(), SignalRule.IDLE)] == [
        (4, None)
    ]
    classroom = working_class(since={4: "2026-11-19"})
    classroom.record(4, Status.NOT_BEGUN, "2026-11-20", made=0)
    assert of(classroom.signals(), SignalRule.IDLE) == []


# -- overdue -----------------------------------------------------------------------------------------------------


def due(day: str) -> DueDate:
    """A date for test 5."""
    return DueDate(CLASS, 5, day, "Hanna Vos", SUMS, "Toets 5")


def test_a_date_holds_for_a_test_that_nobody_made_yet() -> None:
    signals = of(Classroom().signals((due("2026-11-16"),)), SignalRule.OVERDUE)
    assert [(signal.pupil_id, signal.subject_material, signal.evidence.test) for signal in signals] == [
        (pupil, SUMS, "Toets 5") for pupil in (1, 2, 3, 4)
    ]


@pytest.mark.parametrize(("due_on", "late"), [("2026-11-20", True), ("2026-11-23", False), ("2026-11-26", False)])
def test_overdue_is_for_who_has_not_finished_days_after_the_date(due_on: str, late: bool) -> None:
    classroom = Classroom()
    for pupil in (1, 2, 3):
        classroom.score(pupil, 70, "2026-11-20", test=5)
    signals = of(classroom.signals((due(due_on),)), SignalRule.OVERDUE)
    assert [signal.pupil_id for signal in signals] == ([4] if late else [])


def test_busy_with_parts_or_a_score_of_last_year_is_not_finished() -> None:
    classroom = Classroom()
    for pupil in (1, 2):
        classroom.score(pupil, 70, "2026-11-20", test=5)
    classroom.score(3, 70, "2026-01-20", test=5)
    classroom.score(4, 10, "2026-11-20", test=5)
    derived = replace(classroom.totals[4][SUMS][0].total, derived=True)
    classroom.totals[4][SUMS] = [replace(classroom.totals[4][SUMS][0], total=derived)]
    record = PupilProgress(classroom.row(4, SUMS, "2026-11-20", 5, None, None), SUMS, Status.BUSY, 10, 4, None, None)
    classroom.progress[4] = [record]
    signals = of(classroom.signals((due("2026-11-16"),)), SignalRule.OVERDUE)
    assert [signal.pupil_id for signal in signals] == [3, 4]


def test_with_no_days_of_grace_the_day_after_is_overdue_and_the_day_itself_is_not() -> None:
    classroom = Classroom(thresholds=Thresholds({"overdue_school_days": 0}))
    for pupil in (1, 2, 3):
        classroom.score(pupil, 70, "2026-11-20", test=5)
    for due_on, late in (("2026-11-25", True), ("2026-11-26", False), ("2026-12-10", False)):
        signals = of(classroom.signals((due(due_on),)), SignalRule.OVERDUE)
        assert [signal.pupil_id for signal in signals] == ([4] if late else [])


def test_who_came_after_the_date_is_not_overdue() -> None:
    classroom = Classroom(since={4: "2026-11-24", 3: "2026-09-01"})
    signals = of(classroom.signals((due("2026-11-16"),)), SignalRule.OVERDUE)
    assert [signal.pupil_id for signal in signals] == [1, 2, 3]


def test_nothing_is_overdue_where_no_result_can_come_in() -> None:
    class_data = Classroom().class_data
    stopped = replace(class_data.sources[0], stopped=True)
    gone = replace(class_data.sources[0], active=False)
    for source in (stopped, gone):
        signal_inputs = SignalInputs({CLASS: Thresholds()}, read_holidays(), "midden", {}, (due("2026-11-16"),))
        assert of(signals(replace(class_data, sources=(source,)), signal_inputs), SignalRule.OVERDUE) == []


def test_who_never_worked_is_not_counted_as_working() -> None:
    classroom = Classroom(since={2: "2026-11-20"})
    classroom.score(1, 70, "2026-11-25", WORDS)
    for pupil in (3, 4):
        classroom.score(pupil, 70, "2026-09-01", WORDS)
    assert of(classroom.signals(), SignalRule.IDLE) == []


def test_another_threshold_is_no_new_data() -> None:
    classroom = Classroom()
    for value, day in zip((80, 80, 80, 80, 20), days(5), strict=True):
        classroom.score(1, value, day)
    [drop] = of(classroom.signals(), SignalRule.DROP)
    resolution = SignalResolution(ResolutionAction.SEEN, drop.evidence.key, "Hanna Vos", 1)
    classroom.thresholds = Thresholds({"drop_earlier": 4})
    [wider] = of(classroom.signals(), SignalRule.DROP)
    assert wider.evidence.key != drop.evidence.key
    assert resolution.closes(wider.evidence.key)
    assert not SignalResolution(ResolutionAction.SEEN, "2026-11-18", "Hanna Vos", 1).closes(
        "2026-11-12"
    )  # another date was agreed
    classroom.score(1, 10, "2026-11-26")
    [newer] = of(classroom.signals(), SignalRule.DROP)
    assert not resolution.closes(newer.evidence.key)


def test_nothing_is_overdue_while_no_teacher_set_a_date() -> None:
    classroom = Classroom()
    classroom.score(1, 70, "2026-09-01", test=5)
    assert of(classroom.signals(), SignalRule.OVERDUE) == []


def test_overdue_is_held_back_while_its_source_is_late() -> None:
    classroom = Classroom(late={1})
    classroom.score(1, 70, "2026-11-20", test=5)
    signals = of(classroom.signals((due("2026-11-16"),)), SignalRule.OVERDUE)
    assert {signal.pupil_id for signal in signals} == {2, 3, 4}
    assert not any(signal.open for signal in signals)


# -- hard for many -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("below", "made", "hard"), [(2, 5, True), (1, 5, False), (4, 10, True), (3, 10, False), (4, 4, False)]
)
def test_hard_is_a_share_of_who_made_it_and_enough_of_them(below: int, made: int, hard: bool) -> None:
    classroom = Classroom(pupils=12)
    for pupil in range(1, made + 1):
        classroom.part(pupil, 5 if pupil <= below else 6, "2026-11-20", "Breuken vergelijken")
    signals = of(classroom.signals(), SignalRule.HARD)
    assert bool(signals) is hard
    [topic] = topics(classroom.class_data)
    assert (topic.below, topic.made, topic.pupils) == (below, made, tuple(range(1, below + 1)))


def test_a_topic_without_norm_is_never_hard() -> None:
    classroom = Classroom(pupils=12)
    for pupil in range(1, 11):
        classroom.part(pupil, 0, "2026-11-20", "Zonder norm", norm=WITHOUT)
    assert topics(classroom.class_data) == []


def test_of_a_topic_in_several_tests_the_newest_counts() -> None:
    classroom = Classroom(pupils=12)
    for pupil in range(1, 7):
        classroom.part(pupil, 0, "2026-10-01", "Breuken vergelijken", test=1)
        classroom.part(pupil, 9, "2026-11-20", "Breuken vergelijken", test=2)
    [topic] = topics(classroom.class_data)
    assert (topic.test_id, topic.below, topic.made) == (2, 0, 6)


# -- settled -----------------------------------------------------------------------------------------------------


def settled(signal: Signal, by: SignalResolution | None = None) -> Signal:
    """The same signal, settled on what is behind it now or then."""
    return replace(
        signal, resolution=by or SignalResolution(ResolutionAction.SEEN, signal.evidence.key, "Hanna Vos", 1)
    )


def test_a_correction_of_what_is_behind_a_signal_opens_it_again() -> None:
    classroom = Classroom()
    for value, day in zip((80, 80, 80, 40), days(4), strict=True):
        classroom.score(1, value, day)
    [signal] = of(classroom.signals(), SignalRule.DROP)
    resolution = settled(signal).resolution
    classroom.totals[1][SUMS].pop(0)
    classroom.score(1, 95, days(4)[0])
    [later] = of(classroom.signals(), SignalRule.DROP)
    assert settled(later, resolution).open


def test_a_topic_that_was_settled_stays_so_when_a_pupil_leaves_and_opens_when_one_makes_it() -> None:
    classroom = Classroom(pupils=12)
    for pupil in range(1, 8):
        classroom.part(pupil, 0 if pupil < 6 else 9, "2026-11-20", "Breuken vergelijken")
    [signal] = of(classroom.signals(), SignalRule.HARD)
    resolution = settled(signal).resolution
    assert not settled(signal).open
    gone = classroom.parts.pop(6)
    [fewer] = of(classroom.signals(), SignalRule.HARD)
    assert not settled(fewer, resolution).open
    classroom.parts.append(gone)
    classroom.part(8, 0, "2026-11-20", "Breuken vergelijken")
    [more] = of(classroom.signals(), SignalRule.HARD)
    assert settled(more, resolution).open


def test_two_sources_with_one_material_name_are_not_one_past() -> None:
    classroom = Classroom()
    for value, day in zip((90, 90, 90, 10), days(4), strict=True):
        classroom.score(1, value, day)
    assert [signal.subject_material for signal in of(classroom.signals(), SignalRule.DROP)] == [SUMS]
    elsewhere = SUMS._replace(source_id=2)
    [*first, last] = classroom.totals[1][SUMS]
    classroom.totals[1] = {SUMS: first, elsewhere: [replace(last, subject_material=elsewhere)]}
    assert of(classroom.signals(), SignalRule.DROP) == []


def test_no_work_names_the_material_of_the_pupil() -> None:
    classroom = working_class()
    classroom.score(4, 70, "2026-09-01", WORDS)
    seventh = WORDS._replace(material="Letterlab 7")
    classroom.totals[4] = {seventh: [replace(classroom.totals[4][WORDS][0], subject_material=seventh)]}
    assert [signal.subject_material for signal in of(classroom.signals(), SignalRule.IDLE)] == [seventh]


def test_a_settled_signal_comes_back_on_new_data_only() -> None:
    classroom = Classroom()
    for value, day in zip((80, 80, 80, 40), days(4), strict=True):
        classroom.score(1, value, day)
    [signal] = of(classroom.signals(), SignalRule.DROP)
    closed = replace(
        signal, resolution=SignalResolution(ResolutionAction.DISCUSSED, signal.evidence.key, "Hanna Vos", 1)
    )
    assert (signal.open, closed.open) == (True, False)
    assert replace(
        signal, resolution=SignalResolution(ResolutionAction.REOPENED, signal.evidence.key, "Hanna Vos", 2)
    ).open
    classroom.score(1, 40, "2026-11-25")
    classroom.thresholds = Thresholds({"drop_earlier": 2})
    [later] = of(classroom.signals(), SignalRule.DROP)
    assert replace(later, resolution=closed.resolution).open


# -- levels in place of scores -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "levels", "is_stuck"),
    [
        ("AE", "EDE", True),
        ("AE", "ECE", False),
        ("IV", ["V", "IV", "V"], True),
        ("CAE", "EEE", False),  # nobody says what is lowest
        ("Percentiel", ["1", "2", "1"], False),
    ],
)
def test_levels_without_a_number_keep_a_pupil_below_the_norm(code: str, levels: list[str], is_stuck: bool) -> None:
    classroom = Classroom()
    for level, day in zip(levels, days(3), strict=True):
        classroom.level(1, code, level, day)
    signals = of(classroom.signals(), SignalRule.STUCK)
    assert bool(signals) is is_stuck
    if is_stuck:
        assert signals[0].evidence.key.split(",")[-1].endswith(f" {levels[-1]}")
        assert band_word(levels[0]) in text_of(SignalRule.STUCK).headline(signals[0])


def test_levels_are_no_numbers_and_stand_in_no_drop() -> None:
    classroom = Classroom()
    for value, day in zip((80, 80, 80), days(3), strict=True):
        classroom.score(1, value, day)
    classroom.level(1, "AE", "E", "2026-11-25")
    classroom.level(2, "AE", "E", "2026-11-25")
    assert of(classroom.signals(), SignalRule.DROP) == []
