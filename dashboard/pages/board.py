"""The class on the smartboard: totals and goals of the class, never data of a single pupil."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dashboard.auth import request
from dashboard.export.sheets import filter_words
from dashboard.pages.class_page.page import heading_of
from dashboard.pages.page import Body, Page, reads_results
from dashboard.text.translate import _, day_name
from dashboard.text.words import part_word, short_test, subject_word
from dashboard.ui import addresses
from dashboard.ui.audiences import audience_of_test, years_of_audience
from dashboard.ui.class_view import ClassView, read_class
from dashboard.ui.elements import Link, html
from dashboard.ui.filters import THIS_YEAR
from dashboard.ui.matrix_columns import subject_order
from dashboard.ui.own_subjects import own_subjects_note
from dashboard.ui.signs import attrs, sign
from models.access.viewer import Viewer
from models.classroom.class_data import ScoredPart, ScoredTest
from models.classroom.signals import Topic, topics
from models.results.scales import Missing, ScoreReading
from models.results.subject_materials import SubjectMaterial, matches
from models.schema import clock, database
from models.schema.collation import collation_key
from models.schema.records import Status

_FieldTest = tuple[SubjectMaterial, int]  # and the number of a test in it

# More is too small to read from the back of a room.
MAX_KNOWN = 3
MAX_TESTS = 4
MAX_DAYS = 2


@dataclass(frozen=True, slots=True)
class BoardTest:
    """The newest test of a material for a year group: how many of the pupils shown whom it is for are done.

    Done is finished, or with a score. `years` names the year groups where the board shows more than those.
    """

    subject_material: SubjectMaterial
    test_id: int
    name: str
    taken_on: str
    done: int
    all: int
    years: str


def title(**_address: object) -> str:
    """The title of the page."""
    return _("Smartboard")


def frame() -> Body:
    """The page without data."""
    return _body(addresses.CLASSES, [])


def layout(viewer: Viewer, /, **query: object) -> Body:
    """The whole page for an address."""
    context = request.context()
    with database.read_transaction(context.engine, viewer.school_id) as connection:
        # The board is for the class to see: never for the pupils of one attention group.
        everybody = {name: value for name, value in query.items() if name != "status"}
        _classes, filters, view = read_class(connection, viewer, everybody, context.options.holidays)
    return _body(f"{addresses.CLASSES}{filters.query}", content(view))


def _body(back: str, children: list[Any]) -> Body:
    link = Link([sign("back"), _("Back")], href=back, className="btn")
    return Body([html.Main([html.Div(link, className="leave"), *children], id="main", className="board")])


def content(view: ClassView | None) -> list[Any]:
    """The heading, the bars of the newest tests, what the class masters and what is due."""
    if view is None:
        return [html.H1(_("No classes yet"))]
    tests = board_tests(view)
    limits = {view.state.class_data.limited.get(pupil.id) for pupil in view.overview.pupils}
    unknown = own_subjects_note([0], {0: frozenset()}) if limits == {frozenset()} else []
    empty = html.Div(unknown or html.P(_("There are no results yet."), className="bn"))
    return [
        html.H1(heading_of(view)),
        *_filter_line(view),
        html.Div(
            [_bar(board_test, _place(view, board_test, tests)) for board_test in tests] or [empty], className="gs"
        ),
        *_foot(view),
    ]


def _filter_line(view: ClassView) -> list[html.P]:
    """The filters that are not at their default, in words."""
    filters, words = view.filters, dict(filter_words(view))
    chosen = {
        _("Period"): None if filters.period == THIS_YEAR else filters.period,
        _("Subject"): filters.subject,
        _("Material"): filters.material,
        _("Publisher"): filters.source,
        _("Group in class"): filters.subgroup,
        _("Goal"): filters.goal,
    }
    shown = [words[name] for name, value in chosen.items() if value is not None]
    return [html.P(" · ".join(shown), className="only")] if shown else []


# -- the newest tests ----------------------------------------------------------------------------------------


def board_tests(view: ClassView) -> list[BoardTest]:
    """The newest test of each material and year group within the filters, in the order of the subjects.

    At most MAX_TESTS of them, the newest.
    """
    finished: dict[_FieldTest, set[int]] = defaultdict(set)
    takers: dict[_FieldTest, set[int]] = defaultdict(set)
    newest: dict[_FieldTest, tuple[str, int, int]] = {}
    for field, test_id, definition_id, taken_on, pupil_id, done in _work(view):
        if _wanted(view, field):
            key, moment = (field, test_id), (taken_on, test_id, definition_id)
            newest[key] = max(newest.get(key, moment), moment)
            takers[key].add(pupil_id)
            finished[key].update({pupil_id} if done else ())
    of_test = audience_of_test(view.overview)
    audiences = {key: of_test(pupil_ids, key[0]) for key, pupil_ids in takers.items()}
    board_tests = [
        BoardTest(
            *key,
            _name(view, newest[key][2]),
            newest[key][0],
            len(finished[key]),
            len(audiences[key]),
            years_of_audience(view.overview, audiences[key]),
        )
        for key in _newest_of_cohorts(view, audiences, newest)
    ]
    board_tests.sort(key=lambda board_test: (board_test.taken_on, board_test.test_id), reverse=True)
    shown = board_tests[:MAX_TESTS]
    return sorted(
        shown,
        key=lambda board_test: (
            subject_order(board_test.subject_material.subject),
            collation_key(board_test.subject_material.material),
            board_test.subject_material,
        ),
    )


def _newest_of_cohorts(
    view: ClassView, audiences: Mapping[_FieldTest, frozenset[int]], newest: Mapping[_FieldTest, tuple[str, int, int]]
) -> set[_FieldTest]:
    """The newest test of each material for each year group of a class that it is for as a whole, or for anybody."""
    by_audience: dict[tuple[SubjectMaterial, frozenset[int]], _FieldTest] = {}
    for key, audience in audiences.items():
        field = key[0]
        whole = [cohort for cohort in view.overview.audience.cohorts if 2 * len(cohort & audience) > len(cohort)]
        for cohort in whole or [frozenset[int]()]:
            other = by_audience.get((field, cohort))
            if other is None or newest[other] < newest[key]:
                by_audience[field, cohort] = key
    return set(by_audience.values())


def _scores(view: ClassView, pupil_id: int) -> Sequence[ScoredTest | ScoredPart]:
    """The scores of a pupil in the period: of the selected part, or of whole tests where none is selected."""
    class_data, period, part = view.state.class_data, view.overview.period, view.overview.part
    if part is None:
        return class_data.all_totals(pupil_id, period)
    return [
        scored_part
        for scored_part in class_data.parts
        if scored_part.pupil_id == pupil_id and scored_part.name.name == part and scored_part.taken_on in period
    ]


def _work(view: ClassView) -> list[tuple[SubjectMaterial, int, int, str, int, bool]]:
    """Subject material, test, definition, date, pupil and whether it is finished, for all work in the period."""
    source, work = view.filters.source, []
    for pupil in view.overview.pupils:
        for score in _scores(view, pupil.id):
            if source in (None, score.source_id) and score.reading.missing is not Missing.NOT_OFFERED:
                done = _is_done(score.reading)
                work.append(
                    (score.subject_material, score.test_id, score.definition_id, score.taken_on, pupil.id, done)
                )
        for record in view.overview.progress.get(pupil.id, ()):
            row, done = record.row, record.status is Status.DONE
            if source in (None, row.source_id) and row.taken_on in view.overview.period:
                work.append((record.subject_material, row.test_id, row.definition_id, row.taken_on, pupil.id, done))
    return work


def _is_done(reading: ScoreReading) -> bool:
    """Whether there is a score, which may be 0, or the work was finished without one."""
    return reading.text is not None or reading.band is not None or reading.missing is Missing.NO_SCORE


def _wanted(view: ClassView, subject_material: SubjectMaterial) -> bool:
    return matches(subject_material, view.filters.subject, view.filters.material)


def _name(view: ClassView, definition_id: int) -> str:
    catalogue = (
        view.overview.catalogue
        if definition_id in view.overview.catalogue.definitions
        else view.state.class_data.catalogue
    )
    name = short_test(catalogue.definitions[definition_id].name)
    return name if view.overview.part is None else f"{name} · {view.goal_word}"


def _place(view: ClassView, board_test: BoardTest, board_tests: list[BoardTest]) -> str:
    """The subject of a test, with the material where the board shows two tests of this subject and name."""
    subject = subject_word(board_test.subject_material.subject)
    if (
        sum(
            (other.subject_material.subject, other.name, other.years)
            == (board_test.subject_material.subject, board_test.name, board_test.years)
            for other in board_tests
        )
        == 1
    ):
        return subject
    names = view.overview.catalogue.material_names({other.subject_material for other in board_tests})
    return f"{subject}, {names[board_test.subject_material]}"


def _bar(board_test: BoardTest, heading: str) -> html.Section:
    width = 100 * board_test.done / board_test.all if board_test.all else 0
    return html.Section(
        [
            html.H2([html.Span(heading), " ", " · ".join(filter(None, (board_test.name, board_test.years)))]),
            html.P([html.B(str(board_test.done)), " ", _("of {all} done", all=board_test.all)], className="bn"),
            html.Span(html.I(style={"width": f"{width:.1f}%"}), className="tr", **attrs(aria_hidden="true")),
        ],
        **attrs(data_test=str(board_test.test_id), data_done=str(board_test.done), data_all=str(board_test.all)),
    )


# -- what the class knows, practises, and must have done -----------------------------------------------------


def _foot(view: ClassView) -> list[Any]:
    lines = [*_known(view), *_practised(view), *_due(view)]
    return [html.Dl([part for line in lines for part in line], className="ft")] if lines else []


def board_topics(view: ClassView) -> list[Topic]:
    """The parts that at least half of the pupils shown took, hardest first."""
    shown = {pupil.id for pupil in view.overview.pupils}
    all_topics = topics(view.state.class_data, None, view.overview.period, shown)
    return [
        topic
        for topic in all_topics
        if 2 * topic.made >= len(shown)
        and _wanted(view, topic.subject_material)
        and view.filters.source in (None, topic.source_id)
    ]


def _known(view: ClassView) -> list[tuple[html.Dt, html.Dd]]:
    """The parts that most pupils who took them master, with how many do and never how many do not."""
    best = [topic for topic in reversed(board_topics(view)) if 2 * topic.below < topic.made][:MAX_KNOWN]
    if not best:
        return []
    words = [
        html.Li(
            [
                html.B(part_word(topic.part, topic.test)),
                ": ",
                _("{known} of {made}", known=topic.made - topic.below, made=topic.made),
            ],
            **attrs(data_topic=topic.part),
        )
        for topic in best
    ]
    return [(html.Dt(_("Most of us can do")), html.Dd(html.Ul(words)))]


def _practised(view: ClassView) -> list[tuple[html.Dt, html.Dd]]:
    """The name of the hardest part that most pupils who took it do not master yet."""
    hardest = next((topic for topic in board_topics(view) if 2 * topic.below > topic.made), None)
    return (
        [] if hardest is None else [(html.Dt(_("We practise")), html.Dd(html.B(part_word(hardest.part, hardest.test))))]
    )


def _due(view: ClassView) -> list[tuple[html.Dt, html.Dd]]:
    """The tests that must be done on each of the next days that tests are due."""
    today, source = clock.today().isoformat(), view.filters.source
    coming: dict[str, set[str]] = defaultdict(set)
    for date in view.state.due_dates:
        if (
            date.due_on >= today
            and _wanted(view, date.subject_material)
            and source in (None, date.subject_material.source_id)
        ):
            coming[date.due_on].add(short_test(date.test))
    return [
        (html.Dt(_("Done by {day}", day=day_name(day))), html.Dd(html.B(", ".join(sorted(tests, key=collation_key)))))
        for day, tests in sorted(coming.items())[:MAX_DAYS]
    ]


PAGE = Page("board", addresses.BOARD, title, layout, frame, reads_results, has_header=False)
