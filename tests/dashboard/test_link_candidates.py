"""Linking a number shows who may be meant and why, with class and number in the pupil administration."""

from __future__ import annotations

import json
import re

import flask
import pytest
from sqlalchemy import text

from models.access.audit import Looked, open_audit
from models.access.viewer import AccessDenied, Role, Viewer
from models.ingest.link_candidates import Candidate, link_candidates, linkable_pupils
from models.schema import database
from tests.conftest import Store
from tests.dashboard import school
from tests.dashboard.test_web import HERE, OWN, as_persona, shown_page
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
    assert options == [{"value": "12", "label": "Lars Boon · groep 6a · nummer L10012"}]


def found(web: flask.Flask, user: str, typed: object) -> str | None:
    """What the choice of a pupil gets for what was typed; None where that is nothing at all."""
    names = ("data", "found")
    pattern = '{"index":["MATCH"],"type":"link-pupil"}'
    select = {"type": "link-pupil", "index": PARKED}
    body = {
        "output": f"..{'...'.join(f'{pattern}.{name}' for name in names)}..",
        "outputs": [{"id": select, "property": name} for name in names],
        "inputs": [{"id": select, "property": "search", "value": typed}],
        "state": [{"id": select, "property": "value"}],
        "changedPropIds": [f'{{"index":{PARKED},"type":"link-pupil"}}.search'],
    }
    client = as_persona(web, user)
    client.get("/koppelingen", base_url=HERE)
    answer = client.post("/_dash-update-component", json=body, base_url=HERE, headers=OWN)
    return json.dumps(answer.json, ensure_ascii=False) if answer.status_code == 200 else None


def test_a_pupil_who_is_not_shown_is_not_sent_until_the_name_is_typed(known_school: Store, web: flask.Flask) -> None:
    client = as_persona(web, "sam")
    page = json.dumps(json.loads(shown_page(client, "/koppelingen")), ensure_ascii=False)
    pupils = [(first, last) for first, _prefix, last in (*school.NAMES, *school.NAMES_B)]
    sent = [first for first, last in pupils if re.search(rf"\b{first} .{{0,9}}{last}\b", page)]
    assert sent == ["Lars"]
    answer = found(web, "sam", " bouz")
    assert answer is not None
    assert "Aïsha Bouzid · groep 6a · nummer L10001" in answer
    assert "Lars" not in answer
    assert "L10002" in (found(web, "sam", "10002") or "")  # by the number too
    assert "Mila" in (found(web, "sam", "mila") or "")
    assert "Zofia" not in (found(web, "sam", "zofia") or "")  # of another school
    for typed in ("b", "", "x" * 101, None, ["bouzid"]):
        assert found(web, "sam", typed) is None
    for user in ("hanna", "iris", "marjan", "eva"):
        assert found(web, user, "bouzid") is None
    looked = open_audit(known_school.engine, known_school.cipher).month(SAM, "2026-11", 50)
    events = [entry.event for entry in looked if isinstance(entry.event, Looked)]
    assert Looked("links of pupils", (1,)) in events
    assert all(len(event.pupil_ids) < 5 for event in events)


def test_only_an_administrator_sees_numbers_and_candidates(known_school: Store) -> None:
    with pytest.raises(AccessDenied):
        candidates(known_school, HANNA)
    with database.read_transaction(known_school.engine) as connection, pytest.raises(AccessDenied):
        linkable_pupils(connection, HANNA, known_school.cipher)
