"""Mijn leerlingen and the hand-over page in a real browser: filters, keyboard, phone, print."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from dashboard.auth.request import AppOptions
from dashboard.auth.sessions import DemoUser
from dashboard.server.wsgi import create_app
from models.access.viewer import Role
from models.classroom.goals import set_due_date
from models.classroom.notes import NoteKind, Readers, write_note
from models.schema import clock, database
from tests.browser.conftest import Served, Watched, address_of
from tests.browser.test_walk import GREY, settled, tab_to
from tests.conftest import Store
from tests.dashboard import school
from tests.dashboard.conftest import PERSONAS

SUPPORT = DemoUser("ilse", "Ilse Kramer", Role.SUPPORT, None, school.SCHOOL)
SECRET = "Thuis is het onrustig."
ROWS = "#mine-table tbody tr"
# Guusje and Lars have not finished week 47, which was due a week ago.
LATE = ["7", "12"]


@pytest.fixture
def served(store: Store) -> Iterator[Served]:
    """The web app on the known school with learning support, a test that was due, and a restricted note."""
    with clock.fixed(school.NOW):
        school.build(store.engine, store.cipher)
        with database.write_transaction(store.engine, school.SCHOOL) as connection:
            set_due_date(connection, PERSONAS[0].viewer, school.CLASS_A, 4, "2026-11-19")
            write_note(connection, store.cipher, SUPPORT.viewer, 7, NoteKind.NOTE, SECRET, readers=Readers.RESTRICTED)
        options = AppOptions(demo=True, users=(*PERSONAS, SUPPORT))
        app = create_app(store.engine, store.cipher, options)
        with address_of(app) as address:
            yield Served(store, address, app)


def shown_pupils(page: Page, rows: str = ROWS) -> list[str]:
    """The pupils that stand on the page."""
    return [str(item) for item in page.locator(rows).evaluate_all("all => all.map(one => one.dataset.pupil)")]


def test_filters_live_in_the_address_and_reload_and_back_give_the_same_page(watched: Watched) -> None:
    page = watched.page
    watched.open("/leerlingen")
    settled(page)
    assert page.locator(ROWS).count() == 12
    page.click("#mine-vak")
    page.click("[role=option]:has-text('Spelling')")
    page.wait_for_url("**/leerlingen?klas=1-1&vak=spelling")
    assert page.locator("#mine-table thead th").count() == 4
    page.click("#question-signals a")
    page.wait_for_url("**/leerlingen?klas=1-1&vak=spelling&signalen=met")
    page.wait_for_selector("#question-signals[aria-current=true]")
    assert shown_pupils(page) == LATE
    page.reload()
    settled(page)
    assert shown_pupils(page) == LATE
    page.click(f"{ROWS}[data-pupil='7'] a:has-text('open')")
    page.wait_for_url("**/leerling/1-7*")
    page.go_back()
    page.wait_for_selector("#question-signals[aria-current=true]")
    assert shown_pupils(page) == LATE
    assert page.locator("#mine-vak").input_value() == "Spelling"


def test_every_sparkline_is_drawn_and_said_and_shares_its_size(watched: Watched) -> None:
    watched.open("/leerlingen")
    settled(watched.page)
    read = "all => all.map(one => [one.complete, one.naturalWidth, one.width, one.height, one.alt.length > 20])"
    images = watched.page.locator("#mine-table img").evaluate_all(read)
    assert len(images) == 10 + 10  # with two scores of sums and of spelling; of questions there is one each
    assert {tuple(image) for image in images} == {(True, 112, 112, 38, True)}


def test_from_question_to_hand_over_without_a_mouse(watched: Watched) -> None:
    page = watched.page
    watched.open("/leerlingen")
    settled(page)
    tab_to(page, "#question-topics a")
    page.keyboard.press("Enter")
    page.wait_for_selector("#mine-topics")
    tab_to(page, "#mine-topics summary")
    page.keyboard.press("Enter")
    page.wait_for_selector("#mine-topics details[open] a:has-text('Aïsha Bouzid')")
    watched.open("/leerlingen")
    settled(page)
    tab_to(page, "#question-signals a")
    page.keyboard.press("Enter")
    page.wait_for_selector("#question-signals[aria-current=true]")
    tab_to(page, "a[href^='/leerlingen/overdracht']")
    page.keyboard.press("Enter")
    page.wait_for_selector("#handover-made")
    assert shown_pupils(page, "article") == LATE
    tab_to(page, "#handover-leerling")
    page.keyboard.type("Lars")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/leerlingen/overdracht?klas=1-1&signalen=met&leerling=1-12")
    assert shown_pupils(page, "article") == ["12"]


@pytest.mark.parametrize("path", ["/leerlingen", "/leerlingen?vraag=stof", "/leerlingen/overdracht"])
@pytest.mark.parametrize("width", [360, 768, 1440])
def test_the_page_does_not_scroll_sideways(watched: Watched, path: str, width: int) -> None:
    page = watched.page
    page.set_viewport_size({"width": width, "height": 800})
    watched.open(path)
    settled(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_on_a_phone_the_table_is_a_list_with_the_names_of_its_columns(watched: Watched) -> None:
    page = watched.page
    page.set_viewport_size({"width": 360, "height": 800})
    watched.open("/leerlingen")
    settled(page)
    assert not page.locator("#mine-table thead").is_visible()
    row = page.locator(f"{ROWS}[data-pupil='1']")
    read = "all => all.map(one => getComputedStyle(one, '::before').content)"
    assert row.locator("td").evaluate_all(read) == [
        '"Open signalen"', '"Afspraak"', '"Rekenen"', '"Spelling"', '"Vak nog niet toegewezen"',
    ]  # fmt: skip
    assert "58" in row.inner_text()


def test_print_is_grey_keeps_a_pupil_together_and_leaves_restricted_words_out(watched: Watched) -> None:
    page = watched.page
    watched.open("/leerlingen")
    watched.become("Ilse Kramer")
    watched.open("/leerlingen/overdracht?klas=1&leerling=7,12")
    settled(page)
    assert page.locator(f"text={SECRET}").is_visible()
    assert not page.locator("[data-restricted]").is_visible()
    page.emulate_media(media="print")
    assert not page.locator(f"text={SECRET}").is_visible()
    assert page.locator("[data-restricted='1']").is_visible()
    assert page.locator("#handover-made").is_visible()
    kept = page.locator("article").evaluate_all("all => all.map(one => getComputedStyle(one).breakInside)")
    assert kept == ["avoid", "avoid"]
    assert page.evaluate(GREY) == []
    watched.open("/leerlingen")
    settled(page)
    assert page.evaluate(GREY) == []
    assert page.locator(".printhead").is_visible()


def test_what_is_out_of_view_is_there_for_a_screen_reader_and_to_select(watched: Watched) -> None:
    page = watched.page
    watched.open("/leerlingen")
    page.evaluate("document.querySelector('main').style.paddingTop = '9000px'")  # as if there were many pupils
    cell = page.locator(ROWS).last.locator("td.sp > * > *").first
    words = (cell.text_content() or "").split()
    page.wait_for_function("cell => !cell.checkVisibility({contentVisibilityAuto: true})", arg=cell.element_handle())
    tree = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
    read = [node["name"]["value"] for node in tree if node["role"]["value"] == "StaticText"]
    assert words[0] in " ".join(read[-40:])
    selected = page.evaluate(f"""() => {{
      window.getSelection().selectAllChildren(document.querySelector("{ROWS}:last-child"));
      return window.getSelection().toString();
    }}""")
    assert words[0] in selected
