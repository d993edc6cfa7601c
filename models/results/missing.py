"""Why a pupil has no score in a material: one rule for the matrix, Mijn leerlingen and the pupil page."""

from __future__ import annotations

from collections.abc import Collection

from models.results.current_results import date_order
from models.results.progress import PupilProgress
from models.results.scales import Missing
from models.results.subject_materials import SubjectMaterial

FieldTest = tuple[SubjectMaterial, int]  # and the number of a test in it


def missing_reason_of(
    records: Collection[PupilProgress],
    outside: Collection[FieldTest],
    *,
    connected: bool,
    sends_progress: bool,
    sends_scores: bool,
    in_future: bool = False,
    not_for: Missing | None = None,
) -> tuple[Missing, PupilProgress | None]:
    """The reason, and the progress record that says it.

    `records`: the pupil's progress; `outside`: the tests that the pupil made outside of the period.
    `sends_progress` and `sends_scores`: whether the source does so for anybody in the class of the pupil. `in_future`:
    whether the pupil has a result of a day that has yet to come. `not_for`: why nothing is to be expected of the pupil.
    """
    if not_for is Missing.OTHER_SUBJECT:
        return not_for, None  # nothing is known here, whatever there may be
    if not connected:
        return Missing.NOT_LINKED, None
    if in_future:
        return Missing.FUTURE, None
    if records:
        newest = max(records, key=lambda progress: date_order(progress.row))
        scored = newest.state is Missing.NO_SCORE and (newest.subject_material, newest.row.test_id) in outside
        return (Missing.OUTSIDE, None) if scored else (newest.state, newest)
    if outside:
        return Missing.OUTSIDE, None
    if not_for is not None:
        return not_for, None
    if sends_progress:
        return Missing.NOT_SET, None
    return (Missing.NO_RESULT if sends_scores else Missing.NOT_DELIVERED), None
