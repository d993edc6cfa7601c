"""Publishers send to `rondblik serve` on PostgreSQL, which is stopped again and again as by a power cut.

    python -m tests.faults.stopped_database --rounds 200

The service itself runs on throughout and must answer that it cannot store for now, and nothing else; at the end each
message must be stored once and whole. The last line is flat JSON.
"""

from __future__ import annotations

import random
import tempfile
import time
from pathlib import Path

from tests.conftest import new_postgres, postgres_server
from tests.faults.programs import program, publisher_of
from tests.faults.publishers import TEMPORARY, lost_or_half, run_program, sending


def run(rounds: int, seed: int) -> dict[str, object]:
    """Stop PostgreSQL so many times; how much was confirmed, what else was heard, and what is wrong."""
    draw = random.Random(seed)
    with (
        tempfile.TemporaryDirectory(prefix="rondblik-stopped-") as folder,
        postgres_server() as postgres,
        new_postgres(postgres.url) as engine,
    ):
        data, errors = Path(folder) / "data", Path(folder) / "errors"
        url = engine.url.render_as_string(hide_password=False)
        publisher = publisher_of(data, url)
        database = {"RONDBLIK_DATABASE__URL": url}
        with program(data, errors=errors, variables=database) as server:
            server.start()
            with sending(server.receiver, publisher) as publishers:
                for _round in range(rounds):
                    time.sleep(draw.uniform(0.02, 0.5))
                    postgres.stop()
                    time.sleep(draw.uniform(0, 0.2))
                    postgres.start()
        engine.dispose()  # its connections are of a server that is no more
        wrong = lost_or_half(engine, publishers.sendings)
        wrong += [f"{answer} was answered" for answer in publishers.heard if answer != TEMPORARY]
        wrong += ["a traceback in the log"] if "Traceback" in errors.read_text() else []
    return {
        "stops": rounds, "seed": seed, "confirmed": publishers.confirmed, "heard": publishers.heard, "wrong": wrong
    }  # fmt: skip


if __name__ == "__main__":
    run_program(run, __doc__, rounds=200)
