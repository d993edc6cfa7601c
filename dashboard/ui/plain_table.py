"""A table of texts and buttons that scrolls by itself where it is wider than the window."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dashboard.ui.elements import html
from dashboard.ui.markup import block
from dashboard.ui.signs import attrs


def plain_table(name: str, heads: Sequence[str], rows: Sequence[Sequence[Any]]) -> Any:
    """A table called `name` to screen readers, with a head for each column."""
    head = html.Thead(html.Tr([html.Th(words, scope="col") for words in heads]))
    body = html.Tbody([html.Tr([html.Td(cell) for cell in row]) for row in rows])
    table = html.Table([head, body])
    return block(html.Div(table, className="tw", tabIndex=0, role="region", **attrs(aria_label=name)))
