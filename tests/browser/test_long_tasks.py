"""No click holds up the browser: every link, card, filter, Back and Forward ends without a task of a fifth of a second.

It is time of the processor: where other programs take that away meanwhile, a task lasts longer without doing more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from dashboard.auth.request import AppOptions
from dashboard.auth.sessions import DemoUser
from dashboard.server.wsgi import create_app
from models.access.viewer import Role
from models.schema import clock, database
from models.schema.store_key import open_encrypted
from tests.browser.conftest import Served, address_of
from tests.browser.walking import WAIT, WATCH, Walk
from tests.conftest import Store
from tests.dashboard import large_school

pytestmark = pytest.mark.timing  # beside others its tasks take up to twice as long

LONGEST = 200  # milliseconds
WALKS = 3
USERS = (
    DemoUser("hanna", "Hanna Vos", Role.TEACHER, large_school.TEACHER, large_school.SCHOOL),
    DemoUser("ilse", "Ilse Kramer", Role.SUPPORT, None, large_school.SCHOOL),
    DemoUser("sam", "Sam de Groot", Role.ADMINISTRATOR, None, large_school.SCHOOL),
)


@contextmanager
def school_of(folder: Path, sizes: Sequence[int], columns: int) -> Iterator[Served]:
    """A school with classes of these sizes behind an address."""
    engine = database.open_engine(database.sqlite_url(folder))
    cipher = open_encrypted(engine, folder)
    with clock.fixed(large_school.NOW):
        large_school.build(engine, cipher, sizes, columns)
        app = create_app(engine, cipher, AppOptions(demo=True, users=USERS))
        with address_of(app) as address:
            yield Served(Store(engine, cipher), address, app)
    engine.dispose()


@pytest.fixture(scope="module")
def one_class(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A school with one class."""
    with school_of(tmp_path_factory.mktemp("one-class"), [25], 7) as served:
        yield served


def walk(browser: Browser, served: Served, way: Callable[[Walk], None]) -> None:
    """Go some way; fails where a task was long, and was so again when that way was gone twice more."""
    long: set[str] = set()
    for number in range(WALKS):
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        context.add_init_script(WATCH)
        served.enter(context)
        found = Walk(context.new_page(), served.address)
        way(found)
        context.close()
        print({name: f"{task} ms" for name, task in found.longest.items()})
        long_now = {name for name, task in found.longest.items() if task > LONGEST}
        long = long_now & long if number else long_now
        if not long:
            return
    pytest.fail(f"longer than {LONGEST} ms each time: {sorted(long)}")


def class_page(to: Walk) -> None:
    """The cards, links and filters of the class page, which is open, and Back and Forward over them."""
    page = to.page
    to.click("card", "#stand-on_norm a", "#stand-on_norm[aria-current]")
    to.click("card", "#stand-far_above a", "#stand-far_above[aria-current]")
    to.do("Back", page.go_back, "#stand-on_norm[aria-current]")
    to.do("Back", page.go_back, "#stand-attention[aria-current]")
    to.do("Forward", page.go_forward, "#stand-on_norm[aria-current]")
    to.click("this and last year", "#hidden-by-period a", to.address_has("periode=tweejaar"))
    expect(page.locator("#periode")).to_have_value("Dit en vorig schooljaar", timeout=WAIT)
    to.do(
        "Back",
        page.go_back,
        lambda: expect(page.locator("#periode")).not_to_have_value("Dit en vorig schooljaar", timeout=WAIT),
    )
    to.click("hard for many", "#topics [data-topic] a", "#filters-on")
    to.click(
        "show everything", "#filters-on a", lambda: expect(page.locator("#filters-on")).to_have_count(0, timeout=WAIT)
    )
    to.choose("vak", "Spelling", to.address_has("vak=spelling"))
    to.click("per material", "label:has-text('Per leermiddel')", to.address_has("weergave=materiaal"))
    to.do("More filters", lambda: page.click("#bar .more"), "#bar.open")
    to.click(
        "clear filters",
        "[data-clear] a",
        lambda: expect(page.locator("#vak")).to_have_value("Alle vakken", timeout=WAIT),
    )
    to.click("number", "#matrix td .num", "#why-told h3")
    page.keyboard.press("Escape")
    page.wait_for_selector("#why-told", state="detached")


def pupil_page(to: Walk) -> None:
    """From the class page to pupils and back."""
    page = to.page
    to.click("to a pupil", "#matrix tbody th a", "#lanes .main-svg")
    first = page.inner_text("main h1")
    to.click(
        "next pupil",
        ".head a:has(.sg-next)",
        lambda: expect(page.locator("main h1")).not_to_have_text(first, timeout=WAIT),
    )
    to.choose("leerling-periode", "Vorig schooljaar", to.address_has("periode=vorigjaar"))
    to.choose(
        "leerling-periode", "Dit en vorig schooljaar", lambda: page.wait_for_url(lambda url: "periode" not in url)
    )
    to.click("where a number comes from", "#lane-tables [data-explained]", ".how dl")
    page.keyboard.press("Escape")
    page.wait_for_selector(".how", state="detached")
    to.click("parts of a test", "#lane-tables [data-parts]:visible", "#parts [data-part]")
    to.do("Back from a pupil", page.go_back, lambda: expect(page.locator("main h1")).to_have_text(first, timeout=WAIT))
    to.do("Back to the class", page.go_back, "#matrix")


def other_pages(to: Walk) -> None:
    """Everything else that a teacher has, by the menu."""
    page, menu = to.page, "header > nav a:has-text('{}')"
    to.click("to My pupils", menu.format("leerlingen"), "#mine-table")
    to.click("a question", "#question-topics a", "#mine-topics")
    to.click("a question", "#question-ready a", "#mine-ready")
    to.do("Back to a question", page.go_back, "#mine-topics")
    to.choose("mine-vak", "Spelling", to.address_has("vak=spelling"))
    to.click("to the hand-over", "a[href^='/leerlingen/overdracht']", "#handover-made")
    to.do("Back from the hand-over", page.go_back, "#mine-table")
    to.click("to Signals", menu.format("Signalen"), "#signals-content h1")
    to.choose("signals-toestand", "Afgehandeld", to.address_has("toestand=klaar"))
    to.click("all signals", menu.format("Signalen"), lambda: page.wait_for_url("**/signalen"))
    to.do("Back to settled signals", page.go_back, to.address_has("toestand=klaar"))
    to.click("to Materials", menu.format("Leermiddelen"), "#shelf")
    to.click("a material", "#shelf td a", to.address_has("jaar="))
    to.do(
        "Back to all materials",
        page.go_back,
        lambda: expect(page.locator("#materials-jaar")).to_have_value("Alle leerjaren", timeout=WAIT),
    )
    to.click("to the class page", menu.format("Groepen"), "#matrix")
    to.click("to the smartboard", "a[href^='/digibord']", ".board h1")
    to.click("back from the smartboard", ".leave a", "#matrix")


def test_no_click_of_a_teacher_holds_up_the_browser(browser: Browser, one_class: Served) -> None:
    def way(to: Walk) -> None:
        to.open("/leerling/1", "#lanes .main-svg")  # with the program of the charts
        to.click("from a pupil to the class", ".back", "#matrix")
        class_page(to)
        pupil_page(to)
        other_pages(to)

    walk(browser, one_class, way)


def test_no_click_of_an_administrator_holds_up_the_browser(browser: Browser, one_class: Served) -> None:
    def way(to: Walk) -> None:
        to.open("/groep", "main h1")
        to.become("Sam de Groot")
        to.open("/inzage", "#access-log")
        to.click("to Couplings", "header > nav a:has-text('Koppelingen')", "#sources")
        to.do("Back", to.page.go_back, "#access-log")
        to.do("Forward", to.page.go_forward, "#sources")

    walk(browser, one_class, way)


def test_no_click_on_the_largest_class_holds_up_the_browser(browser: Browser, tmp_path: Path) -> None:
    def way(to: Walk) -> None:
        to.open("/leerling/1", "#lanes .main-svg")
        to.click("from a pupil to the class", ".back", "#matrix")
        class_page(to)
        to.click("to a pupil", "#matrix tbody th a", "#lanes .main-svg")
        to.do("Back to the class", to.page.go_back, "#matrix")

    with school_of(tmp_path, [35], 12) as served:
        walk(browser, served, way)


def test_no_click_on_a_whole_school_holds_up_the_browser(browser: Browser, tmp_path: Path) -> None:
    sizes = [22] * 9

    def way(to: Walk) -> None:
        page, rows = to.page, to.page.locator("#mine-table tbody tr")
        to.open("/leerlingen", "main h1")
        to.become("Ilse Kramer")
        to.open("/leerlingen", "#mine-table")
        to.click(
            "all classes", "#mine-intro a:has-text('9')", lambda: expect(rows).to_have_count(sum(sizes), timeout=WAIT)
        )
        to.do("Back from all classes", page.go_back, lambda: expect(rows).not_to_have_count(sum(sizes), timeout=WAIT))
        to.do("Forward to all classes", page.go_forward, lambda: expect(rows).to_have_count(sum(sizes), timeout=WAIT))
        everyone = ",".join(str(place + 1) for place in range(len(sizes)))
        to.open(f"/groep?klas={everyone}", "#matrix")
        to.click("card", "#stand-on_norm a", "#stand-on_norm[aria-current]")
        to.do("Back", page.go_back, "#stand-attention[aria-current]")
        to.click("to Signals", "header > nav a:has-text('Signalen')", "#signals-content h1")

    with school_of(tmp_path, sizes, 7) as served:
        walk(browser, served, way)
