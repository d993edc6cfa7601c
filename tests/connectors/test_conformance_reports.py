"""Reports: complete for people and machines, and harmless whatever the names in them are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from io import BytesIO

import pytest
from lxml import etree

from connectors.conformance import las
from connectors.conformance.html_report import as_html
from connectors.conformance.junit_report import as_junit
from connectors.conformance.levels import Level, level_of
from connectors.conformance.reports import (
    NO_CERTIFICATE,
    Report,
    as_json,
    clean,
    document_report,
    endpoint_report,
)
from connectors.conformance.scenarios import LAS, ResponseSummary, State, run
from connectors.intake.judge import judge, spool
from connectors.simulator import school
from connectors.simulator.school import HORIZON
from connectors.uwlr.agreement import of_policy
from connectors.uwlr.pupil_messages import read_roster
from connectors.uwlr.rules import BEHAVIOUR_RULES, PUPIL_RULES, RESULT_RULES, RULES, Stage
from models.schema import clock
from models.schema.records import Text
from tests.connectors.loopback import serving
from tests.connectors.test_conformance import BSN, GROUP, NOVEMBER, YEAR, ask_las, endpoint, in_answers, spoiled
from tests.uwlr.messages import message

HOSTILE = "<script>alert(1)</script>\"'&<img src=x onerror=alert(2)>]]>\x00\x1b[31m\u202e\ud800javascript:"


@pytest.fixture(autouse=True)
def _november() -> Iterator[None]:
    with clock.fixed(datetime(2026, 11, 20, 12, tzinfo=UTC)):
        yield


def checked(content: bytes, name: str = "bericht.xml") -> Report:
    with spool([content]) as spooled:
        judgement = judge(spooled, of_policy("strict", header="checked"))
    return document_report(name, judgement.findings, judgement.fault)


def states(report: Report) -> dict[Level, State]:
    return {level.level: level.state for level in report.levels}


# -- levels ----------------------------------------------------------------------------------------------------


def test_every_rule_has_a_level_that_fits_when_it_is_checked() -> None:
    for rule in RESULT_RULES.values():
        level = level_of(rule.id)
        if rule.stage is Stage.BYTES:
            assert level is Level.WELL_FORMED
        elif rule.stage <= Stage.PAYLOAD:
            assert level is Level.ENVELOPE
        elif rule.stage is Stage.SCHEMA:
            assert level is (Level.KEYS if rule.id.startswith("key.") else Level.SCHEMA)
        else:
            assert level is Level.BUSINESS
    assert {level_of(item) for item in PUPIL_RULES} == {Level.ENVELOPE, Level.SCHEMA, Level.KEYS, Level.BUSINESS}
    assert {level_of(item) for item in BEHAVIOUR_RULES} == {Level.KEYS, Level.BUSINESS, Level.BEHAVIOUR}


def test_a_good_file_passes_every_level_but_behaviour() -> None:
    report = checked(message())
    assert set(states(report).values()) == {State.PASSED, State.NOT_TESTED}
    assert states(report)[Level.BEHAVIOUR] is State.NOT_TESTED
    assert (report.state, report.errors, report.warnings, report.fault) == (State.PASSED, 0, 0, None)


@pytest.mark.parametrize(
    ("content", "failed", "last"),
    [
        (message()[:-20], Level.WELL_FORMED, Level.WELL_FORMED),
        (b"", Level.WELL_FORMED, Level.WELL_FORMED),
        (b"<a/>", Level.ENVELOPE, Level.ENVELOPE),
        (message(scores=["x"]), Level.SCHEMA, Level.SCHEMA),
        (message(tests="<toets><toetscode>T1</toetscode></toets>"), Level.KEYS, Level.BUSINESS),
        (message(brin="99XX", xsdversie="9.9"), Level.BUSINESS, Level.BUSINESS),
    ],
)
def test_a_level_behind_an_error_that_stops_is_not_tested(content: bytes, failed: Level, last: Level) -> None:
    report = checked(content)
    by_level = states(report)
    failures = [level for level, state in by_level.items() if state is State.FAILED]
    if failed is not Level.SCHEMA:  # a score that is none has a rule of its own, beside the schema's
        assert failures == [failed]
    assert all(state is State.NOT_TESTED for level, state in by_level.items() if level > last and level not in failures)
    assert all(state is not State.NOT_TESTED for level, state in by_level.items() if level <= last)
    assert report.fault is not None


# -- JSON ------------------------------------------------------------------------------------------------------


def test_json_says_of_each_finding_what_where_and_how_to_mend_it() -> None:
    report = json.loads(json.dumps(as_json(checked(message(scores=["7.5"])))))
    assert (report["kind"], report["state"], report["fault"]) == ("file", "failed", "Client.ScoreOngeldig")
    assert [item["level"] for item in report["levels"]] == [
        "well-formed", "envelope", "schema", "keys", "business", "behaviour",
    ]  # fmt: skip
    (error,) = [item for item in report["findings"] if item["rule"] == "score.decimal"]
    assert error["line"] == 1
    assert error["column"] > 1
    assert all(error[name] for name in ("clause", "path", "message_nl", "message_en", "remedy", "remedy_en", "check"))
    assert report["remark_nl"] == NO_CERTIFICATE.nl


def wrong_endpoint() -> Report:
    with clock.fixed(NOVEMBER), serving(spoiled(ask_las, in_answers(GROUP, f"{GROUP}<lg:bsn>{BSN}</lg:bsn>"))) as peer:
        outcomes = run(las.LasSession(endpoint(peer.url)), las.SCENARIOS)
        return endpoint_report(peer.url, LAS, outcomes)


def test_no_report_holds_a_value_of_a_pupil_or_a_secret() -> None:
    report = wrong_endpoint()
    roster = school.roster(HORIZON, YEAR, NOVEMBER)
    texts = [json.dumps(as_json(report), ensure_ascii=False), as_junit([report]).decode(), as_html([report]).decode()]
    values = {BSN, "demo-las-99XX", "Rondblik toets onbekend"}
    values |= {pupil.las_key for pupil in roster.pupils if pupil.las_key} | {
        pupil.eck_id for pupil in roster.pupils if pupil.eck_id
    }
    values |= {pupil.last_name for pupil in roster.pupils if pupil.last_name and len(pupil.last_name) > 5}
    for text in texts:
        assert "las.personal-number" in text
        assert [value for value in values if re.search(rf"\b{re.escape(value)}\b", text)] == []


# -- JUnit -----------------------------------------------------------------------------------------------------


def read_junit(content: bytes) -> etree._Element:
    """The root, after a look at what every reader of JUnit XML relies on."""
    root = etree.fromstring(content)
    assert root.tag == "testsuites"
    for suite in root:
        assert suite.tag == "testsuite"
        assert {"name", "tests", "failures", "errors", "skipped", "time", "timestamp"} <= set(suite.keys())
        datetime.fromisoformat(suite.get("timestamp", ""))
        cases = suite.findall("testcase")
        assert int(suite.get("tests", "")) == len(cases)
        assert int(suite.get("failures", "")) == sum(case.find("failure") is not None for case in cases)
        assert int(suite.get("skipped", "")) == sum(case.find("skipped") is not None for case in cases)
        assert len({case.get("name") for case in cases}) == len(cases)
        for case in cases:
            assert case.get("classname")
            assert float(case.get("time", "")) >= 0
            assert {child.tag for child in case} <= {"failure", "skipped", "system-out"}
            assert len(case.findall("failure")) + len(case.findall("skipped")) <= 1
    for name in ("tests", "failures", "errors", "skipped"):
        assert int(root.get(name, "")) == sum(int(suite.get(name, "")) for suite in root)
    return root


def test_junit_has_a_case_for_each_level_with_rule_place_and_remedy() -> None:
    root = read_junit(as_junit([checked(message(scores=["7.5"]), "a.xml"), checked(message(toetsnaam="  "), "b.xml")]))
    (failure,) = root.findall("testsuite[@name='a.xml']/testcase[@name='schema']/failure")
    rule = RULES["score.decimal"]
    assert failure.get("type") == "score.decimal"
    assert all(part in (failure.text or "") for part in ("regel 1, kolom", rule.nl, rule.remedy, rule.remedy_en))
    (warned,) = root.findall("testsuite[@name='b.xml']/testcase[@name='business']/system-out")
    assert "test.name-blank" in (warned.text or "")
    assert root.findall("testsuite[@name='b.xml']/testcase/failure") == []
    assert len(root.findall("testsuite[@name='b.xml']/testcase[@name='behaviour']/skipped")) == 1


def test_junit_has_a_case_for_each_scenario_with_what_was_expected_and_came() -> None:
    report = wrong_endpoint()
    root = read_junit(as_junit([report]))
    assert [element.get("name") for element in root.iter("testcase")] == [scenario.id for scenario in las.SCENARIOS]
    (failure,) = root.iter("failure")
    assert "HaalLeerlinggegevens: HTTP 200, text/xml" in (failure.text or "")
    assert NO_CERTIFICATE.nl in etree.tostring(root, encoding="unicode")


def test_junit_survives_hostile_names() -> None:
    root = read_junit(as_junit([hostile()]))
    assert "script" not in {element.tag for element in root.iter()}
    assert "\x1b" not in etree.tostring(root, encoding="unicode")


# -- HTML ------------------------------------------------------------------------------------------------------


def hostile() -> Report:
    """A report in which every name that a stranger can choose is hostile."""
    finding = replace(
        checked(message(scores=["7.5"])).findings[0], path=f"/{HOSTILE}", message_nl=HOSTILE, rule=HOSTILE
    )
    return document_report(HOSTILE, [finding], "Client.OngeldigBericht")


class _Seen(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.languages: set[str | None] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data


def read_html(content: bytes) -> _Seen:
    seen = _Seen()
    seen.feed(content.decode())
    seen.close()
    return seen


def test_html_shows_hostile_names_as_text() -> None:
    content = as_html([hostile()])
    seen = read_html(content)
    assert not seen.tags & {"script", "img", "iframe", "link", "object", "embed", "form", "a", "base"}
    assert not [name for name, _ in seen.attributes if name.startswith("on") or name in ("src", "href", "style")]
    assert b"<script" not in content.lower()
    assert "<script>alert(1)</script>\"'&<img src=x onerror=alert(2)>]]>[31mjavascript:" in seen.text
    assert "\x1b" not in seen.text
    assert "\u202e" not in seen.text


def test_html_is_one_page_that_fetches_nothing() -> None:
    content = as_html([wrong_endpoint(), checked(message(scores=["7.5"]))]).decode()
    assert content.startswith("<!DOCTYPE html>")
    assert "default-src 'none'" in content
    assert not re.search(r"url\(|@import|//[a-z]+\.[a-z]", content.replace("http://schemas.xmlsoap.org", ""))
    seen = read_html(content.encode())
    assert NO_CERTIFICATE.nl in seen.text
    assert NO_CERTIFICATE.en in seen.text
    for scenario in las.SCENARIOS:
        assert scenario.title.nl in seen.text
        assert scenario.title.en in seen.text
    assert RULES["score.decimal"].remedy in seen.text
    assert ("lang", "nl") in seen.attributes
    assert ("lang", "en") in seen.attributes
    etree.parse(BytesIO(content.encode()), etree.HTMLParser(recover=False))


def test_html_shows_what_came_as_text_too() -> None:
    report = wrong_endpoint()
    outcome = replace(
        report.outcomes[0],
        came=(ResponseSummary(HOSTILE, 200, HOSTILE, HOSTILE, 0.1),),
        reason=Text(HOSTILE, HOSTILE),
    )
    seen = read_html(as_html([replace(report, outcomes=(outcome,))]))
    assert not seen.tags & {"script", "img"}


def test_what_is_cleaned_stays_readable() -> None:
    assert clean("Zoë 文 🙂\tregel\n") == "Zoë 文 🙂\tregel\n"
    assert clean("a\x00b\x7f\x9f\ufffe\u2066c") == "abc"


def test_a_roster_file_has_its_levels_too() -> None:
    answer = read_roster(b"<EDEX><school><schooljaar>x</schooljaar></school><onbekend/></EDEX>")
    by_level = states(document_report("r.xml", answer.findings))
    assert by_level[Level.SCHEMA] is State.WARNED
    assert by_level[Level.BUSINESS] is State.FAILED
    assert states(document_report("r.xml", read_roster(b"<x/>").findings))[Level.SCHEMA] is State.NOT_TESTED
