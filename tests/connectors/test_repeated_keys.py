"""Keys of a message: a report holds that of the result it points at and no other value; a fault holds none."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.conformance.html_report import as_html
from connectors.conformance.junit_report import as_junit
from connectors.conformance.reports import Report, as_json, document_report
from connectors.intake.judge import judge, spool
from connectors.intake.push import ReceiverContext, fault_sentence
from connectors.uwlr.agreement import POLICIES, Policy, of_policy
from models.ingest.result_store import Receipt
from models.schema import clock
from tests.conftest import Store
from tests.connectors.sending import account, enveloped, receiving
from tests.uwlr.messages import message, result_xml
from tests.uwlr.test_rules import MESSAGES, NOW

KEY = "SLEUTEL-4711"


@pytest.fixture(autouse=True)
def _noon() -> Iterator[None]:
    with clock.fixed(NOW):
        yield


def judged(data: bytes, policy: Policy) -> Receipt:
    with spool([data]) as spooled:
        judgement = judge(spooled, of_policy(policy))
    return Receipt(1, judgement.verdict, judgement.fault, tuple(judgement.findings))


def with_keys(path: Path) -> bytes:
    """A message whose keys are all made ones of ours, that stand nowhere else."""
    return re.sub(rb'key="(r[0-9]+)"', rb'key="%s-\1"' % KEY.encode(), path.read_bytes())


@pytest.mark.parametrize("policy", POLICIES)
def test_no_fault_holds_a_key_whatever_is_wrong(policy: Policy) -> None:
    shown, pointed_at = set(), 0
    for path in MESSAGES.glob("*.xml"):
        receipt = judged(with_keys(path), policy)
        pointed_at += any(KEY in (finding.path or "") for finding in receipt.findings)
        shown |= {
            fault_sentence(receipt),
            *(text for finding in receipt.findings for text in (finding.message_nl, finding.remedy)),
        }
    assert pointed_at > 10
    assert not [sentence for sentence in shown if KEY in sentence]


@pytest.mark.usefixtures("every_app")
def test_no_fault_over_the_wire_holds_a_key(store: Store) -> None:
    sender = account(store.engine, store.cipher)
    body = enveloped(message(results=result_xml(KEY, "zeven") + result_xml(KEY, "7")), sender.header)
    with receiving(ReceiverContext(store.engine, store.cipher)) as receiver:
        answer = receiver.post(body)
    assert answer.fault == "Client.ScoreOngeldig"
    assert KEY.encode() not in answer.body


def whole_report(report: Report) -> str:
    return json.dumps(as_json(report)) + as_html([report]).decode() + as_junit([report]).decode()


def test_a_report_holds_the_keys_of_the_results_it_points_at_and_no_other_value() -> None:
    data = message(
        leerlingid="leerling-815",
        toetsnaam="Toets-met-naam",
        results=result_xml("goed-1", "7331", afnamedatum="2026-11-09")
        + result_xml("fout-1", "zevenhonderd", afnamedatum="2026-11-08")
        + result_xml("fout-2", "12", toetscode="ONBEKEND-99"),
    ).replace(b"<xsdversie>", b"<auteur>Juf An</auteur><xsdversie>")
    receipt = judged(data, "strict")
    reading = whole_report(document_report("bericht.xml", receipt.findings, receipt.fault))
    assert 'resultaat[@key=\\"fout-1\\"]' in reading
    for value in (
        "goed-1", "leerling-815", "Toets-met-naam", "7331", "zevenhonderd", "ONBEKEND-99", "2026-11-08", "2026-11-09",
        "Juf An", "99XX", "2026-11-11",
    ):  # fmt: skip
        assert value not in reading


def test_a_report_holds_no_key_but_that_of_a_result_and_no_long_one() -> None:
    long = "k" * 65
    data = message(results=result_xml(long, "zeven")).replace(b"<leerlingid>", b'<leerlingid key="ander-1">')
    receipt = judged(data.replace(b"<toetsafname>", b'<toetsafname key="ander-2">'), "strict")
    reading = whole_report(document_report("bericht.xml", receipt.findings, receipt.fault))
    assert receipt.fault is not None
    assert "resultaat[@key]" in reading
    for value in (long, "ander-1", "ander-2"):
        assert value not in reading
