"""Signals: what asks for a teacher's attention, each with its rule, its threshold and the evidence.

Five rules, and no more than they say: stuck, no work, a sharp drop against the pupil's own past, a topic that is hard
for many, overdue. They are computed at reading time from the picture of a class; what is kept is only how a signal
was settled (`marks`). No ranking and no prediction. docs/display-rules.md explains each rule.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from models.access.people import Member
from models.classroom.class_data import ClassData, ScoredPart, ScoredTest
from models.classroom.holidays import Holidays
from models.classroom.readiness import is_finished
from models.classroom.signal_resolutions import SignalResolution, SignalTarget
from models.classroom.thresholds import Thresholds
from models.ingest.freshness import SourceState
from models.results.periods import Period, of_school_year, with_year_before
from models.results.scales import NormPosition
from models.results.subject_materials import SubjectMaterial
from models.schema import clock
from models.schema.records import SCALE

HALF = 2  # of the class must have worked before a pupil who did not is idle


class SignalRule(StrEnum):
    """The rules, in the order in which a list shows them."""

    DROP = "drop"
    STUCK = "stuck"
    IDLE = "idle"
    OVERDUE = "overdue"
    HARD = "hard"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a signal rests on: the totals of the pupil, or days and counts.

    `key` is the set of facts behind it, a comma between: a signal that was settled is open again when a fact is new.
    """

    key: str
    totals: tuple[ScoredTest, ...] = ()  # oldest first
    mean: Decimal | None = None  # of the earlier totals, in ten-thousandths
    last_on: str | None = None  # last day of work
    days: int = 0  # school days since
    due_on: str | None = None
    test: str | None = None
    part: str | None = None
    below: int = 0  # pupils below the norm
    made: int = 0  # pupils who made it
    pupils: tuple[int, ...] = ()  # those below


@dataclass(frozen=True, slots=True)
class Signal:
    """One signal: of a pupil, or of a class (`pupil_id` None).

    `held`: it cannot be judged while its source is late or down, and is no open signal.
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
        """Who sends it."""
        return self.subject_material.source_id

    @property
    def target(self) -> SignalTarget:
        """What it is about, as marks remember it."""
        return SignalTarget(
            self.rule.value, self.pupil_id, None if self.pupil_id is not None else self.class_id, self.scope
        )

    @property
    def open(self) -> bool:
        """Whether somebody must still look at it."""
        return not self.suppressed and (self.resolution is None or not self.resolution.closes(self.evidence.key))


@dataclass(frozen=True, slots=True)
class DueDate:
    """By when a class is to have finished a test."""

    class_id: int
    test_id: int
    due_on: str
    set_by: str
    subject_material: SubjectMaterial
    test: str


@dataclass(frozen=True, slots=True)
class SignalInputs:
    """What signals depend on beside the picture."""

    thresholds: Mapping[int, Thresholds]  # by class
    holidays: Holidays
    region: str
    resolutions: Mapping[SignalTarget, SignalResolution]
    due_dates: Sequence[DueDate] = ()


def signals(class_data: ClassData, signal_inputs: SignalInputs) -> list[Signal]:
    """All signals of the classes of a picture, open, held and settled; by rule, then by class and name."""
    signals: list[Signal] = []
    overdue: list[Signal] = []
    homes = {
        member.id: member.class_id for member in class_data.members
    }  # a pupil of two classes has signals in the first
    for class_id in class_data.class_ids:
        judge = _Judge(class_data, signal_inputs, class_id)
        for rule in (judge.drops, judge.stuck, judge.idle, judge.hard):
            signals += (signal for signal in rule() if signal.pupil_id is None or homes[signal.pupil_id] == class_id)
        overdue += judge.overdue()  # a date is agreed with one class, whichever is a pupil's first
    signals += {signal.target: signal for signal in reversed(overdue)}.values()
    order = {member.id: place for place, member in enumerate(class_data.members)}
    rules = list(SignalRule)
    signals.sort(key=lambda signal: (rules.index(signal.rule), order.get(signal.pupil_id or 0, -1), signal.scope))
    return [_with_resolution(signal, signal_inputs.resolutions.get(signal.target)) for signal in signals]


def _with_resolution(signal: Signal, resolution: SignalResolution | None) -> Signal:
    if resolution is None:
        return signal
    return Signal(
        signal.rule,
        signal.class_id,
        signal.pupil_id,
        signal.subject_material,
        signal.scope,
        signal.threshold,
        signal.evidence,
        signal.suppressed,
        resolution,
    )


def open_by_pupil(signals: Sequence[Signal]) -> dict[int, list[Signal]]:
    """The open signals of each pupil that has any."""
    several: dict[int, list[Signal]] = defaultdict(list)
    for signal in signals:
        if signal.pupil_id is not None and signal.open:
            several[signal.pupil_id].append(signal)
    return dict(several)


class _Judge:
    """The rules applied to one class."""

    def __init__(self, class_data: ClassData, signal_inputs: SignalInputs, class_id: int) -> None:
        self.class_data, self.inputs, self.class_id = class_data, signal_inputs, class_id
        self.members = class_data.of_class(class_id)
        self.thresholds = signal_inputs.thresholds[class_id]
        self.sources: dict[int, SourceState] = {source.id: source for source in class_data.sources}
        self.first = with_year_before(class_data.school_year).first
        self.today = clock.today()
        self.over = self.today - timedelta(days=1)  # whoever has not worked this morning still may

    # -- against the own past

    def drops(self) -> Iterator[Signal]:
        """The newest total lies far under the pupil's own mean on the same scale."""
        for member, subject_material, scored_tests in self._series():
            evidence = self._drop(scored_tests)
            if evidence is not None:
                yield self._of_pupil(SignalRule.DROP, member, subject_material, self.thresholds.drop_percent, evidence)

    def _drop(self, scored_tests: list[ScoredTest]) -> Evidence | None:
        newest, scale = scored_tests[-1], scored_tests[-1].scale
        if scale is None or scale[1] <= scale[0] or not self._is_of_this_year(newest):
            return None
        earlier = [scored_test for scored_test in scored_tests[:-1] if scored_test.scale == scale][
            -self.thresholds.drop_earlier :
        ]
        if len(earlier) < self.thresholds.drop_earlier:
            return None
        mean = sum((Decimal(_value(scored_test)) for scored_test in earlier), Decimal(0)) / len(earlier)
        fall = (mean - _value(newest)) / SCALE
        if fall * 100 < self.thresholds.drop_percent * (scale[1] - scale[0]):
            return None
        return Evidence(_facts(map(_key, (*earlier, newest))), (*earlier, newest), mean)

    # -- against the norm of the source

    def stuck(self) -> Iterator[Signal]:
        """The last few totals all stand in the lowest band."""
        times = self.thresholds.stuck_times
        for member, subject_material, scored_tests in self._series():
            last = scored_tests[-times:]
            if len(last) < times or not self._is_of_this_year(last[-1]):
                continue
            if all(scored_test.reading.position is NormPosition.BELOW for scored_test in last):
                evidence = Evidence(_facts(map(_key, last)), (*last,))
                yield self._of_pupil(SignalRule.STUCK, member, subject_material, times, evidence)

    def _series(self) -> Iterator[tuple[Member, SubjectMaterial, list[ScoredTest]]]:
        """Of each pupil and material the totals that count, oldest first."""
        for member in self.members:
            for subject_material, scored_tests in sorted(self.class_data.totals.get(member.id, {}).items()):
                counted = [
                    scored_test
                    for scored_test in scored_tests
                    if scored_test.reading.counts and scored_test.taken_on >= self.first
                ]
                if counted:
                    yield member, subject_material, counted

    def _is_of_this_year(self, scored_test: ScoredTest) -> bool:
        return scored_test.taken_on >= f"{self.class_data.school_year[:4]}-08-01"

    def _of_pupil(
        self, rule: SignalRule, member: Member, subject_material: SubjectMaterial, threshold: int, evidence: Evidence
    ) -> Signal:
        return Signal(rule, self.class_id, member.id, subject_material, subject_material.key, threshold, evidence)

    # -- no work

    def idle(self) -> Iterator[Signal]:
        """No work with a source for many school days, while at least half of the class did work with it."""
        for source_id, used in self._used_sources().items():
            source = self.sources.get(source_id)
            if source is None or source.role != "publisher" or not source.active or source.stopped:
                continue
            days = {member.id: self._school_days_without(member, source_id) for member in self.members}
            limit = self.thresholds.idle_school_days
            worked = {
                member.id for member in self.members if source_id in self.class_data.last_active.get(member.id, {})
            }
            working = sum(days[item] < limit for item in worked)
            for member in self.members:
                if days[member.id] < limit or (working * HALF < len(self.members) and not source.late):
                    continue
                last_on = self.class_data.last_active.get(member.id, {}).get(source_id)
                if last_on is None and not self._is_set_ready(member.id, source_id):
                    continue  # whether the material is meant for this pupil nobody said
                subject_material = self._newest_field(member.id, source_id) or used
                evidence = Evidence(last_on or "", last_on=last_on, days=days[member.id])
                yield Signal(
                    SignalRule.IDLE, self.class_id, member.id, subject_material, f"source {source_id}", limit, evidence,
                    suppressed=source.late,
                )  # fmt: skip

    def _newest_field(self, pupil_id: int, source_id: int) -> SubjectMaterial | None:
        """The subject and material of a source that a pupil has the newest total or record in."""
        found = [
            (scored_tests[-1].taken_on, subject_material)
            for subject_material, scored_tests in self.class_data.totals.get(pupil_id, {}).items()
            if subject_material.source_id == source_id
        ]
        records = self.class_data.progress.get(pupil_id, ())
        found += [
            (record.row.taken_on, record.subject_material)
            for record in records
            if record.subject_material.source_id == source_id
        ]
        return max(found)[1] if found else None

    def _is_set_ready(self, pupil_id: int, source_id: int) -> bool:
        """Whether the source says that work is there for a pupil."""
        return any(
            progress.subject_material.source_id == source_id for progress in self.class_data.progress.get(pupil_id, ())
        )

    def _used_sources(self) -> dict[int, SubjectMaterial]:
        """The sources that somebody of the class worked with this school year, each with its field."""
        begin = f"{self.class_data.school_year[:4]}-08-01"
        used: dict[int, SubjectMaterial] = {}
        for member in self.members:
            worked = self.class_data.last_active.get(member.id, {})
            subject_materials = [
                *self.class_data.totals.get(member.id, {}),
                *(progress.subject_material for progress in self.class_data.progress.get(member.id, ())),
            ]
            for subject_material in subject_materials:
                if worked.get(subject_material.source_id, "") >= begin:
                    used.setdefault(subject_material.source_id, subject_material)
        return used

    def _school_days_without(self, member: Member, source_id: int) -> int:
        """School days since the last work, or since the pupil came or the school year began where there is none."""
        last_on = self.class_data.last_active.get(member.id, {}).get(source_id)
        since = max(f"{self.class_data.school_year[:4]}-08-01", member.since or "", last_on or "")
        return self.inputs.holidays.school_days(date.fromisoformat(since), self.over, self.inputs.region)

    # -- overdue

    def overdue(self) -> Iterator[Signal]:
        """The agreed date of a test is past and the pupil has not finished it."""
        for due in self.inputs.due_dates:
            if due.class_id != self.class_id:
                continue
            late_days = self.inputs.holidays.school_days(date.fromisoformat(due.due_on), self.over, self.inputs.region)
            if self.today <= date.fromisoformat(due.due_on) or late_days < self.thresholds.overdue_school_days:
                continue
            source = self.sources.get(due.subject_material.source_id)
            if source is None or not source.active or source.stopped:
                continue  # what was finished since cannot come in
            for member in self.members:
                came_later = member.joined.get(self.class_id, "") > due.due_on
                if came_later or is_finished(self.class_data, member.id, due.test_id):
                    continue
                evidence = Evidence(due.due_on, days=late_days, due_on=due.due_on, test=due.test)
                yield Signal(
                    SignalRule.OVERDUE, self.class_id, member.id, due.subject_material, f"test {due.test_id}",
                    self.thresholds.overdue_school_days, evidence, suppressed=source.late,
                )  # fmt: skip

    # -- hard for many

    def hard(self) -> Iterator[Signal]:
        """A part that many of those who made it scored below the norm of the source on."""
        limit = self.thresholds.hard_percent
        for topic in topics(self.class_data, self.class_id, of_school_year(self.class_data.school_year)):
            if topic.is_hard(self.thresholds):
                evidence = Evidence(
                    _facts(f"{pupil}={score}" for pupil, score in topic.scores), test=topic.test, part=topic.part,
                    below=topic.below, made=topic.made, pupils=topic.pupils,
                )  # fmt: skip
                scope = f"part {topic.test_id} {topic.part_id}"
                yield Signal(SignalRule.HARD, self.class_id, None, topic.subject_material, scope, limit, evidence)


@dataclass(frozen=True, slots=True)
class Topic:
    """A part of a test in a class: how many of those who made it scored below its norm, and who."""

    subject_material: SubjectMaterial
    test_id: int
    part_id: int
    test: str
    part: str
    newest_on: str
    below: int
    made: int
    pupils: tuple[int, ...]
    scores: tuple[tuple[int, int], ...]  # pupil, and value in ten-thousandths

    def is_hard(self, limits: Thresholds) -> bool:
        """Whether enough pupils made it, and enough of those scored below the norm, to call it hard for many."""
        return self.made >= limits.hard_pupils and self.below * 100 >= limits.hard_percent * self.made

    @property
    def source_id(self) -> int:
        """Who sends it."""
        return self.subject_material.source_id


def topics(
    class_data: ClassData,
    class_id: int | None = None,
    period: Period | None = None,
    pupils: Collection[int] | None = None,
) -> list[Topic]:
    """Every part with a norm that pupils made in a period, the hardest first; of one name only the newest test."""
    wanted = {member.id for member in (class_data.members if class_id is None else class_data.of_class(class_id))}
    if pupils is not None:
        wanted &= set(pupils)
    rows: dict[tuple[SubjectMaterial, str], dict[int, list[ScoredPart]]] = defaultdict(lambda: defaultdict(list))
    for part in class_data.parts:
        in_period = period is None or part.taken_on in period
        if in_period and part.pupil_id in wanted and part.reading.counts and part.reading.has_norm:
            rows[part.subject_material, part.name.name][part.test_id].append(part)
    topics = [_topic(class_data, max(by_test.values(), key=_newest_day)) for by_test in rows.values()]
    return sorted(
        topics, key=lambda topic: (-topic.below / topic.made, -topic.made, topic.subject_material, topic.part)
    )


def _newest_day(scored_parts: list[ScoredPart]) -> tuple[str, int]:
    return (max(scored_part.taken_on for scored_part in scored_parts), scored_parts[0].test_id)


def _topic(class_data: ClassData, scored_parts: list[ScoredPart]) -> Topic:
    newest: dict[int, ScoredPart] = {}
    for one in sorted(scored_parts, key=lambda scored_part: scored_part.taken_on):
        newest[one.pupil_id] = one
    first = scored_parts[0]
    below = tuple(
        scored_part.pupil_id for scored_part in newest.values() if scored_part.reading.position is NormPosition.BELOW
    )
    return Topic(
        first.subject_material,
        first.test_id,
        first.part_id,
        class_data.catalogue.definitions[first.definition_id].name,
        first.name.name,
        _newest_day(scored_parts)[0],
        len(below),
        len(newest),
        below,
        tuple(sorted((scored_part.pupil_id, scored_part.reading.value or 0) for scored_part in newest.values())),
    )


def _value(scored_test: ScoredTest) -> int:
    return scored_test.reading.value or 0


def _facts(found: Iterable[str]) -> str:
    """Facts as one text, whichever order they come in."""
    return ",".join(sorted(found))


def _key(scored_test: ScoredTest) -> str:
    return f"{scored_test.taken_on} {scored_test.test_id} {_value(scored_test)}"
