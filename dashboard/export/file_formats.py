"""A sheet as a file: CSV, XLSX, or one HTML page that needs no network.

All hold the same cells in the same order, the filters, the moment, and what each column means. Another format is a
function that writes a sheet, and its entry in `FORMATS`.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from html import escape
from typing import TYPE_CHECKING, Any

from dashboard.export.frames import Kind, cells_of, flat_table
from dashboard.export.sheets import Sheet, hidden_words
from dashboard.export.spreadsheet_text import safe_text
from dashboard.text.translate import _, day_name, language, long_moment, n_, native
from dashboard.text.words import short_test

if TYPE_CHECKING:
    import pandas as pd


def facts(sheet: Sheet) -> list[tuple[str, str]]:
    """What a file says of itself: filters, moment, sources, what the period hides."""
    lines = [*sheet.filters, (_("Made"), long_moment(sheet.taken_us)), (_("Publishers"), " ".join(sheet.coverage))]
    hidden = hidden_words(sheet)
    return [*lines, (_("Outside the period"), hidden)] if hidden else lines


def dictionary() -> list[tuple[str, str]]:
    """What each part of the table means."""
    return [
        (_("Group"), _("Which attention group the pupil is in: an open signal, or the norms of the sources, decide.")),
        (_("Pupil"), _("The name of the pupil as the pupil list has it.")),
        (_("Class"), _("The class that the pupil is in now.")),
        (_("Scores below the norm"), _("Of all scores in the period within the filters, those below the norm.")),
        (_("Scores with a norm"), _("Of all scores in the period within the filters, those with a place in a norm.")),
        (_("score"), _("The newest total in the period, as the source sent it, on the scale of the material.")),
        (_("out of"), _("The number of points that the source says can be had; empty where it does not say.")),
        (
            _("level or reason"),
            _(
                "The level by the norm of the source, or why there is no score. Empty is never 0. Of the levels I to V "
                "I is the highest, of A to E it is A."
            ),
        ),
        (_("test date"), _("The day on which the test was taken (year-month-day).")),
        (_("test"), _("The name of the test.")),
        (_("other results"), _("How many other totals the period holds in this column.")),
        (
            _("Mean"),
            _("Of the pupils in this file with a score on the same test; otherwise how many are at each level."),
        ),
    ]


# -- CSV -----------------------------------------------------------------------------------------------------


def as_csv(sheet: Sheet) -> bytes:
    """UTF-8 with BOM, by the language: semicolons and decimal commas, or commas and points; texts stay texts."""
    import pandas as pd

    text, table, separator = io.StringIO(), flat_table(sheet), ";" if language() == "nl" else ","

    def write(frame: pd.DataFrame, heads: list[str] | bool = False) -> None:
        frame.to_csv(text, sep=separator, header=heads, index=False, na_rep="", lineterminator="\r\n")

    def write_texts(rows: Iterable[tuple[str, ...]]) -> None:
        write(pd.DataFrame([[safe_text(cell) for cell in row] for row in rows]))

    write_texts([(sheet.title,)])
    write_texts(facts(sheet))
    text.write("\r\n")
    cells = {
        index: table.frame[index].map(_CSV_CELLS[kind], na_action="ignore") for index, kind in enumerate(table.kinds)
    }
    write(pd.DataFrame(cells), [safe_text(name) for name in table.heads])
    text.write("\r\n")
    write_texts([(_("What the columns mean"),)])
    write_texts(dictionary())
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def plain_number(value: Decimal) -> str:
    """A number with every decimal that was sent, and the decimal sign of the language."""
    return native(format(value, "f"))


def _csv_date(value: pd.Timestamp) -> str:
    return value.date().isoformat()


_CSV_CELLS: dict[Kind, Callable[[Any], str]] = {
    Kind.TEXT: safe_text,
    Kind.NUMBER: plain_number,
    Kind.DATE: _csv_date,
}


# -- XLSX ----------------------------------------------------------------------------------------------------


def as_xlsx(sheet: Sheet) -> bytes:
    """A workbook: the table, and a page with the filters and what the columns mean."""
    import pandas as pd

    table, file, results, about = flat_table(sheet), io.BytesIO(), _("Results"), _("About")
    lines = [(sheet.title, ""), *facts(sheet), ("", ""), (_("What the columns mean"), ""), *dictionary()]
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with pd.ExcelWriter(
        file, engine="xlsxwriter", datetime_format="yyyy-mm-dd", engine_kwargs={"options": options}
    ) as writer:
        table.frame.to_excel(writer, sheet_name=results, header=False, index=False, startrow=1)
        pd.DataFrame(lines).to_excel(writer, sheet_name=about, header=False, index=False)
        bold = writer.book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
        page = writer.sheets[results]
        for column, name in enumerate(table.heads):
            page.write_string(0, column, name, bold)
        page.freeze_panes(1, 3)
        page.set_column(0, len(table.heads) - 1, 16)
        for down, (name, _words) in enumerate(lines):
            writer.sheets[about].write_string(down, 0, name, bold)
        writer.sheets[about].set_column(0, 0, 24)
        writer.sheets[about].set_column(1, 1, 110)
    return file.getvalue()


# -- one HTML page -------------------------------------------------------------------------------------------

PAGE_STYLE = """
body{font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,Arial,sans-serif;margin:24px;color:#161d24;background:#fff}
h1{font-size:1.5rem;margin:0 0 8px}dl{display:grid;grid-template-columns:max-content 1fr;gap:2px 16px;font-size:.875rem}
dt{color:#58646f}dd{margin:0}table{border-collapse:collapse;font-size:.875rem;margin:16px 0}
th,td{border-bottom:1px solid #d9dee3;padding:6px 10px;text-align:left;vertical-align:top}
thead th{border-bottom:2px solid #76818d}tr.group th{background:#edeff1}tfoot td,tfoot th{border-top:2px solid #76818d}
small{display:block;color:#434f5b}.box{overflow-x:auto}@media print{body{margin:0}}
"""


def as_html(sheet: Sheet) -> bytes:
    """One page without script and without anything from elsewhere."""
    terms = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts(sheet))
    meant = "".join(f"<dt>{escape(name)}</dt><dd>{escape(words)}</dd>" for name, words in dictionary())
    heads = "".join(f'<th scope="col">{escape(name)}</th>' for name in sheet.columns)
    cells = _html_cells(sheet)
    bodies = _html_bodies(cells.iloc[:-1], [row.counts for row in sheet.rows])
    feet = "".join(f"<td>{cell}</td>" for cell in cells.iloc[-1])
    return (
        f'<!DOCTYPE html>\n<html lang="{language()}"><head><meta charset="utf-8"><meta name="viewport" '
        f'content="width=device-width,initial-scale=1"><title>{escape(sheet.title)}</title><style>{PAGE_STYLE}</style>'
        f"</head><body><main><h1>{escape(sheet.title)}</h1><dl>{terms}</dl>"
        f'<div class="box" tabindex="0" role="region" aria-label="{escape(sheet.title)}"><table><thead><tr>'
        f'<th scope="col">{escape(_("Pupil"))}</th>{heads}</tr></thead>{bodies}<tfoot><tr><th scope="row">'
        f"{escape(_('Mean'))}</th>{feet}</tr></tfoot></table></div><h2>{escape(_('What the columns mean'))}</h2>"
        f"<dl>{meant}</dl></main></body></html>\n"
    ).encode()


def _html_cells(sheet: Sheet) -> pd.DataFrame:
    """The markup of every cell, a column a column of the matrix; the last row is that of the means."""
    import pandas as pd

    cells = cells_of(sheet)
    plain = cells.astype("object").where(cells.notna(), None)
    columns = {
        index: [_html_cell(cell) for cell in plain[index].itertuples(index=False)]
        for index in range(len(sheet.columns))
    }
    return pd.DataFrame(columns, index=cells.index)


def _html_bodies(cells: pd.DataFrame, beside_names: Iterable[str]) -> str:
    markup, width, beside = "", cells.shape[1] + 1, iter(beside_names)
    for group, rows in cells.groupby(level="group", sort=False):
        markup += f'<tbody><tr class="group"><th scope="rowgroup" colspan="{width}">{escape(str(group))}</th></tr>'
        for name, row in zip(rows.index.get_level_values("pupil"), rows.itertuples(index=False), strict=True):
            tds = "".join(f"<td>{cell}</td>" for cell in row)
            markup += f'<tr><th scope="row">{escape(name)}<small>{escape(next(beside))}</small></th>{tds}</tr>'
        markup += "</tbody>"
    return markup


def _html_cell(cell: Any) -> str:
    """The markup of a cell with the parts of `frames.PARTS`, each None where it is missing."""
    out_of = f" {_('of {maximum}', maximum=plain_number(cell.maximum))}" if cell.maximum is not None else ""
    value = f"<b>{escape(plain_number(cell.value) + out_of)}</b>" if cell.value is not None else ""
    day = "" if cell.day is None else day_name(cell.day.date().isoformat())
    others = int(cell.others or 0)
    more = n_("{number} other result in this period", "{number} other results in this period", others)
    about = [cell.words, day, short_test(cell.test or ""), cell.remarks, more if others else ""]
    return value + "".join(f"<small>{escape(item)}</small>" for item in about if item)


# -- all of them ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FileFormat:
    """A format to save a sheet in: its ending, its media type, who writes it, and its name in the menu."""

    ending: str
    media_type: str
    write: Callable[[Sheet], bytes]
    name: Callable[[], str]


FORMATS = {
    file_format.ending: file_format
    for file_format in (
        FileFormat(
            "xlsx",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            as_xlsx,
            lambda: _("Excel (xlsx)"),
        ),
        FileFormat("csv", "text/csv; charset=utf-8", as_csv, lambda: _("Text (csv)")),
        FileFormat("html", "text/html; charset=utf-8", as_html, lambda: _("Web page to view offline (html)")),
    )
}
