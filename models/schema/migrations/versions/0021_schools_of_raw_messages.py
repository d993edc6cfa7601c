"""A raw message knows the school of its delivery, so that both can stand on the node of that school."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    """Add the column and fill it."""
    op.add_column("raw_messages", sa.Column("school_id", sa.Integer))
    op.execute(
        "UPDATE raw_messages SET school_id = "
        "(SELECT deliveries.school_id FROM deliveries WHERE deliveries.id = raw_messages.delivery_id)"
    )
