"""Checks of vendors keep what was sent and received, and are compared with the one before on the same target."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Add the columns; checks from before have none of this."""
    op.add_column("work_queue", sa.Column("series_digest", sa.LargeBinary(16)))
    op.add_column("work_queue", sa.Column("exchanges", sa.LargeBinary))
    op.create_index("work_queue_by_series", "work_queue", ["series_digest", "id"])
    op.add_column("test_arrivals", sa.Column("exchange", sa.LargeBinary))
