"""For whom tests and materials are: the year groups that work with them, and the pupils who take a subject.

No source says so. What pupils of the same class and year group have results or progress of does.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from models.access.people import Member
from models.classroom.class_data import ClassData
from models.results.own_subjects import Subjects
from models.results.progress import PupilProgress
from models.results.scales import Missing
from models.results.subject_materials import SubjectMaterial
from models.results.subjects import UNMAPPED

TAKERS = 3  # with fewer pupils who have anything of a subject, it may be new and nothing is said of the others
Cohort = frozenset[int]  # the pupils of one year group of a class


@dataclass(frozen=True, slots=True)
class Audience:
    """The cohorts of some classes, and by pupil the materials of the class that are not for them and why.

    `limited`: the pupils of whom only some subjects were read, and which; of others nothing can be said.
    """

    cohorts: tuple[Cohort, ...]
    year_groups: Mapping[int, str | None]  # by pupil
    not_for: Mapping[int, Mapping[SubjectMaterial, Missing]]
    limited: Mapping[int, Subjects] = field(default_factory=dict)

    def reason_not_for(self, pupil_id: int, subject_materials: Collection[SubjectMaterial]) -> Missing | None:
        """Why none of these materials is for a pupil; None if one may be."""
        own, seen = self.not_for.get(pupil_id, {}), self.limited.get(pupil_id)
        reasons = [
            own.get(material) if seen is None or material.subject in seen else Missing.OTHER_SUBJECT
            for material in subject_materials
        ]
        return reasons[0] if reasons and None not in reasons else None

    def years_of(self, pupil_ids: Iterable[int]) -> set[str | None]:
        """The year groups of these pupils."""
        return {self.year_groups.get(pupil_id) for pupil_id in pupil_ids}

    def of_test(
        self, takers: Collection[int], subject_material: SubjectMaterial, shown: Collection[int]
    ) -> frozenset[int]:
        """The pupils shown whom a test is for: `takers`, and the other pupils of their cohorts that take the subject.

        Of a cohort in which fewer than half as large a share took it as in the foremost one, only the takers count.
        """
        shown_takers = set(takers) & set(shown)
        candidates = [
            {pupil_id for pupil_id in cohort & set(shown) if self.reason_not_for(pupil_id, (subject_material,)) is None}
            for cohort in self.cohorts
        ]
        shares = [len(pupils & shown_takers) / len(pupils) if pupils else 0.0 for pupils in candidates]
        foremost = max(shares, default=0.0)
        whole = [
            pupils for pupils, share in zip(candidates, shares, strict=True) if share > 0 and 2 * share >= foremost
        ]
        return frozenset(shown_takers.union(*whole))


def audience_of(class_data: ClassData, progress: Mapping[int, Iterable[PupilProgress]]) -> Audience:
    """The audience of what these classes have, in the years that were read; `progress` is of the period shown.

    A pupil does not take a subject of which they have nothing, if at least TAKERS and fewer than half of their cohort
    have any of it. A material is not for a cohort of which nobody has any of it while another cohort of the class has.
    """
    own = {member.id: _materials_of(class_data, progress, member.id) for member in class_data.members}
    cohorts: list[Cohort] = []
    not_for: dict[int, dict[SubjectMaterial, Missing]] = {}
    for class_id in class_data.class_ids:
        of_class = _cohorts(class_data.of_class(class_id))
        cohorts += of_class
        everything = {material for cohort in of_class for pupil_id in cohort for material in own[pupil_id]}
        for cohort in of_class:
            of_cohort = {material for pupil_id in cohort for material in own[pupil_id]}
            limits = [class_data.limited[pupil_id] for pupil_id in cohort if pupil_id in class_data.limited]
            few = _taken_by_few([own[pupil_id] for pupil_id in cohort], limits)
            for pupil_id in cohort:
                subjects = {_subject(material) for material in own[pupil_id]}
                not_taken = few - subjects
                reasons = {
                    material: Missing.NOT_TAKEN if _subject(material) in not_taken else Missing.OTHER_YEAR
                    for material in everything
                    if _subject(material) in not_taken or material not in of_cohort
                }
                not_for.setdefault(pupil_id, reasons)
    year_groups = {member.id: member.year_group for member in class_data.members}
    return Audience(tuple(cohorts), year_groups, not_for, class_data.limited)


def _materials_of(
    class_data: ClassData, progress: Mapping[int, Iterable[PupilProgress]], pupil_id: int
) -> set[SubjectMaterial]:
    """Everything that a pupil has a total, a progress record or a result with a date in the future of."""
    records = (*class_data.progress.get(pupil_id, ()), *progress.get(pupil_id, ()))
    return {
        *class_data.totals.get(pupil_id, {}),
        *(record.subject_material for record in records),
        *(result.subject_material for result in class_data.future.get(pupil_id, ())),
    }


def _cohorts(members: Sequence[Member]) -> list[Cohort]:
    """The pupils of a class by year group; one cohort where the year group of somebody is unknown."""
    by_year: dict[str | None, set[int]] = defaultdict(set)
    for member in members:
        by_year[member.year_group].add(member.id)
    if None in by_year:
        return [frozenset(member.id for member in members)]
    return [frozenset(pupil_ids) for pupil_ids in by_year.values()]


def _taken_by_few(of_pupils: Sequence[Collection[SubjectMaterial]], limits: Sequence[Subjects]) -> set[str]:
    """The subjects that some of a cohort have anything of, and fewer than half of those of whom that was read."""
    counts: dict[str, int] = defaultdict(int)
    for materials in of_pupils:
        for subject in {_subject(material) for material in materials}:
            counts[subject] += 1
    return {
        subject
        for subject, number in counts.items()
        if number >= TAKERS and 2 * number < len(of_pupils) - sum(subject not in seen for seen in limits)
    }


def _subject(subject_material: SubjectMaterial) -> str:
    """The subject; of results whose subject is not assigned each material counts as one."""
    return subject_material.material if subject_material.subject == UNMAPPED else subject_material.subject
