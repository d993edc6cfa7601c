"""A word of growth never contradicts the numbers that stand beside it."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from dashboard.pages.pupil.series import series_sentence, trend
from dashboard.pages.pupil.talk_sheet import can_grow, growth_words, series_words, worth_mentioning
from models.classroom.timeline import MaterialSeries, Sitting
from models.results.current_results import CurrentResult, ResultRow, sent_total
from models.results.scales import ParsedNorm
from models.results.subject_materials import SubjectMaterial
from models.schema.records import SCALE, Kind

SUMS = SubjectMaterial("arithmetic", "Cijferpad", 1)
FIRST_DAY = date(2026, 9, 1)


class Score(NamedTuple):
    """A score of a number of points; without points only a level was sent."""

    points: int | None
    maximum: int | None


def series_of(scores: list[Score]) -> MaterialSeries:
    """A series of these scores, a week apart."""
    sittings = tuple(sitting(week, score) for week, score in enumerate(scores))
    return MaterialSeries(SUMS, "Uitgever", sittings, sends_progress=False)


def sitting(week: int, score: Score) -> Sitting:
    """One score: points with a norm that is only a maximum or none, or a level I without points."""
    day = (FIRST_DAY + timedelta(weeks=week)).isoformat()
    norm = ParsedNorm(maximum=None if score.maximum is None else Decimal(score.maximum))
    is_level = score.points is None
    detail = json.dumps({"references": [{"code": "IV", "group": "Landelijk", "value": "I"}]}) if is_level else None
    row = ResultRow(
        1, 1, Kind.OSO if is_level else Kind.SCORE, 1, week, 0, day,
        None if score.points is None else score.points * SCALE, None, 2 if is_level else None, detail,
        1, 1, None, None, None, None, None, 1, None, f"{week}",
    )  # fmt: skip
    total = sent_total(CurrentResult(row, False), norm)
    return Sitting(total, SUMS, norm, "Toets", (), late=False)


points = st.integers(0, 12)
scores = st.lists(
    st.one_of(
        st.builds(Score, points, st.just(30)),
        st.builds(Score, points, st.sampled_from((None, 20, 30, 40))),
        st.just(Score(None, None)),
    ),
    min_size=1,
    max_size=7,
)
of_thirty = st.lists(st.builds(Score, points, st.just(30)), min_size=1, max_size=7)


def contradicts(word: str, first: int, last: int) -> bool:
    """Whether a sentence says a direction that its first and last number do not go."""
    return (
        ("stijgt" in word and last <= first)
        or ("daalt" in word and last >= first)
        or ("blijft gelijk" in word and last != first)
    )


@given(st.one_of(scores, of_thirty))
def test_the_growth_on_the_sheet_for_a_conversation_is_that_of_the_numbers_beside_it(several: list[Score]) -> None:
    series = series_of(several)
    if not can_grow(series):
        return
    words = growth_words(series)
    numbers = re.search(r"van (\d+) op .* naar (\d+) op", words)
    if numbers is not None:
        assert not contradicts(words, int(numbers[1]), int(numbers[2])), words


@given(scores)
def test_scores_out_of_different_maxima_have_no_word_of_growth(several: list[Score]) -> None:
    series = series_of(several)
    if len({score.maximum for score in several if score.points is not None}) < 2:
        return
    assert not can_grow(series)
    assert not re.search("stijgt|daalt|blijft gelijk", series_words(series))
    assert " naar " not in series_sentence(series)


def test_a_score_out_of_another_maximum_says_out_of_how_many() -> None:
    series = series_of([Score(21, 40), Score(23, 40), Score(17, 30)])
    assert series_words(series) == "Rekenen (Cijferpad): 17 van 30."
    assert series_sentence(series) == "Cijferpad, 3 metingen met andere puntentelling; de nieuwste is 17 van 30."


def test_a_word_over_the_last_scores_of_more_says_so() -> None:
    series = series_of([Score(value, 30) for value in (17, 10, 12, 13)])
    assert trend(series)[1] == "laatste 3 metingen"
    assert growth_words(series) == "Rekenen (Cijferpad): van 10 op 8 sep naar 13 op 22 sep, 3 metingen; stijgt."


@given(scores)
def test_a_level_without_points_has_no_word_of_growth_beside_it(several: list[Score]) -> None:
    series = series_of([*several, Score(None, None)])
    reading = worth_mentioning(series)
    assert reading is not None
    assert not re.search("stijgt|daalt|blijft gelijk", series_words(series))
