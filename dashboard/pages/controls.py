"""Controls that the bars of several screens share."""

from __future__ import annotations

import dash_mantine_components as dmc

from dashboard.texts import _
from models.people import ClassRef

Options = list[dict[str, str]]


def select(
    name: str, label: str, data: Options, value: str, class_name: str = "f o", searchable: bool = False
) -> dmc.Select:
    """A choice of one; what is chosen cannot be taken away, only changed."""
    return dmc.Select(
        id=name, label=label, data=data, value=value, allowDeselect=False, className=class_name, searchable=searchable,
        nothingFoundMessage=_("Nothing found"),
    )  # fmt: skip


def class_select(name: str, classes: list[ClassRef], chosen: tuple[int, ...]) -> dmc.MultiSelect:
    """The classes that the viewer sees; one or several."""
    return dmc.MultiSelect(
        id=name,
        label=_("Class"),
        data=[{"value": str(one.id), "label": class_word(one)} for one in classes],
        value=[str(one) for one in chosen],
        className="f k",
        maxDropdownHeight=420,
        hidePickedOptions=True,
    )


def class_word(one: ClassRef) -> str:
    """What a class is called in a list."""
    place = f" ({one.location})" if one.location else ""
    return _("Class {name}", name=one.name) + place


def options(everything: str, named: dict[str, str]) -> Options:
    """A choice between everything and what is named."""
    return [{"value": "", "label": everything}, *({"value": key, "label": word} for key, word in named.items())]
