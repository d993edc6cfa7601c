"""The schools that messages of a source may be for: its own school, any school, or the schools that a key covers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import Engine

from connectors.uwlr.agreement import Agreement
from models.ingest import schools
from models.ingest.identity import CONFLICT, OTHER_ECKID, unmatched
from models.ingest.schools import Identification
from models.schema.database import read_transaction, write_transaction
from models.schema.encryption import PiiCipher
from models.schema.records import PupilRef, SchoolRef

OTHER_SCHOOL, STOPPED_SCHOOL = "school.other", "school.stopped"


class Destination(Protocol):
    """The schools that a source may deliver for."""

    def rule(self, named: SchoolRef) -> str | None:
        """The rule that a message of this school breaks here; None where it is accepted."""

    def school(self, named: SchoolRef) -> int:
        """The id of the school of an accepted message."""

    def home(self, named: SchoolRef) -> int | None:
        """The id of the school that sees a refused message; None where it is unknown."""

    @property
    def numbers(self) -> frozenset[int] | None:
        """The ids of these schools; None: all."""


@dataclass(frozen=True, slots=True)
class OwnSchool:
    """The one school of a source connection."""

    engine: Engine
    school_id: int

    def rule(self, named: SchoolRef) -> str | None:
        with read_transaction(self.engine) as connection:
            return None if schools.find_school(connection, named) == self.school_id else OTHER_SCHOOL

    def school(self, named: SchoolRef) -> int:
        return self.school_id

    def home(self, named: SchoolRef) -> int | None:
        return self.school_id

    @property
    def numbers(self) -> frozenset[int] | None:
        return frozenset({self.school_id})


@dataclass(frozen=True, slots=True)
class AnySchool:
    """Whichever school a message states, created where it is new: a file that an operator loads."""

    engine: Engine

    def rule(self, named: SchoolRef) -> str | None:
        return None

    def school(self, named: SchoolRef) -> int:
        known = self.home(named)
        if known is not None:
            return known
        with write_transaction(self.engine) as connection:
            return schools.ensure_school(connection, schools.identifications(named))

    def home(self, named: SchoolRef) -> int | None:
        with read_transaction(self.engine) as connection:
            return schools.find_school(connection, named)

    @property
    def numbers(self) -> frozenset[int] | None:
        return None


@dataclass(frozen=True, slots=True)
class CoveredSchools:
    """The schools of an autorisatiesleutel, by each identification that it covers.

    `stopped` are those of them that stopped their connection with the sender.
    """

    covered: Mapping[Identification, int]
    stopped: frozenset[int] = frozenset()

    def rule(self, named: SchoolRef) -> str | None:
        school_id = self.home(named)
        if school_id is None:
            return OTHER_SCHOOL
        return STOPPED_SCHOOL if school_id in self.stopped else None

    def school(self, named: SchoolRef) -> int:
        return next(
            self.covered[identification]
            for identification in schools.identifications(named)
            if identification in self.covered
        )

    def home(self, named: SchoolRef) -> int | None:
        return next(
            (
                self.covered[identification]
                for identification in schools.identifications(named)
                if identification in self.covered
            ),
            None,
        )

    @property
    def numbers(self) -> frozenset[int] | None:
        return frozenset(self.covered.values()) - self.stopped


@dataclass(frozen=True, slots=True)
class ReceiverCheck:
    """The rules of `judge.ReceiverRules` that need the store: on the school, and on its pupils."""

    engine: Engine
    cipher: PiiCipher
    destination: Destination
    agreement: Agreement

    def school_rule(self, school: SchoolRef) -> str | None:
        """The rule that a message of this school breaks here."""
        return self.destination.rule(school)

    def pupil_rules(self, school: SchoolRef, pupils: list[PupilRef]) -> list[tuple[int, str]]:
        """Pupils unknown to the school, where the agreement refuses these; otherwise they are parked."""
        if self.agreement.terms.unknown_pupil == "park":
            return []
        school_id = self.destination.school(school)
        with read_transaction(self.engine, school_id) as connection:
            broken = unmatched(connection, self.cipher, school_id, pupils)
        return [
            (index, "pupil.conflict" if reason in (CONFLICT, OTHER_ECKID) else "pupil.unknown")
            for index, reason in broken
        ]
