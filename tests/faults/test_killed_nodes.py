"""Servers of a store that are stopped as by a power cut: what was confirmed is stored, once and whole."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from sqlalchemy import NullPool, create_engine, func, select, text

from models.schema import database
from models.schema.data_versions import data_version
from models.schema.tables import deliveries, results, school_identifications
from tests.connectors.sending import Answer
from tests.faults import killed_nodes
from tests.faults.killed_nodes import Site, site
from tests.faults.publishers import BRINS, CHANGED, NEW, body

pytestmark = pytest.mark.long

COMMIT_SECONDS = 1.5
# A node goes on with its commit whatever becomes of the server that asked for it.
SLOW_COMMIT = (
    "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql "
    f"AS 'BEGIN PERFORM pg_sleep({COMMIT_SECONDS}); RETURN NULL; END'",
    "CREATE CONSTRAINT TRIGGER slow_commit AFTER UPDATE ON deliveries DEFERRABLE INITIALLY DEFERRED "
    "FOR EACH ROW EXECUTE FUNCTION wait()",
)
QUICK_COMMIT = ("DROP TRIGGER slow_commit ON deliveries",)
COMMITTING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND query LIKE 'COMMIT%'"
STORED = "SELECT count(*) FROM results"
NODE_OF = "SELECT satisfies_hash_partition('rondblik_own.results_of_schools'::regclass, 3, 0, CAST(:school AS integer))"


def on_node(url: str, *statements: str) -> int:
    """Execute statements on a node; the number that the last one gives."""
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        last = [connection.execute(text(statement)) for statement in statements][-1]
        return int(last.scalar_one()) if last.returns_rows else 0


def until(done: Callable[[], object]) -> None:
    """Wait until something is so."""
    end = time.monotonic() + 30
    while not done():
        assert time.monotonic() < end
        time.sleep(0.02)


def away_from_the_first(where: Site) -> tuple[str, int]:
    """The name and number of a school that does not stand on the server of the shared tables."""
    named = school_identifications.c
    with database.read_transaction(where.engine) as connection:
        for brin, school_id in connection.execute(select(named.value, named.school_id)).all():
            if not connection.scalar(text(NODE_OF), {"school": school_id}):
                return brin, school_id
    raise AssertionError(BRINS)


def stored(where: Site, school_id: int) -> tuple[int, int, int]:
    """How many results and deliveries a school has, and how many of the results have their delivery."""
    with database.read_transaction(where.engine) as connection:
        count = select(func.count()).select_from(results)
        with_delivery = count.join(
            deliveries, (deliveries.c.school_id == results.c.school_id) & (deliveries.c.id == results.c.delivery_id)
        )
        came = select(func.count()).select_from(deliveries).where(deliveries.c.school_id == school_id)
        own = results.c.school_id == school_id
        return tuple(connection.scalar(query) or 0 for query in (count.where(own), came, with_delivery.where(own)))  # type: ignore[return-value]


def version(where: Site, school_id: int) -> object:
    """The version of the data of a school."""
    with database.read_transaction(where.engine) as connection:
        return data_version(connection, school_id)


def test_a_message_is_whole_where_the_power_fails_between_two_commits() -> None:
    with site() as where:
        brin, school_id = away_from_the_first(where)
        before = version(where, school_id)
        for url in where.node_urls:
            on_node(url, *SLOW_COMMIT)
        data, answers = body(where.publisher, brin, 0), list[Answer]()
        sending = threading.Thread(target=lambda: answers.append(where.receiver.post(data)))
        sending.start()
        until(lambda: sum(on_node(url, COMMITTING) for url in where.node_urls))
        where.servers[0].stop()  # it has asked the node to commit, and will never commit itself
        sending.join()
        assert answers[0].fault == "Server.TijdelijkNietBeschikbaar"
        until(lambda: sum(on_node(url, STORED) for url in where.node_urls[1:]))
        where.servers[0].start()
        for url in where.node_urls:
            on_node(url, *QUICK_COMMIT)

        whole = (NEW + CHANGED, 1, NEW + CHANGED)
        assert stored(where, school_id) == whole
        assert version(where, school_id) != before  # so that no screen shows what was there before
        assert where.receiver.post(data).confirmed
        assert stored(where, school_id) == whole  # the same bytes again
        assert where.receiver.post(body(where.publisher, brin, 1)).confirmed
        assert stored(where, school_id) == (2 * NEW + CHANGED, 2, 2 * NEW + CHANGED)


def test_nothing_that_was_confirmed_is_lost_or_half() -> None:
    outcome = killed_nodes.run(rounds=3, seed=1)
    assert outcome["wrong"] == []
    assert outcome["answers"] in ([], ["Server.TijdelijkNietBeschikbaar"])
    assert outcome["confirmed"] != 0
