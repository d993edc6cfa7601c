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
def known(any_store: Store) -> Iterator[Connection]:
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
    known: Connection, las_key: str | None, eck_id: str | None, expected: tuple[object, ...]
) -> None:
    assert found(known, identify(known, las_key, eck_id)) == expected


def test_the_same_refs_get_the_same_rows_in_one_batch_or_more(known: Connection) -> None:
    refs = [
        PupilRef("a", ECK_A),
        PupilRef("n1", ECK_C),
        PupilRef("a", None),
        PupilRef("a", ECK_A),
        PupilRef(None, ECK_C),
    ]
    first = identity.identify(known, SEAL, SCHOOL, refs)
    assert first[0] == first[3]
    assert len(set(first)) == 4
    assert identity.identify(known, SEAL, SCHOOL, refs) == first


def test_thousands_of_refs_take_few_queries(known: Connection) -> None:
    refs = [PupilRef(f"n{number}", None) for number in range(3000)]
    ids = identity.identify(known, SEAL, SCHOOL, refs)
    assert len(set(ids)) == 3000


def test_no_value_stands_in_the_clear(known: Connection) -> None:
    identify(known, "pupil-number-77", ECK_C)
    rows = known.execute(select(identifiers)).all()
    assert not any(b"pupil-number-77" in bytes(cell) for row in rows for cell in row if isinstance(cell, bytes))


def test_what_a_roster_states_later_matches_what_was_parked(known: Connection) -> None:
    pair = identify(known, "new", ECK_C)
    state(known, CEM, PupilRef(None, ECK_C))
    assert identity.rematch(known, SCHOOL) == 1
    assert found(known, pair) == (CEM, "roster", None)
    assert identity.rematch(known, SCHOOL) == 0


def test_an_eck_id_that_a_pupil_gets_later_parks_what_only_the_key_matched(known: Connection) -> None:
    pair = identify(known, "c", ECK_C)
    state(known, CEM, PupilRef("c", "https://ketenid.nl/pilot/" + "d" * 128))
    assert identity.rematch(known, SCHOOL) == 1
    assert found(known, pair) == (None, None, "other_eckid")


def test_a_link_matches_at_once_and_an_undone_one_gives_back_what_the_roster_says(known: Connection) -> None:
    pair = identify(known, "a", ECK_B)
    link_id = identity.link(known, ADMINISTRATOR, pair, ANNA)
    assert found(known, pair) == (ANNA, "link", None)
    identity.rematch(known, SCHOOL)
    assert found(known, pair) == (ANNA, "link", None)
    identity.undo_link(known, DIRECTOR, link_id)
    assert found(known, pair) == (None, None, "conflict")
    logged = known.execute(select(identifier_links)).one()
    assert (logged.linked_by, logged.undone_by, logged.pupil_id) == ("beheerder", "directeur", ANNA)
    with pytest.raises(identity.LinkRefused):
        identity.undo_link(known, DIRECTOR, link_id)


def test_a_link_of_a_key_matches_the_pairs_that_hold_it(known: Connection) -> None:
    single, pair = identify(known, "new"), identify(known, "new", ECK_C)
    link_id = identity.link(known, ADMINISTRATOR, single, CEM)
    assert found(known, pair) == (CEM, "roster", None)
    identity.undo_link(known, ADMINISTRATOR, link_id)
    assert found(known, single) == (None, None, "unknown")
    assert found(known, pair) == (None, None, "unknown")


def test_what_the_roster_says_itself_cannot_be_linked_elsewhere(known: Connection) -> None:
    with pytest.raises(identity.LinkRefused):
        identity.link(known, ADMINISTRATOR, identify(known, "a"), BO)
    with pytest.raises(identity.LinkRefused):
        identity.link(known, ADMINISTRATOR, identify(known, "new"), 999)
    with pytest.raises(identity.LinkRefused):
        identity.link(known, ADMINISTRATOR, 999, ANNA)


def test_a_link_ends_when_the_roster_states_the_identifier_itself(known: Connection) -> None:
    single = identify(known, "new")
    identity.link(known, ADMINISTRATOR, single, CEM)
    state(known, BO, PupilRef("new", None))
    assert found(known, single) == (BO, "roster", None)
    assert known.scalar(select(identifier_links.c.undone_by)) == "roster"


@pytest.mark.parametrize(
    "stated", [PupilRef(None, ECK_C), PupilRef("new", ECK_C), PupilRef("new", "https://ketenid.nl/pilot/" + "d" * 128)]
)
def test_a_link_of_a_pair_ends_when_the_roster_says_that_it_is_of_another_pupil(
    known: Connection, stated: PupilRef
) -> None:
    pair = identify(known, "new", ECK_C)
    identity.link(known, ADMINISTRATOR, pair, ANNA)
    state(known, CEM, stated)
    other_eck_id = stated.eck_id != ECK_C  # then the roster does not know the pair: it is not its to say
    assert identity.rematch(known, SCHOOL) == (0 if other_eck_id else 1)
    assert found(known, pair) == ((ANNA, "link", None) if other_eck_id else (CEM, "roster", None))
    assert known.scalar(select(identifier_links.c.undone_by)) == (None if other_eck_id else "roster")
    assert identity.rematch(known, SCHOOL) == 0


def test_a_link_of_a_pair_stands_where_the_roster_says_the_same_or_contradicts_itself(known: Connection) -> None:
    same, divided = identify(known, "new", ECK_C), identify(known, "a", ECK_B)
    identity.link(known, ADMINISTRATOR, same, CEM)
    identity.link(known, ADMINISTRATOR, divided, ANNA)
    state(known, CEM, PupilRef(None, ECK_C))
    assert identity.rematch(known, SCHOOL) == 0
    assert [found(known, one) for one in (same, divided)] == [(CEM, "link", None), (ANNA, "link", None)]


def test_a_pair_that_the_roster_knows_cannot_be_linked_to_another_pupil(known: Connection) -> None:
    pair = identify(known, "a", ECK_A)
    with pytest.raises(identity.LinkRefused):
        identity.link(known, ADMINISTRATOR, pair, BO)
    assert found(known, pair) == (ANNA, "roster", None)


# -- a file of links --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("separator", [";", ","])
def test_a_file_links_parked_identifiers_alone_and_in_pairs(known: Connection, separator: str) -> None:
    single, pair, eck = identify(known, "n1"), identify(known, "n2", ECK_C), identify(known, None, ECK_C)
    lines = [("Identifier", "Pupil"), ("n1", "a"), ("n2", "c"), (ECK_C, "c")]
    text = "\ufeff" + "\r\n".join(separator.join(line) for line in lines) + "\r\n\r\n"
    linked = identity.link_csv(known, SEAL, ADMINISTRATOR, text)
    assert (linked.lines, linked.errors) == (3, ())
    assert [found(known, one)[0] for one in (single, pair, eck)] == [ANNA, CEM, CEM]


def test_a_file_with_one_wrong_line_links_nothing_and_names_the_line_without_a_value(known: Connection) -> None:
    single = identify(known, "n1")
    text = "identifier;pupil\nn1;a\nn1;b\nsecret-1;a\nn1;secret-2\n"
    linked = identity.link_csv(known, SEAL, ADMINISTRATOR, text)
    assert linked.linked == 0
    assert [error.line for error in linked.errors] == [3, 4, 5]
    assert "secret" not in str(linked)
    assert found(known, single) == (None, None, "unknown")


def test_a_file_without_the_columns_is_refused(known: Connection) -> None:
    assert identity.link_csv(known, SEAL, ADMINISTRATOR, "n1;a\n").errors[0].line == 1
    assert identity.link_csv(known, SEAL, ADMINISTRATOR, "").errors[0].line == 1


@pytest.mark.parametrize("role", [Role.TEACHER, Role.MENTOR, Role.SUPPORT, Role.VENDOR])
def test_only_an_administrator_of_the_school_links(known: Connection, role: Role) -> None:
    single, other = identify(known, "n1"), identify(known, "n2")
    link_id = identity.link(known, ADMINISTRATOR, other, CEM)
    viewer = Viewer(SCHOOL, role, name="iemand")
    for change in (
        lambda: identity.link(known, viewer, single, ANNA),
        lambda: identity.undo_link(known, viewer, link_id),
        lambda: identity.link_csv(known, SEAL, viewer, "identifier;pupil\nn1;a\n"),
    ):
        with pytest.raises(AccessDenied):
            change()
    elsewhere = Viewer(SCHOOL + 1, Role.ADMINISTRATOR, name="elders")
    with pytest.raises(identity.LinkRefused):
        identity.link(known, elsewhere, single, ANNA)
    with pytest.raises(identity.LinkRefused):
        identity.undo_link(known, elsewhere, link_id)
    assert identity.link_csv(known, SEAL, elsewhere, "identifier;pupil\nn1;a\n").linked == 0
    assert [found(known, one)[0] for one in (single, other)] == [None, CEM]


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


def test_parked_identifiers_show_a_number_and_never_an_eck_id(known: Connection) -> None:
    las, eck, pair, of_roster = (
        identify(known, "4711"), identify(known, None, ECK_C), identify(known, "4712", ECK_C), identify(known, "a"),
    )  # fmt: skip
    for identifier_id, number in ((las, 1), (eck, 2), (pair, 3), (of_roster, 4)):
        add_results(known, identifier_id, number)
    identify(known, "without-results")
    seen = identity.parked(known, Viewer(SCHOOL, Role.ADMINISTRATOR), SEAL)
    assert [(one.id, one.kind, one.reason, one.results) for one in seen] == [
        (pair, "pair", "unknown", (("Rekenrijk Digitaal", 3),)),
        (eck, "eck", "unknown", (("Rekenrijk Digitaal", 2),)),
        (las, "las", "unknown", (("Rekenrijk Digitaal", 1),)),
    ]
    assert [one.label for one in seen] == [f"4712 + ECK iD …{pair}", f"ECK iD …{eck}", "4711"]
    assert "ketenid" not in str(seen)


@pytest.mark.parametrize(
    "viewer", [Viewer(SCHOOL, Role.TEACHER, 1), Viewer(SCHOOL, Role.SUPPORT), Viewer(2, Role.ADMINISTRATOR)]
)
def test_nobody_but_the_schools_administrator_sees_what_is_parked(known: Connection, viewer: Viewer) -> None:
    add_results(known, identify(known, "4711"), 1)
    assert identity.parked(known, viewer, SEAL) == []
