"""The class overview: pupils against subjects and materials, each cell the newest total of a period.

It is computed from class data, without queries of its own.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from models.access.people import PupilName
from models.classroom.audience import Audience, audience_of
from models.classroom.class_data import ClassData, ScoredPart, ScoredTest
from models.ingest.freshness import SourceState
from models.results.catalogue import Catalogue
from models.results.current_results import ResultRow, Total, date_order
from models.results.future_results import FutureResult
from models.results.missing import FieldTest, missing_reason_of
from models.results.periods import Period
from models.results.progress import PupilProgress, newest_progress, newest_records, of_record
from models.results.result_rows import MadeTest
from models.results.scales import Missing
from models.results.sittings import made_outside_of
from models.results.subject_materials import SubjectMaterial, matches
from models.schema.collation import collation_key
from models.schema.records import Kind


@dataclass(frozen=True, slots=True)
class Cell(ScoredTest):
    """The newest total of a pupil in a subject of a material; the period holds `others` besides it."""

    others: int


Cells = dict[int, dict[SubjectMaterial, Cell]]  # by pupil


@dataclass(frozen=True, slots=True)
class DeliveredMaterials:
    """The materials that anybody in a class has a total in, and those that anybody has progress in."""

    totals: frozenset[SubjectMaterial] = frozenset()
    progress: frozenset[SubjectMaterial] = frozenset()

    @property
    def subject_materials(self) -> frozenset[SubjectMaterial]:
        """Those with either."""
        return self.totals | self.progress


@dataclass(frozen=True, slots=True)
class ClassOverview:
    """What the matrix of the class page shows.

    `cells` are of the period; `progress` is of the whole school years that the period touches: progress says how far a
    pupil is in a year. `hidden_of` counts a pupil's sittings outside of the period that match the filters; `outside`
    holds the tests of all of them. `delivered`: by pupil, what the whole class of the pupil has. `part`: everything is
    about the parts with this name. `source_id`: only results of this source. `future`: by pupil, results of days of the
    period that have yet to come.
    """

    pupils: tuple[PupilName, ...]
    period: Period
    cells: Cells
    progress: dict[int, tuple[PupilProgress, ...]]
    sources: tuple[SourceState, ...]
    hidden_of: dict[int, int]
    outside: dict[int, frozenset[FieldTest]]
    catalogue: Catalogue
    delivered: dict[int, DeliveredMaterials]
    future: dict[int, tuple[FutureResult, ...]]
    audience: Audience
    part: str | None = None
    source_id: int | None = None

    @property
    def hidden(self) -> int:
        """How many sittings are outside of the period."""
        return sum(self.hidden_of.values())

    @property
    def subject_materials(self) -> list[SubjectMaterial]:
        """Every subject of a material that a pupil has a total or a progress record in."""
        with_total = {subject_material for cells in self.cells.values() for subject_material in cells}
        with_progress = {record.subject_material for records in self.progress.values() for record in records}
        in_future = {result.subject_material for results in self.future.values() for result in results}
        return sorted(with_total | with_progress | in_future)

    def future_of(self, pupil_id: int, subject_materials: Collection[SubjectMaterial]) -> list[FutureResult]:
        """The results of a pupil in these materials that count from a later day on."""
        return [result for result in self.future.get(pupil_id, ()) if result.subject_material in subject_materials]


def class_overview(
    class_data: ClassData,
    period: Period,
    *,
    source_id: int | None = None,
    subject: str | None = None,
    material: str | None = None,
    part: str | None = None,
) -> ClassOverview:
    """The newest totals and the progress of a period, which the class data must have been read for.

    Only results of `source_id` count, if given; with `part`, the scores on the parts of this name take the position of
    the totals. `subject` and `material` only limit what counts as hidden by the period.
    """
    catalogue = class_data.catalogue
    cells = _cells(class_data, period, source_id) if part is None else _part_cells(class_data, period, source_id, part)
    records = [
        row
        for row in class_data.rows
        if row.kind == Kind.PROGRESS and row.taken_on in period.whole_years and source_id in (None, row.source_id)
    ]
    progress = newest_progress(records, catalogue) if part is None else _part_progress(catalogue, records, part)
    in_future = [result.row for results in class_data.future.values() for result in results]
    hidden = made_outside_of(period, class_data.rows, in_future, class_data.not_read, of_parts=part is not None)
    if source_id is not None:
        hidden = [made for made in hidden if catalogue.definitions[made.definition_id].source_id == source_id]
    if part is not None:
        hidden = [made for made in hidden if _is_part(catalogue, made, part)]
    material_of = {id_: catalogue.subject_material(id_) for id_ in {made.definition_id for made in hidden}}
    outside = _tests_by_pupil(material_of, hidden)
    matching = {id_ for id_, subject_material in material_of.items() if matches(subject_material, subject, material)}
    within = (made for made in hidden if made.definition_id in matching)
    future = _future(class_data, period, source_id, part)
    return ClassOverview(
        tuple(_by_name(class_data)),
        period,
        cells,
        progress,
        class_data.sources,
        sittings_by_pupil(within),
        outside,
        catalogue,
        _delivered_materials(class_data.classes, cells, progress, outside, future),
        future,
        audience_of(class_data, progress),
        part,
        source_id,
    )


def _by_name(class_data: ClassData) -> list[PupilName]:
    pupils = [PupilName(member.id, member.first_name, member.name) for member in class_data.members]
    return sorted(pupils, key=lambda pupil: (collation_key(pupil.name), pupil.id))


def _cells(class_data: ClassData, period: Period, source_id: int | None) -> Cells:
    cells: Cells = {}
    for pupil_id, by_material in class_data.totals.items():
        for subject_material, scored_tests in by_material.items():
            shown = [scored_test for scored_test in scored_tests if scored_test.taken_on in period]
            if shown and source_id in (None, subject_material.source_id):
                cell = Cell(shown[-1].total, subject_material, shown[-1].norm, len(shown) - 1)
                cells.setdefault(pupil_id, {})[subject_material] = cell
    return cells


def _part_cells(class_data: ClassData, period: Period, source_id: int | None, part: str) -> Cells:
    """The newest score on the parts of this name, by pupil and material."""
    scores: dict[tuple[int, SubjectMaterial], list[ScoredPart]] = defaultdict(list)
    for scored in class_data.parts:
        if scored.name.name == part and scored.taken_on in period and source_id in (None, scored.source_id):
            scores[scored.pupil_id, scored.subject_material].append(scored)
    cells: Cells = {}
    for (pupil_id, subject_material), scored_parts in scores.items():
        newest = max(scored_parts, key=lambda scored: date_order(scored.row))
        cell = Cell(Total(newest.row, newest.reading), subject_material, newest.norm, len(scored_parts) - 1)
        cells.setdefault(pupil_id, {})[subject_material] = cell
    return cells


def _future(
    class_data: ClassData, period: Period, source_id: int | None, part: str | None
) -> dict[int, tuple[FutureResult, ...]]:
    """By pupil the results of the period that count from a later day on: of the source and the part, if chosen."""
    by_pupil = {
        pupil_id: tuple(
            result
            for result in results
            if result.row.taken_on in period
            and source_id in (None, result.row.source_id)
            and (part is None or (result.part is not None and result.part.name == part))
        )
        for pupil_id, results in class_data.future.items()
    }
    return {pupil_id: results for pupil_id, results in by_pupil.items() if results}


def _part_progress(catalogue: Catalogue, records: list[ResultRow], part: str) -> dict[int, tuple[PupilProgress, ...]]:
    of_part = [row for row in records if row.part_id > 0 and _is_part(catalogue, row, part)]
    progress: dict[int, list[PupilProgress]] = defaultdict(list)
    for row in newest_records(of_part).values():
        progress[row.pupil_id].append(of_record(row, catalogue.subject_material(row.definition_id)))
    return {pupil_id: tuple(pupil_records) for pupil_id, pupil_records in progress.items()}


def _is_part(catalogue: Catalogue, row: ResultRow | MadeTest, name: str) -> bool:
    return row.part_id > 0 and catalogue.part_name(row.definition_id, row.part_id).name == name


def _tests_by_pupil(
    material_of: Mapping[int, SubjectMaterial], made_tests: Iterable[MadeTest]
) -> dict[int, frozenset[FieldTest]]:
    """By pupil the tests among these; `material_of` each of their definitions."""
    tests: dict[int, set[tuple[int, int]]] = defaultdict(set)
    for made in made_tests:
        tests[made.pupil_id].add((made.definition_id, made.test_id))
    return {
        pupil_id: frozenset((material_of[definition_id], test_id) for definition_id, test_id in pupil_tests)
        for pupil_id, pupil_tests in tests.items()
    }


def sittings_by_pupil(made_tests: Iterable[MadeTest]) -> dict[int, int]:
    """How many sittings of each pupil are among these."""
    sittings = {(made.pupil_id, made.test_id, made.taken_on) for made in made_tests}
    return dict(Counter(pupil_id for pupil_id, _, _ in sittings))


def _delivered_materials(
    classes: Mapping[int, frozenset[int]],
    cells: Cells,
    progress: Mapping[int, tuple[PupilProgress, ...]],
    outside: Mapping[int, frozenset[FieldTest]],
    future: Mapping[int, tuple[FutureResult, ...]],
) -> dict[int, DeliveredMaterials]:
    """What the class of each pupil has; a pupil of several classes belongs to the first."""
    delivered: dict[int, DeliveredMaterials] = {}
    for pupil_ids in classes.values():
        of_class = DeliveredMaterials(
            frozenset(subject_material for pupil_id in pupil_ids for subject_material in cells.get(pupil_id, ()))
            | {subject_material for pupil_id in pupil_ids for subject_material, _ in outside.get(pupil_id, ())}
            | {
                result.subject_material
                for pupil_id in pupil_ids
                for result in future.get(pupil_id, ())
                if result.row.kind != Kind.PROGRESS
            },
            frozenset(record.subject_material for pupil_id in pupil_ids for record in progress.get(pupil_id, ())),
        )
        for pupil_id in pupil_ids:
            delivered.setdefault(pupil_id, of_class)
    return delivered


def missing_reason(
    overview: ClassOverview, pupil_id: int, subject_materials: Iterable[SubjectMaterial]
) -> tuple[Missing, PupilProgress | None]:
    """Why a pupil has no total in these materials: what progress says, or what the source sends of the class.

    The whole class of the pupil counts, whichever pupils are shown. Without materials: the source is disconnected.
    """
    materials = set(subject_materials)
    active = {source.id: source.active for source in overview.sources}
    of_class = overview.delivered.get(pupil_id, DeliveredMaterials())
    return missing_reason_of(
        [progress for progress in overview.progress.get(pupil_id, ()) if progress.subject_material in materials],
        {test for test in overview.outside.get(pupil_id, ()) if test[0] in materials},
        connected=any(active.get(subject_material.source_id, True) for subject_material in materials),
        sends_progress=bool(of_class.progress & materials),
        sends_scores=bool(of_class.totals & materials),
        in_future=bool(overview.future_of(pupil_id, materials)),
        not_for=overview.audience.reason_not_for(pupil_id, materials),
    )
