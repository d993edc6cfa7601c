"""What the worker does for pages: checks for vendors, and for administrators refused messages to view or replay.

Pages write a row and read what was found; this is the only place where the two sides meet. Endpoints of vendors have
a thread of their own: however slow they are, nobody else waits for them.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import tempfile
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from connectors.conformance.addresses import safe_address
from connectors.conformance.endpoints import SCENARIOS, SESSIONS
from connectors.conformance.exchange import Endpoint
from connectors.conformance.html_report import as_html
from connectors.conformance.junit_report import as_junit
from connectors.conformance.reports import Report, as_json, document_report, endpoint_report
from connectors.conformance.scenarios import run
from connectors.conformance.sender import sandbox_report
from connectors.errors import ConnectorError, Fatal
from connectors.intake import file_loading
from connectors.intake.masking import Masked, mask
from connectors.intake.push import ReceiverContext
from connectors.intake.replay import replay
from connectors.uwlr.agreement import Policy
from connectors.uwlr.envelope import Authorisation
from connectors.uwlr.rules import ERROR
from models.ingest import page_requests, quarantine
from models.ingest.page_requests import CheckOutput, LeasedRequest
from models.ingest.quarantine import QuarantinedMessage
from models.ingest.schools import normal_location
from models.sandbox import sandboxes
from models.schema import clock
from models.schema.database import read_transaction
from models.schema.records import SchoolRef, Verdict

# The kinds of work that are done one after the other, each group in a thread of its own.
LANES = ((page_requests.ENDPOINT,), tuple(kind for kind in page_requests.KINDS if kind != page_requests.ENDPOINT))
MAX_EXCERPTS = 20
MAX_COVERED = 16_000_000  # bytes of a document out of a zip; of a larger one there are no excerpts
MAX_SHOWN = 200_000  # characters of a refused message
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


def work_once(
    receiver: ReceiverContext,
    allow_loopback: bool = False,
    policies: Mapping[str, Policy] | None = None,
    kinds: Collection[str] = page_requests.KINDS,
) -> bool:
    """Take the oldest work of these kinds that a page asked for and do it; False where there is none."""
    work = page_requests.claim(receiver.engine, receiver.cipher, kinds)
    if work is None:
        return False
    do(receiver, work, allow_loopback, policies or {})
    return True


def do(receiver: ReceiverContext, work: LeasedRequest, allow_loopback: bool, policies: Mapping[str, Policy]) -> None:
    """Do work that was claimed, and write down what was found or why it could not be done.

    `policies` are those of publishers that are fetched from, by their id: what they sent is judged by it again. Work
    that brought its worker down each time that it was tried is not tried again.
    """
    if work.tries > page_requests.MAX_TRIES:
        page_requests.fail(receiver.engine, work, *_OUT_OF_ORDER)
        return
    try:
        check_output = _do(receiver, work, allow_loopback, policies)
    except ConnectorError as failed:
        page_requests.fail(receiver.engine, work, failed.sentence_nl, failed.sentence_en)
    except Exception as failed:  # noqa: BLE001 - whatever a vendor's file or endpoint causes ends here
        # The text of these may hold what was handed in: only their kind is logged.
        _log.error("%s while doing what a page asked for", type(failed).__name__)
        page_requests.fail(receiver.engine, work, *_OUT_OF_ORDER)
    else:
        page_requests.finish(receiver.engine, receiver.cipher, work, check_output)


def _do(
    receiver: ReceiverContext, work: LeasedRequest, allow_loopback: bool, policies: Mapping[str, Policy]
) -> CheckOutput:
    if work.kind == page_requests.MESSAGE:
        return _check_message(work)
    given = json.loads(work.input)
    if work.kind == page_requests.ENDPOINT:
        return _found([_call_endpoint(given, allow_loopback)])
    if work.kind in (page_requests.REFUSED, page_requests.REPLAY):
        message = _quarantined(receiver, work, given)
        return (
            _show_refused(receiver, message)
            if work.kind == page_requests.REFUSED
            else _replay(receiver, message, policies)
        )
    sandbox = sandboxes.find_sandbox(receiver.engine, receiver.cipher, given["token"])
    if sandbox is None:
        raise _GONE
    return _found([sandbox_report(sandbox, sandboxes.arrivals(receiver.engine, sandbox))])


# -- for vendors ---------------------------------------------------------------------------------------------


def _check_message(work: LeasedRequest) -> CheckOutput:
    """Judge what was uploaded as the command line does: a message, pupil data, or a zip of them."""
    with tempfile.TemporaryDirectory(prefix="rondblik-") as folder:
        path = Path(folder) / "upload"
        path.write_bytes(work.input)
        judged = list(file_loading.check_file(path, "strict", _no_viewer))
        reports = [
            document_report(
                _name(file_verdict.name, path, work.title),
                file_verdict.findings,
                file_verdict.fault,
                file_verdict.problem,
            )
            for file_verdict in judged
        ]
        covered = _covered(path, reports.index(_worst(reports)))
    return _found(reports, {} if covered is None else _excerpts(_worst(reports), covered))


def _no_viewer(_: int) -> None:
    """How far the reading is, which nobody watches here."""


def _covered(path: Path, place: int) -> Masked | None:
    """The document at this place of a file with what names somebody covered; None where it cannot be shown."""
    for number, document in enumerate(file_loading.documents(path, _no_viewer)):
        spooled = document.spooled
        if spooled is None:
            continue
        with spooled:
            if number == place:
                return mask(spooled.file.read()) if spooled.size <= MAX_COVERED else None
    return None


def _name(name: str, path: Path, title: str) -> str:
    """The name of a document under the name that the vendor knows the file by."""
    return title + name.removeprefix(str(path))


def _excerpts(report: Report, covered: Masked) -> dict[str, str]:
    """What stands around each finding, by "line:column"."""
    places = dict.fromkeys(
        (finding.line, finding.column) for finding in report.all_findings if finding.line is not None
    )
    return {
        f"{line}:{column or 1}": covered.around(line, column or 1)
        for line, column in list(places)[:MAX_EXCERPTS]
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


def _found(reports: Sequence[Report], excerpts: dict[str, str] | None = None) -> CheckOutput:
    """Reports for people and for machines; of several documents the page shows the first with the most against it."""
    shown = {**as_json(_worst(reports)), "documents": len(reports)}
    return CheckOutput(shown, as_html(reports), as_junit(reports), excerpts or {})


def _worst(reports: Sequence[Report]) -> Report:
    return max(reports, key=lambda report: (report.errors, report.warnings))


# -- for administrators --------------------------------------------------------------------------------------


def _quarantined(receiver: ReceiverContext, work: LeasedRequest, given: dict[str, Any]) -> QuarantinedMessage:
    """The refused message that is asked for, of the school whose administrator asks. Raises Fatal."""
    with read_transaction(receiver.engine) as connection:
        messages = quarantine.quarantined_messages(connection, int(given["delivery"]))
    if not messages or messages[0].school_id is None or messages[0].school_id != work.school_id:
        raise _NOT_KEPT
    return messages[0]


def _show_refused(receiver: ReceiverContext, message: QuarantinedMessage) -> CheckOutput:
    """The message with what names somebody covered; of a long one the beginning."""
    with read_transaction(receiver.engine) as connection:
        data = quarantine.raw(connection, receiver.cipher, message.delivery_id)
    if data is None:
        raise _NOT_KEPT
    text = mask(data).show(0, MAX_SHOWN)
    report = {
        "delivery": message.delivery_id,
        "fault": message.fault,
        "size": message.size,
        "whole": message.size <= MAX_SHOWN,
    }
    return CheckOutput(report, b"", b"", {"message": text})


def _replay(receiver: ReceiverContext, message: QuarantinedMessage, policies: Mapping[str, Policy]) -> CheckOutput:
    receipt = replay(receiver, message, policies.get(message.source_key, "strict"))
    if receipt is None:
        raise _NOT_KEPT
    errors = [dataclasses.asdict(finding) for finding in receipt.findings if finding.level == ERROR]
    report = {
        "delivery": message.delivery_id,
        "accepted": receipt.verdict is not Verdict.REJECT,
        "fault": receipt.fault,
        "results": receipt.counts.get("results", 0),
        "findings": errors,
    }
    return CheckOutput(report, b"", b"", {})
