"""Controls that the bars of several screens share."""

from __future__ import annotations

from dashboard.text import words
from dashboard.text.translate import _, short_day
from dashboard.ui.components import MultiSelect, Select
from dashboard.ui.filters import (
    BOTH_YEARS,
    FOUR_WEEKS,
    LAST_YEAR,
    PERIODS,
    THIS_YEAR,
    TWELVE_WEEKS,
    ClassFilters,
    current_school_year,
)
from models.access.people import ClassRef, Subgroup

Options = list[dict[str, str]]


def select(
    name: str, label: str, data: Options, value: str, class_name: str = "f o", searchable: bool = False
) -> Select:
    """A choice of one; what is chosen cannot be taken away, only changed."""
    return Select(
        id=name, label=label, data=data, value=value, className=class_name, searchable=searchable,
        nothing=_("Nothing found"),
    )  # fmt: skip


def class_select(name: str, classes: list[ClassRef], chosen: tuple[int, ...]) -> MultiSelect:
    """The classes that the viewer sees; one or several."""
    return MultiSelect(
        id=name,
        label=_("Class"),
        data=[{"value": str(class_ref.id), "label": class_word(class_ref)} for class_ref in classes],
        value=[str(item) for item in chosen],
        className="f k",
        height=420,
    )


def class_word(class_ref: ClassRef) -> str:
    """What a class is called in a list."""
    return words.class_word(class_ref.name)


def options(everything: str, named: dict[str, str]) -> Options:
    """A choice between everything and what is named."""
    return [{"value": "", "label": everything}, *({"value": key, "label": word} for key, word in named.items())]


def period_word(filters: ClassFilters, classes: list[ClassRef]) -> str:
    """The period in words."""
    return next(option["label"] for option in period_options(classes, filters) if option["value"] == filters.period)


def period_options(classes: list[ClassRef], filters: ClassFilters) -> Options:
    """The periods by name, and the days that are chosen where they are none of them."""
    first = filters.dates(current_school_year(classes)).first if filters.period == THIS_YEAR else None
    labels = {
        THIS_YEAR: _("This school year, from {day}", day=short_day(first)) if first else _("This school year"),
        FOUR_WEEKS: _("The last 4 weeks"),
        TWELVE_WEEKS: _("The last 12 weeks"),
        BOTH_YEARS: _("This school year and the last"),
        LAST_YEAR: _("Last school year"),
    }
    options = [{"value": name, "label": labels[name]} for name in PERIODS]
    if filters.period not in PERIODS:
        span = filters.dates(current_school_year(classes))
        label = _("{first} to {last}", first=short_day(span.first), last=short_day(span.last))
        options.append({"value": filters.period, "label": label})
    return options


def subgroup_word(subgroup: Subgroup) -> str:
    """What a part of a class is called."""
    return words.year_word(subgroup.name) if subgroup.key.startswith("jaar") else subgroup.name
