"""The matrix of the class screen as plain cells: what is exported is this, made of the same view as the screen."""

from __future__ import annotations

from dataclasses import dataclass

from dashboard.text.translate import _, n_, plain_tenths
from dashboard.text.words import attention_group_word, missing_word, norm_counts_word, subject_word
from dashboard.ui.class_view import ClassView
from dashboard.ui.controls import class_word, period_word, subgroup_word
from dashboard.ui.coverage import coverage_sentences
from dashboard.ui.filters import BY_MATERIAL
from dashboard.ui.matrix_columns import CellContent, Footer, columns, footer
from dashboard.ui.matrix_table import (
    Section,
    by_attention_group,
    done_words,
    foot_words,
    grid,
    level_word,
    pupil_word,
    total_remarks,
)
from dashboard.ui.own_subjects import own_subjects_words
from models.classroom.class_data import ClassData
from models.results.result_rows import Owners
from models.results.scales import ScoreReading, parse_decimal
from models.schema import clock


@dataclass(frozen=True, slots=True)
class SheetCell:
    """What stands in one cell of the matrix, or under a column of it.

    `value` is the number with a point, as sent, or the mean; `maximum` of how many points; `words` the level, or why
    there is no number; `day` is `YYYY-MM-DD`. `others` is None where there is no result at all.
    """

    value: str | None
    maximum: str | None
    words: str
    day: str | None = None
    test: str | None = None
    others: int | None = None
    remarks: str = ""


@dataclass(frozen=True, slots=True)
class SheetRow:
    """A pupil, with the group and the class; `counts` says in words how many scores with a norm are `below` it."""

    pupil_id: int
    name: str
    group: str
    class_name: str
    below: int
    with_norm: int
    counts: str
    cells: tuple[SheetCell, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """The matrix as it stands on the screen, with what it was made of.

    `limited`: the pupils of whom the viewer saw some subjects alone, which, and the definitions of tests of what was
    read of them.
    """

    title: str
    filters: tuple[tuple[str, str], ...]
    taken_us: int
    coverage: tuple[str, ...]
    hidden: int
    columns: tuple[str, ...]
    rows: tuple[SheetRow, ...]
    feet: tuple[SheetCell, ...]
    limited: tuple[tuple[int, tuple[str, ...], tuple[int, ...]], ...] = ()

    def shows_no_more_than(self, owners: Owners) -> bool:
        """Whether nothing stands in it of other subjects than may be read now, as tests are assigned to them now."""
        then = {pupil_id: (set(subjects), set(definitions)) for pupil_id, subjects, definitions in self.limited}
        for row in self.rows:
            now = owners.limited.get(row.pupil_id)
            if now is None:
                continue
            if row.pupil_id not in then:
                return False
            subjects, definitions = then[row.pupil_id]
            if not (subjects <= now and definitions <= owners.definitions[now]):
                return False
        return True


def sheet_of(view: ClassView, title: str) -> Sheet:
    """The sheet of a view: same pupils, same columns, same order as the screen."""
    filters = view.filters
    shown_columns = columns(view.overview, filters.view, filters.subject, filters.material)
    sections = by_attention_group(grid(view.overview, shown_columns), view.attention_groups)
    rows = [row for _group, section in sections for row in section]
    feet = [_foot(footer([cells[index] for _name, cells in rows])) for index in range(len(shown_columns))]
    return Sheet(
        title,
        tuple(filter_words(view)),
        clock.now_us(),
        tuple(coverage_sentences(view.sources)),
        view.overview.hidden,
        tuple(column.full_name for column in shown_columns),
        tuple(_rows(view, sections)),
        tuple(feet),
        _limited(view.state.class_data),
    )


def _limited(class_data: ClassData) -> tuple[tuple[int, tuple[str, ...], tuple[int, ...]], ...]:
    """What `Sheet.limited` is for what was read of some classes."""
    definitions: dict[int, set[int]] = {pupil_id: set() for pupil_id in class_data.limited}
    for row in class_data.rows:
        if row.pupil_id in definitions:
            definitions[row.pupil_id].add(row.definition_id)
    return tuple(
        (pupil_id, tuple(sorted(subjects)), tuple(sorted(definitions[pupil_id])))
        for pupil_id, subjects in class_data.limited.items()
    )


def filter_words(view: ClassView) -> list[tuple[str, str]]:
    """Every filter with its state in words, those at their default too."""
    filters, everything = view.filters, _("all")
    own = own_subjects_words((pupil.id for pupil in view.overview.pupils), view.state.class_data.limited)
    classes = ", ".join(class_word(class_ref) for class_ref in view.classes if class_ref.id in filters.class_ids)
    sources = {source.id: source.name for source in view.overview.sources}
    parts = {subgroup.key: subgroup_word(subgroup) for subgroup in view.subgroups}
    across = _("Per material") if filters.view == BY_MATERIAL else _("Per subject")
    return [
        (_("Class"), classes),
        (_("Period"), period_word(filters, list(view.classes))),
        (_("Subject"), subject_word(filters.subject) if filters.subject else own or everything),
        (_("Material"), filters.material or everything),
        (_("Publisher"), sources.get(filters.source, "?") if filters.source is not None else everything),
        (_("Group in class"), parts.get(filters.subgroup, "?") if filters.subgroup else everything),
        (_("Goal"), view.goal_word or everything),
        (_("Pupils"), attention_group_word(filters.status) if filters.status else _("all present pupils")),
        (_("Columns"), across),
    ]


def _rows(view: ClassView, sections: list[Section]) -> list[SheetRow]:
    classes = {member.id: member.class_id for member in view.state.class_data.members}
    names = {class_ref.id: class_ref.name for class_ref in view.classes}
    return [
        SheetRow(
            pupil.id,
            pupil_word(pupil),
            attention_group_word(attention_group),
            names.get(classes.get(pupil.id, 0), ""),
            (counts := view.placements[pupil.id].counts).below,
            counts.with_norm,
            norm_counts_word(counts, with_highest=False),
            tuple(_cell(view, cell) for cell in cells),
        )
        for attention_group, section in sections
        for pupil, cells in section
    ]


def _cell(view: ClassView, cell_content: CellContent) -> SheetCell:
    if cell_content.cell is None:
        assert cell_content.missing is not None
        return SheetCell(None, None, missing_word(cell_content.missing), remarks=done_words(cell_content))
    reading = cell_content.cell.total.reading
    name = view.overview.catalogue.definitions[cell_content.cell.definition_id].name
    return SheetCell(
        _value(reading),
        reading.maximum,
        level_word(reading, cell_content.cell.total.derived),
        cell_content.cell.total.row.taken_on,
        name,
        cell_content.others,
        ", ".join(total_remarks(cell_content)),
    )


def _value(reading: ScoreReading) -> str | None:
    """The number as sent, without what only a person reads."""
    number = parse_decimal(reading.text)
    return None if number is None else format(number, "f")


def _foot(under: Footer) -> SheetCell:
    mean = None if under.mean is None else plain_tenths(under.mean)
    return SheetCell(mean, under.maximum, foot_words(under))


def hidden_words(sheet: Sheet) -> str:
    """How many results the period hides; "" where it hides none."""
    if not sheet.hidden:
        return ""
    return n_(
        "The period hides {number} result of these pupils.",
        "The period hides {number} results of these pupils.",
        sheet.hidden,
    )
