"""What *Mijn leerlingen* and the hand-over page show for an address: read once, in one transaction, for both.

A row a pupil over classes, a column a subject. What a cell says without a score is judged within the pupil's own class,
as on the class screen: what another class uses says nothing about this one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from urllib.parse import urlencode

from sqlalchemy import Connection

from dashboard.ui import addresses
from dashboard.ui.filters import LONGEST_TEXT, THIS_YEAR, current_school_year, period_dates, read_filters
from dashboard.ui.matrix_columns import subject_order
from dashboard.ui.sparklines import Spark, range_of
from models.access.people import ClassRef, Member, class_list, class_members, school_name
from models.access.viewer import Viewer
from models.classroom.attention import Placement
from models.classroom.class_data import ClassData, ScoredTest, growth_points
from models.classroom.class_overview import ClassOverview, class_overview, missing_reason
from models.classroom.class_state import ClassState, class_state
from models.classroom.goals import Goal, goals_of
from models.classroom.holidays import Holidays
from models.classroom.notes import Note, notes_of
from models.classroom.readiness import Readiness, readiness, ready, without_progress
from models.classroom.signals import Signal, Topic, topics
from models.results.growth import Growth, growth
from models.results.periods import Period
from models.results.progress import PupilProgress
from models.results.scales import Missing, NormPosition
from models.results.subject_materials import SubjectMaterial
from models.schema.collation import collation_key
from models.schema.encryption import PiiCipher
from models.schema.records import SCALE

CONTROLS = ("klas", "periode", "vak", "signalen")
WITH, WITHOUT = "met", "zonder"
SIGNALS = (WITH, WITHOUT)
TOPICS, READY = "stof", "klaar"
QUESTIONS = (TOPICS, READY)
MAX_CLASSES_AT_FIRST = 3  # for who sees the whole school: about 75 pupils; all 200 would take half a second
_NUMBERS = re.compile(rf"{addresses.NUMBER}(?:,{addresses.NUMBER}){{0,199}}", re.ASCII)


@dataclass(frozen=True, slots=True)
class MyPupilsFilters:
    """What the page shows; None stands for all.

    `signals`: only pupils with or without an open signal. `question`: which of the question buttons is open; with READY
    only who has finished everything, of `material` where one is named. `pupil_ids` narrows the hand-over page.
    """

    class_ids: tuple[int, ...]
    period: str = THIS_YEAR
    subject: str | None = None
    signals: str | None = None
    question: str | None = None
    material: str | None = None
    pupil_ids: tuple[int, ...] = ()

    @property
    def query(self) -> str:
        """The address behind the question mark; defaults are left out."""
        given = {
            "klas": addresses.numbers(self.class_ids),
            "periode": self.period if self.period != THIS_YEAR else "",
            "vak": self.subject or "",
            "signalen": self.signals or "",
            "vraag": self.question or "",
            "materiaal": self.material or "",
            "leerling": addresses.numbers(self.pupil_ids),
        }
        return "?" + urlencode({key: value for key, value in given.items() if value}, safe=",")

    def replacing(self, **changed: object) -> MyPupilsFilters:
        """The same filters with some of them changed."""
        return replace(self, **changed)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class SubjectColumn:
    """A subject with the material that most scores are of; `newest` are the scores by which its scale is named."""

    subject: str
    subject_material: SubjectMaterial
    subject_materials: tuple[SubjectMaterial, ...]
    newest: tuple[ScoredTest, ...]


@dataclass(frozen=True, slots=True)
class SubjectSeries:
    """What may be said of a pupil in a material: every total of the period, or why there is none.

    `drawn` are the scores that stand on the scale of the newest that counts: only those may share a line. `future`: how
    many results count from a later day on.
    """

    subject_material: SubjectMaterial
    totals: tuple[ScoredTest, ...]
    drawn: tuple[ScoredTest, ...] = ()
    spark: Spark | None = None
    missing: Missing | None = None
    progress: PupilProgress | None = None
    future: int = 0

    @property
    def newest(self) -> ScoredTest | None:
        """The newest total."""
        return self.totals[-1] if self.totals else None

    @property
    def counted(self) -> int:
        """How many scores growth is judged from."""
        return len(growth_points(self.totals))

    @property
    def growth(self) -> Growth:
        """How the scores of the period go."""
        return growth(growth_points(self.totals))


@dataclass(frozen=True, slots=True)
class MyPupilsView:
    """Some classes as one page shows them; `pupils` are those that the filters leave, `everyone` all of the classes."""

    classes: tuple[ClassRef, ...]
    filters: MyPupilsFilters
    period: Period
    school_year: str
    everyone: tuple[Member, ...]
    pupils: tuple[Member, ...]
    state: ClassState
    columns: tuple[SubjectColumn, ...]
    overview: ClassOverview
    readiness: tuple[Readiness, ...]
    without_progress: tuple[str, ...]
    topics: tuple[Topic, ...]
    notes: Mapping[int, list[Note]] | None  # None: the viewer reads none
    goals: Mapping[int, dict[SubjectMaterial, Goal]]
    school: str | None
    materials: Mapping[SubjectMaterial, str]  # what each is called
    placements: Mapping[int, Placement]

    @property
    def class_data(self) -> ClassData:
        """All totals of the pupils."""
        return self.state.class_data

    @property
    def names(self) -> list[str]:
        """The names of the classes that are shown."""
        return [class_ref.name for class_ref in self.classes if class_ref.id in self.filters.class_ids]

    @property
    def hidden(self) -> int:
        """How many sittings of the pupils that are shown the period leaves out."""
        return sum(self.overview.hidden_of.get(pupil.id, 0) for pupil in self.pupils)

    def material(self, subject_material: SubjectMaterial) -> str:
        """What the material of a field is called."""
        return self.materials.get(subject_material, subject_material.material)

    def class_name(self, class_id: int) -> str:
        """What a class is called."""
        return next(class_ref.name for class_ref in self.classes if class_ref.id == class_id)

    def signals_of(self, pupil_id: int) -> list[Signal]:
        """The open signals of a pupil, in the subject that is chosen."""
        return _signals_of(self.state, self.filters.subject, pupil_id)

    def settled_of(self, pupil_id: int) -> list[Signal]:
        """The signals of a pupil that teachers settled, in the subject that is chosen."""
        return [
            signal
            for signal in self.state.signals_of(pupil_id)
            if signal.settled and self.filters.subject in (None, signal.subject_material.subject)
        ]

    def held_of(self, pupil_id: int) -> list[Signal]:
        """The signals of a pupil that cannot be judged now, in the subject that is chosen."""
        return [
            signal
            for signal in self.state.signals_of(pupil_id)
            if signal.suppressed and self.filters.subject in (None, signal.subject_material.subject)
        ]

    @property
    def with_signal(self) -> list[Member]:
        """Everybody in the classes who has an open signal."""
        return [member for member in self.everyone if self.signals_of(member.id)]

    def without_work_set(self, readiness: Readiness) -> list[Member]:
        """The pupils whom a material is for, and for whom nothing of it is set ready."""
        audience = self.overview.audience
        return [
            member
            for member in self.everyone
            if member.id not in readiness.set_for
            and audience.reason_not_for(member.id, readiness.subject_materials) is None
        ]

    def totals(self, pupil_id: int, subject_material: SubjectMaterial) -> tuple[ScoredTest, ...]:
        """The totals of a pupil in a material within the period, oldest first."""
        return _within(self.period, self.class_data.totals.get(pupil_id, {}).get(subject_material, []))


def read_my_pupils(
    connection: Connection, cipher: PiiCipher, viewer: Viewer, query: Mapping[str, object], holidays: Holidays
) -> tuple[list[ClassRef], MyPupilsFilters, MyPupilsView | None]:
    """The classes of the viewer, the filters as understood, and what to show; None where there is no class."""
    classes = class_list(connection, viewer)
    filters = read_my_pupils_filters(viewer, classes, query)
    if not classes:
        return classes, filters, None
    if filters.pupil_ids and not query.get("klas"):
        filters = filters.replacing(class_ids=_classes_of(connection, viewer, classes, filters))
    chosen, year = list(filters.class_ids), current_school_year(classes)
    period = period_dates(filters.period, year)
    state = class_state(connection, viewer, chosen, year, holidays, period)
    school = school_name(connection, viewer)
    view = state.once(("my pupils", filters, tuple(classes)), lambda: _view(state, classes, filters, period, school))
    ids = [pupil.id for pupil in view.pupils]
    notes = notes_of(connection, cipher, viewer, ids) if viewer.teaches else None
    goals = goals_of(connection, viewer, ids)
    return classes, filters, replace(view, notes=notes, goals=goals)


def _view(
    state: ClassState, classes: list[ClassRef], filters: MyPupilsFilters, period: Period, school: str | None
) -> MyPupilsView:
    overview = class_overview(state.class_data, period, subject=filters.subject)
    members = state.class_data.members
    ids = [member.id for member in members]
    readiness_by_material = tuple(readiness(state.class_data, ids, filters.subject))
    return MyPupilsView(
        tuple(classes), filters, period, state.class_data.school_year, members,
        tuple(member for member in members if _wanted(member, filters, state, readiness_by_material)), state,
        tuple(_columns(state.class_data, overview, period, filters.subject)),
        overview,
        readiness_by_material,
        tuple(without_progress(state.class_data, ids, period, filters.subject)),
        tuple(_topics(state, period, filters.subject)),
        None,
        {},
        school,
        state.class_data.material_names,
        state.placements(period, lambda item: filters.subject in (None, item.subject)),
    )  # fmt: skip


# -- filters -------------------------------------------------------------------------------------------------


def read_my_pupils_filters(viewer: Viewer, classes: list[ClassRef], query: Mapping[str, object]) -> MyPupilsFilters:
    """The filters as an address or controls state them; anything odd is the default.

    Who teaches begins with all own classes; learning support, who sees the whole school, with the first few.
    """
    most = MAX_CLASSES_AT_FIRST if viewer.sees_whole_school else len(classes)
    first = tuple(class_ref.id for class_ref in classes[:most])
    common = read_filters(classes, query)
    known = {class_ref.id for class_ref in classes}
    named = addresses.read_numbers(query.get("klas"))
    question, material, signals = query.get("vraag"), query.get("materiaal"), query.get("signalen")
    question = question if question in QUESTIONS else None
    return MyPupilsFilters(
        common.class_ids if known.intersection(named) else first,
        common.period,
        common.subject,
        signals if isinstance(signals, str) and signals in SIGNALS else None,
        str(question) if question is not None else None,
        material if question == READY and isinstance(material, str) and 0 < len(material) <= LONGEST_TEXT else None,
        _pupil_ids(query.get("leerling")),
    )


def _pupil_ids(value: object) -> tuple[int, ...]:
    text = ",".join(value) if isinstance(value, list) and all(isinstance(item, str) for item in value) else value
    if not isinstance(text, str) or _NUMBERS.fullmatch(text) is None:
        return ()
    return tuple(dict.fromkeys(addresses.read_numbers(text)))


def _classes_of(
    connection: Connection, viewer: Viewer, classes: list[ClassRef], filters: MyPupilsFilters
) -> tuple[int, ...]:
    """The classes of the pupils that an address names without a class; the default where it names nobody seen."""
    members = class_members(connection, viewer, [class_ref.id for class_ref in classes])
    own = {member.class_id for member in members if member.id in filters.pupil_ids}
    return tuple(class_ref.id for class_ref in classes if class_ref.id in own) or filters.class_ids


def _wanted(
    member: Member, filters: MyPupilsFilters, state: ClassState, readiness_by_material: Sequence[Readiness]
) -> bool:
    if filters.signals is not None:
        has = bool(_signals_of(state, filters.subject, member.id))
        if has != (filters.signals == WITH):
            return False
    if filters.question == READY and member.id not in ready(_of_material(readiness_by_material, filters.material)):
        return False
    return not filters.pupil_ids or member.id in filters.pupil_ids


def _of_material(readiness_by_material: Sequence[Readiness], material: str | None) -> list[Readiness]:
    return [readiness for readiness in readiness_by_material if material in (None, readiness.material)]


# -- what is read --------------------------------------------------------------------------------------------


def _signals_of(state: ClassState, subject: str | None, pupil_id: int) -> list[Signal]:
    return [
        signal for signal in state.open_signals.get(pupil_id, []) if subject in (None, signal.subject_material.subject)
    ]


def _topics(state: ClassState, period: Period, subject: str | None) -> list[Topic]:
    """The parts of the period that are hard for many by the rule of one of the classes, the hardest first."""
    limits = state.shown_thresholds
    return [
        topic
        for topic in topics(state.class_data, None, period)
        if subject in (None, topic.subject_material.subject) and any(topic.is_hard(limit) for limit in limits)
    ]


def _within(period: Period, scored_tests: Sequence[ScoredTest]) -> tuple[ScoredTest, ...]:
    return tuple(scored_test for scored_test in scored_tests if scored_test.taken_on in period)


def _columns(
    class_data: ClassData, overview: ClassOverview, period: Period, subject: str | None
) -> list[SubjectColumn]:
    """A column a subject, in the order of the screens: the material with the most scores, then with most progress."""
    scores: Counter[SubjectMaterial] = Counter()
    newest: dict[SubjectMaterial, list[ScoredTest]] = {}
    for by_material in class_data.totals.values():
        for subject_material, scored_tests in by_material.items():
            counted = [total for total in _within(period, scored_tests) if total.reading.counts]
            if counted:
                scores[subject_material] += len(counted)
                newest.setdefault(subject_material, []).append(counted[-1])
    reported = Counter(
        progress.subject_material for progress_records in overview.progress.values() for progress in progress_records
    )
    subjects: dict[str, list[SubjectMaterial]] = {}
    for material in overview.subject_materials:
        if subject in (None, material.subject):
            subjects.setdefault(material.subject, []).append(material)
    columns = []
    for name, subject_materials in subjects.items():
        subject_materials.sort(
            key=lambda subject_material: (
                -scores[subject_material],
                -reported[subject_material],
                collation_key(subject_material.material),
                subject_material.source_id,
            )
        )
        columns.append(
            SubjectColumn(
                name, subject_materials[0], tuple(subject_materials), tuple(newest.get(subject_materials[0], ()))
            )
        )
    return sorted(columns, key=lambda column: (subject_order(column.subject), column.subject))


# -- lines ---------------------------------------------------------------------------------------------------


def column_series(view: MyPupilsView, column: SubjectColumn) -> dict[int, SubjectSeries]:
    """The line of every pupil that is shown in a subject; all lines of one material and scale share one range."""
    lines = {}
    for pupil in view.pupils:
        # Another material of the subject, where the pupil has nothing in that of the column.
        own = next(
            (
                subject_material
                for subject_material in column.subject_materials
                if view.totals(pupil.id, subject_material)
            ),
            column.subject_material,
        )
        lines[pupil.id] = series_of(view, pupil, own, column.subject_materials)
    return _ranged(lines)


def series_of(
    view: MyPupilsView,
    member: Member,
    subject_material: SubjectMaterial,
    subject_fields: Sequence[SubjectMaterial] = (),
) -> SubjectSeries:
    """What may be said of a pupil in a material; where there is no total, the reason is that of `subject_fields`."""
    totals = view.totals(member.id, subject_material)
    if not totals:
        reason, progress = missing_reason(view.overview, member.id, subject_fields or (subject_material,))
        return SubjectSeries(subject_material, (), missing=reason, progress=progress)
    counted = [total for total in totals if total.reading.counts]
    drawn = tuple(scored_test for scored_test in counted if scored_test.scale == counted[-1].scale)
    future = len(view.overview.future_of(member.id, subject_fields or (subject_material,)))
    return SubjectSeries(subject_material, totals, drawn, future=future)


def bound_of(scored_test: ScoredTest) -> Decimal | None:
    """Where the lowest band of the norm ends and the next begins; None where the source sent no such norm."""
    bands = scored_test.norm.intervals
    return bands[1].low if len(bands) > 1 and bands[0].position is NormPosition.BELOW else None


def _ranged(lines: dict[int, SubjectSeries]) -> dict[int, SubjectSeries]:
    shared: dict[tuple[SubjectMaterial, object], list[SubjectSeries]] = {}
    for line in lines.values():
        if line.drawn:
            shared.setdefault((line.subject_material, line.drawn[-1].scale), []).append(line)
    ranges = {
        key: range_of(
            [_value(score) for line in all_series for score in line.drawn],
            [bound for line in all_series if (bound := bound_of(line.drawn[-1])) is not None],
        )
        for key, all_series in shared.items()
    }
    return {
        pupil_id: replace(series, spark=_spark(series, ranges[series.subject_material, series.drawn[-1].scale]))
        if series.drawn
        else series
        for pupil_id, series in lines.items()
    }


def _spark(line: SubjectSeries, span: tuple[Decimal, Decimal]) -> Spark:
    return Spark(tuple(_value(scored_test) for scored_test in line.drawn), bound_of(line.drawn[-1]), *span)


def _value(scored_test: ScoredTest) -> Decimal:
    return Decimal(scored_test.reading.value or 0) / SCALE
