"""Statements that every message needs: written with SQLAlchemy, compiled once, and run by the driver.

To compile, bind and wrap one of them takes SQLAlchemy several times as long as SQLite needs to run it, and a message
has two dozen.
"""

from __future__ import annotations

import re
from collections import namedtuple
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Dialect, Select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.dml import UpdateBase

_LIST = re.compile(r"\(__\[POSTCOMPILE_(\w+)\]\)")
Parameters = Mapping[str, object]
SHORT = 50  # items of lists


@contextmanager
def driver_of(connection: Connection) -> Iterator[Any]:
    """The connection of the driver itself; its errors, such as a full disk, become those of SQLAlchemy.

    A connection that the database ended is put aside, as SQLAlchemy does, so that its end does not hide why.
    """
    driver = connection.connection.driver_connection
    assert driver is not None
    dialect = connection.dialect
    errors = dialect.loaded_dbapi.Error
    try:
        yield driver
    except errors as failed:
        if lost := dialect.is_disconnect(failed, driver, None):
            connection.invalidate(failed)
        statement = "run by the driver"
        raise DBAPIError.instance(
            statement, None, failed, errors, hide_parameters=True, connection_invalidated=lost, dialect=dialect
        ) from None


class PreparedStatement:
    """A statement with named parameters; one in `IN` takes a list, which may be empty.

    An INSERT or UPDATE sets the columns that parameters are named after; one with a default in Python must be among
    them. Rows are named tuples of its columns. Errors of the driver become those of SQLAlchemy.
    """

    def __init__(self, statement: Select[Any] | UpdateBase) -> None:
        self._statement = statement
        self._compiled: dict[tuple[str, ...], _Compiled] = {}  # by the name of the database, and of what is written

    def all(self, connection: Connection, parameters: Parameters) -> list[Any]:
        """Every row."""
        return self._of(connection, parameters).run(connection, parameters)[0]

    def first(self, connection: Connection, parameters: Parameters) -> Any | None:
        """The first row, or None."""
        return next(iter(self.all(connection, parameters)), None)

    def scalar(self, connection: Connection, parameters: Parameters) -> Any | None:
        """The first column of the first row, or None."""
        row = self.first(connection, parameters)
        return None if row is None else row[0]

    def scalars(self, connection: Connection, parameters: Parameters) -> list[Any]:
        """The first column of every row."""
        return [row[0] for row in self.all(connection, parameters)]

    def run(self, connection: Connection, parameters: Parameters) -> int:
        """Run a statement that writes; how many rows it concerned."""
        return self._of(connection, parameters).run(connection, parameters)[1]

    def _of(self, connection: Connection, parameters: Parameters) -> _Compiled:
        names = () if isinstance(self._statement, Select) else tuple(parameters)
        key = connection.dialect.name, *names
        if key not in self._compiled:
            self._compiled[key] = _Compiled(self._statement, connection.dialect, names)
        return self._compiled[key]


class _Compiled:
    """A statement in the words of one database."""

    def __init__(self, statement: Select[Any] | UpdateBase, dialect: Dialect, names: Sequence[str]) -> None:
        lite = dialect.name == "sqlite"
        if lite:
            dialect = type(dialect)(paramstyle="named")  # type: ignore[call-arg] # Dialect is only the interface
        compiled = statement.compile(dialect=dialect, column_keys=list(names) or None)
        self._text, self._mark = str(compiled), ":{}" if lite else "%({})s"
        self._given = {name: value for name, value in compiled.params.items() if value is not None}
        self._lists = _LIST.findall(self._text)
        self._texts: dict[
            tuple[int, ...], str
        ] = {}  # with placeholders for lists of these lengths, where they are short
        columns = list(statement.exported_columns) if self._gives_rows(statement) else []
        self._row: Any = namedtuple("Row", [str(column.key) for column in columns]) if columns else None
        converters = [column.type.dialect_impl(dialect).result_processor(dialect, None) for column in columns]
        self._convert = [(place, convert) for place, convert in enumerate(converters) if convert is not None]

    @staticmethod
    def _gives_rows(statement: Select[Any] | UpdateBase) -> bool:
        return isinstance(statement, Select) or bool(statement._returning)

    def run(self, connection: Connection, parameters: Parameters) -> tuple[list[Any], int]:
        """The rows, and how many rows a change concerned."""
        values = {**self._given, **parameters}
        text = self._with_lists(values) if self._lists else self._text
        if not connection.in_transaction():
            connection.begin()  # as SQLAlchemy does before a first statement; whoever opened the connection ends it
        with driver_of(connection) as driver:
            cursor = driver.execute(text, values)
            rows = cursor.fetchall() if self._row is not None else []
            concerned = cursor.rowcount
            cursor.close()
        if self._convert:
            rows = [self._converted(row) for row in rows]
        return [self._row._make(row) for row in rows], concerned

    def _with_lists(self, values: dict[str, Any]) -> str:
        """The statement with a placeholder for each item of a list; the items go into `values`."""
        marks: dict[str, list[str]] = {}
        for name in self._lists:
            items = {f"{name}_{place}": item for place, item in enumerate(values.pop(name))}
            values |= items
            marks[name] = list(items)
        lengths = tuple(map(len, marks.values()))
        text = self._texts.get(lengths)
        if text is None:
            text = _LIST.sub(lambda match: self._marks(marks[match[1]]), self._text)
            if sum(lengths) <= SHORT:
                self._texts[lengths] = text
        return text

    def _marks(self, names: list[str]) -> str:
        return f"({', '.join(map(self._mark.format, names)) or 'NULL'})"

    def _converted(self, row: Sequence[Any]) -> Sequence[Any]:
        values = list(row)
        for place, convert in self._convert:
            values[place] = convert(values[place])
        return values
