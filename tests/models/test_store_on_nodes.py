"""What holds of storing and receiving on one database holds on three nodes; `make nodes` runs all of it there."""

from __future__ import annotations

from collections.abc import Callable

import pytest

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
