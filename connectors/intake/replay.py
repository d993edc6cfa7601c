"""A refused message, judged anew after somebody mended what was wrong on our side."""

from __future__ import annotations

from dataclasses import replace

from connectors.intake.destinations import AnySchool, CoveredSchools, Destination, OwnSchool
from connectors.intake.judge import process_results, spool
from connectors.intake.push import CHANNEL, ReceiverContext, agreement_of
from connectors.uwlr.agreement import Agreement, Policy, of_policy
from models.ingest import quarantine, senders
from models.ingest.quarantine import QuarantinedMessage
from models.ingest.result_store import Receipt
from models.schema.database import read_transaction, write_transaction
from models.schema.records import Verdict


def replay(desk: ReceiverContext, kept: QuarantinedMessage, policy: Policy = "strict") -> Receipt | None:
    """Judge a kept message as if it came in now; None where its bytes are gone.

    What was sent to us is judged by what is agreed with its sender today, for the schools of its valid keys; what was
    fetched or loaded by `policy`. Once accepted, the bytes of the refusal are thrown away; refused again, they are kept
    no longer than before: the message did not come again.
    """
    with read_transaction(desk.engine) as connection:
        data = quarantine.raw(connection, desk.cipher, kept.delivery_id)
        sender = senders.by_source(connection, kept.source_id) if kept.channel == CHANNEL else None
        keys = senders.valid_keys(connection, kept.source_id) if sender is not None else []
        schools = {number for key in keys for number in key.covered.values()}
        stopped = frozenset(one for one in schools if senders.is_stopped(connection, one, kept.source_id))
    if data is None:
        return None
    destination: Destination = AnySchool(desk.engine)
    agreement: Agreement = of_policy(policy)
    if sender is not None:
        covered = {named: number for key in keys for named, number in key.covered.items()}
        destination = CoveredSchools(covered, stopped)
        agreement = agreement_of(sender.terms, desk.bounds)
    elif kept.channel == "pull" and kept.school_id is not None:
        destination = OwnSchool(desk.engine, kept.school_id)
    with spool([data]) as spooled:
        receipt = process_results(
            desk.engine, desk.cipher, spooled, source_id=kept.source_id, destination=destination, way=kept.channel,
            agreement=agreement, keep=replace(desk.retention, refused_days=0),
        )  # fmt: skip
    if receipt.verdict is not Verdict.REJECT:
        with write_transaction(desk.engine) as connection:
            quarantine.forget(connection, kept.delivery_id)
    return receipt
