"""The scenarios for a LAS: valid and invalid requests for pupils, groups and teachers.

UWLR has two forms, all in one (HaalLeerlinggegevens) and staged (HaalStructuur, HaalLeerlingen, HaalLeerkrachten), and
one of them suffices. So where one form is answered with a Fault, or with an HTTP status that says that there is no such
service, while the other form works, the first is reported as not tested rather than failed. Where neither works, both
have failed. The scenarios of refusal use the form that works.
"""

from __future__ import annotations

import dataclasses
import functools
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import resources

from lxml import etree

from connectors.conformance.exchange import NO_SERVICE, Endpoint, Reply, is_answer, judge_answer
from connectors.conformance.scenarios import NotTested, Request, Scenario, Session, refusals
from connectors.uwlr import names
from connectors.uwlr.envelope import authorisation_element
from connectors.uwlr.las_requests import OPERATIONS, RosterRequest, write_request
from connectors.uwlr.pull_messages import BEFORE_ALL
from connectors.uwlr.pupil_gate import NotReadable, local, parse, path_of, positions
from connectors.uwlr.pupil_messages import ANSWERS, NO_CHANGES, NO_DATA, Part, RosterAnswer, merge, read_part
from connectors.uwlr.reader import is_personal_number
from connectors.uwlr.rules import ERROR, finding
from models.schema import clock
from models.schema.records import Finding, Roster, RosterPupil, Text

# A roster that lacks a group can still be read, so the rule only warns; for an endpoint it is an error.
_AS_ERROR = ("roster.group-undefined", "roster.location-undefined")
_NUMBERS = ("bsn", "sofinummer", "onderwijsnummer")
_TAGS = {part: f"{{{names.LG}}}{name}" for name, part in ANSWERS.items()}
_WSDL_SOAP = "{http://schemas.xmlsoap.org/wsdl/soap/}"
_Groups = tuple[tuple[bool, str | None], ...]


@dataclass(frozen=True, slots=True)
class LasExchange:
    """One request and its answer; `answer` is None where there is none that can be read."""

    reply: Reply
    findings: list[Finding]
    answer: RosterAnswer | None

    @property
    def roster(self) -> Roster | None:
        """The roster in the answer, or the part of one."""
        return None if self.answer is None else self.answer.roster


@dataclass(frozen=True, slots=True)
class StagedExchange:
    """The three answers of a staged transfer, and the roster merged from them."""

    findings: list[Finding]
    replies: list[Reply]
    roster: Roster | None


class LasSession(Session):
    """A run against a LAS."""

    namespace = names.LG

    def __init__(self, endpoint: Endpoint) -> None:
        super().__init__(endpoint)
        self._first: dict[Part, LasExchange] = {}
        self._staged: StagedExchange | None = None

    @property
    def form(self) -> Part | None:
        """The form that is answered, which the other scenarios use; None where neither is."""
        return next((part for part in (Part.ALL, Part.STRUCTURE) if self.first(part).answer is not None), None)

    def first(self, part: Part) -> LasExchange:
        """The answer to the valid request for everything, or for the structure; requested once."""
        if part not in self._first:
            self._first[part] = self.ask(part, self.valid_request)
        return self._first[part]

    def staged(self) -> StagedExchange:
        """The staged transfer, which follows the answer with the structure; requested once."""
        if self._staged is None:
            self._staged = self._ask_staged(self.first(Part.STRUCTURE))
        return self._staged

    def ask(self, part: Part, request: Request, groups: _Groups = ()) -> LasExchange:
        """Send a request, and judge the answer by our rules for pupil data."""
        reply = self.post(*self._write(part, request, groups))
        findings = judge_answer(reply, _TAGS[part], self.endpoint)
        if not is_answer(reply, _TAGS[part]):
            return LasExchange(reply, findings, None)
        answer = read_part(reply.body, self.endpoint.profile)
        self.examined = True
        findings += _as_errors(answer.findings)
        findings += personal_numbers(reply.body)
        if answer.roster is not None:
            findings += self._judge_school(answer.roster)
        if answer.empty == NO_CHANGES and request.since is None:
            findings.append(finding("las.unasked-no-changes"))
        return LasExchange(reply, findings, answer)

    def write(self, request: Request) -> tuple[str, bytes, str]:
        """The request in the form that this LAS answers."""
        return self._write(self.form or Part.ALL, request, ())

    def is_answered(self) -> bool:
        """Whether one of the two forms is answered."""
        return self.form is not None

    def _write(self, part: Part, request: Request, groups: _Groups) -> tuple[str, bytes, str]:
        roster_request = RosterRequest(
            part=part,
            school=request.school,
            school_year=request.school_year,
            xsd_version=request.xsd_version,
            last_received=request.since,
            groups=groups,
        )
        header = None if request.authorisation is None else authorisation_element(request.authorisation)
        operation = OPERATIONS[part]
        return operation, write_request(roster_request, header), soap_actions()[operation]

    def _ask_staged(self, structure: LasExchange) -> StagedExchange:
        if structure.roster is None:
            return StagedExchange(structure.findings, [structure.reply], None)
        groups = (*((group.composed, group.key) for group in structure.roster.groups), (False, None), (True, None))
        exchanges = [structure, *(self.ask(part, self.valid_request, groups) for part in (Part.PUPILS, Part.TEACHERS))]
        replies = [exchange.reply for exchange in exchanges]
        findings = [finding for exchange in exchanges for finding in exchange.findings]
        answers = [exchange.answer for exchange in exchanges if exchange.answer is not None]
        if len(answers) < len(exchanges):
            return StagedExchange(findings, replies, None)
        merged = merge(answers[0], [answers[1]], [answers[2]])
        reported = {(finding.rule, finding.message_nl) for finding in findings}
        findings += _as_errors(
            finding for finding in merged.findings if (finding.rule, finding.message_nl) not in reported
        )
        return StagedExchange(findings, replies, merged.roster)

    def _judge_school(self, roster: Roster) -> list[Finding]:
        requested, answered = self.endpoint.school, roster.school
        same = (
            (requested.brin, requested.dependance) == (answered.brin, answered.dependance)
            if requested.brin is not None and answered.brin is not None
            else requested.school_key == answered.school_key or None in (requested.school_key, answered.school_key)
        )
        findings = [] if same else [finding("answer.school")]
        if self.endpoint.school_year and roster.school_year != self.endpoint.school_year:
            findings.append(finding("answer.school-year"))
        return findings


def _as_errors(findings: Iterable[Finding]) -> list[Finding]:
    return [dataclasses.replace(finding, level=ERROR) if finding.rule in _AS_ERROR else finding for finding in findings]


@functools.cache
def soap_actions() -> Mapping[str, str]:
    """The SOAPAction of each operation, from our WSDL."""
    wsdl = "{http://schemas.xmlsoap.org/wsdl/}"
    root = etree.fromstring((resources.files("connectors.uwlr") / "schemas" / "pupils.wsdl").read_bytes())
    return {
        operation.get("name", ""): action.get("soapAction", "")
        for operation in root.iterfind(f"{wsdl}binding/{wsdl}operation")
        for action in operation.iterfind(f"{_WSDL_SOAP}operation")
    }


def personal_numbers(body: bytes) -> list[Finding]:
    """Findings on government-issued numbers in pupil data of a test school: they may belong to a real child."""
    try:
        root, _ = parse(body)
    except NotReadable:
        return []  # reported where the message is read
    matches: dict[str, list[etree._Element]] = {"las.personal-number": [], "las.personal-number-key": []}
    for node in root.iter(etree.Element):
        if local(node) in _NUMBERS and is_personal_number((node.text or "").strip()):
            matches["las.personal-number"].append(node)
        if is_personal_number((node.get("eckid") or "").strip()):
            matches["las.personal-number"].append(node)
        if local(node) == "leerling" and is_personal_number((node.get("key") or "").strip()):
            matches["las.personal-number-key"].append(node)
    first = [nodes[0] for nodes in matches.values() if nodes]
    locations = positions(body, first) if first else {}
    findings = []
    for rule, nodes in matches.items():
        if nodes:
            line, column = locations.get(nodes[0], (None, None))
            findings.append(finding(rule, path=path_of(nodes[0]), line=line, column=column, count=len(nodes)))
    return findings


# -- scenarios -------------------------------------------------------------------------------------------------


def _play_all_in_one(session: LasSession) -> list[Finding]:
    exchange = session.first(Part.ALL)
    if exchange.answer is None and _is_not_offered(exchange.reply) and session.first(Part.STRUCTURE).answer is not None:
        session.set_replies(exchange.reply)
        raise _not_offered("HaalLeerlinggegevens", exchange.reply)
    session.set_replies(exchange.reply)
    return _with_no_data(exchange)


def _play_staged(session: LasSession) -> list[Finding]:
    exchange = session.first(Part.STRUCTURE)
    if exchange.answer is None and _is_not_offered(exchange.reply) and session.first(Part.ALL).answer is not None:
        session.set_replies(exchange.reply)
        raise _not_offered("HaalStructuur", exchange.reply)
    session.set_replies(exchange.reply)
    if exchange.roster is None:
        return _with_no_data(exchange)
    staged = session.staged()
    session.set_replies(*staged.replies)
    return staged.findings


def _play_same_pupils(session: LasSession) -> list[Finding]:
    all_in_one = session.first(Part.ALL).roster
    staged = session.staged().roster if session.first(Part.STRUCTURE).roster is not None else None
    if all_in_one is None or staged is None:
        raise NotTested(
            Text(
                "Niet beide vormen geven gegevens; een van de twee is genoeg.",
                "Not both forms give data; one of the two suffices.",
            )
        )
    counter, other = _counted(all_in_one.pupils), _counted(staged.pupils)
    differences = max((counter - other).total(), (other - counter).total())
    return [finding("las.staged-differs", count=differences)] if differences else []


def _play_no_changes(session: LasSession) -> list[Finding]:
    form = _form_with_data(session)
    session.set_replies()
    moment = clock.now().astimezone(clock.AMSTERDAM).isoformat(timespec="seconds")
    exchange = session.ask(form, dataclasses.replace(session.valid_request, since=moment))
    if exchange.answer is None:
        return exchange.findings
    return [] if exchange.answer.empty == NO_CHANGES else [finding("las.no-changes")]


def _play_changes(session: LasSession) -> list[Finding]:
    form = _form_with_data(session)
    session.set_replies()
    exchange = session.ask(form, dataclasses.replace(session.valid_request, since=BEFORE_ALL))
    if exchange.answer is None:
        return exchange.findings
    return [] if exchange.answer.empty is None else [finding("las.changes-lost")]


def _form_with_data(session: LasSession) -> Part:
    session.require_answer()
    form = session.form
    if form is None or session.first(form).roster is None:
        raise NotTested(
            Text(
                "Het juiste verzoek brengt geen gegevens; dan zegt dit niets.",
                "The right request brings no data; then this says nothing.",
            )
        )
    return form


def _with_no_data(exchange: LasExchange) -> list[Finding]:
    if exchange.answer is not None and exchange.answer.empty == NO_DATA:
        return [*exchange.findings, finding("las.no-data")]
    return exchange.findings


def _is_not_offered(reply: Reply) -> bool:
    return reply.fault is not None or reply.status in NO_SERVICE


def _not_offered(operation: str, reply: Reply) -> NotTested:
    what = f"Fault {reply.fault.code}" if reply.fault is not None else f"HTTP {reply.status}"
    return NotTested(
        Text(
            f"{operation} wordt niet aangeboden ({what}); de andere vorm werkt, en een van de twee is genoeg.",
            f"{operation} is not offered ({what}); the other form works, and one of the two suffices.",
        )
    )


def _counted(pupils: Iterable[RosterPupil]) -> Counter[tuple[object, ...]]:
    return Counter((pupil.las_key, pupil.eck_id, pupil.group, frozenset(pupil.composed_groups)) for pupil in pupils)


_PUPILS = "UWLR 2.2 Leerlinggegevens"
_SINCE = "UWLR 2.2 laatstontvangengegevens"

SCENARIOS = (
    Scenario(
        "las.all-in-one",
        _PUPILS,
        Text("Alle leerlinggegevens in één keer", "All pupil data at once"),
        Text(
            "HaalLeerlinggegevens met de juiste gegevens; het antwoord wordt op alle regels getest.",
            "HaalLeerlinggegevens with the right credentials; the answer is judged by all rules.",
        ),
        Text(
            "HTTP 200, text/xml, leerlinggegevens_antwoord zonder fouten",
            "HTTP 200, text/xml, leerlinggegevens_antwoord without errors",
        ),
        _play_all_in_one,
    ),
    Scenario(
        "las.staged",
        _PUPILS,
        Text("Leerlinggegevens getrapt", "Pupil data staged"),
        Text(
            "HaalStructuur, dan HaalLeerlingen en HaalLeerkrachten voor alle groepen; groepen waarnaar verwezen wordt "
            "moeten bestaan, sleutels uniek zijn.",
            "HaalStructuur, then HaalLeerlingen and HaalLeerkrachten for all groups; groups that are referred to must "
            "exist, keys be unique.",
        ),
        Text("drie keer HTTP 200, text/xml, zonder fouten", "three times HTTP 200, text/xml, without errors"),
        _play_staged,
    ),
    Scenario(
        "las.same-pupils",
        _PUPILS,
        Text("Beide vormen geven dezelfde leerlingen", "Both forms give the same pupils"),
        Text(
            "De leerlingen van alles-in-één zijn die van de getrapte overdracht, met dezelfde groepen.",
            "The pupils of all-in-one are those of the staged transfer, with the same groups.",
        ),
        Text("geen verschillen", "no differences"),
        _play_same_pupils,
    ),
    Scenario(
        "las.no-changes",
        _SINCE,
        Text("Niets gewijzigd", "Nothing changed"),
        Text(
            "Het juiste verzoek met als laatstontvangengegevens dit moment.",
            "The right request with this moment as laatstontvangengegevens.",
        ),
        Text("HTTP 200, text/xml, geenwijzigingen", "HTTP 200, text/xml, geenwijzigingen"),
        _play_no_changes,
    ),
    Scenario(
        "las.changes",
        _SINCE,
        Text("Wel gewijzigd", "Changed"),
        Text(
            "Het juiste verzoek met als laatstontvangengegevens een moment van lang geleden.",
            "The right request with a moment long ago as laatstontvangengegevens.",
        ),
        Text("HTTP 200, text/xml, gegevens", "HTTP 200, text/xml, data"),
        _play_changes,
    ),
    *refusals("las"),
)
