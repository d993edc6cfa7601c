"""Which refusals get a row in the store: the first few of a kind, then one a minute, so that no flood fills it."""

from __future__ import annotations

import threading
from collections import Counter

from models.schema.rate_limit import Rate, RateLimiter

FIRST = 60
EVERY_SECONDS = 60.0

Kind = tuple[str, int | None]  # the broken rule, and the sender where that is known


class RefusalThrottle:
    """Limits the rows of refusals by kind: `first` at once, then one every `every_seconds`; counts the others."""

    def __init__(self, first: int = FIRST, every_seconds: float = EVERY_SECONDS) -> None:
        self._rate = Rate(first, first * every_seconds)
        self._rows: RateLimiter[Kind] = RateLimiter()
        self._others: Counter[Kind] = Counter()
        self._lock = threading.Lock()

    def take(self, kind: Kind) -> int | None:
        """How many of this kind got no row since the last that did; None where this one gets none either."""
        with self._lock:
            if not self._rows.take(kind, self._rate):
                self._others[kind] += 1
                return None
            return self._others.pop(kind, 0)

    def give_back(self, kind: Kind, others: int) -> None:
        """No new row was made after `take`: the same bytes have one already."""
        with self._lock:
            self._rows.give_back(kind)
            self._others[kind] += others
