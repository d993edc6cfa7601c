"""Class states that were computed before, for as long as the data of the school are the same.

A state is taken from here only where the version of the school's data is that of its computation, so that no number on
a screen is ever older than the store (ADR 23). Each viewer has states of their own. What is kept is bounded by the
number of result rows in it; what was used longest ago goes first.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy import Engine

from models.schema.data_versions import DataVersion

MAX_ROWS = 150_000  # about 30 classes with a school year of results; a row takes about a kilobyte

State = TypeVar("State")


@dataclass(frozen=True, slots=True)
class _Entry(Generic[State]):
    version: DataVersion
    rows: int
    state: State


class StateCache(Generic[State]):
    """States by what they were computed for, with the version of the data; used by all threads."""

    def __init__(self, max_rows: int = MAX_ROWS) -> None:
        self._entries: OrderedDict[Hashable, _Entry[State]] = OrderedDict()
        self._max_rows, self._rows = max_rows, 0
        self._lock = threading.Lock()

    def get(self, key: Hashable, version: DataVersion) -> State | None:
        """The state of this key and version, if there is one."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is None or entry.version != version:
                return None
            self._entries.move_to_end(key)
            return entry.state

    def put(self, key: Hashable, version: DataVersion, state: State, rows: int) -> None:
        """Keep a state that holds this number of result rows; too large a one is not kept."""
        with self._lock:
            self._drop(key)
            if rows > self._max_rows:
                return
            self._entries[key] = _Entry(version, rows, state)
            self._rows += rows
            while self._rows > self._max_rows:
                self._drop(next(iter(self._entries)))

    def _drop(self, key: Hashable) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._rows -= entry.rows


class CacheOfEngine(Generic[State]):
    """A cache for each database that this process has open."""

    def __init__(self) -> None:
        self._caches: WeakKeyDictionary[Engine, StateCache[State]] = WeakKeyDictionary()

    def of(self, engine: Engine) -> StateCache[State]:
        """The cache of a database."""
        return self._caches.setdefault(engine, StateCache())
