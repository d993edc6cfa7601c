"""Whatever order, however often, from however many threads: the store ends as if each message came once, in order."""

from __future__ import annotations

import hashlib
import random
import tempfile
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import func, select

from connectors.intake.judge import spool
from connectors.intake.push import ReceiverContext, deliver
from models.schema import clock, database
from models.schema.records import Verdict
from models.schema.tables import (
    deliveries,
    results,
    school_identifications,
    schools,
    sender_key_schools,
    sender_keys,
    senders,
    sources,
)
from models.schema.terms import SenderTerms
from tests.conftest import Store
from tests.connectors.sending import Account, account, enveloped
from tests.models.test_store import Sent, fresh, sent_messages, state

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
THREADS = 16
NAMES = ("Rekenwijs", "Spelsprong")
TERMS = SenderTerms(policy="tolerant", messages_per_minute=1_000_000)

Planned = tuple[int, Sent]  # which of the two senders, and what it sends


def send(store: Store, body: bytes) -> Verdict:
    with spool([body]) as spooled:
        return deliver(ReceiverContext(store.engine, store.cipher), spooled).verdict


class Schedules(RuleBasedStateMachine):
    """Two publishers that send the same messages again and again, all at once."""

    @initialize()
    def begin(self) -> None:
        self.clock = clock.fixed(NOW)
        self.clock.__enter__()
        self.folder = tempfile.TemporaryDirectory()
        self.store = fresh(self.folder.name)
        self.accounts = [account(self.store.engine, self.store.cipher, name, terms=TERMS) for name in NAMES]
        self.sent: list[Planned] = []
        self.pool = ThreadPoolExecutor(THREADS)

    def body(self, planned: Planned, accounts: list[Account]) -> bytes:
        number, message = planned
        return enveloped(message.bytes(), accounts[number].header)

    def arrived(self, body: bytes) -> int:
        """When the copy of a message that was stored came in."""
        digest = hashlib.sha256(body).digest()
        with database.read_transaction(self.store.engine) as connection:
            return int(connection.scalar(select(deliveries.c.received_us).where(deliveries.c.digest == digest)) or 0)

    def burst(self, planned: list[Planned]) -> None:
        bodies = [self.body(item, self.accounts) for item in planned]
        verdicts = list(self.pool.map(lambda body: send(self.store, body), bodies))
        assert Verdict.REJECT not in verdicts

    @rule(
        fresh_ones=st.lists(st.tuples(st.integers(0, 1), sent_messages), min_size=1, max_size=5),
        order=st.randoms(use_true_random=False),
        times=st.integers(1, 5),
    )
    def new_messages(self, fresh_ones: list[Planned], order: random.Random, times: int) -> None:
        """Some messages, each so many times, shuffled."""
        burst = [item for item in fresh_ones for _ in range(order.randint(1, times))]
        order.shuffle(burst)
        self.burst(burst)
        self.sent += fresh_ones

    @precondition(lambda self: self.sent)
    @rule(order=st.randoms(use_true_random=False))
    def old_messages(self, order: random.Random) -> None:
        """Any of the earlier ones again."""
        self.burst([order.choice(self.sent) for _ in range(order.randint(1, 8))])

    @invariant()
    def each_message_was_taken_in_once(self) -> None:
        if not hasattr(self, "store"):
            return
        with database.read_transaction(self.store.engine) as connection:
            accepted = connection.scalar(select(func.count()).select_from(deliveries))
        assert accepted == len({self.body(item, self.accounts) for item in self.sent})

    def teardown(self) -> None:
        if not hasattr(self, "store"):
            return
        try:
            self.pool.shutdown()
            with tempfile.TemporaryDirectory() as folder:
                once = fresh(folder)
                # Of two of one instant the later arrival counts, so they come in the same order, with the same bytes.
                _copy_accounts(self.store, once)
                for body in sorted({self.body(item, self.accounts) for item in self.sent}, key=self.arrived):
                    assert send(once, body) is not Verdict.REJECT
                assert state(self.store.engine, arrivals=False) == state(once.engine, arrivals=False)
                once.engine.dispose()
            with database.read_transaction(self.store.engine) as connection:
                assert connection.scalar(select(func.count()).select_from(results)) is not None
        finally:
            self.store.engine.dispose()
            self.folder.cleanup()
            self.clock.__exit__(None, None, None)


def _copy_accounts(source: Store, target: Store) -> None:
    """The same senders with the same keys in another store: its seal is the same, so its digests are."""
    with database.read_transaction(source.engine) as old, database.write_transaction(target.engine) as new:
        for table in (schools, school_identifications, sources, senders, sender_keys, sender_key_schools):
            for row in old.execute(select(table)).mappings():
                new.execute(table.insert().values(**row))


TestSchedules = Schedules.TestCase
TestSchedules.settings = settings(
    max_examples=15, stateful_step_count=6, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
