"""The filters of the class screen: their state in the address, and what they mean; anything odd is the default."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlencode

from models import clock
from models.people import ClassRef
from models.periods import Period, last_days, of_school_year, with_year_before

THIS_YEAR, BOTH_YEARS, LAST_YEAR, FOUR_WEEKS, TWELVE_WEEKS = "jaar", "tweejaar", "vorigjaar", "4weken", "12weken"
PERIODS = (THIS_YEAR, FOUR_WEEKS, TWELVE_WEEKS, BOTH_YEARS, LAST_YEAR)
BY_SUBJECT, BY_MATERIAL = "vak", "materiaal"
_SPAN = re.compile(r"(\d{4}-\d{2}-\d{2})_(\d{4}-\d{2}-\d{2})", re.ASCII)


@dataclass(frozen=True, slots=True)
class GroupFilters:
    """What the class screen shows; `subject` and `source` are None for all."""

    class_ids: tuple[int, ...]
    period: str = THIS_YEAR
    subject: str | None = None
    source: int | None = None
    view: str = BY_SUBJECT

    @property
    def query(self) -> str:
        """The address behind the question mark; defaults are left out."""
        given = {
            "klas": ",".join(str(one) for one in self.class_ids),
            "periode": self.period if self.period != THIS_YEAR else "",
            "vak": self.subject or "",
            "uitgever": "" if self.source is None else str(self.source),
            "weergave": self.view if self.view != BY_SUBJECT else "",
        }
        return "?" + urlencode({key: value for key, value in given.items() if value}, safe=",")

    def dates(self, school_year: str) -> Period:
        """The test dates that the period stands for, with `school_year` as the present one."""
        return period_dates(self.period, school_year)


def period_dates(period: str, school_year: str) -> Period:
    """The dates of a period; `yyyy-mm-dd_yyyy-mm-dd` are dates as chosen."""
    span = _SPAN.fullmatch(period)
    if span is not None:
        return Period(span[1], span[2])
    if period == FOUR_WEEKS:
        return last_days(28)
    if period == TWELVE_WEEKS:
        return last_days(84)
    if period == BOTH_YEARS:
        return with_year_before(school_year)
    if period == LAST_YEAR:
        return of_school_year(f"{int(school_year[:4]) - 1}-{int(school_year[:4])}")
    return of_school_year(school_year)


def read_filters(
    classes: list[ClassRef],
    klas: object = None,
    periode: object = None,
    vak: object = None,
    uitgever: object = None,
    weergave: object = None,
) -> GroupFilters:
    """The filters as an address or a control states them; values may be of any type, the unknown is left out."""
    known = {one.id for one in classes}
    asked = [one for one in _numbers(klas) if one in known]
    chosen = tuple(dict.fromkeys(asked)) or tuple(one.id for one in classes[:1])
    publisher = _numbers(uitgever)
    return GroupFilters(
        chosen,
        read_period(periode),
        vak if isinstance(vak, str) and re.fullmatch(r"[a-z_]{1,40}", vak) else None,
        publisher[0] if len(publisher) == 1 else None,
        BY_MATERIAL if weergave == BY_MATERIAL else BY_SUBJECT,
    )


def read_period(periode: object) -> str:
    """A period by name or by two days; this school year where it is neither."""
    if not isinstance(periode, str):
        return THIS_YEAR
    span = _SPAN.fullmatch(periode)
    if periode in PERIODS or (span is not None and span[1] <= span[2]):
        return periode
    return THIS_YEAR


def _numbers(value: object) -> list[int]:
    """Small whole numbers in a text with commas, or in a list of texts."""
    texts = value if isinstance(value, list) else [value]
    pieces = [piece for text in texts if isinstance(text, str | int) for piece in str(text).split(",")]
    return [int(piece) for piece in pieces if re.fullmatch(r"[0-9]{1,9}", piece)]


def present_year(classes: list[ClassRef]) -> str:
    """The school year that the screen counts as the present one; the newest where locations differ."""
    return max((one.school_year for one in classes), default=clock.school_year(clock.today()))
