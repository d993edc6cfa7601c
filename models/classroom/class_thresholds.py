"""Every threshold of the signals and of the attention groups, and what classes have set.

A class has one set of thresholds, shared by all its teachers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, and_, delete, insert, select

from models.access.viewer import Viewer, can_see_class
from models.classroom.attention import GROUP_THRESHOLDS
from models.classroom.signals import SignalRule, kind_of
from models.classroom.thresholds import Threshold, Thresholds
from models.schema import clock
from models.schema.tables import class_thresholds, classes


def _all_thresholds() -> dict[str, Threshold]:
    kinds = sorted((kind_of(rule) for rule in SignalRule), key=lambda kind: kind.by_agreement)
    signal_thresholds = [threshold for kind in kinds for threshold in kind.thresholds]
    return {threshold.name: threshold for threshold in (*GROUP_THRESHOLDS, *signal_thresholds)}


# By name, in the order of a form: of the groups, of signals from data, of signals from agreements.
THRESHOLDS: Mapping[str, Threshold] = _all_thresholds()


class ThresholdRefused(Exception):
    """A threshold outside of its bounds, or one that the viewer may not set; nothing was changed."""


@dataclass(frozen=True, slots=True)
class Change:
    """A threshold that a class has set: to what value, by whom and when."""

    name: str
    value: int
    set_by: str
    set_us: int


def changes(connection: Connection, viewer: Viewer, class_id: int) -> list[Change]:
    """The thresholds that a class has set, in the order of `THRESHOLDS`, as far as the viewer sees the class."""
    by_name = {
        row.name: Change(row.name, row.value, row.set_by, row.set_us)
        for row in connection.execute(
            select(class_thresholds).where(
                class_thresholds.c.class_id == class_id,
                can_see_class(viewer, class_thresholds.c.school_id, class_thresholds.c.class_id),
            )
        )
    }
    return [by_name[name] for name in THRESHOLDS if name in by_name]


def thresholds_of(connection: Connection, viewer: Viewer, class_ids: Sequence[int]) -> dict[int, Thresholds]:
    """The thresholds of each of these classes."""
    changed: dict[int, dict[str, int]] = {class_id: {} for class_id in class_ids}
    for row in connection.execute(
        select(class_thresholds).where(
            class_thresholds.c.school_id == viewer.school_id, class_thresholds.c.class_id.in_(class_ids)
        )
    ):
        if row.name in THRESHOLDS:
            changed[row.class_id][row.name] = row.value
    return {class_id: Thresholds(values) for class_id, values in changed.items()}


def set_thresholds(connection: Connection, viewer: Viewer, class_id: int, values: Mapping[str, int]) -> None:
    """Set thresholds of a class by name; at its default a threshold counts as not set. All or none.

    Raises ThresholdRefused.
    """
    if not may_set(connection, viewer, class_id):
        raise ThresholdRefused("class")
    for name, value in values.items():
        if name not in THRESHOLDS or not THRESHOLDS[name].allows(value):
            raise ThresholdRefused(name)
    for name, value in values.items():
        _set_threshold(connection, viewer, class_id, THRESHOLDS[name], value)


def _set_threshold(connection: Connection, viewer: Viewer, class_id: int, threshold: Threshold, value: int) -> None:
    same_row = and_(
        class_thresholds.c.school_id == viewer.school_id,
        class_thresholds.c.class_id == class_id,
        class_thresholds.c.name == threshold.name,
    )
    present = connection.scalar(select(class_thresholds.c.value).where(same_row))
    if value == (threshold.default if present is None else present):
        return
    connection.execute(delete(class_thresholds).where(same_row))
    if value != threshold.default:
        connection.execute(
            insert(class_thresholds).values(
                school_id=viewer.school_id, class_id=class_id, name=threshold.name, value=value,
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
