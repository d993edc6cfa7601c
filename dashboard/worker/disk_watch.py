"""Watches the disks: an alarm in the log while little is free, and the reserve when nearly nothing is."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from models.schema.disk_space import disk_spaces, hold_reserve, release_reserve

LOOK_EVERY_SECONDS = 5.0
ALARM_EVERY_SECONDS = 3600.0

_log = logging.getLogger("rondblik.disk")


@dataclass(slots=True)
class DiskWatch:
    """Looks at the disks of a data folder every few seconds; `data` None: at none.

    The reserve is on the disk of the database, so there is one on SQLite only.
    """

    engine: Engine
    data: Path | None
    _look_at: float = field(default=0.0, init=False)
    _alarm_at: float = field(default=0.0, init=False)

    def look(self) -> bool:
        """Look, if it is time to; whether the reserve was released, so that what is due should be deleted now."""
        now = time.monotonic()
        if self.data is None or now < self._look_at:
            return False
        self._look_at = now + LOOK_EVERY_SECONDS
        try:
            if now >= self._alarm_at and self._alarm(self.data):
                self._alarm_at = now + ALARM_EVERY_SECONDS
            return self._keep_reserve()
        except (OSError, SQLAlchemyError) as failed:
            _log.error("The disks cannot be looked at (%s).", type(failed).__name__)
            return False

    def _alarm(self, data: Path) -> bool:
        low = [space for space in disk_spaces(data) if space.is_low]
        for space in low:
            _log.warning(
                "Only %d %% of the disk of %s is free: make room. When it is full, no message can be taken in.",
                space.percentage, space.folder,
            )  # fmt: skip
        return bool(low)

    def _keep_reserve(self) -> bool:
        if self.engine.dialect.name != "sqlite" or not self.engine.url.database:
            return False
        folder = Path(self.engine.url.database).parent
        if release_reserve(folder):
            _log.error("The disk of %s is full. The reserve was released, so that data can be deleted.", folder)
            return True
        hold_reserve(folder)
        return False
