"""Days as people type them."""

from __future__ import annotations

import re

from models.schema import clock

_DAY = re.compile(r"([0-9]{1,2})[-/. ]([0-9]{1,2})[-/. ]([0-9]{4})", re.ASCII)


def typed_day(text: str) -> str | None:
    """A day `YYYY-MM-DD` as people type it, 13-11-2026 or 2026-11-13; None where the text is no day."""
    typed = text.strip()
    match = _DAY.fullmatch(typed)
    day = f"{match[3]}-{int(match[2]):02}-{int(match[1]):02}" if match is not None else typed
    return day if clock.is_day(day) else None
