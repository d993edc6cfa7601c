"""A page for pupils and their parents: whether a school shows it, who is linked to whom, agreements that are on it."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """Add the columns."""
    op.add_column("schools", sa.Column("own_page", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("account_roles", sa.Column("pupil_id", sa.Integer))
    op.add_column("invitations", sa.Column("pupil_id", sa.Integer))
    op.add_column("notes", sa.Column("for_pupil", sa.Boolean, nullable=False, server_default=sa.false()))
