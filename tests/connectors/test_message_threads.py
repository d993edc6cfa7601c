"""Threads that read messages keep nothing of the names in them for long."""

from __future__ import annotations

import threading
import time
from itertools import count

from lxml import etree

from connectors.transport.message_threads import MessageThreads, give_back, resident_bytes

TASKS, NAMES = 160, 20_000
MOST_MB = 96.0
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
    time.sleep(0.5)  # of a replacement
    grown = (resident_bytes() - before) / MB
    threads.shutdown()
    return grown


def test_names_that_were_read_once_do_not_stay() -> None:
    grown = grown_mb()
    print(f"{TASKS} messages of {NAMES} new names leave {grown:.0f} MB")
    assert grown < MOST_MB
