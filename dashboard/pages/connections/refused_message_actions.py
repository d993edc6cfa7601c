"""The buttons of refused messages and their routes: view a message, replay it."""

from __future__ import annotations

import json

import flask
from flask.typing import ResponseReturnValue

from dashboard.auth import audit_trail, request
from dashboard.text.translate import _
from dashboard.ui import addresses
from dashboard.ui.elements import html
from dashboard.ui.signs import sign
from models.access.audit import Administered
from models.ingest import page_requests
from models.ingest.page_requests import PageRequest

PATH = f"{addresses.CONNECTIONS}/bericht"
VIEW_PATH = f"{addresses.CONNECTIONS}/geweigerd"
REPLAY_PATH = f"{addresses.CONNECTIONS}/opnieuw"


def register(server: flask.Flask) -> None:
    """The routes: each queues a request for the worker and redirects to the page of its outcome."""
    server.add_url_rule(f"{VIEW_PATH}/<int(max=2147483647):delivery>", "see_refused", view_refused, methods=["POST"])
    server.add_url_rule(f"{REPLAY_PATH}/<int(max=2147483647):delivery>", "judge_anew", replay_refused, methods=["POST"])


def view_form(delivery: int) -> html.Form:
    """The button that shows a refused message."""
    return html.Form(
        html.Button(
            [_("See the message"), html.Span(f" {delivery}", className="vh")], type="submit", className="btn q"
        ),
        action=f"{VIEW_PATH}/{delivery}",
        method="POST",
    )


def replay_form(delivery: int) -> html.Form:
    """The button that replays a refused message."""
    return html.Form(
        html.Button([sign("retry"), _("Check it again")], type="submit", className="btn pri"),
        action=f"{REPLAY_PATH}/{delivery}",
        method="POST",
    )


def view_refused(delivery: int) -> ResponseReturnValue:
    """Request a refused message of the viewer's school."""
    return _submit(page_requests.REFUSED, delivery)


def replay_refused(delivery: int) -> ResponseReturnValue:
    """Request the replay of a refused message of the viewer's school."""
    return _submit(page_requests.REPLAY, delivery)


def _submit(kind: str, delivery: int) -> ResponseReturnValue:
    viewer, context = request.viewer(), request.context()
    if viewer is None or not viewer.may_administer:
        flask.abort(403)
    payload = json.dumps({"delivery": delivery}).encode()
    page_request = PageRequest(kind, str(delivery), payload, school_id=viewer.school_id)
    token = page_requests.submit(context.engine, context.cipher, page_request)
    audit_trail.record(Administered(f"refused message: {kind}", delivery))
    return flask.redirect(f"{PATH}/{token}", 303)
