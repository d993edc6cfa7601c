"""What `rondblik check` and `rondblik load` do with a file: judge it, or take it in. No screen and no exit here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, cast

from sqlalchemy import Engine

from connectors.errors import ConnectorError, Fatal
from connectors.intake.destinations import AnySchool
from connectors.intake.documents import Content, Document, Form, content_of, form_of, outline_of, unpack
from connectors.intake.judge import ResultSource, Spooled, judge, process_results, spool
from connectors.intake.pull import spool_file
from connectors.intake.roster import (
    FetchedRoster,
    RosterSource,
    StatedSchool,
    fault_of,
    process_roster,
    verdict_of,
)
from connectors.uwlr import names, rules
from connectors.uwlr.agreement import Policy, of_policy
from connectors.uwlr.pupil_messages import PROFILES, RosterAnswer, read_roster
from models.schema.encryption import PiiCipher
from models.schema.limits import MAX_BYTES
from models.schema.records import Finding, Verdict
from models.schema.terms import RetentionPolicy


@dataclass(frozen=True, slots=True)
class FileVerdict:
    """What a document is worth: verdict, fault code and findings; `problem` where it could not be read at all.

    `counts` say what was stored of it, where it was to be stored.
    """

    name: str
    verdict: Verdict
    fault: str | None = None
    findings: tuple[Finding, ...] = ()
    counts: dict[str, int] | None = None
    note: str = ""
    problem: str | None = None
    form: Form = Form.BARE

    @property
    def refused(self) -> bool:
        """Whether a finding of level error stands against it, or it could not be read."""
        return self.problem is not None or self.verdict is Verdict.REJECT


@dataclass(frozen=True, slots=True)
class LoadTarget:
    """Where files are loaded to: store, source, policy; `as_roster` takes them as pupil data."""

    engine: Engine
    cipher: PiiCipher
    source_id: int
    policy: Policy
    retention: RetentionPolicy
    as_roster: bool = False


Reached = Callable[[int], None]


class _ProgressFile:
    """A file that tells how far it has been read, in bytes from its start; else the file that it is made of."""

    def __init__(self, file: BinaryIO, reached: Reached) -> None:
        self._file = file
        self._reached = reached

    def read(self, size: int = -1) -> bytes:
        """Read on, and tell."""
        data = self._file.read(size)
        self._reached(self._file.tell())
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def documents(path: Path, reached: Reached) -> Iterator[Document]:
    """The document that a file is, or those in the zip that it is; the receiver closes each. Raises ConnectorError.

    `reached` is called with the number of bytes that have been processed.
    """
    yield from _documents(str(path), spool_file(path, MAX_BYTES), reached)


def uploaded_documents(name: str, payload: bytes) -> Iterator[Document]:
    """The same as `documents` of bytes that were uploaded, which get no file with a name. Raises ConnectorError."""
    yield from _documents(name, spool([payload]), lambda _read: None)


def _documents(name: str, spooled: Spooled, reached: Reached) -> Iterator[Document]:
    if content_of(spooled) is not Content.ZIP:
        yield Document(name, replace(spooled, file=cast("BinaryIO", _ProgressFile(spooled.file, reached))))
        return
    try:
        for document in unpack(spooled, MAX_BYTES):
            yield Document(f"{name}/{document.name}", document.spooled, document.problem)
            reached(spooled.file.tell())
    finally:
        spooled.close()


def check_file(path: Path, policy: Policy, reached: Reached) -> Iterator[FileVerdict]:
    """Judge each document of a file; needs no store. Raises Fatal where the file cannot be read."""
    return _each(documents(path, reached), lambda name, spooled: _check(name, spooled, policy))


def check_upload(name: str, payload: bytes, policy: Policy) -> Iterator[FileVerdict]:
    """Judge each document of an upload as `check_file` does. Raises Fatal where it cannot be read."""
    return _each(uploaded_documents(name, payload), lambda name, spooled: _check(name, spooled, policy))


def load_file(path: Path, loading: LoadTarget, reached: Reached) -> Iterator[FileVerdict]:
    """Take in each document of a file. Raises Fatal where the file cannot be read."""
    return _each(documents(path, reached), lambda name, spooled: _load(name, spooled, loading))


def _each(documents: Iterator[Document], judge_one: Callable[[str, Spooled], FileVerdict]) -> Iterator[FileVerdict]:
    for document in documents:
        spooled = document.spooled
        if spooled is None:
            yield _unreadable(document)
            continue
        try:
            yield judge_one(document.name, spooled)
        finally:
            spooled.close()


def _unreadable(document: Document) -> FileVerdict:
    problem: ConnectorError = document.problem or Fatal("Niet te lezen.", "It cannot be read.")
    return FileVerdict(document.name, Verdict.REJECT, rules.ONGELDIG_BERICHT, problem=problem.sentence_en)


# -- checking ------------------------------------------------------------------------------------------------


def _check(name: str, spooled: Spooled, policy: Policy) -> FileVerdict:
    form = form_of(spooled)
    if form is Form.PUPILS:
        answer = _read_roster(spooled)
        return FileVerdict(name, verdict_of(answer.findings), fault_of(answer.findings), answer.findings, form=form)
    # A file that is checked may go from hand to hand, so numbers of real children are reported as in a test school.
    judgement = judge(spooled, of_policy(policy, header="checked", test_school=True))
    findings, note = tuple(judgement.findings), judgement.empty or ""
    return FileVerdict(name, judgement.verdict, judgement.fault, findings, note=note, form=form)


def _read_roster(spooled: Spooled) -> RosterAnswer:
    """The reading under the profile that fits best: an answer does not say which one it follows."""
    outline = outline_of(spooled.file)
    is_file = names.local(outline.payload or outline.root or "") == "EDEX"
    best: RosterAnswer | None = None
    for profile in PROFILES[:1] if is_file else PROFILES:
        spooled.file.seek(0)
        answer = read_roster(spooled.file, profile)
        if best is None or _size_of(answer) < _size_of(best):
            best = answer
    assert best is not None  # there is at least one profile
    return best


def _size_of(answer: RosterAnswer) -> tuple[int, int]:
    errors = sum(finding.level == rules.ERROR for finding in answer.findings)
    return errors, len(answer.findings)


# -- loading -------------------------------------------------------------------------------------------------

NOT_ASKED = "This file holds pupil data, no results; load it with --roster."
NO_ROSTER = "This file holds results, no pupil data; load it without --roster."
_RESULTS = (names.local(names.VERZOEK), names.local(names.OPHALEN_ANTWOORD))


def _load(name: str, spooled: Spooled, loading: LoadTarget) -> FileVerdict:
    if not loading.as_roster:
        if content_of(spooled) is Content.ROSTER:
            return FileVerdict(name, Verdict.REJECT, problem=NOT_ASKED)
        return _load_results(name, spooled, loading)
    outline = outline_of(spooled.file)
    if names.local(outline.payload or outline.root or "") in _RESULTS:
        return FileVerdict(name, Verdict.REJECT, problem=NO_ROSTER)
    return _load_roster(name, spooled, loading)  # also of a Fault or anything else, of which reading says what it is


def _load_results(name: str, spooled: Spooled, loading: LoadTarget) -> FileVerdict:
    source = ResultSource(
        source_id=loading.source_id,
        channel="load",
        destination=AnySchool(loading.engine),
        agreement=of_policy(loading.policy),
        retention=loading.retention,
    )
    receipt = process_results(loading.engine, loading.cipher, spooled, source)
    note = receipt.empty or ("the same bytes as before, nothing changed" if receipt.repeated else "")
    return FileVerdict(name, receipt.verdict, receipt.fault, tuple(receipt.findings), dict(receipt.counts), note)


def _load_roster(name: str, spooled: Spooled, loading: LoadTarget) -> FileVerdict:
    fetched = FetchedRoster(_read_roster(spooled), spooled.digest, spooled.size)
    source = RosterSource(loading.source_id, "load", StatedSchool(loading.engine))
    processed = process_roster(loading.engine, loading.cipher, fetched, source)
    receipt = processed.receipt
    if receipt is None:
        verdict = Verdict.ACCEPT if processed.fault is None else Verdict.REJECT
        return FileVerdict(name, verdict, processed.fault, processed.findings, note=processed.empty or "")
    note = f"{receipt.state}: {receipt.pending_because}" if receipt.pending_because else receipt.state
    return FileVerdict(name, receipt.verdict, None, receipt.findings, dict(receipt.counts), note)
