"""A table of the most recently used values, of a bounded size, for all threads."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")
UNBOUNDED = float("inf")


class Recent(Generic[Key, Value]):
    """Values by key; where there are more than `size`, or more bytes than `max_bytes`, those used longest ago go."""

    def __init__(self, size: int, max_bytes: float = UNBOUNDED) -> None:
        self._values: OrderedDict[Key, tuple[Value, int]] = OrderedDict()
        self._size = size
        self._max_bytes = max_bytes
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, key: Key) -> Value | None:
        """The value of a key; None where there is none."""
        with self._lock:
            found = self._values.get(key)
            if found is None:
                return None
            self._values.move_to_end(key)
            return found[0]

    def put(self, key: Key, value: Value, value_bytes: int = 0) -> None:
        """Keep a value that counts for so many bytes."""
        with self._lock:
            _, replaced_bytes = self._values.pop(key, (None, 0))
            self._values[key] = value, value_bytes
            self._bytes += value_bytes - replaced_bytes
            while len(self._values) > self._size or self._bytes > self._max_bytes:
                _, (_, dropped_bytes) = self._values.popitem(last=False)
                self._bytes -= dropped_bytes
