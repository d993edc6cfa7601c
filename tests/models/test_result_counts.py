"""The kept numbers of results are those that counting gives, after whatever adds, moves or deletes results."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from connectors.uwlr.agreement import TOLERANT
from models.ingest import erasure, identity, rosters
from models.ingest.connection_overview import connection_overview
from models.schema import clock, database
from models.schema.records import PupilRef, Verdict
from models.schema.tables import result_counts, results
from tests.conftest import Store
from tests.dashboard import school
from tests.models.every_kind import every_kind
from tests.models.filled import ADMINISTRATOR, BENTE, LARS
from tests.models.test_pupil_versions import MESSAGES, las_key, of_pupil
from tests.models.test_store import take
from tests.models.test_version_cache import ROSTER_OF_SCHOOL
from tests.uwlr.messages import message, result_xml

OF_YEAR_BEFORE = message(
    results=result_xml("y1", "5", afnamedatum="2026-05-11") + result_xml("y2", "6", afnamedatum="2026-05-12"),
    leerlingid=las_key(BENTE), schooljaar="2025-2026", aanmaakdatum="2026-11-01T12:00:00",
)  # fmt: skip
MOVED = message(  # one of them was of this school year
    results=result_xml("y2", "6", afnamedatum="2026-09-12"),
    leerlingid=las_key(BENTE), aanmaakdatum="2026-11-02T12:00:00",
)  # fmt: skip


@pytest.fixture
def known(any_store: Store) -> Iterator[Store]:
    """The known school, on both kinds of database."""
    with clock.fixed(school.NOW):
        school.build(any_store.engine, any_store.cipher)
        yield any_store


def kept(store: Store) -> dict[tuple[int, int, str], int]:
    """The kept numbers; fails where they are not those that counting gives, or the page shows others."""
    of = results.c.school_id, results.c.source_id, results.c.school_year
    with database.read_transaction(store.engine, school.SCHOOL) as connection:
        counted = {tuple(row[:3]): row[3] for row in connection.execute(select(*of, func.count()).group_by(*of))}
        numbers = {tuple(row[:3]): row[3] for row in connection.execute(select(result_counts)) if row[3]}
        rows = connection_overview(connection, ADMINISTRATOR).rows
    assert numbers == counted
    assert {row.state.id: row.received for row in rows if row.received} == {
        source: number
        for (owner, source, year), number in counted.items()
        if (owner, year) == (school.SCHOOL, school.YEAR)
    }
    return numbers


def test_messages_in_any_order(known: Store) -> None:
    sent = [*(data for _what, data in MESSAGES), OF_YEAR_BEFORE, MOVED]
    random.Random(2).shuffle(sent)
    before = kept(known)
    for data in sent:
        assert take(known, data, agreement=TOLERANT).verdict is not Verdict.REJECT
        assert kept(known) != before or data is not OF_YEAR_BEFORE
    assert kept(known) != before
    assert take(known, message(scores=["bad"])).verdict is Verdict.REJECT
    assert take(known, sent[0]).repeated
    kept(known)


def test_a_result_moves_to_another_school_year(known: Store) -> None:
    before = kept(known)
    take(known, OF_YEAR_BEFORE)
    stored = kept(known)
    take(known, MOVED)
    moved = kept(known)
    source = next(key[1] for key in stored if key not in before)
    earlier, now = (school.SCHOOL, source, "2025-2026"), (school.SCHOOL, source, school.YEAR)
    assert (stored[earlier], moved[earlier]) == (2, 1)
    assert moved[now] == stored.get(now, 0) + 1


def test_what_is_linked_and_what_is_deleted(known: Store, tmp_path: Path) -> None:
    take(known, of_pupil(LARS, "7", "2026-11-02"))
    take(known, every_kind(7, "2026-11-11", pupil="unknown"), agreement=TOLERANT)
    before = kept(known)
    with database.write_transaction(known.engine, school.SCHOOL) as connection:
        (identifier_id,) = identity.identify(connection, known.cipher, school.SCHOOL, [PupilRef("unknown", None)])
        identity.link(connection, ADMINISTRATOR, identifier_id, LARS)
    assert kept(known) == before
    rosters.save_roster(
        known.engine, known.cipher, roster=ROSTER_OF_SCHOOL, school_id=school.SCHOOL, source_id=school.LAS, way="load"
    )  # fmt: skip
    assert kept(known) == before
    with database.read_transaction(known.engine, school.SCHOOL) as connection:
        lars, bente = (erasure.find_pupil(connection, known.cipher, school.SCHOOL, pupil) for pupil in (LARS, BENTE))
    erasure.count(known.engine, known.cipher, lars)
    assert kept(known) == before
    deleted = erasure.delete_person(known.engine, known.cipher, bente)["results"]
    after = kept(known)
    assert sum(before.values()) - sum(after.values()) == deleted > 0
    erased = erasure.erase(known.engine, known.cipher, lars, tmp_path).counts["results"]
    assert sum(after.values()) - sum(kept(known).values()) == erased > 4
    take(known, of_pupil(BENTE, "7", "2026-11-20"), agreement=TOLERANT)
    take(known, of_pupil(LARS, "7", "2026-11-20"), agreement=TOLERANT)
    kept(known)
