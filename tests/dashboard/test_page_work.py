"""What the worker does for vendors: a page writes a row, and what was found is read from the store."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from lxml import etree
from sqlalchemy import select

from connectors.push import Desk
from dashboard import page_work
from models import checks, clock, database, rooms
from models.checks import Check
from models.tables import checks as checks_table
from tests.conftest import Store
from tests.connectors.sending import Account, enveloped, receiving
from tests.uwlr.messages import message

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _noon() -> Iterator[None]:
    with clock.fixed(NOW):
        yield


def done(store: Store, kind: str, given: bytes, title: str = "bericht.xml") -> tuple[str, Check]:
    token = checks.ask(store.engine, store.seal, kind, title, given)
    waiting = checks.find(store.engine, store.seal, token)
    assert waiting is not None
    assert waiting.state == checks.WAITING
    assert page_work.work_once(Desk(store.engine, store.seal), allow_loopback=True)
    found = checks.find(store.engine, store.seal, token)
    assert found is not None
    return token, found


def test_a_message_is_judged_and_reported_three_ways(store: Store) -> None:
    token, found = done(store, checks.MESSAGE, message(scores=["7,4"], leerlingid="leerling-4711"))
    assert (found.state, found.error_nl) == (checks.DONE, None)
    assert found.report is not None
    assert (found.report["title"], found.report["errors"]) == ("bericht.xml", 1)
    (one,) = [one for one in found.report["findings"] if one["level"] == "error"]
    assert (one["rule"], one["line"]) == ("xsd.value", 1)
    (excerpt,) = [text for text in found.excerpts.values() if "7,4" in text]
    assert "leerling-4711" not in excerpt
    page = checks.file_of(store.engine, store.seal, token, "html")
    junit = checks.file_of(store.engine, store.seal, token, "junit")
    as_json = checks.file_of(store.engine, store.seal, token, "json")
    assert page is not None
    assert junit is not None
    assert as_json is not None
    assert b"xsd.value" in page
    assert etree.fromstring(junit).xpath("//failure")
    assert json.loads(as_json)["errors"] == 1
    assert checks.file_of(store.engine, store.seal, "anders", "html") is None
    assert checks.file_of(store.engine, store.seal, token, "iets") is None


def test_what_was_handed_in_is_thrown_away(store: Store) -> None:
    done(store, checks.MESSAGE, message(leerlingid="leerling-4711"))
    with database.reading(store.engine) as connection:
        row = connection.execute(select(checks_table)).one()
    assert row.input is None
    assert "leerling-4711" not in repr(tuple(row))


def test_of_a_zip_the_worst_document_is_shown(store: Store) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("goed.xml", message())
        archive.writestr("fout.xml", message(scores=["-1"]))
    _, found = done(store, checks.MESSAGE, packed.getvalue(), "levering.zip")
    assert found.report is not None
    assert (found.report["title"], found.report["documents"]) == ("levering.zip/fout.xml", 2)


@pytest.mark.parametrize("given", [b"", b"\0\1\2", b"PK\x03\x04kapot", b"<x/>", b"{}"])
def test_any_file_gets_an_answer(store: Store, given: bytes) -> None:
    _, found = done(store, checks.MESSAGE, given)
    assert found.state in (checks.DONE, checks.FAILED)
    assert found.report is not None or found.error_en


def test_a_room_is_reported_on(store: Store) -> None:
    room = rooms.make_room(store.engine, store.seal, "Spelsprong")
    header = Account(room.account.customer_code, room.account.customer_name, room.account.key).header
    with receiving(Desk(store.engine, store.seal)) as receiver:
        for body in (
            message(brin=room.account.brin, leerlingid="proef-01"),
            message(brin=room.account.brin, leerlingid="proef-01", scores=["zeven"]),
            message(brin=room.account.brin, leerlingid="proef-01", xsdversie="1.0"),
        ):
            receiver.post(enveloped(body, header), path=f"/test/{room.account.token}/uwlr/leerresultaten")
    _, found = done(store, checks.ROOM, json.dumps({"token": room.account.token}).encode())
    assert found.report is not None
    states = {one["scenario"]: one["state"] for one in found.report["outcomes"]}
    assert states["sender.first"] == states["sender.version"] == "passed"
    assert states["sender.large"] == "not_tested"
    assert states["sender.messages"] == "failed"
    rules = {one["rule"] for outcome in found.report["outcomes"] for one in outcome["findings"]}
    assert rules == {"xsd.value"}


def test_a_room_that_is_gone_and_an_address_that_may_not_be_called_are_said(store: Store) -> None:
    _, found = done(store, checks.ROOM, b'{"token": "weg"}')
    assert (found.state, found.error_en) == (checks.FAILED, "This test address does not exist any more.")
    endpoint = {"url": "https://10.0.0.1/", "kind": "las", "key": "k", "customer_code": "c", "customer_name": "n"}
    _, found = done(store, checks.ENDPOINT, json.dumps(endpoint).encode())
    assert found.state == checks.FAILED
    assert found.error_nl is not None
    assert "10.0.0.1" not in found.error_nl
    _, found = done(store, checks.ENDPOINT, b"{}")
    assert found.state == checks.FAILED


def test_a_worker_that_was_killed_is_overtaken(store: Store) -> None:
    checks.ask(store.engine, store.seal, checks.MESSAGE, "a.xml", message())
    assert checks.claim(store.engine, store.seal) is not None
    assert checks.claim(store.engine, store.seal) is None
    with clock.fixed(NOW + timedelta(minutes=6)):
        assert checks.is_waiting(store.engine)
        assert page_work.work_once(Desk(store.engine, store.seal))
        assert not page_work.work_once(Desk(store.engine, store.seal))


def test_reports_are_thrown_away_in_time(store: Store) -> None:
    token, _ = done(store, checks.MESSAGE, message())
    with clock.fixed(NOW + timedelta(days=15)):
        assert checks.find(store.engine, store.seal, token) is None
        assert checks.forget_due(store.engine) == 1
