"""A store with something in every table that keeps data of schools, and all that the program reads of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from dataclasses import fields, is_dataclass, replace
from typing import Any

from sqlalchemy import Connection, Engine, column, insert, inspect, select, table, text
from sqlalchemy.types import TypeEngine

from connectors.uwlr.agreement import TOLERANT
from models.access.viewer import Role, Viewer
from models.classroom import goals, notes, signal_resolutions
from models.classroom.class_overview import class_overview
from models.classroom.class_state import class_state
from models.classroom.class_thresholds import changes, set_thresholds
from models.classroom.holidays import read_holidays
from models.classroom.notes import NoteKind
from models.classroom.signal_resolutions import ResolutionAction, SignalTarget
from models.classroom.timeline import provenance, pupil_timeline
from models.ingest import connection_overview, identity, quarantine, rosters, senders
from models.ingest import deliveries as delivery_list
from models.ingest.result_store import Receipt
from models.ingest.schools import Identification
from models.results.periods import of_school_year
from models.results.subject_mapping import map_subject, mapped_terms
from models.schema import clock, database
from models.schema.records import PupilRef, Roster, RosterGroup, RosterPupil, RosterTeacher, SchoolRef, Verdict
from models.schema.tables import metadata
from models.schema.terms import SenderTerms
from tests.conftest import Store
from tests.dashboard import school
from tests.models.every_kind import every_kind, stored
from tests.models.test_store import take
from tests.uwlr.messages import message

Columns = dict[str, set[str]]  # of each table the names

HANNA = Viewer(school.SCHOOL, Role.SUPPORT, school.TEACHER_A, "Hanna Vos")
ADMINISTRATOR = Viewer(school.SCHOOL, Role.ADMINISTRATOR, name="beheerder")
ELSEWHERE = Viewer(school.OTHER_SCHOOL, Role.ADMINISTRATOR, name="beheerder")
LARS, BENTE = 12, 2

# What was sent of Lars: a value, the one that took its place, one that came too late, and the first once more.
SENT = ((7, "2026-11-11"), (8, "2026-11-13"), (6, "2026-11-12"), (7, "2026-11-14"))
ROSTER = Roster(
    school_year=school.YEAR,
    school=SchoolRef(brin="99YY"),
    school_name=None,
    created_us=1_000,
    groups=(RosterGroup("7", "7a", year_group="7"), RosterGroup("p", "Plusgroep", composed=True)),
    pupils=tuple(
        RosterPupil(f"k{number}", None, f"Roep{number}", "van", f"Achter{number}", "7", "7", ("p",))
        for number in range(4)
    ),
    teachers=(RosterTeacher("t1", None, "Jo", None, "Berg", roles=("LRK",), groups=(("7", ("LRK",)),)),),
    digest=b"r" * 32,
)


def send(store: Store, score: int, made_on: str) -> Receipt:
    """Take in results of every kind of Lars."""
    return take(store, every_kind(score, made_on, pupil=f"L1{LARS:04}"), agreement=TOLERANT)


def fill(store: Store) -> None:
    """Fill an empty store; the clock must stand at school.NOW."""
    engine, cipher = store.engine, store.cipher
    school.build(engine, cipher)
    with clock.fixed(school.NOW):
        for item in SENT:
            assert send(store, *item).verdict is not Verdict.REJECT
        take(store, message(scores=["bad"]))
    save = {"school_id": school.OTHER_SCHOOL, "source_id": school.LAS, "way": "load"}
    rosters.save_roster(engine, cipher, roster=ROSTER, **save)  # type: ignore[arg-type]
    roster = replace(ROSTER, groups=(), created_us=2_000, digest=b"h" * 32)
    assert rosters.save_roster(engine, cipher, roster=roster, **save).state == rosters.HELD  # type: ignore[arg-type]
    with database.write_transaction(engine, school.SCHOOL) as connection:
        pair = PupilRef("20418", "https://ketenid.nl/pilot/" + "a" * 128)
        (identifier_id,) = identity.identify(connection, cipher, school.SCHOOL, [pair])
        identity.link(connection, ADMINISTRATOR, identifier_id, BENTE)
        goals.set_goal(connection, HANNA, LARS, school.LEVELS_FIELD, 10_000)
        goals.set_goal(connection, HANNA, LARS, school.SPELL_FIELD, 20_000, "2027-01-31")
        goals.set_due_date(connection, HANNA, school.CLASS_A, 1, "2026-12-01")
        set_thresholds(connection, HANNA, school.CLASS_A, {"drop_percent": 20})
        about = SignalTarget("drop", 1, None, school.LEVELS_FIELD.key)
        signal_resolutions.resolve_signal(
            connection, HANNA, about, "2026-10-01 7 80,2026-11-02 5 60", ResolutionAction.SEEN
        )
        notes.write_note(connection, cipher, HANNA, LARS, NoteKind.AGREEMENT, "Elke dag lezen.", until_on="2026-12-20")
        map_subject(connection, ADMINISTRATOR, school.QUESTIONS, "term", "topografie", "geography")
    with database.write_transaction(engine) as connection:
        source_id = senders.add_sender(connection, cipher, "zender", "Zender", "K-1", SenderTerms(), "command")
        senders.add_key(connection, cipher, source_id, "sleutel", [Identification("brin", "99XX")])


def everything(store: Store) -> dict[str, object]:
    """What the program's own functions read of a store; of the history, which no page shows, the rows."""
    year = of_school_year(school.YEAR)
    cipher = store.cipher
    with clock.fixed(school.NOW), database.read_transaction(store.engine) as connection:
        messages = quarantine.quarantined_messages(connection)
        lars = pupil_timeline(connection, HANNA, LARS, year)
        assert lars is not None
        sittings = [sitting for series in lars.series for sitting in series.sittings]
        both = class_state(connection, HANNA, [school.CLASS_A, school.CLASS_B], school.YEAR, read_holidays(), year)
        return {
            "overview": class_overview(both.class_data, year),
            "state": class_state(connection, HANNA, [school.CLASS_A], school.YEAR, read_holidays(), year),
            "lars": lars,
            "why": [provenance(connection, HANNA, LARS, sitting.test_id, sitting.taken_on, 0) for sitting in sittings],
            "bente": pupil_timeline(connection, HANNA, BENTE, year),
            "connections": [
                connection_overview.connection_overview(connection, viewer) for viewer in (ADMINISTRATOR, ELSEWHERE)
            ],
            "parked": identity.parked(connection, ADMINISTRATOR, cipher),
            "kept": [(message, quarantine.raw(connection, cipher, message.delivery_id)) for message in messages],
            "deliveries": list(delivery_list.newest(store.engine)),
            "goals": goals.goals_of(connection, HANNA, [LARS, BENTE]),
            "due": goals.due_dates_of(connection, HANNA, [school.CLASS_A]),
            "marks": signal_resolutions.newest_resolutions(connection, HANNA, [1], []),
            "notes": notes.notes_of(connection, cipher, HANNA, [LARS]),
            "thresholds": changes(connection, HANNA, school.CLASS_A),
            "subjects": mapped_terms(connection, ADMINISTRATOR),
            "senders": senders.all_senders(connection),
            "results": stored(store.engine, "results"),
            "history": stored(store.engine, "result_history"),
        }


def any_order(value: Any) -> Any:
    """What was read, without the order of records and of numbers of pupils, which may be the database's own."""
    if is_dataclass(value) and not isinstance(value, type):
        compared = [item.name for item in fields(value) if item.compare]  # without what is only kept for speed
        return type(value).__name__, {name: any_order(getattr(value, name)) for name in compared}
    if isinstance(value, dict):
        return {name: any_order(item) for name, item in value.items()}
    if isinstance(value, list) or type(value) is tuple:
        found = [any_order(item) for item in value]
        unordered = all(is_dataclass(item) or hasattr(item, "_fields") or isinstance(item, int) for item in value)
        return sorted(found, key=repr) if unordered else found
    return value


def copy_rows(origin: Engine, target: Engine, tables: Collection[str], *, as_then: bool) -> None:
    """The rows of these tables; `as_then`: as a program of the revision of the target wrote them."""
    columns = {
        name: {column["name"] for column in several}
        for (_schema, name), several in inspect(target).get_multi_columns().items()
    }
    if "couplings" in tables:  # before 0007
        tables = {*tables, "source_connections", "work_queue"}
    with (
        database.read_transaction(origin) as reading,
        database.write_transaction(target, raises_version=False) as writing,
    ):
        _copy_rows(reading, writing, columns, tables, as_then)


def _copy_rows(
    reading: Connection, writing: Connection, present: Columns, tables: Collection[str], as_then: bool
) -> None:
    revision = str(writing.scalar(text("SELECT version_num FROM alembic_version")))
    for one in (known for known in metadata.sorted_tables if known.name in tables):
        rows = [dict(row) for row in reading.execute(select(one)).mappings()]
        if one.name == "source_connections" and "senders" not in tables:
            rows = [row for row in rows if not row["pushes"]]
        if "arrived_us" in one.columns:
            rows = [row | {"arrived_us": 0} for row in rows]  # as if nobody had recorded it
        if as_then and one.name == "result_history":
            rows = [_with_digest_of(revision, row) for row in rows]
        if as_then and one.name == "signal_marks" and "source_id" not in present["goals"]:
            rows = [_without_source(row) for row in rows]
        if as_then and one.name == "source_connections" and "couplings" in tables:
            _insert(writing, present, "couplings", {}, [_with_next_try(reading, row) for row in rows])
        elif not as_then or one.name != "work_queue" or "couplings" not in tables:
            types = {column.name: column.type for column in one.columns}
            _insert(writing, present, one.name, types, rows)


def _insert(
    connection: Connection, present: Columns, name: str, types: dict[str, TypeEngine[Any]], rows: list[dict[str, Any]]
) -> None:
    """Insert rows into a table, as far as it has their columns."""
    if not rows:
        return
    names = sorted(present[name] & set(rows[0]))
    into = table(name, *(column(item, types.get(item)) for item in names))
    connection.execute(insert(into), [{item: row[item] for item in names} for row in rows])
    if connection.dialect.name == "postgresql" and name in ("deliveries", "work_queue"):
        last = f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), (SELECT max(id) FROM {name}))"
        connection.execute(text(last))


def _with_next_try(connection: Connection, row: dict[str, Any]) -> dict[str, Any]:
    """A connection as programs before 0007 knew it: with its place in what was the queue of polls."""
    queue = metadata.tables["work_queue"]
    own = queue.c.school_id == row["school_id"], queue.c.source_id == row["source_id"]
    poll = connection.execute(select(queue).where(*own)).mappings().one_or_none()
    never = {"next_try_us": 0, "lease": None, "leased_until_us": None}  # of a source that sends by itself
    return {**row, **(never if poll is None else {name: poll[name] for name in never})}


# What the digest of a value was made from before 0008; the kind was in the key.
VALUE = (
    "identifier_id", "test_id", "definition_id", "part_id", "taken_on", "score", "score_text", "absence", "status",
    "worked_ms", "offered", "made", "correct", "detail", "info_url", "taken_text", "school_year",
)  # fmt: skip


def _with_digest_of(revision: str, row: dict[str, Any]) -> dict[str, Any]:
    """A value with the digest that programs of this revision knew it by."""
    if revision >= "0008":
        return row
    if revision < "0005":
        return row | {"value_digest": _blake2b(repr(tuple(row[name] for name in VALUE)), 16)}
    reading = {name: row[name] for name in VALUE if row[name] is not None}
    body = json.dumps(reading, sort_keys=True, separators=(",", ":"))
    return row | {"value_digest": b"\x01" + _blake2b(body, 15)}


def _blake2b(body: str, size: int) -> bytes:
    return hashlib.blake2b(body.encode(), digest_size=size).digest()


def _without_source(row: dict[str, Any]) -> dict[str, Any]:
    """A settled signal as programs before 0004 wrote it: a material without its source, the test before the day."""
    facts = [fact.split(" ") for fact in row["evidence"].split(",")]
    evidence = ",".join(f"{test} {day} {value}" for day, test, value in facts)
    return row | {"scope": row["scope"].rpartition("|")[0], "evidence": evidence}
