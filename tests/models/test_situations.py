"""How far a vendor is follows from the arrivals, in time in proportion to them."""

from __future__ import annotations

import time

from models.sandbox import situations
from models.sandbox.sandboxes import Arrival, Sandbox, SandboxAccount

ROOM = Sandbox(1, "x", 1, 2, 1, SandboxAccount("t", "c", "n", "k", "90AB"), None, False, False, 0, 0, 0)


def refused(number: int, digest: bytes, rule: str = "header.key") -> Arrival:
    """A message that was refused for this rule."""
    finding = {"rule": rule, "level": "error"}
    return Arrival(number, 0, digest, 1, "reject", "x", False, False, None, {}, (finding,))


def state_of(key: str, *came: Arrival) -> tuple[str, int | None]:
    (own,) = [situation for situation in situations.progress(ROOM, came) if situation.key == key]
    return own.state, own.arrival_id


def test_of_many_refused_messages_the_one_that_came_again_and_again_is_found() -> None:
    arrivals = [refused(number, number.to_bytes(32, "big")) for number in range(1, 30_000)]
    again = [refused(40_000 + number, arrivals[7].digest) for number in range(situations.MAX_RESENDS)]
    began = time.process_time()
    assert state_of("key", *arrivals, *again) == (situations.DONE, 1)
    assert state_of("key", *arrivals, *again, refused(50_000, arrivals[7].digest)) == (situations.FAILED, 8)
    assert time.process_time() - began < 3.0


def test_the_same_bytes_that_are_accepted_later_are_no_resending_in_vain() -> None:
    first = refused(1, b"a")
    accepted = [Arrival(number, 0, b"a", 1, "accept", None, True, False, 1, {}, ()) for number in range(2, 9)]
    assert state_of("key", first, *accepted) == (situations.DONE, 1)


def test_every_situation_is_told_in_both_languages() -> None:
    for task in situations.TASKS.values():
        for words in (task.title, task.words, task.expected):
            assert words.nl
            assert words.en
    assert "1.000" in situations.TASKS[situations.LARGE_BATCH].words.nl
    assert [situation.key for situation in situations.progress(ROOM, [])] == list(situations.TASKS)
