"""Erases one pupil: every row that is about them, and whatever else holds something of them.

`_erase_rows` is the one place that knows where a school keeps data of its pupils; a new table with any goes there
(`tests/models/test_erasure.py` walks over all tables). What cannot be taken apart is deleted whole: a message that was
kept as it came, contents of screens, requests of pages. Digests of the identifiers stay, so that nothing brings the
pupil back (`models.ingest.erased`, ADR 32). For operators, who have no viewer.
"""

from __future__ import annotations

import html
import json
import re
import secrets
import zlib
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Row,
    RowMapping,
    Table,
    and_,
    delete,
    func,
    or_,
    select,
    update,
)

from models.ingest import erased, identity, result_counts, rosters
from models.ingest.erased import Erasure
from models.ingest.identity import IdentifierValue
from models.ingest.legal_holds import check_not_held
from models.ingest.page_requests import COUNT_ERASURE, ERASE
from models.ingest.work_queue import POLL
from models.schema import clock, database
from models.schema.database import portions
from models.schema.encrypted_columns import place
from models.schema.encryption import PiiCipher
from models.schema.records import PupilRef
from models.schema.tables import (
    account_roles,
    accounts,
    deliveries,
    form_outcomes,
    goals,
    identifier_links,
    identifiers,
    invitations,
    kept_sheets,
    legal_holds,
    memberships,
    notes,
    pupils,
    raw_messages,
    result_history,
    results,
    school_identifications,
    sessions,
    signal_marks,
    work_queue,
)

OF_PUPIL = (memberships, goals, notes, signal_marks, legal_holds)  # rows by `pupil_id`
OF_IDENTIFIER = (results, result_history)  # rows by `identifier_id`
_KEY = re.compile(r'\[@key="([^"]*)"\]')  # of a result, in the path of a finding


class PupilUnknown(Exception):
    """The school has no such pupil, and nothing under such an identifier."""


@dataclass(frozen=True, slots=True)
class Person:
    """A pupil with all their identifiers, or identifiers that belong to nobody (`pupil_id` is None).

    `values` are the identifiers that messages use, in the clear, without those that others are known by too.
    """

    school_id: int
    pupil_id: int | None
    identifier_ids: tuple[int, ...]
    values: tuple[tuple[IdentifierValue, str], ...]


@dataclass(frozen=True, slots=True)
class Certificate:
    """What was deleted or changed, by kind; `purged` is False where the files of the database may still hold traces."""

    erased_us: int
    counts: dict[str, int]
    purged: bool = True


# -- who -----------------------------------------------------------------------------------------------------


def find_pupil(connection: Connection, cipher: PiiCipher, school_id: int, pupil_id: int) -> Person:
    """The pupil with this number. Raises PupilUnknown."""
    own = pupils.c.school_id == school_id, pupils.c.id == pupil_id
    if connection.scalar(select(pupils.c.id).where(*own)) is None:
        raise PupilUnknown
    return _person(connection, cipher, school_id, pupil_id, ())


def find_by_identifier(connection: Connection, cipher: PiiCipher, school_id: int, value: str) -> Person:
    """Whose this LAS key or ECK iD is: a pupil, or nobody known. Raises PupilUnknown where nothing came under it."""
    if not value:
        raise PupilUnknown
    named = [single for single, _ in identity.identifier_values(cipher, PupilRef(value, None))]
    return _by_identifiers(connection, cipher, school_id, named)


def find_unmatched(connection: Connection, cipher: PiiCipher, school_id: int, identifier_id: int) -> Person:
    """Nobody known, under this identifier and those that came with it."""
    return _person(connection, cipher, school_id, None, [identifier_id])


def _by_identifiers(
    connection: Connection, cipher: PiiCipher, school_id: int, named: Collection[IdentifierValue]
) -> Person:
    rows = identity.find_identifiers(connection, school_id, named).values()
    if not rows:
        raise PupilUnknown
    pupil_id = next((row.pupil_id for row in rows if row.pupil_id is not None), None)
    own = [row.id for row in rows if row.pupil_id in (None, pupil_id)]
    return _person(connection, cipher, school_id, pupil_id, own)


def _known_by(
    connection: Connection, cipher: PiiCipher, school_id: int, digests: Collection[IdentifierValue]
) -> list[IdentifierValue]:
    """The identifiers of a school that these are the digests of (`erased.digest_of`)."""
    own = identifiers.c.school_id == school_id, identifiers.c.sealed.is_not(None)
    return [
        (row.kind, bytes(row.digest))
        for row in connection.execute(select(identifiers).where(*own))
        if erased.digest_of(cipher, row.kind, _value(cipher, row)) in digests
    ]


def _value(cipher: PiiCipher, row: Row[Any]) -> str:
    return cipher.decrypt(row.sealed, place(identifiers.c.sealed, row.school_id, row.id)).decode()


def _person(
    connection: Connection, cipher: PiiCipher, school_id: int, pupil_id: int | None, own: Collection[int]
) -> Person:
    """A pupil with whatever came under their identifiers.

    That includes pairs that nobody could match, and the other identifier of a pair where no other pupil has it.
    """
    rows = connection.execute(select(identifiers).where(identifiers.c.school_id == school_id)).all()
    ids = set(own) | {row.id for row in rows if pupil_id is not None and row.pupil_id == pupil_id}
    free = {row.id for row in rows if row.pupil_id is None}
    pairs = [row for row in rows if row.kind == identity.PAIR]
    of_others = {
        identifier_id
        for row in pairs
        if row.pupil_id not in (None, pupil_id)
        for identifier_id in (row.las_id, row.eck_id)
    }
    before = -1
    while len(ids) != before:
        before = len(ids)
        ids |= {row.id for row in pairs if row.id in free and ids & {row.las_id, row.eck_id}}
        both = {identifier_id for row in pairs if row.id in ids for identifier_id in (row.las_id, row.eck_id)}
        ids |= (both & free) - of_others
    values = tuple(
        ((row.kind, bytes(row.digest)), _value(cipher, row)) for row in rows if row.id in ids and row.sealed is not None
    )
    return Person(school_id, pupil_id, tuple(sorted(ids)), tuple(item for item in values if item[1]))


# -- erasing -------------------------------------------------------------------------------------------------


def count(engine: Engine, cipher: PiiCipher, person: Person) -> Certificate:
    """What `erase` would delete; nothing is changed."""
    with database.writing(engine) as connection:
        database.lock_school(connection, person.school_id)
        counts = _erase_rows(connection, cipher, person)
        connection.rollback()
    return Certificate(clock.now_us(), counts)


def erase(engine: Engine, cipher: PiiCipher, person: Person, folder: Path) -> Certificate:
    """Erase a pupil, and purge the files of the database. Raises as `erase_rows` does."""
    certificate = erase_rows(engine, cipher, person, folder)
    return replace(certificate, purged=database.purge_deleted(engine))


def erase_rows(
    engine: Engine,
    cipher: PiiCipher,
    person: Person,
    folder: Path,
    keep: Callable[[Connection, Certificate], None] = lambda _connection, _certificate: None,
    request: bytes = b"",
) -> Certificate:
    """Erase a pupil in one transaction, and note that in the file in the data folder; the files are not purged yet.

    `keep` stores the certificate in the same transaction, `request` is what asked for it. The file has both too: after
    a kill between the two, `repeat_erasures` erases and `certificate_of` still certifies. Raises OSError where the file
    cannot be written, and Held where a legal hold stands; then nothing is erased.
    """
    now = clock.now_us()
    with database.write_transaction(engine, person.school_id) as connection:
        check_not_held(connection, person.school_id, person.pupil_id)
        # Once more under the lock: something may have come in since.
        person = _person(connection, cipher, person.school_id, person.pupil_id, person.identifier_ids)
        counts = _erase_rows(connection, cipher, person)
        digests = tuple(erased.digest_of(cipher, kind, value) for (kind, _), value in person.values)
        names, number = _names(connection, person.school_id), person.pupil_id or erased.NO_PUPIL
        done = Erasure(names, number, digests, now, counts, request.hex())
        certificate = Certificate(now, counts, purged=False)
        keep(connection, certificate)
        erased.remember(connection, person.school_id, done)
        erased.append(folder, done)
    return certificate


def certificate_of(folder: Path, which: Callable[[Erasure], bool]) -> tuple[int, Certificate] | None:
    """The number of the pupil and the certificate of the last such erasure in the file in the data folder, or None."""
    found = [item for item in erased.read_erasures(folder) if item.counts and which(item)]
    if not found:
        return None
    last = found[-1]
    return last.pupil_id, Certificate(last.erased_us, dict(last.counts), purged=False)


def delete_person(engine: Engine, cipher: PiiCipher, person: Person) -> dict[str, int]:
    """Delete everything of somebody whose time is over, in one transaction; how many rows of each table.

    Unlike after `erase` they may come back: whoever is sent again is a new pupil. The files are not purged.
    Raises Held.
    """
    with database.write_transaction(engine, person.school_id) as connection:
        check_not_held(connection, person.school_id, person.pupil_id)
        person = _person(connection, cipher, person.school_id, person.pupil_id, person.identifier_ids)
        return _erase_rows(connection, cipher, person)


def repeat_erasures(engine: Engine, cipher: PiiCipher, folder: Path) -> int:
    """Erase anew whoever stands in the file of erasures but not among those of the database; returns how many.

    To be called after a backup was put back, which may be from before an erasure, and whenever a store is opened.
    """
    with database.read_transaction(engine) as connection:
        missing = [
            (school_id, erasure)
            for erasure in erased.read_erasures(folder)
            if (school_id := _school_of(connection, erasure)) is not None
            and not erased.find_digests(connection, school_id, erasure.identifiers).issuperset(erasure.identifiers)
        ]
    for school_id, erasure in missing:
        with database.write_transaction(engine, school_id) as connection:
            with suppress(PupilUnknown):  # of a backup from before this pupil came
                known = _known_by(connection, cipher, school_id, frozenset(erasure.identifiers))
                _erase_rows(connection, cipher, _by_identifiers(connection, cipher, school_id, known))
            erased.remember(connection, school_id, erasure)
    if missing:
        database.purge_deleted(engine)
    return len(missing)


def _names(connection: Connection, school_id: int) -> tuple[tuple[str, str, str], ...]:
    named = school_identifications.c
    rows = connection.execute(select(named.scheme, named.value, named.location).where(named.school_id == school_id))
    return tuple((row.scheme, row.value, row.location) for row in rows)


def _school_of(connection: Connection, erasure: Erasure) -> int | None:
    named = school_identifications.c
    for scheme, value, location in erasure.schools:
        own = named.scheme == scheme, named.value == value, named.location == location
        if (school_id := connection.scalar(select(named.school_id).where(*own))) is not None:
            return int(school_id)
    return None


def _erase_rows(connection: Connection, cipher: PiiCipher, person: Person) -> dict[str, int]:
    """Delete everything of a pupil; how many rows of each table, under the name of the table."""
    wanted = _pattern([value for _, value in person.values])
    keys = _result_keys(connection, person)
    messages = _messages_with(connection, cipher, person.school_id, wanted)
    counts = {"deliveries": _clear_findings(connection, person.school_id, wanted, keys, messages)}
    stored = and_(_of_school(raw_messages, person.school_id), raw_messages.c.delivery_id.in_(messages))
    counts["raw_messages"] = _delete(connection, raw_messages, stored)
    counts["rosters"] = rosters.leave_out_of_pending(
        connection, cipher, person.school_id, {single for single, _ in person.values}
    )
    result_counts.subtract(connection, person.school_id, person.identifier_ids)
    for table in OF_IDENTIFIER:
        counts[table.name] = _delete_of(connection, table, person.school_id, "identifier_id", person.identifier_ids)
    own = () if person.pupil_id is None else (person.pupil_id,)
    for table in (*OF_PUPIL, identifier_links):
        counts[table.name] = _delete_of(connection, table, person.school_id, "pupil_id", own)
    counts["identifier_links"] += _delete_of(
        connection, identifier_links, person.school_id, "identifier_id", person.identifier_ids
    )
    counts["identifiers"] = _delete_of(connection, identifiers, person.school_id, "id", person.identifier_ids)
    _loosen_pairs(connection, person)
    counts |= _forget_accounts(connection, person)
    counts["pupils"] = _delete_of(connection, pupils, person.school_id, "id", own)
    counts["work_queue"] = _delete(connection, work_queue, _requests_with(connection, cipher, person.school_id, wanted))
    counts["kept_sheets"] = _delete(connection, kept_sheets, kept_sheets.c.school_id == person.school_id)
    counts["form_outcomes"] = _delete(connection, form_outcomes, form_outcomes.c.outcome.is_not(None))
    with_flash = update(sessions).where(sessions.c.flash.is_not(None)).values(flash=None)
    counts["sessions"] += connection.execute(with_flash).rowcount
    return counts


def _delete(connection: Connection, table: Table, condition: ColumnElement[bool]) -> int:
    return connection.execute(delete(table).where(condition)).rowcount


def _delete_of(connection: Connection, table: Table, school_id: int, column: str, ids: Sequence[int]) -> int:
    own = table.c.school_id == school_id
    return sum(_delete(connection, table, and_(own, table.c[column].in_(portion))) for portion in portions(ids))


def _forget_accounts(connection: Connection, person: Person) -> dict[str, int]:
    """End the roles of the pupil and the parents, and forget the accounts that have no other role.

    Rows of accounts and roles stay, so that nobody gets their numbers.
    """
    if person.pupil_id is None:
        return {"invitations": 0, "account_roles": 0, "accounts": 0, "sessions": 0}
    of_pupil = and_(account_roles.c.school_id == person.school_id, account_roles.c.pupil_id == person.pupil_id)
    roles = connection.execute(select(account_roles.c.id, account_roles.c.account_id).where(of_pupil)).all()
    ended = {"pupil_id": None, "ended_us": func.coalesce(account_roles.c.ended_us, clock.now_us())}
    connection.execute(update(account_roles).where(of_pupil).values(**ended))
    others = select(account_roles.c.account_id).where(account_roles.c.ended_us.is_(None))
    of_these = and_(accounts.c.id.in_({role.account_id for role in roles}), accounts.c.id.not_in(others))
    forgotten = connection.scalars(select(accounts.c.id).where(of_these)).all()
    for account_id in forgotten:
        nobody = {"name": "", "subject_digest": secrets.token_bytes(16)}
        connection.execute(update(accounts).where(accounts.c.id == account_id).values(**nobody))
    of_roles = sessions.c.role_id.in_([role.id for role in roles])
    return {
        "invitations": _delete_of(connection, invitations, person.school_id, "pupil_id", [person.pupil_id]),
        "account_roles": len(roles),
        "accounts": len(forgotten),
        "sessions": _delete(connection, sessions, or_(of_roles, sessions.c.account_id.in_(forgotten))),
    }


def _loosen_pairs(connection: Connection, person: Person) -> None:
    """A pair that was linked to another pupil by hand no longer points at an identifier that is gone."""
    for column in (identifiers.c.las_id, identifiers.c.eck_id):
        of_person = identifiers.c.school_id == person.school_id, column.in_(person.identifier_ids)
        connection.execute(update(identifiers).where(*of_person).values({column: None}))


# -- where they are named ------------------------------------------------------------------------------------


def _pattern(values: Sequence[str]) -> re.Pattern[str]:
    """What finds these identifiers as a whole value; nothing where there are none."""
    either = "|".join(re.escape(value) for value in values)
    return re.compile(rf"(?<![^\W_])(?:{either})(?![^\W_])" if values else r"(?!)")


def _holds(data: bytes, wanted: re.Pattern[str]) -> bool:
    """Whether a message in any encoding holds an identifier; also as references to characters."""
    encodings = ("utf-16-le", "utf-16-be") if b"\0" in data else ("utf-8", "latin-1")
    return any(wanted.search(html.unescape(data.decode(encoding, "ignore"))) for encoding in encodings)


def _result_keys(connection: Connection, person: Person) -> set[str]:
    """The keys under which sources sent results of a pupil."""
    keys: set[str] = set()
    for table in OF_IDENTIFIER:
        for portion in portions(person.identifier_ids):
            of_person = table.c.school_id == person.school_id, table.c.identifier_id.in_(portion)
            keys |= set(connection.scalars(select(table.c.key).where(*of_person)))
    return keys


def _of_school(table: Table, school_id: int) -> ColumnElement[bool]:
    """Deliveries or messages of a school, and those that were refused before anybody knew of which school they are."""
    return or_(table.c.school_id == school_id, table.c.school_id.is_(None))


def _messages_with(connection: Connection, cipher: PiiCipher, school_id: int, wanted: re.Pattern[str]) -> list[int]:
    """The deliveries whose bytes are kept and hold an identifier."""
    own = _of_school(raw_messages, school_id)
    delivery_ids = connection.scalars(select(raw_messages.c.delivery_id).where(own)).all()
    sealed = select(raw_messages.c.sealed).where(own)
    return [
        delivery_id
        for delivery_id in delivery_ids  # the bytes of only one at a time
        for encrypted in connection.scalars(sealed.where(raw_messages.c.delivery_id == delivery_id))
        if _holds(cipher.decrypt(encrypted, place(raw_messages.c.sealed, delivery_id)), wanted)
    ]


def _clear_findings(
    connection: Connection, school_id: int, wanted: re.Pattern[str], keys: set[str], messages: Collection[int]
) -> int:
    """Take the keys of the pupil's results out of the paths of findings; of messages that go, all keys."""

    def cleared(path: str, everything: bool) -> str:
        def one(match: re.Match[str]) -> str:
            return "[@key]" if everything or match[1] in keys or wanted.search(match[1]) else match[0]

        return _KEY.sub(one, path)

    query = select(deliveries.c.id, deliveries.c.findings).where(
        _of_school(deliveries, school_id), deliveries.c.findings.contains("[@key=")
    )
    changed = 0
    for row in connection.execute(query).all():
        findings = json.loads(row.findings)
        paths = [finding.get("path") for finding in findings]
        for finding in findings:
            if finding.get("path") is not None:
                finding["path"] = cleared(finding["path"], row.id in messages)
        if [finding.get("path") for finding in findings] != paths:
            text = json.dumps(findings, ensure_ascii=False)
            own = _of_school(deliveries, school_id), deliveries.c.id == row.id
            connection.execute(update(deliveries).where(*own).values(findings=text))
            changed += 1
    return changed


def _requests_with(
    connection: Connection, cipher: PiiCipher, school_id: int, wanted: re.Pattern[str]
) -> ColumnElement[bool]:
    """All requests of pages of the school, and the checks of vendors that hold an identifier.

    Not erasures, the present one among them: they hold the number of a pupil and counts.
    """
    is_request = work_queue.c.kind.not_in((POLL, COUNT_ERASURE, ERASE))
    checks = connection.execute(select(work_queue).where(is_request, work_queue.c.school_id.is_(None))).mappings()
    named_in = [row["id"] for row in checks if any(_holds(text, wanted) for text in _texts(cipher, row))]
    return and_(is_request, or_(work_queue.c.school_id == school_id, work_queue.c.id.in_(named_in)))


def _texts(cipher: PiiCipher, check: RowMapping) -> Iterator[bytes]:
    """Whatever a check of a vendor keeps that may hold a value of a message."""

    def clear(name: str) -> bytes:
        return cipher.decrypt(check[name], place(work_queue.c[name], check["token_digest"]))

    yield from (text.encode() for text in (check["title"], check["report"]) if text is not None)
    yield from (text for text in (check["html"], check["junit"]) if text is not None)
    yield from (clear(name) for name in ("payload", "excerpts") if check[name] is not None)
    if check["exchanges"] is not None:
        yield zlib.decompress(clear("exchanges"))
