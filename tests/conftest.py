"""What many tests need: a store on SQLite or PostgreSQL, and the reference papers where they are present."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text

from models.schema import database
from models.schema.encryption import PiiCipher
from models.schema.store_key import open_encrypted

SHARED = Path(__file__).resolve().parents[2] / "shared"


@dataclass(frozen=True)
class Store:
    """An empty store with its seal."""

    engine: Engine
    cipher: PiiCipher


def free_port() -> int:
    """A port on loopback that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty store on SQLite."""
    engine = database.open_engine(database.sqlite_url(tmp_path / "data"))
    yield Store(engine, open_encrypted(engine, tmp_path / "data"))
    engine.dispose()


def _postgres_binaries() -> Path | None:
    paths = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return paths[-1].parent if paths else None


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of a PostgreSQL server of our own on loopback, stopped at the end; not run as root."""
    binaries = _postgres_binaries()
    if binaries is None:
        pytest.fail("PostgreSQL is not installed: apt-get install postgresql")
    folder = Path(tempfile.mkdtemp(prefix="rondblik-pg-"))
    as_user: Callable[[], None] | None = None
    if os.getuid() == 0:
        account = pwd.getpwnam("postgres")
        os.chown(folder, account.pw_uid, account.pw_gid)

        def as_user() -> None:
            os.setgid(account.pw_gid)
            os.setuid(account.pw_uid)

    def run(*command: str) -> None:
        subprocess.run(
            command, check=True, preexec_fn=as_user, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )

    port = free_port()
    data = str(folder / "data")
    run(str(binaries / "initdb"), "-D", data, "-A", "trust", "-U", "rondblik", "--no-sync", "--locale=C.UTF-8")
    options = f"-c listen_addresses=127.0.0.1 -p {port} -c unix_socket_directories={folder}"
    log = str(folder / "log")
    run(str(binaries / "pg_ctl"), "-D", data, "-w", "-l", log, "-o", options, "start")
    try:
        yield f"postgresql+psycopg://rondblik@127.0.0.1:{port}/"
    finally:
        run(str(binaries / "pg_ctl"), "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def empty_postgres(server_url: str) -> Iterator[Engine]:
    """A database of its own without any table, dropped at the end."""
    name = f"t{uuid.uuid4().hex}"
    server = create_engine(server_url + "postgres", isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine = database.open_engine(server_url + name)
    yield engine
    engine.dispose()
    with server.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name}"))
    server.dispose()


@pytest.fixture
def postgres_database(postgres: str) -> Iterator[str]:
    """The address of an empty database of its own on PostgreSQL."""
    with empty_postgres(postgres) as engine:
        yield engine.url.render_as_string(hide_password=False)


@pytest.fixture
def postgres_store(postgres: str, tmp_path: Path) -> Iterator[Store]:
    """An empty store in a database of its own on PostgreSQL."""
    with empty_postgres(postgres) as engine:
        yield Store(engine, open_encrypted(engine, tmp_path / "keys"))


@pytest.fixture(params=["sqlite", "postgresql"])
def any_store(request: pytest.FixtureRequest) -> Store:
    """An empty store, once on each database."""
    store: Store = request.getfixturevalue("store" if request.param == "sqlite" else "postgres_store")
    return store


@pytest.fixture
def shared() -> Path:
    """The folder with the reference papers; the test is left out where it is not present."""
    if not SHARED.is_dir():
        pytest.skip("the reference papers are not present")
    return SHARED
