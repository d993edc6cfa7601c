"""What the web app answers, to whom, and with which headers."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from typing import Any

import flask
import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, text
from werkzeug.datastructures import MultiDict

from dashboard.auth.request import AppOptions
from dashboard.auth.start_codes import start_path
from dashboard.pages.class_page.page import OPTIONS
from dashboard.server.wsgi import create_app
from dashboard.ui.filters import CONTROLS
from models.schema import clock, database
from models.schema.encrypted_columns import place
from models.schema.tables import notes
from tests.conftest import Store
from tests.dashboard import school
from tests.dashboard.conftest import PERSONAS
from tests.dashboard.markup import Shown, shown

HERE = "http://localhost"
CALLBACK = "/_dash-update-component"
OWN = {"Sec-Fetch-Site": "same-origin"}


def begun(web: flask.Flask) -> FlaskClient:
    """A browser in which the address was opened that the program prints."""
    client = web.test_client()
    assert client.get(start_path(web), base_url=HERE, follow_redirects=True).status_code == 200
    return client


def as_persona(web: flask.Flask, key: str) -> FlaskClient:
    """A browser that looks as somebody."""
    client = begun(web)
    answer = client.post("/persona", data={"persona": key}, base_url=HERE, headers=OWN)
    assert answer.status_code == 303
    return client


def shown_page(client: FlaskClient, path: str, search: str = "") -> str:
    """What the browser gets to show for an address."""
    outputs = [{"id": "_pages_content", "property": "children"}, {"id": "_pages_store", "property": "data"}]
    body = {
        "output": ".._pages_content.children..._pages_store.data..",
        "outputs": outputs,
        "inputs": [
            {"id": "_pages_location", "property": "pathname", "value": path},
            {"id": "_pages_location", "property": "search", "value": search},
        ],
        "changedPropIds": ["_pages_location.pathname"],
    }
    answer = shown(client.post(CALLBACK, json=body, base_url=HERE, headers=OWN))
    assert answer.status_code == 200
    return answer.text


# -- the guard -----------------------------------------------------------------------------------------------------


def test_the_printed_address_starts_a_session_as_the_first_persona(web: flask.Flask) -> None:
    client = web.test_client()
    answer = client.get(start_path(web), base_url=HERE)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    client.get("/", base_url=HERE)
    assert "Hanna Vos" in shown_page(client, "/")


@pytest.mark.parametrize("path", [CALLBACK, "/persona"])
def test_a_post_without_a_session_is_401(web: flask.Flask, path: str) -> None:
    assert web.test_client().post(path, json={}, base_url=HERE).status_code == 401


@pytest.mark.parametrize("path", ["/_dash-layout", "/_dash-dependencies", "/_reload-hash"])
def test_the_inside_of_dash_without_a_session_is_401(web: flask.Flask, path: str) -> None:
    assert web.test_client().get(path, base_url=HERE).status_code == 401


def test_a_made_up_session_is_none(web: flask.Flask) -> None:
    client = web.test_client()
    client.set_cookie("rondblik_session", "x" * 43, domain="localhost")
    assert client.post(CALLBACK, json={}, base_url=HERE).status_code == 401


@pytest.mark.parametrize("host", ["http://rondblik.example", "http://192.168.1.2:8050", "http://localhost.example"])
def test_another_host_name_is_refused(web: flask.Flask, host: str) -> None:
    answer = web.test_client().get("/health", base_url=host)
    assert (answer.status_code, answer.mimetype) == (403, "text/plain")
    assert len(answer.text.strip().splitlines()) == 1


@pytest.mark.parametrize("host", ["http://localhost:8123", "http://127.0.0.1:8050", "http://127.0.0.1"])
def test_the_own_machine_is_answered_on_any_port(web: flask.Flask, host: str) -> None:
    assert web.test_client().get("/health", base_url=host).status_code == 200


@pytest.mark.parametrize("name", ["Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"])
def test_a_forwarded_request_is_refused(web: flask.Flask, name: str) -> None:
    assert web.test_client().get("/", base_url=HERE, headers={name: "x"}).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
    ],
)
def test_a_post_from_another_site_is_refused(web: flask.Flask, headers: dict[str, str]) -> None:
    client = as_persona(web, "hanna")
    answer = client.post("/persona", data={"persona": "sam"}, base_url=HERE, headers=headers)
    assert answer.status_code == 403
    assert "Hanna Vos" in shown_page(client, "/groep")


def test_a_refusal_is_logged_by_kind_and_route_alone(web: flask.Flask, caplog: pytest.LogCaptureFixture) -> None:
    client, stranger = as_persona(web, "hanna"), web.test_client()
    secret = {"persona": "geheim"}
    client.get("/groep?klas=geheim", base_url="http://geheim.example")
    client.get("/groep?klas=geheim", base_url=HERE, headers={"X-Forwarded-For": "geheim"})
    client.post("/persona", data=secret, base_url=HERE, headers={"Origin": "http://geheim.example"})
    client.post("/persona", data=secret, base_url=HERE, headers={**OWN, "X-Rondblik-Page": "geheim"})
    client.post("/persona", data=secret, base_url=HERE, headers={**OWN, "X-Rondblik-Once": "geheim"})
    client.post(CALLBACK, data="[1]", content_type="application/json", base_url=HERE, headers=OWN)
    stranger.post(CALLBACK, json=secret, base_url=HERE)
    lines = [(record.levelname, record.getMessage()) for record in caplog.records if record.name == "rondblik.guard"]
    assert lines == [
        ("WARNING", "refused: host at /<path:path>"),
        ("WARNING", "refused: forwarded at /<path:path>"),
        ("WARNING", "refused: another site at switch_user"),
        ("WARNING", "refused: another viewer at switch_user"),
        ("WARNING", "refused: no token at switch_user"),
        ("WARNING", "refused: odd body at /_dash-update-component"),
        ("WARNING", "refused: no session at /_dash-update-component"),
    ]
    assert "geheim" not in caplog.text


def test_a_flood_of_refusals_does_not_fill_the_log(web: flask.Flask, caplog: pytest.LogCaptureFixture) -> None:
    client = web.test_client()
    for _time in range(100):
        assert client.get("/groep", base_url="http://rondblik.example").status_code == 403
    assert client.post(CALLBACK, json={}, base_url=HERE).status_code == 401
    lines = [record.getMessage() for record in caplog.records if record.name == "rondblik.guard"]
    assert 1 <= sum("host" in line for line in lines) <= 21
    assert sum("no session" in line for line in lines) == 1


def test_every_answer_has_the_headers_that_keep_it_in(web: flask.Flask) -> None:
    answer = as_persona(web, "hanna").get("/groep", base_url=HERE)
    policy = answer.headers["Content-Security-Policy"]
    assert "unsafe-eval" not in policy
    assert "script-src 'self' 'sha256-" in policy
    assert "http" not in policy
    assert {"default-src 'none'", "object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"} <= set(
        policy.split("; ")
    )
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"


def test_the_first_html_holds_no_names_of_pupils(web: flask.Flask) -> None:
    first = as_persona(web, "iris").get("/groep", base_url=HERE).text
    assert not [last for _, _, last in school.NAMES if last in first]


# -- health and ready ----------------------------------------------------------------------------------------------


def test_health_answers_for_process_and_database(web: flask.Flask) -> None:
    answer = web.test_client().get("/health", base_url=HERE)
    assert answer.json == {"process": "ok", "database": "ok"}


def test_a_new_school_without_results_is_ready_and_one_of_another_version_is_not(
    web: flask.Flask, known_school: Store
) -> None:
    with database.write_transaction(known_school.engine) as connection:
        connection.execute(text("DELETE FROM deliveries"))
    assert web.test_client().get("/ready", base_url=HERE).status_code == 200
    with database.write_transaction(known_school.engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert web.test_client().get("/ready", base_url=HERE).status_code == 503


def test_a_store_without_a_roster_shows_that_there_is_nothing_yet(store: Store) -> None:
    with clock.fixed(school.NOW):
        web = create_app(store.engine, store.cipher, AppOptions(demo=False, users=PERSONAS[4:5]))
        client = begun(web)
        assert "Nog geen groepen" in shown_page(client, "/groep")


# -- who sees what -------------------------------------------------------------------------------------------------


def test_a_teacher_reads_their_class_and_another_teacher_does_not(web: flask.Flask) -> None:
    assert "Aïsha Bouzid" in shown_page(as_persona(web, "hanna"), "/groep", "?klas=1")
    assert "Aïsha Bouzid" not in shown_page(as_persona(web, "joris"), "/groep", "?klas=1")


def test_on_the_first_of_august_the_next_request_shows_nothing_of_the_last_year(
    web: flask.Flask, known_school: Store
) -> None:
    last_minute = datetime(2027, 7, 31, 23, 59, tzinfo=clock.AMSTERDAM)
    pages = {"/groep": "?klas=1-1", "/leerlingen": "", "/leerling/1-1": ""}
    with clock.fixed(last_minute):
        client = as_persona(web, "hanna")
        before = {path: shown_page(client, path, search) for path, search in pages.items()}
    with clock.fixed(last_minute + timedelta(minutes=1)):  # the same session, and no pupil list in between
        after = {path: shown_page(client, path, search) for path, search in pages.items()}
    for path in pages:
        assert "Bouzid" in before[path], path
        assert not [last for _first, _prefix, last in school.NAMES if last in after[path]], path


def test_a_pupil_of_another_class_is_a_sentence_and_nothing_else(web: flask.Flask) -> None:
    other = shown_page(as_persona(web, "joris"), "/leerling/1")
    assert "U mag deze leerling niet zien" in other
    assert "Aïsha" not in other


def test_couplings_are_a_sentence_for_who_is_no_administrator(web: flask.Flask) -> None:
    assert "alleen voor beheerders" in shown_page(as_persona(web, "hanna"), "/koppelingen")
    administered = shown_page(as_persona(web, "sam"), "/koppelingen")
    assert "Stiltewerk" in administered
    assert "20417" in administered
    assert "Stuur dit door aan Vraagstuk:" in administered
    assert "Laatste gegevens" in administered


def test_the_line_over_the_sources_says_how_many_delivered_and_which_fail(web: flask.Flask) -> None:
    shown = shown_page(as_persona(web, "hanna"), "/groep")
    assert "4 van 5 uitgevers leverden deze week." in shown
    assert "1 heeft nu een storing." in shown
    assert "Peillijn het laatst ma 23 nov om 6:30." in shown
    assert "Stiltewerk heeft sinds wo 18 nov om 6:30 niets geleverd." in shown


GROUP_OUTPUTS = (
    "group-content.children",
    "group-query.data",
    "shown-pupils.children",
    *(f"{name}.data" for name in OPTIONS),
    *(f"{name}.value" for name in CONTROLS),
)
GROUP_OUTPUT = f"..{'...'.join(GROUP_OUTPUTS)}.."


def group_callback(client: FlaskClient, query: str = "", asked: object = None, **values: object) -> Shown:
    """The answer to the filters of the class screen; a control that is not named stands at its default.

    `query` is the address as the page knows it; `asked` is an address that a link, Back or Forward asks for.
    """
    return shown(client.post(CALLBACK, json=group_request(query, asked, **values), base_url=HERE, headers=OWN))


def group_request(query: str = "", asked: object = None, **values: object) -> dict[str, object]:
    """What the browser sends for the filters of the class screen."""
    return {
        "output": GROUP_OUTPUT,
        "outputs": [dict(zip(("id", "property"), item.split("."), strict=True)) for item in GROUP_OUTPUTS],
        "inputs": [
            {"id": "group-asked", "property": "data", "value": asked},
            *({"id": name, "property": "value", "value": values.get(name, "")} for name in CONTROLS),
        ],
        "state": [{"id": "group-query", "property": "data", "value": query}],
        "changedPropIds": ["klas.value" if asked is None else "group-asked.data"],
    }


def test_filters_of_the_screen_end_up_in_the_address(web: flask.Flask) -> None:
    chosen = {"periode": "tweejaar", "vak": "arithmetic", "uitgever": "1", "weergave": "materiaal"}
    answer = group_callback(as_persona(web, "iris"), "?stand=ruim", klas=["1", "2"], **chosen).json
    query = answer["response"]["group-query"]["data"]
    assert query == "?klas=1-1,1-2&periode=tweejaar&vak=arithmetic&uitgever=1&weergave=materiaal&stand=ruim"


def test_an_address_that_is_asked_for_gives_the_content_and_the_controls(web: flask.Flask) -> None:
    client = as_persona(web, "iris")
    asked = {"search": "?klas=2&periode=tweejaar&vak=arithmetic&stand=ruim", "at": 1}
    said = group_callback(client, "?klas=1&stand=weinig", asked, klas=["1"], vak="spelling").json["response"]
    values = {name: said[name]["value"] for name in CONTROLS}
    assert values == dict.fromkeys(CONTROLS, "") | {
        "klas": ["2"], "periode": "tweejaar", "vak": "arithmetic", "weergave": "vak",
    }  # fmt: skip
    assert "group-query" not in said  # the browser has the address already
    assert "Groep 6b" in str(said["group-content"])


@pytest.mark.parametrize(
    "odd", ["", 7, True, [], {"a": 1}, {"search": 7}, {"search": "?klas=1"}, {"search": "x" * 9999}]
)
def test_an_odd_address_is_the_default_and_never_another_class(web: flask.Flask, odd: object) -> None:
    answer = group_callback(as_persona(web, "joris"), asked=odd, klas=["2"])
    assert answer.status_code == 200
    assert answer.json["response"]["klas"]["value"] == ["2"]
    assert "Bouzid" not in answer.text


@pytest.mark.parametrize(
    "odd",
    [
        None, True, 7, -1, 3.5, "", "x" * 5000, "1 OR 1=1", "'; DROP TABLE pupils; --", ["1", None, {"a": 1}],
        {"id": 1}, [[["1"]]], "2026-13-45_2026-99-99", "\u0661", "<script>alert(1)</script>", "9" * 40,
    ],
)  # fmt: skip
def test_odd_values_in_a_callback_are_the_default_and_never_another_class(web: flask.Flask, odd: object) -> None:
    client = as_persona(web, "joris")
    for name in CONTROLS:
        answer = group_callback(client, **{"klas": ["2"], name: odd})
        assert answer.status_code == 200
        assert "Bouzid" not in answer.text


@pytest.mark.parametrize("path", ["/leerling/1", "/leerling/x", "/leerling/../1", 7, None, ["/leerling/1"], {"a": 1}])
@pytest.mark.parametrize("index", ["2_2026-11-13_0", "x", 7, None])
def test_where_a_value_comes_from_is_told_to_nobody_else(web: flask.Flask, path: object, index: object) -> None:
    answer = as_persona(web, "joris").post(CALLBACK, json=asks_why(index, path), base_url=HERE, headers=OWN)
    assert answer.status_code in (200, 204)
    assert "Cijferpad" not in answer.text


def test_where_a_value_comes_from_is_told_to_the_teacher(web: flask.Flask) -> None:
    body = asks_why("2_2026-11-13_0", "/leerling/1")
    answer = as_persona(web, "hanna").post(CALLBACK, json=body, base_url=HERE, headers=OWN)
    assert "Cijferpad groep 6" in json.loads(answer.text)["response"].__repr__()


@pytest.mark.parametrize(("sent", "shown"), [("0058", "58"), ("58", "58"), ("+58.50", "58,50")])
def test_a_score_is_shown_plain_and_told_as_it_was_sent(
    web: flask.Flask, known_school: Store, sent: str, shown: str
) -> None:
    with database.write_transaction(known_school.engine) as connection:
        change = text("UPDATE results SET score_text = :sent WHERE test_id = 2 AND identifier_id = 1 AND part_id = 0")
        connection.execute(change, {"sent": sent})
    client = as_persona(web, "hanna")
    assert f'"children": "{shown}"' in shown_page(client, "/leerling/1")
    test_response = client.post(CALLBACK, json=asks_why("2_2026-11-13_0", "/leerling/1"), base_url=HERE, headers=OWN)
    assert f"De uitgever stuurde zelf {sent};" in test_response.text


def asks_why(index: object, path: object) -> dict[str, Any]:
    """The callback behind "Hoe komt dit getal tot stand?" on the page of a pupil."""
    return {
        "output": "..number-told.children...number.opened..",
        "outputs": [{"id": "number-told", "property": "children"}, {"id": "number", "property": "opened"}],
        "inputs": [{"id": "number-asked", "property": "data", "value": {"index": index, "at": 1}}],
        "state": [{"id": "_pages_location", "property": "pathname", "value": path}],
        "changedPropIds": ["number-asked.data"],
    }


def output_of(client: FlaskClient, kind: str) -> str:
    """The name of the callback that listens to the buttons of a kind."""
    dependencies = client.get("/_dash-dependencies", base_url=HERE).json or []
    return next(
        str(dependency["output"]) for dependency in dependencies if f'"type":"{kind}"' in dependency["inputs"][0]["id"]
    )


def test_a_coupling_callback_changes_nothing_for_who_is_no_administrator(web: flask.Flask, known_school: Store) -> None:
    asked = {"do": "stop", "index": school.SUMS, "type": "coupling"}
    changed = json.dumps(asked, separators=(",", ":")) + ".n_clicks"
    output = output_of(as_persona(web, "sam"), "coupling")
    names = [item.partition("@")[0].split(".") for item in output.removeprefix("..").removesuffix("..").split("...")]
    body = {
        "output": output,
        "outputs": [{"id": name, "property": prop} for name, prop in names],
        "inputs": [[{"id": asked, "property": "n_clicks", "value": 1}]],
        "changedPropIds": [changed],
    }
    for key, stopped in (("hanna", 0), ("noa", 0), ("sam", 1)):
        answer = as_persona(web, key).post(CALLBACK, json=body, base_url=HERE, headers=OWN)
        assert answer.status_code in (200, 204)
        with database.read_transaction(known_school.engine) as connection:
            row = connection.scalar(text("SELECT stopped FROM source_connections WHERE source_id = 1"))
        assert int(row) == stopped


# -- what goes wrong -----------------------------------------------------------------------------------------------

CLIENT_TEXT = "Jip Verzonnen"


@pytest.mark.parametrize(
    "body",
    [
        {"output": "x.y", "inputs": []}, {"output": f"{CLIENT_TEXT}.y", "inputs": []}, {}, [], CLIENT_TEXT, 7,
        {"output": GROUP_OUTPUT, "inputs": []}, {"output": GROUP_OUTPUT, "inputs": CLIENT_TEXT},
        {"output": GROUP_OUTPUT, "inputs": [{"id": CLIENT_TEXT}]}, {"output": {"a": 1}, "inputs": [], "outputs": 3},
        {"output": GROUP_OUTPUT, "inputs": [], "changedPropIds": 7}, {"output": None, "inputs": None},
    ],
)  # fmt: skip
def test_a_callback_that_no_page_sends_is_one_sentence_and_400(
    web: flask.Flask, caplog: pytest.LogCaptureFixture, body: object
) -> None:
    answer = as_persona(web, "hanna").post(CALLBACK, json=body, base_url=HERE, headers=OWN)
    assert (answer.status_code, answer.json) == (400, {"error": "Dit verzoek kent Rondblik niet."})
    assert CLIENT_TEXT not in caplog.text
    assert "Traceback" not in caplog.text


def test_a_callback_that_is_no_json_is_one_sentence(web: flask.Flask) -> None:
    client = as_persona(web, "hanna")
    broken = client.post(CALLBACK, data="{", content_type="application/json", base_url=HERE, headers=OWN)
    plain = client.post(CALLBACK, data="x", base_url=HERE, headers=OWN)
    assert (broken.status_code, plain.status_code) == (400, 400)
    assert set(broken.json or {}) == set(plain.json or {}) == {"error"}


def test_an_error_of_ours_is_one_sentence_and_the_log_holds_nothing_of_it(
    web: flask.Flask, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> str:
        raise ValueError(CLIENT_TEXT)

    web.view_functions["health"] = fail
    client = as_persona(web, "hanna")
    test_response = client.get("/health", base_url=HERE, headers={"Accept": "text/html"})
    assert (test_response.status_code, test_response.mimetype) == (500, "text/html")
    assert "Er ging iets mis in Rondblik." in test_response.text
    assert test_response.headers["Content-Security-Policy"]
    assert client.get("/health", base_url=HERE).mimetype == "text/plain"
    client.get("/?taal=en", base_url=HERE)
    assert "Something went wrong in Rondblik." in client.get("/health", base_url=HERE).text
    assert CLIENT_TEXT not in test_response.text + caplog.text
    assert "500: ValueError in fail" in caplog.text


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/assets/<b>niets</b>.css", 404),
        ("GET", "/_dash-component-suites/<b>niets</b>/x.js", 404),
        ("GET", "/_dash-component-suites/dash/<b>niets</b>.js", 404),
        ("PUT", "/groep", 405),
        ("TRACE", "/groep", 405),
        ("POST", "/persona", 413),
    ],
)
def test_what_is_not_there_or_too_large_is_one_sentence_and_nothing_of_the_request(
    web: flask.Flask, method: str, path: str, status: int
) -> None:
    client = as_persona(web, "hanna")
    headers = OWN | {"Accept": "text/html"}
    data = {"persona": "x" * 5_000_000} if status == 413 else None
    answer = client.open(path, method=method, base_url=HERE, headers=headers, data=data)
    assert (answer.status_code, answer.mimetype) == (status, "text/html")
    assert '<html lang="nl"' in answer.text
    assert "niets</b>" not in answer.text


# -- language ------------------------------------------------------------------------------------------------------


def test_the_page_states_its_language_and_english_is_kept(web: flask.Flask) -> None:
    client = as_persona(web, "hanna")
    assert '<html lang="nl"' in client.get("/", base_url=HERE).text
    answer = client.get("/groep?taal=en&klas=1", base_url=HERE)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/groep?klas=1-1")
    assert '<html lang="en"' in client.get("/", base_url=HERE).text
    assert "source does not deliver this" in shown_page(client, "/groep")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_states_its_colour_scheme(web: flask.Flask, scheme: str) -> None:
    client = begun(web)
    client.set_cookie("kleur", scheme, domain="localhost")
    assert f'data-colours="{scheme}"' in client.get("/", base_url=HERE).text


def test_couplings_stand_in_the_menu_of_who_may_administer_them(web: flask.Flask) -> None:
    link = '"href": "/koppelingen"'
    for user, there in (("hanna", False), ("noa", False), ("sam", True)):
        assert (link in shown_page(as_persona(web, user), "/groep")) is there


# -- what a browser is sent, and sends -----------------------------------------------------------------------------


def test_every_kind_of_answer_says_what_it_is_and_in_which_characters(web: flask.Flask) -> None:
    client = as_persona(web, "hanna")
    file = re.search(r"/groep/bestand/[\w-]+\.csv", shown_page(client, "/groep"))
    assert file is not None
    kinds = {
        "/": "text/html", "/health": "application/json", "/nergens/x": "text/html", "/assets/rondblik.css": "text/css",
        "/assets/guard.js": "text/javascript", "/_dash-layout": "application/json", file[0]: "text/csv",
        file[0].replace(".csv", ".html"): "text/html", "/afgemeld": "text/html",
        "/uwlr/leerresultaten?wsdl": "text/xml", "/groep?taal=en": "text/html",
    }  # fmt: skip
    for path, kind in kinds.items():
        answer = client.get(path, base_url=HERE)
        assert answer.mimetype == kind, path
        named = "application/json" in kind or "charset=utf-8" in answer.headers["Content-Type"].lower()
        assert named, (path, answer.headers["Content-Type"])
        answer.data.decode("utf-8")
    refused = client.post("/persona", data={"persona": "niemand"}, base_url=HERE, headers=OWN)
    assert refused.headers["Content-Type"] == "text/plain; charset=utf-8"


def test_a_form_stores_its_own_fields_once_and_no_others(web: flask.Flask, known_school: Store) -> None:
    client = as_persona(web, "hanna")
    more = {"school_id": "2", "pupil_id": "101", "author": "Ander", "author_id": "2", "written_us": "1", "id": "99"}
    body = MultiDict([("tekst", "Eerste"), ("soort", "note"), ("tekst", "Tweede"), ("soort", "agreement")])
    body.update(more)
    answer = client.post("/leerling/notitie/1?tekst=Derde&soort=agreement", data=body, base_url=HERE, headers=OWN)
    assert answer.status_code == 303
    with database.read_transaction(known_school.engine) as connection:
        (row,) = connection.execute(select(notes).order_by(notes.c.id.desc()).limit(1)).all()
        written = known_school.cipher.decrypt(row.sealed, place(notes.c.sealed, row.school_id, row.id)).decode()
    assert (written, row.kind, row.author, row.pupil_id, row.school_id) == ("Eerste", "note", "Hanna Vos", 1, 1)
    assert row.id != 99
    assert row.written_us > 1
