"""What a client asks of the simulated parties, judged in the order that the standard suggests.

Header, then message, then customer, then key and school, then version; the first that fails gives the fault.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from lxml import etree

from connectors.simulator.school import BAKEN, HORIZON
from connectors.uwlr import names, rules
from connectors.uwlr.envelope import fault_bytes
from connectors.uwlr.validator import schema
from models.ingest.schools import normal_location
from models.schema import clock
from models.schema.records import SchoolRef

CUSTOMER_CODE, CUSTOMER_NAME = "RB", "Rondblik"
UNAVAILABLE = "Server.TijdelijkNietBeschikbaar"


class Fault(Exception):
    """An answer that is a Fault: code of the standard, a sentence, the HTTP status."""

    def __init__(self, code: str, sentence: str, status: int = 500) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
        self.status = status

    def envelope(self) -> bytes:
        """The Fault in its envelope."""
        return fault_bytes(self.code, self.sentence)


@dataclass(frozen=True, slots=True)
class ParsedRequest:
    """A request that may be answered. `groups` and `composed` hold keys, None for who is in no group."""

    name: str
    school_year: str
    school: SchoolRef
    since: datetime | None
    groups: tuple[str | None, ...] = ()
    composed: tuple[str | None, ...] = ()


def key_for(party: str, school: SchoolRef) -> str:
    """The autorisatiesleutel that a party gave to a school."""
    return f"demo-{party}-{school.brin}"


def read(party: str, body: bytes, schema_name: str, expected: tuple[str, ...]) -> ParsedRequest:
    """The request in a SOAP message of at most a megabyte; raises Fault where it may not be answered."""
    envelope = _parse(body)
    account = _account(envelope)
    payload = _payload(envelope, schema_name, expected)
    if account[1:] != (CUSTOMER_CODE, CUSTOMER_NAME):
        raise Fault(rules.KLANT_ONGELDIG, "Klantcode en klantnaam zijn hier niet bekend of horen niet bij elkaar.")
    request = _parsed(payload)
    if request.school not in (HORIZON, BAKEN) or account[0] != key_for(party, request.school):
        raise Fault(rules.AUTORISATIE_ONGELDIG, "De autorisatiesleutel geeft geen toegang tot deze school.")
    if _text(payload, "xsdversie") not in names.VERSIONS:
        raise Fault(rules.XSD_VERSIE_ONGELDIG, "Deze xsdversie wordt hier niet ondersteund; gebruik 2.2.")
    return request


def _parse(body: bytes) -> etree._Element:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError:
        raise Fault(rules.ONGELDIG_BERICHT, "Het bericht is geen welgevormde XML.") from None
    if root.getroottree().docinfo.doctype or root.tag != names.ENVELOPE:
        raise Fault(rules.ONGELDIG_BERICHT, "Het bericht staat niet in een envelop van SOAP 1.1.")
    return root


def _account(envelope: etree._Element) -> tuple[str, str, str]:
    element = envelope.find(f"{names.HEADER}/{{{names.AUT}}}autorisatie")
    parts = (
        [] if element is None else [_text(element, name) for name in ("autorisatiesleutel", "klantcode", "klantnaam")]
    )
    if len(parts) != 3 or not all(parts):
        raise Fault(rules.AUTORISATIE_ONGELDIG, "De autorisatie in de header ontbreekt of is niet volledig.")
    return parts[0], parts[1], parts[2]


def _payload(envelope: etree._Element, schema_name: str, expected: tuple[str, ...]) -> etree._Element:
    payload = envelope.find(f"{names.BODY}/*")
    if payload is None or payload.tag not in expected or not schema(schema_name).validate(payload):
        raise Fault(rules.ONGELDIG_BERICHT, "Het bericht is geen geldig verzoek volgens het schema.")
    return payload


def _parsed(payload: etree._Element) -> ParsedRequest:
    since = _text(payload, "laatstontvangen") or _text(payload, "laatstontvangengegevens")
    location = _text(payload, "dependancecode")
    return ParsedRequest(
        name=etree.QName(payload).localname,
        school_year=_text(payload, "schooljaar"),
        school=SchoolRef(brin=_text(payload, "brincode"), dependance=normal_location(location)),
        since=_instant(since) if since else None,
        groups=_keys(payload, "groep"),
        composed=_keys(payload, "samengestelde_groep"),
    )


def _keys(payload: etree._Element, kind: str) -> tuple[str | None, ...]:
    namespace = etree.QName(payload).namespace
    return tuple(element.get("key") for element in payload.iterfind(f"{{{namespace}}}groepen/{{{namespace}}}{kind}"))


def _text(element: etree._Element, name: str) -> str:
    child = element.find(f"{{{etree.QName(element).namespace}}}{name}")
    return "" if child is None else (child.text or "").strip()


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise Fault(rules.ONGELDIG_BERICHT, "Een moment in het verzoek is niet te lezen.") from None
    return instant if instant.tzinfo is not None else instant.replace(tzinfo=clock.AMSTERDAM)
