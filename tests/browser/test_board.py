"""The smartboard fits its screen without scrolling, at every size that boards have, and names nobody."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page
from sqlalchemy import text

from models.classroom.goals import set_due_date
from models.schema import clock, database
from tests.browser import paper
from tests.browser.conftest import Served
from tests.browser.test_long_tasks import USERS, school_of
from tests.dashboard import large_school

SIZES = [(1920, 1080), (1366, 768), (1280, 720), (1024, 768), (3840, 2160)]
LONG = "Toets blok 3 over rekenen met kommagetallen, breuken en procenten in het dagelijks leven"
OUTSIDE = """() => [...document.querySelectorAll(".board *")].filter(item => {
    const box = item.getBoundingClientRect();
    return box.left < 0 || box.top < 0 || box.right > window.innerWidth + 1 || box.bottom > window.innerHeight + 1;
}).map(item => item.textContent)"""
SMALLEST = """() => Math.min(...[...document.querySelectorAll(".board > :not(.leave) *, .board h1")].filter(
    item => [...item.childNodes].some(node => node.nodeType === 3 && node.textContent.trim())
).map(item => parseFloat(getComputedStyle(item).fontSize)))"""


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A class with twelve subjects, long names of tests, and tests that are due on many days."""
    with school_of(tmp_path_factory.mktemp("full"), [35], 12) as served:
        engine, school = served.store.engine, large_school.SCHOOL
        with clock.fixed(large_school.NOW), database.write_transaction(engine, school) as connection:
            connection.execute(
                text("UPDATE test_definitions SET name = :long, body = replace(body, 'Toets blok 3', :long) "
                     "WHERE name = 'Toets blok 3'"), {"long": LONG},
            )  # fmt: skip
            for place in range(8):
                set_due_date(connection, USERS[0].viewer, 1, 3 + 4 * place, f"2026-12-{1 + place // 2:02}")
        yield served


@pytest.fixture
def board(full: Served, browser: Browser) -> Iterator[Page]:
    """A browser in front of the board."""
    context = browser.new_context()
    full.enter(context)
    yield context.new_page()
    context.close()


def fits(page: Page) -> bool:
    """Whether nothing is outside of the window, and it does not scroll."""
    root = "document.documentElement"
    return not page.evaluate(OUTSIDE) and bool(
        page.evaluate(f"{root}.scrollHeight <= window.innerHeight && {root}.scrollWidth <= window.innerWidth")
    )


def test_the_board_fits_without_scrolling_and_is_read_from_the_back_of_the_room(full: Served, board: Page) -> None:
    for width, height in SIZES:
        board.set_viewport_size({"width": width, "height": height})
        board.goto(full.address + "/digibord")
        board.wait_for_selector(".board .ft")
        board.wait_for_function("() => document.querySelector('.board').style.getPropertyValue('--u-on-paper')")
        assert board.locator(".gs section").count() == 4
        assert board.locator(".ft dt").count() >= 3
        assert ((width, height), fits(board)) == ((width, height), True)
        assert board.evaluate(SMALLEST) > 0.015 * width
    assert "Noor" not in board.inner_text("main")
    assert "Dijk" not in board.inner_text("main")


def test_the_board_fits_when_the_window_changes_and_on_one_sheet(full: Served, board: Page) -> None:
    board.set_viewport_size({"width": 1920, "height": 1080})
    board.goto(full.address + "/digibord")
    board.wait_for_selector(".board .ft")
    for width, height in ((1024, 600), (800, 1280), (1920, 1080)):
        board.set_viewport_size({"width": width, "height": height})
        board.wait_for_function(f"() => window.innerWidth === {width}")
        board.wait_for_timeout(100)
        assert ((width, height), fits(board)) == ((width, height), True)
        shown = paper.words_of(paper.shown_texts(board, ".board > :not(.leave)"))
        (sheet,) = paper.printed(board)
        assert paper.is_landscape(sheet)
        assert shown - paper.words_of(word.text for word in sheet.words) == {}
