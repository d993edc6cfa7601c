"""What stands in a file of links stays as it was typed, and every bad line gets a sentence."""

from __future__ import annotations

import time

import pytest

from models.ingest import link_file
from models.ingest.link_file import LineError, LinkLine, line_error, read_links


def lines_of(text: str) -> list[tuple[str, str]]:
    """The identifiers and pupils of a file without errors."""
    lines, errors = read_links(text)
    assert errors == []
    return [(line.identifier, line.pupil) for line in lines]


@pytest.mark.parametrize(
    "typed", ["NA", "007", "nan", "NULL", "None", "1.0", "1e5", "=1+1", "5-6", "TRUE", "-", "#N/A"]
)
@pytest.mark.parametrize("separator", [";", ","])
def test_what_is_typed_stays_text(typed: str, separator: str) -> None:
    assert lines_of(f"identifier{separator}pupil\n{typed}{separator}{typed}\n") == [(typed, typed)]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_any_end_of_line_and_a_byte_order_mark_are_read(end: str, mark: str) -> None:
    text = mark + end.join(["Identifier;Pupil", "n1;a", "", ' n2 ;"b"', '"n;3";"c""d"', ""])
    assert lines_of(text) == [("n1", "a"), ("n2", "b"), ("n;3", 'c"d')]


def test_the_columns_may_stand_in_any_order_among_others() -> None:
    assert lines_of("pupil;name;identifier;\na;Jip Verzonnen;n1;\n") == [("n1", "a")]


def test_each_bad_line_gets_its_sentence_and_its_number_with_empty_lines_counted() -> None:
    lines, errors = read_links('identifier;pupil\nn1;a\n\nn2\n;b\nn3;c;d\n"n\n4";e;\n')
    assert lines == [LinkLine(2, "n1", "a"), LinkLine(7, "n\n4", "e")]
    expected = {4: link_file.NO_KEY, 5: link_file.NO_IDENTIFIER, 6: link_file.MORE_COLUMNS}
    assert errors == [line_error(line, sentence) for line, sentence in expected.items()]


def test_a_quote_that_is_never_closed_names_its_line_and_nothing_is_read() -> None:
    assert read_links('identifier;pupil\nn1;a\n"n2;b\nn3;c\n') == ([], [line_error(3, link_file.OPEN_QUOTE)])


@pytest.mark.parametrize("text", ["", "\n\n", "n1;a\n", "identifier\nn1\n", "identifier|pupil\nn1|a\n"])
def test_a_file_without_the_columns_says_what_the_first_line_must_be(text: str) -> None:
    assert read_links(text) == ([], [line_error(1, link_file.NO_COLUMNS)])


@pytest.mark.parametrize(
    "text",
    [
        "identifier;pupil\n" + ";" * 500_000 + "\n" * 400_000 + "n1;a",
        "identifier;pupil" + ";" * 90 + "\n" * 900_000 + "n1;a",
    ],
    ids=["wide", "long"],
)
def test_a_file_that_would_be_laid_out_huge_is_refused_at_once(text: str) -> None:
    begin = time.monotonic()
    lines, errors = read_links(text)
    assert (lines, [error.sentence_en.partition(": ")[2] for error in errors]) == ([], [link_file.TOO_WIDE[1]])
    assert time.monotonic() - begin < 10


def test_no_error_repeats_a_value() -> None:
    assert {*LineError.__slots__} == {"line", "sentence_nl", "sentence_en"}
    assert "secret" not in str(read_links("identifier;pupil\nsecret;\n;secret\nsecret;secret;secret\n")[1])
