"""What a vendor sees of a check: what was exchanged, what changed since the one before, and the clauses it is about."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import flask
import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from connectors.conformance import las
from connectors.intake.masking import COVER
from connectors.uwlr.clauses import CLAUSES
from connectors.uwlr.rules import RULES
from dashboard.settings.schema import Receive
from dashboard.worker.context import WorkContext
from dashboard.worker.loop import work_once
from models.ingest import page_requests
from models.ingest.page_requests import PageRequest
from models.schema import clock, database
from models.schema.tables import work_queue
from tests.conftest import Store
from tests.connectors.loopback import Handler, serving
from tests.connectors.test_conformance import NOVEMBER, ask_las, spoiled, with_fault
from tests.dashboard.test_pages import nodes
from tests.dashboard.test_vendor_pages import FORM, HERE, OWN, asked, endpoint, goes_to, made_sandbox, page_of, send
from tests.dashboard.test_web import as_persona, shown_page
from tests.uwlr.messages import message

LAS = {"kind": "las", "key": "demo-las-99XX", "customer_code": "RB", "customer_name": "Rondblik"}
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\u202e]]>"


@pytest.fixture(autouse=True)
def _november() -> Iterator[None]:
    with clock.fixed(NOVEMBER):
        yield


@pytest.fixture
def vendor(vendor_web: flask.Flask) -> FlaskClient:
    return as_persona(vendor_web, "leverancier")


def work(store: Store) -> None:
    """Do all that is due."""
    while work_once(WorkContext(store.engine, store.cipher, receive=Receive(check_loopback=True))):
        pass


def checked(store: Store, vendor: FlaskClient, data: bytes, name: str = "bericht.xml") -> str:
    """Upload a file and have it checked; the address of the outcome."""
    path = asked(vendor, data, name)
    work(store)
    return path


def called(store: Store, vendor: FlaskClient, url: str) -> str:
    """Have an address called; the address of the outcome."""
    path = goes_to(endpoint(vendor, **{**FORM, **LAS, "url": url}))
    work(store)
    return path


def panel(vendor: FlaskClient, path: str) -> dict[tuple[str, str], tuple[str, str]]:
    """What changed, as the page of an outcome says it: before and now of each rule and scenario."""
    answer = json.loads(shown_page(vendor, path))
    items = [node["props"] for node in nodes(answer) if "data-change" in node.get("props", {})]
    return {
        (item["data-what"], item["data-change"]): (item["data-before"], item["data-now"])
        for item in items
    }  # fmt: skip


def texts(vendor: FlaskClient, path: str) -> list[str]:
    """The texts in the frames of a page, as the browser gets them."""
    return [
        node["props"]["children"]
        for node in nodes(json.loads(shown_page(vendor, path)))
        if node.get("type") == "Pre" and "aria-label" in node["props"]
    ]


def report_of(vendor: FlaskClient, path: str) -> Any:
    return json.loads(vendor.get(f"{path}/rapport.json", base_url=HERE).text)


# -- what changed --------------------------------------------------------------------------------------------------


def test_an_endpoint_with_a_fault_that_is_mended_shows_the_change(vendor: FlaskClient, known_school: Store) -> None:
    spoils = [with_fault("Client.Anders"), lambda _, reply: reply]
    with serving(spoiled(ask_las, lambda body, reply: spoils[0](body, reply))) as peer:
        first = called(known_school, vendor, peer.url)
        again = called(known_school, vendor, peer.url)
        spoils.pop(0)
        mended = called(known_school, vendor, peer.url)
    assert report_of(vendor, first)["since"] is None
    assert "Dit is hiervan uw eerste test" in shown_page(vendor, first)
    assert panel(vendor, again)["rule", "fault.code"] == ("failed", "failed")
    assert panel(vendor, mended)["rule", "fault.code"] == ("failed", "passed")
    assert panel(vendor, mended)["scenario", "las.wrong-key"] == ("failed", "passed")
    report = report_of(vendor, mended)
    assert {"what": "rule", "id": "fault.code", "before": "failed", "now": "passed"} in report["since"]["mended"]
    assert report["rules"]["fault.code"] == "passed"
    shown, number = shown_page(vendor, mended), len(report["since"]["mended"])
    assert number == 1 + sum(scenario.refuses for scenario in las.SCENARIOS)
    assert f"Verholpen ({number})" in shown
    assert "die van vandaag om" in shown
    vendor.get("/?taal=en", base_url=HERE)
    assert f"Fixed ({number})" in shown_page(vendor, mended)


def test_runs_are_compared_with_those_of_the_same_vendor_and_target_alone(
    vendor_web: flask.Flask, vendor: FlaskClient, known_school: Store
) -> None:
    wrong, right = message(scores=["zeven"]), message()
    checked(known_school, vendor, wrong)
    assert report_of(vendor, checked(known_school, vendor, right, "ander.xml"))["since"] is None
    other = as_persona(vendor_web, "leverancier")
    assert report_of(other, checked(known_school, other, right))["since"] is None
    assert panel(vendor, checked(known_school, vendor, right))["rule", "xsd.value"] == ("failed", "passed")


def test_a_run_that_is_not_kept_any_more_is_compared_with_nothing(known_school: Store) -> None:
    def since() -> Any:
        page_request = PageRequest(page_requests.MESSAGE, "a.xml", message(), requested_by="x", target="a.xml")
        token = page_requests.submit(known_school.engine, known_school.cipher, page_request)
        work(known_school)
        request_state = page_requests.find(known_school.engine, known_school.cipher, token)
        assert request_state is not None
        assert request_state.report is not None
        return request_state.report["since"]

    assert (since(), since() is None) == (None, False)
    with clock.fixed(NOVEMBER + timedelta(days=15)):
        assert page_requests.last_run(known_school.engine, known_school.cipher, "x") is None
        page_requests.forget_due(known_school.engine)
        assert since() is None


def test_nothing_changed_is_said(vendor: FlaskClient, known_school: Store) -> None:
    for _ in range(2):
        path = checked(known_school, vendor, message())
    assert "Er is niets veranderd." in shown_page(vendor, path)
    assert panel(vendor, path) == {}


# -- what was exchanged --------------------------------------------------------------------------------------------


def test_an_uploaded_message_stands_with_the_answer_that_a_receiver_gives(
    vendor: FlaskClient, known_school: Store
) -> None:
    path = checked(known_school, vendor, message(scores=["zeven"], leerlingid="leerling-4711"))
    sent, answer = texts(vendor, path)[-2:]
    assert "<score>zeven</score>" in sent
    assert f"<leerlingid>{COVER}</leerlingid>" in sent
    assert answer.startswith("HTTP 500\nContent-Type: text/xml")
    assert "Client.ScoreOngeldig" in answer
    assert "leerresultaten_bevestiging" in texts(vendor, checked(known_school, vendor, message()))[-1]


def test_every_scenario_of_a_run_has_its_exchange_without_a_key(vendor: FlaskClient, known_school: Store) -> None:
    def repeat(handler: Handler) -> None:
        handler.say(f"<x>{LAS['key']} {HOSTILE}</x>".encode(), 500, "text/html")

    with serving(repeat) as peer:
        path = called(known_school, vendor, peer.url)
    shown = shown_page(vendor, path)
    assert LAS["key"] not in shown
    sent, answer = texts(vendor, path)[:2]
    assert f"autorisatiesleutel>{COVER}<" in sent
    assert answer == f"HTTP 500\ncontent-type: text/html\ncontent-length: {len(HOSTILE.encode()) + 21}\n\n" + (
        f"<x>{COVER} {HOSTILE.replace(chr(0x202E), '[U+202E]')}</x>"
    )
    markup = [
        node["props"]["data-markup"] for node in nodes(json.loads(shown)) if "data-markup" in node.get("props", {})
    ]
    assert not [item for item in markup if "alert" in item]


def test_only_the_beginning_of_a_long_message_is_kept_and_that_is_said(
    vendor: FlaskClient, known_school: Store
) -> None:
    path = checked(known_school, vendor, message(scores=["7"] * 500))
    assert "Alleen het begin is bewaard; het geheel is" in shown_page(vendor, path)
    assert len(texts(vendor, path)[-2]) <= 10_000


def test_a_report_of_a_sandbox_shows_messages_at_their_situations(
    vendor_web: flask.Flask, vendor: FlaskClient, known_school: Store
) -> None:
    sandbox = made_sandbox(vendor, known_school)
    send(vendor_web, sandbox, scores=["9"])
    send(vendor_web, sandbox, xsdversie="1.0")
    send(vendor_web, sandbox, scores=["zeven"])
    report = vendor.post(f"{page_of(sandbox)}/rapport", base_url=HERE, headers=OWN).headers["Location"].split("?")[0]
    work(known_school)
    items = {
        node["props"]["data-scenario"]: json.dumps(node)
        for node in nodes(json.loads(shown_page(vendor, report)))
        if "data-scenario" in node.get("props", {})
    }
    assert "<score>9</score>" in items["sender.first"]
    assert "XsdVersieOngeldig" in items["sender.version"]
    assert "<score>zeven</score>" in items["sender.messages"]
    assert "Pre" not in items["sender.large"]
    assert sandbox.account.key not in "".join(items.values())


def test_a_report_of_a_sandbox_is_compared_by_what_came_in_since(
    vendor_web: flask.Flask, vendor: FlaskClient, known_school: Store
) -> None:
    sandbox = made_sandbox(vendor, known_school)

    def reported(client: FlaskClient) -> str:
        answer = client.post(f"{page_of(sandbox)}/rapport", base_url=HERE, headers=OWN)
        work(known_school)
        return answer.headers["Location"].partition("?")[0]

    send(vendor_web, sandbox, scores=["zeven"])
    reported(vendor)
    nothing_new = panel(vendor, reported(vendor))
    assert nothing_new["rule", "xsd.value"] == ("failed", "failed")
    assert set(nothing_new.values()) == {("failed", "failed")}
    send(vendor_web, sandbox, scores=["7"])
    mended = panel(vendor, reported(as_persona(vendor_web, "leverancier")))  # a colleague, by the address
    assert mended["rule", "xsd.value"] == ("failed", "passed")
    assert mended["scenario", "sender.first"] == ("not_tested", "passed")
    assert mended["scenario", "sender.messages"] == ("failed", "failed")
    assert "de berichten die sindsdien binnenkwamen" in shown_page(vendor, reported(vendor))


def test_of_several_documents_a_rule_has_its_worst_state(vendor: FlaskClient, known_school: Store) -> None:
    def packed(**documents: bytes) -> bytes:
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            for name, data in documents.items():
                archive.writestr(f"{name}.xml", data)
        return content.getvalue()

    two_wrong = packed(a=message(scores=["zeven", "acht"]), b=message(toetsnaam="  "))
    checked(known_school, vendor, two_wrong, "levering.zip")
    changes = panel(
        vendor, checked(known_school, vendor, packed(a=message(), b=message(toetsnaam="  ")), "levering.zip")
    )
    assert changes["rule", "xsd.value"] == ("failed", "passed")
    assert changes["rule", "test.name-blank"] == ("warned", "warned")


def test_what_was_exchanged_is_encrypted_and_goes_with_the_run(vendor: FlaskClient, known_school: Store) -> None:
    path = checked(known_school, vendor, message(scores=["zeven"]))
    with database.read_transaction(known_school.engine) as connection:
        (row,) = connection.execute(select(work_queue).where(work_queue.c.token_digest.is_not(None))).all()
    assert row.exchanges is not None
    assert b"zeven" not in b"".join(value for value in row if isinstance(value, bytes))
    assert "zeven" not in row.report
    with database.write_transaction(known_school.engine) as connection:
        connection.execute(update(work_queue).where(work_queue.c.id == row.id).values(keep_until_us=0))
    assert "Deze uitslag is er niet (meer)" in shown_page(vendor, path)
    assert page_requests.forget_due(known_school.engine) == 1


# -- the clauses ---------------------------------------------------------------------------------------------------


def clauses(vendor: FlaskClient, query: str = "") -> list[dict[str, Any]]:
    """The clauses on their page: anchor, name, and the tests with their kind and outcome."""
    page = json.loads(shown_page(vendor, "/toets/eisen", query))
    return [
        {
            "anchor": node["props"]["id"],
            "name": node["props"]["data-clause"],
            "tests": {
                (item["props"]["data-kind"], item["props"]["data-test"]): item["props"].get("data-state")
                for item in nodes(node)
                if "data-test" in item.get("props", {})
            },
        }
        for node in nodes(page)
        if "data-clause" in node.get("props", {})
    ]


def outcomes(vendor: FlaskClient) -> dict[str, str | None]:
    """The outcome beside each rule."""
    return {
        test: state for clause in clauses(vendor) for (kind, test), state in clause["tests"].items() if kind == "rule"
    }


def test_the_page_has_every_clause_with_an_anchor_and_every_rule_in_both_languages(vendor: FlaskClient) -> None:
    listed = clauses(vendor)
    assert {(item["name"], item["anchor"]) for item in listed} == {
        (clause.name, clause.anchor) for clause in CLAUSES.values()
    }
    assert outcomes(vendor) == dict.fromkeys(RULES)
    assert all(item["tests"] or CLAUSES[item["name"]].untested for item in listed)
    shown = shown_page(vendor, "/toets/eisen")
    assert "Zodra u iets hebt getest" in shown
    assert "Een bericht is welgevormde XML." in shown
    assert "115 bepalingen" in shown
    vendor.get("/?taal=en", base_url=HERE)
    english = shown_page(vendor, "/toets/eisen")
    assert "A message is well-formed XML." in english
    assert "Een bericht is welgevormde XML." not in english


@pytest.mark.parametrize("level", ["keys", "behaviour", "geen", "<b>", "", "x" * 5000])
def test_the_page_is_narrowed_to_a_level_and_to_what_nothing_tests(vendor: FlaskClient, level: str) -> None:
    listed = clauses(vendor, f"?niveau={level}")
    named = {item["name"] for item in listed}
    if level == "keys":
        assert {"UWLR 2.2 kResultaat", "UWLR 2.2 Leerlinggegevens"} <= named < CLAUSES.keys()
        assert "XML 1.0" not in named
    elif level == "behaviour":
        assert "UWLR 2.2.1 foutafhandeling" in named
        assert "XML 1.0, 2.2" not in named
    elif level == "geen":
        assert "UWLR 2.2.1 verwijderen" in named
        assert [item["tests"] for item in listed if item["tests"]] == []
    else:
        assert named == CLAUSES.keys()


def test_each_rule_has_its_outcome_in_the_last_check_of_this_vendor(
    vendor_web: flask.Flask, vendor: FlaskClient, known_school: Store
) -> None:
    checked(known_school, vendor, message(), "eerste.xml")
    checked(known_school, vendor, message(scores=["7.5"]), "tweede.xml")
    assert "uw laatste test: tweede.xml, vandaag om" in shown_page(vendor, "/toets/eisen")
    states = outcomes(vendor)
    assert (states["score.decimal"], states["xml.cut-off"], states["pupil.unknown"]) == (
        "failed", "passed", "not_tested",
    )  # fmt: skip
    other = as_persona(vendor_web, "leverancier")
    assert set(outcomes(other).values()) == {None}
    assert "tweede.xml" not in shown_page(other, "/toets/eisen")


def test_a_finding_leads_to_its_clause(vendor: FlaskClient, known_school: Store) -> None:
    path = checked(known_school, vendor, message(scores=["7.5"]))
    assert f'"/toets/eisen#{CLAUSES["UWLR 2.2 tpScore"].anchor}"' in shown_page(vendor, path)


def test_an_unfinished_check_or_one_of_a_school_is_no_last_check(vendor: FlaskClient, known_school: Store) -> None:
    asked(vendor, message(), "wacht.xml")
    page_request = PageRequest(page_requests.REFUSED, "van een school", b'{"delivery": 1}', 1, requested_by="x")
    page_requests.submit(known_school.engine, known_school.cipher, page_request)
    assert set(outcomes(vendor).values()) == {None}
    assert page_requests.last_run(known_school.engine, known_school.cipher, "x") is None
    assert page_requests.last_run(known_school.engine, known_school.cipher, "") is None
