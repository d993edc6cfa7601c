"""Senders of results: customer code and name, keys and the schools that they cover, and the agreed terms.

Codes and keys are stored as keyed digests only: they are shown once, when they are created. A revoked key stays in the
list, with the time in which it was in use, and never becomes valid again.
"""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from sqlalchemy import Connection, Select, bindparam, delete, insert, select, update

from models.ingest import connections, schools
from models.ingest.schools import Identification
from models.schema import clock
from models.schema.database import unused_id
from models.schema.encryption import PiiCipher
from models.schema.prepared import PreparedStatement
from models.schema.tables import sender_key_schools, sender_keys, senders, source_connections, sources
from models.schema.terms import Policy, SenderTerms

KEY_BYTES = 20
CODE_BYTES = 10
KEYS_AT_ONCE = 2
MAX_CHARACTERS = 64  # of each text of an autorisatie header (UWLR_Autorisatie: tpString64)
MAX_OF_SCHOOL = 16  # characters of the identification of a school in a klantnaam
SAFE_CHARACTERS = 22  # of a key of random letters and digits: fewer cannot hold 128 bits
FROM_CONFIG, FROM_COMMAND, FROM_PAGE, FROM_TEST = "config", "command", "page", "test"


class SenderRefused(Exception):
    """A sender or key that cannot be created or changed; says why in both languages."""

    def __init__(self, sentence_nl: str, sentence_en: str) -> None:
        super().__init__(sentence_en)
        self.sentence_nl = sentence_nl
        self.sentence_en = sentence_en


@dataclass(frozen=True, slots=True)
class Sender:
    """A publisher that pushes results."""

    source_id: int
    source_key: str
    customer_name: str
    terms: SenderTerms
    origin: str
    active: bool


@dataclass(frozen=True, slots=True)
class SenderKey:
    """A key of a sender, and the school of each identification that it covers."""

    id: int
    made_us: int
    revoked_us: int | None
    covered: Mapping[Identification, int] = field(default_factory=dict)


HEADER_TEXT = (
    f"moet 1 tot {MAX_CHARACTERS} tekens hebben, zonder stuurtekens en zonder spaties aan begin of eind; pas hem aan",
    f"must have 1 to {MAX_CHARACTERS} characters, no control characters, and no blanks at either end",
)


def fits_header(text: str) -> bool:
    """Whether a klantnaam, klantcode or key fits in an autorisatie header; `HEADER_TEXT` says what it must be."""
    return 1 <= len(text) <= MAX_CHARACTERS and text.isprintable() and text == text.strip()


def new_code() -> str:
    """A klantcode: 80 random bits, easy to read aloud."""
    return "K-" + secrets.token_hex(CODE_BYTES).upper()


def new_key() -> str:
    """An autorisatiesleutel: 160 random bits."""
    return secrets.token_urlsafe(KEY_BYTES)


# -- finding -------------------------------------------------------------------------------------------------


def _senders() -> Select[Any]:
    return select(senders, sources.c.key.label("source_key")).join(sources, sources.c.id == senders.c.source_id)


# Statements that each message needs are made once: to build one takes longer than to run it.
_BY_CUSTOMER = PreparedStatement(
    _senders().where(senders.c.customer_digest == bindparam("digest"), senders.c.active.is_(True))
)
_KEYS = PreparedStatement(
    select(sender_keys).where(sender_keys.c.source_id == bindparam("source")).order_by(sender_keys.c.id)
)
_KEY_SCHOOLS = PreparedStatement(
    select(sender_key_schools)
    .join(sender_keys, sender_keys.c.id == sender_key_schools.c.key_id)
    .where(sender_keys.c.source_id == bindparam("source"))
)
_STOPPED = PreparedStatement(
    select(source_connections.c.stopped).where(
        source_connections.c.school_id == bindparam("school"), source_connections.c.source_id == bindparam("source")
    )
)


def find_customer(connection: Connection, cipher: PiiCipher, code: str, name: str) -> Sender | None:
    """The sender with this klantcode and klantnaam together, or None."""
    row = _BY_CUSTOMER.first(connection, {"digest": cipher.digest("klantcode", code)})
    if row is None or not hmac.compare_digest(row.customer_name.encode(), name.encode()):
        return None
    return _sender(row)


def find_key(connection: Connection, cipher: PiiCipher, source_id: int, key: str) -> SenderKey | None:
    """The valid key of this sender with these characters, or None; compared in constant time."""
    digest = cipher.digest("autorisatiesleutel", key)
    return next(
        (
            sender_key
            for sender_key, known in _keys(connection, source_id)
            if sender_key.revoked_us is None and hmac.compare_digest(known, digest)
        ),
        None,
    )


def all_senders(connection: Connection) -> list[tuple[Sender, list[SenderKey]]]:
    """Every sender with its keys, in order of creation, without those of sandboxes."""
    rows = connection.execute(_senders().where(senders.c.origin != FROM_TEST).order_by(senders.c.source_id))
    return [(_sender(row), [key for key, _ in _keys(connection, row.source_id)]) for row in rows]


def by_name(connection: Connection, customer_name: str) -> Sender:
    """The sender with this klantnaam, unless it is of a sandbox. Raises SenderRefused."""
    row = connection.execute(
        _senders().where(senders.c.customer_name == customer_name, senders.c.origin != FROM_TEST)
    ).first()
    if row is None:
        raise SenderRefused(
            "Er is geen afzender met deze klantnaam; kijk met `rondblik sender list` hoe hij heet.",
            "There is no sender with this klantnaam; see its name with `rondblik sender list`.",
        )
    return _sender(row)


def find_editable(connection: Connection, customer_name: str) -> Sender:
    """The sender with this klantnaam, where commands may change it. Raises SenderRefused.

    The configuration would undo a change by a command when it is read again.
    """
    sender = by_name(connection, customer_name)
    if sender.origin == FROM_CONFIG:
        raise _in_configuration(sender)
    return sender


def _in_configuration(sender: Sender) -> SenderRefused:
    if sender.active:
        return SenderRefused(
            "Deze afzender staat in de configuratie; verander hem daar.",
            "This sender is in the configuration; change it there.",
        )
    return SenderRefused(
        "Deze afzender is uit de configuratie gehaald; neem hem over met `rondblik sender add`, zijn eigen klantnaam "
        f"en --id {sender.source_key}, of zet hem terug.",
        "This sender left the configuration; take it over with `rondblik sender add`, its own klantnaam and "
        f"--id {sender.source_key}, or put it back there.",
    )


def by_source(connection: Connection, source_id: int) -> Sender | None:
    """The sender that a source is, or None where it is fetched from."""
    row = connection.execute(_senders().where(senders.c.source_id == source_id)).one_or_none()
    return None if row is None else _sender(row)


def valid_keys(connection: Connection, source_id: int) -> list[SenderKey]:
    """The keys of a sender that were not revoked."""
    return [sender_key for sender_key, _ in _keys(connection, source_id) if sender_key.revoked_us is None]


def keys_for(connection: Connection, source_id: int, school_id: int) -> list[SenderKey]:
    """The keys of a sender that are for this school alone, in order of creation, also those that were revoked."""
    keys = [sender_key for sender_key, _ in _keys(connection, source_id)]
    return [sender_key for sender_key in keys if set(sender_key.covered.values()) == {school_id}]


def is_stopped(connection: Connection, school_id: int, source_id: int) -> bool:
    """Whether the school stopped its connection with this sender."""
    return bool(_STOPPED.scalar(connection, {"school": school_id, "source": source_id}))


def _sender(row: Any) -> Sender:
    values = json.loads(row.terms)
    listed = {name: tuple(values[name]) for name in ("tolerances", "versions") if values.get(name) is not None}
    return Sender(
        row.source_id, row.source_key, row.customer_name, SenderTerms(**{**values, **listed}), row.origin, row.active
    )


def _keys(connection: Connection, source_id: int) -> list[tuple[SenderKey, bytes]]:
    covered: dict[int, dict[Identification, int]] = {}
    for row in _KEY_SCHOOLS.all(connection, {"source": source_id}):
        covered.setdefault(row.key_id, {})[Identification(row.scheme, row.value, row.location)] = row.school_id
    keys = _KEYS.all(connection, {"source": source_id})
    return [
        (SenderKey(row.id, row.made_us, row.revoked_us, covered.get(row.id, {})), bytes(row.digest)) for row in keys
    ]


# -- making --------------------------------------------------------------------------------------------------


def add_sender(
    connection: Connection,
    cipher: PiiCipher,
    source_key: str,
    customer_name: str,
    code: str,
    terms: SenderTerms,
    origin: str,
) -> int:
    """Create a sender and its source; returns the id of the source.

    One that left the configuration is taken over, with its results, where id and klantnaam are the same; its keys stay
    revoked. Raises SenderRefused where another sender or source has the id, klantnaam or klantcode.
    """
    row = connection.execute(_senders().where(sources.c.key == source_key)).one_or_none()
    other = _other(connection, cipher, customer_name, code, [] if row is None else [row.source_id])
    if other is not None:
        raise _duplicate(other)
    if row is not None:
        left = row.origin == FROM_CONFIG and not row.active and row.customer_name == customer_name
        if not left:
            raise _duplicate(_sender(row))
    elif schools.find_source(connection, source_key) is not None:
        raise SenderRefused(
            "Er is al een bron met deze id; kies een andere id.", "There is a source with this id; choose another id."
        )
    source_id = schools.ensure_source(connection, source_key, customer_name, "publisher")
    _save(connection, cipher, Sender(source_id, source_key, customer_name, terms, origin, active=True), code)
    return source_id


def _save(connection: Connection, cipher: PiiCipher, sender: Sender, code: str) -> None:
    """Store a sender with its klantcode, in the place of what its source was before."""
    values = {
        "customer_digest": cipher.digest("klantcode", code), "customer_name": sender.customer_name,
        "terms": _json(sender.terms), "origin": sender.origin, "active": sender.active,
    }  # fmt: skip
    own = senders.c.source_id == sender.source_id
    if connection.execute(update(senders).where(own).values(**values)).rowcount == 0:
        connection.execute(insert(senders).values(source_id=sender.source_id, **values))


def make_sender_of(
    connection: Connection, cipher: PiiCipher, source_id: int, school: Identification, terms: SenderTerms
) -> tuple[str, str]:
    """Let a source that an administrator of a school made send; returns its klantnaam and klantcode.

    The klantnaam is the name of the source; where another sender has it, with the identification of the school.
    """
    source = connection.execute(select(sources).where(sources.c.id == source_id)).one()
    named, number = source.name, 1
    code = new_code()
    while _other(connection, cipher, named, code, [source_id]) is not None:
        named = f"{source.name} {str(school)[:MAX_OF_SCHOOL]}" + (f" {number}" if number > 1 else "")
        code, number = new_code(), number + 1
    _save(connection, cipher, Sender(source_id, source.key, named, terms, FROM_PAGE, active=True), code)
    return named, code


def _other(
    connection: Connection, cipher: PiiCipher, customer_name: str, code: str, own: Collection[int]
) -> Sender | None:
    """A sender with this klantnaam or klantcode other than `own`, or None."""
    named = (senders.c.customer_name == customer_name) | (senders.c.customer_digest == cipher.digest("klantcode", code))
    row = connection.execute(_senders().where(named, senders.c.source_id.not_in(own))).first()
    return None if row is None else _sender(row)


def _duplicate(sender: Sender) -> SenderRefused:
    """The refusal of a second sender with the klantnaam, klantcode or id of this one."""
    if sender.origin == FROM_CONFIG:
        return _in_configuration(sender)
    if sender.origin == FROM_TEST:
        return SenderRefused(
            "Een proefadres heeft deze klantnaam, klantcode of id; kies een andere klantnaam en id.",
            "A test address has this klantnaam, klantcode or id; choose another klantnaam and id.",
        )
    return SenderRefused(
        f"Er is al een afzender met deze klantnaam, klantcode of id, gemaakt {_MADE_NL[sender.origin]}; geef hem met "
        "`rondblik sender key` een sleutel, of kies een andere klantnaam, klantcode en id.",
        f"There is a sender with this klantnaam, klantcode or id, made {_MADE_EN[sender.origin]}; give it a key with "
        "`rondblik sender key`, or choose another klantnaam, klantcode and id.",
    )


_MADE_NL = {FROM_COMMAND: "met `rondblik sender add`", FROM_PAGE: "op de pagina Koppelingen"}
_MADE_EN = {FROM_COMMAND: "with `rondblik sender add`", FROM_PAGE: "on the page Connections"}


def set_terms(connection: Connection, source_id: int, terms: SenderTerms) -> None:
    """Set the terms of a sender from now on."""
    connection.execute(update(senders).where(senders.c.source_id == source_id).values(terms=_json(terms)))


def set_policy(connection: Connection, source_id: int, policy: Policy) -> None:
    """Set how exact a sender must be, and leave the other terms as they are; a strict one has no tolerances."""
    row = connection.execute(_senders().where(senders.c.source_id == source_id)).one()
    set_terms(connection, source_id, replace(_sender(row).terms, policy=policy, tolerances=None))


def add_key(
    connection: Connection, cipher: PiiCipher, source_id: int, key: str, covered: Sequence[Identification]
) -> int:
    """Create a key that covers these schools (created where new); returns its id.

    Raises SenderRefused where two keys are valid for one of them already: revoke one first.
    """
    valid = valid_keys(connection, source_id)
    if any(sum(named in sender_key.covered for sender_key in valid) >= KEYS_AT_ONCE for named in covered):
        raise SenderRefused(
            "Er zijn al twee geldige sleutels voor deze school; trek er eerst een in met `rondblik sender revoke`.",
            "Two keys are valid for this school already; revoke one first with `rondblik sender revoke`.",
        )
    key_id = unused_id(connection, sender_keys)
    connection.execute(
        insert(sender_keys).values(
            id=key_id, source_id=source_id, digest=cipher.digest("autorisatiesleutel", key), made_us=clock.now_us()
        )
    )
    _cover(connection, key_id, covered)
    connect_schools(connection, source_id)
    return key_id


def _cover(connection: Connection, key_id: int, covered: Iterable[Identification]) -> None:
    connection.execute(delete(sender_key_schools).where(sender_key_schools.c.key_id == key_id))
    for named in dict.fromkeys(covered):
        school_id = schools.ensure_school(connection, [named])
        connection.execute(
            insert(sender_key_schools).values(
                school_id=school_id, key_id=key_id, scheme=named.scheme, value=named.value, location=named.location
            )
        )


def revoke(connection: Connection, source_id: int, key_id: int) -> None:
    """End a key from now on. Raises SenderRefused where this sender has no such valid key."""
    ended = connection.execute(
        update(sender_keys)
        .where(sender_keys.c.source_id == source_id, sender_keys.c.id == key_id, sender_keys.c.revoked_us.is_(None))
        .values(revoked_us=clock.now_us())
    ).rowcount
    if not ended:
        raise SenderRefused(
            "Deze afzender heeft geen geldige sleutel met dit nummer; kijk met `rondblik sender list`.",
            "This sender has no valid key with this number; see `rondblik sender list`.",
        )
    connect_schools(connection, source_id)


def connect_schools(connection: Connection, source_id: int) -> None:
    """Connect every school of a valid key; connections with other schools become inactive."""
    valid = valid_keys(connection, source_id)
    wanted = {school_id for sender_key in valid for school_id in sender_key.covered.values()}
    for school_id in wanted:
        connections.ensure_connection(connection, school_id, source_id, pushes=True)
    connection.execute(
        update(source_connections)
        .where(
            source_connections.c.source_id == source_id,
            source_connections.c.pushes.is_(True),
            source_connections.c.school_id.not_in(wanted),
        )
        .values(active=False)
    )


@dataclass(frozen=True, slots=True)
class ConfiguredSender:
    """A sender of the configuration, its secrets as plain text."""

    source_key: str
    customer_name: str
    code: str = field(repr=False)
    keys: tuple[str, ...] = field(repr=False)
    covered: tuple[Identification, ...]
    terms: SenderTerms


def apply_configured(connection: Connection, cipher: PiiCipher, configured_senders: Sequence[ConfiguredSender]) -> None:
    """Store the senders of the configuration; those that are no longer in it can send no more.

    No two of them have the same source key, klantnaam or klantcode. Raises SenderRefused, with the index of the
    sender, where another sender has one of these, and where a key was revoked before.
    """
    known = {
        row.source_key: row.source_id for row in connection.execute(_senders().where(senders.c.origin == FROM_CONFIG))
    }
    existing = {
        configured_sender.source_key: known.pop(configured_sender.source_key)
        for configured_sender in configured_senders
        if configured_sender.source_key in known
    }
    for source_id in known.values():
        end(connection, source_id)
    for source_id in existing.values():  # two that change codes with each other must not meet half-way
        connection.execute(
            update(senders).where(senders.c.source_id == source_id).values(customer_digest=secrets.token_bytes(16))
        )
    for index, sender in sorted(enumerate(configured_senders), key=lambda item: item[1].source_key not in existing):
        try:  # those that were there first: a new one may have the name that another gives up
            _configure(connection, cipher, sender, existing)
        except SenderRefused as refused:
            where = f"senders[{index}]"
            raise SenderRefused(f"{where}: {refused.sentence_nl}", f"{where}: {refused.sentence_en}") from None


def _configure(
    connection: Connection, cipher: PiiCipher, configured_sender: ConfiguredSender, existing: Mapping[str, int]
) -> None:
    """Store one sender of the configuration; `existing` are the source ids of those that stay."""
    other = _other(connection, cipher, configured_sender.customer_name, configured_sender.code, existing.values())
    if other is not None and other.origin == FROM_CONFIG:
        raise SenderRefused(
            f"De afzender met id {other.source_key} heeft deze klantnaam of klantcode; houd die id, of kies andere.",
            f"The sender with id {other.source_key} has this klantnaam or klantcode; keep that id, or choose others.",
        )
    source_id = existing.get(configured_sender.source_key)
    if source_id is None:
        source_id = add_sender(
            connection,
            cipher,
            configured_sender.source_key,
            configured_sender.customer_name,
            configured_sender.code,
            configured_sender.terms,
            FROM_CONFIG,
        )
    elif other is not None:
        raise _duplicate(other)
    connection.execute(
        update(senders)
        .where(senders.c.source_id == source_id)
        .values(
            customer_digest=cipher.digest("klantcode", configured_sender.code),
            customer_name=configured_sender.customer_name,
            terms=_json(configured_sender.terms),
            active=True,
        )
    )
    schools.ensure_source(connection, configured_sender.source_key, configured_sender.customer_name, "publisher")
    _keep_keys(connection, cipher, source_id, configured_sender)


def end(connection: Connection, source_id: int) -> None:
    """Deactivate a sender and revoke its keys; what it sent stays."""
    connection.execute(update(senders).where(senders.c.source_id == source_id).values(active=False))
    for key in valid_keys(connection, source_id):
        revoke(connection, source_id, key.id)


def _keep_keys(connection: Connection, cipher: PiiCipher, source_id: int, configured_sender: ConfiguredSender) -> None:
    digests = {cipher.digest("autorisatiesleutel", key): key for key in configured_sender.keys}
    known = _keys(connection, source_id)
    if any(key.revoked_us is not None and digest in digests for key, digest in known):
        raise SenderRefused(
            "Een van de sleutels is eerder ingetrokken en blijft dat; geef de afzender een nieuwe.",
            "One of the keys was revoked before and stays so; give the sender a new one.",
        )
    for key, digest in known:
        if key.revoked_us is not None:
            continue
        if digest in digests:
            del digests[digest]
            _cover(connection, key.id, configured_sender.covered)
        else:
            revoke(connection, source_id, key.id)
    for text in digests.values():
        add_key(connection, cipher, source_id, text, configured_sender.covered)
    connect_schools(connection, source_id)


def _json(terms: SenderTerms) -> str:
    return json.dumps(asdict(terms))
