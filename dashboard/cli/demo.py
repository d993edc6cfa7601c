"""The demo: two made-up schools, a simulated LAS and simulated publishers, and the real program around them.

It differs from `serve` only at the edges: the sources are on loopback, and one chooses which demo user to be.
Pulling, storing and showing go through the same code.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Connection, Engine, func, select

from connectors.simulator import answers, requests, server
from connectors.simulator.school import BAKEN, HORIZON
from dashboard.auth.request import AppOptions
from dashboard.auth.sessions import DemoUser
from dashboard.auth.start_codes import start_path
from dashboard.cli import progress_bars
from dashboard.server.serving import PortTaken, serve, stopping
from dashboard.server.wsgi import create_app
from dashboard.settings import applying, loading
from dashboard.settings.applying import ConfiguredConnection
from dashboard.settings.errors import ConfigError
from dashboard.settings.logs import TextFormatter
from dashboard.settings.open_store import open_database
from dashboard.settings.schema import Database, Settings
from dashboard.worker import loop
from dashboard.worker.context import WorkContext, make_context
from models.access.accounts import show_own_page
from models.access.people import pupil_names
from models.access.viewer import Role, Viewer
from models.ingest import schools, work_queue
from models.results import own_subjects
from models.results.subject_mapping import CODE, map_subject
from models.schema.database import read_transaction, write_transaction
from models.schema.encryption import PiiCipher
from models.schema.records import SchoolRef
from models.schema.tables import pupils, sources, subject_mappings, teachers

HOST = "127.0.0.1"
FIRST_PULL_SECONDS = 30.0
MAX_QUESTIONS = 4
MARK = "# Made by `rondblik demo`"
FOLDER_MARK = "# So is this folder."
LOG = "rondblik.log"


@dataclass(frozen=True, slots=True)
class _Role:
    key: str
    owner: SchoolRef
    role: Role
    teacher: str


SUBJECT_TEACHER = "952"  # of whom the pupil list says VAK, and no subject

# The first is who looks when the start page is opened.
_ROLES = (
    _Role("leraar-5a", HORIZON, Role.TEACHER, "901"),
    _Role("leraar-6-7", HORIZON, Role.TEACHER, "902"),
    _Role("intern-begeleider", HORIZON, Role.SUPPORT, "913"),
    _Role("mentor-4h1", BAKEN, Role.MENTOR, "951"),
    _Role("vakleraar", BAKEN, Role.TEACHER, SUBJECT_TEACHER),
    _Role("beheerder", HORIZON, Role.ADMINISTRATOR, "914"),
    _Role("beheerder-baken", BAKEN, Role.ADMINISTRATOR, "954"),
)

LEADER = ("schoolleider", "Marjan Bakker")  # whom the pupil list does not name
BOARD = ("bestuur", "Eva Willems")
VENDOR = DemoUser("leverancier", "Leverancier", Role.VENDOR, None, 0)  # of no school

# What the administrators assigned before: the question-level sender names no vakgebied. Two are left to assign.
_SUBJECTS = (
    (HORIZON, "toetsplein-po", "*|AK|5A|*", "geography"),
    (HORIZON, "toetsplein-po", "*|AK|4|*", "geography"),
    (BAKEN, "toetsplein", "*|NE|*", "language"),
    (BAKEN, "toetsplein", "*|EN|*", "english"),
    (BAKEN, "toetsplein", "*|NA|*", "physics"),
    (BAKEN, "toetsplein", "*|SK|*", "chemistry"),
    (BAKEN, "toetsplein", "*|WI|*", "mathematics"),
)


def run(data: Path, port: int) -> int:
    """Run the demo on `data` until it is interrupted; gives the exit code 0.

    Raises PortTaken, ConfigError, KeyRefused, DecryptionFailed or OSError where it cannot start.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell in the background may have it ignored
    _check_free(port)
    _print_both("Een verzonnen school met nagebootste bronnen.", "A made-up school with simulated sources.")
    made = _make_private(data)
    try:
        ports_before = _ports_of_last_time(data)
        with _logging_to(data / LOG), stopping(), server.running(ports_before, data / "inbox") as ports:
            _run(data, port, ports, made)
    except (KeyboardInterrupt, SystemExit):
        pass  # asked to stop before the dashboard was there
    _print_both("Gestopt.", "Stopped.")
    return 0


def _make_private(data: Path) -> bool:
    """Make the data folder, for its owner only; whether the demo made it, now or at an earlier start.

    A folder that somebody else made keeps its mode: what is private in it has a mode of its own.
    """
    config = data / loading.DEFAULT_FILE
    made = not data.exists() or (config.is_file() and FOLDER_MARK in config.read_text("utf-8", "replace").splitlines())
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    if made:
        data.chmod(0o700)
    return made


def _private_file(path: Path) -> None:
    """Make a file for its owner only, also where it is there already."""
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    path.chmod(0o600)


@contextmanager
def _logging_to(path: Path) -> Iterator[None]:
    """What is logged goes to a file while the demo runs: on the screen stand the sentences for people."""
    _private_file(path)
    root = logging.getLogger()
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(TextFormatter())
    before, root.handlers = root.handlers, [handler]
    try:
        yield
    finally:
        root.handlers = before
        handler.close()


def _check_free(port: int) -> None:
    """Whether the port can be had, before anything is fetched; raises PortTaken."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
        except OSError:
            raise PortTaken(
                f"Poort {port} is in gebruik door een ander programma; kies een andere, zoals make demo PORT=8051. / "
                f"Port {port} is in use by another program; choose another, such as make demo PORT=8051."
            ) from None


def _run(data: Path, port: int, ports: dict[str, int], made: bool) -> None:
    """Pull, then serve until somebody interrupts: the port opens when there is something to show."""
    settings = _configure(data, ports, made)
    with open_database(settings, before_upgrade=lambda _store: None) as store:  # nothing in it is worth a backup
        engine, cipher = store.engine, store.cipher
        connection_configs = applying.apply(settings, engine)
        context = make_context(settings, engine, cipher, connection_configs)
        _pull_all(context, connection_configs)
        _set_up_schools(engine, cipher)
        app = create_app(engine, cipher, AppOptions(demo=True, users=demo_users(engine, cipher)))
        serve(app, HOST, port, context, lambda bound: _announce(bound, start_path(app)))


def _announce(port: int, path: str) -> None:
    _print_both(
        "Rondblik staat klaar; stoppen met Ctrl-C. Open dit adres (het werkt één keer):",
        "Rondblik is ready; stop with Ctrl-C. Open this address (it works once):",
    )
    print(f"http://{HOST}:{port}{path}", flush=True)


def _print_both(nl: str, en: str) -> None:
    print(f"{nl} / {en}", flush=True)


# -- configuration ---------------------------------------------------------------------------------------------

_CONFIG = """\
{mark}, anew at every start: the ports may be others than last time. Nothing in it is real.
{folder_mark}
data: .

schools:
  - name: De Horizon
    identifications: [{{brin: 99XX, dependance: "00"}}]
    las:
      id: las-horizon
      name: LAS van De Horizon
      address: http://127.0.0.1:{las}/
      profile: edexml
      authorisation: {{key: {las_horizon}, customer_code: {code}, customer_name: {name}}}
  - name: Het Baken
    identifications: [{{brin: 99YY, dependance: "00"}}]
    las:
      id: las-baken
      name: LAS van Het Baken
      address: http://127.0.0.1:{las}/
      profile: narrow
      staged: true
      authorisation: {{key: {las_baken}, customer_code: {code}, customer_name: {name}}}

publishers:
  - id: rekenwijs
    name: Rekenwijs
    school: De Horizon
    kind: soap
    address: http://127.0.0.1:{rekenwijs}/
    authorisation: {{key: {key_rekenwijs}, customer_code: {code}, customer_name: {name}}}
    every: 15
  - id: spelsprong
    name: Spelsprong
    school: De Horizon
    kind: soap
    address: http://127.0.0.1:{spelsprong}/
    authorisation: {{key: {key_spelsprong}, customer_code: {code}, customer_name: {name}}}
    every: 15
  - id: toetsvolg
    name: Toetsvolg
    school: De Horizon
    kind: https
    address: http://127.0.0.1:{toetsvolg}{archive}
    headers: {{Authorization: Bearer {token}}}
    every: 60
  - id: leeslijn
    name: Leeslijn
    school: De Horizon
    kind: soap
    address: http://127.0.0.1:{leeslijn}/
    authorisation: {{key: {key_leeslijn}, customer_code: {code}, customer_name: {name}}}
    every: 15
  - id: toetsplein-po
    name: Toetsplein po
    material: Toetsplein
    school: De Horizon
    kind: folder
    path: inbox/99XX
    policy: tolerant
    every: 5
  - id: toetsplein
    name: Toetsplein
    material: Toetsplein
    school: Het Baken
    kind: folder
    path: inbox/99YY
    policy: tolerant
    every: 5
"""


def _configure(data: Path, ports: dict[str, int], made: bool = False) -> Settings:
    """Write config.yaml into the data folder, for its owner only (it holds keys), and read it as any other."""
    text = _CONFIG.format(
        mark=MARK,
        folder_mark=FOLDER_MARK if made else "#",
        code=requests.CUSTOMER_CODE,
        name=requests.CUSTOMER_NAME,
        las_horizon=requests.key_for(server.LAS, HORIZON),
        las_baken=requests.key_for(server.LAS, BAKEN),
        archive=answers.ARCHIVE_PATH,
        token=answers.ARCHIVE_TOKEN,
        **ports,
        **{f"key_{name}": requests.key_for(name, HORIZON) for name in server.SERVED},
    )
    path = data / loading.DEFAULT_FILE
    _private_file(path)
    path.write_text(text, encoding="utf-8")
    settings = loading.load(path, data)
    # Whatever database the environment names is somebody's real one.
    return settings.model_copy(update={"database": Database()})


def _ports_of_last_time(data: Path) -> dict[str, int]:
    """The ports in the configuration that an earlier start wrote; raises ConfigError where it is not one of ours."""
    path = data / loading.DEFAULT_FILE
    if not path.exists():
        return {}
    if not path.read_bytes().startswith(MARK.encode()):
        raise ConfigError(
            f"{path} is niet van de demo; kies met --data een andere map.",
            f"{path} is not of the demo; choose another folder with --data.",
        )
    try:
        settings = loading.load(path, data)
    except ConfigError:  # of an earlier version of this program; it is written anew
        return {}
    addresses = {publisher.id: publisher.address for publisher in settings.publishers}
    addresses[server.LAS] = next((school.las.address for school in settings.schools if school.las is not None), None)
    return {name: urlsplit(address).port or 0 for name, address in addresses.items() if address is not None}


# -- first pull ------------------------------------------------------------------------------------------------


def _pull_all(context: WorkContext, connection_configs: list[ConfiguredConnection]) -> None:
    """Ask every source once or more, rosters first; what takes too long is left to the worker."""
    ends = time.monotonic() + FIRST_PULL_SECONDS
    anything = False
    with progress_bars.steps("Ophalen / Fetching", len(connection_configs)) as advance:
        for connection_config in sorted(
            connection_configs, key=lambda connection_config: connection_config.row.role != "las"
        ):
            if time.monotonic() < ends:
                reading = _pull_one(context, connection_config)
                anything = anything or reading
            advance(connection_config.source.name)
    if not anything:
        _print_both("  Niets nieuws sinds de vorige keer.", "Nothing new since the last time.")


def _pull_one(context: WorkContext, connection_config: ConfiguredConnection) -> bool:
    """Ask until nothing new comes, and say what came; whether there was anything to say.

    A publisher sends one school year in an answer, and first what it had some time ago.
    """
    got, failed = 0, False
    pupils_before = _pupil_count(context.engine, connection_config.row.school_id)
    for _ in range(1 if connection_config.row.role == "las" else MAX_QUESTIONS):
        job = work_queue.claim_poll(context.engine, connection_config.row.school_id, connection_config.row.source_id)
        if job is None:
            break
        outcome = loop.do(context, job)
        new = sum(outcome.counts.get(name, 0) for name in ("new", "changed"))
        got, failed = got + new, outcome.failure is not None
        if not new:
            break
    nl, en = f"{got} resultaten", f"{got} results"
    if connection_config.row.role == "las":
        got = _pupil_count(context.engine, connection_config.row.school_id) - pupils_before
        nl, en = (f"{got} leerlingen", f"{got} pupils") if got != 1 else ("1 leerling", "1 pupil")
    parts = [(nl, en)] if got else []
    parts += [("antwoordt nu niet", "does not answer now")] if failed else []
    if parts:
        _print_both(
            f"  {connection_config.source.name}: {', '.join(nl for nl, _ in parts)}", ", ".join(en for _, en in parts)
        )
    return bool(parts)


def _pupil_count(engine: Engine, school_id: int) -> int:
    with read_transaction(engine) as connection:
        return int(
            connection.scalar(select(func.count()).select_from(pupils).where(pupils.c.school_id == school_id)) or 0
        )


def _set_up_schools(engine: Engine, cipher: PiiCipher) -> None:
    """On the first start, what the administrators of the two schools assigned and switched on."""
    with write_transaction(engine) as connection:
        if connection.scalar(select(func.count()).select_from(subject_mappings)):
            return
        for owner, source, pattern, subject in _SUBJECTS:
            school_id = schools.find_school(connection, owner)
            source_id = connection.scalar(select(sources.c.id).where(sources.c.key == source))
            assert school_id is not None
            assert source_id is not None
            viewer = Viewer(school_id, Role.ADMINISTRATOR, name="demo")
            map_subject(connection, viewer, source_id, CODE, pattern, subject)
        school_id = schools.find_school(connection, BAKEN)
        assert school_id is not None
        teacher = _teacher(connection, cipher, school_id, SUBJECT_TEACHER)
        for subject in ("physics", "mathematics") if teacher is not None else ():
            own_subjects.set_subject(
                connection, Viewer(school_id, Role.ADMINISTRATOR, name="demo"), teacher.id, subject
            )
        school_id = schools.find_school(connection, HORIZON)
        assert school_id is not None
        show_own_page(connection, Viewer(school_id, Role.ADMINISTRATOR, name="demo"), True)


# -- who looks ------------------------------------------------------------------------------------------------


def demo_users(engine: Engine, cipher: PiiCipher) -> list[DemoUser]:
    """Those as whom the demo can be looked at, found back in the rosters by their LAS key; a vendor last."""
    users = []
    with read_transaction(engine) as connection:
        for role in _ROLES:
            school_id = schools.find_school(connection, role.owner)
            assert school_id is not None
            teacher = _teacher(connection, cipher, school_id, role.teacher)
            if teacher is not None:
                name = " ".join(part for part in (teacher.first_name, teacher.prefix, teacher.last_name) if part)
                users.append(DemoUser(role.key, name, role.role, teacher.id, school_id))
        school_id = schools.find_school(connection, HORIZON)
        assert school_id is not None
        users += [DemoUser(*LEADER, Role.LEADER, None, school_id), DemoUser(*BOARD, Role.BOARD, None, school_id)]
        users += _pupil_and_parent(connection, school_id)
    return [*users, VENDOR]


def _teacher(connection: Connection, cipher: PiiCipher, school_id: int, key: str) -> Any:
    """The row of a teacher of the rosters, by LAS key; None where there is none."""
    own = (teachers.c.school_id == school_id, teachers.c.key_digest == cipher.rotating_digest("teacher", key))
    return connection.execute(select(teachers).where(*own)).one_or_none()


def _pupil_and_parent(connection: Connection, school_id: int) -> list[DemoUser]:
    """A pupil of the school, and a parent."""
    school = Viewer(school_id, Role.SUPPORT)
    return [
        DemoUser(key, name, role, None, school_id, pupil_id=pupil.id)
        for pupil in pupil_names(connection, school)[:1]
        for key, name, role in (
            ("leerling", pupil.name or "Leerling", Role.PUPIL),
            ("ouder", f"Ouder van {pupil.first_name}", Role.PARENT),
        )
    ]
