"""What stood on a screen, kept a while in memory, so that a file is made of just that and of nothing newer."""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field

from dashboard.export.sheets import Sheet
from models.access.viewer import Viewer

MOST = 400
KEEP_SECONDS = 4 * 3600.0


@dataclass(slots=True)
class Snapshots:
    """The last sheets that were shown, each for who saw it; the oldest give way."""

    _kept: OrderedDict[str, tuple[Viewer, Sheet, float]] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, viewer: Viewer, sheet: Sheet) -> str:
        """Keep a sheet; returns the token with which who saw it asks for it."""
        token = secrets.token_urlsafe(12)
        with self._lock:
            self._kept[token] = (viewer, sheet, time.monotonic() + KEEP_SECONDS)
            while len(self._kept) > MOST:
                self._kept.popitem(last=False)
        return token

    def find(self, viewer: Viewer, token: str) -> Sheet | None:
        """The sheet with this token, where this viewer saw it."""
        with self._lock:
            found = self._kept.get(token)
        if found is None or found[0] != viewer or found[2] < time.monotonic():
            return None
        return found[1]
