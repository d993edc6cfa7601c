"""The service for publishers: who may send, what is answered, and what is stored when it is confirmed."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from sqlalchemy import func, select, text

from connectors.intake import push
from connectors.intake.push import ReceiverContext
from connectors.intake.receive import PATH, is_service
from connectors.intake.refusal_throttle import RefusalThrottle
from connectors.transport.http_server import BodyLimits
from connectors.uwlr.agreement import Bounds
from connectors.uwlr.rules import RULES
from dashboard.server.serving import working
from dashboard.worker.context import WorkContext
from models.ingest import deliveries, identity, rosters, schools, senders
from models.schema import clock
from models.schema.database import read_transaction, write_transaction
from models.schema.records import Roster, RosterGroup, RosterPupil, SchoolRef
from models.schema.tables import raw_messages, results, source_connections
from models.schema.terms import RetentionPolicy, SenderTerms
from tests.conftest import Store
from tests.connectors import sending
from tests.connectors.sending import (
    BAKEN,
    HORIZON,
    Account,
    Answer,
    Receiver,
    account,
    answer_of,
    enveloped,
    packed_zeros,
    receiving,
)
from tests.uwlr.messages import message, result_xml

pytestmark = pytest.mark.usefixtures("every_app")
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
LATER = "2026-11-12T00:05:46"
MAX_HEADER = 262_144  # of waitress


@pytest.fixture(autouse=True)
def _noon() -> Iterator[None]:
    with clock.fixed(NOW):
        yield


@pytest.fixture
def receiver_context(store: Store) -> ReceiverContext:
    return ReceiverContext(store.engine, store.cipher)


@pytest.fixture
def rekenwijs(store: Store) -> Account:
    return account(store.engine, store.cipher)


@pytest.fixture
def receiver(receiver_context: ReceiverContext, rekenwijs: Account) -> Iterator[Receiver]:
    with receiving(receiver_context) as receiver:
        yield receiver


def stored(store: Store) -> dict[str, str | None]:
    with read_transaction(store.engine) as connection:
        return {row.key: row.score_text for row in connection.execute(select(results.c.key, results.c.score_text))}


def newest(store: Store) -> deliveries.Delivery:
    return next(deliveries.newest(store.engine))


def rules_of(delivery: deliveries.Delivery, level: str = "error") -> list[str]:
    return [finding["rule"] for finding in delivery.findings if finding["level"] == level]


def with_terms(store: Store, sender: Account, **terms: Any) -> None:
    with write_transaction(store.engine) as connection:
        senders.set_terms(connection, sender.source_id, SenderTerms(**terms))


def roster(store: Store, *pupils: RosterPupil) -> None:
    school = SchoolRef(brin="99XX")
    with write_transaction(store.engine) as connection:
        school_id = schools.ensure_school(connection, [HORIZON])
        source_id = schools.ensure_source(connection, "las", "LAS", "las")
    roster = Roster("2026-2027", school, None, None, (RosterGroup("g", "6"),), pupils, (), digest=b"x" * 32)
    rosters.save_roster(store.engine, store.cipher, school_id=school_id, source_id=source_id, roster=roster, way="load")


def check_shape(answer: Answer) -> None:
    """Whatever reaches the route is answered 200 or 500, text/xml, in an envelope."""
    assert answer.status in (200, 500)
    assert answer.media_type == "text/xml"
    assert etree.fromstring(answer.body).tag == "{http://schemas.xmlsoap.org/soap/envelope/}Envelope"
    assert (answer.status == 500) == (answer.fault is not None)


# -- the ordinary way ----------------------------------------------------------------------------------------


def test_a_message_is_stored_when_it_is_confirmed(store: Store, receiver: Receiver, rekenwijs: Account) -> None:
    answer = receiver.post(enveloped(message(scores=["0", "7"]), rekenwijs.header), SOAPAction='"BrengLeerresultaten"')
    check_shape(answer)
    assert answer.confirmed
    assert etree.fromstring(answer.body)[0][0].text is None
    assert stored(store) == {"r1": "0", "r2": "7"}
    delivery = newest(store)
    assert (delivery.source, delivery.channel, delivery.verdict, delivery.counts["new"], delivery.counts["parked"]) == (
        "rekenwijs",
        "push",
        "accept",
        2,
        2,
    )


def test_both_databases_take_in_what_is_sent(any_store: Store) -> None:
    rekenwijs = account(any_store.engine, any_store.cipher)
    with_terms(any_store, rekenwijs, ordering="strict", unknown_pupil="park")
    body = enveloped(message(scores=["0", "7"]), rekenwijs.header)
    app = sending.chosen_app or "alone"  # other tests run this one on nodes
    with receiving(ReceiverContext(any_store.engine, any_store.cipher), app=app) as receiver:
        assert receiver.post(body).confirmed
        assert receiver.post(body).confirmed
        assert receiver.post(enveloped(message(scores=["1"]), rekenwijs.header)).fault == "Client.OngeldigBericht"
        stranger = Account(rekenwijs.code, rekenwijs.name, "anders")
        assert receiver.post(enveloped(message(), stranger.header)).fault == "Client.AutorisatieOngeldig"
    assert stored(any_store) == {"r1": "0", "r2": "7"}
    assert [delivery.verdict for delivery in deliveries.newest(any_store.engine)] == ["reject", "reject", "accept"]


def test_a_message_is_put_off_where_our_own_clock_was_set_back(
    any_store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    rekenwijs = account(any_store.engine, any_store.cipher)
    body = enveloped(message(scores=["8"], aanmaakdatum="2026-11-20T12:00:00Z"), rekenwijs.header)
    future = enveloped(message(aanmaakdatum="2026-11-22T12:00:00Z"), rekenwijs.header)
    with receiving(ReceiverContext(any_store.engine, any_store.cipher)) as receiver:
        assert receiver.post(future).fault == "Client.OngeldigBericht"  # the clock of the sender is ahead
        with clock.fixed(NOW - timedelta(days=2)):
            for _ in range(2):
                answer = receiver.post(body)
                check_shape(answer)
                assert answer.fault == "Server.TijdelijkNietBeschikbaar"
        assert receiver.post(body).confirmed
    assert [delivery.verdict for delivery in deliveries.newest(any_store.engine)] == ["accept", "reject"]
    (record,) = [record for record in caplog.records if record.name == "rondblik.clock"]
    assert "set the clock right" in record.getMessage()


@pytest.mark.parametrize("action", ['"BrengLeerresultaten"', "leer:leerresultaten_verzoek", "", '"iets anders"'])
def test_the_body_routes_and_soapaction_is_a_hint(receiver: Receiver, rekenwijs: Account, action: str) -> None:
    assert receiver.post(enveloped(message(), rekenwijs.header), SOAPAction=action).confirmed


def test_a_sender_of_http_1_0_without_charset_is_answered(receiver: Receiver, rekenwijs: Account) -> None:
    body = enveloped(message(), rekenwijs.header)
    with socket.create_connection(("127.0.0.1", receiver.port), timeout=20) as wire:
        wire.sendall(b"POST %s HTTP/1.0\r\nContent-Length: %d\r\n\r\n" % (PATH.encode(), len(body)) + body)
        got = b"".join(iter(lambda: wire.recv(65536), b""))
    assert got.startswith(b"HTTP/1.0 200")
    assert b"leerresultaten_bevestiging" in got


def test_the_same_bytes_are_confirmed_without_effect_under_every_setting(
    store: Store, receiver: Receiver, rekenwijs: Account
) -> None:
    body = enveloped(message(scores=["4"]), rekenwijs.header)
    assert receiver.post(body).confirmed
    with_terms(store, rekenwijs, versions=("2.3",), unknown_pupil="refuse", ordering="strict", eckid_form="refuse")
    before = list(deliveries.newest(store.engine))
    assert receiver.post(body).confirmed
    assert list(deliveries.newest(store.engine)) == before
    changed = enveloped(message(scores=["5"]), rekenwijs.header)
    assert receiver.post(changed).fault == "Client.XsdVersieOngeldig"


def test_a_refused_message_is_judged_anew(store: Store, receiver: Receiver, rekenwijs: Account) -> None:
    body = enveloped(message(xsdversie="2.1"), rekenwijs.header)
    with_terms(store, rekenwijs, versions=("2.2",))
    assert receiver.post(body).fault == "Client.XsdVersieOngeldig"
    with_terms(store, rekenwijs)
    assert receiver.post(body).confirmed


def test_a_message_of_one_bad_result_leaves_nothing(store: Store, receiver: Receiver, rekenwijs: Account) -> None:
    answer = receiver.post(enveloped(message(scores=["1", "2", "twee"]), rekenwijs.header))
    assert answer.fault == "Client.ScoreOngeldig"
    assert stored(store) == {}


# -- who may -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "fault", "rule"),
    [
        ({"code": "K-ANDERS"}, "Client.OngeldigeKlantIdentificatie", "header.customer"),
        ({"name": "rekenwijs"}, "Client.OngeldigeKlantIdentificatie", "header.customer"),
        ({"key": "sleutel"}, "Client.AutorisatieOngeldig", "header.key"),
        ({"key": ""}, "Client.AutorisatieOngeldig", "header.incomplete"),
    ],
)
def test_a_stranger_is_refused_and_nothing_of_the_message_is_kept(
    store: Store, receiver: Receiver, rekenwijs: Account, wrong: dict[str, str], fault: str, rule: str
) -> None:
    claimed = {"code": rekenwijs.code, "name": rekenwijs.name, "key": rekenwijs.key, **wrong}
    answer = receiver.post(enveloped(message(), Account(**claimed).header))
    check_shape(answer)
    assert (answer.fault, rules_of(newest(store))) == (fault, [rule])
    with read_transaction(store.engine) as connection:
        assert connection.scalar(select(func.count()).select_from(raw_messages)) == 0
    assert newest(store).school is None
    assert newest(store).findings[0]["path"] is None
    assert newest(store).size > 0


def test_a_flood_of_strangers_leaves_a_few_rows_that_count_the_others(store: Store, rekenwijs: Account) -> None:
    no_key = Account(rekenwijs.code, rekenwijs.name, "anders")
    floods: list[Callable[[int], tuple[bytes, str]]] = [
        lambda number: (b"<x%d/>" % number, ""),
        lambda number: (enveloped(message(toetsnaam=f"T{number}"), Account("K", "N", "S").header), ""),
        lambda number: (enveloped(message(toetsnaam=f"T{number}"), no_key.header), ""),
        lambda number: (b"x" * (number + 1), "br"),
    ]
    rows: list[deliveries.Delivery] = []
    with receiving(
        ReceiverContext(store.engine, store.cipher, refusals=RefusalThrottle(first=2, every_seconds=0.5))
    ) as receiver:
        for make in floods:
            posted, known, ends = 0, len(rows), time.monotonic() + 20
            while len(rows) == known or not rows[0].counts:
                assert time.monotonic() < ends
                body, encoding = make(posted)
                check_shape(receiver.post(body, Content_Encoding=encoding))
                posted += 1
                rows = list(deliveries.newest(store.engine))
            new = rows[: len(rows) - known]
            assert {tuple(rules_of(delivery)) for delivery in new} == {tuple(rules_of(new[0]))}
            assert sum(1 + delivery.counts.get("others", 0) for delivery in new) == posted
            assert len(new) < posted


def test_a_kind_of_refusal_gets_a_few_rows_and_then_one_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    throttle, now = RefusalThrottle(first=2), 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    kind = ("header.key", 1)
    assert [throttle.take(kind) for _ in range(4)] == [0, 0, None, None]
    assert throttle.take(("header.key", 2)) == 0
    now += 59.0
    assert throttle.take(kind) is None
    now += 1.0
    assert [throttle.take(kind), throttle.take(kind)] == [3, None]
    now += 3600.0
    assert [throttle.take(kind) for _ in range(3)] == [1, 0, None]


def test_the_same_bytes_of_a_stranger_take_one_row_and_no_room_of_others(store: Store) -> None:
    with receiving(ReceiverContext(store.engine, store.cipher, refusals=RefusalThrottle(first=2))) as receiver:
        for body in (b"<x/>", b"<x/>", b"<x/>", b"<y/>", b"<z/>"):
            assert receiver.post(body).fault == "Client.OngeldigBericht"
    assert [delivery.size for delivery in deliveries.newest(store.engine)] == [4, 4]


def test_the_hourly_clean_up_throws_away_old_refusals_of_no_school(any_store: Store) -> None:
    sender = account(any_store.engine, any_store.cipher)
    context = WorkContext(any_store.engine, any_store.cipher, retention=RetentionPolicy(refused_days=1))
    with receiving(
        ReceiverContext(any_store.engine, any_store.cipher, retention=RetentionPolicy(refused_days=2))
    ) as receiver:
        old = [b"<old/>", *(enveloped(message(scores=[score]), sender.header) for score in ("1", "twee"))]
        old.append(enveloped(message(brin="99YY"), sender.header))  # its bytes were promised for two days
        for body in old:
            receiver.post(body)
        with clock.fixed(NOW + timedelta(days=1)):
            receiver.post(b"<young/>")

    def left() -> list[str]:
        return [":".join((delivery.verdict, *rules_of(delivery))) for delivery in deliveries.newest(any_store.engine)]

    assert len(left()) == 5
    of_school = ["reject:xsd.value", "accept"]
    for days, expected in ((1, ["reject:soap.envelope", "reject:school.other", *of_school]), (2, of_school)):
        with clock.fixed(NOW + timedelta(days=days, minutes=1)), working(context):
            ends = time.monotonic() + 20
            while len(left()) > len(expected):
                assert time.monotonic() < ends
        assert left() == expected


def test_the_gate_goes_before_who_sends(store: Store, receiver: Receiver, rekenwijs: Account) -> None:
    broken = enveloped(message(), Account("K", "N", "S").header).replace(b"</toetsen>", b"")
    assert receiver.post(broken).fault == "Client.OngeldigBericht"
    behind = enveloped(message(), Account("K", "N", "S").header).replace(b"</s:Body>", b"</s:Body><s:Body/>")
    assert receiver.post(behind).fault == "Client.OngeldigBericht"


def test_a_key_covers_its_schools_only(store: Store, receiver: Receiver, rekenwijs: Account) -> None:
    answer = receiver.post(enveloped(message(brin="99YY"), rekenwijs.header))
    assert (answer.fault, rules_of(newest(store))) == ("Client.AutorisatieOngeldig", ["school.other"])
    other = message().replace(b"</brincode>", b"</brincode><dependancecode>01</dependancecode>")
    assert receiver.post(enveloped(other, rekenwijs.header)).fault == "Client.AutorisatieOngeldig"
    assert stored(store) == {}


def test_two_keys_are_valid_while_one_replaces_the_other(store: Store, receiver: Receiver, rekenwijs: Account) -> None:
    second = senders.new_key()
    with write_transaction(store.engine) as connection:
        number = senders.add_key(connection, store.cipher, rekenwijs.source_id, second, [HORIZON])
        with pytest.raises(senders.SenderRefused, match="revoke one first"):
            senders.add_key(connection, store.cipher, rekenwijs.source_id, senders.new_key(), [HORIZON])
        senders.add_key(connection, store.cipher, rekenwijs.source_id, senders.new_key(), [BAKEN])
    renewed = Account(rekenwijs.code, rekenwijs.name, second)
    assert receiver.post(enveloped(message(scores=["1"]), rekenwijs.header)).confirmed
    assert receiver.post(enveloped(message(scores=["2"], aanmaakdatum=LATER), renewed.header)).confirmed
    with write_transaction(store.engine) as connection:
        senders.revoke(connection, rekenwijs.source_id, number - 1)
    assert receiver.post(enveloped(message(), rekenwijs.header)).fault == "Client.AutorisatieOngeldig"
    assert receiver.post(enveloped(message(scores=["3"], aanmaakdatum=LATER), renewed.header)).confirmed


def test_a_school_that_stopped_the_coupling_gets_nothing(store: Store, receiver: Receiver, rekenwijs: Account) -> None:
    with write_transaction(store.engine) as connection:
        connection.execute(source_connections.update().values(stopped=True))
    answer = receiver.post(enveloped(message(), rekenwijs.header))
    assert (answer.fault, rules_of(newest(store))) == ("Client.AutorisatieOngeldig", ["school.stopped"])


@pytest.mark.sqlite
def test_keys_and_codes_are_nowhere_in_the_store(store: Store, receiver: Receiver, rekenwijs: Account) -> None:
    receiver.post(enveloped(message(), rekenwijs.header))
    with store.engine.connect() as connection:
        connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
    data = Path(str(store.engine.url.database)).read_bytes()
    assert b"rekenwijs" in data
    assert rekenwijs.key.encode() not in data
    assert rekenwijs.code.encode() not in data


# -- what was agreed -----------------------------------------------------------------------------------------


def test_tolerances_are_named_one_by_one(store: Store, receiver: Receiver, rekenwijs: Account) -> None:
    unqualified = (
        rekenwijs.header.replace("<a:auto", "<auto").replace("</a:auto", "</auto").replace("<a:klant", "<klant")
    )
    unqualified = unqualified.replace("</a:klant", "</klant")
    unqualified = unqualified.replace("<autorisatie xmlns", "<a:autorisatie xmlns").replace(
        "</autorisatie>", "</a:autorisatie>"
    )
    body = enveloped(message(scores=["7.5"]), unqualified)
    assert receiver.post(body).fault == "Client.AutorisatieOngeldig"
    with_terms(store, rekenwijs, policy="tolerant", tolerances=("header.unqualified",))
    assert receiver.post(body).fault == "Client.ScoreOngeldig"
    with_terms(store, rekenwijs, policy="tolerant", tolerances=("header.unqualified", "score.decimal"))
    assert receiver.post(body).confirmed
    assert rules_of(newest(store), "warning") == ["header.unqualified", "score.decimal"]


def test_strict_ordering_is_the_letter_of_the_standard(store: Store, receiver: Receiver, rekenwijs: Account) -> None:
    with_terms(store, rekenwijs, ordering="strict")
    first = enveloped(message(scores=["1"]), rekenwijs.header)
    assert receiver.post(first).confirmed
    again = receiver.post(enveloped(message(scores=["2"]), rekenwijs.header))
    assert (again.fault, rules_of(newest(store))) == ("Client.OngeldigBericht", ["school.created-order"])
    assert receiver.post(enveloped(message(scores=["3"], aanmaakdatum=LATER), rekenwijs.header)).confirmed
    assert receiver.post(first).confirmed
    assert stored(store) == {"r1": "3"}


def test_per_result_takes_an_older_message_and_changes_no_newer_value(
    store: Store, receiver: Receiver, rekenwijs: Account
) -> None:
    assert receiver.post(enveloped(message(scores=["3"], aanmaakdatum=LATER), rekenwijs.header)).confirmed
    assert receiver.post(enveloped(message(scores=["1", "2"]), rekenwijs.header)).confirmed
    assert stored(store) == {"r1": "3", "r2": "2"}


def test_an_unknown_pupil_is_parked_or_refuses_the_message(
    store: Store, receiver: Receiver, rekenwijs: Account
) -> None:
    roster(store, RosterPupil("L1", None, "Noa", group="g"))
    two = message().replace(
        b"</toetsafnames>",
        b"<toetsafname><leerlingid>L9</leerlingid><resultaten>" + result_xml("r9", "4").encode()
        + b"</resultaten></toetsafname></toetsafnames>",
    )  # fmt: skip
    with_terms(store, rekenwijs, unknown_pupil="refuse")
    answer = receiver.post(enveloped(two, rekenwijs.header))
    assert (answer.fault, rules_of(newest(store))) == ("Client.LeerlingOngeldig", ["pupil.unknown"])
    assert "toetsafname[2]" in newest(store).findings[0]["path"]
    assert "L9" not in answer.sentence
    assert stored(store) == {}
    with_terms(store, rekenwijs)
    assert receiver.post(enveloped(two, rekenwijs.header)).confirmed
    assert newest(store).counts["parked"] == 1


def test_two_identifiers_of_two_pupils_are_a_conflict(store: Store, receiver: Receiver, rekenwijs: Account) -> None:
    first, second = (f"https://ketenid.nl/pilot/{digit * 128}" for digit in "ab")
    roster(store, RosterPupil("L1", first, "Noa", group="g"), RosterPupil("L2", second, "Bas", group="g"))
    with_terms(store, rekenwijs, unknown_pupil="refuse")
    both = message().replace(b"</leerlingid>", f"</leerlingid><eckid>{second}</eckid>".encode())
    answer = receiver.post(enveloped(both, rekenwijs.header))
    assert (answer.fault, rules_of(newest(store))) == ("Client.LeerlingOngeldig", ["pupil.conflict"])
    right = message().replace(b"</leerlingid>", f"</leerlingid><eckid>{first}</eckid>".encode())
    assert receiver.post(enveloped(right, rekenwijs.header)).confirmed
    with read_transaction(store.engine) as connection:
        refs = [identity.PupilRef("L1", second), identity.PupilRef("L2", None), identity.PupilRef("L7", None)]
        assert identity.unmatched(connection, store.cipher, 1, refs) == [(0, "conflict"), (2, "unknown")]


def test_the_form_of_an_eckid_warns_or_refuses(store: Store, receiver: Receiver, rekenwijs: Account) -> None:
    odd = enveloped(message().replace(b"</leerlingid>", b"</leerlingid><eckid>E1</eckid>"), rekenwijs.header)
    with_terms(store, rekenwijs, eckid_form="refuse")
    assert receiver.post(odd).fault == "Client.LeerlingOngeldig"
    with_terms(store, rekenwijs)
    assert receiver.post(odd).confirmed


def test_more_messages_than_agreed_are_put_off(store: Store, receiver: Receiver, rekenwijs: Account) -> None:
    with_terms(store, rekenwijs, messages_per_minute=2)
    bodies = [enveloped(message(scores=[str(item)]), rekenwijs.header) for item in range(4)]
    faults = [receiver.post(body).fault for body in bodies]
    assert faults == [None, None, "Server.TijdelijkNietBeschikbaar", "Server.TijdelijkNietBeschikbaar"]
    assert [rules_of(delivery) for delivery in deliveries.newest(store.engine)].count(["message.rate"]) == 1


@pytest.mark.parametrize(("element", "confirmed"), [(b'<x:Extra xmlns:x="urn:x"/>', True), (b"<Extra/>", False)])
def test_an_element_behind_the_body_needs_a_namespace_of_its_own(
    store: Store, receiver: Receiver, rekenwijs: Account, element: bytes, confirmed: bool
) -> None:
    body = enveloped(message(), rekenwijs.header)
    head, closing, _ = body.rpartition(b"</")
    data = head + element + body[len(head) :]
    assert closing
    answer = receiver.post(data)
    check_shape(answer)
    assert answer.confirmed is confirmed
    assert stored(store) == ({"r1": "7"} if confirmed else {})
    unknown = receiver.post(data.replace(rekenwijs.key.encode(), b"een-andere-sleutel"))
    assert unknown.fault == ("Client.AutorisatieOngeldig" if confirmed else "Client.OngeldigBericht")
    assert confirmed or "soap.after-body" in unknown.sentence


# -- bodies --------------------------------------------------------------------------------------------------


def test_bodies_in_chunks_and_in_gzip_are_read_whole(store: Store, receiver: Receiver, rekenwijs: Account) -> None:
    body = enveloped(message(scores=["1"]), rekenwijs.header)
    connection = http.client.HTTPConnection("127.0.0.1", receiver.port, timeout=20)
    parts = (body[start : start + 100] for start in range(0, len(body), 100))
    connection.request("POST", PATH, parts, {"Content-Type": "text/xml"}, encode_chunked=True)
    assert answer_of(connection.getresponse()).confirmed
    connection.close()
    packed = gzip.compress(enveloped(message(scores=["2"], aanmaakdatum=LATER), rekenwijs.header))
    assert receiver.post(packed, Content_Encoding="gzip").confirmed
    assert stored(store) == {"r1": "2"}


@pytest.mark.parametrize(
    ("packed", "encoding", "rule"),
    [
        (b"no gzip", "gzip", "message.gzip"),
        (gzip.compress(b"<x/>")[:-6], "gzip", "message.gzip"),
        (gzip.compress(b"<x/>") + b"more", "gzip", "message.gzip"),
        (b"<x/>", "br", "message.packing"),
        (packed_zeros(300), "gzip", "message.gzip"),
    ],
    ids=["none", "cut", "behind", "unknown", "bomb"],
)
def test_what_cannot_be_unpacked_is_refused_in_soap(
    store: Store, receiver: Receiver, packed: bytes, encoding: str, rule: str
) -> None:
    began = time.perf_counter()
    answer = receiver.post(packed, Content_Encoding=encoding)
    check_shape(answer)
    assert (answer.fault, rules_of(newest(store))) == ("Client.OngeldigBericht", [rule])
    assert time.perf_counter() - began < 2.0


def test_too_large_a_body_gets_a_fault_and_not_a_closed_door(store: Store, rekenwijs: Account) -> None:
    receiver_context = ReceiverContext(store.engine, store.cipher, Bounds(max_bytes=100_000))
    large = enveloped(message(toetsnaam="x" * 120), rekenwijs.header) + b" " * 5_000_000
    with receiving(receiver_context, BodyLimits(is_service, service_bytes=100_000)) as receiver:
        for answer in (receiver.post(large), receiver.post(gzip.compress(large), Content_Encoding="gzip")):
            check_shape(answer)
            assert (answer.fault, rules_of(newest(store))) == ("Client.OngeldigBericht", ["xml.size"])
        connection = http.client.HTTPConnection("127.0.0.1", receiver.port, timeout=20)
        parts = (large[start : start + 65_536] for start in range(0, len(large), 65_536))
        connection.request("POST", PATH, parts, {"Content-Type": "text/xml"}, encode_chunked=True)
        assert answer_of(connection.getresponse()).fault == "Client.OngeldigBericht"
        connection.close()
        assert receiver.post(enveloped(message(), rekenwijs.header)).confirmed


def test_a_body_that_does_not_arrive_gets_a_fault_in_time(
    store: Store, rekenwijs: Account, receiver_context: ReceiverContext
) -> None:
    with receiving(receiver_context, BodyLimits(is_service, service_seconds=1.0)) as receiver:
        with socket.create_connection(("127.0.0.1", receiver.port), timeout=20) as wire:
            wire.sendall(b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000\r\n\r\n<x>" % PATH.encode())
            got = b"".join(iter(lambda: wire.recv(65536), b""))
        assert got.startswith(b"HTTP/1.1 500")
        assert b"Server.TijdelijkNietBeschikbaar" in got
        assert rules_of(newest(store)) == ["message.deadline"]


@pytest.mark.parametrize("chunks", [b"zz\r\n<x/>\r\n", b"2\r\n<x/>\r\n0\r\n\r\n", b"4;=\r\n<x/>\r\n0\r\n\r\n"])
def test_badly_cut_chunks_get_a_fault_that_says_so(store: Store, receiver: Receiver, chunks: bytes) -> None:
    got = said_to(receiver, _start_of_post(b"Transfer-Encoding: chunked") + chunks)
    assert got.startswith(b"HTTP/1.1 500")
    assert b"Client.OngeldigBericht" in got
    assert RULES["message.chunks"].nl.encode() in got
    assert rules_of(newest(store)) == ["message.chunks"]


@pytest.mark.parametrize("version", [b"HTTP/1.1", b"HTTP/1.0"])
def test_with_two_lengths_a_message_is_answered_and_the_connection_ended(
    store: Store, receiver: Receiver, rekenwijs: Account, version: bytes
) -> None:
    """RFC 9112, 6.1: a proxy may have gone by the other length, so what follows may be no request at all."""
    body = enveloped(message(), rekenwijs.header)
    framed = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body) if version == b"HTTP/1.1" else body
    lengths = b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive" % len(body)
    later = enveloped(message(scores=["1"], aanmaakdatum=LATER), rekenwijs.header)
    next_request = _start_of_post(b"Content-Length: %d" % len(later)) + later
    got = said_to(receiver, _start_of_post(lengths, version) + framed + next_request)
    assert got.startswith(version + b" 200")
    assert got.count(b"leerresultaten_bevestiging") == 1
    assert got.count(b"HTTP/1.") == 1
    assert b"Connection: close" in got
    assert stored(store) == {"r1": "7"}


def test_with_one_length_the_connection_stays(receiver: Receiver, rekenwijs: Account) -> None:
    body = enveloped(message(), rekenwijs.header)
    chunked = _start_of_post(b"Transfer-Encoding: chunked") + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    plain = _start_of_post(b"Content-Length: %d" % len(body)) + body
    last = _start_of_post(b"Connection: close\r\nContent-Length: %d" % len(body)) + body
    assert said_to(receiver, chunked + plain + last).count(b"HTTP/1.1 200") == 3


def _start_of_post(headers: bytes, version: bytes = b"HTTP/1.1") -> bytes:
    return b"POST %s %s\r\nHost: localhost\r\n%s\r\n\r\n" % (PATH.encode(), version, headers)


def test_more_results_than_the_bound_are_refused(store: Store, rekenwijs: Account) -> None:
    receiver_context = ReceiverContext(store.engine, store.cipher, Bounds(max_results=2))
    with receiving(receiver_context) as receiver:
        answer = receiver.post(enveloped(message(scores=["1", "2", "3"]), rekenwijs.header))
        assert (answer.fault, rules_of(newest(store))) == ("Client.OngeldigBericht", ["message.results"])
        assert receiver.post(enveloped(message(scores=["1", "2"]), rekenwijs.header)).confirmed


def test_half_open_clients_hold_up_nobody(receiver: Receiver, rekenwijs: Account) -> None:
    wires = [socket.create_connection(("127.0.0.1", receiver.port), timeout=20) for _ in range(40)]
    try:
        for number, wire in enumerate(wires):
            head = b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000\r\n" % PATH.encode()
            wire.sendall(head if number % 2 else head + b"\r\n<half")
        for _ in range(20):
            began = time.perf_counter()
            answer = receiver.post(b"", path="/health", method="GET")
            assert (answer.status, time.perf_counter() - began < 1.0) == (200, True)
        assert receiver.post(enveloped(message(), rekenwijs.header)).confirmed
    finally:
        for wire in wires:
            wire.close()


# -- whatever reaches the route ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "MKCALENDAR", "X-EIGEN"]
)
@pytest.mark.parametrize("path", [PATH, f"{PATH}/", "/test/x/uwlr/leerresultaten", "/test/x/uwlr/leerresultaten/"])
def test_every_method_is_answered_in_soap(receiver: Receiver, method: str, path: str) -> None:
    answer = receiver.post(b"" if method == "GET" else b"<x/>", path, method)
    if method == "HEAD":
        assert (answer.status, answer.media_type) == (500, "text/xml")
    else:
        check_shape(answer)
        assert "?wsdl" in answer.sentence


@pytest.mark.parametrize(
    "path", [PATH, f"{PATH}/", f"{PATH}?x=1", f"/{PATH}", "/uwlr/leerresultaten%2F", "/%75wlr/leerresultaten"]
)
def test_the_service_is_there_however_its_path_is_written(receiver: Receiver, rekenwijs: Account, path: str) -> None:
    assert receiver.post(enveloped(message(), rekenwijs.header), path).confirmed


def test_the_paths_of_the_service_are_its_own_and_those_of_rooms() -> None:
    room = f"/test/eenproefadres{PATH}"
    for path in (PATH, f"{PATH}/", f"/{PATH}", room, f"{room}/"):
        assert is_service(path), path
    for path in (
        "", "/", "/test", f"/test{PATH}", f"/test/{PATH}", f"/test/a/b{PATH}", f"{PATH}/x", f"/x{PATH}", f"{PATH}//",
        f"/test/a{PATH}/b", f"{PATH}\n", f"/toets/a{PATH}", "/uwlr",
    ):  # fmt: skip
        assert not is_service(path), path


def test_a_room_with_a_slash_in_its_token_is_not_there(receiver: Receiver, rekenwijs: Account) -> None:
    for path in (f"/test/a/b{PATH}", f"/test/a%2Fb{PATH}/"):
        answer = receiver.post(enveloped(message(), rekenwijs.header), path)
        check_shape(answer)
        assert (answer.fault, "message.room" in answer.sentence) == ("Client.AutorisatieOngeldig", True)


def said_to(receiver: Receiver, data: bytes) -> bytes:
    """All that comes back for these bytes until the connection is closed."""
    with socket.create_connection(("127.0.0.1", receiver.port), timeout=20) as wire:
        wire.sendall(data)
        return b"".join(iter(lambda: wire.recv(65536), b""))


@pytest.mark.parametrize(
    "header",
    [
        b"Transfer-Encoding: gzip, chunked",
        b"Content-Length: abc",
        b"Content-Length: -1",
        b"Bad Header",
        b"Content-Length: 5\r\nContent-Length: 6",
        b"Content-Length: x\r\nExpect: 100-continue",
        b"X: long",
    ],
    ids=["encoding", "length", "minus", "name", "lengths", "continue", "long"],
)
@pytest.mark.parametrize("path", [PATH, f"/test/x{PATH}/", f"{PATH}?wsdl"])
def test_a_header_that_cannot_be_read_gets_a_fault(store: Store, receiver: Receiver, header: bytes, path: str) -> None:
    data = b"POST %s HTTP/1.1\r\nHost: localhost\r\n%s" % (path.encode(), header)
    got = said_to(receiver, data.ljust(MAX_HEADER, b"g") if header == b"X: long" else data + b"\r\n\r\n")
    assert got.startswith(b"HTTP/1.1 500")
    assert b"Content-Type: text/xml" in got
    assert b"Client.OngeldigBericht" in got
    assert b"message.http" in got
    assert rules_of(newest(store)) == ["message.http"]


@pytest.mark.parametrize(
    ("line", "status"),
    [(b"POST /elders HTTP/1.1", b"400"), (b"POST", b"400"), (b"post %s HTTP/1.1" % PATH.encode(), b"400")],
)
def test_where_it_is_not_known_that_the_service_is_meant_http_answers(
    receiver: Receiver, line: bytes, status: bytes
) -> None:
    got = said_to(receiver, line + b"\r\nBad Header\r\n\r\n")
    assert got.startswith((b"HTTP/1.0 " + status, b"HTTP/1.1 " + status))
    assert b"text/plain" in got


def test_every_answer_keeps_browsers_from_using_it(receiver: Receiver) -> None:
    for path, method in ((PATH, "POST"), (f"{PATH}?wsdl", "GET"), ("/health", "GET"), ("/nergens", "GET")):
        headers = receiver.post(b"", path, method).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        first, *more, last = headers["content-security-policy"].split("; ")
        assert (first, last) == ("default-src 'none'", "frame-ancestors 'none'")
        assert bool(more) is (sending.chosen_app != "alone")
        assert "set-cookie" not in headers


@pytest.mark.parametrize(
    ("headers", "taken"),
    [
        ({"Sec_Fetch_Site": "cross-site"}, False),
        ({"Sec_Fetch_Site": "same-site"}, False),
        ({"Origin": "http://evil.example"}, False),
        ({"Origin": "null"}, False),
        ({"Origin": "http://evil.example", "Sec_Fetch_Site": "cross-site", "Content_Type": "text/plain"}, False),
        ({"Sec_Fetch_Site": "same-origin", "Origin": "null"}, True),
        ({"Sec_Fetch_Site": "none"}, True),
        ({"Content_Type": "text/plain"}, True),
    ],
)
def test_a_page_of_another_site_cannot_send(
    store: Store, receiver: Receiver, rekenwijs: Account, headers: dict[str, str], taken: bool
) -> None:
    answer = receiver.post(enveloped(message(), rekenwijs.header), **headers)
    check_shape(answer)
    assert answer.confirmed is taken
    assert len(stored(store)) == taken
    own = {"Origin": f"http://127.0.0.1:{receiver.port}"}
    assert receiver.post(enveloped(message(), rekenwijs.header), **own).confirmed


@pytest.mark.parametrize("body", [b"", b"{}", b"\0\1\2", b"<x/>", b"<!DOCTYPE x><x/>", b"\xff\xfe<", b"<a>" * 500])
def test_every_body_is_answered_in_soap(receiver: Receiver, body: bytes) -> None:
    answer = receiver.post(body)
    check_shape(answer)
    assert answer.fault == "Client.OngeldigBericht"


def test_soap_1_2_is_told_that_it_is_another_version(receiver: Receiver, rekenwijs: Account) -> None:
    body = enveloped(message(), rekenwijs.header).replace(
        b"http://schemas.xmlsoap.org/soap/envelope/", b"http://www.w3.org/2003/05/soap-envelope"
    )
    assert receiver.post(body, Content_Type="application/soap+xml").fault == "VersionMismatch"


def test_a_header_for_somebody_else_need_not_be_understood(receiver: Receiver, rekenwijs: Account) -> None:
    other = '<w:Audit xmlns:w="urn:x" s:mustUnderstand="1" s:actor="urn:somebody-else"/>'
    assert receiver.post(enveloped(message(), rekenwijs.header + other)).confirmed
    ours = other.replace(' s:actor="urn:somebody-else"', "")
    assert receiver.post(enveloped(message(scores=["2"]), rekenwijs.header + ours)).fault == "MustUnderstand"


def test_a_result_without_any_names_the_trap(receiver: Receiver, rekenwijs: Account) -> None:
    answer = receiver.post(enveloped(message().replace(b"<score>7</score>", b""), rekenwijs.header))
    assert answer.fault == "Client.OngeldigBericht"
    for word in ("score 0", "choice", "zeep"):
        assert word in answer.sentence


def test_a_fault_holds_no_value_of_the_message(receiver: Receiver, rekenwijs: Account) -> None:
    secret = "Geheim77"
    for bad in (
        message(scores=[secret]), message(leerlingid=secret, scores=["-1"]), message(brin=secret),
        message(aanmaakdatum=secret), message(xsdversie=secret), message(schooljaar=secret),
        message(results=result_xml(secret, "x", toetscode=secret, afnamedatum=secret)),
    ):  # fmt: skip
        answer = receiver.post(enveloped(bad, rekenwijs.header))
        assert answer.fault is not None
        assert secret.encode() not in answer.body
        assert rekenwijs.key.encode() not in answer.body


@pytest.mark.sqlite
def test_a_store_that_cannot_be_used_is_a_temporary_fault_and_stores_nothing(
    store: Store, rekenwijs: Account, tmp_path: Path
) -> None:
    with receiving(ReceiverContext(store.engine, store.cipher)) as receiver:
        with store.engine.connect() as connection:
            connection.execute(text("ALTER TABLE deliveries RENAME TO gone"))
            connection.commit()
        answer = receiver.post(enveloped(message(), rekenwijs.header))
        check_shape(answer)
        assert answer.fault == "Server.TijdelijkNietBeschikbaar"
        with store.engine.connect() as connection:
            connection.execute(text("ALTER TABLE gone RENAME TO deliveries"))
            connection.commit()
        assert receiver.post(enveloped(message(), rekenwijs.header)).confirmed
    assert stored(store) == {"r1": "7"}


def test_an_error_of_our_own_is_told_without_its_text(
    receiver: Receiver, rekenwijs: Account, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise ValueError("L1 heeft 7")

    monkeypatch.setattr(push, "process_results", fail)
    monkeypatch.setattr(push, "_find_sender", fail)
    answer = receiver.post(enveloped(message(), rekenwijs.header))
    check_shape(answer)
    assert answer.fault == "Server.InterneFout"
    assert "L1" not in answer.sentence + caplog.text
    assert "ValueError" in caplog.text


def test_what_is_pushed_shows_with_the_couplings(store: Store, receiver: Receiver, rekenwijs: Account) -> None:
    with read_transaction(store.engine) as connection:
        row = connection.execute(select(source_connections)).one()
    assert (row.pushes, row.active, row.last_success_us) == (True, True, None)
    receiver.post(enveloped(message(), rekenwijs.header))
    with read_transaction(store.engine) as connection:
        row = connection.execute(select(source_connections)).one()
    assert row.last_success_us == row.last_data_us == clock.now_us()


def test_findings_of_deliveries_are_json_that_names_rule_and_place(
    store: Store, receiver: Receiver, rekenwijs: Account
) -> None:
    receiver.post(enveloped(message(toetsnaam="=1+1"), rekenwijs.header))
    finding = newest(store).findings[0]
    assert json.loads(json.dumps(finding))["rule"] == "text.control"
    assert finding["line"] == 1


def test_an_error_against_namespaces_is_told_as_what_it_is(
    store: Store, receiver: Receiver, rekenwijs: Account
) -> None:
    for old, new, rule in (
        (b"<score>", b'<score xsi:nil="true">', "xml.prefix"),
        (b"<term>", b'<term xmlns:a="">', "xml.namespace"),
    ):
        answer = receiver.post(enveloped(message().replace(old, new, 1), rekenwijs.header))
        check_shape(answer)
        assert answer.fault == "Client.OngeldigBericht"
        assert answer.sentence.startswith(RULES[rule].nl)
        assert rules_of(newest(store)) == [rule]
    assert stored(store) == {}


def test_a_fault_names_no_element_that_the_sender_made_up(receiver: Receiver, rekenwijs: Account) -> None:
    for new in (b"<Jan_Jansen/><score>", b'<score Jan_Jansen="7">', b"<Jan_Jansen>7</Jan_Jansen><score>"):
        answer = receiver.post(enveloped(message().replace(b"<score>", new, 1), rekenwijs.header))
        check_shape(answer)
        assert answer.fault is not None
        assert b"Jansen" not in answer.body
        assert "(regel " in answer.sentence
