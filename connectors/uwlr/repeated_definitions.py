"""The `toetsen` element that many messages share byte for byte: it is validated and read in the first of them only.

Publishers send all their definitions with every message, where they are most of its bytes. Whether a schema allows the
element, and what it says, follows from its bytes, the encoding, and the namespaces that hold at that place. A message
with a known one is therefore read with the first of its tests alone. Where that shows anything but a valid message, it
is read as a whole.
"""

from __future__ import annotations

import codecs
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from connectors.uwlr import names
from models.schema.recent import Recent
from models.schema.records import TestDefinition

_NAME = b"toetsen"
_BEFORE_NAME = b"<:/"  # a tag; anything else before the name is text
_NOT_ALONE = (b"<!", b"<?", names.SCHEMA_HINT_BYTES)  # what is said of these is said of the whole message
_MARKS_OF_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

Key = tuple[str, bytes, bytes]  # the schema, the XML declaration, the digest of the definitions


@dataclass(frozen=True, slots=True)
class ReadDefinitions:
    """What was read of a valid element: definitions, the rules they break, and the namespaces that hold in it.

    A rule comes with the number of its toets, from 1, and the child that breaks it; a namespace with its prefix.
    """

    definitions: tuple[TestDefinition, ...]
    notes: tuple[tuple[str, int, str], ...]
    namespaces: Mapping[str | None, str]


@dataclass(frozen=True, slots=True)
class DefinitionsElement:
    """Where the definitions stand in the bytes of a message: from `start` up to `rest` the first, up to `end` all."""

    data: bytes
    key: Key
    start: int
    rest: int
    end: int

    def known(self) -> ReadDefinitions | None:
        """What was read of the same bytes in an earlier message."""
        return _KNOWN.get(self.key)

    def remember(self, read: ReadDefinitions) -> None:
        """Keep what was read of it; the message must be valid as a whole."""
        inner = self.data[self.start : self.end]
        if not any(mark in inner for mark in _NOT_ALONE):
            _KNOWN.put(self.key, read)

    def shortened(self) -> bytes:
        """The message with the first definition alone."""
        return self.data[: self.rest] + self.data[self.end :]


MAX_BYTES = 1 << 18
_KNOWN: Recent[Key, ReadDefinitions] = Recent(32)  # of at most so many bytes each, which become ten times as many


def find_definitions(data: bytes, schema_name: str) -> DefinitionsElement | None:
    """The definitions in a whole message; None where it is not sure by the bytes alone which they are.

    A valid message has one such element. So where there is one start tag of that name, and one end tag, these are its
    own, and neither in a comment nor in a CDATA section. In UTF-16, letters of other alphabets may have these bytes.
    """
    if data.startswith(_MARKS_OF_UTF_16):
        return None
    places = []  # where the name of a tag begins
    place = data.find(_NAME)
    while place >= 0:
        if place and data[place - 1] in _BEFORE_NAME:
            places.append(place)
            if len(places) > 2:
                return None
        place = data.find(_NAME, place + len(_NAME))
    if len(places) != 2:
        return None
    prefix = data[data.rfind(b"<", 0, places[0]) + 1 : places[0]]
    start, end = places[0] + len(_NAME) + 1, data.rfind(b"<", 0, places[1])
    if data[start - 1 : start] != b">" or not data.startswith(b"</" + prefix + _NAME + b">", end):
        return None
    end_of_first = b"</" + prefix + b"toets>"
    first = data.find(end_of_first, start, end)
    if first < 0 or end - start > MAX_BYTES:
        return None
    declared = data.removeprefix(codecs.BOM_UTF8).startswith(b"<?xml")
    declaration = data[: data.find(b"?>" if declared else b"<")]
    key = schema_name, declaration, hashlib.sha256(data[start:end]).digest()
    return DefinitionsElement(data, key, start, first + len(end_of_first), end)
