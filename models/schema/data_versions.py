"""Numbers that every change of a school's data raises, so that whatever was computed from the data knows its age.

A change raises the number of its school. Messages with results change only what is known of their pupils: each of those
keeps the number of the last message that did. All other changes are general: the school keeps the number of the last
one. What was computed from the data of some pupils at number N holds as long as neither the last general change nor
that of any of these pupils is later than N.

The numbers are raised in the transaction of the change itself (`models.schema.database.write_transaction`), one after
the other under the lock of the school: whoever reads them sees the data that belong to them, or newer data.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, insert, or_, select, update

from models.schema.prepared import PreparedStatement
from models.schema.tables import data_versions, identifiers, pupils

ALL_SCHOOLS = 0  # raised by changes that name no school

_NEXT = data_versions.c.version + 1
_OF_SCHOOL = update(data_versions).where(data_versions.c.school_id == bindparam("school"))
_RAISE = PreparedStatement(_OF_SCHOOL.values(version=_NEXT, general=_NEXT))
_RAISE_FOR_PUPILS = PreparedStatement(_OF_SCHOOL.values(version=_NEXT).returning(data_versions.c.version))
_READ = PreparedStatement(
    select(data_versions).where(
        or_(data_versions.c.school_id == ALL_SCHOOLS, data_versions.c.school_id == bindparam("school"))
    )
)
_CHANGED_PUPILS = PreparedStatement(
    select(pupils.c.id).where(pupils.c.school_id == bindparam("school"), pupils.c.results_version > bindparam("since"))
)
_STATE_PUPILS = PreparedStatement(
    update(pupils)
    .where(
        pupils.c.school_id == bindparam("school"),
        pupils.c.id.in_(
            select(identifiers.c.pupil_id).where(
                identifiers.c.school_id == bindparam("school"),
                identifiers.c.id.in_(bindparam("identifiers", expanding=True)),
            )
        ),
    )
    .values(results_version=bindparam("number"))
)


class DataVersion(NamedTuple):
    """The number of what all schools share, and those of a school: of its last change, and of its last general one."""

    shared: int
    school: int
    general: int


def raise_version(connection: Connection, school_id: int | None) -> None:
    """Count a change of a school's data, or of what all schools share (None); call it under the lock of the school."""
    named = school_id or ALL_SCHOOLS
    if _RAISE.run(connection, {"school": named}) == 0:
        connection.execute(insert(data_versions).values(school_id=named, version=1, general=1))


def raise_for_pupils(connection: Connection, school_id: int, identifier_ids: Iterable[Sequence[int]]) -> None:
    """Count a change of the results of whoever these identifiers, in portions, belong to, and of nothing else.

    Call it under the lock of the school.
    """
    number = _RAISE_FOR_PUPILS.scalar(connection, {"school": school_id})
    if number is None:
        raise_version(connection, school_id)
        return
    for portion in identifier_ids:
        _STATE_PUPILS.run(connection, {"school": school_id, "identifiers": portion, "number": number})


def data_version(connection: Connection, school_id: int) -> DataVersion:
    """The version of a school's data; read it before the data."""
    rows = {row.school_id: row for row in _READ.all(connection, {"school": school_id})}
    shared, own = rows.get(ALL_SCHOOLS), rows.get(school_id)
    return DataVersion(shared.version if shared else 0, own.version if own else 0, own.general if own else 0)


def pupils_changed_since(connection: Connection, school_id: int, number: int) -> frozenset[int]:
    """The pupils of a school whose results were changed later than at this number of the school."""
    return frozenset(_CHANGED_PUPILS.scalars(connection, {"school": school_id, "since": number}))
