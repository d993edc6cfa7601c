"""What a kind of signal is, what it is judged from, and what it finds.

A new kind is one module beside this one with a `SignalKind`, a rule in `signal.py` and its texts in
`dashboard/text/signal_texts.py`; a missing part does not type-check.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property

from models.access.people import Member
from models.classroom.audience import Audience
from models.classroom.class_data import ClassData, ScoredTest
from models.classroom.holidays import Holidays
from models.classroom.percentages import percentage_materials
from models.classroom.signal_resolutions import SignalResolution, SignalTarget
from models.classroom.thresholds import Threshold, Thresholds
from models.ingest.freshness import SourceState
from models.results.periods import of_school_year, with_year_before
from models.results.subject_materials import SubjectMaterial
from models.schema import clock


@dataclass(frozen=True, slots=True)
class DueDate:
    """By when a class is to have finished a test."""

    class_id: int
    test_id: int
    due_on: str
    set_by: str
    subject_material: SubjectMaterial
    test: str


@dataclass(frozen=True, slots=True)
class SignalInputs:
    """What signals depend on besides the class data."""

    thresholds: Mapping[int, Thresholds]  # by class
    holidays: Holidays
    region: str
    resolutions: Mapping[SignalTarget, SignalResolution]
    due_dates: Sequence[DueDate] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a signal rests on: the totals of the pupil, or days and counts.

    `key` lists the facts behind it, separated by commas: a resolved signal opens again when there is a new fact.
    """

    key: str
    totals: tuple[ScoredTest, ...] = ()  # oldest first
    mean: Decimal | None = None  # of the earlier totals, in ten-thousandths
    last_on: str | None = None  # last day of work
    days: int = 0  # school days since
    due_on: str | None = None
    test: str | None = None
    part: str | None = None
    below: int = 0  # pupils below the norm
    made: int = 0  # pupils who made it
    pupils: tuple[int, ...] = ()  # those below


@dataclass(frozen=True, slots=True)
class Finding:
    """What a kind finds in a class: about a pupil, or about the class itself (`pupil_id` None).

    `scope` is the material, source, test or part that it is about. A suppressed finding cannot be judged while its
    source is late or down.
    """

    pupil_id: int | None
    subject_material: SubjectMaterial
    scope: str
    threshold: int
    evidence: Evidence
    suppressed: bool = False


class JudgedClass:
    """One class as the kinds judge it: its pupils, their results, its thresholds and its days."""

    def __init__(self, class_data: ClassData, inputs: SignalInputs, class_id: int, audience: Audience) -> None:
        self.class_data, self.class_id, self.audience = class_data, class_id, audience
        self.members = class_data.of_class(class_id)
        self.thresholds = inputs.thresholds[class_id]
        self.due_dates = [due for due in inputs.due_dates if due.class_id == class_id]
        self.year_start = of_school_year(class_data.school_year).first
        self._first_day = with_year_before(class_data.school_year).first
        self._sources: dict[int, SourceState] = {source.id: source for source in class_data.sources}
        self.today = clock.today()
        self._last_full_day = self.today - timedelta(days=1)  # whoever has not worked this morning still may
        self._holidays, self._region = inputs.holidays, inputs.region
        self._school_days: dict[str, int] = {}

    @cached_property
    def percentage_materials(self) -> frozenset[SubjectMaterial]:
        """The materials of the class without a norm that are scored in percent."""
        return percentage_materials(self.class_data, [member.id for member in self.members])

    def delivering(self, source_id: int) -> SourceState | None:
        """A source, unless nothing can come in from it any more."""
        source = self._sources.get(source_id)
        return None if source is None or not source.active or source.stopped else source

    def school_days_since(self, day: str) -> int:
        """The school days that are over since a day."""
        if day not in self._school_days:
            self._school_days[day] = self._holidays.school_days(
                date.fromisoformat(day), self._last_full_day, self._region
            )
        return self._school_days[day]

    def series(self) -> Iterator[tuple[Member, SubjectMaterial, list[ScoredTest]]]:
        """The scores and levels of each pupil and material, oldest first, of this school year and the one before."""
        for member in self.members:
            for subject_material, scored_tests in sorted(self.class_data.totals.get(member.id, {}).items()):
                counted = [
                    scored_test
                    for scored_test in scored_tests
                    if (scored_test.reading.counts or scored_test.reading.is_judged)
                    and scored_test.taken_on >= self._first_day
                ]
                if counted:
                    yield member, subject_material, counted


class SignalKind(ABC):
    """One kind of signal: its rule applied to a class, and the thresholds in that rule."""

    of_class = False  # about a class as a whole instead of about a pupil
    by_agreement = False  # rests on an agreement with one class

    @property
    @abstractmethod
    def thresholds(self) -> tuple[Threshold, ...]:
        """The thresholds of the rule, in the order in which a form lists them."""

    @abstractmethod
    def judge(self, judged_class: JudgedClass) -> Iterator[Finding]:
        """What this kind finds in a class."""


def score_fact(scored_test: ScoredTest) -> str:
    """A score, or a level in its place, as a fact of the evidence; it begins with its day."""
    reading = scored_test.reading
    value = reading.band if reading.value is None else reading.value
    return f"{scored_test.taken_on} {scored_test.test_id} {value}"


def evidence_key(facts: Iterable[str]) -> str:
    """Facts as one text, whatever their order."""
    return ",".join(sorted(facts))
