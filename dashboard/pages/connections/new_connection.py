"""The page on which an administrator adds a connection to the own school."""

from __future__ import annotations

from typing import Any

import dash_mantine_components as dmc

from dashboard.pages.connections.own_actions import NEW, SENDERS
from dashboard.pages.connections.own_parts import head, policy_field
from dashboard.pages.page import Body, Page, administers
from dashboard.text.translate import _
from dashboard.ui.elements import html
from dashboard.ui.signs import card, note, sign
from models.access.viewer import Viewer


def title(**_address: object) -> str:
    """The title of the page."""
    return _("Add a connection")


def frame() -> Body:
    """The page without data."""
    return Body([])


def layout(_viewer: Viewer, /, **_query: object) -> Body:
    """The whole page."""
    return Body([head(title(), _("For your own school. You can change and remove it later.")), _sender_card()])


def refusal() -> Body:
    """The page for who is no administrator."""
    sentence = html.P(html.B(_("This page is for administrators only.")))
    return Body([html.Div(html.Div(html.H1(title())), className="head"), note("", "lock", sentence)])


def _sender_card() -> html.Section:
    """The form for a publisher that sends by itself."""
    explanation = _(
        "You get an address, a klantcode, a klantnaam and a key, to fill in at the publisher. They are shown once."
    )
    form = html.Form(
        [
            dmc.TextInput(label=_("Name of the publisher"), name="naam", required=True, className="f"),
            html.Details(
                [html.Summary([sign("chev"), _("More settings")]), policy_field("new-policy", "strict")],
                className="fold",
            ),
            html.Div(html.Button(_("Add the publisher"), type="submit", className="btn pri"), className="acts"),
        ],
        action=SENDERS,
        method="POST",
        className="form narrow_ mt",
    )
    parts: list[Any] = [html.P(explanation, className="sm t2"), form]
    return card(_("A publisher that sends results to us"), parts, id="sender")


PAGE = Page(
    "new_connection",
    NEW,
    title,
    layout,
    frame,
    may_see=administers,
    refusal=refusal,
    section="connections",
)
