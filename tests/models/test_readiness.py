"""Who has finished everything that is set ready."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from models.classroom.readiness import readiness, ready
from models.schema import clock
from models.schema.records import Status
from tests.dashboard import school
from tests.models.classroom import Classroom


@pytest.fixture(autouse=True)
def _today() -> Iterator[None]:
    with clock.fixed(school.NOW):
        yield


def finished(classroom: Classroom) -> tuple[int, ...]:
    """Who finished everything of the one material."""
    [test] = readiness(classroom.class_data, range(1, classroom.pupils + 1))
    assert ready([test]) == set(test.finished)
    return test.finished


def test_who_finished_all_that_is_known_of_the_class_is_ready() -> None:
    classroom = Classroom()
    for pupil in (1, 2, 3, 4):
        classroom.record(pupil, Status.DONE, "2026-11-10", 10)
    classroom.record(1, Status.DONE, "2026-11-20", 10, test=2)
    classroom.record(2, Status.BUSY, "2026-11-20", 3, test=2)
    classroom.record(3, Status.NOT_BEGUN, "2026-09-01", 0, test=2)
    assert finished(classroom) == (1,)  # of pupil 4 nothing is known of a test that most have


def test_a_test_of_a_few_is_not_asked_of_the_others() -> None:
    classroom = Classroom()
    for pupil in (1, 2, 3, 4):
        classroom.record(pupil, Status.DONE, "2026-11-10", 10)
    classroom.record(1, Status.BUSY, "2026-11-20", 3, test=2)
    assert finished(classroom) == (2, 3, 4)
