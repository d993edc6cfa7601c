"""`rondblik person`: as an operator types it, on a store that knows something of a pupil in every place."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from time import perf_counter
from typing import Any

import lxml.html
import pytest
from sqlalchemy import func, select

from dashboard.cli import main as cli
from dashboard.text.audit_words import event_words
from models.access.audit import open_audit
from models.access.viewer import Role, Viewer
from models.ingest import erased
from models.schema import database
from models.schema.tables import identifiers, pupils, results
from tests.conftest import Store
from tests.dashboard import large_school, school
from tests.dashboard.installation import configured
from tests.models.test_erasure import (
    ECK_ID,
    EVERYWHERE,
    FIRST,
    LAS_KEY,
    LAST,
    NOTE,
    TRACES,
    Known,
    _now,
    fill_with_pupil,
    rows,
    where_named,
)

SCHOOL = ("--school", "99YY/00")
__all__ = ["_now"]


class Operator:
    """Somebody at the command line; `said` is all that was printed and logged."""

    def __init__(self, known: Known, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.known, self.data, self.capsys = known, data, capsys
        self.printed = ""

    def type(self, *words: str) -> tuple[int, str, str]:
        code = cli.run(["--data", str(self.data), "person", *words])
        out, err = self.capsys.readouterr()
        self.printed += out + err
        return code, out, err


@pytest.fixture
def operator(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Operator:
    monkeypatch.chdir(tmp_path)
    return Operator(fill_with_pupil(store), tmp_path / "data", capsys)


def test_nothing_is_left_in_the_files_of_the_database_the_log_and_what_is_printed(
    operator: Operator, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    store, files = (
        operator.known.store,
        [operator.data / name for name in ("rondblik.db", "rondblik.db-wal", "audit.db")],
    )
    encrypted = [
        value
        for name in ("identifiers", "notes", "raw_messages", "kept_sheets", "rosters")
        for row in rows(store.engine)[name]
        for value in row.values()
        if isinstance(value, bytes) and len(value) > 16
    ]
    code, _out, _ = operator.type("erase", *SCHOOL, "--pupil", str(operator.known.pupil_id), "--yes")
    assert code == 0
    left = {value for of_table in rows(store.engine).values() for row in of_table for value in row.values()}
    gone = [value[:24] for value in encrypted if value not in left]
    assert len(gone) >= 10
    content = b"".join(file.read_bytes() for file in files if file.exists())
    assert [trace for trace in (*(text.encode() for text in TRACES), *gone) if trace in content] == []
    assert not files[1].exists() or files[1].stat().st_size == 0
    assert [trace for trace in TRACES if trace in operator.printed + caplog.text] == []
    noted = (operator.data / "erased.jsonl").read_text("utf-8")
    assert [trace for trace in TRACES if trace in noted] == []
    assert where_named(store) == set()


def test_a_certificate_says_what_was_deleted_and_a_dry_run_says_it_beforehand(operator: Operator) -> None:
    before = rows(operator.known.store.engine)
    pupil = ("--pupil", str(operator.known.pupil_id))
    code, foretold, _ = operator.type("erase", *SCHOOL, *pupil, "--dry-run")
    assert code == 0
    assert rows(operator.known.store.engine) == before
    assert not (operator.data / "erased.jsonl").exists()
    code, certificate, _ = operator.type("erase", *SCHOOL, *pupil, "--yes")
    assert code == 0
    assert certificate.splitlines()[1:] == foretold.splitlines()[1:]
    assert "school   99YY/00" in certificate
    assert f"pupil    {operator.known.pupil_id}" in certificate
    assert "moment   2026-11-26 08:12:00+01:00" in certificate
    assert "      1  pupil\n" in certificate
    assert "      3  results\n" in certificate


@pytest.mark.parametrize("named", [("--pupil",), ("--key-env", "PUPIL")])
def test_a_command_that_was_killed_as_it_committed_gives_its_certificate_when_it_is_typed_again(
    operator: Operator, monkeypatch: pytest.MonkeyPatch, named: tuple[str, ...]
) -> None:
    monkeypatch.setenv("PUPIL", LAS_KEY)
    number = str(operator.known.pupil_id)
    command = ("erase", *SCHOOL, *named, *([number] if len(named) == 1 else []), "--yes")
    append = erased.append

    def killed(folder: Path, erasure: erased.Erasure) -> None:
        append(folder, erasure)
        os._exit(9)

    with monkeypatch.context() as patched:
        patched.setattr(erased, "append", killed)
        child = os.fork()
        if child == 0:
            operator.type(*command)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    code, certificate, _ = operator.type(*command)
    assert (code, certificate.splitlines()[0]) == (0, "Erased before; its certificate")
    assert f"pupil    {number}\n" in certificate
    assert "      3  results\n" in certificate
    assert where_named(operator.known.store) == set()
    log = open_audit(operator.known.store.engine, operator.known.store.cipher)
    entries = [row["about"] for row in log.export(2)]
    assert [entry["action"] for entry in entries if isinstance(entry, dict)] == ["pupil erased"]


@pytest.mark.parametrize("value", [LAS_KEY, ECK_ID])
def test_the_pupil_is_named_by_a_variable_or_on_standard_input(
    operator: Operator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, value: str
) -> None:
    monkeypatch.setenv("PUPIL", value)
    assert operator.type("erase", *SCHOOL, "--key-env", "PUPIL", "--dry-run")[0] == 0
    (tmp_path / "in").write_text(f"{value}\n", "utf-8")
    with (tmp_path / "in").open(encoding="utf-8") as file:
        monkeypatch.setattr("sys.stdin", file)
        code, out, _ = operator.type("erase", *SCHOOL, "--key-stdin", "--yes")
    assert (code, f"pupil    {operator.known.pupil_id}" in out) == (0, True)
    assert where_named(operator.known.store) == set()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((*SCHOOL, "--pupil", "999", "--yes"), "The school has no such pupil."),
        (("--school", "99XX/00", "--pupil", "90000", "--yes"), "The school has no such pupil."),
        (("--school", "88AA/00", "--pupil", "1", "--yes"), "no such school"),
        ((*SCHOOL, "--key-env", "NOT_SET", "--yes"), "The school has no such pupil."),
        ((*SCHOOL, "--yes"), "Name the pupil by one of"),
        ((*SCHOOL, "--pupil", "1", "--key-stdin", "--yes"), "Name the pupil by one of"),
    ],
)
def test_who_is_not_there_is_a_sentence_and_nothing_is_erased(
    operator: Operator, words: tuple[str, ...], sentence: str
) -> None:
    code, out, err = operator.type("erase", *words)
    assert (code, out) == (2, "")
    assert sentence in err
    assert where_named(operator.known.store) == EVERYWHERE


def test_a_database_file_that_is_put_back_loses_the_pupil_when_the_program_opens_it(operator: Operator) -> None:
    files = [operator.data / name for name in ("rondblik.db", "rondblik.db-wal")]
    operator.known.store.engine.dispose()
    earlier = files[0].read_bytes()
    assert operator.type("erase", *SCHOOL, "--pupil", str(operator.known.pupil_id), "--yes")[0] == 0
    files[0].write_bytes(earlier)
    files[1].unlink(missing_ok=True)
    assert where_named(operator.known.store) == EVERYWHERE
    operator.known.store.engine.dispose()
    assert cli.run(["--data", str(operator.data), "deliveries"]) == 0
    assert where_named(operator.known.store) == set()
    operator.known.store.engine.dispose()
    content = files[0].read_bytes()
    assert [trace for trace in TRACES if trace.encode() in content] == []


def test_a_backup_from_before_that_is_restored_loses_the_pupil(any_store: Store, tmp_path: Path) -> None:
    known, folder = fill_with_pupil(any_store), tmp_path / "data"
    if any_store.engine.dialect.name == "postgresql":
        (tmp_path / "keys").rename(folder)
    installation = configured(folder, any_store.engine.url.render_as_string(hide_password=False))
    any_store.engine.dispose()
    assert installation.outcome("backup", str(tmp_path / "copy.backup"))[0] == 0
    pupil = ("--pupil", str(known.pupil_id))
    assert installation.outcome("person", "erase", *SCHOOL, *pupil, "--yes")[0] == 0
    expected = {name: len(of_table) for name, of_table in rows(any_store.engine).items()}
    any_store.engine.dispose()
    assert installation.outcome("restore", "--overwrite", str(tmp_path / "copy.backup"))[0] == 0
    assert where_named(any_store) == set()
    restored = {name: len(of_table) for name, of_table in rows(any_store.engine).items()}
    assert restored | {"sessions": 0} == expected | {"sessions": 0}
    any_store.engine.dispose()
    if any_store.engine.dialect.name == "sqlite":
        content = (folder / "rondblik.db").read_bytes()
        assert [trace for trace in TRACES if trace.encode() in content] == []


def test_traces_that_a_reader_keeps_in_the_log_are_said_and_purged_later(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 1)
    with database.read_transaction(operator.known.store.engine) as reader:
        reader.execute(select(pupils)).all()
        code, out, err = operator.type("erase", *SCHOOL, "--pupil", str(operator.known.pupil_id), "--yes")
        assert (code, out.splitlines()[0]) == (1, "Certificate of erasure")
        assert "may still hold traces" in err
        log = (operator.data / "rondblik.db-wal").read_bytes()
        assert LAS_KEY.encode() in log + (operator.data / "rondblik.db").read_bytes()
    assert operator.type("purge") == (0, "", "")
    assert LAS_KEY.encode() not in (operator.data / "rondblik.db").read_bytes()


def test_nothing_is_erased_unless_somebody_says_yes(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    with open("/dev/null", encoding="utf-8") as nothing:
        monkeypatch.setattr("sys.stdin", nothing)
        assert operator.type("erase", *SCHOOL, "--pupil", str(operator.known.pupil_id))[0] == 130
    assert where_named(operator.known.store) == EVERYWHERE


def test_the_audit_log_says_what_was_done_with_the_data_of_the_pupil(operator: Operator, tmp_path: Path) -> None:
    exported(operator, tmp_path)
    operator.type("erase", *SCHOOL, "--pupil", str(operator.known.pupil_id), "--yes")
    log = open_audit(operator.known.store.engine, operator.known.store.cipher)
    support = Viewer(school.OTHER_SCHOOL, Role.SUPPORT)
    entries = log.about_pupil(support, operator.known.pupil_id, 9)
    assert [event_words(entry.event) for entry in entries] == [
        "Een leerling gewist · 1 leerling",
        "Alle gegevens van een leerling naar bestanden geschreven · 1 leerling",
    ]
    assert log.problems(school.OTHER_SCHOOL) == []


# -- the whole file of a pupil -------------------------------------------------------------------------------


def exported(operator: Operator, folder: Path) -> tuple[dict[str, list[dict[str, Any]]], str]:
    """The two files of the pupil, as data and as the text of the page."""
    code, out, _ = operator.type("export", *SCHOOL, "--pupil", str(operator.known.pupil_id), "--to", str(folder))
    assert code == 0
    paths = [Path(line) for line in out.splitlines()]
    assert [path.stat().st_mode & 0o777 for path in paths] == [0o600, 0o600]
    data = json.loads(paths[0].read_text("utf-8"))
    return data, lxml.html.fromstring(paths[1].read_bytes()).text_content()


def test_the_file_of_a_pupil_holds_all_of_them_and_nobody_else(operator: Operator, tmp_path: Path) -> None:
    data, page = exported(operator, tmp_path)
    assert [(item["first_name"], item["last_name"]) for item in data["pupil"]] == [(FIRST, LAST)]
    assert {item["value"] for item in data["identifiers"] if item["kind"] == "las"} == {LAS_KEY, f"oud-{LAS_KEY}"}
    assert [item["text"] for item in data["notes"]] == [NOTE]
    current = {(item["key"], item["score"]) for item in data["results"]}
    assert current == {(f"{LAS_KEY}-1", 8.0), ("los", 8.0), ("geparkeerd", 4.0)}
    assert {(item["key"], item["score"]) for item in data["earlier_values"]} == {(f"{LAS_KEY}-1", 7.0), ("los", 7.0)}
    assert [item["value"] for item in data["goals"]] == [1.0]
    assert [item["rule"] for item in data["signals"]] == ["drop"]
    assert {item["group"] for item in data["classes"]} == {"7a", "Plusgroep"}
    assert len(data["links_by_hand"]) == 1
    for value in (
        FIRST,
        LAST,
        LAS_KEY,
        NOTE,
        "Plusgroep",
        "di 10 nov 2026",
        "De leerlinglijst",
        "Veel lager dan eerder",
    ):
        assert value in page, value
    assert "Roep1" not in json.dumps(data) + page


def test_an_eck_id_is_not_given_out(operator: Operator, tmp_path: Path) -> None:
    data, page = exported(operator, tmp_path)
    assert "ECK iD" in page
    assert "ketenid" not in json.dumps(data) + page + operator.printed


def test_a_file_that_is_there_is_not_overwritten(operator: Operator, tmp_path: Path) -> None:
    exported(operator, tmp_path)
    code, _, err = operator.type("export", *SCHOOL, "--pupil", str(operator.known.pupil_id), "--to", str(tmp_path))
    assert (code, err.count("\n")) == (2, 1)


@pytest.mark.long
def test_the_whole_file_of_a_pupil_of_a_large_school_is_made_in_under_a_minute(store: Store, tmp_path: Path) -> None:
    large_school.build(store.engine, store.cipher, sizes=[30] * 10, columns=40)
    installation = configured(tmp_path / "data", store.engine.url.render_as_string(hide_password=False))
    with database.read_transaction(store.engine) as connection:
        stored = connection.scalar(select(func.count()).select_from(results))
        of_the_pupil = connection.scalar(
            select(func.count())
            .select_from(results.join(identifiers, identifiers.c.id == results.c.identifier_id))
            .where(identifiers.c.pupil_id == 1)
        )
    (tmp_path / "file").mkdir()
    begun = perf_counter()
    words = ("person", "export", "--school", "99XX/00", "--pupil", "1", "--to", str(tmp_path / "file"))
    export = installation.start(*words)
    _out, errors = export.communicate(timeout=60)
    seconds = perf_counter() - begun
    assert export.returncode == 0, errors
    print(f"{of_the_pupil} results of one pupil among {stored}: both files in {seconds:.1f} s")
    (data,) = (tmp_path / "file").glob("*.json")
    (page,) = (tmp_path / "file").glob("*.html")
    assert len(json.loads(data.read_text("utf-8"))["results"]) == of_the_pupil > 100
    assert page.stat().st_size > 10_000
    assert seconds < 60
