"""How every page opens: without data where nobody is signed in, refused to who may not see it, else its layout.

The start page is the first page in the menu of who looks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import dash

from dashboard.auth import request
from dashboard.pages import not_for_role, other_school, shell
from dashboard.pages.page import Body, Page
from dashboard.ui import addresses
from models.access.viewer import Viewer

PRODUCT = "Rondblik"


def register(app: dash.Dash, pages: Sequence[Page]) -> None:
    """Register all pages and their callbacks with Dash."""
    for page in pages:
        path = {"path_template": page.path} if "<" in page.path else {"path": page.path}
        dash.register_page(page.name, layout=_layout(page, pages), title=_title(page, pages), **path)
    for page in pages:
        if page.register is not None:
            page.register(app)


def _title(page: Page, pages: Sequence[Page]) -> Callable[..., str]:
    """The title of the window: that of the page, and the name of the product."""

    def title(**address: object) -> str:
        viewer = request.viewer()
        words = (page if viewer is None else _shown_at(page, pages, viewer)).title(**address)
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
        shown = _shown_at(page, pages, viewer)
        if not shown.may_see(viewer):
            return shell.page(shown.menu_name, pages, _refusal(shown, viewer))
        body = shown.layout(viewer, **address)
        return shell.page(shown.menu_name, pages, body) if shown.has_header else _without_header(body)

    return layout


def _shown_at(page: Page, pages: Sequence[Page], viewer: Viewer) -> Page:
    """The page that the address of a page shows to this viewer."""
    return shell.menu_pages(pages, viewer)[0] if page.path == addresses.HOME else page


def _refusal(page: Page, viewer: Viewer) -> Body:
    """What who may not see a page gets: that of the page, or what their role is for."""
    return not_for_role.body(viewer.role) if page.refusal is None else page.refusal()


def _without_header(body: Body) -> list[Any]:
    bars = [] if body.bar is None else [body.bar]
    return [*bars, *body.children]
