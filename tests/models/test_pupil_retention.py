"""Pupils who left long ago are deleted, and results of nobody known; nobody else, and nothing under a legal hold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update

from models.access.viewer import AccessDenied
from models.ingest import erasure, legal_holds, pupil_retention, rosters
from models.ingest.legal_holds import Held
from models.ingest.pupil_retention import RetentionReport
from models.schema import clock, database, tables
from models.schema.terms import PupilRetention
from tests.conftest import Store
from tests.dashboard import school
from tests.models.filled import ROSTER, fill
from tests.models.test_erasure import ADMINISTRATOR, SCHOOL, SUPPORT, results_of
from tests.models.test_store import take
from tests.uwlr.messages import result_xml

TERMS = PupilRetention(left_days=730, unmatched_days=365)
STAYS, LEAVES = "k0", "k3"


@pytest.fixture
def left(any_store: Store) -> Iterator[Store]:
    """A store whose pupil k3 left the school on 20 November 2026, and with results of nobody known."""
    store = any_store
    with clock.fixed(school.NOW):
        fill(store)
        save = {"school_id": SCHOOL, "source_id": school.LAS, "way": "load"}
        for number, digest in ((4, b"4"), (3, b"3")):  # the last pupil is in the first list only
            roster = replace(ROSTER, pupils=ROSTER.pupils[:number], created_us=3_000 - number, digest=digest * 32)
            roster = replace(roster, created_us=5_000 - number)
            assert rosters.save_roster(store.engine, store.cipher, roster=roster, **save).state == rosters.APPLIED  # type: ignore[arg-type]
        take(store, results_of(LEAVES, result_xml("van wie vertrekt", "6")))
        take(store, results_of(STAYS, result_xml("van wie blijft", "7")))
        take(store, results_of("niemand", result_xml("van niemand", "5")))
        yield store


def pupil_of(store: Store, key: str) -> int | None:
    """The number of the pupil with this LAS key; None where there is none."""
    with database.read_transaction(store.engine) as connection:
        try:
            return erasure.find_by_identifier(connection, store.cipher, SCHOOL, key).pupil_id
        except erasure.PupilUnknown:
            return None


def keys(store: Store) -> set[str]:
    """The keys of the results that are stored of the school."""
    with database.read_transaction(store.engine) as connection:
        return set(connection.scalars(select(tables.results.c.key).where(tables.results.c.school_id == SCHOOL)))


def later(days: int) -> datetime:
    return school.NOW + timedelta(days=days)


def report(store: Store) -> RetentionReport:
    with database.read_transaction(store.engine) as connection:
        return pupil_retention.report(connection, ADMINISTRATOR, TERMS)


def delete_due(store: Store) -> tuple[list[int], int]:
    return pupil_retention.delete_due(store.engine, store.cipher, SCHOOL, TERMS)


def test_a_pupil_who_left_is_deleted_on_the_day_that_the_report_foretold(left: Store) -> None:
    gone = pupil_of(left, LEAVES)
    assert delete_due(left) == ([], 0)
    with clock.fixed(later(729)):
        assert report(left).pupils_due == 0
        assert report(left).pupils_coming >= 1
        assert gone not in delete_due(left)[0]
        assert "van wie vertrekt" in keys(left)
    with clock.fixed(later(731)):
        due = report(left).pupils_due
        deleted, _unmatched = delete_due(left)
        assert len(deleted) == due
        assert gone in deleted
        assert "van wie vertrekt" not in keys(left)
        assert pupil_of(left, LEAVES) is None
        assert report(left).pupils_due == 0


def test_whoever_is_in_a_group_of_this_year_stays(left: Store) -> None:
    """The year of the groups ends on 31 July 2027, so their pupils leave then at the latest."""
    with clock.fixed(school.NOW.replace(year=2029, month=7, day=29)):
        assert pupil_of(left, STAYS) not in delete_due(left)[0]
    with clock.fixed(school.NOW.replace(year=2029, month=8, day=2)):
        assert pupil_of(left, STAYS) in delete_due(left)[0]


def test_the_leaving_date_counts_where_it_is_later(left: Store) -> None:
    gone = pupil_of(left, LEAVES)
    with database.write_transaction(left.engine, SCHOOL) as connection:
        of_pupil = tables.pupils.c.school_id == SCHOOL, tables.pupils.c.id == gone
        connection.execute(update(tables.pupils).where(*of_pupil).values(left_on="2027-03-01"))
    with clock.fixed(later(731)):
        assert gone not in delete_due(left)[0]
    with clock.fixed(datetime.fromisoformat("2029-03-02T12:00:00+00:00")):
        assert gone in delete_due(left)[0]


def test_results_of_nobody_known_go_after_their_own_time(left: Store) -> None:
    with clock.fixed(later(355)):
        delete_due(left)
        assert "van niemand" in keys(left)
    with clock.fixed(later(366)):
        assert report(left).unmatched_due == delete_due(left)[1] >= 1
        assert "van niemand" not in keys(left)
        assert {"van wie blijft", "van wie vertrekt"} <= keys(left)


def test_who_is_deleted_may_come_back(left: Store) -> None:
    with clock.fixed(later(731)):
        delete_due(left)
        message = results_of(LEAVES, result_xml("opnieuw", "8"))
        assert take(left, message).counts["results"] == 1
        assert "opnieuw" in keys(left)


@pytest.mark.parametrize("whole_school", [False, True])
def test_nothing_is_deleted_under_a_legal_hold(left: Store, whole_school: bool) -> None:
    gone = pupil_of(left, LEAVES)
    held = None if whole_school else gone
    with database.write_transaction(left.engine, SCHOOL) as connection:
        assert legal_holds.place_hold(connection, ADMINISTRATOR, held)
        assert not legal_holds.place_hold(connection, ADMINISTRATOR, held)
    with clock.fixed(later(731)):
        assert report(left).held >= 1
        assert gone not in delete_due(left)[0]
        assert "van wie vertrekt" in keys(left)
        with database.read_transaction(left.engine) as connection:
            person = erasure.find_pupil(connection, left.cipher, SCHOOL, gone or 0)
        with pytest.raises(Held):
            erasure.delete_person(left.engine, left.cipher, person)
        with database.write_transaction(left.engine, SCHOOL) as connection:
            assert legal_holds.end_hold(connection, ADMINISTRATOR, held)
            assert not legal_holds.end_hold(connection, ADMINISTRATOR, held)
        assert gone in delete_due(left)[0]


def test_a_hold_of_one_school_holds_no_other(left: Store) -> None:
    with database.write_transaction(left.engine, school.SCHOOL) as connection:
        legal_holds.place_hold(connection, replace(ADMINISTRATOR, school_id=school.SCHOOL), None)
    with clock.fixed(later(731)):
        assert pupil_of(left, LEAVES) in delete_due(left)[0]


def test_a_pupil_without_group_and_leaving_date_stays_until_the_results_are_old(left: Store) -> None:
    gone = pupil_of(left, LEAVES)
    with database.write_transaction(left.engine, SCHOOL) as connection:
        of_pupil = tables.memberships.c.school_id == SCHOOL, tables.memberships.c.pupil_id == gone
        connection.execute(tables.memberships.delete().where(*of_pupil))
        own = tables.pupils.c.school_id == SCHOOL, tables.pupils.c.id == gone
        connection.execute(update(tables.pupils).where(*own).values(left_on=None))
    with clock.fixed(later(700)):
        assert gone not in delete_due(left)[0]
    with clock.fixed(later(732)):
        assert gone in delete_due(left)[0]


def test_only_an_administrator_reads_and_holds(left: Store) -> None:
    with database.write_transaction(left.engine, SCHOOL) as connection:
        with pytest.raises(AccessDenied):
            pupil_retention.report(connection, SUPPORT, TERMS)
        with pytest.raises(AccessDenied):
            legal_holds.place_hold(connection, SUPPORT, None)
        with pytest.raises(AccessDenied):
            legal_holds.end_hold(connection, SUPPORT, None)
