"""The pages for vendors: who may open them, what a token opens, what strange input does, and what nobody may see."""

from __future__ import annotations

import base64
import json
import logging
from typing import Any

import flask
import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from dashboard.auth.request import AppOptions
from dashboard.cli import serving
from dashboard.pages.vendor import actions as vendor_actions
from dashboard.pages.vendor import sandbox as vendor_sandbox
from dashboard.pages.vendor.requests import MAX_CONTENTS, Refused, read_endpoint, read_upload
from dashboard.server.wsgi import create_app
from dashboard.worker.context import WorkContext
from dashboard.worker.loop import work_once
from models.access.people import class_list, members, pupil, pupil_names, school_name
from models.access.viewer import Role, Viewer
from models.ingest import page_requests, schools, work_queue
from models.ingest.connection_overview import connection_overview
from models.ingest.identity import parked
from models.sandbox import sandboxes, situations
from models.sandbox.sandboxes import Sandbox
from models.schema import database
from models.schema.tables import test_rooms
from models.schema.tables import work_queue as work_queue_rows
from tests.conftest import Store
from tests.connectors.sending import Account, enveloped
from tests.dashboard import school
from tests.dashboard.conftest import PERSONAS, VENDOR
from tests.dashboard.test_web import CALLBACK, HERE, OWN, as_persona, shown_page
from tests.uwlr.messages import message

MADE_UP = "A" * 22
ODD: list[Any] = [
    None, True, 7, -1, 3.5, "", "x" * 5000, "'; DROP TABLE checks; --", ["1", None, {"a": 1}], {"id": 1}, "\ud800",
    "<script>alert(1)</script>", "9" * 400, "data:,", "data:x;base64,%%%", "\u0661", [], {}, 10**30,
]  # fmt: skip
ODD_PATHS: list[Any] = [
    None, 7, True, [], {}, "", "/", "/toets/proef/", "/toets/proef/x", f"/toets/proef/{MADE_UP}", "/toets/proef/\ud800",
    f"/toets/proef/{MADE_UP}/../x", "/toets/proef/" + "x" * 5000, ["/toets/proef/x"], f"/toets/uitslag/{MADE_UP}",
]  # fmt: skip


@pytest.fixture
def vendor(vendor_web: flask.Flask) -> FlaskClient:
    return as_persona(vendor_web, "leverancier")


@pytest.fixture
def sandbox(known_school: Store, vendor: FlaskClient) -> Sandbox:
    """A sandbox that was made by the button."""
    return made_sandbox(vendor, known_school)


def made_sandbox(vendor: FlaskClient, store: Store) -> Sandbox:
    """Press the button that makes a sandbox."""
    answer = vendor.post("/toets/proef", base_url=HERE, headers=OWN)
    assert answer.status_code == 303
    sandbox = sandboxes.find_sandbox(store.engine, store.cipher, answer.headers["Location"].rpartition("/")[2])
    assert sandbox is not None
    return sandbox


def page_of(sandbox: Sandbox) -> str:
    return f"/toets/proef/{sandbox.account.token}"


def again(store: Store, sandbox: Sandbox) -> Sandbox:
    """The room as it is now."""
    sandbox_now = sandboxes.find_sandbox(store.engine, store.cipher, sandbox.account.token)
    assert sandbox_now is not None
    return sandbox_now


def send(web: flask.Flask, sandbox: Sandbox, **changes: Any) -> str:
    """Send a message to the room's address; the body of the answer."""
    sandbox_account = sandbox.account
    options = {"brin": sandbox_account.brin, "leerlingid": "proef-01", **changes}
    header = Account(sandbox_account.customer_code, sandbox_account.customer_name, sandbox_account.key).header
    answer = web.test_client().post(
        f"/test/{sandbox_account.token}/uwlr/leerresultaten",
        data=enveloped(message(**options), header), content_type="text/xml", base_url=HERE,
    )  # fmt: skip
    return answer.text


def post(client: FlaskClient, path: str) -> int:
    return client.post(path, base_url=HERE, headers=OWN).status_code


def call(client: FlaskClient, listens: str, inputs: dict[str, Any], state: dict[str, Any]) -> Any:
    """The answer of the callback whose first input is `listens`, with these values by id.property."""
    dependencies = client.get("/_dash-dependencies", base_url=HERE).json or []
    found = next(
        dependency
        for dependency in dependencies
        if [f"{i['id']}.{i['property']}" for i in dependency["inputs"]][:1] == [listens]
        and dependency["clientside_function"] is None
    )
    named = [item.partition("@")[0].split(".") for item in found["output"].strip(".").split("...")]
    body = {
        "output": found["output"],
        "outputs": [{"id": name, "property": prop} for name, prop in named],
        "inputs": [{**_id(item), "value": inputs.get(_key(item))} for item in found["inputs"]],
        "state": [{**_id(item), "value": state.get(_key(item))} for item in found["state"]],
        "changedPropIds": [listens],
    }
    return client.post(CALLBACK, json=body, base_url=HERE, headers=OWN)


def _id(item: dict[str, str]) -> dict[str, str]:
    return {"id": item["id"], "property": item["property"]}


def _key(item: dict[str, str]) -> str:
    return f"{item['id']}.{item['property']}"


def tick(client: FlaskClient, path: Any, seen: Any = None, ticks: Any = 3) -> Any:
    state = {"_pages_location.pathname": path, "room-seen.data": seen}
    return call(client, "room-tick.n_intervals", {"room-tick.n_intervals": ticks}, state)


def upload(client: FlaskClient, contents: Any, name: Any = "bericht.xml") -> Any:
    return call(client, "upload-small.data", {"upload-small.data": contents}, {"upload.filename": name})


FORM = {
    "url": "https://uwlr.voorbeeld.example/soap?geheim=1", "kind": "publisher", "profile": "edexml", "brin": "99XX",
    "dependance": "00", "schoolkey": "", "school_year": "2026-2027", "customer_code": "K-1", "customer_name": "Klant",
    "key": "een-geheime-sleutel",
}  # fmt: skip


def endpoint(client: FlaskClient, **changes: Any) -> Any:
    state = {f"endpoint-{name}.value": value for name, value in {**FORM, **changes}.items()}
    return call(client, "endpoint-call.n_clicks", {"endpoint-call.n_clicks": 1}, state)


def count(store: Store, table: Any) -> int:
    with database.read_transaction(store.engine) as connection:
        return connection.scalar(select(func.count()).select_from(table)) or 0


def requests_of_pages(store: Store) -> int:
    return count(store, select(work_queue_rows).where(work_queue_rows.c.token_digest.is_not(None)).subquery())


def data_address(data: bytes) -> str:
    return "data:text/xml;base64," + base64.b64encode(data).decode()


# -- who -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/toets"])
def test_a_vendor_begins_at_the_page_to_test_a_coupling(vendor: FlaskClient, path: str) -> None:
    shown = shown_page(vendor, path)
    assert "Upload een bericht" in shown
    assert "geen certificering door Edustandaard" in shown
    assert '"/koppelingen"' not in shown
    assert '"/groep"' not in shown


@pytest.mark.parametrize("path", ["/", "/groep", "/groep?klas=1", "/leerling/1", "/koppelingen", "/toets"])
def test_a_vendor_sees_nothing_of_a_real_school(vendor: FlaskClient, path: str) -> None:
    shown = shown_page(vendor, path.partition("?")[0], "?" + path.partition("?")[2])
    for word in ("Bouzid", "Cijferpad", "De Wissel", "6a", "20417"):
        assert word not in shown


def test_no_query_gives_a_vendor_a_class_or_a_pupil(known_school: Store) -> None:
    for viewer in (VENDOR.viewer, Viewer(school.SCHOOL, Role.VENDOR, school.TEACHER_A, "x")):
        with database.read_transaction(known_school.engine) as connection:
            assert class_list(connection, viewer) == []
            assert members(connection, viewer, [school.CLASS_A]) == []
            assert pupil(connection, viewer, 1) is None
            assert pupil_names(connection, viewer) == []
            assert parked(connection, viewer, known_school.cipher) == []
        assert not viewer.may_administer
    with database.read_transaction(known_school.engine) as connection:
        assert school_name(connection, VENDOR.viewer) is None
        assert connection_overview(connection, Viewer(school.SCHOOL, Role.ADMINISTRATOR)).rows


def test_an_administrator_may_test_and_a_teacher_is_told_for_whom_it_is(
    vendor_web: flask.Flask, known_school: Store
) -> None:
    sam, hanna = as_persona(vendor_web, "sam"), as_persona(vendor_web, "hanna")
    assert "/toets" in shown_page(sam, "/groep")
    assert "Upload een bericht" in shown_page(sam, "/toets")
    assert '"/toets"' not in shown_page(hanna, "/groep")
    assert "voor beheerders en voor leveranciers" in shown_page(hanna, "/toets")
    assert post(hanna, "/toets/proef") == 403
    assert upload(hanna, data_address(message())).status_code == 204
    assert endpoint(hanna).status_code == 204
    assert (count(known_school, test_rooms), requests_of_pages(known_school)) == (0, 0)


def test_nobody_asks_for_anything_without_a_session_or_from_another_site(
    vendor_web: flask.Flask, vendor: FlaskClient, sandbox: Sandbox
) -> None:
    for path in ("/toets/proef", *(f"{page_of(sandbox)}/{what}" for what in ("bekijk", "terug", "rapport", "wissen"))):
        assert vendor_web.test_client().post(path, base_url=HERE).status_code == 401
        elsewhere = {"Sec-Fetch-Site": "cross-site"}
        assert vendor.post(path, base_url=HERE, headers=elsewhere).status_code == 403
        assert vendor.get(path, base_url=HERE).status_code == 200  # a page of the dashboard that is not there


# -- tokens --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("token", ["x", MADE_UP, "%ED%A0%80", "A" * 500, "'--", "..", "\u0661" * 22])
def test_a_wrong_token_opens_nothing(vendor: FlaskClient, sandbox: Sandbox, token: str) -> None:
    assert "Dit proefadres is er niet (meer)" in shown_page(vendor, f"/toets/proef/{token}")
    assert "Deze uitslag is er niet (meer)" in shown_page(vendor, f"/toets/uitslag/{token}")
    for what in ("bekijk", "rapport", "wissen"):
        assert post(vendor, f"/toets/proef/{token}/{what}") in (404, 405)
    assert post(vendor, f"/toets/proef/{token}/terug") in (303, 405)
    for kind in ("html", "json", "xml", "exe"):
        assert vendor.get(f"/toets/uitslag/{token}/rapport.{kind}", base_url=HERE).status_code in (200, 404)
        assert "attachment" not in str(vendor.get(f"/toets/uitslag/{token}/rapport.{kind}", base_url=HERE).headers)


def test_one_room_does_not_open_another(vendor_web: flask.Flask, vendor: FlaskClient, sandbox: Sandbox) -> None:
    other = vendor.post("/toets/proef", base_url=HERE, headers=OWN).headers["Location"]
    send(vendor_web, sandbox)
    assert "Er is nog niets binnengekomen" in shown_page(vendor, other)
    assert sandbox.account.key not in shown_page(vendor, other)


def test_the_token_is_in_no_log(
    vendor_web: flask.Flask,
    vendor: FlaskClient,
    sandbox: Sandbox,
    known_school: Store,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    send(vendor_web, sandbox)
    shown_page(vendor, page_of(sandbox))
    tick(vendor, page_of(sandbox), ticks=[])
    tick(vendor, 7)
    for what in ("rapport", "bekijk", "terug", "wissen", "rapport"):
        post(vendor, f"{page_of(sandbox)}/{what}")
    while work_once(WorkContext(known_school.engine, known_school.cipher)):
        pass
    assert sandbox.account.token not in caplog.text
    assert sandbox.account.key not in caplog.text


# -- what comes from a browser -------------------------------------------------------------------------------------


@pytest.mark.parametrize("odd", ODD)
def test_odd_values_in_a_callback_are_refused_in_a_sentence_or_do_nothing(
    vendor: FlaskClient, sandbox: Sandbox, known_school: Store, odd: Any
) -> None:
    path = page_of(sandbox)
    answers = [
        upload(vendor, odd),
        upload(vendor, data_address(b"<a/>"), odd),
        *(endpoint(vendor, **{name: odd}) for name in FORM),
        call(vendor, "endpoint-call.n_clicks", {"endpoint-call.n_clicks": odd}, {}),
        tick(vendor, path, odd),
        tick(vendor, path, {"mark": odd, "at": odd}, odd),
        call(vendor, "room-tick.n_intervals", {"room-resume.n_clicks": odd}, {"_pages_location.pathname": path}),
        call(
            vendor, "room-provoke.n_clicks", {"room-provoke.n_clicks": odd},
            {"_pages_location.pathname": path, "room-tick.n_intervals": odd},
        ),
        call(
            vendor, "room-confirm.n_clicks", {"room-confirm.n_clicks": 1, "room-code.n_submit": odd},
            {"_pages_location.pathname": path, "room-code.value": odd},
        ),
        call(
            vendor, "result-tick.n_intervals", {"result-tick.n_intervals": odd},
            {"_pages_location.pathname": odd, "_pages_location.search": odd},
        ),
    ]  # fmt: skip
    assert {answer.status_code for answer in answers} <= {200, 204, 400}
    assert not again(known_school, sandbox).shown


@pytest.mark.parametrize("path", ODD_PATHS)
def test_a_callback_with_a_strange_address_changes_nothing(
    vendor: FlaskClient, sandbox: Sandbox, known_school: Store, path: Any
) -> None:
    state = {"_pages_location.pathname": path}
    answers = [
        tick(vendor, path),
        call(vendor, "room-provoke.n_clicks", {"room-provoke.n_clicks": 1}, state),
        call(vendor, "room-confirm.n_clicks", {"room-confirm.n_clicks": 1}, {**state, "room-code.value": "1234"}),
        call(vendor, "result-tick.n_intervals", {"result-tick.n_intervals": 1}, state),
    ]
    assert {answer.status_code for answer in answers} <= {200, 204, 400}
    assert not again(known_school, sandbox).armed
    assert sandbox.account.key not in "".join(answer.text for answer in answers)


def test_what_was_asked_is_written_down_for_the_worker(vendor: FlaskClient, known_school: Store) -> None:
    assert asked(vendor, message(), "mijn\n map/bericht.xml").startswith("/toets/uitslag/")
    assert goes_to(endpoint(vendor)).startswith("/toets/uitslag/")
    first = work_queue.claim(known_school.engine)
    second = work_queue.claim(known_school.engine)
    assert first is not None
    assert second is not None
    assert (first.kind, first.title) == ("message", "mijn map/bericht.xml")
    assert page_requests.payload_of(known_school.cipher, first) == message()
    assert (second.kind, second.title) == ("endpoint", "https://uwlr.voorbeeld.example/soap")
    assert json.loads(page_requests.payload_of(known_school.cipher, second)) == FORM


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"url": ""}, "Schrijf het adres als"),
        ({"url": "ftp://x"}, "Schrijf het adres als"),
        ({"url": "https://naam:geheim@x.example/"}, "Schrijf het adres als"),
        ({"url": "http://x.example/"}, "Schrijf het adres als"),
        ({"brin": ""}, "Noem de testschool"),
        ({"schoolkey": "sleutel"}, "Noem de testschool"),
        ({"brin": "9XX9"}, "Een BRIN is"),
        ({"dependance": "x"}, "Een vestiging is"),
        ({"school_year": "2026-2028"}, "Een schooljaar is"),
        ({"school_year": "26/27"}, "Een schooljaar is"),
        ({"customer_code": " "}, "Vul de klantcode in"),
        ({"customer_name": ""}, "Vul de klantnaam in"),
        ({"key": ""}, "Vul de autorisatiesleutel in"),
        ({"key": "x" * 65}, "te lang"),
        ({"kind": "school"}, "Kies wat er op het adres staat"),
        ({"profile": "eigen"}, "Kies wat er op het adres staat"),
    ],
)
def test_a_form_that_is_not_right_is_a_sentence_and_no_work(
    vendor: FlaskClient, known_school: Store, changes: dict[str, str], words: str
) -> None:
    answer = json.dumps(json.loads(endpoint(vendor, **changes).text), ensure_ascii=False)
    assert words in answer
    assert "een-geheime-sleutel" not in answer
    assert requests_of_pages(known_school) == 0


def test_small_letters_of_a_brin_and_an_empty_school_year_are_understood(known_school: Store) -> None:
    check = read_endpoint({**FORM, "brin": " 99xx ", "school_year": "", "dependance": ""})
    assert check.title == "https://uwlr.voorbeeld.example/soap"
    assert {"brin": "99XX", "dependance": "00", "school_year": "2026-2027"}.items() <= json.loads(check.payload).items()


@pytest.mark.parametrize("contents", ["data:,", "x" * (MAX_CONTENTS + 1), "data:;base64,%", "data:;base64,", None])
def test_a_file_that_cannot_be_read_is_refused(known_school: Store, contents: Any) -> None:
    with pytest.raises(Refused):
        read_upload(contents, "x.xml")


def test_a_message_of_four_megabytes_fits_and_without_a_session_nothing_does(
    vendor_web: flask.Flask, vendor: FlaskClient
) -> None:
    large = data_address(b"<a>" + b"x" * 3_999_990 + b"</a>")
    assert goes_to(upload(vendor, large)).startswith("/toets/uitslag/")
    stranger = vendor_web.test_client().post(CALLBACK, json={"x": large}, base_url=HERE, headers=OWN)
    assert stranger.status_code == 401


# -- bounds --------------------------------------------------------------------------------------------------------


def test_one_browser_makes_so_many_rooms_an_hour_whoever_it_looks_as(vendor: FlaskClient, known_school: Store) -> None:
    for _ in range(vendor_actions.SANDBOX_RATE.tokens):
        made = vendor.post("/toets/proef", base_url=HERE, headers=OWN).headers["Location"]
        assert made.startswith("/toets/proef/")
    refused = vendor.post("/toets/proef", base_url=HERE, headers=OWN).headers["Location"]
    assert "meer proefadressen" in shown_page(vendor, *_split(refused))
    assert post(vendor, f"{made}/bekijk") == 303
    assert post(vendor, f"{made}/terug") == 303
    vendor.post("/persona", data={"persona": "leverancier"}, base_url=HERE, headers=OWN)
    assert vendor.post("/toets/proef", base_url=HERE, headers=OWN).headers["Location"] == refused
    assert count(known_school, test_rooms) == vendor_actions.SANDBOX_RATE.tokens


def _split(address: str) -> tuple[str, str]:
    path, _, query = address.partition("?")
    return path, f"?{query}"


def test_where_no_room_is_free_the_page_says_so(
    vendor: FlaskClient, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandboxes, "MAX_SANDBOXES", 1)
    refused = vendor.post("/toets/proef", base_url=HERE, headers=OWN)
    assert refused.status_code == 303
    assert "Alle proefadressen zijn in gebruik" in shown_page(vendor, *_split(refused.headers["Location"]))


@pytest.mark.parametrize("odd", ["x", "1", "%00", "vol%20", "<b>vol</b>", ""])
def test_an_odd_reason_in_an_address_is_no_reason(vendor: FlaskClient, sandbox: Sandbox, odd: str) -> None:
    for path in ("/toets", page_of(sandbox)):
        assert shown_page(vendor, path, f"?niet={odd}").count('"role": "alert"') == shown_page(vendor, path).count(
            '"role": "alert"'
        )


def test_too_many_checks_at_once_are_said_where_they_are_asked_for(
    vendor_web: flask.Flask, vendor: FlaskClient, sandbox: Sandbox, known_school: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(page_requests.MAX_OPEN_OF_ONE):
        asked(vendor, message())
    for answer in (upload(vendor, data_address(message())), endpoint(vendor)):
        assert "Er wachten nog meer tests van u." in json.dumps(answer.json, ensure_ascii=False)
        assert "href" not in answer.json["response"].get("vendor-go", {})
    report = vendor.post(f"{page_of(sandbox)}/rapport", base_url=HERE, headers=OWN).headers["Location"]
    assert "Er wachten nog meer tests van u." in shown_page(vendor, *_split(report))
    other = as_persona(vendor_web, "leverancier")
    assert asked(other, message()).startswith("/toets/uitslag/")
    monkeypatch.setattr(page_requests, "MAX_OPEN", page_requests.MAX_OPEN_OF_ONE + 1)
    assert "zoveel tests" in json.dumps(upload(other, data_address(message())).json, ensure_ascii=False)
    assert requests_of_pages(known_school) == page_requests.MAX_OPEN_OF_ONE + 1


def test_messages_beyond_what_a_room_keeps_are_told_as_a_number(
    vendor_web: flask.Flask, vendor: FlaskClient, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandboxes, "MAX_ARRIVALS", 2)
    for number in range(2):
        send(vendor_web, sandbox, scores=[str(number)])
    assert "latere bericht" not in shown_page(vendor, page_of(sandbox))
    seen = tick(vendor, page_of(sandbox)).json["response"]["room-seen"]["data"]
    for number in range(2):
        send(vendor_web, sandbox, scores=[f"1{number}"])
    assert "2 latere berichten zijn beoordeeld" in shown_page(vendor, page_of(sandbox))
    assert tick(vendor, page_of(sandbox), seen).status_code == 200


def test_how_long_a_room_is_kept_is_told_as_it_was_set(known_school: Store) -> None:
    options = AppOptions(demo=True, users=(VENDOR,), sandbox_days=3)
    web = create_app(known_school.engine, known_school.cipher, options)
    assert "na 3 dagen zonder bericht" in shown_page(as_persona(web, "leverancier"), "/toets")


# -- the room ------------------------------------------------------------------------------------------------------


def test_the_page_of_a_room_has_all_that_one_fills_in(vendor: FlaskClient, sandbox: Sandbox) -> None:
    shown, account = shown_page(vendor, page_of(sandbox)), sandbox.account
    address = f"{HERE}/test/{account.token}/uwlr/leerresultaten"
    for text in (address, account.customer_code, account.customer_name, account.key, account.brin, "proef-10"):
        assert text in shown
    assert [pupil.eck_id in shown for pupil in sandboxes.pupils_of(sandbox.id)] == [True] * 10
    assert shown.count('"data-situation"') == len(situations.TASKS)
    assert "geen certificering door Edustandaard" in shown


def test_the_eck_ids_of_a_room_stand_nowhere_else(
    vendor_web: flask.Flask, vendor: FlaskClient, sandbox: Sandbox, known_school: Store
) -> None:
    send(vendor_web, sandbox, scores=["zeven"])
    send(vendor_web, sandbox, leerlingid="proef-02")
    answer = vendor.post(f"{page_of(sandbox)}/rapport", base_url=HERE, headers=OWN).headers["Location"]
    work_once(WorkContext(known_school.engine, known_school.cipher))
    path, _, query = answer.partition("?")
    places = [shown_page(vendor, path, f"?{query}"), tick(vendor, page_of(sandbox)).text]
    places += [vendor.get(f"{path}/rapport.{kind}", base_url=HERE).text for kind in ("html", "json", "xml")]
    post(vendor, f"{page_of(sandbox)}/bekijk")
    places += [shown_page(vendor, "/groep"), shown_page(vendor, "/leerling/1")]
    assert len([item for item in places if item]) == len(places)
    assert not [item for item in places if "ketenid" in item]


def test_what_came_in_is_told_in_the_language_of_who_looks(
    vendor_web: flask.Flask, vendor: FlaskClient, sandbox: Sandbox
) -> None:
    send(vendor_web, sandbox)
    send(vendor_web, sandbox, xsdversie="1.0")
    shown = shown_page(vendor, page_of(sandbox))
    for text in ("2 van 9 gedaan", "Client.XsdVersieOngeldig", "version.unsupported", "UWLR 2.2 xsdversie",
                 "regel 1, kolom ", "Stuur versie 2.1, 2.2 of 2.3.", "1 resultaat"):  # fmt: skip
        assert text in shown
    vendor.get("/?taal=en", base_url=HERE)
    shown = shown_page(vendor, page_of(sandbox))
    for text in ("2 of 9 done", "Send version 2.1, 2.2 or 2.3.", "line 1, column", "no certification by Edustandaard"):
        assert text in shown
    assert "gedaan" not in shown


def test_who_sends_any_refused_message_again_and_again_is_told(
    vendor_web: flask.Flask, vendor: FlaskClient, sandbox: Sandbox
) -> None:
    send(vendor_web, sandbox, xsdversie="1.0")
    assert "1 van 9 gedaan" in shown_page(vendor, page_of(sandbox))
    for _ in range(2 + situations.MAX_RESENDS):
        send(vendor_web, sandbox, xsdversie="1.1")
    shown = shown_page(vendor, page_of(sandbox))
    assert "0 van 9 gedaan, 1 fout" in shown
    assert "daarna kwam hetzelfde bericht nog 3 keer" in shown


def test_the_page_looks_on_only_when_there_is_something_new(
    vendor_web: flask.Flask, vendor: FlaskClient, sandbox: Sandbox
) -> None:
    first = tick(vendor, page_of(sandbox)).json["response"]
    seen = first["room-seen"]["data"]
    assert tick(vendor, page_of(sandbox), seen, ticks=4).status_code == 204
    send(vendor_web, sandbox)
    news = tick(vendor, page_of(sandbox), seen, ticks=5).json["response"]
    assert news["room-seen"]["data"]["at"] == 5
    assert "Gedaan: Eerste levering." in news["room-news"]["children"]
    assert "bevestigd" in json.dumps(news["room-came"])


def test_a_page_at_which_nothing_happens_stops_looking_and_says_so(vendor: FlaskClient, sandbox: Sandbox) -> None:
    seen = tick(vendor, page_of(sandbox), ticks=10).json["response"]["room-seen"]["data"]
    before = tick(vendor, page_of(sandbox), seen, ticks=9 + vendor_sandbox.QUIET_TICKS)
    assert before.status_code == 204
    told = tick(vendor, page_of(sandbox), seen, ticks=10 + vendor_sandbox.QUIET_TICKS).json["response"]
    assert told["room-tick"]["disabled"] is True
    assert told["room-resume"]["hidden"] is False
    assert "niet meer bijgewerkt" in told["room-news"]["children"]
    assert "room-came" not in told


def test_a_fault_that_was_asked_for_does_not_tell_its_code_here(
    vendor_web: flask.Flask, vendor: FlaskClient, sandbox: Sandbox, known_school: Store
) -> None:
    state = {"_pages_location.pathname": page_of(sandbox)}
    armed = call(vendor, "room-provoke.n_clicks", {"room-provoke.n_clicks": 1}, state)
    assert "Op het volgende bericht volgt een fout" in armed.text
    code = again(known_school, sandbox).code
    assert code is not None
    assert code in send(vendor_web, sandbox)
    shown = shown_page(vendor, page_of(sandbox)) + tick(vendor, page_of(sandbox)).text
    assert f"gebruikt: {code}" not in shown
    assert f'"{code}' not in shown
    wrong = call(vendor, "room-confirm.n_clicks", {"room-confirm.n_clicks": 1}, {**state, "room-code.value": "0"})
    assert "niet de code" in wrong.text
    right = call(vendor, "room-confirm.n_clicks", {"room-code.n_submit": 1}, {**state, "room-code.value": code})
    assert "Dat is de juiste code." in right.text
    assert again(known_school, sandbox).shown


def test_an_erased_room_is_gone_from_every_page(
    vendor_web: flask.Flask, vendor: FlaskClient, sandbox: Sandbox, known_school: Store
) -> None:
    send(vendor_web, sandbox)
    report = (
        vendor.post(f"{page_of(sandbox)}/rapport", base_url=HERE, headers=OWN).headers["Location"].partition("?")[0]
    )
    work_once(WorkContext(known_school.engine, known_school.cipher))
    assert vendor.get(f"{report}/rapport.json", base_url=HERE).status_code == 200
    erased = vendor.post(f"{page_of(sandbox)}/wissen", base_url=HERE, headers=OWN)
    assert erased.headers["Location"] == "/toets?gewist=1"
    assert "Het proefadres is gewist" in shown_page(vendor, "/toets", "?gewist=1")
    assert "Dit proefadres is er niet (meer)" in shown_page(vendor, page_of(sandbox))
    assert "Deze uitslag is er niet (meer)" in shown_page(vendor, report)
    assert vendor.get(f"{report}/rapport.json", base_url=HERE).status_code == 404
    told = tick(vendor, page_of(sandbox)).json["response"]
    assert told["room-tick"]["disabled"] is True
    assert "gewist" in told["room-news"]["children"]
    assert post(vendor, f"{page_of(sandbox)}/wissen") == 404


# -- look as a teacher ---------------------------------------------------------------------------------------------


def test_looking_as_a_teacher_shows_the_made_up_school_and_nothing_else(
    vendor_web: flask.Flask, vendor: FlaskClient, sandbox: Sandbox
) -> None:
    send(vendor_web, sandbox, scores=["9"])
    assert vendor.post(f"{page_of(sandbox)}/bekijk", base_url=HERE, headers=OWN).headers["Location"] == "/groep"
    shown = shown_page(vendor, "/groep")
    for text in ("U bekijkt een proefschool", "Proefschool A", "Noa Proef", f"{page_of(sandbox)}/terug"):
        assert text in shown
    for path in ("/groep", "/leerling/1", "/koppelingen", "/toets", page_of(sandbox)):
        seen = shown_page(vendor, path, "?klas=1,2,3")
        assert "U bekijkt een proefschool" in seen
        assert not [last for _, _, last in school.NAMES if last in seen]
    assert "alleen voor beheerders" in shown_page(vendor, "/koppelingen")
    assert post(vendor, "/toets/proef") == 403


def test_going_back_makes_one_oneself_again(vendor: FlaskClient, sandbox: Sandbox) -> None:
    for _ in range(2):
        assert post(vendor, f"{page_of(sandbox)}/bekijk") == 303  # twice is as good as once
    answer = vendor.post(f"{page_of(sandbox)}/terug", base_url=HERE, headers=OWN)
    assert answer.headers["Location"] == page_of(sandbox)
    shown = shown_page(vendor, page_of(sandbox))
    assert "Leverancier" in shown
    assert "U bekijkt een proefschool" not in shown
    assert "Noa Proef" not in shown_page(vendor, "/groep")
    assert post(vendor, f"{page_of(sandbox)}/terug") == 303
    assert "Leverancier" in shown_page(vendor, "/toets")


@pytest.mark.parametrize("by", ["the page", "the worker"])
def test_looking_ends_when_the_room_is_erased(
    vendor_web: flask.Flask, vendor: FlaskClient, sandbox: Sandbox, known_school: Store, by: str
) -> None:
    send(vendor_web, sandbox)
    assert post(vendor, f"{page_of(sandbox)}/bekijk") == 303
    assert "Noa Proef" in shown_page(vendor, "/groep")
    if by == "the page":
        assert post(as_persona(vendor_web, "sam"), f"{page_of(sandbox)}/wissen") == 303
    else:
        sandboxes.erase_sandbox(known_school.engine, sandbox.id)
    test_response = vendor.post(CALLBACK, json={}, base_url=HERE, headers=OWN)
    assert test_response.status_code == 409  # the page was the made-up teacher's
    vendor.get("/groep", base_url=HERE)
    shown = shown_page(vendor, "/groep")
    assert "Noa Proef" not in shown
    assert "U bekijkt een proefschool" not in shown
    assert "Leverancier" in shown


def test_nobody_else_ever_sees_a_made_up_school(vendor_web: flask.Flask, sandbox: Sandbox, known_school: Store) -> None:
    send(vendor_web, sandbox)
    for user in (*PERSONAS, VENDOR):
        client = as_persona(vendor_web, user.key)
        for path in ("/groep", "/koppelingen", "/leerling/1"):
            shown = shown_page(client, path)
            assert "Proefschool" not in shown
            assert "Noa Proef" not in shown
            assert sandbox.account.brin not in shown
        with database.read_transaction(known_school.engine) as connection:
            assert "Proefgroep 6" not in [class_ref.name for class_ref in class_list(connection, user.viewer)]
    with database.read_transaction(known_school.engine) as connection:
        assert {name for _, name in schools.all_schools(connection)} == {"De Wissel", "Elders"}
    users = serving.users_of_machine(known_school.engine)
    assert {user.school_id for user in users} == {school.SCHOOL, school.OTHER_SCHOOL}
    assert users[0].role is Role.ADMINISTRATOR


# -- the outcome ---------------------------------------------------------------------------------------------------


def asked(vendor: FlaskClient, data: bytes, name: str = "bericht.xml") -> str:
    """Upload a file; the address of what is found."""
    return goes_to(upload(vendor, data_address(data), name))


def goes_to(answer: Any) -> str:
    """The address that the browser is sent to."""
    return str(answer.json["response"]["vendor-go"]["href"])


def result_tick(client: FlaskClient, path: str, ticks: int = 1) -> Any:
    state = {"_pages_location.pathname": path, "_pages_location.search": ""}
    return call(client, "result-tick.n_intervals", {"result-tick.n_intervals": ticks}, state)


def test_the_outcome_waits_calmly_and_then_comes_by_itself(vendor: FlaskClient, known_school: Store) -> None:
    path = asked(vendor, message(scores=["7,4"]))
    assert "De test begint zo." in shown_page(vendor, path)
    assert result_tick(vendor, path).status_code == 204
    assert vendor.get(f"{path}/rapport.json", base_url=HERE).status_code == 404
    assert "Dit duurt lang." in result_tick(vendor, path, 10_000).text
    work_once(WorkContext(known_school.engine, known_school.cipher))
    told = result_tick(vendor, path).json["response"]
    assert told["result-tick"]["disabled"] is True
    assert told["result-said"]["children"] == "De uitslag is klaar."
    shown = json.dumps(told, ensure_ascii=False)
    for text in (
        "1 fout",
        "Welgevormd",
        "Inhoudelijke regels",
        "niet bereikt",
        "xsd.value",
        "Client.ScoreOngeldig",
        "7,4",
    ):
        assert text in shown
    assert "proef-01" not in shown


def test_the_six_levels_stand_in_order_whatever_was_found(vendor: FlaskClient, known_school: Store) -> None:
    for data in (message(), b"geen xml", message(scores=["zeven"])):
        path = asked(vendor, data)
        work_once(WorkContext(known_school.engine, known_school.cipher))
        shown = shown_page(vendor, path)
        words = [
            "Welgevormd",
            "Envelop en header",
            "Schema",
            "Sleutels en verwijzingen",
            "Inhoudelijke regels",
            "Gedrag",
        ]
        places = [shown.index(f'"{word}"') for word in words]
        assert places == sorted(places)


def test_a_report_is_a_file_of_its_own_kind(vendor: FlaskClient, known_school: Store) -> None:
    path = asked(vendor, message())
    work_once(WorkContext(known_school.engine, known_school.cipher))
    kinds = {"html": "text/html; charset=utf-8", "json": "application/json", "xml": "application/xml"}
    begins = {"html": "<!DOCTYPE html>", "json": "{", "xml": "<?xml"}
    for kind, media_type in kinds.items():
        answer = vendor.get(f"{path}/rapport.{kind}", base_url=HERE)
        assert answer.headers["Content-Type"] == media_type
        assert answer.headers["Content-Disposition"] == f'attachment; filename="uwlr-toets.{kind}"'
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.text.startswith(begins[kind])
    assert vendor.get(f"{path}/rapport.exe", base_url=HERE).status_code == 404


def test_a_check_that_failed_says_why_and_a_way_on(vendor: FlaskClient, known_school: Store) -> None:
    path = asked(vendor, b"<a/>")
    work = work_queue.claim(known_school.engine)
    assert work is not None
    assert "De test loopt." in shown_page(vendor, path)
    page_requests.fail(known_school.engine, work, "Het lukte niet.", "It did not work.")
    shown = shown_page(vendor, path)
    assert "Het lukte niet." in shown
    assert '"/toets"' in shown
    vendor.get("/?taal=en", base_url=HERE)
    assert "It did not work." in shown_page(vendor, path)


def test_names_and_texts_of_a_stranger_stay_text(vendor: FlaskClient, known_school: Store) -> None:
    path = asked(vendor, b"<a>&</a>", "<img src=x onerror=alert(1)>\u202e.xml")
    work_once(WorkContext(known_school.engine, known_school.cipher))
    assert "<img src=x onerror=alert(1)>.xml" in shown_page(vendor, path)
    assert "<img" not in vendor.get(f"{path}/rapport.html", base_url=HERE).text


def test_the_outcome_of_a_room_names_its_situations_and_the_way_back(
    vendor_web: flask.Flask, vendor: FlaskClient, sandbox: Sandbox, known_school: Store
) -> None:
    send(vendor_web, sandbox)
    answer = vendor.post(f"{page_of(sandbox)}/rapport", base_url=HERE, headers=OWN).headers["Location"]
    work_once(WorkContext(known_school.engine, known_school.cipher))
    path, _, query = answer.partition("?")
    shown = shown_page(vendor, path, f"?{query}")
    assert page_of(sandbox) in shown
    assert "Gedrag, 10 situaties" in shown
    assert page_of(sandbox) not in shown_page(vendor, path, "?proef=../../x")
