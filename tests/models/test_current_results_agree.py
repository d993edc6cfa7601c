"""Which row of a slot counts: what the screens compute and what SQL says of the same rows are one."""

from __future__ import annotations

import tempfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert

from connectors.uwlr.agreement import TOLERANT
from models.access.viewer import Role, Viewer
from models.ingest import identity
from models.results import result_rows
from models.results.current_results import resolve_duplicates
from models.results.periods import of_school_year
from models.schema import database
from models.schema.tables import pupils
from tests.models.spelled import spelled
from tests.models.test_store import fresh, source, take
from tests.uwlr.messages import message, result_xml

rows_of_one_message = st.lists(
    st.tuples(st.sampled_from("abcd"), st.sampled_from(["X", "1", "2"])),
    min_size=1,
    max_size=3,
    unique_by=lambda row: row[0],
)
exports = st.lists(st.tuples(st.integers(0, 3), rows_of_one_message), min_size=1, max_size=5)


@pytest.mark.long
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(exports)
def test_screens_and_sql_say_the_same(sent: list[tuple[int, list[tuple[str, str]]]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = fresh(folder)
        source(store)
        for minute, rows in sent:
            xml = "".join(result_xml(key, score) for key, score in rows)
            take(store, message(results=xml, aanmaakdatum=f"2026-11-11T10:{minute:02d}:00Z"), agreement=TOLERANT)
        with database.write_transaction(store.engine, 1) as connection:
            connection.execute(insert(pupils).values(school_id=1, id=1, first_name="Noa"))
            identity.link(connection, Viewer(1, Role.ADMINISTRATOR), 1, 1)
        with database.read_transaction(store.engine) as connection:
            viewer = Viewer(1, Role.SUPPORT)
            owners = result_rows.pupil_identifiers(connection, viewer, [1])
            result_list = result_rows.all_rows(connection, viewer, owners, of_school_year("2026-2027"))
        rows = spelled(store.engine)
        store.engine.dispose()
    (screen,) = resolve_duplicates(result_list).values()
    assert [row.key for row in rows if row.standing == "counts"] == [screen.row.key]
    assert any(row.standing == "possible duplicate" for row in rows) == screen.duplicate
    assert resolve_duplicates(reversed(result_list)) == resolve_duplicates(result_list)
