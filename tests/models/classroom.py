"""A class made by hand: totals, parts and progress of a few pupils, with norms whose bounds are easy to see."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from models.access.people import Member
from models.classroom.class_data import ClassData, ScoredPart, ScoredTest
from models.classroom.class_state import ClassState, JudgedClasses
from models.classroom.holidays import read_holidays
from models.classroom.signals import DueDate, Signal, SignalInputs, signals
from models.classroom.thresholds import Thresholds
from models.ingest.freshness import SourceState
from models.results.catalogue import Catalogue, Definition, PartName, Source
from models.results.current_results import ResultRow, Total
from models.results.periods import with_year_before
from models.results.progress import PupilProgress
from models.results.scales import NormBand, NormPosition, ParsedNorm, read_score
from models.results.subject_materials import SubjectMaterial
from models.schema import clock
from models.schema.records import SCALE, Absence, Kind, Status

YEAR = "2026-2027"
CLASS = 1
SUMS = SubjectMaterial("arithmetic", "Cijferpad", 1)
WORDS = SubjectMaterial("spelling", "Letterlab", 2)


def bands(*rows: tuple[str, int, int, NormPosition]) -> ParsedNorm:
    """A norm of these bands."""
    norm_bands = tuple(NormBand(word, Decimal(low), Decimal(high), position) for word, low, high, position in rows)
    return ParsedNorm(norm_bands, norm_bands[-1].high)


NORM = bands(
    ("onvoldoende", 0, 59, NormPosition.BELOW),
    ("voldoende", 60, 79, NormPosition.ON),
    ("goed", 80, 100, NormPosition.ABOVE),
)
PART_NORM = bands(("onvoldoende", 0, 5, NormPosition.BELOW), ("goed", 6, 10, NormPosition.ABOVE))
WITHOUT = ParsedNorm()


def source_state(source_id: int, late: bool = False) -> SourceState:
    """A source that works, or one that fails."""
    now = clock.now_us()
    return SourceState(
        source_id, f"bron {source_id}", "publisher", None, True, False, 3 if late else 0, now, now, now, now, False,
        None, None,
    )  # fmt: skip


@dataclass
class Classroom:
    """What is known of a class; gives its picture, signals and state."""

    pupils: int = 4
    late: set[int] = field(default_factory=set)
    since: dict[int, str] = field(default_factory=dict)
    years: dict[int, str] = field(default_factory=dict)  # of whom is not in year group 6
    totals: dict[int, dict[SubjectMaterial, list[ScoredTest]]] = field(default_factory=dict)
    parts: list[ScoredPart] = field(default_factory=list)
    progress: dict[int, list[PupilProgress]] = field(default_factory=dict)
    last_active: dict[int, dict[int, str]] = field(default_factory=dict)
    thresholds: Thresholds = field(default_factory=Thresholds)

    def score(
        self,
        pupil: int,
        value: int | None,
        day: str,
        about: SubjectMaterial = SUMS,
        norm: ParsedNorm = NORM,
        test: int = 1,
        absence: Absence | None = None,
    ) -> None:
        """A total of a pupil; None with an absence is one without a number."""
        row = self.row(pupil, about, day, test, value, absence)
        total = Total(row, read_score(Kind.SCORE, row.score, row.score_text, row.absence, norm))
        scored_tests = self.totals.setdefault(pupil, {}).setdefault(about, [])
        scored_tests.append(ScoredTest(total, about, norm))
        scored_tests.sort(key=lambda scored_test: scored_test.total.order)
        if absence is not Absence.NOT_OFFERED:
            self.work(pupil, about, day)

    def level(self, pupil: int, code: str, level: str, day: str, about: SubjectMaterial = SUMS, test: int = 1) -> None:
        """An OSO result of a pupil that holds a reference score and no number."""
        detail = json.dumps({"references": [{"code": code, "group": "Landelijk", "value": level}]})
        row = self.row(pupil, about, day, test, None, Absence.NO_SCORE)._replace(kind=Kind.OSO, detail=detail)
        total = Total(row, read_score(row.kind, None, None, row.absence, WITHOUT, detail))
        self.totals.setdefault(pupil, {}).setdefault(about, []).append(ScoredTest(total, about, WITHOUT))
        self.work(pupil, about, day)

    def part(self, pupil: int, value: int, day: str, name: str, test: int = 1, norm: ParsedNorm = PART_NORM) -> None:
        """A score on a part."""
        row = self.row(pupil, SUMS, day, test, value, None)
        reading = read_score(Kind.SCORE, row.score, None, None, norm)
        self.parts.append(ScoredPart(row._replace(part_id=7), SUMS, PartName(1, name, name, True), reading, norm, day))

    def record(
        self,
        pupil: int,
        status: Status,
        day: str,
        made: int | None,
        about: SubjectMaterial = WORDS,
        test: int = 1,
        offered: int = 10,
        correct: int | None = None,
    ) -> None:
        """A progress record; only exercises made are work."""
        row = self.row(pupil, about, day, test, None, None)
        self.progress.setdefault(pupil, []).append(PupilProgress(row, about, status, offered, made, correct, None))
        if made:
            self.work(pupil, about, day)

    def work(self, pupil: int, about: SubjectMaterial, day: str) -> None:
        """A day on which a pupil worked with a source."""
        own = self.last_active.setdefault(pupil, {})
        own[about.source_id] = max(own.get(about.source_id, ""), day)

    def row(
        self, pupil: int, about: SubjectMaterial, day: str, test: int, value: int | None, absence: Absence | None
    ) -> ResultRow:
        """A row of the store."""
        score = None if value is None else value * SCALE
        text = None if value is None else str(value)
        return ResultRow(
            pupil, about.source_id, Kind.SCORE, test, test, 0, day, score, text, absence, None, 1, 1, None, None, None,
            None, None, 1, None, f"{pupil}-{day}-{test}",
        )  # fmt: skip

    @property
    def class_data(self) -> ClassData:
        """The picture of the class."""
        members = tuple(
            Member(
                item,
                f"Naam{item}",
                f"Naam{item}",
                CLASS,
                self.years.get(item, "6"),
                self.since.get(item),
                {CLASS: self.since[item]} if item in self.since else {},
            )
            for item in range(1, self.pupils + 1)
        )
        tests = {
            scored_test.test_id: scored_test.subject_material
            for total in self.totals.values()
            for scored_tests in total.values()
            for scored_test in scored_tests
        }
        catalogue = Catalogue(
            {item: Source(item, f"bron{item}", f"bron {item}", None) for item in (1, 2)},
            {test: Definition(test, about.source_id, f"T{test}", f"Toets {test}", about.subject, None, about.material)
                 for test, about in (tests | {1: SUMS, 2: SUMS}).items()}
        )  # fmt: skip
        return ClassData(
            members, {CLASS: frozenset(member.id for member in members)}, with_year_before(YEAR), YEAR, self.totals,
            self.parts,
            {pupil: tuple(progress_records) for pupil, progress_records in self.progress.items()}, self.last_active,
            tuple(source_state(item, item in self.late) for item in (1, 2)), catalogue,
        )  # fmt: skip

    def signals(self, due: tuple[DueDate, ...] = (), region: str = "midden") -> list[Signal]:
        """The signals of the class."""
        return signals(self.class_data, self.signal_inputs(due, region))

    def signal_inputs(self, due: tuple[DueDate, ...] = (), region: str = "midden") -> SignalInputs:
        """What signals depend on besides the class data."""
        return SignalInputs({CLASS: self.thresholds}, read_holidays(), region, {}, due)

    def state(self) -> ClassState:
        """The state of the class."""
        own, inputs = self.signals(), self.signal_inputs()
        judged = JudgedClasses(self.class_data, inputs, {CLASS: own})
        return ClassState(self.class_data, tuple(own), {CLASS: self.thresholds}, (), "midden", judged)


def days(number_of: int, last: str = "2026-11-20", apart: int = 7) -> list[str]:
    """Days a week apart, the last one last."""
    end = date.fromisoformat(last)
    return [(end - timedelta(days=apart * back)).isoformat() for back in reversed(range(number_of))]
