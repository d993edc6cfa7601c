"""The page of a connection that an administrator of the school added."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs

import dash
from dash import Input, Output, State, dcc

from dashboard.auth import request
from dashboard.auth.callbacks import with_viewer
from dashboard.pages.connections.own_actions import (
    DISCARD,
    KEY,
    OWN,
    REVOKE,
    TERMS,
    TRIAL,
    TRY,
    agreement_href,
    receiving_address,
)
from dashboard.pages.connections.own_parts import head, policy_field, remove_form
from dashboard.pages.connections.source_fields import fields, form_of
from dashboard.pages.connections.trial import WAITING, trial_outcome, use_form
from dashboard.pages.page import Body, Page, administers
from dashboard.pages.vendor.parts import read_token
from dashboard.text.translate import _, moment
from dashboard.ui.elements import html
from dashboard.ui.plain_table import plain_table
from dashboard.ui.signs import attrs, card, note
from models.access.viewer import AccessDenied, Viewer
from models.ingest import own_connections, page_requests
from models.ingest.own_connections import SENDER, OwnConnection, OwnSender, SourceForm
from models.ingest.page_requests import RequestState
from models.ingest.senders import SenderKey
from models.schema import database

EVERY_MS = 1_000
_NUMBER = re.compile(r"[0-9]{1,9}", re.ASCII)


def title(**_address: object) -> str:
    """The title of the page."""
    return _("Connection")


def frame() -> Body:
    """The page without data, also the page for who is no administrator: that there is no such connection."""
    missing = html.P(_("This connection does not exist (any more)."))
    return Body([head(title(), ""), note("", "search", missing), *_trial_place([], waiting=False)])


def layout(viewer: Viewer, /, connection: object = None, **query: object) -> Body:
    """The whole page; a sentence where the viewer's school has no such connection."""
    number = _number(connection)
    with database.read_transaction(request.context().engine, viewer.school_id) as store:
        try:
            own = own_connections.find_own(store, viewer, number)
            agreed = [] if own.source_id is None else [_agreement(own.source_id)]
            if own.kind == SENDER:
                cards = _sender_cards(own_connections.find_sender(store, viewer, number))
                return Body([head(own.name, _added_words(own)), *cards, *agreed, remove_form(own.id, own.name)])
            form = own_connections.source_form(store, request.context().cipher, viewer, number)
        except AccessDenied:
            return frame()
    state = _trial_of(viewer, query.get(TRIAL))
    outcome = [] if state is None else trial_outcome(own.id, own.kind, state)
    return Body(
        [
            head(own.name, _state_words(form)),
            *_trial_place(outcome, waiting=state is not None and state.state in WAITING),
            *_source_cards(form, shows_outcome=bool(outcome)),
            *agreed,
            remove_form(own.id, own.name),
        ]
    )


def register(app: dash.Dash) -> None:
    """The callback of the page: shows the outcome of a trial when the worker has finished."""

    @app.callback(
        Output("trial-outcome", "children"),
        Output("trial-tick", "disabled"),
        Input("trial-tick", "n_intervals"),
        State("_pages_location", "pathname"),
        State("_pages_location", "search"),
        prevent_initial_call=True,
    )
    @with_viewer(administers)
    def on_tick(viewer: Viewer, _ticks: object, path: object, search: object) -> Any:
        token = parse_qs(search.lstrip("?")).get(TRIAL, [""])[0] if isinstance(search, str) else ""
        state = _trial_of(viewer, token)
        if state is None or state.state in WAITING:
            raise dash.exceptions.PreventUpdate
        number = _number(path.removeprefix(f"{OWN}/") if isinstance(path, str) else "")
        with database.read_transaction(request.context().engine, viewer.school_id) as connection:
            try:
                own = own_connections.find_own(connection, viewer, number)
            except AccessDenied:
                raise dash.exceptions.PreventUpdate from None
        return trial_outcome(own.id, own.kind, state), True


def _trial_of(viewer: Viewer, token: object) -> RequestState | None:
    """The trial with this token, where it is of the viewer's school."""
    context, read = request.context(), read_token(token)
    state = None if read is None else page_requests.find(context.engine, context.cipher, read)
    of_school = state is not None and state.school_id == viewer.school_id
    return state if of_school and state is not None and state.kind == page_requests.TRIAL else None


def _trial_place(outcome: list[Any], *, waiting: bool) -> list[Any]:
    return [
        html.Div(outcome, id="trial-outcome", **attrs(aria_live="polite")),
        dcc.Interval(id="trial-tick", interval=EVERY_MS, disabled=not waiting),
    ]


def _number(value: object) -> int:
    return int(value) if isinstance(value, str) and _NUMBER.fullmatch(value) else 0


def _agreement(source_id: int) -> html.P:
    return html.P(html.A(_("Mandate and agreement"), href=agreement_href(source_id)), className="mt")


def _added_words(own: OwnConnection) -> str:
    return _("Added by {name}, {moment}.", name=own.made_by, moment=moment(own.made_us))


# -- a source that is fetched from -------------------------------------------------------------------------------


def _state_words(form: SourceForm) -> str:
    """Whether it is in use, and whether what the form shows is."""
    own = form.connection
    if own.source_id is None:
        state = _("Not in use yet.")
    else:
        state = _("In use; the changes below are not yet.") if form.drafted else _("In use.")
    return f"{state} {_added_words(own)}"


def _source_cards(form: SourceForm, *, shows_outcome: bool) -> list[Any]:
    own = form.connection
    kind = form_of(own.kind, form.values)
    name = own.name if own.source_id is None else None
    edited = html.Form(
        [
            *fields(kind, form.values, form.kept, name),
            html.Div(html.Button(_("Try it out"), type="submit", className="btn"), className="acts"),
        ],
        action=f"{OWN}/{own.id}/{TRY}",
        method="POST",
        className="form narrow_",
    )
    return [
        *([_tried(own.id)] if form.tried and not shows_outcome else []),
        card(_("Settings"), [edited, *_discard(form)], id="source"),
    ]


def _tried(number: int) -> html.Div:
    return note("ok", "check", [html.P(_("These settings were tried, and they work.")), use_form(number)])


def _discard(form: SourceForm) -> list[Any]:
    if not form.drafted or form.connection.source_id is None:
        return []
    button = html.Button(_("Drop the changes"), type="submit", className="btn q")
    return [html.Form(button, action=f"{OWN}/{form.connection.id}/{DISCARD}", method="POST", className="mt")]


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
            [html.Dl(pairs, className="dl sm"), html.P(explanation, className="sm t2 mt")],
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
    words = [_("Yes, revoke it"), html.Span(f" {key.id}", className="vh")]
    button = html.Button(words, type="submit", name="nummer", value=str(key.id), className="btn stop")
    return [
        _("yes"),
        html.Details(
            [
                html.Summary([_("Revoke"), html.Span(f" {key.id}", className="vh")], className="btn q small"),
                html.P(_("It can never become valid again."), className="sm"),
                html.Form(button, action=f"{OWN}/{number}/{REVOKE}", method="POST"),
            ],
            className="fold_",
        ),
    ]


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
    register=register,
)
