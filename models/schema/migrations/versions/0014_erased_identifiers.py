"""Pupils can be erased: digests of their identifiers are kept, so that nothing brings them back."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "erased_identifiers",
        sa.Column("school_id", sa.Integer, sa.ForeignKey("schools.id"), nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("digest", sa.LargeBinary(16), nullable=False),
        sa.Column("pupil_id", sa.Integer, nullable=False),
        sa.Column("erased_us", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("school_id", "kind", "digest"),
    )
