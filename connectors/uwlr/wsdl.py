"""The WSDL of our service, as senders want it: one file without groups and choices, or the shape of the standard.

`?wsdl` gives a single file: widely used libraries lose elements of an xs:group, look for imports in the wrong place,
and drop a score 0 inside an xs:choice. `?wsdl=official` gives the standard's shape, its schemas beside it (`?xsd=`).
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from urllib.parse import quote

from lxml import etree

FLAT, OFFICIAL = "results_flat.wsdl", "results.wsdl"
_WSDL_SOAP = "http://schemas.xmlsoap.org/wsdl/soap/"
_XSD = "http://www.w3.org/2001/XMLSchema"


def describe(asked: Mapping[str, str], address: str) -> bytes | None:
    """The document that a query asks for, with `address` as that of the service; None where there is none."""
    named = {name.lower(): value for name, value in asked.items()}
    if "wsdl" in named:
        return _located(OFFICIAL if named["wsdl"].lower() == "official" else FLAT, address)
    if named.get("xsd") in _schemas():
        return _located(named["xsd"], address)
    return None


def _schemas() -> set[str]:
    folder = resources.files("connectors.uwlr") / "schemas"
    return {traversable.name for traversable in folder.iterdir() if traversable.name.endswith(".xsd")}


def _located(name: str, address: str) -> bytes:
    """A file of ours whose references lead to this service; `address` is escaped by the writer."""
    text = (resources.files("connectors.uwlr") / "schemas" / name).read_bytes()
    root = etree.fromstring(text)
    for element in root.iter(f"{{{_WSDL_SOAP}}}address"):
        element.set("location", address)
    for tag in ("import", "include"):
        for reference in root.iter(f"{{{_XSD}}}{tag}"):
            location = reference.get("schemaLocation")
            if location is not None:
                reference.set("schemaLocation", f"{address}?xsd={quote(location)}")
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")
