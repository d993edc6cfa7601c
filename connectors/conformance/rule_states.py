"""What became of every rule in a check: passed, warned, failed or not tested.

A rule that was applied and has no finding has passed. Which rules were applied follows from what was read: a document
of another form, a level behind an error that stops the reading, or a scenario that was not tested leaves rules out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from connectors.conformance.levels import Level, level_of, reached_level
from connectors.conformance.scenarios import LAS, Outcome, State, state_of
from connectors.intake.documents import Form
from connectors.uwlr.rules import BEHAVIOUR_RULES, ERROR, PUPIL_RULES, RESULT_RULES, RULES, Rule, Stage
from models.schema.records import Finding

_ORDER = (State.NOT_TESTED, State.PASSED, State.WARNED, State.FAILED)
_ENVELOPED = frozenset({Stage.ENVELOPE, Stage.HEADER})
_ACCOUNT = frozenset({Stage.HEADER, Stage.CUSTOMER, Stage.KEY})
# Rules that a single scenario can find broken.
_OF_SCENARIO = {
    "las.no-changes": "las.no-changes",
    "las.changes-lost": "las.changes",
    "las.staged-differs": "las.same-pupils",
    "publisher.changes-lost": "publisher.changes",
    "publisher.created-order": "publisher.changes",
}


def document_rules(form: Form, findings: Sequence[Finding], *, received: bool = False) -> frozenset[str]:
    """The rules that a document was judged by; `received` by a receiver, which reads no further for a wrong account."""
    reached = reached_level(findings)
    if received and any(finding.level == ERROR and RULES[finding.rule].stage in _ACCOUNT for finding in findings):
        reached = min(reached, Level.ENVELOPE)
    rules = PUPIL_RULES if form is Form.PUPILS else RESULT_RULES
    return frozenset(
        rule.id
        for rule in rules.values()
        if level_of(rule.id) <= reached and _applies(rule, form) and (received or not rule.needs_receiver)
    )


def _applies(rule: Rule, form: Form) -> bool:
    if form is Form.BARE:
        return rule.stage not in _ENVELOPED
    return form is Form.REQUEST or rule.stage is not Stage.HEADER


def endpoint_rules(kind: str, outcomes: Iterable[Outcome]) -> frozenset[str]:
    """The rules that the answers of an endpoint were judged by."""
    form = Form.PUPILS if kind == LAS else Form.ANSWER
    rules: set[str] = set()
    for outcome in outcomes:
        if outcome.state is State.NOT_TESTED:
            continue
        rules |= _behaviour_rules("endpoint.") if outcome.came else set()
        rules |= {rule for rule, scenario in _OF_SCENARIO.items() if scenario == outcome.scenario.id}
        if any(response.status is not None for response in outcome.came):
            rules |= {"xml.charset"} | _behaviour_rules("fault." if outcome.scenario.refuses else "answer.")
        if outcome.examined:
            rules |= document_rules(form, outcome.findings)
            rules |= _behaviour_rules(f"{kind}.") - _OF_SCENARIO.keys()
    return frozenset(rules)


def _behaviour_rules(prefix: str) -> set[str]:
    return {rule for rule in BEHAVIOUR_RULES if rule.startswith(prefix)}


def worst_states(several: Sequence[Mapping[str, State]]) -> dict[str, State]:
    """The worst state of each rule over documents that were checked together."""
    return {rule: max((states[rule] for states in several), key=_ORDER.index) for rule in RULES}


def rule_states(judged: Collection[str], findings: Iterable[Finding]) -> dict[str, State]:
    """The state of every rule that there is, in the order of the rules."""
    by_rule: dict[str, list[Finding]] = {}
    for finding in findings:
        by_rule.setdefault(finding.rule, []).append(finding)
    return {
        rule: state_of(by_rule.get(rule, ())) if rule in judged or rule in by_rule else State.NOT_TESTED
        for rule in RULES
    }
