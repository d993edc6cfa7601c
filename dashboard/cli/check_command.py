"""What `rondblik check` adds to judging files: an endpoint instead of files, and reports for people and for CI.

A key or another secret is never typed on the command line, where every program of the machine can read it: an option
names the environment variable that holds it.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import click

from connectors.conformance.addresses import safe_address
from connectors.conformance.changes import CHANGES, changes_since
from connectors.conformance.endpoints import SCENARIOS, SESSIONS
from connectors.conformance.exchange import OWN_HEADERS, Endpoint
from connectors.conformance.html_report import as_html
from connectors.conformance.junit_report import as_junit
from connectors.conformance.reports import (
    NO_CERTIFICATE,
    Report,
    as_json,
    clean,
    document_report,
    endpoint_report,
    levels_json,
    place_of,
    rules_json,
)
from connectors.conformance.scenarios import LAS, PUBLISHER, Outcome, Scenario, State, run
from connectors.intake.file_loading import FileVerdict
from connectors.uwlr.envelope import Authorisation
from connectors.uwlr.pupil_messages import PROFILES, Profile
from dashboard.cli import progress_bars
from models.ingest.schools import BRIN, normal_location
from models.schema import clock
from models.schema.records import Finding, SchoolRef, Verdict

DONE, REFUSED, COULD_NOT = 0, 1, 2
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}")
_LOCATION = re.compile(r"[0-9]{1,2}", re.ASCII)
_YEAR = re.compile(r"([12][0-9]{3})-([12][0-9]{3})", re.ASCII)
_MAX_OF_ACCOUNT, _MAX_OF_SCHOOLKEY, _MAX_OF_HEADER = 64, 256, 4096
F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """The options of `check` that are about endpoints and reports, as they were typed."""

    as_json: bool
    endpoint: str | None
    kind: str | None
    scenario: tuple[str, ...]
    list_scenarios: bool
    brin: str | None
    dependance: str
    schoolkey: str | None
    school_year: str | None
    customer_code: str | None
    customer_name: str | None
    key_env: str | None
    header: tuple[str, ...]
    profile: Profile
    allow_loopback: bool
    junit: Path | None
    html: Path | None
    since: Path | None
    fail_on: str


_OPTIONS = (
    click.option("--junit", type=click.Path(path_type=Path, dir_okay=False), help="Write a report in JUnit XML there."),
    click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help="Write a report for people there."),
    click.option(
        "--since", type=click.Path(path_type=Path, dir_okay=False, exists=True),
        help="Say what changed since an earlier check of this endpoint: a file with the JSON that it printed.",
    ),
    click.option(
        "--fail-on", type=click.Choice(("error", "warning")), default="error", show_default=True,
        help="From which level on the exit code is 1.",
    ),
    click.option("--endpoint", metavar="URL", help="Check the service at this address instead of files."),
    click.option("--kind", type=click.Choice((LAS, PUBLISHER)), help="What stands at the endpoint."),
    click.option("--scenario", multiple=True, metavar="ID", help="Only this scenario; may be given more than once."),
    click.option("--list-scenarios", is_flag=True, help="Say which scenarios there are, and stop."),
    click.option("--brin", metavar="99XX", help="The test school, by its BRIN."),
    click.option("--dependance", metavar="00", default="00", show_default=True, help="Its location."),
    click.option("--schoolkey", metavar="KEY", help="The test school, by a key instead."),
    click.option("--school-year", metavar="YYYY-YYYY", help="The school year; the present one."),
    click.option("--customer-code", metavar="CODE", help="The klantcode."),
    click.option("--customer-name", metavar="NAME", help="The klantnaam."),
    click.option("--key-env", metavar="VARIABLE", help="The environment variable that holds the autorisatiesleutel."),
    click.option(
        "--header", multiple=True, metavar="NAME=VARIABLE",
        help="An HTTP header, with the environment variable that holds its value.",
    ),
    click.option(
        "--profile", type=click.Choice(PROFILES), default="edexml", show_default=True, help="The profile of a LAS."
    ),
    click.option("--allow-loopback", is_flag=True, help="The endpoint may be this machine itself, over http too."),
)  # fmt: skip


def options(command: F) -> F:
    """Give a command the options of Wanted."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def list_scenarios() -> int:
    """Print id and title of every scenario."""
    for scenarios in SCENARIOS.values():
        for scenario in scenarios:
            click.echo(f"{scenario.id:<30} {scenario.title.nl} / {scenario.title.en}")
    return DONE


# -- files -----------------------------------------------------------------------------------------------------


def file_states(judged: FileVerdict) -> dict[str, Any]:
    """The levels and rules of a document that was judged, for JSON."""
    report = file_report(judged)
    return {"levels": levels_json(report), "rules": rules_json(report)}


def finish_files(file_verdicts: Sequence[FileVerdict], check_options: CheckOptions, code: int) -> int:
    """Write the reports of documents that were judged; gives the exit code, `code` being the one so far."""
    _write([file_report(file_verdict) for file_verdict in file_verdicts], check_options)
    warned = any(file_verdict.verdict is Verdict.WARN for file_verdict in file_verdicts)
    return max(code, REFUSED) if check_options.fail_on == "warning" and warned else code


def file_report(judged: FileVerdict) -> Report:
    """The report of a document that was judged."""
    return document_report(judged.name, judged.findings, judged.fault, judged.problem, judged.form)


# -- an endpoint -----------------------------------------------------------------------------------------------


def check_endpoint(check_options: CheckOptions) -> int:
    """Play the scenarios against an endpoint; gives the exit code. Raises ConnectorError and UsageError."""
    kind = _needed(check_options.kind, "--kind")
    chosen = _scenarios(kind, check_options.scenario)
    address = _needed(check_options.endpoint, "--endpoint")
    school = _school(check_options)
    authorisation = Authorisation(
        _from_environment(_needed(check_options.key_env, "--key-env"), "--key-env", _MAX_OF_ACCOUNT),
        _text(_needed(check_options.customer_code, "--customer-code"), "--customer-code", _MAX_OF_ACCOUNT),
        _text(_needed(check_options.customer_name, "--customer-name"), "--customer-name", _MAX_OF_ACCOUNT),
    )
    year, headers = _school_year(check_options.school_year), _headers(check_options.header)
    previous = None if check_options.since is None else _previous(check_options.since)
    target = safe_address(address, check_options.allow_loopback)
    endpoint = Endpoint(target, school, year, authorisation, check_options.profile, headers)
    with progress_bars.steps("Checking", len(chosen)) as advance:

        def done(outcome: Outcome) -> None:
            advance(outcome.scenario.id)
            if not check_options.as_json:
                _print_outcome(outcome)

        outcomes = run(SESSIONS[kind](endpoint), chosen, done)
    parts = urlsplit(address)
    report = endpoint_report(f"{parts.scheme}://{parts.netloc}{parts.path}", kind, outcomes)
    since = None if previous is None else changes_since(previous, as_json(report))
    if check_options.as_json:
        click.echo(json.dumps({**as_json(report), "since": since}, ensure_ascii=False))
    else:
        if since is not None:
            _print_changes(since)
        click.echo(NO_CERTIFICATE.en, err=True)
    _write([report], check_options)
    if report.state is State.NOT_TESTED:
        click.echo("Nothing could be tested; the reason stands with each scenario.", err=True)
        return COULD_NOT
    return REFUSED if report.errors or (report.warnings and check_options.fail_on == "warning") else DONE


def _print_outcome(outcome: Outcome) -> None:
    scenario = outcome.scenario
    click.echo(f"{outcome.state.value:<10}  {scenario.id}: {scenario.title.nl} ({outcome.seconds:.1f} s)")
    if outcome.reason is not None:
        click.echo(f"  {outcome.reason.nl}")
    if outcome.state is State.FAILED:
        counts = [
            f"HTTP {response.status} {response.media_type} {response.fault or ''}".rstrip()
            for response in outcome.came
            if response.status
        ]
        click.echo(f"  verwacht: {scenario.expected.nl}; gekregen: {'; '.join(counts) or 'geen antwoord'}")
    for finding in outcome.findings:
        click.echo(f"  {_finding_text(finding)}")


def _print_changes(since: Mapping[str, Any]) -> None:
    click.echo(clean(f"sinds / since {since['made']}:"))
    for kind, words in CHANGES.items():
        for item in since[kind]:
            line = f"  {words.nl} / {words.en}: {item['what']} {item['id']} ({item['before']} -> {item['now']})"
            click.echo(clean(line))


def _finding_text(finding: Finding) -> str:
    location = place_of(finding).nl
    where = f" {location}" if location else ""
    return clean(f"{finding.level} {finding.rule}{where}: {finding.message_nl} {finding.remedy}")


def _write(reports: Sequence[Report], check_options: CheckOptions) -> None:
    if check_options.junit is not None:
        check_options.junit.write_bytes(as_junit(reports))
    if check_options.html is not None:
        check_options.html.write_bytes(as_html(reports))


# -- what was typed --------------------------------------------------------------------------------------------


def _previous(path: Path) -> dict[str, Any]:
    """The report of an earlier check, as `--json` printed it."""
    try:
        report = json.loads(path.read_text("utf-8"))
        changes_since(report, {})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        problem = "must hold the JSON that an earlier check of an endpoint printed"
        raise click.BadParameter(problem, param_hint="--since") from None
    return dict(report)


def _needed(value: str | None, option: str) -> str:
    if value is None:
        raise click.UsageError(f"An endpoint needs {option}.")
    return value


def _scenarios(kind: str, ids: Sequence[str]) -> list[Scenario]:
    known = {scenario.id: scenario for scenario in SCENARIOS[kind]}
    unknown = next((item for item in ids if item not in known), None)
    if unknown is not None:
        raise click.UsageError(f"There is no scenario of that name for {kind}; see --list-scenarios.")
    return [scenario for scenario in known.values() if not ids or scenario.id in ids]


def _school(check_options: CheckOptions) -> SchoolRef:
    if (check_options.brin is None) == (check_options.schoolkey is None):
        raise click.UsageError("An endpoint needs a test school: either --brin or --schoolkey.")
    if check_options.schoolkey is not None:
        return SchoolRef(school_key=_text(check_options.schoolkey, "--schoolkey", _MAX_OF_SCHOOLKEY))
    if check_options.brin is None or not BRIN.fullmatch(check_options.brin):
        raise click.BadParameter("must be two digits and two capitals, as 99XX", param_hint="--brin")
    if not _LOCATION.fullmatch(check_options.dependance):
        raise click.BadParameter("must be two digits, as 00", param_hint="--dependance")
    return SchoolRef(brin=check_options.brin, dependance=normal_location(check_options.dependance))


def _school_year(typed: str | None) -> str:
    if typed is None:
        return clock.school_year(clock.today())
    years = _YEAR.fullmatch(typed)
    if years is None or int(years[2]) != int(years[1]) + 1:
        raise click.BadParameter("must be two years that follow each other, as 2026-2027", param_hint="--school-year")
    return typed


def _headers(typed: Sequence[str]) -> dict[str, str]:
    headers = {}
    for item in typed:
        name, _, variable = item.partition("=")
        if not _HEADER.fullmatch(name) or not variable:
            raise click.BadParameter("must be NAME=VARIABLE", param_hint="--header")
        if name.lower() in OWN_HEADERS:
            raise click.BadParameter(f"{name} is a header that the check sets itself", param_hint="--header")
        headers[name] = _from_environment(variable, "--header", _MAX_OF_HEADER)
        if not headers[name].isascii():
            raise click.BadParameter("a header can hold ASCII only", param_hint="--header")
    return headers


def _from_environment(variable: str, option: str, limit: int) -> str:
    value = os.environ.get(variable)
    if value is None:
        raise click.BadParameter("the environment variable that it names is not set", param_hint=option)
    return _text(value, option, limit)


def _text(value: str, option: str, limit: int) -> str:
    """A value that XML and HTTP can carry; the sentence does not repeat it."""
    if not 1 <= len(value) <= limit or not value.isprintable():
        raise click.BadParameter(f"must be 1 to {limit} characters, without control characters", param_hint=option)
    return value
