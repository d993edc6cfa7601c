"""A store that PostgreSQL has not analyzed yet: a message reads the rows that it names, and not all of its source."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, text

from models.ingest import schools
from models.schema import clock, database
from tests.conftest import Store
from tests.dashboard import school
from tests.models.test_store import take
from tests.uwlr.messages import message, result_xml

ROWS = 4_000
_READ = text(
    "SELECT sum(seq_tup_read) + (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes WHERE relname IN "
    "('results', 'result_history')) FROM pg_stat_user_tables WHERE relname IN ('results', 'result_history')"
)


def rows_read(engine: Engine) -> int:
    """How many rows and index entries of results the server has read until now."""
    engine.dispose()  # a connection reports what it read when it ends, at the latest
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_sleep(0.2), pg_stat_clear_snapshot()"))
        return int(connection.scalar(_READ) or 0)


def send(store: Store, hour: int, score: int) -> dict[str, int]:
    """A message with the same keys and other scores; what became of its results."""
    sent = "".join(result_xml(f"r{number}", str(score)) for number in range(ROWS))
    return take(store, message(results=sent, aanmaakdatum=f"2026-11-11T{hour:02}:00:00")).counts


@pytest.fixture
def unanalyzed(postgres_store: Store) -> Iterator[Store]:
    """A store with a source, whose tables of results nobody analyzes."""
    with clock.fixed(school.NOW):
        with database.write_transaction(postgres_store.engine) as connection:
            schools.ensure_source(connection, "sums", "Sommen", "publisher")
            for table in ("results", "result_history"):
                connection.execute(text(f"ALTER TABLE {table} SET (autovacuum_enabled = off)"))
        yield postgres_store


@pytest.mark.long
def test_a_message_reads_each_of_its_rows_a_few_times(unanalyzed: Store) -> None:
    assert send(unanalyzed, 8, 1)["new"] == ROWS
    for hour, score in ((9, 2), (10, 1)):  # the second time the first value leaves the history
        before = rows_read(unanalyzed.engine)
        assert send(unanalyzed, hour, score)["changed"] == ROWS
        assert rows_read(unanalyzed.engine) - before < 12 * ROWS
