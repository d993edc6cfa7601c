"""How every page opens: without data where nobody is signed in, refused to who may not see it, else its layout."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import dash

from dashboard.auth import request
from dashboard.pages import other_school, shell
from dashboard.pages.page import Body, Page
from dashboard.ui import addresses
from models.access.viewer import Viewer

PRODUCT = "Rondblik"


def register(app: dash.Dash, pages: Sequence[Page]) -> None:
    """Register all pages and their callbacks with Dash."""
    for page in pages:
        path = {"path_template": page.path} if "<" in page.path else {"path": page.path}
        dash.register_page(page.name, layout=_layout(page, pages), title=_title(page), **path)
    for page in pages:
        if page.register is not None:
            page.register(app)


def _title(page: Page) -> Callable[..., str]:
    """The title of the window: that of the page, and the name of the product."""

    def title(**address: object) -> str:
        words = page.title(**address)
        return f"{words} – {PRODUCT}" if words else PRODUCT

    return title


def _layout(page: Page, pages: Sequence[Page]) -> Callable[..., list[Any]]:
    """The function that Dash calls with the variables and parameters of an address."""

    def layout(**address: object) -> list[Any]:
        viewer = request.viewer()
        if viewer is None:
            return _without_header(page.frame())
        if addresses.names_other_school(address):
            return shell.page("", pages, other_school.body(viewer))
        body = _body(page, viewer, address)
        return shell.page(page.menu_name, pages, body) if page.has_header else _without_header(body)

    return layout


def _body(page: Page, viewer: Viewer, address: dict[str, object]) -> Body:
    if page.may_see(viewer):
        return page.layout(viewer, **address)
    if page.refusal is None:
        raise ValueError(f"page {page.name} states no refusal")
    return page.refusal()


def _without_header(body: Body) -> list[Any]:
    bars = [] if body.bar is None else [body.bar]
    return [*bars, *body.children]
