"""What came in at a test address, newest first, each message with its verdict and with what was found in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dash import html

from dashboard.pages.vendor.parts import broken_path, finding_state, place_of, remedy_of, sentence_of
from dashboard.pages.vendor.words import VERDICT_LOOKS, size_word, verdict_word
from dashboard.text.translate import _, moment, n_
from dashboard.ui.signs import attrs, state
from models.sandbox.sandboxes import Arrival

SHOWN = 25
FINDINGS_SHOWN = 5


def arrivals_panel(came: Sequence[Arrival], number: int) -> html.Section:
    """The newest messages of those that were written down; `number` came in all."""
    newest = list(reversed(came))[:SHOWN]
    words = n_("{number} message", "{number} messages", len(came))
    if len(came) > SHOWN:
        words += ", " + _("the newest {number} shown", number=SHOWN)
    nothing = _("Nothing has come in yet. This page shows a message as soon as it is there.")
    body = html.Ol([_item(one) for one in newest], className="came") if newest else html.P(nothing, className="sm t2")
    return html.Section(
        [html.Header([html.H2(_("What came in")), html.P(words)]), *_only_counted(len(came), number), body],
        className="card",
        id="came",
    )


def _only_counted(kept: int, number: int) -> list[html.P]:
    """That messages beyond the most that a room keeps are answered, and no more than that."""
    if number <= kept:
        return []
    words = n_(
        "{number} later message was judged and answered, but is not kept here. Make a new test address to go on.",
        "{number} later messages were judged and answered, but are not kept here. Make a new test address to go on.",
        number - kept,
    )
    return [html.P(words, className="sm", role="note")]


def _item(one: Arrival) -> html.Li:
    kind, icon = VERDICT_LOOKS.get(one.verdict, ("no", "info"))
    results = one.counts.get("results")
    facts = [moment(one.arrived_us), size_word(one.size)]
    if one.accepted and not one.repeated and results is not None:
        facts.append(n_("{number} result", "{number} results", results))
    shown = one.findings[:FINDINGS_SHOWN]
    more = len(one.findings) - len(shown)
    return html.Li(
        [
            html.Div(
                [
                    state(kind, icon, verdict_word(one.verdict, one.repeated)),
                    *([html.Code(one.fault)] if one.fault else []),
                    html.Small(" · ".join(facts)),
                ],
                className="came-head",
            ),
            *(
                [_requested_fault()]
                if one.provoked
                else [html.Ul([_finding(found) for found in shown])]
                if shown
                else []
            ),
            *([html.P(_more(more), className="xs t3")] if more > 0 else []),
        ],
        **attrs(data_arrival=str(one.id), data_verdict=one.verdict),
    )


def _requested_fault() -> html.P:
    """Of a fault that was asked for; its code stands on the vendor's own screen, and not here."""
    return html.P(_("The fault that you asked for, with a code for your own screen."), className="sm")


def _more(number: int) -> str:
    return n_("and {number} more remark; the report has it", "and {number} more remarks; the report has them", number)


def _finding(found: Mapping[str, Any]) -> html.Li:
    places = [one for one in (place_of(found), broken_path(str(found.get("path") or ""))) if one]
    return html.Li(
        [
            finding_state(found),
            html.Div(
                [
                    html.B(sentence_of(found)),
                    html.P(remedy_of(found)),
                    html.Small(
                        [html.Code(str(found.get("rule", ""))), f" · {found.get('clause', '')}"]
                        + [html.Span([" · ", html.Span(one)]) for one in places]
                    ),
                ]
            ),
        ],
        **attrs(data_rule=str(found.get("rule", ""))),
    )
