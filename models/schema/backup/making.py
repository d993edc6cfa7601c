"""Making a backup of a store while the program runs, and making a store of a backup."""

from __future__ import annotations

import gzip
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, cast

from sqlalchemy import Engine, inspect

from models.schema.backup import postgresql, sqlite
from models.schema.backup.container import BackupRefused, EncryptedReader, EncryptedWriter, lacking
from models.schema.backup.manifest import ROWS, Manifest, count_rows, describe
from models.schema.database import (
    LATER_VERSION,
    SQLITE_FILE,
    DatabaseUnsafe,
    for_all_schools,
    is_known_revision,
    open_engine,
    show,
    stands_on_nodes,
)
from models.schema.encryption import PiiCipher

COMPRESSION = 3  # more takes several times as long and saves little


def make_backup(engine: Engine, cipher: PiiCipher, file: Path) -> Manifest:
    """Write a backup of the present state of a store to a new file, for its owner only; whole or not at all.

    Others may go on writing to the store. Raises BackupRefused, OSError or SQLAlchemyError.
    """
    if file.exists():
        raise BackupRefused(f"{file} bestaat al; noem een ander bestand.", f"{file} exists; name another file.")
    with _whole_or_not(file) as output:
        encrypted = EncryptedWriter(output, cipher)
        with gzip.GzipFile(fileobj=encrypted, mode="wb", compresslevel=COMPRESSION, mtime=0) as stream:
            manifest = _WRITERS[engine.dialect.name](engine, cipher, cast(BinaryIO, stream))
        encrypted.finish()
    return manifest


@contextmanager
def _whole_or_not(file: Path) -> Iterator[BinaryIO]:
    """A file to write to beside `file`, which gets its name when the block ends well."""
    aside = file.with_name(f"{file.name}.part")
    aside.unlink(missing_ok=True)  # of a process that was killed
    try:
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as output:
            yield output
            output.flush()
            os.fsync(output.fileno())
        aside.rename(file)
    finally:
        aside.unlink(missing_ok=True)
    handle = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _write_sqlite(engine: Engine, cipher: PiiCipher, stream: BinaryIO) -> Manifest:
    store = sqlite.path_of(engine)
    with sqlite.work_folder(store.parent) as folder:
        copies = sqlite.copy_files(store, folder)
        with sqlite.opened_copy(copies[0]) as connection:
            manifest = describe(connection, cipher)
        sizes = {copy.name: copy.stat().st_size for copy in copies}
        manifest = replace(manifest, rows=_rows_of(copies), files=sizes)
        manifest.write(stream)
        for copy in copies:
            with copy.open("rb") as file:
                copy.unlink()  # nothing is left of it, however this process ends
                shutil.copyfileobj(file, stream)
    return manifest


def _rows_of(files: Iterable[Path]) -> dict[str, int]:
    """The number of rows of every table in some files of SQLite."""
    rows: dict[str, int] = {}
    for file in files:
        with sqlite.opened_copy(file) as connection:
            rows |= count_rows(connection)
    return rows


def _write_postgresql(engine: Engine, cipher: PiiCipher, stream: BinaryIO) -> Manifest:
    if _is_on_nodes(engine):
        return _write_nodes(engine, cipher, stream)
    with for_all_schools(engine).connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        show(connection, None)
        manifest = describe(connection, cipher)
        manifest.write(stream)
        with postgresql.dumped(engine, connection) as script:
            shutil.copyfileobj(script, stream)
    return manifest


def _write_nodes(engine: Engine, cipher: PiiCipher, stream: BinaryIO) -> Manifest:
    from models.schema.backup import rows  # with the driver of PostgreSQL

    with rows.one_moment(engine) as connection:
        manifest = replace(describe(connection, cipher), form=ROWS)
        manifest.write(stream)
        rows.write(connection, stream)
    return manifest


def _is_on_nodes(engine: Engine) -> bool:
    if engine.dialect.name == "sqlite":
        return False
    with engine.connect() as connection:
        return stands_on_nodes(connection)


_WRITERS: dict[str, Callable[[Engine, PiiCipher, BinaryIO], Manifest]] = {
    "sqlite": _write_sqlite,
    "postgresql": _write_postgresql,
}


# -- restoring -------------------------------------------------------------------------------------------------


@contextmanager
def _opened(file: Path, cipher: PiiCipher) -> Iterator[tuple[Manifest, BinaryIO]]:
    with file.open("rb") as encrypted, gzip.GzipFile(fileobj=EncryptedReader(encrypted, cipher)) as stream:
        yield Manifest.read(cast(BinaryIO, stream)), cast(BinaryIO, stream)


def read_manifest(file: Path, cipher: PiiCipher, dialect: str) -> Manifest:
    """What a backup holds, which fits this kind of database and this version of the program; the file is not changed.

    Raises BackupRefused, DatabaseUnsafe or OSError.
    """
    with _opened(file, cipher) as (manifest, _):
        if manifest.dialect != dialect:
            raise BackupRefused(
                f"Deze reservekopie is van {manifest.dialect} en de database van de configuratie is {dialect}; zet "
                "haar terug met een configuratie die daarbij past.",
                f"This backup is of {manifest.dialect}, and the database of the configuration is {dialect}; restore it "
                "with a configuration to match.",
            )
        if not is_known_revision(manifest.revision):
            raise DatabaseUnsafe(LATER_VERSION)
        return manifest


def restore_backup(
    engine: Engine, cipher: PiiCipher, file: Path, finish: Callable[[Engine], None], overwrite: bool = False
) -> Manifest:
    """Make the store of `engine` what a backup holds; on any exception it is as it was.

    `finish` brings what was restored up to date: its version, and what must not come back. On SQLite that is done
    before it takes its place, on PostgreSQL in transactions afterwards. Raises BackupRefused, DatabaseUnsafe, OSError
    or SQLAlchemyError; BackupRefused too for a store that has tables, unless `overwrite`.
    """
    manifest = read_manifest(file, cipher, engine.dialect.name)
    if _is_on_nodes(engine):
        raise BackupRefused(
            "De scholen in deze database staan op meer servers; noem in de configuratie een lege database.",
            "The schools of this database stand on several servers; name an empty database in the configuration.",
        )
    if not overwrite and _has_tables(engine):
        raise BackupRefused(
            "Er staat al een database; met --overwrite gaat die verloren en komt de reservekopie ervoor in de plaats.",
            "There is a database already; with --overwrite it is lost, and the backup takes its place.",
        )
    _READERS[engine.dialect.name](engine, cipher, file, finish)
    return manifest


def _has_tables(engine: Engine) -> bool:
    if engine.dialect.name == "sqlite" and not sqlite.path_of(engine).exists():
        return False
    with engine.connect() as connection:
        return bool(inspect(connection).get_table_names())


def _restore_sqlite(engine: Engine, cipher: PiiCipher, file: Path, finish: Callable[[Engine], None]) -> None:
    store = sqlite.path_of(engine)
    with sqlite.work_folder(store.parent) as folder:
        with _opened(file, cipher) as (manifest, stream):
            restored = [_extract(stream, folder / Path(name).name, size) for name, size in manifest.files.items()]
            if stream.read(1) or SQLITE_FILE not in manifest.files:
                raise lacking()
        for item in restored:
            sqlite.check_whole(item)
        if _rows_of(restored) != manifest.rows:
            raise lacking()
        copy = open_engine(f"sqlite:///{folder / SQLITE_FILE}")
        try:
            finish(copy)
        finally:
            copy.dispose()  # the last connection puts the log into the file
        engine.dispose()
        sqlite.put_in_place(folder, store)


def _extract(stream: BinaryIO, target: Path, size: int) -> Path:
    """A file with the next bytes of a backup, for its owner only."""
    with target.open("xb") as output:
        target.chmod(0o600)
        while size > 0:
            part = stream.read(min(size, 1 << 20))
            if not part:
                raise lacking()
            output.write(part)
            size -= len(part)
    return target


def _restore_postgresql(engine: Engine, cipher: PiiCipher, file: Path, finish: Callable[[Engine], None]) -> None:
    with _opened(file, cipher) as (_, stream):
        while stream.read(1 << 20):
            pass  # to its end, which tells whether it is whole, before anything is written
    engine.dispose()
    with _opened(file, cipher) as (manifest, stream):
        if manifest.form == ROWS:
            from models.schema.backup import rows

            rows.replace_with(engine, stream, manifest.revision, manifest.rows)
        else:
            postgresql.replace_with(engine, stream, manifest.rows)
    finish(engine)


_READERS: dict[str, Callable[[Engine, PiiCipher, Path, Callable[[Engine], None]], None]] = {
    "sqlite": _restore_sqlite,
    "postgresql": _restore_postgresql,
}
