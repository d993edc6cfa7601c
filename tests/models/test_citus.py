"""What Citus asks of tables and statements, held against all that the program sends to PostgreSQL (docs/scale.md).

Citus is not in Debian, so it is not run here. Its rules for tables that are distributed by `school_id` are: unique keys
and foreign keys hold that column, no statement sets it, a statement that writes names it, and a subquery that refers to
rows around it has it in common with them. What keeps to none of that stands below with the reason; neither may grow
unseen, nor may a reason stay behind that is no longer needed.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import sqlglot
from sqlalchemy import NullPool, UniqueConstraint, create_engine, text
from sqlglot import exp
from sqlglot.optimizer.scope import traverse_scope

from models.ingest import erasure, retention
from models.schema import clock, database
from models.schema.nodes import SCHOOL_TABLES
from models.schema.store_key import open_encrypted
from models.schema.tables import metadata
from models.schema.terms import RetentionPolicy
from tests.conftest import Store, new_postgres, postgres_server
from tests.connectors import test_receive
from tests.dashboard import school
from tests.models import test_store
from tests.models.filled import LARS, everything, fill

pytestmark = pytest.mark.long
DISTRIBUTED = {table.name: table for table in SCHOOL_TABLES}

# Tables that stay in one place ("local" in Citus), or are copied to each node ("reference").
OF_THE_INSTALLATION = "of the whole installation: small, and read by every process"
OF_PEOPLE = "who signs in is found before the school is known"
OF_SENDERS = "who sends or is asked is found before the school is known"
SHORT_LIVED = "short-lived, and looked for by a token or a time over all schools"
SHARED = {
    "numbers": OF_THE_INSTALLATION, "key_fingerprints": OF_THE_INSTALLATION, "schools": "the list of schools itself",
    "school_identifications": "the school of a message is found in it: a reference table", "sources": OF_SENDERS,
    "source_connections": OF_SENDERS, "own_connections": OF_SENDERS, "senders": OF_SENDERS, "sender_keys": OF_SENDERS,
    "sender_key_schools": OF_SENDERS, "test_rooms": "of vendors, who have no school", "test_arrivals": "likewise",
    "work_queue": SHORT_LIVED, "legal_holds": OF_THE_INSTALLATION, "accounts": OF_PEOPLE, "account_roles": OF_PEOPLE,
    "invitations": OF_PEOPLE, "stand_ins": OF_PEOPLE, "local_credentials": OF_PEOPLE, "sign_in_states": SHORT_LIVED,
    "sessions": SHORT_LIVED, "form_outcomes": SHORT_LIVED, "kept_sheets": SHORT_LIVED, "rate_buckets": SHORT_LIVED,
}  # fmt: skip

ARRIVALS = "numbers of deliveries go over all schools, and a refusal has no school (ADR 40, point 4)"
KEYS_WITHOUT_SCHOOL = {"deliveries": ARRIVALS, "raw_messages": ARRIVALS}
COORDINATOR = "a process connects to the coordinator only, whose locks these are (ADR 40, point 6)"
LOCKS = {"pg_advisory_xact_lock": COORDINATOR}
DUE = "what is past its time is deleted over all schools"
WRITES_OF_ALL = {("Delete", "raw_messages"): DUE}
SAME_BYTES = "whether the same bytes were accepted since, also for a school that was not known then"
CORRELATED = {("deliveries", "deliveries"): SAME_BYTES}


@pytest.fixture(scope="module")
def statements(tmp_path_factory: pytest.TempPathFactory) -> list[exp.Expression]:
    """What a server of its own was sent while a store was filled, read, sent to, and cleared."""
    folder = tmp_path_factory.mktemp("citus")
    with postgres_server() as server:
        log = server.folder / "log"
        with new_postgres(server.url) as template:
            open_encrypted(template, folder)
            template.dispose()
            _log_everything(server.url)
            before = log.stat().st_size
            for use in (partial(_use, folder=folder), *CHECKS):
                with new_postgres(server.url, str(template.url.database)) as engine:
                    use(Store(engine, open_encrypted(engine, folder)))
        sent = log.read_bytes()[before:].decode()
    logging.getLogger("sqlglot").setLevel(logging.ERROR)  # of what it does not parse, and that is of no school
    parsed = (sqlglot.parse(statement, "postgres") for statement in sorted(set(_statements(sent))))
    return [tree for trees in parsed for tree in trees if tree is not None]


CHECKS = (
    test_receive.test_both_databases_take_in_what_is_sent,
    test_store.test_the_later_message_counts_and_the_earlier_value_stays_in_history,
    test_store.test_many_results_of_one_message_go_in_as_one,
)


def _log_everything(url: str) -> None:
    engine = create_engine(url + "postgres", isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        for setting in ("log_statement = 'all'", "log_line_prefix = '@@'"):
            connection.execute(text(f"ALTER SYSTEM SET {setting}"))
        connection.execute(text("SELECT pg_reload_conf()"))


def _statements(log: str) -> Iterator[str]:
    """The statements in a log, without what makes and drops the databases of the test."""
    for entry in re.split(r"^@@", log, flags=re.MULTILINE):
        found = re.match(r"LOG:  (?:statement|execute [^:]*): (.*)", entry, re.DOTALL)
        if found and not re.match(r";|(CREATE|DROP) DATABASE|RELEASE |show ", found[1]):
            statement = found[1].replace("\n\t", "\n").strip()
            yield re.sub(r"\$\d+", "NULL", statement)  # two placeholders would be a quotation to the parser


def _use(store: Store, folder: Path) -> None:
    """Do what is done with the data of a school."""
    with clock.fixed(school.NOW):
        fill(store)
        everything(store)
        with database.read_transaction(store.engine) as connection:
            who = erasure.find_pupil(connection, store.cipher, school.SCHOOL, LARS)
        erasure.erase(store.engine, store.cipher, who, folder)
        retention.forget_all(store.engine, RetentionPolicy())


def _tables(tree: exp.Expression) -> set[str]:
    return {table.name for table in tree.find_all(exp.Table)}


# -- tables --------------------------------------------------------------------------------------------------


def test_every_table_is_distributed_or_is_shared_for_a_reason() -> None:
    assert set(SHARED) == set(metadata.tables) - set(DISTRIBUTED)


def test_unique_keys_of_distributed_tables_hold_the_school() -> None:
    without = {
        name
        for name, table in DISTRIBUTED.items()
        for columns in [
            table.primary_key.columns,
            *(item.columns for item in table.constraints if isinstance(item, UniqueConstraint)),
            *(index.columns for index in table.indexes if index.unique),
        ]
        if "school_id" not in columns
    }
    assert without == set(KEYS_WITHOUT_SCHOOL)


# -- statements ----------------------------------------------------------------------------------------------


def test_enough_was_sent_to_judge_by(statements: list[exp.Expression]) -> None:
    written = {_written(tree) for tree in statements if isinstance(tree, exp.Insert | exp.Update | exp.Delete)}
    assert {"results", "result_history", "identifiers", "deliveries", "pupils", "memberships", "notes"} <= written
    assert len(statements) > 200


def test_no_statement_sets_a_key(statements: list[exp.Expression]) -> None:
    for tree in statements:
        if isinstance(tree, exp.Update | exp.Insert) and (name := _written(tree)) in DISTRIBUTED:
            keys = {"school_id", *(column.name for column in DISTRIBUTED[name].primary_key.columns)}
            sets = tree.args.get("expressions") if isinstance(tree, exp.Update) else _set_on_conflict(tree)
            assert not {item.this.name for item in sets or ()} & keys, tree.sql("postgres")


def test_a_statement_that_writes_names_the_school(statements: list[exp.Expression]) -> None:
    without = {
        (type(tree).__name__, _written(tree))
        for tree in statements
        if isinstance(tree, exp.Insert | exp.Update | exp.Delete) and _written(tree) in DISTRIBUTED
        if not any(name.name == "school_id" for name in tree.find_all(exp.Identifier))
    }
    assert without == set(WRITES_OF_ALL)


def test_advisory_locks_are_taken_in_named_places_only(statements: list[exp.Expression]) -> None:
    taken = {
        call.name.lower()
        for tree in statements
        for call in tree.find_all(exp.Anonymous)
        if "advisory" in call.name.lower()
    }
    assert taken == set(LOCKS)


def test_a_subquery_that_refers_to_rows_around_it_is_of_their_school(statements: list[exp.Expression]) -> None:
    found = set()
    for tree in statements:
        if not isinstance(tree, exp.Query) or not _tables(tree) & set(DISTRIBUTED):
            continue
        for scope in traverse_scope(tree):
            around = {column.name for column in scope.external_columns}
            if scope.is_correlated_subquery and "school_id" not in around:
                names = {item.name for item in scope.sources.values() if isinstance(item, exp.Table)}
                found |= {(column.table, name) for column in scope.external_columns for name in names if column.table}
    assert found == set(CORRELATED)


def _written(tree: exp.Expression) -> str:
    table = tree.this.find(exp.Table)
    return table.name if table is not None else ""


def _set_on_conflict(tree: exp.Insert) -> list[exp.Expression]:
    conflict = tree.args.get("conflict")
    return [] if conflict is None else conflict.args.get("expressions") or []
