"""Reports as JUnit XML, which the CI of a vendor shows beside its own tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lxml import etree

from connectors.conformance.reports import NO_CERTIFICATE, Report, clean, level_of, not_reached, place_of
from connectors.conformance.scenarios import Outcome, State
from connectors.uwlr.rules import ERROR
from models.schema import clock
from models.schema.records import Finding


@dataclass(frozen=True, slots=True)
class _Case:
    """What becomes a testcase: a level of a document, or a scenario of an endpoint."""

    name: str
    state: State
    findings: Sequence[Finding]
    seconds: float = 0.0
    reason: str = ""
    came: str = ""


def as_junit(reports: Sequence[Report]) -> bytes:
    """JUnit XML: a testsuite for each report, a testcase for each of its levels or scenarios."""
    root = etree.Element("testsuites", name="UWLR")
    totals = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
    seconds = 0.0
    for report in reports:
        cases = _cases(report)
        counts = {
            "tests": len(cases),
            "failures": sum(one.state is State.FAILED for one in cases),
            "errors": 0,
            "skipped": sum(one.state is State.NOT_TESTED for one in cases),
        }
        took = sum(one.seconds for one in cases)
        suite = etree.SubElement(root, "testsuite", name=clean(report.title))
        _set(suite, counts, took)
        suite.set("timestamp", report.made.astimezone(clock.AMSTERDAM).replace(tzinfo=None).isoformat("T", "seconds"))
        for case in cases:
            _junit_case(suite, case, clean(report.title))
        etree.SubElement(suite, "system-out").text = f"{NO_CERTIFICATE.nl}\n{NO_CERTIFICATE.en}"
        totals = {name: total + counts[name] for name, total in totals.items()}
        seconds += took
    _set(root, totals, seconds)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)


def _cases(report: Report) -> list[_Case]:
    if report.outcomes:
        return [
            _Case(
                name=one.scenario.id,
                state=one.state,
                findings=one.findings,
                seconds=one.seconds,
                reason="" if one.reason is None else f"{one.reason.nl} / {one.reason.en}",
                came=_response_text(one),
            )
            for one in report.outcomes
        ]
    return [
        _Case(
            name=one.level.id,
            state=one.state,
            findings=[finding for finding in report.findings if level_of(finding.rule) is one.level],
            reason=not_reached(one.level).nl + " / " + not_reached(one.level).en,
        )
        for one in report.levels
    ]


def _junit_case(suite: etree._Element, case: _Case, title: str) -> None:
    node = etree.SubElement(suite, "testcase", classname=title, name=case.name, time=f"{case.seconds:.3f}")
    errors = [one for one in case.findings if one.level == ERROR]
    others = [one for one in case.findings if one.level != ERROR]
    if case.state is State.NOT_TESTED:
        etree.SubElement(node, "skipped", message=clean(case.reason))
    if errors:
        first = errors[0]
        failure = etree.SubElement(
            node, "failure", type=clean(first.rule), message=clean(f"{first.rule}: {first.message_nl}")
        )
        failure.text = "\n\n".join([*map(_finding_text, errors), *([case.came] if case.came else [])])
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
    """What was expected and what came, one line each."""
    lines = [f"verwacht / expected: {outcome.scenario.expected.nl}"]
    for one in outcome.came:
        status = "-" if one.status is None else f"HTTP {one.status}"
        parts = [status, one.media_type, "" if one.fault is None else f"Fault {one.fault}"]
        lines.append(f"{one.operation}: {', '.join(part for part in parts if part)} ({one.seconds:.1f} s)")
    return "\n".join(lines)


def _set(node: etree._Element, counts: dict[str, int], seconds: float) -> None:
    for name, count in counts.items():
        node.set(name, str(count))
    node.set("time", f"{seconds:.3f}")
