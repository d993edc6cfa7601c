"""The tables of the first version, written out: what `models.schema.tables` says today is of today's version.

The view that spelled results out for people is not made any more; 0005_store takes it away where it is.
"""

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
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
)

revision = "0001"
down_revision = None

metadata = MetaData()

KeyText = Text().with_variant(Text(collation="C"), "postgresql")


def _school() -> Column[int]:
    return Column("school_id", Integer, ForeignKey("schools.id"), nullable=False)


schools = Table(
    "schools",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("name", Text),
)

school_identifications = Table(
    "school_identifications",
    metadata,
    _school(),
    Column("scheme", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("location", Text, nullable=False, default=""),
    PrimaryKeyConstraint("school_id", "scheme", "value", "location"),
    UniqueConstraint("scheme", "value", "location"),
)

sources = Table(
    "sources",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("key", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("material", Text),
)

couplings = Table(
    "couplings",
    metadata,
    _school(),
    Column("source_id", Integer, ForeignKey("sources.id"), nullable=False),
    Column("cursor", Text),
    Column("next_try_us", BigInteger, nullable=False),
    Column("leased_until_us", BigInteger),
    Column("lease", Text),
    Column("failures", Integer, nullable=False, default=0),
    Column("last_try_us", BigInteger),
    Column("last_success_us", BigInteger),
    Column("last_data_us", BigInteger),
    Column("last_error_nl", Text),
    Column("last_error_en", Text),
    Column("stopped", Boolean, nullable=False, default=False),
    Column("active", Boolean, nullable=False, default=True),
    PrimaryKeyConstraint("school_id", "source_id"),
)

fetched_documents = Table(
    "fetched_documents",
    metadata,
    _school(),
    Column("source_id", Integer, ForeignKey("sources.id"), nullable=False),
    Column("digest", LargeBinary(32), nullable=False),
    Column("fetched_us", BigInteger, nullable=False),
    PrimaryKeyConstraint("school_id", "source_id", "digest"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("school_id", Integer, ForeignKey("schools.id")),
    Column("source_id", Integer, ForeignKey("sources.id")),
    Column("what", Text, nullable=False),
    Column("way", Text, nullable=False),
    Column("received_us", BigInteger, nullable=False),
    Column("created_us", BigInteger),
    Column("created_text", Text),
    Column("school_year", Text),
    Column("xsd_version", Text),
    Column("digest", LargeBinary(32), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("fault", Text),
    Column("counts", Text, nullable=False),
    Column("findings", Text, nullable=False),
)
Index("deliveries_by_digest", deliveries.c.digest)
Index("deliveries_by_source", deliveries.c.school_id, deliveries.c.source_id, deliveries.c.received_us)

raw_messages = Table(
    "raw_messages",
    metadata,
    Column("delivery_id", Integer, ForeignKey("deliveries.id"), primary_key=True, autoincrement=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("keep_until_us", BigInteger, nullable=False),
)

pupils = Table(
    "pupils",
    metadata,
    _school(),
    Column("id", Integer, nullable=False),
    Column("first_name", Text),
    Column("prefix", Text),
    Column("last_name", Text),
    Column("entered_on", Text),
    Column("left_on", Text),
    PrimaryKeyConstraint("school_id", "id"),
)

identifiers = Table(
    "identifiers",
    metadata,
    _school(),
    Column("id", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("digest", LargeBinary(16), nullable=False),
    Column("sealed", LargeBinary),
    Column("las_id", Integer),
    Column("eck_id", Integer),
    Column("pupil_id", Integer),
    Column("matched_by", Text),
    Column("parked_because", Text),
    PrimaryKeyConstraint("school_id", "id"),
    UniqueConstraint("school_id", "kind", "digest"),
)
Index("identifiers_by_pupil", identifiers.c.school_id, identifiers.c.pupil_id)

identifier_links = Table(
    "identifier_links",
    metadata,
    _school(),
    Column("id", Integer, nullable=False),
    Column("identifier_id", Integer, nullable=False),
    Column("pupil_id", Integer, nullable=False),
    Column("linked_by", Text, nullable=False),
    Column("linked_us", BigInteger, nullable=False),
    Column("undone_by", Text),
    Column("undone_us", BigInteger),
    PrimaryKeyConstraint("school_id", "id"),
)

classes = Table(
    "classes",
    metadata,
    _school(),
    Column("id", Integer, nullable=False),
    Column("school_year", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("location", Text, nullable=False, default=""),
    Column("composed", Boolean, nullable=False, default=False),
    Column("year_groups", Text, nullable=False, default=""),
    PrimaryKeyConstraint("school_id", "id"),
    UniqueConstraint("school_id", "school_year", "location", "composed", "name"),
)

groups = Table(
    "groups",
    metadata,
    _school(),
    Column("id", Integer, nullable=False),
    Column("school_year", Text, nullable=False),
    Column("location", Text, nullable=False, default=""),
    Column("composed", Boolean, nullable=False),
    Column("key", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("year_group", Text),
    Column("class_id", Integer, nullable=False),
    Column("ended_us", BigInteger),
    PrimaryKeyConstraint("school_id", "id"),
    UniqueConstraint("school_id", "school_year", "location", "composed", "key"),
)

memberships = Table(
    "memberships",
    metadata,
    _school(),
    Column("pupil_id", Integer, nullable=False),
    Column("group_id", Integer, nullable=False),
    Column("year_group", Text),
    Column("location", Text),
    Column("from_us", BigInteger, nullable=False),
    Column("to_us", BigInteger),
    PrimaryKeyConstraint("school_id", "pupil_id", "group_id", "from_us"),
)
Index("memberships_by_group", memberships.c.school_id, memberships.c.group_id)

teachers = Table(
    "teachers",
    metadata,
    _school(),
    Column("id", Integer, nullable=False),
    Column("key_digest", LargeBinary(16), nullable=False),
    Column("key_sealed", LargeBinary, nullable=False),
    Column("first_name", Text),
    Column("prefix", Text),
    Column("last_name", Text),
    Column("email", Text),
    Column("roles", Text, nullable=False, default=""),
    PrimaryKeyConstraint("school_id", "id"),
    UniqueConstraint("school_id", "key_digest"),
)

teacher_groups = Table(
    "teacher_groups",
    metadata,
    _school(),
    Column("teacher_id", Integer, nullable=False),
    Column("group_id", Integer, nullable=False),
    Column("roles", Text, nullable=False, default=""),
    Column("from_us", BigInteger, nullable=False),
    Column("to_us", BigInteger),
    PrimaryKeyConstraint("school_id", "teacher_id", "group_id", "from_us"),
)

rosters = Table(
    "rosters",
    metadata,
    _school(),
    Column("id", Integer, nullable=False),
    Column("delivery_id", Integer, ForeignKey("deliveries.id"), nullable=False),
    Column("school_year", Text, nullable=False),
    Column("location", Text, nullable=False),
    Column("created_us", BigInteger),
    Column("pupil_count", Integer, nullable=False),
    Column("group_count", Integer, nullable=False),
    Column("composed_count", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("held_because", Text),
    Column("sealed", LargeBinary),
    PrimaryKeyConstraint("school_id", "id"),
)

tests = Table(
    "tests",
    metadata,
    _school(),
    Column("id", Integer, nullable=False),
    Column("source_id", Integer, ForeignKey("sources.id"), nullable=False),
    Column("code", Text, nullable=False),
    Column("version", Text, nullable=False, default=""),
    PrimaryKeyConstraint("school_id", "id"),
    UniqueConstraint("school_id", "source_id", "code", "version"),
)

test_definitions = Table(
    "test_definitions",
    metadata,
    _school(),
    Column("id", Integer, nullable=False),
    Column("source_id", Integer, ForeignKey("sources.id"), nullable=False),
    Column("digest", LargeBinary(16), nullable=False),
    Column("code", Text, nullable=False),
    Column("name", Text),
    Column("subject_term", Text),
    Column("year", Text),
    Column("material", Text),
    Column("body", Text, nullable=False),
    Column("newest_us", BigInteger, nullable=False),
    PrimaryKeyConstraint("school_id", "id"),
    UniqueConstraint("school_id", "source_id", "digest"),
)

parts = Table(
    "parts",
    metadata,
    _school(),
    Column("id", Integer, nullable=False),
    Column("code", Text, nullable=False),
    PrimaryKeyConstraint("school_id", "id"),
    UniqueConstraint("school_id", "code"),
)


def _value_columns() -> list[Column]:  # type: ignore[type-arg]
    return [
        Column("identifier_id", Integer, nullable=False),
        Column("test_id", Integer, nullable=False),
        Column("definition_id", Integer, nullable=False),
        Column("part_id", Integer, nullable=False),
        Column("taken_on", Text, nullable=False),
        Column("score", BigInteger),
        Column("score_text", Text),
        Column("absence", SmallInteger),
        Column("status", SmallInteger),
        Column("worked_ms", BigInteger),
        Column("offered", Integer),
        Column("made", Integer),
        Column("correct", Integer),
        Column("detail", Text),
        Column("info_url", Text),
        Column("taken_text", Text),
        Column("school_year", Text, nullable=False),
    ]


KEY_COLUMNS = ("school_id", "source_id", "key", "kind")

results = Table(
    "results",
    metadata,
    _school(),
    Column("source_id", Integer, nullable=False),
    Column("key", KeyText, nullable=False),
    Column("kind", SmallInteger, nullable=False),
    *_value_columns(),
    Column("created_us", BigInteger, nullable=False),
    Column("digest64", BigInteger, nullable=False),
    Column("delivery_id", Integer, nullable=False),
    PrimaryKeyConstraint(*KEY_COLUMNS),
)
Index("results_by_pupil", results.c.school_id, results.c.identifier_id, results.c.part_id, results.c.taken_on)

result_history = Table(
    "result_history",
    metadata,
    _school(),
    Column("source_id", Integer, nullable=False),
    Column("key", KeyText, nullable=False),
    Column("kind", SmallInteger, nullable=False),
    *_value_columns(),
    Column("value_digest", LargeBinary(16), nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("digest64", BigInteger, nullable=False),
    Column("delivery_id", Integer, nullable=False),
    PrimaryKeyConstraint(*KEY_COLUMNS, "value_digest"),
)

subject_mappings = Table(
    "subject_mappings",
    metadata,
    _school(),
    Column("source_id", Integer, ForeignKey("sources.id"), nullable=False),
    Column("field", Text, nullable=False),
    Column("pattern", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("set_by", Text, nullable=False),
    Column("set_us", BigInteger, nullable=False),
    PrimaryKeyConstraint("school_id", "source_id", "field", "pattern"),
)


def upgrade() -> None:
    """Make all tables."""
    metadata.create_all(op.get_bind())
