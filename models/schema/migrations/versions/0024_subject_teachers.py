"""Subject teachers see the own subjects alone, and a school can let its leaders read results."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    """Add the table and the columns."""
    op.add_column("schools", sa.Column("subject_teachers", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("schools", sa.Column("leaders_read", sa.Boolean, nullable=False, server_default=sa.false()))
    op.create_table(
        "taught_subjects",
        sa.Column("school_id", sa.Integer, sa.ForeignKey("schools.id"), nullable=False),
        sa.Column("teacher_id", sa.Integer, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("set_by", sa.Text, nullable=False),
        sa.Column("set_us", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("school_id", "teacher_id", "subject"),
    )
