"""Brings the store in line with the configuration: schools, sources, source connections and senders."""

from __future__ import annotations

import dataclasses
import logging
from dataclasses import dataclass

from sqlalchemy import Engine

from dashboard.auth.sessions import SessionLimits
from dashboard.settings.errors import ConfigError
from dashboard.settings.schema import Las, Publisher, School, Sender, Settings
from models.access.audit import RetentionSet, audit_log
from models.access.viewer import Role, Viewer
from models.classroom.holidays import Holidays, HolidaysUnreadable, read_holidays
from models.ingest import agreements, connections, schools, senders
from models.ingest.senders import ConfiguredSender
from models.schema.database import read_transaction, write_transaction
from models.schema.encryption import PiiCipher
from models.schema.terms import Agreement, PupilRetention

BY = "config.yaml"  # who changed it, in the audit log
_log = logging.getLogger("rondblik.settings")


@dataclass(frozen=True, slots=True)
class ConfiguredConnection:
    """A source connection of the configuration: its row in the store, its school, and its LAS or publisher."""

    row: connections.SourceConnection
    school: School
    source: Las | Publisher


def apply(settings: Settings, engine: Engine) -> list[ConfiguredConnection]:
    """Store the schools, sources and connections of the configuration; connections no longer in it become inactive."""
    configured: list[ConfiguredConnection] = []
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
            connections.ensure_connection(connection, ids[school.name], source_id)
            agreements.apply_configured(connection, ids[school.name], source_id, _agreement(source))
            row = connections.SourceConnection(ids[school.name], source_id, source.id, role)
            configured.append(ConfiguredConnection(row, school, source))
        connections.retire_others(connection, {(item.row.school_id, item.row.source_id) for item in configured})
    return configured


def _agreement(source: Las | Publisher | Sender) -> Agreement | None:
    return None if source.agreement is None else source.agreement.agreement


def session_limits_of(settings: Settings, engine: Engine) -> dict[int, SessionLimits]:
    """How long sessions of schools last that have a time of their own, by the number of the school."""
    own = [(school.ref, school.sessions) for school in settings.schools if school.sessions is not None]
    with read_transaction(engine) as connection:
        by_id = {schools.find_school(connection, ref): limits for ref, limits in own}
    return {school_id: limits for school_id, limits in by_id.items() if school_id is not None}


def pupil_retention_of(settings: Settings, engine: Engine) -> dict[int, PupilRetention]:
    """How long each school stores pupils who left, by the number of the school; those of sandboxes are not among them.

    It is that of the school, or else that of all schools.
    """
    own = {school.ref: school.pupil_retention for school in settings.schools if school.pupil_retention is not None}
    with read_transaction(engine) as connection:
        by_id = {schools.find_school(connection, ref): terms for ref, terms in own.items()}
        return {
            school_id: by_id.get(school_id, settings.pupil_retention)
            for school_id, _name in schools.all_schools(connection)
        }


def note_retention(settings: Settings, engine: Engine, cipher: PiiCipher) -> None:
    """Note in the audit log of each school whose terms of retention the configuration changed."""
    messages = dataclasses.asdict(settings.retention)
    for school_id, terms in pupil_retention_of(settings, engine).items():
        days = {**dataclasses.asdict(terms), **messages}
        with write_transaction(engine, raises_version=False) as connection:
            changed = schools.replace_retention(connection, school_id, days)
        if changed:
            by = Viewer(school_id, Role.ADMINISTRATOR, name=BY)
            with audit_log(engine, cipher) as log:
                log.append(by, [RetentionSet(**days)])


def holidays_of(settings: Settings) -> Holidays:
    """The school holidays of the configured file, or those that come with the program. Raises ConfigError."""
    try:
        return read_holidays(settings.holidays)
    except (OSError, UnicodeDecodeError, HolidaysUnreadable) as wrong:
        where = wrong if isinstance(wrong, HolidaysUnreadable) else settings.holidays
        raise ConfigError(
            f"Het bestand met vakanties (holidays) is niet te lezen: {where}",
            f"The file of holidays cannot be read: {where}",
        ) from None


def apply_senders(settings: Settings, engine: Engine, cipher: PiiCipher) -> None:
    """Store the senders, keys and connections of the configuration. Raises ConfigError."""
    configured_senders = [
        ConfiguredSender(
            sender.id,
            sender.customer_name,
            sender.customer_code.get_secret_value(),
            tuple(key.get_secret_value() for key in sender.keys),
            tuple(school.identification for school in sender.covers),
            sender.terms,
        )
        for sender in settings.senders
    ]
    try:
        with write_transaction(engine) as connection:
            senders.apply_configured(connection, cipher, configured_senders)
            for sender in settings.senders:
                source_id = schools.find_source(connection, sender.id)
                for school_id in {schools.ensure_school(connection, [item.identification]) for item in sender.covers}:
                    agreements.apply_configured(connection, school_id, source_id or 0, _agreement(sender))
    except senders.SenderRefused as refused:
        raise ConfigError(refused.sentence_nl, refused.sentence_en) from None
    for index, sender in enumerate(settings.senders):
        for number, key in enumerate(sender.keys):
            if len(key.get_secret_value()) < senders.SAFE_CHARACTERS:
                _log.warning(
                    "senders[%d].keys[%d] has fewer than %d characters and might be guessed; use a random one.",
                    index, number, senders.SAFE_CHARACTERS,
                )  # fmt: skip
