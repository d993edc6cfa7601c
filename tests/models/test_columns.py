"""On the day somebody adds a column, or has columns in another order, every value is stored and read as before."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, text

from connectors.uwlr import names
from connectors.uwlr.agreement import TOLERANT
from connectors.uwlr.values import instant
from connectors.uwlr.writer import write_message
from models.results.current_results import ResultRow
from models.schema import database, stored_result
from models.schema.records import (
    Absence,
    Kind,
    MessageHead,
    Progress,
    PupilRef,
    Result,
    SchoolRef,
    Status,
    Term,
    TestDefinition,
    TestRef,
)
from models.schema.store_key import open_encrypted
from models.schema.stored_result import StoredResult
from models.schema.tables import result_history, results
from tests.conftest import Store
from tests.models.every_kind import every_kind, read, stored, with_pupil
from tests.models.test_store import source, take

TABLES = (results, result_history)
NOT_IN_RESULTS = {"pupil_id"}
AT_ANY_TIME = {"arrived_us": 0}  # the other program has a clock of its own
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def store_beside(tmp_path: Path) -> Iterator[Store]:
    """A second store, as the program makes it, to compare with."""
    engine = database.open_engine(database.sqlite_url(tmp_path / "beside"))
    yield Store(engine, open_encrypted(engine, tmp_path / "beside"))
    engine.dispose()


def test_the_fields_of_a_row_are_the_columns_of_the_tables() -> None:
    assert StoredResult._fields == tuple(results.columns.keys())
    assert set(result_history.columns.keys()) - set(results.columns.keys()) == {"value_digest"}
    assert set(ResultRow._fields) - set(results.columns.keys()) == NOT_IN_RESULTS


def test_a_digest_of_a_value_is_what_it_was() -> None:
    """Fixed: another digest makes every value in the history a new one, unless a migration computes it anew."""
    plain = dict.fromkeys(StoredResult._fields)
    row = StoredResult(**plain | {"identifier_id": 7, "score": 65_000, "score_text": "6.5", "detail": '{"a": "é"}'})  # type: ignore[arg-type]
    assert stored_result.value_digest(row.value).hex() == "0276d33975f4dadc00a6247be4e46e74"
    assert stored_result.value_digest(row._replace(score_text=None).value) != stored_result.value_digest(row.value)
    same_words = row._replace(score_text="x", school_year="y"), row._replace(score_text="y", school_year="x")
    assert len({stored_result.value_digest(word.value) for word in same_words}) == 2


def turn_columns(engine: Engine) -> None:
    """The same tables with their columns in the opposite order, and one that this program does not know at each end."""
    with database.write_transaction(engine) as connection:
        for table in TABLES:
            named = [f"{column.name} {column.type.compile(engine.dialect)}" for column in reversed(list(table.columns))]
            key = ", ".join(column.name for column in table.primary_key.columns)
            connection.execute(text(f"DROP TABLE {table.name}"))
            columns = ", ".join(("first_of_all TEXT", *named, "last_of_all INTEGER DEFAULT 3"))
            connection.execute(text(f"CREATE TABLE {table.name} ({columns}, PRIMARY KEY ({key}))"))


def fill(store: Store) -> None:
    """A value, the value that takes its place, one that came too late, and the second once more."""
    source(store)
    sent = ((7, "2026-11-11"), (8, "2026-11-13"), (6, "2026-11-12"), (8, "2026-11-14"))
    receipts = [
        take(store, every_kind(score, day), arrived=number, agreement=TOLERANT)
        for number, (score, day) in enumerate(sent)
    ]
    counted = [
        tuple(receipt.counts[name] for name in ("new", "changed", "history", "unchanged")) for receipt in receipts
    ]
    assert counted == [(4, 0, 0, 0), (0, 3, 0, 1), (0, 0, 3, 1), (0, 0, 0, 4)]
    with_pupil(store.engine)


def check_values(rows: list[dict[str, object]]) -> None:
    """Each value where it belongs, told apart by itself."""
    oso, part, progress, score = rows
    assert (score["taken_on"], score["score"], score["score_text"]) == ("2026-11-09", 80_000, "8")
    assert score["info_url"] == "https://toets.example/8"
    assert (part["absence"], part["score"], part["score_text"]) == (1, None, "X")
    assert (oso["score"], oso["correct"], oso["offered"], oso["worked_ms"]) == (85_000, 38, 40, 1_500_000)
    assert json.loads(str(oso["detail"]))["wrong"] == "6"
    assert [progress[name] for name in ("status", "offered", "made", "correct", "worked_ms")] == [
        2,
        24,
        18,
        8,
        5_280_000,
    ]


def test_the_order_of_columns_in_the_database_does_not_matter(any_store: Store, store_beside: Store) -> None:
    turn_columns(any_store.engine)
    for store in (any_store, store_beside):
        fill(store)
    check_values(read(any_store.engine))
    assert read(any_store.engine) == read(store_beside.engine)
    unknown = {"first_of_all": None, "last_of_all": 3}
    for table, count in (("results", 4), ("result_history", 6)):
        expected = stored(store_beside.engine, table)
        assert len(expected) == count
        assert stored(any_store.engine, table) == [row | unknown for row in expected]
    assert {row["taken_text"] for row in stored(any_store.engine, "result_history")} == {None, "2026-11-09+01:00"}


def test_a_column_in_the_middle_of_the_tables_and_at_the_end_of_the_database(
    any_store: Store, store_beside: Store, tmp_path: Path
) -> None:
    for store in (any_store, store_beside):
        fill(store)
    with database.write_transaction(any_store.engine) as connection:
        for table in TABLES:
            connection.execute(text(f"ALTER TABLE {table.name} ADD COLUMN remark TEXT"))
    sent = (
        (8, "2026-11-15", ""),
        (7, "2026-11-10", ""),
        (5, "2026-11-16", "remarked-"),
        (4, "2026-11-17", "remarked-"),
    )
    later = later_program(any_store.engine, tmp_path, sent)
    before = [take(store_beside, every_kind(*item), agreement=TOLERANT).counts for item in sent]
    # A part that was not offered says the same in every message.
    assert before[0] | before[1] == {"results": 4, "new": 0, "changed": 0, "unchanged": 1, "history": 3, "parked": 0}
    assert later["counts"] == before
    assert [row | AT_ANY_TIME for row in later["read"]] == [row | AT_ANY_TIME for row in read(store_beside.engine)]
    check_values([row for row in later["read"] if not row["key"].startswith("remarked")])
    for name, count in (("results", 8), ("result_history", 9)):
        expected = stored(store_beside.engine, name)
        assert len(expected) == count
        rows = [row | AT_ANY_TIME for row in stored(any_store.engine, name)]
        assert rows == [{**row, "remark": remark_of(row)} | AT_ANY_TIME for row in expected]


def test_each_count_of_a_progress_record_has_its_own_column_that_screens_read(any_store: Store) -> None:
    source(any_store)
    counts: dict[str, Any] = {field: 20 - number for number, field in enumerate(names.PROGRESS_COUNTS.values())}
    created = "2026-11-11T10:00:00+01:00"
    head = MessageHead("2026-2027", SchoolRef("99XX"), created, instant(created)[0], xsd_version="2.2")
    pupil, test, kind = PupilRef("L1", None), TestRef("T1"), Kind.PROGRESS
    record = Progress(Status.BUSY, worked_ms=90_000, other="matig", **counts)
    result = Result("progress", pupil, test, None, kind, "2026-11-10", absence=Absence.NO_SCORE, detail=record)
    definition = TestDefinition(Term("T1"), name="Toets 1")
    receipt = take(any_store, write_message(head, [result], [definition]), agreement=TOLERANT)
    assert receipt.counts["new"] == 1
    with_pupil(any_store.engine)
    (row,) = read(any_store.engine)
    expected = counts | {"status": Status.BUSY, "worked_ms": 90_000, "detail": '{"other": "matig"}'}
    assert {name: row[name] for name in expected} == expected


def remark_of(row: dict[str, object]) -> str | None:
    """What the later program stores in the new column."""
    return f"{row['key']} has {row['score_text']}" if str(row["key"]).startswith("remarked") else None


def later_program(engine: Engine, folder: Path, sent: tuple[tuple[int, str, str], ...]) -> dict[str, Any]:
    """What became of messages that the program with the new column took in."""
    keys = folder / ("keys" if engine.dialect.name == "postgresql" else "data")
    url = engine.url.render_as_string(hide_password=False)
    command = [sys.executable, "-m", "tests.models.later_program", url, str(keys), json.dumps(sent)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
