"""A thousand connections that are opened and then silent keep nobody out of the real program."""

from __future__ import annotations

import resource
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from connectors.intake.receive import PATH
from connectors.transport.http_server import MAX_CONNECTIONS, MAX_OF_A_CLIENT
from tests.connectors.sending import Account, Receiver, enveloped
from tests.connectors.test_receive_memory import serving_alone
from tests.uwlr.messages import message

pytestmark = pytest.mark.timing

HALF_OPEN, GETS = 1_000, 200
MAX_SECONDS = 1.0
ATTACKER = "127.0.0.2"
HEAD = b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n"
# What a connection sends before it falls silent: nothing, half a header, half a body.
STARTS = (b"", HEAD % (PATH.encode(), 5_000), HEAD % (PATH.encode(), 5_000) + b"\r\n<half")


@pytest.fixture(autouse=True)
def _many_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Receiver, Account]]:
    """The program in a process of its own, with one sender."""
    with serving_alone(tmp_path_factory.mktemp("alone")) as (receiver, account, _):
        yield receiver, account


@contextmanager
def half_open(port: int, count: int, address: str) -> Iterator[None]:
    """So many connections from this address, all silent."""
    wires = []
    try:
        for number in range(count):
            wire = socket.create_connection(("127.0.0.1", port), timeout=20, source_address=(address, 0))
            wires.append(wire)
            with suppress(OSError):  # the server may have ended it by now
                wire.sendall(STARTS[number % len(STARTS)])
        yield
    finally:
        for wire in wires:
            wire.close()


def seconds_of(receiver: Receiver) -> float:
    """How long a GET takes."""
    began = time.perf_counter()
    assert receiver.post(b"", "/health", "GET").status == 200
    return time.perf_counter() - began


@pytest.mark.parametrize("address", ["127.0.0.1", ATTACKER])
def test_a_page_is_answered_beside_a_thousand_half_open_connections(
    alone: tuple[Receiver, Account], address: str
) -> None:
    receiver, account = alone
    with half_open(receiver.port, HALF_OPEN, address):
        took = sorted(seconds_of(receiver) for _ in range(GETS))
        p99 = took[GETS * 99 // 100 - 1]
        print(f"{HALF_OPEN} half-open connections from {address}: GET p50 {took[GETS // 2]:.3f} s, p99 {p99:.3f} s")
        assert p99 < MAX_SECONDS
        assert receiver.post(enveloped(message(), account.header)).confirmed


def test_a_client_that_opens_too_many_connections_ends_its_own_and_none_of_others(
    alone: tuple[Receiver, Account],
) -> None:
    receiver, account = alone
    with socket.create_connection(("127.0.0.1", receiver.port), timeout=20) as wire:
        body = enveloped(message(), account.header)
        wire.sendall(HEAD % (PATH.encode(), len(body)) + b"\r\n" + body[:100])
        with half_open(receiver.port, MAX_OF_A_CLIENT + MAX_CONNECTIONS, ATTACKER):
            assert seconds_of(receiver) < MAX_SECONDS
            wire.sendall(body[100:])
            assert wire.recv(65_536).startswith(b"HTTP/1.1 200 ")
