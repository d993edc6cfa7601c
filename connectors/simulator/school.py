"""Two schools that do not exist, the same in every run: De Horizon (primary) and Het Baken (secondary).

A pupil belongs to a cohort and keeps key, name and ability from year to year, so that results of last year belong
to the pupil of this year. All names are made up; the BRIN codes are not given out.
"""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import NamedTuple

from connectors.simulator import calendar
from models.schema import clock
from models.schema.records import Roster, RosterGroup, RosterPupil, RosterTeacher, SchoolRef

SEED = "Rondblik 1"

HORIZON = SchoolRef(brin="99XX")
BAKEN = SchoolRef(brin="99YY")
NAMES = {HORIZON: "De Horizon", BAKEN: "Het Baken"}

# Places of the pupils of class 5a whom something befalls, every school year anew.
ZERO, IDLE, LATE, MISSES_MUCH, NEWCOMER = 3, 7, 5, 11, 24
# Places in class 4h1 of the pupils whom the question-level sender knows by another number than the LAS does.
OTHER_NUMBER = (9, 17)

# Year group -> the classes it fills: (class, group key, number of pupils). One combination class, split by year.
_CLASSES: dict[int, tuple[tuple[str, str, int], ...]] = {
    3: (("3", "G3", 24),),
    4: (("4", "G4", 24),),
    5: (("5a", "G5A", 25), ("5b", "G5B", 25)),
    6: (("6", "G6", 25), ("6/7", "G67_lj_6", 13)),
    7: (("7", "G7", 25), ("6/7", "G67_lj_7", 12)),
    8: (("8", "G8", 25),),
}
_PLUS = "PLUS"
_CLUSTERS = (
    ("4h.nat1", "NA", 0.55),
    ("4h.schk1", "SK", 0.5),
    ("4h.econ1", "EC", 0.6),
    ("4h.wisb1", "WI", 0.65),
)
_FORM_SIZE = 26


def _listed(text: str) -> list[str]:
    return text.replace("\n", "").split("|")


_FIRST = _listed("""
Amira|Daan|Elif|Milan|Tess|Jayden|Pien|Omar|Lotte|Quinten|Yara|Bram|Chloé|Finn|Isa|Mohammed|Sofie|Levi|
Noor|Thijs|Fenna|Sem|Aylin|Luuk|Zoë|Ruben|Nina|Adam|Saar|Mees|Jasmijn|Gijs|Hanna|Kacper|Lieke|Youssef|
Roos|Tijn|Fatima|Stijn|Evi|Rayan|Maud|Koen|Sara|Dylan|Lina|Floris|Anouk|Emir|Femke|Joris|Salma|Teun|
Liv|Diego|Merel|Ties|Naomi|Hugo|Priya|Jip""")
_LAST = _listed("""
Visser|Yıldız|Kowalski|Hendriks|Pinas|Dekker|Aydin|Bakker|Meijer|Wongsodikromo|Vries, de|Jansen|Benali|
Dijk, van|Boer, de|Smit|El Amrani|Mulder|Groot, de|Bos|Nguyen|Peters|Vos|Leeuwen, van|Öztürk|Brouwer|Ramdin|
Wit, de|Dijkstra|Smits|Graaf, de|Meer, van der|Kaya|Koster|Linden, van der|Nowak|Prins|Blom|Huisman|Martina|
Veen, van der|Postma|Haddad|Willems|Evers|Tran|Bruijn, de|Wal, van der|Schouten|Fernandes""")


@dataclass(frozen=True, slots=True)
class Pupil:
    """A pupil in one school year; `place` is the seat in the cohort, `ability` has mean 0 and deviation 1."""

    key: str
    eck_id: str | None
    first_name: str
    prefix: str | None
    last_name: str
    cohort: int
    place: int
    year_group: int
    class_name: str
    group: str
    composed: tuple[str, ...]
    entered: date
    ability: float


class _Class(NamedTuple):
    year_group: int
    class_name: str
    group: str


def dice(*about: object) -> random.Random:
    """A source of chance that depends on nothing but what it is about."""
    return random.Random("|".join((SEED, *map(str, about))))


def eck_id(key: str) -> str:
    """A made-up ECK iD in the form of a real one."""
    return "https://ketenid.nl/201703/" + hashlib.sha512(f"{SEED}|{key}".encode()).hexdigest()


@lru_cache(maxsize=16)
def pupils(school: SchoolRef, school_year: str) -> tuple[Pupil, ...]:
    """Whoever is at the school in a school year, from the day of entering on; ordered by class and place."""
    return _primary(school_year) if school == HORIZON else _secondary(school_year)


def _primary(school_year: str) -> tuple[Pupil, ...]:
    year, begin = calendar.first_year(school_year), calendar.school_days(school_year)[0]
    pupils = []
    for year_group, classes in _CLASSES.items():
        cohort, number = year - year_group, 0
        for class_name, group, size in classes:
            for _ in range(size):
                late = class_name == "5a" and number == NEWCOMER
                entered = calendar.school_weeks(school_year)[11][0] if late else begin
                ability = dice("ability", cohort, number).gauss(0, 1)
                composed = (_PLUS,) if ability > 1.1 and year_group >= 5 else ()
                of_class = _Class(year_group, class_name, group)
                pupils.append(_pupil("1", cohort, number, of_class, composed, entered, ability))
                number += 1
    return tuple(pupils)


def _secondary(school_year: str) -> tuple[Pupil, ...]:
    year, begin = calendar.first_year(school_year), calendar.school_days(school_year)[0]
    pupils = []
    for number in range(_FORM_SIZE):
        choice = dice("clusters", year, number)
        clusters = tuple(name for name, _, share in _CLUSTERS if choice.random() < share) or (_CLUSTERS[0][0],)
        ability = dice("ability", "4h1", year, number).gauss(0, 1)
        pupils.append(_pupil("4", year, number, _Class(14, "4h1", "4H1"), clusters, begin, ability))
    return tuple(pupils)


def _pupil(
    site: str,
    cohort: int,
    number: int,
    of_class: _Class,
    composed: tuple[str, ...],
    entered: date,
    ability: float,
) -> Pupil:
    key = f"{site}{cohort % 100:02}{number + 1:03}"
    names = dice("first names", site, cohort).sample(_FIRST, len(_FIRST))
    last = dice("last names", site, cohort).choices(_LAST, k=len(_FIRST))[number]
    last_name, _, prefix = last.partition(", ")
    eck = None if (site, number) == ("1", 19) else eck_id(key)  # now and then the LAS has none
    return Pupil(
        key,
        eck,
        names[number],
        prefix or None,
        last_name,
        cohort,
        number,
        *of_class,
        composed,
        entered,
        ability,
    )


# -- what the LAS says -----------------------------------------------------------------------------------------


def roster(school: SchoolRef, school_year: str, now: datetime) -> Roster:
    """The roster as the LAS has it at an instant: who has entered by then; made at the last change before it."""
    today = now.astimezone(clock.AMSTERDAM).date()
    here = [pupil for pupil in pupils(school, school_year) if pupil.entered <= max(today, _first_day(school_year))]
    return Roster(
        school_year=school_year,
        school=school,
        school_name=NAMES[school],
        created_us=clock.to_us(roster_changed(school, school_year, now)),
        groups=_groups(school),
        pupils=tuple(_roster_pupil(school, pupil) for pupil in here),
        teachers=_teachers(school),
    )


def roster_changed(school: SchoolRef, school_year: str, now: datetime) -> datetime:
    """When the LAS last changed something of the school year: its opening on 1 August, or a later entry."""
    opened = calendar.moment(date(calendar.first_year(school_year), 8, 1), 0)
    entries = {pupil.entered for pupil in pupils(school, school_year)} - {_first_day(school_year)}
    return max([opened, *(at for day in entries if (at := calendar.moment(day, 0)) <= now)])


def _first_day(school_year: str) -> date:
    return calendar.school_days(school_year)[0]


def _roster_pupil(school: SchoolRef, pupil: Pupil) -> RosterPupil:
    return RosterPupil(
        las_key=pupil.key,
        eck_id=pupil.eck_id,
        first_name=pupil.first_name,
        prefix=pupil.prefix,
        last_name=pupil.last_name,
        year_group=str(pupil.year_group),
        group=pupil.group,
        composed_groups=pupil.composed,
        entered_on=pupil.entered.isoformat() if school == HORIZON else None,  # not in the profile of Het Baken
    )


def _groups(school: SchoolRef) -> tuple[RosterGroup, ...]:
    if school == BAKEN:
        clusters = (RosterGroup(key=name, name=name, composed=True) for name, _, _ in _CLUSTERS)
        return (RosterGroup(key="4H1", name="4h1", year_group="14"), *clusters)
    base = (
        RosterGroup(key=group, name=class_name, year_group=str(year_group))
        for year_group, classes in _CLASSES.items()
        for class_name, group, _ in classes
    )
    return (*base, RosterGroup(key=_PLUS, name="Plusgroep", composed=True))


_Staff = tuple[str, str, str | None, str, tuple[str, ...], str]

# key, first name, prefix, last name, groups, role in them
_PRIMARY_STAFF: tuple[_Staff, ...] = (
    ("901", "Marieke", "de", "Wit", ("G5A",), "STA"),
    ("902", "Hassan", "el", "Idrissi", ("G67_lj_6", "G67_lj_7"), "STA"),
    ("903", "Annelies", None, "Brandsma", ("G3",), "STA"),
    ("904", "Jeroen", "van", "Houten", ("G4",), "STA"),
    ("905", "Soraya", None, "Kartosen", ("G5B",), "STA"),
    ("906", "Wouter", None, "Terpstra", ("G6",), "STA"),
    ("907", "Ingrid", None, "Sanders", ("G7",), "STA"),
    ("908", "Peter", "van den", "Akker", ("G8",), "STA"),
    ("909", "Nadia", None, "Chaouki", ("G5A", "G4"), "LRK"),
    ("910", "Tom", None, "Vermeer", ("G3", "G8"), "LRK"),
    ("911", "Carla", None, "Oosterhuis", (_PLUS,), "LRK"),
    ("912", "Desmond", None, "Rozenblad", ("G6", "G7"), "LRK"),
    (
        "913",
        "Els",
        "van der",
        "Heide",
        tuple(group for classes in _CLASSES.values() for _, group, _ in classes),
        "IB",
    ),
    ("914", "Frank", None, "Zijlstra", (), "ICT"),
)
_SECONDARY_STAFF: tuple[_Staff, ...] = (
    ("951", "Judith", None, "Koopman", ("4H1",), "STA"),
    ("952", "Ravi", None, "Baldew", ("4h.nat1", "4h.wisb1"), "VAK"),
    ("953", "Monique", "de", "Lange", ("4h.schk1",), "VAK"),
    ("954", "Erik", None, "Nijland", ("4h.econ1",), "VAK"),
)


def _teachers(school: SchoolRef) -> tuple[RosterTeacher, ...]:
    staff, host = (_PRIMARY_STAFF, "dehorizon.example") if school == HORIZON else (_SECONDARY_STAFF, "hetbaken.example")
    composed = {group.key for group in _groups(school) if group.composed}
    return tuple(
        RosterTeacher(
            las_key=key,
            eck_id=eck_id(f"teacher {key}"),
            first_name=first,
            prefix=prefix,
            last_name=last,
            email=f"{first.lower()}.{last.lower()}@{host}",
            roles=(role,) if school == HORIZON else (),  # the profile of Het Baken has roles in groups only
            groups=tuple((group, (role,)) for group in groups if group not in composed),
            composed_groups=tuple((group, (role,)) for group in groups if group in composed),
        )
        for key, first, prefix, last, groups, role in staff
    )


def subjects_of(pupil: Pupil) -> tuple[str, ...]:
    """The short names of the subjects that a pupil of Het Baken has chosen."""
    return tuple(subject for name, subject, _ in _CLUSTERS if name in pupil.composed)


def classes(school: SchoolRef, school_year: str) -> dict[str, list[Pupil]]:
    """The pupils by class."""
    by_name: dict[str, list[Pupil]] = {}
    for pupil in pupils(school, school_year):
        by_name.setdefault(pupil.class_name, []).append(pupil)
    return by_name
