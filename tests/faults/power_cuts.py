"""Publishers send to `rondblik serve`, whose machine loses its power again and again at any moment.

    python -m tests.faults.power_cuts --rounds 200

A library that is loaded into the program (synced.c) copies each file when it was synced. At a cut the program is
killed, and goes on with those copies: all that was written since is lost, or every second time any half of its blocks.
At the end each message that was confirmed must be stored once and whole. Nothing is shown of a disk that says that it
has kept what it has not. The last line is flat JSON.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from sqlalchemy import text

from models.schema import database
from models.schema.database import open_engine, sqlite_url
from tests.faults.programs import Program, program, publisher_of
from tests.faults.publishers import lost_or_half, run_program, sending

BLOCK = 4096
SHARED_MEMORY = "-shm"  # of SQLite: never synced, and made anew


def library(folder: Path) -> Path:
    """The compiled library."""
    made = folder / "synced.so"
    command = ["cc", "-shared", "-fPIC", "-O2", "-o", str(made), str(Path(__file__).with_name("synced.c")), "-ldl"]
    subprocess.run(command, check=True)
    return made


def variables(library: Path, data: Path, synced: Path) -> dict[str, str]:
    """What makes a program keep copies of what it synced."""
    return {"LD_PRELOAD": str(library), "RONDBLIK_WATCHED": str(data), "RONDBLIK_SYNCED": str(synced)}


def keep(data: Path, synced: Path) -> None:
    """From now on what stands in the data folder counts as synced."""
    shutil.rmtree(synced, ignore_errors=True)
    shutil.copytree(data, synced, ignore=shutil.ignore_patterns("*" + SHARED_MEMORY))


def cut(data: Path, synced: Path, draw: random.Random | None) -> None:
    """Leave in the data folder what was synced; with `draw` also half of the blocks that were written since."""
    for file in synced.rglob("*.part"):
        file.unlink()
    written = [path for path in data.rglob("*") if path.is_file() and not path.name.endswith(SHARED_MEMORY)]
    for file in written if draw is not None else ():
        _write_half(file, synced / file.relative_to(data), draw or random.Random())
    shutil.rmtree(data)
    shutil.copytree(synced, data)
    data.chmod(0o700)


def _write_half(file: Path, kept: Path, draw: random.Random) -> None:
    """Write half of the blocks in which two files differ."""
    live = file.read_bytes()
    before = kept.read_bytes() if kept.exists() else b""
    if live == before:
        return
    with kept.open("r+b" if kept.exists() else "wb") as output:
        for start in range(0, len(live), BLOCK):
            block = live[start : start + BLOCK]
            if block != before[start : start + BLOCK] and draw.random() < 0.5:
                output.seek(start)
                output.write(block)
    kept.chmod(0o600)


def run(rounds: int, seed: int) -> dict[str, object]:
    """Cut the power so many times; how much was confirmed, what else was heard, and what is wrong."""
    draw, wrong = random.Random(seed), list[str]()
    with tempfile.TemporaryDirectory(prefix="rondblik-power-") as name:
        folder = Path(os.path.realpath(name))
        data, synced, errors = folder / "data", folder / "synced", folder / "errors"
        publisher = publisher_of(data, sqlite_url(data))
        preload = variables(library(folder), data, synced)
        keep(data, synced)
        with (
            program(data, errors=errors, variables=preload) as server,
            sending(server.receiver, publisher) as publishers,
        ):
            for number in range(rounds):
                _work(server, draw.uniform(0.02, 0.5))
                cut(data, synced, draw if number % 2 else None)
                wrong += _damage(data)
                keep(data, synced)
            server.start()
        engine = open_engine(sqlite_url(data))
        wrong += lost_or_half(engine, publishers.sendings)
        wrong += ["a traceback in the log"] if "Traceback" in errors.read_text() else []
        engine.dispose()
    return {
        "cuts": rounds, "seed": seed, "confirmed": publishers.confirmed, "heard": publishers.heard, "wrong": wrong
    }  # fmt: skip


def _work(server: Program, seconds: float) -> None:
    server.start()
    time.sleep(seconds)
    server.kill()


def _damage(data: Path) -> list[str]:
    """What SQLite finds wrong with the database that was left."""
    engine = open_engine(sqlite_url(data))
    with database.read_transaction(engine) as connection:
        found = connection.scalar(text("PRAGMA integrity_check"))
    engine.dispose()
    return [] if found == "ok" else [f"integrity: {found}"]


if __name__ == "__main__":
    run_program(run, __doc__, rounds=200)
