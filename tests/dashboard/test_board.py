"""The smartboard shows totals and goals of the class, and nothing of a single pupil."""

from __future__ import annotations

import json
import re

import flask
import pytest
from sqlalchemy import insert

from dashboard.pages.board import board_tests
from dashboard.ui.class_view import ClassView, read_class
from models.access.viewer import Role, Viewer
from models.classroom.holidays import read_holidays
from models.schema import database
from models.schema.tables import due_dates
from tests.conftest import Store
from tests.dashboard import school
from tests.dashboard.test_web import as_persona, shown_page

HANNA = Viewer(school.SCHOOL, Role.TEACHER, school.TEACHER_A, "Hanna Vos")


def view_of(store: Store, **query: object) -> ClassView:
    """What the class screens show for an address."""
    with database.read_transaction(store.engine) as connection:
        _classes, _filters, view = read_class(connection, HANNA, query, read_holidays())
    assert view is not None
    return view


def board(web: flask.Flask, search: str = "?klas=1") -> str:
    """What a teacher's browser gets to show on the board."""
    return shown_page(as_persona(web, "hanna"), "/digibord", search)


def words(answer: str) -> str:
    """The text of an answer, without the marks of the page."""
    texts: list[str] = []

    def walk(node: object) -> None:
        if isinstance(node, dict):
            walk(node["props"].get("children") if "props" in node else list(node.values()))
        elif isinstance(node, list):
            for item in node:
                walk(item)
        elif isinstance(node, str | int):
            texts.append(str(node))

    walk(json.loads(answer)["response"]["_pages_content"]["children"])
    return re.sub(r"\s+", " ", " ".join(texts))


def test_the_newest_test_of_each_material_says_how_many_are_done(known_school: Store) -> None:
    newest = {
        test.subject_material.material: (test.name, test.done, test.all) for test in board_tests(view_of(known_school))
    }
    assert newest == {
        # Ten scores of block 3, one of them 0, and one pupil who finished without score.
        "Cijferpad groep 6": ("Toets blok 3", 11, 12),
        "Peillijn": ("Rekenen M6", 11, 12),
        # Ten are done and have a score; one is busy, one has not begun.
        "Letterlab": ("Week 47", 10, 12),
        # Six answered; of one pupil all questions were not offered.
        "Vraagstuk": ("Rivieren", 6, 12),
    }


def test_the_page_says_the_totals_in_words(web: flask.Flask) -> None:
    text = words(board(web))
    assert "Groep 6a" in text
    assert "Toets blok 3 11 van 12 klaar" in text
    assert "Week 47 10 van 12 klaar" in text


@pytest.mark.parametrize("search", ["?klas=1", "?klas=1&vak=spelling", "?klas=1&status=aandacht", "?klas=1,2", ""])
@pytest.mark.parametrize("user", ["hanna", "noa", "iris"])
def test_no_pupil_is_on_the_board_by_name_or_number(web: flask.Flask, user: str, search: str) -> None:
    answer = shown_page(as_persona(web, user), "/digibord", search)
    assert "klaar" in answer
    for first, _prefix, last in (*school.NAMES, *school.NAMES_B):
        assert first not in answer
        assert last not in answer
    assert "/leerling/" not in answer
    assert "data-pupil" not in answer
    assert "L1" not in answer  # how the pupil keys of the school system begin


def test_a_test_that_a_teacher_set_a_day_for_is_the_goal(web: flask.Flask, known_school: Store) -> None:
    assert "Klaar op" not in words(board(web))
    with database.write_transaction(known_school.engine) as connection:
        common = {"school_id": school.SCHOOL, "class_id": school.CLASS_A, "set_by": "Hanna Vos", "set_us": 1}
        connection.execute(
            insert(due_dates),
            [{**common, "test_id": 2, "due_on": "2026-11-27"}, {**common, "test_id": 4, "due_on": "2026-11-20"}],
        )
    text = words(board(web))
    assert "Klaar op vr 27 nov 2026 Toets blok 3" in text
    assert text.count("Klaar op") == 1  # the other day has passed


def test_the_next_two_days_that_tests_are_due_are_on_the_board_each_with_its_tests(
    web: flask.Flask, known_school: Store
) -> None:
    days = {2: "2026-11-27", 4: "2026-11-27", 1: "2026-12-01", 3: "2026-12-02"}
    with database.write_transaction(known_school.engine, school.SCHOOL) as connection:
        common = {"school_id": school.SCHOOL, "class_id": school.CLASS_A, "set_by": "Hanna Vos", "set_us": 1}
        connection.execute(
            insert(due_dates), [{**common, "test_id": test_id, "due_on": day} for test_id, day in days.items()]
        )
    text = words(board(web))
    assert "Klaar op vr 27 nov 2026 Toets blok 3, Week 47 Klaar op di 1 dec 2026 Toets blok 2" in text
    assert text.count("Klaar op") == 2


def test_what_most_master_stands_with_a_number_and_what_most_do_not_without(web: flask.Flask) -> None:
    text = words(board(web))
    # Block 3, part 1: rights 6, 9, 8, 10, 6, 5, 9, 8, 6, 0 of ten pupils; two of them below six.
    assert "Optellen tot 1000 : 8 van 10" in text
    assert text.rstrip().endswith("We oefenen Breuken vergelijken")


def test_the_filters_of_the_class_screen_hold(known_school: Store, web: flask.Flask) -> None:
    assert [test.subject_material.material for test in board_tests(view_of(known_school, vak="spelling"))] == [
        "Letterlab"
    ]
    assert [test.subject_material.material for test in board_tests(view_of(known_school, uitgever="3"))] == ["Peillijn"]
    assert [test.subject_material.material for test in board_tests(view_of(known_school, materiaal="Vraagstuk"))] == [
        "Vraagstuk"
    ]
    assert [test.name for test in board_tests(view_of(known_school, periode="2026-09-01_2026-10-31"))] == [
        "Toets blok 2"
    ]
    answer = board(web, "?klas=1&vak=spelling&periode=12weken")
    assert "/groep?klas=1-1&periode=12weken&vak=spelling" in answer


def test_the_board_has_no_header_and_the_class_screen_leads_to_it(web: flask.Flask) -> None:
    assert "Hoofdmenu" not in board(web)
    assert "/digibord?klas=1" in shown_page(as_persona(web, "hanna"), "/groep", "?klas=1")


def test_another_teachers_class_is_not_on_the_board(web: flask.Flask) -> None:
    assert "Groep 6b" not in words(board(web, "?klas=2"))
