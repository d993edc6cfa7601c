"""The class overview as columns and rows: which cells stand in which column, and what stands under them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal

from dashboard.text.words import subject_word
from dashboard.ui.filters import BY_MATERIAL
from models.classroom.class_overview import Cell, ClassOverview, missing_reason
from models.results.progress import PupilProgress
from models.results.scales import Missing, NormPosition
from models.results.subject_materials import SubjectMaterial, matches
from models.results.subjects import SUBJECTS


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
    """What a pupil's cell shows: a total, or why there is none."""

    cell: Cell | None
    others: int
    missing: Missing | None = None
    progress: PupilProgress | None = None


@dataclass(frozen=True, slots=True)
class Footer:
    """Under a column: a mean over `counted` of `all` pupils, or how many stand in each band.

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
    fields = [one for one in overview.subject_materials if matches(one, subject, material)]
    fields.sort(key=lambda one: (subject_order(one.subject), one.material.casefold(), one.source_id))
    names = overview.catalogue.material_names(fields)
    if view != BY_MATERIAL:
        return [Column(one.key, subject_word(one.subject), names[one], (one,), one.source_id) for one in fields]
    by_material: dict[tuple[str, int], list[SubjectMaterial]] = {}
    for one in fields:
        by_material.setdefault((one.material, one.source_id), []).append(one)
    found = [_material_column(names[several[0]], several) for several in by_material.values()]
    everything = subject is None and material is None and overview.part is None
    return found + (_not_connected(overview, {one.source_id for one in found}) if everything else [])


def _material_column(name: str, fields: list[SubjectMaterial]) -> Column:
    first = fields[0]
    subjects = ", ".join(subject_word(one.subject) for one in fields)
    key = f"{first.source_id}|{first.material}"
    return Column(key, name, subjects, tuple(fields), first.source_id)


def _not_connected(overview: ClassOverview, shown_sources: set[int]) -> list[Column]:
    """Publishers that the school was coupled to and is no more, and that no results are shown of."""
    return [
        Column(f"source|{one.id}", one.material or one.name, "", (), one.id)
        for one in overview.sources
        if one.role == "publisher"
        and not one.active
        and one.id not in shown_sources
        and overview.source_id in (None, one.id)
    ]


def cell_content(overview: ClassOverview, column: Column, pupil_id: int) -> CellContent:
    """What stands in a pupil's cell of a column."""
    own = overview.cells.get(pupil_id, {})
    cells = [own[field] for field in column.subject_materials if field in own]
    if cells:
        newest = max(cells, key=lambda one: one.total.order)
        return CellContent(newest, sum(one.others + 1 for one in cells) - 1, newest.total.reading.missing)
    reason, progress = missing_reason(overview, pupil_id, column.subject_materials)
    return CellContent(None, 0, reason, progress)


def same_test(cells: list[Cell]) -> bool:
    """Whether all cells are of one test, version, definition and number of points; sums of the same parts."""
    keys = {
        (
            one.test_id,
            one.definition_id,
            one.total.reading.maximum,
            one.total.derived,
            one.total.part_ids if one.total.derived else one.total.row.part_id,
        )
        for one in cells
    }
    return len(keys) == 1


def footer(row: list[CellContent]) -> Footer:
    """The mean of a column, only where every counted cell is the same test, version and definition."""
    counted = [one.cell for one in row if one.cell is not None and one.cell.total.reading.counts]
    values = [Decimal(one.total.reading.value) for one in counted if one.total.reading.value is not None]
    if values and same_test(counted):
        mean = sum(values, Decimal(0)) / len(values)
        return Footer(len(values), len(row), mean, counted[0].total.reading.maximum, ())
    words = Counter((one.total.reading.position, one.total.reading.band) for one in counted)
    order = list(NormPosition)
    bands = sorted(words.items(), key=lambda one: (order.index(one[0][0]), one[0][1] or ""))
    has_norm = any(one.total.reading.has_norm for one in counted)
    found = tuple((place, word, number) for (place, word), number in bands)
    return Footer(len(values), len(row), None, None, found, has_norm)


def position_counts(row: list[CellContent]) -> dict[str, int]:
    """How many of a pupil's cells are below, on and above a norm, without norm, and without score."""
    found = Counter(
        "missing" if one.cell is None or (not one.cell.total.reading.counts and one.cell.total.reading.band is None)
        else one.cell.total.reading.position.value
        for one in row
    )  # fmt: skip
    return dict(found)
