"""What a receiver has agreed with one sender: how exact, which versions, what to do with what it does not know."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

from models.schema.limits import ALL_VERSIONS, MAX_BYTES

Policy = Literal["strict", "tolerant"]
POLICIES: tuple[Policy, ...] = ("strict", "tolerant")
Ordering = Literal["per_result", "strict"]
UnknownPupil = Literal["park", "refuse"]
EckIdForm = Literal["warn", "refuse"]
Header = Literal["ignored", "checked", "required"]


@dataclass(frozen=True, slots=True)
class Bounds:
    """How large a message may be: bytes (unpacked), results, nesting, attributes of one element."""

    max_bytes: int = MAX_BYTES
    max_results: int = 2_000_000
    max_depth: int = 32
    max_attributes: int = 32


@dataclass(frozen=True, slots=True)
class Agreement:
    """How messages of one sender are judged.

    `tolerances` are the rules (by id) that a tolerant sender may break; None: all that have a milder level.
    `header` says whether the autorisatie header counts: not at all (what we fetch or load), where there is an
    envelope (a check), or always (what is sent to us).
    """

    policy: Policy = "strict"
    tolerances: frozenset[str] | None = None
    versions: tuple[str, ...] = ALL_VERSIONS
    ordering: Ordering = "per_result"
    unknown_pupil: UnknownPupil = "park"
    eckid_form: EckIdForm = "warn"
    header: Header = "ignored"
    test_school: bool = False
    bounds: Bounds = field(default_factory=Bounds)

    def tolerates(self, rule_id: str) -> bool:
        """Whether this sender may break a rule that has a milder level."""
        return self.policy == "tolerant" and (self.tolerances is None or rule_id in self.tolerances)

    def refuses(self, rule_id: str) -> bool:
        """Whether a rule that only warns others refuses the messages of this sender."""
        return rule_id == "pupil.eckid-form" and self.eckid_form == "refuse"


STRICT = Agreement()
TOLERANT = Agreement("tolerant")


def of_policy(policy: Policy, header: Header = "ignored") -> Agreement:
    """The agreement that says no more than a policy."""
    return replace(STRICT if policy == "strict" else TOLERANT, header=header)
