"""The outcome of a check: findings with remedies, excerpts of the message, and the scenarios."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dashboard.pages.vendor.exchanges import exchanges_of, not_kept
from dashboard.pages.vendor.parts import (
    broken_path,
    finding_sentence,
    finding_state,
    place_of,
    remedy_of,
    requirement_link,
    sentence_of,
)
from dashboard.pages.vendor.words import RESULT_LOOKS, counts_word, result_word
from dashboard.text.translate import _, n_, native
from dashboard.ui.components import SegmentedControl
from dashboard.ui.elements import html
from dashboard.ui.signs import attrs, state
from models.ingest.exchanges import Exchange

SHOWN = 200
LEVELS = ("error", "warning", "note")
Report = Mapping[str, Any]


@dataclass(slots=True)
class _FindingGroup:
    """Equal findings: the first, and how many there are."""

    first: Mapping[str, Any]
    scenario: str
    times: int = 1


def _all(report: Report) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for item in report.get("findings", ()):
        yield "", item
    for outcome in report.get("outcomes", ()):
        for item in outcome.get("findings", ()):
            yield finding_sentence(outcome, "title"), item


def _kinds(report: Report) -> list[_FindingGroup]:
    """Errors first, then warnings, each in the order of the report."""
    groups: dict[tuple[str, ...], _FindingGroup] = {}
    for scenario, item in _all(report):
        key = (scenario, str(item.get("rule")), str(item.get("level")), sentence_of(item))
        if key in groups:
            groups[key].times += 1
        else:
            groups[key] = _FindingGroup(item, scenario)
    order = {level: index for index, level in enumerate(LEVELS)}
    return sorted(
        groups.values(), key=lambda finding_group: order.get(str(finding_group.first.get("level")), len(order))
    )


def findings_panel(report: Report, excerpts: Mapping[str, str]) -> list[Any]:
    """The findings as a table; empty where there are none."""
    kinds = _kinds(report)
    if not kinds:
        return []
    more = len(kinds) - SHOWN
    rows = [_row(kind, excerpts) for kind in kinds[:SHOWN]]
    head = (
        _("Outcome"),
        _("Rule and place in the standard"),
        _("Place in your message"),
        _("What is wrong, and how to fix it"),
    )
    return [
        html.Section(
            [
                html.Header([html.H2(_("What you can fix")), _choice(kinds)]),
                html.Table(
                    [html.Thead(html.Tr([html.Th(item, scope="col") for item in head])), html.Tbody(rows)],
                    className="fd stk",
                ),
                *(
                    [html.P(_("{number} more are in the report.", number=more), className="sm t2 mt")]
                    if more > 0
                    else []
                ),
            ],
            className="card found",
            id="findings",
        )
    ]


def _choice(kinds: Sequence[_FindingGroup]) -> Any:
    """The choice of which findings are shown; the style sheet hides the others."""
    counts = {level: sum(kind.first.get("level") == level for kind in kinds) for level in LEVELS}
    if sum(count > 0 for count in counts.values()) < 2:
        return None
    words = [("all", _("Everything"))]
    if counts["error"]:
        words.append(("error", n_("Wrong ({number} kind)", "Wrong ({number} kinds)", counts["error"])))
    if counts["warning"]:
        words.append(("warning", n_("Warning ({number} kind)", "Warning ({number} kinds)", counts["warning"])))
    return SegmentedControl(
        data=[{"value": value, "label": label} for value, label in words],
        value="all",
        **attrs(aria_label=_("Show")),
    )


def _row(finding_group: _FindingGroup, excerpts: Mapping[str, str]) -> html.Tr:
    finding = finding_group.first
    position, path = place_of(finding), str(finding.get("path") or "")
    where: list[Any] = []
    if position and excerpt_key(finding) in excerpts:
        where.append(html.A(position, href=f"#{_name(finding)}", className="mono"))
    elif position:
        where.append(html.Span(position, className="mono"))
    elif finding_group.scenario:
        where.append(html.Span(finding_group.scenario))
    where += [html.Small(text) for text in (broken_path(path), _times(finding_group.times)) if text]
    return html.Tr(
        [
            html.Td(finding_state(finding), **attrs(data_l=_("Outcome"))),
            html.Td(
                [html.B(requirement_link(str(finding.get("rule", "")))), html.Small(str(finding.get("clause", "")))],
                **attrs(data_l=_("Rule")),
            ),
            html.Td(where or [_("whole message")], className="where", **attrs(data_l=_("Place"))),
            html.Td([html.B(sentence_of(finding)), html.P(remedy_of(finding), className="t2")], className="wide"),
        ],
        **attrs(data_level=str(finding.get("level", "")), data_rule=str(finding.get("rule", ""))),
    )


def _times(times: int) -> str:
    return n_("{number} time", "{number} times", times) if times > 1 else ""


def excerpt_key(finding: Mapping[str, Any]) -> str:
    """The key of the text around a finding among the excerpts of a report."""
    return f"{finding.get('line')}:{finding.get('column') or 1}"


def _name(finding: Mapping[str, Any]) -> str:
    return f"tekst-{finding.get('line')}-{finding.get('column') or 1}"


def excerpts_panel(report: Report, excerpts: Mapping[str, str], heading: str | None = None) -> list[html.Section]:
    """The text of the message around each position, with personal fields masked."""
    shown: dict[str, list[Mapping[str, Any]]] = {}
    for kind in _kinds(report):
        if excerpt_key(kind.first) in excerpts:
            shown.setdefault(excerpt_key(kind.first), []).append(kind.first)
    if not shown:
        return []
    return [
        html.Section(
            [
                html.Header([html.H2(heading or _("Your message around it")), html.P(_("Personal data is masked"))]),
                *(part for key, findings in shown.items() for part in _excerpt(findings, excerpts[key])),
            ],
            className="card",
            id="excerpts",
        )
    ]


def _excerpt(findings: Sequence[Mapping[str, Any]], text: str) -> list[Any]:
    position = place_of(findings[0])
    lines = [
        html.P(
            [finding_state(item), html.Code(str(item.get("rule", ""))), html.Span(sentence_of(item))], className="pt"
        )
        for item in findings
    ]
    return [
        html.Div(
            [
                html.H3(position),
                html.Pre(
                    _lines(text, findings[0].get("line")),
                    tabIndex=0,
                    role="region",
                    **attrs(aria_label=_("Your message around {place}", place=position)),
                ),
                *lines,
            ],
            className="excerpt",
            id=_name(findings[0]),
        )
    ]


def _lines(text: str, line: object) -> list[Any]:
    """The numbered lines of an excerpt, with the line of the finding marked."""
    return [
        html.Mark(splitline + "\n") if splitline.split(maxsplit=1)[:1] == [str(line)] else html.Span(splitline + "\n")
        for splitline in text.rstrip().splitlines()
    ]


# -- scenarios -------------------------------------------------------------------------------------------------


def scenarios_panel(report: Report, exchanges: Sequence[Exchange]) -> list[Any]:
    """The scenarios that were tried at an address, in order, each with its requests and answers."""
    outcomes = report.get("outcomes", ())
    if not outcomes:
        return []
    tested = sum(outcome.get("state") != "not_tested" for outcome in outcomes)
    words = n_("{number} situation", "{number} situations", len(outcomes))
    return [
        html.Section(
            [
                html.Header(
                    [
                        html.H2(_("Behaviour, {situations}", situations=words)),
                        html.P(n_("{number} tested", "{number} tested", tested)),
                    ]
                ),
                html.Ul(
                    [_scenario(item, before, exchanges) for item, before in _with_the_one_before(outcomes)],
                    className="sn",
                ),
            ],
            className="card",
            id="scenarios",
        )
    ]


def _with_the_one_before(
    outcomes: Sequence[Mapping[str, Any]],
) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    before: Mapping[str, Any] = {}
    for outcome in outcomes:
        yield outcome, before
        before = outcome


def _scenario(item: Mapping[str, Any], before: Mapping[str, Any], exchanges: Sequence[Exchange]) -> html.Li:
    """A scenario; the reason why it was not tested is not repeated for the next one."""
    name = str(item.get("state"))
    kind, icon = RESULT_LOOKS.get(name, ("no", "info"))
    lines = []
    if name == "not_tested" and finding_sentence(item, "reason") != finding_sentence(before, "reason"):
        lines.append(finding_sentence(item, "reason"))
    if name in ("failed", "warned"):
        levels = [finding.get("level") for finding in item.get("findings", ())]
        lines.append(_("Expected: {what}", what=finding_sentence(item, "expected")))
        lines.append(_("Received: {what}", what=_responses(item)) if item.get("came") else "")
        lines.append(counts_word(levels.count("error"), levels.count("warning")))
    facts = [] if name == "not_tested" else [_seconds(item.get("seconds", 0.0))]
    exchanged = exchanges_of(exchanges, str(item.get("scenario")))
    if exchanges and not exchanged and item.get("came"):
        exchanged = [not_kept()]
    return html.Li(
        [
            state(kind, icon, result_word(name)),
            html.Div(
                [
                    html.B(finding_sentence(item, "title")),
                    *(html.P(line) for line in lines if line),
                    *(html.Small(fact) for fact in facts if fact),
                    *exchanged,
                ]
            ),
        ],
        **attrs(data_scenario=str(item.get("scenario", "")), data_state=name),
    )


def _responses(item: Mapping[str, Any]) -> str:
    answers = [
        " ".join(
            part for part in (f"HTTP {response['status']}", response.get("media_type"), response.get("fault")) if part
        )
        for response in item.get("came", ())
        if response.get("status") is not None
    ]
    return "; ".join(answers) or _("no answer")


def _seconds(seconds: float) -> str:
    return _("{number} s", number=native(f"{seconds:.1f}")) if seconds else ""
