"""A server that may open no more files pauses, says so once, and goes on; it does not run into that by itself."""

from __future__ import annotations

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

from tests.connectors.sending import Account, Receiver, enveloped
from tests.connectors.test_receive_modes import RONDBLIK, a_sender, port_of
from tests.uwlr.messages import message

FEW_FILES = 160
SECONDS = 3.0


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


def test_a_server_without_descriptors_pauses_says_so_once_and_goes_on(tmp_path: Path) -> None:
    with serving(tmp_path, "--soap-only") as program:  # which compresses no static files after it has started
        assert program.receiver.post(enveloped(message(), program.sender.header)).confirmed
        limits = program.process.rlimit(psutil.RLIMIT_NOFILE)
        highest = max(int(name) for name in os.listdir(f"/proc/{program.process.pid}/fd"))
        program.process.rlimit(psutil.RLIMIT_NOFILE, (highest + 1, limits[1]))
        with silent(program.receiver.port, 2 * highest):  # some numbers below the highest may be free
            before = program.cpu_seconds()
            time.sleep(SECONDS)
            used = program.cpu_seconds() - before
        program.process.rlimit(psutil.RLIMIT_NOFILE, limits)
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
