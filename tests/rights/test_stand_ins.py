"""Who stands in for a class sees it until the end of the last day, by the clock of each request."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from models.access.audit import Administered, open_audit
from models.access.viewer import Role, Viewer
from models.schema import clock, database, tables
from models.schema.store_key import open_encrypted
from tests.conftest import Store
from tests.dashboard import school
from tests.rights.probes import Probes
from tests.rights.visitors import WIL, World, linked_file, name_of, world

ROLES = ["stand_in", "teacher", "support", "administrator"]
EVENING = school.NOW.replace(hour=23, minute=58)
NIGHT = EVENING + timedelta(minutes=3)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The school behind one server for all tests; a stand-in has class 6a today."""
    folder = tmp_path_factory.mktemp("standing-in")
    engine = database.open_engine(database.sqlite_url(folder))
    with world(Store(engine, open_encrypted(engine, folder)), ROLES) as made:
        yield made
    engine.dispose()


def role_ids(served: World) -> dict[str, int]:
    """The number of the role of each visitor."""
    roles, accounts = tables.account_roles.c, tables.accounts.c
    query = select(accounts.name, roles.id).join(tables.accounts, accounts.id == roles.account_id).order_by(roles.id)
    with database.read_transaction(served.store.engine) as connection:
        by_name = {row.name: row.id for row in connection.execute(query)}
    return {role: by_name[name_of(role)] for role in [*ROLES, WIL]}


def test_an_administrator_gives_and_ends_a_class_and_that_is_in_the_log(served: World) -> None:
    sam, teacher = served.visitors["administrator"], served.visitors["teacher"]
    assert "Veldkamp" not in teacher.page("/groep", "?klas=1-2").text
    assert "Anne Auteur · leraar" in sam.page("/accounts").text  # among who can be given a class
    form = {"wie": str(role_ids(served)["teacher"]), "groep": "2", "tot": "4-12-2026"}
    assert sam.post("/accounts/invallen", **form).status == 303
    shown = sam.page("/accounts").text
    assert "Opgeslagen. Vanaf de dag erna is de groep niet meer te zien." in shown
    assert "4 dec 2026" in shown
    classes = teacher.page("/groep", "?klas=1-2").text
    assert "Veldkamp" in classes
    assert "Bouzid" in teacher.page("/groep", "?klas=1-1").text  # their own class stays
    review = served.visitors["support"].page("/inzage", "?leerling=1-101").text
    assert "Anne Auteur" in review
    assert "4 dec 2026" in review
    given = served.scalar(select(func.max(tables.stand_ins.c.id)))
    assert sam.post("/accounts/invallen/einde", nummer=str(given)).status == 303
    assert "Veldkamp" not in teacher.page("/groep", "?klas=1-2").text
    assert "Anne Auteur" not in served.visitors["support"].page("/inzage", "?leerling=1-101").text
    log = open_audit(served.store.engine, served.store.cipher)
    entries = log.month(Viewer(school.SCHOOL, Role.ADMINISTRATOR), "2026-11", 50)
    events = [entry.event for entry in entries if entry.user_name == "Account administrator"]
    assert Administered("stand-in given", given) in events
    assert Administered("stand-in ended", given) in events


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"tot": "25-11-2026"}, "Typ de laatste dag"), ({"tot": "1-8-2027"}, "Typ de laatste dag"),
        ({"tot": ""}, "Typ de laatste dag"), ({"tot": "31-2-2027"}, "Typ de laatste dag"),
        ({"groep": "3"}, "Kies een groep"), ({"groep": "x"}, "Kies een groep"),
        ({"wie": "999"}, "Kies wie er invalt"), ({"wie": "support"}, "Kies wie er invalt"),
        ({"wie": "elsewhere"}, "Kies wie er invalt"),
    ],
)  # fmt: skip
def test_what_cannot_be_given_is_said_and_changes_nothing(
    served: World, changed: dict[str, str], sentence: str
) -> None:
    roles = role_ids(served)
    form = {"wie": str(roles["stand_in"]), "groep": "2", "tot": "27-11-2026", **changed}
    form["wie"] = str(roles.get(form["wie"], form["wie"]))
    before = served.compared()
    assert served.visitors["administrator"].post("/accounts/invallen", **form).status == 303
    assert sentence in served.visitors["administrator"].page("/accounts").text
    assert served.compared() == before


def test_what_a_stand_in_sees_ends_with_the_last_day_in_the_same_session(served: World) -> None:
    visitor, probes = served.visitors["stand_in"], Probes(served)
    with clock.fixed(EVENING):  # too long after the others signed in: they are signed out
        served.sign_in("stand_in")
        page = visitor.page("/groep").text
        assert "Bouzid" in page
        assert "Veldkamp" not in visitor.page("/groep", "?klas=1-2").text
        assert "Bouzid" in visitor.get(linked_file(page)).text
    with clock.fixed(NIGHT):
        before = served.compared()
        for path in ("/", "/groep", "/leerlingen", "/leerlingen/overdracht", "/signalen", "/leermiddelen",
                     "/leerling/1-1", "/gesprek/1-1", "/digibord"):  # fmt: skip
            answer = visitor.page(path)
            assert answer.status == 200, path
            assert not any(word in answer.text for word in ("Bouzid", "Cijferpad", "6a")), path
        for name in ("group-content", "why-told", "lanes", "parts", "number-told", "signals-content"):
            assert not any(word in visitor.call(probes.body(name, "own")).text for word in ("Bouzid", "Cijferpad")), (
                name
            )
        assert visitor.get(linked_file(page)).status == 303
        visitor.post("/leerling/notitie/1", soort="note", tekst="Na afloop")
        assert served.compared() == before
