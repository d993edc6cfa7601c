"""docs/rules.md and docs/clauses.md say what rules and clauses say: they are made from them."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

from connectors.uwlr.clauses import CLAUSES
from connectors.uwlr.rules import RESULT_RULES, RULES, Stage

ROOT = Path(__file__).resolve().parents[2]
CLAUSES_PAGE = ROOT / "docs" / "clauses.md"
PAGE = ROOT / "docs" / "rules.md"


def test_the_page_of_rules_is_what_the_script_makes() -> None:
    made = runpy.run_path(str(ROOT / "scripts" / "rules-page"))["page"]()
    assert PAGE.read_text(encoding="utf-8") == made, "run: .venv/bin/python scripts/rules-page"


def test_the_page_has_every_rule_once_in_the_order_of_the_checks() -> None:
    text = PAGE.read_text(encoding="utf-8")
    listed = re.findall(r"^\| `([a-z0-9.-]+)` ", text, re.MULTILINE)
    assert sorted(listed) == sorted(RESULT_RULES)
    assert [RESULT_RULES[item].stage for item in listed] == sorted(RESULT_RULES[item].stage for item in listed)
    assert re.findall(r"^## ([0-9]+)\.", text, re.MULTILINE) == [str(int(stage)) for stage in Stage]


def test_the_page_of_clauses_is_what_the_script_makes() -> None:
    made = runpy.run_path(str(ROOT / "scripts" / "rules-page"))["clauses_page"]()
    assert CLAUSES_PAGE.read_text(encoding="utf-8") == made, "run: .venv/bin/python scripts/rules-page"


def test_the_page_of_clauses_has_every_clause_and_every_rule() -> None:
    text = CLAUSES_PAGE.read_text(encoding="utf-8")
    assert re.findall(r'^\| <a id="([a-z0-9-]+)">', text, re.MULTILINE) == [item.anchor for item in CLAUSES.values()]
    assert {rule for rule in RULES if f"`{rule}`" not in text} == set()


def test_every_link_of_the_page_leads_to_a_file() -> None:
    links = re.findall(r"\]\(([^)]+)\)", PAGE.read_text(encoding="utf-8"))
    assert links
    assert [link for link in links if not (PAGE.parent / link).is_file()] == []
