"""Classes and pupils as a viewer may see them: the school year that has begun, current members."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, func, literal, or_, select, true

from models.access.viewer import Viewer, can_name_class, can_name_pupil, can_see_class, can_see_pupil
from models.schema import clock
from models.schema.collation import collation_key
from models.schema.tables import classes, groups, memberships, pupils, schools

MAIN_LOCATION = "00"  # how the main location of a school is written where another has a code


@dataclass(frozen=True, slots=True)
class ClassRef:
    """A class that the viewer sees, and how many pupils are in it now."""

    id: int
    name: str
    school_year: str
    location: str
    composed: bool
    year_groups: str
    pupils: int


@dataclass(frozen=True, slots=True)
class PupilName:
    """A pupil by name, distinguished from those of the same name; `name` is None where the roster has none."""

    id: int
    first_name: str | None
    name: str | None


def full_name(first: str | None, prefix: str | None, last: str | None) -> str | None:
    """The name as people say it, or None where there is none."""
    return " ".join(part for part in (first, prefix, last) if part) or None


def _apart(connection: Connection, viewer: Viewer) -> dict[int, str]:
    """What tells pupils of one name apart, of classes that the viewer may know: the class, and a number within it."""
    name = (pupils.c.first_name, pupils.c.prefix, pupils.c.last_name)
    of_school = select(*name).where(pupils.c.school_id == viewer.school_id, pupils.c.last_name.is_not(None))
    shared = connection.execute(of_school.group_by(*name).having(func.count() > 1)).all()
    if not shared:
        return {}
    rows = connection.execute(
        select(pupils.c.id, *name, func.min(classes.c.name).label("class_name"))
        .select_from(_pupils_in_classes)
        .where(
            classes.c.school_id == viewer.school_id,
            classes.c.composed.is_(False),
            pupils.c.last_name.in_({row.last_name for row in shared}),
            present_on(),
            can_name_class(viewer, classes.c.school_id, classes.c.id),
        )
        .group_by(pupils.c.id, *name)
        .order_by(pupils.c.id)
    ).all()
    of_name: dict[str | None, list[tuple[int, str]]] = defaultdict(list)
    for row in rows:
        of_name[full_name(row.first_name, row.prefix, row.last_name)].append((row.id, row.class_name))
    words: dict[int, str] = {}
    for namesakes in of_name.values():
        in_class = Counter(class_name for _id, class_name in namesakes)
        places: Counter[str] = Counter()
        for pupil_id, class_name in namesakes if len(namesakes) > 1 else ():
            places[class_name] += 1
            words[pupil_id] = class_name if in_class[class_name] == 1 else f"{class_name}, {places[class_name]}"
    return words


def _name_of(row: Any, apart: Mapping[int, str]) -> str | None:
    """The name of a pupil, with what tells namesakes apart."""
    name = full_name(row.first_name, row.prefix, row.last_name)
    return f"{name} ({apart[row.id]})" if row.id in apart else name


def school_name(connection: Connection, viewer: Viewer) -> str | None:
    """The name of the viewer's school."""
    return connection.scalar(select(schools.c.name).where(schools.c.id == viewer.school_id))


_group_of_class = and_(groups.c.school_id == classes.c.school_id, groups.c.class_id == classes.c.id)
_member_of_group = and_(memberships.c.school_id == groups.c.school_id, memberships.c.group_id == groups.c.id)
_pupil_of_member = and_(pupils.c.school_id == memberships.c.school_id, pupils.c.id == memberships.c.pupil_id)
_pupils_in_classes = (
    classes.join(groups, _group_of_class).join(memberships, _member_of_group).join(pupils, _pupil_of_member)
)


def present_on(day: str | None = None) -> ColumnElement[bool]:
    """The condition that a pupil is in a class of this query on a day (`YYYY-MM-DD`); today if None.

    Of a class whose school year has yet to begin that is its first day. The days of entry and of leaving count.
    """
    first_of_year = func.substr(classes.c.school_year, 1, 4) + clock.FIRST_OF_SCHOOL_YEAR
    shown_day = literal(day if day is not None else clock.today().isoformat())
    shown = case((first_of_year > shown_day, first_of_year), else_=shown_day)
    return and_(
        memberships.c.to_us.is_(None),
        or_(pupils.c.entered_on.is_(None), pupils.c.entered_on <= shown),
        or_(pupils.c.left_on.is_(None), pupils.c.left_on >= shown),
    )


def class_list(connection: Connection, viewer: Viewer) -> list[ClassRef]:
    """The classes that the viewer sees in the present school year of their location, base groups first.

    That is the newest year with members that has begun; a coming year only where none has. Where two classes have one
    name, their locations are in it.
    """
    return _class_list(connection, viewer, can_see_class(viewer, classes.c.school_id, classes.c.id))


def classes_by_name(connection: Connection, viewer: Viewer) -> list[ClassRef]:
    """The same of the classes whose names the viewer may know."""
    return _class_list(connection, viewer, can_name_class(viewer, classes.c.school_id, classes.c.id))


def _class_list(connection: Connection, viewer: Viewer, shown_to_viewer: ColumnElement[bool]) -> list[ClassRef]:
    number = func.count(memberships.c.pupil_id.distinct())
    rows = connection.execute(
        select(classes, number.label("pupils"))
        .select_from(_pupils_in_classes)
        .where(
            classes.c.school_id == viewer.school_id,
            present_on(),
            shown_to_viewer,
        )
        .group_by(*classes.c)
    ).all()
    present = _present_years(connection, viewer)
    shown = [row for row in rows if row.school_year == present.get(row.location)]
    names = Counter(row.name for row in shown)
    class_refs = [
        ClassRef(
            row.id,
            row.name if names[row.name] == 1 else _with_location(row.name, row.location),
            row.school_year,
            row.location,
            row.composed,
            row.year_groups,
            row.pupils,
        )
        for row in shown
    ]
    return sorted(class_refs, key=lambda ref: (ref.composed, collation_key(ref.name), ref.location, ref.id))


def _with_location(name: str, location: str) -> str:
    """The name of a class with the location of the school that it is at."""
    return f"{name} ({location or MAIN_LOCATION})"


def _present_years(connection: Connection, viewer: Viewer) -> dict[str, str]:
    """Per location of the school the year that counts as the present one, of the years with members."""
    rows = connection.execute(
        select(classes.c.location, classes.c.school_year)
        .join(groups, _group_of_class)
        .join(memberships, _member_of_group)
        .where(classes.c.school_id == viewer.school_id, memberships.c.to_us.is_(None))
        .distinct()
    )
    years: dict[str, list[str]] = {}
    for row in rows:
        years.setdefault(row.location, []).append(row.school_year)
    begun = clock.school_year(clock.today())
    return {
        location: max((item for item in of_location if item <= begun), default=min(of_location))
        for location, of_location in years.items()
    }


def members(connection: Connection, viewer: Viewer, class_ids: list[int]) -> list[PupilName]:
    """The present pupils of these classes, as far as the viewer sees the classes, by name."""
    rows = connection.execute(
        select(pupils.c.id, pupils.c.first_name, pupils.c.prefix, pupils.c.last_name)
        .select_from(_pupils_in_classes)
        .where(
            classes.c.school_id == viewer.school_id,
            classes.c.id.in_(class_ids),
            present_on(),
            can_see_class(viewer, classes.c.school_id, classes.c.id),
        )
        .distinct()
    ).all()
    apart = _apart(connection, viewer)
    pupil_names = [PupilName(row.id, row.first_name, _name_of(row, apart)) for row in rows]
    return sorted(pupil_names, key=lambda pupil: (collation_key(pupil.name), pupil.id))


@dataclass(frozen=True, slots=True)
class Member:
    """A present pupil of a class: the year group there, and the days of coming and leaving where those are known.

    Days are `YYYY-MM-DD`. `joined`: the day of coming for each of the classes that were asked for.
    """

    id: int
    first_name: str | None
    name: str | None
    class_id: int
    year_group: str | None
    since: str | None
    joined: Mapping[int, str]
    left_on: str | None = None

    def has_left(self, day: str) -> bool:
        """Whether the pupil left before this day."""
        return self.left_on is not None and self.left_on < day


def class_members(connection: Connection, viewer: Viewer, class_ids: list[int], day: str | None = None) -> list[Member]:
    """The pupils of these classes on a day (today if None) by class and name, each in the first class with them."""
    rows = connection.execute(
        select(
            pupils.c.id, pupils.c.first_name, pupils.c.prefix, pupils.c.last_name, pupils.c.entered_on,
            pupils.c.left_on, classes.c.id.label("class_id"),
            func.min(memberships.c.year_group).label("year_group"), func.min(memberships.c.from_us).label("from_us"),
        )
        .select_from(_pupils_in_classes)
        .where(
            classes.c.school_id == viewer.school_id,
            classes.c.id.in_(class_ids),
            present_on(day),
            can_see_class(viewer, classes.c.school_id, classes.c.id),
        )
        .group_by(
            pupils.c.id, pupils.c.first_name, pupils.c.prefix, pupils.c.last_name, pupils.c.entered_on,
            pupils.c.left_on, classes.c.id,
        )
    ).all()  # fmt: skip
    began: dict[int, int] = {}
    for row in rows:
        began[row.class_id] = min(row.from_us, began.get(row.class_id, row.from_us))
    order = {class_id: index for index, class_id in enumerate(class_ids)}
    joined: dict[int, dict[int, str]] = defaultdict(dict)
    for row in rows:
        since = max(row.entered_on or "", _joined_later(row.from_us, began[row.class_id]) or "")
        if since:
            joined[row.id][row.class_id] = since
    by_id: dict[int, Member] = {}
    apart = _apart(connection, viewer)
    for row in sorted(rows, key=lambda row: order[row.class_id]):
        name, own = _name_of(row, apart), joined[row.id]
        since = own.get(row.class_id)
        member = Member(row.id, row.first_name, name, row.class_id, row.year_group, since, own, row.left_on)
        by_id.setdefault(row.id, member)
    return sorted(by_id.values(), key=lambda member: (order[member.class_id], collation_key(member.name), member.id))


def pupils_by_class(
    connection: Connection, viewer: Viewer, class_ids: list[int], day: str | None = None
) -> dict[int, frozenset[int]]:
    """The pupils of each of these classes on a day (today if None), as far as the viewer sees them, in this order."""
    rows = connection.execute(
        select(classes.c.id, memberships.c.pupil_id)
        .select_from(_pupils_in_classes)
        .where(
            classes.c.school_id == viewer.school_id,
            classes.c.id.in_(class_ids),
            present_on(day),
            can_see_class(viewer, classes.c.school_id, classes.c.id),
        )
    )
    pupil_ids: dict[int, set[int]] = {class_id: set() for class_id in class_ids}
    for row in rows:
        pupil_ids[row.id].add(row.pupil_id)
    return {class_id: frozenset(ids) for class_id, ids in pupil_ids.items() if ids}


def overlapping_classes(
    connection: Connection, viewer: Viewer, class_ids: list[int], day: str | None = None
) -> list[int]:
    """The other classes of that school year in which pupils of these classes are on a day (today if None).

    As far as the viewer sees them.
    """
    of_classes = select(memberships.c.pupil_id, classes.c.school_year).select_from(_pupils_in_classes)
    rows = connection.execute(
        of_classes.where(
            classes.c.school_id == viewer.school_id, classes.c.id.in_(class_ids), present_on(day)
        ).distinct()
    )
    by_year: dict[str, set[int]] = defaultdict(set)
    for pupil_id, school_year in rows:
        by_year[school_year].add(pupil_id)
    if not by_year:
        return []
    # By number, for a query that joined the two would look for the classes of each pupil where schools are on nodes.
    same_pupils = (
        and_(classes.c.school_year == school_year, memberships.c.pupil_id.in_(sorted(pupil_ids)))
        for school_year, pupil_ids in by_year.items()
    )
    return list(
        connection.scalars(
            select(classes.c.id)
            .select_from(_pupils_in_classes)
            .where(
                classes.c.school_id == viewer.school_id,
                classes.c.id.not_in(class_ids),
                present_on(day),
                or_(*same_pupils),
                can_see_class(viewer, classes.c.school_id, classes.c.id),
            )
            .distinct()
            .order_by(classes.c.id)
        )
    )


@dataclass(frozen=True, slots=True)
class Subgroup:
    """A part of a class: a year group (`jaar-6`), or the pupils who are in another class too (`groep-12`)."""

    key: str
    name: str
    pupils: frozenset[int]


def subgroups(
    connection: Connection, viewer: Viewer, members: list[Member], class_refs: Sequence[ClassRef]
) -> list[Subgroup]:
    """The parts into which these pupils can be divided; none where there is only one.

    A class of `class_refs` has its name there; of others with one name their locations are in it.
    """
    by_year: dict[str, set[int]] = {}
    for member in members:
        if member.year_group is not None:
            by_year.setdefault(member.year_group, set()).add(member.id)
    years = [Subgroup(f"jaar-{code}", code, frozenset(by_year[code])) for code in sorted(by_year)]
    own = {member.class_id for member in members}
    rows = connection.execute(
        select(classes.c.id, classes.c.name, classes.c.location, memberships.c.pupil_id)
        .select_from(classes)
        .join(groups, _group_of_class)
        .join(memberships, _member_of_group)
        .where(
            classes.c.school_id == viewer.school_id,
            memberships.c.pupil_id.in_([member.id for member in members]),
            memberships.c.to_us.is_(None),
        )
    ).all()
    listed = {class_ref.id: class_ref.name for class_ref in class_refs}
    raw_names = Counter({row.id: row.name for row in rows}.values())
    names = {
        row.id: listed.get(row.id, row.name if raw_names[row.name] == 1 else _with_location(row.name, row.location))
        for row in rows
    }
    others: dict[int, tuple[str, set[int]]] = {}
    for row in sorted(rows, key=lambda row: (collation_key(names[row.id]), row.id)):
        if row.id not in own:
            others.setdefault(row.id, (names[row.id], set()))[1].add(row.pupil_id)
    composed = [Subgroup(f"groep-{class_id}", name, frozenset(ids)) for class_id, (name, ids) in others.items()]
    return [*(years if len(years) > 1 else []), *composed]


def _joined_later(from_us: int, began_us: int) -> str | None:
    """The day on which a membership was first seen; None where it came with the first pupil list of its class."""
    if from_us == began_us:
        return None
    return clock.from_us(from_us).astimezone(clock.AMSTERDAM).date().isoformat()


@dataclass(frozen=True, slots=True)
class PupilRecord:
    """A pupil with the classes that the viewer sees them in."""

    id: int
    first_name: str | None
    name: str | None
    left_on: str | None
    classes: tuple[ClassRef, ...]


def pupil(connection: Connection, viewer: Viewer, pupil_id: int) -> PupilRecord | None:
    """The pupil, or None where there is none that the viewer may see."""
    row = connection.execute(
        select(pupils).where(
            pupils.c.school_id == viewer.school_id,
            pupils.c.id == pupil_id,
            can_see_pupil(viewer, pupils.c.school_id, pupils.c.id),
        )
    ).one_or_none()
    if row is None:
        return None
    own = connection.scalars(
        select(groups.c.class_id)
        .join(memberships, _member_of_group)
        .where(
            memberships.c.school_id == viewer.school_id,
            memberships.c.pupil_id == pupil_id,
            memberships.c.to_us.is_(None),
        )
    ).all()
    return PupilRecord(
        row.id,
        row.first_name,
        _name_of(row, _apart(connection, viewer)),
        row.left_on,
        tuple(class_ref for class_ref in class_list(connection, viewer) if class_ref.id in own),
    )


def pupil_name(connection: Connection, viewer: Viewer, pupil_id: int) -> PupilName | None:
    """The name of a pupil, or None where there is none whose name the viewer may know."""
    return _pupil_name(connection, viewer, pupil_id, can_name_pupil(viewer, pupils.c.school_id, pupils.c.id))


def seen_pupil_name(connection: Connection, viewer: Viewer, pupil_id: int) -> PupilName | None:
    """The name of a pupil, or None where there is none that the viewer may see."""
    return _pupil_name(connection, viewer, pupil_id, can_see_pupil(viewer, pupils.c.school_id, pupils.c.id))


def _pupil_name(
    connection: Connection, viewer: Viewer, pupil_id: int, allowed: ColumnElement[bool]
) -> PupilName | None:
    wanted = (pupils.c.school_id == viewer.school_id, pupils.c.id == pupil_id)
    row = connection.execute(select(pupils).where(*wanted, allowed)).one_or_none()
    return None if row is None else PupilName(row.id, row.first_name, _name_of(row, _apart(connection, viewer)))


def can_see_all(connection: Connection, viewer: Viewer, pupil_ids: Collection[int]) -> bool:
    """Whether the viewer sees each of these pupils now."""
    visible = connection.scalar(
        select(func.count()).where(
            pupils.c.school_id == viewer.school_id,
            pupils.c.id.in_(pupil_ids),
            can_see_pupil(viewer, pupils.c.school_id, pupils.c.id),
        )
    )
    return visible == len(pupil_ids)


def pupil_names(connection: Connection, viewer: Viewer) -> list[PupilName]:
    """All pupils of the school whose names the viewer may know, by name; no more than the names."""
    return _pupil_names(connection, viewer, true())


def names_in_class(connection: Connection, viewer: Viewer, class_id: int | None) -> list[PupilName]:
    """The same of the present pupils of a class; None: of those who are in no class that `classes_by_name` lists."""
    class_ids = [item.id for item in classes_by_name(connection, viewer)]
    present = select(memberships.c.pupil_id).select_from(_pupils_in_classes)
    own = present.where(classes.c.school_id == viewer.school_id, present_on())
    if class_id is None:
        return _pupil_names(connection, viewer, pupils.c.id.not_in(own.where(classes.c.id.in_(class_ids))))
    return _pupil_names(connection, viewer, pupils.c.id.in_(own.where(classes.c.id == class_id)))


def _pupil_names(connection: Connection, viewer: Viewer, among: ColumnElement[bool]) -> list[PupilName]:
    rows = connection.execute(
        select(pupils.c.id, pupils.c.first_name, pupils.c.prefix, pupils.c.last_name).where(
            can_name_pupil(viewer, pupils.c.school_id, pupils.c.id), among
        )
    ).all()
    apart = _apart(connection, viewer)
    pupil_names = [PupilName(row.id, row.first_name, _name_of(row, apart)) for row in rows]
    return sorted(pupil_names, key=lambda pupil: (collation_key(pupil.name), pupil.id))
