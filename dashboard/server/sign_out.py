"""Signing out, in this browser or everywhere, and the page after it."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode

import flask
from flask.typing import ResponseReturnValue

from dashboard.auth import audit_trail, request
from dashboard.auth.guard import Refused, how_to_begin, session_over
from dashboard.server.plain_page import link, paragraph, plain_page
from dashboard.server.sign_in import SIGN_OUT_AT, SignIn
from dashboard.text.translate import _
from dashboard.ui import addresses
from models.access.audit import SignedIn

AT = "bij"  # the parameter with the key of the provider where somebody is still signed in


def register(server: flask.Flask, sign_in: SignIn | None) -> None:
    """The routes; `sign_in` has the providers where people may be signed in still."""

    def bound(view: Callable[[SignIn], ResponseReturnValue]) -> Callable[[], ResponseReturnValue]:
        return lambda: view(sign_in or SignIn((), local=False))

    server.add_url_rule(addresses.SIGN_OUT, "sign_out", bound(sign_out), methods=["POST"])
    server.add_url_rule(addresses.SIGNED_OUT, "signed_out", bound(signed_out))


def sign_out(sign_in: SignIn) -> ResponseReturnValue:
    """End the session of this browser, or all sessions of this user."""
    session, sessions = request.current_session(), request.context().sessions
    if session is None:
        raise Refused(session_over(), 401, "no session")
    if addresses.EVERYWHERE in flask.request.form:
        sessions.end_everywhere(session.user_key)
    sessions.end(session)
    audit_trail.record(SignedIn("signed out"))
    provider = sign_in.provider(session.provider or "")
    still_at = "" if provider is None else f"?{urlencode({AT: provider.settings.id})}"
    answer = flask.redirect(addresses.SIGNED_OUT + still_at, 303)
    answer.delete_cookie(request.cookie_name(), secure=flask.request.is_secure, httponly=True, samesite="Lax")
    return answer


def signed_out(sign_in: SignIn) -> ResponseReturnValue:
    """Says that it is done, how to sign out at the provider too, and how to begin again."""
    again = link(addresses.SIGN_IN, _("Sign in")) if request.context().options.signs_in else ""
    provider, blocks = sign_in.provider(flask.request.args.get(AT, "")), []
    if provider is not None:
        name = provider.settings.name
        still = _(
            "With {name} you are still signed in. On a computer that others use too, sign out there as well: else the "
            "next person enters without a password.",
            name=name,
        )
        words = _("Sign out with {name} too", name=name)
        blocks = [paragraph(still), link(f"{SIGN_OUT_AT}/{provider.settings.id}", words, "btn pri")]
    return plain_page(_("You are signed out"), *blocks, again or paragraph(how_to_begin()))
