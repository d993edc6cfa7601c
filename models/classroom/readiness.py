"""Which pupils have finished everything that was set ready, for materials whose source sends progress."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from models.classroom.class_data import ClassData
from models.results.periods import Period, of_school_year
from models.results.progress import PupilProgress
from models.results.subject_materials import SubjectMaterial
from models.schema.collation import collation_key
from models.schema.records import Status


@dataclass(frozen=True, slots=True)
class Readiness:
    """One material (`Catalogue.material_names`): the pupils with work set ready, those who finished, the newest day."""

    material: str
    subject_materials: frozenset[SubjectMaterial]
    set_for: tuple[int, ...]
    finished: tuple[int, ...]
    newest_on: str


def readiness(class_data: ClassData, pupils: Collection[int], subject: str | None = None) -> list[Readiness]:
    """The readiness in each material that sends progress, most pupils first.

    It is about this school year, whatever period a screen shows: old work may still be open. A pupil with nothing set
    ready in a material does not count there, neither as finished nor as behind.
    """
    names = class_data.material_names
    records: dict[str, dict[int, list[PupilProgress]]] = defaultdict(lambda: defaultdict(list))
    for pupil_id in pupils:
        for progress in class_data.progress.get(pupil_id, ()):
            if subject in (None, progress.subject_material.subject):
                records[names[progress.subject_material]][pupil_id].append(progress)
    readiness_by_material = [_of_material(class_data, material, by_pupil) for material, by_pupil in records.items()]
    return sorted(
        readiness_by_material, key=lambda readiness: (-len(readiness.set_for), collation_key(readiness.material))
    )


def _of_material(class_data: ClassData, material: str, records: dict[int, list[PupilProgress]]) -> Readiness:
    """A pupil has finished who finished every test they have a record of, and every test that most have a record of."""
    records_of = Counter(progress.row.test_id for progress_records in records.values() for progress in progress_records)
    of_most = {test_id for test_id, number in records_of.items() if 2 * number > len(records)}
    finished = [
        pupil_id
        for pupil_id, progress_records in records.items()
        if all(
            is_finished(class_data, pupil_id, test_id)
            for test_id in of_most | {progress.row.test_id for progress in progress_records}
        )
    ]
    newest = max(progress.row.taken_on for progress_records in records.values() for progress in progress_records)
    materials = {progress.subject_material for progress_records in records.values() for progress in progress_records}
    return Readiness(material, frozenset(materials), tuple(records), tuple(finished), newest)


def is_finished(class_data: ClassData, pupil_id: int, test_id: int) -> bool:
    """Whether a pupil finished a test this school year, or the source says that it is not for this pupil.

    A total that was sent counts as finished, whatever an older progress record says; a sum of parts only if there is no
    progress record.
    """
    records = [progress for progress in class_data.progress.get(pupil_id, ()) if progress.row.test_id == test_id]
    if any(record.status is Status.DONE for record in records):
        return True
    this_year = of_school_year(class_data.school_year)
    totals = [
        scored_test
        for scored_tests in class_data.totals.get(pupil_id, {}).values()
        for scored_test in scored_tests
        if scored_test.test_id == test_id and scored_test.taken_on in this_year
    ]
    return any(not total.total.derived or not records for total in totals)


def ready(readiness_by_material: Sequence[Readiness]) -> set[int]:
    """The pupils who finished every material in which something was set ready for them."""
    behind = {
        pupil_id for readiness in readiness_by_material for pupil_id in set(readiness.set_for) - set(readiness.finished)
    }
    return {pupil_id for readiness in readiness_by_material for pupil_id in readiness.finished} - behind


def without_progress(
    class_data: ClassData, pupils: Collection[int], period: Period, subject: str | None = None
) -> list[str]:
    """The materials that these pupils have scores in and whose source sends no progress, by name."""
    names = class_data.material_names
    scored = {
        names[subject_material]
        for pupil_id in pupils
        for subject_material, scored_tests in class_data.totals.get(pupil_id, {}).items()
        if subject in (None, subject_material.subject)
        and any(scored_test.taken_on in period for scored_test in scored_tests)
    }
    sending = {item.material for item in readiness(class_data, pupils, subject)}
    return sorted(scored - sending, key=collation_key)
