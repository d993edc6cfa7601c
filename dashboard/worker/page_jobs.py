"""What pages request of the worker: checks for vendors; for administrators refused messages, and sources to try out.

Pages queue a request and read the outcome; only this module knows both sides.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from connectors.conformance.addresses import safe_address
from connectors.conformance.changes import changes_since
from connectors.conformance.endpoints import SCENARIOS, SESSIONS
from connectors.conformance.exchange import Endpoint
from connectors.conformance.html_report import as_html
from connectors.conformance.junit_report import as_junit
from connectors.conformance.reports import Report, as_json, document_report, endpoint_report
from connectors.conformance.rule_states import worst_states
from connectors.conformance.scenarios import run
from connectors.conformance.sender import sandbox_exchanges, sandbox_report
from connectors.conformance.transcript import Transcript
from connectors.errors import Fatal
from connectors.intake import file_loading, push
from connectors.intake.documents import Form
from connectors.intake.file_loading import FileVerdict
from connectors.intake.masking import Masked, mask
from connectors.intake.pull import PullSettings
from connectors.intake.replay import replay
from connectors.intake.transmissions import masked_transmission
from connectors.uwlr import pull_messages
from connectors.uwlr.agreement import Policy
from connectors.uwlr.envelope import Authorisation
from connectors.uwlr.rules import ERROR
from dashboard.worker.context import JobKind, Outcome, WorkContext
from dashboard.worker.erasures import OUT_OF_ORDER, count_erasure, erase_pupil
from dashboard.worker.trials import try_source
from models.ingest import page_requests, quarantine
from models.ingest.exchanges import Exchange
from models.ingest.page_requests import CheckOutput
from models.ingest.quarantine import QuarantinedMessage
from models.ingest.result_store import Receipt
from models.ingest.schools import normal_location
from models.ingest.work_queue import Job
from models.sandbox import sandboxes
from models.schema import clock
from models.schema.database import read_transaction
from models.schema.records import SchoolRef, Verdict

MAX_EXCERPTS = 20
MAX_MASKED = 16_000_000  # bytes of a document out of a zip; of a larger one there are no excerpts
MAX_SHOWN = 200_000  # characters of a refused message
_OUT_OF_ORDER = (
    "De test is door een storing bij ons niet gelukt; probeer het opnieuw.",
    "The check failed through a fault on our side; try again.",
)
_NOT_KEPT = Fatal(
    "Dit bericht wordt niet (meer) bewaard, of is intussen aangenomen.",
    "This message is not kept (any more), or was accepted meanwhile.",
)
Check = Callable[[WorkContext, Job, bytes], CheckOutput]
_GONE = Fatal("Dit proefadres bestaat niet meer.", "This test address does not exist any more.")


# -- for vendors ---------------------------------------------------------------------------------------------


def _check_message(_context: WorkContext, job: Job, payload: bytes) -> CheckOutput:
    """Judge what was uploaded as the command line does: a message, pupil data, or a zip of them.

    The upload is only in memory and in files without a name, so that nothing of it stays when the process is killed.
    """
    verdicts = list(file_loading.check_upload(job.title, payload, "strict"))
    reports = [
        document_report(verdict.name, verdict.findings, verdict.fault, verdict.problem, verdict.form)
        for verdict in verdicts
    ]
    worst = reports.index(_worst(reports))
    shown = _shown_document(job.title, payload, worst)
    if shown is None:
        return _output(reports)
    masked, size = shown
    return _output(reports, _excerpts(reports[worst], masked), [_exchange(verdicts[worst], masked, size)])


def _shown_document(name: str, payload: bytes, index: int) -> tuple[Masked, int] | None:
    """The document with this index in an upload, masked, and its size; None where it cannot be shown."""
    for number, document in enumerate(file_loading.uploaded_documents(name, payload)):
        spooled = document.spooled
        if spooled is None:
            continue
        with spooled:
            if number == index:
                return (mask(spooled.file.read()), spooled.size) if spooled.size <= MAX_MASKED else None
    return None


def _exchange(verdict: FileVerdict, masked: Masked, size: int) -> Exchange:
    """An uploaded message with the answer that a receiver gives; pupil data are an answer themselves."""
    uploaded = masked_transmission("", masked, size)
    if verdict.form is Form.PUPILS:
        return Exchange("", (), None, uploaded)
    if verdict.form is Form.ANSWER:
        return Exchange(pull_messages.OPERATION, (), None, uploaded)
    receipt = Receipt(0, verdict.verdict, verdict.fault, verdict.findings)
    return Exchange(push.OPERATION, (), uploaded, push.answer_transmission(receipt))


def _excerpts(report: Report, masked: Masked) -> dict[str, str]:
    """The text around each finding, by "line:column"."""
    places = [(finding.line, finding.column) for finding in report.all_findings if finding.line is not None]
    return _around(masked, places)


def _around(masked: Masked, places: Sequence[tuple[int, int | None]]) -> dict[str, str]:
    """The text around each of these lines and columns, by "line:column"."""
    return {
        f"{line}:{column or 1}": masked.around(line, column or 1)
        for line, column in list(dict.fromkeys(places))[:MAX_EXCERPTS]
    }


def _call_endpoint(context: WorkContext, _job: Job, payload: bytes) -> CheckOutput:
    """Call an endpoint in all scenarios of its kind."""
    values = json.loads(payload)
    kind = values["kind"]
    target = safe_address(values["url"], context.allow_loopback)
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
    session, transcript = SESSIONS[kind](endpoint), Transcript(endpoint)
    outcomes = run(session, SCENARIOS[kind], lambda outcome: transcript.add(outcome.scenario.id, session.replies))
    report = endpoint_report(f"{parts.scheme}://{parts.netloc}{parts.path}", kind, outcomes)
    return _output([report], exchanges=transcript.exchanges)


def _report_on_sandbox(context: WorkContext, job: Job, payload: bytes) -> CheckOutput:
    """Report on everything that came in at a sandbox."""
    sandbox = sandboxes.find_sandbox(context.engine, context.cipher, json.loads(payload)["token"])
    if sandbox is None:
        raise _GONE
    previous = page_requests.previous_report(context.engine, job) or {}
    arrivals, seen = sandboxes.arrivals(context.engine, sandbox), int(previous.get("seen", 0))
    newest = arrivals[-1].id if arrivals else 0
    kept = sandboxes.exchanges(context.engine, context.cipher, sandbox)
    report = sandbox_report(sandbox, arrivals, seen)
    output = _output([report], exchanges=sandbox_exchanges(sandbox, arrivals, kept))
    # Without a new message the rules stand as they did.
    rules = previous["rules"] if previous and newest == seen else output.report["rules"]
    return dataclasses.replace(output, report={**output.report, "rules": rules, "seen": newest})


def _output(
    reports: Sequence[Report], excerpts: dict[str, str] | None = None, exchanges: Sequence[Exchange] = ()
) -> CheckOutput:
    """Reports for people and for machines; of several documents the page shows the first with the most findings."""
    rules = worst_states([report.rules for report in reports])
    shown = {**as_json(_worst(reports)), "rules": rules, "documents": len(reports)}
    return CheckOutput(shown, as_html(reports), as_junit(reports), excerpts or {}, tuple(exchanges))


def _compared(check: Check) -> Check:
    """A check whose report says in `since` what changed since the run before it; None where there was none."""

    def run_and_compare(context: WorkContext, job: Job, payload: bytes) -> CheckOutput:
        output = check(context, job, payload)
        previous = page_requests.previous_report(context.engine, job)
        since = None if previous is None else changes_since(previous, output.report)
        return dataclasses.replace(output, report={**output.report, "since": since})

    return run_and_compare


def _worst(reports: Sequence[Report]) -> Report:
    return max(reports, key=lambda report: (report.errors, report.warnings))


# -- for administrators --------------------------------------------------------------------------------------


def _quarantined(context: WorkContext, job: Job, payload: bytes) -> QuarantinedMessage:
    """The refused message of a request, of the school of its administrator. Raises Fatal."""
    with read_transaction(context.engine) as connection:
        messages = quarantine.quarantined_messages(connection, int(json.loads(payload)["delivery"]))
    if not messages or messages[0].school_id is None or messages[0].school_id != job.school_id:
        raise _NOT_KEPT
    return messages[0]


def _show_refused(context: WorkContext, job: Job, payload: bytes) -> CheckOutput:
    """What was wrong with the text around it, and the message, personal data masked; of a long one the beginning."""
    message = _quarantined(context, job, payload)
    with read_transaction(context.engine) as connection:
        data = quarantine.raw(connection, context.cipher, message.delivery_id)
        findings = quarantine.findings_of(connection, message.delivery_id)
    if data is None:
        raise _NOT_KEPT
    masked = mask(data)
    errors = [finding for finding in findings if finding["level"] == ERROR]
    places = [(finding["line"], finding["column"]) for finding in errors if finding.get("line") is not None]
    report = {
        "delivery": message.delivery_id,
        "fault": message.fault,
        "size": message.size,
        "whole": message.size <= MAX_SHOWN,
        "findings": errors,
    }
    return CheckOutput(report, b"", b"", {"message": masked.show(0, MAX_SHOWN), **_around(masked, places)})


def _replay(context: WorkContext, job: Job, payload: bytes) -> CheckOutput:
    """Process the message again, by the policy of its publisher where that is polled."""
    message = _quarantined(context, job, payload)
    receipt = replay(context.receiver, message, _policy_of(context, message))
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


def _policy_of(context: WorkContext, message: QuarantinedMessage) -> Policy:
    """The policy of the source of a message: by the configuration, or as its school set it."""
    if message.source_key in context.policies or message.school_id is None or message.source_id is None:
        return context.policies.get(message.source_key, "strict")
    own = context.poll_of(message.school_id, message.source_id)
    return own.source.policy if own is not None and isinstance(own.source, PullSettings) else "strict"


# -- the kinds ---------------------------------------------------------------------------------------------------


def _kind(check: Check, out_of_order: tuple[str, str] = _OUT_OF_ORDER) -> JobKind:
    """A kind of request; `check` gets its input in the clear."""

    def run(context: WorkContext, job: Job) -> Outcome:
        return Outcome(output=check(context, job, page_requests.payload_of(context.cipher, job)))

    return JobKind(run, _store, out_of_order)


def _store(context: WorkContext, job: Job, outcome: Outcome) -> None:
    if outcome.output is not None:
        page_requests.finish(context.engine, context.cipher, job, outcome.output)
    else:
        page_requests.fail(context.engine, job, *(outcome.failure or _OUT_OF_ORDER))


KINDS = {
    page_requests.MESSAGE: _kind(_compared(_check_message)),
    page_requests.ENDPOINT: _kind(_compared(_call_endpoint)),
    page_requests.SANDBOX: _kind(_compared(_report_on_sandbox)),
    page_requests.REFUSED: _kind(_show_refused),
    page_requests.REPLAY: _kind(_replay),
    page_requests.TRIAL: _kind(try_source),
    page_requests.COUNT_ERASURE: _kind(count_erasure, OUT_OF_ORDER),
    page_requests.ERASE: _kind(erase_pupil, OUT_OF_ORDER),
}
