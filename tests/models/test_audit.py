"""The audit log: what is appended stays, who may read it, and that no tampering goes unseen."""

from __future__ import annotations

import random
import stat
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from time import perf_counter, sleep

import pytest
from sqlalchemy import Connection, delete, func, insert, select, update

from benchmarks import messages
from models.access.access_review import who_can_see
from models.access.audit import (
    Administered,
    AuditLog,
    Exported,
    Looked,
    WroteAbout,
    audit_events,
    audit_heads,
    audit_pupils,
    open_audit,
)
from models.access.viewer import AccessDenied, Role, Viewer
from models.schema import clock, database
from models.schema.encryption import KEY_FILE
from models.schema.tables import results
from tests.conftest import Store
from tests.dashboard import school
from tests.dashboard.installation import configured

HANNA = Viewer(school.SCHOOL, Role.TEACHER, school.TEACHER_A, "Hanna Vos", "hanna")
SUPPORT = Viewer(school.SCHOOL, Role.SUPPORT, None, "Els Prins", "els")
ELSEWHERE = Viewer(school.OTHER_SCHOOL, Role.ADMINISTRATOR, None, "Wil Jacobs", "wil")
RESULTS = 100_000
TABLES = (audit_events, audit_pupils, audit_heads)


@pytest.fixture
def log(any_store: Store) -> AuditLog:
    """An empty log beside a store, on both databases."""
    return open_audit(any_store.engine, any_store.cipher)


@pytest.fixture
def filled(log: AuditLog) -> AuditLog:
    """A log of thirty events of one school, and some of another."""
    for number in range(10):
        log.append(HANNA, [Looked("class", (1, 2, 3)), Exported("class", "csv", (1, 2))])
        log.append(SUPPORT, [WroteAbout("note written", (number,))])
    log.append(ELSEWHERE, [Administered("connection stopped", 3)] * 3)
    return log


def test_what_is_appended_is_read_back_by_school_month_and_pupil(log: AuditLog) -> None:
    with clock.fixed(school.NOW):
        log.append(HANNA, [Looked("class", (3, 1, 3)), WroteAbout("goal set", (1,))])
    with clock.fixed(school.NOW + timedelta(days=40)):
        log.append(SUPPORT, [Looked("pupil", (1,))])
        log.append(ELSEWHERE, [Looked("pupil", (1,))])
    month = school.NOW.strftime("%Y-%m")
    events = [entry.event for entry in log.month(SUPPORT, month, 10)]
    assert events == [WroteAbout("goal set", (1,)), Looked("class", (3, 1, 3))]
    about = log.about_pupil(SUPPORT, 1, 10)
    assert [(entry.user_name, entry.event.pupil_ids) for entry in about] == [
        ("Els Prins", (1,)), ("Hanna Vos", (1,)), ("Hanna Vos", (3, 1, 3)),
    ]  # fmt: skip
    assert [entry.user_key for entry in log.about_pupil(SUPPORT, 3, 10)] == ["hanna"]
    assert len(log.about_pupil(SUPPORT, 1, 2)) == 2
    for teacher in (HANNA, replace(HANNA, role=Role.MENTOR), replace(HANNA, role=Role.VENDOR)):
        with pytest.raises(AccessDenied):
            log.month(teacher, month, 10)
        with pytest.raises(AccessDenied):
            log.about_pupil(teacher, 1, 10)


def test_a_month_begins_and_ends_at_midnight_in_amsterdam(log: AuditLog) -> None:
    for moment in ("2026-11-30T23:59:59+01:00", "2026-12-01T00:00:00+01:00", "2026-12-31T23:59:59+01:00"):
        with clock.fixed(clock.datetime.fromisoformat(moment)):
            log.append(HANNA, [Looked(moment, (1,))])
    shown = {month: len(log.month(SUPPORT, month, 10)) for month in ("2026-11", "2026-12", "2027-01")}
    assert shown == {"2026-11": 1, "2026-12": 2, "2027-01": 0}


def test_an_untouched_log_has_no_problems_and_its_export_is_whole(filled: AuditLog) -> None:
    assert filled.schools() == [school.SCHOOL, school.OTHER_SCHOOL]
    for school_id, number in ((school.SCHOOL, 30), (school.OTHER_SCHOOL, 3)):
        assert filled.problems(school_id, [filled.head(school_id)]) == []
        events = list(filled.export(school_id))
        assert [event["id"] for event in events] == list(range(1, number + 1))
    first, *_others = filled.export(school.SCHOOL)
    assert first["about"] == {"screen": "class", "pupil_ids": [1, 2, 3]}


def test_no_name_of_a_pupil_is_in_the_log(filled: AuditLog) -> None:
    first, *_others = filled.export(school.SCHOOL)
    assert set(first) == {
        "school_id", "id", "at_us", "user_key", "user_name", "role", "kind", "about", "digest",
    }  # fmt: skip


# -- tampering ---------------------------------------------------------------------------------------------------


def tamper(connection: Connection, chance: random.Random) -> str:
    """Change the log of the school somewhere, as somebody could who writes to the database but lacks the key."""
    of_school = audit_events.c.school_id == school.SCHOOL
    rows = connection.execute(select(audit_events).where(of_school).order_by(audit_events.c.id)).all()
    row = chance.choice(rows)
    this = (of_school, audit_events.c.id == row.id)
    kind = chance.choice(("change", "remove", "cut", "swap", "copy", "forge", "index", "head", "all"))
    match kind:
        case "change":
            name = chance.choice(("at_us", "user_key", "user_name", "role", "kind", "about", "digest"))
            old = getattr(row, name)
            new = {"at_us": 1, "digest": bytes(16), "about": '{"screen":"class","pupil_ids":[]}'}.get(name, "x")
            assert new != old
            connection.execute(update(audit_events).where(*this).values({name: new}))
        case "remove":
            connection.execute(delete(audit_events).where(*this))
        case "cut":  # the newest events go, and the head is made to fit
            connection.execute(delete(audit_events).where(of_school, audit_events.c.id >= row.id))
            connection.execute(delete(audit_pupils).where(audit_pupils.c.event_id >= row.id))
            before = next((item for item in rows if item.id == row.id - 1), None)
            head = {"event_id": row.id - 1, "digest": bytes(16) if before is None else before.digest}
            connection.execute(update(audit_heads).where(audit_heads.c.school_id == school.SCHOOL).values(head))
        case "swap":
            other = chance.choice([item for item in rows if item.about != row.about])
            connection.execute(update(audit_events).where(*this).values(about=other.about))
            connection.execute(
                update(audit_events).where(of_school, audit_events.c.id == other.id).values(about=row.about)
            )
        case "copy":
            connection.execute(insert(audit_events).values({**row._mapping, "id": len(rows) + 1}))
        case "forge":
            values = {**row._mapping, "id": len(rows) + 1, "digest": chance.randbytes(16)}
            connection.execute(insert(audit_events).values(values))
            head = {"event_id": len(rows) + 1, "digest": values["digest"]}
            connection.execute(update(audit_heads).where(audit_heads.c.school_id == school.SCHOOL).values(head))
        case "index":
            own = (audit_pupils.c.school_id == school.SCHOOL, audit_pupils.c.event_id == row.id)
            connection.execute(delete(audit_pupils).where(*own))
        case "head":
            connection.execute(delete(audit_heads).where(audit_heads.c.school_id == school.SCHOOL))
        case "all":
            connection.execute(delete(audit_events).where(of_school))
    return kind


def test_a_thousand_tamperings_are_all_found(filled: AuditLog) -> None:
    with database.read_transaction(filled.engine) as connection:
        saved = [(table, [dict(row._mapping) for row in connection.execute(select(table))]) for table in TABLES]
    chance, unseen, kinds = random.Random(20261130), [], set()
    for number in range(1_000 if filled.engine.dialect.name == "sqlite" else 100):
        with database.short_write(filled.engine) as connection:
            kinds.add(kind := tamper(connection, chance))
        if not filled.problems(school.SCHOOL):
            unseen.append((number, kind))
        assert filled.problems(school.OTHER_SCHOOL) == [] or kind in ("cut", "index")
        with database.short_write(filled.engine) as connection:
            for table, rows in saved:
                connection.execute(delete(table))
                connection.execute(insert(table), rows)
    assert len(kinds) == 9
    assert unseen == []
    assert filled.problems(school.SCHOOL) == []


def test_an_older_copy_of_the_whole_log_is_found_by_a_head_that_was_written_down(filled: AuditLog) -> None:
    with database.read_transaction(filled.engine) as connection:
        saved = [(table, [dict(row._mapping) for row in connection.execute(select(table))]) for table in TABLES]
    filled.append(HANNA, [Looked("class", (1,))])
    written = filled.head(school.SCHOOL)
    with database.short_write(filled.engine) as connection:
        for table, rows in saved:
            connection.execute(delete(table))
            connection.execute(insert(table), rows)
    assert filled.problems(school.SCHOOL) == []
    assert filled.problems(school.SCHOOL, [written]) == ["Event 31, which was written down, is missing."]
    filled.append(HANNA, [Looked("class", (2,))])
    assert filled.problems(school.SCHOOL, [written]) == ["Event 31 is not the one whose digest was written down."]


def test_another_key_does_not_confirm_the_log(filled: AuditLog) -> None:
    other = replace(filled, cipher=replace(filled.cipher, digest_key=bytes(32)))
    assert len(other.problems(school.SCHOOL)) > 29


# -- several at once ---------------------------------------------------------------------------------------------


def test_many_threads_append_to_one_chain(log: AuditLog) -> None:
    def append() -> None:
        for _ in range(20):
            log.append(HANNA, [Looked("class", (1, 2))])

    threads = [threading.Thread(target=append) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert log.head(school.SCHOOL)[0] == 160
    assert log.problems(school.SCHOOL) == []


@pytest.mark.timing
def test_an_ingest_of_100_000_results_does_not_hold_up_an_event(
    any_store: Store, log: AuditLog, tmp_path: Path
) -> None:
    school.build(any_store.engine, any_store.cipher)
    (key,) = tmp_path.glob(f"*/{KEY_FILE}")
    installation = configured(key.parent, any_store.engine.url.render_as_string(hide_password=False))
    messages.write(tmp_path / "message.xml", RESULTS)
    milliseconds = []
    ingest = installation.start("load", str(tmp_path / "message.xml"))
    while ingest.poll() is None:
        begun = perf_counter()
        log.append(HANNA, [Looked("class", tuple(range(30)))])
        milliseconds.append((perf_counter() - begun) * 1000)
        sleep(0.01)  # a page is opened now and then
    out, errors = ingest.communicate()
    assert ingest.returncode == 0, errors
    with database.read_transaction(any_store.engine) as connection:
        assert connection.scalar(select(func.count()).select_from(results)) >= RESULTS, out
    p95 = sorted(milliseconds)[len(milliseconds) * 95 // 100]
    print(f"an event of the audit log during an ingest of {RESULTS} results: p95 {p95:.1f} ms of {len(milliseconds)}")
    assert len(milliseconds) > 50
    assert p95 <= 20


def test_the_file_of_the_log_is_private_and_survives_a_second_start(store: Store) -> None:
    log = open_audit(store.engine, store.cipher)
    log.append(HANNA, [Looked("class", (1,))])
    path = Path(str(log.engine.url.database))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert open_audit(store.engine, store.cipher).head(school.SCHOOL) == log.head(school.SCHOOL) != (0, "")


# -- who can see a pupil -----------------------------------------------------------------------------------------


@pytest.fixture
def known(any_store: Store) -> Iterator[Store]:
    """The known school, on both databases."""
    with clock.fixed(school.NOW):
        school.build(any_store.engine, any_store.cipher)
        yield any_store


def test_who_can_see_a_pupil_are_the_teachers_of_the_classes_now(known: Store) -> None:
    with database.read_transaction(known.engine) as connection:
        assert [(item.name, item.class_name) for item in who_can_see(connection, SUPPORT, 1)] == [("Hanna Vos", "6a")]
        assert who_can_see(connection, ELSEWHERE, 12) == []
        with pytest.raises(AccessDenied):
            who_can_see(connection, HANNA, 1)
    with clock.fixed(school.NOW.replace(year=2027, month=8, day=2)), database.read_transaction(known.engine) as later:
        assert who_can_see(later, SUPPORT, 1) == []
