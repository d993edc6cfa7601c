"""The SOAP service: `POST /uwlr/leerresultaten`, and its WSDL. What it takes in goes through `push`.

Whatever reaches the route is answered with 200 and a leerresultaten_bevestiging, or with 500 and a Fault: senders do
not read the body of any other status. A confirmation leaves only after the message is committed.
"""

from __future__ import annotations

import errno
import hashlib
import logging
import re
import sys
import zlib
from collections.abc import Callable, Iterator
from typing import IO
from urllib.parse import urljoin, urlsplit

import flask
from flask.blueprints import BlueprintSetupState
from sqlalchemy.exc import OperationalError, TimeoutError
from werkzeug.routing import Rule

from connectors.errors import ClockSetBack, TooLarge
from connectors.intake import push
from connectors.intake import sandbox as intake_sandbox
from connectors.intake.judge import Spooled, spool_body
from connectors.intake.push import ReceiverContext
from connectors.transport.http_server import BODY_PROBLEM, BODY_SIZE, LOCAL_ADDRESS
from connectors.uwlr import rules, wsdl
from connectors.uwlr.envelope import fault_bytes
from connectors.uwlr.rules import finding
from models.ingest.result_store import Incoming, Receipt
from models.schema.records import Finding, Verdict
from models.schema.urls import is_loopback

PATH = "/uwlr/leerresultaten"
TEST_PREFIX = "/test/"
CHUNK_BYTES = 1 << 18
MAX_RATIO = 200  # UWLR packs to a thirtieth at best
RATIO_FROM_BYTES = 8 * 1024 * 1024

_log = logging.getLogger("rondblik.receive")
_OUT_OF_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENFILE)
_PROBLEM_RULES = {
    "chunks": "message.chunks",
    "deadline": "message.deadline",
    "header": "message.http",
    "size": "xml.size",
}
_SERVICE_PATH = re.compile(f"/*(?:{TEST_PREFIX[1:]}[^/]+/)?{PATH[1:]}/?")


def is_service(path: str) -> bool:
    """Whether a path of the web server is one of this service: its own, or that of a sandbox."""
    return _SERVICE_PATH.fullmatch(path) is not None


class _PackedWrong(Exception):
    """A body whose Content-Encoding is not read here, or whose packed bytes are damaged or unpack without end."""

    def __init__(self, rule: str = "message.gzip") -> None:
        super().__init__(rule)
        self.rule = rule


def blueprint(receiver: ReceiverContext, public_address: str | None = None) -> flask.Blueprint:
    """The routes of the service; the WSDL stands at `public_address`, without one at the address that was asked."""
    routes = flask.Blueprint("receive", __name__)

    def service() -> flask.Response:
        return _answer(
            receiver,
            lambda: public_address or _own_address(PATH),
            lambda spooled: push.deliver(receiver, spooled),
        )

    def sandbox_service(token: str) -> flask.Response:
        headers = dict(flask.request.headers.items())

        def address() -> str | None:
            path = flask.url_for("receive.sandbox_service", token=token)
            return _own_address(path) if public_address is None else urljoin(public_address, path)

        return _answer(receiver, address, lambda spooled: intake_sandbox.deliver(receiver, token, spooled, headers))

    def add_rules(state: BlueprintSetupState) -> None:
        # Flask has no rule for every method, and what a method without one gets is not SOAP; nor is a redirect.
        for path, view in ((PATH, service), (f"{TEST_PREFIX}<path:token>{PATH}", sandbox_service)):
            endpoint = f"receive.{view.__name__}"
            for written in (path, f"{path}/"):
                state.app.url_map.add(Rule(written, endpoint=endpoint, strict_slashes=False))
            state.app.view_functions[endpoint] = view

    routes.record(add_rules)
    routes.register_error_handler(ClockSetBack, _clock_set_back)
    routes.register_error_handler(Exception, internal_error)
    return routes


def _answer(
    receiver: ReceiverContext, own_address: Callable[[], str | None], deliver: Callable[[Spooled], Receipt]
) -> flask.Response:
    """The answer to a request: describe the service at `own_address`, take in a message, or say why not."""
    if flask.request.environ.get(BODY_PROBLEM) is not None or flask.request.method == "POST":
        return _receive(receiver, deliver)
    address = own_address()
    described = wsdl.describe(flask.request.args, address or "") if flask.request.method in ("GET", "HEAD") else None
    if described is None:
        return fault(
            rules.ONGELDIG_BERICHT,
            "Stuur berichten met POST; de beschrijving van de dienst staat op dit adres met ?wsdl erachter. "
            "/ Send messages with POST; the description of the service is at this address with ?wsdl behind it.",
        )
    if address is None:
        return fault(
            rules.ONGELDIG_BERICHT,
            "Onder deze naam wordt de beschrijving niet gegeven; de beheerder zet het adres dat u gebruikt in de "
            "instelling receive.public_address. "
            "/ The description is not given under this name; the administrator puts the address that you use in the "
            "setting receive.public_address.",
        )
    return _xml(described, 200)


def _own_address(path: str) -> str | None:
    """The address of a path under the name that was asked; None where that is no name of this machine.

    Whoever asks says which name, and what it says must not stand in a document of ours.
    """
    try:
        host = urlsplit(f"//{flask.request.host}").hostname or ""
    except ValueError:
        return None
    ours = is_loopback(host) or host == flask.request.environ.get(LOCAL_ADDRESS)
    return urljoin(flask.request.host_url, path) if ours else None


def _is_of_another_site() -> bool:
    """Whether a page of another site sends this: browsers let it post text unasked, and senders are no browsers."""
    site, origin = flask.request.headers.get("Sec-Fetch-Site"), flask.request.headers.get("Origin")
    if site is not None:
        return site not in ("same-origin", "none")
    return origin is not None and origin.partition("://")[2] != flask.request.host


def _receive(receiver: ReceiverContext, deliver: Callable[[Spooled], Receipt]) -> flask.Response:
    """Take in the body of a request, or say why not."""
    problem = flask.request.environ.get(BODY_PROBLEM)
    if problem == "busy":  # no row: the store may well be what all wait for
        return _answer_to(Receipt(0, Verdict.REJECT, rules.TIJDELIJK_NIET, (finding("message.busy"),)))
    if problem == "full":
        _log.error("No room, or no descriptor, for the body of a message")
        return _no_space()
    if problem is not None:
        return _refused_unread(receiver, finding(_PROBLEM_RULES[problem]), int(flask.request.environ.get(BODY_SIZE, 0)))
    if _is_of_another_site():
        return fault(
            rules.ONGELDIG_BERICHT,
            "Dit bericht komt van een webpagina van een andere site en is niet gelezen. "
            "/ This message comes from a web page of another site and was not read.",
        )
    packed_with = flask.request.headers.get("Content-Encoding", "")
    # The limit of the service is its own, and reported in a Fault; None would stand for the one of the pages.
    flask.request.max_content_length = sys.maxsize
    try:
        body = _unpacked(flask.request.stream, packed_with)
        spooled = spool_body(body, flask.request.headers.get("Content-Type", ""), receiver.bounds.max_bytes)
    except TooLarge:
        return _refused_unread(receiver, finding("xml.size"), flask.request.content_length or 0)
    except _PackedWrong as wrong:
        return _refused_unread(receiver, finding(wrong.rule), flask.request.content_length or 0)
    with spooled:
        return _answer_to(deliver(spooled))


def _refused_unread(receiver: ReceiverContext, finding: Finding, size: int) -> flask.Response:
    digest = hashlib.sha256(f"{finding.rule} {size}".encode()).digest()
    delivery = Incoming(source_id=None, channel=push.CHANNEL, digest=digest, size=size)
    return _answer_to(push.refuse_throttled(receiver, receiver.refusals, delivery, finding))


def _answer_to(receipt: Receipt) -> flask.Response:
    status, body = push.answer_to(receipt)
    return _xml(body, status)


def _unpacked(stream: IO[bytes], encoding: str) -> Iterator[bytes]:
    """The bytes of a body, unpacked where it is packed with gzip; what unpacks without end is stopped."""
    name = encoding.strip().lower()
    if name in ("", "identity"):
        while chunk := stream.read(CHUNK_BYTES):
            yield chunk
        return
    if name not in ("gzip", "x-gzip"):
        raise _PackedWrong("message.packing")
    unpacker = zlib.decompressobj(16 + zlib.MAX_WBITS)
    packed_size = size = 0
    try:
        while packed := stream.read(CHUNK_BYTES):
            packed_size += len(packed)
            while packed and not unpacker.eof:
                chunk = unpacker.decompress(packed, CHUNK_BYTES)
                size += len(chunk)
                if size > RATIO_FROM_BYTES and size > MAX_RATIO * packed_size:
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


def _clock_set_back(failed: ClockSetBack) -> flask.Response:
    return fault(
        rules.TIJDELIJK_NIET,
        "De klok van de ontvanger loopt achter; er is niets opgeslagen. Stuur het bericht later nog eens, ongewijzigd. "
        "/ The clock of the receiver is behind; nothing was stored. Send the message again later, unchanged.",
    )


def _no_space() -> flask.Response:
    return fault(
        rules.TIJDELIJK_NIET,
        "De ontvanger kan het bericht nu niet bewaren; er is niets opgeslagen. Stuur het later nog eens, ongewijzigd. "
        "/ The receiver cannot store the message now; nothing was stored. Send it again later, unchanged.",
    )


def internal_error(failed: Exception) -> flask.Response:
    """What we could not do ourselves; the text of an error may hold values of a message, so only its kind is logged."""
    _log.error("%s while receiving", type(failed).__name__)
    out_of_space = isinstance(failed, OSError) and failed.errno in _OUT_OF_SPACE
    if out_of_space or isinstance(failed, OperationalError | TimeoutError):
        return _no_space()
    sentence = (
        "Er ging bij de ontvanger iets mis; er is niets opgeslagen. Meld het de beheerder en stuur het later opnieuw. "
        "/ Something went wrong at the receiver; nothing was stored. Tell its administrator and send it again later."
    )
    return fault(rules.INTERNE_FOUT, sentence)


def _xml(body: bytes, status: int) -> flask.Response:
    return flask.Response(body, status, content_type=push.CONTENT_TYPE)
