"""The class page: filters in the address, coverage, attention groups, hard parts, the matrix and progress."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from typing import Any

import dash
from dash import ClientsideFunction, Input, Output, State

from dashboard.auth import audit_trail, request
from dashboard.auth.callbacks import with_viewer
from dashboard.export.file_formats import FORMATS
from dashboard.export.sheets import filter_words, sheet_of
from dashboard.pages.class_page.attention import attention_cards, attention_panel, topics_panel
from dashboard.pages.class_page.filter_bar import (
    control_values,
    filter_bar,
    goal_options,
    material_options,
    publisher_options,
    subgroup_options,
    subject_options,
)
from dashboard.pages.class_page.progress_panel import progress_panel
from dashboard.pages.class_page.why import page as why_page
from dashboard.pages.page import Body, Page, reads_results
from dashboard.text.scores import level_meanings
from dashboard.text.translate import _, language, long_moment, n_
from dashboard.text.words import MISSING_SIGNS, classes_word, missing_word, no_classes_word
from dashboard.ui import addresses
from dashboard.ui.class_view import ClassView, read_class
from dashboard.ui.controls import Options, period_options
from dashboard.ui.coverage import coverage, coverage_sentences
from dashboard.ui.elements import Link, html
from dashboard.ui.filters import BOTH_YEARS, BY_MATERIAL, CONTROLS, OPEN_GROUP, ClassFilters
from dashboard.ui.markup import blocks
from dashboard.ui.matrix_columns import columns
from dashboard.ui.matrix_table import by_attention_group, grid, matrix, pupil_word
from dashboard.ui.own_subjects import own_subjects_note
from dashboard.ui.page_address import address_asked, asked_id, filters_of, query_and_controls
from dashboard.ui.signs import attrs, card, more_columns, note, num, sign
from models.access.people import ClassRef
from models.access.viewer import Viewer
from models.classroom.class_overview import ClassOverview
from models.results.scales import Missing
from models.schema import clock, database

FILE_PATH = f"{addresses.CLASSES}/bestand"
OPTIONS = ("periode", "vak", "uitgever", "materiaal", "groep", "doel")  # whose choices depend on what is shown
KEY_OF_STATES = (
    Missing.NOT_LINKED,
    Missing.NOT_DELIVERED,
    Missing.NOT_TAKEN,
    Missing.OTHER_YEAR,
    Missing.NO_RESULT,
    Missing.NOT_SET,
    Missing.NOT_BEGUN,
    Missing.BUSY,
    Missing.NOT_OFFERED,
    Missing.NO_SCORE,
    Missing.FUTURE,
)


def title(**_address: object) -> str:
    """The title of the page."""
    return _("Classes")


def frame() -> Body:
    """The page without data."""
    empty = [_how_many(None), html.Div(id="group-content"), *why_page.frame()]
    return Body(empty, filter_bar([], ClassFilters(()), None))


def layout(viewer: Viewer, /, **query: object) -> Body:
    """The whole page for an address."""
    classes, filters, view = _read(viewer, query)
    shown = html.Div(content(filters, view), id="group-content")
    return Body([_how_many(view), shown, *why_page.frame()], filter_bar(classes, filters, view))


def _read(viewer: Viewer, address: dict[str, object]) -> tuple[list[ClassRef], ClassFilters, ClassView | None]:
    context = request.context()
    with database.read_transaction(context.engine, viewer.school_id) as connection:
        classes, filters, view = read_class(connection, viewer, address, context.options.holidays)
    if view is not None:
        audit_trail.looked("class", [pupil.id for pupil in view.overview.pupils])
    return classes, filters, view


def register(app: dash.Dash) -> None:
    """The callbacks of the page."""

    @app.callback(
        Output("group-content", "children"),
        Output("group-query", "data"),
        Output("shown-pupils", "children"),
        *(Output(name, "data") for name in OPTIONS),
        *(Output(name, "value") for name in CONTROLS),
        Input(asked_id("group"), "data"),
        *(Input(name, "value") for name in CONTROLS),
        State("group-query", "data"),
        prevent_initial_call=True,
    )
    @with_viewer(reads_results)
    def show(viewer: Viewer, address: object, *values: object) -> tuple[Any, ...]:
        *chosen, query = values
        by_address = address_asked("group", address)
        # Which group is open is no control: it stays as the address has it.
        by_controls = dict(zip(CONTROLS, chosen, strict=False)) | {OPEN_GROUP: filters_of(query).get(OPEN_GROUP)}
        classes, filters, view = _read(viewer, by_controls if by_address is None else by_address)
        query, *controls = query_and_controls(by_address, filters.query, control_values(filters))
        return content(filters, view), query, pupils_word(view), *_options(classes, filters, view), *controls

    app.clientside_callback(
        ClientsideFunction("rondblik", "keepAddress"),
        Output("group-query", "modified_timestamp"),
        Input("group-query", "data"),
        prevent_initial_call=True,
    )
    why_page.register(app)


def _options(classes: list[ClassRef], filters: ClassFilters, view: ClassView | None) -> list[Options]:
    """The options of the controls named in OPTIONS."""
    if view is None:
        return _options_of(classes, filters, None)
    return view.state.once(("options", _seen_as(view)), lambda: _options_of(classes, filters, view))


def _options_of(classes: list[ClassRef], filters: ClassFilters, view: ClassView | None) -> list[Options]:
    return [
        period_options(classes, filters), subject_options(view, filters), publisher_options(view),
        material_options(view, filters, _("All materials")), subgroup_options(view), goal_options(view, filters),
    ]  # fmt: skip


# -- content -------------------------------------------------------------------------------------------------


def content(filters: ClassFilters, view: ClassView | None) -> list[Any]:
    """Everything below the filter bar, as markup; what only depends on the data is written once for each version."""
    if view is None:
        text = no_classes_word()
        head = html.Div(html.Div(html.H1(_("No classes yet"))), className="head")
        return blocks([head, note("", "notbegun", html.P(text))])
    heading = heading_of(view)
    sections = view.state.once(("page", _seen_as(view)), lambda: blocks(_sections(filters, view, heading)))
    return [*blocks(_head(view, heading)), *sections]


def _seen_as(view: ClassView) -> Hashable:
    """What a view of the same data can differ in."""
    return view.filters, view.classes, language()


def _head(view: ClassView, heading: str) -> list[Any]:
    """What changes with the clock and the sources, and the menu of files."""
    return [
        print_head(view, heading),
        html.Div(
            [
                html.Div([html.H1(heading), coverage(view.sources)]),
                html.Div(_acts(view, heading), className="acts"),
            ],
            className="head",
        ),
    ]


def _sections(filters: ClassFilters, view: ClassView, heading: str) -> list[Any]:
    overview, limited = view.overview, view.state.class_data.limited
    own = own_subjects_note((pupil.id for pupil in overview.pupils), limited)
    if overview.pupils and all(limited.get(pupil.id) == frozenset() for pupil in overview.pupils):
        return [*_folded_filters(view), *own, _names(view)]
    shown_columns = columns(overview, filters.view, filters.subject, filters.material)
    parts: list[Any] = [
        *_folded_filters(view),
        *own,
        *_hidden_note(view),
        attention_cards(view),
        html.P(_("Why pupils need attention is on the page Signals."), className="paper sm"),
        html.Div([attention_panel(view), topics_panel(view, filters)], className="cols"),
    ]
    if not shown_columns:
        return [*parts, _nothing(view, heading)]
    sections = by_attention_group(grid(overview, shown_columns), view.attention_groups)
    caption = _("{heading}: newest score per pupil and column", heading=heading)
    words = [
        _("Newest score, as the material gives it. Colour only where the source sent a norm."),
        html.Span(f" {_('Choose a number to see where it comes from.')}", className="noprint"),
    ]
    table_title = _("All pupils per material") if filters.view == BY_MATERIAL else _("All pupils per subject")
    return [
        *parts,
        html.Section(
            [
                html.Header([html.Div([html.H2(table_title), html.P(words)]), more_columns()]),
                html.Div(
                    matrix(overview, shown_columns, sections, caption, view.beside_names),
                    className="tw",
                    tabIndex=0,
                    role="region",
                    **attrs(aria_label=table_title),
                ),
                legend(overview),
            ],
            className="card mt flush dt",
        ),
        html.Section([html.H2(_("All pupils")), html.Div(id="phone-list")], className="mlist card mt"),
        progress_panel(overview, filters.subject, filters.material),
    ]


def _how_many(view: ClassView | None) -> html.P:
    """What a screen reader reads after a filter changed; outside the content, so that only its text is replaced."""
    return html.P(pupils_word(view), className="vh", id="shown-pupils", role="status")


def pupils_word(view: ClassView | None) -> str:
    """How many pupils are shown."""
    return n_("{number} pupil", "{number} pupils", len(view.overview.pupils)) if view is not None else ""


def heading_of(view: ClassView) -> str:
    """The names of the classes shown."""
    return classes_word(view.names)


def print_head(view: ClassView, heading: str) -> html.P:
    """The first line of a print: the filters and the time."""
    words = " · ".join(f"{name}: {value}" for name, value in filter_words(view))
    return html.P(f"{heading} · {words} · {long_moment(clock.now_us())}", className="printhead")


def _acts(view: ClassView, heading: str) -> list[Any]:
    return [
        Link(_("Smartboard"), href=f"{addresses.BOARD}{view.filters.replacing(status=None).query}", className="btn"),
        html.Button(_("Print"), className="btn", **attrs(data_print="true")),
        _save_as(view, heading),
    ]


def _save_as(view: ClassView, heading: str) -> html.Details:
    """The menu with files of exactly what the screen shows."""
    viewer = request.viewer()
    assert viewer is not None
    kept = view.state.once(("sheet", _seen_as(view)), lambda: sheet_of(view, heading))
    sheet = replace(kept, taken_us=clock.now_us(), coverage=tuple(coverage_sentences(view.sources)))
    token = request.context().snapshots.add(viewer, sheet)
    # No download attribute: where the snapshot is gone the answer is this page with the same filters, to be seen.
    links = [
        html.A(file_format.name(), href=f"{FILE_PATH}/{token}.{ending}{view.filters.query}")
        for ending, file_format in FORMATS.items()
    ]
    return html.Details(
        [html.Summary([_("Save as…"), sign("chev")], className="btn"), html.Div(links, className="pop")],
        className="saveas",
        id="save-as",
    )


def _hidden_note(view: ClassView) -> list[Any]:
    if view.overview.hidden == 0:
        return []
    words = n_(
        "The period hides {number} result of these pupils.",
        "The period hides {number} results of these pupils.",
        view.overview.hidden,
    )
    wider = view.filters.replacing(period=BOTH_YEARS)
    link = (
        []
        if view.filters.period == BOTH_YEARS
        else [" ", Link(_("Show this school year and the last"), href=f"{addresses.CLASSES}{wider.query}")]
    )
    return [html.P([sign("info"), " ", num("hidden", words), *link], className="hid sm t2", id="hidden-by-period")]


def _folded_filters(view: ClassView) -> list[Any]:
    """The active filters that are hidden behind a button, and a link that clears them."""
    filters, words = view.filters, dict(filter_words(view))
    names = {
        _("Material"): filters.material,
        _("Group in class"): filters.subgroup,
        _("Goal"): filters.goal,
        _("Pupils"): filters.status,
    }
    on = [f"{name}: {words[name]}" for name, value in names.items() if value is not None]
    if not on:
        return []
    plain = filters.replacing(material=None, subgroup=None, goal=None, status=None)
    line = [
        _("Shown: {filters}.", filters=" · ".join(on)),
        " ",
        Link(_("Show everything"), href=f"{addresses.CLASSES}{plain.query}"),
    ]
    return [html.P(line, className="hid sm", id="filters-on")]


def _names(view: ClassView) -> html.Section:
    """The pupils of whom only the names may be seen; a note above it says why."""
    names = [html.Li(Link(pupil_word(pupil), href=addresses.pupil_href(pupil.id))) for pupil in view.overview.pupils]
    return card(_("Pupils"), [html.Ul(names, className="ls")], className="mt", id="names-only")


def _nothing(view: ClassView, heading: str) -> html.Section:
    plain = ClassFilters(view.filters.class_ids).query
    return card(
        _("No results with these filters"),
        [
            html.P(_("There are no results of {heading} with these filters.", heading=heading), className="t2 sm"),
            Link(_("Clear filters"), href=f"{addresses.CLASSES}{plain}", className="btn"),
        ],
        className="mt",
    )


def legend(overview: ClassOverview) -> html.Div:
    """The legend of the states without a score, and of the levels that the cells hold."""
    readings = (cell.reading for cells in overview.cells.values() for cell in cells.values())
    states = (*KEY_OF_STATES, *([Missing.OTHER_SUBJECT] if overview.audience.limited else []))
    words = [html.Span([sign(MISSING_SIGNS[missing]), " ", missing_word(missing)]) for missing in states]
    return html.Div(
        [
            html.B(_("No score?")),
            *words,
            html.Span([sign("bang"), " ", _("may be wrong")]),
            html.Span(_("None of these counts as 0. A real 0 is shown as 0."), className="t3"),
            *(html.Span(meaning, className="t3") for meaning in level_meanings(readings)),
        ],
        className="legend",
    )


PAGE = Page(
    name="group",
    path=addresses.CLASSES,
    title=title,
    layout=layout,
    frame=frame,
    may_see=reads_results,
    in_menu_of=reads_results,
    register=register,
)
