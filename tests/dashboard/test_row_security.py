"""PostgreSQL keeps the schools apart by itself, whatever a query asks for, and the program works behind that."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, select, text
from sqlalchemy.exc import ProgrammingError

from connectors.uwlr.agreement import TOLERANT
from dashboard.auth.request import AppOptions
from dashboard.cli import main as cli
from dashboard.pages.all_pages import PAGES
from dashboard.server.wsgi import create_app
from dashboard.ui.addresses import ACCESS_LOG, OWN_PAGE
from dashboard.worker.context import WorkContext
from dashboard.worker.loop import work_once
from models.access.accounts import show_own_page
from models.access.audit import SignedIn, audit_events, open_audit
from models.access.viewer import Role, Viewer
from models.ingest import page_requests
from models.results.own_subjects import set_subject
from models.schema import clock, database
from models.schema.encryption import PiiCipher, read_key
from models.schema.row_security import PROTECTED
from models.schema.tables import metadata
from tests.conftest import Store
from tests.dashboard import school
from tests.dashboard.conftest import PERSONAS, PUPIL
from tests.dashboard.installation import Installation, configured
from tests.dashboard.school import NAMES, OTHER_SCHOOL, SCHOOL
from tests.dashboard.test_web import as_persona, shown_page
from tests.models.test_erasure import fill_with_pupil
from tests.models.test_store import take
from tests.uwlr.messages import message

_MARKS = re.compile(r"[0-9a-f]{6,}-[\w-]{16}|[0-9a-f]{32}")  # tokens of kept screens and of pages
APP, OWNER = "rondblik_app", "rondblik_owner"
UNFILLED = {"legal_holds", "erased_identifiers"}  # in the known school


# Tables of a school from which it follows for which school somebody may work, and what only a worker reads.
OPEN = {
    "data_versions", "school_identifications", "source_connections", "own_connections", "sender_key_schools",
    "fetched_documents", "deliveries", "raw_messages", "test_arrivals", "work_queue", "teachers", "account_roles",
    "invitations", "stand_ins",
}  # fmt: skip


def test_every_table_of_a_school_is_protected_or_known_to_be_open() -> None:
    tables = {**metadata.tables, **audit_events.metadata.tables}
    of_school = {name for name, table in tables.items() if "school_id" in table.columns and name != "test_rooms"}
    assert of_school == {*PROTECTED, *OPEN}
    assert not OPEN & set(PROTECTED)


@pytest.fixture
def installed(postgres_store: Store, tmp_path: Path) -> Iterator[Installation]:
    """An installation as the manual makes it: one role owns the tables, another one serves."""
    name = postgres_store.engine.url.database
    with clock.fixed(school.NOW):
        fill_with_pupil(postgres_store)
        superuser = create_engine(postgres_store.engine.url, isolation_level="AUTOCOMMIT")
        with superuser.connect() as connection:
            for role in (OWNER, APP):
                if connection.scalar(text("SELECT 1 FROM pg_roles WHERE rolname = :role"), {"role": role}) is None:
                    connection.execute(text(f"CREATE ROLE {role} LOGIN"))
            connection.execute(text(f"ALTER DATABASE {name} OWNER TO {OWNER}"))
            connection.execute(text(f"ALTER SCHEMA public OWNER TO {OWNER}"))
            for table in (*metadata.tables, "alembic_version"):
                connection.execute(text(f"ALTER TABLE {table} OWNER TO {OWNER}"))
        superuser.dispose()
        url = postgres_store.engine.url.set(username=OWNER).render_as_string(hide_password=False)
        postgres_store.engine.dispose()
        (tmp_path / "keys").rename(tmp_path / "data")
        owner = configured(tmp_path / "data", url)
        assert owner.run("db", "protect", APP) == (0, "")
        yield configured(tmp_path / "data", url.replace(OWNER, APP))


@pytest.fixture
def app(installed: Installation) -> Iterator[Engine]:
    """The role that serves, with one connection, so that what it leaves behind is found."""
    engine = create_engine(installed.url, pool_size=1, max_overflow=0)
    yield engine
    engine.dispose()


def schools_in(engine: Engine, table: str, school_id: int | None) -> set[int]:
    """Of which schools rows are seen by a query that asks for everything."""
    with database.read_transaction(engine, school_id) as connection:
        return set(connection.scalars(text(f"SELECT DISTINCT school_id FROM {table}")))


def test_a_query_without_any_condition_sees_the_school_of_its_transaction_alone(
    app: Engine, installed: Installation
) -> None:
    log = open_audit(app, read_cipher(installed))
    for school_id in (SCHOOL, OTHER_SCHOOL):
        log.append(Viewer(school_id, Role.ADMINISTRATOR), [SignedIn("in", (1,))])
    with database.write_transaction(app, SCHOOL) as connection:
        set_subject(connection, Viewer(SCHOOL, Role.ADMINISTRATOR), 1, "spelling")
    for table in PROTECTED:
        everything = schools_in(database.for_all_schools(app), table, None)
        assert schools_in(app, table, None) == set(), table
        assert schools_in(app, table, SCHOOL) == everything & {SCHOOL}, table
        assert schools_in(app, table, OTHER_SCHOOL) == everything & {OTHER_SCHOOL}, table
        assert schools_in(app, table, 99) == set(), table
        assert everything or table in UNFILLED, table
    with database.write_transaction(app, SCHOOL) as connection:
        assert connection.execute(text("UPDATE pupils SET last_name = 'x' WHERE school_id <> 1")).rowcount == 0
        assert connection.execute(text("DELETE FROM results WHERE school_id <> 1")).rowcount == 0
    for other in (None, OTHER_SCHOOL):
        with pytest.raises(ProgrammingError), database.write_transaction(app, other) as connection:
            connection.execute(text("INSERT INTO parts (school_id, id, code) VALUES (1, 999, 'x')"))
    with pytest.raises(ProgrammingError), app.begin() as connection:
        connection.execute(text("ALTER TABLE results NO FORCE ROW LEVEL SECURITY"))


def read_cipher(installed: Installation) -> PiiCipher:
    cipher = read_key(installed.data)
    assert cipher is not None
    return cipher


def test_every_page_shows_what_it_shows_without_row_security(installed: Installation, app: Engine) -> None:
    owner = create_engine(installed.url.replace(APP, "rondblik"))  # whom nothing is hidden from
    users = (*PERSONAS, PUPIL)
    one_of_each = {user.role: user.key for user in users if user.school_id == SCHOOL}
    with database.write_transaction(app, SCHOOL) as connection:
        show_own_page(connection, PERSONAS[3].viewer, True)
    addresses = {page.path: page.path.replace("<pupil_id>", "1-1") for page in PAGES if page.path != ACCESS_LOG}
    shown: dict[Engine, dict[tuple[str, str], str]] = {}
    for engine in (owner, app):
        web = create_app(engine, read_cipher(installed), AppOptions(demo=True, users=users))
        browsers = {key: as_persona(web, key) for key in one_of_each.values()}
        shown[engine] = {
            (key, path): _MARKS.sub("", shown_page(browser, path))
            for key, browser in browsers.items()
            for path in addresses.values()
            if "<" not in path
        }
        assert "Vos" in shown_page(browsers[one_of_each[Role.SUPPORT]], ACCESS_LOG)
    assert shown[app] == shown[owner]
    assert "Hallo Aïsha" in shown[app][PUPIL.key, OWN_PAGE]
    assert any("Zuylesteyn" in text or NAMES[0][2] in text for text in shown[app].values())
    owner.dispose()


def test_messages_erasures_and_backups_go_on(installed: Installation, app: Engine) -> None:
    store = Store(app, read_cipher(installed))
    assert take(store, message(leerlingid="L10001"), agreement=TOLERANT).counts["parked"] == 0
    everybody = Store(database.for_all_schools(app), store.cipher)
    payload = json.dumps({"pupil": 1, "by": "Beheer", "user": "sam", "role": None}).encode()
    asked = page_requests.PageRequest(page_requests.ERASE, "1", payload, school_id=SCHOOL)
    token = page_requests.submit(app, store.cipher, asked)
    assert work_once(WorkContext(everybody.engine, store.cipher, data=installed.data))
    erased = page_requests.find(app, store.cipher, token)
    assert erased is not None
    assert (erased.state, (erased.report or {})["counts"]["pupils"]) == (page_requests.DONE, 1)
    with database.read_transaction(everybody.engine) as connection:
        assert connection.scalar(select(metadata.tables["erased_identifiers"].c.pupil_id)) == 1
    app.dispose()
    file = installed.data.parent / "copy.backup"
    assert installed.run("backup", str(file)) == (0, "")
    assert installed.run("key", "rotate") == (0, "")
    owner = configured(installed.data, installed.url.replace(APP, OWNER))
    assert owner.run("restore", "--overwrite", str(file)) == (0, "")
    assert schools_in(database.for_all_schools(app), "results", None) == {SCHOOL, OTHER_SCHOOL}
    assert schools_in(app, "results", None) == set()


def test_what_needs_the_database_alone_sees_who_has_it_open_as_another_role(
    installed: Installation, app: Engine
) -> None:
    file = installed.data.parent / "copy.backup"
    assert installed.run("backup", str(file)) == (0, "")
    owner = configured(installed.data, installed.url.replace(APP, OWNER))
    with app.connect():
        assert "in use" in owner.refused("key", "rotate")
        assert "in use" in owner.refused("restore", "--overwrite", str(file))
    app.dispose()
    assert owner.run("key", "rotate") == (0, "")


def test_a_role_that_could_switch_it_off_is_named(installed: Installation, capsys: pytest.CaptureFixture[str]) -> None:
    for role, state, words in ((APP, "ok", "cannot"), (OWNER, "warn", "owns"), ("rondblik", "warn", "bypasses")):
        configured(installed.data, installed.url.replace(APP, role))
        assert cli.run(["--data", str(installed.data), "doctor", "--json"]) == 0
        found = {item["check"]: item for item in map(json.loads, capsys.readouterr().out.splitlines())}
        assert (found["row security"]["state"], words in found["row security"]["sentence"]) == (state, True)
        assert cli.run(["--data", str(installed.data), "privacy", "notice", "--school", "99YY/00"]) == 0
        protects = "PostgreSQL scheidt de scholen ook zelf" in capsys.readouterr().out
        assert protects is (role == APP)
