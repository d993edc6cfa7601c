"""A database server that could lose what was confirmed is refused, in a sentence; who reads sees one state."""

from __future__ import annotations

import time

import pytest
from sqlalchemy import NullPool, create_engine, func, insert, select, text

from models.schema import database
from models.schema.database import DatabaseUnsafe, open_engine
from models.schema.tables import data_versions, numbers
from tests.conftest import Store

SECONDS = 10.0


@pytest.mark.parametrize("setting", ["fsync", "full_page_writes", "synchronous_commit"])
def test_postgresql_that_would_lose_confirmed_results_is_refused(
    postgres: str, postgres_database: str, setting: str
) -> None:
    server = create_engine(f"{postgres}postgres", isolation_level="AUTOCOMMIT")

    def set_to(value: str) -> None:
        """Change the server, and wait until it goes by it."""
        with server.connect() as connection:
            connection.execute(text(f"ALTER SYSTEM SET {setting} = {value}"))
            connection.execute(text("SELECT pg_reload_conf()"))
        ends = time.monotonic() + SECONDS
        while time.monotonic() < ends:
            with create_engine(postgres_database, poolclass=NullPool).connect() as connection:
                if connection.scalar(text(f"SHOW {setting}")) == value:
                    return
            time.sleep(0.05)
        pytest.fail(f"{setting} did not become {value}")

    try:
        set_to("off")
        with pytest.raises(DatabaseUnsafe, match=f"runs with {setting} off.*Set {setting} = on in postgresql.conf"):
            open_engine(postgres_database)
    finally:
        set_to("on")
        server.dispose()
    open_engine(postgres_database).dispose()


def test_who_reads_does_not_see_what_is_stored_meanwhile(any_store: Store) -> None:
    version = select(func.max(data_versions.c.version)).where(data_versions.c.school_id == 1)
    with database.read_transaction(any_store.engine) as reading:
        before = reading.scalar(version)
        with database.write_transaction(any_store.engine, 1):
            pass  # which counts as a change
        assert reading.scalar(version) == before
    with database.read_transaction(any_store.engine) as reading:
        assert reading.scalar(version) == (before or 0) + 1


def test_queries_are_not_compiled(postgres_store: Store) -> None:
    jit = text("SHOW jit")
    with postgres_store.engine.connect() as connection:
        assert connection.scalar(jit) == "on"  # by default
    with database.read_transaction(postgres_store.engine, 1) as connection:
        assert connection.scalar(jit) == "off"
    with database.write_transaction(postgres_store.engine, 1) as connection:
        assert connection.scalar(jit) == "off"
    with database.read_transaction(database.for_all_schools(postgres_store.engine)) as connection:
        assert connection.scalar(jit) == "off"


def test_who_writes_sees_what_others_stored_while_it_waited(any_store: Store) -> None:
    with database.read_transaction(any_store.engine) as reading:  # its connection goes back to the pool
        before = reading.scalar(select(func.count()).select_from(numbers)) or 0
    with database.write_transaction(any_store.engine) as first:
        first.execute(insert(numbers).values(table_name="a table", last=1))
    with database.write_transaction(any_store.engine) as second:
        if any_store.engine.dialect.name == "postgresql":
            assert second.scalar(text("SHOW transaction_isolation")) == "read committed"
        assert second.scalar(select(func.count()).select_from(numbers)) == before + 1
