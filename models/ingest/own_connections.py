"""The connections that an administrator of a school adds on the page: senders, publishers to fetch from, and a LAS.

Each belongs to one school, whose administrators alone see and change it. What the operator adds, in the configuration
or with commands, is never changed here. A source that is removed and added again under its name goes on with its
results.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from typing import Literal

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, insert, select, update

from models.access.viewer import AccessDenied, Viewer, check_administers
from models.ingest import connections, schools, senders
from models.ingest.schools import Identification
from models.ingest.senders import FROM_COMMAND, FROM_PAGE, KEYS_AT_ONCE, SenderKey
from models.schema import clock
from models.schema.encryption import PiiCipher
from models.schema.tables import own_connections, school_identifications, source_connections
from models.schema.tables import senders as sender_rows
from models.schema.terms import Policy, SenderTerms

Kind = Literal["sender", "publisher", "las"]
SENDER: Kind = "sender"
PUBLISHER: Kind = "publisher"
LAS: Kind = "las"
MAX_NAME = 40  # so that a klantnaam has room for the identification of the school

Origin = Literal["page", "command", "config"]
Reason = Literal["name", "taken", "keys"]


class OwnConnectionRefused(Exception):
    """A connection that cannot be made or changed as asked; `reason` says why."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason: Reason = reason


@dataclass(frozen=True, slots=True)
class OwnConnection:
    """A connection of the school: `source_id` is None as long as it is not in use."""

    id: int
    kind: Kind
    name: str
    source_id: int | None
    made_by: str
    made_us: int


@dataclass(frozen=True, slots=True)
class OwnSender:
    """A sender of the school with its keys, the newest first, those that were revoked too."""

    connection: OwnConnection
    customer_name: str
    policy: Policy
    keys: tuple[SenderKey, ...]

    @property
    def may_get_key(self) -> bool:
        """Whether another key can be made."""
        return sum(key.revoked_us is None for key in self.keys) < KEYS_AT_ONCE


@dataclass(frozen=True, slots=True)
class IssuedAccount:
    """What a publisher has to fill in, shown once; `code` is None where it has one already."""

    id: int
    source_id: int
    customer_name: str
    code: str | None = field(repr=False)
    key: str = field(repr=False)


# -- finding -----------------------------------------------------------------------------------------------------


def own_connections_of(connection: Connection, viewer: Viewer) -> list[OwnConnection]:
    """The connections that administrators of the viewer's school added; raises AccessDenied."""
    check_administers(viewer)
    query = select(own_connections).where(own_connections.c.school_id == viewer.school_id)
    return [_read(row) for row in connection.execute(query.order_by(own_connections.c.id))]


def find_own(connection: Connection, viewer: Viewer, number: int) -> OwnConnection:
    """The connection with this number of the viewer's school; raises AccessDenied where there is none."""
    check_administers(viewer)
    row = connection.execute(select(own_connections).where(_own(viewer, number))).one_or_none()
    if row is None:
        raise AccessDenied("there is no such connection of this school")
    return _read(row)


def origins_of(connection: Connection, viewer: Viewer) -> dict[int, Origin]:
    """Who added each source of the viewer's school: its administrators, or the operator by a command or in the file.

    Raises AccessDenied.
    """
    found: dict[int, Origin] = {}
    of_school = select(source_connections.c.source_id, sender_rows.c.origin).where(
        source_connections.c.school_id == viewer.school_id
    )
    of_sender = source_connections.outerjoin(sender_rows, sender_rows.c.source_id == source_connections.c.source_id)
    for row in connection.execute(of_school.select_from(of_sender)):
        found[row.source_id] = "command" if row.origin in (FROM_COMMAND, FROM_PAGE) else "config"
    for item in own_connections_of(connection, viewer):
        if item.source_id is not None:
            found[item.source_id] = "page"
    return found


def find_sender(connection: Connection, viewer: Viewer, number: int) -> OwnSender:
    """A sender of the viewer's school with its keys; raises AccessDenied where there is none."""
    own = find_own(connection, viewer, number)
    sender = None if own.source_id is None else senders.by_source(connection, own.source_id)
    if own.kind != SENDER or sender is None:
        raise AccessDenied("this is no sender")
    keys = senders.keys_for(connection, sender.source_id, viewer.school_id)
    return OwnSender(own, sender.customer_name, sender.terms.policy, tuple(reversed(keys)))


def _own(viewer: Viewer, number: int) -> ColumnElement[bool]:
    return and_(own_connections.c.school_id == viewer.school_id, own_connections.c.id == number)


def _read(row: Row[tuple[object, ...]]) -> OwnConnection:
    return OwnConnection(row.id, row.kind, row.name, row.source_id, row.made_by, row.made_us)


# -- senders -----------------------------------------------------------------------------------------------------


def add_sender(connection: Connection, cipher: PiiCipher, viewer: Viewer, name: str, policy: Policy) -> IssuedAccount:
    """Let a publisher send results of the viewer's school; call inside `write_transaction` without a school.

    Raises AccessDenied, or OwnConnectionRefused where the name cannot be used.
    """
    check_administers(viewer)
    name = checked_name(connection, viewer, name)
    source_id = ensure_own_source(connection, viewer, PUBLISHER, name)
    covered = _identifications(connection, viewer)
    terms = SenderTerms(policy=policy)
    customer_name, code = senders.make_sender_of(connection, cipher, source_id, covered[0], terms)
    number = insert_own(connection, viewer, SENDER, name, source_id=source_id)
    key = senders.new_key()
    senders.add_key(connection, cipher, source_id, key, covered)
    connections.resume(connection, viewer.school_id, source_id)
    return IssuedAccount(number, source_id, customer_name, code, key)


def add_key(connection: Connection, cipher: PiiCipher, viewer: Viewer, number: int) -> IssuedAccount:
    """Make another key of a sender, valid beside the one that it replaces; raises as `add_sender`."""
    sender = find_sender(connection, viewer, number)
    assert sender.connection.source_id is not None
    if not sender.may_get_key:
        raise OwnConnectionRefused("keys")
    key, source_id = senders.new_key(), sender.connection.source_id
    senders.add_key(connection, cipher, source_id, key, _identifications(connection, viewer))
    return IssuedAccount(number, source_id, sender.customer_name, None, key)


def revoke_key(connection: Connection, viewer: Viewer, number: int, key_id: int) -> None:
    """End a key of a sender from its next message on; raises AccessDenied where there is no such valid key."""
    sender = find_sender(connection, viewer, number)
    assert sender.connection.source_id is not None
    if key_id not in [key.id for key in sender.keys if key.revoked_us is None]:
        raise AccessDenied("there is no such valid key")
    senders.revoke(connection, sender.connection.source_id, key_id)


def set_policy(connection: Connection, viewer: Viewer, number: int, policy: Policy) -> None:
    """Set how exact the messages of a sender must be; raises AccessDenied."""
    sender = find_sender(connection, viewer, number)
    assert sender.connection.source_id is not None
    senders.set_policy(connection, sender.connection.source_id, policy)


def _identifications(connection: Connection, viewer: Viewer) -> list[Identification]:
    """The ways in which messages name the viewer's school."""
    rows = connection.execute(
        select(school_identifications)
        .where(school_identifications.c.school_id == viewer.school_id)
        .order_by(school_identifications.c.scheme, school_identifications.c.value, school_identifications.c.location)
    )
    return [Identification(row.scheme, row.value, row.location) for row in rows]


# -- making and removing -----------------------------------------------------------------------------------------


def checked_name(connection: Connection, viewer: Viewer, name: str, number: int | None = None) -> str:
    """A name for a connection of the school; `number` is the connection that may have it.

    Raises OwnConnectionRefused where it is empty, too long, or the name of another.
    """
    name = " ".join(name.split())
    if not (1 <= len(name) <= MAX_NAME and name.isprintable()):
        raise OwnConnectionRefused("name")
    others = [item for item in own_connections_of(connection, viewer) if item.id != number]
    if _slug(name) in [_slug(item.name) for item in others]:
        raise OwnConnectionRefused("taken")
    return name


def ensure_own_source(connection: Connection, viewer: Viewer, kind: Kind, name: str) -> int:
    """The source of a connection of the school, made where the school had none of this name before."""
    role = "las" if kind == LAS else "publisher"
    return schools.ensure_source(connection, f"{viewer.school_id}.{role}.{_slug(name)}", name, role)


def insert_own(
    connection: Connection,
    viewer: Viewer,
    kind: Kind,
    name: str,
    *,
    source_id: int | None = None,
    draft: bytes | None = None,
) -> int:
    """Store a new connection of the school; returns its number."""
    values = {
        "school_id": viewer.school_id, "kind": kind, "name": name, "source_id": source_id, "draft": draft,
        "made_by": viewer.name, "made_us": clock.now_us(),
    }  # fmt: skip
    return int(
        connection.execute(insert(own_connections).values(**values).returning(own_connections.c.id)).scalar_one()
    )


def remove(connection: Connection, viewer: Viewer, number: int) -> None:
    """Remove a connection of the school: nothing comes in any more, and all results stay. Raises AccessDenied."""
    own = find_own(connection, viewer, number)
    if own.kind == SENDER and own.source_id is not None:
        senders.end(connection, own.source_id)
    connection.execute(
        update(source_connections)
        .where(source_connections.c.school_id == viewer.school_id, source_connections.c.source_id == own.source_id)
        .values(active=False)
    )
    connection.execute(delete(own_connections).where(_own(viewer, number)))


def _slug(name: str) -> str:
    """The name in lower-case letters and digits, by which it is known again."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    slug = re.sub(r"[^a-z0-9]+", "-", "".join(mark for mark in plain if not unicodedata.combining(mark))).strip("-")
    return slug or plain.encode().hex()
