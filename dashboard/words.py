"""The words for what the models name by a key: subjects, states, levels, roles, reasons."""

from __future__ import annotations

from dashboard.texts import _
from models.scales import Missing, Place

# Sign (class sg-...) and twin character of each state; the word is always beside it.
MISSING_SIGNS = {
    Missing.NOT_OFFERED: "notset",
    Missing.NO_SCORE: "few",
    Missing.NOT_LINKED: "nolink",
    Missing.NOT_DELIVERED: "nodeliver",
    Missing.NO_RESULT: "notbegun",
    Missing.NOT_SET: "notset",
    Missing.NOT_BEGUN: "notbegun",
    Missing.BUSY: "busy",
}
PLACE_SIGNS = {Place.BELOW: "below", Place.ON: "on", Place.ABOVE: "above"}
PLACE_TWINS = {Place.BELOW: "▼", Place.ON: "=", Place.ABOVE: "▲"}
TINTS = {Place.BELOW: "be", Place.ABOVE: "ab"}


def missing_word(reason: Missing) -> str:
    """The word for a cell without a number."""
    return {
        Missing.NOT_OFFERED: _("not offered"),
        Missing.NO_SCORE: _("finished without score"),
        Missing.NOT_LINKED: _("not coupled"),
        Missing.NOT_DELIVERED: _("source does not deliver this"),
        Missing.NO_RESULT: _("no result yet"),
        Missing.NOT_SET: _("not assigned yet"),
        Missing.NOT_BEGUN: _("not begun"),
        Missing.BUSY: _("in progress"),
    }[reason]


def subject_word(subject: str) -> str:
    """The name of a subject of the short list; of what is not assigned: Vak nog niet gekoppeld."""
    return {
        "unmapped": _("Subject not assigned yet"),
        "arithmetic": _("Arithmetic"),
        "spelling": _("Spelling"),
        "reading": _("Reading comprehension"),
        "technical_reading": _("Technical reading"),
        "language": _("Language"),
        "early_literacy": _("Early reading and writing"),
        "writing": _("Writing"),
        "english": _("English"),
        "frisian": _("Frisian"),
        "world": _("World orientation"),
        "geography": _("Geography"),
        "history": _("History"),
        "science": _("Nature and technology"),
        "traffic": _("Traffic"),
        "arts": _("Arts"),
        "music": _("Music"),
        "physical_education": _("Physical education"),
        "religion": _("Religion and world views"),
        "kindergarten": _("Kindergarten"),
        "biology": _("Biology"),
        "chemistry": _("Chemistry"),
        "physics": _("Physics"),
        "german": _("German"),
        "french": _("French"),
        "economics": _("Economics"),
    }.get(subject, subject)


def short_test(name: str) -> str:
    """The name of a test for a narrow place: what stands before the first bar; the whole name goes in its title."""
    return name.partition("|")[0].strip() or name


def role_word(role: str) -> str:
    """What somebody is to the school."""
    return {
        "teacher": _("teacher"),
        "mentor": _("mentor"),
        "support": _("learning support"),
        "administrator": _("administrator"),
        "vendor": _("vendor"),
    }[role]


def band_word(band: str) -> str:
    """A band as the source calls it; the five levels of an OSO test read niveau I to V."""
    return _("level {band}", band=band) if band in ("I", "II", "III", "IV", "V") else band


def reference_word(value: str) -> str:
    """A reference level, never as something achieved."""
    return _("on the way to {level} (indication)", level=value)


def parked_word(reason: str) -> str:
    """Why results have no pupil."""
    return {
        "unknown": _("Not in the pupil list."),
        "conflict": _("The pupil number and the ECK iD belong to different pupils."),
        "other_eckid": _("The pupil with this number has another ECK iD in the pupil list."),
    }.get(reason, reason)
