"""Row-level security on PostgreSQL: a second wall between schools, behind the conditions of the queries (ADR 42).

Each table with data of pupils has one policy: rows of the school that the transaction says it is for
(`models.schema.database.show`), of all schools for who works for all, and none otherwise. It holds for the owner of
the tables too.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection, text

from models.schema.database import ALL_SCHOOLS, SHOWN
from models.schema.tables import (
    class_thresholds,
    classes,
    due_dates,
    erased_identifiers,
    goals,
    groups,
    identifier_links,
    identifiers,
    kept_sheets,
    legal_holds,
    memberships,
    notes,
    parts,
    pupils,
    result_counts,
    result_history,
    results,
    rosters,
    signal_marks,
    subject_mappings,
    taught_subjects,
    teacher_groups,
    test_definitions,
    tests,
)

POLICY = "rondblik_school"
# Not those from which it follows for which school somebody may work: accounts, teachers, senders, connections.
_TABLES = (
    pupils, identifiers, identifier_links, erased_identifiers, legal_holds, classes, groups, memberships,
    teacher_groups, taught_subjects, rosters, tests, test_definitions, parts, results, result_history, result_counts,
    subject_mappings, class_thresholds, signal_marks, goals, due_dates, notes, kept_sheets,
)  # fmt: skip
PROTECTED = (*(table.name for table in _TABLES), "audit_events", "audit_pupils", "audit_heads")

# Sub-selects are computed once a query. What was set for one transaction is "" in the next one.
_CONDITION = (
    f"school_id = (SELECT NULLIF(NULLIF(current_setting('{SHOWN}', true), ''), '{ALL_SCHOOLS}')::int) "
    f"OR (SELECT current_setting('{SHOWN}', true) = '{ALL_SCHOOLS}')"
)
_STATE = text(
    "SELECT c.relname, c.relrowsecurity AND c.relforcerowsecurity AND EXISTS "
    "(SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = :policy) AS protected "
    "FROM pg_class c WHERE c.relnamespace = CAST(current_schema() AS regnamespace) AND c.relname = ANY(:tables)"
)
_WHO = text(
    "SELECT current_user AS name, rolsuper OR rolbypassrls AS bypasses, EXISTS (SELECT 1 FROM pg_class "
    "WHERE relnamespace = CAST(current_schema() AS regnamespace) AND relname = ANY(:tables) "
    "AND pg_has_role(relowner, 'MEMBER')) AS owns FROM pg_roles WHERE rolname = current_user"
)


def protect(connection: Connection, role: str) -> None:
    """Protect the tables, and let a role that does not own them read and write all tables, also later ones.

    For the owner of the tables. Call it inside a write transaction.
    """
    quoted = connection.dialect.identifier_preparer.quote
    schema = quoted(connection.scalar(text("SELECT current_schema()")))
    _protect_tables(connection)
    rights = {"TABLES": "SELECT, INSERT, UPDATE, DELETE", "SEQUENCES": "USAGE, SELECT"}
    connection.exec_driver_sql(f"GRANT USAGE ON SCHEMA {schema} TO {quoted(role)}")
    for kind, allowed in rights.items():
        to_role = f"GRANT {allowed} ON {{}} TO {quoted(role)}"
        connection.exec_driver_sql(to_role.format(f"ALL {kind} IN SCHEMA {schema}"))
        connection.exec_driver_sql(f"ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} {to_role.format(kind)}")


def protect_new(connection: Connection) -> None:
    """Protect the tables that are new after migrations, where others are protected."""
    if connection.dialect.name == "postgresql" and any(_protection(connection).values()):
        _protect_tables(connection)


def _protect_tables(connection: Connection) -> None:
    for name, protected in _protection(connection).items():
        if not protected:
            for change in (
                f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY",
                f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY",
                f"DROP POLICY IF EXISTS {POLICY} ON {name}",
                f"CREATE POLICY {POLICY} ON {name} USING ({_CONDITION})",
            ):
                connection.exec_driver_sql(change)


def problems(connection: Connection) -> Iterator[str]:
    """Why row-level security protects less than it should, a sentence each."""
    protection = _protection(connection)
    open_tables = [name for name, protected in protection.items() if not protected]
    if open_tables:
        yield f"Row-level security is off for {len(open_tables)} of {len(protection)} tables with data of pupils."
    who = connection.execute(_WHO, {"tables": list(PROTECTED)}).one()
    if who.bypasses:
        yield f"The role {who.name} bypasses row-level security."
    elif who.owns:
        yield f"The role {who.name} owns tables, and could switch row-level security off."


def _protection(connection: Connection) -> dict[str, bool]:
    rows = connection.execute(_STATE, {"policy": POLICY, "tables": list(PROTECTED)})
    return {row.relname: row.protected for row in rows}
