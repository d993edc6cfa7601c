"""What a change of the class screen costs: one request, and nothing on the page jumps."""

from __future__ import annotations

import pytest
from playwright.sync_api import Request, expect

from tests.browser.conftest import Watched

pytestmark = pytest.mark.timing

CALLBACK = "/_dash-update-component"
MAX_SHIFT = 0.1
_WATCH_SHIFTS = """() => {
  window.shifted = 0;
  new PerformanceObserver(list => {
    for (const one of list.getEntries()) { if (!one.hadRecentInput) { window.shifted += one.value; } }
  }).observe({type: "layout-shift", buffered: true});
}"""


def test_a_change_of_class_is_one_request(watched: Watched) -> None:
    page = watched.page
    watched.open("/")
    watched.become("Iris Smit")
    watched.open("/groep?klas=1")
    expect(page.locator("#matrix tr[data-pupil='1']")).to_have_count(1)
    addresses: list[str] = []

    def note(request: Request) -> None:
        if request.method == "POST":
            addresses.append(request.url)

    page.on("request", note)
    page.locator(".f.k .field").first.click()
    page.locator("[role=option]:has-text('Groep 6b')").first.click()
    expect(page.locator("#matrix tr[data-pupil='101']")).to_have_count(1)
    page.wait_for_load_state("networkidle")
    assert [item.removeprefix(watched.address).partition("?")[0] for item in addresses] == [CALLBACK]


def test_nothing_jumps_while_a_page_loads(watched: Watched) -> None:
    page = watched.page
    for path in ("/groep", "/leerling/1", "/signalen"):
        watched.open(path)
        page.evaluate(_WATCH_SHIFTS)
        page.wait_for_load_state("networkidle")
        assert page.evaluate("window.shifted") <= MAX_SHIFT, path
