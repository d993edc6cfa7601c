"""The filters of the class screens: their state in the address, and what they mean; anything odd is the default."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from dashboard.ui import addresses
from models.access.people import ClassRef
from models.classroom.attention import AttentionGroup
from models.results.periods import Period, last_days, of_school_year, with_year_before
from models.results.subject_materials import SubjectMaterial, matches
from models.schema import clock

THIS_YEAR, BOTH_YEARS, LAST_YEAR, FOUR_WEEKS, TWELVE_WEEKS = "jaar", "tweejaar", "vorigjaar", "4weken", "12weken"
PERIODS = (THIS_YEAR, FOUR_WEEKS, TWELVE_WEEKS, BOTH_YEARS, LAST_YEAR)
BY_SUBJECT, BY_MATERIAL = "vak", "materiaal"
ATTENTION_GROUPS = {
    "aandacht": AttentionGroup.ATTENTION,
    "onder": AttentionGroup.BELOW,
    "norm": AttentionGroup.ON_NORM,
    "ruim": AttentionGroup.FAR_ABOVE,
    "weinig": AttentionGroup.FEW,
}
ATTENTION_GROUP_NAMES = {attention_group: name for name, attention_group in ATTENTION_GROUPS.items()}
LONGEST_TEXT = 256  # the standard allows no longer names
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_SPAN = re.compile(r"((?:19|20|21)\d\d-\d\d-\d\d)_((?:19|20|21)\d\d-\d\d-\d\d)", re.ASCII)
_SUBGROUP = re.compile(r"jaar-[0-9A-Z]{1,2}|groep-[0-9]{1,9}", re.ASCII)

# The names of the controls of the bar, which are those in the address too.
CONTROLS = ("klas", "periode", "vak", "materiaal", "uitgever", "groep", "doel", "status", "weergave")
OPEN_GROUP = "stand"  # which of the groups is opened; its own links change it


@dataclass(frozen=True, slots=True)
class ClassFilters:
    """What the class screens show; None stands for all.

    `subgroup` is `jaar-6` (a year group) or `groep-12` (another class that pupils are in too), `goal` the name of a
    part, `status` restricts the pupils to one of the groups, `open_group` is the group whose list is open.
    """

    class_ids: tuple[int, ...]
    period: str = THIS_YEAR
    subject: str | None = None
    source: int | None = None
    view: str = BY_SUBJECT
    material: str | None = None
    subgroup: str | None = None
    goal: str | None = None
    status: AttentionGroup | None = None
    open_group: AttentionGroup = AttentionGroup.ATTENTION

    @property
    def query(self) -> str:
        """The address behind the question mark; defaults are left out."""
        parameters = {
            "klas": addresses.numbers(self.class_ids),
            "periode": self.period if self.period != THIS_YEAR else "",
            "vak": self.subject or "",
            "materiaal": self.material or "",
            "uitgever": "" if self.source is None else str(self.source),
            "groep": self.subgroup or "",
            "doel": self.goal or "",
            "status": "" if self.status is None else ATTENTION_GROUP_NAMES[self.status],
            "weergave": self.view if self.view != BY_SUBJECT else "",
            OPEN_GROUP: ATTENTION_GROUP_NAMES[self.open_group]
            if self.open_group is not AttentionGroup.ATTENTION
            else "",
        }
        return "?" + urlencode({key: value for key, value in parameters.items() if value}, safe=",")

    def replacing(self, **changed: object) -> ClassFilters:
        """The same filters with some of them changed."""
        return replace(self, **changed)  # type: ignore[arg-type]

    def matches(self, subject_material: SubjectMaterial) -> bool:
        """Whether a subject of a material matches the filters for subject, material and publisher."""
        return matches(subject_material, self.subject, self.material) and self.source in (
            None,
            subject_material.source_id,
        )

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


def read_filters(classes: list[ClassRef], parameters: Mapping[str, object]) -> ClassFilters:
    """The filters as an address or controls state them; values may be of any type, the unknown is left out."""
    known = {class_ref.id for class_ref in classes}
    class_ids = [number for number in addresses.read_numbers(parameters.get("klas")) if number in known]
    chosen = tuple(dict.fromkeys(class_ids)) or tuple(class_ref.id for class_ref in classes[:1])
    publisher = _numbers(parameters.get("uitgever"))
    subject, subgroup, status = parameters.get("vak"), parameters.get("groep"), parameters.get("status")
    return ClassFilters(
        chosen,
        read_period(parameters.get("periode")),
        subject if isinstance(subject, str) and re.fullmatch(r"[a-z_]{1,40}", subject) else None,
        publisher[0] if len(publisher) == 1 else None,
        BY_MATERIAL if parameters.get("weergave") == BY_MATERIAL else BY_SUBJECT,
        _text(parameters.get("materiaal")),
        subgroup if isinstance(subgroup, str) and _SUBGROUP.fullmatch(subgroup) else None,
        _text(parameters.get("doel")),
        ATTENTION_GROUPS.get(status) if isinstance(status, str) else None,
        ATTENTION_GROUPS.get(str(parameters.get(OPEN_GROUP)), AttentionGroup.ATTENTION),
    )


def read_period(periode: object) -> str:
    """A period by name or by two days; this school year where it is neither."""
    if not isinstance(periode, str):
        return THIS_YEAR
    span = _SPAN.fullmatch(periode)
    if periode in PERIODS:
        return periode
    if span is not None and clock.is_day(span[1]) and clock.is_day(span[2]) and span[1] <= span[2]:
        return periode
    return THIS_YEAR


def _text(value: object) -> str | None:
    """A name of a material or part as an address states it."""
    is_name = isinstance(value, str) and 0 < len(value) <= LONGEST_TEXT and not _CONTROL.search(value)
    return str(value) if is_name else None


def _numbers(value: object) -> list[int]:
    """Small whole numbers in a text with commas, or in a list of texts."""
    texts = value if isinstance(value, list) else [value]
    pieces = [piece for text in texts if isinstance(text, str | int) for piece in str(text).split(",")]
    return [int(piece) for piece in pieces if re.fullmatch(r"[0-9]{1,9}", piece)]


def current_school_year(classes: list[ClassRef]) -> str:
    """The school year that the screen counts as the present one; the newest where locations differ."""
    return max((class_ref.school_year for class_ref in classes), default=clock.school_year(clock.today()))
