"""Deletes a school with all of its data; for the fictitious schools of sandboxes."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, delete, select

from models.schema.tables import deliveries, metadata, raw_messages, schools


def erase_schools(connection: Connection, school_ids: Collection[int]) -> None:
    """Delete every row of these schools, and the schools; raw messages go with their deliveries."""
    of_school = select(deliveries.c.id).where(deliveries.c.school_id.in_(school_ids))
    connection.execute(delete(raw_messages).where(raw_messages.c.delivery_id.in_(of_school)))
    for table in reversed(metadata.sorted_tables):
        if "school_id" in table.c and table.name != "test_rooms":
            connection.execute(delete(table).where(table.c.school_id.in_(school_ids)))
    connection.execute(delete(schools).where(schools.c.id.in_(school_ids)))
