"""Schools whose scores are drawn at random: no word of growth on a pupil page contradicts the numbers beside it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, insert, select

from models.access.people import pupil_names
from models.classroom.timeline import pupil_timeline
from models.results.periods import with_year_before
from models.schema import clock, database, tables
from models.schema.records import SCALE, Kind
from tests.conftest import Store
from tests.dashboard import school
from tests.dashboard.test_group_filters import SUPPORT
from tests.dashboard.test_growth_words import check_series

FIRST_DAY = date(2026, 8, 24)


@pytest.mark.parametrize("seed", range(20))
def test_no_word_of_growth_in_a_drawn_school_contradicts_its_numbers(known_school: Store, seed: int) -> None:
    chance = random.Random(seed)
    results = tables.results.c
    of_school = (results.school_id == school.SCHOOL, results.part_id == 0)
    with database.write_transaction(known_school.engine, school.SCHOOL) as connection:
        tests = connection.execute(
            select(results.source_id, results.test_id, results.definition_id).where(*of_school).distinct()
        ).all()
        identifiers = list(connection.scalars(select(results.identifier_id).where(*of_school).distinct()))
        connection.execute(delete(tables.results))
        connection.execute(insert(tables.results), [drawn(chance, identifiers, tests, key) for key in range(600)])
    words = 0
    with clock.fixed(school.NOW), database.read_transaction(known_school.engine) as connection:
        for pupil in pupil_names(connection, SUPPORT):
            timeline = pupil_timeline(connection, SUPPORT, pupil.id, with_year_before(school.YEAR))
            assert timeline is not None
            words += sum(check_series(series) for series in timeline.series)
    assert words > 20


def drawn(chance: random.Random, identifiers: list[int], tests: Sequence[Any], key: int) -> dict[str, object]:
    """A score of some pupil on some test, on a day of this school year."""
    test = chance.choice(tests)
    points = chance.randint(0, 12)
    return {
        "school_id": 1, "source_id": test.source_id, "kind": int(Kind.SCORE), "test_id": test.test_id,
        "definition_id": test.definition_id, "part_id": 0, "school_year": school.YEAR, "created_us": key,
        "digest64": key, "delivery_id": 1, "key": f"drawn{key}", "identifier_id": chance.choice(identifiers),
        "taken_on": (FIRST_DAY + timedelta(days=chance.randint(0, 90))).isoformat(),
        "score": points * SCALE, "score_text": str(points),
    }  # fmt: skip
