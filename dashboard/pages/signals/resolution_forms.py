"""The buttons that resolve signals: each is a form of its own."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from dashboard.text.signal_words import action_word
from dashboard.ui import addresses
from dashboard.ui.elements import html
from dashboard.ui.signs import hidden
from models.classroom.signal_resolutions import ResolutionAction, SignalTarget
from models.classroom.signals import Signal

PATH = f"{addresses.SIGNALS}/afhandelen"
FIELD = "opdracht"
LONGEST, LONGEST_ORDER = 8_000, 200_000  # characters of a text, and of the value of a button
MAX_SIGNALS = 60


@dataclass(frozen=True, slots=True)
class ResolutionRequest:
    """The request of a button: the signals, each with the evidence behind it, the action, and the path to return to."""

    action: ResolutionAction
    signals: tuple[tuple[SignalTarget, str], ...]
    back: str


def resolution_form(
    signals: Sequence[Signal],
    action: ResolutionAction,
    back: str,
    class_name: str = "btn q",
    hidden_words: str | None = None,
) -> html.Form:
    """A button that resolves these signals; `hidden_words` name them for screen readers."""
    targets = [
        [signal.rule.value, signal.pupil_id, signal.target.class_id, signal.scope, signal.evidence.key]
        for signal in signals
    ]
    return html.Form(
        html.Button(
            [action_word(action), hidden(f": {hidden_words}") if hidden_words else None],
            type="submit",
            name=FIELD,
            value=json.dumps([action.value, targets, back], ensure_ascii=False),
            className=class_name,
        ),
        action=PATH,
        method="POST",
    )


def read_resolution_request(text: str | None) -> ResolutionRequest | None:
    """The request of a button; None where the text is not one that `resolution_form` made."""
    try:
        action, targets, back = json.loads((text or "")[:LONGEST_ORDER])
        signals = tuple((_about(*item[:4]), _text(item[4])) for item in targets)
        return ResolutionRequest(ResolutionAction(action), signals, str(back)) if len(signals) <= MAX_SIGNALS else None
    except (ValueError, TypeError, IndexError, RecursionError):
        return None


def _text(value: object) -> str:
    """A text that can be stored. Raises ValueError where it cannot."""
    text = str(value)[:LONGEST]
    text.encode()  # half of a pair of surrogates has no bytes
    return text


def _about(rule: object, pupil_id: object, class_id: object, scope: object) -> SignalTarget:
    pupil, group = _number(pupil_id), _number(class_id)
    if (pupil is None) == (group is None):
        raise ValueError("a signal is about a pupil or about a class")
    return SignalTarget(str(rule), pupil, group, _text(scope))


def _number(value: object) -> int | None:
    """A number of a pupil or class. Raises ValueError where it is neither that nor None."""
    if value is None or (type(value) is int and 0 < value < 2**31):
        return value
    raise ValueError("not a number of a pupil or class")
