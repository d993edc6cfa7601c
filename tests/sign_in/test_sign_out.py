"""Signing out at the provider too: from the page after signing out here, at the certified provider."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import requests

from dashboard.auth.sessions import SessionLimits
from models.access.audit import SignedIn, open_audit
from models.schema import clock
from tests.conftest import Store
from tests.sign_in.conftest import BACK, HERE, OWN, SAM, MakeApp, Provider, Visitor, invited, provider_running
from tests.sign_in.test_local import Account, sign_in

SIGNED_OUT = f"{HERE}/afgemeld"


def comes_in(visitor: Visitor, store: Store, browser: requests.Session) -> None:
    """Accept an invitation with a browser that stays signed in at the provider."""
    code = invited(store).rpartition("/")[2]
    begun = visitor.get(f"/aanmelden/bij/entree?uitnodiging={code}").headers["Location"]
    back = visitor.provider.signs_in(begun, "hanna", browser).removeprefix(HERE)
    assert visitor.get(back).headers["Location"] == "/"
    visitor.get("/")


def is_asked_to_sign_in(visitor: Visitor, browser: requests.Session) -> bool:
    """Whether the provider asks this browser who somebody is; else it sends the browser straight back."""
    answer = browser.get(visitor.get("/aanmelden/bij/entree").headers["Location"], timeout=20, allow_redirects=False)
    while answer.is_redirect:
        target = requests.compat.urljoin(answer.url, answer.headers["Location"])  # type: ignore[attr-defined]
        if target.startswith(BACK):
            return False
        answer = browser.get(target, timeout=20, allow_redirects=False)
    return 'name="login"' in answer.text


def test_signing_out_here_says_where_somebody_is_signed_in_still_and_leads_there(
    visitor: Visitor, school_store: Store
) -> None:
    browser = requests.Session()
    comes_in(visitor, school_store, browser)
    answer = visitor.post("/afmelden")
    assert answer.headers["Location"] == "/afgemeld?bij=entree"
    page = visitor.get(answer.headers["Location"]).text
    assert "Bij Entree Federatie bent u nog aangemeld" in page
    assert not is_asked_to_sign_in(visitor, browser)  # who comes next enters without a password
    match = re.search(r'href="(/aanmelden/afmelden/entree)"', page)
    assert match is not None
    leads = visitor.get(match[1])
    assert leads.status_code == 302
    assert "id_token" not in leads.headers["Location"]
    assert visitor.provider.signs_out(leads.headers["Location"], browser) == SIGNED_OUT
    assert is_asked_to_sign_in(visitor, browser)
    assert "U bent afgemeld" in visitor.get("/afgemeld").text


@pytest.mark.parametrize("key", ["eigen", "bestuur"])
def test_of_several_providers_with_one_issuer_signing_out_leads_to_the_one_that_was_used(
    visitor: Visitor, school_store: Store, key: str
) -> None:
    code = invited(school_store).rpartition("/")[2]
    begun = visitor.get(f"/aanmelden/bij/{key}?uitnodiging={code}").headers["Location"]
    back = visitor.provider.signs_in(begun, "hanna").removeprefix(HERE)
    assert visitor.get(back).headers["Location"] == "/"
    visitor.get("/")
    assert visitor.post("/afmelden").headers["Location"] == f"/afgemeld?bij={key}"
    log = open_audit(school_store.engine, school_store.cipher).month(SAM, f"{clock.today():%Y-%m}", 9)
    signed = [entry.event.action for entry in reversed(log) if isinstance(entry.event, SignedIn)]
    assert signed == ["role begun", "signed in", "signed out"]


def test_who_signs_out_at_the_provider_alone_keeps_the_session_here_until_its_own_end(
    visitor: Visitor, school_store: Store
) -> None:
    browser = requests.Session()
    comes_in(visitor, school_store, browser)
    assert visitor.provider.signs_out(visitor.get("/aanmelden/afmelden/entree").headers["Location"], browser)
    assert is_asked_to_sign_in(visitor, browser)
    assert visitor.who == "Hanna Vos, teacher, 1"
    with clock.fixed(clock.now() + timedelta(minutes=SessionLimits().idle_minutes + 2)):
        assert visitor.who == "nobody"


def test_a_provider_without_an_address_to_sign_out_at_is_said(make_app: MakeApp, school_store: Store) -> None:
    with provider_running(BACK, signs_out=False) as provider:
        visitor = Visitor(make_app(provider.issuer), provider)
        comes_in(visitor, school_store, requests.Session())
        assert "bent u nog aangemeld" in visitor.get(visitor.post("/afmelden").headers["Location"]).text
        answer = visitor.get("/aanmelden/afmelden/entree")
    assert answer.status_code == 200
    assert "Entree Federatie heeft geen manier om u van hieruit af te melden" in answer.text


def test_a_provider_that_is_away_or_unknown_is_said(make_app: MakeApp, provider: Provider) -> None:
    visitor = Visitor(make_app("http://127.0.0.1:9"), provider)
    answer = visitor.get("/aanmelden/afmelden/entree")
    assert (answer.status_code, "Entree Federatie antwoordt nu niet" in answer.text) == (503, True)
    assert visitor.get("/aanmelden/afmelden/onbekend").status_code == 404
    assert "aangemeld" not in visitor.get("/afgemeld?bij=onbekend").text


def test_a_local_account_is_signed_in_nowhere_else(make_app: MakeApp, provider: Provider, school_store: Store) -> None:
    account = Account(school_store)
    status, client = sign_in(make_app(provider.issuer, local=True), account.code())
    assert status == 303
    assert client.post("/afmelden", base_url=HERE, headers=OWN).headers["Location"] == "/afgemeld"
