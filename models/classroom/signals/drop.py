"""Sharp drop: the newest total lies far below the pupil's own mean on the same scale.

The scale must be known: by a norm, by the number of points of the test, or because the scores are percentages.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from models.classroom.class_data import ScoredTest
from models.classroom.percentages import PERCENT_SCALE
from models.classroom.signals.kind import Evidence, Finding, JudgedClass, SignalKind, evidence_key, score_fact
from models.classroom.thresholds import Threshold, Thresholds
from models.schema.records import SCALE

PERCENT = Threshold("drop_percent", default=15, lowest=5, highest=50)  # of the scale, below the pupil's own mean
EARLIER = Threshold("drop_earlier", default=3, lowest=2, highest=6)  # totals on the same scale in that mean


class Drop(SignalKind):
    """A sharp drop of a pupil against their own past."""

    thresholds = (PERCENT, EARLIER)

    def judge(self, judged_class: JudgedClass) -> Iterator[Finding]:
        """A drop in the newest total of this school year, per pupil and material."""
        limits = judged_class.thresholds
        for member, subject_material, judged in judged_class.series():
            scored_tests = [scored_test for scored_test in judged if scored_test.reading.counts]
            if not scored_tests or scored_tests[-1].taken_on < judged_class.year_start:
                continue
            evidence = _drop(scored_tests, limits, subject_material in judged_class.percentage_materials)
            if evidence is not None:
                yield Finding(member.id, subject_material, subject_material.key, limits[PERCENT], evidence)


def _drop(scored_tests: list[ScoredTest], limits: Thresholds, in_percent: bool) -> Evidence | None:
    newest, own_scale = scored_tests[-1], scored_tests[-1].scale
    scale = own_scale or (PERCENT_SCALE if in_percent else None)
    if scale is None or scale[1] <= scale[0]:
        return None
    earlier = [scored_test for scored_test in scored_tests[:-1] if scored_test.scale == own_scale][-limits[EARLIER] :]
    if len(earlier) < limits[EARLIER]:
        return None
    mean = sum((Decimal(_value(scored_test)) for scored_test in earlier), Decimal(0)) / len(earlier)
    fall = (mean - _value(newest)) / SCALE
    if fall * 100 < limits[PERCENT] * (scale[1] - scale[0]):
        return None
    return Evidence(evidence_key(map(score_fact, (*earlier, newest))), (*earlier, newest), mean)


def _value(scored_test: ScoredTest) -> int:
    return scored_test.reading.value or 0
