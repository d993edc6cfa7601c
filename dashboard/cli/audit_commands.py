"""`rondblik audit`: check the audit logs of the schools, export one, and print its head to be kept elsewhere."""

from __future__ import annotations

import json
import re
from typing import IO

import click
from sqlalchemy import select

from dashboard.settings.open_store import Options, open_store
from models.access.audit import audit_log
from models.schema.database import read_transaction
from models.schema.tables import schools

REFUSED = 1
_HEAD = re.compile(r"(\d+) (\d+) ([0-9a-f]{32})", re.ASCII)


@click.group()
def audit() -> None:
    """Check and export the audit logs: who looked at whom, saved, wrote and changed what."""


@audit.command()
@click.option("--heads", "written", type=click.File(), help="A file with heads that `audit head` printed before.")
@click.pass_obj
def verify(options: Options, written: IO[str] | None) -> int:
    """Check that no event was changed, removed or put in between. Exit code 1 where one was."""
    known = _read_heads(written)
    with open_store(options) as store, audit_log(store.engine, store.cipher) as log:
        problems = 0
        for school_id in sorted({*log.schools(), *known}):
            for problem in log.problems(school_id, known.get(school_id, ())):
                problems += 1
                click.echo(f"school {school_id}: {problem}")
            click.echo(f"school {school_id}: {log.head(school_id)[0]} events")
    click.echo("No sign of tampering." if not problems else f"{problems} problems.")
    return REFUSED if problems else 0


def _read_heads(written: IO[str] | None) -> dict[int, list[tuple[int, str]]]:
    """The heads in a file, by school: a line each with school, number and digest."""
    known: dict[int, list[tuple[int, str]]] = {}
    for line in written or ():
        match = _HEAD.fullmatch(line.strip())
        if match is None:
            raise click.ClickException("The file with heads holds a line that `rondblik audit head` did not print.")
        known.setdefault(int(match[1]), []).append((int(match[2]), match[3]))
    return known


@audit.command()
@click.pass_obj
def head(options: Options) -> None:
    """Print school, number and digest of the newest event of each school; append them to a file elsewhere every day."""
    with open_store(options) as store, audit_log(store.engine, store.cipher) as log:
        for school_id in log.schools():
            number, digest = log.head(school_id)
            click.echo(f"{school_id} {number} {digest}")


@audit.command()
@click.argument("school", type=int)
@click.pass_obj
def export(options: Options, school: int) -> None:
    """Print every event of the school with this number as a line of JSON, the oldest first."""
    with open_store(options) as store:
        with read_transaction(store.engine) as connection:
            if connection.scalar(select(schools.c.id).where(schools.c.id == school)) is None:
                raise click.ClickException("There is no school with this number.")
        with audit_log(store.engine, store.cipher) as log:
            for event in log.export(school):
                click.echo(json.dumps(event, ensure_ascii=False))
