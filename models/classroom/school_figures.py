"""Figures per class of a school, without pupils: for who leads a school and sees nobody's results."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from models.access.people import ClassRef, class_list
from models.access.viewer import Role, Viewer, check_reads_figures
from models.classroom.attention import AttentionGroup
from models.classroom.class_state import class_state
from models.classroom.holidays import Holidays
from models.results.periods import of_school_year

FEWEST = 5  # pupils of a class with figures: of fewer a number says who it is about


@dataclass(frozen=True, slots=True)
class ClassFigures:
    """A class, and how many of its pupils are in each attention group this school year; None where it is too small."""

    class_ref: ClassRef
    groups: Mapping[AttentionGroup, int] | None


def school_figures(connection: Connection, viewer: Viewer, holidays: Holidays) -> list[ClassFigures]:
    """The figures of every class of the viewer's school, in the order of the class list. Raises AccessDenied."""
    check_reads_figures(viewer)
    # Counted as learning support sees the classes, so that both speak of the same numbers; only counts are returned.
    counting = Viewer(viewer.school_id, Role.SUPPORT)
    return [
        ClassFigures(class_ref, _groups(connection, counting, class_ref, holidays))
        for class_ref in class_list(connection, counting)
    ]


def _groups(
    connection: Connection, counting: Viewer, class_ref: ClassRef, holidays: Holidays
) -> Mapping[AttentionGroup, int] | None:
    state = class_state(connection, counting, [class_ref.id], class_ref.school_year, holidays)
    placements = state.placements(of_school_year(class_ref.school_year))
    if len(placements) < FEWEST:
        return None
    counts = Counter(placement.group for placement in placements.values())
    return {group: counts[group] for group in AttentionGroup}
