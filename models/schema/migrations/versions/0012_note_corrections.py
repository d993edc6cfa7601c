"""An author can correct or withdraw a note; see models/classroom/notes.py."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Add the columns."""
    op.add_column("notes", sa.Column("author_key", sa.Text))
    op.add_column("notes", sa.Column("replaced_by", sa.Integer))
    op.add_column("notes", sa.Column("withdrawn_us", sa.BigInteger))
