"""The thresholds of the signals and of the four groups: defaults in one data file, and what a class has set.

A class has one set of thresholds, shared by all its teachers.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cache
from importlib import resources

from sqlalchemy import Connection, and_, delete, insert, select

from models.access.viewer import Viewer, can_see_class
from models.schema import clock
from models.schema.tables import class_thresholds, classes


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What holds for a class; what each number means stands in data/thresholds.toml."""

    few_totals: int
    ample_of_three: int
    drop_percent: int
    drop_earlier: int
    stuck_times: int
    idle_school_days: int
    hard_percent: int
    hard_pupils: int
    overdue_school_days: int


NAMES = tuple(item.name for item in fields(Thresholds))


@dataclass(frozen=True, slots=True)
class Bounds:
    """Between which values a class may choose."""

    default: int
    lowest: int
    highest: int


class ThresholdRefused(Exception):
    """A threshold outside of its bounds, or one that the viewer may not set; nothing was changed."""


@cache
def bounds() -> Mapping[str, Bounds]:
    """The bounds and the default of every threshold."""
    text = (resources.files("models.classroom") / "data" / "thresholds.toml").read_text("utf-8")
    given = tomllib.loads(text)
    return {name: Bounds(**given[name]) for name in NAMES}


def defaults() -> Thresholds:
    """What holds where a class has set nothing."""
    return Thresholds(**{name: item.default for name, item in bounds().items()})


@dataclass(frozen=True, slots=True)
class Change:
    """That a class set a threshold: who, and when."""

    name: str
    value: int
    set_by: str
    set_us: int


def changes(connection: Connection, viewer: Viewer, class_id: int) -> list[Change]:
    """What a class that the viewer sees has set, in the order of the thresholds."""
    found = {
        row.name: Change(row.name, row.value, row.set_by, row.set_us)
        for row in connection.execute(
            select(class_thresholds).where(
                class_thresholds.c.class_id == class_id,
                can_see_class(viewer, class_thresholds.c.school_id, class_thresholds.c.class_id),
            )
        )
    }
    return [found[name] for name in NAMES if name in found]


def thresholds_of(connection: Connection, viewer: Viewer, class_ids: Sequence[int]) -> dict[int, Thresholds]:
    """The thresholds of each of these classes: its own, else the defaults."""
    own: dict[int, dict[str, int]] = {class_id: {} for class_id in class_ids}
    for row in connection.execute(
        select(class_thresholds).where(
            class_thresholds.c.school_id == viewer.school_id, class_thresholds.c.class_id.in_(class_ids)
        )
    ):
        if row.name in NAMES:
            own[row.class_id][row.name] = row.value
    return {class_id: replace(defaults(), **values) for class_id, values in own.items()}


def set_thresholds(connection: Connection, viewer: Viewer, class_id: int, wanted: Mapping[str, int]) -> None:
    """Set thresholds of a class; one at its default is no longer set. All or none. Raises ThresholdRefused."""
    if not may_set(connection, viewer, class_id):
        raise ThresholdRefused("class")
    for name, value in wanted.items():
        if name not in NAMES or not bounds()[name].lowest <= value <= bounds()[name].highest:
            raise ThresholdRefused(name)
    for name, value in wanted.items():
        own = and_(
            class_thresholds.c.school_id == viewer.school_id,
            class_thresholds.c.class_id == class_id,
            class_thresholds.c.name == name,
        )
        present = connection.scalar(select(class_thresholds.c.value).where(own))
        if value == (bounds()[name].default if present is None else present):
            continue
        connection.execute(delete(class_thresholds).where(own))
        if value != bounds()[name].default:
            connection.execute(
                insert(class_thresholds).values(
                    school_id=viewer.school_id, class_id=class_id, name=name, value=value,
                    set_by=viewer.name, set_us=clock.now_us(),
                )
            )  # fmt: skip


def may_set(connection: Connection, viewer: Viewer, class_id: int) -> bool:
    """Whether the viewer may set thresholds of a class: whoever teaches it, or supports the whole school."""
    if not viewer.teaches:
        return False
    query = select(classes.c.id).where(
        classes.c.id == class_id, can_see_class(viewer, classes.c.school_id, classes.c.id)
    )
    return connection.scalar(query) is not None
