"""Many at once: the service bounds what it holds and works on, and pages are answered meanwhile."""

from __future__ import annotations

import http.client
import socket
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from connectors.intake.push import ReceiverContext
from connectors.intake.receive import PATH, is_service
from connectors.transport.http_server import MESSAGE_THREADS, BodyLimits
from models.ingest import deliveries
from models.schema import clock
from models.schema.database import write_transaction
from tests.conftest import Store
from tests.connectors.sending import Account, Answer, Receiver, account, enveloped, receiving
from tests.connectors.test_receive_memory import serving_alone
from tests.uwlr.messages import message, result_xml

with_every_app = pytest.mark.usefixtures("every_app")
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
BUSY = "Server.TijdelijkNietBeschikbaar"
MB = 1024 * 1024
MAX_SECONDS = 3.0  # for /health while ten messages wait, on a machine that has more to do


@pytest.fixture(autouse=True)
def _noon() -> Iterator[None]:
    with clock.fixed(NOW):
        yield


def health_seconds(receiver: Receiver) -> float:
    """How long it takes to be told that the service is well."""
    began = time.perf_counter()
    assert receiver.post(b"", "/health", "GET").status == 200
    return time.perf_counter() - began


def slowest_health(receiver: Receiver, posts: list[Future[Answer]]) -> float:
    """The longest that /health took while these were posted; it is asked at least once meanwhile."""
    took = [health_seconds(receiver)]
    while not all(post.done() for post in posts):
        took.append(health_seconds(receiver))
    assert len(took) > 1
    return max(took)


# -- threads -------------------------------------------------------------------------------------------------


@with_every_app
def test_messages_that_wait_too_long_are_put_off_and_pages_are_answered(store: Store) -> None:
    sender = account(store.engine, store.cipher)
    bodies = [enveloped(message(results=result_xml(f"r{item}", "7")), sender.header) for item in range(10)]
    limits = BodyLimits(is_service, wait_seconds=0.5, look_seconds=0.1)
    with (
        receiving(ReceiverContext(store.engine, store.cipher), limits) as receiver,
        ThreadPoolExecutor(len(bodies)) as pool,
    ):
        with write_transaction(store.engine):  # whoever wants to store a message waits for this
            posts = [pool.submit(receiver.post, body) for body in bodies]
            put_off: list[Answer] = []
            ends = time.monotonic() + 20
            while len(put_off) < len(bodies) - MESSAGE_THREADS:
                assert health_seconds(receiver) < MAX_SECONDS
                assert time.monotonic() < ends
                put_off = [post.result() for post in posts if post.done()]
            assert {answer.fault for answer in put_off} == {BUSY}
            assert all(answer.status == 500 and "message.busy" in answer.sentence for answer in put_off)
        answers = [post.result() for post in posts]
        assert sum(answer.confirmed for answer in answers) == MESSAGE_THREADS
        again = [receiver.post(body).confirmed for body in bodies]
    assert all(again)
    assert {delivery.verdict for delivery in deliveries.newest(store.engine)} == {"accept"}


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Receiver, Account]]:
    """The program in a process of its own, with one sender."""
    with serving_alone(tmp_path_factory.mktemp("alone")) as (receiver, sender, _):
        yield receiver, sender


@pytest.mark.timing
@pytest.mark.parametrize("kind", ["junk", "stranger", "sender"])
def test_eight_large_messages_at_once_hold_up_no_page(alone: tuple[Receiver, Account], kind: str) -> None:
    size = 4 * MB
    rows = "".join(result_xml(f"r{number}", "7") for number in range(size // len(result_xml("r10000", "7"))))
    receiver, sender = alone
    with ThreadPoolExecutor(8) as pool:
        body = {
            "junk": b"<a>" + b"<b>x</b>" * (size // 8) + b"</a>",
            "stranger": enveloped(message(results=rows), Account("K", "N", "S").header),
            "sender": enveloped(message(results=rows), sender.header),
        }[kind]
        posts = [pool.submit(receiver.post, body) for _ in range(8)]
        assert slowest_health(receiver, posts) < 1.0
        expected = {"junk": "Client.OngeldigBericht", "stranger": "Client.OngeldigeKlantIdentificatie", "sender": None}
        assert {post.result().fault for post in posts} == {expected[kind]}


@with_every_app
def test_of_a_large_message_of_a_stranger_only_the_start_goes_through_the_gate(store: Store) -> None:
    stranger = enveloped(message(), Account("K", "N", "S").header)
    with receiving(ReceiverContext(store.engine, store.cipher)) as receiver:
        for before, fault in ((1 * MB, "Client.OngeldigBericht"), (8 * MB, "Client.OngeldigeKlantIdentificatie")):
            broken = b"<toetsen>" + b"<t/>" * (before // 4) + b"<t>"
            assert receiver.post(stranger.replace(b"<toetsen>", broken)).fault == fault


# -- bytes ---------------------------------------------------------------------------------------------------


@contextmanager
def half_sent(port: int, length: int, body: bytes) -> Iterator[socket.socket]:
    """A connection that has sent the start of a body."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as wire:
        head = b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % (PATH.encode(), length)
        wire.sendall(head + body)
        yield wire


@with_every_app
def test_bodies_that_come_in_at_once_are_bounded_together(store: Store) -> None:
    sender = account(store.engine, store.cipher)
    body = enveloped(message(), sender.header) + b" " * 100_000
    limits = BodyLimits(is_service, total_bytes=130_000)
    half = b" " * 30_000  # so little that it is read before the body that comes after it
    with receiving(ReceiverContext(store.engine, store.cipher), limits) as receiver:
        with half_sent(receiver.port, 500_000, half), half_sent(receiver.port, 500_000, half):
            answer = receiver.post(body)
            assert (answer.status, answer.media_type, answer.fault) == (500, "text/xml", BUSY)
            connection = http.client.HTTPConnection("127.0.0.1", receiver.port, timeout=20)
            connection.request("POST", PATH, (body[:50_000], body[50_000:]), encode_chunked=True)
            assert BUSY.encode() in connection.getresponse().read()
            connection.close()
            assert receiver.post(enveloped(message(), sender.header)).confirmed  # for a small one there is room
            assert receiver.post(body, "/health").status == 413
        for number in range(10):
            ends = time.monotonic() + 20
            while not receiver.post(body + b" " * number).confirmed:  # until it is seen that those before have gone
                assert time.monotonic() < ends
    assert {delivery.verdict for delivery in deliveries.newest(store.engine)} == {"accept"}


# -- headers -------------------------------------------------------------------------------------------------


@with_every_app
def test_a_header_that_trickles_in_is_ended_in_time(store: Store) -> None:
    limits = BodyLimits(is_service, header_seconds=1.0, look_seconds=0.1)
    with (
        receiving(ReceiverContext(store.engine, store.cipher), limits) as receiver,
        socket.create_connection(("127.0.0.1", receiver.port), timeout=0.2) as wire,
    ):
        began = time.monotonic()
        wire.sendall(b"POST %s HTTP/1.1\r\nX-Drip: " % PATH.encode())
        assert is_ended_while_it_drips(wire, began + 10)
        assert 0.9 < time.monotonic() - began < 3.0


def is_ended_while_it_drips(wire: socket.socket, ends: float) -> bool:
    """Whether the other side closes a connection on which a byte comes in again and again."""
    while time.monotonic() < ends:
        try:
            wire.sendall(b"x")
            if wire.recv(1) == b"":
                return True
        except TimeoutError:
            continue
        except ConnectionError:
            return True
    return False
