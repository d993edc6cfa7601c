"""The commands `load` and `check`: files that are taken in, or only judged."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import click
from sqlalchemy import Engine

from connectors.errors import ConnectorError
from connectors.intake import file_loading
from connectors.intake.file_loading import FileVerdict, LoadTarget, Reached
from connectors.uwlr.agreement import POLICIES, Policy
from dashboard.cli import check_command, progress_bars
from dashboard.cli.exit_codes import DONE, REFUSED, fail
from dashboard.cli.findings import finding_json, finding_text
from dashboard.settings import applying
from dashboard.settings.noting import noted_changes
from dashboard.settings.open_store import Options, open_store
from dashboard.settings.schema import Settings
from models.ingest import schools
from models.schema import database
from models.schema.records import Verdict

LOAD_SOURCE = ("load", "Bestand")
LOAD_ROSTER_SOURCE = ("load-roster", "Bestand met leerlingen")

_FILES = click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
_POLICY = click.option("--policy", type=click.Choice(POLICIES), help="How exact a sender must be; strict.")


@click.command()
@_FILES
@click.option("--roster", is_flag=True, help="The files hold pupils: EDEXML, or the answer of a LAS.")
@click.option("--source", "key", metavar="ID", help="The source that they come from; without it, a source for files.")
@_POLICY
@click.pass_obj
def load(options: Options, files: tuple[Path, ...], roster: bool, key: str | None, policy: str | None) -> int:
    """Take in files with results (UWLR XML, or a zip of them), or with --roster pupils."""
    _check_there(files)
    with open_store(options) as store:
        with noted_changes(store.engine, store.cipher):
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


@click.command()
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
                code = fail(f"{path}: {failed.sentence_en}")
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
        click.echo(f"  {finding_text(finding_json(finding))}")


def _print_json(judged: FileVerdict) -> None:
    findings = [finding_json(finding) for finding in judged.findings]
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
