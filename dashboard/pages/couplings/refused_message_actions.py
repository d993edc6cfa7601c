"""The buttons of refused messages, and the routes behind them: see one, and have it judged anew."""

from __future__ import annotations

import json

import flask
from dash import html
from flask.typing import ResponseReturnValue

from dashboard.auth import request
from dashboard.text.translate import _
from dashboard.ui.signs import sign
from models.ingest import page_requests

PATH = "/koppelingen/bericht/"


def register(server: flask.Flask) -> None:
    """The routes: each writes down work for the worker, and goes to the page that shows what came of it."""
    server.add_url_rule("/koppelingen/geweigerd/<int:delivery>", "see_refused", view_refused, methods=["POST"])
    server.add_url_rule("/koppelingen/opnieuw/<int:delivery>", "judge_anew", replay_refused, methods=["POST"])


def view_form(delivery: int) -> html.Form:
    """The button that shows a refused message."""
    return html.Form(
        html.Button(
            [_("See the message"), html.Span(f" {delivery}", className="vh")], type="submit", className="btn q"
        ),
        action=f"/koppelingen/geweigerd/{delivery}",
        method="POST",
    )


def replay_form(delivery: int) -> html.Form:
    """The button that has a refused message judged anew."""
    return html.Form(
        html.Button([sign("retry"), _("Judge it anew")], type="submit", className="btn pri"),
        action=f"/koppelingen/opnieuw/{delivery}",
        method="POST",
    )


def view_refused(delivery: int) -> ResponseReturnValue:
    """Ask for a refused message of the own school."""
    return _submit(page_requests.REFUSED, delivery)


def replay_refused(delivery: int) -> ResponseReturnValue:
    """Ask for a refused message of the own school to be judged anew."""
    return _submit(page_requests.REPLAY, delivery)


def _submit(kind: str, delivery: int) -> ResponseReturnValue:
    viewer, context = request.viewer(), request.context()
    if viewer is None or not viewer.may_administer:
        flask.abort(403)
    given = json.dumps({"delivery": delivery}).encode()
    token = page_requests.submit(context.engine, context.cipher, kind, str(delivery), given, school_id=viewer.school_id)
    return flask.redirect(PATH + token, 303)
