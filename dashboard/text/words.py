"""The words for what the models name by a key: subjects, states, levels, roles, reasons."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from dashboard.text.translate import _, n_, once_per_language
from models.access.viewer import Role
from models.classroom.attention import (
    AMPLE_OF_THREE,
    BELOW_OF_NEWEST,
    FEW_TOTALS,
    NEWEST,
    AttentionGroup,
    NormCounts,
)
from models.classroom.thresholds import Threshold, Thresholds
from models.results.catalogue import PartName
from models.results.growth import Growth
from models.results.scales import LEVELS, Comparability, Missing, NormPosition, is_reference_level
from models.results.subjects import SUBJECTS

_SECONDARY_YEARS = ("11", "12", "13", "14", "15", "16")
_SAYS_CLASS = re.compile(r"(stam)?(groep|klas|class|group)\b", re.IGNORECASE)

# A code in place of a name: no blanks, a digit, and never three letters in a row.
_ONLY_A_CODE = re.compile(r"(?=\S*\d)(?!\S*[^\W\d_]{3})\S+")

DAYS_A_YEAR = 365

# Sign (class sg-...) and twin character of each state; the word is always beside it.
MISSING_SIGNS = {
    Missing.NOT_OFFERED: "notset",
    Missing.NO_SCORE: "check",
    Missing.NOT_LINKED: "nolink",
    Missing.NOT_DELIVERED: "nodeliver",
    Missing.NOT_TAKEN: "notset",
    Missing.OTHER_YEAR: "notset",
    Missing.OTHER_SUBJECT: "lock",
    Missing.NO_RESULT: "notbegun",
    Missing.FUTURE: "clock",
    Missing.OUTSIDE: "info",
    Missing.NOT_SET: "notset",
    Missing.NOT_BEGUN: "notbegun",
    Missing.BUSY: "busy",
}
POSITION_SIGNS = {NormPosition.BELOW: "below", NormPosition.ON: "on", NormPosition.ABOVE: "above"}
ATTENTION_GROUP_SIGNS = {
    AttentionGroup.ATTENTION: "flag",
    AttentionGroup.BELOW: "below",
    AttentionGroup.ON_NORM: "on",
    AttentionGroup.FAR_ABOVE: "above",
    AttentionGroup.FEW: "few",
}
GROWTH_SIGNS = {Growth.RISES: "up", Growth.FALLS: "down", Growth.SAME: "flat"}
TINTS = {NormPosition.BELOW: "be", NormPosition.ABOVE: "ab"}


def term_word(days: int) -> str:
    """How long something is stored."""
    if days == 0:
        return _("not stored")
    if days % DAYS_A_YEAR == 0:
        return n_("{number} year", "{number} years", days // DAYS_A_YEAR)
    return n_("{number} day", "{number} days", days)


def class_word(name: str) -> str:
    """What a class is called at the start of a line: Groep 6a; a name that already says so is not said twice."""
    return name if _SAYS_CLASS.match(name) else _("Class {name}", name=name)


def class_in_sentence(name: str) -> str:
    """What a class is called within a sentence: groep 6a."""
    return name if _SAYS_CLASS.match(name) else _("class {name}", name=name)


def classes_word(names: Sequence[str]) -> str:
    """What one or more classes are called at the start of a line: Groepen 6a, 6b."""
    if any(_SAYS_CLASS.match(name) for name in names):
        return ", ".join(class_word(name) for name in names)
    return n_("Class {names}", "Classes {names}", len(names), names=", ".join(names))


@once_per_language
def missing_word(reason: Missing) -> str:
    """The word for a cell without a number."""
    return {
        Missing.NOT_OFFERED: _("not offered"),
        Missing.NO_SCORE: _("finished without score"),
        Missing.NOT_LINKED: _("not connected"),
        Missing.NOT_DELIVERED: _("source does not deliver this"),
        Missing.NOT_TAKEN: _("nothing of this subject"),
        Missing.OTHER_YEAR: _("not for this year group"),
        Missing.OTHER_SUBJECT: _("not your subject"),
        Missing.NO_RESULT: _("no result yet"),
        Missing.FUTURE: _("date in the future"),
        Missing.OUTSIDE: _("not in this period"),
        Missing.NOT_SET: _("not assigned yet"),
        Missing.NOT_BEGUN: _("not begun"),
        Missing.BUSY: _("in progress"),
    }[reason]


def future_words(number: int) -> str:
    """How many results beside a score have a date in the future."""
    return n_("{number} result with a date in the future", "{number} results with a date in the future", number)


@once_per_language
def growth_word(growth: Growth) -> str:
    """The word for how the scores of a pupil go in one material."""
    return {
        Growth.RISES: _("rises"),
        Growth.FALLS: _("falls"),
        Growth.SAME: _("stays the same"),
        Growth.VARIES: _("varies"),
        Growth.TOO_FEW: _("no trend yet"),
        Growth.OTHER_SCALE: _("not comparable: scored differently"),
    }[growth]


@once_per_language
def attention_group_word(attention_group: AttentionGroup) -> str:
    """The name of one of the attention groups."""
    return {
        AttentionGroup.ATTENTION: _("Asks for attention"),
        AttentionGroup.BELOW: _("Below the norm"),
        AttentionGroup.ON_NORM: _("On or above the norm"),
        AttentionGroup.FAR_ABOVE: _("Far above the norm"),
        AttentionGroup.FEW: _("Too few data"),
    }[attention_group]


def attention_group_rule(attention_group: AttentionGroup, limits: Thresholds) -> str:
    """Why somebody is in a group, in a few words."""
    return {
        AttentionGroup.ATTENTION: _("a signal is open"),
        AttentionGroup.BELOW: _(
            "at least {number} of the last {newest} scores below the norm, or half of all, or again and again in "
            "one material",
            number=limits[BELOW_OF_NEWEST],
            newest=NEWEST,
        ),
        AttentionGroup.ON_NORM: _(
            "at least {number} of the last {newest} scores on or above the norm",
            number=NEWEST + 1 - limits[BELOW_OF_NEWEST],
            newest=NEWEST,
        ),
        AttentionGroup.FAR_ABOVE: _("highest level in {number} of every 3 scores", number=limits[AMPLE_OF_THREE]),
        AttentionGroup.FEW: _("fewer than {number} scores with a norm", number=limits[FEW_TOTALS]),
    }[attention_group]


def norm_counts_word(counts: NormCounts, with_highest: bool = True) -> str:
    """How many of the scores with a norm are below it, and how many are on the highest level if any is."""
    if counts.with_norm == 0:
        return _("no scores with a norm")
    words = _("{below} of {number} below the norm", below=counts.below, number=counts.with_norm)
    if counts.highest and with_highest:
        words += " · " + n_("{number} on the highest level", "{number} on the highest level", counts.highest)
    return words


def attention_threshold_words() -> dict[Threshold, str]:
    """What each threshold of the attention groups counts."""
    return {
        FEW_TOTALS: _("Scores with a norm that are needed to say how a pupil is doing"),
        BELOW_OF_NEWEST: _("Group below the norm: so many of the last {newest} scores", newest=NEWEST),
        AMPLE_OF_THREE: _("Group far above the norm: highest level in so many of every 3 scores"),
    }


def holiday_word(kind: str) -> str:
    """The name of a holiday, of `models.classroom.holidays.KINDS`."""
    return {
        "autumn": _("autumn holiday"),
        "christmas": _("Christmas holiday"),
        "spring": _("spring holiday"),
        "may": _("May holiday"),
        "summer": _("summer holiday"),
    }[kind]


@once_per_language
def comparability_word(comparability: Comparability) -> str:
    """With what the numbers of a material may be compared."""
    return {
        Comparability.SAME_NORM: _("same norm"),
        Comparability.CONVERTED: _("converted by the source"),
        Comparability.OWN_SCALE: _("scored in its own way"),
    }[comparability]


@once_per_language
def subject_word(subject: str) -> str:
    """The name of a subject of the short list; of what is not assigned: Vak nog niet toegewezen."""
    return {
        "unmapped": _("Subject not assigned yet"),
        "arithmetic": _("Arithmetic"),
        "mathematics": _("Mathematics"),
        "spelling": _("Spelling"),
        "reading": _("Reading comprehension"),
        "technical_reading": _("Reading fluency"),
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
        "arts": _("Visual arts"),
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


def subjects_word(subjects: Collection[str]) -> str:
    """The names of subjects, in the order of the screens."""
    return ", ".join(subject_word(subject) for subject in SUBJECTS if subject in subjects)


def short_test(name: str) -> str:
    """The name of a test that people read: what stands before the first bar; the whole name goes in its title."""
    return name.partition("|")[0].strip() or name


def part_word(name: str, test: str | None = None, number: int | None = None) -> str:
    """The name of a part that people read; of what is only a code: Onderdeel 3, by its `number` in the test if given.

    With its test, if given. Cut like the name of a test; the whole name goes in a title.
    """
    short = short_test(name)
    if not _ONLY_A_CODE.fullmatch(short):
        return short
    part = _("Part {code}", code=short if number is None else number)
    return part if test is None else f"{part} ({short_test(test)})"


def part_name_word(part: PartName, test: str | None = None) -> str:
    """The name of a part that people read; of a code in the definition of the test the number of the part."""
    return part_word(part.name, test, part.number if part.defined else None)


def pattern_words(pattern: str) -> str:
    """What a pattern on the codes of tests stands for; a term, or a whole code, as it is."""
    if "*" not in pattern:
        return short_test(pattern)
    fixed = [item for item in re.split(r"[*|]+", pattern) if item]
    if not fixed:
        return _("All tests")
    return _("Tests with {parts} in their code", parts=", ".join(fixed))


@once_per_language
def role_word(role: Role) -> str:
    """What somebody is to the school."""
    return {
        Role.TEACHER: _("teacher"),
        Role.MENTOR: _("mentor"),
        Role.SUPPORT: _("learning support"),
        Role.ADMINISTRATOR: _("administrator"),
        Role.STAND_IN: _("stand-in"),
        Role.LEADER: _("school leader"),
        Role.BOARD: _("board"),
        Role.PUPIL: _("pupil"),
        Role.PARENT: _("parent"),
        Role.VENDOR: _("vendor"),
    }[role]


def no_classes_word() -> str:
    """Why somebody who works with pupils sees no class."""
    return _(
        "The pupil list has not come in yet, you are not linked to a class in it, or your time as a stand-in is over."
    )


def year_word(year: str | None) -> str:
    """A year group by its code: 1 to 8 of primary school, 11 to 16 the years of secondary school; others as sent."""
    if year is None:
        return _("Year not stated")
    if year in _SECONDARY_YEARS:
        return _("Secondary school year {number}", number=int(year) - 10)
    return _("Year group {name}", name=year)


def years_word(years: Collection[str | None]) -> str:
    """Year groups in their order: Leerjaar 5, Leerjaar 6."""
    return ", ".join(map(year_word, sorted(years, key=year_order)))


def year_order(year: str | None) -> tuple[bool, int, str]:
    """The sort key of a year group: numbers by size, unknown last."""
    return year is None, len(year or ""), year or ""


def year_in_sentence(year: str) -> str:
    """What a year group is called within a sentence: leerjaar 4."""
    if year in _SECONDARY_YEARS:
        return _("secondary school year {number}", number=int(year) - 10)
    return _("year group {name}", name=year)


def band_word(band: str) -> str:
    """A band as the source calls it; the five levels of an OSO test read niveau I to V.

    A reference level is never something achieved, and a percentile is written as a word.
    """
    code, _space, value = band.partition(" ")
    if is_reference_level(value):
        return reference_word(value)
    if code == "Percentiel" and value:
        return _("percentile {number}", number=value)
    return _("level {band}", band=band) if band in LEVELS["IV"] else band


def reference_word(value: str) -> str:
    """A reference level, never as something achieved."""
    return _("on the way to {level} (indication)", level=value)


@once_per_language
def parked_word(reason: str) -> str:
    """Why results have no pupil."""
    return {
        "unknown": _("Not in the pupil list."),
        "conflict": _("The pupil number and the ECK iD belong to different pupils."),
        "other_eckid": _("The pupil with this number has another ECK iD in the pupil list."),
    }.get(reason, reason)
