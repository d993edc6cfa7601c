"""The charts of the pupil page: an axis where no scale was sent, names of holidays; which test opens first."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from dashboard.pages.pupil.page import first_sitting
from dashboard.pages.pupil.side_panels import Side, read_side
from dashboard.ui.charts import BOTTOM, CLOSE, HEIGHT, TOP, series_figure
from models.access.viewer import Role, Viewer
from models.classroom.goals import Goal
from models.classroom.holidays import Holiday, read_holidays
from models.classroom.timeline import PupilTimeline, pupil_timeline
from models.results.periods import Period, with_year_before
from models.schema import clock, database
from models.schema.records import SCALE
from tests.conftest import Store
from tests.dashboard import school
from tests.dashboard.test_group_filters import SCORE, more_rows
from tests.dashboard.test_growth_words import SUMS, Score, series_of

PERIOD = Period("2026-08-20", "2026-11-30")
AUTUMN = Holiday("autumn", date(2026, 10, 17), date(2026, 10, 25))
HANNA = Viewer(school.SCHOOL, Role.TEACHER, school.TEACHER_A, "Hanna Vos")


@given(st.lists(st.integers(0, 300), min_size=1, max_size=7))
def test_an_axis_without_a_scale_has_round_numbers_and_half_of_the_highest_value(values: list[int]) -> None:
    axis = series_figure(series_of([Score(value, None) for value in values]), PERIOD, "circle", "light")["layout"][
        "yaxis"
    ]
    low, high = axis["range"]
    assert low <= min(values) <= max(values) <= high
    assert high - low >= max(values) / 2
    assert low >= 0
    assert len(axis["tickvals"]) >= 2
    assert all(low <= tick <= high for tick in axis["tickvals"])


def test_ninety_after_a_hundred_does_not_fill_the_chart() -> None:
    low, high = series_figure(series_of([Score(100, None), Score(90, None)]), PERIOD, "circle", "light")["layout"][
        "yaxis"
    ]["range"]
    assert 10 / (high - low) <= 0.2


@given(st.integers(0, 30), st.lists(st.integers(0, 30), min_size=1, max_size=5))
def test_the_words_of_a_goal_stand_on_no_number_of_the_axis(aim: int, values: list[int]) -> None:
    goal = Goal(1, 1, SUMS, aim * SCALE, None, "Hanna Vos", 0)
    series = series_of([Score(value, 30) for value in values])
    axis = series_figure(series, PERIOD, "circle", "light", goal)["layout"]["yaxis"]
    low, high = axis["range"]
    for tick in axis["tickvals"]:
        assert abs(tick - aim) / (high - low) * (HEIGHT - TOP - BOTTOM) >= CLOSE


def test_a_holiday_has_its_name_where_there_is_room_for_it() -> None:
    series = series_of([Score(5, 30), Score(9, 30)])

    def names(period: Period) -> list[str]:
        layout = series_figure(series, period, "circle", "light", None, [AUTUMN])["layout"]
        return [note["text"] for note in layout["annotations"] if note.get("textangle") == -90]

    assert names(PERIOD) == ["herfstvakantie"]
    assert names(Period("2024-08-01", "2026-11-30")) == []


def read(store: Store, pupil_id: int) -> tuple[PupilTimeline, Side]:
    """What the page of a pupil of 6a shows."""
    with clock.fixed(school.NOW), database.read_transaction(store.engine) as connection:
        timeline = pupil_timeline(connection, HANNA, pupil_id, with_year_before(school.YEAR))
        assert timeline is not None
        side = read_side(connection, store.cipher, HANNA, timeline.pupil, school.YEAR, read_holidays())
    return timeline, side


def test_the_parts_open_on_the_test_behind_the_signal(known_school: Store) -> None:
    timeline, side = read(known_school, 6)
    first = first_sitting(timeline, side)
    assert first is not None
    assert first.name == "Rivieren|topo|6a|77"  # the newest with parts
    more_rows(known_school, [{**SCORE, "identifier_id": 6, "taken_on": "2026-11-16", "score": 100, "score_text": "0"}])
    timeline, side = read(known_school, 6)
    assert [signal.rule.value for signal in side.signals if signal.open and signal.evidence.totals] == ["stuck"]
    first = first_sitting(timeline, side)
    assert first is not None
    assert (first.name, first.taken_on) == ("Toets blok 3", "2026-11-16")
