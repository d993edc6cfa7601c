"""Sparklines: a small line of a pupil's own scores as an image, beside the numbers that it is drawn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from dashboard.ui.charts import colours
from dashboard.ui.elements import html

WIDTH, HEIGHT = 112, 38
LEFT, RIGHT, TOP, BOTTOM = 5, 103, 5, 33  # where lines may be; the dot on the last value needs the rest
DOT = 4
_IN_ADDRESS = str.maketrans({sign: f"%{ord(sign):02X}" for sign in '%#<>"{}'})  # the rest may stand as it is


@dataclass(frozen=True, slots=True)
class Spark:
    """What a sparkline draws: values oldest first, the bound of the norm where there is one, the range of the y-axis.

    All on one scale; the range is that of everybody in the same column.
    """

    values: tuple[Decimal, ...]
    bound: Decimal | None
    low: Decimal
    high: Decimal


def range_of(values: Sequence[Decimal], bounds: Sequence[Decimal]) -> tuple[Decimal, Decimal]:
    """The y-axis that holds all of these values and bounds."""
    everything = [*values, *bounds]
    return min(everything), max(everything)


def sparkline(spark: Spark, scheme: str, alt: str) -> html.Img:
    """The image, in the colours of light or dark; `alt` says in one sentence what it shows."""
    return html.Img(src=data_uri(svg(spark, scheme)), alt=alt, width=WIDTH, height=HEIGHT, className="spark")


def svg(spark: Spark, scheme: str) -> str:
    """The drawing: the norm dotted, the line of scores, a dot on the last only."""
    paint = colours(scheme)
    points = [(_x(index, len(spark.values)), _y(value, spark)) for index, value in enumerate(spark.values)]
    parts = []
    if spark.bound is not None:
        bound = _y(spark.bound, spark)
        parts.append(f"<path d='M0 {bound}H{WIDTH}' stroke='{paint['axis']}' stroke-dasharray='2 3'/>")
    if len(points) > 1:
        line = "L".join(f"{x} {y}" for x, y in points)
        parts.append(f"<path d='M{line}' stroke='{paint['series']}' stroke-width='2' stroke-linejoin='round'/>")
    x, y = points[-1]
    parts.append(
        f"<circle cx='{x}' cy='{y}' r='{DOT}' fill='{paint['series']}' stroke='{paint['surface']}' stroke-width='1.5'/>"
    )
    size = f"width='{WIDTH}' height='{HEIGHT}' viewBox='0 0 {WIDTH} {HEIGHT}'"
    return f"<svg xmlns='http://www.w3.org/2000/svg' {size} fill='none'>{''.join(parts)}</svg>"


def data_uri(drawing: str) -> str:
    """A drawing as an address of its own, that asks nothing of a server."""
    return "data:image/svg+xml," + drawing.translate(_IN_ADDRESS)


def _x(index: int, number: int) -> str:
    """Measurements stand evenly from left to right, the last one always at the right."""
    return _short(RIGHT - Decimal(number - 1 - index) * (RIGHT - LEFT) / max(number - 1, 1))


def _y(value: Decimal, spark: Spark) -> str:
    if spark.high == spark.low:
        return _short(Decimal(TOP + BOTTOM) / 2)
    return _short(BOTTOM - (value - spark.low) / (spark.high - spark.low) * (BOTTOM - TOP))


def _short(number: Decimal) -> str:
    return format(number.quantize(Decimal("0.1")), "f").removesuffix(".0")
