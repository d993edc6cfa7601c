"""Writes SOAP 1.1: envelope, autorisatie header, Fault."""

from __future__ import annotations

from dataclasses import dataclass

from lxml import etree

from connectors.uwlr import names


@dataclass(frozen=True, slots=True)
class Authorisation:
    """The three secrets of an autorisatie header: key of the school, code and name of the customer."""

    key: str
    customer_code: str
    customer_name: str

    def __repr__(self) -> str:
        return f"Authorisation(customer_name={self.customer_name!r})"  # the secrets stay out of logs


def document(root: etree._Element) -> bytes:
    """An element as a document: UTF-8, with its declaration."""
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def in_envelope(payload: etree._Element, header: etree._Element | None = None) -> bytes:
    """A SOAP 1.1 envelope around `payload`, with `header` in its Header if given."""
    envelope = etree.Element(names.ENVELOPE, nsmap={"soap": names.SOAP})
    if header is not None:
        etree.SubElement(envelope, names.HEADER).append(header)
    etree.SubElement(envelope, names.BODY).append(payload)
    return document(envelope)


def authorisation_element(authorisation: Authorisation) -> etree._Element:
    """The autorisatie element: key, customer code, customer name, in the order of the schema."""
    element = etree.Element(f"{{{names.AUT}}}autorisatie", nsmap={"aut": names.AUT})
    for name, text in (
        ("autorisatiesleutel", authorisation.key),
        ("klantcode", authorisation.customer_code),
        ("klantnaam", authorisation.customer_name),
    ):
        etree.SubElement(element, f"{{{names.AUT}}}{name}").text = text
    return element


def fault_bytes(code: str, sentence: str) -> bytes:
    """A SOAP 1.1 Fault with a code of the standard, such as Client.OngeldigBericht; its children have no namespace."""
    fault = etree.Element(names.FAULT, nsmap={"soap": names.SOAP})
    etree.SubElement(fault, "faultcode").text = f"soap:{code}"
    etree.SubElement(fault, "faultstring").text = sentence
    return in_envelope(fault)
