"""The situations that a vendor shows at a test address: what to do for each, how far it is, and what was seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dash import html

from dashboard.pages.vendor.words import SITUATION_LOOKS, situation_state_word, situation_task, situation_word
from dashboard.text.translate import _, at_moment, n_
from dashboard.ui.signs import attrs, state
from models.sandbox import situations
from models.sandbox.sandboxes import Arrival, Sandbox
from models.sandbox.situations import Situation


def situations_panel(room: Sandbox, came: Sequence[Arrival], told: Sequence[Situation]) -> html.Section:
    """The situations in order."""
    by_id = {one.id: one for one in came}
    items = [_item(number, one, room, came, by_id.get(one.arrival_id or 0)) for number, one in enumerate(told, 1)]
    return html.Section(
        [
            html.Header([html.H2(_("Nine situations")), html.P(counts_line(told))]),
            html.Ol(items, className="sits"),
        ],
        className="card",
        id="situations",
    )


def counts_line(told: Sequence[Situation]) -> str:
    """How many are done, and how many went wrong."""
    done, wrong = (sum(one.state == state for one in told) for state in (situations.DONE, situations.FAILED))
    line = _("{done} of {number} done", done=done, number=len(told))
    return line + (", " + n_("{number} wrong", "{number} wrong", wrong) if wrong else "")


def _item(number: int, one: Situation, room: Sandbox, came: Sequence[Arrival], shown_by: Arrival | None) -> html.Li:
    kind, icon = SITUATION_LOOKS[one.state]
    seen = _evidence(one, room, came, shown_by)
    return html.Li(
        [
            html.Span(str(number), className="no_"),
            html.Div(
                [
                    html.B(situation_word(one.key)),
                    html.P([situation_task(one.key), *_to_the_fault(one.key)]),
                    *([html.P(seen, className="seen")] if seen else []),
                ]
            ),
            state(kind, icon, situation_state_word(one.state)),
        ],
        **attrs(data_situation=one.key, data_state=one.state),
    )


def _to_the_fault(key: str) -> list[Any]:
    return [" ", html.A(_("To the button"), href="#fault")] if key == situations.SHOWN_FAULT else []


def _evidence(one: Situation, room: Sandbox, came: Sequence[Arrival], shown_by: Arrival | None) -> str:
    """What was seen of a situation, or what is still to come; empty where nothing was."""
    if one.key == situations.SHOWN_FAULT:
        return fault_line(room, came)
    if one.key == situations.SCHOOLS and one.state == situations.BUSY:
        return _("One of the two locations is in.")
    if shown_by is None:
        return ""
    when = at_moment(shown_by.arrived_us)
    if one.state == situations.FAILED:
        times = sum(later.id > shown_by.id and later.digest == shown_by.digest for later in came)
        return n_(
            "Refused {when}; after that the same message came {number} more time.",
            "Refused {when}; after that the same message came {number} more times.",
            times,
            when=when,
        )
    if not shown_by.accepted:
        return _("Refused {when} with {fault}.", when=when, fault=shown_by.fault or "")
    if one.key == situations.AGAIN:
        return _("Confirmed {when}; nothing was stored twice.", when=when)
    if one.key == situations.CORRECTION:
        changed = shown_by.counts.get("changed", 0)
        return n_("{number} score changed {when}.", "{number} scores changed {when}.", changed, when=when)
    results = shown_by.counts.get("results", 0)
    return n_("Confirmed {when}: {number} result.", "Confirmed {when}: {number} results.", results, when=when)


def fault_line(room: Sandbox, came: Sequence[Arrival]) -> str:
    """How far showing a fault is; empty where none was asked for."""
    if room.armed:
        return _("The next message gets a fault with a code in it.")
    faulted = next((one for one in reversed(came) if one.provoked), None)
    if faulted is None:
        return ""
    again = any(one.id > faulted.id and one.digest == faulted.digest and one.accepted for one in came)
    if room.shown and again:
        return _("The code is right, and the message came again and was confirmed.")
    if room.shown:
        return _("The code is right. Now send the same message again, unchanged.")
    if again:
        return _("The message came again and was confirmed. The code is still to be filled in.")
    return _("The fault was sent {when}. Read the code on your own screen and fill it in.", when=_when(faulted))


def _when(one: Arrival) -> str:
    return at_moment(one.arrived_us)


def news(came: Sequence[Arrival], told: Sequence[Situation]) -> str:
    """The newest in one sentence, which a screen reader says when it changes."""
    if not came:
        return _("Nothing has come in yet.")
    newest = came[-1]
    done = [situation_word(one.key) for one in told if one.arrival_id == newest.id and one.state == situations.DONE]
    told_done = " " + _("Done: {names}.", names=", ".join(done)) if done else ""
    verdict = _("confirmed") if newest.accepted else _("refused")
    return _("Newest message {when}: {verdict}.", when=_when(newest), verdict=verdict) + told_done
