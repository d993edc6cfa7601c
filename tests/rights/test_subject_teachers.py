"""A subject teacher gets results of the own subjects alone, whatever is asked; a leader what the school lets them."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

import pytest
from sqlalchemy import ColumnElement, Table, delete, insert, select, update

from dashboard.ui import addresses
from models.access.audit import Administered, open_audit
from models.access.viewer import Role, Viewer
from models.results.subject_mapping import CODE, map_subject, unmap_subject
from models.schema import database, tables
from models.schema.store_key import open_encrypted
from tests.conftest import Store
from tests.dashboard import school
from tests.rights.probes import BOSSES, OTHER_SUBJECT, Probes
from tests.rights.visitors import SUBJECT_TEACHER, Visitor, World, linked_file, world

ROLES = ["teacher", "subject_teacher", "stand_in", "support", "administrator", "leader"]
SECRET = ("41.4141", "41,4141", "414141")  # every number of other subjects in this school, as sent and as stored
UNKNOWN = "Welk vak u geeft, is hier niet bekend."
PAGES = (
    addresses.CLASSES, addresses.MY_PUPILS, addresses.HANDOVER, addresses.SIGNALS, addresses.BOARD, "/leermiddelen",
    f"{addresses.PUPIL}/1-1", f"{addresses.TALK_SHEET}/1-1",
)  # fmt: skip
HOSTILE = (
    "klas=1-1&vak=arithmetic&jaar=6",
    f"klas=1-1&materiaal={quote('Cijferpad groep 6')}&uitgever={school.SUMS}&periode=tweejaar&weergave=materiaal",
    f"klas=1-1,1-2&vak=unmapped&doel={quote('Breuken vergelijken')}&leerling=1-1,1-2&vraag=stof&toestand=klaar",
)
CALLBACKS = (
    "group-content", "mine-content", "signals-content", "materials-content", "handover-content", "why-told", "lanes",
    "parts", "number-told",
)  # fmt: skip
PLACES = ("own", "subject")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The school behind one server for all tests; numbers of other subjects than spelling are all the same one."""
    folder = tmp_path_factory.mktemp("subjects")
    engine = database.open_engine(database.sqlite_url(folder))
    with world(Store(engine, open_encrypted(engine, folder)), ROLES) as made:
        results = tables.results
        others = (results.c.school_id == school.SCHOOL, results.c.definition_id.not_in([3, 4]), results.c.score > 0)
        goal = {"pupil_id": 1, "subject": "arithmetic", "material": "Cijferpad groep 6", "source_id": school.SUMS}
        due = {"class_id": school.CLASS_A, "test_id": 2, "due_on": "2026-11-16"}
        by = {"school_id": school.SCHOOL, "set_by": "test", "set_us": 1}
        with database.write_transaction(engine) as connection:
            connection.execute(update(results).where(*others).values(score=414_141, score_text="41.4141"))
            connection.execute(insert(tables.goals).values(id=900, value=414_141, **goal, **by))
            connection.execute(insert(tables.due_dates).values(**due, **by))
        yield made
    engine.dispose()


def answers(served: World, visitor: Visitor) -> dict[str, str]:
    """What a visitor gets: each page and callback with filters for another subject, and the files of a screen."""
    probes = Probes(served)
    found = {f"{path}?{query}": visitor.page(path, f"?{query}").text for path in PAGES for query in HOSTILE}
    found |= {name: visitor.call(probes.body(name, "subject")).text for name in CALLBACKS}
    found["own"] = visitor.page(addresses.CLASSES, "?klas=1-1").text
    file = linked_file(found["own"])
    for kind in ("csv", "html", "xlsx"):
        answer = visitor.session.get(visitor.address + file.replace(".csv", f".{kind}"), allow_redirects=False)
        assert answer.status_code == 200
        found[kind] = content(answer.content, kind)
    return found


def content(file: bytes, kind: str) -> str:
    """The text in a file."""
    if kind != "xlsx":
        return file.decode()
    with zipfile.ZipFile(io.BytesIO(file)) as parts:
        return "".join(parts.read(name).decode() for name in parts.namelist() if name.endswith(".xml"))


def test_whatever_a_subject_teacher_asks_for_no_value_of_another_subject_is_in_the_answer(served: World) -> None:
    markers = (*SECRET, *OTHER_SUBJECT)
    everything = answers(served, served.visitors["teacher"])
    assert sum(any(value in text for value in SECRET) for text in everything.values()) > 15
    shown = {where: text for where, text in everything.items() if any(marker in text for marker in markers)}
    assert {where.partition("?")[0] for where in shown} == {*PAGES, *CALLBACKS, "own", "csv", "html", "xlsx"}
    limited = answers(served, served.visitors["subject_teacher"])
    leaked = [(where, marker) for where, text in limited.items() for marker in markers if marker in text]
    assert [(where, marker) for where, marker in leaked if quote(marker) not in where] == []  # a page repeats filters
    own = {where for where, text in limited.items() if "Week 47" in text}
    assert {"own", "csv", "html", "xlsx", f"{PAGES[6]}?{HOSTILE[0]}"} <= own
    assert "U ziet de resultaten van het vak dat u geeft: Spelling." in limited["own"]


@contextmanager
def without(served: World, table: Table, *chosen: ColumnElement[bool]) -> Iterator[int]:
    """A store without these rows of the school, as long as it lasts; how many they are."""
    own = (table.c.school_id == school.SCHOOL, *chosen)
    with database.write_transaction(served.store.engine, school.SCHOOL) as connection:
        rows = [dict(row._mapping) for row in connection.execute(select(table).where(*own))]
        connection.execute(delete(table).where(*own))
    try:
        yield len(rows)
    finally:
        with database.write_transaction(served.store.engine, school.SCHOOL) as connection:
            connection.execute(insert(table), rows)


def screens(served: World, visitor: Visitor) -> dict[str, str]:
    """What a visitor gets for a class, on all pages and by all callbacks, without what differs by request."""
    probes = Probes(served)
    queries = ("klas=1-1", "klas=1-1,1-2&periode=tweejaar&weergave=materiaal")
    found = {f"{path}?{query}": visitor.page(path, f"?{query}").text for path in PAGES for query in queries}
    found |= {f"{name} {place}": visitor.call(probes.body(name, place)).text for name in CALLBACKS for place in PLACES}
    return {where: re.sub(r"[0-9a-f]{8}-[\w-]{16}\.", "TOKEN.", text) for where, text in found.items()}  # of a file


def test_every_answer_is_the_same_whether_or_not_there_is_anything_of_other_subjects(served: World) -> None:
    visitor, teacher = served.visitors["subject_teacher"], served.visitors["teacher"]
    seen, of_teacher = screens(served, visitor), screens(served, teacher)
    with (
        without(served, tables.results, tables.results.c.definition_id.not_in([3, 4])) as results,
        without(served, tables.goals, tables.goals.c.subject != "spelling") as goals,
        without(served, tables.due_dates, tables.due_dates.c.test_id != 3) as dates,
        without(served, tables.test_definitions, tables.test_definitions.c.id.not_in([3, 4])) as tests,
    ):
        assert min(results, goals, dates, tests) > 0
        assert screens(served, visitor) == seen
        after = screens(served, teacher)
    assert sum(text != of_teacher[where] for where, text in after.items()) > len(seen) / 2


def given(served: World, roles: str) -> None:
    """Change what the roster says of the subject teacher's link to the class."""
    links = tables.teacher_groups
    own = (links.c.school_id == school.SCHOOL, links.c.teacher_id == SUBJECT_TEACHER, links.c.group_id == 1)
    with database.write_transaction(served.store.engine) as connection:
        connection.execute(update(links).where(*own).values(roles=roles))


def test_without_a_known_subject_names_are_seen_until_an_administrator_sets_one(served: World) -> None:
    sam, visitor = served.visitors["administrator"], served.visitors["subject_teacher"]
    before = visitor.page("/groep", "?klas=1-1").text
    given(served, "VAK")
    for path in PAGES:
        text = visitor.page(path, "?klas=1-1").text
        assert UNKNOWN in text, path
        assert path in (addresses.BOARD, addresses.SIGNALS, "/leermiddelen") or "Bouzid" in text, path
        assert not any(word in text for word in ("Week 46", "Week 47", *SECRET, *OTHER_SUBJECT)), path
    assert visitor.get(linked_file(before)).status == 303  # of a screen that showed a subject
    assert "Van 1 leraar is geen vak bekend" in sam.page("/accounts").text
    assert "groep 6a (de naam, geen resultaten)" in sam.page("/inzage", "?leerling=1-1").text
    form = {"leraar": str(SUBJECT_TEACHER), "vak": "spelling"}
    assert sam.post("/accounts/vak", **form).status == 303
    page = sam.page("/accounts").text
    assert "Het vak is ingevuld." in page
    assert "is geen vak bekend" not in page
    shown = visitor.page("/groep", "?klas=1-1").text
    assert "Week 47" in shown
    assert UNKNOWN not in shown
    assert "groep 6a (Spelling)" in sam.page("/inzage", "?leerling=1-1").text
    assert sam.post("/accounts/vak/weg", weg=f"{SUBJECT_TEACHER} spelling").status == 303
    assert UNKNOWN in visitor.page("/groep", "?klas=1-1").text
    for odd in ({"leraar": "999", "vak": "spelling"}, {"leraar": str(SUBJECT_TEACHER), "vak": "unmapped"}, {}):
        sam.post("/accounts/vak", **odd)
        assert "Kies een leraar en een vak. Er is niets veranderd." in sam.page("/accounts").text
    log = open_audit(served.store.engine, served.store.cipher).month(BOSSES["own"], "2026-11", 50)
    events = [entry.event for entry in log]
    assert Administered("taught subject set", SUBJECT_TEACHER) in events
    assert Administered("taught subject removed", SUBJECT_TEACHER) in events
    given(served, "VAK,docent spelling")


def test_of_a_test_that_an_administrator_assigns_to_another_subject_no_kept_screen_gives_a_file(served: World) -> None:
    visitor = served.visitors["subject_teacher"]
    file = linked_file(visitor.page("/groep", "?klas=1-1").text)
    assert visitor.get(file).status == 200
    for change, status in ((map_subject, 303), (unmap_subject, 200)):
        with database.write_transaction(served.store.engine, school.SCHOOL) as connection:
            line = (connection, BOSSES["own"], school.SPELL, CODE, "*")
            change(*line, *(["writing"] if change is map_subject else []))
        assert visitor.get(file).status == status
        assert ("Week 47" in visitor.page("/groep", "?klas=1-1").text) is (status == 200)


def test_a_school_can_be_marked_and_what_a_mentor_or_stand_in_sees_stays_whole(served: World) -> None:
    sam, teacher, visitor = (served.visitors[role] for role in ("administrator", "teacher", "subject_teacher"))
    assert any(value in teacher.page("/groep", "?klas=1-1").text for value in SECRET)
    sam.post("/accounts/vakschool", aan="ja")
    assert UNKNOWN in teacher.page("/groep", "?klas=1-1").text  # whose link says nothing
    assert any(value in served.visitors["stand_in"].page("/groep", "?klas=1-1").text for value in SECRET)
    sam.post("/accounts/vakschool", aan="")
    assert any(value in teacher.page("/groep", "?klas=1-1").text for value in SECRET)
    # Mentor of the other class, which one pupil of this class is in too: that class and pupil are seen whole.
    of_school = {"school_id": school.SCHOOL, "group_id": 2, "from_us": 1}
    with database.write_transaction(served.store.engine) as connection:
        link = {"teacher_id": SUBJECT_TEACHER, "roles": "mentor", **of_school}
        connection.execute(insert(tables.teacher_groups).values(**link))
        connection.execute(insert(tables.memberships).values(pupil_id=1, **of_school))
    assert "Van 11 leerlingen ziet u alleen" in (page := visitor.page("/groep", "?klas=1-1").text)
    assert "niet uw vak" in page  # in a column that only one pupil has anything in
    assert any(value in visitor.page("/groep", "?klas=1-2").text for value in SECRET)
    assert any(value in visitor.page("/leerling/1-1").text for value in SECRET)
    other = visitor.page("/leerling/1-2").text
    assert "van der Laan" in other
    assert not any(word in other for word in (*SECRET, *OTHER_SUBJECT))
    materials = visitor.page("/leermiddelen").text
    assert "Van sommige groepen ziet u alleen het vak dat u geeft. 6a: Spelling." in materials
    with database.write_transaction(served.store.engine) as connection:
        for table in (tables.teacher_groups, tables.memberships):
            connection.execute(table.delete().where(table.c.group_id == 2, table.c.from_us == 1))


def test_a_school_leader_reads_results_while_the_school_says_so_and_changes_nothing(served: World) -> None:
    sam, leader, iris = (served.visitors[role] for role in ("administrator", "leader", "support"))
    iris.post("/leerling/notitie/1", soort="note", tekst="Alleen voor leraren")
    callback = Probes(served).body("group-content", "own")
    assert "Bouzid" not in leader.page("/groep", "?klas=1-1").text
    assert "Schoolleiders lezen alleen cijfers." in sam.page("/accounts").text
    assert "schoolleider" not in iris.page("/inzage", "?leerling=1-1").text
    sam.post("/accounts/schoolleiders", aan="ja")
    page = leader.page("/groep", "?klas=1-1").text
    assert "Bouzid" in page
    assert leader.get(linked_file(page)).status == 200
    assert "schoolleider" in iris.page("/inzage", "?leerling=1-1").text
    pupil = leader.page("/leerling/1-1").text + leader.page(addresses.HANDOVER, "?klas=1-1").text
    assert any(value in pupil for value in SECRET)
    assert not any(word in pupil for word in ("Alleen voor leraren", "Notitie", "Doel opslaan", "Gezien"))
    before = served.compared()
    leader.post("/leerling/notitie/1", soort="note", tekst="Van de leiding")
    leader.post("/leerling/doel/1", materiaal=school.SPELL_FIELD.key, waarde="80")
    leader.post("/signalen/afhandelen", opdracht=Probes(served).order("own"))
    assert served.compared() == before
    sam.post("/accounts/schoolleiders", aan="")
    assert "Bouzid" not in leader.call(callback).text  # of the page that was open
    assert leader.get(linked_file(page)).status == 303
    assert "Bouzid" not in leader.page("/groep", "?klas=1-1").text
    assert "schoolleider" not in iris.page("/inzage", "?leerling=1-1").text
    log = open_audit(served.store.engine, served.store.cipher).month(
        Viewer(school.SCHOOL, Role.ADMINISTRATOR), "2026-11", 50
    )
    events = [entry.event for entry in log if entry.user_name == "Account administrator"]
    assert {Administered("leaders read results", 0), Administered("leaders read figures", 0)} <= set(events)
