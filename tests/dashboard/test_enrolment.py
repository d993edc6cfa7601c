"""Who is in a class on the day that a screen speaks of: the days of entry and of leaving count."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import update

from dashboard.auth.request import AppOptions
from dashboard.server.wsgi import create_app
from models.access.people import class_list, class_members, members, pupils_by_class
from models.access.viewer import Role, Viewer
from models.classroom.class_state import class_state
from models.classroom.holidays import read_holidays
from models.results.periods import Period
from models.schema import clock
from models.schema.database import read_transaction, write_transaction
from models.schema.tables import classes, pupils
from tests.conftest import Store
from tests.dashboard import school
from tests.dashboard.conftest import PERSONAS
from tests.dashboard.test_web import as_persona, shown_page

HANNA = Viewer(school.SCHOOL, Role.TEACHER, school.TEACHER_A, "Hanna Vos")
TODAY = school.NOW.date().isoformat()
LEFT, COMING, LAST_DAY, FIRST_DAY = 12, 2, 3, 4  # the first is Lars, who made nothing for weeks


@pytest.fixture
def moving(any_store: Store) -> Iterator[Store]:
    """Class 6a, of which one pupil left, one has yet to come, one leaves and one comes today."""
    days = {
        LEFT: ("left_on", "2026-10-01"), COMING: ("entered_on", "2027-02-01"),
        LAST_DAY: ("left_on", TODAY), FIRST_DAY: ("entered_on", TODAY),
    }  # fmt: skip
    with clock.fixed(school.NOW):
        school.build(any_store.engine, any_store.cipher)
        with write_transaction(any_store.engine) as connection:
            for pupil_id, (column, day) in days.items():
                of_pupil = pupils.c.school_id == school.SCHOOL, pupils.c.id == pupil_id
                connection.execute(update(pupils).where(*of_pupil).values({column: day}))
        yield any_store


def test_lists_and_counts_hold_who_is_there_today(moving: Store) -> None:
    with read_transaction(moving.engine) as connection:
        (ref,) = (ref for ref in class_list(connection, HANNA) if ref.id == school.CLASS_A)
        by_list = {pupil.id for pupil in members(connection, HANNA, [ref.id])}
        by_class = pupils_by_class(connection, HANNA, [ref.id])[ref.id]
        of_class = {member.id for member in class_members(connection, HANNA, [ref.id])}
    assert by_list == by_class == of_class
    assert {LAST_DAY, FIRST_DAY} <= of_class
    assert not {LEFT, COMING} & of_class
    assert ref.pupils == len(of_class) == 10


@pytest.mark.parametrize(
    ("last", "present"),
    [("2026-09-30", {LEFT}), ("2026-10-01", {LEFT}), ("2026-10-02", set()), ("2027-07-31", set())],
)
def test_a_period_shows_who_was_there_at_its_end(moving: Store, last: str, present: set[int]) -> None:
    with read_transaction(moving.engine) as connection:
        state = class_state(
            connection, HANNA, [school.CLASS_A], school.YEAR, read_holidays(), Period("2026-08-01", last)
        )
    assert {member.id for member in state.class_data.members} & {LEFT, COMING} == present
    assert not [signal for signal in state.signals if signal.pupil_id in (LEFT, COMING)]


def test_nobody_is_alarmed_about_who_left_or_has_yet_to_come(moving: Store) -> None:
    for moment in (school.NOW, datetime(2027, 1, 29, 9, tzinfo=UTC)):
        with clock.fixed(moment), read_transaction(moving.engine) as connection:
            state = class_state(connection, HANNA, [school.CLASS_A], school.YEAR, read_holidays())
        assert not [signal for signal in state.signals if signal.pupil_id in (LEFT, COMING)]
    with clock.fixed(datetime(2027, 2, 15, 9, tzinfo=UTC)), read_transaction(moving.engine) as connection:
        state = class_state(connection, HANNA, [school.CLASS_A], school.YEAR, read_holidays())
    assert COMING in {member.id for member in state.class_data.members}


def test_the_page_of_a_pupil_says_that_the_pupil_left(moving: Store) -> None:
    app = create_app(moving.engine, moving.cipher, AppOptions(demo=True, users=PERSONAS))
    client = as_persona(app, "hanna")
    assert "Van school sinds do 1 okt 2026." in shown_page(client, f"/leerling/{LEFT}")
    assert "Van school sinds" not in shown_page(client, f"/leerling/{LAST_DAY}")


def test_a_class_of_a_year_to_come_holds_who_enters_on_its_first_day(moving: Store) -> None:
    with write_transaction(moving.engine) as connection:
        connection.execute(update(classes).where(classes.c.id == school.CLASS_A).values(school_year="2027-2028"))
        connection.execute(
            update(pupils).where(pupils.c.id == COMING, pupils.c.school_id == school.SCHOOL).values(
                entered_on="2027-08-01"
            )
        )  # fmt: skip
    with read_transaction(moving.engine) as connection:
        present = {member.id for member in class_members(connection, HANNA, [school.CLASS_A])}
    assert COMING in present
    assert LEFT not in present
