"""A database server that could lose what was confirmed is refused, in a sentence."""

from __future__ import annotations

import time

import pytest
from sqlalchemy import NullPool, create_engine, text

from models.schema.database import DatabaseUnsafe, open_engine

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
