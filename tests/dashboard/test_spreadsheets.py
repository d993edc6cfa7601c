"""A spreadsheet in Dutch or English reads our files as they are meant: LibreOffice says what every cell became."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import flask
import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from dashboard.export.spreadsheet_text import reads_as_value, safe_text
from models.schema import database
from tests.conftest import Store
from tests.dashboard.test_exports import FIRST, Screen, fetched, screen
from tests.dashboard.test_web import HERE, as_persona

# How LibreOffice counts Dutch and the English of the United States and of Great Britain, and separators.
DUTCH, AMERICAN, BRITISH = 1043, 1033, 2057
LOCALES = {"nl": (DUTCH,), "en": (AMERICAN, BRITISH)}
SEPARATORS = {"nl": "59", "en": "44"}
ANY_SEPARATORS = ("59", "44", "9", "9/44/59")  # the last is what LibreOffice proposes to who opens a file
NUMBERS = (
    "5-6", "3/4", "1-2", "007", "1e5", "13 nov", "May 2", "mei 2", "12:30", "5 pm", "50%", "TRUE", "waar", "€ 5", "(5)",
    "1.234", "1,234", "2026-11-13T10:00",
)  # fmt: skip
FORMULAS = ("=1+1", '=HYPERLINK("x")', "+1", "-2", "@x", "\t=1", "＝1+1")
INNER_FORMULAS = {
    "a;=1+1": "a;'=1+1", "b,=1+1": "b,'=1+1", 'c,"=1+1"': 'c,"\'=1+1"', 'd; "+1': 'd; "\'+1', "e\t=1": "e =1",
    "f\r\n=1": "f =1",
}  # fmt: skip
LEFT_ALONE = ("6a", "2E", "Toets blok 3", "4 van 5 uitgevers", "Vak, toets; deel", "1F", "½", "O'Neill", "6 apen", "")
DAY_0 = date(1899, 12, 30)
PARTS = ("VALUE", "VALUE", "TEXT", "DATE", "TEXT", "VALUE")  # of a column of the matrix
COUNTS = (FIRST - 2, FIRST - 1)  # of scores below the norm, and with one
Cells = list[list[list[Any]]]  # of a sheet: rows of type and content


def opened(files: Sequence[tuple[Path, str]]) -> list[list[Cells]]:
    """The sheets of each file as LibreOffice reads them; one start for all."""
    if shutil.which("soffice") is None:
        pytest.fail("LibreOffice is not installed: apt-get install libreoffice-calc-nogui python3-uno")
    reader = Path(__file__).with_name("read_cells.py")
    done = subprocess.run(
        ["/usr/bin/python3", "-I", str(reader)],
        input=json.dumps([(str(path), options) for path, options in files]),
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    sheets: list[list[Cells]] = json.loads(done.stdout)
    return sheets


def csv_options(separators: str, language: int) -> str:
    """The options to read UTF-8 as a person does who opens the file: no column is set to text, all is recognised."""
    return f"{separators},34,76,1,,{language},false,true"


@pytest.fixture
def odd_names(known_school: Store) -> None:
    """Names of pupils, a class and tests that a spreadsheet could read as something else."""
    with database.write_transaction(known_school.engine) as connection:
        connection.execute(text("UPDATE classes SET name = '5-6' WHERE school_id = 1 AND name = '6a'"))
        for table, column, names in (
            ("pupils", "first_name", [*list(INNER_FORMULAS)[:4], *NUMBERS]),
            ("test_definitions", "name", [*FORMULAS[:2], *NUMBERS[:2], *FORMULAS]),
        ):
            rows = [{"name": name, "id": number} for number, name in enumerate(names, 1)]
            connection.execute(text(f"UPDATE {table} SET {column} = :name WHERE id = :id"), rows)
        connection.execute(text("UPDATE pupils SET last_name = ''"))


def in_language(client: FlaskClient, language: str) -> Screen:
    client.get(f"/?taal={language}", base_url=HERE)
    return screen(client, weergave="materiaal")


def test_every_cell_is_what_it_should_be_in_a_dutch_and_an_english_spreadsheet(
    web: flask.Flask, odd_names: None, tmp_path: Path
) -> None:
    client, files, anyhow = as_persona(web, "hanna"), [], []
    for language, locales in LOCALES.items():
        shown = in_language(client, language)
        csv, workbook = (tmp_path / f"{language}.{kind}" for kind in ("csv", "xlsx"))
        csv.write_bytes(fetched(client, shown, "csv"))
        workbook.write_bytes(fetched(client, shown, "xlsx"))
        files.append((shown, workbook, ""))
        files += [(shown, csv, csv_options(SEPARATORS[language], locale)) for locale in locales]
        anyhow += [(csv, csv_options(separators, DUTCH)) for separators in ANY_SEPARATORS]
    read = opened([*((path, options) for _shown, path, options in files), *anyhow])
    for (shown, path, _options), sheets in zip(files, read, strict=False):
        results, about = sheets if path.suffix == ".xlsx" else parts_of(sheets[0])
        check_cells(shown, results, "\0" if path.suffix == ".xlsx" else "'")
        assert {cell[0] for row in about for cell in row} <= {"TEXT", "EMPTY"}
    # Whoever reads a file by another separator gets odd cells, but no formula among them.
    for file, sheets in zip(anyhow, read[len(files) :], strict=True):
        kinds = {cell[0] for row in sheets[0] for cell in row}
        assert "TEXT" in kinds
        assert "FORMULA" not in kinds, file


def parts_of(lines: Cells) -> tuple[Cells, Cells]:
    """The table of a CSV, and all that stands above and below it."""
    begin, end = (index for index, row in enumerate(lines) if {cell[0] for cell in row} == {"EMPTY"})
    return lines[begin + 1 : end], [*lines[:begin], *lines[end + 1 :]]


def check_cells(shown: Screen, lines: Cells, mark: str) -> None:
    """Every cell has the type of its column and the value of the screen; `mark` in a text says nothing."""
    assert {kind for kind, _content in lines[0]} == {"TEXT"}
    rows = [[_value(cell, column, mark) for column, cell in enumerate(row)] for row in lines[1:]]
    assert [(row[1], row[2]) for row in rows[:-1]] == [(name, "5-6") for _group, name, _cells in shown.rows]
    tests = set()
    for (_group, _name, cells), row in zip(shown.rows, rows[:-1], strict=True):
        assert len(row) == FIRST + 6 * len(cells)
        for column, cell in enumerate(cells):
            score, _maximum, words, day, test, others = row[FIRST + 6 * column : FIRST + 6 + 6 * column]
            assert score == (Decimal(cell["data-value"]) if "data-value" in cell else None)
            assert (words is not None, day) == (True, cell.get("data-date"))
            assert (test is None, others is None) == ("data-test" not in cell,) * 2
            tests.add(test)
    for column, foot in enumerate(shown.feet):
        assert (rows[-1][FIRST + 6 * column] is None) == ("data-mean" not in foot)
    assert Decimal(0) in [value for row in rows for value in row]
    assert tests & {*NUMBERS}
    assert tests & {*FORMULAS}


def _value(cell: list[Any], column: int, mark: str) -> object:
    kind, content = cell
    if kind == "EMPTY":
        return None
    expected = PARTS[(column - FIRST) % 6] if column >= FIRST else "VALUE" if column in COUNTS else "TEXT"
    assert kind == expected, (column, cell)
    if kind == "DATE":
        return (DAY_0 + timedelta(days=content)).isoformat()
    return Decimal(str(content)) if kind == "VALUE" else str(content).replace(mark, "")


@pytest.mark.parametrize("words", [*NUMBERS, *FORMULAS])
def test_what_a_spreadsheet_could_misread_has_an_apostrophe(words: str) -> None:
    assert safe_text(words) == f"'{words.strip()}"


@pytest.mark.parametrize(("words", "safe"), INNER_FORMULAS.items())
def test_a_formula_within_a_text_begins_no_cell(words: str, safe: str) -> None:
    assert safe_text(words) == safe


@pytest.mark.parametrize("words", LEFT_ALONE)
def test_all_other_text_stays_as_it_is(words: str) -> None:
    assert safe_text(words) == words
    assert not reads_as_value(words)
