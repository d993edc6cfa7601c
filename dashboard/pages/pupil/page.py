"""The pupil page: a time axis, a series per material as chart and table, and details per test and part."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import dash
from dash import ClientsideFunction, Input, Output, State, dcc
from sqlalchemy import Connection

from dashboard.auth import audit_trail, request
from dashboard.auth.callbacks import with_viewer
from dashboard.pages.page import Body, Page, reads_results
from dashboard.pages.pupil.part_panel import parts_panel, provenance_panel, sitting_options
from dashboard.pages.pupil.progress import pupil_progress
from dashboard.pages.pupil.series import in_subject_order, series_section, summary_sentence
from dashboard.pages.pupil.side_panels import Side, goals_panel, notes_panel, read_side, signals_panel
from dashboard.pages.pupil.tables import number_panel, series_tables
from dashboard.text.translate import _, day_name, language, long_moment, n_, short_day
from dashboard.text.words import (
    ATTENTION_GROUP_SIGNS,
    MISSING_SIGNS,
    attention_group_word,
    class_word,
    missing_word,
    norm_counts_word,
    part_name_word,
    short_test,
    subject_word,
)
from dashboard.ui import addresses
from dashboard.ui.charts import axis_period, markers
from dashboard.ui.components import SegmentedControl, Select
from dashboard.ui.controls import Options
from dashboard.ui.elements import Link, html
from dashboard.ui.filters import (
    BOTH_YEARS,
    FOUR_WEEKS,
    LAST_YEAR,
    THIS_YEAR,
    TWELVE_WEEKS,
    current_school_year,
    period_dates,
    read_period,
)
from dashboard.ui.markup import block, blocks
from dashboard.ui.matrix_table import pupil_word, value
from dashboard.ui.own_subjects import own_subjects_note
from dashboard.ui.page_address import address_asked, asked_id, asked_store, bar_marks, query_and_controls
from dashboard.ui.signs import attrs, note, sign
from models.access.people import PupilName, PupilRecord, class_list, members, seen_pupil_name
from models.access.people import pupil as read_pupil
from models.access.viewer import Viewer
from models.classroom.audience import audience_of
from models.classroom.class_state import ClassState
from models.classroom.timeline import PupilTimeline, Sitting, provenance, timeline_of
from models.results.missing import missing_reason_of
from models.results.periods import Period
from models.results.scales import Missing
from models.results.subject_materials import SubjectMaterial
from models.schema import clock, database

VIEWS = ("grafiek", "tabel", "beide")
_PATH = re.compile(rf"{addresses.PUPIL}/({addresses.NUMBER})/?", re.ASCII)
_SITTING = re.compile(r"([0-9]{1,9})_(\d{4}-\d{2}-\d{2})(?:_([0-9]{1,9}))?", re.ASCII)


def title(pupil_id: object = None, **_address: object) -> str:
    """The name of a pupil that the viewer may see; empty for any other pupil."""
    viewer, number = request.viewer(), read_id(pupil_id)
    if viewer is None or number is None or not viewer.reads_results:
        return ""
    with database.read_transaction(request.context().engine, viewer.school_id) as connection:
        name = seen_pupil_name(connection, viewer, number)
    return pupil_word(name) if name is not None else ""


def frame() -> Body:
    """The page without data."""
    return Body(_frame(BOTH_YEARS, None, None))


def layout(viewer: Viewer, /, pupil_id: object = None, periode: object = None, **_query: object) -> Body:
    """The whole page for an address; a sentence where the viewer may not see the pupil."""
    period = period_of({"periode": periode})
    pupil_data = _read(viewer, read_id(pupil_id), period)
    return not_yours() if pupil_data is None else Body(_frame(period, viewer, pupil_data))


def period_of(address: Mapping[str, object]) -> str:
    """The period of an address; both school years where it has none."""
    periode = address.get("periode")
    return read_period(periode) if periode is not None else BOTH_YEARS


def read_id(value: object) -> int | None:
    """The pupil number of an address; None where it is of another school."""
    return addresses.read_number(value)


def _name(record: PupilRecord) -> str:
    return pupil_word(PupilName(record.id, record.first_name, record.name))


@dataclass(frozen=True, slots=True)
class _PupilData:
    """The data of one pupil."""

    timeline: PupilTimeline
    neighbours: list[PupilName]
    side: Side

    def once(self, name: str, compute: Callable[[], list[Any]]) -> list[Any]:
        """What depends on the data of the class only, computed once for each version of them."""
        key = (name, self.timeline.pupil.id, self.timeline.period, language(), request.scheme())
        state = _state_with(self.timeline.pupil.id, self.side)
        return compute() if state is None else state.once(key, compute)


def _read(viewer: Viewer, pupil_id: int | None, period: str) -> _PupilData | None:
    if pupil_id is None:
        return None
    context = request.context()
    with database.read_transaction(context.engine, viewer.school_id) as connection:
        year = current_school_year(class_list(connection, viewer))
        record = read_pupil(connection, viewer, pupil_id)
        if record is None:
            return None
        home = [class_ref.id for class_ref in record.classes[:1]]
        neighbours = members(connection, viewer, home) if home else []
        side = read_side(connection, context.cipher, viewer, record, year, context.options.holidays)
        timeline = _timeline(connection, viewer, record, period_dates(period, year), side)
    audit_trail.looked("pupil", [pupil_id])
    return _PupilData(timeline, neighbours, side)


def _timeline(connection: Connection, viewer: Viewer, record: PupilRecord, period: Period, side: Side) -> PupilTimeline:
    state = _state_with(record.id, side)
    if state is None:
        return timeline_of(connection, viewer, record, period)
    timeline = state.once(("timeline", record.id, period), lambda: timeline_of(connection, viewer, record, period))
    return replace(timeline, sources=state.class_data.sources)


def _state_with(pupil_id: int, side: Side) -> ClassState | None:
    """The state of the classes of a pupil, where results of the pupil renew it: not of a leaver."""
    return side.state if side.state is not None and pupil_id in side.state.judged.pupils else None


def not_yours() -> Body:
    """The page for a pupil that the viewer may not see or that does not exist."""
    children = [
        html.Div(html.Div(html.H1(_("Pupil"))), className="head"),
        note(
            "",
            "lock",
            html.P(
                [
                    html.B(_("You may not see this pupil, or there is no such pupil.")),
                    " ",
                    _("You see the pupils of the classes that the pupil list links you to."),
                    " ",
                    Link(_("To the classes"), href=addresses.CLASSES),
                ]
            ),
        ),
    ]
    return Body(children)


# -- the page --------------------------------------------------------------------------------------------------


def _frame(period: str, viewer: Viewer | None, pupil_data: _PupilData | None) -> list[Any]:
    """Title, controls and panels; every component that callbacks name is present, with data or without."""
    timeline = pupil_data.timeline if pupil_data is not None else None
    options = sitting_options(timeline) if timeline is not None else []
    first = first_sitting(timeline, pupil_data.side) if timeline is not None and pupil_data is not None else None
    return [
        *(_head(viewer, pupil_data) if viewer is not None and pupil_data is not None else [html.P(id="summary")]),
        html.Div(
            [
                # Signals first: at the right where there are two columns, before the series where there is one.
                *(_side_first(viewer, pupil_data) if viewer is not None and pupil_data is not None else []),
                html.Div(
                    [
                        html.Section(
                            [
                                _series_header(period),
                                html.Div(_series_panel(pupil_data), id="lanes"),
                            ],
                            className="card lanes",
                        ),
                        html.Section(_tables(pupil_data), className="card", id="lane-tables"),
                    ],
                    className="stack",
                ),
                html.Div(
                    [
                        html.Section(
                            [
                                html.Header([html.H2(_("Test by part"))]),
                                Select(
                                    id="sitting",
                                    label=_("Material and test"),
                                    data=options,
                                    value=first.key if first is not None else None,
                                    searchable=True,
                                    className="f wide",
                                    nothing=_("Nothing found"),
                                ),
                                html.Div(blocks(parts_panel(timeline, first)), id="parts"),
                            ],
                            className="card",
                        ),
                        html.Section(
                            _progress_panel(pupil_data),
                            className="card",
                            id="worked",
                        ),
                        *(_side_last(viewer, pupil_data) if viewer is not None and pupil_data is not None else []),
                    ],
                    className="stack",
                ),
            ],
            className="cols view-beide",
            id="views",
        ),
        *number_panel(),
    ]


def _access_link(viewer: Viewer, pupil_id: int) -> list[Any]:
    """The way to who can see the pupil and who has looked, for who may review that."""
    if not viewer.reviews_access:
        return []
    href = f"{addresses.ACCESS_LOG}?leerling={addresses.number(pupil_id)}"
    return [Link(_("Who looked"), href=href, className="btn")]


def _side_first(viewer: Viewer, pupil_data: _PupilData) -> list[Any]:
    record = pupil_data.timeline.pupil
    panel = signals_panel(viewer, record.id, record.first_name or _name(record), pupil_data.side)
    return [html.Div(block(panel), className="beside")]


def _side_last(viewer: Viewer, pupil_data: _PupilData) -> list[Any]:
    record = pupil_data.timeline.pupil
    notes = [notes_panel(viewer, record.id, pupil_data.side)] if viewer.teaches else []
    return [goals_panel(viewer, pupil_data.timeline, pupil_data.side), *notes]


def _head(viewer: Viewer, pupil_data: _PupilData) -> list[Any]:
    timeline = pupil_data.timeline
    home = timeline.pupil.classes[:1]
    back = [
        Link(
            [sign("back"), class_word(class_ref.name)],
            href=addresses.class_href(class_ref.id),
            className="back",
        )
        for class_ref in home
    ]
    classes = [class_word(class_ref.name) for class_ref in home]
    made = [_name(timeline.pupil), *classes, _span(timeline.period), long_moment(clock.now_us())]
    return [
        html.P(" · ".join(made), className="printhead"),
        *back,
        html.Div(
            [
                html.Div(
                    [
                        html.H1(_name(timeline.pupil)),
                        *_left(timeline.pupil),
                        *([] if timeline.subjects == frozenset() else _placement(pupil_data.side)),
                        *_own_subjects(timeline),
                        html.P(summary_sentence(timeline), id="summary"),
                    ]
                ),
                block(
                    html.Div(
                        [
                            Link(
                                _("Make a conversation sheet"),
                                href=addresses.talk_sheet_href(timeline.pupil.id),
                                className="btn pri",
                            ),
                            html.Button(_("Print"), className="btn", **attrs(data_print="true")),
                            *_access_link(viewer, timeline.pupil.id),
                            *_neighbours(timeline.pupil.id, pupil_data.neighbours),
                        ],
                        className="acts",
                    )
                ),
            ],
            className="head",
        ),
    ]


def _own_subjects(timeline: PupilTimeline) -> list[Any]:
    """For a subject teacher, of which subjects the results are."""
    pupil_id = timeline.pupil.id
    return own_subjects_note([pupil_id], {} if timeline.subjects is None else {pupil_id: timeline.subjects})


def _left(record: PupilRecord) -> list[html.P]:
    """That the pupil left, and when."""
    if record.left_on is None or record.left_on >= clock.today().isoformat():
        return []
    return [html.P(html.B(_("Left the school on {day}.", day=day_name(record.left_on))), id="left")]


def _placement(side: Side) -> list[html.P]:
    """The attention group of the pupil in this school year, with the counts by the norm."""
    if side.placement is None:
        return []
    group, counts = side.placement.group, norm_counts_word(side.placement.counts)
    words = _("{group} · this school year {counts}", group=attention_group_word(group), counts=counts)
    return [html.P([sign(ATTENTION_GROUP_SIGNS[group]), " ", words], id="placement", **attrs(data_group=group.value))]


def _span(period: Period) -> str:
    return _("{first} to {last}", first=day_name(period.first), last=day_name(period.last))


def _neighbours(pupil_id: int, neighbours: list[PupilName]) -> list[Any]:
    ids = [neighbour.id for neighbour in neighbours]
    if pupil_id not in ids:
        return []
    index = ids.index(pupil_id)
    links = []
    if index > 0:
        pupil = neighbours[index - 1]
        words = [html.Span(_("Previous pupil: "), className="vh"), pupil.first_name or pupil_word(pupil)]
        links.append(Link([sign("prev"), *words], href=addresses.pupil_href(pupil.id), className="btn"))
    if index + 1 < len(ids):
        pupil = neighbours[index + 1]
        words = [html.Span(_("Next pupil: "), className="vh"), pupil.first_name or pupil_word(pupil)]
        links.append(Link([*words, sign("next")], href=addresses.pupil_href(pupil.id), className="btn"))
    return links


def _series_header(period: str) -> html.Header:
    return html.Header(
        [
            html.Div(
                [
                    html.H2(_("All materials on one time line")),
                    html.P(
                        _("Each chart has its own scale. So do not compare the height of two charts.")
                        + " "
                        + _("School holidays are grey.")
                    ),
                ]
            ),
            html.Div(
                [
                    Select(
                        id="leerling-periode",
                        **attrs(aria_label=_("Period")),
                        data=_period_options(period),
                        value=period,
                        className="f",
                    ),
                    html.Span(_("View"), id="view-label", className="vh"),
                    SegmentedControl(
                        id="view",
                        data=[
                            {"value": item, "label": word}
                            for item, word in zip(VIEWS, (_("Chart"), _("Table"), _("Both")), strict=True)
                        ],
                        value="beide",
                        **attrs(aria_labelledby="view-label"),
                    ),
                    dcc.Store(id="pupil-query", storage_type="memory"),
                    asked_store("pupil"),
                ],
                className="acts",
                **bar_marks("pupil"),
            ),
        ]
    )


def _period_options(period: str) -> Options:
    words = {
        BOTH_YEARS: _("This school year and the last"),
        THIS_YEAR: _("This school year"),
        LAST_YEAR: _("Last school year"),
        TWELVE_WEEKS: _("The last 12 weeks"),
        FOUR_WEEKS: _("The last 4 weeks"),
    }
    if period not in words:
        first, last = (short_day(day) for day in period.split("_"))
        words[period] = _("{first} to {last}", first=first, last=last)
    return [{"value": key, "label": word} for key, word in words.items()]


def _series_panel(pupil_data: _PupilData | None) -> list[Any]:
    return [] if pupil_data is None else pupil_data.once("series", lambda: _series_sections(pupil_data))


def _series_sections(pupil_data: _PupilData) -> list[Any]:
    timeline = pupil_data.timeline
    if not timeline.series:
        return [
            *blocks(_hidden(timeline)),
            *blocks(_future(timeline)),
            html.P(_("There are no scores in this period."), className="t2 sm"),
            *blocks(_absent(pupil_data)),
        ]
    marks, axis = markers(timeline.series), axis_period(timeline.period, timeline.series)
    off = request.context().options.holidays.between(
        date.fromisoformat(axis.first), date.fromisoformat(axis.last), pupil_data.side.region
    )
    panels = [
        series_section(
            series, marks[series.key], axis, request.scheme(), pupil_data.side.goals.get(series.subject_material), off
        )
        for series in in_subject_order(timeline.series)
    ]
    return [*blocks(_hidden(timeline)), *blocks(_future(timeline)), *panels, *blocks(_absent(pupil_data))]


def _hidden(timeline: PupilTimeline) -> list[Any]:
    """How many results the period leaves out."""
    if timeline.hidden == 0:
        return []
    words = n_(
        "The period hides {number} result of this pupil.",
        "The period hides {number} results of this pupil.",
        timeline.hidden,
    )
    return [html.P([sign("info"), " ", words], className="hid sm t2", id="hidden-by-period")]


def _future(timeline: PupilTimeline) -> list[Any]:
    """The results of the period with a date in the future, as sent: they count in nothing yet."""
    if not timeline.future:
        return []
    names = timeline.catalogue.material_names({result.subject_material for result in timeline.future})
    lines = [
        html.Li(
            [
                html.B(f"{subject_word(result.subject_material.subject)} · {names[result.subject_material]}"),
                f": {short_test(result.test)}"
                + (f", {part_name_word(result.part)}" if result.part is not None else ""),
                " · ",
                value(result.reading),
                " · ",
                html.Time(day_name(result.row.taken_on)),
            ],
            className="sm t2",
            **attrs(data_future=f"{result.row.test_id}_{result.row.taken_on}_{result.row.part_id}"),
        )
        for result in timeline.future
    ]
    words = [
        html.B(_("Date in the future.")),
        " ",
        _("These results count only from their day on. Ask the source if the date is right."),
    ]
    return [
        html.Div([html.P([sign("clock"), " ", *words], className="sm"), html.Ul(lines, className="ls")], id="future")
    ]


def _absent(pupil_data: _PupilData) -> list[Any]:
    """The materials of which classmates have results in the period and this pupil has none, and why.

    Materials that are not for the pupil are left out.
    """
    state, timeline = pupil_data.side.state, pupil_data.timeline
    if state is None:
        return []
    class_data, of_pupil = state.class_data, {series.subject_material for series in timeline.series}
    of_class = {
        subject_material
        for total in class_data.totals.values()
        for subject_material, scored_tests in total.items()
        if any(scored_test.taken_on in timeline.period for scored_test in scored_tests)
    }
    audience = audience_of(class_data, class_data.progress)
    lines = [
        html.Li(_absent_words(pupil_data, subject_material), className="sm t2")
        for subject_material in sorted(of_class - of_pupil)
        if audience.reason_not_for(timeline.pupil.id, (subject_material,)) is None
    ]
    return [html.Ul(lines, className="ls", id="absent")] if lines else []


def _absent_reason(pupil_data: _PupilData, subject_material: SubjectMaterial) -> Missing:
    timeline, state = pupil_data.timeline, pupil_data.side.state
    of_pupil = state.class_data.totals.get(timeline.pupil.id, {}).get(subject_material, []) if state is not None else []
    return missing_reason_of(
        [progress for progress in timeline.progress if progress.subject_material == subject_material],
        {(scored_test.subject_material, scored_test.test_id) for scored_test in of_pupil},
        connected=all(source.active for source in timeline.sources if source.id == subject_material.source_id),
        sends_progress=subject_material in pupil_data.side.sending,
        in_future=any(result.subject_material == subject_material for result in timeline.future),
        sends_scores=True,  # only a material with scores in the class can be absent
    )[0]


def _absent_words(pupil_data: _PupilData, subject_material: SubjectMaterial) -> list[Any]:
    reason = _absent_reason(pupil_data, subject_material)
    name = f"{subject_word(subject_material.subject)} · {subject_material.material}"
    return [sign(MISSING_SIGNS[reason]), " ", html.B(name), ": ", missing_word(reason)]


def _tables(pupil_data: _PupilData | None) -> list[Any]:
    if pupil_data is None:
        return []
    return pupil_data.once("tables", lambda: blocks(series_tables(pupil_data.timeline)))


def _progress_panel(pupil_data: _PupilData | None) -> list[Any]:
    if pupil_data is None:
        return []
    return pupil_data.once("progress", lambda: blocks(pupil_progress(pupil_data.timeline, pupil_data.side.sending)))


def first_sitting(timeline: PupilTimeline, side: Side) -> Sitting | None:
    """The sitting that the parts panel shows first: the newest behind an open signal, or else the newest with parts."""
    behind = {
        (scored_test.test_id, scored_test.taken_on)
        for signal in side.signals
        if signal.open
        for scored_test in signal.evidence.totals[-1:]
    }
    sittings = [sitting for series in timeline.series for sitting in series.sittings]
    of_signals = [sitting for sitting in sittings if (sitting.test_id, sitting.taken_on) in behind]
    return max(of_signals, key=lambda sitting: sitting.total.order, default=None) or newest_with_parts(timeline)


def newest_with_parts(timeline: PupilTimeline) -> Sitting | None:
    """The newest sitting with parts, or else the newest."""
    sittings = [sitting for series in timeline.series for sitting in series.sittings]
    with_parts = [sitting for sitting in sittings if sitting.parts] or sittings
    return max(with_parts, key=lambda sitting: sitting.total.order, default=None)


# -- callbacks -------------------------------------------------------------------------------------------------


def register(app: dash.Dash) -> None:
    """The callbacks of the page."""

    @app.callback(
        Output("lanes", "children"),
        Output("lane-tables", "children"),
        Output("worked", "children"),
        Output("sitting", "data"),
        Output("sitting", "value"),
        Output("summary", "children"),
        Output("pupil-query", "data"),
        Output("leerling-periode", "data"),
        Output("leerling-periode", "value"),
        Input(asked_id("pupil"), "data"),
        Input("leerling-periode", "value"),
        State("_pages_location", "pathname"),
        prevent_initial_call=True,
    )
    @with_viewer(reads_results)
    def show_period(viewer: Viewer, address: object, periode: object, path: object) -> tuple[Any, ...]:
        by_address = address_asked("pupil", address)
        period = read_period(periode) if by_address is None else period_of(by_address)
        pupil_data = _read(viewer, _pupil_of(path), period)
        if pupil_data is None:
            raise dash.exceptions.PreventUpdate
        timeline = pupil_data.timeline
        first = first_sitting(timeline, pupil_data.side)
        stated = "" if period == BOTH_YEARS else f"?periode={period}"
        query, chosen = query_and_controls(by_address, stated, [period])
        return (
            _series_panel(pupil_data),
            _tables(pupil_data),
            _progress_panel(pupil_data),
            sitting_options(timeline),
            first.key if first is not None else None,
            summary_sentence(timeline),
            query,
            _period_options(period),
            chosen,
        )

    @app.callback(
        Output("parts", "children"),
        Input("sitting", "value"),
        State("leerling-periode", "value"),
        State("_pages_location", "pathname"),
        prevent_initial_call=True,
    )
    @with_viewer(reads_results)
    def show_parts(viewer: Viewer, sitting: object, periode: object, path: object) -> Any:
        pupil_data = _read(viewer, _pupil_of(path), read_period(periode))
        if pupil_data is None:
            raise dash.exceptions.PreventUpdate
        timeline = pupil_data.timeline
        sittings = (sitting for series in timeline.series for sitting in series.sittings)
        return blocks(parts_panel(timeline, next((item for item in sittings if item.key == sitting), None)))

    @app.callback(
        Output("number-told", "children"),
        Output("number", "opened"),
        Input("number-asked", "data"),
        State("_pages_location", "pathname"),
        prevent_initial_call=True,
    )
    @with_viewer(reads_results)
    def show_provenance(viewer: Viewer, question: object, path: object) -> tuple[list[Any], bool]:
        index = question.get("index") if isinstance(question, dict) else None
        match, pupil_id = _SITTING.fullmatch(str(index)), _pupil_of(path)
        if match is None or pupil_id is None:
            raise dash.exceptions.PreventUpdate
        with database.read_transaction(request.context().engine, viewer.school_id) as connection:
            source = provenance(connection, viewer, pupil_id, int(match[1]), match[2], int(match[3] or 0))
        if source is not None:
            audit_trail.looked("pupil", [pupil_id])
        return blocks(provenance_panel(source)), True

    app.clientside_callback(
        ClientsideFunction("rondblik", "showView"), Output("views", "className"), Input("view", "value")
    )
    app.clientside_callback(
        ClientsideFunction("rondblik", "keepAddress"),
        Output("pupil-query", "modified_timestamp"),
        Input("pupil-query", "data"),
        prevent_initial_call=True,
    )


def _pupil_of(path: object) -> int | None:
    match = _PATH.fullmatch(path) if isinstance(path, str) else None
    return addresses.read_number(match[1]) if match is not None else None


PAGE = Page(
    "pupil", f"{addresses.PUPIL}/<pupil_id>", title, layout, frame, reads_results, section="group", register=register
)
