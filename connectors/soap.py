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
from connectors.uwlr.rules import Policy, finding
from models.records import Finding

MAX_DEPTH = 32
MAX_ATTRIBUTES = 32
LOOK_BYTES = 1 << 20
_DECLARED = re.compile(rb"""^<\?xml[^>]*?\bencoding\s*=\s*["']([A-Za-z0-9._:-]+)["']""")
_EIGHT_BIT = {"utf-8", "utf8", "us-ascii", "ascii", "iso-8859-1", "iso_8859-1", "latin1", "iso8859-1"}
_WINDOWS = {"windows-1252", "cp1252"}


@dataclass(slots=True)
class Opening:
    """What a message says before its first result.

    `tags` are the qualified names from the root down to the payload; `texts` the leaf texts of header and school
    by local name. `findings` hold what makes a full pass needless (level error) or is worth a warning.
    """

    tags: list[str] = field(default_factory=list)
    payload: str | None = None
    texts: dict[str, str] = field(default_factory=dict)
    empty: str | None = None
    fault: tuple[str, str] | None = None
    findings: list[Finding] = field(default_factory=list)

    @property
    def refused(self) -> bool:
        """Whether a full pass is needless: the bytes or the envelope are not what can be read."""
        return any(one.level == "error" and one.rule.startswith(("xml.", "soap.")) for one in self.findings)

    @property
    def xsd_version(self) -> str | None:
        """The xsdversie that the school element states."""
        return self.texts.get("xsdversie")


def sniff(head: bytes) -> list[Finding]:
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
    declared = _DECLARED.match(body)
    name = declared.group(1).decode().lower() if declared else "utf-8"
    if name in _WINDOWS:
        return [finding("xml.windows-1252", line=1, column=1)]
    return [] if name in _EIGHT_BIT else [finding("xml.encoding", line=1, column=1)]


class _Enough(Exception):
    """The look has seen what it came for."""


class _Look:
    """The expat handlers of one look."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.opening = Opening()
        self.stack: list[str] = []
        self.text: list[str] = []
        self.header_done = False
        self.payloads = 0
        self.autorisaties = 0
        self.parser = expat.ParserCreate(namespace_separator="}")
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self.start
        self.parser.EndElementHandler = self.end
        self.parser.CharacterDataHandler = self.text.append
        self.parser.StartDoctypeDeclHandler = self.doctype
        self.parser.ProcessingInstructionHandler = self.instruction

    def note(self, rule: str) -> None:
        """A finding at the place where the parser is."""
        parser = self.parser
        self.opening.findings.append(
            finding(rule, self.policy, line=parser.CurrentLineNumber, column=parser.CurrentColumnNumber + 1)
        )

    def refuse(self, rule: str) -> None:
        """A finding that ends the look."""
        self.note(rule)
        raise _Enough

    def doctype(self, *_: object) -> None:
        self.refuse("xml.doctype")

    def instruction(self, *_: object) -> None:
        self.refuse("xml.processing-instruction")

    def start(self, name: str, attributes: dict[str, str]) -> None:
        tag = "{" + name if "}" in name else name
        self.stack.append(tag)
        self.text.clear()
        if len(self.stack) > MAX_DEPTH:
            self.refuse("xml.depth")
        if len(attributes) > MAX_ATTRIBUTES:
            self.refuse("xml.attributes")
        depth = len(self.stack)
        if depth == 1:
            self.root(tag)
        elif self.opening.payload is None and self.stack[0] == names.ENVELOPE:
            self.in_envelope(tag, depth, attributes)
        elif self.opening.payload == names.OPHALEN_ANTWOORD and self.stack[-2] == names.OPHALEN_ANTWOORD:
            self.in_answer(tag)

    def root(self, tag: str) -> None:
        opening = self.opening
        opening.tags.append(tag)
        if tag == names.ENVELOPE:
            return
        if names.local(tag) == "Envelope":
            self.refuse("soap.version")
        self.take_payload(tag)

    def in_envelope(self, tag: str, depth: int, attributes: dict[str, str]) -> None:
        opening = self.opening
        if depth == 2:
            if tag == names.HEADER and not self.header_done and len(opening.tags) == 1:
                self.header_done = True
            elif tag == names.BODY and len(opening.tags) == 1:
                opening.tags.append(tag)
            else:
                self.refuse("soap.body")
        elif depth == 3 and self.stack[1] == names.HEADER:
            if tag == f"{{{names.AUT}}}autorisatie":
                self.autorisaties += 1
            elif attributes.get(f"{names.SOAP}}}mustUnderstand") in ("1", "true"):
                self.refuse("soap.must-understand")
        elif depth == 4 and self.stack[2] == f"{{{names.AUT}}}autorisatie":
            if not tag.startswith("{") and not any(one.rule == "header.unqualified" for one in opening.findings):
                self.note("header.unqualified")
        elif depth == 3 and self.stack[1] == names.BODY:
            self.take_payload(tag)

    def take_payload(self, tag: str) -> None:
        self.opening.tags.append(tag)
        self.opening.payload = tag
        if tag in (names.VERZOEK, names.OPHALEN_ANTWOORD, names.FAULT):
            return
        name = names.local(tag)
        self.refuse("soap.request" if name.endswith("_verzoek") else "soap.root")

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
        opening = self.opening
        if not opening.tags or len(self.stack) == 0:
            return
        text = "".join(self.text)
        self.text.clear()
        if opening.payload == names.FAULT and len(self.stack) >= 1 and self.stack[-1] == names.FAULT:
            code, sentence = opening.fault or ("", "")
            if names.local(tag) == "faultcode":
                opening.fault = (text.strip().rpartition(":")[2], sentence)
            elif names.local(tag) == "faultstring":
                opening.fault = (code, text.strip())
        elif names.local(tag) == "school" and self.stack[-1] == names.VERZOEK:
            raise _Enough
        elif names.local(self.stack[-1]) in ("autorisatie", "school"):
            opening.texts[names.local(tag)] = text


def open_message(file: BinaryIO, policy: Policy) -> Opening:
    """Look at the opening of a message (a seekable file, read from its start and put back there)."""
    file.seek(0)
    head = file.read(1024)
    findings = sniff(head)
    look = _Look(policy)
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
    except _Enough:
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
        look.opening.findings.append(finding("soap.body"))
    if look.opening.payload == names.FAULT and not look.opening.refused:
        look.opening.findings.append(finding("soap.fault"))
    return look.opening
