"""What stands on the first screen of a phone."""

from __future__ import annotations

from tests.browser.conftest import Watched

WIDTH, HEIGHT = 390, 844


def test_the_first_screen_of_a_class_holds_pupils(watched: Watched) -> None:
    watched.page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
    watched.open("/groep?klas=1-1")
    name = watched.page.locator("#course-list a").first
    box = name.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] <= HEIGHT
    cards = [item.bounding_box() for item in watched.page.locator(".groups a").all()]
    assert len(cards) == 5
    assert all(card is not None and card["height"] >= 44 for card in cards)


def test_signals_come_before_the_series_of_a_pupil(watched: Watched) -> None:
    watched.page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
    watched.open("/leerling/1-12")
    signals, series = (watched.page.locator(item).bounding_box() for item in ("#pupil-signals", ".lanes"))
    assert signals is not None
    assert series is not None
    assert signals["y"] < series["y"]
    watched.page.set_viewport_size({"width": 1440, "height": HEIGHT})
    signals, series = (watched.page.locator(item).bounding_box() for item in ("#pupil-signals", ".lanes"))
    assert signals is not None
    assert series is not None
    assert (signals["x"] > series["x"], abs(signals["y"] - series["y"]) < 2) == (True, True)
