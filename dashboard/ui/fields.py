"""Fields of forms as markup: the browser sends them, no callback reads them."""

from __future__ import annotations

from typing import Any

from dash.development.base_component import Component

from dashboard.ui.elements import Input, html
from dashboard.ui.markup import block
from dashboard.ui.signs import attrs


def text_field(
    label: str,
    name: str,
    value: str = "",
    required: bool = False,
    placeholder: str | None = None,
    description: str | None = None,
) -> Component:
    """A field of one line with its label, and a description below that."""
    field = Input(
        type="text", name=name, value=value, required=required, placeholder=placeholder, className="field",
        autoComplete="off", spellCheck="false",
    )  # fmt: skip
    star = [html.Span(" *", className="must", **attrs(aria_hidden="true"))] if required else []
    return _labelled([label, *star], description, field, "f")


def secret_field(label: str, name: str, description: str | None = None) -> Component:
    """A field for a key or a password: what is typed is hidden, and what was typed before is never in it."""
    field = Input(type="password", name=name, className="field", autoComplete="new-password")
    return _labelled([label], description, field, "f")


def number_field(label: str, name: str, value: int, span: tuple[int, int], description: str) -> Component:
    """A field for a whole number within `span`, both ends included, with its label and a description."""
    low, high = span
    field = Input(
        type="number", name=name, value=value, min=low, max=high, step=1, required=True, className="field",
        autoComplete="off",
    )  # fmt: skip
    return _labelled([label], description, field, "f wide")


def select_field(label: str, name: str, field_id: str, choices: list[Any]) -> list[Any]:
    """A list to choose one of, with its label; `choices` are options."""
    return [
        html.Label(label, htmlFor=field_id, className="lab"),
        block(html.Select(choices, name=name, id=field_id, className="native")),
    ]


def _labelled(label: list[Any], description: str | None, field: Component, class_name: str) -> Component:
    about = [html.Span(description, className="about")] if description else []
    return block(html.Label([html.Span(label, className="lab"), *about, field], className=class_name))
