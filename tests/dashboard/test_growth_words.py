"""A word of growth never contradicts the numbers that stand beside it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from dashboard.pages.my_pupils.table import growth_of
from dashboard.pages.pupil.series import series_sentence, trend
from dashboard.pages.pupil.talk_sheet import can_grow, growth_words, series_words, worth_mentioning
from dashboard.text.scores import numbers_words, score_words
from dashboard.ui.my_pupils_view import SubjectSeries
from models.classroom.timeline import MaterialSeries, Sitting
from models.results.current_results import CurrentResult, ResultRow, sent_total
from models.results.scales import NormPosition, ParsedNorm
from models.results.subject_materials import SubjectMaterial
from models.schema.records import SCALE, Kind
from tests.models.classroom import bands

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


NUMBER = r"\d+(?:,\d+)?"
GROWTH_WORD = re.compile("stijgt|daalt|blijft gelijk|wisselt")
SENTENCE = re.compile(rf"(stijgt|daalt|blijft gelijk|wisselt): (?:vaardigheidsscores )?({NUMBER}(?:[,;] {NUMBER})*)")
STATED = re.compile(rf"(?:: |, )(?:vaardigheidsscore )?({NUMBER})(?: van {NUMBER})? op \d")


def direction_of(shown: list[str]) -> str:
    """The word for these numbers, by a rule of its own."""
    numbers = [Decimal(number.replace(",", ".")) for number in shown]
    steps = {(after > before) - (after < before) for before, after in pairwise(numbers)}
    return {(1,): "stijgt", (-1,): "daalt", (0,): "blijft gelijk"}.get(tuple(steps), "wisselt")


def check_words(text: str) -> int:
    """Check every word of growth in a text against the numbers that stand beside it; how many there are."""
    sentences = SENTENCE.findall(text)
    assert len(GROWTH_WORD.findall(text)) == len(sentences), text
    for word, numbers in sentences:
        assert word == direction_of(re.split("[,;] ", numbers)), text
    return len(sentences)


def check_series(series: MaterialSeries) -> int:
    """Check what the screens say of the growth of a series; how many words of growth there are."""
    shown = series_words(series) if worth_mentioning(series) is not None else ""
    growth_state, numbers = trend(series)
    word = "".join(str(part) for part in growth_state.children if isinstance(part, str))
    beside = f"{word}: {numbers.removeprefix('laatste 3: ')}" if GROWTH_WORD.fullmatch(word) else word
    line = "".join(str(part) for part in growth_of(SubjectSeries(series.subject_material, series.sittings)))
    if can_grow(series):
        stated = STATED.findall(growth_words(series))
        sentence = GROWTH_WORD.findall(growth_words(series))
        assert sentence == ([direction_of(stated)] if len(stated) == 3 else []), growth_words(series)
    return check_words(shown) + check_words(beside) + check_words(line)


@given(st.one_of(scores, of_thirty))
def test_every_word_of_growth_is_that_of_the_numbers_beside_it(several: list[Score]) -> None:
    check_series(series_of(several))


@given(st.one_of(scores, of_thirty))
def test_the_sheet_for_a_conversation_states_the_last_three_scores(several: list[Score]) -> None:
    series = series_of(several)
    covered = [str(score.points) for score in several if score.points is not None][-3:]
    if can_grow(series):
        assert STATED.findall(growth_words(series)) == covered


@given(scores)
def test_scores_out_of_different_maxima_have_no_word_of_growth(several: list[Score]) -> None:
    series = series_of(several)
    counted = [score for score in several if score.points is not None][-3:]
    if len({score.maximum for score in counted}) < 2:
        return
    assert not can_grow(series)
    assert not re.search("stijgt|daalt|blijft gelijk", series_words(series))
    for score in counted:
        if score.maximum is not None:
            assert f"{score.points} van {score.maximum}" in series_sentence(series)


def test_a_score_out_of_another_maximum_says_out_of_how_many() -> None:
    series = series_of([Score(21, 40), Score(23, 40), Score(17, 30)])
    assert series_words(series) == "Rekenen (Cijferpad): 17 van 30."
    assert series_sentence(series) == "Cijferpad, 3 scores: 21 van 40, 23 van 40, 17 van 30."
    assert numbers_words(series.sittings[:2]) == "21, 23 van 40"


def test_a_skill_score_and_its_level_say_what_they_are() -> None:
    series = series_of([Score(None, None)])
    detail = json.dumps({"references": [{"code": "IV", "group": "Landelijk", "value": "V"}]})
    row = series.sittings[0].total.row._replace(score=188 * SCALE, score_text="188", absence=None, detail=detail)
    skill = replace(series.sittings[0], total=sent_total(CurrentResult(row, False), ParsedNorm()))
    shown = series_words(replace(series, sittings=(skill,)))
    assert shown == ("Rekenen (Cijferpad): vaardigheidsscore 188, niveau V (I is het hoogste niveau, V het laagste).")
    assert numbers_words((skill, skill)) == "vaardigheidsscores 188, 188"


def test_a_score_with_levels_on_another_scale_says_out_of_how_many() -> None:
    totals = [
        replace(
            sitting(week, Score(points, None)),
            norm=bands(("laag", 0, high - 5, NormPosition.BELOW), ("goed", high - 4, high, NormPosition.ABOVE)),
        )
        for week, (points, high) in enumerate(((21, 40), (23, 40), (17, 30)))
    ]
    assert [score_words(total, totals) for total in totals] == ["21 van 40", "23 van 40", "17 van 30"]
    assert [score_words(total, totals[:2]) for total in totals[:2]] == ["21", "23"]


def test_a_word_over_the_last_scores_of_more_says_so() -> None:
    series = series_of([Score(value, 30) for value in (17, 10, 12, 13)])
    assert trend(series)[1] == "laatste 3: 10, 12, 13 van 30"
    assert growth_words(series) == (
        "Rekenen (Cijferpad): 10 van 30 op 8 sep, 12 van 30 op 15 sep, 13 van 30 op 22 sep; stijgt."
    )


@given(scores)
def test_a_level_without_points_has_no_word_of_growth_beside_it(several: list[Score]) -> None:
    series = series_of([*several, Score(None, None)])
    assert worth_mentioning(series) is series.sittings[-1]
    assert not re.search("stijgt|daalt|blijft gelijk", series_words(series))
