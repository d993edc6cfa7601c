"""What teachers set and write: thresholds, marks, goals, dates, notes; who may, and what others see of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import func, select

from models.access.viewer import Role, Viewer
from models.classroom.class_state import class_state
from models.classroom.class_thresholds import THRESHOLDS, ThresholdRefused, changes, set_thresholds, thresholds_of
from models.classroom.goals import GoalRefused, due_dates_of, goals_of, set_due_date, set_goal
from models.classroom.holidays import read_holidays
from models.classroom.notes import (
    NoteKind,
    NoteRefused,
    Readers,
    all_notes_of,
    close_agreement,
    correct_note,
    notes_of,
    withdraw_note,
    write_note,
)
from models.classroom.signal_resolutions import (
    ResolutionAction,
    ResolutionRefused,
    SignalTarget,
    newest_resolutions,
    resolve_signal,
)
from models.classroom.signals import drop
from models.classroom.thresholds import Thresholds
from models.schema import clock, database
from models.schema.tables import class_thresholds, goals, notes, signal_marks
from tests.conftest import Store
from tests.dashboard import school

HANNA = Viewer(school.SCHOOL, Role.TEACHER, school.TEACHER_A, "Hanna Vos")
JORIS = Viewer(school.SCHOOL, Role.TEACHER, school.TEACHER_B, "Joris Blom")
SUPPORT = Viewer(school.SCHOOL, Role.SUPPORT, None, "Els Prins")
ADMINISTRATOR = Viewer(school.SCHOOL, Role.ADMINISTRATOR, None, "Sam de Groot")
ELSEWHERE = Viewer(school.OTHER_SCHOOL, Role.SUPPORT, None, "Iemand Anders")
SUMS = school.SUMS_FIELD


@pytest.fixture
def store(any_store: Store) -> Iterator[Store]:
    """The known school, on both databases."""
    with clock.fixed(school.NOW):
        school.build(any_store.engine, any_store.cipher)
        yield any_store


# -- thresholds --------------------------------------------------------------------------------------------------


def test_two_teachers_of_a_class_have_one_set_of_thresholds(store: Store) -> None:
    second = Viewer(school.SCHOOL, Role.SUPPORT, None, "Els Prins")
    with database.write_transaction(store.engine, school.SCHOOL) as connection:
        set_thresholds(connection, HANNA, school.CLASS_A, {"drop_percent": 20, "idle_school_days": 10})
    with database.read_transaction(store.engine) as connection:
        for viewer in (HANNA, second):
            assert thresholds_of(connection, viewer, [school.CLASS_A])[school.CLASS_A][drop.PERCENT] == 20
            told = [
                (change.name, change.value, change.set_by) for change in changes(connection, viewer, school.CLASS_A)
            ]
            assert told == [("drop_percent", 20, "Hanna Vos")]  # what stands at its default is not set
        assert thresholds_of(connection, JORIS, [school.CLASS_B])[school.CLASS_B] == Thresholds()


@pytest.mark.parametrize(
    ("viewer", "wanted"),
    [
        (HANNA, {"drop_percent": 20, "stuck_times": 99}),
        (HANNA, {"drop_percent": 20, "no_such": 1}),
        (JORIS, {"drop_percent": 20}),
        (ADMINISTRATOR, {"drop_percent": 20}),
        (ELSEWHERE, {"drop_percent": 20}),
    ],
)
def test_a_refused_threshold_changes_nothing(store: Store, viewer: Viewer, wanted: dict[str, int]) -> None:
    with pytest.raises(ThresholdRefused), database.write_transaction(store.engine, school.SCHOOL) as connection:
        set_thresholds(connection, viewer, school.CLASS_A, wanted)
    with database.read_transaction(store.engine) as connection:
        assert connection.scalar(select(func.count()).select_from(class_thresholds)) == 0


def test_a_threshold_goes_back_to_its_default(store: Store) -> None:
    for value in (20, drop.PERCENT.default):
        with database.write_transaction(store.engine, school.SCHOOL) as connection:
            set_thresholds(connection, HANNA, school.CLASS_A, {"drop_percent": value})
    with database.read_transaction(store.engine) as connection:
        assert changes(connection, HANNA, school.CLASS_A) == []


def test_every_default_lies_within_its_bounds() -> None:
    assert all(threshold.allows(threshold.default) for threshold in THRESHOLDS.values())


# -- settling ----------------------------------------------------------------------------------------------------

STUCK = SignalTarget("stuck", 12, None, SUMS.key)


def test_a_mark_says_by_whom_and_when_and_the_newest_holds(store: Store) -> None:
    for viewer, action in ((HANNA, ResolutionAction.SEEN), (SUPPORT, ResolutionAction.AGREED)):
        with database.write_transaction(store.engine, school.SCHOOL) as connection:
            resolve_signal(connection, viewer, STUCK, "2 2026-11-13 580000", action)
    with database.read_transaction(store.engine) as connection:
        resolution = newest_resolutions(connection, HANNA, [12], [school.CLASS_A])[STUCK]
        assert (resolution.action, resolution.resolved_by, resolution.resolved_us) == (
            ResolutionAction.AGREED,
            "Els Prins",
            clock.now_us(),
        )
        assert resolution.closes("2 2026-11-13 580000")
        assert not resolution.closes("3 2026-11-20 590000")


@pytest.mark.parametrize("viewer", [JORIS, ADMINISTRATOR, ELSEWHERE])
@pytest.mark.parametrize("about", [STUCK, SignalTarget("hard", None, school.CLASS_A, "part 2 3")])
def test_nobody_else_settles_a_signal(store: Store, viewer: Viewer, about: SignalTarget) -> None:
    with pytest.raises(ResolutionRefused), database.write_transaction(store.engine, school.SCHOOL) as connection:
        resolve_signal(connection, viewer, about, "x", ResolutionAction.SEEN)
    with database.read_transaction(store.engine) as connection:
        assert connection.scalar(select(func.count()).select_from(signal_marks)) == 0


def test_a_mark_is_read_by_who_sees_what_it_is_about(store: Store) -> None:
    about_class = SignalTarget("hard", None, school.CLASS_A, "part 2 3")
    with database.write_transaction(store.engine, school.SCHOOL) as connection:
        for about in (STUCK, about_class):
            resolve_signal(connection, HANNA, about, "x", ResolutionAction.SEEN)
    with database.read_transaction(store.engine) as connection:
        seen = {
            viewer.name: set(newest_resolutions(connection, viewer, [12], [school.CLASS_A]))
            for viewer in (HANNA, SUPPORT, JORIS, ELSEWHERE)
        }
    both = {STUCK, about_class}
    assert seen == {"Hanna Vos": both, "Els Prins": both, "Joris Blom": set(), "Iemand Anders": set()}


# -- goals and dates ---------------------------------------------------------------------------------------------


def test_a_goal_is_empty_until_somebody_sets_it_and_a_new_one_takes_its_place(store: Store) -> None:
    with database.read_transaction(store.engine) as connection:
        assert goals_of(connection, HANNA, [1]) == {}
    for value in (750_000, 800_000):
        with database.write_transaction(store.engine, school.SCHOOL) as connection:
            set_goal(connection, HANNA, 1, SUMS, value, "2026-12-18")
    with database.read_transaction(store.engine) as connection:
        assert goals_of(connection, HANNA, [1])[1][SUMS].value == 800_000
        assert goals_of(connection, JORIS, [1]) == {}
        assert connection.scalar(select(func.count()).select_from(goals)) == 2  # the old one is kept, ended
    with database.write_transaction(store.engine, school.SCHOOL) as connection:
        set_goal(connection, HANNA, 1, SUMS, None)
    with database.read_transaction(store.engine) as connection:
        assert goals_of(connection, HANNA, [1]) == {}


@pytest.mark.parametrize(("viewer", "day"), [(JORIS, None), (ADMINISTRATOR, None), (ELSEWHERE, None), (HANNA, "18-12")])
def test_a_goal_of_another_class_or_for_no_day_is_refused(store: Store, viewer: Viewer, day: str | None) -> None:
    with pytest.raises(GoalRefused), database.write_transaction(store.engine, school.SCHOOL) as connection:
        set_goal(connection, viewer, 12, SUMS, 750_000, day)
    with database.read_transaction(store.engine) as connection:
        assert connection.scalar(select(func.count()).select_from(goals)) == 0


def test_a_due_date_makes_signals_for_who_has_not_finished(store: Store) -> None:
    with database.write_transaction(store.engine, school.SCHOOL) as connection:
        set_due_date(connection, HANNA, school.CLASS_A, 2, "2026-11-16")
        with pytest.raises(GoalRefused):
            set_due_date(connection, JORIS, school.CLASS_A, 2, None)
        with pytest.raises(GoalRefused):
            set_due_date(connection, HANNA, school.CLASS_A, 999, "2026-11-16")
    with database.read_transaction(store.engine) as connection:
        [due] = due_dates_of(connection, HANNA, [school.CLASS_A])
        assert (due.test_id, due.due_on, due.subject_material, due.test) == (2, "2026-11-16", SUMS, "Toets blok 3")
        state = class_state(connection, HANNA, [school.CLASS_A], school.YEAR, read_holidays())
        overdue = {signal.pupil_id for signal in state.signals if signal.rule.value == "overdue"}
        assert overdue == {12}  # pupil 11 finished it, without a score


# -- notes and agreements ----------------------------------------------------------------------------------------


def test_a_restricted_note_shows_only_that_it_exists(store: Store) -> None:
    with database.write_transaction(store.engine, school.SCHOOL) as connection:
        write_note(connection, store.cipher, SUPPORT, 1, NoteKind.NOTE, "Alleen voor ons.", readers=Readers.RESTRICTED)
        write_note(connection, store.cipher, HANNA, 1, NoteKind.AGREEMENT, "Twee keer per week.", until_on="2026-12-18")
    with database.read_transaction(store.engine) as connection:
        assert [note.text for note in notes_of(connection, store.cipher, HANNA, [1])[1]] == [
            "Twee keer per week.",
            None,
        ]
        assert [note.text for note in notes_of(connection, store.cipher, SUPPORT, [1])[1]][1] == "Alleen voor ons."
        assert notes_of(connection, store.cipher, ADMINISTRATOR, [1]) == {}
        assert notes_of(connection, store.cipher, JORIS, [1]) == {}
        assert notes_of(connection, store.cipher, ELSEWHERE, [1]) == {}
        stored = b" ".join(bytes(row) for row in connection.scalars(select(notes.c.sealed)))
        assert b"week" not in stored
        assert b"ons" not in stored


@pytest.mark.parametrize(
    ("viewer", "text", "kind", "day", "reason"),
    [
        (HANNA, "  ", NoteKind.NOTE, None, "empty"),
        (HANNA, "x" * 2001, NoteKind.NOTE, None, "long"),
        (HANNA, "a", NoteKind.AGREEMENT, "2026-02-30", "day"),
        (HANNA, "a", NoteKind.NOTE, "2026-12-18", "day"),
        (JORIS, "a", NoteKind.NOTE, None, "pupil"),
        (ADMINISTRATOR, "a", NoteKind.NOTE, None, "pupil"),
    ],
)
def test_a_note_that_cannot_be_says_why_and_changes_nothing(
    store: Store, viewer: Viewer, text: str, kind: NoteKind, day: str | None, reason: str
) -> None:
    with pytest.raises(NoteRefused) as refused, database.write_transaction(store.engine, school.SCHOOL) as connection:
        write_note(connection, store.cipher, viewer, 1, kind, text, until_on=day)
    assert refused.value.reason == reason
    with database.read_transaction(store.engine) as connection:
        assert connection.scalar(select(func.count()).select_from(notes)) == 0


def test_who_cannot_read_an_agreement_does_not_settle_it_and_sees_no_day(store: Store) -> None:
    with database.write_transaction(store.engine, school.SCHOOL) as connection:
        number = write_note(
            connection,
            store.cipher,
            SUPPORT,
            1,
            NoteKind.AGREEMENT,
            "Besloten.",
            readers=Readers.RESTRICTED,
            until_on="2026-12-18",
        )
        with pytest.raises(NoteRefused):
            close_agreement(connection, HANNA, number)
        [note] = notes_of(connection, store.cipher, HANNA, [1])[1]
        assert (note.text, note.until_on, note.runs) == (None, None, True)
        close_agreement(connection, SUPPORT, number)


def test_an_agreement_is_settled_once_by_who_sees_the_pupil(store: Store) -> None:
    with database.write_transaction(store.engine, school.SCHOOL) as connection:
        number = write_note(connection, store.cipher, HANNA, 1, NoteKind.AGREEMENT, "Oefenen.")
    for viewer in (JORIS, ADMINISTRATOR):
        with pytest.raises(NoteRefused), database.write_transaction(store.engine, school.SCHOOL) as connection:
            close_agreement(connection, viewer, number)
    with database.write_transaction(store.engine, school.SCHOOL) as connection:
        close_agreement(connection, SUPPORT, number)
    with pytest.raises(NoteRefused), database.write_transaction(store.engine, school.SCHOOL) as connection:
        close_agreement(connection, HANNA, number)
    with database.read_transaction(store.engine) as connection:
        [note] = notes_of(connection, store.cipher, HANNA, [1])[1]
        assert (note.runs, note.settled_by) == (False, "Els Prins")


def test_the_author_corrects_a_note_and_the_earlier_text_stays_for_author_and_learning_support(store: Store) -> None:
    with database.write_transaction(store.engine, school.SCHOOL) as connection:
        first = write_note(
            connection, store.cipher, HANNA, 1, NoteKind.AGREEMENT, "Elke dag lezen.", until_on="2026-12-18"
        )
        close_agreement(connection, HANNA, first)
        second = correct_note(connection, store.cipher, HANNA, 1, first, "Elke week lezen.", until_on="2026-12-20")
        correct_note(connection, store.cipher, HANNA, 1, second, "Elke maand lezen.", readers=Readers.RESTRICTED)
    with database.read_transaction(store.engine) as connection:
        for viewer in (HANNA, SUPPORT):
            [note] = notes_of(connection, store.cipher, viewer, [1])[1]
            assert (note.text, note.until_on, note.restricted) == ("Elke maand lezen.", None, True)
            assert [(earlier.text, earlier.until_on) for earlier in note.earlier] == [
                ("Elke week lezen.", "2026-12-20"),
                ("Elke dag lezen.", "2026-12-18"),
            ]
            assert (note.own, note.settled_by) == (viewer is HANNA, "Hanna Vos")
        colleague = replace(HANNA, teacher_id=school.TEACHER_B, role=Role.SUPPORT)
        [read] = notes_of(connection, store.cipher, colleague, [1])[1]
        assert read.earlier
        assert notes_of(connection, store.cipher, ADMINISTRATOR, [1]) == {}


def test_a_withdrawn_note_is_in_force_nowhere_and_is_read_by_author_and_learning_support_only(store: Store) -> None:
    colleague = replace(HANNA, teacher_id=99, user_key="colleague", role=Role.MENTOR)
    with database.write_transaction(store.engine, school.SCHOOL) as connection:
        note_id = write_note(connection, store.cipher, HANNA, 1, NoteKind.AGREEMENT, "Over een ander kind.")
        withdraw_note(connection, HANNA, 1, note_id)
    for change in (
        lambda connection: withdraw_note(connection, HANNA, 1, note_id),
        lambda connection: correct_note(connection, store.cipher, HANNA, 1, note_id, "Toch."),
        lambda connection: close_agreement(connection, HANNA, note_id),
    ):
        with pytest.raises(NoteRefused), database.write_transaction(store.engine, school.SCHOOL) as connection:
            change(connection)
    with database.read_transaction(store.engine) as connection:
        assert notes_of(connection, store.cipher, HANNA, [1]) == {}
        for viewer in (HANNA, SUPPORT):
            [note] = all_notes_of(connection, store.cipher, viewer, [1])[1]
            assert (note.text, note.withdrawn_us is None, note.runs) == ("Over een ander kind.", False, False)
        for viewer in (colleague, ADMINISTRATOR):
            assert all_notes_of(connection, store.cipher, viewer, [1]) == {}


def test_only_its_author_corrects_or_withdraws_a_note_who_may_be_no_teacher(store: Store) -> None:
    els = replace(SUPPORT, user_key="els")
    with database.write_transaction(store.engine, school.SCHOOL) as connection:
        by_hanna = write_note(connection, store.cipher, HANNA, 1, NoteKind.NOTE, "Van Hanna.")
        by_els = write_note(connection, store.cipher, els, 1, NoteKind.NOTE, "Van Els.")
    for viewer, pupil_id, note_id in (
        (els, 1, by_hanna),
        (HANNA, 1, by_els),
        (SUPPORT, 1, by_els),
        (replace(SUPPORT, user_key="other"), 1, by_els),
        (ADMINISTRATOR, 1, by_hanna),
        (ELSEWHERE, 1, by_hanna),
        (HANNA, 2, by_hanna),
        (HANNA, 1, 4711),
    ):
        for change in (
            lambda connection: withdraw_note(connection, viewer, pupil_id, note_id),  # noqa: B023
            lambda connection: correct_note(connection, store.cipher, viewer, pupil_id, note_id, "Anders."),  # noqa: B023
        ):
            with pytest.raises(NoteRefused), database.write_transaction(store.engine, school.SCHOOL) as connection:
                change(connection)
    with database.write_transaction(store.engine, school.SCHOOL) as connection:
        with pytest.raises(NoteRefused, match="empty"):
            correct_note(connection, store.cipher, els, 1, by_els, " ")
        correct_note(connection, store.cipher, els, 1, by_els, "Van Els zelf.")
        withdraw_note(connection, HANNA, 1, by_hanna)
    with database.read_transaction(store.engine) as connection:
        assert [note.text for note in notes_of(connection, store.cipher, els, [1])[1]] == ["Van Els zelf."]
