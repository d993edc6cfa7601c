"""Pages with their filters in the address: links that change only filters, Back and Forward redraw just the content.

The script (assets/rondblik.js) puts the address into the store `<page>-asked`, which the callback of the controls
listens to as well; it returns the content and the values of the controls. The store `<page>-query` holds
the address that is shown: set by the script when it requested the address, or else by that callback, after which the
script puts it into the address bar.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl

import dash
from dash import dcc

from dashboard.ui.signs import attrs

LONGEST = 10_000  # two names of 256 characters that take twelve bytes each
MAX_FIELDS = 40


def asked_id(page: str) -> str:
    """The id of the store that the script puts a requested address into."""
    return f"{page}-asked"


def asked_store(page: str) -> dcc.Store:
    """The store for a requested address."""
    return dcc.Store(id=asked_id(page), storage_type="memory")


def bar_marks(page: str) -> dict[str, Any]:
    """The attribute of the filter bar that tells the script that this page can redraw its content."""
    return attrs(data_asks=page)


def address_asked(page: str, request: object) -> dict[str, object] | None:
    """The filters of the requested address of a callback; None where a control called it."""
    if dash.ctx.triggered_id != asked_id(page):
        return None
    search = request.get("search") if isinstance(request, dict) else None
    return filters_of(search)


def query_and_controls(by_address: object, query: str, controls: Sequence[object]) -> list[Any]:
    """The query and the values of the controls as outputs of a callback; what called it stays unchanged."""
    if by_address is None:
        return [query, *[dash.no_update] * len(controls)]
    return [dash.no_update, *controls]


def filters_of(search: object) -> dict[str, object]:
    """The parameters in the query of an address; empty where it is malformed or too long."""
    if not isinstance(search, str) or len(search) > LONGEST:
        return {}
    try:
        return dict(parse_qsl(search.removeprefix("?"), max_num_fields=MAX_FIELDS))
    except ValueError:
        return {}
