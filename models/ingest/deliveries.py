"""What came in: the list of deliveries for operators, and which documents of a source are known."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, select

from models.schema.database import read_transaction
from models.schema.tables import deliveries, fetched_documents, schools, sources


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message that came in, and what became of it; `findings` as they were stored, never a value of a pupil."""

    id: int
    source: str | None
    school: str | None
    what: str
    channel: str
    received_us: int
    verdict: str
    fault: str | None
    counts: dict[str, int]
    findings: list[dict[str, Any]]
    digest: bytes
    size: int


def newest(engine: Engine, page: int = 500) -> Iterator[Delivery]:
    """All deliveries, newest first, read page by page. For operators: it names schools and sources, no pupils."""
    before: int | None = None
    while True:
        query = (
            select(deliveries, sources.c.key.label("source"), schools.c.name.label("school"))
            .join(sources, sources.c.id == deliveries.c.source_id, isouter=True)
            .join(schools, schools.c.id == deliveries.c.school_id, isouter=True)
            .order_by(deliveries.c.id.desc())
            .limit(page)
        )
        if before is not None:
            query = query.where(deliveries.c.id < before)
        with read_transaction(engine) as connection:
            rows = connection.execute(query).all()
        for row in rows:
            yield Delivery(
                row.id,
                row.source,
                row.school,
                row.what,
                row.way,
                row.received_us,
                row.verdict,
                row.fault,
                json.loads(row.counts),
                json.loads(row.findings),
                bytes(row.digest),
                row.size,
            )
        if len(rows) < page:
            return
        before = rows[-1].id


def is_fetched(engine: Engine, school_id: int, source_id: int, digest: bytes) -> bool:
    """Whether a document of these bytes was taken in from this source for this school before."""
    with read_transaction(engine) as connection:
        row = connection.execute(
            select(fetched_documents.c.digest).where(
                fetched_documents.c.school_id == school_id,
                fetched_documents.c.source_id == source_id,
                fetched_documents.c.digest == digest,
            )
        ).one_or_none()
    return row is not None
