"""The dashboard as `rondblik serve` runs it: who may look, how they sign in, and under which names it answers."""

from __future__ import annotations

import ipaddress

import flask
from sqlalchemy import Engine

from dashboard.auth.request import OWN_HOSTS, AppOptions
from dashboard.auth.sessions import DemoUser
from dashboard.auth.start_codes import start_path
from dashboard.server.providers import providers_of
from dashboard.server.proxies import TrustedProxies
from dashboard.server.sign_in import SignIn
from dashboard.server.wsgi import create_app
from dashboard.settings import applying
from dashboard.settings.errors import ConfigError
from dashboard.settings.open_store import Store
from dashboard.settings.schema import Server
from models.access import local_accounts
from models.access.viewer import Role
from models.ingest import schools
from models.schema.database import read_transaction


def dashboard_app(store: Store) -> flask.Flask:
    """The dashboard of a store, whose configuration was applied. Raises ConfigError."""
    settings, server = store.settings, store.settings.server
    sign_in = sign_in_of(store)
    if sign_in is None and not server.is_own_machine:
        raise ConfigError(
            "server: zonder aanmelding is het dashboard er alleen voor deze machine; vul sign_in in, maak een account "
            "met `rondblik account add`, of haal host, public_address, host_names en trusted_proxies weg.",
            "server: without a sign-in the dashboard serves this machine only; fill in sign_in, make an account with "
            "`rondblik account add`, or remove host, public_address, host_names and trusted_proxies.",
        )
    app = create_app(
        store.engine,
        store.cipher,
        AppOptions(
            demo=False,
            users=() if sign_in is not None else users_of_machine(store.engine),
            allowed_hosts=(*OWN_HOSTS, *server.all_host_names),
            sandbox_days=settings.receive.test_room_days,
            holidays=applying.holidays_of(settings),
            session_limits=settings.sessions,
            signs_in=sign_in is not None,
            public_origin=server.public_address,
            school_session_limits=applying.session_limits_of(settings, store.engine),
            data=settings.data,
            retention=settings.retention,
            pupil_retention=applying.pupil_retention_of(settings, store.engine),
        ),
        store.receiver,
        settings.receive.public_address,
        sign_in,
    )
    if sign_in is not None:
        networks = [ipaddress.ip_network(item) for item in server.trusted_proxies]
        app.wsgi_app = TrustedProxies(app.wsgi_app, networks)  # type: ignore[method-assign]
    return app


def sign_in_of(store: Store) -> SignIn | None:
    """How people sign in; None where the configuration has no provider and nobody made a local account."""
    providers = providers_of(store.settings, store.engine)
    with read_transaction(store.engine) as connection:
        local = local_accounts.exists_any(connection)
    return SignIn(providers, local, store.settings.server.public_address) if providers or local else None


def users_of_machine(engine: Engine) -> list[DemoUser]:
    """Until people sign in, who sits at this machine looks as the administrator of its schools, or as learning support.

    The administrator comes first: connections are what a new installation needs, and results take choosing the other.
    """
    with read_transaction(engine) as connection:
        known = schools.all_schools(connection)
    return [
        DemoUser(f"{role.value}-{school_id}", name or "Rondblik", role, None, school_id)
        for role in (Role.ADMINISTRATOR, Role.SUPPORT)
        for school_id, name in known
    ]


def printed_address(app: flask.Flask, server: Server, address: str) -> list[str]:
    """What is printed when the port is open: where to go, with a one-time code unless people sign in."""
    if app.extensions["rondblik"].options.signs_in:
        return [f"Rondblik: {server.public_address or address}"]
    return [
        f"Rondblik: {address}{start_path(app)}",
        "Open this address in a browser. It works once; a new start prints a new one.",
    ]
