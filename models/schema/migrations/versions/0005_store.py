"""One schema whichever program made the database, and digests of values by the names of their fields.

Until now a new database was made from the tables as they were in the program of that day, so that one of revision 0002
could lack what later programs of the same revision had.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from typing import Literal

import sqlalchemy as sa
from alembic import op

revision = "0005_store"
down_revision = "0004"

KEY = ("school_id", "source_id", "key", "kind")
VALUE = (
    "identifier_id", "test_id", "definition_id", "part_id", "taken_on", "score", "score_text", "absence", "status",
    "worked_ms", "offered", "made", "correct", "detail", "info_url", "taken_text", "school_year",
)  # fmt: skip
PAIR = ("created_us", "digest64")
history = sa.table("result_history", *(sa.column(name) for name in (*KEY, *VALUE, *PAIR, "value_digest")))


def upgrade() -> None:
    """Add what is missing, take away what nobody reads, compute the digests anew."""
    op.execute("DROP VIEW IF EXISTS results_spelled")
    add_numbers()
    add_to_rooms_and_checks()
    with op.batch_alter_table("goals") as goals:
        goals.alter_column("source_id", server_default=None)  # it was for the goals of before 0004 only
    if op.get_context().dialect.name == "postgresql":
        for table in ("results", "result_history"):
            op.alter_column(table, "key", type_=sa.Text(collation="C"))
    schools = op.get_bind().scalars(sa.select(history.c.school_id).distinct()).all()
    for school_id in schools:
        renew_digests(school_id)


def add_numbers() -> None:
    """The table of numbers that were given out."""
    if not sa.inspect(op.get_bind()).has_table("numbers"):
        op.create_table(
            "numbers",
            sa.Column("table_name", sa.Text, primary_key=True),
            sa.Column("last", sa.Integer, nullable=False),
        )


def add_to_rooms_and_checks() -> None:
    """The columns of `test_rooms` and `checks`; numbers of checks are given out once only."""
    if not has_column("test_rooms", "came"):
        op.add_column("test_rooms", sa.Column("came", sa.Integer, nullable=False, server_default="0"))
    if has_column("checks", "lease"):
        return
    recreate: Literal["always", "never"] = "always" if op.get_context().dialect.name == "sqlite" else "never"
    with op.batch_alter_table("checks", recreate=recreate, table_kwargs={"sqlite_autoincrement": True}) as checks:
        if not has_column("checks", "school_id"):
            checks.add_column(
                sa.Column("school_id", sa.Integer, sa.ForeignKey("schools.id", name="checks_school_id_fkey"))
            )
        checks.add_column(sa.Column("asked_by", sa.LargeBinary(16)))
        checks.add_column(sa.Column("lease", sa.Text))
        checks.add_column(sa.Column("tries", sa.Integer, nullable=False, server_default="0"))
    with op.batch_alter_table("checks", table_kwargs={"sqlite_autoincrement": True}) as checks:
        checks.alter_column("tries", server_default=None)


def has_column(table: str, name: str) -> bool:
    """Whether a table has a column of this name."""
    return name in {column["name"] for column in sa.inspect(op.get_bind()).get_columns(table)}


def renew_digests(school_id: int) -> None:
    """The digest of each value in the history of a school; of values that are the same the newest stays."""
    bind = op.get_bind()
    alike = defaultdict(list)
    for row in bind.execute(sa.select(history).where(history.c.school_id == school_id)).mappings():
        key = tuple((name, row[name]) for name in KEY)
        alike[key, digest_of({name: row[name] for name in VALUE})].append(row)
    older, newest = [], []
    for (key, digest), rows in alike.items():
        rows.sort(key=lambda row: (row["created_us"], row["digest64"]))
        found = [{**{f"_{name}": value for name, value in key}, "_old": row["value_digest"]} for row in rows]
        older += found[:-1]
        newest.append({**found[-1], "_new": digest})
    own = sa.and_(*(history.c[name] == sa.bindparam(f"_{name}") for name in KEY))
    own = sa.and_(own, history.c.value_digest == sa.bindparam("_old"))
    if older:
        bind.execute(history.delete().where(own), older)
    bind.execute(history.update().where(own).values(value_digest=sa.bindparam("_new")), newest)


def digest_of(values: dict[str, object]) -> bytes:
    """Version 1 of `models.schema.stored_result.value_digest`, as it was then."""
    reading = {name: value for name, value in values.items() if value is not None}
    body = json.dumps(reading, sort_keys=True, separators=(",", ":")).encode()
    return b"\x01" + hashlib.blake2b(body, digest_size=15).digest()
