"""Progress records: totals up to a date for one pupil, test and part; the newest replaces, nothing is summed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection
from dataclasses import dataclass

from models.results.catalogue import Catalogue
from models.results.current_results import ResultRow, date_order
from models.results.scales import Missing
from models.results.subject_materials import SubjectMaterial
from models.schema.records import Status


@dataclass(frozen=True, slots=True)
class PupilProgress:
    """The progress of a pupil in one test: its newest record, or a summary of the newest records of its parts."""

    row: ResultRow
    subject_material: SubjectMaterial
    status: Status
    offered: int | None
    made: int | None
    correct: int | None
    worked_ms: int | None

    @property
    def state(self) -> Missing:
        """The reason to show in a cell without a score."""
        return _STATES[self.status]


AudienceOfTest = Callable[[Collection[int], SubjectMaterial], frozenset[int]]  # of the pupils who have a record

_STATES = {Status.NOT_BEGUN: Missing.NOT_BEGUN, Status.BUSY: Missing.BUSY, Status.DONE: Missing.NO_SCORE}


@dataclass(frozen=True, slots=True)
class TestProgress:
    """The progress of a class in one test, of the `audience` whom it is for; `without` have no record.

    `worked_ms`: the time of each pupil who began, where the source states it.
    """

    __test__ = False

    test_id: int
    definition_id: int
    subject_material: SubjectMaterial
    taken_on: str
    done: int
    busy: int
    not_begun: int
    without: int
    audience: frozenset[int]
    worked_ms: tuple[int, ...]


def newest_records(rows: list[ResultRow]) -> dict[tuple[int, int, int], ResultRow]:
    """The newest record per pupil, test and part: by date, then by the message's creation and digest."""
    newest: dict[tuple[int, int, int], ResultRow] = {}
    for row in rows:
        key = (row.pupil_id, row.test_id, row.part_id)
        if key not in newest or date_order(newest[key]) < date_order(row):
            newest[key] = row
    return newest


def newest_progress(rows: list[ResultRow], catalogue: Catalogue) -> dict[int, tuple[PupilProgress, ...]]:
    """By pupil, the progress in each test with a progress record."""
    tests: dict[tuple[int, int], dict[int, ResultRow]] = defaultdict(dict)
    for (pupil_id, test_id, part_id), row in newest_records(rows).items():
        tests[pupil_id, test_id][part_id] = row
    progress: dict[int, list[PupilProgress]] = defaultdict(list)
    for (pupil_id, _), records in tests.items():
        progress[pupil_id].append(_of_test(records, catalogue))
    return {pupil_id: tuple(progress_records) for pupil_id, progress_records in progress.items()}


def of_record(row: ResultRow, subject_material: SubjectMaterial) -> PupilProgress:
    """The progress that one record states for a test or part."""
    status = Status(row.status if row.status is not None else Status.BUSY)
    return PupilProgress(row, subject_material, status, row.offered, row.made, row.correct, row.worked_ms)


def _of_test(records: dict[int, ResultRow], catalogue: Catalogue) -> PupilProgress:
    row = records.get(0) or max(records.values(), key=date_order)
    subject_material = catalogue.subject_material(row.definition_id)
    if row.part_id == 0:
        return of_record(row, subject_material)
    statuses = {Status(part.status) for part in records.values() if part.status is not None}
    status = statuses.pop() if len(statuses) == 1 else Status.BUSY
    return PupilProgress(row, subject_material, status, None, None, None, None)


def class_progress(
    progress: dict[int, tuple[PupilProgress, ...]], audience_of_test: AudienceOfTest
) -> list[TestProgress]:
    """The progress of a class in each test, newest test first; `audience_of_test` gives the pupils whom one is for."""
    tests: dict[int, list[PupilProgress]] = defaultdict(list)
    for progress_records in progress.values():
        for record in progress_records:
            tests[record.row.test_id].append(record)
    by_test = [_class_test(progress_records, audience_of_test) for progress_records in tests.values()]
    return sorted(by_test, key=lambda progress: (progress.taken_on, progress.test_id), reverse=True)


def _class_test(progress_records: list[PupilProgress], audience_of_test: AudienceOfTest) -> TestProgress:
    newest = max((progress.row for progress in progress_records), key=date_order)
    counted = [progress.status for progress in progress_records]
    pupil_ids = {progress.row.pupil_id for progress in progress_records}
    audience = audience_of_test(pupil_ids, progress_records[0].subject_material)
    return TestProgress(
        newest.test_id,
        newest.definition_id,
        progress_records[0].subject_material,
        newest.taken_on,
        counted.count(Status.DONE),
        counted.count(Status.BUSY),
        counted.count(Status.NOT_BEGUN),
        len(audience) - len(progress_records),
        audience,
        tuple(
            progress.worked_ms
            for progress in progress_records
            if progress.worked_ms is not None and progress.status is not Status.NOT_BEGUN
        ),
    )
