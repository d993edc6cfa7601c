"""No work: a pupil has not worked with a source for many school days, while at least half of those it is for have."""

from __future__ import annotations

from collections.abc import Iterator

from models.access.people import Member
from models.classroom.signals.kind import Evidence, Finding, JudgedClass, SignalKind
from models.classroom.thresholds import Threshold
from models.results.subject_materials import SubjectMaterial

SCHOOL_DAYS = Threshold("idle_school_days", default=10, lowest=3, highest=40)  # school days without work
HALF = 2  # half of those whom it is for must have worked before a pupil who has not is idle


class Idle(SignalKind):
    """A pupil without work in a source that the class works with."""

    thresholds = (SCHOOL_DAYS,)

    def judge(self, judged_class: JudgedClass) -> Iterator[Finding]:
        """Pupils without work, per source; suppressed while the source is late."""
        limit, last_active = judged_class.thresholds[SCHOOL_DAYS], judged_class.class_data.last_active
        for source_id, used in _used_sources(judged_class).items():
            source = judged_class.delivering(source_id)
            if source is None or source.role != "publisher":
                continue
            days = {member.id: _school_days_without(judged_class, member, source_id) for member in judged_class.members}
            active = [member.id for member in judged_class.members if source_id in last_active.get(member.id, {})]
            working = sum(days[pupil_id] < limit for pupil_id in active)
            if working * HALF < len(_working_with(judged_class, source_id)) and not source.late:
                continue
            for member in judged_class.members:
                last_on = last_active.get(member.id, {}).get(source_id)
                if days[member.id] < limit or (last_on is None and not _has_work_set(judged_class, member, source_id)):
                    continue  # without work or an assignment, nothing says that the material is meant for this pupil
                subject_material = _newest_material(judged_class, member, source_id) or used
                evidence = Evidence(last_on or "", last_on=last_on, days=days[member.id])
                yield Finding(member.id, subject_material, f"source {source_id}", limit, evidence, source.late)


def _working_with(judged_class: JudgedClass, source_id: int) -> list[Member]:
    """The pupils whom a material of a source is for."""
    class_data, audience = judged_class.class_data, judged_class.audience
    materials = {
        subject_material
        for member in judged_class.members
        for subject_material in (
            *class_data.totals.get(member.id, ()),
            *(progress.subject_material for progress in class_data.progress.get(member.id, ())),
        )
        if subject_material.source_id == source_id
    }
    return [member for member in judged_class.members if audience.reason_not_for(member.id, materials) is None]


def _newest_material(judged_class: JudgedClass, member: Member, source_id: int) -> SubjectMaterial | None:
    """The subject and material of a source in which a pupil has the newest total or progress record."""
    class_data = judged_class.class_data
    dated = [
        (scored_tests[-1].taken_on, subject_material)
        for subject_material, scored_tests in class_data.totals.get(member.id, {}).items()
        if subject_material.source_id == source_id
    ]
    dated += [
        (progress.row.taken_on, progress.subject_material)
        for progress in class_data.progress.get(member.id, ())
        if progress.subject_material.source_id == source_id
    ]
    return max(dated)[1] if dated else None


def _has_work_set(judged_class: JudgedClass, member: Member, source_id: int) -> bool:
    """Whether the source has assigned work to a pupil."""
    progress_records = judged_class.class_data.progress.get(member.id, ())
    return any(progress.subject_material.source_id == source_id for progress in progress_records)


def _used_sources(judged_class: JudgedClass) -> dict[int, SubjectMaterial]:
    """The sources that a pupil of the class worked with this school year, each with one of its materials."""
    class_data = judged_class.class_data
    used: dict[int, SubjectMaterial] = {}
    for member in judged_class.members:
        last_active = class_data.last_active.get(member.id, {})
        subject_materials = [
            *class_data.totals.get(member.id, {}),
            *(progress.subject_material for progress in class_data.progress.get(member.id, ())),
        ]
        for subject_material in subject_materials:
            if last_active.get(subject_material.source_id, "") >= judged_class.year_start:
                used.setdefault(subject_material.source_id, subject_material)
    return used


def _school_days_without(judged_class: JudgedClass, member: Member, source_id: int) -> int:
    """School days since the last work; without any, since the pupil joined or the school year started."""
    last_on = judged_class.class_data.last_active.get(member.id, {}).get(source_id)
    return judged_class.school_days_since(max(judged_class.year_start, member.since or "", last_on or ""))
