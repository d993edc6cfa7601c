"""What a backup says of itself, as its first line: of which store, of which version, and how many rows it holds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import BinaryIO

from sqlalchemy import Connection, func, inspect, select, table

from models.schema import clock
from models.schema.database import schema_revision
from models.schema.encryption import PiiCipher

MAX_LINE = 1 << 20
ROWS = "rows"  # what follows are the rows of each table (`models.schema.backup.rows`), not what pg_dump writes


@dataclass(frozen=True, slots=True)
class Manifest:
    """The description of a backup; `rows` has the number of rows of every table, `key` the fingerprint in hexadecimal.

    `files` has the sizes of the files of SQLite that follow, by name and in their order. `made_us` is the moment of the
    state of the store that it holds.
    """

    dialect: str  # sqlite or postgresql
    revision: str
    key: str
    made_us: int
    rows: Mapping[str, int]
    files: Mapping[str, int] = field(default_factory=dict)
    form: str = ""

    def write(self, file: BinaryIO) -> None:
        """Write the first line."""
        file.write(json.dumps(asdict(self)).encode() + b"\n")

    @classmethod
    def read(cls, file: BinaryIO) -> Manifest:
        """Read the first line."""
        return cls(**json.loads(file.readline(MAX_LINE)))


def describe(connection: Connection, cipher: PiiCipher) -> Manifest:
    """The manifest of the state of a store that a connection sees."""
    return Manifest(
        dialect=connection.dialect.name,
        revision=schema_revision(connection) or "",
        key=cipher.fingerprint.hex(),
        made_us=clock.now_us(),
        rows=count_rows(connection),
    )


def count_rows(connection: Connection) -> dict[str, int]:
    """The number of rows of every table."""
    names = sorted(inspect(connection).get_table_names())
    return {name: connection.scalar(select(func.count()).select_from(table(name))) or 0 for name in names}
