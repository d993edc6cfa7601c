"""A message for the sandbox of a vendor: processed as any other, and each arrival is recorded."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace

from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from connectors.intake import push
from connectors.intake.judge import Spooled
from connectors.intake.push import ReceiverContext
from connectors.intake.transmissions import READ_BYTES, transmission
from connectors.uwlr.rules import finding
from models.ingest.exchanges import Exchange
from models.ingest.result_store import Receipt
from models.sandbox import sandboxes
from models.sandbox.sandboxes import ArrivedMessage, Sandbox
from models.schema.records import Verdict

CODE_NL = "Dit is een fout die u zelf hebt opgeroepen. Laat deze code zien aan wie uw systeem gebruikt: {code}."
CODE_EN = "This is a fault that you asked for. Show this code to who uses your system: {code}."

_log = logging.getLogger("rondblik.receive")


def deliver(
    receiver: ReceiverContext, token: str, spooled: Spooled, headers: Mapping[str, str] | None = None
) -> Receipt:
    """Process a message for the sandbox with this token; only the account of the sandbox may send there.

    `headers` are those of the request, which are recorded with it.
    """
    sandbox = sandboxes.find_sandbox(receiver.engine, receiver.cipher, token)
    if sandbox is None:
        return _unknown_sandbox()
    code = sandboxes.take_armed_fault(receiver.engine, sandbox)
    receipt = _process(receiver, sandbox, spooled) if code is None else _requested_fault(code)
    try:
        exchange = _exchange(sandbox, spooled, headers or {}, receipt, code)
        message = ArrivedMessage(spooled.digest, spooled.size, provoked=code is not None, exchange=exchange)
        sandboxes.record_arrival(receiver.engine, receiver.cipher, sandbox, receipt, message)
    except SQLAlchemyError as failed:  # the message is stored or refused by now, and the sender must learn which
        _log.error("%s while recording an arrival in a sandbox", type(failed).__name__)
    return receipt


def _exchange(
    sandbox: Sandbox, spooled: Spooled, headers: Mapping[str, str], receipt: Receipt, code: str | None
) -> Exchange:
    """What was sent and answered; a code that the vendor must read on its own screen is covered as its key is."""
    secrets = (sandbox.account.key, *([code] if code is not None else []))
    spooled.file.seek(0)
    request = transmission("POST", headers, spooled.file.read(READ_BYTES + 4), spooled.size, secrets)
    return Exchange(push.OPERATION, (), request, push.answer_transmission(receipt, secrets), spooled.arrived_us)


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
