"""The web server's application: Flask with the guard in front, health and ready, the SOAP service, and Dash."""

from __future__ import annotations

from dataclasses import replace

import flask
from flask.typing import ResponseReturnValue
from sqlalchemy import Engine, literal, select
from sqlalchemy.exc import SQLAlchemyError

from connectors.conformance.requirements import requirements
from connectors.intake import receive
from connectors.intake.push import ReceiverContext
from dashboard.auth import audit_trail, guard, headers, request
from dashboard.auth.request import AppOptions, Context
from dashboard.auth.sessions import DemoUser
from dashboard.pages.accounts import actions as account_actions
from dashboard.pages.connections import own_actions, refused_message_actions
from dashboard.pages.pupil_data import actions as pupil_data_actions
from dashboard.pages.vendor import actions as vendor_actions
from dashboard.server import actions, downloads, failures, own_sources, password, sign_in, sign_out
from dashboard.server.app import build
from dashboard.server.compression import compress
from dashboard.server.sign_in import SignIn
from dashboard.server.static_files import STATIC_FILES
from dashboard.text.translate import use_language
from dashboard.ui import addresses
from models.schema import database
from models.schema.encryption import PiiCipher

__all__ = ["AppOptions", "DemoUser", "create_app"]

MAX_FORM_BYTES = 500_000  # files come in through callbacks, whose bound the guard sets, and messages have their own


def create_app(
    engine: Engine,
    cipher: PiiCipher,
    options: AppOptions,
    receiver: ReceiverContext | None = None,
    public_address: str | None = None,
    sign_in_options: SignIn | None = None,
) -> flask.Flask:
    """The whole application for one store; `receiver` is the context for messages of publishers, None: the defaults.

    Without `sign_in_options` a session begins with a printed address.

    The first request is made here, without a session: Dash asks every page for its layout then, and what it gets
    goes to every browser. So it gets the frames without data.
    """
    engine = database.for_one_school(engine)
    server = flask.Flask("rondblik", static_folder=None)
    server.config.update(
        MAX_CONTENT_LENGTH=MAX_FORM_BYTES,
        MAX_FORM_MEMORY_SIZE=MAX_FORM_BYTES,
    )
    server.extensions["rondblik"] = Context(engine, cipher, options, public_address, requirements=requirements())
    server.before_request(guard.guard)
    server.teardown_request(lambda _error: use_language())  # the next request of this thread begins without one
    compress(server)
    server.after_request(headers.add_headers)
    server.after_request(audit_trail.write_events)  # before the others: it may have no answer but 503
    server.add_url_rule("/health", view_func=health)
    server.add_url_rule("/ready", view_func=ready)
    server.add_url_rule(addresses.BEGIN, view_func=guard.begin)
    server.add_url_rule(addresses.SWITCH_USER, view_func=guard.switch_user, methods=["POST"])
    receiver = replace(receiver or ReceiverContext(engine, cipher), engine=engine)
    server.register_blueprint(receive.blueprint(receiver, public_address))
    actions.register(server)
    sign_in.register(server, sign_in_options)
    sign_out.register(server, sign_in_options)
    password.register(server)
    downloads.register(server)
    vendor_actions.register(server)
    account_actions.register(server)
    refused_message_actions.register(server)
    own_actions.register(server)
    pupil_data_actions.register(server)
    own_sources.register(server)
    app = build(server)
    server.extensions[STATIC_FILES] = app.static_files
    server.before_request(app.static_files.answer)
    failures.register(server)
    server.test_client().get("/health", base_url=f"http://{options.allowed_hosts[0]}")
    server.extensions["rondblik"].policy = headers.content_policy(app.csp_hashes())
    return server


def create_soap_app(receiver: ReceiverContext, public_address: str | None = None) -> flask.Flask:
    """The SOAP service alone, without dashboard: what may leave this machine before there is a sign-in."""
    receiver = replace(receiver, engine=database.for_one_school(receiver.engine))
    server = flask.Flask("rondblik-soap", static_folder=None)
    server.extensions["rondblik"] = Context(receiver.engine, receiver.cipher, AppOptions(demo=False, users=()))
    server.after_request(headers.add_headers)
    server.add_url_rule("/health", view_func=health)
    server.add_url_rule("/ready", view_func=ready)
    server.register_blueprint(receive.blueprint(receiver, public_address))
    return server


def health() -> ResponseReturnValue:
    """Whether the process and the database answer."""
    try:
        with database.read_transaction(request.context().engine) as connection:
            connection.scalar(select(literal(1)))
    except SQLAlchemyError:
        return {"process": "ok", "database": "unavailable"}, 503
    return {"process": "ok", "database": "ok"}


def ready() -> ResponseReturnValue:
    """Whether requests can be answered: the database is there, and its tables are of this program's version."""
    try:
        with database.read_transaction(request.context().engine) as connection:
            is_ready = database.schema_revision(connection) == database.newest_revision()
    except SQLAlchemyError:
        is_ready = False
    return {"ready": is_ready}, 200 if is_ready else 503
