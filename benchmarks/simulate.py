"""`make simulate`: many schools in one database, and whether what one school sees and sends costs the same among them.

Each school has classes of 30 and the results of a few weeks, as messages bring them in. With 1, 20 and 200 schools the
same is measured: reading a class for its page and reading all connections, in the first school, and a message of 30
results and one of 5,000, in one more. The plan in docs/scale.md multiplies what is flat here. On SQLite, or with
`--postgres` on a PostgreSQL server of its own. The last line is flat JSON.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine, func, select, text

from benchmarks import messages
from benchmarks.ingest import NOW, ingest, new_store, school_roster
from benchmarks.postgres import new_database
from models.access.viewer import Role, Viewer
from models.classroom.class_data import read_class_data
from models.classroom.class_overview import class_overview
from models.ingest import rosters, schools
from models.ingest.connection_overview import connection_overview
from models.results.periods import of_school_year
from models.schema import clock, database
from models.schema.encryption import PiiCipher
from models.schema.tables import classes, results
from tests.conftest import postgres_server

SIZES = (1, 20, 200)
RESULTS_A_SCHOOL = 5_000
SENDING_SCHOOL = 259
ROUNDS = 9


def brin_of(number: int) -> str:
    """The made-up BRIN of a school; 260 have one."""
    return f"{10 + number // 26:02d}{chr(ord('A') + number % 26)}Z"


@contextmanager
def new_databases(folder: Path, on_postgres: bool) -> Iterator[tuple[Engine, PiiCipher]]:
    """An empty store on either database."""
    if on_postgres:
        with postgres_server() as server, new_database(server, folder) as made:
            yield made
        return
    engine, cipher = new_store(folder)
    yield engine, cipher
    engine.dispose()


class Schools:
    """The schools of the simulation, of which the first is looked at."""

    def __init__(self, engine: Engine, cipher: PiiCipher, folder: Path) -> None:
        self.engine, self.cipher, self.folder = engine, cipher, folder
        self.count = self.sent = 0
        with database.write_transaction(engine) as connection:
            self.las = schools.ensure_source(connection, "las", "LAS", "las")

    def grow(self, size: int) -> None:
        """Add schools until there are so many."""
        while self.count < size:
            brin = brin_of(self.count)
            self.send(RESULTS_A_SCHOOL, self.count)
            with database.write_transaction(self.engine) as connection:
                school_id = schools.ensure_school(connection, [schools.Identification("brin", brin)])
            roster = school_roster(brin, 0)
            rosters.save_roster(
                self.engine, self.cipher, school_id=school_id, source_id=self.las, roster=roster, way="load"
            )
            self.count += 1

    def send(self, size: int, school: int = SENDING_SCHOOL) -> None:
        """A message of so many new results of a school."""
        self.sent += 1
        path = self.folder / "message.xml"
        messages.write(path, size, seed=self.sent, brin=brin_of(school))
        ingest(self.engine, self.cipher, path)

    def read_class(self) -> None:
        """What the page of a class reads."""
        viewer, period = Viewer(1, Role.SUPPORT), of_school_year("2026-2027")
        with database.read_transaction(self.engine) as connection:
            first = select(func.min(classes.c.id)).where(classes.c.school_id == 1)
            class_data = read_class_data(connection, viewer, [connection.scalar(first) or 0], "2026-2027", period)
            class_overview(class_data, period)

    def read_connections(self) -> None:
        """What the page of the connections reads."""
        with database.read_transaction(self.engine) as connection:
            connection_overview(connection, Viewer(1, Role.ADMINISTRATOR))

    @property
    def bytes_a_result(self) -> float:
        """How much of the disk a result takes, with its share of indexes and all else."""
        postgresql = self.engine.dialect.name == "postgresql"
        size = (
            "SELECT pg_database_size(current_database())"
            if postgresql
            else "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
        )
        with database.read_transaction(self.engine) as connection:
            return int(connection.scalar(text(size)) or 0) / self.rows

    @property
    def rows(self) -> int:
        """How many results are stored."""
        with database.read_transaction(self.engine) as connection:
            return connection.scalar(select(func.count()).select_from(results)) or 0


def median_ms(action: Callable[[], None], rounds: int) -> float:
    """Milliseconds of an action, the median of several times."""
    times = []
    for _ in range(rounds):
        begin = time.perf_counter()
        action()
        times.append((time.perf_counter() - begin) * 1e3)
    return statistics.median(times)


def main() -> None:
    """Print every figure; the last line is flat JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--postgres", action="store_true", help="on PostgreSQL")
    parser.add_argument("--schools", type=int, default=SIZES[-1], help="how many at the end")
    options = parser.parse_args()
    figures: dict[str, float] = {}
    first: dict[str, float] = {}
    with (
        tempfile.TemporaryDirectory(prefix="rondblik-bench-") as name,
        clock.fixed(NOW),
        new_databases(Path(name), options.postgres) as (engine, cipher),
    ):
        simulated = Schools(engine, cipher, Path(name))
        actions: dict[str, Callable[[], None]] = {
            "read_class": simulated.read_class,
            "read_connections": simulated.read_connections,
            "message_of_30": lambda: simulated.send(30),
            "message_of_5000": lambda: simulated.send(RESULTS_A_SCHOOL),
        }
        for size in sorted({size for size in SIZES if size < options.schools} | {options.schools}):
            simulated.grow(size)
            size_word = f"{simulated.bytes_a_result:.0f} bytes a result"
            print(f"{size} schools, {simulated.rows:,} results, {size_word}", flush=True)
            for action_name, action in actions.items():
                action()
                taken = median_ms(action, 3 if action_name == "message_of_5000" else ROUNDS)
                first.setdefault(action_name, taken)
                figures[f"{action_name}_{size}_ratio"] = taken / first[action_name]
                print(f"  {action_name:18} {taken:8.1f} ms  {taken / first[action_name]:5.2f} x")
    print(json.dumps({name: round(value, 3) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
