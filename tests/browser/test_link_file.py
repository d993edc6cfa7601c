"""An administrator chooses a file of links, reads what is wrong with it, mends it and chooses it again."""

from __future__ import annotations

from pathlib import Path

from tests.browser.conftest import Watched


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
