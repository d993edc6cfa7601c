"""The options of every command, configuration and data folder, and the store that they lead to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

from connectors.intake.push import ReceiverContext
from dashboard.settings import loading
from dashboard.settings.schema import Settings
from models.ingest import erasure
from models.schema import database
from models.schema.encryption import PiiCipher, read_key
from models.schema.store_key import open_encrypted


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


@contextmanager
def open_store(options: Options) -> Iterator[Store]:
    """The store of these options, migrated to this version; raises ConfigError, KeyRefused, DatabaseUnsafe."""
    settings = options.settings()
    with open_database(settings) as (engine, cipher):
        yield Store(settings, engine, cipher)


@contextmanager
def open_database(settings: Settings) -> Iterator[tuple[Engine, PiiCipher]]:
    """The database of these settings and its cipher; raises KeyRefused, DatabaseUnsafe."""
    read_key(settings.data)  # an invalid key file is refused before a database is created
    engine = database.open_engine(settings.database_url())
    try:
        cipher = open_encrypted(engine, settings.data)
        settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        erasure.repeat_erasures(engine, cipher, settings.data)  # whichever way an earlier database was put back
        yield engine, cipher
    finally:
        engine.dispose()
