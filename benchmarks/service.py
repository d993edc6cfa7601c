"""`make bench-full`: small messages over HTTP, beside an empty POST to the same server and beside zeep and merge.

Thirty results a message, durable, to a real `serve --soap-only`: *slim*, with the definitions of its six tests alone,
and *full*, with forty definitions of five bands, as publishers send them. The empty POST is answered by the health
page. The last line is flat JSON.
"""

from __future__ import annotations

import http.client
import json
import re
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks import messages
from benchmarks.peers import Plain
from connectors.intake.receive import PATH
from tests.connectors.sending import SOAP, Account
from tests.connectors.test_receive_memory import serving_alone

RESULTS, ROUNDS, SENDERS, BURST = 30, 150, 4, 200
TESTS_OF_MESSAGE = 6
HEADERS = {"Content-Type": "text/xml"}


def slim(message: bytes) -> bytes:
    """The message with the definitions of its own tests alone, without norms."""
    parts = "".join(
        f"<toetsonderdeel><toetsonderdeelvolgnummer>{part}</toetsonderdeelvolgnummer>"
        f"<toetsonderdeelcode>P{part}</toetsonderdeelcode></toetsonderdeel>"
        for part in range(1, messages.PARTS + 1)
    )
    tests = "".join(
        f"<toets><toetscode>T{test:03d}</toetscode><toetsnaam>Toets {test}</toetsnaam><vakgebied>Spelling</vakgebied>"
        f"<toetsonderdelen>{parts}</toetsonderdelen></toets>"
        for test in range(TESTS_OF_MESSAGE)
    )
    return re.sub(rb"<toetsen>.*</toetsen>", f"<toetsen>{tests}</toetsen>".encode(), message, flags=re.DOTALL)


def bodies(folder: Path, account: Account, count: int, first_seed: int, shorten: bool) -> list[bytes]:
    """So many messages in an envelope with the header of the account, with keys of their own."""
    path, start = folder / "message.xml", f'<s:Envelope xmlns:s="{SOAP}">'.encode()
    made = []
    for seed in range(first_seed, first_seed + count):
        messages.write(path, RESULTS, seed=seed)
        body = path.read_bytes()
        body = slim(body) if shorten else body
        made.append(body.replace(start, start + f"<s:Header>{account.header}</s:Header>".encode(), 1))
    return made


def post_seconds(port: int, path: str, sent: Sequence[bytes]) -> list[float]:
    """How long each takes on one connection that stays open; raises SystemExit where one is refused."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    times = []
    for body in sent:
        begin = time.perf_counter()
        connection.request("POST", path, body, HEADERS)
        response = connection.getresponse()
        answer = response.read()
        times.append(time.perf_counter() - begin)
        if body and (response.status != 200 or b"bevestiging" not in answer):
            raise SystemExit(f"a message was refused: {answer.decode()[:300]}")
    connection.close()
    return times


def a_second(send: Callable[[Sequence[bytes]], object], sent: Sequence[bytes]) -> float:
    """Messages a second of four senders at once."""
    shares = [sent[number::SENDERS] for number in range(SENDERS)]
    begin = time.perf_counter()
    with ThreadPoolExecutor(SENDERS) as pool:
        list(pool.map(send, shares))
    return len(sent) / (time.perf_counter() - begin)


def plain_a_second(folder: Path, sent: Sequence[bytes]) -> float:
    """The same of the plain program, one message after the other: its database has one writer."""
    program, lock = Plain(folder), threading.Lock()

    def store(share: Sequence[bytes]) -> None:
        for body in share:
            with lock:
                program.store(body)

    return a_second(store, sent)


def main() -> None:
    """Print every figure; the last line is flat JSON."""
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="rondblik-bench-") as name:
        folder = Path(name)
        with serving_alone(folder / "serve") as (receiver, account, _peak):
            empty: list[float] = []
            for kind, shorten, seed in (("slim", True, 1_000), ("full", False, 5_000)):
                sent = bodies(folder, account, ROUNDS, seed, shorten)
                post_seconds(receiver.port, PATH, sent[:10])
                times: list[float] = []
                for number in range(10, ROUNDS, 20):
                    empty += post_seconds(receiver.port, "/health", [b""] * 20)
                    times += post_seconds(receiver.port, PATH, sent[number : number + 20])
                floor, median = statistics.median(empty), statistics.median(times)
                figures[f"message_{kind}_ratio"] = median / floor
                words = f"{median * 1e3:.2f} ms, empty POST {floor * 1e3:.2f} ms, {median / floor:.1f} x"
                print(f"message of 30, {kind}: {words}")
            sent = bodies(folder, account, BURST, 9_000, True)
            ours = a_second(lambda share: post_seconds(receiver.port, PATH, share), sent)
        plain = plain_a_second(folder, sent)
    figures["messages_times_merge"] = ours / plain
    print(f"four senders: {ours:.0f} messages a second, zeep and merge {plain:.0f}, {ours / plain:.1f} x")
    print(json.dumps({name: round(value, 3) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
