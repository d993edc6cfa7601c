"""Which materials there are per subject and year, who uses them, how far, and where there are several or none."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict

import pytest
from sqlalchemy import Connection, event, insert, update

from models.access.viewer import Role, Viewer
from models.classroom.material_uptake import Material, MaterialCatalogue, Uptake, material_catalogue
from models.results.scales import Comparability
from models.results.subjects import UNMAPPED
from models.schema import clock, database
from models.schema.records import Absence, Band, Kind, Norm, Status, Term, TestDefinition
from models.schema.tables import classes, groups, memberships, results, test_definitions, tests
from tests.conftest import Store
from tests.dashboard import school

HANNA = Viewer(school.SCHOOL, Role.TEACHER, school.TEACHER_A, "Hanna Vos")
JORIS = Viewer(school.SCHOOL, Role.TEACHER, school.TEACHER_B, "Joris Blom")
IRIS = Viewer(school.SCHOOL, Role.SUPPORT, None, "Iris Blauw")
SAM = Viewer(school.SCHOOL, Role.ADMINISTRATOR, None, "Sam de Groot")
STRANGER = Viewer(school.OTHER_SCHOOL, Role.SUPPORT, None, "Iemand")
UNLINKED = Viewer(school.SCHOOL, Role.TEACHER, None, "Niemand")
VENDOR = Viewer(school.SCHOOL, Role.VENDOR, school.TEACHER_A, "Leverancier")

GRADED = (Band("zwak", "0", "54", grade_from="1.0", grade_to="5.4"), Band("goed", "55", "100", grade_from="5.5",
          grade_to="10.0"))  # fmt: skip
STEPS = Norm((Band("laag", "0", "4"), Band("hoog", "5", "9")))


@pytest.fixture
def store(any_store: Store) -> Iterator[Store]:
    """The known school, with the tests of Cijferpad stated to be of year 6."""
    with clock.fixed(school.NOW):
        school.build(any_store.engine, any_store.cipher)
        with database.write_transaction(any_store.engine) as connection:
            connection.execute(
                update(test_definitions).where(test_definitions.c.source_id == school.SUMS).values(year="6")
            )
        yield any_store


def read(store: Store, viewer: Viewer = HANNA) -> MaterialCatalogue:
    """The shelf that a viewer sees."""
    with database.read_transaction(store.engine) as connection:
        return material_catalogue(connection, viewer)


def one_of(catalogue: MaterialCatalogue, name: str, year: str | None = "6") -> Material:
    """The material of a name in a year."""
    return next(material for material in catalogue.materials if (material.name, material.year) == (name, year))


def define(connection: Connection, number: int, source: int, year: str | None, **parts: object) -> None:
    """A test of our own, with its newest definition."""
    definition = TestDefinition(Term(f"T{number}"), **parts)  # type: ignore[arg-type]
    connection.execute(
        insert(tests).values(
            school_id=school.SCHOOL, id=number, source_id=source, code=f"T{number}", version=""
        )
    )  # fmt: skip
    connection.execute(
        insert(test_definitions).values(
            school_id=school.SCHOOL,
            id=number,
            source_id=source,
            digest=hashlib.md5(str(number).encode()).digest(),
            code=f"T{number}",
            name=definition.name,
            subject_term=definition.subject.text if definition.subject else None,
            year=year,
            material=None,
            body=json.dumps(asdict(definition)),
            newest_us=school.us("2026-11-20"),
        )
    )


def add(connection: Connection, key: str, pupil: int, test: int, source: int, kind: Kind, **values: object) -> None:
    """A result of our own, on 20 November unless it says otherwise."""
    common: dict[str, object] = {
        "school_id": school.SCHOOL, "source_id": source, "key": key, "kind": int(kind), "identifier_id": pupil,
        "test_id": test, "definition_id": test, "part_id": 0, "taken_on": "2026-11-20", "school_year": school.YEAR,
        "created_us": school.us("2026-11-20"), "digest64": 1, "delivery_id": 1,
    }  # fmt: skip
    connection.execute(insert(results).values(common | values))


# -- who sees what -----------------------------------------------------------------------------------------------


def test_a_teacher_sees_the_materials_of_their_classes_and_support_those_of_the_school(store: Store) -> None:
    assert [class_ref.name for class_ref in read(store).classes] == ["6a"]
    assert {uptake.class_name for uptake in one_of(read(store, IRIS), "Cijferpad groep 6").uptake} == {"6a", "6b"}


@pytest.mark.parametrize("viewer", [SAM, STRANGER, UNLINKED, VENDOR])
def test_who_sees_no_class_with_results_sees_no_material(store: Store, viewer: Viewer) -> None:
    assert read(store, viewer).materials == ()


def test_a_teacher_does_not_count_the_pupils_of_another_class(store: Store) -> None:
    (uptake,) = one_of(read(store, JORIS), "Cijferpad groep 6").uptake
    assert (uptake.class_name, uptake.reached, uptake.all) == ("6b", 1, 3)


# -- how far -----------------------------------------------------------------------------------------------------


def test_pupils_with_a_score_or_progress_are_counted_once_a_zero_is_a_score(store: Store) -> None:
    catalogue = read(store)
    # Two blocks of eleven and ten pupils, the zeros of one among them; who left and last school year are not counted.
    assert one_of(catalogue, "Cijferpad groep 6").uptake == (Uptake(school.CLASS_A, "6a", "6", 12, 11),)
    by_name = {test.name: test.uptake[0].reached for test in one_of(catalogue, "Cijferpad groep 6").tests}
    assert by_name == {"Toets blok 2": 11, "Toets blok 3": 10}
    assert one_of(catalogue, "Peillijn").uptake[0].reached == 11
    # Everybody has a progress record, ten a score.
    assert one_of(catalogue, "Letterlab").uptake[0].reached == 12


def test_not_offered_is_nothing_and_parts_alone_are_something(store: Store) -> None:
    # Seven pupils have answers, the last of them only questions that were not offered.
    assert one_of(read(store), "Vraagstuk").uptake[0].reached == 6


def test_finished_without_score_counts_for_no_score(store: Store) -> None:
    with database.write_transaction(store.engine) as connection:
        define(connection, 50, school.SILENT, "6", name="Stil", subject=Term("spelling"))
        add(connection, "a", 1, 50, school.SILENT, Kind.SCORE, absence=int(Absence.NO_SCORE))
        add(connection, "b", 2, 50, school.SILENT, Kind.SCORE, absence=int(Absence.NOT_OFFERED))
    material = one_of(read(store), "Stiltewerk")
    assert material.uptake[0].reached == 0
    assert [test.name for test in material.tests] == ["Stil"]


def test_done_and_busy_are_told_of_sources_that_deliver_progress_alone(store: Store) -> None:
    catalogue = read(store)
    spelling = one_of(catalogue, "Letterlab")
    assert spelling.progress
    assert {test.name: [(r.done, r.busy) for r in test.uptake] for test in spelling.tests} == {
        "Week 46": [(None, None)],
        "Week 47": [(10, 1)],
    }
    sums = one_of(catalogue, "Cijferpad groep 6")
    assert not sums.progress
    assert [(r.done, r.busy) for test in sums.tests for r in test.uptake] == [(None, None)] * 2


def test_the_newest_progress_record_counts_and_parts_make_a_whole(store: Store) -> None:
    first, second = {"part_id": 1}, {"part_id": 2}
    with database.write_transaction(store.engine) as connection:
        define(connection, 51, school.SILENT, "6", name="Taak", subject=Term("spelling"))
        many: list[tuple[int, dict[str, object]]] = [
            (1, {"status": int(Status.DONE), "taken_on": "2026-11-10"}),
            (1, {"status": int(Status.BUSY), "taken_on": "2026-11-12"}),  # newer: busy again
            (2, {"status": int(Status.BUSY), "taken_on": "2026-11-10"}),
            (2, {"status": int(Status.DONE), "taken_on": "2026-11-10", "created_us": school.us("2026-11-21")}),
            (3, {"status": int(Status.DONE), **first}),
            (3, {"status": int(Status.DONE), **second}),  # all parts done
            (4, {"status": int(Status.DONE), **first}),
            (4, {"status": int(Status.NOT_BEGUN), **second}),  # some parts done: busy
            (5, {"status": int(Status.NOT_BEGUN), **first}),
            (6, {"status": None}),  # of a whole test without a word: busy
            (7, {"status": int(Status.DONE)}),
            (7, {"status": int(Status.BUSY), **first}),  # the whole says it
        ]
        for number, (pupil, reading) in enumerate(many):
            add(connection, str(number), pupil, 51, school.SILENT, Kind.PROGRESS, **reading)
    (uptake,) = one_of(read(store), "Stiltewerk").tests[0].uptake
    assert (uptake.reached, uptake.done, uptake.busy) == (7, 3, 3)


# -- norms -------------------------------------------------------------------------------------------------------


def test_the_norms_stand_with_the_grades_that_the_source_advises_and_no_others(store: Store) -> None:
    with database.write_transaction(store.engine) as connection:
        define(connection, 52, school.SILENT, "6", name="Met cijfer", subject=Term("rekenen"), norm=Norm(GRADED))
        define(connection, 53, school.SILENT, "6", name="Trap", subject=Term("rekenen"), norm=STEPS)
    catalogue = read(store)
    graded, steps = one_of(catalogue, "Stiltewerk").tests
    assert [interval.grade for interval in graded.norms[0].intervals] == [("1.0", "5.4"), ("5.5", "10.0")]
    assert [interval.grade for interval in steps.norms[0].intervals] == [None, None]
    assert one_of(catalogue, "Stiltewerk").comparability is Comparability.OWN_SCALE
    assert one_of(catalogue, "Cijferpad groep 6").comparability is Comparability.SAME_NORM
    assert one_of(catalogue, "Peillijn").comparability is Comparability.SAME_NORM
    assert one_of(catalogue, "Peillijn").levels
    assert one_of(catalogue, "Letterlab").comparability is Comparability.OWN_SCALE


def test_norms_that_differ_with_a_grade_each_are_converted_by_the_source(store: Store) -> None:
    other = (Band("zwak", "0", "9", grade_from="1.0", grade_to="5.4"), Band("goed", "10", "20", grade_from="5.5",
             grade_to="10.0"))  # fmt: skip
    with database.write_transaction(store.engine) as connection:
        define(connection, 52, school.SILENT, "6", name="Een", subject=Term("rekenen"), norm=Norm(GRADED))
        define(connection, 53, school.SILENT, "6", name="Twee", subject=Term("rekenen"), norm=Norm(other))
    assert one_of(read(store), "Stiltewerk").comparability is Comparability.CONVERTED


# -- overlap and gaps --------------------------------------------------------------------------------------------


def test_several_materials_of_one_subject_in_one_year_stand_together(store: Store) -> None:
    assert [material.name for material in read(store).at("arithmetic", "6")] == ["Cijferpad groep 6", "Peillijn"]


def test_a_year_that_the_source_does_not_state_is_that_of_the_pupils(store: Store) -> None:
    catalogue = read(store)
    assert one_of(catalogue, "Cijferpad groep 6").stated
    assert not one_of(catalogue, "Letterlab").stated


def _to_year_7(connection: Connection) -> None:
    """Class 6b becomes one of year 7."""
    of_b = {"school_id": school.SCHOOL}
    connection.execute(update(groups).filter_by(**of_b, id=2).values(year_group="7"))
    connection.execute(update(classes).filter_by(**of_b, id=school.CLASS_B).values(year_groups="7"))
    connection.execute(update(memberships).filter_by(**of_b, group_id=2).values(year_group="7"))


def test_a_subject_that_some_class_has_is_a_gap_in_the_years_without_material(store: Store) -> None:
    with database.write_transaction(store.engine) as connection:
        _to_year_7(connection)
    catalogue = read(store, IRIS)
    # A pupil of 6b made a test of year 6; nobody of year 7 has spelling, and nothing of arithmetic is for year 7.
    assert catalogue.gaps == {("spelling", "7"), ("arithmetic", "7")}
    assert one_of(catalogue, "Cijferpad groep 6").uptake == (
        Uptake(school.CLASS_A, "6a", "6", 12, 11),
        Uptake(school.CLASS_B, "6b", "7", 3, 1),
    )
    assert (UNMAPPED, "7") not in catalogue.gaps
    assert read(store).gaps == set()


def test_a_test_that_is_defined_but_not_begun_is_no_gap(store: Store) -> None:
    with database.write_transaction(store.engine) as connection:
        _to_year_7(connection)
        define(connection, 54, school.SILENT, "7", name="Week 1", subject=Term("spelling"))
        define(connection, 55, school.SILENT, "8", name="Week 1", subject=Term("history"))
    catalogue = read(store, IRIS)
    assert catalogue.gaps == {("arithmetic", "7")}
    waiting = one_of(catalogue, "Stiltewerk", "7")
    assert not waiting.used
    assert waiting.uptake == (Uptake(school.CLASS_B, "6b", "7", 3, 0),)
    # Of a year that the teacher's pupils are not in, they see nothing that nobody has begun.
    assert "Stiltewerk" not in [material.name for material in read(store).materials]


def test_what_was_defined_before_this_school_year_and_not_used_since_is_left_out(store: Store) -> None:
    with database.write_transaction(store.engine) as connection:
        define(connection, 56, school.SILENT, "6", name="Oud", subject=Term("spelling"))
        connection.execute(update(test_definitions).filter_by(id=56).values(newest_us=school.us("2026-07-31")))
    assert "Stiltewerk" not in [material.name for material in read(store, IRIS).materials]


def test_a_composed_group_counts_only_where_it_holds_pupils_of_no_class_that_is_seen(store: Store) -> None:
    with database.write_transaction(store.engine) as connection:
        of = {"school_id": school.SCHOOL, "school_year": school.YEAR, "location": "", "composed": True}
        connection.execute(insert(classes).values(**of, id=9, name="plus", year_groups="6"))
        connection.execute(insert(groups).values(**of, id=9, key="plus", name="plus", year_group="6", class_id=9))
        connection.execute(
            insert(memberships),
            [
                {"school_id": school.SCHOOL, "pupil_id": item, "group_id": 9, "year_group": "6", "from_us": 1}
                for item in (1, 2)
            ],
        )
    assert [class_ref.name for class_ref in read(store, IRIS).classes] == ["6a", "6b"]


def test_the_queries_do_not_grow_with_the_results(store: Store) -> None:
    statements: list[str] = []
    event.listen(store.engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    read(store, IRIS)
    before = len(statements)
    with database.write_transaction(store.engine) as connection:
        for number in range(12):
            define(connection, 60 + number, school.SUMS, "6", name=f"Blok {number}", subject=Term("rekenen"))
            add(connection, f"x{number}", number + 1, 60 + number, school.SUMS, Kind.SCORE, **school.number(number))
    statements.clear()
    read(store, IRIS)
    assert len(statements) == before


def test_a_level_without_a_number_is_a_result_and_finished_without_score_is_none(store: Store) -> None:
    level = '{"references": [{"code": "IV", "group": "Landelijk", "value": "V", "qualification": null}]}'
    own = results.c.source_id == school.LEVELS
    with database.write_transaction(store.engine) as connection:
        for pupil, detail in ((10, level), (9, '{"references": []}')):
            without = {"score": None, "score_text": None, "absence": int(Absence.NO_SCORE), "detail": detail}
            boolean_clause_list = own & (results.c.identifier_id == pupil)
            connection.execute(results.update().where(boolean_clause_list).values(**without))
    assert one_of(read(store), "Peillijn").uptake[0].reached == 10
