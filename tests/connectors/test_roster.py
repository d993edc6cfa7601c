"""Fetching rosters from a LAS over HTTP: requests, answers, and everything a server can do wrong."""

from __future__ import annotations

import datetime as dt
import logging
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from connectors.errors import ConnectorError, Fatal, Refused, Retriable
from connectors.intake.las_client import LasSettings, fetch_roster
from connectors.transport.http_client import ClientCertificate, Limits
from connectors.uwlr import names
from connectors.uwlr.envelope import Authorisation
from connectors.uwlr.las_requests import RosterRequest
from connectors.uwlr.pupil_messages import NO_CHANGES, NO_DATA, Part
from connectors.uwlr.pupil_writer import write_answer, write_empty_answer
from models.schema import clock
from models.schema.records import Roster, RosterGroup, RosterPupil, RosterTeacher, SchoolRef
from tests.uwlr.roster_requests import read_request

ROSTER = Roster(
    school_year="2026-2027",
    school=SchoolRef(brin="99XX"),
    school_name=None,
    created_us=clock.to_us(dt.datetime(2026, 11, 20, 7, 30, tzinfo=dt.UTC)),
    groups=(RosterGroup("5", "5a", False, "5"), RosterGroup("p", "Plus", True)),
    pupils=(RosterPupil("k1", None, "Mila", None, "Voorbeeld", "5", "5", ("p",)),),
    teachers=(RosterTeacher("t1", None, "Jo", None, "Les", groups=(("5", ()),)),),
)

QUICK = Limits(connect_seconds=2, idle_seconds=2, total_seconds=5, max_bytes=2_000_000)


@dataclass
class Las:
    """A server of which each test says what it answers; keeps what it was asked."""

    address: str
    answer: Callable[[BaseHTTPRequestHandler, RosterRequest], None] | None = None
    requests: list[RosterRequest] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    authorisations: list[Authorisation | None] = field(default_factory=list)

    def settings(self, **more: Any) -> LasSettings:
        return LasSettings(
            address=self.address + "/las", school=SchoolRef(brin="99XX"), authorisation=Authorisation("s", "c", "n"),
            **({"limits": QUICK} | more),
        )  # fmt: skip


@pytest.fixture
def las() -> Iterator[Las]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request, authorisation = read_request(self.rfile.read(int(self.headers["Content-Length"])))
            las.requests.append(request)
            las.authorisations.append(authorisation)
            las.headers.append(dict(self.headers))
            las.paths.append(self.path)
            try:
                (las.answer or answer_whole)(self, request)
            except (ConnectionError, TimeoutError):
                self.close_connection = True  # the client went away, as some tests want

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    las = Las(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    with clock.fixed(dt.datetime(2026, 11, 23, 9, tzinfo=dt.UTC)):
        yield las
    server.shutdown()
    server.server_close()
    thread.join()


def send(handler: BaseHTTPRequestHandler, body: bytes, status: int = 200, **headers: str) -> None:
    handler.send_response(status)
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    for name, value in ({"Content-Type": "text/xml", "Content-Length": str(len(body))} | given).items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)


def answer_whole(handler: BaseHTTPRequestHandler, request: RosterRequest) -> None:
    send(handler, write_answer(ROSTER, request.part))


def sending(body: bytes, status: int = 200, **headers: str) -> Callable[[BaseHTTPRequestHandler, RosterRequest], None]:
    return lambda handler, _: send(handler, body, status, **headers)


def fault(code: str) -> bytes:
    return (
        f'<s:Envelope xmlns:s="{names.SOAP}"><s:Body><s:Fault><faultcode>s:{code}</faultcode>'
        "<faultstring>geheim</faultstring></s:Fault></s:Body></s:Envelope>"
    ).encode()


# -- what is asked ----------------------------------------------------------------------------------------------


def test_a_roster_is_fetched_at_once(las: Las) -> None:
    fetched = fetch_roster(las.settings(), "2026-11-19T08:30:00")
    assert fetched.answer.roster is not None
    assert replace(fetched.answer.roster, digest=b"", size=0) == ROSTER
    assert fetched.answer.created_text == "2026-11-20T07:30:00Z"
    assert (len(fetched.digest), fetched.size) == (32, len(write_answer(ROSTER)))
    assert las.requests == [
        RosterRequest(Part.ALL, SchoolRef(brin="99XX"), "2026-2027", "2.2", None, "2026-11-19T08:30:00")
    ]
    assert las.authorisations == [Authorisation("s", "c", "n")]
    (headers,) = las.headers
    assert headers["SOAPAction"] == '"HaalLeerlinggegevens"'
    assert headers["Accept-Encoding"] == "identity"
    assert headers["Content-Type"] == "text/xml; charset=utf-8"


def test_the_settings_of_a_las_decide_what_it_is_asked(las: Las) -> None:
    settings = las.settings(
        xsd_version="2.3", dataset_id="Smalle-set-VO", headers={"X-Abonnement": "7"}, school_year="empty",
        addresses={"HaalLeerlinggegevens": las.address + "/own"}, profile="narrow",
    )  # fmt: skip
    fetch_roster(settings, None)
    assert las.requests == [RosterRequest(Part.ALL, SchoolRef(brin="99XX"), "", "2.3", "Smalle-set-VO")]
    assert las.headers[0]["X-Abonnement"] == "7"
    assert las.paths == ["/own"]
    fetch_roster(las.settings(school_year="2025-2026"), None)
    assert las.requests[-1].school_year == "2025-2026"


def test_a_staged_transfer_asks_three_times_and_gives_the_whole(las: Las) -> None:
    fetched = fetch_roster(las.settings(staged=True), "2026-11-19T08:30:00")
    assert fetched.answer.roster is not None
    assert replace(fetched.answer.roster, digest=b"", size=0) == ROSTER
    assert [request.part for request in las.requests] == [Part.STRUCTURE, Part.PUPILS, Part.TEACHERS]
    assert las.requests[1].groups == ((False, "5"), (True, "p"), (False, None), (True, None))
    assert all(request.last_received is None for request in las.requests)
    assert las.headers[1]["SOAPAction"].endswith('/2/leerlinggegevens/leerlingen_verzoek"')


@pytest.mark.parametrize("empty", [NO_CHANGES, NO_DATA])
@pytest.mark.parametrize("staged", [False, True])
def test_an_answer_without_data_says_so(las: Las, empty: str, staged: bool) -> None:
    las.answer = lambda handler, request: send(handler, write_empty_answer(empty, request.part))
    answer = fetch_roster(las.settings(staged=staged), None).answer
    assert (answer.roster, answer.empty, answer.refused) == (None, empty, False)


def test_nothing_of_an_exchange_is_logged(las: Las, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        fetch_roster(las.settings(), None)
    assert "Mila" not in caplog.text
    assert "autorisatie" not in caplog.text


# -- what can go wrong ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        (fault("Client.AutorisatieOngeldig"), 500, Refused),
        (fault("Client.AutorisatieOngeldig"), 200, Refused),
        (fault("Server.TijdelijkNietBeschikbaar"), 500, Retriable),
        (b"<html><p>storing</p>", 200, Retriable),
        (b"<!DOCTYPE html><html></html>", 200, Fatal),
        (b"<html>storing</html>", 503, Retriable),
        (b"", 200, Retriable),
        (write_answer(ROSTER)[:-20], 200, Retriable),
        (b"<html></html>", 404, Fatal),
        (b"", 401, Fatal),
        (b"<html></html>", 200, Fatal),
        (write_answer(ROSTER, Part.PUPILS), 200, Fatal),
    ],
)
def test_an_answer_that_is_none_is_one_kind_of_error(
    las: Las, body: bytes, status: int, kind: type[ConnectorError]
) -> None:
    las.answer = sending(body, status)
    with pytest.raises(kind) as raised:
        fetch_roster(las.settings(), None)
    assert raised.value.sentence_nl
    assert "geheim" not in raised.value.sentence_nl + raised.value.sentence_en


def test_a_fault_of_one_part_is_the_error_of_a_staged_transfer(las: Las) -> None:
    las.answer = lambda handler, request: (
        send(handler, fault("Server.InterneFout"), 500)
        if request.part is Part.TEACHERS
        else answer_whole(handler, request)
    )
    with pytest.raises(Refused) as raised:
        fetch_roster(las.settings(staged=True), None)
    assert raised.value.fault == "Server.InterneFout"


def test_an_unknown_fault_code_is_not_repeated(las: Las) -> None:
    las.answer = sending(fault("Jan.Jansen"), 500)
    with pytest.raises(Refused) as raised:
        fetch_roster(las.settings(), None)
    assert "Jan" not in raised.value.sentence_nl + raised.value.fault


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(las: Las, status: int) -> None:
    las.answer = sending(b"", status, Location=las.address + "/elsewhere")
    with pytest.raises(Fatal):
        fetch_roster(las.settings(), None)
    assert las.paths == ["/las"]


def test_an_answer_over_the_cap_is_refused_while_it_comes(las: Las) -> None:
    def endless(handler: BaseHTTPRequestHandler, _: RosterRequest) -> None:
        handler.send_response(200)
        handler.end_headers()
        while True:
            handler.wfile.write(b"x" * 10_000)

    las.answer = endless
    with pytest.raises(Fatal, match="larger than"):
        fetch_roster(las.settings(), None)


def test_a_compressed_answer_is_not_unpacked(las: Las) -> None:
    las.answer = sending(b"\x1f\x8b", 200, Content_Encoding="gzip")
    with pytest.raises(Fatal):
        fetch_roster(las.settings(), None)


def drip(handler: BaseHTTPRequestHandler, what: bytes) -> None:
    """One byte each while, for ever: the client has to go away."""
    while True:
        handler.wfile.write(what)
        handler.wfile.flush()
        if select_closed(handler.connection):
            return


def select_closed(connection: socket.socket) -> bool:
    """Wait a little; whether the other side has closed."""
    connection.settimeout(0.05)
    try:
        return connection.recv(1) == b""
    except TimeoutError:
        return False


@pytest.mark.parametrize("where", ["head", "body", "chunks"])
def test_an_answer_that_drips_ends_at_the_deadline(las: Las, where: str) -> None:
    def answer(handler: BaseHTTPRequestHandler, _: RosterRequest) -> None:
        if where == "head":
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            drip(handler, b"a")
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n")
        handler.wfile.write(b"Transfer-Encoding: chunked\r\n\r\n" if where == "chunks" else b"\r\n")
        drip(handler, b"1\r\na\r\n" if where == "chunks" else b"a")

    las.answer = answer
    began = time.monotonic()
    with pytest.raises(Retriable):
        fetch_roster(las.settings(limits=replace(QUICK, total_seconds=0.6)), None)
    assert time.monotonic() - began < 3


def test_silence_ends_sooner_than_the_total_time(las: Las) -> None:
    released = threading.Event()
    las.answer = lambda handler, _: (released.wait(10), None)[1]
    with pytest.raises(Retriable):
        fetch_roster(las.settings(limits=replace(QUICK, idle_seconds=0.3, total_seconds=30)), None)
    released.set()


def test_half_an_answer_is_asked_again_later(las: Las) -> None:
    las.answer = sending(write_answer(ROSTER), 200, Content_Length="100000")
    with pytest.raises(Retriable):
        fetch_roster(las.settings(), None)


def test_a_reset_and_a_closed_port_are_asked_again_later(las: Las) -> None:
    las.answer = lambda handler, _: handler.connection.shutdown(socket.SHUT_RDWR)
    with pytest.raises(Retriable):
        fetch_roster(las.settings(), None)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        with pytest.raises(Retriable):
            fetch_roster(replace(las.settings(), address=f"http://127.0.0.1:{free.getsockname()[1]}/"), None)


@pytest.mark.parametrize("address", ["http://las.example/uwlr", "ftp://las.example/", "file:///etc/hostname", "las"])
def test_pupil_data_travel_over_https_only(las: Las, address: str) -> None:
    with pytest.raises(Fatal):
        fetch_roster(replace(las.settings(), address=address), None)


def certificate(folder: Path) -> Path:
    """A certificate that nobody vouches for, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "both.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    return path


def test_a_certificate_that_nobody_vouches_for_is_not_trusted(las: Las, tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate(tmp_path))
    received: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                try:
                    with context.wrap_socket(connection, server_side=True) as secure:
                        received.append(secure.recv(1))
                except ssl.SSLError:
                    return

        thread = threading.Thread(target=serve)
        thread.start()
        settings = replace(las.settings(), address=f"https://localhost:{listening.getsockname()[1]}/")
        with pytest.raises(Fatal):
            fetch_roster(settings, None)
        thread.join()
    assert b"".join(received) == b""


def test_a_client_certificate_that_is_not_there_is_one_sentence(las: Las, tmp_path: Path) -> None:
    nowhere = ClientCertificate(tmp_path / "no.pem", tmp_path / "no.key")
    settings = replace(las.settings(certificate=nowhere), address="https://localhost:1/")
    with pytest.raises(Fatal, match="certificate"):
        fetch_roster(settings, None)
