"""A series of the pupil screen as a plain figure: own scale, own bands, colours from the tokens."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from functools import cache
from pathlib import Path
from typing import Any

from dashboard.text.translate import _, day_name, language, month_word, native
from dashboard.text.words import band_word, holiday_word, short_test
from models.classroom.goals import Goal
from models.classroom.holidays import Holiday
from models.classroom.timeline import MaterialSeries, Sitting
from models.results.periods import Period
from models.results.scales import NormPosition, ParsedNorm, plain_decimal
from models.schema import clock
from models.schema.records import SCALE

TOKENS = Path(__file__).resolve().parents[2] / "assets" / "tokens.css"
FONT = 'system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue","Noto Sans",Arial,sans-serif'
# Fixed by the order in which they were connected.
MARKERS = ("circle", "square", "diamond", "cross", "triangle-right", "hexagon", "star-diamond")
HEIGHT, TOP, BOTTOM, LEFT, RIGHT = 172, 14, 42, 64, 96
PLOT = HEIGHT - TOP - BOTTOM
AIR_DAYS, SHORTEST_DAYS = 10, 90
MAX_TICKS = 6
HOLIDAY_SHARE = 0.02  # of the time axis; a narrower rectangle has no room for a word
CLOSE = 15  # pixels under which two labels would touch

# One configuration for every chart: no bar, no button that sends the data to a cloud.
CHART_CONFIG = {
    "displayModeBar": False,
    "displaylogo": False,
    "showSendToCloud": False,
    "plotlyServerURL": "",
    "responsive": True,
    "scrollZoom": False,
    "doubleClick": False,
    "showTips": False,
}


def chart_config() -> dict[str, Any]:
    """The configuration of a chart in the language of the request."""
    return {**CHART_CONFIG, "locale": language()}


@cache
def colours(scheme: str) -> dict[str, str]:
    """The colours of the tokens for light or dark, by name without --rb-."""
    text = TOKENS.read_text()
    light = _block(text, text.index(":root{"))
    dark = _block(text, text.index('[data-colours="dark"]'))
    return light if scheme == "light" else {**light, **dark}


def _block(text: str, start: int) -> dict[str, str]:
    inside = text[text.index("{", start) + 1 : text.index("}", start)]
    return dict(re.findall(r"--rb-([a-z0-9-]+):\s*(#[0-9a-fA-F]{3,6})", inside))


def markers(all_series: Sequence[MaterialSeries]) -> dict[str, str]:
    """The marker of each series by its key: fixed by the order of the connections, whatever order the screen has."""
    ordered = sorted(all_series, key=lambda series: (series.source_id, series.subject_material))
    return {series.key: MARKERS[index % len(MARKERS)] for index, series in enumerate(ordered)}


def axis_period(period: Period, all_series: Sequence[MaterialSeries]) -> Period:
    """The span of the time axis: the period, without the empty time before the first score and after today."""
    days = [sitting.taken_on for series in all_series for sitting in series.sittings]
    if not days:
        return period
    first = date.fromisoformat(min(days)) - timedelta(days=AIR_DAYS)
    last = max(date.fromisoformat(max(days)), min(clock.today(), date.fromisoformat(period.last)))
    first = min(first, last - timedelta(days=SHORTEST_DAYS))
    return Period(
        max(first, date.fromisoformat(period.first)).isoformat(), (last + timedelta(days=AIR_DAYS)).isoformat()
    )


def series_figure(
    series: MaterialSeries,
    period: Period,
    marker_name: str,
    scheme: str,
    goal: Goal | None = None,
    off: Sequence[Holiday] = (),
) -> dict[str, Any]:
    """The figure of one series: a point per sitting with a number, bands and holidays behind, the goal as a line."""
    ink = colours(scheme)
    points = [sitting for sitting in series.sittings if sitting.total.reading.value is not None]
    aim = None if goal is None else Decimal(goal.value) / SCALE
    low, high = _range(points, aim)
    ticks = _ticks(points, low, high, aim)
    trace = _trace(points, marker_name, ink, joined=one_scale(points))
    return {
        "data": [trace],
        "layout": {
            "height": HEIGHT,
            "margin": {"l": LEFT, "r": RIGHT, "t": TOP, "b": BOTTOM, "pad": 0},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "font": {"family": FONT, "size": 13, "color": ink["text-3"]},
            "separators": ",." if language() == "nl" else ".,",
            "showlegend": False,
            "hovermode": "closest",
            "dragmode": False,
            "hoverlabel": {
                "bgcolor": ink["surface"], "bordercolor": ink["line-strong"], "font": {"color": ink["text"]},
            },
            "xaxis": _time_axis(period, ink),
            "yaxis": {
                "range": [float(low), float(high)], "fixedrange": True, "showgrid": False, "zeroline": False,
                "tickvals": ticks, "ticktext": [native(f"{tick:g}") for tick in ticks],
                "ticks": "",
            },
            "shapes": [
                *_band_shapes(points, period, ink), *_holiday_shapes(off, period, ink), *_edges(ink),
                *_goal_shapes(aim, ink),
            ],
            "annotations": [
                *_band_words(points, low, high, ink), *_value_words(points, low, high, ink),
                *_goal_words(aim, ink), *_holiday_words(off, period, ink),
            ],
        },
    }  # fmt: skip


def _number(value: int | None) -> float:
    return (value or 0) / SCALE


def _trace(points: list[Sitting], marker_name: str, ink: dict[str, str], joined: bool) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines+markers" if joined else "markers",
        "x": [point.taken_on for point in points],
        "y": [_number(point.total.reading.value) for point in points],
        "text": [hover(point) for point in points],
        "hovertemplate": "%{text}<extra></extra>",
        "line": {"color": ink["series"], "width": 2, "shape": "linear"},
        "marker": {
            "symbol": [f"{marker_name}-open" if point.late else marker_name for point in points],
            "size": 10,
            "color": ink["series"],
            "line": {
                "color": [ink["series"] if point.late else ink["surface"] for point in points],
                "width": [2 if point.late else 1.5 for point in points],
            },
        },
        "cliponaxis": False,
    }


def hover(sitting: Sitting) -> str:
    """What a point says: value, band, test, date. Angle brackets would be read as markup."""
    reading = sitting.total.reading
    words = [
        native(reading.text or ""),
        band_word(reading.band) if reading.band else "",
        short_test(sitting.name),
        day_name(sitting.taken_on),
    ]
    words += [_("received later")] if sitting.late else []
    return " · ".join(_plain(word) for word in words if word)


def _plain(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def one_scale(points: list[Sitting]) -> bool:
    """Whether a line may join the points: all of one range, so that a slope means something."""
    return len({point.scale for point in points}) <= 1


def _holiday_shapes(off: Sequence[Holiday], period: Period, ink: dict[str, str]) -> list[dict[str, Any]]:
    """A grey rectangle a holiday: nothing happened there because there was no school."""
    return [
        {
            "type": "rect", "layer": "below", "xref": "x", "yref": "paper", "y0": 0, "y1": 1,
            "x0": max(holiday.first.isoformat(), period.first), "x1": min(holiday.last.isoformat(), period.last),
            "fillcolor": ink["holiday"], "line": {"width": 0},
        }
        for holiday in off
    ]  # fmt: skip


def _holiday_words(off: Sequence[Holiday], period: Period, ink: dict[str, str]) -> list[dict[str, Any]]:
    """The name of each holiday along its rectangle, where that is wide enough for it."""
    begin, end = date.fromisoformat(period.first), date.fromisoformat(period.last)
    found = []
    for holiday in off:
        first, last = max(holiday.first, begin), min(holiday.last, end)
        if (last - first).days >= HOLIDAY_SHARE * (end - begin).days:
            found.append(
                {
                    "xref": "x", "x": (first + (last - first) / 2).isoformat(), "yref": "paper", "y": 0.5,
                    "yanchor": "middle", "showarrow": False, "textangle": -90, "text": holiday_word(holiday.kind),
                    "font": {"color": ink["text-3"], "size": 11},
                }
            )  # fmt: skip
    return found


def _goal_shapes(aim: Decimal | None, ink: dict[str, str]) -> list[dict[str, Any]]:
    if aim is None:
        return []
    return [
        {
            "type": "line", "layer": "above", "xref": "paper", "yref": "y", "x0": 0, "x1": 1, "y0": float(aim),
            "y1": float(aim), "line": {"color": ink["goal"], "width": 1.5, "dash": "6px,4px"},
        }
    ]  # fmt: skip


def _goal_words(aim: Decimal | None, ink: dict[str, str]) -> list[dict[str, Any]]:
    if aim is None:
        return []
    text = _("goal {value}", value=native(plain_decimal(aim)))
    return [
        {
            "xref": "paper", "x": 0, "xanchor": "right", "xshift": -6, "yref": "y", "y": float(aim),
            "yanchor": "middle", "showarrow": False, "text": text, "font": {"color": ink["goal"]},
        }
    ]  # fmt: skip


def _range(points: list[Sitting], aim: Decimal | None) -> tuple[Decimal, Decimal]:
    """The y-axis: the scale where it is known, else round numbers around the values."""
    values = [Decimal(point.total.reading.value or 0) / SCALE for point in points]
    values += [aim] if aim is not None else []
    spans = [point.scale for point in points if point.scale is not None]
    lows, highs = [low for low, _high in spans], [high for _low, high in spans]
    low, high = min([*values, *lows], default=Decimal(0)), max([*values, *highs], default=Decimal(1))
    if len(lows) == len(points) and points:
        return low, high if high > low else low + 1
    return _round_range(low, high)


def _round_range(low: Decimal, high: Decimal) -> tuple[Decimal, Decimal]:
    """Round numbers of at most `low` and at least `high`, which span at least half of the highest value.

    So 100 to 90 is a small step of a scale that nobody stated, and not the height of the chart.
    """
    width = max(high - low, abs(high) / 2, Decimal(1))
    power = Decimal(10) ** (width / 2).adjusted()
    step = power * max(factor for factor in (1, 2, 5) if power * factor <= width / 2)
    top = (high / step).to_integral_value(ROUND_CEILING) * step
    bottom = (min(low, top - width) / step).to_integral_value(ROUND_FLOOR) * step
    if low >= 0 > bottom:
        bottom, top = Decimal(0), max(top, (width / step).to_integral_value(ROUND_CEILING) * step)
    return bottom, top


def _time_axis(period: Period, ink: dict[str, str]) -> dict[str, Any]:
    ticks = _months(date.fromisoformat(period.first), date.fromisoformat(period.last))
    return {
        "type": "date", "range": [period.first, period.last], "fixedrange": True, "showgrid": False,
        "zeroline": False, "linecolor": ink["axis"], "ticks": "outside", "tickcolor": ink["axis"], "ticklen": 5,
        "tickvals": [tick.isoformat() for tick in ticks], "ticktext": _month_words(ticks), "tickangle": 0,
    }  # fmt: skip


def _months(first: date, last: date) -> list[date]:
    """First days of months in the span, few enough to stand side by side on a phone."""
    months = [
        date(year, month, 1)
        for year in range(first.year, last.year + 1)
        for month in range(1, 13)
        if first <= date(year, month, 1) <= last
    ]
    return next(chosen for step in (1, 2, 3, 4, 6, 12, 24) if len(chosen := months[::step]) <= MAX_TICKS or step == 24)


def _month_words(ticks: list[date]) -> list[str]:
    """The month of each tick, with the year under the first one of each year."""
    words = []
    for index, day in enumerate(ticks):
        year = f"<br>{day.year}" if index == 0 or ticks[index - 1].year != day.year else ""
        words.append(month_word(day) + year)
    return words


# -- bands ---------------------------------------------------------------------------------------------------


def _steps(points: list[Sitting], period: Period) -> list[tuple[str, str, ParsedNorm]]:
    """Which norm holds from when to when: a step halfway between two sittings with different norms."""
    steps: list[tuple[str, str, ParsedNorm]] = []
    start = period.first
    for index, sitting in enumerate(points):
        after = points[index + 1] if index + 1 < len(points) else None
        end = period.last if after is None else _halfway(sitting.taken_on, after.taken_on)
        norm = sitting.norm if sitting.total.row.kind == 1 and not sitting.total.derived else ParsedNorm()
        if steps and steps[-1][2].intervals == norm.intervals:
            steps[-1] = (steps[-1][0], end, norm)
        else:
            steps.append((start, end, norm))
        start = end
    return steps


def _halfway(first: str, second: str) -> str:
    begin, end = date.fromisoformat(first), date.fromisoformat(second)
    return (begin + timedelta(days=(end - begin).days / 2)).isoformat()


def _tops(norm: ParsedNorm) -> list[tuple[NormPosition, Decimal, Decimal]]:
    """Each band up to where the next begins, so that no gap shows between 59 and 60."""
    lows = [interval.low for interval in norm.intervals]
    ends = [*lows[1:], norm.intervals[-1].high] if norm.intervals else []
    return [(norm_band.position, norm_band.low, end) for norm_band, end in zip(norm.intervals, ends, strict=True)]


def _band_shapes(points: list[Sitting], period: Period, ink: dict[str, str]) -> list[dict[str, Any]]:
    fills = {NormPosition.BELOW: ink["below-bg"], NormPosition.ABOVE: ink["above-bg"]}
    return [
        {
            "type": "rect", "layer": "below", "xref": "x", "yref": "y", "x0": start, "x1": end,
            "y0": float(low), "y1": float(high), "fillcolor": fills.get(position, "rgba(0,0,0,0)"),
            "line": {"width": 0},
        }
        for start, end, norm in _steps(points, period)
        for position, low, high in _tops(norm)
    ]  # fmt: skip


def _edges(ink: dict[str, str]) -> list[dict[str, Any]]:
    return [
        {
            "type": "line", "layer": "below", "xref": "paper", "yref": "paper", "x0": 0, "x1": 1, "y0": y, "y1": y,
            "line": {"color": ink["line"], "width": 1},
        }
        for y in (0, 1)
    ]  # fmt: skip


def _bounds(points: list[Sitting], low: Decimal, high: Decimal) -> list[Decimal]:
    """The values on the y-axis: where the newest norm's bands begin, else the ends of the axis."""
    newest = points[-1].norm if points and points[-1].total.row.kind == 1 else ParsedNorm()
    if newest.intervals and not points[-1].total.derived:
        return _apart([interval.low for interval in newest.intervals[1:]], low, high)
    return [low, high] if points else []


def _ticks(points: list[Sitting], low: Decimal, high: Decimal, aim: Decimal | None) -> list[float]:
    """The values that are written beside the y-axis, without those for which the words of the goal leave no room."""
    return [
        float(bound)
        for bound in _bounds(points, low, high)
        if aim is None or abs(_pixels(bound, low, high) - _pixels(aim, low, high)) >= CLOSE
    ]


def _apart(values: list[Decimal], low: Decimal, high: Decimal) -> list[Decimal]:
    """Those of rising values that stand far enough from the one before."""
    kept: list[Decimal] = []
    for value in values:
        if not kept or _pixels(value, low, high) - _pixels(kept[-1], low, high) >= CLOSE:
            kept.append(value)
    return kept


def _pixels(value: Decimal, low: Decimal, high: Decimal) -> float:
    return float((value - low) / (high - low)) * PLOT


def _band_words(points: list[Sitting], low: Decimal, high: Decimal, ink: dict[str, str]) -> list[dict[str, Any]]:
    """The words of the newest norm's bands, at the right; one that would touch another is left out."""
    if not points or points[-1].total.row.kind != 1 or points[-1].total.derived:
        return []
    shades = {NormPosition.BELOW: ink["below"], NormPosition.ABOVE: ink["above"]}
    annotations: list[dict[str, Any]] = []
    last = -100.0
    for interval, (position, begin, end) in zip(points[-1].norm.intervals, _tops(points[-1].norm), strict=True):
        middle = (begin + end) / 2
        if _pixels(middle, low, high) - last < CLOSE:
            continue
        last = _pixels(middle, low, high)
        annotations.append(
            {
                "xref": "paper", "x": 1, "xanchor": "left", "xshift": 8, "yref": "y", "y": float(middle),
                "yanchor": "middle", "showarrow": False, "align": "left", "text": _plain(_short(interval.word)),
                "font": {"color": shades.get(position, ink["text-3"])},
            }
        )  # fmt: skip
    return annotations


def _short(word: str) -> str:
    return word if len(word) <= 12 else f"{word[:11]}…"


def _value_words(points: list[Sitting], low: Decimal, high: Decimal, ink: dict[str, str]) -> list[dict[str, Any]]:
    """The first value small and the last one bold: above its point, below it where the line falls."""
    annotations = []
    for sitting in {points[0].key: points[0], points[-1].key: points[-1]}.values() if points else ():
        value = Decimal(sitting.total.reading.value or 0) / SCALE
        is_last = sitting.key == points[-1].key
        before = _number(points[-2].total.reading.value) if len(points) > 1 else None
        falls = is_last and before is not None and before > float(value)
        high_up = _pixels(value, low, high) > PLOT - 22
        under = (falls or not is_last or high_up) and _pixels(value, low, high) > 22
        text = native(sitting.total.reading.text or "")
        annotations.append(
            {
                "xref": "x", "x": sitting.taken_on, "yref": "y", "y": float(value), "showarrow": False,
                "yshift": -17 if under else 17, "text": f"<b>{text}</b>" if is_last else text,
                "font": {"color": ink["text"] if is_last else ink["text-3"]},
            }
        )  # fmt: skip
    return annotations
