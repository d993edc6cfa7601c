"""Who can see a pupil now, since when and until when: for a review by the school, and for a request by parents."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, and_, func, select

from models.access.accounts import active, leaders_read
from models.access.people import can_see_all, full_name
from models.access.viewer import Role, Viewer, check_reviews_access, stands_in_now
from models.schema import clock
from models.schema.collation import collation_key
from models.schema.tables import (
    account_roles,
    accounts,
    classes,
    groups,
    memberships,
    stand_ins,
    teacher_groups,
    teachers,
)


@dataclass(frozen=True, slots=True)
class Access:
    """Somebody who can see a pupil: as teacher of a class, or by their role alone (`class_name` None).

    `since_us` is None for who has no account but is a user of the program. `until_on` is the last day (`YYYY-MM-DD`) of
    who stands in for a class. `teacher_id` and `class_id` are of who is linked to a class by the roster.
    """

    name: str
    role: Role
    class_name: str | None
    since_us: int | None
    until_on: str | None = None
    teacher_id: int | None = None
    class_id: int | None = None


def whole_school_roles(connection: Connection, viewer: Viewer) -> list[Role]:
    """The roles that see all pupils of the viewer's school now."""
    reads = leaders_read(connection, viewer)
    return [role for role in Role if Viewer(viewer.school_id, role, leader_reads=reads).sees_whole_school]


def who_can_see(connection: Connection, viewer: Viewer, pupil_id: int) -> list[Access]:
    """Everybody who can see a pupil of the viewer's school now, by name. Raises AccessDenied."""
    check_reviews_access(viewer)
    by_class = connection.execute(
        select(
            teachers.c.first_name, teachers.c.prefix, teachers.c.last_name, classes.c.name,
            func.min(teacher_groups.c.from_us).label("since_us"), teachers.c.id, classes.c.id.label("class_id"),
        )
        .select_from(memberships)
        .join(groups, and_(groups.c.school_id == memberships.c.school_id, groups.c.id == memberships.c.group_id))
        .join(classes, and_(classes.c.school_id == groups.c.school_id, classes.c.id == groups.c.class_id))
        .join(teacher_groups, and_(teacher_groups.c.school_id == groups.c.school_id,
                                   teacher_groups.c.group_id == groups.c.id, teacher_groups.c.to_us.is_(None)))
        .join(teachers, and_(teachers.c.school_id == groups.c.school_id, teachers.c.id == teacher_groups.c.teacher_id))
        .where(
            memberships.c.school_id == viewer.school_id,
            memberships.c.pupil_id == pupil_id,
            memberships.c.to_us.is_(None),
            groups.c.school_year == clock.school_year(clock.today()),
        )
        .group_by(teachers.c.id, teachers.c.first_name, teachers.c.prefix, teachers.c.last_name, classes.c.id,
                  classes.c.name)
    )  # fmt: skip
    found = [
        Access(
            full_name(row.first_name, row.prefix, row.last_name) or "–", Role.TEACHER, row.name, row.since_us,
            teacher_id=row.id, class_id=row.class_id,
        )
        for row in by_class
    ]  # fmt: skip
    whole_school = [role.value for role in whole_school_roles(connection, viewer)]
    by_role = connection.execute(
        select(accounts.c.name, account_roles.c.role, account_roles.c.granted_us)
        .join(accounts, accounts.c.id == account_roles.c.account_id)
        .where(account_roles.c.school_id == viewer.school_id, account_roles.c.role.in_(whole_school), active())
    )
    found += [Access(row.name, Role(row.role), None, row.granted_us) for row in by_role]
    found += _standing_in(connection, viewer, pupil_id)
    found += _linked_to(connection, viewer, pupil_id)
    return sorted(found, key=lambda access: (collation_key(access.name), access.class_name or ""))


def _linked_to(connection: Connection, viewer: Viewer, pupil_id: int) -> list[Access]:
    """The pupil and the parents who see the page with own results, while they do."""
    rows = connection.execute(
        select(accounts.c.name, account_roles.c.role, account_roles.c.granted_us)
        .join(accounts, accounts.c.id == account_roles.c.account_id)
        .where(account_roles.c.school_id == viewer.school_id, account_roles.c.pupil_id == pupil_id, active())
    )
    found = [Access(row.name, Role(row.role), None, row.granted_us) for row in rows]
    linked = Viewer(viewer.school_id, Role.PUPIL, pupil_id=pupil_id)
    return found if found and can_see_all(connection, linked, [pupil_id]) else []


def _standing_in(connection: Connection, viewer: Viewer, pupil_id: int) -> list[Access]:
    """Who stands in for a class of the pupil today."""
    of_group = and_(groups.c.school_id == stand_ins.c.school_id, groups.c.class_id == stand_ins.c.class_id)
    rows = connection.execute(
        select(
            accounts.c.name, account_roles.c.role, stand_ins.c.granted_us, stand_ins.c.until_on,
            classes.c.name.label("class_name"),
        )
        .select_from(stand_ins)
        .join(account_roles, and_(account_roles.c.id == stand_ins.c.role_id, active()))
        .join(accounts, accounts.c.id == account_roles.c.account_id)
        .join(classes, and_(classes.c.school_id == stand_ins.c.school_id, classes.c.id == stand_ins.c.class_id))
        .join(groups, of_group)
        .join(
            memberships,
            and_(memberships.c.school_id == groups.c.school_id, memberships.c.group_id == groups.c.id),
        )
        .where(
            stand_ins.c.school_id == viewer.school_id,
            stands_in_now(),
            classes.c.school_year == clock.school_year(clock.today()),
            memberships.c.pupil_id == pupil_id,
            memberships.c.to_us.is_(None),
        )
        .distinct()
    )  # fmt: skip
    return [Access(row.name, Role(row.role), row.class_name, row.granted_us, row.until_on) for row in rows]
