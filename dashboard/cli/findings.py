"""Findings as commands print them."""

from __future__ import annotations

import dataclasses
from typing import Any

from models.schema.records import Finding


def finding_text(finding: dict[str, Any]) -> str:
    """A finding for people, in Dutch: a remedy comes in that language only."""
    location = f" regel {finding['line']}, kolom {finding['column']}" if finding["line"] is not None else ""
    return f"{finding['level']} {finding['rule']}{location}: {finding['message_nl']} {finding['remedy']}".rstrip()


SHOWN = ("rule", "level", "clause", "path", "line", "column", "message_nl", "message_en", "remedy", "remedy_en")


def finding_json(finding: Finding) -> dict[str, object]:
    """A finding as an object of JSON."""
    whole = dataclasses.asdict(finding)
    return {name: whole[name] for name in SHOWN}
