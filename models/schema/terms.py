"""What was agreed with a sender of results, about a connection, and how long data is stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

from models.schema.limits import SENDER_VERSIONS, Version

Policy = Literal["strict", "tolerant"]
POLICIES: tuple[Policy, ...] = ("strict", "tolerant")
Ordering = Literal["per_result", "strict"]
UnknownPupil = Literal["park", "refuse"]
EckIdForm = Literal["warn", "refuse"]
RuleId = Annotated[str, Field(min_length=1, max_length=64)]


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderTerms:
    """What was agreed with a sender; names and values are those of config.yaml, which the annotations validate.

    `tolerances` are the rules (by id) that a tolerant sender may break; None: all that have a milder level.
    """

    policy: Policy = "strict"
    tolerances: tuple[RuleId, ...] | None = None
    versions: Annotated[tuple[Version, ...], Field(min_length=1)] = SENDER_VERSIONS
    ordering: Ordering = "per_result"
    unknown_pupil: UnknownPupil = "park"
    eckid_form: EckIdForm = "warn"
    messages_per_minute: Annotated[int, Field(ge=1)] = 6000
    test_school: bool = False

    def tolerates(self, rule_id: str) -> bool:
        """Whether this sender may break a rule that has a milder level."""
        return self.policy == "tolerant" and (self.tolerances is None or rule_id in self.tolerances)

    def refuses(self, rule_id: str) -> bool:
        """Whether a rule that is only a warning for others refuses the messages of this sender."""
        return rule_id == "pupil.eckid-form" and self.eckid_form == "refuse"


@dataclass(frozen=True, slots=True)
class Agreement:
    """What a school recorded about a connection; days are YYYY-MM-DD, None is not filled in.

    `mandate` is the role or organisation that gave the mandate, `agreement_on` the day of the processor agreement.
    Without `categories` those count that the connection really receives. What is `configured` stands in config.yaml.
    """

    mandate: str | None = None
    mandate_on: str | None = None
    agreement_on: str | None = None
    purpose: str | None = None
    categories: str | None = None
    configured: bool = False

    @property
    def missing(self) -> tuple[str, ...]:
        """The names of the fields that a processing register needs and that are not filled in."""
        return tuple(name for name in NEEDED if getattr(self, name) is None)


NEEDED = ("mandate", "mandate_on", "agreement_on", "purpose")


@dataclass(frozen=True, slots=True)
class RetentionPolicy:
    """How many days raw messages are stored, encrypted; 0: not at all."""

    refused_days: Annotated[int, Field(ge=0, le=365)] = 30
    accepted_days: Annotated[int, Field(ge=0, le=365)] = 0


@dataclass(frozen=True, slots=True)
class PupilRetention:
    """How many days a school stores pupils after they left, and results of nobody known after they came."""

    left_days: Annotated[int, Field(ge=30, le=3660)] = 730
    unmatched_days: Annotated[int, Field(ge=30, le=3660)] = 365
