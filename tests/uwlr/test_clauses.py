"""The list of clauses: every rule and scenario cites one, and every clause has a test or a reason why it has none."""

from __future__ import annotations

import pytest

from connectors.conformance.requirements import ALL_SCENARIOS, requirements
from connectors.uwlr.clauses import CLAUSES, Clause, parse_clauses
from connectors.uwlr.rules import FAULTS, RULES

COMPLETE = '["UWLR 9"]\npart = "soap"\nnl = "Eis."\nen = "Requirement."\n'
LISTED = [item for part in requirements() for item in part.requirements]


def test_every_rule_and_scenario_cites_a_clause_of_the_list() -> None:
    cited = {rule.clause for rule in RULES.values()} | {scenario.clause for scenario in ALL_SCENARIOS.values()}
    assert cited - CLAUSES.keys() == set()


def test_every_clause_is_listed_once_with_a_test_or_a_reason() -> None:
    assert sorted(item.clause for item in LISTED) == sorted(CLAUSES)
    assert [item.clause for item in LISTED if not item.tests and item.untested is None] == []
    assert len({item.anchor for item in LISTED}) == len(CLAUSES)


def test_every_rule_and_every_scenario_tests_a_clause() -> None:
    tests = {(test.kind, test.id) for item in LISTED for test in item.tests}
    assert tests == {("rule", rule) for rule in RULES} | {("scenario", scenario) for scenario in ALL_SCENARIOS}


@pytest.mark.parametrize("clause", CLAUSES.values(), ids=lambda clause: clause.name)
def test_what_else_tests_a_clause_exists_and_cites_another(clause: Clause) -> None:
    for name in clause.also:
        citing = [item.clause for item in (RULES.get(name), ALL_SCENARIOS.get(name)) if item is not None]
        assert citing, name
        assert clause.name not in citing, name


def test_every_fault_of_the_standard_is_a_clause_and_its_rules_have_that_fault() -> None:
    text = " ".join(clause.name + clause.requires.en for clause in CLAUSES.values())
    assert [fault for fault in FAULTS if fault not in text] == []
    for fault in FAULTS:
        for name in CLAUSES.get(f"UWLR 2.2.1 fouten, {fault}", Clause("", *[None] * 2)).also:  # type: ignore[arg-type]
            assert name not in RULES or RULES[name].fault == fault, name


@pytest.mark.parametrize(
    "toml",
    [
        COMPLETE.replace('part = "soap"\n', ""), COMPLETE.replace('"soap"', '"elsewhere"'),
        COMPLETE.replace('en = "Requirement."\n', ""), COMPLETE.replace('"Eis."', '""'), COMPLETE + 'also = "x"\n',
        COMPLETE + "also = [1]\n", COMPLETE + 'untested = "Reden."\n', COMPLETE + 'other = "x"\n',
    ],
)  # fmt: skip
def test_a_clause_that_is_not_complete_is_refused(toml: str) -> None:
    assert parse_clauses(COMPLETE)["UWLR 9"].requires.nl == "Eis."
    with pytest.raises(ValueError, match=r"clause|valid Part"):
        parse_clauses(toml)
