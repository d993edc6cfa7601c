"""The matrix of the class screen as an HTML table, and the same cells as a list for a phone."""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from typing import Any

from dash import dcc, html

from dashboard.matrix import Column, Footer, Shown, footer, place_counts, shown
from dashboard.signs import attrs, badge, sign
from dashboard.texts import _, day_name, n_, native, short_day, tenths
from dashboard.words import (
    MISSING_SIGNS,
    PLACE_SIGNS,
    TINTS,
    band_word,
    missing_word,
    short_test,
)
from models.people import PupilName
from models.queries import Cell, ClassOverview
from models.scales import Missing, Place, Said, plain

Grid = list[tuple[PupilName, list[Shown]]]


def grid(overview: ClassOverview, shown_columns: list[Column]) -> Grid:
    """A row a pupil, a cell a column."""
    return [(pupil, [shown(overview, column, pupil.id) for column in shown_columns]) for pupil in overview.pupils]


def matrix(overview: ClassOverview, shown_columns: list[Column], rows: Grid, caption: str) -> html.Table:
    """The matrix: pupils down, subjects or materials across, the mean or the counts under it."""
    by_column = [[row[place] for _name, row in rows] for place in range(len(shown_columns))]
    head_tests = _head_tests(shown_columns, by_column)
    return html.Table(
        [
            html.Caption(caption, className="vh"),
            html.Thead(_heads(overview, shown_columns, by_column, head_tests)),
            html.Tbody([_row(overview, shown_columns, pupil, row, head_tests) for pupil, row in rows]),
            html.Tfoot(_foot(shown_columns, by_column)),
        ],
        className="mx",
        id="matrix",
        style={"minWidth": f"{230 + 176 * len(shown_columns)}px"},
    )


def pupil_word(pupil: PupilName) -> str:
    """The name of a pupil, or a word for who has none."""
    return pupil.name or _("Pupil without name")


def pupil_href(pupil_id: int) -> str:
    """The address of a pupil's page."""
    return f"/leerling/{pupil_id}"


# -- heads ---------------------------------------------------------------------------------------------------


def _heads(
    overview: ClassOverview,
    shown_columns: list[Column],
    by_column: list[list[Shown]],
    head_tests: dict[str, int],
) -> list[html.Tr]:
    groups: list[Any] = []
    for name, several in groupby(shown_columns, key=lambda one: one.group):
        width = len(list(several))
        groups.append(html.Th(name, colSpan=width, scope="colgroup", className="s edge"))
    details = [
        html.Th(
            _head(overview, column, cells, head_tests.get(column.key)),
            scope="col",
            className=_edge(shown_columns, place),
        )
        for place, (column, cells) in enumerate(zip(shown_columns, by_column, strict=True))
    ]
    first = html.Th(_("Pupil"), rowSpan=2, scope="col", className="s pin")
    return [html.Tr([first, *groups]), html.Tr(details)]


def _edge(shown_columns: list[Column], place: int) -> str:
    """A line at the left of the first column of each group."""
    first = place == 0 or shown_columns[place].group != shown_columns[place - 1].group
    return "edge" if first else ""


def _head(overview: ClassOverview, column: Column, cells: list[Shown], head_test: int | None) -> list[Any]:
    found = [one.cell for one in cells if one.cell is not None]
    label = [html.B(column.label)] if column.label else []
    if not found:
        return label
    name = next(overview.known.definitions[one.definition_id].name for one in found if one.test_id == head_test)
    alone = len({one.test_id for one in found}) == 1
    numbers = [one for one in found if one.total.said.counts] or found
    short = short_test(name)
    words = html.Span(short if alone else _("mostly {test}", test=short), title=name)
    return [*label, words, html.Br(), badge(_scale_word(overview, numbers))]


def _scale_word(overview: ClassOverview, cells: list[Cell]) -> str:
    """Which scale the numbers of a column are in."""
    definitions = {one.definition_id for one in cells}
    if any(one.total.row.kind == 2 for one in cells):
        return _("skill score, level of the source")
    spans = {overview.known.total_norm(one).span for one in definitions}
    with_bands = [one for one in definitions if overview.known.total_norm(one).intervals]
    if not with_bands:
        return _("own scale only")
    span = spans.pop() if len(spans) == 1 else None
    if span is None:
        return _("norm of the source")
    return _("norm of the source, {low}–{high}", low=native(plain(span[0])), high=native(plain(span[1])))


# -- cells ---------------------------------------------------------------------------------------------------


def _row(
    overview: ClassOverview, shown_columns: list[Column], pupil: PupilName, row: list[Shown], head_tests: dict[str, int]
) -> html.Tr:
    name = dcc.Link(pupil_word(pupil), href=pupil_href(pupil.id))
    return html.Tr(
        [
            html.Th(name, scope="row", className="pin"),
            *(
                _cell(overview, column, pupil.id, one, _edge(shown_columns, place), head_tests.get(column.key))
                for place, (column, one) in enumerate(zip(shown_columns, row, strict=True))
            ),
        ],
        **attrs(data_pupil=str(pupil.id)),
    )


def _head_tests(shown_columns: list[Column], by_column: list[list[Shown]]) -> dict[str, int]:
    """The test that most cells of a column hold: it is named in the head, and in no cell."""
    found = {}
    for column, cells in zip(shown_columns, by_column, strict=True):
        tests = Counter(one.cell.test_id for one in cells if one.cell is not None)
        if tests:
            found[column.key] = min(tests, key=lambda test_id: (-tests[test_id], -test_id))
    return found


def _cell(
    overview: ClassOverview, column: Column, pupil_id: int, one: Shown, edge: str, head_test: int | None
) -> html.Td:
    marks: dict[str, Any] = {"data-pupil": str(pupil_id), "data-column": column.key}
    if one.cell is None:
        assert one.missing is not None
        return html.Td(
            missing_lines(one), className=f"m {edge}".strip(), **marks, **attrs(data_state=one.missing.value)
        )
    said = one.cell.total.said
    marks["data-test"] = str(one.cell.test_id)
    marks["data-date"] = one.cell.total.row.taken_on
    if said.text is not None:
        marks["data-value"] = said.text
    if said.missing is not None:
        marks["data-state"] = said.missing.value
    tint = TINTS.get(said.place, "m" if said.missing is not None else "")
    return html.Td(
        [
            html.Div([value(said), _others(one.others)], className="v1"),
            html.Small([*level(said, one.cell.total.derived), html.Time(short_day(one.cell.total.row.taken_on))]),
            *_third_line(overview, one.cell, head_test),
        ],
        className=f"{tint} {edge}".strip(),
        **marks,
    )


def value(said: Said) -> Any:
    """The number with its unit; a sign and word where there is none; the band where that is all."""
    if said.text is not None:
        unit = [html.U(_("of {maximum}", maximum=native(said.maximum)))] if said.maximum is not None else []
        return html.B([native(said.text), *unit])
    if said.missing is not None:
        return html.Span([sign(MISSING_SIGNS[said.missing]), missing_word(said.missing)])
    return html.B(band_word(said.band or ""))


def level(said: Said, derived: bool) -> list[Any]:
    """The band as sign and word, or why there is none; a derived total says that it is one."""
    if derived and said.text is not None:
        return [html.Q(_("sum of parts"), className="z")]
    if said.suspect:
        return [sign("bang"), html.Q(_("being checked"))]
    if said.band is not None and said.text is not None:
        sign_name = PLACE_SIGNS.get(said.place)
        return [*([sign(sign_name)] if sign_name else []), html.Q(band_word(said.band))]
    if said.missing is not None or said.text is None:
        return []
    return [html.Q(_("fits no level") if said.has_norm else _("no norm"), className="z")]


def _others(number: int) -> Any:
    if number == 0:
        return None
    return html.Span(
        _("+{number} earlier", number=number),
        className="oth",
        title=n_("{number} other result in this period", "{number} other results in this period", number),
    )


def _third_line(overview: ClassOverview, cell: Cell, head_test: int | None) -> list[Any]:
    """What is not plain: another test than the head names, a derived total, a possible duplicate, a level."""
    found = list(total_remarks(cell))
    name = overview.known.definitions[cell.definition_id].name
    other = [name] if head_test != cell.test_id else []
    if not found and not other:
        return []
    words = " · ".join([*map(short_test, other), *found])
    return [html.Small(html.Span(words, title=" · ".join([*other, *found])), className="l3")]


def total_remarks(cell: Cell) -> list[str]:
    """The words that belong to a total beside its value."""
    total = cell.total
    found = []
    if total.parts_left_out and total.parts:
        found.append(n_("{number} part left out", "{number} parts left out", total.parts_left_out))
    if total.duplicate:
        found.append(_("possibly double"))
    return found


def missing_lines(one: Shown) -> list[Any]:
    """The sign and word of a cell without a total, and how far the pupil is where that is known."""
    assert one.missing is not None
    lines: list[Any] = [html.Span([sign(MISSING_SIGNS[one.missing]), missing_word(one.missing)])]
    progress = one.progress
    if progress is not None and progress.offered is not None and one.missing is Missing.BUSY:
        made = progress.made if progress.made is not None else "?"
        lines.append(html.Small(_("{made} of {offered} exercises", made=made, offered=progress.offered)))
    return lines


# -- under the columns ---------------------------------------------------------------------------------------


def _foot(shown_columns: list[Column], by_column: list[list[Shown]]) -> html.Tr:
    return html.Tr(
        [
            html.Th([_("Mean"), html.Small(_("or how many pupils per level"))], scope="row", className="pin"),
            *(
                html.Td(
                    _foot_lines(footer(cells)),
                    className=_edge(shown_columns, place),
                    **_foot_marks(column, footer(cells)),
                )
                for place, (column, cells) in enumerate(zip(shown_columns, by_column, strict=True))
            ),
        ]
    )


def _foot_marks(column: Column, under: Footer) -> dict[str, Any]:
    marks: dict[str, Any] = {"data-column": column.key, "data-counted": str(under.counted), "data-all": str(under.all)}
    return marks | ({"data-mean": str(under.mean)} if under.mean is not None else {})


def _foot_lines(under: Footer) -> list[Any]:
    if under.mean is not None:
        unit = [html.U(_("of {maximum}", maximum=native(under.maximum)))] if under.maximum else []
        words = _("mean of {counted} of {all}", counted=under.counted, all=under.all)
        return [html.B([tenths(under.mean), *unit]), html.Small(words)]
    if under.counted == 0:
        return [html.Small(_("no mean"))]
    if not under.has_norm:
        return [html.Small(_("no mean: source sends no norm"))]
    return [
        html.Small(
            [sign(PLACE_SIGNS[place]), f" {number} {band_word(word or '')}"]
            if place in PLACE_SIGNS
            else _no_band(word, number)
        )
        for place, word, number in under.bands
    ]


def _no_band(word: str | None, number: int) -> str:
    return f"{number} {band_word(word)}" if word else _("{number} without level", number=number)


# -- the list for a phone ------------------------------------------------------------------------------------


def phone_list(overview: ClassOverview, shown_columns: list[Column], rows: Grid) -> list[html.Details]:
    """One entry a pupil: the counts in words, opening to a line a column."""
    return [
        html.Details(
            [
                html.Summary([html.B(pupil_word(pupil)), html.Small(counts_word(row)), sign("chev")], className="mr"),
                html.Dl([_line(column, one) for column, one in zip(shown_columns, row, strict=True)]),
                dcc.Link(
                    _("To the page of {name}", name=pupil.first_name or pupil_word(pupil)), href=pupil_href(pupil.id)
                ),
            ],
            className="mo",
        )
        for pupil, row in rows
    ]


def counts_word(row: list[Shown]) -> str:
    """A pupil's cells in words: 1 onder de norm · 3 op de norm."""
    found = place_counts(row)
    words = {
        Place.BELOW.value: _("{number} below the norm"),
        Place.ON.value: _("{number} on the norm"),
        Place.ABOVE.value: _("{number} above the norm"),
        Place.UNKNOWN.value: _("{number} without norm"),
        "missing": _("{number} without score"),
    }
    return " · ".join(word.format(number=found[key]) for key, word in words.items() if found.get(key))


def _line(column: Column, one: Shown) -> html.Div:
    label = f"{column.group} · {column.label}" if column.label else column.group
    if one.cell is None:
        return html.Div([html.Dt(label), html.Dd(missing_lines(one)[0])])
    said = one.cell.total.said
    words = level(said, one.cell.total.derived)
    place = TINTS.get(said.place, "no")
    when = html.Time(short_day(one.cell.total.row.taken_on), title=day_name(one.cell.total.row.taken_on))
    return html.Div([html.Dt(label), html.Dd([value(said), html.Span(words, className=f"st {place}"), when])])
