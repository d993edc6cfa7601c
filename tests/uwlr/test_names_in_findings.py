"""What a finding says of a message: names that a schema of ours knows, and none that the sender made up."""

from __future__ import annotations

import pytest

from connectors.intake.push import fault_sentence
from connectors.uwlr.agreement import POLICIES, Policy
from models.ingest.result_store import Receipt
from models.schema.records import Verdict
from tests.uwlr.messages import message
from tests.uwlr.test_rules import judged

NAME = "Jan_Jansen"
MADE_UP = {
    "element beside a score": ("<score>7</score>", f"<score>7</score><{NAME}/>"),
    "element around a score": ("<score>7</score>", f"<{NAME}><score>7</score></{NAME}>"),
    "element instead of a pupil": ("<leerlingid>L1</leerlingid>", f"<{NAME}>L1</{NAME}>"),
    "element within a value": ("<score>7</score>", f"<score>7<{NAME}/></score>"),
    "element in no namespace": ("<score>7</score>", f'<score>7</score><{NAME} xmlns=""/>'),
    "element in its own namespace": ("<score>7</score>", f'<{NAME} xmlns="urn:{NAME}">7</{NAME}>'),
    "element with a prefix": ("<score>7</score>", f'<{NAME}:x xmlns:{NAME}="urn:x">7</{NAME}:x>'),
    "attribute": ("<score>", f'<score {NAME}="1">'),
    "attribute with a prefix": ("<score>", f'<score xmlns:{NAME}="urn:x" {NAME}:x="1">'),
    "attribute of a pupil": ("<leerlingid>", f'<leerlingid {NAME}="1">'),
    "key of a norm": ("<norm>", f'<norm key="{NAME}">'),
    "type": ("<score>", f'<score xmlns:i="http://www.w3.org/2001/XMLSchema-instance" i:type="{NAME}">'),
    "root of the payload": ("<leerresultaten_verzoek", f'<{NAME} xmlns="urn:x"/><leerresultaten_verzoek'),
}


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("change", MADE_UP.values(), ids=MADE_UP)
def test_no_name_that_the_sender_made_up_is_told(change: tuple[str, str], policy: Policy) -> None:
    data = message().decode()
    assert change[0] in data
    judgement = judged(data.replace(*change, 1).encode(), policy)
    assert judgement.verdict is Verdict.REJECT
    refused = Receipt(1, judgement.verdict, judgement.fault, tuple(judgement.findings))
    assert NAME not in fault_sentence(refused)
    assert "Jan" not in str(judgement.findings)
    assert all(finding.line is not None and finding.column is not None for finding in judgement.findings)


def test_the_place_of_an_unknown_element_is_told() -> None:
    judgement = judged(message().replace(b"<score>7</score>", b"<Jan>7</Jan>"), "strict")
    (finding,) = judgement.findings
    assert finding.message_nl == "Hier staat een element dat het schema niet kent."
    assert finding.message_en == "There is an element here that the schema does not know."
    assert finding.path == '/leerresultaten_verzoek/toetsafnames/toetsafname/resultaten/resultaat[@key="r1"]/*'
    assert finding.column == message().index(b"<score>") + 1


def test_a_name_that_the_schema_knows_is_told() -> None:
    judgement = judged(message().replace(b"<score>7</score>", b"<term>7</term>"), "strict")
    assert judgement.findings[0].message_nl.startswith("Het element term mag op deze plaats niet staan")
