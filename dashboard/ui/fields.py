"""Fields of forms as markup: the browser sends them, no callback reads them."""

from __future__ import annotations

from typing import Any

from dash.development.base_component import Component

from dashboard.ui.elements import Input, html
from dashboard.ui.markup import block
from dashboard.ui.signs import attrs


def text_field(
    label: str, name: str, required: bool = False, placeholder: str | None = None, description: str | None = None
) -> Component:
    """A field of one line with its label."""
    field = Input(type="text", name=name, required=required, placeholder=placeholder, className="field",
                  autoComplete="off", **_described(name, description))  # fmt: skip
    return _labelled(label, field, name, required, description, "f")


def number_field(label: str, name: str, value: int, span: tuple[int, int], description: str) -> Component:
    """A field for a whole number within `span`, both ends included."""
    low, high = span
    field = Input(type="number", name=name, value=value, min=low, max=high, step=1, required=True, className="field",
                  autoComplete="off", **_described(name, description))  # fmt: skip
    return _labelled(label, field, name, False, description, "f wide")


def _described(name: str, description: str | None) -> dict[str, Any]:
    return attrs(aria_describedby=f"about-{name}") if description else {}


def _labelled(
    label: str, field: Component, name: str, required: bool, description: str | None, class_name: str
) -> Component:
    star = [html.Span(" *", className="must", **attrs(aria_hidden="true"))] if required else []
    about = [html.Span(description, className="about", id=f"about-{name}")] if description else []
    label_and_field = html.Label([html.Span([label, *star], className="lab"), field])
    return block(html.Div([label_and_field, *about], className=class_name))
