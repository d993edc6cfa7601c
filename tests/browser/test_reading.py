"""From class to pupil to part in a real browser; every number on the page is recomputed from SQL written here."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from playwright.sync_api import Page
from sqlalchemy import text

from models.schema import database
from tests.browser.conftest import Served, Watched
from tests.dashboard import school

SUMS, LEVELS, SPELLING, QUESTIONS = (
    subject_material.key
    for subject_material in (school.SUMS_FIELD, school.LEVELS_FIELD, school.SPELL_FIELD, school.QUESTIONS_FIELD)
)
COLUMN_OF_SOURCE = {1: SUMS, 2: SPELLING, 3: LEVELS, 4: QUESTIONS}

NEWEST_TOTALS = """
SELECT i.pupil_id, r.source_id, r.score_text, r.score, r.absence, r.taken_on
FROM results r
JOIN identifiers i ON i.school_id = r.school_id AND i.id = r.identifier_id
JOIN memberships m ON m.school_id = i.school_id AND m.pupil_id = i.pupil_id AND m.group_id = 1 AND m.to_us IS NULL
WHERE r.part_id = 0 AND r.kind IN (1, 2) AND r.taken_on >= '2026-08-01'
ORDER BY r.taken_on, r.created_us, r.digest64
"""

# One answer a question, the newest; X and what is above the maximum stay out.
DERIVED = """
SELECT pupil_id, sum(score), count(score) FROM (
    SELECT i.pupil_id, r.part_id, r.score, r.absence,
           row_number() OVER (PARTITION BY i.pupil_id, r.part_id ORDER BY r.created_us DESC, r.digest64 DESC) AS place
    FROM results r JOIN identifiers i ON i.school_id = r.school_id AND i.id = r.identifier_id
    JOIN parts p ON p.school_id = r.school_id AND p.id = r.part_id
    WHERE r.source_id = 4 AND (r.score IS NULL OR r.score <= CASE p.code WHEN 'V4' THEN 40000 ELSE 20000 END)
) AS answers WHERE place = 1 GROUP BY pupil_id
"""


def query(served: Served, sql: str) -> list[Any]:
    """The rows of a query of the test's own."""
    with database.read_transaction(served.store.engine) as connection:
        return list(connection.execute(text(sql)))


def shown_cells(page: Page) -> dict[tuple[int, str], dict[str, str | None]]:
    """What stands in the matrix, by pupil and column."""
    read = """cells => cells.map(cell => ({pupil: cell.dataset.pupil, column: cell.dataset.column,
        value: cell.dataset.value ?? null, state: cell.dataset.state ?? null,
        bold: cell.querySelector('b')?.firstChild?.textContent.trim() ?? null, text: cell.innerText}))"""
    cells = page.locator("#matrix tbody td[data-pupil]").evaluate_all(read)
    return {(int(cell["pupil"]), cell["column"]): cell for cell in cells}


def expected_cells(served: Served) -> dict[tuple[int, str], tuple[str | None, str]]:
    """Text of the newest total, and its date, of each pupil and column that has one."""
    expected: dict[tuple[int, str], tuple[str | None, str]] = {}
    for row in query(served, NEWEST_TOTALS):
        expected[row.pupil_id, COLUMN_OF_SOURCE[row.source_id]] = (row.score_text, row.taken_on)
    return expected


def dutch(number: Decimal) -> str:
    """A number as a Dutch page shows it."""
    plain = format(number, "f")
    return (plain.rstrip("0").rstrip(".") if "." in plain else plain).replace(".", ",")


def test_the_matrix_shows_the_newest_total_of_every_pupil_zeros_and_missing_included(
    served: Served, watched: Watched
) -> None:
    watched.open("/")
    shown, expected = shown_cells(watched.page), expected_cells(served)
    for (pupil, column), (score, _day) in expected.items():
        assert shown[pupil, column]["value"] == score
        if score is not None:
            assert shown[pupil, column]["bold"] == dutch(Decimal(score))
        else:
            assert "afgerond zonder score" in str(shown[pupil, column]["text"])
    derived = {row[0]: (Decimal(row[1]) / 10_000, row[2]) for row in query(served, DERIVED) if row[2]}
    for pupil, (total, _parts) in derived.items():
        assert shown[pupil, QUESTIONS]["bold"] == dutch(total)
        assert "som van onderdelen" in str(shown[pupil, QUESTIONS]["text"])
    with_value = {key for key, item in shown.items() if item["value"] is not None}
    with_score = {key for key, (score, _day) in expected.items() if score is not None}
    assert with_value == with_score | {(pupil, QUESTIONS) for pupil in derived}
    assert [shown[10, SUMS]["bold"], shown[4, SPELLING]["bold"], shown[5, QUESTIONS]["bold"]] == ["0", "0", "0"]
    for cell in shown.values():
        assert cell["value"] is not None or (cell["state"] and cell["bold"] is None)


def test_a_mean_is_that_of_one_test_and_says_of_how_many(served: Served, watched: Watched) -> None:
    watched.open("/")
    expected = expected_cells(served)
    for column in (SUMS, LEVELS, SPELLING):
        scores = [Decimal(score) for (_, name), (score, _) in expected.items() if name == column and score is not None]
        mean = (sum(scores) / len(scores)).quantize(Decimal("0.1"), "ROUND_HALF_UP")
        foot = watched.page.locator(f"#matrix tfoot td[data-column='{column}']").inner_text()
        assert foot.split() == [dutch(mean), "gemiddelde", "van", str(len(scores)), "van", "12"]
    assert watched.page.locator(f"#matrix tfoot td[data-column='{QUESTIONS}']").inner_text() == (
        "geen gemiddelde: niet iedereen maakte hetzelfde"
    )


def test_from_class_to_pupil_to_part(served: Served, watched: Watched) -> None:
    page = watched.page
    watched.open("/")
    page.click("#matrix tbody th a:has-text('Aïsha Bouzid')")
    page.wait_for_selector("#lanes .lane")
    assert page.url.endswith("/leerling/1-1")
    assert page.locator("main h1").inner_text() == "Aïsha Bouzid"
    rows = page.locator("tr[data-sitting^='2_'], tr[data-sitting^='1_']")
    totals = query(
        served,
        "SELECT score_text FROM results WHERE identifier_id = 1 AND source_id = 1 AND part_id = 0 "
        "ORDER BY taken_on DESC",
    )
    assert rows.evaluate_all("rows => rows.map(row => row.dataset.value)") == [row[0] for row in totals]
    page.click("tr[data-sitting='1_2026-10-01'] button:has-text('3 onderdelen')")
    page.wait_for_selector("#parts h3:has-text('Toets blok 2')")
    parts = query(
        served,
        "SELECT p.code, r.score_text FROM results r JOIN parts p ON p.id = r.part_id AND p.school_id = r.school_id "
        "WHERE r.identifier_id = 1 AND r.test_id = 1 ORDER BY p.id",
    )
    read = "rows => rows.map(row => [row.dataset.part, row.dataset.value])"
    assert page.locator("#parts [data-part]").evaluate_all(read) == [list(row) for row in parts]
    assert "Dit zijn alle onderdelen die de uitgever stuurt." in page.inner_text("#parts")


def test_a_number_tells_where_it_comes_from(watched: Watched) -> None:
    page = watched.page
    watched.open("/leerling/1")
    page.click("tr[data-sitting='2_2026-11-13'] .num")
    page.wait_for_selector(".how dl")
    explanation = page.inner_text(".how")
    for word in ("Cijferpad groep 6", "onvoldoende 0–59", "vr 13 nov 2026", "UWLR 2.2, bericht 1"):
        assert word in explanation
    link = page.locator(".how a")
    assert link.get_attribute("href") == "https://cijferpad.example/toets"
    assert (link.get_attribute("target"), link.get_attribute("rel")) == ("_blank", "noopener noreferrer")
    page.keyboard.press("Escape")
    page.wait_for_selector(".how", state="detached")


@pytest.mark.parametrize("path", ["/groep", "/groep?weergave=materiaal", "/leerling/1", "/koppelingen"])
def test_no_page_scrolls_sideways_and_no_chart_can_be_shared(watched: Watched, path: str) -> None:
    page = watched.page
    if path == "/koppelingen":
        watched.open("/")
        watched.become("Sam de Groot")
    watched.open(path)
    if path.startswith("/leerling"):
        page.wait_for_selector(".js-plotly-plot .main-svg")
    for width in (1440, 768, 360):
        page.set_viewport_size({"width": width, "height": 800})
        page.wait_for_function("width => document.documentElement.scrollWidth <= width", arg=width)
    assert page.locator(".modebar-btn").count() == 0
    assert page.locator("text=Share chart").count() == 0
    assert "chart-studio" not in page.content()


def test_a_long_name_of_a_test_is_cut_in_the_head_and_whole_in_its_title(watched: Watched) -> None:
    page = watched.page
    watched.open("/groep")
    head = page.locator("#matrix thead span[title='Rivieren|topo|6a|77']")
    assert head.inner_text() == "Rivieren"
    wider = "all => all.filter(one => one.scrollWidth > one.clientWidth).map(one => one.innerText)"
    assert page.locator("#matrix th, #matrix td").evaluate_all(wider) == []


def test_on_a_phone_no_sign_covers_the_words_of_a_pupil(watched: Watched) -> None:
    page = watched.page
    page.set_viewport_size({"width": 360, "height": 800})
    watched.open("/groep")
    read = """all => all.map(one => [one.querySelector('small'), one.querySelector('.sg')])
        .map(([words, sign]) => [words.getBoundingClientRect().right, sign.getBoundingClientRect().left])"""
    sides = page.locator(".mlist summary").evaluate_all(read)
    assert len(sides) == 12
    assert all(words <= chevron for words, chevron in sides)


def test_filters_live_in_the_address_and_come_back(watched: Watched) -> None:
    page = watched.page
    watched.open("/groep")
    page.click("label:has-text('Per leermiddel')")
    page.wait_for_selector("h2:has-text('Alle leerlingen per leermiddel')")
    page.click("#vak")
    page.click("[role=option]:has-text('Spelling')")
    page.locator("#matrix thead th").nth(3).wait_for(state="detached")
    page.wait_for_url("**/groep?klas=1-1&vak=spelling&weergave=materiaal")
    page.click("#matrix tbody th a:has-text('Aïsha Bouzid')")
    page.wait_for_selector("#lanes .lane")
    page.go_back()
    page.wait_for_selector("#matrix")
    assert page.locator("#matrix thead th").count() == 3


def test_charts_speak_dutch_and_have_a_sentence_and_a_table_beside_them(watched: Watched) -> None:
    page = watched.page
    watched.open("/leerling/2")
    page.wait_for_selector(".js-plotly-plot .xtick text")
    months = page.locator(".lane >> nth=0 >> .xtick").all_text_contents()
    assert any("mei" in month or "mrt" in month or "okt" in month for month in months)
    sentences = page.locator(".lane .lc").evaluate_all("all => all.map(one => one.getAttribute('aria-label'))")
    assert "Cijferpad groep 6, 3 scores: 64, 81, 84, goed." in sentences
    assert page.locator(".lane").count() == page.locator("details.twin table").count()
    page.click("label:has-text('Tabel')")
    page.wait_for_selector(".view-tabel")
    assert not page.locator(".js-plotly-plot >> nth=0").is_visible()


def test_no_identifier_reaches_the_browser(watched: Watched) -> None:
    bodies: list[str] = []
    watched.page.on("response", lambda worker: bodies.append(worker.text()) if "_dash-update" in worker.url else None)
    watched.open("/")
    watched.open("/leerling/1")
    assert bodies
    assert not [body for body in bodies if "L10001" in json.dumps(body)]


def test_english_is_a_click_away(watched: Watched) -> None:
    page = watched.page
    watched.open("/groep")
    page.click("#who > summary")
    page.click("#who button:has-text('English')")
    page.wait_for_selector("h1:has-text('Class 6a')")
    assert page.evaluate("document.documentElement.lang") == "en"


def test_an_administrator_assigns_a_subject_and_links_an_identifier(served: Served, watched: Watched) -> None:
    page = watched.page
    watched.open("/")
    watched.become("Sam de Groot")
    watched.open("/koppelingen")
    page.click("[aria-label='Vak bij topografie']")
    page.click("[role=option]:has-text('Aardrijkskunde')")
    page.wait_for_selector("#couplings-done:has-text('Vak toegewezen: topografie')")
    page.click("[aria-label='Leerling bij nummer 20417']")
    page.click("[role=option]:has-text('Lars Boon')")
    page.click("li[data-parked='500'] button:has-text('Koppelen')")
    page.wait_for_selector("#couplings-done:has-text('Gekoppeld')")
    assert query(served, "SELECT pupil_id FROM identifiers WHERE id = 500") == [(12,)]
    watched.become("Hanna Vos")
    watched.open("/groep")
    shown = shown_cells(page)
    assert shown[12, SUMS]["value"] == "77"
    assert (1, "geography|Vraagstuk|4") in shown


LONG = "X" * 256


@pytest.mark.parametrize(
    "path", ["/groep", "/groep?weergave=materiaal", "/leerling/1", "/signalen", "/leermiddelen", "/digibord?klas=1"]
)
def test_names_without_a_blank_wrap_at_every_width(watched: Watched, served: Served, path: str) -> None:
    with database.write_transaction(served.store.engine) as connection:
        for change in (
            f"UPDATE pupils SET first_name = '{LONG}' || id, last_name = '{LONG}'",
            f"UPDATE classes SET name = '{LONG}' || id",
            f"UPDATE sources SET name = '{LONG}' || id",
            f"UPDATE test_definitions SET name = '{LONG}'",
        ):
            connection.execute(text(change))
    page = watched.page
    watched.open(path)
    for width in (1440, 768, 360):
        page.set_viewport_size({"width": width, "height": 800})
        page.wait_for_function("width => document.documentElement.scrollWidth <= width", arg=width, timeout=5_000)
