"""What a roster would take away: classes that vanish or shrink, and teachers who are left without a class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, and_, select

from models.ingest.roster_classes import Scope
from models.schema.collation import collation_key
from models.schema.tables import classes, groups, memberships, teacher_groups

MIN_LOST = 3  # fewer pupils come and go in a week
MAX_LOST_PART = 3  # a third of a class


@dataclass(frozen=True, slots=True)
class Groups:
    """The pupils in each class, the names of the classes, and the teachers who have a group."""

    pupils: Mapping[int, frozenset[int]]
    names: Mapping[int, str]
    teachers: frozenset[int]


@dataclass(frozen=True, slots=True)
class Losses:
    """Classes that vanish, classes that lose more than a third (name, lost, of how many), teachers without a class."""

    vanished: tuple[str, ...] = ()
    shrunk: tuple[tuple[str, int, int], ...] = ()
    teachers: int = 0

    def __bool__(self) -> bool:
        return bool(self.vanished or self.shrunk or self.teachers)

    def sentences(self) -> tuple[str, str]:
        """What is lost, in Dutch and English, without a full stop; classes by name, teachers by number."""
        nl = [f'Groep "{name}" heeft in deze lijst geen leerlingen meer' for name in self.vanished]
        en = [f'Class "{name}" has no pupils in this list any more' for name in self.vanished]
        nl += [f'Groep "{name}" verliest {lost} van de {of} leerlingen' for name, lost, of in self.shrunk]
        en += [f'Class "{name}" loses {lost} of its {of} pupils' for name, lost, of in self.shrunk]
        if self.teachers:
            single = self.teachers == 1
            nl.append(f"{self.teachers} {'leraar heeft' if single else 'leraren hebben'} geen groep meer")
            en.append(f"{self.teachers} {'teacher has' if single else 'teachers have'} no class any more")
        return ". ".join(nl), ". ".join(en)


def read_groups(connection: Connection, scope: Scope) -> Groups:
    """Who is in the classes of a school year and location now, and who teaches them."""
    of_class = and_(groups.c.school_id == classes.c.school_id, groups.c.class_id == classes.c.id)
    present = and_(
        memberships.c.school_id == groups.c.school_id,
        memberships.c.group_id == groups.c.id,
        memberships.c.to_us.is_(None),
    )
    pupils: dict[int, set[int]] = {}
    names: dict[int, str] = {}
    rows = connection.execute(
        select(classes.c.id, classes.c.name, memberships.c.pupil_id)
        .select_from(classes)
        .join(groups, of_class)
        .join(memberships, present)
        .where(*scope.of(classes))
    )
    for class_id, name, pupil_id in rows:
        pupils.setdefault(class_id, set()).add(pupil_id)
        names[class_id] = name
    teachers = connection.scalars(
        select(teacher_groups.c.teacher_id)
        .join(
            groups,
            and_(groups.c.school_id == teacher_groups.c.school_id, groups.c.id == teacher_groups.c.group_id),
        )
        .where(*scope.of(groups), teacher_groups.c.to_us.is_(None))
    )
    return Groups({class_id: frozenset(ids) for class_id, ids in pupils.items()}, names, frozenset(teachers))


def losses_between(before: Groups, after: Groups) -> Losses:
    """What is lost from one state of the classes to the next."""
    vanished, shrunk = [], []
    for class_id, pupils in before.pupils.items():
        left = after.pupils.get(class_id, frozenset())
        lost = len(pupils - left)
        if not left:
            vanished.append(before.names[class_id])
        elif lost >= MIN_LOST and MAX_LOST_PART * lost > len(pupils):
            shrunk.append((before.names[class_id], lost, len(pupils)))
    return Losses(
        tuple(sorted(vanished, key=collation_key)),
        tuple(sorted(shrunk, key=lambda item: collation_key(item[0]))),
        len(before.teachers - after.teachers),
    )
