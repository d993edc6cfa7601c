"""What a check sent and received, as it is kept: masked, without keys, bounded, and never more than text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import quote

import pytest

from connectors.conformance import las
from connectors.conformance.exchange import Endpoint
from connectors.conformance.scenarios import run
from connectors.conformance.transcript import Transcript
from connectors.intake.masking import COVER, mask
from connectors.intake.push import ReceiverContext
from connectors.intake.transmissions import MAX_HEADER, MAX_SHOWN, READ_BYTES, transmission, visible
from connectors.simulator import school
from connectors.simulator.school import HORIZON
from connectors.uwlr.envelope import fault_bytes
from models.ingest.exchanges import Exchange, decrypt_exchanges, encrypt_exchanges
from models.sandbox import sandboxes
from models.schema import clock, database
from models.schema.tables import test_arrivals
from tests.conftest import Store
from tests.connectors.loopback import Handler, serving
from tests.connectors.sending import receiving
from tests.connectors.test_conformance import (
    NOVEMBER,
    XML,
    YEAR,
    Spoil,
    ask_both_forms,
    ask_las,
    endpoint,
    on_refusal,
    spoiled,
)
from tests.connectors.test_sandboxes import Vendor

KEY = "sleutel-<&>-\"4711'"


@pytest.fixture(autouse=True)
def _november() -> Iterator[None]:
    with clock.fixed(NOVEMBER):
        yield


def played(endpoint: Endpoint) -> list[Exchange]:
    session, transcript = las.LasSession(endpoint), Transcript(endpoint)
    run(session, las.SCENARIOS, lambda outcome: transcript.add(outcome.scenario.id, session.replies))
    return transcript.exchanges


def texts(exchanges: list[Exchange]) -> str:
    parts = [part for item in exchanges for part in (item.request, item.answer) if part is not None]
    return "\n".join(f"{part.head}\n{part.text}" for part in parts)


def of(exchanges: list[Exchange], scenario: str) -> list[Exchange]:
    return [item for item in exchanges if scenario in item.scenarios]


def test_every_scenario_has_the_requests_and_answers_that_it_took() -> None:
    with serving(spoiled(ask_both_forms, lambda _, reply: reply)) as peer:
        exchanges = played(endpoint(f"{peer.url}?geheim=4711"))
        assert len(exchanges) == len(peer.asked)
    staged = [item.operation for item in of(exchanges, "las.staged")]
    assert staged == ["HaalStructuur", "HaalLeerlingen", "HaalLeerkrachten"]
    assert "geheim" not in texts(exchanges)


def test_a_request_and_its_answer_say_what_they_are() -> None:
    with serving(spoiled(ask_las, lambda _, reply: reply)) as peer:
        exchanges = played(endpoint(peer.url))
    (wrong_key,) = of(exchanges, "las.wrong-key")
    assert wrong_key.request is not None
    assert wrong_key.answer is not None
    assert wrong_key.request.head.startswith("POST /")
    assert 'SOAPAction: "HaalLeerlinggegevens"' in wrong_key.request.head
    assert f"autorisatiesleutel>{COVER}</" in wrong_key.request.text
    assert "brincode>99XX<" in wrong_key.request.text
    assert wrong_key.answer.head.startswith("HTTP 500\ncontent-type: text/xml")
    assert "Client.AutorisatieOngeldig" in wrong_key.answer.text


def test_names_numbers_and_keys_are_covered() -> None:
    with serving(spoiled(ask_las, lambda _, reply: reply)) as peer:
        given = endpoint(peer.url)
        exchanges = played(replace(given, headers={"User-Agent": "een-abonnement"}))
    shown, roster = texts(exchanges), school.roster(HORIZON, YEAR, NOVEMBER)
    values = {pupil.las_key for pupil in roster.pupils} | {pupil.eck_id for pupil in roster.pupils}
    values |= {pupil.last_name for pupil in roster.pupils if len(pupil.last_name or "") > 5}
    assert [value for value in values if value and value in shown] == []
    assert given.authorisation.key not in shown
    assert "een-abonnement" not in shown
    assert "leerlinggegevens_antwoord" in shown


@pytest.mark.parametrize(
    "written",
    [
        KEY, KEY.upper(), quote(KEY, safe=""), "sleutel-&lt;&amp;&gt;-&quot;4711&apos;",
        "sleutel-&lt;&amp;&gt;-\"4711'",
    ],
)  # fmt: skip
def test_a_key_that_an_answer_repeats_is_covered_however_it_is_written(written: str) -> None:
    def repeat(handler: Handler) -> None:
        handler.say(f"<html>wrong {written}</html>".encode() + b" " * 20 + written.encode(), 500, "text/html")

    with serving(repeat) as peer:
        given = endpoint(peer.url)
        exchanges = played(replace(given, authorisation=replace(given.authorisation, key=KEY)))
    shown = texts(exchanges)
    assert "4711" not in shown
    assert f"<html>wrong {COVER}</html>" in shown


def test_a_short_key_is_covered_as_a_word_and_leaves_other_words_alone() -> None:
    answer = transmission("HTTP 500", {}, b"<f>key: ab; about</f>", secrets=["ab"])
    assert answer.text == f"<f>key: {COVER}; about</f>"


def test_a_key_at_the_end_of_a_long_header_is_not_cut_in_two() -> None:
    value = "x" * (MAX_HEADER - 4) + "geheime-sleutel"
    answer = transmission("HTTP 500", {"Content-Type": value}, b"", secrets=["geheime-sleutel"])
    assert "geh" not in answer.head


def test_a_key_at_the_end_of_what_is_shown_is_not_cut_in_two() -> None:
    body = b"<f>" + b"x" * (MAX_SHOWN - 10) + b"geheime-sleutel" + b"y" * 100 + b"</f>"
    answer = transmission("HTTP 500", {}, body, secrets=["geheime-sleutel"])
    assert not answer.whole
    assert "geh" not in answer.text
    assert answer.size == len(body)


@pytest.mark.parametrize("length", [MAX_SHOWN - 20, READ_BYTES - 3, READ_BYTES + 50])
def test_of_a_long_answer_the_beginning_is_kept_and_its_size(length: int) -> None:
    body = b"<f>" + "é".encode() * (length // 2) + b"</f>"
    answer = transmission("HTTP 200", {"content-type": "x" * 5000, "set-cookie": "sessie=1"}, body)
    assert answer.whole == (length < MAX_SHOWN)
    assert answer.size == len(body)
    assert answer.text.startswith("<f>éé")
    assert len(answer.text) <= MAX_SHOWN
    assert len(answer.head) < 300
    assert "sessie" not in answer.head


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le"])
def test_what_was_read_in_another_encoding_than_its_own_is_covered_as_a_whole(encoding: str) -> None:
    data = "<leerling><achternaam>Jansen</achternaam></leerling>".encode(encoding)
    assert mask(data).show() == COVER


def test_characters_that_hide_or_turn_a_text_are_written_out() -> None:
    assert visible("a\u202eb\x00c\u200bd\te\nf") == "a[U+202E]b[U+0000]c[U+200B]d\te\nf"


def test_an_endpoint_that_does_not_answer_has_requests_only() -> None:
    exchanges = played(endpoint("http://127.0.0.1:9/"))
    assert exchanges
    assert {item.answer for item in exchanges} == {None}


def refusing(text: str) -> Spoil:
    return on_refusal(lambda _: (500, fault_bytes("Client.OngeldigBericht", text), XML))


def test_what_is_kept_is_encrypted_and_comes_back_the_same(store: Store) -> None:
    with serving(spoiled(ask_las, refusing("Een zin <b>met</b> \u202e tekens."))) as peer:
        exchanges = played(endpoint(peer.url))
    encrypted = encrypt_exchanges(store.cipher, b"here", exchanges)
    assert b"Fault" not in encrypted
    assert decrypt_exchanges(store.cipher, b"here", encrypted) == tuple(exchanges)
    assert decrypt_exchanges(store.cipher, b"here", None) == ()


# -- a sandbox -----------------------------------------------------------------------------------------------------


@pytest.fixture
def vendor(store: Store) -> Iterator[Vendor]:
    with receiving(ReceiverContext(store.engine, store.cipher)) as receiver:
        yield Vendor(store, receiver)


def kept(vendor: Vendor) -> dict[int, Exchange]:
    return sandboxes.exchanges(vendor.store.engine, vendor.store.cipher, vendor.found())


@pytest.mark.usefixtures("every_app")
def test_a_sandbox_keeps_each_message_and_its_answer_covered(vendor: Vendor) -> None:
    vendor.post(vendor.message(leerlingid="proef-03", scores=["7"]))
    vendor.post(vendor.message(leerlingid="proef-04", scores=["zeven"]))
    first, second = kept(vendor).values()
    for exchange in (first, second):
        assert exchange.request is not None
        assert "content-type: text/xml" in exchange.request.head.lower()
        for secret in (vendor.room.account.key, vendor.room.account.customer_code, "proef-03", "proef-04"):
            assert secret not in json.dumps([exchange.request.text, exchange.request.head])
    assert first.request is not None
    assert first.answer is not None
    assert second.answer is not None
    assert "<score>7</score>" in first.request.text
    assert ("leerresultaten_bevestiging" in first.answer.text, first.answer.head.partition("\n")[0]) == (
        True,
        "HTTP 200",
    )
    assert ("Client.ScoreOngeldig" in second.answer.text, second.answer.head.partition("\n")[0]) == (True, "HTTP 500")


@pytest.mark.usefixtures("every_app")
def test_the_code_of_a_fault_that_was_asked_for_is_not_kept_to_be_read(vendor: Vendor) -> None:
    sandboxes.arm_fault(vendor.store.engine, vendor.room)
    answer = vendor.post(vendor.message())
    code = vendor.found().code
    assert code is not None
    assert code in answer.sentence
    (exchange,) = kept(vendor).values()
    assert exchange.answer is not None
    assert code not in exchange.answer.text
    assert COVER in exchange.answer.text


@pytest.mark.usefixtures("every_app")
def test_of_the_newest_messages_alone_the_exchange_is_kept(vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandboxes, "KEPT_EXCHANGES", 2)
    for _ in range(4):
        vendor.post(vendor.message())
    arrivals = sandboxes.arrivals(vendor.store.engine, vendor.room)
    assert list(kept(vendor)) == [arrival.id for arrival in arrivals[-2:]]
    sandboxes.erase_sandbox(vendor.store.engine, vendor.room.id)
    with database.read_transaction(vendor.store.engine) as connection:
        assert connection.execute(test_arrivals.select()).all() == []
