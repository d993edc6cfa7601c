"""A walk over pages that notes how long each step holds up the browser.

Processor time: where other programs take the processor away meanwhile, a task lasts longer without doing more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from playwright.sync_api import Page

WAIT = 30_000  # milliseconds for the server to answer on a busy machine
CLOCKS = ("timeTicks", "threadTicks")  # by which tasks are timed: on the wall, and of the processor
WATCH = """(() => {
  const tasks = [];
  const note = entries => tasks.push(...entries.map(one => Math.round(one.duration)));
  const observer = new PerformanceObserver(list => note(list.getEntries()));
  observer.observe({type: "longtask"});
  let waiting = 0;
  const ask = window.fetch;
  window.fetch = (...given) => { waiting += 1; return ask(...given).finally(() => { waiting -= 1; }); };
  window.atRest = () => waiting === 0;
  window.takeTasks = () => { note(observer.takeRecords()); return tasks.splice(0); };
})()"""
IDLE = "() => new Promise(done => requestIdleCallback(() => setTimeout(done, 30), {timeout: 2000}))"


@dataclass
class Walk:
    """A page on which things are clicked; `longest` holds the longest task of each, in milliseconds."""

    page: Page
    address: str
    longest: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._clocks = [self.page.context.new_cdp_session(self.page) for _clock in CLOCKS]
        for clock_, domain in zip(self._clocks, CLOCKS, strict=True):
            clock_.send("Performance.enable", {"timeDomain": domain})

    def open(self, path: str, until: str) -> None:
        """Load a page anew; how long that takes is not counted."""
        self.page.goto(self.address + path)
        self.page.wait_for_selector(until)
        self._rest()

    def become(self, name: str) -> None:
        """Look as another persona."""
        self.page.click("#who > summary")
        self.page.click(f"#who button:has-text('{name}')")
        self.page.wait_for_selector(f"#who > summary:has-text('{name}')")

    def do(self, name: str, act: Callable[[], object], until: str | Callable[[], object]) -> None:
        """Do something, wait for what it brings, and note the longest task meanwhile."""
        before = self._task_times()
        act()
        if isinstance(until, str):
            self.page.wait_for_selector(until)
        else:
            until()
        tasks = self._rest()
        wall, processor = (after - then for after, then in zip(self._task_times(), before, strict=True))
        longest = max(tasks, default=0) * min(processor / wall, 1)
        self.longest[name] = max(self.longest.get(name, 0), round(longest))

    def click(self, name: str, selector: str, until: str | Callable[[], object]) -> None:
        """The same for a click on the first of these."""
        self.do(name, self.page.locator(selector).first.click, until)

    def choose(self, control: str, option: str, until: str | Callable[[], object]) -> None:
        """The same for a choice in a list."""

        def act() -> None:
            self.page.click(f"#{control}")
            self.page.get_by_role("option", name=option, exact=True).click()

        self.do(f"{control}: {option}", act, until)

    def address_has(self, text: str) -> Callable[[], object]:
        """Wait until the address holds a text."""
        return lambda: self.page.wait_for_url(lambda url: text in url)

    def _task_times(self) -> list[float]:
        """How long all tasks of the page took so far, in seconds of each clock."""
        answers = [clock_.send("Performance.getMetrics")["metrics"] for clock_ in self._clocks]
        return [next(one["value"] for one in several if one["name"] == "TaskDuration") for several in answers]

    def _rest(self) -> list[int]:
        for _time in range(2):
            self.page.evaluate(IDLE)
            self.page.wait_for_function("() => window.atRest()")
        self.page.evaluate(IDLE)
        found: list[int] = self.page.evaluate("window.takeTasks()")
        return found
