"""Queries for the results of some pupils, from their identifiers into the index `results_by_pupil`.

Two steps on purpose: in a single query SQLite scans all results of the school before it looks at the pupils.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    Exists,
    Select,
    and_,
    exists,
    false,
    func,
    literal,
    null,
    or_,
    select,
    union_all,
)

from models.access.viewer import Viewer, can_see_pupil
from models.results.current_results import ResultRow
from models.results.own_subjects import Subjects, definitions_of, limited_pupils
from models.results.periods import Period
from models.schema.records import Absence, Kind
from models.schema.tables import identifiers, results

WHOLE_TEST_KINDS = (Kind.SCORE, Kind.OSO, Kind.PROGRESS)
PART_KINDS = (Kind.SCORE, Kind.PROGRESS)
SCORE_KINDS = (Kind.SCORE, Kind.OSO)

# What is read for a `ResultRow`, in the order of its fields; the pupil follows from the identifier.
_COLUMNS = tuple(results.columns["identifier_id" if name == "pupil_id" else name] for name in ResultRow._fields)
_COLUMNS_WITHOUT_LINK = tuple(null() if column is results.c.info_url else column for column in _COLUMNS)


@dataclass(frozen=True, slots=True)
class Owners:
    """Whose results are read: the pupil of each identifier.

    `limited`: by pupil, where the viewer is a subject teacher, the subjects that are read; `definitions`: the
    definitions of tests of these subjects.
    """

    pupils: Mapping[int, int]
    limited: Mapping[int, Subjects] = field(default_factory=dict)
    definitions: Mapping[Subjects, frozenset[int]] = field(default_factory=dict)

    def condition(self) -> ColumnElement[bool]:
        """The condition that a row of `results` is among what is read; every query of results has it."""
        of_anybody = results.c.identifier_id.in_(sorted(self.pupils))
        if not self.limited:
            return of_anybody
        by_subjects: dict[Subjects | None, list[int]] = defaultdict(list)
        for identifier_id, pupil_id in sorted(self.pupils.items()):
            by_subjects[self.limited.get(pupil_id)].append(identifier_id)
        ways = [
            results.c.identifier_id.in_(ids)
            if subjects is None
            else and_(results.c.identifier_id.in_(ids), results.c.definition_id.in_(sorted(self.definitions[subjects])))
            for subjects, ids in by_subjects.items()
        ]
        return and_(of_anybody, or_(false(), *ways))  # the first is what the index is searched by


class MadeTest(NamedTuple):
    """A test, or a part of one, that a pupil made on a day.

    `part_id` is 0 for the whole test; if the query did not ask for parts, it is that of the first of them.
    """

    pupil_id: int
    test_id: int
    taken_on: str
    definition_id: int
    part_id: int
    absence: None = None  # it was offered


def pupil_identifiers(connection: Connection, viewer: Viewer, pupil_ids: list[int]) -> Owners:
    """The identifiers of these pupils, as far as the viewer may see the pupils, and of which subjects.

    The subjects are read first: who loses a class in between is limited in it, and then does not see it.
    """
    limited = limited_pupils(connection, viewer, pupil_ids)
    definitions = {of: definitions_of(connection, viewer, of) for of in set(limited.values())}
    rows = connection.execute(
        select(identifiers.c.id, identifiers.c.pupil_id).where(
            identifiers.c.school_id == viewer.school_id,
            identifiers.c.pupil_id.in_(pupil_ids),
            can_see_pupil(viewer, identifiers.c.school_id, identifiers.c.pupil_id),
        )
    )
    return Owners({row.id: row.pupil_id for row in rows}, limited, definitions)


def all_rows(connection: Connection, viewer: Viewer, owners: Owners, period: Period) -> list[ResultRow]:
    """Every result of the period, with the publisher's link."""
    return _fetch(connection, owners, _query(viewer, owners, period, link=True))


def total_rows(connection: Connection, viewer: Viewer, owners: Owners, period: Period) -> list[ResultRow]:
    """The scores and progress records of whole tests."""
    query = _query(viewer, owners, period).where(results.c.part_id == 0, results.c.kind.in_(WHOLE_TEST_KINDS))
    return _fetch(connection, owners, query)


def part_rows(connection: Connection, viewer: Viewer, owners: Owners, period: Period, all_from: str) -> list[ResultRow]:
    """The scores and progress records of parts.

    Before the day `all_from` only those of sittings without a row for the whole test: their total must be derived.
    """
    query = _query(viewer, owners, period).where(results.c.part_id > 0, results.c.kind.in_(PART_KINDS))
    recent = query.where(results.c.taken_on >= all_from)
    if all_from <= period.first:
        return _fetch(connection, owners, recent)
    # No OR: PostgreSQL would read the totals of all pupils for it, or look for each total by itself.
    without_total = query.where(
        results.c.taken_on < all_from, ~_has_total(viewer, owners, Period(period.first, all_from))
    )
    return _fetch(connection, owners, union_all(recent, without_total))


def made_outside(connection: Connection, viewer: Viewer, owners: Owners, period: Period) -> list[MadeTest]:
    """What was made outside of the period; a test that was not offered was not made.

    A sitting comes once for each definition that rows of it came with.
    """
    query = _made(viewer, owners, parts=False).where(_outside(period))
    return _made_tests(connection, owners, query)


def made_but_not_read(
    connection: Connection, viewer: Viewer, owners: Owners, period: Period, all_from: str, *, parts: bool
) -> list[MadeTest]:
    """What was made and is not among `total_rows` of the period and `part_rows` of the same period and `all_from`.

    With `parts` one entry for each part, else one for each sitting and definition. A part that was read because its
    sitting has no row for the whole test is here again.
    """
    older_parts = and_(results.c.part_id > 0, results.c.taken_on < all_from)
    query = _made(viewer, owners, parts=parts).where(or_(_outside(period), older_parts))
    return _made_tests(connection, owners, query)


def is_made(row: ResultRow) -> bool:
    """Whether a row says that its test or part was made: it is no progress record, and was offered."""
    return row.kind in SCORE_KINDS and row.absence != Absence.NOT_OFFERED


def of_owners(viewer: Viewer, owners: Owners) -> tuple[ColumnElement[bool], ...]:
    """Only results of these identifiers that may be read, within the viewer's school."""
    return (results.c.school_id == viewer.school_id, owners.condition())


def _has_total(viewer: Viewer, owners: Owners, period: Period) -> Exists:
    """Whether a sitting of the period has a row for the whole test.

    It says of that row what the query says of others: an engine that reads these rows by themselves reads no more.
    """
    whole = results.alias("whole")
    return exists(
        select(literal(1))
        .select_from(whole)
        .where(
            whole.c.school_id == viewer.school_id,
            whole.c.identifier_id.in_(sorted(owners.pupils)),
            whole.c.taken_on.between(period.first, period.last),
            whole.c.part_id == 0,
            whole.c.school_id == results.c.school_id,
            whole.c.identifier_id == results.c.identifier_id,
            whole.c.taken_on == results.c.taken_on,
            whole.c.test_id == results.c.test_id,
            whole.c.kind == results.c.kind,
        )
    )


def _made(viewer: Viewer, owners: Owners, *, parts: bool) -> Select[Any]:
    r = results.c
    columns = (r.identifier_id, r.test_id, r.taken_on, r.definition_id)
    return (
        select(*columns, r.part_id if parts else func.min(r.part_id))
        .where(
            *of_owners(viewer, owners),
            r.kind.in_(SCORE_KINDS),
            or_(r.absence.is_(None), r.absence != Absence.NOT_OFFERED),
        )
        .group_by(*columns, *([r.part_id] if parts else []))
    )


def _made_tests(connection: Connection, owners: Owners, query: Select[Any]) -> list[MadeTest]:
    return [
        MadeTest(owners.pupils[identifier_id], test_id, taken_on, definition_id, part_id)
        for identifier_id, test_id, taken_on, definition_id, part_id in connection.execute(query).all()
    ]


def _outside(period: Period) -> ColumnElement[bool]:
    return or_(results.c.taken_on < period.first, results.c.taken_on > period.last)


def _query(viewer: Viewer, owners: Owners, period: Period, link: bool = False) -> Select[Any]:
    """The columns of `ResultRow`, with the identifier in the position of the pupil."""
    columns: Sequence[ColumnElement[Any]] = _COLUMNS if link else _COLUMNS_WITHOUT_LINK
    in_period = results.c.taken_on.between(period.first, period.last)
    return select(*columns).where(*of_owners(viewer, owners), in_period)


def _fetch(connection: Connection, owners: Owners, query: Select[Any] | CompoundSelect[Any]) -> list[ResultRow]:
    return [ResultRow(owners.pupils[identifier_id], *rest) for identifier_id, *rest in connection.execute(query)]
