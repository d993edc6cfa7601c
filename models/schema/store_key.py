"""The key of a store: made together with the store, and checked whenever the store is opened.

With another key nothing that is stored is found back: a roster would add every pupil once more. So the database keeps
the fingerprint of its key, and nothing is done while the key file is missing or holds another key.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Connection, Engine, insert, inspect, literal, select

from models.schema import database, encryption, key_rotation
from models.schema.encrypted_columns import ENCRYPTED
from models.schema.encryption import KeyRefused, PiiCipher
from models.schema.tables import key_fingerprints, metadata

MAX_TRIED = 100  # values of a column


def open_encrypted(
    engine: Engine, folder: Path, before_upgrade: Callable[[PiiCipher], object] | None = None
) -> PiiCipher:
    """Return the cipher of the key that belongs to the store; an empty database becomes a store first.

    A store of an earlier version is upgraded where `before_upgrade` is given, which is called with its cipher before
    anything changes. A store without any data gets a new key file where there is none. Raises KeyRefused,
    DatabaseUnsafe or OSError, and has changed nothing then.
    """

    def prepare(connection: Connection) -> None:
        assert before_upgrade is not None
        before_upgrade(existing_cipher(connection, folder))

    with database.upgrading(engine, prepare if before_upgrade else None) as connection:
        # One process at a time, so two first starts make one key.
        cipher = encryption.read_key(folder)
        stored = connection.scalar(select(key_fingerprints.c.fingerprint))
        if stored is None:
            cipher = _first_key(connection, folder, cipher)
            connection.execute(insert(key_fingerprints).values(id=1, fingerprint=cipher.fingerprint))
        else:
            cipher = _checked(folder, cipher, stored)
        key_rotation.bind(connection, cipher)
        return cipher


def take_over(engine: Engine, theirs: PiiCipher, ours: PiiCipher) -> None:
    """Make a store that was put back from a backup one of this version and of our key; theirs is that of the backup."""
    with database.upgrading(engine, lambda _connection: None) as connection:
        if connection.scalar(select(key_fingerprints.c.fingerprint)) is None:
            connection.execute(insert(key_fingerprints).values(id=1, fingerprint=theirs.fingerprint))
        key_rotation.bind(connection, theirs)
        if theirs != ours:
            key_rotation.encrypt_anew(connection, theirs, ours)


def existing_cipher(connection: Connection, folder: Path) -> PiiCipher:
    """The cipher of the key that belongs to a store, of this version or an earlier one; raises KeyRefused, OSError."""
    cipher = encryption.read_key(folder)
    has_fingerprint = inspect(connection).has_table(key_fingerprints.name)
    stored = connection.scalar(select(key_fingerprints.c.fingerprint)) if has_fingerprint else None
    if stored is not None:
        return _checked(folder, cipher, stored)
    if cipher is None:
        raise missing_key(folder)
    if not _decrypts_something(connection, cipher):
        raise _other(folder)
    return cipher


def _checked(folder: Path, cipher: PiiCipher | None, stored: bytes) -> PiiCipher:
    """The cipher whose fingerprint is stored; the next key where its rotation was interrupted at the end."""
    if cipher is not None and hmac.compare_digest(stored, cipher.fingerprint):
        return cipher
    fresh = encryption.next_key(folder)
    if fresh is not None and hmac.compare_digest(stored, fresh.fingerprint):
        encryption.use_next_key(folder)
        return fresh
    raise missing_key(folder) if cipher is None else _other(folder)


def _first_key(connection: Connection, folder: Path, cipher: PiiCipher | None) -> PiiCipher:
    """The key whose fingerprint a store is to keep that has none: it is new, or of an earlier version."""
    if cipher is None:
        if any(connection.scalar(select(literal(1)).select_from(table).limit(1)) for table in metadata.sorted_tables):
            raise missing_key(folder)
        return encryption.make_key(folder)
    if not _decrypts_something(connection, cipher):
        raise _other(folder)
    return cipher


def _decrypts_something(connection: Connection, cipher: PiiCipher) -> bool:
    """Whether a key opens a value of a store without a fingerprint, or there is none to try it on."""
    empty, existing = True, inspect(connection)
    for column in ENCRYPTED:
        table = column.table.name
        if not existing.has_table(table) or column.name not in {item["name"] for item in existing.get_columns(table)}:
            continue  # of a later version
        for value in connection.scalars(select(column).where(column.is_not(None)).limit(MAX_TRIED)):
            empty = False
            if cipher.has_encrypted(value):
                return True
    return empty


def missing_key(folder: Path) -> KeyRefused:
    """The exception for a data folder without the key file of its store."""
    path = folder / encryption.KEY_FILE
    return KeyRefused(
        f"{path} ontbreekt, en de database is met de sleutel daarin verzegeld; zet het bestand terug.",
        f"{path} is missing, and the database is sealed with the key in it; put the file back.",
    )


def _other(folder: Path) -> KeyRefused:
    path = folder / encryption.KEY_FILE
    return KeyRefused(
        f"{path} is niet de sleutel waarmee deze database verzegeld is; zet het bestand terug dat erbij hoort.",
        f"{path} is not the key with which this database is sealed; put the file back that belongs to it.",
    )
