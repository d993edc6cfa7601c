"""The files of the class screen hold just what stands on it: same pupils, same cells, same order, nothing newer."""

from __future__ import annotations

import csv
import io
import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import flask
import openpyxl
import pytest
from flask.testing import FlaskClient
from lxml import html as page_of_html
from sqlalchemy import text

from dashboard.auth.request import AppOptions
from dashboard.export.file_formats import FORMATS, FileFormat, dictionary
from dashboard.export.sheets import Sheet
from dashboard.export.snapshots import MAX_PER_VIEWER
from dashboard.pages.class_page.page import FILE_PATH
from dashboard.server.wsgi import create_app
from dashboard.text.translate import long_moment
from dashboard.text.words import attention_group_word
from models.access.viewer import Role, Viewer
from models.classroom.attention import AttentionGroup
from models.schema import clock, database
from tests.conftest import Store
from tests.dashboard import school
from tests.dashboard.conftest import PERSONAS
from tests.dashboard.test_web import HERE, as_persona, group_callback, shown_page
from tests.dashboard.test_why import nodes_of, table_of, words

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("score", "van", "niveau of reden", "toetsdatum", "toets", "andere resultaten")
HEADS = ["Indeling", "Leerling", "Groep", "Scores onder de norm", "Scores met een norm"]
FIRST = len(HEADS)
KINDS = tuple(FORMATS)
FILTERS = (
    {},
    {"weergave": "materiaal"},
    {"vak": "arithmetic"},
    {"groep": "jaar-6"},
    {"status": "norm"},
    {"periode": "2026-09-01_2026-10-31"},
    {"uitgever": "2"},
    {"doel": "Breuken vergelijken"},
    {"materiaal": "Vraagstuk"},
)


@pytest.fixture(autouse=True)
def two_year_groups(known_school: Store) -> None:
    """Four pupils of the class are in year group 5, so that a filter can tell them apart."""
    with database.write_transaction(known_school.engine) as connection:
        connection.execute(text("UPDATE memberships SET year_group = '5' WHERE group_id = 1 AND pupil_id <= 4"))


@dataclass
class Screen:
    """The matrix as the browser gets it, and the addresses of its files."""

    columns: list[str]
    rows: list[tuple[str, str, list[dict[str, Any]]]]  # group, pupil, the attributes and text of each cell
    feet: list[dict[str, Any]]
    files: dict[str, str]
    beside: list[str]  # what stands beside the name of each pupil


def screen(client: FlaskClient, **values: object) -> Screen:
    """What the class screen shows with these filters."""
    answer = group_callback(client, klas=["1"], **values).json
    table = table_of(answer)
    sections = []
    for body in nodes_of(table, "Tbody"):
        course = attention_group_word(AttentionGroup(body["props"]["data-group"]))
        sections += [(course, row) for row in nodes_of(body, "Tr")[1:]]
    links = [node["props"]["href"] for node in nodes_of(answer["response"]["group-content"]["children"], "A")]
    return Screen(
        _column_words(nodes_of(table, "Thead")[0]),
        [
            (attention_group, words(nodes_of(row, "Link")[0]), [_cell(node) for node in nodes_of(row, "Td")])
            for attention_group, row in sections
        ],
        [_cell(node) for node in nodes_of(nodes_of(table, "Tfoot"), "Td")],
        {link.partition("?")[0].rpartition(".")[2]: link for link in links if link.startswith(FILE_PATH)},
        [words(nodes_of(nodes_of(row, "Th"), "Small")) for _group, row in sections],
    )


def _column_words(head: Any) -> list[str]:
    """Each column as group and label."""
    groups, details = nodes_of(head, "Tr")
    names = [
        words(node)
        for node in nodes_of(groups, "Th")
        if "colSpan" in node["props"]
        for _ in range(node["props"]["colSpan"])
    ]
    labels = [words(nodes_of(node, "B")) for node in nodes_of(details, "Th")]
    return [f"{name} · {label}" if label else name for name, label in zip(names, labels, strict=True)]


def _cell(node: Any) -> dict[str, Any]:
    return {**{key: value for key, value in node["props"].items() if key.startswith("data-")}, "text": words(node)}


def fetched(client: FlaskClient, shown: Screen, kind: str) -> bytes:
    """The file of a screen."""
    answer = client.get(shown.files[kind], base_url=HERE)
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"].startswith("attachment; ")
    return answer.data


@dataclass
class Table:
    """A file read back: its facts, heads, rows, the row of means, and what it says that the columns mean."""

    facts: dict[str, str]
    heads: list[str]
    rows: list[list[Any]]
    foot: list[Any]
    meanings: dict[str, str]


def read_csv(data: bytes) -> Table:
    """A CSV as a spreadsheet program reads it: a text that is empty is None, a number stays the text it is."""
    assert data.startswith(b"\xef\xbb\xbf")
    lines = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), delimiter=";"))
    begin = lines.index([])
    end = lines.index([], begin + 1)
    table = [[value or None for value in line] for line in lines[begin + 1 : end]]
    facts = dict(lines[1:begin])
    return Table(facts, [str(item) for item in table[0]], table[1:-1], table[-1], dict(lines[end + 2 :]))  # type: ignore[arg-type]


def read_xlsx(data: bytes) -> Table:
    """A workbook with the types that its cells have; a date as the text of its day."""
    book = openpyxl.load_workbook(io.BytesIO(data))
    page, about = book.worksheets
    lines = [
        [cell.value.date().isoformat() if isinstance(cell.value, datetime) else cell.value for cell in row]
        for row in page.iter_rows()
    ]
    told = [(row[0], row[1]) for row in about.iter_rows(values_only=True)]
    split = next(place for place, (name, _words) in enumerate(told) if not name)
    return Table(
        {str(name): str(value) for name, value in told[1:split]},
        [str(line) for line in lines[0]],
        lines[1:-1],
        lines[-1],
        {str(name): str(value) for name, value in told[split + 2 :]},
    )


def _text(node: Any) -> str:
    return str(node.text_content())


# -- the same as the screen --------------------------------------------------------------------------------------


def _number(value: str | None) -> Decimal | None:
    return None if value is None else Decimal(value.replace(",", "."))


def check_flat(shown: Screen, table: Table, number: Any) -> None:
    """A flat table has the cells of the screen: values, dates, words, means, in the same order."""
    assert table.heads[:FIRST] == HEADS
    assert table.heads[FIRST:] == [f"{name} · {part}" for name in shown.columns for part in PARTS]
    assert [(row[0], row[1]) for row in table.rows] == [
        (attention_group, name) for attention_group, name, _cells in shown.rows
    ]
    for row, beside in zip(table.rows, shown.beside, strict=True):
        below, with_norm = number(row[3]), number(row[4])
        assert beside.startswith(f"{below} van {with_norm} onder de norm" if with_norm else "geen scores met een norm")
    for (_course, _name, cells), row in zip(shown.rows, table.rows, strict=True):
        for place, cell in enumerate(cells):
            score, maximum, reading, day, test, others = row[FIRST + 6 * place : FIRST + 6 + 6 * place]
            assert number(score) == _number(cell.get("data-value"))
            assert day == cell.get("data-date")
            assert (test is None) == ("data-test" not in cell)
            if "data-value" in cell:
                assert cell["text"].startswith(str(_number(cell["data-value"])).replace(".", ","))
                assert f"van {maximum}".replace(".", ",") in cell["text"] or maximum is None
            assert str(reading).partition(" (")[0] in cell["text"] or "data-value" not in cell
            if "data-state" in cell:
                assert score is None
                assert re.sub("[()]", "", str(reading)) in cell["text"]
            earlier = re.search(r"\+(\d+) eerder", cell["text"])
            assert number(others) == (None if test is None else Decimal(earlier[1]) if earlier else 0)
    for place, foot in enumerate(shown.feet):
        mean, _maximum, reading = table.foot[FIRST + 6 * place : FIRST + 3 + 6 * place]
        exact = foot.get("data-mean")
        if exact is None:
            assert mean is None
        else:
            assert number(mean) == (Decimal(exact) / 10_000).quantize(Decimal("0.1"), ROUND_HALF_UP)
            assert reading == f"gemiddelde van {foot['data-counted']} van {foot['data-all']}"
            assert str(reading) in foot["text"]


def of_csv(value: str | None) -> Decimal | None:
    """A number of a CSV in Dutch."""
    assert value is None or re.fullmatch(r"-?\d+(,\d+)?", value)
    return _number(value)


def of_xlsx(value: object) -> Decimal | None:
    """A number of a workbook: of the type number, never a text."""
    assert value is None or (isinstance(value, int | float) and not isinstance(value, bool))
    return None if value is None else Decimal(str(value))


@pytest.mark.parametrize("values", FILTERS, ids=str)
def test_csv_and_workbook_hold_the_cells_of_the_screen(web: flask.Flask, values: dict[str, str]) -> None:
    client = as_persona(web, "hanna")
    shown = screen(client, **values)
    assert shown.rows
    check_flat(shown, read_csv(fetched(client, shown, "csv")), of_csv)
    check_flat(shown, read_xlsx(fetched(client, shown, "xlsx")), of_xlsx)


@pytest.mark.parametrize("values", FILTERS, ids=str)
def test_the_web_page_holds_the_cells_of_the_screen(web: flask.Flask, values: dict[str, str]) -> None:
    client = as_persona(web, "hanna")
    shown = screen(client, **values)
    page = page_of_html.fromstring(fetched(client, shown, "html").decode())
    table = page.find(".//table")
    assert table is not None
    assert [item.text_content() for item in table.xpath("./thead/tr/th")] == ["Leerling", *shown.columns]
    rows = []
    for body in table.xpath("./tbody"):
        course = body.xpath("./tr[@class='group']")[0].text_content()
        rows += [(course, row) for row in body.xpath("./tr[not(@class)]")]
    assert [(attention_group, row.find("th").text) for attention_group, row in rows] == [
        (a, b) for a, b, _cells in shown.rows
    ]
    assert [row.findtext("th/small") for _group, row in rows] == shown.beside
    for (_course, _name, cells), (_same, row) in zip(shown.rows, rows, strict=True):
        for cell, found in zip(cells, row.xpath("./td"), strict=True):
            value = found.findtext("b")
            assert (value is None) == ("data-value" not in cell)
            if value is not None:
                assert cell["text"].startswith(value)
            else:
                assert found.xpath("./small")[0].text_content() in cell["text"]
    for foot, found in zip(shown.feet, table.xpath("./tfoot/tr/td"), strict=True):
        assert (found.findtext("b") is None) == ("data-mean" not in foot)
        assert found.findtext("b") is None or foot["text"].startswith(found.findtext("b"))


def test_the_filters_change_who_and_what_is_in_the_files(web: flask.Flask) -> None:
    client = as_persona(web, "hanna")
    everything = screen(client)
    assert len(everything.rows) == 12
    assert len(screen(client, status="norm").rows) < 12
    assert len(screen(client, groep="jaar-6").rows) == 8
    assert len(screen(client, vak="arithmetic").columns) < len(everything.columns)


def test_a_mean_is_rounded_as_on_the_screen(web: flask.Flask, known_school: Store) -> None:
    # The ten scores of block 3 come to 637; with 65.5 for 58 that is 644.5, a mean of 64.45.
    with database.write_transaction(known_school.engine) as connection:
        change = text("UPDATE results SET score = 655000, score_text = '65.5' WHERE test_id = 2 AND part_id = 0 "
                      "AND identifier_id = 1")  # fmt: skip
        connection.execute(change)
    client = as_persona(web, "hanna")
    shown = screen(client)
    assert shown.feet[0]["text"] == "64,5 gemiddelde van 10 van 12"
    assert read_xlsx(fetched(client, shown, "xlsx")).foot[FIRST] == 64.5
    assert read_csv(fetched(client, shown, "csv")).foot[FIRST] == "64,5"


def test_a_zero_is_a_zero_and_missing_is_a_word(web: flask.Flask) -> None:
    client = as_persona(web, "hanna")
    shown = screen(client)
    flat = read_csv(fetched(client, shown, "csv")), read_xlsx(fetched(client, shown, "xlsx"))
    place = FIRST + 6 * shown.columns.index("Rekenen · Cijferpad groep 6")
    for table, zero in zip(flat, ("0", 0), strict=True):
        by_name = {row[1]: row for row in table.rows}
        assert by_name["Jonas ter Horst"][place] == zero
        assert by_name["Jonas ter Horst"][place + 2] == "onvoldoende"
        assert by_name["Kyra Ramdin"][place : place + 4] == [None, None, "afgerond zonder score", "2026-11-13"]
        assert by_name["Lars Boon"][place : place + 4] == [None, None, "nog geen resultaat", None]
        # No other results of a pupil with one is a real 0; where there is none at all it is empty.
        assert by_name["Lars Boon"][place + 5] is None
    page = page_of_html.fromstring(fetched(client, shown, "html").decode())
    cells = {
        row.findtext("th"): row.xpath("./td")[(place - FIRST) // 6] for row in page.xpath("//tbody/tr[not(@class)]")
    }
    assert cells["Jonas ter Horst"].findtext("b") == "0"
    assert cells["Lars Boon"].text_content() == "nog geen resultaat"


def test_a_screen_without_columns_is_a_file_without_columns(web: flask.Flask) -> None:
    client = as_persona(web, "hanna")
    answer = group_callback(client, klas=["1"], vak="music").json
    links = [node["props"]["href"] for node in nodes_of(answer["response"]["group-content"]["children"], "A")]
    files = {kind: next(link for link in links if f".{kind}?" in link) for kind in KINDS}
    for table in (
        read_csv(client.get(files["csv"], base_url=HERE).data),
        read_xlsx(client.get(files["xlsx"], base_url=HERE).data),
    ):
        assert table.heads == HEADS
        assert len(table.rows) == 12
    page = page_of_html.fromstring(client.get(files["html"], base_url=HERE).data.decode())
    assert len(page.xpath("//tbody/tr[not(@class)]")) == 12


def test_numbers_follow_the_language(web: flask.Flask) -> None:
    client = as_persona(web, "hanna")
    dutch = fetched(client, screen(client), "csv").decode("utf-8-sig")
    client.get("/?taal=en", base_url=HERE)
    shown = screen(client)
    english = fetched(client, shown, "csv").decode("utf-8-sig")
    assert ";71,5;" in dutch
    assert ",71.5," in english
    assert 71.5 in [value for row in read_xlsx(fetched(client, shown, "xlsx")).rows for value in row]
    assert '<html lang="en">' in fetched(client, shown, "html").decode()


def test_numbers_in_a_csv_have_no_quotes(web: flask.Flask) -> None:
    client = as_persona(web, "hanna")
    assert not re.search(r'"-?\d+([.,]\d+)?"', fetched(client, screen(client), "csv").decode("utf-8-sig"))


def test_a_long_number_keeps_every_digit(web: flask.Flask, known_school: Store) -> None:
    with database.write_transaction(known_school.engine) as connection:
        change = text("UPDATE results SET score = 1234567891250, score_text = '123456789.125' WHERE test_id = 4 "
                      "AND part_id = 0 AND kind = 1 AND identifier_id = 2")  # fmt: skip
        connection.execute(change)
    client = as_persona(web, "hanna")
    shown = screen(client)
    assert ";123456789,125;" in fetched(client, shown, "csv").decode("utf-8-sig")
    assert 123456789.125 in [value for row in read_xlsx(fetched(client, shown, "xlsx")).rows for value in row]


# -- what every file says of itself --------------------------------------------------------------------------------


def test_filters_time_sources_and_dictionary_are_in_every_file(web: flask.Flask) -> None:
    client = as_persona(web, "hanna")
    shown = screen(client, vak="arithmetic", status="norm", groep="jaar-6", weergave="materiaal")
    page = page_of_html.fromstring(fetched(client, shown, "html").decode())
    lists = [
        dict(zip(map(_text, item.xpath("./dt")), map(_text, item.xpath("./dd")), strict=True))
        for item in page.xpath("//dl")
    ]
    flat = read_csv(fetched(client, shown, "csv")), read_xlsx(fetched(client, shown, "xlsx"))
    several = [(lists[0], lists[1]), *((table.facts, table.meanings) for table in flat)]
    for told, meanings in several:
        assert told["Groep"] == "Groep 6a"
        assert told["Periode"].startswith("Dit schooljaar")
        assert (told["Vak"], told["Leerlingen"]) == ("Rekenen", "Op of boven de norm")
        assert told["Groepje"] == "Leerjaar 6"
        assert told["Kolommen"] == "Per leermiddel"
        assert (told["Leermiddel"], told["Uitgever"], told["Doel"]) == ("alle", "alle", "alle")
        assert told["Gemaakt"] == long_moment(clock.to_us(school.NOW))
        assert "4 van 5 uitgevers leverden deze week." in told["Uitgevers"]
        assert meanings == dict(dictionary())
        assert {"Indeling", "Leerling", "Groep", "Gemiddelde", *PARTS} <= set(meanings)


def test_what_the_period_hides_is_said(web: flask.Flask) -> None:
    client = as_persona(web, "hanna")
    shown = screen(client)
    words_of_it = "De periode verbergt 1 resultaat van deze leerlingen."
    assert words_of_it in read_csv(fetched(client, shown, "csv")).facts.values()
    assert words_of_it in read_xlsx(fetched(client, shown, "xlsx")).facts.values()
    assert words_of_it in fetched(client, shown, "html").decode()


# -- harmless ------------------------------------------------------------------------------------------------------

FORMULAS = ("=1+1", "@x", "-2", "+1", "\t=1", "＝1+1", '=HYPERLINK("http://x")')


def test_the_name_of_a_file_is_of_letters_and_digits_whatever_a_class_is_called(
    web: flask.Flask, known_school: Store
) -> None:
    with database.write_transaction(known_school.engine) as connection:
        connection.execute(
            text("UPDATE classes SET name = :name WHERE school_id = 1 AND id = 1"),
            {"name": '6a"; x=../../\r\nSet-Cookie: é.exe'},
        )
    client = as_persona(web, "hanna")
    address = f"{screen(client).files['csv']}&filename=elders.exe"
    header = client.get(address, base_url=HERE).headers["Content-Disposition"]
    assert re.fullmatch(r'attachment; filename="rondblik-[a-z0-9-]+-2026-11-26\.csv"', header)
    assert "elders" not in header


@pytest.mark.parametrize("name", FORMULAS)
def test_a_text_that_looks_like_a_formula_is_only_text(web: flask.Flask, known_school: Store, name: str) -> None:
    with database.write_transaction(known_school.engine) as connection:
        values = {"name": name, "test": f"{name} toets"}
        connection.execute(text("UPDATE pupils SET first_name = :name, last_name = '' WHERE id = 1"), {"name": name})
        connection.execute(text("UPDATE test_definitions SET name = :test WHERE id = 2"), values)
        connection.execute(text("UPDATE sources SET name = :name WHERE id = 4"), values)
    client = as_persona(web, "hanna")
    shown = screen(client, weergave="materiaal")
    lines = list(csv.reader(io.StringIO(fetched(client, shown, "csv").decode("utf-8-sig"), newline=""), delimiter=";"))
    begins = {value[0] for line in lines for value in line if value and not re.fullmatch(r"-?\d+(,\d+)?", value)}
    assert not begins & set("=+-@\t\r\n＝＋－＠")
    texts = [value for line in lines for value in line]
    assert {f"'{name}", f"'{name.strip()}"} & set(texts)
    assert {f"'{name} toets", f"'{name.strip()} toets"} & set(texts)
    book = openpyxl.load_workbook(io.BytesIO(fetched(client, shown, "xlsx")))
    kinds = {cell.data_type for page in book.worksheets for row in page.iter_rows() for cell in row}
    assert "f" not in kinds
    assert not [cell for page in book.worksheets for row in page.iter_rows() for cell in row if cell.hyperlink]


def test_a_name_with_marks_of_a_page_is_only_text(web: flask.Flask, known_school: Store) -> None:
    with database.write_transaction(known_school.engine) as connection:
        connection.execute(text("UPDATE pupils SET first_name = '<script>alert(1)</script>;\"' WHERE id = 1"))
    client = as_persona(web, "hanna")
    shown = screen(client)
    page = page_of_html.fromstring(fetched(client, shown, "html").decode())
    assert not page.xpath("//script")
    name = '<script>alert(1)</script>;" Bouzid'
    assert name in [item.findtext("th") for item in page.xpath("//tbody/tr")]
    assert name in [row[1] for row in read_csv(fetched(client, shown, "csv")).rows]


def test_the_web_page_has_no_script_no_address_and_a_head_for_every_cell(web: flask.Flask) -> None:
    client = as_persona(web, "hanna")
    text_of_it = fetched(client, screen(client), "html").decode()
    page = page_of_html.fromstring(text_of_it)
    assert not page.xpath("//script | //link | //img | //iframe | //a | //form | //*[@src or @href or @action]")
    assert not page.xpath("//@*[starts-with(name(), 'on')]")
    assert "http" not in text_of_it
    assert "url(" not in text_of_it
    assert page.xpath("/html/@lang") == ["nl"]
    assert page.findtext("head/title") == "Groep 6a"
    assert len(page.xpath("//h1")) == 1
    assert not page.xpath("//th[not(@scope)]")
    assert not page.xpath("//tr[td][not(th)]")


# -- the snapshot --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_what_comes_in_after_the_page_is_not_in_the_file(web: flask.Flask, known_school: Store, kind: str) -> None:
    client = as_persona(web, "hanna")
    shown = screen(client)
    before = fetched(client, shown, kind)
    with database.write_transaction(known_school.engine) as connection:
        connection.execute(
            text("UPDATE results SET score = 430000, score_text = '43' WHERE test_id = 2 AND part_id = 0")
        )
        connection.execute(text("UPDATE pupils SET last_name = 'Nieuw' WHERE id = 1"))
    assert shown.rows[0] != screen(client).rows[0] or shown.rows[1] != screen(client).rows[1]
    after = fetched(client, shown, kind)
    if kind == "xlsx":
        assert read_xlsx(before) == read_xlsx(after)
    else:
        assert before == after
    assert b"Nieuw" not in after


@pytest.mark.parametrize(("other", "kind"), list(zip(("joris", "noa", "sam"), KINDS, strict=True)))
def test_who_did_not_see_the_screen_gets_no_file(web: flask.Flask, kind: str, other: str) -> None:
    shown = screen(as_persona(web, "hanna"))
    answer = as_persona(web, other).get(shown.files[kind], base_url=HERE)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/groep?klas=1-1")
    assert "Bouzid" not in answer.text


@pytest.mark.parametrize("token", ["x", "A" * 16, "..", "%00", "x" * 3000])
def test_an_unknown_file_goes_back_with_a_sentence(web: flask.Flask, token: str) -> None:
    client = as_persona(web, "hanna")
    answer = client.get(f"{FILE_PATH}/{token}.csv", base_url=HERE)
    assert answer.status_code in (303, 404)
    if answer.status_code == 303:
        assert answer.headers["Location"] == "/groep"
        assert "wordt niet meer bewaard" in shown_page(client, "/groep")


@pytest.mark.parametrize("kind", ["exe", "CSV", "csv.", "pdf"])
def test_a_file_of_another_kind_is_not_there(web: flask.Flask, kind: str) -> None:
    client = as_persona(web, "hanna")
    shown = screen(client)
    address = shown.files["csv"].replace(".csv", f".{kind}")
    assert client.get(address, base_url=HERE).status_code == 404


def test_a_link_to_a_file_lets_a_page_that_answers_be_seen(web: flask.Flask) -> None:
    answer = group_callback(as_persona(web, "hanna"), klas=["1"]).json
    links = nodes_of(answer["response"]["group-content"]["children"], "A")
    assert len(links) == len(FORMATS)
    assert not [link for link in links if "download" in link["props"]]


def test_who_lost_the_class_since_gets_no_file(web: flask.Flask, known_school: Store) -> None:
    client = as_persona(web, "hanna")
    shown = screen(client)
    assert fetched(client, shown, "csv")
    with database.write_transaction(known_school.engine) as connection:
        connection.execute(text("UPDATE teacher_groups SET to_us = 1"))
    answer = client.get(shown.files["csv"], base_url=HERE)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/groep?klas=1-1")


def token_of(shown: Screen) -> str:
    """The token in the addresses of the files of a screen."""
    return shown.files["csv"].removeprefix(f"{FILE_PATH}/").partition(".")[0]


def test_screens_of_a_hundred_others_push_out_no_file(web: flask.Flask) -> None:
    client = as_persona(web, "hanna")
    shown = screen(client, vak="arithmetic")
    before = fetched(client, shown, "csv")
    snapshots = web.extensions["rondblik"].snapshots
    sheet = snapshots.find(PERSONAS[0].viewer, token_of(shown))
    others = [Viewer(school.SCHOOL, Role.TEACHER, school.TEACHER_B, f"Leraar {number}") for number in range(100)]
    tokens = {other.name: snapshots.add(other, sheet) for _ in range(2) for other in others}
    assert fetched(client, shown, "csv") == before
    assert all(snapshots.find(other, tokens[other.name]) == sheet for other in others)
    assert snapshots.find(others[0], tokens["Leraar 1"]) is None


def test_the_database_keeps_the_newest_sheets_of_a_viewer_and_shows_nothing_of_them(
    web: flask.Flask, known_school: Store
) -> None:
    client = as_persona(web, "hanna")
    sheet = web.extensions["rondblik"].snapshots.find(PERSONAS[0].viewer, token_of(screen(client)))
    for _time in range(MAX_PER_VIEWER + 3):
        web.extensions["rondblik"].snapshots.add(PERSONAS[0].viewer, sheet)
    web.extensions["rondblik"].later.wait()
    with database.read_transaction(known_school.engine) as connection:
        rows = connection.execute(text("SELECT sealed FROM kept_sheets")).all()
    assert len(rows) == MAX_PER_VIEWER
    assert not any(b"Bouzid" in row.sealed for row in rows)
    with clock.fixed(school.NOW + timedelta(hours=4, seconds=1)):
        screen(as_persona(web, "joris"))
        web.extensions["rondblik"].later.wait()
    with database.read_transaction(known_school.engine) as connection:
        assert connection.scalar(text("SELECT count(*) FROM kept_sheets")) == 1


def test_a_file_that_is_not_kept_any_more_says_so_on_the_same_screen(web: flask.Flask) -> None:
    client, values = as_persona(web, "hanna"), {"vak": "arithmetic", "doel": "Breuken vergelijken", "status": "norm"}
    shown = screen(client, **values)
    for _ in range(MAX_PER_VIEWER):
        screen(client)
    web.extensions["rondblik"].later.wait()  # until all of them are stored
    answer = client.get(shown.files["csv"], base_url=HERE)
    assert answer.status_code == 303
    path, _mark, query = answer.headers["Location"].partition("?")
    assert (path, dict(parse_qsl(query))) == ("/groep", {"klas": "1-1", **values})
    assert "wordt niet meer bewaard" in shown_page(client, path, f"?{query}")
    again = group_callback(client, asked={"search": f"?{query}", "at": 1}).json
    links = [node["props"]["href"] for node in nodes_of(again["response"]["group-content"]["children"], "A")]
    link = next(link for link in links if ".csv?" in link)
    assert link.partition("?")[2] == query
    facts = read_csv(client.get(link, base_url=HERE).data).facts
    assert (facts["Vak"], facts["Doel"], facts["Leerlingen"]) == (
        "Rekenen",
        "Breuken vergelijken",
        "Op of boven de norm",
    )


def test_after_a_restart_a_file_is_still_of_its_screen(web: flask.Flask, known_school: Store) -> None:
    client = as_persona(web, "hanna")
    shown = screen(client, vak="arithmetic")
    after = as_persona(create_app(known_school.engine, known_school.cipher, AppOptions(True, PERSONAS)), "hanna")
    assert fetched(after, shown, "csv") == fetched(client, shown, "csv")
    joris = as_persona(create_app(known_school.engine, known_school.cipher, AppOptions(True, PERSONAS)), "joris")
    assert joris.get(shown.files["csv"], base_url=HERE).status_code == 303


def test_a_screen_that_was_never_kept_leads_to_the_screen_and_says_why(web: flask.Flask) -> None:
    client = as_persona(web, "hanna")
    answer = client.get(f"{FILE_PATH}/x.csv?klas=1-1&vak=arithmetic", base_url=HERE)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/groep?klas=1-1&vak=arithmetic")
    client.get(answer.headers["Location"], base_url=HERE)
    assert "wordt niet meer bewaard" in shown_page(client, "/groep", "?klas=1-1&vak=arithmetic")


def test_only_filters_of_the_screen_come_along_from_the_address_of_a_file(web: flask.Flask) -> None:
    answer = as_persona(web, "hanna").get(f"{FILE_PATH}/x.csv?klas=1-1&next=//elders&vak=a%0d%0ab", base_url=HERE)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/groep?klas=1-1&vak=a%0D%0Ab")


def test_a_format_that_is_added_stands_in_the_menu_and_is_served(
    web: flask.Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def as_names(sheet: Sheet) -> bytes:
        return "\n".join(row.name for row in sheet.rows).encode()

    monkeypatch.setitem(FORMATS, "txt", FileFormat("txt", "text/plain; charset=utf-8", as_names, lambda: "Namen"))
    client = as_persona(web, "hanna")
    shown = screen(client)
    answer = client.get(shown.files["txt"], base_url=HERE)
    assert answer.content_type == "text/plain; charset=utf-8"
    assert answer.text.splitlines() == [name for _group, name, _cells in shown.rows]


# -- pandas --------------------------------------------------------------------------------------------------------

PANDAS_LOADED = """
import pathlib, sys, tempfile
import flask
import dashboard.cli.serve_commands
from dashboard.auth.request import AppOptions
from dashboard.server.wsgi import create_app
from models.schema import clock, database
from models.schema.store_key import open_encrypted
from tests.dashboard import school
from tests.dashboard.conftest import PERSONAS
from tests.dashboard.page_client import PageClient
from tests.dashboard.test_exports import as_persona, fetched, screen, shown_page

def loaded(moment):
    print(moment, "pandas" in sys.modules)

data = pathlib.Path(tempfile.mkdtemp())
flask.Flask.test_client_class = PageClient
with clock.fixed(school.NOW):
    engine = database.open_engine(database.sqlite_url(data))
    cipher = open_encrypted(engine, data)
    school.build(engine, cipher)
    client = as_persona(create_app(engine, cipher, AppOptions(demo=True, users=PERSONAS)), "hanna")
    for path in ("/groep", "/leerling/1-1", "/leerlingen", "/signalen", "/digibord"):
        shown_page(client, path)
    shown = screen(client)
    loaded("pages")
    fetched(client, shown, "csv")
    loaded("export")
"""


def test_pandas_is_loaded_by_the_first_export_and_by_no_page() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PANDAS_LOADED], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout.splitlines() == ["pages False", "export True"], done.stderr


@pytest.mark.parametrize("soap_only", [[], ["--soap-only"]], ids=str)
def test_serve_starts_without_pandas(tmp_path: Path, soap_only: list[str]) -> None:
    command = [str(Path(sys.executable).with_name("rondblik")), "--data", str(tmp_path), "serve", "--port", "0"]
    server = subprocess.Popen([*command, *soap_only], stdout=subprocess.PIPE, text=True, cwd=tmp_path)
    try:
        assert server.stdout is not None
        assert "Rondblik: http://" in server.stdout.readline()
        libraries = Path(f"/proc/{server.pid}/maps").read_text()
        assert "/lxml/" in libraries  # so that a library that is loaded would be seen
        assert "/pandas/" not in libraries
    finally:
        server.send_signal(signal.SIGTERM)
        server.communicate(timeout=20)
