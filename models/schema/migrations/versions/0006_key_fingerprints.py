"""The database knows its key: the one row of `key_fingerprints` is filled when the store is opened."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005_store"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "key_fingerprints",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("fingerprint", sa.LargeBinary(16), nullable=False),
    )
