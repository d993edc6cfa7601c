"""What is deleted once its time is over: a function for each rule, and `forget_all`, which a worker calls every hour.

Sandboxes are erased as a whole (`models.sandbox.sandboxes.empty_due`).
"""

from __future__ import annotations

from sqlalchemy import Engine, delete, select

from models.ingest import page_requests
from models.ingest.result_store import DAY_US
from models.schema import clock
from models.schema.database import write_transaction
from models.schema.records import Verdict
from models.schema.tables import deliveries, raw_messages
from models.schema.terms import RetentionPolicy


def forget_all(engine: Engine, policy: RetentionPolicy) -> None:
    """Delete whatever is past its time."""
    forget_raw(engine)
    forget_refusals(engine, policy.refused_days)
    page_requests.forget_due(engine)


def forget_raw(engine: Engine) -> int:
    """Throw away raw messages whose time is over; returns how many."""
    with write_transaction(engine, raises_version=False) as connection:
        return connection.execute(delete(raw_messages).where(raw_messages.c.keep_until_us < clock.now_us())).rowcount


def forget_refusals(engine: Engine, keep_days: int) -> int:
    """Throw away refusals that belong to no school once they are older than refused messages are kept; how many.

    Nobody else would: whoever finds the address can bring them about. A day is the least, or nobody could look.
    """
    before = clock.now_us() - max(keep_days, 1) * DAY_US
    with write_transaction(engine, raises_version=False) as connection:
        return connection.execute(
            delete(deliveries).where(
                deliveries.c.school_id.is_(None),
                deliveries.c.verdict == Verdict.REJECT.value,
                deliveries.c.received_us < before,
                deliveries.c.id.not_in(select(raw_messages.c.delivery_id)),
            )
        ).rowcount
