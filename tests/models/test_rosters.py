"""Rosters in the store: classes, soft ends, what is held, and whose keys are whose."""

from __future__ import annotations

import dataclasses
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, Table, delete, insert, select

from connectors.intake.destinations import AnySchool, OwnSchool
from connectors.intake.judge import ResultSource, process_results, spool
from models.access.people import ClassRef, class_list, pupil_names
from models.access.viewer import AccessDenied, Role, Viewer
from models.ingest import identity
from models.ingest.result_store import Receipt
from models.ingest.rosters import NotPending, RosterReceipt, decide_pending, save_refused_roster, save_roster
from models.ingest.schools import Identification, ensure_school, ensure_source
from models.schema import clock, database
from models.schema.encryption import PiiCipher
from models.schema.records import PupilRef, Roster, RosterGroup, RosterPupil, RosterTeacher, SchoolRef, Verdict
from models.schema.tables import (
    classes,
    deliveries,
    groups,
    identifier_links,
    identifiers,
    memberships,
    pupils,
    rosters,
    source_connections,
    teacher_groups,
    teachers,
)
from tests.conftest import Store
from tests.uwlr.messages import message

SEAL = PiiCipher.from_secret(b"s" * 32)
SCHOOL, SOURCE = 1, 1
ADMINISTRATOR = Viewer(SCHOOL, Role.ADMINISTRATOR, name="beheerder")
TODAY = datetime(2026, 11, 23, 9, tzinfo=UTC)


def eck(letter: str) -> str:
    return f"https://ketenid.nl/pilot/{letter * 128}"


@pytest.fixture
def engine(any_store: Store) -> Iterator[Engine]:
    engine = any_store.engine
    with database.write_transaction(engine) as connection:
        ensure_school(connection, [Identification("brin", "99XX")], "De Wilg")
        ensure_source(connection, "las", "LAS", "las")
        connection.execute(insert(source_connections).values(school_id=SCHOOL, source_id=SOURCE, failures=3))
    with clock.fixed(TODAY):
        yield engine


def pupil(key: str | None, group: str | None = "5", eck_id: str | None = None, **more: Any) -> RosterPupil:
    values: dict[str, Any] = {"first_name": f"Roep-{key}", "last_name": f"Achter-{key}", "year_group": "5"}
    return RosterPupil(las_key=key, eck_id=eck_id, group=group, **(values | more))


GROUP_5, GROUP_6 = RosterGroup("5", "5a", year_group="5"), RosterGroup("6", "6a", year_group="6")
PLUS = RosterGroup("p", "Plusgroep", composed=True)
PUPILS = tuple(pupil(f"k{number}") for number in range(4))


def roster(*roster_pupils: RosterPupil, **more: Any) -> Roster:
    values: dict[str, Any] = {
        "school_year": "2026-2027", "school": SchoolRef(brin="99XX"), "school_name": None, "created_us": 1_000,
        "groups": (GROUP_5, GROUP_6, PLUS), "teachers": (), "digest": b"",
    } | more  # fmt: skip
    return Roster(pupils=roster_pupils, **values)


def save(engine: Engine, roster: Roster, **more: Any) -> RosterReceipt:
    return save_roster(
        engine, SEAL, **({"school_id": SCHOOL, "source_id": SOURCE, "roster": roster, "way": "pull"} | more)
    )


def rows(engine: Engine, table: Table, *conditions: Any) -> list[Any]:
    with database.read_transaction(engine) as connection:
        return list(connection.execute(select(table).where(*conditions).order_by(*table.primary_key.columns)))


def members(engine: Engine) -> set[tuple[str, str]]:
    """First name and name of the group of every current membership."""
    query = (
        select(pupils.c.first_name, groups.c.name)
        .join(memberships, memberships.c.pupil_id == pupils.c.id)
        .join(groups, groups.c.id == memberships.c.group_id)
        .where(memberships.c.to_us.is_(None))
    )
    with database.read_transaction(engine) as connection:
        return {(row[0], row[1]) for row in connection.execute(query)}


def whose(engine: Engine, ref: PupilRef) -> int | None:
    with database.write_transaction(engine, SCHOOL) as connection:
        (identifier_id,) = identity.identify(connection, SEAL, SCHOOL, [ref])
        return connection.scalar(select(identifiers.c.pupil_id).where(identifiers.c.id == identifier_id))


def dump(engine: Engine, *tables: Table) -> list[list[Any]]:
    return [rows(engine, table) for table in tables]


# -- applying ---------------------------------------------------------------------------------------------------


def test_a_roster_fills_pupils_classes_memberships_and_teachers(engine: Engine) -> None:
    teacher = RosterTeacher(
        "t1",
        None,
        "Jo",
        None,
        "Leerkracht",
        "jo@school.example",
        ("IB",),
        (("5", ("STA",)), ("gone", ())),
        (("p", ()),),
    )
    roster_pupil = pupil("k1", composed_groups=("p",), location="v1", entered_on="2024-08-01")
    receipt = save(engine, roster(roster_pupil, teachers=(teacher,)))
    assert (receipt.state, receipt.verdict) == ("applied", Verdict.ACCEPT)
    assert receipt.counts == {"pupils": 1, "groups": 2, "composed": 1, "teachers": 1}
    assert members(engine) == {("Roep-k1", "5a"), ("Roep-k1", "Plusgroep")}
    assert {(row.name, row.composed, row.year_groups) for row in rows(engine, classes)} == {
        ("5a", False, "5"), ("6a", False, "6"), ("Plusgroep", True, "5"),
    }  # fmt: skip
    (stored,) = rows(engine, teachers)
    assert (stored.first_name, stored.email, stored.roles) == ("Jo", "jo@school.example", "IB")
    assert [row.roles for row in rows(engine, teacher_groups)] == ["STA", ""]
    assert [row.location for row in rows(engine, memberships)] == ["v1", "v1"]
    (delivery,) = rows(engine, deliveries)
    assert (delivery.what, delivery.way, json.loads(delivery.counts)["pupils"]) == ("roster", "pull", 1)


def test_roles_of_a_link_that_is_stated_twice_are_joined_and_a_comma_in_one_is_no_border(engine: Engine) -> None:
    taught = (("5", ("docent Engels, Frans",)), ("5", ("LRK",)), ("5", ("LRK",)))
    teacher = RosterTeacher("t1", None, "Jo", None, "Leerkracht", None, ("VAK, wiskunde",), taught)
    save(engine, roster(*PUPILS, teachers=(teacher,)))
    assert [row.roles for row in rows(engine, teachers)] == ["VAK; wiskunde"]
    assert [row.roles for row in rows(engine, teacher_groups)] == ["docent Engels; Frans,LRK"]


def test_the_same_roster_again_changes_nothing_but_the_delivery(engine: Engine) -> None:
    save(engine, roster(*PUPILS))
    tables = (pupils, identifiers, classes, groups, memberships, teachers, teacher_groups)
    before = dump(engine, *tables)
    save(engine, roster(*PUPILS, created_us=2_000))
    assert dump(engine, *tables) == before


def test_the_same_bytes_are_confirmed_without_effect_and_move_the_coupling(engine: Engine) -> None:
    first = save(engine, roster(*PUPILS, digest=b"d" * 32), cursor="2026-11-23T08:00:00")
    (coupling,) = rows(engine, source_connections)
    assert (coupling.cursor, coupling.failures) == ("2026-11-23T08:00:00", 0)
    assert coupling.last_success_us == coupling.last_data_us == clock.to_us(TODAY)
    with clock.fixed(TODAY.replace(hour=10)):
        again = save(engine, roster(*PUPILS, digest=b"d" * 32), cursor="2026-11-23T08:00:00")
    assert (again.state, again.delivery_id) == ("confirmed", first.delivery_id)
    (coupling,) = rows(engine, source_connections)
    assert coupling.last_data_us == clock.to_us(TODAY) < coupling.last_success_us
    assert len(rows(engine, deliveries)) == 1


def test_who_is_no_longer_in_the_roster_ends_and_is_not_deleted(engine: Engine) -> None:
    save(engine, roster(*PUPILS))
    save(engine, roster(*PUPILS[:3], groups=(GROUP_5, PLUS), created_us=2_000))
    assert len(rows(engine, pupils)) == 4
    assert len(members(engine)) == 3
    assert [row.name for row in rows(engine, groups, groups.c.ended_us.is_not(None))] == ["6a"]
    assert whose(engine, PupilRef("k3", None)) is not None
    save(engine, roster(*PUPILS, created_us=3_000))
    assert len(members(engine)) == 4
    assert rows(engine, groups, groups.c.ended_us.is_not(None)) == []


def test_a_pupil_moves_to_another_group_and_gets_another_name(engine: Engine) -> None:
    save(engine, roster(*PUPILS))
    save(engine, roster(pupil("k0", "6", first_name="Nieuw"), *PUPILS[1:], created_us=2_000))
    assert ("Nieuw", "6a") in members(engine)
    assert len(members(engine)) == 4


def test_a_pupil_in_two_locations_is_one_pupil_and_each_roster_ends_only_its_own(engine: Engine) -> None:
    save(engine, roster(pupil("k1", eck_id=eck("a")), pupil("k2")))
    elsewhere = roster(pupil("n1", eck_id=eck("a")), pupil("k2"), school=SchoolRef(brin="99XX", dependance="01"))
    save(engine, elsewhere, way="load")
    assert len(rows(engine, pupils)) == 2
    assert len(rows(engine, memberships, memberships.c.to_us.is_(None))) == 4


def test_what_a_connection_delivered_of_another_location_ends_with_the_first_roster_of_the_new_one(
    engine: Engine,
) -> None:
    teacher = RosterTeacher("t1", None, groups=(("5", ()),))
    save(engine, roster(*PUPILS, teachers=(teacher,)))
    save(engine, roster(*PUPILS, teachers=(teacher,), school=SchoolRef(brin="99XX", dependance="01")))
    locations = {row.id: row.location for row in rows(engine, groups)}
    for table in (teacher_groups, memberships):
        assert {locations[row.group_id] for row in rows(engine, table, table.c.to_us.is_(None))} == {"01"}
    classes_seen = class_list_of(engine, Viewer(SCHOOL, Role.TEACHER, 1, "juf"))
    assert {ref.location for ref in classes_seen} == {"01"}


def test_a_pupil_without_a_group_that_the_roster_has_is_in_a_class_of_its_own(engine: Engine) -> None:
    save(engine, roster(pupil("k1", None), pupil("k2", "unknown"), pupil("k3", None, composed_groups=("p",))))
    assert members(engine) == {("Roep-k1", "Zonder groep"), ("Roep-k2", "Zonder groep"), ("Roep-k3", "Plusgroep")}


LAST_MINUTE, FIRST_MINUTE = (
    datetime(2027, 7, 31, 23, 59, tzinfo=clock.AMSTERDAM),
    datetime(2027, 8, 1, tzinfo=clock.AMSTERDAM),
)


def class_list_of(engine: Engine, viewer: Viewer) -> list[ClassRef]:
    with database.read_transaction(engine) as connection:
        return class_list(connection, viewer)


def sees_pupils(engine: Engine, viewer: Viewer) -> bool:
    with database.read_transaction(engine) as connection:
        return bool(pupil_names(connection, viewer))


def test_a_new_school_year_opens_by_its_date_for_its_teachers_and_closes_for_those_of_the_last(
    engine: Engine,
) -> None:
    this_year, next_year = (RosterTeacher(key, None, groups=(("5", ()),)) for key in ("t1", "t2"))
    save(engine, roster(*PUPILS, teachers=(this_year,), school_year="2026-2027"))
    save(engine, roster(*PUPILS, teachers=(next_year,), school_year="2027-2028"))  # in advance
    old, new = (Viewer(SCHOOL, Role.TEACHER, teacher_id, "juf") for teacher_id in (1, 2))
    for moment, sees_now, not_yet in ((LAST_MINUTE, old, new), (FIRST_MINUTE, new, old)):
        with clock.fixed(moment):  # nothing comes in between: the day alone decides
            assert [ref.school_year for ref in class_list_of(engine, sees_now)] == [clock.school_year(moment.date())]
            assert sees_pupils(engine, sees_now)
            assert class_list_of(engine, not_yet) == []
            assert not sees_pupils(engine, not_yet)
    assert len(rows(engine, memberships, memberships.c.to_us.is_(None))) == 8


# -- classes ----------------------------------------------------------------------------------------------------


def test_a_split_combination_group_is_one_class_and_a_c_group_takes_the_years_of_its_pupils(engine: Engine) -> None:
    split = tuple(RosterGroup(f"77_lj_{year}", "6-7-8 Panda's", year_group=str(year)) for year in (8, 6, 7))
    combined = RosterGroup("c", "1/2 Beren", year_group="C")
    save(
        engine,
        roster(
            pupil("k1", "77_lj_6"), pupil("k2", "c", year_group="2"), pupil("k3", "c", year_group="1"),
            groups=(*split, combined),
        ),
    )  # fmt: skip
    assert {(row.name, row.year_groups) for row in rows(engine, classes)} == {
        ("6-7-8 Panda's", "6,7,8"),
        ("1/2 Beren", "1,2"),
    }
    assert len({row.class_id for row in rows(engine, groups)}) == 2


def test_groups_of_one_name_that_are_no_split_group_are_two_classes(engine: Engine) -> None:
    twins = (RosterGroup("g1", "5a", year_group="5"), RosterGroup("g2", "5a", year_group="5"))
    save(engine, roster(pupil("k1", "g1"), pupil("k2", "g2"), groups=twins))
    before = rows(engine, classes)
    assert [row.name for row in before] == ["5a", "5a (2)"]
    save(engine, roster(pupil("k1", "g1"), pupil("k2", "g2"), groups=twins[::-1], created_us=2_000))
    assert {row.id for row in rows(engine, classes)} == {row.id for row in before}
    assert {row.key: row.class_id for row in rows(engine, groups)} == {"g1": before[0].id, "g2": before[1].id}


def test_a_class_keeps_its_id_when_it_is_renamed_swaps_names_or_gets_other_keys(engine: Engine) -> None:
    save(engine, roster(*PUPILS))
    ids = {row.name: row.id for row in rows(engine, classes)}
    swapped = (RosterGroup("5", "6a", year_group="5"), RosterGroup("6", "5a", year_group="6"), PLUS)
    save(engine, roster(*PUPILS, groups=swapped, created_us=2_000))
    assert {row.name: row.id for row in rows(engine, classes)} == {
        "6a": ids["5a"], "5a": ids["6a"], "Plusgroep": ids["Plusgroep"]
    }  # fmt: skip
    rekeyed = (RosterGroup("new", "6a", year_group="5"), swapped[1], PLUS)
    moved = [dataclasses.replace(roster_pupil, group="new") for roster_pupil in PUPILS]
    save(engine, roster(*moved, groups=rekeyed, created_us=3_000))
    assert {row.name: row.id for row in rows(engine, classes)}["6a"] == ids["5a"]
    assert {name for _, name in members(engine)} == {"6a"}


def test_a_group_with_an_unstable_key_is_the_class_of_its_name(engine: Engine) -> None:
    first = (RosterGroup("#1", "Beren", year_group="5"), RosterGroup("#2", "Otters", year_group="6"))
    save(engine, roster(pupil("k1", "#1"), pupil("k2", "#2"), groups=first))
    ids = {row.name: row.id for row in rows(engine, classes)}
    second = (RosterGroup("#1", "Otters", year_group="6"), RosterGroup("#2", "Beren", year_group="5"))
    save(engine, roster(pupil("k1", "#2"), pupil("k2", "#1"), groups=second, created_us=2_000))
    assert {row.name: row.id for row in rows(engine, classes)} == ids
    assert members(engine) == {("Roep-k1", "Beren"), ("Roep-k2", "Otters")}


# -- held, older ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"groups": ()}, "no_groups"),
        ({"groups": (GROUP_5, GROUP_6)}, "no_composed_groups"),
        ({"pupils": PUPILS[:1]}, "few_pupils"),
        ({"pupils": tuple(pupil(f"other{number}") for number in range(4))}, "few_pupils"),
    ],
)
def test_a_roster_that_lacks_too_much_is_held_until_somebody_decides(
    engine: Engine, change: dict[str, Any], reason: str
) -> None:
    save(engine, roster(*PUPILS))
    tables = (pupils, classes, groups, memberships, identifiers)
    before = dump(engine, *tables)
    suspicious = dataclasses.replace(roster(*PUPILS, created_us=2_000), **change)
    receipt = save(engine, suspicious)
    assert (receipt.state, receipt.pending_because, receipt.verdict) == ("held", reason, Verdict.WARN)
    assert dump(engine, *tables) == before
    (held,) = rows(engine, rosters, rosters.c.state == "held")
    assert b"Achter" not in held.sealed
    decided = decide_pending(engine, SEAL, ADMINISTRATOR, receipt.roster_id, True)
    assert decided.state == "applied"
    assert {name for name, _ in members(engine)} == {pupil.first_name for pupil in suspicious.pupils}
    assert rows(engine, rosters, rosters.c.sealed.is_not(None)) == []
    with pytest.raises(NotPending):
        decide_pending(engine, SEAL, ADMINISTRATOR, receipt.roster_id, True)


@pytest.mark.parametrize("role", [Role.TEACHER, Role.MENTOR, Role.SUPPORT, Role.VENDOR])
def test_only_an_administrator_of_the_school_decides_about_a_held_roster(engine: Engine, role: Role) -> None:
    save(engine, roster(*PUPILS))
    roster_receipt = save(engine, roster(PUPILS[0], created_us=2_000))
    before = dump(engine, rosters, deliveries, memberships)
    with pytest.raises(AccessDenied):
        decide_pending(engine, SEAL, Viewer(SCHOOL, role, name="iemand"), roster_receipt.roster_id, True)
    with pytest.raises(NotPending):
        decide_pending(
            engine, SEAL, Viewer(SCHOOL + 1, Role.ADMINISTRATOR, name="elders"), roster_receipt.roster_id, True
        )
    assert dump(engine, rosters, deliveries, memberships) == before


def test_a_held_roster_can_be_dropped_forced_or_overtaken(engine: Engine) -> None:
    save(engine, roster(*PUPILS))
    dropped = save(engine, roster(PUPILS[0], created_us=2_000))
    assert decide_pending(engine, SEAL, ADMINISTRATOR, dropped.roster_id, False).state == "dropped"
    assert len(members(engine)) == 4
    overtaken = save(engine, roster(PUPILS[0], created_us=3_000))
    save(engine, roster(*PUPILS, created_us=4_000))
    with pytest.raises(NotPending):
        decide_pending(engine, SEAL, ADMINISTRATOR, overtaken.roster_id, True)
    assert save(engine, roster(PUPILS[0], created_us=5_000), force=True).state == "applied"
    assert len(members(engine)) == 1


FIFTY = (*(pupil(f"a{number}", "5") for number in range(30)), *(pupil(f"b{number}", "6") for number in range(20)))
TEACHERS = (RosterTeacher("t1", None, groups=(("5", ()),)), RosterTeacher("t2", None, groups=(("6", ()),)))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (
            {"pupils": FIFTY[:30], "groups": (GROUP_5, PLUS), "teachers": TEACHERS[:1]},
            'Groep "6a" heeft in deze lijst geen leerlingen meer. 1 leraar heeft geen groep meer',
        ),
        ({"pupils": FIFTY[:30]}, 'Groep "6a" heeft in deze lijst geen leerlingen meer'),
        ({"pupils": FIFTY[11:]}, 'Groep "5a" verliest 11 van de 30 leerlingen'),
        (
            {"pupils": tuple(dataclasses.replace(item, group="5") for item in FIFTY)},
            'Groep "6a" heeft in deze lijst geen leerlingen meer',
        ),
        ({"teachers": ()}, "2 leraren hebben geen groep meer"),
    ],
)
def test_a_roster_without_a_class_or_a_teacher_is_held_and_says_which(
    engine: Engine, change: dict[str, Any], sentence: str
) -> None:
    whole = roster(*FIFTY, teachers=TEACHERS)
    save(engine, whole)
    tables = (pupils, classes, groups, memberships, identifiers, teacher_groups)
    before = dump(engine, *tables)
    receipt = save(engine, dataclasses.replace(whole, created_us=2_000, **change))
    assert (receipt.state, receipt.pending_because, receipt.verdict) == ("held", "losses", Verdict.WARN)
    assert receipt.findings[-1].message_nl == f"{sentence}; de lijst wacht op een besluit van de beheerder."
    assert dump(engine, *tables) == before
    assert decide_pending(engine, SEAL, ADMINISTRATOR, receipt.roster_id, True).state == "applied"
    assert dump(engine, *tables) != before
    back = save(engine, dataclasses.replace(whole, created_us=3_000), force=True)
    assert (back.state, len(members(engine))) == ("applied", 50)


@pytest.mark.parametrize(
    "change",
    [
        {"pupils": FIFTY[10:]},  # exactly a third of a class
        {"pupils": tuple(dataclasses.replace(item, group="new") for item in FIFTY[:30]) + FIFTY[30:],
         "groups": (RosterGroup("new", "5a", year_group="5"), GROUP_6, PLUS), "teachers": TEACHERS[1:]},
        {"groups": (dataclasses.replace(GROUP_5, name="Zee"), GROUP_6, PLUS)},
        {"school_year": "2027-2028", "pupils": FIFTY[:5], "teachers": ()},
    ],
)  # fmt: skip
def test_a_roster_that_loses_little_or_only_calls_it_otherwise_is_applied(
    engine: Engine, change: dict[str, Any]
) -> None:
    whole = roster(*FIFTY, teachers=TEACHERS)
    save(engine, dataclasses.replace(whole, teachers=change.get("teachers", TEACHERS)))
    assert save(engine, dataclasses.replace(whole, created_us=2_000, **change)).state == "applied"


def test_half_of_the_pupils_is_not_held(engine: Engine) -> None:
    save(engine, roster(*PUPILS))
    assert save(engine, roster(*PUPILS[:2], created_us=2_000)).state == "applied"


def test_an_older_roster_never_overwrites_a_newer(engine: Engine) -> None:
    save(engine, roster(*PUPILS, created_us=2_000), cursor="newest")
    receipt = save(engine, roster(*PUPILS[:3], created_us=1_000), cursor="older")
    assert (receipt.state, [finding.rule for finding in receipt.findings]) == ("dropped", ["roster.older"])
    assert len(members(engine)) == 4
    assert rows(engine, source_connections)[0].cursor == "newest"


def test_a_refused_roster_leaves_only_its_reason(engine: Engine) -> None:
    delivery_id = save_refused_roster(
        engine, school_id=SCHOOL, source_id=SOURCE, way="load", digest=b"d" * 32, size=9, findings=()
    )
    (delivery,) = rows(engine, deliveries)
    assert (delivery.id, delivery.verdict, rows(engine, rosters)) == (delivery_id, "reject", [])


# -- whose keys -------------------------------------------------------------------------------------------------


def test_unstable_keys_never_say_who_a_pupil_is_where_there_is_an_eck_id(engine: Engine) -> None:
    save(engine, roster(pupil("#1", eck_id=eck("a"), first_name="A"), pupil("#2", eck_id=eck("b"), first_name="B")))
    ids = {row.first_name: row.id for row in rows(engine, pupils)}
    again = (pupil("#2", eck_id=eck("a"), first_name="A"), pupil("#1", eck_id=eck("b"), first_name="B"))
    receipt = save(engine, roster(*again, created_us=2_000))
    assert {row.first_name: row.id for row in rows(engine, pupils)} == ids
    assert receipt.findings == ()
    assert whose(engine, PupilRef("#1", eck("a"))) == ids["A"]
    assert whose(engine, PupilRef("#1", None)) is None


def test_an_unstable_key_alone_does_not_turn_one_pupil_into_another(engine: Engine) -> None:
    save(engine, roster(pupil("#1", first_name="A", last_name="X"), pupil("#2")))
    receipt = save(engine, roster(pupil("#1", first_name="B", last_name="Y"), pupil("#2"), created_us=2_000))
    assert [finding.rule for finding in receipt.findings] == ["roster.key-reused"]
    assert {row.first_name for row in rows(engine, pupils)} == {"A", "Roep-#2"}


def test_two_pupils_of_a_roster_never_become_one(engine: Engine) -> None:
    save(engine, roster(pupil("k1", eck_id=eck("a")), *PUPILS[1:]))
    both = (pupil("k1", eck_id=eck("b"), last_name="Achter-k1"), pupil("k9", eck_id=eck("a")))
    receipt = save(engine, roster(*both, *PUPILS[2:], created_us=2_000))
    assert sorted(finding.rule for finding in receipt.findings) == ["roster.key-changed", "roster.pupil-twice"]
    assert whose(engine, PupilRef("k9", eck("a"))) == whose(engine, PupilRef("k1", None))
    assert whose(engine, PupilRef(None, eck("b"))) is None


def test_a_changed_key_is_the_same_pupil_with_a_warning(engine: Engine) -> None:
    save(engine, roster(pupil("k1", eck_id=eck("a"), first_name="A"), *PUPILS[2:]))
    receipt = save(engine, roster(pupil("new", eck_id=eck("a"), first_name="A"), *PUPILS[2:], created_us=2_000))
    assert [finding.rule for finding in receipt.findings] == ["roster.key-changed"]
    assert whose(engine, PupilRef("k1", None)) == whose(engine, PupilRef("new", None)) is not None
    assert len(rows(engine, pupils)) == 3


def test_a_changed_eck_id_is_the_same_pupil_unless_the_name_is_another_too(engine: Engine) -> None:
    save(engine, roster(pupil("k1", eck_id=eck("a")), pupil("k2", eck_id=eck("b")), pupil("k3")))
    changed = (pupil("k1", eck_id=eck("c")), pupil("k2", eck_id=eck("d"), first_name="An", last_name="Der"))
    receipt = save(engine, roster(*changed, pupil("k3", eck_id=eck("e")), created_us=2_000))
    assert sorted((finding.rule, finding.level) for finding in receipt.findings) == [
        ("roster.eckid-changed", "warning"),
        ("roster.key-reused", "error"),
    ]
    assert whose(engine, PupilRef(None, eck("c"))) == whose(engine, PupilRef("k1", None))
    assert whose(engine, PupilRef(None, eck("d"))) is None
    assert ("Roep-k2", "5a") in members(engine)


def test_a_key_and_an_eck_id_of_different_pupils_are_left_out_and_both_stay_as_they_are(engine: Engine) -> None:
    save(engine, roster(pupil("k1", eck_id=eck("a")), pupil("k2", eck_id=eck("b")), *PUPILS[:1]))
    receipt = save(engine, roster(pupil("k1", eck_id=eck("b")), *PUPILS[:1], created_us=2_000), force=True)
    assert [(finding.rule, finding.level) for finding in receipt.findings] == [("roster.identity-conflict", "error")]
    assert (receipt.state, receipt.verdict) == ("applied", Verdict.WARN)
    assert {name for name, _ in members(engine)} == {"Roep-k1", "Roep-k2", "Roep-k0"}


def test_parked_results_find_their_pupil_with_the_next_roster(engine: Engine) -> None:
    assert whose(engine, PupilRef("k1", eck("a"))) is None
    receipt = save(engine, roster(pupil("k1")))
    assert receipt.rematched == 2
    assert whose(engine, PupilRef("k1", eck("a"))) is not None
    save(engine, roster(pupil("k1", eck_id=eck("b")), created_us=2_000))
    assert whose(engine, PupilRef("k1", eck("a"))) is None


def test_a_roster_that_states_a_linked_identifier_ends_the_link(engine: Engine) -> None:
    save(engine, roster(pupil("k1")))
    with database.write_transaction(engine, SCHOOL) as connection:
        (parked,) = identity.identify(connection, SEAL, SCHOOL, [PupilRef("k2", None)])
        identity.link(connection, ADMINISTRATOR, parked, 1)
    save(engine, roster(pupil("k1"), pupil("k2"), created_us=2_000))
    assert whose(engine, PupilRef("k2", None)) == 2
    assert rows(engine, identifier_links)[0].undone_by == "roster"


@pytest.mark.sqlite
def test_the_store_holds_no_key_or_eck_id_in_the_clear(store: Store, tmp_path: Path) -> None:
    engine = store.engine
    with database.write_transaction(engine) as connection:
        ensure_school(connection, [Identification("brin", "99XX")])
        ensure_source(connection, "las", "LAS", "las")
    save(engine, roster(pupil("key-in-clear", eck_id=eck("a"), first_name="Mila", last_name="Voorbeeld")))
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    content = (tmp_path / "data" / "rondblik.db").read_bytes()
    assert b"Mila" in content
    assert b"key-in-clear" not in content
    assert b"ketenid" not in content


def test_a_roster_without_a_coupling_is_stored_too(engine: Engine) -> None:
    with database.write_transaction(engine) as connection:
        connection.execute(delete(source_connections))
    assert save(engine, roster(pupil("k1")), cursor="x").state == "applied"


# -- rosters and results in one store ----------------------------------------------------------------------------


def take(store: Store, source_id: int, key: str, brin: str = "99XX", school_id: int | None = None) -> Receipt:
    destination = AnySchool(store.engine) if school_id is None else OwnSchool(store.engine, school_id)
    with spool([message(leerlingid=key, brin=brin)]) as spooled:
        source = ResultSource(source_id=source_id, destination=destination, channel="load")
        return process_results(store.engine, SEAL, spooled, source)


def publisher(engine: Engine) -> int:
    with database.write_transaction(engine) as connection:
        return ensure_source(connection, "rekenwijs", "Rekenwijs", "publisher")


def test_rosters_and_results_take_turns_and_every_delivery_has_an_id_of_its_own(
    engine: Engine, any_store: Store
) -> None:
    source_id = publisher(engine)
    first = take(any_store, source_id, "k0")
    roster_receipt = save(engine, roster(*PUPILS))
    second = take(any_store, source_id, "k1")
    again = save(engine, roster(*PUPILS[1:], created_us=2_000))
    third = take(any_store, source_id, "k2")
    assert Verdict.REJECT not in [receipt.verdict for receipt in (first, second, third)]
    ids = [item.delivery_id for item in (first, roster_receipt, second, again, third)]
    assert ids == sorted(set(ids))
    assert [row.what for row in rows(engine, deliveries)] == ["results", "roster", "results", "roster", "results"]
    assert all(whose(engine, PupilRef(key, None)) is not None for key in ("k0", "k1", "k2"))


def test_two_schools_are_written_at_once(engine: Engine, any_store: Store) -> None:
    source_id = publisher(engine)
    with database.write_transaction(engine) as connection:
        other = ensure_school(connection, [Identification("brin", "99YY")], "De Haven")
    schools = {SCHOOL: "99XX", other: "99YY"}
    start = threading.Barrier(2)
    failed: list[BaseException] = []

    def work(school_id: int, brin: str) -> None:
        try:
            start.wait(20)
            for number in range(8):
                take(any_store, source_id, f"k{number}", brin, school_id)
                save_roster(
                    engine, SEAL, school_id=school_id, source_id=SOURCE, way="pull",
                    roster=roster(*PUPILS, school=SchoolRef(brin=brin), created_us=1_000 + number),
                )  # fmt: skip
        except Exception as wrong:
            failed.append(wrong)
            raise

    threads = [threading.Thread(target=work, args=item, daemon=True) for item in schools.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    assert failed == []
    delivery_rows = rows(engine, deliveries)
    assert len({row.id for row in delivery_rows}) == len(delivery_rows) == 32
    assert {(row.school_id, row.what) for row in delivery_rows} == {
        (school_id, what) for school_id in schools for what in ("results", "roster")
    }
    for school_id in schools:
        assert len(rows(engine, pupils, pupils.c.school_id == school_id)) == 4
