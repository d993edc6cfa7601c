"""The WSDL of our service in two forms: a single file without groups and choices, or the form of the standard.

`?wsdl` gives a single file: widely used libraries lose elements of an xs:group, look for imports in the wrong place,
and drop a score 0 inside an xs:choice. `?wsdl=official` gives the form of the standard, with its schemas at `?xsd=`.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from urllib.parse import quote

from lxml import etree

FLAT, OFFICIAL = "results_flat.wsdl", "results.wsdl"
_WSDL_SOAP = "http://schemas.xmlsoap.org/wsdl/soap/"
_XSD = "http://www.w3.org/2001/XMLSchema"


def describe(query: Mapping[str, str], address: str) -> bytes | None:
    """The document for a query string, with `address` as that of the service; None where there is no such document."""
    options = {name.lower(): value for name, value in query.items()}
    if "wsdl" in options:
        return _with_address(OFFICIAL if options["wsdl"].lower() == "official" else FLAT, address)
    if options.get("xsd") in _schemas():
        return _with_address(options["xsd"], address)
    return None


def _schemas() -> set[str]:
    folder = resources.files("connectors.uwlr") / "schemas"
    return {traversable.name for traversable in folder.iterdir() if traversable.name.endswith(".xsd")}


def _with_address(name: str, address: str) -> bytes:
    """One of our schema files with its references pointing to this service; `address` is escaped by the writer."""
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
