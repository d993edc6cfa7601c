"""`make bench-full`: a message on PostgreSQL, beside its verdict by xmllint plus COPY of the same rows into the table.

The server is one of our own on loopback, with the settings that it is installed with. Both sides in turn, the median of
several rounds. The last line is flat JSON.
"""

from __future__ import annotations

import gc
import json
import statistics
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine, create_engine, select, text

from benchmarks import messages
from benchmarks.ingest import NOW, ingest, time_xmllint
from models.ingest import schools
from models.schema import clock, database
from models.schema.encryption import PiiCipher
from models.schema.store_key import open_encrypted
from models.schema.tables import results
from tests.conftest import PostgresServer, postgres_server

RESULTS, ROUNDS = 100_000, 3


@contextmanager
def new_database(
    server: PostgresServer, folder: Path, *, with_source: bool = True
) -> Iterator[tuple[Engine, PiiCipher]]:
    """A database of its own with our tables, dropped at the end; with the source of the messages."""
    name = f"bench_{uuid.uuid4().hex}"
    admin = create_engine(server.url + "postgres", isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine = database.open_engine(server.url + name)
    try:
        cipher = open_encrypted(engine, folder / name)
        with database.write_transaction(engine) as connection:
            if with_source:
                schools.ensure_source(connection, "bench", "Bench", "publisher")
        yield engine, cipher
    finally:
        engine.dispose()
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        admin.dispose()


def time_copy(engine: Engine, rows: Sequence[tuple[object, ...]]) -> float:
    """Seconds of a COPY of the rows into the empty table with its indexes, committed."""
    named = ", ".join(results.columns.keys())
    with engine.connect() as connection:
        connection.execute(text("TRUNCATE results"))
        connection.commit()
        driver = connection.connection.driver_connection
        assert driver is not None
        begin = time.perf_counter()
        with driver.cursor() as cursor, cursor.copy(f"COPY results ({named}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        driver.commit()
        return time.perf_counter() - begin


def main() -> None:
    """Print the figure; the last line is flat JSON."""
    gc.set_threshold(50_000, 20, 50)  # as the program does
    with (
        tempfile.TemporaryDirectory(prefix="rondblik-bench-") as name,
        clock.fixed(NOW),
        postgres_server() as server,
    ):
        folder = Path(name)
        path, small = folder / "message.xml", folder / "small.xml"
        messages.write(path, RESULTS)
        messages.write(small, 1, brin="00ZZ")
        ours, floor = [], []
        for _ in range(ROUNDS):
            with new_database(server, folder) as (engine, cipher):
                ingest(engine, cipher, small)
                begin = time.perf_counter()
                ingest(engine, cipher, path)
                ours.append(time.perf_counter() - begin)
                with database.read_transaction(engine) as connection:
                    rows = [tuple(row) for row in connection.execute(select(results))]
                floor.append(time_xmllint(path) + time_copy(engine, rows))
    ratio = statistics.median(ours) / statistics.median(floor)
    print(
        f"PostgreSQL {RESULTS:,} results: {statistics.median(ours) * 1e3:.0f} ms, "
        f"verdict and COPY {statistics.median(floor) * 1e3:.0f} ms, ratio {ratio:.2f}"
    )
    print(json.dumps({"postgres_ratio_100000": round(ratio, 3)}))


if __name__ == "__main__":
    main()
