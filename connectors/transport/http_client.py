"""One careful HTTP client for everything that goes out.

What it promises: a limit on connecting, on silence, on the whole and on the number of bytes, also against a server
that drips one byte at a time, in its headers too; no redirects, no compression, no proxy, no cookies, TLS verified.
Whoever calls reads the body as a stream inside the `with` block and writes it to a private file.
"""

from __future__ import annotations

import http.client
import io
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import Field

from connectors.errors import ConnectorError, Fatal, Retriable, TooLarge
from models.schema import clock
from models.schema.limits import MAX_BYTES
from models.schema.urls import address_problem

CHUNK_BYTES = 64 * 1024
MAX_DIGITS = 9  # of the seconds of Retry-After


@dataclass(frozen=True, slots=True)
class Limits:
    """What one exchange may take: seconds to connect, of silence, in all; bytes of the answer."""

    connect_seconds: Annotated[float, Field(gt=0, le=120)] = 10.0
    idle_seconds: Annotated[float, Field(gt=0, le=600)] = 30.0
    total_seconds: Annotated[float, Field(gt=0, le=6 * 3600)] = 900.0
    max_bytes: Annotated[int, Field(ge=1024)] = MAX_BYTES


@dataclass(frozen=True, slots=True)
class ClientCertificate:
    """Files in PEM with which we show who we are; `key` None: it stands in the same file."""

    certificate: Path
    key: Path | None = None


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """What to ask where. `headers` may hold secrets, so they are not shown.

    `connect_to` is the literal address to connect to where the host was resolved and checked before; the host stays
    the name in the Host header and the one that the certificate must be of.
    """

    url: str = field(repr=False)
    body: bytes | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    certificate: ClientCertificate | None = None
    connect_to: str | None = None


Resolve = Callable[[str], str | None]


def as_named(_url: str) -> None:
    """How a URL of the configuration is connected to: by its name, wherever that leads (`HttpRequest.connect_to`)."""
    return


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; `chunks` is the body, to be read once, within the limits. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    chunks: Iterator[bytes]

    @property
    def content_type(self) -> str:
        """The Content-Type as sent; empty without one."""
        return self.headers.get("content-type", "")

    @property
    def media_type(self) -> str:
        """The type of the body without its parameters, in lower case."""
        return self.content_type.partition(";")[0].strip().lower()


@contextmanager
def fetch(request: HttpRequest, limits: Limits | None = None) -> Iterator[Answer]:
    """Ask once (POST where there is a body, else GET) and hand over the answer while the block runs.

    Raises Retriable where asking again may help (the outcome is unknown), Fatal where a setting must change. A
    redirect is Fatal: nobody but the configuration decides where pupil data comes from.
    """
    limits = limits or Limits()
    problem = address_problem(request.url)
    if problem is not None:
        raise Fatal(
            "Het ingestelde adres kan niet gebruikt worden; schrijf het als https://host/pad.",
            f"The configured address {problem}.",
        )
    with _plain_errors():
        connection, sock = _connect(request, limits)
    try:
        with _plain_errors():
            answer = _exchange(connection, request, limits)
        yield answer
    finally:
        connection.close()
        sock.close()


def status_error(status: int, headers: Mapping[str, str] = MappingProxyType({})) -> ConnectorError | None:
    """What an HTTP status, with the Retry-After of its headers, says of trying again; None for 200."""
    if status == 200:
        return None
    if 300 <= status < 400:
        return Fatal(
            f"De server verwijst door naar een ander adres (HTTP {status}); neem dat over in de instellingen.",
            f"The server redirects to another address (HTTP {status}); put the new address in the settings.",
        )
    if status in (401, 403):
        return Fatal(
            f"De server laat ons niet toe (HTTP {status}); controleer sleutel, headers en certificaat.",
            f"The server does not let us in (HTTP {status}); check key, headers and certificate.",
        )
    if status in (404, 405, 410):
        return Fatal(
            f"Op het ingestelde adres staat geen dienst (HTTP {status}); controleer het adres.",
            f"There is no service at the configured address (HTTP {status}); check the address.",
        )
    if status in (408, 425, 429) or status >= 500:
        return Retriable(
            f"De server kan nu niet antwoorden (HTTP {status}); we proberen het later opnieuw.",
            f"The server cannot answer now (HTTP {status}); it will be asked again later.",
            _wait_seconds(headers),
        )
    return Fatal(
        f"De server antwoordt met HTTP {status}; vraag de leverancier wat eraan schort.",
        f"The server answers HTTP {status}; ask the supplier what is wrong.",
    )


def _wait_seconds(headers: Mapping[str, str]) -> float | None:
    """How long Retry-After asks to wait: seconds, or a date, which is counted from the Date of the same answer."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:MAX_DIGITS])
    try:
        until = parsedate_to_datetime(text)
        sent = parsedate_to_datetime(headers["date"]) if "date" in headers else clock.now()
        return max((until - sent).total_seconds(), 0.0)
    except (ValueError, TypeError):  # no date, or only one of the two with a zone
        return None


# -- the wire ------------------------------------------------------------------------------------------------


class _DeadlineError(Exception):
    """The whole took too long."""


class _WatchedReader(io.RawIOBase):
    """Reads from a socket; every single read has what is left of the deadline, at most the idle limit."""

    def __init__(self, sock: socket.socket, ends: float, idle: float) -> None:
        self._sock = sock
        self._ends = ends
        self._idle = idle

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self._ends - time.monotonic()
        if left <= 0:
            raise _DeadlineError
        self._sock.settimeout(min(self._idle, left))
        try:
            return self._sock.recv_into(buffer)
        except TimeoutError:
            if time.monotonic() >= self._ends:
                raise _DeadlineError from None
            raise


class _WatchedSocket:
    """The part of a socket that http.client uses, with a reader that keeps the deadline."""

    def __init__(self, sock: socket.socket, ends: float, idle: float) -> None:
        self._sock = sock
        self._ends = ends
        self._idle = idle

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_WatchedReader(self._sock, self._ends, self._idle), CHUNK_BYTES)

    def sendall(self, data: bytes) -> None:
        left = self._ends - time.monotonic()
        if left <= 0:
            raise _DeadlineError
        self._sock.settimeout(min(self._idle, left))
        self._sock.sendall(data)

    def close(self) -> None:
        """Nothing: http.client lets go of the socket before the body is read; `fetch` closes it."""


def _connect(request: HttpRequest, limits: Limits) -> tuple[http.client.HTTPConnection, socket.socket]:
    """A connection that is open and watched, and its socket."""
    parts = urlsplit(request.url)
    host = parts.hostname or ""
    ends = time.monotonic() + limits.total_seconds
    timeout = min(limits.connect_seconds, limits.total_seconds)
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        connection = http.client.HTTPSConnection(host, parts.port, timeout=timeout, context=_tls(request.certificate))
    else:
        connection = http.client.HTTPConnection(host, parts.port, timeout=timeout)
    literal = request.connect_to
    if literal is not None:  # the place where http.client lets another way to connect in
        connection._create_connection = lambda to, *more: socket.create_connection((literal, to[1]), *more)  # type: ignore[attr-defined]
    connection.connect()
    sock: socket.socket = connection.sock
    connection.sock = _WatchedSocket(sock, ends, limits.idle_seconds)
    return connection, sock


def _tls(certificate: ClientCertificate | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if certificate is not None:
        try:
            context.load_cert_chain(certificate.certificate, certificate.key)
        except OSError:
            raise Fatal(
                "Het clientcertificaat of zijn sleutel kan niet gelezen worden; controleer client_certificate en "
                "client_key.",
                "The client certificate or its key cannot be read; check client_certificate and client_key.",
            ) from None
    return context


def _exchange(connection: http.client.HTTPConnection, request: HttpRequest, limits: Limits) -> Answer:
    parts = urlsplit(request.url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    headers = {"Accept-Encoding": "identity", "User-Agent": "rondblik", **request.headers, "Connection": "close"}
    connection.request("GET" if request.body is None else "POST", target, request.body, headers)
    response = connection.getresponse()
    named = {name.lower(): value for name, value in response.getheaders()}
    if named.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise Fatal(
            "De server stuurt het antwoord ingepakt, hoewel daar niet om gevraagd is; laat de leverancier dat "
            "uitzetten.",
            "The server compresses its answer though it was not asked to; have the supplier switch that off.",
        )
    return Answer(response.status, named, _body(response, limits))


def _body(response: http.client.HTTPResponse, limits: Limits) -> Iterator[bytes]:
    if response.length is not None and response.length > limits.max_bytes:
        raise TooLarge(limits.max_bytes)
    size = 0
    while True:
        with _plain_errors():
            chunk = response.read1(CHUNK_BYTES)
        if not chunk:
            break
        size += len(chunk)
        if size > limits.max_bytes:
            raise TooLarge(limits.max_bytes)
        yield chunk
    if response.length:  # the connection ended before the bytes that were announced
        raise _broken_off()


def _broken_off() -> Retriable:
    return Retriable(
        "De verbinding brak af voor het antwoord compleet was; we proberen het later opnieuw.",
        "The connection broke off before the answer was complete; it will be asked again later.",
    )


@contextmanager
def _plain_errors() -> Iterator[None]:
    """Turn what sockets, TLS and HTTP can raise into sentences."""
    try:
        yield
    except _DeadlineError:
        raise Retriable(
            "De server deed te lang over het antwoord; we proberen het later opnieuw.",
            "The server took too long over its answer; it will be asked again later.",
        ) from None
    except TimeoutError:
        raise Retriable(
            "De server antwoordt niet op tijd; we proberen het later opnieuw.",
            "The server does not answer in time; it will be asked again later.",
        ) from None
    except ssl.SSLCertVerificationError:
        raise Fatal(
            "Het certificaat van de server is niet te vertrouwen; de leverancier moet dat herstellen.",
            "The certificate of the server cannot be trusted; the supplier must fix that.",
        ) from None
    except ssl.SSLError:
        raise Retriable(
            "De beveiligde verbinding kwam niet tot stand of brak af; controleer adres en clientcertificaat.",
            "The secure connection could not be made or broke off; check address and client certificate.",
        ) from None
    except socket.gaierror:
        raise Retriable(
            "De naam van de server is niet te vinden; controleer het adres en het netwerk.",
            "The name of the server cannot be found; check the address and the network.",
        ) from None
    except ConnectionRefusedError:
        raise Retriable(
            "De server is niet bereikbaar; we proberen het later opnieuw.",
            "The server cannot be reached; it will be asked again later.",
        ) from None
    except (http.client.HTTPException, ConnectionError):
        raise _broken_off() from None
    except OSError:
        raise Retriable(
            "De server is niet bereikbaar; we proberen het later opnieuw.",
            "The server cannot be reached; it will be asked again later.",
        ) from None
