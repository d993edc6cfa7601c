"""Which refusals get a row in the store: the first few of a kind, then one a minute, so that no flood fills it."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

FIRST = 60
EVERY_SECONDS = 60.0

Kind = tuple[str, int | None]  # the rule that was broken, and the sender where that is known


@dataclass(slots=True)
class _Count:
    left: float
    since: float
    others: int = 0


class RefusalThrottle:
    """Counts refusals by kind: a bucket of `first` rows that fills up with one row every `every_seconds`."""

    def __init__(self, first: int = FIRST, every_seconds: float = EVERY_SECONDS) -> None:
        self._first = first
        self._every_seconds = every_seconds
        self._kinds: dict[Kind, _Count] = {}
        self._lock = threading.Lock()

    def take(self, kind: Kind) -> int | None:
        """How many of this kind got no row since the last one that did; None where this one gets none either."""
        now = time.monotonic()
        with self._lock:
            count = self._kinds.setdefault(kind, _Count(float(self._first), now))
            count.left = min(float(self._first), count.left + (now - count.since) / self._every_seconds)
            count.since = now
            if count.left < 1.0:
                count.others += 1
                return None
            others, count.others = count.others, 0
            count.left -= 1.0
            return others

    def give_back(self, kind: Kind, others: int) -> None:
        """What was taken made no new row: the same bytes had one."""
        with self._lock:
            self._kinds[kind].left += 1.0
            self._kinds[kind].others += others
