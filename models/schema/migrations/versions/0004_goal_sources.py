"""A subject of a material belongs to its source: goals and settled signals name it.

Two publishers may give their material the same name. What was written before gets the first source that sent it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

GOALS = """
UPDATE goals SET source_id = coalesce((
    SELECT min(d.source_id) FROM test_definitions d JOIN sources s ON s.id = d.source_id
    WHERE d.school_id = goals.school_id
      AND coalesce(nullif(trim(d.material), ''), s.material, s.name) = goals.material
), 0)
"""
MATERIALS = """
SELECT d.school_id, min(d.source_id) AS source_id,
  coalesce(nullif(trim(d.material), ''), s.material, s.name) AS material
FROM test_definitions d JOIN sources s ON s.id = d.source_id GROUP BY 1, 3
"""
MARKS = "SELECT school_id, id, scope, evidence FROM signal_marks WHERE rule IN ('drop', 'stuck')"
SETTLED = "UPDATE signal_marks SET scope = :scope, evidence = :evidence WHERE school_id = :school_id AND id = :id"


def upgrade() -> None:
    """Add the source to the goals, and to what the marks are about."""
    bind = op.get_bind()
    op.add_column("goals", sa.Column("source_id", sa.Integer, nullable=False, server_default="0"))
    bind.execute(sa.text(GOALS))
    owners = {(row.school_id, row.material): row.source_id for row in bind.execute(sa.text(MATERIALS))}
    for row in bind.execute(sa.text(MARKS)).all():
        source_id = owners.get((row.school_id, row.scope.partition("|")[2]), 0)
        facts = sorted(_day_first(item) for item in row.evidence.split(","))
        bind.execute(
            sa.text(SETTLED),
            {"school_id": row.school_id, "id": row.id, "scope": f"{row.scope}|{source_id}",
             "evidence": ",".join(facts)},
        )  # fmt: skip


def _day_first(fact: str) -> str:
    """Test, day and value as day, test and value."""
    parts = fact.split(" ")
    return " ".join((parts[1], parts[0], *parts[2:])) if len(parts) > 2 else fact
