"""The page of accounts: an administrator invites, withdraws and ends; nobody else sees or changes anything."""

from __future__ import annotations

import re

import flask
import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from dashboard.auth.sessions import Entry
from dashboard.server.sign_in import SignIn
from dashboard.server.wsgi import AppOptions, create_app
from models.access import accounts
from models.access.viewer import AccessDenied, Role, Viewer
from models.schema import database
from models.schema.tables import account_roles, invitations
from tests.conftest import Store
from tests.dashboard import school
from tests.dashboard.conftest import PERSONAS
from tests.dashboard.test_web import HERE, OWN, as_persona, shown_page

SAM, WIL = PERSONAS[3].viewer, Viewer(school.OTHER_SCHOOL, Role.ADMINISTRATOR, None, "Wil Jacobs")
FORM = {"naam": "Hanna Vos", "rol": "teacher", "leraar": str(school.TEACHER_A), "mail": ""}


def post(client: FlaskClient, path: str = "/accounts", **form: str) -> int:
    """Send a form of the page."""
    return client.post(path, data=form, base_url=HERE, headers=OWN).status_code


def given(store: Store, role: Role, by: Viewer = SAM) -> int:
    """The number of a role of a new account."""
    with database.write_transaction(store.engine) as connection:
        count = connection.scalar(select(func.count()).select_from(account_roles)) or 0
        account_id = accounts.signed_in(connection, store.cipher, "https://x.example", f"s{count}", f"Naam {count}")
        teacher_id = school.TEACHER_A if role is Role.TEACHER else None
        code = accounts.invite(connection, store.cipher, by, accounts.Invited("Naam", role, teacher_id))
        invitation = accounts.find_invitation(connection, code)
        assert invitation is not None
        assert accounts.accept(connection, account_id, invitation)
        return accounts.roles_of(connection, account_id)[0].id


def test_an_invitation_has_an_address_that_is_shown_once(web: flask.Flask, known_school: Store) -> None:
    sam = as_persona(web, "sam")
    assert post(sam, **FORM) == 303
    page = shown_page(sam, "/accounts")
    match = re.search(r"http://localhost/uitnodiging/([\w-]{43})", page)
    assert match is not None
    assert "Hanna Vos" in page
    with database.read_transaction(known_school.engine) as connection:
        invitation = accounts.find_invitation(connection, match[1])
        assert invitation is not None
        assert (invitation.role, invitation.teacher_id) == (Role.TEACHER, school.TEACHER_A)
        (row,) = connection.execute(select(invitations)).all()
    assert match[1] not in str(row)
    assert "/uitnodiging/" not in shown_page(sam, "/accounts")
    assert post(sam, "/accounts/intrekken", nummer=str(row.id)) == 303
    assert "Er staat geen uitnodiging open." in shown_page(sam, "/accounts")


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"naam": "a\0b"}, "Vul de naam in"),
        ({"naam": " "}, "Vul de naam in"), ({"naam": "x" * 201}, "Vul de naam in"), ({"rol": "vendor"}, "Kies een rol"),
        ({"rol": "koning"}, "Kies een rol"), ({"leraar": ""}, "staat in de leerlinglijst"),
        ({"leraar": "99"}, "staat in de leerlinglijst"), ({"leraar": "9" * 30}, "staat in de leerlinglijst"),
        ({"mail": "geen adres"}, "geen mailadres"),
    ],
)  # fmt: skip
def test_what_cannot_be_invited_is_said_and_nothing_is_made(
    web: flask.Flask, known_school: Store, changed: dict[str, str], sentence: str
) -> None:
    sam = as_persona(web, "sam")
    assert post(sam, **{**FORM, **changed}) == 303
    page = shown_page(sam, "/accounts")
    assert sentence in page
    assert "Er staat geen uitnodiging open." in page


def test_the_page_and_its_forms_are_for_administrators_alone(web: flask.Flask, known_school: Store) -> None:
    number = given(known_school, Role.SUPPORT)
    for key in ("hanna", "noa"):
        client = as_persona(web, key)
        page = shown_page(client, "/accounts")
        assert "alleen voor beheerders" in page
        assert "Naam 0" not in page
        for path, form in (("/accounts", FORM), ("/accounts/intrekken", {}), ("/accounts/einde", {})):
            assert post(client, path, **{**form, "nummer": str(number)}) == 403
    hanna = PERSONAS[0].viewer
    with database.write_transaction(known_school.engine) as connection:
        for read in (accounts.accounts_of_school, accounts.open_invitations, accounts.teacher_names):
            with pytest.raises(AccessDenied):
                read(connection, hanna)
        with pytest.raises(AccessDenied):
            accounts.end_role(connection, hanna, number)


def test_an_administrator_sees_and_ends_what_is_of_the_own_school_alone(web: flask.Flask, known_school: Store) -> None:
    own, other = given(known_school, Role.SUPPORT), given(known_school, Role.SUPPORT, WIL)
    sam = as_persona(web, "sam")
    page = shown_page(sam, "/accounts")
    assert ("Naam 0" in page, "Naam 1" in page) == (True, False)
    for number in (own, other, 999):
        assert post(sam, "/accounts/einde", nummer=str(number)) == 303
    with database.read_transaction(known_school.engine) as connection:
        ended = dict(connection.execute(select(account_roles.c.id, account_roles.c.ended_by)).all())  # type: ignore[arg-type]
    assert ended == {own: "Sam de Groot", other: None}


def test_an_administrator_signs_somebody_out_in_every_browser(web: flask.Flask, known_school: Store) -> None:
    own, other = given(known_school, Role.SUPPORT), given(known_school, Role.SUPPORT, WIL)
    sessions, browsers = web.extensions["rondblik"].sessions, {}
    with database.read_transaction(known_school.engine) as connection:
        whose = dict(connection.execute(select(account_roles.c.id, account_roles.c.account_id)).all())  # type: ignore[arg-type]
    for role_id in (own, own, other):
        browsers.setdefault(role_id, []).append(sessions.start(Entry.of_account(whose[role_id], role_id)))
    sam = as_persona(web, "sam")
    for number in (other, 999):
        assert post(sam, "/accounts/afmelden", nummer=str(number)) == 303
        assert "Er is niets veranderd." in shown_page(sam, "/accounts")
    assert post(sam, "/accounts/afmelden", nummer=str(own)) == 303
    assert "Overal afgemeld" in shown_page(sam, "/accounts")
    assert [sessions.find(token) is None for token in (*browsers[own], *browsers[other])] == [True, True, False]
    again = sessions.find(sessions.start(Entry.of_account(whose[own], own)))
    assert again.user is not None  # the role stays


def test_the_last_administrator_stays(web: flask.Flask, known_school: Store) -> None:
    first, second = given(known_school, Role.ADMINISTRATOR), given(known_school, Role.ADMINISTRATOR)
    sam = as_persona(web, "sam")
    assert post(sam, "/accounts/einde", nummer=str(first)) == 303
    assert "De rol is beëindigd." in shown_page(sam, "/accounts")
    assert post(sam, "/accounts/einde", nummer=str(second)) == 303
    page = shown_page(sam, "/accounts")
    assert "de laatste beheerder" in page
    assert "Naam 1" in page


def test_users_without_a_sign_in_are_refused_where_others_can_come() -> None:
    for options in ({"signs_in": True}, {"allowed_hosts": ("localhost", "rondblik.example")}):
        with pytest.raises(ValueError, match="this machine alone"):
            AppOptions(demo=True, users=PERSONAS, **options)  # type: ignore[arg-type]


def test_nobody_begins_with_a_printed_address_where_people_sign_in(known_school: Store) -> None:
    options = AppOptions(demo=False, users=(), signs_in=True)
    web = create_app(known_school.engine, known_school.cipher, options, sign_in_options=SignIn((), local=True))
    for path in ("/begin", "/begin?code=x"):
        answer = web.test_client().get(path, base_url=HERE)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/aanmelden")
        assert "Set-Cookie" not in answer.headers
