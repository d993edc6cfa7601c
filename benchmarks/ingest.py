"""`make bench`: our ingest beside its floor, memory over size, and the class overview over size.

The floor is what nobody can do without: `xmllint --noout --schema` with our schema over the message, plus a raw
`sqlite3` executemany of the same rows into the same table with the same indexes and pragmas. Both sides in turn, the
median of several rounds. The last line is flat JSON.
"""

from __future__ import annotations

import argparse
import gc
import json
import shutil
import sqlite3
import statistics
import subprocess
import sys
import time
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Engine, select

from benchmarks import messages
from connectors.intake.destinations import AnySchool
from connectors.intake.judge import ResultSource, process_results, spool
from models.access.viewer import Role, Viewer
from models.classroom.class_data import read_class_data
from models.classroom.class_overview import class_overview
from models.ingest import rosters, schools
from models.results.periods import of_school_year
from models.schema import clock, database
from models.schema.encryption import PiiCipher
from models.schema.records import Roster, RosterGroup, RosterPupil, SchoolRef
from models.schema.store_key import open_encrypted
from models.schema.tables import classes, results

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SIZES = (1_000, 10_000, 100_000)
ROUNDS = {1_000: 9, 10_000: 7, 100_000: 5}
CLASS_SIZE = 30


@cache
def first_start() -> TemporaryDirectory[str]:
    """The folder of a store after its first start: a copy of it saves each store the migrations."""
    folder = TemporaryDirectory(prefix="rondblik-bench-")
    engine = database.open_engine(database.sqlite_url(Path(folder.name)))
    open_encrypted(engine, Path(folder.name))
    engine.dispose()
    return folder


def new_store(folder: Path) -> tuple[Engine, PiiCipher]:
    """An empty store in `folder`."""
    shutil.copytree(first_start().name, folder, dirs_exist_ok=True)
    engine = database.open_engine(database.sqlite_url(folder))
    cipher = open_encrypted(engine, folder)
    with database.write_transaction(engine) as connection:
        schools.ensure_source(connection, "bench", "Bench", "publisher")
    return engine, cipher


def ingest(engine: Engine, cipher: PiiCipher, path: Path) -> int:
    """The whole way of one message, from bytes to committed rows; returns how many results were new."""
    with path.open("rb") as file, spool(iter(lambda: file.read(1 << 18), b"")) as spooled:
        source = ResultSource(source_id=1, destination=AnySchool(engine), channel="load")
        receipt = process_results(engine, cipher, spooled, source)
    return receipt.counts["new"]


def time_ours(path: Path, results_expected: int) -> float:
    """Seconds of one ingest by a worker that runs: it has stored one small message of another school before."""
    with TemporaryDirectory(prefix="rondblik-bench-") as folder:
        engine, cipher = new_store(Path(folder))
        small = Path(folder) / "small.xml"
        messages.write(small, 1, brin="00ZZ")
        ingest(engine, cipher, small)
        begin = time.perf_counter()
        new = ingest(engine, cipher, path)
        seconds = time.perf_counter() - begin
        engine.dispose()
    if new != results_expected:
        raise SystemExit(f"stored {new} of {results_expected} results")
    return seconds


def time_corrections(folder: Path, size: int, rounds: int) -> tuple[float, float]:
    """How long a newer message takes beside the first: where it says the same, and where every score is another."""
    paths = [folder / f"{name}.xml" for name in ("first", "same", "changed")]
    messages.write(paths[0], size)
    messages.write(paths[1], size, hour=11)
    messages.write(paths[2], size, hour=12, plus=1)
    ratios: list[tuple[float, float]] = []
    for _ in range(rounds):
        with TemporaryDirectory(prefix="rondblik-bench-") as name:
            engine, cipher = new_store(Path(name))
            times = []
            for path in paths:
                begin = time.perf_counter()
                ingest(engine, cipher, path)
                times.append(time.perf_counter() - begin)
            engine.dispose()
        ratios.append((times[1] / times[0], times[2] / times[0]))
    same, changed = (statistics.median(ratio) for ratio in zip(*ratios, strict=True))
    print(f"newer message of {size:>7,}: nothing changed {same:5.2f} x, everything changed {changed:5.2f} x the first")
    return same, changed


def time_xmllint(path: Path) -> float:
    """Seconds of `xmllint --noout --schema`."""
    with resources.as_file(resources.files("connectors.uwlr") / "schemas") as folder:
        begin = time.perf_counter()
        command = ["xmllint", "--noout", "--schema", str(folder / "entry_results.xsd"), str(path)]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        return time.perf_counter() - begin


def rows_of(path: Path) -> list[tuple[object, ...]]:
    """The rows that our ingest stores of a message."""
    with TemporaryDirectory(prefix="rondblik-bench-") as folder:
        engine, cipher = new_store(Path(folder))
        ingest(engine, cipher, path)
        with database.read_transaction(engine) as connection:
            rows = [tuple(row) for row in connection.execute(select(results))]
        engine.dispose()
    return rows


def time_sqlite(rows: list[tuple[object, ...]]) -> float:
    """Seconds of a raw executemany of the rows into the same table, indexes and pragmas, committed."""
    with TemporaryDirectory(prefix="rondblik-bench-") as folder:
        engine, _ = new_store(Path(folder))
        engine.dispose()
        connection = sqlite3.connect(Path(folder) / "rondblik.db", isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON", "cache_size=-16000"):
            connection.execute(f"PRAGMA {pragma}")
        named, marks = ", ".join(results.columns.keys()), ",".join("?" * len(rows[0]))
        begin = time.perf_counter()
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(f"INSERT INTO results ({named}) VALUES ({marks})", rows)
        connection.execute("COMMIT")
        seconds = time.perf_counter() - begin
        connection.close()
    return seconds


def compare(folder: Path, size: int, rounds: int) -> float:
    """The ratio of our ingest to the floor for a message of `size` results."""
    path = folder / f"{size}.xml"
    messages.write(path, size)
    rows = rows_of(path)
    ours, floor = [], []
    for _ in range(rounds):
        floor.append(time_xmllint(path) + time_sqlite(rows))
        ours.append(time_ours(path, size))
    ratio = statistics.median(ours) / statistics.median(floor)
    print(
        f"ingest {size:>9,} results: {statistics.median(ours) * 1e3:9.1f} ms, floor "
        f"{statistics.median(floor) * 1e3:9.1f} ms, ratio {ratio:.2f}"
    )
    return ratio


def peak_memory(folder: Path, size: int) -> float:
    """Peak resident memory in MB of a process of its own that takes in one message of `size` results."""
    path = folder / f"{size}.xml"
    command = [sys.executable, "-m", "benchmarks.ingest", "--peak", str(path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    peak = float(done.stdout.strip().splitlines()[-1])
    print(f"memory {size:>9,} results: {peak:9.1f} MB")
    return peak


def print_peak(path: Path) -> None:
    """The child of `peak_memory`."""
    with TemporaryDirectory(prefix="rondblik-bench-") as folder, clock.fixed(NOW):
        engine, cipher = new_store(Path(folder))
        ingest(engine, cipher, path)
        engine.dispose()
    # Not getrusage: its maximum is handed on to a child, and would be that of the process that measures.
    status = Path("/proc/self/status").read_text()
    print(int(status.partition("VmHWM:")[2].split()[0]) / 1024)


def school_roster(brin: str, first_pupil: int) -> Roster:
    """The roster of one generated school: classes of 30."""
    pupils = tuple(
        RosterPupil(
            messages.pupil_key(first_pupil + number),
            messages.eck_id(first_pupil + number),
            first_name=f"Leerling {number}",
            last_name="Voorbeeld",
            year_group="5",
            group=f"G{number // CLASS_SIZE}",
        )
        for number in range(messages.PUPILS)
    )
    groups = tuple(
        RosterGroup(f"G{number}", f"{number:02d}", year_group="5") for number in range(messages.PUPILS // CLASS_SIZE)
    )
    return Roster("2026-2027", SchoolRef(brin), None, None, groups, pupils, (), digest=brin.encode().ljust(32))


def time_overview(folder: Path, stored: int, rounds: int) -> float:
    """Milliseconds (median) of the class overview with about `stored` results in the store, over whole schools."""
    engine, cipher = new_store(folder / f"overview-{stored}")
    a_school = messages.PUPILS * messages.RESULTS_A_PUPIL
    number_of_schools = max(1, round(stored / a_school))
    with database.write_transaction(engine) as connection:
        las = schools.ensure_source(connection, "las", "LAS", "las")
    left = stored
    for number in range(number_of_schools):
        brin = f"{10 + number}XX"
        path = folder / "school.xml"
        size = left if number == number_of_schools - 1 else a_school
        messages.write(path, size, seed=number, brin=brin, first_pupil=0)
        left -= size
        ingest(engine, cipher, path)
        with database.write_transaction(engine) as connection:
            school_id = schools.ensure_school(connection, [schools.Identification("brin", brin)])
        rosters.save_roster(
            engine, cipher, school_id=school_id, source_id=las, roster=school_roster(brin, 0), way="load"
        )
    viewer = Viewer(1, Role.SUPPORT)
    times = []
    with database.read_transaction(engine) as connection:
        first = connection.scalar(select(classes.c.id).where(classes.c.school_id == 1).order_by(classes.c.id).limit(1))
        period = of_school_year("2026-2027")
        for _ in range(rounds + 1):
            begin = time.perf_counter()
            class_data = read_class_data(connection, viewer, [int(first or 0)], "2026-2027", period)
            overview = class_overview(class_data, period)
            times.append((time.perf_counter() - begin) * 1e3)
    if len(overview.pupils) != CLASS_SIZE:
        raise SystemExit(f"the overview shows {len(overview.pupils)} pupils")
    engine.dispose()
    shutil.rmtree(folder / f"overview-{stored}")
    print(f"overview {stored:>9,} stored: {statistics.median(times[1:]):9.2f} ms")
    return statistics.median(times[1:])


def main() -> None:
    """Print every figure; the last line is flat JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peak", type=Path, help="take in one message and print the peak memory")
    parser.add_argument("--short", action="store_true", help="fewer rounds and sizes, as the tests run it")
    options = parser.parse_args()
    gc.set_threshold(50_000, 20, 50)  # as the program does
    if options.peak is not None:
        print_peak(options.peak)
        return
    sizes = SIZES[:2] if options.short else SIZES
    figures: dict[str, float] = {}
    with TemporaryDirectory(prefix="rondblik-bench-") as name, clock.fixed(NOW):
        folder = Path(name)
        for size in sizes:
            figures[f"ingest_ratio_{size}"] = compare(folder, size, 3 if options.short else ROUNDS[size])
        for size in sizes[1:]:
            same, changed = time_corrections(folder, size, 3)
            figures |= {f"again_ratio_{size}": same, f"changed_ratio_{size}": changed}
        for size in sizes[1:]:
            figures[f"ingest_peak_mb_{size}"] = peak_memory(folder, size)
        for stored in (10_000,) if options.short else (100_000, 1_000_000):
            figures[f"overview_ms_{stored}"] = time_overview(folder, stored, 5 if options.short else 15)
    print(json.dumps({name: round(value, 3) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
