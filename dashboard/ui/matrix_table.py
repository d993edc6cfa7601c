"""The matrix of the class screen as an HTML table; assets/phone.js makes a list of it for a narrow screen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from dashboard.text.translate import _, n_, native, short_day, tenths
from dashboard.text.words import (
    ATTENTION_GROUP_SIGNS,
    MISSING_SIGNS,
    POSITION_SIGNS,
    TINTS,
    attention_group_word,
    band_word,
    comparability_word,
    future_words,
    missing_word,
    short_test,
)
from dashboard.ui import addresses
from dashboard.ui.audiences import tests_by_year
from dashboard.ui.elements import Link, html
from dashboard.ui.matrix_columns import CellContent, Column, Footer, cell_content, footer, is_counted, position_counts
from dashboard.ui.signs import attrs, badge, num, sign
from models.access.people import PupilName
from models.classroom.attention import AttentionGroup
from models.classroom.class_data import norm_of_total
from models.classroom.class_overview import Cell, ClassOverview
from models.results.scales import (
    NO_NORM,
    Missing,
    NormPosition,
    ParsedNorm,
    ScoreReading,
    comparability,
    one_norm_group,
    plain_decimal,
)

Grid = list[tuple[PupilName, list[CellContent]]]


def grid(overview: ClassOverview, shown_columns: list[Column]) -> Grid:
    """A row a pupil, a cell a column."""
    return [
        (pupil, [cell_content(overview, column, pupil.id) for column in shown_columns]) for pupil in overview.pupils
    ]


Section = tuple[AttentionGroup, Grid]


def by_attention_group(rows: Grid, attention_groups: Mapping[int, AttentionGroup]) -> list[Section]:
    """The rows by attention group, in the order of the screen; a group without pupils is left out."""
    found = [
        (attention_group, [row for row in rows if attention_groups[row[0].id] is attention_group])
        for attention_group in AttentionGroup
    ]
    return [item for item in found if item[1]]


def matrix(
    overview: ClassOverview,
    shown_columns: list[Column],
    sections: list[Section],
    caption: str,
    beside_names: Mapping[int, str],
) -> html.Table:
    """The matrix: pupils down by group, subjects or materials across, the mean or the counts under it.

    `beside_names` by pupil, what stands beside the name.
    """
    rows = [row for _group, several in sections for row in several]
    by_column = [[row[place] for _name, row in rows] for place in range(len(shown_columns))]
    head_tests = _head_tests(shown_columns, by_column)
    return html.Table(
        [
            html.Caption(caption, className="vh"),
            html.Thead(_heads(overview, shown_columns, by_column, head_tests)),
            *(
                html.Tbody(
                    [
                        _section_head(attention_group, len(several), len(shown_columns)),
                        *(
                            _row(overview, shown_columns, pupil, row, head_tests, beside_names)
                            for pupil, row in several
                        ),
                    ],
                    **attrs(data_group=attention_group.value),
                )
                for attention_group, several in sections
            ),
            html.Tfoot(_foot(shown_columns, by_column)),
        ],
        className="mx",
        id="matrix",
        style={"minWidth": f"{230 + 176 * len(shown_columns)}px"},
    )


def _section_head(attention_group: AttentionGroup, pupils: int, width: int) -> html.Tr:
    words = html.Small(
        num("group", n_("{number} pupil", "{number} pupils", pupils), attention_group_word(attention_group))
    )
    name = html.Span(
        [sign(ATTENTION_GROUP_SIGNS[attention_group]), attention_group_word(attention_group), words], className="pin_"
    )
    return html.Tr(html.Th(name, colSpan=width + 1, scope="rowgroup"), className="sec")


def pupil_word(pupil: PupilName) -> str:
    """The name of a pupil, or a word for who has none."""
    return pupil.name or _("Pupil without name")


# -- heads ---------------------------------------------------------------------------------------------------


def _heads(
    overview: ClassOverview,
    shown_columns: list[Column],
    by_column: list[list[CellContent]],
    head_tests: dict[str, int],
) -> list[html.Tr]:
    groups: list[Any] = []
    for name, several in groupby(shown_columns, key=lambda item: item.group):
        width = len(list(several))
        groups.append(html.Th(name, colSpan=width, scope="colgroup", className="s edge"))
    details = [
        html.Th(
            _head(overview, column, cells, head_tests.get(column.key)),
            scope="col",
            className=_edge(shown_columns, place),
            **attrs(data_of=column.key, data_called=column.full_name),
        )
        for place, (column, cells) in enumerate(zip(shown_columns, by_column, strict=True))
    ]
    first = html.Th(_("Pupil"), rowSpan=2, scope="col", className="s pin")
    return [html.Tr([first, *groups]), html.Tr(details)]


def _edge(shown_columns: list[Column], place: int) -> str:
    """A line at the left of the first column of each group."""
    first = place == 0 or shown_columns[place].group != shown_columns[place - 1].group
    return "edge" if first else ""


def _head(overview: ClassOverview, column: Column, cells: list[CellContent], head_test: int | None) -> list[Any]:
    found = [cell.cell for cell in cells if cell.cell is not None]
    label = [html.B(column.label)] if column.label else []
    if not found:
        return label
    name = next(overview.catalogue.definitions[cell.definition_id].name for cell in found if cell.test_id == head_test)
    alone = len({cell.test_id for cell in found}) == 1
    numbers = [cell for cell in found if is_counted(cell)] or found
    short = short_test(name)
    of_years = "" if alone else tests_by_year(overview, found)
    words = html.Span(of_years or (short if alone else _("mostly {test}", test=short)), title=of_years or name)
    return [*label, words, html.Br(), badge(_scale_word(overview, numbers))]


def _scale_word(overview: ClassOverview, cells: list[Cell]) -> str:
    """With what the numbers of a column may be compared, and their scale where it is one."""
    levels = one_norm_group(cell.total.reading for cell in cells)
    norms = {cell.definition_id: norm_of(overview, cell) for cell in cells}
    return scale_word(list(norms.values()), levels)


def scale_word(norms: Sequence[ParsedNorm], levels: bool) -> str:
    """With what numbers given by these norms may be compared, and their scale where it is one."""
    word = comparability_word(comparability(norms, levels))
    spans = {norm.span for norm in norms if norm.intervals}
    if levels or len(spans) != 1 or None in spans:
        return word
    low, high = next(span for span in spans if span is not None)
    return f"{word}, {native(plain_decimal(low))}–{native(plain_decimal(high))}"


def norm_of(overview: ClassOverview, cell: Cell) -> ParsedNorm:
    """The norm that the number of a cell came with: of its test, or of its part."""
    row = cell.total.row
    if cell.total.derived:
        return NO_NORM
    if row.part_id:
        return overview.catalogue.part_norm(row.definition_id, row.part_id)
    return norm_of_total(overview.catalogue, row)


# -- cells ---------------------------------------------------------------------------------------------------


def _row(
    overview: ClassOverview,
    shown_columns: list[Column],
    pupil: PupilName,
    row: list[CellContent],
    head_tests: dict[str, int],
    beside_names: Mapping[int, str],
) -> html.Tr:
    name: Any = Link(pupil_word(pupil), href=addresses.pupil_href(pupil.id))
    if pupil.id in beside_names:
        name = [name, html.Small(beside_names[pupil.id])]
    return html.Tr(
        [
            html.Th(name, scope="row", className="pin"),
            *(
                _cell(overview, column, pupil.id, cell_content, _edge(shown_columns, place), head_tests.get(column.key))
                for place, (column, cell_content) in enumerate(zip(shown_columns, row, strict=True))
            ),
        ],
        **attrs(
            data_pupil=str(pupil.id),
            # What the list of a narrow screen says besides (assets/phone.js).
            data_words=_("newest: {counts}", counts=counts_word(row)),
            data_see=_("To the page of {name}", name=pupil.first_name or pupil_word(pupil)),
        ),
    )


def _head_tests(shown_columns: list[Column], by_column: list[list[CellContent]]) -> dict[str, int]:
    """The test that most cells of a column hold: it is named in the head, and in no cell."""
    found = {}
    for column, cells in zip(shown_columns, by_column, strict=True):
        tests = Counter(cell.cell.test_id for cell in cells if cell.cell is not None)
        if tests:
            found[column.key] = min(tests, key=lambda test_id: (-tests[test_id], -test_id))
    return found


def _cell(
    overview: ClassOverview, column: Column, pupil_id: int, cell_content: CellContent, edge: str, head_test: int | None
) -> html.Td:
    marks: dict[str, Any] = attrs(data_pupil=str(pupil_id), data_column=column.key)
    if cell_content.cell is None:
        assert cell_content.missing is not None
        marks["data-state"] = cell_content.missing.value
        return html.Td(missing_lines(cell_content, explained=True), className=f"m {edge}".strip(), **marks)
    reading = cell_content.cell.total.reading
    marks["data-test"] = str(cell_content.cell.test_id)
    marks["data-date"] = cell_content.cell.total.row.taken_on
    if reading.text is not None:
        marks["data-value"] = reading.text
    if reading.missing is not None:
        marks["data-state"] = reading.missing.value
    tint = TINTS.get(reading.position, "m" if reading.missing is not None else "")
    return html.Td(
        [
            html.Div([_explained(reading), _others(cell_content.others)], className="v1"),
            html.Small(
                [
                    *level(reading, cell_content.cell.total.derived),
                    html.Time(short_day(cell_content.cell.total.row.taken_on)),
                ]
            ),
            *_third_line(overview, cell_content, head_test),
        ],
        className=f"{tint} {edge}".strip(),
        **marks,
    )


def _explained(reading: ScoreReading) -> Any:
    """The number, or the band where that is all, as what says where it comes from; a state as it is."""
    return value(reading) if reading.missing is not None else num("cell", value(reading))


def value(reading: ScoreReading) -> Any:
    """The number with its unit; a sign and word where there is none; the band where that is all."""
    if reading.text is not None:
        unit = [" ", html.U(_("of {maximum}", maximum=native(reading.maximum)))] if reading.maximum is not None else []
        return html.B([native(reading.text), *unit])
    if reading.missing is not None:
        return html.Span([sign(MISSING_SIGNS[reading.missing]), missing_word(reading.missing)])
    return html.B(band_word(reading.band or ""))


def level(reading: ScoreReading, derived: bool) -> list[Any]:
    """The band as sign and word, or why there is none; a derived total says that it is one."""
    if reading.missing is not None or reading.text is None:
        return []
    word = level_word(reading, derived)
    if derived:
        return [html.Q(word, className="z")]
    if reading.suspect:
        return [sign("bang"), html.Q(word)]
    if reading.band is None:
        return [html.Q(word, className="z")]
    sign_name = POSITION_SIGNS.get(reading.position)
    return [*([sign(sign_name)] if sign_name else []), html.Q(word)]


def level_word(reading: ScoreReading, derived: bool) -> str:
    """What stands beside a score: its band, or why there is none; of a missing score the reason."""
    if reading.missing is not None:
        return missing_word(reading.missing)
    if reading.text is None:
        return band_word(reading.band or "")
    if derived:
        return _("sum of parts")
    if reading.suspect:
        return _("may be wrong")
    if reading.band is not None:
        return band_word(reading.band)
    return _("fits no level") if reading.has_norm else _("no norm")


def _others(number: int) -> Any:
    if number == 0:
        return None
    return html.Span(
        _("+{number} earlier", number=number),
        className="oth",
        title=n_("{number} other result in this period", "{number} other results in this period", number),
    )


def _third_line(overview: ClassOverview, cell_content: CellContent, head_test: int | None) -> list[Any]:
    """What is not plain: another test than the head names, a derived total, a possible duplicate, a future date."""
    cell, found = cell_content.cell, total_remarks(cell_content)
    assert cell is not None
    name = overview.catalogue.definitions[cell.definition_id].name
    other = [name] if head_test != cell.test_id else []
    if not found and not other:
        return []
    words = " · ".join([*map(short_test, other), *found])
    return [html.Small(html.Span(words, title=" · ".join([*other, *found])), className="l3")]


def total_remarks(cell_content: CellContent) -> list[str]:
    """The words that belong to a cell with a total beside its value."""
    assert cell_content.cell is not None
    total, found = cell_content.cell.total, []
    if total.parts_left_out and total.parts:
        found.append(n_("{number} part left out", "{number} parts left out", total.parts_left_out))
    if total.duplicate:
        found.append(_("possibly double"))
    if cell_content.future:
        found.append(future_words(cell_content.future))
    return found


def missing_lines(cell_content: CellContent, explained: bool = False) -> list[Any]:
    """The sign and word of a cell without a total, and how far the pupil is where that is known.

    `explained`: on a page where a number says where it comes from.
    """
    assert cell_content.missing is not None
    lines: list[Any] = [html.Span([sign(MISSING_SIGNS[cell_content.missing]), missing_word(cell_content.missing)])]
    words = done_words(cell_content)
    return [*lines, html.Small(num("cell", words) if explained else words)] if words else lines


def done_words(cell_content: CellContent) -> str:
    """How many exercises somebody who is busy made, where the source says so."""
    progress = cell_content.progress
    if progress is None or progress.offered is None or cell_content.missing is not Missing.BUSY:
        return ""
    made = progress.made if progress.made is not None else "?"
    return _("{made} of {offered} exercises", made=made, offered=progress.offered)


# -- under the columns ---------------------------------------------------------------------------------------


def _foot(shown_columns: list[Column], by_column: list[list[CellContent]]) -> html.Tr:
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
        unit = [" ", html.U(_("of {maximum}", maximum=native(under.maximum)))] if under.maximum else []
        return [num("mean", html.B([tenths(under.mean), *unit])), html.Small(foot_words(under))]
    if under.counted == 0 or not under.has_norm:
        return [html.Small(foot_words(under))]
    return [
        html.Small([sign(POSITION_SIGNS[position]) if position in POSITION_SIGNS else None, num("mean", words)])
        for position, words in ((band[0], _count_word(*band)) for band in under.bands)
    ]


def foot_words(under: Footer) -> str:
    """What stands under a column beside the mean: of how many, or how many in each level, or why there is none."""
    if under.mean is not None:
        return _("mean of {counted} of {all}", counted=under.counted, all=under.all)
    if under.counted == 0:
        return _("no mean")
    if not under.has_norm:
        return _("no mean: not everybody took the same test")
    return ", ".join(_count_word(*band) for band in under.bands)


def _count_word(position: NormPosition, word: str | None, number: int) -> str:
    return f"{number} {band_word(word or '')}" if position in POSITION_SIGNS else _no_band(word, number)


def _no_band(word: str | None, number: int) -> str:
    return f"{number} {band_word(word)}" if word else _("{number} without level", number=number)


# -- a pupil in words ------------------------------------------------------------------------------------------


def counts_word(row: list[CellContent]) -> str:
    """A pupil's cells in words: 1 onder de norm · 3 op de norm."""
    found = position_counts(row)
    words = {
        NormPosition.BELOW.value: _("{number} below the norm"),
        NormPosition.ON.value: _("{number} on the norm"),
        NormPosition.ABOVE.value: _("{number} above the norm"),
        NormPosition.UNKNOWN.value: _("{number} without norm"),
        "missing": _("{number} without score"),
    }
    return " · ".join(word.format(number=found[key]) for key, word in words.items() if found.get(key))
