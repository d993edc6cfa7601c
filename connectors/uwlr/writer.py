"""Writes result messages: records into XML that `reader` reads back as the same records.

Built with lxml, not with a SOAP library: those lose a score of 0 inside a choice. The elements are in the order of the
schema (UWLR 2.2 ctpResultaat, ctpToets, ctpNormering); absent fields are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from lxml import etree

from connectors.uwlr import names, values
from connectors.uwlr.envelope import Authorisation, authorisation_element, document, in_envelope
from connectors.uwlr.oso import STATUSES
from models.schema.records import (
    Absence,
    Band,
    Level,
    MessageHead,
    Norm,
    OsoResult,
    Part,
    Progress,
    PupilRef,
    ReferenceScore,
    Result,
    Term,
    TestDefinition,
)

STATUS_WORDS = {status: word for word, status in STATUSES.items()}
_NAMESPACES: dict[str | None, str] = {None: names.LR, "oso": names.OSO, "vg": names.VOORTGANG, "xsi": names.XSI}


def write_message(
    head: MessageHead,
    results: Iterable[Result],
    definitions: Sequence[TestDefinition],
    *,
    authorisation: Authorisation | None = None,
    envelope: bool = True,
) -> bytes:
    """A leerresultaten_verzoek, in an envelope unless `envelope` is False; UTF-8 with declaration."""
    return to_bytes(message_element(head, results, definitions), authorisation, envelope)


def write_pull_answer(
    head: MessageHead, results: Iterable[Result], definitions: Sequence[TestDefinition], *, envelope: bool = True
) -> bytes:
    """The answer of HaalLeerresultaten with a message in it (docs/pull.md)."""
    answer = etree.Element(names.OPHALEN_ANTWOORD, nsmap={"lo": names.OPHALEN})
    answer.append(message_element(head, results, definitions))
    return to_bytes(answer, None, envelope)


def write_empty_pull_answer(kind: str, *, envelope: bool = True) -> bytes:
    """The answer of HaalLeerresultaten without a message: `kind` is geenwijzigingen or geengegevens."""
    answer = etree.Element(names.OPHALEN_ANTWOORD, nsmap={"lo": names.OPHALEN})
    etree.SubElement(answer, f"{{{names.OPHALEN}}}{kind}")
    return to_bytes(answer, None, envelope)


def to_bytes(payload: etree._Element, authorisation: Authorisation | None, envelope: bool) -> bytes:
    """A payload as bytes, in a SOAP 1.1 envelope with the autorisatie header if given."""
    if not envelope:
        return document(payload)
    return in_envelope(payload, None if authorisation is None else authorisation_element(authorisation))


def message_element(
    head: MessageHead, results: Iterable[Result], definitions: Sequence[TestDefinition]
) -> etree._Element:
    """The leerresultaten_verzoek of a head, results and definitions."""
    root: etree._Element = etree.Element(names.VERZOEK, nsmap=_NAMESPACES)
    write_school(root, head)
    sittings = _add(root, "toetsafnames")
    for pupil, pupil_results in groupby(results, key=lambda result: result.pupil):
        write_sitting(sittings, pupil, pupil_results)
    tests = _add(root, "toetsen")
    for definition in definitions:
        write_test(tests, definition)
    return root


def _add(parent: etree._Element, name: str, text: str | None = None) -> etree._Element:
    element: etree._Element = etree.SubElement(parent, names.lr(name))
    element.text = text
    return element


def _add_optional(parent: etree._Element, name: str, text: str | None) -> None:
    if text is not None:
        _add(parent, name, text)


def _add_fields(parent: etree._Element, namespace: str, fields: Mapping[str, str], record: object) -> None:
    """Add an element for each field of a record that is not None; `fields` by the names of the elements."""
    for name, field in fields.items():
        value = getattr(record, field)
        if value is not None:
            etree.SubElement(parent, f"{{{namespace}}}{name}").text = str(value)


def _add_term(parent: etree._Element, name: str, term: Term | None) -> etree._Element | None:
    if term is None:
        return None
    element = _add(parent, name, term.text)
    _bind(element, term.vocabulary, term.location)
    return element


def _bind(element: etree._Element, vocabulary: str | None, location: str | None) -> None:
    if vocabulary is not None:
        element.set("vocabulaire", vocabulary)
    if location is not None:
        element.set("vocabulairelocatie", location)


def write_school(root: etree._Element, head: MessageHead) -> None:
    """Write the school element; the dependance as it was sent, else that of the school reference."""
    school = _add(root, "school")
    _add(school, "schooljaar", head.school_year)
    _add_optional(school, "brincode", head.school.brin)
    if head.school.brin is not None:
        _add_optional(school, "dependancecode", head.dependance_text or head.school.dependance or None)
    else:
        _add_optional(school, "schoolkey", head.school.school_key)
    _add(school, "aanmaakdatum", head.created_text)
    _add_optional(school, "auteur", head.author)
    _add_optional(school, "xsdversie", head.xsd_version)
    _add_optional(school, "commentaar", head.comment)


def write_sitting(sittings: etree._Element, pupil: PupilRef, results: Iterable[Result]) -> None:
    """Write one toetsafname: a pupil and consecutive results of that pupil."""
    sitting = _add(sittings, "toetsafname")
    _add_optional(sitting, "leerlingid", pupil.las_key)
    _add_optional(sitting, "eckid", pupil.eck_id)
    _add_optional(sitting, "resultaatverwerkerid", pupil.processor)
    parent = _add(sitting, "resultaten")
    for result in results:
        write_result(parent, result)


def write_result(parent: etree._Element, result: Result) -> None:
    """Write one resultaat with exactly one of score, osoresultaat, anderresultaat."""
    element = _add(parent, "resultaat")
    element.set("key", result.key)
    _add(element, "afnamedatum", result.taken_text or result.taken_on)
    _add(element, "toetscode", result.test.code)
    _add_term(element, "versie", result.test.version)
    _add_optional(element, "toetsonderdeelcode", result.part_code)
    if isinstance(result.detail, OsoResult):
        write_oso(element, result.detail)
    elif isinstance(result.detail, Progress):
        write_progress(element, result.detail)
    else:
        _add(element, "score", "X" if result.absence is Absence.NOT_OFFERED else result.score_text)
    _add_optional(element, "infourl", result.info_url)


def write_oso(parent: etree._Element, oso: OsoResult) -> None:
    """Write an osoresultaat (OSO 1.2): test score, then reference scores."""
    element = _add(parent, "osoresultaat")
    if oso.has_score:
        score = etree.SubElement(element, f"{{{names.OSO}}}toetsscore")
        _add_fields(score, names.OSO, names.OSO_TEXTS, oso)
        if oso.interval_low is not None:
            interval = etree.SubElement(score, f"{{{names.OSO}}}betrouwbaarheidsinterval")
            _add_fields(interval, names.OSO, names.OSO_INTERVAL, oso)
    for reference in oso.references:
        write_reference(element, reference)


def write_reference(parent: etree._Element, reference: ReferenceScore) -> None:
    """Write one referentiescore."""
    element = etree.SubElement(parent, f"{{{names.OSO}}}referentiescore")
    _add_fields(element, names.OSO, names.OSO_REFERENCE, reference)


def write_progress(parent: etree._Element, progress: Progress) -> None:
    """Write an anderresultaat of our extension type (docs/voortgang.md)."""
    element = _add(parent, "anderresultaat")
    element.set(f"{{{names.XSI}}}type", "vg:Voortgang")
    _add_optional(element, "andere_score", progress.other)
    duration = progress.duration
    if duration is None and progress.worked_ms is not None:
        duration = values.duration_text(progress.worked_ms)
    etree.SubElement(element, f"{{{names.VOORTGANG}}}status").text = STATUS_WORDS[progress.status]
    if duration is not None:
        etree.SubElement(element, f"{{{names.VOORTGANG}}}tijd").text = duration
    _add_fields(element, names.VOORTGANG, names.PROGRESS_COUNTS, progress)


def write_test(parent: etree._Element, definition: TestDefinition) -> None:
    """Write one toets definition."""
    element = _add(parent, "toets")
    _add_term(element, "toetscode", definition.code)
    _add_term(element, "versie", definition.version)
    _add_optional(element, "toetsnaam", definition.name)
    _add_term(element, "leerjaar", definition.year)
    _add_term(element, "vakgebied", definition.subject)
    write_norm(element, "toetsnormering", definition.norm)
    if definition.hierarchy:
        write_hierarchy(_add(element, "toetshierarchie"), definition.hierarchy)
    if definition.parts is not None:
        parts = _add(element, "toetsonderdelen")
        for part in definition.parts:
            write_part(parts, part)


def write_hierarchy(parent: etree._Element, levels: tuple[Level, ...]) -> None:
    """Write the entries of a toetshierarchie."""
    for level in levels:
        entry = _add_term(parent, "ingang", level.term)
        if entry is not None:
            entry.set("niveau", str(level.depth))


def write_part(parent: etree._Element, part: Part) -> None:
    """Write one toetsonderdeel."""
    element = _add(parent, "toetsonderdeel")
    _add(element, "toetsonderdeelvolgnummer", str(part.number))
    _add_term(element, "toetsonderdeelcode", part.code)
    _add_optional(element, "toetsonderdeelnaam", part.name)
    write_norm(element, "toetsonderdeelnormering", part.norm)


def write_norm(parent: etree._Element, name: str, norm: Norm | None) -> None:
    """Write a normering with its bands."""
    if norm is None:
        return
    element = _add(parent, name)
    _bind(element, norm.vocabulary, norm.location)
    _add_term(element, "toetscategorie", norm.category)
    _add_term(element, "toetsniveau", norm.level)
    _add_optional(element, "wegingsfactor", norm.weight)
    for band in norm.bands:
        write_band(element, band)


def write_band(parent: etree._Element, band: Band) -> None:
    """Write one norm element."""
    element = _add(parent, "norm")
    _add_optional(element, "term", band.term)
    _add_optional(element, "omschrijving", band.description)
    _add_optional(element, "beginnormwaarde", band.low)
    _add(element, "eindnormwaarde", band.high)
    if band.colour is not None:
        colour = _add(element, "normkleur")
        _add(colour, "rood_code", str(band.colour.red))
        _add(colour, "groen_code", str(band.colour.green))
        _add(colour, "blauw_code", str(band.colour.blue))
        _add(colour, "transparantie", band.colour.opacity)
    _add_optional(element, "schoolcijfer_vanaf", band.grade_from)
    _add_optional(element, "schoolcijfer_totenmet", band.grade_to)
