"""The report of a check, also as JSON; `junit_report` and `html_report` write it as JUnit XML and as an HTML page.

A report has rules, locations, statuses and codes, and never a value of a message. Names from outside (of a file, an
address, an element) are written as text only: control characters are removed, and all else is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from connectors.conformance.levels import Level, level_of, reached_level
from connectors.conformance.rule_states import document_rules, endpoint_rules, rule_states
from connectors.conformance.scenarios import Outcome, State, state_of
from connectors.intake.documents import Form
from connectors.uwlr.rules import ERROR, ONGELDIG_BERICHT, WARNING, finding
from models.schema import clock
from models.schema.records import Finding, Text

NO_CERTIFICATE = Text(
    "Dit is een hulpmiddel om te testen, geen certificering door Edustandaard.",
    "This is an aid for testing, no certification by Edustandaard.",
)
FILE = "file"


STATE_TITLES = {
    State.PASSED: Text("voldoet", "passed"),
    State.WARNED: Text("waarschuwing", "warning"),
    State.FAILED: Text("fout", "failed"),
    State.NOT_TESTED: Text("niet getest", "not tested"),
}


@dataclass(frozen=True, slots=True)
class LevelResult:
    """The findings on one level, counted."""

    level: Level
    state: State
    errors: int
    warnings: int


@dataclass(frozen=True, slots=True)
class Report:
    """The check of a document (`findings`) or of an endpoint (`outcomes`, each with its own findings).

    `fault` is the code with which a receiver would refuse the document, `rules` has the state of every rule.
    """

    title: str
    kind: str
    made: datetime
    levels: tuple[LevelResult, ...]
    outcomes: tuple[Outcome, ...] = ()
    findings: tuple[Finding, ...] = ()
    fault: str | None = None
    rules: Mapping[str, State] = field(default_factory=dict)

    @property
    def all_findings(self) -> list[Finding]:
        """The findings of the document, or of all scenarios."""
        return [*self.findings, *(finding for outcome in self.outcomes for finding in outcome.findings)]

    @property
    def errors(self) -> int:
        """How many findings are errors."""
        return _count(self.all_findings, ERROR)

    @property
    def warnings(self) -> int:
        """How many findings are warnings."""
        return _count(self.all_findings, WARNING)

    @property
    def state(self) -> State:
        """The overall outcome; an endpoint of which nothing could be tested is not tested."""
        if self.outcomes and all(outcome.state is State.NOT_TESTED for outcome in self.outcomes):
            return State.NOT_TESTED
        return state_of(self.all_findings)


def document_report(
    title: str,
    findings: Sequence[Finding],
    fault: str | None = None,
    problem: str | None = None,
    form: Form = Form.BARE,
) -> Report:
    """The report of a document; `problem` says in English why it could not be read at all."""
    if problem is not None:
        findings = (*findings, replace(finding("document.unreadable"), message_en=problem))
    return Report(
        title=title,
        kind=FILE,
        made=clock.now(),
        levels=_document_levels(findings),
        findings=tuple(findings),
        fault=(fault or ONGELDIG_BERICHT) if _count(findings, ERROR) else None,
        rules=rule_states(() if problem is not None else document_rules(form, findings), findings),
    )


def endpoint_report(
    title: str, kind: str, outcomes: Sequence[Outcome], rules: Mapping[str, State] | None = None
) -> Report:
    """The report of an endpoint; `title` is its address without query, `rules` of what was no answer of an endpoint."""
    findings = [finding for outcome in outcomes for finding in outcome.findings]
    return Report(
        title=title,
        kind=kind,
        made=clock.now(),
        levels=_endpoint_levels(outcomes),
        outcomes=tuple(outcomes),
        rules=rule_states(endpoint_rules(kind, outcomes), findings) if rules is None else rules,
    )


def _document_levels(findings: Sequence[Finding]) -> tuple[LevelResult, ...]:
    """Levels after one that was not passed were not reached: they are not tested, unless they have findings."""
    reached = reached_level(findings)
    return tuple(_level(level, findings, tested=level <= reached) for level in Level)


def _endpoint_levels(outcomes: Sequence[Outcome]) -> tuple[LevelResult, ...]:
    findings = [finding for outcome in outcomes for finding in outcome.findings]
    examined = any(outcome.examined and outcome.state is not State.NOT_TESTED for outcome in outcomes)
    played = any(outcome.state is not State.NOT_TESTED for outcome in outcomes)
    return tuple(
        _level(level, findings, tested=played if level is Level.BEHAVIOUR else examined) for level in Level
    )  # fmt: skip


def _level(level: Level, findings: Sequence[Finding], *, tested: bool) -> LevelResult:
    of_level = [finding for finding in findings if level_of(finding.rule) is level]
    state = state_of(of_level) if tested or of_level else State.NOT_TESTED
    return LevelResult(level, state, _count(of_level, ERROR), _count(of_level, WARNING))


def _count(findings: Iterable[Finding], level: str) -> int:
    return sum(finding.level == level for finding in findings)


# -- JSON ------------------------------------------------------------------------------------------------------


def as_json(report: Report) -> dict[str, Any]:
    """A report as an object for `json.dumps`."""
    return {
        "title": clean(report.title),
        "kind": report.kind,
        "made": report.made.astimezone(clock.AMSTERDAM).isoformat(timespec="seconds"),
        "state": report.state.value,
        "errors": report.errors,
        "warnings": report.warnings,
        "fault": report.fault,
        "levels": levels_json(report),
        "rules": rules_json(report),
        "outcomes": [_outcome_json(outcome) for outcome in report.outcomes],
        "findings": [finding_json(finding) for finding in report.findings],
        "remark_nl": NO_CERTIFICATE.nl,
        "remark_en": NO_CERTIFICATE.en,
    }


def levels_json(report: Report) -> list[dict[str, Any]]:
    """The levels of a report."""
    return [
        {"level": level.level.id, "state": level.state.value, "errors": level.errors, "warnings": level.warnings}
        for level in report.levels
    ]


def rules_json(report: Report) -> dict[str, str]:
    """The state of every rule."""
    return {rule: state.value for rule, state in report.rules.items()}


def finding_json(finding: Finding) -> dict[str, Any]:
    """A finding; `check` is the level of its rule."""
    return {
        "rule": finding.rule,
        "level": finding.level,
        "check": level_of(finding.rule).id,
        "clause": finding.clause,
        "path": None if finding.path is None else clean(finding.path),
        "line": finding.line,
        "column": finding.column,
        "message_nl": clean(finding.message_nl),
        "message_en": clean(finding.message_en),
        "remedy": clean(finding.remedy),
        "remedy_en": clean(finding.remedy_en),
        "fault": finding.fault,
    }


def _outcome_json(outcome: Outcome) -> dict[str, Any]:
    scenario = outcome.scenario
    return {
        "scenario": scenario.id,
        "clause": scenario.clause,
        "title_nl": scenario.title.nl,
        "title_en": scenario.title.en,
        "state": outcome.state.value,
        "reason_nl": None if outcome.reason is None else outcome.reason.nl,
        "reason_en": None if outcome.reason is None else outcome.reason.en,
        "seconds": round(outcome.seconds, 3),
        "expected_nl": scenario.expected.nl,
        "expected_en": scenario.expected.en,
        "came": [
            {
                "operation": response.operation,
                "status": response.status,
                "media_type": response.media_type,
                "fault": response.fault,
                "seconds": round(response.seconds, 3),
            }
            for response in outcome.came
        ],
        "findings": [finding_json(finding) for finding in outcome.findings],
    }


# -- words ---------------------------------------------------------------------------------------------------


def not_reached(level: Level) -> Text:
    """Why a level of a document was not tested."""
    if level is Level.BEHAVIOUR:
        return Text("Alleen te testen bij een adres.", "Can only be tested at an address.")
    return Text(
        "Niet bereikt door een fout op een eerder niveau.", "Not reached because of an error on an earlier level."
    )


def place_of(finding: Finding) -> Text:
    """The location of a finding: line, column and path, as far as known."""
    nl, en = [], []
    if finding.line is not None:
        column = "" if finding.column is None else f", kolom {finding.column}"
        nl.append(f"regel {finding.line}{column}")
        en.append(f"line {finding.line}{column.replace('kolom', 'column')}")
    if finding.path is not None:
        nl.append(finding.path)
        en.append(finding.path)
    return Text(" ".join(nl), " ".join(en))


# Characters that XML 1.0 does not allow, that a terminal acts on, or that change the direction of a line.
_NO_TEXT = re.compile(
    "[^\t\n\r\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)


def clean(text: str) -> str:
    """A text without control characters."""
    return _NO_TEXT.sub("", text)
