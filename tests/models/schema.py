"""What a database says of its own tables, to compare two of them."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, Engine, text

from models.schema import database

Schema = dict[str, dict[str, Any]]

_COLUMNS = """
SELECT a.attname, format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull, c.collname, a.attidentity,
       pg_get_expr(d.adbin, d.adrelid) AS preset
FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
LEFT JOIN pg_collation c ON c.oid = a.attcollation
WHERE a.attrelid = to_regclass(:name) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
_CONSTRAINTS = """
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = to_regclass(:name) AND contype <> 'n'
"""
_INDEXES = "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename = :name"
_KINDS = """
SELECT c.relname, c.relkind, c.relpersistence, c.relrowsecurity FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public' AND c.relkind IN ('r', 'v', 'm', 'p', 'f')
"""


def schema(engine: Engine) -> Schema:
    """Tables and views with columns in their order, keys, indexes, checks, and how SQLite or PostgreSQL keeps them."""
    read = _postgresql if engine.dialect.name == "postgresql" else _sqlite
    with database.read_transaction(engine) as connection:
        tables = read(connection)
    return {name: item for name, item in tables.items() if name != "alembic_version"}


def without(tables: Schema, any_order: Collection[str], defaults: Collection[tuple[str, str]]) -> Schema:
    """A schema without the order of the columns of some tables, and without the defaults of some columns."""
    rest: Schema = {}
    for name, item in tables.items():
        columns = [
            {**column, "preset": None} if (name, column["name"]) in defaults else column for column in item["columns"]
        ]
        if name in any_order:
            columns.sort(key=lambda column: str(column["name"]))
        rest[name] = {**item, "columns": columns}
    return rest


def _postgresql(connection: Connection) -> Schema:
    def rows(query: str, name: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in connection.execute(text(query), {"name": name})]

    tables: Schema = {}
    for name, *kind in connection.execute(text(_KINDS)):
        columns = ("name", "type", "not_null", "collation", "identity", "preset")
        tables[name] = {
            "kind": kind,
            "columns": [dict(zip(columns, row, strict=True)) for row in rows(_COLUMNS, name)],
            "constraints": sorted(rows(_CONSTRAINTS, name)),
            "indexes": sorted(rows(_INDEXES, name)),
        }
    return tables


def _sqlite(connection: Connection) -> Schema:
    def rows(query: str, name: str) -> list[dict[str, Any]]:
        return [dict(row) for row in connection.execute(text(query), {"name": name}).mappings()]

    tables: Schema = {}
    kinds = "SELECT name, type, wr, strict FROM pragma_table_list WHERE schema = 'main' AND name NOT LIKE 'sqlite_%'"
    for name, *kind in connection.execute(text(kinds)).all():
        sql = connection.scalar(text("SELECT sql FROM sqlite_master WHERE name = :name"), {"name": name}) or ""
        indexes = rows('SELECT name, "unique", origin, partial FROM pragma_index_list(:name)', name)
        for index in indexes:
            keys = rows('SELECT name, "desc", coll, key FROM pragma_index_xinfo(:name)', index["name"])
            index["keys"] = [key for key in keys if key["key"]]
            if index["origin"] != "c":
                del index["name"]  # SQLite's own, by their number
        links = rows(
            'SELECT "from", "table", "to", on_update, on_delete, match FROM pragma_foreign_key_list(:name)', name
        )
        tables[name] = {
            "kind": kind,
            "words": sorted(re.findall(r"\b(AUTOINCREMENT|CHECK|COLLATE|GENERATED|DEFERRABLE)\b", sql.upper())),
            "columns": [
                {"name": row["name"], "type": row["type"], "not_null": row["notnull"], "key": row["pk"],
                 "preset": row["dflt_value"], "hidden": row["hidden"]}
                for row in rows("SELECT * FROM pragma_table_xinfo(:name)", name)
            ],
            "indexes": sorted(indexes, key=str),
            "links": sorted(links, key=str),
        }  # fmt: skip
    return tables
