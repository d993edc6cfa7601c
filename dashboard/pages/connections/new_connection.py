"""The page on which an administrator adds a connection to the own school: first which, then its form."""

from __future__ import annotations

from typing import Any

from dashboard.pages.connections.own_actions import NEW, SENDERS
from dashboard.pages.connections.own_parts import head, policy_field
from dashboard.pages.connections.source_fields import FORMS, Form, fields
from dashboard.pages.page import Body, Page, administers
from dashboard.text.translate import _
from dashboard.ui.elements import html
from dashboard.ui.fields import text_field
from dashboard.ui.signs import card, note, sign
from models.access.viewer import Viewer

KIND, SENDER = "soort", "afzender"


def title(**_address: object) -> str:
    """The title of the page."""
    return _("Add a connection")


def frame() -> Body:
    """The page without data."""
    return Body([])


def layout(_viewer: Viewer, /, **query: object) -> Body:
    """The whole page; `soort` in the address says of which kind the form is."""
    chosen = query.get(KIND)
    if chosen == SENDER:
        return Body([head(title(), words_of(SENDER)[0]), _sender_card()])
    if chosen in FORMS:
        return Body([head(title(), words_of(chosen)[0]), _source_card(chosen)])
    return Body([head(title(), _("For your own school. You can change and remove it later.")), _choices()])


def refusal() -> Body:
    """The page for who is no administrator."""
    sentence = html.P(html.B(_("This page is for administrators only.")))
    return Body([html.Div(html.Div(html.H1(title())), className="head"), note("", "lock", sentence)])


def words_of(kind: str) -> tuple[str, str]:
    """What a kind of connection is called, and when to choose it."""
    return {
        SENDER: (
            _("A publisher that sends results to us"),
            _("The usual way. You get an address, a klantcode, a klantnaam and a key to fill in at the publisher."),
        ),
        "soap": (
            _("A publisher that we fetch results from (SOAP)"),
            _("The publisher gives you an address and a key, and answers requests for results."),
        ),
        "https": (
            _("A file of results at an address (https)"),
            _("The publisher puts a file, or a zip of files, at an address."),
        ),
        "las": (
            _("The pupil administration (LAS)"),
            _("Pupils, groups and teachers are fetched from it. A school has one."),
        ),
    }[kind]


def _choices() -> html.Section:
    items = [
        html.Li([html.A(html.B(words_of(kind)[0]), href=f"{NEW}?{KIND}={kind}"), html.P(words_of(kind)[1])])
        for kind in (SENDER, *FORMS)
    ]
    return card(_("What do you want to connect?"), [html.Ul(items, className="ls")], id="kinds")


def _sender_card() -> html.Section:
    """The form for a publisher that sends by itself."""
    explanation = _(
        "You get an address, a klantcode, a klantnaam and a key, to fill in at the publisher. They are shown once."
    )
    form = html.Form(
        [
            text_field(_("Name of the publisher"), "naam", required=True),
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
    return card(_("The publisher"), parts, id="sender")


def _source_card(form: Form) -> html.Section:
    """The form for a source that is fetched from."""
    explanation = _(
        "First it is tried: one real exchange, of which nothing is stored. Only when it works can you take it in use. "
        "Keys are stored encrypted and never shown again."
    )
    filled = html.Form(
        [
            *fields(form, {}, frozenset(), ""),
            html.Div(html.Button(_("Try it out"), type="submit", className="btn pri"), className="acts"),
        ],
        action=f"{NEW}/{form}",
        method="POST",
        className="form narrow_ mt",
    )
    return card(_("What the supplier gave you"), [html.P(explanation, className="sm t2"), filled], id="source")


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
