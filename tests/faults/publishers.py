"""Publishers that send the same bytes again until they are confirmed, and what must then be stored."""

from __future__ import annotations

import argparse
import http.client
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NoReturn

from sqlalchemy import Engine, select

from models.schema import database
from models.schema.records import SCALE
from models.schema.tables import deliveries, results, school_identifications
from tests.connectors.sending import Account, Receiver, enveloped
from tests.uwlr.messages import message, result_xml

BRINS = ("99AA", "99BB", "99CC", "99DD")
NEW, CHANGED = 20, 10  # results of a message: those with a key of its own, and those of which each changes the score
TEMPORARY = "Server.TijdelijkNietBeschikbaar"
NO_ANSWER = "no answer"


def body(publisher: Account, brin: str, number: int) -> bytes:
    """A message of a school, whose number tells its scores."""
    score = str(number % 10)
    keys = [*(f"{number}-{index}" for index in range(NEW)), *(f"c{index}" for index in range(CHANGED))]
    rows = "".join(result_xml(key, score) for key in keys)
    made = f"2026-11-11T{number // 3600:02}:{number // 60 % 60:02}:{number % 60:02}"
    return enveloped(message(results=rows, brin=brin, aanmaakdatum=made), publisher.header)


@dataclass
class Sending:
    """A publisher that sends to one school: how many of its messages were confirmed, and what else it heard."""

    receiver: Receiver
    publisher: Account
    brin: str
    stop: threading.Event
    abandoned: threading.Event
    pause: float
    confirmed: int = 0
    heard: Counter[str] = field(default_factory=Counter)

    def run(self) -> None:
        """Send message after message, each until it is confirmed."""
        while not self.stop.is_set():
            data = body(self.publisher, self.brin, self.confirmed)
            while (heard := self._post(data)) is not None:
                self.heard[heard] += 1
                if self.abandoned.wait(0.02):
                    return
            self.confirmed += 1
            time.sleep(self.pause)

    def _post(self, data: bytes) -> str | None:
        """Send these bytes; what came back instead of a confirmation."""
        try:
            answer = self.receiver.post(data)
        except (OSError, http.client.HTTPException):
            return NO_ANSWER
        return None if answer.confirmed else answer.fault or str(answer.status)


@dataclass
class Publishers:
    """One publisher a school, at work."""

    sendings: list[Sending]

    @property
    def confirmed(self) -> int:
        """How many messages were confirmed."""
        return sum(sending.confirmed for sending in self.sendings)

    @property
    def heard(self) -> dict[str, int]:
        """How often something else than a confirmation came back, and what."""
        return dict(sum((sending.heard for sending in self.sendings), Counter()))


@contextmanager
def sending(receiver: Receiver, publisher: Account, seconds: float = 60, pause: float = 0.0) -> Iterator[Publishers]:
    """Publishers that send while the block runs; at its end each waits until its last message is confirmed."""
    stop, abandoned = threading.Event(), threading.Event()
    publishers = Publishers([Sending(receiver, publisher, brin, stop, abandoned, pause) for brin in BRINS])
    threads = [threading.Thread(target=item.run, daemon=True) for item in publishers.sendings]
    for thread in threads:
        thread.start()
    try:
        yield publishers
        stop.set()
        ends = time.monotonic() + seconds
        for thread in threads:
            thread.join(max(0.0, ends - time.monotonic()))
        if any(thread.is_alive() for thread in threads):
            raise TimeoutError(f"the last messages were not confirmed within {seconds} s: {publishers.heard}")
    finally:
        stop.set()
        abandoned.set()


def lost_or_half(engine: Engine, sendings: Sequence[Sending]) -> list[str]:
    """What is not stored as it was confirmed, a sentence each."""
    wrong = []
    with database.read_transaction(engine) as connection:
        named = select(school_identifications.c.value, school_identifications.c.school_id)
        ids = dict(connection.execute(named).all())
        for sending in sendings:
            school_id = ids[sending.brin]
            of_school = select(results.c.key, results.c.score, results.c.delivery_id)
            rows = connection.execute(of_school.where(results.c.school_id == school_id)).all()
            last = (sending.confirmed - 1) % 10
            expected = {f"{number}-{i}": number % 10 for number in range(sending.confirmed) for i in range(NEW)}
            expected |= {f"c{index}": last for index in range(CHANGED)} if sending.confirmed else {}
            if {row.key: row.score // SCALE for row in rows} != expected:
                wrong.append(f"{sending.brin} has {len(rows)} results, not the {len(expected)} that were confirmed")
            own = select(deliveries.c.id, deliveries.c.digest, deliveries.c.verdict)
            came = connection.execute(own.where(deliveries.c.school_id == school_id)).all()
            if (len(came), len({row.digest for row in came})) != 2 * (sending.confirmed,):
                wrong.append(f"{sending.brin} has {len(came)} deliveries, not {sending.confirmed}")
            if not {row.delivery_id for row in rows} <= {row.id for row in came}:
                wrong.append(f"{sending.brin} has results of no delivery")
    return wrong


def run_program(run: Callable[..., Mapping[str, object]], description: str | None, **defaults: int) -> NoReturn:
    """Run a program that provokes faults as often or as long as the command line says, and end with what came of it.

    `run` takes the numbers of which these are the defaults, and the seed of what is drawn; it returns what to print,
    with what is `wrong`.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in defaults.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--seed", type=int, default=0, help="of the moments; another each time if 0")
    chosen = parser.parse_args()
    seed = chosen.seed or random.randrange(1 << 30)
    outcome = run(*(getattr(chosen, name) for name in defaults), seed)
    print(json.dumps(outcome))
    raise SystemExit(bool(outcome["wrong"]))
