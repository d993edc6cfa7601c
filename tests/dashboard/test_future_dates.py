"""A result with a date in the future: flagged on every screen where it stands, and counted from its day on."""

from __future__ import annotations

import json
from datetime import datetime

import flask
import pytest
from sqlalchemy import text

from connectors.intake.judge import spool
from connectors.intake.push import ReceiverContext, deliver
from dashboard.export.sheets import sheet_of
from dashboard.text.words import missing_word
from dashboard.ui.class_view import ClassView, read_class
from dashboard.ui.matrix_columns import cell_content, columns
from models.access.viewer import Role, Viewer
from models.classroom.holidays import read_holidays
from models.classroom.material_uptake import material_catalogue
from models.classroom.signals import SignalRule
from models.classroom.timeline import PupilTimeline, pupil_timeline
from models.results.scales import Missing
from models.schema import clock, database
from models.schema.records import Verdict
from tests.conftest import Store
from tests.connectors import sending
from tests.dashboard import school
from tests.dashboard.test_my_pupils import nodes
from tests.dashboard.test_web import as_persona, shown_page
from tests.uwlr.messages import message, result_xml

pytestmark = pytest.mark.usefixtures("known_school")
HANNA = Viewer(school.SCHOOL, Role.TEACHER, school.TEACHER_A, "Hanna Vos")
AISHA, BENTE, LARS = 1, 2, 12
MAY = "2027-05-10"
FLAG = "1 resultaat met een datum in de toekomst"


def add(store: Store, pupil: int, day: str, value: int, test: int = 2, part: int = 0, kind: int = 1) -> None:
    """A result on a day, sent with the last message."""
    row = {
        "pupil": pupil, "day": day, "score": value * 10_000, "text": str(value), "test": test, "part": part,
        "key": f"late-{pupil}-{test}-{part}-{day}", "kind": kind, "created": school.us("2026-11-24"),
    }  # fmt: skip
    with database.write_transaction(store.engine) as connection:
        connection.execute(
            text(
                "INSERT INTO results (school_id, source_id, key, kind, identifier_id, test_id, definition_id, part_id, "
                "taken_on, score, score_text, school_year, created_us, digest64, delivery_id) VALUES "
                "(1, 1, :key, :kind, :pupil, :test, :test, :part, :day, :score, :text, '2026-2027', :created, 1, 1)"
            ),
            row,
        )


def read(store: Store, search: dict[str, object] | None = None) -> ClassView:
    """Class 6a as its page shows it."""
    with database.read_transaction(store.engine) as connection:
        view = read_class(connection, HANNA, search or {"klas": "1"}, read_holidays())[2]
    assert view is not None
    return view


def timeline(store: Store, pupil: int) -> PupilTimeline:
    """A pupil over this school year."""
    year = read(store).overview.period
    with database.read_transaction(store.engine) as connection:
        shown = pupil_timeline(connection, HANNA, pupil, year)
    assert shown is not None
    return shown


def test_a_future_score_is_not_the_newest_and_is_flagged_beside_it(known_school: Store, web: flask.Flask) -> None:
    before = read(known_school)
    add(known_school, AISHA, MAY, 3)
    view = read(known_school)
    column = next(item for item in columns(view.overview, "vak", None) if school.SUMS_FIELD in item.subject_materials)
    content = cell_content(view.overview, column, AISHA)
    assert content.cell is not None
    assert (content.cell.reading.text, content.cell.taken_on, content.future) == ("58", "2026-11-13", 1)
    assert view.overview.cells == before.overview.cells
    assert (view.state.signals, view.attention_groups) == (before.state.signals, before.attention_groups)
    client = as_persona(web, "hanna")
    for path in ("/groep", "/leerlingen", "/leerlingen/overdracht"):
        assert FLAG in shown_page(client, path, "?klas=1"), path
    assert FLAG not in shown_page(client, "/groep", "?klas=1&periode=12weken")  # it is outside of that period
    with web.test_request_context():
        sheet = sheet_of(view, "Groep 6a")
    assert [row.pupil_id for row in sheet.rows for cell in row.cells if FLAG in cell.remarks] == [AISHA]


def test_the_pupil_page_lists_future_results_apart_and_the_talk_sheet_none(
    known_school: Store, web: flask.Flask
) -> None:
    series = timeline(known_school, AISHA).series
    add(known_school, AISHA, MAY, 3)
    add(known_school, AISHA, MAY, 1, part=4)
    shown = timeline(known_school, AISHA)
    assert shown.series == series
    assert [(result.test, result.part and result.part.name, result.reading.text) for result in shown.future] == [
        ("Toets blok 3", None, "3"),
        ("Toets blok 3", "Optellen tot 1000", "1"),
    ]
    page = json.loads(shown_page(as_persona(web, "hanna"), f"/leerling/{AISHA}"))
    marked = [node["data-future"] for node in nodes(page) if "data-future" in node]
    assert marked == [f"2_{MAY}_0", f"2_{MAY}_4"]
    assert "Datum in de toekomst." in json.dumps(page)
    assert "10 mei 2027" not in shown_page(as_persona(web, "hanna"), f"/gesprek/{AISHA}")


def test_a_pupil_with_nothing_but_a_future_score_has_no_score_and_the_reason(known_school: Store) -> None:
    add(known_school, LARS, MAY, 90)
    overview = read(known_school).overview
    column = next(item for item in columns(overview, "vak", None) if school.SUMS_FIELD in item.subject_materials)
    assert cell_content(overview, column, LARS).missing is Missing.FUTURE
    assert missing_word(Missing.FUTURE) == "datum in de toekomst"
    assert [series.subject_material for series in timeline(known_school, LARS).series] == []


def test_a_future_score_is_no_drop_no_work_and_no_reach_of_a_material_until_its_day(known_school: Store) -> None:
    for day in ("2026-09-03", "2026-09-10"):
        add(known_school, LARS, day, 80)
    add(known_school, LARS, "2026-11-20", 82)
    add(known_school, LARS, "2026-11-27", 10)

    def drops() -> list[int | None]:
        return [signal.pupil_id for signal in read(known_school).state.signals if signal.rule is SignalRule.DROP]

    def last_work() -> str:
        return read(known_school).state.class_data.last_active[LARS][school.SUMS]

    assert (drops(), last_work()) == ([], "2026-11-20")
    with clock.fixed(datetime.fromisoformat("2026-11-27T00:30:00+01:00")):  # in UTC it is still Thursday
        assert (drops(), last_work()) == ([LARS], "2026-11-27")
        assert timeline(known_school, LARS).future == ()


def test_a_material_is_not_reached_by_a_result_of_the_future(known_school: Store) -> None:
    def reached() -> list[int]:
        with database.read_transaction(known_school.engine) as connection:
            materials = material_catalogue(connection, HANNA).materials
        tests = [
            test for item in materials if item.source_id == school.SUMS for test in item.tests if test.code == "B3"
        ]
        return [uptake.reached for test in tests for uptake in test.uptake]

    before = reached()
    add(known_school, LARS, MAY, 90)
    assert reached() == before


def test_a_future_progress_record_does_not_say_how_far_a_pupil_is(known_school: Store) -> None:
    before = read(known_school).overview.progress
    with database.write_transaction(known_school.engine) as connection:
        connection.execute(
            text(
                "INSERT INTO results (school_id, source_id, key, kind, identifier_id, test_id, definition_id, part_id, "
                "taken_on, status, offered, made, school_year, created_us, digest64, delivery_id) VALUES "
                "(1, 2, 'far', 3, 7, 4, 4, 0, '2027-05-10', 3, 40, 40, '2026-2027', 9, 9, 2)"
            )
        )
    view = read(known_school)
    assert view.overview.progress == before
    assert [result.reading.missing for result in view.overview.future[7]] == [Missing.NO_SCORE]


def test_the_period_counts_a_future_score_outside_of_it_as_hidden(known_school: Store) -> None:
    search: dict[str, object] = {"klas": "1", "periode": "2026-11-01_2026-11-26"}
    before = read(known_school, search).overview.hidden
    add(known_school, BENTE, MAY, 3)
    assert read(known_school, search).overview.hidden == before + 1


def test_the_sender_hears_that_a_date_is_in_the_future(store: Store) -> None:
    account = sending.account(store.engine, store.cipher)
    data = sending.enveloped(message(results=result_xml("a1", "7", afnamedatum=MAY)), account.header)
    with spool([data]) as spooled:
        receipt = deliver(ReceiverContext(store.engine, store.cipher), spooled)
    assert receipt.verdict is Verdict.WARN
    assert (
        "telt pas mee vanaf die dag" in next(f for f in receipt.findings if f.rule == "result.date-future").message_nl
    )
