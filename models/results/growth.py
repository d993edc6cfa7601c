"""Growth: the trend of a pupil's scores in one material, compared only with each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise

TREND_POINTS = 3

Scale = tuple[Decimal, Decimal] | None


class Growth(StrEnum):
    """A word for the last three scores."""

    RISES = "rises"
    FALLS = "falls"
    SAME = "same"
    VARIES = "varies"
    TOO_FEW = "too_few"
    OTHER_SCALE = "other_scale"


@dataclass(frozen=True, slots=True)
class Point:
    """A score that counts: its day, its value in ten-thousandths, the scale it is on (None: unknown)."""

    taken_on: str
    value: int
    scale: Scale


def growth(points: Sequence[Point]) -> Growth:
    """Up, down or the same only if all of the last three scores go that way, on one scale; older ones do not count."""
    span = points[-TREND_POINTS:]
    if len({point.scale for point in span}) > 1:
        return Growth.OTHER_SCALE
    if len(span) < TREND_POINTS:
        return Growth.TOO_FEW
    steps = [after.value - before.value for before, after in pairwise(span)]
    if all(step > 0 for step in steps):
        return Growth.RISES
    if all(step < 0 for step in steps):
        return Growth.FALLS
    return Growth.VARIES if any(steps) else Growth.SAME
