"""The key of a store: made together with the store, and checked whenever the store is opened.

With another key nothing that is stored is found back: a roster would add every pupil once more. So the database keeps
the fingerprint of its key, and nothing is done while the key file is missing or holds another key.
"""

from __future__ import annotations

import hmac
from pathlib import Path

from sqlalchemy import Column, Connection, Engine, insert, literal, select

from models.schema import database, encryption
from models.schema.encryption import DecryptionFailed, KeyRefused, PiiCipher
from models.schema.tables import (
    identifiers,
    key_fingerprints,
    metadata,
    notes,
    raw_messages,
    rosters,
    teachers,
    test_rooms,
    work_queue,
)

# Every encrypted column; those first that most databases have.
ENCRYPTED_COLUMNS: tuple[Column[bytes], ...] = (
    identifiers.c.sealed,
    teachers.c.key_sealed,
    notes.c.sealed,
    test_rooms.c.account,
    work_queue.c.payload,
    work_queue.c.excerpts,
    rosters.c.sealed,
    raw_messages.c.sealed,
)
MAX_TRIED = 100  # values of a column


def open_encrypted(engine: Engine, folder: Path) -> PiiCipher:
    """Bring the tables to this program's version, and return the cipher of the key that belongs to them.

    A store without any data gets a new key file where there is none. Raises KeyRefused, DatabaseUnsafe or OSError, and
    has changed nothing then.
    """
    with database.upgrading(engine) as connection:  # one process at a time, so two first starts make one key
        cipher = encryption.read_key(folder)
        stored = connection.scalar(select(key_fingerprints.c.fingerprint))
        if stored is None:
            cipher = _first_key(connection, folder, cipher)
            connection.execute(insert(key_fingerprints).values(id=1, fingerprint=cipher.fingerprint))
        elif cipher is None:
            raise _missing(folder)
        elif not hmac.compare_digest(stored, cipher.fingerprint):
            raise _other(folder)
        return cipher


def _first_key(connection: Connection, folder: Path, cipher: PiiCipher | None) -> PiiCipher:
    """The key whose fingerprint a store is to keep that has none: it is new, or of an earlier version."""
    if cipher is None:
        if any(connection.scalar(select(literal(1)).select_from(table).limit(1)) for table in metadata.sorted_tables):
            raise _missing(folder)
        return encryption.make_key(folder)
    if not _decrypts_something(connection, cipher):
        raise _other(folder)
    return cipher


def _decrypts_something(connection: Connection, cipher: PiiCipher) -> bool:
    """Whether a key opens a value of the store, or there is none to try it on."""
    empty = True
    for column in ENCRYPTED_COLUMNS:
        for value in connection.scalars(select(column).where(column.is_not(None)).limit(MAX_TRIED)):
            empty = False
            try:
                cipher.decrypt(value)
            except DecryptionFailed:
                continue
            return True
    return empty


def _missing(folder: Path) -> KeyRefused:
    path = folder / encryption.KEY_FILE
    return KeyRefused(
        f"{path} ontbreekt, en de database is met de sleutel daarin verzegeld; zet het bestand terug uit de "
        "reservekopie.",
        f"{path} is missing, and the database is sealed with the key in it; put the file back from the backup.",
    )


def _other(folder: Path) -> KeyRefused:
    path = folder / encryption.KEY_FILE
    return KeyRefused(
        f"{path} is niet de sleutel waarmee deze database verzegeld is; zet het bestand terug dat erbij hoort.",
        f"{path} is not the key with which this database is sealed; put the file back that belongs to it.",
    )
