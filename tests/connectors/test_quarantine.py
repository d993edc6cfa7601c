"""Refused messages: kept sealed, shown with what is personal covered, judged anew after a mend."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, insert, select, update

from connectors.intake.judge import spool
from connectors.intake.masking import COVER, mask
from connectors.intake.push import ReceiverContext, deliver
from connectors.intake.replay import replay
from models.ingest import quarantine, retention, senders
from models.ingest.quarantine import QuarantinedMessage
from models.ingest.result_store import Receipt
from models.schema import clock, database
from models.schema.encrypted_columns import place
from models.schema.records import Verdict
from models.schema.tables import raw_messages, results, source_connections
from models.schema.terms import RetentionPolicy, SenderTerms
from tests.conftest import Store
from tests.connectors.sending import BAKEN, HORIZON, Account, account, enveloped
from tests.uwlr.messages import message, result_xml

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
ECK_ID = "https://ketenid.nl/pilot/" + "c" * 128
PUPIL = "leerling-4711"


@pytest.fixture(autouse=True)
def _noon() -> Iterator[None]:
    with clock.fixed(NOW):
        yield


@pytest.fixture
def rekenwijs(store: Store) -> Account:
    return account(store.engine, store.cipher, terms=SenderTerms(versions=("2.3",)))


def send(store: Store, body: bytes) -> Receipt:
    with spool([body]) as spooled:
        return deliver(ReceiverContext(store.engine, store.cipher), spooled)


def kept(store: Store) -> list[QuarantinedMessage]:
    with database.read_transaction(store.engine) as connection:
        return quarantine.quarantined_messages(connection)


def raw(store: Store, message: QuarantinedMessage) -> bytes | None:
    with database.read_transaction(store.engine) as connection:
        return quarantine.raw(connection, store.cipher, message.delivery_id)


def test_a_refused_message_is_kept_sealed_and_for_a_time(store: Store, rekenwijs: Account) -> None:
    body = enveloped(message(leerlingid=PUPIL), rekenwijs.header)
    assert send(store, body).fault == "Client.XsdVersieOngeldig"
    (item,) = kept(store)
    assert (item.source_key, item.fault, item.size) == ("rekenwijs", "Client.XsdVersieOngeldig", len(body))
    assert raw(store, item) == body
    with database.read_transaction(store.engine) as connection:
        sealed = connection.scalar(select(raw_messages.c.sealed))
    assert sealed is not None
    assert PUPIL.encode() not in sealed
    with clock.fixed(NOW + timedelta(days=31)):
        assert _forget(store) == 1
    assert kept(store) == []


def _forget(store: Store) -> int:
    return retention.forget_raw(store.engine)


def test_after_a_mend_the_message_is_judged_anew_and_settled(store: Store, rekenwijs: Account) -> None:
    send(store, enveloped(message(scores=["0"]), rekenwijs.header))
    (item,) = kept(store)
    receiver = ReceiverContext(store.engine, store.cipher)
    again = replay(receiver, item)
    assert again is not None
    assert (again.verdict, again.repeated) == (Verdict.REJECT, True)
    with database.write_transaction(store.engine) as connection:
        senders.set_terms(connection, rekenwijs.source_id, SenderTerms())
    receipt = replay(receiver, item)
    assert receipt is not None
    assert (receipt.verdict, receipt.counts["new"]) == (Verdict.ACCEPT, 1)
    assert kept(store) == []
    assert raw(store, item) is None
    assert replay(receiver, item) is None
    with database.read_transaction(store.engine) as connection:
        assert connection.scalar(select(results.c.score)) == 0


def test_a_replay_does_not_go_before_a_correction_of_the_same_moment(store: Store, rekenwijs: Account) -> None:
    """Refused twice and replayed last, the message still came in before its correction."""
    send(store, enveloped(message(scores=["3"]), rekenwijs.header))
    with clock.fixed(NOW + timedelta(minutes=1)), database.write_transaction(store.engine) as connection:
        senders.set_terms(connection, rekenwijs.source_id, SenderTerms())
    with clock.fixed(NOW + timedelta(minutes=2)):
        assert send(store, enveloped(message(scores=["9"]), rekenwijs.header)).counts["new"] == 1
    receiver = ReceiverContext(store.engine, store.cipher)
    with clock.fixed(NOW + timedelta(minutes=3)):
        with database.write_transaction(store.engine) as connection:
            senders.set_terms(connection, rekenwijs.source_id, SenderTerms(versions=("2.3",)))
        again = replay(receiver, kept(store)[0])
        assert again is not None
        assert again.verdict is Verdict.REJECT
        with database.write_transaction(store.engine) as connection:
            senders.set_terms(connection, rekenwijs.source_id, SenderTerms())
        receipt = replay(receiver, kept(store)[0])
    assert receipt is not None
    assert [finding.rule for finding in receipt.findings] == ["result.tied"]
    with database.read_transaction(store.engine) as connection:
        assert connection.scalar(select(results.c.score_text)) == "9"


def test_two_messages_of_one_moment_that_are_stored_at_once_end_in_the_later(
    any_store: Store,
) -> None:
    """The one that came in first waits for the other and is stored last."""
    sender = account(any_store.engine, any_store.cipher)
    receiver = ReceiverContext(any_store.engine, any_store.cipher)
    first, second = (enveloped(message(scores=[score]), sender.header) for score in ("4", "8"))
    read_first, stored = threading.Event(), threading.Event()

    def take(body: bytes, minute: int) -> Receipt:
        with spool([body]) as spooled:
            spooled.arrived_us = clock.to_us(NOW + timedelta(minutes=minute))
            if minute == 0:
                read_first.set()
                assert stored.wait(30)
            receipt = deliver(receiver, spooled)
            stored.set()
            return receipt

    with ThreadPoolExecutor(2) as workers:
        early = workers.submit(take, first, 0)
        assert read_first.wait(30)
        late = workers.submit(take, second, 1)
        assert late.result().counts["new"] == 1
        assert early.result().counts["history"] == 1
    with database.read_transaction(any_store.engine) as connection:
        assert connection.scalar(select(results.c.score_text)) == "8"


def test_a_message_whose_keys_are_all_revoked_stays_refused(store: Store, rekenwijs: Account) -> None:
    send(store, enveloped(message(), rekenwijs.header))
    (item,) = kept(store)
    with database.write_transaction(store.engine) as connection:
        senders.set_terms(connection, rekenwijs.source_id, SenderTerms())
        senders.revoke(connection, rekenwijs.source_id, 1)
    receipt = replay(ReceiverContext(store.engine, store.cipher), item)
    assert receipt is not None
    assert receipt.fault == "Client.AutorisatieOngeldig"


# -- how long ------------------------------------------------------------------------------------------------


def days(store: Store, number: float, body: bytes) -> Receipt:
    """Send this a number of days after noon."""
    with clock.fixed(NOW + timedelta(days=number)):
        return send(store, body)


def kept_on(store: Store, number: float) -> list[QuarantinedMessage]:
    """What is kept by then, once what is due was thrown away."""
    with clock.fixed(NOW + timedelta(days=number)):
        _forget(store)
        return kept(store)


def stored_bytes(store: Store) -> int:
    with database.read_transaction(store.engine) as connection:
        return connection.scalar(select(func.count()).select_from(raw_messages)) or 0


def mend(store: Store, sender: Account, **terms: Any) -> None:
    with database.write_transaction(store.engine) as connection:
        senders.set_terms(connection, sender.source_id, SenderTerms(**terms))


@pytest.fixture
def anywhere(any_store: Store) -> Account:
    """The same sender, on each database."""
    return account(any_store.engine, any_store.cipher, terms=SenderTerms(versions=("2.3",)))


def test_a_refused_message_that_comes_again_is_kept_from_then_on(any_store: Store, anywhere: Account) -> None:
    body = enveloped(message(), anywhere.header)
    first = days(any_store, 0, body)
    assert days(any_store, 29, body).delivery_id == first.delivery_id
    (item,) = kept_on(any_store, 58)
    assert raw(any_store, item) == body
    assert kept_on(any_store, 60) == []


def test_a_refused_message_that_comes_again_after_its_time_is_kept_anew(any_store: Store, anywhere: Account) -> None:
    body = enveloped(message(), anywhere.header)
    first = days(any_store, 0, body)
    assert kept_on(any_store, 31) == []
    assert days(any_store, 32, body).delivery_id == first.delivery_id
    (item,) = kept_on(any_store, 61)
    with clock.fixed(NOW + timedelta(days=61)):
        assert raw(any_store, item) == body
    assert kept_on(any_store, 63) == []


def test_what_is_due_is_not_there_for_anybody_before_it_is_thrown_away(store: Store, rekenwijs: Account) -> None:
    send(store, enveloped(message(), rekenwijs.header))
    (item,) = kept(store)
    with clock.fixed(NOW + timedelta(days=30, seconds=1)):
        assert (kept(store), raw(store, item)) == ([], None)


def test_judging_anew_keeps_a_message_no_longer(store: Store, rekenwijs: Account) -> None:
    send(store, enveloped(message(), rekenwijs.header))
    (item,) = kept(store)
    for terms in ({"versions": ("2.3",)}, {"unknown_pupil": "refuse"}):  # refused for the same reason, and for another
        mend(store, rekenwijs, **terms)
        with clock.fixed(NOW + timedelta(days=20)):
            receipt = replay(ReceiverContext(store.engine, store.cipher), item)
        assert receipt is not None
        assert receipt.verdict is Verdict.REJECT
    assert stored_bytes(store) == 1
    assert kept_on(store, 31) == []


def test_once_the_same_bytes_are_accepted_those_of_the_refusals_are_gone(any_store: Store, anywhere: Account) -> None:
    body = enveloped(message(), anywhere.header)
    other = enveloped(message(scores=["1"], aanmaakdatum="2026-11-10T08:00:00"), anywhere.header)
    days(any_store, 0, body)
    days(any_store, 0, other)
    mend(any_store, anywhere, unknown_pupil="refuse")
    days(any_store, 1, body)
    first, second, third = kept(any_store)  # refused for two reasons, and another message
    mend(any_store, anywhere)
    assert days(any_store, 2, body).verdict is Verdict.ACCEPT
    assert [message.delivery_id for message in kept(any_store)] == [second.delivery_id]
    assert stored_bytes(any_store) == 1
    assert (raw(any_store, first), raw(any_store, third)) == (None, None)
    receipt = replay(ReceiverContext(any_store.engine, any_store.cipher), second)
    assert receipt is not None
    assert receipt.verdict is Verdict.ACCEPT
    assert stored_bytes(any_store) == 0


def test_bytes_that_came_in_while_others_were_accepted_are_not_there(store: Store, rekenwijs: Account) -> None:
    body = enveloped(message(), rekenwijs.header)
    refused = send(store, body)
    mend(store, rekenwijs)
    assert send(store, body).verdict is Verdict.ACCEPT
    with database.write_transaction(store.engine) as connection:  # as a refusal under way at that moment leaves them
        until = clock.to_us(NOW + timedelta(days=30))
        sealed = store.cipher.encrypt(body, place(raw_messages.c.sealed, refused.delivery_id))
        connection.execute(
            insert(raw_messages).values(
                delivery_id=refused.delivery_id, sealed=sealed, keep_until_us=until, school_id=refused.school_id
            )
        )
        assert quarantine.raw(connection, store.cipher, refused.delivery_id) is None
        assert quarantine.quarantined_messages(connection) == []


def test_bytes_of_one_sender_do_not_settle_those_of_another(store: Store, rekenwijs: Account) -> None:
    leeslijn = account(store.engine, store.cipher, "Leeslijn")
    send(store, enveloped(message(), rekenwijs.header))
    send(store, enveloped(message(), leeslijn.header))
    (item,) = kept(store)
    assert item.source_key == "rekenwijs"
    assert raw(store, item) is not None


def test_accepted_bytes_are_kept_where_that_is_configured_and_are_no_refusal(store: Store, rekenwijs: Account) -> None:
    receiver = ReceiverContext(store.engine, store.cipher, retention=RetentionPolicy(accepted_days=2))
    body = enveloped(message(), rekenwijs.header)
    with spool([body]) as spooled:
        deliver(receiver, spooled)
    (refused,) = kept(store)
    mend(store, rekenwijs)
    with spool([body]) as spooled:
        accepted = deliver(receiver, spooled)
    assert accepted.verdict is Verdict.ACCEPT
    assert (kept(store), raw(store, refused)) == ([], None)
    with database.read_transaction(store.engine) as connection:
        (row,) = connection.execute(select(raw_messages))
        assert quarantine.raw(connection, store.cipher, accepted.delivery_id) == body
    assert row.delivery_id == accepted.delivery_id


def test_what_was_accepted_before_is_not_kept_when_it_is_refused(store: Store) -> None:
    sender = account(store.engine, store.cipher, "Rekenwijs", HORIZON, BAKEN)
    body = enveloped(message(), sender.header)
    assert send(store, body).verdict is Verdict.ACCEPT
    with database.write_transaction(store.engine) as connection:
        senders.revoke(connection, sender.source_id, 1)
        senders.add_key(connection, store.cipher, sender.source_id, sender.key, [BAKEN])
    assert send(store, body).fault == "Client.AutorisatieOngeldig"
    assert stored_bytes(store) == 0


@pytest.mark.parametrize("terms", [{"versions": ("2.3",)}, {}])
def test_of_a_test_school_no_bytes_are_kept(store: Store, terms: dict[str, Any]) -> None:
    vendor = account(store.engine, store.cipher, terms=SenderTerms(test_school=True, **terms))
    receiver = ReceiverContext(store.engine, store.cipher, retention=RetentionPolicy(refused_days=30, accepted_days=30))
    with spool([enveloped(message(), vendor.header)]) as spooled:
        receipt = deliver(receiver, spooled)
    assert (receipt.verdict is Verdict.REJECT) is bool(terms)
    assert stored_bytes(store) == 0


def test_a_message_of_a_school_that_stopped_its_coupling_stays_refused(store: Store, rekenwijs: Account) -> None:
    send(store, enveloped(message(), rekenwijs.header))
    (item,) = kept(store)
    with database.write_transaction(store.engine) as connection:
        senders.set_terms(connection, rekenwijs.source_id, SenderTerms())
        connection.execute(update(source_connections).values(stopped=True))
    receipt = replay(ReceiverContext(store.engine, store.cipher), item)
    assert receipt is not None
    assert [finding.rule for finding in receipt.findings] == ["school.stopped"]
    with database.read_transaction(store.engine) as connection:
        assert connection.scalar(select(func.count()).select_from(results)) == 0


# -- covering ------------------------------------------------------------------------------------------------


def whole(rekenwijs: Account) -> bytes:
    pupil = message(leerlingid=PUPIL, results=result_xml(f"{PUPIL}-T1", "0"))
    pupil = pupil.replace(b"</leerlingid>", f"</leerlingid><eckid>{ECK_ID}</eckid>".encode())
    pupil = pupil.replace(b"<xsdversie>", b"<auteur>Juf An</auteur><xsdversie>")
    return enveloped(pupil, rekenwijs.header)


def personal(rekenwijs: Account) -> tuple[str, ...]:
    return PUPIL, ECK_ID, "c" * 128, "Juf An", rekenwijs.key, rekenwijs.code


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1"])
def test_what_names_a_pupil_a_person_or_a_secret_is_covered(rekenwijs: Account, encoding: str) -> None:
    data = whole(rekenwijs).decode().replace('"UTF-8"', f'"{encoding}"').encode(encoding)
    shown = mask(data).show()
    for text in personal(rekenwijs):
        assert text not in shown
    for text in ("<score>0</score>", "<toetscode>T1</toetscode>", "2026-11-10", "Toets 1", "99XX"):
        assert text in shown
    assert f"<leerlingid>{COVER}</leerlingid>" in shown


def test_what_is_broken_is_covered_too(rekenwijs: Account) -> None:
    data = whole(rekenwijs)
    for cut in range(0, len(data), 7):
        shown = mask(data[:cut]).show()
        for text in personal(rekenwijs):
            assert text not in shown
    assert PUPIL not in mask(data.replace(PUPIL.encode(), f"<!-- x -->{PUPIL}".encode(), 1)).show()
    cdata = data.replace(PUPIL.encode(), f"<![CDATA[{PUPIL}]]>".encode(), 1)
    assert PUPIL not in mask(cdata).show()
    assert mask(b"\0\1" + PUPIL.encode()).show() == COVER
    assert "111222333" not in mask(b"<x>111222333</x>").show()


@given(st.binary(max_size=300))
def test_any_bytes_can_be_shown(data: bytes) -> None:
    mask(data).show()


def test_a_place_is_shown_with_what_stands_around_it(rekenwijs: Account) -> None:
    data = b"<a>\n" + whole(rekenwijs)
    masked = mask(data)
    place = masked.text.index("<score>") - masked.text.index("\n")
    shown = masked.around(2, place)
    assert "<score>0</score>" in shown
    assert len(shown) < 600
    for text in personal(rekenwijs):
        assert text not in shown


@pytest.mark.parametrize(
    "data",
    [
        b"<leerlingid " * 100_000,
        b"<leerlingid>a" * 100_000,
        b"<leerlingid>" + b"<!--" * 100_000,
        b"<leerlingid>abcd</leerlingid>" + b"abcd" * 200_000,
        b"".join(b"<leerlingid>leerling-%d</leerlingid>" % number for number in range(20_000)),
    ],
    ids=["tags", "open", "comments", "one word", "pupils"],
)
def test_covering_takes_no_longer_for_text_that_is_hostile(data: bytes) -> None:
    began = time.process_time()
    mask(data).show()
    assert time.process_time() - began < 5.0


def seconds_to_show(data: bytes, findings: int) -> float:
    """How long it takes to mask a message and to show it around this many places; the best of three."""
    taken = []
    for _attempt in range(3):
        began = time.process_time()
        masked = mask(data)
        for number in range(findings):
            masked.around(1 + number * 50, 1)
        taken.append(time.process_time() - began)
    return min(taken)


@pytest.mark.timing
@pytest.mark.parametrize(
    "piece",
    [b"\n" * 25, b"<leerlingid>12a4</leerlingid>\n", b"<leerlingid>" + b"<!--" * 200 + b"</leerlingid>\n"],
    ids=["lines", "pupils", "comments"],
)
def test_twice_the_text_with_twice_the_findings_takes_twice_the_time(piece: bytes) -> None:
    number = 600_000 // len(piece)
    half, whole = seconds_to_show(piece * number, 200), seconds_to_show(piece * number * 2, 400)
    assert whole < 3 * half


@pytest.mark.timing
def test_the_places_of_many_findings_cost_less_than_the_message_itself() -> None:
    data = b"<leerlingid>12a4</leerlingid>\n" * 20_000
    assert seconds_to_show(data, 1_000) < 2 * seconds_to_show(data, 0)


def test_a_piece_shows_what_the_whole_shows() -> None:
    masked = mask(b"<a>" + b"<leerlingid>pupil</leerlingid><score>0</score>" * 3 + b"</a>")
    text = "".join(masked.show(at, at + 1) for at in range(len(masked.text)))
    for first, last in masked.covered:
        assert masked.show(first, last) == COVER
        assert masked.show(first + 1, last - 1) == COVER
        assert masked.show(first - 1, last + 1) == f">{COVER}<"
    assert text.replace(COVER * len("pupil"), COVER) == masked.show()
