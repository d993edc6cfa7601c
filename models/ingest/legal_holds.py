"""Legal holds: while one stands, nothing of that pupil or school is deleted, by nobody and whatever its age."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, insert, select, update

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


def place_hold(connection: Connection, school_id: int, pupil_id: int | None, by: str) -> bool:
    """Put a pupil, or the whole school, under a hold; False where one stands already."""
    if _standing(connection, school_id, pupil_id):
        return False
    row = {"school_id": school_id, "pupil_id": pupil_id, "placed_by": by, "placed_us": clock.now_us()}
    connection.execute(insert(legal_holds).values(**row))
    return True


def end_hold(connection: Connection, school_id: int, pupil_id: int | None, by: str) -> bool:
    """End the hold on a pupil, or the one on the whole school; False where there is none."""
    ended = update(legal_holds).where(_of(school_id, pupil_id)).values(ended_by=by, ended_us=clock.now_us())
    return connection.execute(ended).rowcount > 0


def standing_holds(connection: Connection, school_id: int) -> list[LegalHold]:
    """The holds of a school that stand, oldest first."""
    rows = connection.execute(
        select(legal_holds.c.pupil_id, legal_holds.c.placed_by, legal_holds.c.placed_us)
        .where(legal_holds.c.school_id == school_id, legal_holds.c.ended_us.is_(None))
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
