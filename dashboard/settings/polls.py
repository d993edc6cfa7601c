"""From the configuration to the polls of the worker: how each source connection is polled, and how often."""

from __future__ import annotations

from dataclasses import dataclass

from connectors.intake.las_client import LasSettings, RosterFile
from connectors.intake.pull import PullSettings
from connectors.transport.http_client import ClientCertificate, Limits, Resolve, as_named
from connectors.uwlr.envelope import Authorisation
from connectors.uwlr.pull_messages import OPERATION, SOAP_ACTION
from dashboard.settings import schema
from dashboard.settings.applying import ConfiguredConnection
from dashboard.settings.errors import ConfigError
from dashboard.settings.schema import Las, Publisher, Settings
from models.schema.records import SchoolRef
from models.schema.terms import RetentionPolicy

SourceSettings = PullSettings | LasSettings | RosterFile


@dataclass(frozen=True, slots=True)
class ScheduledPoll:
    """How one source connection is polled, and how often."""

    source: SourceSettings
    every_minutes: int


def scheduled_poll(settings: Settings, configured: ConfiguredConnection) -> ScheduledPoll:
    """How a configured connection is polled; raises ConfigError where a file that it names cannot be read."""
    source = configured.source
    if isinstance(source, Publisher):
        settings_of_source: SourceSettings = publisher_settings(
            source, configured.school.ref, settings.limits, settings.retention
        )
    elif source.path is not None:
        settings_of_source = RosterFile(source.path, configured.school.ref, source.profile)
    else:
        settings_of_source = las_settings(source, configured.school.ref, settings.limits)
    return ScheduledPoll(settings_of_source, source.every)


def las_settings(las: Las, school: SchoolRef, limits: Limits, resolve: Resolve = as_named) -> LasSettings:
    """How a LAS with an address is asked about a school."""
    authorisation = _authorisation(las.authorisation)
    assert authorisation is not None  # the schema demands it of a LAS with an address
    by_operation = {
        "HaalLeerlinggegevens": las.addresses.all,
        "HaalStructuur": las.addresses.structure,
        "HaalLeerlingen": las.addresses.pupils,
        "HaalLeerkrachten": las.addresses.teachers,
    }
    addresses = {operation: address for operation, address in by_operation.items() if address is not None}
    return LasSettings(
        address=las.address or next(iter(addresses.values())),
        school=school,
        authorisation=authorisation,
        addresses=addresses,
        profile=las.profile,
        xsd_version=las.xsd_version,
        dataset_id=las.dataset_id,
        headers=las.header_texts,
        certificate=_certificate(las),
        school_year=las.school_year,
        staged=las.staged,
        limits=limits,
        resolve=resolve,
    )


def publisher_settings(
    publisher: Publisher, school: SchoolRef, limits: Limits, retention: RetentionPolicy, resolve: Resolve = as_named
) -> PullSettings:
    """How the results of a school are fetched from a publisher; raises ConfigError as `scheduled_poll`."""
    return PullSettings(
        kind=publisher.kind,
        location=publisher.address or str(publisher.path),
        school=school,
        policy=publisher.policy,
        authorisation=_authorisation(publisher.authorisation),
        headers=publisher.header_texts,
        certificate=_certificate(publisher),
        xsd_version=publisher.xsd_version,
        dataset_id=publisher.dataset_id,
        school_year=publisher.school_year,
        soap_action=publisher.soap_action or _soap_action(publisher.operation),
        request_template=_template(publisher),
        limits=limits,
        retention=retention,
        resolve=resolve,
    )


def _authorisation(account: schema.Authorisation | None) -> Authorisation | None:
    if account is None:
        return None
    return Authorisation(account.key.get_secret_value(), account.customer_code, account.customer_name)


def _certificate(source: Las | Publisher) -> ClientCertificate | None:
    if source.client_certificate is None:
        return None
    return ClientCertificate(source.client_certificate, source.client_key)


def _soap_action(operation: str | None) -> str:
    """Our own operation has its namespace in front; that of a publisher stays as configured, as UWLR does."""
    return SOAP_ACTION if operation in (None, OPERATION) else operation


def _template(publisher: Publisher) -> str | None:
    if publisher.request_template is None:
        return None
    try:
        return publisher.request_template.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise ConfigError(
            f"request_template van {publisher.id} kan niet gelezen worden; controleer het bestand "
            f"{publisher.request_template}.",
            f"request_template of {publisher.id} cannot be read; check the file {publisher.request_template}.",
        ) from None
