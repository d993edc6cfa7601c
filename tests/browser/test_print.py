"""On paper, in a file without network, and in the panel behind a number: what only a real browser can show."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.conftest import Watched
from tests.browser.test_axe import RUN, TAGS
from tests.peers import npm

SEEN = "one => one.getClientRects().length > 0"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_paper_the_filters_and_the_time_come_first_and_below_is_told_apart_in_grey(
    watched: Watched, scheme: str
) -> None:
    page = watched.page
    page.context.add_cookies([{"name": "kleur", "value": scheme, "url": watched.address}])
    watched.open("/groep?klas=1&vak=arithmetic")
    page.wait_for_selector("#matrix")
    page.emulate_media(media="print")
    lines = page.inner_text("#group-content").strip().splitlines()
    for word in (
        "Groep: Groep 6a",
        "Periode: Dit schooljaar",
        "Vak: Rekenen",
        "Uitgever: alle",
        "do 26 nov 2026, 8:12",
    ):
        assert word in lines[0]
    for gone in (".top", ".bar", ".foot", ".acts", ".btn", "#save-as", ".skip"):
        assert page.locator(gone).count() > 0
        assert not any(page.locator(gone).evaluate_all(f"all => all.map({SEEN})")), gone
    ground = "all => [...new Set(all.map(one => getComputedStyle(one).backgroundColor))]"
    kept = "all => [...new Set(all.map(one => getComputedStyle(one).printColorAdjust))]"
    below, above = page.locator("#matrix td.be"), page.locator("#matrix td.ab")
    assert below.count() > 0
    assert above.count() > 0
    assert below.evaluate_all(ground) == ["rgb(226, 226, 226)"]
    assert below.evaluate_all(kept) == ["exact"]
    assert above.evaluate_all(ground) == ["rgb(255, 255, 255)"]
    # Not by grey alone: the sign and the word stand beside the number.
    assert all("onvoldoende" in text or "niveau" in text for text in below.all_inner_texts())
    assert page.locator("#matrix .num").first.evaluate("one => getComputedStyle(one).textDecorationLine") == "none"


def test_the_web_page_of_a_screen_opens_without_network(watched: Watched, browser: Browser, tmp_path: Path) -> None:
    page = watched.page
    watched.open("/groep?klas=1")
    page.click("#save-as > summary")
    with page.expect_download() as waiting:
        page.click("#save-as a:has-text('html')")
    file = tmp_path / waiting.value.suggested_filename
    waiting.value.save_as(file)
    context = browser.new_context(offline=True)
    reading = context.new_page()
    addresses: list[str] = []
    reading.on("request", lambda worker: addresses.append(worker.url))
    reading.goto(file.as_uri())
    assert addresses == [file.as_uri()]
    assert reading.title() == "Groep 6a"
    assert reading.inner_text("h1") == "Groep 6a"
    assert reading.locator("tbody tr:not(.group)").count() == 12
    assert reading.locator("th:not([scope])").count() == 0
    assert reading.evaluate("document.documentElement.lang") == "nl"
    context.close()


def test_a_number_opens_where_it_comes_from_by_keyboard_and_gives_the_focus_back(watched: Watched) -> None:
    page = watched.page
    watched.open("/groep?klas=1")
    number = page.locator("#matrix td[data-pupil='1'][data-column^='arithmetic|Cijferpad'] .num")
    number.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#why-told h3:has-text('Aïsha Bouzid')")
    dialog = page.get_by_role("dialog", name="Hoe komt dit getal tot stand?")
    assert "onvoldoende 0–59" in dialog.inner_text()
    for _step in range(5):
        page.keyboard.press("Tab")
        assert dialog.evaluate("one => one.contains(document.activeElement)")
    page.keyboard.press("Escape")
    page.wait_for_selector("#why-told", state="detached")
    page.wait_for_selector("#matrix td[data-pupil='1'][data-column^='arithmetic|Cijferpad'] .num:focus")


def test_a_number_is_explained_with_the_filters_of_the_address(watched: Watched) -> None:
    page = watched.page
    watched.open("/groep?klas=1")
    page.click("label:has-text('Per leermiddel')")
    page.wait_for_url("**/groep?klas=1-1&weergave=materiaal")
    page.click("#matrix tfoot td[data-column='2|Letterlab'] .num")
    page.wait_for_selector("#why-told [data-list='counted']")
    assert page.locator("#why-told [data-list='counted'] li").count() == 10
    page.keyboard.press("Escape")
    page.wait_for_selector("#why-told", state="detached")
    page.set_viewport_size({"width": 360, "height": 800})
    page.click(".mlist details[data-pupil='1'] summary")
    page.click(".mlist details[data-pupil='1'] .num >> nth=0")
    page.wait_for_selector("#why-told h3:has-text('Aïsha Bouzid')")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_the_panel_behind_a_number_has_no_violation_of_wcag(watched: Watched) -> None:
    page = watched.page
    watched.open("/groep?klas=1")
    program = (npm.installed(Path(__file__).parent / "node") / "axe-core" / "axe.min.js").read_text()
    page.evaluate(program)
    for kind in ("cell", "mean", "group", "topic", "progress", "coverage"):
        page.click(f".page [data-why='{kind}']:visible >> nth=0")
        page.wait_for_selector("#why-told h3")
        assert page.evaluate(RUN, list(TAGS)) == []
        page.keyboard.press("Escape")
        page.wait_for_selector("#why-told", state="detached")
