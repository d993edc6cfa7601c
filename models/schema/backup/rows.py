"""A store on several PostgreSQL servers as the rows of one: read through the coordinator, written to one database.

`pg_dump` of one server is a part of such a store, and dumps of several are of different moments. So rows are copied in
one transaction of the coordinator that reads all servers as they were at one moment, between any two transactions that
write (ADR 51). The tables themselves are made by the migrations, and then filled.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import BinaryIO

from psycopg import sql
from sqlalchemy import Connection, Engine, MetaData, Table, inspect, text
from sqlalchemy.schema import CreateIndex, CreateTable, DDLElement

from models.schema import database
from models.schema.backup.container import lacking
from models.schema.nodes import nodes_of
from models.schema.prepared import driver_of
from models.schema.tables import deliveries, metadata

REVISION = "alembic_version"
END = b"\\.\n"  # of the rows of a table, as COPY writes them: no row is like it
_SEQUENCES = text(
    "SELECT table_name, column_name, pg_get_serial_sequence(quote_ident(table_name), column_name) AS name "
    "FROM information_schema.columns WHERE table_schema = current_schema() "
    "AND pg_get_serial_sequence(quote_ident(table_name), column_name) IS NOT NULL"
)


@contextmanager
def one_moment(engine: Engine) -> Iterator[Connection]:
    """A transaction that reads the whole store as it was at one moment; who writes waits until it has begun.

    A node is read as it was when the transaction first asked it something, so all are asked before anybody writes on.
    """
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        with engine.connect() as writers, writers.begin():
            database.hold_writers(writers)
            for node in nodes_of(connection):
                own = sql.Identifier(database.OWN_SCHEMA, f"{deliveries.name}_{node.number}")
                with driver_of(connection) as driver:
                    driver.execute(sql.SQL("SELECT FROM {} LIMIT 1").format(own))
        yield connection


def write(connection: Connection, stream: BinaryIO) -> None:
    """Write every table: a line of JSON that describes it, and its rows as COPY gives them."""
    for table in _tables(connection):
        columns = [column.name for column in table.columns]
        create = [] if table.name in (*metadata.tables, REVISION) else _statements(connection, table)
        stream.write(json.dumps({"table": table.name, "columns": columns, "create": create}).encode() + b"\n")
        rows = sql.SQL("COPY (SELECT {} FROM {}) TO STDOUT").format(_listed(columns), sql.Identifier(table.name))
        with driver_of(connection) as driver, driver.cursor() as cursor, cursor.copy(rows) as copied:
            for part in copied:
                stream.write(part)
        stream.write(END)


def replace_with(engine: Engine, stream: BinaryIO, revision: str, rows: Mapping[str, int]) -> None:
    """Put what `write` wrote in the place of all tables of the store, in one transaction that also counts the rows.

    Raises BackupRefused, DatabaseInUse or SQLAlchemyError; then nothing has changed.
    """
    with engine.connect().execution_options(writing=True) as connection, connection.begin():
        if database.others_use(connection):
            raise database.DatabaseInUse
        with driver_of(connection) as driver:
            for name in inspect(connection).get_table_names():
                driver.execute(sql.SQL("DROP TABLE {} CASCADE").format(sql.Identifier(name)))
        database.migrate(connection, revision)
        for table in reversed(_tables(connection)):  # of what migrations put there
            connection.execute(table.delete())
        found = {}
        while line := stream.readline():
            head = json.loads(line)
            found[head["table"]] = _fill(connection, head["table"], head["columns"], head["create"], stream)
        if found != rows:
            raise lacking()
        for sequence in connection.execute(_SEQUENCES).all():
            column, of = sql.Identifier(sequence.column_name), sql.Identifier(sequence.table_name)
            goes_on = sql.SQL("SELECT setval({name}, max({column})) FROM {of} HAVING max({column}) IS NOT NULL")
            with driver_of(connection) as driver:
                driver.execute(goes_on.format(name=sql.Literal(sequence.name), column=column, of=of))


def _fill(connection: Connection, table: str, columns: Sequence[str], create: Sequence[str], stream: BinaryIO) -> int:
    """Copy the next rows of a backup into a table, which is made first where no migration does; how many they were."""
    for statement in create:
        connection.exec_driver_sql(statement)
    into = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), _listed(columns))
    with driver_of(connection) as driver, driver.cursor() as cursor:
        with cursor.copy(into) as copied:
            while (row := stream.readline()) != END:
                if not row:
                    raise lacking()
                copied.write(row)
        return int(cursor.rowcount)


def _statements(connection: Connection, table: Table) -> list[str]:
    """What makes a table that no migration makes."""
    made: list[DDLElement] = [CreateTable(table), *map(CreateIndex, table.indexes)]
    return [str(statement.compile(connection)) for statement in made]


def _listed(columns: Sequence[str]) -> sql.Composable:
    return sql.SQL(", ").join(map(sql.Identifier, columns))


def _tables(connection: Connection) -> list[Table]:
    """All tables, those that others point at first; tables of schools do not say so at the coordinator."""
    tables, order = MetaData(), {table.name: number for number, table in enumerate(metadata.sorted_tables)}
    tables.reflect(connection)
    return sorted(tables.sorted_tables, key=lambda table: order.get(table.name, len(order)))
