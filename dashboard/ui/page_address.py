"""Pages whose filters live in the address: links that only change it, Back and Forward redraw the content alone.

The script (assets/rondblik.js) puts the address into the store `<page>-asked`, which the callback of the controls
listens to as well: that answers with the content and with the values of the controls. The store `<page>-query` holds
the address that is shown: from the script when it requested it, else from that callback, after which it goes into the
address of the browser.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl

import dash
from dash import dcc

from dashboard.ui.signs import attrs

LONGEST = 2000
MAX_FIELDS = 40


def asked_id(page: str) -> str:
    """The name of the store that the script puts an address into."""
    return f"{page}-asked"


def asked_store(page: str) -> dcc.Store:
    """The store itself."""
    return dcc.Store(id=asked_id(page), storage_type="memory")


def bar_marks(page: str) -> dict[str, Any]:
    """Tells the script, on the filter bar, that the page of this name can be asked for another address."""
    return attrs(data_asks=page)


def address_asked(page: str, asked: object) -> dict[str, object] | None:
    """The filters of the address that a callback was asked for; None where a control called it."""
    if dash.ctx.triggered_id != asked_id(page):
        return None
    search = asked.get("search") if isinstance(asked, dict) else None
    return filters_of(search)


def query_and_controls(by_address: object, query: str, controls: Sequence[object]) -> list[Any]:
    """The query and the values of the controls as outputs of a callback; unchanged is whichever of them called it."""
    if by_address is None:
        return [query, *[dash.no_update] * len(controls)]
    return [dash.no_update, *controls]


def filters_of(search: object) -> dict[str, object]:
    """The filters in what stands behind the path of an address; of what is no address none."""
    if not isinstance(search, str) or len(search) > LONGEST:
        return {}
    try:
        return dict(parse_qsl(search.removeprefix("?"), max_num_fields=MAX_FIELDS))
    except ValueError:
        return {}
