"""Errors against namespaces in a message: it is not well-formed, whatever element they stand at."""

from __future__ import annotations

import pytest
from lxml import etree

from connectors.uwlr import names
from connectors.uwlr.agreement import POLICIES, Policy
from models.schema.records import Verdict
from tests.uwlr.messages import message, result_xml
from tests.uwlr.test_rules import ERROR, MESSAGE, content, judged

XML = "http://www.w3.org/XML/1998/namespace"
PLACES = {
    "school": "<xsdversie>",
    "pupil": "<leerlingid>",
    "result": "<resultaat key",
    "score": "<score>",
    "test": "<toetsnaam>",
    "norm": "<norm>",
    "term": "<term>",
    "bound": "<eindnormwaarde>",
}
NO_PREFIX, NAMESPACE = "xml.prefix", "xml.namespace"
FLAWS = {
    "prefix of an attribute": (' nooit:x="1"', NO_PREFIX),
    "xsi that is not declared": (' xsi:nil="true"', NO_PREFIX),
    "attribute twice": (' xmlns:a="urn:x" xmlns:b="urn:x" a:y="1" b:y="2"', "xml.attribute-twice"),
    "prefix bound to nothing": (' xmlns:a=""', NAMESPACE),
    "prefix xmlns": (' xmlns:xmlns="urn:x"', NAMESPACE),
    "prefix xml": (' xmlns:xml="urn:x"', NAMESPACE),
    "namespace of xml": (f' xmlns:a="{XML}"', NAMESPACE),
    "namespace of xml by default": (f' xmlns="{XML}"', NAMESPACE),
    "namespace of xmlns": (' xmlns:a="http://www.w3.org/2000/xmlns/"', NAMESPACE),
    "namespace that is no address": (' xmlns:a="a b"', NAMESPACE),
    "two colons": (' a:b:c="1"', NAMESPACE),
    "two colons after a prefix that is declared": (' xmlns:a="urn:x" a:b:c="1"', NAMESPACE),
}


def spoiled(at: str, flaw: str) -> bytes:
    """An ordinary message with a flaw in the first start tag that begins with `at`."""
    text = message().decode()
    assert at in text
    head, tail = text.split(at, 1)
    name = at.rstrip(">").partition(" ")
    return f"{head}{name[0]}{flaw}{name[1]}{name[2]}{'>' if at.endswith('>') else ''}{tail}".encode()


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize(("flaw", "rule"), FLAWS.values(), ids=FLAWS)
@pytest.mark.parametrize("at", PLACES.values(), ids=PLACES)
def test_an_error_against_namespaces_is_not_well_formed(at: str, flaw: str, rule: str, policy: Policy) -> None:
    judgement = judged(spoiled(at, flaw), policy)
    assert [(finding.rule, finding.level, finding.fault) for finding in judgement.findings] == [(rule, ERROR, MESSAGE)]
    assert (judgement.verdict, judgement.fault, judgement.batch) == (Verdict.REJECT, MESSAGE, None)
    assert judgement.findings[0].line == 1
    assert judgement.findings[0].column is not None


@pytest.mark.parametrize("name", ["score", "leerlingid", "term", "afnamedatum"])
def test_a_prefix_of_an_element_that_is_not_declared_is_not_well_formed(name: str) -> None:
    data = message().replace(f"<{name}>".encode(), f"<nooit:{name}>".encode(), 1)
    data = data.replace(f"</{name}>".encode(), f"</nooit:{name}>".encode(), 1)
    judgement = judged(data, "strict")
    assert (judgement.fault, [finding.rule for finding in judgement.findings]) == (MESSAGE, [NO_PREFIX])


def test_a_prefix_within_an_osoresultaat_is_no_matter_of_oso() -> None:
    data = content("good-oso").replace(b"<oso:aantalgoed>", b"<nooit:aantalgoed>", 1)
    judgement = judged(data.replace(b"</oso:aantalgoed>", b"</nooit:aantalgoed>", 1), "strict")
    assert (judgement.fault, [finding.rule for finding in judgement.findings]) == (MESSAGE, [NO_PREFIX])


def test_it_is_found_far_from_the_start() -> None:
    results = "".join(result_xml(f"r{number}", "7") for number in range(6_000))
    data = message(results=results).replace(b"<norm>", b'<norm xmlns:a="">', 1)
    assert len(data) > 1 << 19
    judgement = judged(data, "strict")
    assert (judgement.fault, [finding.rule for finding in judgement.findings]) == (MESSAGE, [NAMESPACE])


def test_a_namespace_of_the_senders_own_is_no_error() -> None:
    data = message().replace(b"<school>", f'<school xmlns:eigen="urn:x" xmlns:lr="{names.LR}">'.encode())
    assert etree.fromstring(data) is not None
    assert judged(data, "strict").findings == []
