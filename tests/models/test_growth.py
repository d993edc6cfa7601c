"""A trend word: from three points up, on one scale, and only where all steps go one way."""

from __future__ import annotations

from decimal import Decimal

import pytest

from models.results.growth import Growth, Point, growth

HUNDRED = (Decimal(0), Decimal(100))
FORTY = (Decimal(0), Decimal(40))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((), Growth.TOO_FEW),
        ((50,), Growth.TOO_FEW),
        ((50, 60), Growth.TOO_FEW),
        ((50, 60, 70), Growth.RISES),
        ((90, 10, 20, 30), Growth.RISES),  # the last three
        ((70, 60, 50), Growth.FALLS),
        ((0, 0, 0), Growth.SAME),
        ((50, 50, 60), Growth.VARIES),
        ((50, 70, 60), Growth.VARIES),
    ],
)
def test_a_word_needs_three_points_that_go_one_way(values: tuple[int, ...], expected: Growth) -> None:
    points = [Point(f"2026-10-{day:02}", value, HUNDRED) for day, value in enumerate(values, 1)]
    assert growth(points) is expected


def test_scores_on_two_scales_have_no_trend() -> None:
    points = [Point("2026-10-01", 50, HUNDRED), Point("2026-10-02", 30, FORTY), Point("2026-10-03", 35, FORTY)]
    assert growth(points) is Growth.OTHER_SCALE
    later = [Point(f"2026-10-0{day}", day, FORTY) for day in (4, 5, 6)]
    assert growth([*points, *later]) is Growth.RISES  # what the word covers is on one scale
    unknown = [Point(f"2026-10-0{day}", day, None) for day in (1, 2, 3)]
    assert growth(unknown) is Growth.RISES  # one material without a norm: with itself only
