"""A message that comes in at the test address of a vendor: the ordinary way in, with everything written down."""

from __future__ import annotations

from dataclasses import replace

from connectors import push
from connectors.intake import Spooled
from connectors.push import Desk
from connectors.uwlr.rules import finding
from models import rooms
from models.records import Verdict
from models.store import Receipt

CODE_NL = "Dit is een fout die u zelf hebt opgeroepen. Laat deze code zien aan wie uw systeem gebruikt: {code}."
CODE_EN = "This is a fault that you asked for. Show this code to who uses your system: {code}."


def deliver(desk: Desk, token: str, spooled: Spooled) -> Receipt:
    """Take in a message at the room with this token; only the account of the room may send there."""
    room = rooms.find_room(desk.engine, desk.seal, token)
    if room is None:
        found = finding("message.room")
        return Receipt(0, Verdict.REJECT, found.fault, (found,))
    if room.armed:
        found = replace(
            finding("message.provoked"),
            message_nl=CODE_NL.format(code=room.code),
            message_en=CODE_EN.format(code=room.code),
        )
        receipt = Receipt(0, Verdict.REJECT, found.fault, (found,))
    else:
        receipt = push.deliver(desk, spooled, room.source_id)
    rooms.note_arrival(desk.engine, room, receipt, spooled.digest, spooled.size, provoked=room.armed)
    return receipt
