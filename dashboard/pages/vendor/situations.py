"""The situations to show in a sandbox: the task, the state and the evidence of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dashboard.pages.vendor.words import SITUATION_LOOKS, situation_state_word, situation_task, situation_word
from dashboard.text.translate import _, at_moment, n_
from dashboard.ui.elements import html
from dashboard.ui.signs import attrs, state
from models.sandbox import situations
from models.sandbox.sandboxes import Arrival, Sandbox
from models.sandbox.situations import Situation


def situations_panel(sandbox: Sandbox, arrivals: Sequence[Arrival], situations: Sequence[Situation]) -> html.Section:
    """The situations in order."""
    by_id = {arrival.id: arrival for arrival in arrivals}
    items = [
        _item(number, situation, sandbox, arrivals, by_id.get(situation.arrival_id or 0))
        for number, situation in enumerate(situations, 1)
    ]
    return html.Section(
        [
            html.Header([html.H2(_("Nine situations")), html.P(counts_line(situations))]),
            html.Ol(items, className="sits"),
        ],
        className="card",
        id="situations",
    )


def counts_line(progress: Sequence[Situation]) -> str:
    """How many situations are done, and how many failed."""
    done, wrong = (
        sum(situation.state == state for situation in progress) for state in (situations.DONE, situations.FAILED)
    )
    line = _("{done} of {number} done", done=done, number=len(progress))
    return line + (", " + n_("{number} wrong", "{number} wrong", wrong) if wrong else "")


def _item(
    number: int, situation: Situation, sandbox: Sandbox, arrivals: Sequence[Arrival], shown_by: Arrival | None
) -> html.Li:
    kind, icon = SITUATION_LOOKS[situation.state]
    evidence = _evidence(situation, sandbox, arrivals, shown_by)
    return html.Li(
        [
            html.Span(str(number), className="no_"),
            html.Div(
                [
                    html.B(situation_word(situation.key)),
                    html.P([situation_task(situation.key), *_to_the_fault(situation.key)]),
                    *([html.P(evidence, className="seen")] if evidence else []),
                ]
            ),
            state(kind, icon, situation_state_word(situation.state)),
        ],
        **attrs(data_situation=situation.key, data_state=situation.state),
    )


def _to_the_fault(key: str) -> list[Any]:
    return [" ", html.A(_("To the button"), href="#fault")] if key == situations.SHOWN_FAULT else []


def _evidence(situation: Situation, sandbox: Sandbox, arrivals: Sequence[Arrival], shown_by: Arrival | None) -> str:
    """The evidence of a situation, or what is still missing; empty where there is none."""
    if situation.key == situations.SHOWN_FAULT:
        return fault_line(sandbox, arrivals)
    if situation.key == situations.SCHOOLS and situation.state == situations.BUSY:
        return _("A message for one of the two locations has come in.")
    if shown_by is None:
        return ""
    when = at_moment(shown_by.arrived_us)
    if situation.state == situations.FAILED:
        times = sum(later.id > shown_by.id and later.digest == shown_by.digest for later in arrivals)
        return n_(
            "Refused {when}; after that the same message came {number} more time.",
            "Refused {when}; after that the same message came {number} more times.",
            times,
            when=when,
        )
    if not shown_by.accepted:
        return _("Refused {when} with {fault}.", when=when, fault=shown_by.fault or "")
    if situation.key == situations.AGAIN:
        return _("Confirmed {when}; nothing was stored twice.", when=when)
    if situation.key == situations.CORRECTION:
        changed = shown_by.counts.get("changed", 0)
        return n_("{number} score changed {when}.", "{number} scores changed {when}.", changed, when=when)
    results = shown_by.counts.get("results", 0)
    return n_("Confirmed {when}: {number} result.", "Confirmed {when}: {number} results.", results, when=when)


def fault_line(sandbox: Sandbox, arrivals: Sequence[Arrival]) -> str:
    """The state of the requested fault; empty where none was requested."""
    if sandbox.armed:
        return _("The answer to the next message is a fault with a code in it.")
    faulted = next((arrival for arrival in reversed(arrivals) if arrival.provoked), None)
    if faulted is None:
        return ""
    again = any(
        arrival.id > faulted.id and arrival.digest == faulted.digest and arrival.accepted for arrival in arrivals
    )
    if sandbox.shown and again:
        return _("The code is right, and the message came again and was confirmed.")
    if sandbox.shown:
        return _("The code is right. Now send the same message again, unchanged.")
    if again:
        return _("The message came again and was confirmed. The code is still to be filled in.")
    return _("The fault was sent {when}. Read the code on your own screen and fill it in.", when=_when(faulted))


def _when(arrival: Arrival) -> str:
    return at_moment(arrival.arrived_us)


def news(arrivals: Sequence[Arrival], progress: Sequence[Situation]) -> str:
    """The latest news in one sentence, which a screen reader reads when it changes."""
    if not arrivals:
        return _("Nothing has come in yet.")
    newest = arrivals[-1]
    done = [
        situation_word(situation.key)
        for situation in progress
        if situation.arrival_id == newest.id and situation.state == situations.DONE
    ]
    done_words = " " + _("Done: {names}.", names=", ".join(done)) if done else ""
    verdict = _("confirmed") if newest.accepted else _("refused")
    return _("Newest message {when}: {verdict}.", when=_when(newest), verdict=verdict) + done_words
