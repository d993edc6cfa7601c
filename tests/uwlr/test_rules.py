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


@dataclass(frozen=True)
class Circumstances:
    """What a message breaks besides the rule that it is named after, and what more than the policy was agreed.

    `with_strict` are rules that a strict schema cannot but find broken as well, `with_both` those of either policy;
    `fault` is that of the element, where it is not the one of the rule.
    """

    with_strict: frozenset[str] = frozenset()
    with_both: frozenset[str] = frozenset()
    agreement: Agreement = STRICT
    fault: str | None = None

    def others(self, policy: Policy) -> frozenset[str]:
        """The rules that go with it."""
        return self.with_strict | self.with_both if policy == "strict" else self.with_both


def strictly_with(*rules: str) -> Circumstances:
    """The strict schema refuses it as well."""
    return Circumstances(with_strict=frozenset(rules))


def along_with(*rules: str) -> Circumstances:
    """Other rules are broken by the same."""
    return Circumstances(with_both=frozenset(rules))


def agreed(agreement: Agreement) -> Circumstances:
    """Something else than usual was agreed with the sender."""
    return Circumstances(agreement=agreement)


# Most messages break nothing else, and need nothing that is not usual.
SPECIAL = {
    "message.results": agreed(ONE_RESULT),
    "soap.envelope": agreed(PUSHED),
    "header.missing": agreed(PUSHED),
    "header.namespace": agreed(PUSHED),
    "header.map": agreed(PUSHED),
    "header.single": agreed(PUSHED),
    "header.incomplete": agreed(PUSHED),
    "header.unqualified": agreed(PUSHED),
    "xsd.value": Circumstances(fault=SCORE),
    "xsd.type": along_with("result.other-type"),
    "school.dependance-short": strictly_with("xsd.value"),
    "school.created-old": along_with("result.date-future"),
    "pupil.bsn-like": agreed(TEST_SCHOOL),
    "result.other-type": along_with("xsd.type"),
    "test.level-empty": strictly_with("xsd.value"),
    "test.level-number": along_with("test.hierarchy"),
}
VERDICTS = {ERROR: Verdict.REJECT, WARNING: Verdict.WARN, INFO: Verdict.ACCEPT}
GOOD = sorted(path.stem for path in MESSAGES.glob("good-*.xml"))
ROWS = {
    path.stem: SPECIAL.get(path.stem, Circumstances()) for path in sorted(MESSAGES.iterdir()) if path.stem not in GOOD
}


def judged(data: bytes, policy: Policy, agreement: Agreement = STRICT) -> Judgement:
    with clock.fixed(NOW), spool([data]) as spooled:
        return judge(spooled, replace(agreement, terms=replace(agreement.terms, policy=policy)))


def content(name: str) -> bytes:
    return (MESSAGES / f"{name}.xml").read_bytes()


def test_every_rule_has_a_message_or_a_test_elsewhere() -> None:
    assert ROWS.keys() | ELSEWHERE.keys() == RESULT_RULES.keys()
    assert not ROWS.keys() & ELSEWHERE.keys()
    assert ROWS.keys() >= SPECIAL.keys()
    for rule, path in ELSEWHERE.items():
        assert f'"{rule}"' in (ROOT / path).read_text(encoding="utf-8"), rule


def test_every_fault_of_the_standard_has_a_message_or_a_test_elsewhere() -> None:
    shown = {RESULT_RULES[name].fault for name in ROWS}
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
    definition, circumstances = RESULT_RULES[rule], ROWS[rule]
    level = definition.tolerant if policy == "tolerant" and definition.tolerant is not None else definition.level
    fault = (circumstances.fault or definition.fault) if level == ERROR else None
    judgement = judged(content(rule), policy, circumstances.agreement)
    own = [finding for finding in judgement.findings if finding.rule == rule]
    assert {(finding.level, finding.fault) for finding in own} == {(level, fault)}
    assert {finding.rule for finding in judgement.findings} == {rule, *circumstances.others(policy)}
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
