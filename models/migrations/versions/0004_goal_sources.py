"""A goal names the source of its material: two publishers may give theirs the same name."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

# The first source that sent the material; a goal could only be set in one that was there.
OWNER = """
UPDATE goals SET source_id = coalesce((
    SELECT min(d.source_id) FROM test_definitions d JOIN sources s ON s.id = d.source_id
    WHERE d.school_id = goals.school_id
      AND coalesce(nullif(trim(d.material), ''), s.material, s.name) = goals.material
), 0)
"""


def upgrade() -> None:
    """Add what an earlier store lacks; a new store has it already, for 0001 makes all tables."""
    bind = op.get_bind()
    if "source_id" in {found["name"] for found in sa.inspect(bind).get_columns("goals")}:
        return
    op.add_column("goals", sa.Column("source_id", sa.Integer, nullable=False, server_default="0"))
    bind.execute(sa.text(OWNER))
