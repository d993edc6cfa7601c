"""Publishers send to `rondblik serve`, which is killed (kill -9) again and again at any moment.

    python -m tests.faults.killed_server --rounds 1000

Every publisher sends the same bytes until they are confirmed. At the end each message must be stored once and whole,
and SQLite must find nothing wrong with its file. The last line is flat JSON.
"""

from __future__ import annotations

import random
import tempfile
import time
from pathlib import Path

from sqlalchemy import text

from models.schema import database
from models.schema.database import open_engine, sqlite_url
from tests.faults.programs import program, publisher_of
from tests.faults.publishers import lost_or_half, run_program, sending


def run(rounds: int, seed: int) -> dict[str, object]:
    """Kill the server so many times; how much was confirmed, what else was heard, and what is wrong."""
    draw = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="rondblik-killed-") as folder:
        data, errors = Path(folder) / "data", Path(folder) / "errors"
        publisher = publisher_of(data, sqlite_url(data))
        with program(data, errors=errors) as server, sending(server.receiver, publisher) as publishers:
            for _round in range(rounds):
                server.start()
                time.sleep(draw.uniform(0.02, 0.5))
                server.kill()
            server.start()
        engine = open_engine(sqlite_url(data))
        with database.read_transaction(engine) as connection:
            found = connection.scalar(text("PRAGMA integrity_check"))
        wrong = lost_or_half(engine, publishers.sendings) + ([] if found == "ok" else [f"integrity: {found}"])
        wrong += ["a traceback in the log"] if "Traceback" in errors.read_text() else []
        engine.dispose()
    return {
        "kills": rounds, "seed": seed, "confirmed": publishers.confirmed, "heard": publishers.heard, "wrong": wrong
    }  # fmt: skip


if __name__ == "__main__":
    run_program(run, __doc__, rounds=1000)
