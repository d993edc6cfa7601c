"""Our own components of Dash; the browser's part of them is `assets/controls.js` (docs/adr/0035).

Callbacks read and write their values. A field of a form that no callback reads is markup (`dashboard.ui.fields`).
"""

from __future__ import annotations

from typing import Any, ClassVar

from dash.development.base_component import Component


class Control(Component):
    """A component whose type is the name of its class, and whose properties are `_prop_names`."""

    _namespace = "dashboard"  # a package: Dash imports it for each property, and searches all paths for what is none
    _children_props: ClassVar[list[str]] = []
    _base_nodes: ClassVar[list[str]] = ["children"]
    _valid_wildcard_attributes: ClassVar[list[str]] = ["data-", "aria-"]
    available_wildcard_properties: ClassVar[list[str]] = ["data-", "aria-"]
    _prop_names: ClassVar[list[str]] = []

    def __init_subclass__(cls) -> None:
        cls._type = cls.__name__
        cls.available_properties = cls._prop_names

    def __init__(self, children: Any = None, **properties: Any) -> None:
        if children is not None:
            properties["children"] = children
        super().__init__(**properties)


class Select(Control):
    """A choice of one from a list: `data` are options with `value` and `label`, or groups of them with `items`.

    `searchable`: the options can be narrowed by typing; at most `limit` are listed. `nothing` are the words for an
    empty list. With a `hint` the options are looked for on the server: what was typed is in `search`, and `found` says
    to what `data` is the answer; until then the hint stands in the empty list.
    """

    _prop_names: ClassVar[list[str]] = [
        "id", "label", "data", "value", "placeholder", "searchable", "limit", "nothing", "height", "className",
        "hint", "search", "found",
    ]  # fmt: skip


class MultiSelect(Control):
    """A choice of several from a list; `value` are those that are chosen, in order. Otherwise as `Select`."""

    _prop_names: ClassVar[list[str]] = [
        "id",
        "label",
        "data",
        "value",
        "placeholder",
        "searchable",
        "nothing",
        "height",
        "className",
    ]


class SegmentedControl(Control):
    """A choice of one from a few, side by side."""

    _prop_names: ClassVar[list[str]] = ["id", "data", "value"]


class Radios(Control):
    """A choice of one from a few, as radio buttons with a label."""

    _prop_names: ClassVar[list[str]] = ["id", "label", "data", "value", "className"]


class Field(Control):
    """A field of one line. With `reveal`, the words of a button that shows it, what is typed is hidden.

    `n_submit` counts how often Enter was pressed.
    """

    _prop_names: ClassVar[list[str]] = ["id", "label", "value", "placeholder", "reveal", "n_submit", "className"]


class Dialog(Control):
    """A dialog over the page while `opened`; `close` are the words of the button that closes it."""

    _prop_names: ClassVar[list[str]] = ["id", "children", "title", "opened", "close", "className"]


class Popover(Control):
    """A panel beside the place that a script gives its element `.numplace`, while `opened`."""

    _prop_names: ClassVar[list[str]] = ["id", "children", "opened", "className"]
