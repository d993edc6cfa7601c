"""Messages that a publisher pushes: who the sender is, whether it may send, and then `process_results`.

The order of checks is that of `rules.Stage`: bytes and XML, envelope and header, klantcode with klantnaam, key, and
only then the message itself. A sender learns no more than the first stage that fails, and of an unknown sender only
digest and size are stored.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace

from lxml import etree
from sqlalchemy import Engine

from connectors.intake.destinations import CoveredSchools
from connectors.intake.judge import ResultSource, Spooled, process_results, read_header
from connectors.intake.refusal_throttle import RefusalThrottle
from connectors.intake.transmissions import transmission
from connectors.uwlr import names, rules
from connectors.uwlr.agreement import TOLERANT, Agreement, Bounds
from connectors.uwlr.envelope import fault_bytes, in_envelope
from connectors.uwlr.rules import finding, stage_of
from connectors.uwlr.soap import EnvelopeHeader, xml_safety_check
from models.ingest import result_store, senders
from models.ingest.exchanges import Transmission
from models.ingest.result_store import Receipt, Refusal
from models.ingest.senders import Sender, SenderKey
from models.schema.database import read_transaction
from models.schema.encryption import PiiCipher
from models.schema.rate_limit import Rate, RateLimiter
from models.schema.records import Finding, Verdict
from models.schema.terms import RetentionPolicy

CHANNEL = result_store.PUSH
MINUTE_SECONDS = 60.0
UNKNOWN_SENDER_BYTES = 4 * 1024 * 1024  # that are read of the message of an unknown sender, which is refused anyway


@dataclass(frozen=True, slots=True)
class ReceiverContext:
    """Where messages arrive: the store, how large they may be, how long they are stored, and how many come in.

    `rates` are the messages of each sender, by its source; a sender over its rate gets one row a minute.
    """

    engine: Engine
    cipher: PiiCipher
    bounds: Bounds = field(default_factory=Bounds)
    retention: RetentionPolicy = field(default_factory=RetentionPolicy)
    rates: RateLimiter[int] = field(default_factory=RateLimiter)
    refusals: RefusalThrottle = field(default_factory=RefusalThrottle)
    rate_refusals: RefusalThrottle = field(default_factory=lambda: RefusalThrottle(first=1))


def deliver(receiver: ReceiverContext, spooled: Spooled, sandbox_source: int | None = None) -> Receipt:
    """Store one message, or quarantine it; committed when this returns.

    `sandbox_source` is the sender of the sandbox whose address was used: only it may send there, and nowhere else.
    Raises SQLAlchemyError or OSError where the store cannot be used: then nothing was stored.
    """
    # The sender determines the policy, so the header is read by the tolerant one first.
    header = read_header(spooled, replace(TOLERANT, header="required", bounds=receiver.bounds))
    if header.unauthorised:
        return _refuse_unknown_sender(receiver, spooled, _strict_findings(receiver, spooled), sandbox_source)
    sender, key, stopped = _find_sender(receiver, header, sandbox_source)
    if sender is None:
        findings = [*_strict_findings(receiver, spooled), finding("header.customer")]
        return _refuse_unknown_sender(receiver, spooled, findings, sandbox_source)
    if key is None:
        findings = [*_strict_findings(receiver, spooled), finding("header.key")]
        return _refuse_unknown_sender(receiver, spooled, findings, sender.source_id)
    if not receiver.rates.take(sender.source_id, Rate(sender.terms.messages_per_minute, MINUTE_SECONDS)):
        return _refuse_rate_limited(receiver, spooled, sender.source_id)
    source = ResultSource(
        source_id=sender.source_id,
        channel=CHANNEL,
        destination=CoveredSchools(key.covered, stopped),
        agreement=Agreement(sender.terms, "required", receiver.bounds),
        key_id=key.id,
        moves_cursor=True,
        retention=receiver.retention,
    )
    # By another policy the same findings weigh otherwise; where there are none the header is the same by every policy.
    return process_results(receiver.engine, receiver.cipher, spooled, source, None if header.findings else header)


def _find_sender(
    receiver: ReceiverContext, header: EnvelopeHeader, sandbox_source: int | None
) -> tuple[Sender | None, SenderKey | None, frozenset[int]]:
    """The sender and the key that the header names, and which schools of that key stopped their connection."""
    account = header.account
    with read_transaction(receiver.engine) as connection:
        sender = senders.find_customer(connection, receiver.cipher, account["klantcode"], account["klantnaam"])
        of_sandbox = sender is not None and sender.origin == senders.FROM_TEST
        if sender is None or (sender.source_id != sandbox_source if sandbox_source is not None else of_sandbox):
            return None, None, frozenset()
        key = senders.find_key(connection, receiver.cipher, sender.source_id, account["autorisatiesleutel"])
        schools = set() if key is None else set(key.covered.values())
        stopped = {item for item in schools if senders.is_stopped(connection, item, sender.source_id)}
    return sender, key, frozenset(stopped)


def _strict_findings(receiver: ReceiverContext, spooled: Spooled) -> list[Finding]:
    """The findings on the header by the strict policy, for senders without an agreement."""
    return read_header(spooled, Agreement(header="required", bounds=receiver.bounds)).findings


def _refuse_unknown_sender(
    receiver: ReceiverContext, spooled: Spooled, findings: list[Finding], source_id: int | None = None
) -> Receipt:
    """Refuse a message of an unknown sender; the safety check of its bytes goes first (ADR 14)."""
    errors = [finding for finding in findings if finding.level == rules.ERROR]
    first = min(errors, key=lambda finding: stage_of(finding.rule))
    if first.fault != rules.ONGELDIG_BERICHT:  # or the gate has nothing to add: what it finds has this very fault
        errors += xml_safety_check(spooled.file, receiver.bounds, UNKNOWN_SENDER_BYTES)
        first = min(errors, key=lambda finding: stage_of(finding.rule))
    delivery = result_store.Incoming(source_id=source_id, channel=CHANNEL, digest=spooled.digest, size=spooled.size)
    return refuse_throttled(receiver, receiver.refusals, delivery, replace(first, path=None))


def _refuse_rate_limited(receiver: ReceiverContext, spooled: Spooled, source_id: int) -> Receipt:
    delivery = result_store.Incoming(source_id=source_id, channel=CHANNEL, digest=spooled.digest, size=spooled.size)
    return refuse_throttled(receiver, receiver.rate_refusals, delivery, finding("message.rate"))


def refuse_throttled(
    receiver: ReceiverContext, throttle: RefusalThrottle, delivery: result_store.Incoming, finding: Finding
) -> Receipt:
    """Refuse a message without knowing its school; it gets a row where `throttle` allows one of its kind."""
    kind, fault = (finding.rule, delivery.source_id), finding.fault or rules.ONGELDIG_BERICHT
    others = throttle.take(kind)
    if others is None:
        return Receipt(0, Verdict.REJECT, fault, (finding,))
    receipt = result_store.save_refusal(
        receiver.engine, receiver.cipher, delivery, None, Refusal(fault, [finding], others=others)
    )
    if receipt.repeated:
        throttle.give_back(kind, others)
    return receipt


# -- the answer to the sender ---------------------------------------------------------------------------------

OPERATION = "BrengLeerresultaten"
CONTENT_TYPE = "text/xml; charset=utf-8"
MAX_FINDINGS_IN_FAULT = 3


def answer_to(receipt: Receipt) -> tuple[int, bytes]:
    """The HTTP status and the body of the answer to a message: a confirmation, or a Fault."""
    if receipt.verdict is Verdict.REJECT:
        return 500, fault_bytes(receipt.fault or rules.ONGELDIG_BERICHT, fault_sentence(receipt))
    return 200, in_envelope(etree.Element(names.BEVESTIGING, nsmap={None: names.LR}))


def answer_transmission(receipt: Receipt, secrets: Collection[str] = ()) -> Transmission:
    """The answer to a message as people may see it."""
    status, body = answer_to(receipt)
    return transmission(f"HTTP {status}", {"Content-Type": CONTENT_TYPE}, body, secrets=secrets)


def fault_sentence(receipt: Receipt) -> str:
    """The faultstring: the first few errors with position and remedy, in Dutch, and the first in English.

    It contains no value of the message: only rules, names of the schema, lines and columns.
    """
    errors = sorted(
        (finding for finding in receipt.findings if finding.level == rules.ERROR),
        key=lambda finding: stage_of(finding.rule),
    )
    sentences = [_finding_sentence(error) for error in errors[:MAX_FINDINGS_IN_FAULT]]
    if len(errors) > MAX_FINDINGS_IN_FAULT:
        sentences.append(f"En nog {len(errors) - MAX_FINDINGS_IN_FAULT} bevindingen.")
    if errors:
        sentences.append(f"/ {errors[0].message_en}")
    return " ".join(sentences) or "Het bericht is geweigerd. / The message was refused."


def _finding_sentence(finding: Finding) -> str:
    position = f"regel {finding.line}, kolom {finding.column}, " if finding.line is not None else ""
    return f"{finding.message_nl} {finding.remedy} ({position}{finding.rule})"
