"""`make bench-large`: whether a page costs the same in a large store; some minutes.

A school of 600 pupils, computed anew for each page, as after a change that may concern the whole school: alone in its
database (0.1 million rows), among fourteen and fifty-two others like it (1.4 and 5 million), and after eight years with
four times as many results. In processor time: of this process, and on PostgreSQL also of its server. Then a class page
that is read while `rondblik load` takes in 100,000 results of the school, beside the same page when nothing comes in;
and the results of a class as JSON by Datasette and from DuckDB, in an environment of their own that is removed
afterwards. The last line is flat JSON.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Connection, Engine, Table, func, select, text

from benchmarks import messages
from benchmarks.ingest import NOW as NOW_OF_MESSAGES
from benchmarks.pages import Read, page_reader
from benchmarks.postgres import new_database
from models.access.viewer import Role
from models.schema import clock, database, nodes
from models.schema.encryption import PiiCipher
from models.schema.store_key import open_encrypted
from models.schema.tables import metadata, results
from models.schema.tables import schools as schools_table
from tests.conftest import new_nodes, postgres_server
from tests.dashboard import large_school, school

CLASSES, COLUMNS = 20, 12
SCHOOLS = {"1_4m": 15, "5m": 53}
YEARS_BACK = (2, 4, 6)  # the school has this year and the last; with these, eight
ROUNDS = 7
TICKS = os.sysconf("SC_CLK_TCK")
LOADED = 100_000
PAGES = {
    "class": "/groep?klas=1",
    "class_both_years": "/groep?klas=1&periode=tweejaar",
    "pupil": "/leerling/1",
    "my_pupils": "/leerlingen?klas=1,2,3",
    "signals": "/signalen?klas=1,2,3",
    "materials": "/leermiddelen",
}
OF_ADMINISTRATOR = {"connections": "/koppelingen"}
PEER_PACKAGES = ("datasette", "duckdb")
CLASS_QUERY = (
    "SELECT identifier_id, test_id, part_id, taken_on, score, score_text FROM results WHERE school_id = 1 "
    "AND identifier_id BETWEEN 1 AND 30 AND taken_on BETWEEN '2026-08-01' AND '2027-07-31' AND part_id = 0"
)
PEERS = """
import asyncio, json, sqlite3, statistics, sys, time
from datasette.app import Datasette
import duckdb

path, query, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])

def median_ms(call):
    call()
    times = []
    for _ in range(rounds):
        begin = time.process_time()
        call()
        times.append((time.process_time() - begin) * 1e3)
    return statistics.median(times)

loop = asyncio.new_event_loop()
datasette = Datasette([path], settings={"max_returned_rows": 5000, "sql_time_limit_ms": 60000})
def by_datasette():
    async def ask():
        return await datasette.client.get("/rondblik.json", params={"sql": query, "_shape": "array"})
    answer = loop.run_until_complete(ask())
    assert answer.status_code == 200 and len(answer.json()) > 100, answer.text[:300]

rows = sqlite3.connect(path).execute(
    "SELECT school_id, identifier_id, test_id, part_id, taken_on, score, score_text FROM results").fetchall()
memory = duckdb.connect()
memory.execute("CREATE TABLE results (school_id INTEGER, identifier_id INTEGER, test_id INTEGER, part_id INTEGER,"
               " taken_on TEXT, score BIGINT, score_text TEXT)")
import csv, tempfile
with tempfile.NamedTemporaryFile("w", suffix=".csv", newline="") as file:
    csv.writer(file).writerows(rows)
    file.flush()
    memory.execute(f"COPY results FROM '{file.name}' (HEADER false)")
assert len(memory.execute(query).fetchall()) > 100
print(json.dumps({
    "datasette_ms": median_ms(by_datasette),
    "duckdb_ms": median_ms(lambda: json.dumps(memory.execute(query).fetchall())),
}))
"""


def with_server(engine: Engine) -> Callable[[], float]:
    """A clock of the processor time, in seconds, of this process and of its connections to a server on this machine."""
    with engine.connect() as connection:
        backend = connection.scalar(select(func.pg_backend_pid()))
    server = _parent(Path(f"/proc/{backend}"))

    def seconds() -> float:
        processes = [path for path in Path("/proc").glob("[0-9]*") if _parent(path) == server]
        return time.process_time() + sum(map(_ticks, processes)) / TICKS

    return seconds


def _parent(process: Path) -> str:
    return _stat(process)[1]


def _ticks(process: Path) -> int:
    return sum(map(int, _stat(process)[11:13]))


def _stat(process: Path) -> list[str]:
    try:
        return (process / "stat").read_text().rpartition(")")[2].split()
    except OSError:  # it has just ended
        return ["0"] * 13


def copy_school(connection: Connection, number: int) -> None:
    """One more school with all that the first has."""
    connection.execute(schools_table.insert().values(id=number, name=f"School {number}"))
    for table in metadata.sorted_tables:
        if "school_id" in table.c and table.name in OF_SCHOOL:
            _copy(connection, table, str(number))


OF_SCHOOL = {
    "classes", "groups", "pupils", "memberships", "identifiers", "teachers", "teacher_groups", "tests",
    "test_definitions", "parts", "source_connections", "results", "result_counts",
}  # fmt: skip


def _copy(connection: Connection, table: Table, school: str, **instead: str) -> None:
    """Rows of the first school once more, with other expressions in the place of some columns."""
    named = ", ".join(f'"{column.name}"' for column in table.c)
    taken = ", ".join({"school_id": school, **instead}.get(column.name, f'"{column.name}"') for column in table.c)
    copied = f"INSERT INTO {table.name} ({named}) SELECT {taken} FROM {table.name} WHERE school_id = 1"
    connection.execute(text(copied))


def add_years(connection: Connection) -> None:
    """The results of the first school again, in earlier school years."""
    largest = connection.scalar(select(func.max(func.length(results.c.key)))) or 0
    of_first = f"WHERE school_id = 1 AND length(key) <= {largest}"
    named = ", ".join(f'"{column.name}"' for column in results.c)
    for back in YEARS_BACK:
        day = f"(CAST(substr(taken_on, 1, 4) AS INTEGER) - {back}) || substr(taken_on, 5)"
        year = f"'{2026 - back}-{2027 - back}'"
        other = {"key": f"key || '-{'y' * largest}{back}'", "taken_on": day, "school_year": year}
        taken = ", ".join(other.get(column.name, f'"{column.name}"') for column in results.c)
        connection.execute(text(f"INSERT INTO results ({named}) SELECT {taken} FROM results {of_first}"))
    connection.execute(text("DELETE FROM result_counts"))
    connection.execute(text(school.COUNT_RESULTS))


class Measured:
    """A store, and what its pages cost."""

    def __init__(self, engine: Engine, cipher: PiiCipher, timer: Callable[[], float]) -> None:
        self.engine, self.timer = engine, timer
        reader, of_administrator = page_reader(engine, cipher), page_reader(engine, cipher, Role.ADMINISTRATOR)
        self.reads: dict[str, Read] = {name: reader(path) for name, path in PAGES.items()}
        self.reads |= {name: of_administrator(path) for name, path in OF_ADMINISTRATOR.items()}

    def costs(self) -> dict[str, float]:
        """Milliseconds of each page, computed anew."""
        gc.collect()
        gc.freeze()
        return {name: self._cost(read) for name, read in self.reads.items()}

    def _cost(self, read: Read) -> float:
        spent = 0.0
        for number in range(ROUNDS + 1):
            with database.write_transaction(self.engine, large_school.SCHOOL):
                pass
            begin = self.timer()
            read()
            spent += self.timer() - begin if number else 0.0
        return spent * 1e3 / ROUNDS  # not the median: a server counts in hundredths of a second


def print_table(name: str, rows: int, costs: dict[str, float], small: dict[str, float]) -> dict[str, float]:
    """Print what pages cost in a store, beside the small one; the ratios."""
    print(f"{name}, {rows:,} rows", flush=True)
    for page, cost in costs.items():
        print(f"  {page:18} {cost:8.1f} ms {cost / small[page]:6.2f} x", flush=True)
    return {f"large_{name}_{page}_ratio": cost / small[page] for page, cost in costs.items() if costs is not small}


def rows_of(engine: Engine) -> int:
    """How many results a store has."""
    with database.read_transaction(engine) as connection:
        return connection.scalar(select(func.count()).select_from(results)) or 0


def grow(engine: Engine, first: int, last: int) -> None:
    """Add schools up to this number."""
    for number in range(first, last + 1):
        with database.write_transaction(engine) as connection:
            copy_school(connection, number)


def flat(engine: Engine, cipher: PiiCipher, sizes: dict[str, int], timer: Callable[[], float]) -> dict[str, float]:
    """Pages of a school among more and more others, and after eight years; in an empty store."""
    database_name = engine.dialect.name
    large_school.build(engine, cipher, [30] * CLASSES, COLUMNS)
    analyze(engine)
    measured = Measured(engine, cipher, timer)
    small = measured.costs()
    figures = print_table(f"{database_name}_0_1m", rows_of(engine), small, small)
    schools = 1
    for name, number in sizes.items():
        grow(engine, schools + 1, number)
        schools = number
        analyze(engine)
        figures |= print_table(f"{database_name}_{name}", rows_of(engine), measured.costs(), small)
    with database.write_transaction(engine) as connection:
        add_years(connection)
    analyze(engine)
    figures |= print_table(f"{database_name}_eight_years", rows_of(engine), measured.costs(), small)
    return figures


def analyze(engine: Engine) -> None:
    """What a PostgreSQL server does by itself sooner or later; SQLite of ours never."""
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")


def while_loading(folder: Path) -> dict[str, float]:
    """How long a class page takes while a large message comes in, beside when none does."""
    engine = database.open_engine(database.sqlite_url(folder))
    cipher = open_encrypted(engine, folder)
    large_school.build(engine, cipher, [30] * CLASSES, COLUMNS)
    path = folder / "message.xml"
    messages.write(path, LOADED, brin="99XX")
    read = page_reader(engine, cipher)(PAGES["class"])

    def page_ms() -> float:
        begin = time.perf_counter()
        read()
        taken = (time.perf_counter() - begin) * 1e3
        time.sleep(0.02)
        return taken

    page_ms()
    idle = [page_ms() for _ in range(40)]
    command = [str(Path(sys.executable).with_name("rondblik")), "--data", str(folder), "load", str(path)]
    environment = {**os.environ, "RONDBLIK_NOW": NOW_OF_MESSAGES.isoformat()}
    loading = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment)
    during = []
    while loading.poll() is None:
        during.append(page_ms())
    if loading.returncode != 0:
        raise SystemExit("rondblik load failed")
    engine.dispose()
    figures = {
        "loading_median_ratio": statistics.median(during) / statistics.median(idle),
        "loading_p95_ratio": p95(during) / p95(idle),
    }
    print(
        f"class page {statistics.median(idle):.1f} ms, p95 {p95(idle):.1f}; while {LOADED:,} results come in "
        f"{statistics.median(during):.1f} ms, p95 {p95(during):.1f} ({len(during)} pages)"
    )
    return figures


def p95(times: list[float]) -> float:
    """The time that 19 of 20 keep to."""
    return sorted(times)[int(len(times) * 0.95)]


def beside_peers(folder: Path) -> dict[str, float]:
    """The class page beside the rows of the same class by Datasette and DuckDB, which make no page of them."""
    engine = database.open_engine(database.sqlite_url(folder))
    cipher = open_encrypted(engine, folder)
    large_school.build(engine, cipher, [30] * CLASSES, COLUMNS)
    measured = Measured(engine, cipher, time.process_time)
    anew = measured._cost(measured.reads["class"])
    again = statistics.median(_timed(measured.reads["class"]) for _ in range(ROUNDS * 3))
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    engine.dispose()
    with tempfile.TemporaryDirectory(prefix="rondblik-peers-") as own:
        venv.create(own, with_pip=True)
        python = str(Path(own) / "bin" / "python")
        subprocess.run(
            [python, "-m", "pip", "install", "--quiet", "datasette", "duckdb"], check=True, stderr=subprocess.DEVNULL
        )
        asked = [python, "-c", PEERS, str(folder / "rondblik.db"), CLASS_QUERY, str(ROUNDS * 3)]
        done = subprocess.run(asked, check=True, stdout=subprocess.PIPE, text=True)
    peers: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    print(
        f"class page {again:.1f} ms again, {anew:.1f} ms anew; raw rows by Datasette {peers['datasette_ms']:.1f} ms, "
        f"by DuckDB in memory {peers['duckdb_ms']:.1f} ms"
    )
    return {
        f"class_{name}_to_{peer}_ratio": cost / peers[f"{peer}_ms"]
        for name, cost in (("again", again), ("anew", anew))
        for peer in PEER_PACKAGES
    }


def _timed(read: Read) -> float:
    begin = time.process_time()
    read()
    return (time.process_time() - begin) * 1e3


def on_nodes(engine: Engine, cipher: PiiCipher, servers: list[str]) -> dict[str, float]:
    """Pages of a school in one database, then after it went to one of two servers; by the clock, as both work then."""
    large_school.build(engine, cipher, [30] * CLASSES, COLUMNS)
    analyze(engine)
    measured = Measured(engine, cipher, time.perf_counter)
    alone = measured.costs()
    print_table("postgresql", rows_of(engine), alone, alone)
    with new_nodes(servers) as urls:
        nodes.distribute(engine, urls)
        engine.dispose()  # a connection knows from its beginning whether the store is on nodes
        for url in urls:
            node = database.open_engine(url)
            analyze(node)
            node.dispose()
        return print_table("nodes", rows_of(engine), measured.costs(), alone)


PARTS = ("sqlite", "postgresql", "nodes", "loading", "peers")


def main() -> None:
    """Print every figure; the last line is flat JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=PARTS, action="append", help="a part of it")
    wanted = parser.parse_args().only or PARTS
    figures: dict[str, float] = {}
    gc.set_threshold(50_000, 20, 50)  # as the server does
    with tempfile.TemporaryDirectory(prefix="rondblik-bench-") as name, clock.fixed(large_school.NOW):
        folder = Path(name)
        if "sqlite" in wanted:
            engine = database.open_engine(database.sqlite_url(folder / "flat"))
            figures |= flat(engine, open_encrypted(engine, folder / "flat"), SCHOOLS, time.process_time)
            engine.dispose()
        if "postgresql" in wanted:
            with postgres_server() as server, new_database(server, folder, with_source=False) as (engine, cipher):
                figures |= flat(engine, cipher, {"1_4m": SCHOOLS["1_4m"]}, with_server(engine))
        if "nodes" in wanted:
            with (
                postgres_server() as server,
                postgres_server() as other,
                new_database(server, folder, with_source=False) as (engine, cipher),
            ):
                figures |= on_nodes(engine, cipher, [server.url, other.url])
        if "loading" in wanted:
            figures |= while_loading(folder / "loading")
        if "peers" in wanted:
            figures |= beside_peers(folder / "peers")
    print(json.dumps({name: round(value, 3) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
