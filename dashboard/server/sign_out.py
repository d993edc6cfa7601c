"""Signing out, in this browser or everywhere, and the page after it."""

from __future__ import annotations

import flask
from flask.typing import ResponseReturnValue

from dashboard.auth import audit_trail, request
from dashboard.auth.guard import Refused, how_to_begin, session_over
from dashboard.server.plain_page import link, paragraph, plain_page
from dashboard.text.translate import _
from dashboard.ui import addresses
from models.access.audit import SignedIn


def register(server: flask.Flask) -> None:
    """The routes."""
    server.add_url_rule(addresses.SIGN_OUT, "sign_out", sign_out, methods=["POST"])
    server.add_url_rule(addresses.SIGNED_OUT, "signed_out", signed_out)


def sign_out() -> ResponseReturnValue:
    """End the session of this browser, or all sessions of this user."""
    session, sessions = request.current_session(), request.context().sessions
    if session is None:
        raise Refused(session_over(), 401, "no session")
    if addresses.EVERYWHERE in flask.request.form:
        sessions.end_everywhere(session.user_key)
    sessions.end(session)
    audit_trail.record(SignedIn("signed out"))
    answer = flask.redirect(addresses.SIGNED_OUT, 303)
    answer.delete_cookie(request.cookie_name(), secure=flask.request.is_secure, httponly=True, samesite="Lax")
    return answer


def signed_out() -> ResponseReturnValue:
    """Says that it is done, and how to begin again."""
    again = link(addresses.SIGN_IN, _("Sign in")) if request.context().options.signs_in else ""
    return plain_page(_("You are signed out"), again or paragraph(how_to_begin()))
