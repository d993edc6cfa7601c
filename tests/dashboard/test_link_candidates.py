"""Linking a number shows who may be meant and why, with class and number in the pupil administration."""

from __future__ import annotations

import json

import flask
import pytest
from sqlalchemy import text

from models.access.viewer import AccessDenied, Role, Viewer
from models.ingest.link_candidates import Candidate, link_candidates, linkable_pupils
from models.schema import database
from tests.conftest import Store
from tests.dashboard import school
from tests.dashboard.test_web import as_persona, shown_page
from tests.dashboard.test_why import nodes_of, words

SAM = Viewer(school.SCHOOL, Role.ADMINISTRATOR, None, "Sam de Groot")
HANNA = Viewer(school.SCHOOL, Role.TEACHER, school.TEACHER_A, "Hanna Vos")
PARKED = 500  # has a result of block 3 of 13 November, as eleven pupils of 6a and one of 6b


def candidates(store: Store, viewer: Viewer = SAM) -> tuple[Candidate, ...]:
    """Who may be meant."""
    with database.read_transaction(store.engine) as connection:
        return link_candidates(connection, viewer, [PARKED]).get(PARKED, ())


def test_the_pupil_of_the_class_without_results_of_the_source_may_be_meant(known_school: Store) -> None:
    assert candidates(known_school) == (Candidate(12, 11),)  # Lars has nothing of Cijferpad


def test_somebody_with_results_of_another_source_may_be_meant_and_nobody_of_another_class(known_school: Store) -> None:
    with database.write_transaction(known_school.engine) as connection:
        connection.execute(text("DELETE FROM results WHERE source_id = 1 AND identifier_id = 3"))
    assert [item.pupil_id for item in candidates(known_school)] == [3, 12]


def test_where_no_class_sat_the_test_nobody_may_be_meant(known_school: Store, web: flask.Flask) -> None:
    with database.write_transaction(known_school.engine) as connection:
        connection.execute(text("UPDATE results SET taken_on = '2026-11-09' WHERE identifier_id = 500"))
    assert candidates(known_school) == ()
    assert "Niemand past: geen groep maakte deze toetsen" in shown_page(as_persona(web, "sam"), "/koppelingen")


def test_where_everybody_of_the_class_has_results_the_page_says_so(known_school: Store, web: flask.Flask) -> None:
    with database.write_transaction(known_school.engine) as connection:
        connection.execute(text("UPDATE results SET identifier_id = 12 WHERE identifier_id = 11 AND test_id = 1"))
    assert candidates(known_school) == ()
    assert "heeft iedereen zelf al resultaten" in shown_page(as_persona(web, "sam"), "/koppelingen")


def test_the_page_names_who_may_be_meant_with_class_and_number(known_school: Store, web: flask.Flask) -> None:
    page = json.loads(shown_page(as_persona(web, "sam"), "/koppelingen"))["response"]["_pages_content"]["children"]
    [item] = [node for node in nodes_of(page, "Li") if node["props"].get("data-parked") == str(PARKED)]
    assert "Lars Boon · groep 6a · nummer L10012" in words(item)
    assert "11 leerlingen uit de groep maakten dezelfde toetsen op dezelfde dagen" in words(item)
    assert "nog geen resultaten van Cijferpad" in words(item)
    options = nodes_of(item, "Select")[0]["props"]["data"]
    assert options[0] == {"value": "12", "label": "Lars Boon · groep 6a · nummer L10012"}
    assert len(options) == len({option["value"] for option in options}) > 12


def test_only_an_administrator_sees_numbers_and_candidates(known_school: Store) -> None:
    with pytest.raises(AccessDenied):
        candidates(known_school, HANNA)
    with database.read_transaction(known_school.engine) as connection, pytest.raises(AccessDenied):
        linkable_pupils(connection, HANNA, known_school.cipher)
