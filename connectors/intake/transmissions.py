"""Requests and answers as people may see them: masked, with secrets covered, of a long one the beginning."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from connectors.intake.masking import Masked, cover_secrets, mask
from models.ingest.exchanges import Transmission

SHOWN_HEADERS = (
    "content-type", "content-length", "content-encoding", "transfer-encoding", "soapaction", "accept", "user-agent",
    "retry-after",
)  # fmt: skip
MAX_SHOWN = 10_000  # characters of a body
MAX_HEADER = 200  # characters of the value of one
# Bytes that are masked, so that what names a pupil further on is covered in what is shown as well.
READ_BYTES = 40 * MAX_SHOWN
# Characters without a shape of their own, and those that change the direction of a line.
_INVISIBLE = re.compile(
    "[^\t\n\r\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|[\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]"
)


def transmission(
    first_line: str, headers: Mapping[str, str], body: bytes, size: int | None = None, secrets: Collection[str] = ()
) -> Transmission:
    """A request or an answer with its headers, as far as they say what the body is.

    `secrets` are covered wherever they stand. `size` is that of the body, where `body` is only its beginning
    (READ_BYTES or more).
    """
    lines = [cover_secrets(first_line, secrets)]
    lines += [
        f"{name}: {cover_secrets(value, secrets)[:MAX_HEADER]}"
        for name, value in headers.items()
        if name.lower() in SHOWN_HEADERS
    ]
    head = visible("\n".join(lines))
    return masked_transmission(head, mask(beginning(body), secrets), len(body) if size is None else size)


def masked_transmission(head: str, masked: Masked, size: int) -> Transmission:
    """A document that was masked before; `size` is that of the whole in bytes."""
    text = visible(masked.show(0, MAX_SHOWN))
    whole = max(len(masked.text), len(text)) <= MAX_SHOWN and size <= READ_BYTES
    return Transmission(head, text[:MAX_SHOWN], size, whole)


def beginning(body: bytes) -> bytes:
    """The bytes of a body that are read, without half a character at the end."""
    end = READ_BYTES
    while end < len(body) and end > READ_BYTES - 4 and body[end] & 0xC0 == 0x80:
        end -= 1
    return body[:end]


def visible(text: str) -> str:
    """A text in which every invisible character is written as its number: U+202E turns a line around."""
    return _INVISIBLE.sub(lambda match: f"[U+{ord(match[0]):04X}]", text)
