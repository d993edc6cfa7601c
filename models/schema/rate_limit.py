"""How often something may happen: token buckets, one for each key."""

from __future__ import annotations

import threading
import time
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
PRUNE_ABOVE = 1000  # buckets; full ones are then dropped, for a new bucket is full as well


@dataclass(frozen=True, slots=True)
class Rate:
    """So many tokens at once, and as many again in every so many seconds."""

    tokens: int
    seconds: float


@dataclass(slots=True)
class _Bucket:
    rate: Rate
    tokens: float
    updated: float

    def refill(self, rate: Rate, now: float) -> None:
        refilled = self.tokens + (now - self.updated) * rate.tokens / rate.seconds
        self.rate, self.tokens, self.updated = rate, min(float(rate.tokens), refilled), now


class RateLimiter(Generic[Key]):
    """A token bucket for each key; safe to use from several threads."""

    def __init__(self) -> None:
        self._buckets: dict[Key, _Bucket] = {}
        self._prune_above = PRUNE_ABOVE
        self._lock = threading.Lock()

    def take(self, key: Key, rate: Rate) -> bool:
        """Take a token; False where there is none. The rate of a key may change between calls."""
        now = time.monotonic()
        with self._lock:
            bucket = self._buckets.get(key)
            if bucket is None:
                self._prune(now)
                bucket = self._buckets[key] = _Bucket(rate, float(rate.tokens), now)
            bucket.refill(rate, now)
            if bucket.tokens < 1.0:
                return False
            bucket.tokens -= 1.0
            return True

    def give_back(self, key: Key) -> None:
        """Return a token that was taken: what it was for did not happen."""
        with self._lock:
            bucket = self._buckets.get(key)
            if bucket is not None:
                bucket.tokens = min(float(bucket.rate.tokens), bucket.tokens + 1.0)

    def __len__(self) -> int:
        """How many keys have a bucket."""
        return len(self._buckets)

    def _prune(self, now: float) -> None:
        """Drop the full buckets where there are many, so that keys that nobody uses any more take no memory."""
        if len(self._buckets) < self._prune_above:
            return
        for key, bucket in list(self._buckets.items()):
            bucket.refill(bucket.rate, now)
            if bucket.tokens >= bucket.rate.tokens:
                del self._buckets[key]
        self._prune_above = max(PRUNE_ABOVE, 2 * len(self._buckets))
