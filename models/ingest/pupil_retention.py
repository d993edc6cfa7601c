"""Pupils whose time is over: who left long ago, and results of nobody known that came long ago.

A pupil has left on the later of two days: the leaving date of the pupil list, and the end of the last membership of a
group, which ends with its school year at the latest. Of a pupil without either the day counts on which the last result
came in. While a legal hold stands nothing is deleted (`models.ingest.legal_holds`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import ColumnElement, Connection, Engine, and_, func, select

from models.access.viewer import Viewer
from models.ingest import erasure
from models.ingest.erasure import PupilUnknown
from models.ingest.legal_holds import Held, standing_holds
from models.schema import clock, database
from models.schema.encryption import PiiCipher
from models.schema.tables import deliveries, groups, identifiers, memberships, pupils, results
from models.schema.terms import PupilRetention

COMING_DAYS = 30  # that a report looks ahead


@dataclass(frozen=True, slots=True)
class Due:
    """Whose data is deleted on `on` or soon after: a pupil, or (`pupil_id` None) nobody known under an identifier."""

    pupil_id: int | None
    identifier_id: int | None
    on: date

    def is_due(self, today: date) -> bool:
        """Whether the time is over."""
        return self.on <= today


@dataclass(frozen=True, slots=True)
class RetentionReport:
    """How much of a school is deleted now and in the coming month, and how many of those are under a hold."""

    pupils_due: int
    pupils_coming: int
    unmatched_due: int
    unmatched_coming: int
    held: int
    whole_school_held: bool


def report(connection: Connection, viewer: Viewer, terms: PupilRetention) -> RetentionReport:
    """What `delete_due` would delete now, and what becomes due in COMING_DAYS; nothing is changed.

    For administrators of the school. Raises AccessDenied.
    """
    today = clock.today()
    held = {hold.pupil_id for hold in standing_holds(connection, viewer)}
    due = list(_coming(connection, viewer.school_id, terms, today + timedelta(days=COMING_DAYS)))
    free = [] if None in held else [item for item in due if item.pupil_id is None or item.pupil_id not in held]

    def count(of_pupils: bool, now: bool) -> int:
        return sum((item.pupil_id is not None) is of_pupils and item.is_due(today) is now for item in free)

    return RetentionReport(
        pupils_due=count(True, True),
        pupils_coming=count(True, False),
        unmatched_due=count(False, True),
        unmatched_coming=count(False, False),
        held=len(due) - len(free),
        whole_school_held=None in held,
    )


def delete_due(engine: Engine, cipher: PiiCipher, school_id: int, terms: PupilRetention) -> tuple[list[int], int]:
    """Delete whoever is due in a school; the numbers of the pupils, and how many identifiers of nobody known.

    A transaction each, so that nobody waits long. The files of the database are not purged.
    """
    today = clock.today()
    with database.read_transaction(engine) as connection:
        due = [item for item in _coming(connection, school_id, terms, today) if item.is_due(today)]
    deleted, unmatched = [], 0
    for item in due:
        try:
            with database.read_transaction(engine) as connection:
                if item.pupil_id is not None:
                    person = erasure.find_pupil(connection, cipher, school_id, item.pupil_id)
                else:
                    assert item.identifier_id is not None
                    person = erasure.find_unmatched(connection, cipher, school_id, item.identifier_id)
            erasure.delete_person(engine, cipher, person)
        except (Held, PupilUnknown):  # since the list was made
            continue
        if item.pupil_id is not None:
            deleted.append(item.pupil_id)
        else:
            unmatched += 1
    return deleted, unmatched


def _coming(connection: Connection, school_id: int, terms: PupilRetention, until: date) -> Iterator[Due]:
    """Whatever is due by `until`."""
    for pupil_id, left_on in _left(connection, school_id).items():
        due_on = left_on + timedelta(days=terms.left_days)
        if due_on <= until:
            yield Due(pupil_id, None, due_on)
    of_nobody = _last_results(connection, school_id, identifiers.c.pupil_id.is_(None))
    for identifier_id, came_on in of_nobody.items():
        due_on = came_on + timedelta(days=terms.unmatched_days)
        if due_on <= until:
            yield Due(None, identifier_id, due_on)


def _left(connection: Connection, school_id: int) -> Mapping[int, date]:
    """The last day of each pupil who is not at the school any more."""
    today = clock.today()
    last = _last_memberships(connection, school_id)
    left: dict[int, date] = {}
    rows = connection.execute(select(pupils.c.id, pupils.c.left_on).where(pupils.c.school_id == school_id)).all()
    for row in rows:
        stated = date.fromisoformat(row.left_on) if row.left_on is not None and clock.is_day(row.left_on) else None
        days = [day for day in (stated, last.get(row.id)) if day is not None]
        left_on = max(days) if days else _last_result_of(connection, school_id, row.id)
        if left_on is not None and left_on < today:
            left[row.id] = left_on
    return left


def _last_memberships(connection: Connection, school_id: int) -> dict[int, date]:
    """The last day of each pupil in a group."""
    rows = connection.execute(
        select(
            memberships.c.pupil_id,
            groups.c.school_year,
            func.max(memberships.c.to_us).label("to_us"),
            (func.count() - func.count(memberships.c.to_us)).label("open"),
        )
        .join(groups, and_(groups.c.school_id == memberships.c.school_id, groups.c.id == memberships.c.group_id))
        .where(memberships.c.school_id == school_id)
        .group_by(memberships.c.pupil_id, groups.c.school_year)
    )
    last: dict[int, date] = {}
    for row in rows:
        year_end = clock.school_year_bounds(row.school_year)[1]
        day = year_end if row.open else min(year_end, _day(row.to_us))
        last[row.pupil_id] = max(day, last.get(row.pupil_id, day))
    return last


def _last_results(connection: Connection, school_id: int, whose: ColumnElement[bool]) -> dict[int, date]:
    """The day on which the last result came in under each of the identifiers that `whose` selects."""
    rows = connection.execute(
        select(identifiers.c.id, func.max(deliveries.c.received_us).label("came_us"))
        .join(results, and_(results.c.school_id == school_id, results.c.identifier_id == identifiers.c.id))
        .join(deliveries, and_(deliveries.c.school_id == school_id, deliveries.c.id == results.c.delivery_id))
        .where(identifiers.c.school_id == school_id, whose)
        .group_by(identifiers.c.id)
    )
    return {row.id: _day(row.came_us) for row in rows}


def _last_result_of(connection: Connection, school_id: int, pupil_id: int) -> date | None:
    days = _last_results(connection, school_id, identifiers.c.pupil_id == pupil_id).values()
    return max(days, default=None)


def _day(moment_us: int) -> date:
    return clock.from_us(moment_us).astimezone(clock.AMSTERDAM).date()
