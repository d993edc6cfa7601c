"""The page for an address that does not exist."""

from __future__ import annotations

from dashboard.pages.page import Body, Page, everybody
from dashboard.text.translate import _
from dashboard.ui import addresses
from dashboard.ui.elements import Link, html
from dashboard.ui.signs import note
from models.access.viewer import Viewer


def title(**_address: object) -> str:
    """No title of its own."""
    return ""


def frame() -> Body:
    """A sentence and the way back."""
    sentence = _("The address is wrong or has changed.")
    link = Link(_("To your start page"), href=addresses.HOME)
    return Body(
        [
            html.Div(html.Div(html.H1(_("There is no such page"))), className="head"),
            note("", "search", html.P([sentence, " ", link])),
        ]
    )


def layout(_viewer: Viewer, /, **_query: object) -> Body:
    """The whole page, the same for everybody."""
    return frame()


# Dash shows the page of this name where no other page has the address.
PAGE = Page("not_found_404", "/niet-gevonden", title, layout, frame, may_see=everybody)
