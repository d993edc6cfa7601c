"""The subjects that screens show, and how the terms of sources map to them.

The subject of a test is decided on every read: the school's own mapping first, then the 23 terms of
the Vakgebieden vocabulary (UWLR, June 2018) and their usual short forms. Other terms stay unmapped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

UNMAPPED = "unmapped"

# In the order of the screens. The words for people stand in the texts of the dashboard.
SUBJECTS = (
    "arithmetic",
    "mathematics",
    "spelling",
    "reading",
    "technical_reading",
    "language",
    "early_literacy",
    "writing",
    "english",
    "frisian",
    "world",
    "geography",
    "history",
    "science",
    "traffic",
    "arts",
    "music",
    "physical_education",
    "religion",
    "kindergarten",
    "biology",
    "chemistry",
    "physics",
    "german",
    "french",
    "economics",
)

_DEFAULTS: Mapping[str, str] = {
    "voorschoolse educatie": "kindergarten",
    "kleuteronderwijs": "kindergarten",
    "groep 3 lezen, taal en spelling": "early_literacy",
    "spelling": "spelling",
    "sp": "spelling",
    "begrijpend/studerend lezen": "reading",
    "begrijpend lezen": "reading",
    "bl": "reading",
    "studerend lezen": "reading",
    "voortgezet technisch lezen": "technical_reading",
    "technisch lezen": "technical_reading",
    "tl": "technical_reading",
    "voortgezet lezen": "technical_reading",
    "voortgezet taal": "language",
    "taal": "language",
    "nederlands": "language",
    "ne": "language",
    "mondeling taalonderwijs": "language",
    "schrijven": "writing",
    "engels": "english",
    "en": "english",
    "fries": "frisian",
    "rekenen en wiskunde": "arithmetic",
    "rekenen": "arithmetic",
    "rekenen/wiskunde": "arithmetic",
    "rekenen-wiskunde": "arithmetic",
    "wiskunde": "mathematics",
    "rw": "arithmetic",
    "wi": "mathematics",
    "wereldoriëntatie": "world",
    "wo": "world",
    "aardrijkskunde": "geography",
    "ak": "geography",
    "geschiedenis": "history",
    "gs": "history",
    "natuur- en techniekonderwijs": "science",
    "natuur en techniek": "science",
    "verkeer": "traffic",
    "beeldende vorming": "arts",
    "muzische vorming of muziek": "music",
    "muziek": "music",
    "drama": "arts",
    "bewegen": "physical_education",
    "gym": "physical_education",
    "godsdienst / levensbeschouwing": "religion",
    "godsdienst": "religion",
    "biologie": "biology",
    "bi": "biology",
    "scheikunde": "chemistry",
    "sk": "chemistry",
    "natuurkunde": "physics",
    "na": "physics",
    "duits": "german",
    "du": "german",
    "frans": "french",
    "fa": "french",
    "economie": "economics",
    "ec": "economics",
}


@dataclass(frozen=True, slots=True)
class SubjectMapping:
    """One line of the mapping of a school: a term or code of a source, and its subject."""

    source_id: int
    field: str
    pattern: str
    subject: str


def subject_of(source_id: int, term: str | None, code: str, own: tuple[SubjectMapping, ...]) -> str:
    """The subject of a test, or `UNMAPPED`: the school's lines first, codes before terms, then the defaults."""
    for line in own:
        if line.source_id == source_id and line.field == "code" and fnmatchcase(code, line.pattern):
            return line.subject
    for line in own:
        if line.source_id == source_id and line.field == "term" and term is not None and line.pattern == term:
            return line.subject
    return named_subject(term) if term is not None else UNMAPPED


def named_subject(term: str) -> str:
    """The subject that a term of the vocabulary, or a usual short form, stands for; `UNMAPPED` of any other."""
    return _DEFAULTS.get(term.strip().casefold(), UNMAPPED)
