"""`rondblik doctor`: whether an installation is in order, and what to do where it is not."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from urllib.parse import urlsplit

import click
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from dashboard.settings.errors import ConfigError
from dashboard.settings.open_store import Options, database_exists
from dashboard.settings.schema import Settings
from dashboard.settings.self_check import CheckResult, Installation, State, check_all
from models.schema import database
from models.schema.database import DatabaseUnsafe

IN_ORDER, NOT_IN_ORDER = 0, 1
CONNECT_SECONDS = 10.0


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option("--sources", is_flag=True, help="Also whether the sources and identity providers can be reached.")
@click.pass_obj
def doctor(options: Options, as_json: bool, sources: bool) -> int:
    """Check settings, key, database, disk and clock: 0 in order (perhaps with warnings), 1 not. Changes nothing."""
    code = IN_ORDER
    for result in _results(options, sources):
        code = NOT_IN_ORDER if result.state is State.FAIL else code
        click.echo(json.dumps(asdict(result), ensure_ascii=False) if as_json else _line(result))
    return code


def _line(result: CheckResult) -> str:
    return f"{result.state:<4}  {result.check}: {result.sentence} {result.remedy}".rstrip()


def _results(options: Options, sources: bool) -> Iterator[CheckResult]:
    try:
        settings = options.settings()
    except ConfigError as wrong:
        yield CheckResult("settings", State.FAIL, str(wrong))
        return
    yield CheckResult("settings", State.OK, "The configuration can be read.")
    try:
        with _database(settings) as (engine, result):
            yield result
            yield from check_all(Installation(settings, engine))
    except SQLAlchemyError as failed:
        yield _away(failed)
    if sources:
        yield from map(_reach, sorted(_hosts(settings)))


@contextmanager
def _database(settings: Settings) -> Iterator[tuple[Engine | None, CheckResult]]:
    """The database as it is, if there is one that answers, and what is to be said of it."""
    engine = None
    try:
        if database_exists(settings):
            engine = database.open_engine(settings.database_address)
            with database.read_transaction(engine) as connection:
                connection.exec_driver_sql("SELECT 1")
            result = CheckResult("database", State.OK, f"The database answers ({engine.dialect.name}).")
        else:
            result = CheckResult("database", State.OK, "There is no database yet; the first start makes it.")
    except DatabaseUnsafe as unsafe:
        result = CheckResult("database", State.FAIL, str(unsafe))
    except SQLAlchemyError as failed:
        engine, result = None, _away(failed)
    try:
        yield engine, result
    finally:
        if engine is not None:
            engine.dispose()


def _away(failed: SQLAlchemyError) -> CheckResult:
    sentence = f"The database does not answer ({type(failed).__name__})."
    remedy = "Check that it runs, its address in the configuration, and the permissions of the data folder."
    return CheckResult("database", State.FAIL, sentence, remedy)


# -- sources -----------------------------------------------------------------------------------------------------


def _hosts(settings: Settings) -> set[tuple[str, str, int]]:
    """Scheme, host and port of whatever the program asks."""
    administrations = [school.las for school in settings.schools if school.las is not None]
    addresses = [publisher.address for publisher in settings.publishers]
    addresses += [provider.issuer for provider in settings.sign_in]
    for las in administrations:
        addresses += [las.address, *las.addresses.model_dump().values()]
    parts = [urlsplit(address) for address in addresses if address is not None]
    return {(part.scheme, part.hostname or "", part.port or (443 if part.scheme == "https" else 80)) for part in parts}


def _reach(target: tuple[str, str, int]) -> CheckResult:
    """Whether a connection can be made, over https with a certificate that holds; nothing is sent."""
    scheme, host, port = target
    try:
        with socket.create_connection((host, port), CONNECT_SECONDS) as plain:
            if scheme == "https":
                ssl.create_default_context().wrap_socket(plain, server_hostname=host).close()
    except (OSError, ValueError) as failed:
        reason = getattr(failed, "verify_message", "") or getattr(failed, "strerror", "") or type(failed).__name__
        remedy = "Check the address, the network, and whether the source is up."
        return CheckResult("sources", State.WARN, f"{host}:{port} cannot be reached: {reason}.", remedy)
    return CheckResult("sources", State.OK, f"{host}:{port} can be reached.")
