"""Reads the two structured kinds of result: osoresultaat (OSO 1.2), and anderresultaat with our extension type."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from lxml import etree

from connectors.uwlr import names, values
from connectors.uwlr.definitions import Note, check_text
from models.schema.records import Absence, Kind, OsoResult, Progress, Status

REFERENCE_CODES = frozenset({
    "AE", "CAE", "IV", "CIV", "FN", "ON", "DLE", "Percentiel", "Percentage", "T-score", "Stanine", "DQ", "IQ", "ERK",
    "C-score", "Norm", "RNTRM", "ZML", "LGH", "AVI", "NAZ", "LM", "Standaardscore", "LA",
})  # fmt: skip
COMPARISON_GROUPS = frozenset({"BB+", "BB", "KB", "GT", "HAVO", "VWO", "Landelijk"})
STATUSES = {"niet-begonnen": Status.NOT_BEGUN, "bezig": Status.BUSY, "afgerond": Status.DONE}
MAX_COUNT = 100_000_000  # exercises, words, seconds

OsoRow = tuple[int, str | None, int | None, int | None, tuple[object, ...]]
OtherRow = tuple[int, str | None, int | None, tuple[object, ...] | None]

_VALUE = re.compile(r"[+-]*|[+-]?[0-9]*[.,]?[0-9]+%?", re.ASCII)
_NUMBERS = frozenset({*names.OSO_COUNTS, "tijd", "vaardigheidsscore", *names.OSO_INTERVAL})


def read_oso(element: etree._Element, note: Note) -> OsoRow:
    """An osoresultaat as (kind, score text, score, absence, an `OsoResult` as a plain tuple)."""
    texts: dict[str, str] = {}
    references: list[Any] = []  # each a `ReferenceScore` as a plain tuple
    has_score = False
    for child in element:
        if names.local(str(child.tag)) == "toetsscore":
            has_score = True
            for value in child.iter():
                if len(value) == 0 and value is not child:
                    texts[names.local(str(value.tag))] = value.text or ""
        else:
            references.append(read_reference(child, note))
    texts = {name: text.strip(values.XML_SPACE) if name in _NUMBERS else text for name, text in texts.items()}
    check_numbers(texts, note)
    check_value(texts.get("codevaardigheidsschaal"), "codevaardigheidsschaal", note)
    skill = texts.get("vaardigheidsscore")
    score = oso_number(skill, note)
    if not texts and not references:
        note("oso.empty", "osoresultaat")
    fields: dict[str, Any] = {field: texts.get(name) for name, field in (names.OSO_TEXTS | names.OSO_INTERVAL).items()}
    detail = OsoResult(**fields, references=tuple(references), has_score=has_score)
    return int(Kind.OSO), skill, score, None if score is not None else int(Absence.NO_SCORE), tuple(detail)


def read_reference(element: etree._Element, note: Note) -> tuple[str, str, str, str | None]:
    """A referentiescore: code, comparison group, value, qualification."""
    texts = {names.local(str(child.tag)): child.text or "" for child in element}
    code, group = texts.get("codereferentiescore", ""), texts.get("codevergelijkingsgroep", "")
    if code not in REFERENCE_CODES:
        note("oso.reference-code", "codereferentiescore")
        check_value(code, "codereferentiescore", note)
    if group not in COMPARISON_GROUPS:
        note("oso.comparison-group", "codevergelijkingsgroep")
        check_value(group, "codevergelijkingsgroep", note)
    for name in ("waarde", "kwalificatie"):
        check_value(texts.get(name), name, note)
    return code, group, texts.get("waarde", ""), texts.get("kwalificatie")


def check_numbers(texts: dict[str, str], note: Note) -> None:
    """Check counts and seconds for values that cannot be stored, and numbers that contradict each other."""
    for name in (*names.OSO_COUNTS, "tijd"):
        number = number_in(texts, name)
        if name in texts and (number is None or not 0 <= number <= MAX_COUNT):
            note("oso.bound", name)
    if is_above(number_in(texts, "aantalgoed"), number_in(texts, "aantalopgaven")):
        note("result.counts", "aantalgoed")
    if is_above(number_in(texts, "bivlaag"), number_in(texts, "bivhoog")):
        note("oso.interval", "bivlaag")


def number_in(texts: dict[str, str], name: str) -> Decimal | None:
    """A number by the name of its element; None where it is absent or not a number."""
    try:
        return values.decimal(texts[name])
    except (KeyError, ValueError):
        return None


def is_above(item: Decimal | int | None, other: Decimal | int | None) -> bool:
    """Whether both numbers are present and the first is the greater."""
    return item is not None and other is not None and item > other


def oso_number(text: str | None, note: Note) -> int | None:
    """A vaardigheidsscore in ten-thousandths, which may be below zero; None where it is absent or not a number."""
    if text is None:
        return None
    try:
        score, is_exact = values.rounded(text)
    except values.OutOfBounds:
        note("oso.bound", "vaardigheidsscore")
        return None
    except ValueError:
        return None  # the schema refuses it
    if not is_exact:
        note("oso.decimals", "vaardigheidsscore")
    return score


def check_value(text: str | None, element: str, note: Note) -> None:
    """As `check_text`, for a text that may also be a negative number or a mark such as ++."""
    if text is not None and not text.isalnum() and _VALUE.fullmatch(text) is None:
        check_text(text, element, note)


def read_other(element: etree._Element, note: Note) -> OtherRow:
    """An anderresultaat as (kind, text of andere_score, absence, a `Progress` as a plain tuple)."""
    prefix, _, name = (element.get(f"{{{names.XSI}}}type") or "").strip(values.XML_SPACE).rpartition(":")
    if name != "Voortgang" or element.nsmap.get(prefix or None) != names.VOORTGANG:
        note("result.other-type", "anderresultaat")
        return int(Kind.OTHER), None, int(Absence.NO_SCORE), None
    texts = {names.local(str(child.tag)): child.text or "" for child in element}
    status = STATUSES.get(texts.get("status", "").strip(values.XML_SPACE), Status.NOT_BEGUN)
    time, other = texts.get("tijd"), texts.get("andere_score")
    check_value(other, "andere_score", note)
    time = None if time is None else time.strip(values.XML_SPACE)
    counts: dict[str, Any] = {field: count(texts.get(name)) for name, field in names.PROGRESS_COUNTS.items()}
    detail = Progress(status, worked_ms=worked(time, note), duration=time, other=other, **counts)
    if any(
        is_above(*pair)
        for pair in ((detail.made, detail.offered), (detail.correct, detail.made), (detail.correct, detail.offered))
    ):
        note("result.counts", "goed")
    return int(Kind.PROGRESS), None, int(Absence.NO_SCORE), (int(status), *detail[1:])


def worked(text: str | None, note: Note) -> int | None:
    """Time worked in milliseconds; None where it is absent."""
    if text is None:
        return None
    try:
        return values.duration_ms(text)
    except values.OutOfBounds:
        note("result.duration", "tijd")
    except ValueError:
        pass  # the schema refuses it
    return None


def count(text: str | None) -> int | None:
    """A number of exercises; None where it is absent."""
    stripped = (text or "").strip(values.XML_SPACE).removeprefix("+")
    return int(stripped) if stripped.isascii() and stripped.isdigit() and len(stripped) < 10 else None
