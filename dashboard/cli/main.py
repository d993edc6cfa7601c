"""The command line: what operators and vendors type. Errors are one sentence on stderr and exit code 2."""

from __future__ import annotations

import dataclasses
import json
import logging
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, cast

import click
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from connectors.errors import ConnectorError
from connectors.intake import file_loading
from connectors.intake.file_loading import FileVerdict, LoadTarget, Reached
from connectors.intake.receive import PATH
from connectors.uwlr.agreement import POLICIES, Policy
from dashboard.cli import check_command, progress_bars
from dashboard.cli.account_commands import account
from dashboard.cli.audit_commands import audit
from dashboard.cli.backup_commands import backup, backup_before_upgrade, restore
from dashboard.cli.doctor_command import doctor
from dashboard.cli.person_commands import person
from dashboard.cli.quarantine_commands import quarantine
from dashboard.cli.retention_commands import retention
from dashboard.cli.sender_commands import check_tolerances, sender
from dashboard.server import metrics
from dashboard.server.serving import PortTaken
from dashboard.settings import applying
from dashboard.settings.applying import ConfiguredConnection
from dashboard.settings.errors import ConfigError
from dashboard.settings.logs import use_format
from dashboard.settings.open_store import Options, Store, open_store
from dashboard.settings.schema import Settings
from dashboard.settings.self_check import Installation, SelfCheckFailed, check_before_start
from dashboard.worker import loop
from dashboard.worker.context import Outcome, WorkContext, make_context
from models.ingest import deliveries, own_connections, schools
from models.schema import clock, database
from models.schema.backup.container import BackupRefused
from models.schema.database import DatabaseUnsafe
from models.schema.encryption import DecryptionFailed, KeyRefused
from models.schema.records import Finding, Verdict

DONE, REFUSED, COULD_NOT = 0, 1, 2
LOAD_SOURCE = ("load", "Bestand")
LOAD_ROSTER_SOURCE = ("load-roster", "Bestand met leerlingen")
DEMO_DATA = Path("data/demo")
_OWN_SENTENCE = (
    BackupRefused, ConfigError, DatabaseUnsafe, DecryptionFailed, KeyRefused, PortTaken, SelfCheckFailed
)  # fmt: skip


def main() -> None:
    """The program `rondblik`."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command; gives its exit code. What goes wrong is one sentence on stderr."""
    try:
        code = commands.main(list(arguments), prog_name="rondblik", standalone_mode=False)
    except click.ClickException as wrong:
        return _fail(wrong.format_message())
    except (click.Abort, KeyboardInterrupt):
        return 130
    except ConnectorError as failed:
        return _fail(failed.sentence_en)
    except _OWN_SENTENCE as failed:
        return _fail(str(failed))
    except SQLAlchemyError as failed:
        # The text of these may hold an address with a password, or values: only the kind is shown.
        return _fail(
            f"The database cannot be used ({type(failed).__name__}); check that it runs, its address in the "
            "configuration, and the permissions of the data folder."
        )
    except OSError as failed:
        return _fail(f"{failed.filename or 'A file'}: {failed.strerror or 'cannot be used'}.")
    return code if isinstance(code, int) else DONE


def _fail(sentence: str) -> int:
    click.echo(sentence, err=True)
    return COULD_NOT


@click.group()
@click.option("--config", type=click.Path(path_type=Path), help="The configuration; config.yaml in this folder.")
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="The data folder.")
@click.version_option(package_name="rondblik")
@click.pass_context
def commands(context: click.Context, config: Path | None, data: Path | None) -> None:
    """Rondblik: one overview of all learning materials, from UWLR results of several publishers."""
    context.obj = Options(config, data)


# -- running -------------------------------------------------------------------------------------------------


@commands.command()
@click.option("--port", type=click.IntRange(0, 65535), default=8050, show_default=True, help="0: any free port.")
@click.pass_obj
def demo(options: Options, port: int) -> int:
    """Show a made-up school, with a simulated LAS and simulated publishers on this machine."""
    from dashboard.cli import demo as demonstration

    return demonstration.run(options.data or DEMO_DATA, port)


@commands.command()
@click.option("--port", type=click.IntRange(0, 65535), help="Another port than the configured one; 0: any free port.")
@click.option("--soap-only", is_flag=True, help="Only the service for publishers, at receive.host and receive.port.")
@click.option("--upgrade", is_flag=True, help="Upgrade a database of an earlier version first, after a backup.")
@click.option("--no-worker", is_flag=True, help="Fetch nothing: `rondblik worker` does that in a process of its own.")
@click.pass_obj
def serve(options: Options, port: int | None, soap_only: bool, upgrade: bool, no_worker: bool) -> int:
    """Serve the dashboard and the service for publishers, and fetch what is due.

    Unless people sign in (`sign_in` in the configuration, or `rondblik account add`) it serves this machine only.
    """
    from dashboard.cli.serving import dashboard_app, printed_address
    from dashboard.server.serving import serve as serve_app
    from dashboard.server.wsgi import create_soap_app

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


@commands.command()
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


@commands.command()
@click.option("--publisher", "key", metavar="ID", help="Only this publisher or LAS.")
@click.pass_obj
def sync(options: Options, key: str | None) -> int:
    """Fetch from every source now, due or not."""
    with open_store(options) as store:
        context, connection_configs = _work_context(store)
        with database.read_transaction(store.engine) as connection:
            own = own_connections.sources_in_use(connection)
        known = [*(connection_config.row for connection_config in connection_configs), *own]
        wanted = [row for row in known if key in (None, row.source_key)]
        if key is not None and not wanted:
            return _fail(f"There is no source with id {key}; check its spelling.")
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
        return _fail(f"{source_key}: it was stopped, or another worker is fetching it now; try again later.")
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
    connection_configs = applying.apply(store.settings, store.engine)
    check_tolerances(store.settings)
    applying.apply_senders(store.settings, store.engine, store.cipher)
    return make_context(store.settings, store.engine, store.cipher, connection_configs), connection_configs


# -- files ---------------------------------------------------------------------------------------------------

_FILES = click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
_POLICY = click.option("--policy", type=click.Choice(POLICIES), help="How exact a sender must be; strict.")


@commands.command()
@_FILES
@click.option("--roster", is_flag=True, help="The files hold pupils: EDEXML, or the answer of a LAS.")
@click.option("--source", "key", metavar="ID", help="The source that they come from; without it, a source for files.")
@_POLICY
@click.pass_obj
def load(options: Options, files: tuple[Path, ...], roster: bool, key: str | None, policy: str | None) -> int:
    """Take in files with results (UWLR XML, or a zip of them), or with --roster pupils."""
    _check_there(files)
    with open_store(options) as store:
        applying.apply(store.settings, store.engine)
        fallback = LOAD_ROSTER_SOURCE if roster else LOAD_SOURCE
        source_id = _source_id(store.engine, key, fallback, "las" if roster else "publisher")
        loading = LoadTarget(
            store.engine,
            store.cipher,
            source_id,
            _policy(store.settings, key, policy),
            store.settings.retention,
            roster,
        )
        return _each_file(
            files, "Loading", lambda path, reached: file_loading.load_file(path, loading, reached), _print_loaded
        )


@commands.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@_POLICY
@click.option("--json", "as_json", is_flag=True, help="One JSON object a file, or one for the endpoint.")
@check_command.options
def check(files: tuple[Path, ...], policy: str | None, as_json: bool, **values: Any) -> int:
    """Judge FILES, or an endpoint, by the standard, without a database: 0 no error, 1 an error, 2 could not run."""
    check_options = check_command.CheckOptions(as_json=as_json, **values)
    if check_options.list_scenarios:
        return check_command.list_scenarios()
    if (check_options.endpoint is None) == (not files):
        raise click.UsageError("Give either FILES or an address with --endpoint.")
    if check_options.endpoint is not None:
        if policy is not None:
            raise click.UsageError("An endpoint is checked strictly; leave out --policy.")
        return check_command.check_endpoint(check_options)
    _check_there(files)
    chosen = cast(Policy, policy or "strict")
    tell = _print_json if as_json else _print_checked
    file_verdicts: list[FileVerdict] = []

    def keep(judged: FileVerdict) -> None:
        file_verdicts.append(judged)
        tell(judged)

    code = _each_file(files, "Checking", lambda path, reached: file_loading.check_file(path, chosen, reached), keep)
    return check_command.finish_files(file_verdicts, check_options, code)


def _check_there(files: Sequence[Path]) -> None:
    for path in files:
        if not path.is_file():
            raise click.FileError(str(path), "there is no such file")


def _each_file(
    files: Sequence[Path],
    title: str,
    judge: Callable[[Path, Reached], Iterator[FileVerdict]],
    tell: Callable[[FileVerdict], None],
) -> int:
    code, before = DONE, 0
    sizes = [path.stat().st_size for path in files]
    with progress_bars.by_bytes(title, sum(sizes)) as read:
        for path, size in zip(files, sizes, strict=True):

            def reached(position: int, name: str = path.name, before: int = before, size: int = size) -> None:
                read(name, before + min(position, size))

            try:
                for judged in judge(path, reached):
                    tell(judged)
                    code = max(code, REFUSED if judged.refused else DONE)
            except ConnectorError as failed:
                code = _fail(f"{path}: {failed.sentence_en}")
            reached(size)
            before += size
    return code


def _print_loaded(judged: FileVerdict) -> None:
    counts = ", ".join(f"{count} {name}" for name, count in (judged.counts or {}).items() if count)
    _print_verdict(judged, counts)


def _print_checked(judged: FileVerdict) -> None:
    _print_verdict(judged, "")


def _print_verdict(judged: FileVerdict, counts: str) -> None:
    if judged.problem is not None:
        click.echo(f"{judged.name}: {judged.problem}", err=True)
        return
    words = {Verdict.ACCEPT: "accepted", Verdict.WARN: "accepted with warnings", Verdict.REJECT: "refused"}
    parts = [words[judged.verdict], judged.fault or "", judged.note, counts]
    click.echo(f"{judged.name}: {'; '.join(part for part in parts if part)}")
    for finding in judged.findings:
        click.echo(f"  {_finding_text(_finding_json(finding))}")


def _print_json(judged: FileVerdict) -> None:
    findings = [_finding_json(finding) for finding in judged.findings]
    record: dict[str, object] = {
        "file": judged.name,
        "verdict": judged.verdict.value,
        "fault": judged.fault,
        "findings": findings,
        **check_command.file_states(judged),
    }
    if judged.problem is not None:
        record["problem"] = judged.problem
    click.echo(json.dumps(record, ensure_ascii=False))


def _finding_text(finding: dict[str, Any]) -> str:
    """A finding for people, in Dutch: a remedy comes in that language only."""
    location = f" regel {finding['line']}, kolom {finding['column']}" if finding["line"] is not None else ""
    return f"{finding['level']} {finding['rule']}{location}: {finding['message_nl']} {finding['remedy']}".rstrip()


_SHOWN = ("rule", "level", "clause", "path", "line", "column", "message_nl", "message_en", "remedy", "remedy_en")


def _finding_json(finding: Finding) -> dict[str, object]:
    whole = dataclasses.asdict(finding)
    return {name: whole[name] for name in _SHOWN}


def _policy(settings: Settings, key: str | None, policy: str | None) -> Policy:
    """The policy that was asked for, else that of the publisher in the configuration, else strict."""
    if policy is not None:
        return cast(Policy, policy)
    return next((publisher.policy for publisher in settings.publishers if publisher.id == key), "strict")


def _source_id(engine: Engine, key: str | None, fallback: tuple[str, str], role: str) -> int:
    """The source with this key, made where it is new; without a key the one for files."""
    chosen, name = (key, key) if key is not None else fallback
    if not chosen.replace("-", "").replace("_", "").isalnum() or not chosen.isascii() or chosen != chosen.lower():
        raise click.BadParameter("must be small letters, digits, - and _ only", param_hint="--source")
    with database.write_transaction(engine) as connection:
        known = schools.find_source(connection, chosen)
        return known if known is not None else schools.ensure_source(connection, chosen, name, role)


# -- looking -------------------------------------------------------------------------------------------------


@commands.command("deliveries")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a delivery.")
@click.pass_obj
def list_deliveries(options: Options, as_json: bool) -> int:
    """List what came in, newest first, and what became of it."""
    with open_store(options) as store:
        for delivery in deliveries.newest(store.engine):
            record = {
                "id": delivery.id,
                "source": delivery.source,
                "school": delivery.school,
                "what": delivery.what,
                "way": delivery.channel,
                "time": clock.from_us(delivery.received_us).astimezone(clock.AMSTERDAM).isoformat(timespec="seconds"),
                "verdict": delivery.verdict,
                "fault": delivery.fault,
                "findings": [{name: finding.get(name) for name in _SHOWN} for finding in delivery.findings],
                "counts": delivery.counts,
                "digest": delivery.digest.hex(),
                "size": delivery.size,
            }
            if as_json:
                click.echo(json.dumps(record, ensure_ascii=False))
            else:
                _print_delivery(record)
    return DONE


def _print_delivery(record: dict[str, Any]) -> None:
    counts = ", ".join(f"{count} {name}" for name, count in record["counts"].items() if count)
    parts = [record["time"], record["source"] or "-", record["what"], record["verdict"], record["fault"] or "", counts]
    click.echo("  ".join(part for part in parts if part))
    for finding in record["findings"]:
        click.echo(f"    {_finding_text(finding)}")


commands.add_command(account)
commands.add_command(audit)
commands.add_command(sender)
commands.add_command(quarantine)
commands.add_command(backup)
commands.add_command(restore)
commands.add_command(doctor)
commands.add_command(person)
commands.add_command(retention)


@commands.group()
def db() -> None:
    """Look after the database."""


@db.command()
@click.option("--backup", "file", type=click.Path(path_type=Path, dir_okay=False), help="Where the backup goes.")
@click.option("--no-backup", is_flag=True, help="Of PostgreSQL only: without a backup, because there is one.")
@click.pass_obj
def upgrade(options: Options, file: Path | None, no_backup: bool) -> int:
    """Bring the tables to this program's version; of an earlier version a backup is made first, in the data folder."""

    def no_more(store: Store) -> None:
        if store.engine.dialect.name == "sqlite":
            raise click.UsageError("SQLite is never upgraded without a backup; leave out --no-backup.")

    with open_store(options, no_more if no_backup else backup_before_upgrade(file)):
        click.echo("The database is up to date.")
    return DONE


@db.command()
@click.option("--node", "addresses", metavar="DSN", multiple=True, help="An empty database on PostgreSQL; repeat it.")
@click.pass_obj
def distribute(options: Options, addresses: tuple[str, ...]) -> int:
    """Move the data of schools to these databases, or without any back to the one of the configuration.

    Stop `serve` and `worker` before. The schools are divided evenly by their numbers.
    """
    for address in addresses:
        if not address.startswith("postgresql+psycopg://"):
            raise click.BadParameter("must begin with postgresql+psycopg://", param_hint="--node")
    if len(set(addresses)) < len(addresses):
        raise click.BadParameter("names a database twice", param_hint="--node")
    from models.schema import nodes

    with open_store(options) as store:
        counts = nodes.distribute(store.engine, addresses)
    where = f"{len(addresses)} nodes" if addresses else "one database"
    click.echo(f"{sum(counts.values())} rows of schools stand on {where} now, {counts['results']} results among them.")
    return DONE
