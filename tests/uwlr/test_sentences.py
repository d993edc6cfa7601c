"""The sentences that senders get: they name the error that was made, and no other, in both languages."""

from __future__ import annotations

import re
from importlib import resources

import pytest
from lxml import etree

from connectors.intake.push import fault_sentence
from connectors.uwlr import names
from connectors.uwlr.agreement import POLICIES, STRICT, Agreement, Policy
from connectors.uwlr.forms import FORMS
from connectors.uwlr.rules import RULES, Rule
from models.ingest.result_store import Receipt
from tests.uwlr.messages import message
from tests.uwlr.test_rules import GOOD, PUSHED, ROWS, content, judged

XSI = f'xmlns:xsi="{names.XSI}"'
VERSION_1 = "http://www.edustandaard.nl/leerresultaten/1/"
VERSION_2 = "http://www.edustandaard.nl/leerresultaten/2/"


def changed(old: str, new: str, data: bytes | None = None) -> bytes:
    text = (data or message()).decode()
    assert old in text
    return text.replace(old, new).encode()


def told(data: bytes, agreement: Agreement = STRICT, policy: Policy = "strict") -> tuple[list[str], str]:
    """The rules that are broken, and the sentence of the fault."""
    judgement = judged(data, policy, agreement)
    receipt = Receipt(1, judgement.verdict, judgement.fault, tuple(judgement.findings))
    return [finding.rule for finding in judgement.findings], fault_sentence(receipt)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize(
    ("old", "new", "rule", "words"),
    [
        (">2026-2027<", ">2026-\uff12\uff10\uff12\uff17<", "xsd.value", "gewone cijfers (0-9)"),
        (">2026-2027<", ">2\uff10\uff12\uff16-2\uff10\uff12\uff17<", "school.year-digits", "gewone cijfers (0-9)"),
        (">2026-2027<", ">2026-2026<", "school.year", "het eerste plus één"),
        (">2026-2027<", "><", "xsd.value", "twee opeenvolgende jaren"),
        ("<score>", '<score xmlns="urn:x">', "xsd.namespace", f"Zet score in de namespace {names.LR}"),
        ("<toetsen>", '<toetsen xmlns="">', "xsd.namespace", f"Zet toetsen in de namespace {names.LR}"),
        (' key="r1"', "", "xsd.attribute-missing", "Bij resultaat ontbreekt het attribuut key."),
        (' key="r1"', ' key=""', "xsd.attribute-value", "Schrijf in key: een tekst van 1 tot 256 tekens."),
        (' key="r1"', ' key="r1" id="1"', "xsd.attribute", "een attribuut dat het schema daar niet kent"),
        ("<score>", f'<score {XSI} xsi:nil="false">', "xsd.nil", "xsi:nil"),
        ("<score>7</score>", f'<score {XSI} xsi:nil="true"/>', "xsd.nil", "xsi:nil"),
        ("<score>", f'<score {XSI} xsi:nil="ja">', "xsd.nil", "xsi:nil"),
        ("</score>", "</score><score>7</score>", "xsd.order", "hier mag alleen infourl komen"),
        ("</toetsen>", "</toetsen><toetsen/>", "xsd.extra", "er mag hier niets meer komen"),
        ("<toetsen>", "<toetsen><test/>", "xsd.unknown", "hier mag alleen toets komen"),
        ("<school>", "<school>x", "xsd.text", "In school staat tekst tussen de elementen."),
        ("<score>7", "<score><b>7</b>", "xsd.content", "Zet in score alleen: een geheel getal"),
        ("<brincode>99XX</brincode>", "", "xsd.order", "hier mag alleen schoolkey of brincode komen"),
        ("<school>", "<item><key>school</key><value/></item><school>", "xsd.map", "zo schrijft een SOAP-bibliotheek"),
        ("leerresultaten/2/", "leerresultaten/1/", "soap.namespace", "die van UWLR 1 wordt niet gelezen"),
    ],
)
def test_a_sentence_names_what_is_wrong(old: str, new: str, rule: str, words: str, policy: Policy) -> None:
    rules, sentence = told(changed(old, new), policy=policy)
    assert rule in rules
    assert words in sentence
    # Digits of another script are told beside what the schema says, and no day is within a wrong school year.
    assert set(rules) <= {rule, "school.year-digits", "result.date-outside-year"}


def test_a_value_that_is_missing_gets_no_second_sentence() -> None:
    rules, _ = told(changed("</score>", f'</score><infourl {XSI} xsi:nil="true"/>'))
    assert rules == ["xsd.nil"]


@pytest.mark.parametrize(
    ("old", "new", "rules"),
    [
        (VERSION_2, VERSION_1, ["header.namespace", "soap.namespace"]),
        (f"{VERSION_2}autorisatie", f"{VERSION_1}autorisatie", ["header.namespace"]),
        (f"{VERSION_2}autorisatie", "urn:x", ["header.namespace"]),
        (f"{VERSION_2}leerresultaten", f"{VERSION_1}leerresultaten", ["soap.namespace"]),
    ],
)
def test_a_namespace_of_another_version_is_named_as_such(old: str, new: str, rules: list[str]) -> None:
    found, sentence = told(changed(old, new, content("good-enveloped")), PUSHED)
    assert found == rules
    assert VERSION_2 in sentence
    assert "UWLR 1" in sentence


def test_an_account_that_is_written_as_an_array_is_told_as_such_and_nothing_else() -> None:
    for policy in POLICIES:
        rules, sentence = told(content("header.map"), PUSHED, policy)
        assert rules == ["header.map"]
        assert "array" in sentence


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("name", [*ROWS, *GOOD])
def test_every_place_is_within_the_message(name: str, policy: Policy) -> None:
    data = content(name)
    lines = data.decode("utf-16" if name == "good-utf-16" else "utf-8", "replace").splitlines()
    agreement = ROWS[name].agreement if name in ROWS else STRICT
    for finding in judged(data, policy, agreement).findings:
        if finding.line is not None:
            assert finding.column is not None
            assert 1 <= finding.column <= len(lines[finding.line - 1]), finding


# What the schemas say of a type in one word, and how the format of its values must say it.
LENGTHS = {"UpTo64": "1 tot 64", "UpTo128": "1 tot 128", "UpTo256": "1 tot 256", "Term": "1 tot 256"}


@pytest.mark.parametrize("schema", ["results_message.xsd", "results_tests.xsd", "results_values_strict.xsd"])
def test_the_format_of_a_value_is_that_of_its_type(schema: str) -> None:
    root = etree.fromstring((resources.files("connectors.uwlr") / "schemas" / schema).read_bytes())
    compared = 0
    for element in root.iter(
        "{http://www.w3.org/2001/XMLSchema}element", "{http://www.w3.org/2001/XMLSchema}attribute"
    ):
        length = LENGTHS.get(element.get("type", ""))
        if length is not None:
            compared += 1
            assert length in FORMS[element.get("name", "")][0], element.get("name")
    assert compared > 1


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize(
    ("old", "new", "rules"),
    [
        (">2026-11-10<", ">10-11-2026<", ["xsd.value"]),
        (">2026-11-10<", "><", ["xsd.value"]),
        (">2026-11-10<", ">1989-12-31<", ["result.date"]),
        (">2026-11-10<", ">12026-11-10<", ["result.date"]),
        ("<afnamedatum>2026-11-10</afnamedatum>", "", ["xsd.order"]),
        (">2026-11-11T00:05:46<", ">vandaag<", ["xsd.value"]),
        (">2026-11-11T00:05:46<", ">1989-12-31T00:00:00<", ["school.created"]),
        ("<aanmaakdatum>2026-11-11T00:05:46</aanmaakdatum>", "", ["xsd.order"]),
    ],
)
def test_a_value_that_is_missing_or_has_another_form_is_not_told_to_be_out_of_bounds(
    old: str, new: str, rules: list[str], policy: Policy
) -> None:
    found, _ = told(changed(old, new), policy=policy)
    assert [rule for rule in found if not rule.startswith("result.date-")] == rules


def test_a_number_of_an_osoresultaat_that_is_none_is_not_told_to_be_too_large() -> None:
    data = content("good-oso").decode()
    value = re.search(r"<oso:tijd>[^<]*<", data)
    assert value is not None
    assert told(data.replace(value[0], "<oso:tijd>PT25M<").encode())[0] == ["xsd.value"]


@pytest.mark.parametrize("rule", [rule for rule in RULES.values() if rule.tolerated], ids=lambda rule: rule.id)
def test_how_a_message_was_read_is_said_only_where_it_was_read(rule: Rule) -> None:
    assert rule.tolerant == "warning"
    for policy, is_read in (("strict", False), ("tolerant", True)):
        findings = judged(content(rule.id), policy, ROWS[rule.id].agreement).findings
        (finding,) = [finding for finding in findings if finding.rule == rule.id]
        assert (str(rule.tolerated) in finding.message_nl) is is_read
        assert (str(rule.tolerated_en) in finding.message_en) is is_read


def test_a_field_that_is_bound_to_a_vocabulary_need_not_be_a_vakgebied() -> None:
    bound = f'</toetscode><leerjaar vocabulaire="{names.VOCABULARY_VAKGEBIEDEN}">6</leerjaar><toetsnaam>'
    rules, sentence = told(changed("</toetscode><toetsnaam>", bound).replace(b"<toetsnaam>Toets 1</toetsnaam>", b""))
    assert rules == ["test.vocabulary"]
    assert "Een veld is gebonden" in sentence
