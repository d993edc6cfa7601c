"""The options of every command, configuration and data folder, and the store that they lead to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, make_url

from connectors.intake.push import ReceiverContext
from dashboard.settings import loading
from dashboard.settings.errors import ConfigError
from dashboard.settings.schema import Settings
from models.ingest import erasure
from models.schema import database
from models.schema.database import SchemaState
from models.schema.encryption import PiiCipher, read_key
from models.schema.store_key import existing_cipher, open_encrypted


@dataclass(frozen=True, slots=True)
class Options:
    """The options before the command."""

    config: Path | None
    data: Path | None

    def settings(self) -> Settings:
        """The settings that these options lead to; raises ConfigError."""
        return loading.load(loading.find_config(self.config, self.data), self.data)


@dataclass(frozen=True, slots=True)
class Store:
    """An open store with its settings."""

    settings: Settings
    engine: Engine
    cipher: PiiCipher

    @property
    def receiver(self) -> ReceiverContext:
        """The receiver of messages of publishers."""
        return ReceiverContext(self.engine, self.cipher, self.settings.receive, self.settings.retention)


BeforeUpgrade = Callable[[Store], object]


@contextmanager
def open_store(options: Options, before_upgrade: BeforeUpgrade | None = None) -> Iterator[Store]:
    """The store of these options, made where there is none; raises ConfigError, KeyRefused, DatabaseUnsafe.

    A store of an earlier version is refused unless `before_upgrade` is given, which is called before the upgrade.
    """
    with open_database(options.settings(), before_upgrade) as store:
        yield store


@contextmanager
def open_database(settings: Settings, before_upgrade: BeforeUpgrade | None = None) -> Iterator[Store]:
    """The store of these settings, as `open_store`; raises KeyRefused, DatabaseUnsafe."""
    read_key(settings.data)  # an invalid key file is refused before a database is created
    engine = database.open_engine(settings.database_url())

    def prepare(cipher: PiiCipher) -> None:
        assert before_upgrade is not None
        before_upgrade(Store(settings, engine, cipher))

    try:
        cipher = open_encrypted(engine, settings.data, prepare if before_upgrade else None)
        engine = database.for_all_schools(engine)
        settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        erasure.repeat_erasures(engine, cipher, settings.data)  # whichever way an earlier database was put back
        yield Store(settings, engine, cipher)
    finally:
        engine.dispose()


@contextmanager
def open_existing(settings: Settings) -> Iterator[Store]:
    """The store of these settings as it is, also of an earlier version; nothing is made or changed.

    Raises ConfigError where there is none, KeyRefused, DatabaseUnsafe.
    """
    if not database_exists(settings):
        raise _no_store()
    engine = database.open_engine(settings.database_address)
    try:
        with database.read_transaction(engine) as connection:
            if database.schema_state(connection) is SchemaState.EMPTY:
                raise _no_store()
            cipher = existing_cipher(connection, settings.data)
        yield Store(settings, database.for_all_schools(engine), cipher)
    finally:
        engine.dispose()


def database_exists(settings: Settings) -> bool:
    """Whether there is a database to open: on SQLite its file; PostgreSQL has to be asked."""
    address = make_url(settings.database_address)
    return address.drivername != "sqlite" or Path(address.database or "").is_file()


def _no_store() -> ConfigError:
    return ConfigError(
        "Er is nog geen database; `rondblik serve` maakt haar bij de eerste start.",
        "There is no database yet; the first start of `rondblik serve` makes it.",
    )
