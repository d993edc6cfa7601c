"""How many results stand in the store, by school, source and school year, kept beside them.

The connections page shows these numbers. To count them again takes as long as a school has years behind it. So whoever
adds results, deletes them or moves them to another school year says so here, in the same transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, bindparam, func, insert, select, update

from models.schema.database import portions
from models.schema.prepared import PreparedStatement
from models.schema.tables import result_counts, results

_ADD = PreparedStatement(
    update(result_counts)
    .where(
        result_counts.c.school_id == bindparam("school"),
        result_counts.c.source_id == bindparam("source"),
        result_counts.c.school_year == bindparam("year"),
    )
    .values(stored=result_counts.c.stored + bindparam("more"))
)


def add(connection: Connection, school_id: int, source_id: int, by_year: Mapping[str, int]) -> None:
    """Count so many results more of a source in each school year; fewer where the number is negative.

    Call it under the lock of the school.
    """
    for year, more in by_year.items():
        if not more:
            continue
        counted = {"school": school_id, "source": source_id, "year": year, "more": more}
        if not _ADD.run(connection, counted):
            first = {"school_id": school_id, "source_id": source_id, "school_year": year, "stored": more}
            connection.execute(insert(result_counts), first)


def subtract(connection: Connection, school_id: int, identifier_ids: Sequence[int]) -> None:
    """Count the results under these identifiers no more; call it before they are deleted, under the lock."""
    for portion in portions(identifier_ids):
        rows = connection.execute(
            select(results.c.source_id, results.c.school_year, func.count())
            .where(results.c.school_id == school_id, results.c.identifier_id.in_(portion))
            .group_by(results.c.source_id, results.c.school_year)
        ).all()
        for source_id, year, number in rows:
            add(connection, school_id, source_id, {year: -number})


def of_school_year(connection: Connection, school_id: int, year: str) -> dict[int, int]:
    """How many results a school has of each source in a school year."""
    counts = result_counts.c
    rows = connection.execute(
        select(counts.source_id, counts.stored).where(
            counts.school_id == school_id, counts.school_year == year, counts.stored > 0
        )
    )
    return dict(rows.all())
