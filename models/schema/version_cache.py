"""What was computed from the data of a school, for as long as they are the same.

A value is taken from here only where nothing that it depends on was changed since its computation, so that no number on
a screen is ever older than the store (ADR 23, ADR 39). Each viewer has values of their own. What is kept is bounded by
the number of result rows in it; what was used longest ago goes first.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine

from models.schema import clock
from models.schema.data_versions import DataVersion, data_version, pupils_changed_since

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

    def get(self, key: Hashable) -> tuple[DataVersion, Any] | None:
        """The value of this key with its version; None where there is none."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                return None
            self._entries.move_to_end(key)
            return entry.version, entry.value

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


@dataclass(frozen=True, slots=True)
class OfPupils(Generic[Value]):
    """How a value depends on pupils: on the results of which, and how it is renewed where some of these changed."""

    pupils: Callable[[Value], Collection[int]]
    renew: Callable[[Value, frozenset[int]], Value]


def once_per_version(
    connection: Connection,
    school_id: int,
    key: Hashable,
    compute: Callable[[], Value],
    rows: Callable[[Value], int] = lambda _value: 1,
    of_pupils: OfPupils[Value] | None = None,
) -> Value:
    """What `compute` reads from a school's data, computed once for each version of them and each day.

    The key holds all else that it depends on, and the viewer. `rows` is how many result rows the value holds. With
    `of_pupils` results of other pupils leave it as it is, and those of its own renew it. Inside of a write transaction
    it is computed anew: what that wrote is in no version yet.
    """
    if connection.get_execution_options().get("writing", False):
        return compute()
    cache, version = _caches.setdefault(connection.engine, VersionCache()), data_version(connection, school_id)
    dated = (key, clock.today())
    kept: tuple[DataVersion, Value] | None = cache.get(dated)
    if kept is not None and kept[0] == version:
        return kept[1]
    if kept is not None and of_pupils is not None and _only_results_changed(kept[0], version):
        # Read after the version: it names whoever changed up to it, or more.
        changed = pupils_changed_since(connection, school_id, kept[0].school).intersection(of_pupils.pupils(kept[1]))
        value = of_pupils.renew(kept[1], changed) if changed else kept[1]
    else:
        value = compute()
    cache.put(dated, version, value, rows(value))
    return value


def _only_results_changed(kept: DataVersion, now: DataVersion) -> bool:
    """Whether nothing but results of pupils was changed between two versions, of which the second is not earlier."""
    return kept.shared == now.shared and now.general <= kept.school <= now.school
