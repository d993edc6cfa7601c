"""A refused message on the screen of an administrator: covered, judged anew, and of the own school only."""

from __future__ import annotations

import json
from collections.abc import Iterator

import flask
import pytest
from flask.testing import FlaskClient

from connectors.intake.judge import spool
from connectors.intake.push import ReceiverContext, deliver
from dashboard.auth.request import AppOptions
from dashboard.auth.sessions import DemoUser
from dashboard.auth.start_codes import start_path
from dashboard.server.wsgi import create_app
from dashboard.worker.context import WorkContext
from dashboard.worker.loop import work_once
from models.access.viewer import Role
from models.ingest import senders
from models.ingest.schools import Identification
from models.schema import clock, database
from models.schema.terms import SenderTerms
from tests.conftest import Store
from tests.connectors.sending import account, enveloped
from tests.dashboard.markup import expanded
from tests.dashboard.school import NOW
from tests.dashboard.test_why import nodes_of, words
from tests.uwlr.messages import message

SAME = {"Sec-Fetch-Site": "same-origin"}
OWN = DemoUser("beheerder", "Beheerder", Role.ADMINISTRATOR, None, 1)
OTHER = DemoUser("ander", "Ander", Role.ADMINISTRATOR, None, 2)
TEACHER = DemoUser("leraar", "Leraar", Role.TEACHER, None, 1)


@pytest.fixture(autouse=True)
def _noon() -> Iterator[None]:
    with clock.fixed(NOW):
        yield


@pytest.fixture
def refused(store: Store) -> int:
    """The number of a message that was refused for its version; its sender has two schools."""
    schools = (Identification("brin", "99XX"), Identification("brin", "99YY"))
    sender = account(store.engine, store.cipher, "Rekenwijs", *schools, terms=SenderTerms(versions=("2.3",)))
    with spool([enveloped(message(leerlingid="leerling-4711"), sender.header)]) as spooled:
        receipt = deliver(ReceiverContext(store.engine, store.cipher), spooled)
    assert receipt.fault == "Client.XsdVersieOngeldig"
    return receipt.delivery_id


def client_of(store: Store, user: DemoUser) -> FlaskClient:
    app: flask.Flask = create_app(store.engine, store.cipher, AppOptions(demo=True, users=[user]))
    client = app.test_client()
    client.get(start_path(app), base_url="http://127.0.0.1", follow_redirects=True)
    return client


def post(client: FlaskClient, path: str) -> tuple[int, str]:
    answer = client.post(path, base_url="http://127.0.0.1", headers=SAME)
    return answer.status_code, answer.headers.get("Location", "")


def page(client: FlaskClient, path: str) -> str:
    """The layout of a page, as Dash asks for it."""
    body = {
        "output": ".._pages_content.children..._pages_store.data..", "changedPropIds": [],
        "outputs": [{"id": "_pages_content", "property": "children"}, {"id": "_pages_store", "property": "data"}],
        "inputs": [
            {"id": "_pages_location", "property": "pathname", "value": path},
            {"id": "_pages_location", "property": "search", "value": ""},
        ],
    }  # fmt: skip
    answer = client.post("/_dash-update-component", json=body, base_url="http://127.0.0.1", headers=SAME)
    assert answer.status_code == 200
    return json.dumps(answer.get_json(), ensure_ascii=False)


def test_an_administrator_sees_the_message_covered_and_has_it_judged_anew(store: Store, refused: int) -> None:
    client, context = client_of(store, OWN), WorkContext(store.engine, store.cipher)
    assert f"/koppelingen/geweigerd/{refused}" in page(client, "/koppelingen")
    status, path = post(client, f"/koppelingen/geweigerd/{refused}")
    assert status == 303
    assert "Een ogenblik" in page(client, path)
    assert work_once(context)
    shown = page(client, path)
    assert "<score>7</score>" in shown
    assert "leerling-4711" not in shown
    _, path = post(client, f"/koppelingen/opnieuw/{refused}")
    assert work_once(context)
    assert "Het is opnieuw geweigerd." in page(client, path)
    with database.write_transaction(store.engine) as connection:
        senders.set_terms(connection, senders.by_name(connection, "Rekenwijs").source_id, SenderTerms())
    _, path = post(client, f"/koppelingen/opnieuw/{refused}")
    assert work_once(context)
    assert "1 resultaat is opgeslagen." in page(client, path)
    assert f"/koppelingen/geweigerd/{refused}" not in page(client, "/koppelingen")
    _, path = post(client, f"/koppelingen/geweigerd/{refused}")
    assert work_once(context)
    assert "niet (meer) bewaard" in page(client, path)


def test_nobody_else_sees_it(store: Store, refused: int) -> None:
    context = WorkContext(store.engine, store.cipher)
    _, own_path = post(client_of(store, OWN), f"/koppelingen/geweigerd/{refused}")
    assert work_once(context)
    for user in (OTHER, TEACHER):
        client = client_of(store, user)
        assert "score" not in page(client, own_path)
        assert "<score>7" not in page(client, own_path.replace("/koppelingen/bericht/", "/toets/uitslag/"))
    token = own_path.rpartition("/")[2]
    for kind in ("html", "json", "xml"):
        assert client.get(f"/toets/uitslag/{token}/rapport.{kind}", base_url="http://127.0.0.1").status_code == 404
    assert post(client_of(store, TEACHER), f"/koppelingen/geweigerd/{refused}")[0] == 403
    _, path = post(client_of(store, OTHER), f"/koppelingen/geweigerd/{refused}")
    assert work_once(context)
    shown = page(client_of(store, OTHER), path)
    assert "niet (meer) bewaard" in shown
    assert "score" not in shown


def test_another_site_cannot_ask_for_it(store: Store, refused: int) -> None:
    client = client_of(store, OWN)
    answer = client.post(
        f"/koppelingen/opnieuw/{refused}", base_url="http://127.0.0.1", headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert answer.status_code == 403
    assert not work_once(WorkContext(store.engine, store.cipher))


def test_the_refused_message_opens_at_the_fault_and_marks_it(store: Store) -> None:
    sender = account(store.engine, store.cipher, "Rekenwijs", Identification("brin", "99XX"))
    wrong = message(leerlingid="leerling-4711").replace(b"<score>7</score>", b"<score>zeven</score>")
    with spool([enveloped(wrong, sender.header)]) as spooled:
        delivery_id = deliver(ReceiverContext(store.engine, store.cipher), spooled).delivery_id
    client = client_of(store, OWN)
    _, path = post(client, f"/koppelingen/geweigerd/{delivery_id}")
    assert work_once(WorkContext(store.engine, store.cipher))
    shown = expanded(json.loads(page(client, path)))["response"]["_pages_content"]["children"]
    marks = [" ".join(words(node).split()) for node in nodes_of(shown, "Mark")]
    assert marks
    assert all("<score>" in mark for mark in marks)
    [whole] = [node for node in nodes_of(shown, "Details") if "Het hele bericht" in words(node)]
    assert not whole["props"].get("open")
    assert words(shown).index(marks[0]) < words(shown).index("Het hele bericht")
    assert "leerling-4711" not in json.dumps(shown)
