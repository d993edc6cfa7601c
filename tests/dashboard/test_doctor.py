"""`rondblik doctor` and the same checks before a start: what is right, what is wrong, and what to do."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from models.schema import clock
from models.schema.database import SQLITE_FILE
from tests.dashboard import school
from tests.dashboard.installation import Installation, to_an_earlier_version

NAMES = ["settings", "database", "data folder", "key", "version", "durability", "disk", "clock"]


def diagnosis(installation: Installation, *options: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """The exit code, and what is said by check; of several lines of a check the last."""
    code, out, errors = installation.outcome("doctor", "--json", *options)
    assert "Traceback" not in errors
    results = [json.loads(line) for line in out.splitlines()]
    return code, {result["check"]: result for result in results}


def state_of(found: dict[str, dict[str, Any]], *names: str) -> list[str]:
    """How some checks ended."""
    return [found[name]["state"] for name in names]


def test_an_installation_in_order(known: Installation) -> None:
    known.data.chmod(0o700)
    files, rows = known.files(), known.rows()
    code, found = diagnosis(known)
    assert found.pop("row security", {"state": "warn"})["state"] == "warn"  # of PostgreSQL: as a superuser
    assert (code, list(found)) == (0, NAMES)
    assert state_of(found, *(name for name in NAMES if name != "disk")) == ["ok"] * 7
    code, out, _errors = known.outcome("doctor")
    assert code == 0
    assert [line.partition(":")[0].split(None, 1)[1] for line in out.splitlines()][:2] == ["settings", "database"]
    assert (known.files(), known.rows()) == (files, rows)


def test_before_the_first_start_nothing_is_made(tmp_path: Path) -> None:
    data = tmp_path / "data"
    code, found = diagnosis(Installation(data, "", data))
    assert (code, {result["state"] for result in found.values()} - {"warn"}) == (0, {"ok"})
    assert not data.exists()


def _remove_key(known: Installation) -> None:
    known.key.unlink()


def _open_key(known: Installation) -> None:
    known.key.chmod(0o644)


def _break_settings(known: Installation) -> None:
    (known.data / "config.yaml").write_text("servr: {}\n")


def _later(known: Installation) -> None:
    known.change("UPDATE alembic_version SET version_num = '9999'")


FAILURES: dict[str, tuple[Callable[[Installation], None], str, str]] = {
    "key lost": (_remove_key, "key", "put the file back"),
    "key open to others": (_open_key, "key", "chmod 600"),
    "wrong settings": (_break_settings, "settings", "servr"),
    "earlier version": (to_an_earlier_version, "version", "rondblik db upgrade"),
    "later version": (_later, "version", "later version"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_what_is_wrong_is_said_with_what_to_do(known: Installation, name: str) -> None:
    harm, check, words = FAILURES[name]
    harm(known)
    code, found = diagnosis(known)
    assert (code, found[check]["state"]) == (1, "fail")
    assert words in f"{found[check]['sentence']} {found[check]['remedy']}"
    known.refused("serve", "--port", "0")


def test_a_database_that_does_not_answer(known: Installation, tmp_path: Path) -> None:
    if known.url.startswith("sqlite"):
        (known.data / SQLITE_FILE).write_bytes(b"no database" * 1000)
    else:
        config = known.data / "config.yaml"
        config.write_text("data: .\ndatabase: {url: 'postgresql+psycopg://rondblik:geheim@127.0.0.1:1/x'}\n")
    code, found = diagnosis(known)
    assert (code, found["database"]["state"]) == (1, "fail")
    assert "geheim" not in json.dumps(found)
    assert found["disk"]["state"] in ("ok", "warn")


def test_a_clock_that_is_behind_what_was_recorded(known: Installation) -> None:
    with clock.fixed(school.NOW - timedelta(days=30)):
        code, found = diagnosis(known)
    assert (code, found["clock"]["state"]) == (0, "warn")
    assert "timedatectl" in found["clock"]["remedy"]


def test_backups_from_before_old_upgrades_are_named(known: Installation) -> None:
    folder = known.data / "backups"
    folder.mkdir()
    for name, days in (("old.backup", 40), ("new.backup", 20)):
        (folder / name).touch()
        moment = (folder / name).stat().st_mtime - days * 24 * 3600
        os.utime(folder / name, (moment, moment))
    _code, found = diagnosis(known)
    assert found["old backups"]["state"] == "warn"
    assert "old.backup" in found["old backups"]["sentence"]
    assert "new.backup" not in found["old backups"]["sentence"]


def test_serve_does_not_start_on_a_database_that_a_power_cut_empties(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "config.yaml").write_text("data: .\ndatabase: {url: 'sqlite:///:memory:'}\n")
    code, reading = Installation(data, "", data).run("serve", "--port", "0")
    assert (code, len(reading.splitlines())) == (2, 1)
    assert "journal_mode" in reading


def test_postgresql_is_asked_whether_it_keeps_what_it_confirms(
    known: Installation, request: pytest.FixtureRequest
) -> None:
    if known.url.startswith("sqlite"):
        pytest.skip("of PostgreSQL")
    role = create_engine(known.url, isolation_level="AUTOCOMMIT")
    with role.connect() as connection:
        connection.execute(text(f"ALTER DATABASE {role.url.database} SET synchronous_commit = off"))
    role.dispose()
    code, found = diagnosis(known)
    assert (code, found["database"]["state"]) == (1, "fail")
    assert "synchronous_commit" in found["database"]["sentence"]


def test_sources_are_reached_when_that_is_asked_for(known: Installation) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_server(("127.0.0.1", 0)) as closed:
        port, nobody = server.getsockname()[1], closed.getsockname()[1]
        closed.close()
        (known.data / "config.yaml").write_text(
            f"data: .\ndatabase: {{url: '{known.url}'}}\n"
            "schools: [{name: De Horizon, identifications: [{brin: 99XX}]}]\n"
            "publishers:\n"
            f"- {{id: a, name: A, kind: https, address: 'http://127.0.0.1:{port}/'}}\n"
            f"- {{id: b, name: B, kind: https, address: 'http://127.0.0.1:{nobody}/'}}\n"
        )
        code, out, _errors = known.outcome("doctor", "--sources", "--json")
    results = [json.loads(line) for line in out.splitlines()]
    reached = {result["sentence"].split()[0]: result["state"] for result in results if result["check"] == "sources"}
    assert (code, reached) == (0, {f"127.0.0.1:{port}": "ok", f"127.0.0.1:{nobody}": "warn"})
