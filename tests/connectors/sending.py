"""A receiver behind the real web server, and a publisher that sends to it over loopback."""

from __future__ import annotations

import http.client
import re
import socket
import struct
import threading
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import flask
from sqlalchemy import Engine

from connectors.intake.push import ReceiverContext
from connectors.intake.receive import PATH, is_service
from connectors.transport.http_server import BodyLimits, make_server
from dashboard.server.serving import bind
from dashboard.server.wsgi import AppOptions, create_app, create_soap_app
from models.ingest import senders
from models.ingest.schools import Identification
from models.schema.database import write_transaction
from models.schema.encryption import PiiCipher
from models.schema.terms import SenderTerms
from tests.private_data import watch

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
AUT = "http://www.edustandaard.nl/leerresultaten/2/autorisatie"
HORIZON = Identification("brin", "99XX")
BAKEN = Identification("brin", "99YY")


@dataclass(frozen=True)
class Account:
    """What a publisher was given: the three texts of its header, and its number as a source."""

    code: str
    name: str
    key: str
    source_id: int = 0

    @property
    def header(self) -> str:
        return (
            f'<a:autorisatie xmlns:a="{AUT}"><a:autorisatiesleutel>{self.key}</a:autorisatiesleutel>'
            f"<a:klantcode>{self.code}</a:klantcode><a:klantnaam>{self.name}</a:klantnaam></a:autorisatie>"
        )


def account(
    engine: Engine,
    cipher: PiiCipher,
    name: str = "Rekenwijs",
    *covered: Identification,
    terms: SenderTerms | None = None,
) -> Account:
    """A sender with one key, for De Horizon unless other schools are named."""
    code, key = senders.new_code(), senders.new_key()
    with write_transaction(engine) as connection:
        source_id = senders.add_sender(
            connection, cipher, name.lower(), name, code, terms or SenderTerms(), senders.FROM_COMMAND
        )
        senders.add_key(connection, cipher, source_id, key, covered or (HORIZON,))
    return Account(code, name, key, source_id)


def enveloped(data: bytes, header: str) -> bytes:
    """A bare message in an envelope with this header."""
    payload = data.decode().partition("?>")[2]
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="{SOAP}"><s:Header>{header}</s:Header>'
        f"<s:Body>{payload}</s:Body></s:Envelope>"
    ).encode()


def packed_zeros(megabytes: int) -> bytes:
    """A gzip of so many million zeros; one compressed piece that is repeated, so that it is made in no time."""
    piece = bytes(1_000_000)
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    repeated = (packer.compress(piece) + packer.flush(zlib.Z_FULL_FLUSH)) * megabytes
    checksum = reduce(lambda checksum, _number: zlib.crc32(piece, checksum), range(megabytes), 0)
    ending = struct.pack("<II", checksum, megabytes * len(piece))
    return b"\x1f\x8b\x08" + bytes(7) + repeated + packer.flush() + ending


@dataclass
class Answer:
    """What came back over HTTP."""

    status: int
    media_type: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def fault(self) -> str | None:
        """The faultcode behind its prefix."""
        match = re.search(rb"<faultcode>soap:([^<]*)</faultcode>", self.body)
        return None if match is None else match[1].decode()

    @property
    def sentence(self) -> str:
        """The faultstring."""
        match = re.search(rb"<faultstring>([^<]*)</faultstring>", self.body)
        return "" if match is None else match[1].decode()

    @property
    def confirmed(self) -> bool:
        """Whether it is a confirmation in an envelope, with HTTP 200."""
        return self.status == 200 and self.media_type == "text/xml" and b"leerresultaten_bevestiging" in self.body


@dataclass
class Receiver:
    """The service at a port of this machine."""

    port: int

    def post(self, body: bytes, path: str = PATH, method: str = "POST", **headers: str) -> Answer:
        """Send these bytes; header names with _ for -."""
        watch.sent(body)
        named = {"Content-Type": "text/xml", **{name.replace("_", "-"): value for name, value in headers.items()}}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, named)
            return answer_of(connection.getresponse())
        finally:
            connection.close()


def answer_of(response: http.client.HTTPResponse) -> Answer:
    """A response that is read to its end."""
    body = response.read()
    headers = {name.lower(): value for name, value in response.getheaders()}
    answer = Answer(response.status, headers.get("content-type", "").partition(";")[0], body, headers)
    if answer.fault is not None:
        watch.fault(body)
    return answer


def _beside_the_dashboard(receiver: ReceiverContext, public_address: str | None = None) -> flask.Flask:
    options = AppOptions(demo=False, users=())
    return create_app(receiver.engine, receiver.cipher, options, receiver, public_address)


# The apps that have the service: that of `serve --soap-only`, and that of `serve` and `demo`.
APPS: dict[str, Callable[[ReceiverContext, str | None], flask.Flask]] = {
    "alone": create_soap_app,
    "beside the dashboard": _beside_the_dashboard,
}
chosen_app: str | None = None


@contextmanager
def receiving(
    receiver: ReceiverContext,
    limits: BodyLimits | None = None,
    public_address: str | None = None,
    *,
    app: str | None = None,
) -> Iterator[Receiver]:
    """The service behind the real web server, on a free port.

    It stands in the app that the fixture `every_app` chose: a test that sends uses that fixture, so that no limit of
    one app stays hidden because only the other was tested. What needs a service for something else names an `app`.
    """
    name = app or chosen_app
    if name is None:
        raise LookupError("a test that sends uses the fixture `every_app`")
    with serving_app(APPS[name](receiver, public_address), bind("127.0.0.1", 0), limits) as port:
        yield Receiver(port)


@contextmanager
def serving_app(app: Any, listener: socket.socket, limits: BodyLimits | None = None) -> Iterator[int]:
    """An application behind the real web server; the port of its door, which is closed at the end."""
    server = make_server(app, listener, limits or BodyLimits(is_service))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()

    def stop() -> None:
        for channel in list(server.active_channels.values()):
            channel.handle_close()
        server.close()

    try:
        yield listener.getsockname()[1]
    finally:
        with suppress(OSError):  # a thread that has just answered may have made the server do it before we ring
            server.trigger.pull_trigger(stop)  # in the thread of the server, which ends when nothing is open
        thread.join(10)
        server.task_dispatcher.shutdown()
        listener.close()
        assert not thread.is_alive()
