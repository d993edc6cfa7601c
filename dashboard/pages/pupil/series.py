"""The series of the pupil page: next to each chart the newest score with level, growth and badge."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from dash import dcc

from dashboard.text.scores import level_meaning, level_words, span_words
from dashboard.text.translate import _, n_, native, short_day
from dashboard.text.words import (
    GROWTH_SIGNS,
    MISSING_SIGNS,
    POSITION_SIGNS,
    TINTS,
    band_word,
    comparability_word,
    growth_word,
    missing_word,
    subject_word,
)
from dashboard.ui.charts import HEIGHT, chart_config, one_scale, series_figure
from dashboard.ui.elements import html
from dashboard.ui.markup import block
from dashboard.ui.matrix_columns import subject_order
from dashboard.ui.matrix_table import value
from dashboard.ui.signs import attrs, badge, state
from models.classroom.class_data import counted_tests, growth_points
from models.classroom.goals import Goal
from models.classroom.holidays import Holiday
from models.classroom.timeline import MaterialSeries, PupilTimeline, Sitting
from models.results.growth import Growth, growth
from models.results.periods import Period
from models.results.scales import (
    NormPosition,
    ScoreReading,
    comparability,
    is_reference_level,
    one_norm_group,
    plain_decimal,
)
from models.schema.records import SCALE


def in_subject_order(all_series: Sequence[MaterialSeries]) -> list[MaterialSeries]:
    """The series in the order of subjects, then of sources."""
    return sorted(
        all_series,
        key=lambda series: (subject_order(series.subject_material.subject), series.source_id, series.subject_material),
    )


def series_section(
    series: MaterialSeries,
    mark: str,
    period: Period,
    scheme: str,
    goal: Goal | None = None,
    off: Sequence[Holiday] = (),
) -> html.Section:
    """One series: facts on the left, the chart on the right with a sentence that says the same."""
    newest = series.sittings[-1]
    figure = series_figure(series, period, mark, scheme, goal, off)
    has_points = any(sitting.total.reading.value is not None for sitting in series.sittings)
    return html.Section(
        [
            block(
                html.Div(
                    [
                        html.H3(
                            [
                                html.I(className=f"mark {mark}", **attrs(aria_hidden="true")),
                                subject_word(series.subject_material.subject),
                            ]
                        ),
                        html.P(" · ".join(_unique(series.subject_material.material, series.source)), className="sm t2"),
                        html.P([value(newest.total.reading), html.Small(short_day(newest.taken_on))], className="big"),
                        html.Dl(_facts(series, goal), className="lg"),
                        badge(_badge(series)),
                    ],
                    className="lh",
                )
            ),
            html.Div(
                dcc.Graph(figure=figure, config=chart_config(), style={"height": f"{HEIGHT}px"})
                if has_points
                else html.P(_("No numbers in this period."), className="sm t3"),
                className="lc",
                role="img",
                **attrs(aria_label=series_sentence(series, goal)),
            ),
        ],
        className="lane",
        **attrs(data_series=series.key),
    )


def _unique(*names: str) -> list[str]:
    return list(dict.fromkeys(names))


def _facts(series: MaterialSeries, goal: Goal | None) -> list[Any]:
    newest = series.sittings[-1]
    meaning = level_meaning(newest.total.reading)
    level = [level_state(newest.total.reading), *([html.Small(meaning)] if meaning else [])]
    pairs = [html.Dt(_("Level")), html.Dd(level)]
    growth, number = trend(series)
    pairs += [html.Dt(_("Growth")), html.Dd([growth, html.Small(number)])]
    if newest.total.reading.grade is not None:
        pairs += [html.Dt(_("Grade")), html.Dd(grade_word(newest.total.reading.grade))]
    if goal is not None:
        until = _("before {day}", day=short_day(goal.due_on)) if goal.due_on else ""
        pairs += [html.Dt(_("Goal")), html.Dd([html.B(goal_number(goal), className="goal"), html.Small(until)])]
    for reference in newest.total.reading.references:
        word = _("Reference") if is_reference_level(reference.value) else _("Also sent")
        pairs += [html.Dt(word), html.Dd(band_word(reference.word))]
    return pairs


def grade_word(grade: tuple[str, str]) -> str:
    """The school grade that the source advises for the band; Rondblik computes none."""
    low, high = native(grade[0]), native(grade[1])
    return (
        _("{grade} according to the source", grade=low)
        if low == high
        else _("{low} to {high} according to the source", low=low, high=high)
    )


def goal_number(goal: Goal) -> str:
    """The value of a goal, formatted."""
    return native(plain_decimal(Decimal(goal.value) / SCALE))


def level_state(reading: ScoreReading) -> html.Span:
    """The band of a score as icon and word, or why there is none."""
    if reading.missing is not None:
        return state("no", MISSING_SIGNS[reading.missing], missing_word(reading.missing))
    if reading.suspect:
        return state("no", "bang", _("may be wrong"))
    if reading.band is not None:
        return state(TINTS.get(reading.position, "no"), POSITION_SIGNS.get(reading.position), band_word(reading.band))
    return state("no", None, _("fits no level") if reading.has_norm else _("source sends no norm"))


def trend(series: MaterialSeries) -> tuple[html.Span, str]:
    """The direction of the newest scores of a series in words, and the numbers of which that is said."""
    counted = counted_tests(series.sittings)
    direction = growth(growth_points(series.sittings))
    if direction is Growth.TOO_FEW:
        return _growth_state(direction), _("{number} of 3", number=len(counted))
    return _growth_state(direction), span_words(counted)


def _growth_state(growth: Growth) -> html.Span:
    return state("no", GROWTH_SIGNS.get(growth), growth_word(growth))


def _badge(series: MaterialSeries) -> str:
    """With what the scores of the series may be compared."""
    if series.sittings[-1].total.derived:
        return _("sum of parts")
    levels = one_norm_group(sitting.reading for sitting in series.sittings)
    return comparability_word(comparability([sitting.norm for sitting in series.sittings], levels))


def series_sentence(series: MaterialSeries, goal: Goal | None = None) -> str:
    """What the chart shows, in one sentence for screen readers."""
    points = counted_tests(series.sittings) or [
        sitting for sitting in series.sittings if sitting.total.reading.value is not None
    ]
    if not points:
        return _("{material}: no numbers in this period.", material=series.subject_material.material)
    words = n_(
        "{material}, {number} measurement: {numbers}",
        "{material}, {number} measurements: {numbers}",
        len(points),
        material=series.subject_material.material,
        numbers=span_words(points),
    )
    last = points[-1].total.reading
    band = f", {level_words(last)}" if last.band else ""
    aim = " " + _("The goal is {value}.", value=goal_number(goal)) if goal is not None else ""
    return f"{words}{band}.{aim}"


def summary_sentence(timeline: PupilTimeline) -> str:
    """What stands out, by the norms of the source and the pupil's own earlier scores; empty where none may be seen."""
    if timeline.subjects == frozenset():
        return ""
    parts = [_own_past(series) for series in timeline.series]
    below = [series for series in timeline.series if series.sittings[-1].total.reading.position is NormPosition.BELOW]
    if below:
        names = ", ".join(
            f"{subject_word(series.subject_material.subject)} ({series.subject_material.material})" for series in below
        )
        parts.append(_("Below the norm of the source: {names}.", names=names))
    sentence = " ".join(part for part in parts if part)
    if sentence:
        return sentence
    number = sum(len(series.sittings) for series in timeline.series)
    return n_("{number} result in this period.", "{number} results in this period.", number)


def _own_past(series: MaterialSeries) -> str:
    """The difference between the two newest scores, where both are on the same known scale."""
    points = [sitting for sitting in series.sittings if sitting.total.reading.counts][-2:]
    if len(points) < 2 or not _shared_scale(points):
        return ""
    before, now = (Decimal(point.total.reading.value or 0) / SCALE for point in points)
    words = {
        "subject": subject_word(series.subject_material.subject),
        "material": series.subject_material.material,
        "number": native(plain_decimal(abs(now - before))),
    }
    if now == before:
        return ""
    if now < before:
        return _("{subject} with {material} is {number} lower than the score before.", **words)
    return _("{subject} with {material} is {number} higher than the score before.", **words)


def _shared_scale(points: list[Sitting]) -> bool:
    return one_scale(points) and points[0].norm.span is not None
