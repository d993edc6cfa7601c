"""The `toetsen` element that many messages share byte for byte: it is validated and read in the first of them only.

Publishers send all their definitions with every message, where they are most of its bytes. Whether a schema allows the
element, and what it says, follows from its bytes, the encoding, and the namespaces that hold at that place. A message
with a known one is therefore read with the first of its tests alone. Where that shows anything but a valid message, it
is read as a whole.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from models.schema.recent import Recent
from models.schema.records import TestDefinition

_NAME = b"toetsen"
_BEFORE_NAME = b"<:/"  # a tag; anything else before the name is text
_NOT_ALONE = (b"<!", b"<?", b"chemaLocation")  # what is said of these is said of the whole message
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

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
    """Where the definitions stand in the bytes of a message: from `first` up to `rest` the first, up to `end` all."""

    data: bytes
    key: Key
    rest: int
    end: int

    def known(self) -> ReadDefinitions | None:
        """What was read of the same bytes in an earlier message."""
        return _KNOWN.get(self.key)

    def remember(self, read: ReadDefinitions) -> None:
        """Keep what was read of it; the message must be valid as a whole."""
        _KNOWN.put(self.key, read)

    def shortened(self) -> bytes:
        """The message with the first definition alone."""
        return self.data[: self.rest] + self.data[self.end :]


MAX_BYTES = 1 << 18
_KNOWN: Recent[Key, ReadDefinitions] = Recent(32)  # of at most so many bytes each


def find_definitions(data: bytes, schema_name: str) -> DefinitionsElement | None:
    """The definitions in a whole message; None where it is not sure by the bytes alone which they are.

    In a valid message there is one such element, so if there is one tag of that name, it is that of the element, and
    neither in a comment nor in a CDATA section.
    """
    tags = []
    place = data.find(_NAME)
    while place >= 0:
        if data[place - 1] in _BEFORE_NAME and place:
            tags.append(place)
            if len(tags) > 2:
                return None
        place = data.find(_NAME, place + len(_NAME))
    if len(tags) != 2:
        return None
    opening, closing = (data.rfind(b"<", 0, tag) for tag in tags)
    prefix = data[opening + 1 : tags[0]]
    start, end_tag = tags[0] + len(_NAME) + 1, b"</" + prefix + _NAME + b">"
    if data[start - 1 : start] != b">" or not data.startswith(end_tag, closing):
        return None
    first = data.find(b"</" + prefix + b"toets>", start, closing)
    if first < 0 or closing - start > MAX_BYTES:
        return None
    inner = data[start:closing]
    if any(mark in inner for mark in _NOT_ALONE):
        return None
    declared = data.removeprefix(_BYTE_ORDER_MARK).startswith(b"<?xml")
    declaration = data[: data.find(b"?>")] if declared else data[: data.find(b"<")]
    rest = first + len(b"</" + prefix + b"toets>")
    return DefinitionsElement(data, (schema_name, declaration, hashlib.sha256(inner).digest()), rest, closing)
