"""Which materials without a norm are scored in percent: their scores are the share right that the source counts.

A number between 0 and 100 proves nothing by itself. A source that also sends how many exercises there were and how many
were right states what its number means.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from decimal import Decimal

from models.classroom.class_data import ClassData, ScoredTest
from models.results.progress import PupilProgress
from models.results.subject_materials import SubjectMaterial
from models.schema.records import SCALE, Kind, Status

PERCENT_SCALE = (Decimal(0), Decimal(100))
ENOUGH = 3  # scores that are the share right, and not the number right
EXCEPTIONS = 10  # of so many, one may differ: a correction of only the score or only the counts


def percentage_materials(class_data: ClassData, pupil_ids: Collection[int]) -> frozenset[SubjectMaterial]:
    """The subject materials that are scored in percent, by the scores and progress records of these pupils."""
    proofs: Counter[SubjectMaterial] = Counter()
    differing: Counter[SubjectMaterial] = Counter()
    for pupil_id in pupil_ids:
        done = {
            (progress.subject_material, progress.row.test_id): progress
            for progress in class_data.progress.get(pupil_id, ())
            if progress.status is Status.DONE and progress.offered and progress.correct is not None
        }
        for subject_material, test_id in done:
            for scored_test in class_data.totals.get(pupil_id, {}).get(subject_material, ()):
                if scored_test.test_id == test_id and _has_bare_number(scored_test):
                    is_share, is_proof = _compare(scored_test, done[subject_material, test_id])
                    differing[subject_material] += not is_share
                    proofs[subject_material] += is_proof
    return frozenset(
        subject_material
        for subject_material, number in proofs.items()
        if number >= ENOUGH and EXCEPTIONS * differing[subject_material] <= number
    )


def _has_bare_number(scored_test: ScoredTest) -> bool:
    """Whether the source sent a number, and nothing about its scale."""
    row, reading = scored_test.total.row, scored_test.reading
    return row.kind == Kind.SCORE and reading.counts and scored_test.scale is None and not scored_test.total.derived


def _compare(scored_test: ScoredTest, progress: PupilProgress) -> tuple[bool, bool]:
    """Whether the score is the percentage right, rounded in any way; and whether it could be nothing else."""
    assert progress.offered is not None
    assert progress.correct is not None
    value = Decimal(scored_test.reading.value or 0) / SCALE
    is_share = abs(value - Decimal(100 * progress.correct) / progress.offered) < 1
    return is_share, is_share and (value != progress.correct or progress.offered == PERCENT_SCALE[1])
