"""The SOAP service: `POST /uwlr/leerresultaten`, and its WSDL. What it takes in goes through `push`.

Whatever reaches the route is answered with 200 and a leerresultaten_bevestiging, or with 500 and a Fault: senders do
not read the body of any other status. A confirmation leaves only after the message is committed.
"""

from __future__ import annotations

import errno
import hashlib
import logging
import zlib
from collections.abc import Callable, Iterator
from typing import IO

import flask
from flask.typing import ResponseReturnValue
from lxml import etree
from sqlalchemy.exc import OperationalError, TimeoutError

from connectors import push, wsdl
from connectors.conformance import test_rooms
from connectors.errors import TooLarge
from connectors.intake import Spooled, refuse_unread, spool
from connectors.push import Desk
from connectors.uwlr import names, rules
from connectors.uwlr.envelope import fault_bytes, in_envelope
from connectors.uwlr.rules import finding
from models.records import Finding, Verdict
from models.store import Receipt

PATH = "/uwlr/leerresultaten"
TEST_PREFIX = "/test/"
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
CHUNK_BYTES = 1 << 18
MOST_RATIO = 200  # UWLR packs to a thirtieth at best
RATIO_FROM_BYTES = 8 * 1024 * 1024
# What the web server says of a body that it did not hand over as a whole: size, deadline or packing.
BODY_PROBLEM = "rondblik.body_problem"
BODY_SIZE = "rondblik.body_size"

_log = logging.getLogger("rondblik.receive")
_PROBLEM_RULES = {"size": "xml.size", "deadline": "message.deadline", "packing": "message.packing"}


def is_service(path: str) -> bool:
    """Whether a path of the web server is one of this service."""
    return path == PATH or (path.startswith(TEST_PREFIX) and path.endswith(PATH))


class _PackedWrong(Exception):
    """A body whose Content-Encoding is not read here, or whose packed bytes are damaged or unpack without end."""


def blueprint(desk: Desk, public_address: str | None = None) -> flask.Blueprint:
    """The routes of the service; `public_address` stands in the WSDL, else the address that was asked."""
    routes = flask.Blueprint("receive", __name__)

    def service() -> ResponseReturnValue:
        described = _described(public_address or flask.request.base_url)
        return described or _answer(desk, lambda spooled: push.deliver(desk, spooled))

    def room_service(token: str) -> ResponseReturnValue:
        described = _described(flask.request.base_url)
        if described is not None:
            return described
        return _answer(desk, lambda spooled: test_rooms.deliver(desk, token, spooled))

    room = f"{TEST_PREFIX}<token>{PATH}"
    routes.add_url_rule(room, view_func=room_service, methods=METHODS, provide_automatic_options=False)
    routes.add_url_rule(PATH, view_func=service, methods=METHODS, provide_automatic_options=False)
    routes.register_error_handler(Exception, broken)
    return routes


def _described(address: str) -> flask.Response | None:
    """The WSDL or schema that a request asks for, if it does."""
    if flask.request.method not in ("GET", "HEAD"):
        return None
    described = wsdl.describe(flask.request.args, address)
    return None if described is None else flask.Response(described, mimetype="text/xml")


def _answer(desk: Desk, deliver: Callable[[Spooled], Receipt]) -> flask.Response:
    """The answer to a request: take in its body, or say why not."""
    if flask.request.method != "POST":
        return fault(
            rules.ONGELDIG_BERICHT,
            "Stuur berichten met POST; de beschrijving van de dienst staat op dit adres met ?wsdl erachter. "
            "/ Send messages with POST; the description of the service is at this address with ?wsdl behind it.",
        )
    problem = flask.request.environ.get(BODY_PROBLEM)
    if problem is not None:
        return _refused_unread(desk, finding(_PROBLEM_RULES[problem]), int(flask.request.environ.get(BODY_SIZE, 0)))
    packed_with = flask.request.headers.get("Content-Encoding", "")
    flask.request.max_content_length = None  # the bound of the service is its own, and told in a Fault
    try:
        spooled = spool(_unpacked(flask.request.stream, packed_with), desk.bounds.max_bytes)
    except TooLarge:
        return _refused_unread(desk, finding("xml.size"), flask.request.content_length or 0)
    except _PackedWrong:
        return _refused_unread(desk, finding("message.packing"), flask.request.content_length or 0)
    with spooled:
        receipt = deliver(spooled)
    if receipt.verdict is Verdict.REJECT:
        return fault(receipt.fault or rules.ONGELDIG_BERICHT, push.fault_sentence(receipt))
    return _xml(in_envelope(etree.Element(names.BEVESTIGING, nsmap={None: names.LR})), 200)


def _refused_unread(desk: Desk, found: Finding, size: int) -> flask.Response:
    receipt = refuse_unread(
        desk.engine, desk.seal, source_id=None, school_id=None, way=push.WAY, found=found,
        digest=hashlib.sha256(f"{found.rule} {size}".encode()).digest(), size=size,
    )  # fmt: skip
    return fault(receipt.fault or rules.ONGELDIG_BERICHT, push.fault_sentence(receipt))


def _unpacked(stream: IO[bytes], encoding: str) -> Iterator[bytes]:
    """The bytes of a body, unpacked where it is packed with gzip; what unpacks without end is stopped."""
    name = encoding.strip().lower()
    if name in ("", "identity"):
        while chunk := stream.read(CHUNK_BYTES):
            yield chunk
        return
    if name not in ("gzip", "x-gzip"):
        raise _PackedWrong
    unpacker = zlib.decompressobj(16 + zlib.MAX_WBITS)
    packed_size = size = 0
    try:
        while packed := stream.read(CHUNK_BYTES):
            packed_size += len(packed)
            while packed and not unpacker.eof:
                chunk = unpacker.decompress(packed, CHUNK_BYTES)
                size += len(chunk)
                if size > RATIO_FROM_BYTES and size > MOST_RATIO * packed_size:
                    raise _PackedWrong
                yield chunk
                packed = unpacker.unconsumed_tail
            if unpacker.eof and (packed or unpacker.unused_data):
                raise _PackedWrong  # something stands behind the packed message: it must not vanish silently
    except zlib.error:
        raise _PackedWrong from None
    if not unpacker.eof:
        raise _PackedWrong


# -- answers -------------------------------------------------------------------------------------------------


def fault(code: str, sentence: str) -> flask.Response:
    """A Fault with a code of the standard: HTTP 500, text/xml."""
    return _xml(fault_bytes(code, sentence), 500)


def broken(failed: Exception) -> flask.Response:
    """What we could not do ourselves; the text of an error may hold values of a message, so only its kind is logged."""
    _log.error("%s while receiving", type(failed).__name__)
    out_of_space = isinstance(failed, OSError) and failed.errno in (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EMFILE)
    if out_of_space or isinstance(failed, OperationalError | TimeoutError):
        return fault(
            rules.TIJDELIJK_NIET,
            "De ontvanger kan het bericht nu niet bewaren; er is niets opgeslagen. Stuur het later nog eens, "
            "ongewijzigd. "
            "/ The receiver cannot store the message now; nothing was stored. Send it again later, unchanged.",
        )
    sentence = (
        "Er ging bij de ontvanger iets mis; er is niets opgeslagen. Meld het de beheerder en stuur het later opnieuw. "
        "/ Something went wrong at the receiver; nothing was stored. Tell its administrator and send it again later."
    )
    return fault(rules.INTERNE_FOUT, sentence)


def _xml(body: bytes, status: int) -> flask.Response:
    return flask.Response(body, status, content_type="text/xml; charset=utf-8")
