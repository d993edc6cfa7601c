"""SOAP clients that nobody here wrote, each with the results of a class: what they mean is what is stored."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
import zeep
from lxml import etree
from sqlalchemy import Row, select

from connectors.intake.push import ReceiverContext
from connectors.uwlr import names
from connectors.uwlr.envelope import Authorisation
from models.schema import database
from models.schema.encrypted_columns import place
from models.schema.records import SCALE
from models.schema.tables import deliveries, identifiers, parts, results
from tests.conftest import Store
from tests.peers import npm
from tests.peers.service import (
    ACCOUNT,
    PUPILS,
    QUESTIONS,
    When,
    add_sender,
    class_message,
    enveloped,
    present,
    score,
    serving,
    wanted,
)

HERE = Path(__file__).parent
SECONDS = 60


@dataclass(frozen=True)
class Said:
    """What a client tells whoever called it: a confirmation, or a code with a sentence."""

    confirmed: bool
    code: str = ""
    message: str = ""


Client = Callable[[str, Authorisation, When], Said]


def run(*command: str) -> Said:
    """What a client in a process of its own said as JSON."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode in (0, 3), done.stdout + done.stderr
    reading = json.loads(done.stdout)
    if done.returncode == 0:
        return Said("answer" in reading)
    return Said(False, reading["faultcode"], reading["message"])


def arguments(address: str, account: Authorisation, when: When) -> tuple[str, ...]:
    return (address, account.key, account.customer_code, account.customer_name, when.year, when.day, when.created)


def needs(package: str, *command: str) -> None:
    """Fail, and name the package, where a command does not work."""
    if shutil.which(command[0]) is None or subprocess.run(command, capture_output=True, timeout=SECONDS).returncode:
        pytest.fail(f"{package} is not installed: apt-get install {package}")


def with_php(address: str, account: Authorisation, when: When) -> Said:
    needs("php-cli", "php", "--version")
    needs("php-soap", "php", "-r", "exit(extension_loaded('soap') ? 0 : 1);")
    return run("php", str(HERE / "php/send.php"), *arguments(address, account, when))


def with_node(address: str, account: Authorisation, when: When) -> Said:
    npm.installed(HERE / "node")
    return run("node", str(HERE / "node/send.mjs"), *arguments(address, account, when))


def with_perl(address: str, account: Authorisation, when: When) -> Said:
    needs("libsoap-lite-perl", "perl", "-MSOAP::Lite", "-e", "1")
    return run("perl", str(HERE / "perl/send.pl"), *arguments(address, account, when))


def with_curl(address: str, account: Authorisation, when: When) -> Said:
    needs("curl", "curl", "--version")
    done = subprocess.run(
        ["curl", "--silent", "--show-error", "--write-out", "\n%{http_code} %{content_type}", "--data-binary", "@-",
         "--header", "Content-Type: text/xml; charset=utf-8", "--header", "SOAPAction: BrengLeerresultaten", address],
        input=enveloped(class_message(when), account), capture_output=True, timeout=SECONDS, check=True,
    )  # fmt: skip
    body, _, status = done.stdout.rpartition(b"\n")
    answer = etree.fromstring(body)
    if status == b"200 text/xml; charset=utf-8":
        return Said(answer.find(".//{*}Body/{*}leerresultaten_bevestiging") is not None)
    assert status == b"500 text/xml; charset=utf-8"
    return Said(False, answer.findtext(".//faultcode") or "", answer.findtext(".//faultstring") or "")


def class_for_zeep(when: When, least: int = 0) -> dict[str, Any]:
    """The class as the dictionary that zeep takes; no score below `least`."""
    day = date.fromisoformat(when.day)
    sittings = [
        {
            "leerlingid": f"L{pupil}",
            "resultaten": {
                "resultaat": [
                    {
                        "key": f"L{pupil}-V{question}",
                        "afnamedatum": day,
                        "toetscode": "T1",
                        "toetsonderdeelcode": f"V{question}",
                        "score": max(score(pupil, question), least),
                    }
                    for question in range(1, QUESTIONS + 1)
                ]
            },
        }
        for pupil in range(1, PUPILS + 1)
    ]
    of_test = [
        {"toetsonderdeelvolgnummer": question, "toetsonderdeelcode": f"V{question}"}
        for question in range(1, QUESTIONS + 1)
    ]
    created = datetime.fromisoformat(when.created)
    return {
        "school": {"schooljaar": when.year, "brincode": "99XX", "aanmaakdatum": created, "xsdversie": "2.2"},
        "toetsafnames": {"toetsafname": sittings},
        "toetsen": {
            "toets": [
                {
                    "toetscode": "T1",
                    "toetsnaam": "Rekenen & tellen",
                    "toetsonderdelen": {"toetsonderdeel": of_test},
                }
            ]
        },
    }


def send_with_zeep(described: str, account: Authorisation, message: dict[str, Any]) -> Said:
    """Send a message by the WSDL at an address."""
    with requests.Session() as session:
        client = zeep.Client(
            described, transport=zeep.Transport(timeout=SECONDS, operation_timeout=SECONDS, session=session)
        )
        header = client.get_element(f"{{{names.AUT}}}autorisatie")(
            autorisatiesleutel=account.key, klantcode=account.customer_code, klantnaam=account.customer_name
        )
        try:
            client.service.BrengLeerresultaten(**message, _soapheaders=[header])
        except zeep.exceptions.Fault as fault:
            return Said(False, fault.code, str(fault))
    return Said(True)


def with_zeep(address: str, account: Authorisation, when: When) -> Said:
    return send_with_zeep(f"{address}?wsdl", account, class_for_zeep(when))


CLIENTS: dict[str, Client] = {
    "zeep": with_zeep, "php": with_php, "node-soap": with_node, "soap-lite": with_perl, "curl": with_curl
}  # fmt: skip


@pytest.fixture
def address(every_app: None, store: Store) -> Iterator[str]:
    """The service, with a sender that keeps to the letter of 2.2."""
    add_sender(store)
    with serving(ReceiverContext(store.engine, store.cipher)) as served:
        yield served


def stored(store: Store) -> dict[str, tuple[str, str, int | None]]:
    """Pupil, part and score of every result, by its key."""
    query = (
        select(results.c.key, identifiers, parts.c.code, results.c.score)
        .join(identifiers, identifiers.c.id == results.c.identifier_id)
        .join(parts, parts.c.id == results.c.part_id)
    )
    with database.read_transaction(store.engine) as connection:
        return {row.key: (_pupil(store, row), row.code, row.score) for row in connection.execute(query)}


def _pupil(store: Store, row: Row[Any]) -> str:
    return store.cipher.decrypt(row.sealed, place(identifiers.c.sealed, row.school_id, row.id)).decode()


@pytest.mark.parametrize("name", CLIENTS)
def test_a_class_arrives_as_it_was_meant(store: Store, address: str, name: str) -> None:
    assert CLIENTS[name](address, ACCOUNT, present()) == Said(True)
    meant = {key: (pupil, part, number * SCALE) for key, (pupil, part, number) in wanted().items()}
    assert len(meant) == 868
    assert sum(number == 0 for _, _, number in meant.values()) > 300
    assert stored(store) == meant


@pytest.mark.parametrize("name", CLIENTS)
def test_the_sentence_about_a_wrong_key_reaches_the_caller(store: Store, address: str, name: str) -> None:
    reading = CLIENTS[name](address, replace(ACCOUNT, key="van-een-ander"), present())
    assert not reading.confirmed
    assert reading.code.endswith("Client.AutorisatieOngeldig")
    assert "om de sleutel die nu geldt" in reading.message
    assert "van-een-ander" not in reading.message
    assert stored(store) == {}
    with database.read_transaction(store.engine) as connection:
        assert connection.execute(select(deliveries.c.fault)).scalars().all() == ["Client.AutorisatieOngeldig"]


def test_by_the_standards_own_wsdl_zeep_drops_a_zero_and_is_told_so(store: Store, address: str) -> None:
    reading = send_with_zeep(f"{address}?wsdl=official", ACCOUNT, class_for_zeep(present()))
    assert reading.code.endswith("Client.OngeldigBericht")
    assert "result.none" in reading.message
    assert stored(store) == {}


def test_by_the_standards_own_wsdl_all_else_arrives(store: Store, address: str) -> None:
    assert send_with_zeep(f"{address}?wsdl=official", ACCOUNT, class_for_zeep(present(), least=1)) == Said(True)
    assert len(stored(store)) == 868
