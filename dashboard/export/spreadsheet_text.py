"""Texts in a CSV file that every spreadsheet leaves the text that they are.

A CSV file says of no cell what it holds, so a spreadsheet takes `=1+1` for a formula and the class `5-6` for a day. An
apostrophe at the head keeps it from doing so, as it does for who types it into a cell. Source: OWASP, CSV injection;
what LibreOffice and Excel recognise in Dutch and English.
"""

from __future__ import annotations

import re
from functools import cache

from babel.dates import get_month_names

from dashboard.text.translate import LANGUAGES

_SIGNS = "=+@＝＋－＠-"  # with one of these a formula begins
_BREAKS = re.compile(r"\s*[\t\r\n]\s*")
_INNER = re.compile(rf'([;,|]["\s]*)(?=[{_SIGNS}])')  # where a program that separates by another sign begins a cell
_BOOLEANS = ("true", "false", "waar", "onwaar")
_WORD = re.compile(r"[^\W\d_]+")
# The letters of 1e5, of 2026-11-13T10:00 and of 5 pm.
_LETTERS_OF_NUMBERS = re.compile(r"(?<=\d)[et](?=[+-]?\d)|(?<=\d)\s*[ap]m\b|(?<=\d\s)[ap]\b")


def safe_text(text: str) -> str:
    """The text in one line, with an apostrophe before what a spreadsheet could read as a formula, number or day."""
    text = _INNER.sub(r"\1'", _BREAKS.sub(" ", text).strip())
    return f"'{text}" if text.startswith(tuple(_SIGNS)) or reads_as_value(text) else text


def reads_as_value(text: str) -> bool:
    """Whether a spreadsheet in one of our languages may read a text as a number, a day, a time or a truth value."""
    lower = text.strip().casefold()
    if not re.search(r"\d", lower):
        return lower in _BOOLEANS
    return set(_WORD.findall(_LETTERS_OF_NUMBERS.sub("", lower))) <= _months()


@cache
def _months() -> frozenset[str]:
    names = (
        name for language in LANGUAGES for width in ("wide", "abbreviated")
        for name in get_month_names(width, locale=language).values()
    )  # fmt: skip
    return frozenset({name.casefold().strip(".") for name in names} | {"sept", "eur"})
