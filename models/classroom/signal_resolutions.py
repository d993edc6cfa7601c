"""How signals were settled: seen, discussed, agreed or not needed, by whom and when.

A settled signal is closed until new data come in: the mark remembers the newest data behind the signal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, and_, insert, or_, select

from models.access.viewer import Viewer, can_see_class, can_see_pupil
from models.schema import clock
from models.schema.database import next_id
from models.schema.tables import classes, pupils, signal_marks


class ResolutionAction(StrEnum):
    """What a teacher did with a signal."""

    SEEN = "seen"
    DISCUSSED = "discussed"
    AGREED = "agreed"
    NOT_NEEDED = "not_needed"
    REOPENED = "reopened"


_DAY = len("2026-11-26")


@dataclass(frozen=True, slots=True)
class SignalTarget:
    """What a signal is about: a rule, a pupil or else a class, and a material or test within."""

    rule: str
    pupil_id: int | None
    class_id: int | None
    scope: str


@dataclass(frozen=True, slots=True)
class SignalResolution:
    """How a signal was settled last."""

    action: ResolutionAction
    evidence: str
    resolved_by: str
    resolved_us: int

    def closes(self, evidence: str) -> bool:
        """Whether a signal on these facts is settled by it: none of them is new since.

        A score is a fact of a day, which it begins with. One of an earlier day than all that were looked at is not new:
        it comes in when a class asks for more scores before it speaks of a signal.
        """
        seen = set(self.evidence.split(","))
        oldest = min(seen)[:_DAY]
        new = [item for item in evidence.split(",") if item not in seen]
        return self.action is not ResolutionAction.REOPENED and all(
            item[4:5] == "-" and " " in item and item[:_DAY] < oldest for item in new
        )


class ResolutionRefused(Exception):
    """The viewer may not settle this signal; nothing was changed."""


def newest_resolutions(
    connection: Connection, viewer: Viewer, pupil_ids: Sequence[int], class_ids: Sequence[int]
) -> dict[SignalTarget, SignalResolution]:
    """The newest mark of each signal about these pupils and classes, as far as the viewer sees them."""
    rows = connection.execute(
        select(signal_marks)
        .where(
            signal_marks.c.school_id == viewer.school_id,
            or_(
                and_(
                    signal_marks.c.pupil_id.in_(pupil_ids),
                    can_see_pupil(viewer, signal_marks.c.school_id, signal_marks.c.pupil_id),
                ),
                and_(
                    signal_marks.c.class_id.in_(class_ids),
                    can_see_class(viewer, signal_marks.c.school_id, signal_marks.c.class_id),
                ),
            ),
        )
        .order_by(signal_marks.c.id)
    )
    return {
        SignalTarget(row.rule, row.pupil_id, row.class_id, row.scope): SignalResolution(
            ResolutionAction(row.action), row.evidence, row.marked_by, row.marked_us
        )
        for row in rows
    }


def resolve_signal(
    connection: Connection, viewer: Viewer, about: SignalTarget, evidence: str, action: ResolutionAction
) -> None:
    """Settle a signal, or open it again; call it inside `writing`. Raises MarkRefused."""
    if not viewer.teaches or not _sees(connection, viewer, about):
        raise ResolutionRefused
    connection.execute(
        insert(signal_marks).values(
            school_id=viewer.school_id, id=next_id(connection, signal_marks, viewer.school_id), rule=about.rule,
            pupil_id=about.pupil_id, class_id=about.class_id, scope=about.scope, evidence=evidence,
            action=action.value, marked_by=viewer.name, marked_us=clock.now_us(),
        )
    )  # fmt: skip


def _sees(connection: Connection, viewer: Viewer, about: SignalTarget) -> bool:
    if about.pupil_id is not None:
        own = can_see_pupil(viewer, pupils.c.school_id, pupils.c.id)
        return connection.scalar(select(pupils.c.id).where(pupils.c.id == about.pupil_id, own)) is not None
    own = can_see_class(viewer, classes.c.school_id, classes.c.id)
    return connection.scalar(select(classes.c.id).where(classes.c.id == about.class_id, own)) is not None
