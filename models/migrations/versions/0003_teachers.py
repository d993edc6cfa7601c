"""What teachers set and write: thresholds, settled signals, goals, dates and notes; the region of a school."""

import sqlalchemy as sa
from alembic import op

from models.tables import class_thresholds, due_dates, goals, notes, signal_marks

revision = "0003"
down_revision = "0002"

NEW_TABLES = (class_thresholds, signal_marks, goals, due_dates, notes)


def upgrade() -> None:
    """Make what an earlier store lacks; a new store has it already, for 0001 makes all tables."""
    bind = op.get_bind()
    if "region" not in {found["name"] for found in sa.inspect(bind).get_columns("schools")}:
        op.add_column("schools", sa.Column("region", sa.Text))
    for table in NEW_TABLES:
        table.create(bind, checkfirst=True)
