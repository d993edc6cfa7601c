"""Hard for many: a part of a test that many of the pupils who made it scored below the norm of the source on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from models.classroom.class_data import ClassData, ScoredPart
from models.classroom.signals.kind import Evidence, Finding, JudgedClass, SignalKind, evidence_key
from models.classroom.thresholds import Threshold, Thresholds
from models.results.periods import Period, of_school_year
from models.results.scales import NormPosition
from models.results.subject_materials import SubjectMaterial

PERCENT = Threshold("hard_percent", default=40, lowest=20, highest=90)  # of the pupils who made it, below the norm
PUPILS = Threshold("hard_pupils", default=5, lowest=3, highest=30)  # at least so many pupils made it


class Hard(SignalKind):
    """A part of a test that is hard for many pupils of a class."""

    thresholds = (PERCENT, PUPILS)
    of_class = True

    def judge(self, judged_class: JudgedClass) -> Iterator[Finding]:
        """The parts of this school year that are hard for many."""
        class_data, limits = judged_class.class_data, judged_class.thresholds
        for topic in topics(class_data, judged_class.class_id, of_school_year(class_data.school_year)):
            if topic.is_hard(limits):
                evidence = Evidence(
                    evidence_key(f"{pupil_id}={score}" for pupil_id, score in topic.scores), test=topic.test,
                    part=topic.part, below=topic.below, made=topic.made, pupils=topic.pupils,
                )  # fmt: skip
                scope = f"part {topic.test_id} {topic.part_id}"
                yield Finding(None, topic.subject_material, scope, limits[PERCENT], evidence)


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
        return self.made >= limits[PUPILS] and self.below * 100 >= limits[PERCENT] * self.made

    @property
    def source_id(self) -> int:
        """The source that sends it."""
        return self.subject_material.source_id


def topics(
    class_data: ClassData,
    class_id: int | None = None,
    period: Period | None = None,
    pupils: Collection[int] | None = None,
) -> list[Topic]:
    """Every part with a norm that pupils made in a period, the hardest first; of one name only the newest test."""
    members = class_data.members if class_id is None else class_data.of_class(class_id)
    pupil_ids = {member.id for member in members}
    if pupils is not None:
        pupil_ids &= set(pupils)
    parts: dict[tuple[SubjectMaterial, str], dict[int, list[ScoredPart]]] = defaultdict(lambda: defaultdict(list))
    for part in class_data.parts:
        in_period = period is None or part.taken_on in period
        if in_period and part.pupil_id in pupil_ids and part.reading.counts and part.reading.has_norm:
            parts[part.subject_material, part.name.name][part.test_id].append(part)
    topics = [_topic(class_data, max(by_test.values(), key=_newest_day)) for by_test in parts.values()]
    return sorted(
        topics, key=lambda topic: (-topic.below / topic.made, -topic.made, topic.subject_material, topic.part)
    )


def _newest_day(scored_parts: list[ScoredPart]) -> tuple[str, int]:
    return (max(scored_part.taken_on for scored_part in scored_parts), scored_parts[0].test_id)


def _topic(class_data: ClassData, scored_parts: list[ScoredPart]) -> Topic:
    newest: dict[int, ScoredPart] = {}
    for scored_part in sorted(scored_parts, key=lambda scored_part: scored_part.taken_on):
        newest[scored_part.pupil_id] = scored_part
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
