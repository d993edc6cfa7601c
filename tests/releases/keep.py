"""Keep a small store as this version makes it, and what this version says of it.

    python -m tests.releases.keep

The folder of the version beside this file, or another, gets the database as SQL, the key that encrypts it (of made-up
pupils), and what the commands and the web server say: everything about each pupil, and the values of the class. Every
later version must say the same after an upgrade (test_releases.py). Run it once, on the commit that is tagged.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import re
import shutil
import sqlite3
import tempfile
import tomllib
from contextlib import closing
from pathlib import Path
from typing import Any

from models.schema import clock
from models.schema.database import SQLITE_FILE, open_engine, sqlite_url
from models.schema.encryption import KEY_FILE
from models.schema.store_key import open_encrypted
from tests.conftest import Store
from tests.dashboard import school
from tests.dashboard.installation import Installation, configured
from tests.dashboard.test_two_processes import FILE, Browser, Processes
from tests.models.filled import fill

SQL, SAID = "store.sql.gz", "said.json.gz"
SCHOOL = "99XX"


def make(data: Path) -> None:
    """A data folder with something in every table that keeps data of schools."""
    data.mkdir(mode=0o700, parents=True)
    engine = open_engine(sqlite_url(data))
    with clock.fixed(school.NOW):
        fill(Store(engine, open_encrypted(engine, data)))
    engine.dispose()


def said(installation: Installation) -> dict[str, Any]:
    """What the program says of the school: everything about each pupil, and the values of the class."""
    return {"pupils": pupils(installation), "class": _class(installation)}


def pupils(installation: Installation) -> list[Any]:
    """What is given to each pupil who asks for everything."""
    own = (row.id for row in installation.rows()["pupils"] if row.school_id == school.SCHOOL)
    return [_pupil(installation, number) for number in sorted(own)]


def opened(data: Path) -> Installation:
    """The installation in a data folder."""
    return configured(data, sqlite_url(data))


def _pupil(installation: Installation, number: int) -> Any:
    """What is given to a pupil who asks for everything."""
    with tempfile.TemporaryDirectory() as folder, clock.fixed(school.NOW):
        command = ("person", "export", "--school", SCHOOL, "--pupil", str(number), "--to", folder)
        code, errors = installation.run(*command)
        assert code == 0, errors
        (file,) = Path(folder).glob("*.json")
        return json.loads(file.read_text("utf-8"))


def _class(installation: Installation) -> list[list[str]]:
    """The values that the CSV file of the class page has of each pupil: name, scores, days; words are left out."""
    processes = Processes(installation.data, installation.url)
    try:
        port, path = processes.start()
        browser = Browser([port])
        browser.ask("GET", path)
        browser.become(f"support-{school.SCHOOL}", 1)
        match = FILE.search(browser.page())
        assert match is not None
        answer = browser.ask("GET", match[0].replace("\\u0026", "&").replace("&amp;", "&"))
    finally:
        for port in list(processes.running):
            processes.stop(port)
    assert answer.status_code == 200
    rows = csv.reader(answer.content.decode("utf-8-sig").splitlines(), delimiter=";")
    names = {" ".join(filter(None, name)) for name in school.NAMES}
    return [
        [row[1], *sorted(cell for cell in row[2:] if re.search(r"\d", cell))]
        for row in rows
        if len(row) > 1 and row[1] in names
    ]


def _write(file: Path, content: str) -> None:
    file.write_bytes(gzip.compress(content.encode(), mtime=0))


def version() -> str:
    """The version of the program, of which this is a checkout."""
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))
    return str(project["project"]["version"])


def main() -> None:
    """Keep this version in the folder of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=Path(__file__).parent / f"v{version()}")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as temporary:
        data = Path(temporary) / "data"
        make(data)
        with closing(sqlite3.connect(data / SQLITE_FILE)) as connection:
            _write(folder / SQL, "\n".join(connection.iterdump()))
        shutil.copy2(data / KEY_FILE, folder / KEY_FILE)
        what = said(opened(data))
    _write(folder / SAID, json.dumps(what, ensure_ascii=False))


if __name__ == "__main__":
    main()
