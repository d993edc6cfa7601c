"""Groups of a roster and the classes they make up: what a teacher calls a class is one row, however it was sent."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Table, Update, insert, select, update

from models.schema.database import next_id
from models.schema.records import Roster, RosterGroup, RosterPupil
from models.schema.tables import classes, groups

COMBINATION = "C"  # the year group of a group whose pupils each have their own
WITHOUT_GROUP = RosterGroup(key="", name="Zonder groep", year_group=COMBINATION)  # "" cannot be a key of a roster
_SPLIT_KEY = re.compile(r"(?s)(.+)_lj_[0-9A-Z]{1,2}")  # one part of a split combination group
_BEFORE_ZERO = {"B": -2, "D": -1}

GroupKey = tuple[bool, str]  # composed, key


@dataclass(frozen=True, slots=True)
class Scope:
    """What one roster is complete for: a school year at a location of a school."""

    school_id: int
    school_year: str
    location: str

    def of(self, table: Table) -> list[ColumnElement[bool]]:
        """The conditions that keep a query on `table` (classes, groups, rosters) within this scope."""
        return [
            table.c.school_id == self.school_id,
            table.c.school_year == self.school_year,
            table.c.location == self.location,
        ]


@dataclass(frozen=True, slots=True)
class _Class:
    """A class to be: its groups and its name as the roster has it."""

    composed: bool
    name: str
    parts: tuple[RosterGroup, ...]
    year_groups: str


def pupil_groups(roster: Roster) -> dict[int, list[GroupKey]]:
    """The groups that each pupil (by place in the roster) is in; whoever is in none is in WITHOUT_GROUP."""
    defined = {(group.composed, group.key) for group in roster.groups}
    by_pupil = {}
    for index, pupil in enumerate(roster.pupils):
        named = [(False, pupil.group)] if pupil.group is not None else []
        named += [(True, key) for key in dict.fromkeys(pupil.composed_groups)]
        by_pupil[index] = [key for key in named if key in defined] or [(False, WITHOUT_GROUP.key)]
    return by_pupil


def apply_groups(
    connection: Connection, scope: Scope, roster: Roster, memberships: dict[int, list[GroupKey]], now: int
) -> dict[GroupKey, int]:
    """Write groups and classes of a roster; what is no longer there ends. Returns the id of each group."""
    roster_groups = list(roster.groups)
    if any((False, WITHOUT_GROUP.key) in keys for keys in memberships.values()):
        roster_groups.append(WITHOUT_GROUP)
    known = {(row.composed, row.key): row for row in connection.execute(select(groups).where(*scope.of(groups)))}
    class_of = _apply_classes(connection, scope, _classes(roster_groups, roster.pupils, memberships), known)
    ids = {}
    fresh_id = next_id(connection, groups, scope.school_id)
    for group in roster_groups:
        key = (group.composed, group.key)
        values = {
            "name": group.name, "year_group": group.year_group, "class_id": class_of[key], "ended_us": None
        }  # fmt: skip
        row = known.pop(key, None)
        if row is None:
            ids[key], fresh_id = fresh_id, fresh_id + 1
            key_values = _scope_values(scope) | {"id": ids[key], "composed": group.composed, "key": group.key}
            connection.execute(insert(groups).values(**key_values, **values))
            continue
        ids[key] = row.id
        if values != {name: getattr(row, name) for name in values}:
            connection.execute(_at(groups, scope.school_id, row.id).values(**values))
    for row in known.values():
        if row.ended_us is None:
            connection.execute(_at(groups, scope.school_id, row.id).values(ended_us=now))
    return ids


def year_groups_in_order(codes: Iterable[str]) -> str:
    """Codes of year groups (EDEXML jaargroep) in order of age, without repeats: "6,7,8"."""
    return ",".join(sorted(set(codes), key=_age))


def _age(code: str) -> tuple[int, str]:
    return (int(code), "") if code.isdecimal() else (_BEFORE_ZERO.get(code, 99), code)


def _classes(
    roster_groups: list[RosterGroup], pupils: tuple[RosterPupil, ...], memberships: dict[int, list[GroupKey]]
) -> list[_Class]:
    of_pupils: dict[GroupKey, set[str]] = {}
    for index, keys in memberships.items():
        code = pupils[index].year_group
        if code is not None:
            for key in keys:
                of_pupils.setdefault(key, set()).add(code)
    clusters: dict[tuple[bool, str, str], list[RosterGroup]] = {}
    for group in roster_groups:
        split = _SPLIT_KEY.fullmatch(group.key)
        cluster = (group.composed, split[1], group.name) if split else (group.composed, group.key, "")
        clusters.setdefault(cluster, []).append(group)
    return [
        _Class(
            parts[0].composed,
            parts[0].name,
            tuple(parts),
            year_groups_in_order(code for part in parts for code in _codes(part, of_pupils)),
        )
        for parts in clusters.values()
    ]


def _codes(group: RosterGroup, of_pupils: dict[GroupKey, set[str]]) -> set[str]:
    if group.year_group is None or group.year_group == COMBINATION:
        return of_pupils.get((group.composed, group.key), set())
    return {group.year_group}


def _apply_classes(
    connection: Connection, scope: Scope, new_classes: list[_Class], known: dict[GroupKey, Row[*tuple[Any, ...]]]
) -> dict[GroupKey, int]:
    """Write the classes and return the class of each group.

    A class goes on under its id when its groups do, or else when its name does: keys that are not stable would
    otherwise make a new class of it at each roster. Two classes of one name get a number.
    """
    rows = {row.id: row for row in connection.execute(select(classes).where(*scope.of(classes)))}
    by_name = {(row.composed, row.name): row.id for row in rows.values()}
    chosen = _continued(new_classes, known, by_name)
    kept_names = {
        (row.composed, row.name) for row in rows.values() if row.id not in chosen.values()
    }  # of classes that this roster no longer has
    fresh_id = next_id(connection, classes, scope.school_id)
    final: list[tuple[int, _Class, str]] = []
    for index, new_class in enumerate(new_classes):
        class_id = chosen.get(index)
        if class_id is None:
            class_id, fresh_id = fresh_id, fresh_id + 1
        name = _free_name(new_class, kept_names)
        kept_names.add((new_class.composed, name))
        final.append((class_id, new_class, name))
    _write_classes(connection, scope, final, rows)
    return {(part.composed, part.key): class_id for class_id, item, _ in final for part in item.parts}


def _continued(
    classes: list[_Class], known: dict[GroupKey, Row[*tuple[Any, ...]]], by_name: dict[tuple[bool, str], int]
) -> dict[int, int]:
    """For the classes (by place) that there are already: their id."""
    chosen: dict[int, int] = {}
    by_key = [
        [known[part.composed, part.key].class_id for part in item.parts if (part.composed, part.key) in known]
        for item in classes
    ]
    for index, item in enumerate(classes):  # same name and a key in common: surely the same
        class_id = by_name.get((item.composed, item.name))
        if class_id is not None and class_id in by_key[index] and class_id not in chosen.values():
            chosen[index] = class_id
    for index, item in enumerate(classes):
        candidates = [*by_key[index], by_name.get((item.composed, item.name))]
        if any(part.key.startswith("#") for part in item.parts):
            candidates.reverse()
        free = [one_id for one_id in candidates if one_id is not None and one_id not in chosen.values()]
        if index not in chosen and free:
            chosen[index] = free[0]
    return chosen


def _free_name(item: _Class, taken: set[tuple[bool, str]]) -> str:
    name, number = item.name, 1
    while (item.composed, name) in taken:
        number += 1
        name = f"{item.name} ({number})"
    return name


def _write_classes(
    connection: Connection,
    scope: Scope,
    final: list[tuple[int, _Class, str]],
    rows: dict[int, Row[*tuple[Any, ...]]],
) -> None:
    renamed = [(class_id, name) for class_id, _, name in final if class_id in rows and rows[class_id].name != name]
    for class_id, _ in renamed:  # two classes may swap names: free the old ones first
        connection.execute(_at(classes, scope.school_id, class_id).values(name=f"\x1f{class_id}"))
    for class_id, item, name in final:
        values = {"name": name, "year_groups": item.year_groups}
        if class_id not in rows:
            key_values = _scope_values(scope) | {"id": class_id, "composed": item.composed}
            connection.execute(insert(classes).values(**key_values, **values))
        elif (class_id, name) in renamed or rows[class_id].year_groups != item.year_groups:
            connection.execute(_at(classes, scope.school_id, class_id).values(**values))


def _scope_values(scope: Scope) -> dict[str, object]:
    return {"school_id": scope.school_id, "school_year": scope.school_year, "location": scope.location}


def _at(table: Table, school_id: int, row_id: int) -> Update:
    return update(table).where(table.c.school_id == school_id, table.c.id == row_id)
