"""The worker's jobs for pages: checks for vendors, and for administrators refused messages to view or replay.

Pages write a row and read the outcome; only this module knows both sides. Checks of endpoints of others have a thread
of their own: however slow they are, nobody else waits for them.
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

# The kinds of requests that are processed one after the other, each group in its own thread.
THREADS = ((page_requests.ENDPOINT,), tuple(kind for kind in page_requests.KINDS if kind != page_requests.ENDPOINT))
MAX_EXCERPTS = 20
MAX_MASKED = 16_000_000  # bytes of a document out of a zip; of a larger one there are no excerpts
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
    """Process the oldest request of a page of these kinds; False where there is none."""
    work = page_requests.claim(receiver.engine, receiver.cipher, kinds)
    if work is None:
        return False
    do(receiver, work, allow_loopback, policies or {})
    return True


def do(receiver: ReceiverContext, work: LeasedRequest, allow_loopback: bool, policies: Mapping[str, Policy]) -> None:
    """Process a request that was claimed, and store the outcome or why it failed.

    `policies` are those of publishers that are polled, by their id: a replay judges their messages by it. A request
    that ended its worker each time that it was tried is not tried again.
    """
    if work.tries > page_requests.MAX_TRIES:
        page_requests.fail(receiver.engine, work, *_OUT_OF_ORDER)
        return
    try:
        check_output = _do(receiver, work, allow_loopback, policies)
    except ConnectorError as failed:
        page_requests.fail(receiver.engine, work, failed.sentence_nl, failed.sentence_en)
    except Exception as failed:  # noqa: BLE001 - whatever a file or endpoint of others causes ends here
        # The text of the error may hold values of the upload: only its type is logged.
        _log.error("%s while doing what a page asked for", type(failed).__name__)
        page_requests.fail(receiver.engine, work, *_OUT_OF_ORDER)
    else:
        page_requests.finish(receiver.engine, receiver.cipher, work, check_output)


def _do(
    receiver: ReceiverContext, work: LeasedRequest, allow_loopback: bool, policies: Mapping[str, Policy]
) -> CheckOutput:
    if work.kind == page_requests.MESSAGE:
        return _check_message(work)
    values = json.loads(work.input)
    if work.kind == page_requests.ENDPOINT:
        return _output([_call_endpoint(values, allow_loopback)])
    if work.kind in (page_requests.REFUSED, page_requests.REPLAY):
        message = _quarantined(receiver, work, values)
        return (
            _show_refused(receiver, message)
            if work.kind == page_requests.REFUSED
            else _replay(receiver, message, policies)
        )
    sandbox = sandboxes.find_sandbox(receiver.engine, receiver.cipher, values["token"])
    if sandbox is None:
        raise _GONE
    return _output([sandbox_report(sandbox, sandboxes.arrivals(receiver.engine, sandbox))])


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
        masked = _masked(path, reports.index(_worst(reports)))
    return _output(reports, {} if masked is None else _excerpts(_worst(reports), masked))


def _no_viewer(_: int) -> None:
    """The progress of the reading, which nobody watches here."""


def _masked(path: Path, index: int) -> Masked | None:
    """The document with this index in a file, personal data masked; None where it cannot be shown."""
    for number, document in enumerate(file_loading.documents(path, _no_viewer)):
        spooled = document.spooled
        if spooled is None:
            continue
        with spooled:
            if number == index:
                return mask(spooled.file.read()) if spooled.size <= MAX_MASKED else None
    return None


def _name(name: str, path: Path, title: str) -> str:
    """The name of a document under the name that the vendor knows the file by."""
    return title + name.removeprefix(str(path))


def _excerpts(report: Report, masked: Masked) -> dict[str, str]:
    """The text around each finding, by "line:column"."""
    places = dict.fromkeys(
        (finding.line, finding.column) for finding in report.all_findings if finding.line is not None
    )
    return {
        f"{line}:{column or 1}": masked.around(line, column or 1)
        for line, column in list(places)[:MAX_EXCERPTS]
        if line is not None
    }


def _call_endpoint(values: dict[str, Any], allow_loopback: bool) -> Report:
    kind = values["kind"]
    target = safe_address(values["url"], allow_loopback)
    school = SchoolRef(
        brin=values.get("brin") or None,
        dependance=normal_location(values.get("dependance")),
        school_key=None if values.get("brin") else values.get("schoolkey") or None,
    )
    endpoint = Endpoint(
        target,
        school,
        values.get("school_year") or clock.school_year(clock.today()),
        Authorisation(values["key"], values["customer_code"], values["customer_name"]),
        values.get("profile") or "edexml",
    )
    parts = urlsplit(values["url"])
    outcomes = run(SESSIONS[kind](endpoint), SCENARIOS[kind])
    return endpoint_report(f"{parts.scheme}://{parts.netloc}{parts.path}", kind, outcomes)


def _output(reports: Sequence[Report], excerpts: dict[str, str] | None = None) -> CheckOutput:
    """Reports for people and for machines; of several documents the page shows the first with the most findings."""
    shown = {**as_json(_worst(reports)), "documents": len(reports)}
    return CheckOutput(shown, as_html(reports), as_junit(reports), excerpts or {})


def _worst(reports: Sequence[Report]) -> Report:
    return max(reports, key=lambda report: (report.errors, report.warnings))


# -- for administrators --------------------------------------------------------------------------------------


def _quarantined(receiver: ReceiverContext, work: LeasedRequest, values: dict[str, Any]) -> QuarantinedMessage:
    """The refused message of a request, of the school of its administrator. Raises Fatal."""
    with read_transaction(receiver.engine) as connection:
        messages = quarantine.quarantined_messages(connection, int(values["delivery"]))
    if not messages or messages[0].school_id is None or messages[0].school_id != work.school_id:
        raise _NOT_KEPT
    return messages[0]


def _show_refused(receiver: ReceiverContext, message: QuarantinedMessage) -> CheckOutput:
    """The message with personal data masked; of a long one the beginning."""
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
