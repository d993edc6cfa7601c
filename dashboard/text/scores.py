"""Scores as numbers in a sentence, of how many points where the number alone would mislead."""

from __future__ import annotations

from collections.abc import Sequence

from dashboard.text.translate import _, native
from dashboard.text.words import band_word
from models.classroom.class_data import ScoredTest
from models.results.scales import plain_decimal


def score_words(scored_test: ScoredTest, beside: Sequence[ScoredTest] = ()) -> str:
    """The number of a score, or its band if there is none: 17; 17 van 30 where the source says of how many.

    Where the scores `beside` it are on another scale, the highest value of its norm stands for the number of points.
    """
    reading = scored_test.reading
    if reading.text is None:
        return band_word(reading.band or "")
    maximum, scale = reading.maximum, scored_test.scale
    if maximum is None and scale is not None and any(other.scale != scale for other in beside):
        maximum = plain_decimal(scale[1])
    if maximum is None:
        return native(reading.text)
    return _("{score} of {maximum}", score=native(reading.text), maximum=native(maximum))
