"""A data folder with its database, on which commands are run as an operator does."""

from __future__ import annotations

import io
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import NullPool, column, create_engine, insert, inspect, select, table, text

from dashboard.cli import main as cli
from models.schema.disk_space import RESERVE_FILE
from models.schema.encryption import KEY_FILE
from models.schema.tables import metadata
from tests.models.earlier import EARLIER, make

START = "from dashboard.cli.start import main; main()"


@dataclass
class Installation:
    """A data folder, and a database in it or on PostgreSQL."""

    data: Path
    url: str
    roster: Path

    @property
    def key(self) -> Path:
        return self.data / KEY_FILE

    def start(self, *command: str, before: str = "") -> subprocess.Popen[str]:
        """Start `rondblik` on this data folder."""
        arguments = [sys.executable, "-c", f"{before}\n{START}", "--data", str(self.data), *command]
        pipe = subprocess.PIPE
        return subprocess.Popen(arguments, stdout=pipe, stderr=pipe, text=True, cwd=self.data.parent)

    def run(self, *command: str) -> tuple[int, str]:
        """Exit code and standard error of a command that ends by itself, in this process."""
        code, _out, errors = self.outcome(*command)
        return code, errors

    def outcome(self, *command: str) -> tuple[int, str, str]:
        """Exit code, standard output and standard error of such a command."""
        out, errors = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(errors):
            code = cli.run(["--data", str(self.data), *command])
        return code, out.getvalue(), errors.getvalue()

    def load(self) -> tuple[int, str]:
        return self.run("load", "--roster", str(self.roster))

    def load_killed(self, before: str) -> int:
        """The exit code of a `load` of its own process, in which `before` was done first."""
        program = self.start("load", "--roster", str(self.roster), before=before)
        program.communicate(timeout=60)
        return program.returncode

    def refused(self, *command: str) -> str:
        """The one sentence with which a command refuses to do anything; nothing has changed."""
        files, rows = self.files(), self.rows()
        code, reading = self.run(*command)
        assert (code, len(reading.splitlines())) == (2, 1), reading
        assert "Traceback" not in reading
        assert (self.files(), self.rows()) == (files, rows)
        return reading

    def files(self) -> dict[str, bytes]:
        """What stands in the data folder beside the database."""
        files = [path for path in self.data.rglob("*") if path.is_file() and not path.name.startswith(RESERVE_FILE)]
        return {path.name: path.read_bytes() for path in files if not path.name.startswith("rondblik.db")}

    def rows(self) -> dict[str, list[Any]]:
        """All that is in the database."""
        with create_engine(self.url, poolclass=NullPool).connect() as connection:
            names = inspect(connection).get_table_names()
            return {name: list(connection.exec_driver_sql(f"SELECT * FROM {name}")) for name in names}

    def change(self, *statements: str) -> None:
        """Change the database behind the program's back."""
        engine = create_engine(self.url, poolclass=NullPool)
        with engine.begin() as connection:
            for statement in statements:
                connection.execute(text(statement))


def configured(data: Path, url: str) -> Installation:
    """An installation with a configuration that names its database."""
    (data / "config.yaml").write_text(f"data: .\nschools: []\ndatabase: {{url: '{url}'}}\n", encoding="utf-8")
    return Installation(data, url, data)


def to_an_earlier_version(installation: Installation, name: str = EARLIER[-1]) -> None:
    """Make the database as an earlier program has it, by default the one before this, with the rows that it knows."""
    engine = create_engine(installation.url, poolclass=NullPool)
    with engine.begin() as connection:
        rows = {one.name: connection.execute(select(one)).mappings().all() for one in metadata.sorted_tables}
        metadata.drop_all(connection)
        connection.execute(text("DROP TABLE alembic_version"))
    make(engine, name)
    with engine.begin() as connection:
        columns = inspect(connection).get_multi_columns()
        for one in metadata.sorted_tables:
            names = {item["name"] for item in columns.get((None, one.name), ())} & {item.name for item in one.columns}
            into = table(one.name, *(column(item, one.columns[item].type) for item in sorted(names)))
            if rows[one.name] and names:
                connection.execute(insert(into), [{item: row[item] for item in names} for row in rows[one.name]])
