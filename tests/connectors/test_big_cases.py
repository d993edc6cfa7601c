"""Messages that are large on purpose: each is answered within two seconds, and none fills the memory."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.connectors.sending import Account, Receiver, enveloped, packed_zeros
from tests.connectors.test_receive_memory import Memory, serving_alone
from tests.uwlr.messages import message, result_xml

MAX_SECONDS, MAX_MB = 2.0, 400.0


def wrapped(account: Account, payload: bytes) -> bytes:
    return enveloped(payload, account.header)


def deep(account: Account) -> bytes:
    return wrapped(account, message().replace(b"<score>7</score>", b"<a>" * 100_000 + b"</a>" * 100_000))


def wide(account: Account) -> bytes:
    many = " ".join(f'a{number}="1"' for number in range(100_000)).encode()
    return wrapped(account, message().replace(b"<score>", b"<score " + many + b">"))


def wrong_scores(account: Account) -> bytes:
    rows = "".join(result_xml(f"r{number}", "zeven") for number in range(100_000))
    return wrapped(account, message(results=rows))


def same_keys(account: Account) -> bytes:
    return wrapped(account, message(results=result_xml("r1", "7") * 100_000))


def comments(account: Account) -> bytes:
    return wrapped(account, message().replace(b"<score>7", b"<score>" + b"<!-- -->" * 1_000_000 + b"7"))


def long_text(account: Account) -> bytes:
    return wrapped(account, message().replace(b"Toets 1", b"x" * 20_000_000))


def references(account: Account) -> bytes:
    return wrapped(account, message().replace(b"Toets 1", b"&#65;" * 2_000_000))


CASES: dict[str, Callable[[Account], bytes]] = {
    item.__name__: item for item in (long_text, wide, deep, wrong_scores, same_keys, comments, references)
}


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Receiver, Account, Memory]]:
    """The program, for all the messages that come one after the other."""
    with serving_alone(tmp_path_factory.mktemp("alone")) as receiver_account_and_memory:
        yield receiver_account_and_memory


@pytest.mark.timing
@pytest.mark.parametrize("name", CASES)
def test_a_large_message_is_answered_in_time_and_in_little_memory(
    alone: tuple[Receiver, Account, Memory], name: str
) -> None:
    receiver, account, memory = alone
    body = CASES[name](account)
    memory.forget_peak()
    began = time.perf_counter()
    answer = receiver.post(body)
    took = time.perf_counter() - began
    assert (answer.status, answer.media_type) in ((200, "text/xml"), (500, "text/xml"))
    assert answer.fault != "Server.InterneFout"
    print(f"{name}: {len(body):,} bytes, {took:.2f} s, {memory.peak():.0f} MB, {answer.fault}")
    assert took <= MAX_SECONDS
    assert memory.peak() <= MAX_MB


@pytest.mark.timing
def test_a_gigabyte_in_a_small_gzip_is_not_unpacked(alone: tuple[Receiver, Account, Memory]) -> None:
    receiver, _, memory = alone
    packed = packed_zeros(1_000)
    memory.forget_peak()
    began = time.perf_counter()
    assert receiver.post(packed, Content_Encoding="gzip").fault == "Client.OngeldigBericht"
    assert time.perf_counter() - began <= MAX_SECONDS
    assert memory.peak() <= MAX_MB


def test_large_messages_leave_no_memory_behind(tmp_path: Path) -> None:
    with serving_alone(tmp_path) as (receiver, account, memory), ThreadPoolExecutor(4) as pool:
        bodies = [wide(account), long_text(account)] * 8
        assert None not in {answer.fault for answer in pool.map(receiver.post, bodies)}
        time.sleep(1.0)
        left = memory.now()
    print(f"{len(bodies)} large messages leave {left:.0f} MB")
    assert left <= MAX_MB
