"""The state of some classes: class data, signals, thresholds and attention groups, read together for a screen."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from sqlalchemy import Connection, select

from models.access.people import class_list, overlapping_classes, pupils_by_class
from models.access.viewer import Viewer
from models.classroom.attention import MaterialFilter, Placement, placements
from models.classroom.class_data import ClassData, read_class_data, renewed
from models.classroom.class_thresholds import thresholds_of
from models.classroom.goals import due_dates_of
from models.classroom.holidays import DEFAULT_REGION, REGIONS, Holidays
from models.classroom.signal_resolutions import SignalTarget, newest_resolutions
from models.classroom.signals import DueDate, Signal, SignalInputs, SignalRule, in_order, open_by_pupil, signals
from models.classroom.thresholds import Thresholds
from models.ingest.freshness import source_states
from models.results.periods import Period, of_school_year
from models.schema import clock
from models.schema.recent import Recent
from models.schema.tables import schools
from models.schema.version_cache import OfPupils, once_per_version

MAX_DERIVED = 32
MAX_PIECES = 8_000  # a page of 600 pupils with twelve subjects

Derived = TypeVar("Derived")


@dataclass(frozen=True, slots=True)
class JudgedClasses:
    """What the signals of some classes were judged from, and the signals of each class by itself."""

    class_data: ClassData
    inputs: SignalInputs
    by_class: dict[int, list[Signal]]

    @property
    def pupils(self) -> set[int]:
        """Everybody whose results it depends on."""
        return {member.id for member in self.class_data.members}


@dataclass(frozen=True, slots=True)
class ClassState:
    """The class data of some classes, the signals of their pupils, and the thresholds of every class that has one.

    `judged` is what the signals were judged from: the data with the further classes of the pupils, what else signals
    depend on, and the signals of each class.
    """

    class_data: ClassData
    signals: tuple[Signal, ...]
    thresholds: dict[int, Thresholds]
    due_dates: tuple[DueDate, ...]
    region: str
    judged: JudgedClasses = field(compare=False, repr=False)
    # What was computed from it, see `once`: of a few screens, for the markup of one can be half a megabyte.
    derived: Recent[Hashable, Any] = field(default_factory=lambda: Recent(MAX_DERIVED), compare=False, repr=False)
    # Small pieces with what each was made of: a state that is renewed has those of the one before, see `piece`.
    pieces: Recent[Hashable, tuple[object, Any]] = field(
        default_factory=lambda: Recent(MAX_PIECES), compare=False, repr=False
    )

    def once(self, key: Hashable, compute: Callable[[], Derived]) -> Derived:
        """What `compute` returns, computed once for this state; the key names it among all that is computed so.

        It may depend on nothing but the state and the key.
        """
        kept: Derived | None = self.derived.get(key)
        if kept is not None:
            return kept
        value = compute()
        self.derived.put(key, value)
        return value

    def piece(self, key: Hashable, made_of: object, make: Callable[[], Derived]) -> Derived:
        """What `make` returns, made once for equal `made_of`, which is all that it depends on, besides the day."""
        kept = self.pieces.get(key)
        if kept is not None and kept[0] == made_of:
            piece: Derived = kept[1]
            return piece
        value = make()
        self.pieces.put(key, (made_of, value))
        return value

    @property
    def shown_thresholds(self) -> list[Thresholds]:
        """The thresholds of the classes that are shown."""
        return [limits for class_id, limits in self.thresholds.items() if class_id in self.class_data.classes]

    def signals_of(self, pupil_id: int) -> list[Signal]:
        """All signals of a pupil: open, settled and suppressed."""
        return self.once("signals by pupil", self._by_pupil).get(pupil_id, [])

    def _by_pupil(self) -> dict[int | None, list[Signal]]:
        by_pupil: dict[int | None, list[Signal]] = {}
        for signal in self.signals:
            by_pupil.setdefault(signal.pupil_id, []).append(signal)
        return by_pupil

    @property
    def open_signals(self) -> dict[int, list[Signal]]:
        """The open signals by pupil."""
        return self.once("open signals", lambda: open_by_pupil(self.signals))

    def placements(self, period: Period, wanted: MaterialFilter = lambda _: True) -> dict[int, Placement]:
        """The placement of each pupil in a period, by the materials that `wanted` lets through."""
        about = [signal for signal in self.signals if wanted(signal.subject_material)]
        with_signal = open_by_pupil(about)
        stuck = {signal.pupil_id for signal in about if signal.rule is SignalRule.STUCK and signal.pupil_id is not None}
        return placements(self.class_data, period, with_signal, stuck, self.thresholds, wanted)


def region_of(connection: Connection, viewer: Viewer) -> str:
    """The holiday region of the viewer's school."""
    region = connection.scalar(select(schools.c.region).where(schools.c.id == viewer.school_id))
    return region if region in REGIONS else DEFAULT_REGION


def class_state(
    connection: Connection,
    viewer: Viewer,
    class_ids: list[int],
    school_year: str,
    holidays: Holidays,
    period: Period | None = None,
    *,
    hidden_parts: bool = False,
) -> ClassState:
    """The state of these classes, as far as the viewer may see them.

    `period` is the one that the screen shows, this school year by default. Signals are about this school year and the
    one before, whatever period is shown. It is computed once for each version of the data and each day; the sources
    are those of now.
    """
    period = period or of_school_year(school_year)
    sources = tuple(source_states(connection, viewer))
    judged = tuple(
        (source.id, source.role, source.active, source.stopped, source.late and ("since", source.last_success_us))
        for source in sources
    )

    def compute() -> ClassState:
        day = min(period.last, clock.today().isoformat())
        all_ids = [*class_ids, *overlapping_classes(connection, viewer, class_ids, day)]
        data = read_class_data(
            connection, viewer, all_ids, school_year, period, sources=sources, hidden_parts=hidden_parts
        )
        return _state(_judge(connection, viewer, data, holidays), class_ids)

    def renew(kept: ClassState, changed: frozenset[int]) -> ClassState:
        data = renewed(connection, viewer, kept.judged.class_data, changed, period, hidden_parts=hidden_parts)
        judged_again = _judge_again(kept.judged, replace(data, sources=sources), changed)
        return replace(_state(judged_again, class_ids), pieces=kept.pieces)

    key = ("class state", viewer, tuple(class_ids), school_year, holidays, period, hidden_parts, judged)
    of_pupils: OfPupils[ClassState] = OfPupils(lambda kept: kept.judged.pupils, renew)
    state = once_per_version(
        connection, viewer.school_id, key, compute, lambda new: len(new.judged.class_data.rows), of_pupils
    )
    state.class_data.sources = sources
    return state


def _judge(connection: Connection, viewer: Viewer, class_data: ClassData, holidays: Holidays) -> JudgedClasses:
    """The signals of the classes in `class_data`."""
    class_ids = class_data.class_ids
    pupil_ids = [member.id for member in class_data.members]
    inputs = SignalInputs(
        thresholds_of(connection, viewer, class_ids),
        holidays,
        region_of(connection, viewer),
        newest_resolutions(connection, viewer, pupil_ids, class_ids),
        due_dates_of(connection, viewer, class_ids),
    )
    return JudgedClasses(class_data, inputs, {id_: signals(_judged(class_data, id_), inputs) for id_ in class_ids})


def _judge_again(kept: JudgedClasses, class_data: ClassData, changed: Collection[int]) -> JudgedClasses:
    """The same for data in which only results of some pupils changed: of classes without them nothing did."""
    by_class = {
        class_id: of_class
        if class_data.classes[class_id].isdisjoint(changed)
        else signals(_judged(class_data, class_id), kept.inputs)
        for class_id, of_class in kept.by_class.items()
    }
    return JudgedClasses(class_data, kept.inputs, by_class)


def _state(judged: JudgedClasses, class_ids: list[int]) -> ClassState:
    """The state of some of the classes that were judged, which has the further classes of their pupils as well.

    Each class is judged by itself, so that a pupil has the same signals on every screen, whichever classes it shows. A
    signal that two classes have of one pupil counts once, as in the class with the lower number.
    """
    class_data, inputs = judged.class_data, judged.inputs
    shown = class_data.narrowed(class_ids) if class_data.class_ids != class_ids else class_data
    order = {member.id: position for position, member in enumerate(shown.members)}
    by_target: dict[SignalTarget, Signal] = {}
    for class_id in sorted(class_data.class_ids):
        for signal in judged.by_class[class_id]:
            if signal.pupil_id in order or (signal.pupil_id is None and signal.class_id in shown.classes):
                by_target.setdefault(signal.target, signal)
    due_dates = tuple(item for item in inputs.due_dates if item.class_id in shown.classes)
    all_signals = tuple(in_order(by_target.values(), order))
    return ClassState(shown, all_signals, dict(inputs.thresholds), due_dates, inputs.region, judged)


def _judged(class_data: ClassData, class_id: int) -> ClassData:
    """What signals of a class are judged from: its present pupils, up to the end of the school year."""
    own = class_data.narrowed([class_id]) if class_data.class_ids != [class_id] else class_data
    return own.until(of_school_year(class_data.school_year).last).without_leavers(clock.today().isoformat())


def present_signals(
    connection: Connection, viewer: Viewer, targets: Collection[SignalTarget], school_year: str, holidays: Holidays
) -> set[SignalTarget]:
    """The targets of the present signals of every class of the viewer that one of `targets` is about.

    Class by class: a pupil of several classes has signals in each of them, as on the page of that class.
    """
    target_classes = {target.class_id for target in targets}
    target_pupils = {target.pupil_id for target in targets}
    pupils_of = pupils_by_class(connection, viewer, [class_ref.id for class_ref in class_list(connection, viewer)])
    class_ids = [
        class_id for class_id, pupils in pupils_of.items() if class_id in target_classes or pupils & target_pupils
    ]
    states = (class_state(connection, viewer, [class_id], school_year, holidays) for class_id in class_ids)
    return {signal.target for state in states for signal in state.signals}
