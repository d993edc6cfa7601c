"""What docs/operations.md says to set up, set up: PostgreSQL, the configuration, nginx with TLS, serve and worker.

The blocks of the page are used as they stand, but for paths, ports and the identity provider, which is one on loopback.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex

import pyotp
import pytest
import yaml
from playwright.sync_api import Browser, expect
from sqlalchemy import make_url

from tests.browser.test_sign_in import at_provider
from tests.conftest import free_port
from tests.connectors.sending import Account, enveloped
from tests.sign_in.conftest import provider_running
from tests.uwlr.messages import message

pytestmark = pytest.mark.long
ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text("utf-8").partition("## Is everything in order?")[0]
RONDBLIK = Path(sys.executable).with_name("rondblik")
PASSWORD = "een lang wachtwoord"


def blocks(language: str) -> list[str]:
    """The blocks of the page in a language, without their indentation."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```$", PAGE, re.DOTALL | re.MULTILINE)
    return [re.sub(rf"^{indent}", "", text, flags=re.MULTILINE) for indent, text in found]


def replaced(text: str, **others: str) -> str:
    """A text with other values; each must be in it."""
    for before, after in others.items():
        assert before in text, before
        text = text.replace(before, after)
    return text


@dataclass
class Machine:
    """Where the pieces of an installation are."""

    folder: Path
    public: str
    errors: Path
    secret: str = ""  # of the authenticator of the administrator

    def rondblik(self, *words: str) -> list[str]:
        return [str(RONDBLIK), "--config", str(self.folder / "config.yaml"), *words]

    def run(self, *words: str, **environment: str) -> str:
        """What a command prints; it must succeed."""
        done = subprocess.run(
            self.rondblik(*words),
            capture_output=True,
            text=True,
            cwd=self.folder,
            env={**os.environ, **environment},
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def first_administrator(self) -> str:
        """Make the local account; the secret of its authenticator."""
        commands = [line for text in blocks("sh") for line in text.splitlines() if "account add" in line]
        words = shlex.split(shlex.split(commands[0])[-1])
        printed = self.run(*words[words.index("account") :], "--password-env", "PASSWORD", PASSWORD=PASSWORD)
        secret = re.search(r"secret=([A-Z2-7]+)", printed)
        assert secret is not None
        return secret[1]


@contextmanager
def running(command: Sequence[str], folder: Path, errors: Path) -> Iterator[None]:
    """A program of its own, stopped at the end."""
    with errors.open("a") as log, subprocess.Popen(command, cwd=folder, stdout=log, stderr=log) as program:
        try:
            yield
        finally:
            program.terminate()
            program.wait(30)


def certificate(folder: Path) -> None:
    """A certificate that the machine signed itself."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost", "-keyout", "key.pem", "-out", "fullchain.pem"],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip


def nginx_command(folder: Path, secure: int, plain: int, behind: int) -> list[str]:
    """nginx with the server blocks of the page."""
    (block,) = blocks("nginx")
    server = replaced(
        block,
        **{
            "listen 443 ssl": f"listen 127.0.0.1:{secure} ssl", "listen 80": f"listen 127.0.0.1:{plain}",
            "rondblik.example": "localhost", "/etc/ssl/rondblik": str(folder), "127.0.0.1:8050": f"127.0.0.1:{behind}",
            "https://$host": f"https://$host:{secure}",
        },
    )  # fmt: skip
    config = folder / "nginx.conf"
    user = "user root;" if Path("/root").stat().st_uid == 0 and folder.stat().st_uid == 0 else ""
    config.write_text(
        f"{user}daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log; events {{}} http {{ access_log off; "
        f"client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; {server} }}"
    )
    return [shutil.which("nginx") or "/usr/sbin/nginx", "-c", str(config), "-p", str(folder)]


@dataclass(frozen=True)
class TwoRoles:
    """The section about two roles of PostgreSQL, on the server of the tests, with names that no other test uses."""

    port: int
    superuser: str
    tag: str = field(default_factory=lambda: token_hex(4))

    @property
    def url(self) -> str:
        """The database as the role that serves sees it."""
        return f"postgresql+psycopg://app_{self.tag}@127.0.0.1:{self.port}/base_{self.tag}"

    def lines(self, mark: str) -> list[str]:
        """The lines of the block of the page in which something stands."""
        (block,) = [text for text in blocks("sh") if mark in text]
        names = {
            "rondblik_owner": f"owner_{self.tag}", "createuser rondblik": f"createuser app_{self.tag}",
            "template0 rondblik": f"template0 base_{self.tag}", "protect rondblik": f"protect app_{self.tag}",
            "@127.0.0.1/rondblik": f"@127.0.0.1:{self.port}/base_{self.tag}",
        }  # fmt: skip
        for before, after in names.items():
            block = block.replace(before, after)
        return block.splitlines()

    def make(self) -> None:
        """Make the roles and the database, as the administrator of PostgreSQL does."""
        environment = {"PGHOST": "127.0.0.1", "PGPORT": str(self.port), "PGUSER": self.superuser}
        for line in self.lines("CREATE ROLE"):
            *of_whom, command = shlex.split(line)
            assert of_whom == ["su", "postgres", "-c"]
            known = {**os.environ, **environment, "PGDATABASE": "postgres"}
            subprocess.run(["sh", "-c", command], env=known, check=True, capture_output=True)

    def make_tables(self, machine: Machine) -> None:
        """Make and protect the tables, as the owner."""
        setting, *commands = self.lines("db protect")
        name, _equals, url = setting.removeprefix("export ").partition("=")
        for line in commands:
            program, _config, _file, *words = shlex.split(line)
            assert program == "rondblik"
            machine.run(*words, **{name: url})


@pytest.fixture
def machine(postgres: str, tmp_path: Path) -> Iterator[Machine]:
    """The installation of the page, at work, where one role of PostgreSQL owns the tables and another one serves."""
    server = make_url(postgres)
    assert server.port is not None
    assert server.username is not None
    roles = TwoRoles(server.port, server.username)
    roles.make()
    secure, plain, behind = free_port(), free_port(), free_port()
    public = f"https://localhost:{secure}"
    certificate(tmp_path)
    errors = tmp_path / "errors"
    made = Machine(tmp_path, public, errors)
    (text,) = blocks("yaml")
    with provider_running(f"{public}/aanmelden/terug") as provider:
        text = replaced(
            text,
            **{
                "/var/lib/rondblik": str(tmp_path / "data"), "/etc/rondblik": str(tmp_path),
                "postgresql+psycopg:///rondblik": roles.url, "https://rondblik.example": public,
                "https://oidcng.entree.kennisnet.nl": provider.issuer, "rondblik.example": "rondblik",
            },
        )  # fmt: skip
        (tmp_path / "config.yaml").write_text(text)
        (tmp_path / "secrets.yaml").write_text("entree-secret: geheim\n")
        (tmp_path / "secrets.yaml").chmod(0o600)
        (tmp_path / "data").mkdir(mode=0o700)
        roles.make_tables(made)
        made.secret = made.first_administrator()
        with running(nginx_command(tmp_path, secure, plain, behind), tmp_path, errors):
            serve = made.rondblik("serve", "--no-worker", "--port", str(behind))
            with running(serve, tmp_path, errors), running(made.rondblik("worker"), tmp_path, errors):
                wait_for(f"{public}/ready", errors)
                yield made


def insecure() -> ssl.SSLContext:
    """Believes the certificate of the test."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def wait_for(address: str, errors: Path) -> None:
    """Wait until an address answers 200."""
    ends = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(address, timeout=5, context=insecure()):
                return
        except OSError:
            assert time.monotonic() < ends, errors.read_text()
            time.sleep(0.1)


def test_who_is_invited_signs_in_through_nginx_with_tls_and_a_message_comes_in(
    machine: Machine, browser: Browser
) -> None:
    assert "Row-level security keeps the schools apart, and the role that serves cannot switch it off." in machine.run(
        "doctor"
    )
    assert spoken_versions(machine, VERSIONS) == {"TLSv1.2", "TLSv1.3"}
    for ciphers in WEAK_CIPHERS:
        assert spoken_versions(machine, VERSIONS[1:2], ciphers) == set()
    sent = machine.run("sender", "add", "--klantnaam", "Rekenwijs", "--school", "99XX/00")
    code, key = (re.search(rf"{word}\s+(\S+)", sent) for word in ("klantcode", "autorisatiesleutel"))
    assert code is not None
    assert key is not None
    post(machine, enveloped(message(), Account(code[1], "Rekenwijs", key[1]).header))

    context = browser.new_context(ignore_https_errors=True, viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.goto(f"{machine.public}/accounts")
    page.click("summary:has-text('Met een lokaal account')")
    page.fill("#gebruiker", "sam")
    page.fill("#wachtwoord", PASSWORD)
    page.fill("#code", pyotp.TOTP(machine.secret).now())
    page.click("form button")
    page.wait_for_selector("#who > summary:has-text('Sam de Groot')")
    page.click("#invite summary")
    page.fill("#invite input[name=naam]", "Hanna Vos")
    page.select_option("#invite-role", "support")
    page.click("#invite button:has-text('Uitnodiging maken')")
    expect(page.locator("#told")).to_contain_text(f"{machine.public}/uitnodiging/")
    address = page.locator("#told").inner_text().rpartition(" ")[2].strip()
    other = browser.new_context(ignore_https_errors=True)
    invited = other.new_page()
    invited.goto(address)
    invited.click("text=Aanmelden met Entree Federatie")
    at_provider(invited, "hanna")
    invited.wait_for_selector("#who > summary:has-text('Hanna Vos')")
    assert invited.url.startswith(machine.public)
    with invited.expect_navigation():
        invited.evaluate("document.querySelector('[data-keep*=kleur]:not([aria-current])').click()")
    assert invited.evaluate("document.documentElement.dataset.colours") == "dark"
    cookies = {item["name"]: item for item in other.cookies([machine.public])}
    assert {"__Host-rondblik", "__Host-kleur"} <= set(cookies)
    assert [name for name in cookies if not name.startswith("__Host-")] == []
    assert [name for name, item in cookies.items() if not item["secure"]] == []
    for opened in (context, other):
        opened.close()


# Without forward secrecy, or of the kind that was attacked (CBC); nginx of Debian takes both by itself.
WEAK_CIPHERS = ("AES128-GCM-SHA256:@SECLEVEL=0", "ECDHE-RSA-AES128-SHA:@SECLEVEL=0")


VERSIONS = (ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)


def spoken_versions(machine: Machine, versions: Sequence[ssl.TLSVersion], ciphers: str = "ALL:@SECLEVEL=0") -> set[str]:
    """Those of these versions of TLS in which nginx answers; `ciphers` are those of versions before 1.3."""
    port, spoken, refusals = int(machine.public.rpartition(":")[2]), set(), []
    for version in versions:
        context = insecure()
        context.set_ciphers(ciphers)  # so that it is nginx that refuses
        with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
            context.minimum_version = context.maximum_version = version
        with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
            try:
                with context.wrap_socket(plain, server_hostname="localhost") as secure:
                    spoken.add(secure.version() or "")
            except ssl.SSLError as refused:
                refusals.append(str(refused))
    assert all("ALERT" in refusal for refusal in refusals)  # of nginx, and not because this side cannot
    return spoken


def post(machine: Machine, body: bytes) -> None:
    """Send a message of a publisher through nginx; it must be confirmed."""
    request = urllib.request.Request(
        f"{machine.public}/uwlr/leerresultaten", body, {"Content-Type": "text/xml; charset=utf-8"}
    )
    with urllib.request.urlopen(request, timeout=30, context=insecure()) as answer:
        assert b"leerresultaten_bevestiging" in answer.read()


def test_the_units_start_commands_that_exist() -> None:
    units = blocks("ini")
    starts = [re.search(r"^ExecStart=\S+/rondblik --config \S+ (.*)$", unit, re.MULTILINE) for unit in units]
    assert [start[1] for start in starts if start] == ["serve --no-worker", "worker"]
    for start in starts:
        assert start is not None
        done = subprocess.run([str(RONDBLIK), *start[1].split(), "--help"], capture_output=True, check=False)
        assert done.returncode == 0
    assert all("ProtectSystem=strict" in unit and "User=rondblik" in unit for unit in units)


def test_the_configuration_of_the_page_is_valid() -> None:
    (text,) = blocks("yaml")
    assert set(yaml.safe_load(text)) == {
        "data", "secrets", "database", "server", "receive", "log_format", "sign_in", "schools",
    }  # fmt: skip
