"""Writes the request of HaalLeerresultaten, and requests from a template for publishers with another operation.

UWLR has no pull of results; ours is shaped like the other Haal requests (docs/pull.md, schemas/pull.wsdl).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from string import Template
from xml.sax.saxutils import escape

from lxml import etree

from connectors.errors import Fatal
from connectors.uwlr import names, values
from connectors.uwlr.envelope import Authorisation
from connectors.uwlr.writer import to_bytes
from models.schema import clock
from models.schema.records import SchoolRef

OPERATION = "HaalLeerresultaten"
SOAP_ACTION = f"{names.OPHALEN}/{OPERATION}"
OVERLAP = timedelta(hours=1)  # results stored while the source was making its last answer are requested again
BEFORE_ALL = "1990-01-01T00:00:00+01:00"  # for templates, where the first request has no cursor yet


@dataclass(frozen=True, slots=True)
class PullRequest:
    """A request for all results of a school and school year that are newer than `since` (None: all)."""

    school: SchoolRef
    school_year: str
    xsd_version: str = "2.2"
    dataset_id: str | None = None
    since: str | None = None
    authorisation: Authorisation | None = None


def since_cursor(cursor: str | None) -> str | None:
    """The moment to request from, in Dutch time: an hour before the cursor.

    An hour before this moment at the latest: a cursor that was stored while our clock was ahead is in the future.
    """
    if cursor is None:
        return None
    created_us, _ = values.instant(cursor)
    moment = clock.from_us(min(created_us, clock.now_us())) - OVERLAP
    return moment.astimezone(clock.AMSTERDAM).isoformat(timespec="seconds")


def write_pull_request(request: PullRequest) -> bytes:
    """The request in a SOAP envelope, valid by pull.xsd."""
    root = etree.Element(names.OPHALEN_VERZOEK, nsmap={"lo": names.OPHALEN})
    _add(root, "schooljaar", request.school_year)
    if request.school.school_key is not None:
        _add(root, "schoolkey", request.school.school_key)
    elif request.school.brin is not None:
        _add(root, "brincode", request.school.brin)
        _add(root, "dependancecode", request.school.dependance or "00")
    else:
        raise Fatal(
            "Resultaten ophalen kan alleen voor een school met een BRIN of schoolkey; zet die in de configuratie.",
            "Results can only be fetched for a school with a BRIN or a schoolkey; put it in the configuration.",
        )
    _add(root, "xsdversie", request.xsd_version)
    if request.dataset_id is not None:
        _add(root, "gegevenssetid", request.dataset_id)
    if request.since is not None:
        _add(root, "laatstontvangen", request.since)
    return to_bytes(root, request.authorisation, True)


def fill_template(template: str, request: PullRequest) -> bytes:
    """A request from a publisher's template: `$name` becomes its value, escaped for XML; `$$` is a dollar sign.

    Raises Fatal where the template has an unknown name or the result is not well-formed XML.
    """
    try:
        filled = Template(template).substitute(_template_values(request)).encode()
        etree.fromstring(filled, etree.XMLParser(resolve_entities=False, no_network=True))
    except (KeyError, ValueError, etree.XMLSyntaxError):
        raise Fatal(
            "Het bestand van request_template is geen XML of noemt een onbekende $naam; zie docs/pull.md.",
            "The file of request_template is no XML or names an unknown $name; see docs/pull.md.",
        ) from None
    return filled


def _template_values(request: PullRequest) -> Mapping[str, str]:
    authorisation = request.authorisation or Authorisation("", "", "")
    texts = {
        "school_year": request.school_year,
        "brin": request.school.brin or "",
        "location": request.school.dependance or "00",
        "school_key": request.school.school_key or "",
        "xsd_version": request.xsd_version,
        "dataset_id": request.dataset_id or "",
        "since": request.since or BEFORE_ALL,
        "key": authorisation.key,
        "customer_code": authorisation.customer_code,
        "customer_name": authorisation.customer_name,
    }
    return {name: escape(value, {'"': "&quot;"}) for name, value in texts.items()}


def _add(parent: etree._Element, name: str, text: str) -> None:
    etree.SubElement(parent, f"{{{names.OPHALEN}}}{name}").text = text
