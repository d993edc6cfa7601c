"""What a receiver can test, sentence by sentence of the standard: a small change of a good message, and its fault.

A fault says which part of a message is wrong: a score, a norming, an OSO result, how a pupil is named, or else the
message. So every change below stands under the fault that it must bring about, with the rule that must say so.
"""

from __future__ import annotations

from copy import deepcopy

import pytest
from lxml import etree

from connectors.intake.judge import Judgement
from connectors.uwlr.agreement import Agreement
from connectors.uwlr.forms import FORMS
from connectors.uwlr.names import OSO
from models.schema.records import Verdict
from tests.uwlr.test_rules import ACCESS, MESSAGE, NORM, OSO_FAULT, PUPIL, SCORE, TERM, VERSION, content, judged

XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
EMPTY, LONG_64, LONG_128, LONG_256 = "", "a" * 65, "a" * 129, "a" * 257

# Types and patterns (UWLR 2.2 XSD; OSO 1.2): element, values that it may not have. A value that our own rule knows
# by name stands with that rule; all others are `xsd.value`.
VALUES: dict[str, dict[str, tuple[str, ...]]] = {
    MESSAGE: {
        "school/schooljaar": ("2026/2027", "0926-0927", "26-27", EMPTY),
        "school/auteur": (EMPTY, LONG_128),
        "school/aanmaakdatum": ("2026-11-11", "11-11-2026T00:05:46", "2026-13-11T00:05:46", EMPTY),
        "school/dependancecode": ("001", "A1", "x"),
        "school/schoolkey": (EMPTY, LONG_256),
        "school/xsdversie": (EMPTY, "2.2" * 11),
        "school/commentaar": (EMPTY, LONG_128),
        "toetsafname/resultaatverwerkerid": (EMPTY, LONG_256),
        "resultaat/afnamedatum": ("10-11-2026", "2026-02-30", "2026-11-10T09:00:00", EMPTY),
        "resultaat/toetscode": (EMPTY, LONG_256),
        "resultaat/versie": (EMPTY, LONG_256),
        "resultaat/toetsonderdeelcode": (EMPTY, LONG_256),
        "resultaat/infourl": (EMPTY, LONG_256),
        "toets/toetscode": (EMPTY, LONG_256),
        "toets/versie": (EMPTY, LONG_256),
        "toets/toetsnaam": (EMPTY, LONG_128),
        "toets/leerjaar": (EMPTY, LONG_256),
        "toets/vakgebied": (EMPTY, LONG_256),
        "toetshierarchie/ingang": (EMPTY, LONG_256),
        "toetsonderdeel/toetsonderdeelvolgnummer": ("0", "-1", "1.5", "een", EMPTY),
        "toetsonderdeel/toetsonderdeelcode": (EMPTY, LONG_256),
        "toetsonderdeel/toetsonderdeelnaam": (EMPTY, LONG_128),
        "anderresultaat/status": ("klaar", EMPTY),
        "anderresultaat/tijd": ("P1M", "-PT1M", "1:25", EMPTY),
        "anderresultaat/gemaakt": ("-1", "tien", EMPTY),
    },
    PUPIL: {
        "toetsafname/leerlingid": (EMPTY, LONG_256),
        "toetsafname/eckid": (EMPTY, LONG_256),
    },
    SCORE: {
        "resultaat/score": ("-1", "zeven", "1e3", "7,5", "7.", "٧", EMPTY, " "),
    },
    NORM: {
        "toetsnormering/toetscategorie": (EMPTY, LONG_256),
        "toetsnormering/toetsniveau": (EMPTY, LONG_256),
        "toetsnormering/wegingsfactor": ("veel", "1,5", EMPTY),
        "norm/term": (EMPTY, LONG_64),
        "norm/omschrijving": (EMPTY, LONG_128),
        "norm/beginnormwaarde": ("-1", "laag", EMPTY),
        "norm/eindnormwaarde": ("-1", "hoog", EMPTY),
        "normkleur/rood_code": ("256", "-1", "purper", EMPTY),
        "normkleur/groen_code": ("256", "-1", "1.5", EMPTY),
        "normkleur/blauw_code": ("256", "-1", "0x1", EMPTY),
        "normkleur/transparantie": ("1.01", "-0.01", "half", EMPTY),
        "norm/schoolcijfer_vanaf": ("0.99", "10.01", "goed", EMPTY),
        "norm/schoolcijfer_totenmet": ("0", "11", "7,5", EMPTY),
        "toetsonderdeelnormering/norm/term": (EMPTY, LONG_64),
        "toetsonderdeelnormering/norm/eindnormwaarde": ("-1", "hoog", EMPTY),
    },
    OSO_FAULT: {
        "toetsscore/aantalopgaven": ("veertig", "1.5", "99999999999", EMPTY),
        "toetsscore/aantalgoed": ("x", EMPTY),
        "toetsscore/aantalfout": ("x", EMPTY),
        "toetsscore/aantalgelezen": ("x", EMPTY),
        "toetsscore/tijd": ("PT25M", EMPTY),
        "toetsscore/vaardigheidsscore": ("hoog", "1,5", EMPTY),
        "toetsscore/codevaardigheidsschaal": (EMPTY,),
        "betrouwbaarheidsinterval/bivlaag": ("x", EMPTY),
        "betrouwbaarheidsinterval/bivhoog": ("x", EMPTY),
        "referentiescore/codereferentiescore": (EMPTY,),
        "referentiescore/codevergelijkingsgroep": (EMPTY,),
        "referentiescore/waarde": (EMPTY,),
        "referentiescore/kwalificatie": (EMPTY,),
    },
}
# Values with a rule of their own: schema, bound or meaning.
OWN_VALUES = [
    (MESSAGE, "school.brin", "school/brincode", ("9XX", "99xx", "99XXX", "XX99", EMPTY)),
    (MESSAGE, "school.dependance", "school/dependancecode", ("A1", "٠١")),
    (MESSAGE, "school.dependance-short", "school/dependancecode", ("1",)),
    (MESSAGE, "school.year", "school/schooljaar", ("2026-2026", "2026-2025", "2026-2028")),
    (MESSAGE, "school.created", "school/aanmaakdatum", ("2026-11-22T00:00:00", "1989-12-31T00:00:00")),
    (VERSION, "version.unsupported", "school/xsdversie", ("1.0", "2.4", "3", "nieuwste")),
    (MESSAGE, "result.date", "resultaat/afnamedatum", ("1989-12-31", "2200-01-01")),
    (MESSAGE, "test.part-number", "toetsonderdeel/toetsonderdeelvolgnummer", ("2147483648",)),
    (MESSAGE, "result.duration", "anderresultaat/tijd", ("P401D",)),
    (PUPIL, "pupil.bsn", "toetsafname/eckid", ("111222333",)),
    (SCORE, "score.decimal", "resultaat/score", ("7.5", "0.0")),
    (SCORE, "score.not-offered", "resultaat/score", ("X",)),
    (SCORE, "score.bound", "resultaat/score", ("9" * 15, "9" * 40)),
    (NORM, "norm.decimal", "norm/beginnormwaarde", ("0.5",)),
    (NORM, "norm.decimal", "toetsonderdeelnormering/norm/eindnormwaarde", ("8.0",)),
    (NORM, "norm.bound", "norm/eindnormwaarde", ("9" * 15,)),
    (NORM, "norm.reversed", "norm/beginnormwaarde", ("13",)),
    (NORM, "test.level-empty", "toetsnormering/toetsniveau", (EMPTY,)),
    (OSO_FAULT, "oso.bound", "toetsscore/aantalgoed", ("-1",)),
    (OSO_FAULT, "oso.bound", "toetsscore/vaardigheidsscore", ("9" * 15,)),
    (TERM, "test.vocabulary", "toets/vakgebied", ("Toveren", "rekenen en wiskunde")),
    (MESSAGE, "key.test-defined", "resultaat/toetscode", ("T9", " T1", "t1")),
    (MESSAGE, "key.test-unique", "toets/toetscode", ("R3",)),
    (MESSAGE, "key.part-defined", "resultaat/toetsonderdeelcode", ("Z",)),
    (MESSAGE, "key.part-number-unique", "toetsonderdeel/toetsonderdeelvolgnummer", ("2", "02")),
]

# Cardinality: elements of which there must be one (or more); all with this name are left out.
REQUIRED = {
    MESSAGE: (
        "school/schooljaar", "school/brincode", "school/schoolkey", "school/aanmaakdatum", "school/xsdversie",
        "toetsafnames",
        "toetsafnames/toetsafname", "toetsafname/resultaten", "resultaten/resultaat", "resultaat/afnamedatum",
        "resultaat/toetscode", "resultaat/score", "resultaat/osoresultaat", "resultaat/anderresultaat", "toetsen",
        "toetsen/toets", "toets/toetscode", "toetshierarchie/ingang", "toetsonderdelen/toetsonderdeel",
        "toetsonderdeel/toetsonderdeelvolgnummer", "toetsonderdeel/toetsonderdeelcode", "anderresultaat/status",
    ),
    PUPIL: ("toetsafname/leerlingid",),
    NORM: (
        "toetsnormering/norm", "norm/term", "norm/beginnormwaarde", "norm/eindnormwaarde", "normkleur/rood_code",
        "normkleur/groen_code", "normkleur/blauw_code", "normkleur/transparantie", "toetsonderdeelnormering/norm",
    ),
    OSO_FAULT: (
        "betrouwbaarheidsinterval/bivlaag", "betrouwbaarheidsinterval/bivhoog", "referentiescore/codereferentiescore",
        "referentiescore/codevergelijkingsgroep", "referentiescore/waarde",
    ),
}  # fmt: skip
# What is missing by a name of its own; all else is `xsd.missing`, or `xsd.order` where something stands in its place.
OWN_MISSING = {
    "school/xsdversie": "version.missing",
    "toetsafname/leerlingid": "pupil.no-las-key",
    "resultaat/score": "result.none",
    "resultaat/osoresultaat": "result.none",
    "resultaat/anderresultaat": "result.none",
    "norm/beginnormwaarde": "norm.maximum-only",
}
REQUIRED_ATTRIBUTES = [("resultaten/resultaat", "key"), ("toetshierarchie/ingang", "niveau")]

# Cardinality and order: elements of which there may be one, repeated beside themselves; the fault is the parent's.
AT_MOST_ONCE = {
    MESSAGE: (
        "school", "school/schooljaar", "school/brincode", "school/dependancecode", "school/schoolkey",
        "school/aanmaakdatum", "school/auteur", "school/xsdversie", "school/commentaar", "toetsafnames",
        "toetsafname/resultaatverwerkerid", "toetsafname/resultaten", "resultaat/afnamedatum", "resultaat/toetscode",
        "resultaat/versie", "resultaat/toetsonderdeelcode", "resultaat/score", "resultaat/osoresultaat",
        "resultaat/anderresultaat", "resultaat/infourl", "toetsen", "toets/toetscode", "toets/versie",
        "toets/toetsnaam", "toets/leerjaar", "toets/vakgebied", "toets/toetsnormering", "toets/toetshierarchie",
        "toets/toetsonderdelen", "toetsonderdeel/toetsonderdeelvolgnummer", "toetsonderdeel/toetsonderdeelcode",
        "toetsonderdeel/toetsonderdeelnaam", "toetsonderdeel/toetsonderdeelnormering",
    ),
    PUPIL: ("toetsafname/leerlingid", "toetsafname/eckid"),
    NORM: (
        "toetsnormering/toetscategorie", "toetsnormering/toetsniveau", "toetsnormering/wegingsfactor", "norm/term",
        "norm/omschrijving", "norm/beginnormwaarde", "norm/eindnormwaarde", "norm/normkleur", "normkleur/rood_code",
        "normkleur/groen_code", "normkleur/blauw_code", "normkleur/transparantie", "norm/schoolcijfer_vanaf",
        "norm/schoolcijfer_totenmet",
    ),
    OSO_FAULT: (
        "osoresultaat/toetsscore", "toetsscore/aantalopgaven", "toetsscore/aantalgoed", "toetsscore/aantalfout",
        "toetsscore/aantalgelezen", "toetsscore/tijd", "toetsscore/vaardigheidsscore",
        "toetsscore/codevaardigheidsschaal", "toetsscore/betrouwbaarheidsinterval", "betrouwbaarheidsinterval/bivlaag",
        "betrouwbaarheidsinterval/bivhoog", "referentiescore/codereferentiescore",
        "referentiescore/codevergelijkingsgroep", "referentiescore/waarde", "referentiescore/kwalificatie",
    ),
}  # fmt: skip
# Order: an element that stands first instead of in its place.
OUT_OF_PLACE = [
    (MESSAGE, "toetsen"),
    (MESSAGE, "school/xsdversie"),
    (MESSAGE, "resultaat/score"),
    (MESSAGE, "toets/toetsnormering"),
    (MESSAGE, "toetsonderdeel/toetsonderdeelcode"),
    (PUPIL, "toetsafname/eckid"),
    (PUPIL, "toetsafname/resultaten"),  # where the leerlingid must stand
    (NORM, "norm/eindnormwaarde"),
    (NORM, "normkleur/transparantie"),
    (OSO_FAULT, "toetsscore/tijd"),
    (OSO_FAULT, "referentiescore/waarde"),
]

# Attributes and content: places where an attribute, an element or a text that the schema does not know is put.
PLACES = {
    MESSAGE: (
        "school", "school/brincode", "toetsafnames", "toetsafname", "resultaten", "resultaat", "resultaat/toetscode",
        "resultaat/versie", "resultaat/infourl", "toetsen", "toets", "toets/toetscode", "toets/vakgebied",
        "toetshierarchie", "toetshierarchie/ingang", "toetsonderdelen", "toetsonderdeel", "anderresultaat/status",
    ),
    PUPIL: ("toetsafname/leerlingid", "toetsafname/eckid"),
    SCORE: ("resultaat/score",),
    NORM: (
        "toetsnormering", "toetsnormering/toetsniveau", "norm", "norm/term", "norm/beginnormwaarde", "normkleur",
        "normkleur/rood_code", "norm/schoolcijfer_vanaf", "toetsonderdeelnormering", "toetsonderdeelnormering/norm",
    ),
    OSO_FAULT: (
        "osoresultaat", "toetsscore", "toetsscore/tijd", "betrouwbaarheidsinterval", "referentiescore",
        "referentiescore/waarde",
    ),
}  # fmt: skip
CONTAINERS = (
    "school", "toetsafnames", "toetsafname", "resultaten", "resultaat", "toetsen", "toets", "toetshierarchie",
    "toetsonderdelen", "toetsonderdeel", "toetsnormering", "norm", "normkleur", "toetsonderdeelnormering",
    "toetsonderdeelnormering/norm", "osoresultaat", "toetsscore", "betrouwbaarheidsinterval", "referentiescore",
)  # fmt: skip


def good(path: str) -> etree._Element:
    """A good message that has the element at `path`."""
    for name in ("good-2.2", "good-schoolkey", "good-oso", "good-progress"):
        root = etree.fromstring(content(name), etree.XMLParser(remove_blank_text=True))
        if root.find(at(path)) is not None:
            return root
    raise LookupError(path)


def at(path: str) -> str:
    """A path of local names as one that lxml takes, from anywhere in a message."""
    return ".//" + "/".join(f"{{*}}{name}" for name in path.split("/"))


def the(root: etree._Element, path: str) -> etree._Element:
    """The first element at `path`."""
    element = root.find(at(path))
    assert element is not None
    return element


def verdict_on(root: etree._Element, agreement: Agreement | None = None) -> Judgement:
    """What a strict receiver says; a tolerant one says the same, or tolerates it as a whole."""
    data = etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True)
    strict = judged(data, "strict", agreement or Agreement())
    tolerant = judged(data, "tolerant", agreement or Agreement())
    for judgement in (strict, tolerant):
        assert (judgement.batch is None) == (judgement.verdict is Verdict.REJECT) == (judgement.fault is not None)
        assert all(finding.line is not None for finding in judgement.findings)
    assert tolerant.fault in (None, strict.fault)
    return strict


def assert_refused(root: etree._Element, fault: str, *rules: str) -> None:
    """Refused with this fault, for one of these rules, with the place where it is."""
    judgement = verdict_on(root)
    errors = [finding for finding in judgement.findings if finding.level == "error"]
    assert judgement.fault == fault
    assert {error.fault for error in errors} == {fault}
    assert {error.rule for error in errors} & set(rules)
    assert all(error.path for error in errors)


def rows(table: dict[str, tuple[str, ...]]) -> list[tuple[str, str]]:
    return [(fault, path) for fault, paths in table.items() for path in paths]


@pytest.mark.parametrize(
    ("fault", "path", "value"),
    [(fault, path, value) for fault, paths in VALUES.items() for path, values in paths.items() for value in values],
)
def test_a_value_that_its_type_does_not_allow(fault: str, path: str, value: str) -> None:
    root = good(path)
    the(root, path).text = value
    judgement = verdict_on(root)
    findings = [finding for finding in judgement.findings if finding.level == "error" and finding.rule == "xsd.value"]
    assert judgement.fault == fault
    assert [finding.fault for finding in findings] == [fault]
    assert findings[0].path is not None
    assert findings[0].path.endswith("/" + path.rpartition("/")[2])
    assert not value.strip() or value not in f"{findings[0].message_nl} {findings[0].message_en}"
    leaf = path.rpartition("/")[2]
    assert findings[0].remedy == f"Schrijf in {leaf}: {FORMS[leaf][0]}."


@pytest.mark.parametrize(
    ("fault", "rule", "path", "value"),
    [(fault, rule, path, value) for fault, rule, path, values in OWN_VALUES for value in values],
)
def test_a_value_with_a_rule_of_its_own(fault: str, rule: str, path: str, value: str) -> None:
    root = good(path)
    the(root, path).text = value
    assert_refused(root, fault, rule)


@pytest.mark.parametrize(("fault", "path"), rows(REQUIRED))
def test_a_required_element_that_is_missing(fault: str, path: str) -> None:
    root = good(path)
    parent = the(root, path).getparent()
    assert parent is not None
    for element in parent.findall("{*}" + path.rpartition("/")[2]):
        parent.remove(element)
    own = OWN_MISSING.get(path)
    assert_refused(root, fault, *((own,) if own else ("xsd.missing", "xsd.order")))


def test_a_message_without_school() -> None:
    root = good("school")
    root.remove(the(root, "school"))
    judgement = judged(etree.tostring(root), "strict")
    assert judgement.fault == MESSAGE
    assert (judgement.findings[0].rule, judgement.findings[0].line) == ("xsd.order", 1)


@pytest.mark.parametrize(("path", "name"), REQUIRED_ATTRIBUTES)
def test_a_required_attribute_that_is_missing(path: str, name: str) -> None:
    root = good(path)
    del the(root, path).attrib[name]
    assert_refused(root, MESSAGE, "xsd.attribute-missing")
    (finding,) = verdict_on(root).findings
    assert f"het attribuut {name}." in finding.message_nl
    assert FORMS[name][0] in finding.remedy


@pytest.mark.parametrize(("fault", "path"), rows(AT_MOST_ONCE))
def test_an_element_that_stands_twice(fault: str, path: str) -> None:
    root = good(path)
    the(root, path).addnext(deepcopy(the(root, path)))
    assert_refused(root, fault, "xsd.order", "xsd.extra")
    assert all("-" not in finding.remedy for finding in verdict_on(root).findings)


@pytest.mark.parametrize(("fault", "path"), OUT_OF_PLACE)
def test_an_element_out_of_its_place(fault: str, path: str) -> None:
    root = good(path)
    element = the(root, path)
    parent = element.getparent()
    assert parent is not None
    parent.insert(0, element)
    assert_refused(root, fault, "xsd.order", "pupil.no-las-key", "norm.maximum-only")


@pytest.mark.parametrize(("fault", "path"), rows(PLACES))
def test_an_attribute_that_the_schema_does_not_know(fault: str, path: str) -> None:
    root = good(path)
    the(root, path).set("eigen", "1")
    assert_refused(root, fault, "xsd.attribute")


@pytest.mark.parametrize(("fault", "path"), rows(PLACES))
def test_an_element_that_the_schema_does_not_know(fault: str, path: str) -> None:
    for namespace in ("urn:uitgever", "http://www.edustandaard.nl/leerresultaten/2/leerresultaten", OSO):
        root = good(path)
        etree.SubElement(the(root, path), f"{{{namespace}}}eigen").text = "1"
        assert_refused(root, fault, "xsd.unknown", "xsd.unknown-last", "xsd.content")


@pytest.mark.parametrize(("fault", "path"), [row for row in rows(PLACES) if row[1] in CONTAINERS])
@pytest.mark.parametrize("last", [False, True])
def test_a_text_between_elements(fault: str, path: str, last: bool) -> None:
    root = good(path)
    if last:
        the(root, path)[-1].tail = "tekst"
    else:
        the(root, path).text = "tekst"
    assert_refused(root, fault, "xsd.text")


@pytest.mark.parametrize(
    ("fault", "path"),
    [(SCORE, "resultaat/score"), (PUPIL, "toetsafname/eckid"), (NORM, "norm/term"), (OSO_FAULT, "toetsscore/tijd")],
)
def test_an_xsi_type_that_does_not_fit(fault: str, path: str) -> None:
    root = good(path)
    the(root, path).set(XSI_TYPE, "eigen")
    assert_refused(root, fault, "xsd.xsi-type")


@pytest.mark.parametrize("named", [None, "ctpAnderResultaatType", "eigen"])
def test_an_anderresultaat_without_an_agreed_type(named: str | None) -> None:
    root = good("resultaat/anderresultaat")
    other = the(root, "resultaat/anderresultaat")
    other.clear()
    if named is not None:
        other.set(XSI_TYPE, named)
    assert_refused(root, MESSAGE, "xsd.type")


def test_a_binding_that_is_no_address() -> None:
    for fault, path in ((MESSAGE, "toets/vakgebied"), (NORM, "toetsnormering"), (NORM, "toetsnormering/toetsniveau")):
        root = good(path)
        the(root, path).set("vocabulaire", ":%")
        assert_refused(root, fault, "xsd.attribute-value")


def test_a_school_is_named_by_brincode_or_by_schoolkey_and_not_by_both() -> None:
    for path, name in (("school/brincode", "schoolkey"), ("school/schoolkey", "brincode")):
        root = good(path)
        sibling = etree.Element(the(root, path).tag.replace(path.partition("/")[2], name))
        sibling.text = "99XX"
        the(root, path).addnext(sibling)
        assert_refused(root, MESSAGE, "xsd.order")


def test_a_result_has_one_outcome() -> None:
    root = good("resultaat/score")
    the(root, "resultaat/score").addnext(deepcopy(the(good("resultaat/osoresultaat"), "resultaat/osoresultaat")))
    assert_refused(root, MESSAGE, "xsd.order")


def test_a_school_has_no_peildatum() -> None:
    root = good("school/aanmaakdatum")
    date = etree.Element(the(root, "school/aanmaakdatum").tag.replace("aanmaakdatum", "peildatum"))
    date.text = "2026-11-11"
    the(root, "school/aanmaakdatum").addnext(date)
    assert_refused(root, MESSAGE, "xsd.order")


def test_a_pupil_without_any_identifier_is_about_the_pupil_in_every_version() -> None:
    for version in ("2.1", "2.2", "2.3"):
        root = good("toetsafname/leerlingid")
        the(root, "school/xsdversie").text = version
        for name in ("leerlingid", "eckid"):
            element = the(root, f"toetsafname/{name}")
            the(root, "toetsafname").remove(element)
        assert_refused(root, PUPIL, "pupil.no-las-key", "xsd.order")


def test_result_keys_are_unique_also_between_pupils() -> None:
    root = good("toetsafname")
    the(root, "toetsafnames").append(deepcopy(the(root, "toetsafname")))
    assert_refused(root, MESSAGE, "key.result-unique")


def test_a_test_code_is_unique_also_where_versions_differ() -> None:
    root = good("toets/versie")
    test = next(element for element in root.iter("{*}toets") if element.find("{*}versie") is not None)
    other = deepcopy(test)
    the(other, "versie").text = "2"
    test.addnext(other)
    assert_refused(root, MESSAGE, "key.test-unique")


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("school/dependancecode", ""),
        ("school/dependancecode", "00"),
        ("school/aanmaakdatum", "2026-11-11T00:05:46.25+01:00"),
        ("school/xsdversie", "2.2.1"),
        ("toetsafname/eckid", "eck-1"),
        ("resultaat/score", "0"),
        ("resultaat/score", "+7"),
        ("resultaat/score", "007"),
        ("resultaat/infourl", "zie de methode"),
        ("resultaat/afnamedatum", "2026-11-10+01:00"),
        ("norm/eindnormwaarde", "13"),
        ("normkleur/rood_code", "0"),
        ("normkleur/transparantie", "1"),
        ("norm/schoolcijfer_vanaf", "10"),
        ("toetsnormering/wegingsfactor", "-2"),
        ("toetsonderdeel/toetsonderdeelcode", "B"),
        ("toetsscore/aantalgoed", "0"),
        ("toetsscore/tijd", "12.5"),
    ],
)
def test_what_the_standard_allows_is_not_refused(path: str, value: str) -> None:
    root = good(path)
    the(root, path).text = value
    if (path, value) == ("toetsonderdeel/toetsonderdeelcode", "B"):
        the(root, "resultaat/toetsonderdeelcode").text = "B"
    judgement = verdict_on(root)
    assert judgement.fault is None
    assert judgement.batch is not None


def test_what_the_standard_allows_of_keys_is_not_refused() -> None:
    twice = good("toetsafname")
    again = deepcopy(the(twice, "toetsafname"))
    for number, element in enumerate(again.iter("{*}resultaat")):
        element.set("key", f"andere-{number}")
    the(twice, "toetsafnames").append(again)
    unused = good("toetsen")
    definition = etree.SubElement(the(unused, "toetsen"), the(unused, "toets").tag)
    etree.SubElement(definition, the(unused, "toets/toetscode").tag).text = "T8"
    empty = good("osoresultaat")
    the(empty, "osoresultaat").clear()
    depths = good("toetshierarchie/ingang")
    the(depths, "toetshierarchie/ingang").set("niveau", "-1")
    for root in (twice, unused, empty, depths):
        assert verdict_on(root).fault is None


@pytest.mark.parametrize(
    ("children", "rule"),
    [
        ({"autorisatiesleutel": "s", "klantcode": "k", "klantnaam": ""}, "header.incomplete"),
        ({"autorisatiesleutel": "s", "klantcode": "k", "klantnaam": "n" * 65}, "header.incomplete"),
        ({"autorisatiesleutel": "s", "klantcode": "k"}, "header.incomplete"),
        ({"klantcode": "k", "klantnaam": "n", "autorisatiesleutel": "s"}, "header.incomplete"),
        ({"autorisatiesleutel": "s", "klantcode": "k", "klantnaam": "n", "klantland": "nl"}, "header.incomplete"),
        ({}, "header.incomplete"),
    ],
)
def test_an_autorisatie_that_is_not_whole(children: dict[str, str], rule: str) -> None:
    root = etree.fromstring(content("good-enveloped"))
    account = the(root, "autorisatie")
    namespace = account.tag.rpartition("}")[0]
    account.clear()
    for name, text in children.items():
        etree.SubElement(account, f"{namespace}}}{name}").text = text
    judgement = verdict_on(root, Agreement(header="required"))
    assert judgement.fault == ACCESS
    assert rule in {finding.rule for finding in judgement.findings}


def test_a_cut_or_garbled_message_is_no_message() -> None:
    whole = content("good-enveloped")
    for data in (whole[:-1].rstrip(b">"), whole[: len(whole) // 2], whole + b"<x/>", b"geen xml", b"\xff" + whole):
        assert judged(data, "strict").fault == MESSAGE


def test_the_earliest_check_gives_the_fault() -> None:
    """Schema, version, vocabulary, pupils, norms (UWLR 2.2.1, leerresultatenoverdracht)."""
    root = good("toets/vakgebied")
    for path, value, fault in (
        ("toetsnormering/norm/beginnormwaarde", "99", NORM),
        ("toetsafname/eckid", "111222333", PUPIL),
        ("toets/vakgebied", "Toveren", TERM),
        ("school/xsdversie", "9.9", VERSION),
        ("resultaat/score", "zeven", SCORE),
    ):
        the(root, path).text = value
        assert verdict_on(root).fault == fault
