"""A message that comes in at the test address of a vendor: the ordinary way in, with everything written down."""

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
    """Take in a message at the room with this token; only the account of the room may send there."""
    sandbox = sandboxes.find_sandbox(receiver.engine, receiver.cipher, token)
    if sandbox is None:
        return _unknown_sandbox()
    code = sandboxes.take_armed_fault(receiver.engine, sandbox)
    receipt = _process(receiver, sandbox, spooled) if code is None else _requested_fault(code)
    try:
        sandboxes.record_arrival(
            receiver.engine, sandbox, receipt, spooled.digest, spooled.size, provoked=code is not None
        )
    except SQLAlchemyError as failed:  # the message itself is stored or refused by now: the sender must hear which
        _log.error("%s while writing down what came in at a test address", type(failed).__name__)
    return receipt


def _unknown_sandbox() -> Receipt:
    found = finding("message.room")
    return Receipt(0, Verdict.REJECT, found.fault, (found,))


def _requested_fault(code: str) -> Receipt:
    found = replace(
        finding("message.provoked"), message_nl=CODE_NL.format(code=code), message_en=CODE_EN.format(code=code)
    )
    return Receipt(0, Verdict.REJECT, found.fault, (found,))


def _process(receiver: ReceiverContext, sandbox: Sandbox, spooled: Spooled) -> Receipt:
    try:
        return push.deliver(receiver, spooled, sandbox.source_id)
    except IntegrityError:  # the room was erased while its message was read: no row may point at what it was
        if sandboxes.find_sandbox(receiver.engine, receiver.cipher, sandbox.account.token) is not None:
            raise
        return _unknown_sandbox()
