"""Pupils, groups and teachers from a LAS: HaalLeerlinggegevens at once, or staged in three requests.

zeep gives the header and the SOAPActions, from our WSDL. The bodies are our own and so is the reading: zeep loses zeros
and cannot read what real administrations send. So is the client: zeep's own waits for ever on an answer that drips, and
takes any size.
"""

from __future__ import annotations

import dataclasses
import functools
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

from lxml import etree

from connectors.errors import Fatal, Refused, Retriable
from connectors.intake.pull import FAULT_WORDS, spool_file
from connectors.intake.roster import FetchedRoster
from connectors.transport import http_client
from connectors.transport.http_client import ClientCertificate, HttpRequest, Limits, Resolve, as_named
from connectors.uwlr import names
from connectors.uwlr.charset import in_declared_encoding
from connectors.uwlr.envelope import Authorisation
from connectors.uwlr.las_requests import OPERATIONS, RosterRequest, write_request
from connectors.uwlr.malformed import MALFORMED
from connectors.uwlr.pupil_gate import MAX_BYTES
from connectors.uwlr.pupil_messages import Part, Profile, RosterAnswer, merge, read_part, read_roster
from connectors.uwlr.rules import FAULTS, finding
from models.schema import clock
from models.schema.records import SchoolRef

logging.getLogger("zeep").setLevel(logging.WARNING)  # at DEBUG zeep logs whole messages

CURRENT_YEAR, EMPTY_YEAR = "current", "empty"
TEMPORARY = "Server.TijdelijkNietBeschikbaar"


@dataclass(frozen=True, slots=True)
class LasSettings:
    """How to ask one LAS for one school.

    `addresses` gives an operation (HaalStructuur, ...) an address of its own; the others use `address`.
    `school_year` is "current" (by the date), "empty" (the LAS chooses) or a year as 2026-2027. `resolve` gives the
    literal address to connect to for a URL, and raises Fatal where it may not be called.
    """

    address: str
    school: SchoolRef
    authorisation: Authorisation
    addresses: Mapping[str, str] = field(default_factory=dict)
    profile: Profile = "edexml"
    xsd_version: str = "2.2"
    dataset_id: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    certificate: ClientCertificate | None = None
    school_year: str = CURRENT_YEAR
    staged: bool = False
    limits: Limits = field(default_factory=Limits)
    resolve: Resolve = as_named


@dataclass(frozen=True, slots=True)
class RosterFile:
    """A file with pupils (EDEXML, or the answer of a LAS) that the administration puts down for us."""

    path: Path
    school: SchoolRef
    profile: Profile = "edexml"


def fetch_roster(settings: LasSettings, last_received: str | None) -> FetchedRoster:
    """Ask a LAS for the roster; `last_received` is the aanmaakdatum of the newest stored answer.

    The answer may hold findings that refuse it. Raises Retriable, Fatal, or Refused with the code of a Fault.
    A staged transfer always asks for everything: a structure without changes says nothing of the pupils in it.
    """
    transport = _Transport(settings)
    if settings.staged:
        answer = _fetch_staged(transport, settings)
    else:
        answer = _request(transport, settings, Part.ALL, last_received=last_received)
    return FetchedRoster(answer, answer.digest, answer.size)


def read_roster_file(settings: RosterFile) -> FetchedRoster:
    """The roster in a file; raises Fatal where it cannot be read."""
    with spool_file(settings.path, MAX_BYTES) as spooled:
        answer = read_roster(spooled.file, settings.profile)
    return FetchedRoster(answer, answer.digest, answer.size)


def _fetch_staged(transport: _Transport, settings: LasSettings) -> RosterAnswer:
    structure = _request(transport, settings, Part.STRUCTURE)
    if structure.roster is None:
        return structure
    groups: list[tuple[bool, str | None]] = [(group.composed, group.key) for group in structure.roster.groups]
    groups += [(False, None), (True, None)]  # and whoever is in no group
    pupils = _request(transport, settings, Part.PUPILS, tuple(groups))
    teachers = _request(transport, settings, Part.TEACHERS, tuple(groups))
    return merge(structure, [pupils], [teachers])


def _request(
    transport: _Transport,
    settings: LasSettings,
    part: Part,
    groups: tuple[tuple[bool, str | None], ...] = (),
    last_received: str | None = None,
) -> RosterAnswer:
    operation = OPERATIONS[part]
    request = RosterRequest(
        part=part,
        school=settings.school,
        school_year=_school_year(settings),
        xsd_version=settings.xsd_version,
        dataset_id=settings.dataset_id,
        last_received=last_received,
        groups=groups,
    )
    headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": f'"{_soap_actions()[operation]}"'}
    address = settings.addresses.get(operation, settings.address)
    message = write_request(request, _header(settings.authorisation))
    return _judge(transport.post(address, message, headers), part, settings.profile)


def _school_year(settings: LasSettings) -> str:
    if settings.school_year == CURRENT_YEAR:
        return clock.school_year(clock.today())
    return "" if settings.school_year == EMPTY_YEAR else settings.school_year


@dataclass(frozen=True, slots=True)
class _Response:
    """Status, body and headers of an answer."""

    status_code: int
    content: bytes
    charset_rules: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)


class _Transport:
    """Our HTTP client with the settings of a LAS."""

    def __init__(self, settings: LasSettings) -> None:
        self._headers = settings.headers
        self._certificate = settings.certificate
        self._resolve = settings.resolve
        self._limits = dataclasses.replace(settings.limits, max_bytes=min(settings.limits.max_bytes, MAX_BYTES))

    def post(self, address: str, message: bytes, headers: Mapping[str, str]) -> _Response:
        """Post a message and read the whole answer; raises Retriable or Fatal."""
        own_headers = {**headers, **self._headers}
        request = HttpRequest(address, message, own_headers, self._certificate, self._resolve(address))
        with http_client.fetch(request, self._limits) as answer:
            content, broken = in_declared_encoding(b"".join(answer.chunks), answer.content_type)
            return _Response(answer.status, content, tuple(broken), answer.headers)


# -- what our WSDL says ------------------------------------------------------------------------------------------


@functools.cache
def _wsdl() -> Any:
    import zeep  # takes a tenth of a second, and only who asks a LAS needs it

    with resources.as_file(resources.files("connectors.uwlr") / "schemas") as folder:
        return zeep.Client(str(folder / "pupils.wsdl"))  # type: ignore[no-untyped-call]


@functools.cache
def _soap_actions() -> Mapping[str, str]:
    """The SOAPAction of each operation."""
    return {
        name: operation.soapaction
        for service in _wsdl().wsdl.services.values()
        for port in service.ports.values()
        for name, operation in port.binding.all().items()
    }


def _header(authorisation: Authorisation) -> etree._Element:
    """The autorisatie element, as the WSDL types it."""
    element = _wsdl().get_element(f"{{{names.AUT}}}autorisatie")
    value = element(
        autorisatiesleutel=authorisation.key,
        klantcode=authorisation.customer_code,
        klantnaam=authorisation.customer_name,
    )
    holder = etree.Element("holder")
    element.render(holder, value)
    return holder[0]


# -- what came back ----------------------------------------------------------------------------------------------


def _judge(answer: _Response, part: Part, profile: Profile) -> RosterAnswer:
    """What an HTTP answer holds, or the error that it is; a Fault comes with status 500."""
    read = read_part(answer.content, profile) if answer.content else None
    if read is not None and read.fault is not None:
        raise _fault(read.fault[0])
    failed = http_client.status_error(answer.status_code, answer.headers)
    if failed is not None:
        raise failed
    if read is None or any(finding.rule in (*MALFORMED, "xml.empty") for finding in read.findings):
        raise Retriable(
            "Het antwoord van de leerlingadministratie is geen (hele) XML.",
            "The answer of the pupil administration is no (whole) XML.",
        )
    refused = {finding.rule.partition(".")[0] for finding in read.findings if finding.level == "error"}
    if refused & {"xml", "soap"} or any(finding.rule == "roster.root" for finding in read.findings):
        raise _not_an_answer()
    if (read.roster is not None or read.empty is not None) and read.part is not part:
        raise _not_an_answer()
    findings = (*map(finding, answer.charset_rules), *read.findings)
    return dataclasses.replace(read, findings=findings)


def _not_an_answer() -> Fatal:
    return Fatal(
        "Wat de leerlingadministratie stuurt is geen antwoord op dit verzoek: controleer het adres.",
        "What the pupil administration sends is no answer to this request: check the address.",
    )


def _fault(code: str) -> Retriable | Refused:
    if code == TEMPORARY:
        return Retriable(
            "De leerlingadministratie is tijdelijk niet beschikbaar.",
            "The pupil administration is temporarily not available.",
        )
    known = code if code in FAULTS else "Server"  # what another party writes there may be anything
    nl, en = FAULT_WORDS.get(known, ("zonder een bekende reden", "without a known reason"))
    return Refused(
        known,
        f"De leerlingadministratie weigert het verzoek: {nl} ({known}).",
        f"The pupil administration refuses the request: {en} ({known}).",
    )
