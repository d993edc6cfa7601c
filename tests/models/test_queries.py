"""What the screens may read, and what the numbers come to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

import pytest
from sqlalchemy import Connection, insert, text

from models.access import people
from models.access.people import members, pupil, pupil_names
from models.access.viewer import AccessDenied, Role, Viewer
from models.classroom.class_data import read_class_data
from models.classroom.class_overview import ClassOverview, class_overview, missing_reason
from models.classroom.timeline import PupilTimeline, provenance, pupil_timeline
from models.ingest.connection_overview import connection_overview, retry_now, set_stopped
from models.ingest.freshness import source_states
from models.results.periods import Period, of_school_year, with_year_before
from models.results.progress import class_progress
from models.results.scales import Missing, NormPosition
from models.results.subject_mapping import map_subject, unmapped_terms
from models.schema import clock, database, tables
from models.schema.records import Absence, Kind, Status
from tests.conftest import Store
from tests.dashboard import school

HANNA = Viewer(school.SCHOOL, Role.TEACHER, school.TEACHER_A, "Hanna Vos")
JORIS = Viewer(school.SCHOOL, Role.TEACHER, school.TEACHER_B, "Joris Blom")
SAM = Viewer(school.SCHOOL, Role.ADMINISTRATOR, None, "Sam de Groot")
IRIS = Viewer(school.SCHOOL, Role.SUPPORT, None, "Iris Smit")
STRANGER = Viewer(school.OTHER_SCHOOL, Role.SUPPORT, None, "Iemand")
UNLINKED = Viewer(school.SCHOOL, Role.TEACHER, None, "Niemand")
YEAR = of_school_year(school.YEAR)
SUMS, LEVELS, SPELLING, QUESTIONS = school.SUMS_FIELD, school.LEVELS_FIELD, school.SPELL_FIELD, school.QUESTIONS_FIELD
AISHA, BENTE, CAS, DILAN, ESRA, FEDDE, GUUSJE = range(1, 8)
JONAS, KYRA, LARS = 10, 11, 12


@pytest.fixture
def store(any_store: Store) -> Iterator[Store]:
    """The known school; the clock stands at its Thursday morning."""
    with clock.fixed(school.NOW):
        school.build(any_store.engine, any_store.cipher)
        yield any_store


def overview(store: Store, viewer: Viewer = HANNA, period: Period = YEAR, source: int | None = None) -> ClassOverview:
    """The overview of class 6a."""
    with database.read_transaction(store.engine) as connection:
        class_data = read_class_data(connection, viewer, [school.CLASS_A], school.YEAR, period)
        return class_overview(class_data, period, source_id=source)


def timeline(store: Store, pupil_id: int, viewer: Viewer = HANNA) -> PupilTimeline:
    """The lanes of a pupil over two school years."""
    with database.read_transaction(store.engine) as connection:
        found = pupil_timeline(connection, viewer, pupil_id, with_year_before(school.YEAR))
    assert found is not None
    return found


# -- who sees what -----------------------------------------------------------------------------------------------


def test_a_teacher_sees_their_own_class_and_no_other(store: Store) -> None:
    with database.read_transaction(store.engine) as connection:
        assert [class_ref.name for class_ref in people.class_list(connection, HANNA)] == ["6a"]
        assert [class_ref.name for class_ref in people.class_list(connection, JORIS)] == ["6b"]
        assert [class_ref.name for class_ref in people.class_list(connection, IRIS)] == ["6a", "6b"]
        assert [class_ref.name for class_ref in people.class_list(connection, STRANGER)] == ["6z"]
        assert people.class_list(connection, UNLINKED) == []
        assert people.class_list(connection, replace(SAM, teacher_id=school.TEACHER_A)) == []


@pytest.mark.parametrize("viewer", [JORIS, SAM, STRANGER, UNLINKED])
def test_who_may_not_see_a_class_reads_nothing_of_it(store: Store, viewer: Viewer) -> None:
    class_overview = overview(store, viewer)
    assert (class_overview.pupils, class_overview.cells, class_overview.progress, class_overview.hidden) == (
        (),
        {},
        {},
        0,
    )


@pytest.mark.parametrize("viewer", [JORIS, SAM, STRANGER, UNLINKED])
def test_who_may_not_see_a_pupil_reads_nothing_of_them(store: Store, viewer: Viewer) -> None:
    with database.read_transaction(store.engine) as connection:
        assert pupil(connection, viewer, BENTE) is None
        assert pupil_timeline(connection, viewer, BENTE, YEAR) is None
        assert provenance(connection, viewer, BENTE, 2, "2026-11-13", 0) is None
        names_known = [name.id for name in pupil_names(connection, viewer) if viewer.school_id == school.SCHOOL]
        assert (BENTE in names_known) is (viewer is SAM)  # who links numbers to pupils, and reads nothing more


def test_a_pupil_who_left_the_class_is_not_shown(store: Store) -> None:
    with database.read_transaction(store.engine) as connection:
        shown = members(connection, HANNA, [school.CLASS_A])
    assert [pupil.id for pupil in shown] == list(range(1, 13))


def add_class(connection: Connection, class_id: int, year: str, name: str, location: str, pupil_id: int) -> None:
    """A class with one pupil and one group, both under `class_id`."""
    common = {"school_id": school.SCHOOL, "school_year": year, "location": location, "composed": False, "name": name}
    connection.execute(insert(tables.classes), common | {"id": class_id, "year_groups": "6"})
    connection.execute(insert(tables.groups), common | {"id": class_id, "key": name, "class_id": class_id})
    member = {"school_id": school.SCHOOL, "pupil_id": pupil_id, "group_id": class_id, "from_us": clock.now_us()}
    connection.execute(insert(tables.memberships), member)


def names(store: Store) -> list[str]:
    """The classes that learning support sees, as year and name."""
    with database.read_transaction(store.engine) as connection:
        return [f"{class_ref.school_year[:4]} {class_ref.name}" for class_ref in people.class_list(connection, IRIS)]


def test_a_roster_of_the_coming_year_hides_no_class_before_that_year_begins(store: Store) -> None:
    with database.write_transaction(store.engine) as connection:
        add_class(connection, 11, "2027-2028", "7a", "", AISHA)
    assert names(store) == ["2026 6a", "2026 6b"]
    with clock.fixed(datetime(2027, 7, 31, 23, 59, tzinfo=clock.AMSTERDAM)):
        assert names(store) == ["2026 6a", "2026 6b"]
    with clock.fixed(datetime(2027, 8, 1, 0, 1, tzinfo=clock.AMSTERDAM)):
        assert names(store) == ["2027 7a"]


def test_each_location_shows_its_own_newest_year_and_a_coming_one_only_where_there_is_no_other(store: Store) -> None:
    with database.write_transaction(store.engine) as connection:
        add_class(connection, 11, "2027-2028", "7a", "", AISHA)
        add_class(connection, 12, "2026-2027", "6c", "west", BENTE)
        add_class(connection, 13, "2027-2028", "1a", "nieuw", CAS)
    assert names(store) == ["2027 1a", "2026 6a", "2026 6b", "2026 6c"]
    with clock.fixed(datetime(2027, 8, 20, 12, tzinfo=clock.AMSTERDAM)):
        assert names(store) == ["2027 1a", "2026 6c", "2027 7a"]


def test_couplings_are_for_an_administrator_only(store: Store) -> None:
    with database.read_transaction(store.engine) as connection, pytest.raises(AccessDenied):
        connection_overview(connection, HANNA)
    with database.write_transaction(store.engine) as connection:
        for change in (
            lambda: retry_now(connection, HANNA, school.SILENT),
            lambda: set_stopped(connection, HANNA, school.SILENT, True),
            lambda: map_subject(connection, HANNA, school.SUMS, "term", "x", "arithmetic"),
        ):
            with pytest.raises(AccessDenied):
                change()


# -- totals ------------------------------------------------------------------------------------------------------


def test_a_cell_holds_the_newest_total_of_the_period_and_counts_the_others(store: Store) -> None:
    cell = overview(store).cells[AISHA][SUMS]
    assert (cell.total.reading.text, cell.total.row.taken_on, cell.others) == ("58", "2026-11-13", 1)
    assert (cell.total.reading.band, cell.total.reading.position) == ("onvoldoende", NormPosition.BELOW)
    early = overview(store, period=Period("2026-08-01", "2026-10-31")).cells[AISHA][SUMS]
    assert (early.total.reading.text, early.others) == ("76", 0)


def test_what_the_period_leaves_out_is_counted(store: Store) -> None:
    assert overview(store).hidden == 1
    assert overview(store, period=with_year_before(school.YEAR)).hidden == 0


def test_the_period_leaves_out_sittings_not_rows(store: Store) -> None:
    common: dict[str, object] = {
        "school_id": 1, "source_id": school.SUMS, "kind": 1, "identifier_id": CAS, "test_id": 1, "definition_id": 1,
        "part_id": 0, "school_year": "2025-2026", "created_us": 1, "digest64": 1, "delivery_id": 1,
        "score": None, "score_text": None, "absence": None, "status": None,
    }  # fmt: skip
    not_offered = {"absence": int(Absence.NOT_OFFERED), "score_text": "X"}
    other_test: dict[str, object] = {"test_id": 2, "definition_id": 2}
    rows: list[dict[str, object]] = [
        # One sitting: an X, a score, another score, a part, and the part again.
        {"taken_on": "2026-02-03", **not_offered},
        {"taken_on": "2026-02-03", **school.number(50)},
        {"taken_on": "2026-02-03", **school.number(60)},
        {"taken_on": "2026-02-03", "part_id": 1, **school.number(5)},
        {"taken_on": "2026-03-02", "part_id": 1, **school.number(6)},
        # One of parts only.
        {"taken_on": "2026-03-03", **other_test, "part_id": 4, **school.number(5)},
        {"taken_on": "2026-03-04", **other_test, "part_id": 5, **school.number(0)},
        # Nothing: an X alone, and progress.
        {"taken_on": "2026-04-03", **not_offered},
        {"taken_on": "2026-05-03", "kind": int(Kind.PROGRESS), "status": int(Status.BUSY)},
    ]
    with database.write_transaction(store.engine) as connection:
        connection.execute(
            insert(tables.results), [{**common, "key": f"old{place}", **row} for place, row in enumerate(rows)]
        )
    assert overview(store).hidden_of == {BENTE: 1, CAS: 2}


def test_a_zero_is_shown_as_a_score(store: Store) -> None:
    found = overview(store).cells
    assert (found[JONAS][SUMS].total.reading.text, found[JONAS][SUMS].total.reading.counts) == ("0", True)
    assert found[DILAN][SPELLING].total.reading.text == "0"
    assert found[ESRA][QUESTIONS].total.reading.text == "0"


def test_where_a_source_sends_parts_only_the_total_is_derived_without_x_and_suspect_parts(store: Store) -> None:
    found = overview(store).cells
    assert [
        (found[item][QUESTIONS].total.reading.text, found[item][QUESTIONS].total.reading.maximum)
        for item in (AISHA, FEDDE)
    ] == [("7.5", "10"), ("6", "8")]
    assert all(found[item][QUESTIONS].total.derived for item in (AISHA, CAS, FEDDE, GUUSJE))
    assert not found[AISHA][SUMS].total.derived


def test_an_answer_takes_the_place_of_an_older_not_offered(store: Store) -> None:
    total = overview(store).cells[CAS][QUESTIONS].total
    assert (total.reading.text, total.reading.maximum, total.duplicate, total.parts_left_out) == ("3", "8", False, 1)


def test_all_parts_not_offered_is_not_offered_and_no_zero(store: Store) -> None:
    reading = overview(store).cells[GUUSJE][QUESTIONS].total.reading
    assert (reading.value, reading.missing, reading.counts) == (None, Missing.NOT_OFFERED, False)


def test_of_two_values_for_one_day_the_newest_counts_and_is_marked(store: Store) -> None:
    total = overview(store).cells[ESRA][SPELLING].total
    assert (total.reading.text, total.duplicate) == ("92.5", True)


def test_a_total_without_score_is_finished_without_score(store: Store) -> None:
    cell = overview(store).cells[KYRA][SUMS]
    assert (cell.total.reading.missing, cell.total.reading.value, cell.others) == (Missing.NO_SCORE, None, 1)


def test_an_oso_result_stands_with_the_level_of_its_source(store: Store) -> None:
    reading = overview(store).cells[CAS][LEVELS].total.reading
    assert (reading.text, reading.band, reading.position) == ("192", "IV", NormPosition.BELOW)
    assert [reference.value for reference in reading.references] == ["1F"]


def test_results_without_a_pupil_are_in_no_cell(store: Store) -> None:
    texts = {cell.total.reading.text for row in overview(store).cells.values() for cell in row.values()}
    assert "77" not in {
        cell.total.reading.text for row in overview(store).cells.values() for f, cell in row.items() if f == SUMS
    }
    assert "33" not in texts


def test_a_source_alone_shows_its_own_columns(store: Store) -> None:
    assert overview(store, source=school.SPELL).subject_materials == [SPELLING]


def test_material_is_the_lowest_level_of_the_hierarchy_else_the_source(store: Store) -> None:
    assert overview(store).subject_materials == [SUMS, LEVELS, SPELLING, QUESTIONS]


def test_a_test_without_a_name_shows_its_code(store: Store) -> None:
    class_overview = overview(store)
    assert (
        class_overview.catalogue.definitions[class_overview.cells[AISHA][QUESTIONS].definition_id].name
        == "Rivieren|topo|6a|77"
    )


def test_the_name_of_a_test_is_the_one_of_its_newest_definition(store: Store) -> None:
    with database.write_transaction(store.engine) as connection:
        connection.execute(
            text(
                "INSERT INTO test_definitions (school_id, id, source_id, digest, code, name, body, newest_us) "
                "SELECT school_id, 99, source_id, :digest, code, 'Blok 3 (nieuw)', body, newest_us + 1 "
                "FROM test_definitions WHERE id = 2"
            ),
            {"digest": b"another"},
        )
    class_overview = overview(store)
    assert class_overview.catalogue.definitions[2].name == "Blok 3 (nieuw)"
    assert class_overview.cells[AISHA][SUMS].total.reading.band == "onvoldoende"


# -- why there is no total -----------------------------------------------------------------------------------------


def test_a_pupil_without_score_has_the_state_that_the_progress_tells(store: Store) -> None:
    class_overview = overview(store)
    assert missing_reason(class_overview, GUUSJE, [SPELLING])[0] is Missing.BUSY
    assert missing_reason(class_overview, LARS, [SPELLING])[0] is Missing.NOT_BEGUN
    assert missing_reason(class_overview, LARS, [SUMS])[0] is Missing.NO_RESULT


def test_only_of_what_a_source_never_sends_it_is_said_that_it_does_not_deliver_it(store: Store) -> None:
    class_overview = overview(store)
    assert missing_reason(class_overview, LARS, [QUESTIONS])[0] is Missing.NO_RESULT
    assert missing_reason(class_overview, LARS, [QUESTIONS._replace(subject="music")])[0] is Missing.NOT_DELIVERED


def test_progress_counts_the_newest_record_of_each_pupil_and_sums_nothing(store: Store) -> None:
    class_overview = overview(store)
    (progress,) = class_progress(
        class_overview.progress,
        lambda takers, material: class_overview.audience.of_test(takers, material, range(1, 13)),
    )
    assert (progress.done, progress.busy, progress.not_begun, progress.without) == (10, 1, 1, 0)
    assert sum(progress.worked_ms) == (10 * 40 + 12) * 60_000


def test_a_newer_progress_record_replaces_the_one_before(store: Store) -> None:
    with database.write_transaction(store.engine) as connection:
        connection.execute(
            text(
                "INSERT INTO results (school_id, source_id, key, kind, identifier_id, test_id, definition_id, part_id, "
                "taken_on, status, worked_ms, offered, made, school_year, created_us, digest64, delivery_id) "
                "SELECT school_id, source_id, 'later', kind, identifier_id, test_id, definition_id, part_id, "
                "'2026-11-25', 3, 99000, 40, 40, school_year, created_us, digest64, delivery_id "
                "FROM results WHERE kind = 3 AND identifier_id = 7"
            )
        )
    (mine,) = overview(store).progress[GUUSJE]
    assert (mine.made, mine.worked_ms) == (40, 99_000)


# -- subjects ------------------------------------------------------------------------------------------------------


def test_an_assigned_subject_shows_without_loading_again(store: Store) -> None:
    with database.read_transaction(store.engine) as connection:
        assert [(term.source, term.pattern) for term in unmapped_terms(connection, SAM)] == [
            ("Vraagstuk", "topografie")
        ]
    with database.write_transaction(store.engine) as connection:
        map_subject(connection, SAM, school.QUESTIONS, "term", "topografie", "geography")
    assert QUESTIONS._replace(subject="geography") in overview(store).subject_materials
    with database.read_transaction(store.engine) as connection:
        assert unmapped_terms(connection, SAM) == []


def test_a_pattern_on_codes_goes_before_a_term(store: Store) -> None:
    with database.write_transaction(store.engine) as connection:
        map_subject(connection, SAM, school.QUESTIONS, "term", "topografie", "geography")
        map_subject(connection, SAM, school.QUESTIONS, "code", "*|topo|*", "history")
    assert QUESTIONS._replace(subject="history") in overview(store).subject_materials


# -- the pupil -----------------------------------------------------------------------------------------------------


def test_a_lane_holds_the_sittings_of_a_material_by_test_date(store: Store) -> None:
    lanes = {series.subject_material: series for series in timeline(store, BENTE).series}
    assert [(sitting.taken_on, sitting.total.reading.text) for sitting in lanes[SUMS].sittings] == [
        ("2026-01-20", "64"),
        ("2026-10-01", "81"),
        ("2026-11-13", "84"),
    ]


def test_the_parts_of_a_sitting_stand_in_the_order_of_the_definition_with_their_own_norms(store: Store) -> None:
    lanes = {series.subject_material: series for series in timeline(store, AISHA).series}
    newest = lanes[SUMS].sittings[-1]
    assert [(part.name.name, part.reading.text, part.reading.band) for part in newest.parts] == [
        ("Optellen tot 1000", "6", "voldoende"),
        ("Klok: digitale tijd", "4", "onvoldoende"),
        ("Breuken vergelijken", "2", "onvoldoende"),
    ]


def test_what_came_in_after_newer_results_is_late(store: Store) -> None:
    with database.write_transaction(store.engine) as connection:
        connection.execute(text("UPDATE deliveries SET received_us = received_us + 1000 WHERE id = 2"))
        connection.execute(
            text("UPDATE results SET delivery_id = 2 WHERE identifier_id = 1 AND test_id = 1 AND part_id = 0")
        )
    lanes = {series.subject_material: series for series in timeline(store, AISHA).series}
    assert [sitting.late for sitting in lanes[SUMS].sittings] == [True, False]


def test_a_value_tells_where_it_comes_from(store: Store) -> None:
    with database.read_transaction(store.engine) as connection:
        found = provenance(connection, HANNA, AISHA, 2, "2026-11-13", 0)
    assert found is not None
    assert (found.material, found.publisher, found.xsd_version, found.delivery_id) == (
        "Cijferpad groep 6",
        "Cijferpad",
        "2.2",
        1,
    )
    assert found.info_url == "https://cijferpad.example/toets"


# -- sources -------------------------------------------------------------------------------------------------------


def test_a_source_that_fails_or_did_not_answer_for_a_week_is_late(store: Store) -> None:
    with database.read_transaction(store.engine) as connection:
        late = {state.name: (state.late, state.delivered_this_week) for state in source_states(connection, SAM)}
    assert late["Stiltewerk"] == (True, False)
    assert late["Cijferpad"] == (False, True)


def test_the_couplings_count_results_refusals_and_what_waits(store: Store) -> None:
    with database.read_transaction(store.engine) as connection:
        state = connection_overview(connection, SAM)
        sums = connection.scalar(text("SELECT count(*) FROM results WHERE source_id = 1 AND school_year = '2026-2027'"))
    rows = {row.state.name: row for row in state.rows}
    assert (rows["Cijferpad"].received, rows["Cijferpad"].parked) == (sums, 1)
    assert rows["Vraagstuk"].refused == 1
    assert state.refused[0].reasons[0].sentence_nl == "Toets D7 staat niet in het bericht."


def test_retry_now_makes_a_coupling_due_at_this_moment(store: Store) -> None:
    with database.write_transaction(store.engine) as connection:
        retry_now(connection, SAM, school.SILENT)
    with database.read_transaction(store.engine) as connection:
        (silent,) = (state for state in source_states(connection, SAM) if state.id == school.SILENT)
    assert silent.next_try_us == clock.now_us()


def test_the_mean_of_a_column_is_that_of_the_counted_scores(store: Store) -> None:
    class_overview = overview(store)
    values = [
        cells[SUMS].total.reading.value
        for cells in class_overview.cells.values()
        if SUMS in cells and cells[SUMS].total.reading.counts
    ]
    with database.read_transaction(store.engine) as connection:
        expected = connection.execute(
            text(
                "SELECT sum(r.score), count(r.score) FROM results r JOIN identifiers i ON i.id = r.identifier_id "
                "AND i.school_id = r.school_id WHERE r.test_id = 2 AND r.part_id = 0 AND i.pupil_id <= 12"
            )
        ).one()
    assert (sum(value or 0 for value in values), len(values)) == tuple(expected)
    assert Decimal(expected[0]) / expected[1] / 10_000 == Decimal("63.7")
