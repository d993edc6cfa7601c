"""The clauses of the standard with the rules and scenarios that test them."""

from __future__ import annotations

from connectors.conformance import sender
from connectors.conformance.endpoints import SCENARIOS
from connectors.conformance.levels import Level, level_of
from connectors.conformance.scenarios import Scenario
from connectors.uwlr.clauses import CLAUSES, PART_TITLES, Clause
from connectors.uwlr.rules import RULES, Rule
from models.sandbox.requirements import RULE, SCENARIO, Requirement, RequirementPart, RequirementTest
from models.schema.records import Text

ALL_SCENARIOS: dict[str, Scenario] = {
    scenario.id: scenario
    for scenarios in (*SCENARIOS.values(), sender.SCENARIOS.values(), (sender.MESSAGES,))
    for scenario in scenarios
}


class _Dots(dict[str, str]):
    """What differs from finding to finding, as dots."""

    def __missing__(self, _: str) -> str:
        return "…"


def with_dots(text: str) -> str:
    """The text of a rule with dots for what a finding fills in."""
    return text.format_map(_Dots())


def requirements() -> tuple[RequirementPart, ...]:
    """All clauses by part, in the order of the file."""
    return tuple(
        RequirementPart(title, tuple(_requirement(clause) for clause in CLAUSES.values() if clause.part is part))
        for part, title in PART_TITLES.items()
    )


def _requirement(clause: Clause) -> Requirement:
    rules = [rule for rule in RULES.values() if rule.clause == clause.name or rule.id in clause.also]
    scenarios = [
        scenario
        for scenario in ALL_SCENARIOS.values()
        if scenario.clause == clause.name or scenario.id in clause.also
    ]  # fmt: skip
    tests = (*map(_of_rule, rules), *map(_of_scenario, scenarios))
    return Requirement(clause.name, clause.anchor, clause.requires, tests, clause.untested)


def _of_rule(rule: Rule) -> RequirementTest:
    return RequirementTest(
        RULE, rule.id, level_of(rule.id).id, rule.level, Text(with_dots(rule.nl), with_dots(rule.en))
    )


def _of_scenario(scenario: Scenario) -> RequirementTest:
    return RequirementTest(SCENARIO, scenario.id, Level.BEHAVIOUR.id, "", scenario.title)
