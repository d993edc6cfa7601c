"""Two tabs with two viewers, requests that fail, text that was typed, and double clicks, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect
from sqlalchemy import func, select

from dashboard.auth.request import AppOptions
from dashboard.auth.sessions import DemoUser
from dashboard.server.serving import bind
from dashboard.server.wsgi import create_app
from models.access.viewer import Role
from models.classroom.notes import Note, NoteKind, notes_of
from models.schema import clock, database
from models.schema.tables import goals, notes
from tests.browser.conftest import Served, address_of
from tests.conftest import Store
from tests.connectors.sending import serving_app
from tests.dashboard import school
from tests.dashboard.conftest import PERSONAS

ELSEWHERE = DemoUser("wil", "Wil Jacobs", Role.SUPPORT, None, school.OTHER_SCHOOL)
SUPPORT = DemoUser("ilse", "Ilse Kramer", Role.SUPPORT, None, school.SCHOOL)
OPTIONS = AppOptions(demo=True, users=(*PERSONAS, SUPPORT, ELSEWHERE))
CALLBACK = "**/_dash-update-component*"
TYPED = "Werkt graag samen met Bente."
BANNER = "#trouble"


@pytest.fixture
def served(store: Store) -> Iterator[Served]:
    """The web app on the known school, where somebody of another school can look too; each has a pupil 1."""
    with clock.fixed(school.NOW):
        school.build(store.engine, store.cipher)
        app = create_app(store.engine, store.cipher, OPTIONS)
        with address_of(app) as address:
            yield Served(store, address, app)


@pytest.fixture
def window(browser: Browser, served: Served) -> Iterator[BrowserContext]:
    """A browser window: its tabs share the session, and a request that fails may be heard in the console."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    served.enter(context)
    yield context
    context.close()


def opened(window: BrowserContext, address: str) -> Page:
    """A new tab on an address."""
    page = window.new_page()
    page.goto(address)
    page.wait_for_selector("main h1")
    page.wait_for_load_state("networkidle")
    return page


def become(page: Page, name: str) -> None:
    """Look as somebody else, by the menu."""
    page.click("#who > summary")
    page.click(f"#who button:has-text('{name}')")
    page.wait_for_selector(f"#who > summary:has-text('{name}')")
    page.wait_for_load_state("networkidle")


def type_note(page: Page, text: str = TYPED) -> None:
    """Open the form of a note and type, without sending it."""
    page.click("#notes summary:has-text('Notitie maken')")
    page.fill("#note-text", text)


def kept(store: Store) -> list[Note]:
    """The notes about pupil 1 of the known school."""
    with database.read_transaction(store.engine) as connection:
        return notes_of(connection, store.cipher, PERSONAS[0].viewer, [1]).get(1, [])


def rows(store: Store) -> int:
    """How many notes and goals there are, of all schools."""
    with database.read_transaction(store.engine) as connection:
        return sum(int(connection.scalar(select(func.count()).select_from(table)) or 0) for table in (notes, goals))


def drafts(page: Page) -> list[str]:
    """What the tab keeps of what was typed."""
    found = page.evaluate("Object.entries(sessionStorage).filter(one => one[0].startsWith('draft')).map(String)")
    return [str(item) for item in found]


def typed(page: Page) -> str:
    """What stands in the form of a note."""
    return page.locator("#note-text").input_value()


# -- two tabs ------------------------------------------------------------------------------------------------------


def test_a_note_from_a_tab_of_another_school_is_not_stored_and_not_lost(window: BrowserContext, served: Served) -> None:
    first = opened(window, served.address + "/leerling/1")
    type_note(first)
    become(opened(window, served.address), "Wil Jacobs")
    first.click("#notes button:has-text('Notitie opslaan')")
    expect(first.locator(BANNER)).to_contain_text("Deze pagina is gemaakt voor Hanna Vos")
    expect(first.locator(BANNER)).to_contain_text("Wat u typte, staat er nog.")
    assert first.locator("main h1").inner_text() == "Aïsha Bouzid"
    assert typed(first) == TYPED
    assert rows(served.store) == 0
    first.click(f"{BANNER} button:has-text('Opnieuw laden')")
    first.wait_for_selector("main h1:has-text('Dit adres hoort bij een andere school')")
    assert first.locator("#who > summary").inner_text().startswith("Wil Jacobs")
    assert "Zoë" not in first.content()
    assert drafts(first) == []


def test_a_table_of_one_school_never_fills_with_pupils_of_another(window: BrowserContext, served: Served) -> None:
    first = opened(window, served.address + "/groep")
    become(opened(window, served.address), "Wil Jacobs")
    first.click("#periode")
    first.click("[role=option]:has-text('De laatste 4 weken')")
    expect(first.locator(BANNER)).to_contain_text("misschien in een ander tabblad")
    assert "6z" not in first.inner_text("main")
    assert first.locator("#matrix tr[data-pupil='1'] a").inner_text() == "Aïsha Bouzid"
    first.click("header nav a:has-text('Signalen')")  # to another page in the same tab: a callback as well
    first.wait_for_load_state("networkidle")
    assert first.inner_text("main h1") == "Groep 6a"
    first.click(f"{BANNER} a:has-text('Naar de beginpagina')")
    first.wait_for_selector("main h1:has-text('Groep 6z')")
    expect(first.locator(BANNER)).to_be_empty()


def test_a_bookmark_of_one_school_opens_no_pupil_of_another(window: BrowserContext, served: Served) -> None:
    first = opened(window, served.address + "/groep")
    first.click("#matrix a:has-text('Aïsha Bouzid')")
    first.wait_for_selector("main h1:has-text('Aïsha Bouzid')")
    bookmark = first.url
    become(first, "Wil Jacobs")
    first.goto(bookmark)
    first.wait_for_selector("main h1:has-text('Dit adres hoort bij een andere school')")
    assert first.title() == "Rondblik"
    first.click("main a:has-text('Naar uw beginpagina')")
    first.wait_for_selector("main h1:has-text('Groep 6z')")
    first.goto(served.address + "/leerling/1")
    first.wait_for_selector("main h1:has-text('Zoë Anders')")
    assert (bookmark, first.url) == (f"{served.address}/leerling/1-1", f"{served.address}/leerling/2-1")


# -- what fails is said --------------------------------------------------------------------------------------------


def choose_period(page: Page) -> None:
    """Move a control of the class screen."""
    page.click("#periode")
    page.click("[role=option]:has-text('De laatste 4 weken')")


def test_a_session_that_ended_is_said_and_what_to_do_for_a_new_one(window: BrowserContext, served: Served) -> None:
    page = opened(window, served.address + "/groep")
    window.clear_cookies()
    choose_period(page)
    expect(page.locator(BANNER)).to_contain_text("Uw sessie is afgelopen.")
    assert page.locator(BANNER).get_attribute("role") == "alert"
    page.focus(f"{BANNER} button")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Naar de beginpagina"
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_contain_text("Open het adres dat Rondblik liet zien")
    served.enter(window)
    page.reload()
    choose_period(page)
    page.wait_for_url("**periode=4weken*")


@pytest.mark.parametrize(
    ("status", "reading"),
    [(500, "Er ging iets mis in Rondblik."), (503, "De database van Rondblik antwoordt niet."),
     (400, "Dit verzoek kent Rondblik niet."), (502, "Er ging iets mis in Rondblik.")],
)  # fmt: skip
def test_a_callback_that_fails_is_said_once(window: BrowserContext, served: Served, status: int, reading: str) -> None:
    page = opened(window, served.address + "/groep")
    body = '{"error": "Dit verzoek kent Rondblik niet."}' if status == 400 else "<html>"
    page.route(CALLBACK, lambda item: item.fulfill(status=status, body=body))
    choose_period(page)
    expect(page.locator(BANNER)).to_contain_text(reading)
    assert page.locator(f"{BANNER} p").count() == 1


def test_the_same_is_said_in_english(window: BrowserContext, served: Served) -> None:
    page = opened(window, served.address + "/groep?taal=en")
    window.clear_cookies(name="rondblik_session")
    page.click("#periode")
    page.click("[role=option]:has-text('The last 4 weeks')")
    expect(page.locator(BANNER)).to_contain_text("Your session has ended.")
    expect(page.locator(f"{BANNER} button")).to_have_text("Load again")


def test_a_server_that_does_not_answer_is_said_and_a_note_can_be_sent_when_it_does(
    browser: Browser, store: Store
) -> None:
    with clock.fixed(school.NOW):
        school.build(store.engine, store.cipher)
        app = create_app(store.engine, store.cipher, OPTIONS)
        window = browser.new_context(viewport={"width": 1440, "height": 900})
        with serving_app(app, bind("127.0.0.1", 0)) as port:
            Served(store, f"http://127.0.0.1:{port}", app).enter(window)
            page = opened(window, f"http://127.0.0.1:{port}/leerling/1")
            type_note(page)
        page.click("#notes button:has-text('Notitie opslaan')")
        expect(page.locator(BANNER)).to_contain_text("Rondblik antwoordt niet.")
        assert typed(page) == TYPED
        with serving_app(app, bind("127.0.0.1", port)):
            page.click("#notes button:has-text('Notitie opslaan')")
            page.wait_for_selector("#told:has-text('De notitie is opgeslagen.')")
            assert [note.text for note in kept(store)] == [TYPED]
        window.close()


def test_a_page_without_a_database_says_so(window: BrowserContext, served: Served) -> None:
    page = opened(window, served.address + "/groep")
    with database.write_transaction(served.store.engine) as connection:
        connection.exec_driver_sql("ALTER TABLE classes RENAME TO away")
    page.reload()
    expect(page.locator(BANNER)).to_contain_text("De database van Rondblik antwoordt niet.")
    assert page.locator(f"{BANNER} button").is_visible()
    with database.write_transaction(served.store.engine) as connection:
        connection.exec_driver_sql("ALTER TABLE away RENAME TO classes")
    page.click(f"{BANNER} button")
    page.wait_for_selector("#matrix")


@pytest.mark.parametrize("width", [360, 1440])
def test_the_banner_hides_nothing_of_what_is_typed(window: BrowserContext, served: Served, width: int) -> None:
    page = opened(window, served.address + "/leerling/1")
    page.set_viewport_size({"width": width, "height": 700})
    type_note(page)
    page.evaluate("document.activeElement.scrollIntoView({block: 'start'})")
    page.route(CALLBACK, lambda item: item.fulfill(status=500, body=""))
    page.evaluate("document.querySelector('header nav a').click()")
    expect(page.locator(BANNER)).to_contain_text("Er ging iets mis")
    seen = """() => { const box = document.activeElement.getBoundingClientRect();
        return document.activeElement.name === 'tekst' &&
          document.elementFromPoint(box.left + 9, box.top + 3) === document.activeElement; }"""
    page.wait_for_function(seen)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


# -- typed text ----------------------------------------------------------------------------------------------------


def test_typed_text_comes_back_after_a_reload_and_a_link_until_it_is_saved(
    window: BrowserContext, served: Served
) -> None:
    page = opened(window, served.address + "/leerling/1")
    become(page, "Ilse Kramer")
    page.goto(served.address + "/leerling/1")
    page.wait_for_selector("#notes")
    type_note(page)
    page.select_option("#note-for", "besloten")
    page.reload()
    expect(page.locator("#notes .draft")).to_contain_text("Dit typte u eerder. Het is nog niet opgeslagen.")
    assert (typed(page), page.input_value("#note-for")) == (TYPED, "besloten")
    page.click("header nav a:has-text('Signalen')")
    page.wait_for_selector("main h1:has-text('Signalen')")
    page.goto(served.address + "/leerling/2")
    page.wait_for_selector("#notes")
    page.wait_for_load_state("networkidle")
    assert page.locator("#notes .draft").count() == 0  # of another pupil
    page.goto(served.address + "/leerling/1")
    expect(page.locator("#notes .draft")).to_be_visible()
    page.fill("#notes input[name=dag]", "13 november")
    page.click("#notes button:has-text('Notitie opslaan')")
    page.wait_for_selector("#told:has-text('Er is niets veranderd.')")
    expect(page.locator("#notes .draft")).to_be_visible()
    assert (typed(page), page.input_value("#notes input[name=dag]")) == (TYPED, "13 november")
    page.fill("#notes input[name=dag]", "")
    page.click("#notes button:has-text('Notitie opslaan')")
    page.wait_for_selector("#told:has-text('De notitie is opgeslagen.')")
    page.wait_for_load_state("networkidle")
    assert (page.locator("#notes .draft").count(), drafts(page)) == (0, [])
    assert [note.restricted for note in kept(served.store)] == [True]


def test_a_correction_that_is_typed_has_a_draft_of_its_own(window: BrowserContext, served: Served) -> None:
    page = opened(window, served.address + "/leerling/1")
    type_note(page)
    page.click("#notes button:has-text('Notitie opslaan')")
    page.wait_for_selector("#told:has-text('De notitie is opgeslagen.')")
    note_id = kept(served.store)[0].id
    correction = f"#note-{note_id}-text"
    page.click("#notes summary:has-text('Verbeteren of intrekken')")
    assert page.input_value(correction) == TYPED
    page.fill(correction, "Verbeterd.")
    page.reload()
    expect(page.locator("#notes .draft")).to_have_count(1)
    assert (page.input_value(correction), typed(page)) == ("Verbeterd.", "")
    page.click("#notes button:has-text('Verbetering opslaan')")
    page.wait_for_selector("#told:has-text('De notitie is verbeterd.')")
    page.wait_for_load_state("networkidle")
    assert drafts(page) == []
    assert [(note.text, note.earlier[0].text) for note in kept(served.store)] == [("Verbeterd.", TYPED)]
    page.click("#notes summary:has-text('Verbeteren of intrekken')")
    page.click("#notes button:has-text('Deze notitie intrekken')")
    page.wait_for_selector("#notes li[data-withdrawn]:has-text('Ingetrokken door de schrijver')")
    assert kept(served.store) == []


def test_a_draft_can_be_thrown_away(window: BrowserContext, served: Served) -> None:
    page = opened(window, served.address + "/leerling/1")
    type_note(page)
    page.reload()
    page.click("#notes .draft button")
    assert (typed(page), drafts(page), page.locator("#notes .draft").count()) == ("", [], 0)


def test_a_draft_is_read_by_nobody_else_in_the_same_tab(window: BrowserContext, served: Served) -> None:
    page = opened(window, served.address + "/leerling/1")
    type_note(page)
    assert len(drafts(page)) == 1
    become(page, "Ilse Kramer")  # who may write about this pupil too
    page.goto(served.address + "/leerling/1")
    page.wait_for_selector("#notes")
    page.wait_for_load_state("networkidle")
    assert (page.locator("#notes .draft").count(), drafts(page)) == (0, [])
    assert TYPED not in page.content()
    assert page.evaluate("Object.keys(localStorage).join()").find("draft") == -1


def test_signing_out_leaves_nothing_typed_or_shown_in_any_tab(window: BrowserContext, served: Served) -> None:
    first = opened(window, served.address + "/leerling/1")
    second = opened(window, served.address + "/leerling/1")
    for page in (first, second):
        type_note(page)
        assert len(drafts(page)) == 1
    first.click("#who > summary")
    first.click("#who button:text-is('Afmelden')")
    for page in (first, second):
        page.wait_for_url("**/afgemeld")
        expect(page.locator("main h1")).to_have_text("U bent afgemeld")
        assert drafts(page) == []
    served.enter(window)
    second.goto(served.address + "/leerling/1")
    second.wait_for_selector("#notes")
    assert (second.locator("#notes .draft").count(), typed(second)) == (0, "")


def test_a_draft_outlives_a_session_that_ended(window: BrowserContext, served: Served) -> None:
    page = opened(window, served.address + "/leerling/1")
    type_note(page)
    window.clear_cookies()
    page.click("#notes button:has-text('Notitie opslaan')")
    expect(page.locator(BANNER)).to_contain_text("Uw sessie is afgelopen.")
    assert typed(page) == TYPED
    served.enter(window)  # as the same person
    page.click(f"{BANNER} button")
    expect(page.locator("#notes .draft")).to_be_visible()
    assert typed(page) == TYPED


def test_only_what_was_changed_of_thresholds_comes_back(window: BrowserContext, served: Served) -> None:
    page = opened(window, served.address + "/signalen")
    page.click(".limits summary")
    page.fill("input[name=drop_percent]", "31")
    page.reload()
    expect(page.locator(".limits .draft")).to_be_visible()
    assert page.input_value("input[name=drop_percent]") == "31"
    assert '{"drop_percent":"31"}' in drafts(page)[0]
    page.click(".limits button:has-text('opslaan')")
    page.wait_for_selector("#told:has-text('De drempels zijn opgeslagen')")
    page.wait_for_load_state("networkidle")
    assert page.input_value("input[name=drop_percent]") == "31"
    assert drafts(page) == []


# -- a double click ------------------------------------------------------------------------------------------------


def test_a_double_click_stores_one_note(window: BrowserContext, served: Served) -> None:
    page = opened(window, served.address + "/leerling/1")
    type_note(page)
    page.dblclick("#notes button:has-text('Notitie opslaan')")
    page.wait_for_selector("#told:has-text('De notitie is opgeslagen.')")
    assert [(note.text, note.kind) for note in kept(served.store)] == [(TYPED, NoteKind.NOTE)]


def test_a_form_whose_answer_was_lost_is_stored_once_when_it_is_sent_again(
    window: BrowserContext, served: Served
) -> None:
    page = opened(window, served.address + "/leerling/1")
    type_note(page)

    def lose(route: Route) -> None:
        route.fetch(max_redirects=0)
        route.abort()

    page.route("**/leerling/notitie/1", lose, times=1)
    page.click("#notes button:has-text('Notitie opslaan')")
    expect(page.locator(BANNER)).to_contain_text("Rondblik antwoordt niet.")
    assert len(kept(served.store)) == 1
    page.click("#notes button:has-text('Notitie opslaan')")
    page.wait_for_selector("#told:has-text('De notitie is opgeslagen.')")
    assert len(kept(served.store)) == 1


def test_two_notes_with_the_same_words_are_two_notes(window: BrowserContext, served: Served) -> None:
    page = opened(window, served.address + "/leerling/1")
    for number in (1, 2):
        type_note(page)
        page.click("#notes button:has-text('Notitie opslaan')")
        page.wait_for_selector(f"#notes .notes li:nth-child({number})")
        page.wait_for_load_state("networkidle")
    assert len(kept(served.store)) == 2
