"""Publishers that send to schools on three servers, of which one after the other is stopped as by a power cut.

    python -m tests.faults.killed_nodes --rounds 60

Every publisher sends the same bytes again until they are confirmed. At the end each message must be stored once and
whole. The last line is flat JSON.
"""

from __future__ import annotations

import argparse
import json
import logging
import random
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Engine, select

from connectors.intake.push import ReceiverContext
from models.ingest.schools import Identification
from models.schema import database, nodes
from models.schema.records import SCALE
from models.schema.store_key import open_encrypted
from models.schema.tables import deliveries, results, school_identifications
from tests.conftest import PostgresServer, new_nodes, new_postgres, postgres_server
from tests.connectors.sending import Account, Receiver, account, enveloped, receiving
from tests.uwlr.messages import message, result_xml

SERVERS = 3
BRINS = ("99AA", "99BB", "99CC", "99DD")
NEW, CHANGED = 20, 10  # results of a message: those with a key of its own, and those of which each changes the score


@dataclass(frozen=True)
class Site:
    """Three servers with a receiver whose schools stand on them; the first has the shared tables too."""

    servers: list[PostgresServer]
    node_urls: list[str]
    engine: Engine
    receiver: Receiver
    publisher: Account


@contextmanager
def site() -> Iterator[Site]:
    """A site with empty schools."""
    with ExitStack() as stack:
        servers = [stack.enter_context(postgres_server()) for _ in range(SERVERS)]
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        urls = stack.enter_context(new_nodes([server.url for server in servers]))
        engine = stack.enter_context(new_postgres(servers[0].url))
        cipher = open_encrypted(engine, folder)
        nodes.distribute(engine, urls)
        publisher = account(engine, cipher, "Rekenwijs", *(Identification("brin", brin) for brin in BRINS))
        receiver = stack.enter_context(receiving(ReceiverContext(engine, cipher)))
        yield Site(servers, urls, engine, receiver, publisher)


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

    site: Site
    brin: str
    stop: threading.Event
    confirmed: int = 0
    faults: list[str] = field(default_factory=list)

    def run(self) -> None:
        """Send message after message, each until it is confirmed."""
        while not self.stop.is_set():
            data = body(self.site.publisher, self.brin, self.confirmed)
            while not (answer := self.site.receiver.post(data)).confirmed:
                self.faults.append(answer.fault or str(answer.status))
                time.sleep(0.02)
            self.confirmed += 1


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


def run(rounds: int, seed: int) -> dict[str, object]:
    """Stop one of the servers so many times; how much was confirmed, what else was answered, and what is wrong."""
    draw, stop = random.Random(seed), threading.Event()
    with site() as where:
        sendings = [Sending(where, brin, stop) for brin in BRINS]
        threads = [threading.Thread(target=sending.run) for sending in sendings]
        for thread in threads:
            thread.start()
        for number in range(rounds):
            time.sleep(draw.uniform(0.05, 0.4))
            server = where.servers[number % SERVERS]
            server.stop()
            server.start()
        time.sleep(0.3)
        stop.set()
        for thread in threads:
            thread.join(60)
        faults = [fault for sending in sendings for fault in sending.faults]
        return {
            "stops": rounds, "confirmed": sum(sending.confirmed for sending in sendings), "put_off": len(faults),
            "answers": sorted(set(faults)), "wrong": lost_or_half(where.engine, sendings),
        }  # fmt: skip


def main() -> None:
    """Run as often as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    logging.disable()  # of every message that is put off
    outcome = run(options.rounds, options.seed or random.randrange(1 << 30))
    print(json.dumps(outcome))
    raise SystemExit(bool(outcome["wrong"]))


if __name__ == "__main__":
    main()
