"""docs/asvs.md: every requirement of the levels 1 and 2 once, in order, and what it names is there."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from tests.project.code_names import ROOT
from tests.project.test_architecture import is_there
from tests.project.test_requirements import functions_of

PAGE = ROOT / "docs" / "asvs.md"
LEVELS = {"1": 70, "2": 183}  # how many requirements ASVS 5.0.0 has of each
OUTCOMES = ("met", "partly met", "not met", "does not apply")
# How many of levels 1 and 2 each chapter has.
CHAPTERS = {
    1: 27,
    2: 11,
    3: 19,
    4: 10,
    5: 9,
    6: 35,
    7: 18,
    8: 7,
    9: 7,
    10: 29,
    11: 14,
    12: 9,
    13: 13,
    14: 9,
    15: 13,
    16: 16,
    17: 7,
}
_ROW = re.compile(r"^\| (\d+\.\d+\.\d+) \| ([12]) \| ([^|]+) \| ([^|]+) \|$", re.M)
_TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
_PLACE = re.compile(
    r"`((?:models|connectors|dashboard|tests|docs)/[\w./-]+)(?:::\w+)?`|`([\w.-]+\.(?:toml|yaml|lock))`"
)


def rows() -> list[tuple[str, str, str, str]]:
    """Number, level, what is asked, and outcome of each row."""
    return _ROW.findall(PAGE.read_text("utf-8"))


def test_every_requirement_has_its_row_in_order() -> None:
    numbers = [tuple(map(int, number.split("."))) for number, *_ in rows()]
    assert numbers == sorted(set(numbers))
    assert Counter(level for _, level, *_ in rows()) == LEVELS
    assert Counter(number[0] for number in numbers) == CHAPTERS
    lines = [line for line in PAGE.read_text("utf-8").splitlines() if re.match(r"\| *\d", line)]
    assert len(lines) == len(rows())  # a row that is written in another way is none


@pytest.mark.parametrize(("number", "outcome"), [(row[0], row[3]) for row in rows()])
def test_an_outcome_is_one_of_four_and_names_what_is_there(number: str, outcome: str) -> None:
    kind, _, why = outcome.partition(": ")
    assert kind in OUTCOMES
    assert why.strip()
    for path, name in _TEST.findall(outcome):
        assert name in functions_of(path), f"{path}::{name}"
    assert [place for pair in _PLACE.findall(outcome) for place in pair if place and not is_there(place)] == []
    if kind != "met":
        assert not why.startswith("`tests/"), "it says no reason"


def test_the_counts_are_those_of_the_rows() -> None:
    counts = Counter(outcome.partition(":")[0] for *_, outcome in rows())
    assert "; ".join(f"{kind}: {counts[kind]}" for kind in OUTCOMES) + "." in PAGE.read_text("utf-8")


def test_what_was_not_audited_is_not_called_clean() -> None:
    text = PAGE.read_text("utf-8")
    assert re.search(r"audited \d+ of \d+", text)
    assert "clean" not in text.lower()
