"""What each simulated publisher has: results from day to day, known from the moment that the source has them.

A whole school year is made at once, always the same; what an answer holds depends on the clock and the cursor only.
Rekenwijs is a maths method, Leeslijn a reading method, Spelsprong an adaptive spelling app, Toetsvolg gives tests
with OSO results; Toetsplein, the question-level sender, stands in `questions`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache

from connectors.simulator import calendar, school
from connectors.simulator.school import HORIZON, Pupil, dice
from connectors.uwlr.names import VOCABULARY_VAKGEBIEDEN
from models.schema import clock
from models.schema.records import (
    SCALE,
    Band,
    Colour,
    Kind,
    Level,
    MessageHead,
    Norm,
    OsoResult,
    Part,
    Progress,
    PupilRef,
    ReferenceScore,
    Result,
    Status,
    Term,
    TestDefinition,
    TestRef,
)

LATE_BLOCK, LATE_WEEKS = 2, 6  # which block test of whom is late stands in `school`; by then the next block is done
FIRST_DAYS = 14
FEW_DAYS = 30  # a school year with fewer school days so far is sent together with the end of the year before


@dataclass(frozen=True, slots=True)
class Item:
    """A result, its test, and the moment from which the publisher has it; a correction is an item of its own."""

    available: datetime
    result: Result
    definition: TestDefinition


@dataclass(frozen=True, slots=True)
class Message:
    """What goes into one leerresultaten_verzoek."""

    head: MessageHead
    results: list[Result]
    definitions: list[TestDefinition]


@dataclass(frozen=True, slots=True)
class Document:
    """A message in a file, of publishers who give files."""

    name: str
    available: datetime
    message: Message


# -- which results an answer holds -----------------------------------------------------------------------------


def years_to_send(now: datetime) -> list[str]:
    """The school years of which a publisher sends results: the present one, and the one before while that is new."""
    today = now.astimezone(clock.AMSTERDAM).date()
    present = clock.school_year(today)
    so_far = sum(day <= today for day in calendar.school_days(present))
    before = calendar.label(calendar.first_year(present) - 1)
    return [before, present] if so_far < FEW_DAYS else [present]


def sent_from(school_year: str, now: datetime) -> datetime:
    """From when on results of a school year are sent: its begin, or 1 April for one that is over."""
    first = calendar.first_year(school_year)
    return calendar.moment(date(first + 1, 4, 1) if is_over(school_year, now) else date(first, 8, 1), 0)


def first_until(now: datetime) -> datetime:
    """Up to when an answer to a question without cursor goes; who asks on gets what came after it.

    So that what is told late, and what is corrected, comes in a later message than what it follows. Once the late
    result of the school year is there: the begin of its week; else two weeks ago; in a new school year: now.
    """
    present = clock.school_year(now.astimezone(clock.AMSTERDAM).date())
    week = calendar.school_weeks(present)[_BLOCK_WEEKS[LATE_BLOCK - 1]][0] + timedelta(weeks=LATE_WEEKS)
    late_week = calendar.moment(week - timedelta(days=week.weekday()), 0)
    if now >= late_week + timedelta(days=5):
        return late_week
    before = now - timedelta(days=FIRST_DAYS)
    return before if clock.school_year(before.astimezone(clock.AMSTERDAM).date()) == present else now


def first_message(publisher: str, now: datetime) -> Message | None:
    """The answer to a question without cursor: what there was until `first_until`, made at that moment.

    So the overlap with which the next question is asked brings none of it again.
    """
    until = first_until(now)
    message = next_message(publisher, None, until)
    if message is None or until == now or is_over(message.head.school_year, now):
        return message
    head = replace(message.head, created_text=until.isoformat(), created_us=clock.to_us(until))
    return replace(message, head=head)


def next_message(publisher: str, cursor: datetime | None, now: datetime) -> Message | None:
    """What the publisher has after the cursor, of one school year, the oldest first; None when there is nothing."""
    for school_year in years_to_send(now):
        since = sent_from(school_year, now) if cursor is None else max(cursor, sent_from(school_year, now))
        items = [item for item in _year(publisher, school_year) if since < item.available <= now]
        if is_over(school_year, now):
            items = _of_pupils_still_here(items, now)
        if items:
            return _message(publisher, school_year, _created(items, school_year, now), items)
    return None


def is_over(school_year: str, now: datetime) -> bool:
    """Whether a school year, present or past, is no longer the present one."""
    return school_year != clock.school_year(now.astimezone(clock.AMSTERDAM).date())


def closing(school_year: str) -> datetime:
    """The aanmaakdatum of what is sent of a year that is over.

    It lies weeks after the last result, so that who asks again with some overlap gets to the next year.
    """
    return calendar.moment(date(calendar.first_year(school_year) + 1, 7, 31), 23)


def documents(publisher: str, now: datetime) -> list[Document]:
    """The files that the publisher has ready at an instant, in the order in which they came."""
    present = clock.school_year(now.astimezone(clock.AMSTERDAM).date())
    before = calendar.label(calendar.first_year(present) - 1)
    documents = [*_oso_end_of_year(publisher, before, now), *_oso_documents(publisher, present)]
    return [document for document in documents if document.available <= now]


def _created(items: list[Item], school_year: str, now: datetime) -> datetime:
    return closing(school_year) if is_over(school_year, now) else max(item.available for item in items)


def _of_pupils_still_here(items: list[Item], now: datetime) -> list[Item]:
    """Publishers keep no results of pupils who left in the summer."""
    present = clock.school_year(now.astimezone(clock.AMSTERDAM).date())
    here = {pupil.key for pupil in school.pupils(HORIZON, present)}
    here |= {pupil.eck_id for pupil in school.pupils(HORIZON, present) if pupil.eck_id is not None}
    return [item for item in items if (item.result.pupil.las_key or item.result.pupil.eck_id) in here]


def _message(publisher: str, school_year: str, created: datetime, items: list[Item]) -> Message:
    newest: dict[str, Item] = {}
    for item in sorted(items, key=lambda item: item.available):
        newest[item.result.key] = item  # a key once in a message: its last value
    definitions = {item.definition.code.text: item.definition for item in newest.values()}
    results = sorted(
        (item.result for item in newest.values()),
        key=lambda result: (
            result.pupil.las_key or "",
            result.pupil.eck_id or "",
            result.taken_on,
            result.key,
        ),
    )
    head = MessageHead(
        school_year=school_year,
        school=HORIZON,
        created_text=created.isoformat(),
        created_us=clock.to_us(created),
        author=publisher.capitalize(),
        xsd_version="2.3" if publisher == "toetsvolg" else "2.2",
        dependance_text="00",
    )
    return Message(head, results, list(definitions.values()))


@lru_cache(maxsize=32)
def _year(publisher: str, school_year: str) -> tuple[Item, ...]:
    """Everything of one school year, seen from its end."""
    makers: dict[str, Callable[[str], Iterator[Item]]] = {
        "rekenwijs": _rekenwijs,
        "leeslijn": _leeslijn,
        "spelsprong": _spelsprong,
    }
    return tuple(sorted(makers[publisher](school_year), key=lambda item: (item.available, item.result.key)))


# -- what the publishers share ---------------------------------------------------------------------------------


def _subject(term: str) -> Term:
    return Term(term, vocabulary=VOCABULARY_VAKGEBIEDEN)


def _band(term: str, low: int, high: int, grades: tuple[str, str], colour: tuple[int, int, int]) -> Band:
    return Band(term, str(low), str(high), colour=Colour(*colour, "1.00"), grade_from=grades[0], grade_to=grades[1])


def _three_bands(good: int, enough: int, highest: int) -> tuple[Band, ...]:
    """Onvoldoende, voldoende, goed, with the publisher's advice for a school grade."""
    return (
        _band("onvoldoende", 0, enough - 1, ("1.0", "5.4"), (226, 120, 60)),
        _band("voldoende", enough, good - 1, ("5.5", "7.4"), (240, 200, 90)),
        _band("goed", good, highest, ("7.5", "10.0"), (70, 160, 120)),
    )


def _points(chance: random.Random, ability: float, ease: float, highest: int) -> int:
    """Points of a pupil: 0 to `highest`, about three quarters of it for the middle of the class."""
    share = 0.74 + 0.1 * ability + ease + chance.gauss(0, 0.09)
    return round(highest * min(1.0, max(0.08, share)))


def _score(key: str, pupil: PupilRef, test: TestDefinition, part: str | None, day: date, points: int) -> Result:
    return Result(
        key=key,
        pupil=pupil,
        test=TestRef(test.code.text, test.version),
        part_code=part,
        kind=Kind.SCORE,
        taken_on=day.isoformat(),
        score_text=str(points),
        score=points * SCALE,
    )


def _in_5a(pupil: Pupil, number: int) -> bool:
    return pupil.class_name == "5a" and pupil.place == number


def _takes_part(pupil: Pupil, week: int, day: date) -> bool:
    """Whether the pupil is there and works; the idle one stops after the third week."""
    return day >= pupil.entered and not (_in_5a(pupil, school.IDLE) and week > 2)


def _unknown_pupil(school_year: str) -> Pupil:
    """Somebody whom the publishers know in class 5a and the LAS does not."""
    pupil = school.classes(HORIZON, school_year)["5a"][0]
    return replace(pupil, key="199999", eck_id=None, place=99, ability=0.0)


def _taking_part(school_year: str) -> dict[str, list[Pupil]]:
    classes = {name: list(pupils) for name, pupils in school.classes(HORIZON, school_year).items()}
    classes["5a"].append(_unknown_pupil(school_year))
    return classes


# -- Rekenwijs: a method with block tests, parts, norms, hierarchy ---------------------------------------------

_BLOCK_WEEKS = (2, 6, 10, 14, 19, 24, 29, 34)
_THEMES = ("Getallen", "Bewerkingen", "Verhoudingen", "Meten en tijd")
_TOPICS = {
    "OPT": "Optellen en aftrekken",
    "VER": "Vermenigvuldigen",
    "DEL": "Delen met rest",
    "KLO": "Klok: digitale tijd",
    "GEL": "Rekenen met geld",
    "MET": "Lengte en oppervlakte",
    "BRE": "Breuken vergelijken",
    "GET": "Getallenlijn",
}
_PART_POINTS = 10


@lru_cache(maxsize=256)
def _block_test(school_year: str, year_group: int, block: int) -> TestDefinition:
    chance = dice("rekenwijs", year_group, block)
    topics = chance.sample(sorted(_TOPICS), 4 if chance.random() < 0.7 else 3)
    part_norm = Norm(bands=_three_bands(8, 6, _PART_POINTS))
    highest = _PART_POINTS * len(topics)
    return TestDefinition(
        code=Term(f"RW{year_group}-B{block}"),
        version=Term(school_year[:4]),
        name=f"Toets blok {block}",
        year=Term(str(year_group)),
        subject=_subject("Rekenen en wiskunde"),
        norm=Norm(
            bands=_three_bands(round(0.8 * highest), round(0.6 * highest), highest),
            category=Term("Bloktoets"),
            level=Term("1F" if year_group < 7 else "1S"),
            weight="1.0",
        ),
        hierarchy=(
            Level(0, Term("Rekenwijs")),
            Level(1, Term(_THEMES[(block - 1) % len(_THEMES)])),
            Level(2, Term(f"Blok {block}")),
        ),
        parts=tuple(
            Part(number, Term(f"{topic}-{block}"), _TOPICS[topic], part_norm)
            for number, topic in enumerate(topics, start=1)
        ),
    )


def _rekenwijs(school_year: str) -> Iterator[Item]:
    weeks = calendar.school_weeks(school_year)
    for class_name, pupils in _taking_part(school_year).items():
        for block, week in enumerate(_BLOCK_WEEKS, start=1):
            days = weeks[week]
            day = days[dice("block day", class_name, block).randrange(len(days))]
            for pupil in pupils:
                if _takes_part(pupil, week, day):
                    yield from _block_results(school_year, pupil, block, day)


def _block_results(school_year: str, pupil: Pupil, block: int, day: date) -> Iterator[Item]:
    chance = dice("block", school_year, pupil.key, block)
    if chance.random() < 0.04 or (_in_5a(pupil, school.MISSES_MUCH) and block % 2 == 0):
        return
    test = _block_test(school_year, pupil.year_group, block)
    assert test.parts is not None
    scores = [_points(chance, pupil.ability, _ease(part), _PART_POINTS) for part in test.parts]
    if _in_5a(pupil, school.ZERO) and block == 2:
        scores[1] = 0  # tried, and nothing right: a score like any other
    late = timedelta(weeks=LATE_WEEKS) if _in_5a(pupil, school.LATE) and block == LATE_BLOCK else timedelta()
    available = calendar.moment(day + late, 17)
    yield from _block_items(school_year, pupil, test, day, scores, available)
    if pupil.place == 8:  # one test a class is looked at again: two points more on the first part
        again = [min(_PART_POINTS, scores[0] + 2), *scores[1:]]
        yield from _block_items(school_year, pupil, test, day, again, available + timedelta(days=7))


def _ease(part: Part) -> float:
    topic, _, block = part.code.text.partition("-")
    return dice("topic", topic).gauss(0, 0.06) - (0.22 if (topic, block) == ("BRE", "3") else 0.0)


def _block_items(
    school_year: str, pupil: Pupil, test: TestDefinition, day: date, scores: list[int], available: datetime
) -> Iterator[Item]:
    assert test.parts is not None
    who = PupilRef(pupil.key, pupil.eck_id, "rekenwijs-" + pupil.class_name)
    stem = f"{school_year[:4]}-{pupil.key}-{test.code.text}"
    total = _score(stem, who, test, None, day, sum(scores))
    yield Item(available, replace(total, info_url=f"https://rekenwijs.example/toets/{test.code.text}"), test)
    for part, points in zip(test.parts, scores, strict=True):
        yield Item(available, _score(f"{stem}-{part.number}", who, test, part.code.text, day, points), test)


# -- Leeslijn: a reading method with tasks and grades ----------------------------------------------------------


@lru_cache(maxsize=128)
def _task(school_year: str, year_group: int, number: int) -> TestDefinition:
    return TestDefinition(
        code=Term(f"leestaak-{year_group}-{number:02}"),
        version=Term(school_year[:4]),
        name=f"Leestaak {number}",
        year=Term(str(year_group)),
        subject=_subject("Begrijpend/studerend lezen"),
        norm=Norm(bands=_three_bands(16, 11, 20), category=Term("Leestaak")),
        hierarchy=(Level(0, Term("Leeslijn")), Level(1, Term(f"Groep {year_group}"))),
    )


def _leeslijn(school_year: str) -> Iterator[Item]:
    weeks = calendar.school_weeks(school_year)
    for class_name, pupils in school.classes(HORIZON, school_year).items():
        for number, week in enumerate(range(1, len(weeks), 3), start=1):
            days = weeks[week]
            day = days[dice("task day", class_name, number).randrange(len(days))]
            for pupil in pupils:
                chance = dice("task", school_year, pupil.key, number)
                if not _takes_part(pupil, week, day) or chance.random() < 0.06:
                    continue
                test = _task(school_year, pupil.year_group, number)
                points = _points(chance, pupil.ability, 0.0, 20)
                key = f"ll-{school_year[:4]}-{pupil.key}-{number}"
                who = PupilRef(pupil.key, None)
                yield Item(calendar.moment(day, 18), _score(key, who, test, None, day, points), test)


# -- Spelsprong: percentages without norms, and progress -------------------------------------------------------

_EXERCISES = 40


@lru_cache(maxsize=256)
def _dictation(year_group: int, number: int) -> TestDefinition:
    return TestDefinition(
        code=Term(f"spelsprong/{year_group}/{number}"),
        name=f"Dictee {number}",
        year=Term(str(year_group)),
        subject=_subject("Spelling"),
        hierarchy=(Level(0, Term("Spelsprong")), Level(1, Term(f"Groep {year_group}"))),
    )


def _spelsprong(school_year: str) -> Iterator[Item]:
    weeks = calendar.school_weeks(school_year)
    for pupils in _taking_part(school_year).values():
        for number, week in enumerate(range(0, len(weeks) - 1, 2), start=1):
            days = weeks[week] + weeks[week + 1]
            for pupil in pupils:
                if _takes_part(pupil, week, days[0]):
                    yield from _dictation_items(school_year, pupil, number, days)


def _dictation_items(school_year: str, pupil: Pupil, number: int, days: tuple[date, ...]) -> Iterator[Item]:
    """Set ready on the first day, begun on some day, done on a later one; or not."""
    chance = dice("dictation", school_year, pupil.key, number)
    test = _dictation(pupil.year_group, number)
    who = PupilRef(pupil.key, pupil.eck_id)
    stem = f"{school_year[:4]}.{pupil.key}.{number}"

    def at(day: date) -> datetime:
        return calendar.moment(day, 15, 30)

    yield Item(at(days[0]), _progress(stem, who, test, days[0], Status.NOT_BEGUN, 0, 0, 0), test)
    begin, end = sorted(chance.sample(range(1, len(days)), 2))
    right = _points(chance, pupil.ability, 0.02, _EXERCISES)
    if _in_5a(pupil, school.ZERO) and number == 3:
        right = 0  # made all forty, none right
    minutes = chance.randrange(14, 45)
    what_becomes = chance.random()
    if what_becomes > 0.03:
        half = _EXERCISES // 2
        busy = _progress(stem, who, test, days[begin], Status.BUSY, minutes // 2, half, right // 2)
        yield Item(at(days[begin]), busy, test)
    if what_becomes > 0.1:
        done = _progress(stem, who, test, days[end], Status.DONE, minutes, _EXERCISES, right)
        yield Item(at(days[end]), done, test)
        percentage = round(100 * right / _EXERCISES)
        yield Item(at(days[end]), _score(f"score.{stem}", who, test, None, days[end], percentage), test)


def _progress(
    stem: str,
    who: PupilRef,
    test: TestDefinition,
    day: date,
    status: Status,
    minutes: int,
    made: int,
    right: int,
) -> Result:
    return Result(
        key=f"voortgang.{stem}",
        pupil=who,
        test=TestRef(test.code.text, test.version),
        part_code=None,
        kind=Kind.PROGRESS,
        taken_on=day.isoformat(),
        detail=Progress(
            status=status,
            worked_ms=minutes * 60_000,
            offered=_EXERCISES,
            made=made,
            correct=right,
            duration=f"PT{minutes}M",
        ),
    )


# -- Toetsvolg: OSO results in documents -----------------------------------------------------------------------

_MOMENTS = {"B": 5, "M": 20, "E": 38}
_OSO_SUBJECTS = {
    # short name: subject, name, scale, and the mean of a year group as begin and step
    "RW": ("Rekenen en wiskunde", "Rekenen", "TVR", (60, 30)),
    "BL": ("Begrijpend/studerend lezen", "Begrijpend lezen", "TVL", (65, 20)),
}
_LEVELS = ((0.84, "I"), (0.25, "II"), (-0.25, "III"), (-0.84, "IV"))


@lru_cache(maxsize=16)
def _oso_documents(publisher: str, school_year: str) -> tuple[Document, ...]:
    """A document a subject and moment; days later the same once more, and a week later one pupil corrected."""
    documents = []
    for moment in _MOMENTS:
        for short in _OSO_SUBJECTS:
            items = _oso_items(school_year, short, moment)
            available = items[0].available
            name = f"toetsvolg-{school_year}-{moment}-{short}"
            first = Document(f"{name}.xml", available, _message(publisher, school_year, available, items))
            documents.append(first)
            documents.append(replace(first, name=f"{name}-nogmaals.xml", available=available + timedelta(days=3)))
            later = available + timedelta(days=7)
            corrected = [_corrected(items[4])]
            message = _message(publisher, school_year, later, corrected)
            documents.append(Document(f"{name}-correctie.xml", later, message))
    return tuple(documents)


def _oso_end_of_year(publisher: str, school_year: str, now: datetime) -> list[Document]:
    """The last tests of the year before, of the pupils who stayed."""
    made = closing(school_year)
    return [
        Document(
            f"toetsvolg-{school_year}-slot-{short}.xml",
            made,
            _message(publisher, school_year, made, _of_pupils_still_here(_oso_items(school_year, short, "E"), now)),
        )
        for short in _OSO_SUBJECTS
    ]


def _oso_items(school_year: str, short: str, moment: str) -> list[Item]:
    days = calendar.school_weeks(school_year)[_MOMENTS[moment]]
    return [item for pupil in _tested(school_year, days) for item in _oso_item(school_year, pupil, short, moment, days)]


def _tested(school_year: str, days: tuple[date, ...]) -> list[Pupil]:
    return [pupil for pupil in school.pupils(HORIZON, school_year) if _takes_part(pupil, 9, days[0])]


def _oso_item(school_year: str, pupil: Pupil, short: str, moment: str, days: tuple[date, ...]) -> Iterator[Item]:
    chance = dice("oso", school_year, pupil.key, short, moment)
    if chance.random() < 0.05:
        return
    test = _oso_test(pupil.year_group, short, moment)
    begin, step = _OSO_SUBJECTS[short][3]
    mean = begin + step * pupil.year_group + {"B": -8, "M": 0, "E": 8}[moment]
    current = 0.8 * pupil.ability + chance.gauss(0, 0.5)
    day = days[chance.randrange(len(days))]
    result = Result(
        key=f"{school_year}/{test.code.text}/{pupil.key}",
        pupil=PupilRef(None if pupil.eck_id is not None else pupil.key, pupil.eck_id),
        test=TestRef(test.code.text),
        part_code=None,
        kind=Kind.OSO,
        taken_on=day.isoformat(),
        detail=_oso_result(round(mean + 12 * current), current, pupil, short),
    )
    yield Item(calendar.moment(days[-1], 18), result, test)


def _oso_result(skill: int, current: float, pupil: Pupil, short: str) -> OsoResult:
    level = next((name for bound, name in _LEVELS if current >= bound), "V")
    references = [ReferenceScore("IV", "Landelijk", level)]
    if pupil.year_group >= 6:
        reached = "2F" if current > 0.8 else "1F" if current > -0.6 else "<1F"
        references.append(ReferenceScore("RNTRM", "Landelijk", reached))
    if short == "BL" and _in_5a(pupil, 13):  # the school passed on the level only
        return OsoResult(references=tuple(references), has_score=False)
    return OsoResult(
        exercises="40",
        skill=str(skill),
        skill_scale=_OSO_SUBJECTS[short][2],
        interval_low=str(skill - 5),
        interval_high=str(skill + 5),
        references=tuple(references),
    )


def _corrected(item: Item) -> Item:
    """The same result with a skill score three higher."""
    detail = item.result.detail
    assert isinstance(detail, OsoResult)
    assert detail.skill is not None
    skill = int(detail.skill) + 3
    again = detail._replace(skill=str(skill), interval_low=str(skill - 5), interval_high=str(skill + 5))
    return replace(item, result=replace(item.result, detail=again))


@lru_cache(maxsize=64)
def _oso_test(year_group: int, short: str, moment: str) -> TestDefinition:
    subject, name, _, _ = _OSO_SUBJECTS[short]
    return TestDefinition(
        code=Term(f"TV-{short}-{moment}{year_group}"),
        name=f"{name} {moment}{year_group}",
        year=Term(str(year_group)),
        subject=_subject(subject),
        hierarchy=(Level(0, Term("Toetsvolg")),),
    )
