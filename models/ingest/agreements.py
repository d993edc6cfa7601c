"""What a school recorded about its connections: mandate, processor agreement, purpose and categories of data.

It decides nothing: results come in with or without it. What config.yaml says is not changed here.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace

from sqlalchemy import Connection, select, update

from models.access.viewer import AccessDenied, Viewer, check_administers
from models.schema.tables import source_connections
from models.schema.terms import Agreement

MAX_LENGTH = 500  # characters of each text


class AgreementTooLong(Exception):
    """A text of more than `MAX_LENGTH` characters, or with one that cannot be shown; says of which field."""


def agreements_of(connection: Connection, viewer: Viewer) -> dict[int, Agreement]:
    """What is recorded of each source of the viewer's school, by the id of the source. Raises AccessDenied."""
    check_administers(viewer)
    known = source_connections.c
    rows = connection.execute(select(known.source_id, known.agreement).where(known.school_id == viewer.school_id))
    return {row.source_id: _read(row.agreement) for row in rows}


def set_agreement(connection: Connection, viewer: Viewer, source_id: int, agreement: Agreement) -> None:
    """Record it for a source of the viewer's school; call inside `write_transaction`.

    Raises AccessDenied where the school has no such source or config.yaml says it, and AgreementTooLong.
    """
    before = agreements_of(connection, viewer).get(source_id)
    if before is None or before.configured:
        raise AccessDenied("this is no source of the school that may be described here")
    for name in ("mandate", "purpose", "categories"):
        text = getattr(agreement, name)
        if text is not None and not (len(text) <= MAX_LENGTH and text.isprintable()):
            raise AgreementTooLong(name)
    _store(connection, viewer.school_id, source_id, replace(agreement, configured=False))


def apply_configured(connection: Connection, school_id: int, source_id: int, agreement: Agreement | None) -> None:
    """Record what config.yaml says; where it says nothing (any more), the school fills it in itself."""
    known = source_connections.c
    own = known.school_id == school_id, known.source_id == source_id
    if agreement is not None:
        _store(connection, school_id, source_id, replace(agreement, configured=True))
    elif _read(connection.scalar(select(known.agreement).where(*own))).configured:
        _store(connection, school_id, source_id, None)


def _store(connection: Connection, school_id: int, source_id: int, agreement: Agreement | None) -> None:
    known = source_connections.c
    text = None if agreement is None else json.dumps(asdict(agreement), ensure_ascii=False)
    connection.execute(
        update(source_connections)
        .where(known.school_id == school_id, known.source_id == source_id)
        .values(agreement=text)
    )


def _read(text: str | None) -> Agreement:
    return Agreement() if text is None else Agreement(**json.loads(text))
