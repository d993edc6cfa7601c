"""A made-up school of any size, written straight into the tables: classes full of pupils, scores in every column.

All persons are made up.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import Connection, Engine, insert, text

from models.schema import database, tables
from models.schema.encryption import PiiCipher
from models.schema.records import Kind, Level, Norm, Part, Status, Term, TestDefinition
from models.schema.stored_result import StoredResult
from tests import encrypted
from tests.dashboard.school import BANDS, COUNT_RESULTS, NOW, YEAR, number, us

SCHOOL, TEACHER = 1, 1
SUBJECTS = ("rekenen", "spelling", "begrijpend lezen", "technisch lezen", "taal", "schrijven", "engels",
            "wereldoriëntatie", "aardrijkskunde", "geschiedenis", "natuur en techniek", "verkeer")  # fmt: skip
PARTS = ("Optellen", "Klokkijken", "Breuken", "Meten")
DAYS = ("2026-09-18", "2026-10-09", "2026-11-06")
DAY_BEFORE = "2026-03-13"  # of the school year before
LAS = 100

__all__ = ["NOW", "SCHOOL", "TEACHER", "build"]


def build(engine: Engine, cipher: PiiCipher, sizes: Sequence[int], columns: int) -> None:
    """Fill an empty store with a class of each size; the first teacher has the first class. The clock stands at NOW."""
    database.upgrade(engine)
    with database.write_transaction(engine) as connection:
        _people(connection, cipher, sizes)
        _sources(connection, columns)
        _tests(connection, columns)
        _results(connection, sum(sizes), columns)


def _many(connection: Connection, table: str, rows: list[dict[str, object]]) -> None:
    connection.execute(insert(tables.metadata.tables[table]), rows)


def _people(connection: Connection, cipher: PiiCipher, sizes: Sequence[int]) -> None:
    _many(connection, "schools", [{"id": SCHOOL, "name": "De Grote Vaart"}])
    _many(
        connection,
        "school_identifications",
        [{"school_id": SCHOOL, "scheme": "brin", "value": "99XX", "location": ""}],
    )
    classes = [(place + 1, f"{6 + place % 3}{'abcdefgh'[place // 3]}", 6 + place % 3) for place in range(len(sizes))]
    _many(
        connection,
        "classes",
        [
            {"school_id": SCHOOL, "id": i, "school_year": YEAR, "name": name, "location": "", "composed": False,
             "year_groups": str(year)}
            for i, name, year in classes
        ],
    )  # fmt: skip
    _many(
        connection,
        "groups",
        [
            {"school_id": SCHOOL, "id": i, "school_year": YEAR, "location": "", "composed": False, "key": name,
             "name": name, "year_group": str(year), "class_id": i}
            for i, name, year in classes
        ],
    )  # fmt: skip
    of_class = [(i, str(year)) for (i, _name, year), size in zip(classes, sizes, strict=True) for _ in range(size)]
    pupils = range(1, len(of_class) + 1)
    _many(
        connection,
        "pupils",
        [
            {"school_id": SCHOOL, "id": i, "first_name": f"Noor {i}", "prefix": "van", "last_name": f"Dijk-{i:03}"}
            for i in pupils
        ],
    )
    _many(
        connection,
        "memberships",
        [
            {"school_id": SCHOOL, "pupil_id": i, "group_id": group, "year_group": year, "from_us": us("2026-08-17")}
            for i, (group, year) in zip(pupils, of_class, strict=True)
        ],
    )
    _many(
        connection,
        "identifiers",
        [
            encrypted.identifier(cipher, SCHOOL, i, str(i))
            | {"pupil_id": i, "matched_by": "roster", "parked_because": None}
            for i in pupils
        ],
    )  # fmt: skip
    _many(
        connection,
        "teachers",
        [
            encrypted.teacher(cipher, SCHOOL, TEACHER) | {"first_name": "Hanna", "last_name": "Vos"}
        ],
    )  # fmt: skip
    _many(
        connection,
        "teacher_groups",
        [{"school_id": SCHOOL, "teacher_id": TEACHER, "group_id": 1, "from_us": us("2026-08-17")}],
    )


def _sources(connection: Connection, columns: int) -> None:
    publishers = [(i + 1, f"p{i}", f"Uitgever {i + 1}", "publisher") for i in range(columns)]
    named = [*publishers, (LAS, "las", "Schoolregister", "las")]
    _many(
        connection,
        "sources",
        [{"id": i, "key": key, "name": name, "role": role, "material": None} for i, key, name, role in named],
    )
    reached = us("2026-11-25", "06:30")
    _many(
        connection,
        "source_connections",
        [
            {"school_id": SCHOOL, "source_id": i, "last_try_us": reached, "failures": 0,
             "last_success_us": reached, "last_data_us": reached}
            for i, _key, _name, _role in named
        ],
    )  # fmt: skip
    _many(
        connection,
        "work_queue",
        [
            {"kind": "poll", "thread": f"source {i}", "title": key, "school_id": SCHOOL, "source_id": i,
             "created_us": us("2026-11-26", "07:30"), "next_try_us": us("2026-11-26", "14:00")}
            for i, key, _name, _role in named
        ],
    )  # fmt: skip
    _many(
        connection,
        "deliveries",
        [
            {
                "id": i, "school_id": SCHOOL, "source_id": i, "what": "roster" if role == "las" else "results",
                "way": "pull", "received_us": reached, "created_us": reached, "created_text": "2026-11-25T06:30:00",
                "school_year": YEAR, "xsd_version": "2.2", "digest": hashlib.sha256(str(i).encode()).digest(),
                "size": 1000, "verdict": "accept", "fault": None, "counts": "{}", "findings": "[]",
            }
            for i, _key, _name, role in named
        ],
    )  # fmt: skip


def _definition(column: int, place: int) -> TestDefinition:
    """A test of a column; every other column has parts, each third no norm."""
    parts = tuple(Part(i + 1, Term(f"C{column}-T{place}-{i}"), name, Norm(BANDS)) for i, name in enumerate(PARTS))
    return TestDefinition(
        Term(f"C{column}-T{place}"),
        name=f"Toets blok {place + 1}",
        subject=Term(SUBJECTS[column % len(SUBJECTS)]),
        norm=None if column % 3 == 2 else Norm(BANDS),
        hierarchy=(Level(0, Term(f"Leerlijn {column + 1}")), Level(1, Term(f"Toets blok {place + 1}"))),
        parts=parts if column % 2 == 0 else None,
    )


def _test_id(column: int, place: int) -> int:
    return column * (len(DAYS) + 1) + place + 1


def _tests(connection: Connection, columns: int) -> None:
    found = [(column, place, _definition(column, place)) for column in range(columns) for place in range(len(DAYS) + 1)]
    _many(
        connection,
        "tests",
        [
            {"school_id": SCHOOL, "id": _test_id(column, place), "source_id": column + 1, "code": definition.code.text,
             "version": ""}
            for column, place, definition in found
        ],
    )  # fmt: skip
    _many(
        connection,
        "test_definitions",
        [
            {
                "school_id": SCHOOL,
                "id": _test_id(column, place),
                "source_id": column + 1,
                "digest": hashlib.md5(f"{column}-{place}".encode()).digest(),
                "code": definition.code.text,
                "name": definition.name,
                "subject_term": definition.subject.text if definition.subject else None,
                "material": definition.hierarchy[0].term.text,
                "body": json.dumps(asdict(definition)),
                "newest_us": us("2026-11-24"),
            }
            for column, place, definition in found
        ],
    )
    codes = [part.code.text for _column, _place, definition in found for part in definition.parts or ()]
    _many(connection, "parts", [{"school_id": SCHOOL, "id": i + 1, "code": code} for i, code in enumerate(codes)])


def _results(connection: Connection, pupils: int, columns: int) -> None:
    part_ids: dict[str, int] = {}
    for column in range(columns):
        for place in range(len(DAYS) + 1):
            for part in _definition(column, place).parts or ():
                part_ids[part.code.text] = len(part_ids) + 1
    rows: list[dict[str, object]] = []

    def add(pupil: int, column: int, place: int, kind: Kind = Kind.SCORE, part: int = 0, **values: object) -> None:
        day = (*DAYS, DAY_BEFORE)[place]
        rows.append(
            dict.fromkeys(StoredResult._fields)
            | {
                "school_id": SCHOOL, "source_id": column + 1, "key": f"k{len(rows)}", "kind": int(kind),
                "progress": kind == Kind.PROGRESS,
                "identifier_id": pupil, "test_id": _test_id(column, place), "part_id": part,
                "definition_id": _test_id(column, place), "taken_on": day, "school_year": YEAR, "created_us": us(day),
                "digest64": len(rows), "delivery_id": column + 1, "arrived_us": 0,
            } | values
        )  # fmt: skip

    for pupil in range(1, pupils + 1):
        for column in range(columns):
            for place in range(len(DAYS) + 1):
                score = 25 + (pupil * 37 + column * 23 + place * 11) % 76
                add(pupil, column, place, **number(score))
                for i, part in enumerate(_definition(column, place).parts or ()):
                    part_score = 25 + (pupil * 17 + column * 7 + place * 29 + i * 13) % 76
                    add(pupil, column, place, part=part_ids[part.code.text], **number(part_score))
            status = Status.DONE if pupil % 3 else Status.BUSY
            add(
                pupil, column, len(DAYS) - 1, Kind.PROGRESS, status=int(status), offered=40,
                made=40 if pupil % 3 else 12, correct=30, worked_ms=1_800_000,
            )  # fmt: skip
    _many(connection, "results", rows)
    connection.execute(text(COUNT_RESULTS))
