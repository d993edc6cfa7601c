"""A CSV file of links as rows of text: what stands in it stays as it was typed, and each bad row gets a sentence.

pandas is only imported when a file is read: whoever receives results does not load it.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass

COLUMNS = ("identifier", "pupil")
# What pandas may lay out, which is as wide everywhere as the widest line: a regular file of 1 MB stays below it.
MAX_COLUMNS, MAX_CELLS = 100, 2_000_000

Sentence = tuple[str, str]  # in Dutch and in English

NO_COLUMNS = (
    "De eerste regel moet de kolommen identifier en pupil noemen, met een puntkomma of een komma ertussen.",
    "The first line must name the columns identifier and pupil, with a semicolon or a comma between them.",
)
TOO_WIDE = (
    "Deze regel heeft veel meer kolommen dan de andere; haal weg wat er te veel staat.",
    "This line has many more columns than the others; remove what is too much.",
)
OPEN_QUOTE = (
    "Een aanhalingsteken dat hier begint wordt nergens gesloten; sluit het of haal het weg.",
    "A quotation mark that opens here is never closed; close it or remove it.",
)
MORE_COLUMNS = (
    "Deze regel heeft meer kolommen dan de eerste regel noemt; haal weg wat er te veel staat.",
    "This line has more columns than the first line names; remove what is too much.",
)
NO_IDENTIFIER = (
    "De kolom identifier is leeg; vul het nummer in of verwijder de regel.",
    "The column identifier is empty; fill in the identifier or remove the line.",
)
NO_KEY = (
    "De kolom pupil is leeg; vul de sleutel van de leerling in of verwijder de regel.",
    "The column pupil is empty; fill in the key of the pupil or remove the line.",
)


@dataclass(frozen=True, slots=True)
class LineError:
    """What is wrong with one line of a file of links, and how to mend it; never repeats a value of it."""

    line: int
    sentence_nl: str
    sentence_en: str


@dataclass(frozen=True, slots=True)
class LinkLine:
    """A line of the file: its number as a spreadsheet counts rows, the identifier and the LAS key of the pupil."""

    line: int
    identifier: str
    pupil: str


def line_error(line: int, sentence: Sentence) -> LineError:
    """The error of a line, with its number."""
    return LineError(line, f"Regel {line}: {sentence[0]}", f"Line {line}: {sentence[1]}")


def read_links(text: str) -> tuple[list[LinkLine], list[LineError]]:
    """The lines of a CSV file (`;` or `,`) with columns identifier and pupil, and what is wrong with the others."""
    import pandas as pd

    text = text.removeprefix("\ufeff").rstrip("\r\n")
    separator = ";" if ";" in text.partition("\n")[0] else ","
    widths = [line.count(separator) + 1 for line in re.split(r"\r\n|\r|\n", text)]
    widest = max(widths)
    if widest > MAX_COLUMNS or widest * len(widths) > MAX_CELLS:
        return [], [line_error(widths.index(widest) + 1, TOO_WIDE)]
    try:
        rows = pd.read_csv(
            io.StringIO(text), sep=separator, header=None, names=range(widest), index_col=False, dtype=str,
            keep_default_na=False, na_filter=False, skip_blank_lines=False,
        )  # fmt: skip
    except pd.errors.ParserError as error:
        begin = re.search(r"starting at row (\d+)", str(error))
        return [], [line_error(int(begin[1]) + 1 if begin else 1, OPEN_QUOTE)]
    rows = rows.fillna("").apply(lambda column: column.str.strip())
    heads = [] if rows.empty else list(rows.iloc[0].str.lower())
    if not set(COLUMNS) <= set(heads):
        return [], [line_error(1, NO_COLUMNS)]
    unnamed = [row for row, head in enumerate(heads) if not head]
    lines, errors = [], []
    table = pd.DataFrame({name: rows[heads.index(name)] for name in COLUMNS})
    table["more"] = (rows[unnamed] != "").any(axis=1)
    for row, identifier, pupil, more in table[(rows != "").any(axis=1)].iloc[1:].itertuples(name=None):
        wrong = MORE_COLUMNS if more else NO_IDENTIFIER if not identifier else NO_KEY if not pupil else None
        if wrong is None:
            lines.append(LinkLine(row + 1, identifier, pupil))
        else:
            errors.append(line_error(row + 1, wrong))
    return lines, errors
