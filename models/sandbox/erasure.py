"""Deletes a school with all of its data; for the fictitious schools of sandboxes."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, delete

from models.schema.tables import metadata, schools


def erase_schools(connection: Connection, school_ids: Collection[int]) -> None:
    """Delete every row of these schools, and the schools."""
    for table in reversed(metadata.sorted_tables):
        if "school_id" in table.c and table.name != "test_rooms":
            connection.execute(delete(table).where(table.c.school_id.in_(school_ids)))
    connection.execute(delete(schools).where(schools.c.id.in_(school_ids)))
