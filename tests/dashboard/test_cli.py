"""The command line: what it prints, and the exit codes that scripts rely on."""

from __future__ import annotations

import json
import os
import pty
import re
import select as readiness
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.request
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connectors.intake import file_loading
from connectors.uwlr.envelope import fault_bytes
from connectors.uwlr.rules import RULES
from dashboard.cli import main as cli
from dashboard.cli.exit_codes import COULD_NOT
from models.schema import clock
from tests.conftest import free_port
from tests.connectors.loopback import Handler, serving
from tests.uwlr.messages import message

CHECKOUT = Path(__file__).resolve().parents[2]
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
ACCOUNT = "authorisation: {key: sleutel-geheim, customer_code: RB, customer_name: Rondblik}"
EDEXML = """<?xml version="1.0" encoding="UTF-8"?>
<EDEX><school><schooljaar>2026-2027</schooljaar><brincode>99XX</brincode><aanmaakdatum>2026-11-01T08:00:00</aanmaakdatum>
<xsdversie>2.1</xsdversie></school>
<groepen><groep key="g5"><naam>5a</naam><jaargroep>5</jaargroep></groep></groepen>
<leerlingen><leerling key="L1"><achternaam>Voorbeeld</achternaam><roepnaam>Noor</roepnaam><geslacht>2</geslacht>
<jaargroep>5</jaargroep><groep key="g5"/></leerling></leerlingen></EDEX>
"""


class Outcome:
    """Exit code and output of one command."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def objects(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def sentence(self) -> str:
        """The one sentence of an error."""
        assert self.code == COULD_NOT
        assert self.out == ""
        assert len(self.err.splitlines()) == 1
        assert "Traceback" not in self.err
        return self.err


class Rondblik:
    """The commands, run in this process, in an empty folder."""

    def __init__(self, folder: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.folder, self._capture = folder, capture
        self.data = folder / "data"

    def __call__(self, *arguments: object) -> Outcome:
        self._capture.readouterr()
        code = cli.run([str(argument) for argument in arguments])
        capture_result = self._capture.readouterr()
        return Outcome(code, capture_result.out, capture_result.err)

    def on_data(self, *arguments: object) -> Outcome:
        return self("--data", self.data, *arguments)

    def file(self, name: str, content: bytes | str) -> Path:
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        connection = sqlite3.connect(self.data / "rondblik.db")
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()


@pytest.fixture(autouse=True)
def _november() -> Iterator[None]:
    with clock.fixed(NOW):
        yield


@pytest.fixture
def rondblik(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Rondblik:
    monkeypatch.chdir(tmp_path)
    return Rondblik(tmp_path, capsys)


# -- check ---------------------------------------------------------------------------------------------------


def test_check_says_accept_warn_and_reject_without_a_database(rondblik: Rondblik) -> None:
    good = rondblik.file("goed.xml", message())
    odd = rondblik.file("vreemd.xml", message(toetsnaam="  "))
    bad = rondblik.file("fout.xml", message(scores=["x"]))
    assert rondblik("check", good, odd).code == 0
    outcome = rondblik("check", good, odd, bad, "--json")
    assert outcome.code == 1
    assert [item["file"] for item in outcome.objects] == [str(good), str(odd), str(bad)]
    assert outcome.objects[2]["verdict"] == "reject"
    assert [item["fault"] for item in outcome.objects] == [None, None, "Client.ScoreOngeldig"]
    (finding, *_) = [item for item in outcome.objects[2]["findings"] if item["level"] == "error"]
    assert set(finding) == {
        "rule", "level", "clause", "path", "line", "column", "message_nl", "message_en", "remedy", "remedy_en",
    }  # fmt: skip
    assert finding["line"] == 1
    assert finding["column"] > 1
    assert not rondblik.data.exists()


def test_a_finding_is_told_in_one_language_with_its_place(rondblik: Rondblik) -> None:
    file = rondblik.file("fout.xml", message(scores=["7.5"]))
    rule = RULES["score.decimal"]
    for outcome in (rondblik("check", file), rondblik.on_data("load", file), rondblik.on_data("deliveries")):
        (line,) = [splitline for splitline in outcome.out.splitlines() if "score.decimal" in splitline]
        assert line.endswith(f": {rule.nl} {rule.remedy}")
        assert re.match(r" +error score\.decimal regel 1, kolom [0-9]+: ", line)
        assert rule.en not in outcome.out


def on_a_terminal(*arguments: object, out: Path | None = None) -> str:
    """What a command shows on a terminal: of both streams, or with `out` of stderr while stdout goes to that file."""
    master, slave = pty.openpty()
    shown = b""
    with (out or Path(os.devnull)).open("wb") as file, os.fdopen(slave, "wb", buffering=0) as terminal:
        process = subprocess.Popen(
            [sys.executable, "-c", "from dashboard.cli.start import main; main()", *map(str, arguments)],
            env={**os.environ, "PYTHONPATH": str(CHECKOUT), "RONDBLIK_NOW": NOW.isoformat(), "TERM": "xterm"},
            stdout=terminal if out is None else file,
            stderr=terminal,
        )
    deadline = time.monotonic() + 60
    try:
        while time.monotonic() < deadline:
            if readiness.select([master], [], [], 1.0)[0]:
                shown += os.read(master, 65_536)
    except OSError:
        pass  # the other end of the terminal is closed: the program has ended
    finally:
        os.close(master)
    assert process.wait(10) in (0, 1)
    return shown.decode()


def test_a_large_file_has_a_bar_by_bytes_and_the_output_still_goes_to_its_file(rondblik: Rondblik) -> None:
    file = rondblik.file("groot.xml", message(scores=["7"] * 20_000))
    out = rondblik.folder / "uit.json"
    shown = on_a_terminal("check", "--json", file, out=out)
    assert "Checking groot.xml" in shown
    assert "MiB" in shown
    assert json.loads(out.read_text())["verdict"] == "warn"  # on so many results some are of the same day
    assert "verdict" not in shown


def test_a_bar_is_for_terminals_only(rondblik: Rondblik) -> None:
    assert rondblik("check", rondblik.file("a.xml", message())).err == ""


def test_the_bytes_worked_off_are_told_of_a_document_and_of_a_zip(rondblik: Rondblik) -> None:
    file = rondblik.file("groot.xml", message(scores=["7"] * 20_000))
    path = rondblik.folder / "veel.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("1.xml", file.read_bytes())
        archive.writestr("2.xml", message())
    for item in (file, path):
        seen: list[int] = []
        assert [judged.refused for judged in file_loading.check_file(item, "strict", seen.append)].count(True) == 0
        assert max(seen) <= item.stat().st_size
        assert max(seen) > 0.9 * item.stat().st_size


def test_check_is_milder_for_a_tolerant_sender(rondblik: Rondblik) -> None:
    file = rondblik.file("decimaal.xml", message(scores=["7.5"]))
    assert rondblik("check", file).code == 1
    assert rondblik("check", "--policy", "tolerant", file).code == 0


def test_check_knows_pupil_data_by_its_root(rondblik: Rondblik) -> None:
    outcome = rondblik("check", "--json", rondblik.file("leerlingen.xml", EDEXML))
    assert (outcome.code, outcome.objects[0]["fault"]) == (0, None)
    broken = rondblik("check", "--json", rondblik.file("kapot.xml", EDEXML.replace("</EDEX>", "")))
    assert (broken.code, broken.objects[0]["verdict"]) == (1, "reject")


def test_check_opens_a_zip(rondblik: Rondblik) -> None:
    path = rondblik.folder / "veel.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("1.xml", message())
        archive.writestr("2.xml", b"niets")
    outcome = rondblik("check", "--json", path)
    assert outcome.code == 1
    assert [item["file"] for item in outcome.objects] == [f"{path}/1.xml", f"{path}/2.xml"]


def test_check_could_not_run_without_its_file(rondblik: Rondblik) -> None:
    assert "weg.xml" in rondblik("check", rondblik.file("a.xml", message()), "weg.xml").sentence
    assert "FILES" in rondblik("check").sentence


def test_check_of_the_samples(rondblik: Rondblik, shared: Path) -> None:
    samples = shared / "uwlr" / "samples"
    for path in sorted(samples.glob("*.xml")):
        strict, tolerant = rondblik("check", path), rondblik("check", path, "--policy", "tolerant")
        wrong = path.name.startswith(("control-invalid", "las-request", "vo-sender-3"))
        assert tolerant.code == int(wrong), path.name
        assert strict.code == int(wrong or path.name.startswith("vo-sender")), path.name


# -- load ----------------------------------------------------------------------------------------------------


def test_load_takes_in_results_of_any_school_and_says_how_many(rondblik: Rondblik) -> None:
    loaded = rondblik.on_data("load", rondblik.file("a.xml", message(scores=["7", "0"])))
    assert loaded.code == 0
    assert "2 new" in loaded.out
    again = rondblik.on_data("load", "a.xml")
    assert (again.code, "nothing changed" in again.out) == (0, True)
    assert rondblik.query("SELECT count(*), min(score) FROM results") == [(2, 0)]
    assert rondblik.query("SELECT key, name, role FROM sources") == [("load", "Bestand", "publisher")]


def test_load_refuses_what_is_wrong_and_takes_the_rest(rondblik: Rondblik) -> None:
    good, bad = rondblik.file("goed.xml", message()), rondblik.file("fout.xml", message(scores=["x"]))
    loaded = rondblik.on_data("load", bad, good)
    assert loaded.code == 1
    assert "refused" in loaded.out
    assert rondblik.query("SELECT count(*) FROM results") == [(1,)]
    assert rondblik.query("SELECT count(*) FROM raw_messages") == [(1,)]


def test_load_under_the_id_of_a_source(rondblik: Rondblik) -> None:
    file = rondblik.file("a.xml", message(scores=["7.5"]))
    assert rondblik.on_data("load", "--source", "toetsplein", file).code == 1
    assert rondblik.on_data("load", "--source", "toetsplein", "--policy", "tolerant", file).code == 0
    assert rondblik.query("SELECT key FROM sources") == [("toetsplein",)]
    assert "--source" in rondblik.on_data("load", "--source", "Toets Plein", file).sentence


def test_the_policy_of_a_configured_publisher_counts(rondblik: Rondblik) -> None:
    rondblik.file(
        "config.yaml",
        "schools: [{name: De Horizon, identifications: [{brin: 99XX}]}]\n"
        "publishers: [{id: toetsplein, name: Toetsplein, kind: folder, path: inbox, policy: tolerant}]\n",
    )
    assert rondblik("load", "--source", "toetsplein", rondblik.file("a.xml", message(scores=["7.5"]))).code == 0


def test_pupil_data_is_loaded_only_where_it_is_asked_for(rondblik: Rondblik) -> None:
    roster, results = rondblik.file("leerlingen.xml", EDEXML), rondblik.file("a.xml", message())
    refused = rondblik.on_data("load", roster)
    assert (refused.code, "--roster" in refused.err) == (1, True)
    assert rondblik.query("SELECT count(*) FROM pupils") == [(0,)]
    assert rondblik.on_data("load", "--roster", roster).code == 0
    assert rondblik.query("SELECT first_name FROM pupils") == [("Noor",)]
    assert rondblik.on_data("load", "--roster", results).code == 1
    assert rondblik.on_data("load", results).code == 0
    assert rondblik.query("SELECT count(*) FROM identifiers WHERE kind = 'las' AND pupil_id IS NOT NULL") == [(1,)]


@pytest.mark.parametrize(
    ("content", "rule", "words"),
    [
        (fault_bytes("Client.OngeldigBericht", "Fout."), "roster.fault", "foutmelding (Fault)"),
        (b"<html/>", "roster.root", "geen bestand of antwoord met leerlinggegevens"),
        (b"geen xml", "xml.not-xml", "geen XML"),
        (EDEXML.encode()[:200], "xml.cut-off", "het is niet af"),
    ],
)
def test_what_is_no_pupil_data_is_told_as_what_it_is(rondblik: Rondblik, content: bytes, rule: str, words: str) -> None:
    refused = rondblik.on_data("load", "--roster", rondblik.file("leerlingen.xml", content))
    assert refused.code == 1
    assert rule in refused.out
    assert words in refused.out
    assert "without --roster" not in refused.out + refused.err


# -- deliveries and the database -----------------------------------------------------------------------------


def test_deliveries_come_newest_first(rondblik: Rondblik) -> None:
    rondblik.on_data("load", rondblik.file("goed.xml", message()))
    rondblik.on_data("load", rondblik.file("fout.xml", message(scores=["x"])))
    outcome = rondblik.on_data("deliveries", "--json")
    assert outcome.code == 0
    assert [item["verdict"] for item in outcome.objects] == ["reject", "accept"]
    assert [item["source"] for item in outcome.objects] == ["load", "load"]
    assert outcome.objects[1]["counts"]["new"] == 1
    assert outcome.objects[0]["findings"][0]["message_en"]
    assert set(outcome.objects[0]) >= {"source", "time", "verdict", "fault", "findings", "counts"}
    assert rondblik.on_data("deliveries").out.count("load") == 2


def test_the_database_is_made_and_made_again(rondblik: Rondblik) -> None:
    for _ in range(2):
        assert rondblik.on_data("db", "upgrade").code == 0
    assert rondblik.data.stat().st_mode & 0o077 == 0
    assert (rondblik.data / "rondblik.db").stat().st_mode & 0o077 == 0


# -- errors --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [("serve",), ("worker",), ("sync",), ("deliveries",), ("db", "upgrade")])
def test_without_a_configuration_it_is_one_sentence(rondblik: Rondblik, command: tuple[str, ...]) -> None:
    assert "--config" in rondblik(*command).sentence
    assert "weg.yaml" in rondblik("--config", "weg.yaml", *command).sentence


def test_a_config_error_is_one_sentence_without_its_value(rondblik: Rondblik) -> None:
    rondblik.file("config.yaml", "server: {host: geheim.example}")
    assert "server" in rondblik("serve").sentence
    assert "geheim" not in rondblik("serve").err


def test_a_database_that_is_down_is_one_sentence_without_its_password(rondblik: Rondblik) -> None:
    url = f"postgresql+psycopg://rondblik:hush@127.0.0.1:{free_port()}/rondblik"
    rondblik.file("config.yaml", f"database: {{url: '{url}'}}")
    assert "hush" not in rondblik("deliveries").sentence


def test_a_data_folder_that_is_a_file_is_one_sentence(rondblik: Rondblik) -> None:
    rondblik.file("data", "")
    assert rondblik.on_data("deliveries").code == 2


def test_an_unknown_command_is_one_sentence(rondblik: Rondblik) -> None:
    assert "synch" in rondblik("synch").sentence


# -- sync ----------------------------------------------------------------------------------------------------


def configured(rondblik: Rondblik, **addresses: str) -> None:
    publishers = ", ".join(
        f"{{id: {key}, name: {key}, kind: https, address: '{url}', {ACCOUNT}}}" for key, url in addresses.items()
    )
    rondblik.file(
        "config.yaml",
        "schools: [{name: De Horizon, identifications: [{brin: 99XX}]}]\n"
        "limits: {connect_seconds: 2, idle_seconds: 2, total_seconds: 3}\n"
        f"publishers: [{publishers}]\n",
    )


def test_sync_fetches_now_and_tells_of_each_source(rondblik: Rondblik) -> None:
    with serving(lambda h: h.say(message())) as up, serving(lambda h: h.say(message(scores=["x"]))) as wrong:
        configured(rondblik, goed=up.url, fout=wrong.url)
        assert rondblik("sync", "--publisher", "goed").out.startswith("goed: 1 messages")
        assert rondblik("sync", "--publisher", "goed").out.startswith("goed: 1 known")
        outcome = rondblik("sync")
    assert outcome.code == 1
    assert "sleutel-geheim" not in outcome.out + outcome.err
    assert rondblik.query("SELECT count(*) FROM results") == [(1,)]


def test_a_publisher_that_is_down_is_one_sentence_and_tried_again_later(rondblik: Rondblik) -> None:
    configured(rondblik, weg=f"http://127.0.0.1:{free_port()}/")
    assert "cannot be reached" in rondblik("sync").err.splitlines()[0]
    assert rondblik("sync").code == 2
    state = "SELECT failures, last_success_us IS NULL, lease FROM source_connections JOIN work_queue USING (source_id)"
    assert rondblik.query(state) == [(2, 1, None)]


def test_sync_of_an_unknown_source_is_one_sentence(rondblik: Rondblik) -> None:
    configured(rondblik)
    assert "rekenwijs" in rondblik("sync", "--publisher", "rekenwijs").sentence


# -- programs that run -----------------------------------------------------------------------------------------


def start(rondblik: Rondblik, *arguments: str) -> subprocess.Popen[str]:
    """The program as a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", "from dashboard.cli.start import main; main()", *arguments],
        cwd=rondblik.folder,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT), "RONDBLIK_NOW": NOW.isoformat()},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ends(process: subprocess.Popen[str], how: signal.Signals) -> tuple[int, str]:
    process.send_signal(how)
    _, err = process.communicate(timeout=30)
    return process.returncode, err


def until(rondblik: Rondblik, sql: str, wanted: list[tuple[Any, ...]], seconds: float = 30) -> None:
    """Wait until the store says so."""
    deadline = time.monotonic() + seconds
    found: object = None
    while time.monotonic() < deadline:
        try:
            found = rondblik.query(sql)
        except sqlite3.OperationalError as not_yet:
            found = not_yet
        if found == wanted:
            return
        time.sleep(0.05)
    raise AssertionError(f"{sql} gave {found}")


def test_one_publisher_that_hangs_does_not_hold_up_the_others(rondblik: Rondblik) -> None:
    hangs = [serving(lambda h: h.loopback.over.wait()) for _ in range(6)]
    with serving(lambda h: h.say(message())) as up:
        addresses = {
            f"hangt-{number}": generator_context_manager.__enter__().url
            for number, generator_context_manager in enumerate(hangs)
        }
        try:
            configured(rondblik, **addresses, werkt=up.url)
            began = time.monotonic()
            process = start(rondblik, "worker")
            until(rondblik, "SELECT count(*) FROM results", [(1,)])
            code, err = ends(process, signal.SIGTERM)
        finally:
            for hang in hangs:
                hang.__exit__(None, None, None)
    assert time.monotonic() - began < 60
    assert code == 0
    assert "Traceback" not in err


def test_a_worker_that_is_killed_loses_nothing(rondblik: Rondblik) -> None:
    asking = threading.Event()

    def first_hangs(h: Handler) -> None:
        if not asking.is_set():
            asking.set()
            h.loopback.over.wait(20)
        else:
            h.say(message())

    with serving(first_hangs) as server:
        configured(rondblik, bron=server.url)
        process = start(rondblik, "worker")
        until(rondblik, "SELECT lease IS NOT NULL FROM work_queue", [(1,)])
        assert asking.wait(30)  # or the next worker would send the request that hangs
        code, _ = ends(process, signal.SIGKILL)
        assert code == -signal.SIGKILL
        outcome = rondblik("sync")
        assert (outcome.code, "another worker" in outcome.err) == (2, True)
        connection = sqlite3.connect(rondblik.data / "rondblik.db")
        connection.execute("UPDATE work_queue SET leased_until_us = 1")  # the lease expires
        connection.commit()
        connection.close()
        process = start(rondblik, "worker")
        until(rondblik, "SELECT count(*) FROM results", [(1,)])
        ends(process, signal.SIGINT)
        server.over.set()


def test_serve_answers_health_and_stops_cleanly(rondblik: Rondblik) -> None:
    with serving(lambda h: h.say(message())) as up:
        configured(rondblik, bron=up.url)
        port = free_port()
        process = start(rondblik, "serve", "--port", str(port))
        assert process.stdout is not None
        assert process.stdout.readline().startswith(f"Rondblik: http://127.0.0.1:{port}/begin?code=")
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=10) as answer:
            assert answer.status == 200
        until(rondblik, "SELECT count(*) FROM results", [(1,)])
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=10) as answer:
            assert answer.status == 200
        code, err = ends(process, signal.SIGINT)
    assert (code, err) == (0, "")


def test_a_port_in_use_is_one_sentence(rondblik: Rondblik) -> None:
    configured(rondblik)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"Port {port} is in use" in rondblik("serve", "--port", port).sentence
