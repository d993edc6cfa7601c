"""What must be right about an installation: one list of checks, for `rondblik doctor` and before `serve` and `worker`.

A check that fails means that a promise could not be kept, such as that nothing confirmed is lost: nothing starts then.
"""

from __future__ import annotations

import logging
import stat
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from sqlalchemy import Engine, text

from dashboard.settings.errors import CannotStart
from dashboard.settings.schema import Settings
from models.ingest import own_clock
from models.schema import clock, row_security
from models.schema.backup.sqlite import WORK_FOLDER
from models.schema.database import (
    LATER_VERSION,
    DatabaseOlder,
    NodeState,
    SchemaState,
    read_transaction,
    schema_state,
    stands_on_nodes,
)
from models.schema.disk_space import disk_spaces
from models.schema.encryption import KEY_FILE, KeyRefused, read_key
from models.schema.store_key import existing_cipher

UPGRADE_BACKUPS = "backups"  # in the data folder
OLD_BACKUP_DAYS = 30

_log = logging.getLogger("rondblik.check")


class State(StrEnum):
    """Whether something is right."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What a check says; `remedy` is what to do, where that is not in the sentence."""

    check: str
    state: State
    sentence: str
    remedy: str = ""


class SelfCheckFailed(CannotStart):
    """Something is wrong with the installation with which the program must not start."""


@dataclass(frozen=True, slots=True)
class Installation:
    """What is checked; `engine` is None where there is no database yet, or it does not answer."""

    settings: Settings
    engine: Engine | None

    @property
    def schema_state(self) -> SchemaState:
        """Of which version of the program the tables are."""
        if self.engine is None:
            return SchemaState.EMPTY
        with read_transaction(self.engine) as connection:
            return schema_state(connection)


Verdict = tuple[State, str, str]


def ok(sentence: str) -> Verdict:
    """Nothing to do."""
    return State.OK, sentence, ""


def _data_folder(installation: Installation) -> Iterator[Verdict]:
    folder = installation.settings.data
    if not folder.exists():
        yield ok(f"{folder} is not there yet; the first start makes it.")
    elif stat.S_IMODE(folder.stat().st_mode) & 0o077:
        yield State.WARN, f"{folder} is open to others than its owner.", f"chmod 700 {folder}"
    else:
        yield ok(f"{folder} is for its owner only.")


def _key(installation: Installation) -> Iterator[Verdict]:
    folder = installation.settings.data
    path = folder / KEY_FILE
    try:
        if installation.engine is not None and installation.schema_state is not SchemaState.EMPTY:
            with read_transaction(installation.engine) as connection:
                existing_cipher(connection, folder)
            yield ok(f"{path} belongs to this database. Keep a copy of it apart from backups.")
        elif read_key(folder) is not None:
            yield ok(f"{path} is a key.")
        else:
            yield ok("There is no key yet; the first start makes it together with the database.")
    except KeyRefused as refused:
        yield State.FAIL, str(refused), ""
    except OSError as failed:
        yield State.FAIL, f"{path}: {failed.strerror}.", "Let the user who runs Rondblik read it."


def _version(installation: Installation) -> Iterator[Verdict]:
    sentences = {
        SchemaState.EMPTY: ok("There are no tables yet; the first start makes them."),
        SchemaState.CURRENT: ok("The tables are of this version of the program."),
        SchemaState.EARLIER: (State.FAIL, str(DatabaseOlder()), ""),
        SchemaState.LATER: (State.FAIL, LATER_VERSION, ""),
    }
    yield sentences[installation.schema_state]


_PRAGMAS = {"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "secure_delete": "1"}
_SETTINGS = text(
    "SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit')"
)


def _durability(installation: Installation) -> Iterator[Verdict]:
    """Whether the database works as promised, as it says itself."""
    if installation.engine is None:
        return
    with read_transaction(installation.engine) as connection:
        if connection.dialect.name == "sqlite":
            found = {name: str(connection.exec_driver_sql(f"PRAGMA {name}").scalar()) for name in _PRAGMAS}
            wrong = [name for name, value in _PRAGMAS.items() if found[name] != value]
        else:
            found = {row.name: row.setting for row in connection.execute(_SETTINGS)}
            wrong = [name for name, value in found.items() if value == "off"]
    values = ", ".join(f"{name} = {value}" for name, value in found.items())
    if wrong:
        remedy = "Put the database on a local disk; in PostgreSQL set these to on in postgresql.conf."
        yield State.FAIL, f"A power cut could lose confirmed results: {', '.join(wrong)} ({values}).", remedy
    else:
        yield ok(f"What is confirmed survives a power cut ({values}).")


def _nodes(installation: Installation) -> Iterator[Verdict]:
    """Whether each node answers, keeps what is confirmed, and is of this store and version."""
    for node in _states_of_nodes(installation):
        if node.is_away:
            remedy = "Start it; until then nothing of its schools can be read or taken in."
            yield State.WARN, f"Node {node.name}: {node.problem}.", remedy
        elif node.problem is not None:
            yield State.FAIL, f"Node {node.name}: {node.problem}.", "See docs/operations.md, several servers."
        else:
            yield ok(f"Node {node.name} is in order.")


def _states_of_nodes(installation: Installation) -> list[NodeState]:
    if installation.engine is None or installation.schema_state is not SchemaState.CURRENT:
        return []
    with read_transaction(installation.engine) as connection:
        if not stands_on_nodes(connection):
            return []
    from models.schema import nodes  # with the driver of PostgreSQL, which most stores have no need of

    return list(nodes.states_of(installation.engine))


def _row_security(installation: Installation) -> Iterator[Verdict]:
    """Whether PostgreSQL keeps the schools apart, whatever a query asks for."""
    if installation.engine is None or installation.schema_state is not SchemaState.CURRENT:
        return
    if installation.engine.dialect.name == "sqlite":
        return
    with read_transaction(installation.engine) as connection:
        problems = list(row_security.problems(connection))
    for sentence in problems:
        yield State.WARN, sentence, "Let a role of its own serve, and protect the tables: `rondblik db protect`."
    if not problems:
        yield ok("Row-level security keeps the schools apart, and the role that serves cannot switch it off.")


def _disk(installation: Installation) -> Iterator[Verdict]:
    folder = installation.settings.data
    for space in disk_spaces(folder if folder.exists() else Path.cwd()):
        sentence = f"{space.percentage} % of the disk of {space.folder} is free ({space.free / 1e9:.1f} GB)."
        if space.is_low:
            yield State.WARN, sentence, "Make room: when it is full, no message can be taken in."
        else:
            yield ok(sentence)


def _clock(installation: Installation) -> Iterator[Verdict]:
    if installation.engine is None or installation.schema_state is not SchemaState.CURRENT:
        return
    if any(node.is_away for node in _states_of_nodes(installation)):
        yield State.WARN, "The clock cannot be compared with what was recorded while a node is away.", ""
        return
    newest_us = own_clock.newest_moment_us(installation.engine)
    here = clock.now().isoformat(timespec="seconds")
    if newest_us > clock.now_us() + own_clock.TOLERANCE_US:
        newest = clock.from_us(newest_us).isoformat(timespec="seconds")
        remedy = "Set the clock right (timedatectl); until then messages are put off."
        yield State.WARN, f"The clock of this machine says {here}, but the database has recorded {newest}.", remedy
    else:
        yield ok(f"The clock says {here}, which is not before anything that was recorded.")


def _left_behind(installation: Installation) -> Iterator[Verdict]:
    left = [path.name for path in installation.settings.data.glob(f"{WORK_FOLDER}*")]
    if left:
        sentence = f"There are copies of the database in {installation.settings.data}: {', '.join(sorted(left))}."
        yield State.WARN, sentence, "Unless a backup or restore runs now, one was killed: the next one removes them."


def _upgrade_backups(installation: Installation) -> Iterator[Verdict]:
    before = time.time() - OLD_BACKUP_DAYS * 24 * 3600
    folder = installation.settings.data / UPGRADE_BACKUPS
    old = [path.name for path in folder.glob("*") if path.stat().st_mtime < before]
    if old:
        yield (
            State.WARN,
            f"{folder} has backups from before upgrades of over {OLD_BACKUP_DAYS} days ago: {', '.join(sorted(old))}.",
            "Delete them: what was erased from the database since stands in them.",
        )


# The checks by name, in the order in which they are shown.
CHECKS: tuple[tuple[str, Callable[[Installation], Iterable[Verdict]]], ...] = (
    ("data folder", _data_folder),
    ("key", _key),
    ("version", _version),
    ("durability", _durability),
    ("nodes", _nodes),
    ("row security", _row_security),
    ("disk", _disk),
    ("clock", _clock),
    ("old backups", _upgrade_backups),
    ("left behind", _left_behind),
)


def check_all(installation: Installation) -> Iterator[CheckResult]:
    """Do every check; raises SQLAlchemyError where the database goes away meanwhile."""
    for name, check in CHECKS:
        for state, sentence, remedy in check(installation):
            yield CheckResult(name, state, sentence, remedy)


def check_before_start(installation: Installation) -> None:
    """Do every check before anything is served; what is not right but no reason to stop goes to the log.

    Raises SelfCheckFailed.
    """
    for result in check_all(installation):
        sentence = f"{result.sentence} {result.remedy}".strip()
        if result.state is State.FAIL:
            raise SelfCheckFailed(sentence)
        if result.state is State.WARN:
            _log.warning("%s", sentence)
