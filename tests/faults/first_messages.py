"""Start the service many times and send its first messages all at once: what is made at first use is made by many.

`python -m tests.faults.first_messages --starts 300 --live 20` starts the command 300 times, 20 times as a new process
and otherwise as a fork of a process that has imported the program and done nothing else. In `--rosters` more forks
many threads ask the simulated LAS for their first roster. It counts the starts at which the process died or a message
was not answered as it should; the exit code is 1 where there are any.
"""

from __future__ import annotations

import argparse
import http.client
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from connectors.intake.las_client import LasSettings, fetch_roster
from connectors.simulator import requests, server
from connectors.simulator.school import HORIZON
from connectors.uwlr.envelope import Authorisation
from dashboard.cli import main as cli
from models.schema.database import open_engine, sqlite_url
from models.schema.store_key import open_encrypted
from tests.connectors.sending import Account, Receiver, account, enveloped
from tests.uwlr.messages import message, result_xml

RONDBLIK = Path(sys.executable).with_name("rondblik")
MESSAGES = 16
T = TypeVar("T")
BROKE = 70
ERRORS = "stderr.txt"
GOOD = "all as it should be"
MODES: tuple[tuple[str, ...], ...] = (("serve", "--soap-only", "--port", "0"), ("serve", "--port", "0"))
VERSIONS = ("2.1", "2.2", "2.3")
SEVERAL, BLANKS = 64, 5_000  # results, and blanks behind each: 320 kB, read in two pieces


def main(arguments: Sequence[str]) -> int:
    """Run the starts and print what became of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--starts", type=int, default=300)
    parser.add_argument("--live", type=int, default=20)
    parser.add_argument("--rosters", type=int, default=60)
    namespace = parser.parse_args(arguments)
    began = time.monotonic()
    outcomes: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="rondblik-first-") as folder:
        template = Path(folder) / "template"
        bodies = _messages(_installation(template))
        for number in range(namespace.starts):
            data = Path(folder) / "data"
            shutil.copytree(template, data)
            outcome = _start(data, MODES[number % len(MODES)], bodies, live=number < namespace.live)
            outcomes[outcome] += 1
            if outcome != GOOD:
                print(outcome, (data / ERRORS).read_text(), sep="\n", file=sys.stderr)
            shutil.rmtree(data)
    for _ in range(namespace.rosters):
        outcomes[_first_rosters()] += 1
    live, seconds = min(namespace.live, namespace.starts), time.monotonic() - began
    print(
        f"{namespace.starts} starts ({live} new processes, {namespace.starts - live} forks), "
        f"each {MESSAGES} first messages;"
    )
    print(f"{namespace.rosters} forks, each {MESSAGES} first rosters; {seconds:.0f} s:")
    for outcome, count in outcomes.most_common():
        print(f"  {count:4d} {outcome}")
    return 0 if set(outcomes) == {GOOD} else 1


def _installation(data: Path) -> Account:
    """A data folder with one sender, left in one file so that it can be copied."""
    engine = open_engine(sqlite_url(data))
    sender = account(engine, open_encrypted(engine, data))
    engine.dispose()
    return sender


def _messages(sender: Account) -> list[bytes]:
    """Good messages of every version of the standard; each fourth is so long that a second thread validates it."""
    bodies = []
    for number in range(MESSAGES):
        count, blanks = (SEVERAL, " " * BLANKS) if number % 4 == 3 else (1, "")
        rows = [result_xml(f"m{number}-{row}", "7", afnamedatum=f"2025-{row // 28 + 9:02d}-{row % 28 + 1:02d}")
                for row in range(count)]  # fmt: skip
        body = message(
            results=blanks.join(rows),
            xsdversie=VERSIONS[number % 3],
            leerlingid=f"L{number}",
            schooljaar="2025-2026",
            aanmaakdatum="2025-12-31T12:00:00",
        )
        bodies.append(enveloped(body, sender.header))
    return bodies


def _start(data: Path, mode: tuple[str, ...], bodies: list[bytes], *, live: bool) -> str:
    """Start, send all messages at once, stop; what became of it."""
    arguments = ["--data", str(data), *mode]
    read_end, write_end = os.pipe()
    errors = os.open(data / ERRORS, os.O_WRONLY | os.O_CREAT)
    pid = _new_process(arguments, write_end, errors) if live else _fork(arguments, read_end, write_end, errors)
    os.close(write_end)
    os.close(errors)
    with os.fdopen(read_end) as text_iowrapper:
        match = re.search(r"http://127\.0\.0\.1:(\d+)", text_iowrapper.readline())
        if match is None:
            os.waitpid(pid, 0)
            return "did not start"
        refused = _send_at_once(Receiver(int(match[1])), bodies)
        os.kill(pid, signal.SIGTERM)
        died = _wait(pid)
    return died or (f"answered: {', '.join(sorted(refused))}" if refused else GOOD)


def _wait(pid: int) -> str | None:
    """Wait for a process to end; how it ended, None: well."""
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if code < 0:
        return f"died of {signal.Signals(-code).name}"
    return f"ended with {code}" if code else None


def _new_process(arguments: list[str], write_end: int, errors: int) -> int:
    # Popen warns where nobody waits for it, and its pid is waited for above.
    program = subprocess.Popen([str(RONDBLIK), *arguments], stdout=write_end, stderr=errors)
    program.returncode = 0
    return program.pid


def _fork(arguments: list[str], read_end: int, write_end: int, errors: int) -> int:
    def work() -> int:
        os.close(read_end)
        os.dup2(write_end, 1)
        os.dup2(errors, 2)
        return cli.run(arguments)

    return _in_fork(work)


def _in_fork(work: Callable[[], int]) -> int:
    """Do some work in a fork of this process, which has no other threads now; gives its pid."""
    pid = os.fork()
    if pid:
        return pid
    code = BROKE
    try:
        code = work()
        sys.stdout.flush()
    except Exception:  # noqa: BLE001 - a fork must not go on as its parent would
        traceback.print_exc()
    finally:
        os._exit(code)


def _first_rosters() -> str:
    """What becomes of a new process that asks the simulated LAS from many threads at once."""
    return _wait(_in_fork(_ask_rosters)) or GOOD


def _ask_rosters() -> int:
    authorisation = Authorisation(requests.key_for(server.LAS, HORIZON), requests.CUSTOMER_CODE, requests.CUSTOMER_NAME)
    with server.running() as ports:
        las = LasSettings(f"http://127.0.0.1:{ports[server.LAS]}/", HORIZON, authorisation)

        def ask(_number: int) -> bool:
            answer = fetch_roster(las, None).answer
            return answer.roster is not None and not answer.findings

        return 0 if all(_at_once(ask)) else BROKE


def _at_once(work: Callable[[int], T]) -> list[T]:
    """Do the same in many threads from the same moment on; raises what one of them raised."""
    together = threading.Barrier(MESSAGES)

    def start(number: int) -> T:
        together.wait()
        return work(number)

    with ThreadPoolExecutor(MESSAGES) as pool:
        return list(pool.map(start, range(MESSAGES)))


def _send_at_once(receiver: Receiver, bodies: list[bytes]) -> set[str]:
    """Send each message from a thread of its own; what was not a confirmation."""

    def send(number: int) -> str | None:
        try:
            answer = receiver.post(bodies[number])
        except (OSError, http.client.HTTPException) as failed:
            return type(failed).__name__
        return None if answer.confirmed else answer.fault or str(answer.status)

    return {refused for refused in _at_once(send) if refused is not None}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
