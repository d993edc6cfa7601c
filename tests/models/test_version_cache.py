"""A class state that is kept is that of the store: after any kind of change it is what a fresh program computes."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

import models
from connectors.uwlr.agreement import TOLERANT
from models.access.viewer import Role, Viewer
from models.classroom import goals, signal_resolutions
from models.classroom.class_state import ClassState, class_state
from models.classroom.class_thresholds import set_thresholds
from models.classroom.holidays import read_holidays
from models.classroom.signal_resolutions import ResolutionAction
from models.ingest import connections, identity, rosters, work_queue
from models.results.subject_mapping import map_subject
from models.schema import clock, database
from models.schema.data_versions import DataVersion
from models.schema.records import PupilRef
from models.schema.version_cache import VersionCache
from tests.conftest import Store
from tests.dashboard import school
from tests.models.every_kind import every_kind
from tests.models.filled import ADMINISTRATOR, BENTE, HANNA, ROSTER, send
from tests.models.test_store import take

HOLIDAYS = read_holidays()
ROSTER_OF_SCHOOL = replace(ROSTER, school=replace(ROSTER.school, brin="99XX"), digest=b"s" * 32)
VERSIONLESS = {
    "ingest/connections.py", "ingest/own_connections.py", "ingest/page_requests.py", "ingest/work_queue.py",
    "ingest/retention.py", "schema/rate_limit.py",
    "ingest/result_store.py",  # which raises it itself: of the pupils of a message
}  # fmt: skip


class GivenUp(Exception):
    """A transaction is rolled back."""


@pytest.fixture
def known(any_store: Store) -> Iterator[Store]:
    """The known school, on both kinds of database."""
    with clock.fixed(school.NOW):
        school.build(any_store.engine, any_store.cipher)
        yield any_store


def read(engine: Engine, viewer: Viewer = HANNA) -> ClassState:
    """The state of a class as a page reads it."""
    with database.read_transaction(engine) as connection:
        return class_state(connection, viewer, [school.CLASS_A], school.YEAR, HOLIDAYS)


def shown(state: ClassState) -> object:
    """All of a state that screens show."""
    data = state.class_data
    return (
        data.members, data.classes, data.totals, data.parts, data.progress, data.last_active, data.sources,
        data.catalogue.definitions, data.future, frozenset(data.rows), state.signals, state.thresholds, state.due_dates,
    )  # fmt: skip


def send_message(store: Store) -> None:
    """A message with new results."""
    send(store, 7, "2026-11-11")


def correct(store: Store) -> None:
    """A later value in the place of an earlier."""
    send(store, 9, "2026-11-13")


def new_roster(store: Store) -> None:
    """A roster with other pupils, whatever becomes of it."""
    rosters.save_roster(
        store.engine, store.cipher, roster=ROSTER_OF_SCHOOL, school_id=school.SCHOOL, source_id=school.LAS, way="load"
    )  # fmt: skip


def decide(store: Store) -> None:
    """A pending roster is applied all the same."""
    new_roster(store)
    read(store.engine)
    receipt = rosters.save_roster(
        store.engine, store.cipher, roster=replace(ROSTER_OF_SCHOOL, groups=(), created_us=2_000, digest=b"t" * 32),
        school_id=school.SCHOOL, source_id=school.LAS, way="load",
    )  # fmt: skip
    assert receipt.state == rosters.HELD
    rosters.decide_pending(store.engine, store.cipher, ADMINISTRATOR, receipt.roster_id, True)


def link(store: Store) -> None:
    """Results of a number that no roster has are linked to a pupil by hand."""
    take(store, every_kind(7, "2026-11-11", pupil="unknown"), agreement=TOLERANT)
    read(store.engine)
    with database.write_transaction(store.engine, school.SCHOOL) as connection:
        (identifier_id,) = identity.identify(connection, store.cipher, school.SCHOOL, [PupilRef("unknown", None)])
        identity.link(connection, ADMINISTRATOR, identifier_id, BENTE)


def set_limits(store: Store) -> None:
    """Other thresholds of a class."""
    with database.write_transaction(store.engine, school.SCHOOL) as connection:
        set_thresholds(connection, HANNA, school.CLASS_A, {"drop_percent": 10, "idle_school_days": 3})


def map_term(store: Store) -> None:
    """A term of a publisher becomes another subject."""
    with database.write_transaction(store.engine, school.SCHOOL) as connection:
        map_subject(connection, ADMINISTRATOR, school.QUESTIONS, "term", "topografie", "geography")


def set_date(store: Store) -> None:
    """A day by which a test must be finished."""
    with database.write_transaction(store.engine, school.SCHOOL) as connection:
        goals.set_due_date(connection, HANNA, school.CLASS_A, 1, "2026-11-02")


def resolve(store: Store) -> None:
    """A teacher settles a signal."""
    signal = next(signal for signal in read(store.engine).signals if signal.open)
    with database.write_transaction(store.engine, school.SCHOOL) as connection:
        signal_resolutions.resolve_signal(connection, HANNA, signal.target, signal.evidence.key, ResolutionAction.SEEN)


def fail_poll(store: Store) -> None:
    """A source does not answer."""
    job = work_queue.claim_poll(store.engine, school.SCHOOL, school.SUMS)
    assert job is not None
    connections.finish_failure(store.engine, job, "Antwoordt niet.", "Does not answer.")


CHANGES = (send_message, correct, new_roster, decide, link, set_limits, map_term, set_date, resolve, fail_poll)


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: str(change.__name__))
def test_after_a_change_the_state_is_that_of_the_store(known: Store, change: Callable[[Store], None]) -> None:
    before = shown(read(known.engine))
    change(known)
    after = shown(read(known.engine))
    assert after != before
    fresh = database.open_engine(known.engine.url.render_as_string(hide_password=False))
    assert after == shown(read(fresh))
    fresh.dispose()


def test_a_state_is_computed_once_for_the_same_data_viewer_and_day(known: Store) -> None:
    first = read(known.engine)
    assert read(known.engine) is first
    assert read(known.engine, replace(HANNA, name="Joris Blom")) is not first
    assert read(known.engine) is first
    with clock.fixed(school.NOW + timedelta(days=1)):
        assert read(known.engine) is not first


def test_nobody_gets_what_another_may_see(known: Store) -> None:
    assert read(known.engine).class_data.members
    stranger = Viewer(school.SCHOOL, Role.TEACHER, school.TEACHER_B, "Joris Blom")
    assert read(known.engine, stranger).class_data.members == ()
    assert read(known.engine, replace(HANNA, school_id=school.OTHER_SCHOOL)).class_data.members == ()


def test_what_is_not_committed_is_kept_by_nobody(known: Store) -> None:
    before = shown(read(known.engine))
    within: list[ClassState] = []

    def give_up() -> None:
        with database.write_transaction(known.engine, school.SCHOOL) as connection:
            set_thresholds(connection, HANNA, school.CLASS_A, {"drop_percent": 10})
            within.append(class_state(connection, HANNA, [school.CLASS_A], school.YEAR, HOLIDAYS))
            raise GivenUp

    with pytest.raises(GivenUp):
        give_up()
    assert shown(within[0]) != before
    assert shown(read(known.engine)) == before


def test_a_change_of_another_school_leaves_a_state_as_it_is(known: Store) -> None:
    first = read(known.engine)
    with database.write_transaction(known.engine, school.OTHER_SCHOOL):
        pass
    assert read(known.engine) is first
    with database.write_transaction(known.engine):
        pass
    assert read(known.engine) is not first


def test_only_jobs_connections_and_refused_messages_change_without_a_version() -> None:
    folder = Path(models.__file__).parent
    callers = {
        str(path.relative_to(folder))
        for path in folder.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and any(keyword.arg == "raises_version" for keyword in node.keywords)
    }
    assert callers == VERSIONLESS


def test_what_was_used_longest_ago_goes_first() -> None:
    cache, version = VersionCache(max_rows=10), DataVersion(0, 1, 1)
    cache.put("a", version, "A", 5)
    cache.put("b", version, "B", 5)
    assert cache.get("a") == (version, "A")
    cache.put("c", version, "C", 5)
    assert [cache.get(key) for key in "abc"] == [(version, "A"), None, (version, "C")]
    cache.put("d", version, "D", 11)
    assert cache.get("d") is None
