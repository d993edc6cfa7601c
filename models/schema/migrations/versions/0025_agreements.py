"""What a school recorded about a connection: mandate, processor agreement, purpose, categories of data."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0023"


def upgrade() -> None:
    """Add the column."""
    op.add_column("source_connections", sa.Column("agreement", sa.Text))
