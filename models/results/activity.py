"""The last day on which a pupil worked with each source.

A score counts as work on its test date. A progress record states totals up to its date, and a source may send the same
totals every day: the work was done on the first day that the source stated this amount. A test that was only opened or
set ready is not work.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from sqlalchemy import Connection, and_, func, or_, select

from models.access.viewer import Viewer
from models.results.current_results import ResultRow
from models.results.result_rows import Owners, of_owners
from models.schema.records import Absence, Kind, Status
from models.schema.stored_result import KEY_COLUMNS
from models.schema.tables import result_history, results

SAME_RESULT = ("school_year", "identifier_id", "test_id", "part_id")  # a source may reuse a key for another result

Days = dict[int, dict[int, str]]  # by pupil and source


def last_active_days(
    connection: Connection, viewer: Viewer, owners: Owners, rows: Iterable[ResultRow], year_begins: str
) -> Days:
    """The last day of work by pupil and source; `rows` are all scores and progress records of these identifiers."""
    work = [row for row in rows if _is_work(row)]
    records = [row for row in work if row.kind == Kind.PROGRESS and row.taken_on >= year_begins]
    stated = _first_stated(connection, viewer, owners, year_begins) if records else {}
    first: dict[tuple[object, ...], str] = {}
    for row in records:
        day = min(row.taken_on, stated.get((row.source_id, row.key), row.taken_on))
        first[_amount(row)] = min(day, first.get(_amount(row), day))
    days: Days = defaultdict(dict)
    for row in work:
        by_source = days[row.pupil_id]
        by_source[row.source_id] = max(by_source.get(row.source_id, ""), first.get(_amount(row), row.taken_on))
    return dict(days)


def _is_work(row: ResultRow) -> bool:
    if row.kind != Kind.PROGRESS:
        return row.absence != Absence.NOT_OFFERED
    return row.made > 0 if row.made is not None else row.status in (Status.BUSY, Status.DONE)


def _amount(row: ResultRow) -> tuple[object, ...]:
    """How much of a test or part a record says is done: exercises made, or status and time if it does not say so."""
    if row.kind != Kind.PROGRESS:
        return ()
    amount = (row.made,) if row.made is not None else (None, row.status, row.worked_ms)
    return (row.pupil_id, row.test_id, row.part_id, *amount)


def _first_stated(
    connection: Connection, viewer: Viewer, owners: Owners, year_begins: str
) -> dict[tuple[int, str], str]:
    """By source and key the first day on which an earlier version of a record stated the same amount."""
    now, before = results.c, result_history.c
    nothing = -1
    same_time = func.coalesce(before.worked_ms, nothing) == func.coalesce(now.worked_ms, nothing)
    without_number = and_(before.made.is_(None), now.made.is_(None), before.status == now.status, same_time)
    rows = connection.execute(
        select(now.source_id, now.key, func.min(before.taken_on))
        .join(result_history, and_(*(before[name] == now[name] for name in (*KEY_COLUMNS, *SAME_RESULT))))
        .where(
            *of_owners(viewer, owners),
            now.kind == Kind.PROGRESS,
            now.taken_on >= year_begins,
            or_(before.made == now.made, without_number),
        )
        .group_by(now.source_id, now.key)
    )
    return {(source_id, key): day for source_id, key, day in rows}
