"""Scores as numbers in a sentence, of how many points where the number alone would mislead, and what levels mean."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dashboard.text.translate import _, n_, native
from dashboard.text.words import band_word, growth_word
from models.classroom.class_data import ScoredTest
from models.results.growth import TREND_POINTS, Growth
from models.results.scales import LEVELS, ScoreReading, plain_decimal
from models.schema.records import Kind


def score_words(scored_test: ScoredTest, beside: Sequence[ScoredTest] = ()) -> str:
    """The number of a score, or its band if there is none: 17; 17 van 30 where the source says of how many.

    Where the scores `beside` it are on another scale, the highest value of its norm stands for the number of points.
    A skill score is named as one.
    """
    reading = scored_test.reading
    if reading.text is None:
        return band_word(reading.band or "")
    maximum = _maximum(scored_test, beside)
    number = native(reading.text)
    if maximum is not None:
        return _("{score} of {maximum}", score=number, maximum=native(maximum))
    return _("skill score {score}", score=number) if _is_skill(scored_test) else number


def numbers_words(scored_tests: Sequence[ScoredTest]) -> str:
    """The numbers of scores in one text; what is the same for all of them is said once: 15, 16, 17 van 40."""
    with_text = [scored_test for scored_test in scored_tests if scored_test.reading.text is not None]
    numbers = _listed([native(scored_test.reading.text or "") for scored_test in with_text])
    if with_text and len(with_text) == len(scored_tests):
        maxima = {_maximum(scored_test, scored_tests) for scored_test in with_text}
        if maxima != {None} and len(maxima) == 1:
            return _("{score} of {maximum}", score=numbers, maximum=native(maxima.pop() or ""))
        if all(_is_skill(scored_test) for scored_test in with_text):
            return n_("skill score {numbers}", "skill scores {numbers}", len(with_text), numbers=numbers)
        if maxima == {None}:
            return numbers
    return _listed([score_words(scored_test, scored_tests) for scored_test in scored_tests])


def span_words(counted: Sequence[ScoredTest]) -> str:
    """The numbers that a word of growth covers: those of the last scores that count, and whether there are more."""
    numbers = numbers_words(counted[-TREND_POINTS:])
    if len(counted) <= TREND_POINTS:
        return numbers
    return _("the last {number}: {numbers}", number=TREND_POINTS, numbers=numbers)


def growth_with_numbers(growth: Growth, counted: Sequence[ScoredTest]) -> str:
    """A word of growth with the numbers that it covers: stijgt: 15, 16, 17 van 40."""
    return f"{growth_word(growth)}: {numbers_words(counted[-TREND_POINTS:])}"


def level_words(reading: ScoreReading) -> str:
    """The band of a score; of a level of a Dutch norm group also which levels are the highest and the lowest."""
    band = band_word(reading.band or "")
    meaning = level_meaning(reading)
    return f"{band} ({meaning})" if meaning else band


def level_meaning(reading: ScoreReading) -> str:
    """Which level is the highest and which the lowest; empty for a band that is no level of a Dutch norm group."""
    if reading.norm_group is None:
        return ""
    highest, *_others, lowest = LEVELS[reading.norm_group]
    return _("{highest} is the highest level, {lowest} the lowest", highest=highest, lowest=lowest)


def level_meanings(readings: Iterable[ScoreReading]) -> list[str]:
    """A sentence for each norm group that these levels are of."""
    return [f"{meaning}." for meaning in sorted({level_meaning(reading) for reading in readings} - {""})]


def _listed(numbers: Sequence[str]) -> str:
    """Numbers after each other; with semicolons where a comma stands in one of them."""
    return ("; " if any("," in number for number in numbers) else ", ").join(numbers)


def _maximum(scored_test: ScoredTest, beside: Sequence[ScoredTest]) -> str | None:
    """Of how many points a score is: as the source says, or the end of its scale where others are on another."""
    scale = scored_test.scale
    if scored_test.reading.maximum is not None:
        return scored_test.reading.maximum
    if scale is not None and any(other.scale != scale for other in beside):
        return plain_decimal(scale[1])
    return None


def _is_skill(scored_test: ScoredTest) -> bool:
    return scored_test.total.row.kind == Kind.OSO
