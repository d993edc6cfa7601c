"""What the standard requires, and what tests it, as vendors read it.

The list itself is made in `connectors.conformance.requirements`; here is only its form, which pages know.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from models.schema.records import Text

RULE, SCENARIO = "rule", "scenario"


@dataclass(frozen=True, slots=True)
class RequirementTest:
    """A rule or a scenario that tests a clause; `check` is the level that it belongs to, `severity` that of a rule."""

    kind: str
    id: str
    check: str
    severity: str
    sentence: Text

    def state_in(self, report: Mapping[str, Any]) -> str | None:
        """What became of it in a report; None where that says nothing of it."""
        if self.kind == RULE:
            state: str | None = report.get("rules", {}).get(self.id)
            return state
        return next((item["state"] for item in report.get("outcomes", ()) if item["scenario"] == self.id), None)


@dataclass(frozen=True, slots=True)
class Requirement:
    """A clause with its tests; `untested` is why it has none, or what they leave out."""

    clause: str
    anchor: str
    requires: Text
    tests: tuple[RequirementTest, ...]
    untested: Text | None = None


@dataclass(frozen=True, slots=True)
class RequirementPart:
    """A section of the list."""

    title: Text
    requirements: tuple[Requirement, ...]
