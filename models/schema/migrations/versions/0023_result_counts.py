"""How many results there are of each source and school year, kept beside them."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    """Make the table, and count what is stored."""
    op.create_table(
        "result_counts",
        sa.Column("school_id", sa.Integer, sa.ForeignKey("schools.id"), nullable=False),
        sa.Column("source_id", sa.Integer, nullable=False),
        sa.Column("school_year", sa.Text, nullable=False),
        sa.Column("stored", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("school_id", "source_id", "school_year"),
    )
    op.execute(
        "INSERT INTO result_counts (school_id, source_id, school_year, stored) "
        "SELECT school_id, source_id, school_year, count(*) FROM results GROUP BY school_id, source_id, school_year"
    )
