"""One request reads a class once: a bound on the SQL statements, and no result that is fetched twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event

from dashboard.ui.class_view import read_class
from dashboard.ui.my_pupils_view import read_my_pupils
from models.access.viewer import Role, Viewer
from models.classroom.holidays import read_holidays
from models.results import catalogue, result_rows
from models.results.current_results import ResultRow
from models.results.scales import ParsedNorm, parse_norm
from models.schema import clock, database
from models.schema.encryption import PiiCipher
from tests.conftest import Store
from tests.dashboard import large_school

SUPPORT = Viewer(large_school.SCHOOL, Role.SUPPORT, None, "Els Prins")
HOLIDAYS = read_holidays()
CLASSES = "1,2,3"
MOST_STATEMENTS = 27  # whatever the number of classes, pupils, publishers and results
MOST_AGAIN = 12  # where the data are the same as before
NORMS = 144  # of 48 tests, and of the parts of half of them, in two school years

Read = Callable[[Connection, PiiCipher, dict[str, object]], object]


def class_page(connection: Connection, _cipher: PiiCipher, query: dict[str, object]) -> object:
    """What a class page reads."""
    return read_class(connection, SUPPORT, query, HOLIDAYS)[2]


def my_pupils(connection: Connection, cipher: PiiCipher, query: dict[str, object]) -> object:
    """What Mijn leerlingen reads."""
    return read_my_pupils(connection, cipher, SUPPORT, query, HOLIDAYS)[2]


@pytest.fixture(params=["jaar", "4weken", "tweejaar", "vorigjaar", "2024-01-01_2026-10-01"])
def query(request: pytest.FixtureRequest) -> dict[str, object]:
    """Three classes in a period."""
    return {"klas": CLASSES, "periode": request.param}


@pytest.fixture
def large(store: Store) -> Store:
    """Three small classes with twelve publishers."""
    large_school.build(store.engine, store.cipher, [3, 3, 3], 12)
    return store


@contextmanager
def statements(engine: Engine) -> Iterator[list[str]]:
    """The SQL statements that are executed meanwhile."""
    executed: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        executed.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield executed
    finally:
        event.remove(engine, "before_cursor_execute", note)


@pytest.mark.parametrize("read", [class_page, my_pupils])
def test_a_page_takes_few_statements(large: Store, read: Read, query: dict[str, object]) -> None:
    with (
        clock.fixed(large_school.NOW),
        database.read_transaction(large.engine) as connection,
        statements(large.engine) as executed,
    ):
        assert read(connection, large.cipher, query) is not None
    assert 0 < len(executed) <= MOST_STATEMENTS
    assert [text for text, number in Counter(executed).items() if number > 1] == []


@pytest.mark.parametrize("read", [class_page, my_pupils])
def test_a_page_of_the_same_data_reads_no_result_again(large: Store, read: Read, query: dict[str, object]) -> None:
    for number in range(2):
        with (
            clock.fixed(large_school.NOW),
            database.read_transaction(large.engine) as connection,
            statements(large.engine) as executed,
        ):
            assert read(connection, large.cipher, query) is not None
        assert (len(executed) <= MOST_AGAIN) is (number == 1)
        assert any(" results." in text for text in executed) is (number == 0)


@pytest.mark.parametrize("part", [None, "Optellen"])
@pytest.mark.parametrize("read", [class_page, my_pupils])
def test_no_result_is_fetched_twice(
    large: Store, read: Read, query: dict[str, object], part: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched: list[ResultRow] = []
    fetch = result_rows._fetch

    def noted(*arguments: Any) -> list[ResultRow]:
        rows = fetch(*arguments)
        fetched.extend(rows)
        return rows

    monkeypatch.setattr(result_rows, "_fetch", noted)
    with clock.fixed(large_school.NOW), database.read_transaction(large.engine) as connection:
        read(connection, large.cipher, query | ({"doel": part} if part else {}))
    assert len(fetched) > 9 * 12
    assert [row for row, number in Counter((row.source_id, row.key) for row in fetched).items() if number > 1] == []


@pytest.mark.parametrize("read", [class_page, my_pupils])
def test_each_norm_is_parsed_once(large: Store, read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[object] = []

    def noted(norm: dict[str, Any] | None) -> ParsedNorm:
        parsed.append(norm)
        return parse_norm(norm)

    monkeypatch.setattr(catalogue, "parse_norm", noted)
    catalogue.read_body.cache_clear()
    with clock.fixed(large_school.NOW), database.read_transaction(large.engine) as connection:
        read(connection, large.cipher, {"klas": CLASSES})
    assert 0 < len(parsed) <= NORMS
