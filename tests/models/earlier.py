"""Databases as earlier programs made them.

A new database was made from the tables of the program of its day, whatever the migrations of that day said; a database
of the day before was brought there by its migrations. Both kinds are here.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import resources

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text

from models.schema import database
from tests.models.spelled import SPELLED

Statements = tuple[str, ...]

VIEW = f"CREATE VIEW results_spelled AS {SPELLED}".replace(" r.arrived_us DESC,", "")  # a later column
ANY_ORDER_OF_TEXT = tuple(
    f"ALTER TABLE {table} ALTER COLUMN key TYPE TEXT" for table in ("results", "result_history")
)  # before keys were in order of code points; PostgreSQL only
CHECKS = """
CREATE TABLE checks (
    id {number} NOT NULL, token_digest {bytes} NOT NULL, room_id INTEGER, {school}
    kind TEXT NOT NULL, title TEXT NOT NULL, asked_us BIGINT NOT NULL, input {bytes}, state TEXT NOT NULL,
    leased_until_us BIGINT, report TEXT, excerpts {bytes}, html {bytes}, junit {bytes}, error_nl TEXT, error_en TEXT,
    done_us BIGINT, keep_until_us BIGINT NOT NULL,
    PRIMARY KEY (id), UNIQUE (token_digest), FOREIGN KEY(room_id) REFERENCES test_rooms (id){school_key}
)
"""


def move(table: str, *columns: str) -> Statements:
    """Put columns (name and type) of an empty table at its end, without a default."""
    names = [column.partition(" ")[0] for column in columns]
    gone = tuple(f"ALTER TABLE {table} DROP COLUMN {name}" for name in names)
    return gone + tuple(f"ALTER TABLE {table} ADD COLUMN {column}" for column in columns)


SYNTHETIC = move("schools", "synthetic BOOLEAN NOT NULL")
NO_DEFAULTS = (*SYNTHETIC, *move("couplings", "pushes BOOLEAN NOT NULL"))
GOALS = move(
    "goals", "value BIGINT NOT NULL", "due_on TEXT", "set_by TEXT NOT NULL", "set_us BIGINT NOT NULL", "ended_us BIGINT"
)


def of_school(engine: Engine, with_school: bool) -> Statements:
    """Rooms and checks as 0002 first had them."""
    if engine.dialect.name == "postgresql":
        types = {"number": "SERIAL", "bytes": "BYTEA"}
    else:
        types = {"number": "INTEGER", "bytes": "BLOB"}
    school, key = (
        ("school_id INTEGER,", ", FOREIGN KEY(school_id) REFERENCES schools (id)") if with_school else ("", "")
    )
    return (
        *NO_DEFAULTS,
        "DROP TABLE numbers",
        "ALTER TABLE test_rooms DROP COLUMN came",
        "DROP TABLE checks",
        CHECKS.format(**types, school=school, school_key=key),
        "CREATE INDEX checks_by_state ON checks (state)",
    )


def first(engine: Engine) -> None:
    """0001, before the keys were in order of code points."""
    upgrade_to(engine, "0001")
    _run(engine, ANY_ORDER_OF_TEXT if engine.dialect.name == "postgresql" else ())


def last_of_0001(engine: Engine) -> None:
    """0001 as it was when 0002 came."""
    upgrade_to(engine, "0001")


def first_of_0002(engine: Engine) -> None:
    """0002, before administrators could ask for anything."""
    upgrade_to(engine, "0002")
    _run(engine, of_school(engine, with_school=False))


def last_of_0002(engine: Engine) -> None:
    """0002 as it was when 0003 came."""
    upgrade_to(engine, "0002")
    _run(engine, of_school(engine, with_school=True))


def upgraded_to_0003(engine: Engine) -> None:
    """0003 from 0002: what came into the tables on the same day was in no migration."""
    last_of_0002(engine)
    upgrade_to(engine, "0003")


def made_at_0003(engine: Engine) -> None:
    """0003, made at once."""
    upgrade_to(engine, "0003")
    _run(engine, NO_DEFAULTS)


def made_at_0004(engine: Engine) -> None:
    """0004, made at once."""
    upgrade_to(engine, "0004")
    _run(engine, (*NO_DEFAULTS, *GOALS, *move("goals", "source_id INTEGER NOT NULL"), *GOALS))


def upgraded_to_0004(engine: Engine) -> None:
    """0004 by the migrations."""
    upgrade_to(engine, "0004")


WITH_VIEW: dict[str, Callable[[Engine], None]] = {
    item.__name__: item
    for item in (
        first,
        last_of_0001,
        first_of_0002,
        last_of_0002,
        upgraded_to_0003,
        made_at_0003,
        made_at_0004,
        upgraded_to_0004,
    )
}  # 0005_store took the view away


def config() -> Config:
    """The configuration of the migrations."""
    migrations = Config()
    migrations.set_main_option("script_location", str(resources.files("models.schema") / "migrations"))
    return migrations


# From 0007 on a new database is one that was upgraded, so every revision but the newest is an earlier program.
UPGRADED = sorted(item.revision for item in ScriptDirectory.from_config(config()).walk_revisions("0007", "heads"))[:-1]
EARLIER = (*WITH_VIEW, *(f"upgraded_to_{revision}" for revision in UPGRADED))


def upgrade_to(engine: Engine, revision: str) -> None:
    """The migrations up to a revision, on an empty database."""
    with database.write_transaction(engine, raises_version=False) as connection:
        migrations = config()
        migrations.attributes["connection"] = connection
        command.upgrade(migrations, revision)


def _run(engine: Engine, statements: Statements) -> None:
    with database.write_transaction(engine, raises_version=False) as connection:
        for statement in statements:
            connection.execute(text(statement))


def make(engine: Engine, name: str) -> None:
    """Make one of the databases in an empty one."""
    if name in WITH_VIEW:
        WITH_VIEW[name](engine)
        _run(engine, (VIEW,))
    else:
        upgrade_to(engine, name.removeprefix("upgraded_to_"))
