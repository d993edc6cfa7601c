"""Reads a `toets` element into a test definition, and checks it by our rules."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator

from lxml import etree

from connectors.uwlr import names, values
from models.results.scales import overlap
from models.schema.recent import Recent
from models.schema.records import Band, Colour, Level, Norm, Part, Term, TestDefinition

Note = Callable[[str, str], None]  # (rule id, local name of the element)

VAKGEBIEDEN = frozenset({
    "Voorschoolse educatie", "Kleuteronderwijs", "Groep 3 lezen, taal en spelling", "Spelling",
    "Begrijpend/studerend lezen", "Voortgezet technisch lezen", "Voortgezet lezen", "Voortgezet taal",
    "Mondeling Taalonderwijs", "Schrijven", "Engels", "Fries", "Rekenen en wiskunde", "Wereldoriëntatie",
    "Aardrijkskunde", "Geschiedenis", "Natuur- en techniekonderwijs", "Verkeer", "Beeldende vorming",
    "Muzische vorming of muziek", "Drama", "Bewegen", "Godsdienst / levensbeschouwing",
})  # fmt: skip
# The terms of each vocabulary that is known, by its URI (the attribute `vocabulaire`).
VOCABULARIES = {names.VOCABULARY_VAKGEBIEDEN: VAKGEBIEDEN}
# EDEXML EDEXJaargroepType.
JAARGROEPEN = frozenset("BD012345678SVCNH") | {"11", "12", "13", "14", "15", "16"}
MAX_PART_NUMBER = 2**31 - 1
MAX_WEIGHT_DIGITS = 20
# Lower-case letters of other alphabets that look like a Latin one, themselves or as a capital.
_LATIN = str.maketrans("авекмнорстухіјѕһԁαβεζηικμνορτυχ", "abekmhopctyxijshdabezhikmnoptyx")
_ZERO = re.compile(r"-[0.]+")
_FORMULA_STARTS = tuple("=+-@\t\r")
# Active elements, elements with attributes, script addresses, templates, SQL injection.
_ACTIVE_CONTENT = re.compile(
    r"<\s*/?\s*(?:script|iframe|object|embed|svg|math|style|link|meta|base|form)\b|<[a-z!?][^>]*=|javascript:|%\{"
    r"|\{\{|\$\{|['\"]\)*\s*;|;\s*--|</?(?:textarea|title|select|option|img|a|iframe|body|html)\b|&(?:lt|gt|amp|#)"
    r"|['\"]\s*(?:or|and)\b|\bon[a-z]+\s*=",
    re.IGNORECASE,
)


MAX_RECENT_BYTES = 16_384  # a definition of 4 parts with norms takes 4,000
_RECENT: Recent[bytes, tuple[TestDefinition, tuple[tuple[str, str], ...]]] = Recent(2_000, 1 << 23)


def term_of(element: etree._Element) -> Term:
    """The text of a field with its binding to a vocabulary."""
    return Term(element.text or "", element.get("vocabulaire"), element.get("vocabulairelocatie"))


def children(element: etree._Element) -> dict[str, etree._Element]:
    """The children of an element by local name; of repeated ones the last."""
    return {names.local(str(child.tag)): child for child in element}


def text_of(parts: dict[str, etree._Element], name: str) -> str | None:
    """The text of a child, or None where the child is absent."""
    return (parts[name].text or "") if name in parts else None


def number_of(parts: dict[str, etree._Element], name: str) -> str | None:
    """The text of a child with a number, without the white space that XML Schema allows around it."""
    text = text_of(parts, name)
    return None if text is None else text.strip(values.XML_SPACE)


def optional_term(parts: dict[str, etree._Element], name: str) -> Term | None:
    """The term of a child, or None where the child is absent."""
    return term_of(parts[name]) if name in parts else None


def read_test(element: etree._Element, note: Note) -> TestDefinition:
    """The definition in a `toets` element (UWLR 2.2 ctpToets); `note` is called with each rule broken.

    Publishers send the same definitions with each message: one that was read before is not read again.
    """
    sent = etree.tostring(element, with_tail=False)
    known = _RECENT.get(sent)
    if known is None:
        notes: list[tuple[str, str]] = []
        known = _read_test(element, lambda rule, child: notes.append((rule, child))), tuple(notes)
        if len(sent) <= MAX_RECENT_BYTES:
            _RECENT.put(sent, known, len(sent))
    definition, broken = known
    for rule, child in broken:
        note(rule, child)
    return definition


def _read_test(element: etree._Element, note: Note) -> TestDefinition:
    by_name = children(element)
    code = term_of(by_name["toetscode"]) if "toetscode" in by_name else Term("")
    name = text_of(by_name, "toetsnaam")
    check_text(name, "toetsnaam", note)
    if name is not None and name and not name.strip():
        note("test.name-blank", "toetsnaam")
    subject = optional_term(by_name, "vakgebied")
    definition = TestDefinition(
        code=code,
        version=optional_term(by_name, "versie"),
        name=name,
        year=optional_term(by_name, "leerjaar"),
        subject=subject,
        norm=read_norm(by_name["toetsnormering"], note) if "toetsnormering" in by_name else None,
        hierarchy=read_hierarchy(by_name["toetshierarchie"], note) if "toetshierarchie" in by_name else (),
        parts=read_parts(by_name["toetsonderdelen"], note) if "toetsonderdelen" in by_name else None,
    )
    check_terms(definition, note)
    return definition


def read_hierarchy(element: etree._Element, note: Note) -> tuple[Level, ...]:
    """The entries in document order; depths other than 0, 1, 2 ... are noted."""
    levels = []
    for entry in element:
        try:
            depth = int(entry.get("niveau") or "0")
        except ValueError:
            depth = 0
        if not -MAX_PART_NUMBER <= depth <= MAX_PART_NUMBER:
            note("test.level-number", "ingang")
        levels.append(Level(max(-(2**31), min(depth, 2**31 - 1)), term_of(entry)))
    if sorted(level.depth for level in levels) != list(range(len(levels))):
        note("test.hierarchy", "ingang")
    return tuple(levels)


def read_parts(element: etree._Element, note: Note) -> tuple[Part, ...]:
    """The parts of a test; numbers are unique (uOnderdeelVolgnummer), codes should be."""
    parts: list[Part] = []
    numbers: set[int] = set()
    codes: set[str] = set()
    skeletons: set[str] = set()
    for child in element:
        by_name = children(child)
        number = part_number(text_of(by_name, "toetsonderdeelvolgnummer") or "", note)
        code = term_of(by_name["toetsonderdeelcode"]) if "toetsonderdeelcode" in by_name else Term("")
        if number in numbers:
            note("key.part-number-unique", "toetsonderdeelvolgnummer")
        if code.text in codes:
            note("key.part-code-unique", "toetsonderdeelcode")
        numbers.add(number)
        if skeleton(code.text) in skeletons and code.text not in codes:
            note("text.lookalike", "toetsonderdeelcode")
        codes.add(code.text)
        skeletons.add(skeleton(code.text))
        name = text_of(by_name, "toetsonderdeelnaam")
        check_text(name, "toetsonderdeelnaam", note)
        norm = by_name.get("toetsonderdeelnormering")
        parts.append(Part(number, code, name, read_norm(norm, note) if norm is not None else None))
    return tuple(parts)


def part_number(text: str, note: Note) -> int:
    """A toetsonderdeelvolgnummer; 0 where it is not a number (the schema refuses that)."""
    stripped = text.strip(values.XML_SPACE).removeprefix("+")
    if not (stripped.isascii() and stripped.isdigit()):
        return 0
    if len(stripped.lstrip("0")) > 10 or int(stripped) > MAX_PART_NUMBER:
        note("test.part-number", "toetsonderdeelvolgnummer")
        return 0
    return int(stripped)


def read_norm(element: etree._Element, note: Note) -> Norm:
    """A normering (UWLR 2.2 ctpNormering) with its bands in document order."""
    bands: list[Band] = []
    by_name = children(element)
    for child in element:
        if names.local(str(child.tag)) == "norm":
            bands.append(read_band(child, note))
    check_bands(bands, note)
    for label in ("toetscategorie", "toetsniveau"):
        if label in by_name and not (by_name[label].text or ""):
            note("test.level-empty", label)
        check_text(text_of(by_name, label), label, note)
    weight = number_of(by_name, "wegingsfactor")
    if weight is not None and sum(character.isdigit() for character in weight) > MAX_WEIGHT_DIGITS:
        note("norm.weight", "wegingsfactor")
    if weight is not None and weight.startswith("-") and not _ZERO.fullmatch(weight):
        note("norm.weight-negative", "wegingsfactor")
    return Norm(
        bands=tuple(bands),
        category=optional_term(by_name, "toetscategorie"),
        level=optional_term(by_name, "toetsniveau"),
        weight=weight,
        vocabulary=element.get("vocabulaire"),
        location=element.get("vocabulairelocatie"),
    )


def read_band(element: etree._Element, note: Note) -> Band:
    """One `norm` element; without beginnormwaarde it states a maximum only."""
    by_name = children(element)
    low, high = number_of(by_name, "beginnormwaarde"), number_of(by_name, "eindnormwaarde") or ""
    if low is None or "term" not in by_name:
        note("norm.maximum-only", "norm")
    check_text(text_of(by_name, "term"), "term", note)
    check_text(text_of(by_name, "omschrijving"), "omschrijving", note)
    return Band(
        term=text_of(by_name, "term"),
        low=low,
        high=high,
        description=text_of(by_name, "omschrijving"),
        colour=read_colour(by_name["normkleur"]) if "normkleur" in by_name else None,
        grade_from=number_of(by_name, "schoolcijfer_vanaf"),
        grade_to=number_of(by_name, "schoolcijfer_totenmet"),
    )


def read_colour(element: etree._Element) -> Colour:
    """A normkleur; a component that is not a number counts as 0 (the schema refuses it)."""
    by_name = children(element)

    def component(name: str) -> int:
        text = (text_of(by_name, name) or "").strip(values.XML_SPACE).removeprefix("+")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0

    return Colour(
        component("rood_code"),
        component("groen_code"),
        component("blauw_code"),
        number_of(by_name, "transparantie") or "",
    )


def bound(text: str | None) -> int | None:
    """A norm bound in ten-thousandths; None where it is absent or not a number."""
    try:
        return None if text is None else values.fixed_point(text)
    except ValueError:
        return None


def check_bands(bands: list[Band], note: Note) -> None:
    """Check for reversed, overlapping or too large bands, and for reversed grades."""
    spans: list[tuple[int, int]] = []
    for band in bands:
        for text in (band.low, band.high):
            if text is not None and len(text.strip(values.XML_SPACE).lstrip("+0").partition(".")[0]) > 14:
                note("norm.bound", "eindnormwaarde")
            if text is not None and "." in text:
                note("norm.decimal", "eindnormwaarde")
        low, high = bound(band.low), bound(band.high)
        if low is not None and high is not None:
            if low > high:
                note("norm.reversed", "norm")
            spans.append((low, high))
        if is_reversed(band.grade_from, band.grade_to):
            note("norm.grade", "schoolcijfer_vanaf")
    if overlap(spans):
        note("norm.overlap", "norm")


def is_reversed(first: str | None, second: str | None) -> bool:
    """Whether the first of two numbers is the greater."""
    first_bound, second_bound = bound(first), bound(second)
    return first_bound is not None and second_bound is not None and first_bound > second_bound


def check_terms(definition: TestDefinition, note: Note) -> None:
    """Check vocabulary bindings: terms of known vocabularies are checked, addresses are never fetched."""
    subject = definition.subject
    year = definition.year
    if year is not None and year.vocabulary is None and year.text not in JAARGROEPEN:
        note("test.year-term", "leerjaar")
    bound_terms: tuple[Term | None, ...] = (
        definition.code,
        definition.version,
        year,
        subject,
        *(level.term for level in definition.hierarchy),
        *(part.code for part in definition.parts or ()),
    )
    for location, element in locations(definition):
        if location and not location.startswith("https://"):
            note("test.vocabulary-location", element)
    for term in bound_terms:
        if term is None:
            continue
        if term.text not in VOCABULARIES.get((term.vocabulary or "").strip(), (term.text,)):
            note("test.vocabulary", "vakgebied" if term is subject else "toetscode")
        check_text(term.text, "vakgebied" if term is subject else "toetscode", note)
        check_text(term.vocabulary, "vakgebied" if term is subject else "toetscode", note)
    check_key(definition.code.text, "toetscode", note)


def locations(definition: TestDefinition) -> Iterator[tuple[str | None, str]]:
    """The address of every vocabulary in a definition, with the element that has it."""
    terms_of = {
        "toetscode": (definition.code,), "versie": (definition.version,), "leerjaar": (definition.year,),
        "vakgebied": (definition.subject,), "ingang": tuple(level.term for level in definition.hierarchy),
        "toetsonderdeelcode": tuple(part.code for part in definition.parts or ()),
    }  # fmt: skip
    yield from ((term.location, element) for element, terms in terms_of.items() for term in terms if term is not None)
    norms = [(definition.norm, "toetsnormering")]
    norms += [(part.norm, "toetsonderdeelnormering") for part in definition.parts or ()]
    for norm, element in norms:
        if norm is not None:
            yield norm.location, element
            yield from ((term.location, element) for term in (norm.category, norm.level) if term is not None)


def skeleton(key: str) -> str:
    """A key without case, and with letters of other alphabets replaced by their Latin look-alikes."""
    return unicodedata.normalize("NFKC", key).casefold().translate(_LATIN)


def check_key(key: str, element: str, note: Note) -> None:
    """Check a key for invisible characters, white space at an end, mixed alphabets and unnormalised characters."""
    invisible = any(unicodedata.category(c) in ("Cf", "Cc", "Zs", "Zl", "Zp") for c in key if c != " ")
    if (
        invisible
        or key != key.strip()
        or (not key.isascii() and (unicodedata.normalize("NFKC", key) != key or _scripts(key) > 1))
    ):
        note("text.lookalike", element)


def check_odd_key(key: str, element: str, note: Note) -> None:
    """Check a key that has more than letters, digits and common punctuation by `check_key` and `check_text`."""
    check_key(key, element, note)
    if key.isprintable():  # else `check_key` has noted it
        check_text(key, element, note)


def _scripts(text: str) -> int:
    """How many of the alphabets with look-alike letters a text uses."""
    names = (unicodedata.name(c, "").partition(" ")[0] for c in text if c.isalpha())
    return len({name for name in names if name in ("LATIN", "CYRILLIC", "GREEK")})


def check_text(text: str | None, element: str, note: Note) -> None:
    """Check for text that is unsafe where it is not shown as text: markup, templates, formulas, control characters."""
    if text is None:
        return
    if (
        text.startswith(_FORMULA_STARTS)
        or _ACTIVE_CONTENT.search(text)
        or not text.isprintable()
        or (sum(unicodedata.combining(c) > 0 for c in text) > len(text) // 2)
    ):
        note("text.control", element)
