"""The two kinds of result that are more than a number: osoresultaat (OSO 1.2), and anderresultaat with our type."""

from __future__ import annotations

from collections.abc import Callable

from lxml import etree

from connectors.uwlr import names, values
from models.records import SCALE, Absence, Kind, Status

Note = Callable[[str, str], None]

REFERENCE_CODES = frozenset(
    [
        "AE",
        "CAE",
        "IV",
        "CIV",
        "FN",
        "ON",
        "DLE",
        "Percentiel",
        "Percentage",
        "T-score",
        "Stanine",
        "DQ",
        "IQ",
        "ERK",
        "C-score",
        "Norm",
        "RNTRM",
        "ZML",
        "LGH",
        "AVI",
        "NAZ",
        "LM",
        "Standaardscore",
        "LA",
    ]
)
COMPARISON_GROUPS = frozenset({"BB+", "BB", "KB", "GT", "HAVO", "VWO", "Landelijk"})
STATUSES = {"niet-begonnen": Status.NOT_BEGUN, "bezig": Status.BUSY, "afgerond": Status.DONE}
MAX_COUNT = 1_000_000

OsoRow = tuple[int, str | None, int | None, int | None, tuple[object, ...]]
OtherRow = tuple[int, str | None, int | None, tuple[object, ...] | None]

_COUNTS = ("aantalopgaven", "aantalgoed", "aantalfout", "aantalgelezen")


def read_oso(element: etree._Element, note: Note) -> OsoRow:
    """An osoresultaat as (kind, score text, score, absence, fields of records.OsoResult)."""
    texts: dict[str, str] = {}
    references: list[tuple[str, str, str, str | None]] = []
    has_score = False
    for child in element:
        if names.local(str(child.tag)) == "toetsscore":
            has_score = True
            for value in child.iter():
                if len(value) == 0 and value is not child:
                    texts[names.local(str(value.tag))] = value.text or ""
        else:
            references.append(read_reference(child, note))
    check_counts(texts, note)
    skill = texts.get("vaardigheidsscore")
    score = oso_number(skill, note)
    if not texts and not references:
        note("oso.empty", "osoresultaat")
    detail = (
        *(texts.get(name) for name in _COUNTS),
        texts.get("tijd"),
        skill,
        texts.get("codevaardigheidsschaal"),
        texts.get("bivlaag"),
        texts.get("bivhoog"),
        tuple(references),
        has_score,
    )
    return int(Kind.OSO), skill, score, None if score is not None else int(Absence.NO_SCORE), detail


def read_reference(element: etree._Element, note: Note) -> tuple[str, str, str, str | None]:
    """A referentiescore: code, comparison group, value, qualification."""
    texts = {names.local(str(child.tag)): child.text or "" for child in element}
    code, group = texts.get("codereferentiescore", ""), texts.get("codevergelijkingsgroep", "")
    if code not in REFERENCE_CODES:
        note("oso.reference-code", "codereferentiescore")
    if group not in COMPARISON_GROUPS:
        note("oso.comparison-group", "codevergelijkingsgroep")
    return code, group, texts.get("waarde", ""), texts.get("kwalificatie")


def check_counts(texts: dict[str, str], note: Note) -> None:
    """Counts and seconds that cannot be kept: below zero, or beyond reason."""
    for name in (*_COUNTS, "tijd"):
        if name in texts:
            try:
                if values.fixed_point(_with_zero(texts[name])) > MAX_COUNT * 100 * SCALE:
                    note("oso.bound", name)
            except ValueError:
                note("oso.bound", name)


def _with_zero(text: str) -> str:
    """An xs:decimal such as `.5` or `5.` in the form that has digits on both sides."""
    stripped = text.strip(values.XML_SPACE).rstrip("0") if "." in text else text.strip(values.XML_SPACE)
    return ("0" + stripped if stripped.startswith(".") else stripped).rstrip(".") or "0"


def oso_number(text: str | None, note: Note) -> int | None:
    """A vaardigheidsscore in ten-thousandths, which may be below zero; None where there is none."""
    if text is None:
        return None
    try:
        return values.signed_fixed_point(text)
    except values.OutOfBounds:
        note("oso.bound", "vaardigheidsscore")
    except ValueError:
        pass  # the schema refuses it
    return None


def read_other(element: etree._Element, note: Note) -> OtherRow:
    """An anderresultaat as (kind, text of andere_score, absence, fields of records.Progress)."""
    prefix, _, name = (element.get(f"{{{names.XSI}}}type") or "").strip(values.XML_SPACE).rpartition(":")
    if name != "Voortgang" or element.nsmap.get(prefix or None) != names.VOORTGANG:
        note("result.other-type", "anderresultaat")
        return int(Kind.OTHER), None, int(Absence.NO_SCORE), None
    texts = {names.local(str(child.tag)): child.text or "" for child in element}
    status = STATUSES.get(texts.get("status", "").strip(values.XML_SPACE), Status.NOT_BEGUN)
    detail = (
        int(status),
        worked(texts.get("tijd"), note),
        *(count(texts.get(name)) for name in ("aangeboden", "gemaakt", "goed")),
        texts.get("tijd"),
        texts.get("andere_score"),
    )
    return int(Kind.PROGRESS), None, int(Absence.NO_SCORE), detail


def worked(text: str | None, note: Note) -> int | None:
    """Time worked in milliseconds; None where it is not sent."""
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
    """A number of exercises; None where it is not sent."""
    stripped = (text or "").strip(values.XML_SPACE).removeprefix("+")
    return int(stripped) if stripped.isascii() and stripped.isdigit() and len(stripped) < 10 else None
