"""A pupil of two classes: each class is judged over all of its pupils, whichever is named first."""

from __future__ import annotations

import pytest
from sqlalchemy import insert

from models.access.viewer import Role, Viewer
from models.classroom.class_state import class_state
from models.classroom.class_thresholds import set_thresholds
from models.classroom.goals import set_due_date
from models.classroom.holidays import read_holidays
from models.classroom.signals import SignalRule
from models.schema import clock, database, tables
from tests.conftest import Store
from tests.dashboard import school

SUPPORT = Viewer(school.SCHOOL, Role.SUPPORT, None, "Els Prins")
PLUS = 9


@pytest.fixture
def with_plus(any_store: Store) -> Store:
    """The known school with a composed class of eight pupils of class 6a."""
    with clock.fixed(school.NOW):
        school.build(any_store.engine, any_store.cipher)
    plus = {"school_id": 1, "school_year": school.YEAR, "location": "", "composed": True}
    with database.write_transaction(any_store.engine) as connection:
        connection.execute(insert(tables.classes), [{**plus, "id": PLUS, "name": "Plus", "year_groups": "6"}])
        group = {**plus, "id": PLUS, "key": "plus", "name": "Plus", "class_id": PLUS}
        connection.execute(insert(tables.groups), [group])
        members = [{"school_id": 1, "pupil_id": item, "group_id": PLUS, "from_us": 1} for item in range(1, 9)]
        connection.execute(insert(tables.memberships), members)
    return any_store


@pytest.mark.parametrize("chosen", [[school.CLASS_A, PLUS], [PLUS, school.CLASS_A]])
def test_the_signals_of_a_class_do_not_depend_on_which_others_are_chosen(with_plus: Store, chosen: list[int]) -> None:
    with clock.fixed(school.NOW), database.read_transaction(with_plus.engine) as connection:

        def hard(class_ids: list[int], of: int) -> list[tuple[str, str]]:
            state = class_state(connection, SUPPORT, class_ids, school.YEAR, read_holidays())
            return [
                (signal.scope, signal.evidence.key)
                for signal in state.signals
                if signal.class_id == of and signal.rule is SignalRule.HARD
            ]

        for class_id in chosen:
            assert hard(chosen, class_id) == hard([class_id], class_id) != []
        state = class_state(connection, SUPPORT, chosen, school.YEAR, read_holidays())
        about = [signal.target for signal in state.signals]
        assert len(about) == len(set(about))


def test_a_pupil_of_two_classes_has_the_signals_of_both_on_every_screen(with_plus: Store) -> None:
    with clock.fixed(school.NOW), database.write_transaction(with_plus.engine, school.SCHOOL) as connection:
        idle = {"school_id": 1, "pupil_id": 12, "group_id": PLUS, "from_us": 1}
        connection.execute(insert(tables.memberships), [idle])
        set_thresholds(connection, SUPPORT, PLUS, {"stuck_times": 2})  # stricter than 6a
    shown = []
    for chosen in ([school.CLASS_A], [PLUS], [school.CLASS_A, PLUS], [PLUS, school.CLASS_A]):
        with clock.fixed(school.NOW), database.read_transaction(with_plus.engine) as connection:
            state = class_state(connection, SUPPORT, chosen, school.YEAR, read_holidays())
        shown.append({signal.target for signal in state.signals if signal.pupil_id in (*range(1, 9), 12)})
        assert {row.pupil_id for row in state.class_data.rows} <= {member.id for member in state.class_data.members}
    assert any(target.rule == SignalRule.STUCK for target in shown[0])
    assert shown[0] == shown[1] == shown[2] == shown[3]


def test_a_date_of_the_second_class_holds_for_its_pupils_whichever_class_is_asked_first(with_plus: Store) -> None:
    with clock.fixed(school.NOW), database.write_transaction(with_plus.engine, school.SCHOOL) as connection:
        set_due_date(connection, SUPPORT, PLUS, 4, "2026-11-16")
    overdue = []
    for chosen in ([PLUS], [school.CLASS_A, PLUS], [PLUS, school.CLASS_A]):
        with clock.fixed(school.NOW), database.read_transaction(with_plus.engine) as connection:
            state = class_state(connection, SUPPORT, chosen, school.YEAR, read_holidays())
        overdue.append(sorted(signal.pupil_id or 0 for signal in state.signals if signal.rule is SignalRule.OVERDUE))
    assert overdue[0] == overdue[1] == overdue[2] != []


def test_who_joined_the_class_of_a_date_after_it_is_not_overdue_whichever_class_is_first(with_plus: Store) -> None:
    late = {"school_id": 1, "pupil_id": 11, "group_id": PLUS, "from_us": school.us("2026-11-20")}
    with clock.fixed(school.NOW), database.write_transaction(with_plus.engine, school.SCHOOL) as connection:
        connection.execute(insert(tables.memberships), [late])
        set_due_date(connection, SUPPORT, PLUS, 4, "2026-11-10")
    for chosen in ([PLUS], [school.CLASS_A, PLUS], [PLUS, school.CLASS_A]):
        with clock.fixed(school.NOW), database.read_transaction(with_plus.engine) as connection:
            state = class_state(connection, SUPPORT, chosen, school.YEAR, read_holidays())
        overdue = {signal.pupil_id for signal in state.signals if signal.rule is SignalRule.OVERDUE}
        assert 11 not in overdue
        assert overdue != set()
