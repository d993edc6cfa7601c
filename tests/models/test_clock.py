"""Time: school years, the Dutch day, and instants without a zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from models.schema import clock


@pytest.mark.parametrize(
    ("day", "label"),
    [
        ("2026-07-31", "2025-2026"),
        ("2026-08-01", "2026-2027"),
        ("2026-12-31", "2026-2027"),
        ("2028-02-29", "2027-2028"),
    ],
)
def test_a_school_year_turns_on_the_first_of_august(day: str, label: str) -> None:
    assert clock.school_year(date.fromisoformat(day)) == label
    first, last = clock.school_year_bounds(label)
    assert first <= date.fromisoformat(day) <= last


def test_today_is_the_day_in_the_netherlands() -> None:
    with clock.fixed(datetime(2026, 6, 30, 22, 30, tzinfo=UTC)):
        assert clock.today() == date(2026, 7, 1)


def test_an_instant_without_zone_is_one_in_the_netherlands() -> None:
    summer, winter = datetime(2026, 7, 1, 12), datetime(2026, 1, 1, 12)  # noqa: DTZ001 - the point
    assert clock.from_us(clock.to_us(summer)) == datetime(2026, 7, 1, 10, tzinfo=UTC)
    assert clock.from_us(clock.to_us(winter)) == datetime(2026, 1, 1, 11, tzinfo=UTC)


def test_the_hour_that_comes_twice_and_the_hour_that_never_comes_are_instants() -> None:
    twice, never = datetime(2026, 10, 25, 2, 30), datetime(2026, 3, 29, 2, 30)  # noqa: DTZ001 - the point
    assert clock.from_us(clock.to_us(twice)) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert clock.from_us(clock.to_us(never)) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


def test_arrivals_come_after_each_other_and_follow_a_clock_that_is_set() -> None:
    noon = datetime(2031, 11, 20, 12, tzinfo=UTC)  # a year that no other test comes in
    with clock.fixed(noon):
        standing = [clock.arrival_us() for _ in range(3)]
        assert standing == [clock.now_us() + step for step in range(3)]
    with clock.fixed(noon - timedelta(milliseconds=500)):
        assert clock.arrival_us() == standing[-1] + 1
    for moved in (timedelta(hours=1), timedelta(hours=-1)):
        with clock.fixed(noon + moved):
            assert clock.arrival_us() == clock.now_us()
