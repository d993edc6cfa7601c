"""The last day of work, from messages as a source sends them: the same totals again are no work."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from connectors.intake.destinations import OwnSchool
from connectors.intake.judge import ResultSource, process_results, spool
from models.access.viewer import Role, Viewer
from models.classroom.class_state import class_state
from models.classroom.holidays import read_holidays
from models.classroom.signals import SignalRule
from models.schema import clock, database
from models.schema.records import Verdict
from tests.conftest import Store
from tests.dashboard import school
from tests.uwlr.messages import message

HANNA = Viewer(school.SCHOOL, Role.TEACHER, school.TEACHER_A, "Hanna Vos")
XSI = "http://www.w3.org/2001/XMLSchema-instance"
LARS, BENTE = 12, 2
OTHER_TEST = "<toets><toetscode>T2</toetscode><toetsnaam>Toets 2</toetsnaam></toets>"


@pytest.fixture
def store(any_store: Store) -> Store:
    """The known school, on both databases."""
    with clock.fixed(school.NOW):
        school.build(any_store.engine, any_store.cipher)
    return any_store


def report(key: str, day: str, made: int | None, status: str = "bezig", minutes: int = 20, test: str = "T1") -> str:
    """A resultaat with the progress up to a day."""
    number = "" if made is None else f"<v:gemaakt>{made}</v:gemaakt>"
    return (
        f'<resultaat key="{key}"><afnamedatum>{day}</afnamedatum><toetscode>{test}</toetscode>'
        f'<anderresultaat xmlns:v="urn:rondblik:voortgang:1" xmlns:i="{XSI}" i:type="v:Voortgang">'
        f"<v:status>{status}</v:status><v:tijd>PT{minutes}M</v:tijd>{number}</anderresultaat></resultaat>"
    )


def send(store: Store, day: str, *reports: str, pupil: int = LARS) -> None:
    """What a source sends in the evening of a day."""
    data = message(
        leerlingid=f"L1{pupil:04}", aanmaakdatum=f"{day}T18:00:00", results="".join(reports), tests=OTHER_TEST
    )
    with clock.fixed(datetime.fromisoformat(f"{day}T18:05:00+01:00")), spool([data]) as spooled:
        destination = OwnSchool(store.engine, school.SCHOOL)
        source = ResultSource(source_id=school.SUMS, destination=destination, channel="load")
        receipt = process_results(store.engine, store.cipher, spooled, source)
    assert receipt.verdict is not Verdict.REJECT, receipt.findings


def last_work(store: Store, pupil: int = LARS) -> str | None:
    """The last day on which a pupil worked with the source of the messages."""
    with clock.fixed(school.NOW), database.read_transaction(store.engine) as connection:
        state = class_state(connection, HANNA, [school.CLASS_A], school.YEAR, read_holidays())
    return state.class_data.last_active.get(pupil, {}).get(school.SUMS)


def days(first: str, number: int) -> list[str]:
    """So many days from a day on."""
    return [f"{datetime.fromisoformat(first) + timedelta(days=item):%Y-%m-%d}" for item in range(number)]


@pytest.mark.parametrize("key", ["always", "{day}"])
def test_the_same_totals_every_day_are_the_work_of_the_first_day(store: Store, key: str) -> None:
    for day, made in zip(days("2026-11-16", 10), (3, 3, 8, 8, 8, 8, 8, 8, 8, 8), strict=True):
        send(store, day, report(key.format(day=day), day, made))
    assert last_work(store) == "2026-11-18"
    send(store, "2026-11-26", report(key.format(day="2026-11-26"), "2026-11-26", 9))
    assert last_work(store) == "2026-11-26"


def test_without_a_number_the_state_and_the_time_tell(store: Store) -> None:
    for day, minutes in zip(days("2026-11-16", 4), (10, 20, 20, 20), strict=True):
        send(store, day, report("one", day, None, minutes=minutes))
    assert last_work(store) == "2026-11-17"
    send(store, "2026-11-20", report("one", "2026-11-20", None, "afgerond", 20))
    assert last_work(store) == "2026-11-20"


def test_of_several_tests_the_newest_work_counts(store: Store) -> None:
    for day in days("2026-11-16", 3):
        send(store, day, report("old", day, 5))
    assert last_work(store) == "2026-11-16"
    send(store, "2026-11-20", report("old", "2026-11-20", 5), report("new", "2026-11-19", 2, test="T2"))
    assert last_work(store) == "2026-11-19"
    assert last_work(store, BENTE) == "2026-11-13"  # a score


def test_messages_in_another_order_give_the_same_day(store: Store) -> None:
    sent = [(day, report("one", day, made)) for day, made in zip(days("2026-11-16", 4), (2, 5, 5, 5), strict=True)]
    for day, item in reversed(sent):
        send(store, day, item)
    assert last_work(store) == "2026-11-17"


def test_who_only_repeats_old_totals_is_idle(store: Store) -> None:
    for pupil in range(1, 12):
        send(store, "2026-11-25", report(f"busy{pupil}", "2026-11-25", 10 + pupil), pupil=pupil)
    for day in (*days("2026-10-05", 3), *days("2026-11-23", 3)):
        send(store, day, report("idle", day, 4))
    with clock.fixed(school.NOW), database.read_transaction(store.engine) as connection:
        state = class_state(connection, HANNA, [school.CLASS_A], school.YEAR, read_holidays())
    signals = [signal for signal in state.signals if signal.rule is SignalRule.IDLE and signal.source_id == school.SUMS]
    assert [(signal.pupil_id, signal.evidence.last_on) for signal in signals] == [(LARS, "2026-10-05")]


def test_a_key_of_another_test_before_says_nothing(store: Store) -> None:
    send(store, "2026-09-07", report("one", "2026-09-07", 5, test="T2"))
    send(store, "2026-11-20", report("one", "2026-11-20", 5))
    assert last_work(store) == "2026-11-20"
