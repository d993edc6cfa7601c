"""A message as people may see it: what names a pupil, a person or a secret is covered.

Works on bytes that need not be well-formed, since that may be why a message was refused. What is covered in one
place is covered everywhere: senders build other keys from a leerlingid.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import quote
from xml.sax.saxutils import escape

from connectors.uwlr.reader import is_personal_number

COVER = "•••"
AROUND = 240  # characters of a long line, on either side
LINES_AROUND = 3
Span = tuple[int, int]

_NAMES = (
    "leerlingid", "eckid", "resultaatverwerkerid", "autorisatiesleutel", "klantcode", "auteur", "commentaar",
    "infourl", "andere_score", "achternaam", "voorvoegsel", "voornamen", "voorletters-1", "roepnaam",
    "geboortedatum", "gebruikersnaam", "emailadres", "fotourl", "bsn", "sofinummer", "onderwijsnummer", "bsn_ondwnr-4",
    "rijksregisternummer", "postcodenl", "postnummerbe", "postcodeoverig", "etniciteit", "land", "land_moeder",
    "land_vader",
)  # fmt: skip
_PREFIX = r"(?:[^\s<>/:]++:)?"
_OPENING_TAG = re.compile(rf"<{_PREFIX}(?P<name>{'|'.join(_NAMES)})(?=[\s>/]|\Z)", re.IGNORECASE)
_CLOSINGS = {name: re.compile(rf"</{_PREFIX}{name}\s*+>", re.IGNORECASE) for name in _NAMES}
# A field as SOAP libraries write an array, such as that of PHP.
_MAP_ENTRY = re.compile(
    rf"<{_PREFIX}key\b[^<>]*+>\s*+(?:{'|'.join(_NAMES)})\s*+</{_PREFIX}key\s*+>\s*+<{_PREFIX}value\b[^<>]*+>"
    r"(?P<value>.*?)(?=</|\Z)",
    re.IGNORECASE | re.DOTALL,
)
# What may be seen of the tag of a field: declarations and types, nothing else.
_HARMLESS = re.compile(
    r"(?:\s++(?:xmlns(?::[^\s<>=:]++)?|[^\s<>=:]++:(?:type|nil)|vocabulaire(?:locatie)?)\s*+=\s*+(?:\"[^\"]*+\"|'[^']*+'))*+\s*+/?"
)
_ATTRIBUTE = re.compile(
    r"\b(?:key|eckid)\s*+=\s*+(?:\"(?P<double>[^\"]*+)(?:\"|\Z)|'(?P<single>[^']*+)(?:'|\Z))", re.IGNORECASE
)
_ECK_ID = re.compile(r"https://ketenid\.nl/[^\s<>\"'&]*", re.IGNORECASE)
_DIGITS = re.compile(r"(?<![0-9])[0-9]{9}(?![0-9])")
# A comment that never ends takes the rest: looking for its end again and again would cost the square of the length.
_PIECES = re.compile(r"<!--(?:.*?-->|.*)|<!\[CDATA\[|\]\]>", re.DOTALL)
_LINE_END = re.compile(r"\r\n|\n|\r")
_WORD = re.compile(r"[^\s<>\"'=&]{4,256}")
MAX_CHARACTERS = 2_000_000  # of a message; what stands behind them is not shown
MAX_NULS = 4  # where more than one of so many characters is a NUL, the encoding is another than was read
MAX_PHRASES = 50
MAX_VALUE = 1_000
MAX_LOOKS = 1_000_000  # for values within words, before words are covered without looking
_SHORTEST = 4  # of a value that is covered wherever it stands


@dataclass(frozen=True)
class Masked:
    """The text of a message and which stretches of it are covered, in order and apart."""

    text: str
    covered: tuple[Span, ...]

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(match.end() for match in _LINE_END.finditer(self.text))]

    def show(self, start: int = 0, end: int | None = None) -> str:
        """The text from `start` to `end`, with a cover over what must not be seen."""
        end = len(self.text) if end is None else min(end, len(self.text))
        shown, at = [], max(start, 0)
        touched = slice(
            bisect_right(self.covered, at, key=lambda span: span[1]),
            bisect_left(self.covered, end, key=lambda span: span[0]),
        )
        for first, last in self.covered[touched]:
            shown += [self.text[at : max(first, at)], COVER]
            at = min(last, end)
        return "".join([*shown, self.text[at:end]])

    def around(self, line: int, column: int) -> str:
        """The lines around a place (both from 1), each behind its number; of a long line only a piece."""
        starts = self._line_starts
        shown = []
        for number in range(max(line - LINES_AROUND, 1), min(line + LINES_AROUND, len(starts)) + 1):
            start = starts[number - 1]
            end = starts[number] if number < len(starts) else len(self.text)
            if end - start > 2 * AROUND:
                if number != line:
                    continue
                position = min(start + column - 1, end)
                start, end = max(position - AROUND, start), min(position + AROUND, end)
            shown.append(f"{number:>5}  {self.show(start, end).rstrip()}")
        return "\n".join(shown)


def mask(data: bytes, secrets: Collection[str] = ()) -> Masked:
    """A message with its personal fields and secrets covered; what is no text is covered as a whole.

    `secrets` are values that are known apart from the message, and covered wherever they stand.
    """
    text = _text(data)[:MAX_CHARACTERS]
    if "<" not in text or text.count("\0") > len(text) // MAX_NULS:
        return Masked(text, ((0, len(text)),) if text else ())
    spans: list[Span] = []
    values: set[str] = set()
    for tag, value in _fields(text):
        spans += [tag, value]
        values.add(_PIECES.sub("", text[value[0] : min(value[1], value[0] + MAX_VALUE)]).strip())
    for match in _MAP_ENTRY.finditer(text):
        spans.append(match.span("value"))
        values.add(_PIECES.sub("", match["value"][:MAX_VALUE]).strip())
    for match in _ATTRIBUTE.finditer(text):
        spans.append(match.span("double" if match["double"] is not None else "single"))
    spans += [match.span() for match in _ECK_ID.finditer(text)]
    spans += [match.span() for match in _DIGITS.finditer(text) if is_personal_number(match[0])]
    spans += _everywhere(text, values)
    spans += _secrets_in(text, secrets)
    return Masked(text, tuple(_merged(spans)))


def cover_secrets(text: str, secrets: Collection[str]) -> str:
    """A text without personal fields, in which these values are covered."""
    return Masked(text, tuple(_merged(_secrets_in(text, secrets)))).show()


def _secrets_in(text: str, secrets: Collection[str]) -> list[Span]:
    """Where secrets stand, also as XML and addresses write them."""
    written = {
        form
        for secret in secrets
        if secret
        for form in (secret, escape(secret), escape(secret, {'"': "&quot;", "'": "&apos;"}), quote(secret, safe=""))
    }
    if not written:
        return []
    longest_first = sorted(written, key=len, reverse=True)
    pattern = "|".join(
        re.escape(form) if len(form) >= _SHORTEST else rf"(?<!\w){re.escape(form)}(?!\w)" for form in longest_first
    )
    return [match.span() for match in re.finditer(pattern, text, re.IGNORECASE)]


def _text(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _fields(text: str) -> Iterator[tuple[Span, Span]]:
    """Each personal field: what of its tag must not be seen, and its value; each as far as the text goes.

    Every part of the text is walked over once: what a field covers is not looked at again.
    """
    at = 0
    while (match := _OPENING_TAG.search(text, at)) is not None:
        start = match.end()
        end = text.find(">", start)
        if end < 0:  # a tag that never ends
            yield (start, len(text)), (len(text), len(text))
            return
        harmless = _HARMLESS.fullmatch(text, start, end) is not None
        at = end + 1
        if text[end - 1] != "/":
            closing = _CLOSINGS[match["name"].lower()].search(text, at)
            at = len(text) if closing is None else closing.start()
        yield (start, start if harmless else end), (end + 1, max(at, end + 1))


def _everywhere(text: str, values: set[str]) -> list[Span]:
    """Where any of the values stands, also within a longer word; a word that takes too much looking is covered."""
    whole = {value for value in values if len(value) >= _SHORTEST and _WORD.fullmatch(value)}
    spans = [
        match.span()
        for value in sorted(values - whole)[:MAX_PHRASES]
        if len(value) >= _SHORTEST
        for match in re.finditer(re.escape(value), text)
    ]
    lengths = _lengths(whole)
    if not lengths:
        return spans
    looks = 0
    for match in _WORD.finditer(text):
        word, start = match[0], match.start()
        for at in range(len(word) - _SHORTEST + 1):
            possible = lengths.get(word[at : at + _SHORTEST])
            if possible is None:
                continue
            looks += len(possible)
            if looks > MAX_LOOKS:
                spans.append((start + at, match.end()))
                break
            spans += [(start + at, start + at + item) for item in possible if word[at : at + item] in whole]
    return spans


def _lengths(values: set[str]) -> dict[str, list[int]]:
    """How long the values are that begin with the same few characters."""
    lengths_by_beginning: dict[str, set[int]] = {}
    for value in values:
        lengths_by_beginning.setdefault(value[:_SHORTEST], set()).add(len(value))
    return {beginning: sorted(lengths) for beginning, lengths in lengths_by_beginning.items()}


def _merged(spans: list[Span]) -> list[Span]:
    merged: list[Span] = []
    for first, last in sorted(span for span in spans if span[1] > span[0]):
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged
