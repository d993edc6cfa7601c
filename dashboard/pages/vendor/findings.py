"""What a check found: the findings with how to mend them, the text around each, and what each scenario brought."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dash_mantine_components as dmc
from dash import html

from dashboard.pages.vendor.parts import broken_path, finding_sentence, finding_state, place_of, remedy_of, sentence_of
from dashboard.pages.vendor.words import RESULT_LOOKS, counts_word, result_word
from dashboard.text.translate import _, n_, native
from dashboard.ui.signs import attrs, state

SHOWN = 200
LEVELS = ("error", "warning", "note")
Report = Mapping[str, Any]


@dataclass(slots=True)
class _FindingGroup:
    """Findings that say the same: the first of them, and how many there are."""

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
    """Errors first, then warnings; within that in the order in which they came."""
    found: dict[tuple[str, ...], _FindingGroup] = {}
    for scenario, item in _all(report):
        key = (scenario, str(item.get("rule")), str(item.get("level")), sentence_of(item))
        if key in found:
            found[key].times += 1
        else:
            found[key] = _FindingGroup(item, scenario)
    order = {level: place for place, level in enumerate(LEVELS)}
    return sorted(
        found.values(), key=lambda finding_group: order.get(str(finding_group.first.get("level")), len(order))
    )


def findings_panel(report: Report, excerpts: Mapping[str, str]) -> list[Any]:
    """The findings as a table; nothing where there are none."""
    kinds = _kinds(report)
    if not kinds:
        return []
    more = len(kinds) - SHOWN
    rows = [_row(kind, excerpts) for kind in kinds[:SHOWN]]
    head = (
        _("Outcome"),
        _("Rule and place in the standard"),
        _("Place in your message"),
        _("What it is, and how to mend it"),
    )
    return [
        html.Section(
            [
                html.Header([html.H2(_("What you can mend")), _choice(kinds)]),
                html.Table(
                    [html.Thead(html.Tr([html.Th(item, scope="col") for item in head])), html.Tbody(rows)],
                    className="fd stk",
                ),
                *(
                    [html.P(_("{number} more stand in the report.", number=more), className="sm t2 mt")]
                    if more > 0
                    else []
                ),
            ],
            className="card found",
            id="findings",
        )
    ]


def _choice(kinds: Sequence[_FindingGroup]) -> Any:
    """Which findings are shown; the style sheet does the work."""
    counts = {level: sum(kind.first.get("level") == level for kind in kinds) for level in LEVELS}
    if sum(count > 0 for count in counts.values()) < 2:
        return None
    words = [("all", _("Everything"))]
    if counts["error"]:
        words.append(("error", n_("Wrong ({number} kind)", "Wrong ({number} kinds)", counts["error"])))
    if counts["warning"]:
        words.append(("warning", n_("Attention ({number} kind)", "Attention ({number} kinds)", counts["warning"])))
    return dmc.SegmentedControl(
        data=[{"value": value, "label": label} for value, label in words],
        value="all",
        **attrs(aria_label=_("Show")),
    )


def _row(finding_group: _FindingGroup, excerpts: Mapping[str, str]) -> html.Tr:
    found = finding_group.first
    place, path = place_of(found), str(found.get("path") or "")
    where: list[Any] = []
    if place and _key(found) in excerpts:
        where.append(html.A(place, href=f"#{_name(found)}", className="mono"))
    elif place:
        where.append(html.Span(place, className="mono"))
    elif finding_group.scenario:
        where.append(html.Span(finding_group.scenario))
    where += [html.Small(text) for text in (broken_path(path), _times(finding_group.times)) if text]
    return html.Tr(
        [
            html.Td(finding_state(found), **attrs(data_l=_("Outcome"))),
            html.Td(
                [html.B(str(found.get("rule", "")), className="mono"), html.Small(str(found.get("clause", "")))],
                **attrs(data_l=_("Rule")),
            ),
            html.Td(where or [_("whole message")], className="where", **attrs(data_l=_("Place"))),
            html.Td([html.B(sentence_of(found)), html.P(remedy_of(found), className="t2")], className="wide"),
        ],
        **attrs(data_level=str(found.get("level", "")), data_rule=str(found.get("rule", ""))),
    )


def _times(times: int) -> str:
    return n_("{number} time", "{number} times", times) if times > 1 else ""


def _key(found: Mapping[str, Any]) -> str:
    return f"{found.get('line')}:{found.get('column') or 1}"


def _name(found: Mapping[str, Any]) -> str:
    return f"tekst-{found.get('line')}-{found.get('column') or 1}"


def excerpts_panel(report: Report, excerpts: Mapping[str, str]) -> list[Any]:
    """The text of the message around each place, covered where it is personal."""
    shown: dict[str, list[Mapping[str, Any]]] = {}
    for kind in _kinds(report):
        if _key(kind.first) in excerpts:
            shown.setdefault(_key(kind.first), []).append(kind.first)
    if not shown:
        return []
    return [
        html.Section(
            [
                html.Header([html.H2(_("Your message around it")), html.P(_("Personal fields are covered"))]),
                *(part for key, found in shown.items() for part in _excerpt(found, excerpts[key])),
            ],
            className="card",
            id="excerpts",
        )
    ]


def _excerpt(found: Sequence[Mapping[str, Any]], text: str) -> list[Any]:
    place = place_of(found[0])
    lines = [
        html.P(
            [finding_state(item), html.Code(str(item.get("rule", ""))), html.Span(sentence_of(item))], className="pt"
        )
        for item in found
    ]
    return [
        html.Div(
            [
                html.H3(place),
                html.Pre(
                    _lines(text, found[0].get("line")),
                    tabIndex=0,
                    role="region",
                    **attrs(aria_label=_("Your message around {place}", place=place)),
                ),
                *lines,
            ],
            className="excerpt",
            id=_name(found[0]),
        )
    ]


def _lines(text: str, line: object) -> list[Any]:
    """The numbered lines of an excerpt, the one that it is about marked."""
    return [
        html.Mark(splitline + "\n") if splitline.split(maxsplit=1)[:1] == [str(line)] else html.Span(splitline + "\n")
        for splitline in text.rstrip().splitlines()
    ]


# -- scenarios -------------------------------------------------------------------------------------------------


def scenarios_panel(report: Report) -> list[Any]:
    """What was tried at an address, in order."""
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
                html.Ul([_scenario(item, before) for item, before in _with_the_one_before(outcomes)], className="sn"),
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


def _scenario(item: Mapping[str, Any], before: Mapping[str, Any]) -> html.Li:
    """A scenario; why it was not tested is not said twice in a row."""
    name = str(item.get("state"))
    kind, icon = RESULT_LOOKS.get(name, ("no", "info"))
    lines = []
    if name == "not_tested" and finding_sentence(item, "reason") != finding_sentence(before, "reason"):
        lines.append(finding_sentence(item, "reason"))
    if name in ("failed", "warned"):
        levels = [found.get("level") for found in item.get("findings", ())]
        lines.append(_("Expected: {what}", what=finding_sentence(item, "expected")))
        lines.append(_("Came: {what}", what=_responses(item)) if item.get("came") else "")
        lines.append(counts_word(levels.count("error"), levels.count("warning")))
    facts = [] if name == "not_tested" else [_seconds(item.get("seconds", 0.0))]
    return html.Li(
        [
            state(kind, icon, result_word(name)),
            html.Div(
                [
                    html.B(finding_sentence(item, "title")),
                    *(html.P(line) for line in lines if line),
                    *(html.Small(fact) for fact in facts if fact),
                ]
            ),
        ],
        **attrs(data_scenario=str(item.get("scenario", "")), data_state=name),
    )


def _responses(item: Mapping[str, Any]) -> str:
    answers = [
        " ".join(part for part in (f"HTTP {came['status']}", came.get("media_type"), came.get("fault")) if part)
        for came in item.get("came", ())
        if came.get("status") is not None
    ]
    return "; ".join(answers) or _("no answer")


def _seconds(seconds: float) -> str:
    return _("{number} s", number=native(f"{seconds:.1f}")) if seconds else ""
