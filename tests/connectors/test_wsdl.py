"""The WSDL that we serve: without what generated clients stumble over, and with types that take all that is valid."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from functools import cache
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import requests
import zeep
from hypothesis import given, settings
from lxml import etree

from connectors.intake.push import ReceiverContext
from connectors.intake.receive import LOCAL_ADDRESS
from connectors.uwlr import names, validator, wsdl
from connectors.uwlr.writer import write_message
from dashboard.server.serving import bind
from dashboard.server.wsgi import create_soap_app
from models.schema.records import MessageHead, Result, TestDefinition
from tests.conftest import Store
from tests.connectors.sending import receiving, serving_app
from tests.peers.service import class_message, present, serving
from tests.uwlr import strategies as uwlr
from tests.uwlr.messages import message, result_xml
from tests.uwlr.record_strategies import messages

XSD = "http://www.w3.org/2001/XMLSchema"
WSDL = "http://schemas.xmlsoap.org/wsdl/"
SOAP = "http://schemas.xmlsoap.org/wsdl/soap/"
ADDRESS = "http://127.0.0.1:8050/uwlr/leerresultaten"
COMPLETE = [uwlr.delivery(uwlr.Fullest(start), ("score", "oso", "progress")) for start in range(3)]


def described(query: str, address: str = ADDRESS) -> etree._Element:
    name, _, value = query.partition("=")
    document = wsdl.describe({name: value}, address)
    assert document is not None
    return etree.fromstring(document)


@cache
def flat_schema() -> etree.XMLSchema:
    """The types of the flat WSDL as one schema: each of its schemas in a file, and the imports led to those."""
    inline = described("wsdl").findall(f"{{{WSDL}}}types/{{{XSD}}}schema")
    with TemporaryDirectory() as folder:
        files = {element.get("targetNamespace"): f"{number}.xsd" for number, element in enumerate(inline)}
        for item in inline:
            for reference in item.findall(f"{{{XSD}}}import"):
                reference.set("schemaLocation", files[reference.get("namespace")])
            for element in item.findall(".//*[@type='xs:duration']"):
                # libxml2 collapses blanks around an xs:duration, as it must, only where there is a pattern.
                del element.attrib["type"]
                own_type = etree.SubElement(element, f"{{{XSD}}}simpleType")
                restriction = etree.SubElement(own_type, f"{{{XSD}}}restriction", base="xs:duration")
                etree.SubElement(restriction, f"{{{XSD}}}pattern", value=".*")
            (Path(folder) / files[item.get("targetNamespace")]).write_bytes(etree.tostring(item))
        imports = "".join(f'<xs:import namespace="{space}" schemaLocation="{file}"/>' for space, file in files.items())
        whole = f'<xs:schema xmlns:xs="{XSD}">{imports}</xs:schema>'
        return etree.XMLSchema(etree.parse(BytesIO(whole.encode()), base_url=f"{folder}/all.xsd"))


@cache
def strict_schema() -> etree.XMLSchema:
    """As senders are shown it: what we judge by also takes the blanks around a day that libxml2 should take off."""
    return etree.XMLSchema(etree.parse(str(Path(validator.__file__).with_name("schemas") / names.DEFAULT_SCHEMA)))


def strict_accepts(document: etree._Element) -> bool:
    return strict_schema().validate(document)


def flat_accepts(document: etree._Element) -> bool:
    return flat_schema().validate(document)


# -- its shape -----------------------------------------------------------------------------------------------


def test_the_flat_file_has_no_group_no_choice_and_refers_to_no_other_file() -> None:
    root = described("wsdl")
    assert [*root.iter(f"{{{XSD}}}group"), *root.iter(f"{{{XSD}}}choice"), *root.iter(f"{{{XSD}}}include")] == []
    assert not [
        element for element in root.iter("{*}import") if element.get("schemaLocation") or element.get("location")
    ]


def test_every_part_of_the_flat_file_is_named_after_its_element() -> None:
    parts = list(described("wsdl").iter(f"{{{WSDL}}}part"))
    assert [part.get("name") for part in parts] == [
        "leerresultaten_verzoek", "leerresultaten_bevestiging", "autorisatie"
    ]  # fmt: skip
    assert all(part.get("element", "").partition(":")[2] == part.get("name") for part in parts)


@pytest.mark.parametrize("query", ["wsdl", "WSDL", "wsdl=official", "wsdl=Official"])
def test_the_address_is_the_one_that_was_asked(query: str) -> None:
    address = 'https://school.example/uwlr/leerresultaten?a="&b=<'
    locations = [element.get("location") for element in described(query, address).iter(f"{{{SOAP}}}address")]
    assert locations == [address]


# -- over HTTP -----------------------------------------------------------------------------------------------


@pytest.fixture
def address(every_app: None, store: Store) -> Iterator[str]:
    with serving(ReceiverContext(store.engine, store.cipher)) as served:
        yield served


@pytest.mark.usefixtures("every_app")
def test_the_served_address_is_that_of_the_server_unless_another_is_public(store: Store) -> None:
    for public in (None, "https://rondblik.example/uwlr/leerresultaten"):
        with serving(ReceiverContext(store.engine, store.cipher), public) as served:
            answer = requests.get(f"{served}?wsdl", timeout=10)
        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/xml; charset=utf-8")
        places = etree.fromstring(answer.content).iter(f"{{{SOAP}}}address")
        assert [element.get("location") for element in places] == [public or served]


@pytest.mark.usefixtures("every_app")
@pytest.mark.parametrize("path", ["/uwlr/leerresultaten", "/test/proefadres/uwlr/leerresultaten"])
@pytest.mark.parametrize("query", ["wsdl", "wsdl=official", "xsd=results.xsd"])
def test_no_name_that_a_stranger_says_stands_in_a_document(store: Store, path: str, query: str) -> None:
    receiver_context = ReceiverContext(store.engine, store.cipher)
    with receiving(receiver_context) as receiver:
        for host in ("evil.example", "evil.example:80", "127.0.0.1.evil.example", "127.0.0.1@evil.example", "[", "a b"):
            answer = receiver.post(b"", f"{path}?{query}", "GET", Host=host)
            assert (answer.status, answer.media_type, answer.fault) == (500, "text/xml", "Client.OngeldigBericht")
            assert "receive.public_address" in answer.sentence
            assert b"evil" not in answer.body
        for host in (f"localhost:{receiver.port}", f"127.0.0.1:{receiver.port}", "[::1]", "LOCALHOST"):
            assert (
                f"http://{host.lower()}{path}".encode() in receiver.post(b"", f"{path}?{query}", "GET", Host=host).body
            )
    with receiving(receiver_context, public_address="https://rondblik.example/uwlr/leerresultaten") as receiver:
        body = receiver.post(b"", f"{path}?{query}", "GET", Host="evil.example").body
        assert f"https://rondblik.example{path}".encode() in body
        assert b"evil" not in body


def test_the_address_that_was_connected_to_is_a_name_of_this_machine(store: Store) -> None:
    client = create_soap_app(ReceiverContext(store.engine, store.cipher)).test_client()
    for host, local in (("http://192.0.2.7:8060", "192.0.2.7"), ("http://[2001:db8::7]", "2001:db8::7")):
        for connected, status in ((local, 200), ("192.0.2.8", 500)):
            environ = {LOCAL_ADDRESS: connected}
            answer = client.get("/uwlr/leerresultaten?wsdl", base_url=host, environ_overrides=environ)
            assert answer.status_code == status
            assert (f"{host}/uwlr/leerresultaten" in answer.text) is (status == 200)


def test_the_server_says_to_which_address_a_connection_was_made() -> None:
    def told(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [str(environ[LOCAL_ADDRESS]).encode()]

    for host in ("127.0.0.1", "127.0.0.2"):
        with serving_app(told, bind(host, 0)) as port:
            assert requests.get(f"http://{host}:{port}/", timeout=10).text == host


@pytest.mark.parametrize("query", ["wsdl", "wsdl=official"])
def test_each_wsdl_loads_in_a_client_with_all_it_refers_to(address: str, query: str) -> None:
    with requests.Session() as session:
        paths: list[str] = []
        session.hooks["response"].append(lambda answer, **_: paths.append(answer.url))
        client = zeep.Client(f"{address}?{query}", transport=zeep.Transport(timeout=10, session=session))
        assert client.service._binding_options["address"] == address
        assert "BrengLeerresultaten" in dir(client.service)
        assert client.get_element(names.VERZOEK) is not None
        for space, name in ((names.AUT, "autorisatie"), (names.OSO, "toetsscore")):
            assert client.get_element(f"{{{space}}}{name}") is not None
        assert client.get_type(f"{{{names.VOORTGANG}}}Voortgang") is not None
    others = {url for url in paths if "?xsd=" in url}
    assert bool(others) is (query == "wsdl=official")
    assert all(url.startswith(address) for url in paths)


@pytest.mark.parametrize(
    "name",
    ["unknown.xsd", "", "results.wsdl", "../schemas/results.xsd", "../names.py", "..%2f..%2f..%2fconfig.yaml",
     "/etc/passwd", "results.xsd%00", "RESULTS.XSD"],
)  # fmt: skip
def test_no_other_file_is_given(address: str, name: str) -> None:
    answer = requests.get(f"{address}?xsd={name}", timeout=10)
    assert (answer.status_code, answer.headers["Content-Type"]) == (500, "text/xml; charset=utf-8")
    root = etree.fromstring(answer.content)
    assert root.findtext(".//faultcode") == "soap:Client.OngeldigBericht"
    assert [element.tag for element in root.iter()][1:] == [names.BODY, names.FAULT, "faultcode", "faultstring"]


# -- its types -----------------------------------------------------------------------------------------------


def test_messages_of_our_own_are_valid_by_the_flat_types() -> None:
    for data in (
        message(),
        message(scores=["0", "10", "+007"]),
        message(results=result_xml("r", "0", part="V1"), toetsnaam="Rekenen &amp; tellen"),
        message(tests="<toets><toetscode>T2</toetscode></toets>"),
        class_message(present()).encode(),
    ):
        document = etree.fromstring(data)
        assert strict_accepts(document)
        assert flat_accepts(document), flat_schema().error_log


@settings(deadline=None, max_examples=50)
@given(messages())
def test_what_our_writer_writes_is_valid_by_the_flat_types(
    made: tuple[MessageHead, list[Result], list[TestDefinition]],
) -> None:
    document = etree.fromstring(write_message(*made, envelope=False))
    assert flat_accepts(document), flat_schema().error_log


@settings(deadline=None, max_examples=50)
@given(uwlr.deliveries(("score", "oso", "progress")))
def test_what_the_strict_schema_accepts_is_valid_by_the_flat_types(document: etree._Element) -> None:
    assert strict_accepts(document)
    assert flat_accepts(document), flat_schema().error_log


def test_every_change_that_the_strict_schema_accepts_is_valid_by_the_flat_types() -> None:
    accepted = 0
    for document in uwlr.every_change(*COMPLETE):
        if strict_accepts(document):
            accepted += 1
            assert flat_accepts(document), flat_schema().error_log
    assert accepted > 1000


def test_the_order_of_elements_is_that_of_the_strict_schema() -> None:
    refused = 0
    for complete in COMPLETE:
        for index, element in enumerate(complete.iter(etree.Element)):
            following = element.getnext()
            if following is None or following.tag == element.tag:
                continue
            document = copy.deepcopy(complete)
            uwlr.swap(list(document.iter(etree.Element))[index])
            assert not strict_accepts(document)
            assert not flat_accepts(document), element.tag
            refused += 1
    assert refused > 50
