"""What travels between the folders: frozen records, in English, with the glossary in docs/glossary.md.

A score is fixed point: ten-thousandths in an int (`SCALE`), beside the text as the source sent it.
A zero is a score; a missing score is `None` with an `Absence` as reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Final, NamedTuple

SCALE = 10_000


class Text(NamedTuple):
    """A sentence in Dutch and in English."""

    nl: str
    en: str


class Kind(IntEnum):
    """What a result holds; a later message may change it, but a progress record stands beside a score of its key."""

    SCORE = 1
    OSO = 2
    PROGRESS = 3
    OTHER = 4


class Absence(IntEnum):
    """Why a result has no number."""

    NOT_OFFERED = 1
    NO_SCORE = 2


class Status(IntEnum):
    """How far a pupil is with a test or part, as a source that sends progress says it."""

    NOT_BEGUN = 1
    BUSY = 2
    DONE = 3


class Verdict(StrEnum):
    """What became of a message."""

    ACCEPT = "accept"
    WARN = "warn"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Term:
    """A text that may be bound to a vocabulary (UWLR ctpVocabulaireGebondenVeld)."""

    text: str
    vocabulary: str | None = None
    location: str | None = None


@dataclass(frozen=True, slots=True)
class Colour:
    """The colour a source gives a band: red, green, blue 0-255 and opacity 0.00-1.00 as sent."""

    red: int
    green: int
    blue: int
    opacity: str


@dataclass(frozen=True, slots=True)
class Band:
    """One band of a norm; bounds are texts as sent and belong to the band.

    `low` is None where a sender gives a maximum only; then `high` is a number of points, not a band.
    """

    term: str | None
    low: str | None
    high: str
    description: str | None = None
    colour: Colour | None = None
    grade_from: str | None = None
    grade_to: str | None = None


@dataclass(frozen=True, slots=True)
class Norm:
    """How a source values a score (UWLR ctpNormering)."""

    bands: tuple[Band, ...]
    category: Term | None = None
    level: Term | None = None
    weight: str | None = None
    vocabulary: str | None = None
    location: str | None = None


@dataclass(frozen=True, slots=True)
class Level:
    """One entry of a test's hierarchy; depth 0 is the material."""

    depth: int
    term: Term


@dataclass(frozen=True, slots=True)
class Part:
    """A part (question, goal) of a test."""

    number: int
    code: Term
    name: str | None = None
    norm: Norm | None = None


@dataclass(frozen=True, slots=True)
class TestDefinition:
    """A test as its source defines it in a message."""

    __test__ = False  # not a test class, whatever pytest thinks of the name

    code: Term
    version: Term | None = None
    name: str | None = None
    year: Term | None = None
    subject: Term | None = None
    norm: Norm | None = None
    hierarchy: tuple[Level, ...] = ()
    parts: tuple[Part, ...] | None = None


@dataclass(frozen=True, slots=True)
class PupilRef:
    """How a message names a pupil; at least one of the two is there."""

    las_key: str | None
    eck_id: str | None
    processor: str | None = None


@dataclass(frozen=True, slots=True)
class TestRef:
    """How a result names its test: code, and the version that the result itself states."""

    __test__ = False

    code: str
    version: Term | None = None


class ReferenceScore(NamedTuple):
    """An OSO reference score: list 11 code, list 22 comparison group, value, qualification."""

    code: str
    group: str
    value: str
    qualification: str | None = None


class OsoResult(NamedTuple):
    """An OSO result (Overstapservice Onderwijs 1.2): test score and reference scores, texts as sent.

    `has_score` tells an empty toetsscore element from an absent one.
    """

    exercises: str | None = None
    correct: str | None = None
    wrong: str | None = None
    read: str | None = None
    seconds: str | None = None
    skill: str | None = None
    skill_scale: str | None = None
    interval_low: str | None = None
    interval_high: str | None = None
    references: tuple[ReferenceScore, ...] = ()
    has_score: bool = True


class Progress(NamedTuple):
    """A progress record: totals up to and including its date for one pupil, test and part in the school year.

    Times in milliseconds; counts are numbers of exercises. `duration` is the text as sent. A field with the name of a
    column of results is stored there.
    """

    status: Status
    worked_ms: int | None = None
    offered: int | None = None
    made: int | None = None
    correct: int | None = None
    duration: str | None = None
    other: str | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """One result of one pupil as a message states it.

    `taken_on` is `YYYY-MM-DD`; `taken_text` holds the date as sent where that differs (a zone behind it).
    """

    key: str
    pupil: PupilRef
    test: TestRef
    part_code: str | None
    kind: Kind
    taken_on: str
    score_text: str | None = None
    score: int | None = None
    absence: Absence | None = None
    detail: OsoResult | Progress | None = None
    info_url: str | None = None
    taken_text: str | None = None


# The way of one result is short and fast: between reader and store results travel as plain tuples
# (marshal can spool them, and they cost no object a field), in chunks. Who takes one field of a row uses the numbers
# below; all others unpack the whole row. The order of the fields:
#   0 key                     text
#   1 pupil                   index into ResultBatch.pupils
#   2 test                    index into ResultBatch.tests
#   3 part_code               text or None (None = the test as a whole)
#   4 kind                    int of Kind
#   5 taken_on                YYYY-MM-DD
#   6 score_text              text as sent or None
#   7 score                   ten-thousandths or None
#   8 absence                 int of Absence or None
#   9 detail                  None, or an OsoResult or Progress as a plain tuple
#  10 info_url                text or None
#  11 taken_text              text or None
MessageRow = tuple[
    str,
    int,
    int,
    str | None,
    int,
    str,
    str | None,
    int | None,
    int | None,
    "tuple[object, ...] | None",
    str | None,
    str | None,
]
KEY: Final = 0
PUPIL: Final = 1
PART: Final = 3


@dataclass(frozen=True, slots=True)
class SchoolRef:
    """How a message names a school: BRIN with dependance (normalised: "" for 0, 00 and absent), or a key."""

    brin: str | None = None
    dependance: str = ""
    school_key: str | None = None
    institution: str | None = None


@dataclass(frozen=True, slots=True)
class MessageHead:
    """The school element of a result message, texts as sent; `created_us` is its instant in UTC microseconds."""

    school_year: str
    school: SchoolRef
    created_text: str
    created_us: int
    author: str | None = None
    xsd_version: str | None = None
    comment: str | None = None
    dependance_text: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a message does against a rule: what, where, how to mend it. Never a value of a pupil.

    `level` is "error", "warning" or "info"; `line` and `column` start at 1 and are None where unknown.
    """

    rule: str
    level: str
    clause: str
    message_nl: str
    message_en: str
    remedy: str
    remedy_en: str
    path: str | None = None
    line: int | None = None
    column: int | None = None
    fault: str | None = None


@dataclass(slots=True)
class ResultBatch:
    """A result message that has been read and judged, ready for the store.

    `chunks()` yields lists of `MessageRow`, from a private spool: memory does not grow with the message.
    """

    head: MessageHead
    pupils: list[PupilRef]
    tests: list[TestRef]
    definitions: list[TestDefinition]
    rows: Iterable[list[MessageRow]]
    count: int
    digest: bytes
    size: int
    findings: list[Finding] = field(default_factory=list)

    def chunks(self) -> Iterator[list[MessageRow]]:
        """The rows, in order of the message."""
        return iter(self.rows)


@dataclass(frozen=True, slots=True)
class RosterGroup:
    """A base group or, with `composed`, a samengestelde groep."""

    key: str
    name: str
    composed: bool = False
    year_group: str | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True)
class RosterPupil:
    """A pupil of a roster: only what a view uses (see docs/privacy.md)."""

    las_key: str | None
    eck_id: str | None
    first_name: str | None = None
    prefix: str | None = None
    last_name: str | None = None
    year_group: str | None = None
    group: str | None = None
    composed_groups: tuple[str, ...] = ()
    location: str | None = None
    entered_on: str | None = None
    left_on: str | None = None


@dataclass(frozen=True, slots=True)
class RosterTeacher:
    """A teacher of a roster, with the base and composed groups that the roster links and the roles in each."""

    las_key: str | None
    eck_id: str | None
    first_name: str | None = None
    prefix: str | None = None
    last_name: str | None = None
    email: str | None = None
    roles: tuple[str, ...] = ()
    groups: tuple[tuple[str, tuple[str, ...]], ...] = ()
    composed_groups: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class Roster:
    """All pupils, groups and teachers of one school and location in one school year (never a delta)."""

    school_year: str
    school: SchoolRef
    school_name: str | None
    created_us: int | None
    groups: tuple[RosterGroup, ...]
    pupils: tuple[RosterPupil, ...]
    teachers: tuple[RosterTeacher, ...]
    locations: tuple[tuple[str, str], ...] = ()
    digest: bytes = b""
    size: int = 0
    findings: tuple[Finding, ...] = ()
