"""Brings the store in line with the configuration: schools, sources, source connections and senders."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from sqlalchemy import Engine

from dashboard.settings.errors import ConfigError
from dashboard.settings.schema import Las, Publisher, School, Settings
from models.classroom.holidays import Holidays, HolidaysUnreadable, read_holidays
from models.ingest import connections, schools, senders
from models.ingest.senders import ConfiguredSender
from models.schema import clock
from models.schema.database import write_transaction
from models.schema.encryption import PiiCipher

_log = logging.getLogger("rondblik.settings")


@dataclass(frozen=True, slots=True)
class ConfiguredConnection:
    """A coupling of the configuration: its row in the store, its school, and the LAS or publisher behind it."""

    row: connections.SourceConnection
    school: School
    source: Las | Publisher


def apply(settings: Settings, engine: Engine) -> list[ConfiguredConnection]:
    """Make schools, sources and couplings as the configuration has them; those it no longer has become inactive."""
    connection_configs: list[ConfiguredConnection] = []
    with write_transaction(engine) as connection:
        ids = {
            school.name: schools.ensure_school(
                connection, [name.identification for name in school.identifications], school.name
            )
            for school in settings.schools
        }
        for item in settings.schools:
            schools.set_region(connection, ids[item.name], item.region)
        pairs: list[tuple[School, Las | Publisher]] = [
            (school, school.las) for school in settings.schools if school.las is not None
        ]
        pairs += [(school, publisher) for publisher in settings.publishers for school in settings.schools_of(publisher)]
        for school, source in pairs:
            role = "las" if isinstance(source, Las) else "publisher"
            material = None if isinstance(source, Las) else source.material
            source_id = schools.ensure_source(connection, source.id, source.name, role, material)
            connections.ensure_connection(connection, ids[school.name], source_id, clock.now_us())
            row = connections.SourceConnection(ids[school.name], source_id, source.id, role)
            connection_configs.append(ConfiguredConnection(row, school, source))
        connections.retire_others(
            connection,
            {
                (connection_config.row.school_id, connection_config.row.source_id)
                for connection_config in connection_configs
            },
        )
    return connection_configs


def holidays_of(settings: Settings) -> Holidays:
    """The school holidays that the configuration names, or those that come with the program. Raises ConfigError."""
    try:
        return read_holidays(settings.holidays)
    except (OSError, UnicodeDecodeError, HolidaysUnreadable) as wrong:
        where = wrong if isinstance(wrong, HolidaysUnreadable) else settings.holidays
        raise ConfigError(
            f"Het bestand met vakanties (holidays) is niet te lezen: {where}",
            f"The file of holidays cannot be read: {where}",
        ) from None


def apply_senders(settings: Settings, engine: Engine, cipher: PiiCipher) -> None:
    """Make the senders, their keys and couplings as the configuration has them. Raises ConfigError."""
    configured_senders = [
        ConfiguredSender(
            sender.id,
            sender.customer_name,
            sender.customer_code.get_secret_value(),
            tuple(key.get_secret_value() for key in sender.keys),
            tuple(named.identification for named in sender.covers),
            sender.terms,
        )
        for sender in settings.senders
    ]
    try:
        with write_transaction(engine) as connection:
            senders.apply_configured(connection, cipher, configured_senders)
    except senders.SenderRefused as refused:
        raise ConfigError(refused.sentence_nl, refused.sentence_en) from None
    for place, one in enumerate(settings.senders):
        for number, key in enumerate(one.keys):
            if len(key.get_secret_value()) < senders.SAFE_CHARACTERS:
                _log.warning(
                    "senders[%d].keys[%d] has fewer than %d characters and might be guessed; use a random one.",
                    place, number, senders.SAFE_CHARACTERS,
                )  # fmt: skip
