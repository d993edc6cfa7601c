"""The page of a pupil and of a parent: what it shows and what it never shows, from the invitation to the last day."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import flask
import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select, update

from dashboard.auth.request import COOKIE
from dashboard.auth.sessions import Entry
from models.access import accounts
from models.access.audit import Administered, Looked, audit_events
from models.access.viewer import Role
from models.classroom.goals import set_goal
from models.classroom.notes import NoteKind, Readers, write_note
from models.ingest import erasure
from models.schema import clock, database, tables
from models.schema.tables import account_roles, invitations, memberships, pupils
from tests.conftest import Store
from tests.dashboard import school
from tests.dashboard.conftest import PERSONAS
from tests.dashboard.test_web import HERE, OWN, as_persona, shown_page

AISHA, HIDDE, KYRA, MILA = 1, 8, 11, 101
PAGE = "/mijn-resultaten"
HANNA = PERSONAS[0].viewer
NOTE, AGREEMENT, OF_TEACHERS = "Slaapt slecht.", "Elke dag tien minuten lezen.", "Moeder bellen."


def post(client: FlaskClient, path: str, **form: str) -> int:
    """Send a form as a page does."""
    return client.post(path, data=form, base_url=HERE, headers=OWN).status_code


@pytest.fixture
def on(web: flask.Flask) -> flask.Flask:
    """The web app, where an administrator switched the page on."""
    assert post(as_persona(web, "sam"), "/accounts/leerlingpagina", aan="ja") == 303
    return web


def signed_in(app: flask.Flask, role: str, pupil_id: int = AISHA) -> FlaskClient:
    """A browser of somebody whom the administrator invited, who signed in at a provider and came in."""
    sam = as_persona(app, "sam")
    form = {"naam": f"Iemand {role}", "rol": role, "leraar": "", "mail": "", "leerling": str(pupil_id)}
    assert post(sam, "/accounts", **form) == 303
    code = re.search(r"/uitnodiging/([\w-]{43})", shown_page(sam, "/accounts"))
    assert code is not None
    context = app.extensions["rondblik"]
    with database.write_transaction(context.engine) as connection:
        invitation = accounts.find_invitation(connection, code[1])
        assert invitation is not None
        subject = f"{role} {pupil_id}"
        account_id = accounts.signed_in(connection, context.cipher, "https://x.example", subject, "Ouder van iemand")
        assert accounts.accept(connection, account_id, invitation)
        role_id = accounts.roles_of(connection, account_id)[-1].id
    client = app.test_client()
    client.set_cookie(COOKIE, context.sessions.start(Entry.of_account(account_id, role_id)), domain="localhost")
    client.get("/", base_url=HERE, headers=OWN)  # the page says for whom it was made
    return client


def seen(client: FlaskClient) -> str:
    """What the page shows."""
    return shown_page(client, PAGE)


# -- what it shows -----------------------------------------------------------------------------------------------


def test_a_pupil_reads_own_scores_as_they_were_sent_and_what_was_worked_through(on: flask.Flask) -> None:
    page = seen(signed_in(on, "pupil"))
    assert "Hallo Aïsha" in page
    for words in ("Rekenen", "Cijferpad groep 6", "13 nov 2026", "58", "76", "Spelling", "71,5", "40 van 40 opgaven"):
        assert words in page, words
    assert "vaardigheidsscore 212" in page
    assert "opgeteld uit de onderdelen" in page  # of the questions nobody sent a total
    assert '"title": "Mijn resultaten – Rondblik"' in page


def test_a_zero_is_a_score_and_missing_is_none(on: flask.Flask) -> None:
    jonas, kyra = seen(signed_in(on, "pupil", 10)), seen(signed_in(on, "pupil", KYRA))
    assert re.search(r'"children": "0"', jonas)
    assert "Er is geen score." not in jonas
    assert "Er is geen score." in kyra
    assert not re.search(r'"children": "0"', kyra)


@pytest.mark.parametrize("role", ["pupil", "parent"])
def test_it_names_nobody_else_and_compares_with_nobody(on: flask.Flask, role: str) -> None:
    page = seen(signed_in(on, role))
    others = [word for first, _prefix, last in (*school.NAMES[1:], *school.NAMES_B) for word in (first, last)]
    assert [name for name in others if name in page] == []
    never = ("onvoldoende", "voldoende", "hoogste niveau", "Niveau", "niveau", "1F", "norm", "Groei", "stijgt", "daalt",
             "gemiddeld", "groep 6a", "Vraagt aandacht", "Signaal", "signaal", "Notitie", "notitie")  # fmt: skip
    assert [word for word in never if word in page] == []


def test_goals_and_agreements_that_are_for_the_pupil_are_there_and_no_others(
    on: flask.Flask, known_school: Store
) -> None:
    hanna, cipher = as_persona(on, "hanna"), known_school.cipher
    agreement = {"soort": "agreement", "tekst": AGREEMENT, "voor": "leerling", "dag": "18-12-2026"}
    assert "Ook de leerling en de ouders" in shown_page(hanna, "/leerling/1-1")
    assert post(hanna, "/leerling/notitie/1", **agreement) == 303
    assert post(hanna, "/leerling/notitie/1", soort="note", tekst=NOTE, voor="leerling") == 303
    assert "nooit een notitie" in shown_page(hanna, "/leerling/1-1")
    assert "ook voor de leerling en de ouders" in shown_page(hanna, "/leerling/1-1")
    with database.write_transaction(known_school.engine, school.SCHOOL) as connection:
        set_goal(connection, HANNA, AISHA, school.SUMS_FIELD, 800_000, "2027-02-01")
        set_goal(connection, HANNA, HIDDE, school.SUMS_FIELD, 910_000)
        write_note(connection, cipher, HANNA, AISHA, NoteKind.NOTE, NOTE)
        for readers in (Readers.TEACHERS, Readers.RESTRICTED):
            write_note(connection, cipher, HANNA, AISHA, NoteKind.AGREEMENT, OF_TEACHERS, readers=readers)
        settled = write_note(connection, cipher, HANNA, AISHA, NoteKind.AGREEMENT, "Af.", readers=Readers.PUPIL)
    assert post(hanna, "/leerling/notitie/1", klaar=str(settled)) == 303
    for role in ("pupil", "parent"):
        page = seen(signed_in(on, role))
        for words in (AGREEMENT, "18 dec 2026", "Cijferpad groep 6): 80.", "1 feb 2027"):
            assert words in page, words
        assert [words for words in (NOTE, OF_TEACHERS, "Af.", "91") if words in page] == []


def test_a_parent_sees_the_page_of_the_child_in_both_languages(on: flask.Flask) -> None:
    parent = signed_in(on, "parent")
    page = seen(parent)
    assert "Resultaten van Aïsha" in page
    assert "vaardigheidsscore 212" in page
    parent.set_cookie("taal", "en", domain="localhost")
    assert "Results of Aïsha" in seen(parent)


# -- when it is there ----------------------------------------------------------------------------------------------


def test_it_is_off_until_an_administrator_switches_it_on_and_that_is_in_the_log(web: flask.Flask) -> None:
    sam, hanna = as_persona(web, "sam"), as_persona(web, "hanna")
    page = shown_page(sam, "/accounts")
    assert "leerlingen en ouders zien niets" in page
    assert "invite-pupil" not in page
    assert post(sam, "/accounts", naam="Kind", rol="pupil", leerling="1") == 303
    assert "Kies een rol" in shown_page(sam, "/accounts")
    assert post(hanna, "/accounts/leerlingpagina", aan="ja") == 403
    assert "leerlingen en ouders zien niets" in shown_page(sam, "/accounts")
    assert post(sam, "/accounts/leerlingpagina", aan="ja") == 303
    assert "De pagina staat aan." in shown_page(sam, "/accounts")
    assert "Ook de leerling" in shown_page(hanna, "/leerling/1-1")
    assert post(sam, "/accounts/leerlingpagina", aan="") == 303
    events = [entry.event for entry in web.extensions["rondblik"].audit.month(PERSONAS[3].viewer, "2026-11", 50)]
    assert [event for event in events if isinstance(event, Administered)] == [
        Administered("own page hidden", 0), Administered("own page shown", 0),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "changed", [{"leerling": ""}, {"leerling": "999"}, {"rol": "support"}, {"leerling": "1", "leraar": "1"}]
)
def test_an_invitation_links_a_pupil_or_parent_to_one_pupil_of_the_school(
    on: flask.Flask, known_school: Store, changed: dict[str, str]
) -> None:
    sam = as_persona(on, "sam")
    assert post(sam, "/accounts", **{"naam": "Kind", "rol": "parent", "leraar": "", "leerling": "1", **changed}) == 303
    page = shown_page(sam, "/accounts")
    assert "hoort bij één leerling" in page or "staat in de leerlinglijst" in page
    with database.read_transaction(known_school.engine) as connection:
        assert connection.scalar(select(func.count()).select_from(invitations)) == 0


def switch_off(app: flask.Flask, _store: Store) -> None:
    post(as_persona(app, "sam"), "/accounts/leerlingpagina", aan="")


def end_account(app: flask.Flask, store: Store) -> None:
    with database.read_transaction(store.engine) as connection:
        role_id = connection.scalar(select(func.max(account_roles.c.id)))
    assert post(as_persona(app, "sam"), "/accounts/einde", nummer=str(role_id)) == 303


def leave(_app: flask.Flask, store: Store) -> None:
    yesterday = (school.NOW - timedelta(days=1)).date().isoformat()
    with database.write_transaction(store.engine) as connection:
        connection.execute(update(pupils).where(pupils.c.id == AISHA).values(left_on=yesterday))


def take_off_the_list(_app: flask.Flask, store: Store) -> None:
    with database.write_transaction(store.engine) as connection:
        connection.execute(update(memberships).where(memberships.c.pupil_id == AISHA).values(to_us=clock.now_us()))


@pytest.mark.parametrize(
    ("role", "end", "sentence"),
    [
        ("pupil", switch_off, "niet aangezet"), ("parent", switch_off, "niet aangezet"), ("parent", end_account, ""),
        ("pupil", leave, "gestopt"), ("parent", take_off_the_list, "gestopt"),
    ],
)  # fmt: skip
def test_what_ends_it_holds_from_the_next_request_on(
    on: flask.Flask, known_school: Store, role: str, end: Callable[[Any, Any], None], sentence: str
) -> None:
    client = signed_in(on, role)
    assert "Cijferpad" in seen(client)
    end(on, known_school)
    if end is end_account:
        answer = client.get(PAGE, base_url=HERE, headers=OWN)
        assert (answer.status_code, answer.headers["Location"]) == (302, "/rol")
        return
    page = seen(client)
    assert sentence in page
    assert [words for words in ("Cijferpad", "Aïsha", "58") if words in page] == []


def test_a_new_school_year_shows_nothing_before_its_pupil_list(on: flask.Flask) -> None:
    last_day = school.NOW.replace(year=2027, month=7, day=31)
    for now, is_there in ((last_day, True), (last_day + timedelta(days=1), False)):
        with clock.fixed(now):  # whoever signed in before is signed out by then
            page = seen(signed_in(on, "pupil"))
        assert ("Cijferpad" in page, "gestopt" in page) == (is_there, not is_there), now


# -- nothing else --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["pupil", "parent"])
def test_no_address_shows_another_pupil(on: flask.Flask, role: str) -> None:
    client = signed_in(on, role)
    for query in ("leerling=1-101", "leerling=101", "pupil_id=101", "klas=1-2"):
        page = shown_page(client, PAGE, f"?{query}")
        assert "Mila" not in page
    for path in ("/leerling/1-1", "/leerling/1-101", "/gesprek/1-1", "/groep", "/leerlingen", "/inzage"):
        page = shown_page(client, path)
        assert [words for words in ("Bouzid", "Mila", "Prins", "Cijferpad") if words in page] == [], path


def test_who_looked_is_in_the_log_by_role_and_by_no_name(on: flask.Flask, known_school: Store) -> None:
    for role in ("pupil", "parent"):
        seen(signed_in(on, role))
    log = on.extensions["rondblik"].audit
    entries = [entry for entry in log.about_pupil(PERSONAS[3].viewer, AISHA, 50) if isinstance(entry.event, Looked)]
    assert [(entry.role, entry.event, entry.user_name) for entry in entries] == [
        ("parent", Looked("own results", (AISHA,)), ""), ("pupil", Looked("own results", (AISHA,)), ""),
    ]  # fmt: skip
    review = shown_page(as_persona(on, "iris"), "/inzage", "?leerling=1-1")
    for words in ("ouder (account-", "leerling (account-", "Pagina met eigen resultaten", "deze leerling"):
        assert words in review, words
    assert "deze leerling" not in shown_page(as_persona(on, "iris"), "/inzage", "?leerling=1-2")
    with database.read_transaction(log.engine) as connection:
        assert "Ouder van iemand" not in str(connection.execute(select(audit_events)).all())


def test_a_parent_of_two_children_chooses_one_by_name(on: flask.Flask, known_school: Store) -> None:
    client = signed_in(on, "parent")
    with database.write_transaction(known_school.engine) as connection:
        invited = accounts.Invited("Ouder", Role.PARENT, pupil_id=HIDDE)
        code = accounts.invite(connection, known_school.cipher, PERSONAS[3].viewer, invited)
        invitation = accounts.find_invitation(connection, code)
        assert invitation is not None
        assert accounts.accept(connection, 1, invitation)
        assert not accounts.accept(connection, 1, invitation)  # it works once
        second = accounts.roles_of(connection, 1)[-1].id
    roles = client.get("/rol", base_url=HERE, headers=OWN).text
    assert "ouder van Aïsha · De Wissel" in roles
    assert "ouder van Hidde · De Wissel" in roles
    assert "Resultaten van Aïsha" in seen(client)
    assert post(client, "/rol", rol=str(second)) == 303
    assert "Resultaten van Hidde" in seen(client)


def test_whoever_is_erased_is_signed_out_and_their_account_has_no_name(
    on: flask.Flask, known_school: Store, tmp_path: Path
) -> None:
    client = signed_in(on, "pupil")
    with database.read_transaction(known_school.engine) as connection:
        person = erasure.find_pupil(connection, known_school.cipher, school.SCHOOL, AISHA)
    counts = erasure.erase(known_school.engine, known_school.cipher, person, tmp_path).counts
    assert (counts["account_roles"], counts["accounts"], counts["invitations"]) == (1, 1, 1)
    assert client.get(PAGE, base_url=HERE, headers=OWN).status_code == 401
    with database.read_transaction(known_school.engine) as connection:
        assert [row.name for row in connection.execute(select(tables.accounts))] == [""]


def test_a_pupil_is_invited_from_a_class_and_the_page_of_accounts_lists_no_others(on: flask.Flask) -> None:
    sam = as_persona(on, "sam")
    page = shown_page(sam, "/accounts")
    assert "Kies eerst een groep." in page
    assert not [last for _first, _prefix, last in (*school.NAMES, *school.NAMES_B) if last in page]
    of_class = shown_page(sam, "/accounts", f"?klas=1-{school.CLASS_B}")
    assert all(last in of_class for _first, _prefix, last in school.NAMES_B)
    assert not [last for _first, _prefix, last in school.NAMES if last in of_class]
    assert "pupil-invitation" in of_class
    assert "pupil-invitation" not in shown_page(sam, "/accounts", f"?klas=2-{school.CLASS_ELSEWHERE}")
    form = {"naam": "Ouder van Mila", "rol": "parent", "leerling": str(MILA), "mail": ""}  # as the form sends it
    assert post(sam, "/accounts", **form) == 303
    assert "Ouder van Mila" in shown_page(sam, "/accounts")
