"""Back-ups on both databases, through the real command line: what they hold, and what a restore refuses."""

from __future__ import annotations

import gzip
import os
import shutil
import sqlite3
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection

from models.schema import clock
from models.schema.backup.container import CHUNK_BYTES, EncryptedReader, EncryptedWriter
from models.schema.database import SQLITE_FILE, open_engine, upgrading
from models.schema.encryption import KEY_FILE, PiiCipher
from tests.conftest import Store, new_postgres
from tests.connectors.sending import Receiver, account, enveloped
from tests.dashboard import school
from tests.dashboard.installation import Installation, configured, to_an_earlier_version
from tests.dashboard.test_two_processes import Browser, Processes
from tests.uwlr.messages import message, result_xml

CHANGED_BY_RESTORE = {"sessions", "sign_in_states", "data_versions"}
MINUTES = timedelta(minutes=1)


@pytest.fixture
def elsewhere(known: Installation, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Installation]:
    """Another machine: a data folder with a copy of the key, and no tables."""
    data = tmp_path / "elsewhere" / "data"
    data.mkdir(parents=True, mode=0o700)
    shutil.copy2(known.key, data / KEY_FILE)
    with other_database(known, data, request) as url:
        yield configured(data, url)


@contextmanager
def other_database(known: Installation, data: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of an empty database of the same kind."""
    if known.url.startswith("sqlite"):
        yield f"sqlite:///{data / 'rondblik.db'}"
        return
    with new_postgres(request.getfixturevalue("postgres")) as engine:
        engine.dispose()
        yield engine.url.render_as_string(hide_password=False)


def backup_of(installation: Installation, name: str = "copy.backup") -> Path:
    """A backup beside the data folder."""
    file = installation.data.parent / name
    code, out, errors = installation.outcome("backup", str(file))
    assert (code, errors) == (0, "")
    assert str(file) in out
    assert file.stat().st_mode & 0o777 == 0o600
    return file


# -- what comes back -------------------------------------------------------------------------------------------


def test_a_restored_store_has_every_row(known: Installation, elsewhere: Installation) -> None:
    file = backup_of(known)
    code, out, errors = elsewhere.outcome("restore", str(file))
    assert (code, errors) == (0, "")
    expected = known.rows()
    restored = elsewhere.rows()
    assert f"{len(expected['pupils'])} pupils, {len(expected['results'])} results" in out
    assert set(restored) == set(expected)
    for name in set(expected) - CHANGED_BY_RESTORE:
        assert sorted(map(str, restored[name])) == sorted(map(str, expected[name])), name
    assert len(expected["results"]) > 100


def test_a_backup_holds_nothing_that_can_be_read(known: Installation) -> None:
    content = backup_of(known).read_bytes()
    assert b"Bouzid" not in content
    assert b"SQLite format" not in content
    assert known.key.read_bytes().strip() not in content
    assert bytes.fromhex(known.key.read_text().strip()) not in content


def test_a_restored_store_shows_the_same_class_page(known: Installation, elsewhere: Installation) -> None:
    file = backup_of(known)
    assert elsewhere.run("restore", str(file)) == (0, "")
    assert class_page(known) == class_page(elsewhere)


def class_page(installation: Installation) -> str:
    """The class page that `serve` shows, without what is made anew for each session."""
    processes = Processes(installation.data, installation.url)
    try:
        port, path = processes.start()
        browser = Browser([port])
        assert browser.ask("GET", path).status_code == 303
        browser.become(f"support-{school.SCHOOL}", 1)
        page = browser.page()
    finally:
        for port in list(processes.running):
            processes.stop(port)
    assert "Bouzid" in page
    return page.partition("/groep/bestand/")[0]


def test_sessions_and_what_was_due_do_not_come_back(known: Installation, elsewhere: Installation) -> None:
    known.change(
        "INSERT INTO sessions (digest, user_key, browser, started_us, seen_us) VALUES ('a', 'b', 'c', 1, 1)",
        "INSERT INTO raw_messages (delivery_id, sealed, keep_until_us) "
        f"SELECT max(id), 'x', {clock.to_us(school.NOW + MINUTES)} FROM deliveries",
        "INSERT INTO raw_messages (delivery_id, sealed, keep_until_us) "
        f"SELECT min(id), 'x', {clock.to_us(school.NOW + 99 * MINUTES)} FROM deliveries",
    )
    file = backup_of(known)
    with clock.fixed(school.NOW + 5 * MINUTES):
        assert elsewhere.run("restore", str(file)) == (0, "")
    rows = elsewhere.rows()
    assert (len(rows["sessions"]), len(rows["raw_messages"])) == (0, 1)
    assert len(known.rows()["raw_messages"]) == 2


def test_a_restore_in_the_place_of_a_store_brings_it_back(known: Installation) -> None:
    file, before = backup_of(known), known.rows()
    known.change("DELETE FROM results", "DELETE FROM result_history", "CREATE TABLE later (id INTEGER PRIMARY KEY)")
    assert "--overwrite" in known.refused("restore", str(file))
    assert known.run("restore", "--overwrite", str(file)) == (0, "")
    after = known.rows()
    assert "later" not in after
    assert sorted(after["results"]) == sorted(before["results"])
    assert known.run("deliveries") == (0, "")


def test_a_folder_gets_a_file_with_the_time_in_its_name_and_no_file_is_overwritten(known: Installation) -> None:
    folder = known.data.parent / "copies"
    folder.mkdir()
    assert known.run("backup", str(folder)) == (0, "")
    (file,) = folder.iterdir()
    assert file.name == "rondblik-20261126-081200.backup"
    content = file.read_bytes()
    assert "exists" in known.refused("backup", str(folder))
    assert [path.name for path in folder.iterdir()] == [file.name]
    assert file.read_bytes() == content


def test_without_a_store_there_is_nothing_to_back_up(elsewhere: Installation) -> None:
    code, reading = elsewhere.run("backup", str(elsewhere.data.parent / "copy.backup"))
    assert (code, len(reading.splitlines())) == (2, 1)
    assert not (elsewhere.data.parent / "copy.backup").exists()
    assert not (elsewhere.data / "rondblik.db").exists()


def test_the_audit_log_comes_back_too(known: Installation, elsewhere: Installation) -> None:
    class_page(known)
    for installation in (known, elsewhere):
        if installation is elsewhere:
            assert elsewhere.run("restore", str(backup_of(known))) == (0, "")
        code, out, errors = installation.outcome("audit", "verify")
        assert (code, errors) == (0, "")
        assert "No sign of tampering." in out
        events = int(out.partition(": ")[2].split()[0])
        assert events > 0
    assert known.outcome("audit", "head") == elsewhere.outcome("audit", "head")


# -- while messages come in ------------------------------------------------------------------------------------


@dataclass
class Publisher:
    """Sends messages of three results, one after the other, until it is stopped."""

    receiver: Receiver
    header: str
    confirmed: int = 0
    refused: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def run(self, first: int) -> None:
        number = first
        while not self.over.is_set():
            body = message(results="".join(result_xml(f"m{number}-{part}", "7") for part in range(3)))
            answer = self.receiver.post(enveloped(body, self.header))
            if answer.confirmed:
                self.confirmed += 1
            else:
                self.refused.append(answer.fault or str(answer.status))
            number += 1


def test_a_backup_while_messages_come_in_holds_all_that_was_confirmed_before_it(
    known: Installation, elsewhere: Installation, any_store: Store
) -> None:
    sender = account(any_store.engine, any_store.cipher, "Zendwijs")
    any_store.engine.dispose()
    processes = Processes(known.data, known.url)
    port, _path = processes.start()
    publishers = [Publisher(Receiver(port), sender.header) for _ in range(2)]
    threads = [threading.Thread(target=item.run, args=(n * 30_000,)) for n, item in enumerate(publishers)]
    copies: list[tuple[int, Path]] = []
    try:
        for thread in threads:
            thread.start()
        for number in range(3):
            reached = confirmed(publishers) + 5
            while confirmed(publishers) < reached and all(thread.is_alive() for thread in threads):
                threads[0].join(0.05)
            copies.append((confirmed(publishers), backup_of(known, f"copy-{number}")))
    finally:
        for item in publishers:
            item.over.set()
        for thread in threads:
            thread.join(60)
        processes.stop(port)
    assert [item.refused for item in publishers] == [[], []]
    assert confirmed(publishers) > copies[-1][0]  # they went on all the time
    for before, file in copies:
        assert elsewhere.run("restore", "--overwrite", str(file)) == (0, "")
        rows = elsewhere.rows()
        deliveries = [row for row in rows["deliveries"] if row.way == "push"]
        assert before <= len(deliveries) <= confirmed(publishers)
        assert all(row.verdict != "reject" for row in deliveries)
        parts = Counter(row.delivery_id for row in rows["results"])
        assert {parts[row.id] for row in deliveries} == {3}


def confirmed(publishers: list[Publisher]) -> int:
    """How many messages were confirmed up to now."""
    return sum(item.confirmed for item in publishers)


# -- what is refused -------------------------------------------------------------------------------------------


def _flip(place: int) -> Callable[[bytes], bytes]:
    return lambda content: content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


DAMAGES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "a bit of the header": (_flip(3), "no backup"),
    "a bit of the salt": (_flip(30), "another key"),
    "a bit of the first chunk": (_flip(200), "damaged"),
    "a bit of the last byte": (lambda content: _flip(len(content) - 1)(content), "damaged"),
    "one byte less": (lambda content: content[:-1], "damaged"),
    "half of it": (lambda content: content[: len(content) // 2], "damaged"),
    "only the header": (lambda content: content[:66], "damaged"),
    "half of the header": (lambda content: content[:40], "no backup"),
    "cut off behind a chunk": (lambda content: content[: 66 + CHUNK_BYTES + 16], "damaged"),
    "one byte more": (lambda content: content + b"x", "damaged"),
    "twice": (lambda content: content + content, "damaged"),
    "empty": (lambda _content: b"", "no backup"),
}


@pytest.fixture
def large(known: Installation) -> Path:
    """A backup of more than two chunks."""
    for number in range(3):
        known.change(
            "INSERT INTO form_outcomes (digest, begun_us, outcome) VALUES "
            f"({literal(bytes([number]), known)}, 1, {literal(os.urandom(200_000), known)})"
        )
    file = backup_of(known)
    assert file.stat().st_size > 2 * CHUNK_BYTES
    return file


def literal(content: bytes, installation: Installation) -> str:
    """Bytes in SQL."""
    return f"x'{content.hex()}'" if installation.url.startswith("sqlite") else f"decode('{content.hex()}', 'hex')"


def test_a_backup_that_was_changed_or_cut_off_is_refused_and_nothing_is_written(
    known: Installation, elsewhere: Installation, large: Path
) -> None:
    content = large.read_bytes()
    for name, (damage, words) in DAMAGES.items():
        large.write_bytes(damage(content))
        for reading in (known.refused("restore", "--overwrite", str(large)), refused(elsewhere, large)):
            assert words in reading, name
    large.write_bytes(content)
    assert elsewhere.run("restore", str(large)) == (0, "")


def refused(elsewhere: Installation, file: Path) -> str:
    """The sentence of a restore that leaves an empty installation as it was."""
    names = sorted(path.name for path in elsewhere.data.iterdir())
    code, reading = elsewhere.run("restore", str(file))
    assert (code, len(reading.splitlines())) == (2, 1), reading
    assert sorted(path.name for path in elsewhere.data.iterdir()) == names
    assert elsewhere.url.startswith("sqlite") or elsewhere.rows() == {}
    return reading


def test_chunks_of_two_backups_do_not_mix(elsewhere: Installation, known: Installation, large: Path) -> None:
    other = backup_of(known, "other.backup").read_bytes()
    content = large.read_bytes()
    end = 66 + CHUNK_BYTES + 16
    for mixed in (content[:end] + other[end:], content[:66] + other[66:], content[:66] + content[end:]):
        large.write_bytes(mixed)
        assert "damaged" in refused(elsewhere, large)


def test_a_restore_with_another_key_or_none_writes_nothing(known: Installation, elsewhere: Installation) -> None:
    file = backup_of(known)
    elsewhere.key.write_text("ab" * 32 + "\n")
    assert "another key" in refused(elsewhere, file)
    elsewhere.key.unlink()
    assert "missing" in refused(elsewhere, file)
    shutil.copy2(known.key, elsewhere.key)
    elsewhere.key.chmod(0o644)
    assert "chmod 600" in refused(elsewhere, file)


def rewritten(file: Path, key: Path, change: Callable[[bytes, bytes], bytes]) -> None:
    """Encrypt a backup anew after a change of its first line and the rest: as a faulty program would make it."""
    cipher = PiiCipher.from_secret(bytes.fromhex(key.read_text().strip()))
    with file.open("rb") as encrypted, gzip.GzipFile(fileobj=EncryptedReader(encrypted, cipher)) as stream:
        changed = change(stream.readline(), stream.read())
    with file.open("wb") as output:
        writer = EncryptedWriter(output, cipher)
        writer.write(gzip.compress(changed))
        writer.finish()


def test_a_backup_that_lacks_rows_leaves_the_store_as_it_was(known: Installation) -> None:
    file = backup_of(known)
    rewritten(file, known.key, lambda first, rest: first.replace(b'"results": ', b'"results": 1') + rest)
    known.refused("restore", "--overwrite", str(file))


def test_a_backup_whose_content_is_not_sound_leaves_the_store_as_it_was(known: Installation) -> None:
    file = backup_of(known)
    rewritten(file, known.key, lambda first, rest: first + rest[:40_000] + bytes(8192) + rest[48_192:])
    known.refused("restore", "--overwrite", str(file))


def test_a_backup_of_a_later_version_is_refused(known: Installation, elsewhere: Installation) -> None:
    known.change("UPDATE alembic_version SET version_num = '9999'")
    file = backup_of(known)
    assert "later version" in refused(elsewhere, file)


def test_a_backup_of_an_earlier_version_is_brought_to_this_one(known: Installation, elsewhere: Installation) -> None:
    before = known.rows()
    to_an_earlier_version(known)
    file = backup_of(known)
    assert elsewhere.run("restore", str(file)) == (0, "")
    after = elsewhere.rows()
    assert after["alembic_version"] == before["alembic_version"]
    assert sorted(after["results"]) == sorted(before["results"])
    assert elsewhere.run("deliveries") == (0, "")


def test_a_store_that_is_in_use_is_not_replaced(known: Installation) -> None:
    file = backup_of(known)
    processes = Processes(known.data, known.url)
    port, _path = processes.start()
    try:
        assert "in use" in known.refused("restore", "--overwrite", str(file))
    finally:
        processes.stop(port)
    assert known.run("restore", "--overwrite", str(file)) == (0, "")


def test_a_killed_backup_leaves_neither_a_file_nor_a_copy(known: Installation) -> None:
    file = known.data.parent / "copy.backup"
    program = known.start("backup", str(file), before="import os; os.fsync = lambda _file: os.kill(os.getpid(), 9)")
    program.communicate(timeout=60)
    assert program.returncode == -9
    assert not file.exists()
    assert not list(known.data.rglob(".backup-*/*"))
    assert backup_of(known) == file
    assert [path.name for path in known.data.glob(".backup-*")] == []
    assert not file.with_name("copy.backup.part").exists()


# While it reads the backup for SQLite, and while it sends it to PostgreSQL.
KILLED_HALFWAY = """
import os, shutil
def half(source, target):
    target.write(source.read(20_000))
    target.flush()
    os.kill(os.getpid(), 9)
shutil.copyfileobj = half
from models.schema.backup import sqlite
sqlite.check_whole = lambda _file: os.kill(os.getpid(), 9)
"""


def test_a_killed_restore_leaves_the_store_as_it_was(known: Installation) -> None:
    file, rows = backup_of(known), known.rows()
    program = known.start("restore", "--overwrite", str(file), before=KILLED_HALFWAY)
    program.communicate(timeout=60)
    assert program.returncode == -9
    assert known.rows() == rows
    if known.url.startswith("sqlite"):
        assert "left behind" in known.outcome("doctor")[1]
    assert known.run("restore", "--overwrite", str(file)) == (0, "")
    assert "left behind" not in known.outcome("doctor")[1]


# -- upgrades --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [("serve", "--port", "0"), ("worker",), ("sync",), ("deliveries",)], ids=" ".join)
def test_an_earlier_store_is_upgraded_by_nobody_who_was_not_told_to(
    known: Installation, command: tuple[str, ...]
) -> None:
    to_an_earlier_version(known)
    assert "rondblik db upgrade" in known.refused(*command)


def test_an_upgrade_makes_a_backup_first_that_brings_the_earlier_store_back(
    known: Installation, elsewhere: Installation
) -> None:
    before = known.rows()
    to_an_earlier_version(known)
    earlier = known.rows()
    code, out, errors = known.outcome("db", "upgrade")
    assert (code, errors) == (0, "")
    (file,) = (known.data / "backups").iterdir()
    assert str(file) in out
    assert known.rows()["results"] == before["results"]
    assert file.stat().st_mode & 0o777 == 0o600
    assert elsewhere.run("restore", str(file)) == (0, "")
    assert sorted(elsewhere.rows()["results"]) == sorted(earlier["results"])
    assert known.outcome("db", "upgrade")[1] == "The database is up to date.\n"
    assert len(list((known.data / "backups").iterdir())) == 1


def test_nothing_is_written_between_the_backup_and_the_upgrade_on_sqlite(known: Installation) -> None:
    if not known.url.startswith("sqlite"):
        pytest.skip("of SQLite")
    to_an_earlier_version(known)
    engine = open_engine(known.url)
    tried = []

    def write(_connection: Connection) -> None:
        with closing(sqlite3.connect(known.data / SQLITE_FILE, timeout=0.1)) as other:
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                other.execute("DELETE FROM results")
            tried.append(other.execute("SELECT count(*) FROM results").fetchone()[0])

    with upgrading(engine, write):
        pass
    engine.dispose()
    assert tried == [len(known.rows()["results"])]


def test_serve_upgrades_when_it_is_told_to(known: Installation) -> None:
    to_an_earlier_version(known)
    program = known.start("serve", "--upgrade", "--port", "0")
    try:
        assert program.stdout is not None
        assert "Backup before the upgrade" in program.stdout.readline()
        assert "Rondblik: http" in program.stdout.readline()
    finally:
        program.terminate()
        program.communicate(timeout=60)
    assert len(list((known.data / "backups").iterdir())) == 1


def test_an_upgrade_whose_backup_fails_changes_nothing(known: Installation) -> None:
    to_an_earlier_version(known)
    assert known.refused("db", "upgrade", "--backup", str(known.data / "no" / "folder" / "file"))


def test_only_postgresql_is_upgraded_without_a_backup(known: Installation) -> None:
    to_an_earlier_version(known)
    if known.url.startswith("sqlite"):
        assert "--no-backup" in known.refused("db", "upgrade", "--no-backup")
    else:
        assert known.run("db", "upgrade", "--no-backup") == (0, "")
        assert not (known.data / "backups").exists()
