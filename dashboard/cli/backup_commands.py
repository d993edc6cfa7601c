"""`rondblik backup` and `rondblik restore`, and the backup before an upgrade."""

from __future__ import annotations

from pathlib import Path

import click
from sqlalchemy import Engine, delete

from dashboard.cli.node_option import nodes
from dashboard.settings.open_store import BeforeUpgrade, Options, Store, open_existing
from dashboard.settings.schema import Settings
from dashboard.settings.self_check import UPGRADE_BACKUPS
from models.ingest import erasure, retention
from models.sandbox import sandboxes
from models.schema import clock, database
from models.schema.backup.container import cipher_of
from models.schema.backup.making import make_backup, restore_backup
from models.schema.backup.manifest import Manifest
from models.schema.encryption import PiiCipher, former_keys, read_key
from models.schema.store_key import missing_key, take_over
from models.schema.tables import sessions, sign_in_states

SHOWN = ("schools", "pupils", "results", "deliveries")  # of the tables


@click.command()
@click.argument("target", type=click.Path(path_type=Path), metavar="FILE")
@click.pass_obj
def backup(options: Options, target: Path) -> None:
    """Write an encrypted backup to FILE, or to a new file with the time in its name where FILE is a folder.

    The program may go on running. The key of the store is not in it: keep a copy of sealing.key somewhere else.
    """
    with open_existing(options.settings()) as store:
        file = target / _file_name("rondblik") if target.is_dir() else target
        manifest = make_backup(store.engine, store.cipher, file)
    click.echo(f"{file}: {_size(file)}; {_sentence(manifest)}")


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--overwrite", is_flag=True, help="In the place of the database that is there, which is lost.")
@nodes("An empty database that the schools go to then, as with `db distribute`; repeat it.")
@click.pass_obj
def restore(options: Options, file: Path, overwrite: bool, addresses: tuple[str, ...]) -> None:
    """Make the database of the configuration from a backup; stop `serve` and `worker` first.

    The key of the store (sealing.key) must be in the data folder already, that of the time of the backup beside it if
    the key was replaced since, and erased.jsonl if pupils were ever erased: they are erased again. What was due for
    deletion since the backup was made is deleted, the tables are brought to this program's version, and everybody has
    to sign in again.
    """
    settings = options.settings()
    cipher = read_key(settings.data)
    if cipher is None:
        raise missing_key(settings.data)
    theirs = cipher_of(file, [cipher, *former_keys(settings.data, cipher)])
    engine = database.open_engine(settings.database_address)
    try:
        manifest = restore_backup(
            engine, theirs, file, lambda restored: finish_restored(restored, theirs, cipher, settings), overwrite
        )
        if addresses:
            from models.schema.nodes import distribute

            distribute(engine, addresses)
    finally:
        engine.dispose()
    click.echo(f"Restored {file.name}: {_sentence(manifest)}. Everybody has to sign in again.")


def finish_restored(engine: Engine, theirs: PiiCipher, cipher: PiiCipher, settings: Settings) -> None:
    """Bring a store that came from a backup up to date: its version, its key, and all that must not come back.

    That is what has been due for deletion since, pupils who were erased since (by the file in the data folder), and
    sessions that may have ended since.
    """
    take_over(engine, theirs, cipher)
    with database.write_transaction(engine) as connection:
        connection.execute(delete(sessions))
        connection.execute(delete(sign_in_states))
    retention.forget_all(engine, settings.retention)
    erasure.repeat_erasures(engine, cipher, settings.data)
    sandboxes.empty_due(engine)


def backup_before_upgrade(file: Path | None = None) -> BeforeUpgrade:
    """What makes a backup of a store that is to be upgraded: `file`, or a new one in the data folder; prints which."""

    def make(store: Store) -> None:
        folder = store.settings.data / UPGRADE_BACKUPS
        if file is None:
            folder.mkdir(mode=0o700, exist_ok=True)
        target = file or folder / _file_name("before-upgrade")
        make_backup(store.engine, store.cipher, target)
        click.echo(f"Backup before the upgrade: {target}; remove it when the new version works.")

    return make


def _file_name(prefix: str) -> str:
    return f"{prefix}-{clock.now().astimezone(clock.AMSTERDAM):%Y%m%d-%H%M%S}.backup"


def _size(file: Path) -> str:
    return f"{file.stat().st_size / 1_000_000:.1f} MB"


def _sentence(manifest: Manifest) -> str:
    """Of when a backup is, and how much is in it."""
    moment = clock.from_us(manifest.made_us).astimezone(clock.AMSTERDAM).isoformat(sep=" ", timespec="seconds")
    counts = ", ".join(f"{manifest.rows.get(name, 0)} {name}" for name in SHOWN)
    return f"state of {moment}, with {counts}"
