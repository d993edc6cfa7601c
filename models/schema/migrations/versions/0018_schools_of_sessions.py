"""A session knows for which schools the way in which somebody signed in may speak."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Add the column; sessions of accounts end, for nobody knows it of them."""
    op.add_column("sessions", sa.Column("school_ids", sa.Text))
    op.execute("DELETE FROM sessions WHERE account_id IS NOT NULL")
