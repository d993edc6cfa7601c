"""What XML Schema allows and a library may get wrong: blanks around numbers and days, xsi:type of an element's own."""

from __future__ import annotations

import re

import pytest
from lxml import etree

from connectors.intake.judge import Judgement
from connectors.uwlr import names
from connectors.uwlr.agreement import POLICIES, Policy
from connectors.uwlr.validator import schema
from models.schema.records import SCALE, Verdict
from tests.uwlr.messages import message
from tests.uwlr.test_differential import OFFICIAL, RESULTS_FILE
from tests.uwlr.test_rules import content, judged

XS = "http://www.w3.org/2001/XMLSchema"
BLANKS = (" {}", "{} ", "\n\t{}\r\n  ")
SCHEMAS = (names.DEFAULT_SCHEMA, names.VERSIONS["2.3"], names.TOLERANT_SCHEMA)

# The type of each element in the schema of the standard (UWLR 2.2) where that type has a name.
TYPES = {
    "school": "ctpSchool", "schooljaar": "tpSchooljaar", "brincode": "tpBrinCode", "schoolkey": "tpString256",
    "aanmaakdatum": "xs:dateTime", "auteur": "tpString128", "xsdversie": "tpString32", "commentaar": "tpString128",
    "toetsafname": "ctpToetsafname", "leerlingid": "tpKey", "eckid": "tpKey", "resultaatverwerkerid": "tpKey",
    "resultaat": "ctpResultaat", "afnamedatum": "xs:date", "resultaat/toetscode": "tpKey",
    "resultaat/toetsonderdeelcode": "tpKey", "score": "tpScore", "osoresultaat": "ctpOsoResultaat",
    "infourl": "tpString256", "toets": "ctpToets", "toets/toetscode": "ctpVocabulaireGebondenVeld",
    "toets/versie": "ctpVocabulaireGebondenVeld", "toetsnaam": "tpString128", "leerjaar": "ctpVocabulaireGebondenVeld",
    "vakgebied": "ctpVocabulaireGebondenVeld", "toetsnormering": "ctpNormering",
    "toetscategorie": "ctpVocabulaireGebondenVeld", "toetsniveau": "ctpVocabulaireGebondenVeld",
    "wegingsfactor": "xs:decimal", "term": "tpString64", "omschrijving": "tpString128", "beginnormwaarde": "tpScore",
    "eindnormwaarde": "tpScore", "rood_code": "tpKleurcode", "groen_code": "tpKleurcode",
    "blauw_code": "tpKleurcode", "transparantie": "tpTransparatiecode", "schoolcijfer_vanaf": "tpSchoolcijfer",
    "schoolcijfer_totenmet": "tpSchoolcijfer", "toetsonderdeel": "ctpToetsOnderdeel",
    "toetsonderdeelvolgnummer": "xs:positiveInteger", "toetsonderdeel/toetsonderdeelcode": "ctpVocabulaireGebondenVeld",
    "toetsonderdeelnaam": "tpString128", "toetsonderdeelnormering": "ctpNormering",
}  # fmt: skip


def with_text(data: bytes, name: str, form: str) -> bytes:
    """A message with blanks around the first value of an element, which must be there."""
    text = data.decode()
    changed = re.sub(rf"(<(?:\w+:)?{name}>)([^<]+)(<)", lambda m: m[1] + form.format(m[2]) + m[3], text, count=1)
    assert changed != text, name
    return changed.encode()


# -- blanks --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("form", BLANKS)
@pytest.mark.parametrize(
    ("name", "source"),
    [
        *((name, "good-2.2") for name in (
            "aanmaakdatum", "afnamedatum", "score", "beginnormwaarde", "eindnormwaarde", "wegingsfactor",
            "schoolcijfer_vanaf", "schoolcijfer_totenmet", "rood_code", "transparantie", "toetsonderdeelvolgnummer",
        )),
        *((name, "good-oso") for name in ("aantalopgaven", "aantalgoed", "tijd", "vaardigheidsscore", "bivlaag")),
        *((name, "good-progress") for name in ("tijd", "gemaakt")),
    ],
)  # fmt: skip
def test_blanks_around_a_number_or_a_day_are_no_part_of_it(name: str, source: str, form: str, policy: Policy) -> None:
    plain, blank = judged(content(source), policy), judged(with_text(content(source), name, form), policy)
    assert blank.findings == []
    assert what_is_stored(blank) == what_is_stored(plain)


def what_is_stored(judgement: Judgement) -> tuple[object, ...]:
    batch = judgement.batch
    assert batch is not None
    return batch.head, batch.definitions, [row for chunk in batch.chunks() for row in chunk]


@pytest.mark.parametrize("policy", POLICIES)
def test_blanks_around_a_day_with_a_zone_are_no_part_of_it(policy: Policy) -> None:
    judgement = judged(message().replace(b"2026-11-10<", b" 2026-11-10+01:00\n<"), policy)
    assert [finding.rule for finding in judgement.findings] == ["result.date-zone"]
    ((row,),) = [chunk for _, _, chunk in [what_is_stored(judgement)]]
    assert (row[5], row[11]) == ("2026-11-10", "2026-11-10+01:00")


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("afnamedatum", "2026-11 -10"), ("afnamedatum", " "), ("afnamedatum", "\u00a02026-11-10"),
        ("afnamedatum", " 2026-13-10"), ("aanmaakdatum", "2026-11-11 00:05:46"), ("aanmaakdatum", "\n"),
    ],
)  # fmt: skip
def test_what_is_no_day_is_none_with_blanks_either(name: str, text: str, policy: Policy) -> None:
    judgement = judged(re.sub(rf"<{name}>[^<]*", f"<{name}>{text}", message().decode()).encode(), policy)
    assert judgement.verdict is Verdict.REJECT
    assert "xsd.value" in {finding.rule for finding in judgement.findings}


@pytest.mark.parametrize("name", ["schooljaar", "brincode"])
def test_blanks_in_a_text_are_part_of_it(name: str) -> None:
    judgement = judged(with_text(message(), name, " {}"), "strict")
    assert judgement.verdict is Verdict.REJECT
    kept = judged(with_text(message(), "toetsnaam", " {} "), "strict")
    assert kept.batch is not None
    assert kept.batch.definitions[0].name == " Toets 1 "


# -- xsi:type ------------------------------------------------------------------------------------------------


def typed(source: str, path: str, type_name: str) -> bytes | None:
    """A message that says the type of its first element at a path; None where it has none there."""
    root = etree.fromstring(content(source))
    element = root.find(".//" + "/".join(names.lr(step) for step in path.split("/")))
    if element is None:
        return None
    element.set(f"{{{names.XSI}}}type", type_name if ":" in type_name else f"lr:{type_name}")
    text = etree.tostring(root, encoding="unicode")
    declared = f'<leerresultaten_verzoek xmlns:lr="{names.LR}" xmlns:xs="{XS}"'
    return text.replace("<leerresultaten_verzoek", declared, 1).encode()


def messages_with(path: str, type_name: str) -> list[bytes]:
    made = [typed(source, path, type_name) for source in ("good-2.2", "good-oso", "good-schoolkey")]
    return [data for data in made if data is not None]


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("path", TYPES)
def test_the_type_that_an_element_has_anyway_may_be_said(path: str, policy: Policy) -> None:
    made = messages_with(path, TYPES[path])
    assert made
    for data in made:
        judgement = judged(data, policy)
        assert judgement.findings == []
        assert judgement.batch is not None
        assert schema(names.VERSIONS["2.3"]).validate(etree.fromstring(data))


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("type_name", ["xs:string", "xs:anyType", "ctpSchool", "tpSchooljaar", "tpNooit", "nooit:x"])
@pytest.mark.parametrize("path", ["score", "toets", "leerlingid", "afnamedatum", "beginnormwaarde"])
def test_another_type_is_refused(path: str, type_name: str, policy: Policy) -> None:
    for data in messages_with(path, type_name):
        judgement = judged(data, policy)
        assert judgement.verdict is Verdict.REJECT
        assert {finding.rule for finding in judgement.findings} == {"xsd.xsi-type"}


def test_a_type_that_is_said_loosens_no_value() -> None:
    data = messages_with("score", "tpScore")[0]
    assert judged(re.sub(rb">[0-9]+</score>", b">-1</score>", data, count=1), "strict").fault == "Client.ScoreOngeldig"
    assert judged(re.sub(rb">[0-9]+</score>", b">X</score>", data, count=1), "tolerant").verdict is Verdict.REJECT


@pytest.mark.skipif(not OFFICIAL.is_dir(), reason="no copy of the official UWLR files here")
def test_these_are_the_types_of_the_official_schema() -> None:
    document = etree.parse(OFFICIAL / RESULTS_FILE)
    reading = {(path.rpartition("/")[2], type_name) for path, type_name in TYPES.items()}
    theirs = {
        (element.get("name"), element.get("type"))
        for element in document.iter(f"{{{XS}}}element")
        if element.get("name") and element.get("type")
    }
    outside = {"leerresultaten_bevestiging", "anderresultaat", "andere_score"}  # no result, abstract, text
    assert reading == {pair for pair in theirs if pair[0] not in outside}
    official = etree.XMLSchema(document)
    for path, type_name in TYPES.items():
        for data in messages_with(path, type_name):
            assert official.validate(etree.fromstring(data)), official.error_log


def test_a_vaardigheidsscore_keeps_its_text_and_four_decimals() -> None:
    judgement = judged(content("oso.decimals"), "strict")
    assert judgement.batch is not None
    ((row,),) = [list(chunk) for chunk in judgement.batch.chunks()]
    assert row[6] == "0." + "3" * 44
    assert row[7] == round(0.3333 * SCALE)
