"""An administrator couples sources to fetch from, at the simulated LAS and publishers: tried first, then in use."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import flask
import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from connectors.simulator import answers, requests, server
from connectors.simulator.school import HORIZON
from dashboard.auth.request import AppOptions
from dashboard.auth.sessions import DemoUser
from dashboard.server.wsgi import create_app
from dashboard.settings import applying
from dashboard.settings.schema import Receive, School, SchoolIdentification, Settings
from dashboard.worker import loop
from dashboard.worker.context import WorkContext
from models.access.viewer import Role
from models.ingest import page_requests, schools, work_queue
from models.ingest.schools import Identification
from models.schema import clock, database
from models.schema.tables import (
    deliveries,
    metadata,
    own_connections,
    pupils,
    raw_messages,
    results,
    source_connections,
)
from tests.conftest import Store
from tests.connectors.loopback import serving
from tests.dashboard.school import NOW
from tests.dashboard.test_own_connections import audited, content_of, post
from tests.dashboard.test_web import as_persona, shown_page
from tests.dashboard.test_why import nodes_of, words

KEY = requests.key_for("rekenwijs", HORIZON)
ACCOUNT = {"customer_code": requests.CUSTOMER_CODE, "customer_name": requests.CUSTOMER_NAME}
SAM = DemoUser("sam", "Sam de Groot", Role.ADMINISTRATOR, None, 1)
OTHER = DemoUser("ander", "Ander", Role.ADMINISTRATOR, None, 2)
HANNA = DemoUser("hanna", "Hanna Vos", Role.SUPPORT, None, 1)


@pytest.fixture(scope="module")
def ports() -> Iterator[dict[str, int]]:
    with server.running() as ports:
        yield ports


@pytest.fixture
def two_schools(store: Store) -> Iterator[Store]:
    """De Horizon and Het Baken, without anything."""
    with clock.fixed(NOW):
        with database.write_transaction(store.engine) as connection:
            for brin, name in (("99XX", "De Horizon"), ("99YY", "Het Baken")):
                schools.ensure_school(connection, [Identification("brin", brin)], name)
        yield store


@pytest.fixture
def app(two_schools: Store) -> flask.Flask:
    return create_app(two_schools.engine, two_schools.cipher, AppOptions(demo=True, users=[SAM, OTHER, HANNA]))


def worker(store: Store, *, loopback: bool = True) -> WorkContext:
    return WorkContext(store.engine, store.cipher, receive=Receive(check_loopback=loopback))


def soap(ports: dict[str, int], **changed: str) -> dict[str, str]:
    """What an administrator types for Rekenwijs."""
    return {"naam": "Rekenwijs", "address": f"http://127.0.0.1:{ports['rekenwijs']}/", "key": KEY, **ACCOUNT, **changed}


def tried(client: FlaskClient, context: WorkContext, path: str, form: dict[str, str]) -> tuple[str, str]:
    """The page of the connection after a trial, and the words of its outcome."""
    answer = post(client, path, **form)
    assert answer.status_code == 303, answer.text
    page, _, search = answer.headers["Location"].partition("?")
    assert "Een ogenblik" in outcome(client, page, search)
    assert loop.work_once(context)
    return page, outcome(client, page, search)


def outcome(client: FlaskClient, page: str, search: str) -> str:
    content = content_of(shown_page(client, page, f"?{search}"))
    (place,) = [node for node in nodes_of(content, "Div") if node["props"].get("id") == "trial-outcome"]
    return " ".join(words(place).split())


def typed_in(page: str) -> dict[str, Any]:
    """What stands in the fields of a form."""
    content = content_of(page)
    inputs = [node["props"] for node in nodes_of(content, "Input")]
    return {props["name"]: props.get("value") or "" for props in inputs if "name" in props}


def rows(store: Store, table: Any) -> int:
    with database.read_transaction(store.engine) as connection:
        return int(connection.scalar(select(func.count()).select_from(table)) or 0)


def work(context: WorkContext) -> None:
    while loop.work_once(context):
        pass


def test_a_publisher_is_tried_taken_in_use_changed_and_removed(
    two_schools: Store, app: flask.Flask, ports: dict[str, int], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    client, context = as_persona(app, "sam"), worker(two_schools)
    page, shown = tried(client, context, "/koppelingen/nieuw/soap", soap(ports))
    assert re.search(
        r"Het werkt\. Er kwamen \S+ resultaten van \d+ leerlingen; 0 daarvan staan in de leerlinglijst\.", shown
    )
    assert [rows(two_schools, table) for table in (results, deliveries, raw_messages, source_connections)] == [0] * 4
    assert "Toegevoegd en nog niet in gebruik" in shown_page(client, "/koppelingen")
    assert KEY not in shown_page(client, page)
    assert typed_in(shown_page(client, page))["key"] == ""

    assert post(client, f"{page}/gebruik").status_code == 303
    work(context)
    stored = rows(two_schools, results)
    assert stored > 0
    with clock.fixed(NOW.replace(hour=NOW.hour + 2)):
        assert work_queue.due_threads(two_schools.engine) == ["source 1"]
    applying.apply(
        Settings(schools=(School(name="De Horizon", identifications=(SchoolIdentification(brin="99XX"),)),)),
        two_schools.engine,
    )
    listed = shown_page(client, "/koppelingen")
    assert "Rekenwijs" in listed
    assert "niet verbonden" not in listed

    elsewhere = post(client, f"{page}/proberen", **soap(ports, key="", address="https://uwlr.voorbeeld.nl/"))
    assert (elsewhere.status_code, "andere server" in elsewhere.get_json()["error"]) == (422, True)
    _, shown = tried(client, context, f"{page}/proberen", soap(ports, key="", every="5"))
    assert "Het werkt." in shown
    assert "wijzigingen hieronder gelden nog niet" in shown_page(client, page)
    assert post(client, f"{page}/verwerpen").status_code == 303
    assert typed_in(shown_page(client, page))["every"] == ""

    assert post(client, f"{page}/weg").status_code == 303
    assert rows(two_schools, results) == stored
    assert rows(two_schools, own_connections) == 0
    assert work_queue.claim_poll(two_schools.engine, 1, 1) is None
    events = audited(two_schools)
    assert [json.loads(event.about)["action"] for event in events if event.kind == "Administered"] == [
        "connection tried", "connection in use", "connection tried", "connection changes dropped", "connection removed",
    ]  # fmt: skip
    assert KEY not in caplog.text + repr(events)
    with database.read_transaction(two_schools.engine) as connection:
        assert all(KEY not in repr(connection.execute(select(table)).all()) for table in metadata.sorted_tables)


def test_what_is_refused_says_what_to_do_keeps_what_was_typed_and_cannot_be_used(
    two_schools: Store, app: flask.Flask, ports: dict[str, int]
) -> None:
    client, context = as_persona(app, "sam"), worker(two_schools)
    page, shown = tried(client, context, "/koppelingen/nieuw/soap", soap(ports, key="verkeerd", every="30"))
    assert "Het lukt nog niet met Rekenwijs." in shown
    assert "de sleutel geldt niet" in shown
    kept = typed_in(shown_page(client, page))
    assert (kept["naam"], kept["every"], kept["customer_code"]) == ("Rekenwijs", "30", "RB")
    unused = post(client, f"{page}/gebruik")
    assert (unused.status_code, "Probeer deze instellingen eerst" in unused.get_json()["error"]) == (422, True)
    with serving(lambda handler: handler.say(b"<html>welkom</html>", content_type="text/html")) as other:
        _, shown = tried(client, context, f"{page}/proberen", soap(ports, key=KEY, address=other.url))
    assert "webpagina; controleer het adres" in shown
    _, shown = tried(client, context, f"{page}/proberen", soap(ports, address="http://127.0.0.1:9/"))
    assert "niet bereikbaar; probeer het zo nog eens" in shown
    assert rows(two_schools, deliveries) == 0


def test_a_school_has_a_few_trials_under_way_and_keeps_what_was_typed(
    two_schools: Store, app: flask.Flask, ports: dict[str, int]
) -> None:
    client = as_persona(app, "sam")
    names = [f"Uitgever {number}" for number in range(page_requests.MAX_OPEN_OF_ONE + 1)]
    pages = [post(client, "/koppelingen/nieuw/soap", **soap(ports, naam=name)).headers["Location"] for name in names]
    assert ["proef=" in page for page in pages] == [True] * page_requests.MAX_OPEN_OF_ONE + [False]
    shown = shown_page(client, pages[-1])
    assert "worden nog geprobeerd" in shown
    assert typed_in(shown)["naam"] == names[-1]


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"every": "0"}, "Minuten tussen twee keer ophalen moet 1 of meer zijn."),
        ({"address": "http://uitgever.nl/uwlr"}, "Adres is geen adres dat gebruikt kan worden"),
        ({"address": ""}, "Adres ontbreekt; vul hem in."),
        ({"customer_name": ""}, "Klantnaam moet 1 tot 64 tekens hebben"),
        ({"school_year": "2026"}, "Schooljaar is geen schooljaar"),
        ({"naam": ""}, "Naam is te kort; vul ten minste 1 teken in."),
        ({"naam": "x" * 41}, "Vul de naam van de leverancier in, met hoogstens 40 tekens."),
        ({"header_name": "Met spatie"}, "Naam van de HTTP-header bevat een naam of waarde die HTTP niet toestaat"),
    ],
)
def test_a_field_is_refused_with_the_sentence_of_the_configuration(
    two_schools: Store, app: flask.Flask, ports: dict[str, int], changed: dict[str, str], sentence: str
) -> None:
    answer = post(as_persona(app, "sam"), "/koppelingen/nieuw/soap", **soap(ports, **changed))
    assert answer.status_code == 422
    assert answer.get_json()["error"].startswith(sentence)
    assert rows(two_schools, own_connections) == 0


def test_a_pupil_administration_is_coupled_and_a_school_has_one(
    two_schools: Store, app: flask.Flask, ports: dict[str, int]
) -> None:
    client, context = as_persona(app, "sam"), worker(two_schools)
    form = {"naam": "Schoolbeheer", "address": f"http://127.0.0.1:{ports[server.LAS]}/", **ACCOUNT}
    form |= {"key": requests.key_for(server.LAS, HORIZON), "profile": "edexml"}
    page, shown = tried(client, context, "/koppelingen/nieuw/las", form)
    assert re.search(r"Het werkt\. Dit kwam er: \d+ leerlingen, \d+ groepen en \d+ leraren\.", shown)
    assert rows(two_schools, pupils) == 0
    assert post(client, f"{page}/gebruik").status_code == 303
    work(context)
    assert rows(two_schools, pupils) > 100
    second = post(client, "/koppelingen/nieuw/las", **form | {"naam": "Ander"})
    assert (second.status_code, "heeft al een leerlingadministratie" in second.get_json()["error"]) == (422, True)
    _, shown = tried(client, context, "/koppelingen/nieuw/soap", soap(ports))
    counts = re.search(r"van (\d+) leerlingen; (\d+) daarvan staan in de leerlinglijst", shown)
    assert counts is not None
    assert 100 < int(counts[2]) <= int(counts[1])


def test_a_file_at_an_address_is_coupled_with_its_header(
    two_schools: Store, app: flask.Flask, ports: dict[str, int]
) -> None:
    client, context = as_persona(app, "sam"), worker(two_schools)
    form = {"naam": "Toetsvolg", "address": f"http://127.0.0.1:{ports['toetsvolg']}{answers.ARCHIVE_PATH}"}
    page, shown = tried(client, context, "/koppelingen/nieuw/https", form)
    assert "laat ons niet toe (HTTP 401)" in shown
    header = {"header_name": "Authorization", "header_value": f"Bearer {answers.ARCHIVE_TOKEN}"}
    page, shown = tried(client, context, f"{page}/proberen", form | header)
    assert "Het werkt." in shown
    assert answers.ARCHIVE_TOKEN not in shown_page(client, page)
    assert post(client, f"{page}/gebruik").status_code == 303
    work(context)
    assert rows(two_schools, results) > 0


def test_an_address_on_this_machine_or_network_is_not_called_unless_that_is_allowed(
    two_schools: Store, app: flask.Flask, ports: dict[str, int]
) -> None:
    client, closed = as_persona(app, "sam"), worker(two_schools, loopback=False)
    with serving(lambda handler: handler.say(b"")) as here:
        page, shown = tried(client, closed, "/koppelingen/nieuw/soap", soap(ports, address=here.url))
        port = urlsplit(here.url).port
        assert "niet op het openbare internet" in shown
        for host in (f"localhost:{port}", f"[::1]:{port}"):
            _, shown = tried(client, closed, f"{page}/proberen", soap(ports, address=f"https://{host}/"))
            assert "niet op het openbare internet" in shown
        for host in ("10.0.0.1", "192.168.1.1", "169.254.169.254"):
            _, shown = tried(client, worker(two_schools), f"{page}/proberen", soap(ports, address=f"https://{host}/"))
            assert "niet op het openbare internet" in shown
        assert here.asked == []
    _, shown = tried(client, worker(two_schools), f"{page}/proberen", soap(ports))
    assert "Het werkt." in shown
    assert post(client, f"{page}/gebruik").status_code == 303
    work(closed)  # it is looked at again at each poll
    assert rows(two_schools, results) == 0
    assert "niet op het openbare internet" in shown_page(client, "/koppelingen")


def test_nobody_else_sees_tries_or_uses_it(two_schools: Store, app: flask.Flask, ports: dict[str, int]) -> None:
    sam, context = as_persona(app, "sam"), worker(two_schools)
    answer = post(sam, "/koppelingen/nieuw/soap", **soap(ports))
    page, _, search = answer.headers["Location"].partition("?")
    work(context)
    other, hanna = as_persona(app, "ander"), as_persona(app, "hanna")
    for client in (other, hanna):
        assert "Rekenwijs" not in shown_page(client, page, f"?{search}")
    for what in ("proberen", "gebruik", "verwerpen", "weg"):
        assert post(other, f"{page}/{what}", **soap(ports)).status_code == 422
        assert post(hanna, f"{page}/{what}", **soap(ports)).status_code == 403
    assert post(hanna, "/koppelingen/nieuw/soap", **soap(ports)).status_code == 403
    assert "In gebruik nemen" in json.dumps(shown_page(sam, page, f"?{search}"))
