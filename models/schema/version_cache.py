"""What was computed from the data of a school, for as long as they are the same.

A value is taken from here only where the version of the school's data is that of its computation, so that no number on
a screen is ever older than the store (ADR 23). Each viewer has values of their own. What is kept is bounded by the
number of result rows in it; what was used longest ago goes first.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine

from models.schema import clock
from models.schema.data_versions import DataVersion, data_version

MAX_ROWS = 150_000  # about 30 classes with a school year of results; a row takes about a kilobyte

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class _Entry:
    version: DataVersion
    rows: int
    value: Any


class VersionCache:
    """Values by what they were computed for, with the version of the data; used by all threads."""

    def __init__(self, max_rows: int = MAX_ROWS) -> None:
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()
        self._max_rows, self._rows = max_rows, 0
        self._lock = threading.Lock()

    def get(self, key: Hashable, version: DataVersion) -> Any:
        """The value of this key and version; None where there is none."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is None or entry.version != version:
                return None
            self._entries.move_to_end(key)
            return entry.value

    def put(self, key: Hashable, version: DataVersion, value: object, rows: int) -> None:
        """Keep a value that holds this number of result rows; too large a one is not kept."""
        with self._lock:
            self._drop(key)
            if rows > self._max_rows:
                return
            self._entries[key] = _Entry(version, rows, value)
            self._rows += rows
            while self._rows > self._max_rows:
                self._drop(next(iter(self._entries)))

    def _drop(self, key: Hashable) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._rows -= entry.rows


_caches: WeakKeyDictionary[Engine, VersionCache] = WeakKeyDictionary()  # of each database that this process has open


def once_per_version(
    connection: Connection,
    school_id: int,
    key: Hashable,
    compute: Callable[[], Value],
    rows: Callable[[Value], int] = lambda _value: 1,
) -> Value:
    """What `compute` reads from a school's data, computed once for each version of them and each day.

    The key holds all else that it depends on, and the viewer. `rows` is how many result rows the value holds. Inside of
    a write transaction it is computed anew: what that wrote is in no version yet.
    """
    if connection.get_execution_options().get("writing", False):
        return compute()
    cache, version = _caches.setdefault(connection.engine, VersionCache()), data_version(connection, school_id)
    kept: Value | None = cache.get((key, clock.today()), version)
    if kept is not None:
        return kept
    value = compute()
    cache.put((key, clock.today()), version, value, rows(value))
    return value
