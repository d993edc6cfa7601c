"""Every numbered rule of what the product must be stands in docs/requirements.md, with tests that are there."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from tests.conftest import SHARED

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "requirements.md"
PAPER = SHARED / "product.md"
SECTIONS = range(1, 10)
# How many numbered rules each section has; one without numbers is a rule by itself.
RULES = {1: 6, 2: 6, 3: 4, 4: 7, 5: 6, 6: 0, 7: 2, 8: 0, 9: 0}
_ROW = re.compile(r"^\| (\d(?:\.\d)?) \| [^|]+ \| ([^|]+) \|$", re.M)
_TEST = re.compile(r"`(tests/[a-z0-9_/]+\.py)::(test_[a-z0-9_]+)`")


def expected() -> list[str]:
    """The numbers of all rules, in order."""
    return [
        name
        for section, number in RULES.items()
        for name in ([f"{section}.{rule}" for rule in range(1, number + 1)] or [str(section)])
    ]


def rows() -> dict[str, list[tuple[str, str]]]:
    """The tests of each rule that the page names."""
    return {number: _TEST.findall(tests) for number, tests in _ROW.findall(PAGE.read_text("utf-8"))}


@cache
def functions_of(path: str) -> frozenset[str]:
    """The test functions of a file."""
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    return frozenset(item.name for item in ast.walk(tree) if isinstance(item, ast.FunctionDef))


def test_every_rule_has_its_row_in_order() -> None:
    assert list(rows()) == expected()


@pytest.mark.parametrize("rule", expected())
def test_a_rule_is_shown_by_tests_that_are_there(rule: str) -> None:
    named = rows()[rule]
    assert named, f"rule {rule} names no test"
    for path, name in named:
        assert (ROOT / path).is_file(), path
        assert name in functions_of(path), f"{path}::{name}"


@pytest.mark.skipif(not PAPER.is_file(), reason="the papers are not here")
def test_the_rules_are_those_of_the_paper() -> None:
    sections = re.findall(r"^## (\d+)\. .*?\n(.*?)(?=^## |\Z)", PAPER.read_text("utf-8"), re.S | re.M)
    numbered = {int(number): len(re.findall(r"^\d+\. ", body, re.M)) for number, body in sections}
    assert {section: numbered[section] for section in SECTIONS} == RULES
