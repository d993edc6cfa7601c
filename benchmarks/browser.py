"""`make bench`: what the first load of a page costs a browser, beside an empty Dash app, and its longest tasks.

The generated school of `benchmarks.pages`, served by the real server in a process of its own; Chromium opens each page
with an empty cache. JavaScript is what the browser runs, in kB before compression, and what came over the wire; the
time is until the first number is there; blocking is what tasks of the main thread take above 50 ms each. Medians of
several rounds, in which all pages take turns. Of the clicks it is the longest task, in milliseconds of the processor.
The last line is flat JSON.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, StorageState, sync_playwright

from connectors.transport.http_server import BodyLimits, make_server
from dashboard.auth.request import AppOptions
from dashboard.auth.sessions import DemoUser
from dashboard.auth.start_codes import start_path
from dashboard.server.serving import bind
from dashboard.server.wsgi import create_app
from models.access.viewer import Role
from models.schema import clock, database
from models.schema.store_key import open_encrypted
from tests.browser.conftest import CHROMIUM, QUIET
from tests.browser.walking import WATCH, Walk
from tests.dashboard import large_school

COLUMNS = 12
EMPTY = "empty"
SIZES = [*[30] * 7, 195, 195]
IDLE_MS = 300
WAIT_MS = 60_000
WINDOW = {"width": 1440, "height": 900}


@dataclass(frozen=True)
class Screen:
    """A page, and the selector of the first number on it."""

    path: str
    number: str


@dataclass(frozen=True)
class Load:
    """What one load of a page cost; kB of JavaScript and milliseconds."""

    script_kb: float
    wire_kb: float
    elements: float
    first_number_ms: float
    blocking_ms: float
    longest_task_ms: float


EMPTY_SCREEN = Screen("/", "#number")
SCREENS = {
    "class": Screen("/groep?klas=1", "#matrix td .num"),
    "pupil": Screen("/leerling/1", "#lanes .big b, #lane-tables .num"),
    "my_pupils_90": Screen("/leerlingen?klas=1,2,3", "#mine-table td"),
    "my_pupils_210": Screen("/leerlingen?klas=1,2,3,4,5,6,7", "#mine-table td"),
    "my_pupils_600": Screen("/leerlingen?klas=1,2,3,4,5,6,7,8,9", "#mine-table td"),
    "signals": Screen("/signalen?klas=1,2,3", "#signals-content article, #signals-content li"),
}

# Notes long tasks, and when the first element of a selector is there: before the browser draws the frame with it.
WATCH_LOAD = """(selector => {
  window.watched = {number: null, tasks: []};
  new PerformanceObserver(list => {
    watched.tasks.push(...list.getEntries().map(one => one.duration));
  }).observe({type: "longtask", buffered: true});
  const look = () => {
    if (document.querySelector(selector)) { watched.number = performance.now(); }
    else { requestAnimationFrame(look); }
  };
  requestAnimationFrame(look);
})"""
SCRIPTS = """() => {
  const scripts = performance.getEntriesByType("resource").filter(one => new URL(one.name).pathname.endsWith(".js"));
  const sum = name => scripts.reduce((total, one) => total + one[name], 0);
  return {run: sum("decodedBodySize"), wire: sum("encodedBodySize")};
}"""
ELEMENTS = "document.getElementsByTagName('*').length"


def _serve(folder: Path, sizes: Sequence[int], parent: Connection) -> None:
    """The process of the server: says at which address a session begins, and serves until it is ended."""
    engine = database.open_engine(database.sqlite_url(folder))
    cipher = open_encrypted(engine, folder)
    with clock.fixed(large_school.NOW):
        large_school.build(engine, cipher, sizes, COLUMNS)
        user = DemoUser("els", "Els Prins", Role.SUPPORT, large_school.TEACHER, large_school.SCHOOL)
        app = create_app(engine, cipher, AppOptions(demo=True, users=(user,)))
        listener = bind("127.0.0.1", 0)
        server = make_server(app, listener, BodyLimits(lambda _environ: False))
        parent.send(f"http://127.0.0.1:{listener.getsockname()[1]}{start_path(app)}")
        server.run()


@contextmanager
def served_school(folder: Path, sizes: Sequence[int]) -> Iterator[str]:
    """The address at which a session in a school with classes of these sizes begins."""
    spawn = multiprocessing.get_context("spawn")
    here, there = spawn.Pipe()
    process = spawn.Process(target=_serve, args=(folder, sizes, there), daemon=True)
    process.start()
    try:
        yield here.recv()
    finally:
        process.terminate()
        process.join()


@contextmanager
def served_empty_app() -> Iterator[str]:
    """The address of an app of Dash that shows one number."""
    command = [sys.executable, "-m", "benchmarks.empty_app"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def cookies_of(browser: Browser, begin: str) -> StorageState:
    """The cookies after the address at which a session begins, which works once."""
    context = browser.new_context()
    assert context.request.get(begin).ok
    cookies = context.storage_state()
    context.close()
    return cookies


def origin(address: str) -> str:
    """An address without its path."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def load(
    browser: Browser, address: str, screen: Screen, cookies: StorageState | None = None, *, to_the_last_row: bool
) -> Load:
    """Open a page in a browser that never saw it; where asked for, until it has the last row of its tables too."""
    context = browser.new_context(viewport=WINDOW, storage_state=cookies)
    page = context.new_page()
    page.add_init_script(f"({WATCH_LOAD})({json.dumps(screen.number)})")
    page.goto(origin(address) + screen.path)
    found = _measured(page, to_the_last_row)
    context.close()
    return found


def _measured(page: Page, to_the_last_row: bool) -> Load:
    page.wait_for_function("() => watched.number !== null", timeout=WAIT_MS)
    page.wait_for_load_state("networkidle")
    before, elements = -1, page.evaluate(ELEMENTS)
    while to_the_last_row and elements != before:  # the rows of a long table come in several tasks
        page.wait_for_timeout(IDLE_MS)
        before, elements = elements, page.evaluate(ELEMENTS)
    scripts, watched = page.evaluate(SCRIPTS), page.evaluate("watched")
    tasks = watched["tasks"]
    return Load(
        scripts["run"] / 1e3, scripts["wire"] / 1e3, elements, watched["number"],
        sum(max(0.0, task - 50) for task in tasks), max(tasks, default=0.0),
    )  # fmt: skip


def clicks(browser: Browser, address: str, cookies: StorageState) -> dict[str, float]:
    """The longest task of the clicks that a teacher makes most."""
    context = browser.new_context(viewport=WINDOW, storage_state=cookies)
    context.add_init_script(WATCH)
    walk = Walk(context.new_page(), origin(address))
    page = walk.page
    walk.open("/groep?klas=1", "#matrix")
    walk.do("filter", lambda: _choose(page, "#vak", "Spelling"), walk.address_has("vak=spelling"))
    walk.open("/groep?klas=1", "#matrix")
    walk.do("other_class", lambda: _choose(page, ".f.k .field", "7a"), walk.address_has("klas=1-1,1-2"))
    walk.open("/groep?klas=1", "#matrix")
    walk.click("cell", "#matrix td .num", "#why-told h3")
    page.keyboard.press("Escape")
    walk.click("pupil", "#matrix tbody th a", "#lanes .main-svg")
    walk.do("back_to_class", page.go_back, "#matrix")
    context.close()
    return {name: float(task) for name, task in walk.longest.items()}


def _choose(page: Page, field: str, option: str) -> None:
    page.locator(field).first.click()
    page.locator(f"[role=option]:has-text('{option}')").first.click()


def measure(
    browser: Browser, folder: Path, sizes: Sequence[int], rounds: int, screens: Mapping[str, Screen], whole: bool
) -> dict[str, float]:
    """The figures of each page, as medians and as ratios to the empty app; of `whole` pages, and of clicks on them."""
    with served_empty_app() as empty, served_school(folder, sizes) as school:
        cookies = cookies_of(browser, school)
        loads: dict[str, list[Load]] = {EMPTY: [], **{name: [] for name in screens}}
        for screen in screens.values():
            load(browser, school, screen, cookies, to_the_last_row=whole)  # the server has read the data, as mostly
        for _round in range(rounds):
            loads[EMPTY].append(load(browser, empty, EMPTY_SCREEN, to_the_last_row=whole))
            for name, screen in screens.items():
                loads[name].append(load(browser, school, screen, cookies, to_the_last_row=whole))
        longest = clicks(browser, school, cookies) if whole else {}
    for name, task in longest.items():
        print(f"click: {name:14} longest task {task:5.0f} ms")
    return _figures(loads) | {f"click_{name}_ms": task for name, task in longest.items()}


def _figures(loads: Mapping[str, Sequence[Load]]) -> dict[str, float]:
    medians = {name: _median(of_page) for name, of_page in loads.items()}
    empty = medians[EMPTY]
    figures: dict[str, float] = {}
    print(f"{'':14} {'JavaScript':>14} {'wire':>7} {'elements':>9} {'first number':>14} {'blocking':>9} {'longest':>8}")
    for name, median in medians.items():
        script, number = median["script_kb"] / empty["script_kb"], median["first_number_ms"] / empty["first_number_ms"]
        print(
            f"{name:14} {median['script_kb']:5.0f} kB {script:4.2f} x {median['wire_kb']:4.0f} kB "
            f"{median['elements']:9.0f} {median['first_number_ms']:6.0f} ms {number:3.1f} x "
            f"{median['blocking_ms']:6.0f} ms {median['longest_task_ms']:5.0f} ms"
        )
        figures |= {f"{name}_{figure}": value for figure, value in median.items()}
        figures |= {f"{name}_script_ratio": script, f"{name}_first_number_ratio": number}
    return figures


def _median(loads: Sequence[Load]) -> dict[str, float]:
    rows = [asdict(one) for one in loads]
    return {figure: statistics.median(row[figure] for row in rows) for figure in rows[0]}


def main() -> None:
    """Print every figure; the last line is flat JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--short", action="store_true", help="two pages, fewer rounds and no clicks, as the tests run it"
    )
    short = parser.parse_args().short
    screens = {name: SCREENS[name] for name in ("class", "pupil")} if short else SCREENS
    with tempfile.TemporaryDirectory(prefix="rondblik-bench-") as name, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        figures = measure(browser, Path(name), SIZES[:1] if short else SIZES, 2 if short else 5, screens, not short)
        browser.close()
    print(json.dumps({name: round(value, 3) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
