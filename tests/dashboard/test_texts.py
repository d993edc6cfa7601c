"""Texts, numbers and dates follow the language; nothing on a screen is left untranslated."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir

import dashboard
from dashboard.text import translate, words
from dashboard.ui import charts
from models.results.catalogue import AFTER_ALL_PARTS, PartName
from models.results.scales import Missing
from models.results.subjects import SUBJECTS, UNMAPPED
from models.schema import clock
from tests.dashboard import school

FOLDER = Path(dashboard.__file__).parent


@contextmanager
def in_language(language: str) -> Iterator[None]:
    """Texts in a language, as in a request."""
    translate.use_language(language)
    try:
        yield
    finally:
        translate.use_language()


@cache
def messages() -> list[str | tuple[str, ...]]:
    """Every message in the code of the screens."""
    generator = extract_from_dir(FOLDER, [("**.py", "python")], keywords={"_": None, "n_": (1, 2)})
    return sorted({message for _file, _line, message, _comments, _context in generator}, key=str)


def catalogue(language: str) -> dict[str | tuple[str, int], str]:
    """The translations in the .po file of a language; of a plural each form by itself."""
    texts: dict[str | tuple[str, int], str] = dict(vars(translate.translations(language))["_catalog"])
    del texts[""]  # the head of the file
    return texts


def source_text(key: str | tuple[str, int]) -> str:
    """The text in the code behind an entry of a catalogue; of a plural the form that the entry translates."""
    if isinstance(key, str):
        return key
    return next(message[key[1]] for message in messages() if isinstance(message, tuple) and message[0] == key[0])


def placeholders(text: str) -> set[str]:
    """The names to fill in."""
    return set(re.findall(r"{(\w+)}", text))


def test_every_text_of_the_code_has_a_dutch_translation() -> None:
    dutch = catalogue("nl")
    for message in messages():
        if isinstance(message, tuple):
            assert all(dutch.get((message[0], form)) for form in (0, 1)), message
        else:
            assert dutch.get(message), message


@pytest.mark.parametrize("language", translate.LANGUAGES)
def test_a_translation_has_the_placeholders_of_its_source(language: str) -> None:
    texts = catalogue(language)
    assert texts
    for key, text in texts.items():
        assert placeholders(text) == placeholders(source_text(key)), key


def test_the_english_catalogue_has_only_texts_that_differ_from_their_source() -> None:
    sources = set(messages())
    for key, text in catalogue("en").items():
        assert key in sources
        assert text != key


def test_an_english_text_without_a_translation_is_its_source_in_singular_and_plural() -> None:
    with in_language("en"):
        assert translate._("There is no such page") == "There is no such page"
        assert translate._("Look as") == "View as"
        forms = [translate.n_("{number} pupil", "{number} pupils", number) for number in (0, 1, 2, 1284)]
    assert forms == ["0 pupils", "1 pupil", "2 pupils", "1,284 pupils"]


def test_every_subject_and_state_has_a_dutch_word() -> None:
    assert all(words.subject_word(item) != item for item in (*SUBJECTS, UNMAPPED))
    assert all(words.missing_word(missing) for missing in Missing)
    assert words.subject_word(UNMAPPED) == "Vak nog niet toegewezen"
    assert words.reference_word("1F") == "op weg naar 1F (indicatie)"


def test_a_number_has_the_decimal_sign_of_the_language() -> None:
    assert translate.native("7.0") == "7,0"
    assert translate.tenths(Decimal(272_400)) == "27,2"
    assert translate.tenths(Decimal(770_000)) == "77"
    assert translate.whole(1284) == "1.284"
    with in_language("en"):
        assert (translate.native("7.0"), translate.whole(1284)) == ("7.0", "1,284")


def test_an_instant_is_told_by_the_day_in_the_netherlands() -> None:
    with clock.fixed(school.NOW):
        assert translate.moment(school.us("2026-11-26", "07:30")) == "vandaag 7:30"
        assert translate.moment(school.us("2026-11-27", "06:30")) == "morgen 6:30"
        assert translate.moment(school.us("2026-11-24", "14:02")) == "di 24 nov 14:02"
        assert translate.at_moment(school.us("2026-11-26", "00:12")) == "vandaag om 0:12"
        assert translate.at_moment(school.us("2026-11-24", "14:02")) == "di 24 nov om 14:02"
    night = datetime(2026, 10, 25, 2, 30, tzinfo=clock.AMSTERDAM, fold=1)
    with clock.fixed(night):
        assert translate.moment(clock.to_us(night)) == "vandaag 2:30"


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, "0 min"), (1, "< 1 min"), (25_000, "< 1 min"), (59_999, "< 1 min"), (60_000, "1 min"), (89_000, "1 min"),
        (3_570_000, "1 u 0 min"), (7_500_000, "2 u 5 min"),
    ],
)  # fmt: skip
def test_a_time_under_a_minute_is_not_zero(milliseconds: int, text: str) -> None:
    with in_language("nl"):
        assert translate.minutes(milliseconds) == text


@pytest.mark.parametrize(
    ("name", "title", "in_sentence"),
    [
        ("6a", "Groep 6a", "groep 6a"), ("Groep 8", "Groep 8", "Groep 8"), ("groep 3", "groep 3", "groep 3"),
        ("Klas H2b", "Klas H2b", "Klas H2b"), ("Stamgroep Zee", "Stamgroep Zee", "Stamgroep Zee"),
        ("Groepje plus", "Groep Groepje plus", "groep Groepje plus"),
    ],
)  # fmt: skip
def test_a_class_that_says_it_is_one_is_called_so_once(name: str, title: str, in_sentence: str) -> None:
    with in_language("nl"):
        assert (words.class_word(name), words.class_in_sentence(name)) == (title, in_sentence)
        assert words.classes_word([name]) == title
        assert words.classes_word(["6a", "6b"]) == "Groepen 6a, 6b"
        assert words.classes_word(["6a", "Groep 8"]) == "Groep 6a, Groep 8"


def test_the_name_of_a_test_is_cut_at_its_first_bar() -> None:
    assert words.short_test("Leesvaardigheid|NE|4H1|77060") == "Leesvaardigheid"
    assert words.short_test("Toets blok 3") == "Toets blok 3"
    assert words.short_test("|x") == "|x"


@pytest.mark.parametrize(
    ("name", "word", "of_test"),
    [
        ("12658", "Onderdeel 12658", "Onderdeel 12658 (H2 Weer en klimaat)"),
        ("a1", "Onderdeel a1", "Onderdeel a1 (H2 Weer en klimaat)"),
        ("OG-12", "Onderdeel OG-12", "Onderdeel OG-12 (H2 Weer en klimaat)"),
        ("Breuken|RW|12658", "Breuken", "Breuken"),
        ("DMT", "DMT", "DMT"),
        ("AVI M3", "AVI M3", "AVI M3"),
        ("Tafels t/m 10", "Tafels t/m 10", "Tafels t/m 10"),
    ],
)
def test_a_part_that_has_only_a_code_is_called_a_part(name: str, word: str, of_test: str) -> None:
    assert words.part_word(name) == word
    assert words.part_word(name, "H2 Weer en klimaat|AK|5A|36513") == of_test


@pytest.mark.parametrize(
    ("pattern", "word"),
    [
        ("*|AK|5A|*", "Toetsen met AK, 5A in de code"),
        ("REK*", "Toetsen met REK in de code"),
        ("*", "Alle toetsen"),
        ("H2 Weer en klimaat|AK|5A|36513", "H2 Weer en klimaat"),
        ("Toveren", "Toveren"),
    ],
)
def test_a_pattern_of_the_mapping_of_subjects_is_said_in_words(pattern: str, word: str) -> None:
    assert words.pattern_words(pattern) == word


def test_a_year_group_of_secondary_school_counts_from_one_and_others_are_as_sent() -> None:
    names = {"6": "Leerjaar 6", "14": "Leerjaar 4", "9": "Leerjaar 9", "17": "Leerjaar 17"}
    assert {year: words.year_word(year) for year in names} == names
    assert {year: words.year_in_sentence(year) for year in names} == {
        year: name.lower() for year, name in names.items()
    }


def test_a_day_of_another_school_year_has_its_year() -> None:
    with clock.fixed(school.NOW):
        assert translate.short_day("2026-11-13") == "13 nov"
        assert translate.short_day("2026-06-16") == "16 jun 2026"
        assert translate.day_name("2026-03-13") == "vr 13 mrt 2026"


def test_the_charts_take_their_colours_from_the_tokens() -> None:
    assert charts.colours("light")["series"] == "#22303d"
    assert charts.colours("dark")["series"] == "#dfe5ea"
    assert charts.colours("dark").keys() == charts.colours("light").keys()


def test_month_ticks_are_few_and_name_each_year_once() -> None:
    ticks = charts._months(date(2025, 8, 1), date(2026, 12, 6))
    assert len(ticks) <= charts.MAX_TICKS
    assert charts._month_words(ticks)[0].endswith("2025")
    assert sum("<br>" in word for word in charts._month_words(ticks)) == 2


def test_a_part_with_only_a_code_has_its_number_in_the_test() -> None:
    defined, undefined = PartName(3, "12658", "12658", True), PartName(AFTER_ALL_PARTS, "12658", "12658", False)
    named = PartName(3, "12658", "Breuken", True)
    with in_language("nl"):
        assert words.part_name_word(defined) == "Onderdeel 3"
        assert words.part_name_word(defined, "H2 Weer|AK|5A") == "Onderdeel 3 (H2 Weer)"
        assert words.part_name_word(undefined) == "Onderdeel 12658"
        assert words.part_name_word(named, "H2 Weer") == "Breuken"
