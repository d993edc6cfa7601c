"""The connections that an administrator of a school adds on the page: senders, publishers to fetch from, and a LAS.

Each belongs to one school, whose administrators alone see and change it. What the operator adds, in the configuration
or with commands, is never changed here. A source that is removed and added again under its name goes on with its
results.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

from sqlalchemy import Column, ColumnElement, Connection, Engine, Row, and_, delete, insert, select, update

from models.access.viewer import AccessDenied, Viewer, check_administers
from models.ingest import connections, schools, senders, work_queue
from models.ingest.connections import SourceConnection
from models.ingest.schools import Identification
from models.ingest.senders import FROM_COMMAND, FROM_PAGE, KEYS_AT_ONCE, SenderKey
from models.schema import clock
from models.schema.database import read_transaction, write_transaction
from models.schema.encrypted_columns import place
from models.schema.encryption import PiiCipher
from models.schema.tables import own_connections, school_identifications, source_connections, sources
from models.schema.tables import senders as sender_rows
from models.schema.terms import Policy, SenderTerms

Kind = Literal["sender", "publisher", "las"]
SENDER: Kind = "sender"
PUBLISHER: Kind = "publisher"
LAS: Kind = "las"
MAX_NAME = 40  # so that a klantnaam has room for the identification of the school

Origin = Literal["page", "command", "config"]
Reason = Literal["name", "taken", "keys", "las", "untried", "secrets"]
Values = Mapping[str, str]  # what was typed, by the name of the field
SECRETS = {
    "key": "customer_code",
    "header_value": "header_name",
}  # never shown again; with the field that goes with each
ADDRESS = "address"  # the field that says to whom secrets are sent


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
class SourceForm:
    """How a source is fetched, as its form shows it: without secrets, whose names are in `kept`.

    `drafted`: these settings are not in use; `tried`: they were tried and worked.
    """

    connection: OwnConnection
    values: Values
    kept: frozenset[str]
    drafted: bool
    tried: bool


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """How a source of a school is fetched; `values` may hold secrets."""

    kind: Kind
    name: str
    values: Values = field(repr=False)


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


def origins_of(connection: Connection, viewer: Viewer, added: Sequence[OwnConnection]) -> dict[int, Origin]:
    """Who added each source of the viewer's school: its administrators (`added`), or the operator by command or file.

    Raises AccessDenied.
    """
    check_administers(viewer)
    found: dict[int, Origin] = {}
    of_school = select(source_connections.c.source_id, sender_rows.c.origin).where(
        source_connections.c.school_id == viewer.school_id
    )
    of_sender = source_connections.outerjoin(sender_rows, sender_rows.c.source_id == source_connections.c.source_id)
    for row in connection.execute(of_school.select_from(of_sender)):
        found[row.source_id] = "command" if row.origin in (FROM_COMMAND, FROM_PAGE) else "config"
    return found | {own.source_id: "page" for own in added if own.source_id is not None}


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


def _read(row: Row[Any]) -> OwnConnection:
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


# -- sources that are fetched from -------------------------------------------------------------------------------


def source_form(connection: Connection, cipher: PiiCipher, viewer: Viewer, number: int) -> SourceForm:
    """What the form of a source shows; raises AccessDenied where the school has no such source."""
    row = _source_row(connection, viewer, number)
    values = _values(cipher, row)
    kept = frozenset(name for name in SECRETS if values.get(name))
    shown = {name: value for name, value in values.items() if name not in SECRETS}
    tried = row.draft is not None and row.tried_digest == _digest(cipher, values)
    return SourceForm(_read(row), shown, kept, row.draft is not None, tried)


def with_kept_secrets(
    connection: Connection, cipher: PiiCipher, viewer: Viewer, number: int, values: Values
) -> dict[str, str]:
    """What was typed, with the secrets that were typed before where their fields were left empty.

    A secret goes when the field that goes with it was emptied too. Raises AccessDenied, and OwnConnectionRefused where
    the address is on another server: who may change the address would else have a secret sent to one of their own.
    """
    row = _source_row(connection, viewer, number)
    before = _values(cipher, row)
    missing = [
        name for name, beside in SECRETS.items() if before.get(name) and not values.get(name) and values.get(beside)
    ]
    if missing and _server(before.get(ADDRESS, "")) != _server(values.get(ADDRESS, "")):
        raise OwnConnectionRefused("secrets")
    return {**values, **{name: before[name] for name in missing}}


def save_draft(
    connection: Connection,
    cipher: PiiCipher,
    viewer: Viewer,
    number: int | None,
    settings: SourceSettings,
) -> int:
    """Store settings that are not in use yet, of a new source (None) or one of the school; returns its number.

    They have to be tried again. A source that is in use keeps its name. Raises AccessDenied or OwnConnectionRefused.
    """
    check_administers(viewer)
    if number is None:
        name = checked_name(connection, viewer, settings.name)
        _check_only_las(connection, viewer, settings.kind, None)
        number = insert_own(connection, viewer, settings.kind, name)
    else:
        own = _read(_source_row(connection, viewer, number))
        name = own.name if own.source_id is not None else checked_name(connection, viewer, settings.name, number)
    draft = _encrypted(cipher, own_connections.c.draft, viewer.school_id, number, settings.values)
    values = {"name": name, "draft": draft, "tried_digest": None}
    connection.execute(update(own_connections).where(_own(viewer, number)).values(**values))
    return number


def discard_draft(connection: Connection, viewer: Viewer, number: int) -> None:
    """Forget settings that are not in use, of a source that goes on as it did; raises AccessDenied."""
    own = _read(_source_row(connection, viewer, number))
    if own.source_id is None:
        raise AccessDenied("nothing of it is in use")
    connection.execute(update(own_connections).where(_own(viewer, number)).values(draft=None, tried_digest=None))


def use_draft(connection: Connection, cipher: PiiCipher, viewer: Viewer, number: int) -> int:
    """Fetch by the settings that were tried, from now on; returns the id of the source.

    Call it inside `write_transaction` without a school. Raises AccessDenied, or OwnConnectionRefused where these
    settings were not tried or did not work.
    """
    form = source_form(connection, cipher, viewer, number)
    own, row = form.connection, _source_row(connection, viewer, number)
    if not form.tried:
        raise OwnConnectionRefused("untried")
    _check_only_las(connection, viewer, own.kind, own.source_id)
    source_id = own.source_id
    if source_id is None:
        source_id = ensure_own_source(connection, viewer, own.kind, own.name)
    settings = _encrypted(cipher, own_connections.c.settings, viewer.school_id, number, _values(cipher, row))
    values = {"source_id": source_id, "settings": settings, "draft": None, "tried_digest": None}
    connection.execute(update(own_connections).where(_own(viewer, number)).values(**values))
    connections.ensure_connection(connection, viewer.school_id, source_id)
    connections.resume(connection, viewer.school_id, source_id)
    work_queue.poll_now(connection, viewer.school_id, source_id)
    return source_id


def _source_row(connection: Connection, viewer: Viewer, number: int) -> Row[Any]:
    check_administers(viewer)
    fetched = own_connections.c.kind.in_((PUBLISHER, LAS))
    row = connection.execute(select(own_connections).where(_own(viewer, number), fetched)).one_or_none()
    if row is None:
        raise AccessDenied("there is no such source of this school")
    return row


def _check_only_las(connection: Connection, viewer: Viewer, kind: Kind, source_id: int | None) -> None:
    """Raises OwnConnectionRefused for a second LAS: each would remove the pupils of the other."""
    others = (
        select(sources.c.id)
        .join(source_connections, source_connections.c.source_id == sources.c.id)
        .where(source_connections.c.school_id == viewer.school_id, source_connections.c.active.is_(True))
        .where(sources.c.role == "las")
    )
    if kind == LAS and set(connection.scalars(others)) - {source_id}:
        raise OwnConnectionRefused("las")


def _values(cipher: PiiCipher, row: Row[Any]) -> dict[str, str]:
    """The settings of a source that are in its form: those of its draft, else those in use."""
    column = own_connections.c.settings if row.draft is None else own_connections.c.draft
    return _decrypted(cipher, column, row.school_id, row.id, row._mapping[column.name])


def _encrypted(cipher: PiiCipher, column: Column[bytes | None], school_id: int, number: int, values: Values) -> bytes:
    return cipher.encrypt(json.dumps(dict(values)).encode(), place(column, school_id, number))


def _decrypted(
    cipher: PiiCipher, column: Column[bytes | None], school_id: int, number: int, encrypted: bytes | None
) -> dict[str, str]:
    return {} if encrypted is None else dict(json.loads(cipher.decrypt(encrypted, place(column, school_id, number))))


def _digest(cipher: PiiCipher, values: Values) -> bytes:
    return cipher.digest("source settings", json.dumps(dict(values), sort_keys=True))


def _server(url: str) -> tuple[str, str, int | None]:
    """To which server a URL leads; of what is no URL a server of its own."""
    try:
        parts = urlsplit(url.strip().lower())
        return parts.scheme, parts.hostname or "", parts.port
    except ValueError:
        return url, "", None


# -- the worker's side -------------------------------------------------------------------------------------------


def settings_in_use(engine: Engine, cipher: PiiCipher, school_id: int, source_id: int) -> SourceSettings | None:
    """How a source that a school added is fetched; None for one that it did not add."""
    return _settings(engine, cipher, school_id, own_connections.c.source_id == source_id, own_connections.c.settings)


def drafted_settings(engine: Engine, cipher: PiiCipher, school_id: int, number: int) -> SourceSettings | None:
    """The settings of a source of a school that are to be tried; None where there are none (any more)."""
    return _settings(engine, cipher, school_id, own_connections.c.id == number, own_connections.c.draft)


def record_tried(engine: Engine, cipher: PiiCipher, school_id: int, number: int, tried: SourceSettings) -> None:
    """Note that these settings work; not where others were typed meanwhile."""
    own = and_(own_connections.c.school_id == school_id, own_connections.c.id == number)
    with write_transaction(engine, raises_version=False) as connection:
        column = own_connections.c.draft
        draft = connection.scalar(select(column).where(own))
        if draft is not None and _decrypted(cipher, column, school_id, number, draft) == dict(tried.values):
            digest = _digest(cipher, tried.values)
            connection.execute(update(own_connections).where(own).values(tried_digest=digest))


def sources_in_use(connection: Connection) -> list[SourceConnection]:
    """The sources that schools added and that are fetched from."""
    query = (
        select(own_connections.c.school_id, own_connections.c.source_id, sources.c.key, sources.c.role)
        .join(sources, sources.c.id == own_connections.c.source_id)
        .where(own_connections.c.settings.is_not(None))
    )
    return [SourceConnection(*row) for row in connection.execute(query.order_by(own_connections.c.id))]


def _settings(
    engine: Engine, cipher: PiiCipher, school_id: int, which: ColumnElement[bool], column: Column[bytes | None]
) -> SourceSettings | None:
    query = select(own_connections.c.id, own_connections.c.kind, own_connections.c.name, column.label("encrypted"))
    with read_transaction(engine) as connection:
        row = connection.execute(query.where(own_connections.c.school_id == school_id, which)).one_or_none()
    if row is None or row.encrypted is None:
        return None
    return SourceSettings(row.kind, row.name, _decrypted(cipher, column, school_id, row.id, row.encrypted))


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
) -> int:
    """Store a new connection of the school; returns its number."""
    values = {
        "school_id": viewer.school_id, "kind": kind, "name": name, "source_id": source_id,
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
