"""Goals and due dates that teachers set; no message of a source contains any."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, and_, delete, insert, select, update

from models.access.viewer import Viewer, can_see_class, can_see_pupil
from models.classroom.signals import DueDate
from models.results.catalogue import catalogue
from models.results.own_subjects import Subjects, limited_classes, limited_pupils
from models.results.subject_materials import SubjectMaterial
from models.schema import clock
from models.schema.database import next_id
from models.schema.tables import classes, due_dates, goals, pupils, test_definitions, tests


@dataclass(frozen=True, slots=True)
class Goal:
    """What a teacher wants a pupil to reach in a material: ten-thousandths on its own scale, perhaps by a day."""

    id: int
    pupil_id: int
    subject_material: SubjectMaterial
    value: int
    due_on: str | None
    set_by: str
    set_us: int


class GoalRefused(Exception):
    """A goal or date that is invalid or that the viewer may not set; nothing was changed."""


def goals_of(
    connection: Connection, viewer: Viewer, pupil_ids: Sequence[int]
) -> dict[int, dict[SubjectMaterial, Goal]]:
    """The present goals of these pupils by subject and material, as far as the viewer sees their results."""
    limited = limited_pupils(connection, viewer, pupil_ids)  # first, as `pupil_identifiers` does
    rows = connection.execute(
        select(goals)
        .where(
            goals.c.school_id == viewer.school_id,
            goals.c.pupil_id.in_(pupil_ids),
            goals.c.ended_us.is_(None),
            can_see_pupil(viewer, goals.c.school_id, goals.c.pupil_id),
        )
        .order_by(goals.c.id)
    )
    by_pupil: dict[int, dict[SubjectMaterial, Goal]] = {}
    for row in rows:
        if row.pupil_id in limited and row.subject not in limited[row.pupil_id]:
            continue
        subject_material = SubjectMaterial(row.subject, row.material, row.source_id)
        goal = Goal(row.id, row.pupil_id, subject_material, row.value, row.due_on, row.set_by, row.set_us)
        by_pupil.setdefault(row.pupil_id, {})[goal.subject_material] = goal
    return by_pupil


def set_goal(
    connection: Connection,
    viewer: Viewer,
    pupil_id: int,
    subject_material: SubjectMaterial,
    value: int | None,
    due_on: str | None = None,
) -> None:
    """Set the goal of a pupil in a material, or end it (value None); call it inside a write transaction.

    Raises GoalRefused.
    """
    visible = can_see_pupil(viewer, pupils.c.school_id, pupils.c.id)
    pupil = connection.scalar(select(pupils.c.id).where(pupils.c.id == pupil_id, visible))
    if not viewer.teaches or pupil is None or (due_on is not None and not clock.is_day(due_on)):
        raise GoalRefused
    limited = limited_pupils(connection, viewer, [pupil_id])
    if pupil_id in limited and subject_material.subject not in limited[pupil_id]:
        raise GoalRefused
    now = clock.now_us()
    connection.execute(
        update(goals)
        .where(
            and_(
                goals.c.school_id == viewer.school_id,
                goals.c.pupil_id == pupil_id,
                goals.c.subject == subject_material.subject,
                goals.c.material == subject_material.material,
                goals.c.source_id == subject_material.source_id,
                goals.c.ended_us.is_(None),
            )
        )
        .values(ended_us=now)
    )
    if value is not None:
        connection.execute(
            insert(goals).values(
                school_id=viewer.school_id,
                id=next_id(connection, goals, viewer.school_id),
                pupil_id=pupil_id,
                subject=subject_material.subject,
                material=subject_material.material,
                source_id=subject_material.source_id,
                value=value,
                due_on=due_on,
                set_by=viewer.name,
                set_us=now,
            )
        )


def due_dates_of(connection: Connection, viewer: Viewer, class_ids: Sequence[int]) -> list[DueDate]:
    """The due dates of these classes, earliest first, of tests that the viewer sees; an erased test has none."""
    limited = limited_classes(connection, viewer)  # first, as `pupil_identifiers` does
    query = (
        select(due_dates)
        .where(
            due_dates.c.school_id == viewer.school_id,
            due_dates.c.class_id.in_(class_ids),
            can_see_class(viewer, due_dates.c.school_id, due_dates.c.class_id),
        )
        .order_by(due_dates.c.due_on, due_dates.c.test_id)
    )
    rows = connection.execute(query).all()
    names = _tests(connection, viewer, {row.test_id for row in rows})
    return [
        DueDate(row.class_id, row.test_id, row.due_on, row.set_by, *names[row.test_id])
        for row in rows
        if row.test_id in names and _is_seen(limited, row.class_id, names[row.test_id][0])
    ]


def _is_seen(limited: Mapping[int, Subjects], class_id: int, subject_material: SubjectMaterial) -> bool:
    """Whether a subject is among those of a class that somebody sees."""
    return class_id not in limited or subject_material.subject in limited[class_id]


def _tests(connection: Connection, viewer: Viewer, test_ids: Collection[int]) -> dict[int, tuple[SubjectMaterial, str]]:
    """Material and name of tests by their newest definition, whether or not anybody has taken them."""
    if not test_ids:
        return {}
    newest: dict[int, int] = {}
    rows = connection.execute(
        select(tests.c.id, test_definitions.c.id)
        .join(
            test_definitions,
            and_(
                test_definitions.c.school_id == tests.c.school_id,
                test_definitions.c.source_id == tests.c.source_id,
                test_definitions.c.code == tests.c.code,
            ),
        )
        .where(tests.c.school_id == viewer.school_id, tests.c.id.in_(sorted(test_ids)))
        .order_by(test_definitions.c.newest_us, test_definitions.c.digest)
    )
    for test_id, definition_id in rows:
        newest[test_id] = definition_id
    test_catalogue = catalogue(connection, viewer.school_id, newest.values())
    return {
        test_id: (test_catalogue.subject_material(definition_id), test_catalogue.definitions[definition_id].name)
        for test_id, definition_id in newest.items()
    }


def set_due_date(connection: Connection, viewer: Viewer, class_id: int, test_id: int, due_on: str | None) -> None:
    """Set the due date of a test of a class, or remove it (None); call it inside a write transaction.

    Raises GoalRefused.
    """
    visible = can_see_class(viewer, classes.c.school_id, classes.c.id)
    class_row = connection.scalar(select(classes.c.id).where(classes.c.id == class_id, visible))
    test = connection.scalar(select(tests.c.id).where(tests.c.school_id == viewer.school_id, tests.c.id == test_id))
    invalid_day = due_on is not None and not clock.is_day(due_on)
    if not viewer.teaches or class_row is None or test is None or invalid_day:
        raise GoalRefused
    limited = limited_classes(connection, viewer)
    if class_id in limited and not any(
        _is_seen(limited, class_id, of) for of, _name in _tests(connection, viewer, [test_id]).values()
    ):
        raise GoalRefused
    same_row = and_(
        due_dates.c.school_id == viewer.school_id, due_dates.c.class_id == class_id, due_dates.c.test_id == test_id
    )
    connection.execute(delete(due_dates).where(same_row))
    if due_on is not None:
        connection.execute(
            insert(due_dates).values(
                school_id=viewer.school_id, class_id=class_id, test_id=test_id, due_on=due_on,
                set_by=viewer.name, set_us=clock.now_us(),
            )
        )  # fmt: skip
