"""What many tests need: a store on SQLite or PostgreSQL, and the reference papers where they are present."""

from __future__ import annotations

import gc
import logging
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Dialect, Engine, NullPool, create_engine, make_url, text
from sqlalchemy.util import LRUCache
from werkzeug.routing import Rule

from models.schema import database, nodes
from models.schema.encryption import PiiCipher
from models.schema.store_key import open_encrypted
from tests import private_data

if TYPE_CHECKING:
    from playwright.sync_api import Browser

SHARED = Path(__file__).resolve().parents[2] / "shared"
ON_NODES = "RONDBLIK_NODES" in os.environ
NODES = int(os.environ.get("RONDBLIK_NODES", "3"))
_COMPILED: dict[str, tuple[Dialect, LRUCache[Any, Any]]] = {}  # by the name of a database
GIVEN_SERVER = os.environ.get("RONDBLIK_POSTGRES", "")
LONGEST = "tests/project/test_readme.py"  # it installs the program


def pytest_configure() -> None:
    """Watch what is logged for keys and personal data, at the level at which the program logs."""
    _compile_addresses_once()
    for name in ("rondblik", "connectors", "dashboard", "models"):
        logging.getLogger(name).setLevel(logging.INFO)
    logging.getLogger().addHandler(private_data.watch)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Iterator[None]:
    """Fail a test that logged something private, or was told it in a Fault."""
    yield
    wrong = private_data.watch.end_of_test()
    assert wrong == [], "private data in a log or a Fault"


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Give the process that reports what this one has seen."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["watched"] = (private_data.watch.records, private_data.watch.faults)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Add what another process has seen."""
    records, faults = getattr(node, "workeroutput", {}).get("watched", (0, 0))
    private_data.watch.records += records
    private_data.watch.faults += faults


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how much was read; a test with something private in it has failed."""
    watch = private_data.watch
    terminalreporter.write_line(f"read for keys and personal data: {watch.records} log records, {watch.faults} Faults")


def pytest_collection_finish() -> None:
    """Leave what was collected alone: a collector that walks over it each time takes a sixth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)  # as the server does


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tests that take longest, so that at the end no worker waits for another."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONGEST))


@dataclass(frozen=True)
class Store:
    """An empty store with its seal."""

    engine: Engine
    cipher: PiiCipher


def compiled_once(engine: Engine) -> Engine:
    """This engine, which uses what engines before it have compiled; a fifth of the time of a short test."""
    dialect, statements = _COMPILED.setdefault(engine.dialect.name, (engine.dialect, LRUCache(1_000)))
    engine.dialect = dialect
    engine.update_execution_options(compiled_cache=statements)
    return engine


def _compile_addresses_once() -> None:
    """Let each app use what apps before it have compiled of the same addresses; a quarter of the time to make one."""
    compiled: dict[object, Callable[..., tuple[str, str]]] = {}
    compile_address = Rule._compile_builder

    def once(rule: Rule, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        key = (rule.rule, tuple(rule._trace), repr(rule.defaults), append_unknown)
        if key not in compiled:
            compiled[key] = compile_address(rule, append_unknown)
        return compiled[key]

    Rule._compile_builder = once


def free_port() -> int:
    """A port on loopback that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture(scope="session")
def empty_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder after a first start, made once: a copy of it saves each test the migrations."""
    folder = tmp_path_factory.mktemp("empty") / "data"
    engine = database.open_engine(database.sqlite_url(folder))
    open_encrypted(engine, folder)
    engine.dispose()
    return folder


@pytest.fixture
def store(empty_data: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Store]:
    """An empty store on SQLite; with RONDBLIK_NODES on that many nodes of PostgreSQL."""
    if ON_NODES:
        yield request.getfixturevalue("distributed_store")
        return
    folder = tmp_path / "data"
    shutil.copytree(empty_data, folder, dirs_exist_ok=True)
    engine = compiled_once(database.open_engine(database.sqlite_url(folder)))
    yield Store(engine, open_encrypted(engine, folder))
    engine.dispose()


def _postgres_binaries() -> Path | None:
    paths = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return paths[-1].parent if paths else None


@dataclass(frozen=True)
class PostgresServer:
    """A PostgreSQL server of our own on loopback, which can be stopped and started."""

    binaries: Path
    folder: Path
    port: int
    account: pwd.struct_passwd | None  # as which it runs, where the tests run as root

    @property
    def url(self) -> str:
        """Its address, to which the name of a database is added."""
        return f"postgresql+psycopg://rondblik@127.0.0.1:{self.port}/"

    def run(self, command: str, *options: str) -> None:
        """Run one of its programs on its data."""
        subprocess.run(
            [str(self.binaries / command), "-D", str(self.folder / "data"), *options],
            check=True, preexec_fn=self._become, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )  # fmt: skip

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = f"-c listen_addresses=127.0.0.1 -p {self.port} -c unix_socket_directories={self.folder}"
        self.run("pg_ctl", "-w", "-l", str(self.folder / "log"), "-o", options, "start")

    def stop(self) -> None:
        """Stop it as a power cut would."""
        self.run("pg_ctl", "-m", "immediate", "stop")

    def _become(self) -> None:
        if self.account is not None:
            os.setgid(self.account.pw_gid)
            os.setuid(self.account.pw_uid)


@contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL server of our own, started; stopped and removed at the end."""
    binaries = _postgres_binaries()
    if binaries is None:
        pytest.fail("PostgreSQL is not installed: apt-get install postgresql")
    account = pwd.getpwnam("postgres") if os.getuid() == 0 else None  # it does not run as root
    folder = Path(tempfile.mkdtemp(prefix="rondblik-pg-"))
    if account is not None:
        os.chown(folder, account.pw_uid, account.pw_gid)
    server = PostgresServer(binaries, folder, free_port(), account)
    server.run("initdb", "-A", "trust", "-U", "rondblik", "--no-sync", "--locale=C.UTF-8")
    server.start()
    try:
        yield server
    finally:
        with suppress(subprocess.CalledProcessError):  # it was stopped already
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of a PostgreSQL server of our own on loopback; with RONDBLIK_POSTGRES of one that somebody has."""
    if GIVEN_SERVER:
        yield GIVEN_SERVER.rstrip("/") + "/"
        return
    with postgres_server() as server:
        yield server.url


@contextmanager
def new_postgres(server_url: str, template: str = "template1") -> Iterator[Engine]:
    """A database of its own, dropped at the end: without any table, or a copy of another database."""
    name = f"t{uuid.uuid4().hex}"
    server = create_engine(server_url + "postgres", isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
    engine = database.open_engine(server_url + name)
    yield engine
    engine.dispose()
    with server.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    server.dispose()


@pytest.fixture
def postgres_database(postgres: str) -> Iterator[str]:
    """The address of an empty database of its own on PostgreSQL."""
    with new_postgres(postgres) as engine:
        yield engine.url.render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def postgres_after_start(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The name of a database after a first start and the folder with its key, made once, to copy for each test."""
    keys = tmp_path_factory.mktemp("postgres") / "keys"
    with new_postgres(postgres) as engine:
        open_encrypted(engine, keys)
        engine.dispose()
        yield str(engine.url.database), keys


@pytest.fixture
def postgres_store(postgres: str, postgres_after_start: tuple[str, Path], tmp_path: Path) -> Iterator[Store]:
    """An empty store in a database of its own on PostgreSQL."""
    template, keys = postgres_after_start
    shutil.copytree(keys, tmp_path / "keys", dirs_exist_ok=True)
    with new_postgres(postgres, template) as engine:
        yield Store(compiled_once(engine), open_encrypted(engine, tmp_path / "keys"))


@pytest.fixture(params=["nodes"] if ON_NODES else ["sqlite", "postgresql"])
def any_store(request: pytest.FixtureRequest) -> Store:
    """An empty store, once on each database; with RONDBLIK_NODES on nodes only."""
    names = {"sqlite": "store", "postgresql": "postgres_store", "nodes": "distributed_store"}
    store: Store = request.getfixturevalue(names[request.param])
    return store


# -- several servers -------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def node_servers(postgres: str) -> Iterator[list[str]]:
    """The addresses of the servers of the nodes; the first is that of the coordinator too."""
    with ExitStack() as stack:
        yield [postgres, *(stack.enter_context(postgres_server()).url for _ in range(NODES - 1))]


@contextmanager
def new_nodes(servers: Sequence[str], templates: Sequence[str] = ()) -> Iterator[list[str]]:
    """An empty database, or a copy of one, on each of these servers; their addresses."""
    with ExitStack() as stack:
        chosen = templates or ["template1"] * len(servers)
        engines = [stack.enter_context(new_postgres(*server)) for server in zip(servers, chosen, strict=True)]
        for engine in engines:
            engine.dispose()  # a database that somebody uses cannot be copied
        yield [engine.url.render_as_string(hide_password=False) for engine in engines]


@pytest.fixture(scope="session")
def distributed_after_start(
    postgres: str, node_servers: list[str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, list[str], Path]]:
    """The names of the databases of a distributed store and of its nodes, and the folder with its key, to copy."""
    keys = tmp_path_factory.mktemp("distributed") / "keys"
    with new_nodes(node_servers) as urls, new_postgres(postgres) as engine:
        open_encrypted(engine, keys)
        nodes.distribute(engine, urls)
        engine.dispose()
        yield str(engine.url.database), [str(make_url(url).database) for url in urls], keys


@pytest.fixture
def distributed_store(
    postgres: str, node_servers: list[str], distributed_after_start: tuple[str, list[str], Path], tmp_path: Path
) -> Iterator[Store]:
    """An empty store whose schools stand on several servers."""
    template, node_templates, keys = distributed_after_start
    shutil.copytree(keys, tmp_path / "keys", dirs_exist_ok=True)
    with new_nodes(node_servers, node_templates) as urls, new_postgres(postgres, template) as engine:
        with engine.begin() as connection:
            for number, url in enumerate(urls):
                name = make_url(url).database
                connection.execute(text(f"ALTER SERVER {nodes.SERVER}{number} OPTIONS (SET dbname '{name}')"))
        yield Store(engine, open_encrypted(engine, tmp_path / "keys"))


@pytest.fixture(params=["alone", "beside the dashboard"])
def every_app(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a test with each app that has the service: that of `serve --soap-only`, and that of `serve` and `demo`."""
    from tests.connectors import sending  # here: many tests need no web server

    monkeypatch.setattr(sending, "chosen_app", request.param)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium without windows, once for all tests of a process: Playwright runs only once in one."""
    from playwright.sync_api import sync_playwright

    from tests.browser.conftest import CHROMIUM, QUIET

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def shared() -> Path:
    """The folder with the reference papers; the test is left out where it is not present."""
    if not SHARED.is_dir():
        pytest.skip("the reference papers are not present")
    return SHARED
