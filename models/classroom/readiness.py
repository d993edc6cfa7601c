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


def readiness(seen: ClassData, pupils: Collection[int], subject: str | None = None) -> list[Readiness]:
    """Per material that sends progress how many pupils are done, most pupils first.

    Of this school year, whatever period a screen shows: who is ready is about now, and old work may still be open. Who
    has nothing set ready in a material is no part of it: neither finished nor behind.
    """
    names = seen.material_names
    records: dict[str, dict[int, list[PupilProgress]]] = defaultdict(lambda: defaultdict(list))
    for pupil_id in pupils:
        for one in seen.progress.get(pupil_id, ()):
            if subject in (None, one.subject_material.subject):
                records[names[one.subject_material]][pupil_id].append(one)
    found = [_of_material(seen, material, several) for material, several in records.items()]
    return sorted(found, key=lambda one: (-len(one.set_for), one.material.casefold()))


def _of_material(seen: ClassData, material: str, records: dict[int, list[PupilProgress]]) -> Readiness:
    """Finished is who finished all that there is a record of, and nothing is unknown of that most have a record of."""
    pupils_of = Counter(one.row.test_id for several in records.values() for one in several)
    of_most = {test_id for test_id, number in pupils_of.items() if 2 * number > len(records)}
    finished = [
        pupil_id
        for pupil_id, several in records.items()
        if all(is_finished(seen, pupil_id, test_id) for test_id in of_most | {one.row.test_id for one in several})
    ]
    newest = max(one.row.taken_on for several in records.values() for one in several)
    return Readiness(material, tuple(records), tuple(finished), newest)


def is_finished(seen: ClassData, pupil_id: int, test_id: int) -> bool:
    """Whether a pupil finished a test this school year, or the source says that it is not for this pupil.

    A total that was sent ends it, whatever an older progress record says; a sum of parts does not where there is one.
    """
    records = [one for one in seen.progress.get(pupil_id, ()) if one.row.test_id == test_id]
    if any(one.status is Status.DONE for one in records):
        return True
    begin = of_school_year(seen.school_year).first
    totals = [
        one
        for lane in seen.totals.get(pupil_id, {}).values()
        for one in lane
        if one.test_id == test_id and one.taken_on >= begin
    ]
    return any(not one.total.derived or not records for one in totals)


def ready(found: Sequence[Readiness]) -> set[int]:
    """The pupils who finished everything of every material that something is set ready for them in."""
    behind = {pupil_id for one in found for pupil_id in set(one.set_for) - set(one.finished)}
    return {pupil_id for one in found for pupil_id in one.finished} - behind


def without_progress(seen: ClassData, pupils: Collection[int], period: Period, subject: str | None = None) -> list[str]:
    """The materials that these pupils have scores of and whose source sends no progress, by name."""
    names = seen.material_names
    scored = {
        names[field]
        for pupil_id in pupils
        for field, lane in seen.totals.get(pupil_id, {}).items()
        if subject in (None, field.subject) and any(one.taken_on in period for one in lane)
    }
    sending = {one.material for one in readiness(seen, pupils, subject)}
    return sorted(scored - sending, key=str.casefold)
