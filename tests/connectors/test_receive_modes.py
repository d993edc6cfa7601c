"""Each command that serves takes in a large message: `serve`, `serve --soap-only` and `demo`, as processes."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import messages
from models.schema.database import open_engine, sqlite_url
from models.schema.store_key import open_encrypted
from tests.connectors.sending import SOAP, Account, Receiver, account

RONDBLIK = Path(sys.executable).with_name("rondblik")
MB = 1024 * 1024
RESULTS = 95_000


def a_sender(data: Path) -> Account:
    engine = open_engine(sqlite_url(data))
    sender = account(engine, open_encrypted(engine, data), "Zendwijs")
    engine.dispose()
    return sender


def port_of(program: subprocess.Popen[str]) -> int:
    """The port in the line with the address of the program."""
    assert program.stdout is not None
    for line in program.stdout:
        if match := re.search(r"http://127\.0\.0\.1:(\d+)", line):
            return int(match[1])
    pytest.fail("the program ended before it served")


@pytest.mark.parametrize("command", [["serve"], ["serve", "--soap-only"], ["demo"]], ids=" ".join)
def test_a_message_of_sixteen_megabytes_is_taken_in(tmp_path: Path, command: list[str]) -> None:
    data, file = tmp_path / "data", tmp_path / "message.xml"
    if command != ["demo"]:  # which makes a folder of its own
        data.mkdir()
    messages.write(file, RESULTS)
    program = subprocess.Popen(
        [str(RONDBLIK), "--data", str(data), *command, "--port", "0"], stdout=subprocess.PIPE, text=True, cwd=tmp_path
    )
    try:
        receiver = Receiver(port_of(program))
        head = f'<s:Envelope xmlns:s="{SOAP}">'.encode()
        header = f"<s:Header>{a_sender(data).header}</s:Header>".encode()
        body = file.read_bytes().replace(head, head + header, 1)
        assert len(body) > 16 * MB
        answer = receiver.post(body)
        assert answer.confirmed, (answer.fault, answer.sentence)
    finally:
        program.send_signal(signal.SIGTERM)
        program.communicate(timeout=30)
