"""Whose a result is: pairs, parking, links by hand."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, insert, select

from models.access.viewer import AccessDenied, Role, Viewer
from models.ingest import identity
from models.ingest.schools import Identification, ensure_school, ensure_source
from models.schema import database
from models.schema.encryption import PiiCipher
from models.schema.records import PupilRef
from models.schema.tables import identifier_links, identifiers, pupils, results
from tests.conftest import Store

SEAL = PiiCipher.from_secret(b"s" * 32)
ECK_A, ECK_B, ECK_C = (f"https://ketenid.nl/pilot/{letter * 128}" for letter in "abc")
SCHOOL = 1
ANNA, BO, CEM = 1, 2, 3
ADMINISTRATOR = Viewer(SCHOOL, Role.ADMINISTRATOR, name="beheerder")
DIRECTOR = Viewer(SCHOOL, Role.ADMINISTRATOR, name="directeur")


@pytest.fixture
def connection(any_store: Store) -> Iterator[Connection]:
    """A store in which the roster states Anna (LAS a, ECK A), Bo (LAS b, ECK B) and Cem (LAS c only)."""
    with database.write_transaction(any_store.engine, SCHOOL) as connection:
        ensure_school(connection, [Identification("brin", "99XX")], "De Wilg")
        ensure_source(connection, "rekenen", "Rekenrijk Digitaal", "publisher")
        connection.execute(
            insert(pupils), [{"school_id": SCHOOL, "id": number, "first_name": "x"} for number in (ANNA, BO, CEM)]
        )
        state(connection, ANNA, PupilRef("a", ECK_A))
        state(connection, BO, PupilRef("b", ECK_B))
        state(connection, CEM, PupilRef("c", None))
        yield connection


def state(connection: Connection, pupil_id: int, ref: PupilRef) -> None:
    named = identity.identifier_values(SEAL, ref)
    identity.ensure_identifiers(connection, SEAL, SCHOOL, named)
    identity.state_pupils(connection, SCHOOL, {single: pupil_id for single, _ in named})


def found(connection: Connection, identifier_id: int) -> tuple[int | None, str | None, str | None]:
    row = connection.execute(
        select(identifiers.c.pupil_id, identifiers.c.matched_by, identifiers.c.parked_because).where(
            identifiers.c.school_id == SCHOOL, identifiers.c.id == identifier_id
        )
    ).one()
    return row.pupil_id, row.matched_by, row.parked_because


def identify(connection: Connection, las_key: str | None, eck_id: str | None = None) -> int:
    return identity.identify(connection, SEAL, SCHOOL, [PupilRef(las_key, eck_id)])[0]


@pytest.mark.parametrize(
    ("las_key", "eck_id", "expected"),
    [
        ("a", None, (ANNA, "roster", None)),
        (None, ECK_A, (ANNA, "roster", None)),
        (ECK_A, None, (ANNA, "roster", None)),  # an ECK iD in the place of a LAS key
        ("a", ECK_A, (ANNA, "roster", None)),
        ("new", ECK_A, (ANNA, "roster", None)),  # the ECK iD is known and the key is not
        ("c", ECK_C, (CEM, "roster", None)),  # a key is enough where the roster has no ECK iD
        ("a", ECK_C, (None, None, "other_eckid")),
        ("a", ECK_B, (None, None, "conflict")),
        ("new", ECK_C, (None, None, "unknown")),
        ("new", None, (None, None, "unknown")),
        (None, ECK_C, (None, None, "unknown")),
        ("", None, (None, None, "unknown")),
    ],
)
def test_a_pupil_is_found_or_parked_with_the_reason(
    connection: Connection, las_key: str | None, eck_id: str | None, expected: tuple[object, ...]
) -> None:
    assert found(connection, identify(connection, las_key, eck_id)) == expected


def test_the_same_refs_get_the_same_rows_in_one_batch_or_more(connection: Connection) -> None:
    refs = [
        PupilRef("a", ECK_A),
        PupilRef("n1", ECK_C),
        PupilRef("a", None),
        PupilRef("a", ECK_A),
        PupilRef(None, ECK_C),
    ]
    first = identity.identify(connection, SEAL, SCHOOL, refs)
    assert first[0] == first[3]
    assert len(set(first)) == 4
    assert identity.identify(connection, SEAL, SCHOOL, refs) == first


def test_thousands_of_refs_take_few_queries(connection: Connection) -> None:
    refs = [PupilRef(f"n{number}", None) for number in range(3000)]
    ids = identity.identify(connection, SEAL, SCHOOL, refs)
    assert len(set(ids)) == 3000


def test_no_value_stands_in_the_clear(connection: Connection) -> None:
    identify(connection, "pupil-number-77", ECK_C)
    rows = connection.execute(select(identifiers)).all()
    assert not any(b"pupil-number-77" in bytes(cell) for row in rows for cell in row if isinstance(cell, bytes))


def test_what_a_roster_states_later_matches_what_was_parked(connection: Connection) -> None:
    pair = identify(connection, "new", ECK_C)
    state(connection, CEM, PupilRef(None, ECK_C))
    assert identity.rematch(connection, SCHOOL) == 1
    assert found(connection, pair) == (CEM, "roster", None)
    assert identity.rematch(connection, SCHOOL) == 0


def test_an_eck_id_that_a_pupil_gets_later_parks_what_only_the_key_matched(connection: Connection) -> None:
    pair = identify(connection, "c", ECK_C)
    state(connection, CEM, PupilRef("c", "https://ketenid.nl/pilot/" + "d" * 128))
    assert identity.rematch(connection, SCHOOL) == 1
    assert found(connection, pair) == (None, None, "other_eckid")


def test_a_link_matches_at_once_and_an_undone_one_gives_back_what_the_roster_says(connection: Connection) -> None:
    pair = identify(connection, "a", ECK_B)
    link_id = identity.link(connection, ADMINISTRATOR, pair, ANNA)
    assert found(connection, pair) == (ANNA, "link", None)
    identity.rematch(connection, SCHOOL)
    assert found(connection, pair) == (ANNA, "link", None)
    identity.undo_link(connection, DIRECTOR, link_id)
    assert found(connection, pair) == (None, None, "conflict")
    logged = connection.execute(select(identifier_links)).one()
    assert (logged.linked_by, logged.undone_by, logged.pupil_id) == ("beheerder", "directeur", ANNA)
    with pytest.raises(identity.LinkRefused):
        identity.undo_link(connection, DIRECTOR, link_id)


def test_a_link_of_a_key_matches_the_pairs_that_hold_it(connection: Connection) -> None:
    single, pair = identify(connection, "new"), identify(connection, "new", ECK_C)
    link_id = identity.link(connection, ADMINISTRATOR, single, CEM)
    assert found(connection, pair) == (CEM, "roster", None)
    identity.undo_link(connection, ADMINISTRATOR, link_id)
    assert found(connection, single) == (None, None, "unknown")
    assert found(connection, pair) == (None, None, "unknown")


def test_what_the_roster_says_itself_cannot_be_linked_elsewhere(connection: Connection) -> None:
    with pytest.raises(identity.LinkRefused):
        identity.link(connection, ADMINISTRATOR, identify(connection, "a"), BO)
    with pytest.raises(identity.LinkRefused):
        identity.link(connection, ADMINISTRATOR, identify(connection, "new"), 999)
    with pytest.raises(identity.LinkRefused):
        identity.link(connection, ADMINISTRATOR, 999, ANNA)


def test_a_link_ends_when_the_roster_states_the_identifier_itself(connection: Connection) -> None:
    single = identify(connection, "new")
    identity.link(connection, ADMINISTRATOR, single, CEM)
    state(connection, BO, PupilRef("new", None))
    assert found(connection, single) == (BO, "roster", None)
    assert connection.scalar(select(identifier_links.c.undone_by)) == "roster"


@pytest.mark.parametrize(
    "stated", [PupilRef(None, ECK_C), PupilRef("new", ECK_C), PupilRef("new", "https://ketenid.nl/pilot/" + "d" * 128)]
)
def test_a_link_of_a_pair_ends_when_the_roster_says_that_it_is_of_another_pupil(
    connection: Connection, stated: PupilRef
) -> None:
    pair = identify(connection, "new", ECK_C)
    identity.link(connection, ADMINISTRATOR, pair, ANNA)
    state(connection, CEM, stated)
    other_eck_id = stated.eck_id != ECK_C  # then the roster does not know the pair: it is not its to say
    assert identity.rematch(connection, SCHOOL) == (0 if other_eck_id else 1)
    assert found(connection, pair) == ((ANNA, "link", None) if other_eck_id else (CEM, "roster", None))
    assert connection.scalar(select(identifier_links.c.undone_by)) == (None if other_eck_id else "roster")
    assert identity.rematch(connection, SCHOOL) == 0


def test_a_link_of_a_pair_stands_where_the_roster_says_the_same_or_contradicts_itself(connection: Connection) -> None:
    same, divided = identify(connection, "new", ECK_C), identify(connection, "a", ECK_B)
    identity.link(connection, ADMINISTRATOR, same, CEM)
    identity.link(connection, ADMINISTRATOR, divided, ANNA)
    state(connection, CEM, PupilRef(None, ECK_C))
    assert identity.rematch(connection, SCHOOL) == 0
    assert [found(connection, item) for item in (same, divided)] == [(CEM, "link", None), (ANNA, "link", None)]


def test_a_pair_that_the_roster_knows_cannot_be_linked_to_another_pupil(connection: Connection) -> None:
    pair = identify(connection, "a", ECK_A)
    with pytest.raises(identity.LinkRefused):
        identity.link(connection, ADMINISTRATOR, pair, BO)
    assert found(connection, pair) == (ANNA, "roster", None)


# -- a file of links --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("separator", [";", ","])
def test_a_file_links_parked_identifiers_alone_and_in_pairs(connection: Connection, separator: str) -> None:
    single, pair, eck = identify(connection, "n1"), identify(connection, "n2", ECK_C), identify(connection, None, ECK_C)
    lines = [("Identifier", "Pupil"), ("n1", "a"), ("n2", "c"), (ECK_C, "c")]
    text = "\ufeff" + "\r\n".join(separator.join(line) for line in lines) + "\r\n\r\n"
    linked = identity.link_csv(connection, SEAL, ADMINISTRATOR, text)
    assert (linked.lines, linked.errors) == (3, ())
    assert [found(connection, item)[0] for item in (single, pair, eck)] == [ANNA, CEM, CEM]


def test_a_file_with_one_wrong_line_links_nothing_and_names_the_line_without_a_value(connection: Connection) -> None:
    single = identify(connection, "n1")
    text = "identifier;pupil\nn1;a\nn1;b\nsecret-1;a\nn1;secret-2\n"
    linked = identity.link_csv(connection, SEAL, ADMINISTRATOR, text)
    assert linked.linked == 0
    assert [error.line for error in linked.errors] == [3, 4, 5]
    assert "secret" not in str(linked)
    assert found(connection, single) == (None, None, "unknown")


def test_a_key_that_looks_like_a_number_or_like_nothing_is_the_text_that_was_typed(connection: Connection) -> None:
    number, nothing = identify(connection, "007"), identify(connection, "NA")
    state(connection, BO, PupilRef("NULL", None))
    linked = identity.link_csv(connection, SEAL, ADMINISTRATOR, "identifier,pupil\n7,a\n007,NULL\nNA,a\n")
    assert [error.line for error in linked.errors] == [2]
    linked = identity.link_csv(connection, SEAL, ADMINISTRATOR, "identifier,pupil\n007,NULL\nNA,a\n")
    assert (linked.linked, linked.errors) == (2, ())
    assert [found(connection, item)[0] for item in (number, nothing)] == [BO, ANNA]


def test_errors_of_the_file_and_of_the_school_come_in_the_order_of_the_lines(connection: Connection) -> None:
    identify(connection, "n1")
    text = "identifier;pupil\nn1;x\n;a\nn2;a\nn1;\n"
    linked = identity.link_csv(connection, SEAL, ADMINISTRATOR, text)
    assert [error.line for error in linked.errors] == [2, 3, 4, 5]


def test_a_file_without_the_columns_is_refused(connection: Connection) -> None:
    assert identity.link_csv(connection, SEAL, ADMINISTRATOR, "n1;a\n").errors[0].line == 1
    assert identity.link_csv(connection, SEAL, ADMINISTRATOR, "").errors[0].line == 1


@pytest.mark.parametrize("role", [Role.TEACHER, Role.MENTOR, Role.SUPPORT, Role.VENDOR])
def test_only_an_administrator_of_the_school_links(connection: Connection, role: Role) -> None:
    single, other = identify(connection, "n1"), identify(connection, "n2")
    link_id = identity.link(connection, ADMINISTRATOR, other, CEM)
    viewer = Viewer(SCHOOL, role, name="iemand")
    for change in (
        lambda: identity.link(connection, viewer, single, ANNA),
        lambda: identity.undo_link(connection, viewer, link_id),
        lambda: identity.link_csv(connection, SEAL, viewer, "identifier;pupil\nn1;a\n"),
    ):
        with pytest.raises(AccessDenied):
            change()
    elsewhere = Viewer(SCHOOL + 1, Role.ADMINISTRATOR, name="elders")
    with pytest.raises(identity.LinkRefused):
        identity.link(connection, elsewhere, single, ANNA)
    with pytest.raises(identity.LinkRefused):
        identity.undo_link(connection, elsewhere, link_id)
    assert identity.link_csv(connection, SEAL, elsewhere, "identifier;pupil\nn1;a\n").linked == 0
    assert [found(connection, item)[0] for item in (single, other)] == [None, CEM]


# -- what is parked ---------------------------------------------------------------------------------------------


def add_results(connection: Connection, identifier_id: int, number: int) -> None:
    connection.execute(
        insert(results),
        [
            {
                "school_id": SCHOOL, "source_id": 1, "key": f"{identifier_id}-{place}", "kind": 1,
                "identifier_id": identifier_id, "test_id": 1, "definition_id": 1, "part_id": 0,
                "taken_on": "2026-11-19", "school_year": "2026-2027", "created_us": 1, "digest64": 1,
                "delivery_id": 1,
            }
            for place in range(number)
        ],
    )  # fmt: skip


def test_parked_identifiers_show_a_number_and_never_an_eck_id(connection: Connection) -> None:
    las, eck, pair, of_roster = (
        identify(connection, "4711"),
        identify(connection, None, ECK_C),
        identify(connection, "4712", ECK_C),
        identify(connection, "a"),
    )
    for identifier_id, number in ((las, 1), (eck, 2), (pair, 3), (of_roster, 4)):
        add_results(connection, identifier_id, number)
    identify(connection, "without-results")
    parkeds = identity.parked(connection, Viewer(SCHOOL, Role.ADMINISTRATOR), SEAL)
    assert [(parked.id, parked.kind, parked.reason, parked.results) for parked in parkeds] == [
        (pair, "pair", "unknown", (("Rekenrijk Digitaal", 3),)),
        (eck, "eck", "unknown", (("Rekenrijk Digitaal", 2),)),
        (las, "las", "unknown", (("Rekenrijk Digitaal", 1),)),
    ]
    assert [parked.label for parked in parkeds] == [f"4712 + ECK iD …{pair}", f"ECK iD …{eck}", "4711"]
    assert "ketenid" not in str(parkeds)


@pytest.mark.parametrize(
    "viewer", [Viewer(SCHOOL, Role.TEACHER, 1), Viewer(SCHOOL, Role.SUPPORT), Viewer(2, Role.ADMINISTRATOR)]
)
def test_nobody_but_the_schools_administrator_sees_what_is_parked(connection: Connection, viewer: Viewer) -> None:
    add_results(connection, identify(connection, "4711"), 1)
    assert identity.parked(connection, viewer, SEAL) == []
