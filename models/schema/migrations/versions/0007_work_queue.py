"""One queue of work: the requests of pages, and the polls of connections that were due by their own columns.

A connection keeps how it goes; when it is polled next, and by whom, moves to the queue.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

REQUESTS = """
INSERT INTO work_queue (
    kind, thread, title, school_id, sandbox_id, payload, created_us, next_try_us, attempts, lease, leased_until_us,
    finished_us, token_digest, requested_by, report, excerpts, html, junit, error_nl, error_en, keep_until_us
)
SELECT
    CASE kind WHEN 'room' THEN 'sandbox' ELSE kind END, CASE kind WHEN 'endpoint' THEN 'endpoints' ELSE 'pages' END,
    title, school_id, room_id, input, asked_us, CASE WHEN state IN ('waiting', 'busy') THEN asked_us END, tries, lease,
    leased_until_us, done_us, token_digest, asked_by, report, excerpts, html, junit, error_nl, error_en, keep_until_us
FROM checks ORDER BY id
"""
POLLS = """
INSERT INTO work_queue (
    kind, thread, title, school_id, source_id, created_us, next_try_us, attempts, lease, leased_until_us
)
SELECT
    'poll', 'source ' || s.id, s.key, c.school_id, c.source_id, coalesce(c.last_try_us, 0), c.next_try_us,
    CASE WHEN c.lease IS NULL THEN 0 ELSE 1 END, c.lease, c.leased_until_us
FROM couplings c JOIN sources s ON s.id = c.source_id WHERE NOT c.pushes ORDER BY c.school_id, c.source_id
"""
KEPT = (
    "school_id, source_id, cursor, failures, last_try_us, last_success_us, last_data_us, last_error_nl, last_error_en, "
    "stopped, active, pushes"
)


def upgrade() -> None:
    """Make the queue and the connections without it, move what stands in the old tables, and drop those."""
    op.create_table(
        "work_queue",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("thread", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("school_id", sa.Integer, sa.ForeignKey("schools.id")),
        sa.Column("source_id", sa.Integer, sa.ForeignKey("sources.id")),
        sa.Column("sandbox_id", sa.Integer, sa.ForeignKey("test_rooms.id")),
        sa.Column("payload", sa.LargeBinary),
        sa.Column("created_us", sa.BigInteger, nullable=False),
        sa.Column("next_try_us", sa.BigInteger),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("lease", sa.Text),
        sa.Column("leased_until_us", sa.BigInteger),
        sa.Column("finished_us", sa.BigInteger),
        sa.Column("token_digest", sa.LargeBinary(16), unique=True),
        sa.Column("requested_by", sa.LargeBinary(16)),
        sa.Column("report", sa.Text),
        sa.Column("excerpts", sa.LargeBinary),
        sa.Column("html", sa.LargeBinary),
        sa.Column("junit", sa.LargeBinary),
        sa.Column("error_nl", sa.Text),
        sa.Column("error_en", sa.Text),
        sa.Column("keep_until_us", sa.BigInteger),
        sa.UniqueConstraint("school_id", "source_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("work_queue_by_next_try", "work_queue", ["next_try_us"])
    op.create_table(
        "source_connections",
        sa.Column("school_id", sa.Integer, sa.ForeignKey("schools.id"), nullable=False),
        sa.Column("source_id", sa.Integer, sa.ForeignKey("sources.id"), nullable=False),
        sa.Column("cursor", sa.Text),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("last_try_us", sa.BigInteger),
        sa.Column("last_success_us", sa.BigInteger),
        sa.Column("last_data_us", sa.BigInteger),
        sa.Column("last_error_nl", sa.Text),
        sa.Column("last_error_en", sa.Text),
        sa.Column("stopped", sa.Boolean, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("pushes", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("school_id", "source_id"),
    )
    op.execute(REQUESTS)
    op.execute(POLLS)
    op.execute(f"INSERT INTO source_connections ({KEPT}) SELECT {KEPT} FROM couplings")  # noqa: S608
    op.drop_table("checks")
    op.drop_table("couplings")
