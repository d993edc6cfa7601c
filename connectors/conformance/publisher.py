"""The scenarios for a publisher: HaalLeerresultaten of docs/pull.md, with valid and with invalid requests."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

from connectors.conformance.exchange import Endpoint, Reply, is_answer, judge_answer
from connectors.conformance.scenarios import NotTested, Request, Scenario, Session, refusals
from connectors.intake.judge import Judgement, judge, spool
from connectors.uwlr import names
from connectors.uwlr.agreement import of_policy
from connectors.uwlr.pull_messages import BEFORE_ALL, OPERATION, SOAP_ACTION, PullRequest, write_pull_request
from connectors.uwlr.rules import finding
from models.schema import clock
from models.schema.records import KEY, Finding, SchoolRef, Text

AGREEMENT = of_policy("strict", test_school=True)
NO_CHANGES, NO_DATA = "no_changes", "no_data"


@dataclass(frozen=True, slots=True)
class PullExchange:
    """One request and its answer: the keys of its results and its aanmaakdatum, or `empty` (no_changes, no_data)."""

    reply: Reply
    findings: list[Finding]
    answered: bool = False
    empty: str | None = None
    keys: frozenset[str] = field(default_factory=frozenset)
    created_us: int | None = None


class PublisherSession(Session):
    """A run against a publisher."""

    namespace = names.OPHALEN

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self._first: PullExchange | None = None

    def first(self) -> PullExchange:
        """The answer to the valid request without a cursor; requested once."""
        if self._first is None:
            self._first = self.ask(self.valid_request)
        return self._first

    def ask(self, request: Request) -> PullExchange:
        """Send a request, and judge the answer as a message that was sent to us."""
        reply = self.post(*self.write(request))
        findings = judge_answer(reply, names.OPHALEN_ANTWOORD, self.endpoint)
        if not is_answer(reply, names.OPHALEN_ANTWOORD):
            return PullExchange(reply, findings)
        self.examined = True
        with spool([reply.body]) as spooled:
            judgement = judge(spooled, AGREEMENT)
            findings += judgement.findings
            findings += self._judge_head(judgement)
            keys = frozenset(row[KEY] for chunk in judgement.batch.chunks() for row in chunk) if judgement.batch else ()
        if judgement.empty == NO_CHANGES and request.since is None:
            findings.append(finding("publisher.unasked-no-changes"))
        created_us = None if judgement.head is None else judgement.head.created_us
        return PullExchange(reply, findings, True, judgement.empty, frozenset(keys), created_us)

    def write(self, request: Request) -> tuple[str, bytes, str]:
        """HaalLeerresultaten."""
        pull_request = PullRequest(
            school=request.school,
            school_year=request.school_year,
            xsd_version=request.xsd_version,
            since=request.since,
            authorisation=request.authorisation,
        )
        return OPERATION, write_pull_request(pull_request), SOAP_ACTION

    def is_answered(self) -> bool:
        """Whether the valid request is answered."""
        return self.first().answered

    def _judge_head(self, judgement: Judgement) -> list[Finding]:
        if judgement.head is None:
            return []
        findings = []
        if not _is_same(self.endpoint.school, judgement.school):
            findings.append(finding("answer.school"))
        if judgement.head.school_year != self.endpoint.school_year:
            findings.append(finding("publisher.school-year"))
        return findings


def _is_same(requested: SchoolRef, answered: SchoolRef) -> bool:
    """Whether two references may be to the same school: a publisher may answer by BRIN a request by key."""
    if requested.brin is not None and answered.brin is not None:
        return (requested.brin, requested.dependance) == (answered.brin, answered.dependance)
    return None in (requested.school_key, answered.school_key) or requested.school_key == answered.school_key


# -- scenarios -------------------------------------------------------------------------------------------------


def _play_right(session: PublisherSession) -> list[Finding]:
    exchange = session.first()
    session.set_replies(exchange.reply)
    return [*exchange.findings, finding("publisher.no-data")] if exchange.empty == NO_DATA else exchange.findings


def _play_no_changes(session: PublisherSession) -> list[Finding]:
    """Results are allowed too: an answer with more than the changes does no harm."""
    _need_results(session)
    moment = clock.now().astimezone(clock.AMSTERDAM).isoformat(timespec="seconds")
    return session.ask(dataclasses.replace(session.valid_request, since=moment)).findings


def _play_changes(session: PublisherSession) -> list[Finding]:
    first = _need_results(session)
    exchange = session.ask(dataclasses.replace(session.valid_request, since=BEFORE_ALL))
    if not exchange.answered or (exchange.empty is None and not exchange.keys):
        return exchange.findings
    findings = list(exchange.findings)
    if first.keys - exchange.keys:
        findings.append(finding("publisher.changes-lost", count=len(first.keys - exchange.keys)))
    if None not in (first.created_us, exchange.created_us) and (exchange.created_us or 0) < (first.created_us or 0):
        findings.append(finding("publisher.created-order"))
    return findings


def _need_results(session: PublisherSession) -> PullExchange:
    session.require_answer()
    first = session.first()
    if not first.keys:
        raise NotTested(
            Text(
                "Het juiste verzoek brengt geen bruikbare resultaten; dan zegt dit niets.",
                "The right request brings no usable results; then this says nothing.",
            )
        )
    session.set_replies()
    return first


_PULL = "docs/pull.md"

SCENARIOS = (
    Scenario(
        "publisher.right",
        _PULL,
        Text("Alle resultaten van het schooljaar", "All results of the school year"),
        Text(
            "HaalLeerresultaten met de juiste gegevens, zonder laatstontvangen; het antwoord wordt op alle regels "
            "getest.",
            "HaalLeerresultaten with the right credentials, without laatstontvangen; all rules judge the answer.",
        ),
        Text(
            "HTTP 200, text/xml, leerresultaten_ophalen_antwoord zonder fouten",
            "HTTP 200, text/xml, leerresultaten_ophalen_antwoord without errors",
        ),
        _play_right,
    ),
    Scenario(
        "publisher.no-changes",
        _PULL,
        Text("Niets gewijzigd", "Nothing changed"),
        Text(
            "Het juiste verzoek met als laatstontvangen dit moment.",
            "The right request with this moment as laatstontvangen.",
        ),
        Text(
            "HTTP 200, text/xml, geenwijzigingen of geldige resultaten",
            "HTTP 200, text/xml, geenwijzigingen or valid results",
        ),
        _play_no_changes,
    ),
    Scenario(
        "publisher.changes",
        _PULL,
        Text("Gewijzigd sinds lang geleden", "Changed since long ago"),
        Text(
            "Het juiste verzoek met als laatstontvangen een moment van lang geleden.",
            "The right request with a moment long ago as laatstontvangen.",
        ),
        Text(
            "HTTP 200, text/xml, minstens de resultaten van het eerste antwoord, met dezelfde resultaat/@key",
            "HTTP 200, text/xml, at least the results of the first answer, with the same resultaat/@key",
        ),
        _play_changes,
    ),
    *refusals("publisher"),
)
