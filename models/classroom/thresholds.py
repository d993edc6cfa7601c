"""What a threshold is, and the values that the thresholds have in a class."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Threshold:
    """A number in a rule that a class may change within bounds; `name` is how the database and forms call it."""

    name: str
    default: int
    lowest: int
    highest: int

    def allows(self, value: int) -> bool:
        """Whether a class may choose this value."""
        return self.lowest <= value <= self.highest


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The value of every threshold in a class: the default, unless the class has changed it (`changed`, by name)."""

    changed: Mapping[str, int] = field(default_factory=dict)

    def __getitem__(self, threshold: Threshold) -> int:
        return self.changed.get(threshold.name, threshold.default)
