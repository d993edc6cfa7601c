"""What stands in the Header of an envelope is no result, whatever it looks like."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connectors.intake.judge import Judgement, judge, spool
from connectors.uwlr.agreement import Policy, of_policy
from models.schema import clock
from tests.connectors.sending import SOAP
from tests.uwlr.messages import LR, message, result_xml

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
IN_HEADER = {
    "results": (
        f"<toetsafname><leerlingid>L9</leerlingid><resultaten>{result_xml('h1', 'x')}</resultaten></toetsafname>"
    ),
    "many results": "".join(result_xml(f"h{number}", "3") for number in range(30)),
    "a school": "<school><schooljaar>2025-2026</schooljaar><brincode>99ZZ</brincode></school>",
    "a test": "<toets><toetscode>T9</toetscode><toetsnaam>Elders</toetsnaam></toets>",
}


def judged(entry: str, body: bytes, policy: Policy) -> Judgement:
    """The judgement of a message with an entry of somebody else in its Header."""
    payload = body.decode().partition("?>")[2]
    header = f'<x:extra xmlns:x="urn:example"><x:inside xmlns="{LR}">{entry}</x:inside></x:extra>'
    document = f'<s:Envelope xmlns:s="{SOAP}">\n<s:Header>{header}</s:Header>\n<s:Body>{payload}</s:Body></s:Envelope>'
    with clock.fixed(NOW), spool([document.encode()]) as spooled:
        return judge(spooled, of_policy(policy))


@pytest.mark.parametrize("policy", ["strict", "tolerant"])
@pytest.mark.parametrize("entry", IN_HEADER.values(), ids=IN_HEADER)
def test_an_entry_of_the_header_is_no_part_of_the_message(entry: str, policy: Policy) -> None:
    batch = judged(entry, message(), policy).batch
    assert batch is not None
    assert (batch.count, [row[0] for chunk in batch.chunks() for row in chunk]) == (1, ["r1"])
    assert [ref.las_key for ref in batch.pupils] == ["L1"]
    assert [ref.code for ref in batch.tests] == ["T1"]
    assert (batch.head.school_year, batch.head.school.brin) == ("2026-2027", "99XX")


@pytest.mark.parametrize("entry", IN_HEADER.values(), ids=IN_HEADER)
def test_a_finding_points_into_the_body(entry: str) -> None:
    (finding,) = judged(entry, message(results=result_xml("r1", "4", afnamedatum="2026-12-24")), "strict").findings
    assert finding.rule == "result.date-future"
    assert finding.line == 3
    assert "/Body/" in (finding.path or "")
