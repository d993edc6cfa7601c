"""A local account: made by an operator, with a password and a code that works once, and few attempts."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import flask
import pyotp
import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from sqlalchemy import select

from dashboard.cli import main
from models.access import local_accounts
from models.access.accounts import make_administrator
from models.access.audit import open_audit
from models.schema import clock, database
from models.schema.rate_limit import Rate
from models.schema.tables import metadata
from tests.conftest import Store
from tests.dashboard import school
from tests.dashboard.test_web import shown_page
from tests.sign_in.conftest import HERE, OWN, MakeApp

PASSWORD = "een lang wachtwoord"
ARGON2ID = b"$argon2id$v=19$m=65536,t=3,p=4$"  # 64 MiB, three passes
NOWHERE = "http://127.0.0.1:9"


class Account:
    """The local account of an administrator, and what an authenticator app shows."""

    def __init__(self, store: Store) -> None:
        with database.write_transaction(store.engine) as connection:
            account_id, self.made = local_accounts.add(connection, store.cipher, "sam", "Sam de Groot", PASSWORD)
            make_administrator(connection, account_id, school.SCHOOL, "test")

    def code(self, steps: int = 0) -> str:
        """The code of now, or of some steps of half a minute from now."""
        return pyotp.TOTP(self.made.totp_secret).at(int(clock.now().timestamp()) + 30 * steps)


@pytest.fixture
def account(school_store: Store) -> Account:
    """A local account."""
    return Account(school_store)


@pytest.fixture
def web(make_app: MakeApp, account: Account) -> flask.Flask:
    """The web app where that account signs in."""
    return make_app(NOWHERE, local=True)


def sign_in(web: flask.Flask, code: str, password: str = PASSWORD, user: str = "sam") -> tuple[int, FlaskClient]:
    """Type it in on the page; the status of the answer, and the browser."""
    client = web.test_client()
    assert "Gebruikersnaam" in client.get("/aanmelden", base_url=HERE).text
    form = {"gebruiker": user, "wachtwoord": password, "code": code, "naar": "/koppelingen"}
    return client.post("/aanmelden", data=form, base_url=HERE, headers=OWN).status_code, client


def test_password_and_code_lead_in_as_administrator(web: flask.Flask, account: Account) -> None:
    status, client = sign_in(web, account.code())
    assert status == 303
    with client:
        assert client.get("/koppelingen", base_url=HERE).status_code == 200
        assert (flask.g.user.name, flask.g.user.role.value) == ("Sam de Groot", "administrator")


def test_a_code_works_once_and_not_after_a_later_one(web: flask.Flask, account: Account) -> None:
    with clock.fixed(school.NOW):
        first = account.code()
        assert sign_in(web, first)[0] == 303
        assert sign_in(web, first)[0] == 403
    with clock.fixed(school.NOW + timedelta(minutes=1)):
        assert sign_in(web, f"{account.code()[:3]} {account.code()[3:]}")[0] == 303
        assert sign_in(web, account.code(-1))[0] == 403


def test_a_recovery_code_works_once(web: flask.Flask, account: Account) -> None:
    first, second = account.made.recovery_codes[:2]
    assert [sign_in(web, code)[0] for code in (first, first, second)] == [303, 403, 303]


def test_a_session_ends_with_the_next_sign_in_and_with_a_new_password(
    web: flask.Flask, account: Account, school_store: Store
) -> None:
    codes, tokens = account.made.recovery_codes, []
    client = sign_in(web, codes[0])[1]
    for code in (None, codes[1]):
        if code is not None:
            form = {"gebruiker": "sam", "wachtwoord": PASSWORD, "code": code, "naar": "/koppelingen"}
            assert client.post("/aanmelden", data=form, base_url=HERE, headers=OWN).status_code == 303
        cookie = client.get_cookie("rondblik_session", domain="localhost")
        assert cookie is not None
        tokens.append(cookie.value)
    first, second = (web.test_client(), web.test_client())
    for browser, token in zip((first, second), tokens, strict=True):
        browser.set_cookie("rondblik_session", token, domain="localhost")
    assert tokens[0] != tokens[1]
    assert [browser.get("/koppelingen", base_url=HERE).status_code for browser in (first, second)] == [302, 200]
    with database.write_transaction(school_store.engine) as connection:
        local_accounts.add(connection, school_store.cipher, "sam", "Sam de Groot", PASSWORD)
    assert second.get("/koppelingen", base_url=HERE).status_code == 302


@pytest.mark.parametrize(("user", "password"), [("sam", "een ander wachtwoord"), ("niemand", PASSWORD), ("", "")])
def test_another_password_or_name_is_refused_alike(
    web: flask.Flask, account: Account, user: str, password: str
) -> None:
    client = web.test_client()
    client.get("/aanmelden", base_url=HERE)
    form = {"gebruiker": user, "wachtwoord": password, "code": account.code()}
    answer = client.post("/aanmelden", data=form, base_url=HERE, headers=OWN | {"Accept": "application/json"})
    error = "Gebruikersnaam, wachtwoord of code klopt niet; een code werkt één keer. Probeer het opnieuw"
    assert (answer.status_code, (answer.json or {})["error"].startswith(error)) == (403, True)
    assert "Set-Cookie" not in answer.headers


def test_a_password_counts_to_its_last_character(web: flask.Flask, school_store: Store) -> None:
    longest = "é" * local_accounts.MAX_PASSWORD
    with database.write_transaction(school_store.engine) as connection:
        _, made = local_accounts.add(connection, school_store.cipher, "sam", "Sam de Groot", longest)
    for typed, status in ((longest + "é", 403), (longest[:-1], 403), (longest.upper(), 403), (longest, 303)):
        assert sign_in(web, made.recovery_codes[0], typed)[0] == status


def test_whoever_guesses_is_stopped_and_goes_on_after_a_quarter(web: flask.Flask, account: Account) -> None:
    with clock.fixed(school.NOW):
        assert [sign_in(web, "000000", f"gok nummer {number}")[0] for number in range(6)] == [403] * 5 + [429]
        assert sign_in(web, account.code())[0] == 429
    with clock.fixed(school.NOW + timedelta(minutes=16)):
        assert sign_in(web, account.code())[0] == 303


def tried(client: FlaskClient, address: str, code: str, password: str = PASSWORD) -> int:
    """Type it in from an address; the status of the answer."""
    client.get("/aanmelden", base_url=HERE)
    form = {"gebruiker": "sam", "wachtwoord": password, "code": code, "naar": "/koppelingen"}
    from_there = {"REMOTE_ADDR": address}
    answer = client.post("/aanmelden", data=form, base_url=HERE, headers=OWN, environ_overrides=from_there)
    return answer.status_code


SOMEBODY, OWNER = "203.0.113.9", "198.51.100.7"


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two attempts in place of five: to verify a password takes a while."""
    for name in ("OF_BROWSER", "OF_USER", "OF_CODES"):
        monkeypatch.setattr(f"dashboard.server.attempts.{name}", Rate(2, 900.0))


@pytest.mark.usefixtures("few")
def test_nobody_locks_the_owner_out(web: flask.Flask, account: Account) -> None:
    codes = iter(account.made.recovery_codes)
    with clock.fixed(school.NOW):
        known = web.test_client()
        assert tried(known, OWNER, next(codes)) == 303
        others = {tried(web.test_client(), SOMEBODY, "000000", f"gok {number}") for number in range(3)}
        assert others == {403, 429}
        assert tried(web.test_client(), OWNER, next(codes)) == 303  # in a browser that is not known yet
        assert tried(web.test_client(), OWNER, "000000", "gok") == 429
        known.delete_cookie("rondblik_session", domain="localhost")
        assert tried(known, OWNER, next(codes)) == 303  # behind the same address, in a known browser
        cookie = known.get_cookie("rondblik_known", domain="localhost")
        assert cookie is not None
        assert cookie.http_only
        assert "sam" not in cookie.value
        forged = web.test_client()
        for value in (f"x{cookie.value}", cookie.value[:-1] + "z", ".", "", "é.é"):
            forged.set_cookie("rondblik_known", value, domain="localhost")
            assert tried(forged, OWNER, next(codes)) == 429
        assert [tried(known, OWNER, "000000", "gok") for _ in range(3)][-1] == 429  # guessing there stops too


@pytest.mark.usefixtures("few")
def test_who_has_the_password_guesses_few_codes_from_however_many_addresses(web: flask.Flask, account: Account) -> None:
    codes = account.made.recovery_codes
    with clock.fixed(school.NOW):
        known = web.test_client()
        assert tried(known, OWNER, codes[0]) == 303
        assert {tried(web.test_client(), f"203.0.113.{number}", "000000") for number in range(2)} == {403}
        assert tried(web.test_client(), "203.0.113.99", codes[1]) == 403  # it is not looked at any more
        known.delete_cookie("rondblik_session", domain="localhost")
        assert tried(known, OWNER, codes[1]) == 303
    with clock.fixed(school.NOW + timedelta(minutes=16)):
        assert tried(web.test_client(), "203.0.113.99", codes[2]) == 303


NEW = "nog een veel langer geheim"


def changed(client: FlaskClient, **fields: str) -> tuple[int, str]:
    """Send the form for another password; the status, and what it says."""
    form = {"oud": PASSWORD, "nieuw": NEW, "nogmaals": NEW, **fields}
    answer = client.post(
        "/aanmelden/wachtwoord", data=form, base_url=HERE, headers=OWN | {"Accept": "application/json"}
    )
    return answer.status_code, answer.headers.get("Location") or str((answer.json or {}).get("error"))


def test_whoever_has_the_old_password_and_a_code_changes_it_and_all_sessions_end(
    web: flask.Flask, account: Account, school_store: Store
) -> None:
    (_status, client), (_again, other) = sign_in(web, account.code(-1)), sign_in(web, account.code())
    for browser in (client, other):
        browser.get("/koppelingen", base_url=HERE)
    assert '"href": "/aanmelden/wachtwoord"' in shown_page(client, "/accounts")
    assert "Wachtwoord wijzigen" in client.get("/aanmelden/wachtwoord", base_url=HERE).text
    client.get("/koppelingen", base_url=HERE)
    assert changed(client, code=account.made.recovery_codes[0]) == (303, "/aanmelden")
    log = open_audit(school_store.engine, school_store.cipher).export(school.SCHOOL)
    assert [str(event["about"]) for event in log][-1].startswith("{'action': 'password changed'")
    for browser in (client, other):
        assert browser.get("/koppelingen", base_url=HERE).headers["Location"].startswith("/aanmelden")
    assert sign_in(web, account.made.recovery_codes[1])[0] == 403
    assert sign_in(web, account.made.recovery_codes[1], NEW)[0] == 303


def test_a_password_stays_where_something_is_not_right(web: flask.Flask, account: Account) -> None:
    _status, client = sign_in(web, account.code())
    client.get("/koppelingen", base_url=HERE)
    wrong: tuple[tuple[dict[str, str], str], ...] = (
        ({"oud": "een ander wachtwoord"}, "klopt niet"), ({"code": "000000"}, "klopt niet"),
        ({"oud": ""}, "klopt niet"), ({"nogmaals": "iets anders"}, "op twee manieren"),
        *(({"nieuw": new, "nogmaals": new}, sentence) for new, sentence in (
            ("te kort", "12 tot 256"), ("x" * 257, "12 tot 256"), ("hier woont de groot", "andere woorden"),
            ("op de wissel werk ik", "andere woorden"), ("Rondblik is van mij", "andere woorden"),
        )),
    )  # fmt: skip
    for fields, sentence in wrong:
        status, said = changed(client, **{"code": account.made.recovery_codes[0], **fields})
        assert (status, sentence in said) == (422, True), fields
    assert sign_in(web, account.made.recovery_codes[1])[0] == 303


def test_a_password_is_guessed_a_few_times_and_nobody_without_one_gets_the_form(
    web: flask.Flask, account: Account
) -> None:
    _status, client = sign_in(web, account.code())
    client.get("/koppelingen", base_url=HERE)
    attempts = [changed(client, oud=f"gok nummer {number}", code="000000")[0] for number in range(6)]
    assert attempts == [422] * 5 + [429]
    nobody = web.test_client()
    assert nobody.get("/aanmelden/wachtwoord", base_url=HERE).status_code == 404
    assert changed(nobody, code="1")[0] in (400, 404, 409)


def test_a_form_of_another_site_signs_nobody_in(web: flask.Flask, account: Account) -> None:
    client = web.test_client()
    client.get("/aanmelden", base_url=HERE)
    form = {"gebruiker": "sam", "wachtwoord": PASSWORD, "code": account.code()}
    answer = client.post("/aanmelden", data=form, base_url=HERE, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403


ODD = ("", "a\0b", "x" * 100_000, "٣٣٣٣٣٣", "\ud800".encode("utf-8", "surrogatepass"), "[]", "9" * 5_000)


def test_odd_texts_are_refused_as_any_other(
    web: flask.Flask, account: Account, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboard.server.attempts.OF_ADDRESS", Rate(1000, 1.0))
    client = web.test_client()
    client.get("/aanmelden", base_url=HERE)
    right = {"gebruiker": "sam", "wachtwoord": PASSWORD, "code": "000000", "naar": "/"}
    for name in right:
        for text in ODD:
            with clock.fixed(school.NOW + timedelta(days=len(caplog.records))):
                answer = client.post("/aanmelden", data=right | {name: text}, base_url=HERE, headers=OWN)
            assert answer.status_code in (403, 429), (name, text[:9])
    for path in ("/aanmelden/terug?state=%00&code=%ED%A0%80", "/uitnodiging/%00", "/aanmelden?naar=%ED%A0%80"):
        assert client.get(path, base_url=HERE).status_code in (200, 403, 404)
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def test_the_database_holds_neither_password_nor_secret(school_store: Store, account: Account) -> None:
    with database.read_transaction(school_store.engine) as connection:
        rows = [row for table in metadata.sorted_tables for row in connection.execute(select(table))]
    held = [value.encode() if isinstance(value, str) else value for row in rows for value in row]
    secrets = (PASSWORD, account.made.totp_secret, *account.made.recovery_codes)
    assert not [value for value in held if isinstance(value, bytes) and any(s.encode() in value for s in secrets)]
    assert len([value for value in held if isinstance(value, bytes) and value.startswith(ARGON2ID)]) == 1


def test_without_a_local_account_there_is_no_form_and_nobody_gets_in(make_app: MakeApp) -> None:
    client = make_app(NOWHERE).test_client()
    assert "Gebruikersnaam" not in client.get("/aanmelden", base_url=HERE).text
    form = {"gebruiker": "sam", "wachtwoord": PASSWORD, "code": "000000"}
    assert client.post("/aanmelden", data=form, base_url=HERE, headers=OWN).status_code == 404


# -- the command ---------------------------------------------------------------------------------------------------

CONFIG = """
schools:
  - {name: De Horizon, identifications: [{brin: 99XX, dependance: "00"}]}
"""


def run(folder: Path, *command: str, password: str = PASSWORD) -> tuple[int, str]:
    """`rondblik account ...`; exit code and what was printed."""
    (folder / "config.yaml").write_text(CONFIG)
    outcome = CliRunner().invoke(
        main.commands, ["--data", str(folder), "account", *command], env={"GEHEIM": password}, standalone_mode=False
    )
    return (0 if outcome.exception is None else 2), f"{outcome.output}{outcome.exception or ''}"


def test_the_command_makes_an_administrator_and_prints_the_secrets_once(tmp_path: Path) -> None:
    made = ("add", "sam", "--name", "Sam", "--school", "99XX/00", "--password-env", "GEHEIM")
    code, printed = run(tmp_path, *made)
    assert code == 0
    assert re.search(r"otpauth://totp/Rondblik:sam\?secret=[A-Z2-7]{32}&issuer=Rondblik", printed)
    assert len(re.findall(r"recovery code +(?:[0-9a-f]{8}-){3}[0-9a-f]{8}\n", printed)) == 10
    assert PASSWORD not in printed
    assert run(tmp_path, "list") == (0, "Sam\n")
    assert run(tmp_path, *made)[0] == 0  # a new password and codes
    assert run(tmp_path, "list") == (0, "Sam\n")
    assert run(tmp_path, "remove", "sam")[0] == 0
    assert run(tmp_path, "list") == (0, "")


@pytest.mark.parametrize(
    ("command", "password", "sentence"),
    [
        (("add", "sam", "--school", "99XX/00"), "te kort", "12 to 256 characters"),
        (("add", "sam", "--school", "99XX/00"), "mijn-RONDBLIK-geheim", "may not hold 'rondblik'"),
        (("add", "samuel", "--school", "99XX/00"), "lang en Samuel-achtig", "may not hold 'samuel'"),
        (("add", "sam", "--school", "99XX/00"), "99xx is een school", "may not hold '99xx'"),
        (("add", "sam", "--school", "99XX/00"), "aan de horizon thuis", "may not hold 'horizon'"),
        (("add", "sam", "--school", "11ZZ/00"), PASSWORD, "there is no such school"),
        (("add", "Sam Groot", "--school", "99XX/00"), PASSWORD, "small letters"),
    ],
)
def test_what_cannot_be_made_is_one_sentence(
    tmp_path: Path, command: tuple[str, ...], password: str, sentence: str
) -> None:
    code, printed = run(tmp_path, *command, "--name", "Sam", "--password-env", "GEHEIM", password=password)
    assert (code, sentence in printed) == (2, True)
    assert run(tmp_path, "remove", "sam")[0] == 2
