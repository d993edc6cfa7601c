"""The words of the pages for vendors: the situations to show, the levels of a check, verdicts and states."""

from __future__ import annotations

from dashboard.texts import _, n_
from models import rooms
from models.records import Verdict

# State of a situation or a level: kind of `signs.state`, sign.
SITUATION_LOOKS = {
    rooms.DONE: ("ok", "check"),
    rooms.BUSY: ("no", "busy"),
    rooms.FAILED: ("fa", "cross"),
    rooms.WAITING: ("no", "notbegun"),
}
RESULT_LOOKS = {
    "passed": ("ok", "check"),
    "warned": ("wa", "bang"),
    "failed": ("fa", "cross"),
    "not_tested": ("no", "notset"),
}
VERDICT_LOOKS = {
    Verdict.ACCEPT.value: ("ok", "check"),
    Verdict.WARN.value: ("wa", "bang"),
    Verdict.REJECT.value: ("fa", "cross"),
}


def situation_state_word(state: str) -> str:
    """How far a situation is."""
    return {
        rooms.DONE: _("situation done"),
        rooms.BUSY: _("busy"),
        rooms.FAILED: _("wrong"),
        rooms.WAITING: _("waits"),
    }[state]


def situation_word(key: str) -> str:
    """What a situation is called."""
    return {
        rooms.FIRST: _("First delivery"),
        rooms.AGAIN: _("The same message again"),
        rooms.CORRECTION: _("Correction of a score"),
        rooms.SCHOOLS: _("Two locations"),
        rooms.WRONG_KEY: _("Wrong key"),
        rooms.WRONG_VERSION: _("Wrong version"),
        rooms.UNKNOWN_PUPIL: _("Unknown pupil"),
        rooms.LARGE_BATCH: _("Large message"),
        rooms.SHOWN_FAULT: _("A fault that your user gets to see"),
    }[key]


def situation_task(key: str) -> str:
    """What to do for a situation."""
    return {
        rooms.FIRST: _("Send a message with results of one or more of the ten pupils."),
        rooms.AGAIN: _("Send the same message once more, unchanged. Nothing is stored twice."),
        rooms.CORRECTION: _(
            "Send a result once more with the same key, another score and a later aanmaakdatum. The new score counts."
        ),
        rooms.SCHOOLS: _("Send one message for location 00 and one for location 01."),
        rooms.WRONG_KEY: _(
            "Send a message with another autorisatiesleutel. You get a fault: put the right key back, then send on."
        ),
        rooms.WRONG_VERSION: _("Send a message with xsdversie 1.0. You get a fault: do not send it again unchanged."),
        rooms.UNKNOWN_PUPIL: _("Send a result of a leerlingid that is not in the list. You get a fault."),
        rooms.LARGE_BATCH: _("Send one message with 1,000 results or more."),
        rooms.SHOWN_FAULT: _(
            "Let a fault come, read the code on your own screen and fill it in. Then send the message again, unchanged."
        ),
    }[key]


def verdict_word(verdict: str, repeated: bool) -> str:
    """What became of a message."""
    if verdict == Verdict.REJECT.value:
        return _("refused")
    if repeated:
        return _("confirmed, the same as before")
    return _("confirmed, with remarks") if verdict == Verdict.WARN.value else _("confirmed")


def level_word(level: str) -> str:
    """What a level of checks is called."""
    return {
        "well-formed": _("Readable"),
        "envelope": _("Envelope and header"),
        "schema": _("Schema"),
        "keys": _("Keys and references"),
        "business": _("Agreements"),
        "behaviour": _("Behaviour"),
    }.get(level, level)


def level_explained(level: str) -> str:
    """What a level of checks looks at."""
    return {
        "well-formed": _("the message is good XML"),
        "envelope": _("who sends, with which key"),
        "schema": _("every field as the XSD wants it"),
        "keys": _("every result points to a test"),
        "business": _("what the schema cannot verify"),
        "behaviour": _("what happens when something goes wrong"),
    }.get(level, "")


def result_word(state: str) -> str:
    """What became of a level or a scenario."""
    return {
        "passed": _("good"),
        "warned": _("attention"),
        "failed": _("wrong"),
        "not_tested": _("not tested"),
    }.get(state, state)


def counts_word(errors: int, warnings: int) -> str:
    """How often something is wrong, and how often it needs attention."""
    parts = []
    if errors:
        parts.append(n_("{number} time wrong", "{number} times wrong", errors))
    if warnings:
        parts.append(n_("{number} time attention", "{number} times attention", warnings))
    return ", ".join(parts)


def size_word(size: int) -> str:
    """How large a message is."""
    if size < 1_000:
        return n_("{number} byte", "{number} bytes", size)
    if size < 1_000_000:
        return _("{number} kB", number=round(size / 1_000))
    return _("{number} MB", number=f"{size / 1_000_000:.1f}".removesuffix(".0"))
