"""The one way in for rosters: what a LAS answers or a file holds is stored, or refused with its findings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from sqlalchemy import Engine

from connectors.errors import ClockSetBack
from connectors.uwlr import rules
from connectors.uwlr.pupil_messages import RosterAnswer
from models.ingest import connections, own_clock, rosters, schools
from models.ingest.rosters import RosterReceipt
from models.schema.database import read_transaction, write_transaction
from models.schema.encryption import PiiCipher
from models.schema.records import Finding, Roster, SchoolRef, Verdict


@dataclass(frozen=True, slots=True)
class FetchedRoster:
    """An answer with pupil data, with SHA-256 and size of its bytes (of all parts together where it was staged)."""

    answer: RosterAnswer
    digest: bytes
    size: int


class RosterDestination(Protocol):
    """The schools that a source may deliver a roster for."""

    def school(self, roster: Roster) -> int | None:
        """The id of the school that a roster is stored for; None where this source may not deliver for it."""

    @property
    def refused_for(self) -> int | None:
        """The id of the school that sees a refused roster; None: no school."""


@dataclass(frozen=True, slots=True)
class RequestedSchool:
    """The school that a LAS was asked about. A location that the store does not know is no other school."""

    engine: Engine
    school_id: int
    requested: SchoolRef

    def school(self, roster: Roster) -> int | None:
        with read_transaction(self.engine) as connection:
            known = schools.find_school(connection, roster.school)
        if known is not None:
            return self.school_id if known == self.school_id else None
        brins = {self.requested.brin, roster.school.brin} - {None}
        return self.school_id if len(brins) <= 1 else None

    @property
    def refused_for(self) -> int | None:
        return self.school_id


@dataclass(frozen=True, slots=True)
class StatedSchool:
    """Whichever school a roster states, created where it is new: a file that an operator loads."""

    engine: Engine

    def school(self, roster: Roster) -> int | None:
        identifications = schools.identifications(roster.school)
        if not identifications:
            return None
        with write_transaction(self.engine) as connection:
            return schools.ensure_school(connection, identifications, roster.school_name)

    @property
    def refused_for(self) -> int | None:
        return None


@dataclass(frozen=True, slots=True)
class RosterSource:
    """Where a roster comes from, and for which schools; `asked_us` is when it was requested (None: loaded)."""

    source_id: int
    channel: Literal["pull", "load"]
    destination: RosterDestination
    asked_us: int | None = None


@dataclass(frozen=True, slots=True)
class ProcessedRoster:
    """What became of an answer: a receipt where it was stored, a fault where it was refused, or why it is empty."""

    findings: tuple[Finding, ...]
    receipt: RosterReceipt | None = None
    fault: str | None = None
    empty: str | None = None


def process_roster(engine: Engine, cipher: PiiCipher, fetched: FetchedRoster, source: RosterSource) -> ProcessedRoster:
    """Store a roster, or its refusal; an empty answer changes nothing.

    Raises ClockSetBack, and stores nothing, where it would be refused for our own clock only.
    """
    answer = fetched.answer
    if answer.roster is None and answer.empty is not None:
        return ProcessedRoster(answer.findings, empty=answer.empty)
    school_id, findings = judge_roster(answer, source.destination)
    errors = {finding.rule for finding in findings if finding.level == rules.ERROR}
    if errors == {"roster.created-future"} and own_clock.is_set_back(engine):
        raise ClockSetBack
    fault = fault_of(findings)
    if answer.roster is None or school_id is None or fault is not None:
        return _refuse(engine, fetched, source, findings, fault or rules.ONGELDIG_BERICHT)
    receipt = rosters.save_roster(
        engine,
        cipher,
        school_id=school_id,
        source_id=source.source_id,
        roster=answer.roster,
        way=source.channel,
        cursor=_cursor(answer, source.asked_us),
    )
    return ProcessedRoster(receipt.findings, receipt)


def judge_roster(answer: RosterAnswer, destination: RosterDestination) -> tuple[int | None, tuple[Finding, ...]]:
    """The school that a roster is for and all findings, with that on the school; changes nothing."""
    school_id = None if answer.roster is None else destination.school(answer.roster)
    if answer.roster is not None and school_id is None:
        return None, (*answer.findings, rules.finding("school.other"))
    return school_id, answer.findings


def _cursor(answer: RosterAnswer, asked_us: int | None) -> str | None:
    """The moment from which the next request asks for changes; None where nothing is asked."""
    if asked_us is None or answer.roster is None or answer.created_text is None:
        return None
    return connections.cursor_of(answer.created_text, answer.roster.created_us, asked_us)


def _refuse(
    engine: Engine, fetched: FetchedRoster, source: RosterSource, findings: tuple[Finding, ...], fault: str
) -> ProcessedRoster:
    rosters.save_refused_roster(
        engine,
        school_id=source.destination.refused_for,
        source_id=source.source_id,
        way=source.channel,
        digest=fetched.digest,
        size=fetched.size,
        findings=findings,
        fault=fault,
    )
    return ProcessedRoster(findings, fault=fault)


def verdict_of(findings: tuple[Finding, ...]) -> Verdict:
    """The verdict that findings lead to."""
    levels = {finding.level for finding in findings}
    if rules.ERROR in levels:
        return Verdict.REJECT
    return Verdict.WARN if rules.WARNING in levels else Verdict.ACCEPT


def fault_of(findings: tuple[Finding, ...]) -> str | None:
    """The fault code that findings lead to; None where none of them is an error."""
    errors = [finding for finding in findings if finding.level == rules.ERROR]
    if not errors:
        return None
    return next((finding.fault for finding in errors if finding.fault is not None), rules.ONGELDIG_BERICHT)
