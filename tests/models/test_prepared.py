"""Prepared statements give what SQLAlchemy gives for the same statement, on both databases."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from sqlalchemy import Connection, Select, bindparam, insert, select, text, update
from sqlalchemy.exc import IntegrityError, OperationalError, StatementError

from models.schema import database
from models.schema.prepared import SHORT, PreparedStatement
from models.schema.tables import pupils, school_identifications, schools
from tests.conftest import Store
from tests.dashboard import school

BY_NUMBER = select(pupils.c.id, pupils.c.last_name).where(
    pupils.c.school_id == bindparam("school"),
    pupils.c.id.in_(bindparam("numbers", expanding=True)),
    pupils.c.first_name != "Weg",
)
NAMED = update(pupils).where(pupils.c.school_id == bindparam("school"), pupils.c.id == bindparam("number"))


@pytest.fixture
def known(any_store: Store) -> Store:
    """The known school, on each database."""
    school.build(any_store.engine, any_store.cipher)
    return any_store


def both(store: Store, statement: Select[Any], parameters: dict[str, object]) -> list[tuple[Any, ...]]:
    """The rows that both ways give."""
    with database.read_transaction(store.engine) as connection:
        prepared = PreparedStatement(statement).all(connection, parameters)
        rows = connection.execute(statement, parameters).all()
    assert [tuple(row) for row in prepared] == [tuple(row) for row in rows]
    assert [row._fields for row in prepared] == [row._fields for row in rows]
    return [tuple(row) for row in prepared]


@pytest.mark.parametrize("numbers", [[], [1], [3, 1, 90], list(range(1, SHORT + 20))], ids=len)
def test_a_list_may_have_any_length(known: Store, numbers: list[int]) -> None:
    rows = both(known, BY_NUMBER, {"school": school.SCHOOL, "numbers": numbers})
    assert len(rows) == len({row[0] for row in rows}) <= len(numbers)
    assert bool(rows) is bool(numbers)


def test_values_have_the_types_of_their_columns(known: Store) -> None:
    rows = both(known, select(schools).order_by(schools.c.id), {})
    assert [(name, synthetic) for _id, name, synthetic, *_ in rows] == [("De Wissel", False), ("Elders", False)]
    assert isinstance(rows[0][2], bool)


def test_a_change_sets_the_columns_that_parameters_are_named_after(known: Store) -> None:
    statement = PreparedStatement(NAMED)
    with database.write_transaction(known.engine, school.SCHOOL) as connection:
        assert statement.run(connection, {"school": school.SCHOOL, "number": 1, "last_name": "Bos"}) == 1
        assert statement.run(connection, {"school": school.SCHOOL, "number": 1, "first_name": None}) == 1
        assert statement.run(connection, {"school": school.SCHOOL, "number": 999, "last_name": "Bos"}) == 0
        returned = PreparedStatement(NAMED.returning(pupils.c.first_name, pupils.c.last_name))
        row = returned.first(connection, {"school": school.SCHOOL, "number": 1, "prefix": "van"})
    assert (row.first_name, row.last_name) == (None, "Bos")


def test_what_is_written_is_undone_with_its_transaction(known: Store) -> None:
    statement = PreparedStatement(NAMED)
    with database.writing(known.engine) as connection:
        statement.run(connection, {"school": school.SCHOOL, "number": 1, "last_name": "Bos"})
        connection.rollback()
    with database.read_transaction(known.engine) as connection:
        assert PreparedStatement(BY_NUMBER).first(connection, {"school": 1, "numbers": [1]}).last_name == "Bouzid"


@pytest.mark.sqlite
def test_all_that_is_read_in_one_transaction_is_of_one_moment(store: Store) -> None:
    school.build(store.engine, store.cipher)
    statement, parameters = PreparedStatement(BY_NUMBER), {"school": school.SCHOOL, "numbers": [1]}

    def rename() -> None:
        with database.write_transaction(store.engine, school.SCHOOL) as connection:
            PreparedStatement(NAMED).run(connection, {"school": school.SCHOOL, "number": 1, "last_name": "Bos"})

    with database.read_transaction(store.engine) as connection:
        before = statement.all(connection, parameters)
        other = threading.Thread(target=rename)
        other.start()
        other.join()
        assert statement.all(connection, parameters) == before
    with database.read_transaction(store.engine) as connection:
        assert statement.first(connection, parameters).last_name == "Bos"


def test_an_error_of_the_driver_is_one_of_sqlalchemy_and_names_no_value(known: Store) -> None:
    statement = PreparedStatement(insert(school_identifications))
    with (
        pytest.raises(IntegrityError) as failed,
        database.write_transaction(known.engine) as connection,
    ):
        statement.run(connection, {"school_id": 1, "scheme": "brin", "value": "99XX", "location": ""})
    assert "99XX" not in str(failed.value).partition("DETAIL")[0]
    with pytest.raises(StatementError), database.read_transaction(known.engine) as connection:
        PreparedStatement(BY_NUMBER).all(connection, {"numbers": [1]})


def test_a_connection_that_the_server_ended_fails_with_its_reason_and_is_used_no_more(postgres_store: Store) -> None:
    statement, parameters = PreparedStatement(BY_NUMBER), {"school": school.SCHOOL, "numbers": [1]}

    def end_and_read(connection: Connection) -> None:
        number = connection.scalar(text("SELECT pg_backend_pid()"))
        with database.read_transaction(postgres_store.engine) as other:
            assert other.scalar(text("SELECT pg_terminate_backend(:number, 10000)"), {"number": number})
        statement.all(connection, parameters)

    with (
        pytest.raises(OperationalError, match="terminating connection") as failed,
        database.write_transaction(postgres_store.engine, school.SCHOOL) as connection,
    ):
        end_and_read(connection)
    assert failed.value.connection_invalidated
    with database.write_transaction(postgres_store.engine, school.SCHOOL) as connection:
        assert statement.all(connection, parameters) == []
