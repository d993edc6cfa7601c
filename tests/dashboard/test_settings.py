"""The configuration: what it gives, and the one sentence that it gives where something is wrong."""

from __future__ import annotations

import os
import re
from dataclasses import fields
from pathlib import Path
from typing import get_args

import pytest
import yaml
from sqlalchemy import select

from connectors.intake.pull import PullKind
from dashboard.settings import applying, loading
from dashboard.settings.errors import ConfigError
from dashboard.settings.schema import Las, Publisher, Receive, Sender, Settings
from dashboard.worker.context import make_context
from models.schema import database
from models.schema.tables import schools, source_connections, sources
from models.schema.terms import RetentionPolicy
from tests.conftest import Store

EXAMPLE = Path(__file__).resolve().parents[2] / "config.yaml"

SCHOOL = """
schools:
  - name: De Horizon
    identifications: [{brin: 99XX, dependance: 00}, {schoolkey: horizon-1}]
"""
PUBLISHER = """
publishers:
  - {id: rekenwijs, name: Rekenwijs, kind: soap, address: "https://rekenwijs.example/pull"}
"""


SIGN_IN = """
sign_in:
  - {id: een, name: Een, issuer: "https://een.example", client_id: a, client_secret: hush, schools: [De Horizon]}
"""
SENDER = """
senders:
  - {id: een, customer_name: een, customer_code: hush, keys: [KEYS], covers: [{brin: 99XX}]}
"""
ACCOUNT = "authorisation: {key: KEY, customer_code: RB, customer_name: Rondblik}"


def write(folder: Path, text: str) -> Path:
    path = folder / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def wrong(folder: Path, text: str) -> str:
    with pytest.raises(ConfigError) as error:
        loading.load(write(folder, text))
    sentence = str(error.value)
    assert "config.yaml" in sentence
    assert "\n" not in sentence
    return sentence


def uncommented(text: str) -> str:
    """The example with everything that it shows switched on: a # without a single blank after it is taken away."""
    lines = [re.sub("^#(?! [^ ]|$)", "", line) for line in text.splitlines()]
    return "\n".join(line for line in lines if not line.endswith(": []"))


# -- what it gives -------------------------------------------------------------------------------------------


def test_the_example_is_an_empty_installation_with_the_defaults() -> None:
    found = loading.load(EXAMPLE)
    assert (found.schools, found.publishers) == ((), ())
    assert found.data == EXAMPLE.parent / "data"
    assert found == loading.load(None).model_copy(update={"data": found.data})
    assert (found.server.host, found.server.port) == ("127.0.0.1", 8050)
    assert (found.retention.refused_days, found.retention.accepted_days) == (30, 0)
    assert (found.limits.max_bytes, found.limits.total_seconds) == (512 * 1024 * 1024, 900)


@pytest.mark.parametrize("section", ["receive", "limits"])
def test_the_environment_goes_before_the_file_in_every_section(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, section: str
) -> None:
    monkeypatch.setenv(f"RONDBLIK_{section.upper()}__MAX_BYTES", "5000")
    monkeypatch.setenv("RONDBLIK_RETENTION__REFUSED_DAYS", "3")
    found = loading.load(write(tmp_path, f"{section}: {{max_bytes: 6000}}\nretention: {{accepted_days: 4}}"))
    assert getattr(found, section).max_bytes == 5000
    assert found.retention == RetentionPolicy(refused_days=3, accepted_days=4)


def test_everything_the_example_shows_is_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = uncommented(EXAMPLE.read_text(encoding="utf-8"))
    for name in re.findall(r"{secret: ([a-z-]+)}", text):
        monkeypatch.setenv(f"RONDBLIK_SECRET_{name.upper().replace('-', '_')}", name)
    (tmp_path / "secrets.yaml").touch(mode=0o600)
    found = loading.load(write(tmp_path, text))
    (school,) = found.schools
    assert school.las is not None
    assert school.ref.brin == "99XX"
    assert school.ref.institution == "12345"
    assert [publisher.kind for publisher in found.publishers] == ["soap", "https", "folder"]
    assert found.publishers[1].header_texts == {"Authorization": "toetsvolg-authorization"}
    assert found.database.url is not None
    assert set(yaml.safe_load(text)) == set(Settings.model_fields)
    assert school.las.model_fields_set == set(Las.model_fields) - {"path"}
    (sender,) = yaml.safe_load(text)["senders"]
    assert set(sender) == {field.name for field in fields(Sender) if field.init}
    assert set(yaml.safe_load(text)["receive"]) == {field.name for field in fields(Receive)}
    assert found.publishers[0].model_fields_set == set(Publisher.model_fields) - {"path", "schools"}


def test_codes_stay_text(tmp_path: Path) -> None:
    text = SCHOOL.replace("99XX, dependance: 00", "00AB, dependance: 01").replace("horizon-1", "0123")
    school_ref = loading.load(write(tmp_path, text)).schools[0].ref
    assert (school_ref.brin, school_ref.dependance, school_ref.school_key) == ("00AB", "01", "0123")


def test_paths_are_taken_from_the_folder_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "data: store\n" + SCHOOL + "publishers: [{id: a, name: A, kind: folder, path: inbox}]"
    path = write(tmp_path, text)
    monkeypatch.chdir("/")
    found = loading.load(path)
    assert (found.data, found.publishers[0].path) == (tmp_path / "store", tmp_path / "inbox")
    assert loading.load(path, Path("elders")).data == Path("/elders")


def test_the_environment_goes_before_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RONDBLIK_SERVER__PORT", "8051")
    assert loading.load(write(tmp_path, "server: {port: 8052}")).server.port == 8051


def test_a_secret_comes_from_the_environment_systemd_or_its_file_and_is_never_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = "authorisation: {key: {secret: my-key}, customer_code: RB, customer_name: Rondblik}"
    text = "secrets: secrets.yaml\n" + SCHOOL + PUBLISHER.replace("kind: soap", f"kind: soap, {account}")
    secrets = tmp_path / "secrets.yaml"
    secrets.write_text("my-key: uit-het-bestand\n")
    secrets.chmod(0o600)
    found = loading.load(write(tmp_path, text))
    authorisation = found.publishers[0].authorisation
    assert authorisation is not None
    assert authorisation.key.get_secret_value() == "uit-het-bestand"
    assert "uit-het-bestand" not in repr(found) + str(found) + found.model_dump_json()
    (tmp_path / "credentials").mkdir()
    (tmp_path / "credentials" / "my-key").write_text("van systemd\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "credentials"))
    authorisation = loading.load(write(tmp_path, text)).publishers[0].authorisation
    assert authorisation is not None
    assert authorisation.key.get_secret_value() == "van systemd"
    monkeypatch.setenv("RONDBLIK_SECRET_MY_KEY", "uit-de-omgeving")
    authorisation = loading.load(write(tmp_path, text)).publishers[0].authorisation
    assert authorisation is not None
    assert authorisation.key.get_secret_value() == "uit-de-omgeving"


def test_settings_do_not_change(tmp_path: Path) -> None:
    found = loading.load(write(tmp_path, SCHOOL))
    with pytest.raises(ValueError, match="frozen"):
        found.server = found.server  # type: ignore[misc]


# -- which file ----------------------------------------------------------------------------------------------


def test_the_named_file_counts_then_that_of_the_data_folder_then_the_one_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    data = tmp_path / "data"
    with pytest.raises(ConfigError, match="--config"):
        loading.find_config(None, None)
    assert loading.find_config(None, data) is None
    here = write(tmp_path, "")
    assert loading.find_config(None, None) == Path(here.name)
    assert loading.find_config(None, data) == Path(here.name)
    data.mkdir()
    of_data = write(data, "")
    assert loading.find_config(None, data) == of_data
    assert loading.find_config(Path("ander.yaml"), data) == Path("ander.yaml")


def test_a_named_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is not there"):
        loading.load(tmp_path / "config.yaml")


# -- what is wrong -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "reading"),
    [
        ("portt: 1", "portt is no known key"),
        ("server: {port: veel}", "server.port"),
        ("server: {port: 99999}", "server.port"),
        ("server: {public_address: 'http://rondblik.example'}", "server.public_address must begin with https://"),
        (
            "server: {public_address: 'https://rondblik.example/pad'}",
            "server.public_address must be an address",
        ),
        ("server: {trusted_proxies: [rondblik.example]}", "server.trusted_proxies[0] must be an IP address or network"),
        (SCHOOL + SIGN_IN.replace("schools: [De Horizon]", "own: true"), "sign_in[0] must name either schools or"),
        (SCHOOL + SIGN_IN.replace("schools:", "tenants: {a: [De Horizon]}, schools:"), "either schools or tenants"),
        (SCHOOL + SIGN_IN.replace("schools: [De Horizon]", "tenants: {a: [De Horizon]}"), "needs claims.tenant"),
        (SCHOOL + SIGN_IN.replace("[De Horizon]", "[De Haven]"), "sign_in[0] names a school that does not stand"),
        (SCHOOL + SIGN_IN.replace("https://een", "http://een"), "sign_in[0].issuer must begin with https://"),
        (SCHOOL + SIGN_IN + SIGN_IN.partition("sign_in:")[2], "sign_in[1].id stands there twice"),
        ("sessions: {idle_minutes: 1}", "sessions.idle_minutes must be 5 or more"),
        ("server: {host: 127.0.0.1, host: 127.0.0.1}", "line 1: a key stands there twice"),
        ("database: {url: 'postgresql://x/y'}", "postgresql+psycopg://"),
        ("retention: {refused_days: -1}", "retention.refused_days"),
        ("retention: {days: 1}", "retention.days is no known key"),
        ("retention: 30", "retention must hold keys with values"),
        ("limits: {total_seconds: 0}", "limits.total_seconds must be more than 0"),
        ("limits: {seconds: 1}", "limits.seconds is no known key"),
        ("receive: {max_depth: 4}", "receive.max_depth must be 12 or more"),
        ("receive: {depth: 4}", "receive.depth is no known key"),
        (SENDER.replace("KEYS", "a").replace("id: een", "id: een, test_school: true"), "test_school is no known key"),
        ("schools: [", "line 1"),
        ("data: a\n\tb: c", "line 2"),
        ("- een\n- lijst", "no list of keys"),
        ("schools: [{name: A}]", "schools[0].identifications is missing"),
        ("schools: [{name: A, identifications: []}]", "schools[0].identifications"),
        ("schools: [{name: A, identifications: [{brin: 9XX9}]}]", "schools[0].identifications[0].brin"),
        (
            "schools: [{name: A, identifications: [{brin: 99XX, schoolkey: a}]}]",
            "identifications[0] must hold exactly one of",
        ),
        (
            "schools: [{name: A, identifications: [{brin: 99XX}, {brin: 99XX, dependance: 00}]}]",
            "[0].identifications[1] stands",
        ),
        (SCHOOL + "    las: {id: a, name: A, address: 'https://las.example/'}", "needs authorisation"),
        (PUBLISHER, "publishers[0] must name its school"),
        (
            SCHOOL + PUBLISHER.replace("kind: soap", "kind: soap, school: De Haven"),
            "publishers[0].school names a school that",
        ),
        (SCHOOL + PUBLISHER.replace("kind: soap", "kind: ftp"), "publishers[0].kind"),
        (SCHOOL + PUBLISHER.replace("kind: soap", "kind: folder"), "needs path"),
        (SCHOOL + PUBLISHER.replace("https://", "http://"), "https://"),
        (SCHOOL + PUBLISHER.replace("https://", "https://user:hush@"), "user name or password"),
        (SCHOOL + PUBLISHER.replace("id: rekenwijs", "id: Reken Wijs"), "publishers[0].id"),
        (SCHOOL + PUBLISHER + PUBLISHER.partition("publishers:")[2], "publishers[1].id stands there twice"),
        (SCHOOL + PUBLISHER.replace("kind: soap", "kind: soap, headers: {'A B': c}"), "publishers[0].headers"),
        (SCHOOL + PUBLISHER.replace("kind: soap", "kind: soap, client_key: a.key"), "client_certificate"),
        (SCHOOL + PUBLISHER.replace("kind: soap", "kind: https, operation: X"), "belong to kind soap"),
        (SCHOOL + PUBLISHER.replace("kind: soap", "kind: soap, school_year: volgend"), "publishers[0].school_year"),
        (SCHOOL + PUBLISHER.replace("kind: soap", "kind: soap, headers: {X: {secret: weg}}"), "RONDBLIK_SECRET_WEG"),
    ],
)
def test_what_is_wrong_is_told_with_file_key_and_remedy(tmp_path: Path, text: str, reading: str) -> None:
    sentence = wrong(tmp_path, text)
    assert reading in sentence
    assert "hush" not in sentence


@pytest.mark.parametrize(
    ("text", "nl"),
    [
        ("server: {public_address: 'https://a.example/b'}", "server.public_address moet een adres zonder pad zijn"),
        ("server: {port: veel}", "server.port moet een geheel getal zijn"),
        ("server: {port: 99999}", "server.port mag hoogstens 65535 zijn"),
        ("server: nee", "server moet sleutels met waarden hebben"),
        ("limits: {max_bytes: 10}", "limits.max_bytes moet 1024 of meer zijn"),
        ("limits: {idle_seconds: 0}", "limits.idle_seconds moet meer dan 0 zijn"),
        ("database: {url: 'x://y'}", "database.url moet beginnen met sqlite:///"),
        ("schools: [{name: A, identifications: []}]", "schools[0].identifications heeft te weinig regels"),
        ("schools: [{name: A, identifications: [{brin: 9}]}]", "schools[0].identifications[0].brin is geen brincode"),
        (
            SCHOOL + PUBLISHER.replace("kind: soap", "kind: ftp"),
            f"publishers[0].kind moet een van deze zijn: {', '.join(map(repr, get_args(PullKind)))}",
        ),
        (
            SCHOOL + PUBLISHER.replace("kind: soap", "kind: soap, school: De Haven"),
            "publishers[0].school noemt een school die niet in schools staat; neem de naam daaruit over",
        ),
        (SCHOOL + PUBLISHER.replace("https://", "ftp://"), "publishers[0].address is geen adres"),
        (SCHOOL + PUBLISHER.replace("id: rekenwijs", "id: Reken Wijs"), "publishers[0].id heeft niet de vorm"),
        (SENDER.replace("KEYS", "a, b, c"), "senders[0].keys heeft te veel regels; houd er hoogstens 2 over"),
        (
            SENDER.replace("KEYS", "a") + SENDER.partition("senders:")[2].replace("KEYS", "b").replace("een", "twee"),
            "senders[1].customer_code staat er twee keer",
        ),
        (
            SCHOOL + PUBLISHER.replace("kind: soap", "kind: soap, " + ACCOUNT.replace("KEY", "a" * 65)),
            "publishers[0].authorisation.key moet 1 tot 64 tekens hebben",
        ),
        (
            SCHOOL + PUBLISHER.replace("kind: soap", "kind: soap, " + ACCOUNT.replace("RB", '"a\\tb"')),
            "publishers[0].authorisation.customer_code moet 1 tot 64 tekens hebben",
        ),
    ],
)
def test_the_dutch_half_says_key_and_remedy_too(tmp_path: Path, text: str, nl: str) -> None:
    dutch, _, english = wrong(tmp_path, text).partition(" / ")
    assert nl in dutch
    assert "Engelse zin" not in dutch
    assert nl.partition(" ")[0] in english


def test_a_wrong_value_is_not_repeated(tmp_path: Path) -> None:
    account = "authorisation: {key: geheim-1, customer_code: geheim-2, customer_name: geheim-3, x: geheim-4}"
    sentence = wrong(tmp_path, SCHOOL + PUBLISHER.replace("kind: soap", f"kind: soap, {account}"))
    assert "publishers[0].authorisation.x" in sentence
    assert "geheim" not in sentence


def test_secrets_that_others_can_read_are_refused(tmp_path: Path) -> None:
    (tmp_path / "secrets.yaml").write_text("a: b")
    os.chmod(tmp_path / "secrets.yaml", 0o644)
    text = "secrets: secrets.yaml\n" + SCHOOL + PUBLISHER.replace("kind: soap", "kind: soap, headers: {X: {secret: a}}")
    with pytest.raises(ConfigError, match="chmod 600"):
        loading.load(write(tmp_path, text))


# -- the rows ------------------------------------------------------------------------------------------------


def test_schools_sources_and_couplings_follow_the_configuration(store: Store, tmp_path: Path) -> None:
    las = (
        "    las: {id: las, name: Schoolbeheer, address: 'https://las.example/',"
        " authorisation: {key: k, customer_code: RB, customer_name: Rondblik}}"
    )
    found = loading.load(write(tmp_path, SCHOOL + las + PUBLISHER.replace("kind: soap", "kind: soap, material: Reken")))
    first = applying.apply(found, store.engine)
    assert applying.apply(found, store.engine) == first
    assert [(connection_config.source.id, connection_config.row.role) for connection_config in first] == [
        ("las", "las"),
        ("rekenwijs", "publisher"),
    ]
    assert set(make_context(found, store.engine, store.cipher, first).polls) == {(1, 1), (1, 2)}
    applying.apply(found.model_copy(update={"publishers": ()}), store.engine)
    with database.read_transaction(store.engine) as connection:
        assert connection.scalars(select(schools.c.name)).all() == ["De Horizon"]
        assert connection.execute(select(sources.c.key, sources.c.material)).all() == [
            ("las", None),
            ("rekenwijs", "Reken"),
        ]
        active = select(source_connections.c.source_id, source_connections.c.active).order_by(
            source_connections.c.source_id
        )
        assert connection.execute(active).all() == [(1, True), (2, False)]


def test_a_request_template_that_is_not_there_is_told(store: Store, tmp_path: Path) -> None:
    text = SCHOOL + PUBLISHER.replace("kind: soap", "kind: soap, request_template: weg.xml")
    found = loading.load(write(tmp_path, text))
    with pytest.raises(ConfigError, match=r"weg\.xml"):
        make_context(found, store.engine, store.cipher, applying.apply(found, store.engine))
