"""The words of the vendor pages: situations, levels of a check, verdicts and states."""

from __future__ import annotations

from dashboard.text.translate import _, language, n_
from models.sandbox import situations
from models.schema.records import Text, Verdict

# State of a situation or level: kind of `signs.state`, icon.
SITUATION_LOOKS = {
    situations.DONE: ("ok", "check"),
    situations.BUSY: ("no", "busy"),
    situations.FAILED: ("fa", "cross"),
    situations.WAITING: ("no", "notbegun"),
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
    """The state of a situation, in words."""
    return {
        situations.DONE: _("situation done"),
        situations.BUSY: _("busy"),
        situations.FAILED: _("wrong"),
        situations.WAITING: _("waits"),
    }[state]


def situation_word(key: str) -> str:
    """The name of a situation."""
    return in_language(situations.TASKS[key].title)


def situation_task(key: str) -> str:
    """The task of a situation."""
    return in_language(situations.TASKS[key].words)


def in_language(text: Text) -> str:
    """A text in the language of the request."""
    return text.nl if language() == "nl" else text.en


def verdict_word(verdict: str, repeated: bool) -> str:
    """The verdict of a message, in words."""
    if verdict == Verdict.REJECT.value:
        return _("refused")
    if repeated:
        return _("confirmed, the same as before")
    return _("confirmed, with remarks") if verdict == Verdict.WARN.value else _("confirmed")


def level_word(level: str) -> str:
    """The name of a level of checks."""
    return {
        "well-formed": _("Well-formed"),
        "envelope": _("Envelope and header"),
        "schema": _("Schema"),
        "keys": _("Keys and references"),
        "business": _("Business rules"),
        "behaviour": _("Behaviour"),
    }.get(level, level)


def level_explained(level: str) -> str:
    """What a level of checks covers."""
    return {
        "well-formed": _("the message is well-formed XML"),
        "envelope": _("who sends, with which key"),
        "schema": _("every field as the XSD wants it"),
        "keys": _("every result points to a test"),
        "business": _("what the schema cannot verify"),
        "behaviour": _("what happens when something goes wrong"),
    }.get(level, "")


def result_word(state: str) -> str:
    """The outcome of a level or scenario, in words."""
    return {
        "passed": _("good"),
        "warned": _("warning"),
        "failed": _("wrong"),
        "not_tested": _("not tested"),
    }.get(state, state)


def counts_word(errors: int, warnings: int) -> str:
    """The number of errors and warnings, in words."""
    parts = []
    if errors:
        parts.append(n_("{number} error", "{number} errors", errors))
    if warnings:
        parts.append(n_("{number} warning", "{number} warnings", warnings))
    return ", ".join(parts)


def size_word(size: int) -> str:
    """The size of a message, in words."""
    if size < 1_000:
        return n_("{number} byte", "{number} bytes", size)
    if size < 1_000_000:
        return _("{number} kB", number=round(size / 1_000))
    return _("{number} MB", number=f"{size / 1_000_000:.1f}".removesuffix(".0"))
