"""What the reader makes of a message: the law read(write(x)) == x, zeros, reasons, comments, gate and places."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings

from connectors.intake.judge import Judgement, judge, spool
from connectors.uwlr.agreement import Policy, of_policy
from connectors.uwlr.envelope import Authorisation
from connectors.uwlr.reader import read_results
from connectors.uwlr.validator import QUEUED_CHUNKS, Validation
from connectors.uwlr.writer import write_empty_pull_answer, write_message, write_pull_answer
from models.schema import clock
from models.schema.records import (
    SCALE,
    Absence,
    Kind,
    MessageHead,
    Progress,
    Result,
    SchoolRef,
    Status,
    TestDefinition,
    Verdict,
)
from tests.uwlr.messages import message, result_xml
from tests.uwlr.record_strategies import messages
from tests.uwlr.records_of import results_of

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def judged(data: bytes, policy: Policy = "strict") -> Judgement:
    with clock.fixed(NOW), spool([data]) as spooled:
        return judge(spooled, of_policy(policy))


def rules_of(judgement: Judgement, level: str = "error") -> set[str]:
    return {finding.rule for finding in judgement.findings if finding.level == level}


def scores(judgement: Judgement) -> list[tuple[int | None, int | None]]:
    assert judgement.batch is not None, [finding.message_en for finding in judgement.findings]
    return [(row[7], row[8]) for chunk in judgement.batch.chunks() for row in chunk]


@pytest.mark.long
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(messages())
def test_what_is_written_is_read_back_as_it_was(
    sent: tuple[MessageHead, list[Result], list[TestDefinition]],
) -> None:
    head, rows, definitions = sent
    data = write_message(head, rows, definitions, authorisation=Authorisation("s", "k", "n"))
    reading = read_results(io.BytesIO(data), "entry_results.xsd")
    assert not reading.broken
    assert list(results_of(reading)) == rows
    assert reading.definitions == definitions
    judgement = judged(data)
    assert judgement.head == head, rules_of(judgement)


def test_a_validator_that_breaks_down_beside_the_reader_is_no_verdict() -> None:
    def validate() -> None:
        with Validation("no_such_schema.xsd") as validation:
            for _ in range(2 * QUEUED_CHUNKS):
                validation.feed(b"<a/>")

    with pytest.raises(KeyError, match="no_such_schema"):
        validate()


def test_a_zero_is_a_score_and_x_is_a_reason() -> None:
    judgement = judged(message(scores=["0", "X", "7"]), "tolerant")
    assert scores(judgement) == [(0, None), (None, Absence.NOT_OFFERED), (7 * SCALE, None)]


def test_x_and_decimals_are_refused_under_the_strict_policy() -> None:
    judgement = judged(message(scores=["1.5", "X"]))
    assert judgement.verdict is Verdict.REJECT
    assert judgement.fault == "Client.ScoreOngeldig"
    assert {"score.decimal", "score.not-offered"} <= rules_of(judgement)


def test_a_decimal_score_is_exact() -> None:
    assert scores(judged(message(scores=["1.5", "0.0", "2.0001"]), "tolerant")) == [
        (15_000, None), (0, None), (20_001, None)
    ]  # fmt: skip


def test_a_comment_inside_a_value_splits_nothing() -> None:
    judgement = judged(message(scores=["1<!-- half -->7"]))
    assert scores(judgement) == [(17 * SCALE, None)]
    assert "xml.comment-in-text" in rules_of(judgement, "warning")


def test_a_comment_inside_a_pupil_number_names_no_other_pupil() -> None:
    judgement = judged(message(leerlingid="leerling-1<!-- -->2"))
    assert judgement.batch is not None
    assert [ref.las_key for ref in judgement.batch.pupils] == ["leerling-12"]


def test_a_comment_between_elements_says_nothing() -> None:
    data = message().replace(b"<toetsen>", b"<!-- definitions --><toetsen>")
    assert judged(data).findings == []


def test_digits_of_other_scripts_are_no_digits() -> None:
    assert judged(message(scores=["\u0661\u0667"])).verdict is Verdict.REJECT
    assert "school.brin" in rules_of(judged(message(brin="\u0669\u0669XX")))


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"", "xml.empty"),
        (b"\x00\x01\x02", "xml.not-xml"),
        (b"no message", "xml.not-xml"),
        (b"{}", "xml.not-xml"),
        (b" " + message(), "xml.declaration"),
        (message() + message(), "xml.second-document"),
        (message().replace(b"<leerresultaten_verzoek", b"<!DOCTYPE a><leerresultaten_verzoek", 1), "xml.doctype"),
        (message().replace(b"<toetsen>", b"<?go now?><toetsen>"), "xml.processing-instruction"),
        (message().replace(b"UTF-8", b"UTF-7"), "xml.encoding"),
        (message().replace(b"UTF-8", b"UTF-16"), "xml.encoding"),
        (message().replace(b"99XX", b"99\xffX"), "xml.bytes"),
    ],
)
def test_what_is_no_message_is_refused_with_a_rule(data: bytes, rule: str) -> None:
    judgement = judged(data)
    assert judgement.verdict is Verdict.REJECT
    assert rule in rules_of(judgement)


def test_a_message_that_is_cut_off_anywhere_is_refused() -> None:
    data = message(scores=["1", "2", "3"])
    for cut in range(0, len(data), 7):
        assert judged(data[:cut]).verdict is Verdict.REJECT, cut


def test_a_long_message_that_is_cut_off_is_refused() -> None:
    data = message(scores=["1"] * 3_000)
    for cut in (len(data) - 1, len(data) - 200, len(data) // 2):
        judgement = judged(data[:cut])
        assert rules_of(judgement) == {"xml.cut-off"}


@pytest.mark.parametrize("encoding", ["utf-8", "iso-8859-1", "utf-16", "windows-1252"])
def test_letters_survive_every_allowed_encoding(encoding: str) -> None:
    data = message(toetsnaam="Café België").decode().replace("UTF-8", encoding).encode(encoding)
    judgement = judged(data)
    assert judgement.batch is not None
    assert judgement.batch.definitions[0].name == "Café België"


def test_findings_name_line_and_column_of_the_element() -> None:
    lines = message(scores=["1", "bad", "3"]).decode().replace("><", ">\n<").splitlines()
    line = next(number for number, text in enumerate(lines, 1) if "bad" in text)
    findings = [finding for finding in judged("\n".join(lines).encode()).findings if finding.rule == "xsd.value"]
    assert [(finding.line, finding.column) for finding in findings] == [(line, 1)]
    assert findings[0].path is not None
    assert findings[0].path.endswith('/resultaat[@key="r2"]/score')
    assert "bad" not in findings[0].message_nl + findings[0].message_en + findings[0].remedy


def test_a_wrong_value_far_into_a_long_message_is_found_at_its_place() -> None:
    data = message(scores=["1"] * 4_000 + ["wrong"] + ["1"] * 4_000)
    findings = [finding for finding in judged(data).findings if finding.level == "error"]
    assert [(finding.rule, finding.column) for finding in findings] == [("xsd.value", data.index(b"<score>wrong") + 1)]


def test_many_wrong_scores_cost_no_more_than_the_first_few() -> None:
    judgement = judged(message(scores=["wrong"] * 20_000))
    assert 1 <= len(judgement.findings) <= 25


@pytest.mark.parametrize(
    ("xml", "rule", "fault"),
    [
        (result_xml("r1", "1") + result_xml("r1", "2"), "key.result-unique", "Client.OngeldigBericht"),
        (result_xml("r1", "1", toetscode="T 1"), "key.test-defined", "Client.OngeldigBericht"),
        (result_xml("r1", "9" * 20), "score.bound", "Client.ScoreOngeldig"),
        (result_xml("r1", "1", afnamedatum="9999-01-01"), "result.date", "Client.OngeldigBericht"),
    ],
)
def test_our_own_rules_refuse_with_their_fault(xml: str, rule: str, fault: str) -> None:
    judgement = judged(message(results=xml))
    assert rule in rules_of(judgement)
    assert judgement.fault == fault


def test_a_repeated_key_is_found_in_a_message_of_many_chunks() -> None:
    rows = [result_xml(f"r{number}", "1") for number in range(12_000)] + [result_xml("r3", "1")]
    assert rules_of(judged(message(results="".join(rows)))) == {"key.result-unique"}


def test_a_score_above_the_norm_is_kept_with_a_warning() -> None:
    judgement = judged(message(scores=["11"]))
    assert judgement.verdict is Verdict.WARN
    assert rules_of(judgement, "warning") == {"score.above-norm"}


def test_a_score_on_the_bound_is_no_matter() -> None:
    assert judged(message(scores=["10"])).verdict is Verdict.ACCEPT


def test_a_message_from_the_future_is_refused() -> None:
    assert "school.created" in rules_of(judged(message(aanmaakdatum="2026-11-21T13:00:00Z")))


def test_another_school_year_is_no_reason_to_refuse() -> None:
    judgement = judged(message(schooljaar="2025-2026"))
    assert judgement.verdict is Verdict.WARN
    assert "school.year-other" in rules_of(judgement, "info")


def test_versions_decide_which_schema_judges() -> None:
    without_key = message(xsdversie="2.3").replace(b"<leerlingid>L1</leerlingid>", b"<eckid>E1</eckid>")
    assert judged(without_key).verdict is not Verdict.REJECT
    assert judged(without_key.replace(b">2.3<", b">2.2<")).verdict is Verdict.REJECT
    assert rules_of(judged(message(xsdversie="2.0")), "warning") == {"version.2-0"}
    assert judged(message(xsdversie="1.0")).fault == "Client.XsdVersieOngeldig"


def test_two_messages_in_one_body_are_refused() -> None:
    payload = message().partition(b"?>")[2]
    soap = b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>%s</s:Body></s:Envelope>'
    assert judged(soap % payload).verdict is Verdict.ACCEPT
    assert "soap.body" in rules_of(judged(soap % (payload + payload.replace(b'key="r1"', b'key="r2"'))))
    assert "soap.body" in rules_of(judged(soap % b""))


def test_a_pull_answer_is_read_like_a_message_and_an_empty_one_as_empty() -> None:
    head = MessageHead("2026-2027", SchoolRef("99XX"), "2026-11-11T00:05:46Z", 0, xsd_version="2.2")
    reading = judged(message())
    assert reading.batch is not None
    rows = list(results_of(read_results(io.BytesIO(message()), "entry_results.xsd")))
    answer = judged(write_pull_answer(head, rows, reading.batch.definitions))
    assert scores(answer) == scores(reading)
    assert judged(write_empty_pull_answer("geenwijzigingen")).empty == "no_changes"
    assert judged(write_empty_pull_answer("geengegevens")).empty == "no_data"


def test_progress_is_a_record_of_its_own() -> None:
    xml = (
        '<resultaat key="p1"><afnamedatum>2026-11-10</afnamedatum><toetscode>T1</toetscode>'
        '<anderresultaat xmlns:vg="urn:rondblik:voortgang:1" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="vg:Voortgang">'
        "<vg:status>bezig</vg:status><vg:tijd>PT1H2M3.5S</vg:tijd><vg:aangeboden>30</vg:aangeboden>"
        "<vg:gemaakt>0</vg:gemaakt></anderresultaat></resultaat>"
    )
    judgement = judged(message(results=xml))
    assert judgement.batch is not None, [finding.message_en for finding in judgement.findings]
    (row,) = next(iter(judgement.batch.chunks()))
    assert row[4] == Kind.PROGRESS
    assert row[9] == Progress(Status.BUSY, worked_ms=3_723_500, offered=30, made=0, duration="PT1H2M3.5S")
