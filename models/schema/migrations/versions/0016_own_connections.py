"""Connections that an administrator of a school adds on the page, beside those of the configuration."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    """Make the table; there were none before."""
    op.create_table(
        "own_connections",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("school_id", sa.Integer, sa.ForeignKey("schools.id"), nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("source_id", sa.Integer, sa.ForeignKey("sources.id"), unique=True),
        sa.Column("settings", sa.LargeBinary),
        sa.Column("draft", sa.LargeBinary),
        sa.Column("tried_digest", sa.LargeBinary(16)),
        sa.Column("made_by", sa.Text, nullable=False),
        sa.Column("made_us", sa.BigInteger, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("own_connections_by_school", "own_connections", ["school_id"])
