"""Messages raise the version of their pupils alone, see models/schema/data_versions.py; indexes by code and by day."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Add the columns; up to now every change was one of the whole school.

    Results of a pupil by day before part: who reads a year passes over no other.
    """
    op.add_column("data_versions", sa.Column("general", sa.BigInteger, nullable=False, server_default="0"))
    op.execute("UPDATE data_versions SET general = version")
    op.add_column("pupils", sa.Column("results_version", sa.BigInteger, nullable=False, server_default="0"))
    op.create_index("test_definitions_by_code", "test_definitions", ["school_id", "source_id", "code"])
    op.drop_index("results_by_pupil", "results")
    op.create_index("results_by_pupil", "results", ["school_id", "identifier_id", "taken_on", "part_id"])
