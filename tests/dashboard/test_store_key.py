"""The sealing key of a store, through the real command line: nothing is done with a key that does not belong to it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from models.schema.encryption import KEY_FILE, PiiCipher
from tests.dashboard.installation import Installation, to_an_earlier_version
from tests.dashboard.test_cli import EDEXML
from tests.uwlr.messages import message

# Ends the program at the moment that a key file written aside is to get its name, and at the moment after.
KILLED_BEFORE_RENAME = "import os; os.rename = lambda *names: os.kill(os.getpid(), 9);"
KILLED_AFTER_RENAME = """
import os
really = os.open
os.open = lambda path, flags, *more: os.kill(os.getpid(), 9) if flags & os.O_DIRECTORY else really(path, flags, *more)
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Installation:
    """A data folder without key or tables, on each database."""
    data, roster = tmp_path / "data", tmp_path / "roster.xml"
    data.mkdir()
    roster.write_text(EDEXML, encoding="utf-8")
    url = f"sqlite:///{data / 'rondblik.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_database")
        (data / "config.yaml").write_text(f"data: .\ndatabase: {{url: '{url}'}}\n", encoding="utf-8")
    return Installation(data, url, roster)


@pytest.fixture
def filled(empty: Installation) -> Installation:
    """An installation with a roster."""
    assert empty.load() == (0, "")
    assert len(empty.rows()["pupils"]) == 1
    return empty


def _other(key: Path) -> None:
    key.write_text("ab" * 32 + "\n")


def _open_to_the_group(key: Path) -> None:
    key.chmod(0o640)


def _not_hex(key: Path) -> None:
    key.write_text("zz" * 32 + "\n")


def _empty(key: Path) -> None:
    key.write_text("")


def _short(key: Path) -> None:
    key.write_text(key.read_text()[:40])


def _long(key: Path) -> None:
    key.write_text("ab" * 33 + "\n")


# What is done to the key file, and what stands in the sentence.
DAMAGES: dict[str, tuple[Callable[[Path], None], str]] = {
    "lost": (Path.unlink, "missing"),
    "other": (_other, "is not the key"),
    "empty": (_empty, "no key of 32 bytes"),
    "short": (_short, "no key of 32 bytes"),
    "long": (_long, "no key of 32 bytes"),
    "not hexadecimal": (_not_hex, "no key of 32 bytes"),
    "open to the group": (_open_to_the_group, "chmod 600"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_nothing_is_done_with_a_key_that_is_not_that_of_the_store(filled: Installation, damage: str) -> None:
    harm, words = DAMAGES[damage]
    good = filled.key.read_bytes()
    harm(filled.key)
    commands = [("load", "--roster", str(filled.roster))]
    if damage == "lost":
        commands += [("serve", "--port", "0"), ("serve", "--soap-only", "--port", "0"), ("sync",), ("worker",)]
        commands += [("deliveries",), ("db", "upgrade"), ("sender", "list")]
    for command in commands:
        reading = filled.refused(*command)
        assert words in reading
        assert str(filled.key) in reading
    filled.key.write_bytes(good)
    filled.key.chmod(0o600)
    assert filled.load() == (0, "")
    assert len(filled.rows()["pupils"]) == 1


def test_files_are_checked_without_a_key(filled: Installation) -> None:
    filled.key.unlink()
    file = filled.data.parent / "bericht.xml"
    file.write_bytes(message())
    assert filled.run("check", str(file))[0] == 0
    assert not filled.key.exists()


def test_no_database_is_made_beside_a_file_that_is_no_key(empty: Installation) -> None:
    empty.key.write_text("")
    empty.key.chmod(0o600)
    assert "no key of 32 bytes" in empty.run("sync")[1]
    assert not (empty.data / "rondblik.db").exists()
    assert empty.url.startswith("sqlite") or empty.rows() == {}


def test_a_start_that_is_killed_while_it_makes_the_key_leaves_none(empty: Installation) -> None:
    assert empty.load_killed(KILLED_BEFORE_RENAME) == -9
    assert not empty.key.exists()
    assert not empty.rows()
    assert empty.load() == (0, "")
    assert [name for name in empty.files() if name.startswith(KEY_FILE)] == [KEY_FILE]
    assert empty.key.stat().st_mode & 0o777 == 0o600


def test_a_start_that_is_killed_when_it_has_made_the_key_keeps_it(empty: Installation) -> None:
    assert empty.load_killed(KILLED_AFTER_RENAME) == -9
    made = empty.key.read_bytes()
    assert not empty.rows()
    assert empty.load() == (0, "")
    assert empty.key.read_bytes() == made


@pytest.mark.parametrize("_time", range(2))
def test_two_first_starts_at_once_make_one_key(empty: Installation, _time: int) -> None:
    programs = [empty.start("load", "--roster", str(empty.roster)) for _ in range(2)]
    reading = [program.communicate(timeout=60)[1] for program in programs]
    assert ([program.returncode for program in programs], reading) == ([0, 0], ["", ""])
    [row] = empty.rows()["key_fingerprints"]
    assert row.fingerprint == PiiCipher.from_secret(bytes.fromhex(empty.key.read_text())).fingerprint
    assert empty.load() == (0, "")
    assert len(empty.rows()["pupils"]) == 1


def test_a_store_of_before_takes_the_key_that_opens_it_and_no_other(filled: Installation) -> None:
    to_an_earlier_version(filled, "upgraded_to_0004")  # whose databases have no fingerprint of their key
    good = filled.key.read_bytes()
    _other(filled.key)
    assert "is not the key" in filled.refused("db", "upgrade")
    filled.key.unlink()
    assert "missing" in filled.refused("db", "upgrade")
    filled.key.write_bytes(good)
    filled.key.chmod(0o600)
    assert filled.run("db", "upgrade") == (0, "")
    assert filled.load() == (0, "")
    rows = filled.rows()
    assert (len(rows["key_fingerprints"]), len(rows["pupils"])) == (1, 1)
    _other(filled.key)
    assert "is not the key" in filled.refused("sync")


def test_a_database_of_a_later_version_is_left_alone(filled: Installation) -> None:
    filled.change("UPDATE alembic_version SET version_num = '9999'")
    assert "later version" in filled.refused("sync")


@pytest.mark.parametrize("secret", [b"", b"s" * 31, b"s" * 33])
def test_a_secret_has_32_bytes(secret: bytes) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        PiiCipher.from_secret(secret)
