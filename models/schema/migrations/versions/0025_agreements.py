"""What a school recorded about a connection, such as its mandate; its terms of retention; where a session began."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    """Add the columns."""
    op.add_column("source_connections", sa.Column("agreement", sa.Text))
    op.add_column("schools", sa.Column("retention", sa.Text))
    op.add_column("sessions", sa.Column("provider", sa.Text))
