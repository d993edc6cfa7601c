"""Markup in a real browser: the elements that were meant, nothing of a text runs, links and Back work."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Watched

PAGES = (
    "/groep", "/groep?weergave=materiaal&stand=norm", "/leerling/1", "/leerlingen", "/leerlingen?vraag=stof",
    "/leerlingen?vraag=klaar", "/leerlingen/overdracht", "/signalen", "/leermiddelen",
)  # fmt: skip

# What an XML parser makes of a markup against what stands in the page; but for what scripts add: the names of numbers,
# and how far the heads of a table were moved.
OTHERWISE = """() => [...document.querySelectorAll("[data-markup]")].filter(holder => {
    const text = `<x xmlns="http://www.w3.org/1999/xhtml">${holder.dataset.markup}</x>`;
    const meant = new DOMParser().parseFromString(text, "application/xhtml+xml").documentElement;
    const made = holder.cloneNode(true);
    made.querySelectorAll(".num[aria-label]").forEach(one => one.removeAttribute("aria-label"));
    made.querySelectorAll("thead[style]").forEach(heads => heads.removeAttribute("style"));
    return meant.childNodes.length !== made.childNodes.length ||
        [...meant.childNodes].some((one, place) => !one.isEqualNode(made.childNodes[place]));
}).map(holder => holder.tagName + "." + holder.className)"""


def settled(page: Page) -> None:
    """Wait until the page is there and asks nothing more."""
    page.wait_for_selector("main h1")
    page.wait_for_load_state("networkidle")


@pytest.mark.parametrize("path", PAGES)
def test_the_browser_makes_of_a_markup_what_it_says(watched: Watched, path: str) -> None:
    watched.open(path)
    settled(watched.page)
    assert watched.page.locator("[data-markup]").count() > 2
    assert watched.page.evaluate(OTHERWISE) == []


def test_no_address_or_name_of_a_field_changes_what_all_objects_have(watched: Watched) -> None:
    hostile = "__proto__[own]=1&__proto__.own=1&constructor[prototype][own]=1&klas=1-1"
    for path in ("/groep", "/signalen", "/leerlingen"):
        watched.open(f"{path}?{hostile}#__proto__[own]=1")
        assert watched.page.evaluate("[({}).own, [].own, Object.prototype.own].every((one) => one === undefined)")
    watched.page.evaluate("""() => {
        const place = document.createElement("input");
        place.name = "__proto__"; place.value = '{"own": 1}';
        document.querySelector("form").append(place);
        sessionStorage.setItem("__proto__", '{"own": 1}');
    }""")
    watched.page.reload()
    watched.page.wait_for_selector("main h1")
    assert watched.page.evaluate("({}).own === undefined")


def test_links_in_markup_change_the_page_without_loading_it(watched: Watched) -> None:
    page = watched.page
    watched.open("/groep?klas=1-1")
    page.evaluate("window.loaded = 'once'")
    page.click("#matrix tbody th a:has-text('Aïsha Bouzid')")
    page.wait_for_selector("#lanes .lane")
    page.click(".head a:has-text('Bente')")
    page.wait_for_selector("main h1:has-text('Bente')")
    page.go_back()
    page.wait_for_selector("main h1:has-text('Aïsha')")
    page.go_back()
    page.wait_for_selector("#matrix")
    page.click("#topics [data-topic] a")
    page.wait_for_selector("#filters-on")
    expect(page.locator("#doel")).to_have_value("Breuken vergelijken")
    page.click("header nav a:has-text('Groepen')")
    expect(page.locator("#filters-on")).to_have_count(0)
    settled(page)
    assert page.url == f"{watched.address}/groep"
    assert page.evaluate("window.loaded") == "once"


def test_back_and_forward_bring_back_filters_and_controls_of_one_page(watched: Watched) -> None:
    page = watched.page
    watched.open("/groep?klas=1-1")
    page.click("#vak")
    page.get_by_role("option", name="Spelling", exact=True).click()
    page.wait_for_url("**/groep?klas=1-1&vak=spelling")
    page.click("#stand-on_norm a")
    page.wait_for_selector("#stand-on_norm[aria-current]")
    assert page.url.endswith("/groep?klas=1-1&vak=spelling&stand=norm")
    page.click("#bar .more")
    page.click("[data-clear] a")
    expect(page.locator("#vak")).to_have_value("Alle vakken")
    assert page.url.endswith("/groep?klas=1-1")
    page.go_back()
    expect(page.locator("#vak")).to_have_value("Spelling")
    page.wait_for_selector("#stand-on_norm[aria-current]")
    page.go_back()
    page.wait_for_selector("#stand-attention[aria-current]")
    expect(page.locator("#vak")).to_have_value("Spelling")
    page.go_forward()
    page.wait_for_selector("#stand-on_norm[aria-current]")
    page.reload()
    page.wait_for_selector("#stand-on_norm[aria-current]")
    expect(page.locator("#vak")).to_have_value("Spelling")


def test_a_card_is_one_request_and_the_skip_link_none(watched: Watched) -> None:
    page = watched.page
    watched.open("/groep?klas=1-1")
    settled(page)
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.url) if one.method == "POST" else None)
    page.click("#stand-few a")
    page.wait_for_selector("#stand-few[aria-current]")
    page.keyboard.press("Tab")
    page.focus("a.skip")
    page.keyboard.press("Enter")
    page.wait_for_url("**#main")
    page.go_back()
    page.wait_for_url("**stand=weinig")
    settled(page)
    assert len(asked) == 1


def test_a_link_with_a_key_held_is_the_browsers_own(watched: Watched) -> None:
    page = watched.page
    watched.open("/groep?klas=1-1")
    with page.context.expect_page() as opened:
        page.click("#matrix tbody th a >> nth=0", modifiers=["Control"])
    opened.value.wait_for_url("**/leerling/*")
    assert page.url.endswith("/groep?klas=1-1")
