"""Overdue: the agreed date of a test is past and the pupil has not finished it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date

from models.classroom.readiness import is_finished
from models.classroom.signals.kind import DueDate, Evidence, Finding, JudgedClass, SignalKind
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
            expected = _expected(judged_class, due)
            for member in judged_class.members:
                if member.id not in expected:
                    continue
                joined_later = member.joined.get(judged_class.class_id, "") > due.due_on
                if joined_later or is_finished(judged_class.class_data, member.id, due.test_id):
                    continue
                evidence = Evidence(due.due_on, days=late_days, due_on=due.due_on, test=due.test)
                yield Finding(
                    member.id, due.subject_material, f"test {due.test_id}", limit, evidence, suppressed=source.late
                )


def _expected(judged_class: JudgedClass, due: DueDate) -> Collection[int]:
    """The pupils of the class whom the test is for; all of them while nobody has begun."""
    class_data, members = judged_class.class_data, {member.id for member in judged_class.members}
    takers = {
        pupil_id
        for pupil_id in members
        if any(
            scored_test.test_id == due.test_id
            for scored_test in class_data.totals.get(pupil_id, {}).get(due.subject_material, ())
        )
        or any(progress.row.test_id == due.test_id for progress in class_data.progress.get(pupil_id, ()))
    }
    return judged_class.audience.of_test(takers, due.subject_material, members) or members
