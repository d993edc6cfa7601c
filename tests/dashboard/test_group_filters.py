"""The filters of the class screen: they narrow pupils, columns and cells, and with them every mean and count."""

from __future__ import annotations

import re

import flask
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import insert, text, update

from dashboard.pages.board import board_tests, board_topics
from dashboard.pages.class_page.attention import shown_topics
from dashboard.pages.class_page.filter_bar import goal_options
from dashboard.pages.class_page.progress_panel import shown_tests
from dashboard.text.words import missing_word
from dashboard.ui import page_address
from dashboard.ui.class_view import ClassView, read_class
from dashboard.ui.filters import ClassFilters, read_filters
from dashboard.ui.matrix_columns import cell_content, columns, footer
from dashboard.ui.matrix_table import by_attention_group, grid
from models.access.viewer import Role, Viewer
from models.classroom.attention import AttentionGroup
from models.classroom.class_overview import missing_reason
from models.classroom.goals import goals_of, set_goal
from models.classroom.holidays import read_holidays
from models.classroom.signals import topics
from models.classroom.timeline import pupil_timeline
from models.results.periods import of_school_year
from models.results.scales import Missing
from models.schema import clock, database, tables
from models.schema.records import Kind, Status
from tests.conftest import Store
from tests.dashboard import school
from tests.dashboard.test_web import as_persona, shown_page

HANNA = Viewer(school.SCHOOL, Role.TEACHER, school.TEACHER_A, "Hanna Vos")
SUPPORT = Viewer(school.SCHOOL, Role.SUPPORT, None, "Els Prins")
SUMS = school.SUMS_FIELD
SCORE: dict[str, object] = {
    "school_id": 1, "source_id": school.SUMS, "kind": int(Kind.SCORE), "test_id": 2, "definition_id": 2, "part_id": 0,
    "taken_on": "2026-11-20", "school_year": school.YEAR, "created_us": 1, "digest64": 1, "delivery_id": 1,
}  # fmt: skip
PROGRESS: dict[str, object] = {**SCORE, "kind": int(Kind.PROGRESS), "status": int(Status.DONE)}


def view(store: Store, viewer: Viewer = HANNA, **asked: object) -> ClassView:
    """What the class screen shows."""
    with clock.fixed(school.NOW), database.read_transaction(store.engine) as connection:
        view = read_class(connection, viewer, {"klas": "1", **asked}, read_holidays())[2]
    assert view is not None
    return view


def more_rows(store: Store, rows: list[dict[str, object]]) -> None:
    """Results beside those of the known school."""
    with database.write_transaction(store.engine) as connection:
        connection.execute(insert(tables.results), [{"key": f"more{i}", **item} for i, item in enumerate(rows)])


def set_active(store: Store, source_id: int, active: bool) -> None:
    """Whether a source is in the configuration."""
    connections = tables.source_connections
    with database.write_transaction(store.engine) as connection:
        connection.execute(update(connections).where(connections.c.source_id == source_id).values(active=active))


def ids(view: ClassView) -> list[int]:
    """The pupils that are shown."""
    return [pupil.id for pupil in view.overview.pupils]


def test_each_pupil_is_in_exactly_one_group_and_the_matrix_is_ordered_by_it(known_school: Store) -> None:
    class_view = view(known_school)
    by_course = {
        attention_group: [pupil.id for pupil in class_view.of_group(attention_group)]
        for attention_group in AttentionGroup
    }
    assert sorted(item for several in by_course.values() for item in several) == ids(class_view)
    assert by_course[AttentionGroup.ATTENTION] == [12]
    assert by_course[AttentionGroup.FEW] == [11]
    sections = by_attention_group(
        grid(class_view.overview, columns(class_view.overview, "vak", None)), class_view.attention_groups
    )
    assert [attention_group for attention_group, _rows in sections] == list(AttentionGroup)
    assert [[pupil.id for pupil, _cells in rows] for _course, rows in sections] == list(by_course.values())


def test_the_mean_counts_the_pupils_that_are_shown(known_school: Store) -> None:
    class_view = view(known_school, status="ruim")
    shown = ids(class_view)
    assert shown == [pupil.id for pupil in view(known_school).of_group(AttentionGroup.FAR_ABOVE)]
    [column] = [
        column for column in columns(class_view.overview, "vak", "arithmetic") if column.subject_materials == (SUMS,)
    ]
    under = footer([cells[0] for _name, cells in grid(class_view.overview, [column])])
    scores = [school.SUMS_BLOCK_3[item - 1] for item in shown]
    assert None not in scores
    assert under.mean == sum(score for score in scores if score is not None) * 10_000 / len(scores)
    assert (under.counted, under.all) == (len(shown), len(shown))


def test_a_part_of_a_class_is_a_year_group_or_another_class(known_school: Store) -> None:
    with database.write_transaction(known_school.engine) as connection:
        connection.execute(
            update(tables.memberships)
            .where(tables.memberships.c.school_id == 1, tables.memberships.c.pupil_id.in_((1, 2)))
            .values(year_group="7")
        )
        plus = {"school_id": 1, "school_year": school.YEAR, "location": "", "composed": True}
        connection.execute(insert(tables.classes), [{**plus, "id": 9, "name": "Plus", "year_groups": "6"}])
        group = {**plus, "id": 9, "key": "plus", "name": "Plus", "class_id": 9}
        connection.execute(insert(tables.groups), [group])
        members = [{"school_id": 1, "pupil_id": item, "group_id": 9, "from_us": 1} for item in (3, 4, 101)]
        connection.execute(insert(tables.memberships), members)
    assert ids(view(known_school, groep="jaar-7")) == [1, 2]
    assert ids(view(known_school, groep="groep-9")) == [3, 4]
    assert [(subgroup.key, subgroup.name) for subgroup in view(known_school).subgroups] == [
        ("jaar-6", "6"), ("jaar-7", "7"), ("groep-9", "Plus"),
    ]  # fmt: skip
    assert "groep=groep-9" in view(known_school, groep="groep-9").filters.query
    for gone in ("groep-77", "jaar-8"):  # of a class that was looked at before
        class_view = view(known_school, groep=gone)
        assert ids(class_view) == list(range(1, 13))
        assert "groep=" not in class_view.filters.query


def test_a_goal_shows_the_scores_on_that_part_by_its_own_norm(known_school: Store) -> None:
    class_view = view(known_school, doel="Breuken vergelijken")
    assert class_view.overview.subject_materials == [SUMS]
    cell = class_view.overview.cells[1][SUMS]
    assert (cell.total.reading.text, cell.total.reading.band, cell.others) == ("2", "onvoldoende", 1)
    assert class_view.overview.cells[4][SUMS].total.reading.band == "voldoende"


def test_under_a_goal_progress_of_the_whole_test_is_no_state_of_the_part(known_school: Store) -> None:
    more_rows(known_school, [{**PROGRESS, "identifier_id": item} for item in (11, 12)])
    [column] = columns(view(known_school).overview, "vak", None, "Cijferpad groep 6")
    assert cell_content(view(known_school).overview, column, 12).missing is Missing.NO_SCORE
    class_view = view(known_school, doel="Breuken vergelijken")
    [column] = columns(class_view.overview, "vak", None)
    states = {item: cell_content(class_view.overview, column, item).missing for item in (11, 12)}
    assert states == {11: None, 12: Missing.NO_RESULT}
    assert columns(class_view.overview, "materiaal", None)[0].subject_materials == (SUMS,)


def test_a_goal_is_of_the_publisher_that_is_chosen(known_school: Store) -> None:
    goal = "Breuken vergelijken"
    assert view(known_school, doel=goal, uitgever=str(school.SPELL)).overview.subject_materials == []
    assert view(known_school, doel=goal, uitgever=str(school.SUMS)).overview.subject_materials == [SUMS]


def test_a_goal_shows_the_parts_of_the_period_that_is_chosen(known_school: Store) -> None:
    part = {**SCORE, "identifier_id": 2, "test_id": 1, "definition_id": 1, "part_id": 3, "taken_on": "2026-01-20"}
    more_rows(known_school, [{**part, "score": 40_000, "score_text": "4"}])
    class_view = view(known_school, doel="Breuken vergelijken", periode="vorigjaar")
    assert {item: list(cells) for item, cells in class_view.overview.cells.items()} == {2: [SUMS]}
    assert class_view.overview.cells[2][SUMS].total.reading.text == "4"
    assert class_view.overview.cells[2][SUMS].total.reading.band == "onvoldoende"
    both = view(known_school, doel="Breuken vergelijken", periode="tweejaar")
    assert both.overview.cells[2][SUMS].others == 2


def test_one_pupil_below_is_not_hard_for_many(known_school: Store) -> None:
    class_view = view(known_school)
    assert [(topic.part, topic.below, topic.made) for topic in shown_topics(class_view)] == [
        ("Breuken vergelijken", 9, 10), ("Klok: digitale tijd", 5, 10),
    ]  # fmt: skip
    every = topics(class_view.state.class_data, None, class_view.overview.period)
    assert ("Optellen tot 1000", 2, 10) in [(topic.part, topic.below, topic.made) for topic in every]


def test_how_far_a_pupil_is_does_not_depend_on_the_period(known_school: Store) -> None:
    own = {**PROGRESS, "taken_on": "2026-10-10", "status": int(Status.BUSY), "offered": 40, "made": 12}
    more_rows(known_school, [{**own, "identifier_id": 12}])
    for period in ("jaar", "4weken", "2026-11-10_2026-11-26"):
        class_view = view(known_school, periode=period)
        [column] = columns(class_view.overview, "vak", None, "Cijferpad groep 6")
        assert cell_content(class_view.overview, column, 12).missing is Missing.BUSY


def test_a_score_outside_of_the_period_is_told_as_that(known_school: Store) -> None:
    score = {**SCORE, "identifier_id": 12, "score": 700_000, "score_text": "70"}
    more_rows(known_school, [score])
    more_rows(known_school, [{**PROGRESS, "identifier_id": 1, "key": "done"}])
    class_view = view(known_school, periode="2026-11-20_2026-11-26")
    [column] = columns(class_view.overview, "vak", None, "Cijferpad groep 6")
    states = {item: cell_content(class_view.overview, column, item).missing for item in (1, 2, 12)}
    # Block 3 of 13 November is hidden, also where the source says of it that it is finished.
    assert states == {1: Missing.OUTSIDE, 2: Missing.OUTSIDE, 12: None}
    assert "niet in deze periode" in missing_word(Missing.OUTSIDE)


def test_a_source_that_sends_progress_is_never_said_not_to(web: flask.Flask, known_school: Store) -> None:
    page = shown_page(as_persona(web, "hanna"), "/groep", "?klas=1&periode=2026-11-10_2026-11-13")
    silent = re.search(r'"className": "sm t2 silent"', page)
    assert silent is None or "Letterlab" not in page[silent.start() - 800 : silent.start()]
    assert "geen uitgever meldt hoe ver" not in shown_page(
        as_persona(web, "hanna"), "/leerlingen", "?klas=1&periode=2026-11-10_2026-11-13"
    )


@pytest.mark.parametrize(
    "odd", ["0500-01-01_2026-12-31", "0001-01-01_9999-12-31", "2024-02-29_2024-02-29", "1900-01-01_2199-12-31"]
)
@pytest.mark.parametrize("path", ["/groep", "/leerlingen", "/leerling/1", "/digibord"])
def test_odd_periods_are_answered(web: flask.Flask, path: str, odd: str) -> None:
    assert "Rondblik" in shown_page(as_persona(web, "hanna"), path, f"?klas=1&periode={odd}")


def test_a_part_of_another_test_last_year_is_hidden_by_the_period(known_school: Store) -> None:
    part = {**SCORE, "test_id": 1, "definition_id": 1, "part_id": 3, "score": 40_000, "score_text": "4"}
    goal = {"doel": "Breuken vergelijken", "periode": "2026-11-10_2026-11-26"}
    before = view(known_school, **goal).overview.hidden
    more_rows(known_school, [{**part, "identifier_id": 12, "taken_on": "2025-11-20"}])
    class_view = view(known_school, **goal)
    assert class_view.overview.hidden == before + 1
    [column] = columns(class_view.overview, "vak", None)
    assert cell_content(class_view.overview, column, 12).missing is Missing.OUTSIDE


def test_progress_of_a_part_is_of_the_whole_school_year(known_school: Store) -> None:
    own = {**PROGRESS, "part_id": 6, "status": int(Status.BUSY), "identifier_id": 12, "taken_on": "2025-12-10"}
    more_rows(known_school, [own])
    for period in ("2025-08-01_2026-07-31", "2026-03-01_2026-07-31"):
        class_view = view(known_school, doel="Breuken vergelijken", periode=period)
        assert [progress.status for progress in class_view.overview.progress[12]] == [Status.BUSY]


def test_a_goal_hides_only_what_is_of_its_part_and_filters(known_school: Store) -> None:
    goal = "Breuken vergelijken"
    days = {"doel": goal, "periode": "2026-11-01_2026-11-26"}
    assert view(known_school, **days).overview.hidden > 0
    assert view(known_school, **days, vak="spelling").overview.hidden == 0


def test_a_class_signal_is_within_the_filters_and_a_pupil_keeps_all(known_school: Store) -> None:
    class_view, narrowed = view(known_school), view(known_school, vak="spelling", uitgever=str(school.SPELL))
    assert [signal.rule for signal in class_view.signals if signal.pupil_id is None]
    assert not [signal for signal in narrowed.signals if signal.pupil_id is None]
    assert [signal.target for signal in narrowed.signals] == [
        signal.target for signal in class_view.signals if signal.pupil_id is not None
    ]


def test_a_publisher_without_coupling_is_told_on_every_page(web: flask.Flask, known_school: Store) -> None:
    set_active(known_school, school.SUMS, False)
    for by in ("vak", "materiaal"):
        class_view = view(known_school)
        several = [column for column in columns(class_view.overview, by, None) if column.source_id == school.SUMS]
        assert len(several) == 1
        assert cell_content(class_view.overview, several[0], 12).missing is Missing.NOT_LINKED
        assert cell_content(class_view.overview, several[0], 1).cell is not None
    assert "geen koppeling" in shown_page(as_persona(web, "hanna"), "/leerling/12")
    assert "geen koppeling" not in shown_page(as_persona(web, "hanna"), "/leerlingen")  # arithmetic has another source
    set_active(known_school, school.SPELL, False)
    assert "geen koppeling" in shown_page(as_persona(web, "hanna"), "/leerlingen")
    set_active(known_school, school.SPELL, True)
    other = view(known_school, uitgever=str(school.SPELL))
    assert {column.source_id for column in columns(other.overview, "materiaal", None)} == {school.SPELL}


def test_a_period_of_long_ago_has_its_groups_and_the_same_signals(known_school: Store) -> None:
    more_rows(
        known_school,
        [
            {**SCORE, "identifier_id": 1, "test_id": 1, "definition_id": 1, "taken_on": f"2024-1{item}-05",
             "score": 900_000, "score_text": "90"}
            for item in range(3)
        ],
    )  # fmt: skip
    class_view = view(known_school, periode="2024-09-01_2025-07-01")
    assert class_view.attention_groups[1] is AttentionGroup.FAR_ABOVE
    assert [signal.target for signal in class_view.signals if signal.pupil_id] == [
        signal.target for signal in view(known_school).signals if signal.pupil_id
    ]


def test_of_last_year_what_was_hard_and_its_parts_can_be_seen(known_school: Store) -> None:
    part = {**SCORE, "test_id": 1, "definition_id": 1, "part_id": 3, "taken_on": "2026-01-20"}
    more_rows(
        known_school,
        [{**part, "identifier_id": item, "score": item * 10_000, "score_text": str(item)} for item in range(1, 11)],
    )
    class_view = view(known_school, periode="vorigjaar")
    [topic] = shown_topics(class_view)
    assert (topic.part, topic.below, topic.made) == ("Breuken vergelijken", 5, 10)
    assert [option["value"] for option in goal_options(class_view, class_view.filters)] == ["", "Breuken vergelijken"]
    # A signal is about now: the same signals stand there as in this school year.
    assert [signal.target for signal in class_view.signals] == [signal.target for signal in view(known_school).signals]


def test_under_a_goal_the_progress_is_of_the_part_where_the_source_sends_it(known_school: Store) -> None:
    own = {**PROGRESS, "part_id": 6, "status": int(Status.BUSY), "offered": 8, "made": 5}
    more_rows(known_school, [{**own, "identifier_id": 12}])
    class_view = view(known_school, doel="Breuken vergelijken")
    [column] = columns(class_view.overview, "vak", None)
    assert cell_content(class_view.overview, column, 12).missing is Missing.BUSY
    assert cell_content(class_view.overview, column, 11).missing is None  # a score on it in an earlier block
    [bar] = shown_tests(class_view.overview, None, None)
    assert (bar.done, bar.busy, bar.without) == (0, 1, 11)
    [test] = board_tests(class_view)
    assert (test.name, test.done, test.all) == ("Toets blok 3 · Breuken vergelijken", 10, 12)


def test_under_a_goal_the_period_hides_what_it_hides_of_the_part(known_school: Store) -> None:
    goal = "Breuken vergelijken"
    assert view(known_school, doel=goal).overview.hidden == 0
    days = view(known_school, doel=goal, periode="2026-11-01_2026-11-26")
    with database.read_transaction(known_school.engine) as connection:
        rows = connection.execute(
            text(
                "SELECT count(DISTINCT r.identifier_id) FROM results r JOIN memberships m ON m.school_id = r.school_id "
                "AND m.pupil_id = r.identifier_id AND m.group_id = 1 AND m.to_us IS NULL "
                "WHERE r.school_id = 1 AND r.part_id = 3 AND r.kind = 1 AND r.taken_on < '2026-11-01'"
            )
        )
        expected = rows.scalar_one()
    assert days.overview.hidden == expected > 0


@pytest.mark.parametrize(("last", "below"), [("2026-10-31", "Toets blok 2"), ("2026-11-26", "Toets blok 3")])
def test_what_is_hard_for_many_is_of_the_period_that_is_shown(known_school: Store, last: str, below: str) -> None:
    class_view = view(known_school, periode=f"2026-09-01_{last}")
    assert {topic.test for topic in shown_topics(class_view)} == {below}
    assert {topic.test for topic in board_topics(class_view)} == {below}


def test_the_state_of_a_cell_does_not_depend_on_who_else_is_shown(known_school: Store) -> None:
    [item] = [
        column for column in columns(view(known_school).overview, "vak", None) if column.subject_materials == (SUMS,)
    ]
    everybody = cell_content(view(known_school).overview, item, 12).missing
    alone = view(known_school, status="aandacht")
    assert ids(alone) == [12]
    assert cell_content(alone.overview, item, 12).missing is everybody is Missing.NO_RESULT


def test_what_another_class_uses_is_not_said_of_this_one(known_school: Store) -> None:
    subject_material = school.SPELL_FIELD
    both = view(known_school, SUPPORT, klas="1,2")
    assert missing_reason(both.overview, 101, [subject_material])[0] is Missing.NOT_DELIVERED
    assert missing_reason(both.overview, 102, [SUMS])[0] is Missing.NO_RESULT


def call_alike(store: Store) -> None:
    """Peillijn calls its material as Cijferpad does."""
    with database.write_transaction(store.engine) as connection:
        own = tables.test_definitions.c.source_id == school.LEVELS
        connection.execute(update(tables.test_definitions).where(own).values(material=SUMS.material))


@pytest.mark.parametrize("by", ["vak", "materiaal"])
def test_two_publishers_with_one_name_of_a_material_stay_two_columns(known_school: Store, by: str) -> None:
    call_alike(known_school)
    overview = view(known_school).overview
    found = {column.source_id: column for column in columns(overview, by, "arithmetic")}
    named = {"Cijferpad groep 6 (Cijferpad)": school.SUMS, "Cijferpad groep 6 (Peillijn)": school.LEVELS}
    assert {item.label if by == "vak" else item.group: item.source_id for item in found.values()} == named
    cells = {source: cell_content(overview, item, 1).cell for source, item in found.items()}
    reading = {source: cell.total.reading for source, cell in cells.items() if cell is not None}
    assert reading[school.SUMS].text == "58"
    assert reading[school.LEVELS].band == "II"


def test_a_goal_in_one_of_two_materials_of_one_name_is_not_of_the_other(known_school: Store) -> None:
    call_alike(known_school)
    with clock.fixed(school.NOW), database.write_transaction(known_school.engine, school.SCHOOL) as connection:
        set_goal(connection, HANNA, 1, SUMS, 800_000)
    with clock.fixed(school.NOW), database.read_transaction(known_school.engine) as connection:
        timeline = pupil_timeline(connection, HANNA, 1, of_school_year(school.YEAR))
        goals = goals_of(connection, HANNA, [1])[1]
    assert timeline is not None
    all_series = [series for series in timeline.series if series.subject_material.subject == "arithmetic"]
    assert [(series.source, series.subject_material in goals) for series in all_series] == [
        ("Cijferpad", True),
        ("Peillijn", False),
    ]


def test_a_material_or_publisher_leaves_its_own_columns(known_school: Store) -> None:
    class_view = view(known_school)
    assert {
        column.subject_materials[0].material for column in columns(class_view.overview, "vak", None, "Letterlab")
    } == {"Letterlab"}
    only = view(known_school, uitgever=str(school.LEVELS))
    assert {subject_material.material for subject_material in only.overview.subject_materials} == {"Peillijn"}


def test_what_the_period_hides_is_counted_of_the_pupils_shown(known_school: Store) -> None:
    assert view(known_school).overview.hidden == 1  # one of pupil 2, in January
    assert view(known_school, status="weinig").overview.hidden == 0
    assert view(known_school, periode="tweejaar").overview.hidden == 0


def test_what_the_period_hides_is_counted_within_the_other_filters(known_school: Store) -> None:
    def hidden(**asked: object) -> int:
        return view(known_school, **asked).overview.hidden

    assert hidden(vak="arithmetic") == hidden(uitgever=str(school.SUMS)) == hidden(materiaal=SUMS[1]) == 1
    assert hidden(vak="spelling") == hidden(uitgever=str(school.SPELL)) == hidden(materiaal="Letterlab") == 0


def test_several_classes_stand_on_one_screen(known_school: Store) -> None:
    class_view = view(known_school, SUPPORT, klas="1,2")
    assert set(ids(class_view)) == {*range(1, 13), 101, 102, 103}
    assert class_view.names == ["6a", "6b"]


@pytest.mark.parametrize(
    "query",
    [
        "?klas=1&periode=4weken&vak=arithmetic&materiaal=Cijferpad+groep+6&uitgever=1&doel=Breuken+vergelijken"
        "&status=norm&weergave=materiaal&stand=ruim",
        "?klas=1&periode=2026-09-01_2026-10-31",
        "?klas=1",
    ],
)
def test_an_address_gives_the_same_filters_again(web: flask.Flask, known_school: Store, query: str) -> None:
    asked = {name: value.replace("+", " ") for name, value in re.findall(r"([a-z]+)=([^&]+)", query)}
    with database.read_transaction(known_school.engine) as connection:
        filters = read_class(connection, HANNA, asked, read_holidays())[1]
    assert filters.query == query
    assert "Groep 6a" in shown_page(as_persona(web, "hanna"), "/groep", query)


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=256))
@example("Breuken\u00a0(delen)")
@example("\u202bשברים\u202c")
@example("\U0001f600" * 256)
@example("a&b=c#d%41+e f")
def test_every_name_that_a_publisher_can_send_can_be_chosen(name: str) -> None:
    filters = ClassFilters((), material=name, goal=name)
    assert len(filters.query) <= page_address.LONGEST
    assert read_filters([], page_address.filters_of(filters.query)) == filters


@pytest.mark.parametrize("text", ["", "a\x00b", "a\nb", "x" * 257])
def test_what_is_no_name_is_no_filter(text: str) -> None:
    assert read_filters([], {"materiaal": text, "doel": text}) == ClassFilters(())


def test_an_odd_span_of_days_is_this_school_year() -> None:
    for odd in ("2026-02-30_2026-03-01", "2026-10-31_2026-09-01", "2026-09-01", "x_y"):
        assert read_filters([], {"periode": odd}) == ClassFilters(())
