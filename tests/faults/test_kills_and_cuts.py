"""A service that loses its power or its database at any moment: what was confirmed is stored once and whole.

A few rounds each; `make faults` does hundreds, and kills the service alone too.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.faults import power_cuts, stopped_database

pytestmark = pytest.mark.long


@pytest.mark.parametrize("run", [power_cuts.run, stopped_database.run])
def test_what_was_confirmed_is_stored_once_and_whole(run: Callable[[int, int], dict[str, object]]) -> None:
    outcome = run(3, 1)
    print(outcome)
    assert outcome["wrong"] == []
    assert outcome["confirmed"] != 0
