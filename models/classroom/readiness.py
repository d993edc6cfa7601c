"""Who has finished everything that is set ready: only of materials whose source sends progress."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from models.classroom.class_data import ClassData
from models.results.periods import Period, of_school_year
from models.results.progress import PupilProgress
from models.schema.records import Status


@dataclass(frozen=True, slots=True)
class Readiness:
    """Of one material (`Catalogue.material_names`): who has work set ready, who of them finished it, the newest day."""

    material: str
    set_for: tuple[int, ...]
    finished: tuple[int, ...]
    newest_on: str


def readiness(class_data: ClassData, pupils: Collection[int], subject: str | None = None) -> list[Readiness]:
    """Per material that sends progress how many pupils are done, most pupils first.

    Of this school year, whatever period a screen shows: who is ready is about now, and old work may still be open. Who
    has nothing set ready in a material is no part of it: neither finished nor behind.
    """
    names = class_data.material_names
    records: dict[str, dict[int, list[PupilProgress]]] = defaultdict(lambda: defaultdict(list))
    for pupil_id in pupils:
        for progress in class_data.progress.get(pupil_id, ()):
            if subject in (None, progress.subject_material.subject):
                records[names[progress.subject_material]][pupil_id].append(progress)
    readiness_by_material = [_of_material(class_data, material, several) for material, several in records.items()]
    return sorted(readiness_by_material, key=lambda readiness: (-len(readiness.set_for), readiness.material.casefold()))


def _of_material(class_data: ClassData, material: str, records: dict[int, list[PupilProgress]]) -> Readiness:
    """Finished is who finished all that there is a record of, and nothing is unknown of that most have a record of."""
    pupils_of = Counter(progress.row.test_id for progress_records in records.values() for progress in progress_records)
    of_most = {test_id for test_id, number in pupils_of.items() if 2 * number > len(records)}
    finished = [
        pupil_id
        for pupil_id, progress_records in records.items()
        if all(
            is_finished(class_data, pupil_id, test_id)
            for test_id in of_most | {progress.row.test_id for progress in progress_records}
        )
    ]
    newest = max(progress.row.taken_on for progress_records in records.values() for progress in progress_records)
    return Readiness(material, tuple(records), tuple(finished), newest)


def is_finished(class_data: ClassData, pupil_id: int, test_id: int) -> bool:
    """Whether a pupil finished a test this school year, or the source says that it is not for this pupil.

    A total that was sent ends it, whatever an older progress record says; a sum of parts does not where there is one.
    """
    records = [progress for progress in class_data.progress.get(pupil_id, ()) if progress.row.test_id == test_id]
    if any(record.status is Status.DONE for record in records):
        return True
    begin = of_school_year(class_data.school_year).first
    totals = [
        scored_test
        for scored_tests in class_data.totals.get(pupil_id, {}).values()
        for scored_test in scored_tests
        if scored_test.test_id == test_id and scored_test.taken_on >= begin
    ]
    return any(not total.total.derived or not records for total in totals)


def ready(readiness_by_material: Sequence[Readiness]) -> set[int]:
    """The pupils who finished everything of every material that something is set ready for them in."""
    behind = {
        pupil_id for readiness in readiness_by_material for pupil_id in set(readiness.set_for) - set(readiness.finished)
    }
    return {pupil_id for readiness in readiness_by_material for pupil_id in readiness.finished} - behind


def without_progress(
    class_data: ClassData, pupils: Collection[int], period: Period, subject: str | None = None
) -> list[str]:
    """The materials that these pupils have scores of and whose source sends no progress, by name."""
    names = class_data.material_names
    scored = {
        names[subject_material]
        for pupil_id in pupils
        for subject_material, scored_tests in class_data.totals.get(pupil_id, {}).items()
        if subject in (None, subject_material.subject)
        and any(scored_test.taken_on in period for scored_test in scored_tests)
    }
    sending = {item.material for item in readiness(class_data, pupils, subject)}
    return sorted(scored - sending, key=str.casefold)
