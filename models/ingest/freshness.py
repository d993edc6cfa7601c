"""How fresh each source is: last success, last try, next try, in numbers that screens put in words."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, and_, select

from models.access.viewer import Viewer
from models.schema import clock
from models.schema.tables import own_connections, source_connections, sources, work_queue

WEEK_US = 7 * 24 * 3600 * 1_000_000


@dataclass(frozen=True, slots=True)
class SourceState:
    """A source of the school and how its connection goes; instants in microseconds, None for never."""

    id: int
    name: str
    role: str  # publisher or las
    material: str | None
    active: bool
    stopped: bool
    failures: int
    last_try_us: int | None
    last_success_us: int | None
    last_data_us: int | None
    next_try_us: int | None  # None where the source sends by itself
    leased: bool
    error_nl: str | None
    error_en: str | None
    pushes: bool = False
    added_us: int | None = None  # of what the school added itself

    @property
    def is_new(self) -> bool:
        """Whether the school added it this week and nothing came yet."""
        return self.added_us is not None and self.added_us > clock.now_us() - WEEK_US and self.last_success_us is None

    @property
    def delivered_this_week(self) -> bool:
        """Whether it answered in the last seven days."""
        return self.last_success_us is not None and self.last_success_us > clock.now_us() - WEEK_US

    @property
    def refused(self) -> bool:
        """Whether it answers, but nothing that it sent last could be stored."""
        return self.failures == 0 and self.error_en is not None

    @property
    def late(self) -> bool:
        """Whether somebody must look: it fails, is refused, or did not deliver this week."""
        faulty = self.failures > 0 or self.refused
        awaited = not self.delivered_this_week and not self.is_new
        return self.active and not self.stopped and (faulty or awaited)


def source_states(connection: Connection, viewer: Viewer) -> list[SourceState]:
    """The publishers and the LAS that the viewer's school is or was connected to; in order of connecting."""
    rows = connection.execute(
        select(
            sources,
            source_connections,
            work_queue.c.next_try_us,
            work_queue.c.leased_until_us,
            own_connections.c.made_us.label("added_us"),
        )
        .join(source_connections, source_connections.c.source_id == sources.c.id)
        .outerjoin(
            work_queue,
            and_(
                work_queue.c.school_id == source_connections.c.school_id,
                work_queue.c.source_id == source_connections.c.source_id,
            ),
        )
        .outerjoin(own_connections, own_connections.c.source_id == sources.c.id)
        .where(source_connections.c.school_id == viewer.school_id)
        .order_by(sources.c.role.desc(), sources.c.id)
    ).all()
    now = clock.now_us()
    return [
        SourceState(
            row.id,
            row.name,
            row.role,
            row.material,
            row.active,
            row.stopped,
            row.failures,
            row.last_try_us,
            row.last_success_us,
            row.last_data_us,
            row.next_try_us,
            row.leased_until_us is not None and row.leased_until_us > now,
            row.last_error_nl,
            row.last_error_en,
            row.pushes,
            row.added_us,
        )
        for row in rows
    ]
