"""Publishers that are good and bad by turns, in ten seconds; `make faults` takes a quarter of an hour."""

from __future__ import annotations

import pytest

from tests.faults import flapping

pytestmark = pytest.mark.long


def test_what_publishers_hold_is_stored_once_whatever_they_do_in_between() -> None:
    outcome = flapping.run(10, 1)
    print(outcome)
    assert outcome["wrong"] == []
