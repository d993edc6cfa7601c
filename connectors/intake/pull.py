"""Results from a publisher that we ask: by SOAP, as documents over https, or from a drop folder.

All three end in `judge.process_results`, or where a connection is tried out in `judge.judge`. Nothing is written
while the network or a disk of others is waited for: an answer is first spooled to a private file. One document that is
refused does not hold up the next.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, Protocol

from sqlalchemy import Engine

from connectors.errors import ConnectorError, Fatal, Refused, Retriable, TooLarge
from connectors.intake.destinations import OwnSchool, ReceiverCheck
from connectors.intake.documents import Document, is_whole, is_zip, outline_of, unpack
from connectors.intake.judge import ResultSource, Spooled, judge, process_results, refuse_unread, spool, spool_body
from connectors.transport import http_client
from connectors.transport.http_client import Answer, ClientCertificate, HttpRequest, Limits, Resolve, as_named
from connectors.uwlr import names, rules
from connectors.uwlr.agreement import STRICT, Policy, of_policy
from connectors.uwlr.envelope import Authorisation
from connectors.uwlr.pull_messages import (
    SOAP_ACTION,
    PullRequest,
    fill_template,
    since_cursor,
    write_pull_request,
)
from connectors.uwlr.soap import read_envelope_header
from models.ingest.deliveries import is_fetched
from models.ingest.identity import unmatched
from models.ingest.result_store import Receipt
from models.schema import clock
from models.schema.database import read_transaction
from models.schema.encryption import PiiCipher
from models.schema.records import Finding, SchoolRef, Verdict
from models.schema.terms import RetentionPolicy

PullKind = Literal["soap", "https", "folder"]
UNCHANGED_SECONDS = 2.0
CURRENT_YEAR = "current"
CHUNK_BYTES = 256 * 1024
FAULT_BYTES = 1024 * 1024
_MESSAGES = (names.ENVELOPE, names.VERZOEK, names.OPHALEN_ANTWOORD)


@dataclass(frozen=True, slots=True)
class PullSettings:
    """How to fetch the results of one school from one publisher.

    `location` is an address (soap, https) or a folder. `school_year` is "current" or a year as 2026-2027;
    `request_template` is the text of a publisher's own request (docs/pull.md). `resolve` gives the literal address to
    connect to for a URL, and raises Fatal where it may not be called.
    """

    kind: PullKind
    location: str = field(repr=False)
    school: SchoolRef
    policy: Policy = "strict"
    authorisation: Authorisation | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    certificate: ClientCertificate | None = None
    xsd_version: str = "2.2"
    dataset_id: str | None = None
    school_year: str = CURRENT_YEAR
    soap_action: str = SOAP_ACTION
    request_template: str | None = field(default=None, repr=False)
    limits: Limits = field(default_factory=Limits)
    retention: RetentionPolicy = field(default_factory=RetentionPolicy)
    resolve: Resolve = as_named


@dataclass(frozen=True, slots=True)
class Target:
    """Where the results go: the store, and the connection (school, source) that they belong to."""

    engine: Engine
    cipher: PiiCipher
    school_id: int
    source_id: int


@dataclass(frozen=True, slots=True)
class JudgedDocument:
    """A document that was judged: its name (empty for an answer) and what became of it."""

    name: str
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class UnreadableDocument:
    """A document that could not be read at all, in a sentence."""

    name: str
    sentence_nl: str
    sentence_en: str


@dataclass(frozen=True, slots=True)
class PullOutcome:
    """What one pull brought: documents judged, documents that could not be read, documents known from before."""

    taken: tuple[JudgedDocument, ...] = ()
    problems: tuple[UnreadableDocument, ...] = ()
    known: int = 0

    @property
    def failure(self) -> tuple[str, str] | None:
        """Why nothing of this pull was of use, in Dutch and English; None where something was, or nothing came."""
        refused = [document for document in self.taken if document.receipt.verdict is Verdict.REJECT]
        if self.known or len(refused) < len(self.taken) or not (refused or self.problems):
            return None
        if refused:
            fault = refused[0].receipt.fault or rules.ONGELDIG_BERICHT
            return (
                f"Wat deze bron stuurde is geweigerd ({fault}); de reden staat bij de geweigerde berichten.",
                f"What this source sent was refused ({fault}); the reason stands with the refused messages.",
            )
        return self.problems[0].sentence_nl, self.problems[0].sentence_en


def pull(settings: PullSettings, target: Target, cursor: str | None) -> PullOutcome:
    """Fetch what is new and take it in; `cursor` is the aanmaakdatum of the newest stored answer (soap only).

    Raises Retriable, Fatal, or Refused with the code of a SOAP Fault. What was taken in before that stays.
    """
    return _pull(settings, _Storing(settings, target), cursor)


def try_out(settings: PullSettings, engine: Engine, cipher: PiiCipher, school_id: int) -> PullOutcome:
    """Fetch once, as if for the first time, and judge what comes; nothing is stored. Raises as `pull`.

    Receipts have the counts `results`, `pupils` and `known` (pupils that are in the pupil list of the school).
    """
    return _pull(settings, _Trying(settings, engine, cipher, school_id), None)


def _pull(settings: PullSettings, taker: _Taker, cursor: str | None) -> PullOutcome:
    try:
        return _KINDS[settings.kind](settings, taker, cursor)
    except TooLarge as large:
        return PullOutcome((JudgedDocument("", taker.refuse("", large)),))


# -- what becomes of what comes ------------------------------------------------------------------------------


class _Taker(Protocol):
    """What is done with a document that was fetched."""

    def is_known(self, spooled: Spooled) -> bool:
        """Whether it was taken in before."""

    def answer(self, spooled: Spooled, asked_us: int) -> Receipt:
        """Judge the answer to a question that was asked at this moment."""

    def document(self, spooled: Spooled) -> Receipt:
        """Judge a document."""

    def refuse(self, name: str, problem: ConnectorError) -> Receipt:
        """Refuse a document that could not be read whole."""


@dataclass(frozen=True, slots=True)
class _Storing:
    """Stores what comes, or keeps it apart with the reason."""

    settings: PullSettings
    target: Target

    def is_known(self, spooled: Spooled) -> bool:
        return is_fetched(self.target.engine, self.target.school_id, self.target.source_id, spooled.digest)

    def answer(self, spooled: Spooled, asked_us: int) -> Receipt:
        return self._process(spooled, replace(self._source(), moves_cursor=True, asked_us=asked_us))

    def document(self, spooled: Spooled) -> Receipt:
        return self._process(spooled, replace(self._source(), remembers_document=True))

    def refuse(self, name: str, problem: ConnectorError) -> Receipt:
        return refuse_unread(
            self.target.engine,
            self.target.cipher,
            source_id=self.target.source_id,
            school_id=self.target.school_id,
            way="pull",
            finding=_unread_finding(name, problem),
            digest=hashlib.sha256(name.encode()).digest(),
        )

    def _process(self, spooled: Spooled, source: ResultSource) -> Receipt:
        return process_results(self.target.engine, self.target.cipher, spooled, source)

    def _source(self) -> ResultSource:
        return ResultSource(
            source_id=self.target.source_id,
            channel="pull",
            destination=OwnSchool(self.target.engine, self.target.school_id),
            agreement=of_policy(self.settings.policy),
            retention=self.settings.retention,
        )


@dataclass(frozen=True, slots=True)
class _Trying:
    """Judges what comes as if it were taken in; writes nothing."""

    settings: PullSettings
    engine: Engine
    cipher: PiiCipher
    school_id: int

    def is_known(self, spooled: Spooled) -> bool:
        return False

    def answer(self, spooled: Spooled, asked_us: int) -> Receipt:
        return self.document(spooled)

    def document(self, spooled: Spooled) -> Receipt:
        agreement = of_policy(self.settings.policy)
        receiver = ReceiverCheck(self.engine, self.cipher, OwnSchool(self.engine, self.school_id), agreement)
        judgement = judge(spooled, agreement, receiver)
        findings = tuple(judgement.findings)
        if judgement.batch is None:
            return Receipt(0, judgement.verdict, judgement.fault, findings, empty=judgement.empty)
        pupils = judgement.batch.pupils
        with read_transaction(self.engine) as connection:
            unknown = unmatched(connection, self.cipher, self.school_id, pupils)
        counts = {"results": judgement.batch.count, "pupils": len(pupils), "known": len(pupils) - len(unknown)}
        return Receipt(0, judgement.verdict, None, findings, counts)

    def refuse(self, name: str, problem: ConnectorError) -> Receipt:
        finding = _unread_finding(name, problem)
        return Receipt(0, Verdict.REJECT, finding.fault or rules.ONGELDIG_BERICHT, (finding,))


def _unread_finding(name: str, problem: ConnectorError) -> Finding:
    """Why a document could not be read whole; so it is known by its name."""
    rule = "xml.size" if isinstance(problem, TooLarge) else "document.unreadable"
    return replace(
        rules.finding(rule, path=name or None),
        message_nl=problem.sentence_nl,
        message_en=problem.sentence_en,
    )


# -- soap ----------------------------------------------------------------------------------------------------


def _pull_soap(settings: PullSettings, taker: _Taker, cursor: str | None) -> PullOutcome:
    asked_us = clock.now_us()
    with http_client.fetch(_soap_request(settings, cursor), settings.limits) as answer:
        spooled = _spool_soap(answer, settings)
    try:
        _check_soap(spooled, answer.status)
        receipt = taker.answer(spooled, asked_us)
    finally:
        spooled.close()
    return PullOutcome((JudgedDocument("", receipt),))


def _soap_request(settings: PullSettings, cursor: str | None) -> HttpRequest:
    year = settings.school_year
    pull_request = PullRequest(
        school=settings.school,
        school_year=clock.school_year(clock.today()) if year == CURRENT_YEAR else year,
        xsd_version=settings.xsd_version,
        dataset_id=settings.dataset_id,
        since=since_cursor(cursor),
        authorisation=settings.authorisation,
    )
    template = settings.request_template
    body = write_pull_request(pull_request) if template is None else fill_template(template, pull_request)
    headers = {
        "Content-Type": "text/xml; charset=utf-8",
        "Accept": "text/xml",
        "SOAPAction": f'"{settings.soap_action}"',
        **settings.headers,
    }
    return HttpRequest(settings.location, body, headers, settings.certificate, settings.resolve(settings.location))


def _spool_soap(answer: Answer, settings: PullSettings) -> Spooled:
    """The answer in a private file; of a status 500 only as much as a Fault may have."""
    if answer.status == 500:
        return spool_body(answer.chunks, answer.content_type, FAULT_BYTES)
    failed = http_client.status_error(answer.status, answer.headers)
    if failed is not None:
        raise failed
    return spool_body(answer.chunks, answer.content_type, settings.limits.max_bytes)


def _check_soap(spooled: Spooled, status: int) -> None:
    """Whether this is an answer at all; what it says is judged later. The outcome of what is none is unknown."""
    outline = outline_of(spooled.file)
    soap_like = outline.root is not None and (outline.root in _MESSAGES or names.local(outline.root) == "Envelope")
    if soap_like and not is_whole(spooled):
        raise Retriable(
            "Het antwoord brak halverwege af; we proberen het later opnieuw.",
            "The answer broke off half way; it will be asked again later.",
        )
    if soap_like and (outline.payload or outline.root) == names.FAULT:
        code = (read_envelope_header(spooled.file, STRICT).fault or ("", ""))[0]
        raise _fault(code)
    failed = http_client.status_error(status)
    if failed is not None:  # a 500 that is no Fault
        raise failed
    if not soap_like:
        raise Retriable(
            "De server antwoordt met iets anders dan een UWLR-bericht, zoals een webpagina; controleer het adres.",
            "The server answers with something else than a UWLR message, such as a web page; check the address.",
        )


FAULT_WORDS = {
    rules.AUTORISATIE_ONGELDIG: ("de sleutel geldt niet (meer)", "the key is not valid (any more)"),
    rules.KLANT_ONGELDIG: (
        "klantcode of klantnaam is daar niet bekend",
        "our customer code or name is not known there",
    ),
    rules.XSD_VERSIE_ONGELDIG: ("de xsd_version wordt daar niet ondersteund", "the xsd_version is not supported there"),
    rules.ONGELDIG_BERICHT: ("de vraag is daar niet geldig", "the request is not valid there"),
    rules.INTERNE_FOUT: ("er is daar een storing", "it is out of order there"),
    "Server.TijdelijkNietBeschikbaar": ("de dienst is even niet beschikbaar", "the service is away for a while"),
}


def _fault(code: str) -> Refused:
    """A Fault in our words: the text of the other side may name a pupil, and its code may be anything."""
    known = code if code in rules.FAULTS else "Server" if code.startswith("Server") else "Client"
    nl, en = FAULT_WORDS.get(known, ("zonder een bekende reden", "without a known reason"))
    return Refused(
        known,
        f"De bron weigert de vraag om resultaten: {nl} ({known}).",
        f"The source refuses the request for results: {en} ({known}).",
    )


# -- documents -----------------------------------------------------------------------------------------------


def _pull_https(settings: PullSettings, taker: _Taker, cursor: str | None) -> PullOutcome:
    literal = settings.resolve(settings.location)
    request = HttpRequest(settings.location, None, settings.headers, settings.certificate, literal)
    with http_client.fetch(request, settings.limits) as answer:
        if answer.status == 204:
            return PullOutcome()
        failed = http_client.status_error(answer.status, answer.headers)
        if failed is not None:
            raise failed
        spooled = spool_body(answer.chunks, answer.content_type, settings.limits.max_bytes)
    try:
        if not is_zip(spooled.file):
            outline = outline_of(spooled.file)
            if outline.root is None or names.local(outline.root).lower() == "html":
                raise Retriable(
                    "Op het adres staat geen document maar iets anders, zoals een webpagina; controleer het adres.",
                    "There is no document at the address but something else, such as a web page; check the address.",
                )
            if not is_whole(spooled):
                raise Retriable(
                    "Het document brak halverwege af; we proberen het later opnieuw.",
                    "The document broke off half way; it will be asked again later.",
                )
        return _process_documents(taker, _documents("", spooled, settings.limits.max_bytes))
    finally:
        spooled.close()


def _pull_folder(settings: PullSettings, taker: _Taker, cursor: str | None) -> PullOutcome:
    return _process_documents(taker, _folder_documents(settings))


def _folder_documents(settings: PullSettings) -> Iterator[Document]:
    """What lies in the folder and is no longer being written, by name; nothing in it is ever changed."""
    try:
        with os.scandir(settings.location) as entries:
            files = sorted((entry for entry in entries if _is_unchanged(entry)), key=lambda dir_entry: dir_entry.name)
    except OSError:
        raise Retriable(
            "De map met resultaten is er niet of mag niet gelezen worden; controleer path en de rechten.",
            "The folder with results is not there or may not be read; check path and permissions.",
        ) from None
    for entry in files:
        try:
            spooled = spool_file(Path(entry.path), settings.limits.max_bytes)
        except ConnectorError as problem:
            yield Document(entry.name, None, problem)
            continue
        try:
            yield from _documents(entry.name, spooled, settings.limits.max_bytes)
        finally:
            spooled.close()


def _is_unchanged(entry: os.DirEntry[str]) -> bool:
    """Whether a file is one of ours and nobody has written to it for two seconds.

    By the clock of the file system, which is not the clock of the program: a test may set only the latter.
    """
    if not entry.name.lower().endswith((".xml", ".zip")) or entry.name.startswith("."):
        return False
    if not entry.is_file(follow_symlinks=False):
        return False
    age = time.time() - entry.stat(follow_symlinks=False).st_mtime
    return not 0 <= age < UNCHANGED_SECONDS


def spool_file(path: Path, cap: int) -> Spooled:
    """A file of this machine in a private copy; raises Fatal where it cannot be read and Refused above `cap` bytes."""
    try:
        with path.open("rb") as file:
            return spool(iter(lambda: file.read(CHUNK_BYTES), b""), cap)
    except OSError:
        raise Fatal(
            "Een bestand kan niet gelezen worden; controleer of het er is en gelezen mag worden.",
            "A file cannot be read; check that it is there and may be read.",
        ) from None


def _documents(name: str, spooled: Spooled, cap: int) -> Iterator[Document]:
    """The document that a file is, or those of the zip that it is; whoever asks closes `spooled`."""
    if not is_zip(spooled.file):
        yield Document(name, spooled)
        return
    try:
        for document in unpack(spooled, cap):
            yield Document(f"{name}/{document.name}".lstrip("/"), document.spooled, document.problem)
    except Fatal as problem:
        yield Document(name, None, problem)


def _process_documents(taker: _Taker, documents: Iterator[Document]) -> PullOutcome:
    judged_documents: list[JudgedDocument] = []
    problems: list[UnreadableDocument] = []
    known = 0
    for document in documents:
        spooled = document.spooled
        if spooled is None:
            if document.problem is not None:
                problem = document.problem
                taker.refuse(document.name, problem)
                problems.append(UnreadableDocument(document.name, problem.sentence_nl, problem.sentence_en))
            continue
        try:
            if taker.is_known(spooled):
                known += 1
            else:
                judged_documents.append(JudgedDocument(document.name, taker.document(spooled)))
        finally:
            spooled.close()
    return PullOutcome(tuple(judged_documents), tuple(problems), known)


_KINDS: dict[PullKind, Callable[[PullSettings, _Taker, str | None], PullOutcome]] = {
    "soap": _pull_soap,
    "https": _pull_https,
    "folder": _pull_folder,
}
