"""The known school behind the web app, where people sign in at a certified provider on loopback (npm oidc-provider)."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import flask
import pytest
import requests
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from dashboard.auth.request import AppOptions
from dashboard.server.providers import providers_of
from dashboard.server.sign_in import SignIn
from dashboard.server.wsgi import create_app
from dashboard.settings import loading
from models.access import accounts
from models.access.accounts import Invited
from models.access.viewer import Role, Viewer
from models.schema import clock, database
from tests.conftest import Store, free_port
from tests.dashboard import school
from tests.dashboard.page_client import PageClient
from tests.peers import npm

NODE = Path(__file__).parent / "node"
HERE = "http://localhost"
BACK = f"{HERE}/aanmelden/terug"
OWN = {"Sec-Fetch-Site": "same-origin"}
SAM = Viewer(school.SCHOOL, Role.ADMINISTRATOR, None, "Sam de Groot")
WIL = Viewer(school.OTHER_SCHOOL, Role.ADMINISTRATOR, None, "Wil Jacobs")

# As each provider calls it: Entree in its two spellings, Entra and Google with a tenant, and one that says nothing.
PEOPLE: dict[str, dict[str, Any]] = {
    "hanna": {
        "givenName": "Hanna", "sn": "Vos", "nlEduPersonHomeOrganizationId": "99XX", "mail": "h.vos@wissel.example",
    },
    "joris": {
        "given_name": "Joris", "family_name": "Blom", "schac_home_organization": ["99XX00"], "tid": "wissel",
        "email": "J.Blom@wissel.example", "email_verified": True,
    },
    "wil": {"name": "Wil Jacobs", "nlEduPersonHomeOrganizationId": "99YY", "tid": "elders"},
    "vreemd": {"name": "Vera Vreemd", "nlEduPersonHomeOrganizationId": "11ZZ", "tid": "vreemd"},
    "niets": {"eduPersonAffiliation": "employee"},
}  # fmt: skip
CONFIG = """
schools:
  - {{name: De Wissel, identifications: [{{brin: 99XX, dependance: "00"}}]}}
  - {{name: Elders, identifications: [{{brin: 99YY, dependance: "00"}}]}}
sign_in:
  - id: entree
    name: Entree Federatie
    issuer: {issuer}
    client_id: rondblik
    client_secret: geheim
    claims: {{brin: [nlEduPersonHomeOrganizationId, schac_home_organization]}}
    schools: [De Wissel, Elders]
  - id: entra
    name: Entra ID
    issuer: {issuer}
    client_id: rondblik
    client_secret: geheim
    claims: {{tenant: [tid, hd]}}
    tenants: {{wissel: [De Wissel], elders: [Elders]}}
  - id: eigen
    name: Keycloak van De Wissel
    issuer: {issuer}
    client_id: rondblik
    client_secret: geheim
    schools: [De Wissel]
    own: true
  - id: bestuur
    name: Account van het bestuur
    issuer: {issuer}
    client_id: rondblik
    client_secret: geheim
    schools: [De Wissel, Elders]
"""


@dataclass
class Provider:
    """A provider that runs, and what people do there."""

    issuer: str

    def signs_out(self, address: str, browser: requests.Session) -> str:
        """Go there to sign out, say that one is sure, and the address to which the browser is sent back."""
        page = browser.get(address, timeout=20)
        fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page.text))
        action = re.search(r'action="([^"]+)"', page.text)
        assert action is not None
        answer = browser.post(action[1], data={**fields, "logout": "yes"}, timeout=20, allow_redirects=False)
        assert answer.is_redirect
        return answer.headers["Location"]

    def signs_in(self, address: str, who: str, browser: requests.Session | None = None) -> str:
        """Sign in as somebody and consent; the address to which the browser is sent back, which is not asked."""
        browser, back = browser or requests.Session(), BACK.removeprefix(HERE)
        answer = browser.get(address, timeout=20, allow_redirects=False)
        for _step in range(12):
            if answer.is_redirect:
                target = requests.compat.urljoin(answer.url, answer.headers["Location"])  # type: ignore[attr-defined]
                if back in target:
                    return str(target)
                answer = browser.get(target, timeout=20, allow_redirects=False)
            else:
                prompt = "login" if 'name="login"' in answer.text else "consent"
                form = {"prompt": prompt, "login": who, "password": "x"}
                answer = browser.post(answer.url, data=form, timeout=20, allow_redirects=False)
        raise AssertionError("the provider did not send the browser back")


@contextmanager
def provider_running(redirect_uri: str, code_seconds: int = 60, signs_out: bool = True) -> Iterator[Provider]:
    """The certified provider with the people above; `signs_out`: whether it has an address to sign out at."""
    npm.installed(NODE)
    port = free_port()
    signed_out = redirect_uri.replace("/aanmelden/terug", "/afgemeld")
    config = {"port": port, "redirect_uri": redirect_uri, "accounts": PEOPLE, "code_seconds": code_seconds}
    config |= {"signed_out_uri": signed_out, "signs_out": signs_out}
    process = subprocess.Popen(
        ["node", "provider.mjs"],
        cwd=NODE,
        env={**os.environ, "CONFIG": json.dumps(config)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield Provider(f"http://127.0.0.1:{port}")
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="session")
def provider() -> Iterator[Provider]:
    """The certified provider, for a browser that comes back to localhost."""
    with provider_running(BACK) as running:
        yield running


@pytest.fixture(autouse=True)
def _requests_come_from_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test client sends what a page of ours sends."""
    monkeypatch.setattr(flask.Flask, "test_client_class", PageClient)


@pytest.fixture
def school_store(store: Store) -> Store:
    """The known school; the clock is that of the machine, as the provider's is."""
    with clock.fixed(school.NOW):
        school.build(store.engine, store.cipher)
    return store


MakeApp = Callable[..., flask.Flask]


@pytest.fixture
def make_app(school_store: Store, tmp_path: Path) -> MakeApp:
    """Makes the web app for an issuer, from a configuration as an operator writes it."""

    def make(issuer: str, local: bool = False, more: str = "", **options: Any) -> flask.Flask:
        path, (entree, others) = tmp_path / "config.yaml", CONFIG.format(issuer=issuer).split("  - id: entra\n")
        path.write_text(f"{entree}{more}  - id: entra\n{others}")
        providers = providers_of(loading.load(path), school_store.engine)
        app_options = AppOptions(demo=False, users=(), signs_in=True, **options)
        sign_in = SignIn(providers, local, options.get("public_origin"))
        return create_app(school_store.engine, school_store.cipher, app_options, sign_in_options=sign_in)

    return make


@pytest.fixture
def web(make_app: MakeApp, provider: Provider) -> flask.Flask:
    """The web app with the certified provider."""
    return make_app(provider.issuer)


@dataclass
class Visitor:
    """Somebody with a browser."""

    web: flask.Flask
    provider: Provider
    client: FlaskClient = field(init=False)

    def __post_init__(self) -> None:
        self.client = self.web.test_client()

    def get(self, path: str) -> TestResponse:
        """A page, without following redirects."""
        return self.client.get(path, base_url=HERE, headers={"Accept": "text/html"})

    def comes_back(self, who: str, at: str = "entree", query: str = "") -> str:
        """Sign in at a provider; the path to which the browser is sent back."""
        answer = self.get(f"/aanmelden/bij/{at}{query}")
        assert answer.status_code == 302
        return self.provider.signs_in(answer.headers["Location"], who).removeprefix(HERE)

    def signs_in(self, who: str, at: str = "entree", query: str = "") -> TestResponse:
        """Sign in at a provider and come back."""
        return self.get(self.comes_back(who, at, query))

    def post(self, path: str, **form: str) -> TestResponse:
        """Send a form of the page that is open."""
        return self.client.post(path, data=form, base_url=HERE, headers=OWN)

    @property
    def who(self) -> str:
        """As whom the pages are made that this browser opens: school, role and name."""
        with self.client as client:
            client.get("/groep", base_url=HERE)
            user = flask.g.get("user")
            return "nobody" if user is None else f"{user.name}, {user.role}, {user.school_id}"


@pytest.fixture
def visitor(web: flask.Flask, provider: Provider) -> Visitor:
    """Somebody who has no account yet."""
    return Visitor(web, provider)


def invited(store: Store, viewer: Viewer = SAM, **whom: Any) -> str:
    """The path of an invitation: to be Hanna of the roster, unless said otherwise."""
    values = {"name": "Hanna Vos", "role": Role.TEACHER, "teacher_id": school.TEACHER_A, **whom}
    with database.write_transaction(store.engine, viewer.school_id) as connection:
        code = accounts.invite(connection, store.cipher, viewer, Invited(**values))
    return f"/uitnodiging/{code}"
