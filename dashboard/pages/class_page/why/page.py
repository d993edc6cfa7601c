"""The panel "Hoe komt dit getal tot stand?" for every number of the class page.

A number is a button (`signs.num`) with a kind; the data attributes around it identify the number. The browser
sends these with the filters of its address (assets/rondblik.js, askWhy), and the server reads the explanation: the
page itself stays small, and who may not see the class gets no explanation.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import dash
from dash import Input, Output, dcc
from sqlalchemy import Connection

from dashboard.auth import audit_trail, request
from dashboard.auth.callbacks import with_viewer
from dashboard.pages.class_page.why.groups import explain_group, explain_hidden, explain_scores, explain_topic
from dashboard.pages.class_page.why.parts import Explanation
from dashboard.pages.class_page.why.scores import explain_cell, explain_mean
from dashboard.pages.class_page.why.sources import explain_coverage, explain_progress
from dashboard.pages.page import reads_results
from dashboard.text.translate import _
from dashboard.ui.class_view import ClassView, read_class
from dashboard.ui.components import Dialog
from dashboard.ui.elements import html
from dashboard.ui.markup import blocks
from dashboard.ui.page_address import LONGEST, filters_of
from dashboard.ui.signs import WHY_HINT
from models.access.viewer import Viewer
from models.schema import database

Question = Mapping[str, str]
Explainer = Callable[[Connection, Viewer, ClassView, Question], Explanation]

KINDS: Mapping[str, Explainer] = {
    "cell": lambda connection, viewer, view, question: explain_cell(
        connection, viewer, view, _number(question.get("pupil")), question.get("column", "")
    ),
    "mean": lambda _connection, _viewer, view, question: explain_mean(view, question.get("column", "")),
    "group": lambda _connection, _viewer, view, question: explain_group(view, question.get("group", "")),
    "scores": lambda _connection, _viewer, view, question: explain_scores(view, _number(question.get("pupil"))),
    "hidden": lambda _connection, _viewer, view, _question: explain_hidden(view),
    "topic": lambda _connection, _viewer, view, question: explain_topic(
        view, question.get("field", ""), question.get("topic", "")
    ),
    "progress": lambda _connection, _viewer, view, question: explain_progress(view, _number(question.get("progress"))),
    "coverage": lambda _connection, _viewer, view, _question: explain_coverage(view),
}


def frame() -> list[Any]:
    """The parts of the page that it needs: the store with the question, the panel, and a hint for screen readers."""
    title = _("Where does this number come from?")
    return [
        html.Div(title, id=WHY_HINT, hidden=True),
        dcc.Store(id="why-asked"),
        Dialog(
            html.Div(id="why-told", className="why"),
            id="why",
            title=title,
            opened=False,
            close=_("Close"),
            className="whybox",
        ),
    ]


def register(app: dash.Dash) -> None:
    """The callback of the panel."""

    @app.callback(
        Output("why-told", "children"),
        Output("why", "opened"),
        Input("why-asked", "data"),
        prevent_initial_call=True,
    )
    @with_viewer(reads_results)
    def answer(viewer: Viewer, value: object) -> tuple[list[Any], bool]:
        question = read_question(value)
        explanation = _explain(viewer, question) if question is not None else None
        if explanation is None:
            raise dash.exceptions.PreventUpdate
        return blocks(explanation), True


def read_question(value: object) -> Question | None:
    """The question of a browser as texts; None where the value is no question of this page."""
    if not isinstance(value, dict):
        return None
    texts = {key: item for key, item in value.items() if isinstance(item, str) and len(item) <= LONGEST}
    return texts if texts.get("kind") in KINDS else None


def _explain(viewer: Viewer, question: Question) -> list[Any] | None:
    """The explanation; None where the viewer has no class."""
    context = request.context()
    with database.read_transaction(context.engine, viewer.school_id) as connection:
        _classes, _filters, view = read_class(
            connection, viewer, filters_of(question.get("search")), context.options.holidays
        )
        if view is None:
            return None
        audit_trail.looked("class", [pupil.id for pupil in view.overview.pupils])
        explanation = KINDS[question["kind"]](connection, viewer, view, question)
    return explanation if explanation is not None else [html.P(_("This number no longer exists."))]


def _number(value: str | None) -> int | None:
    return int(value) if value is not None and re.fullmatch(r"[0-9]{1,9}", value) else None
