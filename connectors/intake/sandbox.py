"""A message for the sandbox of a vendor: processed as any other, and each arrival is recorded."""

from __future__ import annotations

import logging
from dataclasses import replace

from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from connectors.intake import push
from connectors.intake.judge import Spooled
from connectors.intake.push import ReceiverContext
from connectors.uwlr.rules import finding
from models.ingest.result_store import Receipt
from models.sandbox import sandboxes
from models.sandbox.sandboxes import Sandbox
from models.schema.records import Verdict

CODE_NL = "Dit is een fout die u zelf hebt opgeroepen. Laat deze code zien aan wie uw systeem gebruikt: {code}."
CODE_EN = "This is a fault that you asked for. Show this code to who uses your system: {code}."

_log = logging.getLogger("rondblik.receive")


def deliver(receiver: ReceiverContext, token: str, spooled: Spooled) -> Receipt:
    """Process a message for the sandbox with this token; only the account of the sandbox may send there."""
    sandbox = sandboxes.find_sandbox(receiver.engine, receiver.cipher, token)
    if sandbox is None:
        return _unknown_sandbox()
    code = sandboxes.take_armed_fault(receiver.engine, sandbox)
    receipt = _process(receiver, sandbox, spooled) if code is None else _requested_fault(code)
    try:
        sandboxes.record_arrival(
            receiver.engine, sandbox, receipt, spooled.digest, spooled.size, provoked=code is not None
        )
    except SQLAlchemyError as failed:  # the message is stored or refused by now, and the sender must learn which
        _log.error("%s while recording an arrival in a sandbox", type(failed).__name__)
    return receipt


def _unknown_sandbox() -> Receipt:
    unknown = finding("message.room")
    return Receipt(0, Verdict.REJECT, unknown.fault, (unknown,))


def _requested_fault(code: str) -> Receipt:
    provoked = replace(
        finding("message.provoked"), message_nl=CODE_NL.format(code=code), message_en=CODE_EN.format(code=code)
    )
    return Receipt(0, Verdict.REJECT, provoked.fault, (provoked,))


def _process(receiver: ReceiverContext, sandbox: Sandbox, spooled: Spooled) -> Receipt:
    try:
        return push.deliver(receiver, spooled, sandbox.source_id)
    except IntegrityError:  # the sandbox was deleted meanwhile: no row may refer to it
        if sandboxes.find_sandbox(receiver.engine, receiver.cipher, sandbox.account.token) is not None:
            raise
        return _unknown_sandbox()
