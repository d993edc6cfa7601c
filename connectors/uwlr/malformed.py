"""Says what is wrong with a message that is not well-formed XML, and where: each kind of error has its own rule.

A parser stops at the first error. Only then the message is parsed once more, up to that place: the error code of expat,
how many elements are open and the bytes at the place say which rule is broken.
"""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Sequence
from typing import Any, BinaryIO
from xml.parsers import expat

from connectors.uwlr.agreement import STRICT, Agreement
from connectors.uwlr.charset import declared_encoding
from connectors.uwlr.rules import finding
from models.schema.records import Finding

CHUNK_BYTES = 1 << 18
WELL_FORMED = "xml.well-formed"
_CODES = expat.errors.codes
_CUT_OFF = frozenset(
    _CODES[text]
    for text in (
        expat.errors.XML_ERROR_NO_ELEMENTS,
        expat.errors.XML_ERROR_UNCLOSED_TOKEN,
        expat.errors.XML_ERROR_PARTIAL_CHAR,
        expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION,
    )
)
_INVALID_TOKEN = _CODES[expat.errors.XML_ERROR_INVALID_TOKEN]
_JUNK = _CODES[expat.errors.XML_ERROR_JUNK_AFTER_DOC_ELEMENT]
_BY_CODE = {
    _CODES[expat.errors.XML_ERROR_DUPLICATE_ATTRIBUTE]: "xml.attribute-twice",
    _CODES[expat.errors.XML_ERROR_TAG_MISMATCH]: "xml.end-tag",
    _CODES[expat.errors.XML_ERROR_UNDEFINED_ENTITY]: "xml.entity",
    _CODES[expat.errors.XML_ERROR_BAD_CHAR_REF]: "xml.character",
    _CODES[expat.errors.XML_ERROR_MISPLACED_XML_PI]: "xml.declaration",
    _CODES[expat.errors.XML_ERROR_UNKNOWN_ENCODING]: "xml.encoding",
    _CODES[expat.errors.XML_ERROR_INCORRECT_ENCODING]: "xml.encoding",
    _CODES[expat.errors.XML_ERROR_UNBOUND_PREFIX]: "xml.prefix",
    _CODES[expat.errors.XML_ERROR_UNDECLARING_PREFIX]: "xml.namespace",
    _CODES[expat.errors.XML_ERROR_RESERVED_PREFIX_XML]: "xml.namespace",
    _CODES[expat.errors.XML_ERROR_RESERVED_PREFIX_XMLNS]: "xml.namespace",
    _CODES[expat.errors.XML_ERROR_RESERVED_NAMESPACE_URI]: "xml.namespace",
}
_BY_LIBXML2_TYPE = {"NS_ERR_UNDEFINED_NAMESPACE": "xml.prefix", "NS_ERR_ATTRIBUTE_REDEFINED": "xml.attribute-twice"}
# Rules about a message that no parser can read to its end.
MALFORMED = frozenset(
    {
        WELL_FORMED, "xml.cut-off", "xml.bytes", "xml.character", "xml.escape", "xml.second-document", "xml.text-after",
        "xml.not-xml", "xml.multipart", *_BY_CODE.values(), *_BY_LIBXML2_TYPE.values(),
    }
) - {"xml.encoding"}  # fmt: skip
_MARKS_OF_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_REFERENCE = re.compile(r"(?:&[\w.:#-]*|<)\Z")
_DOCUMENT = re.compile(r"<(?:\?xml\s|[^\s!?/<>=\"'])")
_PART = re.compile(rb"(?:\A|\n)--\S[^\r\n]*\r?\n(?:[!-9;-~]+:|\r?\n)")
_BLANKS = " \t\r\n"
_TAIL_BYTES = 1 << 16


class _Attempt:
    """Parses a message up to its first error; `error` is None where there is none."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self.parser = expat.ParserCreate(namespace_separator="}")
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.depth = 0
        self.has_root = False
        self.error: expat.ExpatError | None = None
        self.unknown_encoding = False
        file.seek(0)
        try:
            while chunk := file.read(min(CHUNK_BYTES, size)):
                self.parser.Parse(chunk, False)
                size -= len(chunk)
            self.parser.Parse(b"", True)
        except expat.ExpatError as error:
            self.error = error
        except (ValueError, LookupError):  # of the codec that the declaration names
            self.unknown_encoding = True
        file.seek(0)

    def _start(self, *_: object) -> None:
        self.depth += 1
        self.has_root = True

    def _end(self, _: str) -> None:
        self.depth -= 1


def rule_of_start(head: bytes) -> str:
    """The rule that a message breaks whose first bytes are not those of XML."""
    return "xml.multipart" if _PART.search(head) else "xml.not-xml"


def explain(file: BinaryIO, agreement: Agreement = STRICT) -> Finding | None:
    """The finding on a message (a seekable file, which is rewound) that is not well-formed; None where it is."""
    size = file.seek(0, os.SEEK_END)
    attempt = _Attempt(file, size)
    if attempt.unknown_encoding:
        return finding("xml.encoding", agreement, line=1, column=1)
    if attempt.error is None:
        return None
    file.seek(0)
    head = file.read(1024)
    encoding = _encoding(head)
    end = _last_character(file, size, encoding)
    only_blanks_follow = attempt.parser.ErrorByteIndex > end
    rule = _rule(attempt, file, encoding, only_blanks_follow)
    error = (_Attempt(file, end).error if only_blanks_follow else None) or attempt.error
    return finding(rule, agreement, line=error.lineno, column=error.offset + 1)


def explain_libxml2(log: Sequence[Any]) -> str:
    """The rule that only libxml2 finds broken, by the last entry in its error log: it is stricter on namespaces."""
    entry = log[-1] if log else None
    if entry is None or entry.domain_name != "NAMESPACE":
        return WELL_FORMED
    return _BY_LIBXML2_TYPE.get(entry.type_name, "xml.namespace")


def _encoding(head: bytes) -> str:
    if head.startswith(_MARKS_OF_UTF_16):
        return "utf-16-le" if head.startswith(codecs.BOM_UTF16_LE) else "utf-16-be"
    name = declared_encoding(head) or "utf-8"
    try:
        return codecs.lookup(name).name
    except LookupError:
        return "utf-8"


def _rule(attempt: _Attempt, file: BinaryIO, encoding: str, only_blanks_follow: bool) -> str:
    assert attempt.error is not None
    code, index = attempt.error.code, attempt.parser.ErrorByteIndex
    if code in _BY_CODE:
        return _BY_CODE[code]
    root_ended = attempt.has_root and attempt.depth == 0
    if code in _CUT_OFF or only_blanks_follow:
        return "xml.text-after" if root_ended else "xml.cut-off"  # after the root: such as a comment that is not closed
    file.seek(max(0, index - 128))
    before, after = file.read(min(index, 128)), file.read(128)
    if code == _JUNK or root_ended:
        return "xml.second-document" if _DOCUMENT.match(after.decode(encoding, "replace")) else "xml.text-after"
    return _rule_of_token(before, after, encoding) if code == _INVALID_TOKEN else WELL_FORMED


def _rule_of_token(before: bytes, after: bytes, encoding: str) -> str:
    """The rule on an invalid token, by the bytes before and from the place where the parser stopped."""
    try:
        text = after.decode(encoding)
    except UnicodeDecodeError as wrong:
        if wrong.start == 0:
            return "xml.bytes"
        text = after[: wrong.start].decode(encoding)
    if text and ((text[0] < " " and text[0] not in _BLANKS) or text[0] in "\ufffe\uffff"):
        return "xml.character"
    if text.startswith(":"):
        return "xml.namespace"
    is_escape = text.startswith("<") or _REFERENCE.search(before.decode(encoding, "replace")) is not None
    return "xml.escape" if is_escape else WELL_FORMED


def _last_character(file: BinaryIO, size: int, encoding: str) -> int:
    """Where the last character starts that is no white space, in bytes."""
    start = max(0, size - _TAIL_BYTES) & ~1
    file.seek(start)
    tail = file.read().decode(encoding, "surrogateescape" if encoding == "utf-8" else "replace").rstrip(_BLANKS)
    text = tail[:-1].encode(encoding, "surrogateescape" if encoding == "utf-8" else "replace")
    return start + len(text)
