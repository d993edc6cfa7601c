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


def signals(seen: ClassData, asked: SignalInputs) -> list[Signal]:
    """All signals of the classes of a picture, open, held and settled; by rule, then by class and name."""
    found: list[Signal] = []
    overdue: list[Signal] = []
    homes = {one.id: one.class_id for one in seen.members}  # a pupil of two classes has signals in the first
    for class_id in seen.class_ids:
        judge = _Judge(seen, asked, class_id)
        for rule in (judge.drops, judge.stuck, judge.idle, judge.hard):
            found += (one for one in rule() if one.pupil_id is None or homes[one.pupil_id] == class_id)
        overdue += judge.overdue()  # a date is agreed with one class, whichever is a pupil's first
    found += {one.target: one for one in reversed(overdue)}.values()
    order = {one.id: place for place, one in enumerate(seen.members)}
    rules = list(SignalRule)
    found.sort(key=lambda one: (rules.index(one.rule), order.get(one.pupil_id or 0, -1), one.scope))
    return [_with_resolution(one, asked.resolutions.get(one.target)) for one in found]


def _with_resolution(one: Signal, mark: SignalResolution | None) -> Signal:
    if mark is None:
        return one
    return Signal(
        one.rule, one.class_id, one.pupil_id, one.subject_material, one.scope, one.threshold, one.evidence,
        one.suppressed, mark,
    )  # fmt: skip


def open_by_pupil(found: Sequence[Signal]) -> dict[int, list[Signal]]:
    """The open signals of each pupil that has any."""
    several: dict[int, list[Signal]] = defaultdict(list)
    for one in found:
        if one.pupil_id is not None and one.open:
            several[one.pupil_id].append(one)
    return dict(several)


class _Judge:
    """The rules applied to one class."""

    def __init__(self, seen: ClassData, asked: SignalInputs, class_id: int) -> None:
        self.class_data, self.inputs, self.class_id = seen, asked, class_id
        self.members = seen.of_class(class_id)
        self.thresholds = asked.thresholds[class_id]
        self.sources: dict[int, SourceState] = {one.id: one for one in seen.sources}
        self.first = with_year_before(seen.school_year).first
        self.today = clock.today()
        self.over = self.today - timedelta(days=1)  # whoever has not worked this morning still may

    # -- against the own past

    def drops(self) -> Iterator[Signal]:
        """The newest total lies far under the pupil's own mean on the same scale."""
        for member, field, lane in self._series():
            evidence = self._drop(lane)
            if evidence is not None:
                yield self._of_pupil(SignalRule.DROP, member, field, self.thresholds.drop_percent, evidence)

    def _drop(self, lane: list[ScoredTest]) -> Evidence | None:
        newest, scale = lane[-1], lane[-1].scale
        if scale is None or scale[1] <= scale[0] or not self._is_of_this_year(newest):
            return None
        earlier = [one for one in lane[:-1] if one.scale == scale][-self.thresholds.drop_earlier :]
        if len(earlier) < self.thresholds.drop_earlier:
            return None
        mean = sum((Decimal(_value(one)) for one in earlier), Decimal(0)) / len(earlier)
        fall = (mean - _value(newest)) / SCALE
        if fall * 100 < self.thresholds.drop_percent * (scale[1] - scale[0]):
            return None
        return Evidence(_facts(map(_key, (*earlier, newest))), (*earlier, newest), mean)

    # -- against the norm of the source

    def stuck(self) -> Iterator[Signal]:
        """The last few totals all stand in the lowest band."""
        times = self.thresholds.stuck_times
        for member, field, lane in self._series():
            last = lane[-times:]
            if len(last) < times or not self._is_of_this_year(last[-1]):
                continue
            if all(one.reading.position is NormPosition.BELOW for one in last):
                evidence = Evidence(_facts(map(_key, last)), (*last,))
                yield self._of_pupil(SignalRule.STUCK, member, field, times, evidence)

    def _series(self) -> Iterator[tuple[Member, SubjectMaterial, list[ScoredTest]]]:
        """Of each pupil and material the totals that count, oldest first."""
        for member in self.members:
            for field, lane in sorted(self.class_data.totals.get(member.id, {}).items()):
                counted = [one for one in lane if one.reading.counts and one.taken_on >= self.first]
                if counted:
                    yield member, field, counted

    def _is_of_this_year(self, one: ScoredTest) -> bool:
        return one.taken_on >= f"{self.class_data.school_year[:4]}-08-01"

    def _of_pupil(
        self, rule: SignalRule, member: Member, field: SubjectMaterial, threshold: int, evidence: Evidence
    ) -> Signal:
        return Signal(rule, self.class_id, member.id, field, field.key, threshold, evidence)

    # -- no work

    def idle(self) -> Iterator[Signal]:
        """No work with a source for many school days, while at least half of the class did work with it."""
        for source_id, used in self._used_sources().items():
            source = self.sources.get(source_id)
            if source is None or source.role != "publisher" or not source.active or source.stopped:
                continue
            days = {member.id: self._school_days_without(member, source_id) for member in self.members}
            limit = self.thresholds.idle_school_days
            worked = {one.id for one in self.members if source_id in self.class_data.last_active.get(one.id, {})}
            working = sum(days[one] < limit for one in worked)
            for member in self.members:
                if days[member.id] < limit or (working * HALF < len(self.members) and not source.late):
                    continue
                last_on = self.class_data.last_active.get(member.id, {}).get(source_id)
                if last_on is None and not self._is_set_ready(member.id, source_id):
                    continue  # whether the material is meant for this pupil nobody said
                field = self._newest_field(member.id, source_id) or used
                evidence = Evidence(last_on or "", last_on=last_on, days=days[member.id])
                yield Signal(
                    SignalRule.IDLE, self.class_id, member.id, field, f"source {source_id}", limit, evidence,
                    suppressed=source.late,
                )  # fmt: skip

    def _newest_field(self, pupil_id: int, source_id: int) -> SubjectMaterial | None:
        """The subject and material of a source that a pupil has the newest total or record in."""
        found = [
            (lane[-1].taken_on, field)
            for field, lane in self.class_data.totals.get(pupil_id, {}).items()
            if field.source_id == source_id
        ]
        records = self.class_data.progress.get(pupil_id, ())
        found += [
            (one.row.taken_on, one.subject_material) for one in records if one.subject_material.source_id == source_id
        ]
        return max(found)[1] if found else None

    def _is_set_ready(self, pupil_id: int, source_id: int) -> bool:
        """Whether the source says that work is there for a pupil."""
        return any(one.subject_material.source_id == source_id for one in self.class_data.progress.get(pupil_id, ()))

    def _used_sources(self) -> dict[int, SubjectMaterial]:
        """The sources that somebody of the class worked with this school year, each with its field."""
        begin = f"{self.class_data.school_year[:4]}-08-01"
        used: dict[int, SubjectMaterial] = {}
        for member in self.members:
            worked = self.class_data.last_active.get(member.id, {})
            fields = [
                *self.class_data.totals.get(member.id, {}),
                *(one.subject_material for one in self.class_data.progress.get(member.id, ())),
            ]
            for field in fields:
                if worked.get(field.source_id, "") >= begin:
                    used.setdefault(field.source_id, field)
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
    seen: ClassData, class_id: int | None = None, period: Period | None = None, pupils: Collection[int] | None = None
) -> list[Topic]:
    """Every part with a norm that pupils made in a period, the hardest first; of one name only the newest test."""
    wanted = {one.id for one in (seen.members if class_id is None else seen.of_class(class_id))}
    if pupils is not None:
        wanted &= set(pupils)
    rows: dict[tuple[SubjectMaterial, str], dict[int, list[ScoredPart]]] = defaultdict(lambda: defaultdict(list))
    for one in seen.parts:
        in_period = period is None or one.taken_on in period
        if in_period and one.pupil_id in wanted and one.reading.counts and one.reading.has_norm:
            rows[one.subject_material, one.name.name][one.test_id].append(one)
    found = [_topic(seen, max(by_test.values(), key=_newest_day)) for by_test in rows.values()]
    return sorted(found, key=lambda one: (-one.below / one.made, -one.made, one.subject_material, one.part))


def _newest_day(several: list[ScoredPart]) -> tuple[str, int]:
    return (max(one.taken_on for one in several), several[0].test_id)


def _topic(seen: ClassData, several: list[ScoredPart]) -> Topic:
    newest: dict[int, ScoredPart] = {}
    for one in sorted(several, key=lambda one: one.taken_on):
        newest[one.pupil_id] = one
    first = several[0]
    below = tuple(one.pupil_id for one in newest.values() if one.reading.position is NormPosition.BELOW)
    return Topic(
        first.subject_material, first.test_id, first.part_id,
        seen.catalogue.definitions[first.definition_id].name, first.name.name, _newest_day(several)[0], len(below),
        len(newest), below, tuple(sorted((one.pupil_id, one.reading.value or 0) for one in newest.values())),
    )  # fmt: skip


def _value(one: ScoredTest) -> int:
    return one.reading.value or 0


def _facts(found: Iterable[str]) -> str:
    """Facts as one text, whichever order they come in."""
    return ",".join(sorted(found))


def _key(one: ScoredTest) -> str:
    return f"{one.taken_on} {one.test_id} {_value(one)}"
