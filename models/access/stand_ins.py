"""Standing in: a class that an account may see until a day, given by an administrator.

Whether it still holds is decided when something is read (`models.access.viewer.can_see_class`); nothing has to run.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, insert, select, update

from models.access.accounts import SchoolAccount, accounts_of_school, active
from models.access.people import classes_by_name
from models.access.viewer import AccessDenied, Role, Viewer, check_administers, stands_in_now
from models.schema import clock
from models.schema.collation import collation_key
from models.schema.tables import account_roles, accounts, classes, stand_ins


@dataclass(frozen=True, slots=True)
class StandIn:
    """Who stands in for a class of the school, until and including which day (`YYYY-MM-DD`), and who gave that."""

    id: int
    name: str
    class_name: str
    until_on: str
    granted_by: str
    granted_us: int


# Who sees some classes only; learning support sees the school already.
STANDING_IN = (Role.STAND_IN, Role.TEACHER, Role.MENTOR)


class StandInRefused(Exception):
    """Somebody cannot stand in; `reason` is role, class or day."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def last_day() -> str:
    """The last day until which somebody can stand in: that of this school year."""
    return clock.school_year_bounds(clock.school_year(clock.today()))[1].isoformat()


def candidates(connection: Connection, viewer: Viewer) -> list[SchoolAccount]:
    """Who at the administrator's school can be given a class: accounts that see some classes. Raises AccessDenied."""
    return [item for item in accounts_of_school(connection, viewer) if item.role in STANDING_IN]


def stand_ins_of_school(connection: Connection, viewer: Viewer) -> list[StandIn]:
    """Who stands in at the administrator's school now, by name. Raises AccessDenied."""
    check_administers(viewer)
    rows = connection.execute(
        select(stand_ins, accounts.c.name.label("account"), classes.c.name.label("class_name"))
        .join(account_roles, and_(account_roles.c.id == stand_ins.c.role_id, active()))
        .join(accounts, accounts.c.id == account_roles.c.account_id)
        .join(classes, and_(classes.c.school_id == stand_ins.c.school_id, classes.c.id == stand_ins.c.class_id))
        .where(stand_ins.c.school_id == viewer.school_id, stands_in_now())
    )
    found = [StandIn(row.id, row.account, row.class_name, row.until_on, row.granted_by, row.granted_us) for row in rows]
    return sorted(found, key=lambda item: (collation_key(item.name), collation_key(item.class_name), item.id))


def give(connection: Connection, viewer: Viewer, role_id: int, class_id: int, until_on: str) -> int:
    """Let a role of the administrator's school see a class until and including a day; returns the number of it.

    What was given for the same role and class before ends. Raises AccessDenied or StandInRefused.
    """
    check_administers(viewer)
    if role_id not in [item.role_id for item in candidates(connection, viewer)]:
        raise StandInRefused("role")
    if class_id not in [class_ref.id for class_ref in classes_by_name(connection, viewer)]:
        raise StandInRefused("class")
    if not clock.is_day(until_on) or not clock.today().isoformat() <= until_on <= last_day():
        raise StandInRefused("day")
    same = (stand_ins.c.school_id == viewer.school_id, stand_ins.c.role_id == role_id, stand_ins.c.class_id == class_id)
    _end(connection, viewer, *same)
    values = {"until_on": until_on, "granted_by": viewer.name, "granted_us": clock.now_us()}
    new = insert(stand_ins).values(school_id=viewer.school_id, role_id=role_id, class_id=class_id, **values)
    return int(connection.execute(new.returning(stand_ins.c.id)).scalar_one())


def end(connection: Connection, viewer: Viewer, number: int) -> None:
    """End it before its day, from the next request on. Raises AccessDenied."""
    check_administers(viewer)
    if not _end(connection, viewer, stand_ins.c.school_id == viewer.school_id, stand_ins.c.id == number):
        raise AccessDenied("nobody stands in by this number")


def _end(connection: Connection, viewer: Viewer, *which: ColumnElement[bool]) -> bool:
    """End those of these that have not ended; whether there was one."""
    ended = {"ended_by": viewer.name, "ended_us": clock.now_us()}
    query = update(stand_ins).where(*which, stand_ins.c.ended_us.is_(None)).values(**ended)
    return connection.execute(query).rowcount > 0
