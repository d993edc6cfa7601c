"""All data about one pupil as a page to read and to print, without script and without anything from elsewhere."""

from __future__ import annotations

import json
from datetime import datetime
from html import escape

from dashboard.export.file_formats import PAGE_STYLE
from dashboard.text.signal_words import action_word, rule_title
from dashboard.text.translate import _, day_name, language, long_moment, native
from dashboard.text.words import parked_word, role_word, subject_word
from models.access.viewer import Role
from models.classroom.signal_resolutions import ResolutionAction
from models.classroom.signals import SignalRule
from models.ingest.pupil_file import PupilFile, Record
from models.results.subject_materials import subject_material_of_key
from models.results.subjects import SUBJECTS, UNMAPPED
from models.schema import clock

_DAYS = ("_on",)
_MOMENTS = ("_at", "from", "until")


def pupil_page(file: PupilFile) -> bytes:
    """The page of a file, in the language of the user."""
    known = file["pupil"][0] if file["pupil"] else {}
    name = " ".join(filter(None, (known.get(part) for part in ("first_name", "prefix", "last_name"))))
    title = _("All data about {name}", name=name or _("a pupil who is not in the pupil list"))
    sections = "".join(_section(heading, file[key]) for key, heading in _headings().items())
    return (
        f'<!DOCTYPE html>\n<html lang="{language()}"><head><meta charset="utf-8"><meta name="viewport" '
        f'content="width=device-width,initial-scale=1"><title>{escape(title)}</title><style>{PAGE_STYLE}</style></head>'
        f"<body><main><h1>{escape(title)}</h1>{sections}</main></body></html>\n"
    ).encode()


def _section(heading: str, records: list[Record]) -> str:
    """A section as a table of the columns that hold anything."""
    title = f"<h2>{escape(heading)}</h2>"
    columns = [
        column for column in (records[0] if records else {}) if any(item[column] is not None for item in records)
    ]
    if not columns:
        return f"{title}<p>{escape(_('Nothing is stored of this.'))}</p>"
    names = _columns()
    heads = "".join(f'<th scope="col">{escape(names[column])}</th>' for column in columns)
    rows = "".join(
        f"<tr>{''.join(f'<td>{escape(_words(column, item[column]))}</td>' for column in columns)}</tr>"
        for item in records
    )
    return (
        f'{title}<div class="box" tabindex="0" role="region" aria-label="{escape(heading)}"><table><thead><tr>{heads}'
        f"</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _words(column: str, value: object) -> str:
    """A value as people read it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, int | float):
        return native(f"{value:.10g}")
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    text = str(value)
    if column.endswith(_MOMENTS):
        return long_moment(clock.to_us(datetime.fromisoformat(text)))
    if column.endswith(_DAYS):
        return day_name(text)
    return _value_word(column, text)


def _value_word(column: str, text: str) -> str:
    """The word for a value of the columns that hold one of a few; any other text as it is."""
    if column == "rule":
        return rule_title(SignalRule(text))
    if column == "action":
        return action_word(ResolutionAction(text))
    if column == "about" and (about := subject_material_of_key(text)) is not None:
        return f"{subject_word(about.subject)}, {about.material}"
    if column == "parked_because":
        return parked_word(text)
    if column == "subject" and text in (*SUBJECTS, UNMAPPED):
        return subject_word(text)
    return _known_values().get((column, text), text)


def _known_values() -> dict[tuple[str, str], str]:
    return {
        ("role", "pupil"): role_word(Role.PUPIL),
        ("role", "parent"): role_word(Role.PARENT),
        ("kind", "las"): _("Number in the pupil administration"),
        ("kind", "eck"): _("ECK iD; it is stored encrypted and never shown"),
        ("kind", "pair"): _("Number and ECK iD together, as a message stated them"),
        ("kind", "note"): _("Note"),
        ("kind", "agreement"): _("Agreement"),
        ("kind", "score"): _("Score"),
        ("kind", "oso"): _("skill score"),
        ("kind", "progress"): _("Progress"),
        ("kind", "other"): _("Other"),
        ("matched_by", "roster"): _("The pupil list"),
        ("matched_by", "link"): _("An administrator"),
        ("no_score_because", "not_offered"): _("not offered"),
        ("no_score_because", "no_score"): _("no score"),
        ("status", "not_begun"): _("not begun"),
        ("status", "busy"): _("busy"),
        ("status", "done"): _("done"),
    }


def _headings() -> dict[str, str]:
    """The sections of a file in the order of the page."""
    return {
        "file": _("About this overview"),
        "pupil": _("Pupil"),
        "identifiers": _("Identifiers by which results are matched"),
        "links_by_hand": _("Links by an administrator"),
        "classes": _("Classes and groups"),
        "results": _("Results"),
        "earlier_values": _("Earlier values of results"),
        "goals": _("Goals"),
        "notes": _("Notes and agreements"),
        "signals": _("Signals that were settled"),
        "accounts": _("Accounts of the pupil and the parents"),
        "legal_holds": _("Legal holds"),
    }


def _columns() -> dict[str, str]:
    return {
        "school": _("School"),
        "made_at": _("Made"),
        "number": _("Number in Rondblik"),
        "first_name": _("First name"),
        "prefix": _("Prefix"),
        "last_name": _("Last name"),
        "entered_on": _("At school since"),
        "left_on": _("Left school"),
        "kind": _("What"),
        "value": _("Value"),
        "matched_by": _("Matched by"),
        "parked_because": _("Why it is without a pupil"),
        "linked_by": _("Linked by"),
        "linked_at": _("Linked"),
        "undone_by": _("Undone by"),
        "undone_at": _("Undone"),
        "school_year": _("School year"),
        "class": _("Class"),
        "group": _("Group in the pupil administration"),
        "year_group": _("Year group"),
        "location": _("Location"),
        "from": _("Since"),
        "until": _("Until"),
        "source": _("Source"),
        "subject": _("Subject"),
        "material": _("Material"),
        "test": _("Test"),
        "test_code": _("Code of the test"),
        "part": _("Part"),
        "taken_on": _("test date"),
        "score": _("Score"),
        "score_as_sent": _("Score as the source sent it"),
        "no_score_because": _("Why there is no score"),
        "status": _("Status"),
        "seconds_worked": _("Seconds worked"),
        "exercises_offered": _("Exercises offered"),
        "exercises_made": _("Exercises made"),
        "exercises_right": _("Exercises right"),
        "more": _("What else the source states"),
        "link": _("Page of the source"),
        "key": _("Key of the source"),
        "message_made_at": _("Message made"),
        "message_received_at": _("Message received"),
        "due_on": _("Due"),
        "set_by": _("Set by"),
        "set_at": _("Set"),
        "ended_at": _("Ended"),
        "text": _("Text"),
        "restricted": _("Restricted"),
        "for_pupil": _("For the pupil and the parents too"),
        "until_on": _("Until"),
        "author": _("Author"),
        "written_at": _("Written"),
        "settled_by": _("Settled by"),
        "settled_at": _("Settled"),
        "corrected": _("Corrected since"),
        "withdrawn_at": _("Withdrawn"),
        "rule": _("Signal"),
        "about": _("What it is about"),
        "evidence": _("Data behind it"),
        "action": _("How it was settled"),
        "placed_by": _("Placed by"),
        "placed_at": _("Placed"),
        "ended_by": _("Ended by"),
        "role": _("Role"),
        "name": _("Name"),
        "given_by": _("Given by"),
        "given_at": _("Given"),
        "last_signed_in_at": _("Last signed in"),
    }
