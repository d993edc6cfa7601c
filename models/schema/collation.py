"""The order of names and labels as Dutch and English have it: accents and capitals count last, numbers by value.

Databases do not agree on an order (SQLite by bytes, PostgreSQL by its locale), so lists are sorted here
(docs/adr/0021-sorting-names.md).
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

# Letters that Unicode does not decompose, as Dutch dictionaries file them.
_BASE_LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th"}
)
_DIGITS = re.compile(r"([0-9]+)")

CollationKey = tuple[tuple[tuple[int, int, str], ...], str, str]


@lru_cache(maxsize=50_000)
def collation_key(text: str | None) -> CollationKey:
    """The sort key of a name or label; None sorts as an empty text.

    Adam, Éva, Özlem, Zoë; Les 1, Les 2, Les 10. Texts that differ only in accents or capitals stay apart.
    """
    text = text or ""
    folded = unicodedata.normalize("NFC", text).casefold()
    pieces = tuple(_piece(piece) for piece in _DIGITS.split(base_text(text)) if piece)
    return pieces, folded, text.swapcase()


def base_text(text: str) -> str:
    """A text for comparison and search: small base letters, every kind of blank one space, no invisible signs."""
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    visible = (char for char in decomposed if unicodedata.category(char) not in ("Mn", "Cf"))
    return " ".join("".join(visible).translate(_BASE_LETTERS).split())


def _piece(piece: str) -> tuple[int, int, str]:
    """Numbers come before letters, after blanks and punctuation."""
    if piece.isdigit():
        number = piece.lstrip("0")
        return (1, len(number), number)  # compares as the number does, at any length
    return (2 if piece[0].isalpha() else 0, 0, piece)
