"""An account can stand in for a class until a day."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "stand_ins",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("school_id", sa.Integer, sa.ForeignKey("schools.id"), nullable=False),
        sa.Column("role_id", sa.Integer, sa.ForeignKey("account_roles.id"), nullable=False),
        sa.Column("class_id", sa.Integer, nullable=False),
        sa.Column("until_on", sa.Text, nullable=False),
        sa.Column("granted_by", sa.Text, nullable=False),
        sa.Column("granted_us", sa.BigInteger, nullable=False),
        sa.Column("ended_by", sa.Text),
        sa.Column("ended_us", sa.BigInteger),
    )
    op.create_index("stand_ins_by_role", "stand_ins", ["role_id"])
    op.create_index("stand_ins_by_class", "stand_ins", ["school_id", "class_id"])
