"""An administrator links numbers: to a pupil who is looked for, and by a file that is mended and chosen again."""

from __future__ import annotations

from pathlib import Path

from tests.browser.conftest import Watched


def test_a_pupil_is_looked_for_by_what_is_typed_and_linked(watched: Watched) -> None:
    page = watched.page
    watched.open("/groep")
    watched.become("Sam de Groot")
    watched.open("/koppelingen")
    assert "Bouzid" not in page.content()
    page.click("[data-parked] input")
    assert page.locator("[data-parked] [role=option]").all_inner_texts() == ["Lars Boon · groep 6a · nummer L10012"]
    page.fill("[data-parked] input", "z")
    page.wait_for_selector("[data-parked] [role=status]:has-text('Typ twee letters')")
    page.fill("[data-parked] input", "niemand")
    page.wait_for_selector("[data-parked] [role=status]:has-text('Niets gevonden')")
    page.fill("[data-parked] input", "bouz")
    page.click("[data-parked] [role=option]:has-text('Aïsha Bouzid · groep 6a · nummer L10001')")
    assert page.input_value("[data-parked] input").startswith("Aïsha Bouzid")
    page.click("[data-parked] button:has-text('Koppelen')")
    page.wait_for_selector(".note.ok:has-text('Gekoppeld')")
    page.wait_for_selector("#parked li:has-text('Aïsha Bouzid'):has-text('Sam de Groot')")


def test_a_file_that_was_mended_can_be_chosen_again_under_its_name(watched: Watched, tmp_path: Path) -> None:
    page, file = watched.page, tmp_path / "koppelen.csv"
    watched.open("/groep")
    watched.become("Sam de Groot")
    watched.open("/koppelingen")
    page.click("summary:has-text('Koppelen met een bestand')")

    def choose(content: str) -> None:
        file.write_text(content)
        with page.expect_file_chooser() as waiting:
            page.click("label:has-text('Kies een CSV-bestand')")
        waiting.value.set_files(file)

    choose("identifier;pupil\n20417;\nx;L10001\n")
    page.wait_for_selector(".note.fa li:has-text('Regel 3: ')")
    assert page.locator(".note.fa li").count() == 2
    choose("identifier;pupil\n20417;L10001\n")
    page.wait_for_selector(".note.ok:has-text('1 nummer gekoppeld')")
