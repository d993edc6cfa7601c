"""The class screen: filters in the address, coverage of the sources, the matrix, progress per material."""

from __future__ import annotations

from typing import Any

import dash
import dash_mantine_components as dmc
import flask
from dash import ClientsideFunction, Input, Output, dcc, html

from dashboard import security
from dashboard.filters import (
    BOTH_YEARS,
    BY_MATERIAL,
    BY_SUBJECT,
    FOUR_WEEKS,
    LAST_YEAR,
    PERIODS,
    THIS_YEAR,
    TWELVE_WEEKS,
    GroupFilters,
    present_year,
    read_filters,
)
from dashboard.matrix import columns, subject_order
from dashboard.pages.progress_panel import progress_panel
from dashboard.pages.shell import page
from dashboard.signs import attrs, card, note, sign
from dashboard.tables import grid, matrix, phone_list
from dashboard.texts import _, at_moment, n_, short_day
from dashboard.words import MISSING_SIGNS, missing_word, subject_word
from models import database
from models.freshness import SourceState
from models.people import ClassRef, class_list
from models.queries import ClassOverview, class_overview
from models.scales import Missing
from models.viewer import Viewer

KEY_OF_STATES = (
    Missing.NOT_LINKED,
    Missing.NOT_DELIVERED,
    Missing.NO_RESULT,
    Missing.NOT_SET,
    Missing.NOT_BEGUN,
    Missing.BUSY,
    Missing.NOT_OFFERED,
    Missing.NO_SCORE,
)
CONTROLS = ("klas", "periode", "vak", "uitgever", "weergave")


def title(**_parts: object) -> str:
    """The title of the window."""
    return _("Classes") + " – Rondblik"


def layout(**query: object) -> list[Any]:
    """The whole page for an address; the frame without data where nobody looks."""
    viewer = security.viewer() if flask.has_request_context() else None
    if viewer is None:
        return page("group", html.Div(id="group-content"), filter_bar([], GroupFilters(()), None))
    asked = {name: query.get(name) for name in CONTROLS}
    classes, filters, overview = _read(viewer, asked)
    return page(
        "group",
        html.Div(content(classes, filters, overview), id="group-content"),
        filter_bar(classes, filters, overview),
    )


def _read(viewer: Viewer, asked: dict[str, object]) -> tuple[list[ClassRef], GroupFilters, ClassOverview | None]:
    with database.reading(security.context().engine) as connection:
        classes = class_list(connection, viewer)
        filters = read_filters(classes, **asked)
        if not classes:
            return classes, filters, None
        period = filters.dates(present_year(classes))
        return classes, filters, class_overview(connection, viewer, list(filters.class_ids), period, filters.source)


def register(app: dash.Dash) -> None:
    """The callbacks of the page."""

    @app.callback(
        Output("group-content", "children"),
        Output("group-query", "data"),
        Output("vak", "data"),
        *(Input(name, "value") for name in CONTROLS),
        prevent_initial_call=True,
    )
    def show(*values: object) -> tuple[Any, ...]:
        viewer = security.viewer()
        if viewer is None:
            raise dash.exceptions.PreventUpdate
        classes, filters, overview = _read(viewer, dict(zip(CONTROLS, values, strict=True)))
        return content(classes, filters, overview), filters.query, subject_options(overview, filters)

    app.clientside_callback(
        ClientsideFunction("rondblik", "keepAddress"),
        Output("group-query", "modified_timestamp"),
        Input("group-query", "data"),
        prevent_initial_call=True,
    )


# -- filters -------------------------------------------------------------------------------------------------


def filter_bar(classes: list[ClassRef], filters: GroupFilters, overview: ClassOverview | None) -> html.Div:
    """The bar of controls; on a phone the class alone, the rest behind a button."""
    return html.Div(
        html.Div(
            [
                dmc.MultiSelect(
                    id="klas",
                    label=_("Class"),
                    data=[{"value": str(one.id), "label": class_word(one)} for one in classes],
                    value=[str(one) for one in filters.class_ids],
                    className="f k",
                    maxDropdownHeight=420,
                    hidePickedOptions=True,
                ),
                dmc.Select(
                    id="periode",
                    label=_("Period"),
                    data=_period_options(classes, filters),
                    value=filters.period,
                    allowDeselect=False,
                    className="f o",
                ),
                dmc.Select(
                    id="vak",
                    label=_("Subject"),
                    data=subject_options(overview, filters),
                    value=filters.subject or "",
                    allowDeselect=False,
                    className="f o",
                ),
                dmc.Select(
                    id="uitgever",
                    label=_("Publisher"),
                    data=_publisher_options(overview),
                    value="" if filters.source is None else str(filters.source),
                    allowDeselect=False,
                    className="f o",
                ),
                html.Div(
                    [
                        html.Span(_("Columns"), className="lab", id="weergave-label"),
                        dmc.SegmentedControl(
                            id="weergave",
                            data=[
                                {"value": BY_SUBJECT, "label": _("Per subject")},
                                {"value": BY_MATERIAL, "label": _("Per material")},
                            ],
                            value=filters.view,
                            **attrs(aria_labelledby="weergave-label"),
                        ),
                    ],
                    className="f o",
                ),
                html.Button(_("More filters"), className="btn more", **attrs(data_toggle="bar", aria_expanded="false")),
                dcc.Store(id="group-query", storage_type="memory"),
            ]
        ),
        className="bar",
        id="bar",
    )


def class_word(one: ClassRef) -> str:
    """What a class is called in a list."""
    place = f" ({one.location})" if one.location else ""
    return _("Class {name}", name=one.name) + place


def _period_options(classes: list[ClassRef], filters: GroupFilters) -> list[dict[str, str]]:
    first = filters.dates(present_year(classes)).first if filters.period == THIS_YEAR else None
    words = {
        THIS_YEAR: _("This school year, from {day}", day=short_day(first)) if first else _("This school year"),
        FOUR_WEEKS: _("The last 4 weeks"),
        TWELVE_WEEKS: _("The last 12 weeks"),
        BOTH_YEARS: _("This school year and the last"),
        LAST_YEAR: _("Last school year"),
    }
    found = [{"value": name, "label": words[name]} for name in PERIODS]
    if filters.period not in PERIODS:
        span = filters.dates(present_year(classes))
        label = _("{first} to {last}", first=short_day(span.first), last=short_day(span.last))
        found.append({"value": filters.period, "label": label})
    return found


def subject_options(overview: ClassOverview | None, filters: GroupFilters) -> list[dict[str, str]]:
    """The subjects that there are results of."""
    subjects = {field[0] for field in overview.fields} if overview is not None else set()
    if filters.subject is not None:
        subjects.add(filters.subject)
    ordered = sorted(subjects, key=lambda one: (subject_order(one), one))
    return [{"value": "", "label": _("All subjects")}] + [{"value": one, "label": subject_word(one)} for one in ordered]


def _publisher_options(overview: ClassOverview | None) -> list[dict[str, str]]:
    states = overview.sources if overview is not None else ()
    found = [{"value": str(one.id), "label": one.name} for one in states if one.role == "publisher"]
    return [{"value": "", "label": _("All publishers")}, *found]


# -- content -------------------------------------------------------------------------------------------------


def content(classes: list[ClassRef], filters: GroupFilters, overview: ClassOverview | None) -> list[Any]:
    """Everything under the filter bar."""
    if overview is None:
        text = _("The pupil list has not come in yet, or you are not linked to a class in it.")
        return [html.Div(html.Div(html.H1(_("No classes yet"))), className="head"), note("", "notbegun", html.P(text))]
    names = [one.name for one in classes if one.id in filters.class_ids]
    heading = n_("Class {names}", "Classes {names}", len(names), names=", ".join(names))
    shown_columns = columns(overview, filters.view, filters.subject)
    parts: list[Any] = [
        html.Div(html.Div([html.H1(heading), coverage(overview.sources)]), className="head"),
        *_hidden_note(overview, filters),
    ]
    if not shown_columns:
        return [*parts, _nothing(heading)]
    rows = grid(overview, shown_columns)
    caption = _("{heading}: newest score per pupil and column", heading=heading)
    words = _("Newest score in the material's own scale. Colour only where the source sent a norm.")
    table_title = _("All pupils per material") if filters.view == BY_MATERIAL else _("All pupils per subject")
    return [
        *parts,
        html.Section(
            [
                html.Header(html.Div([html.H2(table_title), html.P(words)])),
                html.Div(
                    matrix(overview, shown_columns, rows, caption),
                    className="tw",
                    tabIndex=0,
                    role="region",
                    **attrs(aria_label=table_title),
                ),
                legend(),
            ],
            className="card mt flush dt",
        ),
        html.Section([html.H2(_("All pupils")), *phone_list(overview, shown_columns, rows)], className="mlist card mt"),
        progress_panel(overview, filters.subject),
    ]


def coverage(sources: tuple[SourceState, ...]) -> html.P:
    """How many publishers delivered this week, who was last, and who did not."""
    publishers = [one for one in sources if one.role == "publisher" and one.active and not one.stopped]
    fresh = [one for one in publishers if one.delivered_this_week]
    late = [one for one in publishers if one.late]
    line = n_(
        "{fresh} of {number} source delivered this week.",
        "{fresh} of {number} sources delivered this week.",
        len(publishers),
        fresh=len(fresh),
    )
    failing = sum(one.failures > 0 for one in publishers)
    parts: list[Any] = [html.Span([sign("clock" if late else "check"), " ", line], className="" if late else "k")]
    if failing:
        words = n_("{number} has a fault now.", "{number} have a fault now.", failing)
        parts.append(html.Span(words, className="w"))
    steady = [one for one in fresh if one not in late and one.last_success_us is not None]
    if steady:
        oldest = min(steady, key=lambda one: one.last_success_us or 0)
        parts.append(
            html.Span(_("{name} last {moment}.", name=oldest.name, moment=at_moment(oldest.last_success_us or 0)))
        )
    parts += [html.Span(_late_word(one)) for one in late]
    return html.P(parts, className="src", id="coverage")


def _late_word(one: SourceState) -> str:
    if one.last_success_us is None:
        return _("{name} has not delivered yet.", name=one.name)
    since = at_moment(one.last_success_us)
    if one.delivered_this_week:
        return _("{name} does not answer now, last {moment}.", name=one.name, moment=since)
    return _("{name} has not delivered since {moment}.", name=one.name, moment=since)


def _hidden_note(overview: ClassOverview, filters: GroupFilters) -> list[Any]:
    if overview.hidden == 0:
        return []
    words = n_(
        "The period hides {number} result of these pupils.",
        "The period hides {number} results of these pupils.",
        overview.hidden,
    )
    wider = GroupFilters(filters.class_ids, BOTH_YEARS, filters.subject, filters.source, filters.view)
    link = (
        []
        if filters.period == BOTH_YEARS
        else [" ", dcc.Link(_("Show this school year and the last"), href=f"/groep{wider.query}")]
    )
    return [html.P([sign("info"), " ", words, *link], className="hid sm t2", id="hidden-by-period")]


def _nothing(heading: str) -> html.Section:
    return card(
        _("Nothing within this filter"),
        [html.P(_("There are no results of {heading} with these filters.", heading=heading), className="t2 sm")],
        className="mt",
    )


def legend() -> html.Div:
    """The key of the states without a score."""
    words = [html.Span([sign(MISSING_SIGNS[one]), " ", missing_word(one)]) for one in KEY_OF_STATES]
    return html.Div(
        [
            html.B(_("No score?")),
            *words,
            html.Span([sign("bang"), " ", _("being checked")]),
            html.Span(_("None of these counts as 0. A real 0 is shown as 0."), className="t3"),
        ],
        className="legend",
    )
