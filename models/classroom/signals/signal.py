"""The signals of classes: every rule with its kind, judged on reading; only how a signal was resolved is stored.

There is no ranking and no prediction. docs/display-rules.md explains each rule.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import assert_never

from models.classroom.audience import audience_of
from models.classroom.class_data import ClassData
from models.classroom.signal_resolutions import SignalResolution, SignalTarget
from models.classroom.signals.drop import Drop
from models.classroom.signals.hard import Hard
from models.classroom.signals.idle import Idle
from models.classroom.signals.kind import Evidence, Finding, JudgedClass, SignalInputs, SignalKind
from models.classroom.signals.overdue import Overdue
from models.classroom.signals.stuck import Stuck
from models.results.subject_materials import SubjectMaterial


class SignalRule(StrEnum):
    """The rules, in the order in which a list shows them."""

    DROP = "drop"
    STUCK = "stuck"
    IDLE = "idle"
    OVERDUE = "overdue"
    HARD = "hard"


def kind_of(rule: SignalRule) -> SignalKind:
    """The kind of signal that a rule stands for."""
    match rule:
        case SignalRule.DROP:
            return Drop()
        case SignalRule.STUCK:
            return Stuck()
        case SignalRule.IDLE:
            return Idle()
        case SignalRule.OVERDUE:
            return Overdue()
        case SignalRule.HARD:
            return Hard()
        case _:
            assert_never(rule)


@dataclass(frozen=True, slots=True)
class Signal:
    """One signal: of a pupil, or of a class (`pupil_id` None).

    A suppressed signal cannot be judged while its source is late or down, and is not open.
    """

    rule: SignalRule
    class_id: int
    pupil_id: int | None
    subject_material: SubjectMaterial
    scope: str
    threshold: int
    evidence: Evidence
    suppressed: bool = False
    resolution: SignalResolution | None = None

    @property
    def source_id(self) -> int:
        """The source that its data come from."""
        return self.subject_material.source_id

    @property
    def target(self) -> SignalTarget:
        """What it is about, as resolutions refer to it."""
        class_id = self.class_id if self.pupil_id is None else None
        return SignalTarget(self.rule.value, self.pupil_id, class_id, self.scope)

    @property
    def open(self) -> bool:
        """Whether a teacher has yet to resolve it."""
        return not self.suppressed and not self.settled

    @property
    def settled(self) -> bool:
        """Whether a teacher has resolved it, and nothing new came in since."""
        return self.resolution is not None and self.resolution.closes(self.evidence.key)


def signals(class_data: ClassData, inputs: SignalInputs) -> list[Signal]:
    """All signals of these classes, each judged by itself: open, suppressed and resolved; `in_order` sorts them."""
    audience = audience_of(class_data, class_data.progress)
    return [
        _signal(rule, class_id, finding, inputs.resolutions)
        for class_id in class_data.class_ids
        for judged_class in [JudgedClass(class_data, inputs, class_id, audience)]
        for rule in SignalRule
        for finding in kind_of(rule).judge(judged_class)
    ]


def in_order(signals: Iterable[Signal], order: Mapping[int, int]) -> list[Signal]:
    """Signals by rule, then by the order of the pupils; those about a class go first."""
    rules = list(SignalRule)
    return sorted(signals, key=lambda item: (rules.index(item.rule), order.get(item.pupil_id or 0, -1), item.scope))


def open_by_pupil(signals: Sequence[Signal]) -> dict[int, list[Signal]]:
    """The open signals of each pupil that has any."""
    by_pupil: dict[int, list[Signal]] = defaultdict(list)
    for signal in signals:
        if signal.pupil_id is not None and signal.open:
            by_pupil[signal.pupil_id].append(signal)
    return dict(by_pupil)


def _signal(
    rule: SignalRule, class_id: int, finding: Finding, resolutions: Mapping[SignalTarget, SignalResolution]
) -> Signal:
    signal = Signal(
        rule, class_id, finding.pupil_id, finding.subject_material, finding.scope, finding.threshold, finding.evidence,
        finding.suppressed,
    )  # fmt: skip
    return replace(signal, resolution=resolutions.get(signal.target))
