"""What an administrator sees of the connections, and what they can set in motion; a page never fetches itself.

"Try again now" makes the poll of a connection due at this moment: a worker does it. All of it is for an
administrator only.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, func, select, update

from models.access.people import full_name
from models.access.viewer import AccessDenied, Viewer, check_administers
from models.ingest import identity, result_counts, work_queue
from models.ingest.agreements import agreements_of
from models.ingest.freshness import SourceState, source_states
from models.ingest.own_connections import Origin, OwnConnection, origins_of, own_connections_of
from models.ingest.quarantine import accepted_since
from models.ingest.rosters import HELD_RULE
from models.schema import clock
from models.schema.records import Verdict
from models.schema.tables import (
    deliveries,
    identifier_links,
    pupils,
    raw_messages,
    rosters,
    source_connections,
    sources,
)
from models.schema.terms import Agreement

REFUSED_SHOWN = 20


@dataclass(frozen=True, slots=True)
class RefusalReason:
    """Why a message was refused, in both languages, and where in it."""

    rule: str
    sentence_nl: str
    sentence_en: str
    remedy: str
    remedy_en: str
    line: int | None
    column: int | None


@dataclass(frozen=True, slots=True)
class RefusedMessage:
    """A message that was refused; `source` is None where nobody knows who sent it."""

    id: int
    source: str | None
    what: str
    received_us: int
    fault: str | None
    reasons: tuple[RefusalReason, ...]
    in_quarantine: bool = False  # its bytes are still stored: it can be viewed and replayed


@dataclass(frozen=True, slots=True)
class PendingRoster:
    """A roster that waits for a decision, and why, in both languages."""

    id: int
    source: str | None
    received_us: int
    school_year: str
    pupils: int
    groups: int
    sentence_nl: str
    sentence_en: str


@dataclass(frozen=True, slots=True)
class ManualLink:
    """A link by hand that is in force."""

    id: int
    identifier_id: int
    pupil: str | None
    by: str
    linked_us: int


@dataclass(frozen=True, slots=True)
class ConnectionRow:
    """One source with its counts of this school year."""

    state: SourceState
    received: int
    refused: int
    parked: int
    origin: Origin = "config"
    own_id: int | None = None  # of what the school added itself
    agreement: Agreement = field(default_factory=Agreement)


@dataclass(frozen=True, slots=True)
class ConnectionOverview:
    """All that the connections page shows, but for what is parked (`identity.parked` names it)."""

    rows: tuple[ConnectionRow, ...]
    refused: tuple[RefusedMessage, ...]
    pending_rosters: tuple[PendingRoster, ...]
    links: tuple[ManualLink, ...]
    pupils: int
    drafts: tuple[OwnConnection, ...] = ()  # what the school added and did not take in use yet


def connection_overview(connection: Connection, viewer: Viewer) -> ConnectionOverview:
    """The state of all connections of the viewer's school. Raises AccessDenied for who does not administer it."""
    check_administers(viewer)
    year = clock.school_year(clock.today())
    received = result_counts.of_school_year(connection, viewer.school_id, year)
    parked: Counter[int] = Counter()
    for _identifier, of_source, number in identity.parked_counts(connection, viewer):
        parked[of_source] += number
    refused = _refused(connection, viewer, year)
    numbers: dict[int, int] = defaultdict(int)
    for source_id, _one in refused:
        if source_id is not None:
            numbers[source_id] += 1
    states = source_states(connection, viewer)
    added = own_connections_of(connection, viewer)
    origins = origins_of(connection, viewer, added)
    recorded = agreements_of(connection, viewer)
    own_ids = {own.source_id: own.id for own in added}
    people = connection.scalar(select(func.count()).select_from(pupils).where(pupils.c.school_id == viewer.school_id))
    return ConnectionOverview(
        tuple(
            ConnectionRow(
                state,
                received.get(state.id, 0),
                numbers[state.id],
                parked[state.id],
                origins.get(state.id, "config"),
                own_ids.get(state.id),
                recorded.get(state.id, Agreement()),
            )
            for state in states
        ),
        tuple(refused_message for _source, refused_message in refused[:REFUSED_SHOWN]),
        tuple(pending_rosters(connection, viewer)),
        tuple(_links(connection, viewer)),
        int(people or 0),
        tuple(own for own in added if own.source_id is None),
    )


def _refused(connection: Connection, viewer: Viewer, year: str) -> list[tuple[int | None, RefusedMessage]]:
    start = clock.school_year_bounds(year)[0].isoformat()
    rows = connection.execute(
        select(deliveries, sources.c.name, raw_messages.c.delivery_id.label("kept"))
        .outerjoin(sources, sources.c.id == deliveries.c.source_id)
        .outerjoin(raw_messages, raw_messages.c.delivery_id == deliveries.c.id)
        .where(
            deliveries.c.school_id == viewer.school_id,
            deliveries.c.verdict == Verdict.REJECT.value,
            deliveries.c.received_us >= _us(start),
            ~accepted_since(),
        )
        .order_by(deliveries.c.received_us.desc(), deliveries.c.id.desc())
    )
    return [
        (
            row.source_id,
            RefusedMessage(
                row.id, row.name, row.what, row.received_us, row.fault, _reasons(row.findings), row.kept is not None
            ),
        )
        for row in rows
    ]


def _us(day: str) -> int:
    return clock.to_us(datetime.fromisoformat(day))


def _reasons(findings: str) -> tuple[RefusalReason, ...]:
    return tuple(
        RefusalReason(
            rule=load["rule"],
            sentence_nl=load["message_nl"],
            sentence_en=load["message_en"],
            remedy=load["remedy"],
            remedy_en=load.get("remedy_en", load["remedy"]),  # rows of before there was an English one
            line=load.get("line"),
            column=load.get("column"),
        )
        for load in json.loads(findings)
        if load["level"] == "error"
    )


def pending_rosters(connection: Connection, viewer: Viewer) -> list[PendingRoster]:
    """The rosters of the school that wait for a decision; none for who does not administer it."""
    if not viewer.may_administer:
        return []
    rows = connection.execute(
        select(rosters, deliveries.c.received_us, deliveries.c.findings, sources.c.name)
        .join(deliveries, deliveries.c.id == rosters.c.delivery_id)
        .outerjoin(sources, sources.c.id == deliveries.c.source_id)
        .where(
            rosters.c.school_id == viewer.school_id,
            deliveries.c.school_id == viewer.school_id,
            rosters.c.state == "held",
        )
        .order_by(rosters.c.id)
    )
    return [
        PendingRoster(
            row.id,
            row.name,
            row.received_us,
            row.school_year,
            row.pupil_count,
            row.group_count + row.composed_count,
            *_held_sentences(row.findings),
        )
        for row in rows
    ]


def _held_sentences(findings: str) -> tuple[str, str]:
    """Why a roster waits, as the finding of its delivery says."""
    held = (finding for finding in json.loads(findings) if finding["rule"] == HELD_RULE)
    return next(((finding["message_nl"], finding["message_en"]) for finding in held), ("", ""))


def _links(connection: Connection, viewer: Viewer) -> list[ManualLink]:
    rows = connection.execute(
        select(identifier_links, pupils.c.first_name, pupils.c.prefix, pupils.c.last_name)
        .join(
            pupils,
            (pupils.c.school_id == identifier_links.c.school_id) & (pupils.c.id == identifier_links.c.pupil_id),
        )
        .where(identifier_links.c.school_id == viewer.school_id, identifier_links.c.undone_us.is_(None))
        .order_by(identifier_links.c.linked_us.desc(), identifier_links.c.id.desc())
    )
    return [
        ManualLink(
            row.id,
            row.identifier_id,
            full_name(row.first_name, row.prefix, row.last_name),
            row.linked_by,
            row.linked_us,
        )
        for row in rows
    ]


def retry_now(connection: Connection, viewer: Viewer, source_id: int) -> None:
    """Make the poll of a source due at this moment; call inside `write_transaction`. Raises AccessDenied."""
    check_administers(viewer)
    if not work_queue.poll_now(connection, viewer.school_id, source_id):
        raise AccessDenied("the school polls no such source")


def set_stopped(connection: Connection, viewer: Viewer, source_id: int, stopped: bool) -> None:
    """Stop polling a source, or go on; call inside `write_transaction`. Raises AccessDenied."""
    check_administers(viewer)
    own = source_connections.c.school_id == viewer.school_id, source_connections.c.source_id == source_id
    if connection.execute(update(source_connections).where(*own).values(stopped=stopped)).rowcount == 0:
        raise AccessDenied("the school has no such source")
