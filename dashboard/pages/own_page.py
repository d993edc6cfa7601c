"""The page for a pupil and for a parent of one: own results, goals and agreements, in words for a child of ten.

It compares with nobody: no figures of classes, no levels, no words of growth, no signals, no notes (ADR 44). It has no
number in its address: whose results it shows follows from who looks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dashboard.auth import audit_trail, request
from dashboard.pages.page import Body, Page, sees_one_pupil
from dashboard.pages.pupil.progress import progress_record
from dashboard.pages.pupil.series import goal_number, in_subject_order
from dashboard.text.scores import score_words
from dashboard.text.translate import _, day_name, long_moment
from dashboard.text.words import short_test, subject_word
from dashboard.ui import addresses
from dashboard.ui.elements import html
from dashboard.ui.markup import block
from dashboard.ui.matrix_columns import subject_order
from dashboard.ui.plain_table import plain_table
from dashboard.ui.signs import attrs, card, note
from models.access.accounts import shows_own_page
from models.access.viewer import Role, Viewer
from models.classroom.goals import Goal, goals_of
from models.classroom.notes import agreements_for_pupil
from models.classroom.timeline import MaterialSeries, PupilTimeline, Sitting, pupil_timeline
from models.results.periods import with_year_before
from models.results.progress import PupilProgress
from models.results.scales import Missing
from models.results.subjects import UNMAPPED
from models.schema import clock, database


def title(**_address: object) -> str:
    """The title of the page."""
    viewer = request.viewer()
    return _("My child's results") if viewer is not None and viewer.role is Role.PARENT else _("My results")


def frame() -> Body:
    """The page without data: no callback names anything on it."""
    return Body([])


def refusal() -> Body:
    """The page for everybody else."""
    return _notice(_("This page is for pupils and their parents only."))


def layout(viewer: Viewer, /, **_query: object) -> Body:
    """The page of the pupil whom the school linked the viewer to; a sentence while there is none to be seen."""
    context = request.context()
    period = with_year_before(clock.school_year(clock.today()))
    with database.read_transaction(context.engine, viewer.school_id) as connection:
        if not shows_own_page(connection, viewer):
            return _notice(_("Your school has not switched this page on. There is nothing to see here now."))
        timeline = pupil_timeline(connection, viewer, viewer.pupil_id or 0, period)
        if timeline is None:
            return _notice(_("This page has ended: the pupil is not in the pupil list of this school year."))
        goals = list(goals_of(connection, viewer, [timeline.pupil.id]).get(timeline.pupil.id, {}).values())
        agreements = agreements_for_pupil(connection, context.cipher, viewer, timeline.pupil.id)
    audit_trail.looked("own results", [timeline.pupil.id])
    return Body(_page(viewer, timeline, goals, agreements))


def _notice(sentence: str) -> Body:
    heading = html.Div(html.Div(html.H1(title())), className="head")
    return Body([heading, note("", "lock", html.P([html.B(sentence)]))])


def _page(
    viewer: Viewer, timeline: PupilTimeline, goals: list[Goal], agreements: list[tuple[str, str | None]]
) -> list[Any]:
    name = timeline.pupil.first_name or timeline.pupil.name or _("pupil")
    if viewer.role is Role.PUPIL:
        heading = _("Hello {name}", name=name)
        about = _("Here you see what you made. What others made is not here. Do you have a question? Ask your teacher.")
    else:
        heading = _("Results of {name}", name=name)
        about = _("You see only the results of {name}. Do you have a question? Ask the teacher.", name=name)
    subjects = [_subject_card(timeline, subject) for subject in _subjects(timeline)]
    empty = note("empty", "info", html.P(_("There are no results yet.")))
    return [
        html.P(" · ".join([name, long_moment(clock.now_us())]), className="printhead"),
        html.Div(
            [
                html.Div([html.H1(heading), html.P(about)]),
                block(html.Div(html.Button(_("Print"), className="btn", **attrs(data_print="true")), className="acts")),
            ],
            className="head",
        ),
        html.Div([*_agreed(goals, agreements), *(subjects or [empty])], className="stack", id="own-results"),
    ]


def _agreed(goals: list[Goal], agreements: list[tuple[str, str | None]]) -> list[html.Section]:
    """The agreements and goals, where there are any."""
    lines = [
        html.Li([text, *([" ", html.Small(_("until {day}", day=day_name(until_on)))] if until_on else [])])
        for text, until_on in agreements
    ]
    lines += [html.Li(_goal_words(goal)) for goal in goals]
    return [card(_("What we agreed"), [block(html.Ul(lines, className="ls"))], id="own-agreed")] if lines else []


def _goal_words(goal: Goal) -> list[Any]:
    words = _(
        "Goal for {subject} ({material}): {value}.",
        subject=subject_word(goal.subject_material.subject),
        material=goal.subject_material.material,
        value=goal_number(goal),
    )
    return [words, *([" ", html.Small(_("before {day}", day=day_name(goal.due_on)))] if goal.due_on else [])]


@dataclass(frozen=True, slots=True)
class _Material:
    """What there is of one material: results, or progress, or both."""

    name: str
    series: MaterialSeries | None
    progress: tuple[PupilProgress, ...]


def _subjects(timeline: PupilTimeline) -> list[str]:
    of_series = [series.subject_material.subject for series in timeline.series]
    of_progress = [progress.subject_material.subject for progress in timeline.progress]
    return sorted({*of_series, *of_progress}, key=subject_order)


def _subject_card(timeline: PupilTimeline, subject: str) -> html.Section:
    materials = [_material(timeline, material) for material in _materials(timeline, subject)]
    heading = _("Other tests") if subject == UNMAPPED else subject_word(subject)
    return card(heading, [part for parts in materials for part in parts], **attrs(data_subject=subject))


def _materials(timeline: PupilTimeline, subject: str) -> list[_Material]:
    """The materials of a subject, those with results first."""
    newest_first = sorted(
        timeline.progress, key=lambda progress: (progress.row.taken_on, progress.row.test_id), reverse=True
    )
    of_subject = [progress for progress in newest_first if progress.subject_material.subject == subject]
    series_of = {
        series.subject_material: series
        for series in in_subject_order(timeline.series)
        if series.subject_material.subject == subject
    }
    keys = dict.fromkeys([*series_of, *(progress.subject_material for progress in of_subject)])
    names = timeline.catalogue.material_names(set(keys))
    return [
        _Material(names[key], series_of.get(key), tuple(item for item in of_subject if item.subject_material == key))
        for key in keys
    ]


def _material(timeline: PupilTimeline, material: _Material) -> list[Any]:
    """The results of a material, the newest first, and what was worked through."""
    tests: list[Any] = []
    if material.series is not None:
        heads = [_("Day"), _("Test"), _("Score")]
        sittings = material.series.sittings
        rows = [[day_name(one.taken_on), short_test(one.name), _score(one, sittings)] for one in reversed(sittings)]
        tests = [plain_table(material.name, heads, rows)]
    worked = [progress_record(timeline, progress) for progress in material.progress]
    heading = [html.H4(_("Exercises"))] if worked else []
    return [html.Div([html.H3(material.name), *tests, *heading, *worked], className="own-material")]


def _score(sitting: Sitting, sittings: tuple[Sitting, ...]) -> Any:
    """The score as it was sent, or in words why there is none; never a level, which may compare with others."""
    reading = sitting.total.reading
    if reading.missing is Missing.NOT_OFFERED:
        return _("This test was not set for you.")
    if reading.text is None:
        return _("There is no score.")
    remarks = [_("may be wrong")] if reading.suspect else []
    remarks += [_("added up from its parts")] if sitting.total.derived else []
    small = [html.Small(f" ({remark})", className="t3") for remark in remarks]
    return html.Span([html.B(score_words(sitting, sittings)), *small])


PAGE = Page(
    "own_page",
    addresses.OWN_PAGE,
    title,
    layout,
    frame,
    may_see=sees_one_pupil,
    refusal=refusal,
    in_menu_of=sees_one_pupil,
)
