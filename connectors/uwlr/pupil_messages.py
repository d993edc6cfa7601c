"""Reads answers of a LAS (leerlinggegevens, structuur, leerlingen, leerkrachten) and EDEXML files into rosters.

Everything is read by element name, whatever its order, because real administrations deviate from the schema; schema
errors are reported separately. Only what a screen uses is read: birth date, government-issued numbers and the like are
checked by the schema and not read.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import BinaryIO, Literal, TypeVar

from lxml import etree

from connectors.uwlr import names, values
from connectors.uwlr.pupil_gate import Notes, NotReadable, all_bytes, local, note_schema_errors, parse
from connectors.uwlr.reader import is_eck_id
from connectors.uwlr.rules import finding
from models.ingest.schools import normal_location
from models.schema import clock
from models.schema.records import Finding, Roster, RosterGroup, RosterPupil, RosterTeacher, SchoolRef

Profile = Literal["edexml", "lvs", "narrow"]
PROFILES: tuple[Profile, ...] = ("edexml", "lvs", "narrow")
NO_CHANGES, NO_DATA = "no_changes", "no_data"
DAY_US = 24 * 3600 * 1_000_000
_SCHOOL_YEAR = re.compile(r"([12][0-9]{3})-([12][0-9]{3})", re.ASCII)
_PERSONAL_NUMBER = re.compile(r"[0-9]{8,9}", re.ASCII)
T = TypeVar("T")


class Part(StrEnum):
    """Which part of a roster a message holds."""

    ALL = "all"
    STRUCTURE = "structure"
    PUPILS = "pupils"
    TEACHERS = "teachers"


ANSWERS = {
    "leerlinggegevens_antwoord": Part.ALL,
    "structuur_antwoord": Part.STRUCTURE,
    "leerlingen_antwoord": Part.PUPILS,
    "leerkrachten_antwoord": Part.TEACHERS,
}
CONTENTS = {
    "leerlinggegevens": Part.ALL,
    "leerlinggegevens-structuur": Part.STRUCTURE,
    "leerlinggegevens-leerlingen": Part.PUPILS,
    "leerlinggegevens-leerkrachten": Part.TEACHERS,
}
_EMPTY = {names.GEEN_WIJZIGINGEN: NO_CHANGES, names.GEEN_GEGEVENS: NO_DATA}

# The children that an element may have; any other is reported and not read.
_ALLOWED_CHILDREN = {
    "leerlinggegevens": {"school", "vestigingen", "groepen", "leerlingen", "leerkrachten", "toevoegingen"},
    "school": {
        "schooljaar", "peildatum", "brincode", "dependancecode", "schoolkey", "instellingsnummer", "aanmaakdatum",
        "auteur", "xsdversie", "commentaar", "toevoegingen",
    },
    "vestigingen": {"vestiging"},
    "vestiging": {"naam", "omschrijving", "mutatiedatum"},
    "groepen": {"groep", "samengestelde_groep"},
    "groep": {"naam", "jaargroep", "omschrijving", "toevoegingen", "mutatiedatum"},
    "samengestelde_groep": {"naam", "omschrijving", "toevoegingen", "mutatiedatum"},
    "leerlingen": {"leerling"},
    "leerling": {
        "achternaam", "voorvoegsel", "voornamen", "voorletters-1", "roepnaam", "geboortedatum", "geslacht",
        "start_ondw_jgr3", "jaargroep", "groep", "samengestelde_groepen", "vestiging", "gebruikersnaam",
        "emailadres", "fotourl", "etniciteit", "land", "land_vader", "land_moeder", "sofinummer", "bsn",
        "onderwijsnummer", "bsn_ondwnr-4", "rijksregisternummer", "gewicht_nieuw", "gewicht", "postcodenl",
        "postnummerbe", "postcodeoverig", "instroomdatum", "uitstroomdatum", "toevoegingen", "mutatiedatum",
    },
    "leerkrachten": {"leerkracht"},
    "leerkracht": {
        "achternaam", "voorvoegsel", "voornamen", "voorletters-1", "roepnaam", "gebruikersnaam", "emailadres",
        "rol", "rolomschrijving", "groepen", "toevoegingen", "mutatiedatum",
    },
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class RosterAnswer:
    """The contents of a message with pupil data.

    `roster` is None with `empty` (no_changes or no_data), with `fault` (code and text of a SOAP Fault) and where a
    finding of level error refuses the message. `created_text` is the aanmaakdatum as sent: the cursor.
    """

    roster: Roster | None
    empty: str | None = None
    findings: tuple[Finding, ...] = ()
    fault: tuple[str, str] | None = None
    part: Part = Part.ALL
    created_text: str | None = None
    digest: bytes = b""
    size: int = 0

    @property
    def refused(self) -> bool:
        """Whether a finding of level error refuses the message."""
        return any(finding.level == "error" for finding in self.findings)


def read_roster(data: bytes | BinaryIO, profile: Profile = "edexml") -> RosterAnswer:
    """Read an answer with all pupil data, or an EDEXML file; a part of a staged transfer is refused.

    `profile` selects the schema: a message does not state which it follows.
    """
    answer = read_part(data, profile)
    if answer.part is Part.ALL or answer.roster is None:
        return answer
    findings = (*answer.findings, finding("roster.part"))
    return dataclasses.replace(answer, roster=None, findings=findings)


def read_part(data: bytes | BinaryIO, profile: Profile = "edexml") -> RosterAnswer:
    """As `read_roster`, but also reads one part of a staged transfer; `merge` joins the parts."""
    try:
        content = all_bytes(data)
    except NotReadable as refused:
        return RosterAnswer(None, findings=tuple(refused.findings))
    base_answer = RosterAnswer(None, digest=hashlib.sha256(content).digest(), size=len(content))
    try:
        root, warnings = parse(content)
    except NotReadable as refused:
        return dataclasses.replace(base_answer, findings=tuple(refused.findings))
    return _read_root(content, root, warnings, profile, base_answer)


def merge(structure: RosterAnswer, pupils: Sequence[RosterAnswer], teachers: Sequence[RosterAnswer]) -> RosterAnswer:
    """Join the parts of a staged transfer into one roster; keys and references are checked over all parts.

    A pupil or teacher in more than one part counts once.
    """
    parts = [structure, *pupils, *teachers]
    digest = hashlib.sha256(b"".join(part.digest for part in parts)).digest()
    base_answer = RosterAnswer(
        None, created_text=structure.created_text, digest=digest, size=sum(part.size for part in parts)
    )
    findings = tuple(finding for part in parts for finding in part.findings)
    if structure.roster is None or any(part.refused for part in parts):
        return dataclasses.replace(base_answer, findings=findings, empty=structure.empty, fault=structure.fault)
    if all(part.empty is not None for part in pupils):
        return dataclasses.replace(base_answer, findings=findings, empty=NO_DATA)
    rosters = [part.roster for part in parts if part.roster is not None]
    roster = dataclasses.replace(
        structure.roster,
        pupils=tuple(dict.fromkeys(pupil for roster in rosters for pupil in roster.pupils)),
        teachers=tuple(dict.fromkeys(teacher for roster in rosters for teacher in roster.teachers)),
    )
    notes = Notes()
    _check_keys(roster, notes, None)
    _check_references(roster, notes, None)
    return _finish(base_answer, roster, [*findings, *notes.findings()])


# -- which message -----------------------------------------------------------------------------------------------


def _read_root(
    data: bytes, root: etree._Element, warnings: list[Finding], profile: Profile, base_answer: RosterAnswer
) -> RosterAnswer:
    payload, refusal = find_payload(root)
    if payload is None:
        return dataclasses.replace(base_answer, findings=(*warnings, finding(refusal)))
    if payload.tag == names.FAULT:
        findings = (*warnings, finding("roster.fault"))
        return dataclasses.replace(base_answer, findings=findings, fault=_fault(payload))
    content, part, refusal_rule = _content(payload)
    if refusal_rule is not None:
        return dataclasses.replace(base_answer, findings=(*warnings, finding(refusal_rule)))
    notes = Notes()
    file = local(payload) == "EDEX"
    note_schema_errors(root, "edexml_file.xsd" if file else f"entry_pupils_{profile}.xsd", notes)
    base_answer = dataclasses.replace(base_answer, part=part)
    if local(content) in _EMPTY:
        findings = (*warnings, *notes.findings(data))
        return dataclasses.replace(base_answer, findings=findings, empty=_EMPTY[local(content)])
    roster, created_text = _read_content(content, part, notes)
    base_answer = dataclasses.replace(base_answer, created_text=created_text)
    return _finish(base_answer, roster, [*warnings, *notes.findings(data)])


def find_payload(root: etree._Element) -> tuple[etree._Element | None, str]:
    """The element in the Body of a SOAP 1.1 envelope, or a bare root; else None and the rule that is broken."""
    if root.tag != names.ENVELOPE:
        return (None, "soap.version") if local(root) == "Envelope" else (root, "")
    children = [child for child in root if child.tag != names.HEADER or child is not root[0]]
    if not children or children[0].tag != names.BODY or len(children[0]) != 1:
        return None, "soap.body"
    if not all(names.may_follow_body(str(child.tag)) for child in children[1:]):
        return None, "soap.after-body"
    return children[0][0], ""


def _content(payload: etree._Element) -> tuple[etree._Element, Part, str | None]:
    """The element with the data (or the empty one in its place) and its part, or the rule that is broken."""
    name, namespace = local(payload), etree.QName(payload).namespace
    if name == "EDEX" and namespace is None:
        return payload, Part.ALL, None
    if name.endswith("_verzoek") and name != names.local(names.VERZOEK):
        return payload, Part.ALL, "soap.request"
    if namespace != names.LG:
        return payload, Part.ALL, "roster.root"
    if name in CONTENTS:
        return payload, CONTENTS[name], None
    if name not in ANSWERS or len(payload) != 1:
        return payload, Part.ALL, "roster.root"
    content, part = payload[0], ANSWERS[name]
    if local(content) in _EMPTY or CONTENTS.get(local(content)) is part:
        return content, part, None
    return payload, part, "roster.root"


def _fault(payload: etree._Element) -> tuple[str, str]:
    texts = {local(child): (child.text or "").strip() for child in payload}
    return texts.get("faultcode", "").rpartition(":")[2], texts.get("faultstring", "")


# -- content -----------------------------------------------------------------------------------------------------


def _read_content(content: etree._Element, part: Part, notes: Notes) -> tuple[Roster | None, str | None]:
    """The roster in the element with the data, and its aanmaakdatum as sent."""
    _note_unknown(content, "leerlinggegevens", notes)
    school = _child(content, "school")
    if school is None:
        notes.add("roster.school-year", content)
        return None, None
    _note_unknown(school, "school", notes)
    school_year = _school_year(school, notes)
    created_text, created_us = _created(school, notes)
    roster = Roster(
        school_year=school_year,
        school=_school_ref(school),
        school_name=None,
        created_us=created_us,
        groups=_groups(content, notes),
        pupils=_each(content, "leerlingen", notes, {"leerling": _pupil}),
        teachers=_each(content, "leerkrachten", notes, {"leerkracht": _teacher}),
        locations=_each(content, "vestigingen", notes, {"vestiging": _location}),
    )
    _check_keys(roster, notes, content)
    if part is Part.ALL:
        _check_references(roster, notes, content)
    return roster, created_text


def _finish(base_answer: RosterAnswer, roster: Roster | None, findings: Iterable[Finding]) -> RosterAnswer:
    answer = dataclasses.replace(base_answer, findings=tuple(findings))
    if roster is None or answer.refused:
        return answer
    complete = dataclasses.replace(roster, digest=base_answer.digest, size=base_answer.size, findings=answer.findings)
    return dataclasses.replace(answer, roster=complete)


def _school_year(school: etree._Element, notes: Notes) -> str:
    text = (_text(school, "schooljaar") or "").strip()
    match = _SCHOOL_YEAR.fullmatch(text)
    if match is None or int(match[2]) != int(match[1]) + 1:
        notes.add("roster.school-year", school)
    return text


def _school_ref(school: etree._Element) -> SchoolRef:
    return SchoolRef(
        brin=_stripped(school, "brincode"),
        dependance=normal_location(_text(school, "dependancecode")),
        school_key=_text(school, "schoolkey"),
        institution=_stripped(school, "instellingsnummer"),
    )


def _created(school: etree._Element, notes: Notes) -> tuple[str | None, int | None]:
    text = _stripped(school, "aanmaakdatum")
    if text is None:
        return None, None
    try:
        created_us, _ = values.instant(text)
    except ValueError:
        notes.add("roster.created", school)
        return None, None
    if created_us > clock.now_us() + DAY_US:
        notes.add("roster.created-future", school)
    return text, created_us


def _groups(content: etree._Element, notes: Notes) -> tuple[RosterGroup, ...]:
    return _each(content, "groepen", notes, {"groep": _base_group, "samengestelde_groep": _composed_group})


def _each(
    content: etree._Element,
    container: str,
    notes: Notes,
    read: dict[str, Callable[[etree._Element, Notes], T | None]],
) -> tuple[T, ...]:
    """The records that `read` makes of the children of a container directly below `content`."""
    records = []
    for parent in content:
        if local(parent) != container:
            continue
        _note_unknown(parent, container, notes)
        for node in parent:
            reader = read.get(local(node))
            if reader is not None:
                _note_unknown(node, local(node), notes)
                record = reader(node, notes)
                records += [record] if record is not None else []
    return tuple(records)


def _location(node: etree._Element, notes: Notes) -> tuple[str, str] | None:
    key = _key(node, notes)
    return None if key is None else (key, _text(node, "naam") or key)


def _base_group(node: etree._Element, notes: Notes) -> RosterGroup | None:
    key = _key(node, notes)
    if key is None:
        return None
    return RosterGroup(
        key=key,
        name=_text(node, "naam") or key,
        year_group=_stripped(node, "jaargroep"),
        description=_text(node, "omschrijving"),
    )


def _composed_group(node: etree._Element, notes: Notes) -> RosterGroup | None:
    key = _key(node, notes)
    if key is None:
        return None
    name = _text(node, "naam") or key
    return RosterGroup(key=key, name=name, composed=True, description=_text(node, "omschrijving"))


def _pupil(node: etree._Element, notes: Notes) -> RosterPupil | None:
    las_key, eck_id = _person_keys(node, notes)
    if las_key is None and eck_id is None:
        notes.add("roster.key-missing", node)
        return None
    composed = _child(node, "samengestelde_groepen")
    return RosterPupil(
        las_key=las_key,
        eck_id=eck_id,
        first_name=_text(node, "roepnaam") or _text(node, "voornamen"),
        prefix=_text(node, "voorvoegsel"),
        last_name=_text(node, "achternaam"),
        year_group=_stripped(node, "jaargroep"),
        group=_reference(_child(node, "groep")),
        composed_groups=() if composed is None else _references(composed, "samengestelde_groep"),
        location=_reference(_child(node, "vestiging")),
        entered_on=_day(node, "instroomdatum"),
        left_on=_day(node, "uitstroomdatum"),
    )


def _teacher(node: etree._Element, notes: Notes) -> RosterTeacher | None:
    las_key, eck_id = _person_keys(node, notes)
    if las_key is None and eck_id is None:
        notes.add("roster.key-missing", node)
        return None
    groups = _child(node, "groepen")
    return RosterTeacher(
        las_key=las_key,
        eck_id=eck_id,
        first_name=_text(node, "roepnaam") or _text(node, "voornamen"),
        prefix=_text(node, "voorvoegsel"),
        last_name=_text(node, "achternaam"),
        email=_text(node, "emailadres"),
        roles=_roles(node),
        groups=() if groups is None else _taught_groups(groups, "groep"),
        composed_groups=() if groups is None else _taught_groups(groups, "samengestelde_groep"),
    )


def _taught_groups(node: etree._Element, kind: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    references = [(_reference(child), _roles(child)) for child in node if local(child) == kind]
    return tuple((key, roles) for key, roles in references if key is not None)


def _roles(node: etree._Element) -> tuple[str, ...]:
    texts = [(child.text or "").strip() for child in node if local(child) in ("rol", "rolomschrijving")]
    return tuple(text for text in texts if text)


# -- small pieces ------------------------------------------------------------------------------------------------


def _note_unknown(node: etree._Element, kind: str, notes: Notes) -> None:
    for child in node:
        if local(child) not in _ALLOWED_CHILDREN[kind]:
            notes.add("roster.unknown-element", child)


def _child(node: etree._Element, name: str) -> etree._Element | None:
    return next((child for child in node if local(child) == name), None)


def _text(node: etree._Element, name: str) -> str | None:
    """The text of a child as sent; None where it is absent or blank (an empty voorvoegsel does occur)."""
    child = _child(node, name)
    text = None if child is None else child.text
    return text if text is not None and text.strip() else None


def _stripped(node: etree._Element, name: str) -> str | None:
    text = _text(node, name)
    return None if text is None else text.strip()


def _day(node: etree._Element, name: str) -> str | None:
    """A day, or None where it is absent or invalid (the schema reports that)."""
    text = _text(node, name)
    try:
        return None if text is None else values.day(text)[0]
    except ValueError:
        return None


def _key(node: etree._Element, notes: Notes) -> str | None:
    key = _reference(node)
    if key is None:
        notes.add("roster.key-missing", node)
    return key


def _reference(node: etree._Element | None) -> str | None:
    return None if node is None else node.get("key") or None


def _references(node: etree._Element, kind: str) -> tuple[str, ...]:
    keys = [_reference(child) for child in node if local(child) == kind]
    return tuple(key for key in keys if key is not None)


def _person_keys(node: etree._Element, notes: Notes) -> tuple[str | None, str | None]:
    eck_id = node.get("eckid") or None
    if eck_id is not None and not is_eck_id(eck_id):
        notes.add("pupil.bsn" if _PERSONAL_NUMBER.fullmatch(eck_id) else "pupil.eckid-form", node)
    return _reference(node), eck_id


# -- keys and references -----------------------------------------------------------------------------------------


def _check_keys(roster: Roster, notes: Notes, content: etree._Element | None) -> None:
    base = [group.key for group in roster.groups if not group.composed]
    composed = [group.key for group in roster.groups if group.composed]
    _note_repeats("roster.key-twice", "groep", base, notes, content)
    _note_repeats("roster.key-twice", "samengestelde_groep", composed, notes, content)
    for key in sorted(set(base) & set(composed)):
        notes.add_lazily("roster.group-key-shared", "groep", _finder(content, "groep", key))
    _note_repeats("roster.key-twice", "leerling", (pupil.las_key for pupil in roster.pupils), notes, content)
    eck_ids = (pupil.eck_id for pupil in roster.pupils)
    _note_repeats("roster.eckid-twice", "leerling", eck_ids, notes, content)
    teacher_keys = (teacher.las_key for teacher in roster.teachers)
    _note_repeats("roster.teacher-twice", "leerkracht", teacher_keys, notes, content)


def _note_repeats(
    rule: str, element: str, keys: Iterable[str | None], notes: Notes, content: etree._Element | None
) -> None:
    earlier: set[str] = set()
    for key in keys:
        if key in earlier:
            notes.add_lazily(rule, element, _finder(content, element, key, nth=1))
        elif key is not None:
            earlier.add(key)


def _check_references(roster: Roster, notes: Notes, content: etree._Element | None) -> None:
    base = {group.key for group in roster.groups if not group.composed}
    composed = {group.key for group in roster.groups if group.composed}
    locations = {key for key, _ in roster.locations}
    for pupil in roster.pupils:
        find = _finder(content, "leerling", pupil.las_key or pupil.eck_id)
        if pupil.group is not None and pupil.group not in base:
            notes.add_lazily("roster.group-undefined", "leerling", find)
        if not composed.issuperset(pupil.composed_groups):
            notes.add_lazily("roster.group-undefined", "leerling", find)
        if pupil.location is not None and pupil.location not in locations:
            notes.add_lazily("roster.location-undefined", "leerling", find)
    for teacher in roster.teachers:
        references = {key for key, _ in teacher.groups} - base | {key for key, _ in teacher.composed_groups} - composed
        if references:
            find = _finder(content, "leerkracht", teacher.las_key or teacher.eck_id)
            notes.add_lazily("roster.group-undefined", "leerkracht", find)


_CONTAINERS = {
    "groep": "groepen",
    "samengestelde_groep": "groepen",
    "leerling": "leerlingen",
    "leerkracht": "leerkrachten",
}


def _finder(
    content: etree._Element | None, element: str, key: str | None, nth: int = 0
) -> Callable[[], etree._Element | None]:
    """A function that finds the element (the nth, from 0) with a key or eckid; for merged parts it returns None."""

    def find() -> etree._Element | None:
        if content is None:
            return None
        nodes = (node for parent in content if local(parent) == _CONTAINERS[element] for node in parent)
        candidates = [node for node in nodes if local(node) == element and key in (node.get("key"), node.get("eckid"))]
        return candidates[nth] if nth < len(candidates) else None

    return find
