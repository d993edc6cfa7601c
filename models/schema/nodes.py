"""Several PostgreSQL servers under one store: the data of a school stand on one of them, its node (ADR 40).

The database of the configuration is the coordinator. It has the shared tables, and each table of `SCHOOL_TABLES` as a
partitioned one: rows of a school go by a hash of its number to a foreign table on a node (`postgres_fdw`), rows of no
school to the table that was there before, in the schema `OWN_SCHEMA`. Nodes have all tables of the store; the shared
ones are empty there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, LiteralString

from psycopg import sql
from sqlalchemy import URL, Connection, Engine, Table, func, insert, inspect, select, text
from sqlalchemy.exc import SQLAlchemyError

from models.schema import database
from models.schema.tables import (
    class_thresholds,
    classes,
    data_versions,
    deliveries,
    due_dates,
    erased_identifiers,
    fetched_documents,
    goals,
    groups,
    identifier_links,
    identifiers,
    key_fingerprints,
    memberships,
    notes,
    parts,
    pupils,
    raw_messages,
    result_counts,
    result_history,
    results,
    rosters,
    schools,
    signal_marks,
    subject_mappings,
    taught_subjects,
    teacher_groups,
    teachers,
    test_definitions,
    tests,
)

OWN_SCHEMA = database.OWN_SCHEMA
SERVER = "rondblik_node_"  # and its number, from 0
# What a message, a roster or a teacher writes for one school; those that others point at come first.
SCHOOL_TABLES: tuple[Table, ...] = (
    deliveries, raw_messages, fetched_documents, data_versions, pupils, identifiers, identifier_links,
    erased_identifiers, classes, groups, memberships, teachers, teacher_groups, taught_subjects,
    rosters, tests, test_definitions, parts, results, result_history, result_counts, subject_mappings, class_thresholds,
    signal_marks, goals, due_dates, notes,
)  # fmt: skip
# How many rows go to a node and come from it in one message.
BATCH_ROWS, FETCH_ROWS = 1_000, 10_000


@dataclass(frozen=True, slots=True)
class Node:
    """A database that holds the data of the schools whose hash has this number."""

    number: int
    url: URL


_SERVERS = text(
    "SELECT s.srvname, s.srvoptions, m.umoptions FROM pg_foreign_server s "
    "LEFT JOIN pg_user_mappings m ON m.srvid = s.oid AND m.usename = current_user "
    "WHERE s.srvname LIKE 'rondblik\\_node\\_%' ORDER BY length(s.srvname), s.srvname"
)
_PARTITIONED = text("SELECT relname FROM pg_class WHERE relkind = 'p' AND relnamespace = CAST(:schema AS regnamespace)")
_OURS = {"batch_size", "fetch_size"}
# The coordinator asks the nodes what a query costs there: it knows nothing of their tables, and would fetch all pupils
# of a school again for each pupil of a class.
_PLANNING = {"use_remote_estimate": "true"}


def nodes_of(connection: Connection) -> list[Node]:
    """The nodes of a store, in the order of their numbers; none where one database holds all."""
    if connection.dialect.name != "postgresql":
        return []
    nodes = []
    for row in connection.execute(_SERVERS):
        options = dict(option.split("=", 1) for option in (*(row.srvoptions or ()), *(row.umoptions or ())))
        known = {name: options.pop(name, None) for name in ("user", "password", "host", "port", "dbname")}
        port = known["port"]
        url = URL.create(
            "postgresql+psycopg", known["user"], known["password"], known["host"], int(port) if port else None,
            known["dbname"], {name: value for name, value in options.items() if name not in _OURS},
        )  # fmt: skip
        nodes.append(Node(int(row.srvname.removeprefix(SERVER)), url))
    return nodes


# -- the coordinator's side ----------------------------------------------------------------------------------


class NodesRefused(database.DatabaseUnsafe):
    """A store cannot be distributed over these nodes; says why and what to do. Nothing was changed."""

    def __init__(self, nl: str, en: str) -> None:
        super().__init__(f"{nl} / {en}")


def _run(connection: Connection, statement: LiteralString, **parts: sql.Composable) -> Any:
    """Execute one statement of the driver; its names and texts are quoted by psycopg. Returns the cursor."""
    driver = connection.connection.driver_connection
    assert driver is not None
    return driver.execute(sql.SQL(statement).format(**parts))


def _names(schema: str, table: str) -> dict[str, sql.Composable]:
    return {
        "table": sql.Identifier(schema, table),
        "own": sql.Identifier(OWN_SCHEMA, table),
        "of_schools": sql.Identifier(OWN_SCHEMA, f"{table}_of_schools"),
        "schema": sql.Identifier(schema),
        "own_schema": sql.Identifier(OWN_SCHEMA),
    }


def _schema_of(connection: Connection) -> str:
    return connection.scalar(select(func.current_schema())) or "public"


def _add_servers(connection: Connection, engines: Sequence[Engine]) -> None:
    """Tell PostgreSQL where the nodes are, and as whom it connects there."""
    for number, engine in enumerate(engines):
        _, parameters = engine.dialect.create_connect_args(engine.url)
        parameters.pop("context", None)
        with engine.connect() as node:
            driver = node.connection.driver_connection
            assert driver is not None
            login = {"user": driver.info.user, "password": driver.info.password}  # of ~/.pgpass too
        where = {name: value for name, value in parameters.items() if name not in login}
        options = {**where, "batch_size": BATCH_ROWS, "fetch_size": FETCH_ROWS}
        server = sql.Identifier(f"{SERVER}{number}")
        create = "CREATE SERVER {server} FOREIGN DATA WRAPPER postgres_fdw OPTIONS ({options})"
        _run(connection, create, server=server, options=_options(options))
        mapping = _options({name: value for name, value in login.items() if value})
        _run(
            connection, "CREATE USER MAPPING FOR CURRENT_USER SERVER {server} OPTIONS ({options})",
            server=server, options=mapping,
        )  # fmt: skip


def _options(values: Mapping[str, object]) -> sql.Composable:
    return sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(name), sql.Literal(str(value))) for name, value in values.items()
    )


def _attach(connection: Connection, node_schemas: Sequence[str], moves_rows: bool) -> dict[str, int]:
    """Put a partitioned table in the place of each table of schools; how many rows went to the nodes.

    Unless `moves_rows`, the nodes have the rows already.
    """
    schema = _schema_of(connection)
    moved: dict[str, int] = {}
    _run(connection, "CREATE SCHEMA IF NOT EXISTS {own_schema}", own_schema=sql.Identifier(OWN_SCHEMA))
    for table in SCHOOL_TABLES:
        names = _names(schema, table.name)
        _run(connection, "ALTER TABLE {table} SET SCHEMA {own_schema}", **names)
        like = "CREATE TABLE {table} (LIKE {own} INCLUDING DEFAULTS) PARTITION BY RANGE (school_id)"
        _run(connection, like, **names)
        of_schools = (
            "CREATE TABLE {of_schools} PARTITION OF {table} FOR VALUES FROM (1) TO (MAXVALUE) "
            "PARTITION BY HASH (school_id)"
        )
        _run(connection, of_schools, **names)
        for number, node_schema in enumerate(node_schemas):
            _run(
                connection,
                "CREATE FOREIGN TABLE {foreign} PARTITION OF {of_schools} "
                "FOR VALUES WITH (MODULUS {count}, REMAINDER {number}) SERVER {server} OPTIONS ({options})",
                foreign=sql.Identifier(OWN_SCHEMA, f"{table.name}_{number}"), count=sql.Literal(len(node_schemas)),
                number=sql.Literal(number), server=sql.Identifier(f"{SERVER}{number}"),
                options=_options({"schema_name": node_schema, "table_name": table.name, **_PLANNING}), **names,
            )  # fmt: skip
        if moves_rows:
            moved[table.name] = _copy(connection, table, names, "of_schools", "own")
    _check_schools(connection, schema, len(node_schemas))
    _run(
        connection, "CREATE TABLE {started} AS SELECT pg_postmaster_start_time() AS started",
        started=sql.Identifier(OWN_SCHEMA, database.SERVER_START),
    )  # fmt: skip
    if moves_rows:
        for table in reversed(SCHOOL_TABLES):
            _run(connection, "DELETE FROM {own} WHERE school_id >= 1", **_names(schema, table.name))
    for table in SCHOOL_TABLES:
        _run(connection, "ALTER TABLE {table} ATTACH PARTITION {own} DEFAULT", **_names(schema, table.name))
    return moved


def _check_schools(connection: Connection, schema: str, count: int) -> None:
    """Let no message in for a school that was erased: no foreign key sees to that on a node."""
    _run(
        connection,
        "CREATE OR REPLACE FUNCTION {own_schema}.check_school() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "PERFORM FROM {schools} WHERE id = NEW.school_id FOR KEY SHARE; "
        "IF NOT FOUND THEN RAISE foreign_key_violation; END IF; RETURN NEW; END $$",
        own_schema=sql.Identifier(OWN_SCHEMA), schools=sql.Identifier(schema, schools.name),
    )  # fmt: skip
    for number in range(count):
        _run(
            connection,
            "CREATE TRIGGER check_school BEFORE INSERT ON {foreign} FOR EACH ROW "
            "EXECUTE FUNCTION {own_schema}.check_school()",
            foreign=sql.Identifier(OWN_SCHEMA, f"{deliveries.name}_{number}"), own_schema=sql.Identifier(OWN_SCHEMA),
        )  # fmt: skip


def _copy(connection: Connection, table: Table, names: dict[str, sql.Composable], to: str, of: str) -> int:
    """Copy the rows of schools from one table to another; how many."""
    columns = sql.SQL(", ").join(sql.Identifier(column.name) for column in table.columns)
    copied = _run(
        connection, "INSERT INTO {to} ({columns}) SELECT {columns} FROM {of} WHERE school_id >= 1",
        columns=columns, to=names[to], of=names[of],
    )  # fmt: skip
    return int(copied.rowcount)


def _detach(connection: Connection, brings_rows: bool = False) -> None:
    """Make the tables of the coordinator ordinary ones again, with what is of no school in them.

    With `brings_rows` also with what is of a school; the nodes keep it too.
    """
    schema = _schema_of(connection)
    partitioned = set(connection.scalars(_PARTITIONED, {"schema": schema}))
    for name in partitioned:
        names = _names(schema, name)
        _run(connection, "ALTER TABLE {table} DETACH PARTITION {own}", **names)
    if brings_rows:
        for table in SCHOOL_TABLES:  # others point at the first of them
            _copy(connection, table, _names(schema, table.name), "own", "of_schools")
    _run(connection, "DROP TABLE {started}", started=sql.Identifier(OWN_SCHEMA, database.SERVER_START))
    for name in partitioned:
        names = _names(schema, name)
        _run(connection, "DROP TABLE {table}", **names)
        _run(connection, "ALTER TABLE {own} SET SCHEMA {schema}", **names)


@contextmanager
def as_one_database(connection: Connection) -> Iterator[None]:
    """Within the block the coordinator has ordinary tables, without what stands on the nodes; for migrations.

    The nodes are migrated before it, each in a transaction of its own.
    """
    schemas = []
    for node in nodes_of(connection):
        with _opened(node.url.render_as_string(hide_password=False)) as engine:
            schemas.append(_prepare(engine))
    _detach(connection)
    yield
    _attach(connection, schemas, moves_rows=False)


@contextmanager
def _opened(url: str) -> Iterator[Engine]:
    engine = database.open_engine(url)
    try:
        yield engine
    finally:
        engine.dispose()


# -- the nodes' side -----------------------------------------------------------------------------------------

_TO_SHARED = text(
    "SELECT c.conrelid::regclass::text AS of_table, c.conname, f.relname AS referred FROM pg_constraint c "
    "JOIN pg_class f ON f.oid = c.confrelid WHERE c.contype = 'f' AND c.connamespace = current_schema()::regnamespace"
)


def _prepare(engine: Engine) -> str:
    """Bring the tables of a node to this version of the program; returns their schema.

    A node has no schools and sources, so nothing can refer to them.
    """
    database.upgrade(engine)
    own = {table.name for table in SCHOOL_TABLES}
    with engine.begin() as connection:
        schema = _schema_of(connection)
        # See `models.schema.database.show`; an option in the address would be one too many for a pooler.
        name = connection.scalar(select(func.current_database()))
        _run(connection, "ALTER ROLE CURRENT_USER IN DATABASE {name} SET jit = off", name=sql.Identifier(str(name)))
        for row in connection.execute(_TO_SHARED).all():
            if row.referred not in own:
                _run(
                    connection, "ALTER TABLE {table} DROP CONSTRAINT {name}",
                    table=sql.Identifier(schema, row.of_table), name=sql.Identifier(row.conname),
                )  # fmt: skip
    return schema


# What must be the same on all servers for a node to sort and compare as the coordinator does.
_SORTS = text(
    "SELECT datcollate, datctype, pg_encoding_to_char(encoding) FROM pg_database WHERE datname = current_database()"
)
_SERVER_VERSION = text("SELECT current_setting('server_version_num')::int")
OLDEST_SERVER = 140_000  # sends several rows in one statement


def distribute(engine: Engine, urls: Sequence[str]) -> dict[str, int]:
    """Move the data of all schools to these nodes, or without any back; returns how many rows of each table.

    Rows are copied in one transaction, and until it ends they stand where they stood. Former nodes keep theirs; nothing
    uses them any more. Raises NodesRefused, DatabaseUnsafe or SQLAlchemyError; nothing has changed then in the store.
    """
    if engine.dialect.name != "postgresql":
        raise NodesRefused("Alleen PostgreSQL kan over servers verdeeld worden.", "Only PostgreSQL can be distributed.")
    engine.dispose()
    try:
        return _distribute(engine, urls)
    finally:
        engine.dispose()  # connections know from their beginning whether a store is on nodes


def _distribute(engine: Engine, urls: Sequence[str]) -> dict[str, int]:
    with ExitStack() as stack, database.upgrading(engine) as connection:
        if database.others_use(connection):
            raise database.DatabaseInUse
        if urls:
            _need_wrapper(connection)
        if connection.scalar(_IS_PROTECTED):
            raise NodesRefused(
                "De database houdt de scholen zelf uit elkaar (`rondblik db protect`); dat gaat niet samen met meer "
                "servers.",
                "The database itself keeps the schools apart (`rondblik db protect`), which does not go with several "
                "servers.",
            )
        engines = [stack.enter_context(_opened(url)) for url in urls]
        for node in engines:
            _check_new(connection, node)
        former = nodes_of(connection)
        if former:
            _detach(connection, brings_rows=True)
            for old in former:
                _run(connection, "DROP SERVER {server} CASCADE", server=sql.Identifier(f"{SERVER}{old.number}"))
        if not engines:
            counts = {table.name: select(func.count()).select_from(table) for table in SCHOOL_TABLES}
            return {name: connection.scalar(query) or 0 for name, query in counts.items()}
        fingerprint = connection.scalar(select(key_fingerprints.c.fingerprint))
        schemas = [_prepare(node) for node in engines]
        for node in engines:
            with node.begin() as own:
                own.execute(insert(key_fingerprints).values(id=1, fingerprint=fingerprint))
        _add_servers(connection, engines)
        return _attach(connection, schemas, moves_rows=True)


def _need_wrapper(connection: Connection) -> None:
    """Have `postgres_fdw` in the database; raises NodesRefused where only its superuser can see to that."""
    usable = connection.scalar(_MAY_USE_WRAPPER)
    if usable is None and connection.scalar(_IS_SUPERUSER):
        connection.exec_driver_sql("CREATE EXTENSION postgres_fdw")
        usable = True
    if not usable:
        commands = (
            "CREATE EXTENSION IF NOT EXISTS postgres_fdw; GRANT USAGE ON FOREIGN DATA WRAPPER postgres_fdw TO "
            f"{connection.scalar(select(func.current_user()))}"
        )
        raise NodesRefused(
            f"Laat de beheerder van PostgreSQL in deze database uitvoeren: {commands}",
            f"Let the administrator of PostgreSQL run in this database: {commands}",
        )


_IS_PROTECTED = text("SELECT relrowsecurity FROM pg_class WHERE oid = to_regclass('results')")
_MAY_USE_WRAPPER = text(
    "SELECT has_foreign_data_wrapper_privilege(fdwname, 'USAGE') FROM pg_foreign_data_wrapper "
    "WHERE fdwname = 'postgres_fdw'"
)
_IS_SUPERUSER = text("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")


def _check_new(connection: Connection, node: Engine) -> None:
    """Raises NodesRefused where a database cannot become a node."""
    name = f"{node.url.host or 'localhost'}/{node.url.database}"
    with node.connect() as there:
        if (there.scalar(_SERVER_VERSION) or 0) < OLDEST_SERVER:
            raise NodesRefused(f"{name}: neem PostgreSQL 14 of nieuwer.", f"{name}: use PostgreSQL 14 or later.")
        if there.execute(_SORTS).one() != connection.execute(_SORTS).one():
            raise NodesRefused(
                f"{name} heeft een andere ENCODING of LOCALE dan de database; maak haar met dezelfde.",
                f"{name} has another ENCODING or LOCALE than the database; create it with the same.",
            )
        if inspect(there).get_table_names():
            raise NodesRefused(
                f"{name} is niet leeg; noem een lege database, of maak haar opnieuw met dropdb en createdb.",
                f"{name} is not empty; name an empty database, or make it anew with dropdb and createdb.",
            )


# -- looking after nodes ---------------------------------------------------------------------------------------


def states_of(engine: Engine) -> Iterator[database.NodeState]:
    """How each node of a store is, as it says itself."""
    with engine.connect() as connection:
        nodes, fingerprint = nodes_of(connection), connection.scalar(select(key_fingerprints.c.fingerprint))
    for node in nodes:
        name = f"{node.number} ({node.url.host or 'localhost'}/{node.url.database})"
        try:
            with _opened(node.url.render_as_string(hide_password=False)) as there, there.connect() as connection:
                yield database.NodeState(name, _problem(connection, fingerprint))
        except database.DatabaseUnsafe as unsafe:
            yield database.NodeState(name, str(unsafe))
        except SQLAlchemyError as failed:
            yield database.NodeState(name, f"it does not answer ({type(failed).__name__})", is_away=True)


def _problem(connection: Connection, fingerprint: bytes | None) -> str | None:
    state = database.schema_state(connection)
    if state is not database.SchemaState.CURRENT:
        return f"its tables are of another version of the program ({state.value})"
    if connection.scalar(select(key_fingerprints.c.fingerprint)) != fingerprint:
        return "it belongs to another store"
    return None


def purge(engine: Engine) -> bool:
    """Leave nothing of deleted rows in the files of the nodes; False where one does not answer."""
    with engine.connect() as connection:
        nodes = nodes_of(connection)
    try:
        for node in nodes:
            with _opened(node.url.render_as_string(hide_password=False)) as there:
                database.purge_deleted(there)
    except SQLAlchemyError:
        return False
    return True
