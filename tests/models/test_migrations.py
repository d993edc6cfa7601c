"""A store of an earlier version is brought to this one with everything that it holds."""

from __future__ import annotations

from sqlalchemy import inspect, text

from models import clock, database, schools, senders
from models.goals import goals_of, set_goal
from models.marks import About, Action, marks, set_mark
from models.schools import Identification
from models.viewer import Role, Viewer
from tests.conftest import Store
from tests.dashboard import school

HANNA = Viewer(school.SCHOOL, Role.TEACHER, school.TEACHER_A, "Hanna Vos")
TEACHERS = ("class_thresholds", "signal_marks", "goals", "due_dates", "notes")
VENDORS = ("checks", "test_arrivals", "test_rooms", "sender_key_schools", "sender_keys", "senders", "numbers")
SINCE_0001 = (*TEACHERS, *VENDORS, "key_fingerprints")
COLUMNS_SINCE_0001 = (("couplings", "pushes"), ("schools", "synthetic"), ("schools", "region"))


def test_a_store_of_the_first_version_is_upgraded(any_store: Store) -> None:
    engine = any_store.engine
    expected = {name: sorted(c["name"] for c in inspect(engine).get_columns(name)) for name in SINCE_0001}
    with database.writing(engine) as connection:
        school_id = schools.ensure_school(connection, [Identification("brin", "99XX")], "De Horizon")
        connection.execute(text("DROP VIEW results_spelled"))  # SQLite drops no column while a view stands on it
        for table in SINCE_0001:
            connection.execute(text(f"DROP TABLE {table}"))
        for table, column in COLUMNS_SINCE_0001:
            connection.execute(text(f"ALTER TABLE {table} DROP COLUMN {column}"))
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    database.upgrade(engine)
    database.upgrade(engine)
    assert {name: sorted(c["name"] for c in inspect(engine).get_columns(name)) for name in SINCE_0001} == expected
    with database.writing(engine) as connection:
        assert schools.all_schools(connection) == [(school_id, "De Horizon")]
        source_id = senders.add_sender(connection, any_store.seal, "a", "A", "K", senders.Terms(), senders.FROM_COMMAND)
        senders.add_key(connection, any_store.seal, source_id, "S", [Identification("brin", "99XX")])


def test_a_goal_of_before_gets_the_source_of_its_material(any_store: Store) -> None:
    engine = any_store.engine
    with clock.fixed(school.NOW):
        school.build(engine, any_store.seal)
        with database.writing(engine, school.SCHOOL) as connection:
            set_goal(connection, HANNA, 1, school.LEVELS_FIELD, 10_000)
            set_goal(connection, HANNA, 1, school.SPELL_FIELD, 20_000)
            set_mark(connection, HANNA, About("drop", 1, None, "arithmetic|Peillijn"), "7 2026-10-01 80", Action.SEEN)
    with database.writing(engine) as connection:
        connection.execute(text("ALTER TABLE goals DROP COLUMN source_id"))
        connection.execute(text("UPDATE alembic_version SET version_num = '0003'"))
    database.upgrade(engine)
    with clock.fixed(school.NOW), database.reading(engine) as connection:
        found = goals_of(connection, HANNA, [1])[1]
        settled = marks(connection, HANNA, [1], [])
    [(about, mark)] = settled.items()
    assert (about.scope, mark.evidence) == (school.LEVELS_FIELD.key, "2026-10-01 7 80")
    assert {field: one.value for field, one in found.items()} == {
        school.LEVELS_FIELD: 10_000, school.SPELL_FIELD: 20_000,
    }  # fmt: skip
