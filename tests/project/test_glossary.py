"""The names that docs/glossary.md gives for the code exist in the code."""

from __future__ import annotations

import re

import pytest

from tests.project.code_names import ROOT, is_short_name

PAGE = ROOT / "docs" / "glossary.md"
IN_THE_CODE = 2  # the column
# What somebody who is new here looks up first.
TERMS = {
    "attention group",
    "class data",
    "connection",
    "current result",
    "demo user",
    "envelope header",
    "material catalogue, uptake",
    "material series",
    "norm position",
    "norm, band",
    "parsed norm",
    "PII cipher",
    "quarantined message",
    "receiver context",
    "refusal throttle",
    "retention policy",
    "sandbox",
    "score reading",
    "signal resolution",
    "source location",
    "subject material",
    "XML safety check",
}


def rows() -> dict[str, list[str]]:
    """The names in the code of each term."""
    lines = re.findall(r"^\| (?!UWLR)(.+) \|$", PAGE.read_text("utf-8"), re.M)
    cells = [line.split(" | ") for line in lines if not line.startswith("-")]
    return {row[1]: re.findall(r"`([^`]+)`", row[IN_THE_CODE]) for row in cells}


def test_the_page_has_the_terms_that_are_looked_up_first() -> None:
    assert TERMS - rows().keys() == set()


@pytest.mark.parametrize("term", sorted(rows()))
def test_the_names_of_a_term_exist_in_the_code(term: str) -> None:
    names = rows()[term]
    assert names, f"{term} has no name in the code"
    assert [name for name in names if not is_short_name(name)] == []


def test_a_name_that_does_not_exist_is_seen() -> None:
    assert is_short_name("ParsedNorm")
    assert is_short_name("scales.ParsedNorm")
    assert not is_short_name("scales.UnparsedNorm")
    assert not is_short_name("Yardstick")
