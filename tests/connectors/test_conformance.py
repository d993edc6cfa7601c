"""The checker against right endpoints, which it leaves in peace, and wrong ones, whose every fault it finds."""

from __future__ import annotations

import gzip
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connectors.conformance import las, publisher
from connectors.conformance.addresses import safe_address
from connectors.conformance.exchange import Endpoint
from connectors.conformance.reports import Report, endpoint_report
from connectors.conformance.scenarios import LAS, PUBLISHER, Outcome, State, run
from connectors.simulator import answers, requests, school, server
from connectors.simulator.requests import Fault
from connectors.simulator.school import BAKEN, HORIZON
from connectors.transport.http_client import Limits
from connectors.uwlr import names
from connectors.uwlr.envelope import Authorisation, authorisation_element, fault_bytes
from connectors.uwlr.las_requests import RosterRequest, write_request
from connectors.uwlr.pupil_messages import Part
from connectors.uwlr.pupil_writer import write_answer
from connectors.uwlr.rules import BEHAVIOUR_RULES, ERROR, WARNING, finding
from models.schema import clock
from models.schema.records import Finding, Roster, SchoolRef
from tests.connectors.loopback import Handler, serving
from tests.uwlr.roster_requests import read_request

NOVEMBER = datetime(2026, 11, 26, 12, tzinfo=UTC)
YEAR = "2026-2027"
QUICK = Limits(connect_seconds=2, idle_seconds=0.4, total_seconds=0.8, max_bytes=20_000_000)
PATIENT = Limits(connect_seconds=5, idle_seconds=10, total_seconds=20, max_bytes=20_000_000)
BSN = "111222333"  # passes the eleven test, and is given to nobody
XML = "text/xml; charset=utf-8"
SOAP_12 = "http://www.w3.org/2003/05/soap-envelope"

GROUP = '<lg:groep key="G3"/>'

Reply = tuple[int, bytes, str]
Spoil = Callable[[bytes, Reply], Reply]


@pytest.fixture(autouse=True)
def _november() -> Iterator[None]:
    with clock.fixed(NOVEMBER):
        yield


def endpoint(url: str, party: str = "las", owner: SchoolRef = HORIZON, limits: Limits = PATIENT) -> Endpoint:
    key = requests.key_for(party, owner)
    return Endpoint(safe_address(url, True), owner, YEAR, Authorisation(key, "RB", "Rondblik"), limits=limits)


def check_las(url: str, *ids: str, owner: SchoolRef = HORIZON, limits: Limits = PATIENT) -> dict[str, Outcome]:
    chosen = [scenario for scenario in las.SCENARIOS if not ids or scenario.id in ids]
    outcomes = run(las.LasSession(endpoint(url, "las", owner, limits)), chosen)
    return {outcome.scenario.id: outcome for outcome in outcomes}


def check_publisher(url: str, *ids: str, party: str = "rekenwijs") -> dict[str, Outcome]:
    chosen = [scenario for scenario in publisher.SCENARIOS if not ids or scenario.id in ids]
    outcomes = run(publisher.PublisherSession(endpoint(url, party)), chosen)
    return {outcome.scenario.id: outcome for outcome in outcomes}


def honest(ask: Callable[[bytes], bytes], body: bytes) -> Reply:
    """What the simulator says, as its own server sends it."""
    try:
        return 200, ask(body), XML
    except Fault as fault:
        return fault.status, fault.envelope(), XML


def spoiled(ask: Callable[[bytes], bytes], spoil: Spoil) -> Callable[[Handler], None]:
    """A server that says what the simulator says, with one thing wrong."""

    def answer(handler: Handler) -> None:
        body = handler.loopback.asked[-1].body
        status, content, media_type = spoil(body, honest(ask, body))
        handler.say(content, status, media_type)

    return answer


def ask_las(body: bytes) -> bytes:
    return answers.las(body, clock.now())


def ask_rekenwijs(body: bytes) -> bytes:
    return answers.publisher("rekenwijs", body, clock.now())


def ask_both_forms(body: bytes) -> bytes:
    """A LAS that offers De Horizon in both forms."""
    request, _ = read_request(body)
    return write_answer(school.roster(HORIZON, YEAR, clock.now()), request.part)


def rules_of(outcome: Outcome, level: str) -> set[str]:
    return {finding.rule for finding in outcome.findings if finding.level == level}


def found(outcome: Outcome, rule: str) -> Finding:
    return next(finding for finding in outcome.findings if finding.rule == rule)


# -- right endpoints -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ports() -> Iterator[dict[str, int]]:
    with clock.fixed(NOVEMBER), server.running() as running:
        yield running


def test_a_las_that_gives_all_in_one_passes_and_staged_is_not_held_against_it(ports: dict[str, int]) -> None:
    outcomes = check_las(f"http://127.0.0.1:{ports['las']}/")
    assert [outcome.scenario.id for outcome in outcomes.values() if outcome.findings] == []
    untested = {outcome.scenario.id for outcome in outcomes.values() if outcome.state is State.NOT_TESTED}
    assert untested == {"las.staged", "las.same-pupils"}
    assert "Client.OngeldigBericht" in outcomes["las.staged"].reason.nl  # type: ignore[union-attr]
    assert all(outcome.state is State.PASSED for outcome in outcomes.values() if outcome.scenario.id not in untested)


def test_a_las_that_gives_staged_passes_and_all_in_one_is_not_held_against_it(ports: dict[str, int]) -> None:
    outcomes = check_las(f"http://127.0.0.1:{ports['las']}/", owner=BAKEN)
    assert [outcome.scenario.id for outcome in outcomes.values() if outcome.findings] == []
    untested = {outcome.scenario.id for outcome in outcomes.values() if outcome.state is State.NOT_TESTED}
    assert untested == {"las.all-in-one", "las.same-pupils"}
    operations = [response.operation for response in outcomes["las.staged"].came]
    assert operations == ["HaalStructuur", "HaalLeerlingen", "HaalLeerkrachten"]
    assert {response.operation for response in outcomes["las.wrong-key"].came} == {"HaalStructuur"}


def test_a_las_that_gives_both_forms_gives_the_same_pupils() -> None:
    with serving(spoiled(ask_both_forms, lambda _, reply: reply)) as peer:
        outcomes = check_las(peer.url, "las.all-in-one", "las.staged", "las.same-pupils")
    assert {outcome.state for outcome in outcomes.values()} == {State.PASSED}


@pytest.mark.parametrize("party", ["rekenwijs", "spelsprong"])
def test_a_publisher_that_is_right_passes(ports: dict[str, int], party: str) -> None:
    outcomes = check_publisher(f"http://127.0.0.1:{ports[party]}/", party=party)
    assert {outcome.state for outcome in outcomes.values()} == {State.PASSED}
    assert all(finding.level not in (ERROR, WARNING) for outcome in outcomes.values() for finding in outcome.findings)


def test_what_is_away_for_a_while_is_not_tested_and_has_not_failed(ports: dict[str, int]) -> None:
    outcomes = check_publisher(f"http://127.0.0.1:{ports['leeslijn']}/", party="leeslijn")
    assert outcomes["publisher.right"].state is State.PASSED
    assert outcomes["publisher.changes"].state is State.NOT_TESTED
    assert State.FAILED not in {outcome.state for outcome in outcomes.values()}


# -- a LAS that answers wrongly --------------------------------------------------------------------------------


def on_refusal(change: Callable[[Reply], Reply]) -> Spoil:
    """Something wrong in the answers that are no HTTP 200."""
    return lambda _, reply: reply if reply[0] == 200 else change(reply)


def in_some_answers(pattern: str, text: str, count: int = 1) -> Spoil:
    """Something wrong in the data that match."""

    def spoil(_: bytes, reply: Reply) -> Reply:
        return reply[0], re.sub(pattern.encode(), text.encode(), reply[1], count=count), reply[2]

    return spoil


def in_answers(pattern: str, text: str, count: int = 1) -> Spoil:
    """Something wrong in the data of every answer that has any."""
    change = in_some_answers(pattern, text, count)

    def spoil(body: bytes, reply: Reply) -> Reply:
        if reply[0] != 200 or b"geen" in reply[1]:
            return reply
        changed = change(body, reply)
        assert changed != reply
        return changed

    return spoil


def with_fault(code: str, text: str = "Geweigerd.", status: int = 500, media_type: str = XML) -> Spoil:
    return on_refusal(lambda _: (status, fault_bytes(code, text), media_type))


def replaced(old: bytes, new: bytes) -> Callable[[Reply], Reply]:
    def change(reply: Reply) -> Reply:
        assert old in reply[1]
        return reply[0], reply[1].replace(old, new), reply[2]

    return change


def always(status: int, content: bytes, media_type: str = XML) -> Spoil:
    return lambda _body, _reply: (status, content, media_type)


JAVA = "java.lang.NullPointerException\n\tat nl.las.Uwlr.read(Uwlr.java:42)\n\tat nl.las.Main.run(Main.java:7)"
DOTNET = "System.FormatException: fout\n   at Las.Uwlr.Read(String x) in C:\\src\\Uwlr.cs:line 42"
PYTHON = 'Traceback (most recent call last):\n  File "uwlr.py", line 1, in read\nKeyError: 1'
PHP = "Fout\nStack trace:\n#0 /var/www/uwlr.php(12): lees()"
NODE = "TypeError: x\n    at read (/srv/uwlr.js:10:5)"
PAGE = b"<!DOCTYPE html>\n<html><head><title>Error</title></head><body>Server Error</body></html>"

WRONG_REFUSALS: dict[str, tuple[str, Spoil]] = {
    "a page for an error": ("endpoint.html", on_refusal(lambda _: (500, PAGE, "text/html"))),
    "a page that says it is XML": ("endpoint.html", on_refusal(lambda _: (500, PAGE, XML))),
    "a redirect to a login": ("endpoint.redirect", on_refusal(lambda _: (302, b"", "text/plain"))),
    "a redirect with a body": ("endpoint.redirect", on_refusal(lambda _: (307, PAGE, "text/html"))),
    "a trace of Java": ("endpoint.stack-trace", with_fault("Client.AutorisatieOngeldig", JAVA)),
    "a trace of .NET": ("endpoint.stack-trace", with_fault("Client.AutorisatieOngeldig", DOTNET)),
    "a trace of Python": ("endpoint.stack-trace", with_fault("Client.AutorisatieOngeldig", PYTHON)),
    "a trace of PHP": ("endpoint.stack-trace", with_fault("Client.AutorisatieOngeldig", PHP)),
    "a trace of Node": ("endpoint.stack-trace", with_fault("Client.AutorisatieOngeldig", NODE)),
    "the wrong code": ("fault.code", with_fault("Client.OngeldigBericht")),
    "a general code": ("fault.code", with_fault("Server")),
    "a code that is none": ("fault.code", with_fault("<b>Mila Voorbeeld</b>")),
    "a Fault with HTTP 200": ("fault.status", with_fault("Client.AutorisatieOngeldig", status=200)),
    "a Fault with HTTP 400": ("fault.status", with_fault("Client.AutorisatieOngeldig", status=400)),
    "a Fault of SOAP 1.2 by its type": (
        "fault.media-type",
        with_fault("Client.AutorisatieOngeldig", media_type="application/soap+xml"),
    ),
    "a Fault of SOAP 1.2": (
        "fault.missing",
        on_refusal(replaced(names.SOAP.encode(), SOAP_12.encode())),
    ),
    "no body": ("fault.missing", on_refusal(lambda _: (401, b"", "text/plain"))),
    "JSON": ("fault.missing", on_refusal(lambda _: (500, b'{"error": "key"}', "application/json"))),
    "a Fault with a DOCTYPE": (
        "fault.missing",
        on_refusal(replaced(b"<soap:Envelope", b"<!DOCTYPE a [<!ENTITY b 'c'>]><soap:Envelope")),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG_REFUSALS)
def test_every_wrong_way_to_refuse_is_found(name: str) -> None:
    rule, spoil = WRONG_REFUSALS[name]
    with serving(spoiled(ask_las, spoil)) as peer:
        outcome = check_las(peer.url, "las.wrong-key")["las.wrong-key"]
    assert outcome.state is State.FAILED
    assert rule in rules_of(outcome, ERROR)
    assert len(outcome.came) == 1


def test_a_wrong_key_that_is_let_in_is_found() -> None:
    def ask_anybody(body: bytes) -> bytes:
        return ask_las(re.sub(rb"sleutel>[^<]*<", b"sleutel>demo-las-99XX<", body))

    with serving(spoiled(ask_anybody, lambda _, reply: reply)) as peer:
        outcomes = check_las(peer.url)
    assert rules_of(outcomes["las.wrong-key"], ERROR) == {"fault.none"}
    failed = {outcome.scenario.id for outcome in outcomes.values() if outcome.state is State.FAILED}
    assert failed == {"las.wrong-key"}


def test_whoever_answers_everything_fails_every_refusal() -> None:
    everything = write_answer(school.roster(HORIZON, YEAR, NOVEMBER))
    with serving(spoiled(ask_las, always(200, everything))) as peer:
        outcomes = check_las(peer.url)
    refusing = [outcome for outcome in outcomes.values() if "Fault" in outcome.scenario.expected.nl]
    assert len(refusing) == 10
    assert all(rules_of(outcome, ERROR) == {"fault.none"} for outcome in refusing)
    assert rules_of(outcomes["las.no-changes"], WARNING) == {"las.no-changes"}


def test_a_key_that_is_echoed_is_found_and_not_repeated() -> None:
    text = "De sleutel demo-las-99XX hoort bij een andere school."
    with serving(spoiled(ask_las, with_fault("Client.AutorisatieOngeldig", text))) as peer:
        outcome = check_las(peer.url, "las.other-school")["las.other-school"]
    assert rules_of(outcome, ERROR) == {"endpoint.secret"}
    assert "demo-las-99XX" not in repr(outcome)


def test_what_is_seen_in_practice_is_a_warning_only() -> None:
    def spoil(_: bytes, reply: Reply) -> Reply:
        return reply if reply[0] == 200 else (500, fault_bytes("Client.OngeldigeKlantIdentificatie", "Nee."), XML)

    with serving(spoiled(ask_las, spoil)) as peer:
        outcomes = check_las(peer.url, "las.other-school", "las.malformed-brin", "las.wrong-key")
    assert outcomes["las.other-school"].state is State.WARNED
    assert rules_of(outcomes["las.malformed-brin"], WARNING) == {"fault.code-other"}
    assert outcomes["las.wrong-key"].state is State.FAILED


@pytest.mark.parametrize(
    ("rule", "old", "new"),
    [
        ("fault.prefix", b"soap:Client.AutorisatieOngeldig", b"Client.AutorisatieOngeldig"),
        ("fault.text", b"De autorisatiesleutel geeft geen toegang tot deze school.", b" "),
    ],
)
def test_small_things_about_a_fault_are_warnings(rule: str, old: bytes, new: bytes) -> None:
    with serving(spoiled(ask_las, on_refusal(replaced(old, new)))) as peer:
        outcome = check_las(peer.url, "las.wrong-key")["las.wrong-key"]
    assert outcome.state is State.WARNED
    assert rules_of(outcome, WARNING) == {rule}


WRONG_ANSWERS: dict[str, tuple[str, Spoil]] = {
    "a page": ("endpoint.html", always(200, PAGE, "text/html; charset=utf-8")),
    "a page that says it is XML": ("endpoint.html", always(200, PAGE)),
    "a redirect": ("endpoint.redirect", always(301, b"")),
    "nothing there": ("answer.status", always(404, b"Not found", "text/plain")),
    "another type": ("answer.media-type", lambda _, reply: (reply[0], reply[1], "application/soap+xml")),
    "no type": ("answer.media-type", lambda _, reply: (reply[0], reply[1], "")),
    "an envelope of SOAP 1.2": ("answer.not-soap", in_answers(names.SOAP, SOAP_12)),
    "no XML": ("answer.not-soap", always(200, b"OK")),
    "no envelope": ("answer.not-soap", in_answers(r"</?soap:[^>]*>", "", 0)),
    "the answer of another operation": ("answer.element", in_answers("leerlinggegevens_antwoord", "x_antwoord", 0)),
    "another namespace": ("answer.element", in_answers(names.LG, "http://example.org/")),
    "a Fault for who is right": ("answer.fault", always(500, fault_bytes("Client.AutorisatieOngeldig", "Nee."))),
    "another school": ("answer.school", in_answers("<lg:brincode>99XX", "<lg:brincode>99YY")),
    "another location": ("answer.school", in_answers("<lg:dependancecode>00", "<lg:dependancecode>01")),
    "another year": ("answer.school-year", in_answers("<lg:schooljaar>2026-2027", "<lg:schooljaar>2025-2026")),
    "half an answer": ("xml.cut-off", lambda _, reply: (reply[0], reply[1][: len(reply[1]) // 2], reply[2])),
    "a DOCTYPE": ("xml.doctype", in_answers("<soap:Envelope", "<!DOCTYPE a><soap:Envelope")),
    "a group that is not there": ("roster.group-undefined", in_answers(GROUP, '<lg:groep key="G99"/>')),
    "a composed group that is not there": (
        "roster.group-undefined", in_answers('(groepen><lg:samengestelde_groep key=")PLUS"/>', r'\1WEG"/>'),
    ),
    "a pupil twice": (
        "roster.key-twice",
        in_answers(r'(<lg:leerling key=")(\d+)("[^~]*?<lg:leerling key=")\d+', r"\g<1>\g<2>\g<3>\g<2>"),
    ),
    "a bsn": ("las.personal-number", in_answers(GROUP, f"{GROUP}<lg:bsn>{BSN}</lg:bsn>")),
    "a sofinummer": ("las.personal-number", in_answers(GROUP, f"{GROUP}<lg:sofinummer>{BSN}</lg:sofinummer>")),
    "an onderwijsnummer": (
        "las.personal-number", in_answers(GROUP, f"{GROUP}<lg:onderwijsnummer>{BSN}</lg:onderwijsnummer>"),
    ),
    "a bsn as ECK iD": ("las.personal-number", in_answers(r'eckid="[^"]*"', f'eckid="{BSN}"')),
    "a day to come": (
        "roster.created-future", in_answers("<lg:aanmaakdatum>[^<]*", "<lg:aanmaakdatum>2031-01-01T00:00:00"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG_ANSWERS)
def test_every_wrong_answer_is_found(name: str) -> None:
    rule, spoil = WRONG_ANSWERS[name]
    with serving(spoiled(ask_las, spoil)) as peer:
        outcome = check_las(peer.url, "las.all-in-one")["las.all-in-one"]
    assert rule in rules_of(outcome, ERROR)
    assert outcome.state is State.FAILED
    assert BSN not in repr(outcome)


def test_a_number_is_found_with_its_place_and_without_its_value() -> None:
    spoil = in_answers(GROUP, f"{GROUP}<lg:bsn>{BSN}</lg:bsn>", 3)
    with serving(spoiled(ask_las, spoil)) as peer:
        outcome = check_las(peer.url, "las.all-in-one")["las.all-in-one"]
    finding = found(outcome, "las.personal-number")
    assert "3 keer" in finding.message_nl
    assert finding.path is not None
    assert finding.path.endswith("/bsn")
    assert (finding.line or 0) >= 1
    assert (finding.column or 0) > 1


def test_a_number_that_no_child_can_have_is_left_alone() -> None:
    spoil = in_answers(GROUP, f"{GROUP}<lg:bsn>111222334</lg:bsn>")
    with serving(spoiled(ask_las, spoil)) as peer:
        assert check_las(peer.url, "las.all-in-one")["las.all-in-one"].state is State.PASSED


def test_a_leerlingid_that_may_be_a_bsn_is_a_warning() -> None:
    with serving(spoiled(ask_las, in_answers(r'<lg:leerling key="\d+', f'<lg:leerling key="{BSN}'))) as peer:
        outcome = check_las(peer.url, "las.all-in-one")["las.all-in-one"]
    assert (rules_of(outcome, ERROR), rules_of(outcome, WARNING)) == (set(), {"las.personal-number-key"})


def test_a_group_that_the_structure_lacks_is_found_over_three_answers() -> None:
    for pattern in ('(<lg:leerling .*?<lg:groep key=")4H1', '(<lg:leerkracht .*?<lg:groep key=")4H1'):
        with serving(spoiled(ask_las, in_some_answers(pattern, r"\g<1>9Z9"))) as peer:
            outcome = check_las(peer.url, "las.staged", owner=BAKEN)["las.staged"]
        assert rules_of(outcome, ERROR) == {"roster.group-undefined"}


def test_two_forms_that_differ_are_found() -> None:
    def one_pupil_fewer(roster: Roster) -> Roster:
        return replace(roster, pupils=roster.pupils[1:])

    def another_group(roster: Roster) -> Roster:
        return replace(roster, pupils=(replace(roster.pupils[0], group="G8"), *roster.pupils[1:]))

    for change in (one_pupil_fewer, another_group):

        def ask(body: bytes, change: Callable[[Roster], Roster] = change) -> bytes:
            part = read_request(body)[0].part
            roster = school.roster(HORIZON, YEAR, NOVEMBER)
            return write_answer(change(roster) if part is Part.PUPILS else roster, part)

        with serving(spoiled(ask, lambda _, reply: reply)) as peer:
            outcome = check_las(peer.url, "las.same-pupils")["las.same-pupils"]
        assert rules_of(outcome, ERROR) == {"las.staged-differs"}


def test_a_moment_that_is_not_looked_at_is_found() -> None:
    nothing = re.sub(rb"<lg:leerlinggegevens>.*</lg:leerlinggegevens>", b"<lg:geenwijzigingen/>", ask_las(request_of()))

    def never_changes(body: bytes, reply: Reply) -> Reply:
        return (200, nothing, XML) if b"laatstontvangen" in body and reply[0] == 200 else reply

    with serving(spoiled(ask_las, never_changes)) as peer:
        outcomes = check_las(peer.url, "las.no-changes", "las.changes")
    assert outcomes["las.no-changes"].state is State.PASSED
    assert rules_of(outcomes["las.changes"], ERROR) == {"las.changes-lost"}
    with serving(spoiled(ask_las, always(200, nothing))) as peer:
        outcome = check_las(peer.url, "las.all-in-one")["las.all-in-one"]
    assert rules_of(outcome, ERROR) == {"las.unasked-no-changes"}


def test_a_school_without_data_is_a_warning_and_what_needs_data_is_not_tested() -> None:
    empty = re.sub(rb"<lg:leerlinggegevens>.*</lg:leerlinggegevens>", b"<lg:geengegevens/>", ask_las(request_of()))
    with serving(spoiled(ask_las, lambda _, reply: (200, empty, XML) if reply[0] == 200 else reply)) as peer:
        outcomes = check_las(peer.url, "las.all-in-one", "las.changes", "las.wrong-key")
    assert rules_of(outcomes["las.all-in-one"], WARNING) == {"las.no-data"}
    assert outcomes["las.changes"].state is State.NOT_TESTED
    assert outcomes["las.wrong-key"].state is State.PASSED


def request_of() -> bytes:
    account = authorisation_element(Authorisation("demo-las-99XX", "RB", "Rondblik"))
    return write_request(RosterRequest(Part.ALL, HORIZON, YEAR), account)


# -- the connection --------------------------------------------------------------------------------------------


def test_whoever_drips_or_is_silent_is_too_slow_and_holds_nobody_up() -> None:
    drips = (
        lambda h: h.drip(b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n\r\n", b" "),
        lambda h: h.drip(b"HTTP/1.1 200 OK\r\nX-Drip: ", b"x"),
        lambda h: h.loopback.over.wait(),
    )
    for drip in drips:
        began = time.monotonic()
        with serving(drip) as peer:
            outcomes = check_las(peer.url, limits=QUICK)
        assert rules_of(outcomes["las.all-in-one"], ERROR) == {"endpoint.slow"}
        assert outcomes["las.wrong-key"].state is State.NOT_TESTED
        assert time.monotonic() - began < 10


def test_whoever_drips_three_times_is_not_asked_again() -> None:
    def answer(handler: Handler) -> None:
        body = handler.loopback.asked[-1].body
        if honest(ask_las, body)[0] == 200 and b"laatstontvangen" not in body:
            handler.say(ask_las(body))
        else:
            handler.drip(b"HTTP/1.1 500 OK\r\n\r\n", b" ")

    with serving(answer) as peer:
        outcomes = check_las(peer.url, limits=QUICK)
    slow = [outcome.scenario.id for outcome in outcomes.values() if "endpoint.slow" in rules_of(outcome, ERROR)]
    # HaalStructuur was tried as well: its drip is the first, and stands with its own scenario
    assert len(slow) == 3
    assert outcomes["las.all-in-one"].state is State.PASSED
    assert outcomes["las.unknown-operation"].state is State.NOT_TESTED
    assert len(peer.asked) == 4


@pytest.mark.parametrize(
    "piece",
    [
        b"at ", b"at a(", b"java.", b"java.a", b"#1 ", b"<!---->", b"<!-- -", b"<!--", b"at (x) in :", b" at a (",
        b"System.aException", b" ", b"&", b"<a>", b"<html", b"org.com.nl.",
    ],
)  # fmt: skip
def test_no_text_keeps_the_look_for_traces_and_pages_busy(piece: bytes) -> None:
    content = piece * (1_000_000 // len(piece))
    with serving(spoiled(ask_las, on_refusal(lambda _: (500, content, "text/plain")))) as peer:
        began = time.monotonic()
        outcome = check_las(peer.url, "las.wrong-key")["las.wrong-key"]
    assert outcome.state is State.FAILED
    assert time.monotonic() - began < 5


def test_an_answer_after_half_a_minute_is_too_late() -> None:
    with serving(spoiled(ask_las, lambda _, reply: reply)) as peer:
        hasty = replace(endpoint(peer.url), answer_seconds=0.0)
        outcomes = run(las.LasSession(hasty), las.SCENARIOS[:1])
    assert rules_of(outcomes[0], ERROR) == {"endpoint.slow"}


def test_more_bytes_than_the_cap_are_not_read() -> None:
    with serving(lambda h: h.drip(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 100_000, 0)) as peer:
        outcomes = check_las(peer.url, "las.all-in-one", limits=replace(PATIENT, max_bytes=1_000_000))
    assert rules_of(outcomes["las.all-in-one"], ERROR) == {"endpoint.too-large"}


def test_what_breaks_off_is_compressed_or_is_not_there_is_a_finding() -> None:
    def packed(h: Handler) -> None:
        h.say(gzip.compress(b"<a/>"), Content_Encoding="gzip")

    def cut(h: Handler) -> None:
        h.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n<a>")

    for answer in (packed, cut, lambda h: h.reset()):
        with serving(answer) as peer:
            outcome = check_las(peer.url, "las.all-in-one")["las.all-in-one"]
        assert rules_of(outcome, ERROR) == {"endpoint.no-answer"}
        assert "opnieuw" not in found(outcome, "endpoint.no-answer").message_nl
    outcome = check_las(peer.url, "las.all-in-one")["las.all-in-one"]
    assert rules_of(outcome, ERROR) == {"endpoint.no-answer"}
    assert [response.status for response in outcome.came] == [None]


def test_a_redirect_leads_nowhere() -> None:
    with (
        serving(lambda h: h.say(b"<a/>")) as canary,
        serving(lambda h: h.say(b"", 302, Location=canary.url)) as peer,
    ):
        outcomes = check_las(peer.url)
    assert rules_of(outcomes["las.all-in-one"], ERROR) == {"endpoint.redirect"}
    assert canary.asked == []


def test_headers_and_action_go_along() -> None:
    with serving(spoiled(ask_las, lambda _, reply: reply)) as peer:
        with_header = replace(endpoint(peer.url), headers={"Ocp-Apim-Subscription-Key": "abonnement"})
        run(las.LasSession(with_header), las.SCENARIOS[:2])
    assert [item.headers["soapaction"] for item in peer.asked] == [
        '"HaalLeerlinggegevens"',
        f'"{names.LG}/structuur_verzoek"',
    ]
    assert {item.headers["ocp-apim-subscription-key"] for item in peer.asked} == {"abonnement"}
    assert {item.headers["accept-encoding"] for item in peer.asked} == {"identity"}


# -- a publisher that answers wrongly --------------------------------------------------------------------------


def on_cursor(change: Callable[[bytes], bytes], moment: bytes = b"1990") -> Spoil:
    """Something wrong in the answer to a moment."""

    def spoil(body: bytes, reply: Reply) -> Reply:
        match = re.search(rb"laatstontvangen>([^<]*)", body)
        about = reply[0] == 200 and match is not None and match[1].startswith(moment)
        return (200, change(reply[1]), XML) if about else reply

    return spoil


def empty_answer(kind: str) -> bytes:
    return f'<s:Envelope xmlns:s="{names.SOAP}"><s:Body><lo:leerresultaten_ophalen_antwoord xmlns:lo="{names.OPHALEN}"><lo:{kind}/></lo:leerresultaten_ophalen_antwoord></s:Body></s:Envelope>'.encode()  # noqa: E501


WRONG_RESULTS: dict[str, tuple[str, str, str, Spoil]] = {
    "a test that is not defined": (
        "publisher.right", "key.test-defined", ERROR, in_answers("<toetscode>[^<]*", "<toetscode>WEG"),
    ),
    "a score that is none": ("publisher.right", "xsd.value", ERROR, in_answers("<score>[^<]*", "<score>veel")),
    "a BSN as leerlingid": (
        "publisher.right", "pupil.bsn-like", WARNING, in_answers("<leerlingid>[^<]*", f"<leerlingid>{BSN}"),
    ),
    "a BSN as ECK iD": ("publisher.right", "pupil.bsn", ERROR, in_answers("<eckid>[^<]*", f"<eckid>{BSN}")),
    "another school": ("publisher.right", "answer.school", ERROR, in_answers("<brincode>99XX", "<brincode>99YY")),
    "another year": (
        "publisher.right", "publisher.school-year", WARNING,
        in_answers("<schooljaar>2026-2027", "<schooljaar>2025-2026"),
    ),
    "not as the operation says": (
        "publisher.right", "answer.element", ERROR, in_answers(r"</?lo:leerresultaten_ophalen_antwoord[^>]*>", "", 0),
    ),
    "a page": ("publisher.right", "endpoint.html", ERROR, always(200, PAGE, "text/html")),
    "nothing": ("publisher.right", "publisher.no-data", WARNING, always(200, empty_answer("geengegevens"))),
    "no changes though nothing was asked": (
        "publisher.right", "publisher.unasked-no-changes", ERROR, always(200, empty_answer("geenwijzigingen")),
    ),
    "no changes since ever": (
        "publisher.changes", "publisher.changes-lost", ERROR, on_cursor(lambda _: empty_answer("geenwijzigingen")),
    ),
    "new keys at every answer": (
        "publisher.changes", "publisher.changes-lost", ERROR,
        on_cursor(lambda body: re.sub(rb'<resultaat key="', b'<resultaat key="nieuw-', body)),
    ),
    "an aanmaakdatum that runs back": (
        "publisher.changes", "publisher.created-order", ERROR,
        on_cursor(lambda body: re.sub(rb"<aanmaakdatum>[^<]*", b"<aanmaakdatum>2026-09-01T00:00:00", body)),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG_RESULTS)
def test_every_wrong_answer_of_a_publisher_is_found(name: str) -> None:
    scenario, rule, level, spoil = WRONG_RESULTS[name]
    with serving(spoiled(ask_rekenwijs, spoil)) as peer:
        outcome = check_publisher(peer.url, scenario)[scenario]
    assert rule in rules_of(outcome, level)
    assert outcome.state is (State.FAILED if level == ERROR else State.WARNED)
    assert BSN not in repr(outcome)


def test_a_publisher_that_lets_a_wrong_key_in_is_found() -> None:
    def ask_anybody(body: bytes) -> bytes:
        return ask_rekenwijs(re.sub(rb"sleutel>[^<]*<", b"sleutel>demo-rekenwijs-99XX<", body))

    with serving(spoiled(ask_anybody, lambda _, reply: reply)) as peer:
        outcomes = check_publisher(peer.url)
    assert {outcome.scenario.id for outcome in outcomes.values() if outcome.state is State.FAILED} == {
        "publisher.wrong-key"
    }


# -- the rules -------------------------------------------------------------------------------------------------


def test_every_rule_has_its_words_in_two_languages_and_fills_them() -> None:
    words = {"nl": "a", "en": "b", "limit": 1, "expected": "c", "code": "d", "count": 2}
    for rule in BEHAVIOUR_RULES.values():
        filled = finding(rule.id, **words)
        for text in (filled.message_nl, filled.message_en, filled.remedy, filled.remedy_en):
            assert text.endswith((".", ":"))
            assert "{" not in text
        assert filled.clause
        assert filled.level in (ERROR, WARNING)


def test_scenarios_have_ids_of_their_own_and_two_languages() -> None:
    every = [*las.SCENARIOS, *publisher.SCENARIOS]
    assert len({scenario.id for scenario in every}) == len(every)
    for one in every:
        assert one.clause
        assert all(text.nl and text.en for text in (one.title, one.explanation, one.expected))


def test_the_page_for_vendors_names_every_scenario() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "conformance.md").read_text("utf-8")
    assert [scenario.id for scenario in (*las.SCENARIOS, *publisher.SCENARIOS) if f"`{scenario.id}`" not in page] == []


def test_the_state_of_a_report_is_that_of_its_worst_finding() -> None:
    with serving(spoiled(ask_las, lambda _, reply: reply)) as peer:
        outcomes = run(las.LasSession(endpoint(peer.url)), las.SCENARIOS)
    assert endpoint_report("x", LAS, outcomes).state is State.PASSED
    untested = [outcome for outcome in outcomes if outcome.state is State.NOT_TESTED]
    report: Report = endpoint_report("x", PUBLISHER, untested)
    assert report.state is State.NOT_TESTED
    assert {level.state for level in report.levels} == {State.NOT_TESTED}


def test_a_moment_in_the_future_is_no_trouble_for_a_clock_that_runs_behind() -> None:
    def behind(body: bytes) -> bytes:
        return answers.las(body, clock.now() - timedelta(minutes=3))

    with serving(spoiled(behind, lambda _, reply: reply)) as peer:
        assert check_las(peer.url, "las.no-changes")["las.no-changes"].state is State.PASSED
