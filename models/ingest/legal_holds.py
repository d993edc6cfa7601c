"""Legal holds: while one stands, nothing of that pupil or school is deleted, by nobody and whatever its age."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, insert, select, update

from models.access.viewer import Viewer, check_administers
from models.schema import clock
from models.schema.tables import legal_holds


class Held(Exception):
    """Data that would be deleted is under a legal hold."""


@dataclass(frozen=True, slots=True)
class LegalHold:
    """A hold that stands; `pupil_id` None: on the whole school."""

    pupil_id: int | None
    placed_by: str
    placed_us: int


def place_hold(connection: Connection, viewer: Viewer, pupil_id: int | None) -> bool:
    """Put a pupil, or the whole school, under a hold; False where one stands already. Raises AccessDenied."""
    check_administers(viewer)
    if _standing(connection, viewer.school_id, pupil_id):
        return False
    by = {"placed_by": viewer.name, "placed_us": clock.now_us()}
    row = {"school_id": viewer.school_id, "pupil_id": pupil_id, **by}
    connection.execute(insert(legal_holds).values(**row))
    return True


def end_hold(connection: Connection, viewer: Viewer, pupil_id: int | None) -> bool:
    """End the hold on a pupil, or the one on the whole school; False where there is none. Raises AccessDenied."""
    check_administers(viewer)
    by = {"ended_by": viewer.name, "ended_us": clock.now_us()}
    ended = update(legal_holds).where(_of(viewer.school_id, pupil_id)).values(**by)
    return connection.execute(ended).rowcount > 0


def standing_holds(connection: Connection, viewer: Viewer) -> list[LegalHold]:
    """The holds of the viewer's school that stand, oldest first. Raises AccessDenied."""
    check_administers(viewer)
    rows = connection.execute(
        select(legal_holds.c.pupil_id, legal_holds.c.placed_by, legal_holds.c.placed_us)
        .where(legal_holds.c.school_id == viewer.school_id, legal_holds.c.ended_us.is_(None))
        .order_by(legal_holds.c.id)
    )
    return [LegalHold(row.pupil_id, row.placed_by, row.placed_us) for row in rows]


def check_not_held(connection: Connection, school_id: int, pupil_id: int | None) -> None:
    """Raises Held where the pupil or the whole school is under a hold."""
    if _standing(connection, school_id, None) or (pupil_id is not None and _standing(connection, school_id, pupil_id)):
        raise Held


def _standing(connection: Connection, school_id: int, pupil_id: int | None) -> bool:
    return connection.scalar(select(legal_holds.c.id).where(_of(school_id, pupil_id))) is not None


def _of(school_id: int, pupil_id: int | None) -> ColumnElement[bool]:
    pupil = legal_holds.c.pupil_id.is_(None) if pupil_id is None else legal_holds.c.pupil_id == pupil_id
    return and_(legal_holds.c.school_id == school_id, legal_holds.c.ended_us.is_(None), pupil)
