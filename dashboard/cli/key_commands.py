"""`rondblik key`: replacing the key with which the store is encrypted."""

from __future__ import annotations

import click

from dashboard.cli.operator_log import note_down
from dashboard.settings.open_store import Options, open_store
from models.ingest.schools import all_schools
from models.schema.database import read_transaction
from models.schema.encryption import KEY_FILE, former_key_file
from models.schema.key_rotation import rotate

BY = "rondblik key"


@click.group()
def key() -> None:
    """The key with which the store is encrypted."""


@key.command("rotate")
@click.pass_obj
def rotate_key(options: Options) -> None:
    """Replace the key by a new one and encrypt everything anew; stop `serve` and `worker` first.

    All of it is done or nothing. Backups of before need the former key, which stays in the data folder.
    """
    with open_store(options) as store:
        rotate(store.engine, store.cipher, store.settings.data)
        former = former_key_file(store.settings.data, store.cipher)
    with open_store(options) as store, read_transaction(store.engine) as connection:  # with the new key
        note_down(store, BY, [school_id for school_id, _name in all_schools(connection)], "store key replaced")
    click.echo(
        f"{store.settings.data / KEY_FILE} is a new key: copy it to where you keep keys, apart from backups. Backups "
        f"made until now need {former.name}: move it there too, and delete it when the last of them is gone."
    )
