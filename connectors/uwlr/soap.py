"""SOAP 1.1 at its edges: which bytes may be parsed at all, and what a message's opening says.

`open_message` looks at a message up to the end of its school element with expat: encoding, DOCTYPE, envelope,
header, payload, version. It believes nothing it reads; it only decides what the one full pass has to do.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import BinaryIO
from xml.parsers import expat

from connectors.uwlr import names
from connectors.uwlr.agreement import Agreement, Bounds
from connectors.uwlr.rules import Stage, finding, stage_of
from models.schema.records import Finding

LOOK_BYTES = 1 << 20
PIECES_WINDOW = 1 << 18
GATE_CHUNK = 1 << 18
MAX_PIECES = 4_096  # in one window, before the gate looks at all of the message
MAX_PIECES_IN_ALL = 50_000
MAX_CHARACTERS = 10_000  # of one value; the longest of the standard has 256
MAX_COMMENTS = 10_000
_DECLARED = re.compile(rb"""^<\?xml[^>]*?\bencoding\s*=\s*["']([A-Za-z0-9._:-]+)["']""")
_VERSION = re.compile(rb"""^<\?xml\s+version\s*=\s*["'](?!1\.0["'])""")
_EIGHT_BIT = {"utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "iso_8859-1", "latin1", "iso8859-1"}
_WINDOWS = {"windows-1252", "cp1252"}
_AUTORISATIE = f"{{{names.AUT}}}autorisatie"
_ACCOUNT = ("autorisatiesleutel", "klantcode", "klantnaam")
_MAX_CHARACTERS = 64
_ACTOR_NEXT = "http://schemas.xmlsoap.org/soap/actor/next"


@dataclass(slots=True)
class EnvelopeHeader:
    """What a message says before its first result.

    `tags` are the qualified names from the root down to the payload; `account` and `school` the texts of the
    autorisatie header and of the school element by local name. `findings` hold what makes a full pass needless
    (level error) or is worth a warning.
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
        """Whether a full pass is needless: bytes, envelope or payload are not what can be read."""
        return any(finding.level == "error" and stage_of(finding.rule) in _UNREADABLE for finding in self.findings)

    @property
    def unauthorised(self) -> bool:
        """Whether bytes, envelope or header are such that nobody is asked for: who sends it cannot be known."""
        return any(finding.level == "error" and stage_of(finding.rule) <= Stage.HEADER for finding in self.findings)

    @property
    def xsd_version(self) -> str | None:
        """The xsdversie that the school element states."""
        return self.school.get("xsdversie")


_UNREADABLE = (Stage.BYTES, Stage.ENVELOPE, Stage.PAYLOAD)


def detect_encoding(head: bytes) -> list[Finding]:
    """Findings on the first bytes of a message (at least 256 where there are as many): encoding only."""
    if not head:
        return [finding("xml.empty")]
    if head.startswith((b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")):
        return [finding("xml.encoding", line=1, column=1)]
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return []  # UTF-16 with its mark; a wrong declaration is found by the parser
    body = head.removeprefix(b"\xef\xbb\xbf")
    if b"\x00" in body[:4] or not body.lstrip(b" \t\r\n").startswith(b"<"):
        rule = "xml.encoding" if b"\x00" in body[:64] or body[:1] == b"\x4c" else "xml.well-formed"
        return [finding(rule, line=1, column=1)]
    if _VERSION.match(body):
        return [finding("xml.version", line=1, column=1)]
    declared = _DECLARED.match(body)
    name = declared.group(1).decode().lower() if declared else "utf-8"
    if len(body) < len(head) and name not in ("utf-8", "utf8"):
        return [finding("xml.encoding", line=1, column=1)]  # the mark says UTF-8, the declaration something else
    if name in _WINDOWS:
        return [finding("xml.windows-1252", line=1, column=1)]
    return [] if name in _EIGHT_BIT else [finding("xml.encoding", line=1, column=1)]


class _HeaderComplete(Exception):
    """The look has seen what it came for."""


class _HeaderParser:
    """The expat handlers of one look."""

    def __init__(self, agreement: Agreement) -> None:
        self.agreement = agreement
        self.opening = EnvelopeHeader()
        self.stack: list[str] = []
        self.text: list[str] = []
        self.header_done = False
        self.autorisaties = 0
        self.account_order: list[str] = []
        self.account_odd = False
        self.parser = expat.ParserCreate(namespace_separator="}")
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.CharacterDataHandler = self.text.append
        self.parser.StartDoctypeDeclHandler = self.doctype
        self.parser.ProcessingInstructionHandler = self.instruction

    def note(self, rule: str) -> None:
        """A finding at the place where the parser is, once a rule."""
        parser = self.parser
        if not any(finding.rule == rule for finding in self.opening.findings):
            self.opening.findings.append(
                finding(rule, self.agreement, line=parser.CurrentLineNumber, column=parser.CurrentColumnNumber + 1)
            )

    def refuse(self, rule: str) -> None:
        """A finding that ends the look."""
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
        if depth == 1:
            self.root(tag)
        elif self.opening.payload is None and self.stack[0] == names.ENVELOPE:
            self.in_envelope(tag, depth, attributes, before)
        elif self.opening.payload == names.OPHALEN_ANTWOORD and self.stack[-2] == names.OPHALEN_ANTWOORD:
            self.in_answer(tag)

    def root(self, tag: str) -> None:
        header = self.opening
        header.tags.append(tag)
        if tag == names.ENVELOPE:
            return
        if names.local(tag) == "Envelope":
            self.refuse("soap.version")
        if self.agreement.header == "required":
            self.refuse("soap.envelope")
        self.take_payload(tag)

    def in_envelope(self, tag: str, depth: int, attributes: dict[str, str], before: str) -> None:
        header = self.opening
        if depth == 2:
            if tag == names.HEADER and not self.header_done and len(header.tags) == 1:
                self.header_done = True
            elif tag == names.BODY and len(header.tags) == 1:
                header.tags.append(tag)
            else:
                self.refuse("soap.body")
        elif depth == 3 and self.stack[1] == names.HEADER:
            self.header_entry(tag, attributes)
        elif depth >= 4 and self.stack[2] == _AUTORISATIE:
            self.account_child(tag, depth, before)
        elif depth == 3 and self.stack[1] == names.BODY:
            self.check_account(tag)
            self.take_payload(tag)

    def header_entry(self, tag: str, attributes: dict[str, str]) -> None:
        """An entry of the Header: the autorisatie, or one that must not demand of us to be understood."""
        if tag == _AUTORISATIE:
            self.autorisaties += 1
            self.account_odd = self.account_odd or not all("}" in name for name in attributes)
            if self.autorisaties > 1 and self.agreement.header != "ignored":
                self.note("header.single")
            return
        for_us = attributes.get(f"{names.SOAP}}}actor", "") in ("", _ACTOR_NEXT)
        if for_us and attributes.get(f"{names.SOAP}}}mustUnderstand", "").strip() in ("1", "true"):
            self.refuse("soap.must-understand")

    def account_child(self, tag: str, depth: int, before: str) -> None:
        """A child of autorisatie; what stands deeper, or text `before` it, makes the header ambiguous."""
        if depth > 4 or before.strip():
            self.account_odd = True
        elif not tag.startswith("{"):
            self.note("header.unqualified")
        elif tag != f"{{{names.AUT}}}{names.local(tag)}":
            self.account_odd = True
        if depth == 4:
            self.account_order.append(names.local(tag))

    def check_account(self, payload: str) -> None:
        """Whether the Header holds what it must, once the Body begins; an answer that we fetched needs none."""
        header = self.agreement.header
        if header == "ignored" or (header == "checked" and payload != names.VERZOEK):
            return
        texts = self.opening.account
        filled = all(1 <= len(texts.get(name, "")) <= _MAX_CHARACTERS for name in _ACCOUNT)
        if self.autorisaties == 0:
            self.note("header.missing")
        elif self.account_odd or tuple(self.account_order) != _ACCOUNT * self.autorisaties or not filled:
            self.note("header.incomplete")

    def take_payload(self, tag: str) -> None:
        self.opening.tags.append(tag)
        self.opening.payload = tag
        pushed = self.agreement.header == "required"
        if tag in (names.VERZOEK, names.FAULT) or (tag == names.OPHALEN_ANTWOORD and not pushed):
            return
        name = names.local(tag)
        self.refuse("soap.request" if name.endswith("_verzoek") and name != _VERZOEK_NAME else "soap.root")

    def in_answer(self, tag: str) -> None:
        if tag == names.VERZOEK:
            self.opening.tags.append(tag)
            return
        if names.local(tag) in (names.GEEN_WIJZIGINGEN, names.GEEN_GEGEVENS):
            self.opening.empty = "no_changes" if names.local(tag) == names.GEEN_WIJZIGINGEN else "no_data"
            return
        self.refuse("soap.root")

    def end(self, name: str) -> None:
        tag = self.stack.pop()
        header = self.opening
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
            self.account_odd = True
        elif len(self.stack) == 3 and self.stack[2] == _AUTORISATIE:
            header.account[names.local(tag)] = text
        elif names.local(self.stack[-1]) == "school":
            header.school[names.local(tag)] = text


_VERZOEK_NAME = names.local(names.VERZOEK)


def read_envelope_header(file: BinaryIO, agreement: Agreement) -> EnvelopeHeader:
    """Look at the opening of a message (a seekable file, read from its start and put back there)."""
    file.seek(0)
    head = file.read(1024)
    findings = detect_encoding(head)
    look = _HeaderParser(agreement)
    look.opening.findings += findings
    if look.opening.refused:
        file.seek(0)
        return look.opening
    seen, chunk = 0, head
    try:
        while chunk and seen < LOOK_BYTES:
            look.parser.Parse(chunk, False)
            seen += len(chunk)
            chunk = file.read(16_384)
        if not chunk:
            look.parser.Parse(b"", True)
    except _HeaderComplete:
        pass
    except (expat.ExpatError, ValueError, LookupError) as broken:
        look.opening.findings.append(
            finding(
                "xml.well-formed",
                line=getattr(broken, "lineno", 1),
                column=getattr(broken, "offset", 0) + 1,
            )
        )
    file.seek(0)
    if look.opening.payload is None and not look.opening.refused:
        look.note("soap.body")
    if look.opening.payload == names.FAULT and not look.opening.refused:
        look.note("soap.fault")
    return look.opening


def is_fragmented(file: BinaryIO) -> bool:
    """Whether a message has so many references, comments or CDATA sections that reading it may take for ever.

    libxml2 puts a value together piece by piece and walks over all that it has each time: two million references in
    one value take it a minute. Counting them takes a thousandth of reading.
    """
    file.seek(0)
    total = 0
    try:
        while chunk := file.read(PIECES_WINDOW):
            pieces = chunk.count(b"&") + chunk.count(b"!")  # one character each: ten times as fast as two
            total += pieces
            if pieces > MAX_PIECES or total > MAX_PIECES_IN_ALL:
                return True
        return False
    finally:
        file.seek(0)


def xml_safety_check(file: BinaryIO, bounds: Bounds, most_bytes: int | None = None) -> list[Finding]:
    """The gate over a whole message: well-formed, no DOCTYPE, no instruction, not too deep or wide; the first finding.

    For a message whose sender is not known: bytes and envelope come first, and nothing else of it is read. So it
    also sees what stands behind the Body. Of a message of more than `most_bytes` only those are looked at.
    """
    walk = _SafetyCheck(bounds)
    file.seek(0)
    try:
        while chunk := file.read(GATE_CHUNK):
            walk.parser.Parse(chunk, False)
            if most_bytes is not None and file.tell() >= most_bytes:
                return walk.found
        walk.parser.Parse(b"", True)
    except _HeaderComplete:
        pass
    except (expat.ExpatError, ValueError, LookupError) as broken:
        line, column = getattr(broken, "lineno", 1), getattr(broken, "offset", 0) + 1
        walk.found.insert(0, finding("xml.well-formed", line=line, column=column))
    finally:
        file.seek(0)
    return walk.found


class _SafetyCheck:
    """The expat handlers of the gate."""

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self.found: list[Finding] = []
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
        self.found.append(finding(rule, line=line, column=column))

    def refuse(self, rule: str) -> None:
        """Bytes that are not taken: before all else that was found."""
        self.found.clear()
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
            if self.bodies and not self.found:
                self.note("soap.body")
            self.bodies += "{" + name == names.BODY

    def end(self, _: str) -> None:
        self.characters = 0
        self.depth -= 1
