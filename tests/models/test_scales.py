"""What may be said of a score."""

from __future__ import annotations

import json
from typing import Any

import pytest
from lxml import etree

from connectors.uwlr.definitions import read_norm
from connectors.uwlr.rules import finding
from dashboard.text.words import band_word
from models.results.scales import (
    LEVELS,
    NO_NORM,
    Comparability,
    Missing,
    NormPosition,
    ParsedNorm,
    ScoreReading,
    comparability,
    is_reference_level,
    one_norm_group,
    parse_norm,
    read_score,
    scale_of,
)
from models.schema.records import Absence, Kind


def norm(*bands: tuple[str | None, str | None, str]) -> dict[str, Any]:
    """A norm as a stored definition holds it."""
    return {"bands": [{"term": term, "low": low, "high": high} for term, low, high in bands]}


THREE = parse_norm(norm(("goed", "80", "100"), ("onvoldoende", "0", "59"), ("voldoende", "60", "79")))


def score(value: float | None, text: str | None = None, norm: Any = THREE, absence: int | None = None) -> ScoreReading:
    """What is said of a plain score."""
    fixed = None if value is None else round(value * 10_000)
    return read_score(Kind.SCORE, fixed, text if text is not None or value is None else f"{value:g}", absence, norm)


@pytest.mark.parametrize(
    ("value", "band", "position"),
    [
        (0, "onvoldoende", NormPosition.BELOW),
        (59, "onvoldoende", NormPosition.BELOW),
        (60, "voldoende", NormPosition.ON),
        (79, "voldoende", NormPosition.ON),
        (80, "goed", NormPosition.ABOVE),
        (100, "goed", NormPosition.ABOVE),
    ],
)
def test_a_bound_belongs_to_its_band_and_bands_are_ordered_by_where_they_begin(
    value: float, band: str, position: NormPosition
) -> None:
    assert (score(value).band, score(value).position) == (band, position)


def test_a_bound_of_two_bands_belongs_to_the_one_that_begins_there() -> None:
    touching = parse_norm(norm(("laag", "0", "60"), ("hoog", "60", "100")))
    assert score(60, norm=touching).band == "hoog"


OVERLAPPING = [
    ((("laag", "0", "20"), ("hoog", "15", "30")), 17, "hoog"),
    ((("hoog", "15", "30"), ("laag", "0", "20")), 17, "hoog"),  # the order in the message does not matter
    ((("laag", "0", "20"), ("hoog", "15", "30")), 14, "laag"),
    ((("laag", "0", "15"), ("hoog", "15", "30")), 15, "hoog"),
    ((("alles", "0", "30"), ("midden", "10", "20")), 25, "alles"),
    ((("alles", "0", "30"), ("midden", "10", "20")), 15, "midden"),
]


@pytest.mark.parametrize(("bands", "value", "counts"), OVERLAPPING)
def test_where_bands_overlap_the_screens_do_what_the_finding_says(
    bands: tuple[tuple[str, str, str], ...], value: float, counts: str
) -> None:
    assert score(value, norm=parse_norm(norm(*bands))).band == counts
    sent = "".join(
        f"<norm><term>{term}</term><beginnormwaarde>{low}</beginnormwaarde><eindnormwaarde>{high}</eindnormwaarde></norm>"
        for term, low, high in bands
    )
    noted: list[str] = []
    xml = etree.fromstring(f"<toetsnormering>{sent}</toetsnormering>")
    read_norm(xml, lambda rule, _element: noted.append(rule))
    assert noted == ["norm.overlap"]
    assert "de norm die het laatst begint" in finding("norm.overlap").message_nl
    lows = {term: int(low) for term, low, high in bands if int(low) <= value <= int(high)}
    assert counts == max(lows, key=lambda term: lows[term])


def test_a_zero_is_a_score_and_counts() -> None:
    zero = score(0, "0")
    assert (zero.text, zero.value, zero.counts, zero.missing) == ("0", 0, True, None)


def test_decimals_stay_as_the_source_sent_them() -> None:
    assert score(7, "7.0", NO_NORM).text == "7.0"


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("007", "7"),
        ("+5", "5"),
        ("-0", "0"),
        ("-0.0", "0.0"),
        ("07.50", "7.50"),
        ("-3", "-3"),
        ("0", "0"),
        (" 8 ", "8"),
    ],
)
def test_a_score_is_shown_as_a_plain_number(sent: str, shown: str) -> None:
    assert score(float(sent), sent, NO_NORM).text == shown


def test_what_no_test_has_is_suspect_also_without_a_norm() -> None:
    assert score(1_000_000, norm=NO_NORM).counts
    huge = score(1_000_001, norm=NO_NORM)
    assert (huge.suspect, huge.counts) == (True, False)
    assert oso("II", 10_000_010_000).suspect


def test_between_two_bands_there_is_no_band_but_there_is_a_norm() -> None:
    between = score(59.5)
    assert (between.band, between.position, between.has_norm, between.suspect) == (
        None,
        NormPosition.UNKNOWN,
        True,
        False,
    )


def test_above_the_highest_value_of_the_norm_a_score_is_suspect_and_does_not_count() -> None:
    high = score(101)
    assert (high.text, high.suspect, high.counts, high.band) == ("101", True, False, None)


def test_a_norm_with_a_maximum_only_is_a_number_of_points_and_no_band() -> None:
    points = parse_norm(norm((None, None, "2")))
    reading = score(1.5, norm=points)
    assert (reading.maximum, reading.band, reading.position, reading.has_norm) == (
        "2",
        None,
        NormPosition.UNKNOWN,
        False,
    )
    assert score(6, norm=points).suspect


def test_without_a_norm_nothing_is_said_but_the_number() -> None:
    assert score(71.5, norm=NO_NORM) == ScoreReading("71.5", 715_000)


def test_a_single_band_tints_nothing() -> None:
    assert score(5, norm=parse_norm(norm(("behaald", "0", "10")))).position is NormPosition.ON


def test_a_band_without_term_is_named_by_its_bounds() -> None:
    assert score(5, norm=parse_norm(norm(("", "0", "10"), ("b", "11", "20")))).band == "0–10"


def test_not_offered_and_without_score_are_reasons_and_no_numbers() -> None:
    assert score(None, "X", absence=Absence.NOT_OFFERED) == ScoreReading(missing=Missing.NOT_OFFERED)
    assert score(None, absence=Absence.NO_SCORE) == ScoreReading(missing=Missing.NO_SCORE)


def oso(level: str | None, value: int | None = 2_120_000) -> ScoreReading:
    """What is said of an OSO result with a level and a reference level."""
    scores = [{"code": "RNTRM", "group": "M6", "value": "1F", "qualification": None}]
    if level is not None:
        scores.append({"code": "IV", "group": "M6", "value": level, "qualification": None})
    detail = json.dumps({"skill_scale": "3", "references": scores})
    return read_score(Kind.OSO, value, "212" if value is not None else None, None, THREE, detail)


@pytest.mark.parametrize(
    ("level", "position"),
    [
        ("I", NormPosition.ABOVE),
        ("II", NormPosition.ON),
        ("III", NormPosition.ON),
        ("IV", NormPosition.BELOW),
        ("V", NormPosition.BELOW),
    ],
)
def test_an_oso_result_has_the_level_that_its_source_gives_and_never_a_band_of_a_norm(
    level: str, position: NormPosition
) -> None:
    reading = oso(level)
    assert (reading.text, reading.band, reading.position, reading.suspect) == ("212", level, position, False)


def test_an_oso_result_without_a_level_has_no_band() -> None:
    assert (oso(None).band, oso(None).position, oso(None).has_norm) == (None, NormPosition.UNKNOWN, False)


def test_an_oso_result_without_skill_score_still_shows_its_level() -> None:
    assert (oso("II", None).text, oso("II", None).band, oso("II", None).missing) == (None, "II", None)
    assert (oso(None, None).missing, oso(None, None).band) == (None, "RNTRM 1F")
    empty = read_score(Kind.OSO, None, None, Absence.NO_SCORE, NO_NORM, json.dumps({"references": []}))
    assert empty.missing is Missing.NO_SCORE


def sent(*references: tuple[str, str], value: int | None = None) -> ScoreReading:
    """What is said of an OSO result with these reference scores."""
    scores = [{"code": code, "group": "Landelijk", "value": text, "qualification": None} for code, text in references]
    text = None if value is None else str(value)
    score = None if value is None else value * 10_000
    return read_score(Kind.OSO, score, text, None, NO_NORM, json.dumps({"references": scores}))


@pytest.mark.parametrize(
    ("references", "word", "position"),
    [
        ([("AE", "A")], "A", NormPosition.ABOVE),
        ([("AE", "C")], "C", NormPosition.ON),
        ([("AE", "D")], "D", NormPosition.BELOW),
        ([("AE", "E"), ("DLE", "5")], "E", NormPosition.BELOW),
        ([("FN", "87"), ("IV", "III")], "niveau III", NormPosition.ON),
        ([("AE", "B"), ("IV", "V")], "niveau V", NormPosition.BELOW),
        ([("AE", "F")], "F", NormPosition.UNKNOWN),
        ([("CAE", "E"), ("CIV", "V")], "CAE E", NormPosition.UNKNOWN),
        ([("FN", "87"), ("DLE", "40")], "FN 87", NormPosition.UNKNOWN),
        ([("FN", "M5")], "M5", NormPosition.UNKNOWN),
        ([("AVI", "E4")], "E4", NormPosition.UNKNOWN),
        ([("Percentiel", "34")], "percentiel 34", NormPosition.UNKNOWN),
        ([("DLE", "0")], "DLE 0", NormPosition.UNKNOWN),
        ([("RNTRM", "1F"), ("Stanine", "4")], "Stanine 4", NormPosition.UNKNOWN),
        ([("RNTRM", "1F")], "op weg naar 1F (indicatie)", NormPosition.UNKNOWN),
    ],
)
def test_a_reference_score_is_shown_as_sent_with_an_order_where_its_list_gives_one(
    references: list[tuple[str, str]], word: str, position: NormPosition
) -> None:
    alone, beside = sent(*references), sent(*references, value=104)
    assert (alone.missing, alone.text, band_word(alone.band or ""), alone.position) == (None, None, word, position)
    assert len(alone.references) == len(references) - 1
    only_framework = {code for code, _value in references} == {"RNTRM"}  # then it stands apart from the score
    assert (beside.text, beside.band) == ("104", None if only_framework else alone.band)
    ordered = any(code in LEVELS for code, _value in references)
    assert (alone.is_judged, alone.has_norm, alone.counts) == (ordered, ordered, False)


def test_levels_of_different_groups_are_not_of_one_norm() -> None:
    assert one_norm_group([sent(("AE", "A")), sent(("AE", "E"), value=90)])
    assert not one_norm_group([sent(("AE", "A")), sent(("IV", "I"))])
    assert not one_norm_group([sent(("Percentiel", "34")), sent(("Percentiel", "35"))])


def test_a_reference_level_is_told_from_other_reference_scores() -> None:
    assert [reference.value for reference in oso("II").references] == ["1F"]
    assert [value for value in ("1F", "2S", "M6", "12", "1") if is_reference_level(value)] == ["1F", "2S"]


def graded(*rows: tuple[str, str, str, str | None, str | None]) -> ParsedNorm:
    """A norm whose bands come with school grades."""
    bands = [
        {"term": term, "low": low, "high": high, "grade_from": first, "grade_to": last}
        for term, low, high, first, last in rows
    ]
    return parse_norm({"bands": bands})


def test_a_school_grade_is_the_advice_of_the_source_and_never_computed() -> None:
    norm = graded(("onvoldoende", "0", "59", "1.0", "5.4"), ("voldoende", "60", "79", "5.5", None))
    assert read_score(Kind.SCORE, 590_000, "59", None, norm).grade == ("1.0", "5.4")
    assert read_score(Kind.SCORE, 600_000, "60", None, norm).grade is None  # half an advice is none
    assert read_score(Kind.SCORE, 600_000, "60", None, ParsedNorm()).grade is None


def test_with_what_numbers_may_be_compared() -> None:
    norm = graded(("laag", "0", "5", "1.0", "5.4"), ("hoog", "6", "10", "5.5", "10.0"))
    other = graded(("laag", "0", "11", "1.0", "5.4"), ("hoog", "12", "20", "5.5", "10.0"))
    plain_ = graded(("laag", "0", "11", None, None), ("hoog", "12", "20", None, None))
    assert comparability([norm, norm]) is Comparability.SAME_NORM
    assert comparability([norm, other]) is Comparability.CONVERTED
    assert comparability([norm, plain_]) is Comparability.OWN_SCALE
    assert comparability([norm, ParsedNorm()]) is Comparability.OWN_SCALE
    assert comparability([ParsedNorm()]) is Comparability.OWN_SCALE
    assert comparability([]) is Comparability.OWN_SCALE
    assert comparability([ParsedNorm()], levels=True) is Comparability.SAME_NORM


def test_the_scale_of_a_score_is_known_only_where_somebody_said() -> None:
    norm = graded(("laag", "10", "50", None, None), ("hoog", "51", "100", None, None))
    assert scale_of(Kind.SCORE, read_score(Kind.SCORE, 200_000, "20", None, norm), norm) == (10, 100)
    points = parse_norm({"bands": [{"term": None, "low": None, "high": "8"}]})
    assert scale_of(Kind.SCORE, read_score(Kind.SCORE, 20_000, "2", None, points), points) == (0, 8)
    assert scale_of(Kind.SCORE, read_score(Kind.SCORE, 20_000, "2", None, ParsedNorm()), ParsedNorm()) is None
    assert scale_of(Kind.OSO, read_score(Kind.OSO, 2_000_000, "200", None, norm), norm) is None
