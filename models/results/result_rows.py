"""Results of pupils, fetched the way that stays flat: from a pupil's identifiers into the index `results_by_pupil`.

Two steps on purpose. Asked in one, SQLite walks through all results of the school before it looks at the pupils.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, exists, literal, null, or_, select

from models.access.viewer import Viewer, can_see_pupil
from models.results.current_results import ResultRow
from models.results.periods import Period
from models.schema.records import Absence, Kind
from models.schema.tables import identifiers, results

Owners = dict[int, int]  # identifier to pupil
WHOLE_TEST_KINDS = (Kind.SCORE, Kind.OSO, Kind.PROGRESS)

# What is read for a `ResultRow`, in the order of its fields; the pupil follows from the identifier.
_READ = tuple(results.columns["identifier_id" if name == "pupil_id" else name] for name in ResultRow._fields)
_READ_WITHOUT_LINK = tuple(null() if column is results.c.info_url else column for column in _READ)


class HiddenRow(NamedTuple):
    """A test that a pupil made outside of the period."""

    pupil_id: int
    test_id: int
    taken_on: str
    definition_id: int


def pupil_identifiers(connection: Connection, viewer: Viewer, pupil_ids: list[int]) -> Owners:
    """The identifiers of these pupils, as far as the viewer sees the pupils."""
    rows = connection.execute(
        select(identifiers.c.id, identifiers.c.pupil_id).where(
            identifiers.c.school_id == viewer.school_id,
            identifiers.c.pupil_id.in_(pupil_ids),
            can_see_pupil(viewer, identifiers.c.school_id, identifiers.c.pupil_id),
        )
    )
    return {row.id: row.pupil_id for row in rows}


def all_rows(connection: Connection, viewer: Viewer, owners: Owners, period: Period) -> list[ResultRow]:
    """Every result of the period, with the publisher's link."""
    return _fetch(connection, owners, _query(viewer, owners, period, link=True))


def total_rows(
    connection: Connection, viewer: Viewer, owners: Owners, period: Period, source_id: int | None = None
) -> list[ResultRow]:
    """The scores and progress records of whole tests; of one source or of all."""
    query = _query(viewer, owners, period).where(results.c.part_id == 0, results.c.kind.in_(WHOLE_TEST_KINDS))
    return _fetch(connection, owners, _of_source(query, source_id))


def progress_rows(
    connection: Connection, viewer: Viewer, owners: Owners, period: Period, source_id: int | None = None
) -> list[ResultRow]:
    """The progress records of tests and parts."""
    query = _query(viewer, owners, period).where(results.c.kind == Kind.PROGRESS)
    return _fetch(connection, owners, _of_source(query, source_id))


def parts_without_total(
    connection: Connection, viewer: Viewer, owners: Owners, period: Period, source_id: int | None = None
) -> list[ResultRow]:
    """The parts of sittings that have no row for the whole test: their total must be derived."""
    whole = results.alias("whole")
    has_total = exists(
        select(literal(1))
        .select_from(whole)
        .where(
            whole.c.school_id == results.c.school_id,
            whole.c.identifier_id == results.c.identifier_id,
            whole.c.part_id == 0,
            whole.c.taken_on == results.c.taken_on,
            whole.c.test_id == results.c.test_id,
            whole.c.kind == results.c.kind,
        )
    )
    query = _query(viewer, owners, period).where(
        results.c.part_id > 0, results.c.kind.in_((Kind.SCORE, Kind.PROGRESS)), ~has_total
    )
    return _fetch(connection, owners, _of_source(query, source_id))


def part_rows(connection: Connection, viewer: Viewer, owners: Owners, period: Period) -> list[ResultRow]:
    """The scores and progress records of parts."""
    query = _query(viewer, owners, period).where(results.c.part_id > 0, results.c.kind.in_((Kind.SCORE, Kind.PROGRESS)))
    return _fetch(connection, owners, query)


def hidden_sittings(
    connection: Connection, viewer: Viewer, owners: Owners, period: Period, source_id: int | None = None
) -> list[HiddenRow]:
    """What was made outside of the period; what was not offered was not made.

    A sitting comes once for each definition that rows of it came with.
    """
    r = results.c
    query = _outside(viewer, owners, period, (r.identifier_id, r.test_id, r.taken_on, r.definition_id))
    return [HiddenRow(owners[owner], *of) for owner, *of in connection.execute(_of_source(query, source_id))]


def hidden_parts(
    connection: Connection,
    viewer: Viewer,
    owners: Owners,
    period: Period,
    source_id: int | None,
) -> list[tuple[HiddenRow, int]]:
    """The same of parts, each row with its part."""
    r = results.c
    query = _outside(viewer, owners, period, (r.identifier_id, r.test_id, r.taken_on, r.definition_id, r.part_id))
    query = query.where(r.part_id > 0)
    rows = connection.execute(_of_source(query, source_id))
    return [(HiddenRow(owners[owner], *of), part_id) for owner, *of, part_id in rows]


def _outside(viewer: Viewer, owners: Owners, period: Period, columns: Sequence[ColumnElement[Any]]) -> Select[Any]:
    r = results.c
    return (
        select(*columns)
        .where(
            *_of_owners(viewer, owners),
            r.kind.in_((Kind.SCORE, Kind.OSO)),
            or_(r.absence.is_(None), r.absence != Absence.NOT_OFFERED),
            or_(r.taken_on < period.first, r.taken_on > period.last),
        )
        .distinct()
    )


def _of_owners(viewer: Viewer, owners: Owners) -> tuple[ColumnElement[bool], ...]:
    return (results.c.school_id == viewer.school_id, results.c.identifier_id.in_(sorted(owners)))


def _query(viewer: Viewer, owners: Owners, period: Period, link: bool = False) -> Select[Any]:
    """The columns of `ResultRow`, with the identifier in place of the pupil."""
    columns: tuple[ColumnElement[Any], ...] = _READ if link else _READ_WITHOUT_LINK
    of_period = results.c.taken_on.between(period.first, period.last)
    return select(*columns).where(*_of_owners(viewer, owners), of_period)


def _of_source(query: Select[Any], source_id: int | None) -> Select[Any]:
    return query if source_id is None else query.where(results.c.source_id == source_id)


def _fetch(connection: Connection, owners: Owners, query: Select[Any]) -> list[ResultRow]:
    return [ResultRow(owners[identifier_id], *rest) for identifier_id, *rest in connection.execute(query)]
