"""What stands on the first screen of a phone."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import Watched
from tests.browser.test_long_tasks import school_of

WIDTH, HEIGHT = 390, 844
# Of each cell its label, the width of the longest word of it, and the width that the label has.
LABELS = """cells => cells.map(cell => {
    const style = getComputedStyle(cell, "::before"), pen = document.createElement("canvas").getContext("2d");
    pen.font = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
    const words = cell.dataset.l.split(" ").map(word => Math.floor(pen.measureText(word).width));
    return [cell.dataset.l, Math.max(...words), parseFloat(getComputedStyle(cell).gridTemplateColumns)];
})"""


def test_the_first_screen_of_a_class_holds_pupils(watched: Watched) -> None:
    watched.page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
    watched.open("/groep?klas=1-1")
    name = watched.page.locator("#course-list a").first
    box = name.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= HEIGHT
    cards = [item.bounding_box() for item in watched.page.locator(".groups a").all()]
    assert len(cards) == 5
    assert all(card is not None and card["height"] >= 44 for card in cards)


def test_signals_come_before_the_series_of_a_pupil(watched: Watched) -> None:
    watched.page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
    watched.open("/leerling/1-12")
    signals, series = (watched.page.locator(item).bounding_box() for item in ("#pupil-signals", ".lanes"))
    assert signals is not None
    assert series is not None
    assert signals["y"] < series["y"]
    watched.page.set_viewport_size({"width": 1440, "height": HEIGHT})
    signals, series = (watched.page.locator(item).bounding_box() for item in ("#pupil-signals", ".lanes"))
    assert signals is not None
    assert series is not None
    assert (signals["x"] > series["x"], abs(signals["y"] - series["y"]) < 2) == (True, True)


@pytest.mark.parametrize("width", [360, 390])
@pytest.mark.parametrize("language", ["nl", "en"])
def test_no_label_of_a_subject_breaks_within_a_word(
    browser: Browser, tmp_path: Path, language: str, width: int
) -> None:
    with school_of(tmp_path, [2], 12) as school:
        context = browser.new_context(viewport={"width": width, "height": HEIGHT})
        school.enter(context)
        context.add_cookies([{"name": "taal", "value": language, "url": school.address}])
        page = context.new_page()
        page.goto(school.address + "/leerlingen")
        page.wait_for_selector("#mine-table")
        cells = page.locator("#mine-table tbody tr").first.locator("td.sp").evaluate_all(LABELS)
        assert len(cells) == 12
        assert [label for label, longest, room in cells if longest > room] == []
        assert page.evaluate("document.documentElement.scrollWidth") == width
        context.close()
