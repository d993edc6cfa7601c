"""Refused messages: kept sealed, shown with what is personal covered, judged anew after a mend."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from connectors.intake import spool
from connectors.masking import COVER, mask
from connectors.push import Desk, deliver
from connectors.replay import replay
from models import clock, database, quarantine, senders, store
from models.quarantine import Kept
from models.records import Verdict
from models.senders import Terms
from models.store import Receipt
from models.tables import raw_messages, results
from tests.conftest import Store
from tests.connectors.sending import Account, account, enveloped
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
    return account(store.engine, store.seal, terms=Terms(versions=("2.3",)))


def send(given: Store, body: bytes) -> Receipt:
    with spool([body]) as spooled:
        return deliver(Desk(given.engine, given.seal), spooled)


def kept(given: Store) -> list[Kept]:
    with database.reading(given.engine) as connection:
        return quarantine.kept(connection)


def raw(given: Store, one: Kept) -> bytes | None:
    with database.reading(given.engine) as connection:
        return quarantine.raw(connection, given.seal, one.delivery_id)


def test_a_refused_message_is_kept_sealed_and_for_a_time(store: Store, rekenwijs: Account) -> None:
    body = enveloped(message(leerlingid=PUPIL), rekenwijs.header)
    assert send(store, body).fault == "Client.XsdVersieOngeldig"
    (one,) = kept(store)
    assert (one.source_key, one.fault, one.size) == ("rekenwijs", "Client.XsdVersieOngeldig", len(body))
    assert raw(store, one) == body
    with database.reading(store.engine) as connection:
        sealed = connection.scalar(select(raw_messages.c.sealed))
    assert sealed is not None
    assert PUPIL.encode() not in sealed
    with clock.fixed(NOW + timedelta(days=31)):
        assert _forget(store) == 1
    assert kept(store) == []


def _forget(given: Store) -> int:
    return store.forget_raw(given.engine)


def test_after_a_mend_the_message_is_judged_anew_and_settled(store: Store, rekenwijs: Account) -> None:
    send(store, enveloped(message(scores=["0"]), rekenwijs.header))
    (one,) = kept(store)
    desk = Desk(store.engine, store.seal)
    again = replay(desk, one)
    assert again is not None
    assert (again.verdict, again.repeated) == (Verdict.REJECT, True)
    with database.writing(store.engine) as connection:
        senders.set_terms(connection, rekenwijs.source_id, Terms())
    receipt = replay(desk, one)
    assert receipt is not None
    assert (receipt.verdict, receipt.counts["new"]) == (Verdict.ACCEPT, 1)
    assert kept(store) == []
    assert raw(store, one) is None
    assert replay(desk, one) is None
    with database.reading(store.engine) as connection:
        assert connection.scalar(select(results.c.score)) == 0


def test_a_message_whose_keys_are_all_revoked_stays_refused(store: Store, rekenwijs: Account) -> None:
    send(store, enveloped(message(), rekenwijs.header))
    (one,) = kept(store)
    with database.writing(store.engine) as connection:
        senders.set_terms(connection, rekenwijs.source_id, Terms())
        senders.revoke(connection, rekenwijs.source_id, 1)
    receipt = replay(Desk(store.engine, store.seal), one)
    assert receipt is not None
    assert receipt.fault == "Client.AutorisatieOngeldig"


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
    found = mask(data)
    place = found.text.index("<score>") - found.text.index("\n")
    shown = found.around(2, place)
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
