"""A vendor's own test address: who may send there, what is written down, and when it is gone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from connectors.push import Desk
from models import clock, database, rooms, schools, senders
from models.people import class_list
from models.rooms import Room, Situation
from models.tables import metadata
from models.viewer import Role, Viewer
from tests.conftest import Store
from tests.connectors.sending import Account, Answer, Receiver, account, enveloped, receiving
from tests.uwlr.messages import message, result_xml

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _noon() -> Iterator[None]:
    with clock.fixed(NOW):
        yield


@pytest.fixture
def receiver(store: Store) -> Iterator[Receiver]:
    with receiving(Desk(store.engine, store.seal)) as found:
        yield found


class Vendor:
    """Somebody who tries a coupling at a test address."""

    def __init__(self, store: Store, receiver: Receiver) -> None:
        self.store = store
        self.receiver = receiver
        self.room = rooms.make_room(store.engine, store.seal, "Spelsprong")
        given = self.room.account
        self.header = Account(given.customer_code, given.customer_name, given.key).header
        self.address = f"/test/{given.token}/uwlr/leerresultaten"
        self.minute = 0

    def message(self, dependance: str = "", **changes: object) -> bytes:
        self.minute += 1
        options: dict[str, object] = {
            "brin": self.room.account.brin, "leerlingid": "proef-01",
            "aanmaakdatum": f"2026-11-11T10:{self.minute:02d}:00", **changes,
        }  # fmt: skip
        data = message(**options)  # type: ignore[arg-type]
        location = f"</brincode><dependancecode>{dependance}</dependancecode>".encode()
        return data.replace(b"</brincode>", location) if dependance else data

    def post(self, data: bytes, header: str | None = None) -> Answer:
        return self.receiver.post(enveloped(data, self.header if header is None else header), path=self.address)

    def found(self) -> Room:
        room = rooms.find_room(self.store.engine, self.store.seal, self.room.account.token)
        assert room is not None
        return room

    def progress(self) -> dict[str, str]:
        room = self.found()
        told: list[Situation] = rooms.progress(room, rooms.arrivals(self.store.engine, room))
        return {one.key: one.state for one in told}


@pytest.fixture
def vendor(store: Store, receiver: Receiver) -> Vendor:
    return Vendor(store, receiver)


def test_all_situations_can_be_shown(vendor: Vendor) -> None:
    assert set(vendor.progress().values()) == {rooms.WAITING}
    first = vendor.message(scores=["0", "7"])
    assert vendor.post(first).confirmed
    assert vendor.progress()["first"] == rooms.DONE
    assert vendor.post(first).confirmed
    assert vendor.progress()["again"] == rooms.DONE
    assert vendor.post(vendor.message(scores=["1", "7"])).confirmed
    assert vendor.progress()["correction"] == rooms.DONE
    assert vendor.progress()["schools"] == rooms.BUSY
    assert vendor.post(vendor.message("01", scores=["4"])).confirmed
    assert vendor.progress()["schools"] == rooms.DONE
    wrong = vendor.header.replace("</a:autorisatiesleutel>", "x</a:autorisatiesleutel>")
    assert vendor.post(vendor.message(), wrong).fault == "Client.AutorisatieOngeldig"
    assert vendor.post(vendor.message(xsdversie="1.0")).fault == "Client.XsdVersieOngeldig"
    assert vendor.post(vendor.message(leerlingid="onbekend")).fault == "Client.LeerlingOngeldig"
    many = "".join(result_xml(f"n{number}", "3", part="") for number in range(rooms.LARGE))
    assert vendor.post(vendor.message(results=many)).confirmed
    rooms.provoke(vendor.store.engine, vendor.room)
    last = vendor.message(scores=["9"])
    told = vendor.post(last)
    code = vendor.found().code
    assert code is not None
    assert (told.fault, code in told.sentence) == ("Server.TijdelijkNietBeschikbaar", True)
    assert vendor.progress()["fault"] == rooms.BUSY
    assert rooms.arrivals(vendor.store.engine, vendor.room)[-1].broke("message.provoked")
    assert vendor.post(last).confirmed
    assert not rooms.confirm_shown(vendor.store.engine, vendor.found(), "0000")
    assert vendor.progress()["fault"] == rooms.BUSY
    assert rooms.confirm_shown(vendor.store.engine, vendor.found(), f" {code} ")
    assert set(vendor.progress().values()) == {rooms.DONE}


def test_who_sends_the_same_refused_bytes_again_and_again_is_told(vendor: Vendor) -> None:
    wrong = vendor.message(xsdversie="1.0")
    for _ in range(3):
        vendor.post(wrong)
    assert vendor.progress()["version"] == rooms.DONE
    vendor.post(wrong)
    assert vendor.progress()["version"] == rooms.FAILED


def test_only_the_account_of_the_room_may_send_there_and_nowhere_else(
    store: Store, receiver: Receiver, vendor: Vendor
) -> None:
    real = account(store.engine, store.seal)
    other = Vendor(store, receiver)
    assert vendor.post(message(), real.header).fault == "Client.OngeldigeKlantIdentificatie"
    assert vendor.post(vendor.message(), other.header).fault == "Client.OngeldigeKlantIdentificatie"
    body = enveloped(vendor.message(), vendor.header)
    assert receiver.post(body).fault == "Client.OngeldigeKlantIdentificatie"
    nowhere = receiver.post(body, path="/test/niets/uwlr/leerresultaten")
    assert (nowhere.fault, "message.room" in nowhere.sentence) == ("Client.AutorisatieOngeldig", True)
    assert vendor.post(vendor.message(brin="99XX")).fault == "Client.AutorisatieOngeldig"


def test_the_description_of_a_test_address_names_that_address(vendor: Vendor) -> None:
    told = vendor.receiver.post(b"", path=vendor.address + "?wsdl", method="GET")
    assert vendor.address.encode() in told.body


def test_numbers_of_real_children_have_no_place_in_a_test_school(vendor: Vendor) -> None:
    bsn = vendor.message().replace(b"</leerlingid>", b"</leerlingid><eckid>111222333</eckid>")
    assert vendor.post(bsn).fault == "Client.LeerlingOngeldig"
    assert vendor.post(vendor.message(leerlingid="111222333")).fault == "Client.LeerlingOngeldig"
    found = rooms.arrivals(vendor.store.engine, vendor.room)[-1].findings
    assert [one["rule"] for one in found if one["level"] == "warning"] == ["pupil.bsn-like"]


def test_a_test_school_is_seen_by_its_own_teacher_only(store: Store, vendor: Vendor) -> None:
    vendor.post(vendor.message())
    teacher = rooms.teacher_of(store.engine, store.seal, vendor.room)
    with database.reading(store.engine) as connection:
        assert schools.all_schools(connection) == []
        own = Viewer(vendor.room.school_id, Role.TEACHER, teacher)
        assert [one.name for one in class_list(connection, own)] == ["Proefgroep 6"]
        nobody = Viewer(vendor.room.school_id, Role.TEACHER, None)
        assert class_list(connection, nobody) == []


def rows(store: Store) -> dict[str, int]:
    with database.reading(store.engine) as connection:
        return {
            table.name: connection.scalar(select(func.count()).select_from(table)) or 0
            for table in metadata.sorted_tables
        }


def test_a_room_leaves_nothing_when_its_time_is_over(any_store: Store) -> None:
    account(any_store.engine, any_store.seal)
    before = rows(any_store)
    with receiving(Desk(any_store.engine, any_store.seal)) as receiver:
        vendor = Vendor(any_store, receiver)
        assert vendor.post(vendor.message()).confirmed
        vendor.post(vendor.message(scores=["zeven"]))
        vendor.post(vendor.message(), vendor.header.replace("</a:klantcode>", "x</a:klantcode>"))
        assert rooms.empty_due(any_store.engine) == 0
        with clock.fixed(NOW + timedelta(days=13)):
            assert vendor.post(vendor.message()).confirmed
    with clock.fixed(NOW + timedelta(days=15)):
        assert rooms.empty_due(any_store.engine) == 0
    with clock.fixed(NOW + timedelta(days=28)):
        assert rooms.find_room(any_store.engine, any_store.seal, vendor.room.account.token) is None
        assert rooms.empty_due(any_store.engine) == 1
    assert rows(any_store) == before
    with database.reading(any_store.engine) as connection:
        assert len(senders.all_senders(connection)) == 1


def test_rooms_have_schools_of_their_own(store: Store) -> None:
    made = [rooms.make_room(store.engine, store.seal, "x") for _ in range(3)]
    assert len({one.account.brin for one in made}) == 3
    assert len({rooms.brin_of(number) for number in range(1, 6000)}) == 5999
    assert all(not rooms.brin_of(number).startswith("99") for number in range(1, 7000))
