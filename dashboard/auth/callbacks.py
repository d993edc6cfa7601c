"""Callbacks of pages that need to know who is signed in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

import dash

from dashboard.auth import request
from models.access.viewer import Viewer

P = ParamSpec("P")
R = TypeVar("R")


def with_viewer(
    may_call: Callable[[Viewer], bool] = lambda _viewer: True,
) -> Callable[[Callable[Concatenate[Viewer, P], R]], Callable[P, R]]:
    """Give a callback the viewer as its first argument; without a viewer who may call it the page stays as it is.

    It stands here and not with the pages: a request with the wrong number of values fails here, before it reaches the
    code of a page, and is answered as such (dashboard/server/failures.py).
    """

    def decorate(callback: Callable[Concatenate[Viewer, P], R]) -> Callable[P, R]:
        def called(*args: P.args, **kwargs: P.kwargs) -> R:
            viewer = request.viewer()
            if viewer is None or not may_call(viewer):
                raise dash.exceptions.PreventUpdate
            return callback(viewer, *args, **kwargs)

        return called

    return decorate
