"""What the pages of a school's own connections share: the head, the choice of a policy, the button that removes."""

from __future__ import annotations

from typing import Any

from dashboard.pages.connections.own_actions import OWN, REMOVE
from dashboard.text.translate import _
from dashboard.ui import addresses
from dashboard.ui.elements import html
from dashboard.ui.markup import block
from dashboard.ui.signs import sign
from models.schema.terms import Policy


def head(title: str, sentence: str) -> html.Div:
    """The head of a page, with the way back to all connections."""
    back = html.A([sign("back"), _("Connections")], href=addresses.CONNECTIONS, className="back")
    return html.Div(html.Div([back, html.H1(title), html.P(sentence)]), className="head")


def choice(element_id: str, name: str, label: str, options: dict[str, str], chosen: str) -> html.Div:
    """A choice from a list, by value and words."""
    listed = [
        html.Option(words, value=value, **({"selected": True} if value == chosen else {}))
        for value, words in options.items()
    ]
    select: Any = block(html.Select(listed, name=name, id=element_id, className="native"))
    return html.Div([html.Label(label, htmlFor=element_id, className="lab"), select], className="f")


def policy_field(element_id: str, chosen: Policy) -> html.Div:
    """How exact messages must be."""
    options = {
        "strict": _("Only messages that follow the standard exactly"),
        "tolerant": _("Also messages that deviate from it in known ways"),
    }
    return choice(element_id, "berichten", _("Which messages are accepted"), options, chosen)


def remove_form(number: int, name: str) -> html.Details:
    """The button that removes a connection, behind a confirmation."""
    return html.Details(
        [
            html.Summary([sign("chev"), _("Remove this connection")]),
            html.P(_("Nothing comes in from {name} any more. All results stay.", name=name), className="sm"),
            html.Form(
                html.Button([sign("cross"), _("Yes, remove it")], type="submit", className="btn stop"),
                action=f"{OWN}/{number}/{REMOVE}",
                method="POST",
            ),
        ],
        className="fold mt",
        id="remove",
    )
