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
from models.access.viewer import Role, Viewer
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
from models.schema.encryption import PiiCipher
from models.schema.records import SCALE

CONTROLS = ("klas", "periode", "vak", "signalen")
WITH, WITHOUT = "met", "zonder"
SIGNALS = (WITH, WITHOUT)
TOPICS, READY = "stof", "klaar"
QUESTIONS = (TOPICS, READY)
MOST_CLASSES_AT_FIRST = 3  # for who sees the whole school: about 75 pupils; all 200 would take half a second
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

    `drawn` are the scores that stand on the scale of the newest that counts: only those may share a line.
    """

    subject_material: SubjectMaterial
    totals: tuple[ScoredTest, ...]
    drawn: tuple[ScoredTest, ...] = ()
    spark: Spark | None = None
    missing: Missing | None = None
    progress: PupilProgress | None = None

    @property
    def newest(self) -> ScoredTest | None:
        """The newest total."""
        return self.totals[-1] if self.totals else None

    @property
    def counted(self) -> int:
        """How many scores growth is judged from."""
        return len(growth_points(list(self.totals)))

    @property
    def growth(self) -> Growth:
        """How the scores of the period go."""
        return growth(growth_points(list(self.totals)))


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
    notes: Mapping[int, list[Note]]
    goals: Mapping[int, dict[SubjectMaterial, Goal]]
    school: str | None
    materials: Mapping[SubjectMaterial, str]  # what each is called

    @property
    def class_data(self) -> ClassData:
        """All totals of the pupils."""
        return self.state.class_data

    @property
    def names(self) -> list[str]:
        """The names of the classes that are shown."""
        return [one.name for one in self.classes if one.id in self.filters.class_ids]

    @property
    def hidden(self) -> int:
        """How many sittings of the pupils that are shown the period leaves out."""
        return sum(self.overview.hidden_of.get(one.id, 0) for one in self.pupils)

    def material(self, field: SubjectMaterial) -> str:
        """What the material of a field is called."""
        return self.materials.get(field, field.material)

    def class_name(self, class_id: int) -> str:
        """What a class is called."""
        return next(one.name for one in self.classes if one.id == class_id)

    def signals_of(self, pupil_id: int) -> list[Signal]:
        """The open signals of a pupil, in the subject that is chosen."""
        return _signals_of(self.state, self.filters.subject, pupil_id)

    def held_of(self, pupil_id: int) -> list[Signal]:
        """The signals of a pupil that cannot be judged now, in the subject that is chosen."""
        return [
            one
            for one in self.state.signals
            if one.suppressed
            and one.pupil_id == pupil_id
            and self.filters.subject in (None, one.subject_material.subject)
        ]

    @property
    def with_signal(self) -> list[Member]:
        """Everybody in the classes who has an open signal."""
        return [one for one in self.everyone if self.signals_of(one.id)]

    def totals(self, pupil_id: int, wanted: SubjectMaterial) -> tuple[ScoredTest, ...]:
        """The totals of a pupil in a material within the period, oldest first."""
        return _within(self.period, self.class_data.totals.get(pupil_id, {}).get(wanted, []))


def read_my_pupils(
    connection: Connection, seal: PiiCipher, viewer: Viewer, asked: Mapping[str, object], holidays: Holidays
) -> tuple[list[ClassRef], MyPupilsFilters, MyPupilsView | None]:
    """The classes of the viewer, the filters as understood, and what to show; None where there is no class."""
    classes = class_list(connection, viewer)
    filters = read_my_pupils_filters(viewer, classes, asked)
    if not classes:
        return classes, filters, None
    if filters.pupil_ids and not asked.get("klas"):
        filters = filters.replacing(class_ids=_classes_of(connection, viewer, classes, filters))
    chosen, year = list(filters.class_ids), current_school_year(classes)
    period = period_dates(filters.period, year)
    state = class_state(connection, viewer, chosen, year, holidays, period.first)
    overview = class_overview(connection, viewer, chosen, period, subject=filters.subject)
    members = state.class_data.members
    ids = [one.id for one in members]
    found = tuple(readiness(state.class_data, ids, filters.subject))
    pupils = tuple(one for one in members if _wanted(one, filters, state, found))
    view = MyPupilsView(
        tuple(classes), filters, period, year, members, pupils, state,
        tuple(_columns(state.class_data, overview, period, filters.subject)),
        overview,
        found,
        tuple(without_progress(state.class_data, ids, period, filters.subject)),
        tuple(_topics(state, period, filters.subject)),
        notes_of(connection, seal, viewer, [one.id for one in pupils]),
        goals_of(connection, viewer, [one.id for one in pupils]),
        school_name(connection, viewer),
        state.class_data.material_names,
    )  # fmt: skip
    return classes, filters, view


# -- filters -------------------------------------------------------------------------------------------------


def read_my_pupils_filters(viewer: Viewer, classes: list[ClassRef], asked: Mapping[str, object]) -> MyPupilsFilters:
    """The filters as an address or controls state them; anything odd is the default.

    Who teaches begins with all own classes; learning support, who sees the whole school, with the first few.
    """
    most = MOST_CLASSES_AT_FIRST if viewer.role is Role.SUPPORT else len(classes)
    first = tuple(one.id for one in classes[:most])
    common = read_filters(classes, asked)
    known = {one.id for one in classes}
    named = addresses.read_numbers(asked.get("klas"))
    question, material, signals = asked.get("vraag"), asked.get("materiaal"), asked.get("signalen")
    question = question if question in QUESTIONS else None
    return MyPupilsFilters(
        common.class_ids if known.intersection(named) else first,
        common.period,
        common.subject,
        signals if isinstance(signals, str) and signals in SIGNALS else None,
        str(question) if question is not None else None,
        material if question == READY and isinstance(material, str) and 0 < len(material) <= LONGEST_TEXT else None,
        _pupil_ids(asked.get("leerling")),
    )


def _pupil_ids(asked: object) -> tuple[int, ...]:
    text = ",".join(asked) if isinstance(asked, list) and all(isinstance(one, str) for one in asked) else asked
    if not isinstance(text, str) or _NUMBERS.fullmatch(text) is None:
        return ()
    return tuple(dict.fromkeys(addresses.read_numbers(text)))


def _classes_of(
    connection: Connection, viewer: Viewer, classes: list[ClassRef], filters: MyPupilsFilters
) -> tuple[int, ...]:
    """The classes of the pupils that an address names without a class; the default where it names nobody seen."""
    members = class_members(connection, viewer, [one.id for one in classes])
    own = {one.class_id for one in members if one.id in filters.pupil_ids}
    return tuple(one.id for one in classes if one.id in own) or filters.class_ids


def _wanted(one: Member, filters: MyPupilsFilters, state: ClassState, found: Sequence[Readiness]) -> bool:
    if filters.signals is not None:
        has = bool(_signals_of(state, filters.subject, one.id))
        if has != (filters.signals == WITH):
            return False
    if filters.question == READY and one.id not in ready(_of_material(found, filters.material)):
        return False
    return not filters.pupil_ids or one.id in filters.pupil_ids


def _of_material(found: Sequence[Readiness], material: str | None) -> list[Readiness]:
    return [one for one in found if material in (None, one.material)]


# -- what is read --------------------------------------------------------------------------------------------


def _signals_of(state: ClassState, subject: str | None, pupil_id: int) -> list[Signal]:
    return [one for one in state.open_signals.get(pupil_id, []) if subject in (None, one.subject_material.subject)]


def _topics(state: ClassState, period: Period, subject: str | None) -> list[Topic]:
    """The parts of the period that are hard for many by the rule of one of the classes, the hardest first."""
    limits = list(state.thresholds.values())
    return [
        one
        for one in topics(state.class_data, None, period)
        if subject in (None, one.subject_material.subject) and any(one.is_hard(limit) for limit in limits)
    ]


def _within(period: Period, lane: Sequence[ScoredTest]) -> tuple[ScoredTest, ...]:
    return tuple(one for one in lane if one.taken_on in period)


def _columns(seen: ClassData, overview: ClassOverview, period: Period, subject: str | None) -> list[SubjectColumn]:
    """A column a subject, in the order of the screens: the material with the most scores, then with most progress."""
    scores: Counter[SubjectMaterial] = Counter()
    newest: dict[SubjectMaterial, list[ScoredTest]] = {}
    for lanes in seen.totals.values():
        for one, lane in lanes.items():
            counted = [total for total in _within(period, lane) if total.reading.counts]
            if counted:
                scores[one] += len(counted)
                newest.setdefault(one, []).append(counted[-1])
    reported = Counter(one.subject_material for several in overview.progress.values() for one in several)
    subjects: dict[str, list[SubjectMaterial]] = {}
    for one in overview.subject_materials:
        if subject in (None, one.subject):
            subjects.setdefault(one.subject, []).append(one)
    found = []
    for name, fields in subjects.items():
        fields.sort(key=lambda one: (-scores[one], -reported[one], one.material.casefold(), one.source_id))
        found.append(SubjectColumn(name, fields[0], tuple(fields), tuple(newest.get(fields[0], ()))))
    return sorted(found, key=lambda one: (subject_order(one.subject), one.subject))


# -- lines ---------------------------------------------------------------------------------------------------


def column_series(view: MyPupilsView, column: SubjectColumn) -> dict[int, SubjectSeries]:
    """The line of every pupil that is shown in a subject; all lines of one material and scale share one range."""
    found = {}
    for one in view.pupils:
        # Another material of the subject, where the pupil has nothing in that of the column.
        own = next((field for field in column.subject_materials if view.totals(one.id, field)), column.subject_material)
        found[one.id] = series_of(view, one, own, column.subject_materials)
    return _ranged(found)


def series_of(
    view: MyPupilsView, member: Member, wanted: SubjectMaterial, subject_fields: Sequence[SubjectMaterial] = ()
) -> SubjectSeries:
    """What may be said of a pupil in a material; where there is no total, the reason is that of `subject_fields`."""
    totals = view.totals(member.id, wanted)
    if not totals:
        reason, progress = missing_reason(view.overview, member.id, subject_fields or (wanted,))
        return SubjectSeries(wanted, (), missing=reason, progress=progress)
    counted = [one for one in totals if one.reading.counts]
    drawn = tuple(one for one in counted if one.scale == counted[-1].scale)
    return SubjectSeries(wanted, totals, drawn)


def bound_of(one: ScoredTest) -> Decimal | None:
    """Where the lowest band of the norm ends and the next begins; None where the source sent no such norm."""
    bands = one.norm.intervals
    return bands[1].low if len(bands) > 1 and bands[0].position is NormPosition.BELOW else None


def _ranged(lines: dict[int, SubjectSeries]) -> dict[int, SubjectSeries]:
    shared: dict[tuple[SubjectMaterial, object], list[SubjectSeries]] = {}
    for one in lines.values():
        if one.drawn:
            shared.setdefault((one.subject_material, one.drawn[-1].scale), []).append(one)
    ranges = {
        key: range_of(
            [_value(score) for line in several for score in line.drawn],
            [bound for line in several if (bound := bound_of(line.drawn[-1])) is not None],
        )
        for key, several in shared.items()
    }
    return {
        pupil_id: replace(one, spark=_spark(one, ranges[one.subject_material, one.drawn[-1].scale]))
        if one.drawn
        else one
        for pupil_id, one in lines.items()
    }


def _spark(line: SubjectSeries, span: tuple[Decimal, Decimal]) -> Spark:
    return Spark(tuple(_value(one) for one in line.drawn), bound_of(line.drawn[-1]), *span)


def _value(one: ScoredTest) -> Decimal:
    return Decimal(one.reading.value or 0) / SCALE
