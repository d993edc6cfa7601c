"""Results with a test date that has yet to come: stored and shown, and counted from their day on.

The clock decides when results are read: nothing has to run on the day itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from models.results.catalogue import WHOLE_TEST, Catalogue, PartName
from models.results.current_results import ResultRow, date_order, resolve_duplicates
from models.results.progress import of_record
from models.results.scales import ScoreReading, read_score
from models.results.subject_materials import SubjectMaterial
from models.schema import clock
from models.schema.records import Kind


@dataclass(frozen=True, slots=True)
class FutureResult:
    """A score or progress record as sent, with its test and part; it counts in nothing yet."""

    row: ResultRow
    subject_material: SubjectMaterial
    test: str
    part: PartName | None
    reading: ScoreReading


def split_future(rows: Iterable[ResultRow]) -> tuple[list[ResultRow], list[ResultRow]]:
    """The rows up to and including today (in the Netherlands), and those of later days."""
    today = clock.today().isoformat()
    past: list[ResultRow] = []
    future: list[ResultRow] = []
    for row in rows:
        (past if row.taken_on <= today else future).append(row)
    return past, future


def future_results(catalogue: Catalogue, rows: Iterable[ResultRow]) -> dict[int, tuple[FutureResult, ...]]:
    """By pupil what rows of the future say, by date."""
    by_pupil: dict[int, list[FutureResult]] = {}
    current = (result.row for result in resolve_duplicates(row for row in rows if row.kind != Kind.OTHER).values())
    for row in sorted(current, key=date_order):
        by_pupil.setdefault(row.pupil_id, []).append(_future_result(catalogue, row))
    return {pupil_id: tuple(results) for pupil_id, results in by_pupil.items()}


def _future_result(catalogue: Catalogue, row: ResultRow) -> FutureResult:
    subject_material = catalogue.subject_material(row.definition_id)
    part = None if row.part_id == WHOLE_TEST else catalogue.part_name(row.definition_id, row.part_id)
    norm = (
        catalogue.total_norm(row.definition_id) if part is None else catalogue.part_norm(row.definition_id, row.part_id)
    )
    if row.kind == Kind.PROGRESS:
        reading = ScoreReading(missing=of_record(row, subject_material).state)
    else:
        reading = read_score(row.kind, row.score, row.score_text, row.absence, norm, row.detail)
    return FutureResult(row, subject_material, catalogue.definitions[row.definition_id].name, part, reading)
