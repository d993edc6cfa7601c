"""Replay of a refused message, after the cause on our side was fixed."""

from __future__ import annotations

from dataclasses import replace

from connectors.intake.destinations import AnySchool, CoveredSchools, Destination, OwnSchool
from connectors.intake.judge import ResultSource, process_results, spool
from connectors.intake.push import CHANNEL, ReceiverContext
from connectors.uwlr.agreement import Agreement, Policy, of_policy
from models.ingest import quarantine, senders
from models.ingest.quarantine import QuarantinedMessage
from models.ingest.result_store import Receipt
from models.schema.database import read_transaction, write_transaction
from models.schema.records import Verdict


def replay(receiver: ReceiverContext, message: QuarantinedMessage, policy: Policy = "strict") -> Receipt | None:
    """Process a quarantined message; None where its bytes are deleted.

    A pushed message is judged by the present terms of its sender, for the schools of its valid keys; one that was
    fetched or loaded by `policy`. It arrived when it came in, and gets no precedence over
    what came in since. Once accepted, the bytes of the refusal are deleted; refused again, they are stored no longer
    than before: the message did not arrive again.
    """
    with read_transaction(receiver.engine) as connection:
        data = quarantine.raw(connection, receiver.cipher, message.delivery_id)
        sender = senders.by_source(connection, message.source_id) if message.channel == CHANNEL else None
        keys = senders.valid_keys(connection, message.source_id) if sender is not None else []
        schools = {number for key in keys for number in key.covered.values()}
        stopped = frozenset(school for school in schools if senders.is_stopped(connection, school, message.source_id))
    if data is None:
        return None
    destination: Destination = AnySchool(receiver.engine)
    agreement: Agreement = of_policy(policy)
    if sender is not None:
        covered = {named: number for key in keys for named, number in key.covered.items()}
        destination = CoveredSchools(covered, stopped)
        agreement = Agreement(sender.terms, "required", receiver.bounds)
    elif message.channel == "pull" and message.school_id is not None:
        destination = OwnSchool(receiver.engine, message.school_id)
    source = ResultSource(
        source_id=message.source_id,
        channel=message.channel,
        destination=destination,
        agreement=agreement,
        retention=replace(receiver.retention, refused_days=0),
    )
    with replace(spool([data]), arrived_us=message.received_us) as spooled:
        receipt = process_results(receiver.engine, receiver.cipher, spooled, source)
    if receipt.verdict is not Verdict.REJECT:
        with write_transaction(receiver.engine) as connection:
            quarantine.forget(connection, message.delivery_id)
    return receipt
