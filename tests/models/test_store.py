"""The store: which value counts, in any order and any number of times; nothing half stored; both databases."""

from __future__ import annotations

import atexit
import json
import random
import shutil
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, func, insert, select
from sqlalchemy.exc import OperationalError

from connectors.intake.destinations import AnySchool, OwnSchool
from connectors.intake.judge import ResultSource, process_results, spool
from connectors.uwlr.agreement import TOLERANT
from models.access.viewer import Role, Viewer
from models.ingest import identity, schools
from models.ingest.result_store import Receipt
from models.results.catalogue import catalogue
from models.schema import clock, database
from models.schema.encrypted_columns import place
from models.schema.encryption import PiiCipher
from models.schema.records import SCALE, Verdict
from models.schema.tables import (
    deliveries,
    identifiers,
    pupils,
    raw_messages,
    result_history,
    results,
    school_identifications,
    source_connections,
    test_definitions,
    tests,
)
from models.schema.tables import schools as schools_table
from models.schema.terms import RetentionPolicy
from tests.conftest import Store, compiled_once
from tests.models.spelled import spelled
from tests.uwlr.messages import message, result_xml

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def source(store: Store, key: str = "rekenwijs") -> int:
    with database.write_transaction(store.engine) as connection:
        return schools.ensure_source(connection, key, key.title(), "publisher")


def take(store: Store, data: bytes, source_id: int = 1, arrived: int | None = None, **options: object) -> Receipt:
    """Take in a message that came in just now, or so many seconds after NOW."""
    with clock.fixed(NOW), spool([data]) as spooled:
        if arrived is not None:
            spooled.arrived_us = clock.to_us(NOW + timedelta(seconds=arrived))
        origin = ResultSource(
            source_id=source_id,
            destination=AnySchool(store.engine),
            channel="load",
            **options,  # type: ignore[arg-type]
        )
        return process_results(store.engine, store.cipher, spooled, origin)


def current(engine: Engine) -> list[tuple[str, int | None, str | None]]:
    with database.read_transaction(engine) as connection:
        rows = connection.execute(select(results.c.key, results.c.score, results.c.score_text).order_by(results.c.key))
        return [(row.key, row.score, row.score_text) for row in rows]


def history(engine: Engine) -> list[tuple[str, int | None]]:
    with database.read_transaction(engine) as connection:
        rows = connection.execute(select(result_history.c.key, result_history.c.score).order_by(result_history.c.score))
        return [(row.key, row.score) for row in rows]


def state(engine: Engine, *, arrivals: bool = True) -> tuple[list[object], list[object], list[object]]:
    """What the store says, ids spelled out: they follow from the order of arrival, the state must not.

    Without `arrivals` the moments at which the messages came in are left out.
    """
    spelled = []
    for table in (results, result_history):
        query = (
            select(
                table,
                tests.c.code,
                tests.c.version,
                test_definitions.c.digest.label("definition"),
                identifiers.c.digest.label("identifier"),
            )
            .join(tests, (tests.c.school_id == table.c.school_id) & (tests.c.id == table.c.test_id))
            .join(
                test_definitions,
                (test_definitions.c.school_id == table.c.school_id) & (test_definitions.c.id == table.c.definition_id),
            )
            .join(
                identifiers,
                (identifiers.c.school_id == table.c.school_id) & (identifiers.c.id == table.c.identifier_id),
            )
        )
        with database.read_transaction(engine) as connection:
            rows = connection.execute(query).mappings().all()
        hidden = {"delivery_id", "test_id", "definition_id", "identifier_id", "part_id", "value_digest"}
        hidden |= set() if arrivals else {"arrived_us"}
        spelled.append(sorted(repr({k: v for k, v in row.items() if k not in hidden}) for row in rows))
    with database.read_transaction(engine) as connection:
        definitions = connection.execute(select(test_definitions)).all()
    known = sorted((bytes(row.digest), row.newest_us, row.arrived_us if arrivals else 0) for row in definitions)
    return spelled[0], spelled[1], list(known)


OSO = "http://www.edustandaard.nl/oso_gegevensset/1.2/dossier"


def oso_xml(key: str, skill: str) -> str:
    """One resultaat with an osoresultaat of test T1."""
    return (
        f'<resultaat key="{key}"><afnamedatum>2026-11-10</afnamedatum><toetscode>T1</toetscode>'
        f'<osoresultaat xmlns:o="{OSO}"><o:toetsscore><o:vaardigheidsscore>{skill}</o:vaardigheidsscore></o:toetsscore>'
        "</osoresultaat></resultaat>"
    )


@dataclass(frozen=True)
class Sent:
    """One message of a generated set: a few keys of a small space, so that they meet."""

    minute: int
    rows: tuple[tuple[str, str, str, str], ...]  # key, pupil, part or OSO, score
    name: str

    def bytes(self) -> bytes:
        xml = "".join(
            oso_xml(key, score) if part == OSO else result_xml(key, score, part=part)
            for key, _, part, score in self.rows
        )
        return message(
            results=xml,
            leerlingid=self.rows[0][1],
            aanmaakdatum=f"2026-11-11T10:{self.minute:02d}:00Z",
            toetsnaam=self.name,
        )


sent_messages = st.builds(
    Sent,
    st.integers(0, 3),
    st.lists(
        st.tuples(*map(st.sampled_from, ("abc", ["L1", "L2"], ["", "P1", OSO], "0123"))),
        min_size=1, max_size=3, unique_by=lambda row: row[0],
    ).map(tuple),
    st.sampled_from(["Toets", "Toets nieuw"]),
)  # fmt: skip


@cache
def migrated() -> Path:
    """An empty data folder with all tables, made once a process: a copy saves each example the migrations."""
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    engine = database.open_engine(database.sqlite_url(folder))
    database.upgrade(engine)
    engine.dispose()
    return folder


def fresh(folder: str) -> Store:
    data = shutil.copytree(migrated(), Path(folder) / "data")
    engine = compiled_once(database.open_engine(database.sqlite_url(data)))
    return Store(engine, PiiCipher.from_secret(b"x" * 32))


@pytest.mark.long
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(sent_messages, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_any_order_and_any_repetition_end_in_the_same_state(sent: list[Sent], shuffle: random.Random) -> None:
    arrived = list(enumerate(dict.fromkeys(sent)))  # the order in which they came in, whatever the order of storing
    again = arrived + [item for item in arrived if shuffle.random() < 0.5]
    shuffle.shuffle(again)
    states = []
    for order in (arrived, again):
        with tempfile.TemporaryDirectory() as folder:
            store = fresh(folder)
            source(store)
            for moment, one in order:
                receipt = take(store, one.bytes(), arrived=moment, agreement=TOLERANT)
                assert receipt.verdict is not Verdict.REJECT
            states.append(state(store.engine))
            store.engine.dispose()
    assert states[0] == states[1]


@pytest.mark.parametrize(("first", "second"), [("5", "9"), ("9", "5")])
@pytest.mark.parametrize("stored_in_order", [True, False])
def test_of_two_messages_of_one_moment_the_later_arrival_counts_and_is_told(
    any_store: Store, first: str, second: str, stored_in_order: bool
) -> None:
    source(any_store)
    arrivals = [(0, message(results=result_xml("r1", first))), (1, message(results=result_xml("r1", second)))]
    receipts = [
        take(any_store, data, arrived=arrived) for arrived, data in (arrivals if stored_in_order else arrivals[::-1])
    ]
    assert [[finding.rule for finding in receipt.findings] for receipt in receipts] == [[], ["result.tied"]]
    assert receipts[1].verdict is Verdict.ACCEPT  # nothing is lost
    assert current(any_store.engine) == [("r1", int(second) * SCALE, second)]
    assert history(any_store.engine) == [("r1", int(first) * SCALE)]


@pytest.mark.parametrize("stored_in_order", [True, False])
def test_a_key_has_one_result_whatever_its_kind(any_store: Store, stored_in_order: bool) -> None:
    source(any_store)
    sent = [
        message(results=result_xml("d1", "3"), aanmaakdatum="2026-11-11T10:00:14"),
        message(results=oso_xml("d1", "88"), aanmaakdatum="2026-11-11T10:00:15"),
    ]
    counts = [take(any_store, data).counts for data in (sent if stored_in_order else sent[::-1])]
    assert (counts[0]["new"], counts[1]["changed" if stored_in_order else "history"]) == (1, 1)
    assert current(any_store.engine) == [("d1", 88 * SCALE, "88")]
    assert history(any_store.engine) == [("d1", 3 * SCALE)]
    back = take(any_store, message(results=result_xml("d1", "3"), aanmaakdatum="2026-11-11T10:00:16"))
    assert back.counts["changed"] == 1
    assert (current(any_store.engine), history(any_store.engine)) == (
        [("d1", 3 * SCALE, "3")],
        [("d1", 88 * SCALE)],
    )


def test_a_progress_record_stands_beside_a_score_of_its_key(any_store: Store) -> None:
    source(any_store)
    progress = (
        '<resultaat key="d1"><afnamedatum>2026-11-10</afnamedatum><toetscode>T1</toetscode>'
        '<anderresultaat xmlns:v="urn:rondblik:voortgang:1" xmlns:i="http://www.w3.org/2001/XMLSchema-instance" '
        'i:type="v:Voortgang"><v:status>bezig</v:status></anderresultaat></resultaat>'
    )
    take(any_store, message(results=result_xml("d1", "3")))
    receipt = take(any_store, message(results=progress, aanmaakdatum="2026-11-12T00:00:00"))
    assert receipt.counts["new"] == 1
    assert sorted(current(any_store.engine), key=str) == [("d1", 3 * SCALE, "3"), ("d1", None, None)]
    assert history(any_store.engine) == []


def test_arrivals_have_an_order_where_the_clock_stands_still(store: Store) -> None:
    source(store)
    with clock.fixed(NOW), ExitStack() as files:
        scores = ("5", "9", "2", "7")
        spooled = [files.enter_context(spool([message(results=result_xml("r1", score))])) for score in scores]
        for item in (spooled[2], spooled[0], spooled[3], spooled[1]):
            origin = ResultSource(source_id=1, destination=AnySchool(store.engine), channel="load")
            process_results(store.engine, store.cipher, item, origin)
    assert current(store.engine) == [("r1", 7 * SCALE, "7")]


def test_a_message_that_is_sent_again_did_not_come_later(any_store: Store) -> None:
    source(any_store)
    first, second = message(results=result_xml("r1", "5")), message(results=result_xml("r1", "9"))
    take(any_store, first)
    take(any_store, second, arrived=1)
    assert take(any_store, first, arrived=2).repeated
    assert current(any_store.engine) == [("r1", 9 * SCALE, "9")]
    # Made anew with the same moment and another word elsewhere, it is another message, and the sender's last.
    take(any_store, first.replace(b"Toets 1", b"Toets een"), arrived=3)
    assert current(any_store.engine) == [("r1", 5 * SCALE, "5")]


def test_the_name_of_a_test_is_that_of_the_later_arrival(any_store: Store) -> None:
    source(any_store)
    for arrived, name in enumerate(("Blok 2", "Blok 1", "Blok 3")):
        take(any_store, message(toetsnaam=name), arrived=arrived)
    with database.read_transaction(any_store.engine) as connection:
        definition_ids = list(connection.scalars(select(test_definitions.c.id)))
        names = {item.name for item in catalogue(connection, 1, definition_ids).definitions.values()}
    assert names == {"Blok 3"}


def test_the_later_message_counts_and_the_earlier_value_stays_in_history(any_store: Store) -> None:
    source(any_store)
    take(any_store, message(results=result_xml("r1", "4")))
    receipt = take(any_store, message(results=result_xml("r1", "5"), aanmaakdatum="2026-11-12T00:00:00"))
    assert receipt.counts["changed"] == 1
    assert current(any_store.engine) == [("r1", 5 * SCALE, "5")]
    assert history(any_store.engine) == [("r1", 4 * SCALE)]


def test_a_value_that_is_sent_again_came_in_with_its_first_message(any_store: Store) -> None:
    def deliveries_of() -> list[int]:
        with database.read_transaction(any_store.engine) as connection:
            return list(connection.scalars(select(results.c.delivery_id).order_by(results.c.key)))

    source(any_store)
    first = take(any_store, message(scores=["7", "8"], aanmaakdatum="2026-11-11T08:00:00"))
    again = take(any_store, message(scores=["7", "9"], aanmaakdatum="2026-11-12T08:00:00"))
    assert deliveries_of() == [first.delivery_id, again.delivery_id]
    take(any_store, message(scores=["7", "9"], aanmaakdatum="2026-11-13T08:00:00"))
    assert deliveries_of() == [first.delivery_id, again.delivery_id]
    older = take(any_store, message(scores=["6", "9"], aanmaakdatum="2026-11-12T12:00:00"))
    assert older.counts["history"] == 1  # the newest statement counts, though it came in with the first
    assert current(any_store.engine)[0][2] == "7"


def test_an_older_message_never_overwrites(any_store: Store) -> None:
    source(any_store)
    take(any_store, message(results=result_xml("r1", "5"), aanmaakdatum="2026-11-12T00:00:00"))
    take(any_store, message(results=result_xml("r1", "4")))
    assert current(any_store.engine) == [("r1", 5 * SCALE, "5")]
    assert history(any_store.engine) == [("r1", 4 * SCALE)]


def test_the_same_bytes_are_confirmed_and_change_nothing(any_store: Store) -> None:
    source(any_store)
    first = take(any_store, message())
    again = take(any_store, message())
    assert again.repeated
    assert again.delivery_id == first.delivery_id
    with database.read_transaction(any_store.engine) as connection:
        assert connection.scalar(select(func.count()).select_from(deliveries)) == 1


def test_a_refused_message_changes_nothing_and_is_kept_sealed(any_store: Store) -> None:
    source(any_store)
    data = message(scores=["bad"])
    receipt = take(any_store, data)
    assert receipt.verdict is Verdict.REJECT
    assert current(any_store.engine) == []
    with database.read_transaction(any_store.engine) as connection:
        row = connection.execute(select(deliveries)).one()
        raw = connection.execute(select(raw_messages)).one()
        assert connection.scalar(select(func.count()).select_from(identifiers)) == 0
    assert row.fault == "Client.ScoreOngeldig"
    assert json.loads(row.findings)[0]["rule"] == "xsd.value"
    assert data not in bytes(raw.sealed)
    assert any_store.cipher.decrypt(bytes(raw.sealed), place(raw_messages.c.sealed, raw.delivery_id)) == data
    assert raw.keep_until_us == clock.to_us(NOW) + 30 * 24 * 3600 * 1_000_000


def test_a_refused_message_is_judged_anew_when_it_comes_again(store: Store) -> None:
    source(store)
    data = message(scores=["1.5"])
    assert take(store, data).verdict is Verdict.REJECT
    assert take(store, data, agreement=TOLERANT).verdict is Verdict.WARN
    assert current(store.engine) == [("r1", 15_000, "1.5")]


def test_a_zero_is_stored_as_a_zero_and_an_x_as_none(any_store: Store) -> None:
    source(any_store)
    take(any_store, message(scores=["0", "X"]), agreement=TOLERANT)
    assert current(any_store.engine) == [("r1", 0, "0"), ("r2", None, "X")]


def test_a_message_for_another_school_is_refused(store: Store) -> None:
    source_id = source(store)
    with database.write_transaction(store.engine) as connection:
        own = schools.ensure_school(connection, [schools.Identification("brin", "99YY")])
    with clock.fixed(NOW), spool([message()]) as spooled:
        receipt = process_results(
            store.engine,
            store.cipher,
            spooled,
            ResultSource(
                source_id=source_id,
                destination=OwnSchool(store.engine, own),
                channel="pull",
            ),
        )
    assert (receipt.verdict, receipt.fault) == (Verdict.REJECT, "Client.AutorisatieOngeldig")


def test_absent_zero_and_double_zero_are_one_dependance(store: Store) -> None:
    source(store)
    take(store, message())
    data = message(aanmaakdatum="2026-11-12T00:00:00").replace(
        b"</brincode>", b"</brincode><dependancecode>00</dependancecode>"
    )
    take(store, data)
    with database.read_transaction(store.engine) as connection:
        assert connection.scalar(select(func.count(func.distinct(results.c.school_id)))) == 1


def test_the_cursor_moves_in_the_transaction_that_stores(store: Store) -> None:
    source_id = source(store)
    with database.write_transaction(store.engine) as connection:
        school_id = schools.ensure_school(connection, [schools.Identification("brin", "99XX")])
        connection.execute(insert(source_connections).values(school_id=school_id, source_id=source_id))
    take(store, message(scores=["bad"]), source_id, moves_cursor=True)
    with database.read_transaction(store.engine) as connection:
        assert connection.scalar(select(source_connections.c.cursor)) is None
    take(store, message(), source_id, moves_cursor=True)
    with database.read_transaction(store.engine) as connection:
        assert connection.scalar(select(source_connections.c.cursor)) == "2026-11-11T00:05:46"


def test_results_of_an_unknown_pupil_are_parked_and_matched_by_one_row(store: Store) -> None:
    source(store)
    assert take(store, message()).counts["parked"] == 1
    with database.write_transaction(store.engine, 1) as connection:
        connection.execute(insert(pupils).values(school_id=1, id=1, first_name="Noa"))
        identity.link(connection, Viewer(1, Role.ADMINISTRATOR), 1, 1)
    receipt = take(store, message(results=result_xml("r9", "3"), aanmaakdatum="2026-11-12T00:00:00"))
    assert receipt.counts["parked"] == 0
    of_pupils = [(row.pupil_id, row.key, row.score_text) for row in spelled(store.engine)]
    assert of_pupils == [(1, "r1", "7"), (1, "r9", "3")]


def test_a_key_that_moves_to_another_pupil_is_warned_about(store: Store) -> None:
    source(store)
    take(store, message())
    receipt = take(store, message(leerlingid="L2", aanmaakdatum="2026-11-12T00:00:00"))
    assert receipt.verdict is Verdict.WARN
    assert [finding.rule for finding in receipt.findings] == ["result.moved"]
    assert receipt.findings[0].message_en.startswith("1 times a known @key now belongs to another pupil")


def test_old_results_keep_the_norm_they_came_with(store: Store) -> None:
    source(store)
    take(store, message(results=result_xml("r1", "4")))
    changed = message(results=result_xml("r2", "4"), aanmaakdatum="2026-11-12T00:00:00")
    take(store, changed.replace(b"<eindnormwaarde>5<", b"<eindnormwaarde>3<").replace(
        b"<beginnormwaarde>6<", b"<beginnormwaarde>4<"))  # fmt: skip
    with database.read_transaction(store.engine) as connection:
        rows = connection.execute(
            select(results.c.key, test_definitions.c.body)
            .join(test_definitions, test_definitions.c.id == results.c.definition_id)
            .order_by(results.c.key)
        ).all()
    lows = [[band["low"] for band in json.loads(row.body)["norm"]["bands"]] for row in rows]
    assert lows == [["0", "6"], ["0", "4"]]


@pytest.mark.long
def test_many_results_of_one_message_go_in_as_one(any_store: Store) -> None:
    source(any_store)
    rows = "".join(result_xml(f"r{number}", str(number % 11)) for number in range(12_345))
    assert take(any_store, message(results=rows)).counts["new"] == 12_345
    changed = rows.replace("<score>10<", "<score>9<")
    receipt = take(any_store, message(results=changed, aanmaakdatum="2026-11-12T00:00:00"))
    assert receipt.counts["changed"] == 1_122
    assert receipt.counts["unchanged"] == 12_345 - 1_122


def standings(store: Store) -> dict[str, str]:
    return {row.key: row.standing for row in spelled(store.engine)}


def test_a_new_key_for_something_not_offered_supersedes(any_store: Store) -> None:
    source(any_store)
    take(any_store, message(results=result_xml("random1", "X")), agreement=TOLERANT)
    take(any_store, message(results=result_xml("r1", "3"), aanmaakdatum="2026-11-12T00:00:00"), agreement=TOLERANT)
    assert standings(any_store) == {"random1": "superseded", "r1": "counts"}
    take(any_store, message(results=result_xml("random2", "X"), aanmaakdatum="2026-11-13T00:00:00"), agreement=TOLERANT)
    assert standings(any_store) == {"random1": "superseded", "r1": "superseded", "random2": "counts"}


def test_two_scores_of_one_slot_stay_and_the_newest_counts(any_store: Store) -> None:
    source(any_store)
    take(any_store, message(results=result_xml("new", "3"), aanmaakdatum="2026-11-12T00:00:00"))
    take(any_store, message(results=result_xml("old", "4")))
    assert standings(any_store) == {"new": "counts", "old": "possible duplicate"}


def test_a_message_refused_again_for_the_same_reason_is_one_refusal(store: Store) -> None:
    source(store)
    data = message(scores=["bad"])
    first, again = take(store, data), take(store, data)
    assert (again.delivery_id, again.verdict) == (first.delivery_id, Verdict.REJECT)
    with database.read_transaction(store.engine) as connection:
        assert connection.scalar(select(func.count()).select_from(deliveries)) == 1


def test_a_refused_file_stands_with_the_school_that_it_names(store: Store) -> None:
    source(store)
    take(store, message())
    take(store, message(scores=["bad"], aanmaakdatum="2026-11-12T00:00:00"))
    with database.read_transaction(store.engine) as connection:
        rows = connection.execute(select(deliveries.c.verdict, deliveries.c.school_id).order_by(deliveries.c.id))
        assert [tuple(row) for row in rows] == [("accept", 1), ("reject", 1)]


def test_an_accepted_message_is_kept_as_long_as_configured(store: Store) -> None:
    source(store)
    take(store, message(), retention=RetentionPolicy(accepted_days=2))
    with database.read_transaction(store.engine) as connection:
        raw = connection.execute(select(raw_messages)).one()
    assert store.cipher.decrypt(raw.sealed, place(raw_messages.c.sealed, raw.delivery_id)) == message()


def test_the_same_bytes_for_another_school_are_judged_for_that_school(store: Store) -> None:
    source_id = source(store)
    take(store, message())
    with database.write_transaction(store.engine) as connection:
        other = schools.ensure_school(connection, [schools.Identification("brin", "99YY")])
    with clock.fixed(NOW), spool([message()]) as spooled:
        receipt = process_results(
            store.engine,
            store.cipher,
            spooled,
            ResultSource(
                source_id=source_id,
                destination=OwnSchool(store.engine, other),
                channel="pull",
            ),
        )
    assert receipt.verdict is Verdict.REJECT


def test_a_date_outside_the_school_year_is_stored_on_its_date_with_a_warning(store: Store) -> None:
    source(store)
    receipt = take(store, message(results=result_xml("r1", "4", afnamedatum="2026-06-30")))
    assert (receipt.verdict, [finding.rule for finding in receipt.findings]) == (
        Verdict.WARN,
        ["result.date-outside-year"],
    )
    with database.read_transaction(store.engine) as connection:
        assert connection.scalar(select(results.c.taken_on)) == "2026-06-30"


@pytest.mark.sqlite
def test_a_full_database_is_an_error_of_the_database_whichever_way_rows_go_in(store: Store) -> None:
    rows = [("brin", f"{number}", "x" * 4_000, 1) for number in range(500)]
    columns = ("scheme", "value", "location", "school_id")

    def write() -> None:
        with database.write_transaction(store.engine) as connection:
            connection.execute(insert(schools_table).values(id=1, name="De Wissel"))
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 8}")
            database.insert_new(connection, school_identifications, columns, rows)

    with pytest.raises(OperationalError, match="full"):
        write()
    with database.read_transaction(store.engine) as connection:
        assert connection.scalar(select(func.count()).select_from(schools_table)) == 0
