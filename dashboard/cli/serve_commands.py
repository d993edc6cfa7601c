"""The commands `serve`, `worker` and `sync`: what answers, and what fetches."""

from __future__ import annotations

import signal
import threading
from types import FrameType

import click

from connectors.intake.receive import PATH
from dashboard.cli.backup_commands import backup_before_upgrade
from dashboard.cli.exit_codes import COULD_NOT, DONE, REFUSED, fail
from dashboard.cli.sender_commands import check_tolerances
from dashboard.cli.serving import dashboard_app, printed_address
from dashboard.server import metrics
from dashboard.server.serving import serve as serve_app
from dashboard.server.wsgi import create_soap_app
from dashboard.settings import applying
from dashboard.settings.applying import ConfiguredConnection
from dashboard.settings.logs import use_format
from dashboard.settings.noting import noted_changes
from dashboard.settings.open_store import Options, Store, open_store
from dashboard.settings.self_check import Installation, check_before_start
from dashboard.worker import loop
from dashboard.worker.context import Outcome, WorkContext, make_context
from models.ingest import own_connections
from models.schema import database


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), help="Another port than the configured one; 0: any free port.")
@click.option("--soap-only", is_flag=True, help="Only the service for publishers, at receive.host and receive.port.")
@click.option("--upgrade", is_flag=True, help="Upgrade a database of an earlier version first, after a backup.")
@click.option("--no-worker", is_flag=True, help="Fetch nothing: `rondblik worker` does that in a process of its own.")
@click.pass_obj
def serve(options: Options, port: int | None, soap_only: bool, upgrade: bool, no_worker: bool) -> int:
    """Serve the dashboard and the service for publishers, and fetch what is due.

    Unless people sign in (`sign_in` in the configuration, or `rondblik account add`) it serves this machine only.
    """
    with open_store(options, backup_before_upgrade() if upgrade else None) as store:
        context = _start(store)
        receive, server = store.settings.receive, store.settings.server
        app = create_soap_app(store.receiver, receive.public_address) if soap_only else dashboard_app(store)
        host, configured = (receive.host, receive.port) if soap_only else (server.host, server.port)

        def ready(bound: int) -> None:
            address = f"http://{host}:{bound}"
            for line in [f"Rondblik: {address}{PATH}"] if soap_only else printed_address(app, server, address):
                click.echo(line)

        registry = metrics.new_registry(store.engine, store.settings.data)
        app.wsgi_app = metrics.MeasuredRequests(app.wsgi_app, registry)  # type: ignore[method-assign]
        with metrics.served(store.settings.metrics, registry):
            work = None if no_worker else context
            serve_app(app, host, configured if port is None else port, work, ready, receive)
    return DONE


@click.command()
@click.pass_obj
def worker(options: Options) -> int:
    """Fetch what is due, without serving pages."""
    stop = threading.Event()

    def ask_to_stop(_signal: int, _frame: FrameType | None) -> None:
        stop.set()

    with open_store(options) as store:
        context = _start(store)
        for item in (signal.SIGINT, signal.SIGTERM):
            signal.signal(item, ask_to_stop)
        registry = metrics.new_registry(store.engine, store.settings.data)
        with metrics.served(store.settings.metrics, registry):
            click.echo(f"Rondblik works on {len(context.polls)} connections; stop with Ctrl-C.", err=True)
            loop.run_worker(context, stop)
    return DONE


@click.command()
@click.option("--publisher", "key", metavar="ID", help="Only this publisher or LAS.")
@click.pass_obj
def sync(options: Options, key: str | None) -> int:
    """Fetch from every source now, due or not."""
    from dashboard.cli import progress_bars  # which a server does not need at its start

    with open_store(options) as store:
        context, connection_configs = _work_context(store)
        with database.read_transaction(store.engine) as connection:
            own = own_connections.sources_in_use(connection)
        known = [*(connection_config.row for connection_config in connection_configs), *own]
        wanted = [row for row in known if key in (None, row.source_key)]
        if key is not None and not wanted:
            return fail(f"There is no source with id {key}; check its spelling.")
        outcomes: list[int] = []
        with progress_bars.steps("Fetching", len(wanted)) as advance:

            def done(source_key: str, outcome: Outcome | None) -> None:
                outcomes.append(_print_pull_outcome(source_key, outcome))
                advance(source_key)

            loop.run_now(context, wanted, done)
        if len(outcomes) < len(wanted):
            return COULD_NOT
        return max(outcomes, default=DONE)


def _print_pull_outcome(source_key: str, outcome: Outcome | None) -> int:
    if outcome is None:
        return fail(f"{source_key}: it was stopped, or another worker is fetching it now; try again later.")
    if outcome.failure is not None:
        click.echo(f"{source_key}: {outcome.failure[1]}", err=True)
        return REFUSED if outcome.refused else COULD_NOT
    reading = ", ".join(f"{count} {name}" for name, count in outcome.counts.items() if count)
    click.echo(f"{source_key}: {reading or 'nothing new'}")
    return REFUSED if outcome.refused else DONE


def _start(store: Store) -> WorkContext:
    """Begin to serve or to work on a store: the log as configured, the self-check, and what jobs need."""
    use_format(store.settings.log_format)
    check_before_start(Installation(store.settings, store.engine))
    return _work_context(store)[0]


def _work_context(store: Store) -> tuple[WorkContext, list[ConfiguredConnection]]:
    with noted_changes(store.engine, store.cipher):
        connection_configs = applying.apply(store.settings, store.engine)
        check_tolerances(store.settings)
        applying.apply_senders(store.settings, store.engine, store.cipher)
    applying.note_retention(store.settings, store.engine, store.cipher)
    return make_context(store.settings, store.engine, store.cipher, connection_configs), connection_configs
