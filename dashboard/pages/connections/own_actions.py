"""The forms by which an administrator adds, changes and removes the connections of the own school, and their routes.

A form that is not filled in well is answered with 422: it says what to mend and keeps what was typed (assets/guard.js).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import flask
from flask.typing import ResponseReturnValue

from dashboard.auth import audit_trail, request
from dashboard.auth.guard import Refused
from dashboard.text.agreement_words import field_word
from dashboard.text.translate import _
from dashboard.text.typed_days import typed_day
from dashboard.ui import addresses
from models.access.audit import Administered
from models.access.viewer import AccessDenied, Viewer
from models.ingest import agreements, own_connections
from models.ingest.agreements import AgreementTooLong
from models.ingest.own_connections import IssuedAccount, OwnConnectionRefused
from models.schema.database import read_transaction, write_transaction
from models.schema.terms import Agreement, Policy

NEW = f"{addresses.CONNECTIONS}/nieuw"
OWN = f"{addresses.CONNECTIONS}/eigen"
SENDERS = f"{addresses.CONNECTIONS}/afzender"
AGREEMENTS = f"{addresses.CONNECTIONS}/afspraken"
# What is done to a connection, in addresses.
KEY, REVOKE, TERMS, REMOVE = "sleutel", "intrekken", "afspraken", "weg"
TRY, USE, DISCARD = "proberen", "gebruik", "verwerpen"
TRIAL = "proef"  # the parameter with the token of a trial
WRONG_FIELD = 422
SERVICE = "receive.service"
_NUMBER = re.compile(r"[0-9]{1,9}", re.ASCII)


def register(server: flask.Flask) -> None:
    """The routes."""
    post, one = ["POST"], f"{OWN}/<int(max=2147483647):number>"
    server.add_url_rule(SENDERS, "add_sender", add_sender, methods=post)
    server.add_url_rule(f"{one}/{KEY}", "add_sender_key", add_key, methods=post)
    server.add_url_rule(f"{one}/{REVOKE}", "revoke_sender_key", revoke_key, methods=post)
    server.add_url_rule(f"{one}/{TERMS}", "set_sender_terms", set_terms, methods=post)
    server.add_url_rule(f"{one}/{REMOVE}", "remove_connection", remove, methods=post)
    server.add_url_rule(f"{one}/{USE}", "use_source", use, methods=post)
    server.add_url_rule(f"{one}/{DISCARD}", "discard_source_draft", discard, methods=post)
    server.add_url_rule(f"{AGREEMENTS}/<int(max=2147483647):source_id>", "set_agreement", set_agreement, methods=post)


def own_href(number: int) -> str:
    """The page of a connection of the school."""
    return f"{OWN}/{number}"


def agreement_href(source_id: int) -> str:
    """The page with what the school recorded about a source."""
    return f"{AGREEMENTS}/{source_id}"


def add_sender() -> ResponseReturnValue:
    """Make a sender and show once what the publisher has to fill in."""
    viewer, form, context = administrator(), flask.request.form, request.context()
    with field_errors(), write_transaction(context.engine) as connection:
        issued = own_connections.add_sender(connection, context.cipher, viewer, form.get("naam", ""), _policy())
    audit_trail.record(Administered("sender added", issued.source_id))
    _show_once(issued, _("The publisher is added. Give it these data; they are shown only now."))
    return flask.redirect(own_href(issued.id), 303)


def add_key(number: int) -> ResponseReturnValue:
    """Make another key of a sender and show it once."""
    viewer, context = administrator(), request.context()
    with field_errors(), write_transaction(context.engine) as connection:
        issued = own_connections.add_key(connection, context.cipher, viewer, number)
    audit_trail.record(Administered("sender key added", issued.source_id))
    sentence = _(
        "There is a new key; it is shown only now. The other key stays valid until you revoke it: do that when the "
        "publisher uses this one."
    )
    _show_once(issued, sentence)
    return flask.redirect(own_href(number), 303)


def revoke_key(number: int) -> ResponseReturnValue:
    """End a key from the next message on."""
    viewer, chosen = administrator(), flask.request.form.get("nummer", "")
    with field_errors(), write_transaction(request.context().engine) as connection:
        own_connections.revoke_key(connection, viewer, number, int(chosen) if _NUMBER.fullmatch(chosen) else 0)
    _done(viewer, number, "sender key revoked", _("The key is revoked: messages with it are refused from now on."))
    return flask.redirect(own_href(number), 303)


def set_terms(number: int) -> ResponseReturnValue:
    """Set how exact the messages of a sender must be."""
    viewer = administrator()
    with field_errors(), write_transaction(request.context().engine) as connection:
        own_connections.set_policy(connection, viewer, number, _policy())
    _done(viewer, number, "sender terms changed", _("Saved. It holds from the next message on."))
    return flask.redirect(own_href(number), 303)


def remove(number: int) -> ResponseReturnValue:
    """Remove a connection; what came in by it stays."""
    viewer = administrator()
    with field_errors(), write_transaction(request.context().engine) as connection:
        removed = own_connections.find_own(connection, viewer, number)
        own_connections.remove(connection, viewer, number)
    audit_trail.record(Administered("connection removed", removed.source_id or 0))
    request.flash(_("The connection with {name} is removed; its results stay.", name=removed.name))
    return flask.redirect(addresses.CONNECTIONS, 303)


def use(number: int) -> ResponseReturnValue:
    """Fetch by the settings that were tried, from now on."""
    viewer, context = administrator(), request.context()
    with field_errors(), write_transaction(context.engine) as connection:
        source_id = own_connections.use_draft(connection, context.cipher, viewer, number)
    audit_trail.record(Administered("connection in use", source_id))
    request.flash(_("In use. It is fetched for the first time within a minute."))
    return flask.redirect(addresses.CONNECTIONS, 303)


def discard(number: int) -> ResponseReturnValue:
    """Forget changes that are not in use."""
    viewer = administrator()
    with field_errors(), write_transaction(request.context().engine, raises_version=False) as connection:
        own_connections.discard_draft(connection, viewer, number)
    _done(viewer, number, "connection changes dropped", _("The changes are dropped; the connection goes on as it did."))
    return flask.redirect(own_href(number), 303)


def set_agreement(source_id: int) -> ResponseReturnValue:
    """Record mandate, processor agreement, purpose and categories of a source."""
    viewer, form = administrator(), flask.request.form
    agreement = Agreement(
        mandate=_text_of(form, "mandate"),
        mandate_on=_day_of(form, "mandate_on"),
        agreement_on=_day_of(form, "agreement_on"),
        purpose=_text_of(form, "purpose"),
        categories=_text_of(form, "categories"),
    )
    engine = request.context().engine
    with field_errors(), write_transaction(engine, viewer.school_id, raises_version=False) as connection:
        agreements.set_agreement(connection, viewer, source_id, agreement)
    audit_trail.record(Administered("connection agreement changed", source_id))
    request.flash(_("Saved."))
    return flask.redirect(agreement_href(source_id), 303)


def _text_of(form: Mapping[str, str], name: str) -> str | None:
    return " ".join(form.get(name, "").split()) or None


def _day_of(form: Mapping[str, str], name: str) -> str | None:
    """A day as it was typed, None where nothing was. Raises Refused."""
    text = form.get(name, "").strip()
    day = typed_day(text)
    if text and day is None:
        raise Refused(_("{field}: type a day that exists, as 13-11-2026.", field=field_word(name)), WRONG_FIELD)
    return day


@contextmanager
def field_errors() -> Iterator[None]:
    """Answer a form that cannot be done with the sentence that it shows; raises Refused."""
    try:
        yield
    except OwnConnectionRefused as refused:
        raise Refused(refusal_words(refused.reason), WRONG_FIELD) from None
    except AgreementTooLong as too_long:
        words = _("{field}: type at most {number} characters, all of which can be read.")
        sentence = words.format(field=field_word(str(too_long)), number=agreements.MAX_LENGTH)
        raise Refused(sentence, WRONG_FIELD) from None
    except AccessDenied:
        raise Refused(_("This no longer exists.") + " " + _("Nothing was changed."), WRONG_FIELD) from None


def refusal_words(reason: own_connections.Reason) -> str:
    """Why a connection cannot be made or changed, and what to do."""
    return {
        "name": _("Type the name of the supplier, with at most {number} characters.", number=own_connections.MAX_NAME),
        "taken": _("There is a connection with this name already. Change that one, or choose another name."),
        "keys": _("Two keys are valid already. Revoke one first."),
        "las": _(
            "Your school has a pupil administration already, and there can be one. Remove that connection first, or "
            "ask whoever looks after the server to do so."
        ),
        "untried": _("Try these settings first; only what works can be taken in use."),
        "secrets": _("The address is on another server than before. Type the key and the value of the header again."),
    }[reason]


def administrator() -> Viewer:
    """Who administers the school of this session; answers 403 to all others."""
    viewer = request.viewer()
    if viewer is None or not viewer.may_administer:
        flask.abort(403)
    return viewer


def receiving_address() -> str:
    """The address that publishers send results to."""
    return request.context().public_address or request.service_address(flask.url_for(SERVICE))


def _policy() -> Policy:
    return "tolerant" if flask.request.form.get("berichten") == "tolerant" else "strict"


def _show_once(issued: IssuedAccount, sentence: str) -> None:
    """Store what a publisher has to fill in for the next page of this session."""
    details = [
        (_("Address"), receiving_address()),
        ("Klantnaam", issued.customer_name),
        *([("Klantcode", issued.code)] if issued.code is not None else []),
        ("Autorisatiesleutel", issued.key),
    ]
    request.flash(sentence, details=details)


def _done(viewer: Viewer, number: int, action: str, sentence: str) -> None:
    with read_transaction(request.context().engine, viewer.school_id) as connection:
        source_id = own_connections.find_own(connection, viewer, number).source_id
    audit_trail.record(Administered(action, source_id or 0))
    request.flash(sentence)
