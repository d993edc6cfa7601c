"""The memory of the real program does not grow with the message that it receives."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import messages
from models.ingest import senders
from models.schema.database import open_engine, sqlite_url, write_transaction
from models.schema.store_key import open_encrypted
from models.schema.terms import SenderTerms
from tests.connectors.sending import HORIZON, SOAP, Account, Receiver

RONDBLIK = Path(sys.executable).with_name("rondblik")
FEW, MANY = 10_000, 100_000


def sender(data: Path) -> Account:
    engine = open_engine(sqlite_url(data))
    cipher = open_encrypted(engine, data)
    code, key = senders.new_code(), senders.new_key()
    with write_transaction(engine) as connection:
        source_id = senders.add_sender(
            connection, cipher, "rekenwijs", "Rekenwijs", code, SenderTerms(), senders.FROM_COMMAND
        )
        senders.add_key(connection, cipher, source_id, key, [HORIZON])
    engine.dispose()
    return Account(code, "Rekenwijs", key)


@dataclass(frozen=True)
class Memory:
    """The resident memory of a program, in MB."""

    pid: int

    def peak(self) -> float:
        """The most that it had."""
        return self._of("VmHWM:")

    def now(self) -> float:
        """What it has."""
        return self._of("VmRSS:")

    def forget_peak(self) -> None:
        """Let the peak begin again at what it has now."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5", encoding="ascii")

    def _of(self, line: str) -> float:
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="utf-8")
        return int(status.partition(line)[2].split()[0]) / 1024


@contextmanager
def serving_alone(folder: Path) -> Iterator[tuple[Receiver, Account, Memory]]:
    """A fresh `serve --soap-only` with one sender, and a look at its memory."""
    data = folder / "data"
    data.mkdir(parents=True)
    account = sender(data)
    command = [str(RONDBLIK), "--data", str(data), "serve", "--soap-only", "--port", "0"]
    program = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=folder)

    try:
        assert program.stdout is not None
        match = re.search(r":(\d+)/uwlr", program.stdout.readline())
        assert match is not None
        yield Receiver(int(match[1])), account, Memory(program.pid)
    finally:
        program.send_signal(signal.SIGTERM)
        program.communicate(timeout=20)


def peak_mb(folder: Path, count: int) -> float:
    """The peak memory after one message of `count` results."""
    file = folder / f"{count}.xml"
    messages.write(file, count)
    head = f'<s:Envelope xmlns:s="{SOAP}">'.encode()
    with serving_alone(folder / str(count)) as (receiver, account, memory):
        body = file.read_bytes().replace(head, head + f"<s:Header>{account.header}</s:Header>".encode(), 1)
        answer = receiver.post(body)
        assert answer.confirmed, answer.sentence
        return memory.peak()


def test_ten_times_the_results_take_hardly_more_memory(tmp_path: Path) -> None:
    few, many = peak_mb(tmp_path, FEW), peak_mb(tmp_path, MANY)
    print(f"peak memory: {few:.0f} MB for {FEW:,} results, {many:.0f} MB for {MANY:,}; {many / few:.2f} x")
    assert many <= 1.6 * few
