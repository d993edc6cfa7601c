"""Figures per school for a board: counts without names, of the schools that gave an account the role of the board."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, exists, select

from models.access.people import class_list, class_members, pupils_by_class
from models.access.viewer import AccessDenied, Role, Viewer, check_oversees
from models.classroom.attention import AttentionGroup, Placement
from models.classroom.class_state import class_state
from models.classroom.holidays import Holidays
from models.classroom.school_figures import FEWEST
from models.ingest import result_counts
from models.ingest.freshness import source_states
from models.results.periods import of_school_year
from models.schema import clock
from models.schema.tables import account_roles, identifiers, results, schools


@dataclass(frozen=True, slots=True)
class OverseenSchool:
    """A school that gave the board its role."""

    id: int
    name: str


@dataclass(frozen=True, slots=True)
class SchoolFigures:
    """A school in numbers: `with_results` of its `pupils` have a result of this school year; None of too few pupils.

    `publishers` sent results of this school year. `connected` of all connections work; `late` ones need somebody to
    look; `stopped` ones are at rest.
    """

    school: OverseenSchool
    pupils: int
    with_results: int | None
    publishers: int
    connected: int
    late: int
    stopped: int


def overseen_schools(connection: Connection, viewer: Viewer) -> list[OverseenSchool]:
    """The schools where the account of the viewer has the role of the board now, by name. Raises AccessDenied."""
    check_oversees(viewer)
    present = account_roles.alias()  # the role as which the account looks now
    account = select(present.c.account_id).where(present.c.id == viewer.role_id, present.c.ended_us.is_(None))
    granted = select(account_roles.c.school_id).where(
        account_roles.c.account_id.in_(account),
        account_roles.c.role == Role.BOARD.value,
        account_roles.c.ended_us.is_(None),
    )
    # Without an account, as in a demo, it is the school of the viewer alone.
    own = schools.c.id == viewer.school_id if viewer.role_id is None else schools.c.id.in_(granted)
    rows = connection.execute(select(schools.c.id, schools.c.name).where(own).order_by(schools.c.name, schools.c.id))
    return [OverseenSchool(row.id, row.name or "") for row in rows]


def school_in_figures(connection: Connection, viewer: Viewer, school: OverseenSchool) -> SchoolFigures:
    """The figures of one school, in a transaction that is for that school. Raises AccessDenied."""
    counting = _counting(connection, viewer, school)
    class_ids = [item.id for item in class_list(connection, counting)]
    pupil_ids = {member.id for member in class_members(connection, counting, class_ids)}
    year = clock.school_year(clock.today())
    has_result = exists().where(
        results.c.school_id == school.id, results.c.school_year == year, results.c.identifier_id == identifiers.c.id
    )
    reached = connection.scalars(
        select(identifiers.c.pupil_id).where(
            identifiers.c.school_id == school.id, identifiers.c.pupil_id.is_not(None), has_result
        )
    )
    with_results = len(pupil_ids & {pupil_id for pupil_id in reached if pupil_id is not None})
    states = [state for state in source_states(connection, counting) if state.active]
    late = sum(state.late for state in states)
    stopped = sum(state.stopped for state in states)
    return SchoolFigures(
        school,
        len(pupil_ids),
        with_results if len(pupil_ids) >= FEWEST else None,
        len(result_counts.of_school_year(connection, school.id, year)),
        len(states) - late - stopped,
        late,
        stopped,
    )


def groups_of_school(
    connection: Connection, viewer: Viewer, school: OverseenSchool, holidays: Holidays
) -> Mapping[AttentionGroup, int] | None:
    """How many pupils of a school are in each attention group this school year; None of too few pupils.

    Where fewer than `FEWEST` are in classes without figures, they are left out: the figures per class, which school
    leaders read, would leave just them. In a transaction that is for that school. Raises AccessDenied.
    """
    counting = _counting(connection, viewer, school)
    by_year: dict[str, list[int]] = defaultdict(list)
    for class_ref in class_list(connection, counting):
        by_year[class_ref.school_year].append(class_ref.id)
    placed: dict[int, Placement] = {}
    in_figures: set[int] = set()
    for year, class_ids in by_year.items():
        placed |= class_state(connection, counting, class_ids, year, holidays).placements(of_school_year(year))
        of_classes = pupils_by_class(connection, counting, class_ids).values()
        in_figures.update(*(pupil_ids for pupil_ids in of_classes if len(pupil_ids) >= FEWEST))
    if len(placed.keys() - in_figures) < FEWEST:
        placed = {pupil_id: placement for pupil_id, placement in placed.items() if pupil_id in in_figures}
    if len(placed) < FEWEST:
        return None
    counts = Counter(placement.group for placement in placed.values())
    return {group: counts[group] for group in AttentionGroup}


def _counting(connection: Connection, viewer: Viewer, school: OverseenSchool) -> Viewer:
    """As whom a school is counted: learning support, so that all speak of the same numbers; only counts go out."""
    if school not in overseen_schools(connection, viewer):
        raise AccessDenied("this school did not give the board its role")
    return Viewer(school.id, Role.SUPPORT)
