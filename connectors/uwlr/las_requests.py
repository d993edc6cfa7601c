"""Writes the four requests for pupil data: HaalLeerlinggegevens and the three of a staged transfer."""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree

from connectors.uwlr import names
from connectors.uwlr.envelope import in_envelope
from connectors.uwlr.pupil_messages import Part
from connectors.uwlr.pupil_writer import write_school_ref
from models.schema.records import SchoolRef

OPERATIONS = {
    Part.ALL: "HaalLeerlinggegevens",
    Part.STRUCTURE: "HaalStructuur",
    Part.PUPILS: "HaalLeerlingen",
    Part.TEACHERS: "HaalLeerkrachten",
}
REQUESTS = {
    "leerlinggegevens_verzoek": Part.ALL,
    "structuur_verzoek": Part.STRUCTURE,
    "leerlingen_verzoek": Part.PUPILS,
    "leerkrachten_verzoek": Part.TEACHERS,
}
_REQUEST_OF = {part: name for name, part in REQUESTS.items()}


@dataclass(frozen=True, slots=True)
class RosterRequest:
    """A request for pupil data or a part of them.

    `school_year` "" means the current one. `groups` (composed, key) apply to pupils and teachers only; key None means
    those in no group of that kind. `last_received` is the aanmaakdatum of the newest stored answer.
    """

    part: Part
    school: SchoolRef
    school_year: str
    xsd_version: str = "2.2"
    dataset_id: str | None = None
    last_received: str | None = None
    groups: tuple[tuple[bool, str | None], ...] = ()


def write_request(request: RosterRequest, header: etree._Element | None = None) -> bytes:
    """A request in a SOAP envelope, with `header` (an autorisatie element) in its Header."""
    root = etree.Element(f"{{{names.LG}}}{_REQUEST_OF[request.part]}", nsmap={"lg": names.LG})
    _add(root, "schooljaar", request.school_year)
    write_school_ref(root, request.school, exclusive=True)
    _add(root, "xsdversie", request.xsd_version)
    if request.dataset_id is not None:
        _add(root, "gegevenssetid", request.dataset_id)
    if request.last_received is not None:
        _add(root, "laatstontvangengegevens", request.last_received)
    if request.part in (Part.PUPILS, Part.TEACHERS):
        groups = _add(root, "groepen", None)
        for composed, key in request.groups:
            group = _add(groups, "samengestelde_groep" if composed else "groep", None)
            if key is not None:
                group.set("key", key)
    return in_envelope(root, header)


def _add(parent: etree._Element, name: str, text: str | None) -> etree._Element:
    node: etree._Element = etree.SubElement(parent, f"{{{names.LG}}}{name}")
    node.text = text
    return node
