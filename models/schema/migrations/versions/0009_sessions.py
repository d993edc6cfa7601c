"""What web processes share: sessions, outcomes of forms, sheets of screens, and rates."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Make the four tables; before, each process had its own in memory."""
    op.create_table(
        "sessions",
        sa.Column("digest", sa.LargeBinary(32), primary_key=True),
        sa.Column("user_key", sa.Text, nullable=False),
        sa.Column("sandbox_id", sa.Integer),
        sa.Column("browser", sa.LargeBinary(16), nullable=False),
        sa.Column("started_us", sa.BigInteger, nullable=False),
        sa.Column("seen_us", sa.BigInteger, nullable=False),
        sa.Column("flash", sa.LargeBinary),
    )
    op.create_index("sessions_by_user", "sessions", ["user_key"])
    op.create_index("sessions_by_seen", "sessions", ["seen_us"])
    op.create_table(
        "form_outcomes",
        sa.Column("digest", sa.LargeBinary(32), primary_key=True),
        sa.Column("begun_us", sa.BigInteger, nullable=False),
        sa.Column("outcome", sa.LargeBinary),
    )
    op.create_index("form_outcomes_by_begun", "form_outcomes", ["begun_us"])
    op.create_table(
        "kept_sheets",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("school_id", sa.Integer, sa.ForeignKey("schools.id"), nullable=False),
        sa.Column("digest", sa.LargeBinary(16), nullable=False, unique=True),
        sa.Column("viewer", sa.LargeBinary(16), nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("until_us", sa.BigInteger, nullable=False),
    )
    op.create_index("kept_sheets_by_viewer", "kept_sheets", ["viewer"])
    op.create_index("kept_sheets_by_until", "kept_sheets", ["until_us"])
    op.create_table(
        "rate_buckets",
        sa.Column("digest", sa.LargeBinary(16), primary_key=True),
        sa.Column("tokens", sa.Float, nullable=False),
        sa.Column("updated_us", sa.BigInteger, nullable=False),
        sa.Column("full_us", sa.BigInteger, nullable=False),
    )
    op.create_index("rate_buckets_by_full", "rate_buckets", ["full_us"])
