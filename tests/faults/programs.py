"""`rondblik serve` as a process that is started many times: mostly as a fork of one that has imported everything.

    python -m tests.faults.programs --data FOLDER serve --soap-only --port 8100

waits for a line on standard input, then forks and runs the command of its arguments, and so on. It never has threads.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from models.ingest.schools import Identification
from models.schema.database import open_engine
from models.schema.store_key import open_encrypted
from tests.conftest import free_port
from tests.connectors.sending import Account, Receiver, account
from tests.faults.publishers import BRINS
from tests.private_data import watch

RONDBLIK = Path(sys.executable).with_name("rondblik")
ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")
ENDED = "ended\n"
SECONDS = 60.0


def publisher_of(data: Path, url: str) -> Account:
    """An installation with a publisher that may send for every school of `BRINS`."""
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    engine = open_engine(url)
    sender = account(engine, open_encrypted(engine, data), "Rekenwijs", *(Identification("brin", it) for it in BRINS))
    engine.dispose()
    return sender


class Program:
    """A service that can be started and killed, always on the same port."""

    def __init__(self, launcher: subprocess.Popen[str], command: list[str], port: int) -> None:
        self.launcher = launcher
        self.command = command
        self.receiver = Receiver(port)
        self.pid = 0
        self.path = "/"  # with which a session begins

    def start(self) -> None:
        """Start it as a fork, and wait until it serves."""
        assert self.launcher.stdin is not None
        assert self.launcher.stdout is not None
        self.launcher.stdin.write("\n")
        self.launcher.stdin.flush()
        while not (line := self.launcher.stdout.readline()).strip().isdigit():  # what the one before still printed
            assert line
        self.pid = int(line)
        too_late = threading.Timer(SECONDS, self.launcher.kill)
        too_late.start()
        try:
            while not ADDRESS.search(line := self.launcher.stdout.readline()):
                if line in ("", ENDED):
                    self.pid = 0
                    raise RuntimeError("the program did not start")
        finally:
            too_late.cancel()
        self.path = ADDRESS.sub("", line.split()[-1])

    def kill(self) -> None:
        """Kill it as the kernel does where memory is out, and wait until it is gone."""
        self.end(signal.SIGKILL)

    def end(self, number: signal.Signals) -> None:
        """Send it a signal, and wait until it is gone."""
        os.kill(self.pid, number)
        until_gone(self.pid)
        self.pid = 0


def until_gone(pid: int) -> None:
    """Wait until a process is no more."""
    ends = time.monotonic() + SECONDS
    while Path(f"/proc/{pid}").exists():
        if time.monotonic() > ends:
            raise TimeoutError(f"process {pid} goes on")
        time.sleep(0.005)


@contextmanager
def program(
    data: Path, *, soap_only: bool = True, errors: Path | None = None, variables: Mapping[str, str] | None = None
) -> Iterator[Program]:
    """A service on this data folder, not started yet; ended with the block. Its log, `errors`, has nothing private."""
    port = free_port()
    command = ["--data", str(data), "serve", *(["--soap-only"] if soap_only else []), "--port", str(port)]
    with (errors or Path(os.devnull)).open("a") as log:
        launcher = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.programs", *command],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
            env={**os.environ, **(variables or {})},
        )  # fmt: skip
    made = Program(launcher, command, port)
    try:
        yield made
    finally:
        if made.pid:
            made.end(signal.SIGTERM)
        launcher.communicate(timeout=SECONDS)  # the end of its input ends it
    if errors is not None:
        watch.judge(errors.read_text("utf-8", "replace"))
        if watch.wrong:
            raise AssertionError(f"private data in the log: {watch.wrong[:3]}")


def main() -> None:
    """Fork and run the command of the arguments at every line of the input."""
    from dashboard.cli import main as cli

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # whoever ends is gone at once
    for _line in sys.stdin:
        if os.fork():
            continue
        code = 70
        try:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.close(0)
            print(os.getpid(), flush=True)
            code = cli.run(sys.argv[1:])
        except BaseException:  # noqa: BLE001 - a fork must not go on as its parent would
            traceback.print_exc()
        finally:
            print(ENDED, end="", flush=True)
            os._exit(code)


if __name__ == "__main__":
    main()
