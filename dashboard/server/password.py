"""Another password for a local account, by whoever has the old one and a code."""

from __future__ import annotations

from html import escape

import flask
from flask.typing import ResponseReturnValue

from dashboard.auth import audit_trail, request
from dashboard.auth.guard import Refused
from dashboard.auth.sessions import Session
from dashboard.server.banner import banner
from dashboard.server.plain_page import paragraph, plain_page, required_fields
from dashboard.text.translate import _
from dashboard.ui import addresses
from models.access import local_accounts
from models.access.audit import SignedIn
from models.access.local_accounts import MAX_PASSWORD, MIN_PASSWORD
from models.access.people import school_name
from models.schema.database import read_transaction
from models.schema.rate_limit import Rate, take_shared

ATTEMPTS = Rate(5, 900.0)  # of one account
WRONG_FIELD = 422


def register(server: flask.Flask) -> None:
    """The routes."""
    server.add_url_rule(addresses.PASSWORD, "password_page", password_page)
    server.add_url_rule(addresses.PASSWORD, "change_password", change_password, methods=["POST"])


def password_page() -> ResponseReturnValue:
    """The form."""
    _local_session()
    fields = (
        ("oud", _("Password until now"), 'type="password" autocomplete="current-password"'),
        ("code", _("Code of your app, or a recovery code"), 'autocomplete="one-time-code"'),
        ("nieuw", _("New password"), 'type="password" autocomplete="new-password"'),
        ("nogmaals", _("New password, once more"), 'type="password" autocomplete="new-password"'),
    )
    rule = _(
        "{least} to {most} characters, without your name, that of the school or that of this program. Afterwards you "
        "sign in again, everywhere.",
        least=MIN_PASSWORD,
        most=MAX_PASSWORD,
    )
    form = (
        f'<form method="post" action="{addresses.PASSWORD}">{required_fields(fields)}'
        f'<button class="btn pri">{escape(_("Change the password"))}</button></form>'
    )
    return plain_page(_("Change the password"), banner(), paragraph(rule), form, scripts=True)


def change_password() -> ResponseReturnValue:
    """Change it, where all is right; the form says what is not, and stays."""
    session, context, form = _local_session(), request.context(), flask.request.form
    new = form.get("nieuw", "")
    problem = _problem(new, form.get("nogmaals", ""))
    if problem is not None:
        raise Refused(problem, WRONG_FIELD)
    account_id = session.account_id or 0
    if not take_shared(context.engine, context.cipher.digest("rate", f"password {account_id}"), ATTEMPTS):
        raise Refused(
            _("There were too many attempts."), 429, "password", _("Wait a quarter of an hour and try again.")
        )
    old, code = form.get("oud", ""), form.get("code", "")
    if not local_accounts.change_password(context.engine, context.cipher, account_id, old, code, new):
        raise Refused(_("The password until now or the code is not right; a code works once."), WRONG_FIELD)
    audit_trail.record(SignedIn("password changed"))
    return flask.redirect(addresses.SIGN_IN, 303)


def _problem(new: str, again: str) -> str | None:
    """What is wrong with a new password; None where nothing is."""
    viewer, user, context = request.viewer(), request.current_user(), request.context()
    if not MIN_PASSWORD <= len(new) <= MAX_PASSWORD:
        return _("A password has {least} to {most} characters.", least=MIN_PASSWORD, most=MAX_PASSWORD)
    if new != again:
        return _("The new password was typed in two ways.")
    with read_transaction(context.engine) as connection:
        school = "" if viewer is None else school_name(connection, viewer) or ""
    if local_accounts.guessable_word(new, "" if user is None else user.name, school) is not None:
        return _("A name in it is what others try first: choose other words.")
    return None


def _local_session() -> Session:
    """The session of somebody with a local account; 404 for everybody else."""
    session = request.current_session()
    if session is None or session.account_id is None:
        flask.abort(404)
    with read_transaction(request.context().engine) as connection:
        if not local_accounts.has_password(connection, session.account_id):
            flask.abort(404)
    return session
