"""A connection that can only read is given up: SQLite makes one where it cannot open a file for writing."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event, func, insert, select
from sqlalchemy.exc import DBAPIError

from models.schema import database
from models.schema.tables import schools
from tests.conftest import Store

pytestmark = pytest.mark.sqlite


def written(connection: Connection) -> None:
    """A row by SQLAlchemy."""
    connection.execute(insert(schools).values(id=1, name="De Horizon"))


def written_fast(connection: Connection) -> None:
    """A row by the driver itself."""
    database.insert_new(connection, schools, ["id", "name"], [(1, "De Horizon")])


@pytest.mark.parametrize("write", [written, written_fast])
def test_a_write_works_again_after_one_that_found_the_file_open_for_reading_only(store: Store, write: Any) -> None:
    engine = database.open_engine(database.sqlite_url(Path(store.engine.url.database or "").parent))
    of_reading = [f"file:{engine.url.database}?mode=ro"]

    def connect(_dialect: object, _record: object, _args: object, _options: object) -> sqlite3.Connection | None:
        return sqlite3.connect(of_reading.pop(), uri=True, check_same_thread=False) if of_reading else None

    event.listen(engine, "do_connect", connect)
    with pytest.raises(DBAPIError, match="readonly"), database.write_transaction(engine) as connection:
        write(connection)
    with database.write_transaction(engine) as connection:
        write(connection)
    with database.read_transaction(engine) as connection:
        assert connection.scalar(select(func.count()).select_from(schools)) == 1
    engine.dispose()
    assert not of_reading
