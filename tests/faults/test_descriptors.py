"""A server that may open no more files pauses, says so once, and goes on; it does not run into that by itself."""

from __future__ import annotations

import http.client
import os
import resource
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from connectors.transport.http_server import PAUSE_SECONDS
from tests.connectors.sending import Account, Receiver, enveloped
from tests.connectors.test_receive_modes import RONDBLIK, a_sender, port_of
from tests.uwlr.messages import message

FEW_FILES = 160
SECONDS = 3.0
STYLE, UNKNOWN = "/assets/rondblik.css", "/assets/nowhere.css"
NOT_READ = "/_dash-component-suites/dash/dcc/async-upload.js"  # which no page asks for at once


@dataclass(frozen=True)
class Program:
    """A running `rondblik serve` with a sender."""

    process: psutil.Process
    receiver: Receiver
    sender: Account
    errors: Path

    def cpu_seconds(self) -> float:
        """What it has used of the processor."""
        used = self.process.cpu_times()
        return float(used.user + used.system)


@contextmanager
def serving(folder: Path, *options: str, most_files: int | None = None) -> Iterator[Program]:
    """Start `rondblik serve`; with `most_files` it may never open more than those."""
    data = folder / "data"
    data.mkdir(mode=0o700)

    def bound() -> None:
        if most_files is not None:
            resource.setrlimit(resource.RLIMIT_NOFILE, (most_files, most_files))

    with (folder / "errors").open("w") as errors:
        program = subprocess.Popen(
            [str(RONDBLIK), "--data", str(data), "serve", *options, "--port", "0"],
            stdout=subprocess.PIPE, stderr=errors, text=True, preexec_fn=bound,
        )  # fmt: skip
    try:
        receiver = Receiver(port_of(program))
        yield Program(psutil.Process(program.pid), receiver, a_sender(data), folder / "errors")
    finally:
        program.send_signal(signal.SIGTERM)
        program.communicate(timeout=30)


@contextmanager
def silent(port: int, count: int) -> Iterator[None]:
    """So many connections that send nothing, from several addresses."""
    with ExitStack() as stack:
        for number in range(count):
            address = (f"127.0.0.{number % 50 + 2}", 0)
            with suppress(OSError):
                stack.enter_context(socket.create_connection(("127.0.0.1", port), 20, source_address=address))
        yield


@contextmanager
def without_descriptors(program: Program) -> Iterator[None]:
    """While the block runs the program may open no more files: connections have taken all that it may."""
    limits = program.process.rlimit(psutil.RLIMIT_NOFILE)
    highest = max(int(name) for name in os.listdir(f"/proc/{program.process.pid}/fd"))
    program.process.rlimit(psutil.RLIMIT_NOFILE, (highest + 1, limits[1]))
    with silent(program.receiver.port, 2 * highest):  # some numbers below the highest may be free
        ends = time.monotonic() + 20
        while "descriptors" not in program.errors.read_text():
            assert time.monotonic() < ends
            time.sleep(0.02)
        time.sleep(1.5 * PAUSE_SECONDS)  # what was closed meanwhile goes to those who wait
        yield
    program.process.rlimit(psutil.RLIMIT_NOFILE, limits)


def ask(wire: http.client.HTTPConnection, path: str) -> int:
    """The status of the answer to GET over an open connection."""
    wire.request("GET", path, headers={"Accept-Encoding": "br"})
    with wire.getresponse() as answer:
        answer.read()
        return answer.status


def test_the_dashboard_without_descriptors_answers_in_words_and_goes_on(tmp_path: Path) -> None:
    with serving(tmp_path) as program:  # which compresses its static files in a thread, as soon as it has started
        wire = http.client.HTTPConnection("127.0.0.1", program.receiver.port, timeout=20)
        assert ask(wire, "/health") == 200
        with without_descriptors(program):
            without = [ask(wire, path) for path in (STYLE, "/groep", "/health", UNKNOWN, NOT_READ)]
            time.sleep(SECONDS)  # in which the worker looks for jobs, and the thread goes on to compress
        after = [ask(wire, path) for path in (STYLE, "/groep", "/health", UNKNOWN, NOT_READ)]
        wire.close()
        said = program.errors.read_text()
    print(without, after, said, sep="\n")
    assert after == [200, 401, 200, 404, 200]
    assert without[1:4] == after[1:4]
    assert without[-1] == 503
    assert without[0] in (200, 503)
    assert "Traceback" not in said
    assert said.count("compressed ahead") <= 1


def test_a_server_without_descriptors_pauses_says_so_once_and_goes_on(tmp_path: Path) -> None:
    with serving(tmp_path, "--soap-only") as program:  # which compresses no static files after it has started
        assert program.receiver.post(enveloped(message(), program.sender.header)).confirmed
        with without_descriptors(program):
            before = program.cpu_seconds()
            time.sleep(SECONDS)
            used = program.cpu_seconds() - before
        assert program.receiver.post(enveloped(message(), program.sender.header)).confirmed
        said = program.errors.read_text()
    print(f"{used:.2f} s of CPU in {SECONDS:.0f} s without descriptors; {len(said)} bytes of log")
    assert used < 0.1 * SECONDS
    assert said.count("\n") == 1, said
    assert "descriptors" in said


def test_connections_leave_the_program_the_files_that_it_needs(tmp_path: Path) -> None:
    with (
        serving(tmp_path, "--soap-only", most_files=FEW_FILES) as program,
        silent(program.receiver.port, 2 * FEW_FILES),
    ):
        assert program.receiver.post(b"", "/health", "GET").status == 200
        assert program.receiver.post(enveloped(message(), program.sender.header)).confirmed
        assert program.errors.read_text() == ""
