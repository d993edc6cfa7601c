"""Writes rosters as answers of a LAS; the inverse of `pupil_messages`.

Reading what was written gives an equal roster.
"""

from __future__ import annotations

from lxml import etree

from connectors.uwlr import names
from connectors.uwlr.envelope import in_envelope
from connectors.uwlr.pupil_messages import ANSWERS, CONTENTS, NO_CHANGES, Part
from models.schema import clock
from models.schema.records import Roster, RosterGroup, RosterPupil, RosterTeacher, SchoolRef

XSD_VERSION = "2.2"
ROLE_CODES = frozenset(
    "ADJ ADM CON DIR ICT IB KLA LRK LOS LOC OWA OUD RT SMW STA VAK".split()  # noqa: SIM905 - as the standard lists them
)
_ANSWER_OF = {part: name for name, part in ANSWERS.items()}
_CONTENT_OF = {part: name for name, part in CONTENTS.items()}


def write_answer(roster: Roster, part: Part = Part.ALL) -> bytes:
    """The answer with a whole roster, or with one part of it, in a SOAP envelope."""
    answer = etree.Element(f"{{{names.LG}}}{_ANSWER_OF[part]}", nsmap={"lg": names.LG})
    write_content(_add(answer, _CONTENT_OF[part]), roster, part)
    return in_envelope(answer)


def write_empty_answer(empty: str, part: Part = Part.ALL) -> bytes:
    """The answer that nothing changed (NO_CHANGES) or that there are no data (NO_DATA), in a SOAP envelope."""
    answer = etree.Element(f"{{{names.LG}}}{_ANSWER_OF[part]}", nsmap={"lg": names.LG})
    _add(answer, names.GEEN_WIJZIGINGEN if empty == NO_CHANGES else names.GEEN_GEGEVENS)
    return in_envelope(answer)


def write_content(node: etree._Element, roster: Roster, part: Part) -> None:
    """Write the elements of a roster, or of one part of it, into an answer or an EDEX element."""
    _write_school(_add(node, "school"), roster)
    if part in (Part.ALL, Part.STRUCTURE):
        for key, name in roster.locations:
            _add(_add_keyed(_list(node, "vestigingen"), "vestiging", key), "naam", name)
        for group in roster.groups:
            _write_group(_list(node, "groepen"), group)
    if part in (Part.ALL, Part.PUPILS):
        for pupil in roster.pupils:
            _write_pupil(_list(node, "leerlingen"), pupil)
    if part in (Part.ALL, Part.TEACHERS):
        for teacher in roster.teachers:
            _write_teacher(_list(node, "leerkrachten"), teacher)


def _write_school(node: etree._Element, roster: Roster) -> None:
    _add(node, "schooljaar", roster.school_year)
    write_school_ref(node, roster.school)
    if roster.created_us is not None:
        created = clock.from_us(roster.created_us).isoformat().replace("+00:00", "Z")
        _add(node, "aanmaakdatum", created)
    _add(node, "xsdversie", XSD_VERSION)


def write_school_ref(node: etree._Element, school: SchoolRef, *, exclusive: bool = False) -> None:
    """Write the reference to a school; with `exclusive` (in requests) either BRIN or key, never both."""
    if school.brin is not None:
        _add(node, "brincode", school.brin)
        _add(node, "dependancecode", school.dependance or "00")
        if exclusive:
            return
    elif school.institution is not None:
        _add(node, "instellingsnummer", school.institution)
    if school.school_key is not None:
        _add(node, "schoolkey", school.school_key)


def _write_group(parent: etree._Element, group: RosterGroup) -> None:
    node = _add_keyed(parent, "samengestelde_groep" if group.composed else "groep", group.key)
    _add(node, "naam", group.name)
    if not group.composed:
        _add_optional(node, "jaargroep", group.year_group)
    _add_optional(node, "omschrijving", group.description)


def _write_pupil(parent: etree._Element, pupil: RosterPupil) -> None:
    node = _add_person(parent, "leerling", pupil)
    _add_optional(node, "jaargroep", pupil.year_group)
    if pupil.group is not None:
        _add_keyed(node, "groep", pupil.group)
    for key in pupil.composed_groups:
        _add_keyed(_list(node, "samengestelde_groepen"), "samengestelde_groep", key)
    if pupil.location is not None:
        _add_keyed(node, "vestiging", pupil.location)
    _add_optional(node, "instroomdatum", pupil.entered_on)
    _add_optional(node, "uitstroomdatum", pupil.left_on)


def _write_teacher(parent: etree._Element, teacher: RosterTeacher) -> None:
    node = _add_person(parent, "leerkracht", teacher)
    _add_optional(node, "emailadres", teacher.email)
    _write_roles(node, teacher.roles)
    for kind, taught in (("groep", teacher.groups), ("samengestelde_groep", teacher.composed_groups)):
        for key, roles in taught:
            _write_roles(_add_keyed(_list(node, "groepen"), kind, key), roles)


def _write_roles(node: etree._Element, roles: tuple[str, ...]) -> None:
    for role in roles:
        _add(node, "rol" if role in ROLE_CODES else "rolomschrijving", role)


def _add_person(parent: etree._Element, name: str, person: RosterPupil | RosterTeacher) -> etree._Element:
    node = _add(parent, name)
    for attribute, value in (("key", person.las_key), ("eckid", person.eck_id)):
        if value is not None:
            node.set(attribute, value)
    _add_optional(node, "achternaam", person.last_name)
    _add_optional(node, "voorvoegsel", person.prefix)
    _add_optional(node, "roepnaam", person.first_name)
    return node


def _add(parent: etree._Element, name: str, text: str | None = None) -> etree._Element:
    """A new last child, in the namespace of its parent."""
    namespace = etree.QName(parent).namespace
    node: etree._Element = etree.SubElement(parent, f"{{{namespace}}}{name}" if namespace else name)
    node.text = text
    return node


def _add_optional(parent: etree._Element, name: str, text: str | None) -> None:
    if text is not None:
        _add(parent, name, text)


def _add_keyed(parent: etree._Element, name: str, key: str) -> etree._Element:
    node = _add(parent, name)
    node.set("key", key)
    return node


def _list(parent: etree._Element, name: str) -> etree._Element:
    """The last child if it has this name, else a new one: a list is only written when it has an entry."""
    if len(parent) and etree.QName(parent[-1]).localname == name:
        return parent[-1]
    return _add(parent, name)
