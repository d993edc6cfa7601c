"""`rondblik check` on the command line: an endpoint, reports, and the exit codes that a CI relies on."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from connectors.conformance import las, publisher
from connectors.simulator import server
from dashboard.cli import main as cli
from models.schema import clock
from tests.conftest import free_port
from tests.connectors.loopback import serving
from tests.connectors.test_conformance import PAGE, always, ask_las, spoiled, with_fault
from tests.uwlr.messages import message

NOVEMBER = datetime(2026, 11, 26, 12, tzinfo=UTC)


@dataclass
class Outcome:
    """Exit code and output of one command."""

    code: int
    out: str
    err: str


class Check:
    """The command, run in this process; `endpoint` gives it all that an endpoint needs."""

    def __init__(self, folder: Path, capture: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self._capture = folder, capture
        for party in ("las", "rekenwijs"):
            monkeypatch.setenv(f"SLEUTEL_{party.upper()}", f"demo-{party}-99XX")
        monkeypatch.setenv("SLEUTEL_FOUT", "geheim-en-onjuist")

    def __call__(self, *arguments: object) -> Outcome:
        self._capture.readouterr()
        code = cli.run(["check", *map(str, arguments)])
        capture_result = self._capture.readouterr()
        assert "Traceback" not in capture_result.err
        return Outcome(code, capture_result.out, capture_result.err)

    def endpoint(self, url: str, kind: str = "las", *more: object, key: str = "SLEUTEL_LAS") -> Outcome:
        return self(
            "--endpoint", url, "--kind", kind, "--brin", "99XX", "--customer-code", "RB", "--customer-name", "Rondblik",
            "--key-env", key, "--school-year", "2026-2027", "--allow-loopback", *more,
        )  # fmt: skip

    def file(self, name: str, content: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content)
        return path


@pytest.fixture(autouse=True)
def _november() -> Iterator[None]:
    with clock.fixed(NOVEMBER):
        yield


@pytest.fixture
def check(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Check:
    monkeypatch.chdir(tmp_path)
    return Check(tmp_path, capsys, monkeypatch)


@pytest.fixture(scope="module")
def ports() -> Iterator[dict[str, int]]:
    with clock.fixed(NOVEMBER), server.running() as running:
        yield running


# -- files -----------------------------------------------------------------------------------------------------


def test_reports_of_files_are_written_for_people_and_for_ci(check: Check) -> None:
    good, bad = check.file("goed.xml", message()), check.file("fout.xml", message(scores=["7.5"]))
    outcome = check(good, bad, "--junit", "uit.xml", "--html", "uit.html", "--json")
    assert outcome.code == 1
    objects = [json.loads(line) for line in outcome.out.splitlines()]
    assert [item["levels"][2]["state"] for item in objects] == ["passed", "failed"]
    suites = etree.parse(check.folder / "uit.xml").getroot()
    assert [suite.get("name") for suite in suites] == [str(good), str(bad)]
    assert suites.get("failures") == "1"
    assert "score.decimal" in (check.folder / "uit.html").read_text("utf-8")


def test_warnings_count_where_that_is_asked(check: Check) -> None:
    odd = check.file("vreemd.xml", message(toetsnaam="  "))
    assert check(odd).code == 0
    assert check(odd, "--fail-on", "error").code == 0
    assert check(odd, "--fail-on", "warning").code == 1
    assert check(check.file("goed.xml", message()), "--fail-on", "warning").code == 0


def test_a_report_that_cannot_be_written_is_a_sentence(check: Check) -> None:
    good = check.file("goed.xml", message())
    outcome = check(good, "--html", "weg/uit.html")
    assert outcome.code == 2
    assert len(outcome.err.splitlines()) == 1


def test_a_zip_that_holds_what_cannot_be_read_is_in_the_report(check: Check) -> None:
    outcome = check(check.file("kapot.zip", b"PK\x03\x04kapot"), "--junit", "uit.xml")
    assert outcome.code != 0
    assert (check.folder / "uit.xml").exists()


def test_an_error_against_namespaces_is_an_error_and_no_made_up_name_is_told(check: Check) -> None:
    flawed = check.file("prefix.xml", message().replace(b"<norm>", b'<norm xmlns:a="">', 1))
    outcome = check(flawed, "--json")
    assert outcome.code == 1
    assert "xml.namespace" in outcome.out
    named = check.file("naam.xml", message().replace(b"<score>", b'<Jan_Jansen/><score Jan_Jansen="1">', 1))
    outcome = check(named)
    assert outcome.code == 1
    assert "xsd.unknown" in outcome.out
    assert "Jansen" not in outcome.out + outcome.err


def test_a_number_that_may_be_of_a_real_child_is_told(check: Check) -> None:
    outcome = check(check.file("kind.xml", message(leerlingid="111222333")))
    assert outcome.code == 0
    assert "pupil.bsn-like" in outcome.out
    assert "111222333" not in outcome.out + outcome.err
    assert "pupil.bsn-like" not in check(check.file("goed.xml", message(leerlingid="111222334"))).out


# -- endpoints -------------------------------------------------------------------------------------------------


def test_a_right_las_passes_and_is_told_scenario_by_scenario(check: Check, ports: dict[str, int]) -> None:
    outcome = check.endpoint(f"http://127.0.0.1:{ports['las']}/las", "las", "--junit", "uit.xml", "--html", "uit.html")
    assert outcome.code == 0
    for scenario in las.SCENARIOS:
        assert f"{scenario.id}: {scenario.title.nl}" in outcome.out
    assert "no certification" in outcome.err
    assert etree.parse(check.folder / "uit.xml").getroot().get("failures") == "0"
    assert "geen certificering" in (check.folder / "uit.html").read_text("utf-8")


def test_a_right_publisher_passes_in_json(check: Check, ports: dict[str, int]) -> None:
    url = f"http://localhost:{ports['rekenwijs']}/pull?geheim=1"
    outcome = check.endpoint(url, "publisher", "--json", key="SLEUTEL_REKENWIJS")
    (report,) = [json.loads(line) for line in outcome.out.splitlines()]
    assert (outcome.code, report["state"], report["errors"], report["kind"]) == (0, "passed", 0, "publisher")
    assert [item["scenario"] for item in report["outcomes"]] == [scenario.id for scenario in publisher.SCENARIOS]
    assert "geheim" not in outcome.out


def test_chosen_scenarios_only(check: Check, ports: dict[str, int]) -> None:
    url = f"http://127.0.0.1:{ports['las']}/"
    outcome = check.endpoint(url, "las", "--scenario", "las.wrong-key", "--scenario", "las.garbage", "--json")
    report = json.loads(outcome.out)
    assert [item["scenario"] for item in report["outcomes"]] == ["las.wrong-key", "las.garbage"]
    assert [len(item["came"]) for item in report["outcomes"]] == [1, 1]


def test_an_error_is_one_and_a_warning_where_that_is_asked(check: Check) -> None:
    with serving(spoiled(ask_las, with_fault("Client.OngeldigBericht"))) as peer:
        assert check.endpoint(peer.url).code == 1
    with serving(spoiled(ask_las, with_fault("Client.AutorisatieOngeldig", ""))) as peer:
        chosen = ("las", "--scenario", "las.wrong-key")
        assert check.endpoint(peer.url, *chosen).code == 0
        assert check.endpoint(peer.url, *chosen, "--fail-on", "warning").code == 1
    with serving(spoiled(ask_las, always(200, PAGE, "text/html"))) as peer:
        assert check.endpoint(peer.url).code == 1
    assert check.endpoint(f"http://127.0.0.1:{free_port()}/").code == 1


def test_where_nothing_could_be_tested_it_could_not_run(check: Check, ports: dict[str, int]) -> None:
    url = f"http://127.0.0.1:{ports['las']}/"
    outcome = check.endpoint(url, "las", "--scenario", "las.wrong-key", key="SLEUTEL_FOUT")
    assert outcome.code == 2
    assert "Het juiste verzoek krijgt geen antwoord" in outcome.out
    assert "geheim-en-onjuist" not in outcome.out + outcome.err


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/", "https://10.0.0.1/", "https://2130706433/", "ftp://x.example/"])
def test_an_address_that_is_not_public_is_refused(check: Check, url: str) -> None:
    outcome = check(
        "--endpoint", url, "--kind", "las", "--brin", "99XX", "--customer-code", "RB", "--customer-name", "Rondblik",
        "--key-env", "SLEUTEL_LAS",
    )  # fmt: skip
    assert (outcome.code, outcome.out) == (2, "")
    assert len(outcome.err.splitlines()) == 1
    assert url not in outcome.err


WHOLE: dict[str, Any] = {
    "--endpoint": "http://127.0.0.1:9/", "--kind": "las", "--brin": "99XX", "--customer-code": "RB",
    "--customer-name": "Rondblik", "--key-env": "SLEUTEL_LAS",
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "about"),
    [
        ({"--kind": None}, "--kind"), ({"--brin": None}, "--brin"), ({"--customer-code": None}, "--customer-code"),
        ({"--customer-name": None}, "--customer-name"), ({"--key-env": None}, "--key-env"),
        ({"--schoolkey": "K"}, "--schoolkey"), ({"--brin": "9XX9"}, "--brin"), ({"--brin": "٩٩XX"}, "--brin"),
        ({"--dependance": "1x"}, "--dependance"), ({"--school-year": "2026"}, "--school-year"),
        ({"--school-year": "2026-2028"}, "--school-year"), ({"--key-env": "NIET_GEZET"}, "--key-env"),
        ({"--customer-name": "a\x07b"}, "--customer-name"), ({"--customer-code": "x" * 65}, "--customer-code"),
        ({"--scenario": "publisher.right"}, "--list-scenarios"), ({"--header": "X-Key"}, "--header"),
        ({"--header": "Host=SLEUTEL_LAS"}, "--header"), ({"--header": "X-Key=NIET_GEZET"}, "--header"),
        ({"--header": "X Key=SLEUTEL_LAS"}, "--header"), ({"--policy": "tolerant"}, "--policy"),
        ({"--profile": "breed"}, "--profile"),
    ],
)  # fmt: skip
def test_what_is_missing_or_odd_is_a_sentence(check: Check, change: dict[str, Any], about: str) -> None:
    wanted = {name: value for name, value in (WHOLE | change).items() if value is not None}
    outcome = check("--allow-loopback", *(part for pair in wanted.items() for part in pair))
    assert (outcome.code, outcome.out) == (2, "")
    assert about in outcome.err
    assert len(outcome.err.splitlines()) == 1


def test_files_or_an_endpoint_and_not_both(check: Check) -> None:
    assert check().code == 2
    assert check(check.file("a.xml", message()), "--endpoint", "https://uwlr.example/").code == 2


def test_a_school_may_be_named_by_its_key_and_headers_come_from_the_environment(
    check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ABONNEMENT", "abonnement-sleutel")
    with serving(spoiled(ask_las, lambda _, reply: reply)) as peer:
        outcome = check(
            "--endpoint", peer.url, "--kind", "las", "--schoolkey", "horizon", "--customer-code", "RB",
            "--customer-name", "Rondblik", "--key-env", "SLEUTEL_LAS", "--header", "X-Abonnement=ABONNEMENT",
            "--allow-loopback", "--scenario", "las.all-in-one",
        )  # fmt: skip
    assert outcome.code == 1
    assert b"<lg:schoolkey>horizon</lg:schoolkey>" in peer.asked[0].body
    assert b"<lg:schooljaar>2026-2027</lg:schooljaar>" in peer.asked[0].body
    assert peer.asked[0].headers["x-abonnement"] == "abonnement-sleutel"
    assert "abonnement-sleutel" not in outcome.out + outcome.err


def test_scenarios_are_listed_with_their_titles(check: Check) -> None:
    outcome = check("--list-scenarios")
    assert outcome.code == 0
    for scenario in (*las.SCENARIOS, *publisher.SCENARIOS):
        assert f"{scenario.id} " in outcome.out
        assert f"{scenario.title.nl} / {scenario.title.en}" in outcome.out


def test_an_endpoint_needs_no_configuration_and_leaves_nothing_behind(check: Check, ports: dict[str, int]) -> None:
    check.endpoint(f"http://127.0.0.1:{ports['las']}/", "las", "--html", "uit.html")
    (left,) = check.folder.iterdir()
    assert left.name == "uit.html"
    assert stat.S_ISREG(left.stat().st_mode)


# -- what changed --------------------------------------------------------------------------------------------------


def test_what_changed_since_an_earlier_check_is_printed_and_in_the_json(check: Check) -> None:
    with serving(spoiled(ask_las, with_fault("Client.Anders"))) as peer:
        earlier = check.file("vorige.json", check.endpoint(peer.url, "las", "--json").out.encode())
    with serving(spoiled(ask_las, lambda _, reply: reply)) as peer:
        printed = check.endpoint(peer.url, "las", "--since", earlier)
        as_json = check.endpoint(peer.url, "las", "--since", earlier, "--json")
        first = check.endpoint(peer.url, "las", "--json")
    assert (printed.code, as_json.code) == (0, 0)
    assert "sinds / since 2026-11-26T13:00:00+01:00:" in printed.out
    assert "verholpen / fixed: rule fault.code (failed -> passed)" in printed.out
    assert "verholpen / fixed: scenario las.wrong-key (failed -> passed)" in printed.out
    since = json.loads(as_json.out)["since"]
    assert {"what": "rule", "id": "fault.code", "before": "failed", "now": "passed"} in since["mended"]
    assert (since["new"], since["still"]) == ([], [])
    assert json.loads(first.out)["since"] is None


@pytest.mark.parametrize("content", [b"", b"[]", b"7", b"{", b"\xff", b'{"rules": {"a": "?"}}', b'{"outcomes": [1]}'])
def test_a_file_that_is_no_earlier_check_is_refused_before_anything_is_called(check: Check, content: bytes) -> None:
    outcome = check.endpoint("http://127.0.0.1:9/", "las", "--since", check.file("vorige.json", content))
    assert outcome.code == 2
    assert "--since" in outcome.err
    assert outcome.out == ""


def test_the_json_of_a_file_has_the_outcome_of_every_rule(check: Check) -> None:
    outcome = check(check.file("fout.xml", message(scores=["7.5"])), "--json")
    states = json.loads(outcome.out)["rules"]
    assert (states["score.decimal"], states["xml.cut-off"], states["header.key"]) == ("failed", "passed", "not_tested")
