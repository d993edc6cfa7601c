"""Publishers that send to schools on three servers, of which one after the other is stopped as by a power cut.

    python -m tests.faults.killed_nodes --rounds 60

Every publisher sends the same bytes again until they are confirmed. At the end each message must be stored once and
whole. The last line is flat JSON.
"""

from __future__ import annotations

import logging
import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

from connectors.intake.push import ReceiverContext
from models.ingest.schools import Identification
from models.schema import nodes
from models.schema.store_key import open_encrypted
from tests.conftest import PostgresServer, new_nodes, new_postgres, postgres_server
from tests.connectors.sending import Account, Receiver, account, receiving
from tests.faults.publishers import BRINS, lost_or_half, run_program, sending

SERVERS = 3


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
        receiver = stack.enter_context(receiving(ReceiverContext(engine, cipher), app="alone"))
        yield Site(servers, urls, engine, receiver, publisher)


def run(rounds: int, seed: int) -> dict[str, object]:
    """Stop one of the servers so many times; how much was confirmed, what else was answered, and what is wrong."""
    draw = random.Random(seed)
    with site() as where:
        with sending(where.receiver, where.publisher) as publishers:
            for number in range(rounds):
                time.sleep(draw.uniform(0.05, 0.4))
                server = where.servers[number % SERVERS]
                server.stop()
                server.start()
            time.sleep(0.3)
        heard = publishers.heard
        return {
            "stops": rounds, "confirmed": publishers.confirmed, "put_off": sum(heard.values()),
            "answers": sorted(heard), "wrong": lost_or_half(where.engine, publishers.sendings),
        }  # fmt: skip


if __name__ == "__main__":
    logging.disable()  # of every message that is put off
    run_program(run, __doc__, rounds=60)
