"""The page for the rights of a pupil: learning support saves all data, an administrator has them erased."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path

import flask
import lxml.html
import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from dashboard.auth.request import AppOptions
from dashboard.server.sign_in import SignIn
from dashboard.server.wsgi import create_app
from dashboard.worker.context import WorkContext
from dashboard.worker.loop import do, work_once
from models.access import accounts
from models.access.audit import Administered, Exported, open_audit
from models.access.viewer import Viewer
from models.ingest import erased, work_queue
from models.ingest.erasure import repeat_erasures
from models.ingest.legal_holds import place_hold
from models.schema import clock, database
from models.schema.tables import classes, memberships, pupils, results
from tests.conftest import Store
from tests.dashboard import school
from tests.dashboard.conftest import PERSONAS
from tests.dashboard.test_own_page import post
from tests.dashboard.test_schools_overview import browser
from tests.dashboard.test_web import HERE, OWN, as_persona, shown_page

AISHA, NAME = 1, "Aïsha Bouzid"
PAGE, PUPIL_PAGE = "/leerlinggegevens", "?leerling=1-1"
SAM = PERSONAS[3].viewer


def count_of(store: Store, pupil_id: int = AISHA) -> tuple[int, int]:
    """How many pupils there are with this number, and results in all."""
    with database.read_transaction(store.engine) as connection:
        own = pupils.c.school_id == school.SCHOOL, pupils.c.id == pupil_id
        known = connection.scalar(select(func.count()).select_from(pupils).where(*own))
        return known or 0, connection.scalar(select(func.count()).select_from(results)) or 0


def work(store: Store, folder: Path) -> None:
    """Have a worker do what is asked for."""
    while work_once(WorkContext(store.engine, store.cipher, data=folder)):
        pass


def counted(client: FlaskClient, store: Store, folder: Path) -> str:
    """The address of the page that says what erasing the pupil deletes."""
    answer = client.post(f"{PAGE}/tellen/{AISHA}", base_url=HERE, headers=OWN)
    assert answer.status_code == 303
    assert "Een ogenblik" in shown_page(client, answer.headers["Location"])
    work(store, folder)
    return answer.headers["Location"]


def audited(store: Store, viewer: Viewer = SAM) -> list[object]:
    """What was recorded about the pupil, newest first."""
    return [entry.event for entry in open_audit(store.engine, store.cipher).about_pupil(viewer, AISHA, 9)]


# -- choosing ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["sam", "iris"])
def test_a_pupil_is_chosen_from_a_class(web: flask.Flask, known_school: Store, key: str) -> None:
    client = as_persona(web, key)
    first = shown_page(client, PAGE)
    assert "Groep 6a" in first
    assert "Bouzid" not in first
    of_class = shown_page(client, PAGE, f"?klas=1-{school.CLASS_A}")
    assert NAME in of_class
    assert "Mila" not in of_class
    assert f"{PAGE}{PUPIL_PAGE}" in of_class
    assert NAME in shown_page(client, PAGE, PUPIL_PAGE)


def test_each_pupil_of_the_school_is_in_a_class_or_among_those_without(web: flask.Flask, known_school: Store) -> None:
    with database.write_transaction(known_school.engine, school.SCHOOL) as connection:
        connection.execute(memberships.delete().where(memberships.c.pupil_id == AISHA))
    client = as_persona(web, "sam")
    with database.read_transaction(known_school.engine) as connection:
        class_ids = connection.scalars(select(classes.c.id).where(classes.c.school_id == school.SCHOOL)).all()
        wanted = set(connection.scalars(select(pupils.c.id).where(pupils.c.school_id == school.SCHOOL)))
    shown = [shown_page(client, PAGE, f"?klas={item}") for item in ("geen", *(f"1-{one}" for one in class_ids))]
    listed = [{int(one) for one in re.findall(r"leerling=1-(\d+)", text)} for text in shown]
    assert AISHA in listed[0]
    assert not any(AISHA in of_class for of_class in listed[1:])
    assert set().union(*listed) == wanted


# -- saving ------------------------------------------------------------------------------------------------------


def test_learning_support_saves_everything_and_that_is_recorded(web: flask.Flask, known_school: Store) -> None:
    iris = as_persona(web, "iris")
    page = shown_page(iris, PAGE, PUPIL_PAGE)
    addresses = re.findall(rf"{PAGE}/bestand/1-1\.(?:html|json)", page)
    assert len(set(addresses)) == 2
    assert "Wissen" not in page
    answers = {path: iris.get(path, base_url=HERE, headers=OWN) for path in set(addresses)}
    for path, answer in answers.items():
        assert answer.status_code == 200
        assert answer.headers["Content-Disposition"].startswith('attachment; filename="rondblik-leerling-1.')
        assert answer.headers["Cache-Control"] == "no-store"
        assert path.rpartition(".")[2] in answer.headers["Content-Type"]
    data = json.loads(answers[f"{PAGE}/bestand/1-1.json"].data)
    assert (data["pupil"][0]["first_name"], len(data["results"]) > 3) == ("Aïsha", True)
    assert NAME in lxml.html.fromstring(answers[f"{PAGE}/bestand/1-1.html"].data).text_content()
    recorded = {Exported("whole file", kind, (AISHA,)) for kind in ("html", "json")}
    assert recorded <= set(audited(known_school))


@pytest.mark.parametrize(
    ("key", "path", "status"),
    [
        ("sam", "1-1.json", 403), ("hanna", "1-1.json", 403), ("marjan", "1-1.html", 403), ("iris", "2-1.json", 404),
        ("iris", "999.json", 404), ("iris", "1-1.csv", 404), ("iris", "x.json", 404),
    ],
)  # fmt: skip
def test_nobody_else_saves_it_nor_of_who_is_not_there(
    web: flask.Flask, known_school: Store, key: str, path: str, status: int
) -> None:
    answer = as_persona(web, key).get(f"{PAGE}/bestand/{path}", base_url=HERE, headers=OWN)
    assert answer.status_code == status
    assert "Bouzid" not in answer.text
    assert audited(known_school) == []


# -- erasing -----------------------------------------------------------------------------------------------------


def test_an_administrator_sees_what_goes_types_the_name_and_saves_a_certificate(
    web: flask.Flask, known_school: Store, tmp_path: Path
) -> None:
    sam, (_known, results_before) = as_persona(web, "sam"), count_of(known_school)
    assert "Opslaan als" not in shown_page(sam, PAGE, PUPIL_PAGE)
    path = counted(sam, known_school, tmp_path)
    page = shown_page(sam, path)
    assert count_of(known_school) == (1, results_before)
    assert f"Typ de naam van de leerling: {NAME}" in page
    match = re.search(r'"resultaten"[^0-9]+(\d+)', page)
    assert match is not None
    gone = int(match[1])
    wrong = sam.post(path, data={"naam": "Mila Smit"}, base_url=HERE, headers={**OWN, "Accept": "application/json"})
    sentence = "Dit is niet de naam van de leerling. Er is niets gewist."
    assert (wrong.status_code, wrong.json) == (422, {"error": sentence})
    answer = sam.post(path, data={"naam": " aïsha  bouzid "}, base_url=HERE, headers=OWN)
    assert answer.status_code == 303
    work(known_school, tmp_path)
    assert count_of(known_school) == (0, results_before - gone)
    done = shown_page(sam, answer.headers["Location"])
    assert "Leerling 1 is gewist" in done
    assert "Bouzid" not in done
    certificate = re.search(rf"{PAGE}/bewijs/[\w-]+\.html", done)
    assert certificate is not None
    saved = sam.get(certificate[0], base_url=HERE, headers=OWN)
    assert "attachment" in saved.headers["Content-Disposition"]
    text = " ".join(lxml.html.fromstring(saved.data).text_content().split())
    assert f"resultaten{gone}" in text
    assert "Bouzid" not in text
    assert (tmp_path / "erased.jsonl").exists()
    for action in ("erasure asked for", "pupil erased"):
        assert Administered(action, AISHA, (AISHA,)) in audited(known_school)
    again = shown_page(sam, path)  # of the count, whose pupil is gone
    assert "Bouzid" not in again
    assert post(sam, path, naam=NAME) == 404


@pytest.mark.parametrize(
    ("first", "last", "typed"),
    [
        ("Ai\u0308sha", "Bouzid", "A\u00efsha Bouzid"), ("Aïsha", "d'Hondt", "Aïsha d\u2019Hondt"),
        ("<b>Aïsha</b>", "&amp;", "<b>Aïsha</b> &amp;"),
    ],
)  # fmt: skip
def test_a_name_is_typed_as_a_keyboard_spells_it(
    web: flask.Flask, known_school: Store, tmp_path: Path, first: str, last: str, typed: str
) -> None:
    with database.write_transaction(known_school.engine, school.SCHOOL) as connection:
        own = pupils.c.school_id == school.SCHOOL, pupils.c.id == AISHA
        connection.execute(pupils.update().where(*own).values(first_name=first, last_name=last))
    sam = as_persona(web, "sam")
    path = counted(sam, known_school, tmp_path)
    assert f"Nummer {AISHA} in Rondblik" in shown_page(sam, path)
    assert post(sam, path, naam="Bente van der Laan") == 422
    assert post(sam, path, naam=typed) == 303


def test_of_two_confirmations_one_erases_and_the_other_says_that_it_was_done(
    web: flask.Flask, known_school: Store, tmp_path: Path
) -> None:
    sam = as_persona(web, "sam")
    paths = [counted(sam, known_school, tmp_path) for _tab in range(2)]
    asked = [sam.post(path, data={"naam": NAME}, base_url=HERE, headers=OWN).headers["Location"] for path in paths]
    work(known_school, tmp_path)
    done = [shown_page(sam, path) for path in asked]
    assert "Leerling 1 is gewist" in done[0]
    assert "Deze leerling is er niet (meer)" in done[1]
    assert audited(known_school).count(Administered("pupil erased", AISHA, (AISHA,))) == 1


def test_whoever_lost_the_role_before_a_worker_came_erases_nobody(known_school: Store, tmp_path: Path) -> None:
    options = AppOptions(demo=False, users=(), signs_in=True)
    app = create_app(known_school.engine, known_school.cipher, options, sign_in_options=SignIn((), local=True))
    with database.write_transaction(known_school.engine) as connection:
        roles = []
        for name in ("sam", "ali"):
            account_id = accounts.signed_in(connection, known_school.cipher, "https://x.example", name, name)
            accounts.make_administrator(connection, account_id, school.SCHOOL, "test")
            roles += accounts.roles_of(connection, account_id)
    first, second = (Viewer(role.school_id, role.role, name="Beheer", role_id=role.id) for role in roles)
    sam = browser(app, first)
    path = counted(sam, known_school, tmp_path)
    asked = sam.post(path, data={"naam": NAME}, base_url=HERE, headers=OWN).headers["Location"]
    with database.write_transaction(known_school.engine) as connection:
        accounts.end_role(connection, second, first.role_id or 0)
    work(known_school, tmp_path)
    assert count_of(known_school)[0] == 1
    assert "geen beheerder meer" in shown_page(browser(app, second), asked)
    ali = browser(app, second)
    ali.post(counted(ali, known_school, tmp_path), data={"naam": NAME}, base_url=HERE, headers=OWN)
    work(known_school, tmp_path)
    assert count_of(known_school)[0] == 0


def test_a_legal_hold_is_said_before_anything_is_asked(web: flask.Flask, known_school: Store, tmp_path: Path) -> None:
    sam = as_persona(web, "sam")
    path = counted(sam, known_school, tmp_path)
    with database.write_transaction(known_school.engine, school.SCHOOL) as connection:
        place_hold(connection, SAM, AISHA)
    answer = sam.post(path, data={"naam": NAME}, base_url=HERE, headers=OWN)
    work(known_school, tmp_path)
    assert "bewaarplicht" in shown_page(sam, answer.headers["Location"])
    assert "bewaarplicht" in shown_page(sam, counted(sam, known_school, tmp_path))
    assert count_of(known_school)[0] == 1


def test_a_count_is_of_no_other_school_and_no_other_role(web: flask.Flask, known_school: Store, tmp_path: Path) -> None:
    path = counted(as_persona(web, "sam"), known_school, tmp_path)
    for key in ("iris", "hanna", "marjan"):
        client = as_persona(web, key)
        assert "Bouzid" not in shown_page(client, path)
        assert post(client, path, naam=NAME) == 403
        assert post(client, f"{PAGE}/tellen/{AISHA}") == 403
        assert client.get(path.replace("wissen", "bewijs") + ".html", base_url=HERE, headers=OWN).status_code == 404
    sam = as_persona(web, "sam")
    assert post(sam, f"{PAGE}/tellen/999") == 404
    assert post(sam, f"{PAGE}/wissen/{'A' * 22}", naam=NAME) == 404
    assert sam.get(path.replace("wissen", "bewijs") + ".html", base_url=HERE, headers=OWN).status_code == 404
    work(known_school, tmp_path)
    assert count_of(known_school)[0] == 1


def test_an_erasure_that_cannot_be_remembered_erases_nothing_and_is_said(
    web: flask.Flask, known_school: Store, tmp_path: Path
) -> None:
    sam = as_persona(web, "sam")
    path = counted(sam, known_school, tmp_path)
    answer = sam.post(path, data={"naam": NAME}, base_url=HERE, headers=OWN)
    work(known_school, tmp_path / "no folder")
    assert "door een storing bij ons niet gelukt" in shown_page(sam, answer.headers["Location"])
    assert count_of(known_school)[0] == 1
    assert Administered("pupil erased", AISHA, (AISHA,)) not in audited(known_school)


class Killed(BaseException):
    """Ends a worker as a kill would: nothing of it goes on."""


@pytest.mark.parametrize("left_at", ["dashboard.worker.erasures.audit_log", "dashboard.worker.erasures.purge_deleted"])
def test_the_erasure_of_a_worker_that_was_killed_is_finished_by_the_next_with_its_certificate(
    web: flask.Flask, known_school: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left_at: str
) -> None:
    sam = as_persona(web, "sam")
    path = counted(sam, known_school, tmp_path)
    page = sam.post(path, data={"naam": NAME}, base_url=HERE, headers=OWN).headers["Location"]

    def killed(*_arguments: object) -> object:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(left_at, killed)
        with pytest.raises(Killed):
            work(known_school, tmp_path)
    assert count_of(known_school)[0] == 0
    certificate = page.replace("wissen", "bewijs") + ".html"
    assert "wordt gewist" in shown_page(sam, page)
    assert sam.get(certificate, base_url=HERE, headers=OWN).status_code == 404
    with clock.fixed(school.NOW + timedelta(minutes=2)):  # its lease is over
        work(known_school, tmp_path)
        done = shown_page(sam, page)
    assert "Leerling 1 is gewist" in done
    assert "rondblik person purge" not in done
    assert sam.get(certificate, base_url=HERE, headers=OWN).status_code == 200
    assert audited(known_school).count(Administered("pupil erased", AISHA, (AISHA,))) == 1
    with clock.fixed(school.NOW + timedelta(minutes=5)):
        assert not work_once(WorkContext(known_school.engine, known_school.cipher, data=tmp_path))


def test_an_erasure_that_was_killed_as_it_committed_gives_its_certificate_after_the_restart(
    web: flask.Flask, known_school: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sam = as_persona(web, "sam")
    path = counted(sam, known_school, tmp_path)
    page = sam.post(path, data={"naam": NAME}, base_url=HERE, headers=OWN).headers["Location"]
    append = erased.append

    def killed(folder: Path, erasure: erased.Erasure) -> None:
        append(folder, erasure)
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(erased, "append", killed)
        with pytest.raises(Killed):
            work(known_school, tmp_path)
    assert count_of(known_school)[0] == 1  # nothing was committed
    assert repeat_erasures(known_school.engine, known_school.cipher, tmp_path) == 1  # as every start does
    assert count_of(known_school)[0] == 0
    with clock.fixed(school.NOW + timedelta(minutes=2)):
        work(known_school, tmp_path)
        done = shown_page(sam, page)
    assert "Leerling 1 is gewist" in done
    certificate = sam.get(page.replace("wissen", "bewijs") + ".html", base_url=HERE, headers=OWN)
    rows = re.findall(r'<tr><th scope="row">([^<]*)</th><td>(\d+)</td>', certificate.text)
    assert dict(rows)["resultaten"] != "0"
    assert audited(known_school).count(Administered("pupil erased", AISHA, (AISHA,))) == 1


def test_what_fails_after_the_erasure_leaves_a_certificate_that_says_so(
    web: flask.Flask, known_school: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sam = as_persona(web, "sam")
    path = counted(sam, known_school, tmp_path)
    page = sam.post(path, data={"naam": NAME}, base_url=HERE, headers=OWN).headers["Location"]

    def full(_engine: object) -> bool:
        raise OSError("no room")

    monkeypatch.setattr("dashboard.worker.erasures.purge_deleted", full)
    work(known_school, tmp_path)
    done = shown_page(sam, page)
    assert "Leerling 1 is gewist" in done
    assert "rondblik person purge" in done
    assert sam.get(page.replace("wissen", "bewijs") + ".html", base_url=HERE, headers=OWN).status_code == 200


def test_a_worker_that_lost_its_lease_erases_nothing(web: flask.Flask, known_school: Store, tmp_path: Path) -> None:
    sam = as_persona(web, "sam")
    path = counted(sam, known_school, tmp_path)
    page = sam.post(path, data={"naam": NAME}, base_url=HERE, headers=OWN).headers["Location"]
    stale = work_queue.claim(known_school.engine)
    assert stale is not None
    with clock.fixed(school.NOW + timedelta(minutes=2)):
        assert work_queue.claim(known_school.engine) is not None
        do(WorkContext(known_school.engine, known_school.cipher, data=tmp_path), stale)
    assert count_of(known_school)[0] == 1
    assert not (tmp_path / "erased.jsonl").exists()
    assert "wordt gewist" in shown_page(sam, page)
