"""Pages on paper: printed by the browser to PDF, and read back with the place of every word."""

from __future__ import annotations

import ctypes
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass

import pypdfium2
from playwright.sync_api import Page

SHORT_SIDE, LONG_SIDE = 595, 842  # of A4, in points
BETWEEN_WORDS, WITHIN_LINE = 1.5, 1.0  # points: the gap that ends a word, and how far letters of one jump at most


@dataclass(frozen=True)
class Word:
    """A word on a sheet, with its box in points from the upper left corner; it stands on `bottom`."""

    text: str
    left: float
    right: float
    top: float
    bottom: float


@dataclass(frozen=True)
class Sheet:
    """A sheet of paper, with its words from the top down."""

    width: float
    height: float
    words: tuple[Word, ...]


def printed(page: Page) -> list[Sheet]:
    """The sheets that the print button gives; with no word over the edge of the paper."""
    page.wait_for_load_state("networkidle")
    page.wait_for_function(
        "() => [...document.querySelectorAll('.lc .dash-graph')].every(chart => chart.querySelector('.main-svg'))"
    )
    with closing(pypdfium2.PdfDocument(page.pdf(prefer_css_page_size=True))) as document:
        sheets = [Sheet(sheet.get_width(), sheet.get_height(), _words_on(sheet)) for sheet in document]
    outside = [
        word.text
        for sheet in sheets
        for word in sheet.words
        if word.left < 0 or word.top < 0 or word.right > sheet.width or word.bottom > sheet.height
    ]
    assert outside == []
    return sheets


def _words_on(sheet: pypdfium2.PdfPage) -> tuple[Word, ...]:
    """The words on a sheet: letters on one line that follow each other without a blank or a gap."""
    words: list[Word] = []
    before: Word | None = None
    for letter in _letters_on(sheet):
        if not letter.text.strip():
            before = None
        elif before is None or abs(letter.bottom - before.bottom) > WITHIN_LINE or not _joins(before, letter):
            before = letter
            words.append(letter)
        else:
            text, top = before.text + letter.text, min(before.top, letter.top)
            before = words[-1] = Word(text, before.left, letter.right, top, before.bottom)
    return tuple(sorted(words, key=lambda word: (word.bottom, word.left)))


def _joins(before: Word, letter: Word) -> bool:
    return before.left <= letter.left <= before.right + BETWEEN_WORDS


def _letters_on(sheet: pypdfium2.PdfPage) -> Iterator[Word]:
    """The letters on a sheet as they were written."""
    height, texts = sheet.get_height(), sheet.get_textpage()
    x, y = ctypes.c_double(), ctypes.c_double()
    for place in range(texts.count_chars()):
        left, _bottom, right, top = texts.get_charbox(place, loose=True)
        pypdfium2.raw.FPDFText_GetCharOrigin(texts, place, x, y)
        text = unicodedata.normalize("NFKC", texts.get_text_range(place, 1))
        yield Word(text, left, right, height - top, height - y.value)


def is_landscape(sheet: Sheet) -> bool:
    """Whether a sheet is an A4 on its side."""
    return (round(sheet.width), round(sheet.height)) == (LONG_SIDE, SHORT_SIDE)


def is_portrait(sheet: Sheet) -> bool:
    """Whether a sheet is an A4 standing up."""
    return (round(sheet.width), round(sheet.height)) == (SHORT_SIDE, LONG_SIDE)


def squeezed(texts: str | Iterable[str]) -> str:
    """A text, or words one after the other, without blanks: lines break elsewhere on paper than on the screen."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", texts if isinstance(texts, str) else "".join(texts)))


def lines_of(words: Iterable[Word]) -> list[list[Word]]:
    """Words as lines from the top down, each from left to right."""
    lines: list[list[Word]] = []
    for word in sorted(words, key=lambda word: word.bottom):
        if lines and word.bottom - lines[-1][0].bottom < 2:
            lines[-1].append(word)
        else:
            lines.append([word])
    return [sorted(line, key=lambda word: word.left) for line in lines]


def in_lines(words: Iterable[Word]) -> list[Word]:
    """Words in the order in which they are read."""
    return [word for line in lines_of(words) for word in line]


def text_of(words: Iterable[Word]) -> str:
    """The text of words without blanks, line by line."""
    return squeezed(word.text for word in in_lines(words))


def words_of(texts: Iterable[str]) -> Counter[str]:
    """How often each word is in some texts."""
    return Counter(word for text in texts for word in re.findall(r"\w+", unicodedata.normalize("NFKC", text)))


def numbers_of(texts: Iterable[str]) -> Counter[str]:
    """How often each number is in some texts."""
    return Counter(number for text in texts for number in re.findall(r"\d+(?:[.,]\d+)*", text))


def shown_texts(page: Page, selector: str) -> list[str]:
    """The texts on the screen within what a selector names, a piece for each element; those of charts too."""
    read = """all => all.flatMap(root => {
        const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT), texts = [];
        while (walker.nextNode()) {
            if (walker.currentNode.parentElement.checkVisibility() && !walker.currentNode.parentElement.closest(".vh"))
                { texts.push(walker.currentNode.textContent); }
        }
        return texts;
    })"""
    return [str(text) for text in page.locator(selector).evaluate_all(read)]


def half_empty(sheets: list[Sheet]) -> list[int]:
    """The places of the sheets before the last whose lower half is empty: blank ones, and those with only a title."""
    return [
        place
        for place, sheet in enumerate(sheets)
        if not sheet.words or (place < len(sheets) - 1 and max(word.bottom for word in sheet.words) < sheet.height / 2)
    ]
