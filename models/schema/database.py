"""Engines, pragmas and write transactions.

What SQLite and PostgreSQL do differently stands here, and nowhere else but in `tables` (the order of keys, numbers that
are given out once) and in the migrations.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from functools import cache
from importlib import resources
from operator import itemgetter
from pathlib import Path
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy import (
    Column,
    Connection,
    Dialect,
    Engine,
    Select,
    Table,
    bindparam,
    create_engine,
    event,
    func,
    insert,
    inspect,
    make_url,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

from models.schema.data_versions import raise_version
from models.schema.prepared import driver_of
from models.schema.tables import numbers

BUSY_SECONDS = 60
_POLL_SECONDS = 0.001
_THRESHOLD = "prepare_threshold"  # of psycopg
CONNECT_SECONDS = 10
_OFF = text(
    "SELECT name FROM pg_settings WHERE setting = 'off' "
    "AND name IN ('fsync', 'full_page_writes', 'synchronous_commit') ORDER BY name"
)
OWN_SCHEMA = "rondblik_own"  # of a store on nodes (`models.schema.nodes`): what the database holds itself
SERVER_START = "server_start"  # its table that says since when the server runs that gives out numbers
_ON_NODES = "on nodes"  # what a connection knows of itself
_WRITE_BEFORE = "write before"  # the moment before which its next transaction must have begun to write
_NUMBERS_SKIPPED = 10_000
SHOWN, ALL_SCHOOLS = "rondblik.school", "all"  # the setting that row-level security goes by, and its value for all
_SHOW_ALL = select(func.set_config(SHOWN, ALL_SCHOOLS, True))
# PostgreSQL takes a quarter of a second to compile some queries of a class that run in twenty milliseconds. It is off
# until the transaction ends: PgBouncer gives each transaction another connection.
_WITHOUT_COMPILER = func.set_config("jit", "off", True)
_ONE_OF_THE_WRITERS = select(func.pg_advisory_xact_lock_shared(0x526F, -2))
_ALL_WRITERS = select(func.pg_advisory_xact_lock(0x526F, -2))
_UPGRADE_LOCK = select(func.pg_advisory_xact_lock(0x526F, -1))
ROWS_PER_QUERY = 500
MIGRATIONS = resources.files("models.schema") / "migrations"
SQLITE_FILE = "rondblik.db"
AUDIT_FILE = "audit.db"  # beside the database file of SQLite; see models/access/audit.py

T = TypeVar("T")


class DatabaseUnsafe(Exception):
    """The database would lose what was acknowledged, or is not what this program needs."""


class DatabaseOlder(DatabaseUnsafe):
    """The tables are of an earlier version of the program, and nobody asked for an upgrade."""

    def __init__(self) -> None:
        super().__init__(
            "De database is van een eerdere versie van Rondblik; werk haar bij met `rondblik db upgrade`, dat eerst "
            "een reservekopie maakt. / The database is of an earlier version of Rondblik; upgrade it with `rondblik db "
            "upgrade`, which makes a backup first."
        )


class DatabaseInUse(DatabaseUnsafe):
    """Somebody else has the database open."""

    def __init__(self) -> None:
        super().__init__(
            "De database is in gebruik; stop eerst `rondblik serve` en `rondblik worker`. / "
            "The database is in use; stop `rondblik serve` and `rondblik worker` first."
        )


def open_engine(url: str) -> Engine:
    """An engine for `sqlite:///FILE` or `postgresql+psycopg://...`, with the settings that keep acknowledged data.

    SQLite: WAL, synchronous=FULL, foreign keys on, transactions begun by us. Raises DatabaseUnsafe where PostgreSQL
    runs with fsync, full_page_writes or synchronous_commit off. With `prepare_threshold=none` in the query of the
    address statements are not prepared, which PgBouncer needs where it gives each transaction another connection.
    """
    if url.startswith("sqlite"):
        # Errors must not carry what was being stored, so parameters stay hidden.
        engine = create_engine(
            url, connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False}, hide_parameters=True
        )
        event.listen(engine, "connect", _prepare_sqlite)
        engine.dialect.do_begin = _begin_sqlite  # type: ignore[assignment, method-assign] # an event slows all statements
        engine.dialect.is_disconnect = _is_lost_sqlite  # type: ignore[assignment, method-assign]
        _WRITE_LOCKS[engine.dialect] = threading.Lock()
        return engine
    address = make_url(url)
    options: dict[str, object] = {"connect_timeout": CONNECT_SECONDS}
    if address.query.get(_THRESHOLD) == "none":
        address = address.difference_update_query([_THRESHOLD])
        options[_THRESHOLD] = None
    engine = create_engine(address, pool_pre_ping=True, hide_parameters=True, connect_args=options)
    event.listen(engine, "connect", _prepare_postgresql)
    with engine.connect() as connection:
        unsafe = connection.scalars(_OFF).all()
    if unsafe:
        engine.dispose()
        settings = ", ".join(f"{name} = on" for name in unsafe)
        raise DatabaseUnsafe(
            f"PostgreSQL runs with {' and '.join(unsafe)} off: a power cut would lose confirmed results. "
            f"Set {settings} in postgresql.conf and start again."
        )
    return engine


def _prepare_sqlite(connection: Any, _record: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "secure_delete=ON",
        "cache_size=-16000",
        f"busy_timeout={BUSY_SECONDS * 1000}",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _prepare_postgresql(connection: Any, record: ConnectionPoolEntry) -> None:
    """Find out whether the store is on nodes; then skip numbers of deliveries once after each start of the server.

    What it gave out just before it was killed it would give out again, though a node may have stored it.
    """
    with connection.cursor() as cursor:
        own = f"{OWN_SCHEMA}.{SERVER_START}"
        record.info[_ON_NODES] = cursor.execute("SELECT to_regclass(%s)", (own,)).fetchone() != (None,)
        if record.info[_ON_NODES]:
            start = "pg_postmaster_start_time()"
            cursor.execute(f"UPDATE {own} SET started = {start} WHERE started <> {start}")  # noqa: S608
            if cursor.rowcount:
                numbers = f"{OWN_SCHEMA}.deliveries_id_seq"
                cursor.execute(f"SELECT setval('{numbers}', last_value + {_NUMBERS_SKIPPED}) FROM {numbers}")  # noqa: S608
    connection.commit()


def _begin_sqlite(connection: Any) -> None:
    before = connection.info.pop(_WRITE_BEFORE, None)
    if before is None:
        connection.execute("BEGIN")
        return
    connection.execute("PRAGMA busy_timeout=0")
    try:
        while not _has_begun_to_write(connection, before):
            time.sleep(_POLL_SECONDS)
    finally:
        connection.execute(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}")


def _has_begun_to_write(connection: Any, before: float) -> bool:
    """Whether SQLite gave its write lock; raises sqlite3.OperationalError where it did not before this moment.

    SQLite itself would look every tenth of a second, and in this process the next writer is there within one.
    """
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > before:
            raise
        return False
    return True


_PYSQLITE = SQLiteDialect_pysqlite(dbapi=SQLiteDialect_pysqlite.import_dbapi())
_READ_ONLY = "attempt to write a readonly database"  # SQLite


def _is_lost_sqlite(error: Any, connection: Any, cursor: Any) -> bool:
    """Whether to open the file again: also where SQLite did so for reading only, as it could not for writing.

    That may have been for want of a descriptor at that moment, and would else last as long as the connection.
    """
    return str(error) == _READ_ONLY or _PYSQLITE.is_disconnect(error, connection, cursor)


_WRITE_LOCKS: WeakKeyDictionary[Dialect, threading.Lock] = WeakKeyDictionary()


@contextmanager
def _write_lock(engine: Engine, before: float) -> Iterator[None]:
    """Wait, on SQLite, until no other thread of this process writes, but not beyond this moment.

    SQLite itself looks every few milliseconds whether its lock is free, and whoever looks at the right moment gets it.
    """
    lock = _WRITE_LOCKS.get(engine.dialect)
    if lock is None:
        yield
        return
    if not lock.acquire(timeout=max(before - time.monotonic(), 0)):
        raise OperationalError("BEGIN IMMEDIATE", None, sqlite3.OperationalError("database is locked"))
    try:
        yield
    finally:
        lock.release()


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A connection in one write transaction, for which SQLite takes its write lock at once; others use those below."""
    before = time.monotonic() + BUSY_SECONDS
    with _write_lock(engine, before), engine.connect().execution_options(writing=True) as connection:
        connection.info[_WRITE_BEFORE] = before
        with connection.begin():
            yield connection


def for_all_schools(engine: Engine) -> Engine:
    """The engine of who works for all schools: a worker, the command line. Row-level security hides nothing of it."""
    return engine.execution_options(all_schools=True)


def for_one_school(engine: Engine) -> Engine:
    """The engine of who works for one school at a time: row-level security hides what is of no named school."""
    return engine.execution_options(all_schools=False)


def _shown(connection: Connection, school_id: int | None) -> str:
    """What row-level security is to show in a transaction (`models.schema.row_security`); "" for nothing."""
    if connection.get_execution_options().get("all_schools"):
        return ALL_SCHOOLS
    return "" if school_id is None else str(school_id)


def show(connection: Connection, school_id: int | None) -> None:
    """Let row-level security show the rows of a school until the transaction ends, or of all to who works for all."""
    shown = _shown(connection, school_id)
    if shown and connection.dialect.name == "postgresql":
        connection.execute(select(func.set_config(SHOWN, shown, True), _WITHOUT_COMPILER))


@contextmanager
def read_transaction(engine: Engine, school_id: int | None = None) -> Iterator[Connection]:
    """A connection that only reads; sees one state of the store from its first statement to its end.

    Of a store on nodes that is one state of each node; a school stands on one. Where row-level security is on, data
    of pupils are those of this school only, or of no school.
    """
    with engine.connect() as connection:
        # By default each statement would see what was stored until then. So it must where nodes state the version of
        # data that the coordinator has, since who reads comes to a node later; postgres_fdw keeps to one state of each.
        if connection.dialect.name == "postgresql" and not stands_on_nodes(connection):
            connection.execution_options(isolation_level="REPEATABLE READ")
        show(connection, school_id)
        yield connection


@contextmanager
def write_transaction(
    engine: Engine, school_id: int | None = None, *, raises_version: bool = True
) -> Iterator[Connection]:
    """One write transaction: commits at the end, rolls back on any exception.

    SQLite takes its one write lock at once (BEGIN IMMEDIATE); PostgreSQL one lock a school, or one for what
    belongs to no school, so that ids given out by `next_id` are never given twice.

    The version of the school's data is raised (`models.schema.data_versions`), or that of all schools. Without
    `raises_version` it is not: for changes to what is read anew for each page, such as jobs and connections.
    """
    with writing(engine) as connection:
        lock_school(connection, school_id)
        yield connection
        if raises_version:
            raise_version(connection, school_id)


@contextmanager
def short_write(engine: Engine, school_id: int | None = None) -> Iterator[Connection]:
    """A write transaction of rows that stand by themselves, whose ids the database gives out or which have none.

    It waits for no school; on SQLite for whoever writes, as all do. `school_id` as in `read_transaction`.
    """
    with writing(engine) as connection:
        show(connection, school_id)
        yield connection


_TABLES_OF_OTHERS = text(
    "SELECT EXISTS (SELECT 1 FROM pg_class WHERE relnamespace = CAST(current_schema() AS regnamespace) "
    "AND relkind = 'r' AND NOT pg_has_role(relowner, 'USAGE'))"
)
# Who may not see what other roles do still sees who they are; autovacuum is nobody.
_OTHERS = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
    "AND usesysid IS NOT NULL"
)


def others_use(connection: Connection) -> bool:
    """Whether others have the database of PostgreSQL open; who has just closed it gets two seconds to be gone."""
    for _ in range(20):
        connection.execute(select(func.pg_stat_clear_snapshot()))
        if not connection.scalar(_OTHERS):
            return False
        time.sleep(0.1)
    return True


@contextmanager
def sole_use(engine: Engine) -> Iterator[Connection]:
    """One write transaction of whoever alone has the database open; who opens it meanwhile waits until its end.

    Raises DatabaseInUse.
    """
    engine.dispose()
    with engine.connect().execution_options(writing=True) as connection:
        if connection.dialect.name == "postgresql":
            with connection.begin():
                # In the order of `upgrading`; those who only read the key wait too.
                connection.execute(_UPGRADE_LOCK)
                connection.execute(_SHOW_ALL)
                connection.exec_driver_sql("LOCK TABLE key_fingerprints IN ACCESS EXCLUSIVE MODE")
                if others_use(connection):
                    raise DatabaseInUse
                yield connection
            return
        with driver_of(connection) as driver:  # outside of any transaction
            driver.execute("PRAGMA locking_mode=EXCLUSIVE")  # from BEGIN IMMEDIATE until the connection is closed
        connection.info[_WRITE_BEFORE] = time.monotonic() + 1
        try:
            begun = connection.begin()
        except OperationalError:
            raise DatabaseInUse from None
        try:
            with begun:
                yield connection
        finally:
            connection.invalidate()


def lock_school(connection: Connection, school_id: int | None) -> None:
    """Wait, on PostgreSQL, until nobody else writes for this school (None: for what belongs to none), and `show` it.

    SQLite has one write lock for all. Take the lock of a school after that for none, never before it.
    """
    if connection.dialect.name == "postgresql":
        if stands_on_nodes(connection):  # before any other lock, or who holds one could wait for who waits for it
            connection.execute(_ONE_OF_THE_WRITERS)
        shown = func.set_config(SHOWN, _shown(connection, school_id), True)
        connection.execute(select(func.pg_advisory_xact_lock(0x526F, school_id or 0), shown, _WITHOUT_COMPILER))


def hold_writers(connection: Connection) -> None:
    """Wait until nobody writes to a store on nodes, and let nobody begin before the transaction ends.

    A writer lets go of its lock when all servers have committed: the coordinator does so last.
    """
    connection.execute(_ALL_WRITERS)


def next_id(connection: Connection, table: Table, school_id: int | None = None) -> int:
    """The next free id of `table` (within the school where it has one); call it inside `write_transaction` only."""
    query = _next_id_query(table, in_school=school_id is not None)
    return int(connection.scalar(query, {} if school_id is None else {"school": school_id}) or 1)


@cache
def _next_id_query(table: Table, *, in_school: bool) -> Select[int]:
    column: Column[int] = table.c.id
    query = select(func.coalesce(func.max(column), 0) + 1)
    return query.where(table.c.school_id == bindparam("school")) if in_school else query


def unused_id(connection: Connection, table: Table) -> int:
    """An id of `table` that no row has or ever had; call it inside `write_transaction` without a school only.

    What is under way while a row is erased would else arrive at the row that got its id.
    """
    own = numbers.c.table_name == table.name
    last = connection.scalar(select(numbers.c.last).where(own))
    fresh = max(next_id(connection, table), (last or 0) + 1)
    if last is None:
        connection.execute(insert(numbers).values(table_name=table.name, last=fresh))
    else:
        connection.execute(update(numbers).where(own).values(last=fresh))
    return fresh


def purge_deleted(engine: Engine) -> bool:
    """Leave nothing of deleted rows in the files of the database; False where others, or a full disk, prevent that.

    SQLite overwrites deleted rows (secure_delete), but not the copies that stay behind where a page was split: the file
    is written anew, and its write-ahead log emptied. PostgreSQL vacuums; it recycles its log itself.
    """
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM")  # of its own tables only
            on_nodes, purged = stands_on_nodes(connection), not connection.scalar(_TABLES_OF_OTHERS)
        if on_nodes:
            from models.schema import nodes

            return nodes.purge(engine) and purged
        return purged
    pooled = engine.raw_connection()  # outside of any transaction
    try:
        cursor = pooled.cursor()
        cursor.execute("VACUUM")
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        busy, _, _ = cursor.fetchone() or (1, 0, 0)
    except engine.dialect.loaded_dbapi.OperationalError:
        return False
    finally:
        pooled.close()
    return not busy


def portions(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """The values in portions that fit into one query as parameters."""
    for start in range(0, len(values), ROWS_PER_QUERY):
        yield values[start : start + ROWS_PER_QUERY]


Rows = Sequence[tuple[object, ...]]


def insert_new(connection: Connection, table: Table, columns: Sequence[str], rows: Rows) -> int:
    """Insert rows that the primary key does not hold yet; `columns` names what a row holds, in its order.

    Returns how many went in. This is the fast way of a message: raw executemany on SQLite, COPY to a temporary
    table and one INSERT ... SELECT on PostgreSQL.
    """
    if not rows:
        return 0
    named = ", ".join(f'"{table.columns[name].name}"' for name in columns)
    return _INSERT_NEW[connection.dialect.name](connection, table.name, named, rows)


def insert_first(connection: Connection, table: Table, columns: Sequence[str], rows: Rows) -> int:
    """Insert rows whose keys differ and of which the table has none; returns how many, as `insert_new`.

    PostgreSQL takes them straight into the table then, and refuses them all where one is there after all.
    """
    if connection.dialect.name != "postgresql" or stands_on_nodes(connection):
        return insert_new(connection, table, columns, rows)
    with driver_of(connection) as driver, driver.cursor() as cursor:
        _copy(cursor, table.name, ", ".join(columns), rows)
    return len(rows)


def _copy(cursor: Any, table: str, named: str, rows: Rows) -> None:
    with cursor.copy(f"COPY {table} ({named}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def _insert_new_sqlite(connection: Connection, table: str, named: str, rows: Rows) -> int:
    marks = ",".join("?" * len(rows[0]))
    statement = f"INSERT INTO {table} ({named}) VALUES ({marks}) ON CONFLICT DO NOTHING"  # noqa: S608
    with driver_of(connection) as driver:
        before = driver.total_changes
        driver.executemany(statement, rows)
        return int(driver.total_changes - before)


def _insert_new_postgresql(connection: Connection, table: str, named: str, rows: Rows) -> int:
    return _from_staging(
        connection, table, named, rows,
        f"INSERT INTO {table} ({named}) SELECT {named} FROM {{staging}} ON CONFLICT DO NOTHING",  # noqa: S608
    )  # fmt: skip


_INSERT_NEW: dict[str, Callable[[Connection, str, str, Rows], int]] = {
    "sqlite": _insert_new_sqlite,
    "postgresql": _insert_new_postgresql,
}


def _from_staging(connection: Connection, table: str, named: str, rows: Rows, statement: str) -> int:
    """Copy rows to a temporary table and execute one statement on all of them; how many rows that concerned."""
    staging = f"incoming_{table}"
    with driver_of(connection) as driver, driver.cursor() as cursor:
        empty = f"SELECT * FROM {table} WITH NO DATA"  # noqa: S608 - names of our own
        cursor.execute(f"CREATE TEMPORARY TABLE IF NOT EXISTS {staging} ON COMMIT DELETE ROWS AS {empty}")
        _copy(cursor, staging, named, rows)
        cursor.execute(statement.format(staging=staging))
        concerned = cursor.rowcount
        cursor.execute(f"TRUNCATE {staging}")
    return int(concerned)


def rows_of_keys(
    connection: Connection,
    table: Table,
    columns: Sequence[str],
    of_source: tuple[int, int],
    keys: Sequence[str],
    most: int,
) -> list[tuple[Any, ...]]:
    """What the rows with these keys of a school and source hold in these columns; at most so many rows of each key."""
    named = f"{', '.join(columns)} FROM {table.name}"
    if connection.dialect.name == "sqlite":
        query = f"SELECT {named} WHERE school_id = ? AND source_id = ? AND key IN ({{marks}})"
    elif stands_on_nodes(connection):
        query = f"SELECT {named} WHERE school_id = %s AND source_id = %s AND key IN ({{marks}})"
    else:
        # One search a key, in any plan: of a table that was never analyzed PostgreSQL expects a source to have hardly
        # any rows, and would read all of them for each portion of keys.
        query = (
            "SELECT found.* FROM (SELECT %s::int AS school, %s::int AS source, unnest(ARRAY[{marks}]) AS key) wanted "  # noqa: S608
            f"CROSS JOIN LATERAL (SELECT {named} WHERE school_id = wanted.school AND source_id = wanted.source "
            f"AND key = wanted.key LIMIT {most}) found"
        )
    mark, rows = "?" if connection.dialect.name == "sqlite" else "%s", []
    with driver_of(connection) as driver:
        for portion in portions(keys):
            marked = query.format(marks=",".join([mark] * len(portion)))
            rows += driver.execute(marked, (*of_source, *portion)).fetchall()
    return rows


def overwrite(
    connection: Connection,
    table: Table,
    keys: Sequence[str],
    columns: Sequence[str],
    rows: Rows,
    same: Sequence[str] = (),
) -> None:
    """Put whole rows in the place of those with the same keys; `columns` names what a row holds, in its order.

    In the columns `same` they hold what those hold: SQLite leaves an index of these alone then, as PostgreSQL does.
    """
    if not rows:
        return
    if stands_on_nodes(connection):
        _delete_keys(connection, table, keys, columns, rows)
        insert_new(connection, table, columns, rows)
        return
    others = [name for name in columns if name not in keys and name not in same]
    if connection.dialect.name == "postgresql":
        own = " AND ".join(f"{table.name}.{name} = new.{name}" for name in keys)
        values = ", ".join(f"{name} = new.{name}" for name in others)
        statement = f"UPDATE {table.name} SET {values} FROM {{staging}} new WHERE {own}"  # noqa: S608
        _from_staging(connection, table.name, ", ".join(columns), rows, statement)
        return
    pick = itemgetter(*map(columns.index, (*others, *keys)))
    own = " AND ".join(f"{name} = ?" for name in keys)
    values = ", ".join(f"{name} = ?" for name in others)
    with driver_of(connection) as driver:
        driver.executemany(f"UPDATE {table.name} SET {values} WHERE {own}", map(pick, rows))  # noqa: S608


def restate(
    connection: Connection,
    table: Table,
    keys: Sequence[str],
    rank: Sequence[str],
    columns: Sequence[str],
    same: Sequence[str],
    rows: Rows,
) -> int:
    """Write the `rank` of rows into those with the same keys that hold the same in the columns `same`; how many.

    Only where it is greater than theirs. `columns` names what a row holds, in its order. On nodes none are: each would
    be a statement of its own, so the caller has to compare the rows itself.
    """
    if not rows or stands_on_nodes(connection):
        return 0
    if connection.dialect.name == "postgresql":
        alike = [f"{table.name}.{name} = new.{name}" for name in keys]
        alike += [f"{table.name}.{name} IS NOT DISTINCT FROM new.{name}" for name in same]
        older = (
            f"({', '.join(f'{table.name}.{name}' for name in rank)}) < ({', '.join(f'new.{name}' for name in rank)})"
        )
        values = ", ".join(f"{name} = new.{name}" for name in rank)
        where = " AND ".join([*alike, older])
        statement = f"UPDATE {table.name} SET {values} FROM {{staging}} new WHERE {where}"  # noqa: S608
        return _from_staging(connection, table.name, ", ".join(columns), rows, statement)
    pick = itemgetter(*map(columns.index, (*rank, *keys, *same, *rank)))
    alike = [*(f"{name} = ?" for name in keys), *(f"{name} IS ?" for name in same)]
    marks = ", ".join("?" * len(rank))
    values = ", ".join(f"{name} = ?" for name in rank)
    where = f"{' AND '.join(alike)} AND ({', '.join(rank)}) < ({marks})"
    with driver_of(connection) as driver:
        before = driver.total_changes
        driver.executemany(f"UPDATE {table.name} SET {values} WHERE {where}", map(pick, rows))  # noqa: S608
        return int(driver.total_changes - before)


def keep_greatest(
    connection: Connection,
    table: Table,
    keys: Sequence[str],
    rank: Sequence[str],
    columns: Sequence[str],
    rows: Rows,
) -> None:
    """Insert rows; of one that is there already only `rank` and the delivery are written, where its rank is greater."""
    if not rows:
        return
    named = ", ".join(columns)
    compared = f"({', '.join(f'excluded.{name}' for name in rank)}) > ({', '.join(f'{table.name}.{n}' for n in rank)})"
    values = ", ".join(f"{name} = excluded.{name}" for name in (*rank, "delivery_id"))
    conflict = f"ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {values} WHERE {compared}"
    if stands_on_nodes(connection):  # where a conflict can only be passed over
        if insert_new(connection, table, columns, rows) < len(rows):
            _update_older(connection, table, keys, rank, columns, rows)
        return
    if connection.dialect.name == "postgresql":
        statement = f"INSERT INTO {table.name} ({named}) SELECT {named} FROM {{staging}} {conflict}"  # noqa: S608
        _from_staging(connection, table.name, named, rows, statement)
        return
    marks = ",".join("?" * len(columns))
    statement = f"INSERT INTO {table.name} ({named}) VALUES ({marks}) {conflict}"  # noqa: S608
    with driver_of(connection) as driver:
        driver.executemany(statement, rows)


def delete_rows(connection: Connection, table: Table, keys: Sequence[str], rows: Rows) -> None:
    """Delete the rows with these values in the columns `keys`, which are its primary key."""
    if not rows:
        return
    if connection.dialect.name == "postgresql" and not stands_on_nodes(connection):
        own = " AND ".join(f"{table.name}.{name} = gone.{name}" for name in keys)
        statement = f"DELETE FROM {table.name} USING {{staging}} gone WHERE {own}"  # noqa: S608
        _from_staging(connection, table.name, ", ".join(keys), rows, statement)
        return
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    own = " AND ".join(f"{name} = {mark}" for name in keys)
    with driver_of(connection) as driver:
        driver.cursor().executemany(f"DELETE FROM {table.name} WHERE {own}", rows)  # noqa: S608


def _delete_keys(connection: Connection, table: Table, keys: Sequence[str], columns: Sequence[str], rows: Rows) -> None:
    """Delete the rows with these keys, of which `key` is one: a node does that in one statement."""
    others = [name for name in keys if name != "key"]
    key_of, others_of = itemgetter(columns.index("key")), itemgetter(*map(columns.index, others))
    together: dict[tuple[object, ...], list[object]] = {}
    for row in rows:
        together.setdefault(others_of(row), []).append(key_of(row))
    own = " AND ".join(f"{name} = %s" for name in others)
    with driver_of(connection) as driver, driver.cursor() as cursor:
        for values, listed in together.items():
            cursor.execute(f"DELETE FROM {table.name} WHERE {own} AND key = ANY(%s)", (*values, listed))  # noqa: S608


def _update_older(
    connection: Connection,
    table: Table,
    keys: Sequence[str],
    rank: Sequence[str],
    columns: Sequence[str],
    rows: Rows,
) -> None:
    """Write rank and delivery into the rows with the same keys whose rank is less."""
    written, own = [*rank, "delivery_id"], " AND ".join(f"{name} = %s" for name in keys)
    values, marks = ", ".join(f"{name} = %s" for name in written), ", ".join("%s" for _ in rank)
    pick = itemgetter(*map(columns.index, (*written, *keys, *rank)))
    statement = f"UPDATE {table.name} SET {values} WHERE {own} AND ({', '.join(rank)}) < ({marks})"  # noqa: S608
    with driver_of(connection) as driver, driver.cursor() as cursor:
        cursor.executemany(statement, map(pick, rows))


@dataclass(frozen=True, slots=True)
class NodeState:
    """How a node is; `problem` is in English, `is_away` where it does not answer."""

    name: str
    problem: str | None
    is_away: bool = False


def stands_on_nodes(connection: Connection) -> bool:
    """Whether the data of schools stand on other servers (`models.schema.nodes`), as it was when it connected."""
    return bool(connection.info.get(_ON_NODES, False))


def insert_or(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An INSERT that can say what to do with a row that is there already: `on_conflict_do_update`."""
    return sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)


def upgrade(engine: Engine) -> None:
    """Bring the tables to this program's version (Alembic); does nothing where they are. Raises DatabaseUnsafe."""
    with upgrading(engine, lambda _connection: None):
        pass


@contextmanager
def upgrading(engine: Engine, before_upgrade: Callable[[Connection], object] | None = None) -> Iterator[Connection]:
    """One write transaction, of one process at a time, in which the tables are of this program's version.

    An empty database gets them. One of an earlier version is upgraded after `before_upgrade` was called, which may use
    other connections to read; without it DatabaseOlder is raised. Raises DatabaseUnsafe for one of a later version. An
    exception undoes everything.
    """
    with writing(engine) as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(_UPGRADE_LOCK)
            connection.execute(_SHOW_ALL)
        state = schema_state(connection)
        if state is SchemaState.LATER:
            raise DatabaseUnsafe(LATER_VERSION)
        if state is SchemaState.EARLIER:
            if before_upgrade is None:
                raise DatabaseOlder
            before_upgrade(connection)
        if state is not SchemaState.CURRENT:
            from models.schema.row_security import protect_new

            migrate(connection)
            protect_new(connection)
        yield connection


def migrate(connection: Connection, revision: str = "head") -> None:
    """Run the migrations that the tables lack, up to a revision."""
    from alembic import command  # takes a tenth of a second, and nearly every start does without
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    with _as_one_database(connection):
        command.upgrade(config, revision)


@contextmanager
def _as_one_database(connection: Connection) -> Iterator[None]:
    if not stands_on_nodes(connection):
        yield
        return
    from models.schema import nodes  # with the driver of PostgreSQL, which most stores have no need of

    with nodes.as_one_database(connection):
        yield


class SchemaState(Enum):
    """Of which version of the program the tables are, compared with this one."""

    EMPTY = "empty"
    EARLIER = "earlier"
    CURRENT = "current"
    LATER = "later"


LATER_VERSION = (
    "De database is van een nieuwere versie van Rondblik; start die versie, of zet de reservekopie van voor de upgrade "
    "terug. / The database is of a later version of Rondblik; start that version, or put back the backup from before "
    "its upgrade."
)


def schema_state(connection: Connection) -> SchemaState:
    """Of which version of the program the tables are."""
    revision = schema_revision(connection)
    if revision is None:
        return SchemaState.EMPTY
    if revision == newest_revision():
        return SchemaState.CURRENT
    return SchemaState.EARLIER if is_known_revision(revision) else SchemaState.LATER


def schema_revision(connection: Connection) -> str | None:
    """The last migration of the tables; None where there are none."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    return revision


@cache
def _migrations() -> list[str]:
    """The names of the migrations of this program, oldest first; each begins with its revision."""
    files = (MIGRATIONS / "versions").iterdir()
    return sorted(file.name.removesuffix(".py") for file in files if file.name.endswith(".py"))


def newest_revision() -> str:
    """The last migration that this program has."""
    return _migrations()[-1].partition("_")[0]


def is_known_revision(revision: str) -> bool:
    """Whether this program has the migration."""
    return any(f"{name}_".startswith(f"{revision}_") for name in _migrations())


def sqlite_url(folder: Path) -> str:
    """The address of the database in a data folder; the folder is made private where it is new."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return f"sqlite:///{private_file(folder / SQLITE_FILE)}"


def private_file(path: Path) -> Path:
    """The path of a file that only its owner can read, made empty where there is none."""
    if not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    return path
