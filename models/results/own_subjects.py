"""Subject teachers see results of their own subjects alone (ADR 49).

The roster says who teaches a class as what. A link of a subject teacher shows the subjects that its roles name, and
those that an administrator set; where none is known, no results. It is decided at each read, by pupil: of a pupil
whom a viewer sees by several links, everything that one of them shows.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, and_, delete, select, update

from models.access.accounts import active
from models.access.people import full_name
from models.access.viewer import (
    AccessDenied,
    Role,
    Viewer,
    can_see_class,
    check_administers,
    check_reviews_access,
    given_classes,
    linked_classes,
    links_of_school,
)
from models.results.subject_mapping import subject_mapping
from models.results.subjects import SUBJECTS, UNMAPPED, named_subject, subject_of
from models.schema import clock
from models.schema.collation import collation_key
from models.schema.database import insert_or
from models.schema.tables import (
    account_roles,
    classes,
    groups,
    memberships,
    schools,
    taught_subjects,
    teacher_groups,
    teachers,
    test_definitions,
)
from models.schema.version_cache import OfPupils, once_per_version

Subjects = frozenset[str]
CLASS_TEACHER = "lrk"  # the role code of EDEXML for a leerkracht or groepsleraar
_CARES_FOR_CLASS = re.compile(
    r"ment(or|rix)\b|\b(klassen?|(stam)?groeps?)-?(leraar|lerares|leerkracht|docente?|leid(er|ster))\b"
)
# The role code is VAK; people write it in descriptions too, in any way.
_IS_OF_SUBJECT = re.compile(r"\bvak\b|\bvak(leraar|lerares|leerkracht|docente?)\b")
_OF_JOB = re.compile(r"\bvak\b|\b(vak)?(leraar|lerares|leerkracht|docente?)\b")
NO_SUBJECT = {UNMAPPED, "kindergarten", "early_literacy"}  # of who teaches youngest pupils, the whole of it
_BETWEEN = re.compile(r"\s*[/&+;:()]\s*|\s+en\s+")


# -- what the roles of a link say -------------------------------------------------------------------------------


def subjects_named(role: str) -> Subjects:
    """The subjects that the description of a role names, as `docent Duits en Frans`; none of what it leaves open."""
    words = " ".join(_OF_JOB.sub(" ", _plain(role)).split()).strip("-– ")
    whole = named_subject(words)
    found = {whole} if whole != UNMAPPED else {named_subject(part) for part in _BETWEEN.split(words)}
    return frozenset(found - NO_SUBJECT)


def limit_of(link: Sequence[str], teacher: Sequence[str], subject_school: bool) -> Subjects | None:
    """The subjects that a link to a class shows by its roles; None: all of them.

    `teacher` are the roles of the teacher in general, for what those of the link leave open. `subject_school`: the
    administrator marked the school as one where teachers have a subject.
    """
    roles = link or teacher
    texts = [_plain(role) for role in roles]
    if any(_CARES_FOR_CLASS.search(role) for role in texts):
        return None
    subjects = _named(link) or _named(teacher)
    if subject_school:
        return subjects
    of_subject = any(_IS_OF_SUBJECT.search(role) for role in texts) or bool(_named(roles))
    return subjects if of_subject and CLASS_TEACHER not in texts else None


def _plain(role: str) -> str:
    """A role in small letters, each letter with its accent as one character."""
    return unicodedata.normalize("NFC", role).casefold()


def _named(roles: Iterable[str]) -> Subjects:
    return frozenset().union(*(subjects_named(role) for role in roles))


def _roles(text: str) -> list[str]:
    return [role.strip() for role in text.split(",") if role.strip()]


# -- what a viewer sees -------------------------------------------------------------------------------------------


def limited_classes(connection: Connection, viewer: Viewer) -> dict[int, Subjects]:
    """The classes of which the viewer sees some subjects alone, and which; without those that are seen whole."""
    if not viewer.is_limited_by_roster:
        return {}
    limits = _limits(connection, viewer, linked_classes(viewer)).get(viewer.teacher_id or 0, {})
    found = {class_id: subjects for class_id, subjects in limits.items() if subjects is not None}
    if found and viewer.role_id is not None:  # who stands in for a class has it from the administrator, whole
        for class_id in connection.scalars(given_classes(viewer)):
            found.pop(class_id, None)
    return found


def limited_pupils(connection: Connection, viewer: Viewer, pupil_ids: Sequence[int]) -> dict[int, Subjects]:
    """Those of these pupils of whom the viewer sees some subjects alone, and which."""
    limited = limited_classes(connection, viewer)
    if not limited:
        return {}
    rows = connection.execute(
        select(memberships.c.pupil_id, groups.c.class_id)
        .join(groups, and_(groups.c.school_id == memberships.c.school_id, groups.c.id == memberships.c.group_id))
        .where(
            memberships.c.school_id == viewer.school_id,
            memberships.c.pupil_id.in_(pupil_ids),
            memberships.c.to_us.is_(None),
            can_see_class(viewer, groups.c.school_id, groups.c.class_id),
        )
    )
    by_pupil: dict[int, list[Subjects | None]] = defaultdict(list)
    for pupil_id, class_id in rows:
        by_pupil[pupil_id].append(limited.get(class_id))
    return {pupil_id: joined for pupil_id, of in by_pupil.items() if (joined := joined_limits(of)) is not None}


def joined_limits(limits: Iterable[Subjects | None]) -> Subjects | None:
    """What several links show together; None: everything."""
    joined: Subjects = frozenset()
    for subjects in limits:
        if subjects is None:
            return None
        joined |= subjects
    return joined


def _limits(connection: Connection, viewer: Viewer, links: Select[Any]) -> dict[int, dict[int, Subjects | None]]:
    """By teacher and class what these links show together; `links` are selected from `teacher_groups`."""
    of_teacher = and_(teachers.c.school_id == teacher_groups.c.school_id, teachers.c.id == teacher_groups.c.teacher_id)
    rows = connection.execute(
        links.add_columns(
            teacher_groups.c.teacher_id, teacher_groups.c.roles, teachers.c.roles.label("own"),
            schools.c.subject_teachers,
        )
        .join(teachers, of_teacher)
        .join(schools, schools.c.id == teacher_groups.c.school_id)
    ).all()  # fmt: skip
    found: dict[int, dict[int, list[Subjects | None]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        limit = limit_of(_roles(row.roles), _roles(row.own), row.subject_teachers)
        found[row.teacher_id][row.class_id].append(limit)
    limited = [teacher_id for teacher_id, of in found.items() if any(None not in limits for limits in of.values())]
    given = _set_subjects(connection, viewer, limited) if limited else {}
    return {
        teacher_id: {
            class_id: None if (joined := joined_limits(limits)) is None else joined | given.get(teacher_id, frozenset())
            for class_id, limits in of.items()
        }
        for teacher_id, of in found.items()
    }


def _set_subjects(connection: Connection, viewer: Viewer, teacher_ids: Sequence[int]) -> dict[int, Subjects]:
    """By teacher the subjects that an administrator set."""
    found: dict[int, set[str]] = defaultdict(set)
    own = (taught_subjects.c.school_id == viewer.school_id, taught_subjects.c.teacher_id.in_(teacher_ids))
    for row in connection.execute(select(taught_subjects).where(*own)):
        found[row.teacher_id].add(row.subject)
    return {teacher_id: frozenset(subjects) for teacher_id, subjects in found.items()}


def definitions_of(connection: Connection, viewer: Viewer, subjects: Subjects) -> frozenset[int]:
    """The definitions of tests of these subjects, by the mapping of the school: whose results may be read."""
    if not subjects:
        return frozenset()

    def compute() -> frozenset[int]:
        mapping = subject_mapping(connection, viewer.school_id)
        rows = connection.execute(
            select(
                test_definitions.c.id, test_definitions.c.source_id, test_definitions.c.subject_term,
                test_definitions.c.code,
            ).where(test_definitions.c.school_id == viewer.school_id)
        )  # fmt: skip
        return frozenset(
            row.id for row in rows if subject_of(row.source_id, row.subject_term, row.code, mapping) in subjects
        )

    # A message with a definition that is new is a general change, after which this is computed anew.
    of_nobody: OfPupils[frozenset[int]] = OfPupils(lambda _: (), lambda kept, _: kept)
    key = ("definitions", viewer, subjects)
    return once_per_version(connection, viewer.school_id, key, compute, lambda found: len(found) // 20, of_nobody)


# -- for administrators and reviews ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SubjectTeacher:
    """A teacher who sees some subjects alone, and in which classes.

    `by_roster`: what the roster names, in all of these classes together; `given`: what was set by hand; `lacks`:
    whether no subject is known in one of them.
    """

    id: int
    name: str
    classes: tuple[str, ...]
    by_roster: Subjects
    given: Subjects
    lacks: bool


def subject_teachers(connection: Connection, viewer: Viewer) -> list[SubjectTeacher]:
    """The subject teachers of the administrator's school in this school year, by name. Raises AccessDenied."""
    check_administers(viewer)
    limits = _limits_of_school(connection, viewer)
    own = classes.c.school_id == viewer.school_id
    names = {row.id: row.name for row in connection.execute(select(classes.c.id, classes.c.name).where(own))}
    given = _set_subjects(connection, viewer, list(limits))
    known = (teachers.c.school_id == viewer.school_id, teachers.c.id.in_(limits))
    found = []
    for row in connection.execute(select(teachers).where(*known)):
        limited, by_hand = limits[row.id], given.get(row.id, frozenset())
        name = full_name(row.first_name, row.prefix, row.last_name) or f"#{row.id}"
        in_classes = tuple(sorted({names[class_id] for class_id in limited}, key=collation_key))
        by_roster = frozenset().union(*limited.values()) - by_hand
        found.append(SubjectTeacher(row.id, name, in_classes, by_roster, by_hand, not all(limited.values())))
    return sorted(found, key=lambda teacher: (collation_key(teacher.name), teacher.id))


def limits_of_teachers(connection: Connection, viewer: Viewer) -> dict[int, dict[int, Subjects]]:
    """By teacher and class the subjects that the subject teachers of the school see. Raises AccessDenied."""
    check_reviews_access(viewer)
    return _limits_of_school(connection, viewer)


def _limits_of_school(connection: Connection, viewer: Viewer) -> dict[int, dict[int, Subjects]]:
    """The limits of all teachers of the school, but of those whose account has a role that sees classes whole."""
    whole = [role.value for role in Role if (one := Viewer(0, role, 0)).teaches and not one.is_limited_by_roster]
    query = select(account_roles.c.teacher_id).where(
        account_roles.c.school_id == viewer.school_id, account_roles.c.role.in_(whole), active()
    )
    see_whole = set(connection.scalars(query))
    found = {}
    for teacher_id, by_class in _limits(connection, viewer, links_of_school(viewer.school_id)).items():
        limited = {class_id: subjects for class_id, subjects in by_class.items() if subjects is not None}
        if limited and teacher_id not in see_whole:
            found[teacher_id] = limited
    return found


def set_subject(connection: Connection, viewer: Viewer, teacher_id: int, subject: str) -> None:
    """Let a teacher of the administrator's school see a subject in the classes where the roster limits them.

    Raises AccessDenied, also for a teacher or subject that is not there.
    """
    check_administers(viewer)
    known = select(teachers.c.id).where(teachers.c.school_id == viewer.school_id, teachers.c.id == teacher_id)
    if subject not in SUBJECTS or connection.scalar(known) is None:
        raise AccessDenied("no such teacher or subject")
    row = {"school_id": viewer.school_id, "teacher_id": teacher_id, "subject": subject}
    new = insert_or(connection, taught_subjects).values(**row, set_by=viewer.name, set_us=clock.now_us())
    connection.execute(new.on_conflict_do_nothing())


def unset_subject(connection: Connection, viewer: Viewer, teacher_id: int, subject: str) -> None:
    """Take that back, from the next request on. Raises AccessDenied where it was not set."""
    check_administers(viewer)
    same = (
        taught_subjects.c.school_id == viewer.school_id,
        taught_subjects.c.teacher_id == teacher_id,
        taught_subjects.c.subject == subject,
    )
    if connection.execute(delete(taught_subjects).where(*same)).rowcount == 0:
        raise AccessDenied("that subject was not set")


def is_subject_school(connection: Connection, viewer: Viewer) -> bool:
    """Whether the viewer's school is marked as one where teachers have a subject."""
    return bool(connection.scalar(select(schools.c.subject_teachers).where(schools.c.id == viewer.school_id)))


def mark_subject_school(connection: Connection, viewer: Viewer, marked: bool) -> None:
    """Mark the administrator's school so, or no longer, from the next request on. Raises AccessDenied."""
    check_administers(viewer)
    connection.execute(update(schools).where(schools.c.id == viewer.school_id).values(subject_teachers=marked))
