"""Schema and own key checks together against the official file with its identity constraints: one verdict."""

from __future__ import annotations

import io
import random
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from connectors.uwlr.reader import read_results
from tests.uwlr import strategies as uwlr
from tests.uwlr.test_differential import OFFICIAL, RESULTS_FILE

pytestmark = pytest.mark.skipif(not OFFICIAL.is_dir(), reason="no copy of the official UWLR files here")

KEY_RULES = {"key.result-unique", "key.test-unique", "key.test-defined", "key.part-number-unique"}


@cache
def official() -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(OFFICIAL / RESULTS_FILE))


def ours(document: etree._Element) -> bool:
    """The verdict of the one pass: schema and keys, without the rules that go beyond the standard."""
    reading = read_results(io.BytesIO(etree.tostring(document)), "entry_results.xsd")
    return not reading.broken and not KEY_RULES & reading.notes.keys()


def texts(document: etree._Element, name: str) -> list[etree._Element]:
    return list(document.iter(f"{{{uwlr.LR}}}{name}"))


def confuse(document: etree._Element, choose: random.Random) -> None:
    """Break at most one key or reference, or none where the message is too small for it."""
    name = choose.choice(["resultaat", "toetscode", "toetsonderdeelvolgnummer"])
    elements = texts(document, name)
    if len(elements) < 2:
        return
    element, other = choose.sample(elements, 2)
    if name == "resultaat":
        element.set("key", other.get("key", ""))
    else:
        element.text = choose.choice(
            [other.text, f" {element.text}", f"{element.text}x" if name == "toetscode" else "077"]
        )


@settings(
    max_examples=300,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
@given(uwlr.deliveries(), st.randoms(use_true_random=False), st.booleans())
def test_keys_and_references_get_the_official_verdict(
    document: etree._Element, choose: random.Random, broken: bool
) -> None:
    if broken:
        confuse(document, choose)
    assert ours(document) == official().validate(document), etree.tostring(document, encoding="unicode")[:3000]


@pytest.mark.parametrize("rule", sorted(KEY_RULES))
def test_each_key_rule_is_broken_by_some_message_that_the_official_file_refuses(rule: str) -> None:
    sent = f"""<leerresultaten_verzoek xmlns="{uwlr.LR}"><school><schooljaar>2026-2027</schooljaar>
      <brincode>99XX</brincode><aanmaakdatum>2026-11-11T00:00:00</aanmaakdatum><xsdversie>2.2</xsdversie></school>
      <toetsafnames><toetsafname><leerlingid>L1</leerlingid><resultaten>
      <resultaat key="1"><afnamedatum>2026-11-10</afnamedatum><toetscode>A</toetscode><score>1</score></resultaat>
      <resultaat key="2"><afnamedatum>2026-11-10</afnamedatum><toetscode>A</toetscode><score>0</score></resultaat>
      </resultaten></toetsafname></toetsafnames><toetsen>
      <toets><toetscode>A</toetscode><toetsonderdelen>
      <toetsonderdeel><toetsonderdeelvolgnummer>1</toetsonderdeelvolgnummer>
      <toetsonderdeelcode>a</toetsonderdeelcode></toetsonderdeel>
      <toetsonderdeel><toetsonderdeelvolgnummer>2</toetsonderdeelvolgnummer>
      <toetsonderdeelcode>b</toetsonderdeelcode></toetsonderdeel>
      </toetsonderdelen></toets><toets><toetscode>B</toetscode></toets></toetsen></leerresultaten_verzoek>"""
    change = {
        "key.result-unique": ('key="2"', 'key="1"'),
        "key.test-unique": ("<toetscode>B", "<toetscode>A"),
        "key.test-defined": ("<toetscode>A</toetscode><score>0", "<toetscode>C</toetscode><score>0"),
        "key.part-number-unique": ("volgnummer>2<", "volgnummer>01<"),
    }[rule]
    assert official().validate(etree.fromstring(sent))
    assert ours(etree.fromstring(sent))
    damaged = etree.fromstring(sent.replace(*change))
    assert not official().validate(damaged)
    assert read_results(io.BytesIO(etree.tostring(damaged)), "entry_results.xsd").notes.keys() & KEY_RULES == {rule}
