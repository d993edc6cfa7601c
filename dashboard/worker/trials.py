"""Trying out a source that an administrator fills in on the page: one real exchange, of which nothing is stored."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from connectors.errors import ConnectorError, Fatal, Retriable
from connectors.intake.las_client import LasSettings, fetch_roster
from connectors.intake.pull import PullSettings, try_out
from connectors.intake.roster import RequestedSchool, fault_of, judge_roster
from connectors.transport.http_client import Limits
from connectors.uwlr.rules import ERROR
from dashboard.worker.context import WorkContext
from models.ingest import own_connections
from models.ingest.page_requests import CheckOutput
from models.ingest.work_queue import Job
from models.schema.records import Finding, Verdict

MAX_SECONDS = 120.0  # somebody waits for it
MAX_FINDINGS = 10
_GONE = Fatal(
    "Deze koppeling is intussen verwijderd of gewijzigd.", "This connection was removed or changed meanwhile."
)
# A poll is done again by itself, a trial is not.
_LATER = ("; we proberen het later opnieuw.", "; it will be asked again later.")
_NOW = ("; probeer het zo nog eens.", "; try again in a moment.")


def try_source(context: WorkContext, job: Job, payload: bytes) -> CheckOutput:
    """Fetch once by the settings that were typed and say what came; what works may be taken in use."""
    number, school_id = int(json.loads(payload)["connection"]), job.school_id
    assert school_id is not None
    typed = own_connections.drafted_settings(context.engine, context.cipher, school_id, number)
    if typed is None:
        raise _GONE
    try:
        source = context.own_poll(typed, school_id).source
        if isinstance(source, PullSettings):
            report = _try_publisher(context, replace(source, limits=_quick(source.limits)), school_id)
        elif isinstance(source, LasSettings):
            report = _try_las(context, replace(source, limits=_quick(source.limits)), school_id)
        else:
            raise _GONE
    except Retriable as failed:
        raise _not_again(failed) from None
    if report["works"]:
        own_connections.record_tried(context.engine, context.cipher, school_id, number, typed)
    return CheckOutput({"connection": number, **report}, b"", b"", {})


def _quick(limits: Limits) -> Limits:
    return replace(limits, total_seconds=min(limits.total_seconds, MAX_SECONDS))


def _not_again(failed: Retriable) -> ConnectorError:
    """The same failure without the promise that it is tried again."""
    nl, en = (
        sentence.removesuffix(later) + now if sentence.endswith(later) else sentence
        for sentence, later, now in zip((failed.sentence_nl, failed.sentence_en), _LATER, _NOW, strict=True)
    )
    return Fatal(nl, en)


def _try_publisher(context: WorkContext, settings: PullSettings, school_id: int) -> dict[str, Any]:
    outcome = try_out(settings, context.engine, context.cipher, school_id)
    receipts = [document.receipt for document in outcome.taken]
    counts: dict[str, int] = {}
    for receipt in receipts:
        for name, count in receipt.counts.items():
            counts[name] = counts.get(name, 0) + count
    refused = [receipt for receipt in receipts if receipt.verdict is Verdict.REJECT]
    return {
        "works": outcome.failure is None,
        "messages": len(receipts) - len(refused),
        "refused": len(refused) + len(outcome.problems),
        "fault": refused[0].fault if refused else None,
        "findings": _errors(finding for receipt in refused for finding in receipt.findings),
        "problems": [[problem.sentence_nl, problem.sentence_en] for problem in outcome.problems[:MAX_FINDINGS]],
        **counts,
    }


def _try_las(context: WorkContext, settings: LasSettings, school_id: int) -> dict[str, Any]:
    answer = fetch_roster(settings, None).answer
    if answer.roster is None and answer.empty is not None:
        return {"works": True, "empty": True, "pupils": 0, "groups": 0, "teachers": 0, "findings": []}
    stored_for, findings = judge_roster(answer, RequestedSchool(context.engine, school_id, settings.school))
    fault, roster = fault_of(findings), answer.roster
    return {
        "works": fault is None and stored_for is not None and roster is not None,
        "fault": fault,
        "findings": _errors(findings),
        "pupils": 0 if roster is None else len(roster.pupils),
        "groups": 0 if roster is None else len(roster.groups),
        "teachers": 0 if roster is None else len(roster.teachers),
    }


def _errors(findings: Iterable[Finding]) -> Sequence[dict[str, Any]]:
    """The first errors, each of its kind once."""
    by_rule = {finding.rule: finding for finding in findings if finding.level == ERROR}
    return [dataclasses.asdict(finding) for finding in list(by_rule.values())[:MAX_FINDINGS]]
