"""Replacing the key with which a store is encrypted, in one transaction (ADR 41).

The files of both keys are there until it has committed, and the fingerprint in the database says which one holds:
whoever opens the store next completes what was interrupted (`store_key`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Connection, Engine, Row, Select, bindparam, literal, select, tuple_, update

from models.schema import encryption
from models.schema.database import ROWS_PER_QUERY, DatabaseUnsafe, sole_use, stands_on_nodes
from models.schema.encrypted_columns import ENCRYPTED, place
from models.schema.encryption import DecryptionFailed, PiiCipher
from models.schema.tables import identifiers, key_fingerprints, raw_messages, teachers

TEACHER = "teacher"  # the kind of digest of a teacher's key; that of an identifier is in its row
_Opened = Callable[[bytes, bytes], bytes]  # what is encrypted, and its place


def rotate(engine: Engine, cipher: PiiCipher, folder: Path) -> PiiCipher:
    """Encrypt a store of this version with a new key, which takes the place of that in the data folder.

    A copy of the former key stays there, for backups of before. Raises DatabaseInUse, DatabaseUnsafe where the schools
    stand on several servers, which do not commit as one, and DecryptionFailed where something cannot be read; then
    nothing has changed.
    """
    with sole_use(engine) as connection:
        if stands_on_nodes(connection):
            raise DatabaseUnsafe(
                "De scholen staan op meer servers; breng ze eerst terug met `rondblik db distribute`. / "
                "The schools stand on several servers; bring them back with `rondblik db distribute` first."
            )
        fresh = encryption.make_next_key(folder, cipher)
        encrypt_anew(connection, cipher, fresh)
    encryption.use_next_key(folder)
    return fresh


def encrypt_anew(connection: Connection, old: PiiCipher, new: PiiCipher) -> None:
    """Encrypt with a new key what is encrypted with an old one, and compute anew the digests that rotate.

    Raises DecryptionFailed.
    """
    for column in ENCRYPTED:
        _rewrite(connection, column, new, old.decrypt)
    connection.execute(update(key_fingerprints).values(fingerprint=new.fingerprint))


def bind(connection: Connection, cipher: PiiCipher) -> None:
    """Encrypt anew, for its place, what programs of before 0020 encrypted for none; what cannot be read stays."""
    if connection.scalar(select(key_fingerprints.c.bound)):
        return

    def opened(encrypted: bytes, where: bytes) -> bytes:
        try:
            return cipher.decrypt(encrypted, where)
        except DecryptionFailed:
            return cipher.decrypt_unbound(encrypted)

    for column in ENCRYPTED:
        _rewrite(connection, column, cipher, opened, skip_unreadable=True)
    connection.execute(update(key_fingerprints).values(bound=True))


def _rewrite(
    connection: Connection, column: Column[Any], new: PiiCipher, opened: _Opened, *, skip_unreadable: bool = False
) -> None:
    key = ENCRYPTED[column]
    names = [f"key_{part.name}" for part in key]
    change = update(column.table).where(*(part == bindparam(name) for part, name in zip(key, names, strict=True)))
    for rows in _portions(connection, column, key):
        changes = []
        for row in rows:
            values = row[: len(key)]
            where = place(column, *values)
            try:
                clear = opened(bytes(row.encrypted), where)
            except DecryptionFailed:
                if skip_unreadable:
                    continue
                raise
            changes.append(
                dict(zip(names, values, strict=True))
                | {column.name: new.encrypt(clear, where)}
                | _digest(column, new, row, clear.decode)
            )
        if changes:
            connection.execute(change, changes)


def _digest(column: Column[Any], new: PiiCipher, row: Row[Any], clear: Callable[[], str]) -> dict[str, bytes]:
    """The digest beside an encrypted value that rotates with the key."""
    if column is identifiers.c.sealed:
        return {"digest": new.rotating_digest(row.kind, clear())}
    if column is teachers.c.key_sealed:
        return {"key_digest": new.rotating_digest(TEACHER, clear())}
    return {}


def _portions(
    connection: Connection, column: Column[Any], key: tuple[Column[Any], ...]
) -> Iterator[Sequence[Row[Any]]]:
    """The rows that have a value in the column, with their key, in portions: a message kept as it came may be large."""
    others = (identifiers.c.kind,) if column.table is identifiers else ()
    query: Select[Any] = select(*key, column.label("encrypted"), *others).where(column.is_not(None)).order_by(*key)
    query = query.limit(1 if column.table is raw_messages else ROWS_PER_QUERY)
    rows = connection.execute(query).all()
    while rows:
        yield rows
        last = [literal(value, part.type) for value, part in zip(rows[-1], key, strict=False)]
        rows = connection.execute(query.where(tuple_(*key) > tuple_(*last))).all()
