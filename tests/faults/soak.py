"""`rondblik serve` for a quarter of an hour under everything at once: memory, threads and descriptors stay flat.

    python -m tests.faults.soak --seconds 900

Publishers send, somebody looks at pages, hostile messages and half-open connections come in between. In the last third
of the time the program may use hardly more than in the second. The last line is flat JSON.
"""

from __future__ import annotations

import http.client
import random
import socket
import statistics
import tempfile
import threading
import time
from collections import Counter
from contextlib import suppress
from functools import partial
from pathlib import Path

import psutil

from models.schema.database import open_engine, sqlite_url
from tests.connectors.sending import Account, Receiver
from tests.connectors.test_big_cases import CASES
from tests.dashboard.test_two_processes import Browser
from tests.faults.programs import program, publisher_of
from tests.faults.publishers import lost_or_half, run_program, sending

EVERY = 0.5
PAGES = ("/groep", "/koppelingen", "/leermiddelen", "/nergens", "/health")
GROWTH = {"memory_mb": 1.15, "threads": 1.0, "descriptors": 1.15}


def run(seconds: int, seed: int) -> dict[str, object]:
    """Load the program for so long; what it used in the second and the last third, and what is wrong."""
    draw = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="rondblik-soak-") as folder:
        data, errors = Path(folder) / "data", Path(folder) / "errors"
        publisher = publisher_of(data, sqlite_url(data))
        over, seen = threading.Event(), Counter[int]()
        with program(data, soap_only=False, errors=errors) as server:
            server.start()
            process, samples = psutil.Process(server.pid), list[dict[str, float]]()
            tasks = (partial(_look, path=server.path, seen=seen), _bother, _hang)
            others = [
                threading.Thread(target=task, args=(server.receiver, publisher, over, random.Random(draw.random())))
                for task in tasks
            ]
            with sending(server.receiver, publisher, pause=0.1) as publishers:
                for thread in others:
                    thread.start()
                ends = time.monotonic() + seconds
                while time.monotonic() < ends:
                    time.sleep(EVERY)
                    samples.append(used(process))
                over.set()
                for thread in others:
                    thread.join(60)
        took = {name: [middle(samples, name, third) for third in (1, 2)] for name in GROWTH}
        engine = open_engine(sqlite_url(data))
        wrong = lost_or_half(engine, publishers.sendings)
        engine.dispose()
        wrong += [
            f"{name} grew from {then} to {now}" for name, (then, now) in took.items() if now > GROWTH[name] * then
        ]
        wrong += [] if seen[200] and max(seen) < 500 else [f"pages were answered {dict(seen)}"]
        wrong += ["a traceback in the log"] if "Traceback" in errors.read_text() else []
    outcome = {
        "seconds": seconds,
        "seed": seed,
        "confirmed": publishers.confirmed,
        "heard": publishers.heard,
        "pages": seen.total(),
    }
    return {**outcome, "pages": seen.total(), **took, "wrong": wrong}


def middle(samples: list[dict[str, float]], name: str, third: int) -> int:
    """The median of what was measured in the second (1) or last (2) third of the time."""
    length = len(samples) // 3
    return round(statistics.median(sample[name] for sample in samples[third * length : (third + 1) * length]))


def used(process: psutil.Process) -> dict[str, float]:
    """What a process uses now, by the names of `GROWTH`."""
    return {
        "memory_mb": process.memory_info().rss / 1024 / 1024,
        "threads": process.num_threads(),
        "descriptors": process.num_fds(),
    }


def _look(
    receiver: Receiver,
    _publisher: Account,
    over: threading.Event,
    _draw: random.Random,
    *,
    path: str,
    seen: Counter[int],
) -> None:
    """Look at pages of a session."""
    browser = Browser([receiver.port])
    first = browser.ask("GET", path).headers["Location"]
    while not over.wait(0.2):
        for page in (first, *PAGES):
            seen[browser.ask("GET", page).status_code] += 1


def _bother(receiver: Receiver, publisher: Account, over: threading.Event, draw: random.Random) -> None:
    """Send large hostile messages."""
    bodies = [case(publisher) for case in CASES.values()]
    while not over.wait(draw.uniform(0, 4)):
        with suppress(OSError, http.client.HTTPException):
            receiver.post(draw.choice(bodies))


def _hang(receiver: Receiver, _publisher: Account, over: threading.Event, draw: random.Random) -> None:
    """Open connections, send half a request, and go away after a while."""
    open_ones: list[socket.socket] = []
    while not over.wait(0.2):
        with suppress(OSError):
            wire = socket.create_connection(("127.0.0.1", receiver.port), 20)
            open_ones.append(wire)
            wire.sendall(draw.choice((b"", b"POST /uwlr", b"GET / HTTP/1.1\r\nHost: x\r\n")))
        if len(open_ones) > 20:
            open_ones.pop(0).close()
    for wire in open_ones:
        wire.close()


if __name__ == "__main__":
    run_program(run, __doc__, seconds=900)
