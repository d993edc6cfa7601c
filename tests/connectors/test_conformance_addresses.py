"""A vendor's address never leads to a machine that is not on the public internet, however it is spelled."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from connectors.conformance import las
from connectors.conformance.addresses import AddressRefused, Target, is_public, safe_address
from connectors.conformance.exchange import Endpoint
from connectors.conformance.scenarios import run
from connectors.errors import ConnectorError
from connectors.transport.http_client import HttpRequest, Limits, fetch
from connectors.uwlr.envelope import Authorisation
from models.schema.records import SchoolRef
from tests.connectors.loopback import serving
from tests.connectors.test_http import server_tls

QUICK = Limits(connect_seconds=1, idle_seconds=1, total_seconds=2, max_bytes=100_000)

# All of these lead to this machine, or to one beside it, for somebody: a browser, a library of C, a resolver.
SPELLINGS = [
    "127.0.0.1", "localhost", "LOCALHOST", "LocalHost", "localhost.", "127.0.0.1.", "127.1", "127.0.1",
    "127.255.255.254", "0", "0.0.0.0", "0x7f.1", "0x7f.0x0.0x0.0x1", "0x7f000001", "0X7F000001", "0x7F.0.0.1",
    "2130706433", "017700000001", "0177.0.0.1", "0177.0.0.01", "127.0.0.01", "127.00.00.001", "00000127.0.0.1",
    "127.0.0.0x1", "127.0.0.1.example.", "127%2e0%2e0%2e1", "127.0.0.%31", "%6cocalhost", "①②⑦.⓪.⓪.①", "127。0。0。1",
    "127．0．0．1", "ⓛocalhost", "ｌｏｃａｌｈｏｓｔ", "[::1]", "[0:0:0:0:0:0:0:1]",
    "[0000:0000:0000:0000:0000:0000:0000:0001]", "[::1%lo]", "[::1%25lo]", "[fe80::1%25eth0]", "[::ffff:127.0.0.1]",
    "[::FFFF:7F00:1]", "[0:0:0:0:0:ffff:127.0.0.1]", "[::127.0.0.1]", "[::]", "[::ffff:0.0.0.0]",
    "[64:ff9b::127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]", "[2002:7f00:1::1]",
    "[2001:0:4136:e378:8000:63bf:80ff:fffe]", "[2600::5efe:127.0.0.1]", "[2600::200:5efe:7f00:1]", "[fe80::1]",
    "[fc00::1]", "[fd00:ec2::254]", "[fec0::1]", "[ff02::1]", "[100::1]", "[2001:db8::1]", "[3fff::1]", "[::1", "::1",
    "[127.0.0.1]", "10.0.0.1", "10.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "192.168.257",
    "169.254.169.254", "0xa9fea9fe", "2852039166", "0251.0376.0251.0376", "[::ffff:169.254.169.254]",
    "[::ffff:a9fe:a9fe]", "100.64.0.1", "100.100.100.200", "192.0.0.192", "192.0.2.1", "198.18.0.1", "192.88.99.1",
    "203.0.113.7", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255", "user@127.0.0.1",
    "uwlr.nl@127.0.0.1", "127.0.0.1\\@uwlr.nl", "127.0.0.1 ", "127.0.0.1\t", "-localhost", "local host",
    "local_host..nl", "localhost\x00.nl", "", ".", "..", "[]", "[::1]x", "a" * 64 + ".nl",
]  # fmt: skip
PLAIN_LOOPBACK = ("127.0.0.1", "localhost", "LOCALHOST", "LocalHost", "127.255.255.254")


class Canary:
    """Two doors on loopback, IPv4 and IPv6, that count who knocks."""

    def __init__(self) -> None:
        self.v4 = socket.create_server(("127.0.0.1", 0))
        self.port = int(self.v4.getsockname()[1])
        self.v6 = socket.create_server(("::1", self.port), family=socket.AF_INET6)

    @property
    def knocks(self) -> int:
        count = 0
        for listener in (self.v4, self.v6):
            listener.setblocking(False)
            try:
                while True:
                    listener.accept()[0].close()
                    count += 1
            except BlockingIOError:
                pass
        return count

    def close(self) -> None:
        self.v4.close()
        self.v6.close()


@pytest.fixture
def canary() -> Iterator[Canary]:
    with closing(Canary()) as canary:
        yield canary


def resolving(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[str]:
    """Every name leads to these addresses; gives the list of names that are asked."""
    hosts: list[str] = []

    def answer(host: str, port: int, *more: object, **named: object) -> list[tuple[object, ...]]:
        if host[0].isdigit():  # an address written out is no question
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port))]
        hosts.append(host)
        return [
            (socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))
            for address in addresses
        ]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    return hosts


def check(url: str, *, allow_loopback: bool = False) -> Target:
    """What a check does with an address: look at it, then call it."""
    target = safe_address(url, allow_loopback)
    school, account = SchoolRef(brin="99XX"), Authorisation("sleutel", "RB", "Rondblik")
    run(las.LasSession(Endpoint(target, school, "2026-2027", account, limits=QUICK)), las.SCENARIOS[:1])
    return target


@pytest.mark.parametrize("scheme", ["https", "http", "HTTPS"])
def test_no_spelling_of_this_machine_or_its_neighbours_is_connected_to(canary: Canary, scheme: str) -> None:
    assert len(SPELLINGS) >= 100
    for host in SPELLINGS:
        with pytest.raises(AddressRefused) as refused:
            check(f"{scheme}://{host}:{canary.port}/uwlr")
        assert len(host) < 3 or host not in refused.value.sentence_nl + refused.value.sentence_en
    assert canary.knocks == 0


def test_a_canary_hears_who_does_knock(canary: Canary) -> None:
    check(f"http://127.0.0.1:{canary.port}/", allow_loopback=True)
    assert canary.knocks > 0


def test_odd_spellings_are_refused_also_where_loopback_is_allowed(canary: Canary) -> None:
    for host in SPELLINGS:
        if host not in (*PLAIN_LOOPBACK, "[::1]", "[0:0:0:0:0:0:0:1]", "[0000:0000:0000:0000:0000:0000:0000:0001]"):
            with pytest.raises(AddressRefused):
                check(f"http://{host}:{canary.port}/", allow_loopback=True)
    assert canary.knocks == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST", "[::1]"])
def test_loopback_by_its_plain_names_where_it_is_allowed(host: str) -> None:
    target = safe_address(f"http://{host}:8080/las", True)
    assert ipaddress.ip_address(target.connect_to).is_loopback


@pytest.mark.parametrize(
    "scheme", ["ftp", "file", "gopher", "ws", "javascript", "unix", "dict", "ldap", "jar:https", "//", ""]
)
def test_only_http_is_spoken(scheme: str) -> None:
    with pytest.raises(AddressRefused):
        safe_address(f"{scheme}://uwlr.uitgever.example/", True)


@pytest.mark.parametrize(
    "url",
    [
        "https://uwlr.example:99999/", "https://uwlr.example:-1/", "https://uwlr.example:x/", "https://uwlr.example/#a",
        "https://uwlr.example/a b", "https://uwlr.example/\r\nHost: x", "https://u:p@uwlr.example/", "uwlr.example",
        "https:uwlr.example", "https:///pad", "https://[::1/", "http://uwlr.example/",
    ],
)  # fmt: skip
def test_what_is_no_plain_https_address_is_refused(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    resolving(monkeypatch, "93.184.215.14")
    with pytest.raises(AddressRefused):
        safe_address(url, False)


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"], ["10.0.0.8"], ["169.254.169.254"], ["100.64.1.1"], ["::1"], ["fd00::8"], ["::ffff:10.0.0.8"],
        ["64:ff9b::a00:8"], ["93.184.215.14", "10.0.0.8"], ["10.0.0.8", "93.184.215.14"],
        ["2606:2800:21f:cb07:6820:80da:af6b:8b2c", "::1"], ["93.184.215.14", "0.0.0.0"], ["127.0.0.1", "93.184.215.14"],
    ],
)  # fmt: skip
@pytest.mark.parametrize("allow_loopback", [False, True])
def test_a_name_that_leads_inside_by_any_of_its_addresses_is_refused(
    monkeypatch: pytest.MonkeyPatch, addresses: list[str], allow_loopback: bool
) -> None:
    resolving(monkeypatch, *addresses)
    if allow_loopback and addresses in (["127.0.0.1"], ["::1"]):
        assert safe_address("https://uwlr.example/", True).connect_to in addresses
        return
    with pytest.raises(AddressRefused):
        safe_address("https://uwlr.example/", allow_loopback)


def test_a_name_that_leads_outside_is_taken_with_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "93.184.215.14")
    target = safe_address("https://UWLR.Example:8443/las?school=1", False)
    assert (target.host, target.connect_to) == ("uwlr.example", "93.184.215.14")
    assert target.url == "https://UWLR.Example:8443/las?school=1"
    assert "school=1" not in repr(target)


def test_a_name_that_cannot_be_found_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(AddressRefused, match="cannot be found"):
        safe_address("https://uwlr.example/", False)


def test_a_name_is_resolved_once_and_never_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name server that says something else the second time does not get the chance."""
    with serving(lambda h: h.say(b"<a/>")) as server:
        port = server.url.rpartition(":")[2]
        hosts = resolving(monkeypatch, "127.0.0.1")
        target = safe_address(f"http://localhost:{port}/las", True)
        again = resolving(monkeypatch, "::1")  # from now on the name leads elsewhere
        school, account = SchoolRef(brin="99XX"), Authorisation("sleutel", "RB", "Rondblik")
        outcomes = run(las.LasSession(Endpoint(target, school, "2026-2027", account, limits=QUICK)), las.SCENARIOS)
    assert (hosts, again) == (["localhost"], [])
    assert [response.status for response in outcomes[0].came] == [200]
    assert {item.headers["host"] for item in server.asked} == {f"localhost:{port}"}


def certificate_for(folder: Path, name: str) -> tuple[Path, Path]:
    """A self-signed certificate for the host `name`, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    files = folder / "own.pem", folder / "own.key"
    files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return files


def test_the_host_stays_in_header_and_certificate(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    own = certificate_for(tmp_path, "uwlr.uitgever.example")
    names: list[str | None] = []
    tls = server_tls(own)
    tls.sni_callback = lambda _socket, name, _context: names.append(name)
    monkeypatch.setenv("SSL_CERT_FILE", str(own[0]))
    with serving(lambda h: h.say(b"<a/>"), tls) as server:
        port = server.url.rpartition(":")[2]
        request = HttpRequest(f"https://uwlr.uitgever.example:{port}/las", b"<q/>", connect_to="127.0.0.1")
        with fetch(request, QUICK) as answer:
            assert answer.status == 200
        other = HttpRequest(f"https://las.uitgever.example:{port}/las", b"<q/>", connect_to="127.0.0.1")
        with pytest.raises(ConnectorError, match="trusted"), fetch(other, QUICK):
            pass
    assert server.asked[0].headers["host"] == f"uwlr.uitgever.example:{port}"
    assert names[0] == "uwlr.uitgever.example"
    assert len(server.asked) == 1


@pytest.mark.parametrize("text", ["8.8.8.8", "93.184.215.14", "2606:4700::1111", "2a00:1450:400e:80d::200e"])
def test_addresses_of_the_internet_are_public(text: str) -> None:
    assert is_public(ipaddress.ip_address(text))
