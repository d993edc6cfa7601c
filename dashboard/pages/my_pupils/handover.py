"""The hand-over page: per pupil what a colleague must know, filtered as Mijn leerlingen, to print."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import dash
from dash import ClientsideFunction, Input, Output, State, dcc

from dashboard.auth.callbacks import with_viewer
from dashboard.pages.my_pupils.page import IN_ADDRESS, hidden_note, made_sentence, no_classes, read, stated
from dashboard.pages.my_pupils.questions import name_of
from dashboard.pages.my_pupils.table import growth_of, level_of, placement_line
from dashboard.pages.page import Body, Page, reads_results
from dashboard.text.scores import level_meaning
from dashboard.text.signal_words import (
    evidence_words,
    headline,
    material_words,
    rule_title,
    rule_words,
    settled_words,
)
from dashboard.text.translate import _, at_moment, n_, native, short_day
from dashboard.text.words import class_in_sentence, future_words, short_test, subject_word, year_in_sentence
from dashboard.ui import addresses
from dashboard.ui.components import MultiSelect
from dashboard.ui.controls import Options
from dashboard.ui.elements import Link, html
from dashboard.ui.markup import blocks
from dashboard.ui.matrix_columns import CellContent, subject_order
from dashboard.ui.matrix_table import missing_lines, value
from dashboard.ui.my_pupils_view import CONTROLS, MyPupilsFilters, MyPupilsView, SubjectSeries, series_of
from dashboard.ui.own_subjects import own_subjects_note
from dashboard.ui.page_address import address_asked, asked_id, asked_store, bar_marks, query_and_controls
from dashboard.ui.signs import attrs, hidden, note, sign, state
from models.access.people import Member
from models.access.viewer import Viewer
from models.classroom.goals import Goal
from models.classroom.notes import Note, NoteKind
from models.results.scales import plain_decimal
from models.results.subject_materials import SubjectMaterial
from models.schema.records import SCALE

LAST_NOTES = 5  # besides current agreements


def title(**_address: object) -> str:
    """The title of the page."""
    return _("Hand-over")


def frame() -> Body:
    """The page without data."""
    return Body([html.Div(id="handover-content")], _bar(MyPupilsFilters(()), None))


def layout(viewer: Viewer, /, **query: object) -> Body:
    """The whole page for an address."""
    _classes, filters, view = read(viewer, query, "hand-over")
    return Body([html.Div(_content(viewer, view), id="handover-content")], _bar(filters, view))


def register(app: dash.Dash) -> None:
    """The callbacks of the page."""

    @app.callback(
        Output("handover-content", "children"),
        Output("handover-query", "data"),
        Output("handover-leerling", "data"),
        Output("handover-leerling", "value"),
        Input(asked_id("handover"), "data"),
        Input("handover-leerling", "value"),
        State("handover-query", "data"),
        prevent_initial_call=True,
    )
    @with_viewer(reads_results)
    def show(viewer: Viewer, address: object, pupils: object, query: object) -> tuple[Any, ...]:
        by_address = address_asked("handover", address)
        by_control = stated(query, (*CONTROLS, *IN_ADDRESS)) | {"leerling": pupils}
        _classes, filters, view = read(viewer, by_control if by_address is None else by_address, "hand-over")
        query, chosen = query_and_controls(by_address, filters.query, [[str(item) for item in filters.pupil_ids]])
        return _content(viewer, view), query, _pupil_options(view), chosen

    app.clientside_callback(
        ClientsideFunction("rondblik", "keepAddress"),
        Output("handover-query", "modified_timestamp"),
        Input("handover-query", "data"),
        prevent_initial_call=True,
    )


# -- the page ------------------------------------------------------------------------------------------------


def _bar(filters: MyPupilsFilters, view: MyPupilsView | None) -> html.Div:
    """The bar with the choice of pupils; the other filters are those of Mijn leerlingen."""
    return html.Div(
        html.Div(
            [
                MultiSelect(
                    id="handover-leerling",
                    label=_("Pupils of this hand-over"),
                    placeholder=_("all pupils that are shown") if not filters.pupil_ids else "",
                    data=_pupil_options(view),
                    value=[str(item) for item in filters.pupil_ids],
                    searchable=True,
                    nothing=_("Nothing found"),
                    className="f k who_many",
                    height=420,
                ),
                dcc.Store(id="handover-query", storage_type="memory", data=filters.query),
                asked_store("handover"),
            ]
        ),
        className="bar",
        id="bar",
        **bar_marks("handover"),
    )


def _pupil_options(view: MyPupilsView | None) -> Options:
    return [
        {"value": str(member.id), "label": name_of(member)} for member in (view.everyone if view is not None else ())
    ]


def _content(viewer: Viewer, view: MyPupilsView | None) -> list[Any]:
    """Everything below the filter bar, as markup."""
    if view is None:
        return blocks(no_classes(_("Hand-over")))
    back = view.filters.replacing(pupil_ids=())
    empty = note("", "notbegun", html.P(_("There are no pupils with these filters.")))
    sections = [
        Link([sign("back"), _("My pupils")], href=f"{addresses.MY_PUPILS}{back.query}", className="back"),
        html.Div(
            [
                html.Div([html.H1(_("Hand-over")), html.P(made_sentence(viewer, view), id="handover-made")]),
                html.Div(html.Button(_("Print"), className="btn", **attrs(data_print="true")), className="acts"),
            ],
            className="head",
        ),
        *own_subjects_note((pupil.id for pupil in view.pupils), view.class_data.limited),
        *hidden_note(view, addresses.HANDOVER),
        html.Div([_pupil(viewer, view, pupil, view.goals.get(pupil.id, {})) for pupil in view.pupils] or [empty]),
    ]
    return blocks(sections)


def _pupil(viewer: Viewer, view: MyPupilsView, member: Member, goals: dict[SubjectMaterial, Goal]) -> html.Article:
    class_of_pupil = next(class_ref for class_ref in view.classes if class_ref.id == member.class_id)
    details = [class_in_sentence(class_of_pupil.name)]
    if member.year_group is not None and member.year_group != class_of_pupil.name:
        details.append(year_in_sentence(member.year_group))
    if member.since is not None:
        details.append(_("here since {day}", day=short_day(member.since)))
    notes_heading = (
        _("Agreements and notes") if view.filters.subject is None else _("Agreements and notes, of all subjects")
    )
    return html.Article(
        [
            html.Header(
                [
                    html.H2(name_of(member)),
                    html.P(" · ".join(details)),
                    html.P(placement_line(view, member)),
                ]
            ),
            _materials(view, member, goals),
            html.Div(
                [
                    html.Div([html.H3(_("Open signals")), *_signals(view, member)]),
                    None
                    if view.notes is None
                    else html.Div([html.H3(notes_heading), *_notes(viewer, view.notes.get(member.id, []))]),
                ],
                className="two_cols",
            ),
        ],
        className="card ho",
        **attrs(data_pupil=str(member.id)),
    )


# -- what the materials say ----------------------------------------------------------------------------------


def _materials(view: MyPupilsView, member: Member, goals: dict[SubjectMaterial, Goal]) -> Any:
    """A row per material of which the class has results or the pupil has a goal."""
    used = {
        material
        for material in view.overview.delivered[member.id].subject_materials
        if view.filters.subject in (None, material.subject)
        and view.overview.audience.reason_not_for(member.id, (material,)) is None
    }
    used |= {goal for goal in goals if view.filters.subject in (None, goal.subject)}
    subject_materials = sorted(
        used, key=lambda subject_material: (subject_order(subject_material.subject), subject_material)
    )
    if not subject_materials:
        return html.P(_("There are no results of this class in this period."), className="sm t2")
    heads = (_("Subject and material"), _("Newest score"), _("Level"), _("Growth"), _("Own goal"))
    return html.Table(
        [
            html.Caption(_("Newest score, level, growth and goal per material"), className="vh"),
            html.Thead(html.Tr([html.Th(head, scope="col") for head in heads])),
            html.Tbody(
                [
                    _material(view, series_of(view, member, subject_material), goals.get(subject_material), heads)
                    for subject_material in subject_materials
                ]
            ),
        ],
        className="handed stk",
    )


def _material(view: MyPupilsView, line: SubjectSeries, goal: Goal | None, heads: tuple[str, ...]) -> html.Tr:
    name = html.Th(
        [subject_word(line.subject_material.subject), html.Small(view.material(line.subject_material))], scope="row"
    )
    marks = attrs(data_field=line.subject_material.key)
    newest, cells = line.newest, []
    if newest is None:
        assert line.missing is not None
        cells = [html.Div(missing_lines(CellContent(None, 0, line.missing, line.progress)), className="none"), "–", "–"]
        marks |= attrs(data_state=line.missing.value)
    else:
        test = view.class_data.catalogue.definitions[newest.definition_id].name
        when = html.Small(f"{short_day(newest.taken_on)} · {short_test(test)}")
        scored = newest.reading.missing is None and newest.reading.text is not None
        future = [html.Small(future_words(line.future))] if line.future else []
        cells = [
            html.Div([value(newest.reading), when, *future]),
            [level_of(line), html.Small(level_meaning(newest.reading))] if scored else "–",
            html.Span(growth_of(line)),
        ]
        marks |= attrs(data_value=newest.reading.text, data_date=newest.taken_on)
    cells.append(_goal(goal) if goal is not None else ["–", hidden(_("no goal"))])
    words = [html.Td(cell, **attrs(data_l=head)) for cell, head in zip(cells, heads[1:], strict=True)]
    return html.Tr([name, *words], **marks)


def _goal(goal: Goal) -> str:
    number = native(plain_decimal(Decimal(goal.value) / SCALE))
    if goal.due_on is None:
        return _("{number}, set by {name}", number=number, name=goal.set_by)
    return _("{number} by {day}, set by {name}", number=number, day=short_day(goal.due_on), name=goal.set_by)


# -- signals -------------------------------------------------------------------------------------------------


def _signals(view: MyPupilsView, member: Member) -> list[Any]:
    signals = view.signals_of(member.id)
    names = {source.id: source.name for source in view.class_data.sources}
    suppressed = dict.fromkeys((signal.rule, signal.source_id) for signal in view.held_of(member.id))
    waiting = [
        html.P(
            [
                sign("clock"),
                " ",
                _(
                    "{rule}: cannot be assessed now, {name} is late.",
                    rule=rule_title(rule),
                    name=names.get(source_id, ""),
                ),
            ],
            className="sm held",
        )
        for rule, source_id in suppressed
    ]
    settled = [
        html.P([sign("check"), " ", settled_words(signal)], className="sm t2") for signal in view.settled_of(member.id)
    ]
    if not signals:
        return [html.P(_("No signal is open."), className="sm t2"), *waiting, *settled]
    rows = [
        html.Li(
            [
                html.P([sign("flag"), " ", html.B(headline(signal))]),
                html.Small(
                    f"{material_words(signal)}. {evidence_words(view.class_data, signal)} "
                    f"{rule_words(signal, view.state.thresholds[signal.class_id])}"
                ),
            ],
            **attrs(data_rule=signal.rule.value),
        )
        for signal in signals
    ]
    return [html.Ul(rows, className="ls_"), *waiting, *settled]


# -- agreements and notes ------------------------------------------------------------------------------------


def _notes(viewer: Viewer, notes: list[Note]) -> list[Any]:
    """The current agreements and the newest notes. As paper is passed on, restricted notes are only counted,
    except for learning support on the screen."""
    secret = [note for note in notes if note.restricted]
    readable = [note for note in notes if not note.restricted or viewer.reads_restricted_notes]
    running = [note for note in readable if note.runs]
    others = [note for note in readable if not note.runs]
    shown = [*running, *others[:LAST_NOTES]]
    parts: list[Any] = []
    if shown:
        parts.append(html.Ul([_note(note) for note in shown], className="ls_"))
    not_shown = len(others) - LAST_NOTES
    if not_shown > 0:
        words = n_("and {number} older", "and {number} older", not_shown)
        parts.append(html.P(words, className="xs t3"))
    if secret:
        words = n_("There is {number} restricted note.", "There are {number} restricted notes.", len(secret))
        who = _("Only learning support and who wrote it may read it.")
        look = "sm t2 paper" if viewer.reads_restricted_notes else "sm t2"
        line = html.P([sign("lock"), f" {words} {who}"], className=look, **attrs(data_restricted=str(len(secret))))
        parts.append(line)
    return parts or [html.P(_("Nothing was written down."), className="sm t2")]


def _note(note: Note) -> html.Li:
    kind = {NoteKind.NOTE: _("Note"), NoteKind.AGREEMENT: _("Agreement")}[note.kind]
    when = at_moment(note.written_us)
    words: list[Any] = [html.B(kind), " · ", when, f" · {note.author}"]
    if note.kind is NoteKind.AGREEMENT:
        words += [" · ", _agreement_state(note)]
    if note.restricted:
        words += [" · ", state("no", "lock", _("restricted: does not go on paper"))]
    return html.Li(
        [html.Small(words), html.P(note.text or "")],
        className="secret" if note.restricted else "",
        **attrs(data_note=str(note.id)),
    )


def _agreement_state(note: Note) -> str:
    if note.settled_us is not None:
        return _("settled by {name}, {day}", name=note.settled_by, day=at_moment(note.settled_us))
    if note.until_on is None:
        return _("runs")
    return _("until {day}", day=short_day(note.until_on))


PAGE = Page(
    name="handover",
    path=addresses.HANDOVER,
    title=title,
    layout=layout,
    frame=frame,
    may_see=reads_results,
    section="my_pupils",
    register=register,
)
