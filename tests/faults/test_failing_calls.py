"""Writes, syncs and opens that fail while messages come in: a few of each kind; `make faults` does every one."""

from __future__ import annotations

import pytest

from tests.faults import failing_calls

pytestmark = pytest.mark.long


def test_what_was_confirmed_is_stored_whatever_call_of_the_program_failed() -> None:
    outcome = failing_calls.run(1, 1)
    print(outcome)
    assert outcome["wrong"] == []
    assert all(kind in str(outcome["failed"]) for kind in ("write", "sync", "open"))
