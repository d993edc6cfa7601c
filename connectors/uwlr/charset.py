"""Which encoding an XML body has that came over HTTP, and its conversion to UTF-8.

RFC 7303, 3: the byte order mark counts first, then the charset of the Content-Type, then the declaration. Many senders
state a charset that their software has made up, so where it contradicts the document, the bytes decide: text that is
valid UTF-8 is read as UTF-8, and other text in the encoding that is not UTF-8. So no text is ever stored garbled.
"""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import Message
from typing import BinaryIO

HEAD_BYTES = 1024
CHUNK_BYTES = 1 << 18
UTF_8 = "utf-8"
_EIGHT_BIT = frozenset({"ascii", "iso8859-1", "cp1252"})
_MARK = codecs.BOM_UTF8
_DECLARED = re.compile(rb"""^((?:\xef\xbb\xbf)?<\?xml[^>]*?\bencoding\s*=\s*["'])([A-Za-z0-9._:-]+)(?=["'])""")
_MARKS_OF_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True, slots=True)
class Reading:
    """How a body must be read: `convert_from` is the encoding that it does not declare itself, `rules` those broken."""

    convert_from: str | None = None
    rules: list[str] = field(default_factory=list)


def declared_encoding(head: bytes) -> str | None:
    """The encoding that the XML declaration at the start of a message names, lower case; None without one."""
    match = _DECLARED.match(head)
    return None if match is None else match[2].decode().lower()


def charset_of(content_type: str) -> str | None:
    """The charset in a Content-Type, lower case; None without one."""
    message = Message()
    message["Content-Type"] = content_type
    charset = message.get_param("charset")
    return charset.strip().lower() if isinstance(charset, str) and charset.strip() else None


def read_as(file: BinaryIO, content_type: str) -> Reading:
    """How to read a body (a seekable file, which is rewound) under this Content-Type."""
    charset = charset_of(content_type)
    head = file.read(HEAD_BYTES)
    file.seek(0)
    body = head.removeprefix(_MARK)
    if charset is None or not (body.startswith(b"<") or head.startswith(_MARKS_OF_UTF_16)):
        return Reading()
    stated, marked = _known(charset), len(body) < len(head)
    if head.startswith(_MARKS_OF_UTF_16):
        return Reading(rules=[] if charset.startswith("utf-16") else ["xml.charset"])
    name = declared_encoding(head)
    declared = None if name is None else _known(name)
    if stated == (UTF_8 if marked or name is None else declared):
        return Reading()
    if stated is None or marked:
        return Reading(rules=["xml.charset"])
    if name is None and stated != "ascii":
        return Reading(stated, ["xml.windows-1252"] if stated == "cp1252" else [])
    return Reading(_contradicted(file, stated, declared), ["xml.charset"])


def in_declared_encoding(body: bytes, content_type: str) -> tuple[bytes, list[str]]:
    """A whole body in the encoding that it declares, and the rules that its Content-Type breaks."""
    reading = read_as(io.BytesIO(body), content_type)
    if reading.convert_from is not None:
        body = b"".join(converted(io.BytesIO(body), reading.convert_from))
    return body, reading.rules


def converted(file: BinaryIO, encoding: str) -> Iterator[bytes]:
    """The chunks of a body in UTF-8, with a declaration that says so; bytes that are not of `encoding` are kept."""
    decoder = codecs.getincrementaldecoder(encoding)("surrogateescape")
    head = file.read(HEAD_BYTES)
    chunk = _DECLARED.sub(rb"\1UTF-8", head, count=1)
    while chunk:
        yield decoder.decode(chunk).encode(UTF_8, "surrogateescape")
        chunk = file.read(CHUNK_BYTES)
    yield decoder.decode(b"", True).encode(UTF_8, "surrogateescape")


def _known(name: str) -> str | None:
    """The codec of an encoding that is read here; None for any other name."""
    try:
        codec = codecs.lookup(name).name
    except (LookupError, ValueError):
        return None
    return codec if codec == UTF_8 or codec in _EIGHT_BIT else None


def _contradicted(file: BinaryIO, stated: str, declared: str | None) -> str | None:
    """The encoding to convert from where charset and declaration differ; None where the declaration can stay."""
    if declared is None:
        return None
    if _is_utf_8(file):
        return None if declared == UTF_8 else UTF_8
    return None if stated in (UTF_8, "ascii") else stated


def _is_utf_8(file: BinaryIO) -> bool:
    decoder = codecs.getincrementaldecoder(UTF_8)()
    try:
        while chunk := file.read(CHUNK_BYTES):
            decoder.decode(chunk)
        decoder.decode(b"", True)
    except UnicodeDecodeError:
        return False
    finally:
        file.seek(0)
    return True
