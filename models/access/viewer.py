"""Who looks, and the SQL predicate of what they may see: joined into every query of
pupils and classes, never a filter afterwards."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, or_, select

from models.schema import clock
from models.schema.tables import classes, groups, memberships, pupils, schools, stand_ins, teacher_groups


class Role(StrEnum):
    """What somebody is to a school."""

    TEACHER = "teacher"
    MENTOR = "mentor"
    SUPPORT = "support"  # intern begeleider: the whole school
    ADMINISTRATOR = "administrator"  # connections, matching and accounts of the own school; no results
    STAND_IN = "stand_in"  # invaller: the classes that an administrator gave until a day
    LEADER = "leader"  # schoolleider: figures of the classes of the own school; results where the school lets them
    BOARD = "board"  # bestuur: figures of the schools that gave the account this role
    PUPIL = "pupil"  # sees the page with their own results
    PARENT = "parent"  # sees that page of one pupil
    VENDOR = "vendor"  # tests a connection with made-up data: sees no class and no pupil of any school


@dataclass(frozen=True, slots=True)
class Viewer:
    """Somebody who looks at one school; `teacher_id` links them to the roster (None: no link).

    `role_id` is the role of an account, by which they may stand in for a class; `pupil_id` is whom the school linked a
    pupil or parent to. `leader_reads`: the school lets its leaders read names and results, as looked up for this
    request. `user_key` tells two people of one role
    apart; it decides nothing about what they may see, so that it does not count when viewers are compared.
    """

    school_id: int
    role: Role
    teacher_id: int | None = None
    name: str = ""
    user_key: str = field(default="", compare=False)
    role_id: int | None = None
    pupil_id: int | None = None
    leader_reads: bool = False

    @property
    def sees_whole_school(self) -> bool:
        """Whether the role, not the roster link, decides which pupils are seen."""
        return self.role is Role.SUPPORT or (self.role is Role.LEADER and self.leader_reads)

    @property
    def is_limited_by_roster(self) -> bool:
        """Whether the roster may say of which subjects they see results; the roles above a teacher see all."""
        return self.teacher_id is not None and self.role in (Role.TEACHER, Role.STAND_IN)

    @property
    def reads_results(self) -> bool:
        """Whether the role reads names and results of pupils."""
        return self.teaches or self.sees_whole_school

    @property
    def may_administer(self) -> bool:
        """Whether connections, matching and subjects may be changed."""
        return self.role is Role.ADMINISTRATOR

    @property
    def teaches(self) -> bool:
        """Whether the role works with pupils: reads their results, settles signals, writes notes, sets goals."""
        return self.role in (Role.TEACHER, Role.MENTOR, Role.STAND_IN, Role.SUPPORT)

    @property
    def sees_one_pupil(self) -> bool:
        """Whether the role sees the own page of one pupil, and nothing else of the school."""
        return self.role in (Role.PUPIL, Role.PARENT)

    @property
    def reads_restricted_notes(self) -> bool:
        """Whether the role may read restricted notes that others wrote."""
        return self.role is Role.SUPPORT

    @property
    def gives_pupil_files(self) -> bool:
        """Whether the role may save everything that is stored about a pupil: who may read all of it already."""
        return self.role is Role.SUPPORT

    @property
    def reads_figures(self) -> bool:
        """Whether the role reads counts per class, which name no pupil."""
        return self.role is Role.LEADER

    @property
    def oversees(self) -> bool:
        """Whether the role reads counts per school, of every school that gave it to the account."""
        return self.role is Role.BOARD

    @property
    def reviews_access(self) -> bool:
        """Whether the role may see who looked at whom."""
        return self.role in (Role.SUPPORT, Role.ADMINISTRATOR)

    @property
    def may_test(self) -> bool:
        """Whether a connection may be put to the test, with made-up data."""
        return self.role in (Role.ADMINISTRATOR, Role.VENDOR)


class AccessDenied(Exception):
    """The viewer may not see or change this, or named something that is not there."""


def check_administers(viewer: Viewer) -> None:
    """Raises AccessDenied for whoever does not administer the school."""
    if not viewer.may_administer:
        raise AccessDenied("this is for an administrator of the school")


def check_reviews_access(viewer: Viewer) -> None:
    """Raises AccessDenied for whoever may not see who looked at whom."""
    if not viewer.reviews_access:
        raise AccessDenied("who looked is for administrators and learning support")


def check_reads_figures(viewer: Viewer) -> None:
    """Raises AccessDenied for whoever does not lead the school."""
    if not viewer.reads_figures:
        raise AccessDenied("figures per class are for school leaders")


def check_oversees(viewer: Viewer) -> None:
    """Raises AccessDenied for whoever is of no board."""
    if not viewer.oversees:
        raise AccessDenied("figures per school are for boards")


def can_see_class(viewer: Viewer, school_id: ColumnElement[int], class_id: ColumnElement[int]) -> ColumnElement[bool]:
    """Whether `viewer` may see the results of the class of a row: own school, and a link to it in this school year.

    The school year is that of today: a link of last year shows nothing any more, one of next year nothing yet. Who
    stands in for a class sees it until and including the last day. Of which subjects a teacher sees the results is
    decided where results are read (`models.results.own_subjects`).
    """
    own = school_id == viewer.school_id
    if viewer.sees_whole_school:
        return own
    if not viewer.teaches:
        return false()
    ways = [] if viewer.teacher_id is None else [class_id.in_(linked_classes(viewer))]
    ways += [] if viewer.role_id is None else [class_id.in_(given_classes(viewer))]
    return and_(own, or_(false(), *ways))


def linked_classes(viewer: Viewer) -> Select[Any]:
    """The classes of this school year that the roster links a teacher to, a row for each link."""
    return links_of_school(viewer.school_id).where(teacher_groups.c.teacher_id == viewer.teacher_id)


def links_of_school(school_id: int) -> Select[Any]:
    """The classes of this school year that the roster links any teacher to, a row for each link."""
    return (
        select(groups.c.class_id)
        .join(
            teacher_groups,
            and_(teacher_groups.c.school_id == groups.c.school_id, teacher_groups.c.group_id == groups.c.id),
        )
        .where(
            groups.c.school_id == school_id,
            groups.c.school_year == clock.school_year(clock.today()),
            teacher_groups.c.to_us.is_(None),
        )
    )


def given_classes(viewer: Viewer) -> Select[Any]:
    """The classes of this school year that somebody stands in for today."""
    return (
        select(stand_ins.c.class_id)
        .join(classes, and_(classes.c.school_id == stand_ins.c.school_id, classes.c.id == stand_ins.c.class_id))
        .where(
            stand_ins.c.school_id == viewer.school_id,
            stand_ins.c.role_id == viewer.role_id,
            classes.c.school_year == clock.school_year(clock.today()),
            stands_in_now(),
        )
    )


def stands_in_now() -> ColumnElement[bool]:
    """The condition that a row of `stand_ins` holds today."""
    return and_(stand_ins.c.ended_us.is_(None), stand_ins.c.until_on >= clock.today().isoformat())


def can_see_pupil(viewer: Viewer, school_id: ColumnElement[int], pupil_id: ColumnElement[int]) -> ColumnElement[bool]:
    """Whether `viewer` may see the results of the pupil of a row: own school, and a pupil of a class that they see.

    A pupil or parent sees the one pupil whom the school linked them to (`_linked_pupil`).
    """
    if viewer.sees_whole_school:
        return school_id == viewer.school_id
    if viewer.sees_one_pupil:
        return and_(school_id == viewer.school_id, pupil_id.in_(_linked_pupil(viewer)))
    members = (
        select(memberships.c.pupil_id)
        .join(groups, and_(groups.c.school_id == memberships.c.school_id, groups.c.id == memberships.c.group_id))
        .where(
            memberships.c.school_id == viewer.school_id,
            memberships.c.to_us.is_(None),
            can_see_class(viewer, groups.c.school_id, groups.c.class_id),
        )
    )
    return and_(school_id == viewer.school_id, pupil_id.in_(members))


def _linked_pupil(viewer: Viewer) -> Select[tuple[int]]:
    """The pupil of a pupil or parent: while the school shows the page, and the pupil is in a class of this year."""
    today = clock.today()
    return (
        select(memberships.c.pupil_id)
        .join(groups, and_(groups.c.school_id == memberships.c.school_id, groups.c.id == memberships.c.group_id))
        .join(pupils, and_(pupils.c.school_id == memberships.c.school_id, pupils.c.id == memberships.c.pupil_id))
        .join(schools, schools.c.id == memberships.c.school_id)
        .where(
            memberships.c.school_id == viewer.school_id,
            memberships.c.pupil_id == viewer.pupil_id,
            memberships.c.to_us.is_(None),
            groups.c.school_year == clock.school_year(today),
            or_(pupils.c.left_on.is_(None), pupils.c.left_on >= today.isoformat()),
            schools.c.own_page,
        )
    )


def can_name_class(viewer: Viewer, school_id: ColumnElement[int], class_id: ColumnElement[int]) -> ColumnElement[bool]:
    """Whether `viewer` may know the class of a row by name: administrators of the school too, without its results."""
    return school_id == viewer.school_id if viewer.may_administer else can_see_class(viewer, school_id, class_id)


def can_name_pupil(viewer: Viewer, school_id: ColumnElement[int], pupil_id: ColumnElement[int]) -> ColumnElement[bool]:
    """Whether `viewer` may see who the pupil of a row is: who administers the school links numbers to its pupils."""
    return school_id == viewer.school_id if viewer.may_administer else can_see_pupil(viewer, school_id, pupil_id)
