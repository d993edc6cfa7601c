"""How signals were resolved: seen, discussed, agreed or not needed, by whom and when.

A resolved signal stays closed until new data come in: the resolution records the evidence behind the signal.
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


_DAY_LENGTH = len("2026-11-26")


@dataclass(frozen=True, slots=True)
class SignalTarget:
    """What a signal is about: a rule, a pupil or else a class, and a material or test within."""

    rule: str
    pupil_id: int | None
    class_id: int | None
    scope: str


@dataclass(frozen=True, slots=True)
class SignalResolution:
    """How a signal was last resolved."""

    action: ResolutionAction
    evidence: str
    resolved_by: str
    resolved_us: int

    def closes(self, evidence: str) -> bool:
        """Whether it closes a signal with this evidence: none of its facts is new.

        A score is a fact that begins with its day. A score older than all resolved facts is not new: it enters the
        evidence when a class raises the number of scores in a rule.
        """
        resolved_facts = set(self.evidence.split(","))
        oldest = min(resolved_facts)[:_DAY_LENGTH]
        new_facts = [fact for fact in evidence.split(",") if fact not in resolved_facts]
        return self.action is not ResolutionAction.REOPENED and all(
            fact[4:5] == "-" and " " in fact and fact[:_DAY_LENGTH] < oldest for fact in new_facts
        )


class ResolutionRefused(Exception):
    """The viewer may not resolve this signal; nothing was changed."""


def newest_resolutions(
    connection: Connection, viewer: Viewer, pupil_ids: Sequence[int], class_ids: Sequence[int]
) -> dict[SignalTarget, SignalResolution]:
    """The newest resolution of each signal about these pupils and classes, as far as the viewer sees them."""
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
    connection: Connection, viewer: Viewer, target: SignalTarget, evidence: str, action: ResolutionAction
) -> None:
    """Resolve a signal, or reopen it; call it inside a write transaction. Raises ResolutionRefused."""
    if not viewer.teaches or not _can_see(connection, viewer, target):
        raise ResolutionRefused
    connection.execute(
        insert(signal_marks).values(
            school_id=viewer.school_id, id=next_id(connection, signal_marks, viewer.school_id), rule=target.rule,
            pupil_id=target.pupil_id, class_id=target.class_id, scope=target.scope, evidence=evidence,
            action=action.value, marked_by=viewer.name, marked_us=clock.now_us(),
        )
    )  # fmt: skip


def _can_see(connection: Connection, viewer: Viewer, target: SignalTarget) -> bool:
    if target.pupil_id is not None:
        visible = can_see_pupil(viewer, pupils.c.school_id, pupils.c.id)
        return connection.scalar(select(pupils.c.id).where(pupils.c.id == target.pupil_id, visible)) is not None
    visible = can_see_class(viewer, classes.c.school_id, classes.c.id)
    return connection.scalar(select(classes.c.id).where(classes.c.id == target.class_id, visible)) is not None
