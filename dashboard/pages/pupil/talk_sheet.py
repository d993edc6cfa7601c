"""The sheet for a talk with a pupil and the parents: one A4 in words, without data of other pupils.

The teacher selects the lines: what is not ticked is not printed.
"""

from __future__ import annotations

from typing import Any

from dashboard.auth import audit_trail, request
from dashboard.pages.page import Body, Page, reads_results
from dashboard.pages.pupil.page import not_yours, read_id
from dashboard.pages.pupil.series import goal_number, in_subject_order
from dashboard.pages.pupil.side_panels import Side, read_side
from dashboard.text.scores import growth_with_numbers, level_words, score_words
from dashboard.text.signal_words import headline
from dashboard.text.translate import _, day_name, short_day
from dashboard.text.words import (
    attention_group_word,
    class_word,
    growth_word,
    norm_counts_word,
    subject_word,
)
from dashboard.ui import addresses
from dashboard.ui.elements import Input, Link, html
from dashboard.ui.filters import THIS_YEAR, current_school_year, period_dates
from dashboard.ui.markup import block
from dashboard.ui.matrix_table import pupil_word
from dashboard.ui.own_subjects import own_subjects_note
from dashboard.ui.signs import attrs, sign
from models.access.people import PupilName, class_list, school_name
from models.access.viewer import Viewer
from models.classroom.class_data import counted_tests, growth_points
from models.classroom.timeline import MaterialSeries, PupilTimeline, Sitting, pupil_timeline
from models.results.growth import TREND_POINTS, Growth, growth
from models.results.scales import NormPosition
from models.results.subject_materials import SubjectMaterial
from models.schema import clock, database


def title(**_address: object) -> str:
    """The title of the page."""
    return _("Conversation sheet")


def frame() -> Body:
    """The page without data: no callback names anything on it."""
    return Body([])


def layout(viewer: Viewer, /, pupil_id: object = None, **_query: object) -> Body:
    """The whole page for an address; a sentence where the viewer may not see the pupil."""
    number = read_id(pupil_id)
    if number is None:
        return not_yours()
    context = request.context()
    with database.read_transaction(context.engine, viewer.school_id) as connection:
        year = current_school_year(class_list(connection, viewer))
        timeline = pupil_timeline(connection, viewer, number, period_dates(THIS_YEAR, year))
        if timeline is None:
            return not_yours()
        side = read_side(connection, context.cipher, viewer, timeline.pupil, year, context.options.holidays)
        school = school_name(connection, viewer)
    audit_trail.looked("talk sheet", [number])
    return Body(_sheet(timeline, side, school, viewer.name, year))


def _sheet(timeline: PupilTimeline, side: Side, school: str | None, teacher: str, year: str) -> list[Any]:
    record = timeline.pupil
    name = pupil_word(PupilName(record.id, record.first_name, record.name))
    called = record.first_name or name
    all_series = in_subject_order(timeline.series)
    about = [class_word(class_ref.name) for class_ref in record.classes[:1]] + [
        school or "",
        _("school year {year}", year=year),
        day_name(clock.today().isoformat()),
        teacher,
    ]
    return [
        html.Div(
            [
                Link([sign("back"), name], href=addresses.pupil_href(record.id), className="back"),
                html.Button(_("Print"), className="btn pri", **attrs(data_print="true")),
                html.P(_("Untick what should not be printed. Your choice is not kept."), className="sm t2"),
            ],
            className="acts noprint",
        ),
        *own_subjects_note([record.id], {} if timeline.subjects is None else {record.id: timeline.subjects}),
        html.Article(
            [
                html.H1(_("Conversation about {name}", name=called)),
                html.P(" · ".join(item for item in about if item), className="sm t2"),
                _block(_("Where {name} stands", name=called), _stands(timeline, side), "stands", empty=False),
                _block(
                    _("What goes well"), [series_words(series) for series in all_series if goes_well(series)], "well"
                ),
                _block(_("What we watch"), _watch(all_series, side), "watch"),
                _block(
                    _("Own growth this year"),
                    [growth_words(series) for series in all_series if can_grow(series)],
                    "growth",
                ),
                _block(_("What we agree"), _agreed(side), "agreed", empty=False),
                html.Div(
                    block(
                        html.Label(
                            [
                                html.Span(_("In our own words"), className="lab"),
                                html.Textarea(className="field", rows=3, id="sheet-words", **attrs(data_grows="true")),
                            ],
                            className="f wide",
                        )
                    ),
                    className="own",
                ),
                html.P(
                    _(
                        "Each material scores in its own way, so do not compare scores of two materials. "
                        "They say nothing about other pupils."
                    ),
                    className="xs t3",
                ),
            ],
            className="card sheet",
            id="talk-sheet",
        ),
    ]


def _block(heading: str, lines: list[str], name: str, empty: bool = True) -> html.Section:
    """A section of the sheet; every line can be left out."""
    ticks = [
        block(
            html.Div(
                html.Label([Input(type="checkbox", checked=True, id=f"sheet-{name}-{index}"), html.Span(line)]),
                className="tick",
            )
        )
        for index, line in enumerate(lines)
    ]
    nothing = [html.P(_("Rondblik has nothing to report here."), className="sm t2 noprint")] if empty else []
    class_name = "" if ticks or not empty else "noprint"
    return html.Section([html.H2(heading), *(ticks or nothing)], className=class_name, **attrs(data_block=name))


def goes_well(series: MaterialSeries) -> bool:
    """Whether the newest score is on or above the norm; without a norm, whether the scores rise."""
    sitting = worth_mentioning(series)
    if sitting is None:
        return False
    newest = sitting.reading
    rises = growth(growth_points(series.sittings)) is Growth.RISES
    return newest.position in (NormPosition.ON, NormPosition.ABOVE) or (
        rises and newest.position is not NormPosition.BELOW
    )


def worth_mentioning(series: MaterialSeries) -> Sitting | None:
    """The newest sitting whose score or level may be mentioned: neither missing nor suspect."""
    return next(
        (
            sitting
            for sitting in reversed(series.sittings)
            if sitting.reading.counts or (sitting.reading.band is not None and not sitting.reading.suspect)
        ),
        None,
    )


def series_words(series: MaterialSeries) -> str:
    """The newest score with its level; with a word of growth only if the score is the last of those it covers."""
    sitting = worth_mentioning(series)
    assert sitting is not None
    reading = sitting.reading
    name = _series_name(series.subject_material)
    level = level_words(reading) if reading.band else ""
    direction = growth(growth_points(series.sittings)) if reading.value is not None else Growth.TOO_FEW
    goes_one_way = direction in (Growth.RISES, Growth.FALLS, Growth.SAME)
    how = growth_with_numbers(direction, counted_tests(series.sittings)) if goes_one_way else ""
    number = score_words(sitting, counted_tests(series.sittings)) if reading.text is not None else ""
    words = ", ".join(item for item in (number, level, how) if item)
    return f"{name}: {words}."


def _stands(timeline: PupilTimeline, side: Side) -> list[str]:
    """The attention group of the pupil in this school year, with the counts by the norm."""
    if side.placement is None or timeline.subjects == frozenset():
        return []
    group, counts = attention_group_word(side.placement.group), norm_counts_word(side.placement.counts)
    return [_("{group}: this school year {counts}.", group=group, counts=counts)]


def _watch(all_series: list[MaterialSeries], side: Side) -> list[str]:
    """Open signals in words, and scores below the norm of their source."""
    signals = [f"{_series_name(signal.subject_material)}. {headline(signal)}" for signal in side.signals if signal.open]
    named = {signal.subject_material for signal in side.signals if signal.open}
    below = [
        series for series in all_series if _is_below(worth_mentioning(series)) and series.subject_material not in named
    ]
    return signals + [series_words(series) for series in below]


def _is_below(sitting: Sitting | None) -> bool:
    return sitting is not None and sitting.reading.position is NormPosition.BELOW


def can_grow(series: MaterialSeries) -> bool:
    """Whether the scores can be compared with each other."""
    points = growth_points(series.sittings)
    return bool(points) and growth(points) is not Growth.OTHER_SCALE


def growth_words(series: MaterialSeries) -> str:
    """The scores that the word of growth covers, each with its day: never an older one beside the word."""
    counted = counted_tests(series.sittings)[-TREND_POINTS:]
    name = _series_name(series.subject_material)
    scores = [_("{score} on {day}", score=score_words(sitting), day=short_day(sitting.taken_on)) for sitting in counted]
    if len(scores) == 1:
        return _("{name}: {score}, the only one so far.", name=name, score=scores[0])
    direction = growth_word(growth(growth_points(counted)))
    return _("{name}: {scores}; {growth}.", name=name, scores=", ".join(scores), growth=direction)


def _agreed(side: Side) -> list[str]:
    """Current agreements that are not restricted, and the goals."""
    running = [
        note.text + (" " + _("until {day}", day=day_name(note.until_on)) if note.until_on else "")
        for note in side.notes
        if note.runs and not note.restricted and note.text is not None
    ]
    goals = [
        _("Goal for {subject} ({material}): {value}.", subject=subject_word(goal.subject_material.subject),
          material=goal.subject_material.material, value=goal_number(goal))
        for goal in side.goals.values()
    ]  # fmt: skip
    return running + goals


def _series_name(subject_material: SubjectMaterial) -> str:
    return f"{subject_word(subject_material.subject)} ({subject_material.material})"


PAGE = Page(
    name="talk_sheet",
    path=f"{addresses.TALK_SHEET}/<pupil_id>",
    title=title,
    layout=layout,
    frame=frame,
    may_see=reads_results,
    section="group",
)
