"""How often something may happen: token buckets, one for each key, in memory or shared in the database."""

from __future__ import annotations

import threading
import time
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from sqlalchemy import Engine, delete, select

from models.schema import clock
from models.schema.database import insert_or, write_transaction
from models.schema.tables import rate_buckets

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


def take_shared(engine: Engine, key: bytes, rate: Rate) -> bool:
    """Take a token from the bucket that all processes share; False where there is none. For what happens rarely."""
    now = clock.now_us()
    with write_transaction(engine, raises_version=False) as connection:
        row = connection.execute(select(rate_buckets).where(rate_buckets.c.digest == key)).one_or_none()
        before = float(rate.tokens) if row is None else row.tokens
        passed = 0.0 if row is None else max(now - row.updated_us, 0) / clock.SECOND_US
        tokens = min(float(rate.tokens), before + passed * rate.tokens / rate.seconds)
        if tokens < 1.0:
            return False
        full_us = now + int((rate.tokens - tokens + 1.0) * rate.seconds / rate.tokens * clock.SECOND_US)
        values = {"tokens": tokens - 1.0, "updated_us": now, "full_us": full_us}
        connection.execute(delete(rate_buckets).where(rate_buckets.c.full_us < now, rate_buckets.c.digest != key))
        new = insert_or(connection, rate_buckets).values(digest=key, **values)
        connection.execute(new.on_conflict_do_update(index_elements=["digest"], set_=values))
        return True
