"""What a teacher comes to find out, answered by what stands on the page, with the clicks counted.

The school is known, so each answer can be checked; a task starts at the start page and may take three clicks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import expect
from sqlalchemy import insert

from models.schema import database
from models.schema.records import Kind
from models.schema.tables import results
from tests.browser.conftest import Served, Watched
from tests.dashboard import school

MAX_CLICKS = 3


@dataclass
class Task:
    """A task that begins at the start page; counts the clicks that it takes."""

    watched: Watched
    clicks: int = 0

    def click(self, selector: str, until: str) -> None:
        """One click, and wait for what it brings."""
        self.clicks += 1
        self.watched.page.locator(selector).first.click()
        self.watched.page.wait_for_selector(until)

    def read(self, selector: str) -> str:
        """What stands in a part of the page."""
        return self.watched.page.locator(selector).first.inner_text()


@pytest.fixture
def task(watched: Watched) -> Iterator[Task]:
    """A task at the start page."""
    watched.open("/")
    task = Task(watched)
    yield task
    assert task.clicks <= MAX_CLICKS


def test_who_needs_help_with_spelling_and_why(task: Task) -> None:
    row = task.watched.page.locator("#course-list li", has_text="Spelling").inner_text()
    assert "Lars Boon" in row
    assert "58 schooldagen niets gemaakt." in row
    assert "Regel: 10 schooldagen niets gemaakt" in row
    assert task.clicks == 0


def test_which_part_of_a_block_is_hard_for_many(task: Task) -> None:
    hardest = task.read("#topics [data-topic]")
    assert "Breuken vergelijken" in hardest
    assert "9 van 10" in hardest
    assert "Toets blok 3" in hardest
    assert task.clicks == 0


def test_which_pupils_that_are(task: Task) -> None:
    task.click("#topics [data-topic] a", "#matrix")
    task.watched.page.wait_for_url("**doel=Breuken+vergelijken")
    expect(task.watched.page.locator("#matrix td.be")).to_have_count(10)
    below = task.watched.page.locator("#matrix td.be").evaluate_all("all => all.map(one => Number(one.dataset.pupil))")
    assert sorted(below) == [1, 2, 3, 5, 6, 7, 8, 9, 10, 11]  # 11 in the block before, the others in block 3


@pytest.fixture
def served_with_september(served: Served) -> Served:
    """The known school, where pupil 3 also made the test of block 2 twice in September."""
    rows = [
        {
            "school_id": school.SCHOOL, "source_id": school.SUMS, "key": f"sep-{day}", "kind": int(Kind.SCORE),
            "identifier_id": 3, "test_id": 1, "definition_id": 1, "part_id": 0, "taken_on": day,
            "score": value * 10_000, "score_text": str(value), "school_year": school.YEAR,
            "created_us": school.us(day), "digest64": 1, "delivery_id": school.SUMS,
        }
        for day, value in (("2026-09-04", 48), ("2026-09-18", 55))
    ]  # fmt: skip
    with database.write_transaction(served.store.engine) as connection:
        connection.execute(insert(results), rows)
    return served


def test_whether_a_pupil_does_better_than_in_september(served_with_september: Served, task: Task) -> None:
    task.click("#matrix tbody th a:has-text('Cas Ruiter')", "#lanes .lane")
    lane = task.read("[data-series^='arithmetic|Cijferpad groep 6']")
    assert "stijgt" in lane
    assert "74" in lane
    sentence = task.watched.page.locator("[data-series^='arithmetic|Cijferpad groep 6'] [role=img]").get_attribute(
        "aria-label"
    )
    assert sentence is not None
    assert "4 scores: laatste 3: 55, 68, 74" in sentence


def test_which_source_is_late(task: Task) -> None:
    line = task.read("#coverage")
    assert "4 van 5 uitgevers leverden deze week." in line
    assert "Stiltewerk heeft sinds wo 18 nov om 6:30 niets geleverd." in line
    assert task.clicks == 0


def test_why_a_pupil_has_no_score_here(task: Task) -> None:
    cells = task.watched.page.locator("#matrix tr[data-pupil='12'] td").evaluate_all(
        "all => all.map(one => one.innerText)"
    )
    states = [cell.split("\n")[0].strip() for cell in cells]
    assert "nog geen resultaat" in states
    assert any(state in ("niet begonnen", "bezig", "niet klaargezet") for state in states)
    assert not any(cell.startswith("0") for cell in cells)
    assert task.clicks == 0


def test_whether_it_was_a_zero_or_nothing(task: Task) -> None:
    zero = task.watched.page.locator("#matrix tr[data-pupil='10'] td[data-column^='arithmetic|Cijferpad']")
    nothing = task.watched.page.locator("#matrix tr[data-pupil='12'] td[data-column^='arithmetic|Cijferpad']")
    assert (zero.get_attribute("data-value"), zero.locator("b").first.inner_text()) == ("0", "0")
    assert nothing.get_attribute("data-value") is None
    assert nothing.locator("b").count() == 0
    assert task.clicks == 0


def test_every_task_of_a_morning_goes_by_keyboard(watched: Watched) -> None:
    """Settle a signal and open a pupil without a mouse."""
    page = watched.page
    watched.open("/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    button = page.locator("#course-list form button").first
    for _ in range(60):
        page.keyboard.press("Tab")
        if button.evaluate("one => one === document.activeElement"):
            break
    assert button.evaluate("one => one === document.activeElement")
    page.keyboard.press("Enter")
    page.wait_for_selector("[role=status]:has-text('Afgehandeld.')")
    assert "Niemand vraagt nu aandacht." in page.inner_text("#course-panel")
    first = page.locator("#stand-on_norm a")
    for _ in range(40):
        page.keyboard.press("Tab")
        if first.evaluate("one => one === document.activeElement"):
            break
    page.keyboard.press("Enter")
    page.wait_for_url("**stand=norm")
    page.wait_for_selector("#course-list li.one a")


def test_after_a_filter_the_links_of_the_page_lead_where_they_say(watched: Watched) -> None:
    page = watched.page
    watched.open("/groep?klas=1")
    for leave, address in (("header nav a:has-text('Groepen')", "/groep"), ("[data-clear] a", "/groep?klas=1-1")):
        if page.locator("#bar.open").count() == 0:
            page.click("#bar .more")
        page.click("#vak")
        page.click("[role=option]:has-text('Spelling')")
        page.wait_for_url("**vak=spelling")
        expect(page.locator("#matrix thead [scope=colgroup]")).to_have_count(1)
        page.locator(leave).first.click()
        page.wait_for_url(f"{watched.address}{address}")
        expect(page.locator("#vak")).to_have_value("Alle vakken")
        expect(page.locator("#matrix thead [scope=colgroup]")).to_have_count(3)
