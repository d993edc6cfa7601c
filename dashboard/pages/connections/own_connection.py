"""The page of a connection that an administrator of the school added."""

from __future__ import annotations

import re
from typing import Any

from dashboard.auth import request
from dashboard.pages.connections.own_actions import KEY, OWN, REVOKE, TERMS, receiving_address
from dashboard.pages.connections.own_parts import head, policy_field, remove_form
from dashboard.pages.page import Body, Page, administers
from dashboard.text.translate import _, moment
from dashboard.ui.elements import html
from dashboard.ui.plain_table import plain_table
from dashboard.ui.signs import card, note
from models.access.viewer import AccessDenied, Viewer
from models.ingest import own_connections
from models.ingest.own_connections import OwnConnection, OwnSender
from models.ingest.senders import SenderKey
from models.schema import database

_NUMBER = re.compile(r"[0-9]{1,9}", re.ASCII)


def title(**_address: object) -> str:
    """The title of the page."""
    return _("Connection")


def frame() -> Body:
    """The page without data, also the page for who is no administrator: that there is no such connection."""
    missing = html.P(_("This connection does not exist (any more)."))
    return Body([head(title(), ""), note("", "search", missing)])


def layout(viewer: Viewer, /, connection: object = None, **_query: object) -> Body:
    """The whole page; a sentence where the viewer's school has no such connection."""
    number = int(connection) if isinstance(connection, str) and _NUMBER.fullmatch(connection) else 0
    with database.read_transaction(request.context().engine) as store:
        try:
            own = own_connections.find_own(store, viewer, number)
            sender = own_connections.find_sender(store, viewer, number)
        except AccessDenied:
            return frame()
    return Body([head(own.name, _added_words(own)), *_sender_cards(sender), remove_form(own.id, own.name)])


def _added_words(own: OwnConnection) -> str:
    return _("Added by {name}, {moment}.", name=own.made_by, moment=moment(own.made_us))


# -- a sender ----------------------------------------------------------------------------------------------------


def _sender_cards(sender: OwnSender) -> list[Any]:
    number = sender.connection.id
    facts = ((_("Address"), receiving_address()), ("Klantnaam", sender.customer_name))
    pairs = [part for name, text in facts for part in (html.Dt(name), html.Dd(html.Code(text, className="copy")))]
    explanation = _(
        "The klantcode and the keys were shown once and cannot be shown again. Lost? Make a new key; for a new "
        "klantcode, remove this connection and add it again under the same name: all results stay together."
    )
    terms = html.Form(
        [
            policy_field("policy", sender.policy),
            html.Div(html.Button(_("Save"), type="submit", className="btn"), className="acts"),
        ],
        action=f"{OWN}/{number}/{TERMS}",
        method="POST",
        className="form narrow_",
    )
    return [
        card(
            _("What the publisher fills in"),
            [html.Dl(pairs, className="dl"), html.P(explanation, className="sm t2 mt")],
        ),
        card(_("Keys"), [_keys(number, sender.keys), _new_key(sender)], className="mt", id="keys"),
        card(_("What is accepted"), [terms], className="mt", id="terms"),
    ]


def _keys(number: int, keys: tuple[SenderKey, ...]) -> Any:
    rows = [[str(key.id), moment(key.made_us), *_validity(number, key)] for key in keys]
    return plain_table(_("Keys"), [_("Number"), _("Made"), _("Valid"), ""], rows)


def _validity(number: int, key: SenderKey) -> list[Any]:
    if key.revoked_us is not None:
        return [_("revoked {moment}", moment=moment(key.revoked_us)), ""]
    button = html.Button(
        [_("Revoke"), html.Span(f" {key.id}", className="vh")],
        type="submit",
        name="nummer",
        value=str(key.id),
        className="btn q small",
    )
    return [_("yes"), html.Form(button, action=f"{OWN}/{number}/{REVOKE}", method="POST")]


def _new_key(sender: OwnSender) -> Any:
    if not sender.may_get_key:
        return html.P(
            _("Two keys are valid. Revoke the old one when the publisher uses the new one."), className="sm t2"
        )
    words = _("Make a second key") if any(key.revoked_us is None for key in sender.keys) else _("Make a new key")
    return html.Div(
        html.Form(
            html.Button(words, type="submit", className="btn"),
            action=f"{OWN}/{sender.connection.id}/{KEY}",
            method="POST",
        ),
        className="acts mt",
    )


PAGE = Page(
    "own_connection",
    f"{OWN}/<connection>",
    title,
    layout,
    frame,
    may_see=administers,
    refusal=frame,
    section="connections",
)
