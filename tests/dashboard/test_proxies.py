"""Behind a proxy what it says is believed where the settings name it, and nothing that anybody else says."""

from __future__ import annotations

import ipaddress
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import flask
import pytest
from flask.testing import FlaskClient

from dashboard.auth.request import LANGUAGE_COOKIE, OWN_HOSTS, TLS_COOKIE, AppOptions
from dashboard.auth.sessions import Entry
from dashboard.server.proxies import TrustedProxies
from dashboard.server.sign_in import SignIn
from dashboard.server.wsgi import create_app
from models.access import accounts
from models.schema import clock, database
from tests.conftest import Store
from tests.dashboard import school

PUBLIC = "https://rondblik.example"
PROXY, STRANGER = "10.0.0.5", "192.0.2.7"
FORWARDED = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "rondblik.example", "X-Forwarded-For": STRANGER}
RONDBLIK = Path(sys.executable).with_name("rondblik")


def seen(client_address: str, **headers: str) -> dict[str, Any]:
    """What an application behind the proxies sees of a request."""
    environ: dict[str, Any] = {"REMOTE_ADDR": client_address, "wsgi.url_scheme": "http", "HTTP_HOST": "intern:8050"}
    environ |= {f"HTTP_{name.upper()}": value for name, value in headers.items()}
    networks = [ipaddress.ip_network("10.0.0.0/24"), ipaddress.ip_network("::1/128")]

    def application(environ: dict[str, Any], _start: Any) -> Iterable[bytes]:
        return [repr(environ).encode()]

    TrustedProxies(application, networks)(environ, None)
    return environ


@pytest.mark.parametrize("proxy", [PROXY, "10.0.0.255", "::1"])
def test_a_trusted_proxy_is_believed(proxy: str) -> None:
    stated = {"x_forwarded_for": f"203.0.113.9, {STRANGER}", "x_forwarded_proto": "https"}
    environ = seen(proxy, **stated, x_forwarded_host="rondblik.example", x_forwarded_port="1", forwarded="for=x")
    assert environ == {"REMOTE_ADDR": STRANGER, "wsgi.url_scheme": "https", "HTTP_HOST": "rondblik.example"}


@pytest.mark.parametrize("client", [STRANGER, "10.0.1.5", "127.0.0.1", "", "geen adres"])
def test_nobody_else_is(client: str) -> None:
    stated = {"x_forwarded_for": "203.0.113.9", "x_forwarded_proto": "https", "x_forwarded_host": "rondblik.example"}
    environ = seen(client, **stated, x_real_ip="203.0.113.9", x_forwarded_user="sam")
    assert environ == {"REMOTE_ADDR": client, "wsgi.url_scheme": "http", "HTTP_HOST": "intern:8050"}


def test_of_several_values_that_of_the_nearest_proxy_counts_and_odd_ones_do_not() -> None:
    stated = {"x_forwarded_for": f"1.2.3.4, {STRANGER}, 10.0.0.9", "x_forwarded_proto": "http, https"}
    environ = seen(PROXY, **stated)
    assert (environ["REMOTE_ADDR"], environ["wsgi.url_scheme"]) == (STRANGER, "https")
    environ = seen(PROXY, x_forwarded_for="<script>", x_forwarded_proto="gopher", x_forwarded_host=" , ")
    assert environ == {"REMOTE_ADDR": PROXY, "wsgi.url_scheme": "http", "HTTP_HOST": "intern:8050"}


@pytest.fixture
def web(store: Store) -> flask.Flask:
    """The web app at a public address, behind a proxy."""
    hosts = (*OWN_HOSTS, "rondblik.example")
    options = AppOptions(demo=False, users=(), signs_in=True, allowed_hosts=hosts, public_origin=PUBLIC)
    app = create_app(store.engine, store.cipher, options, sign_in_options=SignIn((), local=True, origin=PUBLIC))
    app.wsgi_app = TrustedProxies(app.wsgi_app, [ipaddress.ip_network(PROXY)])  # type: ignore[method-assign]
    return app


def get(client: FlaskClient, path: str, address: str, **headers: str) -> tuple[int, str | None]:
    """Status and redirect of a page that is asked for from an address."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = client.get(path, base_url="http://127.0.0.1", headers=named, environ_overrides={"REMOTE_ADDR": address})
    return answer.status_code, answer.headers.get("Location")


def test_over_tls_at_the_proxy_the_page_is_shown_and_without_it_leads_there(web: flask.Flask) -> None:
    client = web.test_client()
    assert get(client, "/aanmelden", PROXY, **FORWARDED) == (200, None)
    for address, headers in ((PROXY, {}), (STRANGER, FORWARDED), (STRANGER, {})):
        assert get(client, "/aanmelden", address, **headers) == (302, f"{PUBLIC}/aanmelden")
    assert get(client, "/aanmelden", PROXY, **FORWARDED | {"X-Forwarded-Host": "elders.example"})[0] == 403
    assert client.post("/aanmelden", base_url="http://127.0.0.1").status_code == 403
    assert get(client, "/health", STRANGER) == (200, None)  # for the balancer


def test_over_tls_every_cookie_is_for_tls_alone(web: flask.Flask, store: Store) -> None:
    context = web.extensions["rondblik"]
    with clock.fixed(school.NOW):
        school.build(store.engine, store.cipher)
    with database.write_transaction(store.engine) as connection:
        account_id = accounts.signed_in(connection, store.cipher, accounts.LOCAL, "sam", "Sam")
        accounts.make_administrator(connection, account_id, school.SCHOOL, "test")
        role = accounts.roles_of(connection, account_id)[0]
    token = context.sessions.start(Entry.of_account(account_id, role.id))
    answer = web.test_client(use_cookies=False).get(
        "/?taal=en", base_url="http://127.0.0.1", headers=FORWARDED,
        environ_overrides={"REMOTE_ADDR": PROXY, "HTTP_COOKIE": f"{TLS_COOKIE}={token}"},
    )  # fmt: skip
    cookies = answer.headers.getlist("Set-Cookie")
    assert [cookie.partition("=")[0] for cookie in cookies] == [f"__Host-{LANGUAGE_COOKIE}"]
    assert all("; Secure" in cookie and "; Path=/" in cookie and "Domain" not in cookie for cookie in cookies)


# -- serve ---------------------------------------------------------------------------------------------------------

SCHOOL = """
schools:
  - {name: De Horizon, identifications: [{brin: 99XX, dependance: "00"}]}
"""


def started(folder: Path, config: str) -> tuple[str, str]:
    """What `rondblik serve` prints first, and what it says where it does not start."""
    (folder / "config.yaml").write_text(SCHOOL + config)
    command = [str(RONDBLIK), "--data", str(folder), "serve", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder)
    assert process.stdout is not None
    line = process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    return line, process.communicate(timeout=30)[1]


OTHERS = (
    "server: {host: 0.0.0.0}", "server: {public_address: 'https://rondblik.example'}",
    "server: {host_names: [rondblik.example]}", "server: {trusted_proxies: [10.0.0.5]}",
)  # fmt: skip


@pytest.mark.parametrize("config", OTHERS)
def test_serve_is_for_this_machine_until_people_sign_in(tmp_path: Path, config: str) -> None:
    line, errors = started(tmp_path, config)
    assert line == ""
    assert "rondblik account add" in errors
    assert len(errors.splitlines()) == 1
    made = subprocess.run(
        [str(RONDBLIK), "--data", str(tmp_path), "account", "add", "sam", "--name", "Sam", "--school", "99XX",
         "--password-env", "GEHEIM"],
        env={**os.environ, "GEHEIM": "een lang wachtwoord"}, capture_output=True, text=True, check=True, cwd=tmp_path,
    )  # fmt: skip
    assert "otpauth://" in made.stdout
    line, errors = started(tmp_path, config)
    assert re.fullmatch(r"Rondblik: https?://[a-z0-9.:]+\n", line)
    assert errors == ""
