"""An administrator adds, changes and removes connections over HTTP; what is secret is shown once and nowhere else."""

from __future__ import annotations

import json
import logging
from typing import Any

import flask
import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from models.access.audit import audit_events, open_audit
from models.schema import database
from tests.conftest import Store
from tests.connectors.sending import Account, enveloped
from tests.dashboard import school
from tests.dashboard.test_web import HERE, OWN, as_persona, shown_page
from tests.dashboard.test_why import nodes_of, words
from tests.uwlr.messages import message

JSON = {**OWN, "Accept": "application/json"}
SERVICE = "/uwlr/leerresultaten"


def post(client: FlaskClient, path: str, **form: str) -> TestResponse:
    return client.post(path, data=form, base_url=HERE, headers=JSON)


def content_of(page: str) -> Any:
    """The components of a page."""
    return json.loads(page)["response"]["_pages_content"]["children"]


def account_on(page: str) -> dict[str, str]:
    """The texts to copy that a page shows once, by their names."""
    (once,) = [node for node in nodes_of(content_of(page), "Dl") if "once" in node["props"].get("className", "")]
    names, texts = ([words(node) for node in nodes_of(once, kind)] for kind in ("Dt", "Code"))
    return dict(zip(names, texts, strict=True))


def send(client: FlaskClient, account: dict[str, str], code: str, score: int) -> int:
    """The status of the answer to a message that a publisher sends with this account."""
    header = Account(code, account["Klantnaam"], account["Autorisatiesleutel"]).header
    body = enveloped(message(scores=[str(score)]), header)
    path = account["Adres"].removeprefix(HERE)
    return client.post(path, data=body, base_url=HERE, headers={"Content-Type": "text/xml"}).status_code


def test_a_sender_is_added_gets_a_second_key_and_loses_the_first(
    web: flask.Flask, known_school: Store, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    client = as_persona(web, "sam")
    assert "/koppelingen/nieuw" in shown_page(client, "/koppelingen")
    answer = post(client, "/koppelingen/afzender", naam="Spelsprong")
    assert answer.status_code == 303
    path = answer.headers["Location"]
    page = shown_page(client, path)
    first = account_on(page)
    assert set(first) == {"Adres", "Klantnaam", "Klantcode", "Autorisatiesleutel"}
    assert first["Adres"] == HERE + SERVICE
    assert send(client, first, first["Klantcode"], 6) == 200
    again = shown_page(client, path)
    assert "Spelsprong" in again
    assert first["Autorisatiesleutel"] not in again
    assert first["Klantcode"] not in again

    assert post(client, f"{path}/sleutel").status_code == 303
    second = account_on(shown_page(client, path))
    assert set(second) == {"Adres", "Klantnaam", "Autorisatiesleutel"}
    assert send(client, second, first["Klantcode"], 7) == 200
    refused = post(client, f"{path}/sleutel")
    assert (refused.status_code, refused.get_json()["error"]) == (
        422, "Er zijn al twee geldige sleutels. Trek er eerst een in.",
    )  # fmt: skip
    buttons = nodes_of(content_of(shown_page(client, path)), "Button")
    numbers = [node["props"]["value"] for node in buttons if node["props"].get("name") == "nummer"]
    assert post(client, f"{path}/intrekken", nummer=numbers[-1]).status_code == 303
    assert send(client, first, first["Klantcode"], 8) == 500
    assert send(client, second, first["Klantcode"], 8) == 200

    assert "Spelsprong" in shown_page(client, "/koppelingen")
    assert post(client, f"{path}/weg").status_code == 303
    assert "resultaten blijven staan" in shown_page(client, "/koppelingen")
    assert send(client, second, first["Klantcode"], 9) == 500
    events = audited(known_school)
    assert [json.loads(event.about)["action"] for event in events if event.kind == "Administered"] == [
        "sender added", "sender key added", "sender key revoked", "connection removed",
    ]  # fmt: skip
    secrets = (first["Autorisatiesleutel"], second["Autorisatiesleutel"], first["Klantcode"])
    for text in (caplog.text, repr(events), answer.headers["Location"]):
        assert not any(secret in text for secret in secrets)


def test_what_is_not_filled_in_well_is_said_and_changes_nothing(web: flask.Flask) -> None:
    client = as_persona(web, "sam")
    for name in ("", "x" * 41):
        answer = post(client, "/koppelingen/afzender", naam=name)
        assert answer.status_code == 422
        assert "Vul de naam van de leverancier in" in answer.get_json()["error"]
    assert post(client, "/koppelingen/afzender", naam="Spelsprong").status_code == 303
    twice = post(client, "/koppelingen/afzender", naam="spelsprong")
    assert "Er is al een koppeling met deze naam" in twice.get_json()["error"]


def test_who_is_no_administrator_adds_and_changes_nothing(web: flask.Flask) -> None:
    own = post(as_persona(web, "sam"), "/koppelingen/afzender", naam="Spelsprong").headers["Location"]
    for key in ("hanna", "noa"):
        client = as_persona(web, key)
        assert post(client, "/koppelingen/afzender", naam="Anders").status_code == 403
        for what in ("sleutel", "intrekken", "afspraken", "weg"):
            assert post(client, f"{own}/{what}").status_code == 403
        assert "Spelsprong" not in shown_page(client, own)
        assert "alleen voor beheerders" in shown_page(client, "/koppelingen/nieuw")


def test_mandate_and_agreement_are_filled_in_and_what_is_missing_is_said(web: flask.Flask, known_school: Store) -> None:
    client = as_persona(web, "sam")
    page = f"/koppelingen/afspraken/{school.SILENT}"

    def open_ones() -> str:
        (line,) = [
            node for node in nodes_of(content_of(shown_page(client, "/koppelingen")), "P")
            if node["props"].get("id") == "agreements-open"
        ]  # fmt: skip
        return words(line)

    assert "nog niet ingevuld:" in open_ones()
    assert "Stiltewerk" in open_ones()
    filled = {
        "mandate": "Bestuur Het Kompas", "mandate_on": "1-8-2026", "agreement_on": "2026-08-15",
        "purpose": "volgen van leerlingen",
    }  # fmt: skip
    for changed, sentence in (
        ({"mandate_on": "gisteren"}, "Datum van het mandaat: schrijf een dag die bestaat, als 13-11-2026."),
        ({"agreement_on": "31-02-2026"}, "Datum van de verwerkersovereenkomst: schrijf een dag die bestaat"),
        ({"purpose": "x" * 501}, "Doel: schrijf hoogstens 500 tekens"),
        ({"mandate": "a\0b"}, "Wie het mandaat gaf: schrijf hoogstens 500 tekens"),
    ):
        answer = post(client, page, **filled | changed)
        assert (answer.status_code, sentence in answer.get_json()["error"]) == (422, True)
    assert post(client, page, mandate=filled["mandate"]).status_code == 303
    half = shown_page(client, page)
    assert "Nog niet ingevuld: datum van het mandaat, datum van de verwerkersovereenkomst, doel." in half
    assert post(client, page, **filled).status_code == 303
    whole = shown_page(client, page)
    shown = (
        "Bestuur Het Kompas",
        "01-08-2026",
        "15-08-2026",
        "Alles is ingevuld.",
        "2 jaar na vertrek",
        "Stoppen of hervatten",
    )
    assert [text for text in shown if text not in whole] == []
    assert "leerlingnummer van het LAS of ECK iD; toets, datum en norm; score" in whole  # nothing came yet
    assert "Stiltewerk" not in open_ones()
    assert post(client, "/koppelingen/afspraken/999", **filled).status_code == 422
    about = [json.loads(event.about) for event in audited(known_school) if event.kind == "Administered"]
    assert [(event["action"], event["number"]) for event in about] == [
        ("connection agreement changed", school.SILENT)
    ] * 2


def audited(store: Store) -> list[Any]:
    """The rows of the audit log, in order."""
    log = open_audit(store.engine, store.cipher)
    with database.read_transaction(log.engine) as connection:
        return list(connection.execute(select(audit_events).order_by(audit_events.c.id)))
