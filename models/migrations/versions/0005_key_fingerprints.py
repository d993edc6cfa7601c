"""The database knows its key: `models.store_key` fills the one row when the store is opened."""

from alembic import op

from models.tables import key_fingerprints

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add what an earlier store lacks; a new store has it already, for 0001 makes all tables."""
    key_fingerprints.create(op.get_bind(), checkfirst=True)
