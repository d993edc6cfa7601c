"""The reader of result messages: one pass does safety checks, schema validation, key checks and reading together.

lxml's pull parser builds one `resultaat` at a time; each becomes a plain tuple (`records.MessageRow`) in a spool, and
is discarded. The same bytes go to the validator (`validator.Validation`), which runs in parallel without Python's lock.
(One parser that does both would be simpler, but lxml's iterparse with a schema ends without an error where a message is
not well-formed, and so takes a truncated message for a whole one.) Memory holds the distinct pupils, tests and parts,
sixteen bytes a result for the detection of duplicates, and one chunk of rows. Broken rules are collected with their
elements; an `ElementRef` gets its line and column in a second pass (`source_locations`), only made if there are any.
"""

from __future__ import annotations

import io
import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from typing import BinaryIO, cast

from lxml import etree

from connectors.uwlr import names, values
from connectors.uwlr.agreement import Bounds
from connectors.uwlr.definitions import check_odd_key, check_text, children, read_test, skeleton, term_of, text_of
from connectors.uwlr.oso import read_oso, read_other
from connectors.uwlr.repeated_definitions import ReadDefinitions, find_definitions
from connectors.uwlr.row_spool import CHUNK_ROWS, RowSpool
from connectors.uwlr.validator import Validation
from models.schema import clock
from models.schema.records import KEY, SCALE, Absence, MessageRow, PupilRef, Term, TestDefinition, TestRef
from models.schema.urls import is_plain_link

MAX_LOCATIONS_PER_RULE = 5
CHUNK_BYTES = 1 << 18
WHOLE_BYTES = 1 << 20  # of a message that may repeat definitions
MAX_REMEMBERED = 32  # characters of a bound
PRUNE_EVERY = 256
FEW_HASHES = 10_000

_RESULTAAT, _TOETSAFNAME = names.lr("resultaat"), names.lr("toetsafname")
_TOETS, _SCHOOL = names.lr("toets"), names.lr("school")
_AFNAMEDATUM, _TOETSCODE, _VERSIE = names.lr("afnamedatum"), names.lr("toetscode"), names.lr("versie")
_ONDERDEEL, _SCORE, _INFOURL = names.lr("toetsonderdeelcode"), names.lr("score"), names.lr("infourl")
_OSORESULTAAT, _ANDERRESULTAAT = names.lr("osoresultaat"), names.lr("anderresultaat")
_PLAIN_KEY = re.compile(r"[A-Za-z0-9](?:[\w .:/|#@{}()-]*[\w.)}])?", re.ASCII)
_NO_TOP, _NO_LOW = -1, 1 << 62
# A comment directly inside one of these splits no value.
_CONTAINERS = frozenset(
    {names.ENVELOPE, names.HEADER, names.BODY, names.VERZOEK, _SCHOOL, _RESULTAAT, _TOETSAFNAME, _TOETS}
    | {names.lr(name) for name in ("toetsafnames", "resultaten", "toetsen", "toetsnormering", "norm")}
    | {names.lr(name) for name in ("toetshierarchie", "toetsonderdelen", "toetsonderdeel", "normkleur")}
    | {names.lr(name) for name in ("toetsonderdeelnormering", "osoresultaat", "anderresultaat")}
)


# About the markup of a message, not about what it says.
_RULES_OF_MARKUP = ("xml.comment-in-text", "xml.processing-instruction", "xml.schema-location")


def splits_a_value(tag: str) -> bool:
    """Whether a comment directly inside an element splits a value, by the tag of that element."""
    return tag not in _CONTAINERS


@dataclass(frozen=True, slots=True)
class ElementRef:
    """An element of a message: the n-th `element` with this name in document order, and a child of it."""

    element: str
    ordinal: int
    child: str


INSTRUCTION = ElementRef("?", 1, "")  # the first processing instruction of a message
SCHEMA_HINT = ElementRef("xsi", 1, "")  # the first attribute that refers to a schema
COMMENT = "!"  # with an ordinal: the first comment inside each value that has one


@dataclass(slots=True)
class ReadMessage:
    """The outcome of one pass: rows with their pupils and tests, the rules broken, and whether the message is valid."""

    school: dict[str, str] = field(default_factory=dict)
    pupils: list[PupilRef] = field(default_factory=list)
    pupil_sittings: list[int] = field(default_factory=list)  # the toetsafname, from 1, in which each pupil comes first
    tests: list[TestRef] = field(default_factory=list)
    definitions: list[TestDefinition] = field(default_factory=list)
    rows: RowSpool = field(default_factory=RowSpool)
    count: int = 0
    notes: dict[str, list[ElementRef]] = field(default_factory=dict)
    broken: bool = False  # not well-formed or not valid: `source_locations.diagnose` finds what and where
    broken_at: tuple[int, int] | None = None  # line and column where the XML could not be parsed further
    has_trailer: bool = False  # elements behind the Body, of which no schema says anything

    def note(self, rule: str, element: ElementRef) -> None:
        """Record a broken rule with its element; only the first few elements of each rule are stored."""
        places = self.notes.setdefault(rule, [])
        if len(places) < MAX_LOCATIONS_PER_RULE:
            places.append(element)


class _Pass:
    """The state of one pass."""

    def __init__(
        self, file: BinaryIO, schema_name: str, max_results: int, known_definitions: ReadDefinitions | None = None
    ) -> None:
        self.max_results = max_results
        self.known_definitions = known_definitions  # in place of those that the message has
        self.differs = False  # from the message that had them
        self.has_comments = False
        self.split_value: etree._Element | None = None  # the latest value with a comment inside
        self.split_value_count = 0
        self.envelope: etree._Element | None = None  # once its Body has ended
        self.file = file
        self.schema_name = schema_name
        self.begin()

    def begin(self) -> None:
        """Start with nothing read."""
        self.reading = ReadMessage()
        self.today = clock.today().isoformat()
        self.rows: list[MessageRow] = []
        self.key_hashes = array("q")
        self.identity_hashes = array("q")  # of pupil, test, part, kind and day of each result, to find repeated results
        self.pupil: int | None = None
        self.pupil_numbers: dict[PupilRef, int] = {}
        self.test_numbers: dict[object, int] = {}
        self.part_span: dict[tuple[int, str | None], list[int]] = {}
        self.sittings = 0
        self.definition_notes: list[tuple[str, int, str]] = []
        self.namespaces: dict[str | None, str] = {}  # of the element that has the definitions
        self.year = ("", "9")
        self.year_bounds = ("", self.today)  # days within the school year and not in the future

    def run(self) -> ReadMessage:
        """Read the message; the order of elements is left to the schema."""
        parser = etree.XMLPullParser(
            events=("end", "comment", "pi"),
            tag=(_RESULTAAT, _TOETSAFNAME, _TOETS, _SCHOOL, names.HEADER, names.BODY),
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            huge_tree=False,
        )
        events = cast("Iterator[tuple[str, etree._Element]]", parser.read_events())
        refers_to_schema, tail = False, b""
        with Validation(self.schema_name) as validation:
            try:
                while (chunk := self.file.read(CHUNK_BYTES)) and not self.must_stop(validation):
                    validation.feed(chunk)
                    parser.feed(chunk)
                    self.walk(events)
                    self.drop_trailer()
                    refers_to_schema = refers_to_schema or names.SCHEMA_HINT_BYTES in tail + chunk
                    tail = chunk[1 - len(names.SCHEMA_HINT_BYTES) :]
                if not self.must_stop(validation):
                    parser.close()
                    self.walk(events)
            except etree.XMLSyntaxError as error:
                line, column = error.position
                self.reading.broken, self.reading.broken_at = True, (max(line, 1), max(column, 1))
        if refers_to_schema:  # noted last, wherever a chunk ends
            self.reading.note("xml.schema-location", SCHEMA_HINT)
        self.reading.broken = self.reading.broken or validation.failed
        self.flush()
        if not self.reading.broken:
            self.check_keys()
        return self.reading

    def must_stop(self, validation: Validation) -> bool:
        """Whether to stop reading: the schema refuses the message, or it has too many results."""
        if self.reading.count > self.max_results and "message.results" not in self.reading.notes:
            self.reading.note("message.results", ElementRef("resultaat", self.max_results + 1, ""))
        return validation.failed or self.reading.count > self.max_results

    def walk(self, events: Iterator[tuple[str, etree._Element]]) -> None:
        """Handle the parser events: results, pupils, tests, school, comments."""
        result = self.result
        for event, element in events:
            if self.envelope is not None and event != "pi":
                continue
            if event == "end":
                tag = element.tag
                if self.has_comments:
                    self.join_texts(element)
                if tag == _RESULTAAT:
                    result(element)
                elif tag == _TOETSAFNAME:
                    self.pupil = None
                    self.sittings += 1
                    self.drop(element)
                elif tag == _TOETS:
                    self.test(element)
                    self.drop(element)
                elif tag == _SCHOOL:
                    self.school(element)
                elif tag == names.BODY:
                    self.body(element)
                else:
                    self.header(element)
            elif event == "comment":
                self.comment(element)
            else:
                self.reading.note("xml.processing-instruction", INSTRUCTION)

    def header(self, element: etree._Element) -> None:
        """Forget what looked like results in the Header of the envelope: no schema says anything of its entries."""
        envelope = element.getparent()
        if envelope is None or envelope.getparent() is not None:
            return
        notes = self.reading.notes
        self.begin()
        self.reading.notes = {rule: notes[rule] for rule in _RULES_OF_MARKUP if rule in notes}

    def body(self, element: etree._Element) -> None:
        """Check that the Body of the envelope has one child; what follows the Body is not read."""
        if sum(isinstance(child.tag, str) for child in element) != 1:
            self.reading.note("soap.body", ElementRef("Body", 1, "Body"))
        envelope = element.getparent()
        if envelope is not None and envelope.getparent() is None:
            self.envelope = envelope

    def drop_trailer(self) -> None:
        """Free what stands behind the Body so far, whatever it is and however long."""
        element = self.envelope
        if element is None:
            return
        tags = [child.tag for child in element if isinstance(child.tag, str)]
        self.reading.has_trailer = self.reading.has_trailer or any(map(names.may_follow_body, tags))
        while len(element):
            del element[:-1]
            element = element[-1]

    def drop(self, element: etree._Element) -> None:
        """Free an element that has been read, and all before it in its parent."""
        element.clear()
        parent = element.getparent()
        if parent is not None:
            while element.getprevious() is not None:
                del parent[0]

    def school(self, element: etree._Element) -> None:
        """Read the school element: texts by local name, and the bounds of its school year."""
        if element.getroottree().docinfo.doctype:
            self.reading.note("xml.doctype", ElementRef("school", 1, ""))
        self.reading.school = {name: child.text or "" for name, child in children(element).items()}
        for name in ("auteur", "commentaar"):
            check_text(
                self.reading.school.get(name),
                name,
                lambda rule, child: self.reading.note(rule, ElementRef("school", 1, child)),
            )
        self.limit_today(self.reading.school.get("aanmaakdatum", ""))
        year = self.reading.school.get("schooljaar", "")
        if len(year) == 9 and year.isascii():
            self.year = (f"{year[:4]}-08-01", f"{year[5:]}-07-31")
            self.year_bounds = (self.year[0], min(self.year[1], self.today))

    def limit_today(self, created: str) -> None:
        """Limit dates to the day after the aanmaakdatum (for time zones): no test is later than its result."""
        try:
            self.today = min(self.today, (date.fromisoformat(created.strip()[:10]) + timedelta(days=1)).isoformat())
        except (ValueError, OverflowError):
            return  # reported by `read_created`

    def comment(self, element: etree._Element) -> None:
        """Note a comment inside a value; comments are removed before values are read."""
        self.has_comments = True
        parent = element.getparent()
        if parent is not None and parent is not self.split_value and splits_a_value(str(parent.tag)):
            self.split_value = parent
            self.split_value_count += 1
            self.reading.note("xml.comment-in-text", ElementRef(COMMENT, self.split_value_count, ""))

    def join_texts(self, element: etree._Element) -> None:
        """Remove comments, so that the text of an element is its whole text.

        For a resultaat also from the elements that identify the pupil, but no others: later comments are still to come.
        """
        etree.strip_tags(element, etree.Comment)
        parent = element.getparent()
        sitting = parent.getparent() if parent is not None and element.tag == _RESULTAAT else None
        for child in sitting if sitting is not None else ():
            if child is not parent and isinstance(child.tag, str):
                etree.strip_tags(child, etree.Comment)
        self.has_comments = False

    def sitting(self, element: etree._Element) -> int:
        """The number of the pupil of a toetsafname."""
        by_name = children(element)
        ref = PupilRef(
            las_key=text_of(by_name, "leerlingid"),
            eck_id=text_of(by_name, "eckid"),
            processor=text_of(by_name, "resultaatverwerkerid"),
        )
        number = self.pupil_numbers.get(ref)
        if number is None:
            number = self.pupil_numbers[ref] = len(self.reading.pupils)
            self.reading.pupils.append(ref)
            self.reading.pupil_sittings.append(self.sittings + 1)
            for rule, name in pupil_rules(ref):
                self.reading.note(rule, ElementRef("toetsafname", self.sittings + 1, name))
        return number

    def result(self, element: etree._Element) -> None:
        """Read one resultaat into one row. Runs for every result: short, and no exceptions in the ordinary case."""
        reading = self.reading
        reading.count += 1
        pupil = self.pupil
        if pupil is None:
            parent = element.getparent()
            sitting = parent.getparent() if parent is not None else None
            pupil = self.pupil = self.sitting(sitting if sitting is not None else element)
        taken_on = code = ""
        version: Term | None = None
        part = score_text = url = zoned = None
        score = absence = None
        kind = 1
        detail: tuple[object, ...] | None = None
        for child in element:
            tag = child.tag
            if tag == _AFNAMEDATUM:
                taken_on = child.text or ""
            elif tag == _TOETSCODE:
                code = child.text or ""
            elif tag == _ONDERDEEL:
                part = child.text or ""
            elif tag == _SCORE:
                score_text = child.text or ""
                if score_text.isascii() and score_text.isdigit() and len(score_text) < 7:
                    score = int(score_text) * SCALE
                else:
                    score_text = score_text.strip(values.XML_SPACE)
                    score, absence = self.unusual_score(score_text)
            elif tag == _OSORESULTAAT:
                kind, score_text, score, absence, detail = read_oso(child, self.note_result)
            elif tag == _ANDERRESULTAAT:
                kind, score_text, absence, detail = read_other(child, self.note_result)
            elif tag == _INFOURL:
                url = child.text or ""
                if not is_plain_link(url):
                    self.note_result("result.url", "infourl")
            elif tag == _VERSIE:
                version = term_of(child)
        if len(taken_on) != 10 or not values.FIRST_DAY <= taken_on <= values.LAST_DAY:
            taken_on, zoned = self.unusual_day(taken_on)
        low, high = self.year_bounds
        if not low <= taken_on <= high:
            self.check_day(taken_on)
        key = element.get("key") or ""
        if _PLAIN_KEY.fullmatch(key) is None:
            check_odd_key(key, "resultaat", self.note_result)
        test = self.test_numbers.get(code if version is None else (code, version))
        if test is None:
            test = self.test_number(code, version)
        span = self.part_span.get((test, part))
        if span is None:
            span = self.part_span[(test, part)] = [_NO_TOP, reading.count, _NO_LOW, reading.count]
        if score is not None and kind == 1:
            if score > span[0]:
                span[0], span[1] = score, reading.count
                if span[2] == _NO_LOW:
                    span[2], span[3] = score, reading.count
            elif score < span[2]:
                span[2], span[3] = score, reading.count
        self.key_hashes.append(hash(key))
        self.identity_hashes.append(hash((pupil, test, part, kind, taken_on)))
        self.rows.append((key, pupil, test, part, kind, taken_on, score_text, score, absence, detail, url, zoned))
        if reading.count % PRUNE_EVERY == 0:
            self.prune(element)

    def prune(self, element: etree._Element) -> None:
        """Free the results before this one, and write out full chunks of rows."""
        parent = element.getparent()
        if parent is not None:
            del parent[:-1]
        if len(self.rows) >= CHUNK_ROWS:
            self.flush()

    def flush(self) -> None:
        if self.rows:
            self.reading.rows.add(self.rows)
            self.rows = []

    def note_result(self, rule: str, child: str) -> None:
        self.reading.note(rule, ElementRef("resultaat", self.reading.count, child))

    def test_number(self, code: str, version: Term | None) -> int:
        """Number a test that results refer to for the first time."""
        number = len(self.reading.tests)
        self.reading.tests.append(TestRef(code, version))
        if version is not None:
            check_text(version.text, "versie", self.note_result)
            if version.location and not version.location.startswith("https://"):
                self.note_result("test.vocabulary-location", "versie")
        self.test_numbers[code if version is None else (code, version)] = number
        return number

    def unusual_score(self, text: str) -> tuple[int | None, int | None]:
        """A score that is not a short whole number: value and absence; notes broken rules."""
        if text == "X":
            self.note_result("score.not-offered", "score")
            return None, int(Absence.NOT_OFFERED)
        try:
            score = values.fixed_point(text)
        except values.OutOfBounds:
            self.note_result("score.bound", "score")
            return None, None
        except ValueError:
            return None, None  # every schema refuses it
        if not values.is_whole(text):
            self.note_result("score.decimal", "score")
        if score > values.HUGE_SCORE:
            self.note_result("score.huge", "score")
        return score, None

    def check_day(self, taken_on: str) -> None:
        """Note a day outside the school year of the message, or in the future."""
        if not self.year[0] <= taken_on <= self.year[1]:
            self.note_result("result.date-outside-year", "afnamedatum")
        if taken_on > self.today:
            self.note_result("result.date-future", "afnamedatum")

    def unusual_day(self, text: str) -> tuple[str, str | None]:
        """A day that is not ten characters within bounds: the day, and the text if it has a time zone."""
        try:
            day, zoned = values.day(text)
        except ValueError:
            if text:  # else it is missing or empty, and the schema says so
                self.note_result("result.date", "afnamedatum")
            return self.year_bounds[0] or values.FIRST_DAY, text
        if zoned:
            self.note_result("result.date-zone", "afnamedatum")
        return day, text.strip(values.XML_SPACE) if zoned else None

    def test(self, element: etree._Element) -> None:
        """Read one toets: its definition, with the rules that it breaks."""
        ordinal = len(self.reading.definitions) + 1
        parent = element.getparent()
        if ordinal == 1 and parent is not None:
            self.namespaces = parent.nsmap
        if self.known_definitions is not None:
            self.repeat_definitions(self.known_definitions)
            return

        def note(rule: str, child: str) -> None:
            self.definition_notes.append((rule, ordinal, child))
            self.reading.note(rule, ElementRef("toets", ordinal, child))

        self.reading.definitions.append(read_test(element, note))

    def repeat_definitions(self, known: ReadDefinitions) -> None:
        """Take every toets as in the earlier message, at the only one of this one."""
        if self.reading.definitions or self.namespaces != known.namespaces:
            self.differs = True
            return
        self.reading.definitions += known.definitions
        for rule, ordinal, child in known.notes:
            self.reading.note(rule, ElementRef("toets", ordinal, child))

    def read_definitions(self) -> ReadDefinitions:
        """What was read of the tests, for messages that repeat them."""
        return ReadDefinitions(tuple(self.reading.definitions), tuple(self.definition_notes), self.namespaces)

    def check_keys(self) -> None:
        """Check keys and references over the whole message: result keys, test codes, parts, scores against norms."""
        reading = self.reading
        for ordinal in self.repeated_keys():
            reading.note("key.result-unique", ElementRef("resultaat", ordinal, "resultaat"))
        for ordinal in self.repeated_results():
            reading.note("result.twice", ElementRef("resultaat", ordinal, "resultaat"))
        for number in look_alikes([definition.code.text for definition in reading.definitions]):
            reading.note("text.lookalike", ElementRef("toets", number + 1, "toetscode"))
        for number in look_alikes([pupil.las_key or "" for pupil in reading.pupils]):
            reading.note("text.lookalike", ElementRef("toetsafname", reading.pupil_sittings[number], "leerlingid"))
        defined: dict[str, TestDefinition] = {}
        for number, definition in enumerate(reading.definitions, 1):
            if definition.code.text in defined:
                reading.note("key.test-unique", ElementRef("toets", number, "toetscode"))
            defined[definition.code.text] = definition
        for (test, part), span in self.part_span.items():
            test_definition = defined.get(reading.tests[test].code)
            if test_definition is None:
                reading.note("key.test-defined", ElementRef("resultaat", span[1], "toetscode"))
                continue
            version = reading.tests[test].version
            if (
                version is not None
                and test_definition.version is not None
                and version.text != test_definition.version.text
            ):
                reading.note("key.version-defined", ElementRef("resultaat", span[1], "versie"))
            self.check_part(test_definition, part, span)

    def check_part(self, definition: TestDefinition, part: str | None, span: list[int]) -> None:
        """Check that a part is defined, and that no score is above or below all bands of the norm.

        `span` is the greatest score with the number of its result, and the least score with the number of its result.
        """
        top, ordinal, low, low_ordinal = span
        norm = definition.norm
        if part is not None:
            part_definition = next((item for item in definition.parts or () if item.code.text == part), None)
            if part_definition is None:
                self.reading.note("key.part-defined", ElementRef("resultaat", ordinal, "toetsonderdeelcode"))
                return
            norm = part_definition.norm
        if norm is not None:
            highs = [high for band in norm.bands if (high := band_bound(band.high)) is not None]
            if highs and top > max(highs):
                self.reading.note("score.above-norm", ElementRef("resultaat", ordinal, "score"))
            lows = [
                bound for band in norm.bands if band.low is not None and (bound := band_bound(band.low)) is not None
            ]
            if lows and low < min(lows):
                self.reading.note("score.below-norm", ElementRef("resultaat", low_ordinal, "score"))

    def repeated_keys(self) -> list[int]:
        """Ordinals of results whose @key an earlier result has: candidates by hash, then compared exactly."""
        duplicates = duplicate_hashes(self.key_hashes)
        if not duplicates:
            return []
        earlier_keys: set[str] = set()
        repeated: list[int] = []
        ordinal = 0
        for rows in self.reading.rows:
            for row in rows:
                ordinal += 1
                key = row[KEY]
                if hash(key) in duplicates:
                    if key in earlier_keys:
                        repeated.append(ordinal)
                        if len(repeated) == MAX_LOCATIONS_PER_RULE:
                            return repeated
                    earlier_keys.add(key)
        return repeated

    def repeated_results(self) -> list[int]:
        """Ordinals of results with the pupil, test, part, kind and day of an earlier result but another @key."""
        duplicates = duplicate_hashes(self.identity_hashes)
        if not duplicates:
            return []
        first: dict[tuple[object, ...], str] = {}
        repeated: list[int] = []
        ordinal = 0
        for rows in self.reading.rows:
            for key, pupil, test, part, kind, taken_on, *_ in rows:
                ordinal += 1
                identity = (pupil, test, part, kind, taken_on)
                if hash(identity) in duplicates and first.setdefault(identity, key) != key:
                    repeated.append(ordinal)
                    if len(repeated) == MAX_LOCATIONS_PER_RULE:
                        return repeated
        return repeated


def prepare() -> None:
    """Load what is loaded with the first message; a program that may open no file then could never do so again.

    numpy does not let itself be imported a second time where that failed half way.
    """
    import numpy  # noqa: F401


def duplicate_hashes(hashes: array[int]) -> set[int]:
    """The values that occur more than once; among many found by sorting: eight bytes each and no hash table."""
    if len(hashes) <= FEW_HASHES and len(set(hashes)) == len(hashes):
        return set()
    import numpy  # takes a tenth of a second; of all commands few read a message

    ordered = numpy.sort(numpy.frombuffer(hashes, dtype=numpy.int64)) if hashes else numpy.zeros(0, numpy.int64)
    return set(ordered[1:][ordered[1:] == ordered[:-1]].tolist())


def look_alikes(keys: list[str]) -> list[int]:
    """Indices of keys that look like an earlier, different key: but for case, or letters of another alphabet."""
    first: dict[str, str] = {}
    return [number for number, key in enumerate(keys) if key and first.setdefault(skeleton(key), key) != key]


def band_bound(text: str) -> int | None:
    """A bound of a band in ten-thousandths, or None where it is not a number."""
    return _short_bound(text) if len(text) <= MAX_REMEMBERED else _bound(text)


@lru_cache(maxsize=4_000)  # messages state the same norms again and again
def _short_bound(text: str) -> int | None:
    return _bound(text)


def _bound(text: str) -> int | None:
    try:
        return values.fixed_point(text)
    except ValueError:
        return None


def pupil_rules(ref: PupilRef) -> list[tuple[str, str]]:
    """The rules that the identifiers of a pupil break, each with its element."""
    broken_rules: list[tuple[str, str]] = []
    for text, name in ((ref.las_key, "leerlingid"), (ref.processor, "resultaatverwerkerid")):
        if text is not None and _PLAIN_KEY.fullmatch(text) is None:
            check_odd_key(text, name, lambda rule, child: broken_rules.append((rule, child)))
    eck_id = ref.eck_id
    if eck_id is not None:
        if is_personal_number(eck_id):
            broken_rules.append(("pupil.bsn", "eckid"))
        elif not is_eck_id(eck_id):
            broken_rules.append(("pupil.eckid-form", "eckid"))
    return broken_rules


def is_eck_id(text: str) -> bool:
    """Whether a text has the form of an ECK iD: https://ketenid.nl/<version>/<128 lower-case hex digits>."""
    host, _, rest = text.partition("https://ketenid.nl/")
    version, _, digits = rest.partition("/")
    return (
        not host
        and version.isascii()
        and version.isalnum()
        and len(digits) == 128
        and not digits.strip("0123456789abcdef")
    )


def is_personal_number(text: str) -> bool:
    """Whether a text may be a BSN or onderwijsnummer: nine digits with a valid check digit (elfproef)."""
    return text.isascii() and text.isdigit() and len(text) == 9 and passes_eleven(text)


def passes_eleven(digits: str) -> bool:
    """Whether a number of nine ASCII digits passes the elfproef, the modulo 11 check of Dutch personal numbers."""
    a, b, c, d, e, f, g, h, i = map(int, digits)
    return (9 * a + 8 * b + 7 * c + 6 * d + 5 * e + 4 * f + 3 * g + 2 * h - i) % 11 == 0


def read_results(file: BinaryIO, schema_name: str, max_results: int = Bounds().max_results) -> ReadMessage:
    """Read a result message (a seekable file, from its start) in one pass, by the schema in `schema_name`.

    Stops where the message has more than `max_results`, and notes that.
    """
    file.seek(0)
    data = file.read(WHOLE_BYTES)
    found = find_definitions(data, schema_name) if len(data) < WHOLE_BYTES else None
    known = None if found is None else found.known()
    if found is not None and known is not None:
        short = _Pass(io.BytesIO(found.shortened()), schema_name, max_results, known)
        reading = short.run()
        if not reading.broken and not short.differs and reading.count <= max_results:
            return reading
    file.seek(0)
    whole = _Pass(file, schema_name, max_results)
    reading = whole.run()
    if found is not None and not reading.broken and reading.count <= max_results:
        found.remember(whole.read_definitions())
    return reading
