"""A teacher signs in at the certified provider in a real browser, works, and signs out; so does an administrator."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyotp
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from dashboard.auth.request import AppOptions
from dashboard.server.providers import providers_of
from dashboard.server.sign_in import SignIn
from dashboard.server.wsgi import create_app
from dashboard.settings import loading
from models.access import accounts, local_accounts
from models.access.local_accounts import NewCredentials
from models.schema import clock, database
from tests.browser.conftest import Served, address_of
from tests.conftest import Store, free_port
from tests.dashboard import school
from tests.peers import npm
from tests.sign_in.conftest import CONFIG, invited, provider_running

PASSWORD = "een lang wachtwoord"
RUN = "() => axe.run().then(found => found.violations.map(one => [one.id, one.nodes.map(node => node.html)]))"


@pytest.fixture
def served(store: Store, tmp_path: Path) -> Iterator[Served]:
    """The known school, where people sign in at the provider or with a local account."""
    with clock.fixed(school.NOW):
        school.build(store.engine, store.cipher)
    port = free_port()
    with provider_running(f"http://127.0.0.1:{port}/aanmelden/terug") as provider:
        config = tmp_path / "config.yaml"
        config.write_text(CONFIG.format(issuer=provider.issuer))
        sign_in = SignIn(providers_of(loading.load(config), store.engine), local=True)
        options = AppOptions(demo=False, users=(), signs_in=True)
        app = create_app(store.engine, store.cipher, options, sign_in_options=sign_in)
        with address_of(app, port) as address:
            yield Served(store, address, app)


@pytest.fixture
def local(served: Served) -> NewCredentials:
    """What the operator was shown when they made the local account of the administrator."""
    with database.write_transaction(served.store.engine) as connection:
        account_id, made = local_accounts.add(connection, served.store.cipher, "sam", "Sam de Groot", PASSWORD)
        accounts.make_administrator(connection, account_id, school.SCHOOL, "test")
    return made


@pytest.fixture
def window(browser: Browser) -> Iterator[BrowserContext]:
    """A browser of its own."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    yield context
    context.close()


def at_provider(page: Page, who: str) -> None:
    """Type a name at the provider and consent."""
    page.fill("input[name=login]", who)
    page.fill("input[name=password]", "x")
    page.click("button[type=submit]")
    page.wait_for_selector("text=Authorize")
    page.click("button[type=submit]")


def test_an_invited_teacher_signs_in_works_and_signs_out(window: BrowserContext, served: Served) -> None:
    page = window.new_page()
    page.goto(served.address + invited(served.store))
    expect(page.locator("main")).to_contain_text("uitgenodigd als leraar van De Wissel")
    page.click("text=Aanmelden met Entree Federatie")
    at_provider(page, "hanna")
    page.wait_for_selector("#who > summary:has-text('Hanna Vos')")
    assert page.url == f"{served.address}/"
    page.reload()
    page.wait_for_selector("#who > summary:has-text('De Wissel')")
    second = window.new_page()
    second.goto(f"{served.address}/signalen")
    second.wait_for_selector("#who > summary:has-text('Hanna Vos')")

    page.click("#who > summary")
    page.click("#who button:text-is('Afmelden')")
    for tab in (page, second):
        tab.wait_for_url("**/afgemeld?bij=entree")
        expect(tab.locator("main h1")).to_have_text("U bent afgemeld")
    second.goto(f"{served.address}/signalen")
    second.wait_for_url("**/aanmelden?naar=*signalen*")
    second.click("text=Aanmelden met Entree Federatie")  # who is known there still need not type anything
    second.wait_for_url("**/signalen")
    second.wait_for_selector("#who > summary:has-text('Hanna Vos')")

    page.click("text=Ook afmelden bij Entree Federatie")
    page.click("button:has-text('Yes')")
    page.wait_for_url("**/afgemeld")
    page.goto(f"{served.address}/aanmelden/bij/entree")
    page.wait_for_selector("input[name=login]")  # who comes next has to say who they are


def test_who_is_of_another_school_reads_what_to_do(window: BrowserContext, served: Served) -> None:
    page = window.new_page()
    page.goto(f"{served.address}/groep")
    page.click("text=Aanmelden met Entree Federatie")
    at_provider(page, "vreemd")
    expect(page.locator("main")).to_contain_text("hoort u bij een school die hier niet bekend is")
    assert [cookie["name"] for cookie in window.cookies() if cookie["name"] == "rondblik_session"] == []


def test_an_administrator_signs_in_with_a_local_account_and_invites(
    window: BrowserContext, served: Served, local: NewCredentials
) -> None:
    page = window.new_page()
    page.goto(f"{served.address}/accounts")
    page.click("summary:has-text('Met een lokaal account')")
    page.fill("#gebruiker", "sam")
    page.fill("#wachtwoord", PASSWORD)
    page.fill("#code", "000000")
    page.click("form button")
    expect(page.locator("#trouble")).to_contain_text("Gebruikersnaam, wachtwoord of code klopt niet")
    page.fill("#code", pyotp.TOTP(local.totp_secret).now())
    page.click("form button")
    page.wait_for_url("**/accounts")
    page.wait_for_selector("#who > summary:has-text('Sam de Groot')")

    page.click("#invite summary")
    page.fill("#invite input[name=naam]", "Joris Blom")
    page.select_option("#invite-teacher", label="Joris Blom")
    page.click("#invite button:has-text('Uitnodiging maken')")
    expect(page.locator("#told")).to_contain_text(f"{served.address}/uitnodiging/")
    address = page.locator("#told").inner_text().rpartition(" ")[2].strip()
    expect(page.locator("#invitations table")).to_contain_text("Joris Blom")

    other = window.browser.new_context().new_page()  # type: ignore[union-attr]
    other.goto(address)
    other.click("text=Aanmelden met Keycloak van De Wissel")
    at_provider(other, "joris")
    other.wait_for_selector("#who > summary:has-text('Joris Blom')")
    page.goto(f"{served.address}/accounts")
    row = page.locator("#roles tr:has-text('Joris Blom')")
    row.locator("button:has-text('Beëindigen')").click()
    expect(page.locator("#told")).to_contain_text("De rol is beëindigd.")
    other.reload()
    other.wait_for_url("**/rol")
    expect(other.locator("main")).to_contain_text("nog geen rol bij een school")
    other.context.close()


@pytest.mark.parametrize("width", [390, 1440])
def test_the_pages_of_the_sign_in_have_no_violation(
    window: BrowserContext, served: Served, local: NewCredentials, width: int, tmp_path: Path
) -> None:
    axe = (npm.installed(Path(__file__).parent / "node") / "axe-core" / "axe.min.js").read_text()
    page = window.new_page()
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{served.address}/aanmelden")
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    page.fill("#gebruiker", "sam")
    page.fill("#wachtwoord", PASSWORD)
    page.fill("#code", pyotp.TOTP(local.totp_secret).now())
    page.click("form button")
    page.wait_for_selector("#who", state="attached")
    of_everybody = ("/aanmelden", invited(served.store), "/uitnodiging/x", "/afgemeld", "/afgemeld?bij=entree")
    for path in ("/aanmelden/wachtwoord", *of_everybody):
        page.goto(served.address + path)
        page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
        page.evaluate(axe)
        assert page.evaluate(RUN) == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= width
