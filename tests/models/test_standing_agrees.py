"""Which row of a slot counts: what the screens compute and what the view `results_spelled` says are one."""

from __future__ import annotations

import tempfile

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert

from models import database, identity, result_rows
from models.periods import of_school_year
from models.standing import stand
from models.tables import pupils
from models.viewer import Role, Viewer
from tests.models.test_store import fresh, source, take
from tests.uwlr.messages import message, result_xml

exports = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from("abcd"), st.sampled_from(["X", "1", "2"])), min_size=1, max_size=6
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(exports)
def test_screens_and_view_say_the_same(sent: list[tuple[int, str, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = fresh(folder)
        source(store)
        for minute, key, score in sent:
            created = f"2026-11-11T10:{minute:02d}:00Z"
            take(store, message(results=result_xml(key, score), aanmaakdatum=created), policy="tolerant")
        with database.writing(store.engine, 1) as connection:
            connection.execute(insert(pupils).values(school_id=1, id=1, first_name="Noa"))
            identity.link(connection, 1, 1, 1, "beheerder")
        with database.reading(store.engine) as connection:
            viewer = Viewer(1, Role.ADMINISTRATOR)
            owners = result_rows.owners_of(connection, viewer, [1])
            rows = result_rows.all_rows(connection, viewer, owners, of_school_year("2026-2027"))
            counting = connection.exec_driver_sql(
                "SELECT delivery_id, score_text FROM results_spelled WHERE standing = 'counts'"
            )
            by_view = sorted((row.delivery_id, row.score_text) for row in counting)
        store.engine.dispose()
    by_screen = sorted((one.row.delivery_id, one.row.score_text) for one in stand(rows).values())
    assert by_screen == by_view
