"""Whom a parked identifier may belong to: pupils of a class that sat its tests, without results of their own.

It gives reasons and links nothing: an administrator decides.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, and_, func, select, true

from models.access.people import PupilName, pupil_names
from models.access.viewer import Viewer, check_administers
from models.ingest.identity import BY_ROSTER, LAS
from models.schema.collation import collation_key
from models.schema.encrypted_columns import place
from models.schema.encryption import PiiCipher
from models.schema.tables import classes, groups, identifiers, memberships, results

MOST = 5  # candidates of one identifier; more say nothing


@dataclass(frozen=True, slots=True)
class LinkablePupil:
    """A pupil as the choice of a link shows them: name, class and number in the pupil administration."""

    pupil: PupilName
    class_name: str | None
    las_number: str | None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A pupil who may be meant: so many `classmates` sat the same tests on the same days.

    The pupil has no results of their own from the sources of the identifier.
    """

    pupil_id: int
    classmates: int


def linkable_pupils(
    connection: Connection, viewer: Viewer, cipher: PiiCipher, wanted: Collection[int] | None = None
) -> list[LinkablePupil]:
    """The pupils of the school with these numbers, or all (None), by name. Raises AccessDenied."""
    check_administers(viewer)
    asked = true() if wanted is None else identifiers.c.pupil_id.in_(wanted)
    numbers = {
        row.pupil_id: cipher.decrypt(row.sealed, place(identifiers.c.sealed, viewer.school_id, row.id)).decode()
        for row in connection.execute(
            select(identifiers.c.id, identifiers.c.pupil_id, identifiers.c.sealed).where(
                identifiers.c.school_id == viewer.school_id,
                identifiers.c.kind == LAS,
                identifiers.c.matched_by == BY_ROSTER,
                identifiers.c.pupil_id.is_not(None),
                asked,
            )
        )
    }
    of_class = {
        pupil_id: name for name, pupil_ids in _base_classes(connection, viewer).values() for pupil_id in pupil_ids
    }
    return [
        LinkablePupil(pupil, of_class.get(pupil.id), numbers.get(pupil.id))
        for pupil in pupil_names(connection, viewer)
        if wanted is None or pupil.id in wanted
    ]


def link_candidates(
    connection: Connection, viewer: Viewer, identifier_ids: Sequence[int]
) -> dict[int, tuple[Candidate, ...]]:
    """The candidates of each of these identifiers, of the class with most of the same sittings.

    An identifier whose tests no class sat is left out. Raises AccessDenied.
    """
    check_administers(viewer)
    of_class = _base_classes(connection, viewer)
    candidates = {}
    for identifier_id in identifier_ids:
        sitting = _same_sitting(connection, viewer, identifier_id)
        together = {class_id: len(pupil_ids & sitting) for class_id, (_name, pupil_ids) in of_class.items()}
        most = max(together.values(), default=0)
        if most == 0:
            continue
        pupil_ids = {
            pupil_id: number
            for class_id, number in together.items()
            if number == most
            for pupil_id in of_class[class_id][1]
        }
        busy = _with_results(connection, viewer, identifier_id, pupil_ids)
        candidates[identifier_id] = tuple(
            Candidate(pupil_id, number) for pupil_id, number in sorted(pupil_ids.items()) if pupil_id not in busy
        )
    return candidates


def _base_classes(connection: Connection, viewer: Viewer) -> dict[int, tuple[str, frozenset[int]]]:
    """The name and the present pupils of each base class of the newest school year of the school."""
    newest = select(func.max(classes.c.school_year)).where(classes.c.school_id == viewer.school_id).scalar_subquery()
    rows = connection.execute(
        select(classes.c.id, classes.c.name, memberships.c.pupil_id)
        .select_from(classes)
        .join(groups, and_(groups.c.school_id == classes.c.school_id, groups.c.class_id == classes.c.id))
        .join(
            memberships,
            and_(memberships.c.school_id == groups.c.school_id, memberships.c.group_id == groups.c.id),
        )
        .where(
            classes.c.school_id == viewer.school_id,
            classes.c.composed.is_(False),
            classes.c.school_year == newest,
            memberships.c.to_us.is_(None),
        )
    )
    pupil_ids: dict[tuple[int, str], set[int]] = defaultdict(set)
    for row in rows:
        pupil_ids[row.id, row.name].add(row.pupil_id)
    ordered = sorted(pupil_ids.items(), key=lambda item: (collation_key(item[0][1]), item[0][0]))
    return {class_id: (name, frozenset(ids)) for (class_id, name), ids in ordered}


def _same_sitting(connection: Connection, viewer: Viewer, identifier_id: int) -> set[int]:
    """The pupils who sat tests of this identifier on the same days: at least half as many as who sat most of them."""
    own, other = results.alias("own"), results.alias("other")
    sittings = (
        select(own.c.test_id, own.c.taken_on)
        .where(own.c.school_id == viewer.school_id, own.c.identifier_id == identifier_id)
        .distinct()
        .subquery()
    )
    rows = connection.execute(
        select(identifiers.c.pupil_id, sittings.c.test_id, sittings.c.taken_on)
        .select_from(sittings)
        .join(
            other,
            and_(
                other.c.school_id == viewer.school_id,
                other.c.test_id == sittings.c.test_id,
                other.c.taken_on == sittings.c.taken_on,
            ),
        )
        .join(
            identifiers,
            and_(identifiers.c.school_id == other.c.school_id, identifiers.c.id == other.c.identifier_id),
        )
        .where(identifiers.c.pupil_id.is_not(None))
        .distinct()
    ).all()
    shared = Counter(row.pupil_id for row in rows)
    most = max(shared.values(), default=0)
    return {pupil_id for pupil_id, number in shared.items() if 2 * number >= most}


def _with_results(connection: Connection, viewer: Viewer, identifier_id: int, pupil_ids: Collection[int]) -> set[int]:
    """Those of these pupils who have results of a source of this identifier."""
    of_identifier = (
        select(results.c.source_id)
        .where(results.c.school_id == viewer.school_id, results.c.identifier_id == identifier_id)
        .distinct()
    )
    return set(
        connection.scalars(
            select(identifiers.c.pupil_id)
            .join(
                results,
                and_(results.c.school_id == identifiers.c.school_id, results.c.identifier_id == identifiers.c.id),
            )
            .where(
                identifiers.c.school_id == viewer.school_id,
                identifiers.c.pupil_id.in_(pupil_ids),
                results.c.source_id.in_(of_identifier),
            )
            .distinct()
        )
    )
