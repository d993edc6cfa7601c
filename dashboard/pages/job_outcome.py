"""What an administrator's page shows of a worker's job: it asks each second for the outcome until that is there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dash
from dash import Input, Output, State, dcc

from dashboard.auth.callbacks import with_viewer
from dashboard.pages.page import Body, administers
from dashboard.pages.vendor.parts import token_of_path
from dashboard.ui.elements import html
from dashboard.ui.signs import attrs
from models.access.viewer import Viewer
from models.ingest import page_requests
from models.ingest.page_requests import RequestState

EVERY_MS = 1_000
Find = Callable[[Viewer, str | None], RequestState | None]  # by its token
Show = Callable[[Viewer, str | None, RequestState | None], list[Any]]


def is_waiting(job: RequestState | None) -> bool:
    """Whether a worker has still to finish a job."""
    return job is not None and job.state in (page_requests.WAITING, page_requests.BUSY)


def outcome_body(name: str, content: list[Any], job: RequestState | None) -> Body:
    """The page with what there is to show now; `name` begins the ids of its elements."""
    return Body(
        [
            html.Div(content, id=f"{name}-content", **attrs(aria_live="polite")),
            dcc.Interval(id=f"{name}-tick", interval=EVERY_MS, disabled=not is_waiting(job)),
        ]
    )


def register_outcome(app: dash.Dash, name: str, folder: str, find: Find, show: Show) -> None:
    """The callback of a page whose address is a token in `folder`: shows the outcome when the worker has finished."""

    @app.callback(
        Output(f"{name}-content", "children"),
        Output(f"{name}-tick", "disabled"),
        Input(f"{name}-tick", "n_intervals"),
        State("_pages_location", "pathname"),
        prevent_initial_call=True,
    )
    @with_viewer(administers)
    def on_tick(viewer: Viewer, _ticks: object, path: object) -> Any:
        token = token_of_path(path, folder)
        job = find(viewer, token)
        if job is None or is_waiting(job):
            raise dash.exceptions.PreventUpdate
        return show(viewer, token, job), True
