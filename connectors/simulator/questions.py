"""Toetsplein, the question-level sender: class tests with a result a question, in XML of its own making.

It writes what such senders write: no xsdversie, the children of autorisatie in no namespace, decimals, X for a
question that was not offered (with a key that is new at every export), a 6 for what is not marked yet, norms that
are a maximum only, a toetscode of several things with bars between, and its own pupil numbers.
"""

from __future__ import annotations

import random
import string
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from xml.sax.saxutils import escape

from connectors.simulator import calendar, school
from connectors.simulator.publishers import is_over, sent_from, years_to_send
from connectors.simulator.school import BAKEN, HORIZON, Pupil, dice
from models.schema.records import SchoolRef

_TOPICS = {
    "NE": ("Argumenteren", "Leesvaardigheid", "Spelling en formuleren", "Betoog"),
    "EN": ("Reading comprehension", "Vocabulary 1-3", "Grammar tenses", "Listening"),
    "NA": ("Kracht en beweging", "Elektriciteit", "Energie", "Golven"),
    "SK": ("Zuren en basen", "Reacties", "Rekenen aan reacties", "Zouten"),
    "EC": ("Schaarste en ruil", "Markt en overheid", "Inflatie", "Arbeidsmarkt"),
    "WI": ("Functies", "Kansrekening", "Meetkunde", "Vergelijkingen"),
    "AK": ("Topografie Nederland", "Weer en klimaat", "Topografie Europa", "Water"),
}
_EVERYBODY = ("NE", "EN")
_PRIMARY_CLASSES = ("5a", "8")
_PRIMARY_CLASSES_LAST_YEAR = ("4", "5a")
_LEVELS = ("R", "T1", "T2", "I")
_NOT_MARKED = "6"


@dataclass(frozen=True, slots=True)
class Export:
    """One file of the sender; of a test that is exported again a week later, the second one."""

    name: str
    available: datetime
    body: bytes


@dataclass(frozen=True, slots=True)
class _ClassTest:
    owner: SchoolRef
    school_year: str
    subject: str
    class_name: str
    number: int
    name: str
    day: date
    maxima: tuple[int, ...]
    pupils: tuple[Pupil, ...]

    @property
    def id(self) -> int:
        return dice("test id", self.school_year, self.subject, self.class_name, self.number).randrange(10_000, 99_999)

    @property
    def code(self) -> str:
        return f"{self.name}|{self.subject}|{self.class_name.upper()}|{self.id}"


def exports(owner: SchoolRef, now: datetime) -> list[Export]:
    """The files of one school that are there at an instant, in the order in which they came."""
    exports = [
        export
        for school_year in years_to_send(now)
        for test in _tests(owner, school_year, is_over(school_year, now))
        for export in _exports(test)
        if sent_from(school_year, now) < export.available <= now
    ]
    return sorted(exports, key=lambda export: (export.available, export.name))


def _tests(owner: SchoolRef, school_year: str, over: bool) -> Iterator[_ClassTest]:
    """The class tests of a year; of a year that is over, those of the pupils who are still here."""
    weeks = calendar.school_weeks(school_year)
    for subject, class_name, first, questions, pupils in _plan(owner, school_year, over):
        for number in range(4):
            chance = dice("class test", subject, class_name, number)
            days = weeks[first + 9 * number]
            count = 28 if (subject, number) == ("NE", 0) else questions + chance.randrange(-2, 4)
            day = days[chance.randrange(len(days))]
            yield _ClassTest(
                owner,
                school_year,
                subject,
                class_name,
                number,
                f"H{number + 1} {_TOPICS[subject][number]}",
                day,
                tuple(chance.choice((1, 2, 2, 3, 4)) for _ in range(count)),
                tuple(pupil for pupil in pupils if over or pupil.entered <= day),
            )


def _plan(owner: SchoolRef, school_year: str, over: bool) -> Iterator[tuple[str, str, int, int, list[Pupil]]]:
    """Subject, class, week of the first test, about how many questions, who makes it."""
    next_year = calendar.label(calendar.first_year(school_year) + 1)
    if owner == HORIZON:
        here = {pupil.key for pupil in school.pupils(HORIZON, next_year)}
        for class_name in _PRIMARY_CLASSES_LAST_YEAR if over else _PRIMARY_CLASSES:
            pupils = school.classes(HORIZON, school_year)[class_name]
            working = [pupil for pupil in pupils if (class_name, pupil.place) != ("5a", school.IDLE)]
            yield "AK", class_name, 4, 8, [pupil for pupil in working if not over or pupil.key in here]
        return
    form = school.classes(BAKEN, next_year if over else school_year)["4h1"]
    for n, subject in enumerate(_TOPICS):
        takers = [pupil for pupil in form if subject in _EVERYBODY or subject in school.subjects_of(pupil)]
        if takers:
            yield subject, "3h1" if over else "4h1", 2 + n, 14, takers


def _exports(test: _ClassTest) -> Iterator[Export]:
    """In the evening, when two pupils are not marked, and again a week later when they are."""
    for again, days in enumerate((0, 7)):
        available = calendar.moment(test.day, 21, 30) + timedelta(days=days)
        name = f"export_{available:%Y%m%d}_{test.id}.xml"
        yield Export(name, available, _document(test, available, bool(again)).encode())


# -- what is in a file -----------------------------------------------------------------------------------------

_DOCUMENT = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<SOAP-ENV:Envelope xmlns:SOAP-ENV="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns:aut="http://www.edustandaard.nl/leerresultaten/2/autorisatie">'
    "<SOAP-ENV:Header><aut:autorisatie><autorisatiesleutel>{key}</autorisatiesleutel>"
    "<klantcode>TP</klantcode><klantnaam>Toetsplein</klantnaam></aut:autorisatie></SOAP-ENV:Header>"
    '<SOAP-ENV:Body><leerresultaten_verzoek xmlns="http://www.edustandaard.nl/leerresultaten/2/leerresultaten">'
    "<school><schooljaar>{school_year}</schooljaar><brincode>{brin}</brincode><dependancecode>{location}"
    "</dependancecode><aanmaakdatum>{created}</aanmaakdatum></school>"
    "<toetsafnames>{administrations}</toetsafnames>"
    "<toetsen><toets><toetscode>{code}</toetscode><toetsonderdelen>{parts}</toetsonderdelen></toets></toetsen>"
    "</leerresultaten_verzoek></SOAP-ENV:Body></SOAP-ENV:Envelope>"
)
_ADMINISTRATION = (
    "<toetsafname><leerlingid>{pupil}</leerlingid><resultaatverwerkerid>{teacher}</resultaatverwerkerid>"
    "<resultaten>{results}</resultaten></toetsafname>"
)
_RESULT = (
    '<resultaat key="{key}"><afnamedatum>{day}</afnamedatum><toetscode>{code}</toetscode>'
    "<toetsonderdeelcode>{part}</toetsonderdeelcode><score>{score}</score></resultaat>"
)
_PART = (
    "<toetsonderdeel><toetsonderdeelvolgnummer>{number}</toetsonderdeelvolgnummer>"
    "<toetsonderdeelcode>{part}</toetsonderdeelcode><toetsonderdeelnormering><toetsniveau>{level}</toetsniveau>"
    "<norm><eindnormwaarde>{maximum}</eindnormwaarde></norm></toetsonderdeelnormering></toetsonderdeel>"
)


def _document(test: _ClassTest, available: datetime, again: bool) -> str:
    code = escape(test.code)
    if test.subject == "NA" and test.number == 0 and not again:
        code = code.replace(" en ", " & ")  # this sender does not escape; the teacher then renames the test
    keys = dice("random keys", test.code, available)
    return _DOCUMENT.format(
        key="demo-" + str(test.owner.brin),
        school_year=test.school_year,
        brin=test.owner.brin,
        location="0" if again else "00",
        created=available.isoformat(),
        administrations="".join(_administration(test, pupil, code, again, keys) for pupil in test.pupils),
        code=code,
        parts="".join(
            _PART.format(number=n, part=test.id + n, level=_LEVELS[(n - 1) % len(_LEVELS)], maximum=maximum)
            for n, maximum in enumerate(test.maxima, start=1)
        ),
    )


def _administration(test: _ClassTest, pupil: Pupil, code: str, again: bool, keys: random.Random) -> str:
    scores = _scores(test, pupil, again)
    return _ADMINISTRATION.format(
        pupil=_number(test.owner, pupil),
        teacher="koopmanj" if test.owner == BAKEN else "witm",
        results="".join(
            _RESULT.format(
                key="".join(keys.choices(string.ascii_letters, k=9)) if score == "X" else _key(test, pupil, n),
                day=test.day.isoformat(),
                code=code,
                part=test.id + n,
                score=score,
            )
            for n, score in enumerate(scores, start=1)
        ),
    )


def _number(owner: SchoolRef, pupil: Pupil) -> str:
    """The pupil's number at the sender: that of the LAS, but for two pupils of Het Baken."""
    return f"90{pupil.key}" if owner == BAKEN and pupil.place in school.OTHER_NUMBER else pupil.key


def _key(test: _ClassTest, pupil: Pupil, question: int) -> str:
    return f"{test.id}{pupil.key}{question:02}"


def _scores(test: _ClassTest, pupil: Pupil, again: bool) -> list[str]:
    """A score a question: points with half ones, X where it was not offered, 6 where it is not marked yet."""
    chance = dice("answers", test.code, pupil.key)
    scores = []
    for maximum in test.maxima:
        share = min(1.0, max(0.0, 0.62 + 0.12 * pupil.ability + chance.gauss(0, 0.25)))
        offered = chance.random() > 0.04
        scores.append(f"{round(2 * share * maximum) / 2:.1f}" if offered else "X")
    if pupil.place == 2 and not again:
        scores[-1] = _NOT_MARKED
    if pupil.place == 12:
        scores[-1] = _NOT_MARKED  # never marked at all
    return scores
