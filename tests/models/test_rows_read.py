"""What is read of a class does not grow with the results of others, on PostgreSQL that has analyzed its tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select

from models.access.viewer import Role, Viewer
from models.results import result_rows
from models.results.periods import Period
from models.results.result_rows import pupil_identifiers
from models.schema import clock
from models.schema.database import read_transaction
from models.schema.tables import results
from tests.conftest import Store
from tests.dashboard import large_school
from tests.models.test_unanalyzed import rows_read

CLASSES, PUPILS, COLUMNS = 10, 30, 12
BOTH_YEARS, PARTS_FROM = Period("2025-08-01", "2027-07-31"), "2027-01-01"
VIEWER = Viewer(large_school.SCHOOL, Role.SUPPORT)


def made_but_not_read(*args: Any) -> list[Any]:
    return result_rows.made_but_not_read(*args, parts=False)


@pytest.fixture
def analyzed(postgres_store: Store) -> Store:
    with clock.fixed(large_school.NOW):
        large_school.build(postgres_store.engine, postgres_store.cipher, [PUPILS] * CLASSES, COLUMNS)
    with postgres_store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE")
    return postgres_store


@pytest.mark.long
def test_sittings_of_a_class_are_looked_up_and_not_all_results_read(analyzed: Store) -> None:
    with read_transaction(analyzed.engine) as connection:
        stored = connection.scalar(select(func.count()).select_from(results)) or 0
    read: dict[str, int] = {}
    queries: tuple[Callable[..., list[Any]], ...] = (made_but_not_read, result_rows.part_rows)
    for query in queries:
        before = rows_read(analyzed.engine)
        with read_transaction(analyzed.engine, large_school.SCHOOL) as connection:
            owners = pupil_identifiers(connection, VIEWER, list(range(1, PUPILS + 1)))
            query(connection, VIEWER, owners, BOTH_YEARS, PARTS_FROM)
        read[query.__name__] = rows_read(analyzed.engine) - before
    print(stored, read)
    assert max(read.values()) < 0.6 * stored  # a class is a tenth, and each of its parts looks for its total
