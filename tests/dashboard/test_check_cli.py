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
        said = self._capture.readouterr()
        assert "Traceback" not in said.err
        return Outcome(code, said.out, said.err)

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
    with clock.fixed(NOVEMBER), server.running() as found:
        yield found


# -- files -----------------------------------------------------------------------------------------------------


def test_reports_of_files_are_written_for_people_and_for_ci(check: Check) -> None:
    good, bad = check.file("goed.xml", message()), check.file("fout.xml", message(scores=["7.5"]))
    told = check(good, bad, "--junit", "uit.xml", "--html", "uit.html", "--json")
    assert told.code == 1
    objects = [json.loads(line) for line in told.out.splitlines()]
    assert [one["levels"][2]["state"] for one in objects] == ["passed", "failed"]
    suites = etree.parse(check.folder / "uit.xml").getroot()
    assert [one.get("name") for one in suites] == [str(good), str(bad)]
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
    told = check(good, "--html", "weg/uit.html")
    assert told.code == 2
    assert len(told.err.splitlines()) == 1


def test_a_zip_that_holds_what_cannot_be_read_is_in_the_report(check: Check) -> None:
    told = check(check.file("kapot.zip", b"PK\x03\x04kapot"), "--junit", "uit.xml")
    assert told.code != 0
    assert (check.folder / "uit.xml").exists()


def test_an_error_against_namespaces_is_an_error_and_no_made_up_name_is_told(check: Check) -> None:
    flawed = check.file("prefix.xml", message().replace(b"<norm>", b'<norm xmlns:a="">', 1))
    told = check(flawed, "--json")
    assert told.code == 1
    assert "xml.well-formed" in told.out
    named = check.file("naam.xml", message().replace(b"<score>", b'<Jan_Jansen/><score Jan_Jansen="1">', 1))
    told = check(named)
    assert told.code == 1
    assert "xsd.order" in told.out
    assert "Jansen" not in told.out + told.err


def test_a_number_that_may_be_of_a_real_child_is_told(check: Check) -> None:
    told = check(check.file("kind.xml", message(leerlingid="111222333")))
    assert told.code == 0
    assert "pupil.bsn-like" in told.out
    assert "111222333" not in told.out + told.err
    assert "pupil.bsn-like" not in check(check.file("goed.xml", message(leerlingid="111222334"))).out


# -- endpoints -------------------------------------------------------------------------------------------------


def test_a_right_las_passes_and_is_told_scenario_by_scenario(check: Check, ports: dict[str, int]) -> None:
    told = check.endpoint(f"http://127.0.0.1:{ports['las']}/las", "las", "--junit", "uit.xml", "--html", "uit.html")
    assert told.code == 0
    for scenario in las.SCENARIOS:
        assert f"{scenario.id}: {scenario.title.nl}" in told.out
    assert "no certification" in told.err
    assert etree.parse(check.folder / "uit.xml").getroot().get("failures") == "0"
    assert "geen certificering" in (check.folder / "uit.html").read_text("utf-8")


def test_a_right_publisher_passes_in_json(check: Check, ports: dict[str, int]) -> None:
    url = f"http://localhost:{ports['rekenwijs']}/pull?geheim=1"
    told = check.endpoint(url, "publisher", "--json", key="SLEUTEL_REKENWIJS")
    (report,) = [json.loads(line) for line in told.out.splitlines()]
    assert (told.code, report["state"], report["errors"], report["kind"]) == (0, "passed", 0, "publisher")
    assert [one["scenario"] for one in report["outcomes"]] == [one.id for one in publisher.SCENARIOS]
    assert "geheim" not in told.out


def test_chosen_scenarios_only(check: Check, ports: dict[str, int]) -> None:
    url = f"http://127.0.0.1:{ports['las']}/"
    told = check.endpoint(url, "las", "--scenario", "las.wrong-key", "--scenario", "las.garbage", "--json")
    report = json.loads(told.out)
    assert [one["scenario"] for one in report["outcomes"]] == ["las.wrong-key", "las.garbage"]
    assert [len(one["came"]) for one in report["outcomes"]] == [1, 1]


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
    told = check.endpoint(url, "las", "--scenario", "las.wrong-key", key="SLEUTEL_FOUT")
    assert told.code == 2
    assert "Het juiste verzoek krijgt geen antwoord" in told.out
    assert "geheim-en-onjuist" not in told.out + told.err


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/", "https://10.0.0.1/", "https://2130706433/", "ftp://x.example/"])
def test_an_address_that_is_not_public_is_refused(check: Check, url: str) -> None:
    told = check(
        "--endpoint", url, "--kind", "las", "--brin", "99XX", "--customer-code", "RB", "--customer-name", "Rondblik",
        "--key-env", "SLEUTEL_LAS",
    )  # fmt: skip
    assert (told.code, told.out) == (2, "")
    assert len(told.err.splitlines()) == 1
    assert url not in told.err


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
    told = check("--allow-loopback", *(part for pair in wanted.items() for part in pair))
    assert (told.code, told.out) == (2, "")
    assert about in told.err
    assert len(told.err.splitlines()) == 1


def test_files_or_an_endpoint_and_not_both(check: Check) -> None:
    assert check().code == 2
    assert check(check.file("a.xml", message()), "--endpoint", "https://uwlr.example/").code == 2


def test_a_school_may_be_named_by_its_key_and_headers_come_from_the_environment(
    check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ABONNEMENT", "abonnement-sleutel")
    with serving(spoiled(ask_las, lambda _, reply: reply)) as peer:
        told = check(
            "--endpoint", peer.url, "--kind", "las", "--schoolkey", "horizon", "--customer-code", "RB",
            "--customer-name", "Rondblik", "--key-env", "SLEUTEL_LAS", "--header", "X-Abonnement=ABONNEMENT",
            "--allow-loopback", "--scenario", "las.all-in-one",
        )  # fmt: skip
    assert told.code == 1
    assert b"<lg:schoolkey>horizon</lg:schoolkey>" in peer.asked[0].body
    assert b"<lg:schooljaar>2026-2027</lg:schooljaar>" in peer.asked[0].body
    assert peer.asked[0].headers["x-abonnement"] == "abonnement-sleutel"
    assert "abonnement-sleutel" not in told.out + told.err


def test_scenarios_are_listed_with_their_titles(check: Check) -> None:
    told = check("--list-scenarios")
    assert told.code == 0
    for one in (*las.SCENARIOS, *publisher.SCENARIOS):
        assert f"{one.id} " in told.out
        assert f"{one.title.nl} / {one.title.en}" in told.out


def test_an_endpoint_needs_no_configuration_and_leaves_nothing_behind(check: Check, ports: dict[str, int]) -> None:
    check.endpoint(f"http://127.0.0.1:{ports['las']}/", "las", "--html", "uit.html")
    (left,) = check.folder.iterdir()
    assert left.name == "uit.html"
    assert stat.S_ISREG(left.stat().st_mode)
