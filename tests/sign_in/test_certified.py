"""Signing in at the certified provider: who gets in, as what, and who does not."""

from __future__ import annotations

import re
import time
from datetime import timedelta

import flask
import pytest
from sqlalchemy import text

from connectors.openid.client import authorization_url, claims_of
from connectors.openid.provider import Failure, SignInFailed
from connectors.openid.provider import Provider as Client
from dashboard.server.pending import new_secrets
from models.access import accounts
from models.access.viewer import Role
from models.schema import clock, database
from tests.conftest import Store
from tests.dashboard import school
from tests.sign_in.conftest import BACK, SAM, WIL, MakeApp, Provider, Visitor, invited, provider_running

HANNA, JORIS = "Hanna Vos, teacher, 1", "Joris Blom, teacher, 1"


def accept(visitor: Visitor, invitation: str, who: str, at: str = "entree") -> None:
    """Open an invitation, choose a way to sign in from it, and come back."""
    page = visitor.get(invitation).text
    match = re.search(rf'href="(/aanmelden/bij/{at}\?[^"]+)"', page)
    assert match is not None
    answer = visitor.signs_in(who, at, "?" + match[1].partition("?")[2].replace("&amp;", "&"))
    assert (answer.status_code, answer.headers.get("Location")) == (303, "/")


# -- who gets in ---------------------------------------------------------------------------------------------------


def test_a_page_leads_to_the_sign_in_and_back(visitor: Visitor, school_store: Store) -> None:
    accept(visitor, invited(school_store), "hanna")
    other = Visitor(visitor.web, visitor.provider)
    answer = other.get("/signalen?klas=1-1")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/aanmelden?naar=%2Fsignalen%3Fklas%3D1-1")
    page = other.get(answer.headers["Location"]).text
    assert [name in page for name in ("Entree Federatie", "Entra ID", "Keycloak van De Wissel")] == [True] * 3
    answer = other.signs_in("hanna", query="?naar=%2Fsignalen%3Fklas%3D1-1")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/signalen?klas=1-1")
    assert other.who == HANNA


@pytest.mark.parametrize("onward", ["//elders.example", "https://elders.example", "/\\elders.example", "x", "/a\r\nb"])
def test_nobody_is_led_to_another_site(visitor: Visitor, school_store: Store, onward: str) -> None:
    accept(visitor, invited(school_store), "hanna")
    answer = visitor.client.get("/aanmelden/bij/entree", query_string={"naar": onward}, base_url="http://localhost")
    back = visitor.provider.signs_in(answer.headers["Location"], "hanna").removeprefix("http://localhost")
    assert visitor.get(back).headers["Location"] == "/"


def test_an_invitation_makes_a_teacher_of_the_roster_and_claims_may_stand_in_userinfo_only(
    visitor: Visitor, school_store: Store
) -> None:
    invitation = invited(school_store)
    assert "als leraar van De Wissel" in visitor.get(invitation).text
    accept(visitor, invitation, "hanna")
    assert visitor.who == HANNA
    again = Visitor(visitor.web, visitor.provider)  # with the account alone, in another browser
    assert again.signs_in("hanna").headers["Location"] == "/"
    assert again.who == HANNA


def test_an_invitation_works_once_and_not_after_it_was_withdrawn_or_expired(
    visitor: Visitor, school_store: Store
) -> None:
    used, withdrawn = invited(school_store), invited(school_store, name="Joris")
    accept(visitor, used, "hanna")
    with database.write_transaction(school_store.engine) as connection:
        accounts.withdraw(connection, SAM, accounts.open_invitations(connection, SAM)[0].id)
    late = invited(school_store)
    with database.write_transaction(school_store.engine) as connection:
        connection.execute(text("UPDATE invitations SET until_us = 1 WHERE ended_us IS NULL"))
    for invitation in (used, withdrawn, late, "/uitnodiging/x"):
        other, code = Visitor(visitor.web, visitor.provider), invitation.rpartition("/")[2]
        assert other.get(invitation).status_code == 404
        answer = other.signs_in("joris", query=f"?uitnodiging={code}")
        assert (answer.status_code, "Vraag de beheerder van uw school" in answer.text) == (404, True)
        assert other.who == "nobody"


@pytest.mark.parametrize(("who", "at"), [("hanna", "entree"), ("joris", "entra"), ("niets", "eigen")])
def test_who_has_no_role_sees_what_to_do_and_nothing_else(visitor: Visitor, who: str, at: str) -> None:
    answer = visitor.signs_in(who, at)
    assert answer.headers["Location"] == "/rol"
    page = visitor.get("/rol").text
    assert "hebt hier nog geen rol bij een school" in page
    assert "Vraag de beheerder van uw school om een uitnodiging" in page
    for path in ("/", "/groep", "/koppelingen", "/accounts"):
        assert visitor.get(path).headers["Location"] == "/rol"
    body = {"output": "x.y", "inputs": [], "changedPropIds": []}
    assert visitor.client.post("/_dash-update-component", json=body, base_url="http://localhost").status_code == 401
    assert visitor.post("/afmelden").headers["Location"].startswith("/afgemeld")
    assert visitor.get("/groep").headers["Location"].startswith("/aanmelden")


def test_who_has_roles_in_two_schools_chooses_and_changes(visitor: Visitor, school_store: Store) -> None:
    accept(visitor, invited(school_store), "hanna", "bestuur")
    elsewhere = invited(school_store, WIL, name="Hanna", role=Role.SUPPORT, teacher_id=None)
    answer = visitor.signs_in("hanna", "bestuur", f"?uitnodiging={elsewhere.rpartition('/')[2]}")
    assert answer.headers["Location"] == "/rol"
    roles = dict(re.findall(r'value="(\d+)">([^<]+)<', visitor.get("/rol").text))
    assert sorted(roles.values()) == ["intern begeleider · Elders", "leraar · De Wissel"]
    assert visitor.who == "nobody"  # until they choose
    support, teacher = sorted(roles, key=lambda number: roles[number])
    for number, who in ((support, "Hanna Vos, support, 2"), (teacher, HANNA), (support, "Hanna Vos, support, 2")):
        assert visitor.post("/rol", rol=number).status_code == 303
        assert visitor.who == who
    assert visitor.post("/rol", rol="999").status_code == 403
    only = Visitor(visitor.web, visitor.provider)  # the same account at a way in that speaks for De Wissel alone
    assert only.signs_in("hanna", "eigen").headers["Location"] == "/"
    assert only.who == HANNA
    assert "Elders" not in only.get("/rol").text
    assert only.post("/rol", rol=support).status_code == 403
    assert only.post("/rol", rol=teacher).status_code == 303
    assert only.post("/rol", rol=support).status_code == 403  # nor after another choice
    assert only.who == HANNA


def test_a_role_ends_with_the_next_request(visitor: Visitor, school_store: Store) -> None:
    accept(visitor, invited(school_store), "hanna")
    assert visitor.who == HANNA
    with database.write_transaction(school_store.engine) as connection:
        (role,) = accounts.accounts_of_school(connection, SAM)
        accounts.end_role(connection, SAM, role.role_id)
    assert visitor.get("/groep").headers["Location"] == "/rol"
    assert visitor.who == "nobody"


# -- by mail -------------------------------------------------------------------------------------------------------


def with_mail(store: Store, teacher_id: int, mail: str) -> None:
    """Let the roster have a mail address of a teacher."""
    with database.write_transaction(store.engine) as connection:
        change = text("UPDATE teachers SET email = :mail WHERE school_id = 1 AND id = :id")
        connection.execute(change, {"mail": mail, "id": teacher_id})


def test_a_mail_address_of_the_roster_is_enough_at_the_own_provider_of_the_school_only(
    visitor: Visitor, school_store: Store
) -> None:
    with_mail(school_store, school.TEACHER_B, "j.blom@wissel.example")
    assert visitor.signs_in("joris", "bestuur").headers["Location"] == "/rol"
    assert visitor.signs_in("joris", "eigen").headers["Location"] == "/"
    assert visitor.who == JORIS


def test_a_mail_address_of_two_teachers_is_of_neither(visitor: Visitor, school_store: Store) -> None:
    for teacher_id in (school.TEACHER_A, school.TEACHER_B):
        with_mail(school_store, teacher_id, "j.blom@wissel.example")
    assert visitor.signs_in("joris", "eigen").headers["Location"] == "/rol"


def test_what_an_administrator_ended_does_not_come_back_by_mail(visitor: Visitor, school_store: Store) -> None:
    with_mail(school_store, school.TEACHER_B, "j.blom@wissel.example")
    visitor.signs_in("joris", "eigen")
    with database.write_transaction(school_store.engine) as connection:
        (role,) = accounts.accounts_of_school(connection, SAM)
        assert role.granted_by == accounts.BY_MAIL
        accounts.end_role(connection, SAM, role.role_id)
    assert visitor.signs_in("joris", "eigen").headers["Location"] == "/rol"


def test_an_invitation_to_a_mail_address_needs_no_code_at_the_own_provider(
    visitor: Visitor, school_store: Store
) -> None:
    invited(school_store, name="Hanna", role=Role.SUPPORT, teacher_id=None, mail="H.Vos@wissel.example")
    assert visitor.signs_in("hanna", "bestuur").headers["Location"] == "/rol"
    assert visitor.signs_in("hanna", "eigen").headers["Location"] == "/"
    assert visitor.who == "Hanna Vos, support, 1"


# -- who does not get in -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "at", "sentence"),
    [
        ("vreemd", "entree", "Volgens Entree Federatie hoort u bij een school die hier niet bekend is"),
        ("niets", "entree", "of Entree Federatie zegt niet bij welke"),
        ("vreemd", "entra", "Uw account bij Entra ID is van een organisatie die hier niet bekend is."),
        ("hanna", "entra", "Uw account bij Entra ID is van een organisatie die hier niet bekend is."),
    ],
)
def test_another_brin_and_another_tenant_are_refused_with_what_to_do(
    visitor: Visitor, who: str, at: str, sentence: str
) -> None:
    answer = visitor.signs_in(who, at)
    assert (answer.status_code, sentence in answer.text) == (403, True)
    assert "Meld u aan met uw account van een school die hier bekend is" in answer.text
    assert "Set-Cookie" not in answer.headers
    assert visitor.get("/groep").headers["Location"].startswith("/aanmelden")


def test_an_invitation_of_another_school_than_that_of_the_sign_in_is_refused(
    visitor: Visitor, school_store: Store
) -> None:
    code = invited(school_store).rpartition("/")[2]
    answer = visitor.signs_in("wil", query=f"?uitnodiging={code}")
    assert answer.status_code == 403
    assert "De uitnodiging is van De Wissel, en volgens Entree Federatie hoort u bij een andere school." in answer.text
    assert visitor.who == "nobody"
    accept(Visitor(visitor.web, visitor.provider), f"/uitnodiging/{code}", "hanna")  # it was not used up


def test_an_answer_that_was_used_is_of_another_browser_or_comes_late_is_refused(
    visitor: Visitor, school_store: Store
) -> None:
    accept(visitor, invited(school_store), "hanna")
    used, stolen, late = visitor.comes_back("hanna"), visitor.comes_back("hanna"), visitor.comes_back("hanna")
    assert visitor.get(used).status_code == 303
    thief = Visitor(visitor.web, visitor.provider)
    thief.get("/aanmelden/bij/entree")  # with a sign-in of its own under way
    for browser_of, back in ((visitor, used), (thief, stolen)):
        answer = browser_of.get(back)
        assert (answer.status_code, "Meld u opnieuw aan." in answer.text) == (403, True)
        assert "in een andere browser begonnen" in answer.text
    with clock.fixed(clock.now() + timedelta(minutes=11)):
        assert visitor.get(late).status_code == 403
    assert thief.who == "nobody"
    for odd in ("", "?state=x&code=y", "?code=y", "?error=access_denied"):
        assert visitor.get(f"/aanmelden/terug{odd}").status_code == 403


def test_who_does_not_finish_is_told_so_and_the_state_is_used_up(visitor: Visitor) -> None:
    back = visitor.comes_back("hanna")
    state = re.search(r"state=([^&]+)", back)
    assert state is not None
    answer = visitor.get(f"/aanmelden/terug?error=access_denied&state={state[1]}")
    assert (answer.status_code, "U hebt het aanmelden met Entree Federatie niet afgemaakt." in answer.text) == (
        403,
        True,
    )
    assert visitor.get(back).status_code == 403


def test_the_issuer_in_the_answer_must_be_the_one_that_was_asked(visitor: Visitor) -> None:
    back = re.sub(r"iss=[^&]+", "iss=https%3A%2F%2Felders.example", visitor.comes_back("hanna"))
    assert "elders.example" in back
    answer = visitor.get(back)
    assert (answer.status_code, "komt niet van" in answer.text) == (403, True)


def test_a_code_works_once_with_its_verifier_and_not_when_it_is_old(provider: Provider) -> None:
    def code_at(running: Provider) -> tuple[Client, str]:
        client = Client(running.issuer, "rondblik", "geheim")
        back = running.signs_in(authorization_url(client, BACK, secrets), "hanna")
        match = re.search(r"code=([^&]+)", back)
        assert match is not None
        return client, match[1]

    secrets = new_secrets()
    client, code = code_at(provider)
    assert claims_of(client, BACK, secrets, code, [["sn"]])["sn"] == "Vos"
    assert "sn" not in claims_of(client, BACK, secrets, code_at(provider)[1], [["sub"]])  # which userinfo alone has
    for failing, of in ((code, secrets), (code_at(provider)[1], new_secrets())):
        with pytest.raises(SignInFailed) as failed:
            claims_of(client, BACK, of, failing, [])
        assert failed.value.failure is Failure.CODE
    with provider_running(BACK, code_seconds=1) as hasty:
        client, code = code_at(hasty)
        time.sleep(2.5)  # until the code is old
        with pytest.raises(SignInFailed) as failed:
            claims_of(client, BACK, secrets, code, [])
        assert failed.value.failure is Failure.CODE


def test_a_provider_that_is_away_says_so(make_app: MakeApp) -> None:
    web: flask.Flask = make_app("http://127.0.0.1:9")
    answer = web.test_client().get("/aanmelden/bij/entree", base_url="http://localhost")
    assert (answer.status_code, "Entree Federatie antwoordt nu niet." in answer.text) == (503, True)
