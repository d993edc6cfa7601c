"""Dumping a PostgreSQL store with `pg_dump`, and reading a dump with `psql`, in one transaction."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO, BinaryIO

from sqlalchemy import Connection, Engine, func, inspect, select

from models.schema.backup.container import BackupRefused
from models.schema.database import ALL_SCHOOLS, SHOWN, DatabaseInUse, others_use

NO_SECRETS = ("--no-password", "--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--set", "VERBOSITY=sqlstate")


@contextmanager
def dumped(engine: Engine, connection: Connection) -> Iterator[IO[bytes]]:
    """The SQL that makes the store, in the state that the transaction of `connection` (REPEATABLE READ) sees.

    Raises BackupRefused where pg_dump is missing or fails.
    """
    snapshot = connection.scalar(select(func.pg_export_snapshot()))
    options = ("--no-password", "--no-owner", "--no-privileges", "--enable-row-security", f"--snapshot={snapshot}")
    with _running(engine, "pg_dump", *options, stdout=subprocess.PIPE) as (process, failed):
        assert process.stdout is not None
        yield process.stdout
        if process.wait() != 0:
            raise failed()


def replace_with(engine: Engine, script: BinaryIO, rows: Mapping[str, int]) -> None:
    """Put what a dump makes in the place of all tables of the store, in one transaction that also counts the rows.

    Raises BackupRefused where psql is missing or fails, and DatabaseInUse; then nothing has changed.
    """
    with engine.connect() as connection:
        if others_use(connection):
            raise DatabaseInUse
        quoted = connection.dialect.identifier_preparer.quote
        schema = quoted(connection.scalar(select(func.current_schema())) or "public")
        drops = [f"DROP TABLE {schema}.{quoted(table)} CASCADE;" for table in inspect(connection).get_table_names()]
        counts = [_expect(f"{schema}.{quoted(table)}", count) for table, count in rows.items()]
    with _running(engine, "psql", *NO_SECRETS, stdin=subprocess.PIPE) as (process, failed):
        assert process.stdin is not None
        try:
            process.stdin.write("\n".join(["BEGIN;", *drops, ""]).encode())
            shutil.copyfileobj(script, process.stdin)
            process.stdin.write("\n".join(["", *counts, "COMMIT;", ""]).encode())
            process.stdin.close()
        except BrokenPipeError:
            pass  # it has failed
        if process.wait() != 0:
            raise failed()


def _expect(table: str, count: int) -> str:
    """SQL that fails where a table does not have this number of rows."""
    return (
        f"DO $$ BEGIN IF (SELECT count(*) FROM {table}) <> {int(count)} THEN "  # noqa: S608 - names of tables, quoted
        "RAISE EXCEPTION 'row count'; END IF; END $$;"
    )


@contextmanager
def _running(
    engine: Engine, program: str, *options: str, stdin: int | None = None, stdout: int | None = None
) -> Iterator[tuple[subprocess.Popen[bytes], _Failure]]:
    """A client of PostgreSQL on the database; ended where the block fails, so that nothing is committed.

    The password goes to it in its environment: a command line can be read by everybody on the machine.
    """
    from psycopg import conninfo  # not where SQLite is the database

    path = shutil.which(program)
    if path is None:
        raise BackupRefused(
            f"{program} ontbreekt; installeer postgresql-client.", f"{program} is missing; install postgresql-client."
        )
    _, parameters = engine.dialect.create_connect_args(engine.url)
    password = str(parameters.pop("password", "") or "")
    parameters.pop("context", None)
    parameters["options"] = f"{parameters.get('options', '')} -c {SHOWN}={ALL_SCHOOLS}".strip()
    command = [path, *options, f"--dbname={conninfo.make_conninfo(**parameters)}"]
    environment = os.environ | ({"PGPASSWORD": password} if password else {})
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(  # noqa: S603 - a program of PostgreSQL, with options of our own
            command, stdin=stdin or subprocess.DEVNULL, stdout=stdout or subprocess.DEVNULL, stderr=errors,
            env=environment,
        )  # fmt: skip
        try:
            yield process, _Failure(program, errors)
        finally:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()


class _Failure:
    """The exception for a program that failed, with its last line: that holds a code or a version, and no value."""

    def __init__(self, program: str, errors: IO[bytes]) -> None:
        self._program, self._errors = program, errors

    def __call__(self) -> BackupRefused:
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        last = lines[-1] if lines else "?"
        return BackupRefused(f"{self._program} lukte niet: {last}", f"{self._program} failed: {last}")
