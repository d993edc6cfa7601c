"""The routes by which an administrator has a source tried out: what was typed is validated, stored and handed on.

They are here and not with the other routes of connections, for pages do not know the schema of the configuration.
"""

from __future__ import annotations

import json

import flask
from flask.typing import ResponseReturnValue

from dashboard.auth import audit_trail, request
from dashboard.auth.guard import Refused
from dashboard.pages.connections.own_actions import (
    NEW,
    OWN,
    TRIAL,
    TRY,
    WRONG_FIELD,
    administrator,
    field_errors,
    own_href,
)
from dashboard.pages.connections.source_fields import (
    FORMS,
    MAX_LENGTH,
    NAME,
    Form,
    field_names,
    form_of,
    kind_of,
    label,
)
from dashboard.settings.own_sources import FieldProblem, read_source
from dashboard.text.translate import _, language
from models.access.audit import Administered
from models.ingest import own_connections, page_requests
from models.ingest.own_connections import SourceSettings
from models.ingest.page_requests import PageRequest
from models.schema.database import write_transaction


def register(server: flask.Flask) -> None:
    """The routes."""
    server.add_url_rule(f"{NEW}/<form>", "try_new_source", try_new, methods=["POST"])
    server.add_url_rule(f"{OWN}/<int(max=2147483647):number>/{TRY}", "try_source", try_again, methods=["POST"])


def try_new(form: str) -> ResponseReturnValue:
    """Store a source that is not in use yet, and have it tried out."""
    if form not in FORMS:
        flask.abort(404)
    viewer, context = administrator(), request.context()
    settings = _typed(form, flask.request.form.get(NAME, ""))
    with field_errors(), write_transaction(context.engine, raises_version=False) as connection:
        _check(settings)
        number = own_connections.save_draft(connection, context.cipher, viewer, None, settings)
    return _try(number, settings.name)


def try_again(number: int) -> ResponseReturnValue:
    """Store other settings of a source, which are not in use yet, and have them tried out."""
    viewer, context = administrator(), request.context()
    with field_errors(), write_transaction(context.engine, raises_version=False) as connection:
        before = own_connections.source_form(connection, context.cipher, viewer, number)
        own = before.connection
        typed = _typed(form_of(own.kind, before.values), flask.request.form.get(NAME, own.name))
        values = own_connections.with_kept_secrets(connection, context.cipher, viewer, number, typed.values)
        settings = SourceSettings(own.kind, typed.name, values)
        _check(settings)
        own_connections.save_draft(connection, context.cipher, viewer, number, settings)
    return _try(number, settings.name)


def _typed(form: Form, name: str) -> SourceSettings:
    """What was typed; raises Refused where it is very long."""
    values = {item: flask.request.form.get(item, "").strip() for item in field_names(form)}
    for item, text in values.items():
        if len(text) > MAX_LENGTH or not text.isprintable():
            raise Refused(
                _("{field}: this is too long, or holds a character that cannot be used.", field=label(item)),
                WRONG_FIELD,
            )
    how = {} if form == "las" else {"how": form}
    return SourceSettings(kind_of(form), name, values | how)


def _check(settings: SourceSettings) -> None:
    """Raises Refused with the sentence that the configuration file gets, after the name of the field."""
    try:
        read_source(settings)
    except FieldProblem as wrong:
        sentence = wrong.sentence_nl if language() == "nl" else wrong.sentence_en
        raise Refused(f"{label(wrong.field_name)} {sentence}.", WRONG_FIELD) from None


def _try(number: int, name: str) -> ResponseReturnValue:
    """Queue the trial, and go to the page that shows its outcome."""
    viewer, context = administrator(), request.context()
    payload = json.dumps({"connection": number}).encode()
    page_request = PageRequest(page_requests.TRIAL, name, payload, school_id=viewer.school_id)
    try:
        token = page_requests.submit(context.engine, context.cipher, page_request)
    except page_requests.TooManyRequests:
        words = _(
            "Other connections of your school are still being tried. What you filled in is kept; try it in a moment."
        )
        request.flash(words, well=False)
        return flask.redirect(own_href(number), 303)
    audit_trail.record(Administered("connection tried", number))
    return flask.redirect(f"{own_href(number)}?{TRIAL}={token}", 303)
