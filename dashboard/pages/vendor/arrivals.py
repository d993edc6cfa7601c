"""The messages received in a sandbox, newest first, each with its verdict and findings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dashboard.pages.vendor.parts import broken_path, finding_state, place_of, remedy_of, sentence_of
from dashboard.pages.vendor.words import VERDICT_LOOKS, size_word, verdict_word
from dashboard.text.translate import _, moment, n_
from dashboard.ui.elements import html
from dashboard.ui.signs import attrs, state
from models.sandbox.sandboxes import Arrival

SHOWN = 25
FINDINGS_SHOWN = 5


def arrivals_panel(arrivals: Sequence[Arrival], number: int) -> html.Section:
    """The newest stored messages; `number` were received in total."""
    newest = list(reversed(arrivals))[:SHOWN]
    words = n_("{number} message", "{number} messages", len(arrivals))
    if len(arrivals) > SHOWN:
        words += ", " + _("the newest {number} shown", number=SHOWN)
    nothing = _("Nothing has come in yet. This page shows a message as soon as it is there.")
    body = (
        html.Ol([_item(arrival) for arrival in newest], className="came")
        if newest
        else html.P(nothing, className="sm t2")
    )
    return html.Section(
        [html.Header([html.H2(_("What came in")), html.P(words)]), *_only_counted(len(arrivals), number), body],
        className="card",
        id="came",
    )


def _only_counted(stored: int, number: int) -> list[html.P]:
    """The notice that messages above the limit of a sandbox are answered but not stored."""
    if number <= stored:
        return []
    words = n_(
        "{number} later message was judged and answered, but is not kept here. Make a new test address to go on.",
        "{number} later messages were judged and answered, but are not kept here. Make a new test address to go on.",
        number - stored,
    )
    return [html.P(words, className="sm", role="note")]


def _item(arrival: Arrival) -> html.Li:
    kind, icon = VERDICT_LOOKS.get(arrival.verdict, ("no", "info"))
    results = arrival.counts.get("results")
    facts = [moment(arrival.arrived_us), size_word(arrival.size)]
    if arrival.accepted and not arrival.repeated and results is not None:
        facts.append(n_("{number} result", "{number} results", results))
    shown = arrival.findings[:FINDINGS_SHOWN]
    more = len(arrival.findings) - len(shown)
    return html.Li(
        [
            html.Div(
                [
                    state(kind, icon, verdict_word(arrival.verdict, arrival.repeated)),
                    *([html.Code(arrival.fault)] if arrival.fault else []),
                    html.Small(" · ".join(facts)),
                ],
                className="came-head",
            ),
            *(
                [_requested_fault()]
                if arrival.provoked
                else [html.Ul([_finding(finding) for finding in shown])]
                if shown
                else []
            ),
            *([html.P(_more(more), className="xs t3")] if more > 0 else []),
        ],
        **attrs(data_arrival=str(arrival.id), data_verdict=arrival.verdict),
    )


def _requested_fault() -> html.P:
    """The row of a requested fault; its code is shown on the vendor's screen, not here."""
    return html.P(_("The fault that you asked for, with a code for your own screen."), className="sm")


def _more(number: int) -> str:
    return n_("and {number} more remark; the report has it", "and {number} more remarks; the report has them", number)


def _finding(finding: Mapping[str, Any]) -> html.Li:
    places = [item for item in (place_of(finding), broken_path(str(finding.get("path") or ""))) if item]
    return html.Li(
        [
            finding_state(finding),
            html.Div(
                [
                    html.B(sentence_of(finding)),
                    html.P(remedy_of(finding)),
                    html.Small(
                        [html.Code(str(finding.get("rule", ""))), f" · {finding.get('clause', '')}"]
                        + [html.Span([" · ", html.Span(item)]) for item in places]
                    ),
                ]
            ),
        ],
        **attrs(data_rule=str(finding.get("rule", ""))),
    )
