"""Reports as JUnit XML, for the CI of a vendor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lxml import etree

from connectors.conformance.levels import level_of
from connectors.conformance.reports import NO_CERTIFICATE, Report, clean, not_reached, place_of
from connectors.conformance.scenarios import Outcome, State
from connectors.uwlr.rules import ERROR
from models.schema import clock
from models.schema.records import Finding


@dataclass(frozen=True, slots=True)
class _Case:
    """One testcase: a level of a document, or a scenario of an endpoint."""

    name: str
    state: State
    findings: Sequence[Finding]
    seconds: float = 0.0
    reason: str = ""
    responses: str = ""


def as_junit(reports: Sequence[Report]) -> bytes:
    """JUnit XML: a testsuite for each report, a testcase for each of its levels or scenarios."""
    root = etree.Element("testsuites", name="UWLR")
    totals = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
    seconds = 0.0
    for report in reports:
        cases = _cases(report)
        counts = {
            "tests": len(cases),
            "failures": sum(case.state is State.FAILED for case in cases),
            "errors": 0,
            "skipped": sum(case.state is State.NOT_TESTED for case in cases),
        }
        duration = sum(case.seconds for case in cases)
        suite = etree.SubElement(root, "testsuite", name=clean(report.title))
        _set(suite, counts, duration)
        suite.set("timestamp", report.made.astimezone(clock.AMSTERDAM).replace(tzinfo=None).isoformat("T", "seconds"))
        for case in cases:
            _junit_case(suite, case, clean(report.title))
        etree.SubElement(suite, "system-out").text = f"{NO_CERTIFICATE.nl}\n{NO_CERTIFICATE.en}"
        totals = {name: total + counts[name] for name, total in totals.items()}
        seconds += duration
    _set(root, totals, seconds)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _cases(report: Report) -> list[_Case]:
    if report.outcomes:
        return [
            _Case(
                name=outcome.scenario.id,
                state=outcome.state,
                findings=outcome.findings,
                seconds=outcome.seconds,
                reason="" if outcome.reason is None else f"{outcome.reason.nl} / {outcome.reason.en}",
                responses=_response_text(outcome),
            )
            for outcome in report.outcomes
        ]
    return [
        _Case(
            name=level.level.id,
            state=level.state,
            findings=[finding for finding in report.findings if level_of(finding.rule) is level.level],
            reason=not_reached(level.level).nl + " / " + not_reached(level.level).en,
        )
        for level in report.levels
    ]


def _junit_case(suite: etree._Element, case: _Case, title: str) -> None:
    node = etree.SubElement(suite, "testcase", classname=title, name=case.name, time=f"{case.seconds:.3f}")
    errors = [finding for finding in case.findings if finding.level == ERROR]
    others = [finding for finding in case.findings if finding.level != ERROR]
    if case.state is State.NOT_TESTED:
        etree.SubElement(node, "skipped", message=clean(case.reason))
    if errors:
        first = errors[0]
        failure = etree.SubElement(
            node, "failure", type=clean(first.rule), message=clean(f"{first.rule}: {first.message_nl}")
        )
        failure.text = "\n\n".join([*map(_finding_text, errors), *([case.responses] if case.responses else [])])
    if others:
        etree.SubElement(node, "system-out").text = "\n\n".join(map(_finding_text, others))


def _finding_text(finding: Finding) -> str:
    lines = (
        f"{finding.level} {finding.rule} ({finding.clause})",
        place_of(finding).nl,
        finding.message_nl,
        finding.remedy,
        finding.message_en,
        finding.remedy_en,
    )
    return "\n".join(clean(line) for line in lines if line)


def _response_text(outcome: Outcome) -> str:
    """The expected reply and the replies that came, one line each."""
    lines = [f"verwacht / expected: {outcome.scenario.expected.nl}"]
    for response in outcome.came:
        status = "-" if response.status is None else f"HTTP {response.status}"
        parts = [status, response.media_type, "" if response.fault is None else f"Fault {response.fault}"]
        lines.append(f"{response.operation}: {', '.join(part for part in parts if part)} ({response.seconds:.1f} s)")
    return "\n".join(lines)


def _set(node: etree._Element, counts: dict[str, int], seconds: float) -> None:
    for name, count in counts.items():
        node.set(name, str(count))
    node.set("time", f"{seconds:.3f}")
