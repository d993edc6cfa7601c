"""The day of the mutants, and the place where they arrive."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import event

from connectors.intake.push import ReceiverContext
from models.ingest.schools import Identification
from models.schema import clock
from models.schema.terms import SenderTerms
from tests.conftest import Store
from tests.fuzz import mutate
from tests.peers.service import add_sender

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _the_day() -> Iterator[None]:
    with clock.fixed(NOW):
        yield


@pytest.fixture
def receiver(store: Store) -> ReceiverContext:
    """Where the mutants arrive: a strict sender, a tolerant one, and those of the reference papers."""

    def hurry(connection: object, _record: object) -> None:
        cursor = connection.cursor()  # type: ignore[attr-defined]
        cursor.execute("PRAGMA synchronous=OFF")  # what a power cut loses is not the subject here
        cursor.close()

    event.listen(store.engine, "connect", hurry)
    store.engine.dispose()
    covered = [Identification("brin", "99XX"), Identification("schoolkey", "school-key-1")]
    much = SenderTerms(messages_per_minute=10**9)
    for account, terms in (
        (mutate.STRICT, much),
        (mutate.TOLERANT, replace(much, policy="tolerant")),
        (mutate.PAPERS[0], replace(much, versions=("2.2",), unknown_pupil="refuse", eckid_form="refuse")),
        (mutate.PAPERS[1], replace(much, ordering="strict", test_school=True)),
    ):
        add_sender(store, account, terms, covered)
    return ReceiverContext(store.engine, store.cipher)
