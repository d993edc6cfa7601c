"""The rows of a reading as records, to compare with what was written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from connectors.uwlr.reader import ReadMessage
from models.schema.records import Absence, Kind, OsoResult, Progress, Result


def results_of(reading: ReadMessage) -> Iterator[Result]:
    """The results of a reading, in order of the message."""
    for rows in reading.rows:
        for key, pupil, test, part, kind, taken, text, score, absence, detail, url, zoned in rows:
            yield Result(
                key=key,
                pupil=reading.pupils[pupil],
                test=reading.tests[test],
                part_code=part,
                kind=Kind(kind),
                taken_on=taken,
                score_text=text,
                score=score,
                absence=None if absence is None else Absence(absence),
                detail=_detail(kind, detail),
                info_url=url,
                taken_text=zoned,
            )


def _detail(kind: int, fields: tuple[Any, ...] | None) -> OsoResult | Progress | None:
    if fields is None:
        return None
    return Progress(*fields) if kind == Kind.PROGRESS else OsoResult(*fields)
