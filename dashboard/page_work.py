"""What the worker does for pages: checks for vendors, and for administrators refused messages to see or judge anew.

Pages write a row and read what was found; this is the only place where the two sides meet.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

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
from connectors.push import Desk
from connectors.replay import replay
from connectors.uwlr.agreement import Policy
from connectors.uwlr.envelope import Authorisation
from connectors.uwlr.rules import ERROR
from dashboard import checking
from dashboard.conformance_cli import SCENARIOS, SESSIONS, file_report
from models import checks, clock, quarantine, rooms
from models.checks import Found, Work
from models.database import reading
from models.quarantine import Kept
from models.records import SchoolRef, Verdict
from models.schools import normal_location

MOST_EXCERPTS = 20
MOST_SHOWN = 200_000  # characters of a refused message
_log = logging.getLogger("rondblik.worker")
_OUT_OF_ORDER = (
    "De toets is door een storing bij ons niet gelukt; probeer het opnieuw.",
    "The check failed through a fault on our side; try again.",
)
_NOT_KEPT = Fatal(
    "Dit bericht wordt niet (meer) bewaard, of is intussen aangenomen.",
    "This message is not kept (any more), or was accepted meanwhile.",
)
_GONE = Fatal("Dit proefadres bestaat niet meer.", "This test address does not exist any more.")


def work_once(desk: Desk, allow_loopback: bool = False, policies: Mapping[str, Policy] | None = None) -> bool:
    """Take the oldest work that a page asked for and do it; False where there is none.

    `policies` are those of publishers that are fetched from, by their id: what they sent is judged by it again.
    """
    work = checks.claim(desk.engine, desk.seal)
    if work is None:
        return False
    try:
        found = _do(desk, work, allow_loopback, policies or {})
    except ConnectorError as failed:
        checks.fail(desk.engine, work, failed.sentence_nl, failed.sentence_en)
    except (OSError, ValueError, KeyError, TypeError, SQLAlchemyError) as failed:
        # The text of these may hold what was handed in: only their kind is logged.
        _log.error("%s while doing what a page asked for", type(failed).__name__)
        checks.fail(desk.engine, work, *_OUT_OF_ORDER)
    else:
        checks.finish(desk.engine, desk.seal, work, found)
    return True


def _do(desk: Desk, work: Work, allow_loopback: bool, policies: Mapping[str, Policy]) -> Found:
    if work.kind == checks.MESSAGE:
        return _check_message(work)
    given = json.loads(work.input)
    if work.kind == checks.ENDPOINT:
        return _found([_call_endpoint(given, allow_loopback)])
    if work.kind in (checks.REFUSED, checks.REPLAY):
        kept = _kept(desk, work, given)
        return _show_refused(desk, kept) if work.kind == checks.REFUSED else _judge_anew(desk, kept, policies)
    room = rooms.find_room(desk.engine, desk.seal, given["token"])
    if room is None:
        raise _GONE
    return _found([room_report(room, rooms.arrivals(desk.engine, room))])


# -- for vendors ---------------------------------------------------------------------------------------------


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


# -- for administrators --------------------------------------------------------------------------------------


def _kept(desk: Desk, work: Work, given: dict[str, Any]) -> Kept:
    """The refused message that is asked for, of the school whose administrator asks. Raises Fatal."""
    with reading(desk.engine) as connection:
        found = quarantine.kept(connection, int(given["delivery"]))
    if not found or found[0].school_id is None or found[0].school_id != work.school_id:
        raise _NOT_KEPT
    return found[0]


def _show_refused(desk: Desk, kept: Kept) -> Found:
    """The message with what names somebody covered; of a long one the beginning."""
    with reading(desk.engine) as connection:
        data = quarantine.raw(connection, desk.seal, kept.delivery_id)
    if data is None:
        raise _NOT_KEPT
    text = mask(data).show(0, MOST_SHOWN)
    report = {"delivery": kept.delivery_id, "fault": kept.fault, "size": kept.size, "whole": kept.size <= MOST_SHOWN}
    return Found(report, b"", b"", {"message": text})


def _judge_anew(desk: Desk, kept: Kept, policies: Mapping[str, Policy]) -> Found:
    receipt = replay(desk, kept, policies.get(kept.source_key, "strict"))
    if receipt is None:
        raise _NOT_KEPT
    errors = [dataclasses.asdict(one) for one in receipt.findings if one.level == ERROR]
    report = {
        "delivery": kept.delivery_id,
        "accepted": receipt.verdict is not Verdict.REJECT,
        "fault": receipt.fault,
        "results": receipt.counts.get("results", 0),
        "findings": errors,
    }
    return Found(report, b"", b"", {})
