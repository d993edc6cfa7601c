"""What is stored of a school and where it came from, in numbers: for its privacy notice and processing register.

It names schools and sources, and nobody: no pupil, no teacher, no user.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Table, and_, case, func, or_, select, true

from models.access.accounts import active as role_is_active
from models.access.viewer import Role, Viewer, check_administers, stands_in_now
from models.ingest import agreements
from models.ingest.freshness import SourceState, source_states
from models.ingest.own_connections import Origin, origins_of, own_connections_of
from models.ingest.schools import Identification
from models.schema import clock
from models.schema.records import Verdict
from models.schema.tables import (
    account_roles,
    accounts,
    deliveries,
    goals,
    groups,
    identifiers,
    invitations,
    legal_holds,
    notes,
    pupils,
    raw_messages,
    results,
    rosters,
    school_identifications,
    schools,
    sender_key_schools,
    sender_keys,
    signal_marks,
    stand_ins,
    teachers,
)
from models.schema.terms import Agreement

# What a publisher may deliver with a result, by the columns that then hold something.
DELIVERED = {
    "score": (results.c.score, results.c.score_text),
    "parts": (results.c.part_id,),
    "absence": (results.c.absence, results.c.status),
    "counts": (results.c.offered, results.c.made, results.c.correct),
    "time": (results.c.worked_ms,),
    "detail": (results.c.detail,),
    "link": (results.c.info_url,),
}
STORED: dict[str, Table] = {
    "pupils": pupils,
    "teachers": teachers,
    "groups": groups,
    "results": results,
    "notes": notes,
    "goals": goals,
    "settled_signals": signal_marks,
}


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """A source of the school with what it delivered; `since_us` is None where nothing is known of a beginning.

    `delivered` are keys of `DELIVERED`, `identified_by` the kinds of identifiers (las, eck) of its results.
    """

    state: SourceState
    origin: Origin
    since_us: int | None
    messages: int
    results: int
    delivered: tuple[str, ...]
    identified_by: tuple[str, ...]
    agreement: Agreement

    @property
    def in_use(self) -> bool:
        """Whether it delivers now: it was neither stopped nor removed."""
        return self.state.active and not self.state.stopped


@dataclass(frozen=True, slots=True)
class ProcessingRecord:
    """What is stored of a school: its sources, its users by role, and how much of each kind (`STORED` and others)."""

    school: str | None
    identifications: tuple[Identification, ...]
    sources: tuple[SourceRecord, ...]
    roles: tuple[tuple[Role, int], ...]
    stored: dict[str, int]
    accounts_by_issuer: dict[str, int]


def processing_record(connection: Connection, viewer: Viewer) -> ProcessingRecord:
    """What is stored of the viewer's school and where it came from. Raises AccessDenied for who does not administer."""
    check_administers(viewer)
    number = viewer.school_id
    named = connection.execute(
        select(school_identifications)
        .where(school_identifications.c.school_id == number)
        .order_by(school_identifications.c.scheme, school_identifications.c.value, school_identifications.c.location)
    )
    return ProcessingRecord(
        connection.scalar(select(schools.c.name).where(schools.c.id == number)),
        tuple(Identification(row.scheme, row.value, row.location) for row in named),
        tuple(_sources(connection, viewer)),
        tuple(_roles(connection, number)),
        _stored(connection, number),
        _issuers(connection, number),
    )


def _sources(connection: Connection, viewer: Viewer) -> list[SourceRecord]:
    number = viewer.school_id
    added = own_connections_of(connection, viewer)
    origins = origins_of(connection, viewer, added)
    messages = _messages(connection, number)
    keys_since = _keys_since(connection, number)
    delivered = _delivered(connection, number)
    identified = _identified(connection, number)
    recorded = agreements.agreements_of(connection, viewer)
    found = []
    for state in source_states(connection, viewer):
        many, first_us = messages.get(state.id, (0, None))
        begun = [us for us in (state.added_us, keys_since.get(state.id), first_us) if us is not None]
        counted, kinds = delivered.get(state.id, (0, ()))
        origin = origins.get(state.id, "config")
        since = min(begun, default=None)
        by = identified.get(state.id, ())
        agreement = recorded.get(state.id, Agreement())
        found.append(SourceRecord(state, origin, since, many, counted, kinds, by, agreement))
    return found


def delivered_by(connection: Connection, viewer: Viewer, source_id: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What the results of one source of the viewer's school hold, and how they name pupils, as in `SourceRecord`.

    Both are empty where there are no results. Raises AccessDenied for who does not administer.
    """
    check_administers(viewer)
    of_source = results.c.source_id == source_id
    _many, kinds = _delivered(connection, viewer.school_id, of_source).get(source_id, (0, ()))
    return kinds, _identified(connection, viewer.school_id, of_source).get(source_id, ())


def _messages(connection: Connection, number: int) -> dict[int, tuple[int, int]]:
    """How many messages of each source were accepted, and when the first one came."""
    rows = connection.execute(
        select(deliveries.c.source_id, func.count().label("many"), func.min(deliveries.c.received_us).label("first_us"))
        .where(deliveries.c.school_id == number, deliveries.c.verdict != Verdict.REJECT.value)
        .group_by(deliveries.c.source_id)
    )
    return {row.source_id: (row.many, row.first_us) for row in rows}


def _keys_since(connection: Connection, number: int) -> dict[int, int]:
    """Since when each source has a key to send results of the school."""
    rows = connection.execute(
        select(sender_keys.c.source_id, func.min(sender_keys.c.made_us).label("made_us"))
        .join(sender_key_schools, sender_key_schools.c.key_id == sender_keys.c.id)
        .where(sender_key_schools.c.school_id == number)
        .group_by(sender_keys.c.source_id)
    )
    return {row.source_id: row.made_us for row in rows}


def _delivered(connection: Connection, number: int, *of: ColumnElement[bool]) -> dict[int, tuple[int, tuple[str, ...]]]:
    """Of each source how many results are stored, and what they hold."""
    filled = [_filled(kind).label(kind) for kind in DELIVERED]
    rows = connection.execute(
        select(results.c.source_id, func.count().label("many"), *filled)
        .where(results.c.school_id == number, *of)
        .group_by(results.c.source_id)
    )
    return {row.source_id: (row.many, tuple(kind for kind in DELIVERED if getattr(row, kind))) for row in rows}


def _filled(kind: str) -> ColumnElement[int]:
    """How many results hold something of a kind."""
    if kind == "parts":  # part 0 is the test as a whole
        return func.count(func.nullif(results.c.part_id, 0))
    return func.count(case((or_(*(column.is_not(None) for column in DELIVERED[kind])), 1)))


def _identified(connection: Connection, number: int, *of: ColumnElement[bool]) -> dict[int, tuple[str, ...]]:
    """By which kinds of identifiers each source names pupils; a pair is both."""
    rows = connection.execute(
        select(results.c.source_id, identifiers.c.kind)
        .join(
            identifiers,
            and_(identifiers.c.school_id == results.c.school_id, identifiers.c.id == results.c.identifier_id),
        )
        .where(results.c.school_id == number, *of)
        .distinct()
    )
    found: dict[int, set[str]] = {}
    for row in rows:
        found.setdefault(row.source_id, set()).update(("las", "eck") if row.kind == "pair" else (row.kind,))
    return {source: tuple(sorted(kinds, reverse=True)) for source, kinds in found.items()}


def _roles(connection: Connection, number: int) -> list[tuple[Role, int]]:
    """How many accounts have each role now; none of roles that nobody has."""
    rows = connection.execute(
        select(account_roles.c.role, func.count(account_roles.c.account_id.distinct()).label("many"))
        .where(account_roles.c.school_id == number, role_is_active())
        .group_by(account_roles.c.role)
    )
    many = {Role(row.role): row.many for row in rows}
    return [(role, many[role]) for role in Role if role in many]


def _issuers(connection: Connection, number: int) -> dict[str, int]:
    """How many accounts with a role sign in at each issuer."""
    rows = connection.execute(
        select(accounts.c.issuer, func.count(accounts.c.id.distinct()).label("many"))
        .join(account_roles, account_roles.c.account_id == accounts.c.id)
        .where(account_roles.c.school_id == number, role_is_active())
        .group_by(accounts.c.issuer)
    )
    return {row.issuer: row.many for row in rows}


def _stored(connection: Connection, number: int) -> dict[str, int]:
    """How much of each kind is stored."""
    narrowed: dict[str, tuple[Table, ColumnElement[bool]]] = {
        "eck_ids": (identifiers, identifiers.c.kind == "eck"),
        "unmatched": (identifiers, and_(identifiers.c.pupil_id.is_(None), identifiers.c.kind != "pair")),
        "invitations": (
            invitations,
            and_(invitations.c.ended_us.is_(None), invitations.c.until_us > clock.now_us()),
        ),
        "waiting_rosters": (rosters, rosters.c.state == "held"),
        "legal_holds": (legal_holds, legal_holds.c.ended_us.is_(None)),
        "stand_ins": (stand_ins, stands_in_now()),
        "kept_messages": (raw_messages, true()),
        **{name: (table, true()) for name, table in STORED.items()},
    }
    return {
        name: int(
            connection.scalar(select(func.count()).select_from(table).where(table.c.school_id == number, condition))
            or 0
        )
        for name, (table, condition) in narrowed.items()
    }
