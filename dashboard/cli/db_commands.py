"""The commands `db`: the tables of the database."""

from __future__ import annotations

from pathlib import Path

import click

from dashboard.cli.backup_commands import backup_before_upgrade
from dashboard.cli.exit_codes import DONE
from dashboard.cli.node_option import nodes
from dashboard.settings.open_store import Options, Store, open_store
from models.access.audit import open_audit
from models.schema import database, row_security


@click.group()
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
@click.argument("role")
@click.pass_obj
def protect(options: Options, role: str) -> int:
    """Of PostgreSQL only: let ROLE serve, and let the database itself keep the schools apart from each other.

    As the owner of the tables, who is not ROLE: RONDBLIK_DATABASE__URL=... rondblik db protect ROLE.
    """
    with open_store(options) as store:
        if store.engine.dialect.name == "sqlite":
            raise click.UsageError("SQLite has no row-level security.")
        open_audit(store.engine, store.cipher)
        with database.write_transaction(store.engine) as connection:
            if database.stands_on_nodes(connection):
                raise click.UsageError("The schools stand on several servers, which row-level security does not cover.")
            row_security.protect(connection, role)
        click.echo(f"{role} may read and write, a school at a time.")
    return DONE


@db.command()
@nodes("An empty database on PostgreSQL; repeat it.")
@click.pass_obj
def distribute(options: Options, addresses: tuple[str, ...]) -> int:
    """Move the data of schools to these databases, or without any back to the one of the configuration.

    Stop `serve` and `worker` before. The schools are divided evenly by their numbers.
    """
    from models.schema.nodes import distribute as divide

    with open_store(options) as store:
        counts = divide(store.engine, addresses)
    where = f"{len(addresses)} nodes" if addresses else "one database"
    click.echo(f"{sum(counts.values())} rows of schools stand on {where} now, {counts['results']} results among them.")
    return DONE
