"""What one screen says of a pupil, all others and the files say too: read from the demo with a real browser.

Without RONDBLIK_ALL_PUPILS a few classes of both schools are compared, with it all pupils.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import lxml.html
import pytest
from playwright.sync_api import Browser, Page

from tests.dashboard.test_demo import FIRST_DAY, Demo, ask, demo
from tests.dashboard.test_exports import Table, read_csv, read_xlsx

ALL = bool(os.environ.get("RONDBLIK_ALL_PUPILS"))
GROWTH_WORDS = ("stijgt", "daalt", "blijft gelijk", "wisselt")
WITHOUT_NORM = ("geen norm", "som van onderdelen")
MONTHS = ("jan", "feb", "mrt", "apr", "mei", "jun", "jul", "aug", "sep", "okt", "nov", "dec")
WHO = {"intern-begeleider": ("6/7",), "mentor-4h1": ("4h1",)}  # by user: the classes that are compared without ALL
EVERY = 1 if ALL else 3  # of so many pupils one has the pages opened

CLASS_ROWS = """() => [...document.querySelectorAll('#matrix tbody[data-group]')].flatMap(group =>
  [...group.querySelectorAll('tr[data-pupil]')].map(row => ({
    id: row.dataset.pupil, group: group.dataset.group,
    name: row.querySelector('th a').innerText.trim(), counts: row.querySelector('th small')?.innerText.trim() ?? '',
    href: row.querySelector('th a').getAttribute('href'),
    cells: [...row.querySelectorAll('td')].map(cell => ({
      column: cell.dataset.column, value: cell.dataset.value ?? null, day: cell.dataset.date ?? null,
      maximum: cell.querySelector('b u')?.innerText.replace(/[^0-9,.]/g, '') ?? null,
      words: (cell.querySelector('q') ?? cell.querySelector('.st') ?? cell.querySelector('b') ?? cell).innerText
        .trim().split('\\n')[0], others: cell.querySelector('.oth')?.innerText ?? null,
      test: cell.dataset.test ?? null}))})))"""
CLASS_COLUMNS = """() => Object.fromEntries([...document.querySelectorAll('#matrix th[data-of]')].map(head =>
  [head.dataset.of, head.dataset.called]))"""
MY_ROWS = """() => [...document.querySelectorAll('tr[data-pupil]')].map(row => ({
  id: row.dataset.pupil, group: row.querySelector('small[data-group]').dataset.group,
  counts: row.querySelector('small[data-group]').textContent.trim(),
  signals: Number(row.querySelector('td[data-signals]').dataset.signals),
  cells: [...row.querySelectorAll('td[data-subject]')].map(cell => ({
    subject: cell.dataset.subject, material: cell.dataset.material ?? null, value: cell.dataset.value ?? null,
    day: cell.dataset.date ?? null, words: cell.querySelector('.st')?.textContent.trim() ?? null,
    growth: cell.querySelector('small')?.textContent.trim() ?? ''}))}))"""
PUPIL = """() => ({
  placement: document.querySelector('#placement').dataset.group,
  counts: document.querySelector('#placement').innerText,
  signals: document.querySelectorAll('#pupil-signals [data-rule][data-state=open]').length,
  series: [...document.querySelectorAll('section.lane[data-series]')].map(lane => ({
    column: lane.dataset.series, value: lane.querySelector('.big b')?.innerText ?? null,
    day: lane.querySelector('.big small')?.innerText ?? null,
    facts: Object.fromEntries([...lane.querySelectorAll('dl dt')].map(name =>
      [name.innerText, [name.nextElementSibling.querySelector('.st')?.innerText.trim() ?? '',
                        name.nextElementSibling.querySelector('small')?.innerText.trim() ?? '']]))}))})"""
TALK = """() => Object.fromEntries([...document.querySelectorAll('#talk-sheet section[data-block]')].map(part =>
  [part.dataset.block, [...part.querySelectorAll('label')].map(label => label.innerText)]))"""
BOARD = """() => [...document.querySelectorAll('section[data-test]')].map(part =>
  ({test: part.dataset.test, done: Number(part.dataset.done), all: Number(part.dataset.all)}))"""

PROGRESS = """() => [...document.querySelectorAll('#progress [data-progress]')].map(bar =>
  [bar.dataset.progress, ...bar.querySelector('b').innerText.match(/\\d+/g).map(Number)])"""


@dataclass
class Visit:
    """Somebody who looks at the demo, and the differences that were seen."""

    page: Page
    address: str
    differences: list[str] = field(default_factory=list)
    compared: int = 0

    def open(self, path: str, ready: str = "main h1") -> None:
        self.page.goto(self.address + path)
        self.page.wait_for_selector(ready, state="attached")

    def same(self, where: str, expected: object, shown: object) -> None:
        self.compared += 1
        if expected != shown:
            self.differences.append(f"{where}: {expected!r}, and here {shown!r}")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the demo."""
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def running(data: Path) -> Iterator[Demo]:
    """The demo, as people start it."""
    with demo(data, FIRST_DAY) as started:
        yield started


@pytest.fixture(scope="module")
def window(browser: Browser, running: Demo) -> Iterator[Page]:
    """A page of a browser that began with the printed address."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.goto(running.address + running.start)
    page.wait_for_selector("main h1")
    yield page
    context.close()


def number(text: object) -> object:
    """A number as it is, whatever its sign for decimals; anything else as a text, and nothing as None."""
    if text is None or text == "":
        return None
    plain = str(text).replace(",", ".")
    return Decimal(plain) if re.fullmatch(r"-?\d+(\.\d+)?", plain) else str(text)


def in_words(day: str | None) -> str | None:
    """2026-11-06 as 6 nov."""
    return None if day is None else f"{int(day[8:])} {MONTHS[int(day[5:7]) - 1]}"


@pytest.mark.parametrize("user", WHO)
def test_all_screens_and_files_say_the_same_of_each_pupil(window: Page, running: Demo, data: Path, user: str) -> None:
    visit = Visit(window, running.address)
    visit.open("/groep")
    become(window, user)
    for class_id, name in ask(data, "SELECT school_id || '-' || id, name FROM classes ORDER BY school_id, id"):
        if str(class_id).startswith("1-" if user == "intern-begeleider" else "2-") and (ALL or name in WHO[user]):
            compare_class(visit, str(class_id), str(name))
    assert not visit.differences, f"{len(visit.differences)} of {visit.compared}: " + "\n".join(visit.differences[:40])
    assert visit.compared > 500


def become(page: Page, user: str) -> None:
    page.click("#who > summary")
    with page.expect_navigation():
        page.click(f"#who button[value='{user}']")
    page.wait_for_selector("main h1")


def compare_class(visit: Visit, class_id: str, name: str) -> None:
    """A class page, its files, Mijn leerlingen, the board, and the pages and talk sheets of its pupils."""
    visit.open(f"/groep?klas={class_id}")
    rows, columns = visit.page.evaluate(CLASS_ROWS), visit.page.evaluate(CLASS_COLUMNS)
    progress = {test: (done, all_) for test, done, all_ in visit.page.evaluate(PROGRESS)}
    assert rows, name
    compare_files(visit, name, rows, columns)
    visit.open(f"/leerlingen?klas={class_id}", "tr[data-pupil]")
    mine = {row["id"]: row for row in visit.page.evaluate(MY_ROWS)}
    visit.same(f"pupils of {name}", sorted(row["id"] for row in rows), sorted(mine))
    for row in rows[::EVERY]:
        compare_pupil(visit, row, mine[row["id"]], columns)
    visit.open(f"/digibord?klas={class_id}")
    for shown in visit.page.evaluate(BOARD):
        newest = sum(cell["test"] == shown["test"] for row in rows for cell in row["cells"])
        visit.same(f"board {name}, test {shown['test']}", True, newest <= shown["done"] <= shown["all"])
        if shown["test"] in progress:
            visit.same(f"board {name}, test {shown['test']}", progress[shown["test"]], (shown["done"], shown["all"]))


def compare_files(visit: Visit, name: str, rows: list[Any], columns: dict[str, str]) -> None:
    """The three files that the class page offers."""
    links = visit.page.locator("#save-as a").evaluate_all("all => all.map(link => link.getAttribute('href'))")
    for link in links:
        answer = visit.page.context.request.get(visit.address + link)
        assert answer.ok
        ending = link.partition("?")[0].rpartition(".")[2]
        found = {"csv": of_csv, "xlsx": of_xlsx, "html": of_html}[ending](answer.body())
        visit.same(f"pupils in {name}.{ending}", sorted(row["name"] for row in rows), sorted(found))
        for row in rows:
            for cell in row["cells"]:
                column = columns[cell["column"]]
                score, maximum, words, day = found[row["name"]][column]
                in_file = (score, maximum, str(words).partition(" (")[0], day)
                shown = (number(cell["value"]), number(cell["maximum"]), cell["words"], cell["day"])
                visit.same(f"{name}.{ending}: {row['name']}, {column}", shown, in_file)


def of_csv(data: bytes) -> dict[str, dict[str, tuple[object, ...]]]:
    return of_table(read_csv(data))


def of_xlsx(data: bytes) -> dict[str, dict[str, tuple[object, ...]]]:
    return of_table(read_xlsx(data))


def of_table(table: Table) -> dict[str, dict[str, tuple[object, ...]]]:
    """Score, maximum, words and day by pupil and column."""
    columns = [head.removesuffix(" · score") for head in table.heads if head.endswith(" · score")]
    found = {}
    for line in table.rows:
        values = dict(zip(table.heads, line, strict=True))
        found[str(values["Leerling"])] = {
            column: (
                number(values[f"{column} · score"]), number(values[f"{column} · van"]),
                values[f"{column} · niveau of reden"], values[f"{column} · toetsdatum"],
            )
            for column in columns
        }  # fmt: skip
    return found


def of_html(data: bytes) -> dict[str, dict[str, tuple[object, ...]]]:
    page = lxml.html.document_fromstring(data)
    [table] = [item for item in page.iter("table") if item.find(".//tbody/tr[@class='group']") is not None]
    columns = [str(head.text_content()) for head in table.findall("./thead/tr/th")][1:]
    return {
        str(row.find("th").text).strip(): dict(zip(columns, map(of_html_cell, row.findall("td")), strict=True))
        for row in table.iterfind(".//tbody/tr")
        if row.get("class") != "group"
    }


def of_html_cell(cell: Any) -> tuple[object, ...]:
    """Score, maximum, words and day of a cell: a line each, those that there are."""
    score, _of, maximum = (cell.findtext("b") or "").partition(" van ")
    lines = [str(line.text_content()) for line in cell.findall("small")]
    days = [found for line in lines if (found := re.fullmatch(r"[a-z]{2} (\d{1,2}) ([a-z]{3}) (\d{4})", line))]
    day = f"{days[0][3]}-{MONTHS.index(days[0][2]) + 1:02}-{int(days[0][1]):02}" if days else None
    return number(score), number(maximum), lines[0] if lines else None, day


def compare_pupil(visit: Visit, row: Any, mine: Any, columns: dict[str, str]) -> None:
    """The page and the talk sheet of a pupil, and the row in Mijn leerlingen."""
    visit.open(row["href"], "#placement")
    pupil = visit.page.evaluate(PUPIL)
    visit.open(row["href"].replace("/leerling/", "/gesprek/"), "#talk-sheet")
    talk = visit.page.evaluate(TALK)
    name = row["name"]
    for where, group in (("Mijn leerlingen", mine["group"]), ("pupil page", pupil["placement"])):
        visit.same(f"group of {name}, {where}", row["group"], group)
    for where, words in (
        ("Mijn leerlingen", mine["counts"]), ("pupil page", pupil["counts"]), ("talk sheet", talk["stands"][0])
    ):  # fmt: skip
        visit.same(f"counts of {name}, {where}: {words}", True, row["counts"] in words)
    visit.same(f"signals of {name}", mine["signals"], pupil["signals"])
    visit.same(f"attention of {name}", row["group"] == "attention", mine["signals"] > 0)
    series = {item["column"]: item for item in pupil["series"]}
    for cell in row["cells"]:
        compare_series(visit, f"{name}, {columns[cell['column']]}", cell, series.get(cell["column"]))
    for of_subject in mine["cells"]:
        compare_subject(visit, name, of_subject, row["cells"], series)
    of_column = {columns[cell["column"]]: cell for cell in row["cells"]}
    growth = {columns[key]: item["facts"].get("Groei") for key, item in series.items() if key in columns}
    for line in talk["well"] + talk["watch"]:
        compare_statement(visit, f"{name}, talk sheet", line, of_column, growth)
    for line in talk["growth"]:
        compare_growth(visit, f"{name}, talk sheet", line, of_column, growth)


def compare_series(visit: Visit, where: str, cell: Any, series: Any) -> None:
    """A cell of the class page, which is about this school year, and the series of it on the pupil page."""
    if cell["value"] is None:
        return  # the pupil page goes back further
    if series is None:
        visit.same(f"{where}: a series", True, False)
        return
    value, _of, maximum = series["value"].partition(" van ")
    visit.same(f"{where}: newest score", (number(cell["value"]), in_words(cell["day"])), (number(value), series["day"]))
    if cell["maximum"] is not None and maximum:
        visit.same(f"{where}: maximum", number(cell["maximum"]), number(maximum))
    level = series["facts"]["Niveau"][0]
    without = cell["words"] in WITHOUT_NORM
    visit.same(f"{where}: level", "uitgever stuurt geen norm" if without else cell["words"], level)


def compare_subject(visit: Visit, name: str, of_subject: Any, cells: list[Any], series: dict[str, Any]) -> None:
    """A cell of Mijn leerlingen, of one material, and that of the class page."""
    where = f"{name}, Mijn leerlingen, {of_subject['subject']} {of_subject['material']}"
    begins = f"{of_subject['subject']}|{of_subject['material'] or ''}"
    with_score = [cell for cell in cells if cell["column"].startswith(begins) and cell["value"] is not None]
    if of_subject["value"] is None:
        visit.same(where, [], with_score)
        return
    newest = max(with_score, key=lambda cell: str(cell["day"]), default=None)
    if newest is None:
        visit.same(f"{where}: a score in the class", True, False)
        return
    for part in ("value", "day", "words"):
        visit.same(f"{where}: {part}", newest[part], of_subject[part])
    word, numbers = series[newest["column"]]["facts"]["Groei"]
    mine_word, _colon, mine_numbers = of_subject["growth"].partition(": ")
    if word in GROWTH_WORDS or mine_word in GROWTH_WORDS:
        visit.same(f"{where}: growth", (word, numbers.partition(": ")[2] or numbers), (mine_word, mine_numbers))


def compare_statement(visit: Visit, where: str, line: str, cells: dict[str, Any], growth: dict[str, Any]) -> None:
    """What the talk sheet says of a score: Lezen (Leeslijn): 13 van 20, voldoende, daalt: 18, 16, 13."""
    match = re.fullmatch(r"(.+) \((.+)\): (?:vaardigheidsscore )?([\d,]+)(?: van [\d,]+)?, (.+)\.", line)
    if match is None:
        return
    column = f"{match[1]} · {match[2]}"
    visit.same(f"{where}: {line}", number(cells[column]["value"]), number(match[3]))
    about, word, numbers = re.fullmatch(r"(.*?)(?:(?:, |^)(stijgt|daalt|blijft gelijk): (.+))?", match[4]).groups()  # type: ignore[union-attr]
    level = "" if cells[column]["words"] in WITHOUT_NORM else cells[column]["words"]
    visit.same(f"{where}: {line}", level, about.partition(" (")[0])
    if word is not None:
        of_page = growth[column]
        visit.same(f"{where}: {line}", (of_page[0], of_page[1].rpartition(": ")[2]), (word, numbers))


def compare_growth(visit: Visit, where: str, line: str, of_column: dict[str, Any], growth: dict[str, Any]) -> None:
    """What the talk sheet says of growth: Spelling (Spelsprong): 70 op 27 okt, 75 op 13 nov, 60 op 24 nov; wisselt."""
    match = re.match(r"(.+) \((.+?)\): ", line)
    assert match is not None, line
    column = f"{match[1]} · {match[2]}"
    scores = re.findall(r"([\d,]+)(?: van [\d,]+)? op (\d+ [a-z]{3})", line)
    cell = of_column[column]
    if cell["value"] is not None and scores:
        expected = (number(cell["value"]), in_words(cell["day"]))
        visit.same(f"{where}: {line}", expected, (number(scores[-1][0]), scores[-1][1]))
    word = line.rpartition("; ")[2].removesuffix(".") if "; " in line else ""
    if word in GROWTH_WORDS:
        visit.same(f"{where}: {line}", growth[column][0], word)
