"""Covering a message: names in pupil data, odd tags, tags that never end, and time in proportion to the text."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from connectors.intake.masking import COVER, MAX_CHARACTERS, mask
from tests.uwlr.messages import message

CHILD = {
    "achternaam": "Jansen-Made", "voorvoegsel": "van der", "voornamen": "Fatima Zohra", "roepnaam": "Fatima",
    "voorletters-1": "F.Z.M.", "geboortedatum": "2017-03-14", "emailadres": "fatima@voorbeeld.example",
    "gebruikersnaam": "fjansen17", "fotourl": "https://foto.example/17.jpg", "bsn": "111222333",
    "onderwijsnummer": "100000009", "sofinummer": "123456782", "bsn_ondwnr-4": "4711", "postcodenl": "1234AB",
    "etniciteit": "0987", "land_moeder": "6030",
}  # fmt: skip
MESSAGES = Path(__file__).resolve().parents[1] / "messages"
KEY, ECK_ID = "leerling-0815", "https://ketenid.nl/pilot/" + "d" * 128


def pupil(prefix: str = "") -> str:
    """A pupil of EDEXML, or with a prefix of an answer of a LAS."""
    fields = "".join(f"<{prefix}{name}>{text}</{prefix}{name}>" for name, text in CHILD.items())
    return (
        f'<{prefix}leerlingen>\n<{prefix}leerling key="{KEY}" eckid="{ECK_ID}">{fields}'
        f'<{prefix}jaargroep>5</{prefix}jaargroep><{prefix}groep key="5A"/></{prefix}leerling>\n</{prefix}leerlingen>'
    )


def told(shown: str) -> list[str]:
    return [text for text in (*CHILD.values(), KEY, ECK_ID) if text in shown]


@pytest.mark.parametrize("prefix", ["", "lg:", "ns1:"])
def test_names_of_pupils_in_pupil_data_are_covered(prefix: str) -> None:
    answer = (
        f'<EDEX xmlns:lg="urn:x" xmlns:ns1="urn:x"><school><brincode>99XX</brincode></school>{pupil(prefix)}</EDEX>'
    )
    shown = mask(answer.encode()).show()
    assert told(shown) == []
    assert "<brincode>99XX</brincode>" in shown
    assert f"<{prefix}jaargroep>5</{prefix}jaargroep>" in shown


@pytest.mark.parametrize("path", sorted(MESSAGES.glob("*.xml")), ids=lambda path: path.stem)
def test_of_no_message_that_breaks_a_rule_a_key_or_a_pupil_is_shown(path: Path) -> None:
    shown = mask(path.read_bytes()).show()
    for secret in ("sleutel-van-de-school", "uitgever-1", ">L1<", "ketenid.nl"):
        assert secret not in shown


def test_a_field_in_an_array_of_a_soap_library_is_covered_wherever_it_stands() -> None:
    entry = '<ns1:key xsi:type="xsd:string"> Leerlingid\n</ns1:key>\n<ns1:value a="b">{}</ns1:value>'
    for value in (KEY, f"<![CDATA[{KEY}]]>"):
        shown = mask(f"<a>{entry.format(value)}<score>7</score><x>{KEY}-2</x></a>".encode()).show()
        assert KEY not in shown
        assert f'<ns1:value a="b">{COVER}</ns1:value><score>7</score><x>{COVER}-2</x>' in shown
    assert KEY not in mask(f"<a>{entry.format(KEY)[:-15]}".encode()).show()


@pytest.mark.parametrize("cut", range(1, len(pupil()), 5))
def test_pupil_data_that_were_cut_off_are_covered(cut: int) -> None:
    assert told(mask(f"<EDEX>{pupil()[:cut]}".encode()).show()) == []


@pytest.mark.parametrize(
    "tag",
    [
        "<leerlingid\n b='x'>{}</leerlingid>", "<leerlingid\tb=\"x\"\r\n>{}</leerlingid\n>",
        "<LEERLINGID>{}</LEERLINGID>",
        "<LeerlingId>{}</leerlingID>", "<lr:leerlingid>{}</lr:leerlingid>", "<a-b.c:leerlingid>{}</x:leerlingid>",
        "<é:leerlingid>{}</é:leerlingid>", "<leerlingid>{}</leerling>", "<leerlingid>{}", "<leerlingid>{}<x/>",
        "<leerlingid>\n<![CDATA[{}]]>\n</leerlingid>", "<leerlingid b='>'>{}</leerlingid>",
        "<leerlingid {}", "<leerlingid\n{}",
        "<leerlingid {}='1'>x</leerlingid>", "<leerlingid naam='{}'/>", "<leerlingid naam='{}'>x</leerlingid>",
        "<lr:leerling key='{}'>", '<leerling KEY = "{}">', '<leerling key="{}', "<leerling eckid='{}",
        "<leerlingid " + "a='b' " * 300 + ">{}</leerlingid>",
    ],
)  # fmt: skip
def test_odd_tags_are_covered(tag: str) -> None:
    shown = mask(f"<a>{tag.format('Q7')} ".encode()).show()
    assert "Q7" not in shown
    assert COVER in shown


def test_a_tag_that_never_ends_is_covered_to_the_end_of_the_text() -> None:
    for rest in ("Jan Jansen\nwoont hier", "a='" + "x" * 5_000 + " Jan Jansen", "Jan <leerlingid Jansen <score "):
        shown = mask(f"<a><score>7</score><leerlingid {rest}".encode()).show()
        assert shown == f"<a><score>7</score><leerlingid{COVER}"


def test_what_a_tag_declares_may_be_seen() -> None:
    declared = """<leerlingid xmlns:lr="urn:x" xsi:type='lr:tpKey'>"""
    assert mask(f"<a>{declared}geheim</leerlingid></a>".encode()).show() == f"<a>{declared}{COVER}</leerlingid></a>"
    assert mask(b"<a><eckid/><score>7</score></a>").show() == "<a><eckid/><score>7</score></a>"


def test_the_rest_of_a_message_can_be_read() -> None:
    shown = mask(message(leerlingid="leerling-0815")).show()
    assert shown == message().decode().replace(">L1<", f">{COVER}<").replace('"r1"', f'"{COVER}"')


LENGTHS = b"".join(b"<leerlingid>" + b"a" * length + b"</leerlingid>" for length in range(4, 256))
REPEATED = {
    "less than": (b"", b"<"),
    "tags": (b"", b"<a "),
    "fields that never end": (b"", b"<leerlingid "),
    "field names": (b"", b"<leerlingid"),
    "capitals": (b"", b"<LEERLINGID A='"),
    "open fields": (b"", b"<leerlingid>a"),
    "prefixes": (b"", b"<a:"),
    "one long name": (b"<", b"a"),
    "one long prefix": (b"<leerlingid></", b"a"),
    "open quotes": (b"<a>", b' key="'),
    "two kinds of quotes": (b"<a>", b" key=\"x key='"),
    "one open quote": (b'<a key="', b"x"),
    "equals signs": (b"<a>", b" key = "),
    "blanks behind a name": (b"<a>", b"key" + b" " * 300),
    "blanks in a tag": (b"<leerlingid", b" "),
    "blanks in a closing tag": (b"<leerlingid></leerlingid", b" "),
    "closing tags": (b"<leerlingid>", b"</leerlingid "),
    "cdata": (b"", b"<![CDATA["),
    "cdata in a field": (b"<leerlingid>", b"<![CDATA["),
    "comments": (b"<leerlingid>", b"<!--"),
    "closed comments": (b"<leerlingid>", b"<!---->"),
    "attributes": (b"<leerlingid", b' xmlns="a"'),
    "many short lists of attributes": (b"", b'<leerlingid xmlns="a" xmlns:b="c" >'),
    "ampersands": (b"<a>", b"&"),
    "references": (b"<leerlingid>", b"&amp;"),
    "personal numbers": (b"<a>", b"111222333 "),
    "ECK iDs": (b"<a>", b"https://ketenid.nl/ "),
    "one word of a value": (b"<leerlingid>abcd</leerlingid>", b"abcd"),
    "values of every length": (LENGTHS, b"a" * 255 + b" "),
    "values of every length in one word": (LENGTHS, b"a"),
    "values of every length, nearly": (LENGTHS, b"aaaab"),
}


@pytest.mark.parametrize(("start", "again"), REPEATED.values(), ids=REPEATED)
def test_covering_takes_time_in_proportion_whatever_is_sent(start: bytes, again: bytes) -> None:
    data = (start + again * (MAX_CHARACTERS // len(again) + 1))[:MAX_CHARACTERS]
    assert any(seconds(data) < 1.0 for _ in range(3))


def seconds(data: bytes) -> float:
    began = time.thread_time()
    mask(data).show()
    return time.thread_time() - began


def test_many_values_of_many_lengths_are_all_covered() -> None:
    values = [f"{'a' * (4 + number % 250)}-{number}" for number in range(5_000)]
    data = "".join(f'<leerlingid>{value}</leerlingid><x y="r-{value}"/>' for value in values).encode()
    began = time.thread_time()
    shown = mask(data).show()
    assert time.thread_time() - began < 2.0
    assert not [value for value in values if value in shown]
