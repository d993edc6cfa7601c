"""Class data: everything about the present pupils of some classes that screens, signals and groups are computed from.

It is read once per request. It covers this school year and the year before, and more if a screen shows another period.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from operator import attrgetter, itemgetter
from typing import TypeVar

from sqlalchemy import Connection

from models.access.people import Member, class_members, pupils_by_class
from models.access.viewer import Viewer
from models.ingest.freshness import SourceState
from models.results.activity import last_active_days
from models.results.catalogue import Catalogue, PartName, catalogue_of
from models.results.current_results import (
    CurrentResult,
    ResultRow,
    Total,
    resolve_duplicates,
    sent_total,
    summed_total,
)
from models.results.future_results import FutureResult, future_results, split_future
from models.results.growth import Point
from models.results.own_subjects import Subjects
from models.results.periods import Period, of_school_year, with_year_before
from models.results.progress import PupilProgress, newest_progress
from models.results.result_rows import (
    SCORE_KINDS,
    MadeTest,
    made_but_not_read,
    part_rows,
    pupil_identifiers,
    total_rows,
)
from models.results.scales import NO_NORM, ParsedNorm, ScoreReading, read_score, scale_of
from models.results.sittings import Sitting, sittings_of_days
from models.results.subject_materials import SubjectMaterial
from models.schema import clock
from models.schema.records import Kind

OfPupil = TypeVar("OfPupil")


@dataclass(frozen=True, slots=True)
class ScoredTest:
    """The total of one sitting: what one pupil scored on one test; `norm` has no bands if it is a sum."""

    total: Total
    subject_material: SubjectMaterial
    norm: ParsedNorm

    @property
    def test_id(self) -> int:
        """The test, version included."""
        return self.total.row.test_id

    @property
    def definition_id(self) -> int:
        """The definition that the total came with."""
        return self.total.row.definition_id

    @property
    def source_id(self) -> int:
        """The source that sent it."""
        return self.subject_material.source_id

    @property
    def taken_on(self) -> str:
        """The test date."""
        return self.total.row.taken_on

    @property
    def reading(self) -> ScoreReading:
        """The total as screens show it."""
        return self.total.reading

    @property
    def scale(self) -> tuple[Decimal, Decimal] | None:
        """The lowest and highest value of its scale; None if unknown."""
        return scale_of(self.total.row.kind, self.total.reading, self.norm)


@dataclass(frozen=True, slots=True)
class ScoredPart:
    """What one pupil scored on one part of a test on one day; `sitting_on` is the day of the sitting it belongs to."""

    row: ResultRow
    subject_material: SubjectMaterial
    name: PartName
    reading: ScoreReading
    norm: ParsedNorm
    sitting_on: str
    duplicate: bool = False

    @property
    def pupil_id(self) -> int:
        """The pupil."""
        return self.row.pupil_id

    @property
    def test_id(self) -> int:
        """The test, version included."""
        return self.row.test_id

    @property
    def definition_id(self) -> int:
        """The definition that the score came with."""
        return self.row.definition_id

    @property
    def part_id(self) -> int:
        """The part of the test."""
        return self.row.part_id

    @property
    def source_id(self) -> int:
        """The source that sent it."""
        return self.subject_material.source_id

    @property
    def taken_on(self) -> str:
        """The test date."""
        return self.row.taken_on


@dataclass(slots=True)
class ClassData:
    """The present pupils of some classes with their results.

    `classes`: the pupils of each class. `period`: the test dates that were read. `totals`: by pupil and material,
    oldest first. `progress`: of this school year. `last_active`: the last day of work by pupil and source. `rows`: the
    result rows behind all of it. `not_read`: what pupils made outside of it, only if a screen shows a period. `future`:
    by pupil, results of days that have yet to come; they are in nothing else. `limited`: the pupils of whom the viewer
    sees some subjects alone, and which; nothing of others was read.
    """

    members: tuple[Member, ...]
    classes: dict[int, frozenset[int]]
    period: Period
    school_year: str
    totals: dict[int, dict[SubjectMaterial, list[ScoredTest]]]
    parts: list[ScoredPart]
    progress: dict[int, tuple[PupilProgress, ...]]
    last_active: dict[int, dict[int, str]]
    sources: tuple[SourceState, ...]
    catalogue: Catalogue
    rows: tuple[ResultRow, ...] = ()
    not_read: tuple[MadeTest, ...] = ()
    future: dict[int, tuple[FutureResult, ...]] = field(default_factory=dict)
    limited: Mapping[int, Subjects] = field(default_factory=dict)
    _by_sitting: dict[Sitting, list[ScoredPart]] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def class_ids(self) -> list[int]:
        """The classes, in the order of the request."""
        return list(self.classes)

    def of_class(self, class_id: int) -> list[Member]:
        """All pupils of one class, including those listed under another class."""
        pupil_ids = self.classes[class_id]
        return [member for member in self.members if member.id in pupil_ids]

    def parts_of(self, sitting: Sitting) -> list[ScoredPart]:
        """The parts of one sitting."""
        if not self._by_sitting:
            for part in self.parts:
                self._by_sitting.setdefault((part.pupil_id, part.test_id, part.sitting_on), []).append(part)
        return self._by_sitting.get(sitting, [])

    def all_totals(
        self, pupil_id: int, period: Period, wanted: Callable[[SubjectMaterial], bool] = lambda _: True
    ) -> list[ScoredTest]:
        """Every total of a pupil in a period, in the materials that `wanted` lets through."""
        return [
            scored_test
            for subject_material, scored_tests in self.totals.get(pupil_id, {}).items()
            if wanted(subject_material)
            for scored_test in scored_tests
            if scored_test.taken_on in period
        ]

    def until(self, last: str) -> ClassData:
        """The same data without the scores after this day."""
        if self.period.last <= last:
            return self
        totals = {
            pupil_id: {
                subject_material: earlier
                for subject_material, scored_tests in by_material.items()
                if (earlier := [scored_test for scored_test in scored_tests if scored_test.taken_on <= last])
            }
            for pupil_id, by_material in self.totals.items()
        }
        return replace(self, totals=totals, parts=[part for part in self.parts if part.taken_on <= last])

    def without_leavers(self, day: str) -> ClassData:
        """The same data without the pupils who left before this day."""
        left = {member.id for member in self.members if member.has_left(day)}
        if not left:
            return self
        return replace(
            self,
            members=tuple(member for member in self.members if member.id not in left),
            classes={class_id: pupil_ids - left for class_id, pupil_ids in self.classes.items()},
            totals={pupil_id: totals for pupil_id, totals in self.totals.items() if pupil_id not in left},
            parts=[part for part in self.parts if part.pupil_id not in left],
        )

    def with_pupils(self, changed: Collection[int], read: ClassData) -> ClassData:
        """The same data with those of `changed` pupils as `read` has them."""

        def merged(kept: Mapping[int, OfPupil], new: Mapping[int, OfPupil]) -> dict[int, OfPupil]:
            return _by_pupil({pupil: value for pupil, value in kept.items() if pupil not in changed} | dict(new))

        return replace(
            self,
            totals=merged(self.totals, read.totals),
            parts=_in_order([*(part for part in self.parts if part.pupil_id not in changed), *read.parts]),
            progress=merged(self.progress, read.progress),
            last_active=merged(self.last_active, read.last_active),
            catalogue=self.catalogue.with_entries(read.catalogue),
            rows=(*(row for row in self.rows if row.pupil_id not in changed), *read.rows),
            not_read=(*(made for made in self.not_read if made.pupil_id not in changed), *read.not_read),
            future=merged(self.future, read.future),
        )

    def narrowed(self, class_ids: Sequence[int]) -> ClassData:
        """The same data of just these classes, each pupil listed in the first of them."""
        classes = {class_id: self.classes[class_id] for class_id in class_ids if class_id in self.classes}
        members = [
            replace(member, class_id=class_id, since=member.joined.get(class_id))
            for member in self.members
            for class_id in [next((class_id for class_id, ids in classes.items() if member.id in ids), None)]
            if class_id is not None
        ]
        order = {class_id: position for position, class_id in enumerate(classes)}
        members.sort(key=lambda member: order[member.class_id])  # by name within a class, as they were
        shown = {member.id for member in members}
        return replace(
            self,
            members=tuple(members),
            classes=classes,
            totals={pupil_id: totals for pupil_id, totals in self.totals.items() if pupil_id in shown},
            parts=[part for part in self.parts if part.pupil_id in shown],
            progress={pupil_id: records for pupil_id, records in self.progress.items() if pupil_id in shown},
            last_active={pupil_id: days for pupil_id, days in self.last_active.items() if pupil_id in shown},
            rows=tuple(row for row in self.rows if row.pupil_id in shown),
            not_read=tuple(made for made in self.not_read if made.pupil_id in shown),
            future={pupil_id: results for pupil_id, results in self.future.items() if pupil_id in shown},
            limited={pupil_id: subjects for pupil_id, subjects in self.limited.items() if pupil_id in shown},
        )

    @property
    def subject_materials(self) -> list[SubjectMaterial]:
        """Every subject of a material with a total."""
        return sorted({subject_material for by_material in self.totals.values() for subject_material in by_material})

    @property
    def material_names(self) -> dict[SubjectMaterial, str]:
        """The name of the material of every total and progress record."""
        with_progress = {record.subject_material for records in self.progress.values() for record in records}
        return self.catalogue.material_names({*self.subject_materials, *with_progress})


AnyTest = TypeVar("AnyTest", bound=ScoredTest)


def counted_tests(scored_tests: Sequence[AnyTest]) -> list[AnyTest]:
    """The scores of a series that growth is judged from: those that count."""
    return [scored_test for scored_test in scored_tests if scored_test.reading.counts]


def growth_points(scored_tests: Sequence[ScoredTest]) -> list[Point]:
    """The scores of a series that count, as growth is computed from them."""
    return [
        Point(scored_test.taken_on, scored_test.reading.value or 0, scored_test.scale)
        for scored_test in counted_tests(scored_tests)
    ]


# -- reading -----------------------------------------------------------------------------------------------------


def read_class_data(
    connection: Connection,
    viewer: Viewer,
    class_ids: list[int],
    school_year: str,
    period: Period | None = None,
    *,
    sources: tuple[SourceState, ...] = (),
    hidden_parts: bool = False,
) -> ClassData:
    """The data of the pupils of these classes, as far as the viewer may see them: who is there at the end of `period`.

    It covers this school year and the one before, and the whole school years of `period` if a screen shows one. Of
    parts, which are many, it covers this school year and those of `period`. `hidden_parts`: `not_read` names parts.
    """
    day = None if period is None else min(period.last, clock.today().isoformat())
    members = class_members(connection, viewer, class_ids, day)
    classes = pupils_by_class(connection, viewer, class_ids, day)
    reading = _Reading(connection, viewer, school_year, period, hidden_parts)
    return reading.of(tuple(members), classes, sources)


def renewed(
    connection: Connection,
    viewer: Viewer,
    kept: ClassData,
    changed: Collection[int],
    period: Period | None,
    *,
    hidden_parts: bool = False,
) -> ClassData:
    """Class data that `read_class_data` gave, with what is now stored of these of its pupils.

    Nothing else may have changed since: it has the same pupils, classes and definitions of tests.
    """
    members = tuple(member for member in kept.members if member.id in changed)
    reading = _Reading(connection, viewer, kept.school_year, period, hidden_parts)
    return kept.with_pupils(changed, reading.of(members, kept.classes, kept.sources))


@dataclass(frozen=True, slots=True)
class _Reading:
    """What is read for class data, of whichever pupils."""

    connection: Connection
    viewer: Viewer
    school_year: str
    period: Period | None
    hidden_parts: bool

    def of(
        self, members: tuple[Member, ...], classes: dict[int, frozenset[int]], sources: tuple[SourceState, ...]
    ) -> ClassData:
        """The data of these pupils."""
        connection, viewer, period = self.connection, self.viewer, self.period
        this_year, judged = of_school_year(self.school_year), with_year_before(self.school_year)
        shown = period.whole_years if period is not None else this_year
        span = Period(min(judged.first, shown.first), max(judged.last, shown.last))
        parts_from = min(this_year.first, shown.first)
        owners = pupil_identifiers(connection, viewer, sorted({member.id for member in members}))
        rows, future = split_future(
            total_rows(connection, viewer, owners, span) + part_rows(connection, viewer, owners, span, parts_from)
        )
        not_read: list[MadeTest] = []
        if period is not None:
            not_read = made_but_not_read(connection, viewer, owners, span, parts_from, parts=self.hidden_parts)
        catalogue = catalogue_of(connection, viewer.school_id, [*rows, *future], not_read)
        totals, part_sittings = current_totals_and_parts(rows)
        progress = sorted(
            (row for row in rows if row.kind == Kind.PROGRESS and row.taken_on in this_year), key=_ROW_ORDER
        )
        judged_rows = [row for row in rows if row.taken_on in judged]
        return ClassData(
            members,
            classes,
            span,
            self.school_year,
            _by_pupil(_totals_by_material(scored_tests(catalogue, totals, part_sittings))),
            _in_order(
                scored_part(catalogue, part, sitting)
                for sitting, sitting_parts in part_sittings.items()
                for part in sitting_parts
                if part.row.taken_on >= parts_from
            ),
            _by_pupil(newest_progress(progress, catalogue)),
            _by_pupil(last_active_days(connection, viewer, owners, judged_rows, this_year.first)),
            sources,
            catalogue,
            tuple(rows),
            tuple(not_read),
            _by_pupil(future_results(catalogue, future)),
            owners.limited,
        )


def _by_pupil(of_pupils: Mapping[int, OfPupil]) -> dict[int, OfPupil]:
    """The same in the order of the pupils, so that nothing depends on which of them were read last."""
    return dict(sorted(of_pupils.items(), key=itemgetter(0)))


_ROW_ORDER = attrgetter("pupil_id", "part_id", "taken_on", "source_id", "key")  # a database gives rows in any order


def _in_order(scored_parts: Iterable[ScoredPart]) -> list[ScoredPart]:
    """The same for parts."""
    return sorted(scored_parts, key=lambda part: _ROW_ORDER(part.row))


def current_totals_and_parts(
    rows: Iterable[ResultRow],
) -> tuple[list[CurrentResult], dict[Sitting, list[CurrentResult]]]:
    """The current totals as sent, and the current scores on parts by sitting; progress records are neither."""
    current = resolve_duplicates(row for row in rows if row.kind in SCORE_KINDS).values()
    totals = [result for result in current if result.row.part_id == 0]
    parts = [result for result in current if result.row.part_id > 0 and result.row.kind == Kind.SCORE]
    sittings = sittings_of_days(result.row for result in (*totals, *parts))
    part_sittings: dict[Sitting, list[CurrentResult]] = defaultdict(list)
    for part in parts:
        part_sittings[sittings[part.row.pupil_id, part.row.test_id, part.row.taken_on]].append(part)
    return totals, part_sittings


def scored_tests(
    catalogue: Catalogue, totals: list[CurrentResult], part_sittings: dict[Sitting, list[CurrentResult]]
) -> list[ScoredTest]:
    """Every total: as sent, or the sum of its parts if no total was sent for the sitting."""
    sent = [
        ScoredTest(
            sent_total(total, norm_of_total(catalogue, total.row)),
            catalogue.subject_material(total.row.definition_id),
            norm_of_total(catalogue, total.row),
        )
        for total in totals
    ]
    sums = [sum_of_parts(catalogue, parts) for parts in without_total(part_sittings, totals).values()]
    return sent + [
        ScoredTest(total, catalogue.subject_material(total.row.definition_id), ParsedNorm()) for total in sums
    ]


def norm_of_total(catalogue: Catalogue, row: ResultRow) -> ParsedNorm:
    """The norm of the test that a total came with; an OSO result has levels of its own, and ignores it."""
    return NO_NORM if row.kind == Kind.OSO else catalogue.total_norm(row.definition_id)


def without_total(
    part_sittings: dict[Sitting, list[CurrentResult]], totals: Iterable[CurrentResult]
) -> dict[Sitting, list[CurrentResult]]:
    """The scores on parts of the sittings that no total was sent for."""
    with_total = {(total.row.pupil_id, total.row.test_id, total.row.taken_on) for total in totals}
    return {sitting: parts for sitting, parts in part_sittings.items() if sitting not in with_total}


def sum_of_parts(catalogue: Catalogue, parts: list[CurrentResult]) -> Total:
    """The total of a sitting that only parts were sent of."""
    norms = {part.row.part_id: catalogue.part_norm(part.row.definition_id, part.row.part_id) for part in parts}
    return summed_total(parts, norms)


def scored_part(catalogue: Catalogue, part: CurrentResult, sitting: Sitting) -> ScoredPart:
    """The score on a part of a sitting, by its own norm."""
    row = part.row
    norm = catalogue.part_norm(row.definition_id, row.part_id)
    return ScoredPart(
        row,
        catalogue.subject_material(row.definition_id),
        catalogue.part_name(row.definition_id, row.part_id),
        read_score(row.kind, row.score, row.score_text, row.absence, norm, row.detail),
        norm,
        sitting[2],
        part.duplicate,
    )


def _totals_by_material(scored_tests: list[ScoredTest]) -> dict[int, dict[SubjectMaterial, list[ScoredTest]]]:
    """By pupil and material, oldest first."""
    totals: dict[int, dict[SubjectMaterial, list[ScoredTest]]] = defaultdict(lambda: defaultdict(list))
    for scored_test in sorted(scored_tests, key=lambda scored_test: scored_test.total.order):
        totals[scored_test.total.row.pupil_id][scored_test.subject_material].append(scored_test)
    return {pupil_id: dict(by_material) for pupil_id, by_material in totals.items()}
