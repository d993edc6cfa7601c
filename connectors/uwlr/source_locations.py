"""The second pass: line, column and path of what was found, and what the schema has against a message.

lxml gives no usable column and, while streaming, no line. So when there are findings (and only then) expat walks the
message once more and the validator is fed in step with it: what the validator says after an element has been handed
to it belongs to that element. Positions of our own findings (`reader.ElementRef`) are looked up on the same walk.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import BinaryIO
from xml.parsers import expat

from lxml import etree

from connectors.uwlr import names, rules, values
from connectors.uwlr.agreement import Agreement, Bounds
from connectors.uwlr.reader import COMMENT, INSTRUCTION, SCHEMA_HINT, ElementRef, splits_a_value
from connectors.uwlr.rules import finding
from connectors.uwlr.validator import known_name, silent_parser
from models.schema.records import Finding

CHUNK = 1 << 18
MAX_FINDINGS = 20
_EXPECTED = re.compile(r"Expected is (?:one of )?\( ([^)]*) \)")
_ELEMENT = re.compile(r"^Element '([^']*)'")
_ATTRIBUTE = re.compile(r"^Element '[^']*'(?:, attribute '|: The attribute ')")
_XSI_TYPE = re.compile(rf"^Element '[^']*', attribute '\{{{re.escape(names.XSI)}\}}type'")
_DECIMAL = re.compile(r"\s*\+?[0-9]+\.[0-9]+\s*", re.ASCII)
_DECIMALS = {"score": "score.decimal", "beginnormwaarde": "norm.decimal", "eindnormwaarde": "norm.decimal"}
_PUPIL_KEYS = frozenset({"leerlingid", "eckid"})


@dataclass(frozen=True, slots=True)
class SourceLocation:
    """One place of a message: path with the nearest keys, line and column from 1, names from the root down.

    In the path `*` stands for a name that no schema of ours knows: the sender made it up, and it may say anything.
    """

    path: str
    line: int
    column: int
    names: tuple[str, ...]
    text: str = ""


@dataclass(slots=True)
class _Open:
    """An element that is open: tag, name, key, where it started, children by name, whether a comment splits it."""

    tag: str
    name: str
    key: str | None
    line: int
    column: int
    index: int
    children: dict[str, int]
    is_split: bool = False


class _BeyondBounds(Exception):
    """Deeper or wider than is taken: nothing behind it is looked at."""


class Walker:
    """expat over a message: where every element starts, and the path to it; it holds namespaces to their rules."""

    def __init__(self, elements: set[ElementRef], bounds: Bounds) -> None:
        self.beyond: str | None = None  # the rule on nesting or attributes that the message breaks here
        self._bounds = bounds
        self.spots: dict[ElementRef, SourceLocation] = {}
        self.events: list[tuple[int, SourceLocation | None]] = []
        self.collect = False
        self._wanted: dict[tuple[str, int], dict[str, ElementRef]] = {}
        for element_ref in elements:
            self._wanted.setdefault((element_ref.element, element_ref.ordinal), {})[element_ref.child] = element_ref
        self._counts: dict[str, int] = {element: 0 for element, _ in self._wanted}
        self._inside: list[tuple[int, dict[str, ElementRef]]] = []
        self._stack: list[_Open] = []
        self._text: list[str] = []
        self._comments = 0
        self._looks_for_hint = SCHEMA_HINT in elements
        self.parser = expat.ParserCreate(namespace_separator="}")
        self.parser.buffer_text = True
        self._declared = 0  # namespaces, which count as the attributes that they are written as
        self.parser.StartNamespaceDeclHandler = self._declare
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text.append
        if INSTRUCTION in elements:
            self.parser.ProcessingInstructionHandler = self._instruction
        if any(element.element == COMMENT for element in elements):
            self.parser.CommentHandler = self._comment

    def location(self, text: str = "") -> SourceLocation:
        """Where the innermost open element starts."""
        steps = []
        for step in self._stack:
            name = step.name if known_name(step.name) else "*"
            if step.key is not None and step.name == "resultaat":
                steps.append(f"{name}[@key]" if len(step.key) > 64 else f'{name}[@key="{step.key}"]')
            else:
                steps.append(name if step.index == 1 else f"{name}[{step.index}]")
        last = self._stack[-1]
        return SourceLocation(
            "/" + "/".join(steps), last.line, last.column, tuple(step.name for step in self._stack), text
        )

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        tag = "{" + name if "}" in name else name
        local = names.local(tag)
        parent = self._stack[-1].children if self._stack else {}
        index = parent[local] = parent.get(local, 0) + 1
        parser = self.parser
        self._stack.append(
            _Open(
                tag,
                local,
                attributes.get("key"),
                parser.CurrentLineNumber,
                parser.CurrentColumnNumber + 1,
                index,
                {},
            )
        )
        self._text.clear()
        written, self._declared = len(attributes) + self._declared, 0
        if len(self._stack) > self._bounds.max_depth or written > self._bounds.max_attributes:
            self.beyond = "xml.depth" if len(self._stack) > self._bounds.max_depth else "xml.attributes"
            raise _BeyondBounds
        if self._looks_for_hint and not names.SCHEMA_HINTS.isdisjoint(attributes):
            self.spots.setdefault(SCHEMA_HINT, self.location())
        if local in self._counts:
            self._counts[local] += 1
            inside = self._wanted.get((local, self._counts[local]))
            if inside is not None:
                self._inside.append((len(self._stack), inside))
        if self._inside:
            self._take(local)
        if self.collect:
            self.events.append((parser.CurrentByteIndex, self.location()))

    def _declare(self, *_: str | None) -> None:
        self._declared += 1

    def _instruction(self, *_: str) -> None:
        parser = self.parser
        path = self.location().path if self._stack else "/"
        self.spots.setdefault(
            INSTRUCTION, SourceLocation(path, parser.CurrentLineNumber, parser.CurrentColumnNumber + 1, ())
        )

    def _comment(self, _: str) -> None:
        """Counted as the reader counts them: the first of each value."""
        if self._stack and not self._stack[-1].is_split and splits_a_value(self._stack[-1].tag):
            self._stack[-1].is_split = True
            self._comments += 1
            parser = self.parser
            self.spots[ElementRef(COMMENT, self._comments, "")] = SourceLocation(
                self.location().path, parser.CurrentLineNumber, parser.CurrentColumnNumber + 1, ()
            )

    def _take(self, local: str) -> None:
        """Keep the spot where the innermost wanted element has a wanted child by this name, or is it itself."""
        depth, inside = self._inside[-1]
        for child, element in inside.items():
            if element not in self.spots and (child == local or len(self._stack) == depth):
                self.spots.setdefault(element, self.location())
        if local in inside and len(self._stack) > depth:
            element = inside[local]
            if self.spots[element].names[-1] != local:
                self.spots[element] = self.location()

    def _end(self, _name: str) -> None:
        if self.collect:
            self.events.append((self.parser.CurrentByteIndex, self.location("".join(self._text))))
        self._text.clear()
        if self._inside and self._inside[-1][0] == len(self._stack):
            self._inside.pop()
        self._stack.pop()


def _chunks_with_errors(file: BinaryIO, schema_name: str) -> set[int]:
    """Numbers of the chunks in which the validator finds the first few errors: fast, without places."""
    parser = silent_parser(schema_name)
    marked: set[int] = set()
    seen, number = 0, 0
    file.seek(0)
    while chunk := file.read(CHUNK):
        try:
            parser.feed(chunk)
        except etree.XMLSyntaxError:
            marked.add(number)
            return marked
        found = len(parser.feed_error_log)
        if found > seen:
            marked.add(number)
            seen = found
            if seen >= MAX_FINDINGS:
                return marked
        number += 1
    return marked


class _InStep:
    """The validator, fed in step with the walker."""

    def __init__(self, schema_name: str, agreement: Agreement) -> None:
        self.parser = silent_parser(schema_name)
        self.agreement = agreement
        self.findings: list[Finding] = []
        self.seen = 0
        self.places: set[tuple[int, int]] = set()

    def feed(self, data: bytes, location: SourceLocation | None) -> bool:
        """Hand on some bytes; False once they cannot be parsed."""
        try:
            self.parser.feed(data)
        except etree.XMLSyntaxError as broken:
            if not self.new_errors(location):
                self.not_well_formed(broken, location)
            return False
        self.new_errors(location)
        return True

    def close(self, location: SourceLocation | None) -> None:
        """The end of the message: what the validator has kept to say until now."""
        try:
            self.parser.close()
        except etree.XMLSyntaxError as broken:
            if not self.new_errors(location) and not self.findings:
                self.not_well_formed(broken, location)

    def not_well_formed(self, broken: etree.XMLSyntaxError, location: SourceLocation | None) -> None:
        line, column = (
            (location.line, location.column) if location is not None else (broken.lineno or 1, (broken.offset or 0) + 1)
        )
        path = location.path if location is not None else None
        self.findings.append(finding("xml.well-formed", self.agreement, path=path, line=line, column=column))

    def new_errors(self, location: SourceLocation | None) -> bool:
        """Turn what the validator has said since the last call into findings, one an element."""
        log = self.parser.feed_error_log
        if len(log) <= self.seen:
            return False
        for entry in list(log)[self.seen :]:
            if entry.domain_name != "SCHEMASV":  # a prefix that is not declared, or bound to what it may not be
                where = (location.line, location.column) if location is not None else (entry.line or 1, 1)
                path = location.path if location is not None else None
                self.findings.append(
                    finding("xml.well-formed", self.agreement, path=path, line=where[0], column=where[1])
                )
                continue
            place = (location.line, location.column) if location is not None else (0, 0)
            if place not in self.places:
                self.places.add(place)
                self.findings.append(schema_finding(entry.type_name, entry.message, location, self.agreement))
        self.seen = len(log)
        return bool(self.findings)


def diagnose(
    file: BinaryIO, schema_name: str, agreement: Agreement, elements: set[ElementRef], *, broken: bool
) -> tuple[dict[ElementRef, SourceLocation], list[Finding]]:
    """Positions of `wanted`, and with `broken` what the schema or the XML has against the message.

    At most `MAX_FINDINGS` findings; no value of the message in any of them.
    """
    marked = _chunks_with_errors(file, schema_name) if broken else set()
    walker = Walker(elements, agreement.bounds)
    validator = _InStep(schema_name, agreement) if broken else None
    file.seek(0)
    number, base, buffered = 0, 0, b""
    last: SourceLocation | None = None
    while chunk := file.read(CHUNK):
        walker.collect = validator is not None and number in marked
        try:
            walker.parser.Parse(chunk, False)
        except _BeyondBounds:
            return walker.spots, [_beyond(walker, agreement)]
        except expat.ExpatError as error:
            walker_broken(walker, validator, error, agreement)
            break
        if validator is not None:
            buffered += chunk
            ended, base, buffered, last = _hand_over(walker, validator, base, buffered, last)
            if ended or len(validator.findings) >= MAX_FINDINGS or (marked and number > max(marked)):
                break
        elif len(walker.spots) == len(elements):
            break
        number += 1
    else:
        if validator is not None:
            _finish(walker, validator, buffered, last, agreement)
    findings = validator.findings[:MAX_FINDINGS] if validator is not None else []
    return walker.spots, findings


def _beyond(walker: Walker, agreement: Agreement) -> Finding:
    """The finding on a message that is nested too deep or has too many attributes."""
    parser = walker.parser
    return finding(
        walker.beyond or "xml.depth", agreement, line=parser.CurrentLineNumber, column=parser.CurrentColumnNumber + 1
    )


def _hand_over(
    walker: Walker, validator: _InStep, base: int, data: bytes, last: SourceLocation | None
) -> tuple[bool, int, bytes, SourceLocation | None]:
    """Feed what the walker has seen; element by element where it collected, else at once."""
    if not walker.events:
        if walker.collect:
            return False, base, data, last
        ended = not validator.feed(data, last)
        return ended, base + len(data), b"", last
    for offset, location in walker.events:
        cut = offset - base
        if cut > 0:
            if not validator.feed(data[:cut], last):
                return True, base, data, last
            base, data = offset, data[cut:]
        last = location
    walker.events.clear()
    return False, base, data, last


def _finish(walker: Walker, validator: _InStep, data: bytes, last: SourceLocation | None, agreement: Agreement) -> None:
    """The last bytes and the end of the message."""
    try:
        walker.parser.Parse(b"", True)
    except expat.ExpatError as error:
        walker_broken(walker, validator, error, agreement)
        return
    if not data or validator.feed(data, last):
        validator.close(last)


def walker_broken(walker: Walker, validator: _InStep | None, error: expat.ExpatError, agreement: Agreement) -> None:
    """Not well-formed: expat says where."""
    if validator is None:
        return
    where = finding("xml.well-formed", agreement, line=error.lineno, column=error.offset + 1)
    validator.findings = [finding for finding in validator.findings if finding.rule != "xml.well-formed"]
    validator.findings.insert(0, where)


def fault_at(path: tuple[str, ...], expected: tuple[str, ...] = ()) -> str:
    """The fault code for an error at an element: by the part of the message that it stands in.

    `path` are the names from the root down to what is wrong; where an element is missing or out of place that is its
    parent, and `expected` are the elements that could have stood there.
    """
    leaf = path[-1] if path else ""
    if "score" in path:
        return rules.SCORE_ONGELDIG
    if "toetsnormering" in path or "toetsonderdeelnormering" in path:
        return rules.NORMERING_ONGELDIG
    if "osoresultaat" in path:
        return rules.ELD_ONGELDIG
    lacks_pupil = leaf == "toetsafname" and bool(expected) and set(expected) <= _PUPIL_KEYS
    return rules.LEERLING_ONGELDIG if lacks_pupil or leaf in _PUPIL_KEYS else rules.ONGELDIG_BERICHT


def schema_finding(type_name: str, message: str, location: SourceLocation | None, agreement: Agreement) -> Finding:
    """A finding for one error of the validator; its own text is only read for names of the schema.

    What the schema of this sender refuses is refused: a habit that this sender may have is not what was found then.
    """
    path = location.names if location is not None else ()
    named = _ELEMENT.match(message)
    element = names.local(named.group(1)) if named else (path[-1] if path else "")
    # Only here the text holds names of the schema and nothing of the message.
    listed = _EXPECTED.search(message) if type_name == "SCHEMAV_ELEMENT_CONTENT" else None
    expected = tuple(names.local(item.strip()) for item in listed.group(1).split(",")) if listed else ()
    family = schema_rule(type_name, message)
    if family == "xsd.type" and element != "anderresultaat":
        family = "xsd.xsi-type"
    rule = habit_rule(family, element, expected, location.text if location is not None else "")
    if rule is None or rules.RULES[rule].level_under(agreement) != rules.ERROR:
        rule = family
    about = _down_to(element, path)
    if family == "xsd.order" and element not in _PUPIL_KEYS:
        about = about[:-1]  # what is out of place may be right by itself
    return finding(
        rule,
        agreement,
        path=location.path if location is not None else None,
        line=location.line if location is not None else None,
        column=location.column if location is not None else None,
        element=element if known_name(element) else "",
        expected=", ".join(expected),
        fault=rules.RULES[rule].fault if rule != family else fault_at(about, expected),
    )


def _down_to(element: str, path: tuple[str, ...]) -> tuple[str, ...]:
    """The names down to `element`: of text between elements the validator speaks when the next one begins."""
    for length in range(len(path), 0, -1):
        if path[length - 1] == element:
            return path[:length]
    return path


def habit_rule(family: str, element: str, expected: tuple[str, ...], text: str) -> str | None:
    """The rule with a name of its own for a well-known habit of senders, or None.

    `family` is the rule of the schema that was broken at `element`, `expected` what could have stood there.
    """
    if family == "xsd.value":
        if element == "score" and text.strip(values.XML_SPACE) == "X":
            return "score.not-offered"
        if element in _DECIMALS and _DECIMAL.fullmatch(text):
            return _DECIMALS[element]
        return "school.brin" if element == "brincode" else None
    if family not in ("xsd.order", "xsd.missing"):
        return None
    if "osoresultaat" in expected and element in ("resultaat", "infourl"):
        return "result.none"
    if "xsdversie" in expected and element in ("school", "commentaar"):
        return "version.missing"
    if expected == ("leerlingid",) and element in ("eckid", "resultaatverwerkerid", "resultaten"):
        return "pupil.no-las-key"
    if element == "eindnormwaarde" and ("term" in expected or "beginnormwaarde" in expected):
        return "norm.maximum-only"
    return None


def schema_rule(type_name: str, message: str) -> str:
    """Which rule of the schema an error of the validator is, by its kind and the fixed part of its text."""
    if type_name == "SCHEMAV_ELEMENT_CONTENT":
        return "xsd.missing" if "Missing child" in message else "xsd.order"
    if _XSI_TYPE.match(message) or type_name in ("SCHEMAV_CVC_TYPE_2", "SCHEMAV_CVC_ELT_4_2", "SCHEMAV_CVC_ELT_4_3"):
        return "xsd.type"
    if _ATTRIBUTE.match(message):
        return "xsd.attribute"
    if "DATATYPE" in type_name or any(
        facet in type_name for facet in ("PATTERN", "LENGTH", "ENUMERATION", "INCLUSIVE", "EXCLUSIVE")
    ):
        return "xsd.value"
    return "xsd.content"
