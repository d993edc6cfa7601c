"""Explains a score of the matrix and the footer of its column."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from dashboard.pages.class_page.why.parts import (
    Explanation,
    cell_words,
    column_of,
    facts,
    period_fact,
    pupil_list,
    rule,
    source_facts,
)
from dashboard.pages.pupil.part_panel import provenance_lines
from dashboard.text.translate import _, n_, native, short_day, tenths
from dashboard.text.words import future_words, missing_word
from dashboard.ui import addresses
from dashboard.ui.class_view import ClassView
from dashboard.ui.elements import Link, html
from dashboard.ui.matrix_columns import CellContent, Column, Footer, cell_content, footer, is_counted
from dashboard.ui.matrix_table import foot_words, pupil_word
from models.access.people import PupilName
from models.access.viewer import Viewer
from models.classroom.class_overview import Cell
from models.classroom.timeline import provenance
from models.results.progress import PupilProgress
from models.results.scales import Missing
from models.schema.collation import collation_key


def explain_cell(
    connection: Connection, viewer: Viewer, view: ClassView, pupil_id: int | None, key: str
) -> Explanation:
    """The newest total of a pupil in a column: what was sent, in which message; or why there is none."""
    pupil = next((pupil for pupil in view.overview.pupils if pupil.id == pupil_id), None)
    column = column_of(view, key)
    if pupil is None or column is None:
        return None
    item = cell_content(view.overview, column, pupil.id)
    head = [html.H3(f"{pupil_word(pupil)} · {column.full_name}"), rule(*_cell_rule(view, item))]
    lines = _sent(connection, viewer, pupil, item.cell) if item.cell is not None else _not_sent(view, column, item)
    link = Link(_("See {name}", name=pupil.first_name or pupil_word(pupil)), href=addresses.pupil_href(pupil.id))
    return [*head, *lines, html.P(link, className="acts")]


def _cell_rule(view: ClassView, cell_content: CellContent) -> list[str]:
    if cell_content.cell is None:
        return [_("There is no score in the period. It is not counted as 0, and not in any mean.")]
    if view.filters.goal is not None:
        first = _("The newest score on the part {part} in the period.", part=view.goal_word)
    else:
        first = _("The newest total of this pupil in this column in the period.")
    future = future_words(cell_content.future)
    others = n_("{number} other result in this period", "{number} other results in this period", cell_content.others)
    return [
        first,
        f"{others}." if cell_content.others else "",
        _("Counts only from that day on: {results}.", results=future) if cell_content.future else "",
    ]


def _sent(connection: Connection, viewer: Viewer, pupil: PupilName, cell: Cell) -> list[Any]:
    """What the source sent; for a total that is the sum of parts, of the whole sitting."""
    row = cell.total.row
    part_id = 0 if cell.total.derived else row.part_id
    source = provenance(connection, viewer, pupil.id, cell.test_id, row.taken_on, part_id)
    return provenance_lines(source) if source is not None else [html.P(_("This number no longer exists."))]


def _not_sent(view: ClassView, column: Column, cell_content: CellContent) -> list[Any]:
    assert cell_content.missing is not None
    pairs = [(_("State"), missing_word(cell_content.missing)), (_("Rule"), _missing_rule(cell_content.missing))]
    return [
        facts(
            [
                *pairs,
                *_progress(view, cell_content.progress),
                period_fact(view),
                *source_facts(view, [column.source_id]),
            ]
        )
    ]


def _missing_rule(reason: Missing) -> str:
    """When this state is shown."""
    return {
        Missing.NOT_OFFERED: _("The source says that it was not offered."),
        Missing.NO_SCORE: _("The source says that it is finished, and sends no score."),
        Missing.NOT_LINKED: _("The school has no connection with this publisher now."),
        Missing.NOT_DELIVERED: _("The source sends neither scores nor progress of this for anybody in this list."),
        Missing.NOT_TAKEN: _(
            "The pupil has no results of this subject, and fewer than half of the year group in this class have any."
        ),
        Missing.OTHER_YEAR: _("Only another year group of the class has results of this."),
        Missing.OTHER_SUBJECT: _(
            "You teach this pupil another subject. Whether there are results of this is not shown."
        ),
        Missing.FUTURE: _("Its test date is in the future. It counts from that day on."),
        Missing.OUTSIDE: _("There is a score of another day. Choose a longer period to see it."),
        Missing.NO_RESULT: _("Others have a score; of this pupil nothing came in."),
        Missing.NOT_SET: _("The source sends progress of others; of this pupil it sent none."),
        Missing.NOT_BEGUN: _("The newest progress record says so."),
        Missing.BUSY: _("The newest progress record says so."),
    }[reason]


def _progress(view: ClassView, progress: PupilProgress | None) -> list[tuple[str, str]]:
    if progress is None:
        return []
    made = progress.made if progress.made is not None else "?"
    counted = (
        _("{made} of {offered} exercises", made=made, offered=progress.offered) if progress.offered is not None else ""
    )
    return [
        (_("Test"), view.overview.catalogue.definitions[progress.row.definition_id].name),
        (_("Progress"), counted),
        (_("As of"), short_day(progress.row.taken_on)),
    ]


# -- under a column ------------------------------------------------------------------------------------------


def explain_mean(view: ClassView, key: str) -> Explanation:
    """Which pupils count in the footer of a column, which do not and why, and by which rule."""
    column = column_of(view, key)
    if column is None:
        return None
    rows = [(pupil, cell_content(view.overview, column, pupil.id)) for pupil in view.overview.pupils]
    under = footer([cell_content for _pupil, cell_content in rows])
    counted = [(pupil, cell_words(cell_content)) for pupil, cell_content in rows if _counts(under, cell_content)]
    left_out = [(pupil, cell_words(cell_content)) for pupil, cell_content in rows if not _counts(under, cell_content)]
    return [
        html.H3(column.full_name),
        html.P(html.B(_outcome(under))),
        rule(
            _("A mean is made only of scores of the same test and the same version."),
            _("Otherwise it says how many pupils are at each level of the source.") if under.mean is None else "",
            _("Missing never counts as 0. A real 0 counts as 0."),
        ),
        facts(
            [
                (_("Counted"), _("{counted} of {all} pupils shown", counted=under.counted, all=under.all)),
                (
                    _("Test"),
                    ", ".join(
                        _tests(view, [cell_content for _pupil, cell_content in rows if _counts(under, cell_content)])
                    ),
                ),
                period_fact(view),
                *source_facts(view, [column.source_id]),
            ]
        ),
        *pupil_list(_("Counts"), counted, "counted"),
        *pupil_list(_("Does not count"), left_out, "left-out"),
    ]


def _outcome(under: Footer) -> str:
    if under.mean is None:
        return foot_words(under)
    of_points = f" {_('of {maximum}', maximum=native(under.maximum))}" if under.maximum else ""
    return f"{tenths(under.mean)}{of_points} · {foot_words(under)}"


def _counts(under: Footer, cell_content: CellContent) -> bool:
    """Whether a cell is in the mean, or in the counts that stand in its place."""
    if cell_content.cell is None:
        return False
    return cell_content.cell.total.reading.counts if under.mean is not None else is_counted(cell_content.cell)


def _tests(view: ClassView, cell_contents: list[CellContent]) -> list[str]:
    """The names of the tests that count; of a single test also the date."""
    cells = [cell_content.cell for cell_content in cell_contents if cell_content.cell is not None]
    names = {cell.definition_id: view.overview.catalogue.definitions[cell.definition_id].name for cell in cells}
    return sorted(set(names.values()), key=collation_key)
