"""Reads the start of SOAP 1.1 messages, and checks that XML is safe to parse.

`read_envelope_header` parses a message with expat up to the end of its school element: encoding, DOCTYPE, envelope,
header, payload, version. Its outcome decides whether and how the full pass reads the message.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import BinaryIO
from xml.parsers import expat

from connectors.uwlr import malformed, names
from connectors.uwlr.agreement import Agreement, Bounds
from connectors.uwlr.charset import declared_encoding
from connectors.uwlr.rules import Stage, finding, stage_of
from models.schema.records import Finding

MAX_HEADER_BYTES = 1 << 20
PIECES_WINDOW = 1 << 18
GATE_CHUNK = 1 << 18
MAX_PIECES = 4_096  # in one window; above it the whole message is checked first
MAX_PIECES_IN_ALL = 50_000
MAX_CHARACTERS = 10_000  # of one value; the longest of the standard has 256
MAX_COMMENTS = 10_000
_VERSION = re.compile(rb"""^<\?xml\s+version\s*=\s*["'](?!1\.0["'])""")
_BLANKS = b" \t\r\n"
_EIGHT_BIT = {"utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "iso_8859-1", "latin1", "iso8859-1"}
_WINDOWS = {"windows-1252", "cp1252"}
_EBCDIC = b"\x4c\x6f\xa7\x94"  # <?xml
_AUTORISATIE = f"{{{names.AUT}}}autorisatie"
_ACCOUNT = ("autorisatiesleutel", "klantcode", "klantnaam")
_MAX_CHARACTERS = 64
_ACTOR_NEXT = "http://schemas.xmlsoap.org/soap/actor/next"


@dataclass(slots=True)
class EnvelopeHeader:
    """The contents of a message before its first result.

    `tags` are the qualified names from the root down to the payload; `account` and `school` the texts of the
    autorisatie header and of the school element by local name. `findings` are errors, after which a full pass is
    needless, and warnings.
    """

    tags: list[str] = field(default_factory=list)
    payload: str | None = None
    account: dict[str, str] = field(default_factory=dict)
    school: dict[str, str] = field(default_factory=dict)
    empty: str | None = None
    fault: tuple[str, str] | None = None
    findings: list[Finding] = field(default_factory=list)

    @property
    def refused(self) -> bool:
        """Whether a full pass is needless: bytes, envelope or payload cannot be read."""
        return any(finding.level == "error" and stage_of(finding.rule) in _UNREADABLE for finding in self.findings)

    @property
    def unauthorised(self) -> bool:
        """Whether an error in bytes, envelope or header leaves the sender unknown."""
        return any(finding.level == "error" and stage_of(finding.rule) <= Stage.HEADER for finding in self.findings)

    @property
    def xsd_version(self) -> str | None:
        """The xsdversie in the school element."""
        return self.school.get("xsdversie")


_UNREADABLE = (Stage.BYTES, Stage.ENVELOPE, Stage.PAYLOAD)


def detect_encoding(head: bytes) -> list[Finding]:
    """Findings on the encoding by the first bytes of a message (at least 256 of them, or all)."""
    if not head.strip(_BLANKS):
        return [finding("xml.empty")]
    if head.startswith((b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")):
        return [finding("xml.encoding", line=1, column=1)]
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return []  # UTF-16 with its byte order mark; the parser finds a wrong declaration
    body = head.removeprefix(b"\xef\xbb\xbf")
    if b"\x00" in body[:4] or not body.lstrip(_BLANKS).startswith(b"<"):
        is_wide = body.replace(b"\x00", b"").lstrip(_BLANKS).startswith(b"<") or body.startswith(_EBCDIC)
        return [finding("xml.encoding" if is_wide else malformed.rule_of_start(body), line=1, column=1)]
    if _VERSION.match(body):
        return [finding("xml.version", line=1, column=1)]
    name = declared_encoding(body) or "utf-8"
    if len(body) < len(head) and name not in ("utf-8", "utf8"):
        return [finding("xml.encoding", line=1, column=1)]  # byte order mark and declaration differ
    if name in _WINDOWS:
        return [finding("xml.windows-1252", line=1, column=1)]
    return [] if name in _EIGHT_BIT else [finding("xml.encoding", line=1, column=1)]


class _HeaderComplete(Exception):
    """All that is needed has been parsed."""


class _HeaderParser:
    """The expat handlers that read an envelope header."""

    def __init__(self, agreement: Agreement) -> None:
        self.agreement = agreement
        self.header = EnvelopeHeader()
        self.stack: list[str] = []
        self.text: list[str] = []
        self.header_done = False
        self.body_ended = False
        self.autorisaties = 0
        self.account_order: list[str] = []
        self.account_malformed = False
        self.account_is_map = False
        self.other_account: tuple[int, int] | None = None  # where an autorisatie of another namespace starts
        self.innermost = (1, 1)  # where the last of the elements in `tags` starts
        self.parser = expat.ParserCreate(namespace_separator="}")
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.CharacterDataHandler = self.text.append
        self.parser.StartDoctypeDeclHandler = self.doctype
        self.parser.ProcessingInstructionHandler = self.instruction

    def place(self) -> tuple[int, int]:
        """Line and column of the current position."""
        return self.parser.CurrentLineNumber, self.parser.CurrentColumnNumber + 1

    def note(self, rule: str, location: tuple[int, int] | None = None) -> None:
        """Add a finding at `place`, else at the current position, once for each rule."""
        line, column = location or self.place()
        if not any(finding.rule == rule for finding in self.header.findings):
            self.header.findings.append(finding(rule, self.agreement, line=line, column=column))

    def enter(self, tag: str) -> None:
        """Add an element to the path from the root to the payload."""
        self.header.tags.append(tag)
        self.innermost = self.place()

    def refuse(self, rule: str) -> None:
        """Add a finding and stop."""
        self.note(rule)
        raise _HeaderComplete

    def doctype(self, *_: object) -> None:
        self.refuse("xml.doctype")

    def instruction(self, *_: object) -> None:
        self.refuse("xml.processing-instruction")

    def start(self, name: str, attributes: dict[str, str]) -> None:
        tag = "{" + name if "}" in name else name
        self.stack.append(tag)
        before = "".join(self.text)
        self.text.clear()
        depth = len(self.stack)
        if depth > self.agreement.bounds.max_depth:
            self.refuse("xml.depth")
        if len(attributes) > self.agreement.bounds.max_attributes:
            self.refuse("xml.attributes")
        if not names.SCHEMA_HINTS.isdisjoint(attributes):
            self.note("xml.schema-location")
        if self.body_ended:
            return
        if depth == 1:
            self.root(tag)
        elif self.header.payload is None and self.stack[0] == names.ENVELOPE:
            self.in_envelope(tag, depth, attributes, before)
        elif self.header.payload == names.OPHALEN_ANTWOORD and self.stack[-2] == names.OPHALEN_ANTWOORD:
            self.in_answer(tag)

    def root(self, tag: str) -> None:
        self.enter(tag)
        if tag == names.ENVELOPE:
            return
        if names.local(tag) == "Envelope":
            self.refuse("soap.version")
        if self.agreement.header == "required":
            self.refuse("soap.envelope")
        self.set_payload(tag)

    def in_envelope(self, tag: str, depth: int, attributes: dict[str, str], before: str) -> None:
        header = self.header
        if depth == 2:
            if tag == names.HEADER and not self.header_done and len(header.tags) == 1:
                self.header_done = True
            elif tag == names.BODY and len(header.tags) == 1:
                self.enter(tag)
            else:
                self.refuse("soap.body")
        elif depth == 3 and self.stack[1] == names.HEADER:
            self.header_entry(tag, attributes)
        elif depth >= 4 and self.stack[2] == _AUTORISATIE:
            self.account_child(tag, depth, before)
        elif depth == 3 and self.stack[1] == names.BODY:
            self.check_account(tag)
            self.set_payload(tag)

    def header_entry(self, tag: str, attributes: dict[str, str]) -> None:
        """Check an entry of the Header: the autorisatie, or one that must not have mustUnderstand for us."""
        if tag == _AUTORISATIE:
            self.autorisaties += 1
            self.account_malformed = self.account_malformed or not all("}" in name for name in attributes)
            if self.autorisaties > 1 and self.agreement.header != "ignored":
                self.note("header.single")
            return
        if names.local(tag) == names.local(_AUTORISATIE):
            self.other_account = self.place()
        for_us = attributes.get(f"{names.SOAP}}}actor", "") in ("", _ACTOR_NEXT)
        if for_us and attributes.get(f"{names.SOAP}}}mustUnderstand", "").strip() in ("1", "true"):
            self.refuse("soap.must-understand")

    def account_child(self, tag: str, depth: int, before: str) -> None:
        """Check a child of autorisatie; deeper elements, or text `before` it, make the header ambiguous."""
        if depth == 4 and names.local(tag) == names.MAP_ITEM:
            self.account_is_map = True
            self.note("header.map")
        elif self.account_is_map:
            return
        elif depth > 4 or before.strip():
            self.account_malformed = True
        elif not tag.startswith("{"):
            self.note("header.unqualified")
        elif tag != f"{{{names.AUT}}}{names.local(tag)}":
            self.account_malformed = True
        if depth == 4:
            self.account_order.append(names.local(tag))

    def check_account(self, payload: str) -> None:
        """Check that the Header is complete, once the Body begins; an answer that we fetched needs none."""
        header = self.agreement.header
        if header == "ignored" or (header == "checked" and payload != names.VERZOEK):
            return
        texts = self.header.account
        filled = all(1 <= len(texts.get(name, "")) <= _MAX_CHARACTERS for name in _ACCOUNT)
        if self.autorisaties == 0 and self.other_account is not None:
            self.note("header.namespace", self.other_account)
        elif self.autorisaties == 0:
            self.note("header.missing")
        elif self.account_is_map:
            return
        elif self.account_malformed or tuple(self.account_order) != _ACCOUNT * self.autorisaties or not filled:
            self.note("header.incomplete")

    def set_payload(self, tag: str) -> None:
        self.enter(tag)
        self.header.payload = tag
        pushed = self.agreement.header == "required"
        if tag in (names.VERZOEK, names.FAULT) or (tag == names.OPHALEN_ANTWOORD and not pushed):
            return
        name = names.local(tag)
        if name == _VERZOEK_NAME:
            self.refuse("soap.namespace")
        self.refuse("soap.request" if name.endswith("_verzoek") else "soap.root")

    def in_answer(self, tag: str) -> None:
        if tag == names.VERZOEK:
            self.enter(tag)
            return
        if names.local(tag) in (names.GEEN_WIJZIGINGEN, names.GEEN_GEGEVENS):
            self.header.empty = "no_changes" if names.local(tag) == names.GEEN_WIJZIGINGEN else "no_data"
            return
        self.refuse("soap.root")

    def end(self, name: str) -> None:
        tag = self.stack.pop()
        self.body_ended = self.body_ended or (tag == names.BODY and len(self.stack) == 1)
        header = self.header
        if self.body_ended:
            return
        if not header.tags or len(self.stack) == 0:
            return
        text = "".join(self.text)
        self.text.clear()
        if header.payload == names.FAULT and len(self.stack) >= 1 and self.stack[-1] == names.FAULT:
            code, sentence = header.fault or ("", "")
            if names.local(tag) == "faultcode":
                header.fault = (text.strip().rpartition(":")[2], sentence)
            elif names.local(tag) == "faultstring":
                header.fault = (code, text.strip())
        elif names.local(tag) == "school" and self.stack[-1] == names.VERZOEK:
            raise _HeaderComplete
        elif tag == _AUTORISATIE and len(self.stack) == 2 and text.strip():
            self.account_malformed = True
        elif len(self.stack) == 3 and self.stack[2] == _AUTORISATIE:
            header.account[names.local(tag)] = text
        elif names.local(self.stack[-1]) == "school":
            header.school[names.local(tag)] = text


_VERZOEK_NAME = names.local(names.VERZOEK)


def read_envelope_header(file: BinaryIO, agreement: Agreement) -> EnvelopeHeader:
    """Read the start of a message (a seekable file, which is rewound afterwards)."""
    file.seek(0)
    head = file.read(1024)
    findings = detect_encoding(head)
    reader = _HeaderParser(agreement)
    reader.header.findings += findings
    if reader.header.refused:
        file.seek(0)
        return reader.header
    bytes_read, chunk = 0, head
    try:
        while chunk and bytes_read < MAX_HEADER_BYTES:
            reader.parser.Parse(chunk, False)
            bytes_read += len(chunk)
            chunk = file.read(16_384)
        if not chunk:
            reader.parser.Parse(b"", True)
    except _HeaderComplete:
        pass
    except (expat.ExpatError, ValueError, LookupError):
        reader.header.findings.append(_explain(file))
    file.seek(0)
    if reader.header.payload is None and not reader.header.refused:
        reader.note("soap.body", reader.innermost)
    if reader.header.payload == names.FAULT and not reader.header.refused:
        reader.note("soap.fault", reader.innermost)
    return reader.header


def _explain(file: BinaryIO) -> Finding:
    return malformed.explain(file) or finding(malformed.WELL_FORMED, line=1, column=1)


def is_fragmented(file: BinaryIO) -> bool:
    """Whether a message has so many references, comments or CDATA sections that parsing it may take too long.

    libxml2 joins the pieces of a value one by one and walks over the whole value each time: two million references in
    one value take a minute. Counting them takes a thousandth of the time of parsing.
    """
    file.seek(0)
    total = 0
    try:
        while chunk := file.read(PIECES_WINDOW):
            pieces = chunk.count(b"&") + chunk.count(b"!")  # single characters: ten times as fast as pairs
            total += pieces
            if pieces > MAX_PIECES or total > MAX_PIECES_IN_ALL:
                return True
        return False
    finally:
        file.seek(0)


def xml_safety_check(file: BinaryIO, bounds: Bounds, max_bytes: int | None = None) -> list[Finding]:
    """The first finding on the safety of XML: well-formed, no DOCTYPE, no instruction, not too deep or wide.

    For a message from an unknown sender, of which only bytes and envelope are checked, up to what follows the Body. Of
    a message of more than `max_bytes` only about that many bytes are checked.
    """
    check = _SafetyCheck(bounds)
    file.seek(0)
    try:
        while chunk := file.read(GATE_CHUNK):
            check.parser.Parse(chunk, False)
            if max_bytes is not None and file.tell() >= max_bytes:
                return check.findings
        check.parser.Parse(b"", True)
    except _HeaderComplete:
        pass
    except (expat.ExpatError, ValueError, LookupError):
        check.findings.insert(0, _explain(file))
    finally:
        file.seek(0)
    return check.findings


class _SafetyCheck:
    """The expat handlers of the safety check."""

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self.findings: list[Finding] = []
        self.depth = 0
        self.bodies = 0
        self.enveloped = False
        self.characters = 0
        self.comments = 0
        self.parser = expat.ParserCreate(namespace_separator="}")
        self.parser.buffer_text = True
        self.parser.CharacterDataHandler = self.text
        self.parser.CommentHandler = self.comment
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.StartDoctypeDeclHandler = lambda *_: self.refuse("xml.doctype")
        self.parser.ProcessingInstructionHandler = lambda *_: self.refuse("xml.processing-instruction")

    def note(self, rule: str) -> None:
        line, column = self.parser.CurrentLineNumber, self.parser.CurrentColumnNumber + 1
        self.findings.append(finding(rule, line=line, column=column))

    def refuse(self, rule: str) -> None:
        """Replace all findings by this one, and stop."""
        self.findings.clear()
        self.note(rule)
        raise _HeaderComplete

    def text(self, data: str) -> None:
        self.characters += 0 if data.isspace() else len(data)
        if self.characters > MAX_CHARACTERS:
            self.refuse("xml.text")

    def comment(self, _: str) -> None:
        self.comments += 1
        if self.comments > MAX_COMMENTS:
            self.refuse("xml.text")

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.characters = 0
        self.depth += 1
        if self.depth > self.bounds.max_depth:
            self.refuse("xml.depth")
        if len(attributes) > self.bounds.max_attributes:
            self.refuse("xml.attributes")
        if self.depth == 1:
            self.enveloped = "{" + name == names.ENVELOPE
        elif self.depth == 2 and self.enveloped:
            tag = "{" + name if "}" in name else name
            if self.bodies and not self.findings and not names.may_follow_body(tag):
                self.note("soap.after-body")
            self.bodies += tag == names.BODY

    def end(self, _: str) -> None:
        self.characters = 0
        self.depth -= 1
