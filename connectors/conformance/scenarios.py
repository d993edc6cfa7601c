"""What a scenario is, how scenarios are run, and the requests that every UWLR service must refuse.

A refusal is only meaningful where the valid request is answered: an endpoint that refuses everything also refuses a
wrong key. So where the valid request is not answered, the scenarios of refusal are reported as not tested, with that
reason. A scenario that the endpoint cannot answer now (Server.TijdelijkNietBeschikbaar) is not tested either.
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar

from lxml import etree

from connectors.conformance.exchange import Endpoint, Reply, judge_refusal, post, safe_name
from connectors.uwlr.envelope import Authorisation, authorisation_element, in_envelope
from connectors.uwlr.rules import (
    AUTORISATIE_ONGELDIG,
    ERROR,
    KLANT_ONGELDIG,
    ONGELDIG_BERICHT,
    TIJDELIJK_NIET,
    WARNING,
    XSD_VERSIE_ONGELDIG,
)
from models.schema.records import Finding, SchoolRef, Text

LAS, PUBLISHER = "las", "publisher"  # the kinds of endpoints
XSD_VERSION = "2.2"
UNKNOWN_VERSION = "9.9"
UNKNOWN_KEY = "rondblik-toets-onbekende-sleutel"
UNKNOWN_CODE = "RONDBLIK-TOETS-ONBEKEND"
UNKNOWN_NAME = "Rondblik toets onbekend"
OTHER_BRINS = ("99ZZ", "99ZY")
MALFORMED_BRIN = "9XX9"
MALFORMED_YEAR = "26/27"
UNKNOWN_OPERATION = "OnbekendeBewerking"
UNKNOWN_REQUEST = "onbekend_verzoek"
MAX_BROKEN_REPLIES = 3  # each may take a minute, and the next will most likely fail as well


class State(StrEnum):
    """The outcome of a scenario, or of a level of checks."""

    PASSED = "passed"
    WARNED = "warned"
    FAILED = "failed"
    NOT_TESTED = "not_tested"


@dataclass(frozen=True, slots=True)
class ResponseSummary:
    """One reply without its contents: operation, HTTP status, media type, fault code, seconds."""

    operation: str
    status: int | None
    media_type: str
    fault: str | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a scenario. `reason` says why it was not tested; `examined` that messages with data were judged.

    `came` are the replies, in order.
    """

    scenario: Scenario
    state: State
    findings: tuple[Finding, ...]
    seconds: float
    came: tuple[ResponseSummary, ...]
    reason: Text | None = None
    examined: bool = False


class NotTested(Exception):
    """The scenario cannot be tested at this endpoint, for this reason."""

    def __init__(self, reason: Text) -> None:
        super().__init__(reason.en)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Request:
    """The contents of a request, changed by scenarios of refusal; `authorisation` None leaves the Header out."""

    school: SchoolRef
    school_year: str
    authorisation: Authorisation | None
    xsd_version: str = XSD_VERSION
    since: str | None = None


class Session(ABC):
    """The calls of one run: answers are reused by later scenarios, and every reply is recorded."""

    namespace: ClassVar[str]

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.replies: list[Reply] = []
        self.examined = False
        self._broken_replies = 0

    @property
    def valid_request(self) -> Request:
        """The request with nothing wrong in it."""
        return Request(self.endpoint.school, self.endpoint.school_year, self.endpoint.authorisation)

    def post(self, operation: str, body: bytes, action: str) -> Reply:
        """Send a message; raises NotTested where the endpoint cannot answer now, or failed to answer too often."""
        if self._broken_replies >= MAX_BROKEN_REPLIES:
            raise NotTested(
                Text(
                    f"Het adres gaf al {MAX_BROKEN_REPLIES} keer geen heel antwoord.",
                    f"The endpoint failed to give a whole answer {MAX_BROKEN_REPLIES} times before.",
                )
            )
        reply = post(self.endpoint, operation, body, action)
        self._broken_replies += reply.broken is not None
        self.replies.append(reply)
        if reply.fault is not None and reply.fault.code == TIJDELIJK_NIET:
            raise NotTested(
                Text(
                    "Het adres meldt dat het nu even niet kan antwoorden (Server.TijdelijkNietBeschikbaar).",
                    "The endpoint says that it cannot answer now (Server.TijdelijkNietBeschikbaar).",
                )
            )
        return reply

    def set_replies(self, *replies: Reply) -> None:
        """Report these replies with the scenario instead of those recorded; some may be from an earlier scenario."""
        self.replies = list(replies)

    @abstractmethod
    def write(self, request: Request) -> tuple[str, bytes, str]:
        """Operation, message and SOAPAction of a request, in the form that this endpoint offers."""

    @abstractmethod
    def is_answered(self) -> bool:
        """Whether the valid request is answered, possibly with findings."""

    def require_answer(self) -> None:
        """Raise NotTested where the valid request is not answered."""
        if not self.is_answered():
            raise NotTested(
                Text(
                    "Het juiste verzoek krijgt geen antwoord; dan zegt een weigering niets.",
                    "The right request brings no answer; then a refusal says nothing.",
                )
            )


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario: what is tried, what is expected (`refuses`: a Fault), and the function that runs it."""

    id: str
    clause: str
    title: Text
    explanation: Text
    expected: Text
    play: Callable[[Any], list[Finding]]
    refuses: bool = False


def run(
    session: Session, scenarios: Iterable[Scenario], done: Callable[[Outcome], None] = lambda _: None
) -> list[Outcome]:
    """Run the scenarios one after the other; `done` is called with each outcome as soon as it is there."""
    outcomes = []
    for scenario in scenarios:
        outcome = _play(session, scenario)
        outcomes.append(outcome)
        done(outcome)
    return outcomes


def state_of(findings: Sequence[Finding]) -> State:
    """The state that follows from findings."""
    levels = {finding.level for finding in findings}
    return State.FAILED if ERROR in levels else State.WARNED if WARNING in levels else State.PASSED


def _play(session: Session, scenario: Scenario) -> Outcome:
    session.replies, session.examined = [], False
    findings: list[Finding] = []
    reason = None
    try:
        findings = scenario.play(session)
        state = state_of(findings)
    except NotTested as not_tested:
        state, reason = State.NOT_TESTED, not_tested.reason
    return Outcome(
        scenario=scenario,
        state=state,
        findings=tuple(dict.fromkeys(findings)),
        seconds=sum(reply.seconds for reply in session.replies),
        came=tuple(_summary_of(reply) for reply in session.replies),
        reason=reason,
        examined=session.examined,
    )


def _summary_of(reply: Reply) -> ResponseSummary:
    media_type = safe_name(reply.media_type) if reply.media_type else ""
    fault = None if reply.fault is None else reply.fault.code
    return ResponseSummary(reply.operation, reply.status, media_type, fault, reply.seconds)


# -- what must be refused --------------------------------------------------------------------------------------


def refusals(prefix: str) -> tuple[Scenario, ...]:
    """The requests that every service must refuse; their ids begin with `prefix`."""
    return (
        _refusal(
            f"{prefix}.wrong-customer-code",
            Text("Onbekende klantcode", "Unknown klantcode"),
            Text(
                "Het juiste verzoek met een klantcode die niet bestaat.",
                "The right request with a klantcode that does not exist.",
            ),
            KLANT_ONGELDIG,
            _with_account(customer_code=UNKNOWN_CODE),
        ),
        _refusal(
            f"{prefix}.wrong-customer-name",
            Text("Onbekende klantnaam", "Unknown klantnaam"),
            Text(
                "Het juiste verzoek met een klantnaam die niet bij de klantcode hoort.",
                "The right request with a klantnaam that does not belong to the klantcode.",
            ),
            KLANT_ONGELDIG,
            _with_account(customer_name=UNKNOWN_NAME),
        ),
        _refusal(
            f"{prefix}.wrong-key",
            Text("Onbekende autorisatiesleutel", "Unknown autorisatiesleutel"),
            Text(
                "Het juiste verzoek met een autorisatiesleutel die niet bestaat.",
                "The right request with an autorisatiesleutel that does not exist.",
            ),
            AUTORISATIE_ONGELDIG,
            _with_account(key=UNKNOWN_KEY),
        ),
        _refusal(
            f"{prefix}.missing-header",
            Text("Geen autorisatie", "No autorisatie"),
            Text("Het juiste verzoek zonder Header.", "The right request without a Header."),
            AUTORISATIE_ONGELDIG,
            lambda request: dataclasses.replace(request, authorisation=None),
        ),
        _refusal(
            f"{prefix}.other-school",
            Text("School van een ander", "School of somebody else"),
            Text(
                "Het verzoek noemt een school waarvoor de sleutel niet geldt.",
                "The request names a school that the key does not cover.",
            ),
            AUTORISATIE_ONGELDIG,
            lambda request: dataclasses.replace(request, school=_other_school(request.school)),
            (KLANT_ONGELDIG,),
        ),
        _refusal(
            f"{prefix}.malformed-brin",
            Text("Onjuist gevormde BRIN", "Malformed BRIN"),
            Text(
                "De brincode in het verzoek heeft niet de vorm van twee cijfers en twee letters.",
                "The brincode in the request does not have the form of two digits and two letters.",
            ),
            ONGELDIG_BERICHT,
            lambda request: dataclasses.replace(request, school=SchoolRef(brin=MALFORMED_BRIN)),
            (KLANT_ONGELDIG,),
        ),
        _refusal(
            f"{prefix}.malformed-year",
            Text("Onjuist gevormd schooljaar", "Malformed school year"),
            Text(
                "Het schooljaar in het verzoek heeft niet de vorm 2026-2027.",
                "The school year in the request does not have the form 2026-2027.",
            ),
            ONGELDIG_BERICHT,
            lambda request: dataclasses.replace(request, school_year=MALFORMED_YEAR),
        ),
        _refusal(
            f"{prefix}.unsupported-version",
            Text("Onbekende xsdversie", "Unknown xsdversie"),
            Text(
                f"Het verzoek vraagt xsdversie {UNKNOWN_VERSION}, die niet bestaat.",
                f"The request asks for xsdversie {UNKNOWN_VERSION}, which does not exist.",
            ),
            XSD_VERSIE_ONGELDIG,
            lambda request: dataclasses.replace(request, xsd_version=UNKNOWN_VERSION),
        ),
        _scenario_of_refusal(
            f"{prefix}.garbage",
            Text("Geen welgevormde XML", "No well-formed XML"),
            Text("Het verzoek breekt halverwege af.", "The request breaks off half way."),
            ONGELDIG_BERICHT,
            ("Client",),
            _play_garbage,
        ),
        _scenario_of_refusal(
            f"{prefix}.unknown-operation",
            Text("Onbekende bewerking", "Unknown operation"),
            Text(
                "De Body bevat een verzoek dat niet in de servicebeschrijving staat.",
                "The Body holds a request that is not in the service description.",
            ),
            ONGELDIG_BERICHT,
            ("Client",),
            _play_unknown_operation,
        ),
    )


def _refusal(
    id_: str,
    title: Text,
    explanation: Text,
    fault: str,
    modify: Callable[[Request], Request],
    seen_in_practice: Collection[str] = (),
) -> Scenario:
    def play(session: Session, fault: str, seen_in_practice: Collection[str]) -> list[Finding]:
        operation, body, action = session.write(modify(session.valid_request))
        return judge_refusal(session.post(operation, body, action), fault, seen_in_practice, session.endpoint)

    return _scenario_of_refusal(id_, title, explanation, fault, seen_in_practice, play)


def _scenario_of_refusal(
    id_: str,
    title: Text,
    explanation: Text,
    fault: str,
    seen_in_practice: Collection[str],
    play: Callable[[Session, str, Collection[str]], list[Finding]],
) -> Scenario:
    def play_if_answered(session: Session) -> list[Finding]:
        session.require_answer()
        session.set_replies()
        return play(session, fault, seen_in_practice)

    expected = f"HTTP 500, text/xml, Fault {fault}"
    return Scenario(
        id=id_,
        clause="UWLR 2.2.1 foutafhandeling",
        title=title,
        explanation=explanation,
        expected=Text(expected, expected),
        play=play_if_answered,
        refuses=True,
    )


def _with_account(**changes: str) -> Callable[[Request], Request]:
    def modify(request: Request) -> Request:
        assert request.authorisation is not None
        return dataclasses.replace(request, authorisation=dataclasses.replace(request.authorisation, **changes))

    return modify


def _other_school(school: SchoolRef) -> SchoolRef:
    if school.brin is not None:
        return SchoolRef(brin=next(brin for brin in OTHER_BRINS if brin != school.brin))
    return SchoolRef(school_key=f"{school.school_key}-onbekend"[-64:])


def _play_garbage(session: Session, fault: str, seen_in_practice: Collection[str]) -> list[Finding]:
    operation, body, action = session.write(session.valid_request)
    truncated = body.partition(b"</soap:Body>")[0] + b" & "
    return judge_refusal(session.post(operation, truncated, action), fault, seen_in_practice, session.endpoint)


def _play_unknown_operation(session: Session, fault: str, seen_in_practice: Collection[str]) -> list[Finding]:
    unknown = etree.Element(f"{{{session.namespace}}}{UNKNOWN_REQUEST}", nsmap={"q": session.namespace})
    body = in_envelope(unknown, authorisation_element(session.endpoint.authorisation))
    reply = session.post(UNKNOWN_OPERATION, body, UNKNOWN_OPERATION)
    return judge_refusal(reply, fault, seen_in_practice, session.endpoint)
