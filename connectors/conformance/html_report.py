"""Reports as one self-contained HTML page: no scripts, no external resources; in Dutch with English."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lxml import etree

from connectors.conformance.levels import LEVEL_TITLES, level_of
from connectors.conformance.reports import (
    NO_CERTIFICATE,
    STATE_TITLES,
    Report,
    clean,
    not_reached,
    place_of,
)
from connectors.conformance.scenarios import Outcome, ResponseSummary, State
from connectors.uwlr.rules import ERROR, WARNING
from models.schema import clock
from models.schema.records import Finding, Text

_CSS = """
:root{--bg:#f4f5f6;--surface:#fff;--line:#d9dee3;--text:#161d24;--soft:#58646f;
--ok:#0b5c4c;--ok-bg:#dcf0ea;--warn:#8a3d07;--warn-bg:#fbeadb;--fail:#9c1b1b;--fail-bg:#fbe5e3;--none:#434f5b;--none-bg:#edeff1}
@media (prefers-color-scheme:dark){:root{--bg:#12161a;--surface:#1a2026;--line:#333d47;--text:#e9edf0;--soft:#a0acb7;
--ok:#7fd3ba;--ok-bg:#143530;--warn:#f3b27d;--warn-bg:#3d2818;--fail:#f7a8a1;--fail-bg:#43201f;--none:#bcc6cf;--none-bg:#252d35}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--text);font:16px/1.5 system-ui,sans-serif}
main,section,article,div{min-width:0}
main{max-width:64rem;margin:0 auto;padding:1.5rem 1rem 4rem}
h1{font-size:1.6rem;margin:0 0 .25rem}h2{font-size:1.2rem;margin:0;overflow-wrap:anywhere}h3{font-size:1rem;margin:0}
p{margin:.25rem 0}
section,article{background:var(--surface);border:1px solid var(--line);border-radius:8px;padding:1rem;margin:1rem 0}
article{margin:.75rem 0}
.head{display:flex;flex-wrap:wrap;gap:.25rem .75rem;align-items:baseline}
[lang=en],.soft{color:var(--soft)}
.en{font-size:.9rem}
.state{border-radius:4px;padding:0 .5rem;font-weight:600}
.passed{color:var(--ok);background:var(--ok-bg)}.warned{color:var(--warn);background:var(--warn-bg)}
.failed{color:var(--fail);background:var(--fail-bg)}.not_tested{color:var(--none);background:var(--none-bg)}
.state [lang=en]{color:inherit;font-weight:400}
table{border-collapse:collapse;width:100%;margin:.75rem 0}
th,td{text-align:left;padding:.35rem .75rem .35rem 0;border-bottom:1px solid var(--line);vertical-align:top}
.wide{overflow-x:auto}
td.number{font-variant-numeric:tabular-nums}
ul{list-style:none;margin:.5rem 0 0;padding:0}
li{border-top:1px solid var(--line);padding:.6rem 0}
code{font:.9em ui-monospace,monospace;overflow-wrap:anywhere}
@media print{body{background:#fff}section,article{break-inside:avoid-page}}
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_STATES = {ERROR: State.FAILED, WARNING: State.WARNED}
_LEVEL_WORDS = {ERROR: Text("fout", "error"), WARNING: Text("waarschuwing", "warning")}
_NOTE = Text("opmerking", "remark")


def as_html(reports: Sequence[Report]) -> bytes:
    """One page with all reports, in UTF-8."""
    title = Text("UWLR-test", "UWLR check")
    page = _tag(
        "html",
        _tag(
            "head",
            _tag("meta", charset="utf-8"),
            _tag("meta", http_equiv="Content-Security-Policy", content=_POLICY),
            _tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
            _tag("meta", name="referrer", content="no-referrer"),
            _tag("title", f"{title.nl} - Rondblik"),
            _tag("style", _CSS),
        ),
        _tag(
            "body",
            _tag(
                "main",
                _tag("h1", title.nl, " ", _english(title.en)),
                *_both(NO_CERTIFICATE),
                *(_section(report) for report in reports),
            ),
        ),
        lang="nl",
    )
    return etree.tostring(page, method="html", encoding="UTF-8", doctype="<!DOCTYPE html>")


def _section(report: Report) -> etree._Element:
    made = report.made.astimezone(clock.AMSTERDAM)
    counts = Text(
        f"Fouten: {report.errors}, waarschuwingen: {report.warnings}",
        f"Errors: {report.errors}, warnings: {report.warnings}",
    )
    parts: list[etree._Element] = [
        _tag("div", _tag("h2", report.title), _state(report.state), class_="head"),
        _tag("p", _tag("time", f"{made:%d-%m-%Y %H:%M}", datetime=made.isoformat("T", "seconds")), class_="soft"),
        *_both(counts),
    ]
    if report.fault is not None:
        refused = Text("Een ontvanger weigert dit bericht met", "A receiver refuses this message with")
        parts.append(_tag("p", refused.nl, " ", _tag("code", report.fault), " ", _english(refused.en)))
    parts.append(_levels(report))
    parts += [_outcome(outcome) for outcome in report.outcomes]
    if report.findings:
        parts.append(_findings(report.findings))
    return _tag("section", *parts)


def _levels(report: Report) -> etree._Element:
    rows = []
    for level in report.levels:
        reason = not_reached(level.level) if level.state is State.NOT_TESTED and not report.outcomes else None
        rows.append(
            _tag(
                "tr",
                _tag("th", *_beside(LEVEL_TITLES[level.level]), scope="row"),
                _tag("td", _state(level.state), *([] if reason is None else [" ", *_beside(reason)])),
                _tag("td", str(level.errors), class_="number"),
                _tag("td", str(level.warnings), class_="number"),
            )
        )
    names = (
        Text("Niveau", "Level"),
        Text("Uitkomst", "Outcome"),
        Text("Fouten", "Errors"),
        Text("Waarschuwingen", "Warnings"),
    )
    head = _tag("tr", *(_tag("th", *_beside(name), scope="col") for name in names))
    return _tag("div", _tag("table", _tag("thead", head), _tag("tbody", *rows)), class_="wide")


def _outcome(outcome: Outcome) -> etree._Element:
    scenario = outcome.scenario
    parts = [
        _tag(
            "div",
            _tag("h3", *_beside(scenario.title)),
            _state(outcome.state),
            _tag("code", scenario.id),
            _tag("span", scenario.clause, class_="soft"),
            class_="head",
        ),
        *_both(scenario.explanation),
    ]
    if outcome.reason is not None:
        parts += _both(outcome.reason)
    expected = Text(f"Verwacht: {scenario.expected.nl}", f"Expected: {scenario.expected.en}")
    parts += _both(expected)
    if outcome.came:
        parts.append(_tag("ul", *(_tag("li", *_responses(response)) for response in outcome.came)))
    if outcome.findings:
        parts.append(_findings(outcome.findings))
    return _tag("article", *parts)


def _responses(response: ResponseSummary) -> Iterator[etree._Element | str]:
    status = "-" if response.status is None else f"HTTP {response.status}"
    reading = [status, response.media_type, "" if response.fault is None else f"Fault {response.fault}"]
    yield _tag("code", response.operation)
    yield f": {', '.join(text for text in reading if text)} ({response.seconds:.1f} s)"


def _findings(findings: Sequence[Finding]) -> etree._Element:
    return _tag("ul", *(_tag("li", *_finding(finding)) for finding in findings))


def _finding(finding: Finding) -> Iterator[etree._Element]:
    state = _STATES.get(finding.level, State.NOT_TESTED)
    word = _LEVEL_WORDS.get(finding.level, _NOTE)
    yield _tag(
        "div",
        _tag("span", *_beside(word), class_=f"state {state.value}"),
        _tag("code", finding.rule),
        _tag("span", f"{LEVEL_TITLES[level_of(finding.rule)].nl}, {finding.clause}", class_="soft"),
        class_="head",
    )
    text = place_of(finding)
    if text.nl:
        yield _tag("p", _tag("code", text.nl))
    yield from _both(Text(f"{finding.message_nl} {finding.remedy}", f"{finding.message_en} {finding.remedy_en}"))


# -- pieces ----------------------------------------------------------------------------------------------------


def _tag(tag: str, /, *children: etree._Element | str, **attributes: str) -> etree._Element:
    """An element; its texts and attributes are escaped when it is written."""
    node = etree.Element(tag)
    for attribute, value in attributes.items():
        node.set(attribute.rstrip("_").replace("_", "-"), clean(value))
    last: etree._Element | None = None
    for child in children:
        if not isinstance(child, str):
            node.append(child)
            last = child
        elif last is None:
            node.text = (node.text or "") + clean(child)
        else:
            last.tail = (last.tail or "") + clean(child)
    return node


def _state(state: State) -> etree._Element:
    return _tag("span", *_beside(STATE_TITLES[state]), class_=f"state {state.value}")


def _english(text: str) -> etree._Element:
    return _tag("span", text, lang="en", class_="en")


def _beside(text: Text) -> list[etree._Element | str]:
    return [text.nl] if text.nl == text.en else [f"{text.nl} ", _english(text.en)]


def _both(text: Text) -> list[etree._Element]:
    return [_tag("p", text.nl)] + ([] if text.nl == text.en else [_tag("p", text.en, lang="en", class_="en")])
