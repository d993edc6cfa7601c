"""Everything that is stored about one pupil, for who may ask for it: the pupil and their parents, through the school.

An ECK iD is not given out: it is only said that there is one.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, Table, and_, select

from models.access.people import can_see_all
from models.access.viewer import AccessDenied, Viewer
from models.ingest.erasure import Person, find_pupil
from models.ingest.identity import LAS
from models.schema import clock
from models.schema.database import portions
from models.schema.encrypted_columns import place
from models.schema.encryption import PiiCipher
from models.schema.records import SCALE, Absence, Kind, Status
from models.schema.tables import (
    account_roles,
    accounts,
    classes,
    deliveries,
    goals,
    groups,
    identifier_links,
    identifiers,
    legal_holds,
    memberships,
    notes,
    parts,
    pupils,
    result_history,
    results,
    schools,
    signal_marks,
    sources,
    test_definitions,
)

Record = dict[str, Any]  # its values are texts, numbers, True, False or None
PupilFile = dict[str, list[Record]]


def file_for(connection: Connection, cipher: PiiCipher, viewer: Viewer, pupil_id: int) -> PupilFile:
    """All data about a pupil, for who may read all of it. Raises AccessDenied."""
    if not viewer.gives_pupil_files or not can_see_all(connection, viewer, [pupil_id]):
        raise AccessDenied("the file of a pupil is for learning support of the school")
    return pupil_file(connection, cipher, find_pupil(connection, cipher, viewer.school_id, pupil_id))


def pupil_file(connection: Connection, cipher: PiiCipher, person: Person) -> PupilFile:
    """All data about a pupil by sections, as JSON holds it; moments are ISO texts with their zone. For operators.

    Restricted notes and earlier values are in it too: the school judges what it leaves out.
    """
    school = connection.scalar(select(schools.c.name).where(schools.c.id == person.school_id))

    def read(make: Callable[[Row[Any]], Record], query: Select[Any]) -> list[Record]:
        return [make(row) for row in connection.execute(query)]

    def note(row: Row[Any]) -> Record:
        return _note(row, cipher.decrypt(row.sealed, place(notes.c.sealed, row.school_id, row.id)).decode())

    def identifier(row: Row[Any]) -> Record:
        where = place(identifiers.c.sealed, row.school_id, row.id)
        return _identifier(row, cipher.decrypt(row.sealed, where).decode() if row.kind == LAS else None)

    identifier_rows = select(identifiers).order_by(identifiers.c.id)
    return {
        "file": [{"school": school, "made_at": _moment(clock.now_us())}],
        "pupil": read(_pupil, select(pupils).where(_of_pupil(pupils, person, "id"))),
        "identifiers": [
            record
            for portion in portions(person.identifier_ids)
            for record in read(identifier, identifier_rows.where(_in(identifiers, person, "id", portion)))
        ],
        "links_by_hand": read(_link, select(identifier_links).where(_of_pupil(identifier_links, person))),
        "classes": read(_membership, _memberships().where(_of_pupil(memberships, person))),
        "results": _results(connection, results, person),
        "earlier_values": _results(connection, result_history, person),
        "goals": read(_goal, select(goals).where(_of_pupil(goals, person)).order_by(goals.c.id)),
        "notes": read(note, select(notes).where(_of_pupil(notes, person)).order_by(notes.c.id)),
        "signals": read(
            _signal, select(signal_marks).where(_of_pupil(signal_marks, person)).order_by(signal_marks.c.id)
        ),
        "accounts": read(_account, _accounts().where(_of_pupil(account_roles, person))),
        "legal_holds": read(
            _hold, select(legal_holds).where(_of_pupil(legal_holds, person)).order_by(legal_holds.c.id)
        ),
    }


def _of_pupil(table: Table, person: Person, column: str = "pupil_id") -> ColumnElement[bool]:
    return and_(table.c.school_id == person.school_id, table.c[column] == person.pupil_id)


def _in(table: Table, person: Person, column: str, ids: Any) -> ColumnElement[bool]:
    return and_(table.c.school_id == person.school_id, table.c[column].in_(ids))


def _moment(us: int | None) -> str | None:
    return None if us is None else clock.from_us(us).astimezone(clock.AMSTERDAM).isoformat(timespec="seconds")


# -- records -------------------------------------------------------------------------------------------------


def _pupil(row: Row[Any]) -> Record:
    return {
        "number": row.id, "first_name": row.first_name, "prefix": row.prefix, "last_name": row.last_name,
        "entered_on": row.entered_on, "left_on": row.left_on,
    }  # fmt: skip


def _identifier(row: Row[Any], value: str | None) -> Record:
    """What is known of an identifier; the value of a LAS key only."""
    return {"kind": row.kind, "value": value, "matched_by": row.matched_by, "parked_because": row.parked_because}


def _link(row: Row[Any]) -> Record:
    return {
        "linked_by": row.linked_by, "linked_at": _moment(row.linked_us), "undone_by": row.undone_by,
        "undone_at": _moment(row.undone_us),
    }  # fmt: skip


def _memberships() -> Select[Any]:
    return (
        select(
            memberships, classes.c.school_year, classes.c.name.label("class_name"), groups.c.name.label("group_name")
        )
        .join(groups, and_(groups.c.school_id == memberships.c.school_id, groups.c.id == memberships.c.group_id))
        .join(classes, and_(classes.c.school_id == groups.c.school_id, classes.c.id == groups.c.class_id))
        .order_by(memberships.c.from_us)
    )


def _membership(row: Row[Any]) -> Record:
    return {
        "school_year": row.school_year, "class": row.class_name, "group": row.group_name,
        "year_group": row.year_group, "location": row.location, "from": _moment(row.from_us),
        "until": _moment(row.to_us),
    }  # fmt: skip


def _results(connection: Connection, table: Table, person: Person) -> list[Record]:
    """The results of one table, by day; each as the source stated it, with the message that it came with."""
    query = (
        select(
            table,
            sources.c.name.label("source"),
            test_definitions.c.code.label("test_code"),
            test_definitions.c.name.label("test_name"),
            test_definitions.c.subject_term,
            test_definitions.c.material,
            parts.c.code.label("part"),
            deliveries.c.received_us,
        )
        .join(sources, sources.c.id == table.c.source_id)
        .join(
            test_definitions,
            and_(test_definitions.c.school_id == table.c.school_id, test_definitions.c.id == table.c.definition_id),
        )
        .outerjoin(parts, and_(parts.c.school_id == table.c.school_id, parts.c.id == table.c.part_id))
        .outerjoin(
            deliveries, and_(deliveries.c.school_id == table.c.school_id, deliveries.c.id == table.c.delivery_id)
        )
    )
    records = [
        _result(row)
        for portion in portions(person.identifier_ids)
        for row in connection.execute(query.where(_in(table, person, "identifier_id", portion)))
    ]
    return sorted(records, key=lambda record: (record["taken_on"], record["source"], record["key"]))


def _result(row: Row[Any]) -> Record:
    return {
        "source": row.source, "subject": row.subject_term, "material": row.material, "test": row.test_name,
        "test_code": row.test_code, "part": row.part, "taken_on": row.taken_on, "school_year": row.school_year,
        "kind": Kind(row.kind).name.lower(), "score": None if row.score is None else row.score / SCALE,
        "score_as_sent": row.score_text,
        "no_score_because": None if row.absence is None else Absence(row.absence).name.lower(),
        "status": None if row.status is None else Status(row.status).name.lower(),
        "seconds_worked": None if row.worked_ms is None else row.worked_ms / 1000, "exercises_offered": row.offered,
        "exercises_made": row.made, "exercises_right": row.correct,
        "more": None if row.detail is None else json.loads(row.detail), "link": row.info_url, "key": row.key,
        "message_made_at": _moment(row.created_us), "message_received_at": _moment(row.received_us),
    }  # fmt: skip


def _goal(row: Row[Any]) -> Record:
    return {
        "subject": row.subject, "material": row.material, "value": row.value / SCALE, "due_on": row.due_on,
        "set_by": row.set_by, "set_at": _moment(row.set_us), "ended_at": _moment(row.ended_us),
    }  # fmt: skip


def _note(row: Row[Any], text: str) -> Record:
    return {
        "kind": row.kind, "text": text, "restricted": row.restricted, "for_pupil": row.for_pupil,
        "until_on": row.until_on, "author": row.author,
        "written_at": _moment(row.written_us), "settled_by": row.settled_by, "settled_at": _moment(row.settled_us),
        "corrected": row.replaced_by is not None, "withdrawn_at": _moment(row.withdrawn_us),
    }  # fmt: skip


def _signal(row: Row[Any]) -> Record:
    return {
        "rule": row.rule, "about": row.scope, "evidence": row.evidence, "action": row.action,
        "settled_by": row.marked_by, "settled_at": _moment(row.marked_us),
    }  # fmt: skip


def _accounts() -> Select[Any]:
    return (
        select(account_roles, accounts.c.name, accounts.c.signed_in_us)
        .join(accounts, accounts.c.id == account_roles.c.account_id)
        .order_by(account_roles.c.id)
    )


def _account(row: Row[Any]) -> Record:
    """Who was linked to the pupil, as the pupil or a parent."""
    return {
        "role": row.role, "name": row.name, "given_by": row.granted_by, "given_at": _moment(row.granted_us),
        "ended_by": row.ended_by, "ended_at": _moment(row.ended_us), "last_signed_in_at": _moment(row.signed_in_us),
    }  # fmt: skip


def _hold(row: Row[Any]) -> Record:
    return {
        "placed_by": row.placed_by, "placed_at": _moment(row.placed_us), "ended_by": row.ended_by,
        "ended_at": _moment(row.ended_us),
    }  # fmt: skip
