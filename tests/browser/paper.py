"""Pages on paper: printed by the browser to PDF, and read back with the place of every word."""

from __future__ import annotations

import io
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import pdfplumber
from playwright.sync_api import Page

SHORT_SIDE, LONG_SIDE = 595, 842  # of A4, in points


@dataclass(frozen=True)
class Word:
    """A word on a sheet, with its box in points from the upper left corner."""

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
    with pdfplumber.open(io.BytesIO(page.pdf(prefer_css_page_size=True))) as document:
        sheets = [
            Sheet(
                float(sheet.width),
                float(sheet.height),
                tuple(
                    Word(
                        unicodedata.normalize("NFKC", word["text"]), word["x0"], word["x1"], word["top"], word["bottom"]
                    )
                    for word in sheet.extract_words(x_tolerance=1.5, y_tolerance=1)
                ),
            )
            for sheet in document.pages
        ]
    outside = [
        word.text
        for sheet in sheets
        for word in sheet.words
        if word.left < 0 or word.top < 0 or word.right > sheet.width or word.bottom > sheet.height
    ]
    assert outside == []
    return sheets


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
