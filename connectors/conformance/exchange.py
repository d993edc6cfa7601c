"""One call to a vendor's endpoint: the request, the reply, and what is wrong with the reply as HTTP and SOAP."""

from __future__ import annotations

import io
import re
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from connectors.conformance.addresses import Target
from connectors.errors import ConnectorError, TooLarge
from connectors.intake.documents import outline_of
from connectors.transport import http_client
from connectors.transport.http_client import HttpRequest, Limits
from connectors.uwlr import names
from connectors.uwlr.charset import in_declared_encoding
from connectors.uwlr.envelope import Authorisation
from connectors.uwlr.pupil_gate import NotReadable, local, parse
from connectors.uwlr.pupil_messages import Profile
from connectors.uwlr.rules import finding
from models.schema.records import Finding, SchoolRef

ANSWER_SECONDS = 30.0
VENDOR_LIMITS = Limits(connect_seconds=10.0, idle_seconds=30.0, total_seconds=60.0, max_bytes=64 * 1024 * 1024)
OWN_HEADERS = frozenset(
    {"host", "connection", "content-length", "transfer-encoding", "accept-encoding", "content-type", "soapaction"}
)
TEXT_XML = "text/xml"
NO_SERVICE = (404, 405, 410, 501)
_INSPECTED_BYTES = 1 << 20  # of a reply without data: a Fault, an error page
_TRACE_BYTES = 1 << 18
_MIN_SECRET_LENGTH = 8  # a shorter one may occur in a text by chance
_NAME = re.compile(r"[A-Za-z0-9_.+/-]{1,64}")
# Every repetition is bounded or possessive: the text is untrusted, and may be crafted to keep a pattern busy.
_HTML = re.compile(
    rb"\s*+(?:<!--(?:[^-]|-(?!->))*+-->\s*+)*+<(?:!doctype\s{1,99})?html\b",
    re.IGNORECASE,
)
_STACK_TRACE = re.compile(
    r"Traceback \(most recent call last\)"
    r"|\bat [\w.$<>]{1,200}\([\w$]{1,100}\.(?:java|kt|scala|groovy):\d"
    r"|\bat [\w.$<>]{1,200}\((?:Native Method|Unknown Source)\)"
    r"|\bat [\w.`<>\[\], ]{1,200}\([^)\n]{0,200}\) in [^\n]{1,200}:(?:line|regel) \d"
    r"|\b(?:java|javax|jakarta|org|com|nl|System|Microsoft)(?:\.\w{1,80}){1,12}(?:Exception|Error)\b"
    r"|[Ss]tack ?[Tt]race:"
    r"|#\d{1,3} [^\n]{0,200}\.php\(\d"
    r"|\bat [^\n(]{1,200} \([^)\n]{0,200}\.[cm]?[jt]s:\d{1,6}:\d"
    r"|\b(?:ORA-\d{5}|SQLSTATE\[)"
)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What to call, for which school and with which credentials; `answer_seconds` is how long an answer may take."""

    target: Target
    school: SchoolRef
    school_year: str
    authorisation: Authorisation
    profile: Profile = "edexml"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    limits: Limits = VENDOR_LIMITS
    answer_seconds: float = ANSWER_SECONDS


@dataclass(frozen=True, slots=True)
class ReceivedFault:
    """A Fault: the code after the colon, or "?"; whether its prefix is that of the envelope; whether it has a text."""

    code: str
    qualified: bool
    has_text: bool


@dataclass(frozen=True, slots=True)
class Reply:
    """The reply to a call. `payload` is the tag in the Body; `broken` says why there is no reply at all."""

    operation: str
    seconds: float
    request: HttpRequest = field(repr=False)
    status: int | None = None
    media_type: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    charset_rules: tuple[str, ...] = ()
    root: str | None = None
    payload: str | None = None
    fault: ReceivedFault | None = None
    broken: Finding | None = None


def post(endpoint: Endpoint, operation: str, body: bytes, action: str) -> Reply:
    """Send a message and read the whole answer; whatever goes wrong is recorded in the reply."""
    headers = {
        "Content-Type": "text/xml; charset=utf-8",
        "Accept": TEXT_XML,
        "SOAPAction": f'"{action}"',
        **endpoint.headers,
    }
    request = HttpRequest(endpoint.target.url, body, headers, connect_to=endpoint.target.connect_to)
    started = time.monotonic()
    try:
        with http_client.fetch(request, endpoint.limits) as answer:
            content, broken = in_declared_encoding(b"".join(answer.chunks), answer.content_type)
    except ConnectorError as error:
        seconds = time.monotonic() - started
        return Reply(operation, seconds, request, broken=_no_answer(error, seconds, endpoint))
    seconds = time.monotonic() - started
    outline = outline_of(io.BytesIO(content))
    fault = _read_fault(content) if outline.payload == names.FAULT else None
    return Reply(
        operation,
        seconds,
        request,
        answer.status,
        answer.media_type,
        answer.headers,
        content,
        tuple(broken),
        outline.root,
        outline.payload,
        fault,
    )


def safe_name(text: str) -> str:
    """A name that an endpoint sent (a code, a media type), or "?" where it has another form: it is untrusted."""
    return text if _NAME.fullmatch(text) else "?"


def _no_answer(error: ConnectorError, seconds: float, endpoint: Endpoint) -> Finding:
    limits = endpoint.limits
    if isinstance(error, TooLarge):
        return finding("endpoint.too-large", limit=limits.max_bytes // 1_000_000)
    timeout = min(endpoint.answer_seconds, limits.idle_seconds, limits.total_seconds)
    if seconds >= timeout:
        return finding("endpoint.slow", limit=f"{endpoint.answer_seconds:g}")
    # What follows the semicolon is about scheduled fetches.
    nl, en = (sentence.partition(";")[0].rstrip(".") for sentence in (error.sentence_nl, error.sentence_en))
    return finding("endpoint.no-answer", nl=nl, en=en)


def _read_fault(content: bytes) -> ReceivedFault | None:
    try:
        root, _ = parse(content[:_INSPECTED_BYTES])
    except NotReadable:
        return None
    fault = root.find(f"{names.BODY}/{names.FAULT}")
    if fault is None:
        return None
    children = {local(child): child for child in fault}
    code = children.get("faultcode")
    if code is None:
        return ReceivedFault("?", False, False)
    prefix, colon, rest = (code.text or "").strip().rpartition(":")
    namespace = code.nsmap.get(prefix if colon else None)
    text = children.get("faultstring")
    return ReceivedFault(safe_name(rest), namespace == names.SOAP, text is not None and bool((text.text or "").strip()))


# -- judging -------------------------------------------------------------------------------------------------


def is_answer(reply: Reply, tag: str) -> bool:
    """Whether a reply is an answer to the request, possibly with errors in its form."""
    return reply.broken is None and reply.status == 200 and reply.payload == tag


def judge_answer(reply: Reply, tag: str, endpoint: Endpoint) -> list[Finding]:
    """What is wrong with a reply that should be HTTP 200, text/xml, with the element `tag` in the Body."""
    findings, unusable = _judge_reply(reply, endpoint, is_data=reply.payload == tag)
    if unusable:
        return findings
    if reply.fault is not None:
        return [*findings, finding("answer.fault", code=reply.fault.code)]
    if reply.status != 200:
        findings.append(finding("answer.status"))
    if reply.media_type != TEXT_XML:
        findings.append(finding("answer.media-type"))
    if reply.root != names.ENVELOPE:
        findings.append(finding("answer.not-soap"))
    elif reply.payload != tag:
        findings.append(finding("answer.element", expected=names.local(tag)))
    return findings


def judge_refusal(reply: Reply, expected: str, seen_in_practice: Collection[str], endpoint: Endpoint) -> list[Finding]:
    """What is wrong with a reply that should be HTTP 500, text/xml, with a Fault of code `expected`.

    A code of `seen_in_practice` gives a warning only: the standard leaves room, or common software cannot do better.
    """
    findings, unusable = _judge_reply(reply, endpoint, is_data=False)
    if unusable:
        return findings
    fault = reply.fault
    if fault is None:
        answered = reply.status == 200 and reply.payload not in (None, names.FAULT)
        return [*findings, finding("fault.none" if answered else "fault.missing", expected=expected)]
    if reply.status != 500:
        findings.append(finding("fault.status"))
    if reply.media_type != TEXT_XML:
        findings.append(finding("fault.media-type"))
    if fault.code != expected:
        rule = "fault.code-other" if fault.code in seen_in_practice else "fault.code"
        findings.append(finding(rule, expected=expected, code=fault.code))
    if not fault.qualified:
        findings.append(finding("fault.prefix"))
    if not fault.has_text:
        findings.append(finding("fault.text"))
    return findings


def _judge_reply(reply: Reply, endpoint: Endpoint, *, is_data: bool) -> tuple[list[Finding], bool]:
    """What is wrong with any reply, and whether there is nothing in it to judge further."""
    if reply.broken is not None:
        return [reply.broken], True
    findings = [finding(rule) for rule in reply.charset_rules]
    if reply.seconds > endpoint.answer_seconds:
        findings.append(finding("endpoint.slow", limit=f"{endpoint.answer_seconds:g}"))
    if not is_data:
        findings += _leaks(reply.body[:_TRACE_BYTES], endpoint.authorisation)
    if reply.status is not None and 300 <= reply.status < 400:
        return [*findings, finding("endpoint.redirect")], True
    if reply.media_type in ("text/html", "application/xhtml+xml") or _HTML.match(reply.body[:_INSPECTED_BYTES]):
        return [*findings, finding("endpoint.html")], True
    return findings, False


def _leaks(body: bytes, authorisation: Authorisation) -> list[Finding]:
    text = body.decode("utf-8", "replace")
    findings = []
    if _STACK_TRACE.search(text):
        findings.append(finding("endpoint.stack-trace"))
    key = authorisation.key
    if len(key) >= _MIN_SECRET_LENGTH and (key in text or escape(key) in text):
        findings.append(finding("endpoint.secret"))
    return findings
