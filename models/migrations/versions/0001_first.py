"""The tables of the first version, as `models.tables` had them then."""

from alembic import op

from models.tables import RESULTS_SPELLED, metadata

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make all tables, and the view that spells results out for people."""
    metadata.create_all(op.get_bind())
    op.execute(RESULTS_SPELLED)
