"""One result of one key, whatever its kind; and the moment of arrival, which decides between equal aanmaakdatums.

Both tables of results are made anew, because their key changes: in place of the kind it holds whether a row is a
progress record. Of a key with a score and an OSO result the newer stays, and the other becomes one of its former
values. Nobody knows when earlier messages came in: 0 is before every arrival.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

PROGRESS = 3
KEY = ("school_id", "source_id", "key", "progress")
VALUE = (
    "kind", "identifier_id", "test_id", "definition_id", "part_id", "taken_on", "score", "score_text", "absence",
    "status", "worked_ms", "offered", "made", "correct", "detail", "info_url", "taken_text", "school_year",
)  # fmt: skip
STATED = ("created_us", "digest64", "delivery_id")
STORED = (*KEY[:3], *VALUE, *STATED)
results = sa.table("results", *(sa.column(name) for name in STORED))
history = sa.table("result_history", *(sa.column(name) for name in STORED))
new_results = sa.table("new_results", *(sa.column(name) for name in (*KEY, *VALUE, *STATED)))
new_history = sa.table("new_result_history", *(sa.column(name) for name in (*KEY, *VALUE, "value_digest", *STATED)))


def upgrade() -> None:
    """Make both tables anew, and add the arrival of definitions."""
    op.add_column("test_definitions", arrived())
    op.create_table("new_results", *columns(), *stated(), sa.PrimaryKeyConstraint(*KEY))
    digest = sa.Column("value_digest", sa.LargeBinary(16), nullable=False)
    op.create_table("new_result_history", *columns(), digest, *stated(), sa.PrimaryKeyConstraint(*KEY, "value_digest"))
    bind = op.get_bind()
    kept = [results.c[name] for name in (*VALUE, *STATED)]
    bind.execute(
        new_results.insert().from_select(
            [*KEY, *VALUE, *STATED],
            sa.select(*(results.c[name] for name in KEY[:3]), results.c.kind == PROGRESS, *kept).where(~is_replaced()),
        )
    )
    for school_id in bind.scalars(sa.select(results.c.school_id).distinct()).all():
        copy_history(bind, school_id)
    for table in ("results", "result_history"):
        op.drop_table(table)
        op.rename_table(f"new_{table}", table)
        if bind.dialect.name == "postgresql":
            op.execute(f"ALTER INDEX new_{table}_pkey RENAME TO {table}_pkey")
            op.execute(f"ALTER TABLE {table} RENAME CONSTRAINT new_{table}_school_id_fkey TO {table}_school_id_fkey")
    op.create_index("results_by_pupil", "results", ["school_id", "identifier_id", "part_id", "taken_on"])


def columns() -> list[sa.Column[Any]]:
    """The key and the value of a result."""
    text, whole, small = sa.Text(), sa.Integer(), sa.SmallInteger()
    types: dict[str, sa.types.TypeEngine[Any]] = {
        "kind": small, "taken_on": text, "score": sa.BigInteger(), "score_text": text, "absence": small,
        "status": small, "worked_ms": sa.BigInteger(), "detail": text, "info_url": text, "taken_text": text,
        "school_year": text,
    }  # fmt: skip
    required = {"kind", "identifier_id", "test_id", "definition_id", "part_id", "taken_on", "school_year"}
    key = text.with_variant(sa.Text(collation="C"), "postgresql")
    return [
        sa.Column("school_id", whole, sa.ForeignKey("schools.id"), nullable=False),
        sa.Column("source_id", whole, nullable=False),
        sa.Column("key", key, nullable=False),
        sa.Column("progress", sa.Boolean, nullable=False, server_default=sa.false()),
        *(sa.Column(name, types.get(name, whole), nullable=name not in required) for name in VALUE),
    ]


def stated() -> list[sa.Column[Any]]:
    """By which message a value was stated."""
    return [
        sa.Column("created_us", sa.BigInteger, nullable=False),
        sa.Column("digest64", sa.BigInteger, nullable=False),
        sa.Column("delivery_id", sa.Integer, nullable=False),
        arrived(),
    ]


def arrived() -> sa.Column[int]:
    """When the message of a row came in."""
    return sa.Column("arrived_us", sa.BigInteger, nullable=False, server_default="0")


def is_replaced() -> sa.ColumnElement[bool]:
    """Whether a newer result of another kind has the key of a result; progress records stand by themselves."""
    newer = results.alias("newer")
    rank = ("created_us", "digest64", "kind")
    return sa.and_(
        results.c.kind != PROGRESS,
        sa.exists(
            sa.select(sa.literal(1)).where(
                *(newer.c[name] == results.c[name] for name in KEY[:3]),
                newer.c.kind != PROGRESS,
                sa.tuple_(*(newer.c[name] for name in rank)) > sa.tuple_(*(results.c[name] for name in rank)),
            )
        ),
    )


def copy_history(bind: sa.Connection, school_id: int) -> None:
    """The values of a school that do not count, with digests that include the kind."""
    for query in (
        sa.select(history).where(history.c.school_id == school_id),
        sa.select(results).where(results.c.school_id == school_id, is_replaced()),
    ):
        rows = [with_digest(dict(row)) for row in bind.execute(query).mappings()]
        if rows:
            bind.execute(new_history.insert(), rows)


def with_digest(row: dict[str, Any]) -> dict[str, Any]:
    """A row of the new history."""
    digest = digest_of({name: row[name] for name in VALUE})
    return row | {"progress": row["kind"] == PROGRESS, "value_digest": digest}


def digest_of(values: dict[str, object]) -> bytes:
    """Version 2 of `models.schema.stored_result.value_digest`, as it is now."""
    reading = {name: value for name, value in values.items() if value is not None}
    body = json.dumps(reading, sort_keys=True, separators=(",", ":")).encode()
    return b"\x02" + hashlib.blake2b(body, digest_size=15).digest()
