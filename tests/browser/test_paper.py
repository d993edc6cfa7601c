"""What is printed is read back from the PDF and compared with the screen: nothing is lost, and the sheets are few."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from models.classroom import goals, notes
from models.classroom.notes import NoteKind
from models.results.subject_materials import SubjectMaterial
from models.schema import clock, database
from tests.browser import paper
from tests.browser.conftest import Served, Watched
from tests.browser.test_long_tasks import USERS, school_of
from tests.dashboard import large_school
from tests.dashboard.page_list import OPEN_PAGES, address

LANGUAGES = ("nl", "en")
PUPIL = 7
READ_IN_FULL = {"group", "home", "board", "my_pupils", "pupil", "talk_sheet", "handover"}  # by tests of their own
SERIES = """() => [...document.querySelectorAll("#lane-tables .twin")].map(series => [
    series.querySelector("summary").innerText,
    ...[...series.querySelectorAll("tbody tr")].map(row => [...row.cells].map(cell => {
        const shown = cell.cloneNode(true);
        shown.querySelectorAll(".vh").forEach(hidden => hidden.remove());
        return shown.textContent;
    }).join(" "))])"""
HEAD_LINES = 2  # that a subject takes at most
# What only screen readers say is neither on the screen nor on paper.
HIDE_SPOKEN = "() => document.querySelectorAll('.vh').forEach(hidden => { hidden.style.display = 'none'; })"


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A class of 35 pupils with results in ten subjects; one pupil with a goal, a note and an agreement."""
    with school_of(tmp_path_factory.mktemp("large"), [35], 10) as served:
        viewer = USERS[0].viewer
        with clock.fixed(large_school.NOW), database.write_transaction(served.store.engine, large_school.SCHOOL) as to:
            for kind, text in ((NoteKind.NOTE, "Werkt graag met Fien."), (NoteKind.AGREEMENT, "Elke dag lezen.")):
                notes.write_note(to, served.store.cipher, viewer, PUPIL, kind, text)
            goals.set_goal(to, viewer, PUPIL, SubjectMaterial("spelling", "Leerlijn 2", 2), 850_000)
        yield served


@pytest.fixture(params=LANGUAGES)
def reader(large: Served, browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page of the large school in each language."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    large.enter(context)
    context.add_cookies([{"name": "taal", "value": request.param, "url": large.address}])
    page = context.new_page()
    page.set_default_timeout(30_000)
    yield page
    context.close()


def go(page: Page, served: Served, path: str, until: str) -> None:
    """Open a page of a school."""
    page.goto(served.address + path)
    page.wait_for_selector(until)


def texts_of(sheets: list[paper.Sheet]) -> list[str]:
    """The words on sheets."""
    return [word.text for sheet in sheets for word in sheet.words]


# -- the class page --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Column:
    """A column of the matrix on the screen: its head, its cells and its foot as texts without blanks."""

    head: str
    first_word: str
    cells: list[str]
    foot: str


def columns_of(page: Page) -> list[Column]:
    """The columns of the matrix on the screen, the names of the pupils first."""
    read = """table => {
        const text = cell => cell.innerText;
        const groups = [...table.tHead.rows[0].cells], details = [...table.tHead.rows[1].cells];
        const above = groups.slice(1).flatMap(cell => [text(cell), ...Array(cell.colSpan - 1).fill("")]);
        const heads = [text(groups[0]), ...details.map((cell, place) => above[place] + "\\n" + text(cell))];
        const rows = [...table.tBodies].flatMap(group => [...group.rows]).filter(row => row.dataset.pupil);
        return heads.map((head, place) => [head, rows.map(row => text(row.cells[place])),
            text(table.tFoot.rows[0].cells[place])]);
    }"""
    return [
        Column(paper.squeezed(head), head.split()[0], [paper.squeezed(cell) for cell in cells], paper.squeezed(foot))
        for head, cells, foot in page.locator("#matrix").evaluate(read)
    ]


def expect_matrix_on_paper(page: Page, sheets: list[paper.Sheet]) -> None:
    """Fails unless every column reads on paper, from its head down to its foot, as it does on the screen."""
    page.evaluate(HIDE_SPOKEN)
    columns = columns_of(page)
    sections = [paper.squeezed(text) for text in page.locator("#matrix .sec").all_inner_texts()]
    rest = ["".join(column.cells) + column.foot for column in columns]
    for sheet in sheets:
        top, lefts = heads_of(sheet, columns)
        edges = [*lefts[1:], sheet.width]
        lines = without_sections(sheet, top, sections)
        for place, left in enumerate(lefts):
            expected = columns[place].head + rest[place]
            for word in paper.in_lines(word for word in lines if left - 1 <= word.left < edges[place] - 1):
                if not expected:
                    break  # what follows stands under the matrix
                assert expected.startswith(word.text), (place, word, expected[:40])
                assert word.right <= edges[place]
                expected = expected.removeprefix(word.text)
            rest[place] = expected
    assert rest == [""] * len(columns)


def heads_of(sheet: paper.Sheet, columns: list[Column]) -> tuple[float, list[float]]:
    """Where the heads of the matrix stand on a sheet: the top of the first line, and the left of each column."""
    all_lines = paper.lines_of(sheet.words)
    for place in range(len(all_lines)):
        lines = [word for line in all_lines[place : place + HEAD_LINES] for word in line]
        heads: list[paper.Word] = []
        for column in columns[1:]:
            after = heads[-1].left if heads else 0
            names = [word for word in lines if word.text == column.first_word and word.left > after]
            heads += [min(names, key=lambda word: word.left)] if names else []
        if len(heads) == len(columns) - 1:
            return min(word.top for word in heads), [0.0, *(word.left for word in heads)]
    return 0, []


def without_sections(sheet: paper.Sheet, top: float, sections: list[str]) -> list[paper.Word]:
    """The words from `top` down, without the lines that name a group of pupils across the table."""
    lines = paper.lines_of(word for word in sheet.words if word.top >= top)
    return [word for line in lines if paper.text_of(line) not in sections for word in line]


@pytest.mark.parametrize("path", ["/groep", "/groep?weergave=materiaal"])
def test_a_class_of_35_by_10_is_on_two_landscape_sheets_with_every_number(
    reader: Page, large: Served, path: str
) -> None:
    go(reader, large, path, "#matrix")
    shown = paper.numbers_of(paper.shown_texts(reader, ".groups .num, #topics .hb, #progress .hb"))
    sheets = paper.printed(reader)
    assert [paper.is_landscape(sheet) for sheet in sheets] == [True, True]
    assert paper.half_empty(sheets) == []
    expect_matrix_on_paper(reader, sheets)
    assert shown - paper.numbers_of(texts_of(sheets)) == {}


def test_a_matrix_of_sixteen_columns_loses_none_on_paper(browser: Browser, tmp_path: Path) -> None:
    with school_of(tmp_path, [12], 16) as served:
        context = browser.new_context()
        served.enter(context)
        page = context.new_page()
        go(page, served, "/groep?weergave=materiaal", "#matrix")
        expect_matrix_on_paper(page, paper.printed(page))
        assert page.locator("#matrix thead th[data-of]").count() == 16
        context.close()


def test_every_state_of_a_cell_is_on_paper_as_it_is_on_the_screen(watched: Watched) -> None:
    for path in ("/groep?klas=1", "/groep?klas=1&weergave=materiaal", "/groep?klas=1&vak=arithmetic"):
        watched.open(path)
        watched.page.wait_for_selector("#matrix")
        expect_matrix_on_paper(watched.page, paper.printed(watched.page))


# -- a pupil, the sheet for a talk, the board ------------------------------------------------------------------------


def test_a_pupil_with_ten_subjects_is_on_two_sheets_with_every_number(reader: Page, large: Served) -> None:
    go(reader, large, f"/leerling/1-{PUPIL}", "#lanes .main-svg")
    panels = "#summary, #placement, #pupil-signals, .lh, .lc, #parts, #worked, #goals, #notes"
    shown = paper.numbers_of(paper.shown_texts(reader, panels))
    series, size = reader.evaluate(SERIES), reader.locator(".lc .main-svg").first.bounding_box()
    sheets = paper.printed(reader)
    assert [paper.is_portrait(sheet) for sheet in sheets] == [True, True]
    assert paper.half_empty(sheets) == []
    halves = "".join(
        paper.text_of(word for word in sheet.words if (word.left < sheet.width / 2) is at_left)
        for sheet in sheets
        for at_left in (True, False)
    )
    assert reader.locator(".lc .main-svg").first.bounding_box() == size  # the screen is as it was before
    assert len(series) == 10
    for head, *rows in series:
        assert len(rows) == 4
        table = halves[halves.index(paper.squeezed(head)) :]
        for row in rows:
            text = paper.squeezed(row)
            assert text in table
            table = table[table.index(text) + len(text) :]
    assert shown - paper.numbers_of(texts_of(sheets)) == {}


def test_the_sheet_for_a_talk_is_one_sheet_with_every_line(reader: Page, large: Served) -> None:
    go(reader, large, f"/gesprek/1-{PUPIL}", "#talk-sheet")
    lines = reader.locator("#talk-sheet :is(h1, h2, p, label):visible").all_inner_texts()
    (sheet,) = paper.printed(reader)
    assert paper.is_portrait(sheet)
    text = paper.text_of(sheet.words)
    assert len(lines) > 25
    assert [line for line in lines if paper.squeezed(line) not in text] == []


def test_the_board_is_one_landscape_sheet_with_all_that_it_shows(reader: Page, large: Served) -> None:
    go(reader, large, "/digibord", ".board h1")
    shown = paper.words_of(paper.shown_texts(reader, ".board > :not(.leave)"))
    assert shown["35"] > 6
    (sheet,) = paper.printed(reader)
    assert paper.is_landscape(sheet)
    assert shown - paper.words_of(texts_of([sheet])) == {}


# -- every page ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reader", ["nl"], indirect=True)
def test_no_page_prints_a_blank_sheet_or_one_with_only_a_title(reader: Page, large: Served) -> None:
    for path in (address(page) for page in OPEN_PAGES if page.name not in READ_IN_FULL):
        go(reader, large, path, "main h1")
        assert (path, paper.half_empty(paper.printed(reader))) == (path, [])


@pytest.mark.parametrize("reader", ["nl"], indirect=True)
def test_every_sheet_of_a_hand_over_begins_with_a_pupil_who_is_kept_together(reader: Page, large: Served) -> None:
    go(reader, large, "/leerlingen/overdracht", ".ho")
    first, *others = [paper.text_of(sheet.words) for sheet in paper.printed(reader)]
    assert "Noor1vanDijk" in first
    assert all(text.startswith("Noor") for text in others)
    assert len(others) < 35


def test_my_pupils_prints_every_subject(reader: Page, large: Served) -> None:
    go(reader, large, "/leerlingen", "#mine-table")
    shown = paper.numbers_of(paper.shown_texts(reader, "#mine-table"))
    sheets = paper.printed(reader)
    assert shown - paper.numbers_of(texts_of(sheets)) == {}
    assert paper.half_empty(sheets) == []
    assert all(paper.is_landscape(sheet) for sheet in sheets)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_charts_are_black_on_white_on_paper(watched: Watched, scheme: str) -> None:
    page = watched.page
    page.context.add_cookies([{"name": "kleur", "value": scheme, "url": watched.address}])
    watched.open("/leerling/1-1")
    page.wait_for_selector("#lanes .main-svg")
    page.emulate_media(media="print")
    # Plotly may draw a chart again meanwhile: find the shapes and read their colours in one step.
    colours = """selector => {
        const shapes = [...document.querySelectorAll(selector)];
        return [...new Set(shapes.map(shape => getComputedStyle(shape).fill))];
    }"""
    assert page.evaluate(colours, ".lc svg text") == ["rgb(0, 0, 0)"]
    assert page.evaluate(colours, ".lc .point") == ["rgb(0, 0, 0)"]
    assert page.evaluate(colours, ".lc .shapelayer path") == ["rgb(232, 232, 232)"]
