"""Messages gone wrong: a number gives the same mutant of the same message every time.

A mutant is one of the seed messages with one to three changes: to its bytes, its encoding, its markup, its tree or
its header. The seed messages are our own; where the reference papers are present, theirs take part.
"""

from __future__ import annotations

import copy
import random
import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache

from lxml import etree

from connectors.uwlr import names
from connectors.uwlr.envelope import Authorisation
from connectors.uwlr.writer import write_message
from models.schema.records import (
    Band,
    Kind,
    Level,
    MessageHead,
    Norm,
    OsoResult,
    Part,
    Progress,
    PupilRef,
    Result,
    SchoolRef,
    Status,
    Term,
    TestDefinition,
    TestRef,
)
from tests.conftest import SHARED
from tests.peers.service import ACCOUNT, enveloped
from tests.uwlr import strategies as uwlr
from tests.uwlr.messages import message, result_xml

STRICT = ACCOUNT
TOLERANT = Authorisation("sleutel-van-de-soepele", "K-SOEPEL-1234", "Soepele Uitgever")
# The accounts of the reference papers.
PAPERS = (
    Authorisation("SLEUTEL-SCHOOL-99XX", "KLANT-UITGEVER-A", "Uitgever van A"),
    Authorisation("SLEUTEL-B-99XX", "KLANT-UITGEVER-B", "Uitgever van B"),
)
MAX_BYTES = 40_000
SHARE_OF_PAPERS = 0.3
CHANGES = (1, 1, 1, 2, 3)

Mutator = Callable[[random.Random, bytes], bytes]
TreeChange = Callable[[random.Random, etree._Element], None]

# fmt: off
NUMBERS = (
    "-1", "-0", "0", "+0", "00000", "+007", "1", "1.0", "0.00001", "99999999999999", "100000000000000", "1e400", "1E2",
    "NaN", "INF", "-INF", "0x10", "1_000", "1,5", "٣", "2147483647", "2147483648", "-2147483649", "9223372036854775807",
    "9223372036854775808", "18446744073709551616", "9" * 400, "9" * 5000, "0." + "0" * 400 + "1", "." * 50, "X", "",
)
DATES = (
    "0000-01-01", "0001-01-01", "-0001-01-01", "1989-12-31", "2199-12-31", "9999-12-31", "99999-01-01", "2026-02-30",
    "2026-11-10Z", "2026-11-10+14:00", "2026-11-10-14:00", "2026-11-10+99:99", "20261110", "2026-11-11T24:00:00",
    "2026-11-11T23:59:60", "2026-11-11T00:05:46.123456789123", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00",
    "P1Y", "P400D", "PT999999999999H", "-P1D", "PT", "P", "2026-2025", "2026-2027 ", "9999-10000",
)
TEXTS = (
    " ", "\n\t ", "x" * 300, "é" * 257, "😀" * 200, "\u202e\u200b", "a\u0301" * 100, "=1+1", "<b>&amp;</b>", "']]>",
    "{0}", "%s%n", "${x}", "../../..", "\ud7ff", "\ufffd", "\x85", "null", "123456782", "https://ketenid.nl/201703/ab",
)
ENCODINGS = (
    "utf-8", "UTF8", "us-ascii", "iso-8859-1", "iso-8859-15", "windows-1252", "utf-16", "utf-16le", "utf-32", "utf-7",
    "ebcdic-cp-nl", "cp037", "gb18030", "shift_jis", "x-unknown", "", "../utf-8",
)
MARKUP = (
    "&lt;", "&amp;", "&#0;", "&#x1F600;", "&#xD800;", "&#xFFFE;", "&#x110000;", "&unknown;", "&", "<", "]]>",
    "<![CDATA[]]>", "<![CDATA[<a>&]]>", "<!-- x -->", "<!-- -- -->", "<?php x?>", "<?xml version='1.0'?>", "<x/>",
    "</x>", "\x00", "\x0b",
)
DOCTYPES = (
    "<!DOCTYPE a>", '<!DOCTYPE a [<!ENTITY e "x">]>', '<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/hostname">]>',
    '<!DOCTYPE a SYSTEM "a.dtd">', '<!DOCTYPE a [<!ENTITY % p SYSTEM "a.dtd"> %p;]>',
    '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY e "&b;&b;&b;&b;&b;&b;&b;">]>',
)
SOAP_12 = "http://www.w3.org/2003/05/soap-envelope"
NAMESPACES = (
    names.LR, names.AUT, names.OSO, names.SOAP, SOAP_12, names.VOORTGANG, names.OPHALEN, names.XSI, "urn:x", None,
)
TAGS = (
    "score", "osoresultaat", "anderresultaat", "resultaat", "resultaten", "toets", "school", "schoolkey", "eckid",
    "leerresultaten_verzoek", "leerlinggegevens_verzoek", "Body", "Header", "Fault", "onbekend",
)
ATTRIBUTES = (
    ("key", "r1"), ("key", ""), (f"{{{names.XSI}}}type", "xs:string"), (f"{{{names.XSI}}}type", "v:Voortgang"),
    (f"{{{names.XSI}}}nil", "true"), (f"{{{names.XSI}}}schemaLocation", "urn:x http://127.0.0.1:9/x.xsd"),
    (f"{{{names.XSI}}}noNamespaceSchemaLocation", "x.xsd"), ("{http://www.w3.org/XML/1998/namespace}base", "urn:x"),
    ("{http://www.w3.org/XML/1998/namespace}space", "preserve"), (f"{{{names.SOAP}}}mustUnderstand", "1"),
    (f"{{{names.SOAP}}}actor", "urn:x"), (f"{{{names.SOAP}}}encodingStyle", "urn:x"), ("niveau", "-1"),
    ("vocabulaire", "http://["), ("vocabulaire", names.VOCABULARY_VAKGEBIEDEN), ("id", "x"),
)
# fmt: on


# -- bytes ---------------------------------------------------------------------------------------------------


def flip(rng: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 8))):
        if changed:
            changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def insert_bytes(rng: random.Random, data: bytes) -> bytes:
    at = rng.randint(0, len(data))
    return data[:at] + rng.randbytes(rng.choice((1, 2, 16))) + data[at:]


def _slice(rng: random.Random, data: bytes) -> tuple[int, int]:
    start = rng.randint(0, len(data))
    return start, min(len(data), start + rng.choice((1, 4, 40, 400)))


def cut(rng: random.Random, data: bytes) -> bytes:
    start, end = _slice(rng, data)
    return data[:start] + data[end:]


def repeat(rng: random.Random, data: bytes) -> bytes:
    start, end = _slice(rng, data)
    return data[:end] + data[start:end] * rng.choice((1, 3, 50)) + data[end:]


def truncate(rng: random.Random, data: bytes) -> bytes:
    return data[: rng.choice((rng.randint(0, len(data)), rng.randint(0, 64), max(0, len(data) - rng.randint(1, 64))))]


def append(rng: random.Random, data: bytes) -> bytes:
    return data + rng.choice((b" \n", b"x", b"<x/>", b"\x00", b"<!-- x -->", b"<?x y?>", data))


def twice_over(rng: random.Random, data: bytes) -> bytes:
    """A tag put in the place of another one."""
    tags = re.findall(rb"</?[A-Za-z][^<>]*>", data)
    if not tags:
        return data
    return data.replace(rng.choice(tags), rng.choice(tags), rng.choice((1, 1, -1)))


# -- encoding and markup -------------------------------------------------------------------------------------

_DECLARATION = re.compile(rb"^\xef\xbb\xbf|^<\?xml[^>]*\?>")


def redeclare(rng: random.Random, data: bytes) -> bytes:
    """Another encoding declared than the bytes are in."""
    name = rng.choice(ENCODINGS)
    return f'<?xml version="{rng.choice(("1.0", "1.0", "1.1", "2"))}" encoding="{name}"?>'.encode() + _DECLARATION.sub(
        b"", data
    )


def recode(rng: random.Random, data: bytes) -> bytes:
    """The bytes in another encoding, declared or not."""
    name = rng.choice(("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-7", "latin-1", "cp1252", "cp037", "gb18030"))
    text = _DECLARATION.sub(b"", data).decode("utf-8", "replace")
    declared = rng.choice(("", f'<?xml version="1.0" encoding="{name}"?>'))
    return (declared + text).encode(name, "xmlcharrefreplace" if name in ("latin-1", "cp1252", "cp037") else "replace")


def add_mark(rng: random.Random, data: bytes) -> bytes:
    return rng.choice((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b" ", b"\n", b"\x00")) + data


def insert_markup(rng: random.Random, data: bytes) -> bytes:
    """Something of XML inside a text, an attribute or a tag."""
    places = [match.start() + rng.choice((0, 1)) for match in re.finditer(rb"[<>\"]", data)]
    if not places:
        return data
    at = rng.choice(places)
    return data[:at] + rng.choice(MARKUP).encode() + data[at:]


def add_doctype(rng: random.Random, data: bytes) -> bytes:
    """A DOCTYPE before the root, and its entity in a text."""
    whole = re.sub(rb"(<\?xml[^>]*\?>)?", lambda match: match[0] + rng.choice(DOCTYPES).encode(), data, count=1)
    places = [match.end() for match in re.finditer(rb"[^/]>", whole)]
    if not places or rng.random() < 0.3:
        return whole
    at = rng.choice(places)
    return whole[:at] + b"&e;" + whole[at:]


def in_cdata(rng: random.Random, data: bytes) -> bytes:
    """A text as CDATA, which says the same."""
    matches = list(re.finditer(rb">([^<>&]+)<", data))
    if not matches:
        return data
    match = rng.choice(matches)
    return data[: match.start(1)] + b"<![CDATA[" + match[1] + b"]]>" + data[match.end(1) :]


# -- the tree ------------------------------------------------------------------------------------------------


def on_tree(change: TreeChange) -> Mutator:
    """A change to the tree of a message; what cannot be parsed stays as it is."""

    def mutator(rng: random.Random, data: bytes) -> bytes:
        if b"<!DOCTYPE" in data:
            return data
        try:
            root = etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))
            change(rng, root)
            return etree.tostring(root, xml_declaration=True, encoding="UTF-8")
        except (etree.XMLSyntaxError, ValueError):
            return data

    mutator.__name__ = change.__name__
    return mutator


def _elements(root: etree._Element) -> list[etree._Element]:
    return list(root.iter(etree.Element))


def _inner(rng: random.Random, root: etree._Element) -> etree._Element:
    return rng.choice(_elements(root)[1:] or [root])


def _leaf(rng: random.Random, root: etree._Element) -> etree._Element:
    return rng.choice([element for element in _elements(root) if len(element) == 0])


def remove(rng: random.Random, root: etree._Element) -> None:
    uwlr.drop(_inner(rng, root))


def duplicate(rng: random.Random, root: etree._Element) -> None:
    element = _inner(rng, root)
    size = len(_elements(element))
    for _ in range(rng.choice((1, 2, max(1, 400 // size)))):
        uwlr.duplicate(element)


def reorder(rng: random.Random, root: etree._Element) -> None:
    parent = rng.choice([element for element in _elements(root) if len(element)] or [root])
    children = list(parent)
    rng.shuffle(children)
    parent[:] = children


def move(rng: random.Random, root: etree._Element) -> None:
    element, target = _inner(rng, root), rng.choice(_elements(root))
    if target not in _elements(element):
        target.insert(rng.randint(0, len(target)), element)


def nest(rng: random.Random, root: etree._Element) -> None:
    element = _inner(rng, root)
    for _ in range(rng.choice((1, 20, 40, 300))):
        element = etree.SubElement(element, rng.choice((element.tag, "x")))


def rename(rng: random.Random, root: etree._Element) -> None:
    element = rng.choice(_elements(root))
    name = rng.choice((*TAGS, names.local(str(element.tag)).swapcase()))
    element.tag = etree.QName(etree.QName(element).namespace, name).text


def move_namespace(rng: random.Random, root: etree._Element) -> None:
    space = rng.choice(NAMESPACES)
    element = rng.choice(_elements(root))
    for item in rng.choice(([element], _elements(element))):
        item.tag = etree.QName(space, etree.QName(item).localname).text


def add_attributes(rng: random.Random, root: etree._Element) -> None:
    element = rng.choice(_elements(root))
    for name, value in rng.sample(ATTRIBUTES, rng.choice((1, 1, 3))):
        element.set(name, value)
    if rng.random() < 0.1:
        for number in range(rng.choice((31, 33, 1000))):
            element.set(f"a{number}", "x")


def remove_attribute(rng: random.Random, root: etree._Element) -> None:
    element = rng.choice([element for element in _elements(root) if element.attrib] or [root])
    for name in list(element.attrib)[:1]:
        del element.attrib[name]


def change_attribute(rng: random.Random, root: etree._Element) -> None:
    element = rng.choice([element for element in _elements(root) if element.attrib] or [root])
    for name in list(element.attrib)[:1]:
        element.set(name, rng.choice((*TEXTS, *NUMBERS, *DATES)))


def extreme(rng: random.Random, root: etree._Element) -> None:
    _leaf(rng, root).text = rng.choice(rng.choice((NUMBERS, DATES)))


def odd_text(rng: random.Random, root: etree._Element) -> None:
    _leaf(rng, root).text = rng.choice(TEXTS)


def swap_texts(rng: random.Random, root: etree._Element) -> None:
    element, other = _leaf(rng, root), _leaf(rng, root)
    element.text, other.text = other.text, element.text


def stray_text(rng: random.Random, root: etree._Element) -> None:
    element = rng.choice(_elements(root))
    element.text, element.tail = rng.choice(((element.text, "x"), ("x", element.tail), (element.text, "\u2028")))


# -- the header ----------------------------------------------------------------------------------------------


def swap_account(rng: random.Random, root: etree._Element) -> None:
    """A text of the account of another one, or none at all."""
    accounts = [STRICT, TOLERANT, *PAPERS]
    for element in _elements(root):
        if names.local(str(element.tag)) in ("autorisatiesleutel", "klantcode", "klantnaam") and rng.random() < 0.5:
            other = rng.choice(accounts)
            element.text = rng.choice((other.key, other.customer_code, other.customer_name, "", "x" * 65))


def shift_header(rng: random.Random, root: etree._Element) -> None:
    """The Header away, twice, behind the Body, inside it, or with an entry that wants to be understood."""
    header = root.find(names.HEADER)
    if header is None:
        return
    which = rng.randrange(6)
    if which == 0:
        root.remove(header)
    elif which == 1:
        root.insert(0, copy.deepcopy(header))
    elif which == 2:
        root.append(header)
    elif which == 3:
        rng.choice(list(root.iterchildren(names.BODY)) or [root]).insert(0, header)
    elif which == 4:
        etree.SubElement(header, "{urn:x}y").set(f"{{{names.SOAP}}}mustUnderstand", rng.choice(("0", "1", "true", "x")))
    else:
        for element in header.iterdescendants():
            element.tag = names.local(str(element.tag))


# Most changes leave a message well-formed, or few would come past the first look.
TO_BYTES: tuple[Mutator, ...] = (
    flip, insert_bytes, cut, repeat, truncate, append, twice_over, redeclare, recode, add_mark, insert_markup,
    add_doctype,
)  # fmt: skip
TO_THE_TREE: tuple[Mutator, ...] = (
    in_cdata,
    *map(on_tree, (
        remove, duplicate, reorder, move, nest, rename, move_namespace, add_attributes, remove_attribute,
        change_attribute, extreme, extreme, extreme, odd_text, odd_text, swap_texts, stray_text, swap_account,
        shift_header,
    )),
)  # fmt: skip
SHARE_OF_BYTES = 0.25


# -- the seed messages ---------------------------------------------------------------------------------------


def _written(account: Authorisation) -> bytes:
    """A message of our writer with all kinds of results."""
    pupil = PupilRef("leerling-0815", f"https://ketenid.nl/201703/{'0123456789abcdef' * 8}")
    norm = Norm((Band("O", "0", "5"), Band("V", "6", "10")), weight="0.5")
    definition = TestDefinition(
        code=Term("T1"), version=Term("1"), name="Rekenen & tellen", year=Term("6"), subject=Term("Rekenen"),
        norm=norm, hierarchy=(Level(0, Term("Pluspunt")), Level(1, Term("Blok 1"))),
        parts=(Part(1, Term("V1"), "Som", norm), Part(2, Term("V2"), None, None)),
    )  # fmt: skip
    base = Result("resultaat-0815-a", pupil, TestRef("T1", Term("1")), "V1", Kind.SCORE, "2026-11-10", "0", 0)
    whole = replace(base, part_code=None, score_text=None, score=None)
    rows = [
        base,
        replace(whole, key="resultaat-0815-b", kind=Kind.OSO, detail=OsoResult(correct="7", skill="-3.5")),
        replace(
            whole,
            key="resultaat-0815-c",
            kind=Kind.PROGRESS,
            detail=Progress(Status.BUSY, offered=10, made=5, correct=0),
        ),
    ]
    head = MessageHead(
        school_year="2026-2027", school=SchoolRef("99XX"), created_text="2026-11-11T00:05:46", created_us=0,
        author="Uitgever", xsd_version="2.2", comment="Proef",
    )  # fmt: skip
    return write_message(head, rows, [definition], authorisation=account)


def _of_account(account: Authorisation) -> list[bytes]:
    """Seed messages of our own with one account."""
    rows = "".join(
        result_xml(f"resultaat-4711-{number}", str(number % 3), toetscode="T2", part="V1") for number in range(5)
    )
    part = (
        "<toets><toetscode>T2</toetscode><toetsonderdelen><toetsonderdeel>"
        "<toetsonderdeelvolgnummer>1</toetsonderdeelvolgnummer><toetsonderdeelcode>V1</toetsonderdeelcode>"
        "</toetsonderdeel></toetsonderdelen></toets>"
    )
    small = [
        message(results=result_xml("resultaat-4710-0", "0"), leerlingid="leerling-4710"),
        message(results=rows, tests=part, toetsnaam="Caf\u00e9 &amp; \u0663", leerlingid="leerling-4711"),
        message(results=rows, tests=part, xsdversie="2.1", leerlingid="leerling-4711"),
        message(results=result_xml("resultaat-4712-0", "1.5"), leerlingid="leerling-4712", xsdversie="2.3"),
    ]
    complete = [_complete(start) for start in range(3)]
    enclosed = [enveloped(item.decode().partition("?>")[2], account) for item in small]
    enclosed += [enveloped(etree.tostring(element).decode(), account) for element in complete]
    return [*enclosed, _written(account), b"\xef\xbb\xbf" + enclosed[0], small[0]]


_OF_OUR_SCHOOL = {
    "brincode": "99XX", "dependancecode": "00", "schoolkey": "school-key-1", "schooljaar": "2026-2027",
    "aanmaakdatum": "2026-11-11T00:05:46",
}  # fmt: skip
_IN_ORDER = {
    "beginnormwaarde": "0", "eindnormwaarde": "10", "aantalopgaven": "10", "aantalgoed": "0", "aantalfout": "10",
    "aantalgelezen": "10", "tijd": "0",
}  # fmt: skip


def _complete(start: int) -> etree._Element:
    """A payload with every optional element, accepted too."""
    root = uwlr.delivery(uwlr.Fullest(start), ("score", "oso", "progress"))
    for number, element in enumerate(root.iter(f"{{{names.LR}}}resultaat")):
        element.set("key", f"resultaat-471{3 + start}-{number}")
    for element in root.iter(etree.Element):
        name = etree.QName(element)
        fitting = {**_OF_OUR_SCHOOL, **_IN_ORDER}.get(name.localname)
        if fitting is not None and len(element) == 0 and name.namespace != names.VOORTGANG:
            element.text = fitting
    return root


def _of_our_school(payload: str) -> str:
    """A payload as one of the school and school year of these tests."""
    for name, text in _OF_OUR_SCHOOL.items():
        payload = re.sub(rf"(<(?:\w+:)?{name}>)[^<]*", rf"\g<1>{text}", payload)
    return payload


@cache
def own_messages() -> tuple[bytes, ...]:
    """The seed messages of our own."""
    return (*_of_account(STRICT), *_of_account(TOLERANT))


@cache
def paper_messages() -> tuple[bytes, ...]:
    """The seed messages of the reference papers, as they are and as ones of a sender that we know."""
    found: list[bytes] = []
    for path in sorted([*SHARED.glob("uwlr/samples/*.xml"), *SHARED.glob("uwlr/hostile/*.xml")]):
        data = path.read_bytes()
        if len(data) > MAX_BYTES:
            continue
        found.append(data)
        payload = re.search(rb"<(\w+:)?leerresultaten_verzoek.*</(\w+:)?leerresultaten_verzoek>", data, re.DOTALL)
        if payload is not None and path.parent.name == "samples":
            text = payload[0].decode("utf-8", "replace")
            found += [enveloped(_of_our_school(text), account) for account in (STRICT, TOLERANT)]
    return tuple(found)


def mutant(number: int) -> tuple[bytes, str]:
    """The mutant of a number, and how it was made."""
    rng = random.Random(number)
    messages = own_messages()
    if paper_messages() and rng.random() < SHARE_OF_PAPERS:
        messages = paper_messages()
    which = rng.randrange(len(messages))
    data = messages[which]
    told = [f"{'own' if messages is own_messages() else 'paper'} {which}"]
    for _ in range(rng.choice(CHANGES)):
        mutator = rng.choice(TO_BYTES if rng.random() < SHARE_OF_BYTES else TO_THE_TREE)
        told.append(mutator.__name__)
        data = mutator(rng, data)[: 4 * MAX_BYTES]
    return data, ", ".join(told)
