"""Stuck: the last few totals are all in the lowest band of the source."""

from __future__ import annotations

from collections.abc import Iterator

from models.classroom.signals.kind import Evidence, Finding, JudgedClass, SignalKind, evidence_key, score_fact
from models.classroom.thresholds import Threshold
from models.results.scales import NormPosition

TIMES = Threshold("stuck_times", default=3, lowest=2, highest=6)  # totals in a row in the lowest band


class Stuck(SignalKind):
    """A pupil who stays below the norm of the source."""

    thresholds = (TIMES,)

    def judge(self, judged_class: JudgedClass) -> Iterator[Finding]:
        """Series of totals in the lowest band that end in this school year, per pupil and material."""
        times = judged_class.thresholds[TIMES]
        for member, subject_material, scored_tests in judged_class.series():
            last = scored_tests[-times:]
            if len(last) < times or last[-1].taken_on < judged_class.year_start:
                continue
            if all(scored_test.reading.position is NormPosition.BELOW for scored_test in last):
                evidence = Evidence(evidence_key(map(score_fact, last)), (*last,))
                yield Finding(member.id, subject_material, subject_material.key, times, evidence)
