"""How a score is read: its text as sent, its band by the norm that it came with, or why there is no number.

One function decides (`read_score`): nothing is converted, nothing recomputed, and a zero is a score like any other.
Sources: UWLR ctpNormering (a bound belongs to its band), OSO code list 11 (reference scores).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from itertools import pairwise
from typing import Any

from models.schema.records import SCALE, Absence, Kind

HUGEST_SCORE = 1_000_000  # what is larger no test has; the same bound as the reader's rule score.huge


class NormPosition(StrEnum):
    """The position of a score in its own norm; UNKNOWN if the source sent none."""

    BELOW = "below"
    ON = "on"
    ABOVE = "above"
    UNKNOWN = "unknown"


class Missing(StrEnum):
    """Why there is no number, or none that counts yet."""

    NOT_OFFERED = "not_offered"
    NO_SCORE = "no_score"
    NOT_LINKED = "not_linked"
    NOT_DELIVERED = "not_delivered"
    NOT_TAKEN = "not_taken"  # the pupil has nothing of the subject, as most of the year group
    OTHER_YEAR = "other_year"  # only another year group of the class has anything of it
    OTHER_SUBJECT = "other_subject"  # whoever looks is a subject teacher of this pupil, of another subject
    NO_RESULT = "no_result"
    FUTURE = "future"  # there is one, of a day that has yet to come
    OUTSIDE = "outside"  # there is one, of another day than the period holds
    NOT_SET = "not_set"
    NOT_BEGUN = "not_begun"
    BUSY = "busy"


# Nothing is to be expected.
NOT_FOR_PUPIL = frozenset({Missing.NOT_TAKEN, Missing.OTHER_YEAR, Missing.OTHER_SUBJECT})


class Comparability(StrEnum):
    """What the numbers of a material may be compared with, as far as the sources say."""

    SAME_NORM = "same_norm"  # one norm for all of them, or levels of one norm group
    CONVERTED = "converted"  # the source gives a school grade with each band
    OWN_SCALE = "own_scale"  # no norm, or norms that differ: each only with itself


@dataclass(frozen=True, slots=True)
class NormBand:
    """A band with its bounds as numbers, and where it stands among its bands."""

    word: str
    low: Decimal
    high: Decimal
    position: NormPosition
    grade: tuple[str, str] | None = None  # schoolcijfer_vanaf and _totenmet, as sent


@dataclass(frozen=True, slots=True)
class ParsedNorm:
    """The norm of a test or part: bands ordered by begin value, and the highest eindnormwaarde.

    A norm with a maximum only has no intervals.
    """

    intervals: tuple[NormBand, ...] = ()
    maximum: Decimal | None = None
    span: tuple[Decimal, Decimal] | None = field(init=False, compare=False)  # the lowest and highest value it knows

    def __post_init__(self) -> None:
        """Work the span out once: it is asked for each score."""
        lowest = min((interval.low for interval in self.intervals), default=Decimal(0))
        object.__setattr__(self, "span", None if self.maximum is None else (lowest, self.maximum))

    @property
    def maximum_only(self) -> bool:
        """Whether the norm says how many points there are and nothing else."""
        return not self.intervals and self.maximum is not None


NO_NORM = ParsedNorm()


@dataclass(frozen=True, slots=True)
class ReferenceLevel:
    """A reference score that a source gives in an OSO result: its code of OSO list 11, the group, and the value."""

    code: str
    group: str
    value: str
    qualification: str | None

    @property
    def word(self) -> str:
        """What was sent: the value, after its code where it says too little by itself (a number, a letter)."""
        if self.code in LEVELS:
            return self.value
        says_enough = any(sign.isalpha() for sign in self.value) and any(sign.isdigit() for sign in self.value)
        return self.value if says_enough and not is_reference_level(self.value) else f"{self.code} {self.value}"


@dataclass(frozen=True, slots=True)
class ScoreReading:
    """One result as screens show it.

    `text` is the number with a point, with the decimals that were sent; `maximum` the number of points behind "van".
    `suspect` means above the highest value of the norm, or larger than any test has: shown as "klopt mogelijk niet",
    and out of every mean. `norm_group` is the code of the levels that the band is one of.
    """

    text: str | None = None
    value: int | None = None
    maximum: str | None = None
    band: str | None = None
    position: NormPosition = NormPosition.UNKNOWN
    has_norm: bool = False
    suspect: bool = False
    missing: Missing | None = None
    references: tuple[ReferenceLevel, ...] = ()
    grade: tuple[str, str] | None = None  # the school grades that the source gives with this band: from, up to
    norm_group: str | None = None

    @property
    def counts(self) -> bool:
        """Whether the number may go into a mean."""
        return self.value is not None and not self.suspect

    @property
    def is_judged(self) -> bool:
        """Whether it is a score with a norm, or a level in place of a score: what signals and groups look at."""
        return self.has_norm and not self.suspect and (self.value is not None or self.band is not None)


def parse_decimal(text: str | None) -> Decimal | None:
    """The number in `text`, or None where there is none."""
    if text is None:
        return None
    try:
        value = Decimal(text.strip())
    except InvalidOperation:
        return None
    return value if value.is_finite() else None


def plain_decimal(value: Decimal) -> str:
    """A decimal without exponent and without zeros behind the point that say nothing."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def score_as_text(score: int, text: str | None) -> str:
    """A score (ten-thousandths) as people write it: 007 as 7, -0 as 0; decimals stay as they were sent."""
    sent = parse_decimal(text)
    if sent is None:
        return plain_decimal(Decimal(score) / SCALE)
    return format(abs(sent) if sent.is_zero() else sent, "f")


def parse_norm(norm: dict[str, Any] | None) -> ParsedNorm:
    """The norm of a stored definition (`TestDefinition.norm` or `Part.norm` as JSON) as numbers."""
    if norm is None:
        return NO_NORM
    highs, bounded = [], []
    for band in norm["bands"]:
        high = parse_decimal(band["high"])
        if high is None:
            continue
        highs.append(high)
        low = parse_decimal(band.get("low"))
        if low is not None:
            word = (band.get("term") or "").strip() or (band.get("description") or "").strip()
            bounded.append((low, high, word or f"{plain_decimal(low)}–{plain_decimal(high)}", _grade(band)))
    bounded.sort(key=lambda item: (item[0], item[1]))
    positions = band_positions(len(bounded))
    return ParsedNorm(
        tuple(
            NormBand(word, low, high, position, grade)
            for (low, high, word, grade), position in zip(bounded, positions, strict=True)
        ),
        max(highs, default=None),
    )


def _grade(band: dict[str, Any]) -> tuple[str, str] | None:
    """The school grades that a source advises for a band; both or none, for half an advice is none."""
    low, high = parse_decimal(band.get("grade_from")), parse_decimal(band.get("grade_to"))
    return None if low is None or high is None else (format(low, "f"), format(high, "f"))


def scale_of(kind: int, reading: ScoreReading, norm: ParsedNorm) -> tuple[Decimal, Decimal] | None:
    """The range of values that the scale of a score has; None where nobody said."""
    if reading.maximum is not None:
        return (Decimal(0), Decimal(reading.maximum))
    return norm.span if kind == Kind.SCORE else None


def one_norm_group(readings: Iterable[ScoreReading]) -> bool:
    """Whether all of these are OSO results with levels of one norm group."""
    groups = {reading.norm_group for reading in readings}
    return len(groups) == 1 and None not in groups


def comparability(norms: Collection[ParsedNorm], levels: bool = False) -> Comparability:
    """With what the numbers given by these norms may be compared; `levels`: OSO levels of one norm group."""
    if levels:
        return Comparability.SAME_NORM
    banded = [norm for norm in norms if norm.intervals]
    if not banded or len(banded) < len(norms):
        return Comparability.OWN_SCALE
    if len({norm.intervals for norm in banded}) == 1:
        return Comparability.SAME_NORM
    graded = all(interval.grade is not None for norm in banded for interval in norm.intervals)
    return Comparability.CONVERTED if graded else Comparability.OWN_SCALE


def band_positions(count: int) -> list[NormPosition]:
    """The lowest band is below, the highest above; a single band is only itself."""
    if count < 2:
        return [NormPosition.ON] * count
    return [NormPosition.BELOW] + [NormPosition.ON] * (count - 2) + [NormPosition.ABOVE]


def overlap(bounds: Iterable[tuple[int, int]]) -> bool:
    """Whether two bands with these lowest and highest values hold the same score, so that `band_of` has to choose."""
    return any(later[0] <= earlier[1] for earlier, later in pairwise(sorted(bounds)))


def band_of(value: int, norm: ParsedNorm) -> NormBand | None:
    """The band that holds `value` (ten-thousandths), bounds included; of several the one that begins last.

    The rule `norm.overlap` tells a sender the same.
    """
    exact = Decimal(value) / SCALE
    fitting = [interval for interval in norm.intervals if interval.low <= exact <= interval.high]
    return fitting[-1] if fitting else None  # they are in order of their begin


def read_score(
    kind: int,
    score: int | None,
    score_text: str | None,
    absence: int | None,
    norm: ParsedNorm,
    detail: str | None = None,
) -> ScoreReading:
    """The reading of a result of `kind`, by the norm of the definition that it came with."""
    if kind == Kind.OSO:
        return _read_oso_score(score, score_text, detail)
    if score is None:
        reason = Missing.NOT_OFFERED if absence == Absence.NOT_OFFERED else Missing.NO_SCORE
        return ScoreReading(missing=reason)
    text = score_as_text(score, score_text)
    limit = norm.maximum
    if score > HUGEST_SCORE * SCALE or (limit is not None and Decimal(score) / SCALE > limit):
        return ScoreReading(text, score, has_norm=bool(norm.intervals), suspect=True)
    if norm.maximum_only and limit is not None:
        return ScoreReading(text, score, maximum=plain_decimal(limit))
    if not norm.intervals:
        return ScoreReading(text, score)
    band = band_of(score, norm)
    if band is None:
        return ScoreReading(text, score, has_norm=True)
    return ScoreReading(text, score, band=band.word, position=band.position, has_norm=True, grade=band.grade)


# The levels of the Dutch norm groups, by their code in OSO list 11 and best first: fifths of all pupils, or quarters of
# which the lowest is divided. No other code has an order that its list gives.
LEVELS = {
    "IV": {
        "I": NormPosition.ABOVE,
        "II": NormPosition.ON,
        "III": NormPosition.ON,
        "IV": NormPosition.BELOW,
        "V": NormPosition.BELOW,
    },
    "AE": {
        "A": NormPosition.ABOVE,
        "B": NormPosition.ON,
        "C": NormPosition.ON,
        "D": NormPosition.BELOW,
        "E": NormPosition.BELOW,
    },
}


def _read_oso_score(score: int | None, score_text: str | None, detail: str | None) -> ScoreReading:
    """An OSO result: the skill score, and the level that the source itself gives; no UWLR norm holds.

    Where there is no level with an order the first other reference score stands in its place, as it was sent; a level
    of the reference framework only where there is nothing else.
    """
    sent = reference_levels(detail)
    ordered = [level for code in LEVELS for level in sent if level.code == code]
    others = [level for level in sent if not is_reference_level(level.value)]
    own = next(iter((*ordered, *others)), None)
    if own is None and score is None:
        own = next(iter(sent), None)
    position = LEVELS.get(own.code, {}).get(own.value.strip(), NormPosition.UNKNOWN) if own is not None else None
    level = ScoreReading(
        missing=Missing.NO_SCORE if own is None and score is None else None,
        band=own.word if own is not None else None,
        position=position or NormPosition.UNKNOWN,
        has_norm=bool(ordered),
        references=tuple(level for level in sent if level is not own),
        norm_group=ordered[0].code if ordered else None,
    )
    if score is None:
        return level
    text, huge = score_as_text(score, score_text), score > HUGEST_SCORE * SCALE
    return replace(level, text=text, value=score, suspect=huge)


def reference_levels(detail: str | None) -> tuple[ReferenceLevel, ...]:
    """The reference scores in the detail of an OSO result."""
    if detail is None:
        return ()
    return tuple(
        ReferenceLevel(load["code"], load["group"], load["value"], load.get("qualification"))
        for load in json.loads(detail).get("references", ())
    )


def is_reference_level(value: str) -> bool:
    """Whether a value is a level of the Dutch reference framework: 1F, 2F, 3F, 4F, 1S and so on."""
    return len(value) == 2 and value[0] in "1234" and value[1] in "FS"
