"""Denominators count whom a test is for: recomputed by SQL for combination classes, part groups and electives."""

from __future__ import annotations

import json
from typing import Any

import flask
import pytest
from sqlalchemy import text

from models.results.scales import Missing
from models.schema import database
from models.schema.records import Absence, Status
from tests.conftest import Store
from tests.dashboard import school
from tests.dashboard.test_group_filters import view
from tests.dashboard.test_web import as_persona, group_callback, shown_page
from tests.dashboard.test_why import nodes_of, table_of, words

YOUNGER = (1, 2, 3, 4, 5)  # of year group 5; the others of class 6a are of year group 6
OLDER = tuple(range(6, 13))
# Per test: who has a score or a progress record, and the pupils of the year groups that they are in.
COUNTED = """
SELECT r.test_id,
       count(DISTINCT CASE WHEN r.score IS NOT NULL OR r.absence = :no_score OR r.status = :done
                           THEN i.pupil_id END) AS done,
       (SELECT count(DISTINCT m.pupil_id) FROM memberships m
        WHERE m.school_id = 1 AND m.group_id = 1 AND m.to_us IS NULL AND m.year_group IN (
          SELECT m2.year_group FROM results r2
          JOIN identifiers i2 ON i2.school_id = r2.school_id AND i2.id = r2.identifier_id
          JOIN memberships m2 ON m2.school_id = i2.school_id AND m2.pupil_id = i2.pupil_id AND m2.to_us IS NULL
          WHERE r2.school_id = 1 AND r2.test_id = r.test_id AND m2.group_id = 1)) AS everybody
FROM results r JOIN identifiers i ON i.school_id = r.school_id AND i.id = r.identifier_id
JOIN memberships m ON m.school_id = i.school_id AND m.pupil_id = i.pupil_id AND m.group_id = 1 AND m.to_us IS NULL
WHERE r.school_id = 1 AND r.test_id IN (1, 2, 3, 4) GROUP BY r.test_id
"""


def counted(store: Store) -> dict[int, tuple[int, int]]:
    """How many are done and how many there are, by test."""
    with database.read_transaction(store.engine) as connection:
        rows = connection.execute(text(COUNTED), {"done": int(Status.DONE), "no_score": int(Absence.NO_SCORE)}).all()
    return {row.test_id: (row.done, row.everybody) for row in rows}


@pytest.fixture
def combination(known_school: Store) -> Store:
    """Class 6a as a combination class: block 2 and week 46 are for year group 5, block 3 and week 47 for 6."""
    with database.write_transaction(known_school.engine) as connection:
        connection.execute(text("UPDATE memberships SET year_group = '5' WHERE group_id = 1 AND pupil_id <= 5"))
        for test, younger in ((1, True), (3, True), (2, False), (4, False)):
            wrong = f"identifier_id {'>' if younger else '<='} 5"
            connection.execute(text(f"DELETE FROM results WHERE test_id = {test} AND {wrong}"))
    return known_school


def board(web: flask.Flask) -> dict[int, tuple[int, int, str]]:
    """Done, all and words of each test on the board."""
    page = json.loads(shown_page(as_persona(web, "hanna"), "/digibord", "?klas=1"))
    return {
        int(node["props"]["data-test"]): (
            int(node["props"]["data-done"]), int(node["props"]["data-all"]), words(nodes_of(node, "H2"))
        )
        for node in nodes_of(page["response"]["_pages_content"]["children"], "Section")
        if "data-test" in node["props"]
    }  # fmt: skip


def test_the_board_counts_each_test_against_its_own_year_group_and_names_it(
    web: flask.Flask, combination: Store
) -> None:
    shown, by_sql = board(web), counted(combination)
    assert {test: by_sql[test][1] for test in by_sql} == {1: 5, 3: 5, 2: 7, 4: 7}
    for test in shown.keys() & by_sql.keys():
        assert shown[test][:2] == by_sql[test]
        assert ("Leerjaar 5" if by_sql[test][1] == 5 else "Leerjaar 6") in shown[test][2]
    assert len(shown.keys() & by_sql.keys()) >= 2


def test_progress_counts_the_year_group_of_the_test(web: flask.Flask, combination: Store) -> None:
    answer = group_callback(as_persona(web, "hanna"), klas=["1"]).json["response"]["group-content"]["children"]
    [bar] = [node for node in nodes_of(answer, "Div") if node["props"].get("data-progress") == "4"]
    done, everybody = counted(combination)[4]
    assert f"{done} van {everybody} af" in words(bar)
    assert "Leerjaar 6" in words(bar)


def test_the_head_of_a_column_names_the_year_group_of_each_test(web: flask.Flask, combination: Store) -> None:
    table = table_of(group_callback(as_persona(web, "hanna"), klas=["1"]).json)
    heads = words(nodes_of(nodes_of(table, "Thead"), "Th"))
    assert "leerjaar 5: Toets blok 2, leerjaar 6: Toets blok 3" in heads


def test_the_mean_of_a_part_group_counts_that_group(web: flask.Flask, combination: Store) -> None:
    table = table_of(group_callback(as_persona(web, "hanna"), klas=["1"], groep="jaar-5", vak="arithmetic").json)
    foot = words(nodes_of(nodes_of(table, "Tfoot"), "Td")[0])
    assert "gemiddelde van 5 van 5" in foot


def test_a_material_of_another_year_group_is_not_missing(known_school: Store) -> None:
    with database.write_transaction(known_school.engine) as connection:
        connection.execute(text("UPDATE memberships SET year_group = '5' WHERE group_id = 1 AND pupil_id <= 5"))
        connection.execute(text("DELETE FROM results WHERE source_id = 3 AND identifier_id <= 5"))  # Peillijn
    overview = view(known_school).overview
    reasons = {overview.audience.reason_not_for(pupil, (school.LEVELS_FIELD,)) for pupil in YOUNGER}
    assert reasons == {Missing.OTHER_YEAR}
    assert {overview.audience.reason_not_for(pupil, (school.LEVELS_FIELD,)) for pupil in OLDER} == {None}


@pytest.fixture
def elective(known_school: Store) -> Store:
    """Only three of twelve pupils take what Letterlab offers."""
    with database.write_transaction(known_school.engine) as connection:
        connection.execute(text("DELETE FROM results WHERE source_id = 2 AND identifier_id > 3"))
    return known_school


def test_who_does_not_take_a_subject_counts_nowhere(web: flask.Flask, elective: Store) -> None:
    with database.read_transaction(elective.engine) as connection:
        takers = connection.scalar(
            text("SELECT count(DISTINCT identifier_id) FROM results WHERE source_id = 2 AND identifier_id <= 12")
        )
    assert takers == 3
    assert board(web)[4][:2] == (3, takers)
    table = table_of(group_callback(as_persona(web, "hanna"), klas=["1"], vak="spelling").json)
    assert f"gemiddelde van 3 van {takers}" in words(nodes_of(table, "Tfoot"))
    states = [node["props"].get("data-state") for node in nodes_of(nodes_of(table, "Tbody"), "Td")]
    assert states.count("not_taken") == 12 - takers
    assert not {"no_result", "not_set"} & set(states)
    page = shown_page(as_persona(web, "hanna"), "/leerling/1-4")
    assert "Letterlab" not in page
    ready = shown_page(as_persona(web, "hanna"), "/leerlingen", "?klas=1&vraag=klaar")
    assert "leerlingen staat niets klaar" not in ready


def test_a_pupil_without_results_of_a_subject_of_the_year_group_is_without_result(known_school: Store) -> None:
    overview = view(known_school).overview
    assert overview.audience.reason_not_for(12, (school.SUMS_FIELD,)) is None


def test_the_first_result_of_a_new_test_counts_against_the_whole_year_group(
    web: flask.Flask, known_school: Store
) -> None:
    with database.write_transaction(known_school.engine) as connection:
        connection.execute(text("DELETE FROM results WHERE test_id = 2 AND identifier_id <> 1 AND identifier_id <= 12"))
    assert board(web)[2][:2] == (1, 12)


def test_not_begun_is_not_zero_minutes(web: flask.Flask, known_school: Store) -> None:
    not_begun = {"status": int(Status.NOT_BEGUN)}
    with database.write_transaction(known_school.engine) as connection:
        connection.execute(text("UPDATE results SET worked_ms = 0 WHERE status = :status"), not_begun)
        by_sql: Any = connection.scalar(
            text("SELECT avg(worked_ms) FROM results WHERE test_id = 4 AND status <> :status AND identifier_id <= 12"),
            not_begun,
        )
    client = as_persona(web, "hanna")
    answer = group_callback(client, klas=["1"]).json["response"]["group-content"]["children"]
    [bar] = [node for node in nodes_of(answer, "Div") if node["props"].get("data-progress") == "4"]
    assert f"gemiddeld {round(by_sql / 60_000)} min per leerling" in words(bar)
    page = json.loads(shown_page(client, "/leerling/1-12"))["response"]["_pages_content"]["children"]
    [record] = [node for node in nodes_of(page, "Div") if node["props"].get("data-progress") == "4"]
    assert "niet begonnen" in words(record)
    assert " min" not in words(record)
