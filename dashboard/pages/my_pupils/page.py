"""Mijn leerlingen: a row per pupil of all classes, a sparkline per subject, and three questions with their answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dash
from dash import ClientsideFunction, Input, Output, State, dcc

from dashboard.auth import audit_trail, request
from dashboard.auth.callbacks import with_viewer
from dashboard.pages.my_pupils.questions import question_cards, question_panel, shown_words
from dashboard.pages.my_pupils.table import my_pupils_table
from dashboard.pages.page import Body, Page, reads_results
from dashboard.text.translate import _, language, long_moment, n_
from dashboard.text.words import no_classes_word, subject_word
from dashboard.ui import addresses
from dashboard.ui.controls import Options, class_select, options, period_word, select
from dashboard.ui.elements import Link, html
from dashboard.ui.filters import BOTH_YEARS, PERIODS, ClassFilters
from dashboard.ui.markup import blocks
from dashboard.ui.matrix_columns import subject_order
from dashboard.ui.my_pupils_view import CONTROLS, SIGNALS, MyPupilsFilters, MyPupilsView, read_my_pupils
from dashboard.ui.own_subjects import own_subjects_note
from dashboard.ui.page_address import address_asked, asked_id, asked_store, bar_marks, filters_of, query_and_controls
from dashboard.ui.signs import attrs, note, sign
from models.access.people import ClassRef
from models.access.viewer import Viewer
from models.schema import clock, database

IN_ADDRESS = ("vraag", "materiaal")  # set by links on the page and not by controls of the bar


def title(**_address: object) -> str:
    """The title of the page."""
    return _("My pupils")


def frame() -> Body:
    """The page without data."""
    return Body([html.Div(id="mine-content")], _bar([], MyPupilsFilters(()), None))


def layout(viewer: Viewer, /, **query: object) -> Body:
    """The whole page for an address."""
    classes, filters, view = read(viewer, query)
    return Body([html.Div(_content(viewer, view), id="mine-content")], _bar(classes, filters, view))


def read(
    viewer: Viewer, address: Mapping[str, object], screen: str = "my pupils"
) -> tuple[list[ClassRef], MyPupilsFilters, MyPupilsView | None]:
    """Read what the page shows for an address."""
    context = request.context()
    with database.read_transaction(context.engine, viewer.school_id) as connection:
        classes, filters, view = read_my_pupils(connection, context.cipher, viewer, address, context.options.holidays)
    if view is not None:
        audit_trail.looked(screen, [member.id for member in view.everyone])
    return classes, filters, view


def no_classes(heading: str) -> list[Any]:
    """The notice that there are no classes yet."""
    text = no_classes_word()
    return [html.Div(html.Div(html.H1(heading)), className="head"), note("", "notbegun", html.P(text))]


def register(app: dash.Dash) -> None:
    """The callbacks of the page."""

    @app.callback(
        Output("mine-content", "children"),
        Output("mine-query", "data"),
        Output("mine-vak", "data"),
        Output("mine-periode", "data"),
        *(Output(f"mine-{name}", "value") for name in CONTROLS),
        Input(asked_id("mine"), "data"),
        *(Input(f"mine-{name}", "value") for name in CONTROLS),
        State("mine-query", "data"),
        prevent_initial_call=True,
    )
    @with_viewer(reads_results)
    def show(viewer: Viewer, address: object, *values: object) -> tuple[Any, ...]:
        *chosen, query = values
        by_address = address_asked("mine", address)
        by_controls = dict(zip(CONTROLS, chosen, strict=False)) | stated(query, IN_ADDRESS)
        classes, filters, view = read(viewer, by_controls if by_address is None else by_address)
        query, *controls = query_and_controls(by_address, filters.query, _control_values(filters))
        subjects, periods = _subject_options(filters, view), _period_options(classes, filters)
        return _content(viewer, view), query, subjects, periods, *controls

    app.clientside_callback(
        ClientsideFunction("rondblik", "keepAddress"),
        Output("mine-query", "modified_timestamp"),
        Input("mine-query", "data"),
        prevent_initial_call=True,
    )


def stated(search: object, names: tuple[str, ...]) -> dict[str, object]:
    """The filters of an address with these names."""
    return {name: value for name, value in filters_of(search).items() if name in names}


# -- the page ------------------------------------------------------------------------------------------------


def _bar(classes: list[ClassRef], filters: MyPupilsFilters, view: MyPupilsView | None) -> html.Div:
    signals = dict(zip(SIGNALS, (_("With an open signal"), _("Without an open signal")), strict=True))
    return html.Div(
        html.Div(
            [
                class_select("mine-klas", classes, filters.class_ids),
                select("mine-periode", _("Period"), _period_options(classes, filters), filters.period),
                select("mine-vak", _("Subject"), _subject_options(filters, view), filters.subject or ""),
                select("mine-signalen", _("Signals"), options(_("All pupils"), signals), filters.signals or ""),
                html.Button(
                    _("More filters"), className="btn phone", **attrs(data_toggle="bar", aria_expanded="false")
                ),
                dcc.Store(id="mine-query", storage_type="memory", data=filters.query),
                asked_store("mine"),
            ]
        ),
        className="bar",
        id="bar",
        **bar_marks("mine"),
    )


def _control_values(filters: MyPupilsFilters) -> list[str | list[str]]:
    """The values of the controls, in the order of CONTROLS."""
    return [
        [str(item) for item in filters.class_ids],
        filters.period,
        filters.subject or "",
        filters.signals or "",
    ]


def _period_options(classes: list[ClassRef], filters: MyPupilsFilters) -> Options:
    names = [*PERIODS, *([filters.period] if filters.period not in PERIODS else [])]
    return [{"value": name, "label": period_word(ClassFilters(filters.class_ids, name), classes)} for name in names]


def _subject_options(filters: MyPupilsFilters, view: MyPupilsView | None) -> Options:
    subjects = (
        {subject_material.subject for subject_material in view.overview.subject_materials}
        if view is not None
        else set()
    )
    subjects |= {filters.subject} if filters.subject is not None else set()
    ordered = sorted(subjects, key=lambda item: (subject_order(item), item))
    return options(_("All subjects"), {item: subject_word(item) for item in ordered})


def _content(viewer: Viewer, view: MyPupilsView | None) -> list[Any]:
    """Everything below the filter bar, as markup."""
    if view is None:
        return blocks(no_classes(_("My pupils")))
    head = [
        html.P(made_sentence(viewer, view), className="printhead"),
        html.Div(
            [
                html.Div([html.H1(_("My pupils")), html.P(_intro(view), id="mine-intro")]),
                html.Div(
                    [
                        Link(_("Make hand-over"), href=f"{addresses.HANDOVER}{view.filters.query}", className="btn"),
                        html.Button(_("Print"), className="btn", **attrs(data_print="true")),
                    ],
                    className="acts",
                ),
            ],
            className="head",
        ),
        *own_subjects_note((pupil.id for pupil in view.pupils), view.class_data.limited),
        *hidden_note(view, addresses.MY_PUPILS),
    ]
    key = ("my pupils", view.filters, view.classes, language(), request.scheme())
    return [*blocks(head), *view.state.once(key, lambda: blocks(_sections(view)))]


def _sections(view: MyPupilsView) -> list[Any]:
    limited = view.class_data.limited
    nothing_seen = bool(view.everyone) and all(limited.get(member.id) == frozenset() for member in view.everyone)
    return [
        *([] if nothing_seen else [question_cards(view, addresses.MY_PUPILS)]),
        *question_panel(view, addresses.MY_PUPILS),
        my_pupils_table(view),
    ]


def _intro(view: MyPupilsView) -> list[Any]:
    """Which pupils are shown, of how many, and how to see the others."""
    filters = view.filters
    count = n_("{number} pupil", "{number} pupils", len(view.pupils))
    classes = n_("{number} class", "{number} classes", len(filters.class_ids))
    parts: list[Any] = [_("{pupils} from {classes}. Each line compares a pupil only with themselves.", pupils=count,
                          classes=classes)]  # fmt: skip
    if len(filters.class_ids) < len(view.classes):
        everyone = filters.replacing(class_ids=tuple(class_ref.id for class_ref in view.classes))
        words = _("Show all {number} classes", number=len(view.classes))
        parts += [" ", Link(words, href=f"{addresses.MY_PUPILS}{everyone.query}")]
    if len(view.pupils) < len(view.everyone):
        plain = filters.replacing(signals=None, question=None, material=None)
        words = _("Shown: {who}, {number} of {all}.", who=shown_words(filters), number=len(view.pupils),
                  all=len(view.everyone))  # fmt: skip
        parts += [" ", words, " ", Link(_("Show everybody"), href=f"{addresses.MY_PUPILS}{plain.query}")]
    return parts


def hidden_note(view: MyPupilsView, path: str) -> list[Any]:
    """How many results are outside the period, with a link to a wider period."""
    if view.hidden == 0:
        return []
    words = n_(
        "The period hides {number} result of these pupils.",
        "The period hides {number} results of these pupils.",
        view.hidden,
    )
    wider = view.filters.replacing(period=BOTH_YEARS)
    link = [] if view.filters.period == BOTH_YEARS else [
        " ", Link(_("Show this school year and the last"), href=f"{path}{wider.query}")
    ]  # fmt: skip
    return [html.P([sign("info"), " ", words, *link], className="hid sm t2", id="hidden-by-period")]


def made_sentence(viewer: Viewer, view: MyPupilsView) -> str:
    """The heading of a print: school, year, classes, period, filters, time and author."""
    filters = view.filters
    parts = [
        "Rondblik",
        view.school,
        _("school year {year}", year=view.school_year),
        n_("class {names}", "classes {names}", len(view.names), names=", ".join(view.names)),
        period_word(ClassFilters(filters.class_ids, filters.period), list(view.classes)),
        _("All subjects") if filters.subject is None else subject_word(filters.subject),
        shown_words(filters) or _("all pupils"),
        _("made on {moment} by {name}", moment=long_moment(clock.now_us()), name=viewer.name),
    ]
    return " · ".join(part for part in parts if part)


PAGE = Page(
    name="my_pupils",
    path=addresses.MY_PUPILS,
    title=title,
    layout=layout,
    frame=frame,
    may_see=reads_results,
    in_menu_of=reads_results,
    register=register,
)
