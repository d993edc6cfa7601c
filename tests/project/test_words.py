"""The code and the documents use the terms of docs/glossary.md, not the private words they replaced.

Names, comments and docstrings of the code are searched, and all of the documents. Other strings are not: they hold the
texts of screens, names in the database, and Dutch.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.project.code_names import ROOT, defined_in, modules

# Each word with the term to use. Case matters only for capitals; a part of a name counts as a word.
EVERYWHERE = {
    "desks?": "receiver context",
    "judg(?:e|es|ed|ing) (?:it |them )?anew": "replay, process again",
    "lanes?": "series; of the worker: thread",
    "persona(?:s|e)?": "demo user",
    "pictures?": "class data",
    "(?:un|re)?seal(?:s|ed|ing|er)?": "encrypt, decrypt; cipher",
    "shel(?:f|ves)": "material catalogue",
    "spots?": "source location",
    "strangers?": "unknown sender; somebody else",
    "test[ _-]rooms?": "sandbox",
    "the doors?": "connection, socket",
    "told": "reported, shown, answered",
    "yardsticks?": "norm",
}
IN_NAMES = {
    "MOST_[A-Z_]+": "MAX_...",
    "couplings?": "connection",
    "courses?": "attention group",
    "openings?": "header",
    "rooms?": "sandbox",
    "said": "reading, sentence",
}
CLASSES = frozenset(
    """
    About Asked Came Coupled Coupling CouplingRow CouplingState Course Delivered Desk Found GroupFilters
    GroupView HeldRoster Judged Keep Kept KnownSingle Lane Mark MarkRefused MineFilters MineView NoRoom NotHeld
    NotLater Opening PartScored Persona Picture Place Pulled Reach Room Said Scored Seal SealBroken SeenFault
    Shelf ShelfFilters ShelfTest Shown Spot Standing SubjectLine Taken Told TooMany Unassigned Visit Wanted
    Yardstick _Asked _Enough _Every _Fetching _Found _Gate _Held _Lane _Live _Look _Nothing _SeenError _Shown
    _Watched _plainly
    """.split()  # noqa: SIM905 - sixty names read best as text
)

# What may be said all the same, each for a reason.
ALLOWED = {
    r"test_rooms?(?:_\w+)?": "the tables of sandboxes, and the key of config.yaml",
    r"(?:\w+_)?sealed": "columns of the database",
    r"room_id": "a column of the database",
    r"test_arrivals_by_room": "an index of the database",
    r"sealing\.key": "the file with the encryption key, in every installation",
    r"tests/[\w/]+\.py::\w+": "a test by its name",
    r"[\w/]*\btest_\w+\.py": "a file with tests",
}
SKIPPED = {
    "connectors/simulator": "made-up schools and materials",
    "models/schema/migrations": "what earlier versions did",
    "docs/rules.md": "made from the texts that senders read",
    "docs/clauses.md": "made from the texts that vendors read",
}
# Where a word means something else.
ELSEWHERE = {"openings?": ("dashboard/", "connectors/intake/masking.py")}  # opening a page; an opening tag

DOCUMENTS = (
    *sorted((ROOT / "docs").rglob("*.md")),
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "config.yaml")),
)


def path_of(file: Path) -> str:
    """The path of a file within the repository."""
    return file.relative_to(ROOT).as_posix()


def is_skipped(file: Path) -> bool:
    """Whether a file may use any word."""
    return path_of(file).startswith(tuple(SKIPPED))


@cache
def code() -> tuple[Path, ...]:
    """The modules that are searched."""
    return tuple(file for file in modules().values() if not is_skipped(file))


@cache
def names_in(file: Path) -> tuple[tuple[int, str], ...]:
    """The names in a module, each with its line."""
    return tuple((token.start[0], token.string) for token in tokens_of(file) if token.type == tokenize.NAME)


@cache
def prose_in(file: Path) -> tuple[tuple[int, str], ...]:
    """The comments and docstrings of a module, or the lines of a document, each with its line number."""
    if file.suffix != ".py":
        return tuple(enumerate(file.read_text("utf-8").splitlines(), 1))
    docstrings = {
        node.body[0].lineno
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None
    }
    texts = []
    for token in tokens_of(file):
        is_docstring = token.type == tokenize.STRING and token.start[0] in docstrings
        if token.type == tokenize.COMMENT or is_docstring:
            texts += list(enumerate(token.string.splitlines(), token.start[0]))
    return tuple(texts)


def tokens_of(file: Path) -> Iterator[tokenize.TokenInfo]:
    """The tokens of a module."""
    return tokenize.generate_tokens(io.StringIO(file.read_text("utf-8")).readline)


def pattern(word: str) -> re.Pattern[str]:
    """A word by itself or as a part of a name: `lane` in `lane_words`, not in `plane`."""
    return re.compile(rf"(?<![A-Za-z]){word}(?![A-Za-z])", 0 if word[0].isupper() else re.IGNORECASE)


def uses(word: str, texts: tuple[tuple[int, str], ...]) -> list[int]:
    """The lines on which a word is used, apart from what is allowed."""
    term, allowed = pattern(word), re.compile("|".join(ALLOWED))
    return [line for line, text in texts if term.search(text) and term.search(allowed.sub("", text))]


def is_exempt(word: str, file: Path) -> bool:
    """Whether a word may be used in this part of the code."""
    return path_of(file).startswith(ELSEWHERE.get(word, ()))


@pytest.mark.parametrize("word", EVERYWHERE)
def test_a_replaced_word_is_not_used(word: str) -> None:
    places = [
        f"{path_of(file)}:{line}"
        for file in (*code(), *DOCUMENTS)
        if not is_skipped(file) and not is_exempt(word, file)
        for line in uses(word, prose_in(file) + (names_in(file) if file.suffix == ".py" else ()))
    ]
    assert places == [], f"write: {EVERYWHERE[word]}"


@pytest.mark.parametrize("word", IN_NAMES)
def test_a_replaced_word_is_no_name(word: str) -> None:
    places = [
        f"{path_of(file)}:{line}" for file in code() if not is_exempt(word, file) for line in uses(word, names_in(file))
    ]
    assert places == [], f"write: {IN_NAMES[word]}"


def test_no_class_or_type_has_a_replaced_name() -> None:
    defined = {name for file in code() for name in defined_in(file)}
    assert defined & CLASSES == set()


def test_a_replaced_word_is_seen() -> None:
    assert uses("lanes?", ((1, "def lane_words"), (2, "a plane"), (3, "Two lanes."))) == [1, 3]
    assert uses("MOST_[A-Z_]+", ((1, "MOST_BYTES"), (2, "most_bytes"))) == [1]
    assert uses("test[ _-]rooms?", ((1, "a test room"), (2, "receive.test_room_days"))) == [1]
