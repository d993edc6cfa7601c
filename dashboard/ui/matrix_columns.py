"""The class overview as columns and rows: which cells stand in which column, and what stands under them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal

from dashboard.text.words import subject_word
from dashboard.ui.filters import BY_MATERIAL
from models.classroom.class_overview import Cell, ClassOverview, missing_reason
from models.results.progress import PupilProgress
from models.results.scales import LEVELS, NOT_FOR_PUPIL, Missing, NormPosition
from models.results.subject_materials import SubjectMaterial, matches
from models.results.subjects import SUBJECTS
from models.schema.collation import collation_key


@dataclass(frozen=True, slots=True)
class Column:
    """One column: a material within a subject, or a whole material; `key` names it in the page."""

    key: str
    group: str
    label: str
    subject_materials: tuple[SubjectMaterial, ...]
    source_id: int

    @property
    def full_name(self) -> str:
        """Its whole name."""
        return f"{self.group} · {self.label}" if self.label else self.group


@dataclass(frozen=True, slots=True)
class CellContent:
    """What a pupil's cell shows: a total, or why there is none.

    `future`: how many results of the pupil have a date in the future; they count in nothing yet.
    """

    cell: Cell | None
    others: int
    missing: Missing | None = None
    progress: PupilProgress | None = None
    future: int = 0


@dataclass(frozen=True, slots=True)
class Footer:
    """Under a column: a mean over `counted` of `all` pupils whom it is for, or how many stand in each band.

    `has_norm` is whether any counted cell came with bands.

    `mean` is in ten-thousandths, None where the cells hold different tests; `bands` then counts per place and word.
    """

    counted: int
    all: int
    mean: Decimal | None
    maximum: str | None
    bands: tuple[tuple[NormPosition, str | None, int], ...]
    has_norm: bool = True


def subject_order(subject: str) -> int:
    """Where a subject stands on the screens; what is not assigned comes last."""
    return SUBJECTS.index(subject) if subject in SUBJECTS else len(SUBJECTS)


def columns(overview: ClassOverview, view: str, subject: str | None, material: str | None = None) -> list[Column]:
    """The columns of a view, in the order of the subjects, then of the materials."""
    fields = [
        subject_material
        for subject_material in overview.subject_materials
        if matches(subject_material, subject, material)
    ]
    fields.sort(
        key=lambda subject_material: (
            subject_order(subject_material.subject),
            collation_key(subject_material.material),
            subject_material.source_id,
        )
    )
    names = overview.catalogue.material_names(fields)
    if view != BY_MATERIAL:
        return [
            Column(
                subject_material.key,
                subject_word(subject_material.subject),
                names[subject_material],
                (subject_material,),
                subject_material.source_id,
            )
            for subject_material in fields
        ]
    by_material: dict[tuple[str, int], list[SubjectMaterial]] = {}
    for one in fields:
        by_material.setdefault((one.material, one.source_id), []).append(one)
    found = [
        _material_column(names[subject_materials[0]], subject_materials) for subject_materials in by_material.values()
    ]
    everything = subject is None and material is None and overview.part is None
    return found + (_not_connected(overview, {item.source_id for item in found}) if everything else [])


def _material_column(name: str, subject_materials: list[SubjectMaterial]) -> Column:
    first = subject_materials[0]
    subjects = ", ".join(subject_word(subject_material.subject) for subject_material in subject_materials)
    key = f"{first.source_id}|{first.material}"
    return Column(key, name, subjects, tuple(subject_materials), first.source_id)


def _not_connected(overview: ClassOverview, shown_sources: set[int]) -> list[Column]:
    """Publishers that the school was connected to and is no more, and that no results are shown of."""
    return [
        Column(f"source|{source.id}", source.material or source.name, "", (), source.id)
        for source in overview.sources
        if source.role == "publisher"
        and not source.active
        and source.id not in shown_sources
        and overview.source_id in (None, source.id)
    ]


def cell_content(overview: ClassOverview, column: Column, pupil_id: int) -> CellContent:
    """What stands in a pupil's cell of a column."""
    own = overview.cells.get(pupil_id, {})
    cells = [own[subject_material] for subject_material in column.subject_materials if subject_material in own]
    future = len(overview.future_of(pupil_id, column.subject_materials))
    if cells:
        newest = max(cells, key=lambda cell: cell.total.order)
        others = sum(cell.others + 1 for cell in cells) - 1
        return CellContent(newest, others, newest.total.reading.missing, future=future)
    reason, progress = missing_reason(overview, pupil_id, column.subject_materials)
    return CellContent(None, 0, reason, progress, future)


def same_test(cells: list[Cell]) -> bool:
    """Whether all cells are of one test, version, definition and number of points; sums of the same parts."""
    keys = {
        (
            cell.test_id,
            cell.definition_id,
            cell.total.reading.maximum,
            cell.total.derived,
            cell.total.part_ids if cell.total.derived else cell.total.row.part_id,
        )
        for cell in cells
    }
    return len(keys) == 1


def footer(row: list[CellContent]) -> Footer:
    """The mean of a column, only where every counted cell is the same test, version and definition."""
    counted = [
        cell_content.cell for cell_content in row if cell_content.cell is not None and is_counted(cell_content.cell)
    ]
    everybody = sum(cell_content.missing not in NOT_FOR_PUPIL for cell_content in row)
    numbers = [cell for cell in counted if cell.total.reading.counts]
    values = [Decimal(cell.total.reading.value) for cell in numbers if cell.total.reading.value is not None]
    if values and same_test(numbers):
        mean = sum(values, Decimal(0)) / len(values)
        return Footer(len(values), everybody, mean, numbers[0].total.reading.maximum, ())
    words = Counter((cell.total.reading.position, cell.total.reading.band) for cell in counted)
    bands = sorted(words.items(), key=lambda item: _band_order(*item[0]))
    has_norm = any(cell.total.reading.has_norm for cell in counted)
    found = tuple((position, word, number) for (position, word), number in bands)
    return Footer(len(counted), everybody, None, None, found, has_norm)


def _band_order(position: NormPosition, band: str | None) -> tuple[int, str]:
    """The levels of a Dutch norm group in their own order, I to V or A to E; other bands from below the norm up."""
    levels: list[tuple[NormPosition, str | None]] = [
        (place, level) for order in LEVELS.values() for level, place in order.items()
    ]
    if (position, band) in levels:
        return levels.index((position, band)), ""
    return len(levels) + list(NormPosition).index(position), band or ""


def is_counted(cell: Cell) -> bool:
    """Whether a cell is counted under its column: a number, or a level in its place."""
    return cell.total.reading.counts or cell.total.reading.is_judged


def position_counts(row: list[CellContent]) -> dict[str, int]:
    """How many of a pupil's cells are below, on and above a norm, without norm, and without score."""
    counter = Counter(
        "missing"
        if cell_content.cell is None
        or (not cell_content.cell.total.reading.counts and cell_content.cell.total.reading.band is None)
        else cell_content.cell.total.reading.position.value
        for cell_content in row
        if cell_content.missing not in NOT_FOR_PUPIL
    )
    return dict(counter)
