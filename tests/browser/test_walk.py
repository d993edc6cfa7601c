"""A walk over all pages as each role: nothing complains, nothing goes out, and the keyboard is enough."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.conftest import Served, Watched
from tests.dashboard.page_list import OPEN_PAGES, address

GREY = """() => {
    const coloured = [];
    const parts = ["color", "background-color", "border-top-color", "border-bottom-color", "outline-color"];
    for (const one of document.querySelectorAll("body *:not(svg *)")) {
        if (!one.checkVisibility()) { continue; }
        const style = getComputedStyle(one);
        for (const part of parts) {
            const [r, g, b, a] = style.getPropertyValue(part).match(/[\\d.]+/g).map(Number);
            if (a !== 0 && (r !== g || g !== b)) {
                coloured.push(`${one.tagName}.${one.className} ${part} ${r},${g},${b}`);
            }
        }
    }
    return [...new Set(coloured)];
}"""


def settled(page: Page) -> None:
    """Wait until the page is there and asks nothing more."""
    page.wait_for_selector("main h1")
    page.wait_for_load_state("networkidle")


@pytest.mark.parametrize("user", ["Hanna Vos", "Noa Berg", "Iris Smit", "Sam de Groot"])
def test_every_page_opens_without_complaint_and_without_a_way_to_share_a_chart(watched: Watched, user: str) -> None:
    page = watched.page
    watched.open("/")
    watched.become(user)
    menu = "header > nav a"
    names = page.locator(menu).all_inner_texts()
    administers = user == "Sam de Groot"
    for name in ("Groepen", "Signalen", "Leermiddelen"):
        assert (name in names) is not administers
    assert ("Koppelingen" in names) is administers
    seen = []
    for name in names:
        page.locator(menu, has_text=name).click()
        page.wait_for_selector(f"header > nav [aria-current=page]:has-text('{name}')")
        settled(page)
        seen.append(page.inner_text("main h1"))
        nothing_to_share(page)
    assert len(set(seen)) == len(names)
    beside_the_menu = [address(page) for page in OPEN_PAGES if page.in_menu_of is None and page.name != "home"]
    for path in (*beside_the_menu, "/groep?weergave=materiaal", "/nergens"):
        watched.open(path)
        settled(page)
        nothing_to_share(page)


def nothing_to_share(page: Page) -> None:
    """No chart has a bar of buttons, and nothing on the page speaks of sharing."""
    assert page.locator(".modebar-btn").count() == 0
    assert page.get_by_text("Share chart").count() == 0
    assert page.get_by_role("button", name="Share").count() == 0


def test_the_board_grows_with_its_screen_and_its_smallest_text_is_3_percent_of_the_width(watched: Watched) -> None:
    read = """() => [...document.querySelectorAll("main *")].filter(one => !one.closest(".leave") &&
        [...one.childNodes].some(node => node.nodeType === 3 && node.textContent.trim())).map(
        one => parseFloat(getComputedStyle(one).fontSize) / window.innerWidth * 100)"""
    smallest = []
    for width, height in ((1280, 720), (1920, 1080), (3840, 2160)):
        watched.page.set_viewport_size({"width": width, "height": height})
        watched.open("/digibord?klas=1")
        settled(watched.page)
        smallest.append(min(watched.page.evaluate(read)))
        assert watched.page.evaluate("document.documentElement.scrollWidth") == width
    assert smallest == [pytest.approx(smallest[0], abs=0.1)] * 3
    assert min(smallest) > 3
    assert watched.page.locator("header").count() == 0
    watched.page.click("text=Terug")
    watched.page.wait_for_selector("#matrix")


@pytest.mark.parametrize("path", ["/groep", "/leermiddelen", "/signalen"])
def test_print_is_grey(watched: Watched, path: str) -> None:
    watched.open(path)
    settled(watched.page)
    assert watched.page.evaluate(GREY) != []  # on the screen there is colour
    watched.page.emulate_media(media="print")
    assert watched.page.evaluate(GREY) == []


# -- by keyboard alone -------------------------------------------------------------------------------------------


def tab_to(page: Page, selector: str, most: int = 150) -> None:
    """Press Tab until what has the focus is what `selector` names; the focus must be seen."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate("what => document.activeElement.matches(what)", selector):
            shadow: Any = page.evaluate("getComputedStyle(document.activeElement).boxShadow")
            assert shadow != "none"
            return
    pytest.fail(f"no Tab leads to {selector}")


def test_a_signal_is_read_and_settled_and_its_pupil_opened_by_keyboard(watched: Watched) -> None:
    page = watched.page
    watched.open("/groep?klas=1")
    settled(page)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    first = "#course-list > li[data-pupil]"
    pupil = page.locator(first).first.get_attribute("data-pupil")
    before = page.locator(first).count()
    tab_to(page, f"{first}[data-pupil='{pupil}'] form button")
    page.keyboard.press("Enter")
    page.wait_for_selector("#told")
    settled(page)
    assert page.evaluate("document.activeElement.id") == "told"
    assert page.locator(first).count() == before - 1
    tab_to(page, f"#matrix tr[data-pupil='{pupil}'] a")
    name = page.evaluate("document.activeElement.textContent")
    page.keyboard.press("Enter")
    page.wait_for_selector(f"main h1:has-text('{name}')")


def test_a_class_and_a_subject_are_chosen_by_keyboard(watched: Watched) -> None:
    page = watched.page
    watched.open("/")
    watched.become("Iris Smit")
    settled(page)
    tab_to(page, "#klas")
    page.keyboard.press("ArrowDown")
    page.wait_for_selector("[role=option]:has-text('6b')")
    page.keyboard.press("Enter")
    page.wait_for_selector("main h1:has-text('6b')")
    watched.open("/leermiddelen")
    settled(page)
    tab_to(page, "#materials-vak")
    page.keyboard.press("Enter")
    page.wait_for_selector("[role=option]:has-text('Rekenen')")  # the list opens a moment later
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/leermiddelen?vak=*")
    assert page.locator("main section[id^=subject-]").count() == 1


def test_after_a_filter_the_number_of_pupils_changes_in_its_place(watched: Watched) -> None:
    page = watched.page
    watched.open("/groep?klas=1")
    settled(page)
    assert page.locator("#shown-pupils[role=status]").count() == 1
    page.evaluate("document.getElementById('shown-pupils').stays = true")
    before = page.text_content("#shown-pupils")
    page.click("[data-toggle=bar]")
    page.click("#status")
    page.click("[role=option]:has-text('Vraagt aandacht')")
    page.wait_for_function("words => document.getElementById('shown-pupils').textContent !== words", arg=before)
    assert page.evaluate("document.getElementById('shown-pupils').stays") is True


def test_who_wants_no_motion_gets_none(browser: Browser, served: Served) -> None:
    context = browser.new_context(reduced_motion="reduce")
    served.enter(context)
    page = context.new_page()
    page.goto(served.address + "/groep")
    page.wait_for_selector("main h1")
    moving = """() => [...document.querySelectorAll('*')].filter(one => {
        const style = getComputedStyle(one);
        return style.animationName !== 'none' || style.transitionDuration.split(',').some(time => parseFloat(time) > 0);
    }).map(one => one.className)"""
    assert page.evaluate(moving) == []
    context.close()


def test_a_number_of_the_matrix_is_called_by_its_pupil_and_column(watched: Watched) -> None:
    page = watched.page
    watched.open("/groep")
    matrix = page.locator("#matrix")
    named = matrix.get_by_role("button", name="58, Aïsha Bouzid, Rekenen · Cijferpad groep 6", exact=True)
    named.wait_for()
    matrix.get_by_role("button", name="63,7, Gemiddelde, Rekenen · Cijferpad groep 6", exact=True).wait_for()
    numbers = matrix.locator("td[data-column] .num")
    assert numbers.count() > 40
    names = numbers.evaluate_all("all => all.map(one => one.getAttribute('aria-label'))")
    assert len(set(names)) == len(names)
    # Another period: the same places hold other numbers, and are called by those.
    page.click("#periode")
    page.click("[role=option]:has-text('De laatste 4 weken')")
    page.wait_for_url("**periode=4weken*")
    page.wait_for_function(
        """all => Array.from(document.querySelectorAll(all)).every(
          one => one.getAttribute("aria-label").startsWith(one.textContent + ","))""",
        arg="#matrix td[data-column] .num",
    )


def test_on_a_phone_a_number_is_called_by_its_pupil_and_column(watched: Watched) -> None:
    page = watched.page
    page.set_viewport_size({"width": 360, "height": 800})
    watched.open("/groep")
    page.click(".mlist [data-pupil='1'] summary")
    page.get_by_role("button", name="58, Aïsha Bouzid, Rekenen · Cijferpad groep 6", exact=True).click()
    page.wait_for_selector("#why-told:has-text('Aïsha Bouzid')")


def test_the_focus_stays_on_a_link_that_redraws_the_page_and_goes_to_the_heading_of_another(watched: Watched) -> None:
    page = watched.page
    watched.open("/groep")
    page.focus("#stand-few a")
    page.keyboard.press("Enter")
    page.wait_for_url("**stand=*")
    page.wait_for_selector("#stand-few[aria-current]")
    page.wait_for_function("() => document.activeElement.closest('#stand-few') !== null")
    page.keyboard.press("Shift+Tab")
    assert page.evaluate("document.activeElement.closest('#stand-ample, #stand-few, .groups') !== null")
    page.focus("#course-list li a")
    page.keyboard.press("Enter")
    page.wait_for_url("**/leerling/*")
    page.wait_for_function("() => document.activeElement.matches('#main h1')")
