"""What stood on a screen, kept a while in memory, so that a file is made of just that and of nothing newer."""

from __future__ import annotations

import secrets
import threading
import time
import zlib
from collections import OrderedDict
from dataclasses import dataclass, field

from pydantic import TypeAdapter

from dashboard.export.sheets import Sheet
from models.access.viewer import Viewer

MAX_PER_VIEWER = 40
KEEP_SECONDS = 4 * 3600.0

_sheet_json = TypeAdapter(Sheet)


@dataclass(slots=True)
class Snapshots:
    """The last sheets that each viewer saw, packed; the screens of others never push them out."""

    _packed: dict[Viewer, OrderedDict[str, tuple[bytes, float]]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, viewer: Viewer, sheet: Sheet) -> str:
        """Keep a sheet; returns the token with which who saw it asks for it."""
        token, packed, now = secrets.token_urlsafe(12), zlib.compress(_sheet_json.dump_json(sheet)), time.monotonic()
        with self._lock:
            own = self._packed.setdefault(viewer, OrderedDict())
            own[token] = (packed, now + KEEP_SECONDS)
            if len(own) > MAX_PER_VIEWER:
                own.popitem(last=False)
            for other, sheets in list(self._packed.items()):
                while sheets and next(iter(sheets.values()))[1] < now:
                    sheets.popitem(last=False)
                if not sheets:
                    del self._packed[other]
        return token

    def find(self, viewer: Viewer, token: str) -> Sheet | None:
        """The sheet with this token, where this viewer saw it."""
        with self._lock:
            packed, until = self._packed.get(viewer, OrderedDict()).get(token, (b"", 0.0))
        if not packed or until < time.monotonic():
            return None
        return _sheet_json.validate_json(zlib.decompress(packed))
