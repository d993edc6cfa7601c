"""Threads that read messages keep nothing of the names in them for long."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from itertools import count
from pathlib import Path

from lxml import etree

from connectors.transport.message_threads import MessageThreads, give_back, resident_bytes

ROOT = Path(__file__).resolve().parents[2]
TASKS, NAMES = 320, 20_000
MOST_MB = 96.0
PATIENCE = 5.0  # seconds
MB = 1024 * 1024


class _Target:
    def close(self) -> None:
        """Nothing was built."""


class Reading:
    """A message of names that no message had before."""

    numbers = count()

    def __init__(self, threads: MessageThreads, done: threading.Semaphore) -> None:
        self.threads, self.done = threads, done

    def service(self) -> None:
        """Read it, as the threads of the server do."""
        parser = etree.XMLParser(target=_Target())
        parser.feed(b"<a>" + b"".join(b"<n%x/>" % next(self.numbers) for _ in range(NAMES)) + b"</a>")
        parser.close()
        self.threads.handled()
        self.done.release()


def grown_mb() -> float:
    """By how much the program grows that reads many such messages."""
    threads, done = MessageThreads(4), threading.Semaphore(0)
    give_back()
    before = resident_bytes()
    threads.start()
    for _task in range(TASKS):
        threads.add_task(Reading(threads, done))
        done.acquire()
    ends = time.monotonic() + PATIENCE
    while (grown := (resident_bytes() - before) / MB) > MOST_MB and time.monotonic() < ends:
        time.sleep(0.1)  # a thread is being replaced
    threads.shutdown()
    return grown


def test_names_that_were_read_once_do_not_stay() -> None:
    command = [sys.executable, "-c", f"from {__name__} import grown_mb; print(grown_mb())"]
    # In a process of its own: this one has what earlier tests left, and gives it back when it likes.
    grown = float(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)
    print(f"{TASKS} messages of {NAMES} new names leave {grown:.0f} MB")
    assert grown < MOST_MB
