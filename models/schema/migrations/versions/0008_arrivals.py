"""The moment at which a message came in, which decides between messages of one aanmaakdatum.

Of what was stored before, nobody knows it: 0 is before every arrival, and among those the digest decides as it did.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0006"


def upgrade() -> None:
    """Add the column."""
    for table in ("results", "result_history", "test_definitions"):
        op.add_column(table, sa.Column("arrived_us", sa.BigInteger, nullable=False, server_default="0"))
