"""Overdue: the agreed date of a test is past and the pupil has not finished it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from models.classroom.readiness import is_finished
from models.classroom.signals.kind import Evidence, Finding, JudgedClass, SignalKind
from models.classroom.thresholds import Threshold

SCHOOL_DAYS = Threshold("overdue_school_days", default=3, lowest=0, highest=20)  # school days after the agreed date


class Overdue(SignalKind):
    """A test that a pupil has not finished by the date agreed with the class."""

    thresholds = (SCHOOL_DAYS,)
    by_agreement = True

    def judge(self, judged_class: JudgedClass) -> Iterator[Finding]:
        """Pupils who are overdue, per agreed date; suppressed while the source is late."""
        limit = judged_class.thresholds[SCHOOL_DAYS]
        for due in judged_class.due_dates:
            late_days = judged_class.school_days_since(due.due_on)
            if judged_class.today <= date.fromisoformat(due.due_on) or late_days < limit:
                continue
            source = judged_class.delivering(due.subject_material.source_id)
            if source is None:
                continue  # what was finished since cannot come in
            for member in judged_class.members:
                joined_later = member.joined.get(judged_class.class_id, "") > due.due_on
                if joined_later or is_finished(judged_class.class_data, member.id, due.test_id):
                    continue
                evidence = Evidence(due.due_on, days=late_days, due_on=due.due_on, test=due.test)
                yield Finding(
                    member.id, due.subject_material, f"test {due.test_id}", limit, evidence, suppressed=source.late
                )
