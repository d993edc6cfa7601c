"""Rosters in the store: who is in which class, and who teaches it. One write transaction a roster.

A roster is complete for its school year and location: whoever is no longer in it ends there, nobody is deleted and
results stay. A roster that looks as if a part of it is missing waits until an administrator decides.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, Engine, Row, Table, and_, func, insert, select, update

from models.access.viewer import Viewer, check_administers
from models.ingest import connections, erased, identity
from models.ingest.roster_classes import GroupKey, Scope, apply_groups, pupil_groups
from models.ingest.roster_losses import Losses, losses_between, read_groups
from models.ingest.roster_matching import Matching, match_pupils
from models.schema import clock, database
from models.schema.database import next_id
from models.schema.encrypted_columns import place
from models.schema.encryption import PiiCipher
from models.schema.records import Finding, PupilRef, Roster, RosterPupil, RosterTeacher, Verdict
from models.schema.tables import (
    deliveries,
    groups,
    memberships,
    pupils,
    rosters,
    teacher_groups,
    teachers,
)

APPLIED, HELD, DROPPED = "applied", "held", "dropped"
NO_GROUPS, NO_COMPOSED_GROUPS, FEW_PUPILS, LOSSES = "no_groups", "no_composed_groups", "few_pupils", "losses"
OLDER, NEWER_CAME, DECIDED = "older", "newer_came", "decided"
HELD_RULE = "roster.held"  # the finding that says why

_roster_json = TypeAdapter(Roster)

_HELD_SENTENCES = {
    NO_GROUPS: ("De leerlinglijst heeft geen groepen meer", "The pupil list has no groups any more"),
    NO_COMPOSED_GROUPS: (
        "De leerlinglijst heeft geen samengestelde groepen meer",
        "The pupil list has no composed groups any more",
    ),
    FEW_PUPILS: (
        "In de leerlinglijst ontbreekt meer dan de helft van de leerlingen",
        "The pupil list lacks more than half of the pupils",
    ),
}


class NotPending(Exception):
    """There is no such roster that waits for a decision; says so in both languages."""

    def __init__(self) -> None:
        super().__init__("This pupil list does not wait for a decision (any more).")
        self.sentence_nl = "Deze leerlinglijst wacht niet (meer) op een besluit."
        self.sentence_en = str(self)


@dataclass(frozen=True, slots=True)
class RosterReceipt:
    """What became of a roster: applied, held, confirmed (the same bytes again) or dropped (older than the newest).

    `rematched` is the number of identifiers that got, lost or changed their pupil.
    """

    delivery_id: int
    roster_id: int
    state: str
    verdict: Verdict
    counts: Mapping[str, int]
    findings: tuple[Finding, ...] = ()
    rematched: int = 0
    pending_because: str | None = None


CONFIRMED = "confirmed"
PULL = "pull"  # the way of a roster that a connection fetched


# -- ways in -------------------------------------------------------------------------------------------------


def save_roster(
    engine: Engine,
    cipher: PiiCipher,
    *,
    school_id: int,
    source_id: int,
    roster: Roster,
    way: str,
    cursor: str | None = None,
    force: bool = False,
) -> RosterReceipt:
    """Store a roster that was read without errors; `way` is pull or load.

    With `cursor` the connection moves on in the same transaction. `force` applies what would be held.
    """
    with database.write_transaction(engine, school_id) as connection:
        scope = Scope(school_id, roster.school_year, roster.school.dependance)
        confirmed = None if force else _same_bytes(connection, scope, source_id, roster)
        if confirmed is not None:
            _record_answer(connection, school_id, source_id, cursor, new_data=False)
            return confirmed
        matching = match_pupils(connection, cipher, school_id, roster.pupils)
        trusted = force or _newest_applied(connection, scope) is None
        state, because = _judge(connection, scope, roster, matching, force)
        rematched, losses = 0, Losses()
        if state == APPLIED:
            rematched, losses = _apply_unless_lossy(connection, cipher, scope, roster, matching, trusted)
            state, because = (HELD, LOSSES) if losses else (APPLIED, None)
        if state == APPLIED and way == PULL:
            _end_earlier_locations(connection, scope, source_id)
        findings = [*roster.findings, *matching.findings, *_state_findings(state, because, losses)]
        delivery_id = _insert_delivery(connection, school_id, source_id, roster, way, findings)
        roster_id = _insert_roster(connection, cipher, scope, roster, delivery_id, state, because)
        if because != OLDER:
            _drop_waiting(connection, scope, roster_id)
            _record_answer(connection, school_id, source_id, cursor, new_data=True)
        verdict = _verdict(findings)
        return RosterReceipt(
            delivery_id, roster_id, state, verdict, _counts(roster), tuple(findings), rematched, because
        )


def save_refused_roster(
    engine: Engine,
    *,
    school_id: int | None,
    source_id: int | None,
    way: str,
    digest: bytes,
    size: int,
    findings: Collection[Finding],
    fault: str | None = None,
) -> int:
    """Write down that a roster was refused and why; nothing of it is kept. Returns the id of the delivery."""
    with database.write_transaction(engine, school_id) as connection:
        return _delivery_row(
            connection,
            school_id=school_id,
            source_id=source_id,
            way=way,
            digest=digest,
            size=size,
            verdict=Verdict.REJECT,
            fault=fault,
            counts="{}",
            findings=_findings_json(findings),
        )


def decide_pending(engine: Engine, cipher: PiiCipher, viewer: Viewer, roster_id: int, apply: bool) -> RosterReceipt:
    """Apply or drop a roster that waits; who decided is added to the findings of its delivery.

    Raises NotPending and AccessDenied.
    """
    check_administers(viewer)
    school_id = viewer.school_id
    with database.write_transaction(engine, school_id) as connection:
        row = _waiting(connection, school_id, roster_id)
        scope = Scope(school_id, row.school_year, row.location)
        roster = _roster_json.validate_json(cipher.decrypt(row.sealed, _place(school_id, row.id)))
        state = APPLIED if apply else DROPPED
        connection.execute(
            update(rosters)
            .where(rosters.c.school_id == school_id, rosters.c.id == roster_id)
            .values(state=state, held_because=row.held_because if apply else DECIDED, sealed=None)
        )
        rematched, decided = 0, [_decision(apply, viewer.name)]
        if apply:
            matching = match_pupils(connection, cipher, school_id, roster.pupils)
            decided += matching.findings
            rematched = _apply(connection, cipher, scope, roster, matching)
        findings = _add_findings(connection, scope.school_id, row.delivery_id, decided)
        return RosterReceipt(
            row.delivery_id, roster_id, state, _verdict(findings), _counts(roster), tuple(findings), rematched
        )


def leave_out_of_pending(
    connection: Connection, cipher: PiiCipher, school_id: int, named: Collection[identity.IdentifierValue]
) -> int:
    """Take the pupils with any of these identifiers out of the rosters that wait; returns how many rosters changed."""
    changed = 0
    waiting = select(rosters.c.id, rosters.c.sealed).where(rosters.c.school_id == school_id, rosters.c.state == HELD)
    for row in connection.execute(waiting).all():
        roster = _roster_json.validate_json(cipher.decrypt(row.sealed, _place(school_id, row.id)))
        others = tuple(
            pupil
            for pupil in roster.pupils
            if not any(
                single in named
                for single, _ in identity.identifier_values(cipher, PupilRef(pupil.las_key, pupil.eck_id))
            )
        )
        if others != roster.pupils:
            kept = _roster_json.dump_json(dataclasses.replace(roster, pupils=others))
            key = school_id, row.id
            own = rosters.c.school_id == school_id, rosters.c.id == row.id
            connection.execute(update(rosters).where(*own).values(sealed=cipher.encrypt(kept, _place(*key))))
            changed += 1
    return changed


# -- judging --------------------------------------------------------------------------------------------------


def _same_bytes(connection: Connection, scope: Scope, source_id: int, roster: Roster) -> RosterReceipt | None:
    """The receipt of these bytes where they were taken in before and would change nothing."""
    if not roster.digest:
        return None
    row = connection.execute(
        select(rosters, deliveries.c.verdict)
        .join(deliveries, deliveries.c.id == rosters.c.delivery_id)
        .where(
            *scope.of(rosters),
            deliveries.c.school_id == scope.school_id,
            deliveries.c.source_id == source_id,
            deliveries.c.digest == roster.digest,
        )
        .order_by(rosters.c.id.desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    newest = connection.scalar(select(func.max(rosters.c.id)).where(*scope.of(rosters)))
    if roster.created_us is None and row.id != newest:
        return None  # without a date only arrival tells what is newest: an earlier state may have come back
    return RosterReceipt(
        row.delivery_id,
        row.id,
        CONFIRMED,
        Verdict(row.verdict),
        _counts(roster),
        pending_because=row.held_because,
    )


def _judge(
    connection: Connection, scope: Scope, roster: Roster, matching: Matching, force: bool
) -> tuple[str, str | None]:
    """State of a roster and, unless it is applied, the reason."""
    applied = [*scope.of(rosters), rosters.c.state == APPLIED]
    newest = connection.scalar(select(func.max(rosters.c.created_us)).where(*applied))
    if newest is not None and roster.created_us is not None and roster.created_us < newest:
        return DROPPED, OLDER
    last = _newest_applied(connection, scope)
    if last is None or force:
        return APPLIED, None
    counts = _counts(roster)
    if last.group_count and not counts["groups"]:
        return HELD, NO_GROUPS
    if last.composed_count and not counts["composed"]:
        return HELD, NO_COMPOSED_GROUPS
    members = _current_members(connection, scope)
    if 2 * len(members - matching.known_ids) > len(members):
        return HELD, FEW_PUPILS
    return APPLIED, None


def _newest_applied(connection: Connection, scope: Scope) -> Row[*tuple[Any, ...]] | None:
    """The roster that applies now."""
    applied = [*scope.of(rosters), rosters.c.state == APPLIED]
    return connection.execute(select(rosters).where(*applied).order_by(rosters.c.id.desc()).limit(1)).one_or_none()


def _apply_unless_lossy(
    connection: Connection, cipher: PiiCipher, scope: Scope, roster: Roster, matching: Matching, trusted: bool
) -> tuple[int, Losses]:
    """Apply a roster, and take that back where classes or teachers lose too much by it, unless it is trusted.

    What a roster does to classes is known for sure only once it is applied.
    """
    before = read_groups(connection, scope)
    attempt = connection.begin_nested()
    rematched = _apply(connection, cipher, scope, roster, matching)
    losses = Losses() if trusted else losses_between(before, read_groups(connection, scope))
    if losses:
        attempt.rollback()
        return 0, losses
    attempt.commit()
    return rematched, losses


def _end_earlier_locations(connection: Connection, scope: Scope, source_id: int) -> None:
    """End who was in and taught the groups of another location that this connection delivered before.

    A connection delivers one location. Where the school's dependance changed, no roster of the earlier one comes any
    more, and nothing else would end what its teachers may see.
    """
    earlier = connection.scalars(
        select(rosters.c.location)
        .join(deliveries, deliveries.c.id == rosters.c.delivery_id)
        .where(
            rosters.c.school_id == scope.school_id,
            deliveries.c.school_id == scope.school_id,
            rosters.c.school_year == scope.school_year,
            rosters.c.location != scope.location,
            rosters.c.state == APPLIED,
            deliveries.c.source_id == source_id,
            deliveries.c.way == PULL,
        )
        .distinct()
    ).all()
    now = clock.now_us()
    for location in earlier:
        of_location = select(groups.c.id).where(*dataclasses.replace(scope, location=location).of(groups))
        for table in (teacher_groups, memberships):
            open_rows = [table.c.school_id == scope.school_id, table.c.to_us.is_(None)]
            connection.execute(update(table).where(*open_rows, table.c.group_id.in_(of_location)).values(to_us=now))


def _current_members(connection: Connection, scope: Scope) -> set[int]:
    return set(
        connection.scalars(
            select(memberships.c.pupil_id)
            .join(
                groups,
                and_(groups.c.school_id == memberships.c.school_id, groups.c.id == memberships.c.group_id),
            )
            .where(*scope.of(groups), memberships.c.to_us.is_(None))
        )
    )


def _state_findings(state: str, because: str | None, losses: Losses) -> list[Finding]:
    if because == OLDER:
        nl, en = (
            "De leerlinglijst is ouder dan de nieuwste van dit schooljaar; er is niets veranderd.",
            "The pupil list is older than the newest one of this school year; nothing was changed.",
        )
        remedy, remedy_en = "Laad de nieuwste leerlinglijst.", "Load the newest pupil list."
        return [Finding("roster.older", "warning", "UWLR 2.2 aanmaakdatum", nl, en, remedy, remedy_en)]
    if state != HELD or because is None:
        return []
    nl, en = losses.sentences() if because == LOSSES else _HELD_SENTENCES[because]
    return [
        Finding(
            HELD_RULE,
            "warning",
            "UWLR 2.2.1, alles-in-één",
            f"{nl}; de lijst wacht op een besluit van de beheerder.",
            f"{en}; the list waits for an administrator to decide.",
            "Controleer de lijst in de leerlingadministratie en besluit bij Koppelingen.",
            "Check the list in the pupil administration and decide on the page Connections.",
        )
    ]


def _decision(apply: bool, by: str) -> Finding:
    nl = f"{'Verwerkt' if apply else 'Niet gebruikt'} op besluit van {by}."
    en = f"{'Applied' if apply else 'Not used'} as decided by {by}."
    return Finding("roster.decided", "info", "eigen regel", nl, en, "", "")


def _verdict(findings: Collection[Finding]) -> Verdict:
    has_findings = any(finding.level in ("error", "warning") for finding in findings)
    return Verdict.WARN if has_findings else Verdict.ACCEPT


# -- rows of the delivery ------------------------------------------------------------------------------------


def _counts(roster: Roster) -> dict[str, int]:
    composed = sum(group.composed for group in roster.groups)
    return {
        "pupils": len(roster.pupils),
        "groups": len(roster.groups) - composed,
        "composed": composed,
        "teachers": len(roster.teachers),
    }


def _insert_delivery(
    connection: Connection,
    school_id: int,
    source_id: int,
    roster: Roster,
    way: str,
    findings: Collection[Finding],
) -> int:
    return _delivery_row(
        connection,
        school_id=school_id,
        source_id=source_id,
        way=way,
        created_us=roster.created_us,
        school_year=roster.school_year,
        digest=roster.digest,
        size=roster.size,
        verdict=_verdict(findings),
        counts=json.dumps(_counts(roster)),
        findings=_findings_json(findings),
    )


def _delivery_row(connection: Connection, **values: object) -> int:
    inserted = connection.execute(
        insert(deliveries).values(what="roster", received_us=clock.now_us(), **values)
    ).inserted_primary_key
    assert inserted is not None
    return int(inserted[0])


def _findings_json(findings: Collection[Finding]) -> str:
    return json.dumps([dataclasses.asdict(finding) for finding in findings], ensure_ascii=False)


def _add_findings(connection: Connection, school_id: int, delivery_id: int, more: list[Finding]) -> list[Finding]:
    own = deliveries.c.school_id == school_id, deliveries.c.id == delivery_id
    stored = connection.scalar(select(deliveries.c.findings).where(*own))
    findings = [Finding(**{"remedy_en": load["remedy"]} | load) for load in json.loads(stored or "[]")] + more
    connection.execute(
        update(deliveries).where(*own).values(findings=_findings_json(findings), verdict=_verdict(findings))
    )
    return findings


def _insert_roster(
    connection: Connection,
    cipher: PiiCipher,
    scope: Scope,
    roster: Roster,
    delivery_id: int,
    state: str,
    because: str | None,
) -> int:
    roster_id = next_id(connection, rosters, scope.school_id)
    counts = _counts(roster)
    kept = _roster_json.dump_json(dataclasses.replace(roster, digest=b"", findings=()))
    sealed = cipher.encrypt(kept, _place(scope.school_id, roster_id)) if state == HELD else None
    connection.execute(
        insert(rosters).values(
            school_id=scope.school_id,
            id=roster_id,
            delivery_id=delivery_id,
            school_year=scope.school_year,
            location=scope.location,
            created_us=roster.created_us,
            pupil_count=counts["pupils"],
            group_count=counts["groups"],
            composed_count=counts["composed"],
            state=state,
            held_because=because,
            sealed=sealed,
        )
    )
    return roster_id


def _place(school_id: int, roster_id: int) -> bytes:
    return place(rosters.c.sealed, school_id, roster_id)


def _waiting(connection: Connection, school_id: int, roster_id: int) -> Row[*tuple[Any, ...]]:
    row = connection.execute(
        select(rosters).where(rosters.c.school_id == school_id, rosters.c.id == roster_id, rosters.c.state == HELD)
    ).one_or_none()
    if row is None:
        raise NotPending
    return row


def _drop_waiting(connection: Connection, scope: Scope, newer_id: int) -> None:
    """Rosters that still wait are overtaken by the one that came now."""
    connection.execute(
        update(rosters)
        .where(*scope.of(rosters), rosters.c.state == HELD, rosters.c.id != newer_id)
        .values(state=DROPPED, held_because=NEWER_CAME, sealed=None)
    )


def _record_answer(
    connection: Connection, school_id: int, source_id: int, cursor: str | None, *, new_data: bool
) -> None:
    if cursor is not None:  # else it was loaded from a file
        connections.record_answer(connection, school_id, source_id, new_data=new_data, cursor=cursor)


# -- applying -------------------------------------------------------------------------------------------------


def _apply(connection: Connection, cipher: PiiCipher, scope: Scope, roster: Roster, matching: Matching) -> int:
    """Bring pupils, classes, memberships and teachers to what the roster says; returns how many identifiers moved."""
    now = clock.now_us()
    pupil_ids, changed = _apply_pupils(connection, cipher, scope.school_id, matching)
    in_groups = pupil_groups(roster)
    group_ids = apply_groups(connection, scope, roster, in_groups, now)
    wanted = _wanted_memberships(roster, in_groups, group_ids, pupil_ids)
    _apply_links(connection, scope, memberships, "pupil_id", wanted, matching.disputed, now)
    taught = _apply_teachers(connection, cipher, scope.school_id, roster.teachers, group_ids)
    _apply_links(connection, scope, teacher_groups, "teacher_id", taught, frozenset(), now)
    return changed + identity.rematch(connection, scope.school_id)


def _apply_pupils(
    connection: Connection, cipher: PiiCipher, school_id: int, matching: Matching
) -> tuple[dict[RosterPupil, int], int]:
    """Write the pupils and whose their identifiers are; returns their ids and how many identifiers moved."""
    known = {row.id: row for row in connection.execute(select(pupils).where(pupils.c.school_id == school_id))}
    fresh_id = max(next_id(connection, pupils, school_id), erased.last_erased_pupil(connection, school_id) + 1)
    ids: dict[RosterPupil, int] = {}
    fresh: list[dict[str, object]] = []
    whose: dict[identity.IdentifierValue, int] = {}
    for matched in matching.pupils:
        values = {name: getattr(matched.pupil, name) for name in _PUPIL_VALUES}
        pupil_id = matched.pupil_id
        if pupil_id is None:
            pupil_id, fresh_id = fresh_id, fresh_id + 1
            fresh.append({"school_id": school_id, "id": pupil_id, **values})
        elif values != {name: getattr(known[pupil_id], name) for name in values}:
            connection.execute(
                update(pupils).where(pupils.c.school_id == school_id, pupils.c.id == pupil_id).values(**values)
            )
        ids[matched.pupil] = pupil_id
        whose |= {single: pupil_id for single, _ in matched.identifiers}
    if fresh:
        connection.execute(insert(pupils), fresh)
    named = [identifier for matched in matching.pupils for identifier in matched.identifiers]
    identity.ensure_identifiers(connection, cipher, school_id, named)
    return ids, identity.state_pupils(connection, school_id, whose)


_PUPIL_VALUES = ("first_name", "prefix", "last_name", "entered_on", "left_on")


def _wanted_memberships(
    roster: Roster,
    in_groups: dict[int, list[GroupKey]],
    group_ids: dict[GroupKey, int],
    pupil_ids: dict[RosterPupil, int],
) -> dict[tuple[int, int], dict[str, object]]:
    year_groups = {(group.composed, group.key): group.year_group for group in roster.groups}
    wanted: dict[tuple[int, int], dict[str, object]] = {}
    for index, pupil in enumerate(roster.pupils):
        if pupil not in pupil_ids:
            continue  # left out, with a finding
        base = year_groups.get((False, pupil.group)) if pupil.group is not None else None
        year_group = pupil.year_group or (None if base == "C" else base)
        for key in in_groups[index]:
            wanted[pupil_ids[pupil], group_ids[key]] = {"year_group": year_group, "location": pupil.location}
    return wanted


def _apply_teachers(
    connection: Connection,
    cipher: PiiCipher,
    school_id: int,
    roster_teachers: tuple[RosterTeacher, ...],
    group_ids: dict[GroupKey, int],
) -> dict[tuple[int, int], dict[str, object]]:
    """Write the teachers; returns which groups they teach, with their roles there."""
    known = {
        bytes(row.key_digest): row
        for row in connection.execute(select(teachers).where(teachers.c.school_id == school_id))
    }
    fresh_id = next_id(connection, teachers, school_id)
    taught: dict[tuple[int, int], dict[str, object]] = {}
    seen: dict[bytes, int] = {}
    for teacher in roster_teachers:
        key = teacher.las_key or teacher.eck_id
        if not key or (digest := cipher.rotating_digest("teacher", key)) in seen:
            continue
        values = {name: getattr(teacher, name) for name in ("first_name", "prefix", "last_name", "email")}
        values["roles"] = _roles(teacher.roles)
        row = known.get(digest)
        if row is None:
            seen[digest], fresh_id = fresh_id, fresh_id + 1
            where = place(teachers.c.key_sealed, school_id, seen[digest])
            keys = {"key_digest": digest, "key_sealed": cipher.encrypt(key.encode(), where)}
            connection.execute(insert(teachers).values(school_id=school_id, id=seen[digest], **keys, **values))
        else:
            seen[digest] = row.id
            if values != {name: getattr(row, name) for name in values}:
                connection.execute(
                    update(teachers).where(teachers.c.school_id == school_id, teachers.c.id == row.id).values(**values)
                )
        taught |= {
            (seen[digest], group_id): {"roles": _roles(roles)}
            for group_id, roles in _taught(teacher, group_ids).items()
        }
    return taught


def _taught(teacher: RosterTeacher, group_ids: dict[GroupKey, int]) -> dict[int, list[str]]:
    """The groups that a teacher teaches, with all roles of each, which a roster may name more than once."""
    named = [((False, key), roles) for key, roles in teacher.groups]
    named += [((True, key), roles) for key, roles in teacher.composed_groups]
    taught: dict[int, list[str]] = {}
    for key, roles in named:
        if key in group_ids:
            taught.setdefault(group_ids[key], []).extend(roles)
    return taught


def _roles(roles: Iterable[str]) -> str:
    """Roles as they are stored, each once; a comma stands between two, so one within becomes a semicolon."""
    return ",".join(dict.fromkeys(role.replace(",", ";") for role in roles))


def _apply_links(
    connection: Connection,
    scope: Scope,
    table: Table,
    owner: str,
    wanted: Mapping[tuple[int, int], dict[str, object]],
    untouched: Collection[int],
    now: int,
) -> None:
    """Make the open rows of `table` in the scope those of `wanted` (owner, group); untouched owners stay."""
    ids = select(groups.c.id).where(*scope.of(groups))
    rows = connection.execute(
        select(table).where(table.c.school_id == scope.school_id, table.c.group_id.in_(ids))
    ).all()
    last_from: dict[tuple[int, int], int] = {}
    open_rows: dict[tuple[int, int], Row[*tuple[Any, ...]]] = {}
    for row in rows:
        key = (getattr(row, owner), row.group_id)
        last_from[key] = max(row.from_us, last_from.get(key, 0))
        if row.to_us is None:
            open_rows[key] = row
    for key, row in open_rows.items():
        values = wanted.get(key)
        if values is None and key[0] not in untouched:
            _update_link(connection, table, owner, row, {"to_us": now})
        elif values is not None and values != {name: getattr(row, name) for name in values}:
            _update_link(connection, table, owner, row, values)
    fresh = [
        {
            "school_id": scope.school_id,
            owner: key[0],
            "group_id": key[1],
            "from_us": max(now, last_from.get(key, 0) + 1),
            **values,
        }
        for key, values in wanted.items()
        if key not in open_rows
    ]
    if fresh:
        connection.execute(insert(table), fresh)


def _update_link(
    connection: Connection, table: Table, owner: str, row: Row[*tuple[Any, ...]], values: dict[str, object]
) -> None:
    connection.execute(
        update(table)
        .where(
            table.c.school_id == row.school_id,
            table.c[owner] == getattr(row, owner),
            table.c.group_id == row.group_id,
            table.c.from_us == row.from_us,
        )
        .values(**values)
    )
