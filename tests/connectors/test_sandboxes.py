"""A vendor's own test address: who may send there, what is written down, and when it is gone."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, func, insert, select, text, update

from connectors.intake import push
from connectors.intake import sandbox as sandbox_service
from connectors.intake.judge import Spooled, spool
from connectors.intake.push import ReceiverContext
from models.access.people import class_list
from models.access.viewer import Role, Viewer
from models.ingest import schools, senders
from models.ingest.result_store import Receipt
from models.ingest.schools import Identification
from models.sandbox import sandboxes, situations
from models.sandbox.sandboxes import Sandbox
from models.sandbox.situations import Situation
from models.schema import clock, database
from models.schema.tables import (
    deliveries,
    metadata,
    results,
    school_identifications,
    sender_key_schools,
    test_arrivals,
    test_rooms,
)
from models.schema.tables import schools as schools_table
from models.schema.tables import senders as senders_table
from tests.conftest import Store
from tests.connectors.sending import HORIZON, Account, Answer, Receiver, account, enveloped, receiving
from tests.uwlr.messages import message, result_xml

pytestmark = pytest.mark.usefixtures("every_app")
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _noon() -> Iterator[None]:
    with clock.fixed(NOW):
        yield


@pytest.fixture
def receiver(store: Store) -> Iterator[Receiver]:
    with receiving(ReceiverContext(store.engine, store.cipher)) as receiver:
        yield receiver


class Vendor:
    """Somebody who tries a coupling at a test address."""

    def __init__(self, store: Store, receiver: Receiver) -> None:
        self.store = store
        self.receiver = receiver
        self.room = sandboxes.create_sandbox(store.engine, store.cipher, "Spelsprong")
        sandbox_account = self.room.account
        self.header = Account(sandbox_account.customer_code, sandbox_account.customer_name, sandbox_account.key).header
        self.address = f"/test/{sandbox_account.token}/uwlr/leerresultaten"
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

    def found(self) -> Sandbox:
        sandbox = sandboxes.find_sandbox(self.store.engine, self.store.cipher, self.room.account.token)
        assert sandbox is not None
        return sandbox

    def progress(self) -> dict[str, str]:
        sandbox = self.found()
        states: list[Situation] = situations.progress(sandbox, sandboxes.arrivals(self.store.engine, sandbox))
        return {situation.key: situation.state for situation in states}


@pytest.fixture
def vendor(store: Store, receiver: Receiver) -> Vendor:
    return Vendor(store, receiver)


def test_all_situations_can_be_shown(vendor: Vendor) -> None:
    assert set(vendor.progress().values()) == {situations.WAITING}
    first = vendor.message(scores=["0", "7"])
    assert vendor.post(first).confirmed
    assert vendor.progress()["first"] == situations.DONE
    assert vendor.post(first).confirmed
    assert vendor.progress()["again"] == situations.DONE
    assert vendor.post(vendor.message(scores=["1", "7"])).confirmed
    assert vendor.progress()["correction"] == situations.DONE
    assert vendor.progress()["schools"] == situations.BUSY
    assert vendor.post(vendor.message("01", scores=["4"])).confirmed
    assert vendor.progress()["schools"] == situations.DONE
    wrong = vendor.header.replace("</a:autorisatiesleutel>", "x</a:autorisatiesleutel>")
    assert vendor.post(vendor.message(), wrong).fault == "Client.AutorisatieOngeldig"
    assert vendor.post(vendor.message(xsdversie="1.0")).fault == "Client.XsdVersieOngeldig"
    assert vendor.post(vendor.message(leerlingid="onbekend")).fault == "Client.LeerlingOngeldig"
    many = "".join(result_xml(f"n{number}", "3", part="") for number in range(situations.LARGE))
    assert vendor.post(vendor.message(results=many)).confirmed
    sandboxes.arm_fault(vendor.store.engine, vendor.room)
    last = vendor.message(scores=["9"])
    answer = vendor.post(last)
    code = vendor.found().code
    assert code is not None
    assert (answer.fault, code in answer.sentence) == ("Server.TijdelijkNietBeschikbaar", True)
    assert vendor.progress()["fault"] == situations.BUSY
    assert sandboxes.arrivals(vendor.store.engine, vendor.room)[-1].broke("message.provoked")
    assert vendor.post(last).confirmed
    assert not sandboxes.confirm_shown(vendor.store.engine, vendor.found(), "0000")
    assert vendor.progress()["fault"] == situations.BUSY
    assert sandboxes.confirm_shown(vendor.store.engine, vendor.found(), f" {code} ")
    assert set(vendor.progress().values()) == {situations.DONE}


def test_who_sends_the_same_refused_bytes_again_and_again_is_told(vendor: Vendor) -> None:
    wrong = vendor.message(xsdversie="1.0")
    for _ in range(3):
        vendor.post(wrong)
    assert vendor.progress()["version"] == situations.DONE
    vendor.post(wrong)
    assert vendor.progress()["version"] == situations.FAILED


def test_only_the_account_of_the_room_may_send_there_and_nowhere_else(
    store: Store, receiver: Receiver, vendor: Vendor
) -> None:
    real = account(store.engine, store.cipher)
    other = Vendor(store, receiver)
    assert vendor.post(message(), real.header).fault == "Client.OngeldigeKlantIdentificatie"
    assert vendor.post(vendor.message(), other.header).fault == "Client.OngeldigeKlantIdentificatie"
    body = enveloped(vendor.message(), vendor.header)
    assert receiver.post(body).fault == "Client.OngeldigeKlantIdentificatie"
    nowhere = receiver.post(body, path="/test/niets/uwlr/leerresultaten")
    assert (nowhere.fault, "message.room" in nowhere.sentence) == ("Client.AutorisatieOngeldig", True)
    assert vendor.post(vendor.message(brin="99XX")).fault == "Client.AutorisatieOngeldig"


def test_the_description_of_a_test_address_names_that_address(vendor: Vendor) -> None:
    answer = vendor.receiver.post(b"", path=vendor.address + "?wsdl", method="GET")
    assert vendor.address.encode() in answer.body


def test_numbers_of_real_children_have_no_place_in_a_test_school(vendor: Vendor) -> None:
    bsn = vendor.message().replace(b"</leerlingid>", b"</leerlingid><eckid>111222333</eckid>")
    assert vendor.post(bsn).fault == "Client.LeerlingOngeldig"
    assert vendor.post(vendor.message(leerlingid="111222333")).fault == "Client.LeerlingOngeldig"
    findings = sandboxes.arrivals(vendor.store.engine, vendor.room)[-1].findings
    assert [item["rule"] for item in findings if item["level"] == "warning"] == ["pupil.bsn-like"]


def test_a_test_school_is_seen_by_its_own_teacher_only(store: Store, vendor: Vendor) -> None:
    vendor.post(vendor.message())
    teacher = sandboxes.teacher_of(store.engine, store.cipher, vendor.room)
    with database.read_transaction(store.engine) as connection:
        assert schools.all_schools(connection) == []
        own = Viewer(vendor.room.school_id, Role.TEACHER, teacher)
        assert [class_ref.name for class_ref in class_list(connection, own)] == ["Proefgroep 6"]
        nobody = Viewer(vendor.room.school_id, Role.TEACHER, None)
        assert class_list(connection, nobody) == []


def rows(store: Store) -> dict[str, int]:
    with database.read_transaction(store.engine) as connection:
        return {
            table.name: connection.scalar(select(func.count()).select_from(table)) or 0
            for table in metadata.sorted_tables
            if table.name != "numbers"  # which are given out once, so what was given out is remembered
        }


def test_a_room_leaves_nothing_when_its_time_is_over(any_store: Store) -> None:
    account(any_store.engine, any_store.cipher)
    before = rows(any_store)
    with receiving(ReceiverContext(any_store.engine, any_store.cipher)) as receiver:
        vendor = Vendor(any_store, receiver)
        assert vendor.post(vendor.message()).confirmed
        vendor.post(vendor.message(scores=["zeven"]))
        vendor.post(vendor.message(), vendor.header.replace("</a:klantcode>", "x</a:klantcode>"))
        assert sandboxes.empty_due(any_store.engine) == 0
        with clock.fixed(NOW + timedelta(days=13)):
            assert vendor.post(vendor.message()).confirmed
    with clock.fixed(NOW + timedelta(days=15)):
        assert sandboxes.empty_due(any_store.engine) == 0
    with clock.fixed(NOW + timedelta(days=28)):
        assert sandboxes.find_sandbox(any_store.engine, any_store.cipher, vendor.room.account.token) is None
        assert sandboxes.empty_due(any_store.engine) == 1
    assert rows(any_store) == before
    with database.read_transaction(any_store.engine) as connection:
        assert len(senders.all_senders(connection)) == 1


def test_rooms_have_schools_of_their_own(store: Store) -> None:
    made = [sandboxes.create_sandbox(store.engine, store.cipher, "x") for _ in range(3)]
    assert len({sandbox.account.brin for sandbox in made}) == 3
    assert len({sandboxes.brin_of(number) for number in range(1, 6000)}) == 5999
    assert all(not sandboxes.brin_of(number).startswith("99") for number in range(1, 7000))


# -- while a message is read -----------------------------------------------------------------------------------


class _Turning(io.BytesIO):
    """A message during the second reading of which, when its sender is known already, something else happens."""

    def __init__(self, data: bytes, happens: Callable[[], None]) -> None:
        super().__init__(data)
        self.happened = False
        self._happens = happens
        self._begun = 0

    def read(self, size: int | None = -1) -> bytes:
        self._begun += self.tell() == 0
        if self._begun > 1 and not self.happened:
            self.happened = True
            self._happens()
        return super().read(size)


def deliver_while(deliver: Callable[[Spooled], Receipt], data: bytes, happens: Callable[[], None]) -> Receipt:
    with spool([data]) as whole:
        turning = _Turning(data, happens)
        receipt = deliver(Spooled(turning, whole.size, whole.digest))
    assert turning.happened
    return receipt


def numbers_of_all(store: Store) -> dict[str, set[int]]:
    with database.read_transaction(store.engine) as connection:
        return {
            name: set(connection.scalars(select(table.c[column])))
            for name, table, column in (
                ("schools", schools_table, "id"),
                ("sources", metadata.tables["sources"], "id"),
                ("keys", metadata.tables["sender_keys"], "id"),
                ("rooms", test_rooms, "id"),
            )
        }


def test_no_number_of_an_erased_room_is_given_out_again(any_store: Store) -> None:
    sandbox = sandboxes.create_sandbox(any_store.engine, any_store.cipher, "x")
    gone = numbers_of_all(any_store)
    sandboxes.erase_sandbox(any_store.engine, sandbox.id)
    assert not any(numbers_of_all(any_store).values())
    account(any_store.engine, any_store.cipher)
    sandboxes.create_sandbox(any_store.engine, any_store.cipher, "y")
    fresh = numbers_of_all(any_store)
    assert all(fresh.values())
    assert not [name for name, numbers in fresh.items() if numbers & gone[name]]


@pytest.mark.parametrize("score", ["7", "zeven"], ids=["right", "wrong"])
def test_a_message_under_way_when_its_room_is_erased_lands_nowhere(any_store: Store, score: str) -> None:
    engine, cipher = any_store.engine, any_store.cipher
    sandbox, receiver = sandboxes.create_sandbox(engine, cipher, "x"), ReceiverContext(engine, cipher)
    sandbox_account = sandbox.account
    header = Account(sandbox_account.customer_code, sandbox_account.customer_name, sandbox_account.key).header
    data = enveloped(message(brin=sandbox_account.brin, leerlingid="proef-01", scores=[score]), header)

    def erase() -> None:
        sandboxes.erase_sandbox(engine, sandbox.id)
        with database.write_transaction(engine) as connection:
            schools.ensure_school(connection, [HORIZON], "De Horizon")
            schools.ensure_source(connection, "echt", "Echt", "publisher")

    receipt = deliver_while(
        lambda spooled: sandbox_service.deliver(receiver, sandbox_account.token, spooled), data, erase
    )
    assert [finding.rule for finding in receipt.findings] == ["message.room"]
    with database.read_transaction(engine) as connection:
        for table in (results, deliveries, test_arrivals):
            assert connection.scalar(select(func.count()).select_from(table)) == 0


def _revoke(store: Store, sender: Account) -> None:
    with database.write_transaction(store.engine) as connection:
        (key,) = senders.valid_keys(connection, sender.source_id)
        senders.revoke(connection, sender.source_id, key.id)


def _end(store: Store, sender: Account) -> None:
    with database.write_transaction(store.engine) as connection:
        connection.execute(
            update(senders_table).where(senders_table.c.source_id == sender.source_id).values(active=False)
        )


def _uncover(store: Store, sender: Account) -> None:
    with database.write_transaction(store.engine) as connection:
        connection.execute(delete(sender_key_schools))


@pytest.mark.parametrize(
    ("ends", "rule"), [(_revoke, "header.key"), (_end, "header.customer"), (_uncover, "school.other")]
)
def test_who_may_not_send_any_more_when_a_message_was_read_stores_nothing(
    any_store: Store, ends: Callable[[Store, Account], None], rule: str
) -> None:
    rekenwijs = account(any_store.engine, any_store.cipher)
    receiver = ReceiverContext(any_store.engine, any_store.cipher)
    data = enveloped(message(), rekenwijs.header)
    receipt = deliver_while(
        lambda spooled: push.deliver(receiver, spooled), data, lambda: ends(any_store, rekenwijs)
    )  # fmt: skip
    assert [finding.rule for finding in receipt.findings] == [rule]
    with database.read_transaction(any_store.engine) as connection:
        assert connection.scalar(select(func.count()).select_from(results)) == 0
        refused = connection.execute(select(deliveries)).one()
        assert (refused.verdict, refused.school_id, refused.fault) == ("reject", None, receipt.fault)
        assert connection.scalar(select(func.count()).select_from(metadata.tables["raw_messages"])) == 0


@pytest.mark.sqlite
def test_what_is_stored_is_confirmed_also_where_it_cannot_be_written_down(
    vendor: Vendor, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    with database.write_transaction(store.engine) as connection:
        connection.execute(
            text("CREATE TRIGGER full BEFORE INSERT ON test_arrivals BEGIN SELECT RAISE(ABORT, 'geheim'); END")
        )
    assert vendor.post(vendor.message()).confirmed
    assert "IntegrityError while recording an arrival in a sandbox" in caplog.text
    assert "geheim" not in caplog.text
    with database.read_transaction(store.engine) as connection:
        assert connection.scalar(select(func.count()).select_from(results)) == 1


def test_of_two_messages_at_once_only_one_gets_the_fault_that_was_asked_for(any_store: Store) -> None:
    sandbox = sandboxes.create_sandbox(any_store.engine, any_store.cipher, "x")
    sandboxes.arm_fault(any_store.engine, sandbox)
    armed = sandboxes.find_sandbox(any_store.engine, any_store.cipher, sandbox.account.token)  # as both have read it
    assert armed is not None
    assert [sandboxes.take_armed_fault(any_store.engine, armed) for _ in range(2)] == [armed.code, None]


# -- bounds ----------------------------------------------------------------------------------------------------


def test_beyond_the_most_that_a_room_keeps_messages_are_only_counted(
    vendor: Vendor, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandboxes, "MAX_ARRIVALS", 3)
    for _ in range(5):
        assert vendor.post(vendor.message()).confirmed
    arrivals = sandboxes.arrivals(store.engine, vendor.room)
    assert (len(arrivals), vendor.found().came) == (3, 5)
    assert vendor.progress()["first"] == situations.DONE


def test_there_are_only_so_many_rooms(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandboxes, "MAX_SANDBOXES", 2)
    for _ in range(2):
        sandboxes.create_sandbox(store.engine, store.cipher, "x")
    with pytest.raises(sandboxes.NoSandboxAvailable):
        sandboxes.create_sandbox(store.engine, store.cipher, "x")
    with clock.fixed(NOW + timedelta(days=15)):  # those are over, whether they are erased yet or not
        sandboxes.create_sandbox(store.engine, store.cipher, "x")


def test_a_room_takes_no_brin_that_a_school_has_at_any_location(any_store: Store) -> None:
    with database.write_transaction(any_store.engine) as connection:
        schools.ensure_school(connection, [Identification("brin", sandboxes.brin_of(1), "07")], "De Horizon")
    assert sandboxes.create_sandbox(any_store.engine, any_store.cipher, "x").account.brin == sandboxes.brin_of(2)


def test_where_no_brin_is_free_there_is_no_room_and_nothing_is_left(store: Store) -> None:
    taken = [
        {"school_id": 1, "scheme": "brin", "value": sandboxes.brin_of(number), "location": "07"}
        for number in range(sandboxes.BRINS)
    ]
    with database.write_transaction(store.engine) as connection:
        schools.ensure_school(connection, [HORIZON], "De Horizon")
        connection.execute(insert(school_identifications), taken)
    with pytest.raises(sandboxes.NoSandboxAvailable):
        sandboxes.create_sandbox(store.engine, store.cipher, "x")
    assert numbers_of_all(store) == {"schools": {1}, "sources": set(), "keys": set(), "rooms": set()}


# -- the end ---------------------------------------------------------------------------------------------------


def test_a_room_is_kept_from_its_last_message_on_however_many_there_were(vendor: Vendor) -> None:
    kept = timedelta(days=14)
    assert vendor.found().keep_until_us == clock.to_us(NOW + kept)
    for day in (1, 2, 3, 3, 3):
        with clock.fixed(NOW + timedelta(days=day)):
            vendor.post(vendor.message())
            assert vendor.found().keep_until_us == clock.to_us(NOW + timedelta(days=day) + kept)


@pytest.mark.sqlite
def test_a_room_that_cannot_be_erased_holds_up_no_other(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    made = [sandboxes.create_sandbox(store.engine, store.cipher, "x") for _ in range(3)]
    with database.write_transaction(store.engine) as connection:
        connection.execute(
            text(
                f"CREATE TRIGGER stays BEFORE DELETE ON test_rooms WHEN OLD.id = {made[0].id} "
                "BEGIN SELECT RAISE(ABORT, 'geheim'); END"
            )
        )
    with clock.fixed(NOW + timedelta(days=15)):
        assert sandboxes.empty_due(store.engine) == 2
    assert numbers_of_all(store)["rooms"] == {made[0].id}
    assert made[0].school_id in numbers_of_all(store)["schools"]
    assert "IntegrityError while erasing a sandbox" in caplog.text
    assert "geheim" not in caplog.text
