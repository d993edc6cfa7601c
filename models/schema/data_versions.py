"""A number per school that every change of its data raises, so that whatever was computed from the data knows its age.

It is raised in the transaction of the change itself (`models.schema.database.write_transaction`): whoever reads the
number sees the data that belong to it, or newer data.
"""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, insert, select, update

from models.schema.tables import data_versions

ALL_SCHOOLS = 0  # raised by changes that name no school

_RAISE = (
    update(data_versions)
    .where(data_versions.c.school_id == bindparam("school"))
    .values(version=data_versions.c.version + 1)
)

DataVersion = tuple[tuple[int, int], ...]  # (school or ALL_SCHOOLS, number), those that were ever raised


def raise_version(connection: Connection, school_id: int | None) -> None:
    """Count a change of a school's data, or of what all schools share (None); call it under the lock of the school."""
    named = school_id or ALL_SCHOOLS
    if connection.execute(_RAISE, {"school": named}).rowcount == 0:
        connection.execute(insert(data_versions).values(school_id=named, version=1))


def data_version(connection: Connection, school_id: int) -> DataVersion:
    """The version of a school's data; read it before the data."""
    rows = connection.execute(
        select(data_versions.c.school_id, data_versions.c.version)
        .where(data_versions.c.school_id.in_((ALL_SCHOOLS, school_id)))
        .order_by(data_versions.c.school_id)
    )
    return tuple((row.school_id, row.version) for row in rows)
