"""Two pupils of one name and two classes of one name can be told apart wherever they are named."""

from __future__ import annotations

import json
from typing import Any

import flask
from sqlalchemy import insert, text

from models.access import people
from models.access.viewer import Role, Viewer
from models.schema import database, tables
from tests.conftest import Store
from tests.dashboard import school
from tests.dashboard.test_web import as_persona, group_callback, shown_page
from tests.dashboard.test_why import words

HANNA = Viewer(school.SCHOOL, Role.TEACHER, school.TEACHER_A, "Hanna Vos")
SAM = Viewer(school.SCHOOL, Role.ADMINISTRATOR, None, "Sam de Groot")
IRIS = Viewer(school.SCHOOL, Role.SUPPORT, None, "Iris Smit")


def rename(store: Store, *pupil_ids: int) -> None:
    """These pupils are all called Emma de Vries."""
    with database.write_transaction(store.engine) as connection:
        for pupil_id in pupil_ids:
            connection.execute(
                text("UPDATE pupils SET first_name = 'Emma', prefix = 'de', last_name = 'Vries' "
                     "WHERE school_id = 1 AND id = :id"), {"id": pupil_id},
            )  # fmt: skip


def names(store: Store, viewer: Viewer) -> dict[int, str | None]:
    """The names of all pupils that somebody sees."""
    with database.read_transaction(store.engine) as connection:
        return {pupil.id: pupil.name for pupil in people.pupil_names(connection, viewer)}


def body(web: flask.Flask, path: str, search: str = "") -> Any:
    """What stands on a page."""
    return words(
        json.loads(shown_page(as_persona(web, "iris"), path, search))["response"]["_pages_content"]["children"]
    )


def test_namesakes_of_two_classes_have_their_class_behind_their_name(known_school: Store, web: flask.Flask) -> None:
    rename(known_school, 1, 101)
    assert names(known_school, SAM)[1] == "Emma de Vries (6a)"
    assert names(known_school, SAM)[101] == "Emma de Vries (6b)"
    assert names(known_school, HANNA)[1] == "Emma de Vries"  # she sees no other one
    assert "Emma de Vries (6a)" in body(web, "/groep", "?klas=1")
    assert "Emma de Vries (6b)" in body(web, "/leerling/1-101")


def test_namesakes_of_one_class_are_numbered_the_same_everywhere(known_school: Store, web: flask.Flask) -> None:
    rename(known_school, 1, 3)
    assert (names(known_school, HANNA)[1], names(known_school, HANNA)[3]) == (
        "Emma de Vries (6a, 1)", "Emma de Vries (6a, 2)",
    )  # fmt: skip
    client = as_persona(web, "hanna")
    for path, search in (
        ("/groep", "?klas=1"), ("/leerlingen", "?klas=1"), ("/leerlingen/overdracht", "?klas=1")
    ):  # fmt: skip
        shown = shown_page(client, path, search)
        assert "Emma de Vries (6a, 1)" in shown
        assert "Emma de Vries (6a, 2)" in shown
    for pupil_id, number in ((1, 1), (3, 2)):
        for path in ("leerling", "gesprek"):
            assert f"Emma de Vries (6a, {number})" in shown_page(client, f"/{path}/1-{pupil_id}")


def test_who_left_or_has_no_name_needs_no_telling_apart(known_school: Store) -> None:
    rename(known_school, 1, 90)  # the latter left the school
    assert names(known_school, HANNA)[1] == "Emma de Vries"
    with database.write_transaction(known_school.engine) as connection:
        connection.execute(text("UPDATE pupils SET first_name = NULL, prefix = NULL, last_name = NULL WHERE id < 4"))
    assert names(known_school, HANNA)[1] is None


def test_classes_of_one_name_have_their_location_in_it(known_school: Store, web: flask.Flask) -> None:
    with database.write_transaction(known_school.engine) as connection:
        connection.execute(text("UPDATE classes SET name = '6a', location = '01' WHERE school_id = 1 AND id = 2"))
        connection.execute(text("UPDATE groups SET location = '01' WHERE school_id = 1 AND id = 2"))
    with database.read_transaction(known_school.engine) as connection:
        assert [item.name for item in people.class_list(connection, IRIS)] == ["6a (00)", "6a (01)"]
        assert [item.name for item in people.class_list(connection, HANNA)] == ["6a"]
    assert "Groepen 6a (00), 6a (01)" in body(web, "/groep", "?klas=1,2")
    labels = json.loads(shown_page(as_persona(web, "iris"), "/groep"))["response"]
    assert "Groep 6a (01)" in json.dumps(labels, ensure_ascii=False)
    assert group_callback(as_persona(web, "iris"), klas=["2"]).status_code == 200


def subgroup_labels(web: flask.Flask, user: str, class_id: str) -> list[str]:
    """What the filter for a part of a class offers."""
    answer = group_callback(as_persona(web, user), klas=[class_id]).json
    return [option["label"] for option in answer["response"]["groep"]["data"]]


def test_other_classes_of_one_name_have_their_location_in_the_filter_of_a_class(
    known_school: Store, web: flask.Flask
) -> None:
    plus = {"school_id": school.SCHOOL, "school_year": school.YEAR, "composed": True, "name": "Plus"}
    with database.write_transaction(known_school.engine) as connection:
        for number, location, pupil_ids in ((8, "", (1, 2)), (9, "01", (3, 101))):
            at = {**plus, "id": number, "location": location}
            connection.execute(insert(tables.classes), [{**at, "year_groups": "6"}])
            connection.execute(insert(tables.groups), [{**at, "key": f"plus{number}", "class_id": number}])
            members = [{"school_id": 1, "pupil_id": item, "group_id": number, "from_us": 1} for item in pupil_ids]
            connection.execute(insert(tables.memberships), members)
    assert subgroup_labels(web, "hanna", "1") == ["Hele groep", "Plus (00)", "Plus (01)"]  # she sees neither
    assert subgroup_labels(web, "iris", "1") == ["Hele groep", "Plus (00)", "Plus (01)"]
    assert subgroup_labels(web, "iris", "2") == ["Hele groep", "Plus (01)"]  # as in the list of classes
