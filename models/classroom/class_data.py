"""Everything that signals, groups and topics of a class are judged from: all totals, parts and progress of its pupils.

It spans this school year and the one before, whatever period a screen shows: a signal is about now.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import Connection

from models.access.people import Member, class_members, pupils_by_class
from models.access.viewer import Viewer
from models.classroom.class_overview import part_sittings, total_of
from models.ingest.freshness import SourceState, source_states
from models.results.activity import last_active_days
from models.results.catalogue import Catalogue, PartName, catalogue, load_bodies, load_parts
from models.results.current_results import CurrentResult, ResultRow, Total, resolve_duplicates
from models.results.growth import Point
from models.results.periods import Period, day_before, of_school_year, with_year_before
from models.results.progress import PupilProgress, newest_progress
from models.results.result_rows import part_rows, parts_without_total, pupil_identifiers, total_rows
from models.results.scales import ParsedNorm, ScoreReading, read_score, scale_of
from models.results.subject_materials import SubjectMaterial
from models.schema.records import Kind


@dataclass(frozen=True, slots=True)
class ScoredTest:
    """One total of a pupil, with the norm that it came with."""

    total: Total
    subject_material: SubjectMaterial
    test_id: int
    definition_id: int
    norm: ParsedNorm

    @property
    def source_id(self) -> int:
        """Who sends it."""
        return self.subject_material.source_id

    @property
    def taken_on(self) -> str:
        """The test date."""
        return self.total.row.taken_on

    @property
    def reading(self) -> ScoreReading:
        """What may be said of it."""
        return self.total.reading

    @property
    def scale(self) -> tuple[Decimal, Decimal] | None:
        """The range of values that its scale has; None where nobody said."""
        return scale_of(self.total.row.kind, self.total.reading, self.norm)


@dataclass(frozen=True, slots=True)
class ScoredPart:
    """What a pupil scored on one part of a test."""

    pupil_id: int
    test_id: int
    definition_id: int
    subject_material: SubjectMaterial
    name: PartName
    part_id: int
    reading: ScoreReading
    row: ResultRow

    @property
    def source_id(self) -> int:
        """Who sends it."""
        return self.subject_material.source_id

    @property
    def taken_on(self) -> str:
        """The test date."""
        return self.row.taken_on


@dataclass(slots=True)
class ClassData:
    """What is known of the present pupils of some classes.

    `classes` holds the pupils of each class; `totals` by pupil and field, oldest first; `part_reports` are progress
    records of parts; `worked` by pupil and source: the last day of work.
    """

    members: tuple[Member, ...]
    classes: dict[int, frozenset[int]]
    period: Period
    school_year: str
    totals: dict[int, dict[SubjectMaterial, list[ScoredTest]]]
    parts: list[ScoredPart]
    part_reports: list[ResultRow]
    progress: dict[int, tuple[PupilProgress, ...]]
    last_active: dict[int, dict[int, str]]
    sources: tuple[SourceState, ...]
    catalogue: Catalogue

    @property
    def class_ids(self) -> list[int]:
        """The classes, in order of asking."""
        return list(self.classes)

    def of_class(self, class_id: int) -> list[Member]:
        """All pupils of one class, those who are in another class too as well."""
        own = self.classes[class_id]
        return [member for member in self.members if member.id in own]

    def all_totals(self, pupil_id: int, period: Period) -> list[ScoredTest]:
        """Every total of a pupil in a period."""
        dict_values = self.totals.get(pupil_id, {}).values()
        return [
            scored_test
            for scored_tests in dict_values
            for scored_test in scored_tests
            if scored_test.taken_on in period
        ]

    @property
    def subject_materials(self) -> list[SubjectMaterial]:
        """Every subject of a material that there is a total of."""
        return sorted({subject_material for total in self.totals.values() for subject_material in total})

    @property
    def material_names(self) -> dict[SubjectMaterial, str]:
        """What to call the material of every total and progress record."""
        recorded = {
            progress.subject_material for progress_records in self.progress.values() for progress in progress_records
        }
        return self.catalogue.material_names({*self.subject_materials, *recorded})


def growth_points(scored_tests: list[ScoredTest]) -> list[Point]:
    """The scores of a lane that count, as growth is judged from."""
    return [
        Point(scored_test.taken_on, scored_test.reading.value, scored_test.scale)
        for scored_test in scored_tests
        if scored_test.reading.counts and scored_test.reading.value is not None
    ]


def read_class_data(
    connection: Connection, viewer: Viewer, class_ids: list[int], school_year: str, since: str | None = None
) -> ClassData:
    """The picture of the present pupils of these classes, as far as the viewer sees them.

    It holds this school year and the one before, or more from the day `since` on; parts of tests, which are many, from
    that day or of this school year.
    """
    members = class_members(connection, viewer, class_ids)
    judged = with_year_before(school_year)
    period = Period(min(judged.first, since or judged.first), judged.last)
    owners = pupil_identifiers(connection, viewer, sorted({member.id for member in members}))
    rows = total_rows(connection, viewer, owners, period)
    begin = of_school_year(school_year).first
    with_parts = Period(min(begin, since or begin), period.last)
    without = Period(period.first, day_before(with_parts.first))
    parts = part_rows(connection, viewer, owners, with_parts) + parts_without_total(connection, viewer, owners, without)
    known = catalogue(connection, viewer.school_id, {row.definition_id for row in (*rows, *parts)})
    load_bodies(connection, viewer.school_id, known, known.definitions)
    load_parts(connection, viewer.school_id, known, {row.part_id for row in parts})
    totals = resolve_duplicates(row for row in rows if row.kind != Kind.PROGRESS).values()
    standing_parts = [duplicate for duplicate in resolve_duplicates(parts).values() if duplicate.row.kind == Kind.SCORE]
    progress = [row for row in (*rows, *parts) if row.kind == Kind.PROGRESS]
    return ClassData(
        tuple(members),
        pupils_by_class(connection, viewer, class_ids),
        period,
        school_year,
        _series(known, list(totals), [part for part in standing_parts if part.row.taken_on >= period.first]),
        [_part(known, part) for part in standing_parts if part.row.taken_on >= with_parts.first],
        [row for row in parts if row.kind == Kind.PROGRESS and row.taken_on >= with_parts.first],
        newest_progress([row for row in progress if row.taken_on >= begin], known),
        last_active_days(connection, viewer, [row for row in (*rows, *parts) if row.taken_on in judged], begin),
        tuple(source_states(connection, viewer)),
        known,
    )


def _series(
    catalogue: Catalogue, totals: list[CurrentResult], parts: list[CurrentResult]
) -> dict[int, dict[SubjectMaterial, list[ScoredTest]]]:
    """Per pupil and field every total, as sent or derived from its parts, oldest first."""
    made_of: list[tuple[list[CurrentResult], bool]] = [([total], False) for total in totals]
    made_of += [(currents, True) for currents in part_sittings(parts, totals).values()]
    lanes: dict[int, dict[SubjectMaterial, list[ScoredTest]]] = defaultdict(lambda: defaultdict(list))
    for several, derived in made_of:
        total = total_of(catalogue, several, derived)
        row = total.row
        norm = ParsedNorm() if derived else catalogue.total_norm(row.definition_id)
        own = ScoredTest(total, catalogue.subject_material(row.definition_id), row.test_id, row.definition_id, norm)
        lanes[row.pupil_id][own.subject_material].append(own)
    for fields in lanes.values():
        for scored_tests in fields.values():
            scored_tests.sort(key=lambda scored_test: scored_test.total.order)
    return {pupil_id: dict(fields) for pupil_id, fields in lanes.items()}


def _part(catalogue: Catalogue, current: CurrentResult) -> ScoredPart:
    row = current.row
    norm = catalogue.part_norm(row.definition_id, row.part_id)
    return ScoredPart(
        row.pupil_id,
        row.test_id,
        row.definition_id,
        catalogue.subject_material(row.definition_id),
        catalogue.part_name(row.definition_id, row.part_id),
        row.part_id,
        read_score(row.kind, row.score, row.score_text, row.absence, norm, row.detail),
        row,
    )
