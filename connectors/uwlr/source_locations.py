"""The second pass over a message: line, column and path of findings, and the schema errors.

lxml gives no usable column and, while streaming, no line. So when there are findings (and only then) expat parses the
message once more and feeds the validator in step: an error that the validator reports after an element has been fed
belongs to that element. The locations of the reader's findings (`reader.ElementRef`) are found in the same pass.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import BinaryIO
from xml.parsers import expat

from lxml import etree

from connectors.uwlr import malformed, names, rules, values
from connectors.uwlr.agreement import Agreement, Bounds
from connectors.uwlr.forms import form_of
from connectors.uwlr.reader import COMMENT, INSTRUCTION, SCHEMA_HINT, ElementRef, splits_a_value
from connectors.uwlr.rules import finding
from connectors.uwlr.validator import FeedParser, known_name, silent_parser
from models.schema.records import Finding

CHUNK = 1 << 18
MAX_FINDINGS = 20
_EXPECTED = re.compile(r"Expected is (?:one of )?\( ([^)]*) \)")
_ELEMENT = re.compile(r"^Element '([^']*)'")
_ATTRIBUTE = re.compile(r"^Element '[^']*'(?:, attribute '|: The attribute ')([^']*)'")
_XSI_TYPE = re.compile(rf"^Element '[^']*', attribute '\{{{re.escape(names.XSI)}\}}type'")
_DECIMAL = re.compile(r"\s*\+?[0-9]+\.[0-9]+\s*", re.ASCII)
_DECIMALS = {"score": "score.decimal", "beginnormwaarde": "norm.decimal", "eindnormwaarde": "norm.decimal"}
_ATTRIBUTE_RULES = {
    "SCHEMAV_CVC_COMPLEX_TYPE_4": "xsd.attribute-missing",
    "SCHEMAV_CVC_COMPLEX_TYPE_3_2_1": "xsd.attribute",
    "SCHEMAV_CVC_COMPLEX_TYPE_3_2_2": "xsd.attribute",
    "SCHEMAV_CVC_TYPE_3_1_1": "xsd.attribute",
}
_PUPIL_KEYS = frozenset({"leerlingid", "eckid"})


@dataclass(frozen=True, slots=True)
class SourceLocation:
    """A location in a message: path with the nearest keys, line and column from 1, names from the root down.

    In the path `*` stands for a name that is in none of our schemas: the sender made it up, so it may be personal data.
    """

    path: str
    line: int
    column: int
    names: tuple[str, ...]
    text: str = ""


@dataclass(slots=True)
class _Open:
    """An open element: tag, name, key, start position, counts of children by name, whether a comment splits it."""

    tag: str
    name: str
    key: str | None
    line: int
    column: int
    index: int
    children: dict[str, int]
    is_split: bool = False


class _BeyondBounds(Exception):
    """The message exceeds the limits on nesting or attributes; the rest is not read."""


class Walker:
    """An expat parser that tracks where every element starts and the path to it; it also checks namespaces."""

    def __init__(self, elements: set[ElementRef], bounds: Bounds) -> None:
        self.beyond: str | None = None  # the limit that the message exceeds at the current position, as a rule id
        self._bounds = bounds
        self.locations: dict[ElementRef, SourceLocation] = {}
        self.events: list[tuple[int, SourceLocation | None]] = []
        self.collect = False
        self._refs: dict[tuple[str, int], dict[str, ElementRef]] = {}
        for element_ref in elements:
            self._refs.setdefault((element_ref.element, element_ref.ordinal), {})[element_ref.child] = element_ref
        self._counts: dict[str, int] = {element: 0 for element, _ in self._refs}
        self._enclosing: list[tuple[int, dict[str, ElementRef]]] = []
        self._stack: list[_Open] = []
        self._text: list[str] = []
        self._comments = 0
        self._finds_hint = SCHEMA_HINT in elements
        self.parser = expat.ParserCreate(namespace_separator="}")
        self.parser.buffer_text = True
        self._declared = 0  # namespace declarations, which count as attributes
        self.parser.StartNamespaceDeclHandler = self._declare
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text.append
        if INSTRUCTION in elements:
            self.parser.ProcessingInstructionHandler = self._instruction
        if any(element.element == COMMENT for element in elements):
            self.parser.CommentHandler = self._comment

    def location(self, text: str = "") -> SourceLocation:
        """The location at which the innermost open element starts."""
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
        attribute_count, self._declared = len(attributes) + self._declared, 0
        if len(self._stack) > self._bounds.max_depth or attribute_count > self._bounds.max_attributes:
            self.beyond = "xml.depth" if len(self._stack) > self._bounds.max_depth else "xml.attributes"
            raise _BeyondBounds
        if self._finds_hint and not names.SCHEMA_HINTS.isdisjoint(attributes):
            self.locations.setdefault(SCHEMA_HINT, self.location())
        if local in self._counts and not self._is_in_header():
            self._counts[local] += 1
            inside = self._refs.get((local, self._counts[local]))
            if inside is not None:
                self._enclosing.append((len(self._stack), inside))
        if self._enclosing:
            self._record_location(local)
        if self.collect:
            self.events.append((parser.CurrentByteIndex, self.location()))

    def _is_in_header(self) -> bool:
        """Whether the innermost open element is an entry of the Header, whose elements the reader does not count."""
        return len(self._stack) > 2 and self._stack[1].tag == names.HEADER

    def _declare(self, *_: str | None) -> None:
        self._declared += 1

    def _instruction(self, *_: str) -> None:
        parser = self.parser
        path = self.location().path if self._stack else "/"
        self.locations.setdefault(
            INSTRUCTION, SourceLocation(path, parser.CurrentLineNumber, parser.CurrentColumnNumber + 1, ())
        )

    def _comment(self, _: str) -> None:
        """Count comments as the reader does: the first of each value."""
        if self._stack and not self._stack[-1].is_split and splits_a_value(self._stack[-1].tag):
            self._stack[-1].is_split = True
            self._comments += 1
            parser = self.parser
            self.locations[ElementRef(COMMENT, self._comments, "")] = SourceLocation(
                self.location().path, parser.CurrentLineNumber, parser.CurrentColumnNumber + 1, ()
            )

    def _record_location(self, local: str) -> None:
        """Record the location of a referenced element or child, if this is one."""
        depth, inside = self._enclosing[-1]
        for child, element in inside.items():
            if element not in self.locations and (child == local or len(self._stack) == depth):
                self.locations.setdefault(element, self.location())
        if local in inside and len(self._stack) > depth:
            element = inside[local]
            if self.locations[element].names[-1] != local:
                self.locations[element] = self.location()

    def _end(self, _name: str) -> None:
        if self.collect:
            self.events.append((self.parser.CurrentByteIndex, self.location("".join(self._text))))
        self._text.clear()
        if self._enclosing and self._enclosing[-1][0] == len(self._stack):
            self._enclosing.pop()
        self._stack.pop()


def _chunks_with_errors(file: BinaryIO, parser: FeedParser) -> set[int]:
    """Numbers of the chunks in which the validator finds the first errors: fast, without locations."""
    suspect_chunks: set[int] = set()
    error_count, number = 0, 0
    file.seek(0)
    while chunk := file.read(CHUNK):
        try:
            parser.feed(chunk)
        except etree.XMLSyntaxError:
            suspect_chunks.add(number)
            return suspect_chunks
        reported = len(parser.feed_error_log)
        if reported > error_count:
            suspect_chunks.add(number)
            error_count = reported
            if error_count >= MAX_FINDINGS:
                return suspect_chunks
        number += 1
    return suspect_chunks


class _InStep:
    """The validator, fed in step with the walker."""

    def __init__(self, parser: FeedParser, agreement: Agreement) -> None:
        self.parser = parser
        self.agreement = agreement
        self.findings: list[Finding] = []
        self.error_count = 0
        self.reported: set[tuple[int, int]] = set()

    def feed(self, data: bytes, location: SourceLocation | None) -> bool:
        """Feed bytes to the validator; False once they cannot be parsed."""
        try:
            self.parser.feed(data)
        except etree.XMLSyntaxError as broken:
            if not self.new_errors(location):
                self.not_well_formed(broken, location)
            return False
        self.new_errors(location)
        return True

    def close(self, location: SourceLocation | None) -> None:
        """End of the message: report the remaining errors."""
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
        rule = malformed.explain_libxml2(self.parser.feed_error_log)
        self.findings.append(finding(rule, self.agreement, path=path, line=line, column=column))

    def new_errors(self, location: SourceLocation | None) -> bool:
        """Turn the errors since the last call into findings, one for each element."""
        log = self.parser.feed_error_log
        if len(log) <= self.error_count:
            return False
        for entry in list(log)[self.error_count :]:
            if entry.domain_name != "SCHEMASV":  # a prefix that is not declared, or with a forbidden binding
                where = (location.line, location.column) if location is not None else (entry.line or 1, 1)
                path = location.path if location is not None else None
                rule = malformed.explain_libxml2([entry])
                self.findings.append(finding(rule, self.agreement, path=path, line=where[0], column=where[1]))
                continue
            position = (location.line, location.column) if location is not None else (0, 0)
            if position not in self.reported:
                self.reported.add(position)
                reported = schema_finding(entry.type_name, entry.message, location, self.agreement)
                if not self.follows_from_another(reported):
                    self.findings.append(reported)
        self.error_count = len(log)
        return bool(self.findings)

    def follows_from_another(self, reported: Finding) -> bool:
        """Whether a value is refused only because of the elements inside it, which were reported before."""
        return reported.rule == "xsd.value" and any(
            finding.rule == "xsd.content" and (finding.path or "").startswith(f"{reported.path}/")
            for finding in self.findings
        )


def diagnose(
    file: BinaryIO, schema_name: str, agreement: Agreement, elements: set[ElementRef], *, broken: bool
) -> tuple[dict[ElementRef, SourceLocation], list[Finding]]:
    """The locations of `elements`, and with `broken` the schema and XML errors of the message.

    At most `MAX_FINDINGS` findings, without values of the message.
    """
    if not broken:
        return _located(file, elements, None, set(), agreement)
    with silent_parser(schema_name) as parser:
        suspect_chunks = _chunks_with_errors(file, parser)
    with silent_parser(schema_name) as parser:
        return _located(file, elements, _InStep(parser, agreement), suspect_chunks, agreement)


def _located(
    file: BinaryIO, elements: set[ElementRef], validator: _InStep | None, suspect_chunks: set[int], agreement: Agreement
) -> tuple[dict[ElementRef, SourceLocation], list[Finding]]:
    """Walk through the message, and the validator in step with it where there is one."""
    walker = Walker(elements, agreement.bounds)
    file.seek(0)
    number, base, buffered = 0, 0, b""
    last: SourceLocation | None = None
    while chunk := file.read(CHUNK):
        walker.collect = validator is not None and number in suspect_chunks
        try:
            walker.parser.Parse(chunk, False)
        except _BeyondBounds:
            return walker.locations, [_beyond(walker, agreement)]
        except expat.ExpatError:
            note_malformed(file, validator, agreement)
            break
        if validator is not None:
            buffered += chunk
            ended, base, buffered, last = _hand_over(walker, validator, base, buffered, last)
            if ended or len(validator.findings) >= MAX_FINDINGS or (suspect_chunks and number > max(suspect_chunks)):
                break
        elif len(walker.locations) == len(elements):
            break
        number += 1
    else:
        if validator is not None:
            _finish(file, walker, validator, buffered, last, agreement)
    findings = validator.findings[:MAX_FINDINGS] if validator is not None else []
    return walker.locations, findings


def _beyond(walker: Walker, agreement: Agreement) -> Finding:
    """The finding on a message that is nested too deep or has too many attributes."""
    parser = walker.parser
    return finding(
        walker.beyond or "xml.depth", agreement, line=parser.CurrentLineNumber, column=parser.CurrentColumnNumber + 1
    )


def _hand_over(
    walker: Walker, validator: _InStep, base: int, data: bytes, last: SourceLocation | None
) -> tuple[bool, int, bytes, SourceLocation | None]:
    """Feed the parsed bytes to the validator: element by element where the walker collected events, else at once."""
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


def _finish(
    file: BinaryIO,
    walker: Walker,
    validator: _InStep,
    data: bytes,
    last: SourceLocation | None,
    agreement: Agreement,
) -> None:
    """Feed the last bytes and the end of the message."""
    try:
        walker.parser.Parse(b"", True)
    except expat.ExpatError:
        note_malformed(file, validator, agreement)
        return
    if not data or validator.feed(data, last):
        validator.close(last)


def note_malformed(file: BinaryIO, validator: _InStep | None, agreement: Agreement) -> None:
    """Add the finding on what is not well-formed in a message that the parser cannot read further."""
    explained = malformed.explain(file, agreement)
    if validator is None or explained is None:
        return
    validator.findings = [finding for finding in validator.findings if finding.rule not in malformed.MALFORMED]
    validator.findings.insert(0, explained)


def fault_at(path: tuple[str, ...], expected: tuple[str, ...] = ()) -> str:
    """The fault code for an error at an element, by the part of the message that it is in.

    `path` are the names from the root down to the element; where an element is missing or misplaced that is its
    parent, and `expected` are the elements that the schema allows there.
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
    """A finding for an error of the validator; from the error text only names of the schema are used.

    The schema of this sender refused the message, so a rule that is no error for this sender is not the cause.
    """
    path = location.names if location is not None else ()
    match = _ELEMENT.match(message)
    tag = match.group(1) if match else (path[-1] if path else "")
    element = names.local(tag)
    # Only the text of this kind of error has names of the schema and nothing of the message.
    expected_list = _EXPECTED.search(message) if type_name == "SCHEMAV_ELEMENT_CONTENT" else None
    expected_tags = [item.strip() for item in expected_list.group(1).split(",")] if expected_list else []
    expected_tags = [item for item in expected_tags if not item.startswith("##")]  # a wildcard
    expected = tuple(map(names.local, expected_tags))
    family = schema_rule(type_name, message)
    if family == "xsd.type" and element != "anderresultaat":
        family = "xsd.xsi-type"
    rule = habit_rule(family, element, expected, location.text if location is not None else "")
    if rule is None or rules.RULES[rule].level_under(agreement) != rules.ERROR:
        rule = family
    about = _down_to(element, path)
    if family == "xsd.order" and element not in _PUPIL_KEYS:
        about = about[:-1]  # a misplaced element may be valid by itself
    fault = rules.RULES[rule].fault if rule != family else fault_at(about, expected)
    if rule == "xsd.order":
        rule = order_rule(tag, expected_tags) if path[:-1] != ("Envelope",) else "soap.after-body"
    return finding(
        rule,
        agreement,
        path=location.path if location is not None else None,
        line=location.line if location is not None else None,
        column=location.column if location is not None else None,
        element=element if known_name(element) else "",
        expected=", ".join(expected),
        fault=fault,
        namespace=next((item[1:].partition("}")[0] for item in expected_tags if names.local(item) == element), ""),
        **_attribute_words(rule, message),
    )


def _attribute_words(rule: str, message: str) -> dict[str, str]:
    """The words on an attribute, for the rules on attributes that the schema has."""
    match = _ATTRIBUTE.match(message)
    if rule not in ("xsd.attribute-missing", "xsd.attribute-value") or match is None:
        return {}
    form_nl, form_en = form_of(names.local(match[1]))
    return {"attribute": names.local(match[1]), "form_nl": form_nl, "form_en": form_en}


def order_rule(tag: str, expected_tags: list[str]) -> str:
    """The rule on an element that the schema does not allow at its place, by its tag and those allowed there."""
    element = names.local(tag)
    if element == names.MAP_ITEM:
        return "xsd.map"
    if tag not in expected_tags and element in map(names.local, expected_tags):
        return "xsd.namespace"
    if not known_name(element):
        return "xsd.unknown" if expected_tags else "xsd.unknown-last"
    return "xsd.order" if expected_tags else "xsd.extra"


def _down_to(element: str, path: tuple[str, ...]) -> tuple[str, ...]:
    """The names down to `element`: errors in text between elements are only reported at the next element."""
    for length in range(len(path), 0, -1):
        if path[length - 1] == element:
            return path[:length]
    return path


def habit_rule(family: str, element: str, expected: tuple[str, ...], text: str) -> str | None:
    """The specific rule for a common deviation of senders, or None.

    `family` is the schema rule broken at `element`, `expected` the elements that the schema allows there.
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
    """The schema rule of an error of the validator, by its type and the fixed part of its text."""
    if type_name == "SCHEMAV_ELEMENT_CONTENT":
        return "xsd.missing" if "Missing child" in message else "xsd.order"
    if _XSI_TYPE.match(message) or type_name in ("SCHEMAV_CVC_TYPE_2", "SCHEMAV_CVC_ELT_4_2", "SCHEMAV_CVC_ELT_4_3"):
        return "xsd.type"
    attribute = _ATTRIBUTE.match(message)
    if type_name == "SCHEMAV_CVC_ELT_3_1" or (attribute is not None and attribute[1] == f"{{{names.XSI}}}nil"):
        return "xsd.nil"
    if attribute is not None:
        return _ATTRIBUTE_RULES.get(type_name, "xsd.attribute-value")
    if type_name == "SCHEMAV_CVC_COMPLEX_TYPE_2_3":
        return "xsd.text"
    if "DATATYPE" in type_name or any(
        facet in type_name for facet in ("PATTERN", "LENGTH", "ENUMERATION", "INCLUSIVE", "EXCLUSIVE")
    ):
        return "xsd.value"
    return "xsd.content"
