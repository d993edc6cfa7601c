"""Who may send results to us: customer code and name, keys and the schools they cover, and what was agreed.

Codes and keys are kept as keyed digests only: they are shown once, when they are made. A key that was revoked stays
in the list, so that it is seen when it was in use.
"""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy import Connection, Select, and_, delete, insert, select, update

from models import clock, couplings, schools
from models.database import next_id
from models.schools import Identification
from models.sealing import Seal
from models.tables import couplings as couplings_table
from models.tables import sender_key_schools, sender_keys, senders, sources

KEY_BYTES = 20
CODE_BYTES = 10
KEYS_AT_ONCE = 2
FROM_CONFIG, FROM_COMMAND, FROM_TEST = "config", "command", "test"


class SenderRefused(Exception):
    """A sender or key that cannot be made or changed; says why in both languages."""

    def __init__(self, sentence_nl: str, sentence_en: str) -> None:
        super().__init__(sentence_en)
        self.sentence_nl = sentence_nl
        self.sentence_en = sentence_en


@dataclass(frozen=True, slots=True)
class Terms:
    """What was agreed with a sender; the words are those of config.yaml.

    `tolerances` are ids of rules, None: all that a tolerant sender may break. `messages_per_minute` is the rate.
    """

    policy: str = "strict"
    tolerances: tuple[str, ...] | None = None
    versions: tuple[str, ...] = ("2.1", "2.2", "2.3")
    ordering: str = "per_result"
    unknown_pupil: str = "park"
    eckid_form: str = "warn"
    messages_per_minute: int = 6000
    test_school: bool = False


@dataclass(frozen=True, slots=True)
class Sender:
    """A publisher that sends to us."""

    source_id: int
    source_key: str
    customer_name: str
    terms: Terms
    origin: str
    active: bool


@dataclass(frozen=True, slots=True)
class SenderKey:
    """A key of a sender, and the school behind each way of naming one that it covers."""

    id: int
    made_us: int
    revoked_us: int | None
    covered: Mapping[Identification, int] = field(default_factory=dict)


def new_code() -> str:
    """A klantcode: 80 random bits, easy to read aloud."""
    return "K-" + secrets.token_hex(CODE_BYTES).upper()


def new_key() -> str:
    """An autorisatiesleutel: 160 random bits."""
    return secrets.token_urlsafe(KEY_BYTES)


# -- finding -------------------------------------------------------------------------------------------------


def find_customer(connection: Connection, seal: Seal, code: str, name: str) -> Sender | None:
    """The sender with this klantcode and klantnaam together, or None."""
    row = connection.execute(
        _senders().where(senders.c.customer_digest == seal.digest("klantcode", code), senders.c.active.is_(True))
    ).one_or_none()
    if row is None or not hmac.compare_digest(row.customer_name.encode(), name.encode()):
        return None
    return _sender(row)


def find_key(connection: Connection, seal: Seal, source_id: int, key: str) -> SenderKey | None:
    """The valid key of this sender with these characters, or None; compared in constant time."""
    digest = seal.digest("autorisatiesleutel", key)
    return next(
        (
            one
            for one, known in _keys(connection, source_id)
            if one.revoked_us is None and hmac.compare_digest(known, digest)
        ),
        None,
    )


def all_senders(connection: Connection) -> list[tuple[Sender, list[SenderKey]]]:
    """Every sender with its keys, in order of making."""
    found = [_sender(row) for row in connection.execute(_senders().order_by(senders.c.source_id))]
    return [(one, [key for key, _ in _keys(connection, one.source_id)]) for one in found]


def by_name(connection: Connection, customer_name: str) -> Sender:
    """The sender with this klantnaam. Raises SenderRefused."""
    row = connection.execute(_senders().where(senders.c.customer_name == customer_name)).first()
    if row is None:
        raise SenderRefused(
            "Er is geen afzender met deze klantnaam; kijk met `rondblik sender list` hoe hij heet.",
            "There is no sender with this klantnaam; see its name with `rondblik sender list`.",
        )
    return _sender(row)


def by_source(connection: Connection, source_id: int) -> Sender | None:
    """The sender that a source is, or None where it is fetched from."""
    row = connection.execute(_senders().where(senders.c.source_id == source_id)).one_or_none()
    return None if row is None else _sender(row)


def valid_keys(connection: Connection, source_id: int) -> list[SenderKey]:
    """The keys of a sender that were not revoked."""
    return [one for one, _ in _keys(connection, source_id) if one.revoked_us is None]


def is_stopped(connection: Connection, school_id: int, source_id: int) -> bool:
    """Whether the school stopped its coupling with this sender."""
    own = and_(couplings_table.c.school_id == school_id, couplings_table.c.source_id == source_id)
    return bool(connection.scalar(select(couplings_table.c.stopped).where(own)))


def _senders() -> Select[Any]:
    return select(senders, sources.c.key.label("source_key")).join(sources, sources.c.id == senders.c.source_id)


def _sender(row: Any) -> Sender:
    values = json.loads(row.terms)
    listed = {name: tuple(values[name]) for name in ("tolerances", "versions") if values.get(name) is not None}
    return Sender(
        row.source_id, row.source_key, row.customer_name, Terms(**{**values, **listed}), row.origin, row.active
    )


def _keys(connection: Connection, source_id: int) -> list[tuple[SenderKey, bytes]]:
    covered: dict[int, dict[Identification, int]] = {}
    rows = connection.execute(
        select(sender_key_schools)
        .join(sender_keys, sender_keys.c.id == sender_key_schools.c.key_id)
        .where(sender_keys.c.source_id == source_id)
    )
    for row in rows:
        covered.setdefault(row.key_id, {})[Identification(row.scheme, row.value, row.location)] = row.school_id
    keys = connection.execute(
        select(sender_keys).where(sender_keys.c.source_id == source_id).order_by(sender_keys.c.id)
    )
    return [
        (SenderKey(row.id, row.made_us, row.revoked_us, covered.get(row.id, {})), bytes(row.digest)) for row in keys
    ]


# -- making --------------------------------------------------------------------------------------------------


def add_sender(
    connection: Connection, seal: Seal, source_key: str, customer_name: str, code: str, terms: Terms, origin: str
) -> int:
    """Make a sender and its source; returns the number of the source. Raises SenderRefused where one is there."""
    digest = seal.digest("klantcode", code)
    taken = connection.scalar(
        select(senders.c.source_id).where(
            (senders.c.customer_digest == digest) | (senders.c.customer_name == customer_name)
        )
    )
    if taken is not None or schools.find_source(connection, source_key) is not None:
        raise SenderRefused(
            "Er is al een afzender of bron met deze naam of code; geef hem met `rondblik sender key` een sleutel.",
            "There is a sender or source with this name or code; give it a key with `rondblik sender key`.",
        )
    source_id = schools.ensure_source(connection, source_key, customer_name, "publisher")
    connection.execute(
        insert(senders).values(
            source_id=source_id, customer_digest=digest, customer_name=customer_name, terms=_json(terms),
            origin=origin, active=True,
        )
    )  # fmt: skip
    return source_id


def set_terms(connection: Connection, source_id: int, terms: Terms) -> None:
    """What is agreed with a sender from now on."""
    connection.execute(update(senders).where(senders.c.source_id == source_id).values(terms=_json(terms)))


def add_key(connection: Connection, seal: Seal, source_id: int, key: str, covered: Sequence[Identification]) -> int:
    """Make a key that covers these schools (made where new); returns its number.

    Raises SenderRefused where two keys are valid for one of them already: revoke one first.
    """
    valid = valid_keys(connection, source_id)
    if any(sum(named in one.covered for one in valid) >= KEYS_AT_ONCE for named in covered):
        raise SenderRefused(
            "Er zijn al twee geldige sleutels voor deze school; trek er eerst een in met `rondblik sender revoke`.",
            "Two keys are valid for this school already; revoke one first with `rondblik sender revoke`.",
        )
    key_id = next_id(connection, sender_keys)
    connection.execute(
        insert(sender_keys).values(
            id=key_id, source_id=source_id, digest=seal.digest("autorisatiesleutel", key), made_us=clock.now_us()
        )
    )
    _cover(connection, key_id, covered)
    couple(connection, source_id)
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
    couple(connection, source_id)


def couple(connection: Connection, source_id: int) -> None:
    """A coupling with every school of a valid key; those with others become inactive."""
    valid = valid_keys(connection, source_id)
    wanted = {school_id for one in valid for school_id in one.covered.values()}
    for school_id in wanted:
        couplings.ensure_coupling(connection, school_id, source_id, clock.now_us(), pushes=True)
    connection.execute(
        update(couplings_table)
        .where(
            couplings_table.c.source_id == source_id,
            couplings_table.c.pushes.is_(True),
            couplings_table.c.school_id.not_in(wanted),
        )
        .values(active=False)
    )


@dataclass(frozen=True, slots=True)
class Configured:
    """A sender as the configuration states it, its secrets in the clear."""

    source_key: str
    customer_name: str
    code: str = field(repr=False)
    keys: tuple[str, ...] = field(repr=False)
    covered: tuple[Identification, ...]
    terms: Terms


def apply_configured(connection: Connection, seal: Seal, wanted: Sequence[Configured]) -> None:
    """Make the senders of the configuration what it says; those that it no longer has can send no more.

    Raises SenderRefused where another sender or source has the same name or code.
    """
    known = {
        row.source_key: row.source_id for row in connection.execute(_senders().where(senders.c.origin == FROM_CONFIG))
    }
    for one in wanted:
        source_id = known.pop(one.source_key, None)
        if source_id is None:
            source_id = add_sender(
                connection, seal, one.source_key, one.customer_name, one.code, one.terms, FROM_CONFIG
            )
        connection.execute(
            update(senders)
            .where(senders.c.source_id == source_id)
            .values(
                customer_digest=seal.digest("klantcode", one.code), customer_name=one.customer_name,
                terms=_json(one.terms), active=True,
            )
        )  # fmt: skip
        schools.ensure_source(connection, one.source_key, one.customer_name, "publisher")
        _keep_keys(connection, seal, source_id, one)
    for source_id in known.values():
        connection.execute(update(senders).where(senders.c.source_id == source_id).values(active=False))
        for key, _ in _keys(connection, source_id):
            if key.revoked_us is None:
                revoke(connection, source_id, key.id)


def _keep_keys(connection: Connection, seal: Seal, source_id: int, wanted: Configured) -> None:
    digests = {seal.digest("autorisatiesleutel", key): key for key in wanted.keys}
    for key, digest in _keys(connection, source_id):
        if key.revoked_us is not None:
            continue
        if digest in digests:
            del digests[digest]
            _cover(connection, key.id, wanted.covered)
        else:
            revoke(connection, source_id, key.id)
    for text in digests.values():
        add_key(connection, seal, source_id, text, wanted.covered)
    couple(connection, source_id)


def _json(terms: Terms) -> str:
    return json.dumps(asdict(terms))
