"""The report of a sender at its test address: each situation of `models.sandbox.situations` as a scenario."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from connectors.conformance.reports import Report, endpoint_report
from connectors.conformance.rule_states import document_rules, rule_states
from connectors.conformance.scenarios import NotTested, Outcome, ResponseSummary, Scenario, State, state_of
from connectors.intake import push
from connectors.intake.documents import Form
from connectors.uwlr.rules import finding
from models.ingest.exchanges import Exchange
from models.sandbox import situations
from models.sandbox.sandboxes import Arrival, Sandbox
from models.sandbox.situations import Situation, Task
from models.schema.records import Finding, Text

SENDER = "sender"
_EXPECTED = frozenset(rule for rules in situations.REFUSALS.values() for rule in rules)
_NOT_SEEN = Text("Deze situatie is nog niet getoond op het proefadres.", "This was not shown at the test address yet.")


def _play(_: object) -> list[Finding]:
    """A sender is not called: what it sent is judged."""
    raise NotTested(_NOT_SEEN)


def _scenario(key: str, task: Task) -> Scenario:
    return Scenario(f"{SENDER}.{key}", task.clause, task.title, task.words, task.expected, _play)


SCENARIOS = {key: _scenario(key, task) for key, task in situations.TASKS.items()}
_REFUSALS = frozenset(f"{SENDER}.{key}" for key in situations.REFUSALS)
MESSAGES = _scenario(
    "messages",
    Task(
        "UWLR 2.2 XSD",
        Text("Alle berichten", "All messages"),
        Text(
            "Wat de regels zeggen van alle berichten die binnenkwamen.",
            "What the rules say of all messages that came in.",
        ),
    ),
)


def sandbox_report(sandbox: Sandbox, arrivals: Sequence[Arrival], seen: int = 0) -> Report:
    """The report of a sandbox: its situations, and what the rules say of all messages that came in.

    The states of the rules are those of the messages after the arrival `seen`, which an earlier report covered.
    """
    by_id = {arrival.id: arrival for arrival in arrivals}
    outcomes = [
        _outcome(situation, by_id.get(situation.arrival_id or 0))
        for situation in situations.progress(sandbox, arrivals)
    ]
    outcomes.append(_messages(arrivals))
    rules = _rule_states([arrival for arrival in arrivals if arrival.id > seen], outcomes)
    return endpoint_report(sandbox.name, SENDER, outcomes, rules)


def _rule_states(arrivals: Sequence[Arrival], outcomes: Sequence[Outcome]) -> dict[str, State]:
    """The states of the rules that messages were judged by; of the same bytes again nothing is judged."""
    judged: set[str] = set()
    for arrival in arrivals:
        if not arrival.provoked and not arrival.repeated:
            findings = [Finding(**_complete(stored)) for stored in arrival.findings]
            judged |= document_rules(Form.REQUEST, findings, received=True)
    refused = [outcome for outcome in outcomes if outcome.scenario.id in _REFUSALS]
    if any(outcome.state is not State.NOT_TESTED for outcome in refused):
        judged.add("sender.again-and-again")
    return rule_states(judged, [*_messages(arrivals).findings, *(item for each in refused for item in each.findings)])


def sandbox_exchanges(
    sandbox: Sandbox, arrivals: Sequence[Arrival], kept: Mapping[int, Exchange]
) -> tuple[Exchange, ...]:
    """The messages with their answers that are kept, each with the situations that it shows, else with all messages."""
    scenarios: dict[int, list[str]] = {}
    for situation in situations.progress(sandbox, arrivals):
        if situation.arrival_id is not None:
            scenarios.setdefault(situation.arrival_id, []).append(SCENARIOS[situation.key].id)
    return tuple(
        replace(exchange, scenarios=tuple(scenarios.get(arrival_id, [MESSAGES.id])))
        for arrival_id, exchange in kept.items()
    )


def _outcome(situation: Situation, arrival: Arrival | None) -> Outcome:
    scenario = SCENARIOS[situation.key]
    if situation.state in (situations.WAITING, situations.BUSY):
        return Outcome(scenario, State.NOT_TESTED, (), 0.0, (), _NOT_SEEN)
    failed = situation.state == situations.FAILED
    findings = (finding("sender.again-and-again"),) if failed else ()
    return Outcome(scenario, State.FAILED if failed else State.PASSED, findings, 0.0, _summary_of(arrival))


def _summary_of(arrival: Arrival | None) -> tuple[ResponseSummary, ...]:
    if arrival is None:
        return ()
    return (ResponseSummary(push.OPERATION, 200 if arrival.accepted else 500, "text/xml", arrival.fault, 0.0),)


def _messages(arrivals: Sequence[Arrival]) -> Outcome:
    """What is wrong with the messages that came in, except for the refusals that the situations ask for."""
    findings: dict[tuple[str, str | None], Finding] = {}
    for arrival in arrivals:
        if arrival.provoked or _is_requested(arrival):
            continue
        for stored in arrival.findings:
            if stored["level"] in ("error", "warning"):
                findings.setdefault((stored["rule"], stored.get("path")), Finding(**_complete(stored)))
    if not arrivals:
        return Outcome(MESSAGES, State.NOT_TESTED, (), 0.0, (), _NOT_SEEN)
    distinct = tuple(findings.values())
    return Outcome(MESSAGES, state_of(distinct), distinct, 0.0, (), examined=True)


def _is_requested(arrival: Arrival) -> bool:
    errors = {stored["rule"] for stored in arrival.findings if stored["level"] == "error"}
    return bool(errors) and errors <= _EXPECTED


def _complete(item: dict[str, Any]) -> dict[str, Any]:
    """A stored finding; one of an older version has no remedy in English."""
    return {"remedy_en": item.get("remedy", ""), **item}
