"""Requests for pupil data, read as a LAS reads them."""

from __future__ import annotations

from lxml import etree

from connectors.uwlr import names
from connectors.uwlr.envelope import Authorisation
from connectors.uwlr.las_requests import REQUESTS, RosterRequest
from models.ingest.schools import normal_location
from models.schema.records import SchoolRef


def local(element: etree._Element) -> str:
    """The name of an element without its namespace."""
    return etree.QName(element).localname


def read_request(data: bytes) -> tuple[RosterRequest, Authorisation | None]:
    """A request and its header."""
    root = etree.fromstring(data)
    (payload,) = root.find(names.BODY)
    assert etree.QName(payload).namespace == names.LG
    texts = {local(child): child.text or "" for child in payload}
    groups = next((child for child in payload if local(child) == "groepen"), ())
    request = RosterRequest(
        part=REQUESTS[local(payload)],
        school=SchoolRef(
            brin=texts.get("brincode"),
            dependance=normal_location(texts.get("dependancecode")),
            school_key=texts.get("schoolkey"),
        ),
        school_year=texts.get("schooljaar", ""),
        xsd_version=texts.get("xsdversie", ""),
        dataset_id=texts.get("gegevenssetid"),
        last_received=texts.get("laatstontvangengegevens"),
        groups=tuple((local(group) == "samengestelde_groep", group.get("key")) for group in groups),
    )
    return request, _authorisation(root)


def _authorisation(root: etree._Element) -> Authorisation | None:
    header = root.find(f"{names.HEADER}/{{{names.AUT}}}autorisatie")
    if header is None:
        return None
    texts = {local(child): child.text or "" for child in header}
    return Authorisation(texts.get("autorisatiesleutel", ""), texts.get("klantcode", ""), texts.get("klantnaam", ""))
