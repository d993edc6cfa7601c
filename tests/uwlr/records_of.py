"""The rows of a reading as records, to compare with what was written."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from connectors.uwlr.reader import ReadMessage
from models.schema.records import Absence, Kind, OsoResult, Progress, ReferenceScore, Result, Status


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
    if kind == Kind.PROGRESS:
        status, worked, offered, made, right, duration, other = fields
        return Progress(Status(status), worked, offered, made, right, duration, other)
    texts, (references, has_score) = fields[:9], fields[9:]
    exercises, right, wrong, read, seconds, skill, scale, low, high = texts
    return OsoResult(
        exercises=exercises,
        right=right,
        wrong=wrong,
        read=read,
        seconds=seconds,
        skill=skill,
        skill_scale=scale,
        interval_low=low,
        interval_high=high,
        references=tuple(ReferenceScore(*reference) for reference in references),
        has_score=has_score,
    )
