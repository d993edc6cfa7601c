"""Copying a SQLite store with SQLite's own backup API, and putting a copy in the place of a store.

A copy of the file loses what is written meanwhile; the backup API gives one state, while others go on writing.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, NullPool, create_engine

from models.schema.backup.container import BackupRefused
from models.schema.database import AUDIT_FILE, BUSY_SECONDS, SQLITE_FILE, DatabaseInUse

WORK_FOLDER = ".backup-"  # beside the database, for its owner only, while a backup is made or restored


def path_of(engine: Engine) -> Path:
    """The file of the database."""
    assert engine.url.database is not None
    return Path(engine.url.database)


@contextmanager
def work_folder(folder: Path) -> Iterator[Path]:
    """A private folder beside the store, gone afterwards; what a process that was killed left there goes first."""
    for stale in folder.glob(f"{WORK_FOLDER}*"):
        _remove_unless_used(stale)
    with tempfile.TemporaryDirectory(prefix=WORK_FOLDER, dir=folder) as name, _opened(Path(name)) as handle:
        fcntl.flock(handle, fcntl.LOCK_SH)
        yield Path(name)


def _remove_unless_used(folder: Path) -> None:
    with _opened(folder) as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return  # another process works in it
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _opened(folder: Path) -> Iterator[int]:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield handle
    finally:
        os.close(handle)


def copy_files(store: Path, folder: Path) -> list[Path]:
    """Copies of the files of a store in a folder, the store itself first; of each the state of one moment.

    The audit log is copied last, so that it has every event about what is in the copy of the store.
    """
    return [_copied(path, folder / name) for path, name in _files(store) if path.exists()]


def _files(store: Path) -> list[tuple[Path, str]]:
    """The files of a store, and how they are called in a backup."""
    return [(store, SQLITE_FILE), (store.with_name(AUDIT_FILE), AUDIT_FILE)]


def _copied(source: Path, target: Path) -> Path:
    with (
        closing(sqlite3.connect(source, timeout=BUSY_SECONDS)) as connection,
        closing(sqlite3.connect(target)) as copy,
    ):
        try:
            connection.backup(copy)  # in one step, so it is the state of one moment
        except sqlite3.Error as failed:
            raise BackupRefused(
                f"De database is niet te kopiëren ({failed}); er is evenveel ruimte nodig als zij groot is.",
                f"The database cannot be copied ({failed}); that needs as much space as it takes itself.",
            ) from None
    return target


@contextmanager
def opened_copy(file: Path) -> Iterator[Connection]:
    """A connection to a copy that nobody else uses."""
    engine = create_engine(f"sqlite:///{file}", hide_parameters=True, poolclass=NullPool)
    with engine.connect() as connection:
        yield connection


def check_whole(file: Path) -> None:
    """Raises BackupRefused where SQLite finds anything wrong with a database."""
    with opened_copy(file) as connection:
        whole = connection.exec_driver_sql("PRAGMA integrity_check").scalars().all() == ["ok"]
        linked = connection.exec_driver_sql("PRAGMA foreign_key_check").first() is None
    if not whole or not linked:
        raise BackupRefused(
            "De database in deze reservekopie is niet heel; neem een andere.",
            "The database in this backup is not sound; take another one.",
        )


def put_in_place(folder: Path, store: Path) -> None:
    """Rename the restored files in a folder to those of the store; raises DatabaseInUse where one is."""
    restored = [(folder / name, target) for target, name in _files(store) if (folder / name).exists()]
    with ExitStack() as held:
        for _, target in restored:
            held.enter_context(_alone(target))
        for file, target in reversed(restored):  # the store last
            os.replace(file, target)
            for ending in ("-wal", "-shm", "-journal"):
                target.with_name(target.name + ending).unlink(missing_ok=True)
    with _opened(store.parent) as handle:
        os.fsync(handle)


@contextmanager
def _alone(database: Path) -> Iterator[None]:
    """Nobody else has the database open; what stands in its log has gone into the file, and the log is gone."""
    if not database.exists():
        yield
        return
    with closing(sqlite3.connect(database, timeout=1.0, isolation_level=None)) as connection:
        try:
            connection.execute("PRAGMA journal_mode=DELETE")  # refused while anybody else has the file open
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError:
            raise DatabaseInUse from None
        except sqlite3.DatabaseError:
            pass  # no database any more: it is replaced
        yield
