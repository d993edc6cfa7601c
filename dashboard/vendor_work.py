"""What the worker does for vendors: judge an uploaded message, call an endpoint, report on a test room.

Pages write a row and read what was found; this is the only place where the two sides meet.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from connectors.conformance.addresses import safe_address
from connectors.conformance.exchange import Endpoint
from connectors.conformance.junit import as_junit
from connectors.conformance.page import as_html
from connectors.conformance.reports import Report, as_json, endpoint_report
from connectors.conformance.scenarios import run
from connectors.conformance.sender import room_report
from connectors.errors import ConnectorError, Fatal
from connectors.masking import Masked, mask
from connectors.uwlr.envelope import Authorisation
from dashboard import checking
from dashboard.conformance_cli import SCENARIOS, SESSIONS, file_report
from models import checks, clock, rooms
from models.checks import Found, Work
from models.records import SchoolRef
from models.schools import normal_location
from models.sealing import Seal

MOST_EXCERPTS = 20
_log = logging.getLogger("rondblik.worker")
_OUT_OF_ORDER = (
    "De toets is door een storing bij ons niet gelukt; probeer het opnieuw.",
    "The check failed through a fault on our side; try again.",
)
_GONE = Fatal("Dit proefadres bestaat niet meer.", "This test address does not exist any more.")


def work_once(engine: Engine, seal: Seal, allow_loopback: bool = False) -> bool:
    """Take the oldest work that a page asked for and do it; False where there is none."""
    work = checks.claim(engine, seal)
    if work is None:
        return False
    try:
        found = _do(engine, seal, work, allow_loopback)
    except ConnectorError as failed:
        checks.fail(engine, work, failed.sentence_nl, failed.sentence_en)
    except (OSError, ValueError, KeyError, SQLAlchemyError) as failed:
        # The text of these may hold what was handed in: only their kind is logged.
        _log.error("%s while checking for a vendor", type(failed).__name__)
        checks.fail(engine, work, *_OUT_OF_ORDER)
    else:
        checks.finish(engine, seal, work, found)
    return True


def _do(engine: Engine, seal: Seal, work: Work, allow_loopback: bool) -> Found:
    if work.kind == checks.MESSAGE:
        return _check_message(work)
    given = json.loads(work.input)
    if work.kind == checks.ENDPOINT:
        return _found([_call_endpoint(given, allow_loopback)])
    room = rooms.find_room(engine, seal, given["token"])
    if room is None:
        raise _GONE
    return _found([room_report(room, rooms.arrivals(engine, room))])


def _check_message(work: Work) -> Found:
    """Judge what was uploaded as the command line does: a message, pupil data, or a zip of them."""
    with tempfile.TemporaryDirectory(prefix="rondblik-") as folder:
        path = Path(folder) / "upload"
        path.write_bytes(work.input)
        judged = list(checking.check_file(path, "strict", lambda _: None))
    reports = [file_report(dataclasses.replace(one, name=_name(one.name, path, work.title))) for one in judged]
    covered = mask(work.input) if len(judged) == 1 else None
    return _found(reports, {} if covered is None else _excerpts(reports[0], covered))


def _name(name: str, path: Path, title: str) -> str:
    """The name of a document under the name that the vendor knows the file by."""
    return title + name.removeprefix(str(path))


def _excerpts(report: Report, covered: Masked) -> dict[str, str]:
    """What stands around each finding, by "line:column"."""
    places = dict.fromkeys((one.line, one.column) for one in report.all_findings if one.line is not None)
    return {
        f"{line}:{column or 1}": covered.around(line, column or 1)
        for line, column in list(places)[:MOST_EXCERPTS]
        if line is not None
    }


def _call_endpoint(given: dict[str, Any], allow_loopback: bool) -> Report:
    kind = given["kind"]
    target = safe_address(given["url"], allow_loopback)
    school = SchoolRef(
        brin=given.get("brin") or None,
        dependance=normal_location(given.get("dependance")),
        school_key=None if given.get("brin") else given.get("schoolkey") or None,
    )
    endpoint = Endpoint(
        target,
        school,
        given.get("school_year") or clock.school_year(clock.today()),
        Authorisation(given["key"], given["customer_code"], given["customer_name"]),
        given.get("profile") or "edexml",
    )
    parts = urlsplit(given["url"])
    outcomes = run(SESSIONS[kind](endpoint), SCENARIOS[kind])
    return endpoint_report(f"{parts.scheme}://{parts.netloc}{parts.path}", kind, outcomes)


def _found(reports: Sequence[Report], excerpts: dict[str, str] | None = None) -> Found:
    """Reports for people and for machines; of several documents the page shows the first with the most against it."""
    worst = max(reports, key=lambda one: (one.errors, one.warnings))
    return Found({**as_json(worst), "documents": len(reports)}, as_html(reports), as_junit(reports), excerpts or {})
