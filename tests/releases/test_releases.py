"""A store that a released version made is upgraded by this one, and everything that was said of it is said again."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tarfile
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from models.schema import clock, database
from models.schema.database import SQLITE_FILE
from models.schema.encryption import KEY_FILE
from tests.dashboard import school
from tests.dashboard.installation import Installation
from tests.releases.keep import SAID, SQL, opened, pupils, said, version

pytestmark = [pytest.mark.long, pytest.mark.sqlite]
HERE = Path(__file__).parent
CHECKOUT = HERE.parents[1]
KEPT = sorted(folder.name for folder in HERE.glob("v*"))


def tags() -> list[str]:
    """The tags of released versions, the newest last; none where the checkout has no history."""
    found = subprocess.run(
        ["git", "tag", "--list", "v*", "--sort=v:refname"], cwd=CHECKOUT, capture_output=True, text=True, check=False
    )
    return found.stdout.split()


TAGS = tags() if "RONDBLIK_TAGS" in os.environ else []  # by `make releases`: each costs ten seconds


def restored(kept: Path, data: Path) -> Installation:
    """A data folder with the store that a version made."""
    data.mkdir(mode=0o700)
    shutil.copy2(kept / KEY_FILE, data / KEY_FILE)
    (data / KEY_FILE).chmod(0o600)
    with closing(sqlite3.connect(data / SQLITE_FILE)) as connection:
        connection.executescript(gzip.decompress((kept / SQL).read_bytes()).decode())
    return opened(data)


def revision(installation: Installation) -> str:
    """The revision of the tables of a store."""
    ((found,),) = installation.rows()["alembic_version"]
    return str(found)


def missing(then: Any, now: Any, where: str = "") -> list[str]:
    """Where what was said is not said any more; what is said besides does not matter."""
    if isinstance(then, dict) and isinstance(now, dict):
        return [line for key in then for line in missing(then[key], now.get(key), f"{where}.{key}")]
    if isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        return [line for number, item in enumerate(then) for line in missing(item, now[number], f"{where}.{number}")]
    return [] if then == now else [f"{where}: {then!r} has become {now!r}"]


def upgraded(kept: Path, data: Path) -> Installation:
    """A kept store that was upgraded as an operator does."""
    installation = restored(kept, data)
    with clock.fixed(school.NOW):
        assert installation.run("db", "upgrade") == (0, "")
    assert revision(installation) == database.newest_revision()
    return installation


def check(kept: Path, data: Path) -> None:
    """Whether a kept store says the same after an upgrade."""
    compare(kept, upgraded(kept, data))


def compare(kept: Path, installation: Installation) -> None:
    """Whether everything that the version said is still said."""
    then, now = said_by(kept), said(installation)
    assert missing(then["pupils"], now["pupils"]) == []
    assert sum(len(pupil["results"]) for pupil in then["pupils"]) > 50
    assert [row[0] for row in now["class"]] == [row[0] for row in then["class"]]
    for before, after in zip(then["class"], now["class"], strict=True):
        assert not Counter(before) - Counter(after), before[0]


def said_by(kept: Path) -> dict[str, Any]:
    """What a version said."""
    found: dict[str, Any] = json.loads(gzip.decompress((kept / SAID).read_bytes()))
    return found


@pytest.mark.parametrize("name", KEPT)
def test_the_store_of_a_released_version_says_the_same_after_an_upgrade(name: str, tmp_path: Path) -> None:
    check(HERE / name, tmp_path / "data")


@pytest.mark.parametrize("tag", TAGS)
def test_a_store_that_a_tagged_program_makes_says_the_same_after_an_upgrade(tag: str, tmp_path: Path) -> None:
    program, kept = tmp_path / "program", tmp_path / "kept"
    archive = subprocess.run(["git", "archive", tag], cwd=CHECKOUT, stdout=subprocess.PIPE, check=True)
    (tmp_path / "program.tar").write_bytes(archive.stdout)
    with tarfile.open(tmp_path / "program.tar") as tar:
        tar.extractall(program, filter="data")
    subprocess.run(
        [sys.executable, "-m", "tests.releases.keep", str(kept)],
        cwd=program, env={**os.environ, "PYTHONPATH": str(program)}, check=True, timeout=120,
    )  # fmt: skip
    check(kept, tmp_path / "data")
    assert tag in KEPT, f"{tag} was not kept before it was tagged: see CONTRIBUTING.md, Make a release"
    assert revision(restored(HERE / tag, tmp_path / "then")) == revision(restored(kept, tmp_path / "now"))


def test_of_this_version_a_store_is_kept() -> None:
    assert f"v{version()}" in KEPT, "see CONTRIBUTING.md, Make a release"


def test_what_an_upgrade_would_lose_is_found(tmp_path: Path) -> None:
    installation = upgraded(HERE / KEPT[0], tmp_path / "data")
    installation.change("DELETE FROM notes", "UPDATE results SET score = 1 WHERE score = 0")
    lost = missing(said_by(HERE / KEPT[0])["pupils"], pupils(installation))
    assert any(".notes: " in line for line in lost)
    assert any(".score: 0.0 has become 0.0001" in line for line in lost)
