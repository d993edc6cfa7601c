"""`rondblik sender` and `rondblik quarantine`: as an operator types them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.intake import spool
from connectors.push import Desk, deliver
from dashboard import cli
from models import clock
from models.database import open_engine, sqlite_url
from models.records import Verdict
from models.sealing import Seal
from models.store import Receipt
from tests.connectors.sending import Account, enveloped
from tests.uwlr.messages import message

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _noon(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    with clock.fixed(NOW):
        yield


class Operator:
    """Somebody at the command line."""

    def __init__(self, capsys: pytest.CaptureFixture[str], data: Path) -> None:
        self.capsys = capsys
        self.data = data

    def type(self, *words: str) -> tuple[int, str, str]:
        code = cli.run(["--data", str(self.data), *words])
        said = self.capsys.readouterr()
        return code, said.out, said.err

    def add(self, *words: str) -> Account:
        code, out, _ = self.type("sender", "add", "--klantnaam", "Rekenwijs", "--school", "99XX/00", *words)
        assert code == 0
        told = dict(line.split(maxsplit=1) for line in out.splitlines())
        return Account(told["klantcode"], told["klantnaam"], told["autorisatiesleutel"])

    def send(self, body: bytes) -> Receipt:
        engine = open_engine(sqlite_url(self.data))
        with spool([body]) as spooled:
            receipt = deliver(Desk(engine, Seal.of_folder(self.data)), spooled)
        engine.dispose()
        return receipt


@pytest.fixture
def operator(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Operator:
    return Operator(capsys, tmp_path / "data")


def test_a_sender_that_was_added_can_send(operator: Operator) -> None:
    made = operator.add()
    assert len(made.key) >= 22
    assert operator.send(enveloped(message(), made.header)).verdict is Verdict.ACCEPT
    assert operator.send(enveloped(message(brin="99YY"), made.header)).fault == "Client.AutorisatieOngeldig"


def test_codes_and_keys_are_shown_once(operator: Operator) -> None:
    made = operator.add()
    for words in (("sender", "list"), ("sender", "list", "--json")):
        code, out, err = operator.type(*words)
        assert (code, "Rekenwijs" in out) == (0, True)
        assert made.key not in out + err
        assert made.code not in out + err
    told = json.loads(operator.type("sender", "list", "--json")[1])
    assert told["keys"] == [{"key": 1, "made": "2026-11-20", "revoked": None, "schools": ["99XX/00"]}]


def test_keys_take_turns(operator: Operator) -> None:
    made = operator.add()
    code, out, _ = operator.type("sender", "key", "--klantnaam", "Rekenwijs", "--school", "99XX/00")
    assert code == 0
    renewed = Account(made.code, made.name, out.split()[1])
    code, _, err = operator.type("sender", "key", "--klantnaam", "Rekenwijs", "--school", "99XX/00")
    assert (code, "revoke one first" in err) == (2, True)
    assert operator.type("sender", "revoke", "--klantnaam", "Rekenwijs", "--key", "1")[0] == 0
    assert operator.send(enveloped(message(), made.header)).fault == "Client.AutorisatieOngeldig"
    assert operator.send(enveloped(message(), renewed.header)).verdict is Verdict.ACCEPT
    assert operator.type("sender", "revoke", "--klantnaam", "Rekenwijs", "--key", "1")[0] == 2


def test_what_was_agreed_can_change(operator: Operator) -> None:
    made = operator.add("--policy", "tolerant", "--tolerance", "score.decimal")
    body = enveloped(message(scores=["7.5", "X"]), made.header)
    assert operator.send(body).fault == "Client.ScoreOngeldig"
    assert operator.type("sender", "set", "--klantnaam", "Rekenwijs", "--tolerance", "score.not-offered")[0] == 0
    assert operator.send(enveloped(message(scores=["X"]), made.header)).verdict is Verdict.WARN
    code, _, err = operator.type("sender", "set", "--klantnaam", "Rekenwijs", "--tolerance", "xml.doctype")
    assert (code, "no tolerance" in err) == (2, True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("sender", "add", "--klantnaam", "A", "--school", "99xx"), "99XX/00"),
        (("sender", "add", "--klantnaam", "Rekenwijs", "--school", "99XX"), "There is a sender"),
        (("sender", "key", "--klantnaam", "Niemand", "--school", "99XX"), "no sender"),
        (("sender", "add", "--klantnaam", "A", "--school", "99XX", "--id", "A B"), "small letters"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(operator: Operator, words: tuple[str, ...], said: str) -> None:
    operator.add()
    code, out, err = operator.type(*words)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert said in err


def test_quarantine_is_listed_shown_and_judged_anew(operator: Operator) -> None:
    made = operator.add("--version", "2.3")
    operator.send(enveloped(message(leerlingid="leerling-4711"), made.header))
    code, out, _ = operator.type("quarantine", "list")
    assert (code, "Client.XsdVersieOngeldig" in out) == (0, True)
    number = out.split()[0]
    code, out, _ = operator.type("quarantine", "show", number)
    assert (code, "<score>7</score>" in out, "leerling-4711" in out, made.key in out) == (0, True, False, False)
    assert operator.type("quarantine", "replay", number)[0] == 1
    operator.type("sender", "set", "--klantnaam", "Rekenwijs", "--version", "2.2")
    assert operator.type("quarantine", "replay", "--all")[:2] == (0, f"{number}: 1 results\n")
    assert operator.type("quarantine", "list")[1] == ""
    assert operator.type("quarantine", "show", number)[0] == 2
    assert operator.type("quarantine", "replay", number)[0] == 2
    assert operator.type("quarantine", "replay")[0] == 2


CONFIG = """\
data: data
schools: [{name: De Horizon, identifications: [{brin: 99XX}]}]
senders:
  - {id: rekenwijs, customer_name: Rekenwijs, customer_code: KLANT, keys: [KEYS], covers: [{brin: 99XX}]}
"""


def test_the_configuration_makes_senders_and_ends_them(operator: Operator, tmp_path: Path) -> None:
    file, data = tmp_path / "config.yaml", tmp_path / "data"

    def apply(text: str) -> tuple[int, str]:
        file.write_text(text, encoding="utf-8")
        code = cli.run(["--config", str(file), "--data", str(data), "sync"])
        return code, operator.capsys.readouterr().err

    assert apply(CONFIG.replace("KEYS", "sleutel-1"))[0] == 0
    first, second = Account("KLANT", "Rekenwijs", "sleutel-1"), Account("KLANT", "Rekenwijs", "sleutel-2")
    assert operator.send(enveloped(message(scores=["1"]), first.header)).verdict is Verdict.ACCEPT
    assert apply(CONFIG.replace("KEYS", "sleutel-1, sleutel-2"))[0] == 0
    for one in (first, second):
        assert operator.send(enveloped(message(scores=["2"]), one.header)).verdict is Verdict.ACCEPT
    assert apply(CONFIG.replace("KEYS", "sleutel-2").replace("KLANT", "KLANT-2"))[0] == 0
    assert operator.send(enveloped(message(), second.header)).fault == "Client.OngeldigeKlantIdentificatie"
    renamed = Account("KLANT-2", "Rekenwijs", "sleutel-2")
    assert operator.send(enveloped(message(scores=["3"]), renamed.header)).verdict is Verdict.ACCEPT
    assert apply(CONFIG.partition("senders:")[0])[0] == 0
    assert operator.send(enveloped(message(scores=["4"]), renamed.header)).fault == "Client.OngeldigeKlantIdentificatie"
    code, err = apply(CONFIG.replace("KEYS", "a").replace("covers", "tolerances: [xml.doctype], covers"))
    assert (code, "senders[0].tolerances" in err, "KLANT" in err) == (2, True, False)
