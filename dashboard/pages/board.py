"""The class for the smartboard: totals and goals of the class, and nothing of a single pupil."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import flask
from dash import dcc, html

from dashboard.auth import guard
from dashboard.pages.class_page.page import heading_of
from dashboard.text.translate import _, day_name
from dashboard.text.words import short_test, subject_word
from dashboard.ui.class_view import ClassView, read_class
from dashboard.ui.matrix_columns import subject_order
from dashboard.ui.signs import attrs, sign
from models.classroom.class_data import ScoredPart, ScoredTest
from models.classroom.signals import Topic, topics
from models.results.scales import Missing, ScoreReading
from models.results.subject_materials import SubjectMaterial, matches
from models.schema import clock, database
from models.schema.records import Status

MOST_KNOWN = 3
MOST_TESTS = 4  # more do not fit on a board without scrolling


@dataclass(frozen=True, slots=True)
class BoardTest:
    """The newest test of a material, and how many of the pupils shown are done with it or have a score of it."""

    subject_material: SubjectMaterial
    test_id: int
    name: str
    taken_on: str
    done: int
    all: int


def title(**_parts: object) -> str:
    """The title of the window."""
    return _("Smartboard") + " – Rondblik"


def layout(**query: object) -> list[Any]:
    """The whole page for an address, without header; the frame without data where nobody looks."""
    viewer = guard.viewer() if flask.has_request_context() else None
    if viewer is None:
        return _frame("/groep", [])
    context = guard.context()
    with database.read_transaction(context.engine) as connection:
        _classes, filters, view = read_class(connection, viewer, query, context.options.holidays)
    return _frame(f"/groep{filters.query}", content(view))


def _frame(back: str, children: list[Any]) -> list[Any]:
    link = dcc.Link([sign("back"), _("Back")], href=back, className="btn")
    return [html.Main([html.Div(link, className="leave"), *children], id="main", className="board")]


def content(view: ClassView | None) -> list[Any]:
    """The heading, the bars of the newest tests, what the class knows and when something is due."""
    if view is None:
        return [html.H1(_("No classes yet"))]
    found = board_tests(view)
    empty = html.P(_("There are no results yet."), className="bn")
    return [
        html.H1(heading_of(view)),
        html.Div([_bar(one, _place(view, one, found)) for one in found] or [empty], className="gs"),
        *_foot(view),
    ]


# -- the newest tests ----------------------------------------------------------------------------------------


def board_tests(view: ClassView) -> list[BoardTest]:
    """The newest test of each material within the filters, of those the newest few, in the order of the subjects."""
    finished: dict[SubjectMaterial, dict[int, set[int]]] = {}
    newest: dict[SubjectMaterial, tuple[str, int, int]] = {}
    for field, test_id, definition_id, taken_on, pupil_id, done in _work(view):
        if not _wanted(view, field):
            continue
        newest[field] = max(newest.get(field, ("", 0, 0)), (taken_on, test_id, definition_id))
        pupils = finished.setdefault(field, {}).setdefault(test_id, set())
        if done:
            pupils.add(pupil_id)
    everyone = len(view.overview.pupils)
    found = [
        BoardTest(field, test_id, _name(view, definition_id), taken_on, len(finished[field][test_id]), everyone)
        for field, (taken_on, test_id, definition_id) in newest.items()
    ]
    found.sort(key=lambda one: (one.taken_on, one.test_id), reverse=True)
    shown = found[:MOST_TESTS]
    return sorted(
        shown,
        key=lambda one: (
            subject_order(one.subject_material.subject),
            one.subject_material.material.casefold(),
            one.subject_material,
        ),
    )


def _scores(view: ClassView, pupil_id: int) -> Sequence[ScoredTest | ScoredPart]:
    """The scores of a pupil in the period: on the part that is chosen, else on whole tests."""
    seen, period, part = view.state.class_data, view.overview.period, view.overview.part
    if part is None:
        return seen.all_totals(pupil_id, period)
    return [one for one in seen.parts if one.pupil_id == pupil_id and one.name.name == part and one.taken_on in period]


def _work(view: ClassView) -> list[tuple[SubjectMaterial, int, int, str, int, bool]]:
    """Field, test, definition, day, pupil and whether it is done, of all work of the pupils shown in the period."""
    source, found = view.filters.source, []
    for pupil in view.overview.pupils:
        for one in _scores(view, pupil.id):
            if source in (None, one.source_id) and one.reading.missing is not Missing.NOT_OFFERED:
                done = _is_done(one.reading)
                found.append((one.subject_material, one.test_id, one.definition_id, one.taken_on, pupil.id, done))
        for record in view.overview.progress.get(pupil.id, ()):
            row, done = record.row, record.status is Status.DONE
            if source in (None, row.source_id) and row.taken_on in view.overview.period:
                found.append((record.subject_material, row.test_id, row.definition_id, row.taken_on, pupil.id, done))
    return found


def _is_done(said: ScoreReading) -> bool:
    """A score, be it 0, or finished without one."""
    return said.text is not None or said.band is not None or said.missing is Missing.NO_SCORE


def _wanted(view: ClassView, field: SubjectMaterial) -> bool:
    return matches(field, view.filters.subject, view.filters.material)


def _name(view: ClassView, definition_id: int) -> str:
    known = (
        view.overview.catalogue
        if definition_id in view.overview.catalogue.definitions
        else view.state.class_data.catalogue
    )
    name = short_test(known.definitions[definition_id].name)
    return name if view.overview.part is None else f"{name} · {view.overview.part}"


def _place(view: ClassView, one: BoardTest, found: list[BoardTest]) -> str:
    """The subject of a test, and the material where the board has another test of it with this name."""
    subject = subject_word(one.subject_material.subject)
    if (
        sum((other.subject_material.subject, other.name) == (one.subject_material.subject, one.name) for other in found)
        == 1
    ):
        return subject
    return f"{subject}, {view.overview.catalogue.material_names({other.subject_material for other in found})[one.subject_material]}"


def _bar(one: BoardTest, place: str) -> html.Section:
    width = 100 * one.done / one.all if one.all else 0
    return html.Section(
        [
            html.H2([html.Span(place), " ", one.name]),
            html.P([html.B(str(one.done)), " ", _("of {all} done", all=one.all)], className="bn"),
            html.Span(html.I(style={"width": f"{width:.1f}%"}), className="tr", **attrs(aria_hidden="true")),
        ],
        **attrs(data_test=str(one.test_id), data_done=str(one.done), data_all=str(one.all)),
    )


# -- what the class knows, practises, and must have done -----------------------------------------------------


def _foot(view: ClassView) -> list[Any]:
    lines = [*_known(view), *_practised(view), *_due(view)]
    return [html.Dl([part for line in lines for part in line], className="ft")] if lines else []


def board_topics(view: ClassView) -> list[Topic]:
    """The parts that at least half of the pupils shown made, the hardest first."""
    shown = {one.id for one in view.overview.pupils}
    found = topics(view.state.class_data, None, view.overview.period, shown)
    return [
        one
        for one in found
        if 2 * one.made >= len(shown)
        and _wanted(view, one.subject_material)
        and view.filters.source in (None, one.source_id)
    ]


def _known(view: ClassView) -> list[tuple[html.Dt, html.Dd]]:
    """The parts that most who made them master; how many do, never how many do not."""
    best = [one for one in reversed(board_topics(view)) if 2 * one.below < one.made][:MOST_KNOWN]
    if not best:
        return []
    words = [
        html.Li(
            [html.B(one.part), ": ", _("{known} of {made}", known=one.made - one.below, made=one.made)],
            **attrs(data_topic=one.part),
        )
        for one in best
    ]
    return [(html.Dt(_("Most of us can do")), html.Dd(html.Ul(words)))]


def _practised(view: ClassView) -> list[tuple[html.Dt, html.Dd]]:
    """The part that most who made it do not master yet: its name alone."""
    hardest = next((one for one in board_topics(view) if 2 * one.below > one.made), None)
    return [] if hardest is None else [(html.Dt(_("We practise")), html.Dd(html.B(hardest.part)))]


def _due(view: ClassView) -> list[tuple[html.Dt, html.Dd]]:
    """The tests that a teacher set a day for that has not passed."""
    today, source = clock.today().isoformat(), view.filters.source
    coming = {
        (one.due_on, short_test(one.test))
        for one in view.state.due_dates
        if one.due_on >= today
        and _wanted(view, one.subject_material)
        and source in (None, one.subject_material.source_id)
    }
    return [(html.Dt(_("Done by {day}", day=day_name(day))), html.Dd(html.B(test))) for day, test in sorted(coming)]
