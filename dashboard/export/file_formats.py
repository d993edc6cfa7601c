"""A sheet as a file: CSV, XLSX, or one HTML page that needs no network.

All three hold the same cells in the same order, the filters, the moment, and what each column means.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from decimal import Decimal
from html import escape

import xlsxwriter

from dashboard.export.sheets import Sheet, SheetCell, SheetFoot, hidden_words
from dashboard.text.translate import _, day_name, language, long_moment, n_, native

Row = list[str | Decimal | None]
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def columns_of(sheet: Sheet) -> list[str]:
    """The heads of the flat table: three of the pupil, then six a column of the matrix."""
    parts = (_("score"), _("out of"), _("level or reason"), _("test date"), _("test"), _("other results"))
    return [
        _("Group"), _("Pupil"), _("Class"), *(f"{name} · {part}" for name in sheet.columns for part in parts)
    ]  # fmt: skip


def rows_of(sheet: Sheet) -> list[Row]:
    """The flat rows in the order of the screen; a number is a number, what is missing is empty and never 0."""
    return [
        [row.group, row.name, row.class_name, *(value for cell in row.cells for value in _flat(cell))]
        for row in sheet.rows
    ]


def foot_of(sheet: Sheet) -> Row:
    """The row under the table: the means, each with how many it counts."""
    return [_("Mean"), None, None, *(value for foot in sheet.feet for value in _flat_foot(foot))]


def _flat(cell: SheetCell) -> Row:
    words = f"{cell.words} ({cell.remarks})" if cell.remarks else cell.words
    others = None if cell.others is None else Decimal(cell.others)
    return [_number(cell.value), _number(cell.maximum), words, cell.day, cell.test, others]


def _flat_foot(foot: SheetFoot) -> Row:
    return [_number(foot.mean), _number(foot.maximum), foot.words, None, None, None]


def _number(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def facts(sheet: Sheet) -> list[tuple[str, str]]:
    """What a file says of itself: filters, moment, sources, what the period hides."""
    found = [*sheet.filters, (_("Made"), long_moment(sheet.taken_us)), (_("Sources"), " ".join(sheet.coverage))]
    hidden = hidden_words(sheet)
    return [*found, (_("Outside the period"), hidden)] if hidden else found


def dictionary() -> list[tuple[str, str]]:
    """What each part of the table means."""
    return [
        (_("Group"), _("Which of the four groups the pupil is in: a signal, too few data, or the levels decide.")),
        (_("Pupil"), _("The name of the pupil as the pupil list has it.")),
        (_("Class"), _("The class that the pupil is in now.")),
        (_("score"), _("The newest total in the period, as the source sent it, on the scale of the material.")),
        (_("out of"), _("The number of points that the source says can be had; empty where it does not say.")),
        (_("level or reason"), _("The level by the norm of the source, or why there is no score. Empty is never 0.")),
        (_("test date"), _("The day on which the test was made (year-month-day).")),
        (_("test"), _("The name of the test.")),
        (_("other results"), _("How many other totals the period holds in this column.")),
        (_("Mean"), _("Of the pupils in this file with a score of the same test; else how many stand in each level.")),
    ]


# -- CSV -----------------------------------------------------------------------------------------------------


def as_csv(sheet: Sheet) -> bytes:
    """UTF-8 with BOM, semicolons; numbers with the decimal sign of the language, texts that no program runs."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow([_safe(sheet.title)])
    writer.writerows([[_safe(name), _safe(value)] for name, value in facts(sheet)])
    writer.writerow([])
    writer.writerow([_safe(name) for name in columns_of(sheet)])
    writer.writerows([[_csv(value) for value in row] for row in [*rows_of(sheet), foot_of(sheet)]])
    writer.writerow([])
    writer.writerow([_("What the columns mean")])
    writer.writerows([[_safe(name), _safe(words)] for name, words in dictionary()])
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def _csv(value: str | Decimal | None) -> str:
    if value is None:
        return ""
    return native(format(value, "f")) if isinstance(value, Decimal) else _safe(value)


def _safe(text: str) -> str:
    """A text that a spreadsheet does not take for a formula."""
    return f"'{text}" if text.startswith(FORMULA_SIGNS) else text


# -- XLSX ----------------------------------------------------------------------------------------------------


def as_xlsx(sheet: Sheet) -> bytes:
    """A workbook: the table, and a page with the filters and what the columns mean."""
    file = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(file, options) as book:
        bold = book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
        page = book.add_worksheet(_("Results"))
        heads = columns_of(sheet)
        for place, name in enumerate(heads):
            page.write_string(0, place, name, bold)
        for down, row in enumerate([*rows_of(sheet), foot_of(sheet)], 1):
            for across, value in enumerate(row):
                if isinstance(value, Decimal):
                    page.write_number(down, across, float(value))
                elif value is not None:
                    page.write_string(down, across, value)
        page.freeze_panes(1, 3)
        page.set_column(0, len(heads) - 1, 16)
        about = book.add_worksheet(_("About"))
        lines = [(sheet.title, ""), *facts(sheet), ("", ""), (_("What the columns mean"), ""), *dictionary()]
        for down, (name, words) in enumerate(lines):
            about.write_string(down, 0, name, bold)
            about.write_string(down, 1, words)
        about.set_column(0, 0, 24)
        about.set_column(1, 1, 110)
    return file.getvalue()


# -- one HTML page -------------------------------------------------------------------------------------------

_STYLE = """
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
    feet = "".join(f"<td>{_foot_html(sheet_foot)}</td>" for sheet_foot in sheet.feet)
    return (
        f'<!DOCTYPE html>\n<html lang="{language()}"><head><meta charset="utf-8"><meta name="viewport" '
        f'content="width=device-width,initial-scale=1"><title>{escape(sheet.title)}</title><style>{_STYLE}</style>'
        f"</head><body><main><h1>{escape(sheet.title)}</h1><dl>{terms}</dl>"
        f'<div class="box" tabindex="0" role="region" aria-label="{escape(sheet.title)}"><table><thead><tr>'
        f'<th scope="col">{escape(_("Pupil"))}</th>{heads}</tr></thead>{_bodies(sheet)}<tfoot><tr><th scope="row">'
        f"{escape(_('Mean'))}</th>{feet}</tr></tfoot></table></div><h2>{escape(_('What the columns mean'))}</h2>"
        f"<dl>{meant}</dl></main></body></html>\n"
    ).encode()


def _bodies(sheet: Sheet) -> str:
    found, group = [], None
    for row in sheet.rows:
        if row.group != group:
            found.append(
                ("</tbody>" if group is not None else "") + f'<tbody><tr class="group"><th scope="rowgroup" '
                f'colspan="{len(sheet.columns) + 1}">{escape(row.group)}</th></tr>'
            )
            group = row.group
        cells = "".join(f"<td>{_cell_html(cell)}</td>" for cell in row.cells)
        found.append(f'<tr><th scope="row">{escape(row.name)}</th>{cells}</tr>')
    return "".join(found) + ("</tbody>" if group is not None else "")


def _cell_html(cell: SheetCell) -> str:
    out_of = f" {_('of {maximum}', maximum=native(cell.maximum))}" if cell.maximum is not None else ""
    value = f"<b>{escape(native(cell.value) + out_of)}</b>" if cell.value is not None else ""
    others = cell.others or 0
    more = n_("{number} other result in this period", "{number} other results in this period", others)
    about = [
        cell.words, day_name(cell.day) if cell.day else "", cell.test or "", cell.remarks, more if others else "",
    ]  # fmt: skip
    return value + "".join(f"<small>{escape(item)}</small>" for item in about if item)


def _foot_html(foot: SheetFoot) -> str:
    out_of = f" {_('of {maximum}', maximum=native(foot.maximum))}" if foot.maximum is not None else ""
    value = f"<b>{escape(native(foot.mean) + out_of)}</b>" if foot.mean is not None else ""
    return f"{value}<small>{escape(foot.words)}</small>"


FILES: Mapping[str, tuple[Callable[[Sheet], bytes], str]] = {
    "csv": (as_csv, "text/csv; charset=utf-8"),
    "xlsx": (as_xlsx, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "html": (as_html, "text/html; charset=utf-8"),
}
