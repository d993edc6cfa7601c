"""What the pupils of each class have of each test in a period: the numbers behind the materials of a school.

They are read for all classes at once, and again for those classes whose pupils got results since.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import CTE, ColumnElement, Connection, and_, case, func, not_, or_, select

from models.access.viewer import Viewer, can_see_class
from models.results.own_subjects import definitions_of, limited_classes
from models.results.periods import Period
from models.results.scales import LEVELS
from models.schema.records import Absence, Kind, Status
from models.schema.tables import groups, identifiers, memberships, results
from models.schema.version_cache import OfPupils, once_per_version

Cohort = tuple[int, str | None]  # class, and year group of its pupils
TestAndDefinition = tuple[int, int]
ROWS_OF_A_CLASS = 50  # of the space that kept results may take
MEMBER_OF_GROUP = and_(memberships.c.school_id == groups.c.school_id, memberships.c.group_id == groups.c.id)


@dataclass(frozen=True, slots=True)
class ClassCounts:
    """The pupils of a class, and what they have.

    `results`: by test and definition how many results, and how many of them are a level of each norm group, for all
    that was offered. `reached`: by test and year group who has a score or progress record, each pupil a bit of a
    number. `progress`: by test and year group how many are done and busy.
    """

    pupils: frozenset[int]
    results: Mapping[TestAndDefinition, tuple[int, ...]]
    reached: Mapping[int, Mapping[str | None, int]]
    progress: Mapping[int, Mapping[str | None, tuple[int, int]]]


Counts = dict[int, ClassCounts]  # by class


def class_counts(connection: Connection, viewer: Viewer, class_ids: Collection[int], period: Period) -> Counts:
    """The counts of these classes, as far as the viewer sees them."""

    def of_pupils(counts: Counts) -> frozenset[int]:
        return frozenset().union(*(of_class.pupils for of_class in counts.values()))

    def renew(counts: Counts, changed: frozenset[int]) -> Counts:
        concerned = [class_id for class_id, of_class in counts.items() if of_class.pupils & changed]
        return counts | _read(connection, viewer, concerned, period)

    return once_per_version(
        connection,
        viewer.school_id,
        ("material counts", viewer, tuple(class_ids), period),
        lambda: _read(connection, viewer, class_ids, period),
        lambda counts: ROWS_OF_A_CLASS * len(counts),
        OfPupils(of_pupils, renew),
    )


def of_classes(viewer: Viewer, class_ids: Collection[int]) -> tuple[ColumnElement[bool], ...]:
    """The present memberships of groups of these classes."""
    return (
        groups.c.school_id == viewer.school_id,
        groups.c.class_id.in_(class_ids),
        memberships.c.to_us.is_(None),
        can_see_class(viewer, groups.c.school_id, groups.c.class_id),
    )


def _read(connection: Connection, viewer: Viewer, class_ids: Collection[int], period: Period) -> Counts:
    # Of a class that a subject teacher sees the definitions of tests that are counted; of others all. Read first, as by
    # `pupil_identifiers`.
    seen = {
        class_id: definitions_of(connection, viewer, subjects)
        for class_id, subjects in limited_classes(connection, viewer).items()
        if class_id in class_ids
    }
    members = _members(viewer, class_ids)
    member = members.c
    rows = connection.execute(
        select(member.class_id, member.year_group, member.identifier_id, member.pupil_id).order_by(member.pupil_id)
    ).all()
    places: dict[int, list[tuple[int, str | None, int]]] = defaultdict(list)  # by identifier: cohorts, and the bit
    pupils: dict[int, dict[int, int]] = {class_id: {} for class_id in class_ids}
    for class_id, year_group, identifier_id, pupil_id in rows:
        bit = pupils[class_id].setdefault(pupil_id, 1 << len(pupils[class_id]))
        places[identifier_id].append((class_id, year_group, bit))
    # Results are selected by identifier: from the members alone SQLite does not use the index of the results.
    chosen = (
        results.c.school_id == viewer.school_id,
        results.c.identifier_id.in_(sorted(places)),
        results.c.taken_on.between(period.first, period.last),
    )
    counted_anywhere = [] if any(class_id not in seen for class_id in class_ids) else [_of_any(seen)]
    numbers: dict[int, dict[TestAndDefinition, tuple[int, ...]]] = defaultdict(dict)
    reached: dict[int, dict[int, dict[str | None, int]]] = defaultdict(lambda: defaultdict(lambda: defaultdict(int)))
    of_tests = _of_tests(connection, (*chosen, *counted_anywhere))
    for identifier_id, test_id, definition_id, offered, has_reached, *counted in of_tests:
        for class_id, year_group, bit in places[identifier_id]:
            if definition_id not in seen.get(class_id, (definition_id,)):
                continue
            if offered:
                own, key = numbers[class_id], (test_id, definition_id)
                known = own.get(key)
                own[key] = tuple(counted) if known is None else tuple(map(int.__add__, known, counted))
            if has_reached:
                reached[class_id][test_id][year_group] |= bit
    progress = _progress(connection, members, chosen, seen) if places else {}
    return {
        class_id: ClassCounts(
            frozenset(pupils[class_id]),
            numbers[class_id],
            {test_id: dict(by_year) for test_id, by_year in reached[class_id].items()},
            progress.get(class_id, {}),
        )
        for class_id in class_ids
    }


def _of_any(seen: Mapping[int, frozenset[int]]) -> ColumnElement[bool]:
    """The condition that a result is of a definition that is counted in some class."""
    return results.c.definition_id.in_(sorted(frozenset().union(*seen.values())))


def _members(viewer: Viewer, class_ids: Collection[int]) -> CTE:
    """The identifiers of the pupils, by class and year group."""
    of_pupil = and_(
        identifiers.c.school_id == memberships.c.school_id, identifiers.c.pupil_id == memberships.c.pupil_id
    )
    return (
        select(
            groups.c.class_id,
            func.min(memberships.c.year_group).label("year_group"),
            identifiers.c.id.label("identifier_id"),
            identifiers.c.pupil_id,
        )
        .join(memberships, MEMBER_OF_GROUP)
        .join(identifiers, of_pupil)
        .where(*of_classes(viewer, class_ids))
        .group_by(groups.c.class_id, identifiers.c.id, identifiers.c.pupil_id)
        .cte("members")
    )


def _of_tests(connection: Connection, chosen: tuple[ColumnElement[bool], ...]) -> list[tuple[int, ...]]:
    """By identifier, test and definition: whether any was offered, whether one was reached, and the numbers.

    Reached is a score (of an OSO result also a reference score alone), or a progress record.
    """
    r = results.c
    offered = or_(r.absence.is_(None), r.absence != Absence.NOT_OFFERED)
    level_alone = and_(r.kind == Kind.OSO, r.detail.contains('"references": [{"code"'))
    reached = or_(r.score.is_not(None), r.kind == Kind.PROGRESS, level_alone)
    levels = [
        func.sum(case((and_(r.kind == Kind.OSO, r.detail.contains(f'"code": "{code}"'), offered), 1), else_=0))
        for code in LEVELS
    ]
    of = r.identifier_id, r.test_id, r.definition_id
    query = (
        select(
            *of,
            func.max(case((offered, 1), else_=0)),
            func.max(case((reached, 1), else_=0)),
            func.sum(case((and_(r.kind != Kind.PROGRESS, offered), 1), else_=0)),
            *levels,
        )
        .where(*chosen, r.kind != Kind.OTHER)
        .group_by(*of)
    )
    return [tuple(row) for row in connection.execute(query)]


def _progress(
    connection: Connection,
    members: CTE,
    chosen: tuple[ColumnElement[bool], ...],
    seen: Mapping[int, frozenset[int]],
) -> dict[int, dict[int, dict[str | None, tuple[int, int]]]]:
    """How many pupils are done and busy by their newest progress records: by class, test and year group.

    The record of the whole test counts; with records of parts only, a test is done or not begun when all parts are.
    """
    member, r = members.c, results.c
    classes_of: dict[frozenset[int], list[int]] = defaultdict(list)
    for class_id, definitions in seen.items():
        classes_of[definitions].append(class_id)
    hidden = [  # once for each set of definitions: a query has room for some ten thousand numbers
        and_(member.class_id.in_(class_ids), r.definition_id.not_in(sorted(definitions)))
        for definitions, class_ids in classes_of.items()
    ]
    over = func.row_number().over(
        partition_by=(member.class_id, member.pupil_id, r.test_id, r.part_id),
        order_by=(r.taken_on.desc(), r.created_us.desc(), r.arrived_us.desc(), r.digest64.desc(), r.key.desc()),
    )
    records = (
        select(member.class_id, member.year_group, member.pupil_id, r.test_id, r.part_id, r.status,
               over.label("recency"))
        .join(members, r.identifier_id == member.identifier_id)
        .where(*chosen, r.kind == Kind.PROGRESS, *(not_(of_class) for of_class in hidden))
        .subquery()
    )  # fmt: skip
    record = records.c
    whole = func.max(case((record.part_id == 0, func.coalesce(record.status, int(Status.BUSY)))))
    lowest, highest = func.min(record.status), func.max(record.status)
    state = func.coalesce(whole, case((lowest == highest, highest), else_=int(Status.BUSY)))
    cohort_and_test = (record.class_id, record.year_group, record.test_id)
    pupils = (
        select(*cohort_and_test, state.label("state"))
        .where(record.recency == 1)
        .group_by(*cohort_and_test, record.pupil_id)
        .subquery()
    )
    of = pupils.c
    done = func.sum(case((of.state == int(Status.DONE), 1), else_=0))
    busy = func.sum(case((of.state == int(Status.BUSY), 1), else_=0))
    rows = connection.execute(
        select(of.class_id, of.test_id, of.year_group, done, busy).group_by(of.class_id, of.test_id, of.year_group)
    )
    progress: dict[int, dict[int, dict[str | None, tuple[int, int]]]] = defaultdict(lambda: defaultdict(dict))
    for class_id, test_id, year_group, is_done, is_busy in rows:
        progress[class_id][test_id][year_group] = (is_done, is_busy)
    return progress
