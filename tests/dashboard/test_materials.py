"""The page of materials: per subject and year, norms side by side, and filters in the address."""

from __future__ import annotations

import json

import flask
import pytest
from sqlalchemy import update

from models.schema import database
from models.schema.tables import classes, groups, memberships, test_definitions
from tests.conftest import Store
from tests.dashboard import school
from tests.dashboard.markup import shown
from tests.dashboard.test_board import words
from tests.dashboard.test_web import CALLBACK, HERE, OWN, as_persona, shown_page

PATH = "/leermiddelen"


@pytest.fixture
def two_years(known_school: Store) -> Store:
    """The known school with class 6b as one of year 7, and the tests of Cijferpad stated to be of year 6."""
    with database.write_transaction(known_school.engine) as connection:
        of_b = {"school_id": school.SCHOOL}
        connection.execute(update(groups).filter_by(**of_b, id=2).values(year_group="7"))
        connection.execute(update(classes).filter_by(**of_b, id=school.CLASS_B).values(year_groups="7"))
        connection.execute(update(memberships).filter_by(**of_b, group_id=2).values(year_group="7"))
        connection.execute(update(test_definitions).where(test_definitions.c.source_id == school.SUMS).values(year="6"))
    return known_school


def nodes(answer: str, kind: str) -> list[dict[str, object]]:
    """The properties of every element of a kind in an answer."""
    props: list[dict[str, object]] = []

    def walk(node: object) -> None:
        if isinstance(node, dict):
            if node.get("type") == kind:
                props.append(node["props"])
            for item in node.values():
                walk(item)
        elif isinstance(node, list):
            for item in node:
                walk(item)

    walk(json.loads(answer))
    return props


def cells(answer: str) -> dict[tuple[object, object], tuple[object, object]]:
    """The cells of the overview: how many materials, and whether it is a gap."""
    return {
        (node["data-subject"], node["data-year"]): (node["data-materials"], node.get("data-gap"))
        for node in nodes(answer, "Td")
        if "data-subject" in node
    }


def test_a_school_sees_where_there_are_several_and_where_there_is_none(web: flask.Flask, two_years: Store) -> None:
    shown = cells(shown_page(as_persona(web, "iris"), PATH))
    assert shown["arithmetic", "6"] == ("2", None)
    assert shown["spelling", "6"] == ("1", None)
    assert shown["spelling", "7"] == ("0", "true")
    assert shown["arithmetic", "7"] == ("0", "true")
    assert shown["unmapped", "7"] == ("0", None)  # what has no subject yet is no gap


def test_who_works_with_pupils_has_it_in_the_menu(web: flask.Flask) -> None:
    for user, there in (("hanna", True), ("noa", True), ("iris", True), ("sam", False)):
        assert ('"href": "/leermiddelen"' in shown_page(as_persona(web, user), "/groep")) is there


def test_a_card_says_publisher_comparability_norm_and_how_far(web: flask.Flask, two_years: Store) -> None:
    answer = shown_page(as_persona(web, "hanna"), PATH, "?vak=arithmetic")
    text = words(answer)
    assert "Uitgever Cijferpad zelfde norm" in text
    assert "onvoldoende 0–59 voldoende 60–79 goed 80–100" in text
    assert "Groep 6a 11 van 12 leerlingen" in text
    assert "Af en bezig: uitgever stuurt dit niet" in text
    assert "Niveaus I tot en met V, die de uitgever bij elk resultaat geeft." in text
    assert "Schoolcijfer" not in text  # no source here gives any, and none is made up


def test_done_and_busy_stand_with_the_test_where_the_source_delivers_them(web: flask.Flask) -> None:
    text = words(shown_page(as_persona(web, "hanna"), PATH, "?vak=spelling"))
    assert "Week 47 Groep 6a: 12 van 12 leerlingen · 10 af, 1 bezig" in text
    assert "De uitgever stuurt geen norm mee." in text
    assert "eigen puntentelling" in text


def test_the_filters_stand_in_the_address_and_odd_ones_are_left_out(web: flask.Flask, two_years: Store) -> None:
    client = as_persona(web, "iris")
    shown = cells(shown_page(client, PATH, "?vak=arithmetic&jaar=6&uitgever=3"))
    assert shown == {("arithmetic", "6"): ("1", None)}
    assert "Cijferpad groep 6" not in shown_page(client, PATH, "?uitgever=3").split("materials-content")[1]
    everything = cells(shown_page(client, PATH))
    for odd in ("?vak=<script>", "?jaar=99", "?uitgever=x", "?vak=arithmetic'--"):
        assert cells(shown_page(client, PATH, odd)) == everything


def test_a_change_of_the_controls_gives_the_content_and_the_address(web: flask.Flask, two_years: Store) -> None:
    client = as_persona(web, "iris")
    names = ("vak", "jaar", "uitgever")
    outputs = [
        {"id": "materials-content", "property": "children"},
        {"id": "materials-query", "property": "data"},
        *({"id": f"materials-{name}", "property": "value"} for name in names),
    ]
    given = {"materials-vak": "spelling", "materials-jaar": "", "materials-uitgever": "2"}
    body = {
        "output": "..{}..".format("...".join(".".join(output.values()) for output in outputs)),
        "outputs": outputs,
        "inputs": [
            {"id": "materials-asked", "property": "data", "value": None},
            *({"id": key, "property": "value", "value": value} for key, value in given.items()),
        ],
        "changedPropIds": ["materials-vak.value"],
    }
    answer = shown(client.post(CALLBACK, json=body, base_url=HERE, headers=OWN))
    assert answer.status_code == 200
    reading = json.loads(answer.text)["response"]
    assert reading["materials-query"]["data"] == "?vak=spelling&uitgever=2"
    assert cells(answer.text).keys() == {("spelling", "6"), ("spelling", "7")}


def test_no_pupil_is_on_the_page(web: flask.Flask) -> None:
    answer = shown_page(as_persona(web, "iris"), PATH)
    assert not [last for _first, _prefix, last in (*school.NAMES, *school.NAMES_B) if last in answer]
    assert "/leerling/" not in answer


def test_a_teacher_sees_no_material_that_only_another_class_uses(web: flask.Flask) -> None:
    assert "Peillijn" in shown_page(as_persona(web, "hanna"), PATH)
    assert "Peillijn" not in shown_page(as_persona(web, "joris"), PATH)


def test_the_accessibility_statement_is_linked_from_every_page(web: flask.Flask) -> None:
    client = as_persona(web, "hanna")
    for path in ("/groep", "/leerling/1", PATH, "/koppelingen", "/signalen", "/toegankelijkheid"):
        assert '"href": "/toegankelijkheid"' in shown_page(client, path)
    text = words(shown_page(client, "/toegankelijkheid"))
    assert "axe-core" in text
    assert "Wat niet voldoet" in text
    assert "@" not in text  # no address to write to that nobody reads
