"""What teachers set and write: thresholds, settled signals, goals, dates and notes; the region of a school."""

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
)

revision = "0003"
down_revision = "0002"

metadata = MetaData()

Table("schools", metadata, Column("id", Integer, primary_key=True))  # 0001 made it


def _school() -> Column[int]:
    return Column("school_id", Integer, ForeignKey("schools.id"), nullable=False)


class_thresholds = Table(
    "class_thresholds",
    metadata,
    _school(),
    Column("class_id", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("value", Integer, nullable=False),
    Column("set_by", Text, nullable=False),
    Column("set_us", BigInteger, nullable=False),
    PrimaryKeyConstraint("school_id", "class_id", "name"),
)

signal_marks = Table(
    "signal_marks",
    metadata,
    _school(),
    Column("id", Integer, nullable=False),
    Column("rule", Text, nullable=False),
    Column("pupil_id", Integer),
    Column("class_id", Integer),
    Column("scope", Text, nullable=False),
    Column("evidence", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("marked_by", Text, nullable=False),
    Column("marked_us", BigInteger, nullable=False),
    PrimaryKeyConstraint("school_id", "id"),
)
Index("signal_marks_by_pupil", signal_marks.c.school_id, signal_marks.c.pupil_id)

goals = Table(
    "goals",
    metadata,
    _school(),
    Column("id", Integer, nullable=False),
    Column("pupil_id", Integer, nullable=False),
    Column("subject", Text, nullable=False),
    Column("material", Text, nullable=False),
    Column("value", BigInteger, nullable=False),
    Column("due_on", Text),
    Column("set_by", Text, nullable=False),
    Column("set_us", BigInteger, nullable=False),
    Column("ended_us", BigInteger),
    PrimaryKeyConstraint("school_id", "id"),
)
Index("goals_by_pupil", goals.c.school_id, goals.c.pupil_id)

due_dates = Table(
    "due_dates",
    metadata,
    _school(),
    Column("class_id", Integer, nullable=False),
    Column("test_id", Integer, nullable=False),
    Column("due_on", Text, nullable=False),
    Column("set_by", Text, nullable=False),
    Column("set_us", BigInteger, nullable=False),
    PrimaryKeyConstraint("school_id", "class_id", "test_id"),
)

notes = Table(
    "notes",
    metadata,
    _school(),
    Column("id", Integer, nullable=False),
    Column("pupil_id", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("restricted", Boolean, nullable=False, default=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("until_on", Text),
    Column("author", Text, nullable=False),
    Column("author_id", Integer),
    Column("written_us", BigInteger, nullable=False),
    Column("settled_us", BigInteger),
    Column("settled_by", Text),
    PrimaryKeyConstraint("school_id", "id"),
)
Index("notes_by_pupil", notes.c.school_id, notes.c.pupil_id)


def upgrade() -> None:
    """Make the tables and the column."""
    op.add_column("schools", Column("region", Text))
    metadata.create_all(op.get_bind())
