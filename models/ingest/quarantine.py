"""Refused messages, stored as they came and encrypted, until they are accepted or expire."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, exists, or_, select

from models.schema import clock
from models.schema.encrypted_columns import place
from models.schema.encryption import PiiCipher
from models.schema.records import Verdict
from models.schema.tables import deliveries, raw_messages, sources


@dataclass(frozen=True, slots=True)
class QuarantinedMessage:
    """A refused message of which the bytes are kept."""

    delivery_id: int
    school_id: int | None
    source_id: int
    source_key: str
    channel: str
    fault: str | None
    received_us: int
    keep_until_us: int
    size: int


def quarantined_messages(connection: Connection, delivery_id: int | None = None) -> list[QuarantinedMessage]:
    """The refused messages (or this one) whose bytes are kept and that were not accepted since, oldest first.

    Of every school, and those of none: for operators and workers, who have no viewer.
    """
    query = (
        select(deliveries, raw_messages.c.keep_until_us, sources.c.key)
        .join(raw_messages, raw_messages.c.delivery_id == deliveries.c.id)
        .join(sources, sources.c.id == deliveries.c.source_id)
        .where(deliveries.c.verdict == Verdict.REJECT.value, ~accepted_since(), _in_time())
        .order_by(deliveries.c.id)
    )
    if delivery_id is not None:
        query = query.where(deliveries.c.id == delivery_id)
    return [
        QuarantinedMessage(
            row.id, row.school_id, row.source_id, row.key, row.way, row.fault, row.received_us, row.keep_until_us,
            row.size,
        )
        for row in connection.execute(query)
    ]  # fmt: skip


def accepted_since() -> ColumnElement[bool]:
    """Whether the same bytes of the same source were accepted as another delivery: then a refusal is settled."""
    other = deliveries.alias("accepted")
    return exists(
        select(other.c.id).where(
            other.c.digest == deliveries.c.digest,
            other.c.source_id == deliveries.c.source_id,
            other.c.verdict != Verdict.REJECT.value,
        )
    )


def raw(connection: Connection, cipher: PiiCipher, delivery_id: int) -> bytes | None:
    """The bytes of a message as they came, or None where they are not kept (any more); never of a settled refusal."""
    encrypted = connection.scalar(
        select(raw_messages.c.sealed)
        .join(deliveries, deliveries.c.id == raw_messages.c.delivery_id)
        .where(
            raw_messages.c.delivery_id == delivery_id,
            or_(deliveries.c.verdict != Verdict.REJECT.value, ~accepted_since()),
            _in_time(),
        )
    )
    return None if encrypted is None else cipher.decrypt(encrypted, place(raw_messages.c.sealed, delivery_id))


def findings_of(connection: Connection, delivery_id: int) -> list[dict[str, Any]]:
    """Why a message was refused, as it was recorded; a finding holds no value of the message."""
    text = connection.scalar(select(deliveries.c.findings).where(deliveries.c.id == delivery_id))
    return [] if text is None else list(json.loads(text))


def _in_time() -> ColumnElement[bool]:
    """What is due may still be there, until a worker comes by."""
    return raw_messages.c.keep_until_us >= clock.now_us()


def forget(connection: Connection, delivery_id: int) -> None:
    """Throw away the bytes of a message."""
    connection.execute(delete(raw_messages).where(raw_messages.c.delivery_id == delivery_id))
