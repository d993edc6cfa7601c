"""Definitions that messages repeat are read once, and no message is judged otherwise for it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from unittest.mock import patch

import pytest

from connectors.intake.judge import judge, spool
from connectors.uwlr import names, reader, repeated_definitions
from connectors.uwlr.agreement import STRICT, TOLERANT, Agreement, Bounds
from models.schema import clock
from models.schema.recent import Recent
from models.schema.records import Verdict
from tests.fuzz import mutate
from tests.peers.service import enveloped
from tests.uwlr.messages import LR, message, result_xml

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
SECOND = (
    "<toets><toetscode>T2</toetscode><toetsnaam> </toetsnaam><toetsonderdelen><toetsonderdeel>"
    "<toetsonderdeelvolgnummer>1</toetsonderdeelvolgnummer><toetsonderdeelcode>A</toetsonderdeelcode>"
    "</toetsonderdeel></toetsonderdelen></toets><toets><toetscode>t1</toetscode></toets>"
)
BASE = message(tests=SECOND, toetsnaam="Café")
START, END = BASE.index(b"<toetsen>"), BASE.index(b"</toetsen>") + len(b"</toetsen>")
ELEMENT = BASE[START:END]
MUTANTS = 500


def nothing_known() -> AbstractContextManager[object]:
    """While no definitions of earlier messages are known."""
    return patch.object(repeated_definitions, "_KNOWN", Recent(32))


def outcome(data: bytes, agreement: Agreement = STRICT) -> tuple[object, ...]:
    """All that judging says of a message."""
    with clock.fixed(NOW), spool([data]) as spooled:
        judged = judge(spooled, agreement)
        batch = judged.batch
        rows = None if batch is None else [row for chunk in batch.chunks() for row in chunk]
        stored = None if batch is None else (batch.pupils, batch.tests, batch.definitions, batch.count)
        # The findings with their places, in their order.
        return judged.verdict, judged.fault, judged.findings, judged.head, judged.school, judged.empty, stored, rows


def bytes_parsed(data: bytes, agreement: Agreement = STRICT) -> int:
    """How many bytes of a message the validator gets."""
    sizes = []
    feed = reader.Validation.feed

    def count(validation: reader.Validation, chunk: bytes) -> None:
        sizes.append(len(chunk))
        feed(validation, chunk)

    with patch.object(reader.Validation, "feed", count):
        outcome(data, agreement)
    return sum(sizes)


def test_a_message_with_known_definitions_is_read_without_them() -> None:
    later = message(tests=SECOND, toetsnaam="Café", scores=["3", "9"], aanmaakdatum="2026-11-12T00:00:00")
    with nothing_known():
        assert bytes_parsed(BASE) == len(BASE)
        fresh = outcome(later)
    with nothing_known():
        outcome(BASE)
        assert bytes_parsed(later) == len(later) - len(SECOND)
        assert outcome(later) == fresh
    assert {finding.rule for finding in fresh[2]} >= {"test.name-blank", "text.lookalike"}  # type: ignore[attr-defined]


def test_the_word_in_a_text_is_no_tag() -> None:
    named = message(tests=SECOND, toetsnaam="toetsen, en toetsen", leerlingid="toetsen")
    with nothing_known():
        outcome(named)
        assert bytes_parsed(named) == len(named) - len(SECOND)


def prefixed(data: bytes) -> bytes:
    """The message with a prefix at every element of the standard."""
    data = data.replace(b"</", b"</u:").replace(b"<", b"<u:").replace(b"<u:/u:", b"</u:").replace(b"<u:?", b"<?")
    return data.replace(b"xmlns=", b"xmlns:u=")


def test_definitions_with_a_prefix_are_known_with_that_prefix_alone() -> None:
    with_prefix = prefixed(BASE)
    elsewhere = with_prefix.replace(b"u:", b"v:").replace(b":u=", b":v=")
    with nothing_known():
        assert outcome(with_prefix)[0] is Verdict.WARN
        assert bytes_parsed(with_prefix) < len(with_prefix) - 100
        assert bytes_parsed(elsewhere) == len(elsewhere)


def in_comment(data: bytes) -> bytes:
    return data.replace(ELEMENT, b"<!--" + ELEMENT + b"-->")


def in_comment_before_another(data: bytes) -> bytes:
    other = ELEMENT.replace(b"Caf", b"Kof")
    return data.replace(ELEMENT, b"<!--" + ELEMENT + b"-->" + other)


def in_comment_before_one_with_blanks(data: bytes) -> bytes:
    other = ELEMENT.replace(b"<toetsen>", b"<toetsen >").replace(b"</toetsen>", b"</toetsen\n>")
    return data.replace(ELEMENT, b"<!--" + ELEMENT + b"-->" + other)


def in_cdata(data: bytes) -> bytes:
    return data.replace(b"<xsdversie>", b"<auteur><![CDATA[" + ELEMENT + b"]]></auteur><xsdversie>").replace(
        b"</toetsafnames>" + ELEMENT, b"</toetsafnames>"
    )


def in_header(data: bytes) -> bytes:
    inner = data.partition(b"?>")[2].replace(ELEMENT, b"")
    header = b'<h xmlns="' + LR.encode() + b'">' + ELEMENT + b"</h>"
    return _in_envelope(header, inner)


def also_in_header(data: bytes) -> bytes:
    inner = data.partition(b"?>")[2]
    return _in_envelope(b'<h xmlns="' + LR.encode() + b'">' + ELEMENT + b"</h>", inner)


def a_test_in_the_header(data: bytes) -> bytes:
    toets = ELEMENT[len(b"<toetsen>") : ELEMENT.index(b"</toets>") + len(b"</toets>")]
    return _in_envelope(b'<h xmlns="' + LR.encode() + b'">' + toets + b"</h>", data.partition(b"?>")[2])


def behind_the_body(data: bytes) -> bytes:
    whole = _in_envelope(b"", data.partition(b"?>")[2].replace(ELEMENT, b""))
    return whole.replace(b"</s:Body>", b'</s:Body><h xmlns="' + LR.encode() + b'">' + ELEMENT + b"</h>")


def _in_envelope(header: bytes, payload: bytes) -> bytes:
    soap = names.SOAP.encode()
    head = b"<s:Header>" + header + b"</s:Header>" if header else b""
    return b'<s:Envelope xmlns:s="' + soap + b'">' + head + b"<s:Body>" + payload + b"</s:Body></s:Envelope>"


def a_type_by_another_prefix(data: bytes) -> bytes:
    return data.replace(b"<leerresultaten_verzoek ", b'<leerresultaten_verzoek xmlns:x="urn:x" ')


def another_namespace(data: bytes) -> bytes:
    return data.replace(ELEMENT, b'<x:a xmlns:x="urn:x" xmlns="urn:y">' + ELEMENT + b"</x:a>")


def namespace_undone(data: bytes) -> bytes:
    return data.replace(b"<toetsafnames>", b'<toetsafnames xmlns="urn:y">').replace(LR.encode(), b"urn:z")


def with_an_attribute(data: bytes) -> bytes:
    return data.replace(b"<toetsen>", b'<toetsen a="b">')


def twice(data: bytes) -> bytes:
    return data.replace(ELEMENT, ELEMENT + ELEMENT)


def too_early(data: bytes) -> bytes:
    return data.replace(ELEMENT, b"").replace(b"<toetsafnames>", ELEMENT + b"<toetsafnames>")


def latin_1(data: bytes) -> bytes:
    return data.replace(b'"UTF-8"', b'"ISO-8859-1"')


def utf_16(data: bytes) -> bytes:
    return data.decode().replace('"UTF-8"', '"UTF-16"').encode("utf-16")


def not_declared(data: bytes) -> bytes:
    return data.partition(b"?>")[2]


def marked(data: bytes) -> bytes:
    return b"\xef\xbb\xbf" + data


def truncated(data: bytes) -> bytes:
    return data[: -len(b"</leerresultaten_verzoek>")]


def more_behind(data: bytes) -> bytes:
    return data + b"<x/>"


def an_unknown_test(data: bytes) -> bytes:
    return data.replace(b"<toetscode>T1</toetscode><score>", b"<toetscode>T3</toetscode><score>")


def an_unknown_part(data: bytes) -> bytes:
    return data.replace(b"</toetscode><score>", b"</toetscode><toetsonderdeelcode>B</toetsonderdeelcode><score>")


def above_the_norm(data: bytes) -> bytes:
    return data.replace(b"<score>7", b"<score>70")


def below_the_schema(data: bytes) -> bytes:
    return data.replace(b"<score>7", b"<score>zeven")


def one_letter(data: bytes) -> bytes:
    return data.replace(b"<term>V", b"<term>W")


def a_schema_hint(data: bytes) -> bytes:
    hint = b' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="urn:x x.xsd"'
    return data.replace(b"<toets>", b"<toets" + hint + b">", 1)


def an_instruction(data: bytes) -> bytes:
    return data.replace(b"</toetsen>", b"<?php x?></toetsen>")


def a_comment_in_a_value(data: bytes) -> bytes:
    return data.replace(b"<term>V", b"<term><!-- x -->V").replace(b"<leerlingid>L", b"<leerlingid>L<!-- x -->")


CHANGES = [
    in_comment, in_comment_before_another, in_comment_before_one_with_blanks, in_cdata, in_header, also_in_header,
    a_test_in_the_header, behind_the_body, a_type_by_another_prefix, another_namespace, namespace_undone,
    with_an_attribute, twice, too_early, latin_1, utf_16, not_declared, marked, truncated, more_behind,
    an_unknown_test, an_unknown_part, above_the_norm, below_the_schema, one_letter, a_schema_hint, an_instruction,
    a_comment_in_a_value,
]  # fmt: skip


@pytest.mark.parametrize("agreement", [STRICT, TOLERANT], ids=["strict", "tolerant"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_message_is_judged_as_if_nothing_was_known(change: Callable[[bytes], bytes], agreement: Agreement) -> None:
    changed = change(BASE)
    assert changed != BASE
    with nothing_known():
        fresh = outcome(changed, agreement)
    with nothing_known():
        before = outcome(BASE, agreement)
        assert before[0] is Verdict.WARN
        assert outcome(changed, agreement) == fresh  # after the good one
        assert outcome(changed, agreement) == fresh  # and after itself
        assert outcome(BASE, agreement) == before


def test_a_type_that_a_prefix_names_elsewhere_is_not_known() -> None:
    xsi = "http://www.w3.org/2001/XMLSchema-instance"
    typed = message(tests='<toets i:type="p:Test"><toetscode>T2</toetscode></toets>')
    named = typed.replace(b" xmlns=", f' xmlns:i="{xsi}" xmlns:p="{LR}" xmlns='.encode())
    other = named.replace(f'xmlns:p="{LR}"'.encode(), b'xmlns:p="urn:x"')
    with nothing_known():
        assert outcome(named)[0] is Verdict.ACCEPT
        assert bytes_parsed(named) < len(named)
        assert outcome(other)[0] is Verdict.REJECT


def test_the_bound_on_results_stands() -> None:
    bounded = Agreement(STRICT.terms, bounds=Bounds(max_results=1))
    two = message(scores=["3", "9"], tests=SECOND)
    with nothing_known():
        fresh = outcome(two, bounded)
        assert fresh[0] is Verdict.REJECT
        assert bytes_parsed(two) == len(two)  # what was not read to its end is not kept
        assert outcome(two, bounded) == fresh


def test_a_message_of_a_megabyte_repeats_definitions_and_a_larger_one_is_read_in_portions() -> None:
    long = [result_xml(f"r{number}", "7", afnamedatum="2026-11-10") for number in range(4_000)]
    data = message(results="".join(long), tests=SECOND)
    assert reader.CHUNK_BYTES < len(data) < reader.WHOLE_BYTES
    larger = message(results="".join(long).replace("</score>", "</score>" + " " * 300), tests=SECOND)
    assert len(larger) > reader.WHOLE_BYTES
    with nothing_known():
        fresh, of_larger = outcome(data), outcome(larger)
        assert bytes_parsed(data) == len(data) - len(SECOND)
        assert bytes_parsed(larger) == len(larger)
        assert (outcome(data), outcome(larger)) == (fresh, of_larger)


def letters_with_the_bytes_of_tags(name: str) -> bytes:
    """A message in UTF-16 whose author is spelled with letters that have the bytes of definitions."""
    author = b"<toetsen>x</toets></toetsen>".decode("utf-16-le")
    text = message(toetsnaam=name).decode().replace("<xsdversie>", f"<auteur>{author}</auteur><xsdversie>")
    return text.replace('"UTF-8"', '"UTF-16"').encode("utf-16")


def test_letters_that_have_the_bytes_of_tags_are_no_tags() -> None:
    first, second = (letters_with_the_bytes_of_tags(name) for name in ("Eerste", "Tweede"))
    with nothing_known():
        fresh = outcome(second)
        assert fresh[0] is Verdict.ACCEPT
    with nothing_known():
        outcome(first)
        assert outcome(second) == fresh


LONG = "".join(f"<toets><toetscode>Q{number}</toetscode></toets>" for number in range(2_000)) + SECOND
XSI = "http://www.w3.org/2001/XMLSchema-instance"


def of_two_chunks(results: int) -> bytes:
    """A message of which the second portion that is read has definitions alone; without them it is one portion."""
    long = [result_xml(f"r{number}", "7" + " " * 1_000) for number in range(results)]
    data = message(results="".join(long), tests=LONG)
    assert reader.CHUNK_BYTES < len(data) < reader.CHUNK_BYTES + len(LONG)
    return data


def behind_body(data: bytes, reference_at: int) -> bytes:
    """The message in an envelope, with a reference to a schema behind its Body, at this place."""
    enveloped = _in_envelope(b"", data.partition(b"?>")[2])
    begin, end = f'<q:a xmlns:q="urn:q" xmlns:i="{XSI}" b="'.encode(), b'" i:schemaLocation="urn:x x.xsd"/>'
    before = enveloped.index(b"</s:Envelope>") + len(begin) + end.index(b"chemaLocation")
    trailer = begin + b"z" * (reference_at - before) + end
    return enveloped.replace(b"</s:Envelope>", trailer + b"</s:Envelope>")


def test_it_does_not_matter_where_a_portion_of_the_message_ends() -> None:
    plain = of_two_chunks(200)
    opening = f'<toetsafnames xmlns:i="{XSI}" i:schemaLocation="urn:x x.xsd">'.encode()
    early = plain.replace(b"<toetsafnames>", opening)
    short = message(results=result_xml("r1", "7"), tests=LONG)
    across = behind_body(short, reader.CHUNK_BYTES - 5)
    across_without = behind_body(short, reader.CHUNK_BYTES - 5 + len(LONG))
    for data in (early, across, across_without):
        with nothing_known():
            fresh = outcome(data)
            assert "xml.schema-location" in [finding.rule for finding in fresh[2]]  # type: ignore[attr-defined]
            assert outcome(data) == fresh


def test_a_message_with_too_many_results_is_refused_for_that_however_it_is_read() -> None:
    bounded = Agreement(STRICT.terms, bounds=Bounds(max_results=150))
    few, many = message(tests=LONG), of_two_chunks(200)
    with nothing_known():
        fresh = outcome(many, bounded)
        assert [finding.rule for finding in fresh[2]] == ["message.results"]  # type: ignore[attr-defined]
        outcome(few, bounded)
        assert outcome(many, bounded) == fresh


@pytest.mark.long
def test_mutants_are_judged_as_if_nothing_was_known() -> None:
    agreement = Agreement(TOLERANT.terms, "checked")
    kept: Recent[repeated_definitions.Key, repeated_definitions.ReadDefinitions] = Recent(32)
    repeated = 0
    for number in range(MUTANTS):
        data, changes = mutate.mutant(number)
        with nothing_known():
            fresh = outcome(data, agreement)
        with patch.object(repeated_definitions, "_KNOWN", kept):
            found = repeated_definitions.find_definitions(data, names.TOLERANT_SCHEMA)
            repeated += found is not None and found.known() is not None
            assert outcome(data, agreement) == fresh, (number, changes)
    assert repeated > MUTANTS / 10, repeated


def test_a_pushed_message_in_its_envelope_is_known_by_the_next() -> None:
    with nothing_known():
        payloads = [message(tests=SECOND, leerlingid=f"L{number}").decode().partition("?>")[2] for number in range(2)]
        sent = [enveloped(payload) for payload in payloads]
        assert [bytes_parsed(data) for data in sent] == [len(sent[0]), len(sent[1]) - len(SECOND)]
