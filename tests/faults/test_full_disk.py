"""A disk that is full: every sender hears that the receiver cannot store now, and what was confirmed is stored."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest
from sqlalchemy import func, select

from benchmarks import messages
from models.schema.database import open_engine, read_transaction, sqlite_url
from models.schema.tables import results
from tests.connectors.sending import SOAP, Receiver
from tests.connectors.test_receive_modes import RONDBLIK, a_sender, port_of
from tests.faults.conftest import fill

TEMPORARY = "Server.TijdelijkNietBeschikbaar"
MB = 1024 * 1024
# Of results: 40 kB goes over HTTP from memory, 2 MB and 8 MB by way of a file.
SIZES = (50, 12_000, 48_000)


def enveloped(path: Path, header: str) -> bytes:
    """The message in a file, with the header of a sender."""
    head = f'<s:Envelope xmlns:s="{SOAP}">'.encode()
    return path.read_bytes().replace(head, head + f"<s:Header>{header}</s:Header>".encode(), 1)


@pytest.mark.parametrize("command", [["serve"], ["serve", "--soap-only"]], ids=" ".join)
@pytest.mark.parametrize("spools_there", [True, False], ids=["bodies on it", "bodies elsewhere"])
def test_a_full_disk_is_said_and_loses_nothing(
    disk: Path, tmp_path: Path, command: list[str], spools_there: bool
) -> None:
    data, spool = disk / "data", disk / "spool" if spools_there else tmp_path / "spool"
    data.mkdir()
    spool.mkdir()
    bodies = []
    program = subprocess.Popen(
        [str(RONDBLIK), "--data", str(data), *command, "--port", "0"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "TMPDIR": str(spool)},
    )  # fmt: skip
    try:
        receiver = Receiver(port_of(program))
        header = a_sender(data).header
        for number, size in enumerate(SIZES):
            messages.write(tmp_path / "message.xml", size, seed=number)
            bodies.append(enveloped(tmp_path / "message.xml", header))
        assert receiver.post(bodies[0]).confirmed
        filler = fill(disk, 96 * 1024)  # a little room is left: less than any of them needs
        answers = [receiver.post(body) for body in bodies[1:] for _time in range(3)]
        assert {answer.fault for answer in answers} == {TEMPORARY}
        assert receiver.post(bodies[0]).confirmed  # as before: nothing is written of it
        filler.unlink()
        assert receiver.post(bodies[1]).confirmed
    finally:
        program.send_signal(signal.SIGTERM)
        _out, errors = program.communicate(timeout=30)
    assert "Traceback" not in errors
    engine = open_engine(sqlite_url(data))
    with read_transaction(engine) as connection:
        assert connection.scalar(select(func.count()).select_from(results)) == SIZES[0] + SIZES[1]
    engine.dispose()
