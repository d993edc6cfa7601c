"""How messages of one sender are judged: what was agreed with it, and how large a message may be."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Literal

from pydantic import Field

from models.schema.limits import ALL_VERSIONS, MAX_BYTES
from models.schema.terms import POLICIES, Policy, SenderTerms

__all__ = ["POLICIES", "STRICT", "TOLERANT", "Agreement", "Bounds", "Header", "Policy", "of_policy"]

Header = Literal["ignored", "checked", "required"]


@dataclass(frozen=True, slots=True)
class Bounds:
    """How large a message may be: bytes (unpacked), results, nesting, attributes of one element."""

    max_bytes: Annotated[int, Field(ge=1024)] = MAX_BYTES
    max_results: Annotated[int, Field(ge=1)] = 2_000_000
    max_depth: Annotated[int, Field(ge=12, le=200)] = 32
    max_attributes: Annotated[int, Field(ge=8, le=1000)] = 32


@dataclass(frozen=True, slots=True)
class Agreement:
    """How messages of one sender are judged.

    `header` says whether the autorisatie header counts: not at all (what is fetched or loaded), where there is an
    envelope (a check), or always (what a sender pushes).
    """

    terms: SenderTerms = field(default_factory=lambda: SenderTerms(versions=ALL_VERSIONS))
    header: Header = "ignored"
    bounds: Bounds = field(default_factory=Bounds)


def of_policy(policy: Policy, header: Header = "ignored", *, test_school: bool = False) -> Agreement:
    """The agreement that says no more than a policy, and whether the school is one for tests."""
    return Agreement(SenderTerms(policy=policy, versions=ALL_VERSIONS, test_school=test_school), header)


STRICT = of_policy("strict")
TOLERANT = of_policy("tolerant")
