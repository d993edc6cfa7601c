"""What is encrypted is bound to its place; `store_key` encrypts it anew after the migrations, for it has the key."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Add the column."""
    op.add_column("key_fingerprints", sa.Column("bound", sa.Boolean, nullable=False, server_default=sa.false()))
