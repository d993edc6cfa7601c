"""Publishers that send by themselves, vendors who test, and the work that pages ask for."""

from __future__ import annotations

from alembic import op
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    false,
)

revision = "0002"
down_revision = "0001"

metadata = MetaData()

Table("schools", metadata, Column("id", Integer, primary_key=True))  # 0001 made it
Table("sources", metadata, Column("id", Integer, primary_key=True))  # 0001 made it


def _school() -> Column[int]:
    return Column("school_id", Integer, ForeignKey("schools.id"), nullable=False)


numbers = Table(
    "numbers",
    metadata,
    Column("table_name", Text, primary_key=True),
    Column("last", Integer, nullable=False),
)

senders = Table(
    "senders",
    metadata,
    Column("source_id", Integer, ForeignKey("sources.id"), primary_key=True, autoincrement=False),
    Column("customer_digest", LargeBinary(16), nullable=False, unique=True),
    Column("customer_name", Text, nullable=False),
    Column("terms", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("active", Boolean, nullable=False, default=True),
)

sender_keys = Table(
    "sender_keys",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("source_id", Integer, ForeignKey("senders.source_id"), nullable=False),
    Column("digest", LargeBinary(16), nullable=False),
    Column("made_us", BigInteger, nullable=False),
    Column("revoked_us", BigInteger),
)
Index("sender_keys_by_source", sender_keys.c.source_id)

sender_key_schools = Table(
    "sender_key_schools",
    metadata,
    _school(),
    Column("key_id", Integer, ForeignKey("sender_keys.id"), nullable=False),
    Column("scheme", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("location", Text, nullable=False, default=""),
    PrimaryKeyConstraint("school_id", "key_id", "scheme", "value", "location"),
)

test_rooms = Table(
    "test_rooms",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("token_digest", LargeBinary(16), nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("school_id", Integer, ForeignKey("schools.id"), nullable=False),
    Column("second_school_id", Integer, ForeignKey("schools.id"), nullable=False),
    Column("source_id", Integer, ForeignKey("senders.source_id"), nullable=False),
    Column("account", LargeBinary, nullable=False),
    Column("code", Text),
    Column("armed", Boolean, nullable=False, default=False),
    Column("shown", Boolean, nullable=False, default=False),
    Column("made_us", BigInteger, nullable=False),
    Column("used_us", BigInteger, nullable=False),
    Column("keep_until_us", BigInteger, nullable=False),
    Column("came", Integer, nullable=False, default=0),
)

test_arrivals = Table(
    "test_arrivals",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("room_id", Integer, ForeignKey("test_rooms.id"), nullable=False),
    Column("arrived_us", BigInteger, nullable=False),
    Column("digest", LargeBinary(32), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("fault", Text),
    Column("repeated", Boolean, nullable=False),
    Column("provoked", Boolean, nullable=False, default=False),
    Column("school_id", Integer),
    Column("counts", Text, nullable=False),
    Column("findings", Text, nullable=False),
)
Index("test_arrivals_by_room", test_arrivals.c.room_id, test_arrivals.c.id)

checks = Table(
    "checks",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("token_digest", LargeBinary(16), nullable=False, unique=True),
    Column("room_id", Integer, ForeignKey("test_rooms.id")),
    Column("school_id", Integer, ForeignKey("schools.id")),
    Column("kind", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("asked_us", BigInteger, nullable=False),
    Column("input", LargeBinary),
    Column("state", Text, nullable=False),
    Column("asked_by", LargeBinary(16)),
    Column("lease", Text),
    Column("leased_until_us", BigInteger),
    Column("tries", Integer, nullable=False, default=0),
    Column("report", Text),
    Column("excerpts", LargeBinary),
    Column("html", LargeBinary),
    Column("junit", LargeBinary),
    Column("error_nl", Text),
    Column("error_en", Text),
    Column("done_us", BigInteger),
    Column("keep_until_us", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)
Index("checks_by_state", checks.c.state)


def upgrade() -> None:
    """Make the tables and columns."""
    for name, column in (("couplings", "pushes"), ("schools", "synthetic")):
        op.add_column(name, Column(column, Boolean, nullable=False, server_default=false()))
    metadata.create_all(op.get_bind())
