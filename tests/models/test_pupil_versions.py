"""A message changes what is known of its pupils alone: others keep their state, and nobody sees an earlier one."""

from __future__ import annotations

import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from datetime import timedelta

import pytest
from sqlalchemy import Engine

from connectors.uwlr.agreement import TOLERANT
from models.access.viewer import Role, Viewer
from models.classroom.class_state import ClassState, class_state
from models.classroom.material_uptake import material_catalogue
from models.classroom.timeline import pupil_timeline
from models.ingest import identity
from models.results.periods import of_school_year
from models.schema import clock, database
from models.schema.data_versions import data_version
from models.schema.records import PupilRef, Verdict
from tests.conftest import Store
from tests.dashboard import school
from tests.models.every_kind import every_kind
from tests.models.filled import ADMINISTRATOR, BENTE, HANNA, LARS
from tests.models.test_store import take
from tests.models.test_version_cache import HOLIDAYS, shown
from tests.uwlr.messages import message, result_xml

MILA = 101  # of the other class
YEAR = of_school_year(school.YEAR)
IRIS = Viewer(school.SCHOOL, Role.SUPPORT, None, "Iris Smit")


@pytest.fixture
def known(any_store: Store) -> Iterator[Store]:
    """The known school, on both kinds of database; Aïsha, Bente and Mila made a test of which Lars made none."""
    with clock.fixed(school.NOW):
        school.build(any_store.engine, any_store.cipher)
        for pupil in (1, BENTE, MILA):
            take(any_store, of_pupil(pupil, "6", "2026-11-01"))
        yield any_store


def las_key(pupil: int) -> str:
    """The key of a pupil in the pupil administration."""
    return f"L{school.SCHOOL}{pupil:04}"


def of_pupil(pupil: int, score: str, made_on: str, key: str = "a", name: str = "Toets 1", day: str = "") -> bytes:
    """A message with a result of a pupil under a key of its own."""
    result = result_xml(f"{key}{pupil}", score, afnamedatum=day or "2026-10-30")
    return message(results=result, leerlingid=las_key(pupil), aanmaakdatum=f"{made_on}T10:00:00", toetsnaam=name)


def read(engine: Engine, class_id: int = school.CLASS_A, viewer: Viewer = HANNA) -> ClassState:
    """The state of a class as a page reads it, over the whole school year."""
    with database.read_transaction(engine) as connection:
        return class_state(connection, viewer, [class_id], school.YEAR, HOLIDAYS, YEAR)


@contextmanager
def another(store: Store) -> Iterator[Store]:
    """The same database as another process has it open, which kept nothing."""
    engine = database.open_engine(store.engine.url.render_as_string(hide_password=False))
    try:
        yield Store(engine, store.cipher)
    finally:
        engine.dispose()


def seen(engine: Engine) -> object:
    """All that screens show of both classes, of a pupil by himself, and of the materials of a class and of all."""
    with database.read_transaction(engine) as connection:
        lars = pupil_timeline(connection, HANNA, LARS, YEAR)
        materials = [material_catalogue(connection, viewer) for viewer in (HANNA, IRIS)]
    return [visible(read(engine, class_id)) for class_id in (school.CLASS_A, school.CLASS_B)], lars, materials


def visible(state: ClassState) -> object:
    """What a state shows; of the names of tests those that a result needs, and in which order parts stand."""
    data = state.class_data
    used = {row.definition_id for row in data.rows}
    names = {id_: definition for id_, definition in data.catalogue.definitions.items() if id_ in used}
    everything = shown(state)
    assert isinstance(everything, tuple)
    return [part for part in everything if part is not data.catalogue.definitions], names, frozenset(data.not_read)


def agrees(store: Store) -> None:
    """Fail where a state that was kept is not what another process computes."""
    with another(store) as fresh:
        assert seen(store.engine) == seen(fresh.engine)


# Messages, each after those before it: what changes with them is named beside them.
MESSAGES: tuple[tuple[str, bytes], ...] = (
    ("new", of_pupil(LARS, "7", "2026-11-02")),
    ("earlier, came later", of_pupil(LARS, "5", "2026-11-01")),
    ("corrected", of_pupil(LARS, "9", "2026-11-03")),
    ("said again", of_pupil(LARS, "9", "2026-11-04")),
    ("a value of before counts again", of_pupil(LARS, "7", "2026-11-05")),
    ("a second result of the same test and day", of_pupil(LARS, "4", "2026-11-06", key="b")),
    ("the first of them said again, and now the newest", of_pupil(LARS, "7", "2026-11-07")),
    ("removed", of_pupil(LARS, "X", "2026-11-08", key="b")),
    ("under a key of somebody else, who loses it", of_pupil(LARS, "3", "2026-11-09").replace(b'"a12"', b'"a2"')),
    ("the test has a new name, for all who made it", of_pupil(LARS, "8", "2026-11-10", name="Toets Een")),
    ("an earlier name, from an earlier message", of_pupil(LARS, "8", "2026-11-09", name="Toets Nul")),
    ("the first name again", of_pupil(LARS, "8", "2026-11-11")),
    ("of a day to come", of_pupil(LARS, "10", "2026-11-12", key="c", day="2026-12-01")),
    ("every kind", every_kind(7, "2026-11-13", pupil=las_key(LARS))),
    ("progress is less than before", every_kind(5, "2026-11-14", pupil=las_key(LARS))),
    ("every kind, earlier", every_kind(6, "2026-11-13", pupil=las_key(LARS))),
    ("of the other class", of_pupil(MILA, "2", "2026-11-15")),
)


def test_after_each_message_every_state_is_that_of_the_store(known: Store) -> None:
    before = seen(known.engine)
    for what, data in MESSAGES:
        assert take(known, data, agreement=TOLERANT).verdict is not Verdict.REJECT, what
        with another(known) as fresh:
            after = seen(fresh.engine)
        assert seen(known.engine) == after, what
        if "earlier" not in what:
            assert after != before, what
        before = after
    with clock.fixed(school.NOW + timedelta(days=7)):  # when the result of a day to come counts
        agrees(known)


def test_in_any_order_and_by_two_processes_every_state_is_that_of_the_store(known: Store) -> None:
    chance = random.Random(1)
    messages = [data for _what, data in MESSAGES]
    chance.shuffle(messages)
    with another(known) as other:
        for data in messages:
            take(chance.choice((known, other)), data, agreement=TOLERANT)
            for store in (known, other):
                if chance.random() < 0.5:
                    seen(store.engine)
        agrees(known)
        agrees(other)


def test_results_that_waited_are_there_once_their_pupil_is_known(known: Store) -> None:
    unknown = of_pupil(LARS, "9", "2026-11-17", key="w").replace(las_key(LARS).encode(), b"unknown")
    states = read(known.engine), read(known.engine, school.CLASS_B)
    take(known, unknown, agreement=TOLERANT)
    assert (read(known.engine), read(known.engine, school.CLASS_B)) == states  # nobody has them yet
    with database.write_transaction(known.engine, school.SCHOOL) as connection:
        (identifier_id,) = identity.identify(connection, known.cipher, school.SCHOOL, [PupilRef("unknown", None)])
        identity.link(connection, ADMINISTRATOR, identifier_id, LARS)
    assert read(known.engine) != states[0]
    agrees(known)
    take(known, unknown.replace(b"2026-11-16T", b"2026-11-17T").replace(b"<score>9", b"<score>2"))
    agrees(known)


def test_a_message_leaves_the_states_of_others_as_they_are(known: Store) -> None:
    first, other = read(known.engine), read(known.engine, school.CLASS_B)
    take(known, of_pupil(LARS, "7", "2026-11-17"))
    after = read(known.engine)
    assert after is not first
    assert read(known.engine, school.CLASS_B) is other
    assert after.class_data.totals[BENTE] is first.class_data.totals[BENTE]  # what was computed of her is used again
    assert after.class_data.totals[LARS] != first.class_data.totals.get(LARS)
    assert read(known.engine) is after


def test_what_looks_different_by_a_message_without_being_in_it_is_computed_anew(known: Store) -> None:
    other = read(known.engine, school.CLASS_B)
    take(known, of_pupil(LARS, "7", "2026-11-17", name="Een nieuwe naam"))
    renamed = read(known.engine, school.CLASS_B)
    assert renamed is not other
    take(known, of_pupil(LARS, "7", "2026-11-18", name="Een nieuwe naam"))
    assert read(known.engine, school.CLASS_B) is renamed  # its name stays the newest
    take(known, of_pupil(LARS, "7", "2026-11-19"))
    assert read(known.engine, school.CLASS_B) is not renamed  # the first name is the newest again


def test_a_test_that_is_stated_again_this_year_is_one_of_the_materials_at_once(known: Store) -> None:
    other_test = "<toets><toetscode>T9</toetscode><toetsnaam>Toets 9</toetsnaam><leerjaar>6</leerjaar></toets>"

    def codes() -> set[str]:
        with database.read_transaction(known.engine) as connection:
            materials = material_catalogue(connection, IRIS).materials
        return {test.code for material in materials for test in material.tests}

    for made_on, year in (("2026-07-01", "2025-2026"), ("2026-11-12", school.YEAR)):
        assert "T9" not in codes()
        own = {"leerlingid": las_key(MILA), "schooljaar": year, "aanmaakdatum": f"{made_on}T10:00:00"}
        result = result_xml("t", "6", afnamedatum="2026-06-01")
        receipt = take(known, message(results=result, tests=other_test, **own), agreement=TOLERANT)
        assert receipt.verdict is not Verdict.REJECT, receipt.findings
    assert "T9" in codes()
    agrees(known)


def test_a_message_that_is_refused_or_was_here_before_changes_no_version(known: Store) -> None:
    def version() -> object:
        with database.read_transaction(known.engine) as connection:
            return data_version(connection, school.SCHOOL)

    data = of_pupil(LARS, "7", "2026-11-17")
    take(known, data)
    before = version()
    assert take(known, data).repeated
    assert take(known, message(scores=["bad"])).verdict is Verdict.REJECT
    assert version() == before


def test_who_reads_while_messages_come_in_never_sees_an_earlier_one(known: Store) -> None:
    stored = 0

    def send_all() -> None:
        nonlocal stored
        with another(known) as sender:
            for number in range(1, 13):
                take(sender, of_pupil(LARS, str(number), f"2026-11-{number + 4:02}", key="n"))
                stored = number

    def score() -> int:
        rows = read(known.engine).class_data.rows
        return max((int(row.score_text or 0) for row in rows if row.key == f"n{LARS}"), default=0)

    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(copy_context().run, send_all)
        while not sending.done():
            least = stored
            assert score() >= least
        sending.result()
    assert score() == stored == 12
    agrees(known)
