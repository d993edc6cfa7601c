"""Tables that are longer and wider than the window: their heads stay, and columns out of view are signalled."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Served, Watched
from tests.browser.test_long_tasks import school_of

TABLES = {"/groep": "#matrix", "/leerlingen": "#mine-table"}
# The last three are windows of 1920 x 1080, 1440 x 900 and 1280 x 720 at 200 %.
SIZES = [(1440, 900), (1024, 768), (960, 540), (720, 450), (640, 360)]
BARS = ("/groep", "/leerlingen", "/signalen", "/leermiddelen")
# Of each head whose middle is neither out of view nor under the pinned names, whether anything covers it.
SEEN = """table => [...table.tHead.querySelectorAll("th")].filter((head, place) => {
    const middle = (head.getBoundingClientRect().left + head.getBoundingClientRect().right) / 2;
    const pinned = table.querySelector("tbody tr[data-pupil] th").getBoundingClientRect().right;
    return middle < window.innerWidth - 40 && (place === 0 || middle > pinned);
}).map(head => {
    const box = head.getBoundingClientRect();
    const there = document.elementFromPoint((box.left + box.right) / 2, (box.top + box.bottom) / 2);
    return there !== null && there.closest("th") === head;
})"""
# How far each head of the lower row is from its column, in pixels.
OFFSETS = """table => {
    const heads = [...table.tHead.rows].at(-1).cells, cells = table.querySelector("tbody tr[data-pupil]").cells;
    const right = cell => cell.getBoundingClientRect().right;
    return [...heads].map((head, place) => Math.round(right(head) - right(cells[place + cells.length - heads.length])));
}"""


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A class of 35 pupils with results in ten subjects."""
    with school_of(tmp_path_factory.mktemp("wide"), [35], 10) as served:
        yield served


@pytest.fixture
def page(large: Served, browser: Browser) -> Iterator[Page]:
    """A browser in that school."""
    context = browser.new_context()
    large.enter(context)
    yield context.new_page()
    context.close()


def go(page: Page, served: Served, path: str, width: int, height: int) -> None:
    """Open a page in a window of a size, and wait for its filters and its content."""
    page.set_viewport_size({"width": width, "height": height})
    page.goto(served.address + path)
    page.wait_for_selector(".bar input")
    page.wait_for_selector("main h1")
    page.wait_for_load_state("networkidle")


def rest(page: Page) -> None:
    """Wait until what was scrolled is drawn."""
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


@pytest.mark.parametrize(("path", "table"), TABLES.items())
@pytest.mark.parametrize(("width", "height"), SIZES)
def test_the_heads_of_columns_stay_while_the_page_scrolls(
    page: Page, large: Served, path: str, table: str, width: int, height: int
) -> None:
    go(page, large, path, width, height)
    heads = page.locator(f"{table} thead")
    for row in (12, 34):
        for left in (0, 170):
            page.locator(f"{table} tbody tr[data-pupil]").nth(row).evaluate(
                "row => window.scrollBy(0, row.getBoundingClientRect().bottom - window.innerHeight)"
            )
            page.locator(table).evaluate("(table, left) => { table.parentElement.scrollLeft = left; }", left)
            rest(page)
            seen = page.locator(table).evaluate(SEEN)
            assert len(seen) >= 2
            assert all(seen)
            assert set(page.locator(table).evaluate(OFFSETS)) == {0}
            box = heads.locator("th").last.bounding_box()
            assert box is not None
            assert box["y"] + box["height"] < height / 3 + 1


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_the_filters_take_at_most_a_fifth_of_the_window_while_the_page_scrolls(
    page: Page, large: Served, width: int, height: int
) -> None:
    for path in BARS:
        go(page, large, path, width, height)
        page.evaluate("window.scrollTo(0, 500)")
        rest(page)
        box = page.locator(".bar").bounding_box()
        assert box is not None
        assert (path, max(0, box["y"] + box["height"]) <= height / 5) == (path, True)


def test_on_a_full_screen_the_filters_stay_in_view(page: Page, large: Served) -> None:
    for path in BARS:
        go(page, large, path, 1440, 900)
        page.evaluate("window.scrollTo(0, 500)")
        rest(page)
        box = page.locator(".bar").bounding_box()
        assert box is not None
        assert (path, box["y"]) == (path, 0)


@pytest.mark.parametrize(("path", "table"), TABLES.items())
def test_columns_out_of_view_are_signalled_until_the_last_is_in_view(
    page: Page, large: Served, path: str, table: str
) -> None:
    go(page, large, path, 1440, 900)
    region, button = page.locator(f".tw:has({table})"), page.get_by_role("button", name="Meer kolommen")
    shade = "card => getComputedStyle(card, '::after').content"
    card = page.locator(f".card:has({table})")
    assert card.evaluate(shade) == '""'
    for _click in range(8):
        if button.is_visible():
            before = region.evaluate("region => region.scrollLeft")
            button.click()
            page.wait_for_function(
                "([table, before]) => document.querySelector(table).parentElement.scrollLeft > before",
                arg=[table, before],
            )
            page.wait_for_timeout(500)  # scrolling is smooth
    expect(button).to_be_hidden()
    assert card.evaluate(shade) == "none"
    last = page.locator(f"{table} thead th").last.bounding_box()
    assert last is not None
    assert last["x"] + last["width"] <= 1440


def test_nothing_is_signalled_where_all_columns_are_in_view(watched: Watched) -> None:
    for path, table in TABLES.items():
        watched.open(f"{path}?klas=1&vak=spelling")
        watched.page.wait_for_selector(table)
        assert watched.page.locator(table).evaluate(
            "table => table.parentElement.scrollWidth <= table.parentElement.clientWidth"
        )
        assert watched.page.get_by_role("button", name="Meer kolommen").count() == 0
