"""Every rule of the table: the smallest message that breaks it, and what comes of that under both policies."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.intake import Judgement, judge, spool
from connectors.uwlr import rules
from connectors.uwlr.names import OSO, VOCABULARY_VAKGEBIEDEN
from connectors.uwlr.rules import POLICIES, RULES, Policy
from models import clock
from models.records import Verdict
from tests.uwlr.messages import message, result_xml

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
AUT = "http://www.edustandaard.nl/leerresultaten/2/autorisatie"
VG = 'xmlns:vg="urn:rondblik:voortgang:1" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
ERROR, WARNING = "error", "warning"
MESSAGE, SCORE, NORM = "Client.OngeldigBericht", "Client.ScoreOngeldig", "Client.ToetsNormeringOngeldig"
OSO_FAULT, PUPIL, VERSION = "Client.EldResultaatOngeldig", "Client.LeerlingOngeldig", "Client.XsdVersieOngeldig"
TERM, ACCESS = "Client.VocabulaireTermOngeldig", "Client.AutorisatieOngeldig"

# Rules that need more than one message, or a limit that no test message should reach, with the test that shows them.
ELSEWHERE = {
    "xml.size": "tests/connectors/test_pull.py",
    "document.unreadable": "tests/connectors/test_pull.py",
    "school.other": "tests/connectors/test_pull.py",
    "result.moved": "tests/models/test_store.py",
}


@dataclass(frozen=True)
class Row:
    """A message, and the level and fault of the rule under the strict and under the tolerant policy.

    `with_strict` and `with_tolerant` are rules that cannot but be broken as well.
    """

    data: bytes
    strict: tuple[str, str | None] | None
    tolerant: tuple[str, str | None] | None
    with_strict: frozenset[str] = frozenset()
    with_tolerant: frozenset[str] = frozenset()

    def expected(self, policy: Policy) -> tuple[tuple[str, str | None] | None, frozenset[str]]:
        return (self.strict, self.with_strict) if policy == "strict" else (self.tolerant, self.with_tolerant)


def refused(data: bytes, fault: str = MESSAGE, *others: str) -> Row:
    """Under both policies an error."""
    return Row(data, (ERROR, fault), (ERROR, fault), frozenset(others), frozenset(others))


def warned(data: bytes, *others: str) -> Row:
    """Under both policies a warning."""
    return Row(data, (WARNING, None), (WARNING, None), frozenset(others), frozenset(others))


def milder(data: bytes, fault: str, *others: str) -> Row:
    """An error for all but tolerant senders; `others` are what the strict schema says besides."""
    return Row(data, (ERROR, fault), (WARNING, None), frozenset(others))


def changed(old: str, new: str, data: bytes | None = None) -> bytes:
    """The ordinary message (or `data`) with its first `old` replaced."""
    data = message() if data is None else data
    assert old.encode() in data
    return data.replace(old.encode(), new.encode(), 1)


def payload(data: bytes | None = None) -> str:
    """A message without its XML declaration."""
    return (message() if data is None else data).decode().partition("?>")[2]


def enveloped(body: str, header: str = "", namespace: str = SOAP) -> bytes:
    head = f"<s:Header>{header}</s:Header>" if header else ""
    return f'<s:Envelope xmlns:s="{namespace}">{head}<s:Body>{body}</s:Body></s:Envelope>'.encode()


def account(prefix: str) -> str:
    names = ("autorisatiesleutel", "klantcode", "klantnaam")
    inner = "".join(f"<{prefix}{name}>x</{prefix}{name}>" for name in names)
    return f'<a:autorisatie xmlns:a="{AUT}">{inner}</a:autorisatie>'


def result(inside: str, before: str = "", after: str = "") -> bytes:
    """A message with one result of another kind than a score."""
    return message(
        results=f'<resultaat key="r1"><afnamedatum>2026-11-10</afnamedatum>{before}<toetscode>T1</toetscode>'
        f"{inside}{after}</resultaat>"
    )


def oso(inside: str) -> bytes:
    return result(f'<osoresultaat xmlns:o="{OSO}">{inside}</osoresultaat>')


def reference(code: str, group: str) -> bytes:
    return oso(
        f"<o:referentiescore><o:codereferentiescore>{code}</o:codereferentiescore><o:codevergelijkingsgroep>{group}"
        "</o:codevergelijkingsgroep><o:waarde>III</o:waarde></o:referentiescore>"
    )


def norm(low: str = "0", high: str = "5", more: str = "", before: str = "") -> str:
    return (
        f"<toetsnormering>{before}<norm><term>O</term><beginnormwaarde>{low}</beginnormwaarde>"
        f"<eindnormwaarde>{high}</eindnormwaarde>{more}</norm></toetsnormering>"
    )


def part(number: str, code: str) -> str:
    return (
        f"<toetsonderdeel><toetsonderdeelvolgnummer>{number}</toetsonderdeelvolgnummer>"
        f"<toetsonderdeelcode>{code}</toetsonderdeelcode></toetsonderdeel>"
    )


def second_test(inside: str, code: str = "T2") -> bytes:
    """A message that also defines a test that no result refers to."""
    return message(tests=f"<toets><toetscode>{code}</toetscode>{inside}</toets>")


def with_eckid(eckid: str, xsdversie: str = "2.2") -> bytes:
    return changed("</leerlingid>", f"</leerlingid><eckid>{eckid}</eckid>", message(xsdversie=xsdversie))


ECK_ID = "https://ketenid.nl/pilot/" + "a" * 128

ROWS = {
    # -- bytes and XML
    "xml.empty": refused(b""),
    "xml.well-formed": refused(changed("</toetsnaam>", "")),
    "xml.encoding": refused(changed("UTF-8", "UTF-7")),
    "xml.windows-1252": warned(changed("UTF-8", "windows-1252")),
    "xml.doctype": refused(changed("?>", "?><!DOCTYPE leerresultaten_verzoek>")),
    "xml.processing-instruction": refused(changed("<toetsen>", "<?nu?><toetsen>")),
    "xml.comment-in-text": warned(changed("<score>7", "<score><!-- zes -->7")),
    "xml.depth": refused(enveloped(payload(), "<x>" * 32 + "</x>" * 32)),
    "xml.attributes": refused(
        changed("<schooljaar>", "<schooljaar " + " ".join(f'a{n}="1"' for n in range(33)) + ">")
    ),
    # -- envelope
    "soap.version": refused(
        enveloped(payload(), namespace="http://www.w3.org/2003/05/soap-envelope"), "VersionMismatch"
    ),
    "soap.root": refused(b"<boek/>"),
    "soap.request": refused(b'<leerlingen_verzoek xmlns="http://www.edustandaard.nl/leerresultaten/2/leerlinggegevens"/>'),
    "soap.body": refused(enveloped("")),
    "soap.fault": refused(enveloped("<s:Fault><faultcode>s:Server</faultcode><faultstring>x</faultstring></s:Fault>")),
    "soap.must-understand": refused(
        enveloped(payload(), '<w:Security xmlns:w="urn:x" s:mustUnderstand="1"/>'), "MustUnderstand"
    ),
    "header.unqualified": milder(enveloped(payload(), account("")), ACCESS),
    # -- the schemas
    "xsd.value": refused(message(scores=["zeven"]), SCORE),
    "xsd.order": refused(
        changed("<schooljaar>2026-2027</schooljaar><brincode>99XX</brincode>",
                "<brincode>99XX</brincode><schooljaar>2026-2027</schooljaar>")
    ),
    "xsd.missing": refused(changed("<toetscode>T1</toetscode><score>7</score>", "<toetscode>T1</toetscode>")),
    "xsd.attribute": refused(changed(' key="r1"', "")),
    "xsd.type": refused(result("<anderresultaat/>"), MESSAGE, "result.other-type"),
    "xsd.content": refused(changed("<school>", "<school>tekst")),
    # -- keys and references
    "key.result-unique": refused(message(results=result_xml("r1", "1") + result_xml("r1", "2"))),
    "key.test-unique": refused(second_test("", "T1")),
    "key.test-defined": refused(message(results=result_xml("r1", "1", toetscode="T9"))),
    "key.part-number-unique": refused(
        second_test(f"<toetsonderdelen>{part('1', 'A')}{part('1', 'B')}</toetsonderdelen>")
    ),
    "key.part-code-unique": warned(
        second_test(f"<toetsonderdelen>{part('1', 'A')}{part('2', 'A')}</toetsonderdelen>")
    ),
    "key.part-defined": warned(message(results=result_xml("r1", "1", part="A"))),
    # -- head
    "school.brin": refused(message(brin="\u0669\u0669XX")),
    "school.dependance": refused(changed("</brincode>", "</brincode><dependancecode>\u0669\u0669</dependancecode>")),
    "school.dependance-short": milder(
        changed("</brincode>", "</brincode><dependancecode>1</dependancecode>"), MESSAGE, "xsd.value"
    ),
    "school.year": refused(message(schooljaar="2026-2028")),
    "school.year-other": warned(message(schooljaar="2025-2026"), "result.date-outside-year"),
    "school.created": refused(message(aanmaakdatum="2026-11-21T13:00:00Z")),
    "school.created-24h": warned(message(aanmaakdatum="2026-11-19T24:00:00")),
    "school.created-old": warned(message(aanmaakdatum="2025-11-11T00:00:00")),
    "version.missing": milder(changed("<xsdversie>2.2</xsdversie>", ""), VERSION),
    "version.unsupported": refused(message(xsdversie="1.0"), VERSION),
    "version.2-0": warned(message(xsdversie="2.0")),
    "version.eckid": warned(with_eckid(ECK_ID, "2.1")),
    # -- pupils
    "pupil.eckid-form": warned(with_eckid("https://ketenid.nl/pilot/AA")),
    "pupil.bsn": refused(with_eckid("111222333"), PUPIL),
    # -- results
    "score.decimal": milder(message(scores=["7.5"]), SCORE),
    "score.not-offered": milder(message(scores=["X"]), SCORE),
    "score.bound": refused(message(scores=["9" * 15]), SCORE),
    "score.above-norm": warned(message(scores=["11"])),
    "score.huge": warned(changed("<toetscode>T1</toetscode><score>7", "<toetscode>T2</toetscode><score>1000001",
                                 second_test(""))),
    "result.date": refused(message(results=result_xml("r1", "7", afnamedatum="1989-12-31"))),
    "result.date-zone": warned(message(results=result_xml("r1", "7", afnamedatum="2026-11-10Z"))),
    "result.date-outside-year": warned(message(results=result_xml("r1", "7", afnamedatum="2026-07-31"))),
    "result.other-type": refused(result("<anderresultaat/>"), MESSAGE, "xsd.type"),
    "result.duration": refused(
        result(f'<anderresultaat {VG} xsi:type="vg:Voortgang"><vg:status>bezig</vg:status><vg:tijd>P401D</vg:tijd>'
               "</anderresultaat>")
    ),
    "result.url": warned(result("<score>7</score>", after="<infourl>http://uitgever.example/</infourl>")),
    "oso.empty": warned(oso("<o:toetsscore/>")),
    "oso.bound": refused(oso("<o:toetsscore><o:aantalgoed>-1</o:aantalgoed></o:toetsscore>"), OSO_FAULT),
    "oso.reference-code": warned(reference("XYZ", "Landelijk")),
    "oso.comparison-group": warned(reference("IV", "Regionaal")),
    # -- tests and norms
    "norm.maximum-only": milder(
        second_test("<toetsnormering><norm><eindnormwaarde>5</eindnormwaarde></norm></toetsnormering>"), NORM
    ),
    "norm.reversed": refused(second_test(norm("5", "0")), NORM),
    "norm.overlap": warned(
        second_test(norm().replace("</norm></", "</norm><norm><term>V</term><beginnormwaarde>5</beginnormwaarde>"
                                   "<eindnormwaarde>9</eindnormwaarde></norm></"))
    ),
    "norm.bound": refused(second_test(norm(high="9" * 15)), NORM),
    "norm.weight": warned(second_test(norm(before=f"<wegingsfactor>0.{'1' * 20}</wegingsfactor>"))),
    "norm.grade": warned(
        second_test(norm(more="<schoolcijfer_vanaf>8</schoolcijfer_vanaf><schoolcijfer_totenmet>7"
                              "</schoolcijfer_totenmet>"))
    ),
    "test.level-empty": milder(second_test(norm(before="<toetsniveau/>")), NORM, "xsd.value"),
    "test.name-blank": warned(second_test("<toetsnaam>  </toetsnaam>")),
    "test.hierarchy": warned(second_test('<toetshierarchie><ingang niveau="1">A</ingang></toetshierarchie>')),
    "test.part-number": refused(second_test(f"<toetsonderdelen>{part(str(2**31), 'A')}</toetsonderdelen>")),
    "test.vocabulary": refused(
        second_test(f'<vakgebied vocabulaire="{VOCABULARY_VAKGEBIEDEN}">Toveren</vakgebied>'), TERM
    ),
    "test.vocabulary-location": warned(
        second_test('<vakgebied vocabulairelocatie="http://uitgever.example/">Toveren</vakgebied>')
    ),
    # -- texts
    "text.lookalike": warned(message(leerlingid="L\u200b1")),
    "text.control": warned(message(toetsnaam="=1+1")),
}  # fmt: skip


def judged(data: bytes, policy: Policy) -> Judgement:
    with clock.fixed(NOW), spool([data]) as spooled:
        return judge(spooled, policy)


def test_every_rule_has_a_row_or_a_test_elsewhere() -> None:
    assert ROWS.keys() | ELSEWHERE.keys() == RULES.keys()
    assert not ROWS.keys() & ELSEWHERE.keys()
    for rule, path in ELSEWHERE.items():
        assert f'"{rule}"' in (Path(__file__).resolve().parents[2] / path).read_text(encoding="utf-8")


@pytest.mark.parametrize("policy", POLICIES)
def test_the_ordinary_message_breaks_no_rule(policy: Policy) -> None:
    for data in (message(), enveloped(payload(), account("a:")), with_eckid(ECK_ID), second_test(norm())):
        assert judged(data, policy).findings == []
        assert judged(data, policy).verdict is Verdict.ACCEPT


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("rule", ROWS)
def test_the_smallest_message_that_breaks_a_rule_breaks_that_one(rule: str, policy: Policy) -> None:
    expected, others = ROWS[rule].expected(policy)
    judgement = judged(ROWS[rule].data, policy)
    assert expected is not None
    level, fault = expected
    own = [one for one in judgement.findings if one.rule == rule]
    assert {(one.level, one.fault) for one in own} == {(level, fault)}
    assert {one.rule for one in judgement.findings} == {rule, *others}
    assert judgement.verdict is (Verdict.REJECT if level == ERROR else Verdict.WARN)
    assert (judgement.batch is None) == (level == ERROR)
    if level == ERROR and not others:
        assert judgement.fault == fault


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.id)
def test_every_rule_speaks_both_languages_and_names_a_clause_and_a_remedy(rule: rules.Rule) -> None:
    for text in (rule.nl, rule.en, rule.remedy):
        assert text[0].isupper() or text.startswith(("{", "xsdversie"))
        assert text.endswith(".")
    assert rule.nl != rule.en
    assert rule.clause
    assert rule.fault is None or rule.fault in (*rules.FAULTS, rules.VERSION_MISMATCH, rules.MUST_UNDERSTAND)
