"""`rondblik serve` gets small messages of which every name is another: its memory stays flat.

    python -m tests.faults.hostile_names --messages 200

Each message has 20,000 names of elements or attributes that no message had before. In the last third of them the
program may hold hardly more than in the second. The last line is flat JSON.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

from tests.connectors.sending import Account, enveloped
from tests.connectors.test_big_cases import MAX_MB
from tests.connectors.test_receive_memory import serving_alone
from tests.faults.publishers import run_program
from tests.uwlr.messages import message

NAMES = 20_000
GROWTH = 1.15
_number = count()


def fresh(form: str) -> str:
    """So many elements, each with a name that was never used."""
    return "".join(form.format(f"{next(_number):x}") for _ in range(NAMES))


def elements(account: Account) -> bytes:
    """Elements where a score should be."""
    return enveloped(message().replace(b"<score>7</score>", fresh("<n{}/>").encode()), account.header)


def attributes(account: Account) -> bytes:
    """Attributes, one an element."""
    return enveloped(message().replace(b"<score>7</score>", fresh('<b a{}="1"/>').encode()), account.header)


def headers(account: Account) -> bytes:
    """Elements in the header, which are none of ours; the message is right."""
    return enveloped(message(), account.header + fresh("<n{}/>"))


def strangers(account: Account) -> bytes:
    """Elements in the message of somebody who is not known."""
    return enveloped(message().replace(b"<score>7</score>", fresh("<n{}/>").encode()), "")


KINDS: tuple[Callable[[Account], bytes], ...] = (elements, attributes, headers, strangers)


def run(messages: int, seed: int) -> dict[str, object]:
    """Send so many messages of these kinds in turn, four at a time; what the program held, and what is wrong."""
    sizes, wrong = [], list[str]()
    with (
        tempfile.TemporaryDirectory(prefix="rondblik-names-") as folder,
        serving_alone(Path(folder)) as (receiver, account, memory),
        ThreadPoolExecutor(4) as pool,
    ):
        for first in range(0, messages, len(KINDS)):
            bodies = [kind(account) for kind in KINDS[: messages - first]]
            answers = [answer.fault for answer in pool.map(receiver.post, bodies)]
            wrong += [f"{fault} was answered" for fault in answers if fault and not fault.startswith("Client.")]
            sizes.append(memory.now())
        highest = memory.peak()
    third = len(sizes) // 3
    held = [round(sum(sizes[number * third : (number + 1) * third]) / third) for number in range(3)]
    wrong += [f"the memory grew from {held[1]} to {held[2]} MB"] if held[2] > GROWTH * held[1] else []
    wrong += [f"{highest:.0f} MB were held"] if highest > MAX_MB else []
    return {"messages": messages, "names": NAMES, "memory_mb": held, "peak_mb": round(highest), "wrong": wrong}


if __name__ == "__main__":
    run_program(run, __doc__, messages=200)
