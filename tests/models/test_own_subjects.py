"""What the roles of a link to a class say: who sees it whole, and of which subjects somebody else sees results."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest
from sqlalchemy import Connection, event, insert, select, update

from models.access.viewer import Role, Viewer
from models.classroom import goals
from models.classroom.class_state import class_state
from models.classroom.goals import GoalRefused
from models.classroom.holidays import read_holidays
from models.classroom.material_uptake import material_catalogue
from models.classroom.timeline import pupil_timeline
from models.results.own_subjects import limit_of, set_subject, subjects_named
from models.results.periods import of_school_year
from models.schema import clock, database
from models.schema.tables import classes, groups, memberships, teacher_groups, test_definitions
from tests.conftest import Store
from tests.dashboard import school


@pytest.mark.parametrize(
    ("role", "subjects"),
    [
        ("docent wiskunde", {"mathematics"}), ("Wiskunde", {"mathematics"}), ("docente Engels", {"english"}),
        ("leraar Duits en Frans", {"german", "french"}), ("docent Engels/Nederlands", {"english", "language"}),
        ("vakleerkracht rekenen en wiskunde", {"arithmetic"}), ("docent: biologie", {"biology"}),
        ("docent (scheikunde)", {"chemistry"}), ("docent WI", {"mathematics"}), ("gym", {"physical_education"}),
        # What is open is left open: it would show results of a subject that somebody does not teach.
        ("docent Duitse taal", set()), ("wiskunde B", set()), ("VAK", set()), ("docent", set()), ("", set()),
        ("vak docent wiskunde", {"mathematics"}), ("Vak wiskunde", {"mathematics"}), ("VAK; wiskunde", {"mathematics"}),
        ("docent wiskunde; Mentor 4h1", {"mathematics"}), ("docente\u00a0Engels", {"english"}),
        ("leraar wereldorie\u0308ntatie", {"world"}),
        ("coördinator Engels", set()), ("leerkracht kleuteronderwijs", set()), ("docent en", {"english"}),
    ],
)  # fmt: skip
def test_a_description_names_subjects_where_it_leaves_nothing_open(role: str, subjects: set[str]) -> None:
    assert subjects_named(role) == subjects


WHOLE = None


@pytest.mark.parametrize(
    ("link", "teacher", "elsewhere", "in_subject_school"),
    [
        # roles of the link, roles of the teacher; what is seen in other schools, and in one with subject teachers
        ("", "", WHOLE, set()),
        ("LRK", "", WHOLE, set()),
        ("STA", "", WHOLE, set()),
        ("IB", "", WHOLE, set()),
        ("VAK", "", set(), set()),
        ("", "VAK", set(), set()),
        ("LRK,VAK", "", WHOLE, set()),
        ("LRK", "VAK", WHOLE, set()),
        ("VAK", "LRK", set(), set()),
        ("VAK,docent wiskunde", "", {"mathematics"}, {"mathematics"}),
        ("VAK", "docent wiskunde,docent natuurkunde", {"mathematics", "physics"}, {"mathematics", "physics"}),
        ("docent wiskunde", "docent natuurkunde", {"mathematics"}, {"mathematics"}),
        ("docent natuurkunde", "", {"physics"}, {"physics"}),
        ("vakdocent", "", set(), set()),
        ("vak", "", set(), set()),
        ("Vak", "lrk", set(), set()),
        ("lrk,vak", "", WHOLE, set()),
        ("vak docent gitaar", "", set(), set()),
        ("VAK; wiskunde", "", {"mathematics"}, {"mathematics"}),
        ("vakgroep exact", "", WHOLE, set()),
        ("mentor", "", WHOLE, WHOLE),
        ("VAK,mentor", "", WHOLE, WHOLE),
        ("docent wiskunde,Mentrix 4h1", "", WHOLE, WHOLE),
        ("klassenmentor", "", WHOLE, WHOLE),
        ("groepsleerkracht", "", WHOLE, WHOLE),
        ("klassendocent", "VAK", WHOLE, WHOLE),
        ("coördinator mentoraat", "", WHOLE, set()),
        ("", "mentor", WHOLE, WHOLE),
        ("docent Engels", "mentor", {"english"}, {"english"}),
    ],
)
def test_a_link_shows_a_class_whole_or_the_subjects_that_are_known(
    link: str, teacher: str, elsewhere: set[str] | None, in_subject_school: set[str] | None
) -> None:
    roles = [[role for role in text.split(",") if role] for text in (link, teacher)]
    assert limit_of(*roles, subject_school=False) == elsewhere
    assert limit_of(*roles, subject_school=True) == in_subject_school


def test_on_each_database_all_that_is_read_of_a_class_is_of_the_subjects_of_the_teacher(any_store: Store) -> None:
    boss, hanna = (Viewer(school.SCHOOL, role, school.TEACHER_A) for role in (Role.ADMINISTRATOR, Role.TEACHER))
    mentor, year = Viewer(school.SCHOOL, Role.MENTOR, school.TEACHER_A), of_school_year(school.YEAR)
    with clock.fixed(school.NOW):
        school.build(any_store.engine, any_store.cipher)
        of_both = {"school_id": school.SCHOOL, "teacher_id": school.TEACHER_A, "from_us": 1}
        with database.write_transaction(any_store.engine) as connection:
            goals.set_goal(connection, mentor, 1, school.SUMS_FIELD, 10_000)
            goals.set_due_date(connection, mentor, school.CLASS_A, 1, "2026-11-16")
            connection.execute(update(teacher_groups).values(roles="VAK"))
            connection.execute(insert(teacher_groups).values(group_id=2, roles="klassendocent", **of_both))
            set_subject(connection, boss, school.TEACHER_A, "spelling")
            for refused in (
                lambda: goals.set_goal(connection, hanna, 1, school.SUMS_FIELD, 10_000),
                lambda: goals.set_due_date(connection, hanna, school.CLASS_A, 1, "2026-12-01"),
            ):
                with pytest.raises(GoalRefused):
                    refused()
            goals.set_goal(connection, hanna, 1, school.SPELL_FIELD, 10_000)
            goals.set_due_date(connection, hanna, school.CLASS_A, 3, "2026-12-01")
        with database.read_transaction(any_store.engine) as connection:
            both = [school.CLASS_A, school.CLASS_B]
            state = class_state(connection, hanna, both, school.YEAR, read_holidays(), year, hidden_parts=True)
            rows = state.class_data.rows
            assert {row.definition_id for row in rows if row.pupil_id < 100} == {3, 4}
            assert {row.definition_id for row in rows if row.pupil_id > 100} == {2}  # of the class that is seen whole
            assert [due.test_id for due in state.due_dates] == [3]
            assert {signal.subject_material.subject for signal in state.signals if signal.class_id == 1} == {"spelling"}
            assert list(goals.goals_of(connection, hanna, [1])[1]) == [school.SPELL_FIELD]
            timeline = pupil_timeline(connection, hanna, 1, year)
            assert timeline is not None
            assert [series.subject_material for series in timeline.series] == [school.SPELL_FIELD]
            materials = material_catalogue(connection, hanna).materials
            uptake = {(item.subject, of.class_name): of.reached for item in materials for of in item.uptake}
            assert uptake["spelling", "6a"] == 12
            assert uptake["arithmetic", "6b"] == 1
            assert ("arithmetic", "6a") not in uptake
            whole = class_state(connection, mentor, both, school.YEAR, read_holidays(), year)
            assert {row.definition_id for row in whole.class_data.rows} == set(school.DEFINITIONS)


def test_somebody_who_teaches_ten_classes_a_subject_with_thousands_of_tests_reads_how_far_they_are(
    postgres_store: Store,
) -> None:
    boss, hanna = (Viewer(school.SCHOOL, role, school.TEACHER_A) for role in (Role.ADMINISTRATOR, Role.TEACHER))
    tests, class_numbers = range(1_000, 8_000), range(500, 510)
    with clock.fixed(school.NOW):
        school.build(postgres_store.engine, postgres_store.cipher)
        with database.write_transaction(postgres_store.engine, school.SCHOOL) as connection:
            # As many as there are parameters in a query of PostgreSQL, if each class were to name each test.
            of_test, of_class, of_group = (
                connection.execute(select(table).where(table.c.school_id == school.SCHOOL, column == number)).one()
                for table, column, number in (
                    (test_definitions, test_definitions.c.id, 3),
                    (classes, classes.c.id, school.CLASS_A),
                    (groups, groups.c.class_id, school.CLASS_A),
                )
            )
            copies = [{"id": number, "code": str(number), "digest": number.to_bytes(16, "big")} for number in tests]
            connection.execute(insert(test_definitions), [{**of_test._mapping, **copy} for copy in copies])
            for number in class_numbers:
                of_both = {"school_id": school.SCHOOL, "group_id": number, "from_us": 1}
                name = {"id": number, "name": str(number)}
                connection.execute(insert(classes).values({**of_class._mapping, **name}))
                connection.execute(
                    insert(groups).values({**of_group._mapping, "id": number, "key": str(number), "class_id": number})
                )
                connection.execute(insert(memberships).values(pupil_id=1, **of_both))
                connection.execute(insert(teacher_groups).values(teacher_id=school.TEACHER_A, roles="VAK", **of_both))
            connection.execute(update(teacher_groups).values(roles="VAK"))
            set_subject(connection, boss, school.TEACHER_A, "spelling")
        with database.read_transaction(postgres_store.engine, school.SCHOOL) as connection:
            found = material_catalogue(connection, hanna)
    assert {material.subject for material in found.materials} == {"spelling"}


def test_while_a_roster_takes_the_class_away_nothing_of_other_subjects_is_read(postgres_store: Store) -> None:
    # Each statement of PostgreSQL sees what is committed then; the roster comes after the first, the second, and so on.
    engine, hanna = postgres_store.engine, Viewer(school.SCHOOL, Role.TEACHER, school.TEACHER_A)
    mentor, year = Viewer(school.SCHOOL, Role.MENTOR, school.TEACHER_A), of_school_year(school.YEAR)
    place, left = (teacher_groups.c.school_id == school.SCHOOL, teacher_groups.c.teacher_id == school.TEACHER_A), [0]

    def link(to_us: int | None) -> None:
        with database.write_transaction(engine, school.SCHOOL) as connection:
            connection.execute(update(teacher_groups).where(*place).values(roles="VAK,spelling", to_us=to_us))

    def after_statement(*_: object) -> None:
        left[0] -= 1
        if left[0] == 0:
            link(2)

    reads: list[Callable[[Connection], list[str]]] = [
        lambda of: [
            str(row.definition_id)
            for row in class_state(of, hanna, [school.CLASS_A], school.YEAR, read_holidays(), year).class_data.rows
            if row.definition_id not in (3, 4)
        ],
        lambda of: [item.subject for item in material_catalogue(of, hanna).materials if item.used],
        lambda of: [goal.subject for goal in goals.goals_of(of, hanna, [1]).get(1, {})],
        lambda of: [due.subject_material.subject for due in goals.due_dates_of(of, hanna, [school.CLASS_A])],
    ]
    with clock.fixed(school.NOW):
        school.build(engine, postgres_store.cipher)
        with database.write_transaction(engine, school.SCHOOL) as connection:
            goals.set_goal(connection, mentor, 1, school.SUMS_FIELD, 10_000)
            goals.set_due_date(connection, mentor, school.CLASS_A, 1, "2026-11-16")
        for read in reads:
            for statement in itertools.count(1):
                link(None)
                with database.read_transaction(engine, school.SCHOOL) as connection:
                    left[0] = statement
                    event.listen(connection, "after_cursor_execute", after_statement)
                    assert set(read(connection)) <= {"spelling"}, statement
                if left[0] > 0:
                    break  # it takes fewer statements
