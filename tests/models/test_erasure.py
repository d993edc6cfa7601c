"""A pupil is erased everywhere, nobody else is touched, and nothing brings the pupil back."""

from __future__ import annotations

import itertools
import json
import random
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, Engine, delete, insert, select

from connectors.uwlr.agreement import TOLERANT
from dashboard.auth.idempotency import Outcome, Outcomes
from models.access import accounts
from models.access.audit import audit_events
from models.access.viewer import Role, Viewer
from models.classroom import goals, notes, signal_resolutions
from models.classroom.notes import NoteKind, Readers
from models.classroom.signal_resolutions import ResolutionAction, SignalTarget
from models.ingest import erased, erasure, identity, legal_holds, page_requests, quarantine, rosters
from models.ingest.exchanges import Exchange, Transmission
from models.ingest.page_requests import CheckOutput, PageRequest
from models.ingest.work_queue import claim
from models.schema import clock, database, tables
from models.schema.data_versions import DataVersion, data_version
from models.schema.database import DatabaseUnsafe
from models.schema.encrypted_columns import ENCRYPTED, place
from models.schema.encryption import DecryptionFailed, PiiCipher
from models.schema.records import PupilRef, RosterPupil, Verdict
from models.schema.tables import metadata
from models.schema.terms import RetentionPolicy, UnknownPupil
from tests.conftest import Store
from tests.dashboard import school
from tests.models.filled import ROSTER, fill
from tests.models.test_store import take
from tests.uwlr.messages import message, result_xml

SCHOOL = school.OTHER_SCHOOL
SUPPORT = Viewer(SCHOOL, Role.SUPPORT, None, "Hanna Vos")
ADMINISTRATOR = Viewer(SCHOOL, Role.ADMINISTRATOR, name="beheerder")
TEACHING_PARENT = "Ouder die hier werkt"
FIRST, LAST, LAS_KEY = "Quirijntje", "Zuylesteyn", "77134Q"
ECK_ID = "https://ketenid.nl/pilot/" + "c" * 128
OTHER_ECK_ID = "https://ketenid.nl/pilot/" + "d" * 128
NOTE = "Slaapt slecht sinds de verhuizing."
TRACES = (FIRST, LAST, LAS_KEY, ECK_ID, OTHER_ECK_ID, NOTE)
PUPIL = RosterPupil(LAS_KEY, ECK_ID, FIRST, None, LAST, "7", "7", ("p",))
UNKNOWN_PUPIL: tuple[UnknownPupil, ...] = ("park", "refuse")
OTHER_KEY = "k1"  # of a pupil who stays

# Tables and columns that hold nothing of a pupil, so that a new one cannot be forgotten. What is deleted as a whole row
# of the pupil needs no columns here.
NOTHING: dict[str, set[str]] = {
    "numbers": {"table_name", "last"},
    "key_fingerprints": {"id", "fingerprint", "bound"},
    "data_versions": {"school_id", "version", "general"},
    "schools": {"id", "name", "synthetic", "region", "own_page", "subject_teachers", "leaders_read", "retention"},
    "school_identifications": {"school_id", "scheme", "value", "location"},
    "sources": {"id", "key", "name", "role", "material"},
    "source_connections": {
        "school_id", "source_id", "cursor", "failures", "last_try_us", "last_success_us", "last_data_us",
        "last_error_nl", "last_error_en", "stopped", "active", "pushes", "agreement",
    },
    "own_connections": {
        "id", "school_id", "kind", "name", "source_id", "settings", "draft", "tried_digest", "made_by", "made_us",
    },
    "senders": {"source_id", "customer_digest", "customer_name", "terms", "origin", "active"},
    "sender_keys": {"id", "source_id", "digest", "made_us", "revoked_us"},
    "sender_key_schools": {"school_id", "key_id", "scheme", "value", "location"},
    "fetched_documents": {"school_id", "source_id", "digest", "fetched_us"},  # of whole documents
    "deliveries": {  # and `findings`, which are cleared
        "id", "school_id", "source_id", "what", "way", "received_us", "created_us", "created_text", "school_year",
        "xsd_version", "digest", "size", "verdict", "fault", "counts",
    },
    "test_rooms": {  # pupils of sandboxes are fictitious
        "id", "token_digest", "name", "school_id", "second_school_id", "source_id", "account", "code", "armed",
        "shown", "made_us", "used_us", "keep_until_us", "came",
    },
    "test_arrivals": {
        "id", "room_id", "arrived_us", "digest", "size", "verdict", "fault", "repeated", "provoked", "school_id",
        "counts", "findings", "exchange",
    },
    "erased_identifiers": {"school_id", "kind", "digest", "pupil_id", "erased_us"},  # what is to stay
    "classes": {"school_id", "id", "school_year", "name", "location", "composed", "year_groups"},
    "groups": {
        "school_id", "id", "school_year", "location", "composed", "key", "name", "year_group", "class_id", "ended_us",
    },
    "teachers": {
        "school_id", "id", "key_digest", "key_sealed", "first_name", "prefix", "last_name", "email", "roles",
    },
    "teacher_groups": {"school_id", "teacher_id", "group_id", "roles", "from_us", "to_us"},
    "taught_subjects": {"school_id", "teacher_id", "subject", "set_by", "set_us"},
    "rosters": {  # and `sealed`, which is made anew without the pupil
        "school_id", "id", "delivery_id", "school_year", "location", "created_us", "pupil_count", "group_count",
        "composed_count", "state", "held_because",
    },
    "tests": {"school_id", "id", "source_id", "code", "version"},
    "test_definitions": {
        "school_id", "id", "source_id", "digest", "code", "name", "subject_term", "year", "material", "body",
        "newest_us", "arrived_us",
    },
    "parts": {"school_id", "id", "code"},
    "result_counts": {"school_id", "source_id", "school_year", "stored"},
    "subject_mappings": {"school_id", "source_id", "field", "pattern", "subject", "set_by", "set_us"},
    "class_thresholds": {"school_id", "class_id", "name", "value", "set_by", "set_us"},
    "due_dates": {"school_id", "class_id", "test_id", "due_on", "set_by", "set_us"},
    "accounts": {"id", "issuer", "made_us", "signed_in_us"},
    "account_roles": {
        "id", "school_id", "account_id", "role", "teacher_id", "granted_by", "granted_us", "ended_by",
    },
    "stand_ins": {
        "id", "school_id", "role_id", "class_id", "until_on", "granted_by", "granted_us", "ended_by", "ended_us",
    },
    "local_credentials": {"account_id", "password_hash", "totp_secret", "totp_step", "recovery_digests"},
    "sign_in_states": {"digest", "browser_digest", "provider", "sealed", "made_us"},
    "sessions": {  # and `flash`, which is emptied
        "digest", "user_key", "sandbox_id", "browser", "started_us", "seen_us", "account_id", "role_id", "school_ids",
        "provider",
    },
    "rate_buckets": {"digest", "tokens", "updated_us", "full_us"},
    "audit_events": {  # pupils by number only
        "school_id", "id", "at_us", "user_key", "user_name", "role", "kind", "about", "digest",
    },
    "audit_pupils": {"school_id", "pupil_id", "event_id"},
    "audit_heads": {"school_id", "event_id", "digest", "mac"},
}  # fmt: skip
CHANGED = {"deliveries": {"findings"}, "rosters": {"sealed"}, "sessions": {"flash"},
           "accounts": {"name", "subject_digest"}, "account_roles": {"pupil_id", "ended_us"}}  # fmt: skip
DELETED = {
    "pupils", "identifiers", "identifier_links", "memberships", "results", "result_history", "goals", "notes",
    "signal_marks", "legal_holds", "invitations", "raw_messages", "work_queue", "kept_sheets", "form_outcomes",
}  # fmt: skip


def test_every_column_of_every_table_is_erased_or_holds_nothing_of_a_pupil() -> None:
    every_table = {**metadata.tables, **audit_events.metadata.tables}
    assert DELETED | set(NOTHING) == set(every_table)
    assert not DELETED & set(NOTHING)
    for name, columns in NOTHING.items():
        assert columns | CHANGED.get(name, set()) == set(every_table[name].c.keys()), name


@pytest.fixture(autouse=True)
def _now() -> Iterator[None]:
    with clock.fixed(school.NOW):
        yield


def results_of(key: str, *results: str, eck_id: str | None = None, made_on: str = "2026-11-20") -> bytes:
    """A message with results of one pupil, by their LAS key and perhaps an ECK iD."""
    data = message(
        results="".join(results), leerlingid=key, brin="99YY", aanmaakdatum=f"{made_on}T10:00:00", xsdversie="2.2"
    )
    number = f"<leerlingid>{key}</leerlingid>".encode()
    return data if eck_id is None else data.replace(number, number + f"<eckid>{eck_id}</eckid>".encode())


@dataclass(frozen=True)
class Known:
    """A store that knows something of the pupil in every place that may."""

    store: Store
    pupil_id: int


@pytest.fixture
def known(any_store: Store) -> Known:
    return fill_with_pupil(any_store)


def fill_with_pupil(store: Store) -> Known:
    """Fill an empty store; the clock must stand at school.NOW."""
    engine, cipher = store.engine, store.cipher
    fill(store)
    save: dict[str, Any] = {"school_id": SCHOOL, "source_id": school.LAS, "way": "load"}
    everybody = replace(ROSTER, pupils=(*ROSTER.pupils, PUPIL), created_us=3_000, digest=b"1" * 32)
    assert rosters.save_roster(engine, cipher, roster=everybody, **save).state == rosters.APPLIED
    held = replace(everybody, groups=(), created_us=4_000, digest=b"2" * 32)
    assert rosters.save_roster(engine, cipher, roster=held, **save).state == rosters.HELD
    for score, made_on in ((7, "2026-11-20"), (8, "2026-11-21")):
        sent = result_xml(f"{LAS_KEY}-1", str(score)), result_xml("los", str(score), toetscode="T1", part="P1")
        receipt = take(
            store, results_of(LAS_KEY, *sent, eck_id=ECK_ID, made_on=made_on), agreement=TOLERANT,
            retention=RetentionPolicy(accepted_days=10),
        )  # fmt: skip
        assert receipt.verdict is not Verdict.REJECT
    take(store, results_of(LAS_KEY, result_xml("geparkeerd", "4"), eck_id=OTHER_ECK_ID), agreement=TOLERANT)
    take(store, results_of("onbekend", result_xml("ook geparkeerd", "4")), agreement=TOLERANT)
    take(store, results_of(OTHER_KEY, result_xml("van een ander", "9")), agreement=TOLERANT)
    for key in (LAS_KEY, OTHER_KEY):
        assert take(store, results_of(key, result_xml(f"{key}-2", "slecht"))).verdict is Verdict.REJECT
    with database.write_transaction(engine, SCHOOL) as connection:
        pupil_id = erasure.find_by_identifier(connection, cipher, SCHOOL, LAS_KEY).pupil_id
        assert pupil_id is not None
        goals.set_goal(connection, SUPPORT, pupil_id, school.LEVELS_FIELD, 10_000)
        notes.write_note(connection, cipher, SUPPORT, pupil_id, NoteKind.NOTE, NOTE, readers=Readers.RESTRICTED)
        about = SignalTarget("drop", pupil_id, None, school.LEVELS_FIELD.key)
        signal_resolutions.resolve_signal(connection, SUPPORT, about, "2026-10-01 7 80", ResolutionAction.SEEN)
        link(connection, cipher, pupil_id)
        legal_holds.place_hold(connection, ADMINISTRATOR, pupil_id)
        legal_holds.end_hold(connection, ADMINISTRATOR, pupil_id)
        invite(connection, cipher, pupil_id)
    requests(store)
    keep_a_screen(store)
    return Known(store, pupil_id)


def invite(connection: Any, cipher: PiiCipher, pupil_id: int) -> None:
    """An account of the pupil, one of a parent who teaches here too, and an invitation that waits."""
    accounts.show_own_page(connection, ADMINISTRATOR, True)
    for name, role in ((f"{FIRST} {LAST}", Role.PUPIL), (TEACHING_PARENT, Role.PARENT)):
        account_id = accounts.signed_in(connection, cipher, "https://x.example", name, name)
        invited = [accounts.Invited(name, role, pupil_id=pupil_id)]
        if role is Role.PARENT:
            invited.append(accounts.Invited(name, Role.LEADER))
        for one in invited:
            invitation = accounts.find_invitation(connection, accounts.invite(connection, cipher, ADMINISTRATOR, one))
            assert invitation is not None
            assert accounts.accept(connection, account_id, invitation)
    accounts.invite(connection, cipher, ADMINISTRATOR, accounts.Invited(f"Oma {LAST}", Role.PARENT, pupil_id=pupil_id))


def link(connection: Any, cipher: PiiCipher, pupil_id: int) -> None:
    """Link an identifier to the pupil by hand, which nobody else has."""
    (identifier_id,) = identity.identify(connection, cipher, SCHOOL, [PupilRef(f"oud-{LAS_KEY}", None)])
    identity.link(connection, ADMINISTRATOR, identifier_id, pupil_id)


def requests(store: Store) -> None:
    """A message as an administrator viewed it, and checks of vendors with the pupil in them and without."""
    asked = (
        PageRequest("refused", "9", b"9", school_id=SCHOOL),
        PageRequest("message", f"{LAS_KEY}.xml", b"<x/>"),
        PageRequest("message", "a.xml", f"<leerlingid>{LAS_KEY}</leerlingid>".encode("utf-16")),
        PageRequest("message", "b.xml", b"<x/>"),
        PageRequest("message", "c.xml", b"<x/>"),
    )
    for request in asked[:1] + asked[3:4]:
        page_requests.submit(store.engine, store.cipher, request)
        job = claim(store.engine)
        assert job is not None
        text = Transmission("", f'<resultaat key="{LAS_KEY}-1">', 9, True)
        output = CheckOutput({"files": []}, b"<p>", b"<x>", {"1:1": FIRST}, (Exchange("", (), text, None),))
        assert page_requests.finish(store.engine, store.cipher, job, output)
    for request in (*asked[1:3], asked[4]):
        page_requests.submit(store.engine, store.cipher, request)


def keep_a_screen(store: Store) -> None:
    """What stood on a screen, a form about the pupil, and a message for the next page."""
    where = place(tables.kept_sheets.c.sealed, b"d" * 16)
    sealed = store.cipher.encrypt(zlib.compress(json.dumps({"pupil": f"{FIRST} {LAST}"}).encode()), where)
    outcomes = Outcomes(store.engine, store.cipher)
    outcomes.begin(b"f" * 32)
    outcomes.end(b"f" * 32, Outcome(f"/leerling?naam={FIRST}", ()))
    with database.write_transaction(store.engine) as connection:
        connection.execute(
            insert(tables.kept_sheets).values(
                school_id=SCHOOL, digest=b"d" * 16, viewer=b"v" * 16, sealed=sealed, until_us=clock.now_us() + 10**9
            )
        )
        written = json.dumps([f"Notitie over {FIRST} is bewaard.", True]).encode()
        flash = store.cipher.encrypt(written, place(tables.sessions.c.flash, b"s" * 32))
        connection.execute(
            insert(tables.sessions).values(
                digest=b"s" * 32, user_key="u", browser=b"b" * 16, started_us=1, seen_us=1, flash=flash
            )
        )


# -- searching a store ---------------------------------------------------------------------------------------


def rows(engine: Engine) -> dict[str, list[dict[str, Any]]]:
    """All rows of all tables."""
    with database.read_transaction(engine) as connection:
        return {
            name: [dict(row) for row in connection.execute(select(table)).mappings()]
            for name, table in metadata.tables.items()
        }


def readable(cipher: PiiCipher, column: Column[Any], row: dict[str, Any]) -> str:
    """A value as a text, decrypted and unpacked where it is encrypted and packed."""
    value = row[column.name]
    if not isinstance(value, bytes):
        return str(value)
    try:
        if column in ENCRYPTED:
            value = cipher.decrypt(value, place(column, *(row[part.name] for part in ENCRYPTED[column])))
        value = zlib.decompress(value)
    except (DecryptionFailed, zlib.error, ValueError):
        pass
    return value.replace(b"\0", b"").decode("utf-8", "replace")


def where_named(store: Store) -> set[str]:
    """The columns that hold anything of the pupil."""
    return {
        f"{name}.{column}"
        for name, of_table in rows(store.engine).items()
        for row in of_table
        for column in row
        if any(trace in readable(store.cipher, metadata.tables[name].c[column], row) for trace in TRACES)
    }


EVERYWHERE = {
    "pupils.first_name", "pupils.last_name", "identifiers.sealed", "results.key", "result_history.key", "notes.sealed",
    "raw_messages.sealed", "rosters.sealed", "deliveries.findings", "work_queue.title", "work_queue.payload",
    "work_queue.excerpts", "work_queue.exchanges", "kept_sheets.sealed", "form_outcomes.outcome", "sessions.flash",
    "accounts.name", "invitations.name",
}  # fmt: skip


def erase(known: Known, folder: Path) -> erasure.Certificate:
    store = known.store
    with database.read_transaction(store.engine) as connection:
        person = erasure.find_pupil(connection, store.cipher, SCHOOL, known.pupil_id)
    return erasure.erase(store.engine, store.cipher, person, folder)


def changes(before: dict[str, list[dict[str, Any]]], after: dict[str, list[dict[str, Any]]]) -> dict[str, int]:
    """How many rows of each table are gone, or others than they were."""
    gone = {name: sum(row not in after[name] for row in of_table) for name, of_table in before.items()}
    return {name: number for name, number in gone.items() if number}


def test_nothing_of_the_pupil_stays_and_nothing_of_others_goes(known: Known, tmp_path: Path) -> None:
    store = known.store
    assert where_named(store) == EVERYWHERE
    before, version = rows(store.engine), version_of(store)
    certificate = erase(known, tmp_path)
    assert where_named(store) == set()
    after = rows(store.engine)
    assert changes(before, after) == {name: number for name, number in certificate.counts.items() if number} | {
        "data_versions": 1,
        "result_counts": 1,
    }
    changed = {name: certificate.counts[name] for name in CHANGED}
    assert changes(after, before) == {"erased_identifiers": 4, "data_versions": 1, "result_counts": 1, **changed}
    assert all(certificate.counts[name] > 0 for name in (*DELETED, *CHANGED))
    assert version_of(store) > version
    for name in ("results", "result_history", "goals", "notes", "signal_marks", "identifiers", "raw_messages"):
        assert after[name], name  # those of others


def version_of(store: Store) -> DataVersion:
    with database.read_transaction(store.engine) as connection:
        return data_version(connection, SCHOOL)


def test_messages_and_a_waiting_roster_of_others_can_still_be_used(known: Known, tmp_path: Path) -> None:
    store = known.store
    erase(known, tmp_path)
    with database.read_transaction(store.engine) as connection:
        kept = {row.school_id: row for row in quarantine.quarantined_messages(connection)}
        other = quarantine.raw(connection, store.cipher, kept[SCHOOL].delivery_id)
        assert other is not None
        assert f"{OTHER_KEY}-2".encode() in other
        paths = [finding["path"] for finding in quarantine.findings_of(connection, kept[SCHOOL].delivery_id)]
        assert any(f'[@key="{OTHER_KEY}-2"]' in path for path in paths)
        waiting = connection.scalars(select(tables.rosters.c.id).where(tables.rosters.c.state == rosters.HELD)).one()
    decided = rosters.decide_pending(store.engine, store.cipher, ADMINISTRATOR, waiting, apply=True)
    assert decided.state == rosters.APPLIED
    assert where_named(store) == set()
    assert pupil_names_of(store) == {f"Roep{number}" for number in range(4)} | {"Zoë"}


def pupil_names_of(store: Store) -> set[str]:
    return {row["first_name"] for row in rows(store.engine)["pupils"] if row["school_id"] == SCHOOL}


@pytest.mark.long
@pytest.mark.sqlite
def test_copies_that_page_splits_leave_behind_are_purged(store: Store, tmp_path: Path) -> None:
    trace, chosen = "77134Q", random.Random(1)
    rows = [
        (1, 1, f"{chosen.randrange(10**9):09}-{trace if place % 100 == 0 else 'ander'}{place}", place % 100,
         "x" * chosen.randrange(80))
        for place in range(200_000)
    ]  # fmt: skip
    chosen.shuffle(rows)
    driver = store.engine.raw_connection().driver_connection
    assert driver is not None
    columns = "school INT, source INT, key TEXT, pupil INT, value TEXT, PRIMARY KEY (school, source, key)"
    driver.execute(f"CREATE TABLE many ({columns})")
    driver.execute("CREATE INDEX many_by_pupil ON many (school, pupil)")
    for start in range(0, len(rows), 5_000):
        driver.execute("BEGIN IMMEDIATE")
        driver.executemany("INSERT INTO many VALUES (?, ?, ?, ?, ?)", rows[start : start + 5_000])
        driver.execute("COMMIT")
        if start % 20_000 == 0:
            driver.execute("UPDATE many SET value = value || 'yyyyyyyyyy' WHERE pupil % 7 = 0")
    driver.execute("DELETE FROM many WHERE school = 1 AND pupil = 0")
    assert driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
    file = tmp_path / "data" / "rondblik.db"
    assert trace.encode() in file.read_bytes()  # although it is deleted, and the log is empty
    assert database.purge_deleted(store.engine)
    assert trace.encode() not in file.read_bytes() + file.with_name("rondblik.db-wal").read_bytes()


def test_what_comes_in_while_an_operator_is_asked_is_erased_too(known: Known, tmp_path: Path) -> None:
    store = known.store
    with database.read_transaction(store.engine) as connection:
        person = erasure.find_pupil(connection, store.cipher, SCHOOL, known.pupil_id)
    third = "https://ketenid.nl/pilot/" + "f" * 128
    take(store, results_of(LAS_KEY, result_xml(f"{LAS_KEY}-laat", "3"), eck_id=third), agreement=TOLERANT)
    certificate = erasure.erase(store.engine, store.cipher, person, tmp_path)
    assert certificate.counts["results"] == 4
    assert where_named(store) == set()
    column, left = tables.identifiers.c.sealed, rows(store.engine)["identifiers"]
    assert third not in {readable(store.cipher, column, row) for row in left}


# -- what still comes in -------------------------------------------------------------------------------------


def test_the_next_roster_leaves_the_pupil_out_and_gives_their_number_to_nobody(known: Known, tmp_path: Path) -> None:
    store = known.store
    erase(known, tmp_path)
    new = RosterPupil("nieuw", None, "Nieuw", None, "Kind", "7", "7")
    save: dict[str, Any] = {"school_id": SCHOOL, "source_id": school.LAS, "way": "load"}
    for number, changed in enumerate((PUPIL, replace(PUPIL, eck_id=None), replace(PUPIL, las_key="ander nummer"))):
        roster = replace(
            ROSTER, pupils=(*ROSTER.pupils, changed, new), created_us=5_000 + number, digest=bytes([number]) * 32
        )
        receipt = rosters.save_roster(store.engine, store.cipher, roster=roster, **save)
        assert receipt.state == rosters.APPLIED
        assert [finding.rule for finding in receipt.findings] == ["roster.erased"]
    assert where_named(store) == set()
    numbers = {row["first_name"]: row["id"] for row in rows(store.engine)["pupils"] if row["school_id"] == SCHOOL}
    assert numbers["Nieuw"] > known.pupil_id
    assert set(numbers) == {*(f"Roep{number}" for number in range(4)), "Zoë", "Nieuw"}


def test_results_that_are_sent_again_are_accepted_and_left_out(known: Known, tmp_path: Path) -> None:
    store = known.store
    erase(known, tmp_path)
    before = rows(store.engine)
    eck_ids = (ECK_ID, None, OTHER_ECK_ID, "https://ketenid.nl/pilot/" + "e" * 128)
    for number, (eck_id, unknown) in enumerate(itertools.product(eck_ids, UNKNOWN_PUPIL)):
        key = f"van een ander {number}"
        sent = results_of(LAS_KEY, result_xml(f"{LAS_KEY}-9", "9"), eck_id=eck_id, made_on=f"2026-11-{12 + number}")
        both = sent.replace(
            b"</toetsafnames>",
            f"<toetsafname><leerlingid>{OTHER_KEY}</leerlingid><resultaten>{result_xml(key, '5')}</resultaten>"
            "</toetsafname></toetsafnames>".encode(),
        )
        agreement = replace(TOLERANT, terms=replace(TOLERANT.terms, unknown_pupil=unknown))
        receipt = take(store, both, agreement=agreement, retention=RetentionPolicy(accepted_days=10))
        assert receipt.verdict is not Verdict.REJECT
        assert (receipt.counts["results"], receipt.counts["new"], receipt.counts["erased"]) == (1, 1, 1)
        assert take(store, both, agreement=agreement).repeated
    of_nobody = results_of("nog niemand", result_xml("x", "5"), made_on="2026-11-20")
    assert take(store, of_nobody, agreement=agreement).verdict is Verdict.REJECT  # an agreement that refuses these
    assert where_named(store) == set()
    after = rows(store.engine)
    assert len(after["identifiers"]) == len(before["identifiers"])
    assert len(after["results"]) == len(before["results"]) + 8


# -- a database that was put back ----------------------------------------------------------------------------


def test_an_earlier_database_that_is_put_back_loses_the_pupil_again(known: Known, tmp_path: Path) -> None:
    store = known.store
    before = rows(store.engine)
    erase(known, tmp_path)
    put_back(store.engine, before)
    assert where_named(store) == EVERYWHERE
    assert erasure.repeat_erasures(store.engine, store.cipher, tmp_path) == 1
    assert where_named(store) == set()
    version = version_of(store)
    assert erasure.repeat_erasures(store.engine, store.cipher, tmp_path) == 0
    assert version_of(store) == version
    put_back(store.engine, {**before, "pupils": [], "identifiers": [], "memberships": []})  # from before they came
    assert erasure.repeat_erasures(store.engine, store.cipher, tmp_path) == 1
    assert len(rows(store.engine)["erased_identifiers"]) == 4


def put_back(engine: Engine, before: dict[str, list[dict[str, Any]]]) -> None:
    with database.write_transaction(engine, raises_version=False) as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(delete(table))
        for table in metadata.sorted_tables:
            if before[table.name]:
                connection.execute(insert(table), before[table.name])


def test_a_line_that_was_cut_off_is_of_no_erasure(tmp_path: Path) -> None:
    first, second = (erased.Erasure((("brin", "99YY", ""),), number, (("las", b"x" * 16),), 5) for number in (1, 2))
    erased.append(tmp_path, first)
    file = tmp_path / erased.FILE
    file.write_bytes(file.read_bytes() + b'{"schools": [["brin", "99')
    assert list(erased.read_erasures(tmp_path)) == [first]
    erased.append(tmp_path, second)
    assert list(erased.read_erasures(tmp_path)) == [first, second]
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("line", ["{}", '{"schools": [], "pupil": 1}', "{nothing}"])
def test_a_file_of_erasures_that_was_damaged_is_refused_with_a_sentence(tmp_path: Path, line: str) -> None:
    (tmp_path / erased.FILE).write_text(f"\n{line}\n", "utf-8")
    with pytest.raises(DatabaseUnsafe, match="line 2 is damaged"):
        list(erased.read_erasures(tmp_path))


# -- whose identifiers are whose -----------------------------------------------------------------------------


def test_an_identifier_that_others_came_under_too_is_not_the_pupils(any_store: Store, tmp_path: Path) -> None:
    """A publisher that sends one number for all pupils: only the ECK iDs tell them apart."""
    engine, cipher = any_store.engine, any_store.cipher
    fill(any_store)
    eck_ids = [f"https://ketenid.nl/pilot/{letter * 128}" for letter in "xy"]
    roster = replace(
        ROSTER,
        pupils=tuple(replace(PUPIL, las_key=f"nr{number}", eck_id=eck_id) for number, eck_id in enumerate(eck_ids)),
        created_us=3_000,
    )
    rosters.save_roster(engine, cipher, school_id=SCHOOL, source_id=school.LAS, roster=roster, way="load", force=True)
    for number, eck_id in enumerate(eck_ids):
        take(any_store, results_of("0", result_xml(f"r{number}", "7"), eck_id=eck_id), agreement=TOLERANT)
    with database.read_transaction(engine) as connection:
        person = erasure.find_by_identifier(connection, cipher, SCHOOL, eck_ids[0])
    assert {value for _, value in person.values} == {"nr0", eck_ids[0]}
    assert erasure.erase(engine, cipher, person, tmp_path).counts["results"] == 1
    receipt = take(any_store, results_of("0", result_xml("r3", "7"), eck_id=eck_ids[1]), agreement=TOLERANT)
    assert (receipt.counts["new"], receipt.counts["parked"], receipt.counts.get("erased")) == (1, 0, None)


def test_results_that_nobody_could_match_are_erased_by_their_identifier(known: Known, tmp_path: Path) -> None:
    store = known.store
    with database.read_transaction(store.engine) as connection:
        person = erasure.find_by_identifier(connection, store.cipher, SCHOOL, "onbekend")
    assert person.pupil_id is None
    counts = erasure.erase(store.engine, store.cipher, person, tmp_path).counts
    assert (counts["results"], counts["identifiers"], counts["pupils"]) == (1, 1, 0)
    assert "ook geparkeerd" not in {row["key"] for row in rows(store.engine)["results"]}


@pytest.mark.parametrize("value", ["", "niemand"])
def test_nobody_is_erased_by_an_identifier_that_nobody_has(known: Known, value: str) -> None:
    with database.read_transaction(known.store.engine) as connection, pytest.raises(erasure.PupilUnknown):
        erasure.find_by_identifier(connection, known.store.cipher, SCHOOL, value)
