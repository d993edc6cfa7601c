"""`rondblik sender` and `rondblik quarantine`: as an operator types them."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.intake.judge import spool
from connectors.intake.push import ReceiverContext, deliver
from dashboard.cli import main as cli
from models.ingest.result_store import Receipt
from models.sandbox import sandboxes
from models.schema import clock
from models.schema.database import open_engine, sqlite_url
from models.schema.records import Verdict
from models.schema.store_key import open_encrypted
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
        capture_result = self.capsys.readouterr()
        return code, capture_result.out, capture_result.err

    def add(self, *words: str) -> Account:
        code, out, _ = self.type("sender", "add", "--klantnaam", "Rekenwijs", "--school", "99XX/00", *words)
        assert code == 0
        printed = dict(line.split(maxsplit=1) for line in out.splitlines())
        return Account(printed["klantcode"], printed["klantnaam"], printed["autorisatiesleutel"])

    def configure(self, text: str) -> tuple[int, str]:
        """What `sync` says where this is the configuration."""
        file = self.data.parent / "config.yaml"
        file.write_text(text, encoding="utf-8")
        code = cli.run(["--config", str(file), "--data", str(self.data), "sync"])
        return code, self.capsys.readouterr().err

    def refused(self, *words: str) -> str:
        """The one sentence in which a command is refused."""
        code, out, err = self.type(*words)
        assert (code, out, err.count("\n")) == (2, "", 1)
        return err

    def terms(self) -> dict[str, object]:
        """What `sender list` says of the only sender."""
        listed: dict[str, object] = json.loads(self.type("sender", "list", "--json")[1])
        return listed

    def send(self, body: bytes) -> Receipt:
        engine = open_engine(sqlite_url(self.data))
        with spool([body]) as spooled:
            receipt = deliver(ReceiverContext(engine, open_encrypted(engine, self.data)), spooled)
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
    listed = json.loads(operator.type("sender", "list", "--json")[1])
    assert listed["keys"] == [{"key": 1, "made": "2026-11-20", "revoked": None, "schools": ["99XX/00"]}]


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
    ("words", "reading"),
    [
        (("sender", "add", "--klantnaam", "A", "--school", "99xx"), "99XX/00"),
        (("sender", "add", "--klantnaam", "Rekenwijs", "--school", "99XX"), "There is a sender"),
        (("sender", "key", "--klantnaam", "Niemand", "--school", "99XX"), "no sender"),
        (("sender", "add", "--klantnaam", "A", "--school", "99XX", "--id", "A B"), "small letters"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(operator: Operator, words: tuple[str, ...], reading: str) -> None:
    operator.add()
    code, out, err = operator.type(*words)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert reading in err


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


def test_the_configuration_makes_senders_and_ends_them(operator: Operator) -> None:
    assert operator.configure(CONFIG.replace("KEYS", "sleutel-1"))[0] == 0
    first, second = Account("KLANT", "Rekenwijs", "sleutel-1"), Account("KLANT", "Rekenwijs", "sleutel-2")
    assert operator.send(enveloped(message(scores=["1"]), first.header)).verdict is Verdict.ACCEPT
    assert operator.configure(CONFIG.replace("KEYS", "sleutel-1, sleutel-2"))[0] == 0
    for account in (first, second):
        assert operator.send(enveloped(message(scores=["2"]), account.header)).verdict is Verdict.ACCEPT
    assert operator.configure(CONFIG.replace("KEYS", "sleutel-2").replace("KLANT", "KLANT-2"))[0] == 0
    assert operator.send(enveloped(message(), second.header)).fault == "Client.OngeldigeKlantIdentificatie"
    renamed = Account("KLANT-2", "Rekenwijs", "sleutel-2")
    assert operator.send(enveloped(message(scores=["3"]), renamed.header)).verdict is Verdict.ACCEPT
    assert operator.configure(CONFIG.partition("senders:")[0])[0] == 0
    assert operator.send(enveloped(message(scores=["4"]), renamed.header)).fault == "Client.OngeldigeKlantIdentificatie"
    code, err = operator.configure(
        CONFIG.replace("KEYS", "a").replace("covers", "policy: tolerant, tolerances: [xml.doctype], covers")
    )
    assert (code, "senders[0].tolerances" in err, "KLANT" in err) == (2, True, False)


def test_a_sender_of_the_configuration_is_changed_there_only(operator: Operator) -> None:
    assert operator.configure(CONFIG.replace("KEYS", "sleutel-1"))[0] == 0
    named = ("--klantnaam", "Rekenwijs")
    for words in (
        ("key", *named, "--school", "99XX"), ("revoke", *named, "--key", "1"), ("set", *named, "--policy", "tolerant"),
        ("add", *named, "--school", "99XX"), ("add", "--klantnaam", "Anders", "--id", "rekenwijs", "--school", "99XX"),
    ):  # fmt: skip
        assert "is in the configuration" in operator.refused("sender", *words)
    terms = operator.terms()
    assert (terms["policy"], terms["keys"]) == (
        "strict", [{"key": 1, "made": "2026-11-20", "revoked": None, "schools": ["99XX/00"]}]
    )  # fmt: skip


def test_a_key_that_left_the_configuration_never_becomes_valid_again(operator: Operator) -> None:
    assert operator.configure(CONFIG.replace("KEYS", "sleutel-1, sleutel-2"))[0] == 0
    assert operator.configure(CONFIG.replace("KEYS", "sleutel-2"))[0] == 0
    code, err = operator.configure(CONFIG.replace("KEYS", "sleutel-2, sleutel-1"))
    assert (code, "senders[0]" in err, "was revoked" in err, "sleutel-1" in err) == (2, True, True, False)
    first, second = Account("KLANT", "Rekenwijs", "sleutel-1"), Account("KLANT", "Rekenwijs", "sleutel-2")
    assert operator.send(enveloped(message(), first.header)).fault == "Client.AutorisatieOngeldig"
    assert operator.send(enveloped(message(), second.header)).verdict is Verdict.ACCEPT


def test_a_sender_that_left_the_configuration_can_be_taken_over_by_command(operator: Operator) -> None:
    assert operator.configure(CONFIG.replace("KEYS", "sleutel-1"))[0] == 0
    before = Account("KLANT", "Rekenwijs", "sleutel-1")
    assert operator.send(enveloped(message(scores=["1"]), before.header)).counts["new"] == 1
    without = CONFIG.partition("senders:")[0]
    assert operator.configure(without)[0] == 0
    named = ("--klantnaam", "Rekenwijs")
    for words in (("key", *named, "--school", "99XX"), ("revoke", *named, "--key", "1"), ("set", *named)):
        assert "left the configuration" in operator.refused("sender", *words)
    assert "--id rekenwijs" in operator.refused("sender", "add", *named, "--school", "99XX", "--id", "rw")
    made = operator.add("--policy", "tolerant")
    body = enveloped(message(scores=["2"], aanmaakdatum="2026-11-12T00:00:00"), made.header)
    assert operator.send(body).counts["changed"] == 1  # of the same source
    assert operator.send(enveloped(message(), before.header)).fault == "Client.OngeldigeKlantIdentificatie"
    stale = Account(made.code, made.name, before.key)
    assert operator.send(enveloped(message(), stale.header)).fault == "Client.AutorisatieOngeldig"
    terms = operator.terms()
    assert (terms["id"], terms["active"], terms["from"], terms["policy"]) == ("rekenwijs", True, "command", "tolerant")
    assert operator.configure(without)[0] == 0
    assert operator.send(body).repeated
    code, err = operator.configure(CONFIG.replace("KEYS", "sleutel-3"))
    assert (code, "senders[0]" in err, "rondblik sender add" in err) == (2, True, True)


@pytest.mark.parametrize("taken", ["customer_name: Leeslijn", "customer_code: LEESLIJN"])
def test_two_senders_of_the_configuration_never_share_a_name_or_code(operator: Operator, taken: str) -> None:
    other = "  - {id: leeslijn, customer_name: Leeslijn, customer_code: LEESLIJN, keys: [b], covers: [{brin: 99XX}]}\n"
    text = CONFIG.replace("KEYS", "a") + other
    assert operator.configure(text)[0] == 0
    was = "customer_name: Rekenwijs" if "name" in taken else "customer_code: KLANT"
    code, err = operator.configure(text.replace(was, taken))
    assert (code, "senders[" in err, "database" in err, "LEESLIJN" in err) == (2, True, False, False)


def test_senders_of_the_configuration_can_pass_on_names_and_codes(operator: Operator) -> None:
    item = "  - {id: ID, customer_name: NAME, customer_code: CODE, keys: [KEY], covers: [{brin: 99XX}]}\n"

    def text(*given: tuple[str, str, str]) -> str:
        lines = [
            item.replace("ID", source).replace("NAME", name).replace("CODE", code).replace("KEY", f"sleutel-{source}")
            for source, name, code in given
        ]
        return CONFIG.partition("  - {id")[0] + "".join(lines)

    assert operator.configure(text(("a", "Een", "K-1"), ("b", "Twee", "K-2")))[0] == 0
    assert operator.configure(text(("a", "Twee", "K-2"), ("b", "Een", "K-1")))[0] == 0
    assert operator.send(enveloped(message(), Account("K-2", "Twee", "sleutel-a").header)).verdict is Verdict.ACCEPT
    assert operator.configure(text(("c", "Twee", "K-2"), ("a", "Drie", "K-3"), ("b", "Een", "K-1")))[0] == 0
    assert operator.send(enveloped(message(), Account("K-2", "Twee", "sleutel-c").header)).verdict is Verdict.ACCEPT
    code, err = operator.configure(text(("d", "Twee", "K-2"), ("a", "Drie", "K-3"), ("b", "Een", "K-1")))
    assert (code, "senders[0]" in err, "keep that id" in err) == (2, True, True)


def test_the_senders_of_test_rooms_are_not_there_for_commands(operator: Operator) -> None:
    operator.add()
    engine = open_engine(sqlite_url(operator.data))
    sandbox = sandboxes.create_sandbox(engine, open_encrypted(engine, operator.data), "Uitgever")
    engine.dispose()
    named = ("--klantnaam", sandbox.account.customer_name)
    for words in (
        ("key", *named, "--school", "99XX"),
        ("revoke", *named, "--key", "2"),
        ("set", *named, "--policy", "tolerant"),
    ):
        assert "There is no sender" in operator.refused("sender", *words)
    assert "another klantnaam" in operator.refused("sender", "add", *named, "--school", "99XX")
    assert sandbox.account.customer_name not in operator.type("sender", "list")[1]


def test_an_id_of_another_source_is_taken(operator: Operator) -> None:
    folder = "publishers: [{id: rekenwijs, name: R, kind: folder, path: inbox}]\n"
    assert operator.configure(CONFIG.partition("senders:")[0] + folder)[0] == 2  # the folder is not there
    assert "another id" in operator.refused("sender", "add", "--klantnaam", "Rekenwijs", "--school", "99XX")


# -- terms ---------------------------------------------------------------------------------------------------


def test_tolerances_are_of_a_tolerant_sender_only(operator: Operator, tmp_path: Path) -> None:
    strict = ("sender", "set", "--klantnaam", "Rekenwijs")
    option = ("--tolerance", "score.decimal")
    reading = "a strict sender has no tolerances; say --policy tolerant"
    assert reading in operator.refused("sender", "add", "--klantnaam", "Rekenwijs", "--school", "99XX", *option)
    operator.add()
    assert reading in operator.refused(*strict, *option)
    assert reading in operator.refused(*strict, "--all-tolerances")
    assert operator.type(*strict, "--policy", "tolerant", *option)[0] == 0
    assert reading in operator.refused(*strict, "--policy", "strict", *option)
    assert operator.terms()["tolerances"] == ["score.decimal"]
    code, err = operator.configure(CONFIG.replace("KEYS", "a").replace("covers", "tolerances: [score.decimal], covers"))
    assert (code, "senders[0].tolerances" in err, "policy tolerant" in err) == (2, True, True)


def test_tolerances_can_be_cleared_again(operator: Operator) -> None:
    made = operator.add("--policy", "tolerant", "--tolerance", "score.decimal")
    changing = ("sender", "set", "--klantnaam", "Rekenwijs")
    body = enveloped(message(scores=["X"]), made.header)
    assert operator.send(body).verdict is Verdict.REJECT
    both = operator.refused(*changing, "--tolerance", "score.decimal", "--all-tolerances")
    assert "--all-tolerances" in both
    assert operator.type(*changing, "--all-tolerances")[0] == 0
    assert operator.terms()["tolerances"] is None
    assert operator.send(body).verdict is Verdict.WARN
    assert operator.type(*changing, "--tolerance", "score.decimal")[0] == 0
    assert operator.type(*changing, "--policy", "strict")[0] == 0
    assert (operator.terms()["policy"], operator.terms()["tolerances"]) == ("strict", None)


def test_setting_nothing_says_so(operator: Operator) -> None:
    operator.add("--version", "2.2")
    changing = ("sender", "set", "--klantnaam", "Rekenwijs")
    for words in ((), ("--policy", "strict"), ("--version", "2.2")):
        assert operator.type(*changing, *words)[:2] == (0, "Rekenwijs: nothing to change.\n")
    assert operator.type(*changing, "--version", "2.3")[:2] == (0, "Rekenwijs: changed.\n")


# -- what a header can carry ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", " ", "Reken\twijs", "Reken\x07wijs", " Rekenwijs", "Rekenwijs\u2028", "R" * 65])
def test_a_klantnaam_that_no_header_can_carry_is_refused(operator: Operator, name: str) -> None:
    reading = operator.refused("sender", "add", "--klantnaam", name, "--school", "99XX", "--id", "rekenwijs")
    assert "--klantnaam" in reading
    assert "1 to 64 characters" in reading
    code, err = operator.configure(
        CONFIG.replace("KEYS", "a").replace("customer_name: Rekenwijs", f"customer_name: {json.dumps(name)}")
    )
    assert (code, "senders[0].customer_name" in err, "1 to 64 characters" in err) == (2, True, True)


def test_the_longest_klantnaam_code_and_key_can_send(operator: Operator) -> None:
    text = CONFIG.replace("KEYS", "S" * 64).replace("KLANT", "K" * 64).replace(": Rekenwijs", ": " + "R" * 64)
    assert operator.configure(text)[0] == 0
    longest = Account("K" * 64, "R" * 64, "S" * 64)
    assert operator.send(enveloped(message(), longest.header)).verdict is Verdict.ACCEPT


@pytest.mark.parametrize("field", ["customer_code: KLANT", "keys: [KEYS]"])
@pytest.mark.parametrize("value", ["", "  ", "a" * 65, "a\x07b"])
def test_a_code_or_key_that_no_header_can_carry_is_refused(operator: Operator, field: str, value: str) -> None:
    key = field.partition(":")[0]
    written = json.dumps(value)
    text = CONFIG.replace(field, f"{key}: [{written}]" if key == "keys" else f"{key}: {written}")
    code, err = operator.configure(text.replace("KEYS", "sleutel-1"))
    place = "senders[0].keys[0]" if key == "keys" else "senders[0].customer_code"
    assert (code, place in err, "1 to 64 characters" in err, "aaaa" in err) == (2, True, True, False)


def test_a_key_that_can_be_guessed_is_warned_of_by_its_place(
    operator: Operator, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert operator.configure(CONFIG.replace("KEYS", "S" * 22))[0] == 0
        assert caplog.messages == []
        assert operator.configure(CONFIG.replace("KEYS", "kort-een, " + "S" * 22))[0] == 0
    (reading,) = caplog.messages
    assert "senders[0].keys[0]" in reading
    assert "kort" not in reading
