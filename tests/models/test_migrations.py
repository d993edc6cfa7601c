"""A store of any earlier program is brought to this one with everything that it holds, and to the same schema."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Engine, inspect, text

import models
from models.ingest import connections, page_requests, rosters, senders, work_queue
from models.ingest.page_requests import PageRequest
from models.ingest.schools import Identification
from models.sandbox import sandboxes
from models.schema import clock, database
from models.schema.encryption import PiiCipher
from models.schema.records import Kind
from models.schema.store_key import open_encrypted, take_over
from models.schema.tables import metadata
from models.schema.terms import SenderTerms
from tests.conftest import Store, compiled_once, new_postgres
from tests.dashboard import school
from tests.models.earlier import EARLIER, config, make, upgrade_to
from tests.models.every_kind import stored
from tests.models.filled import ELSEWHERE, SENT, any_order, copy_rows, everything, fill, send
from tests.models.schema import schema, without

# What may differ in a database that an earlier program made: the order of columns, which matters nowhere (see
# test_columns), and defaults that only migrations need, for every program writes these columns itself.
ANY_ORDER = ("schools", "goals", "test_rooms")
DEFAULTS = {("schools", "synthetic"), ("test_rooms", "came")}


@pytest.fixture
def bare(any_store: Store, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A database without any table, of the kind that `any_store` is on."""
    if any_store.engine.dialect.name == "postgresql":
        with new_postgres(request.getfixturevalue("postgres")) as engine:
            yield compiled_once(engine)
    else:
        engine = database.open_engine(database.sqlite_url(tmp_path / "bare"))
        yield compiled_once(engine)
        engine.dispose()


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A store of this program with something in every table."""
    folder = tmp_path_factory.mktemp("filled")
    engine = database.open_engine(database.sqlite_url(folder))
    store = Store(engine, open_encrypted(engine, folder))
    with clock.fixed(school.NOW):
        fill(store)
    yield store
    engine.dispose()


def test_all_migrations_make_the_tables_of_this_program(any_store: Store, bare: Engine) -> None:
    with database.write_transaction(bare, raises_version=False) as connection:
        metadata.create_all(connection)
    assert schema(any_store.engine) == schema(bare)
    assert set(schema(any_store.engine)) == set(metadata.tables)


def test_a_migration_stands_by_itself() -> None:
    versions = sorted((Path(models.__file__).parent / "schema" / "migrations" / "versions").glob("*.py"))
    assert len(versions) >= 5
    for path in versions:
        nodes = list(ast.walk(ast.parse(path.read_text("utf-8"))))
        imported = [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
        imported += [name.name for node in nodes if isinstance(node, ast.Import) for name in node.names]
        assert {name.partition(".")[0] for name in imported} & {"models", "connectors", "dashboard"} == set(), path.name


@pytest.mark.long
@pytest.mark.parametrize("name", EARLIER)
def test_a_store_of_an_earlier_program_is_upgraded(any_store: Store, bare: Engine, filled: Store, name: str) -> None:
    earlier = Store(bare, filled.cipher)
    make(earlier.engine, name)
    tables = set(inspect(earlier.engine).get_table_names()) - {"key_fingerprints"}  # of the store it stands in
    copy_rows(filled.engine, earlier.engine, tables, as_then=True)
    copy_rows(filled.engine, any_store.engine, {*tables, "result_counts"}, as_then=False)  # the upgrade counts them
    for _ in range(2):
        database.upgrade(earlier.engine)
    expected = without(schema(any_store.engine), ANY_ORDER, DEFAULTS)
    assert without(schema(earlier.engine), ANY_ORDER, DEFAULTS) == expected
    check_values(earlier, Store(any_store.engine, filled.cipher))
    check_nothing_is_new(earlier)
    check_it_goes_on(earlier)


def test_of_a_key_with_two_kinds_the_newer_stays_and_the_other_becomes_history(bare: Engine) -> None:
    upgrade_to(bare, "0007")
    row = (
        "INSERT INTO results (school_id, source_id, key, kind, identifier_id, test_id, definition_id, part_id, "
        "taken_on, score_text, school_year, created_us, digest64, delivery_id) VALUES "
        "(1, 1, :key, :kind, 1, 1, 1, 0, '2026-11-10', :score, '2026-2027', :created, 0, 1)"
    )
    stored_before = [
        ("both", Kind.SCORE, "3", 1), ("both", Kind.OSO, "88", 2), ("both", Kind.PROGRESS, "", 3),
        ("back", Kind.OSO, "70", 1), ("back", Kind.SCORE, "7", 2), ("alone", Kind.SCORE, "5", 1),
    ]  # fmt: skip
    with database.write_transaction(bare, raises_version=False) as connection:
        connection.execute(text("INSERT INTO schools (id, name) VALUES (1, 'De Wissel')"))
        for key, kind, score, created in stored_before:
            values = {"key": key, "kind": int(kind), "score": score, "created": created}
            connection.execute(text(row), values)
    database.upgrade(bare)
    current = [(row["key"], row["kind"], row["score_text"], bool(row["progress"])) for row in stored(bare, "results")]
    assert sorted(current, key=str) == [
        ("alone", 1, "5", False), ("back", 1, "7", False), ("both", 2, "88", False), ("both", 3, "", True)
    ]  # fmt: skip
    former = [(row["key"], row["kind"], row["score_text"]) for row in stored(bare, "result_history")]
    assert former == [("back", 2, "70"), ("both", 1, "3")]


def check_values(earlier: Store, fresh: Store) -> None:
    """Whatever the program reads is the same in both."""
    found, expected = everything(earlier), everything(fresh)
    assert len(stored(earlier.engine, "result_history")) == 6
    for name, item in expected.items():
        assert any_order(found[name]) == any_order(item), name


def check_nothing_is_new(store: Store) -> None:
    """What was sent before changes nothing when it is sent again, by the same bytes or by others."""

    def state() -> list[list[dict[str, object]]]:
        moving = ("created_us", "arrived_us", "digest64")
        rows = [stored(store.engine, name) for name in ("results", "result_history")]
        return [[{name: row[name] for name in row if name not in moving} for row in several] for several in rows]

    before = state()
    for score, made_on in SENT:
        assert send(store, score, made_on).repeated
    value, _ = SENT[-1]
    again = send(store, value, "2026-11-18")
    assert again.counts == {"results": 4, "new": 0, "changed": 0, "unchanged": 4, "history": 0, "parked": 0}
    for other in {score for score, _ in SENT} - {value}:
        older = send(store, other, "2026-11-09")
        assert (older.counts["new"], older.counts["changed"], older.counts["history"]) == (0, 0, 3)
    assert state() == before


def check_it_goes_on(store: Store) -> None:
    """A value of the history that counts again leaves it; rosters, senders and rooms work as in a new store."""
    with clock.fixed(school.NOW):
        (other,) = {score for score, _ in SENT} - {SENT[-1][0], 6}
        assert send(store, other, "2026-11-19").counts["changed"] == 3
        assert len(stored(store.engine, "result_history")) == 6
        roster_receipt = rosters.decide_pending(store.engine, store.cipher, ELSEWHERE, 2, True)
        assert (roster_receipt.state, roster_receipt.counts["pupils"]) == ("applied", 4)
        with database.write_transaction(store.engine) as connection:
            new = senders.add_sender(connection, store.cipher, "b", "B", "K-2", SenderTerms(), senders.FROM_COMMAND)
            senders.add_key(connection, store.cipher, new, "S", [Identification("brin", "99XX")])
            assert connection.scalar(text("SELECT count(*) FROM numbers")) >= 2
        sandbox = sandboxes.create_sandbox(store.engine, store.cipher, "Uitgever X")
        page_request = PageRequest(
            page_requests.SANDBOX, "Proefadres", b"{}", sandbox_id=sandbox.id, requested_by="sessie"
        )
        token = page_requests.submit(store.engine, store.cipher, page_request)
        request_state = page_requests.find(store.engine, store.cipher, token)
        assert request_state is not None
        assert (request_state.kind, request_state.state) == (page_requests.SANDBOX, page_requests.WAITING)


CHECKS = """
INSERT INTO checks (
    token_digest, kind, title, asked_us, input, state, lease, leased_until_us, tries, report, error_nl, error_en,
    done_us, keep_until_us
) VALUES (
    :token_digest, :kind, :title, :asked_us, :input, :state, :lease, :leased_until_us, :tries, :report, :error_nl,
    :error_en, :done_us, :keep_until_us
)
"""
COUPLINGS = """
INSERT INTO couplings (
    school_id, source_id, cursor, next_try_us, lease, leased_until_us, failures, stopped, active, pushes
) VALUES (1, :id, 'newest', :next_try_us, :lease, :leased_until_us, 2, false, true, :pushes)
"""
MINUTE_US = 60 * 1_000_000


def unbound(cipher: PiiCipher, clear: bytes) -> bytes:
    """What a program of before 0020 encrypted."""
    return bytes(12) + AESGCM(cipher.cipher_key).encrypt(bytes(12), clear, None)


def test_what_was_queued_before_there_was_one_queue_is_done_after_it(bare: Engine, filled: Store) -> None:
    upgrade_to(bare, "0006")
    store, now = Store(bare, filled.cipher), clock.to_us(school.NOW)
    requests = {
        "waiting": {"state": "waiting", "input": unbound(store.cipher, b"{}"), "kind": "room"},
        "busy": {"state": "busy", "input": unbound(store.cipher, b"<x/>"), "lease": "a", "tries": 1,
                 "leased_until_us": now + MINUTE_US},
        "done": {"state": "done", "report": '{"errors": 0}', "done_us": now, "tries": 1},
        "failed": {"state": "failed", "error_nl": "Nee.", "error_en": "No.", "done_us": now, "tries": 1},
    }  # fmt: skip
    polls = [
        {"id": 1, "next_try_us": now + 5 * MINUTE_US, "lease": None, "leased_until_us": None, "pushes": False},
        {"id": 2, "next_try_us": now - MINUTE_US, "lease": "b", "leased_until_us": now + MINUTE_US, "pushes": False},
        {"id": 3, "next_try_us": now, "lease": None, "leased_until_us": None, "pushes": True},
    ]
    names = ("input", "lease", "leased_until_us", "report", "error_nl", "error_en", "done_us")
    with database.write_transaction(bare, raises_version=False) as connection:
        connection.execute(text("INSERT INTO schools (id, name, synthetic) VALUES (1, 'De Wissel', false)"))
        for token, given in requests.items():
            row = dict.fromkeys(names) | {"kind": "message", "tries": 0} | given
            digest = store.cipher.digest("check", token)
            times = {"asked_us": now - MINUTE_US, "keep_until_us": now + MINUTE_US * 100}
            connection.execute(text(CHECKS), row | times | {"token_digest": digest, "title": token})
        for poll in polls:
            source = {"id": poll["id"], "key": f"bron-{poll['id']}"}
            connection.execute(text("INSERT INTO sources VALUES (:id, :key, 'Bron', 'publisher', NULL)"), source)
            connection.execute(text(COUPLINGS), poll)
    take_over(bare, store.cipher, store.cipher)
    with clock.fixed(school.NOW):
        states = {token: page_requests.find(bare, store.cipher, token) for token in requests}
        assert {token: state.state for token, state in states.items() if state is not None} == {
            token: token for token in requests
        }
        assert states["done"] is not None
        assert states["failed"] is not None
        assert (states["done"].report, states["failed"].error_en) == ({"errors": 0}, "No.")
        job = work_queue.claim(bare)
        assert job is not None
        assert (job.kind, job.title, page_requests.payload_of(store.cipher, job)) == (
            page_requests.SANDBOX,
            "waiting",
            b"{}",
        )
        assert work_queue.claim(bare) is None
    with clock.fixed(school.NOW + timedelta(seconds=70)):  # the leases of workers that did not survive the upgrade
        second, third = work_queue.claim(bare), work_queue.claim(bare)
        assert [(job.title, job.attempts) for job in (second, third) if job] == [("bron-2", 2), ("busy", 2)]
        assert second is not None
        assert connections.start_poll(bare, second) == "newest"
    with clock.fixed(school.NOW + timedelta(minutes=6)):
        assert set(work_queue.due_threads(bare)) == {"source 1", "source 2", "pages"}
        assert work_queue.claim(bare, "source 1") is not None
        with database.write_transaction(bare, raises_version=False) as connection:
            connections.ensure_connection(connection, 1, 1)  # it has a poll already
        assert work_queue.claim(bare, "source 1") is None


def test_the_names_of_the_migrations_are_their_order() -> None:
    chain = [item.revision for item in ScriptDirectory.from_config(config()).walk_revisions()]
    assert database.newest_revision() == chain[0]
    assert chain == sorted(chain, reverse=True)
    assert [database.is_known_revision(item) for item in (*chain, "9999")] == [True] * len(chain) + [False]
