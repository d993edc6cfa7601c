"""Publishers that send by themselves, vendors who test, and the work that pages ask for."""

import sqlalchemy as sa
from alembic import op

from models.tables import checks, numbers, sender_key_schools, sender_keys, senders, test_arrivals, test_rooms

revision = "0002"
down_revision = "0001"

NEW_TABLES = (numbers, senders, sender_keys, sender_key_schools, test_rooms, test_arrivals, checks)
NEW_COLUMNS = (("couplings", "pushes"), ("schools", "synthetic"))


def upgrade() -> None:
    """Make what a store of the first version lacks; a new store has it already, for 0001 makes all tables."""
    bind = op.get_bind()
    for name, column in NEW_COLUMNS:
        if column not in {found["name"] for found in sa.inspect(bind).get_columns(name)}:
            op.add_column(name, sa.Column(column, sa.Boolean, nullable=False, server_default=sa.false()))
    for table in NEW_TABLES:
        table.create(bind, checkfirst=True)
