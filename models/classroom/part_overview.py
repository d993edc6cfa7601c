"""The class overview of one part of tests: the scores on it, and how far pupils are with it where a source says so."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace

from sqlalchemy import Connection

from models.access.viewer import Viewer
from models.classroom.class_data import ClassData, ScoredPart
from models.classroom.class_overview import Cell, ClassOverview, delivered_materials, hidden_by_pupil, outside_tests
from models.results.catalogue import know, load_parts
from models.results.current_results import ResultRow, Total, date_order
from models.results.progress import PupilProgress, newest_records, of_record
from models.results.result_rows import hidden_parts, pupil_identifiers
from models.results.subject_materials import SubjectMaterial, matches


def part_overview(
    connection: Connection,
    viewer: Viewer,
    overview: ClassOverview,
    class_data: ClassData,
    name: str,
    source_id: int | None = None,
    subject: str | None = None,
    material: str | None = None,
) -> ClassOverview:
    """The overview with the parts of this name in place of whole tests; `seen` holds the parts of the same period.

    `subject` and `material` bound what counts as hidden by the period.
    """
    period = overview.period

    def of_part(definition_id: int, part_id: int) -> bool:
        return class_data.catalogue.part_name(definition_id, part_id).name == name

    scored = [part for part in class_data.parts if part.name.name == name and source_id in (None, part.source_id)]
    reports = [
        report
        for report in class_data.part_reports
        if source_id in (None, report.source_id)
        and report.taken_on in period.whole_years
        and of_part(report.definition_id, report.part_id)
    ]
    owners = pupil_identifiers(connection, viewer, [pupil.id for pupil in overview.pupils])
    rows = hidden_parts(connection, viewer, owners, period, source_id)
    know(connection, viewer.school_id, class_data.catalogue, {row.definition_id for row, _ in rows})
    load_parts(connection, viewer.school_id, class_data.catalogue, {part_id for _, part_id in rows})
    outside = [row for row, part_id in rows if of_part(row.definition_id, part_id)]
    within = (
        row for row in outside if matches(class_data.catalogue.subject_material(row.definition_id), subject, material)
    )
    cells = _cells(scored_part for scored_part in scored if scored_part.taken_on in period)
    progress, tests = _progress(class_data, reports), outside_tests(outside, class_data.catalogue)
    return replace(
        overview,
        cells=cells,
        progress=progress,
        hidden_of=hidden_by_pupil(within),
        outside=tests,
        catalogue=class_data.catalogue,
        delivered=delivered_materials(class_data.classes, cells, progress, tests),
        part=name,
    )


def _cells(scored: Iterable[ScoredPart]) -> dict[int, dict[SubjectMaterial, Cell]]:
    """Per pupil and material the newest score on the part."""
    found: dict[tuple[int, SubjectMaterial], list[Cell]] = defaultdict(list)
    for scored_part in scored:
        cell = Cell(
            Total(scored_part.row, scored_part.reading),
            scored_part.subject_material,
            scored_part.test_id,
            scored_part.definition_id,
            0,
        )
        found[scored_part.pupil_id, scored_part.subject_material].append(cell)
    cells: dict[int, dict[SubjectMaterial, Cell]] = defaultdict(dict)
    for (pupil_id, subject_material), several in found.items():
        newest = max(several, key=lambda cell: date_order(cell.total.row))
        cells[pupil_id][subject_material] = replace(newest, others=len(several) - 1)
    return dict(cells)


def _progress(class_data: ClassData, reports: list[ResultRow]) -> dict[int, tuple[PupilProgress, ...]]:
    found: dict[int, list[PupilProgress]] = defaultdict(list)
    for row in newest_records(reports).values():
        found[row.pupil_id].append(of_record(row, class_data.catalogue.subject_material(row.definition_id)))
    return {pupil_id: tuple(progress_records) for pupil_id, progress_records in found.items()}
