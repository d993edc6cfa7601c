"""Hoe komt dit getal tot stand, for every number of the class screen: one place where it is asked and answered.

A number is a button (`signs.num`) of some kind; what it is of stands in the data attributes around it. The browser
sends those with the filters of its address (assets/rondblik.js, askWhy), and the answer is read anew with them: the
page itself stays light, and whoever may not see the class gets no answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import dash
import dash_mantine_components as dmc
from dash import Input, Output, dcc, html
from sqlalchemy import Connection

from dashboard.auth import request
from dashboard.pages.class_page.why.groups import explain_group, explain_hidden, explain_scores, explain_topic
from dashboard.pages.class_page.why.parts import Told
from dashboard.pages.class_page.why.scores import explain_cell, explain_mean
from dashboard.pages.class_page.why.sources import explain_coverage, explain_progress
from dashboard.text.translate import _
from dashboard.ui.class_view import ClassView, read_class
from dashboard.ui.markup import blocks
from dashboard.ui.page_address import LONGEST, filters_of
from dashboard.ui.signs import WHY_HINT, hidden
from models.access.viewer import Viewer
from models.schema import database

Asked = Mapping[str, str]
Answer = Callable[[Connection, Viewer, ClassView, Asked], Told]

KINDS: Mapping[str, Answer] = {
    "cell": lambda connection, viewer, view, asked: explain_cell(
        connection, viewer, view, _number(asked.get("pupil")), asked.get("column", "")
    ),
    "mean": lambda _connection, _viewer, view, asked: explain_mean(view, asked.get("column", "")),
    "course": lambda _connection, _viewer, view, asked: explain_group(view, asked.get("course", "")),
    "scores": lambda _connection, _viewer, view, asked: explain_scores(view, _number(asked.get("pupil"))),
    "hidden": lambda _connection, _viewer, view, _asked: explain_hidden(view),
    "topic": lambda _connection, _viewer, view, asked: explain_topic(
        view, asked.get("field", ""), asked.get("topic", "")
    ),
    "progress": lambda _connection, _viewer, view, asked: explain_progress(view, _number(asked.get("progress"))),
    "coverage": lambda _connection, _viewer, view, _asked: explain_coverage(view),
}


def frame() -> list[Any]:
    """What the page holds for it: what is asked, the one panel that answers, and the words for screen readers."""
    title = _("Where does this number come from?")
    return [
        html.Div(title, id=WHY_HINT, hidden=True),
        dcc.Store(id="why-asked"),
        dmc.Modal(
            html.Div(id="why-told", className="why"),
            id="why",
            title=title,
            opened=False,
            size="lg",
            zIndex=400,
            closeButtonProps={"children": hidden(_("Close"))},
            transitionProps={"duration": 0},
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
    def answer(asked: object) -> tuple[list[Any], bool]:
        viewer, found = request.viewer(), read_question(asked)
        told = _explain(viewer, found) if viewer is not None and found is not None else None
        if told is None:
            raise dash.exceptions.PreventUpdate
        return blocks(told), True


def read_question(asked: object) -> Asked | None:
    """What a browser asks, as texts; None where it is no question that a page of ours sends."""
    if not isinstance(asked, dict):
        return None
    texts = {key: item for key, item in asked.items() if isinstance(item, str) and len(item) <= LONGEST}
    return texts if texts.get("kind") in KINDS else None


def _explain(viewer: Viewer, asked: Asked) -> list[Any] | None:
    """The answer; None where the viewer has no class."""
    context = request.context()
    with database.read_transaction(context.engine) as connection:
        _classes, _filters, view = read_class(
            connection, viewer, filters_of(asked.get("search")), context.options.holidays
        )
        if view is None:
            return None
        found = KINDS[asked["kind"]](connection, viewer, view, asked)
    return found if found is not None else [html.P(_("This number is not there any more."))]


def _number(value: str | None) -> int | None:
    return int(value) if value is not None and re.fullmatch(r"[0-9]{1,9}", value) else None
