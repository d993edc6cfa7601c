"""What holds of storing and receiving on one database holds on three nodes; `make nodes` runs all of it there."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import Connection, insert, select, update

from models.schema import database
from models.schema.tables import schools
from models.schema.version_cache import once_per_version
from tests.conftest import Store
from tests.connectors import test_receive
from tests.models import test_store

CHOSEN = [
    test_store.test_a_progress_record_stands_beside_a_score_of_its_key,
    test_store.test_a_message_that_is_sent_again_did_not_come_later,
    test_store.test_the_later_message_counts_and_the_earlier_value_stays_in_history,
    test_store.test_a_value_that_is_sent_again_came_in_with_its_first_message,
    test_store.test_an_older_message_never_overwrites,
    test_store.test_many_results_of_one_message_go_in_as_one,
    test_receive.test_both_databases_take_in_what_is_sent,
]


@pytest.mark.parametrize("check", CHOSEN, ids=lambda check: check.__name__)
def test_on_three_nodes_too(distributed_store: Store, check: Callable[[Store], None]) -> None:
    check(distributed_store)


def test_nothing_older_is_kept_under_the_version_that_a_node_states(distributed_store: Store) -> None:
    engine, school_id = distributed_store.engine, 1
    of_school = schools.c.id == school_id
    with database.write_transaction(engine) as connection:
        connection.execute(insert(schools).values(id=school_id, name="De Berk"))

    def names(connection: Connection) -> list[str]:
        """The name of the school, which the coordinator has; the version of its data is on a node."""
        read = select(schools.c.name).where(of_school)
        return once_per_version(connection, school_id, "its name", lambda: list(connection.scalars(read)))

    with database.read_transaction(engine, school_id) as reading:
        with database.write_transaction(engine, school_id) as connection:
            connection.execute(update(schools).where(of_school).values(name="De Eik"))
        assert names(reading) in (["De Berk"], ["De Eik"])
    with database.read_transaction(engine, school_id) as later:
        assert names(later) == ["De Eik"]
