"""How a class stands now: its picture, signals, thresholds and groups; the one way in which screens ask for them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, select

from models.access.people import class_list, pupils_by_class
from models.access.viewer import Viewer
from models.classroom.attention import AttentionGroup, attention_groups
from models.classroom.class_data import ClassData, read_class_data
from models.classroom.class_thresholds import thresholds_of
from models.classroom.goals import due_dates_of
from models.classroom.holidays import DEFAULT_REGION, REGIONS, Holidays
from models.classroom.signal_resolutions import SignalTarget, newest_resolutions
from models.classroom.signals import DueDate, Signal, SignalInputs, open_by_pupil, signals
from models.classroom.thresholds import Thresholds
from models.results.periods import Period
from models.schema.tables import schools


@dataclass(frozen=True, slots=True)
class ClassState:
    """The picture of some classes with what follows from it."""

    class_data: ClassData
    signals: tuple[Signal, ...]
    thresholds: dict[int, Thresholds]
    due_dates: tuple[DueDate, ...]
    region: str

    @property
    def open_signals(self) -> dict[int, list[Signal]]:
        """The open signals by pupil."""
        return open_by_pupil(self.signals)

    def attention_groups(self, period: Period) -> dict[int, AttentionGroup]:
        """The group of each pupil in a period."""
        return attention_groups(self.class_data, period, self.open_signals, self.thresholds)


def region_of(connection: Connection, viewer: Viewer) -> str:
    """The region whose school holidays the viewer's school has."""
    found = connection.scalar(select(schools.c.region).where(schools.c.id == viewer.school_id))
    return found if found in REGIONS else DEFAULT_REGION


def class_state(
    connection: Connection,
    viewer: Viewer,
    class_ids: list[int],
    school_year: str,
    holidays: Holidays,
    since: str | None = None,
) -> ClassState:
    """How these classes stand, as far as the viewer sees them; with the parts of tests from the day `since` on."""
    class_data = read_class_data(connection, viewer, class_ids, school_year, since)
    limits = thresholds_of(connection, viewer, class_ids)
    due = due_dates_of(connection, viewer, class_ids)
    region = region_of(connection, viewer)
    settled = newest_resolutions(connection, viewer, [member.id for member in class_data.members], class_ids)
    found = signals(class_data, SignalInputs(limits, holidays, region, settled, due))
    return ClassState(class_data, tuple(found), limits, tuple(due), region)


def present_signals(
    connection: Connection, viewer: Viewer, targets: Collection[SignalTarget], school_year: str, holidays: Holidays
) -> set[SignalTarget]:
    """What the signals are about that there are now, in the classes of the viewer that these are about.

    Class by class: a pupil of several classes is judged by each of them, as a screen of that class does.
    """
    named = {target.class_id for target in targets}
    pupils = {target.pupil_id for target in targets}
    held_by = pupils_by_class(connection, viewer, [class_ref.id for class_ref in class_list(connection, viewer)])
    wanted = [class_id for class_id, ids in held_by.items() if class_id in named or ids & pupils]
    states = (class_state(connection, viewer, [class_id], school_year, holidays) for class_id in wanted)
    return {signal.target for state in states for signal in state.signals}
