"""Inputs of others that once gave a wrong value, through the service and the pages, where they are present."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

import flask
import pytest
from sqlalchemy import select

from connectors.intake.push import ReceiverContext
from connectors.uwlr.pupil_messages import read_roster
from dashboard.auth.request import AppOptions
from dashboard.auth.sessions import DemoUser
from dashboard.server.wsgi import create_app
from models.access.people import class_list, pupil_names
from models.access.viewer import Role, Viewer
from models.ingest import deliveries, rosters, schools, senders
from models.ingest.schools import Identification
from models.schema import clock
from models.schema.database import read_transaction, write_transaction
from models.schema.records import Kind
from models.schema.tables import results, test_definitions
from models.schema.terms import SenderTerms
from tests.conftest import SHARED, Store
from tests.connectors.sending import Answer, Receiver, receiving
from tests.dashboard.page_client import PageClient
from tests.dashboard.test_exports import screen
from tests.dashboard.test_web import as_persona, shown_page

FOUND = SHARED / "found"
pytestmark = pytest.mark.skipif(not FOUND.is_dir(), reason="the inputs are not present")
NOW = datetime(2026, 11, 29, 12, tzinfo=clock.AMSTERDAM)
ACCOUNTS = {
    "99YY": ("KLANT", "Klant", "sleutel-sleutel-sleutel-1234"),
    "99XX": ("KLANT-A", "Uitgever A", "SLEUTEL-A-LANG-GENOEG-123456"),
}
TERMS = {"99YY": SenderTerms(), "99XX": SenderTerms(policy="tolerant")}  # the latter has decimals in its scores
SUPPORT = Viewer(1, Role.SUPPORT, None, "Els Prins")


@dataclass
class School:
    """A school with one sender, the service behind the real server, and the pages."""

    store: Store
    receiver: Receiver
    web: flask.Flask
    answers: list[Answer] = field(default_factory=list)

    def load(self, name: str) -> None:
        """Take in a roster."""
        answer = read_roster((FOUND / name).read_bytes())
        assert answer.roster is not None, answer.findings
        with write_transaction(self.store.engine) as connection:
            source_id = schools.ensure_source(connection, "las", "LAS", "las")
        rosters.save_roster(
            self.store.engine, self.store.cipher, school_id=1, source_id=source_id, roster=answer.roster, way="load"
        )

    def push(self, name: str, content_type: str = "text/xml; charset=utf-8") -> Answer:
        """Send a message to the service."""
        return self.receiver.post((FOUND / name).read_bytes(), Content_Type=content_type)

    def page(self, path: str) -> str:
        """What a page shows to learning support."""
        return shown_page(as_persona(self.web, "els"), path)

    def findings(self) -> list[str]:
        """The rules of the findings on the newest delivery."""
        return [finding["rule"] for finding in next(deliveries.newest(self.store.engine)).findings]


@pytest.fixture
def school(store: Store, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[School]:
    """The school that a test names by its BRIN."""
    monkeypatch.setattr(flask.Flask, "test_client_class", PageClient)
    code, name, key = ACCOUNTS[request.param]
    here = Identification("brin", request.param)
    with clock.fixed(NOW):
        with write_transaction(store.engine) as connection:
            schools.ensure_school(connection, [here], "De Wilg")
            source_id = senders.add_sender(
                connection, store.cipher, name.lower(), name, code, TERMS[request.param], senders.FROM_COMMAND
            )
            senders.add_key(connection, store.cipher, source_id, key, (here,))
        users = (
            DemoUser("els", "Els Prins", Role.SUPPORT, None, 1),
            DemoUser("sam", "Sam", Role.ADMINISTRATOR, None, 1),
        )
        web = create_app(store.engine, store.cipher, AppOptions(demo=True, users=users))
        with receiving(ReceiverContext(store.engine, store.cipher), app="beside the dashboard") as receiver:
            yield School(store, receiver, web)


at_99yy = pytest.mark.parametrize("school", ["99YY"], indirect=True)
at_99xx = pytest.mark.parametrize("school", ["99XX"], indirect=True)


@at_99yy
def test_a_date_in_the_future_waits_for_its_day(school: School) -> None:
    school.load("roster-99YY.xml")
    assert school.push("future-date.xml").confirmed
    client = as_persona(school.web, "els")
    row = next(row for row in screen(client).rows if any(cell.get("data-value") for cell in row[2]))
    assert [cell["data-value"] for cell in row[2] if cell.get("data-value")] == ["93"]
    assert "zakt" not in " ".join(cell["text"] for cell in row[2]).lower()
    assert "toekomst" in school.page("/groep")
    with clock.fixed(datetime(2027, 5, 10, 12, tzinfo=clock.AMSTERDAM)):
        assert [
            cell["data-value"]
            for _group, _pupil, cells in screen(as_persona(school.web, "els")).rows
            for cell in cells
            if cell.get("data-value")
        ] == ["40"]


@at_99yy
def test_of_two_messages_of_one_moment_the_later_arrival_counts(school: School) -> None:
    school.load("roster-99YY.xml")
    for name in ("equal-created-first.xml", "equal-created-second.xml"):
        assert school.push(name).confirmed
    sent = re.search(r"<lr:score>([^<]*)", (FOUND / "equal-created-second.xml").read_text())
    assert sent is not None
    with read_transaction(school.store.engine) as connection:
        assert list(connection.scalars(select(results.c.score_text))) == [sent[1]]
    assert "result.tied" in school.findings()


@at_99yy
def test_a_key_has_one_result(school: School) -> None:
    school.load("roster-99YY.xml")
    for name in ("kind-score.xml", "kind-oso.xml"):
        assert school.push(name).confirmed
    with read_transaction(school.store.engine) as connection:
        assert list(connection.scalars(select(results.c.kind))) == [Kind.OSO]


@at_99yy
def test_parts_of_other_days_are_one_test(school: School) -> None:
    school.load("roster-99YY.xml")
    assert school.push("parts-on-other-days.xml").confirmed
    values = [
        cell["data-value"] for _g, _p, cells in screen(as_persona(school.web, "els")).rows for cell in cells
        if cell.get("data-value")
    ]  # fmt: skip
    assert values == ["11"]


@at_99yy
def test_a_legal_charset_is_read(school: School) -> None:
    school.load("roster-99YY.xml")
    assert school.push("charset-latin1-no-declaration.xml", "text/xml; charset=iso-8859-1").confirmed
    with read_transaction(school.store.engine) as connection:
        names = list(connection.scalars(select(test_definitions.c.name)))
    assert names
    assert not any("Ã" in (name or "") or "\ufffd" in (name or "") for name in names)
    assert any(not (name or "").isascii() for name in names)


@at_99yy
def test_overlapping_norms_have_one_rule(school: School) -> None:
    school.load("roster-99YY.xml")
    assert school.push("overlapping-norms.xml").confirmed
    assert "norm.overlap" in school.findings()
    cells = [cell for _g, _p, cells in screen(as_persona(school.web, "els")).rows for cell in cells]
    assert [cell["text"] for cell in cells if cell.get("data-value") == "17" and "Hoog" in cell["text"]]


@at_99yy
@pytest.mark.parametrize(
    ("name", "words"), [("nil-url.xml", "xsi:nil"), ("header-as-map.xml", "autorisatie")], ids=["nil", "map"]
)
def test_a_sentence_names_the_fault(school: School, name: str, words: str) -> None:
    school.load("roster-99YY.xml")
    answer = school.push(name)
    assert answer.fault is not None
    assert words in answer.sentence


@at_99yy
def test_an_element_after_the_body_is_legal(school: School) -> None:
    school.load("roster-99YY.xml")
    assert school.push("element-after-body.xml").confirmed


@at_99yy
def test_two_lengths_close_the_connection(school: School) -> None:
    raw = (FOUND / "length-and-chunked.http").read_bytes()
    with socket.create_connection(("127.0.0.1", school.receiver.port), timeout=20) as wire:
        wire.sendall(raw)
        received = b"".join(iter(lambda: wire.recv(65536), b""))  # ends only where the server closes
    assert received.startswith(b"HTTP/1.1 ")
    assert received.count(b"HTTP/1.1 ") == 1


@at_99xx
def test_names_stand_as_the_language_has_them(school: School) -> None:
    school.load("names-roster.xml")
    answer = school.push("names-push.xml")
    assert answer.confirmed, answer.sentence
    with read_transaction(school.store.engine) as connection:
        class_names = [ref.name for ref in class_list(connection, SUPPORT)]
        first_names = [name.first_name for name in pupil_names(connection, SUPPORT) if name.first_name]
    assert class_names == ["5-6", "Ämter", "groep 3", "Groep 8", "Unit 2", "Unit 10"]
    known = ["Adam", "Björn", "Çağla", "Emma", "Éva", "IJsbrand", "Oscar", "Özlem", "Sem", "Şeyma", "Zoë"]
    assert [name for name in first_names if name in known] == known
    assert "Groep Groep" not in school.page("/groep")


@at_99xx
def test_who_left_or_has_yet_to_come_is_not_there(school: School) -> None:
    school.load("left-roster.xml")
    assert school.push("left-push.xml").confirmed
    text = (FOUND / "left-roster.xml").read_text()
    pupils = re.findall(r"<leerling .*?</leerling>", text, re.DOTALL)
    away = {
        re.findall(r"<roepnaam>([^<]*)", pupil)[0]
        for pupil in pupils
        if re.search(r"<uitstroomdatum>2026-10", pupil) or re.search(r"<instroomdatum>2027", pupil)
    }
    assert away
    shown = [pupil for _group, pupil, _cells in screen(as_persona(school.web, "els")).rows]
    assert len(shown) == len(pupils) - len(away)
    assert not [pupil for pupil in shown if pupil.split()[0] in away]


@at_99xx
def test_a_list_without_a_class_waits(school: School) -> None:
    school.load("roster-school.xml")
    school.load("roster-one-class.xml")
    with read_transaction(school.store.engine) as connection:
        assert sum(ref.pupils for ref in class_list(connection, SUPPORT)) == 50
    assert "wacht op uw besluit" in shown_page(as_persona(school.web, "sam"), "/groep")


@at_99xx
def test_reference_scores_are_shown_as_sent(school: School) -> None:
    school.load("left-roster.xml")
    assert school.push("oso-reference-codes.xml").confirmed
    texts = [cell["text"] for _g, _p, cells in screen(as_persona(school.web, "els")).rows for cell in cells]
    assert not [text for text in texts if "zonder score" in text]
    assert [text for text in texts if text.strip()]


@at_99xx
def test_less_than_a_minute_is_not_zero(school: School) -> None:
    school.load("left-roster.xml")
    assert school.push("time-under-a-minute.xml").confirmed
    with read_transaction(school.store.engine) as connection:
        first = pupil_names(connection, SUPPORT)[0].id
    assert "< 1 min" in school.page(f"/leerling/{first}") or "&lt; 1 min" in school.page(f"/leerling/{first}")
