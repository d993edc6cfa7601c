"""The HTTP client against servers that answer well, badly, slowly and not at all."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
import time
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from connectors.errors import ConnectorError, Fatal, Retriable
from connectors.transport.http_client import Answer, ClientCertificate, HttpRequest, Limits, fetch, status_error
from models.schema.urls import address_problem, is_loopback
from tests.connectors.loopback import Handler, serving

QUICK = Limits(connect_seconds=2, idle_seconds=0.3, total_seconds=0.8, max_bytes=100_000)
PATIENT = Limits(connect_seconds=5, idle_seconds=5, total_seconds=20, max_bytes=100_000)


def whole(url: str, limits: Limits = PATIENT, **more: object) -> tuple[Answer, bytes]:
    """The answer and its body."""
    with fetch(HttpRequest(url, **more), limits) as answer:  # type: ignore[arg-type]
        return answer, b"".join(answer.chunks)


def test_a_get_brings_status_type_and_body() -> None:
    with serving(lambda h: h.say(b"<a/>")) as server:
        answer, body = whole(f"{server.url}/x?y=1", headers={"X-Key": "k"})
    assert (answer.status, answer.media_type, body) == (200, "text/xml", b"<a/>")
    request = server.asked[0]
    assert (request.method, request.path, request.headers["x-key"]) == ("GET", "/x?y=1", "k")
    assert request.headers["accept-encoding"] == "identity"


def test_a_body_is_posted() -> None:
    with serving(lambda h: h.say(b"")) as server:
        whole(server.url, body=b"<q/>", headers={"SOAPAction": '"x"'})
    assert (server.asked[0].method, server.asked[0].body) == ("POST", b"<q/>")
    assert server.asked[0].headers["soapaction"] == '"x"'


def test_chunks_and_http_1_0_without_length_are_read_whole() -> None:
    def chunked(h: Handler) -> None:
        h.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")

    def until_close(h: Handler) -> None:
        h.wfile.write(b"HTTP/1.0 200 OK\r\n\r\nabcde")

    for answer in (chunked, until_close):
        with serving(answer) as server:
            assert whole(server.url)[1] == b"abcde"


def test_a_redirect_is_not_followed() -> None:
    with serving(lambda h: h.say(b"", 302, Location="http://127.0.0.1:1/elsewhere")) as server:
        answer, _ = whole(server.url)
    assert answer.status == 302
    assert isinstance(status_error(302), Fatal)
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "start",
    [b"HTTP/1.1 200 OK\r\nX-Drip: ", b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n"],
)
def test_a_drip_in_headers_or_body_ends_at_the_deadline(start: bytes) -> None:
    began = time.monotonic()
    with serving(lambda h: h.drip(start, b"x")) as server, pytest.raises(Retriable, match="too long"):
        whole(server.url, QUICK)
    assert time.monotonic() - began < 5


def test_an_endless_row_of_interim_answers_ends_at_the_deadline() -> None:
    with (
        serving(lambda h: h.drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n")) as server,
        pytest.raises(Retriable, match="too long"),
    ):
        whole(server.url, QUICK)


def test_silence_ends_at_the_idle_limit() -> None:
    with serving(lambda h: h.loopback.over.wait()) as server, pytest.raises(Retriable, match="in time"):
        whole(server.url, Limits(idle_seconds=0.2, total_seconds=30))


def test_more_bytes_than_the_cap_are_refused_announced_or_not() -> None:
    def announced(h: Handler) -> None:
        h.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\n")

    with serving(announced) as server, pytest.raises(Fatal, match="larger"):
        whole(server.url)
    endless = serving(lambda h: h.drip(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 50_000, 0))
    with endless as server, pytest.raises(Fatal, match="larger"):
        whole(server.url)


def test_half_an_answer_is_an_unknown_outcome() -> None:
    def short(h: Handler) -> None:
        h.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")

    def cut_chunk(h: Handler) -> None:
        h.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nabc")

    def reset(h: Handler) -> None:
        h.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")
        h.reset()

    def nothing(h: Handler) -> None:
        h.reset()

    def not_http(h: Handler) -> None:
        h.wfile.write(b"220 smtp.example ready\r\n")

    for answer in (short, cut_chunk, reset, nothing, not_http):
        with serving(answer) as server, pytest.raises(Retriable):
            whole(server.url)


def test_a_compressed_answer_is_refused() -> None:
    with (
        serving(lambda h: h.say(b"\x1f\x8b", Content_Encoding="gzip")) as server,
        pytest.raises(Fatal, match="compress"),
    ):
        whole(server.url)


def test_a_closed_port_is_a_sentence() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(Retriable, match="cannot be reached"):
        whole(f"http://127.0.0.1:{port}/")


def test_what_the_reader_raises_stays_what_it_is() -> None:
    with (
        serving(lambda h: h.say(b"x")) as server,
        pytest.raises(OSError, match="disk is full"),
        fetch(HttpRequest(server.url), PATIENT),
    ):
        raise OSError(28, "disk is full")


@pytest.mark.parametrize(
    "url", ["http://supplier.example/", "ftp://x/", "https://u:p@x.example/", "http://10.0.0.1/", "", "https://"]
)
def test_addresses_that_are_never_asked(url: str) -> None:
    with pytest.raises(Fatal), fetch(HttpRequest(url), QUICK):
        raise AssertionError("it was asked")


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8/x", "http://localhost/", "http://[::1]:1/", "https://supplier.example/x?y"]
)
def test_addresses_that_may_be_asked(url: str) -> None:
    assert address_problem(url) is None


@pytest.mark.parametrize(
    ("host", "own"),
    [
        ("127.1.2.3", True),
        ("::1", True),
        ("LOCALHOST", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.1", False),
        ("localhost.example", False),
    ],
)
def test_loopback_is_this_machine_only(host: str, own: bool) -> None:
    assert is_loopback(host) is own


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (200, None),
        (204, Fatal),
        (301, Fatal),
        (401, Fatal),
        (403, Fatal),
        (404, Fatal),
        (429, Retriable),
        (500, Retriable),
        (503, Retriable),
    ],
)
def test_what_a_status_says_of_trying_again(status: int, kind: type[ConnectorError] | None) -> None:
    error = status_error(status)
    assert error is None if kind is None else type(error) is kind


def test_secrets_are_not_in_the_text_of_a_request() -> None:
    shown = repr(HttpRequest("https://x.example/?token=geheim", b"geheim", {"Authorization": "geheim"}))
    assert "geheim" not in shown


# -- TLS -----------------------------------------------------------------------------------------------------


def make_certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1 and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    files = folder / f"{name}.pem", folder / f"{name}.key"
    files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return files


def server_tls(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    tls = server_tls(make_certificate(tmp_path, "server"))
    with serving(lambda h: h.say(b"x"), tls) as server, pytest.raises(Fatal, match="trusted"):
        whole(server.url)
    assert not server.asked


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1")
@pytest.mark.parametrize("version", ["TLSv1_1", "TLSv1_2", "TLSv1_3"])
def test_old_versions_of_tls_are_not_spoken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    own = make_certificate(tmp_path, "server")
    monkeypatch.setenv("SSL_CERT_FILE", str(own[0]))
    tls = server_tls(own)
    tls.set_ciphers("ALL:@SECLEVEL=0")  # so that it is the client that refuses
    tls.minimum_version = tls.maximum_version = ssl.TLSVersion[version]
    with serving(lambda h: h.say(b"x"), tls) as server:
        if version == "TLSv1_1":
            with pytest.raises(ConnectorError):
                whole(server.url)
            assert not server.asked
        else:
            assert whole(server.url)[1] == b"x"


def test_a_client_certificate_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own, client = make_certificate(tmp_path, "server"), make_certificate(tmp_path, "client")
    tls = server_tls(own)
    tls.verify_mode = ssl.CERT_REQUIRED
    tls.load_verify_locations(client[0])
    monkeypatch.setenv("SSL_CERT_FILE", str(own[0]))
    with serving(lambda h: h.say(b"x"), tls) as server:
        assert whole(server.url, certificate=ClientCertificate(*client))[1] == b"x"
        with pytest.raises(ConnectorError):
            whole(server.url)


def test_a_client_certificate_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(Fatal, match="client_certificate"):
        whole("https://127.0.0.1:9/", certificate=ClientCertificate(tmp_path / "no.pem"))
