"""A store on several PostgreSQL servers, each school on one of them: `rondblik db distribute`, upgrades, `doctor`."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from importlib import resources
from pathlib import Path

import pytest
from sqlalchemy import Engine, NullPool, create_engine, func, insert, make_url, select, text

from connectors.intake.push import ReceiverContext
from connectors.uwlr.pupil_writer import write_answer
from models.ingest import schools
from models.ingest.erased import FILE as ERASED_FILE
from models.schema import clock, database, nodes
from models.schema.encryption import KEY_FILE
from models.schema.records import Roster, RosterGroup, RosterPupil, SchoolRef
from models.schema.store_key import open_encrypted
from models.schema.tables import deliveries, results, school_identifications
from models.schema.tables import schools as school_rows
from tests.conftest import NODES, Store, new_nodes, new_postgres
from tests.connectors.sending import receiving
from tests.dashboard.installation import Installation, configured
from tests.faults.programs import publisher_of
from tests.faults.publishers import BRINS, lost_or_half, sending
from tests.uwlr.messages import message

SCHOOLS = ("99AA", "99BB", "99CC", "99DD")  # each of three nodes has one or more


@pytest.fixture
def several(postgres_store: Store, tmp_path: Path) -> Installation:
    """An installation on one server, with a message of each of some schools."""
    for brin in SCHOOLS:
        with database.write_transaction(postgres_store.engine) as connection:
            schools.ensure_school(connection, [schools.Identification("brin", brin)])
    url = postgres_store.engine.url.render_as_string(hide_password=False)
    postgres_store.engine.dispose()
    (tmp_path / "keys").rename(tmp_path / "data")
    installation = configured(tmp_path / "data", url)
    for number, brin in enumerate(SCHOOLS):
        send(installation, brin, [str(number), "7"], "2026-11-11T08:00:00")
    return installation


@pytest.fixture
def empty_databases(node_servers: list[str]) -> Iterator[list[str]]:
    """The addresses of empty databases, one on each server."""
    with new_nodes(node_servers) as urls:
        yield urls


def send(installation: Installation, brin: str, scores: list[str], made: str) -> None:
    """Load a message of a school."""
    file = installation.data.parent / f"{brin}.xml"
    file.write_bytes(message(scores=scores, brin=brin, aanmaakdatum=made))
    assert installation.run("load", str(file)) == (0, "")


def distribute(installation: Installation, *urls: str) -> tuple[int, str, str]:
    """Run `rondblik db distribute` with these nodes."""
    return installation.outcome("db", "distribute", *(item for url in urls for item in ("--node", url)))


def schools_on(url: str) -> tuple[set[int], set[int]]:
    """The schools that have results and deliveries in the database of a node."""
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        of = [set(connection.scalars(select(table.c.school_id))) for table in (results, deliveries)]
    return of[0], of[1]


def nodes_of(installation: Installation) -> list[nodes.Node]:
    """The nodes that the database names."""
    with closing(create_engine(installation.url, poolclass=NullPool).connect()) as connection:
        return nodes.nodes_of(connection)


def rows_of(installation: Installation) -> dict[str, list[str]]:
    """All that is in the database, in an order that does not depend on where it stands."""
    return {name: sorted(map(repr, rows)) for name, rows in installation.rows().items() if name != "alembic_version"}


def test_schools_are_moved_to_nodes_and_back(several: Installation, empty_databases: list[str]) -> None:
    assert several.run("backup", str(several.data.parent / "one.backup")) == (0, "")
    before = rows_of(several)
    code, out, errors = distribute(several, *empty_databases)
    assert (code, errors) == (0, "")
    assert f"{NODES} nodes now, {2 * len(SCHOOLS)} results" in out
    assert rows_of(several) == before
    notice = several.outcome("privacy", "notice", "--school", f"{SCHOOLS[0]}/00")[1]
    assert all(f"{make_url(url).database} op {make_url(url).host}" in notice for url in (several.url, *empty_databases))

    on_nodes = [schools_on(url) for url in empty_databases]
    assert all(of_results == of_deliveries for of_results, of_deliveries in on_nodes)
    assert sorted(school for of_results, _ in on_nodes for school in of_results) == list(range(1, len(SCHOOLS) + 1))
    assert all(of_results for of_results, _ in on_nodes)
    for node in nodes_of(several):
        assert on_node(node, "SHOW jit") == [("off",)]
        assert "options" not in node.url.query  # which PgBouncer does not take

    for number, brin in enumerate(SCHOOLS):  # the second result of each is changed, and the first value of it kept
        send(several, brin, [str(number), "3", "9"], "2026-11-12T08:00:00")
    refused = several.data.parent / "refused.xml"
    refused.write_bytes(b"<nonsense/>")
    assert several.run("load", str(refused))[0] == 1
    assert not any(None in of_deliveries for _, of_deliveries in map(schools_on, empty_databases))  # of no school
    distributed = rows_of(several)
    assert len(distributed["raw_messages"]) == 1
    assert len(distributed["results"]) == 3 * len(SCHOOLS)
    assert len(distributed["result_history"]) == len(SCHOOLS)

    assert "empty database" in several.refused("restore", "--overwrite", str(several.data.parent / "one.backup"))
    code, out, errors = distribute(several)
    assert (code, errors) == (0, "")
    assert f"one database now, {3 * len(SCHOOLS)} results" in out
    assert rows_of(several) == distributed
    assert not nodes_of(several)


# -- nodes that are there ----------------------------------------------------------------------------------------


@pytest.fixture
def distributed(distributed_store: Store, tmp_path: Path) -> Installation:
    """An installation whose schools stand on nodes, without any data."""
    url = distributed_store.engine.url.render_as_string(hide_password=False)
    distributed_store.engine.dispose()
    (tmp_path / "keys").rename(tmp_path / "data")
    return configured(tmp_path / "data", url)


def on_node(node: nodes.Node, *statements: str) -> list[object]:
    """Execute statements on a node behind the program's back; the rows of the last one."""
    engine = create_engine(node.url, poolclass=NullPool)
    with engine.begin() as connection:
        found = [connection.execute(text(statement)) for statement in statements][-1]
        return list(found) if found.returns_rows else []


def checked(installation: Installation) -> tuple[int, list[tuple[str, str]]]:
    """The exit code of `doctor`, and the state and sentence of each node."""
    code, out, _errors = installation.outcome("doctor", "--json")
    found = [json.loads(line) for line in out.splitlines()]
    return code, [(one["state"], one["sentence"]) for one in found if one["check"] == "nodes"]


def test_doctor_looks_at_every_node(distributed: Installation) -> None:
    code, found = checked(distributed)
    assert (code, [state for state, _ in found]) == (0, ["ok"] * NODES)

    first = nodes_of(distributed)[0]
    distributed.change(f"ALTER SERVER {nodes.SERVER}1 OPTIONS (SET port '1')")
    code, found = checked(distributed)
    assert (code, [state for state, _ in found]) == (0, ["ok", "warn", "ok"])  # the others can go on
    on_node(first, "UPDATE alembic_version SET version_num = '0018'")
    code, found = checked(distributed)
    assert (code, [state for state, _ in found]) == (1, ["fail", "warn", "ok"])
    assert "another version" in found[0][1]
    assert "does not answer" in found[1][1]
    code, errors = distributed.run("serve", "--port", "0")
    assert (code, len(errors.splitlines())) == (2, 1)
    assert "another version" in errors


LATER = """
import sqlalchemy as sa
from alembic import op

revision = "9000"
down_revision = "{before}"


def upgrade() -> None:
    op.add_column("pupils", sa.Column("nickname", sa.Text))
    op.execute("UPDATE pupils SET nickname = first_name")
    op.create_index("pupils_by_nickname", "pupils", ["school_id", "nickname"])
    op.create_table("clubs", sa.Column("school_id", sa.Integer, sa.ForeignKey("schools.id"), primary_key=True))
"""


@pytest.fixture
def later_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The program with one more migration."""
    before, folder = database.newest_revision(), tmp_path / "migrations"
    with resources.as_file(database.MIGRATIONS) as own:
        shutil.copytree(own, folder)
    (folder / "versions" / "9000_later.py").write_text(LATER.format(before=before))
    monkeypatch.setattr(database, "MIGRATIONS", folder)
    database._migrations.cache_clear()
    yield
    database._migrations.cache_clear()


def test_an_upgrade_is_one_of_all_nodes(distributed: Installation, later_program: None) -> None:
    distributed.change(
        "INSERT INTO schools (id, name) VALUES (1, 'De Horizon'), (2, 'De Baken'), (3, 'De Toren')",
        "INSERT INTO pupils (school_id, id, first_name) VALUES (1, 1, 'Anne'), (2, 1, 'Bo'), (3, 1, 'Chris')",
    )
    # As schools were divided before: the coordinator did not ask nodes what queries cost, and these compiled them.
    distributed.change(f"ALTER FOREIGN TABLE {nodes.OWN_SCHEMA}.pupils_0 OPTIONS (DROP use_remote_estimate)")
    for node in nodes_of(distributed):
        assert on_node(node, f'ALTER ROLE CURRENT_USER IN DATABASE "{node.url.database}" RESET jit') == []
    assert "db upgrade" in distributed.refused("serve", "--port", "0")
    assert distributed.run("db", "upgrade") == (0, "")
    assert len(list((distributed.data / "backups").iterdir())) == 1

    with closing(create_engine(distributed.url, poolclass=NullPool).connect()) as connection:
        options = connection.scalars(text("SELECT ftoptions FROM pg_foreign_table")).all()
    assert options
    assert all("use_remote_estimate=true" in of_table for of_table in options)
    assert {str(on_node(node, "SHOW jit")) for node in nodes_of(distributed)} == {"[('off',)]"}
    rows = distributed.rows()
    assert sorted(row.nickname for row in rows["pupils"]) == ["Anne", "Bo", "Chris"]
    indexed = "SELECT indexname FROM pg_indexes WHERE indexname = 'pupils_by_nickname'"
    assert all(on_node(node, indexed) for node in nodes_of(distributed))
    assert checked(distributed)[0] == 0
    assert distributed.run("db", "upgrade") == (0, "")


# -- backups -----------------------------------------------------------------------------------------------------


@pytest.fixture
def elsewhere(distributed: Installation, postgres: str, tmp_path: Path) -> Iterator[Installation]:
    """Another machine: a data folder with a copy of the key, and an empty database."""
    data = tmp_path / "elsewhere"
    data.mkdir(mode=0o700)
    shutil.copy2(distributed.key, data / KEY_FILE)
    with new_postgres(postgres, "template0") as engine:
        engine.dispose()
        yield configured(data, engine.url.render_as_string(hide_password=False))


def deliveries_of(engine: Engine) -> dict[str, int]:
    """How many deliveries each school has."""
    named, own = school_identifications.c.value, school_identifications.c.school_id == deliveries.c.school_id
    with database.read_transaction(engine) as connection:
        query = select(named, func.count()).join(deliveries, own).group_by(named)
        return {row[0]: row[1] for row in connection.execute(query)}


def roster_of(brin: str) -> bytes:
    """A pupil list with the pupil whose results publishers send."""
    school, made = SchoolRef(brin=brin), clock.now_us() - 60_000_000
    groups, listed = (
        (RosterGroup("g5", "5a", year_group="5"),),
        (RosterPupil("L1", None, "Noor", None, "Voorbeeld", "5", "g5"),),
    )
    return write_answer(Roster("2026-2027", school, None, made, groups=groups, pupils=listed, teachers=()))


def test_a_backup_of_nodes_made_while_messages_come_in_has_all_that_was_confirmed(
    distributed: Installation, elsewhere: Installation, empty_databases: list[str]
) -> None:
    publisher, file = publisher_of(distributed.data, distributed.url), distributed.data.parent / "nodes.backup"
    distributed.roster.joinpath("roster.xml").write_bytes(roster_of(BRINS[-1]))
    assert distributed.run("load", "--roster", str(distributed.roster / "roster.xml")) == (0, "")
    engine = database.open_engine(distributed.url)
    cipher = open_encrypted(engine, distributed.data)
    with (
        receiving(ReceiverContext(engine, cipher), app="alone") as receiver,
        sending(receiver, publisher) as publishers,
    ):
        while publishers.confirmed < 2 * len(BRINS):
            time.sleep(0.05)
        before = [item.confirmed for item in publishers.sendings]
        assert distributed.run("backup", str(file)) == (0, "")
        during = publishers.confirmed - sum(before)
    engine.dispose()
    assert publishers.heard == {}
    assert b"99AA" not in file.read_bytes()
    erase = distributed.run("person", "erase", "--school", f"{BRINS[-1]}/00", "--pupil", "1", "--yes")
    assert erase == (0, "")
    shutil.copy2(distributed.data / ERASED_FILE, elsewhere.data)

    addresses = (item for url in empty_databases for item in ("--node", url))
    assert elsewhere.run("restore", str(file), *addresses) == (0, "")
    restored = database.open_engine(elsewhere.url)
    after = deliveries_of(restored)
    print(f"{before} confirmed before, {during} meanwhile, {after} restored")
    assert all(after[brin] >= number for brin, number in zip(BRINS, before, strict=True))
    as_then = [replace(item, confirmed=after[item.brin]) for item in publishers.sendings]
    assert lost_or_half(restored, as_then[:-1]) == []
    assert len(lost_or_half(restored, as_then[-1:])) == 1  # whose results were of a pupil who was erased meanwhile
    restored.dispose()
    assert {state for state, _ in checked(elsewhere)[1]} == {"ok"}
    on_nodes = [schools_on(url) for url in empty_databases]
    assert {school for _, of_deliveries in on_nodes for school in of_deliveries} == set(range(1, len(BRINS) + 1))

    everything = rows_of(elsewhere)
    assert everything["pupils"] == []
    assert elsewhere.run("backup", str(file.with_name("again.backup"))) == (0, "")
    assert distribute(elsewhere)[0] == 0  # into one database, whose place the backup of the nodes then takes
    assert elsewhere.run("restore", "--overwrite", str(file.with_name("again.backup"))) == (0, "")
    assert {**rows_of(elsewhere), "data_versions": []} == {**everything, "data_versions": []}


def test_a_backup_of_nodes_begins_between_two_writers(distributed: Installation) -> None:
    engine, file = database.open_engine(distributed.url), distributed.data.parent / "nodes.backup"
    said: list[str] = []
    program = threading.Thread(target=lambda: said.append(distributed.outcome("backup", str(file))[1]))
    with database.write_transaction(engine) as connection:
        connection.execute(insert(school_rows).values(id=7, name="De Horizon"))
        program.start()
        program.join(2)
        assert program.is_alive()
    program.join(60)
    engine.dispose()
    assert "1 schools" in said[0]


def test_the_key_of_a_store_on_nodes_is_not_replaced(distributed: Installation) -> None:
    before = distributed.rows(), distributed.key.read_bytes()
    assert "several servers" in distributed.refused("key", "rotate")
    assert (distributed.rows(), distributed.key.read_bytes()) == before


def test_what_cannot_be_distributed_is_left_alone(
    several: Installation, empty_databases: list[str], postgres: str
) -> None:
    assert "not empty" in several.refused("db", "distribute", "--node", several.url)
    assert "names a database twice" in several.outcome("db", "distribute", *2 * ("--node", empty_databases[0]))[2]
    with new_postgres(postgres, "template0") as used:
        engine = create_engine(several.url)
        with engine.connect():
            assert "in use" in several.refused("db", "distribute", "--node", used.url.render_as_string())
        engine.dispose()
