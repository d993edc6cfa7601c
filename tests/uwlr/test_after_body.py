"""Elements behind the Body: SOAP 1.1 (4) allows them in a namespace of their own, and nothing reads them."""

from __future__ import annotations

import pytest

from connectors.uwlr.agreement import POLICIES, Policy
from connectors.uwlr.names import BODY, HEADER, LR, SOAP, may_follow_body
from connectors.uwlr.pupil_messages import read_roster
from connectors.uwlr.pupil_writer import write_answer
from tests.uwlr.messages import message, result_xml
from tests.uwlr.test_pupil_messages import FULL
from tests.uwlr.test_rules import MESSAGE, judged

AFTER_BODY = "soap.after-body"
TRAILER = '<x:Extra xmlns:x="urn:x"/>'


def enveloped(behind: str, data: bytes | None = None) -> bytes:
    """A message in an envelope, with something behind its Body."""
    payload = (data or message()).decode().partition("?>")[2]
    return f'<s:Envelope xmlns:s="{SOAP}"><s:Header/><s:Body>{payload}</s:Body>{behind}</s:Envelope>'.encode()


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize(
    "behind",
    [
        TRAILER,
        TRAILER * 3,
        f"<!-- x -->{TRAILER}<!-- y -->",
        '<x:Extra xmlns:x="urn:x">tekst<!-- in <it> --><eigen a="1">t</eigen></x:Extra>',
        f'<x:Extra xmlns:x="urn:x" xmlns="{LR}">{result_xml("r1", "9")}<toets/><school/><toetsafname/></x:Extra>',
        f'<leerresultaten_verzoek xmlns="{LR}"/>',
        '<x:Extra xmlns:x="urn:x"><s:Body/></x:Extra>',
        f'<x:Extra xmlns:x="urn:x">{"<a>1</a>" * 200_000}</x:Extra>',
    ],
)
def test_what_stands_behind_the_body_in_its_own_namespace_changes_nothing(behind: str, policy: Policy) -> None:
    judgement = judged(enveloped(behind), policy)
    assert judgement.findings == []
    assert judgement.batch is not None
    assert [row[6] for rows in judgement.batch.chunks() for row in rows] == ["7"]
    assert len(judgement.batch.definitions) == 1


@pytest.mark.parametrize(
    "behind",
    ["<Extra/>", f"{TRAILER}<Extra/>", "<s:Body/>", "<s:Header/>", f"{TRAILER}<s:Body/>", "<s:Body><a/></s:Body>"],
)
def test_what_may_not_stand_behind_the_body_is_refused_at_its_place(behind: str) -> None:
    data = enveloped(behind)
    judgement = judged(data, "strict")
    (found,) = [finding for finding in judgement.findings if finding.rule == AFTER_BODY]
    assert judgement.fault == MESSAGE
    start = data.rindex(behind.replace(TRAILER, "").encode())
    assert (found.line, found.column) == (1, start + 1)


@pytest.mark.parametrize(
    ("behind", "rule"),
    [
        (f'<x:Extra xmlns:x="urn:x">{"<a>" * 40}{"</a>" * 40}</x:Extra>', "xml.depth"),
        ('<x:Extra xmlns:x="urn:x" ' + " ".join(f'a{n}="1"' for n in range(40)) + "/>", "xml.attributes"),
        ('<x:Extra xmlns:x="urn:x"><?go now?></x:Extra>', "xml.processing-instruction"),
        ('<x:Extra xmlns:x="urn:x"> & </x:Extra>', "xml.escape"),
        ('<x:Extra xmlns:x="urn:x">', "xml.end-tag"),
    ],
)
def test_what_no_message_may_have_is_refused_behind_the_body_too(behind: str, rule: str) -> None:
    judgement = judged(enveloped(behind), "strict")
    assert (judgement.fault, [finding.rule for finding in judgement.findings]) == (MESSAGE, [rule])


def test_a_body_within_a_header_ends_nothing() -> None:
    data = enveloped("").replace(b"<s:Header/>", b"<s:Header><s:Body><a/></s:Body></s:Header>")
    judgement = judged(data, "strict")
    assert judgement.batch is not None
    assert judgement.batch.count == 1


def test_an_answer_with_pupil_data_may_have_a_trailer_too() -> None:
    for behind, rule in ((TRAILER, None), ("<Extra/>", AFTER_BODY), ("<soap:Body/>", AFTER_BODY)):
        answer = read_roster(write_answer(FULL).replace(b"</soap:Envelope>", behind.encode() + b"</soap:Envelope>"))
        assert (answer.roster is None) == (rule is not None)
        assert rule is None or [finding.rule for finding in answer.findings] == [rule]


def test_what_may_follow_a_body() -> None:
    assert may_follow_body("{urn:x}Extra")
    assert not any(map(may_follow_body, ("Extra", BODY, HEADER)))
