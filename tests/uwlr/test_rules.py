"""Every rule of the table: the message in tests/messages that breaks it, and what comes of that under both policies."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.intake.judge import Judgement, judge, spool
from connectors.uwlr import rules
from connectors.uwlr.agreement import POLICIES, STRICT, Agreement, Bounds, Policy, of_policy
from connectors.uwlr.rules import RESULT_RULES, RULES
from models.schema import clock
from models.schema.records import Verdict
from tests.uwlr.messages import message

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
ROOT = Path(__file__).resolve().parents[2]
MESSAGES = ROOT / "tests" / "messages"
ERROR, WARNING, INFO = "error", "warning", "info"
MESSAGE, SCORE, NORM = "Client.OngeldigBericht", "Client.ScoreOngeldig", "Client.ToetsNormeringOngeldig"
OSO_FAULT, PUPIL, VERSION = "Client.EldResultaatOngeldig", "Client.LeerlingOngeldig", "Client.XsdVersieOngeldig"
TERM, ACCESS = "Client.VocabulaireTermOngeldig", "Client.AutorisatieOngeldig"

# Rules that need a store, a request over HTTP or more than one message, with the test that shows them.
RECEIVE = "tests/connectors/test_receive.py"
CROWD = "tests/connectors/test_receive_crowd.py"
ROOMS = "tests/connectors/test_sandboxes.py"
ELSEWHERE = {
    "xml.charset": "tests/connectors/test_charset.py",
    "xml.size": "tests/connectors/test_pull.py",
    "document.unreadable": "tests/connectors/test_pull.py",
    "message.room": ROOMS,
    "message.provoked": ROOMS,
    "message.rate": RECEIVE,
    "message.deadline": RECEIVE,
    "message.busy": CROWD,
    "message.http": RECEIVE,
    "message.chunks": RECEIVE,
    "message.packing": RECEIVE,
    "message.gzip": RECEIVE,
    "header.customer": RECEIVE,
    "header.key": RECEIVE,
    "school.other": "tests/connectors/test_pull.py",
    "school.stopped": RECEIVE,
    "school.created-order": RECEIVE,
    "pupil.unknown": RECEIVE,
    "pupil.conflict": RECEIVE,
    "result.moved": "tests/models/test_store.py",
    "result.tied": "tests/models/test_store.py",
}
# Faults of the standard that no message by itself can bring about.
FAULTS_ELSEWHERE = {
    "Client.OngeldigeKlantIdentificatie": RECEIVE,
    "Server.InterneFout": RECEIVE,
    "Server.TijdelijkNietBeschikbaar": RECEIVE,
}

# What is said of a message as a whole: no line of it is to blame.
OF_THE_WHOLE = ("xml.empty",)

PUSHED = Agreement(header="required")
TEST_SCHOOL = of_policy("strict", test_school=True)
ONE_RESULT = Agreement(bounds=Bounds(max_results=1))

Expected = tuple[str, str | None]


@dataclass(frozen=True)
class Row:
    """Level and fault of the rule that a message breaks, under the strict and under the tolerant policy.

    `with_strict` are rules that a strict schema cannot but find broken as well, `with_both` those of either policy;
    `agreement` is what more than the policy was agreed.
    """

    strict: Expected
    tolerant: Expected
    with_strict: frozenset[str] = frozenset()
    with_both: frozenset[str] = frozenset()
    agreement: Agreement = STRICT

    def expected(self, policy: Policy) -> tuple[Expected, frozenset[str]]:
        """Level and fault of the rule itself, and the rules that go with it."""
        return (
            (self.strict, self.with_strict | self.with_both) if policy == "strict" else (self.tolerant, self.with_both)
        )


def refused(fault: str = MESSAGE, *others: str, agreement: Agreement = STRICT) -> Row:
    """Under both policies an error."""
    return Row((ERROR, fault), (ERROR, fault), with_both=frozenset(others), agreement=agreement)


def warned(agreement: Agreement = STRICT, others: tuple[str, ...] = ()) -> Row:
    """Under both policies a warning."""
    return Row((WARNING, None), (WARNING, None), with_both=frozenset(others), agreement=agreement)


def told() -> Row:
    """Under both policies no more than a notice."""
    return Row((INFO, None), (INFO, None))


def milder(fault: str, *others: str, agreement: Agreement = STRICT) -> Row:
    """An error for all but tolerant senders; `others` are what the strict schema says besides."""
    return Row((ERROR, fault), (WARNING, None), with_strict=frozenset(others), agreement=agreement)


ROWS = {
    # -- bytes and XML
    "xml.empty": refused(),
    "xml.well-formed": refused(),
    "xml.not-xml": refused(),
    "xml.multipart": refused(),
    "xml.declaration": refused(),
    "xml.cut-off": refused(),
    "xml.bytes": refused(),
    "xml.character": refused(),
    "xml.escape": refused(),
    "xml.entity": refused(),
    "xml.end-tag": refused(),
    "xml.attribute-twice": refused(),
    "xml.prefix": refused(),
    "xml.namespace": refused(),
    "xml.second-document": refused(),
    "xml.text-after": refused(),
    "xml.encoding": refused(),
    "xml.version": refused(),
    "xml.windows-1252": warned(),
    "xml.doctype": refused(),
    "xml.processing-instruction": refused(),
    "xml.comment-in-text": warned(),
    "xml.schema-location": warned(),
    "xml.text": refused(),
    "xml.depth": refused(),
    "xml.attributes": refused(),
    "message.results": refused(agreement=ONE_RESULT),
    # -- envelope and header
    "soap.version": refused("VersionMismatch"),
    "soap.root": refused(),
    "soap.namespace": refused(),
    "soap.request": refused(),
    "soap.body": refused(),
    "soap.after-body": refused(),
    "soap.fault": refused(),
    "soap.must-understand": refused("MustUnderstand"),
    "soap.envelope": refused(agreement=PUSHED),
    "header.missing": refused(ACCESS, agreement=PUSHED),
    "header.namespace": refused(ACCESS, agreement=PUSHED),
    "header.map": refused(ACCESS, agreement=PUSHED),
    "header.single": refused(ACCESS, agreement=PUSHED),
    "header.incomplete": refused(ACCESS, agreement=PUSHED),
    "header.unqualified": milder(ACCESS, agreement=PUSHED),
    # -- the schemas
    "xsd.value": refused(SCORE),
    "xsd.order": refused(),
    "xsd.extra": refused(),
    "xsd.unknown": refused(),
    "xsd.unknown-last": refused(),
    "xsd.namespace": refused(),
    "xsd.map": refused(),
    "xsd.missing": refused(),
    "xsd.attribute": refused(),
    "xsd.attribute-missing": refused(),
    "xsd.attribute-value": refused(),
    "xsd.nil": refused(),
    "xsd.type": refused(MESSAGE, "result.other-type"),
    "xsd.xsi-type": refused(),
    "xsd.text": refused(),
    "xsd.content": refused(),
    "result.none": refused(),
    # -- keys and references
    "key.result-unique": refused(),
    "key.test-unique": refused(),
    "key.test-defined": refused(),
    "key.version-defined": warned(),
    "key.part-number-unique": refused(),
    "key.part-code-unique": warned(),
    "key.part-defined": milder(MESSAGE),
    # -- head
    "school.brin": refused(),
    "school.dependance": refused(),
    "school.dependance-short": milder(MESSAGE, "xsd.value"),
    "school.year": refused(),
    "school.year-digits": refused(),
    "school.year-other": told(),
    "school.created": refused(),
    "school.created-24h": warned(),
    "school.created-old": warned(others=("result.date-future",)),
    "version.missing": milder(MESSAGE),
    "version.unsupported": refused(VERSION),
    "version.2-0": warned(),
    "version.eckid": warned(),
    # -- pupils
    "pupil.eckid-form": warned(),
    "pupil.bsn": refused(PUPIL),
    "pupil.bsn-like": warned(agreement=TEST_SCHOOL),
    "pupil.no-las-key": milder(PUPIL),
    # -- results
    "score.decimal": milder(SCORE),
    "score.not-offered": milder(SCORE),
    "score.bound": refused(SCORE),
    "score.above-norm": warned(),
    "score.huge": warned(),
    "score.below-norm": warned(),
    "result.date": refused(),
    "result.date-zone": warned(),
    "result.date-outside-year": warned(),
    "result.date-future": warned(),
    "result.other-type": refused(MESSAGE, "xsd.type"),
    "result.duration": refused(),
    "result.url": warned(),
    "result.twice": warned(),
    "result.counts": warned(),
    "oso.empty": warned(),
    "oso.bound": refused(OSO_FAULT),
    "oso.decimals": warned(),
    "oso.interval": warned(),
    "oso.reference-code": warned(),
    "oso.comparison-group": warned(),
    # -- tests and norms
    "norm.maximum-only": milder(NORM),
    "norm.decimal": milder(NORM),
    "norm.reversed": refused(NORM),
    "norm.overlap": warned(),
    "norm.bound": refused(NORM),
    "norm.weight": warned(),
    "norm.weight-negative": warned(),
    "norm.grade": warned(),
    "test.level-empty": milder(NORM, "xsd.value"),
    "test.name-blank": warned(),
    "test.hierarchy": warned(),
    "test.level-number": refused(MESSAGE, "test.hierarchy"),
    "test.part-number": refused(),
    "test.vocabulary": refused(TERM),
    "test.vocabulary-location": warned(),
    "test.year-term": warned(),
    # -- texts
    "text.lookalike": warned(),
    "text.control": warned(),
}
VERDICTS = {ERROR: Verdict.REJECT, WARNING: Verdict.WARN, INFO: Verdict.ACCEPT}
GOOD = sorted(path.stem for path in MESSAGES.glob("good-*.xml"))


def judged(data: bytes, policy: Policy, agreement: Agreement = STRICT) -> Judgement:
    with clock.fixed(NOW), spool([data]) as spooled:
        return judge(spooled, replace(agreement, terms=replace(agreement.terms, policy=policy)))


def content(name: str) -> bytes:
    return (MESSAGES / f"{name}.xml").read_bytes()


def test_every_rule_has_a_message_or_a_test_elsewhere() -> None:
    assert ROWS.keys() | ELSEWHERE.keys() == RESULT_RULES.keys()
    assert not ROWS.keys() & ELSEWHERE.keys()
    assert {path.name for path in MESSAGES.iterdir()} == {f"{name}.xml" for name in (*ROWS, *GOOD)}
    for rule, path in ELSEWHERE.items():
        assert f'"{rule}"' in (ROOT / path).read_text(encoding="utf-8"), rule


def test_every_fault_of_the_standard_has_a_message_or_a_test_elsewhere() -> None:
    shown = {fault for row in ROWS.values() for _, fault in (row.strict, row.tolerant)}
    assert set(rules.FAULTS) - shown == FAULTS_ELSEWHERE.keys()
    assert len(rules.FAULTS) == 11
    for fault, path in FAULTS_ELSEWHERE.items():
        assert f'"{fault}"' in (ROOT / path).read_text(encoding="utf-8"), fault


def test_messages_in_another_encoding_keep_their_bytes() -> None:
    assert content("xml.empty") == b""
    assert "één".encode("windows-1252") in content("xml.windows-1252")
    assert content("good-utf-16").decode("utf-16").startswith("<?xml")


@pytest.mark.parametrize("policy", POLICIES)
def test_the_ordinary_message_breaks_no_rule(policy: Policy) -> None:
    judgement = judged(message(), policy)
    assert judgement.findings == []
    assert judgement.verdict is Verdict.ACCEPT


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("name", GOOD)
def test_a_good_message_breaks_no_rule(name: str, policy: Policy) -> None:
    agreement = PUSHED if name == "good-enveloped" else STRICT
    judgement = judged(content(name), policy, agreement)
    assert judgement.findings == []
    assert judgement.verdict is Verdict.ACCEPT
    assert judgement.batch is not None


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("rule", ROWS)
def test_the_message_of_a_rule_breaks_that_one(rule: str, policy: Policy) -> None:
    (level, fault), others = ROWS[rule].expected(policy)
    judgement = judged(content(rule), policy, ROWS[rule].agreement)
    own = [finding for finding in judgement.findings if finding.rule == rule]
    assert {(finding.level, finding.fault) for finding in own} == {(level, fault)}
    assert {finding.rule for finding in judgement.findings} == {rule, *others}
    assert judgement.verdict is VERDICTS[level]
    assert (judgement.batch is None) == (level == ERROR)
    assert judgement.fault == fault
    assert rule in OF_THE_WHOLE or all(finding.line is not None for finding in own)


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.id)
def test_every_rule_speaks_both_languages_and_names_a_clause_and_a_remedy(rule: rules.Rule) -> None:
    for text in (rule.nl, rule.en, rule.remedy, rule.remedy_en):
        assert text[0].isupper() or text.startswith(("{", "xsdversie"))
        assert text.endswith(".")
    assert rule.nl != rule.en
    assert rule.remedy != rule.remedy_en
    assert rule.clause
    assert rule.fault is None or rule.fault in (*rules.FAULTS, rules.VERSION_MISMATCH, rules.MUST_UNDERSTAND)


A_RULE = """
["xml.example"]
stage = "bytes"
clause = "XML 1.0"
level = "error"
fault = "Client.OngeldigBericht"
nl = "Fout."
en = "Wrong."
remedy = "Herstel het."
remedy_en = "Mend it."
"""


def test_a_rule_is_read_from_its_table() -> None:
    (rule,) = rules.parse_rules(A_RULE).values()
    assert (rule.id, rule.stage, rule.level, rule.tolerant) == ("xml.example", rules.Stage.BYTES, ERROR, None)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ('stage = "bytes"', 'stage = "later"'),
        ('level = "error"', 'level = "fatal"'),
        ('level = "error"', 'level = "error"\ntolerant = "mild"'),
        ('"Client.OngeldigBericht"', '"Client.Onbekend"'),
        ('en = "Wrong."', ""),
        ('en = "Wrong."', 'en = ""'),
        ("remedy_en", "remedy_fr"),
        ("clause", "source"),
        ("remedy_en = ", 'remedy_en = "Mend it."\nremedy_en = '),
    ],
)
def test_a_table_that_is_no_complete_rule_is_refused(right: str, wrong: str) -> None:
    assert right in A_RULE
    with pytest.raises(ValueError):  # noqa: PT011 - also what the TOML parser raises
        rules.parse_rules(A_RULE.replace(right, wrong, 1))


def test_two_rules_with_the_same_id_are_refused() -> None:
    rule = rules.parse_rules(A_RULE)
    with pytest.raises(ValueError, match=r"same id: xml\.example"):
        rules.merge(rule, rule)
