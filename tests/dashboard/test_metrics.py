"""What monitoring reads of a running program: figures for Prometheus, and the log as JSON."""

from __future__ import annotations

import io
import json
import logging
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from dashboard.settings.logs import JsonFormatter, TextFormatter
from models.schema import clock
from tests.conftest import Store, free_port
from tests.connectors.sending import Receiver
from tests.connectors.test_receive_modes import RONDBLIK, port_of
from tests.dashboard import school
from tests.uwlr.messages import message


@contextmanager
def running(data: Path, *command: str, **settings: str) -> Iterator[subprocess.Popen[str]]:
    """`rondblik` on a data folder, with settings from the environment; ended as an operator does."""
    environment = {**os.environ, "RONDBLIK_NOW": school.NOW.isoformat(), **settings}
    program = subprocess.Popen(
        [str(RONDBLIK), "--data", str(data), *command],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=data, env=environment,
    )  # fmt: skip
    with program:
        try:
            yield program
        finally:
            program.send_signal(signal.SIGTERM)


def figures(port: int) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """The figures at a port, by their names and labels."""
    text = requests.get(f"http://127.0.0.1:{port}/metrics", timeout=30).text
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {(sample.name, tuple(sorted(sample.labels.items()))): sample.value for sample in samples}


@pytest.fixture
def data(store: Store, tmp_path: Path) -> Path:
    """The data folder of the known school."""
    with clock.fixed(school.NOW):
        school.build(store.engine, store.cipher)
    store.engine.dispose()
    return tmp_path / "data"


def test_prometheus_reads_figures_that_name_nobody(data: Path) -> None:
    port = free_port()
    with running(data, "serve", "--port", "0", RONDBLIK_METRICS__PORT=str(port)) as program:
        served = port_of(program)
        for path in ("/health", "/health", "/groep", "/leerling/1?bron=Bouzid"):
            requests.get(f"http://127.0.0.1:{served}{path}", timeout=30)
        Receiver(served).post(message())
        found = figures(port)
        text = requests.get(f"http://127.0.0.1:{port}/metrics", timeout=30).text
        assert requests.get(f"http://127.0.0.1:{served}/metrics", timeout=30).status_code in (401, 404)
    assert found["rondblik_requests_total", (("kind", "page"), ("status", "200"))] == 2
    assert found["rondblik_requests_total", (("kind", "page"), ("status", "401"))] == 2
    assert found["rondblik_requests_total", (("kind", "message"), ("status", "500"))] == 1
    assert found["rondblik_request_seconds_count", (("kind", "page"),)] == 4
    assert found["rondblik_database_up", ()] == 1
    assert found["rondblik_connections_failing", ()] == 0
    newest = found["rondblik_newest_delivery_timestamp_seconds", ()] - school.NOW.timestamp()
    assert 0 <= newest < 300  # the message that was refused
    assert all(0 <= value <= 1 for (name, _), value in found.items() if name == "rondblik_disk_free_ratio")
    assert not [word for word in ("Bouzid", "leerling", "groep") if word in text]


def test_without_the_setting_there_is_no_port_and_a_worker_has_one_too(data: Path) -> None:
    port = free_port()
    with running(data, "serve", "--port", "0") as program:
        port_of(program)
        with pytest.raises(requests.ConnectionError):
            figures(port)
    with running(data, "worker", RONDBLIK_METRICS__PORT=str(port)) as program:
        assert program.stderr is not None
        assert "works on" in program.stderr.readline()
        assert figures(port)["rondblik_jobs_due", ()] >= 0


def test_the_log_is_json_without_anything_of_a_request(data: Path) -> None:
    with running(data, "serve", "--port", "0", RONDBLIK_LOG_FORMAT="json") as program:
        port = port_of(program)
        forwarded = {"X-Forwarded-For": "192.0.2.7", "User-Agent": "Bouzid"}
        requests.get(f"http://127.0.0.1:{port}/leerling/12?naam=Bouzid", headers=forwarded, timeout=30)
        program.send_signal(signal.SIGTERM)
        _out, errors = program.communicate(timeout=60)
    lines = [json.loads(line) for line in errors.splitlines()]
    refusals = [line for line in lines if line["logger"] == "rondblik.guard"]
    assert [line["message"].partition(" at ")[0] for line in refusals] == ["refused: forwarded"]
    assert set(refusals[0]) == {"time", "level", "logger", "message"}
    assert refusals[0]["level"] == "warning"
    assert "Bouzid" not in errors
    assert "192.0.2.7" not in errors


def test_of_an_error_the_log_has_its_place_and_not_its_text() -> None:
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(JsonFormatter())
    logger = logging.Logger("test")
    logger.addHandler(handler)
    try:
        int("Bouzid")
    except ValueError:
        logger.exception("Not stored")
    line = json.loads(out.getvalue())
    assert (line["message"], line["error"]) == ("Not stored", "ValueError")
    assert "test_metrics.py" in line["frames"][-1]
    assert "Bouzid" not in out.getvalue()


def test_a_balancer_asks_for_health_by_any_name(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    (data / "config.yaml").write_text("data: .\nschools: [{name: De Wissel, identifications: [{brin: 99XX}]}]\n")
    added = subprocess.run(
        [str(RONDBLIK), "--data", str(data), "account", "add", "beheer", "--name", "B", "--school", "99XX",
         "--password-env", "PASSWORD"],
        env={**os.environ, "PASSWORD": "een lang wachtwoord"}, capture_output=True, check=False, text=True,
    )  # fmt: skip
    assert added.returncode == 0, added.stderr
    with running(data, "serve", "--port", "0") as program:
        port = port_of(program)
        for path, status in (("/health", 200), ("/ready", 200), ("/groep", 403)):
            headers = {"Host": "10.0.0.5:8050"}
            answer = requests.get(f"http://127.0.0.1:{port}{path}", headers=headers, timeout=30)
            assert answer.status_code == status, path


def test_the_text_log_has_its_moments_in_utc() -> None:
    record = logging.LogRecord("rondblik.web", logging.WARNING, __file__, 1, "refused: %s", ("form",), None)
    record.created, record.msecs = 1_795_676_400.25, 250.0
    assert TextFormatter().format(record) == "2026-11-26T07:00:00.250Z WARNING refused: form"
