"""Messages that are not well-formed XML: the sentence names the error that was made, at a place in the message."""

from __future__ import annotations

import codecs

import pytest

from connectors.intake.judge import Judgement
from connectors.uwlr.agreement import Agreement
from connectors.uwlr.malformed import MALFORMED
from connectors.uwlr.names import SOAP
from models.schema.records import Finding
from tests.uwlr.messages import message, result_xml
from tests.uwlr.test_rules import MESSAGE, content, judged

PUSHED = Agreement(header="required")
CUT_OFF, BYTES, CHARACTER, ESCAPE = "xml.cut-off", "xml.bytes", "xml.character", "xml.escape"
SECOND, TEXT_AFTER, WELL_FORMED = "xml.second-document", "xml.text-after", "xml.well-formed"


def enveloped() -> bytes:
    return content("good-enveloped").replace(b"\r\n", b"\n").rstrip()


def error(judgement: Judgement) -> Finding:
    """The only error, which has the place and fault that belong to it."""
    assert judgement.fault == MESSAGE
    (only,) = [finding for finding in judgement.findings if finding.level == "error"]
    assert only.line is not None
    assert only.column is not None
    return only


def spoiled(old: str, new: str) -> list[bytes]:
    """A message with one flaw: as it is, pushed, with a thousand results before the flaw, and in UTF-16."""
    many = "".join(result_xml(f"r{number}", "7") for number in range(3_000))
    plain, long = message().decode(), message(results=many).decode()
    assert old in plain
    wide = plain.replace(old, new, 1).replace("UTF-8", "UTF-16")
    return [
        plain.replace(old, new, 1).encode(),
        long.replace(old, new, 1).encode(),
        codecs.BOM_UTF16_LE + wide.encode("utf-16-le"),
        codecs.BOM_UTF16_BE + wide.encode("utf-16-be"),
    ]


FLAWS = [
    ("<toetsnaam>Toets 1", "<toetsnaam>Lezen & schrijven", ESCAPE),
    ("<toetsnaam>Toets 1", "<toetsnaam>R&D", ESCAPE),
    ("<toetsnaam>Toets 1", "<toetsnaam>1 < 2", ESCAPE),
    ("<toetsnaam>Toets 1", "<toetsnaam>1<2", ESCAPE),
    ('<resultaat key="r1"', '<resultaat key="r<1"', ESCAPE),
    ("<toetsnaam>Toets 1", "<toetsnaam>Caf&eacute;", "xml.entity"),
    ("<toetsnaam>Toets 1", "<toetsnaam>\x1f", CHARACTER),
    ("<toetsnaam>Toets 1", "<toetsnaam>\x00", CHARACTER),
    ("<toetsnaam>Toets 1", "<toetsnaam>\uffff", CHARACTER),
    ("<toetsnaam>Toets 1", "<toetsnaam>&#0;", CHARACTER),
    ("<toetsnaam>Toets 1", "<toetsnaam>&#x110000;", CHARACTER),
    ("</toetsnaam>", "</Toetsnaam>", "xml.end-tag"),
    ("</toetsnaam>", "", "xml.end-tag"),
    ('<resultaat key="r1"', '<resultaat key="r1" key="r2"', "xml.attribute-twice"),
    ('<resultaat key="r1"', "<resultaat key=r1", WELL_FORMED),
    ("<toetsnaam>Toets 1", "<toetsnaam>a ]]> b", WELL_FORMED),
    ("<toetsnaam>Toets 1", '<toetsnaam><?xml version="1.0"?>', "xml.declaration"),
]


@pytest.mark.parametrize(("old", "new", "rule"), FLAWS)
def test_each_flaw_is_named_wherever_it_is_and_in_every_encoding(old: str, new: str, rule: str) -> None:
    for data in spoiled(old, new):
        assert error(judged(data, "strict")).rule == rule


@pytest.mark.parametrize(("old", "new", "rule"), FLAWS)
def test_each_flaw_is_named_of_an_unknown_sender_too(old: str, new: str, rule: str) -> None:
    body = spoiled(old, new)[0].partition(b"?>")[2]
    data = f'<s:Envelope xmlns:s="{SOAP}"><s:Body>'.encode() + body + b"</s:Body></s:Envelope>"
    findings = judged(data, "strict", PUSHED).findings
    assert rule in {finding.rule for finding in findings}
    assert len(MALFORMED & {finding.rule for finding in findings}) == 1


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (message().replace(b"Toets 1", "Één".encode("latin-1"), 1), BYTES),
        (message().replace(b"Toets 1", b"\xed\xa0\x80", 1), BYTES),
        (message().replace(b"Toets 1", b"\xc3", 1), BYTES),
        (message().replace(b"Toets 1", b"a\xc3<!-- -->", 1), BYTES),
        (message().replace(b'key="r1"', b'key="\xe9"', 1), BYTES),
        (message().replace(b"UTF-8", b"us-ascii").replace(b"Toets 1", "é".encode(), 1), BYTES),
        (b"\n" + message(), "xml.declaration"),
        (codecs.BOM_UTF8 + b" " + message(), "xml.declaration"),
        (message() + message(), SECOND),
        (message() + b"<x/>", SECOND),
        (message() + b"\n<!-- x -->\n" + message(), SECOND),
        (message() + b"</leerresultaten_verzoek>", TEXT_AFTER),
        (message() + b"tekst", TEXT_AFTER),
        (message() + b"\n & ", TEXT_AFTER),
        (message() + b"\x00\x00", TEXT_AFTER),
        (message() + b"<!-- open", TEXT_AFTER),
        (message() + b"\xff", TEXT_AFTER),
        (b"PK\x03\x04\x14\x00\x00\x00", "xml.not-xml"),
        (b"\x1f\x8b\x08\x00", "xml.not-xml"),
        (b"Leerresultaten van vandaag", "xml.not-xml"),
        (b"xml=%3Cleerresultaten_verzoek%3E", "xml.not-xml"),
        (b"--uuid:1\r\nContent-Type: text/xml\r\n\r\n" + message(), "xml.multipart"),
        (b"\r\n--uuid:1\r\n\r\n" + message(), "xml.multipart"),
        (b"This is a MIME message.\r\n\r\n--uuid:1\r\nContent-ID: <1>\r\n\r\n" + message(), "xml.multipart"),
        (message().replace(b"UTF-8", b"UTF-16"), "xml.encoding"),
        (message().replace(b"UTF-8", b"UTF-8").decode().encode("utf-16-le"), "xml.encoding"),
        (message().decode().encode("utf-32"), "xml.encoding"),
        (message().decode().encode("cp037"), "xml.encoding"),
        (message().replace(b'?>', b'"?>', 1), WELL_FORMED),
    ],
)  # fmt: skip
def test_what_is_around_a_message_or_in_its_bytes_is_named(data: bytes, rule: str) -> None:
    assert error(judged(data, "strict")).rule == rule


@pytest.mark.parametrize("end", ["", "\n", "\r\n\r\n  ", "\n" * 5_000])
def test_a_message_that_is_cut_off_anywhere_says_so_at_its_last_tag_or_character(end: str) -> None:
    for data in (message(scores=["1", "2"]), enveloped(), message(toetsnaam="Ééé€" * 9)):
        whole = data.decode()
        for cut in range(60, len(whole), 7):
            finding = error(judged((whole[:cut] + end).encode(), "strict"))
            lines = whole[:cut].rstrip().splitlines()
            assert finding.rule == CUT_OFF, whole[:cut][-40:]
            assert finding.line is not None
            assert finding.column is not None
            assert 1 <= finding.column <= len(lines[finding.line - 1]), whole[:cut][-40:]


def test_a_message_that_is_cut_off_within_a_character_is_cut_off() -> None:
    data = message(toetsnaam="€")
    for size in (1, 2):
        assert error(judged(data[: data.index("€".encode()) + size], "strict")).rule == CUT_OFF


def test_a_place_is_that_of_the_flaw() -> None:
    lines = content("good-bare").decode().splitlines()
    number = next(number for number, line in enumerate(lines) if "<toetsnaam>" in line)
    lines[number] = lines[number].replace("<toetsnaam>", "<toetsnaam>é & ")
    finding = error(judged("\n".join(lines).encode(), "strict"))
    assert (finding.rule, finding.line) == (ESCAPE, number + 1)
    assert finding.column == lines[number].index("& ") + 2


@pytest.mark.parametrize("name", ["soap.fault", "soap.body"])
def test_what_is_wrong_with_an_envelope_is_told_at_an_element(name: str) -> None:
    data = content(name).decode().rstrip()
    empty = f'<s:Envelope xmlns:s="{SOAP}"><s:Header/></s:Envelope>'
    for text in (data, empty, empty.replace("<s:Header/>", "\n<s:Body>\n</s:Body>\n")):
        lines = text.splitlines()
        for finding in judged(text.encode(), "strict").findings:
            assert finding.line is not None
            assert finding.column is not None
            assert lines[finding.line - 1][finding.column - 1 :].startswith("<")
