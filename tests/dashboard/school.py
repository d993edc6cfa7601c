"""A small known school, written straight into the tables: its numbers can be recomputed by hand and by SQL.

Class 6a has twelve pupils and four publishers; class 6b is another teacher's. All persons are made up.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from datetime import datetime, timedelta

from sqlalchemy import Connection, Engine, insert, text

from models.results.subject_materials import SubjectMaterial
from models.results.subjects import UNMAPPED
from models.schema import clock, database, tables
from models.schema.encryption import PiiCipher
from models.schema.records import Absence, Band, Kind, Level, Norm, Part, Status, Term, TestDefinition
from models.schema.stored_result import StoredResult
from tests import encrypted

NOW = datetime(2026, 11, 26, 8, 12, tzinfo=clock.AMSTERDAM)
YEAR = "2026-2027"
SCHOOL, OTHER_SCHOOL = 1, 2
CLASS_A, CLASS_B, CLASS_ELSEWHERE = 1, 2, 3
TEACHER_A, TEACHER_B = 1, 2
SUMS, SPELL, LEVELS, QUESTIONS, SILENT, LAS = 1, 2, 3, 4, 5, 6
SUMS_FIELD = SubjectMaterial("arithmetic", "Cijferpad groep 6", SUMS)
SPELL_FIELD = SubjectMaterial("spelling", "Letterlab", SPELL)
LEVELS_FIELD = SubjectMaterial("arithmetic", "Peillijn", LEVELS)
QUESTIONS_FIELD = SubjectMaterial(UNMAPPED, "Vraagstuk", QUESTIONS)

NAMES = (
    ("Aïsha", "", "Bouzid"),
    ("Bente", "van der", "Laan"),
    ("Cas", "", "Ruiter"),
    ("Dilan", "", "Yılmaz"),
    ("Esra", "", "Koç"),
    ("Fedde", "", "Hoekstra"),
    ("Guusje", "de", "Wilde"),
    ("Hidde", "", "Postma"),
    ("Ilse", "", "Verhoeven"),
    ("Jonas", "ter", "Horst"),
    ("Kyra", "", "Ramdin"),
    ("Lars", "", "Boon"),
)
NAMES_B = (("Mila", "", "Prins"), ("Nouri", "", "Saïd"), ("Otis", "", "Veldkamp"))

# Sums: percentages right in block tests with a norm of three bands and three parts.
SUMS_BLOCK_2 = (76, 81, 68, 90, 60, 55, 79, 84, 72, 0, 66, None)
SUMS_BLOCK_3 = (58, 84, 74, 92, 60, 49, 81, 80, 59, 0, None, None)
SPELL_WEEK = (71.5, 80, 66, 0, 92.5, 48, None, 77, 85, 63, 59, None)
SKILL = (212, 203, 192, 221, 199, 188, 217, 209, 196, 170, 206, None)
FIFTH = ("II", "III", "IV", "I", "III", "V", "I", "II", "IV", "V", "III", None)

ECK_ID, ECK_FROM = "https://ketenid.nl/201703/{:0128x}", 1000  # of each pupil; from which number their rows are

# What the program keeps up to date itself where results come in by messages.
COUNT_RESULTS = (
    "INSERT INTO result_counts (school_id, source_id, school_year, stored) "
    "SELECT school_id, source_id, school_year, count(*) FROM results GROUP BY school_id, source_id, school_year"
)


def build(engine: Engine, cipher: PiiCipher) -> None:
    """Fill an empty store; the clock must stand at NOW."""
    database.upgrade(engine)
    with database.write_transaction(engine) as connection:
        _people(connection, cipher)
        _sources(connection)
        _results(connection)
        if connection.dialect.name == "postgresql":  # its own numbers come after those given here
            own = "coalesce(to_regclass('rondblik_own.deliveries'), to_regclass('deliveries'))::text"  # also on nodes
            last = f"SELECT setval(pg_get_serial_sequence({own}, 'id'), (SELECT max(id) FROM deliveries))"
            connection.execute(text(last))


def us(day: str, hour: str = "16:20") -> int:
    """An instant in the Netherlands as the store keeps it."""
    return clock.to_us(datetime.fromisoformat(f"{day}T{hour}"))


def _many(connection: Connection, table: str, rows: list[dict[str, object]]) -> None:
    connection.execute(insert(tables.metadata.tables[table]), rows)


def _people(connection: Connection, cipher: PiiCipher) -> None:
    _many(connection, "schools", [{"id": SCHOOL, "name": "De Wissel"}, {"id": OTHER_SCHOOL, "name": "Elders"}])
    _many(
        connection,
        "school_identifications",
        [
            {"school_id": SCHOOL, "scheme": "brin", "value": "99XX", "location": ""},
            {"school_id": OTHER_SCHOOL, "scheme": "brin", "value": "99YY", "location": ""},
        ],
    )
    start = us("2026-08-17")
    groups = [(SCHOOL, 1, "6a", CLASS_A), (SCHOOL, 2, "6b", CLASS_B), (OTHER_SCHOOL, 1, "6z", CLASS_ELSEWHERE)]
    _many(
        connection,
        "classes",
        [
            {"school_id": s, "id": c, "school_year": YEAR, "name": name, "location": "", "composed": False,
             "year_groups": "6"}
            for s, _, name, c in groups
        ],
    )  # fmt: skip
    _many(
        connection,
        "groups",
        [
            {"school_id": s, "id": g, "school_year": YEAR, "location": "", "composed": False, "key": name,
             "name": name, "year_group": "6", "class_id": c}
            for s, g, name, c in groups
        ],
    )  # fmt: skip
    everyone = [(SCHOOL, place + 1, 1, name) for place, name in enumerate(NAMES)]
    everyone += [(SCHOOL, 101 + place, 2, name) for place, name in enumerate(NAMES_B)]
    everyone += [(OTHER_SCHOOL, 1, 1, ("Zoë", "", "Anders"))]
    _many(
        connection,
        "pupils",
        [{"school_id": s, "id": p, "first_name": n[0], "prefix": n[1], "last_name": n[2]} for s, p, _, n in everyone],
    )
    _many(
        connection,
        "memberships",
        [
            {"school_id": s, "pupil_id": p, "group_id": g, "year_group": "6", "from_us": start}
            for s, p, g, _ in everyone
        ],
    )
    # A pupil who left the class: not shown.
    _many(
        connection,
        "pupils",
        [{"school_id": SCHOOL, "id": 90, "first_name": "Weg", "prefix": "", "last_name": "Verhuisd"}],
    )
    _many(
        connection,
        "memberships",
        [{"school_id": SCHOOL, "pupil_id": 90, "group_id": 1, "from_us": start, "to_us": us("2026-10-01")}],
    )
    rows = [
        encrypted.identifier(cipher, s, p, f"L{s}{p:04}")
        | {"pupil_id": p, "matched_by": "roster", "parked_because": None}
        for s, p, _, _ in everyone
    ]  # fmt: skip
    rows += [
        encrypted.identifier(cipher, s, ECK_FROM + p, ECK_ID.format(s * 1000 + p), kind="eck")
        | {"pupil_id": p, "matched_by": "roster", "parked_because": None}
        for s, p, _, _ in everyone
    ]
    rows.append(
        encrypted.identifier(cipher, SCHOOL, 90, "L10090")
        | {"pupil_id": 90, "matched_by": "roster", "parked_because": None}
    )
    rows.append(
        encrypted.identifier(cipher, SCHOOL, 500, "20417")
        | {"pupil_id": None, "matched_by": None, "parked_because": "unknown"}
    )
    _many(connection, "identifiers", rows)
    teachers = [(SCHOOL, TEACHER_A, "Hanna", "Vos", 1), (SCHOOL, TEACHER_B, "Joris", "Blom", 2)]
    _many(
        connection,
        "teachers",
        [
            encrypted.teacher(cipher, s, t) | {"first_name": first, "last_name": last}
            for s, t, first, last, _ in teachers
        ],
    )
    _many(
        connection,
        "teacher_groups",
        [{"school_id": s, "teacher_id": t, "group_id": g, "from_us": start} for s, t, _, _, g in teachers],
    )


def _sources(connection: Connection) -> None:
    named = [
        (SUMS, "sums", "Cijferpad", "publisher"),
        (SPELL, "spell", "Letterlab", "publisher"),
        (LEVELS, "levels", "Peillijn", "publisher"),
        (QUESTIONS, "questions", "Vraagstuk", "publisher"),
        (SILENT, "silent", "Stiltewerk", "publisher"),
        (LAS, "las", "Schoolregister", "las"),
    ]
    _many(
        connection,
        "sources",
        [{"id": i, "key": key, "name": name, "role": role, "material": None} for i, key, name, role in named],
    )
    reached = {
        SUMS: "2026-11-24",
        SPELL: "2026-11-26",
        LEVELS: "2026-11-23",
        QUESTIONS: "2026-11-25",
        LAS: "2026-11-25",
    }
    _many(
        connection,
        "source_connections",
        [
            {
                "school_id": SCHOOL, "source_id": i,
                "last_try_us": us("2026-11-26", "07:30"), "failures": 0 if i in reached else 14,
                "last_success_us": us(reached[i], "06:30") if i in reached else us("2026-11-18", "06:30"),
                "last_data_us": us(reached[i], "06:30") if i in reached else None,
                "last_error_nl": None if i in reached else "De uitgever antwoordt niet.",
                "last_error_en": None if i in reached else "The publisher does not answer.",
            }
            for i, _, _, _ in named
        ],
    )  # fmt: skip
    _many(
        connection,
        "work_queue",
        [
            {"kind": "poll", "thread": f"source {i}", "title": key, "school_id": SCHOOL, "source_id": i,
             "created_us": us("2026-11-26", "07:30"), "next_try_us": us("2026-11-26", "14:00")}
            for i, key, _, _ in named
        ],
    )  # fmt: skip
    deliveries = [(i, i, "results", "accept") for i in (SUMS, SPELL, LEVELS, QUESTIONS)]
    deliveries += [(6, LAS, "roster", "accept"), (7, QUESTIONS, "results", "reject")]
    finding = {
        "rule": "RB-KEY", "level": "error", "clause": "C.7", "message_nl": "Toets D7 staat niet in het bericht.",
        "message_en": "Test D7 is not in the message.", "remedy": "Stuur de toets mee.", "path": None,
        "line": 12, "column": 4, "fault": "Client.OngeldigBericht",
    }  # fmt: skip
    _many(
        connection,
        "deliveries",
        [
            {
                "id": i, "school_id": SCHOOL, "source_id": source, "what": what, "way": "pull",
                "received_us": us("2026-11-24", "06:30"), "created_us": us("2026-11-24", "06:00"),
                "created_text": "2026-11-24T06:00:00", "school_year": YEAR, "xsd_version": "2.2",
                "digest": hashlib.sha256(str(i).encode()).digest(), "size": 1000, "verdict": verdict,
                "fault": finding["fault"] if verdict == "reject" else None, "counts": "{}",
                "findings": json.dumps([finding] if verdict == "reject" else []),
            }
            for i, source, what, verdict in deliveries
        ],
    )  # fmt: skip


BANDS = (Band("onvoldoende", "0", "59"), Band("voldoende", "60", "79"), Band("goed", "80", "100"))
SUM_PARTS = ("Optellen tot 1000", "Klok: digitale tijd", "Breuken vergelijken")


def _sum_test(code: str, name: str) -> TestDefinition:
    parts = tuple(
        Part(
            place + 1,
            Term(f"{code}-{place + 1}"),
            part,
            Norm((Band("onvoldoende", "0", "5"), Band("voldoende", "6", "10"))),
        )
        for place, part in enumerate(SUM_PARTS)
    )
    levels = (Level(0, Term("Cijferpad groep 6")), Level(1, Term(name)))
    return TestDefinition(
        Term(code), name=name, subject=Term("rekenen en wiskunde"), norm=Norm(BANDS), hierarchy=levels, parts=parts
    )


def _question_test() -> TestDefinition:
    maxima = ("2", "2", "2", "4")
    parts = tuple(
        Part(place + 1, Term(f"V{place + 1}"), None, Norm((Band(None, None, maximum),)))
        for place, maximum in enumerate(maxima)
    )
    return TestDefinition(Term("Rivieren|topo|6a|77"), name="", subject=Term("topografie"), parts=parts)


DEFINITIONS: dict[int, tuple[int, TestDefinition]] = {
    1: (SUMS, _sum_test("B2", "Toets blok 2")),
    2: (SUMS, _sum_test("B3", "Toets blok 3")),
    3: (SPELL, TestDefinition(Term("W46"), name="Week 46", subject=Term("sp"))),
    4: (SPELL, TestDefinition(Term("W47"), name="Week 47", subject=Term("sp"))),
    5: (LEVELS, TestDefinition(Term("REK-M6"), name="Rekenen M6", subject=Term("rekenen en wiskunde"))),
    6: (QUESTIONS, _question_test()),
}


class _Rows:
    """Gathers result rows with what they have in common."""

    def __init__(self) -> None:
        self.rows: list[dict[str, object]] = []

    def add(
        self, pupil: int, definition: int, day: str, kind: Kind = Kind.SCORE, part: int = 0, **values: object
    ) -> None:
        source = DEFINITIONS[definition][0]
        common: dict[str, object] = {
            "school_id": SCHOOL, "source_id": source, "key": f"k{len(self.rows)}", "kind": int(kind),
            "progress": kind == Kind.PROGRESS,
            "identifier_id": pupil, "test_id": definition, "definition_id": definition, "part_id": part,
            "taken_on": day, "school_year": YEAR, "created_us": us(day), "digest64": len(self.rows),
            "delivery_id": source, "arrived_us": 0,
        }  # fmt: skip
        self.rows.append(dict.fromkeys(StoredResult._fields) | common | values)


def number(value: float) -> dict[str, object]:
    """A score as the store keeps it: ten-thousandths and the text as sent."""
    return {"score": round(value * 10_000), "score_text": f"{value:g}"}


def _results(connection: Connection) -> None:
    _many(
        connection,
        "tests",
        [
            {"school_id": SCHOOL, "id": i, "source_id": source, "code": definition.code.text, "version": ""}
            for i, (source, definition) in DEFINITIONS.items()
        ],
    )
    _many(
        connection,
        "test_definitions",
        [
            {
                "school_id": SCHOOL,
                "id": i,
                "source_id": source,
                "digest": hashlib.md5(str(i).encode()).digest(),
                "code": definition.code.text,
                "name": definition.name,
                "subject_term": definition.subject.text if definition.subject else None,
                "material": definition.hierarchy[0].term.text if definition.hierarchy else None,
                "body": json.dumps(asdict(definition)),
                "newest_us": us("2026-11-24"),
            }
            for i, (source, definition) in DEFINITIONS.items()
        ],
    )
    codes = [part.code.text for _, definition in DEFINITIONS.values() for part in definition.parts or ()]
    _many(connection, "parts", [{"school_id": SCHOOL, "id": i + 1, "code": code} for i, code in enumerate(codes)])
    rows = _Rows()
    _sums(rows, codes)
    _spelling(rows)
    _levels(rows)
    _questions(rows, codes)
    rows.add(500, 2, "2026-11-13", **number(77))  # nobody knows whose this is
    rows.add(101, 2, "2026-11-13", **number(88))  # of the other class
    rows.add(90, 2, "2026-09-20", **number(33))  # left the class
    _many(connection, "results", rows.rows)
    connection.execute(text(COUNT_RESULTS))


def _sums(rows: _Rows, codes: list[str]) -> None:
    for place in range(len(NAMES)):
        for definition, day, scores in ((1, "2026-10-01", SUMS_BLOCK_2), (2, "2026-11-13", SUMS_BLOCK_3)):
            score = scores[place]
            if score is None:
                continue
            rows.add(place + 1, definition, day, **number(score), info_url="https://cijferpad.example/toets")
            block = DEFINITIONS[definition][1]
            rights = ((score + 9) // 10, max(score // 10 - 1, 0), max(score // 10 - 3, 0))
            for part, right in zip(block.parts or (), rights, strict=True):
                rows.add(place + 1, definition, day, part=codes.index(part.code.text) + 1, **number(min(right, 10)))
    rows.add(11, 2, "2026-11-13", absence=int(Absence.NO_SCORE))  # was there, has no score
    rows.add(2, 1, "2026-01-20", **number(64))  # last school year


def _spelling(rows: _Rows) -> None:
    for place, score in enumerate(SPELL_WEEK):
        if score is not None:
            rows.add(place + 1, 3, "2026-11-12", **number(score - 5 if score >= 5 else score))
            rows.add(place + 1, 4, "2026-11-18", **number(score))
        status = Status.DONE if score is not None else (Status.BUSY if place == 6 else Status.NOT_BEGUN)
        made = 40 if score is not None else (12 if place == 6 else 0)
        rows.add(
            place + 1, 4, "2026-11-18", Kind.PROGRESS, status=int(status), offered=40, made=made,
            correct=round(made * (score or 0) / 100), worked_ms=made * 60_000,
        )  # fmt: skip
    # Esra's week came twice with another key and another value: the newest counts, with a flag.
    rows.add(
        5, 4, "2026-11-18", **number(90), created_us=us("2026-11-18") - int(timedelta(hours=2).total_seconds() * 1e6)
    )


def _levels(rows: _Rows) -> None:
    for place, score in enumerate(SKILL):
        if score is not None:
            detail = {
                "skill_scale": "3", "interval": [str(score - 6), str(score + 6)], "wrong": "8", "read": None,
                "references": [
                    {"code": "IV", "group": "M6", "value": FIFTH[place], "qualification": None},
                    {"code": "RNTRM", "group": "M6", "value": "1F", "qualification": None},
                ],
            }  # fmt: skip
            rows.add(
                place + 1, 5, "2026-11-02", Kind.OSO, **number(score), detail=json.dumps(detail), offered=60,
                correct=52, worked_ms=2_400_000,
            )  # fmt: skip


def _questions(rows: _Rows, codes: list[str]) -> None:
    """Questions only, no total: decimals, X for not offered, one score above its maximum, zeros."""
    answers: tuple[tuple[float | str, ...], ...] = (
        (2, 1.5, 0, 4), (2, 2, 2, 3.5), (1, 0, "X", 2), (2, 2, 2, 4), (0, 0, 0, 0), (2, 6, 1, 3), ("X", "X", "X", "X"),
    )  # fmt: skip
    for place, given in enumerate(answers):
        for question, answer in enumerate(given):
            part = codes.index(f"V{question + 1}") + 1
            if answer == "X":
                rows.add(place + 1, 6, "2026-11-20", part=part, absence=int(Absence.NOT_OFFERED), score_text="X")
            else:
                rows.add(place + 1, 6, "2026-11-20", part=part, **number(float(answer)))
    # Cas's first question came a day earlier as not offered: the answer takes its place.
    earlier = us("2026-11-20") - 24 * 3600 * 1_000_000
    part = codes.index("V1") + 1
    rows.add(
        3, 6, "2026-11-20", part=part, absence=int(Absence.NOT_OFFERED), score_text="X", created_us=earlier
    )  # fmt: skip
