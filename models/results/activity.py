"""On which day a pupil last worked with each source.

A score is work on its test date. A progress record states totals up to its date, and a source may send the same totals
every day: its work was on the first day that the source stated this amount. What was only opened or set ready is none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from sqlalchemy import Connection, Select, and_, func, or_, select

from models.access.viewer import Viewer
from models.results.current_results import ResultRow
from models.schema.records import Absence, Kind, Status
from models.schema.tables import KEY_COLUMNS, result_history, results

SAME = ("school_year", "identifier_id", "test_id", "part_id")  # a key may have been of something else before
MAX_KEYS = 5_000  # in one query: both databases bound the number of parameters

Days = dict[int, dict[int, str]]  # by pupil and source


def last_active_days(connection: Connection, viewer: Viewer, rows: Iterable[ResultRow], year_begins: str) -> Days:
    """The last day of work by pupil and source; `rows` hold every score and progress record that counts."""
    work = [row for row in rows if _is_work(row)]
    reports = [row for row in work if row.kind == Kind.PROGRESS and row.taken_on >= year_begins]
    stated = _stated_before(connection, viewer, reports)
    first: dict[tuple[object, ...], str] = {}
    for row in reports:
        day = min(row.taken_on, stated.get((row.source_id, row.key), row.taken_on))
        first[_amount(row)] = min(day, first.get(_amount(row), day))
    found: Days = defaultdict(dict)
    for row in work:
        own = found[row.pupil_id]
        own[row.source_id] = max(own.get(row.source_id, ""), first.get(_amount(row), row.taken_on))
    return dict(found)


def _is_work(row: ResultRow) -> bool:
    if row.kind != Kind.PROGRESS:
        return row.absence != Absence.NOT_OFFERED
    return row.made > 0 if row.made is not None else row.status in (Status.BUSY, Status.DONE)


def _amount(row: ResultRow) -> tuple[object, ...]:
    """What a pupil did of a test or part, by one record: the exercises made, or without them the state and the time."""
    if row.kind != Kind.PROGRESS:
        return ()
    done = (row.made,) if row.made is not None else (None, row.status, row.worked_ms)
    return (row.pupil_id, row.test_id, row.part_id, *done)


def _stated_before(connection: Connection, viewer: Viewer, reports: list[ResultRow]) -> dict[tuple[int, str], str]:
    """By source and key the first day on which the same amount was stated, where an earlier record said it."""
    keys: dict[int, list[str]] = defaultdict(list)
    for row in reports:
        keys[row.source_id].append(row.key)
    found: dict[tuple[int, str], str] = {}
    for source_id, several in keys.items():
        for begin in range(0, len(several), MAX_KEYS):
            query = _same_amount(viewer, source_id, several[begin : begin + MAX_KEYS])
            found |= {(source_id, key): day for key, day in connection.execute(query)}
    return found


def _same_amount(viewer: Viewer, source_id: int, keys: list[str]) -> Select[str, str]:
    now, before = results.c, result_history.c
    nothing = -1
    same_time = func.coalesce(before.worked_ms, nothing) == func.coalesce(now.worked_ms, nothing)
    without_number = and_(before.made.is_(None), now.made.is_(None), before.status == now.status, same_time)
    return (
        select(now.key, func.min(before.taken_on))
        .join(
            result_history,
            and_(*(before[name] == now[name] for name in (*KEY_COLUMNS, *SAME))),
        )
        .where(
            now.school_id == viewer.school_id,
            now.source_id == source_id,
            now.key.in_(keys),
            now.kind == Kind.PROGRESS,
            or_(before.made == now.made, without_number),
        )
        .group_by(now.key)
    )
