"""A page acts for whom it was made, whoever signed in since in another tab; and a form is stored once."""

from __future__ import annotations

import re
import threading
from typing import Any

import flask
import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, insert, select
from werkzeug.test import TestResponse

from dashboard.auth.guard import CALLBACK, ONCE_HEADER, PAGE_HEADER, SERVICE
from dashboard.auth.request import AppOptions
from dashboard.auth.sessions import DemoUser
from dashboard.server.wsgi import create_app
from models.access.viewer import Role
from models.classroom.notes import NoteKind, write_note
from models.schema import clock, database
from models.schema.tables import classes, notes
from tests.conftest import Store
from tests.dashboard import school
from tests.dashboard.conftest import PERSONAS
from tests.dashboard.test_web import HERE, OWN, as_persona, shown_page

ELSEWHERE = DemoUser("wil", "Wil Jacobs", Role.SUPPORT, None, school.OTHER_SCHOOL)
NOTE = {"soort": "note", "tekst": "Afgesproken met Aïsha.", "voor": "", "dag": ""}
TOKEN = "0123456789abcdef" * 2


@pytest.fixture
def web(known_school: Store) -> flask.Flask:
    """The web app, where somebody of another school can look too; that school has a class 1 and a pupil 1 as well."""
    with database.write_transaction(known_school.engine) as connection:
        own = {"school_id": school.OTHER_SCHOOL, "id": 1, "school_year": school.YEAR, "name": "6y", "location": ""}
        connection.execute(insert(classes), [{**own, "composed": False, "year_groups": "6"}])
    options = AppOptions(demo=True, users=(*PERSONAS, ELSEWHERE))
    return create_app(known_school.engine, known_school.cipher, options)


def mark_of(client: FlaskClient) -> str:
    """For whom the pages that this browser opens now are made."""
    match = re.search(r'data-page="(\w+)"', client.get("/groep", base_url=HERE).text)
    assert match is not None
    return match[1]


def became(client: FlaskClient, key: str) -> None:
    """Sign in as somebody else in another tab."""
    headers = {**OWN, PAGE_HEADER: mark_of(client)}
    assert client.post("/persona", data={"persona": key}, base_url=HERE, headers=headers).status_code == 303


def written(store: Store) -> int:
    """How many notes there are, of all schools."""
    with database.read_transaction(store.engine) as connection:
        return int(connection.scalar(select(func.count()).select_from(notes)) or 0)


def post_note(client: FlaskClient, mark: str, token: str = TOKEN, pupil: int = 1, **changed: str) -> TestResponse:
    """Send the form of a note from a page with this mark."""
    headers = {**OWN, PAGE_HEADER: mark, ONCE_HEADER: token, "Accept": "application/json"}
    form = {**NOTE, **changed}
    return client.post(f"/leerling/notitie/{pupil}", data=form, base_url=HERE, headers=headers)


# -- two tabs ------------------------------------------------------------------------------------------------------


def test_a_page_says_for_whom_it_was_made_and_nobody_can_make_that_up(web: flask.Flask) -> None:
    marks = {key: mark_of(as_persona(web, key)) for key in ("hanna", "joris", "noa", "sam", "wil")}
    assert len(set(marks.values())) == 5
    assert marks["hanna"] == mark_of(as_persona(web, "hanna"))  # of the viewer, not of the session
    assert all(re.fullmatch("[0-9a-f]{32}", item) for item in marks.values())


def test_two_of_one_role_and_school_have_pages_of_their_own(known_school: Store) -> None:
    twins = tuple(DemoUser(name, name, Role.SUPPORT, None, school.SCHOOL) for name in ("Els Prins", "Ilse Kramer"))
    web = create_app(known_school.engine, known_school.cipher, AppOptions(demo=True, users=twins))
    assert mark_of(as_persona(web, "Els Prins")) != mark_of(as_persona(web, "Ilse Kramer"))


def test_a_note_from_a_page_of_another_school_is_refused_and_nothing_is_stored(
    web: flask.Flask, known_school: Store
) -> None:
    client = as_persona(web, "hanna")
    page = mark_of(client)
    became(client, "wil")
    answer = post_note(client, page)
    assert answer.status_code == 409
    assert "Deze pagina is gemaakt voor iemand anders" in (answer.json or {})["error"]
    assert written(known_school) == 0
    assert post_note(client, mark_of(client)).status_code == 303  # what was refused may be sent again
    assert written(known_school) == 1


def test_a_form_without_a_script_is_refused_with_a_page_and_a_way_on(web: flask.Flask, known_school: Store) -> None:
    client = as_persona(web, "hanna")
    client.mark = None  # type: ignore[attr-defined]
    client.led_to = None  # type: ignore[attr-defined]
    answer = client.post("/leerling/notitie/1", data=NOTE, base_url=HERE, headers={**OWN, "Accept": "text/html"})
    assert (answer.status_code, answer.mimetype) == (409, "text/html")
    assert "Deze pagina is gemaakt voor iemand anders" in answer.text
    assert 'href="/groep"' in answer.text
    assert written(known_school) == 0


def form_paths(web: flask.Flask) -> list[str]:
    """An address for every route that takes a form or callback, but for those of the SOAP service."""
    found = []
    with web.test_request_context(base_url=HERE):
        for rule in web.url_map.iter_rules():
            if "POST" in (rule.methods or ()) and not rule.endpoint.startswith(f"{SERVICE}."):
                found.append(flask.url_for(rule.endpoint, **dict.fromkeys(rule.arguments, "1")))
    return found


def callbacks(client: FlaskClient) -> list[dict[str, Any]]:
    """A body for every callback of the app."""
    return [
        {"output": item["output"], "inputs": item["inputs"], "changedPropIds": [], "state": item["state"]}
        for item in client.get("/_dash-dependencies", base_url=HERE).json or []
        if not item["clientside_function"]
    ]


@pytest.mark.parametrize("mark", ["another viewer", "", "x", "ü"])
def test_every_form_and_every_callback_refuses_a_page_of_another_viewer(web: flask.Flask, mark: str) -> None:
    client, other = as_persona(web, "wil"), mark_of(as_persona(web, "hanna"))
    own = mark_of(client)
    headers = {**OWN, PAGE_HEADER: other if mark == "another viewer" else mark, ONCE_HEADER: TOKEN}
    paths, bodies = form_paths(web), callbacks(client)
    assert len(paths) >= 13
    assert len(bodies) >= 20
    for path in paths:
        assert client.post(path, data={}, base_url=HERE, headers=headers).status_code == 409, path
        assert client.post(path, json={}, base_url=HERE, headers=headers).status_code == 409, path
    for body in bodies:
        answer = client.post(CALLBACK, json=body, base_url=HERE, headers=headers)
        assert (answer.status_code, set(answer.json or {})) == (409, {"error"}), body["output"]
        fitting = client.post(CALLBACK, json=body, base_url=HERE, headers={**headers, PAGE_HEADER: own})
        assert fitting.status_code != 409, body["output"]


def test_no_other_method_goes_around_the_mark(web: flask.Flask) -> None:
    client = as_persona(web, "wil")
    for path in form_paths(web):
        for method in ("PUT", "PATCH", "DELETE"):
            answer = client.open(path, method=method, base_url=HERE, headers={**OWN, ONCE_HEADER: TOKEN})
            assert answer.status_code in (405, 409), (method, path)


# -- addresses that name their school ------------------------------------------------------------------------------

OF_SCHOOL_1 = [
    ("/leerling/1-1", ""), ("/gesprek/1-1", ""), ("/groep", "?klas=1-1"), ("/signalen", "?klas=1-1,1-2"),
    ("/digibord", "?klas=1-1"), ("/leerlingen", "?klas=1-1"), ("/leerlingen/overdracht", "?leerling=1-1"),
    ("/leerlingen/overdracht", "?klas=2-1&leerling=1-1"), ("/groep", "?klas=2-1&klas=1-1"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "search"), OF_SCHOOL_1)
def test_an_address_of_another_school_says_so_and_shows_nobody(web: flask.Flask, path: str, search: str) -> None:
    shown = shown_page(as_persona(web, "wil"), path, search)
    assert "Dit adres hoort bij een andere school" in shown
    assert "U kijkt als Wil Jacobs van Elders." in shown
    assert "Naar uw beginpagina" in shown
    assert "Zoë" not in shown
    assert "6z" not in shown
    assert "andere school" not in shown_page(as_persona(web, "hanna"), path, search.replace("2-1", "1-1"))


def test_the_window_of_an_address_of_another_school_names_nobody(web: flask.Flask) -> None:
    assert '"title": "Zoë Anders – Rondblik"' in shown_page(as_persona(web, "wil"), "/leerling/2-1")
    assert '"title": "Rondblik"' in shown_page(as_persona(web, "wil"), "/leerling/1-1")


@pytest.mark.parametrize(
    ("typed", "full"),
    [
        ("/leerling/1", "/leerling/2-1"), ("/gesprek/1?a=b", "/gesprek/2-1?a=b"),
        ("/groep?klas=1,3&vak=spelling", "/groep?klas=2-1,2-3&vak=spelling"),
        ("/leerlingen/overdracht?leerling=1", "/leerlingen/overdracht?leerling=2-1"),
        ("/groep?klas=1&taal=en", "/groep?klas=2-1"),
    ],
)  # fmt: skip
def test_a_typed_number_gets_the_school_so_that_a_bookmark_names_it(web: flask.Flask, typed: str, full: str) -> None:
    answer = as_persona(web, "wil").get(typed, base_url=HERE)
    assert (answer.status_code, answer.headers["Location"]) == (302, full)


@pytest.mark.parametrize("path", ["/leerling/1-1", "/leerling/x", "/groep?klas=1-1", "/groep?vak=1", "/groep?klas=x"])
def test_an_address_that_names_its_school_or_no_number_stays_as_it_is(web: flask.Flask, path: str) -> None:
    assert as_persona(web, "hanna").get(path, base_url=HERE).status_code == 200


def test_every_link_to_a_pupil_or_class_names_the_school(web: flask.Flask, known_school: Store) -> None:
    hanna = PERSONAS[0].viewer
    with database.write_transaction(known_school.engine, school.SCHOOL) as connection:
        write_note(connection, known_school.cipher, hanna, 7, NoteKind.AGREEMENT, "Samen lezen.")
    for key in ("hanna", "iris", "sam"):
        client = as_persona(web, key)
        for path, search in [("/", ""), ("/leermiddelen", ""), ("/koppelingen", ""), *OF_SCHOOL_1[:7]]:
            shown = shown_page(client, path, search)
            assert not re.findall(r"/(?:leerling|gesprek)/\d+[^\d-]", shown), path
            assert not re.findall(r"[?&](?:klas|leerling)=(?:\d|%2C|,)*\d(?![\d-])(?!-)", shown), path


# -- a form is stored once -----------------------------------------------------------------------------------------


def test_the_same_form_twice_is_stored_once_and_leads_to_the_same_page(web: flask.Flask, known_school: Store) -> None:
    client = as_persona(web, "hanna")
    page = mark_of(client)
    first, second = post_note(client, page), post_note(client, page)
    assert (first.status_code, first.headers["Location"]) == (303, "/leerling/1-1")
    assert (second.status_code, second.headers["Location"]) == (303, "/leerling/1-1")
    assert written(known_school) == 1
    assert post_note(client, page, tekst="Iets anders.").status_code == 303
    assert post_note(client, page, token="f" * 32).status_code == 303
    assert written(known_school) == 3


def test_a_token_is_of_one_session(web: flask.Flask, known_school: Store) -> None:
    for key in ("hanna", "noa"):
        client = as_persona(web, key)
        assert post_note(client, mark_of(client)).status_code == 303
    assert written(known_school) == 2


@pytest.mark.parametrize("token", ["", "x", "0" * 31, "0" * 33, "G" * 32])
def test_every_form_needs_a_token(web: flask.Flask, known_school: Store, token: str) -> None:
    client = as_persona(web, "hanna")
    page = mark_of(client)
    for path in form_paths(web):
        if path != CALLBACK:
            headers = {**OWN, PAGE_HEADER: page, ONCE_HEADER: token}
            assert client.post(path, data=NOTE, base_url=HERE, headers=headers).status_code == 400, path
    assert written(known_school) == 0


def test_two_of_the_same_form_at_once_are_stored_once(web: flask.Flask, known_school: Store) -> None:
    client = as_persona(web, "hanna")
    page, cookie = mark_of(client), client.get_cookie("rondblik_session", domain="localhost")
    assert cookie is not None
    start, answers = threading.Barrier(4), []

    def send() -> None:
        tab = web.test_client()
        tab.set_cookie(cookie.key, cookie.value, domain="localhost")
        start.wait(10)
        with clock.fixed(school.NOW):
            answers.append(post_note(tab, page).headers["Location"])

    tabs = [threading.Thread(target=send) for _ in range(4)]
    for thread in tabs:
        thread.start()
    for thread in tabs:
        thread.join()
    assert answers == ["/leerling/1-1"] * 4
    assert written(known_school) == 1


def test_who_changes_persona_with_a_double_click_is_that_persona(web: flask.Flask) -> None:
    client = as_persona(web, "hanna")
    page, cookie = mark_of(client), client.get_cookie("rondblik_session", domain="localhost")
    assert cookie is not None
    headers = {**OWN, PAGE_HEADER: page, ONCE_HEADER: TOKEN}
    for _ in range(2):
        client.set_cookie(cookie.key, cookie.value, domain="localhost")  # both left before the first answer came
        answer = client.post("/persona", data={"persona": "sam"}, base_url=HERE, headers=headers)
        assert answer.headers["Location"] == "/"
    assert "Sam de Groot" in shown_page(client, "/groep")


# -- what goes wrong is said ---------------------------------------------------------------------------------------


def test_a_session_that_ended_is_said_to_a_page_and_to_a_form(web: flask.Flask, known_school: Store) -> None:
    client = as_persona(web, "hanna")
    page = mark_of(client)
    client.delete_cookie("rondblik_session", domain="localhost")
    answer = post_note(client, page)
    assert (answer.status_code, answer.mimetype) == (401, "application/json")
    assert "Uw sessie is afgelopen" in (answer.json or {})["error"]
    bare = web.test_client().post("/leerling/notitie/1", data=NOTE, base_url=HERE, headers={"Accept": "text/html"})
    assert (bare.status_code, bare.mimetype) == (401, "text/html")
    assert 'href="/groep"' in bare.text
    assert written(known_school) == 0


@pytest.mark.parametrize(("accept", "media"), [("text/html", "text/html"), ("*/*", "text/plain")])
def test_a_database_that_is_away_is_said_in_words(
    web: flask.Flask, known_school: Store, accept: str, media: str
) -> None:
    with database.write_transaction(known_school.engine) as connection:
        connection.exec_driver_sql("DROP TABLE work_queue")
    answer = as_persona(web, "hanna").get(
        f"/toets/uitslag/{'A' * 22}/rapport.html", base_url=HERE, headers={"Accept": accept}
    )
    assert (answer.status_code, answer.mimetype) == (503, media)
    assert "De database van Rondblik antwoordt niet." in answer.text


@pytest.mark.parametrize("language", ["nl", "en"])
def test_the_texts_of_the_banner_come_with_the_page(web: flask.Flask, language: str) -> None:
    client = as_persona(web, "hanna")
    client.set_cookie("taal", language, domain="localhost")
    banner = re.search(r'<div id="trouble" role="alert"[^>]*></div>', client.get("/groep", base_url=HERE).text)
    assert banner is not None
    texts = {"nl": ("Opnieuw laden", "Deze pagina is gemaakt voor Hanna Vos"), "en": ("Load again", "made for Hanna")}
    assert all(text in banner[0] for text in texts[language])
