"""Which columns are encrypted, and by which columns each of their rows is known.

What is encrypted is bound to its place, so that it cannot be read in another row or column.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Column

from models.schema.tables import (
    form_outcomes,
    identifiers,
    kept_sheets,
    local_credentials,
    notes,
    own_connections,
    raw_messages,
    rosters,
    sessions,
    sign_in_states,
    teachers,
    test_arrivals,
    test_rooms,
    work_queue,
)

_Key = tuple[Column[Any], ...]
_request: _Key = (work_queue.c.token_digest,)
_own_connection: _Key = (own_connections.c.school_id, own_connections.c.id)

# Those first that most databases have.
ENCRYPTED: Mapping[Column[Any], _Key] = {
    identifiers.c.sealed: (identifiers.c.school_id, identifiers.c.id),
    teachers.c.key_sealed: (teachers.c.school_id, teachers.c.id),
    notes.c.sealed: (notes.c.school_id, notes.c.id),
    test_rooms.c.account: (test_rooms.c.id,),
    work_queue.c.payload: _request,
    work_queue.c.excerpts: _request,
    work_queue.c.exchanges: _request,
    rosters.c.sealed: (rosters.c.school_id, rosters.c.id),
    raw_messages.c.sealed: (raw_messages.c.delivery_id,),
    own_connections.c.settings: _own_connection,
    own_connections.c.draft: _own_connection,
    test_arrivals.c.exchange: (test_arrivals.c.room_id, test_arrivals.c.arrived_us),
    local_credentials.c.totp_secret: (local_credentials.c.account_id,),
    sign_in_states.c.sealed: (sign_in_states.c.digest,),
    sessions.c.flash: (sessions.c.digest,),
    form_outcomes.c.outcome: (form_outcomes.c.digest,),
    kept_sheets.c.sealed: (kept_sheets.c.digest,),
}


def place(column: Column[Any], *key: int | bytes) -> bytes:
    """The place of a value in the database: its column, and the values of its row in the columns of `ENCRYPTED`."""
    assert len(key) == len(ENCRYPTED[column])
    parts = (part.hex() if isinstance(part, bytes) else str(part) for part in key)
    return " ".join((column.table.name, column.name, *parts)).encode()
